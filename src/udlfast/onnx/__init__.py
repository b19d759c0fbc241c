"""ONNX files: models read into modules. Needs the onnx package (`pip install udlfast[onnx]`)."""

import os

from ..errors import ArgumentError

__all__ = ["export", "load", "is_in_onnx_export", "operators"]

LONGEST = 1900  # letters of a message: names in a file may have any length


def load(f, *, max_bytes=None):
    """Read a model from an ONNX file into a module in eval mode.

    y = load(file)(x): the module runs the graph's nodes with the operations of udlfast, on tensors given by position or by the
    names of the graph's inputs; NumPy arrays are taken too. Weights are its parameters. What depends on constants only is
    computed while loading. `udlfast.compile` takes the module like any other.

    Args:
        f: path of the file (weights beside it, as ONNX's external data, are found), its bytes, an open file, or an onnx.ModelProto
        max_bytes: bound on the memory for constants, and for each tensor whose size is a number in the file; by default 4 GiB
            and four times the file
    Returns: a Module; called, it returns the graph's output, or a tuple of its outputs (`output_names`)
    Raises: ArgumentError if the file is not a valid model, or needs operators that are not there: all of them are named;
        ImportError without the onnx package

    >>> import onnx.helper as h
    >>> import udlfast as torch
    >>> x, y = (h.make_tensor_value_info(name, 1, ["n"]) for name in "xy")
    >>> graph = h.make_graph([h.make_node("Relu", ["x"], ["y"])], "small", [x], [y])
    >>> torch.onnx.load(h.make_model(graph))(x=torch.tensor([-1., 2.]))
    tensor([0., 2.])

    Source: the operators' definitions, https://onnx.ai/onnx/operators.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError("onnx.load: needs the onnx package: pip install udlfast[onnx]") from error
    from ._model import OnnxModule
    from ._node import OURS

    proto, size = f, 0
    if not isinstance(f, onnx.ModelProto):
        proto, size = _parse(onnx, f)
    if not proto.HasField("graph"):
        raise ArgumentError("onnx.load: the file holds no graph; is it an ONNX model?")
    try:
        return OnnxModule(proto, (4 << 30) + 4 * size if max_bytes is None else max_bytes)
    except MemoryError:
        raise
    except OURS as error:
        if len(text := str(error)) <= LONGEST:
            raise
        raise type(error)(f"{text[:LONGEST]} ... ({len(text) - LONGEST} letters more)") from None
    except Exception as error:  # names that are no text, operators called with too few inputs: the file is damaged
        raise ArgumentError(f"onnx.load: not a valid ONNX model: {type(error).__name__}: {str(error)[:LONGEST]}") from error


def _parse(onnx, f):
    """(ModelProto, bytes read)"""
    try:
        if isinstance(f, (bytes, bytearray, memoryview)):
            return onnx.load_model_from_string(bytes(f)), len(f)
        if hasattr(f, "read"):
            return _parse(onnx, f.read())
        return onnx.load(os.fspath(f)), os.path.getsize(f)
    except OSError:
        raise
    except Exception as error:  # the protobuf reader has exceptions of its own, and the checks of external data others
        raise ArgumentError(f"onnx.load: not a readable ONNX model: {type(error).__name__}: {error}") from error


def operators():
    """The names of the operators that `load` knows, beside those that the ONNX standard defines as functions of these.

    Returns: a sorted list of names
    """
    from . import families
    from ._registry import OPERATORS

    families.load()
    return sorted(OPERATORS)


def export(*args, **options):
    """Raises: models are not written as ONNX files."""
    raise ArgumentError("onnx.export: not part of this release; save the state_dict with udlfast.save, load it into the same model "
                        "in PyTorch, and export it there")


def is_in_onnx_export():
    """Whether a model is being written: no."""
    return False
