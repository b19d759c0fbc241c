"""Random changes of training images that leave their class as it is."""
import numpy as np


def random_affine(x, rng, *, degrees: float = 10.0, shift: float = 0.1, scale: float = 0.1):
    """Every image of x turned, moved and scaled at random, sampled bilinearly, zeros outside.

        x'(q) = x(c + A (q - c) + t),  A = rotation(angle) / size,  c the centre

    x: tensor or array [N, C, H, W] float32. rng: a NumPy Generator. degrees: largest turn. shift: largest move, as a
    part of the height and width. scale: sizes are drawn from 1 - scale to 1 + scale.
    Returns an array like x, as a tensor when x is one.
    """
    tensor = not isinstance(x, np.ndarray)
    images = np.asarray(x.numpy() if tensor else x, np.float32)
    if images.ndim != 4:
        raise ValueError(f"random_affine: expected images [N, C, H, W], got shape {list(images.shape)}")
    n, _, h, w = images.shape
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (n, 1, 1)))
    size = rng.uniform(1 - scale, 1 + scale, (n, 1, 1))
    dy, dx = (rng.uniform(-shift, shift, (2, n, 1, 1)).T * (h, w)).T if n else np.zeros((2, 0, 1, 1))
    v = np.arange(h)[:, None] - (h - 1) / 2
    u = np.arange(w)[None, :] - (w - 1) / 2
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    out = _bilinear(images, (h - 1) / 2 + cos * v + sin * u + dy, (w - 1) / 2 - sin * v + cos * u + dx)
    if not tensor:
        return out
    from .. import from_numpy

    return from_numpy(out)


def _bilinear(images, row, column):
    """images [N, C, H, W] at the fractional positions row, column [N, H, W]."""
    n, c, h, w = images.shape
    padded = np.zeros((n, c, h + 2, w + 2), np.float32)  # a frame of zeros answers for everything outside
    padded[:, :, 1:-1, 1:-1] = images
    row = np.clip(row + 1, 0, h + 1)
    column = np.clip(column + 1, 0, w + 1)
    r0 = np.minimum(row.astype(np.int64), h)
    c0 = np.minimum(column.astype(np.int64), w)
    fr = (row - r0).astype(np.float32)[:, None]
    fc = (column - c0).astype(np.float32)[:, None]
    flat = padded.reshape(n, c, (h + 2) * (w + 2))

    def at(dr, dc):
        index = ((r0 + dr) * (w + 2) + c0 + dc).reshape(n, 1, h * w)
        return np.take_along_axis(flat, index, 2).reshape(n, c, *row.shape[1:])

    return ((at(0, 0) * (1 - fc) + at(0, 1) * fc) * (1 - fr) + (at(1, 0) * (1 - fc) + at(1, 1) * fc) * fr)
