"""compile: a function's kernel calls, recorded once and replayed in C.

How it works and what it does not see: docs/compile.md.
"""

import functools
import threading

from .. import _core
from .._core import Compiled as _Compiled
from .._core import Tensor
from ..errors import ArgumentError
from . import record as _record
from .passes import OPTIONS

PLANS = 8  # of one function for arguments of the same sizes
SIZES = 32  # plans of one function, if sizes may change
PAUSE = 16  # once there are so many: calls that fit none, of which one is recorded
TRIES = 4  # runs in a row that could not be made into a plan
_lock = threading.RLock()


class Compiled(_Compiled):
    """A function that replays what it recorded; made by compile()."""

    def __init__(self, fn, options=None, fullgraph=False, dynamic=None):
        super().__init__(fn)
        self.fullgraph, self.dynamic = fullgraph, dynamic is not False
        self.options = dict(options or {})
        self.tries, self.why, self.warned, self.pause = 0, "", False, 0
        functools.update_wrapper(self, fn, ("__module__", "__name__", "__qualname__", "__doc__"), ())

    def miss(self, args, kwargs):
        """No plan fits: run the function as it is and make a plan of the run."""
        with _lock:
            for plan in self.plans:  # another thread may have recorded meanwhile
                result = plan(args, kwargs)
                if result is not _core.MISS:
                    return self.fn(*args, **kwargs) if result is _core.BUSY else result
            sizes = sizes_of(args, kwargs) if self.dynamic else None
            alike = [plan for plan in self.plans if plan.sizes == sizes]
            if len(alike) >= PLANS:
                why = f"{PLANS} plans were recorded and none fits; the last did not because of {alike[0].failed}"
                steered = any(plan.steered for plan in alike)  # each of them runs up to the number that it finds another
                self.give_up(why, steered)
                if steered:
                    self.plans = []
                return self.fn(*args, **kwargs)
            if len(self.plans) >= SIZES:
                self.pause = (self.pause + 1) % PAUSE
                if self.pause:
                    return self.fn(*args, **kwargs)
            result, plan, why, again = _record.record(self.fn, args, kwargs, self.options, self.memory)
            if plan is not None:
                self.keep(plan, sizes)
                return result
            self.tries, self.why = self.tries + 1, why
            if not again or self.tries >= TRIES:
                self.give_up(why, True)
        return result

    def keep(self, plan, sizes):
        """A new plan comes first; of too many the one that was not used for longest goes."""
        if self.plans:
            self.plans[0].rest()
        plan.sizes, self.tries = sizes, 0
        self.plans = [plan, *self.plans][:SIZES]

    def give_up(self, why, eager):
        self.eager = self.eager or eager
        if self.fullgraph:
            raise ArgumentError(f"compile: fullgraph=True, but there can be no plan: {why}")
        if not self.warned:
            self.warned = True
            name = getattr(self.fn, "__qualname__", type(self.fn).__name__)
            _record.warn(f"compile: {name} runs without a plan: {why}")

    def explain(self, *args, peaks=None, **kwargs):
        """Call the function once with the time of each kernel call taken: a table (Explanation) of the plan that was replayed.

        peaks: (floating-point operations, bytes) a second of the machine; None measures them.
        """
        from .explain import Explanation, measured_peaks

        for _ in range(TRIES):
            before = {id(p): p.replays for p in self.plans}
            for plan in self.plans:
                plan.set_watch(True)
            try:
                result = self(*args, **kwargs)
            finally:
                for plan in self.plans:
                    plan.set_watch(False)
            plan = next((p for p in self.plans if p.replays > before.get(id(p), p.replays)), None)
            del result
            if plan is not None:
                return Explanation(plan, *(peaks or measured_peaks()))
            if self.eager:
                break
        raise ArgumentError(f"explain: there is no plan for this call: {self.why or 'too many were recorded'}")

    def __deepcopy__(self, memo):
        import copy

        return Compiled(copy.deepcopy(self.fn, memo), self.options, self.fullgraph, self.dynamic)

    def __reduce__(self):
        return Compiled, (self.fn, self.options, self.fullgraph, self.dynamic)


def sizes_of(*values):
    """The shapes of the tensors in arguments, in order."""
    found, todo = [], list(reversed(values))
    while todo:
        v = todo.pop()
        if isinstance(v, Tensor):
            found.append(tuple(v.shape))
        elif isinstance(v, (tuple, list)):
            todo.extend(reversed(v))
        elif isinstance(v, dict):
            todo.extend(reversed(v.values()))
    return found


def compile(model=None, *, fullgraph=False, dynamic=None, backend="inductor", mode=None, options=None, disable=False):
    """A function (or module) whose kernel calls are recorded when it first runs and replayed in C from then on.

    The first call with arguments of given shapes and types runs as always and is recorded: forward, backward, the clearing of
    gradients and the optimiser's step, if the function does them. Later calls check that everything that the function can see
    is as it was, and replay: no Python, no GIL, no allocation. Where something has changed, another plan is recorded: 8 at
    most for arguments of the same sizes, 32 in all; what cannot be recorded runs without a plan, with one warning. Plans of
    one function share their memory. Python statements of the function run while it is recorded only.

    Args:
        model: a function or a Module; None gives a decorator
        fullgraph: True raises where a function cannot be recorded, instead of running it without a plan
        dynamic: False allows 8 plans in all; None or True as many for each batch size (or other sizes), 32 in all, of which those
            used last are kept
        backend, mode: accepted for compatibility
        options: passes to switch off: {"dead": False} keeps calls whose result nobody reads, {"copies": False} copies of
            buffers that are not read again, {"epilogue": False} relu and sums apart from their product, {"fuse": False}
            element-wise calls apart, {"fold": False} batch normalisation in eval mode apart from the weights before it (it
            rounds otherwise), {"arena": False} gives each buffer memory of its own
        disable: True gives the function back
    Returns: what is called like model
    Raises: TypeError for what cannot be called, ArgumentError for unknown options

    >>> import udlfast as torch
    >>> @torch.compile
    ... def f(x, y):
    ...     return (x * y).sum()
    >>> f(torch.ones(3), torch.ones(3)), f(torch.ones(3), torch.full((3,), 2.))
    (tensor(3.), tensor(6.))

    Source: docs/compile.md; the public names of PyTorch.
    """
    if model is None:
        return functools.partial(
            compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable
        )
    if not callable(model):
        raise TypeError(f"compile: expected a function or a module, got {type(model).__name__}")
    unknown = set(options or ()) - OPTIONS
    if unknown:
        raise ArgumentError(f"compile: there is no option {sorted(unknown)[0]!r}; there are {', '.join(sorted(OPTIONS))}")
    if disable:
        return model
    compiled = Compiled(model, options, fullgraph, dynamic)
    if hasattr(model, "named_parameters") and not isinstance(model, type):
        from .module import CompiledModule

        return CompiledModule(model, compiled)
    return compiled


def is_compiling():
    """Is this thread recording a function for a plan?"""
    return _core.recording() is not None


def is_exporting():
    """Is a program being exported? There is nothing of the kind."""
    return False


def allow_in_graph(fn):
    """The function itself."""
    return fn


def reset():
    """Accepted: each compiled function keeps its own plans, and they go with it."""


def disable(fn=None, recursive=True):
    """A function that is never recorded: a compiled function that calls it runs without a plan."""
    if fn is None:
        return functools.partial(disable, recursive=recursive)

    @functools.wraps(fn)
    def plain(*args, **kwargs):
        recorder = _core.recording()
        if recorder is not None:
            recorder.refuse(f"{getattr(fn, '__qualname__', fn)} is marked with compiler.disable")
        return fn(*args, **kwargs)

    return plain


def __getattr__(name):
    """load_plan needs the code of files, which is imported when it is first named."""
    if name == "load_plan":
        from .load import load_plan

        return load_plan
    raise AttributeError(f"module 'udlfast.compiler' has no attribute {name!r}")
