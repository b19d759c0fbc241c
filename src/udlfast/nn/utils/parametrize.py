"""Parametrizations: a parameter of a module computed from others each time it is read.

`register_parametrization(layer, "weight", f)` moves the parameter to `layer.parametrizations.weight.original` and lets
`layer.weight` be f(original); several are applied one after the other. The layer gets a class of its own, whose property
`weight` computes.
"""

import copy
from contextlib import contextmanager

from ... import errors
from ..._core import Tensor, no_grad
from ..container import ModuleDict, ModuleList
from ..parameter import Parameter

__all__ = ["cached", "ParametrizationList", "register_parametrization", "is_parametrized", "remove_parametrizations",
           "type_before_parametrizations", "transfer_parametrizations_and_params"]  # fmt: skip

_depth = 0
_cache = {}


@contextmanager
def cached():
    """Within this block each parametrized tensor is computed once, at its first use.

    >>> import udlfast as torch
    >>> from udlfast.nn.utils import parametrize
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 2))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _cache.clear()


def _into(tensor, value):
    """Gives the tensor other values (and maybe another shape), staying the same object."""
    with no_grad():
        if tuple(tensor.shape) == tuple(value.shape) and tensor.dtype is value.dtype:
            tensor.copy_(value)
        else:
            tensor.data = value.detach()


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, with what the tensor is computed from: `original`, or original0, original1 ...

    Arguments:
        modules: the parametrizations, in the order of their use.
        original: the parameter or buffer as it was.
        unsafe: skip the checks that shape and type stay the same.

    Source: PyTorch's class of that name.
    """

    def __init__(self, modules, original, unsafe=False):
        modules = list(modules)
        if not modules:
            raise errors.ArgumentError("ParametrizationList: needs at least one parametrization")
        super().__init__(modules)
        self.unsafe = unsafe
        value = original
        with no_grad():
            for module in reversed(modules):
                if hasattr(module, "right_inverse"):
                    value = module.right_inverse(value)
        self.is_tensor = isinstance(value, Tensor)
        self.ntensors = 1 if self.is_tensor else len(value)
        if self.is_tensor:
            if original.dtype is not value.dtype:
                raise errors.ArgumentError(
                    f"register_parametrization: right_inverse must keep the dtype {original.dtype}, it gave {value.dtype}"
                )
            if value is not original:
                _into(original, value)
            self._keep("original", original)
        else:
            for i, part in enumerate(value):
                if not isinstance(part, Tensor):
                    raise errors.ArgumentError(
                        f"register_parametrization: right_inverse must give a Tensor or Tensors, got {type(part).__name__}"
                    )
                if isinstance(original, Parameter):
                    part = Parameter(part.detach().clone(), original.requires_grad)
                self._keep(f"original{i}", part)
        if not unsafe:
            self._check(original.dtype)

    def _keep(self, name, tensor):
        if isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)

    def _check(self, dtype):
        value = self()
        if not isinstance(value, Tensor):
            raise errors.ArgumentError(f"register_parametrization: a parametrization must return a Tensor, got {type(value).__name__}")
        if value.dtype is not dtype:
            raise errors.ArgumentError(
                f"register_parametrization: the parametrization changes the dtype from {dtype} to {value.dtype}; "
                "pass unsafe=True if that is meant"
            )

    def originals(self):
        """What the tensor is computed from."""
        return [self.original] if self.is_tensor else [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value):
        """Sets the originals so that the parametrized tensor becomes (as far as it can) the value."""
        with no_grad():
            for module in reversed(list(self.children())):
                if not hasattr(module, "right_inverse"):
                    raise errors.ArgumentError(f"parametrization {type(module).__name__} does not implement right_inverse")
                value = module.right_inverse(value)
            for original, part in zip(self.originals(), [value] if self.is_tensor else value, strict=True):
                _into(original, part)

    def forward(self):
        modules = list(self.children())
        value = modules[0](*self.originals())
        for module in modules[1:]:
            value = module(value)
        return value


def _property(name):
    def get(self):
        if not _depth:
            return self.__dict__["parametrizations"][name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.__dict__["parametrizations"][name]()
        return _cache[key]

    def put(self, value):
        self.__dict__["parametrizations"][name].right_inverse(value)

    return property(get, put)


class _Parametrized:
    """What the class of a parametrized module has more than the module's own class."""

    def __deepcopy__(self, memo):
        new = type(self).__mro__[1].__new__(type(self).__mro__[1])
        memo[id(self)] = new
        new.__dict__.update(copy.deepcopy(self.__dict__, memo))
        _set_class(new, list(new.parametrizations))
        return new

    def __reduce_ex__(self, protocol):
        state = dict(self.__dict__)
        return _rebuild, (type(self).__mro__[1], list(self.parametrizations), state)


def _rebuild(cls, names, state):
    module = cls.__new__(cls)
    module.__dict__.update(state)
    _set_class(module, names)
    return module


def _set_class(module, names):
    cls = type_before_parametrizations(module)
    own = {name: getattr(_Parametrized, name) for name in ("__deepcopy__", "__reduce_ex__")}
    own |= {name: _property(name) for name in names} | {"__module__": cls.__module__, "_parametrized": True}
    module.__class__ = type(f"Parametrized{cls.__name__}", (cls,), own)


def register_parametrization(module, tensor_name, parametrization, *, unsafe=False):
    """Lets a parameter or buffer of the module be computed by a parametrization (a module) from what it was.

    Arguments:
        module, tensor_name: whose tensor, and which.
        parametrization: a module; if it has right_inverse(value), that gives what is kept (one or several tensors).
        unsafe: skip the checks that shape and dtype stay the same.
    Returns: the module

    >>> import udlfast as torch
    >>> class Symmetric(torch.nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = torch.nn.utils.parametrize.register_parametrization(torch.nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all()), list(layer.state_dict())
    (True, ['bias', 'parametrizations.weight.original'])

    Source: PyTorch's function of that name.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        known = module.parametrizations[tensor_name]
        if not unsafe:
            before = getattr(module, tensor_name)
            after = parametrization(before)
            if not isinstance(after, Tensor) or after.dtype is not before.dtype or tuple(after.shape) != tuple(before.shape):
                raise errors.ArgumentError(
                    f"register_parametrization: {type(parametrization).__name__} changes the shape or dtype of {tensor_name}; "
                    "pass unsafe=True if that is meant"
                )
        with no_grad():
            if hasattr(parametrization, "right_inverse"):
                value = parametrization.right_inverse(getattr(module, tensor_name))
                known.append(parametrization)
                for inner in reversed(list(known.children())[:-1]):
                    if hasattr(inner, "right_inverse"):
                        value = inner.right_inverse(value)
                for original, part in zip(known.originals(), [value] if known.is_tensor else value, strict=True):
                    _into(original, part)
            else:
                known.append(parametrization)
        return module
    kind = module._kinds.get(tensor_name)
    if kind not in ("parameter", "buffer", "transient"):
        raise errors.ArgumentError(
            f"register_parametrization: {type(module).__name__} does not have a parameter, a buffer, or a parametrized element "
            f"with name {tensor_name}"
        )
    original = module.__dict__[tensor_name]
    shape = tuple(original.shape)
    entry = ParametrizationList([parametrization], original, unsafe)
    if not unsafe and tuple(entry().shape) != shape:
        raise errors.ArgumentError(
            f"register_parametrization: {type(parametrization).__name__} changes the shape of {tensor_name} from {list(shape)} to "
            f"{list(entry().shape)}; pass unsafe=True if that is meant"
        )
    del module._kinds[tensor_name], module.__dict__[tensor_name]
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = entry
    _set_class(module, list(module.parametrizations))
    return module


def is_parametrized(module, tensor_name=None):
    """Whether the module (or this tensor of it) is parametrized."""
    found = module.__dict__.get("parametrizations")
    if not isinstance(found, ModuleDict) or not getattr(type(module), "_parametrized", False):
        return False
    return tensor_name in found if tensor_name is not None else bool(len(found))


def remove_parametrizations(module, tensor_name, leave_parametrized=True):
    """Makes a parametrized tensor an ordinary one again.

    Arguments:
        module, tensor_name: whose tensor, and which.
        leave_parametrized: keep the computed value (as a parameter, where the original was one); False: go back to the original.
    Returns: the module
    """
    if not is_parametrized(module, tensor_name):
        raise errors.ArgumentError(f"remove_parametrizations: {type(module).__name__} does not have a parametrization on {tensor_name}")
    entry = module.parametrizations[tensor_name]
    if entry.is_tensor:
        tensor = entry.original
        if leave_parametrized:
            with no_grad():
                _into(tensor, getattr(module, tensor_name))
    elif leave_parametrized:
        parameter = isinstance(entry.originals()[0], Parameter)
        with no_grad():
            tensor = getattr(module, tensor_name).detach().clone()
        tensor = Parameter(tensor) if parameter else tensor
    else:
        raise errors.ArgumentError(
            "remove_parametrizations: leave_parametrized=False needs a tensor that is parametrized by one tensor"
        )
    del module.parametrizations[tensor_name]
    rest = list(module.parametrizations)
    module.__class__ = type_before_parametrizations(module)
    if rest:
        _set_class(module, rest)
    else:
        del module.parametrizations
    if isinstance(tensor, Parameter):
        module.register_parameter(tensor_name, tensor)
    else:
        module.register_buffer(tensor_name, tensor)
    return module


def type_before_parametrizations(module):
    """The class of the module without its parametrizations."""
    cls = type(module)
    return cls.__mro__[1] if "_parametrized" in cls.__dict__ else cls


def transfer_parametrizations_and_params(from_module, to_module, tensor_name=None):
    """Gives another module the same parametrizations and the tensors behind them; those of one name, or all.

    Returns: to_module
    """
    if not is_parametrized(from_module):
        return to_module
    for name in [tensor_name] if tensor_name is not None else list(from_module.parametrizations):
        entry = from_module.parametrizations[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach().clone()))
        for module in entry.children():
            register_parametrization(to_module, name, module, unsafe=True)
        for ours, theirs in zip(to_module.parametrizations[name].originals(), entry.originals(), strict=True):
            _into(ours, theirs)
    return to_module
