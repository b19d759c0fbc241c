"""Normalization by the activity of neighbouring channels."""
from ..errors import ShapeError
from ._common import floating, whole
from .pad import pad
from .pool2d import avg_pool1d


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """Divide every element by a power of the mean square of the channels around it.

    y_c = x_c / (k + alpha / size sum over the `size` channels around c of x^2)^beta

    Args:
        input: [N, C, positions...], floating point
        size: number of channels
        alpha, beta, k: numbers
    Returns: the shape of input
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.local_response_norm(torch.ones(1, 1, 1), 1, alpha=1., beta=1.).tolist()
    [[[0.5]]]

    Source: Krizhevsky, Sutskever and Hinton 2012.
    """
    op = "local_response_norm"
    floating(op, input)
    size = whole(op, "size", size, 1)
    if input.ndim < 3:
        raise ShapeError(f"{op}: expected input with at least 3 dimensions [N, C, ...], got {list(input.shape)}")
    if input.numel() == 0:
        return input
    N, C = input.shape[:2]
    square = (input * input).reshape(N, C, -1).transpose(1, 2)  # channels last: a window over them is one of avg_pool1d
    mean = avg_pool1d(pad(square, (size // 2, (size - 1) // 2)), size, 1)
    return input / (mean.transpose(1, 2).reshape(input.shape) * alpha + k) ** beta
