"""Names of element types that tensors cannot have here, for tables and questions of libraries: torch.float8_e4m3fn and its like."""

from ._core import shown_name

_SIZES = {"float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1, "float8_e8m0fnu": 1, "float4_e2m1fn_x2": 1,
          "int4": 1, "uint4": 1, "qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "complex32": 4}  # fmt: skip
NAMES = frozenset(_SIZES)
LIMITS = {"float8_e4m3fn": (448.0, 2.0**-3, 2.0**-6), "float8_e5m2": (57344.0, 2.0**-2, 2.0**-14),  # max, eps, tiny
          "float8_e4m3fnuz": (240.0, 2.0**-3, 2.0**-7), "float8_e5m2fnuz": (57344.0, 2.0**-2, 2.0**-15)}  # fmt: skip


class UnsupportedDtype:
    """The name of a type that no tensor has: using it as a dtype raises TypeError."""

    def __init__(self, name):
        self.name, self.itemsize = name, _SIZES[name]
        self.is_floating_point, self.is_complex, self.is_signed = name.startswith("float"), name == "complex32", name[0] != "u"

    def __repr__(self):
        return f"{shown_name()}.{self.name}"

    def __reduce__(self):
        return find, (self.name,)


_made = {}


def find(name):
    """The one object of this name."""
    return _made.setdefault(name, UnsupportedDtype(name))
