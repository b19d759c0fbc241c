"""Layout of the weights of convolutions: there is one here."""

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def convert_conv2d_weight_memory_format(module, memory_format):
    """The module as it is: kernels choose the layout of the weights that they pack."""
    return module


convert_conv3d_weight_memory_format = convert_conv2d_weight_memory_format
