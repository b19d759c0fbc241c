"""Scaled dot-product attention: blocks, masks, causality, broadcasting, heads that share keys, fully masked rows, dropout."""

import subprocess
import sys

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, gradcheck, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import attention as ref

# batch axes, queries L, keys S, width E, width of values D
CASES = [
    ((), 1, 1, 1, 1),
    ((1,), 3, 5, 4, 2),
    ((2,), 7, 8, 9, 3),
    ((2, 3), 5, 5, 8, 8),
    ((2, 3), 17, 9, 16, 16),
    ((1, 2), 33, 31, 15, 17),
    ((0, 2), 3, 3, 4, 4),
    ((2, 1), 0, 3, 4, 4),
    ((1, 4), 64, 64, 32, 32),
    ((1, 2), 65, 129, 8, 8),
    ((1,), 47, 23, 3, 5),  # groups of queries hold 12 to 96, blocks of keys 24 to 144, strips of keys 24
    ((1,), 48, 24, 8, 8),
    ((1,), 49, 25, 9, 7),
    ((1,), 97, 143, 5, 12),
    ((1,), 25, 144, 4, 31),
    ((1,), 13, 145, 33, 1),
    ((1,), 200, 290, 2, 3),
    ((2,), 1, 700, 64, 64),  # few queries: chunks of 256 keys
    ((3,), 1, 256, 7, 9),
    ((1,), 3, 257, 5, 6),
    ((1,), 8, 255, 40, 33),
    ((1, 2), 3, 0, 4, 4),
]
sdpa = F.scaled_dot_product_attention


def draw(rng, case):
    batch, L, S, E, D = case
    return rng.standard_normal((*batch, L, E)), rng.standard_normal((*batch, S, E)), rng.standard_normal((*batch, S, D))


def check(rng, case, mask=None, **options):
    _, L, S, E, _ = case
    for dtype, layout in (("float32", "plain"), ("float64", "strided"), ("float32", "transposed")):
        seen = None if mask is None else mask if mask.dtype == bool else mask.astype(np.float32).astype(float)
        given = {}
        if mask is not None:
            given["attn_mask"] = torch.tensor(seen) if mask.dtype == bool else torch.tensor(seen, dtype=getattr(torch, dtype))
        check_gradient(
            lambda q, k, v: sdpa(q, k, v, **given, **options), lambda q, k, v: ref.attention(q, k, v, seen, **options),
            lambda gy, q, k, v: ref.attention_backward(gy, q, k, v, seen, **options)[:3], *draw(rng, case),
            rng=rng, dtype=dtype, layout=layout, k=8, n=max(L, S, E), scale=1, grad_scale=1,
        )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_attention(isa, rng, case):
    check(rng, case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_causal(isa, rng, case):
    check(rng, case, is_causal=True)


@pytest.mark.parametrize("case", [*CASES[1:6], *CASES[12:-1]], ids=str)
def test_boolean_mask(isa, rng, case):
    mask = rng.random(case[1:3]) < 0.6
    mask[:, 0] = True
    check(rng, case, mask)


@pytest.mark.parametrize("case", [*CASES[1:6], *CASES[12:-1]], ids=str)
def test_float_mask(isa, rng, case):
    mask = rng.standard_normal(case[1:3])
    mask[:, 1:][rng.random(case[1:3])[:, 1:] < 0.3] = -np.inf
    check(rng, case, mask)


@pytest.mark.parametrize("S", [1, 25, 145, 200])
@pytest.mark.parametrize("kind", ["none", "causal", "boolean", "float"])
def test_keys_packed_for_many_queries(isa, rng, kind, S):
    mask = {"boolean": rng.random((200, S)) < 0.6, "float": rng.standard_normal((200, S))}.get(kind)
    check(rng, ((4, 4), 200, S, 7, 5), mask, is_causal=kind == "causal")  # a task has several groups of queries


@pytest.mark.parametrize("S", [15, 16, 17, 40, 150])
@pytest.mark.parametrize("L", [2, 15, 17, 50])
def test_boolean_mask_is_a_view(isa, rng, L, S):
    q, k, v = (torch.tensor(rng.standard_normal((1, 2, n, 8)), dtype=torch.float32) for n in (L, S, S))
    wide = torch.tensor(rng.random((2, S + 3, 2 * L + 5)) < 0.7)
    masks = wide[0, :S, 3 : L + 3].t(), wide[:, :S, : 2 * L : 2].transpose(1, 2), torch.tensor(rng.random((L, S + 9)) < 0.7)[:, 4 : S + 4]
    for mask in masks:
        want = ref.attention(numbers(q), numbers(k), numbers(v), np.broadcast_to(mask.numpy(), (1, 2, L, S)))
        check_close(sdpa(q, k, v, attn_mask=mask), want, "masked", k=8, n=S)


def test_scale(isa, rng):
    check(rng, CASES[2], scale=0.7)


def test_mask_broadcasts_over_heads(isa, rng):
    q, k, v = draw(rng, ((2, 3), 4, 5, 6, 7))
    mask = rng.random((2, 1, 4, 5)) < 0.7
    mask[..., 0] = True
    got = sdpa(*(torch.tensor(a) for a in (q, k, v)), attn_mask=torch.tensor(mask))
    check_close(got, ref.attention(q, k, v, mask), "mask", k=8, n=6, scale=1)


@pytest.mark.parametrize("kind", ["boolean", "float"])
@pytest.mark.parametrize("size", [(3, 5), (9, 17), (16, 16)], ids=str)
def test_fully_masked_rows_are_zero(isa, rng, kind, size):
    L, S = size
    q, k, v = (torch.tensor(a, requires_grad=True) for a in draw(rng, ((2,), L, S, 4, 4)))
    mask = np.ones((L, S), dtype=bool)
    mask[1] = False
    seen = mask if kind == "boolean" else np.where(mask, 0.0, -np.inf)
    y = sdpa(q, k, v, attn_mask=torch.tensor(seen))
    check_close(y, ref.attention(*(numbers(t) for t in (q, k, v)), seen), "forward", k=8, n=5, scale=1)
    assert not numbers(y)[:, 1].any()
    y.sum().backward()
    assert all(np.isfinite(numbers(t.grad)).all() for t in (q, k, v))
    assert not numbers(q.grad)[:, 1].any()


def test_all_rows_masked(isa, rng):
    q, k, v = (torch.tensor(a, requires_grad=True) for a in draw(rng, ((2,), 3, 5, 4, 4)))
    y = sdpa(q, k, v, attn_mask=torch.zeros((3, 5), dtype=torch.bool))
    y.sum().backward()
    for t in (y, q.grad, k.grad, v.grad):
        assert not numbers(t).any()


def test_nan_at_a_masked_key_of_zero_weight_does_not_reach_scores(isa, rng):
    """Causal attention: what a later key holds cannot change an earlier query's answer."""
    q, k, v = draw(rng, ((1,), 9, 9, 4, 4))
    before = numbers(sdpa(*(torch.tensor(a) for a in (q, k, v)), is_causal=True))
    k[:, 8] = 1e30
    after = numbers(sdpa(*(torch.tensor(a) for a in (q, k, v)), is_causal=True))
    assert np.array_equal(before[:, :8], after[:, :8])


def test_large_scores(isa):
    q = torch.tensor([[[100.0, 0.0]]])
    k = torch.tensor([[[100.0, 0.0], [-100.0, 5.0], [99.0, 1.0]]])
    v = torch.tensor([[[1.0], [2.0], [3.0]]])
    assert abs(sdpa(q, k, v, scale=10.0).item() - 1.0) < 1e-6


def test_dropout_of_zero_and_mean(isa, rng):
    q, k, v = (torch.tensor(a, dtype=torch.float32) for a in draw(rng, ((2, 2), 16, 16, 8, 8)))
    full = numbers(sdpa(q, k, v))
    assert np.array_equal(numbers(sdpa(q, k, v, dropout_p=0.0)), full)
    mean = sum(numbers(sdpa(q, k, v, dropout_p=0.5)) for _ in range(200)) / 200
    assert np.abs(mean - full).max() < 0.6 and not np.array_equal(mean, full)


def test_reference(rng):
    q, k, v = draw(rng, ((2,), 3, 4, 2, 3))
    mask = rng.standard_normal((3, 4))
    mask[1] = -np.inf
    for m, causal in ((None, False), (None, True), (mask, False)):
        check_reference(lambda q, k, v: ref.attention(q, k, v, m, causal),
                        lambda gy, q, k, v: ref.attention_backward(gy, q, k, v, m, causal)[:3], q, k, v, rng=rng)  # fmt: skip


def leaves(*arrays, dtype="float64"):
    return [torch.tensor(a, dtype=getattr(torch, dtype), requires_grad=True) for a in arrays]


def run(arrays, gy, dtype="float64", **options):
    """y and the gradients of q, k, v"""
    tensors = leaves(*arrays, dtype=dtype)
    y = sdpa(*tensors, **options)
    y.backward(torch.tensor(gy, dtype=y.dtype))
    return [y, *(t.grad for t in tensors)]


def check_run(arrays, gy, n, dtype="float64", mask=None, keep=1.0, **options):
    given = options if mask is None else {**options, "attn_mask": torch.tensor(mask)}
    got = run(arrays, gy, dtype, **given)
    options.pop("dropout_p", None), options.pop("enable_gqa", None)
    want = [ref.attention(*arrays, mask, **options, keep=keep),
            *ref.attention_backward(gy, *arrays, mask, **options, keep=keep)[:3]]  # fmt: skip
    for t, w, name in zip(got, want, ("y", "gq", "gk", "gv"), strict=True):
        check_close(t, w, name, k=8, n=n, scale=max(1, np.abs(w).max(initial=0)))  # a gradient of 0 is a difference of terms


@pytest.mark.parametrize("shape", [(7,), (9, 7), (2, 1, 1, 7), (1, 3, 9, 7), (2, 3, 1, 7), (3, 9, 1), (2, 1, 9, 7)], ids=str)
@pytest.mark.parametrize("kind", ["boolean", "float"])
@pytest.mark.parametrize("L", [9, 1])
def test_masks_broadcast(isa, rng, shape, kind, L):
    shape = tuple(L if n == 9 else n for n in shape)
    mask = rng.random(shape) < 0.7 if kind == "boolean" else rng.standard_normal(shape)
    arrays = draw(rng, ((2, 3), L, 7, 5, 6))
    check_run(arrays, rng.standard_normal((2, 3, L, 6)), 9, mask=np.broadcast_to(mask, (2, 3, L, 7)).copy())
    got = sdpa(*(torch.tensor(a) for a in arrays), attn_mask=torch.tensor(mask))
    check_close(got, ref.attention(*arrays, np.broadcast_to(mask, (2, 3, L, 7))), "broadcast", k=8, n=7)


@pytest.mark.parametrize("sizes", [(1, 300), (2, 40), (33, 50), (100, 150)], ids=str)
@pytest.mark.parametrize("heads", [(6, 2), (4, 1), (3, 3)], ids=str)
@pytest.mark.parametrize("causal", [False, True])
def test_heads_that_share_keys(isa, rng, sizes, heads, causal):
    (L, S), (H, few) = sizes, heads
    q, k, v = rng.standard_normal((2, H, L, 8)), rng.standard_normal((2, few, S, 8)), rng.standard_normal((2, few, S, 5))
    gy = rng.standard_normal((2, H, L, 5))
    got = run((q, k, v), gy, enable_gqa=True, is_causal=causal)
    wide = [np.repeat(t, H // few, axis=1) for t in (k, v)]
    want = list(ref.attention_backward(gy, q, *wide, is_causal=causal)[:3])
    want[1:] = [g.reshape(2, few, H // few, *g.shape[2:]).sum(2) for g in want[1:]]
    for t, w, name in zip(got, [ref.attention(q, *wide, is_causal=causal), *want], ("y", "gq", "gk", "gv"), strict=True):
        check_close(t, w, name, k=8, n=max(S, L * H // few), scale=max(1, np.abs(w).max()))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("T", [1, 5, 70])
def test_views_of_one_projection(isa, rng, dtype, T):
    """The split(...).view(...).transpose(1, 2) of GPTs: the same bits as from copies, and gradients laid out as the views."""
    B, H, D = 2, 3, 8
    x = torch.tensor(rng.standard_normal((B, T, 3 * H * D)), dtype=getattr(torch, dtype), requires_grad=True)
    views = [t.view(B, T, H, D).transpose(1, 2) for t in x.split(H * D, 2)]
    copies = [t.detach().contiguous().requires_grad_() for t in views]
    gy = torch.tensor(rng.standard_normal((B, T, H * D)), dtype=x.dtype)
    for tensors in (views, copies):
        sdpa(*tensors, is_causal=T > 1).transpose(1, 2).reshape(B, T, H * D).backward(gy)
    want = np.concatenate([numbers(t.grad).transpose(0, 2, 1, 3).reshape(B, T, H * D) for t in copies], 2)
    assert np.array_equal(numbers(x.grad), want)
    assert sdpa(*views).transpose(1, 2).is_contiguous()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("D, apart", [(8, 24), (8, 511), (8, 512), (8, 1024), (16, 255), (16, 256), (12, 40), (64, 64)], ids=str)
def test_rows_read_where_they_lie_or_copied(isa, rng, dtype, D, apart):
    """Rows of keys and values that lie near each other, far apart (2048 bytes or more), or end inside a vector: the same bits as from
    neighbours, also past a hidden NaN."""
    B, L, S = 2, 60, 150
    q, gy = (torch.tensor(rng.standard_normal((B, L, D)), dtype=getattr(torch, dtype)) for _ in range(2))
    wide = [torch.full((B, S, apart), float("nan"), dtype=q.dtype) for _ in range(2)]
    for t in wide:
        t[..., :D] = torch.tensor(rng.standard_normal((B, S, D)), dtype=q.dtype)
    wide[1][:, 7, 1] = float("nan")
    seen = np.arange(S) != 7
    found = []
    for k, v in ([t[..., :D] for t in wide], [t[..., :D].contiguous() for t in wide]):
        leaves = [t.detach().requires_grad_() for t in (q, k, v)]
        y = sdpa(*leaves, attn_mask=torch.tensor(seen))
        y.backward(gy)
        found.append([numbers(t) for t in (y, *(t.grad for t in leaves))])
    assert np.isfinite(found[0][0]).all()
    for name, a, b in zip("y gq gk gv".split(), *found, strict=True):
        assert np.array_equal(a, b), name
    want = ref.attention(*(np.where(np.isnan(numbers(t)), 0, numbers(t)) for t in (q, wide[0][..., :D], wide[1][..., :D])), seen)
    check_close(y, want, "y", k=8, n=S)


def test_expanded_and_overlapping_inputs(isa, rng):
    q, k, v = draw(rng, ((2, 3), 20, 30, 4, 4))
    one = [torch.tensor(q), torch.tensor(k[:1, :1]).expand(2, 3, 30, 4), torch.tensor(v[:, :, :1]).expand(2, 3, 30, 4)]
    want = ref.attention(q, np.broadcast_to(k[:1, :1], k.shape), np.broadcast_to(v[:, :, :1], v.shape))
    check_close(sdpa(*one), want, "expanded", k=8, n=30)
    tensors = leaves(q, k[:1, :1], v[:, :1])
    sdpa(*tensors).sum().backward()
    grads = ref.attention_backward(np.ones(q.shape), q, np.broadcast_to(k[:1, :1], k.shape), np.broadcast_to(v[:, :1], v.shape))
    check_close(tensors[1].grad, grads[1].sum((0, 1), keepdims=True), "gk", k=8, n=120, scale=1)
    check_close(tensors[2].grad, grads[2].sum(1, keepdims=True), "gv", k=8, n=60)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scores_that_keep_growing(isa, rng, dtype):
    """Weights that outgrow the maximum of the keys before them, again and again, within a block and between blocks."""
    q, k, v = draw(rng, ((1,), 50, 400, 4, 4))
    k[0, :, 0], q[0, :, 0] = np.linspace(-300, 300, 400), rng.uniform(-1, 3, 50)
    arrays = [a.astype(dtype).astype(float) for a in (q, k, v)]
    got = sdpa(*(torch.tensor(a, dtype=getattr(torch, dtype)) for a in arrays))
    # scores up to 450 are off by 450 eps, and so are the weights, relatively
    check_close(got, ref.attention(*arrays), "y", k=450, n=1)
    check_run(arrays, rng.standard_normal((1, 50, 4)), 450**2 / 16, dtype=dtype)


@pytest.mark.parametrize("value", [-1e9, float(np.finfo(np.float32).min), float(np.finfo(np.float64).min)])
def test_low_but_finite_masks(isa, rng, value):
    """A row of equally low numbers gives equal weights, as a softmax does; only -inf hides."""
    dtype = "float64" if value < -1e39 else "float32"
    q, k, v = (a.astype(dtype).astype(float) for a in draw(rng, ((1,), 30, 200, 4, 4)))
    mask = np.where(rng.random((30, 200)) < 0.5, 0.0, value)
    mask[:, :60], mask[3] = value, value
    given = [torch.tensor(a, dtype=getattr(torch, dtype)) for a in (q, k, v, mask)]
    got = sdpa(*given[:3], attn_mask=given[3])
    want = ref.attention(q, k, v, np.where(mask == 0, 0.0, -np.inf))
    want[:, 3] = v.mean(1)
    if value == -1e9:  # scores survive next to it in part: 1e9 has a spacing of 64
        assert np.isfinite(numbers(got)[:, 3]).all()
        want[:, 3] = numbers(got)[:, 3]
    check_close(got, want, "y", k=8, n=200)


@pytest.mark.parametrize("kind", ["boolean", "float"])
@pytest.mark.parametrize("first", [1, 24, 25, 150, 299, 300])
@pytest.mark.parametrize("L", [1, 60])
def test_first_keys_hidden(isa, rng, kind, first, L):
    arrays = draw(rng, ((2,), L, 300, 4, 4))
    mask = np.ones((L, 300), dtype=bool)
    mask[: L // 2 + 1, :first] = False
    seen = mask if kind == "boolean" else np.where(mask, rng.standard_normal(mask.shape), -np.inf)
    check_run(arrays, rng.standard_normal((2, L, 4)), 300, mask=seen)


@pytest.mark.parametrize("bad", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("L", [1, 60])
def test_what_stands_at_hidden_keys_does_not_matter(isa, rng, bad, L):
    arrays = draw(rng, ((2,), L, 70, 4, 4))
    mask = rng.random((L, 70)) < 0.8
    mask[:, [0, 30, 69]] = False
    gy = rng.standard_normal((2, L, 4))
    for seen in (mask, np.where(mask, 0.5, -np.inf)):
        want = run(arrays, gy, attn_mask=torch.tensor(seen))
        other = [a.copy() for a in arrays]
        other[1][:, [0, 30, 69]] = bad
        other[2][:, [0, 69]] = bad
        for a, b, name in zip(run(other, gy, attn_mask=torch.tensor(seen)), want, ("y", "gq", "gk", "gv"), strict=True):
            check_close(a, numbers(b), name, k=8, n=70)


def test_later_keys_do_not_matter_to_causal_queries(isa, rng):
    arrays = draw(rng, ((2,), 60, 60, 4, 4))
    gy = rng.standard_normal((2, 60, 4))
    gy[:, 50:] = 0
    want = run(arrays, gy, is_causal=True)
    for t in arrays[1:]:
        t[:, 50:] = np.nan
    got = run(arrays, gy, is_causal=True)
    for a, b in zip(got[:2], want[:2], strict=True):
        check_close(a[:, :50], numbers(b)[:, :50], "before", k=8, n=60)
    assert np.isnan(numbers(got[0])[:, 50:]).all()


def test_nan_stays_in_its_row(isa, rng):
    q, k, v = draw(rng, ((1,), 70, 80, 4, 4))
    q[0, 13, 2] = np.nan
    got = numbers(sdpa(*(torch.tensor(a) for a in (q, k, v))))
    assert np.isnan(got[0, 13]).all() and np.isfinite(np.delete(got[0], 13, 0)).all()
    few = numbers(sdpa(*(torch.tensor(a) for a in (q[:, 12:15], k, v))))
    assert np.isnan(few[0, 1]).all() and np.isfinite(few[0, [0, 2]]).all()


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"enable_gqa": True}, {"scale": 0.3}], ids=str)
@pytest.mark.parametrize("L", [2, 11])
def test_gradcheck(rng, options, L):
    few = 1 if "enable_gqa" in options else 2
    arrays = rng.standard_normal((1, 2, L, 3)), rng.standard_normal((1, few, 9, 3)), rng.standard_normal((1, few, 9, 2))
    gradcheck(lambda q, k, v: sdpa(q, k, v, **options), *arrays, rng=rng)


def test_gradient_of_a_float_mask(rng):
    q, k, v, mask = *draw(rng, ((2,), 5, 6, 3, 2)), rng.standard_normal((5, 6))
    gradcheck(lambda q, k, v, m: sdpa(q, k, v, attn_mask=m), q, k, v, mask, rng=rng)


@pytest.mark.parametrize("hidden", [[], [(0, 1)], [(2, i) for i in range(6)]], ids=["none", "one", "a row"])
def test_gradient_of_a_mask_that_hides(isa, rng, hidden):
    """A mask with a gradient takes another way than one without."""
    arrays, mask = draw(rng, ((2, 3), 5, 6, 3, 2)), rng.standard_normal((1, 3, 5, 6))
    for row, key in hidden:
        mask[:, 1, row, key] = -np.inf
    results = []
    for m in torch.tensor(mask), torch.tensor(mask, requires_grad=True):
        q, k, v = (torch.tensor(t, requires_grad=True) for t in arrays)
        y = sdpa(q, k, v, attn_mask=m)
        (y * y).sum().backward()
        results.append((y.detach(), q.grad, k.grad, v.grad))
    for got, want in zip(*results, strict=True):
        check_close(got, numbers(want), "with and without a gradient of the mask", k=8, n=6)
    g = numbers(m.grad)
    assert np.isfinite(g).all() and (g[~np.isfinite(mask)] == 0).all() and np.abs(g).max() > 0.01


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"attn_mask": True}, {"dropout_p": 0.4}, {"enable_gqa": True}], ids=str)
def test_gradient_of_the_gradient(rng, options):
    few = 1 if "enable_gqa" in options else 2
    arrays = rng.standard_normal((2, 2, 5, 3)), rng.standard_normal((2, few, 6, 3)), rng.standard_normal((2, few, 6, 4))
    if "attn_mask" in options:
        mask = rng.random((5, 6)) < 0.6
        mask[2] = False
        options = {"attn_mask": torch.tensor(mask)}
    gy, directions = torch.tensor(rng.standard_normal((2, 2, 5, 4))), [rng.standard_normal(a.shape) for a in arrays]

    def first(*arrays, graph):
        torch.manual_seed(3)
        tensors = leaves(*arrays)
        return tensors, torch.autograd.grad(sdpa(*tensors, **options), tensors, gy, create_graph=graph)

    tensors, grads = first(*arrays, graph=True)
    for g, want in zip(grads, first(*arrays, graph=False)[1], strict=True):
        check_close(g, numbers(want), "first", k=8, n=6)
    sum((g * torch.tensor(d)).sum() for g, d in zip(grads, directions, strict=True)).backward()
    h = 1e-5
    for i, t in enumerate(tensors):
        d = rng.standard_normal(arrays[i].shape)
        up, down = ([a + s * h * d if j == i else a for j, a in enumerate(arrays)] for s in (1, -1))
        sums = [sum((numbers(g) * e).sum() for g, e in zip(first(*a, graph=False)[1], directions, strict=True)) for a in (up, down)]
        slope = (sums[0] - sums[1]) / (2 * h)
        assert abs((numbers(t.grad) * d).sum() - slope) < 1e-7 * (1 + abs(slope)), i


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("L", [1, 6, 53])
def test_dropout(isa, rng, dtype, L):
    """With v = 1 the output shows the kept weights: they give values and gradients, and about p of them are missing."""
    p, S = 0.3, 150
    q, k, v = (a.astype(dtype).astype(float) for a in draw(rng, ((2, 2), L, S, 4, S)))
    options = {"dropout_p": p, "is_causal": L == 53}
    torch.manual_seed(7)
    shown = numbers(sdpa(torch.tensor(q), torch.tensor(k), torch.eye(S, dtype=torch.float64).expand(2, 2, S, S), **options))
    w = ref.weights(q, k, None, options["is_causal"], 0.5)
    keep = np.where(w > 0, np.round(shown / np.where(w > 0, w, 1) * (1 - p)), 0)
    assert np.isin(keep, (0, 1)).all() and np.allclose(keep * w / (1 - p), shown, atol=1e-12)
    n = (w > 0).sum()
    assert abs(keep[w > 0].mean() - (1 - p)) < 4 * (p * (1 - p) / n) ** 0.5
    torch.manual_seed(7)
    check_run((q, k, v), rng.standard_normal((2, 2, L, S)), S, dtype=dtype, keep=keep / (1 - p), **options)


def test_dropout_of_everything(rng):
    q, k, v = leaves(*draw(rng, ((2,), 20, 20, 4, 4)))
    y = sdpa(q, k, v, dropout_p=1.0)
    y.sum().backward()
    assert not any(numbers(t).any() for t in (y, q.grad, k.grad, v.grad))


def test_bfloat16(rng):
    q, k, v = draw(rng, ((2, 2), 33, 40, 16, 16))
    a, b, c = (torch.tensor(x).to(torch.bfloat16) for x in (q, k, v))
    check_close(sdpa(a, b, c), ref.attention(*(numbers(t) for t in (a, b, c))), "bfloat16", k=0.6, n=1)


def test_memory_is_linear_in_length():
    """Forward and backward over 3000 keys never hold the 3000 x 3000 scores (36 MB)."""
    code = """
import udlfast as torch
x = torch.randn(3, 1, 3000, 16, requires_grad=True)
torch.nn.functional.scaled_dot_product_attention(*x, is_causal=True).sum().backward()
print(torch.memory_stats()["peak"])"""
    peak = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert peak < 8e6
