"""Indexing reads, writes and gives gradients as NumPy's does: numbers, slices, lists, masks, and mixtures."""

import numpy as np
import pytest
from harness import numbers

import udlfast as torch

INDICES = [
    0, -1, slice(1, 3), slice(None, None, 2), (0, 1), (slice(None), 2), (Ellipsis, 0), None, (None, 1, Ellipsis, None),
    (slice(1, None), slice(None, 2), slice(0, 5, 3)), [0, 2, 2], ([0, 1], [2, 0]), (slice(None), [0, 2]),
    ([[0, 1], [2, 0]],), (1, [0, 3, 1]), (slice(None), [2, 1], [0, 3]), ([0, 2], slice(None), [1, 3]), (Ellipsis, [3, -1]),
    ([0, 2], None, [1, 1]), True, False, ([],), (-3, -1, -5), (slice(2, 0), 1),
    (slice(1, None, 2**63 - 1), slice(2**62, 2**63 - 1)), slice(None, None, 2**62),
]  # fmt: skip


def as_tensor_index(i):
    """Lists become index tensors; the rest is left."""
    if isinstance(i, tuple):
        return tuple(torch.tensor(p, dtype=torch.int64) if isinstance(p, list) else p for p in i)
    return torch.tensor(i, dtype=torch.int64) if isinstance(i, list) else i


def as_array_index(i):
    if isinstance(i, tuple):
        return tuple(np.array(p, dtype=np.int64) if isinstance(p, list) else p for p in i)
    return np.array(i, dtype=np.int64) if isinstance(i, list) else i


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_reads_as_numpy(index):
    a = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    t = torch.tensor(a)
    want = a[as_array_index(index)]
    for got in (t[as_tensor_index(index)], t[index] if index not in ([0, 2, 2],) else t[as_tensor_index(index)]):
        assert tuple(got.shape) == want.shape and np.array_equal(got.numpy(), want)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_writes_as_numpy(index, rng):
    a = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    want = a.copy()
    value = rng.standard_normal(a[as_array_index(index)].shape).astype(np.float32)
    if index not in ([0, 2, 2], ([0, 2], None, [1, 1])):  # there two values meet in one cell
        t = torch.tensor(a)
        t[as_tensor_index(index)] = torch.tensor(value)
        want[as_array_index(index)] = value
        assert np.array_equal(t.numpy(), want)
    t, want = torch.tensor(a), a.copy()
    t[as_tensor_index(index)] = -7
    want[as_array_index(index)] = -7
    assert np.array_equal(t.numpy(), want)


@pytest.mark.parametrize("index", [i for i in INDICES if i is not False and i != ([],)], ids=str)
def test_indexing_gradient(index, rng):
    a = rng.standard_normal((3, 4, 5))
    t = torch.tensor(a, requires_grad=True)
    y = t[as_tensor_index(index)]
    weight = rng.standard_normal(tuple(y.shape))
    (y * torch.tensor(weight)).sum().backward()
    want = np.zeros(a.shape)
    np.add.at(want, as_array_index(index), weight)
    assert np.allclose(numbers(t.grad), want, rtol=1e-13)


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4), (3,)], ids=str)
def test_boolean_masks(shape, rng):
    a = rng.standard_normal((3, 4, 5))
    mask = rng.random(shape) < 0.5
    t = torch.tensor(a)
    assert np.array_equal(t[torch.tensor(mask)].numpy(), a[mask])
    assert t[torch.zeros(shape, dtype=torch.bool)].shape[0] == 0
    want = a.copy()
    want[mask] = 9
    t[torch.tensor(mask)] = 9
    assert np.array_equal(t.numpy(), want)
    values = rng.standard_normal(want[mask].shape)
    want[mask] = values
    t[torch.tensor(mask)] = torch.tensor(values)
    assert np.array_equal(t.numpy(), want)


def test_mask_beside_a_slice(rng):
    a, mask = rng.standard_normal((3, 4)), np.array([True, False, True, True])
    t = torch.tensor(a, requires_grad=True)
    y = t[1:, torch.tensor(mask)]
    assert np.array_equal(numbers(y), a[1:, mask])
    y.sum().backward()
    assert numbers(t.grad).tolist() == [[0] * 4, [1, 0, 1, 1], [1, 0, 1, 1]]


def test_writing_broadcasts_and_converts():
    t = torch.zeros((2, 3))
    t[:, 1:] = torch.tensor([[1], [2]])
    assert t.tolist() == [[0, 1, 1], [0, 2, 2]]
    t[0] = torch.tensor([1.5, 2.5, 3.5], dtype=torch.float64)
    assert t.dtype == torch.float32 and t[0].tolist() == [1.5, 2.5, 3.5]


def test_overlapping_copy_within_one_tensor():
    t = torch.arange(10)
    t[1:] = t[:-1].clone()
    assert t.tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1,), (5,), (3, 4), (2, 3, 4), (17, 129), (4, 0), (2, 1, 3, 2)], ids=str)
def test_places_of_true(rng, shape, share):
    m = rng.random(shape) < share
    t = torch.tensor(m)
    assert np.array_equal(torch.nonzero(t).numpy(), np.argwhere(m)) and torch.nonzero(t).dtype == torch.int64
    assert [i.tolist() for i in torch.nonzero(t, as_tuple=True)] == [i.tolist() for i in np.nonzero(m)]
    assert np.array_equal(torch.nonzero(torch.tensor(m * 2.5).t() if m.ndim == 2 else torch.tensor(m * 2.5)).numpy(),
                          np.argwhere(m.T if m.ndim == 2 else m))  # fmt: skip
    x, y = rng.standard_normal(shape), rng.standard_normal((*shape, 3))
    assert np.array_equal(torch.tensor(x)[t].numpy(), x[m]) and np.array_equal(torch.tensor(y)[t].numpy(), y[m])
    assert np.array_equal(torch.masked_select(torch.tensor(x), t).numpy(), x[m])
    assert torch.zeros(*shape, 0)[t].shape == (m.sum(), 0)
    g = torch.tensor(y, requires_grad=True)
    g[t].sum().backward()
    assert np.array_equal(g.grad.numpy(), np.broadcast_to(m[..., None], y.shape).astype(float))


@pytest.mark.parametrize("diagonal", [-9, -1, 0, 1, 9])
def test_triangles_and_their_gradients(rng, diagonal):
    x = rng.standard_normal((2, 4, 5))
    for op, want in ((torch.tril, np.tril), (torch.triu, np.triu)):
        t = torch.tensor(x, requires_grad=True)
        y = op(t, diagonal)
        assert np.array_equal(y.detach().numpy(), want(x, diagonal))
        y.backward(torch.tensor(2 * x))
        assert np.array_equal(t.grad.numpy(), want(2 * x, diagonal))


PAIRS = [([0, 2, 1], [3, 0, 0]), ([-1, 0], [-4, 3]), ([1], [2]), ([], []), ([[0, 1], [2, 2]], [[3, 2], [1, 0]]),
         ([0, 1, 2], [1, 1, 1], [4, 0, -5])]  # fmt: skip


@pytest.mark.parametrize("lists", PAIRS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"])
def test_arrays_of_places(lists, dtype, rng):
    """x[rows, columns] read, written and added to, in tensors that lie in order and in such that do not."""
    a = (rng.standard_normal((3, 4, 5)) * 9).astype(dtype)
    where, index = tuple(np.array(p, np.int64) for p in lists), tuple(torch.tensor(p, dtype=torch.int64) for p in lists)
    for t in (torch.tensor(a), torch.tensor(a.transpose(2, 1, 0).copy()).permute(2, 1, 0)):
        assert np.array_equal(t[index].numpy(), a[where])
        value = (rng.standard_normal(a[where].shape) * 9).astype(dtype)
        for v in (value, value[..., :1] if value.ndim > len(lists[0]) else value):
            want = a.copy()
            want[where] = v
            got = t.clone() if t.is_contiguous() else torch.tensor(a.transpose(2, 1, 0).copy()).permute(2, 1, 0)
            version = got._version
            got[index] = torch.tensor(v)
            assert np.array_equal(got.numpy(), want) and got._version > version
        got, want = t.clone(), a.copy()
        got[index] = 1
        want[where] = 1
        assert np.array_equal(got.numpy(), want)
        if dtype in ("float32", "float64", "int64"):
            got, want = torch.index_put(t, index, torch.tensor(value), accumulate=True), a.copy()
            np.add.at(want, where, value)
            assert np.allclose(got.numpy(), want, rtol=1e-6)


def test_arrays_of_places_out_of_range():
    x = torch.zeros(3, 4)
    for rows, columns, word in (([3], [0], "3 is out of range for dimension 0 of size 3"), ([0], [-5], "-5 is out of range")):
        index = torch.tensor(rows), torch.tensor(columns)
        for call in (lambda: x[index], lambda: x.__setitem__(index, 1.0)):  # noqa: B023
            with pytest.raises(IndexError, match=word):
                call()
    with pytest.raises(IndexError):
        x[torch.tensor([[0]]), torch.tensor([0]), torch.tensor([0])]
    with pytest.raises(ValueError, match="[2].*[3]"):
        x[torch.tensor([0, 1]), torch.tensor([0, 1])] = torch.ones(3)
    with pytest.raises(IndexError):
        x[torch.tensor([0, 1]), torch.tensor([0, 1, 2])]
    assert x.abs().sum().item() == 0


def test_places_of_which_the_value_shares_memory():
    x = torch.arange(4.0)
    x[torch.tensor([1, 2, 3])] = x[:3]
    assert x.tolist() == [0, 0, 1, 2]
    x = torch.arange(4.0)
    x[torch.tensor([3, 2, 1, 0])] = x
    assert x.tolist() == [3, 2, 1, 0]


def test_gradients_of_arrays_of_places(rng):
    a = rng.standard_normal((3, 4, 2))
    t = torch.tensor(a, requires_grad=True)
    rows, columns = torch.tensor([0, 2, 0, -1]), torch.tensor([1, 3, 1, 3])
    weight = rng.standard_normal((4, 2))
    (t[rows, columns] * torch.tensor(weight)).sum().backward()
    want = np.zeros_like(a)
    np.add.at(want, (rows.numpy(), columns.numpy()), weight)
    assert np.allclose(t.grad.numpy(), want, rtol=1e-12)
    y, v = t * 1, torch.tensor(weight[:3], requires_grad=True)
    y[torch.tensor([0, 1, 2]), torch.tensor([0, 0, 3])] = v
    t.grad = None
    (y * y).sum().backward()
    assert np.allclose(v.grad.numpy(), 2 * weight[:3]) and t.grad[0, 0].abs().sum().item() == 0


def test_arrays_of_places_in_a_compiled_function(rng):
    """The numbers of a recorded call are read anew at each replay."""
    f = torch.compile(lambda x, i, j: x[i, j] * 2)
    x = torch.tensor(rng.standard_normal((5, 6)))
    for seed in range(4):
        i, j = (torch.tensor(np.random.default_rng(seed).integers(0, n, 7)) for n in (5, 6))
        assert np.array_equal(f(x, i, j).numpy(), 2 * x.numpy()[i.numpy(), j.numpy()])


def test_index_put_of_no_indices_takes_all():
    x = torch.zeros(3)
    assert torch.index_put(x, (), torch.tensor(2.0)).tolist() == [2.0] * 3  # once a crash
    assert torch.index_put(x + 1, (), torch.tensor([1.0, 2.0, 3.0]), True).tolist() == [2.0, 3.0, 4.0]
    assert torch._core.row_numbers((), x) is None
    assert torch._core.row_numbers((torch.tensor([1]),) * 2, x) is None


@pytest.mark.filterwarnings("ignore:Using a non-tuple")
@pytest.mark.parametrize("text", ["x[[a, b]]", "x[[a, slice(0, 2)]]", "x[[None, 0]]", "x[[..., 0]]", "x[[[0, 1], slice(1, 2)]]", "x[[a]]",
                                  "x[[T.tensor(0), T.tensor(1)]]", "x[[1, 0]]"])  # fmt: skip
def test_lists_that_stand_for_tuples(text):
    """PyTorch's older form: a list that holds tensors, slices, None or ... is a tuple of indices, also where it is written to."""
    peer = pytest.importorskip("torch")
    got = []
    for T in (torch, peer):
        names = {"T": T, "x": T.arange(24.0).reshape(2, 3, 4), "a": T.tensor([0, 1]), "b": T.tensor([1, 2])}
        got.append(eval(text, names).tolist())  # noqa: S307
        exec(text + " = -1.0", names)  # noqa: S102
        got.append(names["x"].tolist())
    assert got[:2] == got[2:]
