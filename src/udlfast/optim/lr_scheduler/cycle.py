"""The one-cycle schedule."""

import math

from ... import errors
from .base import LRScheduler, check_optimizer, one_per_group

__all__ = ["OneCycleLR"]


class OneCycleLR(LRScheduler):
    """Up to max_lr, then far down; momentum goes the opposite way. One step a batch.

    initial = max_lr / div_factor -> max_lr in pct_start of the steps, then -> initial / final_div_factor
    (three_phase: back to initial first, in as many steps as upwards)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        max_lr: the peak, or one for each group.
        total_steps: steps of the whole cycle, or epochs and steps_per_epoch.
        pct_start: part of the steps that goes up.
        anneal_strategy: "cos" or "linear".
        cycle_momentum, base_momentum, max_momentum: move momentum (or beta1) between these.
        div_factor, final_div_factor, three_phase: as above.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
        >>> schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10, div_factor=10.0)
        >>> round(schedule.get_last_lr()[0], 6)
        0.1

    Source: Smith and Topin 2017.
    """

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps=None,
        epochs=None,
        steps_per_epoch=None,
        pct_start=0.3,
        anneal_strategy="cos",
        cycle_momentum=True,
        base_momentum=0.85,
        max_momentum=0.95,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
        last_epoch=-1,
    ):
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        self.total_steps = self._count_steps(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1 or not isinstance(pct_start, float):
            raise errors.ArgumentError(f"OneCycleLR: Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise errors.ArgumentError(
                f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}"
            )
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = self._phases(pct_start, three_phase)
        peaks = one_per_group(self, optimizer, max_lr, "max_lr")
        if last_epoch == -1:
            for peak, group in zip(peaks, optimizer.param_groups, strict=False):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    @staticmethod
    def _count_steps(total_steps, epochs, steps_per_epoch):
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise errors.ArgumentError(
                    "OneCycleLR: You must define either total_steps OR (epochs AND steps_per_epoch)"
                )
            total_steps = epochs * steps_per_epoch
        if total_steps <= 0 or not isinstance(total_steps, int):
            raise errors.ArgumentError(f"OneCycleLR: Expected positive integer total_steps, but got {total_steps}")
        return total_steps

    def _phases(self, pct_start, three_phase):
        """Where each phase ends, and between which numbers it moves."""
        n = self.total_steps
        up = {
            "end_step": float(pct_start * n) - 1,
            "start_lr": "initial_lr",
            "end_lr": "max_lr",
            "start_momentum": "max_momentum",
            "end_momentum": "base_momentum",
        }
        down = {
            "end_step": float(2 * pct_start * n) - 2 if three_phase else n - 1,
            "start_lr": "max_lr",
            "end_lr": "initial_lr" if three_phase else "min_lr",
            "start_momentum": "base_momentum",
            "end_momentum": "max_momentum",
        }
        last = {
            "end_step": n - 1,
            "start_lr": "initial_lr",
            "end_lr": "min_lr",
            "start_momentum": "max_momentum",
            "end_momentum": "max_momentum",
        }
        return [up, down, last] if three_phase else [up, down]

    def _start_momentum(self, base_momentum, max_momentum, last_epoch):
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise errors.ArgumentError(
                "OneCycleLR: optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        if last_epoch != -1:
            return
        highs = one_per_group(self, optimizer, max_momentum, "max_momentum")
        lows = one_per_group(self, optimizer, base_momentum, "base_momentum")
        for high, low, group in zip(highs, lows, optimizer.param_groups, strict=False):
            self._set_momentum(group, high)
            group["max_momentum"] = high
            group["base_momentum"] = low

    def _set_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    def _between(self, start, end, part):
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)

    def get_lr(self):
        step = self.last_epoch
        if step > self.total_steps:
            raise errors.ArgumentError(
                f"OneCycleLR: Tried to step {step} times. The specified number of total steps is {self.total_steps}"
            )
        begin, phases = 0.0, self._schedule_phases
        for phase in phases:
            if step <= phase["end_step"] or phase is phases[-1]:
                break
            begin = phase["end_step"]
        part = (step - begin) / (phase["end_step"] - begin)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], part))
            if self.cycle_momentum:
                self._set_momentum(
                    group, self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                )
        return rates
