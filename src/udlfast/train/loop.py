"""The training loop: epochs, validation, early stopping, clipping, schedules."""
import math
import time

from .. import manual_seed, no_grad
from ..nn import functional as F
from ..nn.utils import clip_grad_norm_


class History:
    """What each epoch gave: equally long lists `train_loss`, `train_accuracy`, `valid_loss`, `valid_accuracy`, `lr`,
    `seconds`, and `best_epoch` (counted from 0, None before the first). Without a validation part the valid lists
    hold None. lr is the step size at the epoch's end."""

    columns = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "lr", "seconds")

    def __init__(self):
        for name in self.columns:
            setattr(self, name, [])
        self.best_epoch = None
        self.stopped_early = False

    def __len__(self):
        return len(self.train_loss)

    def append(self, **row):
        """Add one epoch; every column must be given."""
        for name in self.columns:
            getattr(self, name).append(row[name])

    def as_dict(self):
        """Plain lists and numbers, ready for json."""
        return {**{name: list(getattr(self, name)) for name in self.columns},
                "best_epoch": self.best_epoch, "stopped_early": self.stopped_early}


def evaluate(model, batches, loss=F.cross_entropy):
    """(mean loss, accuracy) of `model` over `batches` of (x, y), in eval mode and without gradients.

    The mode the model was in is put back. loss(output, y) is a mean over the batch. Accuracy is the share of rows of
    the output whose largest entry is at y. Raises ValueError when there are no samples.
    """
    was_training = model.training
    model.eval()
    total = correct = count = 0
    try:
        with no_grad():
            for x, y in batches:
                output = model(x)
                total += loss(output, y).item() * len(y)
                correct += _correct(output, y)
                count += len(y)
    finally:
        model.train(was_training)
    if not count:
        raise ValueError("evaluate: there are no samples")
    return total / count, correct / count


def fit(model, train, valid=None, *, epochs, optimizer, loss=F.cross_entropy, scheduler=None, step_scheduler=None,
        patience=None, clip=None, seed=None, augment=None, progress=None):
    """Train `model` and leave it with the weights of its best epoch.

    train, valid: iterables of batches (x, y) that can be walked once an epoch, such as DataLoader; valid may be None.
    epochs: how often to walk `train`. optimizer: holds the model's parameters. loss(output, y): a mean over the batch.
    scheduler: step() after each epoch (ReduceLROnPlateau is given the validation loss).
    step_scheduler: step() after each batch.
    patience: stop when the validation loss has not fallen for so many epochs. clip: largest norm of all gradients.
    seed: given to manual_seed first, so that two runs give the same numbers. augment(x): applied to training inputs.
    progress: a Progress, or None for silence.

    The best epoch is the one of the lowest validation loss; without `valid` the last one.
    Returns a History. Raises FloatingPointError, before the weights are touched, when the loss is not finite.
    """
    if patience is not None and valid is None:
        raise ValueError("fit: patience needs a validation part (valid=...)")
    if seed is not None:
        manual_seed(seed)
    history, best_loss, best_state = History(), math.inf, None
    if progress:
        progress.start(epochs, len(train) if hasattr(train, "__len__") else None)
    try:
        for epoch in range(epochs):
            began = time.perf_counter()
            train_loss, train_accuracy = _one_epoch(model, train, optimizer, loss, step_scheduler, clip, augment,
                                                    progress, epoch)
            valid_loss, valid_accuracy = evaluate(model, valid, loss) if valid is not None else (None, None)
            lr = optimizer.param_groups[0]["lr"]
            if scheduler is not None:
                _step(scheduler, valid_loss)
            history.append(train_loss=train_loss, train_accuracy=train_accuracy, valid_loss=valid_loss,
                           valid_accuracy=valid_accuracy, lr=lr, seconds=time.perf_counter() - began)
            if valid is None:
                history.best_epoch = epoch
            elif valid_loss < best_loss:
                best_loss, history.best_epoch = valid_loss, epoch
                best_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
            if progress:
                progress.epoch(history)
            if patience is not None and epoch - (history.best_epoch or 0) >= patience:
                history.stopped_early = epoch + 1 < epochs
                break
    finally:
        if progress:
            progress.close()
    if best_state is not None:
        model.load_state_dict(best_state)
    return history


def _one_epoch(model, train, optimizer, loss, step_scheduler, clip, augment, progress, epoch):
    model.train()
    total = correct = count = 0
    for x, y in train:
        output = model(x if augment is None else augment(x))
        batch_loss = loss(output, y)
        value = batch_loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(f"fit: the loss is {value} in epoch {epoch + 1} after {count} samples; the "
                                     "weights are as before that batch. A smaller step size or clip=1.0 often helps")
        optimizer.zero_grad()
        batch_loss.backward()
        if clip is not None:
            clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        if step_scheduler is not None:
            step_scheduler.step()
        total += value * len(y)
        correct += _correct(output, y)
        count += len(y)
        if progress:
            progress.batch(total / count)
    if not count:
        raise ValueError("fit: the training part is empty")
    return total / count, correct / count


def _correct(output, y):
    return int((output.detach().argmax(1) == y).sum().item())


def _step(scheduler, valid_loss):
    """ReduceLROnPlateau wants the figure it watches, every other schedule none."""
    if type(scheduler).__name__ == "ReduceLROnPlateau":
        if valid_loss is None:
            raise ValueError("fit: ReduceLROnPlateau needs a validation part (valid=...)")
        scheduler.step(valid_loss)
    else:
        scheduler.step()
