"""Parametrizations, weight and spectral norm in both forms, fusion, functional_call and clipping, against PyTorch."""

import copy
import pickle

import numpy as np
import pytest

import udlfast as torch
from udlfast import nn
from udlfast.nn.utils import parametrizations, parametrize

peer = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore")


class Skew(nn.Module):
    def forward(self, x):
        return x.triu(1) - x.triu(1).T

    def right_inverse(self, a):
        return a.triu(1)


class Positive(nn.Module):
    def forward(self, x):
        return x.exp()


def same_state(ours, theirs):
    """Names and shapes are PyTorch's, then its values are ours."""
    want = {k: tuple(v.shape) for k, v in theirs.state_dict().items()}
    assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == want
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    ours.load_state_dict({k: torch.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()})


def compare(ours, theirs, *shape, steps=1, tolerance=2e-5):
    """Outputs and gradients of the same module in both libraries, over some steps in training and one in evaluation."""
    rng = np.random.default_rng(0)
    for step in range(steps + 1):
        if step == steps:
            ours.eval(), theirs.eval()
        x = rng.standard_normal(shape).astype(np.float32)
        got, want = ours(torch.tensor(x)), theirs(peer.tensor(x))
        assert np.abs(got.detach().numpy() - want.detach().numpy()).max() < tolerance
        for m in (ours, theirs):
            m.zero_grad()
        (got * got).sum().backward(), (want * want).sum().backward()
        for (n, p), (m, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            assert n == m and (p.grad is None) == (q.grad is None), n
            if q.grad is not None:
                scale = q.grad.abs().max().item() + 1
                assert np.abs(p.grad.numpy() - q.grad.numpy()).max() < tolerance * scale, n
    for (n, a), (_, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert np.abs(a.numpy() - b.numpy()).max() < tolerance, n


CASES = [
    ("Linear", (4, 6), (3, 4)),
    ("Conv2d", (2, 6, 3), (1, 2, 5, 5)),
    ("ConvTranspose2d", (2, 6, 3), (1, 2, 5, 5)),
    ("Conv1d", (2, 3, 2), (2, 2, 5)),
]


@pytest.mark.parametrize("name, args, shape", CASES)
@pytest.mark.parametrize("dim", [0, 1, None, -1])
@pytest.mark.parametrize("new", [True, False])
def test_weight_norm(name, args, shape, dim, new):
    layers = []
    for lib in (torch, peer):
        function = lib.nn.utils.parametrizations.weight_norm if new else lib.nn.utils.weight_norm
        layers.append(function(getattr(lib.nn, name)(*args), dim=dim))
    same_state(*layers)
    compare(*layers, *shape)


@pytest.mark.parametrize("name, args, shape", CASES)
@pytest.mark.parametrize("new", [True, False])
def test_spectral_norm(name, args, shape, new):
    layers = []
    for lib in (torch, peer):
        function = lib.nn.utils.parametrizations.spectral_norm if new else lib.nn.utils.spectral_norm
        layers.append(function(getattr(lib.nn, name)(*args), n_power_iterations=2))
    same_state(*layers)
    compare(*layers, *shape, steps=3)


@pytest.mark.parametrize("shape", [(5, 5), (4, 7), (7, 4)], ids=str)
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(shape, kind, trivial):
    n, k = shape
    start = nn.Linear(k, n, bias=False)
    nn.init.orthogonal_(start.weight)
    before = start.weight.detach().clone()
    if not trivial and kind != "householder":  # cannot be assigned to
        with pytest.raises(NotImplementedError):
            parametrizations.orthogonal(start, orthogonal_map=kind, use_trivialization=False)
        return
    layer = parametrizations.orthogonal(start, orthogonal_map=kind, use_trivialization=trivial)
    assert (layer.weight - before).abs().max() < 1e-5, "starts where the weight was"
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    target = torch.randn(n, k)
    losses = []
    for _ in range(10):
        Q = layer.weight
        small = Q.T @ Q if n >= k else Q @ Q.T
        assert (small - torch.eye(min(n, k))).abs().max() < 1e-5
        loss = ((Q - target) ** 2).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
def test_orthogonal_is_the_map_of_pytorch(kind):
    theirs = peer.nn.utils.parametrizations.orthogonal(peer.nn.Linear(4, 6, bias=False).double(), orthogonal_map=kind)
    with peer.no_grad():
        theirs.parametrizations.weight.original += peer.randn(6, 4).double().tril(-1) * 0.3
    ours = parametrizations.orthogonal(nn.Linear(4, 6, bias=False).double(), orthogonal_map=kind)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({k: torch.from_numpy(v.detach().numpy().copy()) for k, v in theirs.state_dict().items()})
    assert np.abs(ours.weight.detach().numpy() - theirs.weight.detach().numpy()).max() < 1e-12
    up = np.random.default_rng(0).standard_normal((6, 4))
    (ours.weight * torch.tensor(up)).sum().backward(), (theirs.weight * peer.tensor(up)).sum().backward()
    got, want = (m.parametrizations.weight.original.grad.numpy() for m in (ours, theirs))
    assert np.abs(got - want).max() < 1e-11


def test_parametrizations_of_ones_own():
    layer = parametrize.register_parametrization(nn.Linear(3, 3), "weight", Skew())
    assert repr(layer).startswith("ParametrizedLinear(\n  in_features=3") and isinstance(layer, nn.Linear)
    A = layer.weight
    assert (A == -A.T).all() and parametrize.is_parametrized(layer, "weight") and not parametrize.is_parametrized(layer, "bias")
    assert list(layer.state_dict()) == ["bias", "parametrizations.weight.original"]
    layer.weight = torch.arange(9.0).reshape(3, 3)  # goes through right_inverse
    assert layer.parametrizations.weight.original.tolist() == [[0, 1, 2], [0, 0, 5], [0, 0, 0]]
    parametrize.register_parametrization(layer, "weight", Positive())
    assert (layer.weight > 0).all() and len(layer.parametrizations.weight) == 2
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert (other.weight == layer.weight).all() and type(other).__name__ == "ParametrizedLinear"
        assert other.parametrizations.weight.original is not layer.parametrizations.weight.original
    value = layer.weight.detach().clone()
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear and (layer.weight == value).all() and list(layer.state_dict()) == ["bias", "weight"]
    assert isinstance(layer.weight, nn.Parameter)


def test_parametrizations_refuse():
    layer = nn.Linear(3, 3)
    with pytest.raises(ValueError, match="does not have a parameter"):
        parametrize.register_parametrization(layer, "nothing", Skew())

    class Cut(nn.Module):
        def forward(self, x):
            return x[:1]

    with pytest.raises(ValueError, match="changes the shape"):
        parametrize.register_parametrization(layer, "weight", Cut())
    assert list(layer.state_dict()) == ["weight", "bias"]
    parametrize.register_parametrization(layer, "weight", Cut(), unsafe=True)
    assert tuple(layer.weight.shape) == (1, 3)
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert tuple(layer.weight.shape) == (3, 3)


def test_a_parametrized_layer_trains_and_buffers_can_be_parametrized():
    net = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 4)), nn.Linear(4, 1))
    optimizer, x = torch.optim.Adam(net.parameters(), lr=0.05), torch.randn(16, 3)
    first = None
    for _ in range(60):
        loss = ((net(x) - x.sum(1, True)) ** 2).mean()
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2 * first
    norm = nn.BatchNorm1d(2)
    parametrize.register_parametrization(norm, "running_var", Positive())
    assert norm.running_var.tolist() == pytest.approx([np.e, np.e]) and "parametrizations.running_var.original" in norm.state_dict()


@pytest.mark.parametrize("undo", ["weight", "spectral"])
def test_older_forms_can_be_removed(undo):
    layer = nn.Linear(3, 4)
    make, remove = (getattr(nn.utils, n % undo) for n in ("%s_norm", "remove_%s_norm"))
    make(layer)
    with pytest.raises(Exception, match="two|has no|norm|weight"):
        make(layer)
    y = layer.eval()(torch.ones(1, 3))
    remove(layer)
    assert sorted(layer.state_dict()) == ["bias", "weight"] and (layer(torch.ones(1, 3)) - y).abs().max() < 1e-6
    with pytest.raises(ValueError, match="not found"):
        remove(layer)


@pytest.mark.parametrize("make", [
    lambda: (nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), (2, 2, 5, 5)),
    lambda: (nn.Conv3d(2, 4, 2, bias=False), nn.BatchNorm3d(4), (2, 2, 4, 4, 4)),
    lambda: (nn.ConvTranspose2d(2, 4, 3), nn.BatchNorm2d(4, affine=False), (2, 2, 5, 5)),
    lambda: (nn.Linear(3, 4), nn.BatchNorm1d(4), (5, 3)),
])  # fmt: skip
def test_fusion(make):
    layer, norm, shape = make()
    norm(layer(torch.randn(*shape)))
    x = torch.randn(*shape)
    layer.eval(), norm.eval()
    want = norm(layer(x))
    transposed = isinstance(layer, nn.ConvTranspose2d)
    linear = isinstance(layer, nn.Linear)
    fused = nn.utils.fuse_linear_bn_eval(layer, norm) if linear else nn.utils.fuse_conv_bn_eval(layer, norm, transposed)
    assert (fused(x) - want).abs().max() < 1e-5 and fused is not layer
    with pytest.raises(ValueError, match="eval mode"):
        nn.utils.fuse_conv_bn_eval(layer.train(), norm)


def test_functional_call():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    net[2].weight = nn.Parameter(torch.ones(1, 3))
    own = {k: v.clone() for k, v in net.state_dict().items()}
    given = {"0.weight": torch.ones(3, 2, requires_grad=True), "1.running_mean": torch.zeros(3)}
    call = nn.utils.stateless.functional_call
    y = call(net, given, (torch.randn(8, 2),))
    y.sum().backward()
    assert given["0.weight"].grad is not None and net[0].weight.grad is None
    assert (given["1.running_mean"] != 0).any() and (net[1].running_mean == 0).all()
    assert all((net.state_dict()[k] == v).all() for k, v in own.items() if k != "1.num_batches_tracked" and k != "1.running_var")
    with pytest.raises(RuntimeError, match="no parameter or buffer"):
        call(net, {"x": torch.ones(1)}, torch.randn(8, 2))
    with pytest.raises(RuntimeError, match="Missing"):
        call(net, given, torch.randn(8, 2), strict=True)
    tied = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    tied[1].weight = tied[0].weight
    assert call(tied, {"0.weight": torch.eye(2) * 2}, torch.ones(1, 2)).tolist() == [[4, 4]]
    assert (call(tied, {"0.weight": torch.eye(2) * 2}, torch.ones(1, 2), tie_weights=False) == tied[1](torch.ones(1, 2) * 2)).all()


def test_clipping_with_a_given_norm():
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))]
    for p in parameters:
        p.grad = torch.full(tuple(p.shape), 2.0)
    total = nn.utils.get_total_norm([p.grad for p in parameters])
    nn.utils.clip_grads_with_norm_(parameters, 1.0, total)
    assert nn.utils.get_total_norm([p.grad for p in parameters]).item() == pytest.approx(1.0, abs=1e-5)
