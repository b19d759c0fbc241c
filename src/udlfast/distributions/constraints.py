"""Where parameters and values of distributions may lie; PyTorch's names.

>>> import udlfast as torch
>>> torch.distributions.constraints.positive.check(torch.tensor([1., 0.]))
tensor([ True, False])
"""
from .._core import bool_, ones

__all__ = [
    "Constraint", "boolean", "cat", "corr_cholesky", "dependent", "dependent_property", "greater_than", "greater_than_eq",
    "half_open_interval", "independent", "integer_interval", "interval", "is_dependent", "less_than", "lower_cholesky",
    "lower_triangular", "multinomial", "nonnegative", "nonnegative_integer", "one_hot", "positive", "positive_definite",
    "positive_integer", "positive_semidefinite", "real", "real_vector", "simplex", "square", "stack", "symmetric", "unit_interval",
]  # fmt: skip


class Constraint:
    """A region: check(value) says for each event whether it lies inside."""

    is_discrete, event_dim = False, 0

    def check(self, value):
        raise NotImplementedError(f"{type(self).__name__}.check")

    def __repr__(self):
        return type(self).__name__[1:] + "()"


class _Dependent(Constraint):
    """A region that depends on other values."""

    def __init__(self, *, is_discrete=False, event_dim=0):
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, *, is_discrete=None, event_dim=None):
        return _Dependent(is_discrete=self.is_discrete if is_discrete is None else is_discrete,
                          event_dim=self.event_dim if event_dim is None else event_dim)

    def check(self, value):
        raise ValueError("Cannot determine validity of dependent constraint")


class dependent_property(property, _Dependent):
    """A property that gives a constraint: as decorator, bare or with is_discrete and event_dim."""

    def __init__(self, fn=None, *, is_discrete=False, event_dim=0):
        super().__init__(fn)
        self.is_discrete, self.event_dim = is_discrete, event_dim

    def __call__(self, fn):
        return dependent_property(fn, is_discrete=self.is_discrete, event_dim=self.event_dim)


def is_dependent(constraint):
    """Whether a constraint depends on other values."""
    return isinstance(constraint, _Dependent)


class _Independent(Constraint):
    """The last dimensions of a constraint taken as one event."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        self.base_constraint, self.reinterpreted_batch_ndims = base_constraint, reinterpreted_batch_ndims
        self.is_discrete = base_constraint.is_discrete
        self.event_dim = base_constraint.event_dim + reinterpreted_batch_ndims

    def check(self, value):
        r = self.base_constraint.check(value)
        if r.ndim < self.reinterpreted_batch_ndims:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.ndim}")
        return _all_last(r, self.reinterpreted_batch_ndims)

    def __repr__(self):
        return f"Independent({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


def _all_last(r, n):
    return r.reshape(*r.shape[:r.ndim - n], -1).all(-1) if n else r


class _Range(Constraint):
    """Numbers between bounds, which may be tensors; `closed` says which bounds count."""

    lower_bound = upper_bound = None
    closed = True, True

    def check(self, value):
        ok = value == value
        if self.lower_bound is not None:
            ok = ok & (value >= self.lower_bound if self.closed[0] else value > self.lower_bound)
        if self.upper_bound is not None:
            ok = ok & (value <= self.upper_bound if self.closed[1] else value < self.upper_bound)
        return ok & (value == value.floor()) if self.is_discrete and value.dtype.is_floating_point else ok

    def __repr__(self):
        bounds = [f"{n}={v}" for n, v in (("lower_bound", self.lower_bound), ("upper_bound", self.upper_bound)) if v is not None]
        return f"{type(self).__name__[1:]}({', '.join(bounds)})"


class _Real(_Range):
    """All numbers."""


class _Above(_Range):
    def __init__(self, lower_bound):
        self.lower_bound = lower_bound


class _Between(_Range):
    def __init__(self, lower_bound, upper_bound):
        self.lower_bound, self.upper_bound = lower_bound, upper_bound


class _GreaterThanEq(_Above):
    """Numbers from a bound on."""


class _GreaterThan(_Above):
    """Numbers above a bound."""

    closed = False, True


class _IntegerGreaterThan(_Above):
    """Integers from a bound on."""

    is_discrete = True


class _LessThan(_Range):
    """Numbers below a bound."""

    closed = True, False

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound


class _Interval(_Between):
    """Numbers between two bounds, with these."""


class _HalfOpenInterval(_Between):
    """Numbers between two bounds, with the lower one."""

    closed = True, False


class _IntegerInterval(_Between):
    """Integers between two bounds, with these."""

    is_discrete = True


greater_than, greater_than_eq, less_than = _GreaterThan, _GreaterThanEq, _LessThan
interval, half_open_interval, integer_interval = _Interval, _HalfOpenInterval, _IntegerInterval


def _simple(name, function, event_dim=0, is_discrete=False):
    """The one object of a class whose check is a function of the value."""
    inside = {"check": lambda self, value: function(value), "event_dim": event_dim, "is_discrete": is_discrete,
              "__module__": __name__, "__doc__": "A region by a function."}  # fmt: skip
    cls = globals()["_" + name] = type("_" + name, (Constraint,), inside)
    return cls()


def _square(x):
    return x.shape[-1] == x.shape[-2]


def _full(x, value):
    return ones(tuple(x.shape[:-2]), dtype=bool_) if value else ~ones(tuple(x.shape[:-2]), dtype=bool_)


def _matrix(x, test):
    return (test(x)).reshape(*x.shape[:-2], -1).all(-1)


def _symmetric(x):
    return _matrix(x, lambda m: (m - m.mT).abs() <= 1e-6 + 1e-5 * m.abs()) if _square(x) else _full(x, False)


def _definite(x):
    from ..linalg import cholesky_ex
    return _symmetric(x) & (cholesky_ex(x).info == 0) if _square(x) else _full(x, False)


def _semidefinite(x):
    from ..linalg import eigvalsh
    return _symmetric(x) & (eigvalsh(x) >= -1e-6 * x.abs().amax((-2, -1)).unsqueeze(-1)).all(-1) if _square(x) else _full(x, False)


def _lower(x):
    return _matrix(x, lambda m: m.tril() == m)


def _positive_diagonal(x):
    return _lower(x) & (x.diagonal(0, -2, -1) > 0).all(-1)


def _correlation(x):
    length = (x * x).sum(-1)
    return _positive_diagonal(x) & ((length - 1).abs() <= 10 * x.shape[-1] * 2.0**-23).all(-1)


dependent = _Dependent()
boolean = _simple("Boolean", lambda x: (x == 0) | (x == 1), is_discrete=True)
one_hot = _simple("OneHot", lambda x: ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1), 1, True)
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
real = _Real()
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
simplex = _simple("Simplex", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), 1)
square = _simple("Square", lambda x: _full(x, _square(x)), 2)
symmetric = _simple("Symmetric", _symmetric, 2)
positive_definite = _simple("PositiveDefinite", _definite, 2)
positive_semidefinite = _simple("PositiveSemidefinite", _semidefinite, 2)
lower_triangular = _simple("LowerTriangular", _lower, 2)
lower_cholesky = _simple("LowerCholesky", _positive_diagonal, 2)
corr_cholesky = _simple("CorrCholesky", _correlation, 2)
independent = _Independent
real_vector = independent(real, 1)


class multinomial(Constraint):
    """Counts that add up to at most upper_bound."""

    is_discrete, event_dim = True, 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, x):
        return (x >= 0).all(-1) & (x.sum(-1) <= self.upper_bound)

    def __repr__(self):
        return f"Multinomial(upper_bound={self.upper_bound})"


class _Joined(Constraint):
    """Constraints of slices along a dimension."""

    def __init__(self, cseq, dim=0, lengths=None):
        self.cseq, self.dim, self.lengths = list(cseq), dim, lengths
        self.is_discrete, self.event_dim = any(c.is_discrete for c in self.cseq), max(c.event_dim for c in self.cseq)
        if lengths is None and dim + self.event_dim < 0:
            self.event_dim += 1  # slices along a dimension of the event

    def check(self, value):
        from ..ops import joining
        if self.lengths is None:
            return joining.stack([c.check(value.select(self.dim, i)) for i, c in enumerate(self.cseq)], self.dim)
        parts, start = [], 0
        for c, n in zip(self.cseq, self.lengths):
            parts.append(c.check(value.narrow(self.dim, start, n)))
            start += n
        return joining.cat(parts, self.dim)


class _Stack(_Joined):
    """Constraints of the slices along dim."""


class _Cat(_Joined):
    """Constraints of parts of given lengths along dim."""

    def __init__(self, cseq, dim=0, lengths=None):
        cseq = list(cseq)
        super().__init__(cseq, dim, list(lengths) if lengths is not None else [1] * len(cseq))


stack, cat = _Stack, _Cat
