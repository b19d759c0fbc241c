"""torch.utils.data.dataloader: where libraries look for what is in torch.utils.data, and names of PyTorch's iterators."""

from .collate import default_collate as default_collate
from .collate import default_convert as default_convert
from .dataset import *  # noqa: F403
from .loader import DataLoader as DataLoader
from .sampler import *  # noqa: F403
from .worker_info import get_worker_info as get_worker_info


class _BaseDataLoaderIter:
    """A name for isinstance, which says no: passes over a DataLoader are generators here."""


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """As _BaseDataLoaderIter."""


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """As _BaseDataLoaderIter."""
