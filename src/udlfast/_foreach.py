"""torch._foreach_*: one operation for each tensor of a list, as optimisers of other libraries write their steps.

`_foreach_add_(tensors, others, alpha=2)` is `for t, o in zip(tensors, others): t.add_(o, alpha=2)`; numbers go to every tensor, lists
have one entry for each. Forms that end in `_` change the tensors and give the list, the others give a tuple of new ones.
"""

from ._core import Tensor
from .errors import ArgumentError

_LAST_BY_NAME = {"addcmul": "value", "addcdiv": "value"}  # methods whose last argument has to be named
_WITH_NUMBER = {"maximum": "clamp_min", "minimum": "clamp_max"}


def _one(name):
    """The function `_foreach_` + name."""
    place = name.endswith("_")
    op, end = name.rstrip("_"), "_" if place else ""

    def foreach(tensors, *args, **kwargs):
        results = []
        for i, t in enumerate(tensors):
            mine = [a[i] if isinstance(a, (list, tuple)) else a for a in args]
            named = {k: v[i] if isinstance(v, (list, tuple)) else v for k, v in kwargs.items()}
            method = op
            if op in _LAST_BY_NAME and len(mine) == 3:
                last = mine.pop()
                named[_LAST_BY_NAME[op]] = last.item() if isinstance(last, Tensor) else last
            if op in _WITH_NUMBER and not isinstance((*mine, *named.values())[0], Tensor):
                method = _WITH_NUMBER[op]
                mine, named = [*mine, *named.values()], {}
            if place and method in ("maximum", "minimum"):
                results.append(t.copy_(getattr(t, method)(*mine, **named)))
            else:
                results.append(getattr(t, method + end)(*mine, **named))
        return tensors if place else tuple(results)

    foreach.__name__ = foreach.__qualname__ = "_foreach_" + name
    foreach.__doc__ = f"Tensor.{name} for each tensor of a list."
    return foreach


def __getattr__(name):
    op = name.removeprefix("_foreach_")
    if op == name or not (hasattr(Tensor, op) or op.rstrip("_") in _WITH_NUMBER):
        raise AttributeError(f"module 'udlfast' has no attribute {name!r}")
    value = globals()[name] = _one(op)
    return value


def norms(tensors, ord=2, dtype=None):
    """The norm of each tensor, taken over all its elements."""
    from .linalg import vector_norm

    for t in tensors:
        if not isinstance(t, Tensor):
            raise ArgumentError(f"_foreach_norm: expected Tensors, got {type(t).__name__}")
    return tuple(vector_norm(t, ord, dtype=dtype) for t in tensors)


_foreach_norm = norms
