"""Scripts about numbers: products, element types, reductions and functions."""

import copy
import operator

import numpy as np

from .compare import draw


def einsum_and_products(torch, say):
    a, b = draw(torch, 2, 3, 4), draw(torch, 2, 4, 5, seed=1)
    say(
        torch.einsum("bij,bjk->bik", a, b),
        torch.einsum("...ij->...ji", a),
        torch.einsum("bij->b", a),
        torch.einsum("ii->i", a[0, :3, :3]),
        torch.einsum("i,j", a[0, 0], b[0, 0]),
    )
    say(
        torch.einsum(a, [0, 1, 2], b, [0, 2, 3], [0, 3]),
        torch.einsum("bij,bjk,bk->bi", a, b, draw(torch, 2, 5)),
        a @ b,
        torch.bmm(a, b),
        a[0] @ b[0, :, 0],
        torch.tensordot(a, b, dims=([2], [1])).shape,
    )
    say(
        torch.baddbmm(torch.ones(2, 3, 5), a, b, beta=0.5, alpha=2),
        torch.addmm(torch.ones(3, 5), a[0], b[0]),
        torch.addmv(torch.ones(3), a[0], b[0, :, 0]),
        torch.outer(a[0, 0], b[0, 0]),
        torch.kron(a[0, :2, :2], torch.eye(2)),
    )
    say(
        torch.linalg.multi_dot([a[0], b[0], torch.ones(5, 2)]),
        torch.chain_matmul(a[0], b[0]),
        torch.cross(a[0, :, :3], a[1, :, :3], dim=1),
        torch.cdist(a, a),
        torch.dist(a[0], a[1]),
        torch.matrix_power(a[0, :3, :3], 3),
    )
    say(
        torch.linalg.norm(a),
        torch.linalg.vector_norm(a, 3, dim=1),
        torch.linalg.matrix_norm(a),
        torch.linalg.det(a[:, :3, :3]),
        torch.linalg.inv(a[:, :3, :3]),
        torch.linalg.solve(a[:, :3, :3], b[:, :3]),
        torch.linalg.lstsq(a[0].T, b[0])[0],
    )
    spd = a[0] @ a[0].T + torch.eye(3)
    say(
        torch.linalg.cholesky(spd),
        torch.linalg.eigvalsh(spd),
        torch.linalg.svdvals(a[0]),
        torch.linalg.matrix_rank(a[0]),
        torch.linalg.pinv(a[0]),
        torch.logdet(spd),
        torch.cholesky_solve(torch.ones(3, 1), torch.linalg.cholesky(spd)),
        torch.linalg.qr(a[0])[1].abs(),
        torch.trace(spd),
    )
    say(
        lambda: a @ a,
        lambda: torch.mm(a, b),
        lambda: torch.einsum("ij,jk->ik", a, b),
        lambda: torch.einsum("ij->k", a[0]),
        lambda: torch.linalg.cholesky(-spd),
        lambda: torch.linalg.inv(torch.zeros(2, 2)),
        lambda: torch.dot(a[0], a[0]),
    )
    say(
        lambda: a.long() @ b,
        lambda: torch.linalg.solve(torch.zeros(2, 2), torch.ones(2)),
        lambda: torch.linalg.det(a[0]),
        lambda: torch.einsum("bij,bjk", a),
        lambda: torch.cross(a, a),
        lambda: torch.ger(a, a),
    )


def types_and_promotion(torch, say):
    kinds = [
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
    ]
    for a in kinds:
        x = torch.ones(2, dtype=a)
        say(
            [str((x + torch.ones(2, dtype=b)).dtype) for b in kinds],
            str((x * 2.0).dtype),
            str((x * 2).dtype),
            str((x / 2).dtype),
            str(x.sum().dtype),
            x.type(),
            str((x == 1).dtype),
        )
        say(
            [str((x + torch.ones((), dtype=b)).dtype) for b in kinds],
            str(torch.result_type(x, 1.0)),
            x.element_size(),
            a.itemsize,
            a.is_floating_point,
            a.is_signed,
            torch.can_cast(a, torch.int32),
        )
    x = torch.tensor([1.7, -1.7, 300.0])
    say(
        x.int(),
        x.byte()[:1],
        x.bool(),
        x.long(),
        x.half(),
        x.type(torch.IntTensor),
        x.type("torch.DoubleTensor").dtype,
        x.to(torch.int8)[:2],
        x.type_as(torch.ones(1, dtype=torch.int16)),
    )
    say(
        isinstance(x, torch.FloatTensor),
        isinstance(x, torch.LongTensor),
        isinstance(x, torch.Tensor),
        torch.is_tensor(x),
        torch.is_tensor(3),
        isinstance(torch.nn.Parameter(x), torch.Tensor),
        isinstance(x, torch.nn.Parameter),
    )
    say(
        torch.FloatTensor([1, 2]),
        torch.LongTensor(2).shape,
        torch.IntTensor([3]),
        torch.Tensor([1, 2]),
        torch.Tensor(2, 3).shape,
        torch.BoolTensor([True]),
        torch.DoubleTensor([[1.0]]),
        torch.ByteTensor([1]),
        torch.tensor(x.tolist()),
    )
    say(
        7 // torch.tensor(2),
        -7 // torch.tensor(2),
        torch.tensor(-7) % 3,
        torch.tensor(7) / 2,
        torch.div(torch.tensor(-7), 2, rounding_mode="trunc"),
        torch.div(torch.tensor(-7), 2, rounding_mode="floor"),
        2 ** torch.tensor(3),
        torch.tensor(-7.0) % 3,
        torch.fmod(torch.tensor(-7), 3),
    )
    say(
        torch.is_floating_point(x),
        torch.is_complex(x),
        x.is_signed(),
        x.dtype is torch.float,
        torch.float is torch.float32,
        torch.get_default_dtype(),
        torch.promote_types(torch.int32, torch.float16),
        torch.double,
        torch.half,
        torch.short,
        torch.long,
    )
    torch.set_default_dtype(torch.float64)
    say(
        torch.ones(1).dtype, torch.tensor(1.0).dtype, (torch.tensor(1) / 2).dtype, torch.nn.Linear(1, 1).weight.dtype, torch.tensor(1).dtype
    )
    torch.set_default_dtype(torch.float32)
    say(
        lambda: torch.set_default_dtype(torch.int32),
        lambda: torch.tensor([1, "a"]),
        lambda: torch.tensor([[1], [1, 2]]),
        lambda: torch.tensor(None),
        lambda: torch.tensor({}),
        lambda: torch.ones(2, dtype=3),
        lambda: torch.tensor([1.0]) & 1,
    )
    say(
        lambda: torch.ones(2).bool() - torch.ones(2).bool(),
        lambda: -torch.tensor(True),
        lambda: torch.tensor(1) // 0,
        lambda: torch.tensor([1]).mean(),
        lambda: torch.tensor([1]).add_(1.5),
        lambda: torch.tensor([1]).softmax(0),
        lambda: ~torch.ones(1),
    )
    say(
        lambda: torch.ones(2).item(),
        lambda: bool(torch.ones(2)),
        lambda: int(torch.ones(2)),
        lambda: float("a") if False else torch.ones(2).__index__(),
        lambda: [1, 2][torch.tensor(1.0)],
        lambda: operator.index(torch.tensor(1)),
        lambda: bool(torch.ones(0)),
    )
    say(
        torch.as_tensor([1, 2.0]),
        torch.asarray([1]),
        torch.tensor(np.float32(2)),
        torch.tensor([np.int32(1)]),
        torch.from_numpy(np.arange(3)),
        torch.scalar_tensor(2),
        torch.tensor([torch.tensor(1), torch.tensor(2)]),
        torch.tensor((1, 2.5, True)),
        torch.tensor(range(3)),
    )
    for name in ("uint16", "uint32", "uint64"):
        d = getattr(torch, name)
        t = torch.tensor([1, 2, 60000], dtype=d)
        say(
            t,
            t.tolist(),
            t[1],
            t.to(torch.int64),
            t.float(),
            t == 2,
            t * 2,
            t & 3,
            t | 1,
            t ^ 1,
            t.sum(),
            t.sort()[0],
            torch.cat([t, t]),
            t.numpy(),
            torch.from_numpy(t.numpy()),
            t.view(-1, 1),
            t.clone(),
            t[torch.tensor([0, 2])],
            t / 2,
            t.exp(),
        )
        say(
            repr(t),
            str(d),
            d.itemsize,
            d.is_signed,
            torch.iinfo(d).max,
            torch.zeros(2, dtype=d),
            torch.full((2,), 3, dtype=d),
            t.type(),
            t.bool(),
            t.any(),
            t.prod(),
            t.unique(),
            torch.tensor(-1).to(d),
            torch.randint(0, 9, (2,), dtype=d).dtype,
            t.element_size(),
            copy.deepcopy(t),
        )
        say(
            lambda t=t: t + t,
            lambda t=t: t - 1,
            lambda t=t: t < 2,
            lambda t=t: t + t.long(),
            lambda t=t: t // 2,
            lambda t=t: -t,
            lambda t=t: t.max(),
            lambda t=t: t.cumprod(0),
            lambda t=t: torch.ones(3)[t],
            lambda t=t: t.clamp(0, 1),
            lambda d=d: torch.promote_types(d, torch.int8),
            lambda t=t: t.mean(),
            lambda t=t: t.requires_grad_(),
        )


def reductions_and_math(torch, say):
    x = draw(torch, 3, 4)
    say(
        x.sum(),
        x.sum(0),
        x.sum((0, 1), keepdim=True),
        x.mean(-1),
        x.std(),
        x.var(0, unbiased=False),
        x.std(dim=1, correction=0),
        torch.var_mean(x, 0),
        x.max(),
        x.max(1),
        x.min(0, keepdim=True),
        x.amax((0, 1)),
        x.argmax(),
        x.argmin(1),
        x.prod(1),
        x.norm(),
        x.norm(1),
        x.norm(p=2, dim=1),
        x.logsumexp(1),
        x.aminmax(),
    )
    say(
        x.all(),
        (x > 0).any(1),
        x.count_nonzero(),
        x.nansum(),
        x.nanmean(),
        x.cumprod(1),
        x.diff(),
        x.trapezoid() if hasattr(x, "trapezoid") else torch.trapezoid(x),
        torch.cov(x),
        torch.corrcoef(x),
        x.softmax(1),
        x.log_softmax(0),
        x.renorm(2, 0, 1.0),
        torch.std_mean(x),
        x.dist(x * 2),
        x.square().mean().sqrt(),
    )
    say(
        x.clamp(-1, 1),
        x.clamp(min=0),
        x.clip(max=0.5),
        x.round(decimals=2),
        x.floor(),
        x.frac(),
        x.sign(),
        x.sgn(),
        x.abs(),
        x.exp(),
        x.expm1(),
        x.sigmoid(),
        x.erf(),
        x.rsqrt(),
        x.reciprocal(),
        x.lerp(x * 2, 0.3),
        torch.addcmul(x, x, x, value=2),
        torch.addcdiv(x, x, x + 9),
        x.nan_to_num(),
        torch.hypot(x, x),
        torch.atan2(x, x),
        x.logit(0.1),
        torch.xlogy(x, x.abs()),
        x.heaviside(torch.zeros(())),
        x.copysign(-torch.ones(())),
    )
    say(
        torch.maximum(x, -x),
        torch.minimum(x, -x),
        torch.fmax(x, -x),
        x.fmod(0.7),
        x.remainder(0.7),
        torch.float_power(x.abs(), 2),
        x.pow(2),
        x**-1,
        2**x,
        torch.gcd(torch.tensor(12), torch.tensor(8)),
        torch.lcm(torch.tensor(4), torch.tensor(6)),
        torch.bitwise_and(torch.tensor(6), 3),
        torch.tensor(1) << 3,
        torch.logical_xor(x > 0, x < 1),
        x.digamma(),
        x.abs().lgamma(),
        torch.special.expit(x),
        torch.sinc(x),
        torch.deg2rad(x),
        torch.ldexp(x, torch.tensor(2)),
        x.signbit(),
    )
    say(
        lambda: x.sum(5),
        lambda: torch.zeros(0).max(),
        lambda: torch.zeros(2, 0).argmax(1),
        lambda: x.mean(dim="a"),
        lambda: x.clamp(),
        lambda: x.std(7),
        lambda: x.topk(9),
        lambda: x.kthvalue(0),
        lambda: x.norm("no"),
        lambda: x.quantile(2.0),
        lambda: torch.zeros(0).min(),
        lambda: x.cumsum(9),
        lambda: x.softmax(3),
        lambda: x.sum((0, 0)),
        lambda: torch.zeros(0).median(),
        lambda: x.var(1, 2, 3, 4, 5),
    )
    out = torch.empty(0)
    torch.add(x, 1, out=out)
    say(
        out,
        torch.add(x, x, alpha=2),
        torch.sub(x, x, alpha=0.5),
        torch.mul(x, 2, out=torch.empty(3, 4)),
        torch.zeros(0).sum(),
        torch.zeros(0).mean(),
        torch.zeros(0).prod(),
        torch.zeros(2, 0).sum(1),
        torch.ones(()).sum(0),
        torch.tensor([]).std(),
    )
    x.add_(1).mul_(2).sub_(1).div_(2).clamp_(-1, 1).neg_().abs_().sqrt_().pow_(2).zero_().fill_(3)
    say(
        x,
        x.t_().shape,
        x.unsqueeze_(0).shape,
        x.squeeze_(0).shape,
        x.exponential_().shape,
        x.normal_().shape,
        x.uniform_(0, 1).shape,
        x.bernoulli_(0.5).unique().numel() <= 2,
        x.random_(3).max() < 3,
        x.copy_(torch.ones(4, 3)),
        x.masked_fill_(x > 0, 2),
        x.index_fill_(0, torch.tensor([0]), 9.0),
        x.fill_diagonal_(0),
        x.tril_(),
        x.clamp_max_(1),
    )
