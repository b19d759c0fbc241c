"""Random changes of an image's colours."""
import numpy as np

from . import functional as F
from ._base import Transform, opened, pair, probability, span, with_chance


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in random order (one order a call).

    brightness, contrast, saturation: factors are drawn from 1 - b to 1 + b, or from b = (least, most). hue: from -h to h turns of the
    colour wheel, at most 0.5.

    >>> ColorJitter(0.4, 0.4, 0.4, 0.1, seed=0)(np.full((3, 4, 4), 100, np.uint8)).dtype
    dtype('uint8')
    """

    def __init__(self, brightness=0, contrast=0, saturation=0, hue=0, *, seed=None):
        super().__init__(seed=seed)
        self.brightness, self.contrast, self.saturation = (
            span(f"ColorJitter: {name}", value, 1.0, 0.0)
            for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation)))
        self.hue = span("ColorJitter: hue", hue)
        if max(map(abs, self.hue)) > 0.5:
            raise ValueError(f"ColorJitter: hue must lie between -0.5 and 0.5, got {hue}")

    def change(self, images, rng):
        steps = ((F.adjust_brightness, self.brightness, 1), (F.adjust_contrast, self.contrast, 1),
                 (F.adjust_saturation, self.saturation, 1), (F.adjust_hue, self.hue, 0))
        for k in rng.permutation(4):
            function, (low, high), none = steps[k]
            if (low, high) != (none, none):
                images = function.arrays(images, rng.uniform(low, high, len(images)))
        return images


class Grayscale(Transform):
    """`functional.rgb_to_grayscale`."""

    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def change(self, images, rng):
        return F.rgb_to_grayscale.arrays(images, self.num_output_channels)


class _Chance(Transform):
    """A change that takes place with probability p."""

    def __init__(self, p=0.5, *, seed=None):
        super().__init__(seed=seed)
        self.p = probability(type(self).__name__, p)

    def change(self, images, rng):
        return with_chance(images, rng, self.p, self.apply)


class RandomGrayscale(_Chance):
    """Grey with probability p, in as many channels as before."""

    def __init__(self, p=0.1, *, seed=None):
        super().__init__(p, seed=seed)

    def apply(self, images, rng):
        return F.rgb_to_grayscale.arrays(images, images.shape[1])


class RandomInvert(_Chance):
    """Every colour taken from white, with probability p."""

    def apply(self, images, rng):
        return F.invert.arrays(images)


class RandomAutocontrast(_Chance):
    """Every channel stretched to reach from black to white, with probability p."""

    def apply(self, images, rng):
        return F.autocontrast.arrays(images)


class RandomEqualize(_Chance):
    """Every channel with an even histogram, with probability p."""

    def apply(self, images, rng):
        return F.equalize.arrays(images)


class RandomPosterize(_Chance):
    """Only the highest `bits` of every colour, with probability p."""

    def __init__(self, bits, p=0.5, *, seed=None):
        super().__init__(p, seed=seed)
        self.bits = bits

    def apply(self, images, rng):
        return F.posterize.arrays(images, self.bits)


class RandomSolarize(_Chance):
    """Colours of at least `threshold` inverted, with probability p."""

    def __init__(self, threshold, p=0.5, *, seed=None):
        super().__init__(p, seed=seed)
        self.threshold = threshold

    def apply(self, images, rng):
        return F.solarize.arrays(images, self.threshold)


class RandomAdjustSharpness(_Chance):
    """`functional.adjust_sharpness`, with probability p."""

    def __init__(self, sharpness_factor, p=0.5, *, seed=None):
        super().__init__(p, seed=seed)
        self.sharpness_factor = sharpness_factor

    def apply(self, images, rng):
        return F.adjust_sharpness.arrays(images, self.sharpness_factor)


class GaussianBlur(Transform):
    """Smoothed by a Gaussian of kernel_size odd pixels whose deviation is drawn from sigma = (least, most)."""

    def __init__(self, kernel_size, sigma=(0.1, 2.0), *, seed=None):
        super().__init__(seed=seed)
        self.kernel_size = pair("GaussianBlur", kernel_size)
        self.sigma = span("GaussianBlur: sigma", (sigma, sigma) if np.ndim(sigma) == 0 else sigma, least=1e-6)

    def change(self, images, rng):
        sigma = rng.uniform(*self.sigma, len(images))
        return F.gaussian_blur.arrays(images, self.kernel_size, (sigma, sigma))


class GaussianNoise(Transform):
    """Normal noise of `mean` and deviation `sigma` (colours in 0..1) added to floats; clip: held in 0..1."""

    def __init__(self, mean=0.0, sigma=0.1, clip=True, *, seed=None):
        super().__init__(seed=seed)
        self.mean, self.sigma, self.clip = mean, span("GaussianNoise: sigma", (sigma, sigma), least=0)[0], clip

    def change(self, images, rng):
        if images.dtype == np.uint8:
            raise TypeError("GaussianNoise: expected floats, got uint8; ToTensor or ConvertImageDtype come first")
        y = images + (self.mean + self.sigma * rng.standard_normal(images.shape, np.float32)).astype(images.dtype)
        return np.clip(y, 0, 1) if self.clip else y


class Normalize(Transform):
    """(x - mean) / std, one mean and deviation a channel; floats only.

    >>> Normalize([0.5], [0.25])(np.ones((1, 1, 2), np.float32)).tolist()
    [[[2.0, 2.0]]]
    """

    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def change(self, images, rng):
        return F.normalize.arrays(images, self.mean, self.std, self.inplace)


class ConvertImageDtype(Transform):
    """Colours as another element type: bytes 0..255 become floats 0..1 and the other way round."""

    def __init__(self, dtype):
        super().__init__()
        import udlfast

        kinds = {udlfast.uint8: np.uint8, udlfast.float32: np.float32, udlfast.float64: np.float64}
        if dtype not in kinds:
            raise TypeError(f"ConvertImageDtype: expected uint8, float32 or float64, got {dtype}")
        self.dtype, self._kind = dtype, kinds[dtype]

    def change(self, images, rng):
        before, after = images.dtype, np.dtype(self._kind)
        if before == after:
            return images
        if after == np.uint8:
            return np.clip(images * 255.999, 0, 255).astype(np.uint8)
        return (images / after.type(255)).astype(after) if before == np.uint8 else images.astype(after)


class PILToTensor:
    """A Pillow image as a tensor [C, H, W] of bytes."""

    def __call__(self, image):
        from ..._core import from_numpy

        images, close = opened("PILToTensor", image)
        if not hasattr(close, "func"):
            raise TypeError(f"PILToTensor: expected a Pillow image, got {type(image).__name__}")
        return from_numpy(images[0])

    def __repr__(self):
        return f"{type(self).__name__}()"


class ToTensor(PILToTensor):
    """A Pillow image or an array [H, W] or [H, W, C] as a tensor [C, H, W]; bytes become floats in 0..1.

    >>> ToTensor()(np.full((2, 3, 1), 255, np.uint8)).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """

    def __call__(self, image):
        from ..._core import from_numpy

        if isinstance(image, np.ndarray):
            if image.ndim not in (2, 3):
                raise ValueError(f"ToTensor: expected an array [H, W] or [H, W, C], got shape {list(image.shape)}")
            a = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        else:
            a = PILToTensor.__call__(self, image).numpy()
        return from_numpy(a / np.float32(255) if a.dtype == np.uint8 else np.ascontiguousarray(a))


class ToPILImage:
    """A tensor [C, H, W] or an array [H, W, C] of bytes or floats in 0..1 as a Pillow image."""

    def __call__(self, x):
        try:
            import PIL.Image as pillow
        except ImportError as e:
            raise ImportError("ToPILImage: pillow is not installed; install it with: pip install 'udlfast[data]'") from e
        a = x if isinstance(x, np.ndarray) else x.detach().numpy().transpose(1, 2, 0)
        if a.ndim not in (2, 3):
            raise ValueError(f"ToPILImage: expected one image, got shape {list(a.shape)}")
        a = a if a.dtype == np.uint8 else np.clip(a * 255, 0, 255).astype(np.uint8)
        return pillow.fromarray(np.ascontiguousarray(a[..., 0] if a.ndim == 3 and a.shape[2] == 1 else a))

    def __repr__(self):
        return "ToPILImage()"
