"""Pooling by the p-norm of each window, and the inverse of max pooling; both composed of other operations."""
from .. import _core
from ..errors import ArgumentError, ShapeError
from ._common import floating, in_range, index_tensor, whole_tuple
from .elementwise import relu, sign
from .pool2d import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from .pool3d import avg_pool3d, max_pool3d


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of each window.

    y = (sum over the window of x^p)^(1/p), NaN where the sum is negative (odd p); p = inf: the largest |x|

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        norm_type: p
        kernel_size, stride: a whole number or a pair; stride None = kernel_size
        ceil_mode: round the output size up
    Returns: [N, C, P, Q]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.lp_pool2d(torch.tensor([[[3., 4.]]]), 2, (1, 2)).tolist()
    [[[5.0]]]
    """
    window = whole_tuple("lp_pool2d", "kernel_size", kernel_size, 2, 1)
    return _lp("lp_pool2d", input, norm_type, window, window[0] * window[1], stride, ceil_mode, max_pool2d, avg_pool2d)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of each window of a signal; see lp_pool2d.

    Args:
        input: [N, C, W] or [C, W], floating point
        norm_type, kernel_size, stride, ceil_mode: as in lp_pool2d
    Returns: [N, C, Q]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.lp_pool1d(torch.tensor([[3., 4.]]), 2, 2).tolist()
    [[5.0]]
    """
    window = whole_tuple("lp_pool1d", "kernel_size", kernel_size, 1, 1)
    return _lp("lp_pool1d", input, norm_type, window, window[0], stride, ceil_mode, max_pool1d, avg_pool1d)


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of each box of volumes; see lp_pool2d.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        norm_type, kernel_size, stride, ceil_mode: as in lp_pool2d
    Returns: [N, C, E, P, Q]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.lp_pool3d(torch.tensor([[[[3., 4.]]]]), 2, (1, 1, 2)).tolist()
    [[[[5.0]]]]
    """
    window = whole_tuple("lp_pool3d", "kernel_size", kernel_size, 3, 1)
    size = window[0] * window[1] * window[2]
    return _lp("lp_pool3d", input, norm_type, window, size, stride, ceil_mode, max_pool3d, avg_pool3d)


def _lp(op, input, p, window, size, stride, ceil_mode, max_pool, avg_pool):
    floating(op, input)
    p = float(p)
    if p == 0.0:
        raise ArgumentError(f"{op}: norm_type must not be zero")
    if abs(p) == float("inf"):
        side = 1.0 if p > 0 else -1.0
        return max_pool(input.abs() * side, window, stride, 0, 1, ceil_mode) * side
    mean = avg_pool(input.pow(p), window, stride, 0, ceil_mode)
    return (sign(mean) * relu(mean.abs()) * size).pow(1.0 / p)  # sign and relu: the gradient at a mean of 0 is 0 (or NaN), not inf


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The maxima of max_pool2d put back where they were, zeros elsewhere.

    Args:
        input: [N, C, P, Q] or [C, P, Q]
        indices: the same shape, int64: the positions h W + w that max_pool2d(return_indices=True) gave
        kernel_size, stride, padding: as given to max_pool2d
        output_size: the size of the result where (P - 1) stride - 2 padding + kernel_size is not meant
    Returns: [N, C, H, W]
    Raises: ShapeError, DimError for a position outside, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.max_unpool2d(torch.tensor([[[7.]]]), torch.tensor([[[3]]]), 2).tolist()
    [[[0.0, 0.0], [0.0, 7.0]]]
    """
    return _unpool("max_unpool2d", input, indices, kernel_size, stride, padding, output_size, 2)


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The maxima of max_pool1d put back where they were, zeros elsewhere; see max_unpool2d.

    Args:
        input: [N, C, Q] or [C, Q]
        indices, kernel_size, stride, padding, output_size: as in max_unpool2d
    Returns: [N, C, W]
    Raises: ShapeError, DimError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.max_unpool1d(torch.tensor([[7.]]), torch.tensor([[1]]), 2).tolist()
    [[0.0, 7.0]]
    """
    return _unpool("max_unpool1d", input, indices, kernel_size, stride, padding, output_size, 1)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The maxima of max_pool3d put back where they were, zeros elsewhere; see max_unpool2d.

    Args:
        input: [N, C, E, P, Q] or [C, E, P, Q]
        indices, kernel_size, stride, padding, output_size: as in max_unpool2d
    Returns: [N, C, D, H, W]
    Raises: ShapeError, DimError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.max_unpool3d(torch.tensor([[[[7.]]]]), torch.tensor([[[[1]]]]), (1, 1, 2)).tolist()
    [[[[0.0, 7.0]]]]
    """
    return _unpool("max_unpool3d", input, indices, kernel_size, stride, padding, output_size, 3)


def _unpool(op, input, indices, kernel_size, stride, padding, output_size, n):
    floating(op, input)
    indices = index_tensor(op, indices, "indices")
    if input.ndim not in (n + 1, n + 2) or tuple(indices.shape) != tuple(input.shape):
        raise ShapeError(f"{op}: expected input with {n + 2} or {n + 1} dimensions and indices of its shape, got "
                         f"{list(input.shape)} and {list(indices.shape)}")
    window = whole_tuple(op, "kernel_size", kernel_size, n, 1)
    stride = window if stride is None else whole_tuple(op, "stride", stride, n, 1)
    padding = whole_tuple(op, "padding", padding, n)
    if output_size is None:
        size = tuple((p - 1) * s - 2 * a + k for p, s, a, k in zip(input.shape[-n:], stride, padding, window))
    else:
        size = whole_tuple(op, "output_size", tuple(output_size)[-n:], n, 1)
    places = 1
    for k in size:
        places *= k
    in_range(op, indices, 0, places, "indices")
    lead = tuple(input.shape[:-n])
    rows = 1
    for k in lead:
        rows *= k
    zeros = _core.zeros((rows, places), dtype=input.dtype)
    return zeros.scatter(1, indices.reshape(rows, -1), input.reshape(rows, -1)).reshape(*lead, *size)
