"""What top-k compression has not sent yet, as a part of a training run's state."""

from .. import _core
from ..errors import ArgumentError
from ._exchange import Mean

TAG = 0  # of messages here; buckets have tags from 1 on


class HeldBack:
    """Saves and restores, by parameter, what the processes have held back of their gradients.

    A checkpoint holds one tensor a parameter for any number of processes: e = sum e_r / R, the mean that is still to come. At each
    checkpoint every process goes on with e in the place of its e_r, so that the sum is what it was, and a run that starts again
    from the file has the same bits as one that went on. One process alone sends nothing: it adds e to its next gradient.
    """

    def __init__(self, named, group, reducer):
        """named: [(name, parameter)]; reducer: the Reducer, or None in a group of one."""
        self.params, self.group, self.reducer = dict(named), group, reducer
        self.waiting = {}  # of a process alone: name -> e
        if reducer is None:
            for name, p in named:
                p.register_post_accumulate_grad_hook(lambda p, name=name: self._add(name, p))

    def _add(self, name, p):
        if name in self.waiting:
            with _core.no_grad():
                p.grad.add_(self.waiting.pop(name))

    def consolidate_state_dict(self, to=0):
        """Every process's memory becomes the mean over all; all processes call this."""
        if self.reducer is None:
            return
        for bucket in self.reducer.buckets:
            mean = Mean(self.reducer.group, TAG, self.reducer.memory_of(bucket))
            self.group.world.waiter.until(lambda mean=mean: mean.done, "DistributedDataParallel: what was held back")

    def state_dict(self):
        """{"order": in which gradients came, or None; "held": {parameter's name: what is held back of its gradient, in its shape}}."""
        reducer, held = self.reducer, self.waiting
        if reducer is not None:
            held = {reducer.names[i]: piece for bucket in reducer.buckets for i, piece in reducer.pieces(bucket)}
        held = {name: held[name].clone() if name in held else _core.zeros(tuple(p.shape), dtype=p.dtype) for name, p in self.params.items()}
        return {"order": reducer.order if reducer is not None and reducer.settled else None, "held": held}

    def load_state_dict(self, state):
        """Go on with what state_dict gave, in any number of processes."""
        held, order = state["held"], state["order"]
        for name, p in self.params.items():
            if name not in held or tuple(held[name].shape) != tuple(p.shape):
                found = list(held[name].shape) if name in held else "nothing"
                raise ArgumentError(f"DistributedDataParallel: what was held back of {name} must be of shape {list(p.shape)}, got {found}")
        if self.reducer is None:
            self.waiting = {name: held[name].clone() for name in self.params}
            return
        if order is not None:
            self.reducer.settle(list(order))  # what travels together decides what is among the largest
        with _core.no_grad():
            for bucket in self.reducer.buckets:
                for i, piece in self.reducer.pieces(bucket):
                    piece.copy_(held[self.reducer.names[i]])
