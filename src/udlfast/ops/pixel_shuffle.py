"""Channels turned into pixels and back."""
import math

from ..errors import ShapeError
from ._common import tensor, whole


def pixel_shuffle(input, upscale_factor):
    """Blocks of r x r channels spread over blocks of pixels.

    y[n, c, h r + i, w r + j] = x[n, c r r + i r + j, h, w]

    Args:
        input: [..., C r r, H, W]
        upscale_factor: r
    Returns: [..., C, H r, W r]
    Raises: ShapeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.pixel_shuffle(torch.tensor([[[1.]], [[2.]], [[3.]], [[4.]]]), 2).tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]

    Source: Shi et al. 2016.
    """
    lead, C, H, W = _sizes("pixel_shuffle", input)
    r = whole("pixel_shuffle", "upscale_factor", upscale_factor, 1)
    if C % (r * r):
        raise ShapeError(f"pixel_shuffle: the {C} channels of input {list(input.shape)} must be a multiple of {r * r}")
    x = input.reshape(math.prod(lead), C // (r * r), r, r, H, W).permute(0, 1, 4, 2, 5, 3)
    return x.reshape(*lead, C // (r * r), H * r, W * r)


def pixel_unshuffle(input, downscale_factor):
    """Blocks of r x r pixels gathered into channels: the inverse of pixel_shuffle.

    y[n, c r r + i r + j, h, w] = x[n, c, h r + i, w r + j]

    Args:
        input: [..., C, H r, W r]
        downscale_factor: r
    Returns: [..., C r r, H, W]
    Raises: ShapeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.pixel_unshuffle(torch.tensor([[[1., 2.], [3., 4.]]]), 2).flatten().tolist()
    [1.0, 2.0, 3.0, 4.0]

    Source: Shi et al. 2016.
    """
    lead, C, H, W = _sizes("pixel_unshuffle", input)
    r = whole("pixel_unshuffle", "downscale_factor", downscale_factor, 1)
    if H % r or W % r:
        raise ShapeError(f"pixel_unshuffle: height and width of input {list(input.shape)} must be multiples of {r}")
    x = input.reshape(math.prod(lead), C, H // r, r, W // r, r).permute(0, 1, 3, 5, 2, 4)
    return x.reshape(*lead, C * r * r, H // r, W // r)


def channel_shuffle(input, groups):
    """Channels of several groups dealt out so that each new group holds some of every old one.

    Args:
        input: [N, C, *]
        groups: divides C
    Returns: the shape of input
    Raises: ShapeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.channel_shuffle(torch.tensor([[1., 2., 3., 4.]]), 2).tolist()
    [[1.0, 3.0, 2.0, 4.0]]

    Source: Zhang et al. 2018.
    """
    tensor("channel_shuffle", input)
    groups = whole("channel_shuffle", "groups", groups, 1)
    if input.ndim < 2 or input.shape[1] % groups:
        raise ShapeError(f"channel_shuffle: expected input [N, C, ...] with C a multiple of {groups}, got "
                         f"{list(input.shape)}")
    N, C = input.shape[:2]
    return input.reshape(N, groups, C // groups, -1).transpose(1, 2).reshape(input.shape)


def _sizes(op, input):
    tensor(op, input)
    if input.ndim < 3:
        raise ShapeError(f"{op}: expected input [..., C, H, W], got {list(input.shape)}")
    return tuple(input.shape[:-3]), *input.shape[-3:]
