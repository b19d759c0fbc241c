"""torch.sparse: products and sums of sparse tensors (see sparse_coo_tensor)."""

from ._core import matmul

__all__ = ["addmm", "mm", "sum"]


def mm(mat1, mat2):
    """The product of a sparse matrix and a dense one, or of two sparse ones (sparse).

    >>> import udlfast as torch
    >>> torch.sparse.mm(torch.eye(2).to_sparse(), torch.ones(2, 1)).tolist()
    [[1.0], [1.0]]
    """
    return matmul(mat1, mat2)


def addmm(mat, mat1, mat2, *, beta=1.0, alpha=1.0):
    """beta mat + alpha mat1 mat2, mat1 sparse."""
    return mat * beta + matmul(mat1, mat2) * alpha


def sum(input, dim=None, dtype=None):
    """The sum of all values, or over some dimensions, as a sparse tensor."""
    return input.sum(dim, dtype)
