"""Diffusion: a network that takes noise away step by step (DDPM, DDIM), and the U-Net for it."""
import math

from .. import _core, nn, ops
from ..errors import check_repeats
from ..nn import functional as F


def time_features(t, width):
    """Sines and cosines of t [N] at `width` / 2 rates from 1 to 1/10000: [N, width]."""
    rates = (-math.log(10000.0) / (width // 2) * ops.arange(width // 2, dtype=_core.float32)).exp()
    angles = t.float().unsqueeze(1) * rates
    return ops.cat([angles.sin(), angles.cos()], 1)


class Block(nn.Module):
    """y = skip(x) + conv(silu(norm(conv(silu(norm(x))) + W time)))"""

    def __init__(self, inputs, outputs, time):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(math.gcd(8, inputs), inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(time, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(math.gcd(8, outputs), outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x, time):
        y = self.conv1(F.silu(self.norm1(x))) + self.time(time)[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(y)))


class DiffusionUNet(nn.Module):
    """From a noisy image and its time to the noise in it.

    channels: C. widths: channels at each resolution, each half the one before. patch: the image is first cut into patches of
    patch x patch pixels whose numbers become channels, for speed. time: numbers that tell the time. classes: labels 0 .. classes - 1
    that may be given as well (None: no labels).
    Input x [N, C, H, W] with H, W multiples of patch 2^(len(widths) - 1), t [N], labels int64 [N] or None; output like x.

    >>> import udlfast as torch
    >>> net = DiffusionUNet(1, widths=(8, 16))
    >>> tuple(net(torch.zeros(2, 1, 8, 8), torch.tensor([0, 5])).shape)
    (2, 1, 8, 8)

    Source: Ho, Jain, Abbeel, Denoising diffusion probabilistic models, 2020; Understanding Deep Learning, section 18.5.3.
    """

    def __init__(self, channels=1, widths=(32, 64), patch=1, time=64, classes=None):
        super().__init__()
        self.patch, self.features, self.step = patch, time, patch * 2 ** (len(widths) - 1)
        self.time = nn.Sequential(nn.Linear(time, time), nn.SiLU(), nn.Linear(time, time))
        self.label = None if classes is None else nn.Embedding(classes, time)
        inner = channels * patch**2
        self.first = nn.Conv2d(inner, widths[0], 3, padding=1)
        self.down = nn.ModuleList(Block(a, b, time) for a, b in zip((widths[0], *widths[:-1]), widths))
        self.middle = Block(widths[-1], widths[-1], time)
        self.up = nn.ModuleList(Block(2 * b, a, time) for a, b in zip((widths[0], *widths[:-1]), widths))
        self.norm, self.last = nn.GroupNorm(math.gcd(8, widths[0]), widths[0]), nn.Conv2d(widths[0], inner, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x, t, labels=None):
        if x.ndim != 4 or x.shape[2] % self.step or x.shape[3] % self.step:
            raise ValueError(f"DiffusionUNet: expected images [N, C, H, W] with H, W multiples of {self.step}, got {list(x.shape)}")
        time = self.time(time_features(t, self.features))
        if self.label is not None and labels is not None:
            time = time + self.label(labels)
        x = self.first(F.pixel_unshuffle(x, self.patch) if self.patch > 1 else x)
        kept = []
        for k, block in enumerate(self.down):
            x = block(F.avg_pool2d(x, 2) if k else x, time)
            kept.append(x)
        x = self.middle(x, time)
        for k in reversed(range(len(self.up))):
            x = self.up[k](ops.cat([x, kept[k]], 1), time)
            if k:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
        y = self.last(F.silu(self.norm(x)))
        return F.pixel_shuffle(y, self.patch) if self.patch > 1 else y


class Diffusion(nn.Module):
    """Noise added in many small steps, and a network that learns to take it away.

        x_t = sqrt(a_t) x + sqrt(1 - a_t) e,   a_t = cos^2(pi/2 (t/T + 0.008) / 1.008) / its value at 0,   loss(x) = |net(x_t, t) - e|^2 / D

    net: called with x_t [N, ...] and t int64 [N] in 1..T (and labels, if given). shape: of one example, numbers in about -1..1.
    steps: T.
    Input x [N, *shape], labels or None; output: the loss of each example [N] for a drawn time.

    >>> import udlfast as torch
    >>> model = Diffusion(DiffusionUNet(1, widths=(8, 8)), (1, 8, 8), steps=10)
    >>> tuple(model(torch.zeros(3, 1, 8, 8)).shape), tuple(model.sample(2, steps=4).shape)
    ((3,), (2, 1, 8, 8))

    Source: Ho, Jain, Abbeel 2020 (DDPM); Song, Meng, Ermon, Denoising diffusion implicit models, 2021; Nichol and Dhariwal 2021
    (cosine schedule); Understanding Deep Learning, chapter 18.
    """

    def __init__(self, net, shape, steps=1000):
        super().__init__()
        if steps < 1:
            raise ValueError(f"Diffusion: steps must be at least 1, got {steps}")
        check_repeats("Diffusion: steps", steps, 1_000_000)
        self.net, self.shape, self.steps = net, tuple(shape), steps
        f = [math.cos(math.pi / 2 * (t / steps + 0.008) / 1.008) ** 2 for t in range(steps + 1)]
        kept = [1.0]  # no step takes more than 0.999 of what is left
        for before, now in zip(f[:-1], f[1:]):
            kept.append(kept[-1] * max(now / before, 1e-3))
        self.register_buffer("kept", ops.tensor(kept))

    def _spread(self, t):
        return self.kept.index_select(0, t).reshape(-1, *(1,) * len(self.shape))

    def forward(self, x, labels=None):
        t = ops.randint(1, self.steps + 1, (len(x),))
        e, a = ops.randn_like(x), self._spread(t)
        guess = self._noise(a.sqrt() * x + (1 - a).sqrt() * e, t, labels)
        return ((guess - e) ** 2).flatten(1).mean(1)

    def _noise(self, x, t, labels):
        return self.net(x, t) if labels is None else self.net(x, t, labels)

    def sample(self, n, steps=None, eta=None, labels=None, clip=1.0):
        """n new examples [n, *shape], without gradients, in eval mode.

        steps: how many of the T steps to take, evenly spread; None: all. eta: 1 draws new noise at each step (DDPM), 0 none (DDIM:
        the start decides); None: 1 with all steps, else 0. labels: int64 [n]. clip: the guessed image is held in -clip..clip (None: not).
        """
        if steps is not None and not 1 <= steps <= self.steps:
            raise ValueError(f"Diffusion.sample: steps must lie in 1..{self.steps}, got {steps}")
        eta = (1.0 if steps is None else 0.0) if eta is None else eta
        count = self.steps if steps is None else steps
        times = [round(self.steps * k / count) for k in range(count, -1, -1)]
        kept, was_training = self.kept.tolist(), self.training
        self.eval()
        with _core.no_grad():
            x = ops.randn(n, *self.shape)
            for t, before in zip(times[:-1], times[1:]):
                e = self._noise(x, _core.full((n,), t, dtype=_core.int64), labels)
                a, b = kept[t], kept[before]
                image = (x - math.sqrt(1 - a) * e) / math.sqrt(a)
                if clip is not None:
                    image = image.clamp(-clip, clip)
                    e = (x - math.sqrt(a) * image) / math.sqrt(1 - a)
                s = eta * math.sqrt((1 - b) / (1 - a) * (1 - a / b))
                x = math.sqrt(b) * image + math.sqrt(max(1 - b - s * s, 0.0)) * e
                if s and before:
                    x = x + s * ops.randn_like(x)
        self.train(was_training)
        return x
