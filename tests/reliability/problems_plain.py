"""Problems element by element, reductions and scans, products."""

import numpy as np
from test_elementwise import BINARY, NO_GRADIENT, SATURATED, UNARY

import udlfast as torch
import udlfast.nn.functional as F
from reliability.problem import EDGES, PROBLEMS, Problem, axis_of, flag, normal, problem, reference, shape, size
from udlfast.reference.elementwise import elementwise, elementwise_backward


# ---- element by element ---------------------------------------------------------------------------------------------------------
def terms_of(name):
    """The largest of the terms whose sum is a gradient of a broadcast input: they may cancel."""
    def largest(gy, *arrays):
        wide = np.broadcast_arrays(*arrays)
        for a, g in zip(arrays, elementwise_backward(name, gy, *wide), strict=True):
            g = np.abs(g).max(tuple(range(g.ndim - a.ndim)), initial=0)
            yield g.max(tuple(i for i, d in enumerate(a.shape) if d == 1), keepdims=True, initial=0)
    return largest


def unary(name, low, high, k, scale):
    # 1 - y^2 and y - y^2: terms of about 1
    grad_scale = (lambda gy, x: [gy]) if name in ("tanh", "sigmoid") else None

    def make(r, zero):
        x = r.uniform(low, high, shape(r, zero))
        saturated = (name, low, high, k, scale) in SATURATED
        return Problem(getattr(torch, name), lambda x: elementwise(name, x),
                       None if saturated else lambda gy, x: elementwise_backward(name, gy, x), (x,),
                       {"k": 2 * k + 4, "scale": scale, "grad_scale": grad_scale})
    return make


def binary(name, low, high, k, scale):
    def make(r, zero):
        dims = shape(r, zero)
        other = tuple(1 if r.random() < 0.3 else d for d in dims)[int(r.integers(len(dims) + 1)) if r.random() < 0.3 else 0 :]
        a, b = r.uniform(low, high, dims), r.uniform(low, high, other)
        if flag(r):
            a, b = b, a
        terms = max(np.broadcast(a, b).size / max(min(a.size, b.size), 1), 1)
        return Problem(getattr(torch, name), lambda a, b: elementwise(name, a, b),
                       None if name in NO_GRADIENT else lambda gy, a, b: elementwise_backward(name, gy, a, b), (a, b),
                       {"k": 2 * k + 6, "scale": scale, "n": terms, "grad_scale": terms_of(name)})
    return make


# where 1 - x^2 (or 1 - y^2) cancels, the gradient has an error of its own, in PyTorch as here
CANCELS = {"asin": (-0.9, 0.9), "acos": (-0.9, 0.9), "atanh": (-0.9, 0.9), "acosh": (1.2, 30), "tanh": (-3, 3)}
for i, case in enumerate(UNARY):
    case = (case[0], *CANCELS.get(case[0], case[1:3]), *case[3:])
    PROBLEMS[case[0] if case[0] not in PROBLEMS else f"{case[0]}_{i}"] = unary(*case)
for case in BINARY:
    PROBLEMS[case[0]] = binary(*case)


# ---- reductions and scans ---------------------------------------------------------------------------------------------------------
def reduction(name, op=None, draw=normal, k=4, spread=1):
    forward, backward = getattr(reference.reductions, name), getattr(reference.reductions, name + "_backward")

    def make(r, zero):
        dims = shape(r, False)
        axis = None if r.random() < 0.2 and name not in ("logsumexp",) else axis_of(r, dims)
        if zero and axis is not None and len(dims) > 1:
            at = (axis + 1) % len(dims)
            dims = tuple(0 if i == at else d for i, d in enumerate(dims))
        x = draw(r, *dims)
        n = reference.reductions.count(x, axis) or 1
        call = op or getattr(torch, name)
        return Problem((lambda x: call(x)) if axis is None else (lambda x: call(x, dim=axis)), lambda x: forward(x, axis),
                       lambda gy, x: (backward(gy, x, axis),), (x,), {"k": k, "n": n * spread, "scale": 1 if name == "mean" else n**0.5})
    return make


def near_one(r, *dims):
    return r.uniform(0.9, 1.1, dims) * np.where(r.random(dims) < 0.2, -1, 1)


PROBLEMS |= {name: reduction(name) for name in ("sum", "mean", "amax", "amin", "logsumexp", "norm")}
PROBLEMS["prod"] = reduction("prod", draw=near_one, spread=4)


@problem
def var(r, zero):
    dims = shape(r, False)
    axis = axis_of(r, dims)
    dims = tuple(max(d, 3) if i == axis % len(dims) else d for i, d in enumerate(dims))
    name, n = ("var", "std")[flag(r)], dims[axis]
    return Problem(lambda x: getattr(torch, name)(x, dim=axis), lambda x: getattr(reference.reductions, name)(x, axis),
                   lambda gy, x: (getattr(reference.reductions, name + "_backward")(gy, x, axis),), (normal(r, *dims),),
                   {"k": 16, "n": n, "scale": 2})


@problem
def cumsum(r, zero):
    dims = shape(r, zero)
    axis = axis_of(r, dims)
    return Problem(lambda x: torch.cumsum(x, axis), lambda x: reference.cumsum.cumsum(x, axis),
                   lambda gy, x: reference.cumsum.cumsum_backward(gy, x, axis), (normal(r, *dims),), {"k": 2, "n": max(dims[axis], 1)})


@problem
def cumprod(r, zero):
    dims = shape(r, zero, most=300)
    axis = axis_of(r, dims)
    return Problem(lambda x: torch.cumprod(x, axis), lambda x: reference.cumsum.cumprod(x, axis),
                   lambda gy, x: reference.cumsum.cumprod_backward(gy, x, axis), (r.uniform(0.8, 1.25, dims),),
                   {"k": 4, "n": max(dims[axis], 1) ** 2})


@problem
def softmax(r, zero):
    dims = shape(r, zero)
    axis, name = axis_of(r, dims), ("softmax", "log_softmax")[flag(r)]
    spread = float(r.choice([1, 10]))
    ref = reference.softmax
    return Problem(lambda x: getattr(F, name)(x, dim=axis), lambda x: getattr(ref, name)(x, axis),
                   lambda gy, x: getattr(ref, name + "_backward")(gy, x, axis), (spread * normal(r, *dims),),
                   {"k": 4 * (1 + spread), "n": max(dims[axis], 1), "grad_scale": 1})


# ---- products ---------------------------------------------------------------------------------------------------------------------
@problem
def matmul(r, zero):
    m, k, n = (int(r.choice([*EDGES, 97, 130])) for _ in range(3))
    lead = shape(r, False, int(r.integers(0, 3)), most=6)
    if zero:
        m, k, n = r.choice([[0, k, n], [m, 0, n], [m, k, 0]]).tolist()
    a, b = normal(r, *lead, m, k), normal(r, *(lead if flag(r) else ()), k, n)
    return Problem(torch.matmul, reference.matmul.matmul, reference.matmul.matmul_backward, (a, b),
                   {"k": 4, "n": max(k, m * size(*lead), n, 1), "terms": 1})


@problem
def linear(r, zero):
    lead, i, o = shape(r, zero, int(r.integers(0, 3)), most=200), int(r.choice(EDGES)), int(r.choice(EDGES))
    arrays = [normal(r, *lead, i), normal(r, o, i)] + [normal(r, o)] * flag(r)
    return Problem(F.linear, reference.linear.linear, reference.linear.linear_backward, tuple(arrays),
                   {"k": 4, "n": max(i, o, size(*lead)), "terms": 1}, ("float32", "float64"))


def convolution(name, n, ref):
    def make(r, zero):
        groups = int(r.choice([1, 1, 1, 2, 3]))
        C, O, N = groups * int(r.choice([1, 2, 4, 5])), groups * int(r.choice([1, 2, 3, 7, 8])), 0 if zero else int(r.integers(1, 4))
        window = tuple(int(v) for v in r.choice([1, 2, 3, 3, 3, 5][: 6 if n < 3 else 5], n))
        stride, dilation = (tuple(int(v) for v in r.choice([1, 1, 1, 2, 3], n)) for _ in range(2))
        pad = tuple(int(r.integers(0, k)) for k in window)
        sides = tuple(max(d * (k - 1) + 1 - 2 * p, 1) + int(r.integers(0, 20 if n < 3 else 4))
                      for k, d, p in zip(window, dilation, pad))
        options = dict(stride=stride, padding=pad, dilation=dilation, groups=groups)
        arrays = [normal(r, N, C, *sides), normal(r, O, C // groups, *window)] + [normal(r, O)] * flag(r)
        forward, backward = getattr(ref, name), getattr(ref, name + "_backward")
        if n == 1:
            options = {k: v[0] if isinstance(v, tuple) else v for k, v in options.items()}
        return Problem(lambda *a: getattr(F, name)(*a, **options), lambda *a: forward(*a, **options),
                       lambda gy, *a: backward(gy, *a, **options), tuple(arrays),
                       {"k": 8, "n": max(C * size(*window), N * size(*sides), O * size(*window)), "terms": 1})
    return make


PROBLEMS |= {"conv1d": convolution("conv1d", 1, reference.conv2d), "conv2d": convolution("conv2d", 2, reference.conv2d),
             "conv3d": convolution("conv3d", 3, reference.conv3d)}


@problem
def conv2d_tiles(r, zero):
    """3 x 3 with stride 1 and channels enough for tiles."""
    C, O, N, H, W = int(r.choice([16, 24, 33])), int(r.choice([16, 32, 40])), int(r.integers(1, 3)), *map(int, r.integers(3, 18, 2))
    return Problem(lambda x, w: F.conv2d(x, w, padding=1), lambda x, w: reference.conv2d.conv2d(x, w, padding=1),
                   lambda gy, x, w: reference.conv2d.conv2d_backward(gy, x, w, padding=1), (normal(r, N, C, H, W), normal(r, O, C, 3, 3)),
                   {"k": 16, "n": max(9 * C, N * H * W, 9 * O)})


@problem
def attention(r, zero):
    B, H, L, S, E, D = int(r.integers(1, 3)), int(r.integers(1, 4)), *(int(r.choice(EDGES)) for _ in range(4))
    L = 0 if zero and flag(r) else L
    causal = bool(r.random() < 0.3)
    mask = r.random((L, S)) < 0.7 if not causal and r.random() < 0.4 and L else None
    ref = reference.attention
    return Problem(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, None if mask is None else torch.tensor(mask), is_causal=causal),
                   lambda q, k, v: ref.attention(q, k, v, mask, is_causal=causal),
                   lambda gy, q, k, v: ref.attention_backward(gy, q, k, v, mask, is_causal=causal)[:3],
                   (normal(r, B, H, L, E), normal(r, B, H, S, E), normal(r, B, H, S, D)),
                   {"k": 16, "n": max(L, S, E, D), "scale": 1, "grad_scale": 1})
