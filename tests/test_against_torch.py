"""The long tail against PyTorch itself: one line an operation, valid in both libraries; values, types, shapes, gradients.

`T` is the library, `F` its functional namespace, a, b, c ... are the inputs. Needs PyTorch (the extra `peers`).
"""

import warnings

import numpy as np
import pytest
from harness import check_close, name_of

import udlfast
import udlfast.nn.functional

peer = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")

# shapes of the float inputs, expression; a trailing "positive" keeps inputs in [0.3, 1.7], "unit" in (0.1, 0.9)
CASES = [
    # products
    ([(3, 4), (3, 5), (5, 4)], "T.addmm(a, b, c, beta=0.5, alpha=2.0)"),
    ([(3, 4), (2, 3, 5), (2, 5, 4)], "T.addbmm(a, b, c)"),
    ([(2, 3, 4), (2, 3, 5), (2, 5, 4)], "T.baddbmm(a, b, c, beta=0.3)"),
    ([(3,), (3, 5), (5,)], "T.addmv(a, b, c)"),
    ([(3, 4), (3,), (4,)], "T.addr(a, b, c)"),
    ([(3,), (4,)], "T.outer(a, b)"),
    ([(2, 5), (3, 5)], "T.inner(a, b)"),
    ([(2, 3, 4), (4, 3, 5)], "T.tensordot(a, b, dims=([1, 2], [1, 0]))"),
    ([(2, 3), (3, 4), (4, 5)], "T.chain_matmul(a, b, c)"),
    ([(4, 3), (4, 3)], "T.cross(a, b, dim=1)"),
    ([(2, 3), (4, 2)], "T.kron(a, b)"),
    ([(3, 3)], "T.matrix_power(a, 3)"),
    ([(2, 3, 4), (4, 5)], "T.einsum('bij,jk->bik', a, b)"),
    ([(2, 3, 4), (2, 5, 4)], "T.einsum('bid,bjd->bij', a, b)"),
    ([(3, 3)], "T.einsum('ii->i', a)"),
    ([(2, 3), (3,), (4,)], "T.einsum('ij,j,k->ik', a, b, c)"),
    ([(5, 3), (5, 4), (2, 3, 4)], "F.bilinear(a, b, c)"),
    # shapes
    ([(2, 3, 4)], "T.flip(a, [0, 2])"),
    ([(2, 3, 4)], "T.roll(a, (1, -2), (0, 2))"),
    ([(2, 3)], "T.rot90(a, 1, [0, 1])"),
    ([(2, 3)], "a.repeat(3, 1, 2)"),
    ([(2, 3)], "T.repeat_interleave(a, T.tensor([1, 0, 2]), dim=1)"),
    ([(2, 3)], "T.tile(a, (2, 2))"),
    ([(3,), (4,)], "T.meshgrid(a, b, indexing='ij')[1] * 2"),
    ([(3,), (4,)], "T.cartesian_prod(a, b)"),
    ([(3,), (1, 3)], "T.broadcast_tensors(a, b)[0] * b"),
    ([(2, 3, 4)], "T.moveaxis(a, 0, 2).ravel()"),
    ([(7,)], "a.unfold(0, 3, 2)"),
    ([(2, 3), (2, 3)], "T.hstack([a, b]) @ T.vstack([a, b]).mT.reshape(6, 2)"),
    ([(3,), (3,)], "T.column_stack([a, b])"),
    ([(2, 3), (2, 3)], "T.dstack([a, b])"),
    ([(7, 2)], "T.tensor_split(a, 3)[1]"),
    ([(4, 4)], "T.tril(a, -1) + T.triu(a, 2)"),
    ([(4,)], "T.diag(a)"),
    ([(4, 5)], "T.diag(a, 1)"),
    ([(2, 3)], "T.diag_embed(a)"),
    ([(3, 4, 4)], "T.diagonal(a, 1, 1, 2)"),
    ([(4, 4)], "T.trace(a)"),
    # picking
    ([(3, 4)], "T.take(a, T.tensor([0, 5, 5]))"),
    ([(3, 4)], "T.masked_select(a, a > 0)"),
    ([(3, 4), (12,)], "a.masked_scatter(a > 0, b)"),
    ([(3, 4), (2, 4)], "T.index_copy(a, 0, T.tensor([2, 0]), b)"),
    ([(3, 4)], "T.index_fill(a, 1, T.tensor([1, 3]), 2.5)"),
    ([(3, 4), (2,)], "T.index_put(a, (T.tensor([0, 2]), T.tensor([1, 1])), b)"),
    ([(3, 4), (2,)], "T.index_put(a, (T.tensor([0, 0]), T.tensor([1, 1])), b, accumulate=True)"),
    ([(3, 4), (2, 4)], "T.scatter_reduce(a, 0, T.tensor([[0, 0, 1, 2], [0, 1, 1, 2]]), b, reduce='sum')"),
    ([(3, 4), (2, 4)], "T.scatter_reduce(a, 0, T.tensor([[0, 0, 1, 2], [0, 1, 1, 2]]), b, reduce='mean')"),
    # orders and statistics
    ([(3, 7)], "T.median(a, dim=1)[0]"),
    ([(7,)], "T.median(a)"),
    ([(3, 7)], "T.kthvalue(a, 3, dim=1)[0]"),
    ([(3, 7)], "T.quantile(a, 0.3, dim=1)"),
    ([(3, 7)], "T.msort(a)"),
    ([(3, 7)], "T.aminmax(a, dim=1)[1] - T.aminmax(a, dim=1)[0]"),
    ([(3, 7)], "T.std_mean(a, dim=0)[0]"),
    ([(3, 7)], "T.nansum(a, dim=1)"),
    ([(3, 7)], "T.norm(a, p=1, dim=1)"),
    ([(3, 7)], "T.norm(a, p=3, dim=1)"),
    ([(3, 7)], "T.norm(a, p=float('inf'), dim=1)"),
    ([(3, 7)], "T.cummax(a, dim=1)[0] + T.cummin(a, dim=1)[0]"),
    ([(3, 7)], "T.logcumsumexp(a, dim=1)"),
    ([(3, 7)], "T.diff(a, n=2)"),
    ([(3, 7), (3, 7)], "T.dist(a, b)"),
    # activations and normalisations
    ([(3, 7)], "F.selu(a) + F.celu(a)"),
    ([(3, 7)], "F.hardshrink(a, 0.4) * F.softshrink(a, 0.3)"),
    ([(3, 7)], "F.tanhshrink(a) + F.threshold(a, 0.1, -1.0)"),
    ([(3, 8)], "F.glu(a, dim=1)"),
    ([(3, 7)], "F.softmin(a, dim=1)"),
    ([(2, 3, 7), (7,)], "F.rms_norm(a, (7,), b, 1e-6)"),
    ([(2, 3, 7)], "F.instance_norm(a)"),
    ([(2, 7, 3, 3)], "F.local_response_norm(a, 3)"),
    ([(3, 7)], "F.normalize(a, dim=1)"),
    ([(3, 7)], "F.normalize(a, p=1.0, dim=0)"),
    ([(3, 7), (3, 7)], "F.cosine_similarity(a, b)"),
    ([(3, 7), (3, 7)], "F.pairwise_distance(a, b)"),
    ([(3, 7), (4, 7)], "T.cdist(a, b)"),
    ([(4, 7)], "F.pdist(a)"),
    # losses
    ([(3, 7), (3, 7)], "F.soft_margin_loss(a, b.detach().sign())"),
    ([(3, 7)], "F.hinge_embedding_loss(a, T.tensor([[1.0, -1.0, 1.0, -1.0, 1.0, 1.0, -1.0]] * 3).to(a.dtype))"),
    ([(5,), (5,)], "F.margin_ranking_loss(a, b, T.tensor([1, -1, 1, 1, -1]), margin=0.2)"),
    ([(3, 7), (3, 7)], "F.cosine_embedding_loss(a, b, T.tensor([1, -1, 1]), margin=0.1)"),
    ([(3, 7), (3, 7), (3, 7)], "F.triplet_margin_loss(a, b, c, swap=True)"),
    ([(3, 7)], "F.multi_margin_loss(a, T.tensor([1, 6, 0]))"),
    ([(3, 7)], "F.multilabel_soft_margin_loss(a, (a.detach() > 0).to(a.dtype))"),
    ([(3, 7), (3, 7)], "F.poisson_nll_loss(a, b.detach().abs())"),
    ([(3, 7), (3, 7), (3, 7)], "F.gaussian_nll_loss(a, b, c.exp(), full=True)"),
    # images
    ([(2, 3, 5, 4), (3, 4, 3, 2), (4,)], "F.conv_transpose2d(a, b, c, stride=2, padding=1, output_padding=1)"),
    ([(2, 4, 5, 4), (4, 3, 3, 3)], "F.conv_transpose2d(a, b, stride=(2, 1), groups=2, dilation=(1, 2))"),
    ([(2, 3, 5), (3, 4, 3)], "F.conv_transpose1d(a, b, stride=3)"),
    ([(2, 3, 5, 4)], "F.interpolate(a, scale_factor=2, mode='nearest')"),
    ([(2, 3, 5, 4)], "F.interpolate(a, size=(7, 3), mode='bilinear')"),
    ([(2, 3, 5, 4)], "F.interpolate(a, size=(9, 9), mode='bilinear', align_corners=True)"),
    ([(2, 3, 5)], "F.interpolate(a, size=8, mode='linear')"),
    ([(2, 8, 3, 3)], "F.pixel_shuffle(a, 2)"),
    ([(2, 2, 4, 6)], "F.pixel_unshuffle(a, 2)"),
    ([(2, 6, 3, 3)], "F.channel_shuffle(a, 3)"),
    ([(2, 3, 5, 6)], "F.unfold(a, (2, 3), padding=1, stride=2)"),
    ([(2, 12, 12)], "F.fold(a, (4, 5), (2, 2), stride=1)"),
    ([(2, 3, 6, 8)], "F.lp_pool2d(a.abs() + 0.1, 2, 2)"),
    ([(2, 3, 4, 6)], "F.max_unpool2d(*F.max_pool2d(a, 2, return_indices=True), 2)"),
    ([(2, 3, 9)], "F.adaptive_max_pool1d(a, 4) + F.adaptive_avg_pool1d(a, 4)"),
    # methods and operators
    ([(3, 4)], "(a.square() + 1).sqrt().log().mean()"),
    ([(3, 4), (4,)], "a.clamp(min=b) + a.clamp_max(0.3)"),
    ([(3, 4)], "T.nan_to_num(a / (a > 0).to(a.dtype), posinf=3.0, neginf=-3.0)"),
    ([(3, 4), (3, 4)], "T.where(a > b, a * 2, b.exp())"),
    ([(3, 4)], "a.expand(2, 3, 4).permute(2, 0, 1).contiguous().view(4, 6)"),
    ([(3, 4)], "T.round(a * 10, decimals=1) + a"),
    ([(3, 4), (3, 4)], "T.addcdiv(a, b, a.exp(), value=0.4)"),
    ([(3, 4), (3, 4)], "T.lerp(a, b, 0.3) + T.lerp(a, b, a)"),
    ([(3, 4)], "T.logsumexp(a, (0, 1)) * a.prod()"),
    ([(2, 3, 4)], "a.flatten(1).unflatten(1, (3, 4)).movedim(2, 0).squeeze()"),
    ([(3, 4)], "a[T.tensor([0, 2])][:, T.tensor([True, False, True, True])]"),
    ([(3, 4)], "a.unbind(1)[2] * a.chunk(2, 1)[0].sum(1)"),
    ([(5, 5)], "a.masked_fill(T.eye(5, dtype=T.bool), float('-inf')).softmax(1)"),
]
POSITIVE = [
    ([(3, 4), (3, 4)], "T.xlogy(a, b) + T.hypot(a, b) + T.atan2(a, b)"),
    ([(3, 4), (3, 4)], "T.pow(a, b) + 2.0**a + a**-1.5"),
    ([(3, 4), (3, 4)], "T.fmod(a, b) + T.remainder(a, b)"),
    ([(3, 4)], "T.lgamma(a) + T.erfc(a) + T.log1p(a) + T.expm1(a) + T.rsqrt(a)"),
]
# whole numbers and booleans: no gradient
WHOLE = [
    "T.arange(2, 11, 3)", "T.linspace(0, 1, 7)", "T.logspace(0, 2, 5)", "T.eye(3, 5)", "T.tril_indices(3, 4)", "T.triu_indices(3, 4, 1)",
    "T.bincount(T.tensor([1, 3, 3]), minlength=6)", "T.unique(T.tensor([3, 1, 3]), return_counts=True)[1]",
    "T.unique(T.tensor([3, 1, 3]), return_inverse=True)[1]", "T.unique_consecutive(T.tensor([1, 1, 2, 1]))",
    "T.searchsorted(T.tensor([1.0, 3.0, 5.0]), T.tensor([0.0, 3.0, 9.0]))",
    "T.searchsorted(T.tensor([1.0, 3.0, 5.0]), T.tensor([3.0]), right=True)", "T.bucketize(T.tensor([0.5, 2.0]), T.tensor([1.0, 2.0]))",
    "T.isin(T.tensor([1, 2, 3]), T.tensor([2, 5]))", "T.nonzero(T.tensor([[0, 1], [2, 0]]))", "T.argwhere(T.tensor([0, 3, 0, 1]))",
    "T.count_nonzero(T.tensor([[0, 1], [2, 0]]), dim=1)", "T.combinations(T.arange(4))", "F.one_hot(T.tensor([[0, 2], [1, 1]]))",
    "T.tensor([7, -7]) // T.tensor([2, 2])", "T.tensor([7, -7]) % T.tensor([3, 3])", "T.fmod(T.tensor([7, -7]), 3)",
    "T.div(T.tensor([7.0, -7.0]), 2, rounding_mode='trunc')", "T.div(T.tensor([7, -7]), 2, rounding_mode='floor')",
    "T.tensor([5, 6]) << 2 | T.tensor([1, 1])", "T.bitwise_xor(T.tensor([5]), T.tensor([3]))", "~T.tensor([0, 5])",
    "T.tensor([True, False]).sum()", "T.tensor([1, 2, 3]).prod()", "T.tensor([3, 1, 2]).sort(descending=True)[0]",
    "T.cumsum(T.tensor([True, True]), 0)", "T.tensor([1, 2]).float().mean()", "T.allclose(T.ones(2), T.ones(2) + 1e-9)",
    "T.isclose(T.ones(2), T.tensor([1.0, 1.1]))", "T.equal(T.ones(2), T.ones(2))", "T.full((2,), True)", "T.full((2, 2), 3)",
    "T.tensor([1, 2, 2, 3, 3]).mode()[0]", "T.median(T.tensor([4, 1, 3, 2]))", "T.tensor([[1, 2], [3, 4]]).float().mT.reshape(-1)",
    "T.zeros(3).scatter_reduce(0, T.tensor([0, 0, 2]), T.tensor([-1.0, 2.0, -3.0]), reduce='amax')",
    "T.ones(3).scatter_reduce(0, T.tensor([0, 0, 2]), T.tensor([-1.0, 2.0, -3.0]), reduce='prod', include_self=False)",
    "T.zeros(3).index_add(0, T.tensor([0, 0, 2]), T.ones(3))",
    "T.tensor(2.0).expand(3).sum(0, keepdim=True)", "T.empty(0).sum()", "T.empty((0, 3)).mean(0).isnan()", "T.ones((2, 0)).prod(1)",
    "T.as_tensor([1.5, 2]).to(T.int32)", "T.tensor(5).item()", "T.tensor([[1.5, 2.5]]).tolist()", "T.ones(3).numel()",
    "T.result_type(T.tensor(1), 1.0) == T.float32", "T.finfo(T.float32).eps", "T.iinfo(T.int32).max",
    "T.is_tensor(T.ones(1))", "T.numel(T.ones((2, 3)))", "T.broadcast_shapes((2, 1), (3,)) == (2, 3)",
]  # fmt: skip


def evaluate(expression, T, arrays, dtype):
    """The value and the gradients of its sum weighted by fixed numbers."""
    inputs = [T.tensor(a, dtype=getattr(T, dtype), requires_grad=True) for a in arrays]
    scope = dict(zip("abcde", inputs), T=T, F=T.nn.functional)
    y = eval(expression, scope)
    weight = np.cos(np.arange(y.numel())).reshape(tuple(y.shape))
    if y.requires_grad:
        y.backward(T.tensor(weight, dtype=y.dtype))
    return y.detach(), [t.grad for t in inputs]


def compare(expression, arrays, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want, theirs = evaluate(expression, peer, arrays, "float64")  # their float64 judges our float32 as well
    got, ours = evaluate(expression, udlfast, arrays, dtype)
    size = max(a.size for a in arrays)
    check_close(got, want.numpy(), expression, k=16, n=size, scale=1, dtype=dtype)
    for i, (g, w) in enumerate(zip(ours, theirs, strict=True)):
        assert (g is None) == (w is None), f"{expression}: gradient of input {i}"
        if w is not None:
            check_close(g, w.numpy(), f"gradient {i} of {expression}", k=64, n=size, scale=1, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=[c[1] for c in CASES])
def test_operation(rng, case, dtype):
    shapes, expression = case
    compare(expression, [rng.standard_normal(s).astype(np.float32).astype(float) for s in shapes], dtype)


@pytest.mark.parametrize("case", POSITIVE, ids=[c[1] for c in POSITIVE])
def test_operation_of_positive_numbers(rng, case):
    shapes, expression = case
    compare(expression, [rng.uniform(0.3, 1.7, s) for s in shapes], "float64")


@pytest.mark.parametrize("expression", WHOLE)
def test_value_and_type(expression):
    got, want = (eval(expression, {"T": T, "F": T.nn.functional}) for T in (udlfast, peer))
    if isinstance(want, peer.Tensor):
        assert name_of(got.dtype) == name_of(want.dtype) and tuple(got.shape) == tuple(want.shape)
        check_close(got, want.numpy(), expression, k=4)
    else:
        assert got == want and type(got) is type(want)
