"""Convolution in three dimensions, on the two-dimensional kernels.

Axis letters as in conv2d, and D depth of the input, E of the output, T of the filter. The T slices that a filter sees lie side
by side as channels: image (n, e) has the channels (c, t) = x[n, c, e stride + t dilation - padding], and one conv2d over
the N E images of C T channels gives every output. That is T copies of the input while the call lasts (none is kept for
backward), R S times less than columns of whole windows, and 3 x 3 filters stay what Winograd's tiles take. Filters of T x 1 x 1
need no copy: the volume is an image of D rows and H W columns.
"""
from .._core import (
    K_conv2d,
    K_conv2d_backward_input,
    K_conv2d_backward_weight,
    attach,
    call,
    empty,
    float32,
    is_grad_enabled,
    zeros,
)
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import LIMIT, floating, same_type, whole, whole_tuple
from .conv2d import _output_size


def conv3d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Three-dimensional convolution (cross-correlation).

    y[n, o, e, p, q] = bias[o] + sum over c, t, r, s of weight[o, c, t, r, s] * x[n, c, e stride + t dilation, ...], where x is
    `input` with `padding` zeros on each side, and c runs over the channels of o's group.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        weight: [O, C / groups, T, R, S]
        bias: [O] or None
        stride, dilation: a whole number or three, at least 1
        padding: a whole number, three, "valid" (none) or "same" (output as large as the input; stride 1 only)
        groups: how many independent groups the channels form; divides C and O
    Returns: [N, O, E, P, Q] (or [O, E, P, Q]) with E = floor((D + 2 padding - dilation (T - 1) - 1) / stride) + 1
    Raises: ShapeError where sizes do not fit, DTypeError for other element types, ArgumentError for a bad parameter

    >>> import udlfast as torch
    >>> torch.conv3d(torch.ones(1, 1, 2, 3, 3), torch.ones(1, 1, 2, 2, 2)).tolist()
    [[[[[8.0, 8.0], [8.0, 8.0]]]]]

    Source: Tran et al. 2015 (videos); Understanding Deep Learning, section 10.5.
    """
    op = "conv3d"
    if _autocast.ON:
        input, weight, bias = _autocast.low(input, weight, bias)
    O, groups = _check(op, input, weight, bias, groups, 0)
    if input.dtype.narrow:
        wide = [t if t is None else t.to(float32) for t in (input, weight, bias)]
        return _autocast.paused(conv3d, *wide, stride, padding, dilation, groups).to(input.dtype)
    if O % groups:
        raise ShapeError(f"{op}: groups {groups} must divide the {O} output channels of weight {list(weight.shape)}")
    stride, dilation = whole_tuple(op, "stride", stride, 3, 1), whole_tuple(op, "dilation", dilation, 3, 1)
    pad, size = _output_size(op, tuple(input.shape[-3:]), tuple(weight.shape[2:]), stride, padding, dilation)
    x = input if input.ndim == 5 else input.unsqueeze(0)
    y = _correlate(x, weight, bias, _geometry(x.shape, weight.shape, size, stride, pad, dilation, groups))
    return y if input.ndim == 5 else y.squeeze(0)


def conv_transpose3d(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Three-dimensional transposed convolution; see conv_transpose2d.

    Args:
        input: [N, C, E, P, Q] or [C, E, P, Q], floating point
        weight: [C, O / groups, T, R, S]
        bias: [O] or None
        stride, padding, output_padding, groups, dilation: as in conv_transpose2d, a whole number or three
    Returns: [N, O, D, H, W] with D = (E - 1) stride - 2 padding + dilation (T - 1) + output_padding + 1
    Raises: ShapeError, DTypeError, ArgumentError as conv_transpose2d

    >>> import udlfast as torch
    >>> torch.conv_transpose3d(torch.ones(1, 1, 1, 1, 2), torch.ones(1, 1, 1, 1, 2)).tolist()
    [[[[[1.0, 2.0, 1.0]]]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    op = "conv_transpose3d"
    if _autocast.ON:
        input, weight, bias = _autocast.low(input, weight, bias)
    O, groups = _check(op, input, weight, bias, groups, 1)
    if input.dtype.narrow:
        wide = [t if t is None else t.to(float32) for t in (input, weight, bias)]
        return _autocast.paused(conv_transpose3d, *wide, stride, padding, output_padding, groups, dilation).to(input.dtype)
    x_shape, w_shape = tuple(input.shape), tuple(weight.shape)
    stride, dilation = whole_tuple(op, "stride", stride, 3, 1), whole_tuple(op, "dilation", dilation, 3, 1)
    pad, extra = whole_tuple(op, "padding", padding, 3), whole_tuple(op, "output_padding", output_padding, 3)
    size = []
    for p, k, s, cut, d, e in zip(x_shape[-3:], w_shape[2:], stride, pad, dilation, extra):
        if e >= s and e >= d:
            raise ArgumentError(f"{op}: output_padding must be smaller than stride or dilation, got {output_padding} "
                                f"with stride {stride} and dilation {dilation}")
        size.append((p - 1) * s - 2 * cut + d * (k - 1) + e + 1)
        if not 0 < size[-1] <= LIMIT or not p:
            raise ShapeError(f"{op}: input {list(x_shape)} with weight {list(w_shape)}, stride {stride}, padding {padding} would "
                             f"give the output size {size[-1]}")
    x = input if input.ndim == 5 else input.unsqueeze(0)
    geometry = _geometry((x.shape[0], O, *size), w_shape, x_shape[-3:], stride, pad, dilation, groups)
    y = conv3d_backward_input(x, weight, geometry)
    y = y if bias is None else y + bias.reshape(O, 1, 1, 1)
    return y if input.ndim == 5 else y.squeeze(0)


def _check(op, input, weight, bias, groups, channels_first):
    """(number of output channels, groups), after checks of types and shapes; channels_first: the weight is [C, O / groups, ...]"""
    floating(op, input)
    same_type(op, input, weight, "weight")
    if bias is not None:
        same_type(op, input, bias, "bias")
    x_shape, w_shape, groups = tuple(input.shape), tuple(weight.shape), whole(op, "groups", groups, 1)
    if len(x_shape) not in (4, 5) or len(w_shape) != 5:
        raise ShapeError(f"{op}: expected input [N, C, D, H, W] or [C, D, H, W] and a weight with 5 dimensions, "
                         f"got input {list(x_shape)} and weight {list(w_shape)}")
    C, needed = x_shape[-4], w_shape[0] if channels_first else w_shape[1] * groups
    if C != needed or C % groups:
        raise ShapeError(f"{op}: expected input with {needed} channels (weight {list(w_shape)}, groups {groups}), "
                         f"got input {list(x_shape)} with {C}; the channels come right after the batch")
    O = w_shape[1] * groups if channels_first else w_shape[0]
    if bias is not None and tuple(bias.shape) != (O,):
        raise ShapeError(f"{op}: expected bias [{O}] for weight {list(w_shape)}, got {list(bias.shape)}")
    return O, groups


def _geometry(x_shape, w_shape, out, stride, pad, dilation, groups):
    """(shapes of input, weight and output, axis 0 as (stride, padding, dilation), sizes for the kernels of conv2d)"""
    (N, C, D, H, W), (O, _, T, R, S) = x_shape, w_shape
    sizes = (N * out[0], C * T, H, W, O, R, S, *out[1:], *stride[1:], *pad[1:], *dilation[1:], groups)
    return (N, C, D, H, W), (O, C // groups, T, R, S), (N, O, *out), (stride[0], pad[0], dilation[0]), sizes


def _slices(geometry):
    """(t, slice of the E outputs, slice of the D inputs) of every tap t that sees a part of the input"""
    (_, _, D, _, _), (_, _, T, _, _), (_, _, E, _, _), (stride, pad, dilation), _ = geometry
    for t in range(T):
        at = t * dilation - pad  # output e sees input e stride + at
        lo, hi = max(0, -(at // stride)), min(E, (D - 1 - at) // stride + 1)
        if lo < hi:
            first = lo * stride + at
            yield t, slice(lo, hi), slice(first, first + (hi - lo - 1) * stride + 1, stride)


def _columns(x, geometry):
    """[N E, C T, H, W]: the T slices under each output as channels (c, t)"""
    (N, C, D, H, W), (_, _, T, _, _), (_, _, E, _, _), axis, _ = geometry
    x = x.detach()
    if T == 1 and axis[:2] == (1, 0):
        return x.permute(0, 2, 1, 3, 4).contiguous().reshape(N * E, C, H, W)
    taps = list(_slices(geometry))
    whole_range = len(taps) == T and all(part == slice(0, E) for _, part, _ in taps)
    y = (empty if whole_range else zeros)((N, E, C, T, H, W), dtype=x.dtype)
    for t, part, source in taps:
        y[:, part, :, t].copy_(x[:, :, source].permute(0, 2, 1, 3, 4))
    return y.reshape(N * E, C * T, H, W)


def _add_up(columns, geometry):
    """The transpose of _columns: [N, C, D, H, W], every slice the sum of its copies"""
    (N, C, D, H, W), (_, _, T, _, _), (_, _, E, _, _), axis, _ = geometry
    if T == 1 and axis[:2] == (1, 0):
        return _from_images(columns, (N, C, D, H, W))
    y, columns = zeros((N, C, D, H, W), dtype=columns.dtype), columns.reshape(N, E, C, T, H, W)
    for t, part, target in _slices(geometry):
        y[:, :, target].add_(columns[:, part, :, t].permute(0, 2, 1, 3, 4))
    return y


def _to_images(y):
    """[N, O, E, P, Q] as images [N E, O, P, Q]"""
    N, O, E, P, Q = y.shape
    return y.detach().permute(0, 2, 1, 3, 4).contiguous().reshape(N * E, O, P, Q)


def _from_images(y, shape):
    N, O, E, P, Q = shape
    return y.reshape(N, E, O, P, Q).permute(0, 2, 1, 3, 4).contiguous()


def _flat(weight):
    """[O, C / groups T, R, S]"""
    O, C, T, R, S = weight.shape
    return weight.detach().contiguous().reshape(O, C * T, R, S)


def _flat_geometry(geometry):
    """Sizes for the kernels of conv2d where a filter is a column along depth: a volume is then an image of D rows of H W."""
    (N, C, D, H, W), (O, _, T, R, S), (_, _, E, P, Q), (stride, pad, dilation), sizes = geometry
    if R * S != 1 or sizes[9:13] != (1, 1, 0, 0):
        return None
    return (N, C, D, H * W, O, T, 1, E, P * Q, stride, 1, pad, 0, dilation, 1, sizes[15])


def _correlate(x, w, b, geometry):
    shape, sizes = geometry[2], geometry[4]
    flat = _flat_geometry(geometry)
    if flat:
        x, w, b = x.contiguous(), w.contiguous(), b if b is None else b.contiguous()
        y = empty(shape, x.dtype)
        call(K_conv2d, (y, x, w, b, None), (x.dtype.code, *flat), ())
        return attach(y, (x, w, b), conv3d_backward, saved=(x, w), args=(geometry,))
    y = empty((sizes[0], sizes[4], *sizes[7:9]), x.dtype)
    call(K_conv2d, (y, _columns(x, geometry), _flat(w), b if b is None else b.detach().contiguous(), None), (x.dtype.code, *sizes), ())
    return attach(_from_images(y, shape), (x, w, b), conv3d_backward, saved=(x, w), args=(geometry,))


def conv3d_backward(node, g):
    x, w = node.saved
    geometry = node.args[0]
    gx = conv3d_backward_input(g, w, geometry) if node.needs(0) else None
    gw = gb = None
    if node.needs(1) and node.needs(2) and not is_grad_enabled():  # both in one pass over g
        gw, gb = _weight_gradient(g, x, geometry, True)
    elif node.needs(1):
        gw = conv3d_backward_weight(g, x, geometry)
    if node.needs(2) and gb is None:
        gb = g.sum((0, 2, 3, 4))
    return gx, gw, gb


def conv3d_backward_input(g, w, geometry):
    """gx[n, c, d, h, w] = sum over o, t, r, s of w[o, c, t, r, s] g[n, o, e, p, q] where d = e stride + t dilation - padding.

    Linear in g and in w, hence differentiable again; also the transposed convolution.
    """
    flat = _flat_geometry(geometry)
    if flat:
        gx = empty(geometry[0], g.dtype)
        call(K_conv2d_backward_input, (gx, g.detach().contiguous(), w.detach().contiguous()), (g.dtype.code, *flat), ())
    else:
        columns = empty((geometry[4][0], *geometry[4][1:4]), g.dtype)
        call(K_conv2d_backward_input, (columns, _to_images(g), _flat(w)), (g.dtype.code, *geometry[4]), ())
        gx = _add_up(columns, geometry)
    return attach(gx, (g, w), conv3d_backward_input_backward, saved=(g, w), args=(geometry,))


def conv3d_backward_input_backward(node, gg):
    g, w = node.saved
    geometry = node.args[0]
    return (_correlate(gg, w, None, geometry) if node.needs(0) else None,
            conv3d_backward_weight(g, gg, geometry) if node.needs(1) else None)


def conv3d_backward_weight(g, x, geometry):
    """gw[o, c, t, r, s] = sum over n, e, p, q of g[n, o, e, p, q] x[n, c, e stride + t dilation - padding, ...]; linear in both."""
    gw, _ = _weight_gradient(g, x, geometry, False)
    return attach(gw, (g, x), conv3d_backward_weight_backward, saved=(g, x), args=(geometry,))


def _weight_gradient(g, x, geometry, with_bias):
    shape, sizes = geometry[1], geometry[4]
    gw = empty((shape[0], shape[1] * shape[2], *shape[3:]), g.dtype)
    gb, flat = empty((shape[0],), g.dtype) if with_bias else None, _flat_geometry(geometry)
    if flat:
        call(K_conv2d_backward_weight, (gw, gb, g.detach().contiguous(), x.detach().contiguous()), (g.dtype.code, *flat), ())
        return gw.reshape(shape), gb
    call(K_conv2d_backward_weight, (gw, gb, _to_images(g), _columns(x, geometry)), (g.dtype.code, *sizes), ())
    return gw.reshape(shape), gb


def conv3d_backward_weight_backward(node, gg):
    g, x = node.saved
    geometry = node.args[0]
    return (_correlate(x, gg, None, geometry) if node.needs(0) else None,
            conv3d_backward_input(g, gg, geometry) if node.needs(1) else None)


def conv_tbc(input, weight, bias, pad=0):
    """One-dimensional convolution of time-major batches: conv1d on [time, batch, channels].

    Args:
        input: [L, N, C], floating point
        weight: [S, C, O]
        bias: [O]
        pad: zeros before and after
    Returns: [L', N, O]
    Raises: ShapeError, DTypeError, ArgumentError as conv1d

    >>> import udlfast as torch
    >>> torch.conv_tbc(torch.ones(3, 1, 1), torch.ones(2, 1, 1), torch.zeros(1)).flatten().tolist()
    [2.0, 2.0]

    Source: Gehring et al. 2017.
    """
    from .conv2d import conv1d
    if input.ndim != 3 or weight.ndim != 3:
        raise ShapeError(f"conv_tbc: expected input [L, N, C] and weight [S, C, O], got {list(input.shape)} and {list(weight.shape)}")
    return conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad).permute(2, 0, 1).contiguous()
