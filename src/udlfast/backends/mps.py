"""Apple GPUs: never available."""


def is_available():
    """Whether an Apple GPU can be used: no."""
    return False


is_built = is_available
