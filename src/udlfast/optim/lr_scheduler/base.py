"""What all schedules share, and the two that are given as functions."""

import warnings

from ... import errors
from ..._core import Tensor
from ..optimizer import Optimizer

__all__ = ["LRScheduler", "LambdaLR", "MultiplicativeLR"]


class LRScheduler:
    """Base class of schedules: step() writes get_lr() into the optimiser's groups.

    Most rules compute the next rate from the one in the group, so that several schedules can act on one optimiser;
    `_get_closed_form_lr` gives the rate at any epoch from the initial one.

    Arguments:
        optimizer: whose groups' "lr" is set; the rate at the start is kept as "initial_lr".
        last_epoch: the epoch to go on from; -1 starts anew.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> rates = []
        >>> for epoch in range(4):
        ...     rates.append(schedule.get_last_lr()[0])
        ...     optimizer.step()
        ...     schedule.step()
        >>> rates
        [1.0, 1.0, 0.5, 0.5]

    Source: *Understanding Deep Learning*, section 6.2 (learning rate schedules).
    """

    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming an optimizer: "
                    "load the optimizer's state_dict first"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self):
        self._step_count = 0
        self._is_initial = True  # rules that go on from the last rate leave it as it is, also where training is resumed
        try:
            self.step()
        finally:
            self._is_initial = False

    def step(self, epoch=None):
        """Goes one epoch on, or to a given epoch."""
        if self._step_count == 1 and not getattr(self.optimizer, "_opt_called", True):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the learning rate "
                "schedule is skipped; call `optimizer.step()` first",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        if epoch is None:
            self.last_epoch += 1
            rates = self.get_lr()
        else:
            self.last_epoch = epoch
            rates = self._get_closed_form_lr() if hasattr(self, "_get_closed_form_lr") else self.get_lr()
        self._set(rates)

    def _set(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            set_rate(group, rate)
        self._last_lr = self._rates()

    def _rates(self):
        return [copied(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, factor):
        """The groups' rates now, times a factor."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def get_last_lr(self):
        """The rates that the last step set, one for each group."""
        return self._last_lr

    def get_lr(self):
        """The rates of epoch self.last_epoch; every schedule defines its own."""
        raise NotImplementedError(f"{type(self).__name__} must define get_lr()")

    def state_dict(self):
        """Everything but the optimiser, to be saved."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict):
        """Takes over what state_dict() gave."""
        self.__dict__.update(state_dict)


def copied(rate):
    """A rate, which if it is a tensor is not the group's own."""
    return rate.clone() if isinstance(rate, Tensor) else rate


def set_rate(group, rate):
    """Sets a group's rate; one that is a tensor stays the same tensor."""
    old = group["lr"]
    if isinstance(old, Tensor):
        old.fill_(float(rate))
    else:
        group["lr"] = rate


def check_optimizer(schedule, optimizer):
    """Schedules act on our Optimizer, or on anything with param_groups."""
    if not isinstance(optimizer, Optimizer) and not hasattr(optimizer, "param_groups"):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def one_per_group(schedule, optimizer, value, name):
    """A value, or a list of them, as a list with one for each group."""
    n = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [copied(value) for _ in range(n)]
    if len(value) != n:
        raise errors.ArgumentError(f"{type(schedule).__name__}: expected {n} values for {name}, got {len(value)}")
    return [copied(one) for one in value]


class LambdaLR(LRScheduler):
    """The initial rate times a function of the epoch.

    lr_t = lr_0 f(t)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        lr_lambda: f, or a list with one for each group.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.5 ** epoch)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.lr_lambdas = one_per_group(self, optimizer, lr_lambda, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]

    def state_dict(self):
        """As LRScheduler's; functions are not saved, callable objects are (their attributes)."""
        state = super().state_dict()
        state["lr_lambdas"] = [None if hasattr(f, "__code__") else dict(f.__dict__) for f in self.lr_lambdas]
        return state

    def load_state_dict(self, state_dict):
        """Takes over what state_dict() gave; functions stay as they were given to the constructor."""
        saved = state_dict["lr_lambdas"]
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        for f, attributes in zip(self.lr_lambdas, saved, strict=False):
            if attributes is not None:
                f.__dict__.update(attributes)


class MultiplicativeLR(LambdaLR):
    """The last rate times a function of the epoch.

    lr_t = lr_{t-1} f(t)

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        lr_lambda: f, or a list with one for each group.

    Example:
        >>> import udlfast as torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = torch.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
        >>> optimizer.step(); schedule.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.25]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def get_lr(self):
        if self._is_initial:
            return self._rates()
        return [
            group["lr"] * f(self.last_epoch)
            for f, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)
        ]
