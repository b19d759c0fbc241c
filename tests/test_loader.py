"""DataLoader's workers: start methods, seeds, failures, and a quiet end."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import udlfast as torch
from udlfast import errors
from udlfast.utils import data


def program(tmp_path, code, timeout=90):
    """Run a program of its own (spawned workers import it)."""
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(code))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip(), done.stderr


def test_spawned_workers(tmp_path):
    out, _ = program(tmp_path, """
        import udlfast as torch
        from udlfast.utils.data import DataLoader, Dataset, get_worker_info

        class Numbers(Dataset):
            def __len__(self):
                return 10
            def __getitem__(self, i):
                info = get_worker_info()
                return torch.tensor(i), info.id, info.num_workers

        def init(i):
            torch.manual_seed(i)

        if __name__ == "__main__":
            loader = DataLoader(Numbers(), 2, num_workers=2, multiprocessing_context="spawn", persistent_workers=True,
                                worker_init_fn=init, prefetch_factor=3, pin_memory=True)
            for _ in range(2):
                rows = [(x.tolist(), i.tolist(), n.tolist()) for x, i, n in loader]
                assert [r[0] for r in rows] == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]], rows
                assert [r[1][0] for r in rows] == [0, 1, 0, 1, 0] and rows[0][2] == [2, 2]
            print("done")
    """)  # fmt: skip
    assert out == "done"


def test_the_interpreter_ends_with_workers_half_way(tmp_path):
    """Persistent workers, a loop left early, and an exception: no hang, no traceback from a worker."""
    out, err = program(tmp_path, """
        import udlfast as torch
        from udlfast.utils.data import DataLoader, TensorDataset
        kept = DataLoader(TensorDataset(torch.arange(100)), 1, num_workers=2, persistent_workers=True)
        iterator = iter(kept)
        next(iterator)
        for batch in DataLoader(TensorDataset(torch.arange(100)), 1, num_workers=2):
            break
        print("done")
    """, timeout=40)  # fmt: skip
    assert out == "done" and "Traceback" not in err


class Slow(data.Dataset):
    """The second example takes its time."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        if i:
            import time

            time.sleep(20)
        return i


def test_timeout():
    loader = iter(data.DataLoader(Slow(), 1, num_workers=1, timeout=1))
    next(loader)
    with pytest.raises(RuntimeError, match="timed out"):
        next(loader)


class Failing(data.Dataset):
    """Raises what it is told to."""

    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 4

    def __getitem__(self, i):
        if i == 2:
            raise self.error
        return i


@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("gone"), errors.ShapeError("flat"), OSError(5)], ids=repr)
def test_errors_keep_their_class_and_tell_where(error):
    with pytest.raises(type(error), match="(?s)Caught .* in DataLoader worker process .*in __getitem__"):
        list(data.DataLoader(Failing(error), 1, num_workers=2))


class Draws(data.Dataset):
    """Random numbers of every source, drawn in the worker."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        import random

        return torch.rand(1).item(), random.random(), float(np.random.rand()), data.get_worker_info().seed


def test_seeds_of_workers():
    """Different in each worker and pass, the same for the same seed."""

    def run(seed):
        g = torch.Generator().manual_seed(seed)
        loader = data.DataLoader(Draws(), 1, num_workers=2, generator=g)
        return [[v.item() for v in row] for _ in range(2) for row in loader]

    a, b, c = run(1), run(1), run(2)
    assert a == b and a != c
    for column in range(3):
        assert len({row[column] for row in a}) == len(a)


class Stream(data.IterableDataset):
    """Numbers shared out between the workers."""

    def __iter__(self):
        info = data.get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, 7, step))


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("drop", [False, True])
def test_streams(workers, drop):
    found = [b.tolist() for b in data.DataLoader(Stream(), 2, num_workers=workers, drop_last=drop)]
    assert all(len(b) == 2 for b in found) if drop else sorted(sum(found, [])) == list(range(7))
    assert sorted(data.DataLoader(Stream(), None, num_workers=workers)) == list(range(7))


@pytest.mark.parametrize("workers", [0, 2])
def test_the_order_follows_the_generator(workers):
    def order(seed):
        loader = data.DataLoader(range(50), 5, shuffle=True, num_workers=workers, generator=torch.Generator().manual_seed(seed))
        return [[b.tolist() for b in loader] for _ in range(2)]

    assert order(3) == order(3) != order(4) and order(3)[0] != order(3)[1]
    batches = data.BatchSampler(data.SubsetRandomSampler([1, 3, 5, 7]), 3, False)
    found = [b.tolist() for b in data.DataLoader(range(10), batch_sampler=batches, num_workers=workers)]
    assert sorted(sum(found, [])) == [1, 3, 5, 7] and [len(b) for b in found] == [3, 1] and len(batches) == 2
    weighted = data.DataLoader(range(4), 2, sampler=data.WeightedRandomSampler([0.0, 1.0, 0.0, 3.0], 200), num_workers=workers)
    drawn = sum((b.tolist() for b in weighted), [])
    assert len(drawn) == 200 and set(drawn) == {1, 3} and drawn.count(3) > drawn.count(1)


def test_collations_as_torch():
    peer = pytest.importorskip("torch")
    import collections

    Point = collections.namedtuple("Point", "x y")
    made = [
        lambda L: [(L.tensor([1.0, 2.0]), 3), (L.tensor([4.0, 5.0]), 6)], lambda L: [{"a": 1.5, "b": "s"}, {"a": 2.5, "b": "t"}],
        lambda L: [Point(1, 2.0), Point(3, 4.0)], lambda L: [np.ones(2), np.zeros(2)], lambda L: [np.float32(1), np.float32(2)],
        lambda L: [[1, 2], [3, 4]], lambda L: [True, False], lambda L: [{"n": {"m": np.array([1, 2])}}, {"n": {"m": np.array([3, 4])}}],
    ]  # fmt: skip

    def plain(x):
        if hasattr(x, "tolist"):
            return (x.tolist(), str(getattr(x, "dtype", "")).rpartition(".")[2])
        if isinstance(x, dict):
            return {k: plain(v) for k, v in x.items()}
        return [plain(v) for v in x] if isinstance(x, (list, tuple)) else x

    for make in made:
        for name in ("default_collate", "default_convert"):
            assert plain(getattr(data, name)(make(torch))) == plain(getattr(peer.utils.data, name)(make(peer))), name
