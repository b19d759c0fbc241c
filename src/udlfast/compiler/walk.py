"""What a function can see: its arguments, closure and globals, and the modules, optimisers and objects found there.

Each value becomes a Guard of the core; together they are the condition under which a plan may stand for the function. A
tensor on the way also tells where its memory is, so that another tensor of the same geometry may take its place.
"""

import dis
import sys
from collections import OrderedDict, defaultdict
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType

from .. import _core
from .._core import Compiled, Guard, Tensor, dtype, tensor_guard
from ..device import device
from ..size import Size

SIMPLE = (bool, int, float, complex, str, bytes, type(None), dtype, device, Size, slice, range, type(Ellipsis))
CONTAINERS = (list, tuple, dict, OrderedDict, defaultdict)
LONG = 512  # longer containers are taken as one object; their tensors are not found
OWN = "udlfast."


class Walk:
    """Guards for everything reachable; `tensors` are those found, by the number of their guard."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.state = []  # guards that need no value: cells, globals, attributes
        self.tensors = []
        self.guards = {}  # id of a tensor -> its guard
        self.dynamic = []  # (dict, key, value): read anew at each replay, so the run itself must not change them
        self.known = {}  # id -> object
        self.names = set()  # attributes that the code loads
        self.classes = []

    def root(self, fn, args, kwargs):
        """Guards for the positional and the keyword arguments; the function's surroundings go to `state`."""
        arguments = self.sequence(args, "argument "), self.mapping(kwargs, "argument ")
        mine = len(self.tensors)
        self.callable(fn)
        done = set()
        while True:  # methods bring names, and names bring methods
            todo = [(c, n) for c in list(self.classes) for n in c.__dict__ if (c, n) not in done and self.may_run(n)]
            if not todo:
                return arguments, list(range(mine))
            for cls, name in todo:
                done.add((cls, name))
                function = cls.__dict__[name]
                function = getattr(function, "fget", None) or getattr(function, "__func__", function)
                if isinstance(function, FunctionType):
                    self.function(function)

    def may_run(self, name):
        return name in self.names or name == "forward" or name.startswith("__")

    def value(self, v, path):
        """The guard of one value."""
        if isinstance(v, Tensor):
            return self.tensor(v, path)
        if isinstance(v, SIMPLE):
            return Guard("equal", path, v)
        if isinstance(v, CONTAINERS) and len(v) <= LONG:
            if isinstance(v, dict):
                return self.mapping(v, path)
            if type(v) in (tuple, list) or hasattr(v, "_fields"):
                return self.sequence(v, path)
        if id(v) not in self.known:
            self.known[id(v)] = v
            self.inside(v, path)
        return Guard("is", path, v)

    def tensor(self, t, path):
        if id(t) in self.known:
            return Guard("is", path, t)
        guard = tensor_guard(self.recorder, t, path, len(self.tensors))
        self.tensors.append(t)
        self.guards.setdefault(id(t), guard)
        if guard.expected is t:  # one look at a parameter is enough
            self.known[id(t)] = t
        return guard

    def sequence(self, v, path):
        children = [self.value(x, f"{path}[{i}]") for i, x in enumerate(v)]
        return Guard("sequence", path, v if type(v) not in (tuple, list) else type(v)(), None, children)

    def mapping(self, v, path):
        keys = list(v)
        children = [self.value(v[k], f"{path}[{k!r}]" if isinstance(k, str) else f"{path}[...]") for k in keys]
        return Guard("dict", path, type(v)(), keys, children, len(keys))

    def items(self, d, keys, path, size=-1):
        """Some entries of a dict that stays what it is."""
        if keys:
            self.state.append(Guard("items", path, d, keys, [self.value(d[k], f"{path}{k}") for k in keys], size))

    # ---- objects ----------------------------------------------------------------------------------------------------------
    def inside(self, v, path):
        """What else hangs on an object that is itself guarded by identity."""
        if isinstance(v, (FunctionType, MethodType, Compiled)):
            self.callable(v)
        elif isinstance(v, ModuleType):
            self.module_globals(v)
        elif isinstance(v, (type, BuiltinFunctionType, _core.Generator)) or type(v).__module__ == "numpy":
            return
        elif hasattr(type(v), "_dynamic"):
            self.optimizer(v, path)
        else:
            self.instance(v, path)

    def instance(self, v, path):
        attributes = getattr(v, "__dict__", None)
        if type(attributes) is not dict:
            return
        for cls in type(v).__mro__:
            if not cls.__module__.startswith(OWN) and cls is not object and cls not in self.classes:
                self.classes.append(cls)
        self.items(attributes, [k for k in attributes if k != "_kinds"], f"{path}.", len(attributes))

    def module_globals(self, m):
        """A user's own module (settings, say): the names that the code may read from it, when the walk ends."""
        file = getattr(m, "__file__", None) or ""
        if m.__name__.partition(".")[0] in ("udlfast", *sys.stdlib_module_names) or "site-packages" in file or not file:
            return
        self.items(m.__dict__, sorted(self.names & m.__dict__.keys()), m.__name__ + ".")

    def optimizer(self, o, path):
        """An optimiser whose kernels' numbers are read anew: groups and state without them."""
        attributes, dynamic = o.__dict__, type(o)._dynamic
        rest = [k for k in attributes if k not in ("state", "param_groups")]
        self.items(attributes, rest, f"{path}.", len(attributes))

        def entries(d, where):
            guards = []
            for key in d:
                how = dynamic.get(key) if isinstance(key, str) else None
                if how is None:
                    guards.append(self.value(d[key], f"{where}[{key!r}]"))
                else:
                    self.dynamic.append((d, key, d[key]))
                    guards.append(Guard(how, f"{where}[{key!r}]", bool(d[key]) if how == "truth" else None))
            self.state.append(Guard("items", where, d, list(d), guards, len(d)))
            return Guard("is", where, d)  # the plan reads numbers from this very dict

        groups = [entries(g, f"{path}.param_groups[{i}]") for i, g in enumerate(o.param_groups)]
        states = [entries(own, f"{path}.state[parameter {i}]") for i, own in enumerate(o.state.values())]
        self.dynamic = [(d, k, v) for d, k, v in self.dynamic if k != "step"]
        children = [
            Guard("sequence", f"{path}.param_groups", [], None, groups),
            Guard("dict", f"{path}.state", type(o.state)(), list(o.state), states, len(o.state)),
        ]
        self.state.append(Guard("items", f"{path}.", attributes, ["param_groups", "state"], children))

    # ---- functions --------------------------------------------------------------------------------------------------------
    def callable(self, f):
        self.known[id(f)] = f
        if isinstance(f, Compiled):
            f = f.fn
        if isinstance(f, MethodType):
            self.value(f.__self__, type(f.__self__).__name__)
            f = f.__func__
        if isinstance(f, Compiled):
            f = f.fn
        if isinstance(f, FunctionType):
            self.function(f)
        elif hasattr(f, "func") and hasattr(f, "keywords"):  # functools.partial
            self.value((f.func, f.args, f.keywords), "partial")
        elif id(f) not in self.known or not isinstance(f, (type, BuiltinFunctionType)):
            self.inside(f, type(f).__name__)

    def function(self, f):
        if f.__module__ is not None and f.__module__.startswith(OWN) or id(f.__code__) in self.known:
            return
        self.known[id(f.__code__)] = f.__code__
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            try:
                content = cell.cell_contents
            except ValueError:
                continue
            self.state.append(Guard("cell", name, cell, None, [self.value(content, name)]))
        names = set()
        read_names(f.__code__, names, self.names)
        self.items(f.__globals__, sorted(n for n in names if n in f.__globals__), "")
        if f.__defaults__ or f.__kwdefaults__:
            holder = {"defaults": f.__defaults__, "kwdefaults": f.__kwdefaults__}
            self.items(holder, list(holder), f"{f.__name__}.")
        if hasattr(f, "__wrapped__"):
            self.value(f.__wrapped__, f.__name__)


def read_names(code, names, attributes):
    """Globals and attributes that a code object, or one inside it, reads."""
    for i in dis.get_instructions(code):
        if i.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.add(i.argval)
        elif i.opname in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "LOAD_SUPER_ATTR"):
            attributes.add(i.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            read_names(constant, names, attributes)
