"""Loss and metrics of a model over batches."""

from .. import no_grad
from ..errors import ArgumentError
from ..nn import functional as F
from .team import Shares, sized


def accuracy(output, y):
    """The share of rows of `output` [N, C] whose largest entry is at `y` [N].

    Example:
        >>> import udlfast as torch
        >>> torch.train.accuracy(torch.tensor([[0.0, 1.0], [2.0, 1.0]]), torch.tensor([1, 1]))
        0.5
    """
    return (output.detach().argmax(1) == y).sum().item() / len(y)


def evaluate(model, batches, loss=F.cross_entropy, metrics=None):
    """Mean loss and metrics of `model` over `batches` of (x, y), in eval mode and without gradients.

    The mode the model was in is put back.

    Arguments:
        model: called with x; batches: an iterable of pairs.
        loss(output, y): a mean over the batch.
        metrics: {name: function(output, y)}, means over the batch; None: accuracy if the targets are whole numbers, one for
            each row of the output, else nothing.

    Returns: a dict: "loss" and each metric.
    Raises: ValueError when there are no samples.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.Linear(2, 3)
        >>> sorted(torch.train.evaluate(net, [(torch.zeros(4, 2), torch.zeros(4).long())]))
        ['accuracy', 'loss']
    """
    was_training = model.training
    model.eval()
    sums = Means(metrics)
    try:
        with no_grad():
            for x, y, n, _ in sized(batches):
                output = model(x)
                sums.add(loss(output, y).item(), output, y, n)
    finally:
        model.train(was_training)
    sums.over(batches)
    if not sums.count:
        raise ArgumentError("evaluate: there are no samples")
    return sums.means()


class Means:
    """Running means of the loss and the metrics, weighted by the size of the batches."""

    def __init__(self, metrics):
        self.metrics = metrics
        self.count = 0
        self.sums = {}

    def add(self, loss, output, y, n):
        """Take in one batch of n rows."""
        if self.metrics is None:
            classes = output.ndim == 2 and y.ndim == 1 and not y.dtype.is_floating_point
            self.metrics = {"accuracy": accuracy} if classes else {}
        values = {"loss": loss, **{name: float(f(output, y)) for name, f in self.metrics.items()}}
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + (value * n if n else 0.0)
        self.count += n

    def over(self, batches):
        """Where `batches` are shares of several processes: the sums over all of them."""
        if isinstance(batches, Shares) and self.sums:
            self.count, *values = batches.team.add_up([self.count, *self.sums.values()])
            self.sums = dict(zip(self.sums, values))

    def means(self):
        """{"loss": ..., metric: ...} so far."""
        return {name: value / self.count for name, value in self.sums.items()}
