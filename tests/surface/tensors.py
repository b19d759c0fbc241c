"""Scripts about tensors: printing, indexing, types, masks, scatter, einsum, views, conversions."""

import copy
import operator
import pickle

import numpy as np

from .compare import draw


def printing(torch, say):
    for t in (
        torch.tensor(3.0), torch.tensor([1, 2, 3]), torch.tensor([1.5, -2.25, 1e-3]), torch.tensor([1e10, 1.0]), torch.tensor([True, False]),
        torch.tensor([float("nan"), float("inf"), 1.0]), torch.zeros(0), torch.zeros(2, 0), torch.ones(2, 3, 2), torch.arange(2000), torch.eye(3),
        torch.ones(1001, 3), torch.tensor(1, dtype=torch.int8), torch.ones(2, dtype=torch.float64), torch.ones(2, dtype=torch.bfloat16),
        torch.tensor([0.1, 100000.0]), torch.tensor([1.0, 2.0]), torch.tensor([-1e-8, 1.0]), torch.tensor([[1, -20], [300, 4]]), torch.ones(2, dtype=torch.half),
        torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2)), torch.tensor([123456789.0]), torch.tensor([1e-5, 1e-6]), torch.tensor([]),
        torch.tensor([[float("nan")]]), torch.tensor([1.0, 2.5, float("-inf")]), torch.full((3, 3), 7), torch.tensor(True), torch.tensor([2**40, 1]),
        torch.arange(30.0).view(1, 30), torch.rand(2, 2).bool(), torch.tensor([0.5]).expand(3), torch.tensor([1 / 3, 2 / 3], dtype=torch.float64),
    ):  # fmt: skip
        say(repr(t), str(t), f"{t}")
    x = torch.ones(2, requires_grad=True)
    for y in (x * 2, x.sum(), x.view(2, 1), x + x, x.exp(), x @ x, x[0], torch.cat([x, x]), torch.nn.functional.relu(x), x.mean(), x / 2, -x, x.softmax(0),
              x.reshape(1, 2), x.t(), x**2, x.clone(), x.unsqueeze(0), torch.stack([x, x]), x - 1, x.double(), torch.nn.functional.linear(x, torch.ones(3, 2)),
              torch.nn.functional.mse_loss(x, torch.zeros(2)), x.sigmoid(), x.tanh(), x.sqrt(), x.log(), x.abs(), x.max(), x.norm(), x.transpose(0, 0),
              torch.nn.functional.cross_entropy(x.view(1, 2), torch.tensor([0])), torch.nn.functional.gelu(x), x.max(0)[0], x.expand(2, 2), x.clamp(0, 1),
              torch.nn.Linear(2, 1)(x.view(1, 2)).isnan().float() + x.sum(), torch.einsum("i,j->ij", x, x), torch.where(x > 0, x, 0.0), x.squeeze(), x.prod(),
              x.var(), x.std(), x.cumsum(0), x.flip(0), x.roll(1), x.repeat(2), x.masked_fill(x > 3, 0.0), x.index_select(0, torch.tensor([0])), x[:1], x[None]):  # fmt: skip
        say(repr(y))
    say(f"{torch.tensor(3.14159):.2f}", f"{torch.tensor(7):5d}", format(torch.tensor(2.5)), "%.3f" % torch.tensor(1.0), "%s" % torch.tensor(1.0), str(torch.float32))
    torch.set_printoptions(precision=2, sci_mode=False)
    say(repr(torch.tensor([1e-7, 3.14159])))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(threshold=5, edgeitems=2, linewidth=40)
    say(repr(torch.arange(40.0)), repr(torch.arange(40).view(4, 10)))
    torch.set_printoptions(profile="default")
    say(repr(x.shape), str(x.size()), repr(torch.device("cpu")), repr(torch.ones(2).stride()), repr(torch.strided), repr(torch.contiguous_format))
    say(repr(torch.ones(3).max(0)), repr(torch.ones(2, 2).topk(1)), repr(torch.finfo(torch.float32)), repr(torch.iinfo(torch.int8)), repr(torch.Size([1])))
    say(repr(torch.ones(2, 2).svd()[1].shape), repr(torch.ones(3).sort()), repr(torch.ones(1, 1).slogdet()))


def indexing(torch, say):
    x = torch.arange(24).view(2, 3, 4)
    rows, cols = torch.tensor([0, 1]), torch.tensor([2, 0])
    say(x[0], x[..., 1], x[:, -1], x[:, ::2], x[None].shape, x[1, 2, 3], x[rows, cols], x[:, rows], x[rows, :, cols], x[rows[:, None], cols], x[[0, 1], [1, 2]])
    say(x[x > 20], x[:, x[0, :, 0] > 3], x[True].shape, x[False].shape, x[..., None, :].shape, x[torch.tensor(1)], x[np.array([1])].shape, x[1:, [0, 2], 1:3])
    say(x[(0, 1)], x[[True, False]], x[torch.tensor([], dtype=torch.long)].shape, x[:, [0, 2], [1, 3]], x[[0], :, [1]], x[slice(None), 1], x[np.int64(1)].shape)
    y = x.clone()
    y[0] = -1
    y[:, 1, ::2] = torch.tensor([7, 8])
    y[y > 20] = 0
    y[rows, cols] += 100
    y[..., -1] *= 2
    y[1, [0, 1]] = torch.tensor([[1], [2]])
    y[0, 0, 0] = 3.7
    say(y)
    y[torch.tensor([0, 0]), 0] += 1
    y.index_put_((rows, cols), torch.tensor(5), accumulate=True)
    say(y, y.take(torch.tensor([0, 5])), torch.take_along_dim(y, torch.zeros(2, 3, 1, dtype=torch.long), 2), y.index_select(2, cols), y.masked_select(y > 7))
    say(lambda: x[2], lambda: x[:, 3], lambda: x[0, 0, 0, 0], lambda: x[1.0], lambda: x["a"], lambda: x[torch.tensor([3])], lambda: x[torch.tensor([0.5])])
    say(lambda: x[x[0] > 1], lambda: x[rows, torch.tensor([0, 1, 2])], lambda: x[..., ..., 0], lambda: x[::-1], lambda: x.__setitem__(0, torch.ones(5)))
    say(lambda: x[torch.tensor([True])], lambda: x.index_select(0, torch.tensor([2])), lambda: x.gather(0, torch.tensor([0])), lambda: x.take(torch.tensor([99])))
    say(lambda: torch.tensor(3)[0], lambda: len(torch.tensor(3)), lambda: list(torch.tensor(3)), lambda: x.narrow(0, 1, 2), lambda: x.select(0, 5), lambda: x.unbind(4))
    g = torch.zeros(3, requires_grad=True)
    h = torch.zeros(3).index_add(0, torch.tensor([0, 0, 2]), torch.ones(3))
    z = g.clone()
    z[[0, 2]] = torch.ones(2) * g[1]
    z.sum().backward()
    say(g.grad, h, z, list(x.unbind(0))[1], [t.tolist() for t in x[0]], 5 in x, torch.nonzero(x > 20), (x > 20).nonzero(as_tuple=True), torch.argwhere(x > 22))


def scatter_family(torch, say):
    x = draw(torch, 3, 4)
    index = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    for how in ("sum", "prod", "mean", "amax", "amin"):
        for keep in (True, False):
            say(torch.zeros(3, 4).scatter_reduce(0, index, x[:2], how, include_self=keep), torch.ones(3, 4).index_reduce(0, torch.tensor([0, 0, 2]), x, how.replace("sum", "prod"), include_self=keep))
    say(x.gather(0, index), x.gather(1, index[:, :2]), torch.zeros(3, 4).scatter(0, index, 1.0), torch.zeros(3, 4).scatter_add(0, index, x), torch.zeros(3, 4).scatter_(0, index, x, reduce="add"))
    mask = torch.tensor([[True, False, True, False]] * 3)
    say(x.masked_fill(mask, 0.0), torch.zeros(3, 4).masked_scatter(mask, torch.arange(6.0)), torch.where(mask, x, -x), torch.where(mask, 1.0, 0.0), torch.where(mask, x, 0).dtype)
    y = x.clone().requires_grad_()
    torch.zeros(3, 4).scatter_reduce(0, index, y[:2], "amax", include_self=False).sum().backward()
    say(y.grad, x.unfold(1, 2, 1), x.unfold(1, 2, 2).shape, torch.nn.functional.unfold(x.view(1, 1, 3, 4), 2), x.as_strided((2, 2), (1, 2), 1))
    say(lambda: x.scatter(0, index, x[:1]), lambda: x.scatter(0, torch.full((1, 1), 9), x), lambda: x.scatter_reduce(0, index, x, "no"), lambda: x.gather(2, index), lambda: x.gather(0, index.int()))
    say(torch.bincount(torch.tensor([0, 1, 1, 3])), torch.histc(x, 4, -2, 2), torch.unique(torch.tensor([3, 1, 1]), return_inverse=True, return_counts=True), torch.histogram(x, 3)[0])
    say(torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 9])), torch.bucketize(torch.tensor([0.5, 2.5]), torch.tensor([1.0, 2.0]), right=True), torch.cumsum(x, 1), torch.cummax(x, 0), torch.logcumsumexp(x, 1))
    say(torch.topk(x, 2, largest=False), x.kthvalue(2), x.median(1), x.mode(0).values.shape, x.quantile(0.3, dim=1), x.nanmedian(), torch.sort(x, descending=True), x.argsort(0), torch.msort(x))
    say(torch.combinations(torch.arange(3)), torch.cartesian_prod(torch.arange(2), torch.arange(2)), torch.tril_indices(3, 3), torch.triu(x, 1), torch.block_diag(x[:1, :2], x[:2, :1]), torch.vander(torch.arange(3)))


def einsum_and_products(torch, say):
    a, b = draw(torch, 2, 3, 4), draw(torch, 2, 4, 5, seed=1)
    say(torch.einsum("bij,bjk->bik", a, b), torch.einsum("...ij->...ji", a), torch.einsum("bij->b", a), torch.einsum("ii->i", a[0, :3, :3]), torch.einsum("i,j", a[0, 0], b[0, 0]))
    say(torch.einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 3]), torch.einsum("bij,bjk,bk->bi", a, b, draw(torch, 2, 5)), a @ b, torch.bmm(a, b), a[0] @ b[0, :, 0], torch.tensordot(a, b, dims=([2], [1])).shape)
    say(torch.baddbmm(torch.ones(2, 3, 5), a, b, beta=0.5, alpha=2), torch.addmm(torch.ones(3, 5), a[0], b[0]), torch.addmv(torch.ones(3), a[0], b[0, :, 0]), torch.outer(a[0, 0], b[0, 0]), torch.kron(a[0, :2, :2], torch.eye(2)))
    say(torch.linalg.multi_dot([a[0], b[0], torch.ones(5, 2)]), torch.chain_matmul(a[0], b[0]), torch.cross(a[0, :, :3], a[1, :, :3], dim=1), torch.cdist(a, a), torch.dist(a[0], a[1]), torch.matrix_power(a[0, :3, :3], 3))
    say(torch.linalg.norm(a), torch.linalg.vector_norm(a, 3, dim=1), torch.linalg.matrix_norm(a), torch.linalg.det(a[:, :3, :3]), torch.linalg.inv(a[:, :3, :3]), torch.linalg.solve(a[:, :3, :3], b[:, :3]), torch.linalg.lstsq(a[0].T, b[0])[0])
    spd = a[0] @ a[0].T + torch.eye(3)
    say(torch.linalg.cholesky(spd), torch.linalg.eigvalsh(spd), torch.linalg.svdvals(a[0]), torch.linalg.matrix_rank(a[0]), torch.linalg.pinv(a[0]), torch.logdet(spd), torch.cholesky_solve(torch.ones(3, 1), torch.linalg.cholesky(spd)), torch.linalg.qr(a[0])[1].abs(), torch.trace(spd))
    say(lambda: a @ a, lambda: torch.mm(a, b), lambda: torch.einsum("ij,jk->ik", a, b), lambda: torch.einsum("ij->k", a[0]), lambda: torch.linalg.cholesky(-spd), lambda: torch.linalg.inv(torch.zeros(2, 2)), lambda: torch.dot(a[0], a[0]))
    say(lambda: a.long() @ b, lambda: torch.linalg.solve(torch.zeros(2, 2), torch.ones(2)), lambda: torch.linalg.det(a[0]), lambda: torch.einsum("bij,bjk", a), lambda: torch.cross(a, a), lambda: torch.ger(a, a))


def types_and_promotion(torch, say):
    kinds = [torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64]
    for a in kinds:
        x = torch.ones(2, dtype=a)
        say([str((x + torch.ones(2, dtype=b)).dtype) for b in kinds], str((x * 2.0).dtype), str((x * 2).dtype), str((x / 2).dtype), str(x.sum().dtype), x.type(), str((x == 1).dtype))
        say([str((x + torch.ones((), dtype=b)).dtype) for b in kinds], str(torch.result_type(x, 1.0)), x.element_size(), a.itemsize, a.is_floating_point, a.is_signed, torch.can_cast(a, torch.int32))
    x = torch.tensor([1.7, -1.7, 300.0])
    say(x.int(), x.byte()[:1], x.bool(), x.long(), x.half(), x.type(torch.IntTensor), x.type("torch.DoubleTensor").dtype, x.to(torch.int8)[:2], x.type_as(torch.ones(1, dtype=torch.int16)))
    say(isinstance(x, torch.FloatTensor), isinstance(x, torch.LongTensor), isinstance(x, torch.Tensor), torch.is_tensor(x), torch.is_tensor(3), isinstance(torch.nn.Parameter(x), torch.Tensor), isinstance(x, torch.nn.Parameter))
    say(torch.FloatTensor([1, 2]), torch.LongTensor(2).shape, torch.IntTensor([3]), torch.Tensor([1, 2]), torch.Tensor(2, 3).shape, torch.BoolTensor([True]), torch.DoubleTensor([[1.0]]), torch.ByteTensor([1]), torch.tensor(x.tolist()))
    say(7 // torch.tensor(2), -7 // torch.tensor(2), torch.tensor(-7) % 3, torch.tensor(7) / 2, torch.div(torch.tensor(-7), 2, rounding_mode="trunc"), torch.div(torch.tensor(-7), 2, rounding_mode="floor"), 2 ** torch.tensor(3), torch.tensor(-7.0) % 3, torch.fmod(torch.tensor(-7), 3))
    say(torch.is_floating_point(x), torch.is_complex(x), x.is_signed(), x.dtype is torch.float, torch.float is torch.float32, torch.get_default_dtype(), torch.promote_types(torch.int32, torch.float16), torch.double, torch.half, torch.short, torch.long)
    torch.set_default_dtype(torch.float64)
    say(torch.ones(1).dtype, torch.tensor(1.0).dtype, (torch.tensor(1) / 2).dtype, torch.nn.Linear(1, 1).weight.dtype, torch.tensor(1).dtype)
    torch.set_default_dtype(torch.float32)
    say(lambda: torch.set_default_dtype(torch.int32), lambda: torch.tensor([1, "a"]), lambda: torch.tensor([[1], [1, 2]]), lambda: torch.tensor(None), lambda: torch.tensor({}), lambda: torch.ones(2, dtype=3), lambda: torch.tensor([1.0]) & 1)
    say(lambda: torch.ones(2).bool() - torch.ones(2).bool(), lambda: -torch.tensor(True), lambda: torch.tensor(1) // 0, lambda: torch.tensor([1]).mean(), lambda: torch.tensor([1]).add_(1.5), lambda: torch.tensor([1]).softmax(0), lambda: ~torch.ones(1))
    say(lambda: torch.ones(2).item(), lambda: bool(torch.ones(2)), lambda: int(torch.ones(2)), lambda: float("a") if False else torch.ones(2).__index__(), lambda: [1, 2][torch.tensor(1.0)], lambda: operator.index(torch.tensor(1)), lambda: bool(torch.ones(0)))
    say(torch.as_tensor([1, 2.0]), torch.asarray([1]), torch.tensor(np.float32(2)), torch.tensor([np.int32(1)]), torch.from_numpy(np.arange(3)), torch.scalar_tensor(2), torch.tensor([torch.tensor(1), torch.tensor(2)]), torch.tensor((1, 2.5, True)), torch.tensor(range(3)))
    for name in ("uint16", "uint32", "uint64"):
        d = getattr(torch, name)
        t = torch.tensor([1, 2, 60000], dtype=d)
        say(t, t.tolist(), t[1], t.to(torch.int64), t.float(), t == 2, t * 2, t & 3, t | 1, t ^ 1, t.sum(), t.sort()[0], torch.cat([t, t]), t.numpy(), torch.from_numpy(t.numpy()), t.view(-1, 1), t.clone(), t[torch.tensor([0, 2])], t / 2, t.exp())
        say(repr(t), str(d), d.itemsize, d.is_signed, torch.iinfo(d).max, torch.zeros(2, dtype=d), torch.full((2,), 3, dtype=d), t.type(), t.bool(), t.any(), t.prod(), t.unique(), torch.tensor(-1).to(d), torch.randint(0, 9, (2,), dtype=d).dtype, t.element_size(), copy.deepcopy(t))
        say(lambda t=t: t + t, lambda t=t: t - 1, lambda t=t: t < 2, lambda t=t: t + t.long(), lambda t=t: t // 2, lambda t=t: -t, lambda t=t: t.max(), lambda t=t: t.cumprod(0), lambda t=t: torch.ones(3)[t], lambda t=t: t.clamp(0, 1), lambda t=t: t @ t, lambda d=d: torch.promote_types(d, torch.int8), lambda t=t: t.mean(), lambda t=t: t.requires_grad_())


def views_and_memory(torch, say):
    x = torch.arange(12.0).view(3, 4)
    y = x.t()
    say(y.is_contiguous(), y.stride(), y.contiguous().stride(), x.storage_offset(), x[1:].storage_offset(), x.data_ptr() == y.data_ptr(), x.untyped_storage().nbytes(), x.nbytes, x.numel(), x.dim(), x.ndimension())
    y[0, 0] = 50
    say(x[0, 0], x.reshape(-1)[:2], x.ravel().shape, x.flatten(0, 1).shape, x.view(-1, 2).shape, x.view_as(torch.ones(12)).shape, x.permute(1, 0).shape, x.movedim(0, 1).shape, x.swapaxes(0, 1).shape, x.mT.shape, x.T.shape, x.squeeze().shape)
    say(x.chunk(2, 1)[1], x.split([1, 2])[1], torch.tensor_split(x, (1, 3), 1)[1], torch.hsplit(x, 2)[0].shape, x.expand(2, 3, 4).shape, x.repeat(2, 1).shape, x.repeat_interleave(2, 0).shape, torch.tile(x, (2,)).shape, x.roll(1, 0), x.flip(0, 1), torch.rot90(x))
    say(torch.stack([x, x], -1).shape, torch.cat([x, x], dim=-1).shape, torch.vstack([x, x]).shape, torch.hstack([x, x]).shape, torch.dstack([x, x]).shape, torch.atleast_2d(torch.tensor(1)).shape, torch.broadcast_to(x[0], (2, 4)).shape, [t.shape for t in torch.meshgrid(x[0], x[1], indexing="ij")], torch.broadcast_shapes((2, 1), (3,)))
    say(lambda: x.view(5), lambda: y.view(12), lambda: torch.cat([x, torch.ones(2)]), lambda: torch.stack([x, y]), lambda: x.reshape(-1, -1), lambda: x.expand(2, 4), lambda: x.permute(0), lambda: x + torch.ones(5), lambda: x.squeeze(5), lambda: x.transpose(0, 3), lambda: torch.cat([]), lambda: x.chunk(0), lambda: x.split(-1))
    say(lambda: x.resize_(2, 2).shape, lambda: torch.ones(2).expand(2, 2).add_(1), lambda: torch.ones(-1), lambda: torch.ones("a"), lambda: torch.zeros(2, 3, out=x).shape, lambda: torch.arange(0, 5, -1), lambda: torch.linspace(0, 1, -1), lambda: torch.eye(-1), lambda: torch.full((2,), None), lambda: x.foo, lambda: torch.no_such)
    say(copy.deepcopy(x), pickle.loads(pickle.dumps(x)), np.asarray(x), x.numpy().base is not None, np.sum(x.numpy()), np.add(x.numpy(), 1), torch.ones(2).tolist(), list(torch.ones(2)), np.array(torch.ones(2)), np.mean(torch.ones(2).numpy()), x.__array__().shape, np.sin(torch.zeros(2)).__class__.__name__)
    say(x.new_zeros(2).dtype, x.new_full((2,), 3), x.new_empty(1).shape, torch.zeros_like(x).shape, torch.full_like(x, 2)[0, 0], torch.empty_like(x).shape, torch.empty_strided((2, 2), (1, 2)).stride(), x.is_shared(), x.is_pinned(), x.device, x.is_cuda, x.layout, x.get_device(), x.is_sparse, x.requires_grad, x.is_quantized, x.grad)
    say(hash(x) == hash(x), x is x, (x == x).all(), x.equal(x), torch.equal(x, x + 1), torch.allclose(x, x + 1e-9), x.isclose(x).all(), id(x) == id(x), bool((x != x).any()), x.eq(3).sum(), torch.isin(x, torch.tensor([3.0])).sum(), len(x), x.size(-1), x.shape[0], x.nelement(), x.names if False else None)


def reductions_and_math(torch, say):
    x = draw(torch, 3, 4)
    say(x.sum(), x.sum(0), x.sum((0, 1), keepdim=True), x.mean(-1), x.std(), x.var(0, unbiased=False), x.std(dim=1, correction=0), torch.var_mean(x, 0), x.max(), x.max(1), x.min(0, keepdim=True), x.amax((0, 1)), x.argmax(), x.argmin(1), x.prod(1), x.norm(), x.norm(1), x.norm(p=2, dim=1), x.logsumexp(1), x.aminmax())
    say(x.all(), (x > 0).any(1), x.count_nonzero(), x.nansum(), x.nanmean(), x.cumprod(1), x.diff(), x.trapezoid() if hasattr(x, "trapezoid") else torch.trapezoid(x), torch.cov(x), torch.corrcoef(x), x.softmax(1), x.log_softmax(0), x.renorm(2, 0, 1.0), torch.std_mean(x), x.dist(x * 2), x.square().mean().sqrt())
    say(x.clamp(-1, 1), x.clamp(min=0), x.clip(max=0.5), x.round(decimals=2), x.floor(), x.frac(), x.sign(), x.sgn(), x.abs(), x.exp(), x.expm1(), x.sigmoid(), x.erf(), x.rsqrt(), x.reciprocal(), x.lerp(x * 2, 0.3), torch.addcmul(x, x, x, value=2), torch.addcdiv(x, x, x + 9), x.nan_to_num(), torch.hypot(x, x), torch.atan2(x, x), x.logit(0.1), torch.xlogy(x, x.abs()), x.heaviside(torch.zeros(())), x.copysign(-torch.ones(())))
    say(torch.maximum(x, -x), torch.minimum(x, -x), torch.fmax(x, -x), x.fmod(0.7), x.remainder(0.7), torch.float_power(x.abs(), 2), x.pow(2), x**-1, 2**x, torch.gcd(torch.tensor(12), torch.tensor(8)), torch.lcm(torch.tensor(4), torch.tensor(6)), torch.bitwise_and(torch.tensor(6), 3), torch.tensor(1) << 3, torch.logical_xor(x > 0, x < 1), x.digamma(), x.abs().lgamma(), torch.special.expit(x), torch.sinc(x), torch.deg2rad(x), torch.ldexp(x, torch.tensor(2)), x.signbit())
    say(lambda: x.sum(5), lambda: x.max(0, 1), lambda: torch.zeros(0).max(), lambda: torch.zeros(2, 0).argmax(1), lambda: x.mean(dim="a"), lambda: x.clamp(), lambda: x.std(7), lambda: x.topk(9), lambda: x.kthvalue(0), lambda: x.norm("no"), lambda: x.quantile(2.0), lambda: torch.zeros(0).min(), lambda: x.cumsum(9), lambda: x.softmax(3), lambda: x.sum((0, 0)), lambda: torch.zeros(0).median(), lambda: x.var(1, 2, 3, 4, 5))
    out = torch.empty(0)
    torch.add(x, 1, out=out)
    say(out, torch.add(x, x, alpha=2), torch.sub(x, x, alpha=0.5), torch.mul(x, 2, out=torch.empty(3, 4)), torch.zeros(0).sum(), torch.zeros(0).mean(), torch.zeros(0).prod(), torch.zeros(2, 0).sum(1), torch.ones(()).sum(0), torch.tensor([]).std())
    x.add_(1).mul_(2).sub_(1).div_(2).clamp_(-1, 1).neg_().abs_().sqrt_().pow_(2).zero_().fill_(3)
    say(x, x.t_().shape, x.unsqueeze_(0).shape, x.squeeze_(0).shape, x.exponential_().shape, x.normal_().shape, x.uniform_(0, 1).shape, x.bernoulli_(0.5).unique().numel() <= 2, x.random_(3).max() < 3, x.copy_(torch.ones(4, 3)), x.masked_fill_(x > 0, 2), x.index_fill_(0, torch.tensor([0]), 9.0), x.fill_diagonal_(0), x.tril_(), x.clamp_max_(1))
