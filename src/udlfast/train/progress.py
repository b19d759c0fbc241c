"""Telling how training goes: a moving bar where a person looks on, plain lines elsewhere."""
import sys


class Progress:
    """Reports to `fit`'s caller: one line an epoch on `out`, and a bar of batches on stderr when that is a terminal.

    out: a text stream, by default standard output. bar: True or False to force or forbid the bar; by default it is
    shown when stderr is a terminal and tqdm is installed.
    """

    def __init__(self, out=None, bar=None):
        self.out = out
        self._tqdm = _tqdm() if (sys.stderr.isatty() if bar is None else bar) else None
        self._bar = None
        self._epochs = self._batches = None

    def start(self, epochs, batches):
        """Called once, before the first epoch; batches is None when their number is not known."""
        self._epochs, self._batches = epochs, batches

    def batch(self, mean_loss):
        """Called after each batch with the mean loss of the epoch so far."""
        if self._tqdm is None:
            return
        if self._bar is None:
            self._bar = self._tqdm(total=self._batches, leave=False, unit="batch", file=sys.stderr)
        self._bar.set_postfix_str(f"loss {mean_loss:.4f}", refresh=False)
        self._bar.update()

    def epoch(self, history):
        """Called after each epoch."""
        self.close()
        print(line(history, self._epochs), file=self.out, flush=True)

    def close(self):
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def line(history, epochs):
    """The last epoch of a History in one line.

    "epoch  3/40  loss 0.1234  accuracy  96.1 %  valid loss 0.1034  valid accuracy  97.2 %  0.21 s *"; the star marks
    the best epoch so far.
    """
    h, width = history, len(str(epochs))
    text = f"epoch {len(h):{width}}/{epochs}  loss {h.train_loss[-1]:.4f}  accuracy {100 * h.train_accuracy[-1]:5.1f} %"
    if h.valid_loss[-1] is not None:
        text += f"  valid loss {h.valid_loss[-1]:.4f}  valid accuracy {100 * h.valid_accuracy[-1]:5.1f} %"
    return text + f"  {h.seconds[-1]:.2f} s" + (" *" if h.best_epoch == len(h) - 1 else "")


def _tqdm():
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm
