"""Batch norm of evaluation put into the layer before it."""

import copy

from ... import errors
from ..._core import no_grad, ones_like, zeros_like
from ..parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """(weight, bias) of the convolution that does what convolution and batch norm with these statistics do.

    W' = W w / sqrt(var + eps), b' = (b - mean) w / sqrt(var + eps) + bias, by output channel
    """
    with no_grad():
        b = zeros_like(bn_rm) if conv_b is None else conv_b
        w = ones_like(bn_rm) if bn_w is None else bn_w
        shift = zeros_like(bn_rm) if bn_b is None else bn_b
        scale = w / (bn_rv + bn_eps).sqrt()
        shape = [1] * conv_w.ndim
        shape[1 if transpose else 0] = -1
        weight, bias = conv_w * scale.reshape(shape).to(conv_w.dtype), (b - bn_rm) * scale + shift
    return Parameter(weight.detach(), conv_w.requires_grad), Parameter(bias.detach(), b.requires_grad or conv_w.requires_grad)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """(weight, bias) of the linear layer that does what linear layer and batch norm with these statistics do."""
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)


def _check(layer, bn, name):
    if layer.training or bn.training:
        raise errors.ArgumentError(f"{name}: both modules must be in eval mode; call .eval() first")


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of the convolution that does what it and the batch norm behind it do, both in evaluation.

    >>> import udlfast as torch
    >>> conv, bn = torch.nn.Conv2d(1, 2, 3).eval(), torch.nn.BatchNorm2d(2).eval()
    >>> fused, x = torch.nn.utils.fuse_conv_bn_eval(conv, bn), torch.randn(1, 1, 4, 4)
    >>> bool((fused(x) - bn(conv(x))).abs().max() < 1e-5)
    True
    """
    _check(conv, bn, "fuse_conv_bn_eval")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_linear_bn_eval(linear, bn):
    """A copy of the linear layer that does what it and the batch norm behind it do, both in evaluation."""
    _check(linear, bn, "fuse_linear_bn_eval")
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise errors.ShapeError(f"fuse_linear_bn_eval: {linear.out_features} outputs do not fit {bn.num_features} features")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused
