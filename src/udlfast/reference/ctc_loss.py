"""-log of the probability that the rows log_probs[T, C] spell a target, over all ways of spreading it over the rows.

The target is spelled with blanks around and between its labels; from a state a step leads to itself, the next one, and over a
blank between two different labels. Sums of probabilities are kept as logarithms. The gradient is PyTorch's: that of the scores
before log_softmax, exp(log_probs) - p(class at t | target).
"""

import numpy as np


def states(target, blank):
    """Labels of all states, and whether a state can be reached from the one before the last."""
    label = [blank]
    for c in target:
        label += [int(c), blank]
    return label, [s > 1 and label[s] != blank and label[s] != label[s - 2] for s in range(len(label))]


def forward_table(x, label, skip):
    """log of the probability of all ways into each state at each time."""
    a = np.full((len(x), len(label)), -np.inf)
    for t in range(len(x)):
        for s in range(len(label)):
            if t == 0:
                a[t, s] = x[0, label[s]] if s < 2 else -np.inf
                continue
            ways = a[t - 1, s]
            if s > 0:
                ways = np.logaddexp(ways, a[t - 1, s - 1])
            if skip[s]:
                ways = np.logaddexp(ways, a[t - 1, s - 2])
            a[t, s] = ways + x[t, label[s]]
    return a


def one(x, target, blank):
    """(loss, p(class at t | target)) of one example; the second is NaN where the target cannot be spelled."""
    T, C = x.shape
    label, skip = states(target, blank)
    L = len(label)
    if not T:
        return (0.0 if L == 1 else np.inf), np.zeros((0, C))
    a = forward_table(x, label, skip)
    log_p = a[-1, -1] if L == 1 else np.logaddexp(a[-1, -1], a[-1, -2])
    back_skip = [s > 1 and skip[L - 1 - s + 2] for s in range(L)]  # the same walk from the other end
    b = forward_table(x[::-1], label[::-1], back_skip)[::-1, ::-1]
    seen = np.zeros((T, C))
    if log_p == -np.inf:
        return np.inf, np.full((T, C), np.nan)
    for s in range(L):
        with np.errstate(invalid="ignore"):
            seen[:, label[s]] += np.exp(a[:, s] + b[:, s] - x[:, label[s]] - log_p)
    return -log_p, seen


def ctc_loss(x, targets, times, lengths, blank=0):
    """Losses [N] of log_probs [T, N, C] and targets, a list of labels for each example."""
    return np.array([one(x[: times[n], n], targets[n][: lengths[n]], blank)[0] for n in range(x.shape[1])])


def ctc_loss_backward(g, x, targets, times, lengths, blank=0):
    gx = np.zeros(x.shape)
    for n in range(x.shape[1]):
        rows = x[: times[n], n]
        _, seen = one(rows, targets[n][: lengths[n]], blank)
        gx[: times[n], n] = g[n] * (np.exp(rows) - seen)
    return (gx,)
