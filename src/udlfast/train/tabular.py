"""A perceptron against gradient boosting on a table, by cross-validation."""

import math
import time

import numpy as np

from .. import from_numpy, manual_seed, no_grad, optim
from ..errors import ArgumentError, ShapeError
from ..models.mlp import MLP
from ..nn import functional as F
from ..utils.data import DataLoader, TensorDataset
from .loop import fit

MODERN = 1000  # rows from which scikit-learn's histogram-based boosting is taken; below, it has too few in a leaf


class TabularComparison:
    """What `compare_tabular` measured.

    metric: "accuracy" (greater is better) or "RMSE" (less is better). scores: {"MLP": [one a fold], "gradient boosting": [...],
    "baseline": [...]}, the baseline being the most frequent class or the mean. seconds: {"MLP": of one fit, "gradient boosting": ...}.
    difference: the mean over the folds of how much better the MLP is; error: its standard error, which allows for
    the folds' common rows. better: "MLP", "gradient boosting", or None
    when the difference is below twice its error.
    """

    def __init__(self, metric, scores, seconds):
        self.metric, self.scores, self.seconds = metric, scores, seconds
        sign = 1 if metric == "accuracy" else -1
        gaps = sign * (np.array(scores["MLP"]) - np.array(scores["gradient boosting"]))
        self.difference = float(gaps.mean())
        k = len(gaps)  # folds share most of their training rows: 1 / (k - 1) is held-out over training rows, after Nadeau and Bengio
        self.error = float(gaps.std(ddof=1) * math.sqrt(1 / k + 1 / (k - 1)))
        clear = abs(self.difference) > 2 * self.error
        self.better = ("MLP" if self.difference > 0 else "gradient boosting") if clear else None

    def report(self):
        """A line for each model with its figure, and which is better."""
        lines = []
        for name, values in self.scores.items():
            spent = f", {self.seconds[name]:.2f} s a fit" if name in self.seconds else ""
            lines.append(f"{name:18s} {self.metric} {np.mean(values):.4g} (deviation over {len(values)} folds "
                         f"{np.std(values, ddof=1):.2g}){spent}")
        verdict = f"{self.better} is better" if self.better else "no clear difference"
        lines.append(f"{verdict}: by {abs(self.difference):.2g} on average, standard error {self.error:.2g}")
        return "\n".join(lines)

    def __repr__(self):
        return f"TabularComparison(better={self.better!r}, difference={self.difference:.3g}, error={self.error:.2g})"


def compare_tabular(x, y, *, folds=5, seed=0, hidden=(128, 128), epochs=200):
    """How well a perceptron and scikit-learn's gradient boosting predict y from x, on the same folds.

    Both with usual settings that are not tuned to the data, both stopped early on a tenth of the training part. The perceptron: inputs
    standardised by the training part, missing numbers replaced by its mean with a column that says so, ReLU, dropout 0.1, AdamW at 1e-3.
    The boosting: HistGradientBoosting from 1,000 rows or with missing numbers, else GradientBoosting.

    Arguments:
        x: numbers [N, D], tensor or array; NaN is a missing number. y: [N]; whole numbers, strings or truth values are classes,
            other numbers are predicted as they are. folds: at least 2, each class in each. seed: of the folds and of both models.
        hidden, epochs: of the perceptron; epochs at most.

    Returns: a TabularComparison.
    Raises: ImportError without scikit-learn; RuntimeError or ValueError for other shapes or too few rows.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).standard_normal((80, 3))
        >>> found = compare_tabular(x, (x[:, 0] > 0).astype(int), folds=2, epochs=5)
        >>> found.metric, len(found.scores["MLP"]), len(found.scores["gradient boosting"])
        ('accuracy', 2, 2)

    Source: Understanding Deep Learning, sections 8.1 and 8.5; Grinsztajn et al., Why do tree-based models still outperform deep learning on
    typical tabular data?, 2022; Nadeau and Bengio, Inference for the generalization error, 2003.
    """
    ensemble = _sklearn()
    x, y, classes = table(x, y)
    if folds < 2 or len(x) < 2 * folds:
        raise ArgumentError(f"compare_tabular: {folds} folds need at least {max(4, 2 * folds)} rows and folds of at least 2, got {len(x)}")
    if classes is not None and np.bincount(y).min() < folds:
        raise ArgumentError(f"compare_tabular: a class has {np.bincount(y).min()} rows, fewer than the {folds} folds")
    parts = _folds(y if classes is not None else None, len(x), folds, seed)
    scores = {"MLP": [], "gradient boosting": [], "baseline": []}
    seconds = {"MLP": 0.0, "gradient boosting": 0.0}
    for held in range(folds):
        train, test = np.flatnonzero(parts != held), np.flatnonzero(parts == held)
        for name, model in (("MLP", _perceptron(hidden, epochs)), ("gradient boosting", _boosting(ensemble, x)), ("baseline", _constant)):
            began = time.perf_counter()
            guess = model(x[train], y[train], classes, x[test], seed)
            if name in seconds:
                seconds[name] += (time.perf_counter() - began) / folds
            right = float((guess == y[test]).mean()) if classes is not None else float(np.sqrt(((guess - y[test]) ** 2).mean()))
            scores[name].append(right)
    return TabularComparison("RMSE" if classes is None else "accuracy", scores, seconds)


def _sklearn():
    try:
        from sklearn import ensemble
    except ImportError as e:
        raise ImportError("compare_tabular: scikit-learn is not installed; install it with: pip install 'udlfast[data]'") from e
    return ensemble


def table(x, y):
    """(float64 [N, D], targets [N], classes or None): classes as numbers from 0."""
    x, y = (a.detach().numpy() if hasattr(a, "detach") else np.asarray(a) for a in (x, y))
    if x.ndim != 2 or y.ndim not in (1, 2) or y.size != len(x):
        raise ShapeError(f"compare_tabular: expected a table [N, D] and targets [N], got {list(x.shape)} and {list(y.shape)}")
    if x.dtype.kind not in "iufb":
        raise ArgumentError(f"compare_tabular: expected numbers, got {x.dtype}; turn categories into columns of 0 and 1")
    x, y = x.astype(np.float64), y.ravel()
    if np.isinf(x).any():
        raise ArgumentError("compare_tabular: the table holds an infinite number")
    if y.dtype.kind == "f":
        if not np.isfinite(y).all():
            raise ArgumentError("compare_tabular: a target is not finite")
        return x, y.astype(np.float64), None
    classes, y = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ArgumentError("compare_tabular: there is only one class")
    return x, y.astype(np.int64), classes


def _folds(y, n, folds, seed):
    """int [N]: the fold that each row is held out in; every class is spread over all."""
    rng, parts = np.random.default_rng(seed), np.empty(n, np.int64)
    for members in [np.arange(n)] if y is None else [np.flatnonzero(y == c) for c in np.unique(y)]:
        parts[rng.permutation(members)] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return parts


def _constant(x, y, classes, x_test, seed):
    return np.full(len(x_test), y.mean() if classes is None else np.bincount(y).argmax())


def _boosting(ensemble, table):
    def model(x, y, classes, x_test, seed):
        kind = "Regressor" if classes is None else "Classifier"
        if len(table) >= MODERN or np.isnan(table).any():
            make = getattr(ensemble, f"HistGradientBoosting{kind}")(early_stopping=True, validation_fraction=0.1, max_iter=500,
                                                                          random_state=seed)
        else:
            make = getattr(ensemble, f"GradientBoosting{kind}")(n_estimators=500, n_iter_no_change=10, validation_fraction=0.1,
                                                                      random_state=seed)
        return make.fit(x, y).predict(x_test)

    return model


def _perceptron(hidden, epochs):
    def model(x, y, classes, x_test, seed):
        clean = _cleaner(x)
        inputs, rng = clean(x), np.random.default_rng(seed)
        held = np.zeros(len(x), bool)
        held[rng.permutation(len(x))[: max(1, len(x) // 10)]] = True
        mean, size = (0.0, 1.0) if classes is not None else (y.mean(), y.std() or 1.0)
        target = y if classes is not None else ((y - mean) / size).astype(np.float32)[:, None]
        loss = F.cross_entropy if classes is not None else F.mse_loss
        manual_seed(seed)
        net = MLP((inputs.shape[1], *hidden, 1 if classes is None else len(classes)), dropout=0.1)
        part, kept = ([from_numpy(np.ascontiguousarray(a[which])) for a in (inputs, target)] for which in (~held, held))
        loader = DataLoader(TensorDataset(*part), batch_size=min(64, max(8, len(x) // 20)), shuffle=True)
        adam = optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-2)
        fit(net, loader, [tuple(kept)], epochs=epochs, optimizer=adam, loss=loss, patience=15, clip=1.0)
        net.eval()
        with no_grad():
            out = net(from_numpy(clean(x_test))).numpy()
        return out.argmax(1) if classes is not None else out[:, 0].astype(np.float64) * size + mean

    return model


def _cleaner(x):
    """A function from tables to float32 inputs: standardised by x, held in +-10, with a column for each that misses numbers in x."""
    missing = np.isnan(x).any(0)
    known = np.where(np.isnan(x).all(0), 0.0, x)
    mean, size = np.nanmean(known, 0), np.nanstd(known, 0)
    size[size == 0] = 1.0

    def clean(a):
        y = np.clip((np.where(np.isnan(a), mean, a) - mean) / size, -10, 10)
        return np.concatenate([y, np.isnan(a[:, missing])], 1).astype(np.float32)

    return clean
