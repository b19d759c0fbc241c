"""The training loop: epochs, validation, early stopping, clipping, schedules, averages, and going on after a stop."""

import contextlib
import itertools
import math
import time

from .. import manual_seed
from ..errors import ArgumentError
from ..nn import functional as F
from ..nn.utils import clip_grad_norm_
from .evaluate import Means, evaluate
from .history import History
from .state import Saved
from .team import Team, sized


class Run:
    """A run of `fit` as its callbacks see it (`Callback` tells the attributes)."""

    def __init__(self, model, optimizer, epochs, batches):
        self.model, self.optimizer, self.epochs, self.batches = model, optimizer, epochs, batches
        self.history = History()
        self.epoch = self.step = 0
        self.loss = self.mean_loss = math.nan
        self.x = self.y = self.output = None
        self.stopping = False

    def stop(self):
        """End training after this epoch."""
        self.stopping = True


def fit(model, train, valid=None, *, epochs, optimizer, loss=F.cross_entropy, metrics=None, scheduler=None, step_scheduler=None,
        patience=None, clip=None, accumulate=1, autocast=None, ema=None, seed=None, augment=None, progress=None, callbacks=(),
        checkpoint=None, resume=True, generators=()):  # fmt: skip
    """Train `model` and leave it with the weights of its best epoch.

    Arguments:
        model: a Module, called with x.
        train, valid: iterables of batches (x, y) that can be walked once an epoch, such as DataLoader; valid may be None.
        epochs: how often to walk `train`. optimizer: holds the model's parameters. loss(output, y): a mean over the batch.
        metrics: {name: function(output, y)}; None: accuracy where targets are classes (`evaluate`).
        scheduler: step() after each epoch (ReduceLROnPlateau is given the validation loss).
        step_scheduler: step() after each step of the optimiser.
        patience: stop when the validation loss has not fallen for so many epochs. clip: largest norm of all gradients.
        accumulate: batches whose gradients make one step, as if they were one batch.
        autocast: an element type such as bfloat16 for matmul and convolution (`torch.autocast`); weights stay float32.
        ema: decay of an exponential moving average of the weights, such as 0.999: validation, and the weights at the end, are
            those of the average.
        seed: given to manual_seed first, so that two runs give the same numbers. augment(x): applied to training inputs.
        progress: a Progress, or None for silence. callbacks: `Callback`s.
        checkpoint: a file that is written after each epoch, all or nothing. resume: if that file is there, go on from it, with the
            same bits as a run without interruption. generators: random generators (NumPy's or udlfast's) that data or
            augmentation draw from, besides the loader's and the global ones: their states are kept too.

    A DistributedDataParallel model is trained by all its processes together: each takes its rows of every batch, and means, early
    stopping and the best epoch are those of all. Process 0 reports progress and writes the checkpoint, from which any number of
    processes goes on with the same batches; dropout draws from a stream for each seed, epoch and process.

    The best epoch is the one of the lowest validation loss; without `valid` the last one.

    Returns: a History.
    Raises: FloatingPointError, before the weights are touched, when the loss is not finite; ValueError for arguments that do not
        fit together or a checkpoint of another run.

    Example:
        >>> import udlfast as torch
        >>> x = torch.arange(8.0).reshape(8, 1) / 4 - 1
        >>> net = torch.nn.Linear(1, 1)
        >>> adam = torch.optim.Adam(net.parameters(), lr=0.1)
        >>> history = torch.train.fit(net, [(x, 3 * x)], epochs=200, optimizer=adam, loss=torch.nn.functional.mse_loss)
        >>> history.train_loss[-1] < 1e-2
        True

    Source: *Understanding Deep Learning*, chapters 6 (fitting), 8 (measuring) and 9 (early stopping, averages).
    """
    if patience is not None and valid is None:
        raise ArgumentError("fit: patience needs a validation part (valid=...)")
    if accumulate < 1:
        raise ArgumentError(f"fit: accumulate must be at least 1, got {accumulate}")
    if seed is not None:
        manual_seed(seed)
    run, team = Run(model, optimizer, epochs, len(train) if hasattr(train, "__len__") else None), Team(model, seed)
    bare, average = team.bare, _average(team.bare, ema)
    saved = _saved(checkpoint, run, average, scheduler, step_scheduler, [*_loader_generators(train), *generators], team)
    best_loss, best_state, first = math.inf, None, 0
    if saved and resume and (found := saved.load()):
        first, run.history, best_loss, best_state = found
        run.stopping = _has_waited(run, patience, epochs)
    train, valid = team.share(train, True), team.share(valid, False)
    watchers = [*([progress] if progress and team.first else []), *callbacks]
    for watcher in watchers:
        watcher.start(run)
    steps = _Steps(run, optimizer, loss, metrics, step_scheduler, clip, accumulate, autocast, average, augment, watchers, team)
    try:
        for run.epoch in range(first, epochs):
            if run.stopping:
                break
            began, team.epoch = time.perf_counter(), run.epoch
            means = steps.epoch(train)
            measured = bare if average is None else average.module
            team.even()
            valid_means = evaluate(measured, valid, loss, metrics) if valid is not None else {}
            valid_loss, lr = valid_means.get("loss"), optimizer.param_groups[0]["lr"]
            if scheduler is not None:
                _step(scheduler, valid_loss)
            run.history.append(**{f"train_{k}": v for k, v in means.items()}, **{f"valid_{k}": valid_means.get(k) for k in means},
                               lr=lr, seconds=time.perf_counter() - began)  # fmt: skip
            if valid is None:
                run.history.best_epoch = run.epoch
            elif valid_loss < best_loss:
                best_loss, run.history.best_epoch = valid_loss, run.epoch
                best_state = {k: v.detach().clone() for k, v in measured.state_dict().items()}
            for watcher in watchers:
                watcher.epoch(run)
            if saved:
                saved.save(run.epoch + 1, run.history, best_loss, best_state)
            run.stopping = team.any(run.stopping | _has_waited(run, patience, epochs))
    finally:
        for watcher in watchers:
            watcher.close(run)
    if best_state is not None:
        bare.load_state_dict(best_state)
    elif average is not None:
        bare.load_state_dict(average.module.state_dict())
    return run.history


def _has_waited(run, patience, epochs):
    done = len(run.history)
    if patience is None or not done or done - 1 - (run.history.best_epoch or 0) < patience:
        return False
    run.history.stopped_early = done < epochs
    return True


def _average(model, decay):
    if decay is None:
        return None
    from ..optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))


def _loader_generators(train):
    generator = getattr(train, "generator", None)
    return [] if generator is None else [generator]


def _saved(path, run, average, scheduler, step_scheduler, generators, team):
    if path is None:
        return None
    parts = {"model": team.bare, "optimizer": run.optimizer, "average": average, "scheduler": scheduler, "step_scheduler": step_scheduler,
             "held_back": getattr(run.model, "held_back", None) if team.shared else None}  # fmt: skip
    return Saved(path, {name: part for name, part in parts.items() if part is not None}, generators, team)


class _Steps:
    """The inner loop: what happens with each batch."""

    def __init__(self, run, optimizer, loss, metrics, scheduler, clip, accumulate, autocast, average, augment, watchers, team):
        self.run, self.optimizer, self.loss, self.metrics, self.scheduler, self.clip = run, optimizer, loss, metrics, scheduler, clip
        self.accumulate, self.autocast, self.average, self.augment, self.watchers = accumulate, autocast, average, augment, watchers
        self.team = team

    def epoch(self, train):
        """One walk through the training part; returns the means."""
        self.run.model.train()
        means, batches = Means(self.metrics), sized(train)
        while group := list(itertools.islice(batches, self.accumulate)):
            self.step(group, means)
        means.over(train)
        if not means.count:
            raise ArgumentError("fit: the training part is empty")
        return means.means()

    def step(self, group, means):
        """One step: on the batches of `group`, each (x, y, rows here, rows in all processes)."""
        run, team = self.run, self.team
        here, samples = sum(n for _, _, n, _ in group), sum(whole for _, _, _, whole in group)
        self.optimizer.zero_grad()
        run.loss = 0.0
        for number, (x, y, n, _) in enumerate(group, 1):
            run.x, run.y = x if self.augment is None else self.augment(x), y
            with self._exchange(number == len(group)):
                with self._precision():
                    run.output = run.model(run.x)
                    batch_loss = self.loss(run.output, y)
                value = batch_loss.item()
                if not math.isfinite(value):
                    self._refuse(value, means)
                part = team.size * n / samples  # of the mean over the whole step; DistributedDataParallel divides by the team's size
                (batch_loss if part == 1.0 else batch_loss * part).backward()
            run.loss += value * n / max(1, here)
            means.add(value, run.output, y, n)
        run.mean_loss = means.sums["loss"] / max(1, means.count)
        for watcher in self.watchers:
            watcher.gradients(run)
        if self.clip is not None:
            clip_grad_norm_(run.model.parameters(), self.clip)
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(team.bare)
        run.step += 1
        for watcher in self.watchers:
            watcher.batch(run)

    def _refuse(self, value, means):
        self.run.loss = value
        text = (f"fit: the loss is {value} in epoch {self.run.epoch + 1} after {means.count} samples; the "
                "weights are as before that batch. A smaller step size or clip=1.0 often helps")  # fmt: skip
        self.team.fail(text)
        raise FloatingPointError(text)

    def _exchange(self, last):
        """Gradients travel with the last batch of a step."""
        return contextlib.nullcontext() if last or not self.team.shared else self.run.model.no_sync()

    def _precision(self):
        if self.autocast is None:
            return contextlib.nullcontext()
        from .. import autocast

        return autocast("cpu", dtype=self.autocast)


def _step(scheduler, valid_loss):
    """ReduceLROnPlateau wants the figure it watches, every other schedule none."""
    if type(scheduler).__name__ == "ReduceLROnPlateau":
        if valid_loss is None:
            raise ArgumentError("fit: ReduceLROnPlateau needs a validation part (valid=...)")
        scheduler.step(valid_loss)
    else:
        scheduler.step()
