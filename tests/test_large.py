"""Sizes at which the work is cut into several pieces, against the reference: borders between pieces, and partial results.

The files of the operations test every edge of vectors and tiles; here the arrays are large enough for every kernel to go
parallel, in odd sizes so that the last piece is shorter than the others.
"""

import numpy as np
import pytest
from harness import check_forward, check_gradient

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import (
    adaptive_pool2d,
    attention,
    batch_norm,
    conv2d,
    cross_entropy,
    cumsum,
    embedding,
    gather,
    group_norm,
    layer_norm,
    linear,
    losses,
    matmul,
    nll_loss,
    pool2d,
    reductions,
    scatter,
    softmax,
)
from udlfast.reference import sort as sorting
from udlfast.reference.elementwise import elementwise, elementwise_backward


def index(shape, high):
    return np.random.default_rng(1).integers(0, high, shape)


def pointwise(name, op, *shapes):
    return (op, lambda *x: elementwise(name, *x), lambda gy, *x: elementwise_backward(name, gy, *x), shapes, 1)


def reduced(name, op, shape, axis):
    n = reductions.count(np.empty(shape), axis)
    return (lambda x: op(x) if axis is None else op(x, dim=axis), lambda x: getattr(reductions, name)(x, axis),
            lambda gy, x: (getattr(reductions, name + "_backward")(gy, x, axis),), [shape], n)  # fmt: skip


def along(name, op, module, shape, axis, n):
    return (lambda x: op(x, dim=axis), lambda x: getattr(module, name)(x, axis),
            lambda gy, x: getattr(module, name + "_backward")(gy, x, axis), [shape], n)  # fmt: skip


def convolution(x, w, **options):
    return (lambda *a: F.conv2d(*a, **options), lambda *a: conv2d.conv2d(*a, **options),
            lambda gy, *a: conv2d.conv2d_backward(gy, *a, **options), [x, w, (w[0],)],
            max(int(np.prod(w[1:])), x[0] * x[2] * x[3]))  # fmt: skip


def pooling_max(x):
    return pool2d.max_pool2d(x, 3, 2, 1)


CLASSES, TOKENS, PLACES = index(6007, 65), index(20_000, 300), index((200, 700), 499)

# name: (operation, reference, its gradient, shapes of the float inputs, length of the sums)
CASES = {
    "add": pointwise("add", lambda a, b: a + b, (700, 703), (700, 703)),
    "mul broadcast": pointwise("mul", lambda a, b: a * b, (700, 703), (703,)),
    "mul columns": pointwise("mul", lambda a, b: a * b, (700, 703), (700, 1)),
    "gelu": pointwise("gelu", F.gelu, (600_011,)),
    "tanh": pointwise("tanh", torch.tanh, (3, 200_003)),
    "mse_loss": (F.mse_loss, losses.mse_loss, losses.mse_loss_backward, [(700, 703)] * 2, 1000),
    "bce_with_logits": (F.binary_cross_entropy_with_logits, losses.binary_cross_entropy_with_logits,
                        losses.binary_cross_entropy_with_logits_backward, [(700, 703)] * 2, 1000),
    "matmul": (torch.matmul, matmul.matmul, matmul.matmul_backward, [(257, 513), (513, 301)], 513),
    "matmul tall": (torch.matmul, matmul.matmul, matmul.matmul_backward, [(5003, 65), (65, 7)], 5003),
    "matmul long sum": (torch.matmul, matmul.matmul, matmul.matmul_backward, [(7, 50_021), (50_021, 9)], 50_021),
    "matmul batched": (torch.matmul, matmul.matmul, matmul.matmul_backward, [(41, 65, 33), (41, 33, 67)], 67),
    "matvec": (torch.matmul, matmul.matmul, matmul.matmul_backward, [(2003, 1009), (1009,)], 2003),
    "vecmat": (torch.matmul, matmul.matmul, matmul.matmul_backward, [(2003,), (2003, 1009)], 2003),
    "linear": (F.linear, linear.linear, linear.linear_backward, [(301, 401), (203, 401), (203,)], 401),
    "conv2d": convolution((9, 8, 33, 35), (17, 8, 3, 3), padding=1),
    "conv2d one image": convolution((1, 16, 45, 47), (24, 16, 5, 5)),
    "conv2d groups": convolution((9, 16, 33, 35), (16, 1, 3, 3), padding=1, groups=16),
    "conv2d stride": convolution((33, 3, 33, 33), (16, 3, 5, 5), stride=2, padding=2),
    "conv2d pointwise": convolution((9, 65, 17, 19), (67, 65, 1, 1)),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: pooling_max(x)[0],
                   lambda gy, x: pool2d.max_pool2d_backward(gy, x, pooling_max(x)[1]), [(33, 16, 33, 35)], 4),
    "max_pool2d by two": (lambda x: F.max_pool2d(x, 2), lambda x: pool2d.max_pool2d(x, 2)[0],
                          lambda gy, x: pool2d.max_pool2d_backward(gy, x, pool2d.max_pool2d(x, 2)[1]), [(33, 16, 33, 35)], 1),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), lambda x: pool2d.avg_pool2d(x, 3, 2, 1),
                   lambda gy, x: pool2d.avg_pool2d_backward(gy, x, 3, 2, 1), [(33, 16, 33, 35)], 9),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (5, 4)), lambda x: adaptive_pool2d.adaptive_avg_pool2d(x, (5, 4)),
                            lambda gy, x: adaptive_pool2d.adaptive_avg_pool2d_backward(gy, x, (5, 4)), [(33, 16, 33, 35)], 64),
    "cross_entropy": (lambda x: F.cross_entropy(x, torch.tensor(CLASSES), label_smoothing=0.1),
                      lambda x: cross_entropy.cross_entropy(x, CLASSES, label_smoothing=0.1),
                      lambda gy, x: cross_entropy.cross_entropy_backward(gy, x, CLASSES, label_smoothing=0.1), [(6007, 65)], 6007),
    "nll_loss": (lambda x: F.nll_loss(x, torch.tensor(CLASSES)), lambda x: nll_loss.nll_loss(x, CLASSES),
                 lambda gy, x: nll_loss.nll_loss_backward(gy, x, CLASSES), [(6007, 65)], 6007),
    "embedding": (lambda w: F.embedding(torch.tensor(TOKENS), w), lambda w: embedding.embedding(TOKENS, w),
                  lambda gy, w: embedding.embedding_backward(gy, TOKENS, w), [(300, 65)], 70),
    "embedding, long rows": (lambda w: F.embedding(torch.tensor(TOKENS[:500]), w), lambda w: embedding.embedding(TOKENS[:500], w),
                             lambda gy, w: embedding.embedding_backward(gy, TOKENS[:500], w), [(300, 1003)], 10),
    "attention": (F.scaled_dot_product_attention, attention.attention, lambda gy, *a: attention.attention_backward(gy, *a)[:3],
                  [(4, 4, 129, 33)] * 3, 129),
    "causal attention": (lambda *a: F.scaled_dot_product_attention(*a, is_causal=True),
                         lambda *a: attention.attention(*a, is_causal=True),
                         lambda gy, *a: attention.attention_backward(gy, *a, is_causal=True)[:3], [(4, 4, 129, 33)] * 3, 129),
    "gather": (lambda x: torch.gather(x, 1, torch.tensor(PLACES)), lambda x: gather.gather(x, 1, PLACES),
               lambda gy, x: gather.gather_backward(gy, x, 1, PLACES), [(200, 499)], 8),
    "scatter_add": (lambda x, s: torch.scatter_add(x, 1, torch.tensor(PLACES), s), lambda x, s: scatter.scatter_add(x, 1, PLACES, s),
                    lambda gy, x, s: scatter.scatter_add_backward(gy, x, 1, PLACES, s), [(200, 499), (200, 700)], 8),
    "index_select": (lambda x: torch.index_select(x, 0, torch.tensor(TOKENS[:5000])), lambda x: gather.index_select(x, 0, TOKENS[:5000]),
                     lambda gy, x: gather.index_select_backward(gy, x, 0, TOKENS[:5000]), [(300, 99)], 20),
    "sort": (lambda x: torch.sort(x, dim=1)[0], lambda x: sorting.sort(x, 1)[0],
             lambda gy, x: sorting.sort_backward(gy, x, sorting.sort(x, 1)[1], 1), [(101, 999)], 1),
    "sort of one row": (lambda x: torch.sort(x)[0], lambda x: sorting.sort(x)[0],
                        lambda gy, x: sorting.sort_backward(gy, x, sorting.sort(x)[1]), [(100_003,)], 1),
    "topk": (lambda x: torch.topk(x, 7, dim=1)[0], lambda x: sorting.topk(x, 7, 1)[0],
             lambda gy, x: sorting.sort_backward(gy, x, sorting.topk(x, 7, 1)[1], 1), [(101, 999)], 1),
    "cat": (lambda a, b: torch.cat([a, b], 1), lambda a, b: np.concatenate([a, b], 1), lambda gy, a, b: (gy[:, :301], gy[:, 301:]),
            [(701, 301), (701, 403)], 1),
    "transpose": (lambda x: x.t().contiguous(), lambda x: x.T, lambda gy, x: (gy.T,), [(901, 1003)], 1),
}  # fmt: skip
for shape in [(1001, 385), (20_011, 9), (7, 50_021)]:
    last = shape[1:]
    CASES[f"layer_norm {shape}"] = (
        lambda x, w, b, last=last: F.layer_norm(x, last, w, b), lambda x, w, b: layer_norm.layer_norm(x, 1, w, b),
        lambda gy, x, w, b: layer_norm.layer_norm_backward(gy, x, 1, w), [shape, last, last], max(shape))  # fmt: skip
for shape in [(33, 16, 33, 35), (20_011, 9), (5, 3, 40_009), (9, 700, 7)]:
    channels = (shape[1],)
    CASES[f"batch_norm {shape}"] = (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True),
        lambda x, w, b: batch_norm.batch_norm(x, None, None, w, b, training=True)[0],
        lambda gy, x, w, b: batch_norm.batch_norm_backward(gy, x, w=w, training=True), [shape, channels, channels],
        int(np.prod(shape)) // shape[1])  # fmt: skip
CASES["group_norm"] = (
    lambda x, w, b: F.group_norm(x, 4, w, b), lambda x, w, b: group_norm.group_norm(x, 4, w, b),
    lambda gy, x, w, b: group_norm.group_norm_backward(gy, x, 4, w), [(33, 16, 33, 35), (16,), (16,)], 40_000)  # fmt: skip
for shape, axis in [((1001, 999), 0), ((1001, 999), 1), ((1_000_003,), None), ((17, 301, 203), 1), ((3, 200_003), 1), ((200_003, 3), 0)]:
    for name, op in [("sum", torch.sum), ("mean", torch.mean), ("amax", torch.amax), ("norm", torch.norm), ("var", torch.var),
                     ("logsumexp", torch.logsumexp)]:  # fmt: skip
        CASES[f"{name} {shape} {axis}"] = reduced(name, op, shape, 0 if axis is None and name in ("amax", "logsumexp") else axis)
for shape, axis in [((1001, 499), 1), ((499, 1001), 0), ((20_011, 9), 1), ((5, 100_003), 1), ((33, 17, 301), 1)]:
    for name, op in [("softmax", F.softmax), ("log_softmax", F.log_softmax)]:
        CASES[f"{name} {shape} {axis}"] = along(name, op, softmax, shape, axis, shape[axis])
for shape, axis in [((501, 999), 1), ((501, 999), 0), ((700_001,), 0), ((9, 301, 101), 1)]:
    CASES[f"cumsum {shape} {axis}"] = along("cumsum", torch.cumsum, cumsum, shape, axis, shape[axis])


@pytest.mark.parametrize("name", CASES)
def test_large(isa, rng, name):
    op, forward, backward, shapes, n = CASES[name]
    arrays = [rng.standard_normal(s) for s in shapes]
    check_gradient(op, forward, backward, *arrays, rng=rng, k=8, n=n, scale=None if "mean" not in name else 1)


@pytest.mark.parametrize("name", ["argmax", "argmin", "any", "all", "prod"])
@pytest.mark.parametrize("shape, axis", [((1001, 999), 0), ((1001, 999), 1), ((1_000_003,), 0), ((17, 301, 203), 1)])
def test_large_without_gradient(isa, rng, name, shape, axis):
    x = rng.uniform(0.99, 1.01, shape)
    if name in ("any", "all"):
        x = (np.arange(x.size).reshape(shape) == x.size // 2) ^ (name == "all")
    op = lambda t: getattr(torch, name)(t, dim=axis)  # noqa: E731
    kind = {"argmax": "int64", "argmin": "int64", "prod": "float32"}.get(name, "bool")
    check_forward(op, lambda x: getattr(reductions, name)(x, axis), x, out_dtype=kind, k=8, n=max(shape))
