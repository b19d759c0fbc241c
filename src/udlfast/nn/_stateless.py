"""Modules as functions of their parameters."""

from .._core import Tensor
from ..errors import ArgumentError

__all__ = ["functional_call", "stack_module_state"]


def _owner(module, name):
    """(the submodule that holds `name`, its own name there)"""
    path, _, last = name.rpartition(".")
    owner = module.get_submodule(path) if path else module
    if owner._kinds.get(last) not in ("parameter", "buffer", "transient"):
        raise ArgumentError(f"functional_call: the module {type(module).__name__} has no parameter or buffer named {name!r}")
    return owner, last


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """module(*args, **kwargs) with some of its parameters and buffers replaced for this call.

    Arguments:
        module: any Module; parameter_and_buffer_dicts: {name: tensor}, or several such dicts.
        args: a tuple of arguments, or one; kwargs: named arguments.
        tie_weights: a parameter under several names is replaced under all of them; strict: every parameter and buffer must be given.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.Linear(1, 1, bias=False)
        >>> torch.func.functional_call(layer, {"weight": torch.tensor([[2.]])}, (torch.tensor([3.]),))
        tensor([6.])
    """
    given = parameter_and_buffer_dicts
    if isinstance(given, (tuple, list)):
        names = [n for d in given for n in d]
        if len(set(names)) != len(names):
            raise ArgumentError("functional_call: the same name is in more than one dictionary")
        given = {n: t for d in given for n, t in d.items()}
    if not isinstance(given, dict):
        raise ArgumentError(f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(given)}")
    if strict:
        known = {n for of in (module.named_parameters, module.named_buffers) for n, _ in of(remove_duplicate=False)}
        if known != set(given):
            raise ArgumentError(f"functional_call: Missing key(s): {sorted(known - set(given))}. Unexpected key(s): "
                                f"{sorted(set(given) - known)}.")  # fmt: skip
    places = {name: _owner(module, name) for name in given}
    by_place = {(id(o), n): given[name] for name, (o, n) in places.items()}
    old, swaps = {}, []
    for name, (owner, last) in places.items():
        before = owner.__dict__[last]
        if before is not None:
            old[id(before)] = given[name]
        swaps.append((owner, last, before, given[name]))
    if tie_weights and old:
        for owner in module.modules():
            for last, kind in owner._kinds.items():
                if kind != "module" and (id(owner), last) not in by_place and id(owner.__dict__[last]) in old:
                    swaps.append((owner, last, owner.__dict__[last], old[id(owner.__dict__[last])]))
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    for owner, last, _, new in swaps:
        owner.__dict__[last] = new
    try:
        return module(*args, **(kwargs or {}))
    finally:
        for owner, last, before, new in swaps:
            now = owner.__dict__[last]
            if owner._kinds.get(last) in ("buffer", "transient") and now is not new and isinstance(now, Tensor):
                for name, place in places.items():  # a buffer that the call replaced: the caller's dictionary learns of it
                    if place == (owner, last):
                        given[name] = now
            owner.__dict__[last] = before


def stack_module_state(models):
    """(parameters, buffers) of several models of one architecture, each stacked along a new first dimension: for vmap.

    Example:
        >>> import udlfast as torch
        >>> params, buffers = torch.func.stack_module_state([torch.nn.Linear(2, 1) for _ in range(3)])
        >>> list(params["weight"].shape)
        [3, 1, 2]
    """
    from ..ops.joining import stack

    models = list(models)
    if not models:
        raise ArgumentError("stack_module_state: Expected at least one model, got 0.")
    if len({type(m) for m in models}) != 1 or len({m.training for m in models}) != 1:
        raise ArgumentError("stack_module_state: Expected all models to be of the same class and in the same training mode.")

    def stacked(dicts, leaf):
        found = {}
        for name in dicts[0]:
            t = stack([d[name] for d in dicts]).detach()
            found[name] = t.requires_grad_(all(d[name].requires_grad for d in dicts)) if leaf else t
        return found

    return (stacked([dict(m.named_parameters()) for m in models], True), stacked([dict(m.named_buffers()) for m in models], False))
