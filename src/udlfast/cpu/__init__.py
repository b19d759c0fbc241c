"""The CPU as a device, for scripts that ask it what they ask of CUDA."""


def is_available():
    """True."""
    return True


def device_count():
    """1"""
    return 1


def current_device():
    """The name of the only device."""
    return "cpu"


def set_device(device):
    """Nothing to choose."""


def synchronize(device=None):
    """Nothing to wait for: operations are done when they return."""


def __getattr__(name):
    if name == "amp":
        from importlib import import_module

        return import_module(".amp", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
