"""Random tensors: Philox4x32-10, so that the numbers depend on the seed alone and not on threads."""

import math

from .. import _core
from .._core import Tensor, default_generator, empty, extend, manual_seed, put_out, random_  # noqa: F401
from ..errors import ArgumentError, DTypeError
from ..typeinfo import finfo

UNIFORM, NORMAL, INTEGERS, BERNOULLI, PERMUTATION = range(5)


def _new(op, size, dtype, device, requires_grad, default=None):
    t = empty(*size, dtype=dtype or default or _core.get_default_dtype(), device=device)
    if default is None and not t.dtype.is_floating_point:
        raise DTypeError(f"{op}: expected a floating-point dtype, got {t.dtype}")
    return t


def rand(*size, generator=None, dtype=None, device=None, requires_grad=False, out=None, **ignored):
    """Numbers drawn evenly from [0, 1).

    Args:
        size: sizes of the result
        generator: a Generator; the default one otherwise
    Returns: a tensor

    >>> import udlfast as torch
    >>> torch.rand(2, 3).shape
    udlfast.Size([2, 3])

    Source: Salmon et al. 2011 (Philox).
    """
    size = ignored.pop("size", size)
    t = random_(_new("rand", size, dtype, device, requires_grad), UNIFORM, 0.0, 1.0, generator)
    t = t if out is None else put_out(out, t)
    return t.requires_grad_(True) if requires_grad else t


def randn(*size, generator=None, dtype=None, device=None, requires_grad=False, out=None, **ignored):
    """Numbers drawn from the normal distribution of mean 0 and variance 1.

    Args:
        size: sizes of the result
        generator: a Generator; the default one otherwise
    Returns: a tensor

    >>> import udlfast as torch
    >>> torch.randn(2, 3).shape
    udlfast.Size([2, 3])

    Source: Box and Muller 1958, on Philox.
    """
    size = ignored.pop("size", size)
    t = random_(_new("randn", size, dtype, device, requires_grad), NORMAL, 0.0, 1.0, generator)
    t = t if out is None else put_out(out, t)
    return t.requires_grad_(True) if requires_grad else t


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False, out=None, **ignored):
    """Whole numbers drawn evenly from [low, high).

    Args:
        low, high: bounds; with one of them it is high and low is 0
        size: shape of the result
    Returns: an int64 tensor unless dtype says otherwise

    >>> import udlfast as torch
    >>> bool((torch.randint(0, 10, (100,)) < 10).all())
    True

    Source: Lemire 2019 (multiply and shift), on Philox.
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:  # randint(10, size=(3,))
        low, high = 0, low
    if high <= low:
        raise ArgumentError(f"randint: expected low < high, got {low} and {high}")
    if -(2**53) <= low and high <= 2**53:
        t = random_(empty(tuple(size), dtype=_core.int64, device=device), INTEGERS, low, high, generator)
    else:  # not every bound is a float64
        t = _wide_integers(tuple(size), low, high, generator).to(device)
    t = t if dtype is None else t.to(dtype)
    t = t if out is None else put_out(out, t)
    return t.requires_grad_(True) if requires_grad else t


def _wide_integers(size, low, high, generator):
    """Whole numbers from [low, high): low + floor(r (high - low) / 2^64), r of 64 random bits, as the kernel does it."""
    import numpy as np
    if low < -(2**63) or high > 2**63 or isinstance(low, float) or isinstance(high, float):
        raise ArgumentError(f"randint: expected whole numbers of 64 bits, got {low} and {high}")
    half, low_half = np.uint64(32), np.uint64(2**32 - 1)
    b, a = random_(empty((2, *size), dtype=_core.int64), INTEGERS, 0, 2**32, generator).numpy().astype(np.uint64)  # r = 2^32 b + a
    d, c = np.uint64((high - low) >> 32), np.uint64((high - low) & (2**32 - 1))
    middle = (a * c >> half) + (a * d & low_half) + (b * c & low_half)
    drawn = b * d + (a * d >> half) + (b * c >> half) + (middle >> half)
    return _core.from_numpy((drawn + np.uint64(low % 2**64)).view(np.int64))


def randperm(n, *, generator=None, dtype=None, device=None, out=None, **ignored):
    """The numbers 0..n-1 in random order.

    >>> import udlfast as torch
    >>> sorted(torch.randperm(4).tolist())
    [0, 1, 2, 3]
    """
    if n < 0:
        raise ArgumentError(f"randperm: expected n of at least 0, got {n}")
    t = random_(empty(n, dtype=_core.int64, device=device), PERMUTATION, 0.0, 0.0, generator)
    t = t if dtype is None else t.to(dtype)
    return t if out is None else put_out(out, t)


def rand_like(input, *, generator=None, dtype=None, device=None, requires_grad=False, **ignored):
    """rand in input's shape and type."""
    return rand(tuple(input.shape), generator=generator, dtype=dtype or input.dtype, device=device or input.device,
                requires_grad=requires_grad)


def randn_like(input, *, generator=None, dtype=None, device=None, requires_grad=False, **ignored):
    """randn in input's shape and type."""
    return randn(tuple(input.shape), generator=generator, dtype=dtype or input.dtype, device=device or input.device,
                 requires_grad=requires_grad)


def randint_like(input, low=None, high=None, *, dtype=None, **ignored):
    """randint in input's shape and type."""
    low, high = (0, low) if high is None else (low or 0, high)
    return randint(low, high, tuple(input.shape), dtype=dtype or input.dtype)


def normal(mean=0.0, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False, out=None, **ignored):
    """Normal numbers of the given mean and standard deviation (numbers or tensors).

    >>> import udlfast as torch
    >>> torch.normal(0.0, 1.0, (2,)).shape
    udlfast.Size([2])
    """
    if bool((std < 0).any()) if isinstance(std, Tensor) else std < 0:
        raise ArgumentError(f"normal: expected std of at least 0, got {std.detach().min().item() if isinstance(std, Tensor) else std}")
    if size is not None:
        t = randn(tuple(size), generator=generator, dtype=dtype, device=device) * std + mean
        t = t if out is None else put_out(out, t)
        return t.requires_grad_(True) if requires_grad else t
    shape = (mean + std).shape if isinstance(mean, Tensor) or isinstance(std, Tensor) else ()
    kind = next((x.dtype for x in (mean, std) if isinstance(x, Tensor)), None)
    t = randn(tuple(shape), generator=generator, dtype=dtype or kind) * std + mean
    return t if out is None else put_out(out, t)


def bernoulli(input, p=None, *, generator=None, out=None):
    """0 or 1 with the probability of 1 that each element gives.

    >>> import udlfast as torch
    >>> torch.bernoulli(torch.ones(2))
    tensor([1., 1.])
    """
    if out is not None:
        return put_out(out, bernoulli(input, p, generator=generator))
    if p is not None:
        return random_(_core.empty_like(input), BERNOULLI, p, 0.0, generator)
    x = input.detach()
    if bool(((x < 0) | (x > 1)).any()):
        raise ArgumentError("bernoulli: expected probabilities between 0 and 1")
    return (rand(tuple(x.shape), generator=generator, dtype=x.dtype) < x).to(x.dtype)


def multinomial(input, num_samples, replacement=False, *, generator=None, out=None):
    """Indices drawn with probabilities in proportion to the elements of each row.

    Args:
        input: weights [n] or [m, n], not negative, finite, not all zero
        num_samples: draws a row
        replacement: whether an index can come twice
    Returns: int64 [num_samples] or [m, num_samples]
    Raises: ArgumentError for bad weights or too many draws

    >>> import udlfast as torch
    >>> torch.multinomial(torch.tensor([0., 1.]), 1)
    tensor([1])

    Source: inverse transform sampling; Efraimidis and Spirakis 2006 (several without replacement).
    """
    if not input.dtype.is_floating_point:
        raise DTypeError(f"multinomial: expected floating-point weights, got {input.dtype}")
    if out is not None and out.dtype is not _core.int64:
        raise DTypeError(f"multinomial: expected out of type int64, got {out.dtype}")
    w = input.detach().to(_core.float64)
    if w.ndim not in (1, 2):
        raise ArgumentError(f"multinomial: expected weights [n] or [m, n], got {list(input.shape)}")
    rows = w if w.ndim == 2 else w.unsqueeze(0)
    total = rows.sum(1, keepdim=True)
    if rows.shape[0] and (not rows.shape[1] or not bool((rows.min() >= 0) & (total.min() > 0) & (total.max() < math.inf))):
        raise ArgumentError("multinomial: expected weights that are finite, not negative and not all zero")
    if num_samples <= 0 or (not replacement and num_samples > 1 and num_samples > int((rows > 0).sum(1).min())):
        raise ArgumentError(f"multinomial: cannot draw {num_samples} of {rows.shape[1]} without replacement")
    if replacement or num_samples == 1:
        edges = rows.cumsum(1)
        edges = edges / edges[:, -1:]  # 1 from the last weight that is not 0 on, and u is less
        u = rand(rows.shape[0], num_samples, dtype=_core.float64, generator=generator).to(rows.device)
        y = None if rows.is_cuda else _core.search(edges, u, True)
        y = (u.unsqueeze(2) >= edges.unsqueeze(1)).sum(2) if y is None else y
    else:
        u = rand(tuple(rows.shape), dtype=_core.float64, generator=generator).to(rows.device)
        y = ((1 - u).log() / rows).topk(num_samples, 1).indices
    y = y if w.ndim == 2 else y.squeeze(0)
    return y if out is None else put_out(out, y)


def _fill(name, kind, convert):
    def method(self, *args, generator=None, **kwargs):
        p0, p1 = convert(*args, **kwargs)
        if _core.is_grad_enabled() and self.requires_grad and self.is_leaf:
            raise ArgumentError(f"{name}: a leaf tensor that requires a gradient cannot be filled in place while operations "
                                f"are recorded; use no_grad()")
        if not self.dtype.is_floating_point and kind in (UNIFORM, NORMAL):
            raise DTypeError(f"{name}: expected a floating-point tensor, got {self.dtype}")
        if kind == UNIFORM and p1 - p0 > finfo(self.dtype).max:
            raise ArgumentError(f"{name}: the range from {p0} to {p1} is wider than {self.dtype} holds")
        return random_(self, kind, p0, p1, generator)

    method.__name__ = name
    extend(name, method)


def _range(a=0.0, b=1.0, **kw):
    a, b = kw.get("from", a), kw.get("to", b)
    if b < a:
        raise ArgumentError(f"uniform_: expected from <= to, got {a} and {b}")
    return a, b


def _mean_std(mean=0.0, std=1.0):
    if std < 0:
        raise ArgumentError(f"normal_: expected std of at least 0, got {std}")
    return mean, std


def _probability(p=0.5):
    if not 0 <= p <= 1:
        raise ArgumentError(f"bernoulli_: expected a probability between 0 and 1, got {p}")
    return p, 0.0


_fill("uniform_", UNIFORM, _range)
_fill("normal_", NORMAL, _mean_std)
_fill("bernoulli_", BERNOULLI, _probability)
extend("multinomial", multinomial)
extend("bernoulli", bernoulli)


def _random_method(self, low=0, high=None, *, to=None, generator=None, **named):
    low, high = named.pop("from", low), high if to is None else to
    if named:
        raise TypeError(f"random_: unexpected arguments {sorted(named)}")
    if high is None:
        low, high = (0, low) if low else (0, 2**24 if self.dtype.is_floating_point else 2**31)
    return self.copy_(randint(low, high, tuple(self.shape), generator=generator))


def _exponential_method(self, lambd=1.0, *, generator=None):
    if lambd <= 0:
        raise ArgumentError(f"exponential_: expected lambd above 0, got {lambd}")
    return self.copy_(-(1 - rand(tuple(self.shape), generator=generator, dtype=_core.float64)).log() / lambd)


def _cauchy_method(self, median=0.0, sigma=1.0, *, generator=None):
    if sigma <= 0:
        raise ArgumentError(f"cauchy_: expected sigma above 0, got {sigma}")
    u = rand(tuple(self.shape), generator=generator, dtype=_core.float64)
    return self.copy_(((u - 0.5) * 3.141592653589793).tan() * sigma + median)


def _geometric_method(self, p, *, generator=None):
    if not 0 < p < 1:
        raise ArgumentError(f"geometric_: expected a probability between 0 and 1, got {p}")
    u = 1 - rand(tuple(self.shape), generator=generator, dtype=_core.float64)
    return self.copy_((u.log() / math.log1p(-p)).floor() + 1)


def _log_normal_method(self, mean=1.0, std=2.0, *, generator=None):
    if std <= 0:
        raise ArgumentError(f"log_normal_: expected std above 0, got {std}")
    return self.copy_((randn(tuple(self.shape), generator=generator, dtype=_core.float64) * std + mean).exp())


extend("random_", _random_method)
extend("exponential_", _exponential_method)
extend("cauchy_", _cauchy_method)
extend("geometric_", _geometric_method)
extend("log_normal_", _log_normal_method)


def seed():
    """Seed the default generator from the operating system; returns the seed."""
    return default_generator.seed()


def initial_seed():
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator as a tensor."""
    return default_generator.get_state()


def set_rng_state(state):
    """Put the default generator into a state that get_rng_state gave."""
    default_generator.set_state(state)
