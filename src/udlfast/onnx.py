"""The name torch.onnx, for scripts that import it: models are not written as ONNX files in this release."""

from .errors import ArgumentError


def export(*args, **options):
    """Raises: models are not written as ONNX files."""
    raise ArgumentError("onnx.export: not part of this release; save the state_dict with udlfast.save, load it into the same model "
                        "in PyTorch, and export it there")
