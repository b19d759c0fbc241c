"""What scripts ask of a kind of device that this library has no kernels for: torch.xpu, torch.mps."""

import sys
import types

from .errors import ArgumentError


def module(name):
    """udlfast.NAME: it is not available, has no devices, and there is nothing to empty or to wait for."""
    known = sys.modules.get(f"udlfast.{name}")
    if known is not None:
        return known
    made = types.ModuleType(f"udlfast.{name}", f"Questions about {name} devices that scripts ask: there is none.")

    def refuse(*args, **kwargs):
        raise ArgumentError(f"{name}: no such device here; ask torch.{name}.is_available() first, and use device('cpu')")

    made.is_available = made.is_initialized = made.is_bf16_supported = lambda *a, **k: False
    made.device_count = lambda: 0
    for nothing in ("empty_cache", "synchronize", "manual_seed", "manual_seed_all", "seed", "reset_peak_memory_stats", "init"):
        setattr(made, nothing, lambda *a, **k: None)
    for zero in ("memory_allocated", "max_memory_allocated", "memory_reserved", "current_allocated_memory", "driver_allocated_memory"):
        setattr(made, zero, lambda *a, **k: 0)
    for asked in ("current_device", "set_device", "get_device_name", "get_device_properties", "get_rng_state", "set_rng_state",
                  "mem_get_info", "Stream", "Event"):  # fmt: skip
        setattr(made, asked, refuse)
    sys.modules[made.__name__] = made
    return made
