"""Transposed convolution: the map from output to input gradients of a convolution, used to enlarge."""
from .._core import K_conv2d_backward_input, attach, call, empty, float32, matmul
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import LIMIT, floating, same_type, whole, whole_tuple
from .conv2d import _correlate, conv2d_backward_weight


def conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Two-dimensional transposed convolution: every input pixel adds a copy of the filter, scaled, to the output.

    y[n, o, h, w] = bias[o] + sum over c, r, s of weight[c, o, r, s] * input[n, c, p, q] where
    h = p stride + r dilation - padding and w likewise

    Args:
        input: [N, C, P, Q] or [C, P, Q], floating point
        weight: [C, O / groups, R, S]
        bias: [O] or None
        stride, dilation: a whole number or a pair, at least 1
        padding: rows and columns cut from each side of the result
        output_padding: added to the size at the end of each axis; less than stride or dilation
        groups: how many independent groups the channels form
    Returns: [N, O, H, W] with H = (P - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1
    Raises: ShapeError where sizes do not fit, DTypeError for other element types, ArgumentError for a bad parameter

    >>> import udlfast as torch
    >>> torch.conv_transpose2d(torch.ones(1, 1, 1, 2), torch.ones(1, 1, 1, 2)).tolist()
    [[[[1.0, 2.0, 1.0]]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _transposed("conv_transpose2d", input, weight, bias, stride, padding, output_padding, groups, dilation, 2)


def conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """One-dimensional transposed convolution; see conv_transpose2d.

    Args:
        input: [N, C, Q] or [C, Q]
        weight: [C, O / groups, S]
        bias: [O] or None
        stride, padding, output_padding, groups, dilation: as in conv_transpose2d
    Returns: [N, O, W]
    Raises: ShapeError, DTypeError, ArgumentError as conv_transpose2d

    >>> import udlfast as torch
    >>> torch.conv_transpose1d(torch.ones(1, 1, 2), torch.ones(1, 1, 2), stride=2).tolist()
    [[[1.0, 1.0, 1.0, 1.0]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _transposed("conv_transpose1d", input, weight, bias, stride, padding, output_padding, groups, dilation, 1)


def _transposed(op, input, weight, bias, stride, padding, output_padding, groups, dilation, n):
    floating(op, input)
    if _autocast.ON:
        input, weight, bias = _autocast.low(input, weight, bias)
    same_type(op, input, weight, "weight")
    if bias is not None:
        same_type(op, input, bias, "bias")
    if input.dtype.narrow:
        wide = [t if t is None else t.to(float32) for t in (input, weight, bias)]
        return _autocast.paused(_transposed, op, *wide, stride, padding, output_padding, groups, dilation, n).to(input.dtype)
    x_shape, w_shape = tuple(input.shape), tuple(weight.shape)
    if len(x_shape) not in (n + 1, n + 2) or len(w_shape) != n + 2:
        raise ShapeError(f"{op}: expected input with {n + 2} (or, for one example, {n + 1}) and weight with {n + 2} "
                         f"dimensions, got input {list(x_shape)} and weight {list(w_shape)}")
    batch, C, groups = x_shape[:-n - 1], x_shape[-n - 1], whole(op, "groups", groups, 1)
    if C != w_shape[0] or C % groups:
        raise ShapeError(f"{op}: expected input with {w_shape[0]} channels (weight {list(w_shape)}), a multiple of "
                         f"groups {groups}, got input {list(x_shape)} with {C}")
    O = w_shape[1] * groups
    if bias is not None and tuple(bias.shape) != (O,):
        raise ShapeError(f"{op}: expected bias [{O}] for weight {list(w_shape)}, got {list(bias.shape)}")
    stride, dilation = whole_tuple(op, "stride", stride, n, 1), whole_tuple(op, "dilation", dilation, n, 1)
    pad = whole_tuple(op, "padding", padding, n)
    extra, size = whole_tuple(op, "output_padding", output_padding, n), []
    for p, k, s, cut, d, e in zip(x_shape[-n:], w_shape[2:], stride, pad, dilation, extra):
        if e >= s and e >= d:
            raise ArgumentError(f"{op}: output_padding must be smaller than stride or dilation, got {output_padding} "
                                f"with stride {stride} and dilation {dilation}")
        size.append((p - 1) * s - 2 * cut + d * (k - 1) + e + 1)
        if not 0 < size[-1] <= LIMIT or not p:
            raise ShapeError(f"{op}: input {list(x_shape)} with weight {list(w_shape)}, stride {stride}, padding "
                             f"{padding} would give the output size {size[-1]}")
    if max(*x_shape[-n:], *dilation, groups) == 1 and not any(pad) and not any(extra):  # one pixel: a sum of filters for each example
        y = matmul(input.reshape(-1, C), weight.reshape(C, -1)).reshape(*batch, O, *size)
        return y if bias is None else y + bias.reshape(O, *(1,) * n)
    # seen from the convolution it reverses: H W is our output, P Q our input, channels change places
    sizes = (batch[0] if batch else 1, O, *size, C, *w_shape[2:], *x_shape[-n:], *stride, *pad, *dilation, groups)
    if n == 1:
        N, _, W, _, S, Q, s, p, d, _ = sizes
        sizes = (N, O, 1, W, C, 1, S, 1, Q, 1, s, 0, p, 1, d, groups)
    return _spread(input, weight, bias, sizes, (*batch, O, *size), (O, *(1,) * n))


def _spread(x, w, b, sizes, shape, bias_shape):
    """The kernel, the bias added where the result lies, and the tape entry. `sizes` as in conv2d's `_correlate`."""
    x, w, y = x.contiguous(), w.contiguous(), empty(shape, x.dtype)
    call(K_conv2d_backward_input, (y, x, w), (x.dtype.code, *sizes), ())
    if b is not None:
        y.add_(b.detach().reshape(bias_shape))
    return attach(y, (x, w, b), conv_transpose2d_backward, saved=(x, w), args=(sizes,))


def conv_transpose2d_backward(node, g):
    """The convolution that is reversed gives the input's gradient; x and g change places for the filter's."""
    x, w = node.saved
    sizes = node.args[0]
    gx = _correlate(g, w, None, sizes, x.shape) if node.needs(0) else None
    gw = conv2d_backward_weight(x, g, sizes, w.shape) if node.needs(1) else None
    gb = g.reshape(sizes[0], sizes[1], sizes[2] * sizes[3]).sum((0, 2)) if node.needs(2) else None
    return gx, gw, gb
