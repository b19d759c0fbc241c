"""The doctor that watches a run of `fit`."""

import math
import time

from ...nn.parameter import Parameter
from ..callbacks import Callback
from .hooks import first_not_finite, watch_activations, watch_mode
from .measured import Layer, Measured, look_at_batch, rms, shared_rows
from .report import Report
from .rules import findings

BUDGET = 0.015  # share of the time that looking may take, in the long run
SHARE = 0.02  # and at any moment after the first looks
FIRST = 4  # steps that are looked at whatever they cost


class Doctor(Callback):
    """Watches a run and names what keeps it from training: `fit(..., callbacks=[doctor])`, then `doctor.report()`.

    It notes the loss of every step, and now and then, so that it takes at most 3 % of the time, sizes of weights, gradients and
    changes of each layer, dead and saturated units, and what goes into the loss.

    Arguments:
        train, valid: batches or datasets of (x, y) that are compared for shared rows; None: not compared.

    Example:
        >>> import udlfast as torch
        >>> from udlfast import nn
        >>> _ = torch.manual_seed(0)
        >>> x = torch.randn(64, 4)
        >>> y = (x[:, 0] > 0).long()
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2), nn.Softmax(1))
        >>> doctor = torch.train.Doctor()
        >>> _ = torch.train.fit(net, [(x, y)], epochs=20, optimizer=torch.optim.Adam(net.parameters(), lr=0.01), callbacks=[doctor])
        >>> doctor.report().findings[0].name
        'wrong loss for the output'

    Source: *Understanding Deep Learning*, chapters 6 to 9 (fitting, gradients, measuring, regularisation).
    """

    def __init__(self, train=None, valid=None):
        self.measured = Measured()
        self._data = (train, valid)
        self._hooks, self._mode_hooks, self._before = [], [], None
        self._next, self._cost, self._steps, self._began = 0, 0.0, 0, None

    def start(self, run):
        m = self.measured
        known = {id(p) for group in getattr(run.optimizer, "param_groups", []) for p in group.get("params", [])}
        for name, p in run.model.named_parameters():
            if not p.requires_grad:
                m.frozen.append(name)
            elif known and id(p) not in known:
                m.outside.append(name)
            if p.ndim > 1:
                m.layers[name] = Layer()
        if None not in self._data:
            m.shared_rows = shared_rows(*self._data)
        self._mode_hooks = watch_mode(run.model, m)
        self._hooks = watch_activations(run.model, m)
        self._began = time.perf_counter()

    def gradients(self, run):
        self.measured.losses.append(run.loss)
        if self._steps != self._next:
            return
        began = time.perf_counter()
        m = self.measured
        look_at_batch(m, run.x, run.y, run.output, run.loss)
        m.looked += 1
        self._before = {}
        for name, p in run.model.named_parameters():
            if p.requires_grad and p.grad is None:
                m.missing[name] = m.missing.get(name, 0) + 1
            if name in m.layers:
                m.layers[name].weights.append(rms(p))
                m.layers[name].gradients.append(rms(p.grad) if p.grad is not None else 0.0)
                self._before[name] = p.detach().clone()
        self._cost += time.perf_counter() - began

    def batch(self, run):
        if self._before is not None:
            began = time.perf_counter()
            self._look_after(run.model)
            self._remove()
            self._before = None
            self._cost += time.perf_counter() - began
            self._plan(time.perf_counter())
        self._steps += 1
        if self._steps == self._next:
            self._hooks = watch_activations(run.model, self.measured)

    def _look_after(self, model):
        parameters = dict(model.named_parameters())
        for name, before in self._before.items():
            self.measured.layers[name].updates.append(rms(before.sub_(parameters[name].detach())))

    def _plan(self, now):
        """The next step to look at: soon at first, later as seldom as the budget asks."""
        looks, steps = self.measured.looked, self._steps + 1
        cost = self._cost + self.measured.hook_seconds
        rest = max(now - self._began - cost, 1e-9) / steps  # of a step without looking
        apart = math.ceil(cost / looks / (BUDGET * rest)) if looks >= FIRST else 1
        paid = math.ceil(cost / (SHARE * rest)) if looks >= FIRST else 0  # the step by which what was spent is within SHARE
        self._next = max(self._steps + max(1, apart), paid)

    def epoch(self, run):
        self.measured.train.append(run.history.train_loss[-1])
        if run.history.valid_loss[-1] is not None:
            self.measured.valid.append(run.history.valid_loss[-1])

    def close(self, run):
        self._remove()
        for hook in self._mode_hooks:
            hook.remove()
        self._mode_hooks = []
        if not math.isfinite(run.loss) and run.x is not None:
            where, what = first_not_finite(run.model, run.x) or ("the loss", "the network's output is finite")
            bad = [n for n, p in run.model.named_parameters() if isinstance(p, Parameter) and not bool(p.detach().isfinite().all())]
            size = f"inputs up to {run.x.detach().abs().max().item():.3g}" if run.x.dtype.is_floating_point else "whole numbers as inputs"
            self.measured.not_finite = (where, run.step, f"{what}; {size}; {len(bad)} parameters are not finite")

    def _remove(self):
        for hook in self._hooks:
            hook.remove()
        self._hooks = []

    def report(self):
        """The Report of what was seen so far."""
        return Report(findings(self.measured), self.measured)
