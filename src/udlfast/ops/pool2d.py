"""Pooling over windows: the maximum or the mean of each.

Axis letters: NC all axes before the image (batch and channels), H W the image, P Q the result, R S the window. One
dimension is the case H = R = P = 1 of the same kernel.
"""
from .. import _core
from .._core import (
    K_avg_pool2d,
    K_avg_pool2d_backward,
    K_max_pool2d,
    K_max_pool2d_backward,
    attach,
    call,
    empty,
    float32,
    is_grad_enabled,
)
from ..errors import ArgumentError, ShapeError
from ._common import floating, whole, whole_tuple


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window.

    y[n, c, p, q] = max over r, s of input[n, c, p stride + r dilation - padding, ...]; padding counts as -infinity and
    NaN as the largest of all. The gradient goes to the first largest element of each window.

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        kernel_size, stride, padding, dilation: a whole number or a pair; stride None = kernel_size; padding at most
            half the window
        ceil_mode: round the output size up: windows may hang over the end (but not start behind it)
        return_indices: return also the positions h W + w of the maxima, int64
    Returns: [N, C, P, Q], P = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1; or (that, indices)
    Raises: ShapeError where the window does not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> torch.max_pool2d(torch.tensor([[[1., 5., 2., 0.], [3., 4., 6., 1.]]]), 2).tolist()
    [[[5.0, 6.0]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _max_pool("max_pool2d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 2)


def max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window of a signal; see max_pool2d.

    Args:
        input: [N, C, W] or [C, W], floating point
        kernel_size, stride, padding, dilation, ceil_mode, return_indices: as in max_pool2d
    Returns: [N, C, Q], or (that, indices)
    Raises: ShapeError, DTypeError, ArgumentError as max_pool2d

    >>> import udlfast as torch
    >>> torch.max_pool1d(torch.tensor([[1., 5., 2., 0.]]), 2, return_indices=True)[1].tolist()
    [[1, 2]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _max_pool("max_pool1d", input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, 1)


def _max_pool(op, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices, n):
    floating(op, input)
    wanted = return_indices or (is_grad_enabled() and input.requires_grad)
    if input.dtype.narrow and (wanted or input.dtype is not _core.bfloat16):
        y = _max_pool(op, input.to(float32), kernel_size, stride, padding, dilation, ceil_mode, return_indices, n)
        return (y[0].to(input.dtype), y[1]) if return_indices else y.to(input.dtype)
    sizes, shape = _windows(op, input, kernel_size, stride, padding, dilation, ceil_mode, n)
    x = input.contiguous()
    y = empty(shape, x.dtype)
    indices = empty(shape, _core.int64) if wanted else None
    call(K_max_pool2d, (y, indices, x), (x.dtype.code, *sizes), ())
    y = attach(y, (x,), max_pool2d_backward, saved=(indices,), args=(sizes[0], tuple(x.shape)))
    return (y, indices) if return_indices else y


def max_pool2d_backward(node, g):
    return _scatter_max(g, node.saved[0], *node.args),


def _scatter_max(g, indices, NC, shape):
    """gx[nc, indices[nc, pq]] += g[nc, pq]; linear in g, so its own gradient picks the same elements."""
    gx = empty(shape, g.dtype)
    if NC == 0 or gx.numel() == 0:
        return gx
    g = g.contiguous()
    call(K_max_pool2d_backward, (gx, g, indices), (g.dtype.code, NC, gx.numel() // NC, g.numel() // NC), ())
    return attach(gx, (g,), _scatter_max_backward, saved=(indices,), args=(NC,))


def _scatter_max_backward(node, gg):
    indices, NC = node.saved[0], node.args[0]
    picked = gg.reshape(NC, -1).gather(1, indices.reshape(NC, -1))
    return picked.reshape(indices.shape),


def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of each window.

    y[n, c, p, q] = (sum over the window of input) / d, where d is the number of elements of the window, padding
    included unless count_include_pad is False, or divisor_override

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        kernel_size, stride, padding: a whole number or a pair; stride None = kernel_size; padding at most half the
            window
        ceil_mode: round the output size up
        count_include_pad: whether padding zeros count as elements
        divisor_override: divide by this number instead
    Returns: [N, C, P, Q] with P = floor((H + 2 padding - R) / stride) + 1
    Raises: ShapeError where the window does not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> torch.avg_pool2d(torch.tensor([[[1., 5., 2., 0.], [3., 3., 6., 4.]]]), 2).tolist()
    [[[3.0, 3.0]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    if divisor_override is not None:
        divisor_override = whole("avg_pool2d", "divisor_override", divisor_override, -(2**31))
        if divisor_override == 0:
            raise ArgumentError("avg_pool2d: divisor_override must not be zero; leave it None for the window's size")
    return _avg_pool("avg_pool2d", input, kernel_size, stride, padding, ceil_mode, count_include_pad,
                     divisor_override or 0, 2)


def avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    """The mean of each window of a signal; see avg_pool2d.

    Args:
        input: [N, C, W] or [C, W], floating point
        kernel_size, stride, padding, ceil_mode, count_include_pad: as in avg_pool2d
    Returns: [N, C, Q]
    Raises: ShapeError, DTypeError, ArgumentError as avg_pool2d

    >>> import udlfast as torch
    >>> torch.avg_pool1d(torch.tensor([[1., 5., 2., 0.]]), 2).tolist()
    [[3.0, 1.0]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _avg_pool("avg_pool1d", input, kernel_size, stride, padding, ceil_mode, count_include_pad, 0, 1)


def _avg_pool(op, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor, n):
    floating(op, input)
    if input.dtype.narrow:
        return _avg_pool(op, input.to(float32), kernel_size, stride, padding, ceil_mode, count_include_pad, divisor,
                         n).to(input.dtype)
    sizes, shape = _windows(op, input, kernel_size, stride, padding, 1, ceil_mode, n)
    return _average(input, (*sizes[:-2], int(bool(count_include_pad)), divisor), shape)


def _average(input, sizes, shape):
    x = input.contiguous()
    y = empty(shape, x.dtype)
    call(K_avg_pool2d, (y, x), (x.dtype.code, *sizes), ())
    return attach(y, (x,), avg_pool2d_backward, args=(sizes, tuple(x.shape)))


def avg_pool2d_backward(node, g):
    sizes, shape = node.args
    g = g.contiguous()
    gx = empty(shape, g.dtype)
    call(K_avg_pool2d_backward, (gx, g), (g.dtype.code, *sizes), ())
    return attach(gx, (g,), _average_again, args=(sizes, tuple(g.shape))),


def _average_again(node, gg):
    """The rule above is linear in g and the transpose of the forward map: its own gradient is the forward map."""
    return _average(gg, *node.args),


def _windows(op, input, kernel_size, stride, padding, dilation, ceil_mode, n):
    """((NC, H, W, P, Q, R, S, stride, padding and dilation of each axis), shape of the result)"""
    shape = tuple(input.shape)
    if len(shape) not in (n + 1, n + 2):
        needs = ("[N, C, W] or [C, W]", "[N, C, H, W] or [C, H, W]", "[N, C, D, H, W] or [C, D, H, W]")[n - 1]
        raise ShapeError(f"{op}: expected input {needs}, got {list(shape)}")
    window = whole_tuple(op, "kernel_size", kernel_size, n, 1)
    stride = window if stride is None or stride == () or stride == [] else whole_tuple(op, "stride", stride, n, 1)
    padding, dilation = whole_tuple(op, "padding", padding, n), whole_tuple(op, "dilation", dilation, n, 1)
    if any(2 * p > (k - 1) * d + 1 for p, k, d in zip(padding, window, dilation)):
        raise ArgumentError(f"{op}: padding must be at most half the window, got padding {padding} for kernel_size "
                            f"{window}; pad the input with torch.nn.functional.pad instead")
    out = []
    for h, k, s, p, d in zip(shape[-n:], window, stride, padding, dilation):
        free = h + 2 * p - d * (k - 1) - 1
        size = (free + (s - 1 if ceil_mode else 0)) // s + 1
        if ceil_mode and (size - 1) * s >= h + p:  # a window may not start behind the input
            size -= 1
        if size < 1 or h < 1:
            raise ShapeError(f"{op}: the window spans {d * (k - 1) + 1} (size {k}, dilation {d}), more than the padded "
                             f"input's {h + 2 * p} (size {h}, padding {p}); use a smaller window or a larger input")
        out.append(size)
    NC = 1
    for s in shape[:-n]:
        NC *= s
    parts = (shape[-n:], tuple(out), window, stride, padding, dilation)
    if n == 1:  # give every part a row axis of size 1
        parts = tuple((first, *part) for first, part in zip((1, 1, 1, 1, 0, 1), parts))
    return (NC, *(v for part in parts for v in part)), (*shape[:-n], *out)
