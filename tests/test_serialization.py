"""save and load: round trips, files of others, damage of every kind, and saves that are all or nothing."""

import json
import os
import struct
import time
from collections import OrderedDict

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
from udlfast import nn, optim

DTYPES = ["bool", "uint8", "int32", "int64", "bfloat16", "float32", "float64"]


@pytest.fixture(params=["f.pt", "f.safetensors"])
def path(request, tmp_path):
    return tmp_path / request.param


def same(a, b):
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype and a.shape == b.shape and np.array_equal(numbers(a), numbers(b), equal_nan=True)
    elif isinstance(a, dict):
        assert type(a) is type(b) and list(a) == list(b)
        [same(a[k], b[k]) for k in a]
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b) and len(a) == len(b)
        [same(x, y) for x, y in zip(a, b)]
    else:
        assert type(a) is type(b) and (a == b or (a != a and b != b))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 5), (2, 0, 3), (1, 1, 1)], ids=str)
def test_every_type_and_shape(path, rng, dtype, shape):
    t = torch.tensor(np.asarray(rng.integers(0, 2, shape)).astype(float)).to(getattr(torch, dtype))
    torch.save({"t": t}, path)
    same({"t": t}, torch.load(path))


def test_special_numbers_and_views(path):
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45])
    y = torch.arange(12).reshape(3, 4)
    tree = {"x": x, "transposed": y.t(), "strided": y[:, ::2], "grad": torch.ones(2, requires_grad=True)}
    torch.save(tree, path)
    got = torch.load(path)
    for k in tree:
        same(tree[k].detach(), got[k])
    assert np.signbit(numbers(got["x"])[3]) and tuple(got["transposed"].stride()) in ((1, 4), (3, 1))


def test_trees(path):
    tree = {
        "model": OrderedDict([("b", torch.ones(2)), ("a.weight", torch.zeros((2, 2)))]),
        "list": [1, 2.5, None, True, "text", float("nan"), float("inf"), (torch.ones(1), [])],
        "numbers": {1: torch.ones(1), 2: "two"},
        "empty": {},
        "unicode": "Gewicht ü",
        "large": 2**62,
        "__metadata__": torch.ones(3),
    }
    torch.save(tree, path)
    same(tree, torch.load(path))
    torch.save(torch.arange(3), path)
    assert torch.load(path).tolist() == [0, 1, 2]


def test_network_and_optimizer_continue(path, rng):
    """Interrupted after five steps and loaded again, training goes on with the same bits."""
    x, y = torch.tensor(rng.standard_normal((16, 4)), dtype=torch.float32), torch.tensor(rng.integers(0, 3, 16))

    def build():
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        return net, optim.AdamW(net.parameters(), lr=0.01)

    def train(net, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()

    net, optimizer = build()
    train(net, optimizer, 5)
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict()}, path)
    train(net, optimizer, 5)
    other, its = build()
    state = torch.load(path)
    other.load_state_dict(state["model"])
    its.load_state_dict(state["optimizer"])
    train(other, its, 5)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True))


def test_shared_tensors(path):
    w = torch.ones((2, 2))
    torch.save({"a": w, "b": w, "c": w[0]}, path)
    got = torch.load(path)
    assert all(v.tolist() == e for v, e in zip(got.values(), ([[1, 1], [1, 1]], [[1, 1], [1, 1]], [1, 1])))


@pytest.mark.parametrize("format", ["pt", "safetensors", "npz"])
def test_file_objects(format):
    import io

    class Stream:  # can be read, and nothing else
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    buffer = io.BytesIO(b"before")
    buffer.seek(6)
    torch.save({"x": torch.ones(2)}, buffer, format=format)
    buffer.seek(6)
    assert torch.load(buffer)["x"].tolist() == [1.0, 1.0]
    assert torch.load(Stream(buffer.getvalue()[6:]))["x"].tolist() == [1.0, 1.0]


def test_the_name_tells_the_format(tmp_path):
    tree = {"x": torch.ones(2)}
    starts = dict.fromkeys(["a.pt", "a.pth", "a.bin", "a.ckpt", "a", "a.npz"], b"PK")
    starts |= {"a.safetensors": b"\x98\0", "A.SafeTensors": b"\x98\0"}
    for name, start in starts.items():
        torch.save(tree, tmp_path / name)
        got = (tmp_path / name).read_bytes()
        assert (got[8:9] == b"{") == (start != b"PK") and (got[:2] == b"PK") == (start == b"PK"), name
        same(tree, torch.load(tmp_path / name))
    torch.save(tree, str(tmp_path / "b.pt"), format="safetensors")
    assert (tmp_path / "b.pt").read_bytes()[8:9] == b"{"
    same(tree, torch.load(tmp_path / "b.pt"))
    check_raises(ValueError, ["gguf", "npz"], torch.save, tree, tmp_path / "c", format="gguf")


def test_a_tied_table_is_written_once(path):
    table = torch.ones((100, 100))
    tree = {"in": table, "out": table, "again": table.reshape(100, 100), "row": table[1]}
    torch.save(tree, path)
    got = torch.load(path)
    same(tree, got)
    got["in"].zero_()
    assert not got["out"].any() and not got["again"].any()
    assert path.stat().st_size < 45_000
    assert bool(got["row"].any()) == (path.suffix == ".safetensors")  # a .pt keeps views of one memory, too


def test_numpy_archives(tmp_path):
    arrays = {"a": np.arange(6.0, dtype=np.float32).reshape(2, 3), "f": np.asfortranarray(np.eye(3)[:2]), "s": np.int64(3),
              "e": np.zeros((0, 2)), "b": np.array([True, False]), "h": np.array([1.5], np.float16), "u": np.array([3], np.uint32)}
    for write in (np.savez, np.savez_compressed):
        write(tmp_path / "a.npz", **arrays)
        got = torch.load(tmp_path / "a.npz")
        assert list(got) == list(arrays) and got["h"].dtype == torch.float16 and got["u"].dtype == torch.uint32
        for k, a in arrays.items():
            assert got[k].shape == a.shape and np.array_equal(numbers(got[k]), a)
    torch.save(got, tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz", allow_pickle=False) as theirs:
        assert all(np.array_equal(theirs[k], a) for k, a in arrays.items())
    torch.save([torch.ones(2), 3], tmp_path / "c.npz")
    assert list(torch.load(tmp_path / "c.npz")) == ["arr_0", "arr_1"]
    np.save(tmp_path / "d.npy", np.eye(2))
    assert torch.load(tmp_path / "d.npy").tolist() == [[1, 0], [0, 1]]
    check_raises(TypeError, ["bfloat16", "x"], torch.save, {"x": torch.ones(1).bfloat16()}, tmp_path / "e.npz")
    np.savez(tmp_path / "e.npz", x=np.array([{}], object))
    check_raises(RuntimeError, ["x.npy", "numbers"], torch.load, tmp_path / "e.npz")
    np.savez(tmp_path / "e.npz", x=np.array(["text"]))
    check_raises(RuntimeError, ["x.npy", "<U4"], torch.load, tmp_path / "e.npz")


def test_an_archive_that_inflates_beyond_its_size_asks_first(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(4_000_000))
    check_raises(RuntimeError, ["max_bytes", "12 MiB"], torch.load, tmp_path / "a.npz")
    assert torch.load(tmp_path / "a.npz", max_bytes=2**26)["x"].numel() == 4_000_000


def test_mapped_files(path):
    tree = {"x": torch.arange(7), "y": torch.ones(3).bfloat16(), "b": torch.tensor([True, False]), "z": torch.zeros(0)}
    torch.save(tree, path)
    got = torch.load(path, mmap=True)
    same(tree, got)
    got["x"].add_(1)
    got["y"].add_(1)
    same(tree, torch.load(path))
    with open(path, "rb") as file:
        check_raises(RuntimeError, ["mmap", "path"], torch.load, file, mmap=True)


def test_other_loaders_read_our_files(tmp_path):
    pytest.importorskip("safetensors")
    from safetensors.numpy import load_file, save_file

    f = tmp_path / "f.safetensors"
    torch.save({"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2]), "t": torch.ones((3, 2)).t()}, f)
    theirs = load_file(f)
    assert theirs["w"].tolist() == [[0, 1, 2], [3, 4, 5]] and theirs["b"].tolist() == [1, 2] and theirs["t"].shape == (2, 3)
    save_file({"x": np.eye(2, dtype=np.float32), "h": np.ones(2, np.float16)}, tmp_path / "g")
    ours = torch.load(tmp_path / "g")
    assert ours["x"].tolist() == [[1, 0], [0, 1]] and ours["h"].tolist() == [1, 1]


def test_loaded_tensors_can_be_written(path):
    torch.save({"x": torch.zeros(3)}, path)
    x = torch.load(path)["x"]
    x.add_(1)
    assert x.tolist() == [1.0] * 3 and torch.load(path)["x"].tolist() == [0.0] * 3


def test_truncation_at_every_fiftieth_byte(path):
    torch.save({"model": {"w": torch.ones((5, 7)), "b": torch.zeros(300)}, "step": 3}, path)
    whole = path.read_bytes()
    assert len(whole) > 1000
    for size in [*range(0, len(whole), 50), 1, 2, 7, 8, 9, len(whole) - 1]:
        path.with_name("cut").write_bytes(whole[:size])
        with pytest.raises((RuntimeError, ValueError), match="cut"):
            torch.load(path.with_name("cut"))


def test_flipped_bytes_raise_or_load_something_of_the_right_kind(path, rng):
    torch.save({"w": torch.ones((5, 7)), "step": 3}, path)
    whole = bytearray(path.read_bytes())
    refused = 0
    for at in rng.permutation(len(whole))[:300]:
        broken = bytearray(whole)
        broken[at] ^= 1 << int(rng.integers(8))
        path.with_name("cut").write_bytes(broken)
        try:
            assert isinstance(torch.load(path.with_name("cut")), (dict, list, tuple, torch.Tensor))
        except (RuntimeError, ValueError):
            refused += 1
    assert refused > 50, "damage in the header must be noticed"


def forged(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
FORGED = {
    "empty": b"",
    "length beyond the file": forged({"x": F32}, b"\0" * 8, length=2**62),
    "negative length": b"\xff" * 8 + b"{}",
    "not json": forged(b"{not json", b"\0" * 8),
    "a list": forged([1, 2], b""),
    "end before begin": forged({"x": {**F32, "data_offsets": [8, 0]}}, b"\0" * 8),
    "end beyond the file": forged({"x": {**F32, "data_offsets": [0, 800]}}, b"\0" * 8),
    "size and shape differ": forged({"x": {**F32, "shape": [3]}}, b"\0" * 8),
    "shape overflows": forged({"x": {**F32, "shape": [2**62, 2**62, 2]}}, b"\0" * 8),
    "negative shape": forged({"x": {**F32, "shape": [-2]}}, b"\0" * 8),
    "negative offset": forged({"x": {**F32, "data_offsets": [-8, 0]}}, b"\0" * 8),
    "unknown type": forged({"x": {**F32, "dtype": "F7"}}, b"\0" * 8),
    "overlap": forged({"x": F32, "y": F32}, b"\0" * 8),
    "hole": forged({"x": {**F32, "data_offsets": [8, 16]}}, b"\0" * 16),
    "trailing bytes": forged({"x": F32}, b"\0" * 80),
    "deep nesting": forged(b"[" * 100_000, b""),
    "deep tree": forged({"__metadata__": {"udlfast": '{"version":"1","tree":' + '["list",' * 50_000 + "1" + "]" * 50_000 + "}"}}),
    "tree names a tensor that is not there": forged({"__metadata__": {"udlfast": '{"version":"1","tree":["tensor","y"]}'}}),
    "tree is no json": forged({"__metadata__": {"udlfast": "{"}}),
    "tree of an unknown kind": forged({"__metadata__": {"udlfast": '{"version":"1","tree":["eval","1"]}'}}),
    "newer version": forged({"__metadata__": {"udlfast": '{"version":"99","tree":1}'}}),
    "a zip": b"PK\x03\x04" + b"\0" * 100,
    "a pickle": b"\x80\x02}q\x00." + b"\0" * 100,
    "an empty array": b"\x93NUMPY",
    "an array of 2^60": b"\x93NUMPY\1\0v\0"
    + b"{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }".ljust(117) + b"\n",
    "text": b"hello, this is not a file of tensors at all",
}


@pytest.mark.parametrize("kind", FORGED)
def test_forged_files_raise_cleanly(tmp_path, kind):
    (tmp_path / "forged").write_bytes(FORGED[kind])
    check_raises((RuntimeError, ValueError), ["load", "forged"], torch.load, tmp_path / "forged")


def test_missing_file_and_folder(tmp_path):
    check_raises(FileNotFoundError, ["nothing"], torch.load, tmp_path / "nothing")
    check_raises(OSError, [], torch.save, {"x": torch.ones(1)}, tmp_path / "no folder" / "f")
    check_raises(OSError, [], torch.load, tmp_path)


def test_what_cannot_be_saved_is_named(path):
    check_raises(TypeError, ["object", "a.1"], torch.save, {"a": [1, object()]}, path)
    if path.suffix != ".pt":
        check_raises(TypeError, ["state_dict"], torch.save, nn.Linear(1, 1), path)
    assert os.listdir(path.parent) == []


def test_a_failed_save_keeps_the_old_file(path, monkeypatch):
    torch.save({"x": torch.ones(2)}, path)

    def full_disk(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    check_raises(OSError, ["space"], torch.save, {"x": torch.zeros(2)}, path)
    monkeypatch.undo()
    assert torch.load(path)["x"].tolist() == [1.0, 1.0] and os.listdir(path.parent) == [path.name]


def test_a_killed_save_keeps_the_old_file(path):
    """A child saves without end and is killed in the middle, ten times; what is there always loads."""
    torch.save({"x": torch.full((50_000,), -1.0)}, path)
    for delay in np.linspace(0.002, 0.03, 10):
        child = os.fork()
        if child == 0:
            i = 0
            while True:
                i += 1
                torch.save({"x": torch.full((50_000,), float(i))}, path)
        time.sleep(delay)
        os.kill(child, 9)
        os.waitpid(child, 0)
        x = numbers(torch.load(path)["x"])
        assert x.shape == (50_000,) and (x == x[0]).all()


def test_permissions_follow_the_umask(path):
    before = os.umask(0o027)
    try:
        torch.save({"x": torch.ones(1)}, path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
