"""Max pooling with windows at random places, so that the size shrinks by any factor."""
from .. import _core
from .._core import attach, empty, float32, from_numpy
from ..errors import ArgumentError, ShapeError
from ._common import floating, whole_tuple
from .pool2d import max_pool2d_backward


def fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """The largest element of windows whose places are drawn at random for every channel of every example.

    With a = (H - R) / (P - 1) and a sample u of U(0, 1), window p < P - 1 begins at row floor((p + u) a) - floor(u a), the
    last one at H - R; columns likewise.

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        kernel_size: (R, S) or one number
        output_size: (P, Q) or one number; or instead
        output_ratio: (P / H, Q / W) or one number, between 0 and 1
        return_indices: return also the positions h W + w of the maxima, int64
        _random_samples: [N, C, 2], the samples of columns and rows, to draw none
    Returns: [N, C, P, Q], or (that, indices)
    Raises: ShapeError where the windows do not fit, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> tuple(torch.nn.functional.fractional_max_pool2d(torch.ones(1, 9, 9), 2, output_ratio=0.7).shape)
    (1, 6, 6)

    Source: Graham 2014.
    """
    return _pool("fractional_max_pool2d", input, kernel_size, output_size, output_ratio, return_indices, _random_samples, 2)


def fractional_max_pool3d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """fractional_max_pool2d for volumes.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        kernel_size, output_size, output_ratio, return_indices: as in fractional_max_pool2d, one number or three
        _random_samples: [N, C, 3], the samples of depth, rows and columns
    Returns: [N, C, E, P, Q], or (that, indices)
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> tuple(torch.nn.functional.fractional_max_pool3d(torch.ones(1, 9, 9, 9), 2, output_size=4).shape)
    (1, 4, 4, 4)

    Source: Graham 2014.
    """
    return _pool("fractional_max_pool3d", input, kernel_size, output_size, output_ratio, return_indices, _random_samples, 3)


def _pool(op, input, kernel_size, output_size, output_ratio, return_indices, samples, n):
    floating(op, input)
    if input.dtype.narrow:
        y, at = _pool(op, input.to(float32), kernel_size, output_size, output_ratio, True, samples, n)
        return (y.to(input.dtype), at) if return_indices else y.to(input.dtype)
    shape = tuple(input.shape)
    if len(shape) not in (n + 1, n + 2):
        raise ShapeError(f"{op}: expected input with {n + 2} or {n + 1} dimensions, got {list(shape)}")
    image, window = shape[-n:], whole_tuple(op, "kernel_size", kernel_size, n, 1)
    if output_size is None and output_ratio is None:
        raise ArgumentError(f"{op} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        ratio = tuple(output_ratio) if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
        output_size = tuple(int(h * r) for h, r in zip(image, ratio))
    out = whole_tuple(op, "output_size", output_size, n, 1)
    if any(p + k - 1 > h for p, k, h in zip(out, window, image)):
        raise ShapeError(f"{op}: {out} windows of size {window} do not fit into {image}; make them fewer or smaller")
    N, C = (1, *shape)[-n - 2:-n] if len(shape) == n + 1 else shape[:2]
    if samples is None:
        from .random import rand
        samples = rand(N, C, n, dtype=input.dtype)
    elif samples.ndim != 3 or samples.shape[0] < N or tuple(samples.shape[1:]) != (C, n):
        raise ShapeError(f"{op}: expected _random_samples [{N}, {C}, {n}], got {list(samples.shape)}")
    samples = samples[:N]
    x = input.contiguous().reshape(N * C, -1)
    y, at = _maxima(x, _places(samples.reshape(N * C, n), image, window, out))
    y, at = y.reshape(*shape[:-n], *out), at.reshape(*shape[:-n], *out)
    y = attach(y, (input,), max_pool2d_backward, saved=(at,), args=(N * C, shape))
    return (y, at) if return_indices else y


def _places(samples, image, window, out):
    """int64 [NC, windows, elements]: positions in the image, windows and elements of a window in row-major order"""
    import numpy as np
    u, n = samples.detach().numpy(), len(image)
    flat = np.zeros((len(u), *(1,) * (2 * n)), np.int64)
    for d, (h, k, p) in enumerate(zip(image, window, out)):
        sample = u[:, n - 1 - d if n == 2 else d, None]  # of images the first sample is that of the columns
        first = np.full((len(u), p), h - k, np.int64)
        if p > 1:
            a = u.dtype.type(h - k) / u.dtype.type(p - 1)
            first[:, :-1] = ((np.arange(p - 1, dtype=u.dtype) + sample) * a).astype(np.int64) - (sample * a).astype(np.int64)
        axis = first[:, :, None] + np.arange(k)
        shape = [len(u)] + [1] * (2 * n)
        shape[1 + d], shape[1 + n + d] = p, k
        flat = flat * h + axis.reshape(shape)
    windows = 1
    for p in out:
        windows *= p
    return from_numpy(np.ascontiguousarray(flat.reshape(len(u), windows, -1)))


def _maxima(x, places):
    NC, windows, elements = places.shape
    if not places.numel():
        return empty((NC, windows), x.dtype), empty((NC, windows), _core.int64)
    seen = x.detach().gather(1, places.reshape(NC, -1)).reshape(NC, windows, elements)
    y, k = seen.max(-1)
    return y, places.gather(2, k.unsqueeze(-1)).squeeze(-1)
