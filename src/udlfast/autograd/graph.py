"""What scripts ask of the tape."""

import threading

from .. import _core
from ..errors import ArgumentError

__all__ = ["Node", "disable_saved_tensors_hooks", "get_gradient_edge", "save_on_cpu", "saved_tensors_hooks"]

Node = _core.Node
_local = threading.local()  # .stack: the pairs of hooks of the blocks that are open, .refused: why no more may be opened


def _stack():
    return _local.__dict__.setdefault("stack", [])


_core.set_hook("saved_hooks", lambda: _stack()[-1])


class saved_tensors_hooks:
    """A block in which operations keep pack_hook(tensor) instead of the tensors that their gradients need.

    Backward calls unpack_hook on what was kept, and works with the tensor that it gives. Which tensors an operation saves is its own
    affair: other ones, and fewer, than PyTorch's, as fused operations save less.

    Arguments:
        pack_hook: called with each saved tensor (off the tape), gives anything, such as the name of a file that it wrote.
        unpack_hook: called with that, gives a tensor of the same shape and type.

    Example:
        >>> import udlfast as torch
        >>> x = torch.tensor([1., 2.], requires_grad=True)
        >>> with torch.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(), torch.from_numpy):
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        tensor([2., 4.])

    Source: PyTorch's class of that name.
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        if _local.__dict__.get("refused"):
            raise ArgumentError(_local.refused[-1])
        _stack().append((self.pack_hook, self.unpack_hook))
        _core.set_saving(len(_stack()))

    def __exit__(self, *exc):
        _stack().pop()
        _core.set_saving(len(_stack()))
        return False


class save_on_cpu:
    """A block that changes nothing: saved tensors are on the CPU already."""

    def __init__(self, pin_memory=False, device_type="cpu"):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


class disable_saved_tensors_hooks:
    """A block in which to enter saved_tensors_hooks raises an exception with this message."""

    def __init__(self, error_message):
        self.error_message = error_message

    def __enter__(self):
        _local.__dict__.setdefault("refused", []).append(self.error_message)

    def __exit__(self, *exc):
        _local.refused.pop()
        return False


def get_gradient_edge(tensor):
    """Refused: torch.autograd.grad takes tensors."""
    raise ArgumentError("get_gradient_edge: gradients are asked for by tensor; pass the tensor itself to torch.autograd.grad")
