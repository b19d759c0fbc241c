"""Names that PyTorch has for how elements lie in memory: layouts and memory formats."""

from ._core import shown_name


class layout:
    """strided, sparse_coo or sparse_csr."""

    __slots__ = ("_name",)

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return f"{shown_name()}.{self._name}"

    def __reduce__(self):
        return self._name


class memory_format(layout):
    """contiguous_format, preserve_format, channels_last or channels_last_3d: accepted, and ignored."""

    __slots__ = ()


strided, sparse_coo, sparse_csr = layout("strided"), layout("sparse_coo"), layout("sparse_csr")
contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last, channels_last_3d = memory_format("channels_last"), memory_format("channels_last_3d")
