"""How batches are read from a dataset: by index, from an iterator, or whole from tensors."""

from ... import _core
from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset
from .sampler import BatchSampler, RandomSampler, SequentialSampler


def as_index(indices):
    """Numbers of examples as an int64 tensor [n]."""
    import numpy as np

    return _core.from_numpy(np.asarray(indices, dtype=np.int64).reshape(-1))


def tensors_of(dataset):
    """(tensors, index or None) when a dataset is a TensorDataset, or a subset of one; else (None, None).

    Then a batch is one index_select a tensor, instead of one look-up an example and a stack.
    """
    index = None
    while type(dataset) is Subset:
        inner = dataset.indices
        if not isinstance(inner, (list, tuple, range)):
            return None, None
        if len(inner) and not all(type(i) is int for i in (inner[0], inner[-1])):
            return None, None
        inner = as_index(inner)
        index = inner if index is None else _rows(inner, checked(index, inner.numel()))
        dataset = dataset.dataset
    if type(dataset) is not TensorDataset or not dataset.tensors:
        return None, None
    if index is not None:
        index = checked(index, len(dataset))
    return dataset.tensors, index


def checked(index, n):
    """An index whose numbers all name one of n examples; negative ones count from the end."""
    numbers = index.numpy()
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= n):
        bad = numbers[(numbers < -n) | (numbers >= n)]
        if len(bad):
            raise IndexError(f"DataLoader: example {bad[0]} is out of range for a TensorDataset of {n} examples")
        return _core.from_numpy(numbers % n)
    return index


def take(tensors, index):
    """One batch: the rows `index` (checked) of each tensor."""
    return [_rows(t, index) for t in tensors]


def _rows(t, index):
    if t.requires_grad or not t.is_contiguous():
        return t.index_select(0, index)
    shape = tuple(t.shape)
    out = _core.empty((index.numel(), *shape[1:]), dtype=t.dtype)
    if out.numel():
        inner = out.numel() // index.numel()
        _core.call(_core.K_index_select, (out, t, index), (t.itemsize, 1, shape[0], inner, index.numel(), 0), ())
    return out


def indexed_reader(dataset, collate, auto_collation):
    """A function from a list of numbers (or one number) to a batch."""
    if auto_collation and collate is default_collate:
        tensors, subset = tensors_of(dataset)
        if tensors is not None:
            return lambda indices: _take_numbers(tensors, subset, indices)
    many = getattr(dataset, "__getitems__", None)
    if not auto_collation:
        return lambda index: collate(dataset[index])
    if callable(many):
        return lambda indices: collate(many(indices))
    return lambda indices: collate([dataset[i] for i in indices])


def _take_numbers(tensors, subset, indices):
    index = checked(as_index(indices), len(tensors[0]) if subset is None else subset.numel())
    return take(tensors, index if subset is None else _rows(subset, index))


def streamed_reader(dataset, collate, auto_collation, drop_last):
    """A function that reads the next batch of an iterable dataset; raises StopIteration at the end."""
    iterator = iter(dataset)
    ended = False

    def read(indices):
        nonlocal ended
        if ended:
            raise StopIteration
        if not auto_collation:
            return collate(next(iterator))
        batch = []
        for _ in indices:
            try:
                batch.append(next(iterator))
            except StopIteration:
                ended = True
                break
        if not batch or (drop_last and len(batch) < len(indices)):
            raise StopIteration
        return collate(batch)

    return read


def make_reader(dataset, collate, auto_collation, drop_last):
    """The reader for this kind of dataset."""
    if isinstance(dataset, IterableDataset):
        return streamed_reader(dataset, collate, auto_collation, drop_last)
    return indexed_reader(dataset, collate, auto_collation)


def whole_batches(loader):
    """An iterator over batches cut from whole tensors, or None where that shortcut would not give the same.

    It is taken for tensors, the default collation, no workers, and a plain sequential or random order.
    """
    batches = loader.batch_sampler
    if loader.num_workers or loader.collate_fn is not default_collate or type(batches) is not BatchSampler:
        return None
    sampler = batches.sampler
    if type(sampler) not in (SequentialSampler, RandomSampler) or sampler.data_source is not loader.dataset:
        return None
    tensors, subset = tensors_of(loader.dataset)
    if tensors is None:
        return None
    order = sampler.order() if type(sampler) is RandomSampler else None
    if subset is not None:
        order = subset if order is None else _rows(subset, order)
    return _cut(tensors, order, len(loader.dataset) if order is None else order.numel(), batches)


def _cut(tensors, order, total, batches):
    size = batches.batch_size
    for start in range(0, total - size + 1 if batches.drop_last else total, size):
        length = min(size, total - start)
        if order is None:
            yield [t.narrow(0, start, length).clone() for t in tensors]  # a copy: writing to a batch spares the data
        else:
            yield take(tensors, order.narrow(0, start, length))
