"""Questions about CUDA that scripts ask; the kernels themselves are not part of this release."""

from ..errors import ArgumentError


def is_available():
    """Whether tensors can live on a GPU: no."""
    return False


def device_count():
    """How many GPUs tensors can live on: none."""
    return 0


def manual_seed_all(seed):
    """Nothing to seed."""


manual_seed = manual_seed_all


def synchronize(device=None):
    """Raises: there is no GPU to wait for."""
    raise ArgumentError("cuda.synchronize: no CUDA device is available; ask udlfast.cuda.is_available() first")
