"""What keeps networks from learning by heart: mixtures, penalties, noise, stochastic depth, averages, ensembles."""

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch
from udlfast import nn, train
from udlfast.data import Mixed, cutmix, mixup
from udlfast.models import Ensemble, GaussianNoise, StochasticDepth
from udlfast.nn import functional as F


def batch(rng, n=6, shape=(1, 8, 8), classes=4):
    return torch.from_numpy(rng.standard_normal((n, *shape)).astype(np.float32)), torch.from_numpy(rng.integers(0, classes, n))


@pytest.mark.parametrize("shape", [(3,), (1, 40), (2, 8, 8)])
def test_mixup_mixes_inputs_and_labels_alike(rng, shape):
    """With the label written into the input, both must end up as the same mixture."""
    y = torch.arange(9) % 4
    x = F.one_hot(y, 4).float().reshape(9, 4, *(1,) * len(shape)) * torch.ones(*shape)
    mixed, labels = mixup(x, y, 4, 3, alpha=0.7)
    np.testing.assert_allclose(mixed.flatten(2)[:, :, 0].numpy(), labels.numpy(), atol=1e-6)
    assert 0 < ((labels > 0.01) & (labels < 0.99)).sum().item() and torch.allclose(labels.sum(1), torch.ones(9))


@pytest.mark.parametrize("shape", [(40,), (8, 8), (5, 9)])
def test_cutmix_labels_are_shares_of_the_area(shape):
    y = torch.arange(50) % 4
    x = F.one_hot(y, 4).float().reshape(50, 4, *(1,) * len(shape)) * torch.ones(*shape)
    mixed, labels = cutmix(x, y, 4, 3)
    assert set(mixed.flatten().tolist()) == {0.0, 1.0} and torch.allclose(mixed.sum(1), torch.ones(50, *shape))
    np.testing.assert_allclose(mixed.flatten(2).mean(2).numpy(), labels.numpy(), atol=1e-6)
    assert 0.2 < labels.max(1)[0].lt(1).float().mean().item()


def test_mixtures_depend_on_the_seed_only(rng):
    x, y = batch(rng)
    for function in (mixup, cutmix):
        one, two, other = (function(x, y, 4, s)[0] for s in (1, 1, 2))
        assert torch.equal(one, two) and not torch.equal(one, other)


def test_a_mixed_loader_trains(rng):
    x = torch.from_numpy(rng.standard_normal((120, 2)).astype(np.float32))
    y = (x[:, 0] > 0).long()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    mixed = Mixed([(x[i : i + 40], y[i : i + 40]) for i in range(0, 120, 40)], 2, (mixup, {"alpha": 0.4}))
    assert len(mixed) == 3
    train.fit(net, mixed, [(x, y)], epochs=60, optimizer=torch.optim.Adam(net.parameters(), lr=1e-2), generators=[mixed.rng])
    assert train.evaluate(net, [(x, y)])["accuracy"] > 0.95


def test_penalties(rng):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    weights = np.concatenate([net[k].weight.detach().numpy().ravel() for k in (0, 2)]).astype(float)
    got = train.weight_penalty(net, l1=0.3, l2=0.7)
    assert abs(got.item() - 0.3 * np.abs(weights).sum() - 0.7 * (weights**2).sum()) < 1e-5
    got.backward()
    w = net[0].weight
    np.testing.assert_allclose(w.grad.numpy(), (0.3 * w.sign() + 1.4 * w).detach().numpy(), rtol=1e-5)
    assert net[0].bias.grad is None and net[1].weight.grad is None and train.weight_penalty(net).item() == 0


def test_l1_sets_the_weights_of_useless_inputs_to_almost_nothing(rng):
    x = torch.from_numpy(rng.standard_normal((200, 10)).astype(np.float32))
    y = x[:, :1] - 2 * x[:, 1:2]
    torch.manual_seed(0)
    net = nn.Linear(10, 1)
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    train.fit(net, [(x, y)], epochs=500, optimizer=adam, loss=train.penalised(net, F.mse_loss, l1=0.05))
    w = net.weight.detach().abs()[0]
    assert w[2:].max().item() < 0.01 < 0.5 < w[:2].min().item()


def test_stochastic_depth_leaves_out_whole_examples():
    torch.manual_seed(0)
    layer, x = StochasticDepth(nn.Linear(5, 5), 0.3), torch.ones(2000, 5)
    branch = layer.branch(x).detach()
    y = layer(x).detach()
    gone = (y == x).all(1)
    assert abs(gone.float().mean().item() - 0.3) < 0.05
    assert torch.allclose(y[~gone], x[~gone] + branch[~gone] / 0.7, atol=1e-5)
    assert torch.equal(layer.eval()(x), x + layer.branch(x))
    assert torch.equal(StochasticDepth(nn.Linear(5, 5), 1.0)(x), x)


def test_noise_only_while_training():
    torch.manual_seed(0)
    layer, x = GaussianNoise(0.5), torch.zeros(4000)
    y = layer(x)
    assert abs(y.std().item() - 0.5) < 0.03 and abs(y.mean().item()) < 0.03 and layer.eval()(x) is x


def test_an_ensemble_gives_the_mean_of_the_probabilities(rng):
    models = [nn.Linear(3, 4) for _ in range(3)]
    x = torch.from_numpy(rng.standard_normal((5, 3)).astype(np.float32))
    want = sum(F.softmax(m(x), 1) for m in models) / 3
    assert torch.allclose(Ensemble(models)(x).exp(), want, atol=1e-6)


def test_averaged_weights_are_the_mean_of_the_epochs(rng):
    x, y = batch(rng, 20, (3,), 2)
    torch.manual_seed(0)
    net, seen = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)), []

    class Watch(train.Callback):
        def epoch(self, run):
            seen.append(run.model[0].weight.detach().clone())

    swa = train.SWA(start=2)
    check_raises(ValueError, ["SWA", "nothing"], swa.finish)
    train.fit(net, [(x, y)], epochs=5, optimizer=torch.optim.SGD(net.parameters(), lr=0.3), callbacks=[swa, Watch()])
    assert swa.finish([(x, y)]) is net and swa.count == 3
    assert torch.allclose(net[0].weight, (seen[2] + seen[3] + seen[4]) / 3, atol=1e-6)
    assert torch.allclose(net[1].running_mean, net[0](x).mean(0), atol=1e-5)


def test_mistakes(rng):
    x, y = batch(rng)
    check_raises(ValueError, ["mixup", "alpha"], mixup, x, y, 4, 0, 0.0)
    check_raises(ValueError, ["mixup", "0 to 1"], mixup, x, torch.tensor([0, 1, 2, 0, 1, 0]), 2, 0)
    check_raises(ValueError, ["cutmix", "[N, C, L]"], cutmix, x.flatten(1), y, 4, 0)
    check_raises(ValueError, ["StochasticDepth"], StochasticDepth, nn.Identity(), 1.5)
    check_raises(ValueError, ["Ensemble"], Ensemble, [])
    check_raises(ValueError, ["weight_penalty"], train.weight_penalty, nn.Linear(2, 2), -1.0)
    check_raises(ValueError, ["no weight"], train.weight_penalty, nn.ReLU(), 1.0)
