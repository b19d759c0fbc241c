"""weight_norm and spectral_norm in their older form: a hook computes the weight before each forward."""

from ... import errors
from ..._core import no_grad
from ..parameter import Parameter
from ._norms import norm_except, power_iteration, rows_of, start_vectors

__all__ = ["weight_norm", "remove_weight_norm", "spectral_norm", "remove_spectral_norm"]


class WeightHook:
    """One recomputed weight of a module; `hooks` of the module keep it."""

    def __init__(self, name):
        self.name = name

    def __call__(self, module, inputs):
        module.__dict__[self.name] = self.compute_weight(module)

    def install(self, module):
        for kind in list(module._hooks.before.values()) if module._hooks else ():
            if type(kind[0]) is type(self) and kind[0].name == self.name:
                raise RuntimeError(f"Cannot register two {type(self).__name__} hooks on the same parameter {self.name}")
        module.register_forward_pre_hook(self)


class WeightNorm(WeightHook):
    """w = g v / |v|"""

    def __init__(self, name, dim):
        super().__init__(name)
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module):
        g, v = getattr(module, self.name + "_g"), getattr(module, self.name + "_v")
        return v * (g / norm_except(v, self.dim))


class SpectralNorm(WeightHook):
    """w / sigma"""

    def __init__(self, name, n_power_iterations, dim, eps):
        super().__init__(name)
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim, eps

    def compute_weight(self, module, update=None):
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        rows = rows_of(weight, self.dim)
        if module.training if update is None else update:
            with no_grad():
                power_iteration_left(rows, u, v, self.n_power_iterations, self.eps)
            u, v = u.clone(), v.clone()
        return weight / (u @ (rows @ v))


def power_iteration_left(rows, u, v, steps, eps):
    """As power_iteration, v first: the older form's order."""
    power_iteration(rows.t(), v, u, steps, eps)


def _find(module, name, cls):
    for key, (hook, _) in list(module._hooks.before.items()) if module._hooks else ():
        if type(hook) is cls and hook.name == name:
            return key, hook
    raise errors.ArgumentError(f"{cls.__name__} of {name!r} not found in {type(module).__name__}")


def weight_norm(module, name="weight", dim=0):
    """Splits a weight into length and direction, w = g v / |v|, computed anew before each forward.

    Arguments:
        module, name: whose weight; dim: the dimension that keeps one length each, None: one for all.
        Parameters: weight_g and weight_v in place of weight.

    >>> import udlfast as torch
    >>> layer = torch.nn.utils.weight_norm(torch.nn.Linear(20, 40))
    >>> tuple(layer.weight_g.shape), tuple(layer.weight_v.shape)
    ((40, 1), (40, 20))

    Source: Salimans and Kingma 2016. parametrizations.weight_norm is the newer form.
    """
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    hook_free = module._kinds.pop(name)
    assert hook_free == "parameter"
    del module.__dict__[name]
    with no_grad():
        length = norm_except(weight.detach(), hook.dim)
    module.register_parameter(name + "_g", Parameter(length))
    module.register_parameter(name + "_v", Parameter(weight.detach().clone()))
    module.__dict__[name] = hook.compute_weight(module)
    hook.install(module)
    return module


def remove_weight_norm(module, name="weight"):
    """Makes the weight an ordinary parameter again, with its present value."""
    key, hook = _find(module, name, WeightNorm)
    with no_grad():
        weight = hook.compute_weight(module).detach()
    _replace(module, name, ("_g", "_v"), weight, key)
    return module


def _replace(module, name, endings, weight, key):
    module.__dict__.pop(name, None)
    for ending in endings:
        delattr(module, name + ending)
    module.register_parameter(name, Parameter(weight.clone()))
    module._hooks.before.pop(key)


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divides a weight by its largest singular value, computed anew before each forward.

    Arguments:
        module, name: whose weight; n_power_iterations: steps a forward in training; eps: keeps norms from 0.
        dim: the dimension of the outputs; None: 0, or 1 for transposed convolutions.
        Parameters: weight_orig; buffers weight_u, weight_v.

    >>> import udlfast as torch
    >>> layer = torch.nn.utils.spectral_norm(torch.nn.Linear(20, 40))
    >>> tuple(layer.weight_u.shape)
    (40,)

    Source: Miyato et al. 2018. parametrizations.spectral_norm is the newer form.
    """
    if n_power_iterations <= 0:
        raise errors.ArgumentError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
    errors.check_repeats("spectral_norm: n_power_iterations", n_power_iterations)
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module.__dict__.pop(name)
    del module._kinds[name]
    with no_grad():
        u, v = start_vectors(rows_of(weight.detach(), dim), eps)
    module.register_parameter(name + "_orig", weight)
    module.__dict__[name] = weight.detach()
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    hook.install(module)
    return module


def remove_spectral_norm(module, name="weight"):
    """Makes the weight an ordinary parameter again, with its present value."""
    key, hook = _find(module, name, SpectralNorm)
    with no_grad():
        weight = hook.compute_weight(module, False).detach()
    _replace(module, name, ("_orig", "_u", "_v"), weight, key)
    return module
