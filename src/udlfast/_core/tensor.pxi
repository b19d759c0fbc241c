# tensor.pxi - the class: geometry over a storage, and a place on the tape.

cdef object Size = None            # tuple subclass of shapes, set by udlfast/size.py
cdef dict SLOTS = {}               # what Python fills in: "repr", "getitem", "setitem", "to_tensor", ...
cdef dict EXTENSIONS = {}          # method -> module that attached it


cdef object slot(str name):
    """The Python function in a slot; the file that fills it is imported at first use."""
    f = SLOTS.get(name)
    if f is None:
        SLOTS["load_slot"](name)
        f = SLOTS[name]
    return f


def set_size_class(cls):
    """Give the core the class of shapes."""
    global Size
    Size = cls


def set_hook(str name, function):
    """Give the core a Python function for a slot that needs no speed (printing, advanced indexing, ...)."""
    SLOTS[name] = function


cdef extern from "Python.h":
    ctypedef PyObject *(*newfunc)(PyTypeObject *, PyObject *, PyObject *)
    ctypedef struct PyTypeObject:
        newfunc tp_new
        PyObject *tp_dict
    void PyType_Modified(PyTypeObject *)


def extend(str name, function):
    """Attach a Python function to Tensor as a method."""
    import sys
    cdef dict d = <dict>(<PyTypeObject *><PyObject *>Tensor).tp_dict
    EXTENSIONS[name] = sys._getframe(0).f_globals["__name__"]
    d[name] = function
    PyType_Modified(<PyTypeObject *><PyObject *>Tensor)


cdef class LazyMethod:
    """Stands in Tensor's dictionary for a method whose file is imported when it is first looked up."""
    cdef str name

    def __get__(self, instance, owner):
        SLOTS["load_method"](self.name)
        if (<dict>(<PyTypeObject *><PyObject *>Tensor).tp_dict)[self.name] is self:
            raise AttributeError(f"'Tensor' object has no attribute {self.name!r}")
        return getattr(owner if instance is None else instance, self.name)


def announce(names):
    """Put a LazyMethod under each of the names that Tensor does not have."""
    cdef dict d = <dict>(<PyTypeObject *><PyObject *>Tensor).tp_dict
    cdef LazyMethod m
    for name in names:
        if name not in d:
            m = LazyMethod.__new__(LazyMethod)
            m.name = name
            d[name] = m
    PyType_Modified(<PyTypeObject *><PyObject *>Tensor)


def extensions():
    """{method: module that attached it}"""
    return dict(EXTENSIONS)


@cython.freelist(256)
@cython.trashcan(True)
cdef class Tensor:
    """An n-dimensional array of one element type that can remember how it was computed.

    Made by ``tensor``, ``from_numpy``, ``zeros``, ``randn``, ... rather than by calling the class.
    """
    cdef Storage storage
    cdef char *data_
    cdef int code
    cdef int ndim_
    cdef bint contig
    cdef bint rg                      # a leaf that wants a gradient
    cdef bint retains
    cdef bint many                    # one of several views that one operation gave: not to be modified in place on the tape
    cdef int out_idx                  # which output of `node` this is
    cdef Py_ssize_t numel_
    cdef Py_ssize_t shape_[8]
    cdef Py_ssize_t strides_[8]       # in elements
    cdef Node node                    # what computed this tensor; None for a leaf
    cdef Tensor grad_
    cdef Tensor base                  # the tensor that this one is a view of
    cdef long tape_version            # of `base` when `node` was set; see views.pxi
    cdef PyObject *acc                # AccumulateGrad of this leaf, not owned
    cdef object hooks
    cdef dict post_hooks              # called after grad was added to
    cdef dict __dict__
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        if self.storage is BLANK:
            init_tensor(self, slot("legacy_tensor")(*args, **kwargs))

    # ---- what it is -----------------------------------------------------------------------------------------------
    @property
    def shape(self):
        return size_of(self)

    def size(self, dim=None):
        if dim is None:
            return size_of(self)
        return self.shape_[norm_dim(dim, self.ndim_, "size")]

    def stride(self, dim=None):
        if dim is None:
            return tuple_of(self.strides_, self.ndim_, 1)
        return self.strides_[norm_dim(dim, self.ndim_, "stride")]

    def storage_offset(self):
        return (self.data_ - <char *>self.storage.ptr) // ITEMSIZE[self.code]

    def data_ptr(self):
        if udl_tracing:
            host_read("data_ptr()")
            if self.storage.device > 0 and self.storage.nbytes:
                to_device(self.storage, False)
                return self.storage.mirror.address() + (self.data_ - <char *>self.storage.ptr)
        self.storage.exported = True
        self.storage.packed = None
        return <size_t>self.data_

    @property
    def ndim(self):
        return self.ndim_

    def dim(self):
        return self.ndim_

    def numel(self):
        return self.numel_

    def nelement(self):
        return self.numel_

    @property
    def itemsize(self):
        return ITEMSIZE[self.code]

    def element_size(self):
        return ITEMSIZE[self.code]

    @property
    def nbytes(self):
        return self.numel_ * ITEMSIZE[self.code]

    @property
    def dtype(self):
        return DTYPES[self.code]

    def is_contiguous(self, memory_format=None):
        return self.contig

    def is_floating_point(self):
        return self.code >= UDL_F16

    def is_complex(self):
        return False

    @property
    def _version(self):
        return self.storage.version

    # ---- the tape ---------------------------------------------------------------------------------------------------
    @property
    def requires_grad(self):
        return self.rg or self.node is not None

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, bint requires_grad=True):
        """Start (or stop) recording operations on this leaf."""
        if self.node is not None:
            if not requires_grad:
                raise ArgumentError("requires_grad_: only leaf tensors can be told not to require a gradient; use "
                                    "detach() to get a tensor that is cut off from the tape")
            return self
        if requires_grad and self.code < UDL_F16:
            raise DTypeError(f"requires_grad_: only floating-point tensors can require gradients, got {self.dtype}")
        self.rg = requires_grad
        return self

    @property
    def is_leaf(self):
        return self.node is None

    @property
    def grad_fn(self):
        return tape_node(self) if self.node is not None else None

    @property
    def output_nr(self):
        return self.out_idx

    @property
    def grad(self):
        if udl_tracing:
            note_grad(self, True)
        return self.grad_

    @grad.setter
    def grad(self, value):
        cdef Tensor g
        if udl_tracing:
            note_grad(self, False)
        if value is None:
            self.grad_ = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
        g = <Tensor>value
        if g is self or not same_shape(g, self) or g.code != self.code:
            raise ShapeError(f"grad: expected a tensor of shape {list(size_of(self))} and type {self.dtype}, got "
                             f"{list(size_of(g))} and {g.dtype}")
        self.grad_ = g

    @grad.deleter
    def grad(self):
        if udl_tracing:
            note_grad(self, False)
        self.grad_ = None

    def backward(self, gradient=None, retain_graph=None, bint create_graph=False, inputs=None):
        """Add d(self)/d(leaf) to the ``grad`` of each leaf that this tensor was computed from."""
        backward(self, None if gradient is None else [gradient], retain_graph, create_graph, inputs)

    def detach(self):
        """A tensor that shares memory with this one and is cut off from the tape."""
        return alias(self)

    def detach_(self):
        if self.base is not None and self.node is not None:
            raise ArgumentError("detach_: a view cannot be detached in place; use detach()")
        self.node = None
        self.rg = False
        return self

    @property
    def data(self):
        return alias(self)

    @data.setter
    def data(self, value):
        cdef Tensor v
        if not isinstance(value, Tensor):
            raise TypeError(f"data: expected a Tensor, got {type(value).__name__}")
        v = <Tensor>value
        if v.code != self.code and self.node is not None:        # a leaf may change its type: Module.double()
            raise DTypeError(f"data: expected {self.dtype}, got {v.dtype}")
        set_geometry(self, v)

    def retain_grad(self):
        if not self.rg and self.node is None:
            raise ArgumentError("retain_grad: this tensor does not require a gradient")
        if self.node is not None and not self.retains:
            self.retains = True
            add_retain(self)

    @property
    def retains_grad(self):
        return self.retains

    def register_hook(self, hook):
        """Call hook(grad) when this tensor's gradient is known; what it returns, if not None, replaces it."""
        return add_hook(self, hook)

    # ---- out to Python and NumPy ---------------------------------------------------------------------------------------
    def item(self):
        """The only element as a Python number."""
        if self.numel_ != 1:
            raise ArgumentError(f"item: expected a tensor of one element, got shape {list(size_of(self))}; use tolist() "
                                f"or index it")
        if udl_tracing:
            look_one(self)
            if self.code < UDL_F16:
                read_number(self, "item()", UDL_NUMBER_BITS)
            else:
                host_read("item()")
        return read_item(self.data_, self.code)

    def tolist(self):
        if self.ndim_ == 0:
            return self.item()
        if self.storage.device > 0:
            return move_to_host(self).tolist()
        return to_numpy(self.float() if self.code == UDL_BF16 else alias(self)).tolist()

    def numpy(self, *, bint force=False):
        """A NumPy array that shares this tensor's memory (no copy)."""
        if force and self.storage.device > 0:
            return to_numpy(move_to_host(self))
        if self.requires_grad:
            if not force:
                raise ArgumentError("numpy: this tensor requires a gradient; call tensor.detach().numpy() instead")
            return to_numpy(alias(self))
        return to_numpy(self)

    def __array__(self, dtype=None, copy=None):
        a = self.numpy()
        if dtype is not None and a.dtype != dtype:
            if copy is False:
                raise ValueError(f"__array__: {a.dtype} cannot become {dtype} without a copy")
            return a.astype(dtype)
        return a.copy() if copy else a

    @property
    def __array_interface__(self):
        return self.numpy().__array_interface__

    __array_priority__ = 1000

    def __reduce_ex__(self, protocol):
        return slot("reduce")(self)

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if self.code >= UDL_F16 or self.numel_ != 1:
            raise TypeError("__index__: only integer tensors of one element can be used as an index")
        return int(self.item())

    def __bool__(self):
        if self.numel_ != 1:
            raise ArgumentError(f"bool: the truth of a tensor of shape {list(size_of(self))} is ambiguous; use any() or all()")
        if udl_tracing:
            look_one(self)
            read_number(self, "bool()", UDL_NUMBER_TRUTH if self.code < UDL_F16 else UDL_NUMBER_TRUTH_FLOAT)
        return bool(read_item(self.data_, self.code))

    def __len__(self):
        if self.ndim_ == 0:
            raise TypeError("len: a 0-d tensor has no length")
        return self.shape_[0]

    def __iter__(self):
        if self.ndim_ == 0:
            raise TypeError("iter: a 0-d tensor cannot be iterated over")
        return iter(self.unbind(0))

    def __contains__(self, value):
        return bool((self == value).any())

    def __repr__(self):
        return slot("repr")(self)

    def __format__(self, spec):
        if not isinstance(spec, str):
            raise TypeError(f"format: the specification must be a string, got {type(spec).__name__}")
        if self.ndim_ == 0:
            return format(self.item(), spec)
        if spec:
            raise TypeError("format: a tensor with dimensions takes no format specification")
        return repr(self)

    def __getattr__(self, name):
        # only reached when the ordinary look-up failed: the method may live in a file that is not imported yet
        if SLOTS["load_method"](name):
            return getattr(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")

    def __hash__(self):
        return <Py_ssize_t><void *>self >> 4

    def __getitem__(self, index):
        return getitem(self, index)

    def __setitem__(self, index, value):
        setitem(self, index, value)

    def __delitem__(self, index):
        raise TypeError("del: elements of a tensor cannot be deleted")

    # ---- arithmetic (elementwise.pxi) -------------------------------------------------------------------------------------
    def __add__(self, other): return binary(UDL_MAP_add, self, other)
    def __radd__(self, other): return binary(UDL_MAP_add, self, other)
    def __sub__(self, other): return binary(UDL_MAP_sub, self, other)
    def __rsub__(self, other): return binary(UDL_MAP_rsub, self, other)
    def __mul__(self, other): return binary(UDL_MAP_mul, self, other)
    def __rmul__(self, other): return binary(UDL_MAP_mul, self, other)
    def __truediv__(self, other): return binary(UDL_MAP_div, self, other)
    def __rtruediv__(self, other): return binary(UDL_MAP_rdiv, self, other)
    def __floordiv__(self, other): return binary(UDL_MAP_floor_divide, self, other)
    def __rfloordiv__(self, other): return binary(UDL_MAP_floor_divide, as_tensor_like(other, self), self)
    def __mod__(self, other): return binary(UDL_MAP_remainder, self, other)
    def __rmod__(self, other): return binary(UDL_MAP_remainder, as_tensor_like(other, self), self)
    def __pow__(self, other, modulo): return binary(UDL_MAP_pow, self, other)
    def __rpow__(self, other, modulo): return binary(UDL_MAP_rpow, self, other)
    def __and__(self, other): return binary(UDL_MAP_bitwise_and, self, other)
    def __rand__(self, other): return binary(UDL_MAP_bitwise_and, self, other)
    def __or__(self, other): return binary(UDL_MAP_bitwise_or, self, other)
    def __ror__(self, other): return binary(UDL_MAP_bitwise_or, self, other)
    def __xor__(self, other): return binary(UDL_MAP_bitwise_xor, self, other)
    def __rxor__(self, other): return binary(UDL_MAP_bitwise_xor, self, other)
    def __lshift__(self, other): return binary(UDL_MAP_lshift, self, other)
    def __rshift__(self, other): return binary(UDL_MAP_rshift, self, other)
    def __eq__(self, other): return compare(UDL_MAP_eq, self, other)
    def __ne__(self, other): return compare(UDL_MAP_ne, self, other)
    def __lt__(self, other): return compare(UDL_MAP_lt, self, other)
    def __le__(self, other): return compare(UDL_MAP_le, self, other)
    def __gt__(self, other): return compare(UDL_MAP_gt, self, other)
    def __ge__(self, other): return compare(UDL_MAP_ge, self, other)
    def __neg__(self): return unary(UDL_MAP_neg, self, 0.0, 0.0)
    def __pos__(self): return self
    def __abs__(self): return unary(UDL_MAP_abs, self, 0.0, 0.0)
    def __invert__(self): return unary(UDL_MAP_bitwise_not, self, 0.0, 0.0)
    def __matmul__(self, other): return matmul(self, other)
    def __rmatmul__(self, other): return matmul(as_tensor_like(other, self), self)
    def __iadd__(self, other): return binary_(UDL_MAP_add, self, other)
    def __isub__(self, other): return binary_(UDL_MAP_sub, self, other)
    def __imul__(self, other): return binary_(UDL_MAP_mul, self, other)
    def __itruediv__(self, other): return binary_(UDL_MAP_div, self, other)
    def __ifloordiv__(self, other): return binary_(UDL_MAP_floor_divide, self, other)
    def __imod__(self, other): return binary_(UDL_MAP_remainder, self, other)
    def __iand__(self, other): return binary_(UDL_MAP_bitwise_and, self, other)
    def __ior__(self, other): return binary_(UDL_MAP_bitwise_or, self, other)
    def __ixor__(self, other): return binary_(UDL_MAP_bitwise_xor, self, other)
    def __ilshift__(self, other): return binary_(UDL_MAP_lshift, self, other)
    def __irshift__(self, other): return binary_(UDL_MAP_rshift, self, other)
    def __rlshift__(self, other): return binary(UDL_MAP_lshift, as_tensor_like(other, self), self)
    def __rrshift__(self, other): return binary(UDL_MAP_rshift, as_tensor_like(other, self), self)
    def __ipow__(self, other): return binary_(UDL_MAP_pow, self, other)

    # old: in PyTorch's older form, x.add_(alpha, other), the second tensor stands last
    def add(self, other, old=None, *, alpha=1): return add(self, other, old, alpha=alpha)
    def sub(self, other, old=None, *, alpha=1): return sub(self, other, old, alpha=alpha)
    def mul(self, other): return binary(UDL_MAP_mul, self, other)
    def div(self, other, *, rounding_mode=None): return div(self, other, rounding_mode=rounding_mode)
    def pow(self, exponent): return binary(UDL_MAP_pow, self, exponent)
    def matmul(self, other): return matmul(self, other)
    def neg(self): return unary(UDL_MAP_neg, self, 0.0, 0.0)
    def exp(self): return unary(UDL_MAP_exp, self, 0.0, 0.0)
    def log(self): return unary(UDL_MAP_log, self, 0.0, 0.0)
    def sqrt(self): return unary(UDL_MAP_sqrt, self, 0.0, 0.0)
    def relu(self): return unary(UDL_MAP_relu, self, 0.0, 0.0)
    def sigmoid(self): return unary(UDL_MAP_sigmoid, self, 0.0, 0.0)
    def tanh(self): return unary(UDL_MAP_tanh, self, 0.0, 0.0)
    def add_(self, other, old=None, *, alpha=1):
        if old is not None:
            other, alpha = old, other
        if alpha != 1 and add_scaled_(self, other, alpha):
            return self
        return binary_method(UDL_MAP_add, self, other if alpha == 1 else binary(UDL_MAP_mul, other, alpha)
                       if isinstance(other, Tensor) else other * alpha)
    def sub_(self, other, old=None, *, alpha=1):
        if old is not None:
            other, alpha = old, other
        if alpha != 1 and add_scaled_(self, other, -alpha):
            return self
        return binary_method(UDL_MAP_sub, self, other if alpha == 1 else binary(UDL_MAP_mul, other, alpha)
                       if isinstance(other, Tensor) else other * alpha)
    def mul_(self, other): return binary_method(UDL_MAP_mul, self, other)
    def div_(self, other, *, rounding_mode=None): return assign(self, div(snapshot(self, "div_", (other,)), other, rounding_mode=rounding_mode), "div_")
    def copy_(self, source, non_blocking=False): return copy_(self, source)
    def zero_(self): return fill_(self, 0)
    def fill_(self, value): return fill_(self, value)

    # ---- reductions (reduce.pxi) ---------------------------------------------------------------------------------------------
    def sum(self, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):    # as NumPy calls them
        r = sum(self, axis if axis is not None else dim, keepdim if keepdims is None else keepdims, dtype=dtype)
        return r if out is None else out.copy_(r)
    def mean(self, dim=None, keepdim=False, *, dtype=None, axis=None, keepdims=None, out=None):
        r = mean(self, axis if axis is not None else dim, keepdim if keepdims is None else keepdims, dtype=dtype)
        return r if out is None else out.copy_(r)

    # ---- views (views.pxi) ---------------------------------------------------------------------------------------------------
    def view(self, *shape, **named):
        if named:
            return view_dtype(self, <dtype?>named["dtype"]) if "dtype" in named else view(self, *shape, **named)
        if len(shape) == 1 and type(shape[0]) is dtype:
            return view_dtype(self, <dtype>shape[0])
        return view(self, shape)
    def view_as(self, other): return view(self, (<Tensor?>other).shape)
    def reshape(self, *shape, **named): return reshape(self, shape) if not named else reshape(self, *shape, **named)
    def reshape_as(self, other): return reshape(self, (<Tensor?>other).shape)
    def flatten(self, start_dim=0, end_dim=-1): return flatten(self, start_dim, end_dim)
    def unflatten(self, dim, sizes): return unflatten(self, dim, sizes)
    def transpose(self, dim0, dim1): return transpose(self, dim0, dim1)
    def swapaxes(self, axis0, axis1): return transpose(self, axis0, axis1)
    def t(self):
        if self.ndim_ > 2:
            raise DimError(f"t: expected at most 2 dimensions, got {self.ndim_}; use transpose or mT")
        return self if self.ndim_ < 2 else transpose(self, 0, 1)
    @property
    def T(self): return permute(self, tuple(range(self.ndim_ - 1, -1, -1)))
    @property
    def mT(self): return transpose(self, -2, -1)
    def permute(self, *dims, **named): return permute(self, dims) if not named else permute(self, *dims, **named)
    def movedim(self, source, destination): return movedim(self, source, destination)
    def expand(self, *sizes, **named): return expand(self, sizes) if not named else expand(self, *sizes, **named)
    def expand_as(self, other): return expand(self, (<Tensor?>other).shape)
    def broadcast_to(self, shape): return expand(self, tuple(shape))
    def squeeze(self, dim=None, *, axis=None): return squeeze(self, dim if axis is None else axis)
    def unsqueeze(self, dim=None, *, axis=None): return unsqueeze(self, dim if axis is None else axis)
    def select(self, dim, index): return select(self, dim, index)
    def narrow(self, dim, start, length): return narrow(self, dim, start, length)
    def diagonal(self, offset=0, dim1=0, dim2=1): return diagonal(self, offset, dim1, dim2)
    def as_strided(self, size, stride, storage_offset=None): return as_strided(self, size, stride, storage_offset)
    def unbind(self, dim=0, *, axis=None): return unbind(self, dim if axis is None else axis)
    def contiguous(self, memory_format=None): return contiguous(self)
    def clone(self, *, memory_format=None): return clone(self)
    def to(self, *args, **kwargs): return to(self, *args, **kwargs)
    def type(self, dtype=None): return slot("type_name")(self, dtype)
    def type_as(self, other): return cast(self, (<Tensor?>other).code)
    def float(self, memory_format=None): return cast(self, UDL_F32)
    def double(self, memory_format=None): return cast(self, UDL_F64)
    def half(self, memory_format=None): return cast(self, UDL_F16)
    def bfloat16(self, memory_format=None): return cast(self, UDL_BF16)
    def long(self, memory_format=None): return cast(self, UDL_I64)
    def int(self, memory_format=None): return cast(self, UDL_I32)
    def short(self, memory_format=None): return cast(self, UDL_I16)
    def char(self, memory_format=None): return cast(self, UDL_I8)
    def byte(self, memory_format=None): return cast(self, UDL_U8)
    def bool(self, memory_format=None): return cast(self, UDL_BOOL)


# ---- making tensors -------------------------------------------------------------------------------------------------------
cdef Tensor empty_nd(int code, int ndim, const Py_ssize_t *shape):
    """A new contiguous tensor; its elements are whatever the memory held."""
    cdef Tensor t = Tensor.__new__(Tensor)
    cdef Py_ssize_t n = 1
    cdef double nbytes = ITEMSIZE[code]
    cdef int i
    t.code = code
    t.ndim_ = ndim
    t.contig = True
    for i in range(ndim - 1, -1, -1):
        t.shape_[i] = shape[i]
        t.strides_[i] = n
        if shape[i] > 1:
            nbytes *= <double>shape[i]
            if nbytes > 4611686018427387904.0:  # 2^62: of an outer product, say
                check_size("tensor", ndim, shape, ITEMSIZE[code])
            n *= shape[i]
    for i in range(ndim):
        if shape[i] == 0:
            n = 0
    t.numel_ = n
    t.storage = new_storage(n * ITEMSIZE[code])
    t.data_ = <char *>t.storage.ptr
    return t


cdef inline Tensor empty_like_c(Tensor a, int code):
    cdef Tensor t = empty_nd(code, a.ndim_, a.shape_)
    if udl_tracing:
        follow(t, a)
    return t


cdef inline Tensor scalar_tensor(double value, int code):
    cdef Tensor t = empty_nd(code, 0, NULL)
    fill_(t, value)
    t.storage.version = 0
    return t


cdef Tensor alias(Tensor a):
    """The same memory and geometry, no tape."""
    cdef Tensor t = Tensor.__new__(Tensor)
    set_geometry(t, a)
    return t


cdef inline void set_geometry(Tensor t, Tensor a) noexcept:
    t.storage = a.storage
    t.data_ = a.data_
    t.code = a.code
    t.ndim_ = a.ndim_
    t.contig = a.contig
    t.numel_ = a.numel_
    memcpy(t.shape_, a.shape_, 8 * sizeof(Py_ssize_t))
    memcpy(t.strides_, a.strides_, 8 * sizeof(Py_ssize_t))


cdef Storage BLANK = new_storage(0)
cdef newfunc plain_new = (<PyTypeObject *><PyObject *>Tensor).tp_new


cdef PyObject *blank_new(PyTypeObject *kind, PyObject *args, PyObject *kwargs) except NULL:
    """Tensor.__new__ for Python: no elements until __init__ has run, which a subclass may leave out. Cython's own calls pass it by."""
    cdef PyObject *made = plain_new(kind, args, kwargs)
    cdef Tensor t
    if made != NULL:
        t = <Tensor>made
        t.storage, t.data_, t.code, t.contig, t.ndim_, t.strides_[0] = BLANK, <char *>BLANK.ptr, UDL_F32, True, 1, 1
    return made


(<PyTypeObject *><PyObject *>Tensor).tp_new = <newfunc>blank_new


cdef init_tensor(Tensor t, Tensor a):
    set_geometry(t, a)


def make_parameter(cls, Tensor data not None, bint requires_grad=True):
    """An instance of `cls` (a subclass of Tensor) that shares the memory of `data`."""
    cdef Tensor t = <Tensor>Tensor.__new__(cls)
    set_geometry(t, data)
    if requires_grad:
        t.requires_grad_(True)
    return t


cdef inline bint compute_contig(Tensor t) noexcept:
    cdef Py_ssize_t n = 1
    cdef int i
    if t.numel_ == 0:
        return True
    for i in range(t.ndim_ - 1, -1, -1):
        if t.shape_[i] != 1:
            if t.strides_[i] != n:
                return False
            n *= t.shape_[i]
    return True


cdef tuple tuple_of(const Py_ssize_t *numbers, int n, int factor):
    cdef tuple s = PyTuple_New(n)
    cdef int i
    cdef object v
    for i in range(n):
        v = numbers[i] * factor
        Py_INCREF(v)
        cython_set(s, i, v)
    return s


cdef object size_of(Tensor t):
    return Size(tuple_of(t.shape_, t.ndim_, 1))


cdef extern from "Python.h":
    void cython_set "PyTuple_SET_ITEM"(tuple, Py_ssize_t, object)


cdef inline bint same_shape(Tensor a, Tensor b) noexcept:
    cdef int i
    if a.ndim_ != b.ndim_:
        return False
    for i in range(a.ndim_):
        if a.shape_[i] != b.shape_[i]:
            return False
    return True


cdef int norm_dim(object dim, int ndim, str op) except -1:
    """A dimension counted from either end, checked; 0-d tensors take 0 and -1."""
    cdef Py_ssize_t d
    cdef int n = ndim if ndim > 0 else 1
    try:
        d = dim
    except TypeError:
        raise TypeError(f"{op}: expected dim to be an integer, got {dim!r}") from None
    if d < -n or d >= n:
        raise DimError(f"{op}: dimension {d} is out of range for a tensor of {ndim} dimensions (expected {-n}..{n - 1})")
    return d + n if d < 0 else d


cdef extern from "Python.h":
    double PyFloat_Unpack2(const char *p, int little_endian) except? -1.0


cdef object read_item(const char *p, int code):
    cdef uint32_t bits
    cdef float f
    if code == UDL_F32:
        return (<const float *>p)[0]
    if code == UDL_F64:
        return (<const double *>p)[0]
    if code == UDL_I64:
        return (<const int64_t *>p)[0]
    if code == UDL_BOOL:
        return p[0] != 0
    if code == UDL_I32:
        return (<const int32_t *>p)[0]
    if code == UDL_U8:
        return (<const uint8_t *>p)[0]
    if code == UDL_I16:
        return (<const int16_t *>p)[0]
    if code == UDL_I8:
        return (<const int8_t *>p)[0]
    if code == UDL_U16:
        return (<const uint16_t *>p)[0]
    if code == UDL_U32:
        return (<const uint32_t *>p)[0]
    if code == UDL_U64:
        return (<const uint64_t *>p)[0]
    if code == UDL_F16:
        return PyFloat_Unpack2(p, 1)
    bits = <uint32_t>(<const uint16_t *>p)[0] << 16
    memcpy(&f, &bits, 4)
    return f


cdef object NDARRAY = None
cdef list NUMPY_DTYPES


cdef object to_numpy(Tensor t):
    global NDARRAY, NUMPY_DTYPES
    cdef BufferView b
    if t.code == UDL_BF16:
        raise TypeError("numpy: NumPy has no bfloat16; use tensor.float().numpy()")
    if NDARRAY is None:
        import numpy
        NUMPY_DTYPES = [numpy.dtype((<dtype>d).numpy_name or "uint16") for d in DTYPES]
        NDARRAY = numpy.ndarray
    if udl_tracing:
        look(t, "numpy()")
    t.storage.exported = True
    t.storage.packed = None
    b = BufferView.__new__(BufferView)
    b.t = alias(t)  # not asarray(): where memory is short, that takes a buffer for a sequence of Python numbers
    return NDARRAY(tuple_of(t.shape_, t.ndim_, 1), NUMPY_DTYPES[t.code], b, 0, tuple_of(t.strides_, t.ndim_, ITEMSIZE[t.code]))


cdef Tensor as_tensor_like(object value, Tensor like):
    """A Python number (or array) as a tensor that combines with `like` as a scalar would."""
    if isinstance(value, Tensor):
        return <Tensor>value
    if isinstance(value, (int, float)):
        return scalar_tensor_exact(value, scalar_type(like.code, value))
    return slot("to_tensor")(value)


cdef Tensor scalar_tensor_exact(object value, int code):
    cdef Tensor t = empty_nd(code, 0, NULL)
    if code == UDL_I64:
        (<int64_t *>t.data_)[0] = value
    else:
        fill_(t, value)
        t.storage.version = 0
    return t
