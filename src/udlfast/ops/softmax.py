"""Softmax and its logarithm along one dimension."""
from .._core import (
    K_softmax,
    K_softmax_backward,
    Tensor,
    attach,
    call,
    empty_like,
    extend,
    float16,
    float32,
    is_grad_enabled,
    put_out,
)
from ._common import axis_of, floating, split_at


def softmax(input, dim=None, dtype=None, axis=None, *, out=None):
    """Positive numbers that sum to one along `dim`, in proportion to the exponentials of the input.

    y_k = exp(x_k) / sum_j exp(x_j), computed as exp(x_k - max x) / sum_j exp(x_j - max x)

    Args:
        input: any shape, floating point
        dim: the dimension that sums to one; None = 0 for 0, 1 or 3 dimensions, else 1
        dtype: convert the input to this type first
    Returns: the shape of input; a row of -infinity gives NaN
    Raises: DimError for a dim out of range, DTypeError where input is not floating point and no dtype is given

    >>> import udlfast as torch
    >>> torch.softmax(torch.tensor([0., 0.]), 0).tolist()
    [0.5, 0.5]

    Source: Understanding Deep Learning, section 5.5.
    """
    dim = dim if axis is None else axis
    y = _softmax("softmax", input, dim, dtype, 0)
    return y if out is None else put_out(out, y)


def log_softmax(input, dim=None, dtype=None, axis=None, *, out=None):
    """The logarithm of softmax, without the overflow and rounding of taking it afterwards.

    y_k = x_k - log sum_j exp(x_j)

    Args:
        input: any shape, floating point
        dim: the dimension whose exponentials sum to one; None = 0 for 0, 1 or 3 dimensions, else 1
        dtype: convert the input to this type first
    Returns: the shape of input
    Raises: DimError, DTypeError as softmax

    >>> import udlfast as torch
    >>> torch.log_softmax(torch.tensor([0., 1000.]), 0).tolist()
    [-1000.0, 0.0]

    Source: Understanding Deep Learning, section 5.5.
    """
    dim = dim if axis is None else axis
    y = _softmax("log_softmax", input, dim, dtype, 1)
    return y if out is None else put_out(out, y)


def softmin(input, dim=None, dtype=None):
    """Softmax of the negated input: small inputs get large shares.

    y_k = exp(-x_k) / sum_j exp(-x_j)

    Args:
        input: any shape, floating point
        dim, dtype: as in softmax
    Returns: the shape of input
    Raises: DimError, DTypeError as softmax

    >>> import udlfast as torch
    >>> torch.nn.functional.softmin(torch.tensor([0., 0.]), 0).tolist()
    [0.5, 0.5]

    Source: Understanding Deep Learning, section 5.5.
    """
    floating("softmin", input)
    return _softmax("softmin", -input, dim, dtype, 0)


def _softmax(op, input, dim, dtype, log):
    if dtype is not None and isinstance(input, Tensor):
        input = input.to(dtype)
    floating(op, input)
    shape = input.shape
    if dim is None:
        import warnings
        warnings.warn(f"Implicit dimension choice for {op} has been deprecated. Change the call to include dim=X as an argument.",
                      UserWarning, stacklevel=3)
        dim = 0 if len(shape) in (0, 1, 3) else 1
    dim = axis_of(op, dim, len(shape))
    if input.dtype is float16:
        return _softmax(op, input.to(float32), dim, None, log).to(input.dtype)
    x = input.contiguous()
    y = empty_like(x)
    call(K_softmax, (y, x), (x.dtype.code, *split_at(shape, dim), log), ())
    return attach(y, (x,), softmax_backward, saved=(y,), args=(dim, log))


def softmax_backward(node, g):
    """gx = y (g - sum_dim g y); for the logarithm gx = g - exp(y) sum_dim g"""
    y, (dim, log) = node.saved[0], node.args
    if is_grad_enabled():  # under create_graph the rule itself goes on the tape
        return g - y.exp() * g.sum(dim, True) if log else y * (g - (g * y).sum(dim, True)),
    g = g.contiguous()
    gx = empty_like(y)
    call(K_softmax_backward, (gx, g, y), (y.dtype.code, *split_at(y.shape, dim), log), ())
    return gx,


extend("softmax", softmax)
extend("log_softmax", log_softmax)
