"""Datasets, samplers and the DataLoader under PyTorch's names."""

from .collate import default_collate as default_collate
from .collate import default_convert as default_convert
from .dataset import *  # noqa: F403
from .distributed import DistributedBatchSampler as DistributedBatchSampler
from .distributed import DistributedSampler as DistributedSampler
from .loader import DataLoader as DataLoader
from .sampler import *  # noqa: F403
from .worker_info import get_worker_info as get_worker_info
