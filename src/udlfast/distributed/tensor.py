"""torch.distributed.tensor: names for isinstance, which says no; there are no tensors that are spread over processes."""

from ..errors import ArgumentError

__all__ = ["DTensor", "Partial", "Placement", "Replicate", "Shard"]


def _class(name):
    def __init__(self, *args, **kwargs):
        raise ArgumentError(f"distributed.tensor.{name}: there are no tensors that are spread over processes")

    return type(name, (), {"__init__": __init__, "__module__": __name__, "__doc__": "A name: to make one raises ArgumentError."})


DTensor, Partial, Placement, Replicate, Shard = map(_class, ("DTensor", "Partial", "Placement", "Replicate", "Shard"))
