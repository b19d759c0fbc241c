"""Signals under PyTorch's module name: udlfast.signal.windows."""
from . import windows as windows
