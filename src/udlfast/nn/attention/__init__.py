"""MultiheadAttention: attention of several heads with its projections."""

from contextlib import nullcontext
from enum import Enum

from ... import errors
from ...ops._heads import attend
from .. import init
from .._new import parameter
from ..linear import NonDynamicallyQuantizableLinear
from ..module import Module

__all__ = ["MultiheadAttention", "SDPBackend", "sdpa_kernel"]


class SDPBackend(Enum):
    """Ways to compute attention that PyTorch lets one choose between."""

    ERROR = -1
    MATH, FLASH_ATTENTION, EFFICIENT_ATTENTION, CUDNN_ATTENTION, OVERRIDEABLE = range(5)


def sdpa_kernel(backends, set_priority=False):
    """Accepted: a block that changes nothing, since there is one kernel for all."""
    return nullcontext()


class MultiheadAttention(Module):
    """Several heads of attention, each over its own projection of queries, keys and values.

    y = concat_h(softmax(q_h k_h^T / sqrt(D)) v_h) Wo^T + bo;  q = x_q Wq^T + bq, k and v likewise, each cut into H heads
    of D = E / H features. The projections of the inputs start from Xavier's uniform law, biases from 0.

    Arguments:
        embed_dim: E, the features of query and output: [L, B, E], [B, L, E] if batch_first, or [L, E] unbatched.
        num_heads: H, a divisor of E.
        dropout: probability of dropping a weight while training.
        bias: whether the projections have biases.
        add_bias_kv: one more, trained, key and value after the others.
        add_zero_attn: one more key and value of zeros.
        kdim, vdim: the features of key and value; None: E.
        batch_first: whether the batch comes first.
        Parameters: in_proj_weight [3 E, E] (or q_proj_weight, k_proj_weight, v_proj_weight if kdim or vdim differ),
        in_proj_bias [3 E], bias_k and bias_v [1, 1, E], out_proj.weight [E, E], out_proj.bias [E].

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        >>> x = torch.randn(3, 5, 8)
        >>> y, weights = layer(x, x, x)
        >>> tuple(y.shape), tuple(weights.shape)
        ((3, 5, 8), (3, 5, 5))

    Source: Vaswani et al. 2017, section 3.2.2; *Understanding Deep Learning*, section 12.3.2.
    """

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None,
                 vdim=None, batch_first=False, device=None, dtype=None):  # fmt: skip
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise errors.CheckError(
                f"MultiheadAttention: embed_dim must be a positive multiple of num_heads, got {embed_dim} and {num_heads}"
            )
        E = self.embed_dim = embed_dim
        self.kdim = E if kdim is None else kdim
        self.vdim = E if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == E and self.vdim == E
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = E // num_heads
        together = self._qkv_same_embed_dim
        self.register_parameter("in_proj_weight", parameter((3 * E, E), dtype, device) if together else None)
        for name, features in (("q", E), ("k", self.kdim), ("v", self.vdim)):
            own = None if together else parameter((E, features), dtype, device)
            self.register_parameter(f"{name}_proj_weight", own)
        self.register_parameter("in_proj_bias", parameter((3 * E,), dtype, device) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(E, E, bias=bias, device=device, dtype=dtype)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, parameter((1, 1, E), dtype, device) if add_bias_kv else None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        """Draws the parameters anew, but out_proj.weight, which Linear has drawn."""
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None,
                average_attn_weights=True, is_causal=False):  # fmt: skip
        """(output of query's shape, weights [B, L, S] or None).

        key_padding_mask: [B, S] or [S], True = nobody looks there, or floating point, added.
        attn_mask: [L, S] or [B H, L, S], True = may not look, or floating point, added.
        need_weights: False is faster. average_attn_weights: False gives the weights [B, H, L, S] of each head.
        is_causal: says that attn_mask is the causal mask.
        A query that may look at no key gives zeros where PyTorch gives NaN.
        """
        context, weights = self.attend(query, key, value, key_padding_mask, need_weights, attn_mask, is_causal)
        if weights is not None and average_attn_weights:
            weights = weights.mean(-3)
        return self.out_proj(context), weights

    def attend(self, query, key, value, key_padding_mask=None, need_weights=False, attn_mask=None, is_causal=False):
        """All before out_proj: (the joined heads, weights of each head or None)."""
        weight = self.in_proj_weight
        if weight is None:
            weight = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        return attend(
            query, key, value, self.num_heads, weight, self.in_proj_bias,
            None if self.bias_k is None else (self.bias_k, self.bias_v), self.add_zero_attn,
            self.dropout if self.training else 0.0, key_padding_mask, need_weights, attn_mask, is_causal,
            batch_first=self.batch_first)  # fmt: skip
