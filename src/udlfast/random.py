"""The default generator of random numbers under PyTorch's module name."""

from ._core import Generator, default_generator, manual_seed
from .ops.random import get_rng_state, initial_seed, seed, set_rng_state

__all__ = ["Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


class fork_rng:
    """A block after which the default generator goes on from where it was before.

    >>> import udlfast as torch
    >>> with torch.random.fork_rng():
    ...     a = torch.rand(1)
    >>> bool(torch.rand(1) == a)
    True
    """

    def __init__(self, devices=None, enabled=True):
        self.enabled = enabled

    def __enter__(self):
        self.state = get_rng_state()

    def __exit__(self, *exc):
        if self.enabled:
            set_rng_state(self.state)
