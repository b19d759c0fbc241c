"""Telling how training goes: a moving bar where a person looks on, plain lines elsewhere."""
import sys

from .callbacks import Callback


class Progress(Callback):
    """Reports to `fit`'s caller: one line an epoch on `out`, and a bar of batches on stderr when that is a terminal.

    out: a text stream, by default standard output. bar: True or False to force or forbid the bar; by default it is
    shown when stderr is a terminal and tqdm is installed.
    """

    def __init__(self, out=None, bar=None):
        self.out = out
        self._tqdm = _tqdm() if (sys.stderr.isatty() if bar is None else bar) else None
        self._bar = None

    def batch(self, run):
        if self._tqdm is None:
            return
        if self._bar is None:
            self._bar = self._tqdm(total=run.batches, leave=False, unit="batch", file=sys.stderr)
        self._bar.set_postfix_str(f"loss {run.mean_loss:.4f}", refresh=False)
        self._bar.update()

    def epoch(self, run):
        self.close(run)
        print(line(run.history, run.epochs), file=self.out, flush=True)

    def close(self, run):
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def line(history, epochs):
    """The last epoch of a History in one line.

    "epoch  3/40  loss 0.1234  accuracy  96.1 %  valid loss 0.1034  valid accuracy  97.2 %  0.21 s *"; the star marks
    the best epoch so far.
    """
    h, width = history, len(str(epochs))
    text = f"epoch {len(h):{width}}/{epochs}"
    for part, before in (("train", ""), ("valid", "valid ")):
        if getattr(h, f"{part}_loss")[-1] is not None:
            text += f"  {before}loss {getattr(h, f'{part}_loss')[-1]:.4f}"
            text += "".join(f"  {before}{name} {_figure(name, getattr(h, f'{part}_{name}')[-1])}" for name in h.metrics)
    return text + f"  {h.seconds[-1]:.2f} s" + (" *" if h.best_epoch == len(h) - 1 else "")


def _figure(name, value):
    return f"{100 * value:5.1f} %" if name == "accuracy" else f"{value:.4g}"


def _tqdm():
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm
