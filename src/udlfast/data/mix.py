"""Training examples mixed with one another: mixup and cutmix, and a loader that does it."""
import numpy as np

from .._core import from_numpy


def _given(name, x, y, classes, rng, alpha):
    if not alpha > 0:
        raise ValueError(f"{name}: alpha must be above 0, got {alpha}")
    y = y.numpy()
    if len(x) != len(y) or y.ndim != 1 or (y.size and not (0 <= y.min() and y.max() < classes)):
        raise ValueError(f"{name}: expected {len(x)} labels, each from 0 to {classes - 1}, got shape {list(y.shape)}")
    rng = np.random.default_rng(rng) if isinstance(rng, (int, np.integer)) else rng
    return x.numpy(), np.eye(classes, dtype=np.float32)[y], rng, rng.permutation(len(x))


def mixup(x, y, classes, rng, alpha=0.2):
    """Every example replaced by a weighted mean with another one of the batch, labels and all.

        x' = w x + (1 - w) x_other,  y' = w onehot(y) + (1 - w) onehot(y_other),  w ~ Beta(alpha, alpha)

    x: float32 [N, ...]. y: int64 [N]. classes: how many. rng: a NumPy Generator or a seed. alpha: 0.2 mixes little, 1 evenly.
    Returns x' and y' [N, classes], probabilities as `cross_entropy` takes them. Raises ValueError for labels out of range.

    >>> import udlfast as torch
    >>> x, y = mixup(torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1]), 2, 1)
    >>> torch.allclose(x[:, 0], y[:, 1])
    True

    Source: Zhang et al., mixup: beyond empirical risk minimization, 2018.
    """
    x, y, rng, other = _given("mixup", x, y, classes, rng, alpha)
    w = rng.beta(alpha, alpha, len(x)).astype(np.float32)
    wx, wy = w.reshape(-1, *(1,) * (x.ndim - 1)), w[:, None]
    return from_numpy(wx * x + (1 - wx) * x[other]), from_numpy(wy * y + (1 - wy) * y[other])


def cutmix(x, y, classes, rng, alpha=1.0):
    """In every example a rectangle (for curves: a stretch) taken from another one of the batch, labels in proportion to the area.

    x: float32 [N, C, H, W] or [N, C, L]. y: int64 [N]. classes: how many. rng: a NumPy Generator or a seed. alpha: the share that
    stays is drawn from Beta(alpha, alpha); the rectangle has the shape of the image and a centre anywhere, so that it may be cut off.
    Returns x' and y' [N, classes]. Raises ValueError for another shape or labels out of range.

    >>> import udlfast as torch
    >>> x, y = cutmix(torch.ones(4, 1, 8, 8), torch.arange(4), 4, 0)
    >>> torch.allclose(y.sum(1), torch.ones(4))
    True

    Source: Yun et al., CutMix: regularization strategy to train strong classifiers, 2019.
    """
    x, y, rng, other = _given("cutmix", x, y, classes, rng, alpha)
    if x.ndim not in (3, 4):
        raise ValueError(f"cutmix: expected images [N, C, H, W] or curves [N, C, L], got {list(x.shape)}")
    n, sizes = len(x), x.shape[2:]
    share = (1 - rng.beta(alpha, alpha, n)) ** (1 / len(sizes))
    inside = np.ones((n, *sizes), bool)
    for d, size in enumerate(sizes):
        half, centre = share * size / 2, rng.uniform(0, size, n)
        at = np.arange(size) + 0.5
        part = np.abs(at - centre[:, None]) < half[:, None]
        inside &= part.reshape(n, *(size if k == d else 1 for k in range(len(sizes))))
    w = 1 - inside.reshape(n, -1).mean(1, dtype=np.float32)[:, None]
    return from_numpy(np.where(inside[:, None], x[other], x)), from_numpy(w * y + (1 - w) * y[other])


class Mixed:
    """A loader whose batches are mixed: `fit(model, Mixed(loader, 10, mixup, cutmix), ...)`.

    loader: gives pairs (x, y). classes: how many. functions: `mixup`, `cutmix` or pairs (function, its options); each batch draws
    one. seed: of the generator `rng`, which `fit(generators=[mixed.rng])` keeps in a checkpoint.

    >>> import udlfast as torch
    >>> batches = [(torch.rand(4, 1, 8, 8), torch.arange(4))]
    >>> [tuple(y.shape) for x, y in Mixed(batches, 10, mixup, (cutmix, {"alpha": 0.5}))]
    [(4, 10)]
    """

    def __init__(self, loader, classes, *functions, seed=0):
        self.loader, self.classes, self.rng = loader, classes, np.random.default_rng(seed)
        self.functions = [f if isinstance(f, tuple) else (f, {}) for f in functions or (mixup,)]
        if getattr(loader, "generator", None) is not None:
            self.generator = loader.generator

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        for x, y in self.loader:
            function, options = self.functions[self.rng.integers(len(self.functions))]
            yield function(x, y, self.classes, self.rng, **options)
