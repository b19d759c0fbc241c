"""Checkpoints: the weights of a model and plain facts about it, in one file (.pt, .safetensors)."""


def save_checkpoint(path, model, meta=None):
    """Write model.state_dict() and `meta` to `path`, whose name tells the format (.pt, .safetensors), all or nothing.

    meta: a dict of numbers, strings, lists and dicts. Returns path.
    Raises what `udlfast.save` raises.
    """
    from .. import save

    save({"model": model.state_dict(), "meta": meta or {}}, path)
    return path


def load_checkpoint(path, model=None):
    """(state_dict, meta) of a checkpoint; with `model`, its weights are set as well.

    A file that holds only tensors, such as a saved state_dict, gives empty meta.
    Raises what `udlfast.load` raises for a damaged file, and ValueError for a file that holds something else.
    """
    from .. import load

    content = load(path)
    if not isinstance(content, dict):
        raise ValueError(f"load_checkpoint: {path} holds a {type(content).__name__}, expected a checkpoint")
    state, meta = content, {}
    if isinstance(content.get("model"), dict):
        state, meta = content["model"], content.get("meta", {})
    if model is not None:
        model.load_state_dict(state)
    return state, meta
