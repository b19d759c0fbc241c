"""torch.autograd.profiler, an older place of torch.profiler."""

from ..profiler import *  # noqa: F403
