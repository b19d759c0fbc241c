"""Scaled dot-product attention."""
import math

from .. import _core
from .._core import K_softmax, K_softmax_backward, MAP_add, MAP_where, attach, bfloat16, call, ew2, ew3, is_grad_enabled
from ..errors import ArgumentError, DTypeError, ShapeError
from ._common import broadcast_shape, floating, lower_triangle, probability, same_type, tensor
from .dropout import dropout


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
        is_causal: query l looks at the keys 0..l only; not together with attn_mask
        scale: None = 1 / sqrt(E)
        enable_gqa: key and value may have fewer heads, each shared by H / heads consecutive heads of query
    Returns: [..., H, L, V]
    Raises: ShapeError where sizes do not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> q = torch.zeros(1, 2, 4)
    >>> y = torch.nn.functional.scaled_dot_product_attention(q, q, torch.tensor([[[1.], [3.]]]), is_causal=True)
    >>> y.tolist()
    [[[1.0], [2.0]]]

    Source: Vaswani et al. 2017; Understanding Deep Learning, section 12.2.
    """
    op = "scaled_dot_product_attention"
    groups = _check(op, query, key, value, attn_mask, is_causal, enable_gqa)
    probability(op, dropout_p)
    E, L, S = query.shape[-1], query.shape[-2], key.shape[-2]
    query = query * (scale if scale is not None else 1.0 / math.sqrt(E) if E else 1.0)
    shape = (*broadcast_shape(op, tuple(query.shape[:-2]), tuple(key.shape[:-2]) if groups == 1 else ()), L, S)
    if groups > 1:  # the heads that share a key lie together: fold them into the rows of one product
        query = query.reshape(*query.shape[:-3], -1, groups * L, E)
    weights = _core.matmul(query, key.transpose(-2, -1)).reshape(shape)
    if is_causal:
        attn_mask = lower_triangle(L, S)
    weights = _masked_softmax(weights, attn_mask, attn_mask is not None and not is_causal)
    if dropout_p > 0.0:
        weights = dropout(weights, dropout_p)
    if groups > 1:
        weights = weights.reshape(*shape[:-3], -1, groups * L, S)
    y = _core.matmul(weights, value)
    return y.reshape(*shape[:-1], value.shape[-1]) if groups > 1 else y


def _masked_softmax(scores, mask, may_be_dead):
    """Softmax over the last dimension of scores + mask (True = 0, False = -infinity); rows of -infinity give zeros
    (looked for only if there may be any). Overwrites the memory of `scores`, which must be fresh.
    """
    if scores.dtype is bfloat16:
        mask = mask if mask is None or mask.dtype is _core.bool_ else mask.to(_core.float32)
        return _masked_softmax(scores.to(_core.float32), mask, may_be_dead).to(bfloat16)
    s = scores.detach().contiguous()
    if mask is not None:
        m = mask.detach()
        s = ew3(MAP_where, m, s, None, -math.inf) if m.dtype is _core.bool_ else ew2(MAP_add, s, m).contiguous()
    dead = None
    if may_be_dead and s.numel():
        dead = s.amax(-1, True) == -math.inf
        dead = dead if bool(dead.any()) else None
    n = s.shape[-1]
    call(K_softmax, (s, s), (s.dtype.code, s.numel() // n if n else 0, n, 1, 0), ())
    if dead is not None:
        s = ew3(MAP_where, dead, _core.zeros((), dtype=s.dtype), s)
    own = mask.expand(s.shape) if mask is not None and mask.dtype.is_floating_point else None
    return attach(s, (scores, own), _masked_softmax_backward, saved=(s,))


def _masked_softmax_backward(node, g):
    """gs = y (g - sum g y); the expanded mask was added, so its gradient is the same"""
    y = node.saved[0]
    if is_grad_enabled():
        gs = y * (g - (g * y).sum(-1, True))
    else:
        g, n = g.contiguous(), y.shape[-1]
        gs = _core.empty_like(y)
        call(K_softmax_backward, (gs, g, y), (y.dtype.code, y.numel() // n if n else 0, n, 1, 0), ())
    return gs, gs if node.needs(1) else None


def _check(op, query, key, value, mask, is_causal, enable_gqa):
    """How many heads of query share a head of key."""
    floating(op, query, "query")
    same_type(op, query, key, "key", "query")
    same_type(op, query, value, "value", "query")
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
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
    else:
        broadcast_shape(op, q[:-2], k[:-2], v[:-2])
    if mask is None:
        return groups
    if is_causal:
        raise ArgumentError(f"{op}: give attn_mask or is_causal=True, not both; combine them into one mask")
    tensor(op, mask, "attn_mask")
    if mask.dtype is not _core.bool_ and mask.dtype is not query.dtype:
        raise DTypeError(f"{op}: expected attn_mask of type bool or {query.dtype}, got {mask.dtype}")
    lead = q[:-2] if groups > 1 else broadcast_shape(op, q[:-2], k[:-2])
    shape = (*lead, q[-2], k[-2])
    if broadcast_shape(op, shape, tuple(mask.shape)) != shape:
        raise ShapeError(f"{op}: attn_mask {list(mask.shape)} does not broadcast to the scores {list(shape)}")
    return groups
