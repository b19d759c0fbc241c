"""Attention of several heads: y = concat_h(softmax(q_h k_h^T / sqrt(D) + mask) v_h) Wo^T + bo for x[B, L, E], m[B, S, E].

q = x Wq^T + bq, k = m Wk^T + bk, v = m Wv^T + bv, where W[3 E, E] and b[3 E] hold Wq, Wk, Wv and bq, bk, bv in this order;
head h takes the features h D .. (h + 1) D - 1. mask is added to the scores [B, H, L, S].
"""

import numpy as np

from .attention import attention, attention_backward


def split(x, heads):
    B, L, E = x.shape
    return x.reshape(B, L, heads, E // heads).transpose(0, 2, 1, 3)


def join(x):
    B, H, L, D = x.shape
    return x.transpose(0, 2, 1, 3).reshape(B, L, H * D)


def multi_head_attention(x, m, W, b, Wo, bo, heads, mask=None):
    E = x.shape[-1]
    q, k, v = x @ W[:E].T + b[:E], m @ W[E : 2 * E].T + b[E : 2 * E], m @ W[2 * E :].T + b[2 * E :]
    return join(attention(split(q, heads), split(k, heads), split(v, heads), mask)) @ Wo.T + bo


def multi_head_attention_backward(gy, x, m, W, b, Wo, bo, heads, mask=None):
    """gx, gm, gW, gb, gWo, gbo"""
    E = x.shape[-1]
    Wq, Wk, Wv = W[:E], W[E : 2 * E], W[2 * E :]
    q, k, v = (split(a @ w.T + c, heads) for a, w, c in ((x, Wq, b[:E]), (m, Wk, b[E : 2 * E]), (m, Wv, b[2 * E :])))
    y = join(attention(q, k, v, mask))
    gq, gk, gv = (join(g) for g in attention_backward(split(gy @ Wo, heads), q, k, v, mask)[:3])
    gW = np.concatenate([np.einsum("bto,bti->oi", g, a) for g, a in ((gq, x), (gk, m), (gv, m))])
    gb = np.concatenate([g.sum((0, 1)) for g in (gq, gk, gv)])
    return gq @ Wq, gk @ Wk + gv @ Wv, gW, gb, np.einsum("bto,bti->oi", gy, y), gy.sum((0, 1))
