"""Sequences of different lengths: padded to one length, or packed so that no step is computed for nothing."""

from collections import namedtuple

from ... import _core, errors
from ..._core import Tensor
from ...ops.creation import tensor
from ...ops.joining import cat, stack

__all__ = ["PackedSequence", "pack_padded_sequence", "pad_packed_sequence", "pad_sequence", "unpad_sequence", "pack_sequence",
           "unpack_sequence", "invert_permutation"]

_Fields = namedtuple("PackedSequence", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


def _index(values):
    return tensor(list(values), dtype=_core.int64)


def invert_permutation(permutation):
    """The permutation that undoes one: result[permutation[i]] = i; None stays None.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1])).tolist()
        [1, 2, 0]
    """
    if permutation is None:
        return None
    out = [0] * permutation.numel()
    for i, p in enumerate(permutation.tolist()):
        out[p] = i
    return _index(out)


class PackedSequence(_Fields):
    """Sequences of different lengths, longest first, step after step: all first elements, then all second ones, ...

    Made by pack_padded_sequence and pack_sequence, read by the recurrent layers, undone by pad_packed_sequence.

    Arguments:
        data: [sum of the lengths, *].
        batch_sizes: [L] int64: how many sequences reach step t.
        sorted_indices: [N] int64 or None: the caller's number of sequence i of the batch sorted by length.
        unsorted_indices: [N] int64 or None: its inverse.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
        >>> p.data.tolist(), p.batch_sizes.tolist()
        ([1, 4, 2, 5, 3], [2, 2, 1])

    Source: the public names of PyTorch.
    """

    __slots__ = ()

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if batch_sizes is None:
            if not isinstance(data, (tuple, list)) or len(data) != 2:
                raise errors.ArgumentError("PackedSequence: expected data and batch_sizes; build one with pack_sequence or "
                                           "pack_padded_sequence")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _map(self, function):
        return type(self)(function(self.data), *self[1:])

    def to(self, *args, **kwargs):
        """The same with data.to(...)."""
        return self._map(lambda t: t.to(*args, **kwargs))

    def float(self):
        """The same in float32."""
        return self.to(_core.float32)

    def double(self):
        """The same in float64."""
        return self.to(_core.float64)

    def cpu(self):
        """The same: it is there already."""
        return self

    def pin_memory(self):
        """The same; accepted for compatibility."""
        return self

    @property
    def is_cuda(self):
        return False

    def is_pinned(self):
        """False."""
        return False


def _lengths(op, lengths, most=None):
    """A list of positive whole numbers."""
    lengths = lengths.tolist() if isinstance(lengths, Tensor) else [int(n) for n in lengths]
    if not lengths or min(lengths) < 1:
        raise errors.ArgumentError(f"{op}: every length must be at least 1, got {lengths[:20]}; leave empty sequences out")
    if most is not None and max(lengths) > most:
        raise errors.ShapeError(f"{op}: a length of {max(lengths)} is more than the {most} steps of the input")
    return lengths


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Pack a padded batch of sequences.

    Arguments:
        input: [L, N, *], or [N, L, *] if batch_first.
        lengths: [N] whole numbers from 1 to L, a tensor or a list.
        batch_first: which of the two first dimensions is the batch.
        enforce_sorted: whether the lengths must fall already; False sorts here.

    Example:
        >>> import udlfast as torch
        >>> from udlfast.nn.utils.rnn import pack_padded_sequence
        >>> p = pack_padded_sequence(torch.tensor([[1, 2, 0], [3, 4, 5]]), [2, 3], batch_first=True, enforce_sorted=False)
        >>> p.data.tolist(), p.batch_sizes.tolist(), p.sorted_indices.tolist()
        ([3, 1, 4, 2, 5], [2, 2, 1], [1, 0])

    Source: the public names of PyTorch.
    """
    op = "pack_padded_sequence"
    if input.dim() < 2:
        raise errors.ShapeError(f"{op}: expected input with steps and sequences as its first dimensions, got {list(input.shape)}")
    if batch_first:
        input = input.transpose(0, 1)
    lengths = _lengths(op, lengths, input.shape[0])
    if len(lengths) != input.shape[1]:
        raise errors.ShapeError(f"{op}: expected {input.shape[1]} lengths, one for each sequence of input, got {len(lengths)}")
    order = None
    if not enforce_sorted:
        order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
        lengths = [lengths[i] for i in order]
        order = _index(order)
        input = input.index_select(1, order)
    elif any(b > a for a, b in zip(lengths, lengths[1:], strict=False)):
        raise errors.ArgumentError(f"{op}: lengths must be sorted, longest first, got {lengths[:20]}; sort the batch, or pass "
                                   f"enforce_sorted=False")
    sizes, n = [], len(lengths)
    for t in range(lengths[0]):
        while lengths[n - 1] <= t:
            n -= 1
        sizes.append(n)
    data, t = [], 0
    while t < len(sizes):  # steps of one size in one piece
        end = t
        while end < len(sizes) and sizes[end] == sizes[t]:
            end += 1
        data.append(input[t:end, :sizes[t]].reshape((end - t) * sizes[t], *input.shape[2:]))
        t = end
    return PackedSequence(cat(data, 0), _index(sizes), order)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """Undo pack_padded_sequence: (padded sequences, their lengths).

    Arguments:
        sequence: a PackedSequence.
        batch_first: whether the result is [N, L, *] or [L, N, *].
        padding_value: what stands behind the end of a shorter sequence.
        total_length: L if it is to be more than the longest length.

    Example:
        >>> import udlfast as torch
        >>> from udlfast.nn.utils.rnn import pack_sequence, pad_packed_sequence
        >>> y, n = pad_packed_sequence(pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])]), batch_first=True)
        >>> y.tolist(), n.tolist()
        ([[1, 2, 3], [4, 5, 0]], [3, 2])

    Source: the public names of PyTorch.
    """
    op, (data, sizes, _, unsorted) = "pad_packed_sequence", sequence
    sizes = sizes.tolist()
    L, N = len(sizes), sizes[0]
    if total_length is not None:
        if total_length < L:
            raise errors.ArgumentError(f"{op}: total_length {total_length} is less than the longest length, {L}")
        L = total_length
    lengths = [0] * N
    for n in sizes:
        for b in range(n):
            lengths[b] += 1
    rest, where, first = tuple(data.shape[1:]), [sum(sizes)] * (L * N), 0
    for t, n in enumerate(sizes):  # the row of data that each place of the result takes; one row of padding behind them
        where[t * N:t * N + n] = range(first, first + n)
        first += n
    rows = cat([data, _core.full((1, *rest), padding_value, dtype=data.dtype)], 0)
    out = rows.index_select(0, _index(where)).reshape(L, N, *rest)
    lengths = _index(lengths)
    if unsorted is not None:
        out, lengths = out.index_select(1, unsorted), lengths.index_select(0, unsorted)
    return out.transpose(0, 1) if batch_first else out, lengths


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stack sequences of different lengths, padded to the longest.

    Arguments:
        sequences: tensors [length, *] that differ in length only.
        batch_first: whether the result is [N, L, *] or [L, N, *].
        padding_value: what stands beside a shorter sequence, on its padding_side, "right" or "left".

    Example:
        >>> import udlfast as torch
        >>> torch.nn.utils.rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True).tolist()
        [[1, 2], [3, 0]]

    Source: the public names of PyTorch.
    """
    op = "pad_sequence"
    if isinstance(sequences, Tensor):
        sequences = list(sequences)
    sequences = list(sequences)
    if not sequences or not all(isinstance(s, Tensor) and s.dim() for s in sequences):
        raise errors.ArgumentError(f"{op}: expected a list with at least one tensor of at least one dimension")
    if padding_side not in ("right", "left"):
        raise errors.ArgumentError(f'{op}: padding_side must be "right" or "left", got {padding_side!r}')
    rest, L = tuple(sequences[0].shape[1:]), max(s.shape[0] for s in sequences)
    padded = []
    for i, s in enumerate(sequences):
        if tuple(s.shape[1:]) != rest:
            raise errors.ShapeError(f"{op}: sequences may differ in length only; number 0 has shape "
                                    f"{list(sequences[0].shape)}, number {i} {list(s.shape)}")
        if s.shape[0] < L:
            fill = _core.full((L - s.shape[0], *rest), padding_value, dtype=s.dtype)
            s = cat([s, fill] if padding_side == "right" else [fill, s], 0)
        padded.append(s)
    return stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences of a padded batch, each in its own length.

    Arguments:
        padded_sequences: [L, N, *], or [N, L, *] if batch_first.
        lengths: [N].

    Example:
        >>> import udlfast as torch
        >>> [s.tolist() for s in torch.nn.utils.rnn.unpad_sequence(torch.tensor([[1, 2], [3, 0]]), [2, 1], batch_first=True)]
        [[1, 2], [3]]

    Source: the public names of PyTorch.
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    lengths = lengths.tolist() if isinstance(lengths, Tensor) else [int(n) for n in lengths]
    return [s[:n] for s, n in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack sequences of different lengths [length, *].

    Arguments:
        sequences: tensors that differ in length only.
        enforce_sorted: whether they must come longest first; False sorts here.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).data.tolist()
        [1, 3, 2]

    Source: the public names of PyTorch.
    """
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """Undo pack_sequence: the list of sequences.

    Example:
        >>> import udlfast as torch
        >>> from udlfast.nn.utils.rnn import pack_sequence, unpack_sequence
        >>> [s.tolist() for s in unpack_sequence(pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]))]
        [[1, 2], [3]]

    Source: the public names of PyTorch.
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
