"""torch.utils.flop_counter: the floating-point operations of matrix products, convolutions and attention in a block."""

from .. import _core

__all__ = ["FlopCounterMode"]


class FlopCounterMode:
    """A block in which the operations of products, convolutions and attention are counted, from the sizes their kernels got.

    A multiplication and an addition are two. What causal attention leaves out is not counted, and layers are not told apart: there is
    one table, "Global", from kernels to counts. `display` prints it at the end of the block; mods, depth and custom_mapping are
    accepted for compatibility.

    >>> import udlfast as torch
    >>> with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
    ...     y = torch.ones(4, 3) @ torch.ones(3, 2)
    >>> counter.get_total_flops()
    48
    """

    def __init__(self, mods=None, depth=2, display=True, custom_mapping=None):
        self.display, self.flop_counts = display, {"Global": {}}

    def __enter__(self):
        self.flop_counts = {"Global": {}}
        self._since = _core.profile_start()
        return self

    def __exit__(self, *exc):
        from ..compiler.explain import Row

        found = self.flop_counts["Global"]
        for kernel, args, *_ in _core.profile_stop(self._since):
            row = Row(_core.call_of(kernel, args), 0.0)
            if row.name.startswith(("matmul", "conv", "attention")):
                found[row.name] = found.get(row.name, 0) + row.flops
        if self.display:
            print(self.get_table())
        return False

    def get_total_flops(self):
        """The sum of all counts."""
        return sum(self.flop_counts["Global"].values())

    def get_flop_counts(self):
        """{"Global": {kernel: count}}"""
        return {name: dict(counts) for name, counts in self.flop_counts.items()}

    def get_table(self, depth=None):
        """The counts as text."""
        rows = [("Global", self.get_total_flops()), *((f" - {name}", n) for name, n in self.flop_counts["Global"].items())]
        return "\n".join(f"{name:<32} {n:>16,}" for name, n in rows)
