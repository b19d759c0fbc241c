"""Tensors as MPI sees them: the address of their memory, a count and a type; nothing is copied."""

from .. import _core
from ..errors import ArgumentError, DTypeError, ShapeError

TYPES = {"float32": "FLOAT", "float64": "DOUBLE", "int8": "INT8_T", "int16": "INT16_T", "int32": "INT32_T", "int64": "INT64_T",
         "uint8": "UINT8_T", "bool": "C_BOOL"}  # fmt: skip
NARROW = (_core.bfloat16, _core.float16)  # MPI has no such numbers: they travel as bytes and are reduced as float32


def checked(t, op, name="tensor"):
    """The tensor, if its memory can be sent as it lies."""
    if not isinstance(t, _core.Tensor):
        raise TypeError(f"distributed.{op}: {name} must be a tensor, got {type(t).__name__}")
    if t.device.type != "cpu":
        raise ArgumentError(f"distributed.{op}: {name} is on {t.device}; only tensors on the CPU can be sent, so call .cpu() first")
    if not t.is_contiguous():
        raise ArgumentError(f"distributed.{op}: {name} of shape {list(t.shape)} and stride {list(t.stride())} must be contiguous; "
                            "call .contiguous() first")  # fmt: skip
    return t


def raw(MPI, t, start=0, count=None):
    """`count` elements of a checked tensor from `start` on, as bytes, for messages that only move."""
    size = t.element_size()
    n = (t.numel() - start if count is None else count) * size
    return [MPI.buffer.fromaddress(t.data_ptr() + start * size, n), n, MPI.BYTE]


def typed(MPI, t, op):
    """A checked tensor for a reduction."""
    name = str(t.dtype).rpartition(".")[2]
    if name not in TYPES:
        raise DTypeError(f"distributed.{op}: {t.dtype} cannot be reduced; expected {', '.join(TYPES)}, bfloat16 or float16")
    return [MPI.buffer.fromaddress(t.data_ptr(), t.numel() * t.element_size()), t.numel(), getattr(MPI, TYPES[name])]


def same(op, a, b, factor=1, names=("output", "input")):
    """Do a's elements fit `factor` times b's?"""
    if a.dtype is not b.dtype:
        raise DTypeError(f"distributed.{op}: {names[0]} is {a.dtype}, {names[1]} {b.dtype}; they must be of one type")
    if a.numel() != factor * b.numel():
        times = f"{factor} x " if factor != 1 else ""
        raise ShapeError(f"distributed.{op}: {names[0]} {list(a.shape)} must have {times}as many elements as {names[1]} {list(b.shape)}")


def checked_list(tensors, size, op, name):
    """A list of one tensor for each process of the group."""
    if len(tensors) != size:
        raise ArgumentError(f"distributed.{op}: {name} must hold one tensor for each of the {size} processes, got {len(tensors)}")
    return [checked(t, op, f"{name}[{i}]") for i, t in enumerate(tensors)]


def written(*tensors):
    """Tell the tape that their memory has changed."""
    _core.bump_versions(list(tensors))
