"""Transformer layers and stacks: values, gradients, names and laws against PyTorch; the fused path; masks; errors."""

import itertools

import numpy as np
import pytest
from harness import check_close, check_raises, numbers
from test_multi_head_attention import compare, pair

import udlfast as torch
from udlfast import nn
from udlfast.nn import functional as F

LAYERS = ("TransformerEncoderLayer", "TransformerDecoderLayer")
VARIANTS = [dict(zip(("batch_first", "norm_first", "bias"), v)) for v in itertools.product([False, True], repeat=3)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("activation", ["relu", "gelu", "silu"])
def test_layers_against_pytorch(rng, variant, activation):
    peer = pytest.importorskip("torch")
    x, m = rng.standard_normal((4, 3, 8)), rng.standard_normal((4, 3, 8))
    hidden = np.triu(np.ones((4, 4)), 1) * -1e9 if not variant["batch_first"] else rng.standard_normal((3, 3))
    padding = np.zeros((3, 4) if not variant["batch_first"] else (4, 3), bool)
    padding[1, 2:] = True
    for name in LAYERS:
        theirs, mine = pair(peer, name, 8, 2, 16, 0.0, "relu" if activation == "silu" else activation, **variant)
        if activation == "silu":
            theirs.activation, mine.activation = peer.nn.functional.silu, F.silu
        if name == LAYERS[0]:
            compare(theirs, mine, lambda f, x, m: f(x[0], **m), (x,), {"src_mask": hidden})
            compare(theirs, mine, lambda f, x, m: f(x[0], **m), (x,), {"src_key_padding_mask": padding})
        else:
            compare(theirs, mine, lambda f, x, m: f(*x, **m), (x, m), {"tgt_mask": hidden, "memory_key_padding_mask": padding})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer_against_pytorch(rng, batch_first, norm_first):
    peer = pytest.importorskip("torch")
    theirs, mine = pair(peer, "Transformer", 8, 2, 2, 2, 16, 0.0, "gelu", batch_first=batch_first, norm_first=norm_first)
    s, t = rng.standard_normal((3, 5, 8)), rng.standard_normal((3, 4, 8))
    if not batch_first:
        s, t = (np.ascontiguousarray(a.transpose(1, 0, 2)) for a in (s, t))
    causal = nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64)
    assert np.array_equal(causal.numpy(), peer.nn.Transformer.generate_square_subsequent_mask(4).numpy())
    padding = np.arange(5)[None] >= np.array([[5], [3], [4]])
    compare(theirs, mine, lambda f, x, m: f(*x, **m), (s, t), {"tgt_mask": causal.numpy(), "src_key_padding_mask": padding,
                                                               "memory_key_padding_mask": padding})  # fmt: skip
    compare(theirs, mine, lambda f, x, m: f(*x), (s[:, 0] if not batch_first else s[0], t[:, 0] if not batch_first else t[0]))


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("activation", [F.relu, "gelu", nn.GELU("tanh"), nn.SiLU(), torch.tanh])
def test_the_fused_path_gives_the_same(rng, norm_first, activation):
    """Without gradients linear layers run with activation and residual in one call; hooks and gradients see the usual way."""
    net = nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, 0.1, activation, norm_first=norm_first), 2).eval()
    x, m = (torch.tensor(rng.standard_normal((5, 3, 8)), dtype=torch.float32) for _ in range(2))
    usual = net(x, m)
    with torch.no_grad():
        fused = net(x, m)
        heard = []
        handle = net.layers[0].linear2.register_forward_hook(lambda *a: heard.append(1))
        again = net(x, m)
        handle.remove()
    assert usual.requires_grad and not fused.requires_grad and heard
    check_close(fused, numbers(usual), "fused", k=16, n=16)
    check_close(again, numbers(usual), "with a hook", k=16, n=16)
    assert not torch.equal(net.train()(x, m), usual)  # dropout


def test_causal_masks_are_recognised(rng):
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 2, nn.LayerNorm(8)).eval()
    x = torch.tensor(rng.standard_normal((2, 6, 8)), dtype=torch.float32)
    mask = nn.Transformer.generate_square_subsequent_mask(6)
    want = numbers(net(x, mask, is_causal=False))
    for how in ({"mask": mask}, {"mask": mask, "is_causal": True}, {"mask": mask.isinf()}):
        check_close(net(x, **how), want, str(how), k=16, n=16)
    assert np.allclose(numbers(net(x[:, :3], mask[:3, :3])), want[:, :3], atol=1e-6)  # later tokens do not matter
    assert not np.allclose(numbers(net(x)), want, atol=1e-3)


def test_copies_are_independent_and_states_go_round():
    layer = nn.TransformerEncoderLayer(8, 2, 16)
    net = nn.TransformerEncoder(layer, 3)
    assert len({id(p) for p in net.parameters()}) == 36 and torch.equal(net.layers[2].linear1.weight, layer.linear1.weight)
    twin = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 3)
    twin.load_state_dict(net.state_dict())
    x = torch.randn(4, 2, 8)
    assert torch.equal(net.eval()(x), twin.eval()(x))


def test_initial_laws_and_empty_batches():
    net = nn.Transformer(32, 4, 1, 1, 64)
    for name, p in net.named_parameters():
        if p.ndim > 1:
            bound = (6 / sum(p.shape)) ** 0.5
            assert 0.95 * bound < np.abs(numbers(p)).max() <= bound, name
    assert tuple(net(torch.ones(5, 0, 32), torch.ones(3, 0, 32)).shape) == (3, 0, 32)
    with torch.no_grad():
        assert tuple(net.eval()(torch.ones(5, 0, 32), torch.ones(3, 0, 32)).shape) == (3, 0, 32)


def test_errors():
    check_raises(RuntimeError, ["activation", "'tanh'"], nn.TransformerEncoderLayer, 8, 2, activation="tanh")
    net = nn.Transformer(8, 2, 1, 1, 16)
    check_raises(RuntimeError, ["8 features", "[3, 2, 7]"], net, torch.ones(3, 2, 7), torch.ones(3, 2, 8))
    check_raises(RuntimeError, ["batch is dimension 1", "batch_first=False"], net, torch.ones(3, 2, 8), torch.ones(3, 4, 8))
    with torch.no_grad():
        layer = nn.TransformerEncoderLayer(8, 2, 16).eval()
        check_raises(RuntimeError, ["linear", "[..., 8]"], layer, torch.ones(3, 2, 6))
