"""Transforms from all real numbers to a region: biject_to is one-to-one, transform_to need not be."""
from . import constraints as _C
from . import transforms as _T


class ConstraintRegistry:
    """Constraint -> transform, by the constraint's class."""

    def __init__(self):
        self._table = {}

    def register(self, constraint, factory=None):
        """Use factory(constraint) for a constraint (or a class of them); also a decorator."""
        def put(f):
            self._table[constraint if isinstance(constraint, type) else type(constraint)] = f
            return f
        return put if factory is None else put(factory)

    def __call__(self, constraint):
        for key in type(constraint).__mro__:
            if key in self._table:
                return self._table[key](constraint)
        raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _both(cls, factory):
    biject_to.register(cls, transform_to.register(cls, factory))


def _interval(c):
    low, high = c.lower_bound, c.upper_bound
    if isinstance(low, (int, float)) and low == 0 and high == 1:
        return _T.SigmoidTransform()
    return _T.ComposeTransform([_T.SigmoidTransform(), _T.AffineTransform(low, high - low)])


def _above(c):
    if isinstance(c.lower_bound, (int, float)) and c.lower_bound == 0:
        return _T.ExpTransform()
    return _T.ComposeTransform([_T.ExpTransform(), _T.AffineTransform(c.lower_bound, 1)])


def _independent(registry):
    return lambda c: _T.IndependentTransform(registry(c.base_constraint), c.reinterpreted_batch_ndims)


def _joined(registry):
    def f(c):
        parts = [registry(part) for part in c.cseq]
        return _T.StackTransform(parts, c.dim) if c.lengths is None else _T.CatTransform(parts, c.dim, c.lengths)
    return f


_both(_C._Real, lambda c: _T.identity_transform)
_both(_C._GreaterThan, _above)
_both(_C._GreaterThanEq, _above)
_both(_C._LessThan, lambda c: _T.ComposeTransform([_T.ExpTransform(), _T.AffineTransform(c.upper_bound, -1)]))
_both(_C._Interval, _interval)
_both(_C._HalfOpenInterval, _interval)
_both(_C._CorrCholesky, lambda c: _T.CorrCholeskyTransform())
_both(_C._LowerCholesky, lambda c: _T.LowerCholeskyTransform())
_both(_C._PositiveDefinite, lambda c: _T.PositiveDefiniteTransform())
_both(_C._PositiveSemidefinite, lambda c: _T.PositiveDefiniteTransform())
biject_to.register(_C._Simplex, lambda c: _T.StickBreakingTransform())
transform_to.register(_C._Simplex, lambda c: _T.SoftmaxTransform())
for _registry in (biject_to, transform_to):
    _registry.register(_C._Independent, _independent(_registry))
    _registry.register(_C._Joined, _joined(_registry))
