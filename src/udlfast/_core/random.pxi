# random.pxi - counter-based generators: a seed and a count of Philox blocks used; the bits do not depend on threads.

cdef class Generator:
    """A source of random numbers: Philox4x32-10 with a 64-bit seed and a block counter."""
    cdef uint64_t seed_
    cdef uint64_t offset

    def __init__(self, device="cpu"):
        if str(device) != "cpu":
            slot("check_device")(device)
        self.seed_ = 67280421310721

    def manual_seed(self, seed):
        """Start over from `seed` (any 64-bit integer)."""
        try:
            self.seed_ = <uint64_t>(int(seed) & 0xFFFFFFFFFFFFFFFF)
        except (TypeError, ValueError):
            raise TypeError(f"manual_seed: expected the seed to be an integer, got {seed!r}") from None
        self.offset = 0
        if udl_recorders:
            reseeded()
        return self

    def seed(self):
        """Start over from a seed drawn by the operating system, and give it back."""
        import os
        value = int.from_bytes(os.urandom(8), "little") >> 1
        self.manual_seed(value)
        return value

    def initial_seed(self):
        return self.seed_

    @property
    def device(self):
        return slot("cpu_device")()

    def get_state(self):
        """The state as a uint8 tensor of 16 bytes."""
        cdef Py_ssize_t shape[1]
        cdef Tensor t
        shape[0] = 16
        t = empty_nd(UDL_U8, 1, shape)
        if udl_recorders:
            reseeded()
        memcpy(t.data_, &self.seed_, 8)
        memcpy(t.data_ + 8, &self.offset, 8)
        return t

    def set_state(self, Tensor state not None):
        if state.code != UDL_U8 or state.numel_ != 16 or not state.contig:
            raise ArgumentError(f"set_state: expected the uint8 tensor of 16 bytes that get_state gives, got {state.dtype} "
                                f"{list(size_of(state))}")
        if udl_recorders:
            reseeded()
        memcpy(&self.seed_, state.data_, 8)
        memcpy(&self.offset, state.data_ + 8, 8)
        return self

    def reserve(self, n):
        """Take n blocks: (seed, first block), both as signed 64-bit integers for a kernel's struct."""
        cdef uint64_t first = self.offset
        if udl_recorders:
            note_draw(self, <int64_t>first, n)
        self.offset += <uint64_t>n
        return <int64_t>self.seed_, <int64_t>first

    def __reduce__(self):
        return _generator_from_state, (self.seed_, self.offset)


def _generator_from_state(seed, offset):
    cdef Generator g = Generator()
    g.seed_, g.offset = seed, offset
    return g


cdef int note_draw(Generator g, int64_t first, n) except -1:
    cdef Recorder r = recorder()
    if r is not None:
        r.starts.setdefault(g, first)
        r.draws.append([g, first, <int64_t>n, False])
    return 0


cdef int reseeded() except -1:
    cdef Recorder r = recorder()
    if r is not None:
        r.refuse("the state of a random generator is read or set")
    return 0


default_generator = Generator()


def manual_seed(seed):
    """Seed the default generator; returns it."""
    return default_generator.manual_seed(seed)


def next_philox(n, generator=None):
    """(seed, offset): reserves n Philox blocks (of four 32-bit words) of a generator."""
    return (<Generator?>(default_generator if generator is None else generator)).reserve(n)


cdef class RandomSpace:
    """Not made by users: holds the constants of the random kernel."""
    KIND = {"uniform": 0, "normal": 1, "integers": 2, "bernoulli": 3, "permutation": 4}


def random_(Tensor t not None, int kind, double p0, double p1, generator=None):
    """Fill a contiguous tensor from the random kernel (kinds as in csrc/args.h); no tape."""
    if not t.contig:
        r = random_(empty_like_c(t, t.code), kind, p0, p1, generator)
        copy_into(t, <Tensor>r)
        t.storage.version += 1
        return t
    seed, offset = next_philox(t.numel_ + 4, generator)
    if t.numel_:
        call(UDL_K_random, (t,), (kind, t.code, t.numel_, seed, offset, 0), (p0, p1))
    t.storage.version += 1
    return t
