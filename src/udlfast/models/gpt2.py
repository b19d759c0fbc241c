"""GPT-2, under the parameter names of Hugging Face's GPT2LMHeadModel."""
import math

from .. import _core, nn
from ..errors import check_repeats
from ..nn import _fused
from ..nn import functional as F
from .kv_cache import KVCache, causal_mask
from .pretrained import check_heads, read_config, read_weights, with_prefix

ACTIVATIONS = {"gelu_new": "tanh", "gelu": "none"}
SIZES = {  # width, layers, heads
    "gpt2": {"n_embd": 768, "n_layer": 12, "n_head": 12},
    "gpt2-medium": {"n_embd": 1024, "n_layer": 24, "n_head": 16},
    "gpt2-large": {"n_embd": 1280, "n_layer": 36, "n_head": 20},
    "gpt2-xl": {"n_embd": 1600, "n_layer": 48, "n_head": 25},
    # nanoGPT's recipe for a processor: characters, 64 positions, no dropout, no biases
    "nano": {"vocab_size": 65, "n_positions": 64, "n_embd": 128, "n_layer": 4, "n_head": 4, "dropout": 0.0,
             "activation": "gelu", "bias": False},
}


class Conv1D(nn.Module):
    """y = x W + b with W [inputs, outputs], the transpose of Linear's."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.weight = nn.Parameter(_core.empty((inputs, outputs)))
        self.register_parameter("bias", nn.Parameter(_core.zeros((outputs,))) if bias else None)
        nn.init.normal_(self.weight, 0.0, 0.02)

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)

    def fused(self, x, act=_fused.NONE, residual=None):
        """act(x W + b) + residual in one kernel call; only where _fused.usable says so."""
        return _fused.product(x, self.weight.detach(), self.bias, act, residual)


class Attention(nn.Module):
    """Causal self-attention of several heads."""

    def __init__(self, width, heads, dropout, bias):
        super().__init__()
        self.c_attn = Conv1D(width, 3 * width, bias)
        self.c_proj = Conv1D(width, width, bias)
        self.resid_dropout = nn.Dropout(dropout)
        self.heads, self.dropout = heads, dropout

    def forward(self, x, residual, cache, index):
        B, T, E = x.shape
        qkv = self.c_attn(x)
        if _core.is_grad_enabled():  # a split's gradient is one cat
            q, k, v = (t.unflatten(2, (self.heads, -1)).transpose(1, 2) for t in qkv.split(E, 2))
        else:
            q, k, v = qkv.view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        mask, seen = None, 0
        if cache is not None:
            seen = cache.used
            k, v = cache.append(index, k, v)
            mask = causal_mask(T, seen) if seen else None
        y = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0, is_causal=not seen)
        y = y.transpose(1, 2).flatten(2)
        if not self.training and _fused.usable(y, self.c_proj, kind=Conv1D):
            return self.c_proj.fused(y, residual=residual)
        return residual + self.resid_dropout(self.c_proj(y))

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        for name in ("bias", "masked_bias"):  # older files hold the causal mask
            state_dict.pop(prefix + name, None)
        super()._load_from_state_dict(state_dict, prefix, *rest)


class MLP(nn.Module):
    """residual + W2 gelu(W1 x)"""

    def __init__(self, width, dropout, approximate, bias):
        super().__init__()
        self.c_fc = Conv1D(width, 4 * width, bias)
        self.c_proj = Conv1D(4 * width, width, bias)
        self.dropout = nn.Dropout(dropout)
        self.approximate = approximate

    def forward(self, x, residual):
        if not self.training and _fused.usable(x, self.c_fc, self.c_proj, kind=Conv1D):
            act = _fused.GELU_TANH if self.approximate == "tanh" else _fused.GELU
            return self.c_proj.fused(self.c_fc.fused(x, act), residual=residual)
        return residual + self.dropout(self.c_proj(F.gelu(self.c_fc(x), self.approximate)))


class Block(nn.Module):
    """x = x + attention(norm(x)), y = x + mlp(norm(x))"""

    def __init__(self, width, heads, dropout, approximate, eps, bias):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps=eps, bias=bias)
        self.attn = Attention(width, heads, dropout, bias)
        self.ln_2 = nn.LayerNorm(width, eps=eps, bias=bias)
        self.mlp = MLP(width, dropout, approximate, bias)

    def forward(self, x, cache, index):
        x = self.attn(self.ln_1(x), x, cache, index)
        return self.mlp(self.ln_2(x), x)


class GPT2(nn.Module):
    """A stack of transformer decoders that predicts the next token; its parameters have the names of Hugging Face's
    GPT2LMHeadModel.

        x = token + position;  x = x + attention(norm(x)), x = x + W2 gelu(W1 norm(x))  for each layer;
        logits = W_token norm(x)

    vocab_size, n_positions, n_embd, n_layer, n_head: sizes. dropout: of embeddings, attention weights and branches.
    activation: "gelu_new" (with tanh) or "gelu". layer_norm_epsilon: added to variances. bias: whether maps and norms
    have biases. The output's matrix is the token table itself: one parameter under two names.
    GPT2.of_size("nano") is nanoGPT's model for a processor, others of SIZES are OpenAI's.

    Input: input_ids [B, T] int64; cache: a KVCache from new_cache, which holds the tokens before. last_only: only the
    logits of the last position. Output: logits [B, T, V].

    >>> import udlfast as torch
    >>> net = GPT2(50, 16, 8, 2, 2)
    >>> tuple(net(torch.tensor([[1, 2, 3]])).shape)
    (1, 3, 50)

    Source: Radford et al. 2019; Understanding Deep Learning, section 12.7.
    """

    def __init__(self, vocab_size=50257, n_positions=1024, n_embd=768, n_layer=12, n_head=12, dropout=0.1,
                 activation="gelu_new", layer_norm_epsilon=1e-5, bias=True):
        super().__init__()
        check_heads("GPT2", n_embd, n_head)
        check_repeats("GPT2: n_layer", n_layer)
        if activation not in ACTIVATIONS:
            raise ValueError(f"GPT2: unknown activation {activation!r}; known: {', '.join(ACTIVATIONS)}")
        self.max_length, self.width, self.heads = n_positions, n_embd, n_head
        block = (n_embd, n_head, dropout, ACTIVATIONS[activation], layer_norm_epsilon, bias)
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(vocab_size, n_embd), "wpe": nn.Embedding(n_positions, n_embd),
            "drop": nn.Dropout(dropout), "h": nn.ModuleList([Block(*block) for _ in range(n_layer)]),
            "ln_f": nn.LayerNorm(n_embd, eps=layer_norm_epsilon, bias=bias)})
        self.lm_head = nn.Linear(n_embd, vocab_size, bias=False)
        self.lm_head.weight = self.transformer["wte"].weight
        for name in ("wte", "wpe"):
            nn.init.normal_(self.transformer[name].weight, 0.0, 0.02)
        for layer in self.transformer["h"]:  # the sum of 2 n_layer branches keeps its variance
            for branch in (layer.attn, layer.mlp):
                nn.init.normal_(branch.c_proj.weight, 0.0, 0.02 / math.sqrt(2 * n_layer))

    def forward(self, input_ids, cache=None, last_only=False):
        T, seen = input_ids.shape[1], 0 if cache is None else cache.used
        if seen + T > self.max_length:
            raise ValueError(f"GPT2: {seen + T} tokens, but there are {self.max_length} positions; give it the last ones")
        parts = self.transformer
        x = parts["drop"](parts["wte"](input_ids) + parts["wpe"].weight.narrow(0, seen, T))
        for index, layer in enumerate(parts["h"]):
            x = layer(x, cache, index)
        if cache is not None:
            cache.advance(T)
        return self.lm_head(parts["ln_f"](x.narrow(1, T - 1, 1) if last_only else x))

    def new_cache(self, batch, length=None):
        """A KVCache for so many examples, and positions (None: as many as there are)."""
        length = self.max_length if length is None else length
        return KVCache(len(self.transformer["h"]), batch, self.heads, length, self.width // self.heads,
                       self.lm_head.weight.dtype)

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        key, table = prefix + "lm_head.weight", prefix + "transformer.wte.weight"
        if key not in state_dict and table in state_dict:
            state_dict[key] = state_dict[table]  # files may hold the shared table once
        super()._load_from_state_dict(state_dict, prefix, *rest)

    @classmethod
    def of_size(cls, name, **changes):
        """The model called `name` in SIZES, with `changes`."""
        if name not in SIZES:
            raise ValueError(f"GPT2.of_size: unknown size {name!r}; known: {', '.join(SIZES)}")
        return cls(**{**SIZES[name], **changes})

    @classmethod
    def from_folder(cls, folder):
        """The model of a folder with config.json and model.safetensors, in eval mode."""
        c, state = read_config(folder), with_prefix(read_weights(folder), "transformer.", True)
        state = {k.replace("transformer.lm_head", "lm_head"): v for k, v in state.items()}
        net = cls(c["vocab_size"], c["n_positions"], c["n_embd"], c["n_layer"], c["n_head"], c.get("resid_pdrop", 0.1),
                  c.get("activation_function", "gelu_new"), c.get("layer_norm_epsilon", 1e-5))
        net.load_state_dict(state)
        return net.eval()
