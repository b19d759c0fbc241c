"""Changes of images without chance, under the names of torchvision.transforms.functional.

Every function takes a tensor or an array [C, H, W] or [..., C, H, W] of uint8 or floats (colours in 0..1), or a Pillow image, and
gives back what it was given, changed. `function.arrays` is the same on an array [N, C, H, W], where angles, factors and the like may be
one for each image.
"""
import functools
import math

import numpy as np

from . import _colour, _warp
from ._base import opened, pair, smooth


def images(function):
    """function(images [N, C, H, W], ...) made to take what a transform takes."""

    @functools.wraps(function)
    def public(img, *options, **named):
        array, close = opened(function.__name__, img)
        return close(function(array, *options, **named))

    public.arrays = function
    return public


@images
def hflip(img):
    """Mirrored left to right."""
    return img[..., ::-1]


@images
def vflip(img):
    """Mirrored top to bottom."""
    return img[..., ::-1, :]


@images
def pad(img, padding, fill=0, padding_mode="constant"):
    """Pixels put around: padding is one number, (left and right, top and bottom) or (left, top, right, bottom).

    fill: a number or one a channel, for padding_mode "constant"; others: "edge", "reflect", "symmetric".
    """
    sides = (padding,) if isinstance(padding, (int, np.integer)) else tuple(padding)
    if len(sides) not in (1, 2, 4):
        raise ValueError(f"pad: expected 1, 2 or 4 numbers, got {padding!r}")
    left, top, right, bottom = (sides * 4)[:4] if len(sides) < 4 else sides
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"pad: expected constant, edge, reflect or symmetric, got {padding_mode!r}")
    if min(left, top, right, bottom) < 0:
        raise ValueError(f"pad: padding must not be negative, got {padding!r}")
    if padding_mode == "constant":
        n, c, h, w = img.shape
        out = np.empty((n, c, h + top + bottom, w + left + right), img.dtype)
        out[:] = np.broadcast_to(np.asarray(fill, img.dtype), (c,))[:, None, None]
        out[:, :, top:top + h, left:left + w] = img
        return out
    return np.pad(img, ((0, 0), (0, 0), (top, bottom), (left, right)), padding_mode)


@images
def crop(img, top, left, height, width):
    """The window of height x width whose upper left pixel is (top, left); zeros where it leaves the image."""
    h, w = img.shape[2:]
    out = (max(0, -left), max(0, -top), max(0, left + width - w), max(0, top + height - h))
    if any(out):
        img, top, left = pad.arrays(img, out), top + out[1], left + out[0]
    return img[:, :, top:top + height, left:left + width]


@images
def center_crop(img, output_size):
    """The window of output_size in the middle; zeros around a smaller image."""
    height, width = pair("center_crop", output_size)
    top, left = round((img.shape[2] - height) / 2), round((img.shape[3] - width) / 2)
    return crop.arrays(img, top, left, height, width)


@images
def resize(img, size, interpolation="bilinear", max_size=None, antialias=True):
    """Images of `size` (height, width), or whose shorter side is `size`, a number; the longer one at most max_size.

    interpolation: "nearest", "nearest-exact", "bilinear" or "bicubic". antialias: a smaller image is made of all pixels.
    """
    mode = getattr(interpolation, "value", interpolation)
    if mode not in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        raise ValueError(f"resize: expected nearest, nearest-exact, bilinear or bicubic, got {interpolation!r}")
    if not min(img.shape[2:]):
        raise ValueError(f"resize: there is nothing to resize in images {list(img.shape)}")
    one = isinstance(size, (int, np.integer)) or len(size) == 1
    if max_size is not None and not one:
        raise ValueError("resize: max_size goes with one number for the shorter side")
    wanted = pair("resize", size)
    if one:
        h, w = img.shape[2:]
        short, long = wanted[0], int(wanted[0] * max(h, w) / min(h, w))
        if max_size is not None and long > max_size:
            if max_size <= wanted[0]:
                raise ValueError(f"resize: max_size {max_size} must be above size {wanted[0]}")
            short, long = int(max_size * short / long), max_size
        wanted = (short, long) if h <= w else (long, short)
    return _warp.resize(img, wanted, mode, antialias)


@images
def resized_crop(img, top, left, height, width, size, interpolation="bilinear", antialias=True):
    """A window (`crop`), resized."""
    return resize.arrays(crop.arrays(img, top, left, height, width), pair("resized_crop", size), interpolation, antialias=antialias)


def _centre(img, center):
    h, w = img.shape[2:]
    return ((w - 1) / 2, (h - 1) / 2) if center is None else (center[0] - 0.5, center[1] - 0.5)


@images
def affine(img, angle, translate=(0, 0), scale=1.0, shear=(0.0, 0.0), interpolation="nearest", fill=0, center=None):
    """Turned by `angle` degrees clockwise about `center`, slanted, made `scale` times as large, moved by translate = (right, down) pixels.

    shear: degrees along x, or (along x, along y). fill: a number or one a channel. center: (x, y) from the upper left corner.
    """
    sx, sy = (shear, 0.0) if isinstance(shear, (int, float)) else (*shear, 0.0)[:2]
    if np.any(np.asarray(scale) <= 0):
        raise ValueError(f"affine: scale must be above 0, got {scale}")
    a = _warp.affine_linear(angle, scale, sx, sy)
    a = np.broadcast_to(a, (len(img), 2, 2))
    move = np.broadcast_to(np.stack(np.broadcast_arrays(*(np.asarray(t, float) for t in translate)), -1), (len(img), 2))
    matrix = np.linalg.inv(_warp.about(a, _centre(img, center), move))
    return _warp.by_matrices(img, matrix, bilinear=smooth("affine", interpolation), fill=fill)


@images
def rotate(img, angle, interpolation="nearest", expand=False, center=None, fill=0):
    """Turned by `angle` degrees, counter-clockwise, about `center` (x, y). expand: so large that all of the image is to be seen."""
    a = np.broadcast_to(_warp.affine_linear(-np.asarray(angle, float), 1.0, 0.0, 0.0), (len(img), 2, 2))
    matrix, size = np.linalg.inv(_warp.about(a, _centre(img, center))), None
    if expand:
        if np.ndim(angle) and len(np.unique(angle)) > 1:
            raise ValueError("rotate: expand=True makes images of different sizes of a batch; turn them one by one")
        h, w = img.shape[2:]
        corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2 @ _warp.affine_linear(-float(np.ravel(angle)[0]), 1.0, 0.0, 0.0).T
        width, height = (_pixels(v + part / 2) for v, part in zip(corners.T, (w, h)))
        size = (height, width)
        matrix = matrix @ np.array([[1, 0, (w - width) / 2], [0, 1, (h - height) / 2], [0, 0, 1]])
    return _warp.by_matrices(img, matrix, size, smooth("rotate", interpolation), fill)


def _pixels(places):
    """How many pixels reach from the least to the greatest place."""
    low, high = np.round(places.min(), 4), np.round(places.max(), 4)
    return int(high - low) if (high - low) % 1 == 0 else math.ceil(high) - math.floor(low)


@images
def perspective(img, startpoints, endpoints, interpolation="bilinear", fill=0):
    """Seen from the side: the four corners `startpoints` (x, y) come to lie at `endpoints`."""
    start, end = (np.asarray(p, float).reshape(-1, 4, 2) for p in (startpoints, endpoints))
    matrix = np.broadcast_to(_warp.homography(*np.broadcast_arrays(start, end)), (len(img), 3, 3))
    return _warp.by_matrices(img, matrix, bilinear=smooth("perspective", interpolation), fill=fill)


def _factor(name, value, least=0.0, most=math.inf):
    if np.any(np.asarray(value) < least) or np.any(np.asarray(value) > most):
        raise ValueError(f"{name}: expected a factor {'of at least' if most == math.inf else 'from'} {least}"
                         f"{'' if most == math.inf else f' to {most}'}, got {value}")
    return value


@images
def adjust_brightness(img, brightness_factor):
    """Brighter: 0 gives black, 1 the image, 2 twice its colours."""
    return _colour.brightness(img, _factor("adjust_brightness", brightness_factor))


@images
def adjust_contrast(img, contrast_factor):
    """More contrast: 0 gives the mean grey, 1 the image, 2 twice the distance from that grey."""
    return _colour.contrast(img, _factor("adjust_contrast", contrast_factor))


@images
def adjust_saturation(img, saturation_factor):
    """More colour: 0 gives greys, 1 the image, 2 twice the distance from grey."""
    return _colour.saturation(img, _factor("adjust_saturation", saturation_factor))


@images
def adjust_hue(img, hue_factor):
    """The colour wheel turned by hue_factor, in turns from -0.5 to 0.5."""
    return _colour.hue(img, _factor("adjust_hue", hue_factor, -0.5, 0.5))


@images
def adjust_sharpness(img, sharpness_factor):
    """Sharper: 0 gives a smoothed image, 1 the image, 2 twice the distance from the smoothed one."""
    return _colour.sharpness(img, _factor("adjust_sharpness", sharpness_factor))


@images
def rgb_to_grayscale(img, num_output_channels=1):
    """0.2989 red + 0.587 green + 0.114 blue, in 1 or 3 equal channels."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"rgb_to_grayscale: expected 1 or 3 channels, got {num_output_channels}")
    y = _colour.grey(img)
    return np.repeat(y, 3, 1) if num_output_channels == 3 else y


@images
def invert(img):
    """Every colour taken from white."""
    return _colour.invert(img)


@images
def posterize(img, bits):
    """Only the highest `bits` (0 to 8) of every colour."""
    return _colour.posterize(img, _factor("posterize", bits, 0, 8))


@images
def solarize(img, threshold):
    """Inverted where a colour is at least `threshold`."""
    return _colour.solarize(img, threshold)


@images
def autocontrast(img):
    """Every channel stretched to reach from black to white."""
    return _colour.autocontrast(img)


@images
def equalize(img):
    """Every channel with an even histogram."""
    return _colour.equalize(img)


@images
def gaussian_blur(img, kernel_size, sigma=None):
    """Smoothed by a Gaussian.

    kernel_size: odd, a number or (along x, along y). sigma: likewise, by default 0.15 kernel_size + 0.35.
    """
    width, height = pair("gaussian_blur", kernel_size)
    if not width % 2 or not height % 2:
        raise ValueError(f"gaussian_blur: expected odd sizes, got {kernel_size}")
    sx, sy = (0.15 * width + 0.35, 0.15 * height + 0.35) if sigma is None else (sigma, sigma) if np.ndim(sigma) == 0 else sigma
    if np.any(np.asarray((sx, sy)) <= 0):
        raise ValueError(f"gaussian_blur: sigma must be above 0, got {sigma}")
    return _colour.blur(img, (height, width), (sy, sx))


@images
def erase(img, i, j, h, w, v, inplace=False):
    """The rectangle of h x w pixels at row i, column j painted with v (a number, or something that broadcasts to [C, h, w])."""
    if inplace:
        raise ValueError("erase: inplace=True is not offered; the result is a new image")
    y = img.copy()
    y[:, :, i:i + h, j:j + w] = v.numpy() if hasattr(v, "numpy") else v
    return y


@images
def normalize(img, mean, std, inplace=False):
    """(x - mean) / std, one mean and deviation a channel; floats only."""
    if inplace:
        raise ValueError("normalize: inplace=True is not offered; the result is a new image")
    if img.dtype == np.uint8:
        raise TypeError("normalize: expected floats, got uint8; ToTensor or ConvertImageDtype come first")
    mean, std = (np.asarray(v, img.dtype).reshape(-1, 1, 1) for v in (mean, std))
    if not std.all():
        raise ValueError("normalize: a deviation of 0")
    return (img - mean) / std
