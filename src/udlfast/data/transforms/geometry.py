"""Random changes of where things are in an image."""
import math

import numpy as np

from . import _warp
from . import functional as F
from ._base import Transform, pair, probability, smooth, span, with_chance


class Resize(Transform):
    """`functional.resize`: images of `size` (height, width), or whose shorter side is `size`.

    >>> Resize((5, 6))(np.zeros((3, 8, 8), np.float32)).shape
    (3, 5, 6)
    """

    def __init__(self, size, interpolation="bilinear", max_size=None, antialias=True):
        super().__init__()
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def change(self, images, rng):
        return F.resize.arrays(images, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """`functional.center_crop`: the window of `size` in the middle."""

    def __init__(self, size):
        super().__init__()
        self.size = pair("CenterCrop", size)

    def change(self, images, rng):
        return F.center_crop.arrays(images, self.size)


class Pad(Transform):
    """`functional.pad`: pixels put around the image."""

    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def change(self, images, rng):
        return F.pad.arrays(images, self.padding, self.fill, self.padding_mode)


class RandomCrop(Transform):
    """A window of `size` at a random place of every image.

    size: a number or (height, width). padding, fill, padding_mode: put around first (`Pad`). pad_if_needed: a smaller image is padded.
    Raises ValueError when the window does not fit.

    >>> RandomCrop((5, 6), seed=0)(np.ones((2, 1, 8, 8), np.float32)).shape
    (2, 1, 5, 6)
    """

    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant", *, seed=None):
        super().__init__(seed=seed)
        self.size, self.padding, self.pad_if_needed = pair("RandomCrop", size), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    def change(self, images, rng):
        height, width = self.size
        before = images.shape
        if self.padding is not None:
            images = F.pad.arrays(images, self.padding, self.fill, self.padding_mode)
        if self.pad_if_needed:
            more = max(0, width - images.shape[3]), max(0, height - images.shape[2])
            images = F.pad.arrays(images, more, self.fill, self.padding_mode)
        n, c, h, w = images.shape
        if height > h or width > w:
            raise ValueError(f"RandomCrop: a window of {height}x{width} does not fit into images of {before[2]}x{before[3]} with padding "
                             f"{self.padding}")
        top, left = rng.integers(0, h - height + 1, n), rng.integers(0, w - width + 1, n)
        windows = np.lib.stride_tricks.sliding_window_view(images, (height, width), (2, 3))
        return windows[np.arange(n), :, top, left].reshape(n, c, height, width)


class RandomResizedCrop(Transform):
    """A window of random size and shape, resized to `size`: what networks for ImageNet are trained on.

    scale: range of the window's area, as a part of the image. ratio: range of width / height, drawn evenly in its logarithm.

    >>> RandomResizedCrop(4, seed=0)(np.ones((2, 1, 8, 8), np.float32)).shape
    (2, 1, 4, 4)

    Source: Szegedy et al., Going deeper with convolutions, 2015.
    """

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), interpolation="bilinear", antialias=True, *, seed=None):
        super().__init__(seed=seed)
        self.size, self.interpolation, self.antialias = pair("RandomResizedCrop", size), interpolation, antialias
        self.scale, self.ratio = span("RandomResizedCrop: scale", tuple(scale), least=0), span("ratio", tuple(ratio), least=1e-6)

    def change(self, images, rng):
        n, c, h, w = images.shape
        out = np.empty((n, c, *self.size), images.dtype)
        for k, (top, left, height, width) in enumerate(windows(rng, n, h, w, self.scale, self.ratio)):
            if not height:
                top, left, height, width = self._whole(h, w)
            part = images[k:k + 1, :, top:top + height, left:left + width]
            out[k] = F.resize.arrays(part, self.size, self.interpolation, None, self.antialias)[0]
        return out

    def _whole(self, h, w):
        """As much as the range of shapes allows, from the middle."""
        width = min(w, round(h * self.ratio[1]))
        height = min(h, round(w / self.ratio[0]))
        return (h - height) // 2, (w - width) // 2, height, width


def windows(rng, n, h, w, scale, ratio):
    """int [N, 4]: top, left, height, width of n rectangles; the first of ten draws that fits into h x w, or zeros."""
    area = h * w * rng.uniform(*scale, (n, 10))
    shape = np.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1]), (n, 10)))
    wide, high = np.rint(np.sqrt(area * shape)).astype(int), np.rint(np.sqrt(area / shape)).astype(int)
    fits = (wide > 0) & (wide <= w) & (high > 0) & (high <= h)
    first, row = fits.argmax(1), np.arange(n)
    high, wide = (np.where(fits.any(1), a[row, first], 0) for a in (high, wide))
    top, left = (rng.random(n) * (h - high + 1)).astype(int), (rng.random(n) * (w - wide + 1)).astype(int)
    return np.stack([top, left, high, wide], 1)


class _Flip(Transform):
    def __init__(self, p=0.5, *, seed=None):
        super().__init__(seed=seed)
        self.p = probability(type(self).__name__, p)

    def change(self, images, rng):
        return with_chance(images, rng, self.p, lambda part, _: self.flip(part))


class RandomHorizontalFlip(_Flip):
    """Mirrored left to right with probability p.

    >>> RandomHorizontalFlip(p=1)(np.float32([[[1, 2, 3]]])).ravel().tolist()
    [3.0, 2.0, 1.0]
    """

    flip = staticmethod(F.hflip.arrays)


class RandomVerticalFlip(_Flip):
    """Mirrored top to bottom with probability p."""

    flip = staticmethod(F.vflip.arrays)


class RandomRotation(Transform):
    """Turned by an angle drawn evenly from -degrees to degrees, or from degrees = (least, most).

    expand, center, fill, interpolation: as `functional.rotate` has them.
    """

    def __init__(self, degrees, interpolation="nearest", expand=False, center=None, fill=0, *, seed=None):
        super().__init__(seed=seed)
        self.degrees, self.expand, self.center, self.fill = span("RandomRotation: degrees", degrees), expand, center, fill
        self.interpolation = interpolation
        smooth("RandomRotation", interpolation)

    def change(self, images, rng):
        angle = rng.uniform(*self.degrees, len(images))
        return F.rotate.arrays(images, angle, self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(Transform):
    """Turned, moved, made larger or smaller and slanted at random, by one matrix.

    degrees: as for `RandomRotation`. translate: largest moves (along x, along y) as parts of width and height, in whole pixels. scale:
    (least, most). shear: degrees along x, -shear to shear; (least, most) along x; or four numbers, the last two along y.

    >>> x = np.eye(5, dtype=np.float32)[None]
    >>> bool((RandomAffine(0)(x) == x).all())
    True
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None, interpolation="nearest", fill=0, center=None, *, seed=None):
        super().__init__(seed=seed)
        self.degrees = span("RandomAffine: degrees", degrees)
        self.translate, self.fill, self.center, self.interpolation = translate, fill, center, interpolation
        if translate is not None and (len(translate) != 2 or not 0 <= min(translate) <= max(translate) <= 1):
            raise ValueError(f"RandomAffine: translate must be two numbers from 0 to 1, got {translate!r}")
        self.scale = None if scale is None else span("RandomAffine: scale", tuple(scale), least=1e-6)
        along = shear if shear is None or np.ndim(shear) == 0 else tuple(shear)
        if isinstance(along, tuple) and len(along) not in (2, 4):
            raise ValueError(f"RandomAffine: shear must be one, two or four numbers, got {shear!r}")
        self.shear = None if along is None else [span("RandomAffine: shear", along)] if np.ndim(along) == 0 else [
            span("RandomAffine: shear", along[k:k + 2]) for k in range(0, len(along), 2)]
        smooth("RandomAffine", interpolation)

    def change(self, images, rng):
        n, (h, w) = len(images), images.shape[2:]
        angle = rng.uniform(*self.degrees, n)
        move = [np.rint(rng.uniform(-part * size, part * size, n)) for part, size in zip(self.translate or (0, 0), (w, h))]
        size = rng.uniform(*self.scale, n) if self.scale else 1.0
        slant = [rng.uniform(*s, n) for s in self.shear or ()] + [0.0, 0.0]
        return F.affine.arrays(images, angle, move, size, slant[:2], self.interpolation, self.fill, self.center)


class RandomPerspective(Transform):
    """Seen from the side, with probability p: every corner moves inwards by up to half of distortion_scale of the width and height."""

    def __init__(self, distortion_scale=0.5, p=0.5, interpolation="bilinear", fill=0, *, seed=None):
        super().__init__(seed=seed)
        self.distortion_scale = probability("RandomPerspective: distortion_scale", distortion_scale)
        self.p = probability("RandomPerspective", p)
        self.interpolation, self.fill = interpolation, fill
        smooth("RandomPerspective", interpolation)

    def change(self, images, rng):
        return with_chance(images, rng, self.p, self._seen)

    def _seen(self, images, rng):
        n, (h, w) = len(images), images.shape[2:]
        corners = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], float)
        most = (int(self.distortion_scale * (w // 2)), int(self.distortion_scale * (h // 2)))
        inwards = rng.integers(0, np.array(most) + 1, (n, 4, 2)) * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        matrix = _warp.homography(np.broadcast_to(corners, (n, 4, 2)), corners + inwards)
        return _warp.by_matrices(images, matrix, bilinear=smooth("RandomPerspective", self.interpolation), fill=self.fill)


class RandomErasing(Transform):
    """A rectangle painted over, with probability p.

    scale: range of its area, as a part of the image. ratio: range of width / height. value: a number, one a channel, or "random" (normal
    noise). Nothing is painted where ten draws did not fit.

    Source: Zhong et al., Random erasing data augmentation, 2020.
    """

    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False, *, seed=None):
        super().__init__(seed=seed)
        if inplace:
            raise ValueError("RandomErasing: inplace=True is not offered; the result is a new image")
        self.p, self.value = probability("RandomErasing", p), value
        self.scale, self.ratio = span("RandomErasing: scale", tuple(scale), least=0), span("RandomErasing: ratio", tuple(ratio), least=1e-6)
        if isinstance(value, str) and value != "random":
            raise ValueError(f'RandomErasing: value must be a number, one a channel, or "random", got {value!r}')

    def change(self, images, rng):
        n, c, h, w = images.shape
        chosen, out = rng.random(n) < self.p, images.copy()
        for k, (i, j, high, wide) in enumerate(windows(rng, n, h, w, self.scale, self.ratio)):
            if chosen[k] and high:
                noise = self.value == "random" if isinstance(self.value, str) else False
                colour = rng.standard_normal((c, high, wide)) if noise else np.reshape(self.value, (-1, 1, 1))
                out[k, :, i:i + high, j:j + wide] = colour
        return out
