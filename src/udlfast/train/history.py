"""What a training run gave, epoch by epoch."""

from ..errors import ArgumentError

ALWAYS = ("train_loss", "valid_loss", "lr", "seconds")


class History:
    """Equally long lists, one number an epoch, as attributes.

    `train_loss`, `valid_loss`, `lr` (the step size at the epoch's end), `seconds`, and for each metric NAME of `fit`
    `train_NAME` and `valid_NAME`. Without a validation part the valid lists hold None. `best_epoch` counts from 0 (None before
    the first); `stopped_early` tells whether `fit` ended before its last epoch.

    Example:
        >>> from udlfast.train import History
        >>> history = History()
        >>> history.append(train_loss=0.5, valid_loss=None, lr=0.1, seconds=1.0, train_accuracy=0.75, valid_accuracy=None)
        >>> history.train_accuracy, len(history)
        ([0.75], 1)

    Source: *Understanding Deep Learning*, section 8.1 (curves of training and test).
    """

    def __init__(self):
        self.lists = {name: [] for name in ALWAYS}
        self.best_epoch = None
        self.stopped_early = False

    def __getattr__(self, name):
        lists = self.__dict__.get("lists", {})
        if name in lists:
            return lists[name]
        raise AttributeError(f"this history has no column {name!r}; it has {', '.join(lists)}")

    def __len__(self):
        return len(self.lists["train_loss"])

    def __repr__(self):
        last = ", ".join(f"{name} {column[-1]:.4g}" for name, column in self.lists.items() if column and column[-1] is not None)
        return f"History({len(self)} epochs{', last: ' + last if last else ''})"

    @property
    def columns(self):
        """The names of the lists."""
        return tuple(self.lists)

    @property
    def metrics(self):
        """The names of the metrics, without train_ and valid_."""
        return tuple(name[6:] for name in self.lists if name.startswith("train_") and name != "train_loss")

    def append(self, **row):
        """Add one epoch. Every column must be given; the first epoch says which metrics there are."""
        if not len(self):
            self.lists |= {name: [] for name in row}
        if set(row) != set(self.lists):
            raise ArgumentError(f"History.append: expected {', '.join(self.lists)}; got {', '.join(row)}")
        for name, value in row.items():
            self.lists[name].append(value)

    def as_dict(self):
        """Plain lists and numbers, ready for json."""
        return {**{name: list(column) for name, column in self.lists.items()},
                "best_epoch": self.best_epoch, "stopped_early": self.stopped_early}  # fmt: skip

    @classmethod
    def from_dict(cls, content):
        """The history that gave this `as_dict()`."""
        history = cls()
        history.lists = {name: list(column) for name, column in content.items() if isinstance(column, list)}
        history.best_epoch, history.stopped_early = content["best_epoch"], content["stopped_early"]
        return history

    def to_csv(self, path):
        """Write a table of one line an epoch; missing numbers are empty. Returns path."""
        import csv

        with open(path, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(("epoch", *self.lists))
            for i in range(len(self)):
                table.writerow((i + 1, *("" if c[i] is None else repr(c[i]) for c in self.lists.values())))
        return path

    def plot(self, path, **options):
        """Draw the curves: `plot_history(self, path, **options)`."""
        from .plots import plot_history

        return plot_history(self, path, **options)
