"""torch.jit: functions run as they are written; what scripts use as decorators and questions changes nothing."""

import builtins
import sys as _sys
import types as _types
import typing as _typing
from typing import Final

from .errors import ArgumentError
from .nn import Module

__all__ = ["Final", "RecursiveScriptModule", "ScriptFunction", "ScriptModule", "TopLevelTracedModule", "annotate", "export", "fork",
           "freeze", "ignore", "is_scripting", "is_tracing", "load", "optimize_for_inference", "save", "script", "script_if_tracing",
           "script_method", "trace", "trace_module", "unused", "wait"]  # fmt: skip


class ScriptModule(Module):
    """A Module: for classes that derive from it, and for isinstance, which says no of what script gave back."""


class RecursiveScriptModule(ScriptModule):
    """A name: script gives modules back as they are."""


class TopLevelTracedModule(ScriptModule):
    """A name: trace gives modules back as they are."""


class ScriptFunction:
    """A name: script gives functions back as they are."""


def script(obj, *args, **kwargs):
    """The function or module itself."""
    return obj


def trace(func, example_inputs=None, *args, **kwargs):
    """The function or module itself."""
    return func


def trace_module(mod, inputs, *args, **kwargs):
    """The module itself."""
    return mod


def optimize_for_inference(mod, other_methods=None):
    """The module itself."""
    return mod


def freeze(mod, *args, **kwargs):
    """The module itself."""
    return mod


def ignore(drop=False, **kwargs):
    """The function itself; also as ignore(drop=...)."""
    return drop if callable(drop) else lambda function: function


def export(fn):
    """The function itself."""
    return fn


unused = script_if_tracing = script_method = export


_overload = _overload_method = export


def interface(obj):
    """The class itself."""
    return obj


def isinstance(obj, target_type):  # noqa: A001
    """Whether the object is of the type, or of one of a tuple of types; of a type with arguments, such as list[int], its contents too."""
    targets = target_type if type(target_type) is tuple else (target_type,)
    return any(_matches(obj, t) for t in targets)


def _matches(obj, target):
    origin, inner = _typing.get_origin(target), _typing.get_args(target)
    if target is _typing.Any:
        return True
    if origin in (_typing.Union, _types.UnionType):
        return any(_matches(obj, t) for t in inner)
    if not builtins.isinstance(obj, origin or target):
        return False
    if origin is list:
        return all(_matches(x, inner[0]) for x in obj)
    if origin is dict:
        return all(_matches(k, inner[0]) and _matches(v, inner[1]) for k, v in obj.items())
    if origin is tuple:
        return len(obj) == len(inner) and all(map(_matches, obj, inner))
    return True


class Attribute(_typing.NamedTuple):
    """A value with the type that TorchScript would give it."""

    value: object
    type: object


class Error(RuntimeError):
    """A name for except: compiled code raises it in PyTorch."""


class TracerWarning(Warning):
    """A name for filters of warnings: tracing gives it in PyTorch."""


def annotate(the_type, the_value):
    """The value."""
    return the_value


def is_scripting():
    """Whether this code is being compiled: no."""
    return False


is_tracing = is_scripting


def fork(func, *args, **kwargs):
    """The function's result, computed at once."""
    return func(*args, **kwargs)


def wait(future):
    """What fork gave."""
    return future


def save(m, f, _extra_files=None):
    """Refused: there is no compiled form to write."""
    raise ArgumentError("jit.save: TorchScript files are not part of this library; save module.state_dict() with udlfast.save")


def load(f, map_location=None, **kwargs):
    """Refused: there is no interpreter of TorchScript."""
    raise ArgumentError("jit.load: TorchScript files are not part of this library; load a state_dict with udlfast.load")


annotations = _types.ModuleType(f"{__name__}.annotations", "Names of typing.")
annotations.__dict__.update({n: getattr(_typing, n) for n in ("Any", "Dict", "Final", "List", "Optional", "Tuple", "Union")})
_sys.modules[annotations.__name__] = annotations
