"""Norms of weights, as weight_norm and spectral_norm use them."""

from ... import _core
from ..._core import no_grad
from .. import functional as F


def norm_except(weight, dim):
    """The 2-norm over all dimensions but `dim`, kept with size 1; -1: over all, as one number."""
    if dim == -1:
        return (weight * weight).sum().sqrt()
    dim %= weight.ndim
    others = tuple(d for d in range(weight.ndim) if d != dim)
    return (weight * weight).sum(others, True).sqrt() if others else weight.abs()


def rows_of(weight, dim):
    """The weight as a matrix whose rows belong to dimension `dim`."""
    if dim:
        weight = weight.movedim(dim, 0)
    return weight.reshape(weight.shape[0], -1)


def start_vectors(rows, eps):
    """Random unit vectors (u, v) for the power iteration."""
    return tuple(F.normalize(_core.empty((n,), dtype=rows.dtype).normal_(), dim=0, eps=eps) for n in rows.shape)


def power_iteration(rows, u, v, steps, eps):
    """u and v, in place, nearer to the singular vectors of the largest singular value."""
    with no_grad():
        matrix = rows.detach()
        for _ in range(steps):
            u.copy_(F.normalize(matrix @ v, dim=0, eps=eps))
            v.copy_(F.normalize(matrix.t() @ u, dim=0, eps=eps))
