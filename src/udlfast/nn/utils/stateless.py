"""Calling a module with other parameters and buffers than its own."""

from ... import errors

__all__ = ["functional_call"]


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """module(*args, **kwargs) with the named parameters and buffers replaced for the length of the call.

    Arguments:
        module: the module; it is as before afterwards.
        parameters_and_buffers: {path: tensor}, or a sequence of such; names that are missing keep the module's own tensors.
        args, kwargs: of forward; one argument needs no tuple.
        tie_weights: a parameter that the module has under several names is replaced under all of them.
        strict: names must be exactly the module's.
    Returns: what forward returns; gradients reach the given tensors

    >>> import udlfast as torch
    >>> layer = torch.nn.Linear(2, 1, bias=False)
    >>> torch.nn.utils.stateless.functional_call(layer, {"weight": torch.ones(1, 2)}, torch.tensor([[1.0, 2.0]])).item()
    3.0
    """
    if not isinstance(parameters_and_buffers, dict):
        parameters_and_buffers = {k: v for part in parameters_and_buffers for k, v in part.items()}
    given = dict(parameters_and_buffers)
    known = dict(module.named_parameters(remove_duplicate=False)) | dict(module.named_buffers(remove_duplicate=False))
    unexpected = [k for k in given if k not in known]
    missing = [k for k in known if k not in given]
    if strict and (missing or unexpected):
        raise errors.ArgumentError(f"functional_call: missing key(s): {missing}, unexpected key(s): {unexpected}")
    if unexpected:
        raise errors.ArgumentError(f"functional_call: {type(module).__name__} has no parameter or buffer {unexpected}")
    if tie_weights:
        by_id = {id(known[k]): v for k, v in given.items()}
        given = {k: by_id[id(t)] for k, t in known.items() if id(t) in by_id} | given
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    changed = []
    try:
        for path, value in given.items():
            owner, _, name = path.rpartition(".")
            values = module.get_submodule(owner).__dict__
            changed.append((values, name, values[name]))
            values[name] = value
        return module(*args, **(kwargs or {}))
    finally:
        for values, name, value in reversed(changed):
            values[name] = value
