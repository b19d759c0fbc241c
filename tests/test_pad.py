"""Padding: constant, reflect, replicate, circular; negative widths cut."""

import numpy as np
import pytest
from harness import LAYOUTS, check_close, check_gradient, check_reference

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import pad as ref

# shape, widths, mode
CASES = [
    ((1,), (0, 0), "constant"),
    ((5,), (2, 3), "constant"),
    ((2, 3), (1, 2), "constant"),
    ((2, 3), (1, 2, 3, 0), "constant"),
    ((2, 3, 4, 5), (1, 2, 0, 3), "constant"),
    ((2, 3, 4, 5), (1, 1, 2, 2, 1, 0), "constant"),
    ((2, 7), (-1, 2), "constant"),
    ((2, 7), (-2, -3), "constant"),
    ((0, 3), (1, 1), "constant"),
    ((2, 3, 8), (3, 2), "reflect"),
    ((2, 3, 5, 6), (2, 1, 3, 4), "reflect"),
    ((2, 3, 8), (3, 10), "replicate"),
    ((2, 3, 5, 6), (2, 1, 3, 4), "replicate"),
    ((2, 3, 8), (3, 8), "circular"),
    ((2, 3, 5, 6), (2, 1, 3, 4), "circular"),
    ((1, 1, 28, 28), (2, 2, 2, 2), "constant"),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_pad(isa, rng, case, layout):
    shape, widths, mode = case
    options = {"mode": mode, "value": 0.5} if mode == "constant" else {"mode": mode}
    for dtype in ("float32", "float64"):
        check_gradient(
            lambda x: F.pad(x, widths, **options), lambda x: ref.pad(x, widths, **options),
            lambda gy, x: ref.pad_backward(gy, x, widths, **options), rng.standard_normal(shape),
            rng=rng, dtype=dtype, layout=layout, k=1, n=16,
        )  # fmt: skip


def test_default_is_zeros(isa):
    assert F.pad(torch.tensor([1.0, 2.0]), (1, 2)).tolist() == [0, 1, 2, 0, 0]
    assert F.pad(torch.tensor([1, 2]), (1, 0), value=7).tolist() == [7, 1, 2]


def test_infinite_value(isa):
    assert F.pad(torch.ones(2), (1, 1), value=float("-inf")).tolist() == [float("-inf"), 1, 1, float("-inf")]


def test_empty_result(isa):
    assert tuple(F.pad(torch.ones((2, 5)), (-2, -3)).shape) == (2, 0)


def test_reference(rng):
    for shape, widths, mode in CASES[1:7] + CASES[9:15]:
        x = rng.standard_normal(shape)
        check_reference(lambda x: ref.pad(x, widths, mode), lambda gy, x: ref.pad_backward(gy, x, widths, mode), x, rng=rng)
    check_close(torch.tensor(ref.pad(np.arange(3.0), (2, 2), "reflect")), [2, 1, 0, 1, 2, 1, 0], "reflect")
