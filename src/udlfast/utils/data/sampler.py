"""Samplers: the order in which a DataLoader takes the examples."""

from ... import errors

__all__ = [
    "Sampler",
    "SequentialSampler",
    "RandomSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
    "BatchSampler",
]


class Sampler:
    """Base class: a subclass defines __iter__() over numbers of examples, and __len__().

    Example:
        >>> from udlfast.utils.data import Sampler
        >>> class Backwards(Sampler):
        ...     def __iter__(self):
        ...         return iter([2, 1, 0])
        >>> list(Backwards())
        [2, 1, 0]

    Source: *Understanding Deep Learning*, section 6.2 (batches drawn without replacement).
    """

    def __init__(self, data_source=None):
        pass

    def __class_getitem__(cls, item):
        return cls

    def __iter__(self):
        raise NotImplementedError(f"{type(self).__name__} must define __iter__")


class SequentialSampler(Sampler):
    """0, 1, 2, ...

    Arguments:
        data_source: the dataset.

    Example:
        >>> from udlfast.utils.data import SequentialSampler
        >>> list(SequentialSampler("abc"))
        [0, 1, 2]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, data_source):
        self.data_source = data_source

    def __iter__(self):
        return iter(range(len(self.data_source)))

    def __len__(self):
        return len(self.data_source)


class RandomSampler(Sampler):
    """A random permutation, or draws with replacement.

    Arguments:
        data_source: the dataset.
        replacement: whether a number may come twice.
        num_samples: how many numbers; default: as many as examples.
        generator: source of randomness; default: one seeded from the default generator for each pass.

    Example:
        >>> from udlfast.utils.data import RandomSampler
        >>> sorted(RandomSampler("abc"))
        [0, 1, 2]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, data_source, replacement=False, num_samples=None, generator=None):
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        if num_samples is not None and (
            isinstance(num_samples, bool) or not isinstance(num_samples, int) or num_samples <= 0
        ):
            raise errors.ArgumentError(
                f"RandomSampler: num_samples should be a positive integer value, but got num_samples={num_samples}"
            )
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator

    @property
    def num_samples(self):
        """How many numbers one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def order(self):
        """One pass as an int64 tensor [num_samples]."""
        from ... import cat, empty, int64, randint, randperm

        n, total = len(self.data_source), self.num_samples
        if n == 0:
            return empty(0, dtype=int64)
        generator = self.generator if self.generator is not None else fresh_generator()
        if self.replacement:
            return randint(0, n, (total,), generator=generator)
        if total == n:
            return randperm(n, generator=generator)
        rounds = [randperm(n, generator=generator) for _ in range(-(-total // n))]
        return cat(rounds)[:total]

    def __iter__(self):
        return iter(self.order().tolist())

    def __len__(self):
        return self.num_samples


def random_seed(generator=None):
    """A 53-bit seed drawn from a generator (default: the default one)."""
    from ... import randint

    return randint(0, 2**53, (1,), generator=generator).item()


def fresh_generator():
    """A generator of its own, seeded from the default one, so that what happens between batches changes no order."""
    from ... import Generator

    return Generator().manual_seed(random_seed())


class SubsetRandomSampler(Sampler):
    """Given numbers in random order.

    Arguments:
        indices: a sequence of numbers; generator: source of randomness.

    Example:
        >>> from udlfast.utils.data import SubsetRandomSampler
        >>> sorted(SubsetRandomSampler([4, 7]))
        [4, 7]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, indices, generator=None):
        self.indices = indices
        self.generator = generator

    def __iter__(self):
        from ... import randperm

        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self):
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Numbers drawn with given probabilities.

    P(i) = weights[i] / sum(weights); without replacement: the largest of log(u_i) / weights[i], u_i ~ U(0, 1)

    Arguments:
        weights: one number >= 0 an example; they need not add up to 1.
        num_samples: how many to draw.
        replacement: whether a number may come twice.
        generator: source of randomness.

    Example:
        >>> from udlfast.utils.data import WeightedRandomSampler
        >>> list(WeightedRandomSampler([0.0, 1.0], num_samples=3))
        [1, 1, 1]

    Source: Efraimidis and Spirakis 2006 (draws without replacement).
    """

    def __init__(self, weights, num_samples, replacement=True, generator=None):
        from ... import as_tensor, float64

        if isinstance(num_samples, bool) or not isinstance(num_samples, int) or num_samples <= 0:
            raise errors.ArgumentError(
                f"WeightedRandomSampler: num_samples should be a positive integer value, but got "
                f"num_samples={num_samples}"
            )
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise errors.ShapeError(
                f"WeightedRandomSampler: weights should be a 1d sequence but given weights have shape "
                f"{list(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self):
        import numpy as np

        from ... import float64, rand

        weights = self.weights.numpy()
        if not (weights >= 0).all() or not np.isfinite(weights).all() or weights.sum() <= 0:
            raise errors.ArgumentError("WeightedRandomSampler: weights must be finite, at least 0, and not all 0")
        if self.replacement:
            u = rand(self.num_samples, dtype=float64, generator=self.generator).numpy()
            ends = np.cumsum(weights)
            drawn = np.searchsorted(ends, u * ends[-1], side="right")
            return iter(np.minimum(drawn, np.flatnonzero(weights)[-1]).tolist())
        if np.count_nonzero(weights) < self.num_samples:
            raise errors.ArgumentError(
                f"WeightedRandomSampler: {self.num_samples} samples without replacement need as many weights "
                f"above 0, got {np.count_nonzero(weights)}"
            )
        u = rand(len(weights), dtype=float64, generator=self.generator).numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            keys = np.where(weights > 0, np.log(u) / weights, -np.inf)
        return iter(np.argsort(-keys, kind="stable")[: self.num_samples].tolist())

    def __len__(self):
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of batch_size numbers of another sampler.

    Arguments:
        sampler: any iterable of numbers; batch_size: how many; drop_last: leave out a last batch that is not full.

    Example:
        >>> from udlfast.utils.data import BatchSampler
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, sampler, batch_size, drop_last):
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size <= 0:
            raise errors.ArgumentError(
                f"BatchSampler: batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise errors.ArgumentError(f"BatchSampler: drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self):
        batch = []
        for i in self.sampler:
            batch.append(i)
            if len(batch) == self.batch_size:
                yield batch
                batch = []
        if batch and not self.drop_last:
            yield batch

    def __len__(self):
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
