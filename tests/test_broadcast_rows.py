"""Rows of every length through the element-wise driver: short ones are taken several at once, copies row by row."""
import numpy as np
import pytest

import udlfast as torch

same = np.testing.assert_array_equal
WIDTHS = [1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 255, 256, 257, 512, 513, 1000]
SHAPES = {"row": (1, 0), "column": (0, 1), "number": (1, 1)}


def array(*shape, seed=0, dtype="float32"):
    x = np.random.default_rng(seed).standard_normal(shape) * 9
    return x.astype(dtype)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_one_operand_is_broadcast(width, kind, dtype):
    rows = 37
    a = array(rows, width, dtype=dtype)
    b = array(*(1 if flat else n for flat, n in zip(SHAPES[kind], (rows, width))), seed=1, dtype=dtype)
    for f in (lambda x, y: x + y, lambda x, y: x - y, lambda x, y: x * y):
        for x, y in ((a, b), (b, a)):
            same(f(torch.tensor(x), torch.tensor(y)).numpy(), f(x, y))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_slices_of_wider_arrays(width, dtype):
    """Rows with gaps between them, of every operand and of the result."""
    a, b, c = (array(37, width + k, seed=k, dtype=dtype) for k in (1, 2, 3))
    x, y, z = a[:, 1:], b[:, 1:-1], c[:, 3:]
    u, v, w = torch.tensor(a)[:, 1:], torch.tensor(b)[:, 1:-1], torch.tensor(c)[:, 3:]
    same((u * v).numpy(), x * y)
    same((u - w[:, :1]).numpy(), x - z[:, :1])
    same((u + v[5]).numpy(), x + y[5])
    same(torch.where(u > v, v, w).numpy(), np.where(x > y, y, z))
    if dtype != "int64":
        for _ in range(2):  # the second with another order of the gaps
            np.testing.assert_allclose(torch.addcmul(u, v, w).numpy(), x + y * z, rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(torch.lerp(u, v, w).numpy(), x + z * (y - x), rtol=1e-4, atol=1e-3)
            u, v, w, x, y, z = w, u, v, z, x, y
    out = torch.tensor(c)
    out[:, 3:] += torch.tensor(a)[:, 1:]
    c[:, 3:] += a[:, 1:]
    same(out.numpy(), c)


@pytest.mark.parametrize("width", WIDTHS)
def test_division_of_a_broadcast_operand(width):
    a, b = array(5, width) + 20, array(5, 1, seed=1) + 20
    same((torch.tensor(b) / torch.tensor(a)).numpy(), b / a)
    same((torch.tensor(a).t() / torch.tensor(b).t()).numpy(), (a.T / b.T))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_copies_keep_the_last_dimension(width, dtype):
    a = (array(3, 4, 5, width) > 0).astype(dtype) if dtype == "bool" else np.abs(array(3, 4, 5, width)).astype(dtype)
    t = torch.tensor(a)
    same(t.transpose(1, 2).contiguous().numpy(), a.swapaxes(1, 2))
    same(t.permute(2, 0, 1, 3).contiguous().numpy(), a.transpose(2, 0, 1, 3))
    out = torch.zeros(3, 4, 5, width + 2, dtype=t.dtype)
    out[..., 1:-1] = t
    want = np.zeros((3, 4, 5, width + 2), dtype)
    want[..., 1:-1] = a
    same(out.numpy(), want)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_remainders_are_exact(dtype):
    x, y = array(4099, dtype=dtype) * 7, array(4099, seed=1, dtype=dtype)
    x[:6], y[:6] = [np.inf, np.nan, 1, 5, 0, -0.0], [2, 2, 0, np.inf, 3, 3]
    x[100:200] = np.round(x[100:200])
    y[100:200] = np.sign(y[100:200]) * 3
    with np.errstate(all="ignore"):
        same(torch.fmod(torch.tensor(x), torch.tensor(y)).numpy(), np.fmod(x, y))
        same(torch.remainder(torch.tensor(x), torch.tensor(y)).numpy()[4:], np.mod(x, y)[4:])
        same(torch.fmod(torch.tensor(x * 2**30), torch.tensor(y)).numpy(), np.fmod(x * x.dtype.type(2**30), y))
        same(torch.floor_divide(torch.tensor(x), torch.tensor(y)).numpy()[6:], (x // y)[6:])


@pytest.mark.parametrize("n", [1, 4095, 4096, 4097, 65535, 65536, 65537, 200000])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64"])
def test_integer_rows_in_parts(n, dtype):
    for at in (0, n // 2, n - 1):
        a = np.zeros(n, dtype)
        a[at] = 1
        for x in (a, 1 - a if dtype != "bool" else ~a):
            t = torch.tensor(x)
            assert bool(t.any()) == x.any() and bool(t.all()) == x.all() and int(t.sum()) == x.sum()
    assert not torch.tensor(np.zeros(n, dtype)).any() and torch.tensor(np.ones(n, dtype)).all()


@pytest.mark.parametrize("dims", [(0, 2), (0, 2, 3), (1, 3), (0, 3)])
@pytest.mark.parametrize("keepdim", [False, True])
def test_sums_over_separate_dimensions(dims, keepdim):
    a = array(5, 7, 3, 33)
    got = torch.tensor(a).sum(dims, keepdim).numpy()
    want = a.astype("float64").sum(dims, keepdims=keepdim)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=2 * 2**-23 * np.sqrt(a.size // want.size) * np.abs(a).max() * 8)
    same(torch.tensor(a).amax(dims, keepdim).numpy(), a.max(dims, keepdims=keepdim))


def test_any_number_of_threads_gives_the_same_bits():
    a, b = torch.tensor(array(3000, 70)), torch.tensor(array(3000, 1, seed=1))
    before = torch.get_num_threads()
    results = []
    try:
        for n in (1, 2, 3, 8, 2, 1):
            torch.set_num_threads(n)
            results.append([f.numpy() for f in (b - a, torch.softmax(a, -1), a.sum(), a.sum((0, 1)), a.t().contiguous())])
    finally:
        torch.set_num_threads(before)
    for r in results[1:]:
        for x, y in zip(r, results[0]):
            same(x, y)
