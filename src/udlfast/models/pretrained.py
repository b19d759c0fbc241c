"""Folders of weights as Hugging Face lays them out: config.json beside model.safetensors."""
import json
import os


def read_config(folder):
    """config.json of a folder as a dict; FileNotFoundError says what was looked for."""
    path = os.path.join(folder, "config.json")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{folder} has no config.json; expected a folder with config.json and model.safetensors")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_weights(folder):
    """The tensors of model.safetensors, or of all the parts that model.safetensors.index.json names."""
    from .. import load

    index = os.path.join(folder, "model.safetensors.index.json")
    if not os.path.isfile(index):
        return load(os.path.join(folder, "model.safetensors"))
    with open(index, encoding="utf-8") as file:
        parts = sorted(set(json.load(file)["weight_map"].values()))
    state = {}
    for part in parts:
        if os.path.basename(part) != part:
            raise ValueError(f"{index} names {part!r}, which is not a file of the folder")
        state.update(load(os.path.join(folder, part)))
    return state


def with_prefix(state, prefix, inside):
    """`state` with `prefix` before each name if it was saved without (or taken off if not `inside`)."""
    has = any(name.startswith(prefix) for name in state)
    if has == inside:
        return dict(state)
    return {(prefix + k if inside else k.removeprefix(prefix)): v for k, v in state.items()}


def check_heads(model, width, heads):
    """Refuse a width that its heads do not divide."""
    if heads < 1 or width % heads:
        raise ValueError(f"{model}: {heads} heads do not divide the width {width}")
