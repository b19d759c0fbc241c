"""Cutting a labelled data set in two, the same way every time."""
from collections import namedtuple

import numpy as np

Split = namedtuple("Split", "x_train y_train x_test y_test")
Split.__doc__ = """A data set in two parts: inputs float32 [N, C, ...], labels int64 [N].

Fields: x_train, y_train, x_test, y_test (tensors).
"""


def stratified(labels, fraction, seed=0):
    """Indices (kept, held out) of a random cut that holds out `fraction` of every class.

    labels: integers [N]. fraction: between 0 and 1; each class gives round(fraction * its size), at least one when it
    has two or more members. seed: the cut depends on it and on the labels alone.
    Returns two sorted int64 arrays. Raises ValueError for a fraction outside 0..1.

    >>> kept, held = stratified([0, 0, 0, 0, 1, 1, 1, 1], 0.25)
    >>> len(kept), len(held)
    (6, 2)
    """
    if not 0.0 < fraction < 1.0:
        raise ValueError(f"stratified: fraction must lie between 0 and 1, got {fraction}")
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"stratified: expected labels [N], got shape {list(labels.shape)}")
    rng = np.random.Generator(np.random.PCG64(seed))
    held = np.zeros(len(labels), bool)
    for c in np.unique(labels):
        members = np.flatnonzero(labels == c)
        n = max(round(fraction * len(members)), 1) if len(members) > 1 else 0
        held[rng.permutation(members)[:n]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def hold_out(x, y, fraction=0.1, seed=0):
    """Cut tensors x [N, ...], y [N] into (x_kept, y_kept, x_held, y_held), stratified by y.

    The held-out part is for choosing when to stop; it is not the test set.
    """
    from .. import from_numpy

    x, y = np.asarray(x.numpy()), np.asarray(y.numpy())
    kept, held = stratified(y, fraction, seed)
    return tuple(from_numpy(a) for a in (x[kept], y[kept], x[held], y[held]))


def as_split(x, y, train, test):
    """Split of NumPy arrays x, y by two index arrays, as float32 and int64 tensors."""
    from .. import from_numpy

    def part(i):
        return from_numpy(np.ascontiguousarray(x[i], np.float32)), from_numpy(np.ascontiguousarray(y[i], np.int64))

    return Split(*part(train), *part(test))
