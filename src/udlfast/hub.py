"""torch.hub, refused: it runs code from the network."""

from .errors import ArgumentError


def _refuse(name):
    def refuse(*args, **kwargs):
        raise ArgumentError(f"hub.{name}: this would run code from the network; get the weights as a safetensors or .pt file "
                            f"and read them with torch.load, or see udlfast.models.pretrained")  # fmt: skip

    refuse.__name__, refuse.__doc__ = name, "Refused: see the module."
    return refuse


load, list, help, download_url_to_file, load_state_dict_from_url, get_dir, set_dir = map(  # noqa: A001
    _refuse, ("load", "list", "help", "download_url_to_file", "load_state_dict_from_url", "get_dir", "set_dir"))  # fmt: skip
