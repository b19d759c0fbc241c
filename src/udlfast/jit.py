"""torch.jit: functions run as they are written; what scripts use as decorators and questions changes nothing."""

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
