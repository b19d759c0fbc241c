"""Module: the base class of every layer and network.

Parameters, buffers and child modules are plain attributes in the instance's `__dict__`, so that `self.weight` in a
forward costs one dictionary look-up; `_kinds` says in order of registration which names are which. PyTorch's
`_parameters`, `_buffers` and `_modules` are live views of the same.
"""

from collections import OrderedDict

from .._core import Tensor
from . import _apply, _hooks, _state, _subclass, _views
from ._where import name_layer
from .parameter import Buffer, Parameter

__all__ = ["Module"]


NOTHING = object()


class NeedsInit:
    """Stands for `_kinds` until Module.__init__ has put the real one into the instance."""

    def __get__(self, module, cls):
        if module is None:
            return self
        raise AttributeError(f"{cls.__name__} is not set up: its __init__ must start with super().__init__()")


class Module:
    """A layer, or a network of layers: parameters, buffers, child modules, and a `forward` that computes.

    Example:
        >>> import udlfast as torch
        >>> class Net(torch.nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.first = torch.nn.Linear(3, 4)
        ...         self.second = torch.nn.Linear(4, 1)
        ...     def forward(self, x):
        ...         return self.second(torch.relu(self.first(x)))
        >>> net = Net()
        >>> tuple(net(torch.ones(2, 3)).shape)
        (2, 1)
        >>> list(net.state_dict())
        ['first.weight', 'first.bias', 'second.weight', 'second.bias']

    Source: *Understanding Deep Learning*, chapters 3 and 4 (networks as composed functions).
    """

    _forward_hooks, _forward_pre_hooks, _backward_hooks = map(_hooks.shown, ("after", "before", "backward"))
    _hooks = None  # becomes Hooks with the first hook of the instance
    _kinds = NeedsInit()
    training = True

    # There is no __getattr__ (until a class has one: _subclass.py): its mere presence makes every look-up of an attribute slow.

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        _subclass.prepare(cls, Module)

    def __init__(self):
        self.__dict__["training"] = True
        self.__dict__["_kinds"] = {}

    # the call

    def __call__(self, input=NOTHING, /, *args, **kwargs):
        if args or kwargs or input is NOTHING or self._hooks is not None:
            return self._call(() if input is NOTHING else (input, *args), kwargs)
        try:
            return self.forward(input)  # the usual call; the interpreter makes it without packing arguments
        except Exception as error:
            name_layer(self, error)
            raise

    def _call(self, args, kwargs):
        try:
            if self._hooks is not None:
                return _hooks.call_with_hooks(self, args, kwargs)
            return self.forward(*args, **kwargs)
        except Exception as error:
            name_layer(self, error)
            raise

    def forward(self, *args, **kwargs):
        """Computes the output; every subclass defines its own."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # attributes

    def __setattr__(self, name, value):
        values = self.__dict__
        kinds = values.get("_kinds")
        kind = "parameter" if isinstance(value, Parameter) else "module" if isinstance(value, Module) else None
        if kinds is None:
            if kind:
                raise AttributeError(
                    f"cannot assign {kind} before Module.__init__() call: {type(self).__name__}.__init__ "
                    "must start with super().__init__()"
                )
        elif kind:
            if kinds.get(name) != kind:
                if kinds.get(name) == "parameter":
                    _views.check_kind("parameter", name, value)
                values.pop(name, None)
                kinds.pop(name, None)
                kinds[name] = kind
            values[name] = value
            return
        elif name in kinds:
            _views.check_kind(kinds[name], name, value)
            values[name] = value
            return
        elif isinstance(value, Buffer):
            values.pop(name, None)
            kinds[name] = "buffer" if value.persistent else "transient"
            values[name] = value
            return
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        object.__delattr__(self, name)
        self._kinds.pop(name, None)

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.__dict__["_kinds"] = dict(self._kinds)  # a shallow copy must not share the list of names

    def register_parameter(self, name, param):
        """Adds a parameter (or None, an absent one) under a name."""
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}': a parameter must be created, not computed"
            )
        self._register(name, param, "parameter")

    def register_buffer(self, name, tensor, persistent=True):
        """Adds a tensor that is state but not trained; persistent ones are part of state_dict()."""
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._register(name, tensor, "buffer" if persistent else "transient")

    def add_module(self, name, module):
        """Adds a child module (or None) under a name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._register(name, module, "module")

    def register_module(self, name, module):
        """Alias of add_module."""
        self.add_module(name, module)

    def _register(self, name, value, kind):
        kinds = self.__dict__.get("_kinds")
        what = "buffer" if kind == "transient" else kind
        if kinds is None:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        known = kinds.get(name)
        if what != ("buffer" if known == "transient" else known) and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        kinds[name] = kind
        self.__dict__[name] = value

    @property
    def _parameters(self):
        return _views.View(self, ("parameter",))

    @property
    def _buffers(self):
        return _views.View(self, ("buffer", "transient"))

    _non_persistent_buffers_set = property(_views.Transient)

    @property
    def _modules(self):
        return _views.View(self, ("module",))

    # walks

    def named_children(self):
        """Pairs (name, module) of the direct children, each module once."""
        seen = set()
        values = self.__dict__
        for name, kind in list(self._kinds.items()):
            child = values[name] if kind == "module" else None
            if child is not None and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def children(self):
        """The direct child modules."""
        for _, child in self.named_children():
            yield child

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """Pairs (path, module) of this module and all below it."""
        memo = set() if memo is None else memo
        if id(self) in memo:
            return
        if remove_duplicate:
            memo.add(id(self))
        yield prefix, self
        values = self.__dict__
        for name, kind in list(self._kinds.items()):
            if kind == "module" and values[name] is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from values[name].named_modules(memo, path, remove_duplicate)

    def modules(self, remove_duplicate=True):
        """This module and all below it."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (path, parameter), each parameter once unless remove_duplicate is False."""
        return _views.named_tensors(self, ("parameter",), prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """The parameters: what an optimiser takes."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """Pairs (path, buffer)."""
        return _views.named_tensors(self, ("buffer", "transient"), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """The buffers, persistent or not."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target):
        """The module at a path such as "layers.2.conv1"; "" is this module."""
        return _views.get_submodule(self, target, Module)

    def get_parameter(self, target):
        """The parameter at a path such as "layers.2.conv1.weight"."""
        return _views.get_registered(self, target, ("parameter",), "an nn.Parameter")

    def get_buffer(self, target):
        """The buffer at a path such as "layers.2.norm.running_mean"."""
        return _views.get_registered(self, target, ("buffer", "transient"), "a buffer")

    def set_submodule(self, target, module, strict=False):
        """Puts a module at a path, in place of what is there; strict: only if something is."""
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and parent._kinds.get(name) != "module":
            raise AttributeError(f"{type(parent).__name__} has no child module `{name}`")
        if name in parent._kinds:
            setattr(parent, name, module)
        else:
            parent.add_module(name, module)

    # modes, types and gradients

    def train(self, mode=True):
        """Training behaviour (dropout drops, batch norm uses the batch) here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for child in self.children():
            child.train(mode)
        return self

    def eval(self):
        """Evaluation behaviour here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Says for every parameter whether it wants a gradient."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drops the gradients of all parameters, or sets them to zero."""
        _apply.zero_grad(self.parameters(), set_to_none)

    def apply(self, fn):
        """Calls fn on every module below, then on this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def _apply(self, fn, recurse=True):
        return _apply.apply_to_tensors(self, fn, recurse)

    def to(self, *args, **kwargs):
        """Casts floating-point parameters and buffers, or moves all of them: to(dtype), to("cuda"), to(other_tensor)."""
        dtype, where = _apply.parse_to(args, kwargs)
        if where is not None and (where.type != "cpu" or _apply.is_elsewhere(self)):
            self._apply(lambda t: t.to(where))
        return self if dtype is None else self.type(dtype)

    def type(self, dst_type):
        """Casts floating-point parameters and buffers to a dtype."""
        return self._apply(lambda t: t.to(dst_type) if t.dtype.is_floating_point else t)

    def float(self):
        """Casts to float32."""
        return self.type(_apply.dtype("float32"))

    def double(self):
        """Casts to float64."""
        return self.type(_apply.dtype("float64"))

    def bfloat16(self):
        """Casts to bfloat16."""
        return self.type(_apply.dtype("bfloat16"))

    def half(self):
        """Casts to float16."""
        return self.type(_apply.dtype("float16"))

    def cpu(self):
        """Moves all parameters and buffers to the CPU; returns this module."""
        return self.to("cpu")

    def cuda(self, device=None):
        """Moves all parameters and buffers to the GPU; returns this module."""
        return self.to(device="cuda" if device is None or isinstance(device, int) else device)

    def to_empty(self, *, device, recurse=True):
        """This module; its tensors keep their values, which to_empty does not promise."""
        return self.to(device)

    def share_memory(self):
        """Puts all parameters and buffers into memory that the processes started from now on share; returns this module."""
        return self._apply(lambda t: t.share_memory_() if hasattr(t, "share_memory_") else t)

    def compile(self, **options):
        """Makes forward replay its kernel calls, as udlfast.compile does; options are those of compile."""
        from .. import compile as compiled

        self.__dict__["forward"] = compiled(self.forward, **options)

    # state

    get_extra_state = _state.no_extra_to_get
    set_extra_state = _state.no_extra_to_set

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """All parameters and persistent buffers by path, in PyTorch's order; detached unless keep_vars."""
        destination = OrderedDict() if destination is None else destination
        for hook in _hooks.state_hooks(self, "save_pre"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        values = self.__dict__
        for name, kind in self._kinds.items():
            if kind == "module" and values[name] is not None:
                values[name].state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in _hooks.state_hooks(self, "save_post"):
            changed = hook(self, destination, prefix, {})
            destination = destination if changed is None else changed
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        _state.save(self, destination, prefix, keep_vars)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copies a state_dict into this module; returns (missing_keys, unexpected_keys).

        Arguments:
            state_dict: mapping of path to Tensor.
            strict: raise if a key is missing or unexpected; shapes that differ raise always.
            assign: take the given tensors themselves (and their dtype) instead of copying their values.
        Raises:
            errors.ArgumentError (a RuntimeError): keys or shapes do not fit; the text lists them with their shapes.
        """
        return _state.load_all(self, state_dict, strict, assign)

    def _load_from_state_dict(
        self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs
    ):
        assign = local_metadata.get("assign_to_params_buffers", False)
        _state.load(self, state_dict, prefix, assign, missing_keys, unexpected_keys, error_msgs)

    # hooks

    def _add_hook(self, kind, hook, prepend=False, **options):
        if self.__dict__.get("_hooks") is None:
            self.__dict__["_hooks"] = _hooks.Hooks()
        return self._hooks.add(self, kind, hook, prepend, **options)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """hook(module, args) before forward; what it returns (if not None) replaces args."""
        return self._add_hook("before", hook, prepend, with_kwargs=with_kwargs)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """hook(module, args, output) after forward; what it returns (if not None) replaces output."""
        return self._add_hook("after", hook, prepend, with_kwargs=with_kwargs, always_call=always_call)

    def register_full_backward_hook(self, hook, prepend=False):
        """hook(module, grad_input, grad_output) in backward; what it returns (if not None) replaces grad_input."""
        return self._add_hook("backward", hook, prepend)

    register_backward_hook = register_full_backward_hook

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """hook(module, grad_output) before backward; what it returns (if not None) replaces grad_output."""
        return self._add_hook("backward_pre", hook, prepend)

    def register_state_dict_pre_hook(self, hook):
        """hook(module, prefix, keep_vars) before state_dict()."""
        return _hooks.add_state_hook(self, "save_pre", hook)

    def register_state_dict_post_hook(self, hook):
        """hook(module, state_dict, prefix, local_metadata) after state_dict(); it may change the dict in place."""
        return _hooks.add_state_hook(self, "save_post", hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_load_state_dict_pre_hook(self, hook):
        """hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs) before loading."""
        return _hooks.add_state_hook(self, "load_pre", hook)

    def _register_load_state_dict_pre_hook(self, hook, with_module=False):
        return _hooks.add_state_hook(self, "load_pre", hook if with_module else _hooks.WithoutModule(hook))

    def register_load_state_dict_post_hook(self, hook):
        """hook(module, incompatible_keys) after loading."""
        return _hooks.add_state_hook(self, "load_post", hook)

    # text

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the brackets of the layer's repr."""
        return ""

    def __repr__(self):
        return _views.describe(self)
