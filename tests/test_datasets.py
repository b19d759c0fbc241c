"""Data sets: the IDX reader against damaged files, fixed cuts, checked downloads, augmentation."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from udlfast import data
from udlfast.data.download import data_folder


def idx_bytes(array, code=0x08):
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder, name, content, compressed=False):
    path = folder / name
    path.write_bytes(gzip.compress(content) if compressed else content)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "code, dtype", [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
@pytest.mark.parametrize("shape", [(0,), (1,), (5, 3), (2, 0, 4), (3, 2, 4)], ids=str)
def test_idx_round_trip(tmp_path, rng, shape, code, dtype, compressed):
    want = rng.integers(-100, 100, shape).astype(dtype)
    got = data.read_idx(write(tmp_path, "a", idx_bytes(want, code), compressed))
    assert got.dtype == np.dtype(dtype) and np.array_equal(got, want)


GOOD = idx_bytes(np.arange(24, dtype="u1").reshape(2, 3, 4))
BAD = {
    "empty": (b"", "truncated inside the header"),
    "header cut": (GOOD[:9], "truncated inside the header"),
    "magic": (b"\0\1" + GOOD[2:], "not an IDX file"),
    "element type": (b"\0\0\7" + GOOD[3:], "not an IDX file"),
    "no dimensions": (b"\0\0\x08\0", "0 dimensions"),
    "many dimensions": (b"\0\0\x08\xff" + bytes(4 * 255), "255 dimensions"),
    "one byte short": (GOOD[:-1], "truncated"),
    "one byte long": (GOOD + b"\0", "longer than"),
    "huge": (b"\0\0\x08\x01" + b"\xff\xff\xff\xff" + bytes(8), "more than the limit"),
    "product beyond 64 bits": (b"\0\0\x0e\x04" + b"\xff" * 16, "more than the limit"),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", BAD)
def test_idx_refuses(tmp_path, name, compressed):
    content, words = BAD[name]
    path = write(tmp_path, "bad.idx", content, compressed)
    with pytest.raises(data.IDXError, match=words) as caught:
        data.read_idx(path)
    assert str(caught.value).startswith(str(path))


def test_idx_refuses_a_damaged_gzip_stream(tmp_path):
    whole = gzip.compress(GOOD)
    for k in range(2, len(whole)):
        with pytest.raises(data.IDXError):
            data.read_idx(write(tmp_path, "cut", whole[:k]))
    for bit in range(16, 8 * len(whole)):  # some bits say nothing about the content: then it must be the same
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            got = data.read_idx(write(tmp_path, "bits", bytes(broken)))
        except data.IDXError:
            continue
        assert np.array_equal(got.ravel(), np.arange(24)) and got.shape == (2, 3, 4), f"bit {bit}"


def test_idx_memory_follows_the_file_and_not_the_header(tmp_path):
    import tracemalloc

    path = write(tmp_path, "lies", b"\0\0\x08\x01" + struct.pack(">I", 1 << 29) + bytes(100))
    bomb = write(tmp_path, "bomb", b"\0\0\x08\x01" + struct.pack(">I", 10) + bytes(1 << 26), compressed=True)
    tracemalloc.start()
    try:
        for p in (path, bomb):
            with pytest.raises(data.IDXError):
                data.read_idx(p)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def folder_of(tmp_path, rng, parts, n=25, labels=None):
    for part in parts:
        write(tmp_path, f"{part}-images-idx3-ubyte.gz", idx_bytes(rng.integers(0, 256, (n, 6, 5)).astype("u1")), True)
        write(tmp_path, f"{part}-labels-idx1-ubyte", idx_bytes(rng.integers(0, 10, labels or n).astype("u1")))
    return tmp_path


def test_mnist_from_a_folder(tmp_path, rng):
    x, y, x_test, y_test = data.mnist(folder_of(tmp_path, rng, ["train", "t10k"]))
    assert tuple(x.shape) == tuple(x_test.shape) == (25, 1, 6, 5) and tuple(y.shape) == tuple(y_test.shape) == (25,)
    raw = data.read_idx(tmp_path / "train-images-idx3-ubyte.gz")
    assert np.array_equal(x.numpy()[:, 0], raw.astype(np.float32) / np.float32(255))


def test_mnist_with_test_files_only(tmp_path, rng):
    split = data.mnist(folder_of(tmp_path, rng, ["t10k"]))
    assert [len(a) for a in split] == [20, 20, 5, 5]


def test_mnist_refuses(tmp_path, rng, monkeypatch):
    monkeypatch.setenv("UDLFAST_DATA", str(tmp_path / "none"))
    for folder in (None, tmp_path):
        with pytest.raises(FileNotFoundError, match="t10k-images-idx3-ubyte"):
            data.mnist(folder)
    folder_of(tmp_path, rng, ["t10k"], labels=24)
    with pytest.raises(data.IDXError, match="25 images, but .* 24 labels"):
        data.mnist(tmp_path)
    write(tmp_path, "t10k-labels-idx1-ubyte", idx_bytes(np.zeros((5, 5), "u1")))
    with pytest.raises(data.IDXError, match="expected labels"):
        data.mnist(tmp_path)


def test_digits_are_cut_the_same_way_every_time():
    pytest.importorskip("sklearn")
    a, b = data.digits(), data.digits()
    assert [tuple(t.shape) for t in a] == [(1438, 1, 8, 8), (1438,), (359, 1, 8, 8), (359,)]
    assert all(np.array_equal(s.numpy(), t.numpy()) for s, t in zip(a, b, strict=True))
    assert 0 <= a.x_train.numpy().min() and a.x_train.numpy().max() <= 1
    counts = np.bincount(a.y_test.numpy()), np.bincount(a.y_train.numpy()) + np.bincount(a.y_test.numpy())
    assert np.array_equal(counts[0], np.round(0.2 * counts[1]))
    together = np.concatenate([a.x_train.numpy(), a.x_test.numpy()]).reshape(1797, -1)
    assert len(np.unique(together, axis=0)) == len(np.unique(np.round(together * 16), axis=0))


@pytest.mark.filterwarnings("ignore")  # of packages that mnist1d imports
def test_mnist1d_leaves_the_global_random_state_alone():
    pytest.importorskip("mnist1d")
    np.random.seed(5)
    want = np.random.random()
    np.random.seed(5)
    x, y, x_test, y_test = data.mnist1d(samples=100)
    assert np.random.random() == want
    assert tuple(x.shape) == (80, 1, 40) and tuple(x_test.shape) == (20, 1, 40)
    assert np.array_equal(x.numpy(), data.mnist1d(samples=100).x_train.numpy())


@pytest.mark.parametrize("name, package", [("digits", "sklearn.datasets"), ("mnist1d", "mnist1d.data")])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, name, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(ImportError, match=r"pip install 'udlfast\[data\]'"):
        getattr(data, name)()


def test_stratified(rng):
    labels = rng.integers(0, 4, 200)
    kept, held = data.stratified(labels, 0.25, seed=1)
    assert sorted([*kept, *held]) == list(range(200))
    for c in range(4):
        assert (labels[held] == c).sum() == round(0.25 * (labels == c).sum())
    assert np.array_equal(held, data.stratified(labels, 0.25, seed=1)[1])
    assert not np.array_equal(held, data.stratified(labels, 0.25, seed=2)[1])
    assert [len(i) for i in data.stratified([], 0.5)] == [0, 0]
    assert [len(i) for i in data.stratified([7], 0.5)] == [1, 0]
    for fraction in (0, 1, -1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            data.stratified(labels, fraction)


def test_download(tmp_path, monkeypatch):
    content = b"some bytes"
    source, sha = write(tmp_path, "source", content), hashlib.sha256(content).hexdigest()
    monkeypatch.setenv("UDLFAST_DATA", str(tmp_path / "kept"))
    assert data_folder() == str(tmp_path / "kept")
    with pytest.raises(FileNotFoundError, match="pass download=True"):
        data.download("f", source.as_uri(), sha)
    assert not (tmp_path / "kept").exists()
    with pytest.raises(ValueError, match="nothing was kept"):
        data.download("f", source.as_uri(), "0" * 64, download=True)
    with pytest.raises(ValueError, match="more than 3 bytes"):
        data.download("f", source.as_uri(), sha, download=True, limit=3)
    assert list((tmp_path / "kept").iterdir()) == []
    path = data.download("f", source.as_uri(), sha, download=True)
    source.unlink()
    assert data.download("f", "https://unused", sha) == path and Path(path).read_bytes() == content
    with open(path, "ab") as f:
        f.write(b"!")
    with pytest.raises(ValueError, match="remove it"):
        data.download("f", "https://unused", sha)
    for name in ("", "..", "a/b"):
        with pytest.raises(ValueError, match="plain file name"):
            data.download(name, "https://unused", sha)
    with pytest.raises(ValueError, match="https or file"):
        data.download("g", "http://unused", sha, download=True)


def test_random_affine(rng):
    x = rng.standard_normal((7, 2, 6, 9)).astype(np.float32)
    still = data.random_affine(x, rng, degrees=0, shift=0, scale=0)
    assert np.array_equal(still, x)
    moved = data.random_affine(x, np.random.default_rng(1))
    assert moved.dtype == np.float32 and moved.shape == x.shape and not np.allclose(moved, x)
    assert np.array_equal(moved, data.random_affine(x, np.random.default_rng(1)))
    assert np.abs(moved).max() <= np.abs(x).max()  # a mean of neighbours
    far = data.random_affine(np.ones((500, 1, 4, 4), np.float32), rng, degrees=0, shift=5, scale=0)
    assert (far == 0).all((1, 2, 3)).any()  # outside lie zeros
    assert data.random_affine(x[:0], rng).shape == (0, 2, 6, 9)
    with pytest.raises(ValueError, match=r"\[N, C, H, W\]"):
        data.random_affine(x[0], rng)
    shifted = data.random_affine(x, FixedShift(1 / 6, 1 / 9), degrees=0, scale=0)
    assert np.allclose(shifted[:, :, :-1, :-1], x[:, :, 1:, 1:], atol=1e-6) and not shifted[:, :, -1].any()


def test_affine_of_a_quarter_turn_and_a_slant(rng):
    x = rng.standard_normal((3, 2, 5, 5)).astype(np.float32)
    turned = data.random_affine(x, Fixed(90.0, 1.0, 0.0, 0.0))
    assert np.allclose(turned, np.rot90(x, 1, (2, 3)), atol=1e-4)
    assert np.allclose(data.random_rotation(x, 3, degrees=30), data.random_affine(x, 3, degrees=30, shift=0, scale=0))
    slanted = data.random_affine(x, Fixed(0.0, 1.0, 0.0, 1.0), shear=1.0)
    for k, by in enumerate((-2, -1, 0, 1, 2)):  # each column moves by its distance from the middle
        kept = slice(max(0, -by), 5 - max(0, by))
        assert np.allclose(slanted[:, :, kept, k], x[:, :, slice(max(0, by), 5 + min(0, by)), k], atol=1e-5)
    large = data.random_affine(np.ones((2, 1, 300, 300), np.float32), rng, degrees=0, shift=0, scale=0.2)
    assert large[:, :, 50:250, 50:250].min() > 0.999  # more pixels than a chunk holds


class Fixed:
    """Draws this angle, size, shift and slant, in the order in which they are asked for."""

    def __init__(self, *values):
        self.values = list(values)

    def uniform(self, low, high, size):
        return np.full(size, self.values.pop(0))


def test_crop_and_shift(rng):
    x = rng.standard_normal((40, 2, 6, 7)).astype(np.float32)
    cut = data.random_crop(x, 5, (4, 3), padding=1)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    places = set()
    for k in range(40):
        found = [(i, j) for i in range(5) for j in range(7) if np.array_equal(cut[k], padded[k, :, i:i + 4, j:j + 3])]
        assert found
        places.update(found)
    assert len(places) > 20 and np.array_equal(cut, data.random_crop(x, np.random.default_rng(5), (4, 3), padding=1))
    moved = data.random_shift(x, 0, pixels=2)
    assert moved.shape == x.shape and (moved[:, :, 0] == 0).all((1, 2)).any() and (moved[:, :, 0] != 0).any()
    assert np.array_equal(data.random_crop(x, 0), x)
    for size, padding in (((9, 3), 1), ((0, 3), 0), ((3, 3), -1)):
        with pytest.raises(ValueError, match="does not fit"):
            data.random_crop(x, 0, size, padding=padding)


def test_flip_and_erase(rng):
    x = rng.uniform(1, 2, (300, 2, 6, 7)).astype(np.float32)
    assert np.array_equal(data.random_flip(x, 0, horizontal=1.0, vertical=1.0), x[:, :, ::-1, ::-1])
    flipped = data.random_flip(x, 0)
    mirrored = (flipped == x[..., ::-1]).all((1, 2, 3))
    assert 100 < mirrored.sum() < 200 and np.array_equal(flipped[~mirrored], x[~mirrored])
    erased = data.random_erase(x, 0, probability=0.5, area=(0.1, 0.3), value=-1.0)
    gone = erased == -1
    assert np.array_equal(erased[~gone], x[~gone]) and np.array_equal(gone[:, 0], gone[:, 1])
    painted = gone[:, 0].any((1, 2))
    assert 100 < painted.sum() < 200
    for mask in gone[painted, 0]:  # a full rectangle of about the right area
        rows, columns = mask.any(1).sum(), mask.any(0).sum()
        assert mask.sum() == rows * columns and 0.02 * 42 < mask.sum() < 0.55 * 42


def test_augment_is_a_chain_with_one_seed(rng):
    import udlfast as torch

    x = torch.from_numpy(rng.standard_normal((5, 1, 8, 8)).astype(np.float32))
    chain = [(data.random_shift, {"pixels": 1}), data.random_flip, data.random_erase]
    first, again, other = (data.Augment(seed, *chain) for seed in (1, 1, 2))
    y = first(x)
    assert isinstance(y, torch.Tensor) and np.array_equal(y.numpy(), again(x).numpy())
    assert not np.array_equal(y.numpy(), other(x).numpy()) and not np.array_equal(y.numpy(), first(x).numpy())
    for change in (data.random_crop, data.random_flip, data.random_erase, data.random_rotation):
        assert change(x[:0], 0).shape == (0, 1, 8, 8)
        with pytest.raises(ValueError, match=r"\[N, C, H, W\]"):
            change(x[0], 0)


class FixedShift:
    """Draws no turn, no scaling, and one shift for all."""

    def __init__(self, dy, dx):
        self.shifts = np.array([dy, dx])

    def uniform(self, low, high, size):
        if size[0] == 2 and len(size) == 4:
            return np.broadcast_to(self.shifts.reshape(2, 1, 1, 1), size)
        return np.full(size, (low + high) / 2)
