"""Gradients on their way: buckets that leave while backward goes on.

A parameter of DIRECT bytes or more is a bucket of its own and travels from where backward has put its gradient; smaller ones are
copied side by side into a bucket's memory, and their `grad` becomes a view of it. The bucket that is ready last has nothing to hide
behind, so buckets are small at the end of backward and grow towards its beginning.
"""

import math

from .. import _core
from ..errors import ArgumentError
from ._exchange import Mean, NarrowMean, TopMean
from ._work import ACTIVE, advance
from ._world import Group

DIRECT = 1 << 20
LAST = 256 << 10  # bytes of the last bucket
CAP = 4 << 20  # bytes of the largest


class Bucket:
    """Some parameters, by number, and where their gradients lie side by side (flat), or None for one that travels by itself."""

    def __init__(self, numbers, params):
        self.numbers, self.memory = numbers, None
        self.flat, self.views = None, None
        if len(numbers) > 1 or size(params[numbers[0]]) < DIRECT:
            self.flat = _core.zeros(sum(params[i].numel() for i in numbers), dtype=params[numbers[0]].dtype)
            pieces = self.flat.split([params[i].numel() for i in numbers])
            self.views = [piece.view(tuple(params[i].shape)) for i, piece in zip(numbers, pieces)]


def size(p):
    """Bytes of a parameter."""
    return p.numel() * p.element_size()


def plan(order, params, cap):
    """Numbers of parameters, in the order in which their gradients come, cut into buckets of one element type."""
    buckets, open_, limit = [], {}, min(LAST, cap)
    for i in reversed(order):
        kind, n = params[i].dtype, size(params[i])
        if n >= DIRECT:
            buckets.append([i])
            continue
        if kind in open_ and open_[kind][1] + n > limit:
            del open_[kind]
            limit = min(2 * limit, cap)
        if kind not in open_:
            open_[kind] = [[], 0]
            buckets.append(open_[kind][0])
        open_[kind][0].insert(0, i)
        open_[kind][1] += n
    return buckets[::-1]


class Reducer:
    """Makes every parameter's grad the mean over all processes, by the end of backward."""

    def __init__(self, named, group, cap=CAP, compress=None, find_unused=False, overlap=True):
        """named: [(name, parameter)]; cap: bytes of a bucket; compress: None, "bf16" or a share in (0, 1);
        overlap: False starts all messages after backward (to measure what overlapping brings)."""
        self.names, self.params = [n for n, _ in named], [p for _, p in named]
        self.group = Group(group.world, group.comm, group.ranks)  # messages of its own
        self.cap, self.compress, self.find_unused, self.overlap = cap, compress, find_unused, overlap
        self.enabled, self.settled, self.running, self.buckets = True, False, None, []
        self.mover = group.world.mover() if overlap and group.size > 1 else None
        self._build(list(range(len(self.params)))[::-1])
        for i, p in enumerate(self.params):
            if (old := p.__dict__.get("_exchange")) is not None:  # the module was wrapped before: the new wrapper takes over
                old.remove()
            p._exchange = p.register_post_accumulate_grad_hook(self._hook(i))

    def prepare(self, enabled):
        """Before each forward: will its backward exchange gradients?"""
        if self.running is not None:
            raise ArgumentError("DistributedDataParallel: the last backward ended in an error, and the processes no longer agree; "
                                "start again from a checkpoint")  # fmt: skip
        if (recorder := _core.recording()) is not None:
            recorder.refuse("DistributedDataParallel exchanges gradients; compile the module inside it: "
                            "DistributedDataParallel(torch.compile(module))")  # fmt: skip
        self.enabled = enabled

    def _build(self, order):
        """New buckets, which take over what has been held back."""
        held = {i: piece for b in self.buckets if b.memory is not None for i, piece in self.pieces(b)}
        self.buckets = [Bucket(numbers, self.params) for numbers in plan(order, self.params, self.cap)]
        self.home = {i: (b, at) for b in self.buckets for at, i in enumerate(b.numbers)}
        with _core.no_grad():
            for bucket in self.buckets if held else ():
                for i, piece in self.pieces(bucket):
                    if i in held:
                        piece.copy_(held[i])

    def _hook(self, i):
        def arrived(p):
            if self.enabled:
                self.ready(i, p.grad)

        return arrived

    def ready(self, i, grad):
        """The gradient of parameter i is complete in this process."""
        if self.running is None:
            self.running, self.waiting, self.seen = [], {id(b): len(b.numbers) for b in self.buckets}, {}
            _core.at_end_of_backward(self.finish, self.failed)
        bucket, at = self.home[i]
        if bucket.flat is not None:
            view = bucket.views[at]
            if grad is None:
                view.zero_()
            elif grad.data_ptr() != view.data_ptr():
                with _core.no_grad():
                    view.copy_(grad)
        if i in self.seen:
            raise ArgumentError(f"DistributedDataParallel: two gradients came to {self.names[i]} in one backward; was a part of the module "
                                "run again inside it, by torch.utils.checkpoint?")  # fmt: skip
        if grad is not None:
            self.seen[i] = None
        self.waiting[id(bucket)] -= 1
        if not self.waiting[id(bucket)] and self.overlap:
            self._launch(bucket)
        if ACTIVE:
            advance()

    def _launch(self, bucket):
        flat = bucket.flat
        if flat is None:
            p = self.params[bucket.numbers[0]]
            if p.grad is None:
                p.grad = _core.zeros(tuple(p.shape), dtype=p.dtype)
            elif not p.grad.is_contiguous():
                p.grad = p.grad.contiguous()
            flat = p.grad.detach().view(-1)
        tag = 1 + self.buckets.index(bucket)
        if self.compress is None or flat.dtype not in (_core.float32, _core.float64):
            exchange = Mean(self.group, tag, flat)
        elif self.compress == "bf16":
            exchange = NarrowMean(self.group, tag, flat)
        else:
            exchange = TopMean(self.group, tag, flat, self.compress, self.memory_of(bucket))
        self.running.append(exchange)
        if self.mover is not None:
            self.mover.wanted.set()

    def memory_of(self, bucket):
        """What top-k has held back of a bucket [n]."""
        if bucket.memory is None:
            bucket.memory = _core.zeros(sum(self.params[i].numel() for i in bucket.numbers), dtype=self.params[bucket.numbers[0]].dtype)
        return bucket.memory

    def pieces(self, bucket):
        """[(number, what is held back of that parameter, a view in its shape)]."""
        parts = self.memory_of(bucket).split([self.params[i].numel() for i in bucket.numbers])
        return [(i, part.view(tuple(self.params[i].shape))) for i, part in zip(bucket.numbers, parts)]

    def finish(self):
        """At the end of backward: send what is left, wait for everything, and hand out the views."""
        try:
            self._finish()
        except BaseException:
            self.failed()
            raise
        self.running = None

    def _finish(self):
        missing = sorted(set(range(len(self.params))) - set(self.seen))
        if missing and not self.find_unused:
            names = ", ".join(self.names[i] for i in missing[:5]) + (", ..." if len(missing) > 5 else "")
            raise ArgumentError(f"DistributedDataParallel: backward brought no gradient to {len(missing)} of {len(self.params)} parameters "
                                f"({names}); where that is meant, pass find_unused_parameters=True, or freeze them (requires_grad=False) "
                                "before wrapping the module")  # fmt: skip
        seen = set(self.seen)
        for i in missing:
            self.ready(i, self.params[i].grad)
        if not self.overlap:
            for bucket in self.buckets:
                self._launch(bucket)
        running, mover = self.running, self.mover
        if mover is not None:
            mover.rest()

        def done():
            if mover is not None:
                mover.check()
            return all(e.done for e in running)

        self.group.world.waiter.until(done, "DistributedDataParallel: gradients")
        used = self._used(seen) if self.find_unused else seen
        for i in range(len(self.params)):
            bucket, at = self.home[i]
            if bucket.flat is None and i not in used:
                self.params[i].grad = None
            elif bucket.flat is not None and i in used:
                self.params[i].grad = bucket.views[at]
        if not self.settled and not missing:
            self._settle()

    def failed(self):
        """Backward ended in an error: what is under way may never arrive, so `prepare` refuses from now on."""
        if self.mover is not None:
            self.mover.rest()

    def _used(self, seen):
        """The parameters that any process has used."""
        from .collectives import ReduceOp, all_reduce

        marks = _core.zeros(len(self.params), dtype=_core.uint8)
        for i in seen:
            marks[i] = 1
        all_reduce(marks, ReduceOp.MAX, self.group)
        return {i for i, mark in enumerate(marks.tolist()) if mark}

    def _settle(self):
        """After the first backward: buckets in the order in which gradients came in process 0."""
        from .. import tensor
        from .collectives import broadcast

        order = tensor(list(self.seen))
        broadcast(order, self.group.ranks[0], self.group)
        self.settle(order.tolist())

    def settle(self, order):
        """From now on gradients are expected in this order."""
        self.settled, self.order = True, order
        if [b.numbers for b in self.buckets] != plan(order, self.params, self.cap):
            self._build(order)


def check_compress(compress):
    """None, "bf16" or a share in (0, 1)."""
    if compress in (None, "bf16") or (isinstance(compress, float) and 0 < compress < 1 and math.isfinite(compress)):
        return compress
    raise ArgumentError(f'DistributedDataParallel: compress must be None, "bf16" or the share of gradients to send, such as 0.01; '
                        f"got {compress!r}")  # fmt: skip
