"""Attention of several heads: y = concat_h(softmax(q_h k_h^T / sqrt(D) + mask) v_h) Wo^T + bo for x[B, L, E], m[B, S, E].

q = x Wq^T + bq, k = m Wk^T + bk, v = m Wv^T + bv, where W[3 E, E] and b[3 E] hold Wq, Wk, Wv and bq, bk, bv in this order;
head h takes the features h D .. (h + 1) D - 1. mask is added to the scores [B, H, L, S]. A query that sees no key gives
weights of zero.
"""

import numpy as np


def split(x, heads):
    B, L, E = x.shape
    return x.reshape(B, L, heads, E // heads).transpose(0, 2, 1, 3)


def join(x):
    B, H, L, D = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, L, H * D)


def projected(x, m, W, b, heads):
    E = x.shape[-1]
    return [split(a @ W[i * E : (i + 1) * E].T + b[i * E : (i + 1) * E], heads) for i, a in enumerate((x, m, m))]


def weights(q, k, mask):
    scores = q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores + mask
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    return np.divide(e, total, out=np.zeros_like(e), where=total != 0)


def multi_head_attention(x, m, W, b, Wo, bo, heads, mask=None):
    q, k, v = projected(x, m, W, b, heads)
    return join(weights(q, k, mask) @ v) @ Wo.T + bo


def multi_head_attention_backward(gy, x, m, W, b, Wo, bo, heads, mask=None):
    """gx, gm, gW, gb, gWo, gbo"""
    E = x.shape[-1]
    q, k, v = projected(x, m, W, b, heads)
    a = weights(q, k, mask)
    g = split(gy @ Wo, heads)
    ga = g @ v.swapaxes(2, 3)
    gs = a * (ga - (ga * a).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    gq, gk, gv = join(gs @ k), join(gs.swapaxes(2, 3) @ q), join(a.swapaxes(2, 3) @ g)
    gW = np.concatenate([np.einsum("bto,bti->oi", p, s) for p, s in ((gq, x), (gk, m), (gv, m))])
    gb = np.concatenate([p.sum((0, 1)) for p in (gq, gk, gv)])
    gWo = np.einsum("bto,bti->oi", gy, join(a @ v))
    return gq @ W[:E], gk @ W[E : 2 * E] + gv @ W[2 * E :], gW, gb, gWo, gy.sum((0, 1))
