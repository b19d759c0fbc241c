"""int8, int16 and float16: stored as they are, computed wider, and rounded once."""

import copy
import io
import pickle

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn

INTS = ("bool", "uint8", "int8", "int16", "int32", "int64")
HALVES = np.arange(65536, dtype=np.uint16).view(np.float16)


def test_every_float16_widens_exactly(isa):
    for wide in ("float32", "float64"):
        got, want = torch.from_numpy(HALVES).to(getattr(torch, wide)).numpy(), HALVES.astype(wide)
        assert np.array_equal(got, want, equal_nan=True)
        assert np.array_equal(np.signbit(got), np.signbit(want))


def test_rounding_to_float16_is_to_nearest_even(isa):
    wide = HALVES[np.isfinite(HALVES)].astype(np.float32)
    between = (wide[:-1] + wide[1:]) / 2  # ties, but for the step over zero
    near = np.concatenate([np.nextafter(between, np.float32(k)) for k in (-1e9, 1e9)])
    rest = np.random.default_rng(0).integers(0, 2**32, 100_003, dtype=np.uint64).astype(np.uint32).view(np.float32)
    edges = np.float32([65519.996, 65520, -65520, 2**-24, 2**-25, 2**-25 * 1.001, -(2**-26), 0.0, -0.0, np.inf, -np.inf, np.nan])
    x = np.concatenate([between, near, rest, edges])
    with np.errstate(over="ignore"):
        want = x.astype(np.float16)
    got = torch.from_numpy(x).half().numpy()
    number = ~np.isnan(want)
    assert np.array_equal(np.isnan(got), ~number)
    assert np.array_equal(got[number].view(np.uint16), want[number].view(np.uint16))


@pytest.mark.parametrize("name", ["int8", "int16"])
def test_integers_wrap_when_they_are_stored(isa, name):
    x = np.array([-70000, -32769, -129, -128, -1, 0, 127, 128, 255, 32768, 70000])
    assert torch.from_numpy(x).to(getattr(torch, name)).tolist() == x.astype(name).tolist()


@pytest.mark.parametrize("a", INTS)
@pytest.mark.parametrize("b", INTS)
def test_promotion_of_integers(a, b):
    want = np.promote_types(a, b).name
    x, y = torch.ones(3, dtype=getattr(torch, a)), torch.ones(3, dtype=getattr(torch, b))
    assert torch.promote_types(x.dtype, y.dtype) is (x * y).dtype is getattr(torch, want)


def test_promotion_of_floats():
    half, brain, single = (torch.ones(2, dtype=d) for d in (torch.float16, torch.bfloat16, torch.float32))
    assert (half + brain).dtype is torch.float32 and (half + single).dtype is torch.float32
    assert (half + torch.ones(2, dtype=torch.int64)).dtype is torch.float16 and (half * 2.5).dtype is torch.float16
    assert (half + single[0]).dtype is torch.float16, "a 0-d tensor of the same category does not raise the type"


@pytest.mark.parametrize("name", ["int8", "int16", "float16"])
def test_numbers_come_and_go(name, tmp_path):
    a = np.array([[3, -2, 0], [7, 5, -8]], dtype=name)
    t = torch.from_numpy(a)
    a[0, 0] = 4
    assert t.dtype is getattr(torch, name) and t[0, 0].item() == 4 and t.tolist() == a.tolist(), "memory is shared"
    assert t.numpy().dtype == a.dtype and torch.tensor(a).dtype is t.dtype and torch.from_dlpack(a).dtype is t.dtype
    assert np.from_dlpack(t).tolist() == a.tolist() and repr(t).endswith(f"dtype=udlfast.{name})")
    assert copy.deepcopy(t).dtype is pickle.loads(pickle.dumps(t)).dtype is t.dtype
    for file in ("x.pt", "x.safetensors"):
        torch.save({"t": t}, tmp_path / file)
        back = torch.load(tmp_path / file)["t"]
        assert back.dtype is t.dtype and back.tolist() == a.tolist()
    buffer = io.BytesIO()
    np.save(buffer, a)
    buffer.seek(0)
    assert torch.load(buffer).dtype is t.dtype


@pytest.mark.parametrize("name", ["int8", "int16", "float16"])
@pytest.mark.parametrize("n", [1, 7, 33, 300])
def test_order_and_choice(isa, name, n):
    a = np.random.default_rng(n).integers(-100, 100, (3, n)).astype(name)
    t = torch.from_numpy(a)
    assert t.sort(1)[0].tolist() == np.sort(a, 1).tolist()
    assert t.argsort(1, stable=True).tolist() == np.argsort(a, 1, kind="stable").tolist()
    assert t.max(1)[0].tolist() == a.max(1).tolist() and t.amin(0).tolist() == a.min(0).tolist() and t.argmax().item() == a.argmax()
    assert t[t > 0].tolist() == a[a > 0].tolist() and t[:, [0, -1]].tolist() == a[:, [0, -1]].tolist()
    assert t.gather(1, torch.zeros(3, 1, dtype=torch.int64)).tolist() == a[:, :1].tolist()
    total = t.sum(1)
    assert total.dtype is (torch.float16 if name == "float16" else torch.int64)
    assert total.tolist() == a.astype(np.int64).sum(1).astype(total.numpy().dtype).tolist()


@pytest.mark.parametrize("name", ["int8", "int16"])
def test_places_that_coincide_add_up_and_wrap(name):
    start = torch.tensor([100, 0], dtype=getattr(torch, name))
    got = start.scatter_add(0, torch.tensor([0, 0, 1]), torch.tensor([100, 100, -3], dtype=start.dtype))
    assert got.tolist() == np.array([300, -3]).astype(name).tolist() and got.dtype is start.dtype


LAYERS = {
    "linear": (lambda: nn.Linear(9, 5), (4, 9)), "conv2d": (lambda: nn.Conv2d(3, 4, 3, padding=1), (2, 3, 7, 7)),
    "norm": (lambda: nn.LayerNorm(9), (4, 9)), "batch_norm": (lambda: nn.BatchNorm1d(9), (5, 9)),
    "lstm": (lambda: nn.LSTM(9, 4), (3, 2, 9)),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0), (5, 2, 8)), "pool": (lambda: nn.MaxPool2d(2), (1, 2, 6, 6)),
    "softmax": (lambda: nn.Softmax(-1), (4, 9)), "gelu": (lambda: nn.GELU(), (4, 9)),
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_in_half(layer):
    """Forward and gradients are those of float32 on the same numbers, but for roundings to 11 bits between the parts."""
    make, shape = LAYERS[layer]
    torch.manual_seed(0)
    half = make().half()
    wide = copy.deepcopy(half).float()
    x = torch.randn(shape).half()
    results = []
    for net, value in ((half, x), (wide, x.float())):
        value = value.clone().requires_grad_()
        y = net(value)
        y = y[0] if isinstance(y, tuple) else y
        assert y.dtype is value.dtype
        (y * torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)).sum().backward()
        results.append([y, value.grad, *(p.grad for p in net.parameters())])
    for got, want in zip(*results):
        assert got.dtype is torch.float16
        scale = want.abs().max().item()
        assert ((got.float() - want).abs().max() <= 2.0**-10 * 8 * (scale + 1)).item()  # some eight roundings in a row


def test_products_in_half():
    torch.manual_seed(0)
    a, b = torch.randn(5, 70).half(), torch.randn(70, 3).half()
    want = (a.float() @ b.float()).half()
    for got in (a @ b, torch.addmm(torch.zeros(5, 3).half(), a, b), torch.bmm(a[None], b[None])[0], torch.einsum("ij,jk->ik", a, b)):
        assert got.dtype is torch.float16 and torch.equal(got, want)


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (-3.0, -1.0), (-1.0, 0.0), (0.0, 1e-7)])
def test_random_halves_stay_below_the_end(low, high):
    torch.manual_seed(0)
    x = torch.empty(200_000, dtype=torch.float16).uniform_(low, high).float()
    assert x.min().item() >= low - 1e-9 and x.max().item() < high
    assert torch.randn(9999, dtype=torch.float16).float().std().item() == pytest.approx(1, abs=0.05)


def test_limits():
    assert (torch.finfo(torch.float16).max, torch.finfo(torch.half).eps) == (65504.0, 2.0**-10)
    assert (torch.iinfo(torch.int8).min, torch.iinfo(torch.short).max) == (-128, 32767)
    x = torch.tensor([float("inf"), float("nan")], dtype=torch.float16)
    assert torch.nan_to_num(x).tolist() == [65504.0, 0.0]
    assert torch.nan_to_num(torch.tensor([3], dtype=torch.int8)).dtype is torch.int8


def test_autocast_to_half():
    layer, x = nn.Linear(4, 2), torch.ones(3, 4)
    with torch.autocast("cpu", dtype=torch.float16):
        y = layer(x)
    assert y.dtype is torch.float16
    y.float().sum().backward()
    assert layer.weight.grad.dtype is torch.float32 and torch.equal(layer.weight.grad, torch.full((2, 4), 3.0))


def test_bits_of_a_single_bfloat16():
    one = torch.bits_to_bfloat16(torch.tensor(0x3F80, dtype=torch.int32))
    assert one.shape == () and one.item() == 1.0 and torch.bfloat16_to_bits(one).item() == 0x3F80


LENGTHS = [0, 1, 7, 31, 32, 33, 511, 512, 513, 1300, 70_001]


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32"])
@pytest.mark.parametrize("n", LENGTHS)
def test_arithmetic_of_small_integers_wraps(isa, rng, name, n):
    low, high = np.iinfo(name).min, np.iinfo(name).max
    a, b = (rng.integers(low, high, n, endpoint=True).astype(name) for _ in range(2))
    x, y = torch.tensor(a), torch.tensor(b)
    wide, other = a.astype(np.int64), b.astype(np.int64)
    for got, want in ((x + y, wide + other), (x - y, wide - other), (x * y, wide * other), (x & y, a & b), (x | y, a | b), (x ^ y, a ^ b),
                      (x + 7, wide + 7), (x * 3, wide * 3), (5 - x, 5 - wide), (x & 6, a & 6)):
        assert got.dtype is x.dtype and np.array_equal(got.numpy(), want.astype(name))
    assert np.array_equal((-x).numpy(), (-wide).astype(name))
    assert np.array_equal(x.abs().numpy(), np.abs(wide).astype(name))
    z = x.clone()
    z.mul_(z)
    assert np.array_equal(z.numpy(), (wide * wide).astype(name))
    if n > 1:
        assert np.array_equal((x[1:] + y[:-1]).numpy(), (wide[1:] + other[:-1]).astype(name))
        assert np.array_equal((x[::2] * y[::2]).numpy(), (wide * other)[::2].astype(name))


@pytest.mark.parametrize("name", ["uint8", "int8", "int16", "int32", "int64"])
@pytest.mark.parametrize("n", LENGTHS)
def test_float32_to_integers(isa, rng, name, n):
    """By blocks: one with a number beyond 2^31 or a NaN goes another way than its neighbours, and both give what int64 would."""
    x = (rng.standard_normal(n) * 300).astype(np.float32)
    if n > 600:
        x[[5, 520, n - 1]] = [2.0**31, -3e9, np.nan]
    with np.errstate(invalid="ignore"):
        want = np.where(np.isnan(x), 0, x).astype(np.int64).astype(name)
    got = torch.tensor(x).to(getattr(torch, name))
    assert np.array_equal(got.numpy(), want)
    assert np.array_equal(torch.tensor(x)[1:].to(getattr(torch, name)).numpy(), want[1:])
    edges = np.float32([2147483520.0, -2147483648.0, 0.99, -0.99, 1e30, -1e30, np.inf])
    by_pairs = torch.tensor(np.stack([edges, edges], 1))[:, 0].to(getattr(torch, name))  # with strides, by the general driver
    assert torch.equal(torch.tensor(edges).to(getattr(torch, name)), by_pairs)


@pytest.mark.parametrize("n", LENGTHS)
def test_float16_arithmetic_rounds_once(isa, rng, n):
    a, b = (rng.standard_normal(n).astype(np.float16) for _ in range(2))
    x, y = torch.tensor(a), torch.tensor(b)
    with np.errstate(over="ignore"):
        assert np.array_equal((x + y).numpy(), (a.astype(np.float32) + b.astype(np.float32)).astype(np.float16))
        assert np.array_equal((x * y).numpy(), (a.astype(np.float32) * b.astype(np.float32)).astype(np.float16))
    assert np.array_equal(x.float().numpy(), a.astype(np.float32)) and np.array_equal(x.float().half().numpy(), a)
    assert np.array_equal(x[::2].float().numpy(), a[::2].astype(np.float32))
