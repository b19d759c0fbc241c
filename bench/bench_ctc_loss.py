"""ctc_loss as in line recognition: 100 frames of 80 characters, lines of 25."""
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("ctc_loss")


def alphas(x, targets):
    """Losses by the forward recursion, states of all examples at a time."""
    T, N, _ = x.shape
    labels = np.zeros((N, 2 * targets.shape[1] + 1), np.int64)
    labels[:, 1::2] = targets
    skip = np.full(labels.shape, -np.inf, np.float32)
    skip[:, 2:][labels[:, 2:] != labels[:, :-2]] = 0
    a = np.full((N, labels.shape[1] + 2), -np.inf, np.float32)
    rows = np.arange(N)[:, None]
    a[:, 2:4] = x[0][rows, labels[:, :2]]
    with np.errstate(divide="ignore", invalid="ignore"):
        for t in range(1, T):
            a[:, 2:] = np.logaddexp(np.logaddexp(a[:, 2:], a[:, 1:-1]), a[:, :-2] + skip) + x[t][rows, labels]
    return -np.logaddexp(a[:, -1], a[:, -2]).sum()


def line(train):
    def make(rng):
        T, N, C, S = 100, 16, 80, 25
        x = f32(rng, T, N, C)
        x -= np.log(np.exp(x).sum(2, keepdims=True))
        targets = rng.integers(1, C, (N, S))

        def other(torch):
            tx, tt = leaf(torch, x) if train else torch.from_numpy(x), torch.from_numpy(targets)
            times, lengths = torch.full((N,), T, dtype=torch.int64), torch.full((N,), S, dtype=torch.int64)

            def step():
                y = torch.nn.functional.ctc_loss(tx, tt, times, lengths, reduction="sum")
                if train:
                    tx.grad = None
                    y.backward()
                return y
            return step

        return Race(lambda: alphas(x, targets), other, 20.0 * T * N * (2 * S + 1) * (2 if train else 1), size(x) * (2 if train else 1))
    return make


cases.add("line_100x16x80", line(False))
cases.add("line_100x16x80_train", line(True))

test_ctc_loss = bench(cases)
