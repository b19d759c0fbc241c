"""What the CPU's kernels can do."""


def get_cpu_capability():
    """The instruction set in use, in capitals as PyTorch writes it: "AVX2", "AVX512", "DEFAULT", ..."""
    from .._core import isa

    return {"generic": "DEFAULT"}.get(isa(), isa().upper())
