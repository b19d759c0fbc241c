"""Generative adversarial networks: a generator against a critic, non-saturating or Wasserstein with a gradient penalty."""
from .. import _core, nn, ops
from ..nn import functional as F


def conv_generator(shape, latent=64, width=64):
    """[N, latent] -> images [N, C, H, W] in -1..1: a linear layer and two transposed convolutions.

    shape: (C, H, W), H and W multiples of 4. width: channels before the last layer, twice as many before that.
    """
    channels, height, wide = _image_shape("conv_generator", shape)
    return nn.Sequential(
        nn.Linear(latent, 2 * width * (height // 4) * (wide // 4)), nn.Unflatten(1, (2 * width, height // 4, wide // 4)),
        nn.BatchNorm2d(2 * width), nn.ReLU(), nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
        nn.BatchNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip


def conv_critic(shape, width=32):
    """Images [N, C, H, W] -> scores [N, 1]: two convolutions of stride 2 and a linear layer, without norms (which would tie the
    examples of a batch together and make the gradient penalty meaningless)."""
    channels, height, wide = _image_shape("conv_critic", shape)
    return nn.Sequential(
        nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(2 * width * (height // 4) * (wide // 4), 1),
    )  # fmt: skip


def _image_shape(name, shape):
    if len(shape) != 3 or shape[1] % 4 or shape[2] % 4:
        raise ValueError(f"{name}: expected a shape (C, H, W) with H and W multiples of 4, got {tuple(shape)}")
    return shape


class GAN(nn.Module):
    """A generator that draws examples from noise, and a critic that tells them from true ones.

        non-saturating:  critic  softplus(-f(x)) + softplus(f(g(z))) + penalty |df/dx|^2 at x,   generator  softplus(-f(g(z)))
        Wasserstein:     critic  f(g(z)) - f(x) + penalty (|df/dx| - 1)^2 at points between x and g(z),   generator  -f(g(z))

    shape: of one example, as the default networks want it. latent: numbers in z. kind: "nonsaturating" or "wasserstein". penalty:
    weight of the gradient's; None: 1 and 10. generator, critic: other networks [N, latent] -> [N, *shape] and [N, *shape] -> [N, 1].

    >>> import udlfast as torch
    >>> gan = GAN((1, 8, 8), latent=4, kind="wasserstein")
    >>> x = torch.zeros(3, 1, 8, 8)
    >>> tuple(gan.sample(3).shape), gan.critic_loss(x).ndim, gan.generator_loss(3).ndim
    ((3, 1, 8, 8), 0, 0)

    Source: Goodfellow et al., Generative adversarial nets, 2014; Gulrajani et al., Improved training of Wasserstein GANs, 2017;
    Mescheder et al., Which training methods for GANs do actually converge?, 2018; Understanding Deep Learning, chapter 15.
    """

    def __init__(self, shape, latent=64, kind="nonsaturating", penalty=None, generator=None, critic=None):
        super().__init__()
        if kind not in ("nonsaturating", "wasserstein"):
            raise ValueError(f'GAN: kind must be "nonsaturating" or "wasserstein", got {kind!r}')
        self.latent, self.kind = latent, kind
        self.penalty = (1.0 if kind == "nonsaturating" else 10.0) if penalty is None else penalty
        self.generator = conv_generator(shape, latent) if generator is None else generator
        self.critic = conv_critic(shape) if critic is None else critic

    def forward(self, z):
        return self.generator(z)

    def critic_loss(self, x):
        """What the critic makes small, for true examples x [N, ...] and as many new ones; the generator gets no gradient."""
        with _core.no_grad():
            fake = self.generator(ops.randn(len(x), self.latent, dtype=x.dtype))
        true_score, fake_score = self.critic(x), self.critic(fake)
        if self.kind == "nonsaturating":
            loss = F.softplus(-true_score).mean() + F.softplus(fake_score).mean()
            return loss + self.penalty * self._slopes(x).mean() if self.penalty else loss
        loss = (fake_score - true_score).mean()
        return loss + self.penalty * self.gradient_penalty(x, fake) if self.penalty else loss

    def _slopes(self, x):
        """|df/dx|^2 of each example, with a gradient of its own."""
        x = x.detach().requires_grad_()
        slope, = _core.grad(self.critic(x).sum(), x, create_graph=True)
        return (slope.flatten(1) ** 2).sum(1)

    def gradient_penalty(self, x, fake):
        """The mean of (|df/dx| - 1)^2 at one random point between each pair."""
        part = ops.rand(len(x), *(1,) * (x.ndim - 1), dtype=x.dtype)
        return ((self._slopes(part * x + (1 - part) * fake) + 1e-12).sqrt() - 1).square().mean()

    def generator_loss(self, n):
        """What the generator makes small, for n new examples."""
        score = self.critic(self.generator(ops.randn(n, self.latent)))
        return F.softplus(-score).mean() if self.kind == "nonsaturating" else -score.mean()

    def sample(self, n):
        """n new examples [n, *shape], in eval mode and without gradients."""
        was_training = self.training
        self.eval()
        with _core.no_grad():
            out = self.generator(ops.randn(n, self.latent))
        self.train(was_training)
        return out
