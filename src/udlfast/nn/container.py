"""Containers: modules and parameters in a row, a list or a dict."""

from collections import OrderedDict
from collections.abc import Mapping

from .._core import Tensor
from . import _views
from .module import Module
from .parameter import Parameter

__all__ = ["Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"]


def position(container, index):
    """An index of a container, counted from the start; range errors are IndexErrors."""
    index = index.__index__()
    n = len(container)
    if not -n <= index < n:
        raise IndexError(f"{type(container).__name__}: index {index} is out of range (it holds {n})")
    return index % n


class Row(Module):
    """What Sequential and ModuleList share: children named "0", "1", ... in order."""

    def __len__(self):
        return len(self._names())

    def __iter__(self):
        values = self.__dict__
        return iter([values[name] for name in self._names()])

    def _names(self):
        return [name for name, kind in self._kinds.items() if kind == "module"]

    def __getitem__(self, index):
        names = self._names()
        if isinstance(index, slice):
            return self._slice([(name, self.__dict__[name]) for name in names[index]])
        return self.__dict__[names[position(self, index)]]

    def __setitem__(self, index, module):
        setattr(self, self._names()[position(self, index)], module)

    def __delitem__(self, index):
        names = self._names()
        gone = names[index] if isinstance(index, slice) else [names[position(self, index)]]
        for name in gone:
            delattr(self, name)
        self._refill(list(self))

    def _refill(self, modules):
        """Puts modules back under the names "0", "1", ..."""
        for name in self._names():
            delattr(self, name)
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def append(self, module):
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index, module):
        """Puts a module before position index."""
        if not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        modules = list(self)
        if isinstance(self, Sequential) and not -len(modules) <= index <= len(modules):
            raise IndexError(f"Sequential.insert: index {index} is out of range for {len(modules)} modules")
        modules.insert(index, module)
        self._refill(modules)
        return self if isinstance(self, Sequential) else None

    def extend(self, modules):
        """Adds modules at the end."""
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, index):
        """Takes a module out and returns it."""
        module = self[index]
        del self[index]
        return module

    def __dir__(self):
        return [name for name in super().__dir__() if not name.isdigit()]


class Sequential(Row):
    """Modules applied one after the other.

    y = f_n(... f_2(f_1(x)))

    Arguments:
        modules, or one dict of name to module.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        >>> tuple(net(torch.randn(5, 4)).shape)
        (5, 2)

    Source: *Understanding Deep Learning*, section 4.5 (deep networks as composed layers).
    """

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], dict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input):
        values = self.__dict__
        for name, kind in values["_kinds"].items():
            if kind == "module":
                input = values[name](input)
        return input

    def _slice(self, items):
        return type(self)(dict(items))

    def __add__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)


class ModuleList(Row):
    """A list of modules whose parameters count; it has no forward.

    Arguments:
        modules: an iterable of modules.

    Example:
        >>> import udlfast as torch
        >>> layers = torch.nn.ModuleList(torch.nn.Linear(3, 3) for _ in range(2))
        >>> len(layers), len(list(layers.parameters()))
        (2, 4)

    Source: *Understanding Deep Learning*, section 11.2 (blocks in a row).
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def _slice(self, items):
        return type(self)([module for _, module in items])

    def __iadd__(self, modules):
        return self.extend(modules)

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __repr__(self):
        """Equal neighbours are printed once, with their range: (0-2): 3 x Linear(...)."""
        groups = []
        for i, text in enumerate(map(repr, self)):
            if groups and groups[-1][2] == text:
                groups[-1][1] = i
            else:
                groups.append([i, i, text])
        if not groups:
            return self._get_name() + "()"
        lines = []
        for first, last, text in groups:
            head = f"({first})" if first == last else f"({first}-{last})"
            count = "" if first == last else f"{last - first + 1} x "
            lines.append(f"{head}: {count}{_views.indent(text)}")
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dict of modules whose parameters count; it has no forward.

    Arguments:
        modules: a dict of name to module, or pairs.

    Example:
        >>> import udlfast as torch
        >>> heads = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 1), "b": torch.nn.Identity()})
        >>> list(heads.keys())
        ['a', 'b']

    Source: *Understanding Deep Learning*, section 9.3.6 (several heads for several tasks).
    """

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return self._kinds.get(key) == "module"

    def clear(self):
        """Takes all modules out."""
        self._modules.clear()

    def pop(self, key):
        """Takes a module out and returns it."""
        module = self[key]
        del self[key]
        return module

    def keys(self):
        """The names."""
        return self._modules.keys()

    def items(self):
        """Pairs of name and module."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules):
        """Adds or replaces modules from a dict or pairs."""
        for name, module in modules.items() if hasattr(modules, "items") else modules:
            self[name] = module


def describe_value(value, kind_of=None):
    """One line about a member of a ParameterList or ParameterDict."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{kind_of or value.dtype} of size {'x'.join(map(str, value.shape))}]"


def as_parameter(value):
    """A tensor becomes a parameter; anything else stays as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list of parameters; plain tensors become parameters.

    Arguments:
        values: an iterable of tensors.

    Example:
        >>> import udlfast as torch
        >>> weights = torch.nn.ParameterList([torch.zeros(2), torch.ones(3)])
        >>> [tuple(p.shape) for p in weights.parameters()]
        [(2,), (3,)]

    Source: *Understanding Deep Learning*, section 3.1 (the parameters phi of a network).
    """

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter([self.__dict__[str(i)] for i in range(self._size)])

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self.__dict__[str(position(self, index))]

    def __setitem__(self, index, value):
        setattr(self, str(position(self, index)), as_parameter(value))

    def append(self, value):
        """Adds a tensor at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values):
        """Adds tensors at the end."""
        for value in list(values):
            self.append(value)
        return self

    __iadd__ = extend

    def extra_repr(self):
        return "\n".join(f"  ({i}): {describe_value(p)}" for i, p in enumerate(self))


class ParameterDict(Module):
    """A dict of parameters; plain tensors become parameters.

    Arguments:
        parameters: a dict of name to tensor, or pairs.

    Example:
        >>> import udlfast as torch
        >>> params = torch.nn.ParameterDict({"scale": torch.ones(1)})
        >>> params["scale"].requires_grad
        True

    Source: *Understanding Deep Learning*, section 3.1 (the parameters phi of a network).
    """

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key):
        return self.__dict__[key] if key in self._keys else self._missing(key)

    def _missing(self, key):
        raise KeyError(key)

    def __setitem__(self, key, value):
        if key not in self._keys and hasattr(self, key):
            raise KeyError(f"attribute '{key}' already exists")
        self._keys[key] = None
        setattr(self, key, as_parameter(value))

    def __delitem__(self, key):
        self[key]
        del self._keys[key]
        delattr(self, key)

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(list(self._keys))

    def __contains__(self, key):
        return key in self._keys

    def keys(self):
        """The names."""
        return list(self._keys)

    def values(self):
        """The parameters."""
        return [self[key] for key in self._keys]

    def items(self):
        """Pairs of name and parameter."""
        return [(key, self[key]) for key in self._keys]

    def get(self, key, default=None):
        """The parameter, or a default."""
        return self[key] if key in self._keys else default

    def pop(self, key):
        """Takes a parameter out and returns it."""
        value = self[key]
        del self[key]
        return value

    def update(self, parameters):
        """Adds or replaces parameters: of a plain dict by the order of their names, as PyTorch does, else in the order given."""
        pairs = parameters.items() if hasattr(parameters, "items") else parameters
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs = sorted(pairs, key=lambda pair: pair[0])
        for key, value in pairs:
            self[key] = value

    def clear(self):
        """Takes all parameters out."""
        for key in self.keys():
            del self[key]

    def popitem(self):
        """Takes the last parameter out: (name, parameter)."""
        key = self.keys()[-1] if self._keys else self._missing("popitem(): the dict is empty")
        return key, self.pop(key)

    def setdefault(self, key, default=None):
        """The parameter, which becomes `default` if there is none of that name."""
        if key not in self._keys:
            self[key] = default
        return self[key]

    def copy(self):
        """A dict of its own with the same parameters."""
        return ParameterDict(self.items())

    def fromkeys(self, keys, default=None):
        """A dict with one value under all the names."""
        return ParameterDict((key, default) for key in keys)

    def __reversed__(self):
        return reversed(self.keys())

    def __or__(self, other):
        both = self.copy()
        both.update(other)
        return both

    def __ror__(self, other):
        both = ParameterDict(other)
        both.update(self)
        return both

    def __ior__(self, other):
        self.update(other)
        return self

    def extra_repr(self):
        return "\n".join(f"  ({key}): {describe_value(p, isinstance(p, Tensor) and p.type())}" for key, p in self.items())
