"""Checkpoints: the weights of a model and plain facts about it, in one safetensors file."""

KEY = "udlfast"


def save_checkpoint(path, model, meta=None):
    """Write model.state_dict() and `meta` to `path` (safetensors), all or nothing.

    meta: a dict of what json can write; kept as text in the file's header. Returns path.
    """
    import json

    from .. import save

    save(model.state_dict(), path, metadata={KEY: json.dumps(meta or {}, sort_keys=True)})
    return path


def load_checkpoint(path, model=None):
    """(state_dict, meta) of a file that save_checkpoint wrote; with `model`, its weights are set as well.

    Raises what `udlfast.load` raises for a damaged file, and ValueError when the meta text is not a json object.
    """
    import json

    from .. import load

    state, metadata = load(path, return_metadata=True)
    try:
        meta = json.loads(metadata.get(KEY, "{}"))
    except json.JSONDecodeError as e:
        raise ValueError(f"load_checkpoint: {path}: the entry {KEY!r} of its header is not json ({e})") from e
    if not isinstance(meta, dict):
        raise ValueError(f"load_checkpoint: {path}: the entry {KEY!r} of its header is not a json object")
    if model is not None:
        model.load_state_dict(state)
    return state, meta
