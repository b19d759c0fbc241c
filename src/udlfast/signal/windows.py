"""Windows under PyTorch's module name: ops/_windows.py.

>>> import udlfast as torch
>>> torch.signal.windows.hann(3)
tensor([0., 1., 0.])
"""
from ..ops._windows import FUNCTIONS as _FUNCTIONS

globals().update(_FUNCTIONS)
__all__ = list(_FUNCTIONS)
