# runtime.pxi - instruction sets, threads and memory as Python sees them.
import os as _os


def isas():
    """The instruction-set levels that this machine can run, weakest first."""
    return [udl_isa_name(i).decode() for i in range(udl_isa_count()) if udl_isa_usable(i)]


def isa():
    """The level in use."""
    return udl_isa_name(udl_isa_active()).decode()


def isa_report():
    """{level: why it cannot run here, or ""} for every level compiled in."""
    return {udl_isa_name(i).decode(): udl_isa_why(i).decode() for i in range(udl_isa_count())}


def matrix_unit():
    """The processor's feature that multiplies bfloat16 numbers at the level in use ("AMX-BF16", "AVX512-BF16"); "" if there is
    none, and they are widened to float32."""
    return udl_matrix_unit_name().decode()


cdef int find_isa(name) except -1:
    cdef int i
    for i in range(udl_isa_count()):
        if udl_isa_name(i).decode() == name:
            if not udl_isa_usable(i):
                raise ArgumentError(f"isa: {name!r} cannot run here: {udl_isa_why(i).decode()}; usable: {', '.join(isas())}")
            return i
    raise ArgumentError(f"isa: there is no level {name!r}; usable: {', '.join(isas())}")


class use_isa:
    """Use one instruction-set level from now on, or for a block; not while another thread computes."""

    def __init__(self, name):
        self.before = isa()
        udl_isa_use(find_isa(name))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        udl_isa_use(find_isa(self.before))


_PRECISIONS = ("highest", "high", "medium")


def set_float32_matmul_precision(precision):
    """How float32 matrix products are computed, in the whole process.

    "highest" (the default) has the error of float32 arithmetic. Where the level is amx, "high" splits each number into two
    bfloat16 parts (16 bits: relative error of a product about 2^-16) and "medium" rounds it to one (8 bits), which it does with
    AVX512-BF16 too; elsewhere products of both are as "highest". 3 x 3 convolutions of stride 1 follow: both allow larger
    tiles, 1.2 to 1.9 times as fast and with three times the error (forward and for the gradient of the input).

    precision: "highest", "high" or "medium". Raises ValueError for anything else.

    >>> import udlfast as torch
    >>> torch.set_float32_matmul_precision("high")
    >>> torch.get_float32_matmul_precision()
    'high'
    >>> torch.set_float32_matmul_precision("highest")
    """
    if not isinstance(precision, str) or precision not in _PRECISIONS:
        raise ArgumentError(f"set_float32_matmul_precision: expected 'highest', 'high' or 'medium', got {precision!r}")
    udl_set_float32_precision(_PRECISIONS.index(precision))


def get_float32_matmul_precision():
    """The precision of float32 matrix products: "highest", "high" or "medium"."""
    return _PRECISIONS[udl_float32_precision()]


def set_batch_invariant(mode):
    """Whether row i of a result keeps its bits whatever the batch around it is, in the whole process.

    By default the number of rows chooses the fastest way to compute a product, a 3 x 3 convolution or a recurrent layer, and these
    ways round differently: an example may come out some roundings apart alone and in a batch. In this mode one way serves every
    number of rows. It holds for the results of layers in evaluation, not for gradients of weights, which are sums over the batch.
    Small batches pay for it: see docs/numerics.md.

    mode: bool

    >>> import udlfast as torch
    >>> torch.set_batch_invariant(True)
    >>> torch.is_batch_invariant()
    True
    >>> torch.set_batch_invariant(False)
    """
    if not isinstance(mode, bool):
        raise DTypeError(f"set_batch_invariant: expected True or False, got {mode!r}")
    udl_set_batch_invariant(mode)


def is_batch_invariant():
    """Whether results of a row do not depend on the batch around it (set_batch_invariant)."""
    return bool(udl_batch_invariant())


class batch_invariant:
    """with batch_invariant(): set_batch_invariant for a block.

    >>> import udlfast as torch
    >>> x, net = torch.randn(9, 70), torch.nn.Linear(70, 50)
    >>> with torch.no_grad(), torch.batch_invariant():
    ...     bool((net(x)[:1] == net(x[:1])).all())
    True
    """

    def __init__(self, mode=True):
        self.before = is_batch_invariant()
        set_batch_invariant(mode)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        set_batch_invariant(self.before)


def get_num_threads():
    """How many threads kernels use."""
    return udl_num_threads()


def set_num_threads(n):
    """Use n threads (1..256); results do not depend on it."""
    if isinstance(n, bool) or not isinstance(n, int):
        raise DTypeError(f"set_num_threads: expected an integer, got {n!r}")
    if not 1 <= n <= 256 or udl_set_num_threads(n) != UDL_OK:
        raise ArgumentError(f"set_num_threads: expected 1..256, got {n}")


def threads_why():
    """Why the pool has its width, in words."""
    return udl_threads_why().decode()


def cache_sizes():
    """(L1d, L2, L3) bytes."""
    cdef int64_t c[3]
    udl_cache_sizes(c)
    return c[0], c[1], c[2]


def memory_stats():
    """Bytes in use by tensors, bytes kept for reuse, the peak, the limit of what is kept, and counts of allocations."""
    cdef udl_memory_info m
    udl_memory_stats(&m)
    return {"in_use": m.in_use, "cached": m.cached, "peak": m.peak, "cache_limit": m.reserved_limit,
            "allocations": m.allocs, "cache_hits": m.hits, "system_allocations": m.system_allocs}


def trim():
    """Give memory that is kept for reuse back to the system; returns the bytes given back."""
    return udl_memory_trim()


def set_memory_limit(bytes_):
    """How many bytes may be kept for reuse."""
    if bytes_ < 0:
        raise ArgumentError(f"set_memory_limit: expected a size in bytes, got {bytes_}")
    udl_memory_limit(bytes_)


cdef start():
    forced = _os.environ.get("UDLFAST_ISA", "")
    if udl_init(forced.encode()) != UDL_OK:
        udl_init(NULL)
        usable = ", ".join(isas())
        why = isa_report().get(forced)
        raise ImportError(f"UDLFAST_ISA={forced}: " + (f"this level cannot run here: {why}" if why else
                          "there is no such level") + f"; usable levels: {usable}")


start()


# constants for Python code: K_conv2d, MAP_add, R_SUM, ACT_RELU, ...
globals().update(_kernel_constants())
globals().update(_map_constants())
R_SUM, R_PROD, R_MAX, R_MIN, R_ARGMAX, R_ARGMIN = UDL_SUM, UDL_PROD, UDL_MAX, UDL_MIN, UDL_ARGMAX, UDL_ARGMIN
R_ANY, R_ALL, R_LOGSUMEXP, R_NORM2 = UDL_ANY, UDL_ALL, UDL_LOGSUMEXP, UDL_NORM2


def set_anomaly(int mode):
    """0: off, 1: nodes remember where they were made, 2: and what they give is looked at for NaN; the mode before."""
    global udl_anomaly
    cdef int old = udl_anomaly
    udl_anomaly = mode
    return old
