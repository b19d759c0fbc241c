"""Random numbers: the distributions of the standard, by the library's own generator."""

import udlfast as udl

from .._registry import op
from .._types import tensor_type


def kind(node, x=None):
    code = node.get("dtype")
    return tensor_type(code) if code else udl.float32 if x is None else x.dtype


@op("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike")
def draw(node, x=None):
    shape = node.get("shape") if x is None else x.shape
    node.check_size(shape)
    if "Normal" in node.type:
        return (udl.randn(shape) * node.get("scale", 1.0) + node.get("mean", 0.0)).to(kind(node, x))
    low, high = node.get("low", 0.0), node.get("high", 1.0)
    return (udl.rand(shape) * (high - low) + low).to(kind(node, x))


@op("Bernoulli")
def bernoulli(node, p):
    return (udl.rand(p.shape) < p).to(kind(node, p))


@op("Multinomial")
def multinomial(node, x):
    code = node.get("dtype", 6)
    return udl.multinomial(udl.softmax(x, -1), node.get("sample_size", 1), replacement=True).to(tensor_type(code))
