"""Questions about back ends that scripts ask, and switches that they set; the switches have no effect."""


class _Backend:
    """A back end: what is in the class can be asked and set; flags() is a block that changes nothing."""

    available = False

    @classmethod
    def is_available(cls):
        """Whether it is there."""
        return cls.available

    is_built = is_available

    @staticmethod
    def flags(*args, **kwargs):
        """A block that changes nothing."""
        from contextlib import nullcontext

        return nullcontext()


class mps(_Backend):
    """Apple GPUs: never available."""


class cudnn(_Backend):
    """NVIDIA's kernels: not available."""

    deterministic = False
    benchmark = False
    enabled = False
    allow_tf32 = False
    benchmark_limit = 10

    @staticmethod
    def version():
        """None: there is none."""

    @staticmethod
    def is_acceptable(tensor):
        """Whether a tensor could go there: no."""
        return False


class mkl(_Backend):
    """Intel's kernels: not used."""


class mkldnn(_Backend):
    """Intel's kernels: not used."""

    enabled = False
    allow_tf32 = False


class openmp(_Backend):
    """The threads are the library's own."""


class opt_einsum(_Backend):
    """Orders of contraction: chosen from left to right."""

    enabled = False
    strategy = None


class quantized:
    """No quantised kernels."""

    engine = "none"
    supported_engines = []


class cpu:
    """The processor."""

    @staticmethod
    def get_cpu_capability():
        """The instruction-set level in use, in capital letters."""
        from .._core import isa

        return isa().upper()


class cuda(_Backend):
    """NVIDIA GPUs: not built in."""

    class matmul:
        """Switches for matrix products."""

        allow_tf32 = False
        allow_fp16_reduced_precision_reduction = False
        allow_bf16_reduced_precision_reduction = False

    preferred_linalg_library = preferred_blas_library = staticmethod(lambda backend=None: "default")
    flash_sdp_enabled = mem_efficient_sdp_enabled = cudnn_sdp_enabled = staticmethod(lambda: False)
    math_sdp_enabled = staticmethod(lambda: True)
    enable_flash_sdp = enable_mem_efficient_sdp = enable_math_sdp = enable_cudnn_sdp = staticmethod(lambda enabled: None)
    sdp_kernel = _Backend.flags


def _as_modules():
    """`import udlfast.backends.cudnn as cudnn` finds the classes above."""
    import sys

    for name, part in globals().items():
        if isinstance(part, type) and not name.startswith("_"):
            sys.modules[f"{__name__}.{name}"] = part


_as_modules()
