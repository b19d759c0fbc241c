"""What a network needs around the hot kernels, and three networks that train a step, on "cuda" as on "cpu"."""

import re
from pathlib import Path

import numpy as np
import pytest
from harness import check_close, numbers
from test_cuda_kernels import check_same_as_cpu, slow
from test_cuda_kernels import pytestmark as pytestmark

import udlfast as torch
import udlfast.nn.functional as F
from udlfast import _core

ROOT = Path(__file__).parents[1]
CASES = {
    "broadcast": lambda x: x + x[0] * x[:, :1] - 2,
    "views": lambda x: torch.cat([x[1:], x.flip(0)[:, :4].repeat(1, 2)[:, :7]]),
    "pads": lambda x: torch.cat([F.pad(x, (1, 2)), F.pad(x[None], (2, 1), mode="reflect")[0], F.pad(x[None], (1, 2), mode="replicate")[0],
                                 x.roll(2, 1).repeat(1, 2)[:, :10], F.pad(x[None], (3, 0), mode="circular")[0]]),
    "index copy": lambda x: torch.zeros_like(x).index_copy(0, torch.tensor([3, 1]).to(x.device), x[:2]),
    "sums": lambda x: torch.stack([x.sum(1), x.mean(1), x.amax(1), x.amin(1), x.prod(1), x.var(1), x.std(1)]),
    "sum of columns": lambda x: torch.stack([x.sum(0), x.amax(0), x.var(0)]),
    "sum of all": lambda x: torch.stack([x.sum(), x.mean(), x.max(), x.norm()]),
    "softmax": lambda x: x.softmax(-1) + x.softmax(0) + x.log_softmax(1),
    "layer norm": lambda x: F.layer_norm(x, (7,), x[0], x[1]),
    "activations": lambda x: sum(
        f(x) for f in (F.relu, F.gelu, F.silu, torch.tanh, torch.sigmoid, F.elu, F.softplus, F.leaky_relu, F.mish)),
    "functions": lambda x: x.exp() + torch.log(x.abs()) + torch.sqrt(x.abs()) + torch.sin(x) + x**3 + x.clamp(-0.5, 0.5) + torch.erf(x),
    "losses": lambda x: torch.stack([F.mse_loss(x, x[:1].detach().expand(5, 7)), F.smooth_l1_loss(x, x[:1].detach().expand(5, 7)),
                                     F.l1_loss(x, x[:1].detach().expand(5, 7)),
                                     F.binary_cross_entropy_with_logits(x, x.detach().sigmoid())]),
    "cross entropy": lambda x: F.cross_entropy(x, torch.tensor([0, 6, 3, 3, 1]).to(x.device), label_smoothing=0.1),
    "cross entropy of each": lambda x: F.cross_entropy(x, torch.tensor([0, 6, -100, 3, 1]).to(x.device), reduction="none"),
    "nll": lambda x: F.nll_loss(x, torch.tensor([0, 6, 3, 3, 1]).to(x.device)),
    "dropout": lambda x: F.dropout(x, 0.4) * 2,
    "embedding": lambda x: F.embedding(torch.tensor([[1, 3, 1], [0, 4, 1]]).to(x.device), x),
    "gather": lambda x: x.gather(1, torch.tensor([[6, 6], [0, 1], [2, 2], [3, 0], [5, 4]]).to(x.device)),
    "index": lambda x: torch.cat([x[x > 0], x[[1, 0, 1]].flatten(), x[:, 2]]),
    "where": lambda x: torch.where(x > 0, x, x * 0.1),
    "max pool": lambda x: F.max_pool2d(x.reshape(1, 1, 5, 7), 3, 2, 1),
    "avg pool": lambda x: F.avg_pool2d(x.reshape(1, 1, 5, 7), 3, 2, 1)
                + F.avg_pool2d(x.reshape(1, 1, 5, 7), 3, 2, 1, count_include_pad=False),
    "adaptive pool": lambda x: F.adaptive_avg_pool2d(x.reshape(1, 1, 5, 7), (2, 3)),
}  # fmt: skip


ARITY = {name: int(n) for name, n in re.findall(r"^UDL_MAP\((\w+), (\d)\)", (ROOT / "csrc/elementwise.inc").read_text(), re.M)}


@pytest.mark.parametrize("name", CASES)
def test_around_the_hot_kernels(name):
    check_same_as_cpu(CASES[name], torch.randn(5, 7), n=35)


def test_elementwise_operations_against_the_reference(rng):
    """Every element-wise operation that has a body, on float32, among edge numbers; and bool and integers."""
    from udlfast.cuda import _elementwise_ops, elementwise
    from udlfast.reference.elementwise import FORWARD

    x = np.concatenate([rng.standard_normal(9) * 2, [0.0, 1.0, -1.0, 0.5]]).astype(np.float32)
    known = {"softplus": (1.0, 20.0), "softplus_backward": (1.0, 20.0), "elu": (1.0,), "elu_backward": (1.0,), "clamp": (-1.0, 1.0),
             "clamp_backward": (-1.0, 1.0), "leaky_relu": (0.01,), "leaky_relu_backward": (0.01,)}  # fmt: skip
    parameters_of = {"huber_backward": (0.0, 1.0), "smooth_l1_backward": (0.0, 1.0), "huber": (1.0,), "smooth_l1": (1.0,)}
    checked = 0
    with np.errstate(all="ignore"):
        for op, name in elementwise.NAMES.items():
            if _elementwise_ops.operation(name, torch.float32.code) is None:
                continue
            extra = known.get(name, ())
            arity = ARITY[name]
            given = [np.roll(x, k) for k in range(arity)]
            p = (*(extra or parameters_of.get(name, (1.0, 1.0))), 0.0, 0.0)[:2]
            tensors = [torch.tensor(v).to("cuda") for v in given]
            out = torch.empty(x.size).to("cuda")
            c = torch.float32.code
            ints = [op, c, c, c, c, c, 1, x.size, *[1] * 7, *([1] + [0] * 7) * 4, 0]
            _core.call(_core.K_elementwise, (out, *tensors, *[None] * (3 - arity)), tuple(ints), p)
            want = FORWARD[name](*(v.astype(float) for v in given), *extra)
            with np.errstate(over="ignore"):
                want = np.asarray(want, float)
            fits = np.abs(want) < 1e30
            got = numbers(out.cpu())
            error = np.abs(got - want)[fits]
            assert np.all(error <= 64 * 2.0**-23 * (np.abs(want[fits]) + 1)), (name, error.max())
            assert np.array_equal(np.isnan(got), np.isnan(want)), name
            checked += 1
    assert checked > 90
    a = torch.tensor([3, -4, 5]).to("cuda")
    assert (a * 2 - 1).tolist() == [5, -9, 9] and (a > 0).tolist() == [True, False, True] and (a & 1).tolist() == [1, 0, 1]
    assert a.sum().item() == 4 and a.max().item() == 5 and a.min().item() == -4 and a.float().tolist() == [3.0, -4.0, 5.0]


def test_what_has_no_kernel_is_computed_by_the_cpu(monkeypatch):
    x = torch.randn(5, 7)
    with pytest.warns(UserWarning, match="cumsum"):
        y = x.to("cuda").cumsum(1)
    assert y.is_cuda
    check_close(y.cpu(), np.cumsum(numbers(x), 1), "cumsum", k=4, n=7)
    monkeypatch.setenv("UDLFAST_CUDA_FALLBACK", "0")
    with pytest.raises(RuntimeError, match="sort"):
        x.to("cuda").sort(1)


RULES = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1),
    "sgd with momentum": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, 0.05, weight_decay=0.01),
    "adamw with amsgrad": lambda p: torch.optim.AdamW(p, 0.05, amsgrad=True),
}


@pytest.mark.parametrize("name", RULES)
def test_optimizers_in_one_launch(name):
    sizes = ((3, 5), (1,), (17,), (4, 4))
    torch.manual_seed(1)
    start, slopes = [torch.randn(*s) for s in sizes], [[torch.randn(*s) for s in sizes] for _ in range(3)]
    ends = []
    for where in ("cpu", "cuda"):
        parameters = [torch.nn.Parameter(t.clone().to(where)) for t in start]
        optimizer = RULES[name](parameters)
        for step in slopes:
            for p, g in zip(parameters, step, strict=True):
                p.grad = g.to(where)
            optimizer.step()
        ends.append([p.detach().cpu() for p in parameters])
    for want, got in zip(*ends, strict=True):
        check_close(got, numbers(want), name, k=16, n=3, scale=1)


def test_gradients_are_clipped_on_the_gpu():
    p = torch.nn.Parameter(torch.randn(6).to("cuda"))
    p.grad = torch.full((6,), 2.0).to("cuda")
    total = torch.nn.utils.clip_grad_norm_([p], 1.0)
    assert float(total) == pytest.approx(24**0.5, rel=1e-6) and p.grad.is_cuda
    check_close(p.grad.cpu(), np.full(6, 1 / 6**0.5), "clipped", k=8, scale=1)


class Language(torch.nn.Module):
    """An LSTM that predicts the next token."""

    def __init__(self):
        super().__init__()
        self.table, self.lstm = torch.nn.Embedding(11, 6), torch.nn.LSTM(6, 5)
        self.drop, self.out = torch.nn.Dropout(0.2), torch.nn.Linear(5, 11)

    def forward(self, x):
        return self.out(self.drop(self.lstm(self.table(x))[0]))


def lenet():
    """LeNet's layers, for pictures of 12 x 12, with batch normalisation."""
    n = torch.nn
    return n.Sequential(n.Conv2d(1, 3, 3, padding=1), n.BatchNorm2d(3), n.ReLU(), n.MaxPool2d(2), n.Conv2d(3, 4, 3), n.Tanh(),
                        n.AvgPool2d(2),
                        n.Flatten(), n.Linear(16, 10), n.ReLU(), n.Linear(10, 5))  # fmt: skip


def tokens(*shape):
    return torch.randint(0, 11, shape)


NETWORKS = {
    "lstm": (Language, lambda: (tokens(4, 2), tokens(4, 2)), lambda p: torch.optim.Adam(p, 1e-2)),
    "lenet": (lenet, lambda: (torch.randn(2, 1, 12, 12), torch.tensor([1, 4])), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
    "gpt": (lambda: torch.models.GPT2(11, 8, 8, 1, 2), lambda: (tokens(2, 5), tokens(2, 5)), lambda p: torch.optim.AdamW(p, 1e-3)),
}


@pytest.mark.parametrize("name", [n if n == "lstm" else pytest.param(n, marks=slow) for n in NETWORKS])
def test_a_network_trains_as_on_the_cpu(name):
    """Two steps with dropout: the losses and the parameters after them, to float32's rounding of two sums in another order.

    A step of Adam divides by the root of the squares, so a gradient near 0 may move its parameter by lr either way: bound lr / 50.
    """
    make, data, optimizer_of = NETWORKS[name]
    results = []
    for where in ("cpu", "cuda"):
        torch.manual_seed(0)
        net = make().to(where)
        x, y = (t.to(where) for t in data())
        optimizer, losses = optimizer_of(net.parameters()), []
        for _ in range(2):
            out = net(x)
            loss = F.cross_entropy(out.reshape(-1, out.shape[-1]), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            assert all(p.grad.is_cuda == (where == "cuda") for p in net.parameters())
            optimizer.step()
            losses.append(loss.item())
        results.append((losses, [numbers(p.cpu()) for p in net.parameters()]))
    (losses, want), (found, got) = results
    assert found == pytest.approx(losses, rel=1e-5) and losses[0] != losses[1]
    for a, b in zip(want, got, strict=True):
        assert np.abs(a - b).max() <= 2e-5
