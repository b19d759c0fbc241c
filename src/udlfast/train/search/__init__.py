"""Hyperparameters in the order in which they matter: rate, batch size, depth and width, regularisation, optimiser; sought by Optuna."""

from .result import Search as Search
from .run import search as search
