"""Scaled dot-product attention."""
import math

from .. import _core
from .._core import (
    K_attention,
    K_attention_backward,
    K_dropout,
    attach,
    bool_,
    call,
    empty,
    float32,
    is_grad_enabled,
    matmul,
    next_philox,
)
from ..errors import DTypeError, ShapeError
from . import _autocast
from ._common import broadcast_shape, floating, lower_triangle, probability, same_type, tensor

NO_MASK, BOOL, ADD = 0, 1, 2  # mask_kind of csrc/args.h


def scaled_dot_product_attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None,
                                 enable_gqa=False):
    """Every query gathers the values, weighted by how well their keys match it.

    y = dropout(softmax(scale query key^T + mask)) value; a query that may look at no key gives zeros and no gradient

    Args:
        query: [..., H, L, E], floating point
        key: [..., H, S, E]
        value: [..., H, S, V]
        attn_mask: broadcasts to [..., H, L, S]; bool (True = may look) or floating point (added); or None
        dropout_p: probability of dropping a weight (always applied; give 0 when evaluating)
        is_causal: query l looks at the keys 0..l only, of these at those that attn_mask allows
        scale: None = 1 / sqrt(E)
        enable_gqa: key and value may have fewer heads, each shared by H / heads consecutive heads of query
    Returns: [..., H, L, V]
    Raises: ShapeError where sizes do not fit, DTypeError for other element types

    >>> import udlfast as torch
    >>> q = torch.zeros(1, 2, 4)
    >>> y = torch.nn.functional.scaled_dot_product_attention(q, q, torch.tensor([[[1.], [3.]]]), is_causal=True)
    >>> y.tolist()
    [[[1.0], [2.0]]]

    Source: Vaswani et al. 2017; Understanding Deep Learning, section 12.2.
    """
    op = "scaled_dot_product_attention"
    if _autocast.ON:
        query, key, value, attn_mask = _autocast.low(query, key, value, attn_mask)
    groups = _check(op, query, key, value, attn_mask, is_causal, enable_gqa)
    probability(op, dropout_p)
    if query.dtype.narrow:
        if attn_mask is not None and attn_mask.dtype.narrow:
            attn_mask = attn_mask.to(float32)
        return _autocast.paused(scaled_dot_product_attention, query.to(float32), key.to(float32), value.to(float32), attn_mask,
                                dropout_p, is_causal, scale, enable_gqa).to(query.dtype)
    *lead, L, E = query.shape
    if scale is None:
        scale = 1.0 / math.sqrt(E) if E else 1.0
    if not groups and dropout_p < 1.0:
        return _attention(query, key, value, None, is_causal, float(scale), float(dropout_p))
    k_lead, v_lead = list(key.shape)[:-2], list(value.shape)[:-2]
    if groups <= 1 and not lead == k_lead == v_lead:
        lead = broadcast_shape(op, tuple(lead), tuple(k_lead), tuple(v_lead))
        query, key, value = (t.expand(*lead, *t.shape[-2:]) for t in (query, key, value))
    q, k, v = _four(query), _four(key), _four(value)
    mask = None
    if attn_mask is not None:
        mask = _four(attn_mask.expand(*lead, *attn_mask.shape[-2:]) if len(lead) > 2 else attn_mask)
        mask = mask.expand(*q.shape[:3], k.shape[2])
    if dropout_p == 1.0:
        v = v * 0.0
        dropout_p = 0.0
    y = _attention(q, k, v, mask, is_causal, float(scale), float(dropout_p))
    return y if len(lead) == 2 else y.reshape(*lead, L, value.shape[-1])


def _four(t):
    """[..., H, L, E] as [B, H, L, E]"""
    n = t.ndim
    if n == 4:
        return t
    return t.reshape(-1, *t.shape[-3:]) if n > 4 else t.reshape(*(1,) * (4 - n), *t.shape)


def _attention(q, k, v, mask, causal, scale, p):
    """The kernel: query [B, H, L, D], key [B, H / G, S, D], value [B, H / G, S, E], mask [B, H, L, S] or None."""
    B, H, L, _ = q.shape
    _, _, S, E = v.shape
    if mask is not None and is_grad_enabled() and mask.requires_grad:
        return _composed(q, k, v, mask, causal, scale, p)[0]
    q, k, v = _rows(q), _rows(k), _rows(v)
    seed = offset = 0
    if p > 0.0:
        seed, offset = next_philox(B * H * S * ((L + 3) // 4))
    y = _like(q, (B, H, L, E))
    keep = is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad)
    stats = empty((2, B, H, L), dtype=q.dtype) if keep else None
    sizes = _sizes(q, k, v, y, mask, causal, seed, offset)
    call(K_attention, (y, stats, q, k, v, mask), sizes, (scale, p), True)
    return attach(y, (q, k, v), _attention_backward, saved=(q, k, v, mask, y, stats), args=(causal, scale, p, seed, offset))


def _attention_backward(node, g):
    """gv = w^T g, gx = w (g v^T - sum w (g v^T)), gq = scale gx k, gk = scale gx^T q for weights w = softmax(scores x)"""
    q, k, v, mask, y, stats = node.saved
    causal, scale, p, seed, offset = node.args
    if is_grad_enabled():
        return _composed(q, k, v, mask, causal, scale, p, g, seed, offset)
    g = _rows(g)
    grads = tuple(_like(t, tuple(t.shape)) for t in (q, k, v))
    strides = sum((tuple(t.stride()[:3]) for t in (g, *grads)), ())
    call(K_attention_backward, (*grads, q, k, v, mask, y, stats, g),
         (*_sizes(q, k, v, y, mask, causal, seed, offset), *strides), (scale, p), True)
    return grads


def _sizes(q, k, v, y, mask, causal, seed, offset):
    """the integers of udl_attention_args"""
    B, H, L, D = q.shape
    _, few, S, E = v.shape
    kind = NO_MASK if mask is None else BOOL if mask.dtype is bool_ else ADD
    return (q.dtype.code, B, H, H // few if few else 1, L, S, D, E, *q.stride()[:3],
            *k.stride()[:3], *v.stride()[:3], *y.stride()[:3], *((0,) * 4 if mask is None else mask.stride()), kind,
            int(causal), seed, offset)


def _rows(t):
    """t, whose rows the kernel can read: a contiguous last dimension, rows that do not overlap"""
    if t.is_contiguous():
        return t
    s, n = t.stride(), t.shape[3]
    return t if (s[3] == 1 or n <= 1) and s[2] >= n > 0 else t.contiguous()


def _like(t, shape):
    """An uninitialised tensor of this shape [B, H, L, E]; heads lie inside a row if those of t do."""
    B, H, L, E = shape
    s = t.stride()
    if s[1] < s[2] and H > 1:
        return empty((B, L, H, E), dtype=t.dtype).transpose(1, 2)
    return empty(shape, dtype=t.dtype)


def _composed(q, k, v, mask, causal, scale, p, g=None, seed=0, offset=0):
    """The same from differentiable operations, with all scores in memory: (y,), or if g is given (gq, gk, gv)."""
    B, H, L, D = q.shape
    S, E = v.shape[2:]
    G = H // k.shape[1] if k.shape[1] else 1
    if G > 1:
        k, v = (t.unsqueeze(2).expand(B, H // G, G, S, t.shape[3]).reshape(B, H, S, t.shape[3]) for t in (k, v))
    x = matmul(q * scale, k.transpose(-2, -1))
    if causal:
        mask = lower_triangle(L, S)
    dead = None
    if mask is not None:
        x = x if mask.dtype is bool_ else x + mask
        if mask.dtype is bool_ or mask.device.type != "cpu" or _hides(mask.detach()):
            hidden = mask.logical_not() if mask.dtype is bool_ else mask.detach() == -math.inf
            dead = hidden.all(-1, True)
            x = x.masked_fill(hidden, -math.inf).masked_fill(dead, 0.0)
    w = x.softmax(-1)
    if dead is not None:
        w = w.masked_fill(dead, 0.0)
    keep = None if p == 0.0 else _keep(w, p, *((seed, offset) if g is not None else (None, None)))
    kept = w if keep is None else w * keep
    if g is None:
        return matmul(kept, v),
    gw = matmul(g, v.transpose(-2, -1))
    gw = gw if keep is None else gw * keep
    gx = w * (gw - (gw * w).sum(-1, True)) * scale
    gq, gk, gv = matmul(gx, k), matmul(gx.transpose(-2, -1), q), matmul(kept.transpose(-2, -1), g)
    if G > 1:
        gk, gv = (t.reshape(B, H // G, G, S, t.shape[3]).sum(2) for t in (gk, gv))
    return gq, gk, gv


def _hides(mask):
    """Does a mask of numbers hide a key? Most that are learned do not, which saves passes over all scores."""
    for i, step in enumerate(mask.stride()):
        if step == 0 and mask.shape[i] > 1:
            mask = mask.narrow(i, 0, 1)
    return bool((mask == -math.inf).any())


def _keep(w, p, seed, offset):
    """0 or 1 / (1 - p) for each weight [B, H, L, S], as the kernel draws them: four neighbours l share a counter."""
    B, H, L, S = w.shape
    ones = _core.ones((B, H, S, (L + 3) // 4 * 4), dtype=w.dtype)
    y, mask = _core.empty_like(ones), _core.empty_like(ones, dtype=_core.uint8)
    if seed is None:
        seed, offset = next_philox((ones.numel() + 3) // 4)
    call(K_dropout, (y, mask, ones), (ones.dtype.code, ones.numel(), seed, offset, 0), (p,))
    return y.narrow(3, 0, L).transpose(2, 3)


def _check(op, query, key, value, mask, is_causal, enable_gqa):
    """How many heads of query share a head of key; 0: one, and nothing is to be done about shapes and masks."""
    floating(op, query, "query")
    same_type(op, query, key, "key", "query")
    same_type(op, query, value, "value", "query")
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    if len(q) == len(k) == len(v) == 4 and q[:2] == k[:2] == v[:2] and q[3] == k[3] and k[2] == v[2] and mask is None and not enable_gqa:
        return 0
    got = f"got query {list(q)}, key {list(k)}, value {list(v)}"
    if min(len(q), len(k), len(v)) < 2:
        raise ShapeError(f"{op}: expected query [..., L, E], key [..., S, E] and value [..., S, V], {got}")
    if q[-1] != k[-1] or k[-2] != v[-2]:
        raise ShapeError(f"{op}: query and key need one last size, key and value one number of rows, {got}; "
                         f"heads come before rows: [batch, heads, rows, features]")
    groups = 1
    if enable_gqa:
        if len(q) < 3 or not len(q) == len(k) == len(v) or k[:-2] != v[:-2] or q[:-3] != k[:-3]:
            raise ShapeError(f"{op}: with enable_gqa the batch sizes and the heads of key and value must be equal, "
                             f"{got}")
        if k[-3] == 0 or q[-3] % k[-3]:
            raise ShapeError(f"{op}: with enable_gqa the heads of key must divide those of query, {got}")
        groups = q[-3] // k[-3]
    elif not q[:-2] == k[:-2] == v[:-2]:
        broadcast_shape(op, q[:-2], k[:-2], v[:-2])
    if mask is None:
        return groups
    tensor(op, mask, "attn_mask")
    if mask.dtype is not _core.bool_ and mask.dtype is not query.dtype:
        raise DTypeError(f"{op}: expected attn_mask of type bool or {query.dtype}, got {mask.dtype}")
    lead = q[:-2] if groups > 1 else broadcast_shape(op, q[:-2], k[:-2])
    shape = (*lead, q[-2], k[-2])
    if broadcast_shape(op, shape, tuple(mask.shape)) != shape:
        raise ShapeError(f"{op}: attn_mask {list(mask.shape)} does not broadcast to the scores {list(shape)}")
    return groups
