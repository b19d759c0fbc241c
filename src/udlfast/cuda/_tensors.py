"""What tensors can do once a GPU is in use: `device`, `to`, `cpu`, `is_cuda`, pinned memory, with gradients."""

from .. import _core
from .._core import attach, extend
from ..device import CPU, device

GPU = device("cuda:0")


def where(t):
    """The device of a tensor."""
    return GPU if _core.device_number(t) else CPU


def move(t, target):
    """t on another device, with its gradient; t itself if it is there."""
    on = _core.device_number(t)
    if (target.type == "cuda") == bool(on):
        return t
    out = _core.move_to_device(t, 1) if target.type == "cuda" else _core.move_to_host(t)
    return attach(out, (t,), _move_backward, args=(where(t),))


def _move_backward(node, g):
    return (move(g, node.args[0]),)


def start():
    """Tensors learn their device."""
    extend("device", property(where))
    extend("is_cuda", property(lambda t: bool(_core.device_number(t))))
    extend("get_device", lambda t: _core.device_number(t) - 1)
    extend("record_stream", _record_stream)


def _record_stream(self, stream):
    block, _ = _core.block_of(self)
    if block is not None:
        block.others = (block.others or []) + [stream]
