"""Training: the loop, its progress report, its pictures and its checkpoints."""
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import save_checkpoint as save_checkpoint
from .loop import History as History
from .loop import evaluate as evaluate
from .loop import fit as fit
from .plots import plot_history as plot_history
from .progress import Progress as Progress

__all__ = ["History", "Progress", "evaluate", "fit", "load_checkpoint", "plot_history", "save_checkpoint"]
