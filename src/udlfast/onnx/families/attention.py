"""Attention, rotary positions."""

import math

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ArgumentError, ShapeError
from .._registry import op
from .._types import tensor_type


def heads(x, count):
    """[B, T, H D] as [B, H, T, D]."""
    if x.dim() == 4:
        return x
    if not count:
        raise ArgumentError("q_num_heads and kv_num_heads are needed for inputs of three dimensions")
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


@op("Attention", host=(6,))
def attention(node, q, k, v, mask=None, past_k=None, past_v=None, lengths=None):
    """softmax(scale q k^T + mask) v, with the keys and values of the past before those given."""
    flat = q.dim() == 3
    q = heads(q, node.get("q_num_heads"))
    k, v = heads(k, node.get("kv_num_heads")), heads(v, node.get("kv_num_heads"))
    before = 0 if past_k is None else past_k.shape[2]
    if past_k is not None:
        k, v = udl.cat([past_k, k], 2), udl.cat([past_v, v], 2)
    if q.shape[1] % k.shape[1]:
        raise ShapeError(f"{q.shape[1]} heads of queries do not share {k.shape[1]} of keys")
    present_k, present_v = k, v
    shared = q.shape[1] // k.shape[1]
    if shared > 1:
        k, v = k.repeat_interleave(shared, 1), v.repeat_interleave(shared, 1)
    scale = node.get("scale") or 1 / math.sqrt(q.shape[-1])
    cap, causal = node.get("softcap", 0.0), bool(node.get("is_causal"))
    bias = everything(node, q, k, mask, causal, before, lengths)
    if len(node.outputs) < 4 and not cap and softmax_type(node, q) is None:
        plain = max(node.get("left_window_size", -1), node.get("right_window_size", -1)) < 0 and mask is None and lengths is None
        fast = causal and plain and q.shape[2] == k.shape[2]
        y, seen = F.scaled_dot_product_attention(q, k, v, None if fast else bias, is_causal=fast, scale=scale), None
    else:
        y, seen = spelled_out(node, q, k, v, mask, bias, scale, cap)
    if flat:
        y = y.transpose(1, 2).reshape(y.shape[0], y.shape[2], -1)
    return y, present_k, present_v, seen


def softmax_type(node, q):
    code = node.get("softmax_precision")
    kind = None if not code else tensor_type(code)
    return None if kind is q.dtype else kind


def everything(node, q, k, mask, causal, before, lengths):
    """The mask, the bound of causality and the lengths as one sum for the scores; None if there is nothing."""
    n, total = q.shape[2], k.shape[2]
    allowed = None
    if lengths is not None:
        allowed = node.tensor(lengths.reshape(-1, 1, 1, 1), "length") > udl.arange(total).reshape(1, 1, 1, -1)
    left, right = node.get("left_window_size", -1), node.get("right_window_size", -1)
    if causal or left >= 0 or right >= 0:
        # with lengths, the queries are the last n of each sequence
        offset = before if lengths is None else node.tensor((lengths - n).reshape(-1, 1, 1, 1), "offset")
        ahead = udl.arange(total).reshape(1, 1, 1, -1) - (udl.arange(n).reshape(1, 1, -1, 1) + offset)
        for bound in [ahead <= 0] * causal + [ahead >= -left] * (left >= 0) + [ahead <= right] * (right >= 0):
            allowed = bound if allowed is None else allowed & bound
    if mask is not None:
        if mask.shape[-1] < total:
            mask = F.pad(mask.to(q.dtype) if mask.dtype is not udl.bool_ else mask.to(udl.uint8), [0, total - mask.shape[-1]], value=(
                0 if mask.dtype is udl.bool_ else -math.inf)).to(mask.dtype)
        if mask.dtype is udl.bool_:
            allowed = mask if allowed is None else allowed & mask
            mask = None
    if allowed is not None:
        base = udl.zeros([1], dtype=q.dtype) if mask is None else mask
        mask = udl.where(allowed, base, -math.inf)
    return mask


def spelled_out(node, q, k, v, mask, bias, scale, cap):
    """Product by product, for what the fused kernel does not give; the fourth output is what `qk_matmul_output_mode` says."""
    root = math.sqrt(scale)
    scores = udl.matmul(q * root, k.transpose(-1, -2) * root)
    stages = {0: scores}
    mode = node.get("qk_matmul_output_mode", 0)
    capped = cap * udl.tanh(scores / cap) if cap else scores
    summed = capped if bias is None else capped + bias
    stages.update({1: capped, 2: summed})
    kind = softmax_type(node, q)
    logits = summed if kind is None else summed.to(kind)
    chances = F.softmax(logits, -1)
    chances = udl.where(udl.isnan(chances), 0.0, chances).to(q.dtype)  # rows that may see nothing
    stages[3] = chances
    return udl.matmul(chances, v), stages[mode]


@op("RotaryEmbedding")
def rotary(node, x, cos, sin, positions=None):
    """Pairs of numbers turned by angles that grow with the position."""
    flat = x.dim() == 3
    y = heads(x, node.get("num_heads")) if flat else x
    size = node.get("rotary_embedding_dim", 0) or y.shape[-1]
    part, rest = y[..., :size], y[..., size:]
    if positions is not None:
        cos, sin = (F.embedding(positions, t) for t in (cos, sin))
    if cos.shape[-1] != size // 2:
        raise ShapeError(f"the tables have {cos.shape[-1]} angles, {size // 2} are needed")
    cos, sin = cos.unsqueeze(1), sin.unsqueeze(1)
    if node.get("interleaved"):
        a, b = part[..., 0::2], part[..., 1::2]
        turned = udl.stack([a * cos - b * sin, b * cos + a * sin], -1).reshape(part.shape)
    else:
        a, b = udl.chunk(part, 2, -1)
        turned = udl.cat([a * cos - b * sin, b * cos + a * sin], -1)
    y = udl.cat([turned, rest], -1) if rest.shape[-1] else turned
    return y.transpose(1, 2).reshape(x.shape) if flat else y


@op("LinearAttention")
def linear_attention(node, q, k, v, state=None, decay=None, beta=None):
    """S <- e^g S + beta k (v - S^T k): a memory written and read at each step; o = scale S^T q."""
    rule, many, few = node.get("update_rule", "gated_delta"), node.get("q_num_heads"), node.get("kv_num_heads")
    scale = node.get("scale", 0.0) or 1 / math.sqrt(q.shape[-1] // many)
    kind = q.dtype
    q, k, v, state, decay, beta = (None if t is None else t.float() if t.dtype.narrow else t for t in (q, k, v, state, decay, beta))
    q, k, v = heads(q, many), heads(k, few), heads(v, few)
    if state is None:
        state = udl.zeros([q.shape[0], few, k.shape[-1], v.shape[-1]], dtype=q.dtype)
    decay = udl.exp(heads(decay, few)) if "gated" in rule else None
    beta = beta.transpose(1, 2).unsqueeze(-1) if "delta" in rule else None
    out = []
    for t in range(q.shape[2]):
        if decay is not None:
            state = state * decay[:, :, t].unsqueeze(-1)
        key, value = k[:, :, t].unsqueeze(-1), v[:, :, t].unsqueeze(-2)
        if beta is not None:
            value = beta[:, :, t].unsqueeze(-1) * (value - udl.matmul(key.transpose(-1, -2), state))
        state = state + key * value
        query = q[:, :, t].reshape(q.shape[0], few, many // few, -1)
        out.append(udl.matmul(query, state).reshape(q.shape[0], many, -1) * scale)
    return udl.stack(out, 1).reshape(q.shape[0], q.shape[2], -1).to(kind), state.to(kind)
