"""Images [N, C, H, W] read at other places: along a homography, nearest or bilinear; and resized with filters.

Positions are numbers of rows and columns: 0 is the middle of the first pixel.
"""
import math

import numpy as np

CHUNK = 1 << 16  # pixels that are moved at a time: what they need fits into the second-level cache


def by_matrices(images, matrix, size=None, bilinear=True, fill=0.0):
    """out(x, y) = images(u, v) with (u z, v z, z) = M (x, y, 1): every image read along its own M.

    images: [N, C, H, W]. matrix: [N, 3, 3], from columns and rows of the result to those of the images. size: (height, width) of the
    result; None: as before. fill: what lies outside, a number or one a channel. Returns [N, C, *size], element type as before.
    """
    n, c, h, w = images.shape
    height, width = (h, w) if size is None else size
    out, step = np.empty((n, c, height, width), images.dtype), max(1, CHUNK // max(1, height * width))
    m = np.asarray(matrix, np.float32)[..., None, None]
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    flat = bool((matrix[:, 2] == (0, 0, 1)).all())
    for at in range(0, n, step):
        p = m[at:at + step]
        column, row = (p[:, i, 0] * x + (p[:, i, 1] * y + p[:, i, 2]) for i in (0, 1))
        if not flat:
            z = p[:, 2, 0] * x + (p[:, 2, 1] * y + p[:, 2, 2])
            z[z == 0] = np.float32(1e-12)
            column, row = column / z, row / z
        (_bilinear if bilinear else _nearest)(images[at:at + step], row, column, out[at:at + step], fill)
    return out


def _framed(images, fill, dtype):
    """Channels first, with a frame of one pixel of `fill`, which answers for everything outside: [C, N, H + 2, W + 2]"""
    n, c, h, w = images.shape
    fill = np.broadcast_to(np.asarray(fill, dtype), (c,))
    padded = np.empty((c, n, h + 2, w + 2), dtype)
    padded[:] = fill[:, None, None, None]
    padded[:, :, 1:-1, 1:-1] = images.swapaxes(0, 1)
    return padded


def _starts(n, h, w):
    return (np.arange(n) * ((h + 2) * (w + 2)))[:, None, None]


def _nearest(images, row, column, out, fill):
    n, c, h, w = images.shape
    if not out.size:
        return
    padded = _framed(images, fill, images.dtype)
    r, q = (np.rint(np.clip(a, -1, most)).astype(np.int64) + 1 for a, most in ((row, h), (column, w)))
    index = r * (w + 2) + q + _starts(n, h, w)
    for k in range(c):
        out[:, k] = padded[k].ravel().take(index)


def _bilinear(images, row, column, out, fill):
    """images at the fractional positions row, column [N, H, W] (which are overwritten), into out."""
    n, c, h, w = images.shape
    if not out.size:
        return
    padded = _framed(images, fill, np.float64 if images.dtype == np.float64 else np.float32)
    row += 1
    column += 1
    np.clip(row, 0, h + 1, row)
    np.clip(column, 0, w + 1, column)
    r0, c0 = np.minimum(row.astype(np.int32), h), np.minimum(column.astype(np.int32), w)
    row -= r0
    column -= c0
    index = (r0.astype(np.int64) * (w + 2) + c0) + _starts(n, h, w)
    left, above = 1 - column, 1 - row
    for k in range(c):
        flat = padded[k].ravel()

        def mixed(start, flat=flat):  # of the two neighbours in a row
            return flat[start:].take(index) * left + flat[start + 1:].take(index) * column

        y = mixed(0) * above + mixed(w + 2) * row
        out[:, k] = np.rint(y) if out.dtype == np.uint8 else y


def about(linear, centre, move=0.0):
    """[N, 3, 3] of x' = centre + linear (x - centre) + move. linear: [N, 2, 2]. centre, move: [N, 2] or (x, y)."""
    n = len(linear)
    m = np.zeros((n, 3, 3))
    m[:, :2, :2], m[:, 2, 2] = linear, 1
    centre = np.broadcast_to(centre, (n, 2))
    m[:, :2, 2] = centre + move - np.einsum("nij,nj->ni", linear, centre)
    return m


def affine_linear(angle, scale, shear_x, shear_y):
    """[N, 2, 2] of scale * turn(angle) * shears, angles in degrees, clockwise as one sees it (y points down).

    A = scale [cos -sin; sin cos] [1 0; -tan(sy) 1] [1 -tan(sx); 0 1]
    """
    angle, scale, sx, sy = np.broadcast_arrays(*(np.asarray(a, float) for a in (angle, scale, shear_x, shear_y)))
    angle, sx, sy = np.deg2rad(angle), np.tan(np.deg2rad(sx)), np.tan(np.deg2rad(sy))
    cos, sin = np.cos(angle), np.sin(angle)
    shear = np.stack([np.stack([np.ones_like(sx), -sx], -1), np.stack([-sy, 1 + sx * sy], -1)], -2)
    return scale[..., None, None] * (np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2) @ shear)


def homography(start, end):
    """[N, 3, 3] that takes the four points `end` [N, 4, 2] to `start` [N, 4, 2], points (x, y) counted from the image's edge.

    Eight equations u (g x + h y + 1) = a x + b y + c, v (g x + h y + 1) = d x + e y + f for the eight unknowns.
    """
    start, end = np.asarray(start, float), np.asarray(end, float)
    one, zero = np.ones(end.shape[:-1]), np.zeros(end.shape[:-1])
    (x, y), (u, v) = np.moveaxis(end, -1, 0), np.moveaxis(start, -1, 0)
    rows = [[x, y, one, zero, zero, zero, -u * x, -u * y], [zero, zero, zero, x, y, one, -v * x, -v * y]]
    left = np.concatenate([np.stack(r, -1) for r in rows], -2)
    try:
        answer = np.linalg.solve(left, np.concatenate([u, v], -1)[..., None])[..., 0]
    except np.linalg.LinAlgError as e:
        raise ValueError("perspective: three of the four points lie on a line") from e
    m = np.concatenate([answer, np.ones((len(answer), 1))], -1).reshape(-1, 3, 3)
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # a pixel's middle is half a pixel from its edge
    return np.linalg.inv(half) @ m @ half


def _triangle(x):
    return np.maximum(0, 1 - np.abs(x))


def _cubic(a):
    def weight(x):
        x = np.abs(x)
        near, far = ((a + 2) * x - (a + 3)) * x * x + 1, a * (((x - 5) * x + 8) * x - 4)
        return np.where(x < 1, near, np.where(x < 2, far, 0))

    return weight


def _taps(before, after, mode, antialias):
    """Which of `before` pixels make each of `after` (int64 [after, K]), and their weights [after, K]."""
    ratio = before / after
    if mode.startswith("nearest"):
        place = (np.arange(after) + (0.5 if mode == "nearest-exact" else 0.0)) * ratio
        return np.minimum(place.astype(np.int64), before - 1)[:, None], np.ones((after, 1))
    stretch = max(ratio, 1.0) if antialias else 1.0
    function, reach = (_triangle, 1.0) if mode == "bilinear" else (_cubic(-0.5 if antialias else -0.75), 2.0)
    centre = (np.arange(after) + 0.5) * ratio
    first = np.floor(centre - reach * stretch + 0.5).astype(np.int64)
    index = first[:, None] + np.arange(math.ceil(2 * reach * stretch) + 1)
    weight = function((index + 0.5 - centre[:, None]) / stretch)
    if antialias:
        weight = np.where((index >= 0) & (index < before), weight, 0)
    return np.clip(index, 0, before - 1), weight / weight.sum(1, keepdims=True)


def resize(images, size, mode="bilinear", antialias=True):
    """images [N, C, H, W] -> [N, C, *size]: a weighted sum of neighbours along each axis.

    With antialias a smaller result is made of all pixels (the filter grows with the ratio); without it of the nearest two or four.
    """
    whole = images.dtype == np.uint8
    if size == images.shape[2:]:
        return images.copy()
    y = images
    for axis, (before, after) in sorted(zip((2, 3), zip(images.shape[2:], size)), key=lambda a: a[1][1] / max(1, a[1][0])):
        if before == after:
            continue
        index, weight = _taps(before, after, mode, antialias)
        if weight.shape[1] == 1:
            y = y.take(index[:, 0], axis)
            continue
        y = y.astype(np.float32) if whole else y
        along = (-1, 1) if axis == 2 else (-1,)
        total = np.zeros((*y.shape[:axis], after, *y.shape[axis + 1:]), y.dtype)
        for k in range(weight.shape[1]):
            if weight[:, k].any():
                total += y.take(index[:, k], axis) * weight[:, k].astype(y.dtype).reshape(along)
        y = total
    return np.clip(np.rint(y), 0, 255).astype(np.uint8) if whole and y.dtype != np.uint8 else np.ascontiguousarray(y)
