"""Questions about several processes that scripts ask; training on several machines is not part of this release."""

from ..errors import ArgumentError


def is_available():
    """Whether processes can be joined into a group: no."""
    return False


def is_initialized():
    """Whether this process has joined a group: no."""
    return False


is_torchelastic_launched = is_mpi_available = is_gloo_available = is_nccl_available = is_available


def get_rank(group=None):
    """The number of this process in its group: 0."""
    return 0


def get_world_size(group=None):
    """The number of processes in the group: 1."""
    return 1


def init_process_group(backend=None, **options):
    """Raises: processes cannot be joined into a group."""
    raise ArgumentError("distributed.init_process_group: this release runs in one process; start the script without a launcher "
                        "such as torchrun, so that RANK and WORLD_SIZE are not set")


def destroy_process_group(group=None):
    """Raises: there is no group."""
    raise ArgumentError("distributed.destroy_process_group: there is no process group in this release")
