"""cat, stack, split, chunk and unbind: views or copies of the right parts, and gradients that find their way back."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, numbers

import udlfast as torch

# shapes to join, axis
CAT = [
    (((1,),), 0),
    (((2,), (0,), (3,)), 0),
    (((2, 3), (2, 3)), 0),
    (((2, 3), (2, 1), (2, 5)), 1),
    (((2, 3, 4), (2, 3, 7)), -1),
    (((2, 3, 4), (5, 3, 4), (1, 3, 4)), 0),
    (((2, 3, 4), (2, 8, 4)), 1),
    (((3, 16), (3, 17), (3, 15)), 1),
    (((0, 3), (2, 3)), 0),
    (((64, 33), (64, 31)), 1),
]


def pieces(gy, arrays, axis):
    return tuple(np.split(gy, np.cumsum([a.shape[axis] for a in arrays])[:-1], axis))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("case", CAT, ids=str)
def test_cat(isa, rng, case, dtype, layout):
    shapes, axis = case
    check_gradient(
        lambda *a: torch.cat(a, dim=axis), lambda *a: np.concatenate(a, axis), lambda gy, *a: pieces(gy, a, axis),
        *(rng.standard_normal(s) for s in shapes), rng=rng, dtype=dtype, layout=layout, k=0.01,
    )  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_stack(isa, rng, axis, count):
    check_gradient(
        lambda *a: torch.stack(a, dim=axis), lambda *a: np.stack(a, axis), lambda gy, *a: tuple(np.moveaxis(gy, axis, 0)),
        *(rng.standard_normal((3, 5)) for _ in range(count)), rng=rng, k=0.01,
    )  # fmt: skip


def test_cat_promotes_types(isa):
    y = torch.cat([torch.tensor([1, 2]), torch.tensor([0.5])])
    assert y.dtype == torch.float32 and y.tolist() == [1.0, 2.0, 0.5]
    assert torch.cat([torch.tensor([True]), torch.tensor([3])]).tolist() == [1, 3]


def test_cat_copies(isa):
    x = torch.ones(3)
    y = torch.cat([x])
    y[0] = 5
    assert x.tolist() == [1.0] * 3


def test_cat_of_one_tensor_twice(isa):
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (torch.cat([x, x]) * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [4.0, 6.0]


@pytest.mark.parametrize("case", [((7, 3), 2, 0), ((7, 3), 3, 1), ((6, 4), [1, 2, 3], 0), ((4, 5), [5], 1), ((3, 4), [0, 4], -1)],
                         ids=str)  # fmt: skip
def test_split(isa, rng, case):
    shape, size, axis = case
    x = rng.standard_normal(shape)
    t = torch.tensor(x, requires_grad=True)
    parts = torch.split(t, size, dim=axis)
    if isinstance(size, int):
        cuts = list(range(size, shape[axis], size))
    else:
        cuts = list(np.cumsum(size)[:-1])
    wants = np.split(x, cuts, axis)
    assert len(parts) == len(wants)
    for part, want in zip(parts, wants, strict=True):
        check_close(part, want, "split")
    sum((i + 1) * (p * p).sum() for i, p in enumerate(parts)).backward()
    check_close(t.grad, np.concatenate([2 * (i + 1) * w for i, w in enumerate(wants)], axis), "gradient", k=1)


def test_split_shares_memory(isa):
    x = torch.zeros(6)
    a, b = torch.split(x, 3)
    b.add_(1)
    assert x.tolist() == [0, 0, 0, 1, 1, 1]


def test_only_one_part_used(isa):
    x = torch.ones(6, requires_grad=True)
    torch.split(x, 2)[1].sum().backward()
    assert x.grad.tolist() == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize("chunks", [1, 2, 3, 4, 7, 9])
def test_chunk(isa, chunks):
    x = np.arange(7)
    step = -(-7 // chunks)
    want = [x[i : i + step].tolist() for i in range(0, 7, step)]
    assert [p.tolist() for p in torch.chunk(torch.tensor(x), chunks)] == want


def test_unbind_and_iteration(isa, rng):
    x = rng.standard_normal((3, 4))
    t = torch.tensor(x, requires_grad=True)
    for got, want in zip(torch.unbind(t, 1), x.T, strict=True):
        check_close(got, want, "unbind")
    assert [numbers(row).tolist() for row in t] == x.tolist()
    (torch.unbind(t, 1)[2] * 3).sum().backward()
    assert numbers(t.grad).tolist() == [[0, 0, 3, 0]] * 3


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bfloat16", "bool"])
@pytest.mark.parametrize("rows", [1, 3, 5000])
def test_small_and_large_parts_are_joined_alike(rng, dtype, rows):
    """Few bytes are copied at once, many by the kernel, and so are parts that are not contiguous."""
    parts = [rng.integers(0, 2, (rows, n)) for n in (1, 17, 4)]
    tensors = [torch.tensor(p).to(getattr(torch, dtype)) for p in parts]
    strided = [t.t().contiguous().t() for t in tensors]
    for ts in (tensors, strided, [tensors[0], strided[1], tensors[2]]):
        assert np.array_equal(torch.cat(ts, 1).long().numpy(), np.concatenate(parts, 1))
        assert np.array_equal(torch.cat([t.t() for t in ts]).long().numpy(), np.concatenate(parts, 1).T)
        assert np.array_equal(torch.stack([ts[1], ts[1]], 1).long().numpy(), np.stack([parts[1], parts[1]], 1))


@pytest.mark.parametrize("dtype", ["float32", "uint8", "bool"])
@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_many_bytes_from_parts_of_every_layout(rng, axis, dtype):
    """Several pieces of the parallel walk; parts that are contiguous, sliced, expanded, turned or empty."""
    def part(length, kind):
        shape = [3, 5, 70, 130]
        shape[axis] = length
        x = rng.integers(0, 2, shape) * rng.integers(1, 100, shape)
        x = x.astype(dtype)
        t = torch.tensor(x)
        if kind == "sliced":
            t = torch.cat([t, t], -1)[..., : shape[-1]]
        elif kind == "expanded":
            x = np.broadcast_to(x[:1], shape)
            t = torch.tensor(x[:1].copy()).expand(*shape) if shape[0] else t
        elif kind == "turned":
            t = torch.tensor(np.ascontiguousarray(x.swapaxes(1, 2))).transpose(1, 2)
        return x, t

    parts = [part(*p) for p in ((2, "plain"), (0, "plain"), (3, "sliced"), (1, "expanded"), (4, "turned"), (0, "sliced"))]
    y = torch.cat([t for _, t in parts], axis)
    assert np.array_equal(y.numpy(), np.concatenate([x for x, _ in parts], axis))
    equal = [part(2, kind) for kind in ("plain", "sliced", "expanded", "turned")]
    y = torch.stack([t for _, t in equal], axis)
    assert np.array_equal(y.numpy(), np.stack([x for x, _ in equal], axis))
