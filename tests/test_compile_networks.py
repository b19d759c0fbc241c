"""compile: fifty steps of small networks of every kind, dropout and batch norm on, bit by bit with fusion on and off.

The full sizes: bench/compiled_steps.py.
"""

import warnings

import numpy as np
import pytest
from plans import same, state_of

import udlfast as torch

nn, F = torch.nn, torch.nn.functional
OFF = {"dead": False, "copies": False, "epilogue": False, "arena": False, "fuse": False, "fold": False}


class Residual(nn.Module):
    """A residual network with a projection, as ResNet-18 has."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.conv1, self.bn1 = nn.Conv2d(8, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.down = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.1), nn.Linear(16, 5))

    def forward(self, x):
        x = self.stem(x)
        y = F.relu(self.bn1(self.conv1(x)))
        return self.head(F.relu(self.bn2(self.conv2(y)) + self.down(x)))


class GPT(nn.Module):
    """Two blocks of a decoder with causal attention, dropout everywhere, and the table tied to the head."""

    def __init__(self, width=16, heads=2):
        super().__init__()
        self.heads, self.tok, self.pos, self.drop = heads, nn.Embedding(13, width), nn.Embedding(8, width), nn.Dropout(0.1)
        self.blocks = nn.ModuleList(nn.ModuleDict({
            "ln1": nn.LayerNorm(width), "qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width), "ln2": nn.LayerNorm(width),
            "up": nn.Linear(width, 4 * width), "down": nn.Linear(4 * width, width),
        }) for _ in range(2))  # fmt: skip
        self.ln, self.head = nn.LayerNorm(width), nn.Linear(width, 13, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, i):
        x = self.drop(self.tok(i) + self.pos(torch.arange(i.shape[1])))
        for b in self.blocks:
            B, T, C = x.shape
            q, k, v = (t.view(B, T, self.heads, C // self.heads).transpose(1, 2) for t in b["qkv"](b["ln1"](x)).split(C, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=0.1 if self.training else 0.0)
            x = x + self.drop(b["proj"](y.transpose(1, 2).contiguous().view(B, T, C)))
            x = x + self.drop(b["down"](F.gelu(b["up"](b["ln2"](x)))))
        return self.head(self.ln(x))


class Lines(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.rnn = nn.Embedding(13, 8), nn.LSTM(8, 16, num_layers=2, dropout=0.2, batch_first=True)
        self.out = nn.Linear(16, 13)

    def forward(self, i):
        return self.out(self.rnn(self.emb(i))[0])


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.heads = nn.Sequential(nn.Linear(20, 16), nn.ReLU()), nn.Linear(16, 8)
        self.dec = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 20), nn.Sigmoid())

    def forward(self, x):
        mu, logvar = self.heads(self.enc(x)).chunk(2, dim=1)
        y = self.dec(mu + torch.randn(mu.shape) * torch.exp(0.5 * logvar))
        return F.binary_cross_entropy(y, x, reduction="sum") - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def images(rng):
    x = torch.from_numpy(rng.standard_normal((6, 3, 12, 12), dtype=np.float32))
    y = torch.from_numpy(rng.integers(0, 5, 6))
    return lambda net: F.cross_entropy(net(x), y)


def letters(rng):
    x, y = (torch.from_numpy(rng.integers(0, 13, (4, 8))) for _ in range(2))
    return lambda net: F.cross_entropy(net(x).view(-1, 13), y.view(-1))


def grey(rng):
    x = torch.from_numpy(rng.random((8, 20), dtype=np.float32))
    return lambda net: net(x)


NETWORKS = {
    "residual": (Residual, images, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=5e-4)),
    "gpt": (GPT, letters, lambda p: torch.optim.AdamW(p, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)),
    "lstm": (Lines, letters, lambda p: torch.optim.Adam(p, lr=2e-3)),
    "vae": (VAE, grey, lambda p: torch.optim.Adam(p, lr=1e-3)),
}


def train(kind, compile_):
    rng = np.random.default_rng(11)
    torch.manual_seed(11)
    make, data, optimizer = NETWORKS[kind]
    net, loss_of = make(), data(rng)
    opt = optimizer(net.parameters())

    @compile_
    def step():
        opt.zero_grad()
        loss = loss_of(net)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        return loss

    losses = [step().detach().clone() for _ in range(50)]
    return (losses, *state_of(net, opt)), step


@pytest.mark.parametrize("kind", NETWORKS)
def test_fifty_steps_are_the_same_bits(kind):
    want, _ = train(kind, lambda f: f)
    assert want[0][-1] < want[0][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for options in ({}, {"fuse": False}, OFF):
            got, step = train(kind, lambda f, o=options: torch.compile(f, options=o))
            same(got, want)
            assert len(step.plans) == 1 and step.plans[0].replays >= 47
