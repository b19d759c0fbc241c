"""torch.__config__: what the library was built with, in words."""

from ._core import get_num_threads, isa, threads_why


def show():
    """The instruction set in use and the width of the thread pool, as text."""
    from . import __version__

    return f"udlfast {__version__}\n  - CPU capability usage: {isa().upper()}\n  - no BLAS, LAPACK, OpenMP or CUDA: kernels of its own\n"


def parallel_info():
    """How many threads, and why so many, as text."""
    return f"udlfast threads: {get_num_threads()} ({threads_why()})\n"
