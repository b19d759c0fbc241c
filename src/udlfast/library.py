"""torch.library: functions of one's own as operations with a name and a gradient rule.

>>> import udlfast as torch
>>> @torch.library.custom_op("mine::double", mutates_args=())
... def double(x: torch.Tensor) -> torch.Tensor:
...     return x * 2
>>> double.register_autograd(lambda ctx, g: g * 2)
>>> x = torch.ones(2, requires_grad=True)
>>> torch.ops.mine.double(x).sum().backward()
>>> x.grad
tensor([2., 2.])
"""

import inspect
import types

from . import ops
from .autograd import Function
from .errors import ArgumentError

__all__ = ["CustomOpDef", "custom_op", "register_autograd", "register_fake", "register_kernel", "triton_op"]

_made = {}  # name: CustomOpDef


class CustomOpDef:
    """A function with a name; its gradient rule is what register_autograd is given."""

    def __init__(self, name, function):
        space, _, leaf = name.partition("::")
        if not space or not leaf:
            raise ArgumentError(f'custom_op: expected a name such as "namespace::name", got {name!r}')
        self._qualname, self._function, self._kernels, self._apply = name, function, {}, None
        self._signature = inspect.signature(function)
        _made[name] = self
        if not hasattr(ops, space):
            setattr(ops, space, types.SimpleNamespace())
        setattr(getattr(ops, space), leaf, self)

    def register_autograd(self, backward, /, *, setup_context=None):
        """backward(ctx, *gradients): a gradient (or None) for each argument; setup_context(ctx, inputs, output) keeps what it needs."""
        run = self._run

        class Rule(Function):
            @staticmethod
            def forward(ctx, *inputs):
                output = run(*inputs)
                if setup_context is not None:
                    setup_context(ctx, inputs, output)
                return output

        Rule.__name__, Rule.backward = self._qualname.replace("::", "_"), staticmethod(backward)
        self._apply = Rule.apply

    def register_fake(self, function, /):
        """Accepted: shapes are learned by running the function."""
        return function

    def register_kernel(self, device_types, function=None, /):
        """The function for tensors on a kind of device; also as a decorator."""
        if function is None:
            return lambda f: self.register_kernel(device_types, f)
        for kind in ("cpu", "cuda") if device_types is None else (device_types,) if isinstance(device_types, str) else device_types:
            self._kernels[kind] = function
        return function

    def register_vmap(self, function=None, /):
        """Accepted: vmap is a loop."""
        return function if function is not None else lambda f: f

    def _run(self, *args):
        kind = next((a.device.type for a in args if hasattr(a, "device")), "cpu")
        return self._kernels.get(kind, self._function)(*args)

    def __call__(self, *args, **kwargs):
        bound = self._signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return (self._apply or self._run)(*bound.args, *bound.kwargs.values())

    def __repr__(self):
        return f"<CustomOpDef({self._qualname})>"


class _Aten:
    """torch.ops.aten and what lies in it: names, as libraries list operations under them; to call one raises ArgumentError."""

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = self.__dict__[name] = _Aten(f"{self._name}.{name}")
        return found

    def __call__(self, *args, **kwargs):
        raise ArgumentError(f"torch.ops.{self._name}: operations have no address in a dispatcher here; call the function of torch")

    def __repr__(self):
        return f"<{self._name}>"


aten = _Aten("aten")


def custom_op(name, fn=None, /, *, mutates_args, device_types=None, schema=None, tags=None):
    """A function as an operation called "namespace::name"; also as a decorator. The other arguments are accepted for compatibility."""
    return CustomOpDef(name, fn) if fn is not None else lambda function: CustomOpDef(name, function)


triton_op = custom_op


def _find(op):
    found = op if isinstance(op, CustomOpDef) else _made.get(op)
    if found is None:
        raise ArgumentError(f"torch.library: there is no operation {op!r}; make it with custom_op")
    return found


def register_autograd(op, backward, /, *, setup_context=None, lib=None):
    """CustomOpDef.register_autograd of an operation, or of its name."""
    _find(op).register_autograd(backward, setup_context=setup_context)


def register_fake(op, func=None, /, *, lib=None):
    """Accepted: shapes are learned by running the function; also as a decorator."""
    return func if func is not None else lambda f: f


def register_kernel(op, device_types, func=None, /, *, lib=None):
    """CustomOpDef.register_kernel of an operation, or of its name."""
    return _find(op).register_kernel(device_types, func)
