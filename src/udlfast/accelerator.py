"""Questions about accelerators that scripts ask: there is none, everything runs on the CPU."""


def is_available():
    """Whether there is an accelerator besides the CPU: no."""
    return False


def device_count():
    """How many accelerators there are: none."""
    return 0


def current_accelerator(check_available=False):
    """The kind of accelerator, as a device: None."""


def current_device_index():
    """Raises: there is no accelerator."""
    from .errors import ArgumentError

    raise ArgumentError("accelerator: there is none; ask udlfast.accelerator.is_available() first, and use device('cpu')")


def set_device_index(device):
    """Raises: there is no accelerator."""
    current_device_index()


def synchronize(device=None):
    """Nothing to wait for: operations are done when they return."""


def empty_cache():
    """Give kept memory back to the system, as udlfast.trim()."""
    from ._core import trim

    trim()
