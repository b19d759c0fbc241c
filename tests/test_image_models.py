"""Networks for images: sizes known from the papers, keys and outputs of torchvision, gradients, what they refuse."""

import numpy as np
import pytest

import udlfast as torch
from udlfast import models
from udlfast.nn import functional as F

# Parameters with 1000 classes, as the papers and torchvision's documentation give them.
PARAMETERS = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032, "googlenet": 13_004_888,
              "mobilenet_v2": 3_504_872, "efficientnet_b0": 5_288_548, "alexnet": 61_100_840}
VGG = {11: 132_863_336, 13: 133_047_848, 16: 138_357_544, 19: 143_667_240}
CLASSIFIER = 123_642_856  # of each VGG network
KEYS = {"resnet18": (122, "layer2.0.downsample.1.running_var"), "resnet50": (320, "layer4.2.bn3.weight"),
        "googlenet": (364, "inception5b.branch4.1.bn.num_batches_tracked"), "mobilenet_v2": (314, "features.2.conv.1.0.weight"),
        "efficientnet_b0": (360, "features.2.0.block.2.fc1.bias"), "alexnet": (16, "classifier.6.bias")}


def count(net):
    return sum(p.numel() for p in net.parameters())


def images(rng, n=2, size=64, channels=3):
    return torch.from_numpy(rng.standard_normal((n, channels, size, size), dtype=np.float32))


@pytest.mark.parametrize("name", PARAMETERS)
def test_sizes_and_keys(name):
    net = getattr(models, name)()
    assert count(net) == PARAMETERS[name]
    if name in KEYS:
        number, one = KEYS[name]
        assert len(net.state_dict()) == number and one in net.state_dict()


@pytest.mark.parametrize("depth", VGG)
def test_sizes_of_vgg(depth):
    plain, normed = (models.vgg.features(depth, bn) for bn in (False, True))
    assert count(plain) + CLASSIFIER == VGG[depth]
    assert sum(isinstance(m, torch.nn.Conv2d) for m in plain) == depth - 3
    assert count(normed) - count(plain) == 2 * sum(m.out_channels for m in plain if isinstance(m, torch.nn.Conv2d))


SMALL = {"resnet18": {"small": True}, "resnet50": {"channels": 1}, "resnext50_32x4d": {}, "googlenet": {"init_weights": False},
         "mobilenet_v2": {"width_mult": 0.35}, "efficientnet_b0": {}}


@pytest.mark.parametrize("name", SMALL)
def test_every_parameter_gets_a_gradient(name, rng):
    torch.manual_seed(0)
    net = getattr(models, name)(num_classes=5, **SMALL[name])
    y = net(images(rng, 3, channels=SMALL[name].get("channels", 3)))
    if name == "googlenet":
        assert y._fields == ("logits", "aux_logits2", "aux_logits1")
        y = y.logits + 0.3 * (y.aux_logits1 + y.aux_logits2)
    assert tuple(y.shape) == (3, 5)
    F.cross_entropy(y, torch.arange(3)).backward()
    for key, p in net.named_parameters():
        assert p.grad is not None and np.isfinite(p.grad.numpy()).all() and np.abs(p.grad.numpy()).max() > 0, key


def test_eval_of_one_image_is_that_of_a_batch(rng):
    net = models.mobilenet_v2(num_classes=4).eval()
    x = images(rng, 3, 32)
    with torch.no_grad():
        whole, one = net(x).numpy(), net(x[1:2]).numpy()
    assert np.abs(whole[1:2] - one).max() < 1e-5 * np.abs(whole).max()


def test_googlenet_input_is_brought_to_the_other_normalisation(rng):
    net = models.googlenet(num_classes=3, aux_logits=False, init_weights=False).eval()
    x = images(rng, 2, 32)
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    pixels = x.numpy() * deviation[:, None, None] + mean[:, None, None]
    want = net(torch.from_numpy((pixels - 0.5) / 0.5))
    net.transform_input = True
    assert np.allclose(net(x).detach().numpy(), want.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_stochastic_depth_leaves_out_whole_samples(rng):
    torch.manual_seed(3)
    block = models.mobilenet.MBConv(8, 8, 3, 1, 1, 0.5).train()
    x = images(rng, 64, 6, 8)
    with torch.no_grad():
        y = block.block(x).numpy()
        added = block(x).numpy() - x.numpy()
    left_out = np.abs(added).max((1, 2, 3)) < 1e-6
    assert 10 < left_out.sum() < 54
    assert np.allclose(added[~left_out], 2 * y[~left_out], atol=1e-4)
    block.eval()
    with torch.no_grad():
        assert np.allclose((block(x) - x).numpy(), block.block(x).numpy(), atol=1e-5)


def test_unet(rng):
    net = models.UNet(channels=2, classes=3, widths=(4, 8, 16))
    y = net(images(rng, 2, 20, 2))
    assert tuple(y.shape) == (2, 3, 20, 20)
    F.cross_entropy(y, torch.zeros(2, 20, 20).long()).backward()
    assert all(np.abs(p.grad.numpy()).max() > 0 for k, p in net.named_parameters() if not k.endswith("up.0.bias"))
    widths = (64, 128, 256, 512, 1024)
    down = sum(9 * (c * w + w * w) + 4 * w for c, w in zip((1, *widths), widths, strict=False))
    up = sum(8 * w * w + w + 9 * 3 * w * w + 4 * w for w in widths[:-1])
    assert count(models.UNet(1, 2)) == down + up + 2 * 64 + 2


def test_refuses():
    for call, words in [
        (lambda: models.resnet18(weights="DEFAULT"), "resnet18: no weights are downloaded"),
        (lambda: models.vgg16(pretrained=True), "vgg16: no weights are downloaded"),
        (lambda: models.googlenet(num_classes=2)(torch.zeros(1, 3, 8, 8)), "at least 15"),
        (lambda: models.resnet18(num_classes=2)(torch.zeros(1, 1, 32, 32)), r"expected images \[N, 3, H, W\], got \[1, 1, 32, 32\]"),
        (lambda: models.DeepResNet(groups=2), "bottleneck"),
        (lambda: models.UNet(1)(torch.zeros(1, 1, 20, 32)), "multiples of 16"),
        (lambda: models.UNet(widths=()), "widths is empty"),
        (lambda: models.build("vgg11", (1, 28, 28)), "at least 32"),
        (lambda: models.build("resnet18", (1, 40)), "sequences"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()


@pytest.mark.parametrize("name", [n for n in models.LARGE if not n.startswith(("vgg11_", "vgg13", "vgg16", "vgg19", "alex"))])
def test_build(name, rng):
    size = max(models.LARGE[name], 32)
    net = models.build(name, (1, size, size), 7).eval()
    assert tuple(net(images(rng, 2, size, 1)).shape) == (2, 7)
    if name == "vgg11":
        assert "classifier.6.bias" in net.state_dict() and "features.18.bias" in net.state_dict()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "googlenet", "mobilenet_v2", "efficientnet_b0", "vgg11_bn", "alexnet"])
def test_against_torchvision(name, rng):
    """Keys, shapes and, with the same weights, outputs of torchvision."""
    other = pytest.importorskip("torchvision")
    import torch as oracle

    theirs, ours = getattr(other.models, name)(num_classes=9), getattr(models, name)(num_classes=9)
    state = theirs.state_dict()
    assert {k: tuple(v.shape) for k, v in state.items()} == {k: tuple(v.shape) for k, v in ours.state_dict().items()}
    for key, value in state.items():
        if key.endswith("running_var"):
            value.copy_(oracle.rand_like(value) + 0.5)
    theirs.load_state_dict(state)
    ours.load_state_dict({k: torch.from_numpy(v.numpy().copy()) for k, v in state.items()})
    x = images(rng, 2, 96)
    with torch.no_grad(), oracle.no_grad():
        got, want = ours.eval()(x).numpy(), theirs.eval()(oracle.from_numpy(x.numpy())).numpy()
    assert np.abs(got - want).max() <= 1e-5 * max(1, np.abs(want).max())
