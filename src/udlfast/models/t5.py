"""T5, an encoder-decoder whose attention knows distances, under the names of Hugging Face's T5ForConditionalGeneration."""
import math

from .. import _core, nn
from ..errors import check_repeats
from ..nn import functional as F
from .kv_cache import KVCache
from .pretrained import read_config, read_weights


def distance_buckets(queries, keys, offset, both_ways, buckets, most):
    """The number of each distance key - query, int64 [queries, keys]; the first query stands at `offset`.

    With n buckets (half of them for each direction if both_ways) distances below n/2 have one each; larger ones share
    buckets whose width grows with the logarithm up to `most`. One-way: all later keys are at distance 0.
    """
    import numpy as np

    distance = np.arange(keys)[None, :] - (offset + np.arange(queries))[:, None]
    start = 0
    if both_ways:
        buckets //= 2
        start = (distance > 0) * buckets
        distance = np.abs(distance)
    else:
        distance = np.maximum(-distance, 0)
    exact = buckets // 2
    with np.errstate(divide="ignore"):
        log = np.log(distance.astype(np.float32) / np.float32(exact)) / np.float32(math.log(most / exact))
    far = exact + np.maximum(log * np.float32(buckets - exact), 0).astype(np.int64)
    return _core.from_numpy(start + np.where(distance < exact, distance, np.minimum(far, buckets - 1)))


class Attention(nn.Module):
    """Attention without a scale (the initial law of q has it) and without biases; the first of a stack holds the bias
    that a distance adds to the score."""

    def __init__(self, config, both_ways, has_bias):
        super().__init__()
        E, D, H = config["d_model"], config["d_kv"], config["num_heads"]
        self.heads, self.dim, self.dropout, self.both_ways = H, D, config["dropout_rate"], both_ways
        self.buckets, self.most = config["relative_attention_num_buckets"], config["relative_attention_max_distance"]
        self.q, self.k, self.v = (nn.Linear(E, H * D, bias=False) for _ in range(3))
        self.o = nn.Linear(H * D, E, bias=False)
        for layer, std in ((self.q, (E * D) ** -0.5), (self.k, E**-0.5), (self.v, E**-0.5), (self.o, (H * D) ** -0.5)):
            nn.init.normal_(layer.weight, 0.0, std)
        if has_bias:
            self.relative_attention_bias = nn.Embedding(self.buckets, H)
            nn.init.normal_(self.relative_attention_bias.weight, 0.0, E**-0.5)

    def bias(self, queries, keys, offset):
        """[1, H, queries, keys]"""
        places = distance_buckets(queries, keys, offset, self.both_ways, self.buckets, self.most)
        return self.relative_attention_bias(places).permute(2, 0, 1).unsqueeze(0)

    def split(self, x):
        """[B, T, H D] as [B, H, T, D]"""
        return x.unflatten(2, (self.heads, self.dim)).transpose(1, 2)

    def forward(self, x, k, v, mask):
        """x: what the queries are made of; k, v [B, H, S, D]"""
        y = F.scaled_dot_product_attention(self.split(self.q(x)), k, v, mask, self.dropout if self.training else 0.0,
                                           scale=1.0)
        return self.o(y.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """wo relu(wi x), or wo (gelu(wi_0 x) * wi_1 x)"""

    def __init__(self, config):
        super().__init__()
        E, hidden = config["d_model"], config["d_ff"]
        self.gated = config["feed_forward_proj"] == "gated-gelu"
        for name in ("wi_0", "wi_1") if self.gated else ("wi",):
            setattr(self, name, nn.Linear(E, hidden, bias=False))
            nn.init.normal_(getattr(self, name).weight, 0.0, E**-0.5)
        self.wo = nn.Linear(hidden, E, bias=False)
        nn.init.normal_(self.wo.weight, 0.0, hidden**-0.5)
        self.dropout = nn.Dropout(config["dropout_rate"])

    def forward(self, x):
        y = F.gelu(self.wi_0(x), "tanh") * self.wi_1(x) if self.gated else F.relu(self.wi(x))
        return self.wo(self.dropout(y))


class Branch(nn.Module):
    """One branch of a block: its norm, what it does (under `name`) and dropout."""

    def __init__(self, config, name, what):
        super().__init__()
        setattr(self, name, what)
        self.layer_norm = nn.RMSNorm(config["d_model"], eps=config["layer_norm_epsilon"])
        self.dropout = nn.Dropout(config["dropout_rate"])


class Block(nn.Module):
    """x = x + attention(norm(x)), in a decoder x = x + attention(norm(x), memory), y = x + ff(norm(x))"""

    def __init__(self, config, decoder, first):
        super().__init__()
        layers = [Branch(config, "SelfAttention", Attention(config, not decoder, first))]
        if decoder:
            layers.append(Branch(config, "EncDecAttention", Attention(config, True, False)))
        self.layer = nn.ModuleList([*layers, Branch(config, "DenseReluDense", FeedForward(config))])

    def forward(self, x, mask, memory, memory_mask, cache, index):
        own = self.layer[0]
        n, attention = own.layer_norm(x), own.SelfAttention
        k, v = attention.split(attention.k(n)), attention.split(attention.v(n))
        if cache is not None:
            k, v = cache.append(index, k, v)
        x = x + own.dropout(attention(n, k, v, mask))
        if memory is not None:
            other = self.layer[1]
            attention, kept = other.EncDecAttention, None if cache is None else cache.memory[index]
            if kept is None:
                kept = attention.split(attention.k(memory)), attention.split(attention.v(memory))
                if cache is not None:
                    cache.memory[index] = kept
            x = x + other.dropout(attention(other.layer_norm(x), *kept, memory_mask))
        last = self.layer[-1]
        return x + last.dropout(last.DenseReluDense(last.layer_norm(x)))


class Stack(nn.Module):
    """The encoder, or the decoder."""

    def __init__(self, config, table, decoder):
        super().__init__()
        self.embed_tokens = table
        n = config["num_decoder_layers"] if decoder else config["num_layers"]
        check_repeats("T5: layers", n)
        self.block = nn.ModuleList([Block(config, decoder, i == 0) for i in range(n)])
        self.final_layer_norm = nn.RMSNorm(config["d_model"], eps=config["layer_norm_epsilon"])
        self.dropout = nn.Dropout(config["dropout_rate"])
        self.decoder = decoder

    def forward(self, ids, padding=None, memory=None, memory_padding=None, cache=None):
        T, seen = ids.shape[1], 0 if cache is None else cache.used
        x = self.dropout(self.embed_tokens(ids))
        mask = self.block[0].layer[0].SelfAttention.bias(T, seen + T, seen) if len(self.block) else None
        if self.decoder and T > 1:
            from ..ops._common import lower_triangle

            mask = mask.masked_fill(lower_triangle(T, seen + T, seen).logical_not(), -math.inf)
        if padding is not None:
            mask = mask + _hidden(padding, mask.dtype)
        memory_mask = None if memory_padding is None else _hidden(memory_padding, x.dtype)
        for index, block in enumerate(self.block):
            x = block(x, mask, memory, memory_mask, cache, index)
        if cache is not None:
            cache.advance(T)
        return self.dropout(self.final_layer_norm(x))


def _hidden(attention_mask, dtype):
    """[B, 1, 1, S]: -infinity where the mask is 0"""
    B, S = attention_mask.shape
    return _core.zeros((B, 1, 1, S), dtype=dtype).masked_fill((attention_mask == 0).reshape(B, 1, 1, S), -math.inf)


class T5(nn.Module):
    """An encoder and a decoder of tokens; its parameters have the names of Hugging Face's T5ForConditionalGeneration.

        x = x + attention(norm(x) with a bias for each distance), x = x + ff(norm(x));  the decoder also attends to the
        encoder's output;  norm(x) = w x / sqrt(mean(x^2) + eps)

    vocab_size, d_model, d_kv (features of a head), d_ff, num_layers, num_decoder_layers (None: num_layers), num_heads,
    relative_attention_num_buckets, relative_attention_max_distance, dropout_rate, layer_norm_epsilon,
    feed_forward_proj ("relu" or "gated-gelu"), tie_word_embeddings: as in T5's config.json.

    forward(input_ids [B, S], decoder_input_ids [B, T], attention_mask [B, S] or None): logits [B, T, V]. encode and
    decode are its two halves; generate(net, start, memory=net.encode(ids)) uses them.

    >>> import udlfast as torch
    >>> net = T5(50, 16, 8, 32, 1, num_heads=2)
    >>> tuple(net(torch.tensor([[1, 2, 3]]), torch.tensor([[0, 4]])).shape)
    (1, 2, 50)

    Source: Raffel et al. 2020; Understanding Deep Learning, section 12.8.
    """

    def __init__(self, vocab_size=32128, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_decoder_layers=None,
                 num_heads=8, relative_attention_num_buckets=32, relative_attention_max_distance=128, dropout_rate=0.1,
                 layer_norm_epsilon=1e-6, feed_forward_proj="relu", tie_word_embeddings=True):
        super().__init__()
        if feed_forward_proj not in ("relu", "gated-gelu"):
            raise ValueError(f"T5: feed_forward_proj must be 'relu' or 'gated-gelu', got {feed_forward_proj!r}")
        config = {k: v for k, v in locals().items() if k not in ("self", "__class__")}
        config["num_decoder_layers"] = num_layers if num_decoder_layers is None else num_decoder_layers
        self.config, self.max_length = config, None
        self.shared = nn.Embedding(vocab_size, d_model)
        nn.init.normal_(self.shared.weight, 0.0, 1.0)
        self.encoder = Stack(config, self.shared, False)
        self.decoder = Stack(config, self.shared, True)
        self.lm_head = nn.Linear(d_model, vocab_size, bias=False)
        if tie_word_embeddings:
            self.lm_head.weight = self.shared.weight

    def encode(self, input_ids, attention_mask=None):
        """The encoder's output [B, S, E]."""
        return self.encoder(input_ids, attention_mask)

    def decode(self, input_ids, memory, memory_mask=None, cache=None, last_only=False):
        """Logits [B, T, V] of what follows input_ids [B, T], given the encoder's output."""
        x = self.decoder(input_ids, None, memory, memory_mask, cache)
        x = x.narrow(1, x.shape[1] - 1, 1) if last_only else x
        return self.lm_head(x * self.config["d_model"] ** -0.5 if self.config["tie_word_embeddings"] else x)

    def forward(self, input_ids, decoder_input_ids, attention_mask=None):
        return self.decode(decoder_input_ids, self.encode(input_ids, attention_mask), attention_mask)

    def new_cache(self, batch, length):
        """A KVCache of the decoder for so many examples and positions."""
        c = self.config
        return KVCache(c["num_decoder_layers"], batch, c["num_heads"], length, c["d_kv"], self.shared.weight.dtype)

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        tied = [prefix + n for n in ("shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight")]
        tied += [prefix + "lm_head.weight"] * self.config["tie_word_embeddings"]
        held = next((state_dict[k] for k in tied if k in state_dict), None)
        if held is not None:  # files may hold the shared table once
            for key in tied:
                state_dict.setdefault(key, held)
        for key in [k for k in state_dict if k.endswith("layer.1.EncDecAttention.relative_attention_bias.weight")]:
            del state_dict[key]  # in old files, and not used
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @classmethod
    def from_folder(cls, folder):
        """The model of a folder with config.json and model.safetensors, in eval mode."""
        config = read_config(folder)
        names = cls.__init__.__code__.co_varnames[1:cls.__init__.__code__.co_argcount]
        net = cls(**{k: config[k] for k in names if config.get(k) is not None})
        net.load_state_dict(read_weights(folder))
        return net.eval()
