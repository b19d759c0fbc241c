"""Normalization by the root of the mean square."""
from .._core import float32, float64
from ..errors import ShapeError
from ._common import floating, rows_of


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """Divide every example by the root of the mean square of its own last dimensions.

    y = x / sqrt(mean(x^2) + eps) weight, the mean over the dimensions of normalized_shape

    Args:
        input: [*, normalized_shape], floating point
        normalized_shape: the sizes of the last dimensions, or one number for the last dimension
        weight: normalized_shape, or None
        eps: added to the mean square; None = the spacing of floating-point numbers at 1
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit, DTypeError for other element types

    >>> import udlfast as torch
    >>> torch.nn.functional.rms_norm(torch.tensor([3., 3.]), (2,), eps=0.).tolist()
    [1.0, 1.0]

    Source: Zhang and Sennrich 2019.
    """
    op = "rms_norm"
    floating(op, input)
    if input.dtype.narrow:
        weight = None if weight is None else weight.to(float32)
        return rms_norm(input.to(float32), normalized_shape, weight, eps).to(input.dtype)
    normalized_shape = rows_of(op, input, normalized_shape)[2]
    if weight is not None and tuple(weight.shape) != normalized_shape:
        raise ShapeError(f"{op}: expected weight {list(normalized_shape)}, the normalized shape, got "
                         f"{list(weight.shape)}")
    if eps is None:
        eps = 2.0**-52 if input.dtype is float64 else 2.0**-23
    dims = tuple(range(input.ndim - len(normalized_shape), input.ndim))
    y = input * ((input * input).mean(dims, True) + eps).rsqrt()
    return y if weight is None else y * weight
