"""Small example networks: each can be trained for some steps, and run on one batch."""

import numpy as np

import udlfast as torch
import udlfast.nn.functional as F
from udlfast import models, nn


def numbers(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype("float32"))


def whole(high, *shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, high, shape))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.rnn, self.out = kind(20, 64, batch_first=True), nn.Linear(64, 5)

    def forward(self, x):
        return self.out(self.rnn(x)[0][:, -1])


class Words(nn.Module):
    """Embedding, transformer layers, mean, classes."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.1, batch_first=True)
        self.layers, self.out = nn.TransformerEncoder(layer, 2), nn.Linear(64, 5)

    def forward(self, x):
        return self.out(self.layers(self.table(x)).mean(1))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 16, 3, 2, 1), nn.GroupNorm(4, 16), nn.GELU(), nn.Conv2d(16, 32, 3, 2, 1))
        self.up = nn.Sequential(nn.ConvTranspose2d(32, 16, 2, 2), nn.SiLU(), nn.ConvTranspose2d(16, 1, 2, 2))
        self.out = nn.Linear(28 * 28, 5)

    def forward(self, x):
        return self.out(self.up(self.down(x)).flatten(1))


def perceptron():
    return nn.Sequential(nn.Linear(100, 300), nn.ReLU(), nn.Dropout(0.2), nn.Linear(300, 5))


def convolutions():
    return nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 5))


# name: (network, n inputs)
NETWORKS = {
    "MLP": (perceptron, lambda n, s: numbers(n, 100, seed=s)),
    "LeNet": (models.LeNet, lambda n, s: numbers(n, 1, 28, 28, seed=s)),
    "ResNet": (models.ResNet, lambda n, s: numbers(n, 1, 28, 28, seed=s)),
    "convolutions 3x3": (convolutions, lambda n, s: numbers(n, 16, 14, 14, seed=s)),
    "autoencoder": (Autoencoder, lambda n, s: numbers(n, 1, 28, 28, seed=s)),
    "RNN": (lambda: Recurrent(nn.RNN), lambda n, s: numbers(n, 9, 20, seed=s)),
    "LSTM": (lambda: Recurrent(nn.LSTM), lambda n, s: numbers(n, 9, 20, seed=s)),
    "GRU": (lambda: Recurrent(nn.GRU), lambda n, s: numbers(n, 9, 20, seed=s)),
    "transformer": (Words, lambda n, s: whole(100, n, 17, seed=s)),
}


def train(name, steps, batch=16):
    """The bytes of all weights after some steps of AdamW, and the losses."""
    make, inputs = NETWORKS[name]
    torch.manual_seed(0)
    net = make()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        y = net(inputs(batch, step))
        loss = F.cross_entropy(y, whole(y.shape[1], batch, seed=step))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [v.numpy().tobytes() for v in net.state_dict().values()]
