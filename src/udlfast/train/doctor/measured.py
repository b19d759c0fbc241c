"""What the rules look at: the losses of all steps, and statistics of layers at some of them."""

import math
import statistics

from ... import linalg, no_grad
from ...nn import functional as F


class Layer:
    """Of one parameter tensor of at least two dimensions, at each step that was looked at: root mean squares of its gradient,
    of itself, and of what the step changed."""

    def __init__(self):
        self.gradients, self.weights, self.updates = [], [], []

    def typical(self, column):
        """The median, or None."""
        values = [v for v in getattr(self, column) if math.isfinite(v)]
        return statistics.median(values) if values else None


class Measured:
    """Everything that was measured; the rules in `rules.py` read it."""

    def __init__(self):
        self.losses, self.train, self.valid = [], [], []  # of steps, of epochs
        self.layers = {}  # name of a weight: Layer, in the order of the model
        self.missing = {}  # name of a parameter: how often it had no gradient
        self.looked = 0
        self.hook_seconds = 0.0
        self.dead = {}  # name of a ReLU: share of units that were 0 for a whole batch, each time
        self.saturated = {}  # name of a sigmoid or tanh: share of outputs at their ends
        self.single = []  # batch norms that saw one number per channel
        self.frozen, self.outside = [], []
        self.inputs = None  # (mean, standard deviation, spread between features)
        self.loss_mistakes = {}  # what is wrong: how often it was seen
        self.not_finite = None  # (where, step, what)
        self.train_mode = None  # a layer that was measured in train mode
        self.shared_rows = None  # (rows, of how many)
        self.chance = None  # the loss of the best constant answer, for classes
        self.classes = 0

    def headline(self):
        """One line about the run."""
        if not self.losses:
            return "no step was taken"
        first, last = self.first_and_last()
        text = f"{len(self.losses)} steps, loss {first:.4g} to {last:.4g}"
        return text + (f", validation {self.valid[0]:.4g} to {self.valid[-1]:.4g}" if self.valid else "")

    def first_and_last(self):
        """Means of the first and of the last steps."""
        n = max(1, min(10, len(self.losses) // 10))
        return statistics.fmean(self.losses[:n]), statistics.fmean(self.losses[-n:])

    def mistaken(self, what):
        """A loss that does not fit the output was seen."""
        self.loss_mistakes[what] = self.loss_mistakes.get(what, 0) + 1

    def update_ratio(self, first=None):
        """How much a step changes a weight, relative to it: the median over layers and looks (the first few of them)."""
        pairs = [pair for layer in self.layers.values() for pair in list(zip(layer.updates, layer.weights, strict=False))[:first]]
        ratios = [u / w for u, w in pairs if w > 0]
        return statistics.median(ratios) if ratios else None


def rms(t):
    """Root mean square of a tensor, as a number."""
    return linalg.vector_norm(t.detach().float()).item() / math.sqrt(t.numel()) if t.numel() else 0.0


def look_at_batch(m, x, y, output, loss):
    """Inputs, output and loss of one batch."""
    if hasattr(x, "dtype") and x.dtype.is_floating_point and x.numel():
        flat = x.detach().float().reshape(x.shape[0], -1)
        spread = flat.std(0) if flat.shape[0] > 1 and flat.shape[1] > 1 else None
        moving = [s for s in spread.tolist() if s > 0] if spread is not None and x.ndim == 2 else []
        m.inputs = (flat.mean().item(), flat.std(correction=0).item(), max(moving) / min(moving) if len(moving) > 1 else 1.0)
    if not hasattr(output, "dtype") or not hasattr(y, "dtype"):
        return
    with no_grad():
        output = output.detach().float()
        if output.ndim == 2 and y.ndim == 1 and not y.dtype.is_floating_point:
            _look_at_classes(m, output, y, loss)
        elif output.shape == y.shape and y.dtype.is_floating_point and output.numel():
            inside = output.min().item() >= 0 and output.max().item() <= 1
            targets = y.min().item() >= 0 and y.max().item() <= 1
            if inside and targets and _close(F.binary_cross_entropy_with_logits(output, y.float()).item(), loss):
                m.mistaken("binary_cross_entropy_with_logits is given numbers between 0 and 1: the sigmoid is taken twice")


def _look_at_classes(m, output, y, loss):
    counts = {}
    for label in y.tolist():
        counts[label] = counts.get(label, 0) + 1
    m.classes = max(m.classes, len(counts))
    entropy = -sum(c / len(y) * math.log(c / len(y)) for c in counts.values())
    m.chance = entropy if m.chance is None else max(m.chance, entropy)
    sums = output.sum(1)
    probabilities = output.min().item() >= 0 and (sums - 1).abs().max().item() < 1e-4
    if output.shape[1] > 1 and probabilities and _close(F.cross_entropy(output, y).item(), loss):
        m.mistaken("cross_entropy is given rows that sum to 1: the softmax is taken twice")
    elif not probabilities and output.logsumexp(1).abs().max().item() > 1e-2 and _close(F.nll_loss(output, y).item(), loss):
        m.mistaken("nll_loss is given scores that are no logarithms of probabilities: the log_softmax is missing")


def _close(a, b):
    return math.isfinite(a) and abs(a - b) <= 1e-4 * max(1.0, abs(b))


def shared_rows(train, valid):
    """(how many rows of valid also stand in train, rows of valid), by the bytes of the inputs; batches or datasets of (x, y)."""
    known = {row for row in _rows(train)}
    hits = total = 0
    for row in _rows(valid):
        hits += row in known
        total += 1
    return hits, total


def _rows(data):
    for pair in data:
        x = pair[0] if isinstance(pair, (tuple, list)) else pair
        array = x.detach().numpy() if hasattr(x, "detach") else x
        for row in array if getattr(pair[1], "ndim", 0) else [array]:
            yield row.tobytes()
