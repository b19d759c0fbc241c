"""Writes PyTorch's zip checkpoints, such that torch.load(path, weights_only=True) reads them: no class of ours goes into them.

The tree becomes a pickle of protocol 2, written here byte by byte; each memory that tensors share becomes one entry
data/N, cut to what they use of it. Where in that entry a tensor begins is known only at the end, so the places of these
numbers are kept, and filled in then.
"""

from collections import Counter, OrderedDict
from struct import pack, pack_into

from .. import _core
from .._core import Tensor
from ..device import device
from ..size import Size
from ._files import cannot_store, join
from ._objects import write
from ._pt import STORAGES
from ._zip import Writer

NUMPY_NUMBERS = frozenset("bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32".split())
STORAGE_OF = {kind: name + "Storage" for name, kind in STORAGES.items()}


class Memory:
    """A storage of the file: what tensors use of one storage here."""

    def __init__(self, key, t, address):
        self.key, self.t, self.address = key, t, address
        self.first, self.last = address, address
        self.untyped = t.dtype.name not in STORAGE_OF  # the newer types have no class of storages: bytes, and the type beside them
        self.later = []  # places in the pickle: of the number of elements, and of offsets

    def use(self, first, last):
        self.first = first if self.last == self.first else min(self.first, first)
        self.last = max(self.last, last)


class Pickler:
    """The pickle of a tree, and the memories of its tensors."""

    def __init__(self):
        self.out, self.memo, self.kept, self.memories, self.names = bytearray(b"\x80\x02"), {}, [], {}, {}
        self.inside = 0  # how many modules we are in

    def dump(self, obj):
        try:
            self.save(obj, "")
        except RecursionError:
            raise ValueError("save: the tree is nested too deeply") from None
        self.out += b"."
        for m in self.memories.values():
            size = m.t.itemsize
            for place, at in m.later:
                number = (m.last - m.first) // (1 if m.untyped else size) if at is None else (at - m.first) // size
                pack_into("<q", self.out, place, number)
        return bytes(self.out)

    def put(self, key):
        """Remember the object on top of the stack under a key of the memo."""
        n = self.memo[key] = len(self.memo)
        self.out += b"q" + bytes([n]) if n < 256 else b"r" + pack("<I", n)

    def known(self, key):
        n = self.memo.get(key)
        if n is None:
            return False
        self.out += b"h" + bytes([n]) if n < 256 else b"j" + pack("<I", n)
        return True

    def save(self, obj, path):
        kind = type(obj)
        if obj is None or kind is bool:
            self.out += b"N" if obj is None else b"\x88" if obj else b"\x89"
        elif isinstance(obj, Tensor):
            self.shared(obj, path, self.tensor)
        elif isinstance(obj, str):
            self.text(str(obj))
        elif isinstance(obj, int):
            self.integer(int(obj), path)
        elif isinstance(obj, float):
            self.out += b"G" + pack(">d", obj)
        elif isinstance(obj, dict):
            self.shared(obj, path, self.mapping)
        elif isinstance(obj, list):
            self.shared(obj, path, self.list)
        elif kind is Size:
            self.call("torch", "Size", (tuple(obj),), path)
        elif isinstance(obj, tuple):
            self.shared(obj, path, self.tuple)
        else:
            self.rare(obj, kind, path)

    def rare(self, obj, kind, path):
        if kind is _core.dtype:
            self.name("torch", obj.name)
        elif kind is device:
            self.call("torch", "device", (str(obj),), path)
        elif kind.__module__ == "numpy" and kind.__name__ in NUMPY_NUMBERS:
            self.save(obj.item(), path)  # as Python's own, which loaders allow
        elif kind is bytes:
            self.call("_codecs", "encode", (obj.decode("latin-1"), "latin1"), path)
        elif kind is bytearray:
            self.call("__builtin__", "bytearray", (bytes(obj),), path)
        elif kind is complex:
            self.call("__builtin__", "complex", (obj.real, obj.imag), path)
        elif kind in (set, frozenset) and not any(map(callable, obj)):
            self.call("__builtin__", kind.__name__, (list(obj),), path)
        elif not write(self, obj, path):
            raise cannot_store(obj, path)

    def shared(self, obj, path, write):
        """An object that is written once, however often the tree holds it."""
        if not self.known(id(obj)):
            self.kept.append(obj)  # its id must stay its own
            write(obj, path)

    def text(self, text):
        if not self.known(text):
            raw = text.encode("utf-8", "surrogatepass")
            self.out += b"X" + pack("<I", len(raw)) + raw
            self.put(text)

    def integer(self, n, path):
        if 0 <= n < 256:
            self.out += b"K" + bytes([n])
        elif -(1 << 31) <= n < 1 << 31:
            self.out += b"J" + pack("<i", n)
        else:
            size = n.bit_length() // 8 + 1
            if size > 255:
                raise ValueError(f"save: an integer of {size} bytes at {path!r} is too long for the format")
            self.out += b"\x8a" + bytes([size]) + n.to_bytes(size, "little", signed=True)

    def name(self, module, name):
        if not self.known((module, name)):
            self.out += f"c{module}\n{name}\n".encode()
            self.put((module, name))

    def call(self, module, name, arguments, path):
        self.name(module, name)
        self.parts(arguments, path)
        self.out += b"R"

    def parts(self, items, path, short=(b")", b"\x85", b"\x86", b"\x87")):
        """A tuple that is not remembered."""
        if len(items) > 3:
            self.out += b"("
        for item in items:
            self.save(item, path)
        self.out += short[len(items)] if len(items) <= 3 else b"t"

    def tuple(self, obj, path):
        if len(obj) > 3:
            self.out += b"("
        for i, item in enumerate(obj):
            self.save(item, join(path, i))
        self.out += (b")", b"\x85", b"\x86", b"\x87")[len(obj)] if len(obj) <= 3 else b"t"
        if obj and id(obj) not in self.memo:
            self.put(id(obj))

    def list(self, obj, path):
        self.out += b"]"
        self.put(id(obj))
        for start in range(0, len(obj), 1000):
            self.out += b"("
            for i, item in enumerate(obj[start : start + 1000], start):
                self.save(item, join(path, i))
            self.out += b"e"

    def mapping(self, obj, path):
        kind = type(obj)
        if kind is OrderedDict or kind is Counter:
            self.name("collections", kind.__name__)
            self.out += b")R"
        else:
            self.out += b"}"
        self.put(id(obj))
        items = list(obj.items())
        for start in range(0, len(items), 1000):
            self.out += b"("
            for key, value in items[start : start + 1000]:
                if isinstance(key, Tensor) or callable(key):
                    raise TypeError(f"save: cannot store a dict key of type {type(key).__name__} at {path!r}")
                self.save(key, path)
                self.save(value, join(path, key))
            self.out += b"u"
        metadata = getattr(obj, "_metadata", None) if kind is OrderedDict else None
        if isinstance(metadata, dict):
            self.save({"_metadata": metadata}, path)
            self.out += b"b"

    def tensor(self, t, path):
        from ..nn import Parameter

        parameter = isinstance(t, Parameter)
        if parameter:
            self.name("torch._utils", "_rebuild_parameter")
            self.out += b"("
        newer = t.dtype.name not in STORAGE_OF
        self.name("torch._utils", "_rebuild_tensor_v3" if newer else "_rebuild_tensor_v2")
        self.out += b"("
        memory = self.storage(t)
        self.later(memory, memory.address + t.storage_offset() * t.itemsize if t.numel() else None, 0)
        self.parts(tuple(t.shape), path)
        self.parts(tuple(t.stride()), path)
        self.out += (b"\x88" if t.requires_grad and not parameter else b"\x89") + b"ccollections\nOrderedDict\n)R"
        if newer:
            self.name("torch", t.dtype.name)
        self.out += b"tR"
        if parameter:
            self.out += (b"\x88" if t.requires_grad else b"\x89") + b"ccollections\nOrderedDict\n)RtR"
        self.put(id(t))

    def storage(self, t):
        """The persistent id of a tensor's storage: ("storage", type, key, "cpu", n)."""
        address, kind = _core.storage_address(t), t.dtype.name
        memory = self.memories.get((address, kind))
        if memory is None:
            memory = self.memories[address, kind] = Memory(str(len(self.memories)), t.detach(), address)
        if t.numel():
            first = address + t.storage_offset() * t.itemsize
            memory.use(first, first + (1 + sum((n - 1) * k for n, k in zip(t.shape, t.stride()))) * t.itemsize)
        if not self.known(memory):
            self.out += b"("
            self.text("storage")
            self.name(*(("torch.storage", "UntypedStorage") if memory.untyped else ("torch", STORAGE_OF[kind])))
            self.text(memory.key)
            self.text("cpu")
            self.later(memory, None)
            self.out += b"t"
            self.put(memory)
        self.out += b"Q"
        return memory

    def later(self, memory, at, number=None):
        """An integer of 8 bytes that is known at the end: the place `at` in memory, or (None) the number of elements."""
        self.out += b"\x8a\x08" + bytes(8)
        if at is not None or number is None:
            memory.later.append((len(self.out) - 8, at))


def save_zip(obj, file):
    """Write a tree to a file that has write()."""
    pickler = Pickler()
    tree = pickler.dump(obj)
    writer = Writer(file)
    writer.add("archive/data.pkl", tree)
    writer.add("archive/byteorder", b"little")
    for m in pickler.memories.values():
        view = _core.storage_view(m.t)
        writer.add(f"archive/data/{m.key}", view[m.first - m.address : m.last - m.address])
    writer.add("archive/version", b"3\n")
    writer.close()
