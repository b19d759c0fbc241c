"""Random changes of training images that leave their class as it is, as functions for whole batches; `transforms` has them as classes.

Every function takes images [N, C, H, W] as a tensor or an array and a NumPy Generator (or the seed of one), and returns what it
was given, changed: a tensor for a tensor. Each image gets draws of its own. Equal seeds give equal results.
"""
import numpy as np

from .transforms import _warp
from .transforms.geometry import RandomCrop, RandomErasing, RandomHorizontalFlip, RandomVerticalFlip


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
    angle = np.deg2rad(rng.uniform(-degrees, degrees, (n, 1, 1))).ravel()
    size = rng.uniform(1 - scale, 1 + scale, (n, 1, 1)).ravel()
    dy, dx = rng.uniform(-shift, shift, (2, n, 1, 1)).reshape(2, n) * ((h,), (w,))
    slant = rng.uniform(-shear, shear, (n, 1, 1)).ravel() if shear else 0.0
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    a = np.stack([np.stack([cos - slant * sin, -sin], -1), np.stack([sin + slant * cos, cos], -1)], -2)  # of (column, row)
    return wrap(_warp.by_matrices(images, _warp.about(a, ((w - 1) / 2, (h - 1) / 2), np.stack([dx, dy], -1))))


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
    height, width = images.shape[2:] if size is None else size
    if padding < 0 or height < 1 or width < 1:
        raise ValueError(f"random_crop: a window of {height}x{width} with padding {padding} does not fit into any image")
    return wrap(RandomCrop((height, width), padding).change(images, rng))


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
    return wrap(RandomVerticalFlip(vertical).change(RandomHorizontalFlip(horizontal).change(images, rng), rng))


def random_erase(x, rng, *, probability: float = 0.5, area=(0.02, 0.2), aspect: float = 3.0, value: float = 0.0):
    """A rectangle of every image of x painted over, with the given probability.

    x: [N, C, H, W]. rng: a NumPy Generator or a seed. area: the least and largest part of the image. aspect: sides differ by
    a factor of up to this. value: the colour. Returns an array or tensor like x.

    Source: Zhong et al., Random erasing data augmentation, 2020.
    """
    images, rng, wrap = _given("random_erase", x, rng)
    return wrap(RandomErasing(probability, area, (1 / aspect, aspect), value).change(images, rng))


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
