"""torch.nn.functional's names: the operations as functions, with PyTorch's signatures.

Nothing is computed here. Most names are those of udlfast.ops; the few functions below only have other arguments here
(an `inplace` flag, say) than as udlfast.NAME.
"""
# ruff: noqa: F401, F811 - names are imported to be found here
from .._core import MAP_relu, linear, unary_into
from ..ops._common import in_place
from ..ops.activations import (
    celu,
    glu,
    gumbel_softmax,
    hardshrink,
    hardtanh,
    prelu,
    relu6,
    rrelu,
    selu,
    softshrink,
    tanhshrink,
    threshold,
)
from ..ops.activations import threshold as _threshold
from ..ops.adaptive_pool2d import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_max_pool1d, adaptive_max_pool2d
from ..ops.adaptive_pool3d import adaptive_avg_pool3d, adaptive_max_pool3d
from ..ops.attention import scaled_dot_product_attention
from ..ops.batch_norm import batch_norm
from ..ops.binary_cross_entropy import binary_cross_entropy, binary_cross_entropy_with_logits
from ..ops.conv2d import conv1d, conv2d
from ..ops.conv3d import conv3d, conv_tbc, conv_transpose3d
from ..ops.conv_transpose2d import conv_transpose1d, conv_transpose2d
from ..ops.cross_entropy import cross_entropy, nll_loss
from ..ops.ctc_loss import ctc_loss
from ..ops.dropout import alpha_dropout, dropout, dropout1d, dropout2d, dropout3d, feature_alpha_dropout
from ..ops.elementwise import hardsigmoid as _hardsigmoid
from ..ops.elementwise import hardswish as _hardswish
from ..ops.elementwise import logsigmoid, sigmoid, softsign, tanh
from ..ops.elementwise import mish as _mish
from ..ops.elementwise import relu as _relu
from ..ops.elementwise import silu as _silu
from ..ops.embedding import embedding, one_hot
from ..ops.embedding_bag import embedding_bag
from ..ops.fractional_max_pool import fractional_max_pool2d, fractional_max_pool3d
from ..ops.grid_sample import affine_grid, grid_sample
from ..ops.group_norm import group_norm, instance_norm
from ..ops.interpolate import interpolate, upsample
from ..ops.layer_norm import layer_norm
from ..ops.likelihood_losses import gaussian_nll_loss, kl_div, poisson_nll_loss
from ..ops.linear_cross_entropy import linear_cross_entropy
from ..ops.local_response_norm import local_response_norm
from ..ops.losses import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from ..ops.lp_pool2d import lp_pool1d, lp_pool2d, lp_pool3d, max_unpool1d, max_unpool2d, max_unpool3d
from ..ops.margin_losses import (
    cosine_embedding_loss,
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from ..ops.multi_head_attention import multi_head_attention_forward
from ..ops.pad import pad
from ..ops.pixel_shuffle import channel_shuffle, pixel_shuffle, pixel_unshuffle
from ..ops.pool2d import avg_pool1d, avg_pool2d, max_pool1d, max_pool2d
from ..ops.pool3d import avg_pool3d, max_pool3d
from ..ops.products import bilinear
from ..ops.rectifiers import elu, gelu, leaky_relu, softplus
from ..ops.rms_norm import rms_norm
from ..ops.similarity import cosine_similarity, normalize, pairwise_distance, pdist
from ..ops.softmax import log_softmax as _log_softmax
from ..ops.softmax import softmax as _softmax
from ..ops.softmax import softmin as _softmin
from ..ops.unfold import fold, unfold


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """udlfast.softmax; `_stacklevel` is accepted for compatibility."""
    return _softmax(input, dim, dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """udlfast.log_softmax; `_stacklevel` is accepted for compatibility."""
    return _log_softmax(input, dim, dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax of the negated input; `_stacklevel` is accepted for compatibility."""
    return _softmin(input, dim, dtype)


def relu(input, inplace=False):
    """udlfast.relu, into the input if `inplace`."""
    if inplace:  # in the input's own memory where that can be, also on the tape
        return input if unary_into(MAP_relu, input, 0.0, 0.0, "relu_") else input.relu_()
    return _relu(input)


def silu(input, inplace=False):
    """x sigmoid(x), into the input if `inplace`."""
    return in_place(_silu)(input) if inplace else _silu(input)


def mish(input, inplace=False):
    """x tanh(softplus(x)), into the input if `inplace`."""
    return in_place(_mish)(input) if inplace else _mish(input)


def hardswish(input, inplace=False):
    """x relu6(x + 3) / 6, into the input if `inplace`."""
    return in_place(_hardswish)(input) if inplace else _hardswish(input)


def hardsigmoid(input, inplace=False):
    """relu6(x + 3) / 6, into the input if `inplace`."""
    return in_place(_hardsigmoid)(input) if inplace else _hardsigmoid(input)


def relu_(input):
    """relu, in place."""
    return relu(input, True)


def elu_(input, alpha=1.0):
    """elu, in place."""
    return elu(input, alpha, True)


def selu_(input):
    """selu, in place."""
    return selu(input, True)


def celu_(input, alpha=1.0):
    """celu, in place."""
    return celu(input, alpha, True)


def leaky_relu_(input, negative_slope=0.01):
    """leaky_relu, in place."""
    return leaky_relu(input, negative_slope, True)


def hardtanh_(input, min_val=-1.0, max_val=1.0):
    """hardtanh, in place."""
    return hardtanh(input, min_val, max_val, True)


def threshold_(input, threshold, value):
    """threshold, in place."""
    return _threshold(input, threshold, value, True)


def rrelu_(input, lower=1.0 / 8, upper=1.0 / 3, training=False):
    """rrelu, in place."""
    return rrelu(input, lower, upper, training, True)


def upsample_nearest(input, size=None, scale_factor=None):
    """interpolate with mode "nearest"."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input, size=None, scale_factor=None):
    """interpolate with mode "bilinear" and align_corners=True."""
    return interpolate(input, size, scale_factor, "bilinear", True)


def _with_indices(function, to_size):
    name = function.__name__ + "_with_indices"
    if to_size:
        def both(input, output_size, return_indices=False):
            return function(input, output_size, return_indices=True)
    elif name.startswith("fractional"):
        def both(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
            return function(input, kernel_size, output_size, output_ratio, True, _random_samples)
    else:
        def both(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
            return function(input, kernel_size, stride, padding, dilation, ceil_mode, True)
    both.__name__ = both.__qualname__ = name
    both.__doc__ = f"{function.__name__} that returns (maxima, indices) always."
    return both


max_pool1d_with_indices = _with_indices(max_pool1d, False)
max_pool2d_with_indices = _with_indices(max_pool2d, False)
max_pool3d_with_indices = _with_indices(max_pool3d, False)
fractional_max_pool2d_with_indices = _with_indices(fractional_max_pool2d, False)
fractional_max_pool3d_with_indices = _with_indices(fractional_max_pool3d, False)
adaptive_max_pool1d_with_indices = _with_indices(adaptive_max_pool1d, True)
adaptive_max_pool2d_with_indices = _with_indices(adaptive_max_pool2d, True)
adaptive_max_pool3d_with_indices = _with_indices(adaptive_max_pool3d, True)
