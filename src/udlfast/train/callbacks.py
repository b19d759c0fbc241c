"""Code that runs along with `fit`: the calls it gets, and TensorBoard's files."""


class Callback:
    """Base of what `fit(callbacks=[...])` calls; each method gets the `Run` and may be left out.

    `run` has model, optimizer, history, epochs (how many in all), epoch (counted from 0), batches (in an epoch, None if not
    known), step (optimiser steps so far), loss (of the last step), mean_loss (of the epoch so far), x, y, output (of the last
    batch), and stop(), which ends training after this epoch.

    Example:
        >>> import udlfast as torch
        >>> class Print(torch.train.Callback):
        ...     def epoch(self, run):
        ...         print("epoch", run.epoch + 1)
        >>> net = torch.nn.Linear(2, 2)
        >>> data = [(torch.zeros(4, 2), torch.zeros(4).long())]
        >>> _ = torch.train.fit(net, data, epochs=2, optimizer=torch.optim.SGD(net.parameters(), lr=0.1), callbacks=[Print()])
        epoch 1
        epoch 2
    """

    def start(self, run):
        """Before the first epoch."""

    def gradients(self, run):
        """After backward, before clipping and the optimiser's step."""

    def batch(self, run):
        """After each step of the optimiser."""

    def epoch(self, run):
        """After each epoch, its row in run.history."""

    def close(self, run):
        """At the end, also after an exception."""


class TensorBoard(Callback):
    """Writes the history to TensorBoard's event files through the package tensorboardX.

    Arguments:
        folder: where the event files go.
        every: also the training loss after each so many steps; None: only once an epoch.

    Raises: ImportError when tensorboardX is not installed.
    """

    def __init__(self, folder, every=None):
        try:
            from tensorboardX import SummaryWriter
        except ImportError as e:
            raise ImportError("TensorBoard: tensorboardX is not installed; install it with: pip install tensorboardX") from e
        self.every = every
        self._writer = SummaryWriter(str(folder))

    def batch(self, run):
        if self.every and run.step % self.every == 0:
            self._writer.add_scalar("step/train_loss", run.loss, run.step)

    def epoch(self, run):
        for name in run.history.columns:
            value = getattr(run.history, name)[-1]
            if value is not None:
                self._writer.add_scalar(name, value, run.epoch + 1)
        self._writer.flush()

    def close(self, run):
        self._writer.close()
