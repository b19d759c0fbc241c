"""The range test: which step sizes let the loss fall."""

import copy
import math

from .. import get_rng_state, set_rng_state
from ..errors import ArgumentError
from ..nn import functional as F

SMOOTH = 0.9  # share of the past in the smoothed loss
DIVERGED = 4.0  # the test ends when the smoothed loss is so many times its minimum


class LRCurve:
    """What `lr_find` measured: lists `lrs`, `losses` and `smoothed`, and `suggestion`, a step size (None if none let the loss fall)."""

    def __init__(self, lrs, losses, smoothed):
        self.lrs, self.losses, self.smoothed = lrs, losses, smoothed
        self.suggestion = _steepest(lrs, smoothed)

    def __repr__(self):
        return f"LRCurve({len(self.lrs)} steps, suggestion {self.suggestion if self.suggestion is None else f'{self.suggestion:.2g}'})"

    def plot(self, path):
        """Draw loss against step size and save the picture as PNG. Returns path."""
        from .plots import INK, MUTED, VALID, new_figure

        figure = new_figure(figsize=(5, 3.4), dpi=150, layout="constrained")
        ax = figure.subplots()
        ax.semilogx(self.lrs, self.losses, color=MUTED, lw=0.8, alpha=0.6)
        ax.semilogx(self.lrs, self.smoothed, color=VALID, lw=2)
        top, low = self.smoothed[0], min(self.smoothed)
        ax.set_ylim(low - 0.1 * (top - low + 1e-12), top + 0.5 * (top - low + 1e-12))
        if self.suggestion is not None:
            ax.axvline(self.suggestion, color=INK, lw=1, ls="--")
            ax.set_title(f"steepest at {self.suggestion:.2g}", fontsize=10, color=INK)
        ax.set(xlabel="step size", ylabel="loss")
        ax.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, format="png", metadata={"Software": "udlfast"})
        return path


def lr_find(model, train, optimizer, loss=F.cross_entropy, *, low=1e-6, high=1.0, steps=100):
    """Train for a few steps while the step size grows from `low` to `high`, and suggest where the loss falls fastest.

    The weights, the optimiser and the random numbers are put back as they were.

    Arguments:
        model, train, optimizer, loss: as for `fit`; `train` is walked again from its start when it is too short.
        low, high: step sizes; steps: how many of them, spaced evenly in logarithm.

    Returns: an LRCurve.
    Raises: ValueError for an empty `train` or a range that is not 0 < low < high.

    Example:
        >>> import udlfast as torch
        >>> x = torch.arange(8.0).reshape(8, 1) / 4 - 1
        >>> net = torch.nn.Linear(1, 1)
        >>> curve = torch.train.lr_find(net, [(x, 3 * x)], torch.optim.SGD(net.parameters(), lr=1.0), torch.nn.functional.mse_loss)
        >>> 1e-6 < curve.suggestion < 1.0
        True

    Source: Smith 2017, *Cyclical learning rates for training neural networks*, section 3.3.
    """
    if not 0 < low < high:
        raise ArgumentError(f"lr_find: expected 0 < low < high, got low={low}, high={high}")
    weights = {k: v.detach().clone() for k, v in model.state_dict().items()}
    state, random, training = copy.deepcopy(optimizer.state_dict()), get_rng_state(), model.training
    lrs, losses, smoothed = [], [], []
    try:
        model.train()
        for i, (x, y) in enumerate(_endless(train)):
            lr = low * (high / low) ** (i / max(steps - 1, 1))
            for group in optimizer.param_groups:
                group["lr"] = lr
            optimizer.zero_grad()
            value = loss(model(x), y)
            value.backward()
            optimizer.step()
            lrs.append(lr), losses.append(value.item())
            average = losses[-1] if not smoothed else SMOOTH * smoothed[-1] + (1 - SMOOTH) * losses[-1]
            if not math.isfinite(average) or average > DIVERGED * min(smoothed, default=math.inf) or i + 1 == steps:
                if math.isfinite(average):
                    smoothed.append(average)
                break
            smoothed.append(average)
    finally:
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
        set_rng_state(random)
        model.train(training)
    return LRCurve(lrs[: len(smoothed)], losses[: len(smoothed)], smoothed)


def _endless(train):
    empty = False
    while not empty:
        empty = True
        for batch in train:
            empty = False
            yield batch
    raise ArgumentError("lr_find: the training part is empty")


def _steepest(lrs, smoothed):
    """Where the smoothed loss falls fastest over the logarithm of the step size, before its minimum."""
    end = smoothed.index(min(smoothed)) if smoothed else 0
    if end < 2 or smoothed[end] > 0.98 * smoothed[0]:
        return None
    slopes = [(smoothed[i + 1] - smoothed[i - 1]) / math.log(lrs[i + 1] / lrs[i - 1]) for i in range(1, end)]
    return lrs[1 + slopes.index(min(slopes))]
