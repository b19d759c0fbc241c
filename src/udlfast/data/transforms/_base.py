"""What all transforms share: what they take and give, and where their random numbers come from."""
import copy
import functools
import sys

import numpy as np

from ..._core import from_numpy
from ...utils.data import get_worker_info
from ...utils.data.sampler import random_seed


def opened(name, x):
    """(images [N, C, H, W], what gives them back as what x was): of a tensor, an array or a Pillow image."""
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(x, pillow.Image):
        return _from_pillow(name, x), functools.partial(_to_pillow, name, pillow)
    tensor = not isinstance(x, np.ndarray)
    if tensor and not hasattr(x, "numpy"):
        raise TypeError(f"{name}: expected a tensor, an array or a Pillow image, got {type(x).__name__}")
    a = x.detach().numpy() if tensor else x
    if a.dtype not in (np.uint8, np.float16, np.float32, np.float64):
        raise TypeError(f"{name}: expected images of uint8 or floats, got {a.dtype}")
    if a.ndim < 3:
        raise ValueError(f"{name}: expected images [C, H, W] or [N, C, H, W], got shape {list(a.shape)}")
    lead, kind = a.shape[:-3], a.dtype
    images = a.reshape(int(np.prod(lead)), *a.shape[-3:])
    images = images.astype(np.float32) if kind == np.float16 else images

    def close(y):
        y = np.ascontiguousarray(y.astype(np.float16) if kind == np.float16 and y.dtype == np.float32 else y)
        y = y.reshape(*lead, *y.shape[1:])
        return from_numpy(y) if tensor else y

    return images, close


def _from_pillow(name, image):
    if image.mode not in ("L", "RGB", "RGBA", "LA", "F"):
        raise TypeError(f"{name}: Pillow images of mode {image.mode!r} are not taken; image.convert('RGB') makes one that is")
    a = np.array(image)
    return (a[None] if a.ndim == 2 else np.ascontiguousarray(a.transpose(2, 0, 1)))[None]


def _to_pillow(name, pillow, y):
    if len(y) != 1 or y.shape[1] > 4:
        raise ValueError(f"{name}: {list(y.shape)} is not one image")
    return pillow.fromarray(np.ascontiguousarray(y[0, 0] if y.shape[1] == 1 else y[0].transpose(1, 2, 0)))


class Randomness:
    """Gives the generator of a call.

    seed: None: one seeded from udlfast's default generator, so that `manual_seed` decides and `fit` keeps it in its checkpoints; a number
    or a NumPy Generator: its own, which goes on from call to call. In a DataLoader's worker both depend on the worker's seed too,
    which is another one for each worker and each pass, and follows from the loader's generator.
    """

    def __init__(self, seed):
        if not (seed is None or isinstance(seed, (int, np.integer, np.random.Generator))):
            raise TypeError(f"seed: expected None, a number or a NumPy Generator, got {type(seed).__name__}")
        if isinstance(seed, (int, np.integer)) and seed < 0:
            raise ValueError(f"seed: must not be negative, got {seed}")
        self.seed, self._made, self._worker = seed, None, None

    def generator(self):
        info = get_worker_info()
        worker = None if info is None else info.seed
        if self.seed is None:
            return np.random.default_rng(random_seed())
        own = isinstance(self.seed, np.random.Generator)
        if own and worker is None:
            return self.seed
        if self._made is None or worker != self._worker:
            key = copy.deepcopy(self.seed).integers(2**53) if own else self.seed
            self._made, self._worker = np.random.default_rng([key] if worker is None else [key, worker]), worker
        return self._made


class Transform:
    """A change of images: call it with a tensor or array [C, H, W] or [..., C, H, W], uint8 or float (colours in 0..1), or a Pillow image.

    It gives back what it was given, changed. Each image of a batch gets draws of its own. A class of your own defines
    `change(images, rng)`, images being an array [N, C, H, W] that must not be written to.

    seed: where random numbers come from: None: udlfast's default generator (`manual_seed`); a number, or a NumPy Generator.
    """

    def __init__(self, *, seed=None):
        self._randomness = Randomness(seed)

    def __call__(self, x):
        images, close = opened(type(self).__name__, x)
        return close(self.draw_and_change(images, None))

    def draw_and_change(self, images, rng):
        """`change` with the generator of this transform, or with that of the one around it if this one has no seed."""
        if rng is None or self._randomness.seed is not None:
            rng = self._randomness.generator()
        return self.change(images, rng)

    @property
    def generator(self):
        """The NumPy Generator of a transform with a seed: name it in `train.fit(generators=[...])`. None without a seed."""
        return None if self._randomness.seed is None else self._randomness.generator()

    def change(self, images, rng):
        raise NotImplementedError(f"{type(self).__name__} does not define change(images, rng)")

    def __repr__(self):
        shown = {k: v for k, v in vars(self).items() if not k.startswith("_")}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in shown.items())})"


def with_chance(images, rng, p, function):
    """function(the images that are drawn with probability p, rng) in place of them."""
    chosen = rng.random(len(images)) < p
    return on_chosen(images, chosen, lambda part: function(part, rng))


def on_chosen(images, chosen, function):
    """function(images[chosen]) in place of them: bool [N]."""
    if not chosen.any():
        return images
    if chosen.all():
        return function(images)
    made = function(images[chosen])
    if made.shape[1:] != images.shape[1:] or made.dtype != images.dtype:
        raise ValueError(f"a transform made {list(made.shape[1:])} {made.dtype} of some images of a batch of {list(images.shape[1:])} "
                         f"{images.dtype}; what changes the shape has to change all of them")
    out = images.copy()
    out[chosen] = made
    return out


def pair(name, value):
    """(height, width) of a number or of two."""
    try:
        values = (value, value) if isinstance(value, (int, np.integer)) else tuple(int(v) for v in value)
    except TypeError as e:
        raise TypeError(f"{name}: expected a number or two, got {value!r}") from e
    values = values * 2 if len(values) == 1 else values
    if len(values) != 2 or min(values) < 1:
        raise ValueError(f"{name}: expected (height, width) of at least 1, got {value!r}")
    return values


def span(name, value, around=0.0, least=None):
    """(low, high): of two numbers, or of one that says how far to go from `around` both ways."""
    if isinstance(value, (int, float, np.number)):
        if value < 0:
            raise ValueError(f"{name}: a single number must not be negative, got {value}")
        value = (around - value, around + value)
        value = value if least is None else (max(least, value[0]), value[1])
    low, high = (float(v) for v in value)
    if low > high or (least is not None and low < least):
        raise ValueError(f"{name}: expected low <= high{'' if least is None else f', both at least {least}'}, got {value!r}")
    return low, high


def probability(name, p):
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: expected a probability, got {p}")
    return float(p)


def smooth(name, interpolation):
    """Whether an interpolation is bilinear: strings or an enumeration with such values."""
    mode = getattr(interpolation, "value", interpolation)
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"{name}: expected interpolation 'nearest' or 'bilinear', got {interpolation!r}")
    return mode == "bilinear"
