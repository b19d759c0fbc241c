"""One node of a graph: its attributes, and how its inputs come to its function."""

import numpy as np

import udlfast as udl

from .. import errors
from .._core import recording
from ..errors import ArgumentError, DimError, DTypeError
from ._types import code_of, has_tensor, tensor_type, to_array, to_tensor

OURS = tuple(kind for kind in vars(errors).values() if isinstance(kind, type))


class Constant:
    """A number or array of the file: `array` where shapes may be computed from it, and the module's tensor, `home.name`."""

    __slots__ = ("array", "home", "name", "shape")

    def __init__(self, array, home, name, shape):
        self.array, self.home, self.name, self.shape = array, home, name, shape

    def plain(self):
        """The tensor, or the array where tensors lack the type."""
        return self.array if self.home is None else self.home.__dict__[self.name]


class Node:
    """An operator in its place; reads and writes slots of a list of values."""

    __slots__ = ("type", "label", "opset", "attributes", "inputs", "outputs", "operator", "graphs", "free", "model", "number")

    def get(self, name, default=None):
        """An attribute, in Python's types."""
        return self.attributes.get(name, default)

    def axes(self, given, default=None):
        """Axes that are an input in newer versions of an operator and an attribute in older ones."""
        if given is None:
            given = self.get("axes")
        return default if given is None else [int(a) for a in np.asarray(given).reshape(-1)]

    def tensor(self, array, tag=""):
        """A tensor with the numbers of an array, kept for the next call with the same numbers. A plan gets one of its own, made of
        Python's numbers, which become part of it."""
        array, made = np.asarray(array), self.model.program.made
        if recording() is not None:
            kind = tensor_type(code_of(array))
            return udl.tensor(array.reshape(-1).tolist(), dtype=kind).reshape(array.shape)
        key = (self.number, tag, array.dtype.str, array.shape, array.tobytes())
        found = made.get(key)
        if found is None:
            if len(made) >= 256:
                made.clear()
            found = made[key] = to_tensor(array)
        return found

    def check_size(self, shape, itemsize=8):
        """Before a tensor is made whose size comes from numbers in the file or in the input."""
        count = 1
        for n in shape:
            if n < 0:
                raise ArgumentError(f"got the negative size {n} in {list(shape)}")
            count *= int(n)
        if count * itemsize > self.model.max_bytes:
            raise ArgumentError(f"a tensor of shape {list(shape)} would take more than max_bytes = {self.model.max_bytes}")

    # ---- running ----------------------------------------------------------------------------------------------------------
    def run(self, values):
        """Compute the outputs and drop the values that nobody reads any more."""
        got = [None if i is None else values[i] for i in self.inputs]
        operator = self.operator
        try:
            if self.graphs:
                results = operator.compute(self, values, *got)
            elif operator.lists:
                results = operator.compute(self, *[v.plain() if isinstance(v, Constant) else v for v in got])
            elif operator.compute is None or operator.shape is not None and on_arrays(got):
                results = operator.shape(self, *[self.array(v) for v in got])
            else:
                host = operator.host
                results = operator.compute(self, *[self.array(v) if k in host else self.ready(v, k) for k, v in enumerate(got)])
        except (*OURS, MemoryError) as error:
            error.args = (f"{self.label}: {error}",)
            raise
        except TypeError as error:
            raise DTypeError(f"{self.label}: {error}") from error
        except IndexError as error:
            raise DimError(f"{self.label}: {error}") from error
        except (RuntimeError, ValueError) as error:
            raise ArgumentError(f"{self.label}: {error}") from error
        except (ArithmeticError, LookupError, AttributeError, AssertionError, OSError) as error:
            raise ArgumentError(f"{self.label}: {type(error).__name__}: {error}") from error
        if not isinstance(results, tuple):
            results = (results,)
        for slot, result in zip(self.outputs, results):
            if slot is not None:
                values[slot] = result
        for slot in self.free:
            values[slot] = None

    def array(self, v):
        """An input as an array; nothing stays nothing."""
        if isinstance(v, Constant):
            v = v.plain() if v.array is None else v.array
        return None if v is None else to_array(v)

    def ready(self, v, k):
        """An input as a tensor; nothing stays nothing."""
        if isinstance(v, Constant):
            v = v.plain()
        if v is None or isinstance(v, udl.Tensor):
            return v
        return self.tensor(v, k) if isinstance(v, np.ndarray) and has_tensor(v) else to_tensor(v)


def on_arrays(got):
    """Whether to compute with arrays: one input is an array and no other is a tensor or a long constant, or tensors
    lack the type of one."""
    found = False
    if any(isinstance(v, np.ndarray) and not has_tensor(v) for v in got):
        return True
    for v in got:
        if isinstance(v, np.ndarray):
            found = True
        elif v is not None and not (isinstance(v, Constant) and v.array is not None):
            return False
        elif v is not None and v.home is None:
            found = True
    return found or all(v is not None for v in got)
