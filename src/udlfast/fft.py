"""Fourier transforms under PyTorch's module name: ops/_fourier.py.

>>> import udlfast as torch
>>> torch.fft.rfft(torch.ones(4)).abs()
tensor([4., 0., 0.])
"""
from .ops._fourier import FUNCTIONS as _FUNCTIONS
from .ops._fourier import fftfreq, fftshift, ifftshift, rfftfreq

globals().update(_FUNCTIONS)
__all__ = [*_FUNCTIONS, "fftfreq", "fftshift", "ifftshift", "rfftfreq"]
