"""torch.autograd.forward_ad: derivatives along a direction, written as numbers that carry a tangent.

There is no second tape: a dual tensor is watched as backward watches tensors, and unpack_dual takes J t with two backward passes
(u^T J is linear in u, and its derivative with respect to u, along t, is J t). What lies between has to be recorded: inside no_grad
the tangent is lost, and the operations need gradients of their gradients.

>>> import udlfast as torch
>>> import udlfast.autograd.forward_ad as fw
>>> with fw.dual_level():
...     x = fw.make_dual(torch.tensor([1., 2.]), torch.tensor([1., 0.]))
...     fw.unpack_dual(x * x).tangent
tensor([2., 0.])
"""

from collections import namedtuple

from .. import _core
from .._core import Tensor, enable_grad
from .._core import grad as _grad
from ..errors import ArgumentError, ShapeError

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))
LEVEL = None  # [(dual tensor, tangent)] of the level that is open


def enter_dual_level():
    """Opens a level, the number 0: there is one at a time."""
    global LEVEL
    if LEVEL is not None:
        raise ArgumentError("Nested forward mode AD is not supported at the moment; use torch.func.jvp of torch.func.jvp")
    LEVEL = []
    return 0


def exit_dual_level(*, level=None):
    """Closes the level: dual tensors made in it are ordinary ones from now on."""
    global LEVEL
    if LEVEL is None:
        raise ArgumentError("exit_dual_level: no level is open; use `with dual_level():`")
    LEVEL = None


class dual_level:
    """A block in which tensors can carry tangents."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *exc):
        exit_dual_level()
        return False


def make_dual(tensor, tangent, *, level=None):
    """A tensor with this value that carries a tangent of the same shape."""
    if LEVEL is None:
        raise ArgumentError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    if not tensor.is_floating_point() or not tangent.is_floating_point():
        raise ArgumentError(f"Expected primal and tangent to be floating point, got: {tensor.dtype} and {tangent.dtype}")
    if tuple(tensor.shape) != tuple(tangent.shape):
        raise ShapeError(f"make_dual: a tangent of shape {list(tangent.shape)} for a tensor of shape {list(tensor.shape)}")
    dual = tensor.view_as(tensor) if tensor.requires_grad and _core.is_grad_enabled() else tensor.detach().requires_grad_()
    LEVEL.append((dual, tangent))
    return dual


def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a tensor computed from dual ones; the tangent is None if it depends on none of them."""
    if LEVEL is None or not isinstance(tensor, Tensor) or not tensor.requires_grad or not LEVEL:
        return UnpackedDualTensor(tensor, None)
    for dual, tangent in LEVEL:
        if dual is tensor:
            return UnpackedDualTensor(tensor.detach(), tangent)
    duals, tangents = zip(*LEVEL, strict=True)
    with enable_grad():
        u = _core.zeros_like(tensor).requires_grad_()
        rows = _grad([tensor], duals, [u], create_graph=True, retain_graph=True, allow_unused=True)
        reached = [(row, t) for row, t in zip(rows, tangents, strict=True) if row is not None]
        if not reached:
            return UnpackedDualTensor(tensor, None)
        rows = [(row, t) for row, t in reached if row.requires_grad]
        if not rows:
            return UnpackedDualTensor(_value(tensor, duals), _core.zeros_like(tensor))
        out = _grad([row for row, _ in rows], [u], [t for _, t in rows], create_graph=True, retain_graph=True, allow_unused=True)[0]
    out = _core.zeros_like(tensor) if out is None else out
    keep = any(d.grad_fn is not None for d in duals) or _outside(tensor, duals) or any(t.requires_grad for t in tangents)
    return UnpackedDualTensor(_value(tensor, duals), out if keep else out.detach())


def _outside(tensor, duals):
    from ..func import _reaches_beyond

    return _reaches_beyond([tensor], duals)


def _value(tensor, duals):
    """The primal: off the tape if only the duals had put it there."""
    return tensor if any(d.grad_fn is not None for d in duals) or _outside(tensor, duals) else tensor.detach()
