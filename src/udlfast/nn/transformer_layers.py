"""One layer of a transformer: attention and a feed-forward network, each with a residual connection and a norm."""

from .. import errors
from . import _fused
from . import functional as F
from .attention import MultiheadAttention
from .dropout import Dropout
from .linear import Linear
from .module import Module
from .normalization import LayerNorm

__all__ = ["TransformerEncoderLayer", "TransformerDecoderLayer"]


def _activation(layer, activation):
    """A function from the name "relu" or "gelu", or any callable."""
    if callable(activation):
        return activation
    if activation not in ("relu", "gelu"):
        raise errors.ArgumentError(f'{layer}: activation should be "relu", "gelu" or a function, got {activation!r}')
    return F.relu if activation == "relu" else F.gelu


class Layer(Module):
    """What encoder and decoder layers share: how attention and the feed-forward network are joined to the stream."""

    def _attention(self, layer, dropout, residual, x, memory, mask, padding, is_causal):
        """residual + dropout(attention of x to memory), in one kernel call less where nothing has to be recorded"""
        fused = _fused.usable(x, layer.out_proj) and layer._hooks is None and not self.training
        if not fused:
            y, _ = layer(x, memory, memory, attn_mask=mask, key_padding_mask=padding, need_weights=False, is_causal=is_causal)
            return residual + dropout(y)
        y, _ = layer.attend(x, memory, memory, padding, False, mask, is_causal)
        return _fused.linear(y, layer.out_proj, residual=residual)

    def _feed_forward(self, last_dropout, residual, x):
        """residual + dropout(linear2(dropout(activation(linear1(x)))))"""
        code = _fused.code_of(self.activation)
        if self.training or code is None or not _fused.usable(x, self.linear1, self.linear2):
            y = self.linear2(self.dropout(self.activation(self.linear1(x))))
            return residual + last_dropout(y)
        return _fused.linear(_fused.linear(x, self.linear1, code), self.linear2, residual=residual)


class TransformerEncoderLayer(Layer):
    """Self-attention and a feed-forward network.

    x = norm1(x + attention(x)), y = norm2(x + W2 act(W1 x + b1) + b2);  with norm_first the norms stand at the entry of
    each branch instead: x = x + attention(norm1(x)), y = x + ff(norm2(x)).

    Arguments:
        d_model: E, the features of input and output: [L, B, E], [B, L, E] if batch_first, or [L, E] unbatched.
        nhead: heads of the attention, a divisor of E.
        dim_feedforward: the width of the hidden layer.
        dropout: probability of dropping an attention weight, a hidden unit, and a feature of each branch's output.
        activation: "relu", "gelu" or a function.
        layer_norm_eps: added to the variance.
        batch_first: whether the batch comes first.
        norm_first: whether the norms stand before the branches.
        bias: False leaves all biases out.
        Children: self_attn, linear1, dropout, linear2, norm1, norm2, dropout1, dropout2.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        >>> tuple(layer(torch.randn(3, 5, 8)).shape)
        (3, 5, 8)

    Source: Vaswani et al. 2017; *Understanding Deep Learning*, section 12.4.
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):  # fmt: skip
        super().__init__()
        new = {"device": device, "dtype": dtype}
        self.self_attn = MultiheadAttention(d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **new)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **new)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **new)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **new)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.activation = _activation("TransformerEncoderLayer", activation)

    def forward(self, src, src_mask=None, src_key_padding_mask=None, is_causal=False):
        """The layer's output, of src's shape.

        src_mask: [L, L] or [B H, L, L], True = may not look, or floating point, added.
        src_key_padding_mask: [B, L] or [L], True = nobody looks there.
        is_causal: says that src_mask is the causal mask.
        """
        if self.norm_first:
            n = self.norm1(src)
            x = self._attention(self.self_attn, self.dropout1, src, n, n, src_mask, src_key_padding_mask, is_causal)
            return self._feed_forward(self.dropout2, x, self.norm2(x))
        x = self._attention(self.self_attn, self.dropout1, src, src, src, src_mask, src_key_padding_mask, is_causal)
        x = self.norm1(x)
        return self.norm2(self._feed_forward(self.dropout2, x, x))


class TransformerDecoderLayer(Layer):
    """Self-attention, attention to a memory (the encoder's output) and a feed-forward network.

    x = norm1(x + attention(x)), x = norm2(x + attention(x, memory)), y = norm3(x + W2 act(W1 x + b1) + b2);  with
    norm_first the norms stand at the entry of each branch instead.

    Arguments:
        d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: as in
            TransformerEncoderLayer.
        Children: self_attn, multihead_attn, linear1, dropout, linear2, norm1, norm2, norm3, dropout1, dropout2, dropout3.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
        >>> tuple(layer(torch.randn(3, 5, 8), torch.randn(3, 7, 8)).shape)
        (3, 5, 8)

    Source: Vaswani et al. 2017; *Understanding Deep Learning*, sections 12.7 and 12.8.
    """

    def __init__(self, d_model, nhead, dim_feedforward=2048, dropout=0.1, activation=F.relu, layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):  # fmt: skip
        super().__init__()
        new = {"device": device, "dtype": dtype}
        heads = {"dropout": dropout, "bias": bias, "batch_first": batch_first, **new}
        self.self_attn = MultiheadAttention(d_model, nhead, **heads)
        self.multihead_attn = MultiheadAttention(d_model, nhead, **heads)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **new)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **new)
        self.norm_first = norm_first
        self.norm1 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **new)
        self.norm2 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **new)
        self.norm3 = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **new)
        self.dropout1 = Dropout(dropout)
        self.dropout2 = Dropout(dropout)
        self.dropout3 = Dropout(dropout)
        self.activation = _activation("TransformerDecoderLayer", activation)

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=False, memory_is_causal=False):  # fmt: skip
        """The layer's output, of tgt's shape; masks as in TransformerEncoderLayer, memory_* for the second attention."""

        def own(residual, x):
            return self._attention(self.self_attn, self.dropout1, residual, x, x, tgt_mask, tgt_key_padding_mask, tgt_is_causal)

        def other(residual, x):
            return self._attention(self.multihead_attn, self.dropout2, residual, x, memory, memory_mask,
                                   memory_key_padding_mask, memory_is_causal)  # fmt: skip

        if self.norm_first:
            x = own(tgt, self.norm1(tgt))
            x = other(x, self.norm2(x))
            return self._feed_forward(self.dropout3, x, self.norm3(x))
        x = self.norm1(own(tgt, tgt))
        x = self.norm2(other(x, x))
        return self.norm3(self._feed_forward(self.dropout3, x, x))
