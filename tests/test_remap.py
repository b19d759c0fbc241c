"""flip, roll and repeat: one kernel with a rule for each dimension (padding has its own file)."""

import numpy as np
import pytest
from harness import LAYOUTS, check_gradient

import udlfast as torch

# name, shape, the operation, the same in NumPy, its gradient
SHAPES = [(5,), (1,), (0, 3), (4, 17), (3, 1, 65), (2, 3, 4, 5), (2, 1, 3, 2, 2, 1, 2, 3)]
CASES = [(shape, dims) for shape in SHAPES for dims in ((0,), (-1,), tuple(range(len(shape))))]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_flip_and_roll(isa, rng, case, layout):
    shape, dims = case
    shifts = tuple(3 * i - 2 for i in range(len(dims)))
    for ours, base, back in (
        (lambda x: torch.flip(x, dims), lambda x: np.flip(x, dims), lambda g, x: (np.flip(g, dims),)),
        (lambda x: torch.roll(x, shifts, dims), lambda x: np.roll(x, shifts, dims),
         lambda g, x: (np.roll(g, tuple(-s for s in shifts), dims),)),
    ):  # fmt: skip
        check_gradient(ours, base, back, rng.standard_normal(shape), rng=rng, layout=layout, k=1, n=1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", [((5,), (3,)), ((2, 3), (2, 2)), ((3, 1, 4), (1, 5, 2)), ((2, 3), (4, 1, 2)), ((3,), (0,)),
                                  ((2, 1, 2, 1, 2, 1, 2, 1), (1, 3, 1, 2, 1, 1, 1, 2))], ids=str)  # fmt: skip
def test_repeat(isa, rng, case, layout):
    shape, times = case
    full = (1,) * (len(times) - len(shape)) + shape

    def back(g, x):
        for d, (t, n) in enumerate(zip(times, full)):
            g = np.stack(np.split(g, t, d)).sum(0) if t else np.zeros((*g.shape[:d], n, *g.shape[d + 1:]))
        return (g.reshape(shape),)

    check_gradient(lambda x: x.repeat(*times), lambda x: np.tile(x, times), back, rng.standard_normal(shape), rng=rng, layout=layout,
                   k=2, n=8)  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
def test_element_types(isa, rng, dtype):
    a = rng.integers(0, 2, (3, 37))
    x = torch.tensor(a).to(getattr(torch, dtype))
    for got, want in ((x.flip(1), a[:, ::-1]), (x.roll(5), np.roll(a, 5)), (x.repeat(2, 3), np.tile(a, (2, 3))),
                      (torch.nn.functional.pad(x, (2, 70), value=1), np.pad(a, ((0, 0), (2, 70)), constant_values=1))):  # fmt: skip
        assert got.dtype is x.dtype and np.array_equal(got.long().numpy(), want)


def test_long_rows_are_cut(isa):
    a = np.arange(300_000, dtype=np.float32)
    x = torch.from_numpy(a)
    assert np.array_equal(x.roll(12345).numpy(), np.roll(a, 12345)) and np.array_equal(x.flip(0).numpy(), a[::-1])
    assert np.array_equal(x[:7].repeat(40_000).numpy(), np.tile(a[:7], 40_000))


def test_gradient_of_gradient(isa, rng):
    for mode, widths in (("reflect", (2, 3)), ("replicate", (4, 1)), ("circular", (2, 4)), ("constant", (1, -2))):
        x = torch.tensor(rng.standard_normal((2, 1, 5)), requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: torch.nn.functional.pad(x, widths, mode), (x,))
        assert torch.autograd.gradgradcheck(lambda x: torch.nn.functional.pad(x, widths, mode) ** 2, (x,))
