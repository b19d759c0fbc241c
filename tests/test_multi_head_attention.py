"""MultiheadAttention: values and gradients against the reference, every option against PyTorch, masks, errors."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_raises, check_reference, gradcheck, numbers

import udlfast as torch
from udlfast import nn
from udlfast.nn import functional as F
from udlfast.reference import multi_head_attention as ref

CASES = [(1, 1, 1, 1, 1), (2, 3, 5, 4, 2), (3, 7, 2, 9, 3), (1, 17, 17, 32, 4), (2, 0, 3, 4, 2), (0, 2, 3, 4, 2)]  # B L S E H


def draw(rng, B, L, S, E, H):
    return (rng.standard_normal((B, L, E)), rng.standard_normal((B, S, E)), rng.standard_normal((3 * E, E)) * E**-0.5,
            rng.standard_normal(3 * E), rng.standard_normal((E, E)) * E**-0.5, rng.standard_normal(E))  # fmt: skip


def ours(H, mask=None, need_weights=False):
    def op(x, m, W, b, Wo, bo):
        given = None if mask is None else torch.tensor(mask, dtype=x.dtype)
        x, m = x.transpose(0, 1), m.transpose(0, 1)
        E = x.shape[-1]
        y, _ = F.multi_head_attention_forward(x, m, m, E, H, W, b, None, None, False, 0.0, Wo, bo, attn_mask=given,
                                              need_weights=need_weights)  # fmt: skip
        return y.transpose(0, 1)

    return op


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("need_weights", [False, True])
def test_against_the_reference(rng, case, need_weights):
    B, L, S, E, H = case
    for dtype, layout in (("float32", "plain"), ("float64", "strided")):
        check_gradient(
            ours(H, None, need_weights), lambda *a: ref.multi_head_attention(*a, H),
            lambda gy, *a: ref.multi_head_attention_backward(gy, *a, H), *draw(rng, *case), rng=rng, dtype=dtype,
            layout=layout, k=16, n=max(B * L, B * S, E), scale=4, grad_scale=8)  # fmt: skip


def test_the_reference_and_the_tape_against_central_differences(rng):
    arrays, mask = draw(rng, 2, 3, 4, 4, 2), rng.standard_normal((3, 4))
    mask[1] = -np.inf  # a query that may look nowhere
    mask[0, 2] = -np.inf
    check_reference(lambda *a: ref.multi_head_attention(*a, 2, mask),
                    lambda gy, *a: ref.multi_head_attention_backward(gy, *a, 2, mask), *arrays, rng=rng)  # fmt: skip
    for need_weights in (False, True):
        gradcheck(ours(2, mask, need_weights), *arrays, rng=rng)


OPTIONS = [
    {}, {"bias": False}, {"batch_first": True}, {"kdim": 5, "vdim": 6}, {"vdim": 3, "batch_first": True}, {"add_bias_kv": True},
    {"add_zero_attn": True}, {"add_bias_kv": True, "add_zero_attn": True, "batch_first": True, "kdim": 2},
]  # fmt: skip


def pair(peer, name, *args, **options):
    """The layer in PyTorch and here with the same float64 weights."""
    theirs = getattr(peer.nn, name)(*args, **options).double()
    mine = getattr(nn, name)(*args, **options).double()
    for p in theirs.parameters():
        peer.nn.init.normal_(p, std=0.5)
    assert {k: tuple(v.shape) for k, v in theirs.state_dict().items()} == {k: tuple(v.shape) for k, v in mine.state_dict().items()}
    assert list(theirs.state_dict()) == list(mine.state_dict())
    mine.load_state_dict({k: torch.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return theirs, mine


def compare(theirs, mine, run, inputs, masks=None):
    """Outputs and all gradients of run(layer, inputs, masks) agree; inputs and masks are NumPy arrays."""
    import torch as peer

    results = []
    for library, layer in ((peer, theirs), (torch, mine)):
        xs = [library.tensor(a).requires_grad_(a.dtype.kind == "f") for a in inputs]
        ms = {k: library.tensor(a) if isinstance(a, np.ndarray) else a for k, a in (masks or {}).items()}
        out = run(layer, xs, ms)
        outs = [o for o in (out if isinstance(out, tuple) else (out,)) if o is not None]
        layer.zero_grad()
        sum((o * library.cos(library.arange(o.numel(), dtype=library.float64)).reshape(o.shape)).sum() for o in outs).backward()
        grads = {str(i): x.grad for i, x in enumerate(xs)} | {k: p.grad for k, p in layer.named_parameters()}
        results.append((outs, {k: g for k, g in grads.items() if g is not None}))
    (outs, grads), (got, got_grads) = results
    assert len(outs) == len(got) and set(grads) == set(got_grads)
    for want, have in zip(outs, got, strict=True):
        check_close(have, want.detach().numpy(), "output", k=64, n=64)
    for k in grads:
        check_close(got_grads[k], grads[k].numpy(), f"gradient of {k}", k=64, n=64, scale=np.abs(grads[k].numpy()).max() + 1)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("need_weights", [False, True])
def test_options_against_pytorch(rng, options, need_weights):
    peer = pytest.importorskip("torch")
    theirs, mine = pair(peer, "MultiheadAttention", 8, 2, **options)
    q, k, v = rng.standard_normal((3, 4, 8)), rng.standard_normal((3, 5, mine.kdim)), rng.standard_normal((3, 5, mine.vdim))
    if not mine.batch_first:
        q, k, v = (np.ascontiguousarray(a.transpose(1, 0, 2)) for a in (q, k, v))
    hidden = rng.random((4, 5)) < 0.3
    hidden[:, 0] = False
    padding = np.zeros((3, 5), bool)
    padding[1, 3:] = padding[2, 4:] = True
    each = rng.standard_normal((6, 4, 5))
    for masks in ({}, {"attn_mask": hidden}, {"attn_mask": each}, {"key_padding_mask": padding},
                  {"key_padding_mask": padding, "attn_mask": hidden},
                  {"key_padding_mask": np.where(padding, -1e9, 0.0), "attn_mask": each},
                  {"average_attn_weights": False}):  # fmt: skip
        compare(theirs, mine, lambda f, x, m: f(*x, need_weights=need_weights, **m), (q, k, v), masks)


def test_self_attention_memory_and_no_batch(rng):
    peer = pytest.importorskip("torch")
    for batch_first in (False, True):
        theirs, mine = pair(peer, "MultiheadAttention", 8, 4, batch_first=batch_first)
        x, m = rng.standard_normal((3, 5, 8)), rng.standard_normal((3, 5, 8))
        compare(theirs, mine, lambda f, x, _: f(x[0], x[0], x[0], need_weights=False), (x,))
        compare(theirs, mine, lambda f, x, _: f(x[0], x[1], x[1]), (x, m))
        compare(theirs, mine, lambda f, x, m: f(x[0], x[0], x[0], **m), (x[0],), {"key_padding_mask": np.arange(5) > 3})
        causal = np.triu(np.ones((5, 5), bool), 1)
        for need in (False, True):
            y = x if batch_first else np.ascontiguousarray(x.transpose(1, 0, 2))
            compare(theirs, mine, lambda f, x, m, need=need: f(x[0], x[0], x[0], need_weights=need, is_causal=True, **m), (y,),
                    {"attn_mask": causal})  # fmt: skip


@pytest.mark.parametrize("need_weights", [False, True])
def test_a_query_that_may_look_nowhere_gives_zeros(rng, need_weights):
    layer = nn.MultiheadAttention(8, 2, batch_first=True, bias=False)
    x = torch.tensor(rng.standard_normal((2, 3, 8)), dtype=torch.float32).requires_grad_()
    y, w = layer(x, x, x, key_padding_mask=torch.tensor([[True] * 3, [False] * 3]), need_weights=need_weights)
    y.sum().backward()
    assert not numbers(y[0]).any() and numbers(y[1]).all() and not numbers(x.grad[0]).any()
    assert np.isfinite(numbers(layer.in_proj_weight.grad)).all()
    assert w is None or not numbers(w[0]).any()


def test_dropout_only_while_training(rng):
    layer = nn.MultiheadAttention(8, 2, dropout=0.5)
    x = torch.tensor(rng.standard_normal((5, 1, 8)), dtype=torch.float32)
    _, w = layer(x, x, x, average_attn_weights=False)
    dropped = numbers(w) == 0
    assert 0.2 < dropped.mean() < 0.8 and not torch.equal(layer(x, x, x)[0], layer(x, x, x)[0])
    layer.eval()
    assert torch.equal(layer(x, x, x)[0], layer(x, x, x)[0])


def test_initial_laws():
    layer = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    bound = (6 / (64 + 192)) ** 0.5
    w = numbers(layer.in_proj_weight)
    assert 0.98 * bound < np.abs(w).max() <= bound and abs(w.std() - bound / 3**0.5) < 0.02 * bound
    assert not numbers(layer.in_proj_bias).any() and not numbers(layer.out_proj.bias).any() and numbers(layer.bias_k).any()
    assert 0.98 / 8 < np.abs(numbers(layer.out_proj.weight)).max() <= 1 / 8


def test_bfloat16():
    layer = nn.MultiheadAttention(8, 2).bfloat16()
    y, w = layer(*[torch.ones((3, 1, 8), dtype=torch.bfloat16)] * 3)
    assert y.dtype is torch.bfloat16 and w.shape == (1, 3, 3)


def test_errors():
    layer, x = nn.MultiheadAttention(8, 2), torch.ones(3, 2, 8)
    other = torch.ones(3, 4, 8)
    check_raises(RuntimeError, ["multiple of num_heads", "7 and 2"], nn.MultiheadAttention, 7, 2)
    check_raises(RuntimeError, ["[L, B, E]", "got query [8]"], layer, torch.ones(8), x, x)
    check_raises(RuntimeError, ["batch is dimension 1", "batch_first=False"], layer, x, other, other)
    check_raises(RuntimeError, ["key and value", "one number of rows"], layer, x, x, torch.ones(2, 2, 8))
    check_raises(RuntimeError, ["attn_mask [3, 3] or [4, 3, 3]", "got [2, 3]"], layer, x, x, x, attn_mask=torch.zeros(2, 3))
    check_raises(RuntimeError, ["key_padding_mask [2, 3]", "got [3, 2]"], layer, x, x, x, torch.zeros(3, 2))
    check_raises(TypeError, ["bool", "int64"], layer, x, x, x, attn_mask=torch.zeros((3, 3), dtype=torch.int64))
    check_raises(RuntimeError, ["is_causal", "give attn_mask as well"], layer, x, x, x, is_causal=True)
