"""Averages of a model's weights over training, and what belongs to them."""

import copy
import itertools
import math

from .. import _core, errors
from .._core import no_grad
from ..nn.module import Module
from .lr_scheduler.base import LRScheduler, check_optimizer, one_per_group

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn"]


def check_decay(decay):
    """Refuses what is not between 0 and 1."""
    if not 0.0 <= decay <= 1.0:
        raise errors.ArgumentError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay=0.999):
    """The function that moves lists of averages: a <- decay a + (1 - decay) p, in place."""
    check_decay(decay)
    return lambda averages, params, count: move(averages, params, 1 - decay)


def get_swa_multi_avg_fn():
    """The function that moves lists of averages: a <- a + (p - a) / (n + 1), in place."""
    return lambda averages, params, count: move(averages, params, 1.0 / (float(count) + 1))


def move(averages, params, share):
    """a <- a + share (p - a) for all, in place."""
    with no_grad():
        for a, p in zip(averages, params, strict=True):
            if a.is_floating_point():
                a.lerp_(p, share)
            else:
                a.copy_(a + (p - a) * share)


def get_ema_avg_fn(decay=0.999):
    """The function decay a + (1 - decay) p of one average."""
    check_decay(decay)

    def average(a, p, count):
        with no_grad():
            return decay * a + (1 - decay) * p

    return average


def get_swa_avg_fn():
    """The function a + (p - a) / (n + 1) of one average."""

    def average(a, p, count):
        with no_grad():
            return a + (p - a) / (count + 1)

    return average


class AveragedModel(Module):
    """A copy of a model whose weights are averages of the model's.

    Arguments:
        model: what is averaged; device: only the CPU.
        avg_fn(average, parameter, n): the new average of one parameter; multi_avg_fn(averages, parameters, n): all at once, in
            place; default: the mean of all (SWA).
        use_buffers: average the buffers too; else they are copied.

    Example:
        >>> import udlfast as torch
        >>> model = torch.nn.Linear(1, 1, bias=False)
        >>> average = torch.optim.swa_utils.AveragedModel(model)
        >>> for value in (1.0, 3.0):
        ...     _ = torch.nn.init.constant_(model.weight, value)
        ...     average.update_parameters(model)
        >>> average.module.weight.item()
        2.0

    Source: Izmailov et al. 2018; *Understanding Deep Learning*, section 20.3.5 (notes: averaging weights).
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("AveragedModel: Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", _core.zeros((), dtype=_core.int64))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        """The averaged model's output."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Takes the model's weights as they are now into the average."""
        pairs = zip(self._averaged(self.module), self._averaged(model), strict=False)
        pairs = [(a.detach(), p.detach()) for a, p in pairs]
        count = self.n_averaged
        if count == 0:
            for a, p in pairs:
                a.copy_(p)
        elif self.multi_avg_fn is None and self.avg_fn is not None:
            for a, p in pairs:
                a.copy_(self.avg_fn(a, p, count))
        else:
            multi = self.multi_avg_fn or get_swa_multi_avg_fn()
            for kind in dict.fromkeys(a.dtype for a, _ in pairs):
                chosen = [pair for pair in pairs if pair[0].dtype is kind]
                multi([a for a, _ in chosen], [p for _, p in chosen], count)
        if not self.use_buffers:
            for a, b in zip(self.module.buffers(), model.buffers(), strict=True):
                a.detach().copy_(b.detach())
        self.n_averaged += 1

    def _averaged(self, module):
        return itertools.chain(module.parameters(), module.buffers()) if self.use_buffers else module.parameters()


def update_bn(loader, model, device=None):
    """Computes the running statistics of all batch normalisation layers anew, as means over the batches of a loader.

    loader gives inputs, or lists and tuples whose first entry is one; device: only the CPU.
    """
    from ..nn.normalization import BatchNorm

    layers = {layer: layer.momentum for layer in model.modules() if isinstance(layer, BatchNorm)}
    if not layers:
        return
    training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with no_grad():
        for batch in loader:
            batch = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(batch if device is None else batch.to(device))
    for layer, momentum in layers.items():
        layer.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the rate of now to swa_lr in anneal_epochs, then constant.

    lr_t = a swa_lr + (1 - a) lr_0;  a = s ("linear") or (1 - cos(pi s)) / 2 ("cos"), s = min(1, t / anneal_epochs)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        swa_lr: the rate at the end, or one for each group.
        anneal_epochs, anneal_strategy: as above.

    Source: Izmailov et al. 2018.
    """

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        check_optimizer(self, optimizer)
        for rate, group in zip(one_per_group(self, optimizer, swa_lr, "swa_lr"), optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise errors.ArgumentError(f"SWALR: anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise errors.ArgumentError(f"SWALR: anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        self._anneal_strategy = anneal_strategy
        super().__init__(optimizer, last_epoch)

    def _share(self, step):
        s = max(0, min(1, step / max(1, self.anneal_epochs)))
        return s if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * s)) / 2

    def get_lr(self):
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            end, rate = group["swa_lr"], group["lr"]
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates
