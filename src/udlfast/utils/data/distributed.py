"""Samplers for several processes that train on parts of one dataset."""

import math

from ... import errors
from .sampler import Sampler

__all__ = ["DistributedBatchSampler", "DistributedSampler"]


def _place(num_replicas, rank, name):
    """(R, rank), those of `udlfast.distributed` where they are None."""
    if num_replicas is None or rank is None:
        from importlib import import_module

        distributed = import_module("udlfast.distributed")  # which stands above this floor
        num_replicas = distributed.get_world_size() if num_replicas is None else num_replicas
        rank = distributed.get_rank() if rank is None else rank
    if not 0 <= rank < num_replicas:
        raise errors.ArgumentError(f"{name}: rank must lie in [0, {num_replicas - 1}], got {rank}")
    return num_replicas, rank


class DistributedSampler(Sampler):
    """The share of one process: every num_replicas-th number of one order, which all processes agree on.

    The order is that of the dataset, or a permutation that depends on seed + epoch alone. So that all shares have one length,
    ceil(N / R) numbers, the first ones come again at the end; with drop_last the last ones are left out instead.

    Arguments:
        dataset: the dataset, of N examples.
        num_replicas: R, the number of processes; default: that of `udlfast.distributed`.
        rank: the number of this process, from 0; default: that of `udlfast.distributed`.
        shuffle: whether to permute.
        seed: the same in all processes.
        drop_last: whether numbers that are left over are dropped rather than some repeated.

    Raises:
        ValueError for a rank outside 0 .. R - 1.

    Example:
        >>> from udlfast.utils.data import DistributedSampler
        >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]

    Source: the public names of PyTorch.
    """

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        self.num_replicas, self.rank = _place(num_replicas, rank, "DistributedSampler")
        self.dataset = dataset
        self.shuffle, self.seed, self.drop_last = shuffle, seed, drop_last
        self.epoch = 0
        n = len(dataset)
        self.num_samples = n // self.num_replicas if drop_last else math.ceil(n / self.num_replicas)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self):
        order = list(range(len(self.dataset)))
        if self.shuffle:
            from ..._core import Generator
            from ...ops.random import randperm

            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = randperm(len(order), generator=generator).tolist()
        while order and len(order) < self.total_size:
            order += order[: self.total_size - len(order)]
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """Choose the permutation of the next pass; call it in every process with the same number."""
        self.epoch = epoch


class DistributedBatchSampler(Sampler):
    """The share of one process of each batch: its numbers r, r + R, r + 2R, ...

    All processes walk the same batches, so what a step sees does not depend on R. A process without a number in a (last) batch
    gets the batch's first one, as a stand-in that counts for nothing.

    Arguments:
        batch_sampler: lists of numbers, the same in all processes; num_replicas, rank: R and r, as in DistributedSampler.
        After it: sizes, a list or deque to which (numbers here, numbers in the batch) are appended, or None.

    Raises:
        ValueError for a rank outside 0 .. R - 1.

    Example:
        >>> from udlfast.utils.data import BatchSampler, DistributedBatchSampler
        >>> list(DistributedBatchSampler(BatchSampler(range(5), 4, False), num_replicas=2, rank=1))
        [[1, 3], [4]]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, batch_sampler, num_replicas=None, rank=None):
        self.num_replicas, self.rank = _place(num_replicas, rank, "DistributedBatchSampler")
        self.batch_sampler, self.sizes = batch_sampler, None

    def __iter__(self):
        for batch in self.batch_sampler:
            mine = batch[self.rank :: self.num_replicas]
            if self.sizes is not None:
                self.sizes.append((len(mine), len(batch)))
            yield mine or batch[:1]

    def __len__(self):
        return len(self.batch_sampler)
