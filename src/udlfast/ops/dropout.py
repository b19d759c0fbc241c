"""Dropout: random elements, or whole channels, set to zero while training."""
from .. import _core
from .._core import K_dropout, attach, call, empty_like, ew3, float32, is_grad_enabled, next_philox
from ..errors import ShapeError
from ._common import floating, probability


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element becomes 0 with probability p; the others grow by 1 / (1 - p), which keeps the mean.

    y = x mask / (1 - p), mask = 0 with probability p, else 1

    Args:
        input: any shape, floating point
        p: probability of a zero
        training: False returns the input
        inplace: write the result into input
    Returns: the shape of input
    Raises: ArgumentError for a p outside 0..1, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.dropout(torch.ones(2), training=False).tolist()
    [1.0, 1.0]

    Source: Srivastava et al. 2014; Understanding Deep Learning, section 9.3.
    """
    floating("dropout", input)
    probability("dropout", p)
    if not training or p == 0.0:
        return input
    y = input * 0.0 if p == 1.0 else _drop(input, p)
    return input.copy_(y) if inplace else y


def _drop(input, p):
    if input.dtype.narrow:
        return _drop(input.to(float32), p).to(input.dtype)
    x = input.contiguous()
    y, mask, n = empty_like(x), empty_like(x, dtype=_core.uint8), x.numel()
    seed, offset = next_philox((n + 3) // 4)
    call(K_dropout, (y, mask, x), (x.dtype.code, n, seed, offset, 0), (float(p),))
    return attach(y, (x,), dropout_backward, saved=(mask,), args=(1.0 / (1.0 - p),))


def dropout_backward(node, g):
    """gx = g mask / (1 - p)"""
    mask, scale = node.saved[0], node.args[0]
    if is_grad_enabled():
        return g * mask.to(g.dtype) * scale,
    zero = _core.zeros((), dtype=g.dtype)
    return ew3(_core.MAP_addcmul, zero, g, mask, 0.0, scale),  # 0 + scale g mask in one pass


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of signals.

    y[n, c, :] = x[n, c, :] mask[n, c] / (1 - p)

    Args:
        input: [N, C, W] or [C, W], floating point
        p, training, inplace: as in dropout
    Returns: the shape of input
    Raises: ShapeError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.dropout1d(torch.ones(1, 3, 2), p=1.).sum().item()
    0.0

    Source: Tompson et al. 2015.
    """
    return _channels("dropout1d", input, p, training, inplace, (2, 3))


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of images.

    y[n, c, :, :] = x[n, c, :, :] mask[n, c] / (1 - p)

    Args:
        input: [N, C, H, W], floating point
        p, training, inplace: as in dropout
    Returns: the shape of input
    Raises: ShapeError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.dropout2d(torch.ones(1, 3, 2, 2), p=1.).sum().item()
    0.0

    Source: Tompson et al. 2015.
    """
    return _channels("dropout2d", input, p, training, inplace, (2, 3, 4))


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of volumes; see dropout2d.

    Args:
        input: [N, C, D, H, W] or [C, D, H, W], floating point
        p, training, inplace: as in dropout
    Returns: the shape of input
    Raises: ShapeError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.dropout3d(torch.ones(1, 3, 2, 2, 2), p=1.).sum().item()
    0.0

    Source: Tompson et al. 2015.
    """
    return _channels("dropout3d", input, p, training, inplace, (4, 5))


def _channels(op, input, p, training, inplace, dims):
    floating(op, input)
    probability(op, p)
    if input.ndim not in dims:
        raise ShapeError(f"{op}: expected an input with {' or '.join(map(str, dims))} dimensions, "
                         f"got {list(input.shape)}")
    if not training or p == 0.0:
        return input
    # one example of volumes or signals comes without the batch axis
    lead = 1 if input.ndim == dims[0] and op != "dropout2d" else 2
    keep = dropout(_core.ones((*input.shape[:lead], *(1,) * (input.ndim - lead)), dtype=input.dtype), p)
    y = input * keep
    return input.copy_(y) if inplace else y


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout for networks of SELU units: keeps mean 0 and variance 1.

    y = a (x mask + s (1 - mask)) + b with s = -1.7580993408473766, the limit of SELU for small inputs, and
    a = ((1 - p) (1 + p s^2))^(-1/2), b = -a p s

    Args:
        input: any shape, floating point
        p: probability of a dropped element
        training: False returns the input
        inplace: write the result into input
    Returns: the shape of input
    Raises: ArgumentError for a p outside 0..1, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.alpha_dropout(torch.ones(2)).tolist()
    [1.0, 1.0]

    Source: Klambauer et al. 2017.
    """
    return _alpha("alpha_dropout", input, p, training, inplace, None)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """alpha_dropout of whole channels.

    Args:
        input: [N, C, *], floating point
        p, training, inplace: as in alpha_dropout
    Returns: the shape of input
    Raises: ShapeError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.feature_alpha_dropout(torch.ones(1, 2)).tolist()
    [[1.0, 1.0]]

    Source: Klambauer et al. 2017.
    """
    return _alpha("feature_alpha_dropout", input, p, training, inplace, 2)


def _alpha(op, input, p, training, inplace, lead):
    floating(op, input)
    probability(op, p)
    if lead and input.ndim < lead:
        raise ShapeError(f"{op}: expected an input [N, C, ...], got {list(input.shape)}")
    if not training or p == 0.0:
        return input
    if p == 1.0:
        y = input * 0.0
    else:
        shape = input.shape if lead is None else (*input.shape[:lead], *(1,) * (input.ndim - lead))
        keep = dropout(_core.ones(shape, dtype=input.dtype), p) * (1.0 - p)
        s = -1.7580993408473766
        a = ((1.0 - p) * (1.0 + p * s * s)) ** -0.5
        y = input * (keep * a) + ((1.0 - keep) * (a * s) - a * p * s)
    return input.copy_(y) if inplace else y
