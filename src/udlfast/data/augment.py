"""Random changes of training images that leave their class as it is, whole batches at a time.

Every function takes images [N, C, H, W] as a tensor or an array and a NumPy Generator (or the seed of one), and returns what it
was given, changed: a tensor for a tensor. Each image gets draws of its own. Equal seeds give equal results.
"""
import numpy as np

CHUNK = 1 << 16  # pixels that are moved at a time: what they need fits into the second-level cache


def random_affine(x, rng, *, degrees: float = 10.0, shift: float = 0.1, scale: float = 0.1, shear: float = 0.0):
    """Every image of x turned, moved, scaled and slanted at random, sampled bilinearly, zeros outside.

        x'(q) = x(c + A (q - c) + t),  A = rotation(angle) slant(s) / size,  c the centre

    x: tensor or array [N, C, H, W] float32. rng: a NumPy Generator or a seed. degrees: largest turn. shift: largest move,
    as a part of the height and width. scale: sizes are drawn from 1 - scale to 1 + scale. shear: largest s.
    Returns an array like x, as a tensor when x is one. Raises ValueError for another shape.

    >>> x = np.eye(5, dtype=np.float32).reshape(1, 1, 5, 5)
    >>> np.array_equal(random_affine(x, 0, degrees=0, shift=0, scale=0), x)
    True
    """
    images, rng, wrap = _given("random_affine", x, rng)
    n, _, h, w = images.shape
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (n, 1, 1)))
    size = rng.uniform(1 - scale, 1 + scale, (n, 1, 1))
    dy, dx = (rng.uniform(-shift, shift, (2, n, 1, 1)).T * (h, w)).T if n else np.zeros((2, 0, 1, 1))
    slant = rng.uniform(-shear, shear, (n, 1, 1)) if shear else 0.0
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    rows = [a.astype(np.float32) for a in (cos, sin + slant * cos, (h - 1) / 2 + dy)]
    columns = [a.astype(np.float32) for a in (-sin, cos - slant * sin, (w - 1) / 2 + dx)]
    v = (np.arange(h, dtype=np.float32) - np.float32((h - 1) / 2))[:, None]
    u = np.arange(w, dtype=np.float32) - np.float32((w - 1) / 2)
    out, step = np.empty_like(images), max(1, CHUNK // max(1, h * w))
    for at in range(0, n, step):
        part = slice(at, at + step)
        where = (p[part] * v + q[part] * u + r[part] for p, q, r in (rows, columns))
        _bilinear(images[part], *where, out[part])
    return wrap(out)


def random_rotation(x, rng, *, degrees: float = 10.0):
    """Every image of x turned about its centre by up to `degrees` either way, zeros outside.

    x: [N, C, H, W]. rng: a NumPy Generator or a seed. Returns an array or tensor like x.
    """
    return random_affine(x, rng, degrees=degrees, shift=0.0, scale=0.0)


def random_crop(x, rng, size=None, *, padding: int = 0):
    """A window of `size` at a random place of every image.

    x: [N, C, H, W]. rng: a NumPy Generator or a seed. size: (height, width); without it that of x. padding: zeros put
    around first. Returns [N, C, *size]. Raises ValueError for a window larger than the padded image.

    >>> random_crop(np.ones((2, 1, 8, 8), np.float32), 0, (5, 6)).shape
    (2, 1, 5, 6)
    """
    images, rng, wrap = _given("random_crop", x, rng)
    n, c, h, w = images.shape
    height, width = (h, w) if size is None else size
    down, right = h + 2 * padding - height, w + 2 * padding - width
    if padding < 0 or height < 1 or width < 1 or down < 0 or right < 0:
        raise ValueError(f"random_crop: a window of {height}x{width} does not fit into images of {h}x{w} with padding {padding}")
    if padding:
        images = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    top, left = rng.integers(0, down + 1, n), rng.integers(0, right + 1, n)
    windows = np.lib.stride_tricks.sliding_window_view(images, (height, width), (2, 3))
    return wrap(np.ascontiguousarray(windows[np.arange(n), :, top, left]).reshape(n, c, height, width))


def random_shift(x, rng, *, pixels: int = 2):
    """Every image of x moved by up to `pixels` whole pixels in both directions, zeros where nothing was.

    x: [N, C, H, W]. rng: a NumPy Generator or a seed. Returns an array or tensor like x.
    """
    return random_crop(x, rng, padding=pixels)


def random_flip(x, rng, *, horizontal: float = 0.5, vertical: float = 0.0):
    """Every image of x mirrored left to right and top to bottom with these probabilities.

    x: [N, C, H, W]. rng: a NumPy Generator or a seed. Returns an array or tensor like x.

    >>> random_flip(np.float32([[[[1, 2, 3]]]]), 0, horizontal=1).ravel().tolist()
    [3.0, 2.0, 1.0]
    """
    images, rng, wrap = _given("random_flip", x, rng)
    for axis, probability in ((3, horizontal), (2, vertical)):
        chosen = rng.random(len(images)) < probability
        images = np.where(chosen[:, None, None, None], np.flip(images, axis), images)
    return wrap(images)


def random_erase(x, rng, *, probability: float = 0.5, area=(0.02, 0.2), aspect: float = 3.0, value: float = 0.0):
    """A rectangle of every image of x painted over, with the given probability.

    x: [N, C, H, W]. rng: a NumPy Generator or a seed. area: the least and largest part of the image. aspect: sides differ by
    a factor of up to this. value: the colour. Returns an array or tensor like x.

    Source: Zhong et al., Random erasing data augmentation, 2020.
    """
    images, rng, wrap = _given("random_erase", x, rng)
    n, _, h, w = images.shape
    ratio = np.exp(rng.uniform(-np.log(aspect), np.log(aspect), n))
    part = rng.uniform(*area, n) * h * w * (rng.random(n) < probability)
    high, wide = np.minimum(h, np.sqrt(part * ratio)).round(), np.minimum(w, np.sqrt(part / ratio)).round()
    top, left = (rng.random(n) * (h - high + 1)).astype(np.int64), (rng.random(n) * (w - wide + 1)).astype(np.int64)
    row, column = np.arange(h) - top[:, None], np.arange(w) - left[:, None]
    inside = ((row >= 0) & (row < high[:, None]))[:, :, None] & ((column >= 0) & (column < wide[:, None]))[:, None, :]
    return wrap(np.where(inside[:, None], np.float32(value), images))


class Augment:
    """Several changes, one after the other, with one generator: a callable for `fit(augment=...)`.

    seed: of the generator. steps: functions like those of this file, or pairs (function, its options).

    >>> change = Augment(0, random_flip, (random_shift, {"pixels": 1}))
    >>> change(np.zeros((4, 1, 6, 6), np.float32)).shape
    (4, 1, 6, 6)
    """

    def __init__(self, seed, *steps):
        self.rng = np.random.default_rng(seed)
        self.steps = [step if isinstance(step, tuple) else (step, {}) for step in steps]

    def __call__(self, x):
        for function, options in self.steps:
            x = function(x, self.rng, **options)
        return x


def _given(name, x, rng):
    """(images float32, generator, what turns the result into the kind of x)"""
    tensor = not isinstance(x, np.ndarray)
    images = np.asarray(x.numpy() if tensor else x, np.float32)
    if images.ndim != 4:
        raise ValueError(f"{name}: expected images [N, C, H, W], got shape {list(images.shape)}")
    if isinstance(rng, (int, np.integer)):
        rng = np.random.default_rng(rng)
    if not tensor:
        return images, rng, np.ascontiguousarray
    from .. import from_numpy

    return images, rng, lambda a: from_numpy(np.ascontiguousarray(a))


def _bilinear(images, row, column, out):
    """images [N, C, H, W] at the fractional positions row, column [N, H, W], into out."""
    n, c, h, w = images.shape
    if not images.size:
        return
    padded = np.zeros((c, n, h + 2, w + 2), np.float32)  # a frame of zeros answers for everything outside
    padded[:, :, 1:-1, 1:-1] = images.swapaxes(0, 1)
    row += 1
    column += 1
    np.clip(row, 0, h + 1, row)
    np.clip(column, 0, w + 1, column)
    r0, c0 = np.minimum(row.astype(np.int32), h), np.minimum(column.astype(np.int32), w)
    row -= r0
    column -= c0
    index = (r0.astype(np.int64) * (w + 2) + c0) + (np.arange(n) * ((h + 2) * (w + 2)))[:, None, None]
    left, above = 1 - column, 1 - row
    for k in range(c):
        flat = padded[k].ravel()

        def mixed(start, flat=flat):  # of the two neighbours in a row
            return flat[start:].take(index) * left + flat[start + 1:].take(index) * column

        out[:, k] = mixed(0) * above + mixed(w + 2) * row
