"""Written by scripts/write_stubs.py."""
import builtins
from typing import Any, Iterator

import udlfast._core
import udlfast.optim
import udlfast.optim.lr_scheduler
import udlfast.utils.data
from . import activation as activation
from . import attention as attention
from . import container as container
from . import conv as conv
from . import dropout as dropout
from . import feed_forward as feed_forward
from . import functional as functional
from . import init as init
from . import lazy as lazy
from . import linear as linear
from . import loss as loss
from . import loss_layers as loss_layers
from . import margin_loss as margin_loss
from . import module as module
from . import more_pooling as more_pooling
from . import normalization as normalization
from . import padding as padding
from . import parallel as parallel
from . import parameter as parameter
from . import pooling as pooling
from . import positions as positions
from . import rearrange as rearrange
from . import recurrent as recurrent
from . import softmax as softmax
from . import sparse as sparse
from . import squash as squash
from . import transformer as transformer
from . import transformer_layers as transformer_layers
from . import upsampling as upsampling
from . import utils as utils
from . import volumes as volumes

class AdaptiveAvgPool1d(Module):
    def __init__(self, output_size: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AdaptiveAvgPool2d(Module):
    def __init__(self, output_size: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AdaptiveAvgPool3d(Module):
    def __init__(self, output_size: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AdaptiveLogSoftmaxWithLoss(Module):
    def __init__(self, in_features: Any, n_classes: Any, cutoffs: Any, div_value: Any = ..., head_bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def log_prob(self, input: Any) -> Any: ...  # type: ignore[override]
    def predict(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AdaptiveMaxPool1d(Module):
    def __init__(self, output_size: Any, return_indices: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AdaptiveMaxPool2d(Module):
    def __init__(self, output_size: Any, return_indices: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AdaptiveMaxPool3d(Module):
    def __init__(self, output_size: Any, return_indices: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AlphaDropout(Module):
    def __init__(self, p: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AvgPool1d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., ceil_mode: Any = ..., count_include_pad: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AvgPool2d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., ceil_mode: Any = ..., count_include_pad: Any = ..., divisor_override: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class AvgPool3d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., ceil_mode: Any = ..., count_include_pad: Any = ..., divisor_override: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class BCELoss(Module):
    def __init__(self, weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class BCEWithLogitsLoss(Module):
    def __init__(self, weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., pos_weight: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class BatchNorm1d(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class BatchNorm2d(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class BatchNorm3d(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Bilinear(Module):
    def __init__(self, in1_features: Any, in2_features: Any, out_features: Any, bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input1: Any, input2: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Buffer:
    H: Any
    T: Any
    def __add__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __array__(self, dtype: Any = ..., copy: Any = ...) -> Any: ...
    def __array_wrap__(self, array: Any, context: Any = ..., return_scalar: Any = ...) -> Any: ...
    def __bool__(self, /) -> Any: ...
    def __contains__(self, key: Any, /) -> Any: ...
    def __delitem__(self, key: Any, /) -> Any: ...
    def __dlpack__(self, *, stream: Any = ..., max_version: Any = ..., dl_device: Any = ..., copy: Any = ...) -> Any: ...
    def __dlpack_device__(self) -> Any: ...
    def __float__(self, /) -> Any: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __iadd__(self, value: Any, /) -> Any: ...
    def __index__(self, /) -> Any: ...
    def __init__(self, /, *args: Any, **kwargs: Any) -> None: ...
    def __int__(self, /) -> Any: ...
    def __iter__(self, /) -> Any: ...
    def __len__(self, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> Any: ...
    def abs(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def abs_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def absolute(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def absolute_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def acos(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def acos_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def acosh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def acosh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def add(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def add_(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def addbmm(input, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addbmm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addcdiv(input, tensor1: Any, tensor2: Any, old: Any = ..., *, value: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addcdiv_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addcmul(input, tensor1: Any, tensor2: Any, old: Any = ..., *, value: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addcmul_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addmm(input, mat1: Any, mat2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addmm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addmv(input, mat: Any, vec: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addmv_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addr(input, vec1: Any, vec2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addr_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def adjoint(input) -> Any: ...  # type: ignore[override]
    def all(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def allclose(input, other: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ...) -> Any: ...  # type: ignore[override]
    def amax(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def amin(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def aminmax(input, *, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def angle(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def any(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def apply_(self, function: Any) -> Any: ...  # type: ignore[override]
    def arccos(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arccos_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arccosh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arccosh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arcsin(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arcsin_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arcsinh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arcsinh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arctan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arctan2(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arctan2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arctan_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arctanh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arctanh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def argmax(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def argmin(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def argsort(input, dim: Any = ..., descending: Any = ..., stable: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def argwhere(input) -> Any: ...  # type: ignore[override]
    def as_strided(self, size: Any, stride: Any, storage_offset: Any = ...) -> Any: ...  # type: ignore[override]
    def as_strided_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def as_strided_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def asin(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def asin_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def asinh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def asinh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def atan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def atan2(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def atan2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def atan_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def atanh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def atanh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def backward(self, gradient: Any = ..., retain_graph: Any = ..., create_graph: Any = ..., inputs: Any = ...) -> Any: ...  # type: ignore[override]
    def baddbmm(input, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def baddbmm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bernoulli(input, p: Any = ..., *, generator: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def bernoulli_(self, *args: Any, generator: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bfloat16(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def bincount(input, weights: Any = ..., minlength: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_and(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_and_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_left_shift(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_left_shift_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_not(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_not_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_or(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_or_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_right_shift(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_right_shift_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_xor(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_xor_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bmm(input, mat2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bool(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def broadcast_to(self, shape: Any) -> Any: ...  # type: ignore[override]
    def byte(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cauchy_(self, median: Any = ..., sigma: Any = ..., *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def ceil(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ceil_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def char(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cholesky(input, upper: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cholesky_inverse(L, upper: Any = ...) -> Any: ...  # type: ignore[override]
    def cholesky_solve(B, L: Any, upper: Any = ...) -> Any: ...  # type: ignore[override]
    def chunk(input, chunks: Any, dim: Any = ..., axis: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp(input, min: Any = ..., max: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clamp_max(input, max: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp_max_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clamp_min(input, min: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp_min_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clip(input, min: Any = ..., max: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clip_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clone(self, *, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def conj(input) -> Any: ...  # type: ignore[override]
    def conj_physical(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def const_data_ptr(self) -> Any: ...  # type: ignore[override]
    def contiguous(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def copy_(self, source: Any, non_blocking: Any = ...) -> Any: ...  # type: ignore[override]
    def copysign(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def copysign_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def corrcoef(input) -> Any: ...  # type: ignore[override]
    def cos(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cos_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def cosh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cosh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def count_nonzero(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cov(input, *, correction: Any = ..., fweights: Any = ..., aweights: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def cpu(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cross(input, other: Any, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cuda(self, device: Any = ..., non_blocking: Any = ..., memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cummax(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cummin(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cumprod(input, dim: Any = ..., axis: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def cumprod_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def cumsum(input, dim: Any = ..., axis: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def cumsum_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    data: Any
    def data_ptr(self) -> Any: ...  # type: ignore[override]
    def deg2rad(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def deg2rad_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def det(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def detach(self) -> Any: ...  # type: ignore[override]
    def detach_(self) -> Any: ...  # type: ignore[override]
    device: Any
    def diag(input, diagonal: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def diag_embed(input, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any: ...  # type: ignore[override]
    def diagflat(input, offset: Any = ...) -> Any: ...  # type: ignore[override]
    def diagonal(self, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any: ...  # type: ignore[override]
    def diagonal_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def diff(input, n: Any = ..., dim: Any = ..., prepend: Any = ..., append: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def digamma(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def digamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def dim(self) -> Any: ...  # type: ignore[override]
    def dim_order(self) -> Any: ...  # type: ignore[override]
    def dist(input, other: Any, p: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def div(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def div_(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def divide(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def divide_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def dot(input, tensor: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def double(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def dsplit(input, indices_or_sections: Any = ..., *, sections: Any = ..., indices: Any = ...) -> Any: ...  # type: ignore[override]
    dtype: Any
    def element_size(self) -> Any: ...  # type: ignore[override]
    def elu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def eq(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def eq_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def equal(input, other: Any) -> Any: ...  # type: ignore[override]
    def erf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def erf_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def erfc(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def erfc_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def erfinv(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def erfinv_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def exp(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def exp2(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def exp2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def exp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def expand(self, *sizes: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def expand_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def expm1(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def expm1_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def exponential_(self, lambd: Any = ..., *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def fill_(self, value: Any) -> Any: ...  # type: ignore[override]
    def fill_diagonal_(self, fill_value: Any, wrap: Any = ...) -> Any: ...  # type: ignore[override]
    def fix(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fix_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def flatten(self, start_dim: Any = ..., end_dim: Any = ...) -> Any: ...  # type: ignore[override]
    def flip(input, *dims_: Any, dims: Any = ...) -> Any: ...  # type: ignore[override]
    def fliplr(input) -> Any: ...  # type: ignore[override]
    def flipud(input) -> Any: ...  # type: ignore[override]
    def float(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def float_power(input, exponent: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def float_power_(self, exponent: Any) -> Any: ...  # type: ignore[override]
    def floor(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def floor_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def floor_divide(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def floor_divide_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def fmax(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fmin(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fmod(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fmod_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def frac(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def frac_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def frexp(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def gather(input, dim: Any = ..., index: Any = ..., axis: Any = ..., *, sparse_grad: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def gcd(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def gcd_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def ge(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ge_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def geometric_(self, p: Any, *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def geqrf(input) -> Any: ...  # type: ignore[override]
    def ger(input, vec2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def get_device(self) -> Any: ...  # type: ignore[override]
    grad: Any
    grad_fn: Any
    def greater(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def greater_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def greater_equal(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def greater_equal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def gt(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def gt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def half(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def hardshrink(input, lambd: Any = ...) -> Any: ...  # type: ignore[override]
    def hardsigmoid(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def hardswish(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def has_names(self) -> Any: ...  # type: ignore[override]
    def heaviside(input, values: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def heaviside_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def histc(input, bins: Any = ..., min: Any = ..., max: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def histogram(input, bins: Any, *, range: Any = ..., weight: Any = ..., density: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def hsplit(input, indices_or_sections: Any = ..., *, sections: Any = ..., indices: Any = ...) -> Any: ...  # type: ignore[override]
    def hypot(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def hypot_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def i0(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def i0_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def igamma(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def igamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def igammac(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def igammac_(self, *args: Any) -> Any: ...  # type: ignore[override]
    imag: Any
    def index_add(input, dim: Any, index: Any, source: Any, *, alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_add_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_copy(input, dim: Any, index: Any, source: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_copy_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_fill(input, dim: Any, index: Any, value: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_fill_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_put(input, indices: Any, values: Any, accumulate: Any = ...) -> Any: ...  # type: ignore[override]
    def index_put_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_reduce(input, dim: Any, index: Any, source: Any, reduce: Any, *, include_self: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_reduce_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_select(input, dim: Any = ..., index: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def inner(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def int(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def inverse(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def is_coalesced(self) -> Any: ...  # type: ignore[override]
    def is_complex(self) -> Any: ...  # type: ignore[override]
    def is_conj(input) -> Any: ...  # type: ignore[override]
    def is_contiguous(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    is_cpu: Any
    is_cuda: Any
    def is_distributed(input) -> Any: ...  # type: ignore[override]
    def is_floating_point(self) -> Any: ...  # type: ignore[override]
    def is_inference(input) -> Any: ...  # type: ignore[override]
    is_ipu: Any
    is_leaf: Any
    is_maia: Any
    is_meta: Any
    is_mkldnn: Any
    is_mps: Any
    is_mtia: Any
    def is_neg(input) -> Any: ...  # type: ignore[override]
    is_nested: Any
    def is_nonzero(input) -> Any: ...  # type: ignore[override]
    def is_pinned(self, device: Any = ...) -> Any: ...  # type: ignore[override]
    is_quantized: Any
    def is_same_size(input, other: Any) -> Any: ...  # type: ignore[override]
    def is_set_to(self, other: Any) -> Any: ...  # type: ignore[override]
    def is_shared(t) -> Any: ...  # type: ignore[override]
    def is_signed(input) -> Any: ...  # type: ignore[override]
    is_sparse: Any
    is_sparse_csr: Any
    is_vulkan: Any
    is_xla: Any
    is_xpu: Any
    def isclose(input, other: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isfinite(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isinf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isnan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isneginf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isposinf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isreal(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def istft(input, n_fft: Any, hop_length: Any = ..., win_length: Any = ..., window: Any = ..., center: Any = ..., normalized: Any = ..., onesided: Any = ..., length: Any = ..., return_complex: Any = ...) -> Any: ...  # type: ignore[override]
    def item(self) -> Any: ...  # type: ignore[override]
    itemsize: Any
    def kron(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def kthvalue(input, k: Any, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    layout: Any
    def lcm(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lcm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def ldexp(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ldexp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def le(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def le_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def leaky_relu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def lerp(input, end: Any, weight: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lerp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def less(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def less_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def less_equal(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def less_equal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def lgamma(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lgamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def log(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log10(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log10_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log1p(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log1p_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log2(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log_normal_(self, mean: Any = ..., std: Any = ..., *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def log_softmax(input, dim: Any = ..., dtype: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logaddexp(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logaddexp2(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logcumsumexp(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logdet(A) -> Any: ...  # type: ignore[override]
    def logical_and(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_and_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logical_not(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_not_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logical_or(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_or_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logical_xor(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_xor_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logit(input, eps: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logit_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logsigmoid(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logsumexp(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def long(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def lt(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def lu(A, pivot: Any = ..., get_infos: Any = ...) -> Any: ...  # type: ignore[override]
    def lu_solve(b, LU_data: Any, LU_pivots: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    mH: Any
    mT: Any
    def map2_(self, a: Any, b: Any, function: Any) -> Any: ...  # type: ignore[override]
    def map_(self, other: Any, function: Any) -> Any: ...  # type: ignore[override]
    def masked_fill(input, mask: Any, value: Any) -> Any: ...  # type: ignore[override]
    def masked_fill_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def masked_scatter(input, mask: Any, source: Any) -> Any: ...  # type: ignore[override]
    def masked_scatter_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def masked_select(input, mask: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def matmul(self, other: Any) -> Any: ...  # type: ignore[override]
    def matrix_exp(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def matrix_power(input, n: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def max(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., other: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def maximum(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mean(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def median(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def min(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., other: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def minimum(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mish(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mm(input, mat2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mode(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def moveaxis(input, source: Any, destination: Any) -> Any: ...  # type: ignore[override]
    def movedim(self, source: Any, destination: Any) -> Any: ...  # type: ignore[override]
    def msort(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mul(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mul_(self, other: Any) -> Any: ...  # type: ignore[override]
    def multinomial(input, num_samples: Any, replacement: Any = ..., *, generator: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def multiply(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def multiply_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def mv(input, vec: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mvlgamma(input, p: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mvlgamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    name: Any
    def nan_to_num(input, nan: Any = ..., posinf: Any = ..., neginf: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def nan_to_num_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def nanmean(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def nanmedian(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def nanquantile(input, q: Any, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, interpolation: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def nansum(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def narrow(self, dim: Any, start: Any, length: Any) -> Any: ...  # type: ignore[override]
    def narrow_copy(input, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    nbytes: Any
    ndim: Any
    def ndimension(self) -> Any: ...  # type: ignore[override]
    def ne(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ne_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def neg(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def neg_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def negative(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def negative_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def nelement(self) -> Any: ...  # type: ignore[override]
    def new(self, *args: Any) -> Any: ...  # type: ignore[override]
    def new_empty(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_empty_strided(self, size: Any, stride: Any, *, dtype: Any = ..., device: Any = ..., requires_grad: Any = ..., **ignored: Any) -> Any: ...  # type: ignore[override]
    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_ones(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_tensor(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_zeros(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def nextafter(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def nextafter_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def nonzero(input, *, as_tuple: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def nonzero_static(input, *, size: Any, fill_value: Any = ...) -> Any: ...  # type: ignore[override]
    def norm(input, p: Any = ..., dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def normal_(self, *args: Any, generator: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def not_equal(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def not_equal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def numel(self) -> Any: ...  # type: ignore[override]
    def numpy(self, *, force: Any = ...) -> Any: ...  # type: ignore[override]
    def orgqr(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def ormqr(input, tau: Any, other: Any, left: Any = ..., transpose: Any = ...) -> Any: ...  # type: ignore[override]
    def outer(input, vec2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    output_nr: Any
    def permute(self, *dims: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def pin_memory(t, device: Any = ...) -> Any: ...  # type: ignore[override]
    def pinverse(input, rcond: Any = ...) -> Any: ...  # type: ignore[override]
    def polygamma(self, n: Any) -> Any: ...  # type: ignore[override]
    def polygamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def positive(input) -> Any: ...  # type: ignore[override]
    def pow(input, exponent: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def pow_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def prelu(input, weight: Any) -> Any: ...  # type: ignore[override]
    def prod(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def put(input, index: Any, source: Any, accumulate: Any = ...) -> Any: ...  # type: ignore[override]
    def put_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def qr(input, some: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def quantile(input, q: Any, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, interpolation: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def rad2deg(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def rad2deg_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def random_(self, low: Any = ..., high: Any = ..., *, to: Any = ..., generator: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def ravel(input) -> Any: ...  # type: ignore[override]
    real: Any
    def reciprocal(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def reciprocal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def register_hook(self, hook: Any) -> Any: ...  # type: ignore[override]
    def register_post_accumulate_grad_hook(self, hook: Any) -> Any: ...  # type: ignore[override]
    def relu(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def relu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def remainder(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def remainder_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def renorm(input, p: Any, dim: Any, maxnorm: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def renorm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def repeat(input, *sizes: Any, repeats: Any = ...) -> Any: ...  # type: ignore[override]
    def repeat_interleave(input, repeats: Any = ..., dim: Any = ..., axis: Any = ..., *, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    requires_grad: Any
    def requires_grad_(self, requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def reshape(self, *shape: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def reshape_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def resize(self, *size: Any, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def resize_(self, *size: Any, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def resize_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def resize_as_(input, the_template: Any, *, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def resolve_conj(self) -> Any: ...  # type: ignore[override]
    def resolve_neg(self) -> Any: ...  # type: ignore[override]
    def retain_grad(self) -> Any: ...  # type: ignore[override]
    retains_grad: Any
    def roll(input, shifts: Any, dims: Any = ...) -> Any: ...  # type: ignore[override]
    def rot90(input, k: Any = ..., dims: Any = ...) -> Any: ...  # type: ignore[override]
    def round(input, *, decimals: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def round_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def rsqrt(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def rsqrt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def scatter(input, dim: Any, index: Any, src: Any = ..., *, value: Any = ..., reduce: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def scatter_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def scatter_add(input, dim: Any, index: Any, src: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def scatter_add_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def scatter_reduce(input, dim: Any, index: Any, src: Any, reduce: Any, *, include_self: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def scatter_reduce_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def select(self, dim: Any, index: Any) -> Any: ...  # type: ignore[override]
    def select_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def set_(self, source: Any = ..., storage_offset: Any = ..., size: Any = ..., stride: Any = ...) -> Any: ...  # type: ignore[override]
    def sgn(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sgn_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    shape: Any
    def share_memory_(self) -> Any: ...  # type: ignore[override]
    def short(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def sigmoid(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sigmoid_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sign(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sign_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def signbit(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def silu(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sin(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sin_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sinc(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sinc_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sinh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sinh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def size(self, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def slice_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def slogdet(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def softmax(input, dim: Any = ..., dtype: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def softsign(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sort(input, dim: Any = ..., descending: Any = ..., stable: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def split(self, split_size: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def split_with_sizes(tensor, split_size_or_sections: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def sqrt(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sqrt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def square(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def square_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def squeeze(self, dim: Any = ..., *, axis: Any = ...) -> Any: ...  # type: ignore[override]
    def squeeze_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def std(input, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, axis: Any = ..., keepdims: Any = ..., correction: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def stft(input, n_fft: Any, hop_length: Any = ..., win_length: Any = ..., window: Any = ..., center: Any = ..., pad_mode: Any = ..., normalized: Any = ..., onesided: Any = ..., return_complex: Any = ..., align_to_window: Any = ...) -> Any: ...  # type: ignore[override]
    def storage(self) -> Any: ...  # type: ignore[override]
    def storage_offset(self) -> Any: ...  # type: ignore[override]
    def storage_type(self) -> Any: ...  # type: ignore[override]
    def stride(self, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def sub(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def sub_(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def subtract(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def subtract_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sum(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def sum_to_size(input, *size: Any) -> Any: ...  # type: ignore[override]
    def svd(input, some: Any = ..., compute_uv: Any = ...) -> Any: ...  # type: ignore[override]
    def swapaxes(self, axis0: Any, axis1: Any) -> Any: ...  # type: ignore[override]
    def swapaxes_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def swapdims(input, dim0: Any, dim1: Any) -> Any: ...  # type: ignore[override]
    def swapdims_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def t(self) -> Any: ...  # type: ignore[override]
    def t_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def take(input, index: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def take_along_dim(input, indices: Any, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tan_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def tanh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tanh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def tensor_split(input, indices_or_sections: Any = ..., dim: Any = ..., axis: Any = ..., sections: Any = ..., indices: Any = ..., tensor_indices_or_sections: Any = ...) -> Any: ...  # type: ignore[override]
    def tile(input, *dims_: Any, dims: Any = ...) -> Any: ...  # type: ignore[override]
    def to(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def to_dense(self, dtype: Any = ..., *, masked_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def to_sparse(self, sparse_dim: Any = ..., *, layout: Any = ..., **ignored: Any) -> Any: ...  # type: ignore[override]
    def to_sparse_coo(self) -> Any: ...  # type: ignore[override]
    def to_sparse_csr(self, dense_dim: Any = ...) -> Any: ...  # type: ignore[override]
    def tolist(self) -> Any: ...  # type: ignore[override]
    def topk(input, k: Any, dim: Any = ..., largest: Any = ..., sorted: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def trace(input) -> Any: ...  # type: ignore[override]
    def transpose(self, dim0: Any, dim1: Any) -> Any: ...  # type: ignore[override]
    def transpose_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def triangular_solve(b, A: Any, upper: Any = ..., transpose: Any = ..., unitriangular: Any = ...) -> Any: ...  # type: ignore[override]
    def tril(input, diagonal: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tril_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def triu(input, diagonal: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def triu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def true_divide(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def true_divide_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def trunc(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def trunc_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def type(self, dtype: Any = ...) -> Any: ...  # type: ignore[override]
    def type_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def unbind(input, dim: Any = ..., axis: Any = ...) -> Any: ...  # type: ignore[override]
    def unflatten(self, dim: Any, sizes: Any) -> Any: ...  # type: ignore[override]
    def unfold(input, dimension: Any, size: Any, step: Any) -> Any: ...  # type: ignore[override]
    def uniform_(self, *args: Any, generator: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def unique(input, sorted: Any = ..., return_inverse: Any = ..., return_counts: Any = ..., dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unique_consecutive(input, return_inverse: Any = ..., return_counts: Any = ..., dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsafe_chunk(input, chunks: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsafe_split(tensor, split_size: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsafe_split_with_sizes(input, split_sizes: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsqueeze(self, dim: Any = ..., *, axis: Any = ...) -> Any: ...  # type: ignore[override]
    def unsqueeze_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def untyped_storage(self) -> Any: ...  # type: ignore[override]
    def var(input, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, axis: Any = ..., keepdims: Any = ..., correction: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def vdot(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def view(self, *shape: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def view_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def vsplit(input, indices_or_sections: Any = ..., *, sections: Any = ..., indices: Any = ...) -> Any: ...  # type: ignore[override]
    def where(self, condition: Any, other: Any) -> Any: ...  # type: ignore[override]
    def xlogy(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def xlogy_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def zero_(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CELU(Module):
    def __init__(self, alpha: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CTCLoss(Module):
    def __init__(self, blank: Any = ..., reduction: Any = ..., zero_infinity: Any = ...) -> None: ...
    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ChannelShuffle(Module):
    def __init__(self, groups: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CircularPad1d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class CircularPad2d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class CircularPad3d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ConstantPad1d(Module):
    def __init__(self, padding: Any, value: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ConstantPad2d(Module):
    def __init__(self, padding: Any, value: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ConstantPad3d(Module):
    def __init__(self, padding: Any, value: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class Conv1d(Module):
    def __init__(self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., groups: Any = ..., bias: Any = ..., padding_mode: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    transposed: Any
    def __getattr__(self, name: str) -> Any: ...
class Conv2d(Module):
    def __init__(self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., groups: Any = ..., bias: Any = ..., padding_mode: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    transposed: Any
    def __getattr__(self, name: str) -> Any: ...
class Conv3d(Module):
    def __init__(self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., groups: Any = ..., bias: Any = ..., padding_mode: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    transposed: Any
    def __getattr__(self, name: str) -> Any: ...
class ConvTranspose1d(Module):
    def __init__(self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., output_padding: Any = ..., groups: Any = ..., bias: Any = ..., dilation: Any = ..., padding_mode: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    transposed: Any
    def __getattr__(self, name: str) -> Any: ...
class ConvTranspose2d(Module):
    def __init__(self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., output_padding: Any = ..., groups: Any = ..., bias: Any = ..., dilation: Any = ..., padding_mode: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    transposed: Any
    def __getattr__(self, name: str) -> Any: ...
class ConvTranspose3d(Module):
    def __init__(self, in_channels: Any, out_channels: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., output_padding: Any = ..., groups: Any = ..., bias: Any = ..., dilation: Any = ..., padding_mode: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    transposed: Any
    def __getattr__(self, name: str) -> Any: ...
class CosineEmbeddingLoss(Module):
    def __init__(self, margin: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input1: Any, input2: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CosineSimilarity(Module):
    def __init__(self, dim: Any = ..., eps: Any = ...) -> None: ...
    def forward(self, x1: Any, x2: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CrossEntropyLoss(Module):
    def __init__(self, weight: Any = ..., size_average: Any = ..., ignore_index: Any = ..., reduce: Any = ..., reduction: Any = ..., label_smoothing: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class CrossMapLRN2d(LocalResponseNorm):
    def __init__(self, size: Any, alpha: Any = ..., beta: Any = ..., k: Any = ...) -> None: ...
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class DataParallel(Module):
    def __init__(self, module: Any, device_ids: Any = ..., output_device: Any = ..., dim: Any = ...) -> None: ...
    def forward(self, *inputs: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Dropout(Module):
    def __init__(self, p: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Dropout1d(Module):
    def __init__(self, p: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Dropout2d(Module):
    def __init__(self, p: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Dropout3d(Module):
    def __init__(self, p: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ELU(Module):
    def __init__(self, alpha: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Embedding(Module):
    def __init__(self, num_embeddings: Any, embedding_dim: Any, padding_idx: Any = ..., max_norm: Any = ..., norm_type: Any = ..., scale_grad_by_freq: Any = ..., sparse: Any = ..., _weight: Any = ..., _freeze: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: Any = ..., padding_idx: Any = ..., max_norm: Any = ..., norm_type: Any = ..., scale_grad_by_freq: Any = ..., sparse: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class EmbeddingBag(Module):
    def __init__(self, num_embeddings: Any, embedding_dim: Any, max_norm: Any = ..., norm_type: Any = ..., scale_grad_by_freq: Any = ..., mode: Any = ..., sparse: Any = ..., _weight: Any = ..., include_last_offset: Any = ..., padding_idx: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, offsets: Any = ..., per_sample_weights: Any = ...) -> Any: ...  # type: ignore[override]
    @classmethod
    def from_pretrained(cls, embeddings: Any, freeze: Any = ..., max_norm: Any = ..., norm_type: Any = ..., scale_grad_by_freq: Any = ..., mode: Any = ..., sparse: Any = ..., include_last_offset: Any = ..., padding_idx: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class FeatureAlphaDropout(Module):
    def __init__(self, p: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Flatten(Module):
    def __init__(self, start_dim: Any = ..., end_dim: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Fold(Module):
    def __init__(self, output_size: Any, kernel_size: Any, dilation: Any = ..., padding: Any = ..., stride: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class FractionalMaxPool2d(Module):
    def __init__(self, kernel_size: Any, output_size: Any = ..., output_ratio: Any = ..., return_indices: Any = ..., _random_samples: Any = ...) -> None: ...
    dimensions: Any
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class FractionalMaxPool3d(Module):
    def __init__(self, kernel_size: Any, output_size: Any = ..., output_ratio: Any = ..., return_indices: Any = ..., _random_samples: Any = ...) -> None: ...
    dimensions: Any
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class GELU(Module):
    def __init__(self, approximate: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class GLU(Module):
    def __init__(self, dim: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class GRU(RNNBase):
    def __init__(self, input_size: Any, hidden_size: Any, num_layers: Any = ..., bias: Any = ..., batch_first: Any = ..., dropout: Any = ..., bidirectional: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
class GRUCell(RNNCellBase):
    def __init__(self, input_size: Any, hidden_size: Any, bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, input: Any, hx: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class GaussianNLLLoss(Module):
    def __init__(self, *, full: Any = ..., eps: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any, var: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class GroupNorm(Module):
    def __init__(self, num_groups: Any, num_channels: Any, eps: Any = ..., affine: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Hardshrink(Module):
    def __init__(self, lambd: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Hardsigmoid(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Hardswish(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Hardtanh(Module):
    def __init__(self, min_val: Any = ..., max_val: Any = ..., inplace: Any = ..., min_value: Any = ..., max_value: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class HingeEmbeddingLoss(Module):
    def __init__(self, margin: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class HuberLoss(Module):
    def __init__(self, reduction: Any = ..., delta: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Identity(Module):
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class InstanceNorm1d(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class InstanceNorm2d(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class InstanceNorm3d(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class KLDivLoss(Module):
    def __init__(self, size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., log_target: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class L1Loss(Module):
    def __init__(self, size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LPPool1d(Module):
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = ..., ceil_mode: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LPPool2d(Module):
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = ..., ceil_mode: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LPPool3d(Module):
    def __init__(self, norm_type: Any, kernel_size: Any, stride: Any = ..., ceil_mode: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LSTM(RNNBase):
    def __init__(self, input_size: Any, hidden_size: Any, num_layers: Any = ..., bias: Any = ..., batch_first: Any = ..., dropout: Any = ..., bidirectional: Any = ..., proj_size: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
class LSTMCell(RNNCellBase):
    def __init__(self, input_size: Any, hidden_size: Any, bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, input: Any, hx: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LayerNorm(Module):
    def __init__(self, normalized_shape: Any, eps: Any = ..., elementwise_affine: Any = ..., bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyBatchNorm1d(BatchNorm1d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyBatchNorm2d(BatchNorm2d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyBatchNorm3d(BatchNorm3d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyConv1d(Conv1d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_channels: Any, *args: Any, **kwargs: Any) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyConv2d(Conv2d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_channels: Any, *args: Any, **kwargs: Any) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyConv3d(Conv3d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_channels: Any, *args: Any, **kwargs: Any) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyConvTranspose1d(ConvTranspose1d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_channels: Any, *args: Any, **kwargs: Any) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyConvTranspose2d(ConvTranspose2d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_channels: Any, *args: Any, **kwargs: Any) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyConvTranspose3d(ConvTranspose3d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_channels: Any, *args: Any, **kwargs: Any) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyInstanceNorm1d(InstanceNorm1d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyInstanceNorm2d(InstanceNorm2d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyInstanceNorm3d(InstanceNorm3d):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LazyLinear(Linear):
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self, out_features: Any, bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    cls_to_become: Any
    def has_uninitialized_params(self) -> Any: ...  # type: ignore[override]
    def initialize_parameters(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LeakyReLU(Module):
    def __init__(self, negative_slope: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LearnedPositions(Module):
    def __init__(self, max_length: Any, dim: Any, device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, offset: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Linear(Module):
    def __init__(self, in_features: Any, out_features: Any, bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LinearCrossEntropyLoss(Module):
    def __init__(self, in_features: Any, num_classes: Any, *, out_features: Any = ..., bias: Any = ..., device: Any = ..., dtype: Any = ..., reduction: Any = ..., weight: Any = ..., ignore_index: Any = ..., label_smoothing: Any = ..., options: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LocalResponseNorm(Module):
    def __init__(self, size: Any, alpha: Any = ..., beta: Any = ..., k: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LogSigmoid(Module):
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class LogSoftmax(Module):
    def __init__(self, dim: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MSELoss(Module):
    def __init__(self, size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MarginRankingLoss(Module):
    def __init__(self, margin: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input1: Any, input2: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MaxPool1d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., return_indices: Any = ..., ceil_mode: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MaxPool2d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., return_indices: Any = ..., ceil_mode: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MaxPool3d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., return_indices: Any = ..., ceil_mode: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MaxUnpool1d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, indices: Any, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MaxUnpool2d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, indices: Any, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MaxUnpool3d(Module):
    def __init__(self, kernel_size: Any, stride: Any = ..., padding: Any = ...) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, indices: Any, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Mish(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Module:
    def __call__(self, input: Any = ..., /, *args: Any, **kwargs: Any) -> Any: ...
    def __init__(self) -> None: ...
    def add_module(self, name: Any, module: Any) -> Any: ...
    def apply(self, fn: Any) -> Any: ...
    def bfloat16(self) -> Any: ...
    def buffers(self, recurse: Any = ...) -> Any: ...
    def children(self) -> Any: ...
    def compile(self, **options: Any) -> Any: ...
    def cpu(self) -> Any: ...
    def cuda(self, device: Any = ...) -> Any: ...
    def double(self) -> Any: ...
    def eval(self) -> Any: ...
    def extra_repr(self) -> Any: ...
    def float(self) -> Any: ...
    def forward(self, *args: Any, **kwargs: Any) -> Any: ...
    def get_buffer(self, target: Any) -> Any: ...
    def get_extra_state(self) -> Any: ...
    def get_parameter(self, target: Any) -> Any: ...
    def get_submodule(self, target: Any) -> Any: ...
    def half(self) -> Any: ...
    def load_state_dict(self, state_dict: Any, strict: Any = ..., assign: Any = ...) -> Any: ...
    def modules(self, remove_duplicate: Any = ...) -> Any: ...
    def named_buffers(self, prefix: Any = ..., recurse: Any = ..., remove_duplicate: Any = ...) -> Any: ...
    def named_children(self) -> Any: ...
    def named_modules(self, memo: Any = ..., prefix: Any = ..., remove_duplicate: Any = ...) -> Any: ...
    def named_parameters(self, prefix: Any = ..., recurse: Any = ..., remove_duplicate: Any = ...) -> Any: ...
    def parameters(self, recurse: Any = ...) -> Any: ...
    def register_backward_hook(self, hook: Any, prepend: Any = ...) -> Any: ...
    def register_buffer(self, name: Any, tensor: Any, persistent: Any = ...) -> Any: ...
    def register_forward_hook(self, hook: Any, *, prepend: Any = ..., with_kwargs: Any = ..., always_call: Any = ...) -> Any: ...
    def register_forward_pre_hook(self, hook: Any, *, prepend: Any = ..., with_kwargs: Any = ...) -> Any: ...
    def register_full_backward_hook(self, hook: Any, prepend: Any = ...) -> Any: ...
    def register_full_backward_pre_hook(self, hook: Any, prepend: Any = ...) -> Any: ...
    def register_load_state_dict_post_hook(self, hook: Any) -> Any: ...
    def register_load_state_dict_pre_hook(self, hook: Any) -> Any: ...
    def register_module(self, name: Any, module: Any) -> Any: ...
    def register_parameter(self, name: Any, param: Any) -> Any: ...
    def register_state_dict_post_hook(self, hook: Any) -> Any: ...
    def register_state_dict_pre_hook(self, hook: Any) -> Any: ...
    def requires_grad_(self, requires_grad: Any = ...) -> Any: ...
    def set_extra_state(self, state: Any) -> Any: ...
    def set_submodule(self, target: Any, module: Any, strict: Any = ...) -> Any: ...
    def share_memory(self) -> Any: ...
    def state_dict(self, *, destination: Any = ..., prefix: Any = ..., keep_vars: Any = ...) -> Any: ...
    def to(self, *args: Any, **kwargs: Any) -> Any: ...
    def to_empty(self, *, device: Any, recurse: Any = ...) -> Any: ...
    def train(self, mode: Any = ...) -> Any: ...
    training: Any
    def type(self, dst_type: Any) -> Any: ...
    def zero_grad(self, set_to_none: Any = ...) -> Any: ...
    def __getattr__(self, name: str) -> Any: ...
class ModuleDict(Module):
    def __contains__(self, key: Any) -> Any: ...
    def __delitem__(self, key: Any) -> Any: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __init__(self, modules: Any = ...) -> None: ...
    def __iter__(self) -> Any: ...
    def __len__(self) -> Any: ...
    def __setitem__(self, key: Any, module: Any) -> Any: ...
    def clear(self) -> Any: ...  # type: ignore[override]
    def items(self) -> Any: ...  # type: ignore[override]
    def keys(self) -> Any: ...  # type: ignore[override]
    def pop(self, key: Any) -> Any: ...  # type: ignore[override]
    def update(self, modules: Any) -> Any: ...  # type: ignore[override]
    def values(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ModuleList(Module):
    def __add__(self, other: Any) -> Any: ...
    def __delitem__(self, index: Any) -> Any: ...
    def __getitem__(self, index: Any) -> Any: ...
    def __iadd__(self, modules: Any) -> Any: ...
    def __init__(self, modules: Any = ...) -> None: ...
    def __iter__(self) -> Any: ...
    def __len__(self) -> Any: ...
    def __setitem__(self, index: Any, module: Any) -> Any: ...
    def append(self, module: Any) -> Any: ...  # type: ignore[override]
    def extend(self, modules: Any) -> Any: ...  # type: ignore[override]
    def insert(self, index: Any, module: Any) -> Any: ...  # type: ignore[override]
    def pop(self, index: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MultiLabelMarginLoss(Module):
    def __init__(self, size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MultiLabelSoftMarginLoss(Module):
    def __init__(self, weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MultiMarginLoss(Module):
    def __init__(self, p: Any = ..., margin: Any = ..., weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class MultiheadAttention(Module):
    def __init__(self, embed_dim: Any, num_heads: Any, dropout: Any = ..., bias: Any = ..., add_bias_kv: Any = ..., add_zero_attn: Any = ..., kdim: Any = ..., vdim: Any = ..., batch_first: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def attend(self, query: Any, key: Any, value: Any, key_padding_mask: Any = ..., need_weights: Any = ..., attn_mask: Any = ..., is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    def forward(self, query: Any, key: Any, value: Any, key_padding_mask: Any = ..., need_weights: Any = ..., attn_mask: Any = ..., average_attn_weights: Any = ..., is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class NLLLoss(Module):
    def __init__(self, weight: Any = ..., size_average: Any = ..., ignore_index: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class NLLLoss2d(NLLLoss):
    def __getattr__(self, name: str) -> Any: ...
class PReLU(Module):
    def __init__(self, num_parameters: Any = ..., init: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class PairwiseDistance(Module):
    def __init__(self, p: Any = ..., eps: Any = ..., keepdim: Any = ...) -> None: ...
    def forward(self, x1: Any, x2: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Parameter:
    H: Any
    T: Any
    def __add__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __array__(self, dtype: Any = ..., copy: Any = ...) -> Any: ...
    def __array_wrap__(self, array: Any, context: Any = ..., return_scalar: Any = ...) -> Any: ...
    def __bool__(self, /) -> Any: ...
    def __contains__(self, key: Any, /) -> Any: ...
    def __delitem__(self, key: Any, /) -> Any: ...
    def __dlpack__(self, *, stream: Any = ..., max_version: Any = ..., dl_device: Any = ..., copy: Any = ...) -> Any: ...
    def __dlpack_device__(self) -> Any: ...
    def __float__(self, /) -> Any: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __iadd__(self, value: Any, /) -> Any: ...
    def __index__(self, /) -> Any: ...
    def __init__(self, /, *args: Any, **kwargs: Any) -> None: ...
    def __int__(self, /) -> Any: ...
    def __iter__(self, /) -> Any: ...
    def __len__(self, /) -> Any: ...
    def __setitem__(self, key: Any, value: Any, /) -> Any: ...
    def abs(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def abs_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def absolute(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def absolute_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def acos(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def acos_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def acosh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def acosh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def add(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def add_(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def addbmm(input, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addbmm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addcdiv(input, tensor1: Any, tensor2: Any, old: Any = ..., *, value: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addcdiv_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addcmul(input, tensor1: Any, tensor2: Any, old: Any = ..., *, value: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addcmul_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addmm(input, mat1: Any, mat2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addmm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addmv(input, mat: Any, vec: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addmv_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def addr(input, vec1: Any, vec2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def addr_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def adjoint(input) -> Any: ...  # type: ignore[override]
    def all(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def allclose(input, other: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ...) -> Any: ...  # type: ignore[override]
    def amax(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def amin(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def aminmax(input, *, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def angle(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def any(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def apply_(self, function: Any) -> Any: ...  # type: ignore[override]
    def arccos(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arccos_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arccosh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arccosh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arcsin(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arcsin_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arcsinh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arcsinh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arctan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arctan2(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arctan2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arctan_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def arctanh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def arctanh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def argmax(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def argmin(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def argsort(input, dim: Any = ..., descending: Any = ..., stable: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def argwhere(input) -> Any: ...  # type: ignore[override]
    def as_strided(self, size: Any, stride: Any, storage_offset: Any = ...) -> Any: ...  # type: ignore[override]
    def as_strided_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def as_strided_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def asin(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def asin_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def asinh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def asinh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def atan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def atan2(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def atan2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def atan_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def atanh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def atanh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def backward(self, gradient: Any = ..., retain_graph: Any = ..., create_graph: Any = ..., inputs: Any = ...) -> Any: ...  # type: ignore[override]
    def baddbmm(input, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def baddbmm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bernoulli(input, p: Any = ..., *, generator: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def bernoulli_(self, *args: Any, generator: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bfloat16(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def bincount(input, weights: Any = ..., minlength: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_and(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_and_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_left_shift(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_left_shift_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_not(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_not_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_or(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_or_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_right_shift(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_right_shift_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bitwise_xor(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bitwise_xor_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def bmm(input, mat2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def bool(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def broadcast_to(self, shape: Any) -> Any: ...  # type: ignore[override]
    def byte(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cauchy_(self, median: Any = ..., sigma: Any = ..., *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def ceil(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ceil_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def char(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cholesky(input, upper: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cholesky_inverse(L, upper: Any = ...) -> Any: ...  # type: ignore[override]
    def cholesky_solve(B, L: Any, upper: Any = ...) -> Any: ...  # type: ignore[override]
    def chunk(input, chunks: Any, dim: Any = ..., axis: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp(input, min: Any = ..., max: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clamp_max(input, max: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp_max_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clamp_min(input, min: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clamp_min_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clip(input, min: Any = ..., max: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def clip_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def clone(self, *, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def conj(input) -> Any: ...  # type: ignore[override]
    def conj_physical(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def const_data_ptr(self) -> Any: ...  # type: ignore[override]
    def contiguous(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def copy_(self, source: Any, non_blocking: Any = ...) -> Any: ...  # type: ignore[override]
    def copysign(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def copysign_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def corrcoef(input) -> Any: ...  # type: ignore[override]
    def cos(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cos_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def cosh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cosh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def count_nonzero(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cov(input, *, correction: Any = ..., fweights: Any = ..., aweights: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def cpu(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cross(input, other: Any, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cuda(self, device: Any = ..., non_blocking: Any = ..., memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def cummax(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cummin(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def cumprod(input, dim: Any = ..., axis: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def cumprod_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def cumsum(input, dim: Any = ..., axis: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def cumsum_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    data: Any
    def data_ptr(self) -> Any: ...  # type: ignore[override]
    def deg2rad(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def deg2rad_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def det(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def detach(self) -> Any: ...  # type: ignore[override]
    def detach_(self) -> Any: ...  # type: ignore[override]
    device: Any
    def diag(input, diagonal: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def diag_embed(input, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any: ...  # type: ignore[override]
    def diagflat(input, offset: Any = ...) -> Any: ...  # type: ignore[override]
    def diagonal(self, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any: ...  # type: ignore[override]
    def diagonal_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def diff(input, n: Any = ..., dim: Any = ..., prepend: Any = ..., append: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def digamma(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def digamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def dim(self) -> Any: ...  # type: ignore[override]
    def dim_order(self) -> Any: ...  # type: ignore[override]
    def dist(input, other: Any, p: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def div(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def div_(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def divide(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def divide_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def dot(input, tensor: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def double(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def dsplit(input, indices_or_sections: Any = ..., *, sections: Any = ..., indices: Any = ...) -> Any: ...  # type: ignore[override]
    dtype: Any
    def element_size(self) -> Any: ...  # type: ignore[override]
    def elu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def eq(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def eq_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def equal(input, other: Any) -> Any: ...  # type: ignore[override]
    def erf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def erf_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def erfc(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def erfc_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def erfinv(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def erfinv_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def exp(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def exp2(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def exp2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def exp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def expand(self, *sizes: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def expand_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def expm1(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def expm1_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def exponential_(self, lambd: Any = ..., *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def fill_(self, value: Any) -> Any: ...  # type: ignore[override]
    def fill_diagonal_(self, fill_value: Any, wrap: Any = ...) -> Any: ...  # type: ignore[override]
    def fix(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fix_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def flatten(self, start_dim: Any = ..., end_dim: Any = ...) -> Any: ...  # type: ignore[override]
    def flip(input, *dims_: Any, dims: Any = ...) -> Any: ...  # type: ignore[override]
    def fliplr(input) -> Any: ...  # type: ignore[override]
    def flipud(input) -> Any: ...  # type: ignore[override]
    def float(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def float_power(input, exponent: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def float_power_(self, exponent: Any) -> Any: ...  # type: ignore[override]
    def floor(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def floor_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def floor_divide(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def floor_divide_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def fmax(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fmin(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fmod(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def fmod_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def frac(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def frac_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def frexp(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def gather(input, dim: Any = ..., index: Any = ..., axis: Any = ..., *, sparse_grad: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def gcd(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def gcd_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def ge(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ge_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def geometric_(self, p: Any, *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def geqrf(input) -> Any: ...  # type: ignore[override]
    def ger(input, vec2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def get_device(self) -> Any: ...  # type: ignore[override]
    grad: Any
    grad_fn: Any
    def greater(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def greater_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def greater_equal(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def greater_equal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def gt(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def gt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def half(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def hardshrink(input, lambd: Any = ...) -> Any: ...  # type: ignore[override]
    def hardsigmoid(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def hardswish(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def has_names(self) -> Any: ...  # type: ignore[override]
    def heaviside(input, values: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def heaviside_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def histc(input, bins: Any = ..., min: Any = ..., max: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def histogram(input, bins: Any, *, range: Any = ..., weight: Any = ..., density: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def hsplit(input, indices_or_sections: Any = ..., *, sections: Any = ..., indices: Any = ...) -> Any: ...  # type: ignore[override]
    def hypot(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def hypot_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def i0(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def i0_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def igamma(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def igamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def igammac(*inputs: Any, out: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def igammac_(self, *args: Any) -> Any: ...  # type: ignore[override]
    imag: Any
    def index_add(input, dim: Any, index: Any, source: Any, *, alpha: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_add_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_copy(input, dim: Any, index: Any, source: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_copy_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_fill(input, dim: Any, index: Any, value: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_fill_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_put(input, indices: Any, values: Any, accumulate: Any = ...) -> Any: ...  # type: ignore[override]
    def index_put_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_reduce(input, dim: Any, index: Any, source: Any, reduce: Any, *, include_self: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def index_reduce_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def index_select(input, dim: Any = ..., index: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def inner(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def int(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def inverse(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def is_coalesced(self) -> Any: ...  # type: ignore[override]
    def is_complex(self) -> Any: ...  # type: ignore[override]
    def is_conj(input) -> Any: ...  # type: ignore[override]
    def is_contiguous(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    is_cpu: Any
    is_cuda: Any
    def is_distributed(input) -> Any: ...  # type: ignore[override]
    def is_floating_point(self) -> Any: ...  # type: ignore[override]
    def is_inference(input) -> Any: ...  # type: ignore[override]
    is_ipu: Any
    is_leaf: Any
    is_maia: Any
    is_meta: Any
    is_mkldnn: Any
    is_mps: Any
    is_mtia: Any
    def is_neg(input) -> Any: ...  # type: ignore[override]
    is_nested: Any
    def is_nonzero(input) -> Any: ...  # type: ignore[override]
    def is_pinned(self, device: Any = ...) -> Any: ...  # type: ignore[override]
    is_quantized: Any
    def is_same_size(input, other: Any) -> Any: ...  # type: ignore[override]
    def is_set_to(self, other: Any) -> Any: ...  # type: ignore[override]
    def is_shared(t) -> Any: ...  # type: ignore[override]
    def is_signed(input) -> Any: ...  # type: ignore[override]
    is_sparse: Any
    is_sparse_csr: Any
    is_vulkan: Any
    is_xla: Any
    is_xpu: Any
    def isclose(input, other: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isfinite(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isinf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isnan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isneginf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isposinf(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def isreal(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def istft(input, n_fft: Any, hop_length: Any = ..., win_length: Any = ..., window: Any = ..., center: Any = ..., normalized: Any = ..., onesided: Any = ..., length: Any = ..., return_complex: Any = ...) -> Any: ...  # type: ignore[override]
    def item(self) -> Any: ...  # type: ignore[override]
    itemsize: Any
    def kron(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def kthvalue(input, k: Any, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    layout: Any
    def lcm(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lcm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def ldexp(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ldexp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def le(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def le_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def leaky_relu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def lerp(input, end: Any, weight: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lerp_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def less(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def less_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def less_equal(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def less_equal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def lgamma(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lgamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def log(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log10(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log10_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log1p(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log1p_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log2(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def log2_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def log_normal_(self, mean: Any = ..., std: Any = ..., *, generator: Any = ...) -> Any: ...  # type: ignore[override]
    def log_softmax(input, dim: Any = ..., dtype: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logaddexp(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logaddexp2(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logcumsumexp(input, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logdet(A) -> Any: ...  # type: ignore[override]
    def logical_and(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_and_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logical_not(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_not_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logical_or(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_or_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logical_xor(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logical_xor_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logit(input, eps: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logit_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def logsigmoid(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def logsumexp(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def long(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def lt(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def lt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def lu(A, pivot: Any = ..., get_infos: Any = ...) -> Any: ...  # type: ignore[override]
    def lu_solve(b, LU_data: Any, LU_pivots: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    mH: Any
    mT: Any
    def map2_(self, a: Any, b: Any, function: Any) -> Any: ...  # type: ignore[override]
    def map_(self, other: Any, function: Any) -> Any: ...  # type: ignore[override]
    def masked_fill(input, mask: Any, value: Any) -> Any: ...  # type: ignore[override]
    def masked_fill_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def masked_scatter(input, mask: Any, source: Any) -> Any: ...  # type: ignore[override]
    def masked_scatter_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def masked_select(input, mask: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def matmul(self, other: Any) -> Any: ...  # type: ignore[override]
    def matrix_exp(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def matrix_power(input, n: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def max(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., other: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def maximum(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mean(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def median(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def min(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., other: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def minimum(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mish(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mm(input, mat2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mode(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def moveaxis(input, source: Any, destination: Any) -> Any: ...  # type: ignore[override]
    def movedim(self, source: Any, destination: Any) -> Any: ...  # type: ignore[override]
    def msort(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mul(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mul_(self, other: Any) -> Any: ...  # type: ignore[override]
    def multinomial(input, num_samples: Any, replacement: Any = ..., *, generator: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def multiply(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def multiply_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def mv(input, vec: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mvlgamma(input, p: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def mvlgamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    name: Any
    def nan_to_num(input, nan: Any = ..., posinf: Any = ..., neginf: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def nan_to_num_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def nanmean(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def nanmedian(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def nanquantile(input, q: Any, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, interpolation: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def nansum(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def narrow(self, dim: Any, start: Any, length: Any) -> Any: ...  # type: ignore[override]
    def narrow_copy(input, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    nbytes: Any
    ndim: Any
    def ndimension(self) -> Any: ...  # type: ignore[override]
    def ne(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def ne_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def neg(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def neg_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def negative(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def negative_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def nelement(self) -> Any: ...  # type: ignore[override]
    def new(self, *args: Any) -> Any: ...  # type: ignore[override]
    def new_empty(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_empty_strided(self, size: Any, stride: Any, *, dtype: Any = ..., device: Any = ..., requires_grad: Any = ..., **ignored: Any) -> Any: ...  # type: ignore[override]
    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_ones(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_tensor(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def new_zeros(self, *args: Any, size: Any = ..., dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def nextafter(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def nextafter_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def nonzero(input, *, as_tuple: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def nonzero_static(input, *, size: Any, fill_value: Any = ...) -> Any: ...  # type: ignore[override]
    def norm(input, p: Any = ..., dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def normal_(self, *args: Any, generator: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def not_equal(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def not_equal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def numel(self) -> Any: ...  # type: ignore[override]
    def numpy(self, *, force: Any = ...) -> Any: ...  # type: ignore[override]
    def orgqr(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def ormqr(input, tau: Any, other: Any, left: Any = ..., transpose: Any = ...) -> Any: ...  # type: ignore[override]
    def outer(input, vec2: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    output_nr: Any
    def permute(self, *dims: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def pin_memory(t, device: Any = ...) -> Any: ...  # type: ignore[override]
    def pinverse(input, rcond: Any = ...) -> Any: ...  # type: ignore[override]
    def polygamma(self, n: Any) -> Any: ...  # type: ignore[override]
    def polygamma_(self, *args: Any) -> Any: ...  # type: ignore[override]
    def positive(input) -> Any: ...  # type: ignore[override]
    def pow(input, exponent: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def pow_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def prelu(input, weight: Any) -> Any: ...  # type: ignore[override]
    def prod(input, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, dtype: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def put(input, index: Any, source: Any, accumulate: Any = ...) -> Any: ...  # type: ignore[override]
    def put_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def qr(input, some: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def quantile(input, q: Any, dim: Any = ..., keepdim: Any = ..., axis: Any = ..., keepdims: Any = ..., *, interpolation: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def rad2deg(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def rad2deg_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def random_(self, low: Any = ..., high: Any = ..., *, to: Any = ..., generator: Any = ..., **named: Any) -> Any: ...  # type: ignore[override]
    def ravel(input) -> Any: ...  # type: ignore[override]
    real: Any
    def reciprocal(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def reciprocal_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def register_hook(self, hook: Any) -> Any: ...  # type: ignore[override]
    def register_post_accumulate_grad_hook(self, hook: Any) -> Any: ...  # type: ignore[override]
    def relu(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def relu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def remainder(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def remainder_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def renorm(input, p: Any, dim: Any, maxnorm: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def renorm_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def repeat(input, *sizes: Any, repeats: Any = ...) -> Any: ...  # type: ignore[override]
    def repeat_interleave(input, repeats: Any = ..., dim: Any = ..., axis: Any = ..., *, output_size: Any = ...) -> Any: ...  # type: ignore[override]
    requires_grad: Any
    def requires_grad_(self, requires_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def reshape(self, *shape: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def reshape_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def resize(self, *size: Any, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def resize_(self, *size: Any, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def resize_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def resize_as_(input, the_template: Any, *, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def resolve_conj(self) -> Any: ...  # type: ignore[override]
    def resolve_neg(self) -> Any: ...  # type: ignore[override]
    def retain_grad(self) -> Any: ...  # type: ignore[override]
    retains_grad: Any
    def roll(input, shifts: Any, dims: Any = ...) -> Any: ...  # type: ignore[override]
    def rot90(input, k: Any = ..., dims: Any = ...) -> Any: ...  # type: ignore[override]
    def round(input, *, decimals: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def round_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def rsqrt(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def rsqrt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def scatter(input, dim: Any, index: Any, src: Any = ..., *, value: Any = ..., reduce: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def scatter_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def scatter_add(input, dim: Any, index: Any, src: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def scatter_add_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def scatter_reduce(input, dim: Any, index: Any, src: Any, reduce: Any, *, include_self: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def scatter_reduce_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def select(self, dim: Any, index: Any) -> Any: ...  # type: ignore[override]
    def select_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def set_(self, source: Any = ..., storage_offset: Any = ..., size: Any = ..., stride: Any = ...) -> Any: ...  # type: ignore[override]
    def sgn(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sgn_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    shape: Any
    def share_memory_(self) -> Any: ...  # type: ignore[override]
    def short(self, memory_format: Any = ...) -> Any: ...  # type: ignore[override]
    def sigmoid(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sigmoid_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sign(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sign_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def signbit(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def silu(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sin(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sin_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sinc(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sinc_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sinh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sinh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def size(self, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def slice_scatter(input, src: Any, *args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def slogdet(*args: Any, out: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def softmax(input, dim: Any = ..., dtype: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def softsign(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sort(input, dim: Any = ..., descending: Any = ..., stable: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def split(self, split_size: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def split_with_sizes(tensor, split_size_or_sections: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def sqrt(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def sqrt_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def square(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def square_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def squeeze(self, dim: Any = ..., *, axis: Any = ...) -> Any: ...  # type: ignore[override]
    def squeeze_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def std(input, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, axis: Any = ..., keepdims: Any = ..., correction: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def stft(input, n_fft: Any, hop_length: Any = ..., win_length: Any = ..., window: Any = ..., center: Any = ..., pad_mode: Any = ..., normalized: Any = ..., onesided: Any = ..., return_complex: Any = ..., align_to_window: Any = ...) -> Any: ...  # type: ignore[override]
    def storage(self) -> Any: ...  # type: ignore[override]
    def storage_offset(self) -> Any: ...  # type: ignore[override]
    def storage_type(self) -> Any: ...  # type: ignore[override]
    def stride(self, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def sub(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def sub_(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def subtract(self, other: Any, old: Any = ..., *, alpha: Any = ...) -> Any: ...  # type: ignore[override]
    def subtract_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def sum(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ..., axis: Any = ..., keepdims: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def sum_to_size(input, *size: Any) -> Any: ...  # type: ignore[override]
    def svd(input, some: Any = ..., compute_uv: Any = ...) -> Any: ...  # type: ignore[override]
    def swapaxes(self, axis0: Any, axis1: Any) -> Any: ...  # type: ignore[override]
    def swapaxes_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def swapdims(input, dim0: Any, dim1: Any) -> Any: ...  # type: ignore[override]
    def swapdims_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def t(self) -> Any: ...  # type: ignore[override]
    def t_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def take(input, index: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def take_along_dim(input, indices: Any, dim: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tan(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tan_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def tanh(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tanh_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def tensor_split(input, indices_or_sections: Any = ..., dim: Any = ..., axis: Any = ..., sections: Any = ..., indices: Any = ..., tensor_indices_or_sections: Any = ...) -> Any: ...  # type: ignore[override]
    def tile(input, *dims_: Any, dims: Any = ...) -> Any: ...  # type: ignore[override]
    def to(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def to_dense(self, dtype: Any = ..., *, masked_grad: Any = ...) -> Any: ...  # type: ignore[override]
    def to_sparse(self, sparse_dim: Any = ..., *, layout: Any = ..., **ignored: Any) -> Any: ...  # type: ignore[override]
    def to_sparse_coo(self) -> Any: ...  # type: ignore[override]
    def to_sparse_csr(self, dense_dim: Any = ...) -> Any: ...  # type: ignore[override]
    def tolist(self) -> Any: ...  # type: ignore[override]
    def topk(input, k: Any, dim: Any = ..., largest: Any = ..., sorted: Any = ..., axis: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def trace(input) -> Any: ...  # type: ignore[override]
    def transpose(self, dim0: Any, dim1: Any) -> Any: ...  # type: ignore[override]
    def transpose_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def triangular_solve(b, A: Any, upper: Any = ..., transpose: Any = ..., unitriangular: Any = ...) -> Any: ...  # type: ignore[override]
    def tril(input, diagonal: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def tril_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def triu(input, diagonal: Any = ..., *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def triu_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def true_divide(self, other: Any, *, rounding_mode: Any = ...) -> Any: ...  # type: ignore[override]
    def true_divide_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def trunc(input, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def trunc_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def type(self, dtype: Any = ...) -> Any: ...  # type: ignore[override]
    def type_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def unbind(input, dim: Any = ..., axis: Any = ...) -> Any: ...  # type: ignore[override]
    def unflatten(self, dim: Any, sizes: Any) -> Any: ...  # type: ignore[override]
    def unfold(input, dimension: Any, size: Any, step: Any) -> Any: ...  # type: ignore[override]
    def uniform_(self, *args: Any, generator: Any = ..., **kwargs: Any) -> Any: ...  # type: ignore[override]
    def unique(input, sorted: Any = ..., return_inverse: Any = ..., return_counts: Any = ..., dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unique_consecutive(input, return_inverse: Any = ..., return_counts: Any = ..., dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsafe_chunk(input, chunks: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsafe_split(tensor, split_size: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsafe_split_with_sizes(input, split_sizes: Any, dim: Any = ...) -> Any: ...  # type: ignore[override]
    def unsqueeze(self, dim: Any = ..., *, axis: Any = ...) -> Any: ...  # type: ignore[override]
    def unsqueeze_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def untyped_storage(self) -> Any: ...  # type: ignore[override]
    def var(input, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, axis: Any = ..., keepdims: Any = ..., correction: Any = ..., out: Any = ...) -> Any: ...  # type: ignore[override]
    def vdot(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def view(self, *shape: Any, **named: Any) -> Any: ...  # type: ignore[override]
    def view_as(self, other: Any) -> Any: ...  # type: ignore[override]
    def vsplit(input, indices_or_sections: Any = ..., *, sections: Any = ..., indices: Any = ...) -> Any: ...  # type: ignore[override]
    def where(self, condition: Any, other: Any) -> Any: ...  # type: ignore[override]
    def xlogy(input, other: Any, *, out: Any = ...) -> Any: ...  # type: ignore[override]
    def xlogy_(self, *args: Any, **kwargs: Any) -> Any: ...  # type: ignore[override]
    def zero_(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ParameterDict(Module):
    def __contains__(self, key: Any) -> Any: ...
    def __delitem__(self, key: Any) -> Any: ...
    def __getitem__(self, key: Any) -> Any: ...
    def __init__(self, parameters: Any = ...) -> None: ...
    def __iter__(self) -> Any: ...
    def __len__(self) -> Any: ...
    def __setitem__(self, key: Any, value: Any) -> Any: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def get(self, key: Any, default: Any = ...) -> Any: ...  # type: ignore[override]
    def items(self) -> Any: ...  # type: ignore[override]
    def keys(self) -> Any: ...  # type: ignore[override]
    def pop(self, key: Any) -> Any: ...  # type: ignore[override]
    def update(self, parameters: Any) -> Any: ...  # type: ignore[override]
    def values(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ParameterList(Module):
    def __getitem__(self, index: Any) -> Any: ...
    def __iadd__(self, values: Any) -> Any: ...
    def __init__(self, values: Any = ...) -> None: ...
    def __iter__(self) -> Any: ...
    def __len__(self) -> Any: ...
    def __setitem__(self, index: Any, value: Any) -> Any: ...
    def append(self, value: Any) -> Any: ...  # type: ignore[override]
    def extend(self, values: Any) -> Any: ...  # type: ignore[override]
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class PixelShuffle(Module):
    def __init__(self, upscale_factor: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class PixelUnshuffle(Module):
    def __init__(self, downscale_factor: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class PoissonNLLLoss(Module):
    def __init__(self, log_input: Any = ..., full: Any = ..., size_average: Any = ..., eps: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, log_input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class RMSNorm(Module):
    def __init__(self, normalized_shape: Any, eps: Any = ..., elementwise_affine: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class RNN(RNNBase):
    def __init__(self, input_size: Any, hidden_size: Any, num_layers: Any = ..., nonlinearity: Any = ..., bias: Any = ..., batch_first: Any = ..., dropout: Any = ..., bidirectional: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
class RNNBase(Module):
    def __init__(self, mode: Any, input_size: Any, hidden_size: Any, num_layers: Any = ..., bias: Any = ..., batch_first: Any = ..., dropout: Any = ..., bidirectional: Any = ..., proj_size: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    all_weights: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def flatten_parameters(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, hx: Any = ...) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class RNNCell(RNNCellBase):
    def __init__(self, input_size: Any, hidden_size: Any, bias: Any = ..., nonlinearity: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, input: Any, hx: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class RNNCellBase(Module):
    def __init__(self, input_size: Any, hidden_size: Any, bias: Any, num_chunks: Any, device: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class RReLU(Module):
    def __init__(self, lower: Any = ..., upper: Any = ..., inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ReLU(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ReLU6(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class ReflectionPad1d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ReflectionPad2d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ReflectionPad3d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ReplicationPad1d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ReplicationPad2d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ReplicationPad3d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class RotaryPositions(Module):
    def __init__(self, dim: Any, max_length: Any = ..., base: Any = ..., interleaved: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, offset: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SDPBackend:
    CUDNN_ATTENTION: Any
    EFFICIENT_ATTENTION: Any
    ERROR: Any
    FLASH_ATTENTION: Any
    MATH: Any
    OVERRIDEABLE: Any
    def __getattr__(self, name: str) -> Any: ...
class SELU(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Sequential(Module):
    def __add__(self, other: Any) -> Any: ...
    def __delitem__(self, index: Any) -> Any: ...
    def __getitem__(self, index: Any) -> Any: ...
    def __init__(self, *args: Any) -> None: ...
    def __iter__(self) -> Any: ...
    def __len__(self) -> Any: ...
    def __setitem__(self, index: Any, module: Any) -> Any: ...
    def append(self, module: Any) -> Any: ...  # type: ignore[override]
    def extend(self, modules: Any) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def insert(self, index: Any, module: Any) -> Any: ...  # type: ignore[override]
    def pop(self, index: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SiLU(Module):
    def __init__(self, inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Sigmoid(Module):
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SinusoidalPositions(Module):
    def __init__(self, dim: Any, max_length: Any = ..., base: Any = ..., dtype: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any, offset: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SmoothL1Loss(Module):
    def __init__(self, size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., beta: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SoftMarginLoss(Module):
    def __init__(self, size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, input: Any, target: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Softmax(Module):
    def __init__(self, dim: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Softmax2d(Module):
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Softmin(Module):
    def __init__(self, dim: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Softplus(Module):
    def __init__(self, beta: Any = ..., threshold: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Softshrink(Module):
    def __init__(self, lambd: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Softsign(Module):
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SwiGLU(Module):
    def __init__(self, in_features: Any, hidden_features: Any = ..., out_features: Any = ..., bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class SyncBatchNorm(Module):
    def __init__(self, num_features: Any, eps: Any = ..., momentum: Any = ..., affine: Any = ..., track_running_stats: Any = ..., process_group: Any = ..., device: Any = ..., dtype: Any = ..., *, bias: Any = ...) -> None: ...
    @classmethod
    def convert_sync_batchnorm(cls, module: Any, process_group: Any = ...) -> Any: ...  # type: ignore[override]
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    ranks: Any
    def reset_parameters(self) -> Any: ...  # type: ignore[override]
    def reset_running_stats(self) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Tanh(Module):
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Tanhshrink(Module):
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Threshold(Module):
    def __init__(self, threshold: Any, value: Any, inplace: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Transformer(Module):
    def __init__(self, d_model: Any = ..., nhead: Any = ..., num_encoder_layers: Any = ..., num_decoder_layers: Any = ..., dim_feedforward: Any = ..., dropout: Any = ..., activation: Any = ..., custom_encoder: Any = ..., custom_decoder: Any = ..., layer_norm_eps: Any = ..., batch_first: Any = ..., norm_first: Any = ..., bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, src: Any, tgt: Any, src_mask: Any = ..., tgt_mask: Any = ..., memory_mask: Any = ..., src_key_padding_mask: Any = ..., tgt_key_padding_mask: Any = ..., memory_key_padding_mask: Any = ..., src_is_causal: Any = ..., tgt_is_causal: Any = ..., memory_is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    @staticmethod
    def generate_square_subsequent_mask(sz: Any, device: Any = ..., dtype: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class TransformerDecoder(Module):
    def __init__(self, decoder_layer: Any, num_layers: Any, norm: Any = ...) -> None: ...
    def forward(self, tgt: Any, memory: Any, tgt_mask: Any = ..., memory_mask: Any = ..., tgt_key_padding_mask: Any = ..., memory_key_padding_mask: Any = ..., tgt_is_causal: Any = ..., memory_is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class TransformerDecoderLayer(Module):
    def __init__(self, d_model: Any, nhead: Any, dim_feedforward: Any = ..., dropout: Any = ..., activation: Any = ..., layer_norm_eps: Any = ..., batch_first: Any = ..., norm_first: Any = ..., bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, tgt: Any, memory: Any, tgt_mask: Any = ..., memory_mask: Any = ..., tgt_key_padding_mask: Any = ..., memory_key_padding_mask: Any = ..., tgt_is_causal: Any = ..., memory_is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class TransformerEncoder(Module):
    def __init__(self, encoder_layer: Any, num_layers: Any, norm: Any = ..., enable_nested_tensor: Any = ..., mask_check: Any = ...) -> None: ...
    def forward(self, src: Any, mask: Any = ..., src_key_padding_mask: Any = ..., is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class TransformerEncoderLayer(Module):
    def __init__(self, d_model: Any, nhead: Any, dim_feedforward: Any = ..., dropout: Any = ..., activation: Any = ..., layer_norm_eps: Any = ..., batch_first: Any = ..., norm_first: Any = ..., bias: Any = ..., device: Any = ..., dtype: Any = ...) -> None: ...
    def forward(self, src: Any, src_mask: Any = ..., src_key_padding_mask: Any = ..., is_causal: Any = ...) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class TripletMarginLoss(Module):
    def __init__(self, margin: Any = ..., p: Any = ..., eps: Any = ..., swap: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class TripletMarginWithDistanceLoss(Module):
    def __init__(self, *, distance_function: Any = ..., margin: Any = ..., swap: Any = ..., reduction: Any = ...) -> None: ...
    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Unflatten(Module):
    def __init__(self, dim: Any, unflattened_size: Any) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class Unfold(Module):
    def __init__(self, kernel_size: Any, dilation: Any = ..., padding: Any = ..., stride: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class UninitializedBuffer(Buffer):
    cls_to_become: Any
    def materialize(self, shape: Any, device: Any = ..., dtype: Any = ...) -> Any: ...  # type: ignore[override]
    shape: Any
    def __getattr__(self, name: str) -> Any: ...
class UninitializedParameter(Parameter):
    cls_to_become: Any
    def materialize(self, shape: Any, device: Any = ..., dtype: Any = ...) -> Any: ...  # type: ignore[override]
    shape: Any
    def __getattr__(self, name: str) -> Any: ...
class Upsample(Module):
    def __init__(self, size: Any = ..., scale_factor: Any = ..., mode: Any = ..., align_corners: Any = ..., recompute_scale_factor: Any = ...) -> None: ...
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    def __getattr__(self, name: str) -> Any: ...
class UpsamplingBilinear2d(Upsample):
    def __init__(self, size: Any = ..., scale_factor: Any = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
class UpsamplingNearest2d(Upsample):
    def __init__(self, size: Any = ..., scale_factor: Any = ...) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
class ZeroPad1d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ZeroPad2d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
class ZeroPad3d(Module):
    def __init__(self, padding: Any) -> None: ...
    dimensions: Any
    def extra_repr(self) -> Any: ...  # type: ignore[override]
    def forward(self, input: Any) -> Any: ...  # type: ignore[override]
    mode: Any
    def __getattr__(self, name: str) -> Any: ...
def sdpa_kernel(backends: Any, set_priority: Any = ...) -> Any: ...
