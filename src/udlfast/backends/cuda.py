"""Switches that scripts set; they have no effect on the CPU."""


class matmul:
    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = False
    allow_bf16_reduced_precision_reduction = False


def is_built():
    """Whether this package has kernels for GPUs: no."""
    return False
