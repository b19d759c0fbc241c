"""The schedule that watches a metric."""

from math import inf

from ... import errors
from .base import LRScheduler, check_optimizer, one_per_group, set_rate

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(LRScheduler):
    """Times factor when a metric has not become better for more than `patience` epochs.

    better ("min", "rel"): metric < best (1 - threshold); ("min", "abs"): metric < best - threshold; "max" likewise

    Arguments:
        optimizer: whose groups' "lr" is set.
        mode: "min" or "max"; factor: less than 1; patience: epochs to wait.
        threshold, threshold_mode: how much better counts, "rel" or "abs".
        cooldown: epochs to wait after a change before counting again.
        min_lr: the smallest rate, or one for each group; eps: smaller changes are left out.
        step(metric) takes the metric.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.5)
        >>> schedule.step(1.0); schedule.step(2.0)
        >>> schedule.get_last_lr()
        [0.5]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(
        self,
        optimizer,
        mode="min",
        factor=0.1,
        patience=10,
        threshold=1e-4,
        threshold_mode="rel",
        cooldown=0,
        min_lr=0,
        eps=1e-8,
    ):
        if factor >= 1.0:
            raise errors.ArgumentError(f"ReduceLROnPlateau: Factor should be < 1.0, got {factor}")
        if mode not in ("min", "max"):
            raise errors.ArgumentError(f"ReduceLROnPlateau: mode {mode} is unknown! Use 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise errors.ArgumentError(
                f"ReduceLROnPlateau: threshold mode {threshold_mode} is unknown! Use 'rel' or 'abs'"
            )
        check_optimizer(self, optimizer)
        self.factor = factor
        self.optimizer = optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = one_per_group(self, optimizer, min_lr, "min_lr")
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = self._rates()
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self):
        self.best = inf if self.mode == "min" else -inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics, epoch=None):
        """Takes the metric of an epoch."""
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._rates()

    def _reduce_lr(self):
        if len(self.optimizer.param_groups) != len(self.min_lrs) and self.default_min_lr is not None:
            self.min_lrs = [self.default_min_lr] * len(self.optimizer.param_groups)
        if len(self.optimizer.param_groups) != len(self.min_lrs):
            raise errors.ArgumentError(
                "ReduceLROnPlateau: the optimizer got a group after this schedule was made; "
                "append that group's smallest rate to min_lrs"
            )
        for low, group in zip(self.min_lrs, self.optimizer.param_groups, strict=False):
            old = float(group["lr"])
            new = max(old * self.factor, low)
            if old - new > self.eps:
                set_rate(group, new)

    @property
    def in_cooldown(self):
        """Whether a change was made less than `cooldown` epochs ago."""
        return self.cooldown_counter > 0

    def is_better(self, a, best):
        """Whether a is better than best by more than the threshold."""
        sign = 1.0 if self.mode == "min" else -1.0
        if self.threshold_mode == "rel":
            return sign * a < sign * best * (1.0 - sign * self.threshold)
        return sign * a < sign * best - self.threshold

    def get_lr(self):
        return self._rates()
