"""Networks: shapes of inputs and outputs, gradients for every parameter, names PyTorch users expect."""

import numpy as np
import pytest

import udlfast as torch
from udlfast import models
from udlfast.nn import functional as F

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 16, 16), (1, 17, 20), (1, 40), (2, 33)]


@pytest.mark.parametrize("name", models.NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_parameter_gets_a_gradient(name, shape, rng):
    net = models.build(name, shape, classes=7)
    y = net(torch.from_numpy(rng.standard_normal((5, *shape), dtype=np.float32)))
    assert tuple(y.shape) == (5, 7)
    F.cross_entropy(y, torch.arange(5)).backward()
    for key, p in net.named_parameters():
        assert p.grad is not None and np.abs(p.grad.numpy()).max() > 0, key


def test_lenet5_has_the_sizes_of_the_paper():
    net = models.LeNet()
    assert sum(p.numel() for p in net.parameters()) == 61_706
    assert {k: tuple(v.shape) for k, v in net.state_dict().items() if k.endswith("weight")} == {
        "features.0.weight": (6, 1, 5, 5), "features.3.weight": (16, 6, 5, 5), "classifier.0.weight": (120, 400),
        "classifier.2.weight": (84, 120), "classifier.4.weight": (10, 84)}  # fmt: skip


def test_refuses():
    for call, words in [
        (lambda: models.build("vgg", (1, 8, 8)), "unknown model 'vgg'; known: mlp, lenet, resnet"),
        (lambda: models.MLP((3,)), "at least two sizes"),
        (lambda: models.LeNet(1, (3, 9)), "at least 4"),
        (lambda: models.LeNet(1, (8, 8, 8)), "expected a size"),
        (lambda: models.ResNet(dims=3), "1 or 2 dimensions"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


def test_dropout_and_stages():
    assert sum(isinstance(m, torch.nn.Dropout) for m in models.MLP((4, 5, 6, 2), dropout=0.5).modules()) == 2
    net = models.ResNet(blocks=2, widths=(4, 8))
    assert tuple(net(torch.zeros(2, 1, 8, 8)).shape) == (2, 10)
    assert len(net.layers) == 4 and net.layers[0].downsample is None and net.layers[2].downsample is not None
