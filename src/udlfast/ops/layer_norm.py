"""Layer normalization."""
from .._core import (
    K_layer_norm,
    K_layer_norm_backward,
    attach,
    bfloat16,
    call,
    empty,
    empty_like,
    float16,
    float32,
    is_grad_enabled,
)
from ..errors import ShapeError
from ._common import exact, exact_type, floating, kinds_of, rows_of, same_type, typed


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """Normalize every example by the mean and variance of its own last dimensions.

    y = (x - mean) / sqrt(var + eps) weight + bias, mean and (biased) variance over the dimensions of normalized_shape

    Args:
        input: [*, normalized_shape], floating point
        normalized_shape: the sizes of the last dimensions, or one number for the last dimension
        weight, bias: normalized_shape, or None
        eps: added to the variance
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit, DTypeError for other element types

    >>> import udlfast as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1., 3.]]), (2,), eps=0.).tolist()
    [[-1.0, 1.0]]

    Source: Ba, Kiros and Hinton 2016; Understanding Deep Learning, section 11.4.
    """
    op = "layer_norm"
    floating(op, input)
    if input.dtype is float16:
        wide = [t if t is None else t.to(float32) for t in (weight, bias)]
        return layer_norm(input.to(float32), normalized_shape, *wide, eps).to(input.dtype)
    M, D, normalized_shape = rows_of(op, input, normalized_shape)
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None:
            if input.dtype is not bfloat16 or t.dtype is not float32:  # float32 weights will do for it
                same_type(op, input, t, name)
            if t.shape != normalized_shape:
                raise ShapeError(f"{op}: expected {name} {list(normalized_shape)}, the normalized shape, "
                                 f"got {list(t.shape)}")
    x = input.contiguous()
    weight = None if weight is None else weight.contiguous()
    bias = None if bias is None else bias.contiguous()
    y, mean, rstd = empty_like(x), empty((M,), exact_type(x)), empty((M,), exact_type(x))
    call(K_layer_norm, (y, mean, rstd, x, exact(weight), exact(bias)), (x.dtype.code, M, D, 1), (eps,))
    return attach(y, (x, weight, bias), layer_norm_backward, saved=(x, weight, mean, rstd),
                  args=(M, D, normalized_shape, eps, *kinds_of(weight, bias)))


def layer_norm_backward(node, g):
    """With h = (x - mean) rstd: gb = sum over rows of g, gw = sum over rows of g h, and with u = g w
    gx = rstd (u - mean(u) - h mean(u h)), the means over the row."""
    x, w, mean, rstd = node.saved
    M, D, shape, eps, *kinds = node.args
    kind = exact_type(x)
    if is_grad_enabled():  # under create_graph the rule itself goes on the tape
        return typed(_recorded(node, g.to(kind), x.to(kind), w if w is None else w.to(kind), M, D, shape, eps), x.dtype, *kinds)
    g = g.contiguous()
    gx = empty_like(x) if node.needs(0) else None
    gw = empty(shape, kind) if node.needs(1) else None
    gb = empty(shape, kind) if node.needs(2) else None
    call(K_layer_norm_backward, (gx, gw, gb, g, x, exact(w), mean, rstd), (x.dtype.code, M, D, 1), ())
    return typed((gx, gw, gb), x.dtype, *kinds)


def _recorded(node, g, x, w, M, D, shape, eps):
    """The same from differentiable parts; mean and rstd depend on x."""
    rows, G = x.reshape(M, D), g.reshape(M, D)
    d = rows - rows.mean(1, True)
    rstd = ((d * d).mean(1, True) + eps).rsqrt()
    h, u = d * rstd, G if w is None else G * w.reshape(D)
    gx = (rstd * (u - u.mean(1, True) - h * (u * h).mean(1, True))).reshape(x.shape) if node.needs(0) else None
    return (gx, (G * h).sum(0).reshape(shape) if node.needs(1) else None,
            G.sum(0).reshape(shape) if node.needs(2) else None)
