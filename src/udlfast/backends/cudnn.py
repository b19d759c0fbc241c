"""Switches that scripts set; they have no effect on the CPU."""

deterministic = True
benchmark = False
enabled = False
allow_tf32 = False


def is_available():
    """Whether cuDNN is there: no."""
    return False


def version():
    """cuDNN's version: None."""
