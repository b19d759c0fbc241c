"""Special values: NaN and infinities at every place of a row, subnormal numbers, and the floating-point state of the caller.

`python -m tests.reliability special_values only=NAME lengths=17` repeats a finding.
"""

import functools
import importlib.util

import numpy as np

import udlfast
import udlfast.nn.functional as UF
from reliability import children
from reliability.frame import Failed, NotRun, check

BAD = (np.nan, np.inf, -np.inf)

# name: the operation as a function of the library, its F, and a row [3, n]; both libraries are asked the same
UNARY = """abs neg exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh tanh asinh acosh
atanh erf erfc floor ceil round trunc sign sigmoid frac isnan isinf isfinite nan_to_num sgn signbit lgamma digamma deg2rad
logical_not""".split()
ACTIVATIONS = """relu relu6 elu selu celu leaky_relu gelu silu mish softplus softsign hardtanh hardsigmoid hardswish tanhshrink softshrink
hardshrink logsigmoid""".split()
BINARY = """add sub mul div maximum minimum fmax fmin pow atan2 hypot fmod remainder floor_divide eq ne lt le gt ge copysign logaddexp
logical_and xlogy""".split()
ROWS = {name: (lambda T, F, x, f=name: getattr(T, f)(x, dim=1))
        for name in "sum mean prod amax amin logsumexp norm var std argmax argmin cumsum cumprod any all nansum".split()}
# four times the numbers: products of 60 of them would underflow, and the order of the product decide whether an infinity meets the 0
ROWS["prod"] = lambda T, F, x: T.prod(4 * x, dim=1)


def weight(T, n):
    return T.linspace(0.5, 2, 5 * n).reshape(5, n) - 5  # no element 0, which an infinity would make NaN


OPS = {
    **{f: (lambda T, F, x, f=f: getattr(T, f)(x)) for f in UNARY},
    **{f: (lambda T, F, x, f=f: getattr(F, f)(x)) for f in ACTIVATIONS},
    **{f: (lambda T, F, x, f=f: getattr(T, f)(x, x.flip(0))) for f in BINARY},
    **{f + " of a number": (lambda T, F, x, f=f: getattr(T, f)(x, T.full((), 2.0))) for f in BINARY},
    **ROWS,
    **{f + " of columns": (lambda T, F, x, f=f: ROWS[f](T, F, x.t())) for f in ROWS},
    "max": lambda T, F, x: T.max(x, 1)[0],
    "min places": lambda T, F, x: T.min(x, 1)[1],
    "clamp": lambda T, F, x: T.clamp(x, -1, 1),
    "where": lambda T, F, x: T.where(x > 0, x, -x),
    "lerp": lambda T, F, x: T.lerp(x, x.flip(0), 0.3),
    "addcmul": lambda T, F, x: T.addcmul(x, x, x.flip(0), value=0.5),
    "sort": lambda T, F, x: T.sort(x, 1)[0],
    "sort descending": lambda T, F, x: T.sort(x, 1, descending=True)[0],
    "topk": lambda T, F, x: T.topk(x, (x.shape[1] + 1) // 2, 1)[0],
    "softmax": lambda T, F, x: F.softmax(x, 1),
    "softmax of columns": lambda T, F, x: F.softmax(x.t(), 0),
    "log_softmax": lambda T, F, x: F.log_softmax(x, 1),
    "layer_norm": lambda T, F, x: F.layer_norm(x, (x.shape[1],)),
    "rms_norm": lambda T, F, x: F.rms_norm(x, (x.shape[1],)),
    "group_norm": lambda T, F, x: F.group_norm(x.reshape(1, 3, -1), 3) if x.shape[1] > 1 else x,
    "batch_norm": lambda T, F, x: F.batch_norm(x.t(), None, None, training=True) if x.shape[1] > 1 else x,
    "linear": lambda T, F, x: F.linear(x, weight(T, x.shape[1])),
    "matmul": lambda T, F, x: x @ weight(T, x.shape[1]).t(),
    "matvec": lambda T, F, x: x @ T.linspace(1, 2, x.shape[1]),
    "product with a row": lambda T, F, x: weight(T, x.shape[1]) @ x[0],
    "conv1d": lambda T, F, x: F.conv1d(x.reshape(1, 3, -1), T.linspace(1, 2, 18).reshape(2, 3, 3), padding=1),
    "conv2d": lambda T, F, x: F.conv2d(x.reshape(1, 1, 3, -1), T.linspace(1, 2, 18).reshape(2, 1, 3, 3), padding=1),
    "max_pool1d": lambda T, F, x: F.max_pool1d(x.reshape(1, 3, -1), 3, 1, 1),
    "max_pool2d": lambda T, F, x: F.max_pool2d(x.reshape(1, 1, 3, -1), 3, 1, 1),
    "avg_pool2d": lambda T, F, x: F.avg_pool2d(x.reshape(1, 1, 3, -1), 3, 1, 1),
    "adaptive_avg_pool1d": lambda T, F, x: F.adaptive_avg_pool1d(x.reshape(1, 3, -1), 2),
    "adaptive_max_pool1d": lambda T, F, x: F.adaptive_max_pool1d(x.reshape(1, 3, -1), 2),
    "pad": lambda T, F, x: F.pad(x, (1, 2)),
    "cat": lambda T, F, x: T.cat([x, x.flip(1)], 1),
    "gather": lambda T, F, x: T.gather(x, 1, T.arange(x.shape[1]).flip(0).expand(3, -1).contiguous()),
    "index_select": lambda T, F, x: T.index_select(x, 1, T.arange(x.shape[1]).flip(0)),
    "scatter_add": lambda T, F, x: T.zeros(3, 4).scatter_add(1, (T.arange(x.shape[1]) % 4).expand(3, -1).contiguous(), x),
    "mse_loss": lambda T, F, x: F.mse_loss(x, x.flip(0)),
    "l1_loss": lambda T, F, x: F.l1_loss(x, x.flip(0)),
    "smooth_l1_loss": lambda T, F, x: F.smooth_l1_loss(x, x.flip(0)),
    "bce_with_logits": lambda T, F, x: F.binary_cross_entropy_with_logits(x, T.full_like(x, 0.25)),
    "cross_entropy": lambda T, F, x: F.cross_entropy(x, T.zeros(3, dtype=T.int64)),
    "nll_loss": lambda T, F, x: F.nll_loss(x, T.zeros(3, dtype=T.int64)),
    "interpolate": lambda T, F, x: F.interpolate(x.reshape(1, 3, -1), scale_factor=2, mode="linear"),
    "embedding": lambda T, F, x: F.embedding(T.tensor([2, 0]), x),
    "cumsum of columns again": lambda T, F, x: T.cumsum(x, 0),
    "double": lambda T, F, x: x.double(),
    "bfloat16": lambda T, F, x: x.bfloat16().float(),
    "float16": lambda T, F, x: x.half().float(),
    "unique": lambda T, F, x: T.isnan(x).sum(1),
}


@functools.cache
def plain(n):
    return np.linspace(-1.5, 1.5, 3 * n).reshape(3, n).astype("float32")


def row(n, at, bad):
    x = plain(n).copy()
    x[1, at] = bad
    return x


def kinds(a):
    """NaN 1, infinity 2, -infinity 3, any number 0: where special values stand; truth values and places as they are."""
    a = np.asarray(a)
    if a.dtype.kind != "f":
        return a.astype(float)
    return np.isnan(a) * 1.0 + (a == np.inf) * 2.0 + (a == -np.inf) * 3.0


def answers(name, n, library, functional, to):
    """The kinds of what an operation makes of every bad value at every place of rows of n, an array each; then those of the gradients."""
    found, slopes = [], []
    for bad in BAD:
        for at in range(n):
            x = to(row(n, at, bad))
            y = OPS[name](library, functional, x)
            found.append(y.detach().numpy())
            if y.dtype == library.float32 and name not in NO_GRADIENT:
                x = to(row(n, at, bad)).requires_grad_()
                y = OPS[name](library, functional, x)
                if y.requires_grad:
                    y.sum().backward()
                    slopes.append((x.grad + 0).numpy())
    return all_kinds(found), all_kinds(slopes)


def all_kinds(arrays):
    """The kinds of arrays, each as a row; of all at once where they have one shape, as they have unless an answer is wrong."""
    if len({(a.shape, a.dtype) for a in arrays}) == 1:
        return list(kinds(np.stack(arrays)).reshape(len(arrays), -1))
    return [kinds(a).ravel() for a in arrays]


# gradients that are not compared: where they stand among equals or at kinks is a choice
NO_GRADIENT = {"sort", "sort descending", "topk", "median", "median of columns", "pow", "pow of a number", "prod", "prod of columns",
               "cumprod", "cumprod of columns", "norm", "norm of columns", "var", "std", "var of columns", "std of columns", "amax", "amin",
               "amax of columns", "amin of columns", "layer_norm", "rms_norm", "group_norm", "batch_norm", "lgamma", "digamma",
               "floor_divide", "floor_divide of a number"}  # fmt: skip
# what differs from PyTorch on purpose: {(operation, value or gradient): (at which values, reason)}
LIMIT = "the limit, where PyTorch's formula subtracts or multiplies infinities and gives NaN"
AT_NAN = "the gradient at NaN is NaN, where PyTorch gives a number"
DIFFERS = {
    **{(f, what): (BAD[1:], LIMIT) for f in ("gelu", "silu", "mish") for what in ("value", "gradient")},
    **{(f, "gradient"): (BAD[1:], LIMIT) for f in ("softsign", "logaddexp")},
    **{(f, "gradient"): (BAD[:1], AT_NAN) for f in ("elu", "selu", "celu", "hardswish")},
    ("l1_loss", "gradient"): (BAD, AT_NAN + "; infinity less infinity is one"),
    ("bce_with_logits", "value"): (BAD[2:], LIMIT),
    ("interpolate", "value"): (BAD[1:], "an element of weight 0 is not read"),
}


def step(number):
    """One operation at one length on every instruction set against PyTorch."""
    import torch

    names = list(OPS)
    name, n = names[number % len(names)], number // len(names) + 1
    want = answers(name, n, torch, torch.nn.functional, torch.from_numpy)
    for level in udlfast.isas():
        with udlfast.use_isa(level):
            got = answers(name, n, udlfast, UF, udlfast.from_numpy)
        for what, g, w in zip(("value", "gradient"), got, want):
            spared, _ = DIFFERS.get((name, what), ((), ""))
            for i, (a, b) in enumerate(zip(g, w)):
                if any(BAD[i // n] is s for s in spared):
                    continue
                if a.shape != b.shape or not np.array_equal(a, b):
                    at = int(np.argmax(a != b)) if a.shape == b.shape else slice(None)
                    return (f"{name}, rows of {n}, {BAD[i // n]} at {i % n} on {level}: {what} {at}: {a[at]}, PyTorch {b[at]} "
                            "(0 number, 1 NaN, 2 inf, 3 -inf)")  # fmt: skip
    return None


@check("special values", must="PyTorch's answers", short={"lengths": 3}, long={"lengths": 70})
def special_values(lengths, first=1, only=""):
    """Rows of first to `lengths` elements: a long run in shares."""
    if importlib.util.find_spec("torch") is None:
        raise NotRun("PyTorch is not installed")
    names = list(OPS)
    findings = []
    if only:
        found = [step(names.index(only) + len(names) * (n - 1)) for n in range(first, lengths + 1)]
        findings = [f for f in found if f]
    else:
        steps = len(names) * (first - 1), len(names) * lengths
        found = children.sweep("reliability.check_special_values:step", *steps, seconds=60.0)
        findings = [f.text if f.kind == "wrong" else f for f in found]
        lengths = first - 1 + found.ran // len(names)
    figures = (f"NaN, inf and -inf at each place of rows of {first} to {lengths}, {len(names)} operations, {len(udlfast.isas())} "
               f"instruction sets: {len(findings)} differences from PyTorch")  # fmt: skip
    if findings:
        raise Failed(figures, findings)
    return figures
