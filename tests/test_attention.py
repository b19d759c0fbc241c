"""Scaled dot-product attention: masks, causality, broadcasting, fully masked rows."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference, numbers

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


@pytest.mark.parametrize("case", CASES[1:6], ids=str)
def test_boolean_mask(isa, rng, case):
    mask = rng.random(case[1:3]) < 0.6
    mask[:, 0] = True
    check(rng, case, mask)


@pytest.mark.parametrize("case", CASES[1:6], ids=str)
def test_float_mask(isa, rng, case):
    mask = rng.standard_normal(case[1:3])
    mask[:, 1:][rng.random(case[1:3])[:, 1:] < 0.3] = -np.inf
    check(rng, case, mask)


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
