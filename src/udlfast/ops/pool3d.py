"""Pooling over windows of volumes, on the kernels of pool2d.

A box is a window of slices times a window of each slice, so its maximum (or mean) is that over depth of those of the slices:
first every slice [H, W] -> [P, Q], then depth, with [D, P Q] as an image whose windows are T x 1. Among equal elements
the first in the order of the box is found, as its slice is the first and within the slice it is the first.
"""
from .. import _core
from .._core import K_max_pool2d, attach, call, empty, float32, is_grad_enabled
from ..errors import ArgumentError
from ._common import floating, whole
from .pool2d import _average, _windows, max_pool2d_backward


def max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each box; see max_pool2d.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        kernel_size, stride, padding, dilation: a whole number or three; stride None = kernel_size; padding at most half the window
        ceil_mode: round the output size up
        return_indices: return also the positions (d H + h) W + w of the maxima, int64
    Returns: [N, C, E, P, Q], or (that, indices)
    Raises: ShapeError where the window does not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> torch.max_pool3d(torch.arange(8.).reshape(1, 2, 2, 2), 2).item()
    7.0

    Source: Understanding Deep Learning, section 10.4.
    """
    op = "max_pool3d"
    floating(op, input)
    if input.dtype.narrow:
        y = max_pool3d(input.to(float32), kernel_size, stride, padding, dilation, ceil_mode, return_indices)
        return (y[0].to(input.dtype), y[1]) if return_indices else y.to(input.dtype)
    slices, depth, shape = _stages(op, input, kernel_size, stride, padding, dilation, ceil_mode)
    x = input.contiguous()
    y, indices = pooled_max(K_max_pool2d, x, slices, depth, shape, return_indices or is_grad_enabled())
    y = attach(y, (x,), max_pool2d_backward, saved=(indices,), args=(depth[0], tuple(x.shape)))
    return (y, indices) if return_indices else y


def pooled_max(kernel, x, slices, depth, shape, wanted):
    """Maxima of both stages, and their positions in the volume if `wanted`. `slices` and `depth` are the kernel's integers:
    planes, rows, columns, rows and columns of the result ..."""
    (H, W, P, Q), (NC, D, _, E, _) = slices[1:5], depth[:5]
    first = empty((NC, D * P * Q), x.dtype)
    at_first = empty((NC, D * P * Q), _core.int64) if wanted else None
    call(kernel, (first, at_first, x.detach()), (x.dtype.code, *slices), ())
    y, at = empty(shape, x.dtype), empty((NC, E * P * Q), _core.int64) if wanted else None
    call(kernel, (y, at, first), (x.dtype.code, *depth), ())
    if not wanted or not y.numel():
        return y, empty(shape, _core.int64) if wanted else None
    d = at // (P * Q)
    return y, d.mul_(H * W).add_(at_first.gather(1, at)).reshape(shape)


def avg_pool3d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    """The mean of each box; see avg_pool2d.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        kernel_size, stride, padding: a whole number or three; stride None = kernel_size; padding at most half the window
        ceil_mode: round the output size up
        count_include_pad: whether padding zeros count as elements
        divisor_override: divide by this number instead
    Returns: [N, C, E, P, Q]
    Raises: ShapeError where the window does not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> torch.avg_pool3d(torch.arange(8.).reshape(1, 2, 2, 2), 2).item()
    3.5

    Source: Understanding Deep Learning, section 10.4.
    """
    op = "avg_pool3d"
    floating(op, input)
    if divisor_override is not None:
        divisor_override = whole(op, "divisor_override", divisor_override, -(2**31))
        if divisor_override == 0:
            raise ArgumentError(f"{op}: divisor_override must not be zero; leave it None for the window's size")
    if input.dtype.narrow:
        return avg_pool3d(input.to(float32), kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override).to(input.dtype)
    slices, depth, shape = _stages(op, input, kernel_size, stride, padding, 1, ceil_mode)
    include, divisor = int(bool(count_include_pad)), divisor_override or 0
    NC, D, E = depth[0], depth[1], depth[3]
    y = _average(input, (*slices[:-2], include, int(divisor != 0)), (NC, D, *slices[3:5]))
    return _average(y, (*depth[:-2], include, divisor), (NC, E, *slices[3:5])).reshape(shape)


def _stages(op, input, kernel_size, stride, padding, dilation, ceil_mode):
    """(integers of the kernel for the slices, the same for depth, shape of the result)"""
    numbers, shape = _windows(op, input, kernel_size, stride, padding, dilation, ceil_mode, 3)
    NC, axes = numbers[0], list(zip(*(numbers[1 + 3 * i:4 + 3 * i] for i in range(6))))
    slices = (NC * axes[0][0], *(v for pair in zip(*axes[1:]) for v in pair))
    flat = axes[1][1] * axes[2][1]
    depth = (NC, *(v for pair in zip(axes[0], (flat, flat, 1, 1, 0, 1)) for v in pair))
    return slices, depth, shape
