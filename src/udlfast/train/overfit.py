"""The first test of a network: can it learn one batch by heart?"""

import copy

from .. import optim
from ..nn import functional as F


class Overfit:
    """What `overfit_one_batch` found: `losses` of all steps, `learned` (True if the last is below a tenth of the first, or
    below `enough`), and `says`, one sentence."""

    def __init__(self, losses, enough):
        self.losses = losses
        self.learned = losses[-1] <= max(enough, 0.1 * losses[0])
        self.says = f"loss {losses[0]:.4g} to {losses[-1]:.4g} in {len(losses)} steps: " + (
            "the network can learn this batch" if self.learned else
            "the network does not learn even one batch: look for a wrong loss, detached or frozen weights, inputs of an odd scale, "
            "or a step size that is far off")  # fmt: skip

    def __repr__(self):
        return f"Overfit({self.says})"


def overfit_one_batch(model, x, y, loss=F.cross_entropy, *, optimizer=None, steps=200, enough=0.02):
    """Train a copy of `model` on one batch, and say whether it learns it by heart.

    A network that cannot is broken, or the loss is; regularisation (dropout, weight decay) is left as it is.

    Arguments:
        model: stays as it is. x, y: one batch. loss(output, y): a mean over the batch.
        optimizer(parameters): makes the optimiser; None: Adam with step size 1e-3 (Adam's steps do not depend on the scale
            of the gradients).
        steps: how many at most; enough: a loss that counts as learned.

    Returns: an Overfit.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
        >>> torch.train.overfit_one_batch(net, torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2]), steps=500).learned
        True

    Source: *Understanding Deep Learning*, section 8.1 (capacity: a large enough network fits any labels).
    """
    copied = copy.deepcopy(model).train()
    stepper = (optimizer or (lambda parameters: optim.Adam(parameters, lr=1e-3)))(copied.parameters())
    losses = []
    for _ in range(steps):
        value = loss(copied(x), y)
        losses.append(value.item())
        if losses[-1] <= enough or losses[-1] != losses[-1]:
            break
        stepper.zero_grad()
        value.backward()
        stepper.step()
    return Overfit(losses, enough)
