"""Whole modules and NumPy arrays in a checkpoint: which classes a file may name, and how their objects are filled.

A file only ever names a class or function that the program has already: one that it listed by add_safe_globals or
safe_globals, or with weights_only=False a subclass of Module that is already imported, or a function of udlfast's ops.
Nothing is imported for a file (but NumPy for its arrays), no class is called: an object is made empty (object.__new__),
checked, and filled through its class's own __setstate__, or its __dict__. Functions are only referred to.
"""

import sys
import types
from contextlib import contextmanager

from .. import _core
from ._files import cannot_store, join
from ._pickle import Call, Internal

SAFE = {}  # (module, name) -> class or function that the user listed
FUNCTIONS = ("udlfast.ops.", "udlfast.nn.functional")
NUMBERS = frozenset("b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split())


# what the user lists

def _entries(objects):
    out = {}
    for entry in objects:
        thing, name = entry if isinstance(entry, tuple) else (entry, None)
        if not isinstance(thing, (type, types.FunctionType, types.BuiltinFunctionType)):
            raise TypeError(f"add_safe_globals: a class or function (or a pair of it and its name) is needed, got a {type(thing).__name__}")
        key = tuple(name.rpartition(".")[::2]) if name else (thing.__module__, thing.__qualname__)
        out[key] = thing
    return out


def add_safe_globals(safe_globals):
    """Lists classes (and functions) of which load may make objects: all of a file's attributes go into them unseen.

    Arguments:
        safe_globals: classes and functions, or pairs (class, "module.name") where the file knows it under another name.
    Raises:
        TypeError: something in the list is neither.

    Example:
        >>> import io
        >>> import udlfast as torch
        >>> file = io.BytesIO()
        >>> torch.save(torch.nn.Linear(2, 1), file)
        >>> _ = file.seek(0)
        >>> with torch.serialization.safe_globals([torch.nn.Linear]):
        ...     torch.load(file)
        Linear(in_features=2, out_features=1, bias=True)

    Source: PyTorch's function of this name.
    """
    SAFE.update(_entries(safe_globals))


def get_safe_globals():
    """The classes and functions listed by add_safe_globals."""
    return list(SAFE.values())


def clear_safe_globals():
    """Empties the list of add_safe_globals."""
    SAFE.clear()


@contextmanager
def safe_globals(safe_globals):
    """add_safe_globals for the time of a with block."""
    before = dict(SAFE)
    SAFE.update(_entries(safe_globals))
    try:
        yield
    finally:
        SAFE.clear()
        SAFE.update(before)


# reading

def _own(module, name):
    """A layer or operation of udlfast itself, whose module may be one that is imported at its first use."""
    from .. import nn, ops

    for home in (nn, nn.functional, ops):
        found = getattr(home, name, None) if name.isidentifier() and not name.startswith("_") else None
        if getattr(found, "__module__", None) == module:
            return found
    return None


def imported(module, name):
    """What a name means in the modules that are imported, or None; no code runs to find it."""
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    if found is None and module.startswith("udlfast."):
        found = _own(module, name)
    return found


def is_module_class(thing):
    from ..nn import Module

    return isinstance(thing, type) and issubclass(thing, Module)


def find(module, name, trusted):
    """What a file may mean by a name that is not in the table: a Call that makes an object, a function, or None."""
    found = SAFE.get((module, name))
    if found is None and trusted:
        found = imported(module, name)
        if (getattr(found, "__module__", None), getattr(found, "__qualname__", None)) != (module, name):
            return None
        if not is_module_class(found) and not (isinstance(found, types.FunctionType) and module.startswith(FUNCTIONS)):
            return None
    return Call(f"{module}.{name}", Maker(found)) if isinstance(found, type) else found


class Maker:
    """Makes an empty object of a class; its BUILD must follow."""

    def __init__(self, kind):
        self.kind = kind

    def __call__(self, machine):
        machine.budget.charge(1000)
        made = object.__new__(self.kind)
        machine.made[id(made)] = made
        return made


def fill(machine, target, state):
    """BUILD of an object that Maker made."""
    kind = type(target)
    if type(state) is not dict or not all(type(k) is str and not k.startswith("__") for k in state):
        raise machine.refuse(f"attributes of a {kind.__name__} that are no dict of names")
    machine.budget.charge(120 * len(state))
    if is_module_class(kind):
        _check_module(machine, kind, state)
    del machine.made[id(target)]
    try:
        if hasattr(kind, "__setstate__"):
            target.__setstate__(state)
        else:
            target.__dict__.update(state)
    except Exception as error:
        raise machine.source.broken(f"{kind.__qualname__}.__setstate__ cannot take what it holds: {error!r}") from None


def hides(state):
    """The name of a method of Module in whose place a state puts something else to call, or None."""
    from ..nn import Module

    return next((k for k, v in state.items() if callable(v) and not isinstance(v, Module) and hasattr(Module, k)), None)


def _check_module(machine, kind, state):
    """A module's parts are what their names say, and hide none of its methods."""
    from ..nn import Module, Parameter

    types_of = {"parameter": Parameter, "module": Module, "buffer": _core.Tensor, "transient": _core.Tensor}
    kinds = state.get("_kinds")
    hidden = hides(state)
    if hidden:
        raise machine.refuse(f"the attribute {hidden!r} in place of a method of {kind.__name__}")
    if type(kinds) is not dict or type(state.get("training")) is not bool or state.get("_hooks") is not None:
        raise machine.source.broken(f"a {kind.__name__} without the attributes of a Module")
    for name, what in kinds.items():
        value = state.get(name, state)
        if type(name) is not str or type(what) is not str or what not in types_of:
            raise machine.source.broken(f"a {kind.__name__} with a list of names that makes no sense")
        if value is not None and not isinstance(value, types_of[what]):
            raise machine.source.broken(f"a {kind.__name__} whose {what} {name!r} is a {type(value).__name__}")


# NumPy's arrays of numbers: data like any other

class Array(Internal):
    """numpy.ndarray and the arguments of its reconstruction."""

    __slots__ = ("name",)

    def __init__(self):
        self.name = "numpy.ndarray"


def _reconstruct(machine, kind, shape, code):
    import numpy as np

    if not isinstance(kind, Array):
        raise TypeError("numpy.ndarray was expected")
    machine.budget.charge(300)
    made = np.empty(0, np.uint8)
    machine.made[id(made)] = made
    return made


def _dtype(machine, code, align=False, copy=True):
    import numpy as np

    if type(code) is not str or code not in NUMBERS:
        raise machine.refuse(f"numpy.dtype {str(code)[:40]!r}")
    machine.budget.charge(300)
    return Element(np.dtype(code))


class Element(Internal):
    """A numpy.dtype on its way to an array."""

    __slots__ = ("name", "dtype", "order")

    def __init__(self, dtype):
        self.name, self.dtype, self.order = "numpy.dtype", dtype, "="


def fill_element(machine, target, state):
    """BUILD of a dtype: (version, byte order, nothing ...)."""
    if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "=") or any(state[2:5]):
        raise machine.refuse("a numpy.dtype that is no plain number")
    target.order = state[1]


def fill_array(machine, target, state):
    """BUILD of an array: (version, shape, dtype, by columns, bytes)."""
    import numpy as np

    if not isinstance(state, tuple) or len(state) != 5:
        raise machine.source.broken("an array without shape, type and bytes")
    _, shape, element, columns, raw = state
    if not isinstance(element, Element) or type(raw) not in (bytes, bytearray) or type(shape) is not tuple or len(shape) > 32:
        raise machine.refuse("a numpy.ndarray that is not of plain numbers")
    n = element.dtype.itemsize
    for size in shape:
        if type(size) is not int or not 0 <= size < 1 << 60:
            raise machine.source.broken("an array whose shape makes no sense")
        n *= size
    if n != len(raw):
        raise machine.source.broken(f"an array of {n} bytes with {len(raw)} bytes of numbers")
    machine.budget.charge(n)
    if element.dtype.kind == "b" and bytes(raw).translate(None, b"\0\1"):
        raise machine.source.broken("a truth value that is neither 0 nor 1")
    order = "<" if element.order == "=" else element.order
    dtype = np.dtype(element.dtype).newbyteorder(order) if element.dtype.itemsize > 1 else element.dtype
    del machine.made[id(target)]
    try:
        target.__setstate__((1, shape, dtype, columns is True, bytes(raw)))
    except (TypeError, ValueError, OverflowError) as error:
        raise machine.source.broken(f"an array that NumPy cannot make: {error}") from None


def numpy_names():
    """The names by which NumPy's pickles make arrays."""
    out = {("numpy", "ndarray"): Array(), ("numpy", "dtype"): Call("numpy.dtype", _dtype)}
    for home in ("numpy.core.multiarray", "numpy._core.multiarray"):
        out[home, "_reconstruct"] = Call(home + "._reconstruct", _reconstruct)
    return out


def build(machine, target, state):
    """BUILD of what this file's makers made; False: it is none of theirs."""
    if isinstance(target, Element):
        fill_element(machine, target, state)
    elif id(target) not in machine.made:  # what is in it lives, so that no other object has its id
        return False
    elif type(target).__module__ == "numpy":
        fill_array(machine, target, state)
    else:
        fill(machine, target, state)
    return True


# writing

def write(pickler, obj, path):
    """Write a Module, an array, or (inside a Module) a function or an object of a class of the user; False: none of them."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and type(obj) is numpy.ndarray:
        pickler.shared(obj, path, lambda obj, path: _write_array(pickler, obj, path))
    elif isinstance(obj, types.FunctionType) and pickler.inside:
        if imported(obj.__module__, obj.__qualname__) is not obj:
            return False
        pickler.name(obj.__module__, obj.__qualname__)
    elif is_module_class(type(obj)) or (pickler.inside and not isinstance(obj, (type, types.BuiltinFunctionType))):
        pickler.shared(obj, path, lambda obj, path: _write_object(pickler, obj, path))
    else:
        return False
    return True


def _write_object(pickler, obj, path):
    import copyreg

    kind = type(obj)
    if imported(kind.__module__, kind.__qualname__) is not kind:
        raise TypeError(f"save: the class {kind.__qualname__} of the object at {path!r} cannot be found again by its name in "
                        f"{kind.__module__}; save its state_dict()")
    try:
        made, arguments, state, *rest = obj.__reduce_ex__(2)
    except (TypeError, ValueError):  # it says that it cannot be pickled
        raise cannot_store(obj, path) from None
    if made is not copyreg.__newobj__ or arguments != (kind,) or type(state) is not dict or any(r is not None for r in rest):
        raise cannot_store(obj, path)
    if state.get("_hooks") is not None and is_module_class(kind):
        raise TypeError(f"save: the {kind.__name__} at {path!r} has hooks, which no file holds; remove them, or save its state_dict()")
    if is_module_class(kind) and hides(state):
        raise TypeError(f"save: the {kind.__name__} at {path!r} has an attribute in place of its method {hides(state)!r}; "
                        f"save its state_dict()")
    pickler.name(kind.__module__, kind.__qualname__)
    pickler.out += b")\x81"
    pickler.put(id(obj))
    pickler.kept.append(state)
    pickler.inside += 1
    pickler.out += b"}("
    for name, value in state.items():
        pickler.text(name)
        pickler.save(value, join(path, name))
    pickler.out += b"ub"
    pickler.inside -= 1


def _write_array(pickler, obj, path):
    home = type(obj).__reduce__(obj)[0]
    if obj.dtype.str[1:] not in NUMBERS:
        raise cannot_store(obj, path)
    pickler.name(home.__module__, home.__name__)
    pickler.name("numpy", "ndarray")
    pickler.parts((0,), path)
    pickler.call("_codecs", "encode", ("b", "latin1"), path)
    pickler.out += b"\x87R"
    pickler.put(id(obj))
    columns = obj.flags.f_contiguous and not obj.flags.c_contiguous
    pickler.out += b"("
    pickler.integer(1, path)
    pickler.save(tuple(obj.shape), path)
    pickler.call("numpy", "dtype", (obj.dtype.str[1:], False, True), path)
    pickler.save((3, obj.dtype.str[0], None, None, None, -1, -1, 0), path)
    pickler.out += b"b"
    pickler.save(bool(columns), path)
    pickler.save(obj.tobytes("F" if columns else "C"), path)
    pickler.out += b"tb"
