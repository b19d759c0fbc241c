"""Optimizer: parameter groups, state, and their state_dict in PyTorch's format."""

import functools
import math
import typing
from collections import OrderedDict, defaultdict

from .. import _core, errors
from .._core import Tensor, no_grad
from ..nn._apply import zero_grad

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

# hooks of all optimisers
BEFORE, AFTER = OrderedDict(), OrderedDict()


class _Required:
    """What stands for a setting without a default."""

    def __repr__(self):
        return "<required parameter>"


required = _Required()
ParamsT = typing.Any  # what an optimiser takes: parameters, pairs, or dicts


def _use_grad_for_differentiable(function):
    """The step of a class that is written as PyTorch's own: it runs without recording."""
    return no_grad()(function)


def _default_to_fused_or_foreach(params, differentiable, use_fused=False):
    """(fused, foreach) for such a class: neither."""
    return False, False


def _get_value(x):
    """A number of what may be a tensor of one."""
    return x.item() if isinstance(x, Tensor) else x


def _dispatch_sqrt(x):
    """The root of a number or of a tensor."""
    return x.sqrt() if isinstance(x, Tensor) else math.sqrt(x)


class Optimizer:
    """Base class: holds groups of parameters with their settings, and state by parameter.

    Arguments:
        params: an iterable of parameters, of (name, parameter) pairs, or of dicts {"params": ..., setting: value}.
        defaults: the settings that a group takes unless it gives its own.
        A subclass defines step().

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> optimizer = torch.optim.SGD([{"params": [layer.weight], "lr": 0.1}, {"params": [layer.bias]}], lr=0.01)
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.01]

    Source: *Understanding Deep Learning*, chapter 6.
    """

    _opt_called = False

    def __new__(cls, *args, **kwargs):
        self = super().__new__(cls)
        self._no_hooks()  # here, as some classes do without the base's __init__
        return self

    def __init__(self, params, defaults):
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        if defaults.get("differentiable"):
            raise errors.ArgumentError(
                f"{type(self).__name__}: differentiable=True is not supported: steps are made in place and not recorded; "
                "write the update with out-of-place operations (see torch.func.functional_call)"
            )
        if defaults.get("fused") and defaults.get("foreach"):
            raise errors.ArgumentError(f"{type(self).__name__}: `fused` and `foreach` cannot be `True` together.")
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                "but got a Tensor; put it in a list: [param]"
            )
        groups = list(params)
        if not groups:
            raise errors.ArgumentError(
                f"{type(self).__name__}: optimizer got an empty parameter list; was parameters() used up before?"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = with_hooks(cls.__dict__["step"])

    def _no_hooks(self):
        self._before, self._after = OrderedDict(), OrderedDict()
        self._dict_before, self._dict_after = OrderedDict(), OrderedDict()
        self._load_before, self._load_after = OrderedDict(), OrderedDict()

    def add_param_group(self, param_group):
        """Adds a dict {"params": parameters, setting: value, ...}; settings not given are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        group = dict(param_group)
        params = group["params"]
        if isinstance(params, Tensor):
            params = [params]
        elif isinstance(params, (set, frozenset)):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of "
                "tensors in sets will change between runs. Please use a list instead."
            )
        params = list(params)
        named = [entry for entry in params if isinstance(entry, tuple)]
        if named:
            if len(named) != len(params):
                raise errors.ArgumentError("all optimizer params should be with/without names. Some param names are missing")
            group["param_names"] = [name for name, _ in params]
            params = [p for _, p in params]
        group["params"] = params
        self._check_params(params)
        if any(("param_names" in group) != ("param_names" in other) for other in self.param_groups):
            raise errors.ArgumentError("all optimizer param groups should be with/without names: the new one differs from the others")
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        self.param_groups.append(group)

    def _check_params(self, params):
        known = {id(p) for group in self.param_groups for p in group["params"]}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
            if id(p) in known:
                raise ValueError("some parameters appear in more than one parameter group")
        if len({id(p) for p in params}) != len(params):
            raise ValueError("a parameter group has duplicate parameters; give each once")

    def zero_grad(self, set_to_none=True):
        """Drops all gradients, or with set_to_none=False sets them to zero."""
        for group in self.param_groups:
            zero_grad(group["params"], set_to_none)

    def step(self, closure=None):
        """One update of all parameters; closure, if given, computes the loss and its gradients anew."""
        self._opt_called = True  # schedules warn where it is missing
        args, kwargs = (self,) if closure is None else (self, closure), {}
        if self._before or BEFORE:
            args, kwargs = run_before(self, args, kwargs)
            closure = args[1] if len(args) > 1 else kwargs.get("closure")
        loss = None
        if closure is not None:
            with _core.enable_grad():
                loss = closure()
        for group in self.param_groups:
            self._step_group(group)
        if self._after or AFTER:
            run_after(self, args, kwargs)
        return loss

    def _step_group(self, group):
        raise NotImplementedError(f"{type(self).__name__} must define step()")

    def register_step_pre_hook(self, hook):
        """hook(optimizer, args, kwargs) before each step; args starts with the optimiser; it may return new (args, kwargs)."""
        return StepHook(self._before, hook)

    def register_step_post_hook(self, hook):
        """hook(optimizer, args, kwargs) after each step."""
        return StepHook(self._after, hook)

    def register_state_dict_pre_hook(self, hook, prepend=False):
        """hook(optimizer) before state_dict()."""
        return StepHook(self._dict_before, hook, prepend)

    def register_state_dict_post_hook(self, hook, prepend=False):
        """hook(optimizer, state_dict) after state_dict(); what it returns, if not None, takes the place of the dict."""
        return StepHook(self._dict_after, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook, prepend=False):
        """hook(optimizer, state_dict) before load_state_dict(); what it returns, if not None, is loaded instead."""
        return StepHook(self._load_before, hook, prepend)

    def register_load_state_dict_post_hook(self, hook, prepend=False):
        """hook(optimizer) after load_state_dict()."""
        return StepHook(self._load_after, hook, prepend)

    def state_dict(self):
        """{"state": {number: {name: value}}, "param_groups": [{..., "params": [number, ...]}]}, as PyTorch's."""
        for hook in list(self._dict_before.values()):
            hook(self)
        numbers = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                numbers.setdefault(id(p), len(numbers))
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [numbers[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {}
        for p, values in self.state.items():
            if values:
                state[numbers.get(id(p), p)] = {k: self._export(k, v) for k, v in values.items()}
        found = {"state": state, "param_groups": groups}
        for hook in list(self._dict_after.values()):
            found = found if (new := hook(self, found)) is None else new
        return found

    def load_state_dict(self, state_dict):
        """Takes over state and settings from a state_dict of an optimiser with the same groups."""
        state_dict = dict(state_dict)
        for hook in list(self._load_before.values()):
            state_dict = state_dict if (new := hook(self, state_dict)) is None else new
        saved = state_dict["param_groups"]
        if len(saved) != len(self.param_groups):
            raise errors.ArgumentError(
                f"loaded state dict has a different number of parameter groups: {len(saved)}, "
                f"the optimizer has {len(self.param_groups)}"
            )
        by_number = {}
        for i, (old, group) in enumerate(zip(saved, self.param_groups, strict=True)):
            if len(old["params"]) != len(group["params"]):
                raise errors.ArgumentError(
                    "loaded state dict contains a parameter group that doesn't match the size of optimizer's "
                    f"group {i}: {len(old['params'])} parameters against {len(group['params'])}"
                )
            by_number.update(zip(old["params"], group["params"], strict=True))
        state = defaultdict(dict)
        for number, values in state_dict["state"].items():
            number = int(number) if isinstance(number, str) and number.isdigit() else number  # JSON has no int keys
            if number not in by_number:
                continue
            p = by_number[number]
            state[p] = {k: self._import(p, k, v) for k, v in values.items()}
        self.state = state
        groups = []
        for old, group in zip(saved, self.param_groups, strict=True):
            new = {k: v for k, v in group.items() if k not in old} | {k: v for k, v in old.items() if k != "params"}
            groups.append(dict(new, params=group["params"]))
        self.param_groups = groups
        for hook in list(self._load_after.values()):
            hook(self)

    NUMBERS = ()  # state that is one number, besides the step count

    def _export(self, name, value):
        """A value of the state as PyTorch stores it: numbers are 0-dim tensors, float32 unless float64 is the default."""
        if name != "step" and name not in self.NUMBERS:
            return value
        kind = _core.float64 if _core.get_default_dtype() is _core.float64 else _core.float32
        return _core.full((), float(value), dtype=kind)

    def _fits(self, p, name, value):
        """May the state `name` of p have the shape of `value`?"""
        return tuple(value.shape) == tuple(p.shape)

    def _import(self, p, name, value):
        """The same value on its way in: of the kind that the kernels take."""
        if name == "step":
            return int(value)
        if name in self.NUMBERS:
            return float(value)
        if not isinstance(value, Tensor) and hasattr(value, "__dlpack__"):  # another library's
            from ..ops.interop import from_dlpack

            value = from_dlpack(value)
        if isinstance(value, Tensor):
            if not self._fits(p, name, value):
                raise errors.ShapeError(
                    f"{type(self).__name__}.load_state_dict: {name} has shape {list(value.shape)}, its parameter "
                    f"{list(p.shape)}; were the parameters given in the same order?"
                )
            return value.detach().to(working_dtype(p)).clone().contiguous()
        return value

    def __setstate__(self, state):
        if "_before" not in self.__dict__:
            self._no_hooks()
        self.__dict__.update(state)

    def __getstate__(self):
        hooks = ("_before", "_after", "_dict_before", "_dict_after", "_load_before", "_load_after")
        return {name: value for name, value in self.__dict__.items() if name not in hooks}

    def __repr__(self):
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"] + [""]
        return "\n".join(lines[:-1]) + "\n)"


class StepHook:
    """What register_step_*_hook returns: remove() takes the hook away."""

    def __init__(self, hooks, hook, prepend=False):
        self._hooks = hooks
        hooks[id(self)] = hook
        if prepend:
            hooks.move_to_end(id(self), last=False)

    def remove(self):
        self._hooks.pop(id(self), None)


def register_optimizer_step_pre_hook(hook):
    """hook(optimizer, args, kwargs) before each step of every optimiser."""
    return StepHook(BEFORE, hook)


def register_optimizer_step_post_hook(hook):
    """hook(optimizer, args, kwargs) after each step of every optimiser."""
    return StepHook(AFTER, hook)


def run_before(optimizer, args, kwargs):
    """The hooks before a step; (args, kwargs) as they leave them."""
    for hook in [*BEFORE.values(), *optimizer._before.values()]:
        result = hook(optimizer, args, kwargs)
        if result is not None:
            if not isinstance(result, tuple) or len(result) != 2:
                raise errors.ArgumentError(f"{hook} must return None or a tuple of (new_args, new_kwargs), but got {result}.")
            args, kwargs = result
    return args, kwargs


def run_after(optimizer, args, kwargs):
    """The hooks after a step."""
    for hook in [*optimizer._after.values(), *AFTER.values()]:
        hook(optimizer, args, kwargs)


def with_hooks(step):
    """A subclass's own step() with the hooks around it (once, also where it calls its parent's)."""

    @functools.wraps(step)
    def run(self, *args, **kwargs):
        self._opt_called = True
        if not (self._before or self._after or BEFORE or AFTER):
            return step(self, *args, **kwargs)
        args, kwargs = run_before(self, (self, *args), kwargs)
        kept, self._before, self._after = (self._before, self._after), {}, {}
        try:
            out = step(*args, **kwargs)
        finally:
            self._before, self._after = kept
        run_after(self, args, kwargs)
        return out

    return run


PLAIN = (_core.float32, _core.float64)  # what the kernels work in


def usual_table(entries):
    """The kernel's table of addresses, or None where a tensor must first be made contiguous or be converted."""
    if entries is None:
        return None
    try:
        return _core.optim_table(entries)
    except errors.ArgumentError:
        return None


def finish(updated, back):
    """After the kernel: results of converted parameters go home, and the tape learns of the writes."""
    if back:
        with no_grad():
            for p, work in back:
                p.copy_(work)
    _core.bump_versions(updated)


def working_dtype(p):
    """The type in which a parameter is updated: bfloat16 parameters by float32 arithmetic and state."""
    return p.dtype if p.dtype is _core.float64 else _core.float32


def each_prepared(group, updated, back):
    """(p, work, gradient, type) of each parameter with a gradient, as the kernels take them: contiguous and of one working type.

    `updated` gets every p, `back` those whose work is a copy: both are for finish().
    """
    for p in group["params"]:
        grad = p.grad
        if grad is None:
            continue
        updated.append(p)
        work, kind = p, p.dtype
        if kind not in PLAIN or grad.dtype is not kind or not (grad.is_contiguous() and p.is_contiguous()):
            kind = working_dtype(p)
            with no_grad():
                work, grad = p.detach().to(kind).contiguous(), grad.detach().to(kind).contiguous()
            if not _core.same_memory(work, p):
                back.append((p, work))
        yield p, work, grad, kind


def check_settings(name, **settings):
    """Refuses settings that are negative, or nan."""
    for what, value in settings.items():
        if not value >= 0.0:
            raise errors.ArgumentError(f"{name}: Invalid {what} value: {value}; it must be at least 0")
