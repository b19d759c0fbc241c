"""Datasets, samplers, the loader and its worker processes."""

import os

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
from udlfast.utils import data
from udlfast.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    get_worker_info,
    random_split,
)

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded", "ignore:.*use of fork.*:DeprecationWarning")


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return torch.tensor(float(i * i)), i


class Broken(Squares):
    def __getitem__(self, i):
        if i == 7:
            raise ValueError("sample 7 is damaged")
        return super().__getitem__(i)


class Dying(Squares):
    def __getitem__(self, i):
        if i == 7:
            os._exit(3)
        return super().__getitem__(i)


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.n, step))


class Computing(Squares):
    """A sample that uses the library itself inside the worker."""

    def __getitem__(self, i):
        return (torch.ones((64, 64)) @ torch.full((64, 64), float(i))).sum()


def test_tensor_dataset():
    x, y = torch.arange(6).reshape(3, 2), torch.arange(3)
    d = TensorDataset(x, y)
    assert len(d) == 3 and d[1][0].tolist() == [2, 3] and d[-1][1].item() == 2
    check_raises((ValueError, AssertionError, RuntimeError), ["size"], TensorDataset, x, torch.arange(4))


def test_combining_datasets():
    a, b = Squares(3), Squares(2)
    joined = ConcatDataset([a, b])
    assert len(joined) == 5 and joined[4][1] == 1 and joined[-1][1] == 1 and (a + b)[3][1] == 0
    assert [s[1] for s in Subset(a, [2, 0])] == [2, 0]
    assert list(ChainDataset([Stream(2), Stream(3)])) == [0, 1, 0, 1, 2]


def test_random_split():
    parts = random_split(Squares(10), [6, 3, 1], generator=torch.Generator().manual_seed(0))
    assert [len(p) for p in parts] == [6, 3, 1] and sorted(i for p in parts for i in p.indices) == list(range(10))
    again = random_split(Squares(10), [6, 3, 1], generator=torch.Generator().manual_seed(0))
    assert [list(p.indices) for p in parts] == [list(p.indices) for p in again]
    assert [len(p) for p in random_split(Squares(10), [0.5, 0.25, 0.25])] == [6, 2, 2]
    check_raises(ValueError, ["length"], random_split, Squares(10), [6, 5])


def test_samplers():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    order = list(RandomSampler(range(100), generator=torch.Generator().manual_seed(1)))
    assert sorted(order) == list(range(100)) and order != list(range(100))
    assert len(list(RandomSampler(range(3), replacement=True, num_samples=50))) == 50
    assert sorted(SubsetRandomSampler([5, 7, 9])) == [5, 7, 9]
    drawn = list(WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=torch.Generator().manual_seed(2)))
    share = np.bincount(drawn, minlength=3) / 4000
    assert share[0] == 0 and abs(share[2] - 0.75) < 0.04
    assert sorted(WeightedRandomSampler([1.0, 1.0, 0.0], 2, replacement=False)) == [0, 1]
    assert list(BatchSampler(range(5), 2, False)) == [[0, 1], [2, 3], [4]]
    assert list(BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("workers", [0, 2])
def test_loader_in_order(workers):
    batches = list(DataLoader(Squares(10), batch_size=4, num_workers=workers))
    assert [b[1].tolist() for b in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert batches[1][0].tolist() == [16.0, 25.0, 36.0, 49.0] and batches[0][0].dtype == torch.float32
    assert len(DataLoader(Squares(10), batch_size=4)) == 3
    dropped = DataLoader(Squares(10), batch_size=4, drop_last=True, num_workers=workers)
    assert len(dropped) == 2 and len(list(dropped)) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_shuffle_is_a_permutation_and_follows_the_seed(workers):
    def epoch(loader):
        return [i for b in loader for i in b[1].tolist()]

    torch.manual_seed(4)
    loader = DataLoader(Squares(50), batch_size=8, shuffle=True, num_workers=workers)
    first, second = epoch(loader), epoch(loader)
    assert sorted(first) == list(range(50)) and first != second and first != list(range(50))
    torch.manual_seed(4)
    assert epoch(DataLoader(Squares(50), batch_size=8, shuffle=True, num_workers=workers)) == first


def test_shuffle_of_tensors_keeps_rows_together():
    x = torch.arange(300).reshape(100, 3)
    seen = []
    for xb, yb in DataLoader(TensorDataset(x, x[:, 0] * 10), batch_size=7, shuffle=True):
        assert (xb[:, 0] * 10 == yb).all() and (xb[:, 1] - xb[:, 0] == 1).all()
        seen += xb[:, 0].tolist()
    assert sorted(seen) == x[:, 0].tolist()


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_stream(workers):
    got = sorted(i for b in DataLoader(Stream(11), batch_size=3, num_workers=workers) for i in b.tolist())
    assert got == list(range(11))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_failing_sample_raises_its_own_error(workers):
    loader = DataLoader(Broken(10), batch_size=2, num_workers=workers)
    check_raises(ValueError, ["sample 7 is damaged"], list, loader)
    assert len(list(DataLoader(Squares(4), batch_size=2, num_workers=workers))) == 2


def test_a_worker_that_dies_is_reported():
    check_raises(RuntimeError, ["worker"], list, DataLoader(Dying(10), batch_size=2, num_workers=2))


def test_leaving_a_loop_early():
    loader = DataLoader(Squares(100), batch_size=2, num_workers=2)
    for _ in range(3):
        for batch in loader:
            assert batch[1].tolist() == [0, 1]
            break


def test_workers_compute_with_the_library():
    torch.ones((512, 512)) @ torch.ones((512, 512))  # the parent's pool has run
    got = [numbers(b).tolist() for b in DataLoader(Computing(6), batch_size=2, num_workers=2)]
    assert got == [[64.0**3 * i, 64.0**3 * (i + 1)] for i in (0, 2, 4)]
    assert (torch.ones((512, 512)) @ torch.ones((512, 512))).mean().item() == 512.0


def test_persistent_workers_and_init():
    def set_up(worker):
        assert get_worker_info().id == worker

    loader = DataLoader(Squares(8), batch_size=4, num_workers=2, persistent_workers=True, worker_init_fn=set_up)
    for _ in range(3):
        assert [b[1].tolist() for b in loader] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert get_worker_info() is None


def test_collate():
    batch = default_collate([{"x": torch.ones(2), "y": 1, "z": (1.0, "a")}, {"x": torch.zeros(2), "y": 2, "z": (2.0, "b")}])
    assert batch["x"].tolist() == [[1.0, 1.0], [0.0, 0.0]] and batch["y"].tolist() == [1, 2]
    assert batch["z"][0].dtype == torch.float64 and list(batch["z"][1]) == ["a", "b"]
    assert default_collate([np.ones(2, np.float32), np.zeros(2, np.float32)]).shape == (2, 2)
    check_raises((TypeError, RuntimeError, ValueError), ["object"], default_collate, [object(), object()])


def test_own_collate_and_no_batches():
    assert list(DataLoader(Squares(3), batch_size=2, collate_fn=lambda b: [i for _, i in b])) == [[0, 1], [2]]
    assert [i for _, i in DataLoader(Squares(3), batch_size=None)] == [0, 1, 2]
    sampled = DataLoader(Squares(9), batch_sampler=[[0, 8], [3]])
    assert [b[1].tolist() for b in sampled] == [[0, 8], [3]]


@pytest.mark.parametrize("options, part", [
    ({"batch_size": 0}, "batch_size"), ({"num_workers": -1}, "num_workers"),
    ({"shuffle": True, "sampler": [0]}, "sampler"), ({"batch_size": 2, "batch_sampler": [[0]]}, "batch_sampler"),
], ids=str)  # fmt: skip
def test_bad_options(options, part):
    check_raises((ValueError, RuntimeError), [part], DataLoader, Squares(4), **options)


def test_empty_dataset():
    assert list(DataLoader(Squares(0), batch_size=2)) == [] and len(DataLoader(Squares(0), batch_size=2)) == 0


def test_what_the_order_was_made_from_is_fixed():
    """A new batch_size would change nothing: the batch sampler keeps the old one."""
    loader = data.DataLoader(range(6), batch_size=2)
    for name in ("batch_size", "sampler", "batch_sampler", "drop_last", "dataset", "persistent_workers"):
        with pytest.raises(ValueError, match="should not be set after"):
            setattr(loader, name, 3)
    loader.collate_fn = list  # this may change
    assert list(loader) == [[0, 1], [2, 3], [4, 5]]


def test_sequences_are_collated_part_by_part():
    first, second = data.default_collate([range(2), range(2, 4)])
    assert first.tolist() == [0, 2] and second.tolist() == [1, 3]
    assert data.default_convert(range(2)) == [0, 1]


def test_an_empty_split_warns():
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        assert [len(part) for part in data.random_split(range(3), [0.9, 0.1])] == [3, 0]
    with pytest.raises(ValueError):
        data.BatchSampler(range(3), 2, 1)
