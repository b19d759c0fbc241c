"""Devices: udlfast computes on the CPU; other names are refused with a sentence that says so."""

from .errors import ArgumentError


class device:
    """Where a tensor lives, as PyTorch's ``torch.device``: only ``device("cpu")`` exists.

    >>> import udlfast as torch
    >>> torch.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("type", "index")

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        name, _, number = str(type).partition(":")
        if name != "cpu":
            raise ArgumentError(f"device: {str(type)!r} is not available; tensors live on 'cpu' (is the name from "
                                f"torch.cuda.is_available()?)")
        if number and not number.isdigit():
            raise ArgumentError(f"device: cannot read the index in {str(type)!r}")
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self):
        return "device(type='cpu')" if self.index is None else f"device(type='cpu', index={self.index})"

    def __str__(self):
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and str(self) == str(other)

    def __hash__(self):
        return hash(str(self))

    def __reduce__(self):
        return device, (str(self),)

    def __enter__(self):
        """Tensors made in a block are on this device: where they are anyway."""
        return self

    def __exit__(self, *exc):
        return False


CPU = device("cpu")


def check_device(where):
    """The device that a name or object stands for; raises for all but the CPU."""
    return where if isinstance(where, device) else device(where)
