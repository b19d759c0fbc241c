"""MNIST-1D: ten classes of 40-point curves, a benchmark that trains in seconds."""
from .split import Split


def mnist1d(seed: int = 42, samples: int = 5000) -> Split:
    """MNIST-1D, made here by the mnist1d package (no network): 4,000 training and 1,000 test curves.

    seed, samples: the generator's; the defaults are the package's own.
    Returns Split: x [N, 1, 40] float32 with zero mean and unit variance over the set, y [N] int64 in 0..9.
    Raises ImportError when the package mnist1d is not installed. The global random states of NumPy and of `random`,
    which the package seeds, are put back.

    Source: S. Greydanus and D. Kobak, Scaling down deep learning with MNIST-1D, ICML 2024.
    """
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError as e:
        raise ImportError("mnist1d: the package mnist1d is not installed; install it with: "
                          f"pip install 'udlfast[data]' ({e})") from e
    import random

    import numpy as np

    from .split import as_split

    args = get_dataset_args()
    args.seed, args.num_samples = seed, samples
    states = np.random.get_state(), random.getstate()
    try:
        made = make_dataset(args)
    finally:
        np.random.set_state(states[0])
        random.setstate(states[1])
    x = np.concatenate([made["x"], made["x_test"]])[:, None, :]
    y = np.concatenate([made["y"], made["y_test"]])
    n = len(made["x"])
    return as_split(x, y, np.arange(n), np.arange(n, len(x)))
