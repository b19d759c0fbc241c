"""What the readers and writers of all formats share: errors, bounded memory, places in a file, and all-or-nothing files."""

import os

from .. import _core

MiB = 1 << 20
SLACK = 12 * MiB  # beside the size of the file: Python's objects for its tree
PIECE = 1 << 18


class FileFormatError(RuntimeError, ValueError):
    """A file that is truncated, damaged, of another format, or asks for more than it may."""


class EmptyFileError(FileFormatError, EOFError):
    """A file without a byte."""


class Budget:
    """Counts what a file asks for before it is given; a small file must not become a large tree.

    charge(n) takes n bytes from the file's own size and 12 MiB (or from max_bytes) and raises when none are left.
    """

    def __init__(self, source, max_bytes=None):
        self.most = source.size + SLACK if max_bytes is None else int(max_bytes)
        self.left, self.name = self.most, source.name

    def charge(self, n):
        self.left -= n
        if self.left < 0:
            raise FileFormatError(
                f"load: {self.name} asks for more memory than its size and {SLACK // MiB} MiB ({self.most} bytes): it is "
                f"damaged, made to fill memory, or compressed; if you trust it: load(..., max_bytes=...)"
            )


class Source:
    """A file that is read at places: a path, or an open binary file from where it stands to its end."""

    def __init__(self, f):
        import io

        self.path = None
        if hasattr(f, "read"):
            self.name = str(getattr(f, "name", "the file"))
            seekable = hasattr(f, "seek") and hasattr(f, "tell") and getattr(f, "seekable", lambda: True)()
            self.file, self.owned = (f if seekable else io.BytesIO(f.read())), False
            self.start = self.file.tell()
        else:
            self.name = self.path = os.fspath(f)
            self.file, self.owned, self.start = open(f, "rb", buffering=0), True, 0
        self.size = self.file.seek(0, 2) - self.start
        self.file.seek(self.start)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.owned:
            self.file.close()

    def read(self, at, n):
        """Exactly n bytes from the place `at`."""
        if n < 0 or at < 0 or at + n > self.size:
            raise self.cut(at, n)
        self.file.seek(self.start + at)
        data = self.file.read(n)
        while len(data) < n:
            more = self.file.read(n - len(data))
            if not more:
                raise self.cut(at, n)
            data += more
        return data

    def read_into(self, at, view):
        """Fill a writable memoryview from the place `at`."""
        n, done = len(view), 0
        if at < 0 or at + n > self.size:
            raise self.cut(at, n)
        self.file.seek(self.start + at)
        whole = hasattr(self.file, "readinto")
        while done < n:
            if whole:
                got = self.file.readinto(view[done:])
            else:
                piece = self.file.read(min(n - done, PIECE))
                got = len(piece)
                view[done : done + got] = piece
            if not got:
                raise self.cut(at, n)
            done += got

    def pieces(self, at, n, size=PIECE):
        """The bytes of [at, at + n) in pieces of at most `size` (a multiple of 8)."""
        for start in range(0, n, size):
            yield self.read(at + start, min(size, n - start))

    def cut(self, at, n):
        return FileFormatError(
            f"load: {self.name} is damaged or cut off: {n} bytes at {at} were expected, and it has {self.size}; was it "
            f"cut off while it was copied or written?"
        )

    def broken(self, why):
        return FileFormatError(f"load: {self.name} is damaged or cut off: {why} ({self.size} bytes)")


# element types in files: name -> (bytes of an element, NumPy's code for it, our type, NumPy's code for ours)
KINDS = {
    "bool": (1, "|u1", "bool", "|u1"), "uint8": (1, "|u1", "uint8", "|u1"), "int32": (4, "<i4", "int32", "<i4"),
    "int64": (8, "<i8", "int64", "<i8"), "bfloat16": (2, "<u2", "bfloat16", "<u2"), "float32": (4, "<f4", "float32", "<f4"),
    "float64": (8, "<f8", "float64", "<f8"), "float16": (2, "<f2", "float16", "<f2"), "int8": (1, "|i1", "int8", "|i1"),
    "int16": (2, "<i2", "int16", "<i2"),
    "uint16": (2, "<u2", "uint16", "<u2"), "uint32": (4, "<u4", "uint32", "<u4"), "uint64": (8, "<u8", "uint64", "<u8"),
}  # fmt: skip
_ONES = bytes([0] + [1] * 255)


def new_storage(kind, n):
    """A flat tensor of n elements to be filled from a file; its memory is not set."""
    return _core.empty(n, dtype=_core._dtype_by_name(KINDS[kind][2]))


def fill_storage(flat, kind, pieces, into=None):
    """Fill a flat tensor with the elements of type `kind` whose bytes are `pieces`; into(view) reads all bytes at once.

    Returns nothing; a bool is 0 or 1 whatever its byte was.
    """
    view = _core.storage_view(flat)
    _, stored, _, wanted = KINDS[kind]
    if stored == wanted and into is not None:
        into(view)
        if kind == "bool":
            for at in range(0, len(view), PIECE):
                piece = bytes(view[at : at + PIECE])
                if piece.translate(None, b"\0\1"):
                    view[at : at + PIECE] = piece.translate(_ONES)
        return
    import numpy as np

    out, at = np.frombuffer(view, wanted), 0
    for piece in pieces():
        numbers = np.frombuffer(piece, stored)
        out[at : at + len(numbers)] = numbers
        at += len(numbers)


def shaped(flat, shape, strides=None, offset=0):
    """A tensor of a shape over a flat one's memory; ValueError where it does not lie inside."""
    n = 1
    for s in shape:
        n *= s
    if len(shape) > 8:
        raise ValueError(f"a tensor of {len(shape)} dimensions; at most 8 are supported")
    if n >= 1 << 60 or any(s < 0 or s >= 1 << 60 for s in (*shape, *(strides or ()), offset)):
        raise ValueError(f"a tensor of shape {list(shape)}, strides {list(strides or ())} and offset {offset}")
    if strides is None:
        return flat.reshape(tuple(shape)).detach()
    if n == 0:
        return _core.empty(tuple(shape), dtype=flat.dtype)
    last = offset + sum((s - 1) * k for s, k in zip(shape, strides, strict=True))
    if last >= flat.numel():
        raise ValueError(f"a tensor of shape {list(shape)} that reaches element {last} of a storage of {flat.numel()}")
    return _core.as_strided(flat, tuple(shape), tuple(strides), offset).detach()


def geometry(t):
    """(address of the storage, type, offset, strides) of a tensor: equal for tensors that are the same memory."""
    return _core.storage_address(t), t.dtype.name, t.storage_offset(), tuple(t.stride())


def tensor_bytes(t):
    """A memoryview over the bytes of a contiguous tensor, and what must live as long as it does."""
    t = t.detach().contiguous()
    start = t.storage_offset() * t.itemsize
    return _core.storage_view(t)[start : start + t.nbytes]


# all or nothing


def replace_file(path, write):
    """Call write(file) for a temporary file beside `path`, flush it to the disk, and give it its name in one step."""
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
    _sync_folder(os.path.dirname(path) or ".")


def _sync_folder(folder):
    """The new name itself must reach the disk too; not every system lets one open a folder for that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def join(path, key):
    """The place of an entry in a tree, for texts."""
    return f"{path}.{key}" if path else str(key)


def cannot_store(obj, path):
    """The exception for an object that no file of ours holds."""
    hint = ""
    if hasattr(obj, "state_dict"):
        hint = "; save its state_dict()"
    elif hasattr(obj, "__array_interface__"):
        hint = "; convert it with from_numpy(...) or .item()"
    where = f" at {path!r}" if path else ""
    return TypeError(
        f"save: cannot store a {type(obj).__name__}{where}: only dicts, lists, tuples, numbers, strings, None and "
        f"tensors{hint}"
    )
