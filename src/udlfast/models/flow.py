"""Normalising flows: invertible maps whose density is known, by coupling layers or autoregressively."""
import math

import numpy as np

from .. import _core, nn, ops
from .._core import from_numpy
from ..errors import check_repeats
from ..nn import functional as F


class Coupling(nn.Module):
    """An affine coupling layer: one part of the numbers scales and shifts the other.

        z_a = x_a,  z_b = (x_b - t(x_a)) exp(-s(x_a)),   log |dz/dx| = -sum s

    mask: 1 for the numbers of part a, [D]. hidden: widths of the network that gives s and t; s lies in -2..2.

    Source: Dinh, Sohl-Dickstein, Bengio, Density estimation using Real NVP, 2017; Understanding Deep Learning, section 16.3.2.
    """

    def __init__(self, mask, hidden=(128, 128)):
        super().__init__()
        self.register_buffer("mask", mask.float())
        self.net = _network(len(mask), hidden, 2 * len(mask))

    def _parts(self, x):
        s, t = self.net(x * self.mask).chunk(2, 1)
        return 2 * ops.tanh(s) * (1 - self.mask), t * (1 - self.mask)

    def forward(self, x):
        """(z, log |dz/dx|)"""
        s, t = self._parts(x)
        return (x - t) * (-s).exp(), -s.sum(1)

    def inverse(self, z):
        """x"""
        s, t = self._parts(z)
        return z * s.exp() + t


class Autoregressive(nn.Module):
    """An affine autoregressive layer: each number is scaled and shifted by those before it.

        z_d = (x_d - t_d(x_1 .. x_(d-1))) exp(-s_d(x_1 .. x_(d-1))),   log |dz/dx| = -sum s

    order: int64 [D], the place of each number in the order. hidden: widths of the masked network that gives all s and t at once; the
    inverse needs D passes.

    Source: Papamakarios, Pavlakou, Murray, Masked autoregressive flow, 2017; Germain et al., MADE, 2015; Understanding Deep
    Learning, section 16.3.3.
    """

    def __init__(self, order, hidden=(128, 128)):
        super().__init__()
        order, size = order.numpy(), len(order)
        self.order = [int(k) for k in np.argsort(order)]
        self.net = _network(size, hidden, 2 * size)
        degree = order
        for k, layer in enumerate(m for m in self.net if isinstance(m, nn.Linear)):
            last = layer.out_features == 2 * size and k == len(hidden)
            new = np.tile(order, 2) if last else np.arange(layer.out_features) % max(1, size - 1)
            linked = new[:, None] > degree[None] if last else new[:, None] >= degree[None]
            self.register_buffer(f"mask{k}", from_numpy(linked.astype(np.float32)))
            degree = new

    def _parts(self, x):
        k = 0
        for layer in self.net:
            if isinstance(layer, nn.Linear):
                x = F.linear(x, layer.weight * getattr(self, f"mask{k}"), layer.bias)
                k += 1
            else:
                x = layer(x)
        s, t = x.chunk(2, 1)
        return 2 * ops.tanh(s), t

    def forward(self, x):
        """(z, log |dz/dx|)"""
        s, t = self._parts(x)
        return (x - t) * (-s).exp(), -s.sum(1)

    def inverse(self, z):
        """x, one number after the other"""
        x = _core.zeros_like(z)
        for d in self.order:
            s, t = self._parts(x)
            x[:, d] = z[:, d] * s[:, d].exp() + t[:, d]
        return x


def _network(inputs, hidden, outputs):
    """Linear layers with ReLU between; the last one starts from 0, so that the flow starts from the identity."""
    layers = []
    for a, b in zip((inputs, *hidden), (*hidden, outputs)):
        layers += [nn.Linear(a, b), nn.ReLU()]
    nn.init.zeros_(layers[-2].weight)
    nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers[:-1])


class Flow(nn.Module):
    """A density of D numbers: a standard normal one, seen through invertible layers.

        log p(x) = log N(z; 0, I) + log |dz/dx|,  z = f_K(... f_1(x))

    size: D. layers: how many. kind: "coupling" or "autoregressive". hidden: widths of the networks in them. seed: of the parts that
    coupling layers fix. levels: for numbers 0, 1/(levels-1), ..., 1, such as pixels: they become continuous first, x' = logit of
    a + (1 - 2a) (x (levels - 1) + u) / levels with u uniform in 0..1 and a = 0.05; log p is then a lower bound of that of the
    levels themselves.
    Input x [N, ...] with D numbers each; output: -log p(x) of each example [N] in nats.

    >>> import udlfast as torch
    >>> flow = Flow(2, layers=2)
    >>> tuple(flow(torch.zeros(3, 2)).shape), tuple(flow.sample(5).shape)
    ((3,), (5, 2))

    Source: Understanding Deep Learning, chapter 16.
    """

    def __init__(self, size, layers=6, kind="coupling", hidden=(128, 128), seed=0, levels=None):
        super().__init__()
        if kind not in ("coupling", "autoregressive"):
            raise ValueError(f'Flow: kind must be "coupling" or "autoregressive", got {kind!r}')
        check_repeats("Flow: layers", layers)
        self.size, self.levels, rng = size, levels, np.random.default_rng(seed)
        made, mask = [], np.zeros(size, np.float32)
        for k in range(layers):
            if kind == "autoregressive":
                made.append(Autoregressive(from_numpy(np.arange(size) if k % 2 == 0 else np.arange(size)[::-1].copy()), hidden))
                continue
            if k % 2 == 0:
                mask = (rng.permutation(size) < size // 2).astype(np.float32)
            made.append(Coupling(from_numpy(mask if k % 2 == 0 else 1 - mask), hidden))
        self.layers = nn.ModuleList(made)

    def forward(self, x):
        x = x.flatten(1)
        if x.shape[1] != self.size:
            raise ValueError(f"Flow: expected {self.size} numbers an example, got {x.shape[1]}")
        log_p = _core.zeros(len(x), dtype=x.dtype)
        if self.levels is not None:
            a, n = 0.05, self.levels
            x = a + (1 - 2 * a) * ((x * (n - 1)).round() + ops.rand_like(x)) / n
            log_p = (math.log((1 - 2 * a) / n) - x.log() - (1 - x).log()).sum(1)
            x = x.log() - (1 - x).log()
        for layer in self.layers:
            x, change = layer(x)
            log_p = log_p + change
        return 0.5 * (x**2).sum(1) + 0.5 * self.size * math.log(2 * math.pi) - log_p

    def log_prob(self, x):
        """log p(x) [N], in nats"""
        return -self(x)

    def bits_per_dim(self, x):
        """-log2 p(x) / D [N]"""
        return self(x) / (self.size * math.log(2))

    def sample(self, n):
        """n new examples [n, D], without gradients; with levels they are 0, 1/(levels-1), ..., 1."""
        with _core.no_grad():
            x = ops.randn(n, self.size)
            for layer in reversed(self.layers):
                x = layer.inverse(x)
            if self.levels is None:
                return x
            x = ((ops.sigmoid(x) - 0.05) / 0.9 * self.levels).floor()
            return x.clamp(0, self.levels - 1) / (self.levels - 1)
