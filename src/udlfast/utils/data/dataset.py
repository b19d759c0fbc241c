"""Datasets: examples by number, or one after the other."""

import warnings
from bisect import bisect_right
from itertools import accumulate

from ... import errors

__all__ = [
    "Dataset",
    "IterableDataset",
    "TensorDataset",
    "StackDataset",
    "ConcatDataset",
    "ChainDataset",
    "Subset",
    "random_split",
]


class Dataset:
    """Examples by number: a subclass defines __getitem__(i) and, for most uses, __len__().

    `__getitems__(list_of_i)`, if defined, gives many examples at once.

    Example:
        >>> from udlfast.utils.data import Dataset
        >>> class Squares(Dataset):
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, i):
        ...         return i * i
        >>> Squares()[3]
        9

    Source: *Understanding Deep Learning*, section 2.1 (a training set of pairs).
    """

    def __class_getitem__(cls, item):
        return cls

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Examples one after the other: a subclass defines __iter__().

    Example:
        >>> from udlfast.utils.data import IterableDataset
        >>> class Count(IterableDataset):
        ...     def __iter__(self):
        ...         return iter(range(3))
        >>> list(Count())
        [0, 1, 2]

    Source: *Understanding Deep Learning*, section 2.1.
    """

    def __add__(self, other):
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Example i is the tuple of row i of each tensor.

    Arguments:
        tensors: tensors [N, ...] of one N.

    Example:
        >>> import udlfast as torch
        >>> data = torch.utils.data.TensorDataset(torch.arange(6).reshape(3, 2), torch.arange(3))
        >>> [t.tolist() for t in data[1]]
        [[2, 3], 1]

    Source: *Understanding Deep Learning*, section 2.1.
    """

    def __init__(self, *tensors):
        sizes = [t.shape[0] for t in tensors]
        if any(n != sizes[0] for n in sizes):
            raise errors.CheckError(f"TensorDataset: Size mismatch between tensors: their first dimensions are {sizes}")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(t[index] for t in self.tensors)

    def __len__(self):
        return self.tensors[0].shape[0]


class StackDataset(Dataset):
    """Example i is the tuple (or dict) of example i of each dataset.

    Arguments:
        datasets of one length, by position or by name.

    Example:
        >>> from udlfast.utils.data import StackDataset
        >>> StackDataset(x=[1, 2], y=[3, 4])[0]
        {'x': 1, 'y': 3}

    Source: *Understanding Deep Learning*, section 2.1.
    """

    def __init__(self, *args, **kwargs):
        if bool(args) == bool(kwargs):
            raise errors.ArgumentError("StackDataset: give datasets either by position or by name")
        self.datasets = args or kwargs
        sizes = {len(d) for d in (args or kwargs.values())}
        if len(sizes) > 1:
            raise errors.ShapeError(f"StackDataset: Size mismatch between datasets: lengths {sorted(sizes)}")
        self._length = sizes.pop()

    def __getitem__(self, index):
        if isinstance(self.datasets, dict):
            return {name: data[index] for name, data in self.datasets.items()}
        return tuple(data[index] for data in self.datasets)

    def __len__(self):
        return self._length


class ConcatDataset(Dataset):
    """Datasets one behind the other, as one.

    Arguments:
        datasets: an iterable of datasets with __len__.

    Example:
        >>> from udlfast.utils.data import ConcatDataset
        >>> ConcatDataset([[1, 2], [3]])[2]
        3

    Source: *Understanding Deep Learning*, section 2.1.
    """

    def __init__(self, datasets):
        self.datasets = list(datasets)
        if not self.datasets:
            raise errors.CheckError("ConcatDataset: datasets should not be an empty iterable")
        if any(isinstance(d, IterableDataset) for d in self.datasets):
            raise errors.CheckError("ConcatDataset does not support IterableDataset; use ChainDataset")
        self.cumulative_sizes = list(accumulate(len(d) for d in self.datasets))

    def __len__(self):
        return self.cumulative_sizes[-1]

    def __getitem__(self, index):
        if index < 0:
            if -index > len(self):
                raise errors.ArgumentError("ConcatDataset: absolute value of index should not exceed dataset length")
            index += len(self)
        which = bisect_right(self.cumulative_sizes, index)
        if which == len(self.datasets):
            raise IndexError(f"ConcatDataset: index {index} is out of range (it holds {len(self)})")
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """Iterable datasets one behind the other.

    Arguments:
        datasets: an iterable of iterable datasets.

    Example:
        >>> from udlfast.utils.data import ChainDataset
        >>> list(ChainDataset([[1, 2], [3]]))
        [1, 2, 3]

    Source: *Understanding Deep Learning*, section 2.1.
    """

    def __init__(self, datasets):
        self.datasets = datasets

    def __iter__(self):
        for data in self.datasets:
            yield from data

    def __len__(self):
        return sum(len(data) for data in self.datasets)


class Subset(Dataset):
    """Some examples of a dataset, by their numbers.

    Arguments:
        dataset: the whole; indices: a sequence of numbers.

    Example:
        >>> from udlfast.utils.data import Subset
        >>> list(Subset([10, 11, 12], [2, 0]))
        [12, 10]

    Source: *Understanding Deep Learning*, section 8.5 (training, validation and test sets).
    """

    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index):
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices):
        get = getattr(self.dataset, "__getitems__", None)
        if callable(get):
            return get([self.indices[i] for i in indices])
        return [self.dataset[self.indices[i]] for i in indices]

    def __len__(self):
        return len(self.indices)


def random_split(dataset, lengths, generator=None):
    """Splits a dataset at random into subsets that do not overlap.

    Arguments:
        dataset: the whole.
        lengths: sizes that add up to len(dataset), or fractions that add up to 1 (what rounding leaves goes to the
            first subsets, one each).
        generator: source of the permutation.

    Example:
        >>> import udlfast as torch
        >>> parts = torch.utils.data.random_split(range(10), [0.8, 0.2])
        >>> [len(part) for part in parts]
        [8, 2]

    Source: *Understanding Deep Learning*, section 8.5 (training, validation and test sets).
    """
    from ... import randperm

    total = len(dataset)
    if abs(sum(lengths) - 1) < 1e-9 and sum(lengths) <= 1 + 1e-9:
        if any(not 0 <= part <= 1 for part in lengths):
            raise errors.ArgumentError(f"random_split: fractions must be between 0 and 1, got {list(lengths)}")
        sizes = [int(total * part) for part in lengths]
        for i in range(total - sum(sizes)):
            sizes[i % len(sizes)] += 1
        lengths = sizes
        for i in (i for i, size in enumerate(sizes) if size == 0):
            warnings.warn(f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2)
    if sum(lengths) != total:
        raise errors.ArgumentError(
            f"random_split: Sum of input lengths does not equal the length of the input dataset: "
            f"{sum(lengths)} and {total}"
        )
    order = randperm(total, generator=generator).tolist()
    ends = list(accumulate(lengths))
    return [Subset(dataset, order[end - n : end]) for end, n in zip(ends, lengths, strict=True)]
