"""Initialisation laws of parameters: each fills a tensor in place, without history, and returns it.

The variance laws keep the size of activations (fan_in) or gradients (fan_out) the same from layer to layer:
*Understanding Deep Learning*, section 7.5; Glorot and Bengio 2010 (xavier), He et al. 2015 (kaiming).
"""

import math
import warnings

from .. import _core, errors
from .._core import no_grad

__all__ = [
    "calculate_gain",
    "uniform_",
    "normal_",
    "trunc_normal_",
    "constant_",
    "ones_",
    "zeros_",
    "eye_",
    "dirac_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "sparse_",
    "constant",
    "dirac",
    "eye",
    "kaiming_normal",
    "kaiming_uniform",
    "normal",
    "orthogonal",
    "sparse",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
]


def _generator(generator):
    return {} if generator is None else {"generator": generator}


def _copy_array(tensor, array):
    return tensor.copy_(_core.from_numpy(array).reshape(tensor.shape))


def calculate_gain(nonlinearity, param=None):
    """The factor on the standard deviation that makes up for a non-linearity.

    linear, conv, sigmoid: 1; tanh: 5/3; relu: sqrt(2); leaky_relu: sqrt(2 / (1 + slope^2)); selu: 3/4.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.init.calculate_gain("relu") == 2 ** 0.5
        True

    Source: *Understanding Deep Learning*, section 7.5.
    """
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Fills with U(a, b)."""
    with no_grad():
        return tensor.uniform_(a, b, **_generator(generator))


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Fills with N(mean, std^2)."""
    with no_grad():
        return tensor.normal_(mean, std, **_generator(generator))


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Fills with N(mean, std^2) restricted to [a, b].

    Draws again what falls outside; when little of the bell lies in [a, b], draws uniformly there instead and keeps x
    with probability exp(-(z(x)^2 - z_min^2) / 2), z = (x - mean) / std (Robert 1995).
    """
    low, high = (a - mean) / std, (b - mean) / std
    if not low < high:
        raise errors.ArgumentError(f"trunc_normal_: needs a < b and std > 0, got a={a}, b={b}, std={std}")
    root2 = math.sqrt(2.0)
    near = min(max(low, 0.0), high)  # the point of [low, high] nearest to 0: the highest density
    inside = 0.5 * (math.erfc(-high / root2) - math.erfc(-low / root2))
    if low > 0:  # the same by the other tail, without cancellation
        inside = 0.5 * (math.erfc(low / root2) - math.erfc(high / root2))
    draw = _draw_normal if inside > 0.2 else _draw_uniform
    import numpy as np

    n = tensor.numel()
    z = np.empty(n)
    filled = 0
    options = _generator(generator)
    with no_grad():
        while filled < n:
            some = draw(np, max(64, int((n - filled) * 1.3)), low, high, near, options)[: n - filled]
            z[filled : filled + len(some)] = some
            filled += len(some)
        kind = np.float64 if tensor.dtype is _core.float64 else np.float32
        return _copy_array(tensor, np.clip(z * std + mean, a, b).astype(kind))


def _draw_normal(np, n, low, high, near, options):
    z = _core.empty((n,), dtype=_core.float64).normal_(0.0, 1.0, **options).numpy()
    return z[(z >= low) & (z <= high)]


def _draw_uniform(np, n, low, high, near, options):
    # a far tail is cut where its density has fallen to exp(-38) of the highest: z = near + t has density ratio
    # exp(-near t - t^2 / 2) <= exp(-38) for t = 38 / max(1, near)
    reach = 38.0 / max(1.0, abs(near))
    low, high = max(low, near - reach), min(high, near + reach)
    u = _core.empty((2, n), dtype=_core.float64).uniform_(0.0, 1.0, **options).numpy()
    z = low + (high - low) * u[0]
    return z[u[1] < np.exp(0.5 * (near * near - z * z))]


def constant_(tensor, val):
    """Fills with val."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Fills with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Fills with 0."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor):
    """Fills a matrix with the identity."""
    if tensor.ndim != 2:
        raise errors.ShapeError(f"eye_: only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}")
    import numpy as np

    with no_grad():
        return _copy_array(tensor, np.eye(*tensor.shape, dtype=np.float32))


def dirac_(tensor, groups=1):
    """Fills a convolution's filters [O, C/G, ...] so that the layer passes its input on, channel by channel."""
    if tensor.ndim not in (3, 4, 5):
        raise errors.ShapeError(
            f"dirac_: only tensors with 3, 4, or 5 dimensions are supported, got shape {list(tensor.shape)}"
        )
    if tensor.shape[0] % groups:
        raise errors.ArgumentError(f"dirac_: dim 0 must be divisible by groups, got {tensor.shape[0]} and {groups}")
    import numpy as np

    shape = tuple(tensor.shape)
    out = np.zeros(shape, np.float32)
    per_group = shape[0] // groups
    centre = tuple(k // 2 for k in shape[2:])
    for g in range(groups):
        for c in range(min(per_group, shape[1])):
            out[(g * per_group + c, c) + centre] = 1
    with no_grad():
        return _copy_array(tensor, out)


def fans(tensor):
    """(fan_in, fan_out) of a weight [out, in, ...]: inputs that one output sees, outputs that one input reaches."""
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise errors.ShapeError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got shape {list(shape)}"
        )
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


_calculate_fan_in_and_fan_out = fans  # the name under which PyTorch users know it


def _calculate_correct_fan(tensor, mode):
    """fan_in or fan_out of a weight."""
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise errors.ArgumentError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return fans(tensor)[mode == "fan_out"]


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fills with U(-a, a), a = gain sqrt(6 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010; *Understanding Deep Learning*, section 7.5.
    """
    bound = gain * math.sqrt(6.0 / sum(fans(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fills with N(0, std^2), std = gain sqrt(2 / (fan_in + fan_out)).

    Source: Glorot and Bengio 2010; *Understanding Deep Learning*, section 7.5.
    """
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _kaiming_std(tensor, a, mode, nonlinearity):
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fills with U(-b, b), b = gain sqrt(3 / fan).

    Source: He et al. 2015; *Understanding Deep Learning*, section 7.5.
    """
    if 0 in tensor.shape:
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fills with N(0, std^2), std = gain / sqrt(fan).

    Source: He et al. 2015; *Understanding Deep Learning*, section 7.5.
    """
    if 0 in tensor.shape:
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Fills with gain times a random matrix of orthonormal rows or columns; dims after the first count as one.

    Q of the QR decomposition of a normal matrix, its columns' signs set by R's diagonal so that Q is uniform.

    Source: Saxe, McClelland and Ganguli 2013.
    """
    if tensor.ndim < 2:
        raise errors.ShapeError(
            f"orthogonal_: only tensors with 2 or more dimensions are supported, got shape {list(tensor.shape)}"
        )
    n = tensor.numel()
    if n == 0:
        return tensor
    import numpy as np

    rows = tensor.shape[0]
    with no_grad():
        draw = _core.empty((rows, n // rows), dtype=_core.float64).normal_(0.0, 1.0, **_generator(generator)).numpy()
        q, r = np.linalg.qr(draw if rows >= n // rows else draw.T)
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        q = q if rows >= n // rows else q.T
        kind = np.float64 if tensor.dtype is _core.float64 else np.float32
        return _copy_array(tensor, np.ascontiguousarray(q * gain).astype(kind))


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Fills a matrix with N(0, std^2), then zeroes a fraction `sparsity` of each column.

    Source: Martens 2010.
    """
    if tensor.ndim != 2:
        raise errors.ShapeError(
            f"sparse_: only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}"
        )
    import numpy as np

    rows, columns = tensor.shape
    with no_grad():
        values = _core.empty((rows, columns), dtype=_core.float64).normal_(0.0, std, **_generator(generator)).numpy()
        order = _core.empty((rows, columns), dtype=_core.float64).uniform_(0.0, 1.0, **_generator(generator)).numpy()
        dropped = np.argsort(order, axis=0)[: math.ceil(sparsity * rows)]
        np.put_along_axis(values, dropped, 0.0, axis=0)
        kind = np.float64 if tensor.dtype is _core.float64 else np.float32
        return _copy_array(tensor, values.astype(kind))


def _deprecated(function):
    """The name without `_` that PyTorch had first: warns, then does the same."""

    def old(*args, **kwargs):
        warnings.warn(f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`.", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    name = old.__name__ = old.__qualname__ = function.__name__[:-1]
    old.__doc__ = f"The old name of `{name}_`, with a FutureWarning."
    return old


constant, dirac, eye, normal, orthogonal, sparse, uniform = map(
    _deprecated, (constant_, dirac_, eye_, normal_, orthogonal_, sparse_, uniform_)
)
kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform = map(
    _deprecated, (kaiming_normal_, kaiming_uniform_, xavier_normal_, xavier_uniform_)
)
