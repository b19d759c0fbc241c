"""GradScaler: loss scaling, for element types with a small range of exponents."""

import warnings

from .._core import Tensor, no_grad
from ..errors import ArgumentError

__all__ = ["GradScaler"]


class GradScaler:
    """Multiplies a loss by a large factor, divides gradients by it again, and leaves out steps whose gradients are not finite.

    bfloat16 has float32's exponents and needs none of this. A scaler for "cuda" without a GPU is disabled, with a warning.

    Arguments:
        device: "cuda" or "cpu".
        init_scale, growth_factor, backoff_factor, growth_interval: the scale, and how it moves after growth_interval good steps, or
            one bad one.
        enabled: False makes everything a no-op.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.ones(1))
        >>> optimizer, scaler = torch.optim.SGD([p], lr=0.5), torch.amp.GradScaler("cpu")
        >>> scaler.scale((p * p).sum()).backward()
        >>> scaler.step(optimizer)
        >>> scaler.update()
        >>> p.item(), scaler.get_scale()
        (0.0, 65536.0)

    Source: Micikevicius et al. 2018.
    """

    def __init__(self, device="cuda", init_scale=2.0**16, growth_factor=2.0, backoff_factor=0.5, growth_interval=2000, enabled=True):
        self._device = device
        from . import is_autocast_available

        if enabled and not is_autocast_available(device):
            warnings.warn(f"torch.{device}.amp.GradScaler is enabled, but {device.upper()} is not available.  Disabling.", stacklevel=2)
            enabled = False
        self._enabled = enabled
        if enabled:
            if growth_factor <= 1.0:
                raise ArgumentError(f"GradScaler: The growth factor must be > 1.0, got {growth_factor}")
            if backoff_factor >= 1.0:
                raise ArgumentError(f"GradScaler: The backoff factor must be < 1.0, got {backoff_factor}")
        self._scale, self._good = float(init_scale), 0
        self._growth_factor, self._backoff_factor, self._growth_interval = growth_factor, backoff_factor, growth_interval
        self._seen = {}  # id(optimizer): [were its gradients finite, unscaled by the user, stepped]

    def scale(self, outputs):
        """The loss (or a structure of losses) times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            return type(outputs)([self.scale(x) for x in outputs])
        raise ArgumentError("GradScaler.scale: outputs must be a Tensor or an iterable of Tensors")

    def _unscale(self, optimizer):
        finite = True
        with no_grad():
            for group in optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad.mul_(1.0 / self._scale)
                        finite = finite and bool(p.grad.isfinite().all())
        return finite

    def unscale_(self, optimizer):
        """Divides the gradients by the scale, to clip them before step."""
        if not self._enabled:
            return
        state = self._seen.setdefault(id(optimizer), [None, False])
        if state[1]:
            raise ArgumentError("GradScaler: unscale_() is being called after step().")
        if state[0] is not None:
            raise ArgumentError("GradScaler: unscale_() has already been called on this optimizer since the last update().")
        state[0] = self._unscale(optimizer)

    def step(self, optimizer, *args, **kwargs):
        """optimizer.step(), unless a gradient is not finite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise ArgumentError("GradScaler: Closure use is not currently supported if GradScaler is enabled.")
        state = self._seen.setdefault(id(optimizer), [None, False])
        if state[1]:
            raise ArgumentError("GradScaler: step() has already been called since the last update().")
        if state[0] is None:
            state[0] = self._unscale(optimizer)
        state[1] = True
        return optimizer.step(*args, **kwargs) if state[0] else None

    def update(self, new_scale=None):
        """Moves the scale: down after a step with infinities, up after growth_interval steps without."""
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._seen:
            raise ArgumentError("GradScaler: No inf checks were recorded prior to update.")
        elif not all(finite for finite, _ in self._seen.values()):
            self._scale, self._good = self._scale * self._backoff_factor, 0
        else:
            self._good += 1
            if self._good == self._growth_interval:
                self._scale, self._good = self._scale * self._growth_factor, 0
        self._seen.clear()

    def get_scale(self):
        """The scale, 1 if disabled."""
        return self._scale if self._enabled else 1.0

    def is_enabled(self):
        """Whether this scaler does anything."""
        return self._enabled

    def get_growth_factor(self):
        """The factor on the scale after growth_interval good steps."""
        return self._growth_factor

    def set_growth_factor(self, new_factor):
        """Sets that factor."""
        self._growth_factor = new_factor

    def get_backoff_factor(self):
        """The factor on the scale after a bad step."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor):
        """Sets that factor."""
        self._backoff_factor = new_factor

    def get_growth_interval(self):
        """How many good steps in a row raise the scale."""
        return self._growth_interval

    def set_growth_interval(self, new_interval):
        """Sets that number."""
        self._growth_interval = new_interval

    def state_dict(self):
        """The scale and its settings, empty if disabled."""
        if not self._enabled:
            return {}
        return {"scale": self._scale, "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
                "growth_interval": self._growth_interval, "_growth_tracker": self._good}  # fmt: skip

    def load_state_dict(self, state_dict):
        """Takes over what state_dict() gave."""
        if not self._enabled:
            return
        if not state_dict:
            raise ArgumentError("GradScaler: The source state dict is empty, possibly because it was saved from a disabled instance of "
                                "GradScaler.")  # fmt: skip
        self._scale, self._good = float(state_dict["scale"]), state_dict["_growth_tracker"]
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]

    def __getstate__(self):
        if self._seen:
            raise ArgumentError("GradScaler: A GradScaler instance may only be pickled at the beginning of an iteration, or at the end "
                                "after scaler.update().")  # fmt: skip
        return self.__dict__
