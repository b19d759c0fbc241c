"""Sparse tensors from coordinates, compressed rows and dense tensors."""

import operator

from .. import _core
from .._core import extend, set_hook
from ..device import check_device
from ..errors import ArgumentError, DimError, DTypeError, ShapeError
from ._sparse import COO, CSR, SparseTensor, sparse_matmul
from .creation import as_tensor


def _parts(op, indices, values, dtype, device):
    if device is not None:
        check_device(device)
    values = as_tensor(values) if dtype is None else as_tensor(values).to(dtype)
    indices = as_tensor(indices)
    if indices.dtype.is_floating_point or indices.dtype is _core.bool_:
        raise DTypeError(f"{op}: indices must be an int tensor, got {indices.dtype}")
    return indices.to(_core.int64), values


def sparse_coo_tensor(indices=None, values=None, size=None, *, dtype=None, device=None, requires_grad=False, check_invariants=None,
                      is_coalesced=None, **ignored):
    """A sparse tensor from the coordinates of its entries; values of one place add up.

    Args:
        indices: [dimensions, entries]
        values: [entries]
        size: the shape; None: the smallest that holds all entries
        dtype: of the values
        is_coalesced: True says that the entries are in order and none stands twice
    Returns: a SparseTensor
    Raises: ShapeError, DimError for a coordinate outside the shape, DTypeError

    >>> import udlfast as torch
    >>> torch.sparse_coo_tensor([[0, 0], [1, 1]], [1., 2.], (2, 2)).to_dense().tolist()
    [[0.0, 3.0], [0.0, 0.0]]

    Source: Saad 2003, section 3.4.
    """
    op = "sparse_coo_tensor"
    if values is None:  # sparse_coo_tensor(size)
        shape = tuple(indices) if indices is not None else tuple(size)
        return SparseTensor(_core.zeros(len(shape), 0, dtype=_core.int64), _core.zeros(0, dtype=dtype), shape, True)
    indices, values = _parts(op, indices, values, dtype, device)
    if values.ndim != 1 or indices.ndim != 2 or indices.shape[1] != values.shape[0]:
        raise ShapeError(f"{op}: expected indices [dimensions, entries] and values [entries], got {list(indices.shape)} and "
                         f"{list(values.shape)}; values that are tensors themselves are not supported")
    n = values.shape[0]
    reach = indices.max(1)[0].tolist() if n else [-1] * indices.shape[0]
    if size is None:
        size = [k + 1 for k in reach]
    if len(size) != indices.shape[0]:
        raise ShapeError(f"{op}: size {list(size)} has {len(size)} dimensions, the indices have {indices.shape[0]}")
    if n and (indices.min().item() < 0 or any(k >= s for k, s in zip(reach, size))):
        raise DimError(f"{op}: an index lies outside the size {list(size)}; the largest are {reach}")
    out = SparseTensor(indices, values, size, bool(is_coalesced))
    return out.requires_grad_() if requires_grad else out


def sparse_csr_tensor(crow_indices, col_indices, values, size=None, *, dtype=None, device=None, requires_grad=False,
                      check_invariants=None, **ignored):
    """A sparse matrix from compressed rows.

    Args:
        crow_indices: [rows + 1], where each row's entries begin, and their number
        col_indices, values: [entries]
        size: the shape; None: the smallest that holds all entries
    Returns: a SparseTensor
    Raises: as sparse_coo_tensor

    >>> import udlfast as torch
    >>> torch.sparse_csr_tensor([0, 1, 2], [1, 0], [5., 6.]).to_dense().tolist()
    [[0.0, 5.0], [6.0, 0.0]]

    Source: Saad 2003, section 3.4.
    """
    import numpy as np

    op = "sparse_csr_tensor"
    columns, values = _parts(op, col_indices, values, dtype, device)
    starts = _parts(op, crow_indices, values, None, None)[0]
    if starts.ndim != 1 or columns.ndim != 1 or starts.shape[0] < 1:
        raise ShapeError(f"{op}: expected crow_indices [rows + 1] and col_indices [entries], got {list(starts.shape)} and "
                         f"{list(columns.shape)}")
    counts = starts[1:] - starts[:-1]
    if starts[0].item() or starts[-1].item() != columns.shape[0] or (counts < 0).any().item():
        raise DimError(f"{op}: crow_indices must begin with 0, not decrease, and end with the {columns.shape[0]} entries")
    rows = _core.from_numpy(np.repeat(np.arange(len(counts)), counts.numpy()))
    size = (len(counts), int(columns.max().item()) + 1 if columns.shape[0] else 0) if size is None else size
    from .joining import stack
    return sparse_coo_tensor(stack([rows, columns]), values, size, requires_grad=requires_grad).to_sparse_csr()


def to_sparse(self, sparse_dim=None, *, layout=COO, **ignored):
    """The elements that are not zero, as a sparse tensor.

    >>> import udlfast as torch
    >>> torch.eye(2).to_sparse().values()
    tensor([1., 1.])
    """
    at = self.detach().nonzero().t().contiguous()
    out = SparseTensor(at, self[tuple(at)] if self.ndim else self.reshape(1), self.shape, True)
    return out.to_sparse_csr() if layout is CSR else out


def spmm(input, mat2):
    """The product of a sparse matrix and a dense one.

    >>> import udlfast as torch
    >>> torch.spmm(torch.eye(2).to_sparse(), torch.tensor([[1.], [2.]])).tolist()
    [[1.0], [2.0]]
    """
    return _core.matmul(input, mat2)


extend("to_sparse", to_sparse)
extend("to_sparse_coo", lambda self: to_sparse(self))
extend("to_sparse_csr", lambda self, dense_dim=None: to_sparse(self, layout=CSR))
extend("to_dense", lambda self, dtype=None, *, masked_grad=None: self if dtype is None else self.to(dtype))

def _binary(name, a, b):
    """torch.add(a, b) and its kin where one of them is sparse."""
    if name in ("add", "sub", "mul", "div"):
        return getattr(operator, "truediv" if name == "div" else name)(a, b)
    if name == "matmul":
        return sparse_matmul(a, b)
    raise ArgumentError(f"{name}: not supported for sparse tensors; use to_dense() first")


set_hook("sparse_binary", _binary)
