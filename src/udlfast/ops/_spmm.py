"""Products with sparse matrices and softmax over segments: the message passing of networks on graphs."""
from .._core import (
    K_segment_softmax,
    K_segment_softmax_backward,
    K_spmm,
    K_spmm_values,
    attach,
    call,
    empty,
    empty_like,
    from_numpy,
    is_grad_enabled,
)
from ..errors import ArgumentError, ShapeError
from ._common import floating, once, same_type


def compress(row, column, n):
    """(crow, column in the order of rows, order or None where it is that already) of int64 arrays; equal rows keep their order."""
    import numpy as np
    crow = np.concatenate([[0], np.bincount(row, minlength=n).cumsum()]).astype(np.int64)
    if (row[1:] >= row[:-1]).all():
        return crow, column, None
    order = np.argsort((row & 0xFFFF).astype(np.uint16), kind="stable")  # two passes of a radix sort: rows are below 2^32
    if n > 1 << 16:
        order = order[np.argsort((row >> 16).astype(np.uint16)[order], kind="stable")]
    return crow, column[order], order


class Rows:
    """Where the entries of a sparse matrix [rows, columns] stand: row and column int64 [entries], in any order, never changed.

    `forward` and `transposed` are (crow, col, order), made when first asked for and kept; order None means that the entries are in order.
    """

    def __init__(self, rows, columns, row, column, made=None, flipped=0):
        if rows >= 1 << 32 or columns >= 1 << 32:
            raise ArgumentError(f"spmm: expected fewer than 2^32 rows and columns, got {rows} and {columns}")
        self.rows, self.columns, self.row, self.column = rows, columns, row, column
        self._made, self._flipped = [None, None] if made is None else made, flipped  # shared with the transposed matrix

    def _get(self, k, row, column, n):
        k ^= self._flipped
        if self._made[k] is None:
            self._made[k] = tuple(None if p is None else from_numpy(p) for p in compress(row.numpy(), column.numpy(), n))
        return self._made[k]

    forward = property(lambda self: self._get(0, self.row, self.column, self.rows))
    transposed = property(lambda self: self._get(1, self.column, self.row, self.columns))

    def t(self):
        """Those of the transposed matrix; what is made for one is there for the other."""
        return Rows(self.columns, self.rows, self.column, self.row, self._made, 1 - self._flipped)


def spmm_rows(rows, v, x):
    """The product of a sparse matrix and a dense one, for H heads side by side.

    y[r, h, :] = sum over the entries e of row r of v[e, h] x[column[e], h, :]

    Args:
        rows: a Rows
        v: [entries, H], or None for ones
        x: [columns, H, D]
    Returns: [rows, H, D]
    Raises: ShapeError, DTypeError, DimError for a column outside the matrix

    >>> import udlfast as torch
    >>> from udlfast.ops._spmm import Rows, spmm_rows
    >>> rows = Rows(2, 2, torch.tensor([0, 1, 1]), torch.tensor([1, 0, 1]))
    >>> spmm_rows(rows, None, torch.tensor([[[1.]], [[10.]]])).flatten().tolist()
    [10.0, 11.0]

    Source: Understanding Deep Learning, section 13.4; Saad 2003, section 3.4.
    """
    op = "spmm"
    floating(op, x)
    entries = rows.row.shape[0]
    if x.ndim != 3 or x.shape[0] != rows.columns or (v is not None and tuple(v.shape) != (entries, x.shape[1])):
        raise ShapeError(f"{op}: expected x [{rows.columns}, H, D] and values [{entries}, H], got {list(x.shape)} and "
                         f"{None if v is None else list(v.shape)}")
    if v is not None:
        same_type(op, x, v, "values")
        v = v.contiguous()
    x = x.contiguous()
    H, D = x.shape[1:]
    y = empty((rows.rows, H, D), x.dtype)
    call(K_spmm, (y, x, v, *rows.forward), (x.dtype.code, rows.rows, rows.columns, entries, H, D), ())
    return attach(y, (v, x), spmm_backward, saved=(v, x), args=(rows,))


def spmm_backward(node, g):
    """gv[e, h] = g[r, h] . x[c, h] at the entry (r, c), gx = A^T g"""
    (v, x), (rows,) = node.saved, node.args
    g = g.contiguous()
    gv = None
    if node.needs(0) and is_grad_enabled():  # under create_graph the rule itself goes on the tape
        gv = (g.index_select(0, rows.row) * x.index_select(0, rows.column)).sum(2)
    elif node.needs(0):
        gv = empty_like(v)
        call(K_spmm_values, (gv, g, x, *rows.forward), (x.dtype.code, rows.rows, rows.columns, rows.row.shape[0], *x.shape[1:]), ())
    return gv, spmm_rows(rows.t(), v, g) if node.needs(1) else None


def segment_softmax(input, crow):
    """Softmax over each segment of rows, down every column.

    y[e, i] = exp(x[e, i]) / sum of exp(x[f, i]) over crow[r] <= f < crow[r + 1], the segment of e

    Args:
        input: [entries, inner]
        crow: int64 [segments + 1], rising from 0 to entries
    Returns: [entries, inner]
    Raises: ShapeError, DTypeError, DimError for segments outside the input

    >>> import udlfast as torch
    >>> from udlfast.ops._spmm import segment_softmax
    >>> segment_softmax(torch.zeros(3, 1), torch.tensor([0, 1, 3])).flatten().tolist()
    [1.0, 0.5, 0.5]

    Source: Understanding Deep Learning, section 13.9.
    """
    op = "segment_softmax"
    floating(op, input)
    if input.ndim != 2 or crow.ndim != 1 or crow.shape[0] < 1:
        raise ShapeError(f"{op}: expected input [entries, inner] and crow [segments + 1], got {list(input.shape)} and {list(crow.shape)}")
    x, crow = input.contiguous(), crow.contiguous()
    y = empty_like(x)
    if int(crow[0]) != 0 or int(crow[-1]) != x.shape[0]:
        raise ArgumentError(f"{op}: crow must go from 0 to the {x.shape[0]} entries, got {int(crow[0])} to {int(crow[-1])}")
    call(K_segment_softmax, (y, x, crow), (x.dtype.code, crow.shape[0] - 1, *x.shape), ())
    return attach(y, (x,), segment_softmax_backward, saved=(y, crow))


def segment_softmax_backward(node, g):
    """gx = y (g - sum over the segment of g y)"""
    y, crow = node.saved
    g = g.contiguous()
    gx = empty_like(y)
    call(K_segment_softmax_backward, (gx, g, y, crow), (y.dtype.code, crow.shape[0] - 1, *y.shape), ())
    return once("segment_softmax", gx, g, y),
