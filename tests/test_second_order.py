"""Gradients of gradients: gradgradcheck of what networks are made of, and gradient penalties of whole networks against PyTorch."""

import numpy as np
import pytest

import udlfast as torch

F = torch.nn.functional
RNG = np.random.default_rng(11)


def t(*shape, positive=False):
    x = RNG.standard_normal(shape)
    return torch.tensor(np.abs(x) + 0.5 if positive else x, requires_grad=True)


TARGET = torch.tensor([0, 2, 1])
OPERATIONS = {
    "linear": lambda: (F.linear, t(3, 4), t(2, 4), t(2)), "matmul": lambda: (torch.matmul, t(2, 3, 4), t(4, 2)),
    "bmm": lambda: (torch.bmm, t(2, 3, 4), t(2, 4, 2)),
    "conv1d": lambda: (lambda x, w, b: F.conv1d(x, w, b, padding=1), t(2, 2, 5), t(3, 2, 3), t(3)),
    "conv2d": lambda: (lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), t(2, 2, 5, 5), t(3, 2, 3, 3), t(3)),
    "conv2d groups": lambda: (lambda x, w: F.conv2d(x, w, groups=2, dilation=2), t(1, 2, 5, 5), t(2, 1, 2, 2)),
    "conv_transpose2d": lambda: (lambda x, w: F.conv_transpose2d(x, w, stride=2), t(1, 2, 3, 3), t(2, 3, 2, 2)),
    "batch_norm": lambda: (lambda x, w, b: F.batch_norm(x, None, None, w, b, True), t(4, 2, 3), t(2), t(2)),
    "layer_norm": lambda: (lambda x, w, b: F.layer_norm(x, (4,), w, b), t(3, 4), t(4), t(4)),
    "group_norm": lambda: (lambda x, w, b: F.group_norm(x, 2, w, b), t(2, 4, 3), t(4), t(4)),
    "rms_norm": lambda: (lambda x, w: F.rms_norm(x, (4,), w), t(3, 4), t(4)),
    "softmax": lambda: (lambda x: F.softmax(x, -1), t(3, 4)), "log_softmax": lambda: (lambda x: F.log_softmax(x, 0), t(3, 4)),
    "max_pool2d": lambda: (lambda x: F.max_pool2d(x, 2), t(1, 2, 4, 4)),
    "avg_pool2d": lambda: (lambda x: F.avg_pool2d(x, 2), t(1, 2, 4, 4)),
    "adaptive_avg_pool2d": lambda: (lambda x: F.adaptive_avg_pool2d(x, 2), t(1, 2, 5, 5)),
    "interpolate": lambda: (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), t(1, 1, 3, 3)),
    "attention": lambda: (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), t(1, 3, 4), t(1, 3, 4), t(1, 3, 2)),
    "embedding": lambda: (lambda w: F.embedding(TARGET, w) ** 2, t(4, 3)),
    "cross_entropy": lambda: (lambda x: F.cross_entropy(x, TARGET, label_smoothing=0.1), t(3, 4)),
    "nll_loss": lambda: (lambda x: F.nll_loss(F.log_softmax(x, 1), TARGET), t(3, 4)),
    "mse_loss": lambda: (F.mse_loss, t(3), t(3)),
    "huber_loss": lambda: (F.huber_loss, t(5), t(5)),
    "smooth_l1_loss": lambda: (F.smooth_l1_loss, t(5), t(5)), "l1_loss": lambda: (lambda a, b: F.l1_loss(a * a, b), t(5), t(5)),
    "bce": lambda: (lambda a, b: F.binary_cross_entropy(a.sigmoid(), b.sigmoid()), t(4), t(4)),
    "bce_with_logits": lambda: (lambda a: F.binary_cross_entropy_with_logits(a, torch.full((4,), 0.3).double()), t(4)),
    "kl_div": lambda: (lambda a, b: F.kl_div(F.log_softmax(a, 0), F.softmax(b, 0), reduction="batchmean"), t(4), t(4)),
    "cosine_similarity": lambda: (F.cosine_similarity, t(2, 3), t(2, 3)), "normalize": lambda: (F.normalize, t(2, 3)),
    "norm": lambda: (torch.norm, t(3)), "prod": lambda: (torch.prod, t(4)), "cumsum": lambda: (lambda x: x.cumsum(0) ** 2, t(4)),
    "cumprod": lambda: (lambda x: x.cumprod(0), t(4)), "logcumsumexp": lambda: (lambda x: x.logcumsumexp(0), t(2, 3)),
    "cumprod with zeros": lambda: (lambda x: (x * torch.tensor([[1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 1.0]])).cumprod(1),
                                  t(2, 4)),
    "var": lambda: (torch.var, t(5)),
    "std": lambda: (torch.std, t(5)),
    "logsumexp": lambda: (lambda x: x.logsumexp(1), t(3, 4)), "div": lambda: (torch.div, t(3), t(3, positive=True)),
    "pow": lambda: (torch.pow, t(3, positive=True), t(3)),
    "sqrt": lambda: (torch.sqrt, t(3, positive=True)),
    "log": lambda: (torch.log, t(3, positive=True)),
    "index": lambda: (lambda x: x[[0, 2, 0]] ** 2, t(3, 2)),
    "gather": lambda: (lambda x: x.gather(0, TARGET[None]) ** 2, t(3, 3)),
    "max": lambda: (lambda x: x.max(1)[0] ** 2, t(3, 4)), "sort": lambda: (lambda x: x.sort(1)[0] ** 2, t(3, 4)),
    "cat and split": lambda: (lambda a, b: torch.cat([p * p for p in torch.cat([a, b]).split(2)]), t(3), t(2)),
    "where": lambda: (lambda a, b: torch.where(a > 0, a * a, b * a), t(4), t(4)),
    "pad": lambda: (lambda x: F.pad(x, (1, 1), "reflect") ** 2, t(2, 4)),
    "glu": lambda: (lambda x: F.glu(x, 1), t(2, 4, 3)), "prelu": lambda: (F.prelu, t(2, 3, 2), t(3)),
}  # fmt: skip


ACTIVATIONS = ["relu", "gelu", "silu", "elu", "selu", "leaky_relu", "softplus", "mish", "hardswish", "hardsigmoid", "tanh", "sigmoid",
               "logsigmoid", "softsign", "hardtanh", "tanhshrink"]  # fmt: skip


@pytest.mark.parametrize("name", [*OPERATIONS, *ACTIVATIONS])
def test_gradients_of_gradients(name):
    f, *inputs = OPERATIONS[name]() if name in OPERATIONS else (getattr(F, name), t(7))
    assert torch.autograd.gradcheck(f, tuple(inputs)) and torch.autograd.gradgradcheck(f, tuple(inputs))
    weights = torch.tensor(RNG.standard_normal(f(*inputs).shape))
    plain, taped = (torch.autograd.grad((f(*inputs) * weights).sum(), inputs, create_graph=on) for on in (False, True))
    for one, other in zip(plain, taped, strict=True):  # the rule on the tape and the kernel without it
        assert np.allclose(one.numpy(), other.detach().numpy(), rtol=1e-10, atol=1e-12)


def images(L):
    n = L.nn
    return n.Sequential(n.Conv2d(2, 4, 3, padding=1), n.BatchNorm2d(4), n.ReLU(), n.MaxPool2d(2), n.Conv2d(4, 4, 3), n.GroupNorm(2, 4),
                        n.SiLU(), n.AvgPool2d(2), n.Flatten(), n.Linear(4, 3), n.LogSoftmax(1))  # fmt: skip


class Recurrent:
    """A recurrent layer and a linear one, over either library."""

    def __init__(self, L, kind):
        self.layer, self.out = getattr(L.nn, kind)(3, 4, batch_first=True), L.nn.Linear(4, 2)

    def __call__(self, x):
        return self.out(self.layer(x)[0])

    def parameters(self):
        return [*self.layer.parameters(), *self.out.parameters()]

    def double(self):
        self.layer.double(), self.out.double()
        return self


NETWORKS = {
    "images": (images, (2, 2, 8, 8)),
    "LSTM": (lambda L: Recurrent(L, "LSTM"), (2, 5, 3)),
    "GRU": (lambda L: Recurrent(L, "GRU"), (2, 5, 3)),
    "RNN": (lambda L: Recurrent(L, "RNN"), (2, 5, 3)),
    "transformer": (lambda L: L.nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu", batch_first=True), (2, 3, 4)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_gradient_penalty_as_torch(name):
    peer = pytest.importorskip("torch")
    make, shape = NETWORKS[name]
    found = []
    for lib in (peer, torch):
        rng = np.random.default_rng(5)
        net = make(lib).double()
        with lib.no_grad():
            for p in net.parameters():
                p.copy_(lib.tensor(rng.standard_normal(tuple(p.shape)) * 0.5))
        x, v = lib.tensor(rng.standard_normal(shape), requires_grad=True), None
        with peer.nn.attention.sdpa_kernel(peer.nn.attention.SDPBackend.MATH) if lib is peer else torch.enable_grad():
            y = net(x)
            v = lib.tensor(rng.standard_normal(tuple(y.shape)))
            (g,) = lib.autograd.grad((y * v).sum(), x, create_graph=True)
            (g**2).sum().backward()
        found.append([x.grad.numpy(), *(p.grad.numpy() for p in net.parameters() if p.grad is not None)])
    assert len(found[0]) == len(found[1])
    for a, b in zip(*found, strict=True):
        assert np.allclose(a, b, rtol=1e-7, atol=1e-9)
