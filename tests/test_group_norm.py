"""Group normalisation, and instance normalisation as its case of one channel a group."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import group_norm as ref

# shape, groups
CASES = [((2, 1, 3), 1), ((1, 4), 2), ((3, 6), 3), ((2, 6, 5), 2), ((2, 6, 5), 6), ((2, 6, 5), 1), ((0, 4, 3), 2),
         ((2, 8, 4, 4), 4), ((3, 9, 3, 5), 3), ((2, 4, 8, 8), 2), ((1, 32, 7, 7), 8), ((2, 34, 17), 2)]  # fmt: skip


@pytest.mark.parametrize("layout", ["plain", "strided", "transposed"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_group_norm(isa, rng, case, dtype, layout):
    shape, groups = case
    C = shape[1]
    check_gradient(
        lambda x, w, b: F.group_norm(x, groups, w, b, eps=1e-3), lambda x, w, b: ref.group_norm(x, groups, w, b, eps=1e-3),
        lambda gy, x, w, b: ref.group_norm_backward(gy, x, groups, w, eps=1e-3),
        2 * rng.standard_normal(shape) + 1, rng.standard_normal(C), rng.standard_normal(C),
        rng=rng, dtype=dtype, layout=layout, k=8, n=max(int(np.prod(shape[1:])) // groups, shape[0]), grad_scale=8,
    )  # fmt: skip


def test_without_weight_and_bias(isa, rng):
    x = rng.standard_normal((2, 6, 5))
    check_gradient(lambda x: F.group_norm(x, 3), lambda x: ref.group_norm(x, 3),
                   lambda gy, x: ref.group_norm_backward(gy, x, 3)[:1], x, rng=rng, k=8, n=10)  # fmt: skip


def test_instance_norm(isa, rng):
    x, w, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(3), rng.standard_normal(3)
    y = F.instance_norm(torch.tensor(x), weight=torch.tensor(w), bias=torch.tensor(b))
    check_close(y, ref.group_norm(x, 3, w, b), "instance_norm", k=8, n=20)


def test_constant_group(isa):
    y = F.group_norm(torch.full((2, 4, 3), 3.0), 2)
    assert not numbers(y).any()


def test_reference(rng):
    x, w, b = rng.standard_normal((2, 4, 3)), rng.standard_normal(4), rng.standard_normal(4)
    check_reference(lambda x, w, b: ref.group_norm(x, 2, w, b), lambda gy, x, w, b: ref.group_norm_backward(gy, x, 2, w),
                    x, w, b, rng=rng)  # fmt: skip
