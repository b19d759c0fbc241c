"""torch.nn.parallel's DataParallel: there is one device, so the module itself computes."""

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
