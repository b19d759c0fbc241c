"""Random arguments of every kind, drawn from one random.Random: tensors of odd layouts, numbers at the edges, wrong types."""

import math
import re

import numpy as np

import udlfast as torch

NAN, INF = math.nan, math.inf
SIZES = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 300]
SMALL = [-7, -5, -4, -3, -2, -1, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 16, 17, 64]
HUGE = [2**31 - 1, 2**31, 2**32, 2**32 + 1, 2**40, 2**61, 2**62, 2**63 - 1, -(2**31), -(2**31) - 1, -(2**62), -(2**63), 2**63, 2**64,
        2**70, -(2**70)]  # fmt: skip
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 0.1, 2.0, 3.5, 1e-30, 1e-45, 1e30, 1e308, -1e308, 5e-324, NAN, INF, -INF]
DTYPES = [torch.float32] * 12 + [torch.float64] * 3 + [torch.int64] * 4 + [torch.bool] * 2 + [
    torch.bfloat16, torch.float16, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32, torch.uint64]
WORDS = ["", "mean", "sum", "none", "zeros", "reflect", "circular", "replicate", "constant", "same", "valid", "nearest", "bilinear",
         "linear", "bicubic", "trilinear", "area", "tanh", "relu", "fro", "nuc", "cpu", "cuda", "ij", "xy", "max", "min", "amax", "prod",
         "fan_in", "ü", "\0", "a" * 300, "float32", "ii->i", "ij,jk->ik", "...i,i", "floor", "trunc", "reduced", "complete", "r"]


def integer(r):
    return r.choice(SMALL) if r.random() < 0.8 else r.choice(HUGE)


def shape(r, most=40_000):
    n = r.choice([0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6]) if r.random() < 0.98 else r.choice([8, 20, 33, 64, 65])
    dims, size = [], 1
    for _ in range(n):
        d = r.choice(SIZES) if n < 7 else r.choice([0, 1, 1, 1, 2])
        d = d if size * d <= most else 1
        size *= max(d, 1)
        dims.append(d)
    return dims


def fitting(r, base):
    """A shape that has to do with `base`: the same, broadcast, cut, turned; or any."""
    if base is None or r.random() < 0.25:
        return shape(r)
    how, dims = r.randrange(7), list(base)
    if how == 1 and dims:
        dims[r.randrange(len(dims))] = 1
    elif how == 2:
        dims = dims[r.randint(0, len(dims)):]
    elif how == 3 and dims:
        dims[r.randrange(len(dims))] = r.choice(SIZES[:16])
    elif how == 4 and len(dims) > 1:
        dims[-1], dims[-2] = dims[-2], dims[-1]
    elif how == 5:
        dims = dims[:1] + dims
    return dims if math.prod(dims) <= 200_000 else list(base)


def contents(r, size):
    g = np.random.default_rng(r.getrandbits(32))
    how = r.random()
    if how < 0.5:
        a = g.standard_normal(size)
    elif how < 0.8:
        a = g.integers(-2, 12, size).astype(float)
    elif how < 0.9:
        a = g.standard_normal(size) * 10.0 ** g.uniform(-45, 45, size)
    else:
        a = np.full(size, r.choice(FLOATS))
    if size and r.random() < 0.15:
        a[g.integers(0, size, max(1, size // 10))] = r.choice([NAN, INF, -INF, 0.0])
    return a


def array(r, base=None):
    dims = fitting(r, base)
    return contents(r, math.prod(dims)).reshape(dims)


def laid(r, t):
    """The tensor in another layout, or another view of it."""
    how = r.randrange(9)
    try:
        if how == 0 and t.dim():
            return torch.stack([t, t], -1)[..., 0]
        if how == 1 and t.dim() > 1:
            return t.transpose(0, -1)
        if how == 2 and t.dim() > 1:
            return t.transpose(0, -1).contiguous().transpose(0, -1)
        if how == 3:
            return torch.cat([torch.zeros(3, dtype=t.dtype), t.reshape(-1)])[3:].view(t.shape)
        if how == 4:
            return t[:1].expand_as(t) if t.dim() else t.expand(r.choice([0, 1, 3, 2**20]))
        if how == 5 and t.dim():
            return t[r.choice([0, 1, 2]) :]
        if how == 6 and t.dim():
            return t.flip(0)
        if how == 7 and t.numel():
            n = r.randint(0, 3)
            return t.as_strided([r.choice([0, 1, 2, 3]) for _ in range(n)], [r.choice([0, 1, 2, t.numel()]) for _ in range(n)])
    except (RuntimeError, ValueError, TypeError, IndexError):
        pass
    return t


def as_numpy(a, dtype):
    with np.errstate(all="ignore"):
        if dtype in (torch.bfloat16, torch.float16):
            return torch.from_numpy(a.astype(np.float32)).to(dtype)
        name = str(dtype).rpartition(".")[2]
        if np.dtype(name).kind in "iu":
            a = np.clip(np.nan_to_num(a), -100, 2**31 - 1)
        return torch.from_numpy(np.array(a).astype(name))


def tensor(r, base=None, dtype=None):
    kind = dtype or r.choice(DTYPES)
    t = as_numpy(array(r, base), kind)
    if r.random() < 0.4:
        t = laid(r, t)
    if kind.is_floating_point and r.random() < 0.25:
        t = t.detach().requires_grad_()
    return t


def index(r, base=None, below=None):
    """A tensor of indices, most of them inside; sometimes one is out."""
    dims = fitting(r, base)
    g = np.random.default_rng(r.getrandbits(32))
    a = g.integers(0, max(below or r.choice(SIZES[3:12]), 1), dims)
    if a.size and r.random() < 0.25:
        a.flat[r.randrange(a.size)] = r.choice([-1, -2, 2**31, 2**62, -(2**63), 2**63 - 1, 100])
    return torch.from_numpy(a.astype(r.choice(["int64"] * 6 + ["int32", "uint8"])))


def numbers(r):
    return [integer(r) for _ in range(r.randint(0, 5))]


def junk(r, base=None):
    """A value of any type."""
    return r.choice([
        lambda: None, lambda: integer(r), lambda: integer(r), lambda: r.choice(FLOATS), lambda: r.choice(FLOATS),
        lambda: r.choice(WORDS), lambda: b"\xff", lambda: r.random() < 0.5, lambda: numbers(r), lambda: tuple(numbers(r)),
        lambda: [tensor(r, base) for _ in range(r.randint(0, 4))], lambda: tensor(r, base), lambda: tensor(r, base),
        lambda: index(r, base), lambda: array(r, base), lambda: array(r, base).astype(r.choice(["f4", "i8", "c16", "f2", "?", "U3", "O"])),
        lambda: object(), lambda: (lambda *a, **k: tensor(r, base)), lambda: {}, lambda: {"a": 1}, lambda: slice(None), lambda: ...,
        lambda: complex(1, 2), lambda: r.choice(DTYPES), lambda: torch.device("cpu"), lambda: range(3), lambda: {1, 2},
        lambda: np.float32(r.choice(FLOATS)), lambda: np.int64(3), lambda: torch.nn.Linear(3, 4), lambda: torch.nn.Linear,
        lambda: torch.Size([2, 3]), lambda: (x for x in [1, 2]), lambda: [[1, 2], [3]], lambda: [[[]]], lambda: [NAN, None],
        lambda: torch.tensor(integer(r) % 2**62), lambda: torch.complex(torch.ones(2, 3), torch.ones(2, 3)),
    ])()  # fmt: skip


SMALL_INT = lambda r, b: r.choice([0, 1, 1, 2, 2, 3, 4, 5, 8])  # noqa: E731
DIM = lambda r, b: r.choice([-2, -1, -1, 0, 0, 1, 1, 2, 3])  # noqa: E731
FLOAT = lambda r, b: r.choice([0.0, 0.1, 0.5, 1.0, 2.0, 1e-5, -1.0])  # noqa: E731
BOOL = lambda r, b: r.random() < 0.5  # noqa: E731
LENGTHS = lambda r, b: [SMALL_INT(r, b) for _ in range(r.randint(1, 4))]  # noqa: E731

# what a parameter of this name usually takes
USUAL = [(re.compile(pattern), make) for pattern, make in [
    (r"dims?|dim\d|dimension|axis|start_dim|end_dim|source|destination|sparse_dim", DIM),
    (r"dims|axes", lambda r, b: [DIM(r, b) for _ in range(r.randint(0, 3))]),
    (r"size|shape|sizes|output_size|normalized_shape|repeats|shifts?|pad|kernel_size|stride|padding|dilation|s|split_.*|output_padding",
     lambda r, b: SMALL_INT(r, b) if r.random() < 0.6 else LENGTHS(r, b)),
    (r".*_channels|.*_features|.*_size|num_.*|n|k|n_fft|.*_length|groups|chunks|steps|blank|nhead|d_model|dim_feedforward|length|"
     r"embed.*|decimals|diagonal|offset|correction|bins|minlength|upscale_factor|downscale_factor|window|ignore_index|padding_idx|N|M",
     SMALL_INT),
    (r"dtype", lambda r, b: r.choice(DTYPES)),
    (r"device", lambda r, b: "cpu"),
    (r"keepdim|inplace|return_.*|ceil_mode|align_corners|training|bias|affine|track.*|batch_first|bidirectional|.*_bias|largest|sorted|"
     r"descending|stable|upper|left|logits|requires_grad|is_causal|count_include_pad|train|unbiased|full|swap|validate_args|"
     r"periodic|maximize|nesterov|amsgrad|hard|accumulate|center|normalized|onesided|sparse|right", BOOL),
    (r"p|eps|alpha|beta|momentum|lr|margin|delta|lambd?|threshold|value|negative_slope|.*dropout.*|weight_decay|gamma|tau|rate|rtol|"
     r"atol|min|max|low|high|lower|mean|std|sigma|scale|loc|temperature|label_smoothing|fill_value|norm_type|ord|exponent|q|max_norm",
     FLOAT),
    (r"reduction|reduce|mode|.*mode|padding_mode|approximate|activation|nonlinearity|norm|interpolation|equation|rounding_mode|driver",
     lambda r, b: r.choice(WORDS)),
    (r"ind(ex|ices)|target|targets|labels?|batch_sizes|lengths|.*_lengths|offsets|tokens|.*ids|pivots|.*_pivots", index),
    (r"mask|condition|.*_mask", lambda r, b: tensor(r, b, torch.bool)),
    (r"tensors|inputs|params|parameters|arrays|weights|w|iterable", lambda r, b: [tensor(r, b) for _ in range(r.randint(0, 3))]),
    (r"input.*|other|x\d?|y|weight|a|A|b|B|mat\d?|vec\d?|tensor.*|batch\d|src|query|key|value|self|out|grad.*|running_.*|anchor|"
     r"positive|negative|log_probs|grid|probs|hx|X|L|data|L.*|theta|in_proj.*|hidden", lambda r, b: tensor(r, b)),
    (r"generator", lambda r, b: torch.Generator().manual_seed(1)),
]]


def argument(r, name, base):
    """A value for a parameter of this name: mostly of the usual kind, sometimes of any."""
    if name and r.random() < 0.8:
        for pattern, make in USUAL:
            if pattern.fullmatch(name):
                return make(r, base)
    return junk(r, base) if name is None or r.random() < 0.5 else tensor(r, base)


def mutated(r, v):
    """Another value in the place of v."""
    if r.random() < 0.08:
        return junk(r, tuple(v.shape) if isinstance(v, torch.Tensor) else None)
    if isinstance(v, torch.Tensor) and not v.dtype.is_complex:
        return other_tensor(r, v)
    if isinstance(v, bool):
        return not v
    if isinstance(v, int):
        return integer(r) if r.random() < 0.7 else v + r.choice([-1, 1, 2])
    if isinstance(v, float):
        return r.choice(FLOATS) if r.random() < 0.7 else v * r.choice([-1, 2, 1e30])
    if isinstance(v, (list, tuple)):
        items = list(v)
        how = r.randrange(5)
        if how == 0 and items:
            items.pop(r.randrange(len(items)))
        elif how == 1 and items:
            i = r.randrange(len(items))
            items[i] = mutated(r, items[i])
        elif how == 2:
            items.append(r.choice(items) if items else 1)
        elif how == 3 and items:
            return items[0]
        else:
            items = items[::-1]
        return tuple(items) if isinstance(v, tuple) else items
    if isinstance(v, str):
        return r.choice(WORDS)
    if isinstance(v, torch.dtype):
        return r.choice(DTYPES)
    return junk(r) if r.random() < 0.3 else v


def other_tensor(r, t):
    """t with another layout, shape, type or other contents."""
    how = r.randrange(7)
    keep = t.requires_grad
    if how <= 1:
        new = laid(r, t)
    elif how == 2:
        new = t.detach().to(r.choice(DTYPES))
    elif how == 3:
        new = as_numpy(array(r, tuple(t.shape)), t.dtype)
    elif how == 4:
        new = as_numpy(contents(r, t.numel()).reshape(tuple(t.shape)), t.dtype)
    elif how == 5:
        dims = list(t.shape)
        if dims:
            dims[r.randrange(len(dims))] = 0
        new = torch.zeros(dims, dtype=t.dtype)
    else:
        new = t.detach().unsqueeze(0) if r.random() < 0.5 or not t.dim() else t.detach()[0] if t.shape[0] else t.detach()
    if keep and not new.requires_grad and new.dtype.is_floating_point:
        new = new.detach().requires_grad_()
    return new
