"""Operations on tensors that all processes of a group call together. PyTorch's names, signatures and order of arguments.

Each starts MPI's form that does not block and waits for it in `Work.wait`, which notices lost processes; with async_op=True
the caller waits. Ranks in arguments are numbers in the world, also within groups.
"""

from .. import _core, cat
from ..errors import ArgumentError
from ._buffers import NARROW, checked, checked_list, raw, same, typed, written
from ._work import Work
from ._world import GroupMember, current

__all__ = ["ReduceOp", "all_gather", "all_gather_into_tensor", "all_reduce", "all_to_all", "all_to_all_single", "barrier", "broadcast",
           "gather", "irecv", "isend", "recv", "reduce", "reduce_scatter", "reduce_scatter_tensor", "scatter", "send"]  # fmt: skip


class ReduceOp:
    """How numbers are put together: SUM, AVG (floating point), PRODUCT, MIN, MAX, and BAND, BOR, BXOR (integers)."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = "SUM", "AVG", "PRODUCT", "MIN", "MAX", "BAND", "BOR", "BXOR"


MPI_NAMES = {"SUM": "SUM", "AVG": "SUM", "PRODUCT": "PROD", "MIN": "MIN", "MAX": "MAX", "BAND": "BAND", "BOR": "BOR", "BXOR": "BXOR"}


def _mpi_op(group, t, op, name):
    kind = getattr(op, "name", op)
    if kind not in MPI_NAMES:
        raise ArgumentError(f"distributed.{name}: op must be a ReduceOp, got {op!r}")
    floating = t.dtype.is_floating_point
    if (kind == "AVG" and not floating) or (kind in ("BAND", "BOR", "BXOR") and floating):
        raise ArgumentError(f"distributed.{name}: ReduceOp.{kind} is not defined for {t.dtype}")
    code = MPI_NAMES[kind]
    if t.dtype is _core.bool_ and code in ("SUM", "PROD", "MAX", "MIN", "BAND", "BOR"):
        code = {"SUM": "LOR", "MAX": "LOR", "BOR": "LOR"}.get(code, "LAND")
    elif t.dtype is _core.bool_:
        code = "LXOR"
    return getattr(group.world.MPI, code), kind == "AVG"


def _start(group, requests, what, async_op, finish=None, hold=None):
    work = Work(group.world, requests, what, finish, hold)
    if async_op:
        return work
    work.wait()
    return None


def _outside(group):
    return group is GroupMember.NON_GROUP_MEMBER


def _reduced(group, t, op, name, start):
    """The requests of start(buffer, mpi_op) and what to do at the end, for a tensor that is reduced in place."""
    mpi_op, mean = _mpi_op(group, t, op, name)
    work = t.detach().to(_core.float32) if t.dtype in NARROW else t.detach()
    request = start(typed(group.world.MPI, work, name), mpi_op)

    def finish(keep=True):
        with _core.no_grad():
            if keep and mean:
                work.div_(group.size)
            if keep and work.dtype is not t.dtype:
                t.detach().copy_(work)
        written(t)

    return request, finish, work


def all_reduce(tensor, op=ReduceOp.SUM, group=None, async_op=False):
    """Every process gets op over the tensors of all, in place.

    bfloat16 and float16 are reduced as float32 and rounded once. The order of the sum is MPI's, which depends on sizes alone.

    Arguments:
        tensor: contiguous, of one shape and type everywhere; op: a ReduceOp; group: from new_group, None for all processes.
        async_op: return a Work to wait for instead of waiting.
    Raises: ArgumentError, DTypeError for what cannot be sent; DistributedError when a process is lost.

    Source: PyTorch's function of that name.
    """
    if _outside(group):
        return None
    group = current(group, "all_reduce")
    checked(tensor, "all_reduce")
    request, finish, hold = _reduced(group, tensor, op, "all_reduce",
                                     lambda buffer, mpi_op: group.inner.Iallreduce(group.world.MPI.IN_PLACE, buffer, mpi_op))  # fmt: skip
    return _start(group, [request], "all_reduce", async_op, finish, hold)


def reduce(tensor, dst, op=ReduceOp.SUM, group=None, async_op=False):
    """Process dst gets op over the tensors of all, in place; elsewhere the tensor stays as it is. Arguments as in all_reduce."""
    if _outside(group):
        return None
    group = current(group, "reduce")
    checked(tensor, "reduce")
    root, MPI = group.local(dst, "reduce"), group.world.MPI
    here = group.rank == root

    def start(buffer, mpi_op):
        send, out = (MPI.IN_PLACE, buffer) if here else (buffer, None)
        return group.inner.Ireduce(send, out, mpi_op, root)

    request, finish, hold = _reduced(group, tensor, op, "reduce", start)
    return _start(group, [request], "reduce", async_op, finish if here else None, hold)


def broadcast(tensor, src, group=None, async_op=False):
    """Every process gets the tensor of process src, in place. Arguments as in all_reduce; any element type."""
    if _outside(group):
        return None
    group = current(group, "broadcast")
    checked(tensor, "broadcast")
    request = group.inner.Ibcast(raw(group.world.MPI, tensor), group.local(src, "broadcast"))
    return _start(group, [request], "broadcast", async_op, lambda: written(tensor), tensor)


def all_gather_into_tensor(output_tensor, input_tensor, group=None, async_op=False):
    """The tensors of all processes, one after the other, in output_tensor [R n...]; input_tensor may be this process's part of it."""
    if _outside(group):
        return None
    op, group = "all_gather_into_tensor", current(group, "all_gather_into_tensor")
    checked(output_tensor, op, "output_tensor"), checked(input_tensor, op, "input_tensor")
    same(op, output_tensor, input_tensor, group.size, ("output_tensor", "input_tensor"))
    MPI, n = group.world.MPI, input_tensor.numel() * input_tensor.element_size()
    send = raw(MPI, input_tensor)
    if n and input_tensor.data_ptr() == output_tensor.data_ptr() + group.rank * n:
        send = MPI.IN_PLACE
    out = [MPI.buffer.fromaddress(output_tensor.data_ptr(), n * group.size), n, MPI.BYTE]
    return _start(group, [group.inner.Iallgather(send, out)], op, async_op, lambda: written(output_tensor), (output_tensor, input_tensor))


def reduce_scatter_tensor(output, input, op=ReduceOp.SUM, group=None, async_op=False):
    """Process r gets part r of R equal parts of op over the inputs of all; output is one R-th of input."""
    if _outside(group):
        return None
    name, group = "reduce_scatter_tensor", current(group, "reduce_scatter_tensor")
    checked(output, name, "output"), checked(input, name, "input")
    same(name, input, output, group.size, ("input", "output"))
    MPI, source = group.world.MPI, input.detach()
    if source.dtype in NARROW:
        source = source.to(_core.float32)

    def start(buffer, mpi_op):
        whole, _, kind = typed(MPI, source, name)
        return group.inner.Ireduce_scatter_block([whole, output.numel(), kind], buffer, mpi_op)

    request, finish, hold = _reduced(group, output, op, name, start)
    return _start(group, [request], name, async_op, finish, (source, hold))


def reduce_scatter(output, input_list, op=ReduceOp.SUM, group=None, async_op=False):
    """Process r gets op over the input_list[r] of all. Arguments as in all_reduce; input_list: one tensor like output for each."""
    if _outside(group):
        return None
    group = current(group, "reduce_scatter")
    for t in checked_list(input_list, group.size, "reduce_scatter", "input_list"):
        same("reduce_scatter", t, output, 1, ("input_list", "output"))
    joined = cat([t.detach().reshape(-1) for t in input_list])
    return reduce_scatter_tensor(output, joined, op, group, async_op)


def _spread(group, what, sends, receives, async_op, hold):
    """Messages between any processes of the group: {number: tensor} to send, {number: tensor} to receive."""
    MPI, comm, tag = group.world.MPI, group.inner, group.next_tag()
    requests, got = [], []
    for k, t in receives.items():
        if k != group.rank:
            requests.append(comm.Irecv(raw(MPI, t), k, tag))
            got.append(t)
        elif t is not sends[k]:
            t.detach().copy_(sends[k].detach().reshape(t.shape))
    for k, t in sends.items():
        if k != group.rank:
            requests.append(comm.Isend(raw(MPI, t), k, tag))
    return _start(group, requests, what, async_op, lambda: written(*got), hold)


def all_gather(tensor_list, tensor, group=None, async_op=False):
    """tensor_list[r] becomes the tensor of process r; shapes may differ from process to process if all know them."""
    if _outside(group):
        return None
    group = current(group, "all_gather")
    outs, t = checked_list(tensor_list, group.size, "all_gather", "tensor_list"), checked(tensor, "all_gather")
    same("all_gather", outs[group.rank], t, 1, ("tensor_list", "tensor"))
    return _spread(group, "all_gather", dict.fromkeys(_others(group, True), t), dict(enumerate(outs)), async_op, (outs, t))


def gather(tensor, gather_list=None, dst=0, group=None, async_op=False):
    """Process dst gets the tensors of all in gather_list, which is None elsewhere."""
    if _outside(group):
        return None
    group = current(group, "gather")
    checked(tensor, "gather")
    root = group.local(dst, "gather")
    if group.rank != root:
        return _spread(group, "gather", {root: tensor}, {}, async_op, tensor)
    if gather_list is None:
        raise ArgumentError("distributed.gather: process dst needs gather_list, one tensor for each process")
    outs = checked_list(gather_list, group.size, "gather", "gather_list")
    return _spread(group, "gather", {root: tensor}, dict(enumerate(outs)), async_op, (tensor, outs))


def scatter(tensor, scatter_list=None, src=0, group=None, async_op=False):
    """Process r gets scatter_list[r] of process src, which is None elsewhere."""
    if _outside(group):
        return None
    group = current(group, "scatter")
    checked(tensor, "scatter")
    root = group.local(src, "scatter")
    if group.rank != root:
        return _spread(group, "scatter", {}, {root: tensor}, async_op, tensor)
    if scatter_list is None:
        raise ArgumentError("distributed.scatter: process src needs scatter_list, one tensor for each process")
    parts = checked_list(scatter_list, group.size, "scatter", "scatter_list")
    return _spread(group, "scatter", dict(enumerate(parts)), {root: tensor}, async_op, (tensor, parts))


def all_to_all(output_tensor_list, input_tensor_list, group=None, async_op=False):
    """output_tensor_list[r] becomes what process r has for this one in its input_tensor_list."""
    if _outside(group):
        return None
    group = current(group, "all_to_all")
    outs = checked_list(output_tensor_list, group.size, "all_to_all", "output_tensor_list")
    parts = checked_list(input_tensor_list, group.size, "all_to_all", "input_tensor_list")
    sends = {k: parts[k] for k in _others(group, True)}
    return _spread(group, "all_to_all", sends, dict(enumerate(outs)), async_op, (outs, parts))


def all_to_all_single(output, input, output_split_sizes=None, input_split_sizes=None, group=None, async_op=False):
    """all_to_all with parts of one tensor along its first dimension; sizes None: equal parts."""
    if _outside(group):
        return None
    group = current(group, "all_to_all_single")
    checked(output, "all_to_all_single", "output"), checked(input, "all_to_all_single", "input")
    outs, parts = (list(t.detach().split(list(sizes) if sizes else _equal(t, group.size)))
                   for t, sizes in ((output, output_split_sizes), (input, input_split_sizes)))  # fmt: skip
    return all_to_all(outs, parts, group, async_op)


def _equal(t, parts):
    if t.ndim == 0 or t.shape[0] % parts:
        raise ArgumentError(f"distributed.all_to_all_single: the first dimension of {list(t.shape)} cannot be cut into {parts} equal parts")
    return [t.shape[0] // parts] * parts


def _others(group, me=False):
    """Numbers of the group, beginning after this one, so that not all send to the same process at once."""
    order = [(group.rank + k) % group.size for k in range(1, group.size)]
    return [*order, group.rank] if me else order


def barrier(group=None, async_op=False, device_ids=None):
    """Returns when every process of the group has called it."""
    if _outside(group):
        return None
    group = current(group, "barrier")
    return _start(group, [group.inner.Ibarrier()], "barrier", async_op)


def isend(tensor, dst=None, group=None, tag=0, group_dst=None):
    """Begin to send a tensor to process dst, which calls recv or irecv; returns a Work."""
    group = current(group, "isend")
    checked(tensor, "isend")
    to = group_dst if group_dst is not None else group.local(dst, "isend")
    return Work(group.world, [group.comm.Isend(raw(group.world.MPI, tensor), to, tag)], "send", None, tensor)


def irecv(tensor, src=None, group=None, tag=0, group_src=None):
    """Begin to receive into a tensor from process src (None: from any); returns a Work."""
    group = current(group, "irecv")
    checked(tensor, "irecv")
    MPI = group.world.MPI
    source = group_src if group_src is not None else MPI.ANY_SOURCE if src is None else group.local(src, "irecv")
    return Work(group.world, [group.comm.Irecv(raw(MPI, tensor), source, tag)], "recv", lambda: written(tensor), tensor)


def send(tensor, dst=None, group=None, tag=0, group_dst=None):
    """Send a tensor to process dst, and return when it may be changed again."""
    isend(tensor, dst, group, tag, group_dst).wait()


def recv(tensor, src=None, group=None, tag=0, group_src=None):
    """Receive into a tensor from process src (None: from any); returns the number in the world of the sender."""
    group = current(group, "recv")
    checked(tensor, "recv")
    if src is None and group_src is None:  # look which message is there, then take it
        MPI, found = group.world.MPI, group.world.MPI.Status()
        messages = []

        def there():
            message = group.comm.Improbe(MPI.ANY_SOURCE, tag, found)
            messages.extend([message] if message is not None else [])
            return bool(messages)

        group.world.waiter.until(there, "recv")
        Work(group.world, [messages[0].Irecv(raw(MPI, tensor))], "recv").wait()
        source = found.Get_source()
    else:
        source = group_src if group_src is not None else group.local(src, "recv")
        irecv(tensor, tag=tag, group=group, group_src=source).wait()
    written(tensor)
    return group.ranks[source]
