"""The mean of one bucket of gradients over all processes, in two rounds of direct messages, without blocking.

    parts of the bucket     |  part 0  |  part 1  | ... |  part R-1 |        process r answers for part r
    round 1                 every process sends part k to process k; r adds up the R versions of its part in the order of the ranks
    round 2                 process r sends its finished part to all others

2 (R - 1) / R of the bucket leaves each process, which is the least possible. The order of the sum is fixed, so that the result has
the same bits in each run, in every process and with every MPI library. Each round begins as soon as somebody calls `advance`.
"""

from .. import _core
from ._buffers import raw
from ._work import ACTIVE

ALIGN = 16  # elements: parts begin at cache lines


def cuts(n, size):
    """Where the parts of n elements begin and end, for `size` processes."""
    step = -(-n // (size * ALIGN)) * ALIGN
    return [min(k * step, n) for k in range(size + 1)]


class Mean:
    """The exchange as it is: sums in float32, or in float64 for float64."""

    def __init__(self, group, tag, flat):
        """flat: a contiguous tensor [n], which must stay alone until `done`, and holds the mean then."""
        self.group, self.tag, self.flat = group, tag, flat
        self.done = False
        self.carried = self.carrier()
        self.cuts = cuts(flat.numel(), group.size)
        self._first_round()
        ACTIVE.append(self)

    def carrier(self):
        """The tensor whose elements travel."""
        return self.flat

    def delivered(self):
        """What has arrived goes where it belongs."""

    def _part(self, k):
        return self.carried[self.cuts[k] : self.cuts[k + 1]]

    def _post(self, receives, sends):
        """Start messages: (process, tensor, start, count) each."""
        MPI, comm = self.group.world.MPI, self.group.inner
        self.requests = [comm.Irecv(raw(MPI, t, at, n), k, self.tag) for k, t, at, n in receives if n]
        self.requests += [comm.Isend(raw(MPI, t, at, n), k, self.tag) for k, t, at, n in sends if n]

    def _others(self):
        rank, size = self.group.rank, self.group.size
        return [(rank + k) % size for k in range(1, size)]

    def _first_round(self):
        group, cuts, others = self.group, self.cuts, self._others()
        n = cuts[group.rank + 1] - cuts[group.rank]
        self.rows = _core.empty((group.size, n), dtype=self.carried.dtype)
        self._post([(k, self.rows, k * n, n) for k in others],
                   [(k, self.carried, cuts[k], cuts[k + 1] - cuts[k]) for k in others])  # fmt: skip
        self.step = self._second_round

    def _second_round(self):
        group, cuts, others = self.group, self.cuts, self._others()
        mine = self._part(group.rank)
        with _core.no_grad():
            self.add_up(mine)
        self.rows = None
        n = mine.numel()
        self._post([(k, self.carried, cuts[k], cuts[k + 1] - cuts[k]) for k in others],
                   [(k, self.carried, cuts[group.rank], n) for k in others])  # fmt: skip
        self.step = self._end

    def add_up(self, mine):
        """The mean of this process's part, in the order of the ranks."""
        rows, rank, size = self.rows, self.group.rank, self.group.size
        if size == 2 and mine.dtype in (_core.float32, _core.float64):
            mine.add_(rows[1 - rank]).mul_(0.5)  # a + b and b + a have the same bits
            return
        rows[rank].copy_(mine)
        kind = _core.float64 if mine.dtype is _core.float64 else _core.float32
        mine.copy_(rows.to(kind).sum(0).mul_(1.0 / size))

    def _end(self):
        with _core.no_grad():
            self.delivered()
        _core.bump_versions([self.flat])
        self.done = True
        self.flat = self.carried = self.requests = self.step = None  # `step` is a cycle, in which gradients would wait for the collector
        ACTIVE.remove(self)

    def advance(self):
        """Go on as far as the messages that have arrived allow."""
        while not self.done and self.group.world.testall(self.requests):
            self.step()


class NarrowMean(Mean):
    """Numbers travel as bfloat16 (half the bytes): rounded once on their way out, added up in float32, and the mean rounded once."""

    def carrier(self):
        return self.flat.to(_core.bfloat16)

    def delivered(self):
        self.flat.copy_(self.carried)


class TopMean(Mean):
    """Each process sends its `share` of largest numbers, with their places, to all; the rest is kept and added the next time.

    e += g;  the k largest |e_i| are sent, and their e_i become 0;  flat = sum over processes / R. `memory` is e [n].
    """

    def __init__(self, group, tag, flat, share, memory):
        self.share, self.memory = share, memory
        super().__init__(group, tag, flat)

    def _first_round(self):
        with _core.no_grad():
            kept = self.memory.add_(self.flat)
            k = max(1, int(self.share * kept.numel()))
            places = kept.abs().topk(k)[1].to(_core.int32)
            size, rank = self.group.size, self.group.rank
            self.places, self.values = _core.empty((size, k), dtype=_core.int32), _core.empty((size, k), dtype=kept.dtype)
            self.places[rank].copy_(places)
            wide = places.to(_core.int64)
            self.values[rank].copy_(kept[wide])
            kept[wide] = 0.0
        others = self._others()
        self._post([(j, t, j * k, k) for j in others for t in (self.places, self.values)],
                   [(j, t, rank * k, k) for j in others for t in (self.places, self.values)])  # fmt: skip
        self.step = self._end

    def delivered(self):
        self.flat.zero_()
        for places, values in zip(self.places, self.values):
            self.flat.index_add_(0, places.to(_core.int64), values)
        self.flat.mul_(1.0 / self.group.size)
