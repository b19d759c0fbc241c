"""BERT, GPT-2, T5 and the vision transformer: against the libraries whose parameter names they have where these are
installed, and always against plain NumPy in float64; names, tied weights, files, errors."""

import json
import math

import numpy as np
import pytest
from harness import check_close, check_raises, numbers

import udlfast as torch
from udlfast import models
from udlfast.models.t5 import distance_buckets
from udlfast.nn import functional as F


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def norm(x, w, at, eps):
    d = x - x.mean(-1, keepdims=True)
    return d / np.sqrt((d * d).mean(-1, keepdims=True) + eps) * w[at + ".weight"] + w[at + ".bias"]


def attention(q, k, v, heads, mask=0.0, scale=None):
    q, k, v = (t.reshape(*t.shape[:2], heads, -1).swapaxes(1, 2) for t in (q, k, v))
    y = softmax(q @ k.swapaxes(2, 3) * (q.shape[-1] ** -0.5 if scale is None else scale) + mask) @ v
    return y.swapaxes(1, 2).reshape(y.shape[0], y.shape[2], -1)


def gelu(x, approximate):
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def linear(x, w, at):
    return x @ w[at + ".weight"].T + w[at + ".bias"]


def stirred(net):
    """The net in float64 with all parameters drawn anew, and these as arrays."""
    for p in net.parameters():
        torch.nn.init.normal_(p, 0.0, 0.3)
    net.double().eval()
    return net, {k: numbers(v) for k, v in net.state_dict().items()}


def check_both_paths(run, want, what):
    """With and without a tape (the latter runs the fused epilogues)."""
    check_close(run(), want, what, k=64, n=64)
    with torch.no_grad():
        check_close(run(), want, what + ", no gradients", k=64, n=64)


@pytest.mark.parametrize("act", ["gelu", "gelu_new"])
def test_bert_against_numpy(rng, act):
    net, w = stirred(models.Bert(31, 12, 2, 3, 20, act, 9))
    ids, kinds = rng.integers(0, 31, (3, 7)), rng.integers(0, 2, (3, 7))
    mask = np.arange(7) < np.array([[7], [3], [5]])
    e = "embeddings."
    x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][:7] + w[e + "token_type_embeddings.weight"][kinds]
    x = norm(x, w, e + "LayerNorm", 1e-12)
    for i in range(2):
        at = f"encoder.layer.{i}."
        q, k, v = (linear(x, w, at + "attention.self." + n) for n in ("query", "key", "value"))
        y = linear(attention(q, k, v, 3, np.where(mask, 0, -np.inf)[:, None, None]), w, at + "attention.output.dense")
        x = norm(x + y, w, at + "attention.output.LayerNorm", 1e-12)
        y = gelu(linear(x, w, at + "intermediate.dense"), "tanh" if act == "gelu_new" else "none")
        x = norm(x + linear(y, w, at + "output.dense"), w, at + "output.LayerNorm", 1e-12)
    given = [torch.tensor(a) for a in (ids, mask.astype(np.int64), kinds)]
    check_both_paths(lambda: net(*given)[0], x, "hidden")
    check_both_paths(lambda: net(*given)[1], np.tanh(linear(x[:, 0], w, "pooler.dense")), "pooled")
    m = mask[..., None] / mask.sum(1)[:, None, None]
    mean = (x * m).sum(1)
    check_both_paths(lambda: models.mean_pooling(net(*given)[0], given[1]), mean / np.linalg.norm(mean, axis=1, keepdims=True), "mean")


@pytest.mark.parametrize("options", [{}, {"activation": "gelu", "bias": False}], ids=str)
def test_gpt2_against_numpy(rng, options):
    net, w = stirred(models.GPT2(31, 9, 12, 2, 3, 0.1, **options))
    ids = rng.integers(0, 31, (3, 7))
    if net.transformer["h"][0].attn.c_attn.bias is None:
        w.update({k[:-6] + "bias": np.zeros(v.shape[-1]) for k, v in w.items() if k.endswith("weight")})
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:7]
    for i in range(2):
        at = f"transformer.h.{i}."
        qkv = norm(x, w, at + "ln_1", 1e-5) @ w[at + "attn.c_attn.weight"] + w[at + "attn.c_attn.bias"]
        y = attention(*np.split(qkv, 3, -1), 3, np.triu(np.full((7, 7), -np.inf), 1))
        x = x + y @ w[at + "attn.c_proj.weight"] + w[at + "attn.c_proj.bias"]
        y = norm(x, w, at + "ln_2", 1e-5) @ w[at + "mlp.c_fc.weight"] + w[at + "mlp.c_fc.bias"]
        x = x + gelu(y, "tanh" if not options else "none") @ w[at + "mlp.c_proj.weight"] + w[at + "mlp.c_proj.bias"]
    want = norm(x, w, "transformer.ln_f", 1e-5) @ w["transformer.wte.weight"].T
    check_both_paths(lambda: net(torch.tensor(ids)), want, "logits")
    check_both_paths(lambda: net(torch.tensor(ids), last_only=True), want[:, -1:], "last logits")


@pytest.mark.parametrize("gated, tied", [(False, True), (True, False)])
def test_t5_against_numpy(rng, gated, tied):
    net, w = stirred(models.T5(31, 12, 5, 20, 2, 3, 3, relative_attention_num_buckets=8, relative_attention_max_distance=12,
                               feed_forward_proj="gated-gelu" if gated else "relu", tie_word_embeddings=tied))  # fmt: skip
    ids, out, mask = rng.integers(0, 31, (2, 20)), rng.integers(0, 31, (2, 15)), np.arange(20) < np.array([[20], [13]])

    def rms(x, at):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w[at + ".layer_norm.weight"]

    def attend(x, m, at, bias):
        q, k, v = x @ w[at + ".q.weight"].T, m @ w[at + ".k.weight"].T, m @ w[at + ".v.weight"].T
        return attention(q, k, v, 3, bias, 1.0) @ w[at + ".o.weight"].T

    def stack(name, n, x, own, memory, other):
        for i in range(n):
            at = f"{name}.block.{i}.layer."
            h = rms(x, at + "0")
            x = x + attend(h, h, at + "0.SelfAttention", own)
            if memory is not None:
                x = x + attend(rms(x, at + "1"), memory, at + "1.EncDecAttention", other)
            at += "1" if memory is None else "2"
            h = rms(x, at)
            at += ".DenseReluDense."
            if gated:
                h = gelu(h @ w[at + "wi_0.weight"].T, "tanh") * (h @ w[at + "wi_1.weight"].T)
            else:
                h = np.maximum(h @ w[at + "wi.weight"].T, 0)
            x = x + h @ w[at + "wo.weight"].T
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w[name + ".final_layer_norm.weight"]

    def bias(name, n, both_ways):
        places = numbers(distance_buckets(n, n, 0, both_ways, 8, 12)).astype(int)
        return w[name + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"][places].transpose(2, 0, 1)[None]

    hidden = np.where(mask, 0, -np.inf)[:, None, None]
    memory = stack("encoder", 2, w["shared.weight"][ids], bias("encoder", 20, True) + hidden, None, None)
    causal = np.triu(np.full((15, 15), -np.inf), 1)
    x = stack("decoder", 3, w["shared.weight"][out], bias("decoder", 15, False) + causal, memory, hidden)
    want = x @ w["lm_head.weight"].T * (12**-0.5 if tied else 1)
    given = [torch.tensor(a) for a in (ids, out, mask.astype(np.int64))]
    check_both_paths(lambda: net(*given), want, "logits")
    with torch.no_grad():
        memory, cache = net.encode(given[0], given[2]), net.new_cache(2, 15)
        parts = [net.decode(part, memory, given[2], cache) for part in given[1].split([1, 6, 8], 1)]
        check_close(torch.cat(parts, 1), want, "with a cache", k=64, n=64)
    tokens = [models.generate(net, given[1][:, :1], 9, memory=memory, memory_mask=given[2], use_cache=c, num_beams=b).tolist()
              for b in (1, 3) for c in (True, False)]  # fmt: skip
    assert tokens[0] == tokens[1] and tokens[2] == tokens[3]


def test_distances_have_buckets():
    one_way = numbers(distance_buckets(1, 200, 199, False, 32, 128))[0][::-1]  # distance 0, 1, 2 ...
    assert one_way[:16].tolist() == list(range(16)) and one_way[16] == 16 and one_way[128:].tolist() == [31] * 72
    assert [one_way[d] for d in (20, 32, 64, 100)] == [17, 21, 26, 30]  # 16 + floor(16 log(d / 16) / log(128 / 16))
    assert (np.diff(one_way) >= 0).all() and set(one_way) == set(range(32))
    both = numbers(distance_buckets(150, 300, 0, True, 32, 128))
    assert both[0, :9].tolist() == [0, 17, 18, 19, 20, 21, 22, 23, 24] and both[149, 0] == 15 and both[0, 299] == 31
    assert not numbers(distance_buckets(1, 9, 0, False, 32, 128)).any()  # later keys


def test_vit_against_numpy(rng):
    net, w = stirred(models.ViT(12, 4, 2, 2, 8, 20, num_classes=5))
    images = rng.standard_normal((2, 3, 12, 12))
    patches = images.reshape(2, 3, 3, 4, 3, 4).transpose(0, 2, 4, 1, 3, 5).reshape(2, 9, 48)
    x = patches @ w["conv_proj.weight"].reshape(8, 48).T + w["conv_proj.bias"]
    x = np.concatenate([np.broadcast_to(w["class_token"], (2, 1, 8)), x], 1) + w["encoder.pos_embedding"]
    for i in range(2):
        at = f"encoder.layers.encoder_layer_{i}."
        qkv = norm(x, w, at + "ln_1", 1e-6) @ w[at + "self_attention.in_proj_weight"].T + w[at + "self_attention.in_proj_bias"]
        x = x + linear(attention(*np.split(qkv, 3, -1), 2), w, at + "self_attention.out_proj")
        x = x + linear(gelu(linear(norm(x, w, at + "ln_2", 1e-6), w, at + "mlp.0"), "none"), w, at + "mlp.3")
    want = linear(norm(x, w, "encoder.ln", 1e-6)[:, 0], w, "heads.head")
    check_both_paths(lambda: net(torch.tensor(images)), want, "classes")


SMALL = [
    (lambda: models.Bert(31, 12, 2, 3, 20, max_position_embeddings=9), "int"), (lambda: models.GPT2(31, 9, 12, 2, 3), "int"),
    (lambda: models.T5(31, 12, 4, 20, 1, num_heads=3), "two"), (lambda: models.ViT(8, 4, 1, 2, 8, 16, num_classes=31), "image"),
]  # fmt: skip


@pytest.mark.parametrize("make, kind", SMALL, ids=["bert", "gpt2", "t5", "vit"])
def test_every_parameter_gets_a_gradient_and_goes_through_a_file(make, kind, rng, tmp_path):
    net = make()
    ids = torch.tensor(rng.integers(0, 31, (2, 6)))
    given = {"int": (ids,), "two": (ids, ids), "image": (torch.tensor(rng.standard_normal((2, 3, 8, 8)), dtype=torch.float32),)}[kind]
    run = (lambda m: sum(t.sum() for t in m(*given))) if isinstance(net, models.Bert) else lambda m: (m(*given) ** 2).sum()
    if kind == "image":
        torch.nn.init.normal_(net.heads.head.weight)
    run(net).backward()
    without = {k for k, p in net.named_parameters() if p.grad is None}
    assert not without, without
    pytest.importorskip("safetensors")
    torch.save(net.state_dict(), tmp_path / "net.safetensors")
    twin = make()
    twin.load_state_dict(torch.load(tmp_path / "net.safetensors"))
    assert torch.equal(run(net.eval()), run(twin.eval()))


def test_tied_weights(tmp_path):
    net = models.GPT2(31, 9, 12, 1, 3)
    table = net.transformer["wte"].weight
    assert net.lm_head.weight is table and {"lm_head.weight", "transformer.wte.weight"} < set(net.state_dict())
    assert sum(p is table for p in net.parameters()) == 1
    F.cross_entropy(net(torch.tensor([[1, 2]]))[0], torch.tensor([2, 3])).backward()
    torch.optim.SGD(net.parameters(), lr=1.0).step()
    assert net.lm_head.weight is net.transformer["wte"].weight and torch.equal(net.lm_head.weight, table)
    state = {k: v + 1 for k, v in net.state_dict().items() if k != "lm_head.weight"}
    state["transformer.h.0.attn.bias"] = torch.ones(1, 1, 9, 9)  # what older files hold
    net.load_state_dict(state)
    assert net.lm_head.weight is table and torch.equal(table.detach(), state["transformer.wte.weight"])
    import copy

    twin = copy.deepcopy(net)
    assert twin.lm_head.weight is twin.transformer["wte"].weight and twin.lm_head.weight is not table
    t5 = models.T5(31, 12, 4, 20, 1, num_heads=3)
    t5.load_state_dict({k: v for k, v in t5.state_dict().items() if "embed_tokens" not in k and k != "lm_head.weight"})
    assert t5.encoder.embed_tokens.weight is t5.decoder.embed_tokens.weight is t5.shared.weight is t5.lm_head.weight


def test_folders(tmp_path):
    pytest.importorskip("safetensors")
    net = models.Bert(31, 12, 1, 3, 20, max_position_embeddings=9).eval()
    config = {"vocab_size": 31, "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 3, "intermediate_size": 20,
              "max_position_embeddings": 9, "model_type": "bert", "hidden_act": "gelu", "pad_token_id": None}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    state = {"bert." + k: v for k, v in net.state_dict().items()} | {"cls.predictions.bias": torch.ones(31)}
    torch.save(state, tmp_path / "model.safetensors")
    assert torch.equal(models.Bert.from_folder(tmp_path)(torch.tensor([[1, 2]]))[0], net(torch.tensor([[1, 2]]))[0])
    gpt = models.GPT2(31, 9, 12, 1, 3).eval()
    (tmp_path / "config.json").write_text(json.dumps({"vocab_size": 31, "n_positions": 9, "n_embd": 12, "n_layer": 1, "n_head": 3}))
    state = {k.removeprefix("transformer."): v for k, v in gpt.state_dict().items() if k != "lm_head.weight"}
    torch.save({k: v for k, v in state.items() if "h." in k}, tmp_path / "a.safetensors")
    torch.save({k: v for k, v in state.items() if "h." not in k}, tmp_path / "b.safetensors")
    index = {"weight_map": {k: "a.safetensors" if "h." in k else "b.safetensors" for k in state}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert torch.equal(models.GPT2.from_folder(tmp_path)(torch.tensor([[1, 2]])), gpt(torch.tensor([[1, 2]])))
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"x": "../a.safetensors"}}))
    check_raises(ValueError, ["not a file of the folder"], models.GPT2.from_folder, tmp_path)
    check_raises(FileNotFoundError, ["config.json"], models.Bert.from_folder, tmp_path / "nothing")


def of_hugging_face(name, config, mine, given):
    """The outputs of Hugging Face's model with the weights of ours."""
    peer, hf = pytest.importorskip("torch"), pytest.importorskip("transformers")
    theirs = getattr(hf, name)(getattr(hf, config[0])(**config[1])).eval()
    assert {k: tuple(v.shape) for k, v in theirs.state_dict().items()} == {k: tuple(v.shape) for k, v in mine.state_dict().items()}
    theirs.load_state_dict({k: peer.from_numpy(v.numpy()) for k, v in mine.state_dict().items()})
    with peer.no_grad():
        return theirs(**{k: peer.from_numpy(v) for k, v in given.items()})


def test_names_and_numbers_of_hugging_face(rng):
    ids = rng.integers(0, 31, (2, 8))
    net = models.Bert(31, 12, 2, 3, 20, max_position_embeddings=9).eval()
    sizes = {"vocab_size": 31, "hidden_size": 12, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 20,
             "max_position_embeddings": 9}  # fmt: skip
    want = of_hugging_face("BertModel", ("BertConfig", sizes), net, {"input_ids": ids})
    check_close(net(torch.tensor(ids))[0], want.last_hidden_state.numpy(), "bert", k=16, n=20)
    net = models.GPT2(31, 9, 12, 2, 3).eval()
    sizes = {"vocab_size": 31, "n_positions": 9, "n_embd": 12, "n_layer": 2, "n_head": 3, "bos_token_id": 0, "eos_token_id": 0}
    want = of_hugging_face("GPT2LMHeadModel", ("GPT2Config", sizes), net, {"input_ids": ids})
    check_close(net(torch.tensor(ids)), want.logits.numpy(), "gpt2", k=16, n=48)
    net = models.T5(31, 12, 4, 20, 2, num_heads=3).eval()
    sizes = {"vocab_size": 31, "d_model": 12, "d_kv": 4, "d_ff": 20, "num_layers": 2, "num_heads": 3}
    want = of_hugging_face("T5ForConditionalGeneration", ("T5Config", sizes), net, {"input_ids": ids, "decoder_input_ids": ids[:, :5]})
    check_close(net(torch.tensor(ids), torch.tensor(ids[:, :5])), want.logits.numpy(), "t5", k=16, n=20)


def test_names_and_sizes_of_torchvision():
    try:
        from torchvision.models import vit_b_16
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision cannot be imported: {error}")
    theirs, mine = ({k: tuple(v.shape) for k, v in net.state_dict().items()} for net in (vit_b_16(), models.ViT()))
    assert theirs == mine


def test_sizes_of_the_papers():
    count = lambda net: sum(p.numel() for p in net.parameters())  # noqa: E731
    assert count(models.ViT()) == 86_567_656 and count(models.GPT2()) == 124_439_808
    assert count(models.Bert()) == 109_482_240
    nano = models.GPT2.of_size("nano")
    assert count(nano) == 65 * 128 + 64 * 128 + 4 * (12 * 128**2 + 2 * 128) + 128


def test_errors():
    ids = torch.zeros((1, 10), dtype=torch.int64)
    for call, words in [
        (lambda: models.Bert(31, 10, 1, 3), ["3 heads do not divide", "10"]),
        (lambda: models.Bert(hidden_act="relu"), ["relu", "gelu_new"]),
        (lambda: models.Bert(31, 12, 1, 3, 20, max_position_embeddings=9)(ids), ["10 tokens", "9 positions"]),
        (lambda: models.GPT2(31, 9, 12, 1, 5), ["5 heads"]),
        (lambda: models.GPT2(activation="relu"), ["relu"]),
        (lambda: models.GPT2.of_size("tiny"), ["tiny", "nano"]),
        (lambda: models.T5(feed_forward_proj="silu"), ["silu"]),
        (lambda: models.ViT(10, 4), ["patches of 4", "image of 10"]),
        (lambda: models.ViT(8, 4, 1, 2, 8, 16)(torch.zeros(1, 1, 8, 8)), ["[N, 3, 8, 8]", "[1, 1, 8, 8]"]),
    ]:  # fmt: skip
        check_raises(ValueError, words, call)
