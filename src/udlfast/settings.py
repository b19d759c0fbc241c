"""Switches and questions of the whole program that scripts use: most have one answer on the CPU."""

from .device import CPU, check_device
from .errors import ArgumentError

__all__ = ["are_deterministic_algorithms_enabled", "get_default_device", "get_deterministic_debug_mode", "get_num_interop_threads",
           "is_deterministic_algorithms_warn_only_enabled", "is_warn_always_enabled", "set_default_device",
           "set_deterministic_debug_mode", "set_flush_denormal", "set_num_interop_threads", "set_warn_always",
           "use_deterministic_algorithms"]  # fmt: skip

STATE = {"deterministic": 0, "warn_only": False, "always": False, "interop": 1}


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Accepted: results have the same bits in every run and for any number of threads anyway."""
    STATE["deterministic"], STATE["warn_only"] = (1 if warn_only else 2) if mode else 0, bool(mode and warn_only)


def are_deterministic_algorithms_enabled():
    """What use_deterministic_algorithms was told."""
    return STATE["deterministic"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """What use_deterministic_algorithms was told."""
    return STATE["warn_only"]


def set_deterministic_debug_mode(debug_mode):
    """Accepted: 0 or "default", 1 or "warn", 2 or "error"."""
    names = {"default": 0, "warn": 1, "error": 2}
    mode = names.get(debug_mode, debug_mode)
    if mode not in (0, 1, 2):
        raise ArgumentError(f"set_deterministic_debug_mode: expected 0, 1, 2, 'default', 'warn' or 'error', got {debug_mode!r}")
    use_deterministic_algorithms(mode > 0, warn_only=mode == 1)


def get_deterministic_debug_mode():
    """0, 1 or 2: what set_deterministic_debug_mode was told."""
    return STATE["deterministic"]


def set_default_device(device):
    """Accepted for the CPU, where all tensors are made; others are refused."""
    if device is not None:
        check_device(device)


def get_default_device():
    """The CPU."""
    return CPU


def set_flush_denormal(mode):
    """False: subnormal numbers are always kept."""
    return False


def set_warn_always(mode):
    """Accepted: Python's own filters say how often a warning is shown."""
    STATE["always"] = bool(mode)


def is_warn_always_enabled():
    """What set_warn_always was told."""
    return STATE["always"]


def get_num_interop_threads():
    """How many operations run at the same time: one, on all threads."""
    return STATE["interop"]


def set_num_interop_threads(n):
    """Accepted; operations run one after the other."""
    if not isinstance(n, int) or n < 1:
        raise ArgumentError(f"set_num_interop_threads: expected a positive integer, got {n!r}")
    STATE["interop"] = n
