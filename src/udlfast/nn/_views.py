"""Views of a Module's registered names, look-ups by path, and its repr."""

from collections.abc import MutableMapping, MutableSet

from .._core import Tensor


class View(MutableMapping):
    """The names of some kinds of one module, live: what PyTorch calls `_parameters`, `_buffers`, `_modules`."""

    __slots__ = ("_module", "_of")

    def __init__(self, module, kinds):
        self._module, self._of = module, kinds

    def __getitem__(self, name):
        if self._module._kinds.get(name) not in self._of:
            raise KeyError(name)
        return self._module.__dict__[name]

    def __setitem__(self, name, value):
        kinds = self._module._kinds
        if kinds.get(name) not in self._of:
            kinds[name] = self._of[0]
        self._module.__dict__[name] = value

    def __delitem__(self, name):
        self[name]
        del self._module._kinds[name], self._module.__dict__[name]

    def __iter__(self):
        return iter([name for name, kind in self._module._kinds.items() if kind in self._of])

    def items(self):
        return {name: self._module.__dict__[name] for name in self}.items()  # a dict's, which can be reversed

    def __len__(self):
        return sum(kind in self._of for kind in self._module._kinds.values())

    def __repr__(self):
        return repr(dict(self))


class Transient(MutableSet):
    """The names of one module's buffers that are no part of state_dict(), live: what PyTorch calls `_non_persistent_buffers_set`."""

    __slots__ = ("_kinds",)

    def __init__(self, module):
        self._kinds = module._kinds

    def __contains__(self, name):
        return self._kinds.get(name) == "transient"

    def __iter__(self):
        return iter([name for name in self._kinds if name in self])

    def __len__(self):
        return sum(kind == "transient" for kind in self._kinds.values())

    def add(self, name):
        """Leave a buffer out of state_dict()."""
        if self._kinds.get(name) == "buffer":
            self._kinds[name] = "transient"

    def discard(self, name):
        """Put a buffer into state_dict()."""
        if name in self:
            self._kinds[name] = "buffer"

    def __repr__(self):
        return repr(set(self))


def check_kind(kind, name, value):
    """A registered name takes its own kind or None, nothing else."""
    if value is None or (kind in ("buffer", "transient") and isinstance(value, Tensor)):
        return
    what, needs = {
        "parameter": ("parameter", "torch.nn.Parameter or None expected"),
        "module": ("child module", "torch.nn.Module or None expected"),
    }.get(kind, ("buffer", "torch.Tensor or None expected"))
    raise TypeError(f"cannot assign '{type(value).__name__}' as {what} '{name}' ({needs})")


def named_tensors(module, kinds, prefix, recurse, remove_duplicate):
    """Pairs (path, tensor) of the given kinds, module by module."""
    seen = set()
    modules = module.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else ((prefix, module),)
    for path, owner in modules:
        values = owner.__dict__
        for name, kind in list(owner._kinds.items()):
            if kind not in kinds:
                continue
            value = values[name]
            if value is None or (remove_duplicate and id(value) in seen):
                continue
            seen.add(id(value))
            yield (f"{path}.{name}" if path else name), value


def get_submodule(module, target, base):
    """The module at a dotted path."""
    for name in target.split(".") if target else ():
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        module = getattr(module, name)
        if not isinstance(module, base):
            raise AttributeError(f"`{name}` is not an nn.Module")
    return module


def get_registered(module, target, kinds, what):
    """The parameter or buffer at a dotted path."""
    path, _, name = target.rpartition(".")
    owner = module.get_submodule(path)
    if not hasattr(owner, name):
        raise AttributeError(f"{type(owner).__name__} has no attribute `{name}`")
    if owner._kinds.get(name) not in kinds:
        raise AttributeError(f"`{name}` is not {what}")
    return getattr(owner, name)


def indent(text, spaces=2):
    """All lines but the first moved to the right."""
    return text.replace("\n", "\n" + " " * spaces)


def describe(module):
    """The repr of a module, as PyTorch prints it: children one below the other."""
    extra = module.extra_repr()
    lines = extra.split("\n") if extra else []
    single = len(lines) == 1
    for name, child in module._modules.items():
        lines.append(f"({name}): {indent(repr(child))}")
        single = False
    if not lines:
        return module._get_name() + "()"
    if single:
        return f"{module._get_name()}({lines[0]})"
    return f"{module._get_name()}(\n  " + "\n  ".join(lines) + "\n)"
