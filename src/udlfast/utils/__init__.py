"""Utilities; `udlfast.utils.data`, `checkpoint`, `benchmark` and `tensorboard` are loaded on first use."""


def __getattr__(name):
    if name in ("data", "checkpoint", "tensorboard", "benchmark"):
        import importlib

        return importlib.import_module("." + name, __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
