"""In-place forms of operations, from one table: x.NAME_(...) stores x.NAME(...) in x, torch.NAME_(x, ...) is the same."""
from .. import _core
from .._core import assign, become_view, extend, float64, is_grad_enabled, snapshot, unary_into
from ..errors import DTypeError

STORED = """
abs absolute acos acosh addbmm addcdiv addcmul addmm addmv addr arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
atan2 atanh baddbmm bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil clamp clamp_max clamp_min
clip copysign cos cosh cumprod cumsum deg2rad divide eq erf erfc exp exp2 expm1 fix floor floor_divide fmod frac gcd ge
greater greater_equal gt heaviside hypot index_add index_copy index_fill index_put index_reduce lcm ldexp le lerp less less_equal log log10
log1p log2 logical_and logical_not logical_or logical_xor logit lt masked_fill masked_scatter multiply nan_to_num ne neg negative nextafter
not_equal pow put rad2deg reciprocal relu remainder renorm round rsqrt scatter scatter_add scatter_reduce sgn sigmoid sign sin sinc
sinh sqrt square subtract tan tanh tril triu true_divide trunc xlogy
""".split()
# of these, those that one element-wise kernel computes without further numbers: in x's own memory where no gradient is recorded
DIRECT = {name: getattr(_core, "MAP_" + name) for name in "abs ceil cos exp floor log neg relu rsqrt sigmoid sin sqrt square tanh".split()}
# views: x takes the geometry of x.NAME(...)
TURNED = "as_strided squeeze swapaxes swapdims t transpose unsqueeze".split()
# those of both tables, and of methods defined elsewhere, that exist as functions
FUNCTIONS = """
abs acos acosh addmv alpha_dropout arccos arccosh arcsin arcsinh arctan arctanh as_strided asin asinh atan atanh ceil celu clamp clamp_max
clamp_min clip cos cosh deg2rad detach dropout erf erfc exp exp2 expm1 feature_alpha_dropout fill fix floor frac gcd i0 index_put lcm
ldexp log log10 log1p log2 logit nan_to_num neg negative rad2deg reciprocal relu resize_as round rrelu rsqrt selu sigmoid sin sinc
sinh sqrt square tan tanh threshold trunc xlogy zero
""".split()
_OF_LAYERS = {"alpha_dropout", "celu", "dropout", "feature_alpha_dropout", "rrelu", "selu", "threshold"}  # functions without a method


def _stored(base):
    name, direct = base + "_", DIRECT.get(base)

    def method(self, *args, **kwargs):
        taped = self.requires_grad and is_grad_enabled()
        if direct is not None and not (args or kwargs or taped) and unary_into(direct, self, 0.0, 0.0, name):
            return self
        old = snapshot(self, name, (*args, *kwargs.values()) if kwargs else args)
        return assign(self, getattr(old, base)(*args, **kwargs), name)
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"{base}, stored in this tensor; see udlfast.{base}."
    return method


def _turned(base):
    name = base + "_"

    def method(self, *args, **kwargs):
        return become_view(self, getattr(self, base)(*args, **kwargs), name)
    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"{base} of this tensor itself; see udlfast.{base}."
    return method


def _function(base):
    name = base + "_"
    if base in _OF_LAYERS:
        def function(input, *args, **kwargs):
            from . import function as find
            return assign(input, find(base)(snapshot(input, name), *args, **kwargs), name)
    else:
        def function(input, *args, **kwargs):
            return getattr(input, name)(*args, **kwargs)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{base}, stored in input; see udlfast.{base}."
    return function


for _name in STORED:
    extend(_name + "_", _stored(_name))
def _float_power(self, exponent):
    """float_power, stored in this tensor, which must be float64."""
    if self.dtype is not float64:
        raise DTypeError(f"float_power_: the result is float64 and cannot be stored in a tensor of type {self.dtype}")
    return assign(self, snapshot(self, "float_power_", (exponent,)).float_power(exponent), "float_power_")


extend("float_power_", _float_power)
for _name in TURNED:
    extend(_name + "_", _turned(_name))
for _name in FUNCTIONS:
    globals()[_name + "_"] = _function(_name)
# names of Python 2's division
extend("__rdiv__", lambda self, other: self.__rtruediv__(other))
extend("__div__", lambda self, other: self.__truediv__(other))
extend("__idiv__", lambda self, other: self.__itruediv__(other))
