"""Activation functions: values, gradients, kinks, saturation, NaN."""

import numpy as np
import pytest
from harness import LAYOUTS, check_forward, check_gradient, check_reference, numbers, place

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference.elementwise import elementwise, elementwise_backward

SIZES = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 97, 1023]

# name of the reference, operation, its parameters p0, p1
CASES = [
    ("relu", F.relu, ()),
    ("leaky_relu", lambda x: F.leaky_relu(x, 0.1), (0.1,)),
    ("leaky_relu", F.leaky_relu, (0.01,)),
    ("elu", F.elu, (1.0,)),
    ("elu", lambda x: F.elu(x, alpha=0.7), (0.7,)),
    ("gelu", F.gelu, ()),
    ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), ()),
    ("silu", F.silu, ()),
    ("mish", F.mish, ()),
    ("hardswish", F.hardswish, ()),
    ("hardsigmoid", F.hardsigmoid, ()),
    ("softsign", F.softsign, ()),
    ("softplus", F.softplus, (1.0, 20.0)),
    ("softplus", lambda x: F.softplus(x, beta=2.0, threshold=3.0), (2.0, 3.0)),
    ("log_sigmoid", F.logsigmoid, ()),
    ("sigmoid", torch.sigmoid, ()),
    ("tanh", torch.tanh, ()),
    ("clamp", F.relu6, (0.0, 6.0)),
    ("clamp", F.hardtanh, (-1.0, 1.0)),
]
IDS = [f"{c[0]}{c[2]}" for c in CASES]


def roundings(name):
    """k of the bound: the derivatives of gelu_tanh and mish multiply 1 - tanh^2, which has lost digits, by up to 20."""
    return {"gelu_tanh": 40, "mish": 16}.get(name, 4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_forward_and_gradient(isa, rng, case, dtype):
    name, op, p = case
    for n in SIZES:
        x = rng.uniform(-7, 7, n)
        check_gradient(
            op, lambda x: elementwise(name, x, p=p), lambda gy, x: elementwise_backward(name, gy, x, p=p), x,
            rng=rng, dtype=dtype, k=roundings(name), scale=1, grad_scale=1,
        )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_layouts(isa, rng, case, layout):
    name, op, p = case
    x = rng.uniform(-7, 7, (3, 5, 9))
    check_gradient(
        op, lambda x: elementwise(name, x, p=p), lambda gy, x: elementwise_backward(name, gy, x, p=p), x,
        rng=rng, layout=layout, k=roundings(name), scale=1, grad_scale=1,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_bfloat16(isa, rng, case):
    name, op, p = case
    x = rng.uniform(-4, 4, (3, 17))
    check_forward(op, lambda x: elementwise(name, x, p=p), x, dtype="bfloat16", k=0.6, scale=0.02)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_far_out_and_nan(isa, case, dtype):
    """Deep saturation must give the limit, not NaN from inf - inf or 0 inf; a NaN must stay at every lane."""
    name, op, p = case
    values = [np.nan, 1e4, -1e4, 50.0, -50.0, 90.0, -90.0, 1000.0, -1000.0, 3e4, -3e4, 20.5, -20.5]
    if name not in ("gelu", "gelu_tanh", "silu", "mish", "hardswish", "softsign"):  # there -inf or inf gives NaN: 0 inf
        values += [np.inf, -np.inf]
    for shift in range(17):
        x = np.roll(np.array(values + [0.5] * (17 - len(values))), shift)
        check_forward(op, lambda x: elementwise(name, x, p=p), x, dtype=dtype, k=6, scale=1e-3)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_gradient_far_out_is_finite(isa, case):
    name, op, p = case
    x = np.array([1e4, -1e4, 50.0, -50.0, 90.0, -90.0, 1000.0, -1000.0])
    t = place(x, "float32").requires_grad_()
    op(t).sum().backward()
    want = elementwise_backward(name, np.ones(8), x, p=p)[0]
    assert np.abs(numbers(t.grad) - want).max() < 1e-5


@pytest.mark.parametrize("case", [c for c in CASES if c[0] in ("relu", "leaky_relu", "clamp", "elu")],
                         ids=[i for i, c in zip(IDS, CASES) if c[0] in ("relu", "leaky_relu", "elu")] + ["relu6", "hardtanh"])  # fmt: skip
def test_gradient_at_the_kink(isa, case):
    name, op, p = case
    if name == "clamp":
        return check_hard_limits(op, p)
    x = torch.zeros(9, requires_grad=True)
    op(x).sum().backward()
    assert np.allclose(numbers(x.grad), {"relu": 0.0, "leaky_relu": p[0] if p else 0, "elu": p[0] if p else 0}[name])


def check_hard_limits(op, p):
    """relu6 and hardtanh give no gradient on their limits, as PyTorch's."""
    x = torch.tensor([p[0], p[1], (p[0] + p[1]) / 2], requires_grad=True)
    op(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0]


def test_relu_keeps_nan_and_is_in_place(isa):
    x = torch.tensor([float("nan"), -1.0, 2.0])
    y = F.relu(x, inplace=True)
    assert y is x or y.data_ptr() == x.data_ptr()
    assert np.array_equal(numbers(x), [np.nan, 0, 2], equal_nan=True)


def test_prelu(isa, rng):
    x, w = rng.standard_normal((3, 4, 5)), rng.uniform(0.1, 0.5, 4)
    check_gradient(
        F.prelu, lambda x, w: np.where(x > 0, x, x * w[:, None]),
        lambda gy, x, w: (gy * np.where(x > 0, 1, w[:, None] * np.ones_like(x)), np.sum(gy * np.where(x > 0, 0, x), axis=(0, 2))),
        x, w, rng=rng, k=4, n=15,
    )  # fmt: skip


def test_glu(isa, rng):
    def sigmoid(v):
        return elementwise("sigmoid", v)

    def backward(gy, x):
        a, b = np.split(x, 2, axis=1)
        s = sigmoid(b)
        return (np.concatenate([gy * s, gy * a * s * (1 - s)], axis=1),)

    x = rng.standard_normal((3, 8, 5))
    check_gradient(lambda x: F.glu(x, 1), lambda x: x[:, :4] * sigmoid(x[:, 4:]), backward, x, rng=rng, k=6)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_reference(rng, case):
    name, _, p = case
    x = rng.uniform(-4, 4, 9)
    check_reference(
        lambda x: elementwise(name, x, p=p), lambda gy, x: elementwise_backward(name, gy, x, p=p), x, rng=rng
    )


@pytest.mark.parametrize("slope", [0.25, -0.3, 0.0])
def test_prelu_of_one_weight(isa, rng, slope):
    check_gradient(
        F.prelu, lambda x, w: np.where(x > 0, x, w * x),
        lambda gy, x, w: (np.where(x > 0, gy, w * gy), np.where(x > 0, 0, gy * x).sum().reshape(1)),
        rng.standard_normal((3, 4, 17)), np.array([slope]), rng=rng, k=4, n=204,
    )  # fmt: skip


@pytest.mark.parametrize("lambd", [0.5, 0.0, float("inf")])
def test_hardshrink_at_its_limits(isa, lambd):
    x = np.array([0.5, -0.5, 0.6, -0.6, 0.0, -0.0, 1e-40, np.inf, -np.inf, np.nan] * 4)
    t = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    y = F.hardshrink(t, lambd)
    y.backward(torch.full_like(t, 2.0))
    inside = np.abs(x) <= lambd
    assert np.array_equal(y.detach().numpy(), np.where(inside, 0, x).astype(np.float32), equal_nan=True)
    assert np.array_equal(t.grad.numpy(), np.where(np.abs(x) > lambd, 2.0, 0.0))
