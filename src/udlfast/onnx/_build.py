"""From an ONNX graph to a list of nodes: names become places in a list, functions are written out, constants are computed."""

import math

import numpy as np

from ..errors import ArgumentError
from . import families
from ._fuse import fuse
from ._node import Constant, Node
from ._registry import OPERATORS
from ._types import SMALL, has_tensor, numpy_type, to_array, to_tensor

DOMAINS = ("", "ai.onnx")
NODES = 200_000
# their results are no larger than their inputs, or than a size that they check, so they are computed while loading whatever they are
BOUNDED = {
    "BitCast", "Cast", "CastLike", "Concat", "Constant", "ConstantOfShape", "DequantizeLinear", "EyeLike", "Expand", "Flatten", "Identity",
    "Range", "Reshape", "Slice", "Split", "Squeeze", "Transpose", "Trilu", "Unsqueeze",
}  # fmt: skip
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


class Program:
    """The nodes of a graph in order, with the places of its inputs and outputs."""

    __slots__ = ("nodes", "inputs", "outputs", "uses", "values", "made")

    def run(self, values):
        """Run every node on a list of values."""
        for node in self.nodes:
            node.run(values)


class Builder:
    """Walks the graphs of a model once."""

    def __init__(self, proto, model):
        self.proto, self.model = proto, model
        self.values = []  # what each place holds before a run: constants
        self.functions = {(f.domain, f.name): f for f in proto.functions}
        self.missing = {}
        self.count = 0
        self.bytes = 0
        families.load()

    def build(self, program):
        """Fill the program of the main graph; raises with the names of all operators that are not there."""
        opsets = {("" if o.domain in DOMAINS else o.domain): o.version for o in self.proto.opset_import}
        self.graph(self.proto.graph, {}, opsets, program)
        if self.missing:
            names = ", ".join(f"{name} ({n} node{'s' * (n > 1)})" for name, n in sorted(self.missing.items()))
            raise ArgumentError(f"onnx.load: the model needs operators that udlfast does not have: {names}")
        fuse(program, self.values)
        self.drop_unused(program)
        program.values = self.values

    def place(self, value=None):
        """A new place in the list of values."""
        self.values.append(value)
        return len(self.values) - 1

    def drop_unused(self, program):
        """Constants that went into others need not be kept."""
        used = program.uses | set(program.outputs)
        values = [v if slot in used or not isinstance(v, Constant) else None for slot, v in enumerate(self.values)]
        kept = {(id(v.home), v.name) for v in values if isinstance(v, Constant)}
        for v in self.values:
            if isinstance(v, Constant) and v.home is not None and (id(v.home), v.name) not in kept:
                delattr(v.home, v.name)
                v.home = None
        self.values = values

    # ---- graphs -----------------------------------------------------------------------------------------------------------
    def graph(self, graph, outer, opsets, program):
        """Fill and return the program of a graph whose nodes may also read what `outer` names."""
        scope = dict(outer)
        for tensor in graph.initializer:
            scope[tensor.name] = self.place(self.constant(tensor.name, self.decode(tensor)))
        for tensor in graph.sparse_initializer:
            scope[tensor.values.name] = self.place(self.constant(tensor.values.name, sparse(tensor)))
        given = {t.name for t in graph.initializer}
        program.inputs = []
        for value in graph.input:
            if value.name not in given:
                scope[value.name] = self.place()
                program.inputs.append(scope[value.name])
        program.nodes = []
        self.nodes(graph.node, scope, opsets, program.nodes, 0)
        program.outputs = [self.find(scope, value.name, "an output of the graph") for value in graph.output]
        self.lifetimes(program)
        return program

    def find(self, scope, name, who):
        if name not in scope:
            raise ArgumentError(f"onnx.load: {who} reads {name!r}, which nothing before it makes")
        return scope[name]

    def lifetimes(self, program):
        """Tell each node which values made in this graph it is the last to read."""
        mine = {s for node in program.nodes for s in node.outputs if s is not None} | set(program.inputs)
        program.uses, kept = set(), set(program.outputs)
        for node in reversed(program.nodes):
            reads = {s for s in node.inputs if s is not None}
            for inner in node.graphs.values():
                reads |= inner.uses | set(inner.outputs)
            made = {s for s in node.outputs if s is not None}
            node.free = [s for s in reads | made if s in mine and s not in program.uses and s not in kept]
            program.uses |= reads

    def nodes(self, protos, scope, opsets, out, depth):
        """Add the nodes of a graph or function; depth counts functions inside functions."""
        if depth > 32:
            raise ArgumentError("onnx.load: functions call each other more than 32 deep")
        for proto in protos:
            self.count += 1
            if self.count > NODES:
                raise ArgumentError(f"onnx.load: more than {NODES} nodes")
            self.node(proto, scope, opsets, out, depth)

    def node(self, proto, scope, opsets, out, depth):
        domain = "" if proto.domain in DOMAINS else proto.domain
        label = f"onnx node {proto.name!r} ({proto.op_type})" if proto.name else f"onnx node ({proto.op_type})"
        inputs = [self.find(scope, name, label) if name else None for name in proto.input]
        operator = OPERATORS.get(proto.op_type) if domain == "" else None
        function = self.functions.get((proto.domain, proto.op_type))
        if function is not None:
            operator = None
        elif operator is None and domain == "":
            function = standard_function(proto.op_type, opsets.get("", 1))
        if function is not None:
            return self.function(function, proto, inputs, scope, opsets, out, depth)
        if operator is None:
            name = f"{domain}.{proto.op_type}" if domain else proto.op_type
            self.missing[name] = self.missing.get(name, 0) + 1
        node = Node()
        node.type, node.label, node.opset, node.model, node.number = proto.op_type, label, opsets.get("", 1), self.model, self.count
        node.operator, node.inputs, node.free = operator, inputs, []
        node.attributes, node.graphs = self.attributes(proto, scope, opsets)
        if alias(node) and len(proto.output) == 1 and inputs:
            scope[proto.output[0]] = inputs[0]
            return
        node.outputs = [self.place() if name else None for name in proto.output]
        scope.update((name, slot) for name, slot in zip(proto.output, node.outputs) if name)
        if not self.fold(node, proto.output):
            out.append(node)

    def attributes(self, proto, scope, opsets):
        """Attributes in Python's types, and programs of those that are graphs."""
        import onnx

        values, graphs = {}, {}
        for a in proto.attribute:
            if a.ref_attr_name:
                continue  # an attribute of the function that its caller has not given
            if a.type == onnx.AttributeProto.GRAPH:
                graphs[a.name] = self.graph(a.g, scope, opsets, Program())
                continue
            try:
                value = onnx.helper.get_attribute_value(a)
            except ValueError as error:
                raise ArgumentError(f"onnx.load: attribute {a.name!r} of {proto.op_type}: {error}") from None
            if a.type == onnx.AttributeProto.TENSOR:
                value = self.decode(value)
            values[a.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return values, graphs

    def function(self, function, call, inputs, scope, opsets, out, depth):
        """The nodes of a function in place of a call of it."""
        import onnx

        if len(inputs) > len(function.input) or len(call.output) > len(function.output):
            raise ArgumentError(f"onnx.load: {call.op_type} is called with more inputs or outputs than it has")
        inner = dict.fromkeys(function.input)  # a name of an input that is not given stands for nothing
        inner.update(zip(function.input, inputs))
        given = {a.name: a for a in function.attribute_proto}
        given.update((a.name, a) for a in call.attribute)
        protos = []
        for node in function.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            bind(copy, given)
            protos.append(copy)
        opsets = opsets | {("" if o.domain in DOMAINS else o.domain): o.version for o in function.opset_import}
        self.nodes(protos, inner, opsets, out, depth + 1)
        for formal, name in zip(function.output, call.output):
            if name:
                scope[name] = self.find(inner, formal, call.op_type)

    # ---- constants --------------------------------------------------------------------------------------------------------
    def decode(self, tensor):
        """The array of a TensorProto."""
        import onnx

        numpy_type(tensor.data_type)
        if math.prod(tensor.dims) > max(tensor.ByteSize(), 1) * 8 and tensor.data_location != onnx.TensorProto.EXTERNAL:
            raise ArgumentError(f"onnx.load: tensor {tensor.name!r} of shape {list(tensor.dims)} has too little data")
        try:
            return onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise ArgumentError(f"onnx.load: tensor {tensor.name!r}: {error}") from None

    def constant(self, name, value):
        """Give a value of the file, or one computed from such, to the model."""
        if not isinstance(value, np.ndarray) and math.prod(value.shape) <= SMALL:
            array = to_array(value)
        else:
            array = value if isinstance(value, np.ndarray) else None
        self.bytes += value.nbytes
        if self.bytes > self.model.max_bytes:
            raise ArgumentError(f"onnx.load: constants take more than max_bytes = {self.model.max_bytes}")
        shape, home, kept = tuple(value.shape), None, None
        if array is None or has_tensor(array):
            home, kept = self.model.keep(name, to_tensor(value))
            if math.prod(shape) > SMALL:
                array = None
        return Constant(array, home, kept, shape)

    def fold(self, node, names):
        """Compute a node of constants now. False if it must run each time."""
        if self.missing or node.operator is None or node.graphs or node.operator.lists or node.type in RANDOM:
            return False
        if not all(s is None or isinstance(self.values[s], Constant) for s in node.inputs) or not names:
            return False
        if node.type not in BOUNDED and not self.small(node):
            return False
        node.run(self.values)
        for name, slot in zip(names, node.outputs):
            if slot is not None and self.values[slot] is not None:
                self.values[slot] = self.constant(name, self.values[slot])
        return True

    def small(self, node):
        """Whether the result of a node cannot be large: broadcasting multiplies at most all sizes."""
        shapes = [self.values[s].shape for s in node.inputs if s is not None]
        try:
            return math.prod(np.broadcast_shapes(*shapes)) <= 2**26
        except ValueError:
            return all(math.prod(s) <= 2**16 for s in shapes)


def alias(node):
    """Nodes that give their input back as it is."""
    return node.type == "Identity" or node.type == "Dropout" and node.opset < 12


def bind(node, given):
    """Put the attributes of a call in the place of those that a function's node takes from its caller, also inside graphs."""
    for a in list(node.attribute):
        if a.ref_attr_name:
            if a.ref_attr_name in given:
                name = a.name
                a.CopyFrom(given[a.ref_attr_name])
                a.name = name
        elif a.HasField("g"):
            for inner in a.g.node:
                bind(inner, given)


def standard_function(name, version):
    """The body by which the ONNX standard defines an operator, or None."""
    import onnx

    try:
        schema = onnx.defs.get_schema(name, version)
        if not schema.has_function:
            return None
        body = onnx.FunctionProto()
        body.ParseFromString(schema.get_function_with_opset_version(version))
        body.attribute_proto.extend(a.default_value for a in schema.attributes.values() if a.default_value.name)
        return body
    except (onnx.defs.SchemaError, RuntimeError):
        return None


def sparse(tensor):
    """A sparse tensor of a file as a dense array."""
    import onnx

    values, indices = onnx.numpy_helper.to_array(tensor.values), onnx.numpy_helper.to_array(tensor.indices)
    if math.prod(tensor.dims) > 2**28:
        raise ArgumentError(f"onnx.load: sparse tensor {tensor.values.name!r} of shape {list(tensor.dims)} is too large")
    out = np.zeros(math.prod(tensor.dims), values.dtype)
    try:
        out[indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), tuple(tensor.dims))] = values
    except (ValueError, IndexError) as error:
        raise ArgumentError(f"onnx.load: sparse tensor {tensor.values.name!r}: {error}") from None
    return out.reshape(tuple(tensor.dims))
