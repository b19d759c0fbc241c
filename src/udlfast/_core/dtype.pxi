# dtype.pxi - element types: bool < integers < floating point, ordered by code inside a category.

cdef str SHOWN = "udlfast"


def set_shown_name(str name):
    """Under which module types, shapes and layouts show themselves: udlfast, or torch in scripts/as_torch.py."""
    global SHOWN
    SHOWN = name


def shown_name():
    """What set_shown_name has set."""
    return SHOWN


cdef class dtype:
    """The type of a tensor's elements, such as ``udlfast.float32``."""
    cdef readonly int code
    cdef readonly str name
    cdef readonly int itemsize
    cdef readonly bint is_floating_point
    cdef readonly bint is_complex
    cdef readonly bint is_signed
    cdef readonly bint narrow  # a floating type of 16 bits: most operations compute it in float32
    cdef readonly str numpy_name

    def __init__(self, *args):
        raise TypeError("dtype: dtypes are constants such as udlfast.float32; none can be made")

    def __repr__(self):
        return SHOWN + "." + self.name

    def __reduce__(self):
        return _dtype_by_name, (self.name,)


cdef int[13] ITEMSIZE = [1, 1, 1, 2, 4, 8, 2, 4, 8, 2, 2, 4, 8]
cdef list DTYPES = []


cdef inline bint wide_unsigned(int code) noexcept:
    """Is it uint16, uint32 or uint64, which hold numbers but take part in little?"""
    return UDL_I64 < code < UDL_F16


cdef dtype make_dtype(int code, str name, str numpy_name):
    cdef dtype d = dtype.__new__(dtype)
    d.code, d.name, d.numpy_name = code, name, numpy_name
    d.itemsize = ITEMSIZE[code]
    d.is_floating_point = code >= UDL_F16
    d.is_complex = False
    d.is_signed = code >= UDL_I8 and not wide_unsigned(code)
    d.narrow = code == UDL_F16 or code == UDL_BF16
    DTYPES.append(d)
    return d


bool_ = make_dtype(UDL_BOOL, "bool", "bool")
uint8 = make_dtype(UDL_U8, "uint8", "uint8")
int8 = make_dtype(UDL_I8, "int8", "int8")
int16 = make_dtype(UDL_I16, "int16", "int16")
int32 = make_dtype(UDL_I32, "int32", "int32")
int64 = make_dtype(UDL_I64, "int64", "int64")
uint16 = make_dtype(UDL_U16, "uint16", "uint16")
uint32 = make_dtype(UDL_U32, "uint32", "uint32")
uint64 = make_dtype(UDL_U64, "uint64", "uint64")
float16 = make_dtype(UDL_F16, "float16", "float16")
bfloat16 = make_dtype(UDL_BF16, "bfloat16", "")
float32 = make_dtype(UDL_F32, "float32", "float32")
float64 = make_dtype(UDL_F64, "float64", "float64")
cdef int DEFAULT_FLOAT = UDL_F32


def _dtype_by_name(name):
    for d in DTYPES:
        if (<dtype>d).name == name:
            return d
    raise ValueError(f"dtype: no element type is called {name!r}")


def get_default_dtype():
    """The floating type that new tensors get when none is named."""
    return DTYPES[DEFAULT_FLOAT]


def set_default_dtype(dtype d):
    """Make float32 or float64 the type of new floating tensors."""
    global DEFAULT_FLOAT
    if d is None or d.code < UDL_F32:
        raise DTypeError(f"set_default_dtype: expected udlfast.float32 or udlfast.float64, got {d}")
    DEFAULT_FLOAT = d.code


cdef inline int category(int code) noexcept:
    return 0 if code == UDL_BOOL else (1 if code < UDL_F16 else 2)


cdef inline int compute_type(int code) noexcept:
    """The type that element-wise kernels compute in for results of type `code`."""
    if code == UDL_F64:
        return UDL_F64
    return UDL_F32 if code >= UDL_F16 else UDL_I64


cdef inline int wider(int a, int b) except -1:
    """The smallest type to which both convert."""
    if a > b:
        a, b = b, a
    if a != b and wide_unsigned(b):
        raise DTypeError(f"promotion for uint16, uint32, uint64 is not supported, attempted to promote {(<dtype>DTYPES[a]).name} and "
                         f"{(<dtype>DTYPES[b]).name}; convert one of them, with .to(udlfast.int64) for instance")
    if a == UDL_U8 and b == UDL_I8:
        return UDL_I16
    if a == UDL_F16 and b == UDL_BF16:
        return UDL_F32
    return b


cdef inline int promote(Tensor a, Tensor b) except -1:
    """PyTorch's rule: a zero-dimensional tensor raises the type only across categories."""
    if a.code == b.code:
        return a.code
    if a.ndim_ == 0 and b.ndim_ > 0 and category(a.code) <= category(b.code):
        return b.code
    if b.ndim_ == 0 and a.ndim_ > 0 and category(b.code) <= category(a.code):
        return a.code
    return wider(a.code, b.code)


cdef inline int code_of(object d, int default) except -1:
    """The code of a dtype argument; None gives the default; Python's float, int, bool stand for theirs."""
    if d is None:
        return default
    if type(d) is dtype:
        return (<dtype>d).code
    if d is float:
        return UDL_F32
    if d is int:
        return UDL_I64
    if d is bool:
        return UDL_BOOL
    if getattr(d, "is_complex", False):
        raise DTypeError(f"dtype: tensors do not hold {d!r}; make complex numbers from two real tensors by complex, polar or "
                         f"view_as_complex")
    raise TypeError(f"dtype: expected one of udlfast's dtypes such as udlfast.float32, got {d!r}")


def promote_types(dtype a, dtype b):
    """The smallest type to which both convert."""
    return DTYPES[wider(a.code, b.code)]


def result_type(a, b):
    """The type of an element-wise operation of `a` and `b` (tensors or Python numbers)."""
    cdef Tensor t
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return DTYPES[promote(<Tensor>a, <Tensor>b)]
    if isinstance(b, Tensor):
        a, b = b, a
    if isinstance(a, Tensor):
        t = <Tensor>a
        return DTYPES[scalar_type(t.code, b)]
    return DTYPES[max(scalar_type(UDL_BOOL, a), scalar_type(UDL_BOOL, b))]


cdef inline int scalar_type(int code, object s) except -1:
    """Type of a tensor of type `code` combined with the Python number s."""
    if type(s) is float or isinstance(s, float):
        return code if code >= UDL_F16 else DEFAULT_FLOAT
    if type(s) is bool:
        return code
    return code if code != UDL_BOOL else UDL_I64
