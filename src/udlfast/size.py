"""Shapes: a tuple of integers that knows its number of elements."""

from ._core import shown_name


class Size(tuple):
    """The shape of a tensor, as PyTorch's ``torch.Size``.

    >>> import udlfast as torch
    >>> torch.zeros(2, 3).shape
    udlfast.Size([2, 3])
    """

    __slots__ = ()

    def numel(self):
        """The product of all sizes."""
        n = 1
        for s in self:
            n *= s
        return n

    def __repr__(self):
        return f"{shown_name()}.Size({list(self)})"

    def __add__(self, other):
        return Size(tuple(self) + tuple(other))

    def __getitem__(self, index):
        r = tuple.__getitem__(self, index)
        return Size(r) if type(index) is slice else r

    def __reduce__(self):
        return Size, (tuple(self),)
