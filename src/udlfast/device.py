"""Devices: udlfast computes on the CPU; work for another device is refused with a sentence that says so."""

from .errors import ArgumentError, DeviceError

TYPES = frozenset(("cpu", "cuda", "mps", "xpu", "xla", "meta", "hpu", "mtia", "vulkan", "ipu", "privateuseone"))


class device:
    """Where a tensor lives, as PyTorch's ``torch.device``: others than ``device("cpu")`` can be named, but hold no tensors.

    >>> import udlfast as torch
    >>> torch.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("type", "index")

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int):
            type, index = "cuda", type
        name, _, number = str(type).partition(":")
        if name not in TYPES:
            raise ArgumentError(f"device: {str(type)!r} is no device; tensors live on 'cpu'")
        if number and not number.isdigit():
            raise ArgumentError(f"device: cannot read the index in {str(type)!r}")
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self):
        return f"device(type={self.type!r})" if self.index is None else f"device(type={self.type!r}, index={self.index})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def __reduce__(self):
        return device, (str(self),)

    def __enter__(self):
        """Tensors made in a block are on this device: where they are anyway."""
        return check_device(self)

    def __exit__(self, *exc):
        return False


CPU = device("cpu")


def check_device(where):
    """The device that a name or object stands for; raises for all but the CPU."""
    where = where if isinstance(where, device) else device(where)
    if where.type != "cpu":
        raise DeviceError(f"device: {str(where)!r} is not available; tensors live on 'cpu' (is the name from torch.cuda.is_available()?)")
    return where
