"""Several processes that train together, on one machine or many: MPI through mpi4py (`pip install 'udlfast[mpi]'`).

    mpiexec -n 2 python script.py          in the script: udlfast.distributed.init()

PyTorch's names. [docs/distributed.md] tells how it works and what it costs; `python -m udlfast launch` prints commands.
"""

from ..errors import DistributedError as DistributedError
from ._work import Work as Work
from ._world import Group as ProcessGroup  # noqa: F401
from ._world import (  # noqa: F401
    GroupMember,
    current,
    destroy_process_group,
    fail,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_node_local_rank,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    init,
    init_process_group,
    is_available,
    is_initialized,
    is_mpi_available,
    new_group,
)
from .collectives import *  # noqa: F403
from .collectives import __all__ as _collectives
from .objects import *  # noqa: F403
from .objects import __all__ as _objects

DistError = DistBackendError = DistNetworkError = DistributedError
_all_gather_base, _reduce_scatter_base = all_gather_into_tensor, reduce_scatter_tensor  # noqa: F405

__all__ = ["DistributedError", "GroupMember", "ProcessGroup", "Work", "destroy_process_group", "fail", "get_backend", "get_global_rank",
           "get_group_rank", "get_node_local_rank", "get_process_group_ranks", "get_rank", "get_world_size", "init",
           "init_process_group", "is_available", "is_initialized", "is_mpi_available", "new_group", *_collectives, *_objects]  # fmt: skip


def is_gloo_available():
    """Whether there is another engine than MPI: no."""
    return False


is_nccl_available = is_ucc_available = is_torchelastic_launched = is_gloo_available


def __getattr__(name):
    if name in ("optim", "algorithms"):
        from importlib import import_module

        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
