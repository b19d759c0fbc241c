"""Sparse tensors as coordinates and values: what networks on graphs need, written in operations that have gradients.

The core knows dense tensors only. A product with a dense matrix gathers rows and adds them up in the order of the entries, so it has
the same bits on any number of threads; gradients reach the values and the dense operand.
"""

import math

from .. import _core
from .._core import Tensor
from ..errors import ArgumentError, DimError, DTypeError, ShapeError
from ..layout import sparse_coo as COO
from ..layout import sparse_csr as CSR
from ..size import Size
from ._common import axis_of


class SparseTensor:
    """Entries of a tensor, all others zero: indices int64 [dimensions, entries], values [entries].

    It knows products with dense matrices, sums, scalings, transposition and conversions. What is not here can be had from
    indices(), values() and to_dense().

    >>> import udlfast as torch
    >>> a = torch.sparse_coo_tensor([[0, 1], [1, 0]], [2., 3.], (2, 2))
    >>> a @ torch.ones(2, 1)
    tensor([[2.],
            [3.]])
    """

    is_sparse, is_cuda, is_quantized, is_leaf = True, False, False, True
    dtype = property(lambda self: self._v.dtype)
    device = property(lambda self: self._v.device)
    requires_grad = property(lambda self: self._v.requires_grad)
    grad_fn = property(lambda self: self._v.grad_fn)
    is_sparse_csr = property(lambda self: self.layout is CSR)
    ndim = property(lambda self: len(self.shape))
    T = property(lambda self: self.t())

    def __init__(self, indices, values, shape, coalesced=False, layout=COO, rows=None):
        self._i, self._v, self.shape, self._coalesced, self.layout = indices, values, Size(shape), coalesced, layout
        self._kept = rows  # (a Rows, the version of the indices it was made of)

    # questions
    def size(self, dim=None):
        """The shape, or one size of it."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self):
        """The number of dimensions."""
        return len(self.shape)

    sparse_dim = dim

    def dense_dim(self):
        """0: every entry is a number."""
        return 0

    def numel(self):
        """The number of elements, zeros included."""
        return math.prod(self.shape)

    def is_coalesced(self):
        """Whether the entries are in order and none stands twice."""
        return self._coalesced

    def is_floating_point(self):
        """Whether the values are floating-point numbers."""
        return self.dtype.is_floating_point

    def _nnz(self):
        return self._v.shape[0]

    def _indices(self):
        return self._i

    def _values(self):
        return self._v

    def indices(self):
        """int64 [dimensions, entries] of a coalesced tensor."""
        return self._ordered("indices")._i

    def values(self):
        """[entries] of a coalesced tensor."""
        return self._ordered("values")._v

    def crow_indices(self):
        """Where each row's entries begin, and their number: int64 [rows + 1]."""
        import numpy as np
        rows = self._matrix("crow_indices").coalesce()._i[0].numpy()
        return _core.from_numpy(np.searchsorted(rows, np.arange(self.shape[0] + 1)).astype(np.int64))

    def col_indices(self):
        """The columns of the entries, row by row."""
        return self._matrix("col_indices").coalesce()._i[1]

    def _ordered(self, op):
        if not self._coalesced:
            raise ArgumentError(f"Cannot get {op} on an uncoalesced tensor, please call .coalesce() first")
        return self

    def _matrix(self, op):
        if len(self.shape) != 2:
            raise ShapeError(f"{op}: expected a sparse matrix, got shape {list(self.shape)}")
        return self

    # other forms of the same numbers
    def _like(self, values, coalesced=None):
        return SparseTensor(self._i, values, self.shape, self._coalesced if coalesced is None else coalesced, self.layout, self._kept)

    def _rows(self):
        """Where the entries of this matrix stand, as products want it; kept until the indices change."""
        if self._kept is None or self._kept[1] != self._i._version:
            from ._spmm import Rows
            self._kept = Rows(*self.shape, self._i[0].clone(), self._i[1].clone()), self._i._version
        return self._kept[0]

    def _flat(self):
        """The place of each entry in the flattened dense tensor."""
        at = _core.zeros(self._nnz(), dtype=_core.int64)
        for n, row in zip(self.shape, self._i):
            at = at * n + row
        return at

    def coalesce(self):
        """The same tensor with its entries in order, those of one place added up."""
        if self._coalesced:
            return self
        import numpy as np
        at, group = np.unique(self._flat().numpy(), return_inverse=True)
        values = _core.zeros(len(at), dtype=self.dtype).index_add(0, _core.from_numpy(group.reshape(-1).astype(np.int64)), self._v)
        indices = np.stack(np.unravel_index(at, tuple(self.shape))) if self.shape else np.zeros((0, len(at)), np.int64)
        return SparseTensor(_core.from_numpy(np.ascontiguousarray(indices, np.int64)), values, self.shape, True, self.layout)

    def to_dense(self, dtype=None):
        """The dense tensor."""
        flat = _core.zeros(self.numel(), dtype=self.dtype).index_add(0, self._flat(), self._v)
        dense = flat.reshape(tuple(self.shape))
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, sparse_dim=None, *, layout=COO):
        """This tensor, or with layout=torch.sparse_csr that of compressed rows."""
        return self.to_sparse_csr() if layout is CSR else self.to_sparse_coo()

    def to_sparse_coo(self):
        """Coordinates."""
        return SparseTensor(self._i, self._v, self.shape, self._coalesced)

    def to_sparse_csr(self):
        """Compressed rows: coordinates in order that say so."""
        ordered = self._matrix("to_sparse_csr").coalesce()
        return SparseTensor(ordered._i, ordered._v, self.shape, True, CSR)

    def to(self, *args, **kwargs):
        """Another element type (or the CPU)."""
        return self._like(self._v.to(*args, **kwargs))

    def float(self):
        """float32 values."""
        return self.to(_core.float32)

    def double(self):
        """float64 values."""
        return self.to(_core.float64)

    def cpu(self):
        """This tensor."""
        return self

    def clone(self):
        """A copy."""
        return SparseTensor(self._i.clone(), self._v.clone(), self.shape, self._coalesced, self.layout)

    def detach(self):
        """The same entries without history."""
        return self._like(self._v.detach())

    def requires_grad_(self, requires_grad=True):
        """Gradients for the values."""
        self._v.requires_grad_(requires_grad)
        return self

    def transpose(self, dim0, dim1):
        """Two dimensions exchanged."""
        n = len(self.shape)
        if not (-n <= dim0 < n and -n <= dim1 < n):
            raise DimError(f"transpose: dimensions {dim0} and {dim1} of a sparse tensor of shape {list(self.shape)}")
        order = list(range(n))
        order[dim0], order[dim1] = order[dim1], order[dim0]
        rows = (self._rows().t(), self._i._version) if n == 2 and order == [1, 0] else None
        out = SparseTensor(self._i[order], self._v, [self.shape[d] for d in order], dim0 % n == dim1 % n and self._coalesced)
        out._kept = rows and (rows[0], out._i._version)
        return out

    def t(self):
        """The transposed matrix."""
        return self._matrix("t").transpose(0, 1)

    # arithmetic
    def __neg__(self):
        return self._like(-self._v)

    def __mul__(self, other):
        if isinstance(other, SparseTensor):
            raise ArgumentError("mul: products of two sparse tensors are not supported; use to_dense() for one of them")
        if isinstance(other, Tensor) and other.ndim:
            other = other.expand(tuple(self.shape)).reshape(-1).index_select(0, self._flat())
        return self._like(self._v * other)

    __rmul__ = mul = __mul__

    def __truediv__(self, other):
        if isinstance(other, SparseTensor) or (isinstance(other, Tensor) and other.ndim):
            raise ArgumentError("div: a sparse tensor can be divided by numbers only")
        return self._like(self._v / other)

    div = __truediv__

    def __add__(self, other):
        if not isinstance(other, SparseTensor):
            raise ArgumentError("add(sparse, dense) is not supported. Use add(dense, sparse) instead.")
        if other.shape != self.shape:
            raise ShapeError(f"add: expected sparse tensors of one shape, got {list(self.shape)} and {list(other.shape)}")
        from .joining import cat
        kind = _core.promote_types(self.dtype, other.dtype)
        return SparseTensor(cat([self._i, other._i], 1), cat([self._v.to(kind), other._v.to(kind)]), self.shape).coalesce()

    add = __add__

    def __sub__(self, other):
        return self + -other

    def __radd__(self, other):
        return other + self.to_dense()

    def __rsub__(self, other):
        return other - self.to_dense()

    def sum(self, dim=None, dtype=None):
        """The sum of all values, or over some dimensions, as a sparse tensor."""
        values = self._v if dtype is None else self._v.to(dtype)
        n = len(self.shape)
        dims = range(n) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
        gone = {axis_of("sparse.sum", d, n) for d in dims}
        if len(gone) == n:
            return values.sum()
        kept = [d for d in range(n) if d not in gone]
        return SparseTensor(self._i[kept], values, [self.shape[d] for d in kept]).coalesce()

    def matmul(self, other):
        """The product with a dense matrix or vector (dense), or with a sparse matrix (sparse)."""
        return sparse_matmul(self, other)

    __matmul__ = mm = matmul

    def __rmatmul__(self, other):
        return sparse_matmul(other, self)

    def __repr__(self):
        def lines(title, text):
            return title + str(text).replace("\n", "\n" + " " * (7 + len(title)))
        body = [lines("indices=", self._i), lines("values=", self._v)]
        if self.layout is CSR:
            body = [lines("crow_indices=", self.crow_indices()), lines("col_indices=", self._i[1]), body[1]]
        kind = "" if self.dtype in (_core.get_default_dtype(), _core.int64, _core.bool_) else f", dtype={self.dtype}"
        body.append(f"size={tuple(self.shape)}, nnz={self._nnz()}{kind}, layout={self.layout}")
        return "tensor(" + ",\n       ".join(body) + ")"


def sparse_matmul(a, b):
    """A B where at least one is sparse: y[r] += v X[c] over the entries (r, c, v)."""
    if isinstance(a, SparseTensor) and isinstance(b, SparseTensor):
        from .sparse_tensors import to_sparse
        return to_sparse(sparse_matmul(a, b.to_dense()))
    if isinstance(b, SparseTensor):
        return sparse_matmul(b.t(), a.transpose(-2, -1) if a.ndim > 1 else a).transpose(-2, -1) if a.ndim > 1 else sparse_matmul(b.t(), a)
    x = b.unsqueeze(1) if b.ndim == 1 else b
    if len(a.shape) != 2 or x.ndim != 2 or a.shape[1] != x.shape[0]:
        raise ShapeError(f"matmul: expected a sparse matrix [N, K] and a dense one [K, M], got {list(a.shape)} and {list(b.shape)}")
    if a.dtype is not x.dtype:
        raise DTypeError(f"matmul: expected operands of one type, got {a.dtype} and {x.dtype}; convert one with .to()")
    if x.dtype in (_core.float32, _core.float64):
        from ._spmm import spmm_rows
        y = spmm_rows(a._rows(), a._v.unsqueeze(1), x.unsqueeze(1)).squeeze(1)
        return y.squeeze(1) if b.ndim == 1 else y
    rows, columns = a._i[0], a._i[1]
    y = _core.zeros(a.shape[0], x.shape[1], dtype=x.dtype).index_add(0, rows, x.index_select(0, columns) * a._v.unsqueeze(1))
    return y.squeeze(1) if b.ndim == 1 else y
