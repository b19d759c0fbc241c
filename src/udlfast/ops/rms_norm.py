"""Normalization by the root of the mean square."""
from .._core import K_layer_norm, K_layer_norm_backward, attach, call, empty, empty_like, float32, float64, is_grad_enabled
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
    M, D, normalized_shape = rows_of(op, input, normalized_shape)
    if weight is not None:
        if tuple(weight.shape) != normalized_shape:
            raise ShapeError(f"{op}: expected weight {list(normalized_shape)}, the normalized shape, got "
                             f"{list(weight.shape)}")
        if weight.dtype is not input.dtype:
            return rms_norm(input, normalized_shape, None, eps) * weight
        weight = weight.contiguous()
    if eps is None:
        eps = 2.0**-52 if input.dtype is float64 else 2.0**-23
    x = input.contiguous()
    y, rstd = empty_like(x), empty((M,), x.dtype)
    call(K_layer_norm, (y, None, rstd, x, weight, None), (x.dtype.code, M, D, 1), (eps,))
    return attach(y, (x, weight), rms_norm_backward, saved=(x, weight, rstd), args=(M, D, normalized_shape, eps))


def rms_norm_backward(node, g):
    """With h = x rstd: gw = sum over rows of g h, and with u = g w gx = rstd (u - h mean(u h)), the mean over the row."""
    x, w, rstd = node.saved
    M, D, shape, eps = node.args
    if is_grad_enabled():  # under create_graph the rule itself goes on the tape, and rstd depends on x
        rows, G = x.reshape(M, D), g.reshape(M, D)
        rstd = ((rows * rows).mean(1, True) + eps).rsqrt()
        h, u = rows * rstd, G if w is None else G * w.reshape(D)
        gx = (rstd * (u - h * (u * h).mean(1, True))).reshape(x.shape) if node.needs(0) else None
        return gx, (G * h).sum(0).reshape(shape) if node.needs(1) else None
    gx = empty_like(x) if node.needs(0) else None
    gw = empty(shape, x.dtype) if node.needs(1) else None
    call(K_layer_norm_backward, (gx, gw, None, g.contiguous(), x, w, None, rstd), (x.dtype.code, M, D, 1), ())
    return gx, gw
