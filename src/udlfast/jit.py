"""torch.jit: functions run as they are written; what scripts use as decorators and questions changes nothing."""

from .errors import ArgumentError

__all__ = ["annotate", "export", "fork", "freeze", "ignore", "is_scripting", "is_tracing", "load", "save", "script", "script_if_tracing",
           "trace", "unused", "wait"]  # fmt: skip


def script(obj, *args, **kwargs):
    """The function or module itself."""
    return obj


def trace(func, example_inputs=None, *args, **kwargs):
    """The function or module itself."""
    return func


def freeze(mod, *args, **kwargs):
    """The module itself."""
    return mod


def ignore(drop=False, **kwargs):
    """The function itself; also as ignore(drop=...)."""
    return drop if callable(drop) else lambda function: function


def export(fn):
    """The function itself."""
    return fn


unused = script_if_tracing = export


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
