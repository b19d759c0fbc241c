"""Random problems: an operation with random options and arrays, its reference, and the bound of docs/numerics.md.

    PROBLEMS[name](r, zero) -> Problem        r: numpy Generator; zero: one axis has length 0 where the operation takes that
"""

import contextlib
import importlib
from dataclasses import dataclass, field

import numpy as np
from test_elementwise import BINARY, NO_GRADIENT, SATURATED, UNARY

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference.elementwise import elementwise, elementwise_backward

EDGES = [1, 1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 19, 23, 31, 32, 33, 47, 64, 65]
LARGER = [97, 129, 257, 300, 513]
MOST = [1]  # factor of the largest number of elements
PROBLEMS = {}


@contextlib.contextmanager
def large():
    """Problems drawn inside are large enough to be shared out over threads."""
    EDGES.extend(LARGER * 4), MOST.append(200)
    try:
        yield
    finally:
        del EDGES[-4 * len(LARGER) :], MOST[-1]


class reference:
    """reference.NAME is udlfast.reference.NAME."""


for _name in """adaptive_pool2d attention batch_norm conv2d conv3d cross_entropy cumsum embedding gather grid_sample group_norm gru
        interpolate layer_norm linear losses lstm matmul nll_loss pad pool2d reductions rnn scatter softmax sort""".split():
    setattr(reference, _name, importlib.import_module(f"udlfast.reference.{_name}"))


@dataclass
class Problem:
    op: object
    forward: object
    backward: object  # None: values only
    arrays: tuple
    bound: dict = field(default_factory=dict)
    types: tuple = ("float32", "float64")
    layouts: bool = True


def problem(function):
    PROBLEMS[function.__name__.lstrip("_")] = function
    return function


def shape(r, zero, n=None, most=3000):
    n = int(r.integers(1, 5)) if n is None else n
    dims, size = [], 1
    for _ in range(n):
        d = int(r.choice(EDGES))
        d = d if size * d <= most * MOST[-1] else int(r.integers(1, 4))
        dims.append(d)
        size *= d
    if zero and dims:
        dims[int(r.integers(len(dims)))] = 0
    return tuple(dims)


def normal(r, *dims):
    return r.standard_normal(dims)


def axis_of(r, dims):
    return int(r.integers(-len(dims), len(dims)))


def size(*dims):
    return int(np.prod(dims)) or 1


def flag(r):
    return bool(r.integers(2))


# ---- element by element ---------------------------------------------------------------------------------------------------------
def unary(name, low, high, k, scale):
    def make(r, zero):
        x = r.uniform(low, high, shape(r, zero))
        saturated = (name, low, high, k, scale) in SATURATED
        return Problem(getattr(torch, name), lambda x: elementwise(name, x),
                       None if saturated else lambda gy, x: elementwise_backward(name, gy, x), (x,), {"k": 2 * k + 4, "scale": scale})
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
                       {"k": 2 * k + 6, "scale": scale, "n": terms, "grad_scale": 1.0 if terms > 1 else None})
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
                   {"k": 4, "n": max(k, m * size(*lead), n, 1)})


@problem
def linear(r, zero):
    lead, i, o = shape(r, zero, int(r.integers(0, 3)), most=200), int(r.choice(EDGES)), int(r.choice(EDGES))
    arrays = [normal(r, *lead, i), normal(r, o, i)] + [normal(r, o)] * flag(r)
    return Problem(F.linear, reference.linear.linear, reference.linear.linear_backward, tuple(arrays),
                   {"k": 4, "n": max(i, o, size(*lead))}, ("float32", "float64"))


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
                       {"k": 8, "n": max(C * size(*window), N * size(*sides), O * size(*window))})
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


# ---- windows ----------------------------------------------------------------------------------------------------------------------
@problem
def max_pool2d(r, zero):
    return pool(r, zero, "max")


@problem
def avg_pool2d(r, zero):
    return pool(r, zero, "avg")


def pool(r, zero, kind):
    window = tuple(int(v) for v in r.integers(1, 5, 2))
    options = dict(kernel_size=window, stride=tuple(int(v) for v in r.integers(1, 4, 2)),
                   padding=tuple(int(r.integers(0, k // 2 + 1)) for k in window), ceil_mode=flag(r))
    x = normal(r, 0 if zero else int(r.integers(1, 4)), int(r.integers(1, 5)), *(k + int(r.integers(0, 40)) for k in window))
    ref = reference.pool2d
    if kind == "max":
        return Problem(lambda x: F.max_pool2d(x, **options), lambda x: ref.max_pool2d(x, **options)[0],
                       lambda gy, x: ref.max_pool2d_backward(gy, x, ref.max_pool2d(x, **options)[1]), (x,), {"k": 2, "n": 16})
    options["count_include_pad"] = flag(r)
    return Problem(lambda x: F.avg_pool2d(x, **options), lambda x: ref.avg_pool2d(x, **options),
                   lambda gy, x: ref.avg_pool2d_backward(gy, x, **options), (x,), {"k": 4, "n": 16, "scale": 1})


@problem
def adaptive_pool2d(r, zero):
    x, out = normal(r, 0 if zero else 2, 3, *(int(v) for v in r.integers(1, 40, 2))), tuple(int(v) for v in r.integers(1, 9, 2))
    ref = reference.adaptive_pool2d
    if flag(r):
        return Problem(lambda x: F.adaptive_avg_pool2d(x, out), lambda x: ref.adaptive_avg_pool2d(x, out),
                       lambda gy, x: ref.adaptive_avg_pool2d_backward(gy, x, out), (x,), {"k": 4, "n": 64, "scale": 1})
    return Problem(lambda x: F.adaptive_max_pool2d(x, out), lambda x: ref.adaptive_max_pool2d(x, out)[0],
                   lambda gy, x: ref.adaptive_max_pool2d_backward(gy, x, ref.adaptive_max_pool2d(x, out)[1]), (x,), {"k": 2, "n": 64})


@problem
def interpolate(r, zero):
    mode = str(r.choice(["nearest", "nearest-exact", "bilinear", "bicubic"]))
    align = flag(r) and not mode.startswith("nearest")
    old, new = (tuple(int(v) for v in r.integers(1, 24, 2)) for _ in range(2))
    steps = [(h - 1) / (k - 1) if align and k > 1 else 0.0 if align else h / k for h, k in zip(old, new)]
    taps = max(2, max(k // h + 1 for h, k in zip(old, new)))
    ref = reference.interpolate
    options = {} if mode.startswith("nearest") else {"align_corners": align}
    return Problem(lambda x: F.interpolate(x, new, mode=mode, **options), lambda x: ref.interpolate(x, new, steps, mode, align),
                   lambda gy, x: ref.interpolate_backward(gy, x, new, steps, mode, align), (normal(r, 2, 0 if zero else 2, *old),),
                   {"k": 8 + max(old), "n": (4 * taps) ** 2})


@problem
def grid_sample(r, zero):
    mode, padding, align = str(r.choice(["bilinear", "bicubic"])), str(r.choice(["zeros", "border", "reflection"])), flag(r)
    x, grid = normal(r, 2, 0 if zero else 3, *map(int, r.integers(2, 12, 2))), r.uniform(-2.2, 2.2, (2, *map(int, r.integers(1, 20, 2)), 2))
    ref = reference.grid_sample
    return Problem(lambda x, g: F.grid_sample(x, g, mode, padding, align), lambda x, g: ref.grid_sample(x, g, mode, padding, align),
                   lambda gy, x, g: ref.grid_sample_backward(gy, x, g, mode, padding, align), (x, grid), {"k": 256, "n": 65, "scale": 4})


@problem
def pad(r, zero):
    mode = str(r.choice(["constant", "reflect", "replicate", "circular"]))
    dims = shape(r, zero and mode == "constant", 4, most=1500)
    pairs = 2 if mode != "constant" else int(r.integers(1, 5))
    low, widths = -1 if mode == "constant" else 0, []
    for d in range(pairs):
        n = dims[-1 - d]
        top = 4 if mode in ("constant", "replicate") else n - (mode == "reflect")
        widths += [int(v) for v in r.integers(low if n > 2 else 0, max(min(top, 4), 0) + 1, 2)]
    return Problem(lambda x: F.pad(x, widths, mode=mode), lambda x: reference.pad.pad(x, widths, mode=mode),
                   lambda gy, x: reference.pad.pad_backward(gy, x, widths, mode=mode), (normal(r, *dims),), {"k": 2, "n": 32})


# ---- normalisation ----------------------------------------------------------------------------------------------------------------
@problem
def batch_norm(r, zero):
    dims = (int(r.integers(2, 9)), int(r.choice(EDGES)), *shape(r, False, int(r.integers(0, 3)), most=100))
    C, ref = dims[1], reference.batch_norm
    return Problem(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=1e-2),
                   lambda x, w, b: ref.batch_norm(x, None, None, w, b, training=True, eps=1e-2)[0],
                   lambda gy, x, w, b: ref.batch_norm_backward(gy, x, w=w, training=True, eps=1e-2),
                   (2 * normal(r, *dims) + 1, normal(r, C), normal(r, C)), {"k": 16, "n": size(*dims) // C, "scale": 4, "grad_scale": 16})


@problem
def layer_norm(r, zero):
    dims = shape(r, False, 3)
    last, ref = dims[-1:], reference.layer_norm
    dims = (0, *dims[1:]) if zero else dims
    bound = {"k": 16, "n": max(size(*last), size(*dims[:-1])), "scale": 4, "grad_scale": 16}
    if flag(r):
        return Problem(lambda x, w: F.rms_norm(x, last, w, eps=1e-2), lambda x, w: ref.rms_norm(x, 1, w, eps=1e-2),
                       lambda gy, x, w: ref.rms_norm_backward(gy, x, 1, w, eps=1e-2), (normal(r, *dims), normal(r, *last)), bound)
    return Problem(lambda x, w, b: F.layer_norm(x, last, w, b, eps=1e-2), lambda x, w, b: ref.layer_norm(x, 1, w, b, eps=1e-2),
                   lambda gy, x, w, b: ref.layer_norm_backward(gy, x, 1, w, eps=1e-2),
                   (2 * normal(r, *dims) + 1, normal(r, *last), normal(r, *last)), bound)


@problem
def group_norm(r, zero):
    groups = int(r.integers(1, 5))
    dims = (0 if zero else int(r.integers(1, 4)), groups * int(r.choice([1, 2, 3, 8])), *shape(r, False, int(r.integers(1, 3)), most=100))
    C, ref = dims[1], reference.group_norm
    return Problem(lambda x, w, b: F.group_norm(x, groups, w, b, eps=1e-2), lambda x, w, b: ref.group_norm(x, groups, w, b, eps=1e-2),
                   lambda gy, x, w, b: ref.group_norm_backward(gy, x, groups, w, eps=1e-2),
                   (2 * normal(r, *dims) + 1, normal(r, C), normal(r, C)),
                   {"k": 16, "n": max(size(*dims[1:]) // groups, dims[0]), "scale": 4, "grad_scale": 16})


# ---- losses -----------------------------------------------------------------------------------------------------------------------
def loss(name, draw):
    ref = reference.losses

    def make(r, zero):
        dims = shape(r, False)
        how = str(r.choice(["mean", "sum", "none"]))
        bound = {"k": 8, "n": size(*dims)}
        return Problem(lambda x, t: getattr(F, name)(x, t, reduction=how), lambda x, t: getattr(ref, name)(x, t, reduction=how),
                       lambda gy, x, t: getattr(ref, name + "_backward")(gy, x, t, reduction=how), draw(r, dims), bound)
    return make


def two(r, dims):
    return 3 * normal(r, *dims), normal(r, *dims)


def chances(r, dims):
    return r.uniform(0.01, 0.99, dims), r.uniform(0, 1, dims)


PROBLEMS |= {name: loss(name, two) for name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")}
PROBLEMS["binary_cross_entropy"] = loss("binary_cross_entropy", chances)
PROBLEMS["bce_with_logits"] = loss("binary_cross_entropy_with_logits", lambda r, d: (3 * normal(r, *d), r.uniform(0, 1, d)))
PROBLEMS["kl_div"] = loss("kl_div", lambda r, d: (np.log(r.uniform(0.05, 1, d)), r.uniform(0.05, 1, d)))


@problem
def cross_entropy(r, zero):
    dims = (int(r.integers(1, 9)), int(r.choice(EDGES)), *shape(r, False, int(r.integers(0, 3)), most=60))
    target = r.integers(0, dims[1], (dims[0], *dims[2:]))
    ref, how = reference, str(r.choice(["mean", "sum", "none"]))
    bound = {"k": 8, "n": max(dims[1], target.size), "scale": 4, "grad_scale": 1}
    if flag(r):
        return Problem(lambda x, t: F.nll_loss(x, t, reduction=how), lambda x, t: ref.nll_loss.nll_loss(x, t, reduction=how),
                       lambda gy, x, t: ref.nll_loss.nll_loss_backward(gy, x, t, reduction=how), (normal(r, *dims), target), bound)
    options = dict(reduction=how, label_smoothing=float(r.choice([0.0, 0.1])))
    return Problem(lambda x, t: F.cross_entropy(x, t, **options), lambda x, t: ref.cross_entropy.cross_entropy(x, t, **options),
                   lambda gy, x, t: ref.cross_entropy.cross_entropy_backward(gy, x, t, **options), (3 * normal(r, *dims), target), bound)


# ---- places -----------------------------------------------------------------------------------------------------------------------
def places(r, most=600):
    dims = shape(r, False, most=most)
    axis = int(r.integers(len(dims)))
    wanted = tuple(int(r.integers(1, d + 1)) if i != axis else int(r.integers(1, 12)) for i, d in enumerate(dims))
    return dims, axis, wanted, r.integers(0, dims[axis], wanted)


@problem
def gather(r, zero):
    dims, axis, wanted, index = places(r)
    index = index[:0] if zero else index
    return Problem(lambda x, i: torch.gather(x, axis, i), lambda x, i: reference.gather.gather(x, axis, i),
                   lambda gy, x, i: reference.gather.gather_backward(gy, x, axis, i), (normal(r, *dims), index), {"k": 2, "n": 12})


@problem
def scatter_add(r, zero):
    dims, axis, wanted, index = places(r)
    return Problem(lambda x, i, s: torch.scatter_add(x, axis, i, s), lambda x, i, s: reference.scatter.scatter_add(x, axis, i, s),
                   lambda gy, x, i, s: reference.scatter.scatter_add_backward(gy, x, axis, i, s),
                   (normal(r, *dims), index, normal(r, *wanted)), {"k": 2, "n": 12})


@problem
def index_select(r, zero):
    dims = shape(r, False, most=600)
    axis, index = int(r.integers(len(dims))), r.integers(0, 2**30, 0 if zero else int(r.integers(1, 20)))
    index = index % dims[axis]
    return Problem(lambda x, i: torch.index_select(x, axis, i), lambda x, i: reference.gather.index_select(x, axis, i),
                   lambda gy, x, i: reference.gather.index_select_backward(gy, x, axis, i), (normal(r, *dims), index), {"k": 2, "n": 20})


@problem
def embedding(r, zero):
    V, D = int(r.choice(EDGES)), int(r.choice(EDGES))
    return Problem(F.embedding, reference.embedding.embedding, reference.embedding.embedding_backward,
                   (r.integers(0, V, shape(r, zero, int(r.integers(1, 3)), most=100)), normal(r, V, D)), {"k": 2, "n": 100})


@problem
def sort(r, zero):
    dims = shape(r, zero)
    axis, down, ref = axis_of(r, dims), flag(r), reference.sort
    return Problem(lambda x: torch.sort(x, dim=axis, descending=down)[0], lambda x: ref.sort(x, axis, down)[0],
                   lambda gy, x: ref.sort_backward(gy, x, ref.sort(x, axis, down)[1], axis), (normal(r, *dims),), {"k": 0.1})


@problem
def topk(r, zero):
    dims = shape(r, False)
    axis, largest, ref = axis_of(r, dims), flag(r), reference.sort
    k = int(r.integers(0 if zero else 1, dims[axis] + 1))
    return Problem(lambda x: torch.topk(x, k, dim=axis, largest=largest)[0], lambda x: ref.topk(x, k, axis, largest)[0],
                   lambda gy, x: ref.sort_backward(gy, x, ref.topk(x, k, axis, largest)[1], axis), (normal(r, *dims),), {"k": 0.1})


@problem
def cat(r, zero):
    dims = list(shape(r, False, most=500))
    axis = int(r.integers(len(dims)))
    arrays = [normal(r, *(int(r.integers(0 if zero else 1, 9)) if i == axis else d for i, d in enumerate(dims)))
              for _ in range(int(r.integers(1, 5)))]
    ends = np.cumsum([a.shape[axis] for a in arrays])[:-1]
    return Problem(lambda *a: torch.cat(a, dim=axis), lambda *a: np.concatenate(a, axis), lambda gy, *a: tuple(np.split(gy, ends, axis)),
                   tuple(arrays), {"k": 0.1}, ("float32", "float64", "bfloat16"))


@problem
def views(r, zero):
    """A chain of views, flips and rolls."""
    dims = shape(r, zero, 3, most=1500)
    order, shift, at = r.permutation(3).tolist(), int(r.integers(-5, 6)), int(r.integers(3))
    cut = slice(int(r.integers(0, 3)), None, int(r.integers(1, 4)))
    turn = np.argsort(order)

    def forward(x):
        return np.flip(np.roll(np.transpose(x, order), shift, at), 0)[..., cut].reshape(-1)

    def backward(gy, x):
        g = np.zeros(np.transpose(x, order).shape)
        g[..., cut] = gy.reshape(g[..., cut].shape)
        return (np.transpose(np.roll(np.flip(g, 0), -shift, at), turn),)
    return Problem(lambda x: torch.roll(x.permute(order), shift, at).flip(0)[..., cut].reshape(-1), forward, backward,
                   (normal(r, *dims),), {"k": 0.1}, ("float32", "float64", "bfloat16"))


@problem
def rnn(r, zero):
    L, N, I, H = (int(v) for v in (r.integers(1, 7), r.integers(1, 6), r.choice(EDGES), r.choice(EDGES)))
    kind = str(r.choice(["rnn_tanh", "lstm", "gru"]))
    gates = {"rnn_tanh": 1, "lstm": 4, "gru": 3}[kind]
    x, w_ih, w_hh, b_ih = normal(r, L, N, I), 0.3 * normal(r, gates * H, I), 0.3 * normal(r, gates * H, H), normal(r, gates * H)
    b_hh, h = normal(r, gates * H), np.zeros((N, H))

    def op(x, w_ih, w_hh, b_ih, b_hh):
        return getattr(torch, kind)(x, None, [w_ih, w_hh, b_ih, b_hh], True, 1, 0.0, True, False)[0]

    def forward(x, w_ih, w_hh, b_ih, b_hh):
        if kind == "lstm":
            return reference.lstm.lstm(x, h, h, w_ih, w_hh, b_ih + b_hh)[0]
        if kind == "gru":
            return reference.gru.gru(x, h, w_ih, w_hh, b_ih, b_hh)[0]
        return reference.rnn.rnn(x, h, w_ih, w_hh, b_ih + b_hh)[0]
    return Problem(op, forward, None, (x, w_ih, w_hh, b_ih, b_hh), {"k": 8, "n": (I + H) * L, "scale": 1})
