"""Hooks of a Module: functions called before forward, after forward, and with the gradients of a module."""

import weakref

from .. import _core
from .._core import Tensor


class RemovableHandle(_core.RemovableHandle):
    """What register_*_hook returns: `remove()` takes the hook away; usable in a with statement."""

    __slots__ = ("_hooks", "_key", "_owner")

    def __init__(self, hooks, owner=None):
        self._hooks = hooks
        self._key = None
        self._owner = None if owner is None else weakref.ref(owner)

    def __getstate__(self):
        return None, {"_hooks": self._hooks, "_key": self._key, "_owner": None}

    def remove(self):
        self._hooks.pop(self._key, None)
        module = None if self._owner is None else self._owner()
        if module is not None and module._hooks is not None and module._hooks.empty():
            module.__dict__.pop("_hooks", None)  # its call is short again

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


class Hooks:
    """The hooks of one module. A module without any has `_hooks = None`, so that its call stays short."""

    def __init__(self):
        self.before, self.after, self.backward, self.backward_pre = {}, {}, {}, {}
        self._next = 0

    def empty(self):
        """Whether no hook is left."""
        return not (self.before or self.after or self.backward or self.backward_pre)

    def add(self, module, kind, hook, prepend=False, **options):
        hooks = getattr(self, kind)
        handle = RemovableHandle(hooks, module)
        handle._key = self._next
        self._next += 1
        entry = (hook, options)
        if prepend:
            rest = dict(hooks)
            hooks.clear()
            hooks[handle._key] = entry
            hooks.update(rest)
        else:
            hooks[handle._key] = entry
        return handle


class EverywhereHooks(Hooks):
    """Hooks of all modules at once. While there are some, the class Module has NONE as its `_hooks`, so that every call comes here."""

    def before_those_of(self, module):
        """All hooks of a call: these, then the module's own."""
        both = Hooks()
        for kind in ("before", "after", "backward", "backward_pre"):
            getattr(both, kind).update({("all", k): v for k, v in getattr(self, kind).items()} | getattr(module._hooks, kind))
        return both


class EverywhereHandle(RemovableHandle):
    """The handle of a hook of all modules."""

    __slots__ = ()

    def remove(self):
        from .module import Module

        super().remove()
        if EVERYWHERE.empty():
            Module._hooks = None


EVERYWHERE, NONE = EverywhereHooks(), Hooks()


def _everywhere(kind, hook, **options):
    from .module import Module

    added = EVERYWHERE.add(None, kind, hook, **options)
    handle = EverywhereHandle(added._hooks)
    handle._key = added._key
    Module._hooks = NONE
    return handle


def register_module_forward_pre_hook(hook):
    """hook(module, args) before forward of every module, before the module's own hooks; what it returns (if not None) replaces args."""
    return _everywhere("before", hook)


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """hook(module, args, output) after forward of every module; what it returns (if not None) replaces output."""
    return _everywhere("after", hook, with_kwargs=with_kwargs, always_call=always_call)


def register_module_full_backward_hook(hook):
    """hook(module, grad_input, grad_output) in backward of every module; what it returns (if not None) replaces grad_input."""
    return _everywhere("backward", hook)


register_module_backward_hook = register_module_full_backward_hook


def register_module_full_backward_pre_hook(hook):
    """hook(module, grad_output) before backward of every module; what it returns (if not None) replaces grad_output."""
    return _everywhere("backward_pre", hook)


def call_with_hooks(module, args, kwargs):
    """forward between its hooks, in the order: before, forward, after; backward hooks wrap inputs and outputs."""
    hooks = module._hooks if EVERYWHERE.empty() else EVERYWHERE.before_those_of(module)
    output, finished = None, False
    try:
        args, kwargs = _run_before(module, hooks, args, kwargs)
        record = None
        if (hooks.backward or hooks.backward_pre) and _core.is_grad_enabled():
            record = BackwardRecord(module, list(hooks.backward.values()), list(hooks.backward_pre.values()))
            args = record.watch_inputs(args)
        output = module.forward(*args, **kwargs)
        output = _run_after(module, hooks, args, kwargs, output)
        if record is not None:
            output = record.watch_outputs(output)
        finished = True
        return output
    finally:
        if not finished:
            for hook, options in list(hooks.after.values()):
                if options.get("always_call"):
                    hook(module, args, kwargs, output) if options.get("with_kwargs") else hook(module, args, output)


def _run_before(module, hooks, args, kwargs):
    for hook, options in list(hooks.before.values()):
        if options.get("with_kwargs"):
            result = hook(module, args, kwargs)
            if result is not None:
                if not (isinstance(result, tuple) and len(result) == 2):
                    raise RuntimeError(
                        "forward_pre_hook with kwargs must return None or a tuple (new_args, new_kwargs), "
                        f"got {type(result).__name__}"
                    )
                args, kwargs = result
        else:
            result = hook(module, args)
            if result is not None:
                args = result if isinstance(result, tuple) else (result,)
    return args, kwargs


def _run_after(module, hooks, args, kwargs, output):
    for hook, options in list(hooks.after.values()):
        result = hook(module, args, kwargs, output) if options.get("with_kwargs") else hook(module, args, output)
        if result is not None:
            output = result
    return output


class BackwardRecord:
    """One forward call under full backward hooks.

    Inputs and outputs pass through identity nodes: that of the outputs sees grad_output first and keeps it, that of
    the inputs sees grad_input when the module's own backward is through, and then calls the hooks.
    """

    def __init__(self, module, hooks, before=()):
        self.module, self.hooks, self.before = module, hooks, before
        self.inputs = 0  # positional arguments of forward, tensors or not
        self.places = ()  # which of them are tensors
        self.watched = False
        self.grad_output = None

    def watch_inputs(self, args):
        self.inputs = len(args)
        self.places = tuple(i for i, a in enumerate(args) if isinstance(a, Tensor))
        tensors = [args[i] for i in self.places]
        self.watched = any(t.requires_grad for t in tensors)
        if not self.watched:
            return args
        args = list(args)
        for i, t in zip(self.places, _identity(tensors, self._at_inputs), strict=True):
            args[i] = t
        return tuple(args)

    def watch_outputs(self, output):
        values = output if isinstance(output, tuple) else (output,)
        places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
        self.output_count, self.output_places = len(values), places
        if not any(values[i].requires_grad for i in places):
            return output
        values = list(values)
        for i, t in zip(places, _identity([values[i] for i in places], self._at_outputs), strict=True):
            values[i] = t
        return tuple(values) if isinstance(output, tuple) else values[0]

    def _at_outputs(self, node, *grads):
        grad_output = [None] * self.output_count
        for i, g in zip(self.output_places, grads, strict=True):
            grad_output[i] = g
        self.grad_output = tuple(grad_output)
        for hook, _ in self.before:
            result = hook(self.module, self.grad_output)
            if result is not None:
                self.grad_output = result if isinstance(result, tuple) else (result,)
                grads = tuple(self.grad_output[i] for i in self.output_places)
        if not self.watched:  # no input asks for a gradient: this is the last place that is reached
            self._call_hooks((None,) * self.inputs)
        return grads

    def _at_inputs(self, node, *grads):
        grad_input = [None] * self.inputs
        for i, g in zip(self.places, grads, strict=True):
            grad_input[i] = g
        grad_input = self._call_hooks(tuple(grad_input))
        self.grad_output = None
        return tuple(grad_input[i] for i in self.places)

    def _call_hooks(self, grad_input):
        for hook, _ in self.hooks:
            result = hook(self.module, grad_input, self.grad_output)
            if result is None:
                continue
            result = result if isinstance(result, tuple) else (result,)
            if len(result) != len(grad_input):
                raise RuntimeError(
                    f"full backward hook of {type(self.module).__name__}: returned {len(result)} gradients, "
                    f"needs {len(grad_input)} (one for each input of forward)"
                )
            grad_input = result
        return grad_input


def _identity(tensors, backward):
    """The same values behind one tape node whose gradient rule is `backward`."""
    outs = _core.attach(tuple(t.detach() for t in tensors), tuple(tensors), backward)
    return outs if isinstance(outs, tuple) else (outs,)


def shown(kind):
    """An attribute by which scripts count a module's hooks, or take all away: module._forward_hooks.clear()."""

    def get(self):
        return {} if self._hooks is None else getattr(self._hooks, kind)

    def put(self, hooks):
        if hooks:
            raise AttributeError("hooks are added by register_forward_hook and its like")
        get(self).clear()

    return property(get, put)


class WithoutModule:
    """A hook that is called without the module."""

    def __init__(self, hook):
        self.hook = hook

    def __call__(self, module, *args):
        return self.hook(*args)


def add_state_hook(module, kind, hook):
    """A hook of state_dict ("save_pre", "save_post") or load_state_dict ("load_pre", "load_post") of this module."""
    hooks = module.__dict__.setdefault("_state_hooks", {}).setdefault(kind, {})
    handle = RemovableHandle(hooks)
    handle._key = object()
    hooks[handle._key] = hook
    return handle


def state_hooks(module, kind):
    """The hooks of one kind."""
    found = module.__dict__.get("_state_hooks")
    return list(found.get(kind, {}).values()) if found else ()
