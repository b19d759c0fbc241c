"""Training: the loop, its progress report, its pictures and its checkpoints."""

from .callbacks import Callback as Callback
from .callbacks import TensorBoard as TensorBoard
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import save_checkpoint as save_checkpoint
from .doctor import Doctor as Doctor
from .doctor import examine as examine
from .evaluate import accuracy as accuracy
from .evaluate import evaluate as evaluate
from .history import History as History
from .loop import Run as Run
from .loop import fit as fit
from .lr_find import lr_find as lr_find
from .overfit import overfit_one_batch as overfit_one_batch
from .plots import plot_history as plot_history
from .progress import Progress as Progress
from .regularise import SWA as SWA
from .regularise import penalised as penalised
from .regularise import weight_penalty as weight_penalty
from .samples import classifier_features as classifier_features
from .samples import frechet_distance as frechet_distance
from .samples import mean as mean
from .samples import sample_sheet as sample_sheet
from .search import Search as Search
from .search import search as search
from .summary import summary as summary
from .tabular import TabularComparison as TabularComparison
from .tabular import compare_tabular as compare_tabular

__all__ = ["Callback", "Doctor", "History", "Progress", "Run", "SWA", "Search", "TabularComparison", "TensorBoard", "accuracy",
           "classifier_features", "compare_tabular", "evaluate", "examine", "fit", "frechet_distance", "load_checkpoint", "lr_find",
           "mean", "overfit_one_batch", "penalised", "plot_history", "sample_sheet", "save_checkpoint", "search", "summary",
           "weight_penalty"]
