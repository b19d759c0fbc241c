"""Packed and padded sequences: against PyTorch, gradients, errors."""

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
from udlfast import nn
from udlfast.nn.utils import rnn as packing


def test_packing_and_padding_against_torch(rng):
    other = pytest.importorskip("torch")
    theirs = other.nn.utils.rnn
    for lengths, shape in (([4, 2, 2, 1], (3,)), ([1, 5, 3], ()), ([2], (2, 2)), ([3, 3], (1,))):
        seqs = [rng.standard_normal((n, *shape)) for n in lengths]
        a, b = [torch.tensor(s) for s in seqs], [other.tensor(s) for s in seqs]
        in_order = lengths == sorted(lengths, reverse=True)
        for first in (False, True):
            for side in ("right", "left"):
                want = theirs.pad_sequence(b, first, -1.0, side)
                assert np.array_equal(numbers(packing.pad_sequence(a, first, -1.0, side)), want.numpy())
            p, q = packing.pack_sequence(a, in_order), theirs.pack_sequence(b, in_order)
            assert np.array_equal(numbers(p.data), q.data.numpy()) and p.batch_sizes.tolist() == q.batch_sizes.tolist()
            assert (p.sorted_indices is None) == (q.sorted_indices is None)
            if p.sorted_indices is not None:
                assert sorted(p.sorted_indices.tolist()) == list(range(len(lengths)))
                assert p.unsorted_indices.tolist() == packing.invert_permutation(p.sorted_indices).tolist()
            for total in (None, 7):
                (y, n), (z, m) = packing.pad_packed_sequence(p, first, 9.0, total), theirs.pad_packed_sequence(q, first, 9.0, total)
                assert np.array_equal(numbers(y), z.numpy()) and n.tolist() == m.tolist() == lengths
            back = packing.unpad_sequence(packing.pad_sequence(a, first), lengths, first)
            assert all(np.array_equal(numbers(s), t) for s, t in zip(back, seqs, strict=True))
        assert all(np.array_equal(numbers(s), t) for s, t in zip(packing.unpack_sequence(p), seqs, strict=True))


def test_gradients_through_packing(rng):
    x = torch.tensor(rng.standard_normal((4, 3, 2)), requires_grad=True)
    y, _ = packing.pad_packed_sequence(packing.pack_padded_sequence(x, [4, 1, 2], enforce_sorted=False))
    y.sum().backward()
    assert numbers(x.grad)[:, :, 0].tolist() == [[1, 1, 1], [1, 0, 1], [1, 0, 0], [1, 0, 0]]


def test_errors_of_packing():
    z = torch.zeros
    check_raises(ValueError, ["pack_padded_sequence", "enforce_sorted=False"], packing.pack_padded_sequence, z(4, 2, 3), [1, 4])
    check_raises(ValueError, ["at least 1", "0"], packing.pack_padded_sequence, z(4, 2, 3), [4, 0])
    check_raises(ValueError, ["length of 5", "4 steps"], packing.pack_padded_sequence, z(4, 2, 3), [5, 1])
    check_raises(ValueError, ["2 lengths", "got 3"], packing.pack_padded_sequence, z(4, 2, 3), [4, 1, 1])
    p = packing.pack_padded_sequence(z(4, 2, 3), [4, 1])
    check_raises(ValueError, ["total_length 3", "4"], packing.pad_packed_sequence, p, total_length=3)
    check_raises(ValueError, ["pad_sequence", "[2, 3]", "[1, 4]"], packing.pad_sequence, [z(2, 3), z(1, 4)])
    check_raises(ValueError, ["pad_sequence", "at least one tensor"], packing.pad_sequence, [])
    bad = packing.PackedSequence(z(3, 3), torch.tensor([1, 2]))
    check_raises(ValueError, ["lstm", "must not rise", "[1, 2]"], nn.LSTM(3, 5), bad)
    bad = packing.PackedSequence(z(4, 3), torch.tensor([2, 1]))
    check_raises(ValueError, ["lstm", "add up to 3", "4 rows"], nn.LSTM(3, 5), bad)
