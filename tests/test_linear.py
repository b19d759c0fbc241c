"""y = x W^T + b: any number of leading axes, with and without bias."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, gradcheck, numbers

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


# ---- weights that are packed for reuse ---------------------------------------------------------------------------------
def layer(isa, m=16, k=300, n=250):
    lin = torch.nn.Linear(k, n)
    x = torch.randn(m, k)
    with torch.no_grad():
        first = lin(x)  # not packed yet
    return lin, x, first, torch._core.packed_bytes()


def test_a_weight_used_again_is_packed_and_gives_the_same_bits(isa):
    lin, x, first, before = layer(isa)
    with torch.no_grad():
        second, third = lin(x), lin(x)
    assert torch._core.packed_bytes() > before
    assert first.tolist() == second.tolist() == third.tolist()
    del lin
    assert torch._core.packed_bytes() == before, "freed with the weight"


def test_odd_sizes_of_packed_weights(isa, rng):
    for m, k, n in ((9, 257, 301), (17, 1030, 67), (33, 2100, 95), (96, 300, 333)):
        w, x = (
            torch.tensor(rng.standard_normal((n, k)), dtype=torch.float32),
            torch.tensor(rng.standard_normal((m, k)), dtype=torch.float32),
        )
        w = w * 1  # memory of our own
        for _ in range(3):
            check_close(F.linear(x, w), ref.linear(numbers(x), numbers(w * 1)), "linear", k=4, n=k)


@pytest.mark.parametrize("change", ["in place", "optimizer", "load_state_dict", "view", "out of a row"])
def test_a_changed_weight_is_not_taken_from_before(isa, change):
    lin, x, first, _ = layer(isa)
    with torch.no_grad():
        lin(x)
        if change == "in place":
            lin.weight.mul_(2.0)
        elif change == "load_state_dict":
            lin.load_state_dict({"weight": lin.weight * 2.0, "bias": lin.bias * 1.0})
        elif change == "view":
            lin.weight.view(-1).mul_(2.0)
        elif change == "out of a row":
            for i in range(250):
                lin.weight[i] = lin.weight[i] * 2.0
    if change == "optimizer":
        lin.weight.grad = -lin.weight.detach()
        torch.optim.SGD([lin.weight], lr=1.0).step()
    with torch.no_grad():
        for _ in range(3):
            want = numbers(first - lin.bias) * 2 + numbers(lin.bias)
            assert np.abs(numbers(lin(x)) - want).max() < 1e-4


def test_memory_that_others_can_write_is_not_packed(isa):
    lin, x, first, before = layer(isa)
    with torch.no_grad():
        lin(x)
        assert torch._core.packed_bytes() > before
        a = lin.weight.detach().numpy()
        assert torch._core.packed_bytes() == before
        a *= 2
        for _ in range(3):
            assert np.abs(numbers(lin(x)) - (numbers(first - lin.bias) * 2 + numbers(lin.bias))).max() < 1e-4
        assert torch._core.packed_bytes() == before


def test_training_packs_nothing(isa):
    lin, x, _, before = layer(isa)
    for _ in range(3):
        lin(x).sum().backward()
    assert torch._core.packed_bytes() == before


def test_a_packed_weight_survives_a_change_of_level():
    names = torch.isas()
    with torch.use_isa(names[0]):
        lin, x, first, _ = layer(names[0])
        with torch.no_grad():
            lin(x)
            for name in names:
                with torch.use_isa(name):
                    for _ in range(3):
                        assert np.abs(numbers(lin(x) - first)).max() < 1e-5
