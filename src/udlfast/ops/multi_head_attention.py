"""Attention of several heads with its projections."""
from .._core import linear
from ..errors import CheckError
from ._common import tensor
from ._heads import OP, attend


def multi_head_attention_forward(
        query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn,
        dropout_p, out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True,
        attn_mask=None, use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None,
        static_k=None, static_v=None, average_attn_weights=True, is_causal=False):
    """Attention of several heads: project, attend in each head, join the heads and project again.

    y = concat_h(softmax(q_h k_h^T / sqrt(D) + mask) v_h) Wo^T + bo, with q = x_q Wq^T + bq and so on, cut into H heads

    Args:
        query: [L, B, E] or [L, E], floating point
        key: [S, B, E] or [S, E]
        value: [S, B, E] or [S, E]
        embed_dim_to_check: E
        num_heads: H, a divisor of E
        in_proj_weight, in_proj_bias: [3 E, E] and [3 E]: the rows of query, key, value; the bias may be None
        bias_k, bias_v: [1, 1, E], one more key and value after the others; or None
        add_zero_attn: one more key and value of zeros
        dropout_p: probability of dropping a weight while training
        out_proj_weight, out_proj_bias: [E, E] and [E] or None
        training: whether to drop
        key_padding_mask: [B, S] or [S]; bool (True = nobody looks there) or floating point (added); or None
        need_weights: give the weights back as well
        attn_mask: [L, S] or [B H, L, S]; bool (True = may not look) or floating point (added); or None
        use_separate_proj_weight: take q_proj_weight [E, E], k_proj_weight [E, any], v_proj_weight [E, any]
        static_k, static_v: [B H, S, D] in place of the projected key and value; or None
        average_attn_weights: the mean of the heads' weights instead of each
        is_causal: says that attn_mask is the causal mask, which is then not looked at where that is faster
    Returns: (y of query's shape, weights [B, L, S], [B, H, L, S] or None; without B for unbatched input). A query that
        may look at no key gives weights of zero, where PyTorch gives NaN if need_weights.
    Raises: ShapeError where sizes do not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> x, w = torch.ones(3, 1, 4), torch.ones(12, 4)
    >>> y, weights = torch.nn.functional.multi_head_attention_forward(
    ...     x, x, x, 4, 2, w, None, None, None, False, 0.0, torch.eye(4), None)
    >>> y[0, 0].tolist(), weights.shape
    ([4.0, 4.0, 4.0, 4.0], udlfast.Size([1, 3, 3]))

    Source: Vaswani et al. 2017, section 3.2.2; Understanding Deep Learning, section 12.3.2.
    """
    tensor(OP, query, "query")
    if query.ndim and query.shape[-1] != embed_dim_to_check:
        raise CheckError(f"{OP}: expected query with {embed_dim_to_check} features, got {list(query.shape)}")
    weight = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight
    context, weights = attend(
        query, key, value, num_heads, weight, in_proj_bias, extra=(bias_k, bias_v) if bias_k is not None else None,
        zero=add_zero_attn, dropout_p=dropout_p if training else 0.0, key_padding_mask=key_padding_mask,
        need_weights=need_weights, attn_mask=attn_mask, is_causal=is_causal, static=(static_k, static_v))
    if weights is not None and average_attn_weights:
        weights = weights.mean(-3)
    return linear(context, out_proj_weight, out_proj_bias), weights
