"""PyTorch's checkpoints: what torch.save writes is read, what we write torch.load(weights_only=True) reads."""

import io
import pickle
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
from harness import check_raises, numbers
from hostile_bombs import archive_of

import udlfast
from udlfast.serialization import FileFormatError, RefusedError, _zip

torch = pytest.importorskip("torch")
NEWER = ["uint16", "uint32", "uint64"]
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", *NEWER]


def same(theirs, ours):
    if isinstance(theirs, torch.Tensor):
        assert type(ours) is (udlfast.nn.Parameter if isinstance(theirs, torch.nn.Parameter) else udlfast.Tensor)
        name = str(theirs.dtype).removeprefix("torch.")
        assert ours.dtype.name == name and tuple(ours.shape) == tuple(theirs.shape)
        assert tuple(ours.stride()) == theirs.stride() or not theirs.numel()
        assert ours.requires_grad == theirs.requires_grad
        assert np.array_equal(numbers(ours), theirs.detach().double().numpy(), equal_nan=True)
    elif isinstance(theirs, dict):
        assert type(theirs) is type(ours) and list(theirs) == list(ours)
        assert getattr(theirs, "_metadata", None) == getattr(ours, "_metadata", None)
        for k in theirs:
            same(theirs[k], ours[k])
    elif isinstance(theirs, (list, tuple)):
        assert len(theirs) == len(ours) and type(ours).__name__ == type(theirs).__name__
        for a, b in zip(theirs, ours):
            same(a, b)
    elif isinstance(theirs, (torch.dtype, torch.device)):
        assert str(theirs).removeprefix("torch.") == str(ours).removeprefix("udlfast.")
    else:
        assert type(theirs) is type(ours) and (theirs == ours or (theirs != theirs and ours != ours))


def plain():
    """Everything but tensors that a checkpoint may hold."""
    return [0, 255, 256, -1, 2**31, -(2**63), 2**200, 1.5, float("nan"), -float("inf"), None, True, False, "", "ü😀", "a" * 70_000, b"",
            b"a\xff", bytearray(b"xy"), 1 + 2j, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [[]], {},
            {1: 2, "a": {}, (1, "b"): 3, None: 4, 0.5: 5},
            {1, 2}, set(), OrderedDict(b=1, a=2), Counter("aab"), list(range(2500)), {i: str(i) for i in range(2500)}]  # fmt: skip


def trained(library):
    """A small network after two steps, its optimiser and its schedule, in either library."""
    net = library.nn.Sequential(library.nn.BatchNorm1d(4), library.nn.Linear(4, 3), library.nn.Tanh(), library.nn.Linear(3, 2))
    optimizer = library.optim.Adam(net.parameters(), lr=0.01)
    x = library.ones(5, 4) * library.arange(5.0).reshape(5, 1)
    for _ in range(2):
        optimizer.zero_grad()
        net(x).sum().backward()
        optimizer.step()
    return net, optimizer


def theirs_as_ours(obj, **how):
    file = io.BytesIO()
    torch.save(obj, file, **how)
    file.seek(0)
    return udlfast.load(file)


def ours_as_theirs(obj):
    file = io.BytesIO()
    udlfast.save(obj, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# ---- reading --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_that_pytorch_writes(new, protocol):
    base = torch.arange(24.0).reshape(4, 6)
    tree = {"base": base, "t": base.t(), "part": base[1:3, ::2], "expanded": torch.ones(1).expand(3, 4), "none": torch.zeros(0, 3),
            "scalar": torch.tensor(3), "parameter": torch.nn.Parameter(torch.ones(2)), "grad": torch.ones(2, requires_grad=True),
            "dtype": [torch.float32, torch.int64, torch.bool], "size": torch.Size([2, 3]), "device": torch.device("cpu"),
            "plain": plain()}  # fmt: skip
    for name in DTYPES:
        if new or name not in NEWER:  # torch writes these without a type
            tree[name] = torch.tensor([0, 1, 1, 0, 1]).to(getattr(torch, name))
    tree["float16"] = torch.tensor([1.5, -65504.0, 6e-8, float("inf"), float("nan")]).half()
    tree["int8"], tree["int16"] = torch.tensor([-128, 127], dtype=torch.int8), torch.tensor([-32768, 32767], dtype=torch.int16)
    ours = theirs_as_ours(tree, pickle_protocol=protocol, _use_new_zipfile_serialization=new)
    same(tree, ours)
    ours["base"].fill_(7.0)
    assert ours["t"].min().item() == ours["part"].max().item() == 7.0, "tensors share their storage as they did"


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_a_checkpoint_goes_on_here(new):
    net, optimizer = trained(torch)
    state = theirs_as_ours({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, _use_new_zipfile_serialization=new)
    same({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, state)
    here, its = trained(udlfast)
    here.load_state_dict(state["net"])
    its.load_state_dict(state["optimizer"])
    x = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    for library, model, steps in ((torch, net, optimizer), (udlfast, here, its)):
        steps.zero_grad()
        model(library.from_numpy(x)).square().sum().backward()
        steps.step()
    for a, b in zip(net.parameters(), here.parameters(), strict=True):
        assert np.abs(a.detach().numpy() - numbers(b)).max() < 1e-5


def test_attributes_and_old_ways():
    t = torch.ones(2)
    t.tag = "mine"
    assert theirs_as_ours(t).tag == "mine"
    torch.serialization.set_crc32_options(False)
    try:
        assert theirs_as_ours({"x": torch.ones(2)})["x"].tolist() == [1, 1]
    finally:
        torch.serialization.set_crc32_options(True)
    file = io.BytesIO()
    for i in range(3):  # several in one file
        torch.save([i, torch.full((3,), i)], file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert [udlfast.load(file)[1].tolist() for _ in range(3)] == [[0] * 3, [1] * 3, [2] * 3]


class Thing:
    pass


@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_what_is_no_data_is_refused_by_name():
    check_raises(RefusedError, ["torch.nn.modules.linear.Linear", "state_dict"], theirs_as_ours, torch.nn.Linear(2, 2))
    check_raises(RefusedError, ["test_pt_files.Thing"], theirs_as_ours, [Thing()])
    check_raises(RefusedError, ["numpy", "float(x)"], theirs_as_ours, {"loss": np.float32(1)})
    check_raises(RefusedError, ["builtins.print"], theirs_as_ours, {"f": print})
    check_raises(FileFormatError, ["storage", "save the tensor"], theirs_as_ours, torch.ones(1).untyped_storage())
    assert issubclass(RefusedError, pickle.UnpicklingError) and issubclass(RefusedError, RuntimeError)
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    file.seek(0)
    check_raises(RuntimeError, ["TorchScript", "state_dict"], udlfast.load, file)


# ---- writing --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (3, 5), (2, 0, 3), (1, 1, 1)], ids=str)
def test_pytorch_reads_every_type_and_shape(rng, dtype, shape):
    t = udlfast.tensor(np.asarray(rng.integers(0, 2, shape)).astype(float)).to(getattr(udlfast, dtype))
    same(ours_as_theirs({"t": t})["t"], t)


def test_pytorch_reads_all_that_we_write():
    base = udlfast.arange(24.0).reshape(4, 6)
    tree = {"t": base.t(), "part": base[1:3, ::2], "expanded": udlfast.ones(1).expand(3, 4),
            "parameter": udlfast.nn.Parameter(udlfast.ones(2)), "grad": udlfast.ones(2, requires_grad=True),
            "types": [udlfast.float32, udlfast.bool],
            "size": udlfast.Size([2]), "device": udlfast.device("cpu"), "plain": plain(), "base": base}  # fmt: skip
    theirs = ours_as_theirs(tree)
    same(theirs, tree)
    theirs["base"].fill_(7.0)
    assert theirs["t"].min() == theirs["part"].max() == 7.0


def test_pytorch_goes_on_from_our_checkpoint():
    net, optimizer = trained(udlfast)
    there, its = trained(torch)
    state = ours_as_theirs({"net": net.state_dict(), "optimizer": optimizer.state_dict()})
    there.load_state_dict(state["net"])
    its.load_state_dict(state["optimizer"])
    x = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    for library, model, steps in ((torch, there, its), (udlfast, net, optimizer)):
        steps.zero_grad()
        model(library.from_numpy(x)).square().sum().backward()
        steps.step()
    for a, b in zip(there.parameters(), net.parameters(), strict=True):
        assert np.abs(a.detach().numpy() - numbers(b)).max() < 1e-5


def test_only_what_is_used_of_a_storage_is_written(tmp_path):
    large = udlfast.zeros(100_000)
    udlfast.save({"a": large[10:20], "b": large[15:30:2]}, tmp_path / "f.pt")
    assert (tmp_path / "f.pt").stat().st_size < 3000
    theirs = torch.load(tmp_path / "f.pt", weights_only=True)
    theirs["a"].fill_(1.0)
    assert theirs["b"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0]


def test_identity_and_cycles():
    inner = [1]
    got = theirs_as_ours(ours_as_theirs({"a": inner, "b": inner}))
    assert got["a"] is got["b"]
    inner.append(inner)
    file = io.BytesIO()
    udlfast.save(inner, file)
    file.seek(0)
    got = udlfast.load(file)
    assert got[1] is got
    deep = []
    for _ in range(10_000):
        deep = [deep]
    check_raises(ValueError, ["deep"], udlfast.save, deep, io.BytesIO())
    check_raises(ValueError, ["integer", "'a'"], udlfast.save, {"a": 1 << 3000}, io.BytesIO())


def test_large_archives_have_wide_fields(monkeypatch):
    """The 64-bit fields of zip, asked for from 1,000 bytes on, so that no file of 4 GB is needed."""
    monkeypatch.setattr(_zip.Writer, "LIMIT", 1000)
    tree = {f"t{i}": udlfast.full((400 * (i % 2) + 3,), float(i)) for i in range(6)}
    file = io.BytesIO()
    udlfast.save(tree, file)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None and len(archive.namelist()) == 9
    same(torch.load(io.BytesIO(file.getvalue()), weights_only=True), tree)
    file.seek(0)
    assert udlfast.load(file)["t5"].tolist() == [5.0] * 403


def test_storages_begin_at_multiples_of_64(tmp_path):
    udlfast.save({f"t{i}": udlfast.ones(i + 1) for i in range(9)}, tmp_path / "f.pt")
    mapped = torch.load(tmp_path / "f.pt", mmap=True, weights_only=True)
    assert all(t.data_ptr() % 64 == 0 and t.sum() == t.numel() for t in mapped.values())


def test_old_pickles_strings_of_python_2():
    raw = b"\x80\x02}q\x01U\x04nameq\x02U\x02abq\x03s."
    assert udlfast.load(io.BytesIO(archive_of(raw))) == {"name": "ab"}


def test_numbers_of_numpy_are_written_as_python_s():
    file = io.BytesIO()
    names = "float16 float32 float64 int8 int32 int64 uint8 uint64 bool_".split()
    scalars = {name: getattr(np, name)(1) for name in names}
    udlfast.save(scalars, file)
    file.seek(0)
    theirs = torch.load(file, weights_only=True)
    file.seek(0)
    ours = udlfast.load(file)
    assert theirs == ours == dict.fromkeys(scalars, 1)
    assert type(ours["float32"]) is float and type(ours["int64"]) is int and type(ours["bool_"]) is bool
    with pytest.raises(TypeError, match="longdouble"):
        udlfast.save(np.longdouble(1), io.BytesIO())
