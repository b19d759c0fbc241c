"""The plain names that a pickle may call: containers, bytes, complex numbers, shapes, devices. Each builder charges what it makes."""

from collections import Counter, OrderedDict

from ..device import device
from ..size import Size
from ._pickle import Call


def _ordered(machine, items=()):
    machine.budget.charge(500)
    return machine.fill(OrderedDict(), _pairs(items), len(items))


def _counter(machine, items=None):
    machine.budget.charge(400)
    items = {} if items is None else items
    if type(items) is not dict:
        raise TypeError(f"a Counter of a {type(items).__name__}")
    return machine.fill(Counter(), items.items(), len(items))


def _pairs(items):
    if type(items) not in (list, tuple) or any(type(p) not in (list, tuple) or len(p) != 2 for p in items):
        raise TypeError("pairs were expected")
    return items


def _set_of(kind):
    def build(machine, items=()):
        if type(items) not in (list, tuple):
            raise TypeError(f"a {kind.__name__} of a {type(items).__name__}")
        machine.budget.charge(240)
        return kind(machine.keys(items))
    return build


def _bytes_of(kind, name):
    """_codecs.encode(text, "latin1"), as bytes are written by protocol 2; bytearray(text, "latin-1"), bytearray(bytes)."""
    def build(machine, text=b"", encoding=None):
        if type(text) is str and encoding not in ("latin1", "latin-1") or type(text) not in (str, bytes):
            raise TypeError(f"{name} of a {type(text).__name__} by {encoding!r}")
        machine.budget.charge(2 * len(text) + 64)
        return kind(text.encode("latin-1") if type(text) is str else text)
    return Call(name, build)


def _complex(machine, real, imag):
    if type(real) not in (int, float) or type(imag) not in (int, float):
        raise TypeError("numbers were expected")
    machine.budget.charge(32)
    return complex(real, imag)


def _size(machine, sizes):
    if type(sizes) is not tuple or len(sizes) > 64 or any(type(s) is not int for s in sizes):
        raise TypeError("integers were expected")
    machine.budget.charge(64 + 8 * len(sizes))
    return Size(sizes)


def _device(machine, kind, index=None):
    if type(kind) is not str or not kind.isascii() or not 0 < len(kind) < 40:
        raise TypeError("the name of a device was expected")
    machine.budget.charge(200)
    return device("cpu")  # wherever it was


PLAIN = {
    ("collections", "OrderedDict"): Call("collections.OrderedDict", _ordered),
    ("collections", "Counter"): Call("collections.Counter", _counter),
    ("builtins", "set"): Call("set", _set_of(set)), ("builtins", "frozenset"): Call("frozenset", _set_of(frozenset)),
    ("builtins", "bytearray"): _bytes_of(bytearray, "bytearray"), ("builtins", "bytes"): _bytes_of(bytes, "bytes"),
    ("_codecs", "encode"): _bytes_of(bytes, "_codecs.encode"),
    ("builtins", "complex"): Call("complex", _complex),
    ("torch", "Size"): Call("torch.Size", _size), ("torch", "device"): Call("torch.device", _device),
}  # fmt: skip
