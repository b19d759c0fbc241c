"""Training in several processes: who has which rows of a batch, figures over all of them, and seeds."""

from collections import deque

from .. import _core, initial_seed, manual_seed
from ..errors import ArgumentError
from ..nn.parallel import DistributedDataParallel
from ..utils.data import DataLoader, DistributedBatchSampler


def sized(batches):
    """(x, y, rows here, rows of the whole batch) for each batch."""
    if isinstance(batches, Shares):
        yield from batches
        return
    for x, y in batches:
        yield x, y, len(y), len(y)


class Team:
    """The processes that train one DistributedDataParallel model with `fit`; without such a model, this process alone."""

    def __init__(self, model, seed):
        self.shared = isinstance(model, DistributedDataParallel)
        self.bare = model.module if self.shared else model
        self.group = model.process_group if self.shared else None
        self.rank, self.size = (self.group.rank, self.group.size) if self.shared else (0, 1)
        self.epoch, self.seed = 0, 0
        if self.shared:
            whole = [initial_seed() if seed is None else seed]
            _distributed().broadcast_object_list(whole, self.group.ranks[0], self.group)
            self.seed = whole[0]

    @property
    def first(self):
        """Is this the process that prints and writes files?"""
        return self.rank == 0

    def share(self, batches, training):
        """The batches, of which this process sees its rows."""
        return Shares(self, batches, training) if self.shared and batches is not None else batches

    def even(self):
        """Buffers, such as running statistics, become those of process 0."""
        if self.shared and self.size > 1:
            from importlib import import_module

            import_module("udlfast.distributed._sharing").broadcast_all(list(self.bare.buffers()), self.group)

    def add_up(self, numbers):
        """The sums of each number over all processes, with the same bits in each."""
        if self.size == 1:
            return numbers
        rows = _core.empty((self.size, len(numbers)), dtype=_core.float64)
        from .. import tensor

        _distributed().all_gather_into_tensor(rows, tensor(numbers, dtype=_core.float64), self.group)
        return rows.sum(0).tolist()

    def any(self, flag):
        """Whether it is so in any process."""
        return bool(self.add_up([float(flag)])[0])

    def fail(self, reason):
        """This process cannot go on: tell the others why."""
        if self.size > 1:
            _distributed().fail(reason)

    def common_seed(self):
        """The same random numbers in all processes: what decides the order of the data."""
        manual_seed((self.seed + 0x9E3779B97F4A7C15 * (self.epoch + 1)) % 2**63)

    def own_seed(self):
        """Random numbers of this process, epoch and seed alone: dropout and augmentation."""
        manual_seed((self.seed + 0x9E3779B97F4A7C15 * (self.epoch + 1) + 0xD1B54A32D192ED03 * (self.rank + 1)) % 2**63)

    def read(self, path):
        """Whether process 0 has the file; its bytes if so, so that the others need not."""
        import io
        import os

        if not self.shared:
            return path if os.path.exists(path) else None
        whole = [None]
        if self.first and os.path.exists(path):
            with open(path, "rb") as f:
                whole = [f.read()]
        _distributed().broadcast_object_list(whole, self.group.ranks[0], self.group)
        return None if whole[0] is None else io.BytesIO(whole[0])


def _distributed():
    from .. import distributed

    return distributed


class Shares:
    """This process's rows r, r + R, r + 2R, ... of every batch, so that a batch is the same for any number of processes.

    Gives (x, y, n, whole): n rows of a batch of `whole`. Where a batch has no row for this process, n is 0 and x, y are its
    first row, since every process has to take part in every step.
    """

    def __init__(self, team, batches, training):
        self.team, self.training, self.sizes = team, training, None
        self.batches, self.even = self._cut(batches), False
        sampler = getattr(batches, "sampler", None)
        if hasattr(sampler, "num_replicas"):
            if sampler.num_replicas != team.size:
                raise ArgumentError(f"fit: the loader's sampler is for {sampler.num_replicas} processes, the model for {team.size}")
            self.batches, self.sampler, self.even, self.sizes = batches, sampler, True, None

    def _cut(self, batches):
        if not isinstance(batches, DataLoader) or batches.batch_sampler is None or batches._streams:
            return batches
        own = DistributedBatchSampler(batches.batch_sampler, self.team.size, self.team.rank)
        self.sizes = own.sizes = deque()
        return DataLoader(batches.dataset, batch_sampler=own, num_workers=batches.num_workers, collate_fn=batches.collate_fn,
                          timeout=batches.timeout, worker_init_fn=batches.worker_init_fn,
                          multiprocessing_context=batches.multiprocessing_context, generator=batches.generator,
                          prefetch_factor=batches.prefetch_factor, persistent_workers=batches.persistent_workers)  # fmt: skip

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        if self.training:
            self.team.common_seed()
        if self.even:
            self.sampler.set_epoch(self.team.epoch)
        if self.sizes is not None:
            self.sizes.clear()
        for number, (x, y) in enumerate(self.batches):
            if self.training and not number:
                self.team.own_seed()
            yield self._part(x, y)

    def _part(self, x, y):
        if self.even:
            return x, y, len(y), len(y) * self.team.size
        if self.sizes is not None:
            return x, y, *self.sizes.popleft()
        rows, whole = slice(self.team.rank, None, self.team.size), len(y)
        n = len(range(whole)[rows])
        if not n:
            rows = slice(0, 1)
        return x[rows], y[rows], n, whole
