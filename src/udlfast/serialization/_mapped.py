"""Tensors over a mapped file: pages are read when they are used, and writes stay in this process."""

import mmap

from .. import _core
from ._files import KINDS


class Mapped:
    """A file of a Source, mapped as a whole."""

    def __init__(self, source):
        self.map = mmap.mmap(source.file.fileno(), 0, access=mmap.ACCESS_COPY) if source.size else None

    def flat(self, at, kind, n):
        """A flat tensor of n elements at a place of the file; None where they must be read: another type, or not aligned."""
        import numpy as np

        size, stored, _, wanted = KINDS[kind]
        if stored != wanted or kind == "bool" or at % size:
            return None
        array = np.frombuffer(self.map, stored, n, at)
        return _core.from_address(array.__array_interface__["data"][0], (n,), (1,), _core._dtype_by_name(kind), array)
