"""Data sets as tensors: digits, MNIST-1D and MNIST, each cut into a training and a test part that never change; `transforms` of them."""
from . import transforms as transforms
from .augment import Augment as Augment
from .augment import random_affine as random_affine
from .augment import random_crop as random_crop
from .augment import random_erase as random_erase
from .augment import random_flip as random_flip
from .augment import random_rotation as random_rotation
from .augment import random_shift as random_shift
from .digits import digits as digits
from .download import download as download
from .graphs import GraphData as GraphData
from .graphs import block_graph as block_graph
from .graphs import karate_club as karate_club
from .graphs import random_graph as random_graph
from .idx import IDXError as IDXError
from .idx import read_idx as read_idx
from .mix import Mixed as Mixed
from .mix import cutmix as cutmix
from .mix import mixup as mixup
from .mnist import mnist as mnist
from .mnist1d import mnist1d as mnist1d
from .split import Split as Split
from .split import hold_out as hold_out
from .split import stratified as stratified

__all__ = ["Augment", "GraphData", "IDXError", "Mixed", "Split", "block_graph", "cutmix", "digits", "download", "hold_out",
           "karate_club", "mixup", "mnist", "mnist1d", "random_affine", "random_crop", "random_erase", "random_flip", "random_graph",
           "random_rotation", "random_shift", "read_idx", "stratified",
           "transforms"]
