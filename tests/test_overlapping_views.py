"""Views in which elements lie in several places: windows and expanded dimensions, and their gradients."""

import numpy as np
import pytest
from harness import numbers

import udlfast as torch

CASES = [((9,), (4, 3), (2, 1), 0), ((9,), (7, 3), (1, 1), 0), ((9,), (2, 3), (5, 1), 1), ((14,), (2, 3, 3), (6, 1, 2), 1),
         ((6,), (4, 3), (0, 1), 2), ((9,), (3, 3), (2, 2), 0), ((20,), (3, 4, 2), (5, 1, 4), 0), ((5,), (1, 5), (3, 1), 0)]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_gradient_of_as_strided(rng, case):
    """Every element gets the sum over all places of the view that it stands in."""
    shape, size, stride, offset = case
    x = torch.tensor(rng.standard_normal(shape), requires_grad=True)
    gy = rng.standard_normal(size)
    y = torch.as_strided(x, size, stride, offset)
    places = offset + sum(i * s for i, s in zip(np.indices(size), stride, strict=True))
    assert np.array_equal(numbers(y), numbers(x)[places])
    y.backward(torch.tensor(gy))
    want = np.zeros(shape)
    np.add.at(want, places, gy)
    assert np.allclose(numbers(x.grad), want, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("dimension, size, step", [(0, 3, 1), (1, 4, 2), (-1, 2, 5), (1, 1, 1), (0, 0, 2), (2, 6, 1)])
def test_windows(rng, dimension, size, step, turned):
    a = rng.standard_normal((4, 5, 6))
    a = a.transpose(2, 1, 0) if turned else a
    size = min(size, a.shape[dimension])
    x = torch.tensor(np.ascontiguousarray(a.T)).permute(2, 1, 0) if turned else torch.tensor(a)
    x.requires_grad_()
    y = x.unfold(dimension, size, step)
    want = np.lib.stride_tricks.sliding_window_view(a, size, dimension) if size else np.zeros((*a.shape, 0))
    if size:
        want = np.moveaxis(np.moveaxis(want, dimension % 3, 0)[::step], 0, dimension % 3)
        assert np.array_equal(numbers(y), want)
    assert y.shape[dimension % 3] == (a.shape[dimension] - size) // step + 1 and y.shape[-1] == size
    (y * y).sum().backward()
    count = np.zeros(a.shape[dimension])
    for i in range(y.shape[dimension % 3]):
        count[i * step:i * step + size] += 1
    shape = [-1 if d == dimension % 3 else 1 for d in range(3)]
    assert np.allclose(numbers(x.grad), 2 * a * count.reshape(shape))


def test_windows_are_a_view():
    x = torch.arange(6.0)
    y = x.unfold(0, 2, 2)
    y[1] = -1.0
    assert y.data_ptr() == x.data_ptr() and x.tolist() == [0.0, 1.0, -1.0, -1.0, 4.0, 5.0]


def test_gradients_of_gradients_of_windows():
    x = torch.randn(7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: x.unfold(0, 3, 2) ** 3, (x,))
    assert torch.autograd.gradgradcheck(lambda x: x.unfold(0, 3, 2) ** 3, (x,))


@pytest.mark.parametrize("again", [False, True])
def test_views_that_reach_beyond_their_tensor(again):
    """as_strided sees all of the storage; the gradient of what lies outside of the tensor goes nowhere (it was written beside it)."""
    store = torch.arange(10.0)
    cases = ((2, 2, (3,), (1,), 0), (4, 3, (4, 2), (2, 1), 1), (0, 2, (2, 5), (5, 1), 0), (5, 0, (), (), 5), (3, 0, (2,), (4,), 1),
             (6, 2, (3,), (0,), 6), (2, 4, (3, 2), (1, 1), 4))  # fmt: skip
    for first, count, size, stride, offset in cases:
        x = store[first : first + count].requires_grad_()
        y = x.as_strided(size, stride, offset)
        assert torch.equal(y.detach(), store.as_strided(size, stride, offset))
        seen = np.zeros(10)
        np.add.at(seen, np.lib.stride_tricks.as_strided(np.arange(10), size, [8 * s for s in stride]).ravel() + offset, 1)
        (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=again)
        assert np.array_equal(g.detach().numpy(), (2 * seen * store.numpy())[first : first + count])
        if again and count:
            (second,) = torch.autograd.grad(g.sum(), x)
            assert np.array_equal(second.numpy(), 2 * seen[first : first + count])
    leaf = store[2:4].detach().requires_grad_()
    with pytest.raises(RuntimeError):
        leaf.as_strided((3,), (1,), 0).mul_(2)
