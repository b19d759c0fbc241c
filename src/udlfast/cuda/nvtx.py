"""Marks for a GPU's profiler: nothing happens."""

from contextlib import nullcontext


def range_push(msg):
    """Nothing."""
    return 0


def range_pop():
    """Nothing."""
    return 0


def mark(msg):
    """Nothing."""


def range(msg, *args, **kwargs):  # noqa: A001
    """A block that changes nothing."""
    return nullcontext()
