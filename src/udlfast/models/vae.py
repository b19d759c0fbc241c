"""Autoencoders: plain, denoising and variational."""
import math

from .. import _core, nn, ops
from ..errors import check_repeats
from ..nn import functional as F
from .mlp import MLP


def _numbers(x):
    """[N, ...] as [N, D]"""
    return x.flatten(1)


class Autoencoder(nn.Module):
    """A bottleneck: an encoder to a few numbers, and a decoder back.

        loss(x) = |decode(encode(x + noise e)) - x|^2 / D,   e standard normal

    shape: of one example, D numbers. latent: numbers in the bottleneck. hidden: widths of the encoder, reversed in the decoder.
    noise: deviation of what is added to the input while training (a denoising autoencoder). encoder, decoder: other networks
    [N, *shape] -> [N, latent] and back.
    Input x [N, *shape]; output: the loss of each example [N], which `train.fit` with loss=train.mean makes small.

    >>> import udlfast as torch
    >>> net = Autoencoder((1, 4, 4), latent=2, hidden=(8,))
    >>> tuple(net(torch.rand(3, 1, 4, 4)).shape), tuple(net.decode(torch.zeros(5, 2)).shape)
    ((3,), (5, 1, 4, 4))

    Source: Vincent et al., Extracting and composing robust features with denoising autoencoders, 2008; Understanding Deep
    Learning, section 14.1.
    """

    def __init__(self, shape, latent=2, hidden=(256, 128), noise=0.0, encoder=None, decoder=None):
        super().__init__()
        self.shape, self.latent, self.noise = tuple(shape), latent, noise
        sizes = (math.prod(self.shape), *hidden, latent)
        self.encoder = MLP(sizes) if encoder is None else encoder
        self.decoder = MLP(sizes[::-1]) if decoder is None else decoder

    def encode(self, x):
        """[N, latent]"""
        return self.encoder(x)

    def decode(self, z):
        """[N, *shape]"""
        return self.decoder(z).reshape(len(z), *self.shape)

    def forward(self, x):
        given = x + self.noise * ops.randn_like(x) if self.training and self.noise else x
        return _numbers((self.decode(self.encode(given)) - x) ** 2).mean(1)


class VAE(nn.Module):
    """A variational autoencoder of numbers in 0..1: a latent normal variable, and pixels that are independent given it.

        z ~ N(0, I),  x ~ Bernoulli(sigmoid(f(z))),  q(z | x) = N(m(x), diag s(x)^2)
        ELBO(x) = E_q log p(x | z) - KL(q(z | x), p(z)),   loss(x) = -E_q log p(x | z) + beta KL

    shape: of one example. latent: numbers in z. hidden: widths of the encoder, reversed in the decoder. beta: weight of the
    divergence (above 1: beta-VAE, whose latent numbers are more independent). encoder, decoder: other networks
    [N, *shape] -> [N, 2 latent] (m and log s^2) and [N, latent] -> logits.
    Input x [N, *shape]; output: the loss of each example [N] in nats.

    >>> import udlfast as torch
    >>> net = VAE((1, 4, 4), latent=2, hidden=(8,))
    >>> tuple(net(torch.rand(3, 1, 4, 4)).shape), tuple(net.sample(5).shape)
    ((3,), (5, 1, 4, 4))

    Source: Kingma and Welling, Auto-encoding variational Bayes, 2014; Higgins et al., beta-VAE, 2017; Understanding Deep Learning,
    chapter 17.
    """

    def __init__(self, shape, latent=16, hidden=(400,), beta=1.0, encoder=None, decoder=None):
        super().__init__()
        self.shape, self.latent, self.beta = tuple(shape), latent, beta
        sizes = (math.prod(self.shape), *hidden)
        self.encoder = MLP((*sizes, 2 * latent)) if encoder is None else encoder
        self.decoder = MLP((latent, *sizes[::-1])) if decoder is None else decoder

    def encode(self, x):
        """m and log s^2 of q(z | x), each [N, latent]"""
        return self.encoder(x).chunk(2, 1)

    def decode(self, z):
        """The probabilities of the pixels, [N, *shape]."""
        return ops.sigmoid(self.decoder(z)).reshape(len(z), *self.shape)

    def terms(self, x):
        """-log p(x | z) for one drawn z, and KL(q(z | x), p(z)): each [N], in nats."""
        m, log_var = self.encode(x)
        z = m + (0.5 * log_var).exp() * ops.randn_like(m)
        error = F.binary_cross_entropy_with_logits(_numbers(self.decoder(z)), _numbers(x), reduction="none").sum(1)
        return error, 0.5 * (m**2 + log_var.exp() - 1 - log_var).sum(1)

    def forward(self, x):
        error, divergence = self.terms(x)
        return error + self.beta * divergence

    def elbo(self, x):
        """The evidence lower bound of each example [N], in nats, with one drawn z."""
        error, divergence = self.terms(x)
        return -error - divergence

    def log_likelihood(self, x, samples=100):
        """log p(x) of each example [N] by importance sampling: log mean over z ~ q of p(x | z) p(z) / q(z | x), from below.

        Source: Burda, Grosse, Salakhutdinov, Importance weighted autoencoders, 2016.
        """
        check_repeats("VAE.log_likelihood: samples", samples, 1_000_000)
        m, log_var = self.encode(x)
        weights = []
        for _ in range(samples):
            e = ops.randn_like(m)
            z = m + (0.5 * log_var).exp() * e
            error = F.binary_cross_entropy_with_logits(_numbers(self.decoder(z)), _numbers(x), reduction="none").sum(1)
            weights.append(0.5 * (e**2 + log_var - z**2).sum(1) - error)
        return ops.stack(weights).logsumexp(0) - math.log(samples)

    def sample(self, n):
        """Probabilities of the pixels of n new examples, [n, *shape], without gradients."""
        with _core.no_grad():
            return self.decode(ops.randn(n, self.latent))
