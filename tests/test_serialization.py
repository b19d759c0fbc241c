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

pytest.importorskip("safetensors")
DTYPES = ["bool", "uint8", "int32", "int64", "bfloat16", "float32", "float64"]


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
def test_every_type_and_shape(tmp_path, rng, dtype, shape):
    t = torch.tensor(np.asarray(rng.integers(0, 2, shape)).astype(float)).to(getattr(torch, dtype))
    torch.save({"t": t}, tmp_path / "f")
    same({"t": t}, torch.load(tmp_path / "f"))


def test_special_numbers_and_views(tmp_path):
    x = torch.tensor([float("nan"), float("inf"), -float("inf"), -0.0, 1e-45])
    y = torch.arange(12).reshape(3, 4)
    tree = {"x": x, "transposed": y.t(), "strided": y[:, ::2], "grad": torch.ones(2, requires_grad=True)}
    torch.save(tree, tmp_path / "f")
    got = torch.load(tmp_path / "f")
    for k in tree:
        same(tree[k].detach(), got[k])
    assert np.signbit(numbers(got["x"])[3]) and got["transposed"].is_contiguous()


def test_trees(tmp_path):
    tree = {
        "model": OrderedDict([("b", torch.ones(2)), ("a.weight", torch.zeros((2, 2)))]),
        "list": [1, 2.5, None, True, "text", float("nan"), float("inf"), (torch.ones(1), [])],
        "numbers": {1: torch.ones(1), 2: "two"},
        "empty": {},
        "unicode": "Gewicht ü",
        "large": 2**62,
        "__metadata__": torch.ones(3),
    }
    torch.save(tree, tmp_path / "f")
    same(tree, torch.load(tmp_path / "f"))
    torch.save(torch.arange(3), tmp_path / "g")
    assert torch.load(tmp_path / "g").tolist() == [0, 1, 2]


def test_network_and_optimizer_continue(tmp_path, rng):
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
    torch.save({"model": net.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "f")
    train(net, optimizer, 5)
    other, its = build()
    state = torch.load(tmp_path / "f")
    other.load_state_dict(state["model"])
    its.load_state_dict(state["optimizer"])
    train(other, its, 5)
    assert all(torch.equal(a, b) for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True))


def test_shared_tensors(tmp_path):
    w = torch.ones((2, 2))
    torch.save({"a": w, "b": w, "c": w[0]}, tmp_path / "f")
    got = torch.load(tmp_path / "f")
    assert all(v.tolist() == e for v, e in zip(got.values(), ([[1, 1], [1, 1]], [[1, 1], [1, 1]], [1, 1])))


def test_file_objects(tmp_path):
    import io

    buffer = io.BytesIO()
    torch.save({"x": torch.ones(2)}, buffer)
    buffer.seek(0)
    assert torch.load(buffer)["x"].tolist() == [1.0, 1.0]


def test_other_loaders_read_our_files(tmp_path):
    from safetensors.numpy import load_file, save_file

    torch.save({"w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}, tmp_path / "f")
    theirs = load_file(tmp_path / "f")
    assert theirs["w"].tolist() == [[0, 1, 2], [3, 4, 5]] and theirs["b"].tolist() == [1, 2]
    save_file({"x": np.eye(2, dtype=np.float32), "h": np.ones(2, np.float16)}, tmp_path / "g")
    ours = torch.load(tmp_path / "g")
    assert ours["x"].tolist() == [[1, 0], [0, 1]] and ours["h"].tolist() == [1, 1]


def test_loaded_tensors_can_be_written(tmp_path):
    torch.save({"x": torch.zeros(3)}, tmp_path / "f")
    x = torch.load(tmp_path / "f")["x"]
    x.add_(1)
    assert x.tolist() == [1.0] * 3 and torch.load(tmp_path / "f")["x"].tolist() == [0.0] * 3


def test_truncation_at_every_fiftieth_byte(tmp_path):
    torch.save({"model": {"w": torch.ones((5, 7)), "b": torch.zeros(300)}, "step": 3}, tmp_path / "f")
    whole = (tmp_path / "f").read_bytes()
    assert len(whole) > 1000
    for size in [*range(0, len(whole), 50), 1, 7, 8, 9, len(whole) - 1]:
        (tmp_path / "cut").write_bytes(whole[:size])
        with pytest.raises((RuntimeError, ValueError), match="cut"):
            torch.load(tmp_path / "cut")


def test_flipped_bytes_raise_or_load_something_of_the_right_kind(tmp_path, rng):
    torch.save({"w": torch.ones((5, 7)), "step": 3}, tmp_path / "f")
    whole = bytearray((tmp_path / "f").read_bytes())
    refused = 0
    for at in rng.permutation(len(whole))[:300]:
        broken = bytearray(whole)
        broken[at] ^= 1 << int(rng.integers(8))
        (tmp_path / "cut").write_bytes(broken)
        try:
            assert isinstance(torch.load(tmp_path / "cut"), (dict, list, tuple, torch.Tensor))
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


def test_what_cannot_be_saved_is_named(tmp_path):
    check_raises(TypeError, ["object", "a.1"], torch.save, {"a": [1, object()]}, tmp_path / "f")
    check_raises(TypeError, ["state_dict"], torch.save, nn.Linear(1, 1), tmp_path / "f")
    assert os.listdir(tmp_path) == []


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    torch.save({"x": torch.ones(2)}, tmp_path / "f")

    def full_disk(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    check_raises(OSError, ["space"], torch.save, {"x": torch.zeros(2)}, tmp_path / "f")
    monkeypatch.undo()
    assert torch.load(tmp_path / "f")["x"].tolist() == [1.0, 1.0] and os.listdir(tmp_path) == ["f"]


def test_a_killed_save_keeps_the_old_file(tmp_path):
    """A child saves without end and is killed in the middle, ten times; what is there always loads."""
    torch.save({"x": torch.full((50_000,), -1.0)}, tmp_path / "f")
    for delay in np.linspace(0.002, 0.03, 10):
        child = os.fork()
        if child == 0:
            i = 0
            while True:
                i += 1
                torch.save({"x": torch.full((50_000,), float(i))}, tmp_path / "f")
        time.sleep(delay)
        os.kill(child, 9)
        os.waitpid(child, 0)
        x = numbers(torch.load(tmp_path / "f")["x"])
        assert x.shape == (50_000,) and (x == x[0]).all()


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        torch.save({"x": torch.ones(1)}, tmp_path / "f")
    finally:
        os.umask(before)
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o640
