"""y = x W^T + b: any number of leading axes, with and without bias."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, gradcheck

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import linear as ref

# leading axes, inputs, outputs
CASES = [
    ((), 5, 3),
    ((1,), 1, 1),
    ((0,), 5, 3),
    ((7,), 0, 3),
    ((7,), 3, 4),
    ((8,), 7, 8),
    ((9,), 8, 9),
    ((2, 3), 15, 16),
    ((2, 1, 5), 17, 31),
    ((33,), 33, 17),
    ((64,), 784, 10),
    ((32,), 400, 120),
    ((13,), 127, 97),
]


def terms(shape):
    return max(shape[1], int(np.prod(shape[0])), shape[2])


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("layout", ["plain", "strided", "transposed", "offset"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_linear(isa, rng, case, layout, bias):
    lead, i, o = case
    arrays = [rng.standard_normal((*lead, i)), rng.standard_normal((o, i))] + [rng.standard_normal(o)] * bias
    for dtype in ("float32", "float64"):
        check_gradient(F.linear, ref.linear, ref.linear_backward, *arrays, rng=rng, dtype=dtype, layout=layout, k=4,
                       n=terms(case))  # fmt: skip


def test_bfloat16(isa, rng):
    arrays = rng.standard_normal((5, 17)), rng.standard_normal((9, 17)), rng.standard_normal(9)
    check_gradient(F.linear, ref.linear, ref.linear_backward, *arrays, rng=rng, dtype="bfloat16", k=1, n=17)


def test_bias_of_one_row(isa):
    y = F.linear(torch.ones((2, 3)), torch.ones((4, 3)), torch.tensor([0.0, 1.0, 2.0, 3.0]))
    assert y.tolist() == [[3.0, 4.0, 5.0, 6.0]] * 2


def test_nan_in_one_row(isa, rng):
    x = rng.standard_normal((9, 17))
    x[4, 3] = np.nan
    w = rng.standard_normal((5, 17))
    check_close(F.linear(torch.tensor(x), torch.tensor(w)), x @ w.T, "linear", k=4, n=17)


def test_gradcheck(rng):
    arrays = rng.standard_normal((2, 3, 4)), rng.standard_normal((5, 4)), rng.standard_normal(5)
    gradcheck(F.linear, *arrays, rng=rng)
    check_reference(ref.linear, ref.linear_backward, *arrays, rng=rng)
