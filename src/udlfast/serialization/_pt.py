"""PyTorch's own files: zip checkpoints (.pt, .pth since PyTorch 1.6) and the format before them, read without its pickles' power.

A checkpoint is a pickle of the tree, in which a tensor is the call _rebuild_tensor_v2(storage, offset, shape, strides, ...),
and the storages beside it: zip entries data/0, data/1, ..., or blocks at the end of an old file. Tensors that share a
storage share it here too. An old file is five parts one after another: three small pickles (a number by which one knows
it, a version, facts about the machine), the tree, the list of storages, and the storages.

Source: torch/serialization.py and torch/_utils.py tell the layout.
"""

from .. import _core
from ..layout import strided
from ._files import KINDS, Budget, fill_storage, new_storage, shaped
from ._objects import numpy_names
from ._pickle import Call, Internal, Machine, RefusedError, Stream
from ._plain import PLAIN

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {"Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
            "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool"}  # fmt: skip
UNTYPED = "bytes"


class StorageType(Internal):
    """torch.FloatStorage and its like."""

    __slots__ = ("name", "kind")

    def __init__(self, name, kind):
        self.name, self.kind = name, kind


class Named(Internal):
    """A class that is only ever an argument."""

    __slots__ = ("name",)

    def __init__(self, name):
        self.name = name


class Storage(Internal):
    """A storage that the pickle speaks of; shift: where a part of it begins, in elements."""

    __slots__ = ("file", "key", "kind", "n", "shift")

    def __init__(self, file, key, kind, n, shift=0):
        self.file, self.key, self.kind, self.n, self.shift = file, key, kind, n, shift

    @property
    def name(self):
        return "storage (save the tensor)"


# the calls that make tensors

def _make(machine, kind, storage, offset, shape, strides, requires_grad=False):
    if not isinstance(storage, Storage) or not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError("a storage, a shape and strides were expected")
    if any(type(n) is not int for n in (offset, *shape, *strides)) or len(shape) != len(strides):
        raise TypeError("integers were expected")
    machine.budget.charge(700)
    flat = storage.file.flat(storage, kind or storage.kind)
    t = shaped(flat, shape, strides, offset + storage.shift)
    if requires_grad is True:
        t.requires_grad_(True)
    return t


def _tensor(machine, storage, offset, shape, strides, requires_grad, hooks, metadata=None):
    return _make(machine, None, storage, offset, shape, strides, requires_grad)


def _tensor_v3(machine, storage, offset, shape, strides, requires_grad, hooks, dtype, metadata=None):
    if not isinstance(dtype, _core.dtype):
        raise TypeError("an element type was expected")
    return _make(machine, dtype.name, storage, offset, shape, strides, requires_grad)


def _parameter(machine, data, requires_grad, hooks, state=None):
    from ..nn import Parameter

    if not isinstance(data, _core.Tensor):
        raise TypeError("a tensor was expected")
    machine.budget.charge(700)
    return _with_state(Parameter(data.detach(), requires_grad=requires_grad is True), state)


def _from_type(machine, call, kind, arguments, state):
    """A tensor with attributes of its own."""
    if not isinstance(call, Call) or not isinstance(arguments, tuple):
        raise TypeError("a call was expected")
    if call.build not in (_tensor, _tensor_v3, _parameter, _old_tensor):
        raise TypeError(f"{call.name} makes no tensor")
    return _with_state(call.build(machine, *arguments), state)


def _with_state(t, state):
    if state:
        if type(state) is not dict or any(type(k) is not str or hasattr(type(t), k) for k in state):
            raise TypeError("attributes were expected, none of which is a name that tensors have")
        t.__dict__.update(state)
    return t


def _old_tensor(machine, storage, offset, shape, strides):
    return _make(machine, None, storage, offset, shape, strides)


def _layout(machine, name):
    if name != "torch.strided":
        raise machine.refuse(str(name)[:80])
    return strided


class DtypeTable(dict):
    """PLAIN, the names of tensors, and torch.float32 and its like."""

    def __init__(self):
        super().__init__(PLAIN)
        self.update(numpy_names())
        for name, build in (("_rebuild_tensor", _old_tensor), ("_rebuild_tensor_v2", _tensor), ("_rebuild_tensor_v3", _tensor_v3),
                            ("_rebuild_parameter", _parameter), ("_rebuild_parameter_with_state", _parameter)):
            self["torch._utils", name] = Call("torch._utils." + name, build)
        self["torch._tensor", "_rebuild_from_type_v2"] = Call("torch._tensor._rebuild_from_type_v2", _from_type)
        self["torch.serialization", "_get_layout"] = Call("torch.serialization._get_layout", _layout)
        for module, name in (("torch", "Tensor"), ("torch.nn.parameter", "Parameter")):
            self[module, name] = Named(f"{module}.{name}")
        for name, kind in STORAGES.items():
            self["torch", name + "Storage"] = StorageType(f"torch.{name}Storage", kind)
        for module in ("torch.storage", "torch"):
            self[module, "UntypedStorage"] = StorageType("torch.UntypedStorage", UNTYPED)
        for kind in KINDS:
            self["torch", kind] = _core._dtype_by_name(kind)


TABLE = DtypeTable()


class ZipFile:
    """A zip checkpoint."""

    def __init__(self, source, archive, mapped=None, trusted=False):
        self.trusted, self.source, self.archive, self.mapped = trusted, source, archive, mapped
        self.budget = archive.budget
        inner = [name for name in archive.entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(inner) != 1:
            raise source.broken("a zip archive without one data.pkl: no PyTorch checkpoint")
        self.root = inner[0][: -len("data.pkl")]
        if self.root + "constants.pkl" in archive.entries:
            raise RefusedError(f"load: {source.name} is a TorchScript program (torch.jit.save), no checkpoint; in PyTorch: "
                               f"torch.save(torch.jit.load(path).state_dict(), ...)")
        order = self.root + "byteorder"
        if order in archive.entries and archive.read(order) != b"little":
            raise source.broken("it was written on a big-endian machine, or its byte order is damaged; such files are not supported")
        self.flats = {}

    def load(self):
        entry = self.archive.open(self.root + "data.pkl")
        if entry.method:
            raise self.source.broken("data.pkl is compressed")
        self.archive.check(entry)
        return Machine(Stream(self.source, entry.start, entry.start + entry.size), self.budget, TABLE, self.storage, self.trusted).run()

    def storage(self, machine, key):
        kind, name, n = _storage_id(key, 5)
        machine.budget.charge(200)
        return Storage(self, name, kind, n)

    def flat(self, storage, kind):
        """The memory of a storage, read when the first tensor asks for it."""
        if kind == UNTYPED:
            raise ValueError("an untyped storage without an element type")
        known = self.flats.get(storage.key)
        if known is not None:
            if known[0] != kind:
                raise self.source.broken(f"storage {storage.key!r} is {known[0]} and {kind} at once")
            return known[1]
        entry, size = self.archive.open(f"{self.root}data/{storage.key}"), KINDS[kind][0]
        n = storage.n // size if storage.kind == UNTYPED else storage.n
        if entry.method or entry.size != n * size:
            raise self.source.broken(f"storage {storage.key!r} has {entry.size} bytes, its tensors speak of {n} x {size}")
        self.budget.charge(entry.size + 500)
        flat = self.mapped.flat(entry.start, kind, n) if self.mapped and n else None
        if flat is None:
            flat = new_storage(kind, n)
            fill_storage(flat, kind, lambda: self.archive.pieces(entry), self.archive.into(entry))
        self.flats[storage.key] = kind, flat
        return flat


def _storage_id(key, parts):
    """(kind, key, number of elements) of ("storage", type, key, location, n, ...)."""
    if not isinstance(key, tuple) or len(key) < parts or key[0] != "storage":
        raise ValueError(f"a reference to a {str(key[0])[:40] if isinstance(key, tuple) and key else type(key).__name__}")
    _, kind, name, _, n = key[:5]
    if not isinstance(kind, StorageType) or type(name) is not str or type(n) is not int or not 0 <= n < 1 << 60:
        raise ValueError("a reference to a storage without type, name or size")
    return kind.kind, name, n


class OldFile:
    """A file of PyTorch before 1.6. Its storages come after the tree, so they are made first and filled later."""

    def __init__(self, source, budget, trusted=False):
        self.source, self.budget, self.flats, self.trusted = source, budget, {}, trusted

    def load(self):
        source = self.source
        self.stream = Stream(source, 0, source.size)
        if self.next_pickle() != MAGIC:
            raise source.broken("a pickle that torch.save did not write; such files are not supported")
        version, facts = self.next_pickle(), self.next_pickle()
        if version != 1001 or type(facts) is not dict or facts.get("little_endian") is not True:
            raise source.broken("it has an unknown version, or was written on a big-endian machine")
        tree, keys = self.next_pickle(), self.next_pickle()
        if type(keys) is not list or len(set(map(str, keys))) != len(keys):
            raise source.broken("its list of storages makes no sense")
        at = self.stream.place()
        for key in keys:
            at = self.fill(key, at)
        if self.flats:
            raise source.broken("it speaks of storages that are not there")
        source.file.seek(source.start + at)
        return tree

    def next_pickle(self):
        return Machine(self.stream, self.budget, TABLE, self.storage, self.trusted).run()

    def storage(self, machine, key):
        kind, name, n = _storage_id(key, 5)
        if kind == UNTYPED:
            raise ValueError("an untyped storage in an old file")
        known = self.flats.get(name)
        if known is None:
            size = n * KINDS[kind][0]
            self.asked = getattr(self, "asked", 0) + size
            if self.asked > self.source.size:
                raise self.source.broken(f"its storages take {self.asked} bytes or more")
            self.budget.charge(size + 500)
            self.flats[name] = known = kind, new_storage(kind, n)
        if known[0] != kind or known[1].numel() != n:
            raise self.source.broken(f"storage {name!r} is two things at once")
        shift = 0
        part = key[5] if len(key) > 5 else None
        if part is not None:
            _, shift, length = part
            if type(shift) is not int or type(length) is not int or shift < 0 or shift + length > n:
                raise ValueError("a part of a storage that lies outside of it")
        machine.budget.charge(200)
        return Storage(self, name, kind, n, shift)

    def flat(self, storage, kind):
        if kind != storage.kind:
            raise ValueError(f"a storage that is {storage.kind} and {kind} at once")
        return self.flats[storage.key][1]

    def fill(self, key, at):
        """Read the storage at a place of the file; returns the place after it."""
        if type(key) is not str or key not in self.flats:
            raise self.source.broken("it holds a storage that no tensor uses")
        kind, flat = self.flats.pop(key)
        n, size = int.from_bytes(self.source.read(at, 8), "little"), KINDS[kind][0]
        if n != flat.numel():
            raise self.source.broken(f"storage {key!r} has {n} elements, its tensors speak of {flat.numel()}")
        at += 8
        fill_storage(flat, kind, lambda: self.source.pieces(at, n * size), lambda view: self.source.read_into(at, view))
        return at + n * size


def load_zip(source, archive, mapped, trusted=False):
    """The tree of a zip checkpoint."""
    return ZipFile(source, archive, mapped, trusted).load()


def load_old(source, max_bytes, trusted=False):
    """The tree of a file from before PyTorch 1.6."""
    return OldFile(source, Budget(source, max_bytes), trusted).load()
