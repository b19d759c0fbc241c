"""Written by scripts/write_stubs.py: types of the compiled core; its sources are in the folder _core/."""
import builtins
from typing import Any, Callable, Iterator, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])
class Tensor:
    H: Any
    T: Any
    def __abs__(self) -> Tensor: ...
    def __add__(self, other: Any, /) -> Tensor: ...
    def __and__(self, other: Any, /) -> Tensor: ...
    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...
    __array_wrap__: Any
    def __bool__(self) -> builtins.bool: ...
    def __contains__(self, other: Any, /) -> builtins.bool: ...
    def __delitem__(self, other: Any, /) -> Any: ...
    __dlpack__: Any
    __dlpack_device__: Any
    def __eq__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]
    def __float__(self) -> builtins.float: ...
    def __floordiv__(self, other: Any, /) -> Tensor: ...
    def __ge__(self, other: Any, /) -> Tensor: ...
    def __getitem__(self, other: Any, /) -> Tensor: ...
    def __gt__(self, other: Any, /) -> Tensor: ...
    def __iadd__(self, other: Any, /) -> Tensor: ...
    def __iand__(self, other: Any, /) -> Tensor: ...
    def __ifloordiv__(self, other: Any, /) -> Tensor: ...
    def __imul__(self, other: Any, /) -> Tensor: ...
    def __index__(self) -> builtins.int: ...
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __int__(self) -> builtins.int: ...
    def __invert__(self) -> Tensor: ...
    def __ior__(self, other: Any, /) -> Tensor: ...
    def __ipow__(self, other: Any, /) -> Tensor: ...
    def __isub__(self, other: Any, /) -> Tensor: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __itruediv__(self, other: Any, /) -> Tensor: ...
    def __ixor__(self, other: Any, /) -> Tensor: ...
    def __le__(self, other: Any, /) -> Tensor: ...
    def __len__(self) -> builtins.int: ...
    def __lshift__(self, other: Any, /) -> Tensor: ...
    def __lt__(self, other: Any, /) -> Tensor: ...
    def __matmul__(self, other: Any, /) -> Tensor: ...
    def __mod__(self, other: Any, /) -> Tensor: ...
    def __mul__(self, other: Any, /) -> Tensor: ...
    def __ne__(self, other: Any, /) -> Tensor: ...  # type: ignore[override]
    def __neg__(self) -> Tensor: ...
    def __or__(self, other: Any, /) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __pow__(self, other: Any, /) -> Tensor: ...
    def __radd__(self, other: Any, /) -> Tensor: ...
    def __rand__(self, other: Any, /) -> Tensor: ...
    def __rfloordiv__(self, other: Any, /) -> Tensor: ...
    def __rmatmul__(self, other: Any, /) -> Tensor: ...
    def __rmod__(self, other: Any, /) -> Tensor: ...
    def __rmul__(self, other: Any, /) -> Tensor: ...
    def __ror__(self, other: Any, /) -> Tensor: ...
    def __rpow__(self, other: Any, /) -> Tensor: ...
    def __rshift__(self, other: Any, /) -> Tensor: ...
    def __rsub__(self, other: Any, /) -> Tensor: ...
    def __rtruediv__(self, other: Any, /) -> Tensor: ...
    def __rxor__(self, other: Any, /) -> Tensor: ...
    def __setitem__(self, index: Any, value: Any, /) -> Any: ...
    def __sub__(self, other: Any, /) -> Tensor: ...
    def __truediv__(self, other: Any, /) -> Tensor: ...
    def __xor__(self, other: Any, /) -> Tensor: ...
    abs: Any
    abs_: Any
    absolute: Any
    absolute_: Any
    acos: Any
    acos_: Any
    acosh: Any
    acosh_: Any
    def add(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Tensor: ...
    def add_(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Tensor: ...
    addbmm: Any
    addbmm_: Any
    addcdiv: Any
    addcdiv_: Any
    addcmul: Any
    addcmul_: Any
    addmm: Any
    addmm_: Any
    addmv: Any
    addmv_: Any
    addr: Any
    addr_: Any
    adjoint: Any
    all: Any
    allclose: Any
    amax: Any
    amin: Any
    aminmax: Any
    angle: Any
    any: Any
    apply_: Any
    arccos: Any
    arccos_: Any
    arccosh: Any
    arccosh_: Any
    arcsin: Any
    arcsin_: Any
    arcsinh: Any
    arcsinh_: Any
    arctan: Any
    arctan2: Any
    arctan2_: Any
    arctan_: Any
    arctanh: Any
    arctanh_: Any
    argmax: Any
    argmin: Any
    argsort: Any
    argwhere: Any
    def as_strided(self, size: Any, stride: Any, storage_offset: Any = ...) -> Any: ...
    as_strided_: Any
    as_strided_scatter: Any
    asin: Any
    asin_: Any
    asinh: Any
    asinh_: Any
    atan: Any
    atan2: Any
    atan2_: Any
    atan_: Any
    atanh: Any
    atanh_: Any
    def backward(self, gradient: Any = ..., retain_graph: Any = ..., create_graph: Any = ..., inputs: Any = ...) -> Any: ...
    baddbmm: Any
    baddbmm_: Any
    bernoulli: Any
    bernoulli_: Any
    def bfloat16(self, memory_format: Any = ...) -> Tensor: ...
    bincount: Any
    bitwise_and: Any
    bitwise_and_: Any
    bitwise_left_shift: Any
    bitwise_left_shift_: Any
    bitwise_not: Any
    bitwise_not_: Any
    bitwise_or: Any
    bitwise_or_: Any
    bitwise_right_shift: Any
    bitwise_right_shift_: Any
    bitwise_xor: Any
    bitwise_xor_: Any
    bmm: Any
    def bool(self, memory_format: Any = ...) -> Tensor: ...
    def broadcast_to(self, shape: Any) -> Any: ...
    def byte(self, memory_format: Any = ...) -> Tensor: ...
    cauchy_: Any
    ceil: Any
    ceil_: Any
    def char(self, memory_format: Any = ...) -> Tensor: ...
    cholesky: Any
    cholesky_inverse: Any
    cholesky_solve: Any
    chunk: Any
    clamp: Any
    clamp_: Any
    clamp_max: Any
    clamp_max_: Any
    clamp_min: Any
    clamp_min_: Any
    clip: Any
    clip_: Any
    def clone(self, *, memory_format: Any = ...) -> Tensor: ...
    conj: Any
    conj_physical: Any
    const_data_ptr: Any
    def contiguous(self, memory_format: Any = ...) -> Tensor: ...
    def copy_(self, source: Any, non_blocking: Any = ...) -> Tensor: ...
    copysign: Any
    copysign_: Any
    corrcoef: Any
    cos: Any
    cos_: Any
    cosh: Any
    cosh_: Any
    count_nonzero: Any
    cov: Any
    cpu: Any
    cross: Any
    cuda: Any
    cummax: Any
    cummin: Any
    cumprod: Any
    cumprod_: Any
    cumsum: Any
    cumsum_: Any
    data: Any
    def data_ptr(self) -> Any: ...
    deg2rad: Any
    deg2rad_: Any
    det: Any
    def detach(self) -> Tensor: ...
    def detach_(self) -> Tensor: ...
    device: Any
    diag: Any
    diag_embed: Any
    diagflat: Any
    def diagonal(self, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Tensor: ...
    diagonal_scatter: Any
    diff: Any
    digamma: Any
    digamma_: Any
    def dim(self) -> Any: ...
    dim_order: Any
    dist: Any
    def div(self, other: Any, *, rounding_mode: Any = ...) -> Tensor: ...
    def div_(self, other: Any, *, rounding_mode: Any = ...) -> Tensor: ...
    divide: Any
    divide_: Any
    dot: Any
    def double(self, memory_format: Any = ...) -> Tensor: ...
    dsplit: Any
    dtype: Any
    def element_size(self) -> Any: ...
    elu_: Any
    eq: Any
    eq_: Any
    equal: Any
    erf: Any
    erf_: Any
    erfc: Any
    erfc_: Any
    erfinv: Any
    erfinv_: Any
    def exp(self) -> Tensor: ...
    exp2: Any
    exp2_: Any
    exp_: Any
    def expand(self, *sizes: Any, **named: Any) -> Tensor: ...
    def expand_as(self, other: Any) -> Tensor: ...
    expm1: Any
    expm1_: Any
    exponential_: Any
    def fill_(self, value: Any) -> Tensor: ...
    fill_diagonal_: Any
    fix: Any
    fix_: Any
    def flatten(self, start_dim: Any = ..., end_dim: Any = ...) -> Tensor: ...
    flip: Any
    fliplr: Any
    flipud: Any
    def float(self, memory_format: Any = ...) -> Tensor: ...
    float_power: Any
    float_power_: Any
    floor: Any
    floor_: Any
    floor_divide: Any
    floor_divide_: Any
    fmax: Any
    fmin: Any
    fmod: Any
    fmod_: Any
    frac: Any
    frac_: Any
    frexp: Any
    gather: Any
    gcd: Any
    gcd_: Any
    ge: Any
    ge_: Any
    geometric_: Any
    geqrf: Any
    ger: Any
    get_device: Any
    grad: Any
    grad_fn: Any
    greater: Any
    greater_: Any
    greater_equal: Any
    greater_equal_: Any
    gt: Any
    gt_: Any
    def half(self, memory_format: Any = ...) -> Tensor: ...
    hardshrink: Any
    hardsigmoid: Any
    hardswish: Any
    has_names: Any
    heaviside: Any
    heaviside_: Any
    histc: Any
    histogram: Any
    hsplit: Any
    hypot: Any
    hypot_: Any
    i0: Any
    i0_: Any
    igamma: Any
    igamma_: Any
    igammac: Any
    igammac_: Any
    imag: Any
    index_add: Any
    index_add_: Any
    index_copy: Any
    index_copy_: Any
    index_fill: Any
    index_fill_: Any
    index_put: Any
    index_put_: Any
    index_reduce: Any
    index_reduce_: Any
    index_select: Any
    inner: Any
    def int(self, memory_format: Any = ...) -> Tensor: ...
    inverse: Any
    is_coalesced: Any
    def is_complex(self) -> builtins.bool: ...
    is_conj: Any
    def is_contiguous(self, memory_format: Any = ...) -> builtins.bool: ...
    is_cpu: Any
    is_cuda: Any
    is_distributed: Any
    def is_floating_point(self) -> builtins.bool: ...
    is_inference: Any
    is_ipu: Any
    is_leaf: Any
    is_maia: Any
    is_meta: Any
    is_mkldnn: Any
    is_mps: Any
    is_mtia: Any
    is_neg: Any
    is_nested: Any
    is_nonzero: Any
    is_pinned: Any
    is_quantized: Any
    is_same_size: Any
    is_set_to: Any
    is_shared: Any
    is_signed: Any
    is_sparse: Any
    is_sparse_csr: Any
    is_vulkan: Any
    is_xla: Any
    is_xpu: Any
    isclose: Any
    isfinite: Any
    isinf: Any
    isnan: Any
    isneginf: Any
    isposinf: Any
    isreal: Any
    istft: Any
    def item(self) -> Any: ...
    itemsize: Any
    kron: Any
    kthvalue: Any
    layout: Any
    lcm: Any
    lcm_: Any
    ldexp: Any
    ldexp_: Any
    le: Any
    le_: Any
    leaky_relu_: Any
    lerp: Any
    lerp_: Any
    less: Any
    less_: Any
    less_equal: Any
    less_equal_: Any
    lgamma: Any
    lgamma_: Any
    def log(self) -> Tensor: ...
    log10: Any
    log10_: Any
    log1p: Any
    log1p_: Any
    log2: Any
    log2_: Any
    log_: Any
    log_normal_: Any
    def log_softmax(input, dim: Any = ..., dtype: Any = ..., axis: Any = ..., *, out: Any = ...) -> Tensor: ...
    logaddexp: Any
    logaddexp2: Any
    logcumsumexp: Any
    logdet: Any
    logical_and: Any
    logical_and_: Any
    logical_not: Any
    logical_not_: Any
    logical_or: Any
    logical_or_: Any
    logical_xor: Any
    logical_xor_: Any
    logit: Any
    logit_: Any
    logsigmoid: Any
    logsumexp: Any
    def long(self, memory_format: Any = ...) -> Tensor: ...
    lt: Any
    lt_: Any
    lu: Any
    lu_solve: Any
    mH: Any
    mT: Any
    map2_: Any
    map_: Any
    masked_fill: Any
    masked_fill_: Any
    masked_scatter: Any
    masked_scatter_: Any
    masked_select: Any
    def matmul(self, other: Any) -> Tensor: ...
    matrix_exp: Any
    matrix_power: Any
    max: Any
    maximum: Any
    def mean(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Tensor: ...
    median: Any
    min: Any
    minimum: Any
    mish: Any
    mm: Any
    mode: Any
    moveaxis: Any
    def movedim(self, source: Any, destination: Any) -> Any: ...
    msort: Any
    def mul(self, other: Any) -> Tensor: ...
    def mul_(self, other: Any) -> Tensor: ...
    multinomial: Any
    multiply: Any
    multiply_: Any
    mv: Any
    mvlgamma: Any
    mvlgamma_: Any
    name: Any
    nan_to_num: Any
    nan_to_num_: Any
    nanmean: Any
    nanmedian: Any
    nanquantile: Any
    nansum: Any
    def narrow(self, dim: Any, start: Any, length: Any) -> Any: ...
    narrow_copy: Any
    nbytes: Any
    ndim: Any
    ndimension: Any
    ne: Any
    ne_: Any
    def neg(self) -> Tensor: ...
    neg_: Any
    negative: Any
    negative_: Any
    def nelement(self) -> Any: ...
    new: Any
    new_empty: Any
    new_empty_strided: Any
    new_full: Any
    new_ones: Any
    new_tensor: Any
    new_zeros: Any
    nextafter: Any
    nextafter_: Any
    nonzero: Any
    nonzero_static: Any
    norm: Any
    normal_: Any
    not_equal: Any
    not_equal_: Any
    def numel(self) -> Any: ...
    def numpy(self, *, force: Any = ...) -> Any: ...
    orgqr: Any
    ormqr: Any
    outer: Any
    output_nr: Any
    def permute(self, *dims: Any, **named: Any) -> Any: ...
    pin_memory: Any
    pinverse: Any
    polygamma: Any
    polygamma_: Any
    positive: Any
    def pow(self, exponent: Any) -> Tensor: ...
    pow_: Any
    prelu: Any
    prod: Any
    put: Any
    put_: Any
    qr: Any
    quantile: Any
    rad2deg: Any
    rad2deg_: Any
    random_: Any
    ravel: Any
    real: Any
    reciprocal: Any
    reciprocal_: Any
    def register_hook(self, hook: Any) -> Any: ...
    register_post_accumulate_grad_hook: Any
    def relu(self) -> Tensor: ...
    relu_: Any
    remainder: Any
    remainder_: Any
    renorm: Any
    renorm_: Any
    repeat: Any
    repeat_interleave: Any
    requires_grad: Any
    def requires_grad_(self, requires_grad: Any = ...) -> Any: ...
    def reshape(self, *shape: Any, **named: Any) -> Tensor: ...
    def reshape_as(self, other: Any) -> Tensor: ...
    resize: Any
    resize_: Any
    resize_as: Any
    resize_as_: Any
    resolve_conj: Any
    resolve_neg: Any
    def retain_grad(self) -> Any: ...
    retains_grad: Any
    roll: Any
    rot90: Any
    round: Any
    round_: Any
    rsqrt: Any
    rsqrt_: Any
    scatter: Any
    scatter_: Any
    scatter_add: Any
    scatter_add_: Any
    scatter_reduce: Any
    scatter_reduce_: Any
    def select(self, dim: Any, index: Any) -> Any: ...
    select_scatter: Any
    set_: Any
    sgn: Any
    sgn_: Any
    shape: Any
    share_memory_: Any
    def short(self, memory_format: Any = ...) -> Tensor: ...
    def sigmoid(self) -> Tensor: ...
    sigmoid_: Any
    sign: Any
    sign_: Any
    signbit: Any
    silu: Any
    sin: Any
    sin_: Any
    sinc: Any
    sinc_: Any
    sinh: Any
    sinh_: Any
    def size(self, dim: Any = ...) -> Any: ...
    slice_scatter: Any
    slogdet: Any
    def softmax(input, dim: Any = ..., dtype: Any = ..., axis: Any = ..., *, out: Any = ...) -> Tensor: ...
    softsign: Any
    sort: Any
    split: Any
    split_with_sizes: Any
    def sqrt(self) -> Tensor: ...
    sqrt_: Any
    square: Any
    square_: Any
    def squeeze(self, dim: Any = ..., *, axis: Any = ...) -> Tensor: ...
    squeeze_: Any
    std: Any
    stft: Any
    storage: Any
    def storage_offset(self) -> Any: ...
    storage_type: Any
    def stride(self, dim: Any = ...) -> Any: ...
    def sub(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Tensor: ...
    def sub_(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Tensor: ...
    subtract: Any
    subtract_: Any
    def sum(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Tensor: ...
    sum_to_size: Any
    svd: Any
    def swapaxes(self, axis0: Any, axis1: Any) -> Any: ...
    swapaxes_: Any
    swapdims: Any
    swapdims_: Any
    def t(self) -> Tensor: ...
    t_: Any
    take: Any
    take_along_dim: Any
    tan: Any
    tan_: Any
    def tanh(self) -> Tensor: ...
    tanh_: Any
    tensor_split: Any
    tile: Any
    def to(self, *args: Any, **kwargs: Any) -> Any: ...
    to_dense: Any
    to_sparse: Any
    to_sparse_coo: Any
    to_sparse_csr: Any
    def tolist(self) -> Any: ...
    topk: Any
    trace: Any
    def transpose(self, dim0: Any, dim1: Any) -> Any: ...
    transpose_: Any
    triangular_solve: Any
    tril: Any
    tril_: Any
    triu: Any
    triu_: Any
    true_divide: Any
    true_divide_: Any
    trunc: Any
    trunc_: Any
    def type(self, dtype: Any = ...) -> Any: ...
    def type_as(self, other: Any) -> Tensor: ...
    def unbind(self, dim: Any = ..., *, axis: Any = ...) -> Any: ...
    def unflatten(self, dim: Any, sizes: Any) -> Any: ...
    unfold: Any
    uniform_: Any
    unique: Any
    unique_consecutive: Any
    unsafe_chunk: Any
    unsafe_split: Any
    unsafe_split_with_sizes: Any
    def unsqueeze(self, dim: Any = ..., *, axis: Any = ...) -> Tensor: ...
    unsqueeze_: Any
    untyped_storage: Any
    var: Any
    vdot: Any
    def view(self, *shape: Any, **named: Any) -> Tensor: ...
    def view_as(self, other: Any) -> Tensor: ...
    vsplit: Any
    where: Any
    xlogy: Any
    xlogy_: Any
    def zero_(self) -> Tensor: ...
class dtype:
    def __init__(self, /, *args: Any, **kwargs: Any) -> None: ...
    code: Any
    is_complex: Any
    is_floating_point: Any
    is_signed: Any
    itemsize: Any
    name: Any
    narrow: Any
    numpy_name: Any
    def __getattr__(self, name: str) -> Any: ...
class Generator:
    def __init__(self, /, *args: Any, **kwargs: Any) -> None: ...
    device: Any
    def get_state(self) -> Any: ...
    def initial_seed(self) -> Any: ...
    def manual_seed(self, seed: Any) -> Any: ...
    def reserve(self, n: Any) -> Any: ...
    def seed(self) -> Any: ...
    def set_state(self, state: Any) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
class no_grad:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *args: Any) -> None: ...
    def __call__(self, function: _F, /) -> _F: ...
class enable_grad:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *args: Any) -> None: ...
    def __call__(self, function: _F, /) -> _F: ...
class inference_mode:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *args: Any) -> None: ...
    def __call__(self, function: _F, /) -> _F: ...
class set_grad_enabled:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *args: Any) -> None: ...
    def __call__(self, function: _F, /) -> _F: ...

def __getattr__(name: str) -> Any: ...
