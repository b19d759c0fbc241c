"""Convolution in one and two dimensions.

Axis letters: N batch, C channels in, O channels out, H W rows and columns of the input, P Q of the output, R S of the
filter. One dimension is the case H = R = P = 1 of the same kernel. Cross-correlation y is linear in x and in w; it and
its two gradient rules are each other's derivatives, so gradients of any order come from the same three kernels. A filter as large as its
image is a row of a matrix product instead.
"""
import math

from .._core import (
    K_conv2d,
    K_conv2d_backward_input,
    K_conv2d_backward_weight,
    attach,
    bfloat16,
    call,
    empty,
    float16,
    float32,
    is_grad_enabled,
    linear,
    packed_filters,
)
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import LIMIT, exact, exact_type, floating, same_type, whole, whole_tuple


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Two-dimensional convolution (cross-correlation).

    y[n, o, p, q] = bias[o] + sum over c, r, s of weight[o, c, r, s] * x[n, c, p stride + r dilation, ...], where x is
    `input` with `padding` zeros on each side, and c runs over the channels of o's group.

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        weight: [O, C / groups, R, S]
        bias: [O] or None
        stride, dilation: a whole number or a pair, at least 1
        padding: a whole number, a pair, "valid" (none) or "same" (output as large as the input; stride 1 only)
        groups: how many independent groups the channels form; divides C and O
    Returns: [N, O, P, Q] (or [O, P, Q]) with P = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1
    Raises: ShapeError where sizes do not fit, DTypeError for other element types, ArgumentError for a bad parameter

    >>> import udlfast as torch
    >>> torch.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)).tolist()
    [[[[4.0, 4.0], [4.0, 4.0]]]]

    Source: Understanding Deep Learning, chapter 10.
    """
    return _convolve("conv2d", input, weight, bias, stride, padding, dilation, groups, 2)


def conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """One-dimensional convolution (cross-correlation).

    y[n, o, q] = bias[o] + sum over c, s of weight[o, c, s] * x[n, c, q stride + s dilation]

    Args:
        input: [N, C, W] or [C, W], floating point
        weight: [O, C / groups, S]
        bias: [O] or None
        stride, padding, dilation, groups: as in conv2d
    Returns: [N, O, Q] (or [O, Q])
    Raises: ShapeError, DTypeError, ArgumentError as conv2d

    >>> import udlfast as torch
    >>> torch.conv1d(torch.tensor([[[1., 2., 4.]]]), torch.tensor([[[1., -1.]]])).tolist()
    [[[-1.0, -2.0]]]

    Source: Understanding Deep Learning, section 10.2.
    """
    return _convolve("conv1d", input, weight, bias, stride, padding, dilation, groups, 1)


def _convolve(op, input, weight, bias, stride, padding, dilation, groups, n):
    floating(op, input)
    if _autocast.ON:
        if _autocast.rounds(input, weight, bias):
            input = input.to(bfloat16)  # filters and bias stay as they are: the kernel takes them in float32
        else:
            input, weight, bias = _autocast.low(input, weight, bias)
    if input.dtype is not bfloat16 or not _autocast.rounds(input, weight, bias):
        same_type(op, input, weight, "weight")
        if bias is not None:
            same_type(op, input, bias, "bias")
    if input.dtype is float16:
        wide = [t if t is None else t.to(float32) for t in (input, weight, bias)]
        return _autocast.paused(_convolve, op, *wide, stride, padding, dilation, groups, n).to(input.dtype)
    x_shape, w_shape = tuple(input.shape), tuple(weight.shape)
    axes = "[N, C, H, W] or [C, H, W]" if n == 2 else "[N, C, W] or [C, W]"
    if len(x_shape) not in (n + 1, n + 2) or len(w_shape) != n + 2:
        raise ShapeError(f"{op}: expected input {axes} and a weight with {n + 2} dimensions, "
                         f"got input {list(x_shape)} and weight {list(w_shape)}")
    batch = x_shape[:-n - 1]
    C, O, groups = x_shape[-n - 1], w_shape[0], whole(op, "groups", groups, 1)
    if C != w_shape[1] * groups:
        raise ShapeError(f"{op}: expected input with {w_shape[1] * groups} channels (weight {list(w_shape)}, groups "
                         f"{groups}), got input {list(x_shape)} with {C}; the channels come right after the batch")
    if O % groups:
        raise ShapeError(f"{op}: groups {groups} must divide the {O} output channels of weight {list(w_shape)}")
    if bias is not None and tuple(bias.shape) != (O,):
        raise ShapeError(f"{op}: expected bias [{O}] for weight {list(w_shape)}, got {list(bias.shape)}")
    stride, dilation = whole_tuple(op, "stride", stride, n, 1), whole_tuple(op, "dilation", dilation, n, 1)
    pad, size = _output_size(op, x_shape[-n:], w_shape[2:], stride, padding, dilation)
    if groups == 1 and x_shape[-n:] == w_shape[2:] and not any(pad) and weight.dtype is input.dtype:  # one pixel, which sees all: a product
        K = math.prod(w_shape[1:])
        return linear(input.reshape(*batch, K), weight.reshape(O, K), bias).reshape(*batch, O, *size)
    sizes = (batch[0] if batch else 1, C, *x_shape[-n:], O, *w_shape[2:], *size, *stride, *pad, *dilation, groups)
    if n == 1:  # give every pair a row axis of size 1
        N, _, W, _, S, Q, s, p, d, _ = sizes
        sizes = (N, C, 1, W, O, 1, S, 1, Q, 1, s, 0, p, 1, d, groups)
    return _correlate(input, weight, bias, sizes, (*batch, O, *size))


def _output_size(op, sizes, window, stride, padding, dilation):
    """(zeros before each axis, output size of each axis)"""
    if isinstance(padding, str):
        if padding == "same":
            if max(stride) > 1:
                raise ArgumentError(f'{op}: padding "same" needs stride 1, got stride {stride}; give numbers instead')
            if min(window) < 1:
                raise ShapeError(f"{op}: the filter has size {list(window)}; every side must be at least 1")
            # an even filter needs one more zero behind than before
            return tuple(d * (k - 1) // 2 for k, d in zip(window, dilation)), tuple(sizes)
        if padding != "valid":
            raise ArgumentError(f'{op}: padding must be numbers, "same" or "valid", got {padding!r}')
        padding = 0
    pad, out = whole_tuple(op, "padding", padding, len(sizes)), []
    for h, k, s, p, d in zip(sizes, window, stride, pad, dilation):
        if k < 1:
            raise ShapeError(f"{op}: the filter has size {list(window)}; every side must be at least 1")
        reach = d * (k - 1) + 1
        if h + 2 * p < reach:
            raise ShapeError(f"{op}: the filter spans {reach} (size {k}, dilation {d}), more than the padded input's "
                             f"{h + 2 * p} (size {h}, padding {p}); enlarge the input or the padding")
        out.append((h + 2 * p - reach) // s + 1)
        if out[-1] > LIMIT:
            raise ShapeError(f"{op}: an output side of {out[-1]} is too large")
    return pad, tuple(out)


def _correlate(x, w, b, sizes, shape):
    """The kernel and its tape entry. `sizes` = N C H W O R S P Q, stride, padding and dilation of each axis, groups."""
    x, w, b = x.contiguous(), w.contiguous(), b if b is None else b.contiguous()
    y, ints = empty(shape, x.dtype), (x.dtype.code, *sizes)
    ready = None if w.requires_grad and is_grad_enabled() else packed_filters(w, ints)
    call(K_conv2d, (y, x, exact(w), exact(b), ready), ints, ())
    return attach(y, (x, w, b), conv2d_backward, saved=(x, w), args=(sizes, w.dtype if b is None else b.dtype))


def conv2d_backward(node, g):
    x, w = node.saved
    sizes, bias_type = node.args
    g = g.contiguous()
    gx = conv2d_backward_input(g, w, sizes, x.shape) if node.needs(0) else None
    gw = gb = None
    kind = exact_type(x)  # of gradients of filters and bias
    if node.needs(1) and node.needs(2) and not is_grad_enabled():  # both in one pass over g
        gw, gb = empty(w.shape, kind), empty((w.shape[0],), kind)
        call(K_conv2d_backward_weight, (gw, gb, g, x), (g.dtype.code, *sizes), ())
        gw = gw.to(w.dtype)
    elif node.needs(1):
        gw = conv2d_backward_weight(g, x, sizes, w.shape).to(w.dtype)
    if node.needs(2) and gb is None:  # gb[o] = sum over n, p, q of g[n, o, p, q]
        gb = g.to(kind).reshape(sizes[0], sizes[4], sizes[7] * sizes[8]).sum((0, 2))
    return gx, gw, gb if gb is None else gb.to(bias_type)


def conv2d_backward_input(g, weight, sizes, shape):
    """gx[n, c, h, w] = sum over o, r, s of weight[o, c, r, s] g[n, o, p, q] where h = p stride + r dilation - padding.

    Linear in g and in weight, hence differentiable again; also the transposed convolution. `sizes` as in `_correlate`,
    `shape` the shape of the result.
    """
    g, weight = g.contiguous(), weight.contiguous()
    gx = empty(shape, g.dtype)
    call(K_conv2d_backward_input, (gx, g, exact(weight)), (g.dtype.code, *sizes), ())
    return attach(gx, (g, weight), conv2d_backward_input_backward, saved=(g, weight), args=(sizes,))


def conv2d_backward_input_backward(node, gg):
    g, w = node.saved
    sizes = node.args[0]
    return (_correlate(gg, w, None, sizes, g.shape) if node.needs(0) else None,
            conv2d_backward_weight(g, gg, sizes, w.shape).to(w.dtype) if node.needs(1) else None)


def conv2d_backward_weight(g, x, sizes, shape):
    """gw[o, c, r, s] = sum over n, p, q of g[n, o, p, q] x[n, c, p stride + r dilation, q stride + s dilation]

    Linear in g and in x, hence differentiable again. Of bfloat16 g and x in float32.
    """
    g, x = g.contiguous(), x.contiguous()
    gw = empty(shape, exact_type(g))
    call(K_conv2d_backward_weight, (gw, None, g, x), (g.dtype.code, *sizes), ())
    return attach(gw, (g, x), conv2d_backward_weight_backward, saved=(g, x), args=(sizes,))


def conv2d_backward_weight_backward(node, gg):
    g, x = node.saved
    sizes = node.args[0]
    return (_correlate(x, gg, None, sizes, g.shape) if node.needs(0) else None,
            conv2d_backward_input(g, gg, sizes, x.shape) if node.needs(1) else None)
