"""RandAugment and TrivialAugment: changes drawn from a list, with little or nothing to tune."""
import numpy as np

from . import _colour, _warp
from ._base import Transform, on_chosen, smooth


def _linear(images, a, bilinear, fill, centre=True):
    """Along the matrices a [N, 2, 2] (from the result to the image), about the middle or the corner."""
    h, w = images.shape[2:]
    about = ((w - 1) / 2, (h - 1) / 2) if centre else (-0.5, -0.5)
    return _warp.by_matrices(images, _warp.about(a, about), bilinear=bilinear, fill=fill)


def _sheared(axis):
    def change(images, size, bilinear, fill):
        a = np.tile(np.eye(2), (len(images), 1, 1))
        a[:, axis, 1 - axis] = size
        return _linear(images, a, bilinear, fill, centre=False)

    return change


def _moved(axis):
    def change(images, size, bilinear, fill):
        m = np.tile(np.eye(3), (len(images), 1, 1))
        m[:, axis, 2] = -np.trunc(size)
        return _warp.by_matrices(images, m, bilinear=bilinear, fill=fill)

    return change


def _turned(images, size, bilinear, fill):
    return _linear(images, _warp.affine_linear(size, 1.0, 0.0, 0.0), bilinear, fill)


def _coloured(function):
    return lambda images, size, bilinear, fill: function(images, 1 + size)


def _plain(function):
    return lambda images, size, bilinear, fill: function(images)


CHANGES = {
    "Identity": lambda images, size, bilinear, fill: images,
    "ShearX": _sheared(0), "ShearY": _sheared(1), "TranslateX": _moved(0), "TranslateY": _moved(1), "Rotate": _turned,
    "Brightness": _coloured(_colour.brightness), "Color": _coloured(_colour.saturation), "Contrast": _coloured(_colour.contrast),
    "Sharpness": _coloured(_colour.sharpness),
    "Posterize": lambda images, size, bilinear, fill: _colour.posterize(images, np.asarray(size, int)),
    "Solarize": lambda images, size, bilinear, fill: _colour.solarize(images, np.asarray(size) * _colour.top(images)),
    "AutoContrast": _plain(_colour.autocontrast), "Equalize": _plain(_colour.equalize),
}  # fmt: skip


class _Policy(Transform):
    """SIZES: for each change the size at the greatest magnitude, and whether it goes both ways."""

    def __init__(self, num_magnitude_bins, interpolation, fill, seed):
        super().__init__(seed=seed)
        if num_magnitude_bins < 2:
            raise ValueError(f"{type(self).__name__}: num_magnitude_bins must be at least 2, got {num_magnitude_bins}")
        self.num_magnitude_bins, self.interpolation, self.fill = num_magnitude_bins, interpolation, 0 if fill is None else fill
        self._bilinear = smooth(type(self).__name__, interpolation)

    def one(self, images, rng, strength):
        """One change for each image; strength [N] in 0..1."""
        names = list(CHANGES)
        which, sign = rng.integers(0, len(names), len(images)), rng.choice([-1.0, 1.0], len(images))
        for k, name in enumerate(names):
            chosen = which == k
            if chosen.any():
                size = self.size(name, strength[chosen], sign[chosen], images.shape)
                images = on_chosen(images, chosen, lambda part, n=name, s=size: CHANGES[n](part, s, self._bilinear, self.fill))
        return images

    def size(self, name, strength, sign, shape):
        most = {**self.sizes(shape[2], shape[3]), "Solarize": 1.0}.get(name, 0.0)
        if name == "Posterize":
            return 8 - np.rint(strength * most)
        return 1 - strength if name == "Solarize" else sign * strength * most


class RandAugment(_Policy):
    """num_ops changes for each image, one after the other, drawn from fourteen, all of one magnitude.

    Moves, turns, slants, colours, posterising, solarising, contrast, equalising. num_ops: changes an image. magnitude: from 0 to
    num_magnitude_bins - 1; 9 is common. fill: what comes in from outside.

    >>> RandAugment(seed=0)(np.zeros((2, 3, 8, 8), np.uint8)).shape
    (2, 3, 8, 8)

    Source: Cubuk et al., RandAugment: practical automated data augmentation with a reduced search space, 2020.
    """

    def __init__(self, num_ops=2, magnitude=9, num_magnitude_bins=31, interpolation="nearest", fill=None, *, seed=None):
        super().__init__(num_magnitude_bins, interpolation, fill, seed)
        if num_ops < 0 or not 0 <= magnitude < num_magnitude_bins:
            raise ValueError(f"RandAugment: expected num_ops >= 0 and a magnitude from 0 to {num_magnitude_bins - 1}, got {num_ops} "
                             f"and {magnitude}")
        self.num_ops, self.magnitude = num_ops, magnitude

    @staticmethod
    def sizes(h, w):
        return {"ShearX": 0.3, "ShearY": 0.3, "TranslateX": 150 / 331 * w, "TranslateY": 150 / 331 * h, "Rotate": 30.0,
                "Brightness": 0.9, "Color": 0.9, "Contrast": 0.9, "Sharpness": 0.9, "Posterize": 4.0}

    def change(self, images, rng):
        strength = np.full(len(images), self.magnitude / (self.num_magnitude_bins - 1))
        for _ in range(self.num_ops):
            images = self.one(images, rng, strength)
        return images


class TrivialAugmentWide(_Policy):
    """One change for each image, drawn from RandAugment's fourteen, of a magnitude that is drawn too: there is nothing to tune.

    >>> TrivialAugmentWide(seed=0)(np.zeros((3, 8, 8), np.float32)).shape
    (3, 8, 8)

    Source: Mueller and Hutter, TrivialAugment: tuning-free yet state-of-the-art data augmentation, 2021.
    """

    def __init__(self, num_magnitude_bins=31, interpolation="nearest", fill=None, *, seed=None):
        super().__init__(num_magnitude_bins, interpolation, fill, seed)

    @staticmethod
    def sizes(h, w):
        return {"ShearX": 0.99, "ShearY": 0.99, "TranslateX": 32.0, "TranslateY": 32.0, "Rotate": 135.0,
                "Brightness": 0.99, "Color": 0.99, "Contrast": 0.99, "Sharpness": 0.99, "Posterize": 6.0}

    def change(self, images, rng):
        strength = rng.integers(0, self.num_magnitude_bins, len(images)) / (self.num_magnitude_bins - 1)
        return self.one(images, rng, strength)
