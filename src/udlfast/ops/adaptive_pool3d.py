"""Pooling of volumes to a given size: first every slice by the kernels of adaptive_pool2d, then depth (see pool3d)."""
from .._core import K_adaptive_max_pool2d, attach, float32
from ._common import floating
from .adaptive_pool2d import _average, _sizes
from .pool2d import max_pool2d_backward
from .pool3d import pooled_max


def adaptive_avg_pool3d(input, output_size):
    """The means of E by P by Q boxes that cover the volume; see adaptive_avg_pool2d.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        output_size: E, or (E, P, Q); None keeps the size of the input on that axis
    Returns: [N, C, E, P, Q]
    Raises: ShapeError for another number of dimensions or an empty volume, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.adaptive_avg_pool3d(torch.arange(8.).reshape(1, 2, 2, 2), 1).item()
    3.5

    Source: Understanding Deep Learning, section 10.4.
    """
    op = "adaptive_avg_pool3d"
    floating(op, input)
    if input.dtype.narrow:
        return adaptive_avg_pool3d(input.to(float32), output_size).to(input.dtype)
    slices, depth, shape = _stages(op, input, output_size)
    NC, D, E, image = depth[0], depth[1], depth[3], slices[3:]
    return _average(_average(input, slices, (NC, D, *image)), depth, (NC, E, *image)).reshape(shape)


def adaptive_max_pool3d(input, output_size, return_indices=False):
    """The maxima of E by P by Q boxes that cover the volume; see adaptive_max_pool2d.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        output_size: E, or (E, P, Q); None keeps the size of the input on that axis
        return_indices: return also the positions (d H + h) W + w of the maxima, int64
    Returns: [N, C, E, P, Q], or (that, indices)
    Raises: ShapeError for another number of dimensions or an empty volume, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.adaptive_max_pool3d(torch.arange(8.).reshape(1, 2, 2, 2), 1).item()
    7.0

    Source: Understanding Deep Learning, section 10.4.
    """
    op = "adaptive_max_pool3d"
    floating(op, input)
    if input.dtype.narrow:
        y, indices = adaptive_max_pool3d(input.to(float32), output_size, True)
        return (y.to(input.dtype), indices) if return_indices else y.to(input.dtype)
    slices, depth, shape = _stages(op, input, output_size)
    x = input.contiguous()
    y, indices = pooled_max(K_adaptive_max_pool2d, x, slices, depth, shape, True)
    y = attach(y, (x,), max_pool2d_backward, saved=(indices,), args=(depth[0], tuple(x.shape)))
    return (y, indices) if return_indices else y


def _stages(op, input, output_size):
    """(planes, H, W, P, Q) for the slices, (planes, D, P Q, E, P Q) for depth, shape of the result"""
    (NC, D, H, W, E, P, Q), shape = _sizes(op, input, output_size, 3)
    return (NC * D, H, W, P, Q), (NC, D, P * Q, E, P * Q), shape
