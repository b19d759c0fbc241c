"""Layers that make images larger, and two measures of distance."""

from . import functional as F
from .module import Module

__all__ = [
    "Upsample",
    "UpsamplingNearest2d",
    "UpsamplingBilinear2d",
    "PixelShuffle",
    "CosineSimilarity",
    "PairwiseDistance",
]


class Upsample(Module):
    """Makes the positions of [N, C, ...] more by repeating or interpolating.

    Arguments:
        size: the output's sizes, or scale_factor: how many times more.
        mode: "nearest", "linear", "bilinear", ...
        align_corners: for interpolation: whether the corner pixels' centres stay corners.
        recompute_scale_factor: compute the factor again from the rounded sizes.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Upsample(scale_factor=2)(torch.ones(1, 3, 4, 4)).shape)
        (1, 3, 8, 8)

    Source: *Understanding Deep Learning*, section 10.4.2.
    """

    def __init__(self, size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None):
        super().__init__()
        self.size = size
        many = isinstance(scale_factor, (tuple, list))
        self.scale_factor = tuple(map(float, scale_factor)) if many else float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input):
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self):
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample by repeating pixels.

    Arguments:
        size or scale_factor, as in Upsample.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.UpsamplingNearest2d(scale_factor=2)(torch.ones(1, 3, 4, 4)).shape)
        (1, 3, 8, 8)

    Source: *Understanding Deep Learning*, section 10.4.2.
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample by interpolating between pixels, corners staying corners.

    Arguments:
        size or scale_factor, as in Upsample.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.UpsamplingBilinear2d(scale_factor=2)(torch.ones(1, 3, 4, 4)).shape)
        (1, 3, 8, 8)

    Source: *Understanding Deep Learning*, section 10.4.2.
    """

    def __init__(self, size=None, scale_factor=None):
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Module):
    """Lays channels out as pixels: [N, C r^2, H, W] -> [N, C, H r, W r].

    y[n, c, h r + i, w r + j] = x[n, c r^2 + i r + j, h, w]

    Arguments:
        upscale_factor: r.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.PixelShuffle(2)(torch.ones(1, 12, 4, 4)).shape)
        (1, 3, 8, 8)

    Source: Shi et al. 2016.
    """

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input):
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class CosineSimilarity(Module):
    """The cosine of the angle between vectors.

    y = x1 . x2 / max(|x1| |x2|, eps)

    Arguments:
        dim: the dimension of the vectors; it goes away.
        eps: keeps the quotient finite.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.CosineSimilarity()(torch.ones(1, 4), torch.ones(1, 4)).tolist()
        [1.0]

    Source: *Understanding Deep Learning*, section 14.6 (contrastive self-supervision).
    """

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The p-norm of the difference of vectors [..., D].

    y = |x1 - x2 + eps|_p

    Arguments:
        p: the norm; eps: added to the difference; keepdim: keep the last dimension with size 1.

    Example:
        >>> import udlfast as torch
        >>> round(torch.nn.PairwiseDistance()(torch.ones(1, 4), torch.zeros(1, 4)).item(), 4)
        2.0

    Source: the formula itself.
    """

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)
