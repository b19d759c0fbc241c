"""Data sets as tensors: digits, MNIST-1D and MNIST, each cut into a training and a test part that never change."""
from .augment import random_affine as random_affine
from .digits import digits as digits
from .download import download as download
from .idx import IDXError as IDXError
from .idx import read_idx as read_idx
from .mnist import mnist as mnist
from .mnist1d import mnist1d as mnist1d
from .split import Split as Split
from .split import hold_out as hold_out
from .split import stratified as stratified

__all__ = ["IDXError", "Split", "digits", "download", "hold_out", "mnist", "mnist1d", "random_affine", "read_idx",
           "stratified"]
