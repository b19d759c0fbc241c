"""Reader of IDX files, the format in which MNIST is published.

Layout: two zero bytes, one byte for the element type, one byte for the number of dimensions D, D big-endian uint32
sizes, then the elements in row-major order, big-endian.

The file may come from a stranger: every figure of the header is checked before it is used, the elements are read in
pieces so that memory grows with the bytes that are really there, and a file that is shorter or longer than its header
says is refused.
"""
import gzip
import math
import os
import zlib

import numpy as np

ELEMENT_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMENSIONS = 8
PIECE = 1 << 20


class IDXError(ValueError):
    """An IDX file that is damaged, or not an IDX file; the message begins with its path."""


def read_idx(path, *, limit: int = 1 << 30) -> np.ndarray:
    """The array stored in the IDX file `path`, plain or gzip-compressed (told by its first two bytes).

    limit: the most bytes of elements that are accepted; a header that declares more is refused before reading on.
    Returns a NumPy array in native byte order. Raises IDXError, or OSError when the file cannot be opened.
    """
    path = os.fspath(path)
    with open(path, "rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            if compressed:
                with gzip.GzipFile(fileobj=raw) as f:
                    return _parse(f, path, limit)
            return _parse(raw, path, limit)
        except (gzip.BadGzipFile, zlib.error, EOFError) as e:
            raise IDXError(f"{path}: damaged gzip stream ({e})") from e


def _parse(f, path, limit):
    dtype, shape = _header(f, path)
    size = math.prod(shape) * dtype.itemsize
    if size > limit:
        raise IDXError(f"{path}: the header declares {list(shape)} elements of {dtype.itemsize} bytes = {size} bytes, "
                       f"more than the limit of {limit}")
    data = bytearray()
    while len(data) < size:
        piece = f.read(min(PIECE, size - len(data)))
        if not piece:
            raise IDXError(f"{path}: truncated: the header declares {size} bytes of elements {list(shape)}, "
                           f"the file holds {len(data)}")
        data += piece
    if f.read(1):  # for gzip this also makes the reader check the stored sum
        raise IDXError(f"{path}: longer than the {size} bytes of elements {list(shape)} that its header declares")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(f, path):
    magic = _exactly(f, 4, path)
    if magic[:2] != b"\0\0" or magic[2] not in ELEMENT_TYPES:
        raise IDXError(f"{path}: not an IDX file: it begins with {magic.hex(' ')}, expected 00 00, then a type of "
                       f"{', '.join(f'{t:02x}' for t in ELEMENT_TYPES)}, then the number of dimensions")
    if not 1 <= magic[3] <= MAX_DIMENSIONS:
        raise IDXError(f"{path}: {magic[3]} dimensions, expected 1 to {MAX_DIMENSIONS}")
    sizes = np.frombuffer(_exactly(f, 4 * magic[3], path), ">u4")
    return np.dtype(ELEMENT_TYPES[magic[2]]), tuple(int(s) for s in sizes)


def _exactly(f, n, path):
    data = f.read(n)
    if len(data) != n:
        raise IDXError(f"{path}: truncated inside the header ({len(data)} of {n} bytes)")
    return data
