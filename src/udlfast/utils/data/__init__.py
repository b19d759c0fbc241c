"""Datasets, samplers and the DataLoader under PyTorch's names."""
from .collate import default_collate as default_collate, default_convert as default_convert
from .dataset import *
from .loader import DataLoader as DataLoader
from .sampler import *
from .worker_info import get_worker_info as get_worker_info
