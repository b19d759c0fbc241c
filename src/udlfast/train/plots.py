"""Pictures of a training run."""

INK, MUTED, TRAIN, VALID = "#222222", "#8a8a8a", "#9db4c8", "#1f4e79"


def plot_history(history, path, *, title=None, test_accuracy=None):
    """Draw the loss and each metric over the epochs and save the picture as PNG.

    history: a History of at least one epoch. path: of the picture. title: line above it. test_accuracy: 0..1, told in
    the accuracy panel. Returns path. Raises ImportError when matplotlib is not installed, ValueError for an empty
    history. Draws without a display and leaves matplotlib's global state alone.
    """
    if not len(history):
        raise ValueError("plot_history: the history holds no epoch")
    panels = ("loss", *history.metrics)
    figure = new_figure(figsize=(4.5 * max(len(panels), 1.4), 3.6), dpi=150, layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    epochs = range(1, len(history) + 1)
    for ax, name in zip(axes, panels, strict=True):
        percent = name == "accuracy"
        curves = [getattr(history, f"{part}_{name}") for part in ("train", "valid")]
        if percent:
            curves = [[None if v is None else 100 * v for v in curve] for curve in curves]
        _curves(ax, epochs, *curves, history.best_epoch)
        everything = _known(curves[0]) + _known(curves[1])
        _style(ax, "accuracy (%)" if percent else name, name == "loss" and min(everything) > 0)
        if percent:
            ax.set_ylim(max(0.0, min(everything) - 3), 101)
            if test_accuracy is not None:
                ax.text(0.98, 0.05, f"test accuracy {100 * test_accuracy:.1f} %", transform=ax.transAxes, ha="right", color=INK)
    axes[0].legend(frameon=False, loc="best")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    figure.savefig(path, format="png", metadata={"Software": "udlfast"})
    return path


def _known(values):
    return [v for v in values if v is not None]


def _curves(axes, epochs, train, valid, best):
    marker = "o" if len(train) == 1 else None  # a line through one point cannot be seen
    axes.plot(epochs, train, color=TRAIN, lw=2, marker=marker, label="training")
    if _known(valid):
        axes.plot(epochs, valid, color=VALID, lw=2, marker=marker, label="validation")
        if best is not None:
            axes.plot(best + 1, valid[best], "o", color=VALID, ms=6, mec="white", label="best epoch", zorder=5)


def _style(axes, name, logarithmic):
    if logarithmic:
        axes.set_yscale("log")
        plain_numbers(axes.yaxis)
    axes.set_xlabel("epoch")
    axes.set_ylabel(name)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e6e6e6", lw=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.get_major_locator().set_params(integer=True)


def plain_numbers(axis):
    """Mark a logarithmic axis at 1, 2 and 5 times powers of ten, written out."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FormatStrFormatter("%g"))
    axis.set_minor_locator(NullLocator())


def new_figure(**options):
    """An empty matplotlib Figure that is drawn without a display and without pyplot's global state."""
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise ImportError("matplotlib is not installed; install it with: pip install 'udlfast[train]'") from e
    return Figure(**options)
