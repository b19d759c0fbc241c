"""NumPy's .npz (a zip archive of .npy files) and .npy, both ways. Arrays of numbers only: no pickled objects.

.npy: the magic, 2 bytes of version, the size of the header, {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, the
bytes. Source: numpy/lib/format.py describes it.
"""

import re

from .. import _core
from .._core import Tensor
from ._files import KINDS, Budget, FileFormatError, cannot_store, fill_storage, new_storage, shaped, tensor_bytes
from ._zip import Writer

MAGIC = b"\x93NUMPY"
HEADER = re.compile(r"\{'descr': '([<>|=][a-zA-Z]\d+)', 'fortran_order': (True|False), 'shape': \(((?:\d{1,19}, ?)*\d{0,19},?)\), ?\} *\n")
KIND_OF = {stored: kind for kind, (_, stored, _, _) in KINDS.items() if kind not in ("bfloat16", "bool")} | {"|b1": "bool"}
DESCR = {kind: descr for descr, kind in KIND_OF.items()}


def save(obj, file):
    """Write a dict of tensors (or a list, or one tensor: arr_0, arr_1, ...) to a file that has write()."""
    if isinstance(obj, Tensor):
        obj = [obj]
    if isinstance(obj, (list, tuple)):
        obj = {f"arr_{i}": value for i, value in enumerate(obj)}
    if not isinstance(obj, dict):
        raise TypeError(f"save: .npz holds a dict of tensors, got a {type(obj).__name__}")
    writer = Writer(file)
    for name, t in obj.items():
        if type(name) is not str:
            raise TypeError(f"save: .npz holds a dict of names and tensors, got the key {name!r}")
        if isinstance(t, (bool, int, float)):
            t = _core.full((), t, dtype=_core.bool_ if isinstance(t, bool) else _core.int64 if isinstance(t, int) else _core.float64)
        if not isinstance(t, Tensor):
            raise cannot_store(t, name)
        if t.dtype.name not in DESCR:
            raise TypeError(f"save: NumPy has no {t.dtype.name} ({name!r}); use .float(), or .pt or .safetensors")
        text = f"{{'descr': '{DESCR[t.dtype.name]}', 'fortran_order': False, 'shape': {tuple(t.shape)}, }}"
        text += " " * (-(len(text) + 11) % 64) + "\n"
        writer.add(name + ".npy", MAGIC + b"\1\0" + len(text).to_bytes(2, "little") + text.encode() + tensor_bytes(t))
    writer.close()


def load_archive(source, archive):
    """A dict of the arrays of an .npz file."""
    out = {}
    for name, entry in archive.entries.items():
        if not name.endswith(".npy"):
            raise source.broken(f"the zip entry {name!r} is no array")
        archive.budget.charge(entry.size + 700)
        if not entry.method and entry.size:
            archive.check(entry)
        out[name[:-4]] = _read(source, _Pieces(archive.pieces(entry)), entry.size, name)
    return out


def load_one(source, max_bytes):
    """The array of an .npy file."""
    Budget(source, max_bytes).charge(source.size)
    return _read(source, _Pieces(source.pieces(0, source.size)), source.size, source.name)


class _Pieces:
    """Bytes that come in pieces, taken in other sizes."""

    def __init__(self, pieces):
        self.pieces, self.rest = pieces, b""

    def take(self, n):
        while len(self.rest) < n:
            piece = next(self.pieces, None)
            if piece is None:
                break
            self.rest += piece
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def remaining(self, size):
        """The bytes that are left, in pieces of whole elements."""
        while True:
            if self.rest:
                whole = len(self.rest) - len(self.rest) % size
                piece, self.rest = self.rest[:whole], self.rest[whole:]
                if piece:
                    yield piece
            more = next(self.pieces, None)
            if more is None:
                return
            self.rest += more


def _read(source, stream, size, name):
    head = stream.take(10)
    if head[:6] != MAGIC or len(head) < 10 or head[6] not in (1, 2, 3):
        raise source.broken(f"{name!r} is no NumPy array")
    n, skip = int.from_bytes(head[8:10], "little"), 10
    if head[6] > 1:
        n, skip = n | int.from_bytes(stream.take(2), "little") << 16, 12
    if n > 10_000:
        raise source.broken(f"{name!r} has a header of {n} bytes")
    found = HEADER.fullmatch(stream.take(n).decode("latin-1"))
    if not found:
        raise FileFormatError(f"load: {source.name}: {name!r} is damaged, or an array of something other than numbers")
    descr, fortran, shape = found[1], found[2] == "True", tuple(int(s) for s in found[3].replace(",", " ").split())
    kind = KIND_OF.get(descr)
    if kind is None:
        raise FileFormatError(f"load: {source.name}: the array {name!r} has the type {descr!r}, which is not supported")
    count = 1
    for s in shape:
        count *= s
    if count * KINDS[kind][0] != size - skip - n:
        raise source.broken(f"{name!r} of shape {list(shape)} and type {descr} has {size - skip - n} bytes")
    flat = new_storage(kind, count)
    fill_storage(flat, kind, lambda: stream.remaining(KINDS[kind][0]), lambda view: _copy(stream, view))
    try:
        t = shaped(flat, shape[::-1] if fortran else shape)
    except (ValueError, RuntimeError) as error:
        raise FileFormatError(f"load: {source.name}: {name!r}: {error}") from None
    return t.permute(*reversed(range(len(shape)))) if fortran and len(shape) > 1 else t


def _copy(stream, view):
    at = 0
    for piece in stream.remaining(1):
        view[at : at + len(piece)] = piece
        at += len(piece)
