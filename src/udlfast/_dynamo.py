"""torch._dynamo, as far as scripts set its switches: udlfast.compile records kernel calls and has none of them."""

import types as _types

from .compiler import disable as disable
from .compiler import is_compiling as is_compiling
from .compiler import reset as reset


class OptimizedModule:
    """A name for isinstance, which says no: compile gives modules and functions of other classes."""


class _Switches(_types.ModuleType):
    """Takes every setting and does nothing with it."""


config = _Switches(__name__ + ".config", "Settings that change nothing.")
config.__dict__.update(suppress_errors=False, verbose=False, cache_size_limit=8, capture_scalar_outputs=False, dynamic_shapes=True,
                       assume_static_by_default=True, automatic_dynamic_shapes=True, optimize_ddp=False)  # fmt: skip
eval_frame = _types.ModuleType(__name__ + ".eval_frame", "Names of torch._dynamo.")
eval_frame.OptimizedModule, eval_frame.is_dynamo_supported = OptimizedModule, lambda: True


def allow_in_graph(fn):
    """The function itself."""
    return fn


assume_constant_result = nonstrict_trace = allow_in_graph


def graph_break(msg=""):
    """Nothing to break: compile records through all Python."""


def mark_static_address(tensor, guard=True):
    """Nothing to do: compile keeps the addresses of what it recorded."""


def mark_dynamic(tensor, index, **limits):
    """Nothing to do: compile records again for each new shape."""


mark_static = maybe_mark_dynamic = mark_dynamic


class TransformGetItemToIndex:
    """A block that changes nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


_trace_wrapped_higher_order_op = _types.ModuleType(__name__ + "._trace_wrapped_higher_order_op", "Names of torch._dynamo.")
_trace_wrapped_higher_order_op.TransformGetItemToIndex = TransformGetItemToIndex


def _register():
    import sys

    for module in (config, eval_frame, _trace_wrapped_higher_order_op):
        sys.modules[module.__name__] = module


_register()
