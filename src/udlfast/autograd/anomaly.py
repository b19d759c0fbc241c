"""Anomaly detection: the forward call behind a gradient rule that fails or gives NaN."""

from .._core import set_anomaly

__all__ = ["detect_anomaly", "is_anomaly_check_nan_enabled", "is_anomaly_enabled", "set_detect_anomaly"]


class set_detect_anomaly:
    """Turns anomaly detection on or off at once, and back at the end when used as a block.

    Arguments:
        mode: whether operations remember where they were called; a gradient rule that fails then warns with that place.
        check_nan: whether a rule whose result holds NaN raises.
    """

    def __init__(self, mode, check_nan=True):
        self.prev = set_anomaly((2 if check_nan else 1) if mode else 0)

    def __enter__(self):
        return None

    def __exit__(self, *exc):
        set_anomaly(self.prev)
        return False


class detect_anomaly:
    """A block whose forward and backward are watched: a failing gradient rule, or one that gives NaN, names its forward call.

    Arguments:
        check_nan: raise where a gradient is NaN.

    Example:
        >>> import udlfast as torch, warnings
        >>> warnings.simplefilter("ignore")
        >>> x = torch.zeros(1, requires_grad=True)
        >>> with torch.autograd.detect_anomaly():
        ...     (x.sqrt() * 0).sum().backward()
        Traceback (most recent call last):
        udlfast.errors.GradError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan=True):
        self.mode = 2 if check_nan else 1

    def __enter__(self):
        self.prev = set_anomaly(self.mode)

    def __exit__(self, *exc):
        set_anomaly(self.prev)
        return False


def _mode():
    mode = set_anomaly(0)
    set_anomaly(mode)
    return mode


def is_anomaly_enabled():
    """Whether anomaly detection is on."""
    return _mode() > 0


def is_anomaly_check_nan_enabled():
    """Whether it looks for NaN."""
    return _mode() > 1
