"""The module that an ONNX file becomes."""

import re

import numpy as np

import udlfast as udl

from ..errors import ArgumentError, DTypeError, ShapeError
from ..nn import Module, Parameter
from ._build import Builder, Program
from ._node import Constant
from ._types import code_of, has_tensor, numpy_type, tensor_type, to_tensor


class OnnxModule(Module):
    """A model read from an ONNX file, in eval mode; see `load`.

    `input_names` and `output_names` are those of the graph; weights are parameters that want no gradient until told to,
    under the names of the file with "_" for what cannot stand in a name.
    """

    def __init__(self, proto, max_bytes):
        super().__init__()
        self.max_bytes = max_bytes
        self.program = Program()  # in __slots__, where a plan need not look: nothing there changes
        self.program.made = {}  # tensors made of arrays while running
        Builder(proto, self).build(self.program)
        given = {t.name for t in proto.graph.initializer}
        declared = [value for value in proto.graph.input if value.name not in given]
        self.input_names = [value.name for value in declared]
        self.output_names = [value.name for value in proto.graph.output]
        self.declared = Declared(declared)
        self.eval()

    def keep(self, path, tensor):
        """Register a tensor under a name of the file, dots leading to children; returns the child that holds it and its name there."""
        *parents, name = [re.sub(r"\W", "_", part) or "_" for part in path.split(".")]
        module = self
        for part in parents[:8]:
            module = child(module, part)
        while hasattr(module, name):
            name += "_"
        if tensor.dtype.is_floating_point:
            module.register_parameter(name, Parameter(tensor, requires_grad=False))
        else:
            module.register_buffer(name, tensor)
        return module, name

    # ---- running ----------------------------------------------------------------------------------------------------------
    def forward(self, *args, **kwargs):
        """The outputs for inputs given by position or by name: one value, or a tuple in the order of `output_names`."""
        values = list(self.program.values)
        for slot, value in zip(self.program.inputs, self.declared.values(self.input_names, args, kwargs)):
            values[slot] = value
        self.program.run(values)
        results = tuple(self.result(values[slot]) for slot in self.program.outputs)
        return results[0] if len(results) == 1 else results

    def result(self, value):
        """What the caller gets: tensors, arrays of types that tensors lack, lists of such, None."""
        if isinstance(value, list):
            return [self.result(v) for v in value]
        if isinstance(value, Constant):
            value = value.plain()
        return to_tensor(value) if isinstance(value, np.ndarray) and has_tensor(value) else value

    def extra_repr(self):
        return f"inputs={self.input_names}, outputs={self.output_names}, nodes={len(self.program.nodes)}"


def child(module, name):
    """The module's child of that name, made if there is none; the name gets "_" where it means something else."""
    while not isinstance(getattr(module, name, None), Weights):
        if not hasattr(module, name):
            setattr(module, name, Weights())
        else:
            name += "_"
    return getattr(module, name)


class Weights(Module):
    """Tensors of a file whose names begin alike."""


class Declared:
    """What the graph says of its inputs."""

    __slots__ = ("inputs",)

    def __init__(self, values):
        self.inputs = []
        for value in values:
            kind = value.type
            optional = kind.HasField("optional_type")
            if optional:
                kind = kind.optional_type.elem_type
            code, dims = None, None
            if kind.HasField("tensor_type"):
                code = kind.tensor_type.elem_type
                numpy_type(code)
                if kind.tensor_type.HasField("shape"):
                    dims = [d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in kind.tensor_type.shape.dim]
            self.inputs.append((value.name, code, dims, optional))

    def values(self, names, args, kwargs):
        """The inputs in order, checked."""
        if len(args) > len(names):
            raise ArgumentError(f"onnx model: takes {len(names)} inputs ({', '.join(names)}), got {len(args)}")
        for name in kwargs:
            if name not in names:
                raise ArgumentError(f"onnx model: has no input {name!r}; its inputs are {', '.join(names)}")
        known, out = {}, []
        for i, (name, code, dims, optional) in enumerate(self.inputs):
            if i < len(args) and name in kwargs:
                raise ArgumentError(f"onnx model: input {name!r} is given twice")
            if i >= len(args) and name not in kwargs and not optional:
                raise ArgumentError(f"onnx model: input {name!r} is missing")
            value = args[i] if i < len(args) else kwargs.get(name)
            if code is not None and value is not None:
                value = self.check(name, value, code, dims, known)
            out.append(value)
        return out

    def check(self, name, value, code, dims, known):
        """One input, as a tensor where tensors have its type."""
        if isinstance(value, np.generic):
            value = np.asarray(value)
        if isinstance(value, np.ndarray) and has_tensor(value):
            value = to_tensor(value)
        if not isinstance(value, (udl.Tensor, np.ndarray)):
            raise DTypeError(f"onnx model: input {name!r} must be a tensor, got {type(value).__name__}")
        if code_of(value) != code:
            want = tensor_type(code) or f"a NumPy array of {numpy_type(code)}"
            raise DTypeError(f"onnx model: input {name!r} must be of type {want}, got {value.dtype}")
        if dims is not None:
            shape = tuple(value.shape)
            fits = len(shape) == len(dims)
            for n, want in zip(shape, dims):
                if isinstance(want, str):
                    fits = fits and known.setdefault(want, n) == n
                elif want is not None:
                    fits = fits and n == want
            if not fits:
                raise ShapeError(f"onnx model: input {name!r} must be of shape {dims}, got {list(shape)}")
        return value
