"""Devices: the CPU, and with an NVIDIA GPU and the extra [cuda] also "cuda"; work for another is refused with a sentence that says why."""

from .errors import ArgumentError, DeviceError

TYPES = frozenset(("cpu", "cuda", "mps", "xpu", "xla", "meta", "hpu", "mtia", "vulkan", "ipu", "privateuseone"))


class device:
    """Where a tensor lives, as PyTorch's ``torch.device``: ``device("cpu")``, or ``device("cuda")`` where there is a GPU.

    Other devices can be named; work for one that is not there raises.

    >>> import udlfast as torch
    >>> torch.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("type", "index")

    def __init__(self, type="cpu", index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        if isinstance(type, int):
            type, index = "cuda", type
        name, _, number = str(type).partition(":")
        if name not in TYPES:
            raise ArgumentError(f"device: {str(type)!r} is no device; tensors live on 'cpu' or 'cuda'")
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
        """Tensors made in a block are on this device: on the CPU; a GPU must be named for each."""
        if check_device(self).type != "cpu":
            raise ArgumentError(f"device: a block does not choose {str(self)!r}; name it where tensors are made, or use .to(...)")
        return self

    def __exit__(self, *exc):
        return False


CPU = device("cpu")


def check_device(where):
    """The device that a name or object stands for; raises where no tensor can be."""
    where = where if isinstance(where, device) else device(where)
    if where.type == "cpu":
        return where
    name, reason = str(where), "tensors live on 'cpu' or 'cuda'"
    if where.type == "cuda":
        from . import cuda

        why = cuda.why_not()
        if why is None and where.index in (None, 0):
            cuda.init()
            return where
        reason = f"{why}; tensors live on 'cpu' (ask torch.cuda.is_available() first)"
        if why is None:
            reason = "one GPU is used, 'cuda:0': choose it with CUDA_VISIBLE_DEVICES"
    raise DeviceError(f"device: {name!r} is not available: {reason}")


def on_device(t, where, non_blocking=False):
    """t where it is asked to be: itself, or a copy on another device, with its gradient; non_blocking: see udlfast.cuda."""
    where = check_device(where)
    if where.type == "cpu" and not t.is_cuda:
        return t
    from .cuda import _tensors

    return _tensors.move(t, where, non_blocking)


def made_on(t, where):
    """t, just made, on a device: as on_device; what wants a gradient is a leaf there."""
    if where is None or check_device(where).type == "cpu":
        return t
    wants = t.requires_grad
    moved = on_device(t.detach(), where)
    return moved.requires_grad_(True) if wants else moved


def pinned(t, device=None):
    """A copy of t in page-locked memory, from which a GPU reads by itself; t where there is no GPU."""
    from . import cuda

    if not cuda.is_available():
        return t
    cuda.init()
    return t.pin_memory()
