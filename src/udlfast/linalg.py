"""Linear algebra under PyTorch's module name, on NumPy's LAPACK: ops/_linalg_*.py.

>>> import udlfast as torch
>>> torch.linalg.det(torch.eye(3))
tensor(1.)
"""
from .errors import LinAlgError
from .ops._linalg_eig import eig, eigvals
from .ops._linalg_factor import (
    cholesky,
    cholesky_ex,
    eigh,
    eigvalsh,
    householder_product,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    qr,
    svd,
    svdvals,
)
from .ops._linalg_norm import (
    cond,
    cross,
    diagonal,
    lstsq,
    matrix_exp,
    matrix_norm,
    matrix_power,
    matrix_rank,
    multi_dot,
    norm,
    pinv,
    vander,
    vecdot,
    vector_norm,
)
from .ops._linalg_solve import det, inv, inv_ex, slogdet, solve, solve_ex, solve_triangular, tensorinv, tensorsolve

from ._core import matmul  # isort: skip

__all__ = [
    "LinAlgError", "cholesky", "cholesky_ex", "cond", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh",
    "householder_product", "inv",
    "inv_ex", "lstsq", "lu", "lu_factor", "lu_factor_ex", "lu_solve", "matmul", "matrix_exp", "matrix_norm", "matrix_power",
    "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_ex", "solve_triangular", "svd", "svdvals", "tensorinv",
    "tensorsolve", "vander", "vecdot", "vector_norm",
]  # fmt: skip
