"""Parameter: a Tensor that a Module registers and an optimiser trains."""

from .. import _core
from .._core import Tensor

__all__ = ["Parameter"]


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
