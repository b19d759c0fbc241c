"""BERT's encoder, under the parameter names of Hugging Face's BertModel."""
from .. import _core, nn
from ..errors import check_repeats
from ..nn import _fused
from ..nn import functional as F
from .pretrained import check_heads, read_config, read_weights, with_prefix

ACTIVATIONS = {"gelu": "none", "gelu_new": "tanh", "gelu_pytorch_tanh": "tanh"}


class Embeddings(nn.Module):
    """x = norm(word + position + type)"""

    def __init__(self, vocab, width, positions, types, eps, dropout, padding):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab, width, padding_idx=padding)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(types, width)
        self.LayerNorm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, input_ids, token_type_ids):
        B, T = input_ids.shape
        most = self.position_embeddings.num_embeddings
        if T > most:
            raise ValueError(f"Bert: {T} tokens, but there are {most} positions; cut the text")
        x = self.word_embeddings(input_ids) + self.position_embeddings.weight.narrow(0, 0, T)
        if token_type_ids is None:
            x = x + self.token_type_embeddings.weight.select(0, 0)
        else:
            x = x + self.token_type_embeddings(token_type_ids)
        return self.dropout(self.LayerNorm(x))

    def _load_from_state_dict(self, state_dict, prefix, *rest):
        state_dict.pop(prefix + "position_ids", None)  # older files hold the numbers 0, 1, 2 ...
        super()._load_from_state_dict(state_dict, prefix, *rest)


class SelfAttention(nn.Module):
    """The heads, joined again."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, x, mask):
        q, k, v = (f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(q, k, v, mask, self.dropout if self.training else 0.0)
        return y.transpose(1, 2).flatten(2)


class Output(nn.Module):
    """norm(residual + dense(x))"""

    def __init__(self, inputs, width, eps, dropout):
        super().__init__()
        self.dense = nn.Linear(inputs, width)
        self.LayerNorm = nn.LayerNorm(width, eps=eps)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, residual):
        if not self.training and _fused.usable(x, self.dense):
            return self.LayerNorm(_fused.linear(x, self.dense, residual=residual))
        return self.LayerNorm(residual + self.dropout(self.dense(x)))


class Layer(nn.Module):
    """x = norm(x + attention(x)), y = norm(x + W2 gelu(W1 x))"""

    def __init__(self, width, heads, hidden, eps, dropout, attention_dropout, approximate):
        super().__init__()
        self.attention = nn.ModuleDict({"self": SelfAttention(width, heads, attention_dropout),
                                        "output": Output(width, width, eps, dropout)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, hidden)})
        self.output = Output(hidden, width, eps, dropout)
        self.approximate = approximate

    def forward(self, x, mask):
        x = self.attention["output"](self.attention["self"](x, mask), x)
        dense = self.intermediate["dense"]
        if _fused.usable(x, dense):
            hidden = _fused.linear(x, dense, _fused.GELU_TANH if self.approximate == "tanh" else _fused.GELU)
        else:
            hidden = F.gelu(dense(x), self.approximate)
        return self.output(hidden, x)


class Bert(nn.Module):
    """A stack of transformer encoders over tokens; its parameters have the names of Hugging Face's BertModel.

        x = norm(word + position + type);  x = norm(x + attention(x)), x = norm(x + W2 gelu(W1 x))  for each layer

    vocab_size, hidden_size, num_hidden_layers, num_attention_heads, intermediate_size, hidden_act,
    max_position_embeddings, type_vocab_size, layer_norm_eps, hidden_dropout_prob, attention_probs_dropout_prob,
    pad_token_id: as in BERT's config.json. pooler: whether there is a layer tanh(W x_0 + b) over the first token.

    Input: input_ids [B, T] int64, attention_mask [B, T] (1 = a token, 0 = padding) or None, token_type_ids [B, T] or
    None. Output: (hidden states [B, T, E], pooled [B, E] or None).

    >>> import udlfast as torch
    >>> net = Bert(50, 16, 2, 2, 32)
    >>> hidden, pooled = net(torch.tensor([[1, 2, 3]]))
    >>> tuple(hidden.shape), tuple(pooled.shape)
    ((1, 3, 16), (1, 16))

    Source: Devlin, Chang, Lee, Toutanova 2019; Understanding Deep Learning, section 12.6.
    """

    def __init__(self, vocab_size=30522, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
                 intermediate_size=3072, hidden_act="gelu", max_position_embeddings=512, type_vocab_size=2,
                 layer_norm_eps=1e-12, hidden_dropout_prob=0.1, attention_probs_dropout_prob=0.1, pad_token_id=0,
                 pooler=True):
        super().__init__()
        check_heads("Bert", hidden_size, num_attention_heads)
        check_repeats("Bert: num_hidden_layers", num_hidden_layers)
        if hidden_act not in ACTIVATIONS:
            raise ValueError(f"Bert: unknown hidden_act {hidden_act!r}; known: {', '.join(ACTIVATIONS)}")
        self.embeddings = Embeddings(vocab_size, hidden_size, max_position_embeddings, type_vocab_size, layer_norm_eps,
                                     hidden_dropout_prob, pad_token_id)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(
            [Layer(hidden_size, num_attention_heads, intermediate_size, layer_norm_eps, hidden_dropout_prob,
                   attention_probs_dropout_prob, ACTIVATIONS[hidden_act]) for _ in range(num_hidden_layers)])})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(hidden_size, hidden_size)}) if pooler else None
        self.apply(_start)

    def forward(self, input_ids, attention_mask=None, token_type_ids=None):
        mask = None
        if attention_mask is not None:
            mask = (attention_mask != 0).reshape(input_ids.shape[0], 1, 1, input_ids.shape[1])
        x = self.embeddings(input_ids, token_type_ids)
        for layer in self.encoder["layer"]:
            x = layer(x, mask)
        return x, None if self.pooler is None else self.pooler["dense"](x.select(1, 0)).tanh()

    @classmethod
    def from_folder(cls, folder):
        """The model of a folder with config.json and model.safetensors, in eval mode."""
        config, state = read_config(folder), with_prefix(read_weights(folder), "bert.", False)
        names = cls.__init__.__code__.co_varnames[1:cls.__init__.__code__.co_argcount]
        pooler = "pooler.dense.weight" in state
        net = cls(**{k: config[k] for k in names if config.get(k) is not None}, pooler=pooler)
        wanted = net.state_dict(keep_vars=True)
        net.load_state_dict({k: v for k, v in state.items() if not k.startswith("cls.") or k in wanted})
        return net.eval()


def mean_pooling(hidden, attention_mask):
    """Sentence embeddings: the mean of the hidden states [B, T, E] over the tokens (mask 1), scaled to length 1.

    y = m / |m|, m = sum_t mask_t h_t / sum_t mask_t

    >>> import udlfast as torch
    >>> mean_pooling(torch.tensor([[[3., 4.], [9., 9.]]]), torch.tensor([[1, 0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]

    Source: Reimers and Gurevych 2019, section 3.
    """
    mask = attention_mask.to(hidden.dtype).unsqueeze(-1)
    return F.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=1)


def _start(module):
    """BERT's initial law: matrices N(0, 0.02^2), biases 0."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with _core.no_grad():
            module.weight.select(0, module.padding_idx).zero_()
