"""Write the type stubs (.pyi) beside the public modules, from the objects themselves.

    python scripts/write_stubs.py          writes them
    python scripts/write_stubs.py --check  says whether they are up to date (exit status 1 if not)

Parameters have the names, kinds and defaults of the real ones. A function is said to give a Tensor where it does so for tensors of
several shapes; what is not known is Any. `python -m mypy.stubtest` compares the result with the library.
"""

import functools
import importlib
import inspect
import keyword
import pathlib
import re
import sys
import types
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent / "src"
MODULES = """
udlfast udlfast.nn udlfast.nn.functional udlfast.nn.init udlfast.nn.utils udlfast.nn.utils.rnn udlfast.nn.utils.parametrizations
udlfast.nn.utils.parametrize udlfast.optim udlfast.optim.lr_scheduler udlfast.optim.swa_utils udlfast.utils.data udlfast.utils.checkpoint
udlfast.autograd udlfast.linalg udlfast.fft udlfast.special udlfast.sparse udlfast.distributions udlfast.random udlfast.testing udlfast.amp
udlfast.func udlfast.jit udlfast.data udlfast.data.transforms udlfast.data.mnist udlfast.data.mnist1d udlfast.models
udlfast.train udlfast.train.plots
""".split()
# one form gives a tensor, another a tuple or a number
VARIED = set("max min median nanmedian mode unique where std_mean var_mean sum_to_size to type requires_grad_ data grad item tolist "
             "__array__ __dlpack__ numpy unique_consecutive histogram split chunk".split())
KEPT = set("__init__ __call__ __getitem__ __setitem__ __delitem__ __len__ __iter__ __next__ __enter__ __exit__ __contains__ "
           "__float__ __int__ __bool__ __index__ __add__ __iadd__ __class_getitem__ __getitems__ __array__ __dlpack__ "
           "__dlpack_device__ __array_wrap__ __or__ __ior__ __ror__ __reversed__".split())
NUMERIC = set("add sub mul truediv floordiv mod pow matmul and or xor radd rsub rmul rtruediv rfloordiv rmod rpow rmatmul rand ror rxor "
              "iadd isub imul itruediv ifloordiv ipow iand ior ixor neg pos abs invert lshift rshift eq ne lt le gt ge".split())


MODE = """
class {}:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *args: Any) -> None: ...
    def __call__(self, function: _F, /) -> _F: ..."""


def parameters(function, method=False):
    """The text between the parentheses of a definition."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return compiled_parameters(function, method)
    out, star, slash = [], False, False
    for i, p in enumerate(found):
        if slash and p.kind is not p.POSITIONAL_ONLY:
            out.append("/")
        slash = p.kind is p.POSITIONAL_ONLY
        if p.kind is p.KEYWORD_ONLY and not star:
            out.append("*")
        star = star or p.kind in (p.VAR_POSITIONAL, p.KEYWORD_ONLY)
        name = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "") + p.name
        first = method and i == 0 and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        out.append(name if first else f"{name}: Any" + ("" if p.default is p.empty else " = ..."))
    return ", ".join(out + ["/"] * slash)


def compiled_parameters(function, method):
    """The same for a compiled function, whose first line of documentation is its signature."""
    line = (getattr(function, "__doc__", None) or "").split("\n")[0]
    inside = re.fullmatch(r"[\w.]+\((.*)\)", line)
    if not inside:
        return ("self, " if method else "") + "*args: Any, **kwargs: Any"
    out = []
    for part in re.split(r",\s*(?![^(\[{]*[)\]}])", inside[1]):
        name, _, default = part.partition("=")
        name = name.strip().rpartition(" ")[2]
        if name in ("*", "/", "self", ""):
            out += [name] if name else []
        else:
            out.append(f"{name}: Any" + (" = ..." if default else ""))
    return ", ".join(out)


def gives(name, function):
    """Tensor or bool where calls with tensors agree on it, else Any."""
    import udlfast
    if name in VARIED or name.startswith(("set_", "register_", "share_", "_")) or name.endswith("_hook") or inspect.isclass(function):
        return "Any"
    kinds, x = set(), udlfast.full((2, 2), 0.5)
    for rest in ((), (x,), (0,), (1,), (2, 2)):
        try:
            with udlfast.no_grad():
                kinds.add(type(function(x.clone(), *rest)).__name__)
        except Exception:  # these arguments do not fit
            continue
    return {("Tensor",): "Tensor", ("bool",): "builtins.bool"}.get(tuple(kinds), "Any")


def method_lines(cls, name, value, tensor):
    """The definition of one attribute of a class."""
    kind = ""
    if isinstance(value, (staticmethod, classmethod)):
        kind, value = f"    @{type(value).__name__}\n", value.__func__
    if not callable(value) or isinstance(value, (property, type)):
        return f"    {name}: Any"
    operator = name.startswith("__") and name[2:-2] in NUMERIC
    if tensor and (operator or name.startswith("__")):
        alone = ("neg", "pos", "abs", "invert", "len", "iter", "float", "int", "bool", "index")
        text = "self" if name[2:-2] in alone else "self, other: Any, /"
        text = "self, *args: Any, **kwargs: Any" if name.startswith(("__array", "__dlpack")) else text
        text = {"__setitem__": "self, index: Any, value: Any, /", "__init__": "self, *args: Any, **kwargs: Any"}.get(name, text)
    else:
        text = parameters(value, kind != "    @staticmethod\n")
    result = "None" if name == "__init__" else "Any"
    if tensor:
        known = {"__contains__": "builtins.bool", "__getitem__": "Tensor", "__len__": "builtins.int", "__iter__": "Iterator[Tensor]",
                 "__float__": "builtins.float", "__int__": "builtins.int", "__bool__": "builtins.bool", "__index__": "builtins.int"}
        if operator or name in known:
            result = known.get(name, "Tensor")
        elif not name.startswith("__"):
            result = gives(name, getattr(cls, name))
    note = "  # type: ignore[override]" if name in ("__eq__", "__ne__") or (cls.__bases__ != (object,) and name[0] != "_") else ""
    return f"{kind}    def {name}({text}) -> {result}: ...{note}"


def class_text(cls, public):
    """A class with its public attributes; public: the names of classes that may be its base."""
    tensor = cls.__name__ == "Tensor"
    mro = cls.__mro__[1:-1]
    base = next((i for i, c in enumerate(mro) if c in public), len(mro))  # what is inherited from above it is written out
    bases = [public[mro[base]]] if base < len(mro) else ["Exception"] if issubclass(cls, Exception) else []
    attributes = {}
    for c in reversed((cls, *mro[:base])):
        attributes.update(vars(c) if c.__module__.startswith("udlfast") else {})
    lines = [f"class {cls.__name__}" + (f"({', '.join(bases)})" if bases else "") + ":"]
    for name, value in sorted(attributes.items()):
        shown = not name.startswith("_") or name in KEPT or (tensor and name.startswith("__") and name[2:-2] in NUMERIC)
        if shown and not keyword.iskeyword(name):
            lines.append(method_lines(cls, name, value, tensor))
    if not tensor and not issubclass(cls, BaseException):
        lines.append("    def __getattr__(self, name: str) -> Any: ...")  # what instances set
    return "\n".join(lines if len(lines) > 1 else [lines[0] + " ..."])


def names_of(module):
    """Public names of a module that are its own or that it offers."""
    own = getattr(module, "__all__", None) or dir(module)
    return [n for n in sorted(set(own)) if not n.startswith("_") and not keyword.iskeyword(n)]


def module_text(path):
    """The stub of one module."""
    module = importlib.import_module(path)
    package = hasattr(module, "__path__")
    values = {}
    for name in names_of(module):
        try:
            values[name] = getattr(module, name)
        except AttributeError:
            continue
    homes = everywhere()
    public = {v: n for n, v in values.items() if inspect.isclass(v)}
    public = {_tensor(): "udlfast._core.Tensor", **{v: f"{home}.{n}" for v, (home, n) in homes.items()}, **public}
    head = ["import builtins", "from typing import Any, Iterator", "", "import udlfast._core"]
    head += [f"import {home}" for home in sorted({home for home, _ in homes.values()} - {path})]
    body = []
    for name, value in values.items():
        if isinstance(value, types.ModuleType):
            if value.__name__ == f"{path}.{name}" and package:
                head.append(f"from . import {name} as {name}")
            elif name in getattr(module, "__all__", ()):
                body.append(f"{name}: Any")
        elif inspect.isclass(value):
            home = value.__module__
            if home == "udlfast._core" and path != "udlfast._core":
                head.append(f"from udlfast._core import {value.__name__} as {name}")
            elif value.__name__ != name:
                body.append(f"{name}: Any")
            elif home.startswith("udlfast") and home in MODULES and home != path:
                head.append(f"from {home} import {name} as {name}")
            elif home.startswith("udlfast"):
                body.append(class_text(value, public))
        elif callable(value) and not isinstance(value, types.MethodType):
            result = gives(name, value) if hasattr(_tensor(), name) or path == "udlfast.nn.functional" else "Any"
            body.append(f"def {name}({parameters(value)}) -> {result}: ...")
        else:
            body.append(f"{name}: Any")
    if any("Tensor" in line for line in body) and "from udlfast._core import Tensor as Tensor" not in head:
        head.append("from udlfast._core import Tensor")
    if hasattr(module, "__all__"):
        body.append(f"__all__ = {list(module.__all__)!r}")
    return '"""Written by scripts/write_stubs.py."""\n' + "\n".join(head) + "\n\n" + "\n".join(body) + "\n"


@functools.cache
def everywhere():
    """{class: (module, name)} of the bases of classes elsewhere."""
    import udlfast
    return {c: (f"udlfast.{home}", c.__name__) for home, c in (
        ("nn", udlfast.nn.Module), ("optim", udlfast.optim.Optimizer), ("utils.data", udlfast.utils.data.Dataset),
        ("optim.lr_scheduler", udlfast.optim.lr_scheduler.LRScheduler))}


def _tensor():
    import udlfast
    return udlfast.Tensor


def target(path):
    """Where the stub of a module lies."""
    folder = ROOT / path.replace(".", "/")
    return folder / "__init__.pyi" if folder.is_dir() and path != "udlfast._core" else folder.with_suffix(".pyi")


def main():
    warnings.simplefilter("ignore")
    import udlfast
    udlfast.zeros(1).softmax(0)
    late = []
    for path in ["udlfast._core", *MODULES]:
        text = core_text() if path == "udlfast._core" else module_text(path)
        if "--check" in sys.argv:
            late += [] if target(path).exists() and target(path).read_text() == text else [str(target(path))]
        else:
            target(path).write_text(text)
    sys.exit(f"stubs are out of date: run python scripts/write_stubs.py ({', '.join(late)})" if late else 0)


def core_text():
    """The compiled core: the classes that other stubs name; everything else is Any."""
    from udlfast import _core
    classes = [_core.Tensor, _core.dtype, _core.Generator]
    public = {c: c.__name__ for c in classes}
    for name in _core.extensions():
        getattr(_core.Tensor, name, None)
    body = "\n".join(class_text(c, public) for c in classes)
    modes = "".join(MODE.format(name) for name in ("no_grad", "enable_grad", "inference_mode", "set_grad_enabled"))
    head = 'import builtins\nfrom typing import Any, Callable, Iterator, TypeVar\n\n_F = TypeVar("_F", bound=Callable[..., Any])\n'
    return ('"""Written by scripts/write_stubs.py: types of the compiled core; its sources are in the folder _core/."""\n'
            + head + body + modes + "\n\ndef __getattr__(name: str) -> Any: ...\n")



if __name__ == "__main__":
    main()
