"""Utilities: modules that are loaded on first use."""


def __getattr__(name):
    if name in ("data", "checkpoint", "tensorboard", "benchmark", "hooks", "dlpack", "flop_counter", "model_zoo", "_pytree"):
        import importlib

        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
