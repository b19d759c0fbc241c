"""The search: stages one after the other, each a number of trials that Optuna proposes and that are pruned when they lag behind."""

import math
import os
import time
import warnings

from ... import manual_seed, optim
from ...errors import ArgumentError
from ...nn import functional as F
from ...utils.data import DataLoader, TensorDataset
from ..callbacks import Callback
from ..loop import fit
from .result import Search
from .space import OURS, chosen_space, distributions, stages, start

OPTIMIZERS = {
    "adamw": lambda p, lr, decay: optim.AdamW(p, lr=lr, weight_decay=decay),
    "adam": lambda p, lr, decay: optim.Adam(p, lr=lr, weight_decay=decay),
    "sgd": lambda p, lr, decay: optim.SGD(p, lr=lr, momentum=0.9, nesterov=True, weight_decay=decay),
    "rmsprop": lambda p, lr, decay: optim.RMSprop(p, lr=lr, weight_decay=decay),
}  # fmt: skip


def search(build, train, valid, *, space=None, begin=None, trials=40, seconds=None, epochs=10, loss=F.cross_entropy, metric="loss", seed=0,
           repeats=3, prune=True, storage=None, name="search", progress=None):  # fmt: skip
    """Seek the hyperparameters of a network in the book's order of priority, and say which of them mattered.

    Learning rate; batch size; depth and width; regularisation; optimiser. Each stage seeks its own with the others at the best so far, and
    the rate again where it depends on them. At the end the best are trained again with other seeds, which shows what is chance.

    Arguments:
        build(depth, width, dropout, ...): makes a model. It is given those of the hyperparameters that it names and that are not lr,
            batch_size, weight_decay or optimizer.
        train, valid: datasets, or pairs of tensors (x, y).
        space: {name: range or list or value}, in place of or besides the usual ones: (1, 5) are whole numbers, (1e-4, 1e-1) are
            numbers, in the logarithm if the ends differ by a factor of 20, [a, b, c] is a choice, a single value is not sought,
            None is not used at all. The usual ones: lr (1e-4, 1e-1), batch_size [16, 32, 64, 128, 256], depth (1, 5),
            width [32, 64, 128, 256, 512], dropout (0.0, 0.5), weight_decay (1e-6, 1e-1), optimizer ["adamw", "sgd", "rmsprop"];
            "sgd" has a momentum of 0.9, and there is "adam".
        begin: {name: value} to begin with. trials, seconds: the budget, at most so many trials and so much time (either may be None);
            stages get shares of it. epochs: of each trial.
        loss(output, y). metric: "loss" (least), or a metric of `fit` such as "accuracy" (greatest), on the validation part.
        seed: of everything: two searches with a budget of trials give the same. repeats: trainings of the best at the end.
        prune: stop a trial that is worse than the median of others after as many epochs.
        storage: a file (SQLite) or a URL of Optuna's: a search that was stopped or killed goes on there. name: of the study in it.
        progress(text): gets a line a trial, such as print.

    Returns: a Search: `best`, `value`, `model`, `trials`, `stages`, `report()`, `plot(path)`.
    Raises: ImportError without Optuna; ValueError for arguments that do not fit; RuntimeError if every trial failed.

    Source: *Understanding Deep Learning*, section 8.5 (choosing hyperparameters); Akiba et al., Optuna, 2019; Bergstra et al. 2011 (TPE).
    """
    optuna = _optuna()
    if trials is None and seconds is None:
        raise ArgumentError("search: there is no end: give trials=... or seconds=...")
    if epochs < 1 or repeats < 1 or (trials is not None and trials < 1):
        raise ArgumentError(f"search: epochs, repeats and trials must be at least 1, got {epochs}, {repeats}, {trials}")
    wanted, fixed = chosen_space(build, space)
    task = _Task(build, _dataset("train", train), _dataset("valid", valid), epochs, loss, metric, seed, fixed)
    study = optuna.create_study(storage=_storage(storage), study_name=name, load_if_exists=True,
                                direction="minimize" if metric == "loss" else "maximize",
                                pruner=optuna.pruners.MedianPruner(5, 1) if prune else optuna.pruners.NopPruner())  # fmt: skip
    for left in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(left.number, state=optuna.trial.TrialState.FAIL)  # a process that was killed left it behind
    plan, began, spent = stages(wanted), time.monotonic(), 0.0
    runner = _Runner(optuna, study, task, distributions(optuna, wanted), start(wanted, begin), seed, progress)
    for position, (title, names, share) in enumerate(plan):
        most = math.inf if trials is None else max(position == 0, round(trials * (spent + share)) - round(trials * spent))
        spent += share
        until = math.inf if seconds is None else began + seconds * spent
        while runner.done(title) < most and (time.monotonic() < until or (position == 0 and not runner.done(title))):
            runner.trial(title, names)
    return Search(study, metric, [title for title, _, _ in plan], fixed, *_again(task, runner.best(), repeats))


def _optuna():
    try:
        import optuna
    except ImportError as e:
        raise ImportError("search: optuna is not installed; install it with: pip install 'udlfast[search]'") from e
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _dataset(name, part):
    if isinstance(part, (tuple, list)):
        if len(part) != 2:
            raise ArgumentError(f"search: {name} must be a dataset or a pair (x, y), got {len(part)} things")
        part = TensorDataset(*part)
    if not len(part):
        raise ArgumentError(f"search: {name} is empty")
    return part


def _storage(storage):
    if storage is None or "://" in str(storage):
        return storage
    return "sqlite:///" + os.path.abspath(storage)


class _Task:
    """One training with given hyperparameters."""

    def __init__(self, build, train, valid, epochs, loss, metric, seed, fixed):
        self.build, self.train, self.valid, self.epochs = build, train, valid, epochs
        self.loss, self.metric, self.seed, self.fixed = loss, metric, seed, fixed

    def run(self, params, seed, callbacks=()):
        """(the best epoch's figure, the model with its weights)"""
        params = {**self.fixed, **params}
        manual_seed(seed)
        model = self.build(**{k: v for k, v in params.items() if k not in OURS})
        kind = params.get("optimizer", "adamw")
        if kind not in OPTIMIZERS:
            raise ArgumentError(f"search: unknown optimizer {kind!r}; known: {', '.join(OPTIMIZERS)}")
        optimizer = OPTIMIZERS[kind](model.parameters(), params.get("lr", 1e-3), params.get("weight_decay", 0.0))
        size = params.get("batch_size", 64)
        loader, held = DataLoader(self.train, batch_size=size, shuffle=True), DataLoader(self.valid, batch_size=512)
        history = fit(model, loader, held, epochs=self.epochs, optimizer=optimizer, loss=self.loss, callbacks=callbacks)
        figures = getattr(history, f"valid_{self.metric}")
        return (min if self.metric == "loss" else max)(figures), model


class _Report(Callback):
    """Tells Optuna each epoch's figure, and ends a trial that it wants pruned."""

    def __init__(self, trial, metric):
        self.trial, self.metric, self.pruned = trial, metric, False

    def epoch(self, run):
        figures = getattr(run.history, f"valid_{self.metric}", None)
        if figures is None:
            raise ArgumentError(f"search: there is no metric {self.metric!r}; there are loss, {', '.join(run.history.metrics)}")
        self.trial.report(figures[-1], run.epoch)
        if run.epoch + 1 < run.epochs and self.trial.should_prune():
            self.pruned = True
            run.stop()


class _Runner:
    """Asks Optuna for trials, one after the other, and tells it what came out."""

    def __init__(self, optuna, study, task, space, begin, seed, progress):
        self.optuna, self.study, self.task, self.space, self.begin = optuna, study, task, space, begin
        self.seed, self.progress = seed, progress
        state = optuna.trial.TrialState
        self.finished = (state.COMPLETE, state.PRUNED)

    def _past(self):
        return self.study.get_trials(deepcopy=False, states=self.finished)

    def done(self, title):
        return sum(t.user_attrs.get("stage") == title for t in self._past())

    def best(self):
        """The hyperparameters of the best trial; before the first one those to begin with."""
        complete = [t for t in self._past() if t.value is not None and t.state == self.finished[0]]
        if not complete:
            return dict(self.begin)
        return dict((min if self.task.metric == "loss" else max)(complete, key=lambda t: t.value).params)

    def trial(self, title, names):
        past, best = self._past(), self.best()
        # the sampler's seed hangs on how many trials have ended, so that a search that goes on proposes what it would have proposed
        sampler = self.optuna.samplers.TPESampler(seed=self.seed * 100003 + len(past), n_startup_trials=5)
        held = best if not past else {k: v for k, v in best.items() if k not in names}
        with warnings.catch_warnings():  # Optuna calls this class experimental
            warnings.simplefilter("ignore")
            self.study.sampler = self.optuna.samplers.PartialFixedSampler(held, sampler)
        trial = self.study.ask(self.space)
        trial.set_user_attr("stage", title)
        report, began = _Report(trial, self.task.metric), time.monotonic()
        try:
            value, _ = self.task.run(trial.params, self.seed, [report])
            said = f"{value:.5g}"
        except FloatingPointError:
            value, report.pruned, said = None, True, "diverged"
        except BaseException:
            self.study.tell(trial, state=self.optuna.trial.TrialState.FAIL)
            raise
        trial.set_user_attr("seconds", time.monotonic() - began)
        if report.pruned:
            self.study.tell(trial, state=self.optuna.trial.TrialState.PRUNED)
        else:
            self.study.tell(trial, value)
        if self.progress:
            shown = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in trial.params.items() if k in names)
            self.progress(f"{title}: {shown}: {said}{' (pruned)' if report.pruned and value is not None else ''}")


def _again(task, params, repeats):
    """The best trained with other seeds: ([figure of each], the best of these models)."""
    made = []
    for k in range(repeats):
        try:
            made.append(task.run(params, task.seed + 1 + k))
        except FloatingPointError:
            continue
    if not made:
        raise RuntimeError("search: every training diverged; smaller rates may help (space={'lr': (1e-6, 1e-3)})")
    sign = 1 if task.metric == "loss" else -1
    return [value for value, _ in made], min(made, key=lambda pair: sign * pair[0])[1]
