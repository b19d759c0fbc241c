"""Windows of an image as columns of a matrix, and back."""
from .. import _core
from .._core import attach, empty, float32
from ..errors import ShapeError
from ._common import floating, whole_tuple


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The windows that a convolution would look at, each as a column.

    y[n, (c, r, s), (p, q)] = x[n, c, p stride + r dilation - padding, ...], 0 outside the image

    Args:
        input: [N, C, H, W] or [C, H, W], floating point
        kernel_size, dilation, padding, stride: a whole number or a pair
    Returns: [N, C R S, P Q] or [C R S, P Q]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.unfold(torch.tensor([[[1., 2., 3.]]]), (1, 2)).tolist()
    [[1.0, 2.0], [2.0, 3.0]]

    Source: Understanding Deep Learning, section 10.3.
    """
    op = "unfold"
    floating(op, input)
    if input.dtype.narrow:
        return unfold(input.to(float32), kernel_size, dilation, padding, stride).to(input.dtype)
    if input.ndim not in (3, 4):
        raise ShapeError(f"{op}: expected input [N, C, H, W] or [C, H, W], got {list(input.shape)}")
    geometry = _geometry(op, tuple(input.shape[-2:]), kernel_size, dilation, padding, stride)
    y = _columns(input if input.ndim == 4 else input.unsqueeze(0), geometry)
    return y if input.ndim == 4 else y.squeeze(0)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The columns of windows added up to an image: the transpose of unfold.

    y[n, c, p stride + r dilation - padding, ...] = sum of input[n, (c, r, s), (p, q)]

    Args:
        input: [N, C R S, P Q] or [C R S, P Q], floating point
        output_size: (H, W)
        kernel_size, dilation, padding, stride: a whole number or a pair
    Returns: [N, C, H, W] or [C, H, W]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.fold(torch.ones(2, 2), (1, 3), (1, 2)).tolist()
    [[[1.0, 2.0, 1.0]]]

    Source: Understanding Deep Learning, section 10.3.
    """
    op = "fold"
    floating(op, input)
    if input.dtype.narrow:
        return fold(input.to(float32), output_size, kernel_size, dilation, padding, stride).to(input.dtype)
    size = whole_tuple(op, "output_size", output_size, 2, 1)
    geometry = _geometry(op, size, kernel_size, dilation, padding, stride)
    window, out = geometry[1], geometry[5]
    rows, columns = window[0] * window[1], out[0] * out[1]
    if input.ndim not in (2, 3) or input.shape[-2] % rows or input.shape[-1] != columns:
        raise ShapeError(f"{op}: expected input [N, C x {rows}, {columns}] for output_size {size}, window {window}, "
                         f"got {list(input.shape)}")
    y = _image(input if input.ndim == 3 else input.unsqueeze(0), geometry)
    return y if input.ndim == 3 else y.squeeze(0)


def _geometry(op, size, kernel_size, dilation, padding, stride):
    """(image, window, dilation, padding, stride, output): a pair each"""
    window, dilation = whole_tuple(op, "kernel_size", kernel_size, 2, 1), whole_tuple(op, "dilation", dilation, 2, 1)
    padding, stride = whole_tuple(op, "padding", padding, 2), whole_tuple(op, "stride", stride, 2, 1)
    axes = zip(size, window, dilation, padding, stride)
    out = tuple((h + 2 * p - d * (k - 1) - 1) // s + 1 for h, k, d, p, s in axes)
    if min(out) < 1:
        raise ShapeError(f"{op}: a window of size {window}, dilation {dilation} does not fit the image {size} with "
                         f"padding {padding}")
    return size, window, dilation, padding, stride, out


def _windows(image, geometry):
    """(r, s, view of the padded image under tap r, s of all windows), tap by tap"""
    _, window, dilation, _, stride, out = geometry
    for r in range(window[0]):
        for s in range(window[1]):
            top, left = r * dilation[0], s * dilation[1]
            yield r, s, image[:, :, top:top + (out[0] - 1) * stride[0] + 1:stride[0],
                              left:left + (out[1] - 1) * stride[1] + 1:stride[1]]


def _padded(shape, geometry, dtype):
    (H, W), (a, b) = geometry[0], geometry[3]
    image = _core.zeros((*shape, H + 2 * a, W + 2 * b), dtype=dtype)
    return image, image.narrow(2, a, H).narrow(3, b, W)


def _columns(x, geometry):
    source = x.detach()
    N, C = x.shape[:2]
    image, inside = _padded((N, C), geometry, x.dtype)
    inside.copy_(source)
    window, out = geometry[1], geometry[5]
    y = empty((N, C, *window, *out), x.dtype)
    for r, s, part in _windows(image, geometry):
        y[:, :, r, s].copy_(part)
    y = y.detach().reshape(N, C * window[0] * window[1], out[0] * out[1])
    return attach(y, (x,), unfold_backward, args=(geometry,))


def unfold_backward(node, g):
    return _image(g, node.args[0]),


def _image(columns, geometry):
    window, out = geometry[1], geometry[5]
    N, C = columns.shape[0], columns.shape[1] // (window[0] * window[1])
    parts = columns.detach().reshape(N, C, *window, *out)
    image, inside = _padded((N, C), geometry, columns.dtype)
    for r, s, part in _windows(image, geometry):
        part.add_(parts[:, :, r, s])
    return attach(inside.detach().clone(), (columns,), fold_backward, args=(geometry,))


def fold_backward(node, g):
    return _columns(g, node.args[0]),
