"""What the operations share: checks of arguments and the wording of their messages.

A message names the operation, what it got, what it needs and, where there is one, the likely fix. Checks run before
anything is allocated.
"""
import math
import operator

from .. import _core
from .._core import R_MAX, R_MIN, Tensor, attach, peek, reduce
from ..errors import ArgumentError, DimError, DTypeError, GradError, ShapeError, UnsupportedError

LIMIT = 2**31 - 1  # no stride, padding, window or output size is larger: products of two cannot overflow 64 bits


def tensor(op, x, name="input"):
    """Refuse what is not a Tensor."""
    if not isinstance(x, Tensor):
        hint = "; wrap it with torch.from_numpy or torch.tensor" if type(x).__module__ in ("numpy", "builtins") else ""
        raise DTypeError(f"{op}: expected {name} to be a Tensor, got {type(x).__name__}{hint}")


def floating(op, x, name="input"):
    """Refuse what is not a Tensor of floating-point elements."""
    if not isinstance(x, Tensor):
        tensor(op, x, name)
    if not x.dtype.is_floating_point:
        raise UnsupportedError(f"{op}: expected a floating-point {name}, got {x.dtype} {list(x.shape)}; "
                         f"convert it with {name}.float()")


def same_type(op, x, y, name, x_name="input"):
    """Refuse two tensors of different element types."""
    if not isinstance(y, Tensor):
        tensor(op, y, name)
    if x.dtype is not y.dtype:
        raise DTypeError(f"{op}: {x_name} and {name} need one element type, got {x.dtype} and {y.dtype}; "
                         f"convert one with .to(...)")


def index_tensor(op, x, name="index"):
    """`x` as int64; refuse what does not hold whole numbers."""
    if not isinstance(x, Tensor):
        tensor(op, x, name)
    dtype = x.dtype
    if dtype is _core.int64:
        return x
    if dtype.is_floating_point or dtype is _core.bool_:
        raise DTypeError(f"{op}: expected {name} of whole numbers (int64), got {dtype} {list(x.shape)}; "
                         f"convert it with {name}.long()")
    return x.to(_core.int64)


def in_range(op, index, low, high, name="index"):
    """Refuse an int64 tensor with a value outside low..high-1."""
    if index.numel() == 0:
        return
    least, most = peek(reduce(R_MIN, index)), peek(reduce(R_MAX, index))
    if least < low or most >= high:
        bad = least if least < low else most
        raise DimError(f"{op}: {name} has the value {bad}, which is out of range; needed {low} to {high - 1}")


def whole(op, name, value, low=0, high=LIMIT):
    """`value` as an int inside low..high."""
    try:
        number = operator.index(value)
    except TypeError:
        raise DTypeError(f"{op}: expected {name} to be a whole number, got {value!r}") from None
    if not low <= number <= high:
        raise ArgumentError(f"{op}: {name} must be {f'at least {low}' if number < low else f'at most {high}'}, "
                            f"got {number}")
    return number


def whole_tuple(op, name, value, n, low=0):
    """n ints from one int or a sequence of n of them."""
    if type(value) is int and low <= value <= LIMIT:
        return (value,) * n
    try:
        items = tuple(value)
    except TypeError:
        return (whole(op, name, value, low),) * n
    if len(items) == 1:
        items *= n
    if len(items) != n:
        raise ArgumentError(f"{op}: expected {name} to be one whole number or {n} of them, got {value!r}")
    return tuple(whole(op, name, v, low) for v in items)


def axis_of(op, dim, ndim, name="dim"):
    """The dimension `dim` counted from the front; a tensor without dimensions counts as one-dimensional."""
    try:
        d = operator.index(dim)
    except TypeError:
        raise DTypeError(f"{op}: expected {name} to be a whole number, got {dim!r}") from None
    n = ndim or 1
    if not -n <= d < n:
        raise DimError(f"{op}: {name} {d} is out of range for a tensor with {ndim} dimensions; needed {-n} to {n - 1}")
    return d + n if d < 0 else d


def axes(op, dims, ndim, name="dims"):
    """Different dimensions counted from the front, from one number or a sequence."""
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    found = tuple(axis_of(op, d, ndim, name) for d in dims)
    if len(set(found)) != len(found):
        raise ArgumentError(f"{op}: a dimension appears twice in {name} {dims}")
    return found


def split_at(shape, d):
    """(outer, n, inner): the sizes before, at and after dimension d."""
    outer = inner = 1
    for s in shape[:d]:
        outer *= s
    for s in shape[d + 1:]:
        inner *= s
    return outer, shape[d] if shape else 1, inner


def probability(op, p):
    """Refuse a p outside 0..1."""
    if not 0.0 <= p <= 1.0:
        raise ArgumentError(f"{op}: p is a probability and must be between 0 and 1, got {p}")


def broadcast_shape(op, *shapes):
    """The common shape of `shapes` under broadcasting."""
    n = max(len(s) for s in shapes)
    out = [1] * n
    for shape in shapes:
        for i, s in enumerate(shape, n - len(shape)):
            if s != 1:
                if out[i] not in (1, s):
                    raise ShapeError(f"{op}: the shapes {', '.join(str(list(s)) for s in shapes)} do not broadcast "
                                     f"together: sizes {out[i]} and {s} meet in dimension {i}")
                out[i] = s
    return tuple(out)


def reduction_of(op, reduction, size_average=None, reduce=None):
    """The reduction asked for, "none", "mean" or "sum"; the two deprecated flags are still understood."""
    if size_average is not None or reduce is not None:
        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(f'{op}: reduction must be "mean", "sum" or "none", got {reduction!r}')
    return reduction


def reduced(loss, reduction):
    """`loss` reduced as asked."""
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def unsupported(node, *grads):
    """The gradient rule of gradients whose own gradient is not implemented."""
    raise GradError(f"{node.args[0]}: the gradient of its gradient is not implemented; "
                    f"call backward() or grad() without create_graph=True")


def once(op, out, *inputs):
    """Mark the results of a gradient rule as not differentiable a second time (only matters under create_graph)."""
    return attach(out, inputs, unsupported, args=(op,))


def in_place(function):
    """The method NAME_ that stores function(self, ...) in self."""
    name = function.__name__

    def method(self, *args, **kwargs):
        return _core.assign(self, function(_core.snapshot(self, name + "_", args), *args, **kwargs), name + "_")
    method.__name__ = name + "_"
    method.__doc__ = f"{name}, stored in this tensor; see udlfast.{name}."
    return method


def rows_of(op, input, normalized_shape):
    """(number of rows, elements of a row, normalized_shape as a tuple)"""
    if isinstance(normalized_shape, int):
        normalized_shape = (normalized_shape,)
    shape, n = tuple(input.shape), len(normalized_shape)
    if n == 1 and type(normalized_shape[0]) is int and shape and shape[-1] == normalized_shape[0]:
        return math.prod(shape[:-1]), shape[-1], (shape[-1],)
    normalized_shape = tuple(whole(op, "normalized_shape", s) for s in normalized_shape)
    if not n or shape[-n:] != normalized_shape:
        raise ShapeError(f"{op}: expected input whose last dimensions are {list(normalized_shape)}, got {list(shape)}"
                         f"{'' if n else '; normalized_shape must not be empty'}")
    M = D = 1
    for s in shape[:-n]:
        M *= s
    for s in normalized_shape:
        D *= s
    return M, D, normalized_shape


def lower_triangle(rows, columns, diagonal=0):
    """bool [rows, columns], True where column - row <= diagonal."""
    import numpy
    return _core.from_numpy(numpy.tri(rows, columns, diagonal, dtype=bool))


def exact(t):
    """A small operand (filters, a factor) of a kernel for bfloat16: in float32. Others, and None, as they are."""
    return t.detach().to(_core.float32) if t is not None and t.dtype is _core.bfloat16 else t


def kinds_of(*tensors):
    """Their types, None for None."""
    return tuple(t if t is None else t.dtype for t in tensors)


def exact_type(x):
    """The type of what a kernel computes beside results of x's type: float32 where x is bfloat16."""
    return _core.float32 if x.dtype is _core.bfloat16 else x.dtype


def typed(grads, *kinds):
    """Gradients, each in its type; where either is None, as it is."""
    return tuple(g if g is None or kind is None else g.to(kind) for g, kind in zip(grads, kinds, strict=True))
