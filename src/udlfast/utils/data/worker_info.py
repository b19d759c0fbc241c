"""Which worker process this is."""

current = None


class WorkerInfo:
    """id, num_workers, seed and dataset of the worker process that asks."""

    def __init__(self, id, num_workers, seed, dataset):
        self.id, self.num_workers, self.seed, self.dataset = id, num_workers, seed, dataset

    def __repr__(self):
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers}, seed={self.seed}, dataset={self.dataset!r})"


def get_worker_info():
    """The WorkerInfo inside a DataLoader's worker process, None elsewhere.

    Example:
        >>> from udlfast.utils.data import get_worker_info
        >>> get_worker_info() is None
        True
    """
    return current
