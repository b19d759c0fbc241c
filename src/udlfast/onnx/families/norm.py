"""Normalisations."""

import udlfast as udl
from udlfast.nn import functional as F

from .._registry import op


@op("BatchNormalization")
def batch_norm(node, x, scale, shift, mean, variance):
    eps = node.get("epsilon", 1e-5)
    if not node.get("training_mode"):
        return F.batch_norm(x, mean, variance, scale, shift, False, 0.0, eps)
    keep, axes = node.get("momentum", 0.9), [i for i in range(x.dim()) if i != 1]
    now, spread = udl.mean(x, axes), udl.var(x, axes, correction=0)
    y = F.batch_norm(x, now, spread, scale, shift, False, 0.0, eps)
    return y, mean * keep + now * (1 - keep), variance * keep + spread * (1 - keep)


@op("InstanceNormalization")
def instance_norm(node, x, scale, shift):
    return F.instance_norm(x, weight=scale, bias=shift, eps=node.get("epsilon", 1e-5))


@op("GroupNormalization")
def group_norm(node, x, scale, shift):
    groups = node.get("num_groups", 1)
    if node.opset < 21:  # one number a group
        scale, shift = (v.repeat_interleave(x.shape[1] // groups) for v in (scale, shift))
    return F.group_norm(x, groups, scale, shift, node.get("epsilon", 1e-5))


@op("LayerNormalization")
def layer_norm(node, x, scale, shift=None):
    axis, eps = node.get("axis", -1) % x.dim(), node.get("epsilon", 1e-5)
    shape = list(x.shape[axis:])
    if len(node.outputs) == 1 and list(scale.shape) == shape and (shift is None or list(shift.shape) == shape):
        return F.layer_norm(x, shape, scale, shift, eps)
    axes = list(range(axis, x.dim()))
    mean = udl.mean(x, axes, keepdim=True)
    centred = x - mean
    rstd = udl.rsqrt(udl.mean(centred * centred, axes, keepdim=True) + eps)
    y = centred * rstd * scale
    return (y if shift is None else y + shift), mean, rstd


@op("RMSNormalization")
def rms_norm(node, x, scale):
    axis, eps = node.get("axis", -1) % x.dim(), node.get("epsilon", 1e-5)
    shape = list(x.shape[axis:])
    y = F.rms_norm(x, shape, scale if list(scale.shape) == shape else None, eps)
    return y if list(scale.shape) == shape else y * scale


@op("MeanVarianceNormalization")
def mean_variance(node, x):
    axes = node.get("axes", [0, 2, 3])
    centred = x - udl.mean(x, axes, keepdim=True)
    return centred / (udl.sqrt(udl.mean(centred * centred, axes, keepdim=True)) + 1e-9)


@op("LRN")
def local_response(node, x):
    return F.local_response_norm(x, node.get("size"), node.get("alpha", 1e-4), node.get("beta", 0.75), node.get("bias", 1.0))


@op("LpNormalization")
def lp_norm(node, x):
    axis, p = node.get("axis", -1), node.get("p", 2)
    size = udl.sum(udl.abs(x), axis, keepdim=True) if p == 1 else udl.sqrt(udl.sum(x * x, axis, keepdim=True))
    return udl.where(size == 0, udl.zeros_like(x), x / size)
