"""The cyclic schedule."""

import math

from ... import errors
from .base import LRScheduler, check_optimizer, one_per_group, set_rate

__all__ = ["CyclicLR"]


class CyclicLR(LRScheduler):
    """Up and down between two rates, again and again; momentum goes the opposite way. One step a batch.

    cycle = floor(1 + t / (up + down));  lr_t = base_lr + (max_lr - base_lr) h(t) s, h a triangle from 0 to 1 to 0;
    s = 1 ("triangular"), 2^(1 - cycle) ("triangular2"), gamma^t ("exp_range"), or scale_fn of cycle or t (scale_mode)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        base_lr, max_lr: the ends, or one for each group.
        step_size_up, step_size_down: steps of each half (down: as up by default).
        mode, gamma, scale_fn, scale_mode ("cycle" or "iterations"): as above.
        cycle_momentum, base_momentum, max_momentum: move momentum (or beta1) between these.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
        >>> schedule = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]

    Source: Smith 2015.
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0, scale_fn=None,
                 scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):  # fmt: skip
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        lows = one_per_group(self, optimizer, base_lr, "base_lr")
        if last_epoch == -1:
            for low, group in zip(lows, optimizer.param_groups, strict=True):
                set_rate(group, low)
        self.max_lrs = one_per_group(self, optimizer, max_lr, "max_lr")
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise errors.ArgumentError(f"CyclicLR: mode is invalid and scale_fn is None: {mode!r}")
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def _start_momentum(self, base_momentum, max_momentum, last_epoch):
        optimizer = self.optimizer
        if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
            raise errors.ArgumentError(
                "CyclicLR: optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        self.base_momentums = one_per_group(self, optimizer, base_momentum, "base_momentum")
        self.max_momentums = one_per_group(self, optimizer, max_momentum, "max_momentum")
        if last_epoch == -1:
            for high, low, group in zip(self.max_momentums, self.base_momentums, optimizer.param_groups, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value

    def scale_fn(self, x):
        """The factor on the height of a cycle (x: its number) or of a step (x: the step)."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return 1.0 if self.mode == "triangular" else 1 / (2.0 ** (x - 1)) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self):
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for low, high, group in zip(self.base_momentums, self.max_momentums, self.optimizer.param_groups, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [low + (high - low) * height * scale for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self):
        """As LRScheduler's; a scale_fn that is a function is not saved, the attributes of a callable object are."""
        state = super().state_dict()
        f = self._scale_fn_custom
        state["_scale_fn_custom"] = None if f is None or hasattr(f, "__code__") else dict(f.__dict__)
        return state

    def load_state_dict(self, state_dict):
        """Takes over what state_dict() gave; the scale_fn stays the one given to the constructor."""
        state, f = dict(state_dict), self._scale_fn_custom
        saved = state.pop("_scale_fn_custom", None)
        super().load_state_dict(state)
        if saved is not None and f is not None:
            f.__dict__.update(saved)
