"""Problems of layers: windows, normalisation, losses, places, recurrent layers."""

import numpy as np

import udlfast as torch
import udlfast.nn.functional as F
from reliability.problem import EDGES, PROBLEMS, Problem, axis_of, flag, normal, problem, reference, shape, size


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
def loss(name, draw, terms=None):
    """terms: the size of those whose sum is an element's loss, a function of the arrays."""
    ref = reference.losses

    def make(r, zero):
        dims = shape(r, False)
        how = str(r.choice(["mean", "sum", "none"]))
        arrays = draw(r, dims)
        bound = {"k": 8, "n": size(*dims), "scale": terms and float(np.max(terms(*arrays), initial=0))}
        return Problem(lambda x, t: getattr(F, name)(x, t, reduction=how), lambda x, t: getattr(ref, name)(x, t, reduction=how),
                       lambda gy, x, t: getattr(ref, name + "_backward")(gy, x, t, reduction=how), arrays, bound)
    return make


def two(r, dims):
    return 3 * normal(r, *dims), normal(r, *dims)


def chances(r, dims):
    return r.uniform(0.01, 0.99, dims), r.uniform(0, 1, dims)


PROBLEMS |= {name: loss(name, two) for name in ("mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss")}
PROBLEMS["binary_cross_entropy"] = loss("binary_cross_entropy", chances)
PROBLEMS["bce_with_logits"] = loss("binary_cross_entropy_with_logits", lambda r, d: (3 * normal(r, *d), r.uniform(0, 1, d)))
PROBLEMS["kl_div"] = loss("kl_div", lambda r, d: (np.log(r.uniform(0.05, 1, d)), r.uniform(0.05, 1, d)),
                          lambda x, t: np.abs(t * np.log(t)) + np.abs(t * x))


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
