"""Schedules made of schedules."""

from bisect import bisect_right

from ... import errors
from .base import LRScheduler, set_rate
from .plateau import ReduceLROnPlateau

__all__ = ["SequentialLR", "ChainedScheduler"]


def check_parts(name, schedulers, optimizer):
    """All parts must be schedules (that can be stepped without a metric) of one optimiser."""
    if not schedulers:
        raise errors.ArgumentError(f"{name}: expects at least one scheduler, but got none")
    for i, part in enumerate(schedulers):
        if not hasattr(part, "optimizer"):
            raise TypeError(
                f"{name}: at index {i}, {type(part).__name__} has no `optimizer` attribute: not a scheduler"
            )
        if not isinstance(part, LRScheduler) or isinstance(part, ReduceLROnPlateau):
            raise errors.ArgumentError(
                f"{name}: does not support {type(part).__name__}: its step() needs more than the epoch"
            )
        if part.optimizer is not optimizer:
            raise errors.ArgumentError(
                f"{name}: expects all schedulers to belong to the same optimizer, but the one at index {i} "
                "belongs to another"
            )


class Composed(LRScheduler):
    """What both share: the state of the parts is part of the state."""

    def state_dict(self):
        """As LRScheduler's, with the parts' states."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "_schedulers")}
        state["_schedulers"] = [part.state_dict() for part in self._schedulers]
        return state

    def load_state_dict(self, state_dict):
        """Takes over what state_dict() gave, also into the parts."""
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for part, state in zip(self._schedulers, state_dict["_schedulers"], strict=False):
            part.load_state_dict(state)


def take_back_first_step(part):
    """Undo the step that a schedule's constructor made."""
    for inner in getattr(part, "_schedulers", ()):
        take_back_first_step(inner)
    part.last_epoch = getattr(part, "last_epoch", 0) - 1


class SequentialLR(Composed):
    """One schedule after the other, each counting from 0 when its turn comes.

    Arguments:
        optimizer, last_epoch: as in LRScheduler.
        schedulers: the parts.
        milestones: the epochs at which the next part begins; one less than parts.

    Example:
        >>> import udlfast as torch
        >>> from udlfast.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> parts = [ConstantLR(optimizer, 0.5, 10), ExponentialLR(optimizer, 0.5)]
        >>> schedule = SequentialLR(optimizer, parts, milestones=[1])
        >>> rates = schedule.get_last_lr()
        >>> optimizer.step(); schedule.step()
        >>> rates + schedule.get_last_lr()
        [0.5, 1.0]

    Source: *Understanding Deep Learning*, section 6.2 (warm-up, then decay).
    """

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        check_parts("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise errors.ArgumentError(
                "SequentialLR: expects the number of schedulers to be one more than the number of milestones, "
                f"but got {len(schedulers)} and {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        for group in optimizer.param_groups:  # undo what the parts' constructors did
            set_rate(group, group["initial_lr"])
        for part in schedulers:
            take_back_first_step(part)
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self):
        """Goes one epoch on."""
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            part._update_lr(0)
        else:
            part.step()
        self._last_lr = part.get_last_lr()


class ChainedScheduler(Composed):
    """Several schedules at once: their factors multiply.

    Arguments:
        schedulers: the parts, of one optimiser; optimizer: that optimiser, or None to take the first part's.

    Example:
        >>> import udlfast as torch
        >>> from udlfast.optim.lr_scheduler import ChainedScheduler, ExponentialLR
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        >>> schedule = ChainedScheduler([ExponentialLR(optimizer, 0.5), ExponentialLR(optimizer, 0.5)])
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.25]

    Source: *Understanding Deep Learning*, section 6.2.
    """

    def __init__(self, schedulers, optimizer=None):
        schedulers = list(schedulers)
        optimizer = optimizer or getattr(schedulers[0] if schedulers else None, "optimizer", None)
        check_parts("ChainedScheduler", schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = self._rates()

    def _initial_step(self):
        for part in self._schedulers:
            part._initial_step()
        self._last_lr = self._rates()

    def step(self):
        """Goes one epoch on in every part."""
        for part in self._schedulers:
            part.step()
        self._last_lr = self._rates()
