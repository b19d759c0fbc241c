"""torch.sparse: products and sums of sparse tensors (see sparse_coo_tensor)."""

from ._core import from_numpy, int64, matmul, zeros
from .errors import DimError, DTypeError

__all__ = ["addmm", "log_softmax", "mm", "softmax", "sum"]


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


def softmax(input, dim, *, dtype=None):
    """exp(v) over the sum of exp(v) along a dimension; what is not stored counts as -inf and stays so.

    Args:
        input: a sparse tensor
        dim: the dimension
        dtype: the type to compute in
    Returns: a sparse tensor with the same places

    >>> import udlfast as torch
    >>> torch.sparse.softmax(torch.eye(2).to_sparse(), 1).to_dense().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    y = log_softmax(input, dim, dtype=dtype)
    return y._like(y.values().exp())


def log_softmax(input, dim, *, dtype=None):
    """The logarithm of softmax, over what is stored.

    >>> import udlfast as torch
    >>> torch.sparse.log_softmax(torch.eye(2).to_sparse(), 1).to_dense().tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    if not hasattr(input, "coalesce"):
        raise DTypeError(f"sparse.log_softmax: expected a sparse tensor, got {type(input).__name__}; use torch.log_softmax")
    x = input.coalesce() if dtype is None else input.coalesce().to(dtype)
    n = len(x.shape)
    if not -n <= dim < n:
        raise DimError(f"sparse.log_softmax: dimension {dim} is out of range for {n} dimensions")
    group, size = zeros(x._nnz(), dtype=int64), 1
    for d in range(n):
        if d != dim % n:
            group, size = group * x.shape[d] + x.indices()[d], size * x.shape[d]
    v = x.values()
    if not x._nnz():
        return x
    most = zeros(size, dtype=v.dtype).scatter_reduce(0, group, v.detach(), "amax", include_self=False)
    v = v - most[group]
    return x._like(v - zeros(size, dtype=v.dtype).index_add(0, group, v.exp()).log()[group])


def _convert_indices_from_coo_to_csr(input, size, *, out_int32=False):
    """Where each of `size` rows begins among sorted row numbers, and their number: [size + 1]."""
    import numpy as np

    starts = np.searchsorted(input.numpy(), np.arange(size + 1))
    return from_numpy(starts.astype(np.int32 if out_int32 else np.int64))


def _convert_indices_from_csr_to_coo(crow_indices, col_indices, *, out_int32=False, transpose=False):
    """Rows and columns of the entries of compressed rows, [2, entries]; columns first if transposed."""
    import numpy as np

    rows = np.repeat(np.arange(len(crow_indices) - 1), np.diff(crow_indices.numpy()))
    pair = (col_indices.numpy(), rows) if transpose else (rows, col_indices.numpy())
    return from_numpy(np.stack(pair).astype(np.int32 if out_int32 else np.int64))
