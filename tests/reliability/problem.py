"""Random problems: an operation with random options and arrays, its reference, and the bound of docs/numerics.md.

    PROBLEMS[name](r, zero) -> Problem        r: numpy Generator; zero: one axis has length 0 where the operation takes that
"""

import contextlib
import importlib
from dataclasses import dataclass, field

import numpy as np

EDGES = [1, 1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 19, 23, 31, 32, 33, 47, 64, 65]
LARGER = [97, 129, 257, 300, 513]
MOST = [1]  # factor of the largest number of elements
PROBLEMS = {}


@contextlib.contextmanager
def large():
    """Problems drawn inside are large enough to be shared out over threads."""
    EDGES.extend(LARGER * 4), MOST.append(200)
    try:
        yield
    finally:
        del EDGES[-4 * len(LARGER) :], MOST[-1]


class reference:
    """reference.NAME is udlfast.reference.NAME."""


for _name in """adaptive_pool2d attention batch_norm conv2d conv3d cross_entropy cumsum embedding gather grid_sample group_norm gru
        interpolate layer_norm linear losses lstm matmul nll_loss pad pool2d reductions rnn scatter softmax sort""".split():
    setattr(reference, _name, importlib.import_module(f"udlfast.reference.{_name}"))


@dataclass
class Problem:
    op: object
    forward: object
    backward: object  # None: values only
    arrays: tuple
    bound: dict = field(default_factory=dict)
    types: tuple = ("float32", "float64")
    layouts: bool = True


def problem(function):
    PROBLEMS[function.__name__.lstrip("_")] = function
    return function


def shape(r, zero, n=None, most=3000):
    n = int(r.integers(1, 5)) if n is None else n
    dims, size = [], 1
    for _ in range(n):
        d = int(r.choice(EDGES))
        d = d if size * d <= most * MOST[-1] else int(r.integers(1, 4))
        dims.append(d)
        size *= d
    if zero and dims:
        dims[int(r.integers(len(dims)))] = 0
    return tuple(dims)


def normal(r, *dims):
    return r.standard_normal(dims)


def axis_of(r, dims):
    return int(r.integers(-len(dims), len(dims)))


def size(*dims):
    return int(np.prod(dims)) or 1


def flag(r):
    return bool(r.integers(2))
