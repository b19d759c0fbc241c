"""Scaled dot-product attention: y = softmax(q k^T scale + mask) v for q[..., L, E], k[..., S, E], v[..., S, D].

A boolean mask is True where a key may be seen; a float mask is added; causal lets query i see keys 0..i. A row that
sees no key gives zeros and zero gradients.
"""

import math

import numpy as np


def weights(q, k, mask, is_causal, scale):
    scores = np.einsum("...le,...se->...ls", q, k) * scale
    L, S = scores.shape[-2:]
    if is_causal:
        scores = np.where(np.tril(np.ones((L, S), dtype=bool)), scores, -np.inf)
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    top = np.max(scores, axis=-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = e.sum(axis=-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total != 0)


def attention(q, k, v, mask=None, is_causal=False, scale=None, keep=1.0):
    """keep: what dropout multiplies each weight by"""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    return np.einsum("...ls,...sd->...ld", weights(q, k, mask, is_causal, scale) * keep, v)


def attention_backward(gy, q, k, v, mask=None, is_causal=False, scale=None, keep=1.0):
    """gq, gk, gv and the gradient of the scores (that of a float mask)."""
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else scale
    a = weights(q, k, mask, is_causal, scale)
    ga = np.einsum("...ld,...sd->...ls", gy, v) * keep
    gs = a * (ga - np.sum(ga * a, axis=-1, keepdims=True))
    gq = np.einsum("...ls,...se->...le", gs, k) * scale
    gk = np.einsum("...ls,...le->...se", gs, q) * scale
    return gq, gk, np.einsum("...ls,...ld->...sd", a * keep, gy), gs
