"""sort, argsort and topk: stable, NaN largest, both directions, any axis."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference, place

import udlfast as torch
from udlfast.reference import sort as ref

SHAPES = [((1,), 0), ((0,), 0), ((2,), 0), ((7,), 0), ((8,), -1), ((9,), 0), ((33,), 0), ((257,), 0), ((3, 5), 0), ((3, 17), 1),
          ((2, 9, 3), 1), ((4, 0), 1), ((0, 4), 1), ((5, 64), 1), ((), -1)]  # fmt: skip


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8"])
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_sort_is_stable(isa, rng, case, dtype, descending):
    """Few distinct values, so that equals must keep their order."""
    shape, axis = case
    x = np.asarray(rng.integers(0, 5, shape)).astype(dtype)
    values, indices = torch.sort(torch.tensor(x), dim=axis, descending=descending, stable=True)
    want, order = ref.sort(x, axis, descending)
    assert values.numpy().dtype == x.dtype and np.array_equal(values.numpy(), want)
    assert indices.dtype == torch.int64 and np.array_equal(indices.numpy(), order)
    assert np.array_equal(torch.argsort(torch.tensor(x), dim=axis, descending=descending, stable=True).numpy(), order)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", SHAPES, ids=str)
def test_sort_gradient(isa, rng, case, dtype, layout):
    shape, axis = case
    for descending in (False, True):
        check_gradient(
            lambda x: torch.sort(x, dim=axis, descending=descending)[0], lambda x: ref.sort(x, axis, descending)[0],
            lambda gy, x: ref.sort_backward(gy, x, ref.sort(x, axis, descending)[1], axis),
            np.asarray(rng.standard_normal(shape)), rng=rng, dtype=dtype, layout=layout, k=0.01,
        )  # fmt: skip


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
def test_nan_is_largest(isa, rng, descending):
    for n in (5, 16, 40):
        x = rng.standard_normal(n)
        x[[0, n // 2, n - 1]] = np.nan
        x[1], x[2] = np.inf, -np.inf
        values, indices = torch.sort(torch.tensor(x), descending=descending, stable=True)
        want, order = ref.sort(x, -1, descending)
        check_close(values, want, "sort")
        assert indices.tolist() == order.tolist()


@pytest.mark.parametrize("largest", [True, False], ids=["largest", "smallest"])
@pytest.mark.parametrize("case", [((5,), 0, 0), ((5,), 0, 1), ((5,), 0, 5), ((3, 17), 1, 3), ((17, 3), 0, 4), ((2, 9, 3), 1, 9),
                                  ((4, 1023), 1, 10), ((64, 10), 1, 1)], ids=str)  # fmt: skip
def test_topk(isa, rng, case, largest):
    shape, axis, k = case
    check_gradient(
        lambda x: torch.topk(x, k, dim=axis, largest=largest)[0], lambda x: ref.topk(x, k, axis, largest)[0],
        lambda gy, x: ref.sort_backward(gy, x, ref.topk(x, k, axis, largest)[1], axis), rng.standard_normal(shape),
        rng=rng, k=0.01,
    )  # fmt: skip
    x = rng.standard_normal(shape)
    assert np.array_equal(torch.topk(torch.tensor(x), k, dim=axis, largest=largest)[1].numpy(), ref.topk(x, k, axis, largest)[1])


def test_topk_with_nan_and_integers(isa):
    x = torch.tensor([1.0, float("nan"), 3.0, 2.0])
    values, indices = torch.topk(x, 2)
    assert indices.tolist() == [1, 2] and np.isnan(values[0].item()) and values[1].item() == 3.0
    assert torch.topk(torch.tensor([3, 9, 7]), 2)[0].tolist() == [9, 7]


def test_sorted_input_stays(isa):
    x = np.arange(100.0)
    values, indices = torch.sort(torch.tensor(x))
    assert values.tolist() == x.tolist() and indices.tolist() == list(range(100))
    values, indices = torch.sort(torch.tensor(x[::-1].copy()))
    assert values.tolist() == x.tolist() and indices.tolist() == list(range(99, -1, -1))


def test_named_results(isa):
    result = torch.sort(place(np.array([2.0, 1.0]), "float32"))
    assert result.values.tolist() == [1.0, 2.0] and result.indices.tolist() == [1, 0]
    result = torch.topk(torch.tensor([2.0, 1.0]), 1)
    assert result.values.tolist() == [2.0] and result.indices.tolist() == [0]


def test_reference(rng):
    x = rng.standard_normal((3, 5))
    check_reference(lambda x: ref.sort(x, 0, True)[0],
                    lambda gy, x: ref.sort_backward(gy, x, ref.sort(x, 0, True)[1], 0), x, rng=rng)  # fmt: skip
    assert np.array_equal(ref.sort(x, 1)[1], np.argsort(x, 1, kind="stable"))


@pytest.mark.parametrize("n", [1023, 2047, 2048, 4097, 8192, 8193, 20011])
@pytest.mark.parametrize("descending", [False, True])
def test_rows_of_each_radix_form(n, descending):
    """The forms change at 2048 and 8192 elements: ties stay in order, NaN is the largest."""
    x = np.random.default_rng(n).integers(-50, 50, (2, n)).astype(np.float32) / 4
    x[:, ::97] = np.nan
    key = np.where(np.isnan(x), np.float32(np.inf), x)
    want = np.argsort(-key if descending else key, 1, kind="stable")
    values, indices = torch.sort(torch.from_numpy(x), 1, descending=descending, stable=True)
    assert (indices.numpy() == want).all()
    assert np.array_equal(values.numpy(), np.take_along_axis(x, want, 1), equal_nan=True)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32", "float64"])
@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (3, 5), (2000,), ()], ids=str)
def test_unique(rng, dtype, shape):
    x = rng.integers(0, 2 if dtype == "bool" else 17, shape).astype(dtype)
    for function, want in ((torch.unique, np.unique(x, return_inverse=True, return_counts=True)),
                           (torch.unique_consecutive, _consecutive(x))):  # fmt: skip
        values, inverse, counts = function(torch.tensor(x), return_inverse=True, return_counts=True)
        assert values.dtype == getattr(torch, dtype) and inverse.dtype == counts.dtype == torch.int64
        assert np.array_equal(values.numpy(), want[0]) and np.array_equal(counts.numpy(), want[2])
        assert inverse.shape == tuple(shape) and np.array_equal(inverse.numpy().ravel(), np.ravel(want[1]))
        assert np.array_equal(function(torch.tensor(x)).numpy(), want[0])
        assert np.array_equal(function(torch.tensor(x), return_counts=True)[1].numpy(), want[2])


def _consecutive(x):
    values, inverse, counts = [], [], []
    for v in x.ravel():
        if not values or values[-1] != v:
            values.append(v), counts.append(0)
        counts[-1] += 1
        inverse.append(len(values) - 1)
    return np.array(values, x.dtype), np.array(inverse, int), np.array(counts, int)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_slices_that_follow_each_other(dim):
    x = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 4]])
    values, inverse, counts = torch.unique_consecutive(torch.tensor(x), return_inverse=True, return_counts=True, dim=dim)
    assert values.tolist() == np.unique(x, axis=dim).tolist()
    assert inverse.tolist() == [0, 0, 1] and counts.tolist() == [2, 1]


def test_each_nan_is_unique():
    nan = float("nan")
    values, counts = torch.unique(torch.tensor([nan, 1.0, nan, -0.0, 0.0, 1.0]), return_counts=True)
    assert values.tolist()[:2] == [0.0, 1.0] and np.isnan(values.tolist()[2:]).all() and counts.tolist() == [2, 2, 1, 1]
    values, inverse = torch.unique_consecutive(torch.tensor([nan, nan, 2.0, 2.0]), return_inverse=True)
    assert inverse.tolist() == [0, 1, 2, 2] and values.tolist()[2:] == [2.0]


@pytest.mark.parametrize("n", [600, 3001, 9001])
@pytest.mark.parametrize("span", [1, 900, 2**32 - 1, 2**32, 2**63])
@pytest.mark.parametrize("descending", [False, True])
def test_int64_of_any_span(isa, n, span, descending):
    """Keys that span at most 32 bits go another way than wider ones; the ends of the span are there, ties stay in order."""
    rng = np.random.default_rng(n)
    for least in (-(2**63), -5, min(0, 2**63 - 1 - span), 2**63 - 1 - span):
        least = min(least, 2**63 - 1 - span)
        x = (rng.integers(0, min(span + 1, 300), n) * max(1, span // 300)).astype(object) + least
        x[n // 2], x[n // 3] = least, least + span
        x = x.astype(np.int64)
        values, indices = torch.sort(torch.from_numpy(x), descending=descending)
        want = np.argsort(~x if descending else x, kind="stable")
        assert np.array_equal(indices.numpy(), want) and np.array_equal(values.numpy(), x[want])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32"])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 64, 1000])
def test_searchsorted(rng, dtype, n):
    row = np.sort(rng.integers(-20, 20, n).astype(dtype))
    x = rng.integers(-22, 22, (13, 5)).astype(dtype)
    for right in (False, True):
        want = np.searchsorted(row, x, "right" if right else "left")
        assert np.array_equal(torch.searchsorted(torch.tensor(row), torch.tensor(x), right=right).numpy(), want)
        assert np.array_equal(torch.bucketize(torch.tensor(x).t(), torch.tensor(row), right=right, out_int32=True).numpy(), want.T)


def test_searchsorted_row_by_row(rng):
    rows, x = np.sort(rng.standard_normal((4, 3, 9)), -1), rng.standard_normal((4, 3, 5))
    want = [[np.searchsorted(rows[i, j], x[i, j]) for j in range(3)] for i in range(4)]
    assert torch.searchsorted(torch.tensor(rows), torch.tensor(x)).tolist() == np.array(want).tolist()
    nan = float("nan")
    assert torch.searchsorted(torch.tensor([1.0, 2.0]), torch.tensor([nan, 1.5, nan])).tolist() == [2, 1, 2]


def test_gradient_of_one_element_goes_there():
    x = torch.tensor([[3.0, 1.0, 2.0, 9.0], [7.0, 7.0, 0.0, 8.0]], requires_grad=True)
    for values, places in (torch.median(x, 1), torch.kthvalue(x, 2, 1), torch.nanmedian(x, 1, keepdim=True), torch.mode(x, 1)):
        (g,) = torch.autograd.grad([values], [x], [torch.full_like(values, 5.0)])
        assert g.sum(1).tolist() == [5.0, 5.0] and g.gather(1, places.reshape(2, 1)).tolist() == [[5.0], [5.0]]


KTH = [(1,), (2,), (9,), (33,), (511,), (512,), (513,), (2000,), (5000,), (3, 1000), (70, 4, 3)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"])
@pytest.mark.parametrize("shape", KTH, ids=str)
@pytest.mark.parametrize("spread", ["many", "few", "one"])
def test_kth_is_that_of_the_order(isa, rng, shape, dtype, spread):
    """Counting digits and sorting agree, also about which of equal elements is meant: below and above the size where digits begin."""
    x = rng.standard_normal(shape) * {"many": 1000.0, "few": 2.0, "one": 0.0}[spread]
    x = torch.tensor(x if "float" in dtype and spread == "many" else np.round(x)).to(getattr(torch, dtype))
    dim = x.ndim - 1 if x.ndim < 3 else 0
    values, order = torch.sort(x, dim, stable=True)
    n = x.shape[dim]
    for k in {1, (n + 1) // 2, n, max(1, n // 3)}:
        got = torch.kthvalue(x, k, dim)
        assert torch.equal(got.indices, order.select(dim, k - 1)) and torch.equal(got.values, values.select(dim, k - 1))
    middle = torch.median(x, dim)
    assert torch.equal(middle.indices, order.select(dim, (n - 1) // 2))
    flat = np.sort(x.double().numpy().ravel())
    assert torch.median(x).item() == flat[(flat.size - 1) // 2]


@pytest.mark.parametrize("n", [5, 700])
def test_medians_and_nan(isa, rng, n):
    x = rng.standard_normal((2, n))
    x[0, [1, n - 1]] = np.nan
    t = torch.tensor(x, requires_grad=True)
    values, places = torch.median(t, 1)
    assert np.isnan(values[0].item()) and places[0].item() == 1 and values[1].item() == np.sort(x[1])[(n - 1) // 2]
    rest = np.sort(x[0][~np.isnan(x[0])])
    assert torch.nanmedian(t, 1).values[0].item() == rest[(rest.size - 1) // 2]
    assert np.isnan(torch.median(t).item())
    values[1].backward()
    want = np.zeros_like(x)
    want[1, places[1].item()] = 1
    assert np.array_equal(t.grad.numpy(), want)


def test_kth_has_the_same_places_for_any_number_of_threads(rng):
    x = torch.tensor(np.round(rng.standard_normal((64, 3000))))
    before, found = torch.get_num_threads(), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found.append(torch.kthvalue(x, 1000).indices)
    torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize("name", ["median", "nanmedian"])
def test_the_gradient_of_a_median_of_all_is_shared_by_equal_elements(name):
    x = torch.tensor([[2.0, 2.0, 1.0], [1.0, 2.0, 3.0]], requires_grad=True)
    (3 * getattr(torch, name)(x)).backward()
    assert x.grad.tolist() == [[1, 1, 0], [0, 1, 0]]
    x = torch.tensor([4.0, float("nan"), 4.0], requires_grad=True)
    getattr(torch, name)(x).backward()
    assert x.grad.tolist() == ([0, 1, 0] if name == "median" else [0.5, 0, 0.5])
