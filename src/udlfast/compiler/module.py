"""CompiledModule: what compile(module) returns."""

from ..nn import Module

__all__ = ["CompiledModule"]


class CompiledModule(Module):
    """A module that replays what another computes; it shows that module's attributes.

    As in PyTorch the module itself is `_orig_mod`, and the names in state_dict() begin with `_orig_mod.`.

    >>> import udlfast as torch
    >>> net = torch.compile(torch.nn.Linear(2, 1))
    >>> tuple(net(torch.ones(3, 2)).shape), net.in_features
    ((3, 1), 2)

    Source: docs/compile.md; the public names of PyTorch.
    """

    def __init__(self, module, compiled):
        super().__init__()
        self._orig_mod = module
        self.__dict__["_compiled"] = compiled
        self.__dict__["training"] = module.training

    def forward(self, *args, **kwargs):
        return self._compiled(*args, **kwargs)

    @property
    def plans(self):
        """The plans that were recorded, newest first."""
        return self._compiled.plans

    def __getattr__(self, name):
        if name.startswith("__") or "_orig_mod" not in self.__dict__:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute {name!r}")
        return getattr(self._orig_mod, name)

    def __repr__(self):
        return f"CompiledModule(\n  (_orig_mod): {repr(self._orig_mod)}\n)"
