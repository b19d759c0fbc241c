"""Colours of images [N, C, H, W]: float in 0..1 or uint8. A factor is a number or one for each image [N]."""
import numpy as np

LUMA = np.float32([0.2989, 0.587, 0.114])


def top(images):
    """White: 255 for bytes, 1 for floats."""
    return 255 if images.dtype == np.uint8 else 1


def each(value, images):
    """A number, or one for each image, to multiply images with."""
    value = np.asarray(value, np.float64 if images.dtype == np.float64 else np.float32)
    return value.reshape(-1, 1, 1, 1) if value.ndim else value


def floats(images):
    return images.astype(np.float32) if images.dtype == np.uint8 else images


def blend(images, other, factor):
    """factor * images + (1 - factor) * other, held in the range of colours."""
    factor = each(factor, images)
    y = np.clip(factor * floats(images) + (1 - factor) * floats(other), 0, top(images))
    return y.astype(images.dtype)  # bytes are cut off, as Pillow's and torchvision's are


def grey(images):
    """[N, 1, H, W]: 0.2989 red + 0.587 green + 0.114 blue."""
    if images.shape[1] == 1:
        return images
    if images.shape[1] != 3:
        raise ValueError(f"expected images of 1 or 3 channels, got {images.shape[1]}")
    y = np.einsum("nchw,c->nhw", floats(images), LUMA.astype(floats(images).dtype))[:, None]
    return y.astype(images.dtype)


def brightness(images, factor):
    return blend(images, np.zeros((), images.dtype), factor)


def contrast(images, factor):
    mean = floats(grey(images)).mean((1, 2, 3), keepdims=True, dtype=np.float64)
    return blend(images, mean.astype(floats(images).dtype), factor)


def saturation(images, factor):
    return blend(images, grey(images), factor) if images.shape[1] != 1 else images


def hue(images, factor):
    """The colour wheel turned by factor (in turns), by way of hue, saturation and value."""
    if images.shape[1] == 1:
        return images
    x = floats(images) / top(images)
    r, g, b = (x[:, k] for k in range(3))
    value, low = x.max(1), x.min(1)
    chroma = value - low
    safe = np.where(chroma == 0, 1, chroma)
    h = np.where(value == r, (g - b) / safe, np.where(value == g, 2 + (b - r) / safe, 4 + (r - g) / safe))
    factor = each(factor, images)
    h = (h / 6 + (factor[:, 0] if factor.ndim else factor)) % 1.0 * 6
    # red, green, blue are value minus chroma times a trapezium of the hue, moved by 5, 3 and 1 sixths of a turn
    parts = [value - chroma * np.clip(np.minimum((k + h) % 6, 4 - (k + h) % 6), 0, 1) for k in (5, 3, 1)]
    y = np.stack(parts, 1) * top(images)
    return (np.floor(y + 0.5) if images.dtype == np.uint8 else y).astype(images.dtype)


def sharpness(images, factor):
    """Blended with a smoothed copy (nine neighbours, the middle one five times); the border stays."""
    if min(images.shape[2:]) < 3:
        return images
    x, (h, w) = floats(images), images.shape[2:]
    inner = 4 * x[:, :, 1:-1, 1:-1]
    for i in range(3):
        for j in range(3):
            inner = inner + x[:, :, i:h - 2 + i, j:w - 2 + j]
    smooth = x.copy()
    smooth[:, :, 1:-1, 1:-1] = np.rint(inner / 13) if images.dtype == np.uint8 else inner / 13
    return blend(images, smooth, factor)


def invert(images):
    return top(images) - images


def posterize(images, bits):
    """Only the highest `bits` of 8 of every colour."""
    bits = np.asarray(bits)
    bits = bits.reshape(-1, 1, 1, 1) if bits.ndim else bits
    if images.dtype == np.uint8:
        return images & (256 - (1 << (8 - bits))).astype(np.uint8)
    levels = each(np.exp2(bits.astype(float)).ravel() if bits.ndim else np.exp2(float(bits)), images)
    return np.clip(np.floor(images * levels), 0, levels - 1) / levels


def solarize(images, threshold):
    """Inverted where a colour reaches the threshold."""
    return np.where(images >= each(threshold, images), invert(images), images)


def autocontrast(images):
    """Every channel stretched so that its least number is black and its greatest white."""
    x = floats(images)
    low, high = x.min((2, 3), keepdims=True), x.max((2, 3), keepdims=True)
    flat = low == high
    y = np.where(flat, x, np.clip((x - low) / np.where(flat, 1, high - low) * top(images), 0, top(images)))
    return y.astype(images.dtype)


def equalize(images):
    """Every channel mapped through its cumulative histogram, so that all bytes are about equally frequent."""
    if images.dtype != np.uint8:
        return (equalize(np.clip(images * 255.999, 0, 255).astype(np.uint8)) / 255).astype(images.dtype)
    out = images.copy()
    for image in out.reshape(-1, *images.shape[2:]):
        counts = np.bincount(image.ravel(), minlength=256)
        used = np.flatnonzero(counts)
        step = (counts.sum() - counts[used[-1]]) // 255 if len(used) else 0
        if step:
            before = np.concatenate([[0], np.cumsum(counts)[:-1]])
            image[:] = np.minimum((before + step // 2) // step, 255).astype(np.uint8)[image]
    return out


def blur(images, size, sigma):
    """A Gaussian of size (height, width) pixels and deviation sigma (rows, columns), each [N] or numbers; edges are reflected."""
    x = floats(images)
    for axis, length, deviation in zip((2, 3), size, sigma):
        if length // 2 >= images.shape[axis]:
            raise ValueError(f"gaussian_blur: a kernel of {length} is too large for images of {images.shape[2]}x{images.shape[3]}")
        place = np.arange(length) - (length - 1) / 2
        weight = np.exp(-0.5 * (place / np.asarray(deviation, float).reshape(-1, 1)) ** 2)
        weight = (weight / weight.sum(1, keepdims=True)).astype(x.dtype)
        half = [(0, 0)] * 4
        half[axis] = (length // 2, length // 2)
        padded, total = np.pad(x, half, "reflect"), 0
        for k in range(length):
            part = [slice(None)] * 4
            part[axis] = slice(k, k + images.shape[axis])
            total = total + padded[tuple(part)] * weight[:, k].reshape(-1, 1, 1, 1)
        x = total
    return np.rint(x).astype(np.uint8) if images.dtype == np.uint8 else x
