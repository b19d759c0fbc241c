"""Is OpenMP used? No: kernels and threads are this package's own."""


def is_available():
    """No."""
    return False
