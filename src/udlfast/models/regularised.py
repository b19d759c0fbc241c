"""Layers and wrappers that keep a network from learning its data by heart: stochastic depth, noise, ensembles."""
from .. import nn, ops


class StochasticDepth(nn.Module):
    """A residual branch that is left out at random: y = x + branch(x) u / (1 - p), u ~ Bernoulli(1 - p) for each example.

    branch: a module whose output has the shape of its input. p: probability of leaving it out; in eval mode it always runs.
    Input and output [N, ...]. Raises ValueError for p outside 0..1.

    >>> import udlfast as torch
    >>> layer = StochasticDepth(torch.nn.Identity(), 0.5).eval()
    >>> layer(torch.ones(2, 3)).tolist()
    [[2.0, 2.0, 2.0], [2.0, 2.0, 2.0]]

    Source: Huang et al., Deep networks with stochastic depth, 2016.
    """

    def __init__(self, branch, p=0.1):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"StochasticDepth: p is a probability and must be between 0 and 1, got {p}")
        self.branch, self.p = branch, p

    def forward(self, x):
        y = self.branch(x)
        if self.training and self.p:
            y = y * nn.functional.dropout(y.new_ones((len(y), *(1,) * (y.ndim - 1))), self.p)
        return x + y

    def extra_repr(self):
        return f"p={self.p}"


class GaussianNoise(nn.Module):
    """Normal noise added while training: y = x + std e. As first layer it acts on the inputs, further in on activations.

    std: its deviation. Input and output of any shape.

    >>> import udlfast as torch
    >>> GaussianNoise(0.3).eval()(torch.ones(2)).tolist()
    [1.0, 1.0]

    Source: Bishop, Training with noise is equivalent to Tikhonov regularization, 1995; Understanding Deep Learning, section 9.3.5.
    """

    def __init__(self, std=0.1):
        super().__init__()
        self.std = std

    def forward(self, x):
        return x + self.std * ops.randn_like(x) if self.training and self.std else x

    def extra_repr(self):
        return f"std={self.std}"


class Ensemble(nn.Module):
    """Several classifiers as one: the logarithm of the mean of their probabilities.

        y = log mean_k softmax(model_k(x))

    models: modules that give scores [N, C]. Input what they take; output [N, C], whose softmax is the mean.

    >>> import udlfast as torch
    >>> pair = Ensemble([torch.nn.Linear(2, 3), torch.nn.Linear(2, 3)])
    >>> torch.allclose(pair(torch.ones(4, 2)).exp().sum(1), torch.ones(4))
    True

    Source: Understanding Deep Learning, section 9.3.2.
    """

    def __init__(self, models):
        super().__init__()
        self.models = nn.ModuleList(models)
        if not len(self.models):
            raise ValueError("Ensemble: there is no model")

    def forward(self, x):
        scores = ops.stack([nn.functional.log_softmax(model(x), 1) for model in self.models])
        return scores.logsumexp(0) - ops.log(scores.new_tensor(float(len(self.models))))
