"""Parameter: a Tensor that a Module registers and an optimiser trains; Buffer: one that is state; and both without a shape yet."""

from .. import _core, errors
from .._core import Tensor
from ..device import check_device

__all__ = ["Parameter", "Buffer", "UninitializedParameter", "UninitializedBuffer", "is_lazy"]


class Parameter(Tensor):
    """A tensor that becomes part of its module's parameters when it is set as an attribute of a Module.

    Arguments:
        data: the values, a Tensor of any shape; its storage is shared, its history is not.
        requires_grad: whether backward() fills `.grad`.

    Example:
        >>> import udlfast as torch
        >>> weight = torch.nn.Parameter(torch.zeros(2, 3))
        >>> weight.requires_grad, weight.is_leaf
        (True, True)

    Source: *Understanding Deep Learning*, section 3.1 (the parameters phi of a network).
    """

    def __new__(cls, data=None, requires_grad=True):
        if data is None:  # the core's make_parameter asks for a blank instance, which it then fills
            return Tensor.__new__(cls)
        if not isinstance(data, Tensor):
            raise TypeError(
                f"Parameter: data must be a Tensor, got {type(data).__name__}; wrap it in torch.tensor(...)"
            )
        return _core.make_parameter(cls, data, requires_grad)

    def __deepcopy__(self, memo):
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = _core.make_parameter(type(self), self.detach().clone(), self.requires_grad)
        return known

    def __reduce_ex__(self, protocol):
        return rebuild_parameter, (type(self), self.detach(), self.requires_grad)


def rebuild_parameter(cls, data, requires_grad):
    """A parameter from its pickled parts."""
    return _core.make_parameter(cls, data, requires_grad)


class Buffer(Tensor):
    """A tensor that becomes a buffer (state that is not trained) when it is set as an attribute of a Module.

    Arguments:
        data: the values, a Tensor of any shape; its storage is shared.
        persistent: whether it is part of state_dict().

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.Module()
        >>> net.mean = torch.nn.Buffer(torch.zeros(2))
        >>> list(net.state_dict())
        ['mean']

    Source: PyTorch's class of that name.
    """

    def __new__(cls, data=None, *, persistent=True):
        buffer = _core.make_parameter(cls, _core.empty((0,)) if data is None else data.detach(), False)
        buffer.persistent = persistent
        return buffer

    def __deepcopy__(self, memo):
        known = memo.get(id(self))
        if known is None:
            known = memo[id(self)] = rebuild_buffer(type(self), self.detach().clone(), self.persistent)
        return known

    def __reduce_ex__(self, protocol):
        return rebuild_buffer, (type(self), self.detach(), self.persistent)


def rebuild_buffer(cls, data, persistent):
    """A buffer from its pickled parts."""
    buffer = _core.make_parameter(cls, data, False)
    buffer.persistent = persistent
    return buffer


class Uninitialized:
    """What is common to parameters and buffers whose shape is not known yet."""

    def materialize(self, shape, device=None, dtype=None):
        """Takes a shape (and values that are not set): from now on an ordinary parameter or buffer."""
        where = self.device if device is None else device
        self.data = _core.empty(tuple(shape), dtype=self.dtype if dtype is None else dtype, device=where)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise errors.ShapeError(
            "an uninitialized parameter has no shape yet: run the module's forward on one batch first "
            "(in load_state_dict: the state was saved before the model had seen a batch)"
        )

    def __repr__(self):
        return f"<{type(self).__name__}>"


class UninitializedParameter(Uninitialized, Parameter):
    """A Parameter that gets its shape later, by materialize(shape): what the Lazy layers start with.

    Arguments:
        requires_grad: whether backward() fills `.grad`; dtype: the type of its numbers.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.UninitializedParameter()
        >>> p.materialize((2, 3))
        >>> type(p).__name__, tuple(p.shape)
        ('Parameter', (2, 3))

    Source: PyTorch's class of that name.
    """

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        if device is not None:
            check_device(device)
        return _core.make_parameter(cls, _core.empty((0,), dtype=dtype), requires_grad)


class UninitializedBuffer(Uninitialized, Buffer):
    """A buffer that gets its shape later, by materialize(shape).

    Arguments:
        persistent: whether it is part of state_dict(); dtype: the type of its numbers.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.UninitializedBuffer()
        <UninitializedBuffer>

    Source: PyTorch's class of that name.
    """

    cls_to_become = Buffer

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        if device is not None:
            check_device(device)
        return rebuild_buffer(cls, _core.empty((0,), dtype=dtype), persistent)


def is_lazy(value):
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(value, Uninitialized)
