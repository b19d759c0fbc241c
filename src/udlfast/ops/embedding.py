"""Rows of a table by number, and numbers as one-hot rows."""
from .. import _core
from .._core import K_index_add, K_index_select, Tensor, attach, call, empty, float32, no_grad, zeros
from ..errors import ArgumentError, CheckError, DimError, DTypeError, ShapeError
from ._common import floating, in_range, index_tensor, whole
from .elementwise import where

NO_SKIP = -(2**63)  # tells the index_add kernel to leave out no row


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` whose numbers stand in `input`.

    y[..., :] = weight[input[...], :]; the gradient of a row is the sum of those of its copies

    Args:
        input: row numbers, any shape, int64 or int32
        weight: [V, D], floating point
        padding_idx: a row whose gradient stays zero; negative counts from the end
        max_norm: scale rows in use with a larger norm_type-norm down to it, in place, first
        norm_type: which norm
        scale_grad_by_freq: divide the gradient of a row by how often it occurs in input
        sparse: not supported
    Returns: [*input.shape, D]
    Raises: DimError for a number outside 0..V-1, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.embedding(torch.tensor([2, 0]), torch.tensor([[1.], [2.], [3.]])).tolist()
    [[3.0], [1.0]]

    Source: Understanding Deep Learning, section 12.5.
    """
    op = "embedding"
    floating(op, weight, "weight")
    index = index_tensor(op, input, "input")
    if weight.ndim != 2:
        raise ShapeError(f"{op}: expected weight [rows, features], got {list(weight.shape)}")
    if sparse:
        raise ArgumentError(f"{op}: sparse gradients are not supported; leave sparse=False")
    V, D = weight.shape
    if padding_idx is not None:
        if not -V <= whole(op, "padding_idx", padding_idx, -V) < V:
            raise CheckError(f"{op}: padding_idx must lie in [{-V}, {V}), the rows of weight, got {padding_idx}")
        padding_idx %= max(V, 1)
    try:
        in_range(op, index, 0, V, "input")
    except DimError as e:
        raise DimError(f"{e}, the rows of weight {[V, D]}; is num_embeddings large enough?") from None
    if max_norm is not None:
        _renormalize(weight, index, max_norm, norm_type)
    return _rows(weight, index.contiguous(), NO_SKIP if padding_idx is None else padding_idx, scale_grad_by_freq)


def _rows(weight, index, skip, by_frequency):
    V, D = weight.shape
    table = weight.contiguous()
    y = empty((*index.shape, D), table.dtype)
    call(K_index_select, (y, table, index), (table.dtype.itemsize, 1, V, D, index.numel(), 0), ())
    return attach(y, (table,), embedding_backward, saved=(index,), args=(V, D, skip, by_frequency))


def embedding_backward(node, g):
    """gw[v] = sum of g[i] over the places i with input[i] = v, but 0 for v = padding_idx"""
    index, (V, D, skip, by_frequency) = node.saved[0], node.args
    if by_frequency:
        g = g / _counts(index, V)[index.reshape(-1)].reshape(*index.shape, 1).to(g.dtype)
    if g.dtype.narrow:
        return _add_rows(g.to(float32), index, V, D, skip).to(g.dtype),
    return _add_rows(g, index, V, D, skip),


def _add_rows(g, index, V, D, skip):
    g = g.contiguous()
    gw = zeros((V, D), dtype=g.dtype)
    call(K_index_add, (gw, g, index), (g.dtype.code, 1, V, D, index.numel(), skip), ())
    return attach(gw, (g,), _add_rows_backward, saved=(index,), args=(skip,))


def _add_rows_backward(node, gg):
    index, skip = node.saved[0], node.args[0]
    picked = _rows(gg, index, NO_SKIP, False)
    return picked if skip == NO_SKIP else picked * (index != skip).to(gg.dtype).unsqueeze(-1),


def _counts(index, V):
    """How often each of 0..V-1 occurs."""
    counts = zeros((V,), dtype=_core.int64)
    ones = _core.ones((index.numel(),), dtype=_core.int64)
    call(K_index_add, (counts, ones, index), (ones.dtype.code, 1, V, 1, index.numel(), NO_SKIP), ())
    return counts


def _renormalize(weight, index, max_norm, norm_type):
    """Scale the rows in use to a norm of at most max_norm, in place and outside the tape."""
    with no_grad():
        used = (_counts(index.contiguous(), weight.shape[0]) > 0).unsqueeze(1)
        wide = weight.detach().to(float32) if weight.dtype.narrow else weight.detach()
        norm = wide.abs().pow(float(norm_type)).sum(1, True).pow(1.0 / norm_type)
        too_long = used & (norm > max_norm)
        weight.detach().copy_(where(too_long, wide * (max_norm / (norm + 1e-7)), wide))


def one_hot(tensor, num_classes=-1):
    """A 1 at the place each number names, 0 elsewhere.

    y[..., c] = 1 if tensor[...] = c, else 0

    Args:
        tensor: class numbers, any shape, int64
        num_classes: C; -1 = the largest number plus one
    Returns: [*tensor.shape, C], int64
    Raises: DimError for a number outside 0..C-1, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.one_hot(torch.tensor([1, 0]), 3).tolist()
    [[0, 1, 0], [1, 0, 0]]

    Source: Understanding Deep Learning, section 12.5.
    """
    op = "one_hot"
    if not isinstance(tensor, Tensor):
        raise DTypeError(f"{op}: expected a Tensor, got {type(tensor).__name__}")
    index = index_tensor(op, tensor, "tensor")
    num_classes = whole(op, "num_classes", num_classes, -1)
    if num_classes < 1:
        if index.numel() == 0:
            raise ArgumentError(f"{op}: num_classes must be given (and positive) for a tensor without elements")
        if num_classes == 0:
            raise ArgumentError(f"{op}: num_classes must be positive, or -1 to take it from the largest number")
        num_classes = index.max().item() + 1
    out = _core.zeros((*index.shape, num_classes), dtype=_core.int64)
    places = index.contiguous().unsqueeze(-1)
    try:
        _core.place_along(out, index.ndim, places, _core.ones(places.shape, dtype=_core.int64), False, True)
    except IndexError:
        in_range(op, index, 0, max(num_classes, 1), "tensor")
        raise
    return out
