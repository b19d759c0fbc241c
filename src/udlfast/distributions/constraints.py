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
    """Numbers between bounds, which may be tensors; the name says which bounds there are and whether they count."""

    def __init__(self, name, lower=None, upper=None, closed_lower=True, closed_upper=True, integer=False):
        self.name, self.is_discrete, self.integer = name, integer, integer
        self.lower_bound, self.upper_bound, self.closed = lower, upper, (closed_lower, closed_upper)

    def check(self, value):
        ok = value == value
        if self.lower_bound is not None:
            ok = ok & (value >= self.lower_bound if self.closed[0] else value > self.lower_bound)
        if self.upper_bound is not None:
            ok = ok & (value <= self.upper_bound if self.closed[1] else value < self.upper_bound)
        return ok & (value == value.floor()) if self.integer and value.dtype.is_floating_point else ok

    def __repr__(self):
        bounds = [f"{n}={v}" for n, v in (("lower_bound", self.lower_bound), ("upper_bound", self.upper_bound)) if v is not None]
        return f"{self.name}({', '.join(bounds)})"


def greater_than(lower_bound):
    return _Range("GreaterThan", lower_bound, closed_lower=False)


def greater_than_eq(lower_bound):
    return _Range("GreaterThanEq", lower_bound)


def less_than(upper_bound):
    return _Range("LessThan", None, upper_bound, closed_upper=False)


def interval(lower_bound, upper_bound):
    return _Range("Interval", lower_bound, upper_bound)


def half_open_interval(lower_bound, upper_bound):
    return _Range("HalfOpenInterval", lower_bound, upper_bound, closed_upper=False)


def integer_interval(lower_bound, upper_bound):
    return _Range("IntegerInterval", lower_bound, upper_bound, integer=True)


class _Simple(Constraint):
    """A region by a function."""

    def __init__(self, name, function, event_dim=0, is_discrete=False):
        self.name, self.check, self.event_dim, self.is_discrete = name, function, event_dim, is_discrete

    def __repr__(self):
        return self.name + "()"


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
boolean = _Simple("Boolean", lambda x: (x == 0) | (x == 1), is_discrete=True)
one_hot = _Simple("OneHot", lambda x: ((x == 0) | (x == 1)).all(-1) & (x.sum(-1) == 1), 1, True)
nonnegative_integer = _Range("IntegerGreaterThan", 0, integer=True)
positive_integer = _Range("IntegerGreaterThan", 1, integer=True)
real = _Range("Real")
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
simplex = _Simple("Simplex", lambda x: (x >= 0).all(-1) & ((x.sum(-1) - 1).abs() < 1e-6), 1)
square = _Simple("Square", lambda x: _full(x, _square(x)), 2)
symmetric = _Simple("Symmetric", _symmetric, 2)
positive_definite = _Simple("PositiveDefinite", _definite, 2)
positive_semidefinite = _Simple("PositiveSemidefinite", _semidefinite, 2)
lower_triangular = _Simple("LowerTriangular", _lower, 2)
lower_cholesky = _Simple("LowerCholesky", _positive_diagonal, 2)
corr_cholesky = _Simple("CorrCholesky", _correlation, 2)
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
        from ..ops.joining import cat, stack
        if self.lengths is None:
            return stack([c.check(value.select(self.dim, i)) for i, c in enumerate(self.cseq)], self.dim)
        parts, start = [], 0
        for c, n in zip(self.cseq, self.lengths):
            parts.append(c.check(value.narrow(self.dim, start, n)))
            start += n
        return cat(parts, self.dim)


def stack(cseq, dim=0):
    """Constraints of the slices along dim."""
    return _Joined(cseq, dim)


def cat(cseq, dim=0, lengths=None):
    """Constraints of parts of given lengths along dim."""
    cseq = list(cseq)
    return _Joined(cseq, dim, list(lengths) if lengths is not None else [1] * len(cseq))


