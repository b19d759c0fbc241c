"""Python objects between processes: numbers, strings, containers and tensors, in the form of `udlfast.save`; no pickle is run."""

import io

from .. import _core, frombuffer, tensor
from ..errors import ArgumentError
from ._world import GroupMember, current
from .collectives import all_gather, all_gather_into_tensor, broadcast, gather

__all__ = ["all_gather_object", "broadcast_object_list", "gather_object", "scatter_object_list"]


def packed(obj):
    """An object as a tensor of bytes."""
    from .. import save

    file = io.BytesIO()
    save([obj], file)
    return frombuffer(file.getbuffer(), dtype=_core.uint8)


def unpacked(data):
    """The object in a tensor of bytes."""
    from .. import load

    return load(io.BytesIO(data.numpy().tobytes()))[0]


def _sizes(mine, group):
    """The sizes of all processes' packed objects."""
    sizes = _core.zeros(group.size, dtype=_core.int64)
    all_gather_into_tensor(sizes, tensor([mine.numel()]), group)
    return sizes.tolist()


def all_gather_object(object_list, obj, group=None):
    """object_list[r] becomes the object of process r.

    Arguments: object_list: a list of one entry for each process; obj: numbers, strings, None, lists, tuples, dicts and tensors.
    Raises: TypeError for other objects: name what is needed instead of sending it whole.
    """
    if group is GroupMember.NON_GROUP_MEMBER:
        return
    group = current(group, "all_gather_object")
    if len(object_list) != group.size:
        raise ArgumentError(f"distributed.all_gather_object: object_list needs {group.size} entries, got {len(object_list)}")
    mine = packed(obj)
    found = [_core.empty(n, dtype=_core.uint8) for n in _sizes(mine, group)]
    all_gather(found, mine, group)
    object_list[:] = [unpacked(data) for data in found]


def gather_object(obj, object_gather_list=None, dst=0, group=None):
    """Process dst gets the objects of all in object_gather_list, which is None elsewhere."""
    if group is GroupMember.NON_GROUP_MEMBER:
        return
    group = current(group, "gather_object")
    here = group.rank == group.local(dst, "gather_object")
    if here and object_gather_list is None:
        raise ArgumentError("distributed.gather_object: process dst needs object_gather_list")
    mine = packed(obj)
    sizes = _sizes(mine, group)
    found = [_core.empty(n, dtype=_core.uint8) for n in sizes] if here else None
    gather(mine, found, dst, group)
    if here:
        object_gather_list[:] = [unpacked(data) for data in found]


def broadcast_object_list(object_list, src=0, group=None, device=None):
    """Every entry of object_list becomes that of process src."""
    if group is GroupMember.NON_GROUP_MEMBER:
        return
    group = current(group, "broadcast_object_list")
    here = group.rank == group.local(src, "broadcast_object_list")
    data = packed(list(object_list)) if here else None
    size = tensor([data.numel() if here else 0])
    broadcast(size, src, group)
    if not here:
        data = _core.empty(size.item(), dtype=_core.uint8)
    broadcast(data, src, group)
    if not here:
        found = unpacked(data)
        if len(found) != len(object_list):
            raise ArgumentError(f"distributed.broadcast_object_list: rank {src} sent {len(found)} objects, this list has "
                                f"{len(object_list)}")  # fmt: skip
        object_list[:] = found


def scatter_object_list(scatter_object_output_list, scatter_object_input_list=None, src=0, group=None):
    """The first entry of the output list becomes this process's entry of the input list of process src."""
    if group is GroupMember.NON_GROUP_MEMBER:
        return
    group = current(group, "scatter_object_list")
    whole = [scatter_object_input_list if group.rank == group.local(src, "scatter_object_list") else None]
    broadcast_object_list(whole, src, group)
    scatter_object_output_list[:1] = [whole[0][group.rank]]
