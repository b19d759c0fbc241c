"""Pooling to a given size: the windows are cut so that the result has it.

Window p of P over an axis of size H covers floor(p H / P) .. ceil((p + 1) H / P) - 1.
"""
from .. import _core
from .._core import (
    K_adaptive_avg_pool2d,
    K_adaptive_avg_pool2d_backward,
    K_adaptive_max_pool2d,
    attach,
    call,
    empty,
    float32,
)
from ..errors import ArgumentError, ShapeError
from ._common import floating, whole
from .pool2d import max_pool2d_backward


def adaptive_avg_pool2d(input, output_size):
    """The means of P by Q windows that cover the image.

    y[n, c, p, q] = mean of input[n, c, h, w] over rows floor(p H / P) .. ceil((p + 1) H / P) - 1, columns likewise

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        output_size: P, or (P, Q); None keeps the size of the input on that axis
    Returns: [N, C, P, Q]
    Raises: ShapeError for another number of dimensions or an empty image, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.adaptive_avg_pool2d(torch.tensor([[[1., 2., 6.], [3., 6., 6.]]]), 1).tolist()
    [[[4.0]]]

    Source: Understanding Deep Learning, section 10.4 (global average pooling: Lin et al. 2014).
    """
    return _adaptive_avg("adaptive_avg_pool2d", input, output_size, 2)


def adaptive_avg_pool1d(input, output_size):
    """The means of Q windows that cover the signal; see adaptive_avg_pool2d.

    Args:
        input: [N, C, W] or [C, W], floating point
        output_size: Q
    Returns: [N, C, Q]
    Raises: ShapeError, DTypeError, ArgumentError as adaptive_avg_pool2d

    >>> import udlfast as torch
    >>> torch.nn.functional.adaptive_avg_pool1d(torch.tensor([[1., 2., 6., 8.]]), 2).tolist()
    [[1.5, 7.0]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _adaptive_avg("adaptive_avg_pool1d", input, output_size, 1)


def _adaptive_avg(op, input, output_size, n):
    floating(op, input)
    if input.dtype.narrow:
        return _adaptive_avg(op, input.to(float32), output_size, n).to(input.dtype)
    return _average(input, *_sizes(op, input, output_size, n))


def _average(input, sizes, shape):
    x = input.contiguous()
    y = empty(shape, x.dtype)
    call(K_adaptive_avg_pool2d, (y, x), (x.dtype.code, *sizes), ())
    return attach(y, (x,), adaptive_avg_pool2d_backward, args=(sizes, tuple(x.shape)))


def adaptive_avg_pool2d_backward(node, g):
    sizes, shape = node.args
    g = g.contiguous()
    gx = empty(shape, g.dtype)
    call(K_adaptive_avg_pool2d_backward, (gx, g), (g.dtype.code, *sizes), ())
    return attach(gx, (g,), _average_again, args=(sizes, tuple(g.shape))),


def _average_again(node, gg):
    """The rule above is linear in g and the transpose of the forward map: its own gradient is the forward map."""
    return _average(gg, *node.args),


def adaptive_max_pool2d(input, output_size, return_indices=False):
    """The maxima of P by Q windows that cover the image.

    y[n, c, p, q] = max of input[n, c, h, w] over rows floor(p H / P) .. ceil((p + 1) H / P) - 1, columns likewise

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        output_size: P, or (P, Q); None keeps the size of the input on that axis
        return_indices: return also the positions h W + w of the maxima, int64
    Returns: [N, C, P, Q], or (that, indices)
    Raises: ShapeError for another number of dimensions or an empty image, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.adaptive_max_pool2d(torch.tensor([[[1., 2., 6.], [3., 7., 6.]]]), 1).tolist()
    [[[7.0]]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _adaptive_max("adaptive_max_pool2d", input, output_size, return_indices, 2)


def adaptive_max_pool1d(input, output_size, return_indices=False):
    """The maxima of Q windows that cover the signal; see adaptive_max_pool2d.

    Args:
        input: [N, C, W] or [C, W], floating point
        output_size: Q
        return_indices: return also the positions of the maxima, int64
    Returns: [N, C, Q], or (that, indices)
    Raises: ShapeError, DTypeError, ArgumentError as adaptive_max_pool2d

    >>> import udlfast as torch
    >>> torch.nn.functional.adaptive_max_pool1d(torch.tensor([[1., 2., 6., 8.]]), 2).tolist()
    [[2.0, 8.0]]

    Source: Understanding Deep Learning, section 10.4.
    """
    return _adaptive_max("adaptive_max_pool1d", input, output_size, return_indices, 1)


def _adaptive_max(op, input, output_size, return_indices, n):
    floating(op, input)
    if input.dtype.narrow:
        y, indices = _adaptive_max(op, input.to(float32), output_size, True, n)
        y = y.to(input.dtype)
        return (y, indices) if return_indices else y
    sizes, shape = _sizes(op, input, output_size, n)
    x = input.contiguous()
    y, indices = empty(shape, x.dtype), empty(shape, _core.int64)
    call(K_adaptive_max_pool2d, (y, indices, x), (x.dtype.code, *sizes), ())
    y = attach(y, (x,), max_pool2d_backward, saved=(indices,), args=(sizes[0], tuple(x.shape)))
    return (y, indices) if return_indices else y


def _sizes(op, input, output_size, n):
    """((NC, H, W, P, Q), shape of the result)"""
    shape = tuple(input.shape)
    if len(shape) not in (n + 1, n + 2):
        needs = ("[N, C, W] or [C, W]", "[N, C, H, W] or [C, H, W]", "[N, C, D, H, W] or [C, D, H, W]")[n - 1]
        raise ShapeError(f"{op}: expected input {needs}, got {list(shape)}")
    if min(shape[-n:]) < 1 or (len(shape) == n + 2 and not shape[1]):
        raise ShapeError(f"{op}: expected an input with elements (only the batch may be empty), got {list(shape)}")
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * n
    if len(wanted) != n:
        raise ArgumentError(f"{op}: expected output_size to be one number or {n} of them, got {output_size!r}")
    out = tuple(h if p is None else whole(op, "output_size", p) for p, h in zip(wanted, shape[-n:]))
    NC = 1
    for s in shape[:-n]:
        NC *= s
    sizes = (NC, 1, shape[-1], 1, *out) if n == 1 else (NC, *shape[-n:], *out)
    return sizes, (*shape[:-n], *out)
