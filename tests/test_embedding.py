"""Rows of a table by index, and the sum of gradients where an index repeats."""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_reference

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import embedding as ref

# shape of the indices, rows, width
CASES = [((1,), 1, 1), ((0,), 5, 3), ((7,), 5, 3), ((2, 3), 5, 1), ((4, 9), 17, 7), ((3, 2, 5), 11, 8), ((64,), 3, 9),
         ((5, 16), 65, 33), ((9,), 4, 16), ((300,), 65, 64)]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_embedding(isa, rng, case, dtype):
    shape, V, D = case
    for layout in ("plain", "strided", "transposed"):
        check_gradient(F.embedding, ref.embedding, lambda gy, i, w: ref.embedding_backward(gy, i, w),
                       rng.integers(0, V, shape), rng.standard_normal((V, D)), rng=rng, dtype=dtype, layout=layout, k=2,
                       n=int(np.prod(shape)))  # fmt: skip


def test_padding_index_gets_no_gradient(isa, rng):
    index, w = np.array([[0, 2, 2], [1, 2, 0]]), rng.standard_normal((4, 3))
    for padding in (2, -2):
        check_gradient(
            lambda i, w: F.embedding(i, w, padding_idx=padding), ref.embedding,
            lambda gy, i, w: ref.embedding_backward(gy, i, w, padding_idx=2), index, w, rng=rng, k=2, n=2,
        )  # fmt: skip


def test_int32_indices_and_layer(isa, rng):
    w = rng.standard_normal((5, 3))
    index = np.array([4, 0, 3])
    check_close(F.embedding(torch.tensor(index.astype(np.int32)), torch.tensor(w)), w[index], "int32")
    layer = torch.nn.Embedding(5, 3, padding_idx=1)
    assert layer(torch.tensor([1])).tolist() == [[0.0] * 3]


def test_reference(rng):
    index = rng.integers(0, 4, (2, 3))
    check_reference(lambda w: ref.embedding(index, w), lambda gy, w: ref.embedding_backward(gy, index, w),
                    rng.standard_normal((4, 2)), rng=rng)  # fmt: skip
