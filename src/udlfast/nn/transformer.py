"""Stacks of transformer layers, and the encoder-decoder made of two of them."""

import copy
import math

from .. import _core, errors
from ..device import check_device
from ..errors import check_repeats
from . import functional as F
from . import init
from .container import ModuleList
from .module import Module
from .normalization import LayerNorm
from .transformer_layers import TransformerDecoderLayer, TransformerEncoderLayer

__all__ = ["TransformerEncoder", "TransformerDecoder", "Transformer"]


def _copies(layer, n):
    check_repeats(f"layers of {type(layer).__name__}", n)
    return ModuleList([copy.deepcopy(layer) for _ in range(n)])


def _causal_mask(n, device=None, dtype=None):
    """[n, n]: 0 where column <= row, else -infinity"""
    if device is not None:
        check_device(device)
    import numpy

    array = numpy.triu(numpy.full((n, n), -math.inf, numpy.float32), 1)
    return _core.from_numpy(array).to(_core.get_default_dtype() if dtype is None else dtype)


def _is_causal(mask, said, n):
    """Whether a mask is the causal mask: what the caller said, else found by looking at it."""
    if said is not None or mask is None:
        return bool(said)
    if tuple(mask.shape) != (n, n):
        return False
    if mask.dtype is _core.bool_:
        return bool((mask == _causal_mask(n).isinf()).all())
    return bool((mask.detach() == _causal_mask(n, dtype=mask.dtype)).all())


class TransformerEncoder(Module):
    """Copies of an encoder layer, one after another.

    y = norm(layer_N(... layer_1(x)));  all layers start from the same values, those of the given layer.

    Arguments:
        encoder_layer: a TransformerEncoderLayer; it is copied num_layers times.
        num_layers: N.
        norm: a layer for the end, or None.
        enable_nested_tensor, mask_check: accepted for compatibility; outputs at padded places are computed as any
            others, where PyTorch may give zeros.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
        >>> tuple(net(torch.randn(3, 5, 8)).shape)
        (3, 5, 8)

    Source: Vaswani et al. 2017; *Understanding Deep Learning*, section 12.6.
    """

    def __init__(self, encoder_layer, num_layers, norm=None, enable_nested_tensor=True, mask_check=True):
        super().__init__()
        self.layers = _copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(self, src, mask=None, src_key_padding_mask=None, is_causal=None):
        """The last layer's output; is_causal=None: look whether mask is the causal mask, which is faster."""
        causal = _is_causal(mask, is_causal, _length(self.layers, src))
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """Copies of a decoder layer, one after another; each also looks at the memory.

    Arguments:
        decoder_layer: a TransformerDecoderLayer; it is copied num_layers times.
        num_layers: how many.
        norm: a layer for the end, or None.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.TransformerDecoder(torch.nn.TransformerDecoderLayer(8, 2, 16, batch_first=True), 2)
        >>> tuple(net(torch.randn(3, 5, 8), torch.randn(3, 7, 8)).shape)
        (3, 5, 8)

    Source: Vaswani et al. 2017; *Understanding Deep Learning*, sections 12.7 and 12.8.
    """

    def __init__(self, decoder_layer, num_layers, norm=None):
        super().__init__()
        self.layers = _copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(self, tgt, memory, tgt_mask=None, memory_mask=None, tgt_key_padding_mask=None,
                memory_key_padding_mask=None, tgt_is_causal=None, memory_is_causal=False):  # fmt: skip
        """The last layer's output; tgt_is_causal=None: look whether tgt_mask is the causal mask, which is faster."""
        causal = _is_causal(tgt_mask, tgt_is_causal, _length(self.layers, tgt))
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask, causal,
                        memory_is_causal)  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


def _length(layers, x):
    """L of [B, L, E], [L, B, E] or [L, E]"""
    first = layers[0] if len(layers) else None
    batch_first = getattr(getattr(first, "self_attn", None), "batch_first", False)
    return x.shape[1 if batch_first and x.ndim == 3 else 0] if x.ndim else 0


class Transformer(Module):
    """An encoder and a decoder that looks at the encoder's output.

    y = decoder(tgt, encoder(src));  every matrix starts from Xavier's uniform law.

    Arguments:
        d_model: E, the features: src [S, B, E] and tgt [L, B, E], batch first if batch_first, or without B.
        nhead: heads of each attention.
        num_encoder_layers, num_decoder_layers: how many layers.
        dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias: as in
            TransformerEncoderLayer.
        custom_encoder, custom_decoder: modules in place of these.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
        >>> tuple(net(torch.randn(3, 7, 8), torch.randn(3, 5, 8)).shape)
        (3, 5, 8)

    Source: Vaswani et al. 2017; *Understanding Deep Learning*, section 12.8.
    """

    def __init__(self, d_model=512, nhead=8, num_encoder_layers=6, num_decoder_layers=6, dim_feedforward=2048,
                 dropout=0.1, activation=F.relu, custom_encoder=None, custom_decoder=None, layer_norm_eps=1e-5,
                 batch_first=False, norm_first=False, bias=True, device=None, dtype=None):  # fmt: skip
        super().__init__()
        new = {"device": device, "dtype": dtype}
        options = (dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm():
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **new)

        self.encoder = custom_encoder
        if custom_encoder is None:
            layer = TransformerEncoderLayer(d_model, nhead, *options, **new)
            self.encoder = TransformerEncoder(layer, num_encoder_layers, norm())
        self.decoder = custom_decoder
        if custom_decoder is None:
            layer = TransformerDecoderLayer(d_model, nhead, *options, **new)
            self.decoder = TransformerDecoder(layer, num_decoder_layers, norm())
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(self, src, tgt, src_mask=None, tgt_mask=None, memory_mask=None, src_key_padding_mask=None,
                tgt_key_padding_mask=None, memory_key_padding_mask=None, src_is_causal=None, tgt_is_causal=None,
                memory_is_causal=False):  # fmt: skip
        """The decoder's output, of tgt's shape."""
        if src.ndim != tgt.ndim or src.ndim not in (2, 3) or {src.shape[-1], tgt.shape[-1]} != {self.d_model}:
            raise errors.CheckError(
                f"Transformer: expected src and tgt of {self.d_model} features and 3 (or both 2) dimensions, got "
                f"{list(src.shape)} and {list(tgt.shape)}"
            )
        b = 0 if self.batch_first else 1
        if src.ndim == 3 and src.shape[b] != tgt.shape[b]:
            raise errors.CheckError(
                f"Transformer: the batch is dimension {b} and must be equal in src and tgt, got {list(src.shape)} and "
                f"{list(tgt.shape)}; is batch_first={self.batch_first} as meant?"
            )
        memory = self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal)  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz, device=None, dtype=None):
        """The causal mask [sz, sz]: 0 on and below the diagonal, -infinity above."""
        return _causal_mask(sz, device, dtype)

    def _reset_parameters(self):
        """Draws all matrices anew."""
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)
