"""torch.nn.parallel's DataParallel: there is one device, so the module itself computes."""

import sys as _sys
import types as _types

from ..device import check_device
from .module import Module

__all__ = ["DataParallel"]


class DataParallel(Module):
    """Runs the module on the one device there is: scripts that wrap their model keep working, with the same state_dict keys.

    Arguments:
        module: the model; device_ids, output_device, dim: accepted for compatibility.
        Children: module.

    Example:
        >>> import udlfast as torch
        >>> net = torch.nn.DataParallel(torch.nn.Linear(3, 2))
        >>> list(net.state_dict()), tuple(net(torch.ones(4, 3)).shape)
        (['module.weight', 'module.bias'], (4, 2))

    Source: PyTorch's class of that name.
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0):
        super().__init__()
        for device in [*(device_ids or []), output_device]:
            if device is not None and not isinstance(device, int):
                check_device(device)
        self.dim = dim
        self.module = module
        self.device_ids = []

    def forward(self, *inputs, **kwargs):
        return self.module(*inputs, **kwargs)


def data_parallel(module, inputs, device_ids=None, output_device=None, dim=0, module_kwargs=None):
    """module(*inputs): DataParallel as a function."""
    inputs = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(DataParallel):
    """The name, for scripts that import it: to make one raises ArgumentError, as this release trains in one process."""

    def __init__(self, module, *args, **kwargs):
        from ..errors import ArgumentError

        raise ArgumentError("DistributedDataParallel: this release trains in one process; use the module itself, or DataParallel")



def _one_device(name):
    def refuse(*args, **kwargs):
        from ..errors import ArgumentError

        raise ArgumentError(f"{name}: there is one device, so there is nothing to distribute over; call the module on the whole batch")

    refuse.__name__, refuse.__doc__ = name, "Refused: there is one device."
    return refuse


scatter, gather, replicate, parallel_apply = map(_one_device, ("scatter", "gather", "replicate", "parallel_apply"))
for _file, _names in {"distributed": ("DistributedDataParallel",), "data_parallel": ("DataParallel", "data_parallel"),
                      "scatter_gather": ("scatter", "gather"), "replicate": ("replicate",),
                      "parallel_apply": ("parallel_apply",)}.items():  # fmt: skip
    _module = _types.ModuleType(f"{__name__}.{_file}", "Names of torch.nn.parallel.")
    _module.__dict__.update({n: globals()[n] for n in _names})
    _sys.modules[_module.__name__] = _module
distributed, scatter_gather = (_sys.modules[f"{__name__}.{f}"] for f in ("distributed", "scatter_gather"))
