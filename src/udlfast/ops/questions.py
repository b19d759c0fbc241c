"""Questions that scripts ask of tensors and that have one answer here."""
from .._core import Tensor, extend


def is_storage(obj):
    """Whether obj is a tensor's storage."""
    from .memory import UntypedStorage
    return isinstance(obj, UntypedStorage)


def is_distributed(input):
    """Whether a tensor is spread over processes: no."""
    return False


def detach(input):
    """A tensor that shares memory with input and is cut off from the tape."""
    return input.detach()


for _name in ("is_meta", "is_mkldnn", "is_mps", "is_mtia", "is_nested", "is_sparse_csr", "is_vulkan", "is_xla", "is_xpu", "is_ipu",
              "is_maia"):
    extend(_name, False)
extend("is_cpu", True)
extend("is_distributed", is_distributed)
extend("name", None)
extend("const_data_ptr", Tensor.data_ptr)
