"""What tensors can do once a GPU is in use: `device`, `to`, `cpu`, `is_cuda`, pinned memory, with gradients."""

import sys

from .. import _core
from .._core import attach, extend, set_hook
from ..device import CPU, device
from ..ops import interop as interop  # what it says of tensors without a GPU comes first, and is replaced here
from . import _pinned

GPU = device("cuda:0")


def where(t):
    """The device of a tensor."""
    return GPU if _core.device_number(t) else CPU


def move(t, target, non_blocking=False):
    """t on another device, with its gradient; t itself if it is there. non_blocking: page-locked memory is copied from while Python
    goes on, and a copy to the CPU lies in page-locked memory and is complete when the stream is (cuda.synchronize())."""
    on = _core.device_number(t)
    if (target.type == "cuda") == bool(on):
        return t
    if target.type == "cuda":
        out = _core.move_to_device(t, 1, not non_blocking)
    else:
        out = _core.move_to_host(t, _pinned.empty(t.shape, t.dtype) if non_blocking else None)
    return attach(out, (t,), _move_backward, args=(where(t),))


def _move_backward(node, g):
    return (move(g, node.args[0]),)


def start():
    """Tensors learn their device."""
    set_hook("who_asks", who_asks)
    extend("device", property(where))
    extend("is_cuda", property(lambda t: bool(_core.device_number(t))))
    extend("get_device", lambda t: _core.device_number(t) - 1)
    extend("record_stream", _record_stream)
    extend("pin_memory", lambda t, device=None: _pinned.pin(t))
    extend("is_pinned", lambda t, device=None: _pinned.is_pinned(t))


def who_asks(what):
    """The operation of ours that wants numbers on the host, by the name that its user called; `what` if the user asked for them."""
    from .. import Tensor, fft, linalg
    from ..nn import functional

    frame, name = sys._getframe(), what
    while frame is not None and frame.f_globals.get("__name__", "").startswith("udlfast."):
        inside = [getattr(frame.f_locals.get(k), "__name__", frame.f_locals.get(k)) for k in frame.f_code.co_freevars]
        for called in (frame.f_code.co_name, *inside):
            if isinstance(called, str) and called[:1] != "_" and any(hasattr(place, called) for place in (Tensor, linalg, fft, functional)):
                name = called
        frame = frame.f_back
    return name


def _record_stream(self, stream):
    block, _ = _core.block_of(self)
    if block is not None:
        block.others = (block.others or []) + [stream]
