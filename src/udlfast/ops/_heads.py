"""The parts of multi-head attention that the function and the layer share: checks, projections, masks, weights.

Axis letters: B examples, L queries, S keys, E features of the layer, H heads of D = E / H features each.
"""
import math

from .. import _core
from .._core import bool_, linear, matmul
from ..errors import ArgumentError, CheckError, ShapeError
from ._common import floating, tensor
from .attention import scaled_dot_product_attention
from .dropout import dropout
from .joining import cat
from .softmax import softmax

OP = "multi_head_attention_forward"


def attend(query, key, value, heads, weight, bias, extra=None, zero=False, dropout_p=0.0, key_padding_mask=None,
           need_weights=False, attn_mask=None, is_causal=False, static=(None, None), batch_first=False):
    """All but the last projection: (heads joined, in the layout of query; weights [(B,) H, L, S] or None)."""
    batched = _check(query, key, value, heads, batch_first)
    if not batched:
        b = 0 if batch_first else 1
        one = query.unsqueeze(b)
        same_key, same_value = key is query, value is key
        key = one if same_key else key.unsqueeze(b)
        query, value = one, key if same_value else value.unsqueeze(b)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    q, k, v = _project(query, key, value, weight, bias)
    if extra is not None:
        k, v = _append(k, extra[0], batch_first), _append(v, extra[1], batch_first)
    q, k, v = (_split(t, heads, batch_first) for t in (q, k, v))
    if static[0] is not None:
        k = static[0].reshape(*k.shape[:2], -1, static[0].shape[-1])
    if static[1] is not None:
        v = static[1].reshape(*v.shape[:2], -1, static[1].shape[-1])
    if zero:
        nothing = _core.zeros((*k.shape[:2], 1, k.shape[3]), dtype=k.dtype)
        k, v = cat([k, nothing], 2), cat([v, nothing], 2)
    mask, is_causal = _mask(q, k, attn_mask, key_padding_mask, is_causal, need_weights, bool(zero) + (extra is not None))
    if need_weights:
        y, weights = _with_weights(q, k, v, mask, dropout_p)
    else:
        weights = None
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p, is_causal)
    B, H, L, D = y.shape
    y = (y.permute(0, 2, 1, 3).reshape(B, L, H * D) if batch_first else y.permute(2, 0, 1, 3).reshape(L, B, H * D))
    if not batched:
        y, weights = y.squeeze(b), None if weights is None else weights.squeeze(0)
    return y, weights


def _check(query, key, value, heads, batch_first):
    """Whether there is a batch dimension."""
    for name, t in (("query", query), ("key", key), ("value", value)):
        floating(OP, t, name)
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    got = f"got query {list(q)}, key {list(k)}, value {list(v)}"
    if len(q) not in (2, 3) or len(k) != len(q) or len(v) != len(q):
        layout = "[B, L, E]" if batch_first else "[L, B, E]"
        raise CheckError(f"{OP}: expected query, key and value {layout} or [L, E], all alike, {got}")
    if q[-1] % heads:
        raise CheckError(f"{OP}: {heads} heads do not divide {q[-1]} features")
    if k[:-1] != v[:-1]:
        raise CheckError(f"{OP}: key and value need one number of rows and examples, {got}")
    batch = 0 if batch_first else 1
    if len(q) == 3 and q[batch] != k[batch]:
        raise ShapeError(f"{OP}: the batch is dimension {batch}: query and key differ there, {got}; "
                         f"is batch_first={batch_first} as meant?")
    return len(q) == 3


def _project(query, key, value, weight, bias):
    """q, k, v; with one matmul for what reads the same input"""
    E = query.shape[-1]
    if isinstance(weight, tuple):
        bq, bk, bv = (None,) * 3 if bias is None else (bias.narrow(0, i * E, E) for i in range(3))
        return linear(query, weight[0], bq), linear(key, weight[1], bk), linear(value, weight[2], bv)
    if key is query and value is query:
        y = linear(query, weight, bias)
        return y.narrow(-1, 0, E), y.narrow(-1, E, E), y.narrow(-1, 2 * E, E)

    def part(x, first, n):
        return linear(x, weight.narrow(0, first * E, n * E), None if bias is None else bias.narrow(0, first * E, n * E))
    if key is value:
        y = part(key, 1, 2)
        return part(query, 0, 1), y.narrow(-1, 0, E), y.narrow(-1, E, E)
    return part(query, 0, 1), part(key, 1, 1), part(value, 2, 1)


def _append(x, row, batch_first):
    """One more row [1, 1, E] for every example."""
    B = x.shape[0 if batch_first else 1]
    return cat([x, row.expand(B, 1, -1) if batch_first else row.expand(1, B, -1)], 1 if batch_first else 0)


def _split(x, heads, batch_first):
    """[B, L, E] or [L, B, E] as [B, H, L, D], a view"""
    x = x.unflatten(-1, (heads, x.shape[-1] // heads))
    return x.permute(0, 2, 1, 3) if batch_first else x.permute(1, 2, 0, 3)


def _mask(q, k, attn_mask, padding, is_causal, need_weights, extra):
    """(mask for scaled_dot_product_attention, is_causal); `extra` keys at the end that all may look at"""
    B, H, L, _ = q.shape
    S = k.shape[2] - extra
    if is_causal and attn_mask is None:
        raise ArgumentError(f"{OP}: is_causal only says what attn_mask is; give attn_mask as well "
                            f"(nn.Transformer.generate_square_subsequent_mask(L))")
    if is_causal and padding is None and not need_weights and not extra:
        return None, True
    parts = []
    if attn_mask is not None:
        shape = tuple(_typed(attn_mask, "attn_mask").shape)
        if shape not in ((L, S), (B * H, L, S)):
            raise CheckError(f"{OP}: expected attn_mask {[L, S]} or {[B * H, L, S]}, got {list(shape)}")
        parts.append(attn_mask if len(shape) == 2 else attn_mask.reshape(B, H, L, S))
    if padding is not None:
        if tuple(_typed(padding, "key_padding_mask").shape) != (B, S):
            raise CheckError(f"{OP}: expected key_padding_mask {[B, S]}, got {list(padding.shape)}")
        parts.append(padding.reshape(B, 1, 1, S))
    if not parts:
        return None, False
    if all(m.dtype is bool_ for m in parts):
        allowed = parts[0].logical_not()
        allowed = allowed if len(parts) == 1 else allowed & parts[1].logical_not()
        mask, fill = allowed, True
    else:
        parts = [_added(m, q.dtype) for m in parts]
        mask, fill = parts[0] if len(parts) == 1 else parts[0] + parts[1], 0.0
    if extra:
        mask = cat([mask, _core.full((*mask.shape[:-1], extra), fill, dtype=mask.dtype)], -1)
    return mask, False


def _typed(mask, name):
    tensor(OP, mask, name)
    if mask.dtype is not bool_ and not mask.dtype.is_floating_point:
        raise CheckError(f"{OP}: expected {name} of type bool (True = hidden) or floating point (added), got {mask.dtype}")
    return mask


def _added(mask, dtype):
    if mask.dtype is bool_:
        return _core.zeros(tuple(mask.shape), dtype=dtype).masked_fill(mask, -math.inf)
    return mask.to(dtype)


def _with_weights(q, k, v, mask, dropout_p):
    """Attention whose weights are wanted; rows that may look nowhere give zeros."""
    scores = matmul(q * (1.0 / math.sqrt(q.shape[-1]) if q.shape[-1] else 1.0), k.transpose(-2, -1))
    dead = None
    if mask is not None:
        mask = _added(mask.logical_not(), q.dtype) if mask.dtype is bool_ else mask
        dead = (mask.detach() == -math.inf).all(-1, keepdim=True)
        dead = dead if bool(dead.any()) else None
        scores = scores + (mask if dead is None else mask.masked_fill(dead, 0.0))
    weights = softmax(scores, -1)
    if dead is not None:
        weights = weights.masked_fill(dead, 0.0)
    if dropout_p > 0.0:
        weights = dropout(weights, dropout_p)
    return matmul(weights, v), weights
