"""uint16, uint32, uint64: numbers are kept exactly, what is computed wraps, and what PyTorch refuses is refused."""

import copy
import pickle

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch

NAMES = ("uint16", "uint32", "uint64")
TYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", *NAMES, "float16", "float32", "float64")
SIZES = (0, 1, 7, 33, 600)


def draw(rng, name, n):
    """Numbers of the whole range, its ends among them."""
    a = rng.integers(0, np.iinfo(name).max, n, dtype=name, endpoint=True)
    a[: min(n, 3)] = [np.iinfo(name).max, 0, np.iinfo(name).max // 2 + 1][: min(n, 3)]
    return a


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", TYPES)
def test_conversion(isa, rng, name, other, n):
    a = draw(rng, name, n)
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.array_equal(torch.from_numpy(a).to(getattr(torch, other)).numpy(), a.astype(other)), "to another type"
        b = np.arange(n).astype(other)
    assert np.array_equal(torch.from_numpy(b).to(getattr(torch, name)).numpy(), b.astype(name)), "from another type"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wide", ["float32", "float64"])
def test_from_floating_point(isa, name, wide):
    top = float(2 ** (8 * np.dtype(name).itemsize))
    x = np.array([0.0, 0.99, 1.5, 255.9, top / 2, np.nextafter(np.array(top, wide), np.array(0, wide))], wide)
    assert torch.from_numpy(x).to(getattr(torch, name)).tolist() == [int(v) for v in x.tolist()]
    strided = torch.from_numpy(np.repeat(x, 2)).as_strided((len(x),), (2,))
    assert strided.to(getattr(torch, name)).tolist() == [int(v) for v in x.tolist()]
    assert torch.tensor([-1.0]).to(getattr(torch, name)).item() == np.iinfo(name).max


@pytest.mark.parametrize("name", NAMES)
def test_strided_and_broadcast_operands(isa, rng, name):
    a = draw(rng, name, 120).reshape(2, 3, 20)
    t = torch.from_numpy(a)
    for view, want in ((t.transpose(0, 2), a.transpose(2, 1, 0)), (t[:, ::2, 1::3], a[:, ::2, 1::3]), (t[:, :1].expand(2, 3, 20), None)):
        want = np.broadcast_to(a[:, :1], (2, 3, 20)) if want is None else want
        assert np.array_equal(view.clone().numpy(), want) and np.array_equal(view.double().numpy(), want.astype(np.float64))
        assert np.array_equal((view * view).numpy(), want * want) and np.array_equal(
            (view == want[0, 0, 0].item()).numpy(), want == want[0, 0, 0]
        )


@pytest.mark.parametrize("name", NAMES)
def test_arithmetic_wraps(isa, rng, name):
    a, b = draw(rng, name, 50), draw(rng, name, 50)[::-1].copy()
    s, t = torch.from_numpy(a), torch.from_numpy(b)
    for got, want in (
        (s * t, a * b),
        (s & t, a & b),
        (s | t, a | b),
        (s ^ t, a ^ b),
        (s == t, a == b),
        (s != t, a != b),
        (s * 3, a * np.array(3, name)),
    ):
        assert got.dtype is (torch.bool if want.dtype == bool else s.dtype) and np.array_equal(got.numpy(), want)
    assert torch.where(s == t, s, t).dtype is s.dtype and (s / 2).dtype is torch.float32 and (s * 0.5).dtype is torch.float32
    with np.errstate(over="ignore"):
        assert s.sum().item() == a.sum(dtype=np.int64) and s.sum().dtype is torch.int64
    assert bool(s.any()) and not bool(s.all())
    assert torch.allclose(s.double().log1p(), torch.from_numpy(np.log1p(a.astype(float))))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 7, 33, 3000])
def test_order_and_choice(isa, rng, name, n):
    a = draw(rng, name, n)
    t = torch.from_numpy(a)
    values, places = t.sort(stable=True)
    assert np.array_equal(values.numpy(), np.sort(a)) and np.array_equal(places.numpy(), np.argsort(a, kind="stable"))
    assert np.array_equal(t.sort(descending=True)[0].numpy(), np.sort(a)[::-1]) and np.array_equal(t.unique().numpy(), np.unique(a))
    assert t[0].item() == a[0] and t[[0, -1]].tolist() == a[[0, -1]].tolist() and t[t != 0].tolist() == a[a != 0].tolist()
    assert np.array_equal(torch.cat([t, t]).numpy(), np.concatenate([a, a])) and np.array_equal(t.flip(0).numpy(), a[::-1])
    index = torch.arange(n - 1, -1, -1)
    assert np.array_equal(t.gather(0, index).numpy(), a[::-1]) and np.array_equal(torch.zeros_like(t).scatter(0, index, t).numpy(), a[::-1])
    t[0] = 5
    t[1:] = t[:1].expand(n - 1)
    assert a.tolist() == [5] * n, "memory is shared"


@pytest.mark.parametrize("name", NAMES)
def test_numbers_come_and_go(name, tmp_path):
    d, most = getattr(torch, name), np.iinfo(name).max
    t = torch.tensor([[1, most], [most - 1, 0]], dtype=d)
    assert t.tolist() == [[1, most], [most - 1, 0]] and t[0, 1].item() == int(t[0, 1]) == most
    assert torch.full((2,), most, dtype=d).tolist() == [most, most] and torch.tensor(-1).to(d).item() == most
    assert copy.deepcopy(t).equal(t) and pickle.loads(pickle.dumps(t)).equal(t) and torch.from_dlpack(t.numpy()).dtype is d
    for file in ("x.pt", "x.safetensors", "x.npz"):
        torch.save({"t": t, "part": t[1:]}, tmp_path / file)
        back = torch.load(tmp_path / file)
        assert back["t"].dtype is d and back["t"].equal(t) and back["part"].tolist() == [[most - 1, 0]]
    assert (torch.iinfo(d).min, torch.iinfo(d).max, d.itemsize, d.is_signed) == (0, most, np.dtype(name).itemsize, False)
    assert torch.randint(0, 9, (50,), dtype=d).long().max().item() <= 8 and f"dtype=udlfast.{name})" in repr(t)
    assert torch.testing.make_tensor((9,), dtype=d, device="cpu").dtype is d
    torch.testing.assert_close(t, t.clone())
    with pytest.raises(AssertionError):
        torch.testing.assert_close(t, t ^ 1)


@pytest.mark.parametrize("typed", [
    "t + t", "t - 1", "t < 2", "t // 2", "-t", "~t", "t << 1", "t.max()", "t.argmax()", "t.clamp(0, 1)", "torch.maximum(t, t)", "t.abs()",
    "t.add_(1)", "t % 2", "t ** 2", "t.logical_not()", "t.amin()", "t.sign()",
])  # fmt: skip
@pytest.mark.parametrize("name", NAMES)
def test_refused_as_in_pytorch(name, typed):
    t = torch.tensor([1, 2, 3], dtype=getattr(torch, name))
    check_raises(NotImplementedError, [name, "convert"], eval, typed, {"t": t, "torch": torch})
    assert t.tolist() == [1, 2, 3]


@pytest.mark.parametrize("other", ["bool", "uint8", "int8", "int64", *NAMES])
@pytest.mark.parametrize("name", NAMES)
def test_promotion(name, other):
    t = torch.tensor([1, 2], dtype=getattr(torch, name))
    o = torch.ones(2, dtype=getattr(torch, other))
    if other == name:
        assert (t * o).dtype is t.dtype
    else:
        for call in (
            lambda: t * o,
            lambda: torch.promote_types(t.dtype, o.dtype),
            lambda: torch.cat([t, o]),
            lambda: t == o,
            lambda: t.mul_(o),
        ):
            check_raises(RuntimeError, ["promotion", name], call)
    assert (t * torch.tensor(2)).dtype is t.dtype and (t + torch.ones(2)).dtype is torch.float32


def test_numbers_that_do_not_fit():
    check_raises(RuntimeError, ["does not fit"], torch.tensor, [2**63])
    check_raises(RuntimeError, ["does not fit"], torch.tensor, [2**64], dtype=torch.uint64)
    assert torch.tensor([2**63 + 4, 6], dtype=torch.uint64).tolist() == [2**63 + 4, 6], "not by way of float64"
    assert torch.tensor([1, 1e30]).dtype is torch.float32
    check_raises(IndexError, ["uint16"], lambda: torch.ones(3)[torch.tensor([0], dtype=torch.uint16)])
