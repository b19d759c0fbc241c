"""Sums, means or maxima of rows of a table, bag by bag."""
from .. import _core
from .._core import K_spmm, attach, call, empty, from_numpy, zeros
from ..errors import ArgumentError, DimError, ShapeError
from ._common import floating, in_range, index_tensor, same_type, whole
from .embedding import NO_SKIP, _add_rows, embedding
from .joining import cat


def embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
                  per_sample_weights=None, include_last_offset=False, padding_idx=None):
    """The rows of `weight` whose numbers stand in a bag, added, averaged, or their maxima.

    y[b, :] = sum (mean, max) over the numbers i of bag b of w_i weight[i, :], 0 for an empty bag

    Args:
        input: row numbers, [B, L] for bags of one length, or [n], all bags one after the other
        weight: [V, D], floating point
        offsets: [B], where each bag begins in an input [n]; the first is 0
        max_norm, norm_type, scale_grad_by_freq, sparse: as in embedding
        mode: "sum", "mean" or "max"
        per_sample_weights: w, the shape of input, for "sum" only; None: 1
        include_last_offset: offsets has one more element, the end of the last bag
        padding_idx: a row that counts in no bag; negative counts from the end
    Returns: [B, D]
    Raises: DimError for a number outside 0..V-1, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> table = torch.tensor([[1.], [2.], [4.]])
    >>> torch.nn.functional.embedding_bag(torch.tensor([0, 1, 2]), table, torch.tensor([0, 2]), mode="sum").tolist()
    [[3.0], [4.0]]

    Source: Joulin et al. 2016 (bags of words); Understanding Deep Learning, section 12.5.
    """
    op = "embedding_bag"
    floating(op, weight, "weight")
    index = index_tensor(op, input, "input")
    _check(op, index, weight, offsets, mode, scale_grad_by_freq, sparse, per_sample_weights)
    lengths = _lengths(op, index, offsets, include_last_offset)
    index = index.reshape(-1)
    if padding_idx is not None:
        padding_idx = whole(op, "padding_idx", padding_idx, -weight.shape[0], weight.shape[0] - 1) % weight.shape[0]
    if mode != "max" and padding_idx is None and per_sample_weights is None and max_norm is None and not scale_grad_by_freq \
            and not weight.dtype.narrow and not weight.is_cuda:
        y = _sums(op, index, weight, lengths)
        return y if mode == "sum" else y / _counts(lengths, y.dtype)
    rows = embedding(index, weight, None, max_norm, norm_type, scale_grad_by_freq)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    keep = None if padding_idx is None else index != padding_idx
    reduce = _maximum if mode == "max" else _total
    return reduce(rows, lengths, keep, mode)


def _sums(op, index, weight, lengths):
    """Sum of each bag, in the order of its numbers: the bags are rows of a sparse matrix of ones, and no row of the table is copied."""
    import numpy as np
    (V, D), crow = weight.shape, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    in_range(op, index, 0, V, "input")
    table, index = weight.contiguous(), index.narrow(0, 0, int(crow[-1])).contiguous()
    y = empty((len(lengths), D), table.dtype)
    if y.numel():
        call(K_spmm, (y, table, None, from_numpy(crow), index, None), (table.dtype.code, len(lengths), V, index.numel(), 1, D), ())
    return attach(y, (table,), embedding_bag_backward, saved=(index,), args=(V, lengths))


def embedding_bag_backward(node, g):
    """gw[v] = sum of g[b] over all places with number v, b the bag of the place"""
    import numpy as np
    index, (V, lengths) = node.saved[0], node.args
    bag = from_numpy(np.repeat(np.arange(len(lengths)), lengths))
    return _add_rows(g.index_select(0, bag), index, V, g.shape[1], NO_SKIP),


def _counts(lengths, dtype):
    import numpy as np
    return from_numpy(np.maximum(lengths, 1).astype(np.float64)).to(dtype).unsqueeze(1)


def _check(op, index, weight, offsets, mode, by_frequency, sparse, weights):
    if weight.ndim != 2:
        raise ShapeError(f"{op}: weight has to be a 2D Tensor [rows, features], got {list(weight.shape)}")
    if index.ndim == 2 and offsets is not None:
        raise ArgumentError(f"{op}: if input is 2D, then offsets has to be None, as input is a batch of bags of one length")
    if index.ndim == 1 and (offsets is None or offsets.ndim != 1):
        raise ShapeError(f"{op}: offsets has to be a 1D Tensor for input {list(index.shape)}, "
                         f"got {None if offsets is None else list(offsets.shape)}")
    if index.ndim not in (1, 2):
        raise ShapeError(f"{op}: input has to be 1D or 2D Tensor, got {list(index.shape)}")
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError(f"{op}: mode has to be one of sum, mean or max, got {mode!r}")
    if sparse or (mode == "max" and by_frequency):
        raise ArgumentError(f"{op}: sparse gradients, and scale_grad_by_freq with mode max, are not supported")
    if weights is not None:
        same_type(op, weight, weights, "per_sample_weights", "weight")
        if tuple(weights.shape) != tuple(index.shape):
            raise ShapeError(f"{op}: per_sample_weights {list(weights.shape)} must have the shape of input {list(index.shape)}")
        if mode != "sum":
            raise NotImplementedError(f"{op}: per_sample_weights is only supported for mode='sum' (got mode='{mode}')")


def _lengths(op, index, offsets, include_last):
    """NumPy int64 [B]: how many numbers each bag has"""
    import numpy as np
    if offsets is None:
        return np.full(index.shape[0], index.shape[1], np.int64)
    starts, n = index_tensor(op, offsets, "offsets").detach().numpy(), index.shape[0]
    if include_last and not len(starts):
        raise ArgumentError(f"{op}: include_last_offset needs at least one offset")
    if len(starts) and starts[0]:
        raise DimError(f"{op}: offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0, "
                       f"got {starts[0]}")
    if len(starts) and starts[-1] > n:
        raise DimError(f"{op}: offsets[-1] can not be greater than input's length {n}, got {starts[-1]}")
    lengths = np.diff(starts) if include_last else np.diff(starts, append=n)
    if (lengths < 0).any():
        raise DimError(f"{op}: offsets must not decrease, got {starts.tolist()}")
    return lengths


def _total(rows, lengths, keep, mode):
    """Sum or mean of each bag."""
    import numpy as np
    B, D = len(lengths), rows.shape[1]
    rows = rows[:int(lengths.sum())]
    bag = from_numpy(np.repeat(np.arange(B), lengths))
    if keep is not None:
        keep = keep[:len(bag)]
        rows, bag = rows[keep], bag[keep]
    if keep is None and B and (lengths == lengths[0]).all():
        y = rows.reshape(B, int(lengths[0]), D).sum(1)
    else:
        y = zeros((B, D), dtype=rows.dtype).index_add(0, bag, rows)
    if mode == "mean":
        y = y / _counts(np.bincount(bag.numpy(), minlength=B), rows.dtype)
    return y


def _maximum(rows, lengths, keep, mode):
    """Maximum of each bag: the bags side by side, filled up with a row of -inf; an empty one gives 0."""
    import numpy as np
    B, n = len(lengths), rows.shape[0]
    starts = np.cumsum(lengths) - lengths
    at = np.arange(max(1, int(lengths.max(initial=0))))
    place = np.where(at < lengths[:, None], starts[:, None] + at, n)
    if keep is not None:
        place = np.where(np.append(keep.numpy(), True)[place], place, n)
    floor = _core.full((1, rows.shape[1]), float("-inf"), dtype=rows.dtype)
    y = cat([rows, floor]).index_select(0, from_numpy(place.reshape(-1))).reshape(B, len(at), rows.shape[1]).max(1)[0]
    filled = from_numpy((place < n).any(1))
    from .elementwise import where
    return where(filled.unsqueeze(1), y, 0.0)
