"""torch.fx: names that libraries import; programs are recorded by udlfast.compile, and there are no graphs of Python to change.

`wrap` is a decorator that changes nothing here. To make one of the classes, or to trace a module, raises ArgumentError.
"""

import sys as _sys
import types as _types

from .errors import ArgumentError

__all__ = ["Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "Transformer", "replace_pattern", "symbolic_trace", "wrap"]


def _refuse(name):
    raise ArgumentError(f"torch.fx.{name}: programs are not traced into graphs of Python here; udlfast.compile(module) records the kernel "
                        f"calls of a step, and udlfast.onnx.export writes a graph")  # fmt: skip


def _class(name):
    def __init__(self, *args, **kwargs):
        _refuse(name)

    return type(name, (), {"__init__": __init__, "__module__": __name__, "__doc__": "A name: to make one raises ArgumentError."})


Graph, GraphModule, Interpreter, Node, Proxy, Tracer, Transformer = map(
    _class, ("Graph", "GraphModule", "Interpreter", "Node", "Proxy", "Tracer", "Transformer"))  # fmt: skip


class SymInt:
    """A name for isinstance, which says no: sizes are integers of Python. So are SymFloat and SymBool."""


class SymFloat:
    """As SymInt."""


class SymBool:
    """As SymInt."""


def symbolic_trace(root, concrete_args=None):
    """Refused: see the module."""
    _refuse("symbolic_trace")


def replace_pattern(gm, pattern, replacement):
    """Refused: see the module."""
    _refuse("replace_pattern")


def wrap(fn_or_name):
    """The function (or name) itself."""
    return fn_or_name


for _file, _names in {"node": ("Node",), "proxy": ("Proxy",), "graph": ("Graph",), "graph_module": ("GraphModule",),
                      "interpreter": ("Interpreter",), "_symbolic_trace": ("Tracer", "symbolic_trace", "wrap")}.items():  # fmt: skip
    _module = _types.ModuleType(f"{__name__}.{_file}", "Names of torch.fx.")
    _module.__dict__.update({n: globals()[n] for n in _names})
    _sys.modules[_module.__name__] = globals()[_file] = _module

experimental = _types.ModuleType(__name__ + ".experimental", "Names of torch.fx.experimental.")
experimental.proxy_tensor = _types.ModuleType(experimental.__name__ + ".proxy_tensor", "A question that libraries ask.")
experimental.proxy_tensor.get_proxy_mode = lambda: None
_sys.modules.update({m.__name__: m for m in (experimental, experimental.proxy_tensor)})
