"""torch._jit_internal: decorators that libraries import, which change nothing as functions run as they are written."""

from .jit import _overload as _overload
from .jit import _overload_method as _overload_method
from .jit import export as _copy_to_script_wrapper  # noqa: F401
from .jit import export as export
from .jit import ignore as ignore
from .jit import unused as unused
