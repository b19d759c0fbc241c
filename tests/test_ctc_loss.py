"""ctc_loss: values and gradients against the reference, the reference against all spellings, and the odd cases."""

import itertools

import numpy as np
import pytest
from harness import check_close, check_raises

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import ctc_loss as ref


def scores(rng, T, N, C):
    x = rng.standard_normal((T, N, C))
    return x - np.log(np.exp(x).sum(2, keepdims=True))


def spelled(path, blank):
    return [int(c) for i, c in enumerate(path) if c != blank and (i == 0 or path[i - 1] != c)]


@pytest.mark.parametrize("target", [[], [1], [2, 1], [1, 1], [2, 0, 2]], ids=str)
def test_reference_counts_every_way_to_spell(rng, target):
    T, C, blank = 5, 4, 3
    x = scores(rng, T, 1, C)[:, 0]
    seen, total = np.zeros((T, C)), 0.0
    for path in itertools.product(range(C), repeat=T):
        if spelled(path, blank) == target:
            p = np.exp(x[np.arange(T), path].sum())
            total += p
            seen[np.arange(T), path] += p
    loss, classes = ref.one(x, target, blank)
    assert abs(loss + np.log(total)) < 1e-12 * 5 and np.abs(classes - seen / total).max() < 1e-12


# T, N, C, most labels, input lengths, target lengths, blank
CASES = [
    (6, 1, 4, 2, [6], [2], 0),
    (10, 3, 6, 4, [10, 9, 10], [4, 2, 3], 5),
    (12, 2, 20, 5, [12, 11], [0, 5], 3),
    (40, 4, 7, 17, [40, 38, 40, 5], [17, 10, 0, 1], 2),
    (3, 2, 6, 4, [3, 3], [4, 1], 0),
    (4, 3, 5, 2, [4, 0, 0], [2, 0, 1], 0),
    (9, 2, 3, 4, [9, 9], [4, 4], 1),
]


def case(rng, T, N, C, S, times, lengths, blank):
    targets = rng.integers(0, C - 1, (N, S))
    return scores(rng, T, N, C), targets + (targets >= blank), times, lengths, blank


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("flat", [False, True], ids=["padded", "flat"])
@pytest.mark.parametrize("numbers", CASES, ids=str)
def test_losses_and_gradients(isa, rng, numbers, flat, dtype):
    x, targets, times, lengths, blank = case(rng, *numbers)
    x = torch.tensor(x, dtype=getattr(torch, dtype))
    exact = x.double().numpy()
    t = x.requires_grad_()
    given = np.concatenate([row[:n] for row, n in zip(targets, lengths, strict=True)]) if flat else targets
    y = F.ctc_loss(t, torch.tensor(given), times, torch.tensor(lengths), blank, "none")
    want = ref.ctc_loss(exact, targets, times, lengths, blank)
    # a logarithm of size |loss| is off by as much of it, T times over
    check_close(y, want, "losses", k=4, n=numbers[0], dtype=dtype)
    g = rng.standard_normal(numbers[1])
    y.backward(torch.tensor(g, dtype=t.dtype))
    want_x = ref.ctc_loss_backward(torch.tensor(g, dtype=t.dtype).double().numpy(), exact, targets, times, lengths, blank)[0]
    size = max(1.0, np.abs(want[np.isfinite(want)]).max(initial=0))
    check_close(t.grad, want_x, "gradient", k=4 * size, n=numbers[0], dtype=dtype)


def test_reductions_and_zero_infinity(rng):
    x, targets, times, lengths, blank = case(rng, *CASES[4])  # 4 labels do not fit into 3 frames
    each = ref.ctc_loss(x, targets, times, lengths, blank)
    assert np.isinf(each[0]) and np.isfinite(each[1])
    t = torch.tensor(x, requires_grad=True)
    args = (torch.tensor(targets), times, lengths, blank)
    assert F.ctc_loss(t, *args, "sum").item() == np.inf
    mean = F.ctc_loss(t, *args, "mean", zero_infinity=True)
    check_close(mean, np.float64(each[1] / 1 / 2), "mean", k=16)
    mean.backward()
    assert (t.grad.numpy()[:, 0] == 0).all() and np.isfinite(t.grad.numpy()).all()
    t.grad = None
    F.ctc_loss(t, *args, "sum").backward()
    assert np.isnan(t.grad.numpy()[:, 0]).all() and np.isfinite(t.grad.numpy()[:, 1]).all()


def test_one_sequence_without_a_batch(rng):
    x = scores(rng, 6, 1, 4)
    one = F.ctc_loss(torch.tensor(x[:, 0]), torch.tensor([1, 2]), torch.tensor(6), torch.tensor(2), reduction="none")
    assert one.ndim == 0 and abs(one.item() - ref.ctc_loss(x, [[1, 2]], [6], [2])[0]) < 1e-12


def test_same_bits_for_any_width(rng, threads):
    x, targets = scores(rng, 60, 16, 30), rng.integers(1, 30, (16, 20))
    results = []
    for width in (1, 2):
        threads(width)
        t = torch.tensor(x, dtype=torch.float32, requires_grad=True)
        F.ctc_loss(t, torch.tensor(targets), [60] * 16, [20] * 16).backward()
        results.append(t.grad.numpy())
    assert (results[0] == results[1]).all()


def test_bad_input(rng):
    x = torch.tensor(scores(rng, 5, 2, 4))
    args = torch.tensor([[1, 2], [1, 3]]), [5, 5], [2, 2]
    check_raises(RuntimeError, ["ctc_loss", "[T, N, C]", "[5]"], F.ctc_loss, torch.ones(5), *args)
    check_raises(RuntimeError, ["ctc_loss", "blank", "4"], F.ctc_loss, x, *args, blank=4)
    check_raises(IndexError, ["ctc_loss", "targets", "7", "0 to 3"], F.ctc_loss, x, torch.tensor([[1, 7], [1, 3]]), *args[1:])
    check_raises(RuntimeError, ["ctc_loss", "input_lengths", "at most 5"], F.ctc_loss, x, args[0], [6, 5], [2, 2])
    check_raises(RuntimeError, ["ctc_loss", "target_lengths", "at most 2"], F.ctc_loss, x, args[0], [5, 5], [3, 2])
    check_raises(RuntimeError, ["ctc_loss", "2 numbers"], F.ctc_loss, x, args[0], [5], [2, 2])
    check_raises(RuntimeError, ["ctc_loss", "[4]", "[3]"], F.ctc_loss, x, torch.tensor([1, 2, 3]), [5, 5], [2, 2])
