"""Whole modules and NumPy arrays in a checkpoint: made of classes that the program lists or has, and of nothing else."""

import io
import struct
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from harness import check_raises, numbers
from hostile_bombs import archive_of

import udlfast
from udlfast import nn
from udlfast.serialization import FileFormatError, RefusedError, add_safe_globals, clear_safe_globals, get_safe_globals, safe_globals

CALLED = []


class Settings:
    def __init__(self, width):
        self.width = width


class Net(nn.Module):
    def __init__(self, width=4):
        CALLED.append(width)
        super().__init__()
        self.settings, self.type = Settings(width), "small"
        self.first = nn.Linear(3, width)
        self.layers = nn.ModuleList([nn.Linear(width, width), nn.BatchNorm1d(width)])
        self.tied = self.first
        self.activation = nn.functional.gelu
        self.register_buffer("scale", udlfast.full((width,), 2.0), persistent=False)
        self.nothing = None

    def forward(self, x):
        h = self.activation(self.first(x))
        for layer in self.layers:
            h = layer(h)
        return h * self.scale


class Other:
    def __setstate__(self, state):
        CALLED.append(state)


def saved(obj):
    file = io.BytesIO()
    udlfast.save(obj, file)
    return file.getvalue()


def load(raw, **how):
    return udlfast.load(io.BytesIO(raw), **how)


@pytest.fixture(autouse=True)
def empty_list():
    yield
    clear_safe_globals()
    CALLED.clear()


ALL = [Net, Settings, nn.Linear, nn.ModuleList, nn.BatchNorm1d, nn.functional.gelu]


@pytest.mark.parametrize("trusted", [False, True])
def test_a_network_comes_back(trusted):
    net, x = Net(), udlfast.randn(5, 3)
    net(x).sum().backward()
    net.eval()
    net.first.weight.requires_grad_(False)
    raw = saved({"net": net, "epoch": 3})
    CALLED.clear()
    with safe_globals([Settings] if trusted else ALL):
        got = load(raw, weights_only=not trusted)["net"]
    assert not CALLED, "no class is called"
    assert type(got) is Net and got.training is False and got.layers[1].training is False
    assert got.tied is got.first and got.settings.width == 4 and got.type == "small" and got.nothing is None
    assert repr(got) == repr(net) and list(got.state_dict()) == list(net.state_dict())
    assert [p.requires_grad for p in got.parameters()] == [p.requires_grad for p in net.parameters()]
    assert np.array_equal(numbers(got(x)), numbers(net(x)))
    got.train()(x).sum().backward()
    assert got.layers[0].weight.grad is not None


@pytest.mark.parametrize("make", [
    lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2), lambda: nn.LSTM(8, 4, 2), lambda: nn.GRUCell(8, 3),
    lambda: nn.Sequential(nn.Conv1d(2, 3, 1), nn.ReLU(), nn.Dropout(0.1), nn.GroupNorm(1, 3)),
    lambda: nn.ParameterDict({"a": nn.Parameter(udlfast.ones(2))}), lambda: nn.MultiheadAttention(8, 2),
    lambda: nn.Embedding(5, 2)])  # fmt: skip
def test_layers_come_back(make):
    layer = make()
    got = load(saved(layer), weights_only=False)
    assert repr(got) == repr(layer)
    for (name, a), (other, b) in zip(layer.state_dict().items(), got.state_dict().items(), strict=True):
        assert name == other and np.array_equal(numbers(a), numbers(b))


def test_another_process_reads_it(tmp_path):
    """Layers of ours are found although nothing of them was imported there before."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu")
    udlfast.save(layer, tmp_path / "layer.pt")
    code = f"import udlfast; print(udlfast.load({str(tmp_path / 'layer.pt')!r}, weights_only=False))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == repr(layer)


def test_without_leave_it_is_refused():
    raw = saved(Net())
    check_raises(RefusedError, ["test_saved_modules.Net", "add_safe_globals", "weights_only=False"], load, raw)
    check_raises(RefusedError, ["Settings"], load, raw, weights_only=False)
    with safe_globals(ALL[:-1]):
        check_raises(RefusedError, ["gelu"], load, raw)
    check_raises(RefusedError, ["Net"], load, raw)
    add_safe_globals([(Net, "old.place.Net"), Settings])
    assert get_safe_globals() == [Net, Settings]
    check_raises(RefusedError, ["ReLU"], load, saved(nn.ReLU()))
    check_raises(TypeError, ["add_safe_globals", "str"], add_safe_globals, ["Net"])


def named(module, name, after):
    return archive_of(b"\x80\x02c" + module + b"\n" + name + b"\n" + after)


def text(s):
    return b"X" + struct.pack("<I", len(s)) + s


MODULE = b")\x81}" + b"(" + text(b"training") + b"\x88" + text(b"_kinds") + b"}"
RELU = partial(named, b"udlfast.nn.activation", b"ReLU")


def test_files_made_by_hand():
    assert isinstance(load(RELU(MODULE + b"ub."), weights_only=False), nn.ReLU)
    hidden = b"cudlfast.nn.functional\nrelu\n"
    for raw in [named(b"os", b"system", text(b"ls") + b"\x85R."), named(b"subprocess", b"Popen", b")\x81}b."),
                named(b"test_saved_modules", b"Other", b")\x81}b."), named(b"test_saved_modules", b"CALLED", b"."),
                named(b"test_saved_modules", b"nn.ReLU", MODULE + b"ub."), named(b"udlfast", b"save", b"."),
                named(b"udlfast.nn.module", b"Module.apply", b"."), named(b"udlfast.nn.functional", b"relu", b")R."),
                named(b"udlfast.nn.functional", b"torch", b"."),
                RELU(MODULE + text(b"forward") + hidden + b"ub."), RELU(MODULE + text(b"__class__") + b"Nub."),
                RELU(MODULE + b"ub}b."), RELU(b"."), RELU(b"K\x01\x85\x81.")]:  # fmt: skip
        check_raises(FileFormatError, [], load, raw, weights_only=False)
    with_kind = MODULE[:-1] + b"}" + text(b"w") + text(b"parameter") + b"s"
    for raw in [RELU(b")\x81."), RELU(b")\x81}b."), RELU(with_kind + b"ub."), RELU(with_kind + text(b"w") + b"K\x01ub."),
                RELU(MODULE + text(b"_hooks") + b"K\x01ub."), RELU(b")\x81Nb."), RELU(MODULE + text(b"_kinds") + b"K\1ub.")]:  # fmt: skip
        check_raises(FileFormatError, [], load, raw, weights_only=False)
    assert not CALLED, "a class that is no Module and not listed is left alone"
    with safe_globals([Other]):
        load(named(b"test_saved_modules", b"Other", b")\x81}b."))
    assert CALLED == [{}]


def test_nothing_is_imported(tmp_path, monkeypatch):
    (tmp_path / "never_imported.py").write_text("from udlfast import nn\nclass Net(nn.Module): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    check_raises(RefusedError, ["never_imported.Net"], load, named(b"never_imported", b"Net", MODULE + b"ub."), weights_only=False)
    assert "never_imported" not in sys.modules


def test_what_cannot_be_saved():
    class Local(nn.Module):
        pass

    check_raises(TypeError, ["Local", "state_dict"], saved, Local())
    check_raises(TypeError, ["Other"], saved, [Other()])
    net = Net()
    net.activation = lambda x: x
    check_raises(TypeError, ["function", "activation"], saved, net)
    net = Net()
    net.forward = nn.functional.relu
    check_raises(TypeError, ["forward"], saved, net)
    net = Net()
    net.first.register_forward_hook(print)
    check_raises(TypeError, ["hooks", "first"], saved, net)
    check_raises(TypeError, ["dict key", "Net"], saved, {Net(): 1})
    check_raises(TypeError, ["set"], saved, {Net()})


@pytest.mark.parametrize("code", ["?", "<i1", "<u2", "<i8", ">i4", "<f2", "<f4", "<f8", "<c16"])
def test_arrays_of_numpy(rng, code):
    a = (rng.standard_normal((4, 6)) * 3).astype(code)
    for array in (a, a.T, a[::2, 1:], a[0, 0:0], np.array(a[0, 0])):
        got = load(saved({"a": array, "again": array}))
        assert got["a"] is got["again"] and got["a"].dtype == array.dtype.newbyteorder("=") and got["a"].shape == array.shape
        assert np.array_equal(got["a"], array) and got["a"].flags.writeable


def test_arrays_and_pytorch(rng):
    torch = pytest.importorskip("torch")
    a = rng.standard_normal((3, 4))
    file = io.BytesIO()
    torch.save({"a": a, "b": a > 0}, file)
    got = load(file.getvalue())
    assert np.array_equal(got["a"], a) and np.array_equal(got["b"], a > 0)
    theirs = torch.load(io.BytesIO(saved([a, a])), weights_only=False)
    assert np.array_equal(theirs[0], a) and theirs[0] is theirs[1]


def test_large_arrays_need_trust(rng):
    a = rng.integers(0, 255, 6 << 20).astype(np.uint8)
    raw = saved(a)
    check_raises(FileFormatError, ["max_bytes"], load, raw)
    assert np.array_equal(load(raw, weights_only=False), a)


def test_arrays_of_anything_else():
    check_raises(TypeError, ["ndarray"], saved, np.array([print], dtype=object))
    check_raises(TypeError, ["ndarray"], saved, np.array(["a"]))
    good = saved(np.arange(3))
    for old, new in [(text(b"i8"), text(b"O8")), (text(b"i8"), text(b"f4")), (b"K\x03", b"K\x04"), (text(b"<"), text(b"!"))]:
        assert old in good
        data = good[good.index(b"\x80\x02") : good.index(b".", good.index(b"tb"))] + b"."
        check_raises(FileFormatError, [], load, archive_of(data.replace(old, new, 1)))
    assert load(archive_of(data)).tolist() == [0, 1, 2]
