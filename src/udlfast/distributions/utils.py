"""torch.distributions.utils: what distributions of one's own are written with."""

import functools
from operator import mul

from .. import _core
from .distribution import broadcast_all, logits_to_probs, probs_to_logits
from .distribution import lazily as lazy_property

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits", "tril_matrix_to_vec",
           "vec_to_tril_matrix"]  # fmt: skip

euler_constant = 0.57721566490153286060


def _standard_normal(shape, dtype, device=None):
    """Normal numbers."""
    from .. import ops

    return ops.function("randn")(shape, dtype=dtype)


def clamp_probs(probs):
    """Probabilities at least eps from 0 and from 1."""
    from ..typeinfo import finfo

    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def vec_to_tril_matrix(vec, diag=0):
    """Lower triangular matrices (with the diagonals up to diag) of the rows in the last dimension, row by row."""
    n = round((-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2)
    out = _core.zeros(*vec.shape[:-1], n, n, dtype=vec.dtype)
    rows, columns = _tril(n, diag)
    out[..., rows, columns] = vec
    return out


def tril_matrix_to_vec(mat, diag=0):
    """The lower triangles (with the diagonals up to diag) of matrices as vectors, row by row."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = _tril(n, diag)
    return mat[..., rows, columns]


def _tril(n, diag):
    from .. import ops

    return ops.function("tril_indices")(n, n, diag)


def _sum_rightmost(value, dim):
    """The sum over the last dim dimensions."""
    return value if dim == 0 else value.reshape(*value.shape[:-dim], functools.reduce(mul, value.shape[-dim:], 1)).sum(-1)
