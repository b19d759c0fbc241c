"""Distances between all pairs of rows: forms that multiply matrices lose no digits against differences."""

import numpy as np
import pytest
from harness import check_close, rounded

import udlfast as torch


def distances(a, b):
    return np.sqrt(((a[..., :, None, :] - b[..., None, :, :]) ** 2).sum(-1))


def gradients(g, a, b):
    y = distances(a, b)
    w = np.divide(g, y, out=np.zeros_like(g), where=y != 0)
    d = a[..., :, None, :] - b[..., None, :, :]
    return (w[..., None] * d).sum(-2), -(w[..., None] * d).sum(-3)


def clustered(rng, n, d):
    """Points far from the origin: pairs at all distances from 0 to 100, copies among them."""
    x = 1000 + rng.standard_normal((n, d)) * np.logspace(-4, 2, n)[:, None]
    x[n // 2] = x[n // 3]
    return rounded(x, "float32")


CASES = {
    "normal": lambda rng: (rng.standard_normal((70, 16)), rng.standard_normal((50, 16))),
    "batch": lambda rng: (rng.standard_normal((4, 40, 3)), rng.standard_normal((4, 60, 3))),
    "broadcast": lambda rng: (rng.standard_normal((3, 40, 8)), rng.standard_normal((33, 8))),
    "itself": lambda rng: (lambda x: (x, x))(rng.standard_normal((64, 8))),
    "clusters": lambda rng: (clustered(rng, 90, 7), clustered(np.random.default_rng(5), 80, 7)),
    "one place": lambda rng: (1 + 1e-4 * rng.standard_normal((40, 20)), 1 + 1e-4 * rng.standard_normal((40, 20))),
    "same": lambda rng: (np.full((40, 20), 2.0), np.full((40, 20), 2.0)),
    "small": lambda rng: (rng.standard_normal((3, 4)), rng.standard_normal((5, 4))),
    "tiny numbers": lambda rng: (1e-30 * rng.standard_normal((40, 20)), 1e-30 * rng.standard_normal((40, 20))),
    "large numbers": lambda rng: (1e30 * rng.standard_normal((40, 20)), 1e30 * rng.standard_normal((40, 20))),
}


@pytest.mark.parametrize("name", CASES)
def test_cdist(isa, rng, name):
    a, b = (rounded(x, "float32") for x in CASES[name](rng))
    ta, tb = (torch.tensor(x, dtype=torch.float32, requires_grad=True) for x in (a, b))
    y = torch.cdist(ta, tb)
    want = distances(a, b)
    if name not in ("tiny numbers", "large numbers"):  # their squares leave float32, as sums of squared differences do
        check_close(y, want, "cdist", k=4, n=a.shape[-1], scale=0)
        g = rounded(rng.standard_normal(want.shape), "float32")
        y.backward(torch.tensor(g, dtype=torch.float32))
        for t, w, x in zip((ta, tb), gradients(g, a, b), (a, b)):
            while w.ndim > x.ndim:
                w = w.sum(0)
            check_close(t.grad, w, "gradient", k=4, n=want.shape[-1] + want.shape[-2], scale=1.0)
    else:
        assert np.abs(y.detach().numpy() / want - 1).max() < 1e-5


def test_cdist_with_infinity_and_nan(isa, rng):
    a, b = rng.standard_normal((40, 20)), rng.standard_normal((40, 20))
    a[3, 4], b[7, 1] = np.inf, np.nan
    y = torch.cdist(torch.tensor(a, dtype=torch.float32), torch.tensor(b, dtype=torch.float32)).numpy()
    assert np.isnan(y[:, 7]).all() and np.isinf(np.delete(y[3], 7)).all() and np.isfinite(np.delete(np.delete(y, 3, 0), 7, 1)).all()


def test_second_gradient_of_cdist(rng):
    a, b = (torch.tensor(rng.standard_normal((40, 20)), dtype=torch.float32, requires_grad=True) for _ in range(2))
    grads = []
    for f in (lambda: torch.cdist(a, b), lambda: (a.unsqueeze(1) - b).norm(dim=-1)):
        (ga,) = torch.autograd.grad([f().sum()], [a], create_graph=True)
        grads.append(torch.autograd.grad([(ga * ga).sum()], [b])[0])
    check_close(grads[0], grads[1].double().numpy(), "second gradient", k=8, n=40)


def test_pdist(rng):
    x = rounded(rng.standard_normal((60, 9)), "float32")
    t = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    y = torch.nn.functional.pdist(t)
    full = distances(x, x)
    check_close(y, full[np.triu_indices(60, 1)], "pdist", k=4, n=9, scale=0)
    y.sum().backward()
    check_close(t.grad, 0.5 * (gradients(np.ones((60, 60)), x, x)[0] * 2), "gradient", k=8, n=60)
