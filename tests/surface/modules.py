"""Scripts about modules: containers, buffers, parametrisations, state dictionaries, transformers, recurrent layers."""

import copy
import io
import pickle

from .compare import draw, fill


def containers(torch, say):
    nn = torch.nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(2)])
            self.choices = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
            self.scales = nn.ParameterList([nn.Parameter(torch.ones(1)), torch.zeros(2)])
            self.named = nn.ParameterDict({"a": torch.ones(2)})
            self.register_buffer("mean", torch.zeros(2))
            self.register_buffer("cache", torch.ones(1), persistent=False)
            self.register_parameter("nothing", None)
            self.plain = torch.ones(3)

        def forward(self, x, how="relu"):
            for layer, s in zip(self.layers, self.scales):
                x = self.choices[how](layer(x)) * s[0]
            return x

    net = fill(Net())
    say(repr(net), list(net.state_dict()), [n for n, _ in net.named_parameters()], [n for n, _ in net.named_buffers()])
    say([n for n, _ in net.named_modules()], [n for n, _ in net.named_children()], net(torch.ones(1, 2)), net.nothing)
    net.layers.append(nn.Linear(2, 1))
    net.layers.insert(0, nn.Identity())
    net.layers.extend([nn.Identity()])
    say(len(net.layers), repr(net.layers[1:3]), net.layers[-1], "relu" in net.choices, list(net.choices.keys()), net.choices.pop("tanh"))
    del net.layers[0]
    say(len(net.layers), net.get_submodule("layers.0"), net.get_parameter("layers.0.bias").shape, net.get_buffer("mean"))
    say(
        lambda: net.get_submodule("layers.9"),
        lambda: net.get_parameter("mean"),
        lambda: net.missing,
        lambda: net.layers[7],
        lambda: net.choices["no"],
    )
    say(lambda: net.register_buffer("mean", 3), lambda: net.register_buffer("a.b", torch.ones(1)), lambda: net.add_module("x", 3))
    say(
        lambda: net.register_parameter("p", torch.ones(1)),
        lambda: setattr(net, "mean", "text"),
        lambda: setattr(net.layers[0], "weight", torch.ones(2)),
    )
    say(lambda: nn.Sequential(nn.ReLU(), 3), lambda: nn.ModuleList([3]), lambda: nn.ModuleDict({"a": 3}), lambda: nn.Module()(3))
    del net.mean
    say(hasattr(net, "mean"), list(net.state_dict())[-2:], net.train() is net, net.eval().training, net.requires_grad_(False) is net)
    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    say(seen, net.double().layers[0].weight.dtype, net.half().plain.dtype, net.to(torch.float32).layers[0].weight.dtype, net.float() is net)
    s = nn.Sequential(nn.Linear(2, 2), nn.ReLU()) + nn.Sequential(nn.Tanh())
    s.append(nn.Sigmoid())
    say(
        repr(s),
        len(s),
        s[-1],
        s[:2],
        [type(m).__name__ for m in s],
        s.pop(0),
        nn.Sequential(__import__("collections").OrderedDict(a=nn.ReLU())),
    )

    class Bad(nn.Module):
        def __init__(self):
            self.x = nn.ReLU()

    class Half(nn.Module):
        pass

    say(lambda: Bad(), lambda: Half()(1), dir(net)[:0], nn.Module().extra_repr())


def state_surgery(torch, say):
    nn = torch.nn

    class Counter(nn.Module):
        def __init__(self):
            super().__init__()
            self.n = 0
            self.w = nn.Parameter(torch.ones(2))

        def get_extra_state(self):
            return {"n": self.n}

        def set_extra_state(self, state):
            self.n = state["n"]

    a, b = Counter(), Counter()
    a.n = 7
    b.load_state_dict(a.state_dict())
    say(b.n, list(a.state_dict()))
    net = fill(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3)))
    state = {("module." + k): v for k, v in net.state_dict().items()}
    say(lambda: net.load_state_dict(state))
    nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
    say(net.load_state_dict(state), net.state_dict(prefix="x.")["x.0.bias"], list(net.state_dict(keep_vars=True).values())[0].requires_grad)
    net.register_state_dict_post_hook(lambda m, s, p, l: s.__setitem__(p + "note", torch.ones(1)))
    say(list(net.state_dict())[-1])
    h = net.register_load_state_dict_pre_hook(lambda m, s, p, l, st, mk, uk, e: s.pop("note", None) and None)
    say(net.load_state_dict(net.state_dict()))
    h.remove()
    net.register_load_state_dict_post_hook(lambda m, keys: keys.unexpected_keys.clear())
    say(net.load_state_dict(net.state_dict(), strict=False))
    other = nn.Linear(8, 3)
    other.load_state_dict(net[3].state_dict(), assign=True)
    say(
        other.weight.data_ptr() == net[3].weight.data_ptr(),
        lambda: other.load_state_dict([1]),
        lambda: other.load_state_dict({"weight": 3, "bias": 4}),
    )
    with torch.no_grad():
        net[3].weight[0].zero_()
        net[3].weight.data[1:, ::2] = 5
    say(net[3].weight, lambda: net.load_state_dict({"0.weight": torch.ones(1)}))
    same = copy.deepcopy(net[3])
    again = pickle.loads(pickle.dumps(net[3]))
    file = io.BytesIO()
    torch.save(net[3], file)
    file.seek(0)
    whole = torch.load(file, weights_only=False)
    say(torch.equal(same.weight, again.weight), torch.equal(same.weight, whole.weight), type(whole).__name__, repr(whole))
    t = pickle.loads(pickle.dumps(torch.ones(2, requires_grad=True)))
    say(
        t,
        copy.copy(t),
        copy.deepcopy(t).requires_grad,
        lambda: copy.deepcopy(t * 2),
        type(copy.deepcopy(nn.Parameter(t.detach()))).__name__,
    )


def parametrised(torch, say):
    nn = torch.nn
    P, parametrize = nn.utils.parametrizations, nn.utils.parametrize
    for make in (
        lambda m: P.weight_norm(m),
        lambda m: P.spectral_norm(m, n_power_iterations=5),
        lambda m: P.orthogonal(m),
        lambda m: nn.utils.weight_norm(m),
    ):
        torch.manual_seed(0)
        layer = make(fill(nn.Linear(4, 3)))
        say(list(layer.state_dict()), type(layer).__name__, layer.weight.shape, [n for n, _ in layer.named_parameters()])
        layer(torch.ones(1, 4)).sum().backward()
        say(all(p.grad is not None for p in layer.parameters()))
    w = P.orthogonal(fill(nn.Linear(4, 3))).weight
    say((w @ w.T).round(decimals=3) + 0.0)
    layer = P.weight_norm(fill(nn.Linear(4, 3)))
    say(layer(torch.ones(1, 4)), parametrize.is_parametrized(layer), repr(layer))
    parametrize.remove_parametrizations(layer, "weight")
    say(list(layer.state_dict()), parametrize.is_parametrized(layer), layer(torch.ones(1, 4)))

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, a):
            return a.triu()

    square = fill(nn.Linear(3, 3))
    parametrize.register_parametrization(square, "weight", Symmetric())
    say(square.weight, square.parametrizations.weight.original, lambda: parametrize.register_parametrization(square, "none", Symmetric()))
    square.weight = torch.ones(3, 3)
    with parametrize.cached():
        say(square.weight is square.weight, square.weight)
    old = nn.utils.spectral_norm(fill(nn.Linear(4, 3)))
    say(sorted(old.state_dict()), [n for n, _ in old.named_parameters()])
    nn.utils.remove_spectral_norm(old)
    say(sorted(old.state_dict()), lambda: nn.utils.remove_weight_norm(old))


def initialisers(torch, say):
    init = torch.nn.init
    w = torch.empty(40, 50)
    for name in ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal", "normal", "uniform"):
        torch.manual_seed(0)
        a = getattr(init, name + "_")(w).clone()
        torch.manual_seed(0)
        b = getattr(init, name)(w)
        say(name, torch.equal(a, b), abs(a.std().item() - b.std().item()) < 1e-9, getattr(init, name).__name__)
    say(
        init.constant(w[0, :3], 2),
        init.eye(torch.empty(2, 2)),
        init.dirac(torch.empty(2, 2, 3)),
        init.sparse(torch.empty(4, 2), 0.5).eq(0).sum(),
    )
    say(init.calculate_gain("relu"), init.calculate_gain("leaky_relu", 0.2), init.calculate_gain("tanh"), lambda: init.calculate_gain("no"))
    say(init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04).abs().max() <= 0.04, init.zeros_(w[0, :2]), init.ones_(w[0, :2]))
    say(
        lambda: init.xavier_uniform_(torch.empty(3)),
        lambda: init.eye_(torch.empty(3)),
        lambda: init.dirac_(torch.empty(3)),
        lambda: init.orthogonal_(torch.empty(3)),
    )
    say(lambda: init.kaiming_normal_(w, mode="fan"), lambda: init.sparse_(torch.empty(3), 0.1))
    import warnings

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        init.xavier_uniform(w)
    say(len(seen), seen[0].category.__name__, str(seen[0].message))


def transformer_generation(torch, say):
    nn = torch.nn
    model = fill(nn.Transformer(8, 2, 1, 1, 16, dropout=0.0, batch_first=True)).eval()
    embed, head = fill(nn.Embedding(11, 8)), fill(nn.Linear(8, 11), 1)
    source = embed(torch.tensor([[1, 2, 3, 0]]))
    pad = torch.tensor([[False, False, False, True]])
    ids = torch.tensor([[1]])
    memory = model.encoder(source, src_key_padding_mask=pad)
    for _ in range(4):
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        out = model.decoder(embed(ids), memory, tgt_mask=mask, memory_key_padding_mask=pad)
        ids = torch.cat([ids, head(out[:, -1]).argmax(-1, keepdim=True)], 1)
    say(ids, mask, model(source, embed(ids), tgt_mask=nn.Transformer.generate_square_subsequent_mask(5), src_key_padding_mask=pad))
    layer = fill(nn.TransformerEncoderLayer(8, 2, 16, 0.0, activation="gelu", norm_first=True, batch_first=True))
    x = draw(torch, 2, 5, 8)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    say(layer(x, src_mask=causal), layer(x, src_mask=causal, is_causal=True), repr(layer))
    stack = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))
    say(
        stack(x, mask=causal, is_causal=True),
        stack(x, src_key_padding_mask=torch.zeros(2, 5, dtype=torch.bool)),
        lambda: nn.TransformerEncoderLayer(8, 3),
    )
    say(
        lambda: nn.TransformerEncoderLayer(8, 2, activation="no"),
        lambda: model(source, embed(ids)[..., :4]),
        lambda: model(source[:, 0], embed(ids)),
    )


def attention_masks(torch, say):
    nn = torch.nn
    m = fill(nn.MultiheadAttention(8, 2, batch_first=True)).eval()
    x = draw(torch, 2, 4, 8)
    causal = torch.ones(4, 4, dtype=torch.bool).triu(1)
    floats = torch.zeros(4, 4).masked_fill(causal, float("-inf"))
    pad = torch.tensor([[False, False, False, True], [False, False, True, True]])
    for options in (
        {},
        {"attn_mask": causal},
        {"attn_mask": floats},
        {"attn_mask": causal, "is_causal": True, "need_weights": False},
        {"attn_mask": floats, "is_causal": True, "need_weights": False},
        {"key_padding_mask": pad},
        {"attn_mask": causal, "is_causal": True},
        {"attn_mask": causal, "key_padding_mask": pad, "is_causal": True, "need_weights": False},
        {"attn_mask": causal, "key_padding_mask": pad},
        {"attn_mask": causal.expand(4, 4, 4), "average_attn_weights": False},
        {"need_weights": False},
        {"attn_mask": torch.zeros(4, 4, dtype=torch.bool), "is_causal": True, "need_weights": False},
        {"attn_mask": torch.zeros(4, 4, dtype=torch.bool), "is_causal": True},
    ):
        out, weights = m(x, x, x, **options)
        say(sorted(options), out, weights)
    say(lambda: m(x, x, x, is_causal=True), lambda: m(x, x, x, attn_mask=causal[:2]), lambda: m(x, x[:, :2], x))
    say(
        lambda: nn.MultiheadAttention(8, 3),
        lambda: m(x, x, x, attn_mask=torch.ones(4, 4, dtype=torch.int32)),
        lambda: nn.MultiheadAttention(0, 1),
    )
    k = fill(nn.MultiheadAttention(8, 2, kdim=4, vdim=6, add_bias_kv=True, add_zero_attn=True))
    out, weights = k(x[:, 0:1].transpose(0, 1), draw(torch, 3, 2, 4), draw(torch, 3, 2, 6))
    say(out, weights, list(k.state_dict()), repr(k))
    q = draw(torch, 2, 2, 4, 8)
    f = nn.functional.scaled_dot_product_attention
    say(
        f(q, q, q, is_causal=True),
        f(q, q, q, attn_mask=~causal),
        f(q, q, q, scale=0.1),
        lambda: f(q, q, q, attn_mask=~causal, is_causal=True),
    )
    say(lambda: f(q, q[..., :4], q), f(q, q[:, :1], q[:, :1], enable_gqa=True))


def recurrent_packing(torch, say):
    nn, rnn = torch.nn, torch.nn.utils.rnn
    sequences = [draw(torch, n, 3, seed=n) for n in (2, 4, 1)]
    padded = rnn.pad_sequence(sequences, batch_first=True, padding_value=-1.0)
    say(padded, rnn.pad_sequence(sequences).shape, rnn.pad_sequence(sequences, padding_side="left").shape)
    packed = rnn.pack_padded_sequence(padded, torch.tensor([2, 4, 1]), batch_first=True, enforce_sorted=False)
    say(packed, packed.data.shape, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    for name in ("LSTM", "GRU", "RNN"):
        layer = fill(getattr(nn, name)(3, 4, num_layers=2, bidirectional=True, batch_first=True))
        out, hidden = layer(packed)
        back, lengths = rnn.pad_packed_sequence(out, batch_first=True, total_length=5)
        say(back, lengths, hidden, repr(layer), [n for n, _ in layer.named_parameters()][:5])
        single, _ = layer(sequences[1])
        say(single, lambda: layer(draw(torch, 2, 2, 5)), lambda: layer(torch.ones(1)))
    say(
        rnn.pack_sequence(sequences, enforce_sorted=False).batch_sizes,
        rnn.unpad_sequence(padded, torch.tensor([2, 4, 1]), batch_first=True)[0],
    )
    say(
        lambda: rnn.pack_padded_sequence(padded, [2, 4, 1], batch_first=True),
        lambda: rnn.pack_padded_sequence(padded, [0, 1, 1], batch_first=True),
    )
    say(
        lambda: rnn.pack_sequence(sequences),
        lambda: nn.LSTM(3, 4, dropout=2.0),
        lambda: nn.RNN(3, 4, nonlinearity="no"),
        lambda: nn.LSTM(3, 4, num_layers=0),
    )
    cell = fill(nn.LSTMCell(3, 4))
    h, c = cell(sequences[0])
    h, c = cell(sequences[0], (h, c))
    say(
        h,
        c,
        fill(nn.GRUCell(3, 4))(sequences[0]),
        fill(nn.RNNCell(3, 4, nonlinearity="relu"))(sequences[0]),
        fill(nn.LSTM(3, 4, proj_size=2))(padded)[0],
    )
