# device.pxi - where a kernel call is carried out. Because a call is a value, a GPU is another place to carry it out: a tensor whose
# storage has a device has its numbers in device memory, and each call on it goes to cuda/_route.py instead of udl_call.
#
# Nothing here runs until the first tensor moves to a GPU: then this file holds one of the "recorders" of record.pxi for good, so that
# every question `udl_tracing` is answered yes, and whatever touches memory comes by. A process without a GPU pays nothing.
#
# A storage keeps its host block; `mirror` is its block of device memory. `stale`: the host's numbers are old; `mirrored`: the device's
# are those of the host, or newer. device: 0 the CPU; k > 0: GPU k - 1; UNDECIDED: made since, and so far only of constants: it goes
# where it is first written together with tensors of a device (results of operations, gradients that start as zeros).

cdef int udl_cuda = 0
cdef object CARRY = None           # carry(kernel, name, tensors, ints, floats) -> was there a body for it?
cdef object ALLOCATE = None        # allocate(bytes) -> a block with upload, download, zero, address
cdef set LISTS = set()            # kernels whose second input is a list of places
cdef object FALLBACK = None        # told the name of each kernel that the CPU computes for the GPU

cdef enum:
    UNDECIDED = -1


def use_cuda(carry, allocate, fallback, lists):
    """From now on calls on tensors of a device are carried out by carry."""
    global udl_cuda, udl_recorders, CARRY, ALLOCATE, FALLBACK
    CARRY, ALLOCATE, FALLBACK = carry, allocate, fallback
    LISTS.update(lists)
    if not udl_cuda:
        udl_cuda = 1
        udl_recorders += 1


cdef inline str device_name(Storage s):
    return f"cuda:{s.device - 1}" if s.device > 0 else "cpu"


cdef int to_device(Storage s, bint whole) except -1:
    """Device memory holds the numbers of s; whole: all of them are about to be written."""
    if s.nbytes == 0:
        return 0
    if s.mirror is None:
        s.mirror, s.mirrored = ALLOCATE(s.nbytes), False
    if s.stale:
        return 0
    if not s.mirrored or s.device <= 0 and (s.exported or s.owner is not None):
        if not (whole and s.blank and s.nbytes > 16 and not s.exported):     # scalars are written without notice
            s.mirror.upload(<size_t>s.ptr, 0, s.nbytes)
        s.mirrored = True
    return 0


cdef int to_host(Storage s) except -1:
    """Host memory holds the numbers of s."""
    if s.stale:
        s.mirror.download(<size_t>s.ptr, 0, s.nbytes)
        s.stale = False
    return 0


cdef inline void host_wrote(Storage s) noexcept:
    s.stale = s.mirrored = s.blank = False


cdef int on_one_device(str op, parts) except -1:
    """Refuses tensors of different devices."""
    cdef Storage on = None
    for o in parts:
        if (<Tensor>o).storage.device > 0:
            on = (<Tensor>o).storage
    if on is None:
        return 0
    for o in parts:
        if (<Tensor>o).storage.device == 0:
            raise ArgumentError(f"{op}: expected all tensors on one device, got {device_name(on)} and cpu; move one with .to(...)")
    return 0


cdef int look(Tensor t, str what) except -1:
    """The host is about to use t's memory under its address: refused for memory of a device."""
    host_read(what)
    if t.storage.device > 0:
        raise TypeError(f"{slot("who_asks")(what)}: this tensor is on {device_name(t.storage)}, the host cannot see its memory; call tensor.cpu() first")
    t.storage.blank = False
    return 0


cdef int look_one(Tensor t) except -1:
    """The host is about to read one element."""
    cdef Storage s = t.storage
    if s.stale:
        s.mirror.download(<size_t>t.data_, t.data_ - <char *>s.ptr, ITEMSIZE[t.code])
    return 0


cdef inline int follow(Tensor t, Tensor a) except -1:
    """t, just made, is to be where a is."""
    if a.storage.device > 0:
        t.storage.device = a.storage.device
    return 0


cdef int place(int id, const field *f, tuple tensors, int *where) except -1:
    """Which device does a call run on (0: the CPU)? Refuses a mixture. Numbers of no dimensions and lists of places may join from the CPU."""
    cdef int i, n_out = udl_kernels[id].n_out
    cdef Tensor t
    cdef Storage on = None
    where[0] = 0
    for o in tensors:
        if o is not None and (<Tensor>o).storage.device > 0:
            on = (<Tensor>o).storage
            break
    if on is None:
        return 0
    where[0] = on.device
    for i in range(<int>len(tensors)):
        if tensors[i] is None:
            continue
        t = <Tensor>tensors[i]
        if t.storage.device != on.device and t.storage.device != UNDECIDED and (t.ndim_ or i < n_out) \
                and not (i == 2 and id in LISTS):
            name = op_name(<int>f[4].i) if id == UDL_K_elementwise else (<bytes>udl_kernels[id].name).decode()
            raise ArgumentError(f"{name}: expected all tensors on one device, got {device_name(on)} "
                                f"and {device_name(t.storage)}; move one with .to(...)")
    return 0


cdef int carry(int id, const void *args, tuple given) except -1:
    """Carry a call out on a device if its tensors are on one: 1 if that is done, 0 if the CPU is to run it."""
    cdef const udl_kernel_info *info = &udl_kernels[id]
    cdef const field *f = <const field *>args
    cdef tuple tensors = given[:info.n_out + info.n_in]
    cdef int i, where, n = info.n_out + info.n_in
    cdef bint table = info.n_out == 0 and info.n_in == 1, constant = id != UDL_K_random, write
    cdef list ints, floats, written = []
    cdef Tensor t
    if table and type((<Tensor>given[0]).storage.mirror) is list:
        tensors = tuple((<Tensor>given[0]).storage.mirror)
    place(id, f, tensors, &where)
    for i in range(<int>len(tensors)):
        if tensors[i] is None:
            continue
        t = <Tensor>tensors[i]
        write = i % 5 != 1 if table else i < info.n_out or (i in WRITES.get(id, ()) and writes_now(id, args))
        if write:
            written.append(t)
        if where:
            to_device(t.storage, i < info.n_out and t.numel_ * ITEMSIZE[t.code] >= <Py_ssize_t>t.storage.nbytes)
            if write and t.storage.device < 0:
                t.storage.device = where
        elif not write and t.storage.device == 0 and t.ndim_:
            constant = False
    if where == 0:
        for o in written:
            t = <Tensor>o
            host_wrote(t.storage)
            if t.storage.device < 0 and not constant:
                t.storage.device = 0
        return 0
    ints = [f[n + i].i for i in range(info.n_int)]
    floats = [f[n + info.n_int + i].d for i in range(info.n_float)]
    name = (<bytes>info.name).decode()
    if not CARRY(id, name, tensors, ints, floats):
        return on_host(id, name, args, tensors, written)
    for o in written:
        t = <Tensor>o
        t.storage.stale, t.storage.mirrored, t.storage.blank = True, True, False
    return 1


cdef int on_host(int id, str name, const void *args, tuple tensors, list written) except -1:
    """A call on tensors of a device that has no body there: their numbers come to the host, which runs it; results go back when used."""
    FALLBACK(name)
    for o in tensors:
        if o is not None:
            to_host((<Tensor>o).storage)
    run_kernel(id, args, GIL_WORK + 1)
    for o in written:
        host_wrote((<Tensor>o).storage)
    return 1


cdef int fill_zero(Tensor t) except -1:
    """Set contiguous elements to zero where they are: 1 if that was on a device."""
    cdef Storage s = t.storage
    if s.device <= 0:
        host_wrote(s)
        return 0
    to_device(s, t.numel_ * ITEMSIZE[t.code] >= <Py_ssize_t>s.nbytes)
    s.mirror.zero(t.data_ - <char *>s.ptr, t.numel_ * ITEMSIZE[t.code])
    s.stale, s.mirrored, s.blank = True, True, False
    return 1


# ---- for udlfast/cuda ----------------------------------------------------------------------------------------------------------------
def device_number(Tensor t not None):
    """0: the CPU; k: GPU k - 1."""
    return t.storage.device if t.storage.device > 0 else 0


def block_of(Tensor t not None):
    """(block of device memory, offset of t's first element in bytes); a tensor without elements has a block too."""
    if t.storage.nbytes == 0 and t.storage.mirror is None:
        t.storage.mirror = ALLOCATE(16)
    return t.storage.mirror, t.data_ - <char *>t.storage.ptr


def move_to_device(Tensor t not None, int number, bint wait=True):
    """A copy of t, contiguous, on a device; nothing recorded. Without `wait` page-locked memory is read later."""
    cdef Tensor out = empty_nd(t.code, t.ndim_, t.shape_)
    cdef Tensor a = contiguous(alias(t))
    out.storage.device = number
    if out.storage.nbytes:
        out.storage.mirror = ALLOCATE(out.storage.nbytes)
        to_host(a.storage)
        out.storage.mirror.upload(<size_t>a.data_, 0, out.storage.nbytes, wait)
        out.storage.mirrored = out.storage.stale = True
        out.storage.blank = False
    return out


def move_to_host(Tensor t not None, Tensor later=None):
    """A copy of t, contiguous, on the CPU; nothing recorded. later: page-locked memory for it, where it arrives with the stream."""
    cdef Tensor out = empty_nd(t.code, t.ndim_, t.shape_) if later is None else later
    cdef Tensor a = contiguous(alias(t))
    cdef Storage s = a.storage
    out.storage.device, out.storage.blank = 0, False
    if out.storage.nbytes:
        if s.stale:
            s.mirror.download(<size_t>out.data_, a.data_ - <char *>s.ptr, a.numel_ * ITEMSIZE[a.code], later is None)
        else:
            memcpy(out.data_, a.data_, a.numel_ * ITEMSIZE[a.code])
    return out
