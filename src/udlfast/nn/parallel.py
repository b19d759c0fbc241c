"""torch.nn.parallel: DataParallel, where one device means that the module itself computes, and training in several processes."""

import sys as _sys
import types as _types
from contextlib import contextmanager
from importlib import import_module

from .._core import is_grad_enabled
from ..device import check_device
from ..errors import ArgumentError
from .module import Module

__all__ = ["DataParallel", "DistributedDataParallel"]


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


class DistributedDataParallel(Module):
    """Trains one module in several processes, each with its share of the batch: gradients become means over all of them.

    Parameters and buffers start as those of process 0. While backward goes on, gradients that are complete travel in buckets,
    and when it ends each `grad` is the mean over the processes, with the same bits everywhere and in every run. After the first
    backward, grads of small parameters are views of their bucket's memory, which the next backward writes to again.

    Arguments:
        module: the model, with the same parameters in every process.
        process_group: from `distributed.new_group`; default: all processes.
        broadcast_buffers: before each forward buffers become those of process 0; those of batch norm, which only eval mode reads,
            before each forward in eval mode.
        bucket_cap_mb: largest bucket of small gradients (default 4); one of 1 MiB or more travels by itself, without a copy.
        find_unused_parameters: parameters that backward does not reach are taken as 0 where another process reaches them, and keep
            their grad where none does. Without it they are an error.
        compress: None; "bf16", half the bytes, each number rounded twice; or a share such as 0.01: only the largest numbers travel, the
            rest is kept in the process and added to the next gradient. `held_back` has state_dict() and load_state_dict() for what is
            kept, after `held_back.consolidate_state_dict()` in all processes; checkpoints of `train.fit` hold it.
        device_ids, output_device, dim, init_sync, check_reduction, gradient_as_bucket_view, static_graph: accepted for compatibility.
        Children: module.

    Raises:
        ArgumentError without a process group, and where the processes' modules differ.

    Example:
        >>> import udlfast as torch
        >>> torch.distributed.is_initialized()  # torch.distributed.init() first, under mpiexec
        False

    Source: Li et al. 2020, *PyTorch Distributed*; Aji and Heafield 2017 and Stich et al. 2018 (top-k with memory).
    """

    def __init__(self, module, device_ids=None, output_device=None, dim=0, broadcast_buffers=True, init_sync=True, process_group=None,
                 bucket_cap_mb=None, find_unused_parameters=False, check_reduction=False, gradient_as_bucket_view=False,
                 static_graph=False, compress=None):  # fmt: skip
        super().__init__()
        distributed = import_module("udlfast.distributed")  # which stands above this floor
        reducer = import_module("udlfast.distributed._reducer")
        if not distributed.is_initialized():
            raise ArgumentError("DistributedDataParallel: there is no process group; call udlfast.distributed.init() first, and start the "
                                "script with mpiexec -n N python script.py")  # fmt: skip
        for device in [*(device_ids or []), output_device]:
            if device is not None and not isinstance(device, int):
                check_device(device)
        named = [(name, p) for name, p in module.named_parameters() if p.requires_grad]
        if not named:
            raise ArgumentError("DistributedDataParallel: no parameter of the module requires a gradient; use the module itself")
        self.module, self.dim, self.broadcast_buffers = module, dim, broadcast_buffers
        self.process_group = distributed.current(process_group, "DistributedDataParallel")
        self.require_backward_grad_sync = True
        sharing = import_module("udlfast.distributed._sharing")
        sharing.compare(module, self.process_group)
        sharing.broadcast_all([*module.parameters(), *module.buffers()], self.process_group)
        self._always, self._in_eval = sharing.split_buffers(module)
        self.reducer = None
        reducer.check_compress(compress)
        if self.process_group.size > 1:
            cap = reducer.CAP if bucket_cap_mb is None else int(bucket_cap_mb * 2**20)
            self.reducer = reducer.Reducer(named, self.process_group, cap, compress, find_unused_parameters)
        self.held_back = None
        if isinstance(compress, float):
            self.held_back = import_module("udlfast.distributed._held").HeldBack(named, self.process_group, self.reducer)

    def forward(self, *inputs, **kwargs):
        if self.reducer is not None:
            if is_grad_enabled():
                self.reducer.prepare(self.require_backward_grad_sync)
            if self.broadcast_buffers and (self.require_backward_grad_sync or not self.training):
                buffers = self._always if self.training else self._always + self._in_eval
                if buffers:
                    import_module("udlfast.distributed._sharing").broadcast_all(buffers, self.process_group)
        return self.module(*inputs, **kwargs)

    @contextmanager
    def no_sync(self):
        """Within it forward and backward leave gradients to this process; the first backward after it exchanges their sum."""
        old, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = old

    def register_comm_hook(self, state, hook):
        """Choose how gradients travel, by one of distributed.algorithms.ddp_comm_hooks.default_hooks; others are refused."""
        how = getattr(hook, "compress", hook)
        if not isinstance(how, tuple):
            raise ArgumentError("DistributedDataParallel.register_comm_hook: expected a hook of udlfast.distributed.algorithms."
                                "ddp_comm_hooks.default_hooks (allreduce_hook, bf16_compress_hook); see also compress=")  # fmt: skip
        if self.reducer is not None:
            self.reducer.compress = how[0]


def _one_device(name):
    def refuse(*args, **kwargs):
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
