"""torch.hub, refused: it runs code from the network."""

import os as _os
import re as _re
from urllib.parse import urlparse as urlparse

from .errors import ArgumentError

HASH_REGEX = _re.compile(r"-([a-f0-9]*)\.")  # the hash in the name of a file of weights


def _refuse(name):
    def refuse(*args, **kwargs):
        raise ArgumentError(f"hub.{name}: this would run code from the network; get the weights as a safetensors or .pt file "
                            f"and read them with torch.load, or see udlfast.models.pretrained")  # fmt: skip

    refuse.__name__, refuse.__doc__ = name, "Refused: see the module."
    return refuse


load, list, help, download_url_to_file, load_state_dict_from_url, get_dir, set_dir = map(  # noqa: A001
    _refuse, ("load", "list", "help", "download_url_to_file", "load_state_dict_from_url", "get_dir", "set_dir"))  # fmt: skip


def _get_torch_home():
    """The folder in which libraries keep what they downloaded."""
    return _os.path.expanduser(_os.environ.get("TORCH_HOME", "~/.cache/torch"))


def __getattr__(name):
    """`from torch.hub import tqdm`: the progress bar, if that package is installed."""
    if name == "tqdm":
        from tqdm import tqdm

        return tqdm
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
