"""Pooling of volumes: maxima with indices, means, adaptive sizes, p-norms, unpooling and windows at random places."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_raises

import udlfast as torch
import udlfast.nn.functional as F


def boxes(shape, window, stride, padding, dilation=(1, 1, 1), ceil=False):
    """Output size, and per output the positions of each axis inside the volume and the size of the window with padding."""
    out = []
    for h, k, s, p, d in zip(shape, window, stride, padding, dilation, strict=True):
        n = (h + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil else 0)) // s + 1
        out.append(n - (ceil and (n - 1) * s >= h + p))
    for at in np.ndindex(*out):
        axes, size = [], 1
        for i, h, k, s, p, d in zip(at, shape, window, stride, padding, dilation, strict=True):
            seen = [i * s - p + t * d for t in range(k)]
            axes.append([v for v in seen if 0 <= v < h])
            size *= min(i * s - p + k, h + p) - (i * s - p)
        yield tuple(out), at, axes, size


def max_pool(x, **options):
    """(maxima, positions, the first of equals, the last of NaNs)"""
    y = where = None
    for out, at, axes, _ in boxes(x.shape[2:], **options):
        if y is None:
            y, where = np.zeros((*x.shape[:2], *out)), np.zeros((*x.shape[:2], *out), np.int64)
        flat = np.array([(a * x.shape[3] + b) * x.shape[4] + c for a in axes[0] for b in axes[1] for c in axes[2]])
        seen = x.reshape(*x.shape[:2], -1)[:, :, flat]
        bad = np.isnan(seen)
        best = np.where(bad.any(2), seen.shape[2] - 1 - np.argmax(bad[:, :, ::-1], 2), np.argmax(np.where(bad, -np.inf, seen), 2))
        where[(slice(None), slice(None), *at)] = flat[best]
        y[(slice(None), slice(None), *at)] = np.take_along_axis(seen, best[:, :, None], 2)[:, :, 0]
    return y, where


def avg_pool(x, include=True, divisor=None, **options):
    y = None
    for out, at, axes, size in boxes(x.shape[2:], **options):
        y = np.zeros((*x.shape[:2], *out)) if y is None else y
        seen = x[:, :, axes[0]][:, :, :, axes[1]][:, :, :, :, axes[2]]
        y[(slice(None), slice(None), *at)] = seen.sum((2, 3, 4)) / (divisor or (size if include else seen[0, 0].size))
    return y


def transpose_of(f, gy, x):
    """The gradient of a linear map of x, from its values on unit volumes."""
    gx = np.zeros(x.shape)
    for at in np.ndindex(*x.shape[2:]):
        unit = np.zeros((1, 1, *x.shape[2:]))
        unit[(0, 0, *at)] = 1
        gx[(slice(None), slice(None), *at)] = (gy * f(unit)).sum((2, 3, 4))
    return (gx,)


WINDOWS = [
    {"window": (2, 2, 2), "stride": (2, 2, 2), "padding": (0, 0, 0)},
    {"window": (3, 3, 3), "stride": (2, 2, 2), "padding": (1, 1, 1)},
    {"window": (3, 2, 1), "stride": (2, 1, 3), "padding": (1, 0, 0)},
    {"window": (1, 3, 2), "stride": (1, 3, 2), "padding": (0, 1, 1), "ceil": True},
    {"window": (2, 3, 3), "stride": (3, 2, 2), "padding": (1, 1, 0), "ceil": True},
]


def ours(options):
    return {"kernel_size": options["window"], "stride": options["stride"], "padding": options["padding"],
            "ceil_mode": options.get("ceil", False)}


DILATED = {"window": (2, 2, 3), "stride": (1, 2, 1), "padding": (0, 1, 0), "dilation": (2, 1, 3)}


@pytest.mark.parametrize("options", [*WINDOWS, DILATED], ids=str)
@pytest.mark.parametrize("kind", ["numbers", "ties", "nan"])
def test_max_pool3d(isa, rng, options, kind):
    x = rng.standard_normal((2, 3, 5, 7, 8)) if kind == "numbers" else rng.integers(0, 3, (2, 3, 5, 7, 8)).astype(float)
    if kind == "nan":
        x[rng.random(x.shape) < 0.05] = np.nan
    want, where = max_pool(x, **options)
    t = torch.tensor(x, requires_grad=True)
    y, at = F.max_pool3d(t, **ours(options), dilation=options.get("dilation", 1), return_indices=True)
    check_close(y, want, "maxima", k=0, dtype="float64")
    assert (at.numpy() == where).all()
    gy = rng.standard_normal(want.shape)
    y.backward(torch.tensor(gy))
    gx = np.zeros((6, 280))
    np.add.at(gx, (np.arange(6)[:, None], where.reshape(6, -1)), gy.reshape(6, -1))
    check_close(t.grad, gx.reshape(x.shape), "gradient", k=1, n=8)


@pytest.mark.parametrize("options", WINDOWS, ids=str)
@pytest.mark.parametrize("more", [{}, {"include": False}, {"divisor": 5}], ids=str)
def test_avg_pool3d(isa, rng, options, more):
    names = {"include": "count_include_pad", "divisor": "divisor_override"}
    check_gradient(
        lambda x: F.avg_pool3d(x, **ours(options), **{names[k]: v for k, v in more.items()}),
        lambda x: avg_pool(x, **more, **options),
        lambda gy, x: transpose_of(lambda u: avg_pool(u, **more, **options), gy, x),
        rng.standard_normal((2, 2, 4, 5, 6)), rng=rng, k=4, n=27,
    )  # fmt: skip


def adaptive(x, size, reduce):
    y = np.zeros((*x.shape[:2], *size))
    for at in np.ndindex(*size):
        part = tuple(slice(i * h // p, -(-(i + 1) * h // p)) for i, h, p in zip(at, x.shape[2:], size, strict=True))
        y[(slice(None), slice(None), *at)] = reduce(x[(slice(None), slice(None), *part)], axis=(2, 3, 4))
    return y


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 3, 4), (5, 7, 8), (7, 2, 9)], ids=str)
def test_adaptive_pools(isa, rng, size):
    x = rng.standard_normal((2, 3, 5, 7, 8))
    check_gradient(lambda t: F.adaptive_avg_pool3d(t, size), lambda a: adaptive(a, size, np.mean),
                   lambda gy, a: transpose_of(lambda u: adaptive(u, size, np.mean), gy, a), x, rng=rng, k=4, n=280)  # fmt: skip
    y, at = F.adaptive_max_pool3d(torch.tensor(x), size, return_indices=True)
    check_close(y, adaptive(x, size, np.max), "maxima", k=0)
    assert (np.take_along_axis(x.reshape(2, 3, -1), at.numpy().reshape(2, 3, -1), 2).reshape(y.shape) == y.numpy()).all()


def test_pool_and_unpool_and_norms(rng):
    x = torch.tensor(rng.standard_normal((1, 2, 4, 6, 4)), requires_grad=True)
    y, at = F.max_pool3d(x, 2, return_indices=True)
    back = F.max_unpool3d(y, at, 2)
    assert back.shape == x.shape and bool(((back == 0) | (back == x)).all()) and int((back != 0).sum()) == y.numel()
    p = F.lp_pool3d(x, 2.0, 2)
    want = np.sqrt(avg_pool(x.detach().numpy() ** 2, window=(2,) * 3, stride=(2,) * 3, padding=(0,) * 3, divisor=1))
    check_close(p, want, "norm", k=8)


def test_fractional_pools_take_the_maxima_of_their_windows(rng):
    """With windows that begin where the formula of Graham says, for given samples."""
    x, u = rng.standard_normal((2, 3, 9, 11)), rng.random((2, 3, 2))
    y, at = F.fractional_max_pool2d(torch.tensor(x), (2, 3), (4, 5), return_indices=True, _random_samples=torch.tensor(u))
    for n, c, p, q in np.ndindex(2, 3, 4, 5):
        rows, columns = [
            h - k if i == m - 1 else int((i + s) * (h - k) / (m - 1)) - int(s * (h - k) / (m - 1))
            for i, s, h, k, m in ((p, u[n, c, 1], 9, 2, 4), (q, u[n, c, 0], 11, 3, 5))
        ]
        seen = x[n, c, rows : rows + 2, columns : columns + 3]
        assert y[n, c, p, q].item() == seen.max() and x[n, c].flat[at[n, c, p, q].item()] == seen.max()
    first, again = (F.fractional_max_pool3d(torch.tensor(x)[None], 2, output_ratio=0.5) for _ in range(2))
    assert tuple(first.shape) == (1, 2, 1, 4, 5) and bool((first != again).any())


def test_bad_input():
    x = torch.ones(1, 2, 3, 4, 5)
    check_raises(RuntimeError, ["max_pool3d", "[N, C, D, H, W]", "[2, 3]"], F.max_pool3d, torch.ones(2, 3), 2)
    check_raises(RuntimeError, ["avg_pool3d", "spans 4", "size 3"], F.avg_pool3d, x, 4)
    check_raises(ValueError, ["max_pool3d", "half the window"], F.max_pool3d, x, 2, padding=2)
    check_raises(ValueError, ["avg_pool3d", "divisor_override"], F.avg_pool3d, x, 2, divisor_override=0)
    check_raises(ValueError, ["fractional_max_pool2d", "output_size or an output_ratio"], F.fractional_max_pool2d, x[0], 2)
    check_raises(RuntimeError, ["fractional_max_pool3d", "do not fit"], F.fractional_max_pool3d, x, 2, 4)
