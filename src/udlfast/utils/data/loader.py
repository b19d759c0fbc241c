"""DataLoader: batches of a dataset, read in this process or by worker processes."""

from itertools import repeat

from ... import errors
from .collate import default_collate, default_convert, pin
from .dataset import IterableDataset
from .fetch import make_reader, whole_batches
from .sampler import BatchSampler, RandomSampler, SequentialSampler, random_seed

__all__ = ["DataLoader"]

FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")  # what the order was made from


class Endless:
    """The sampler of an iterable dataset: there are no numbers, the data says when it ends."""

    def __iter__(self):
        return repeat(None)


class DataLoader:
    """Iterates over batches of a dataset.

    Arguments:
        dataset: a Dataset, IterableDataset, or anything with __getitem__ and __len__.
        batch_size: examples a batch; None: no batches, examples as they are.
        shuffle: a new random order in each pass.
        sampler: the order, instead of shuffle; batch_sampler: lists of numbers, instead of all of these.
        num_workers: processes that read; 0 reads in this one.
        collate_fn: from a list of examples to a batch; default: default_collate.
        drop_last: leave out a last batch that is not full.
        timeout: seconds to wait for a worker's batch; 0: no limit.
        worker_init_fn: called with the worker's number in each worker.
        multiprocessing_context: "fork", "spawn", "forkserver" or a context; default: fork on Linux, else spawn.
        generator: source of the order and of the workers' seeds.
        prefetch_factor: batches that each worker reads ahead (default 2).
        persistent_workers: keep the workers from pass to pass.
        pin_memory: batches lie in page-locked memory, from which `.to("cuda", non_blocking=True)` copies while Python goes on; without a
            GPU nothing changes.
        pin_memory_device, in_order: accepted for compatibility; batches always come in order.

    Example:
        >>> import udlfast as torch
        >>> data = torch.utils.data.TensorDataset(torch.arange(5))
        >>> [batch.tolist() for (batch,) in torch.utils.data.DataLoader(data, batch_size=2)]
        [[0, 1], [2, 3], [4]]

    Source: *Understanding Deep Learning*, section 6.2 (batches and epochs).
    """

    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        *,
        prefetch_factor=None,
        persistent_workers=False,
        pin_memory_device="",
        in_order=True,
    ):
        check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.generator = generator
        self.persistent_workers = persistent_workers
        self._streams = isinstance(dataset, IterableDataset)
        self._choose_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.collate_fn = collate_fn or (default_collate if self._auto_collation else default_convert)
        self._workers = None
        self._made = True

    def __setattr__(self, name, value):
        if name in FIXED and "_made" in self.__dict__:
            raise errors.ArgumentError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def _choose_order(self, batch_size, shuffle, sampler, batch_sampler, drop_last):
        if self._streams:
            if shuffle not in (False, None) or sampler is not None or batch_sampler is not None:
                raise errors.ArgumentError(
                    "DataLoader with IterableDataset: expected no shuffle, sampler or batch_sampler: "
                    "the dataset itself says in which order examples come"
                )
        if sampler is not None and shuffle:
            raise errors.ArgumentError("DataLoader: sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise errors.ArgumentError(
                    "DataLoader: batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise errors.ArgumentError(
                "DataLoader: batch_size=None disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if self._streams:
                sampler = Endless()
            elif shuffle:
                sampler = RandomSampler(self.dataset, generator=self.generator)
            else:
                sampler = SequentialSampler(self.dataset)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    def _index_batches(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self):
        return map(pin, self._batches()) if self.pin_memory else self._batches()

    def _batches(self):
        seed = random_seed(self.generator)  # drawn always: then the order is the same for any number of workers
        if self.num_workers:
            return self._read_by_workers(seed)
        return whole_batches(self) or self._read_here()

    def _read_here(self):
        read = make_reader(self.dataset, self.collate_fn, self._auto_collation, self.drop_last)
        for indices in self._index_batches():
            try:
                batch = read(indices)
            except StopIteration:
                if not self._streams:
                    raise RuntimeError("DataLoader: the dataset's __getitem__ raised StopIteration") from None
                return
            yield batch

    def _read_by_workers(self, seed):
        from .pool import WorkerPool

        if self.persistent_workers and self._workers is not None and self._workers.usable:
            pool = self._workers
        else:
            pool = WorkerPool(self, seed)
        if self.persistent_workers:
            self._workers = pool
        return pool.batches(self)

    def __len__(self):
        if not self._streams:
            return len(self._index_batches())
        n = len(self.dataset)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __getstate__(self):
        return dict(self.__dict__, _workers=None)


def check_workers(num_workers, timeout, prefetch_factor, persistent_workers):
    """Settings of workers that make no sense together are refused."""
    if num_workers < 0:
        raise errors.ArgumentError(
            f"DataLoader: num_workers option should be non-negative; use num_workers=0 to disable "
            f"multiprocessing. Got {num_workers}"
        )
    if timeout < 0:
        raise errors.ArgumentError(f"DataLoader: timeout option should be non-negative, got {timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise errors.ArgumentError(
            "DataLoader: prefetch_factor option could only be specified in multiprocessing; let num_workers > 0"
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise errors.ArgumentError(f"DataLoader: prefetch_factor must be at least 1, got {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise errors.ArgumentError("DataLoader: persistent_workers option needs num_workers > 0")
