"""Pruning: a mask of ones and zeros on a parameter, recomputed into the weight before each forward.

After `method.apply(module, "weight", ...)` the module has the parameter `weight_orig`, the buffer `weight_mask` and the plain
attribute `weight`, their product. `remove` makes the product the parameter again.

>>> import udlfast as torch
>>> layer = torch.nn.utils.prune.l1_unstructured(torch.nn.Linear(4, 2), "weight", amount=0.5)
>>> int((layer.weight == 0).sum()), [name for name, _ in layer.named_parameters()]
(4, ['bias', 'weight_orig'])

Source: *Understanding Deep Learning*, section 20.2.7 (lottery tickets).
"""

import numbers
from abc import ABC, abstractmethod

from ... import _core, ops
from ..._core import Tensor, no_grad
from ..parameter import Parameter

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer", "RandomStructured",
           "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
           "random_structured", "random_unstructured", "remove"]  # fmt: skip


def _methods(module):
    """The pruning methods among a module's hooks: {key: method}."""
    hooks = {} if module._hooks is None else module._hooks.before
    return {key: entry[0] for key, entry in hooks.items() if isinstance(entry[0], BasePruningMethod)}


def _check_amount(amount):
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    if amount < 0 or (not isinstance(amount, numbers.Integral) and amount > 1):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")


def _count(amount, of):
    """How many of `of` an amount (a number, or a share) is."""
    if isinstance(amount, numbers.Integral):
        if amount > of:
            raise ValueError(f"amount={amount} should be smaller than the number of parameters to prune={of}")
        return int(amount)
    return round(amount * of)


class BasePruningMethod(ABC):
    """A way of choosing what is pruned: a subclass has compute_mask(t, default_mask), and PRUNING_TYPE says what it counts
    ("unstructured", "structured" or "global")."""

    _tensor_name = None
    PRUNING_TYPE = "unstructured"

    def __call__(self, module, inputs):
        module.__dict__[self._tensor_name] = self.apply_mask(module)

    @abstractmethod
    def compute_mask(self, t, default_mask):
        """The new mask: default_mask with more zeros."""

    def apply_mask(self, module):
        """The parameter times its mask."""
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        mask = getattr(module, self._tensor_name + "_mask")
        original = getattr(module, self._tensor_name + "_orig")
        return mask.to(original.dtype) * original

    @classmethod
    def apply(cls, module, name, *args, importance_scores=None, **kwargs):
        """Prunes module.name, on top of what is pruned there already; the method (or the container of all)."""
        method = cls(*args, **kwargs)
        method._tensor_name = name
        found = [(k, m) for k, m in _methods(module).items() if m._tensor_name == name]
        if found:
            key, old = found[0]
            del module._hooks.before[key]
            container = old if isinstance(old, PruningContainer) else PruningContainer(old)
            container.add_pruning_method(method)
            method = container
            original = getattr(module, name + "_orig")
            default = getattr(module, name + "_mask").detach().clone()
        else:
            original = getattr(module, name)
            default = _core.ones_like(original.detach())
        scores = original if importance_scores is None else importance_scores
        if tuple(scores.shape) != tuple(original.shape):
            raise AssertionError(f"importance_scores should have the same shape as parameter {name} of {module}")
        if not found:
            delattr(module, name)
            module.register_parameter(name + "_orig", original if isinstance(original, Parameter) else Parameter(original))
        with no_grad():
            mask = method.compute_mask(scores.detach(), default)
        module.register_buffer(name + "_mask", mask)
        module.__dict__[name] = method.apply_mask(module)
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t, default_mask=None, importance_scores=None):
        """A pruned copy of a tensor."""
        scores = t if importance_scores is None else importance_scores
        if tuple(scores.shape) != tuple(t.shape):
            raise AssertionError("importance_scores should have the same shape as tensor t")
        return t * self.compute_mask(scores, _core.ones_like(t) if default_mask is None else default_mask)

    def remove(self, module):
        """Makes the product of parameter and mask the parameter; the hook has to be taken away by the caller."""
        name = self._tensor_name
        if name is None:
            raise AssertionError(f"Module {module} has to be pruned before pruning can be removed")
        weight = self.apply_mask(module)
        module.__dict__.pop(name, None)
        original = getattr(module, name + "_orig")
        with no_grad():
            original.data = weight.detach()
        delattr(module, name + "_orig")
        delattr(module, name + "_mask")
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Methods one after the other on the same parameter; the newest sees what the others left."""

    def __init__(self, *args):
        self._pruning_methods = ()
        for method in args:
            self.add_pruning_method(method)
        if args:
            self._tensor_name = args[0]._tensor_name

    def add_pruning_method(self, method):
        """Adds a method for the same parameter."""
        if not isinstance(method, BasePruningMethod) and method is not None:
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method is not None and self._tensor_name is not None and self._tensor_name != method._tensor_name:
            raise ValueError("Can only add pruning methods acting on the parameter named "
                             f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'")  # fmt: skip
        self._pruning_methods += (method,)

    def __len__(self):
        return len(self._pruning_methods)

    def __iter__(self):
        return iter(self._pruning_methods)

    def __getitem__(self, i):
        return self._pruning_methods[i]

    def compute_mask(self, t, default_mask):
        method, left = self._pruning_methods[-1], default_mask == 1
        new = default_mask.clone()
        if method.PRUNING_TYPE == "unstructured":
            new[left] = method.compute_mask(t[left], default_mask[left]).to(new.dtype)
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim
            kept = left.movedim(dim, 0).reshape(t.shape[dim], -1).any(1)
            where = (slice(None),) * dim + (kept,)
            new[where] = method.compute_mask(t[where], default_mask[where]).to(new.dtype)
        elif method.PRUNING_TYPE == "global":
            new = method.compute_mask(t, default_mask).to(new.dtype)
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        return new


class Identity(BasePruningMethod):
    """Prunes nothing, but sets up the mask."""

    def compute_mask(self, t, default_mask):
        return default_mask


class _Amount(BasePruningMethod):
    """Methods that take an amount: a number of entries, or a share between 0 and 1."""

    def __init__(self, amount):
        _check_amount(amount)
        self.amount = amount


class RandomUnstructured(_Amount):
    """Prunes entries drawn at random."""

    def compute_mask(self, t, default_mask):
        n, mask = _count(self.amount, t.numel()), default_mask.clone()
        if n:
            mask.view(-1)[ops.function("rand")(t.numel()).topk(n).indices] = 0
        return mask


class L1Unstructured(_Amount):
    """Prunes the entries of smallest absolute value."""

    def compute_mask(self, t, default_mask):
        n, mask = _count(self.amount, t.numel()), default_mask.clone()
        if n:
            mask.view(-1)[t.abs().reshape(-1).topk(n, largest=False).indices] = 0
        return mask


class _Structured(_Amount):
    """Prunes whole slices along dim; a subclass gives each its score."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount, dim=-1):
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t, default_mask):
        if t.ndim <= 1:
            raise ValueError(f"Structured pruning can only be applied to multidimensional tensors. Found tensor of shape {list(t.shape)} "
                             f"with {t.ndim} dims")  # fmt: skip
        if not -t.ndim <= self.dim < t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {list(t.shape)}")
        dim = self.dim % t.ndim
        n = _count(self.amount, t.shape[dim])
        mask = default_mask.clone()
        if n:
            mask.index_fill_(dim, self.scores(t.movedim(dim, 0).reshape(t.shape[dim], -1)).topk(n, largest=False).indices, 0)
        return mask


class RandomStructured(_Structured):
    """Prunes slices drawn at random."""

    def scores(self, rows):
        return ops.function("rand")(rows.shape[0])


class LnStructured(_Structured):
    """Prunes the slices of smallest n-norm."""

    def __init__(self, amount, n, dim=-1):
        super().__init__(amount, dim)
        self.n = n

    def scores(self, rows):
        return ops.function("norm")(rows, self.n, 1)


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask is 0."""

    PRUNING_TYPE = "global"

    def __init__(self, mask):
        self.mask = mask

    def compute_mask(self, t, default_mask):
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module, name):
    """The module with a mask of ones on module.name."""
    Identity.apply(module, name)
    return module


def random_unstructured(module, name, amount):
    """The module with entries of module.name pruned at random; amount is a number of entries, or a share."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module, name, amount, importance_scores=None):
    """The module with the smallest entries of module.name pruned (by importance_scores if given)."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module, name, amount, dim):
    """The module with slices of module.name along dim pruned at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module, name, amount, n, dim, importance_scores=None):
    """The module with the slices of module.name along dim of smallest n-norm pruned."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module, name, mask):
    """The module with module.name pruned where the mask is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters, pruning_method, importance_scores=None, **kwargs):
    """Prunes entries of several parameters, counted together.

    Arguments:
        parameters: pairs (module, name); pruning_method: an unstructured class, such as L1Unstructured.
        importance_scores: {(module, name): tensor}, instead of the values; kwargs: arguments of the class, such as amount.
    """
    parameters = list(parameters)
    scores = importance_scores or {}
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    values = [scores.get(pair, getattr(*pair)) for pair in parameters]
    masks = [getattr(m, n + "_mask", _core.ones_like(getattr(m, n).detach())) for m, n in parameters]
    cat = ops.function("cat")
    flat, default = (cat([t.detach().reshape(-1) for t in some]) for some in (values, masks))
    container = PruningContainer()
    container._tensor_name = "temp"
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    container.add_pruning_method(method)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found type {pruning_method}')
    with no_grad():
        final = container.compute_mask(flat, default)
    at = 0
    for (module, name), value in zip(parameters, values, strict=True):
        custom_from_mask(module, name, final[at : at + value.numel()].view_as(value))
        at += value.numel()


def remove(module, name):
    """The module with the pruned values of module.name as an ordinary parameter again."""
    for key, method in _methods(module).items():
        if method._tensor_name == name:
            method.remove(module)
            del module._hooks.before[key]
            if module._hooks.empty():
                module.__dict__.pop("_hooks", None)  # its call is short again
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")


def is_pruned(module):
    """Whether this module, or one below it, has pruned parameters."""
    if not isinstance(module, Tensor):
        return any(_methods(m) for m in module.modules())
    raise TypeError("is_pruned: expected a Module, got a Tensor")
