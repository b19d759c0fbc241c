"""In-place operations and the tape: what is refused, what is noticed, what is differentiated right."""

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch


def leaf(*values, **more):
    return torch.tensor(values, requires_grad=True, **more)


def test_in_place_on_a_leaf_raises():
    x = leaf(1.0, 2.0)
    check_raises(RuntimeError, ["leaf", "place"], x.add_, 1)
    check_raises(RuntimeError, ["leaf", "place"], x[0].fill_, 1)
    with torch.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0, 3.0]
    x.data.mul_(2)
    assert x.tolist() == [4.0, 6.0] and x.requires_grad


SAVES = {
    "mul": lambda x: (x, x * x),
    "exp": lambda x: (lambda y: (y, y))(torch.exp(x)),
    "matmul": lambda x: (lambda y: (y, y @ y))(x + 0),
    "softmax": lambda x: (lambda y: (y, y))(torch.softmax(x, 1)),
    "sigmoid": lambda x: (lambda y: (y, y))(torch.sigmoid(x)),
    "div": lambda x: (lambda y: (y, torch.ones((3, 3)) / y))(x + 2),
}


@pytest.mark.parametrize("name", SAVES)
@pytest.mark.parametrize("how", ["add_", "view", "setitem", "copy_", "zero_", "out of order"])
def test_modifying_a_saved_tensor_makes_backward_raise(name, how):
    x = torch.ones((3, 3), requires_grad=True)
    z = x * 1
    saved, y = SAVES[name](z)
    victim = z if name == "mul" else saved
    victim = victim.detach()
    if how == "add_":
        victim.add_(1)
    elif how == "view":
        victim.view(9)[2:4].mul_(2)
    elif how == "setitem":
        victim[1, 1] = 5
    elif how == "copy_":
        victim.copy_(torch.zeros((3, 3)))
    elif how == "zero_":
        victim.t()[0].zero_()
    else:
        victim.add_(1).sub_(1)  # the values are back, the version is not
    check_raises(RuntimeError, ["modified"], y.sum().backward)


def test_modifying_what_was_not_saved_is_fine():
    x = leaf(1.0, 2.0)
    y = x + 1
    z = y.relu()
    with torch.no_grad():
        y.mul_(10)
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_in_place_on_the_graph():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 2
    y.add_(1).mul_(3)
    y[1] = 7.0
    y.sum().backward()
    assert y.tolist() == [9.0, 7.0, 21.0] and x.grad.tolist() == [6.0, 0.0, 6.0]


def test_in_place_through_a_view():
    x = leaf(1.0, 2.0, 3.0, 4.0)
    y = x * 2
    y.view(2, 2)[0].mul_(10)
    assert y.tolist() == [20.0, 40.0, 6.0, 8.0]
    (y * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert x.grad.tolist() == [20.0, 40.0, 6.0, 8.0]


def test_writing_a_graph_into_a_plain_tensor():
    x = leaf(1.0, 2.0)
    y = torch.zeros(4)
    y[1:3] = x * 3
    assert y.requires_grad
    (y * y).sum().backward()
    assert x.grad.tolist() == [18.0, 36.0]


def test_in_place_gradients_by_differences(rng):
    """A chain of in-place steps is the function it computes."""

    def f(t):
        y = t * 1.5
        y.mul_(t).add_(t, alpha=0.5)
        y[1:3].sub_(t[0:2])
        y.clamp_(-10, 10).sigmoid_()
        return (y * y).sum()

    x = rng.standard_normal(5)
    t = torch.tensor(x, requires_grad=True)
    f(t).backward()
    want = [(f(torch.tensor(x + h)).item() - f(torch.tensor(x - h)).item()) / 2e-5 for h in 1e-5 * np.eye(5)]
    assert np.allclose(numbers(t.grad), want, atol=1e-8)


def test_in_place_on_an_expanded_view_is_refused():
    x = torch.zeros((3, 1)).expand(3, 4)
    check_raises((RuntimeError, ValueError), ["expand"] if hasattr(torch, "isa_report") else ["single memory location"], x.add_, 1)


IN_PLACE = ["abs", "exp", "log", "log1p", "expm1", "sqrt", "rsqrt", "sin", "cos", "tanh", "sigmoid", "relu", "neg", "reciprocal",
            "square", "erf", "atan", "floor", "round", "log2", "exp2", "asin", "sinh"]  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_gradient_equals_out_of_place(rng, name):
    """The rule may need the input that was just overwritten."""
    x = rng.uniform(0.2, 0.8, 7)
    s, t = torch.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y = s * 1.1
    assert getattr(y, name + "_")() is y
    z = getattr(t * 1.1, name)()
    (y * y).sum().backward(), (z * z).sum().backward()
    assert torch.equal(y, z) and torch.equal(s.grad, t.grad)


ARGUMENTS = {
    "mul_": lambda y, a: y.mul_(a), "div_": lambda y, a: y.div_(a), "add_": lambda y, a: y.add_(a, alpha=2),
    "sub_": lambda y, a: y.sub_(a), "pow_": lambda y, a: y.pow_(3), "clamp_": lambda y, a: y.clamp_(0.4, 0.6),
    "masked_fill_": lambda y, a: y.masked_fill_(a > 1, 0.0), "copy_": lambda y, a: y.copy_(a),
    "lerp_": lambda y, a: y.lerp_(a, 0.3), "addcmul_": lambda y, a: y.addcmul_(a, a, value=0.5),
    "index_fill": lambda y, a: y.__setitem__(slice(1, 3), a[:2]) or y,
    "scatter_add_": lambda y, a: y.scatter_add_(0, torch.tensor([0, 0, 3]), a[:3]), "fill_": lambda y, a: y.fill_(2.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_in_place_gradient_by_differences(rng, name):
    def f(x, a):
        return (ARGUMENTS[name](x * 1.1, a) * torch.tensor(weight)).sum()

    x, a, weight = rng.uniform(0.2, 0.8, 7), rng.uniform(0.5, 1.5, 7), rng.standard_normal(7)
    s, t = torch.tensor(x, requires_grad=True), torch.tensor(a, requires_grad=True)
    f(s, t).backward()
    for leaf, change in ((s, lambda h: (x + h, a)), (t, lambda h: (x, a + h))):
        want = [np.subtract(*(f(*(torch.tensor(v) for v in change(sign * h))).item() for sign in (1, -1))) / 2e-5
                for h in 1e-5 * np.eye(7)]  # fmt: skip
        got = np.zeros(7) if leaf.grad is None else numbers(leaf.grad)
        assert np.allclose(got, want, atol=1e-8)
