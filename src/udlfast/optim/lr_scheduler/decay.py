"""Schedules that go down (or, as a warm-up, up) by a simple law."""

from collections import Counter

from ... import errors
from .base import LRScheduler

__all__ = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR"]


class StepLR(LRScheduler):
    """Times gamma every step_size epochs.

    lr_t = lr_0 gamma^floor(t / step_size)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        step_size: epochs between changes.
        gamma: the factor.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch == 0 or self.last_epoch % self.step_size:
            return self._rates()
        return self._scaled(self.gamma)

    def _get_closed_form_lr(self):
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Times gamma at each milestone.

    lr_t = lr_0 gamma^(number of milestones <= t)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        milestones: epochs.
        gamma: the factor.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
        >>> optimizer.step(); schedule.step(); schedule.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.25]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch not in self.milestones:
            return self._rates()
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self):
        passed = sum(count for epoch, count in self.milestones.items() if epoch <= self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]

    def load_state_dict(self, state_dict):
        """Takes over what state_dict() gave, also from a file whose keys became text."""
        super().load_state_dict(state_dict)
        self.milestones = Counter({int(k): v for k, v in self.milestones.items()})


class ConstantLR(LRScheduler):
    """A smaller rate for the first epochs.

    lr_t = lr_0 factor for t < total_iters, then lr_0

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        factor: in [0, 1].
        total_iters: how many epochs.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=2)
        >>> schedule.get_last_lr()
        [0.5]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        if not 0 <= factor <= 1:
            raise errors.ArgumentError(f"ConstantLR: factor must be between 0 and 1, got {factor}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        if self.last_epoch != self.total_iters:
            return self._rates()
        return self._scaled(1.0 / self.factor)

    def _get_closed_form_lr(self):
        return [base if self.last_epoch >= self.total_iters else base * self.factor for base in self.base_lrs]


class LinearLR(LRScheduler):
    """A straight line from start_factor to end_factor: the usual warm-up.

    lr_t = lr_0 (start + (end - start) min(t, total_iters) / total_iters)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        start_factor: in (0, 1]; end_factor: in [0, 1].
        total_iters: how many epochs from start to end.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=4)
        >>> optimizer.step(); warm_up.step()
        >>> warm_up.get_last_lr()
        [0.625]

    Source: Goyal et al. 2017; *Understanding Deep Learning*, section 6.2 (warm-up).
    """

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        if not 0 < start_factor <= 1:
            raise errors.ArgumentError(
                f"LinearLR: start_factor must be greater than 0 and at most 1, got {start_factor}"
            )
        if not 0 <= end_factor <= 1:
            raise errors.ArgumentError(f"LinearLR: end_factor must be between 0 and 1, got {end_factor}")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return self._rates()
        rise = self.end_factor - self.start_factor  # factor(t) / factor(t - 1), without the two quotients
        return self._scaled(1.0 + rise / (self.total_iters * self.start_factor + (self.last_epoch - 1) * rise))

    def _get_closed_form_lr(self):
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (self.start_factor + (self.end_factor - self.start_factor) * part) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Times gamma every epoch.

    lr_t = lr_0 gamma^t

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        gamma: the factor.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> optimizer.step(); schedule.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.25]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return self._rates() if self._is_initial else self._scaled(self.gamma)

    def _get_closed_form_lr(self):
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Down to 0 by a power of the time that is left.

    lr_t = lr_0 (1 - min(t, total_iters) / total_iters)^power

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        total_iters: epochs until 0.
        power: the exponent.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.75]

    Source: Chen et al. 2017 (DeepLab, the "poly" policy).
    """

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t, n = self.last_epoch, self.total_iters
        if self._is_initial or t > n:
            return self._rates()
        return self._scaled(((1.0 - t / n) / (1.0 - (t - 1) / n)) ** self.power)

    def _get_closed_form_lr(self):
        part = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (1.0 - part) ** self.power for base in self.base_lrs]
