"""Scripts about tensors: printing, indexing, types, masks, scatter, einsum, views, conversions."""

import copy
import pickle

import numpy as np

from .compare import draw


def printing(torch, say):
    for t in (
        torch.tensor(3.0),
        torch.tensor([1, 2, 3]),
        torch.tensor([1.5, -2.25, 1e-3]),
        torch.tensor([1e10, 1.0]),
        torch.tensor([True, False]),
        torch.tensor([float("nan"), float("inf"), 1.0]),
        torch.zeros(0),
        torch.zeros(2, 0),
        torch.ones(2, 3, 2),
        torch.arange(2000),
        torch.eye(3),
        torch.ones(1001, 3),
        torch.tensor(1, dtype=torch.int8),
        torch.ones(2, dtype=torch.float64),
        torch.ones(2, dtype=torch.bfloat16),
        torch.tensor([0.1, 100000.0]),
        torch.tensor([1.0, 2.0]),
        torch.tensor([-1e-8, 1.0]),
        torch.tensor([[1, -20], [300, 4]]),
        torch.ones(2, dtype=torch.half),
        torch.ones(2, requires_grad=True),
        torch.nn.Parameter(torch.ones(2)),
        torch.tensor([123456789.0]),
        torch.tensor([1e-5, 1e-6]),
        torch.tensor([]),
        torch.tensor([[float("nan")]]),
        torch.tensor([1.0, 2.5, float("-inf")]),
        torch.full((3, 3), 7),
        torch.tensor(True),
        torch.tensor([2**40, 1]),
        torch.arange(30.0).view(1, 30),
        torch.rand(2, 2).bool(),
        torch.tensor([0.5]).expand(3),
        torch.tensor([1 / 3, 2 / 3], dtype=torch.float64),
    ):
        say(repr(t), str(t), f"{t}")
    x = torch.ones(2, requires_grad=True)
    for y in (
        x * 2,
        x.sum(),
        x.view(2, 1),
        x + x,
        x.exp(),
        x @ x,
        x[0],
        torch.cat([x, x]),
        torch.nn.functional.relu(x),
        x.mean(),
        x / 2,
        -x,
        x.softmax(0),
        x.reshape(1, 2),
        x**2,
        x.clone(),
        x.unsqueeze(0),
        torch.stack([x, x]),
        x - 1,
        x.double(),
        torch.nn.functional.linear(x, torch.ones(3, 2)),
        torch.nn.functional.mse_loss(x, torch.zeros(2)),
        x.sigmoid(),
        x.tanh(),
        x.sqrt(),
        x.log(),
        x.abs(),
        x.max(),
        x.norm(),
        x.transpose(0, 0),
        torch.nn.functional.cross_entropy(x.view(1, 2), torch.tensor([0])),
        torch.nn.functional.gelu(x),
        x.max(0)[0],
        x.expand(2, 2),
        x.clamp(0, 1),
        torch.nn.Linear(2, 1)(x.view(1, 2)).isnan().float() + x.sum(),
        torch.einsum("i,j->ij", x, x),
        torch.where(x > 0, x, 0.0),
        x.squeeze(),
        x.prod(),
        x.var(),
        x.std(),
        x.cumsum(0),
        x.flip(0),
        x.roll(1),
        x.repeat(2),
        x.masked_fill(x > 3, 0.0),
        x.index_select(0, torch.tensor([0])),
        x[:1],
        x[None],
    ):
        say(repr(y))
    say(
        f"{torch.tensor(3.14159):.2f}",
        f"{torch.tensor(7):5d}",
        format(torch.tensor(2.5)),
        "%.3f" % torch.tensor(1.0),  # noqa: UP031
        "%s" % torch.tensor(1.0),  # noqa: UP031
        str(torch.float32),
    )
    torch.set_printoptions(precision=2, sci_mode=False)
    say(repr(torch.tensor([1e-7, 3.14159])))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(threshold=5, edgeitems=2, linewidth=40)
    say(repr(torch.arange(40.0)), repr(torch.arange(40).view(4, 10)))
    torch.set_printoptions(profile="default")
    say(
        repr(x.shape),
        str(x.size()),
        repr(torch.device("cpu")),
        repr(torch.ones(2).stride()),
        repr(torch.strided),
        repr(torch.contiguous_format),
    )
    say(
        repr(torch.ones(3).max(0)),
        repr(torch.ones(2, 2).topk(1)),
        repr(torch.finfo(torch.float32)),
        repr(torch.iinfo(torch.int8)),
        repr(torch.Size([1])),
    )
    say(repr(torch.ones(2, 2).svd()[1].shape), repr(torch.ones(3).sort()))


def indexing(torch, say):
    x = torch.arange(24).view(2, 3, 4)
    rows, cols = torch.tensor([0, 1]), torch.tensor([2, 0])
    say(
        x[0],
        x[..., 1],
        x[:, -1],
        x[:, ::2],
        x[None].shape,
        x[1, 2, 3],
        x[rows, cols],
        x[:, rows],
        x[rows, :, cols],
        x[rows[:, None], cols],
        x[[0, 1], [1, 2]],
    )
    say(
        x[x > 20],
        x[:, x[0, :, 0] > 3],
        x[True].shape,
        x[False].shape,
        x[..., None, :].shape,
        x[torch.tensor(1)],
        x[np.array([1])].shape,
        x[1:, [0, 2], 1:3],
    )
    say(
        x[(0, 1)],
        x[[True, False]],
        x[torch.tensor([], dtype=torch.long)].shape,
        x[:, [0, 2], [1, 3]],
        x[[0], :, [1]],
        x[slice(None), 1],
        x[np.int64(1)].shape,
    )
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
    say(
        y,
        y.take(torch.tensor([0, 5])),
        torch.take_along_dim(y, torch.zeros(2, 3, 1, dtype=torch.long), 2),
        y.index_select(2, cols),
        y.masked_select(y > 7),
    )
    say(
        lambda: x[2],
        lambda: x[:, 3],
        lambda: x[0, 0, 0, 0],
        lambda: x[1.0],
        lambda: x["a"],
        lambda: x[torch.tensor([3])],
        lambda: x[torch.tensor([0.5])],
    )
    say(
        lambda: x[x[0] > 1],
        lambda: x[rows, torch.tensor([0, 1, 2])],
        lambda: x[..., ..., 0],
        lambda: x[::-1],
        lambda: x.__setitem__(0, torch.ones(5)),
    )
    say(
        lambda: x[torch.tensor([True])],
        lambda: x.index_select(0, torch.tensor([2])),
        lambda: x.gather(0, torch.tensor([0])),
        lambda: x.take(torch.tensor([99])),
    )
    say(
        lambda: torch.tensor(3)[0],
        lambda: len(torch.tensor(3)),
        lambda: list(torch.tensor(3)),
        lambda: x.narrow(0, 1, 2),
        lambda: x.select(0, 5),
        lambda: x.unbind(4),
    )
    g = torch.zeros(3, requires_grad=True)
    h = torch.zeros(3).index_add(0, torch.tensor([0, 0, 2]), torch.ones(3))
    z = g.clone()
    z[[0, 2]] = torch.ones(2) * g[1]
    z.sum().backward()
    say(
        g.grad,
        h,
        z,
        list(x.unbind(0))[1],
        [t.tolist() for t in x[0]],
        5 in x,
        torch.nonzero(x > 20),
        (x > 20).nonzero(as_tuple=True),
        torch.argwhere(x > 22),
    )


def scatter_family(torch, say):
    x = draw(torch, 3, 4)
    index = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    for how in ("sum", "prod", "mean", "amax", "amin"):
        for keep in (True, False):
            say(
                torch.zeros(3, 4).scatter_reduce(0, index, x[:2], how, include_self=keep),
                torch.ones(3, 4).index_reduce(0, torch.tensor([0, 0, 2]), x, how.replace("sum", "prod"), include_self=keep),
            )
    say(
        x.gather(0, index),
        x.gather(1, index[:, :2]),
        torch.zeros(3, 4).scatter(0, index, 1.0),
        torch.zeros(3, 4).scatter_add(0, index, x),
        torch.zeros(3, 4).scatter_(0, index, x, reduce="add"),
    )
    mask = torch.tensor([[True, False, True, False]] * 3)
    say(
        x.masked_fill(mask, 0.0),
        torch.zeros(3, 4).masked_scatter(mask, torch.arange(6.0)),
        torch.where(mask, x, -x),
        torch.where(mask, 1.0, 0.0),
        torch.where(mask, x, 0).dtype,
    )
    y = x.clone().requires_grad_()
    torch.zeros(3, 4).scatter_reduce(0, index, y[:2], "amax", include_self=False).sum().backward()
    say(
        y.grad,
        x.unfold(1, 2, 1),
        x.unfold(1, 2, 2).shape,
        torch.nn.functional.unfold(x.view(1, 1, 3, 4), 2),
        x.as_strided((2, 2), (1, 2), 1),
    )
    say(
        lambda: x.scatter(0, index, x[:1]),
        lambda: x.scatter(0, torch.full((1, 1), 9), x),
        lambda: x.scatter_reduce(0, index, x, "no"),
        lambda: x.gather(2, index),
        lambda: x.gather(0, index.int()),
    )
    say(
        torch.bincount(torch.tensor([0, 1, 1, 3])),
        torch.histc(x, 4, -2, 2),
        torch.unique(torch.tensor([3, 1, 1]), return_inverse=True, return_counts=True),
        torch.histogram(x, 3)[0],
    )
    say(
        torch.searchsorted(torch.tensor([1, 3, 5]), torch.tensor([0, 3, 9])),
        torch.bucketize(torch.tensor([0.5, 2.5]), torch.tensor([1.0, 2.0]), right=True),
        torch.cumsum(x, 1),
        torch.cummax(x, 0),
        torch.logcumsumexp(x, 1),
    )
    say(
        torch.topk(x, 2, largest=False),
        x.kthvalue(2),
        x.median(1),
        x.mode(0).values.shape,
        x.quantile(0.3, dim=1),
        x.nanmedian(),
        torch.sort(x, descending=True),
        x.argsort(0),
        torch.msort(x),
    )
    say(
        torch.combinations(torch.arange(3)),
        torch.cartesian_prod(torch.arange(2), torch.arange(2)),
        torch.tril_indices(3, 3),
        torch.triu(x, 1),
        torch.block_diag(x[:1, :2], x[:2, :1]),
        torch.vander(torch.arange(3)),
    )


def views_and_memory(torch, say):
    x = torch.arange(12.0).view(3, 4)
    y = x.t()
    say(
        y.is_contiguous(),
        y.stride(),
        y.contiguous().stride(),
        x.storage_offset(),
        x[1:].storage_offset(),
        x.data_ptr() == y.data_ptr(),
        x.untyped_storage().nbytes(),
        x.nbytes,
        x.numel(),
        x.dim(),
        x.ndimension(),
    )
    y[0, 0] = 50
    say(
        x[0, 0],
        x.reshape(-1)[:2],
        x.ravel().shape,
        x.flatten(0, 1).shape,
        x.view(-1, 2).shape,
        x.view_as(torch.ones(12)).shape,
        x.permute(1, 0).shape,
        x.movedim(0, 1).shape,
        x.swapaxes(0, 1).shape,
        x.mT.shape,
        x.T.shape,
        x.squeeze().shape,
    )
    say(
        x.chunk(2, 1)[1],
        x.split([1, 2])[1],
        torch.tensor_split(x, (1, 3), 1)[1],
        torch.hsplit(x, 2)[0].shape,
        x.expand(2, 3, 4).shape,
        x.repeat(2, 1).shape,
        x.repeat_interleave(2, 0).shape,
        torch.tile(x, (2,)).shape,
        x.roll(1, 0),
        x.flip(0, 1),
        torch.rot90(x),
    )
    say(
        torch.stack([x, x], -1).shape,
        torch.cat([x, x], dim=-1).shape,
        torch.vstack([x, x]).shape,
        torch.hstack([x, x]).shape,
        torch.dstack([x, x]).shape,
        torch.atleast_2d(torch.tensor(1)).shape,
        torch.broadcast_to(x[0], (2, 4)).shape,
        [t.shape for t in torch.meshgrid(x[0], x[1], indexing="ij")],
        torch.broadcast_shapes((2, 1), (3,)),
    )
    say(
        lambda: x.view(5),
        lambda: y.view(12),
        lambda: torch.cat([x, torch.ones(2)]),
        lambda: torch.stack([x, y]),
        lambda: x.reshape(-1, -1),
        lambda: x.expand(2, 4),
        lambda: x.permute(0),
        lambda: x + torch.ones(5),
        lambda: x.squeeze(5),
        lambda: x.transpose(0, 3),
        lambda: torch.cat([]),
        lambda: x.chunk(0),
        lambda: x.split(-1),
    )
    say(
        lambda: x.resize_(2, 2).shape,
        lambda: torch.ones(2).expand(2, 2).add_(1),
        lambda: torch.ones(-1),
        lambda: torch.ones("a"),
        lambda: torch.zeros(2, 3, out=x).shape,
        lambda: torch.arange(0, 5, -1),
        lambda: torch.linspace(0, 1, -1),
        lambda: torch.eye(-1),
        lambda: torch.full((2,), None),
        lambda: x.foo,
        lambda: torch.no_such,
    )
    say(
        copy.deepcopy(x),
        pickle.loads(pickle.dumps(x)),
        np.asarray(x),
        x.numpy().base is not None,
        np.sum(x.numpy()),
        np.add(x.numpy(), 1),
        torch.ones(2).tolist(),
        list(torch.ones(2)),
        np.array(torch.ones(2)),
        np.mean(torch.ones(2).numpy()),
        x.__array__().shape,
        np.sin(torch.zeros(2)).__class__.__name__,
    )
    say(
        x.new_zeros(2).dtype,
        x.new_full((2,), 3),
        x.new_empty(1).shape,
        torch.zeros_like(x).shape,
        torch.full_like(x, 2)[0, 0],
        torch.empty_like(x).shape,
        torch.empty_strided((2, 2), (1, 2)).stride(),
        x.is_shared(),
        x.is_pinned(),
        x.device,
        x.is_cuda,
        x.layout,
        x.get_device(),
        x.is_sparse,
        x.requires_grad,
        x.is_quantized,
        x.grad,
    )
    say(
        hash(x) == hash(x),
        x is x,
        (x == x).all(),
        x.equal(x),
        torch.equal(x, x + 1),
        torch.allclose(x, x + 1e-9),
        x.isclose(x).all(),
        id(x) == id(x),
        bool((x != x).any()),
        x.eq(3).sum(),
        torch.isin(x, torch.tensor([3.0])).sum(),
        len(x),
        x.size(-1),
        x.shape[0],
        x.nelement(),
        x.names if False else None,
    )
