"""torch.func and torch.autograd.functional against PyTorch's."""

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal(3), RNG.standard_normal((3, 3))


def cube(x):
    return (x**3).sum() * x[0]


def vector(x):
    return x**2 * x[0]


def flat(found):
    """All tensors of a nested structure."""
    if isinstance(found, dict):
        found = list(found.values())
    return [t for f in found for t in flat(f)] if isinstance(found, (tuple, list)) else [found]


def through_vjp(L, x):
    out, f = L.func.vjp(vector, x)
    return out, f(x)


def ensemble(L, x):
    models = [L.nn.Linear(3, 2).double() for _ in range(3)]
    with L.no_grad():
        for i, m in enumerate(models):
            m.weight.fill_(i + 1.0)
            m.bias.fill_(0.5)
    params, buffers = L.func.stack_module_state(models)
    return L.vmap(lambda p, b, x: L.func.functional_call(models[0], (p, b), (x,)), in_dims=(0, 0, None))(params, buffers, x)


def through_call(L, x):
    layer, params = L.nn.Linear(3, 2).double(), {"weight": L.tensor(Y[:2]), "bias": L.tensor(X[:2])}
    return L.func.grad(lambda p: (L.func.functional_call(layer, p, (x,)) ** 2).sum())(params)


def beyond(L, x):
    """What was closed over takes part in the tape; what was not leaves no trace."""
    w = x.clone().requires_grad_()
    g = L.func.grad(lambda x: (x**2 * w).sum())(x)
    g.sum().backward()
    assert g.requires_grad and not L.func.grad(cube)(x).requires_grad
    z = x.clone().requires_grad_()
    L.func.grad(cube)(z).sum().backward()
    return g, w.grad, z.grad


CASES = {
    "functional.jacobian": lambda L, x, y: L.autograd.functional.jacobian(vector, x),
    "functional.jacobian of two": lambda L, x, y: L.autograd.functional.jacobian(lambda a, b: (a * b.sum(), b @ b), (x, x)),
    "functional.hessian": lambda L, x, y: L.autograd.functional.hessian(cube, x),
    "functional.hessian of two": lambda L, x, y: L.autograd.functional.hessian(lambda a, b: (a * b).sum() ** 2, (x, x)),
    "functional.vjp": lambda L, x, y: L.autograd.functional.vjp(vector, x, x),
    "functional.jvp": lambda L, x, y: L.autograd.functional.jvp(vector, x, x),
    "functional.vhp": lambda L, x, y: L.autograd.functional.vhp(cube, x, x),
    "functional.hvp": lambda L, x, y: L.autograd.functional.hvp(cube, x, x),
    "grad": lambda L, x, y: L.func.grad(cube)(x),
    "grad of grad": lambda L, x, y: L.func.grad(lambda x: L.func.grad(cube)(x).sum())(x),
    "grad of two": lambda L, x, y: L.func.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(x, x),
    "grad with aux": lambda L, x, y: L.func.grad(lambda x: ((x**2).sum(), x * 2), has_aux=True)(x),
    "grad_and_value": lambda L, x, y: L.func.grad_and_value(cube)(x),
    "vjp": lambda L, x, y: through_vjp(L, x),
    "jvp": lambda L, x, y: L.func.jvp(vector, (x,), (x,)),
    "jacrev": lambda L, x, y: L.func.jacrev(vector)(x),
    "jacfwd": lambda L, x, y: L.func.jacfwd(vector)(x),
    "hessian": lambda L, x, y: L.func.hessian(cube)(x),
    "vmap": lambda L, x, y: L.vmap(lambda a, b: a @ b, in_dims=(0, None))(y, x),
    "vmap along 1": lambda L, x, y: L.vmap(lambda a: (a * 2, a.sum()), in_dims=1, out_dims=(1, 0))(y),
    "vmap of grad": lambda L, x, y: L.vmap(L.func.grad(cube))(y),
    "vmap of a dict": lambda L, x, y: L.vmap(lambda d: d["a"] * d["b"])({"a": y, "b": x}),
    "vmap of vmap": lambda L, x, y: L.vmap(L.vmap(lambda a: a * 2))(y),
    "jacrev of vmap": lambda L, x, y: L.func.jacrev(L.vmap(cube))(y),
    "functional_call": lambda L, x, y: through_call(L, x),
    "ensemble": lambda L, x, y: ensemble(L, x),
    "beyond": lambda L, x, y: beyond(L, x),
}


@pytest.mark.filterwarnings("ignore")  # of PyTorch's own
@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    peer = pytest.importorskip("torch")
    want, got = (flat(CASES[name](lib, lib.tensor(X), lib.tensor(Y))) for lib in (peer, torch))
    assert len(want) == len(got)
    for a, b in zip(want, got, strict=True):
        assert tuple(a.shape) == tuple(b.shape) and np.allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-12)


def test_what_cannot_be():
    x = torch.ones(3)
    for text, call in [("scalar", lambda: torch.func.grad(lambda x: x)(x)), ("same size", lambda: torch.vmap(torch.add)(x, torch.ones(2))),
                       ("argument to map", lambda: torch.vmap(torch.sin, in_dims=None)(x)),
                       ("floating", lambda: torch.func.grad(cube)(x.long())),
                       ("randomness", lambda: torch.vmap(torch.sin, randomness="all")),
                       ("None", lambda: torch.autograd.functional.vjp(vector, x)),
                       ("tied", lambda: torch.func.functional_call(torch.nn.Linear(1, 1), {"tied": x}, (x,)))]:  # fmt: skip
        check_raises(RuntimeError, [text], call)


def test_functional_call_puts_everything_back():
    layer = torch.nn.BatchNorm1d(3)
    before = dict(layer.named_parameters()) | dict(layer.named_buffers())
    kept = {k: v.clone() for k, v in before.items()}
    torch.func.functional_call(layer, {"weight": torch.zeros(3)}, (torch.randn(4, 3),))
    after = dict(layer.named_parameters()) | dict(layer.named_buffers())
    assert all(after[k] is before[k] for k in before)
    assert torch.equal(after["weight"], kept["weight"])

    class Tied(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Linear(2, 2, bias=False)
            self.b = torch.nn.Linear(2, 2, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x):
            return self.b(self.a(x))

    net, x = Tied(), torch.ones(1, 2)
    w = torch.eye(2) * 3
    assert torch.func.functional_call(net, {"a.weight": w}, x).tolist() == [[9.0, 9.0]]
    assert net.b.weight is net.a.weight
