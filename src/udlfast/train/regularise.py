"""Penalties on the weights, and weights averaged over the last epochs."""
from ..errors import ArgumentError
from ..nn import functional as F
from .callbacks import Callback


def weight_penalty(model, l1=0.0, l2=0.0):
    """l1 sum |w| + l2 sum w^2 over the weights of a model, biases and norms (parameters of one dimension) left out.

    The optimisers' weight_decay is l2 with factor 2 (SGD) or decoupled from the gradient (AdamW); this is for L1, and for seeing it
    in the loss. Returns a tensor without dimensions.

    >>> import udlfast as torch
    >>> net = torch.nn.Linear(2, 1)
    >>> _ = torch.nn.init.constant_(net.weight, -3.0)
    >>> weight_penalty(net, l1=1.0).item(), weight_penalty(net, l2=1.0).item()
    (6.0, 18.0)

    Source: Understanding Deep Learning, section 9.1.
    """
    if l1 < 0 or l2 < 0:
        raise ArgumentError(f"weight_penalty: l1 and l2 must not be negative, got {l1} and {l2}")
    weights = [p for p in model.parameters() if p.ndim > 1]
    if not weights:
        raise ArgumentError("weight_penalty: the model has no weight of two dimensions or more")
    total = 0.0
    for w in weights:
        if l1:
            total = total + l1 * w.abs().sum()
        if l2:
            total = total + l2 * (w * w).sum()
    return total if l1 or l2 else weights[0].new_zeros(())


def penalised(model, loss=F.cross_entropy, l1=0.0, l2=0.0):
    """`loss` plus `weight_penalty(model, l1, l2)`, for `fit(loss=...)`; in eval mode `loss` alone.

    >>> import udlfast as torch
    >>> net = torch.nn.Linear(2, 1, bias=False)
    >>> _ = torch.nn.init.constant_(net.weight, 1.0)
    >>> loss = penalised(net, torch.nn.functional.mse_loss, l2=0.5)
    >>> y = net(torch.ones(1, 2))
    >>> loss(y, y).item(), (net.eval() and loss(y, y).item())
    (1.0, 0.0)
    """

    def total(output, y):
        value = loss(output, y)
        return value + weight_penalty(model, l1, l2) if model.training else value

    return total


class SWA(Callback):
    """Stochastic weight averaging along `fit`: the mean of the weights after each epoch from `start` on.

    start: the first epoch (counted from 0) that takes part; the step size should be constant or cyclical from there. After
    training, `finish(batches)` puts the average into the model and computes the statistics of batch norms anew from batches of (x, y)
    (None: there are none). Use it without `valid`, whose best epoch would be put back first.

    >>> import udlfast as torch
    >>> net, swa = torch.nn.Linear(2, 2), SWA(start=1)
    >>> data = [(torch.rand(8, 2), torch.zeros(8).long())]
    >>> _ = torch.train.fit(net, data, epochs=3, optimizer=torch.optim.SGD(net.parameters(), lr=0.1), callbacks=[swa])
    >>> swa.finish(), swa.count
    (Linear(in_features=2, out_features=2, bias=True), 2)

    Source: Izmailov et al., Averaging weights leads to wider optima and better generalization, 2018.
    """

    def __init__(self, start=0):
        self.first, self.average = start, None

    @property
    def count(self):
        """How many epochs are in the average."""
        return 0 if self.average is None else int(self.average.n_averaged)

    def epoch(self, run):
        if run.epoch < self.first:
            return
        if self.average is None:
            from ..optim.swa_utils import AveragedModel

            self.average = AveragedModel(run.model)
        self.average.update_parameters(run.model)
        self._model = run.model

    def finish(self, batches=None):
        """Put the average into the model, which is returned. Raises ValueError when no epoch took part."""
        if self.average is None:
            raise ArgumentError(f"SWA: no epoch from {self.first} on was run; there is nothing to average")
        if batches is not None:
            from ..optim.swa_utils import update_bn

            update_bn(batches, self.average.module)
        self._model.load_state_dict(self.average.module.state_dict())
        return self._model
