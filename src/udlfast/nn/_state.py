"""state_dict and load_state_dict of a Module: keys and order are PyTorch's."""

from collections import OrderedDict, namedtuple

from .. import errors
from .._core import Tensor, no_grad
from ._hooks import state_hooks
from .parameter import Parameter

EXTRA = "_extra_state"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What load_state_dict returns: the names that the state lacked, and those that no layer took."""

    __slots__ = ()

    def __repr__(self):
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"

    __str__ = __repr__


def no_extra_to_get(self):
    """Override to add an entry of your own to state_dict(); set_extra_state receives it again."""
    raise NotImplementedError(f"{type(self).__name__}.get_extra_state is called but not written")


def no_extra_to_set(self, state):
    """Override to take back what get_extra_state gave."""
    raise NotImplementedError(f"{type(self).__name__} has an extra state in this state_dict but no set_extra_state")


def save(module, destination, prefix, keep_vars):
    """Put the module's own parameters and persistent buffers (not its children's) into destination."""
    values = module.__dict__
    for kind in ("parameter", "buffer"):
        for name, of in module._kinds.items():
            if of == kind and values[name] is not None:
                destination[prefix + name] = values[name] if keep_vars else values[name].detach()
    if type(module).get_extra_state is not no_extra_to_get:
        destination[prefix + EXTRA] = module.get_extra_state()


def load(module, state, prefix, assign, missing, unexpected, problems):
    """Copy the module's own entries (not its children's) out of state, and note what does not fit."""
    values = module.__dict__
    own = {name for name, kind in module._kinds.items() if kind in ("parameter", "buffer") and values[name] is not None}
    for kind in ("parameter", "buffer"):
        for name in [n for n, k in module._kinds.items() if k == kind and n in own]:
            key = prefix + name
            if key not in state:
                missing.append(key)
                continue
            problem = _take(module, name, state[key], key, assign)
            if problem:
                problems.append(problem)
    _load_extra(module, state, prefix, missing, unexpected)
    for key in state:
        if key.startswith(prefix) and key != prefix + EXTRA:
            head, _, tail = key[len(prefix) :].partition(".")
            known = module._kinds.get(head) == "module" and values[head] is not None if tail else head in own
            if not known:
                unexpected.append(key)


def _load_extra(module, state, prefix, missing, unexpected):
    key = prefix + EXTRA
    if type(module).set_extra_state is not no_extra_to_set:
        if key in state:
            module.set_extra_state(state[key])
        else:
            missing.append(key)
    elif key in state:
        unexpected.append(key)


def _take(module, name, value, key, assign):
    """Give module.<name> the value; the text of the problem if that cannot be."""
    here = module.__dict__[name]
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor in the state_dict, '
            f"got {type(value).__name__}; from_numpy(...) makes a Tensor of an array."
        )
    if tuple(value.shape) != tuple(here.shape) and not (here.ndim == 0 and tuple(value.shape) == (1,)):
        return (
            f"size mismatch for {key}: copying a param with shape torch.Size({list(value.shape)}) from checkpoint, "
            f"the shape in current model is torch.Size({list(here.shape)})."
        )
    if assign:
        if isinstance(here, Parameter):
            value = Parameter(value, requires_grad=here.requires_grad)
        setattr(module, name, value)
    else:
        with no_grad():
            here.copy_(value.reshape(here.shape))
    return None


def load_all(module, state, strict, assign):
    """load_state_dict for a module and all its children."""
    if not hasattr(state, "keys"):
        raise TypeError(
            f"load_state_dict: expected state_dict to be dict-like, got {type(state).__name__}; "
            "load a file first: load_state_dict(torch.load(path))"
        )
    state = OrderedDict(state)
    missing, unexpected, problems = [], [], []
    _load_below(module, state, "", assign, missing, unexpected, problems)
    if strict:
        problems = _key_problems(module, state, missing, unexpected) + problems
    if problems:
        raise errors.ArgumentError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )
    return _IncompatibleKeys(missing, unexpected)


def _load_below(module, state, prefix, assign, missing, unexpected, problems):
    metadata = {"assign_to_params_buffers": True} if assign else {}
    for hook in state_hooks(module, "load_pre"):
        hook(module, state, prefix, metadata, True, missing, unexpected, problems)
    module._load_from_state_dict(state, prefix, metadata, True, missing, unexpected, problems)
    for name, child in module._modules.items():
        if child is None:
            continue
        start = f"{prefix}{name}."
        part = OrderedDict((k, v) for k, v in state.items() if k.startswith(start))
        _load_below(child, part, start, assign, missing, unexpected, problems)
    for hook in state_hooks(module, "load_post"):
        if hook(module, _IncompatibleKeys(missing, unexpected)) is not None:
            raise RuntimeError("hooks of register_load_state_dict_post_hook must return None; they may change the lists in place")


def _key_problems(module, state, missing, unexpected):
    """Text for missing and unexpected keys, with shapes and the likely reason."""
    problems = []
    if missing:
        shapes = {k: list(v.shape) for k, v in module.state_dict(keep_vars=True).items() if hasattr(v, "shape")}
        problems.append("Missing key(s) in state_dict: " + _list_keys(missing, shapes) + ". ")
    if unexpected:
        shapes = {k: list(v.shape) for k, v in state.items() if hasattr(v, "shape")}
        problems.append("Unexpected key(s) in state_dict: " + _list_keys(unexpected, shapes) + ". ")
    hint = _hint(state, missing, unexpected)
    return problems + [hint] if hint else problems


def _list_keys(keys, shapes, limit=40):
    text = ", ".join(f'"{k}" {shapes[k]}' if k in shapes else f'"{k}"' for k in keys[:limit])
    return text + (f" and {len(keys) - limit} more" if len(keys) > limit else "")


def _hint(state, missing, unexpected):
    if not missing or not unexpected:
        return None
    for key in unexpected:
        if hasattr(state[key], "keys"):
            return (
                f'Hint: entry "{key}" is itself a dict: the file is a checkpoint, load its part (checkpoint["{key}"]).'
            )
    head = unexpected[0].partition(".")[0] + "."
    if all(k.startswith(head) for k in unexpected) and set(missing) == {k[len(head) :] for k in unexpected}:
        return (
            f'Hint: every key has the prefix "{head}": load {{k.removeprefix("{head}"): v for k, v in state.items()}}.'
        )
    head = missing[0].partition(".")[0] + "."
    if set(unexpected) == {k[len(head) :] for k in missing if k.startswith(head)}:
        return (
            f'Hint: the state belongs to the part "{head[:-1]}" of this model: call model.{head[:-1]}.load_state_dict.'
        )
    return None
