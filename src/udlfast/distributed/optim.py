"""Optimisers whose state is spread over the processes."""

from ..errors import ArgumentError
from ..optim.optimizer import Optimizer
from ._sharing import from_owners
from ._world import current
from .objects import gather_object

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """Each process updates a part of the parameters and holds the state of that part only; then it hands out what it has updated.

    Gradients must be the same in all processes, as DistributedDataParallel leaves them. Whole parameters are given to the
    process that has least so far, the largest first. With Adam on R processes the two moments take 8 P / R bytes each
    instead of 8 P (P parameters in float32), and the work of the step is divided likewise.

    Arguments:
        params: as for Optimizer. optimizer_class: such as torch.optim.AdamW; defaults: its settings.
        process_group: the processes; default: all. parameters_as_bucket_view, overlap_with_ddp: accepted for compatibility.

    Example:
        >>> import udlfast as torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> adam = torch.distributed.optim.ZeroRedundancyOptimizer(layer.parameters(), torch.optim.AdamW, lr=0.1)
        >>> layer(torch.ones(1, 2)).sum().backward()
        >>> adam.step()

    Source: Rajbhandari et al. 2020 (ZeRO, stage 1).
    """

    def __init__(self, params, optimizer_class, process_group=None, parameters_as_bucket_view=False, overlap_with_ddp=False, **defaults):
        from ._world import is_initialized

        self.group = current(process_group, "ZeroRedundancyOptimizer") if is_initialized() else None
        self.rank, self.size = (self.group.rank, self.group.size) if self.group else (0, 1)
        self.optimizer_class = optimizer_class
        self.owner = {}  # id of a parameter -> rank
        self._loads = [0] * self.size
        self._whole = None
        self.optim = None
        super().__init__(params, defaults)
        self.optim = optimizer_class([self._own_part(group) for group in self.param_groups], **defaults)
        for group, own in zip(self.param_groups, self.optim.param_groups):
            for name, value in own.items():
                group.setdefault(name, value)

    def _own_part(self, group):
        return dict(group, params=[p for p in group["params"] if self.owner[id(p)] == self.rank])

    def add_param_group(self, param_group):
        """As Optimizer's; the new parameters are divided too."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in sorted(group["params"], key=lambda p: -p.numel()):
            rank = self._loads.index(min(self._loads))
            self._loads[rank] += p.numel()
            self.owner[id(p)] = rank
        if self.optim is not None:
            self.optim.add_param_group(self._own_part(group))
            for name, value in self.optim.param_groups[-1].items():
                group.setdefault(name, value)

    def _settings(self):
        """Schedules write to this object's groups; the inner optimiser has to know."""
        for group, own in zip(self.param_groups, self.optim.param_groups):
            own.update({name: value for name, value in group.items() if name != "params"})

    def step(self, closure=None):
        """Update this process's part, then make all parameters the same everywhere."""
        self._settings()
        loss = self.optim.step(closure)
        if self.size > 1:
            params = [p for group in self.param_groups for p in group["params"] if p.requires_grad]
            from_owners(params, [self.owner[id(p)] for p in params], self.group)
        return loss

    def consolidate_state_dict(self, to=0):
        """Bring the whole state to process `to`, where state_dict() then gives it; all processes call this."""
        own = self.optim.state_dict()["state"]
        numbers = {i: n for i, n in enumerate(self._numbers(mine=True))}
        own = {numbers[int(i)]: values for i, values in own.items()}
        if self.size == 1:
            self._whole = own
            return
        found = [None] * self.size if self.rank == to else None
        gather_object(own, found, self.group.ranks[to], self.group)
        self._whole = None if found is None else {n: values for part in found for n, values in part.items()}

    def _numbers(self, mine):
        """The numbers, in all groups together, of the parameters (of this process)."""
        params = [p for group in self.param_groups for p in group["params"]]
        return [i for i, p in enumerate(params) if not mine or self.owner[id(p)] == self.rank]

    def state_dict(self):
        """The whole state, as the inner optimiser would give it in one process. After consolidate_state_dict, in process `to` only."""
        if self.size == 1:
            self.consolidate_state_dict()
        if self._whole is None:
            raise ArgumentError("ZeroRedundancyOptimizer.state_dict: call consolidate_state_dict(to=rank) in all processes first; "
                                "state_dict() is for that rank")  # fmt: skip
        groups, n = [], 0
        for group in self.param_groups:
            groups.append({name: value for name, value in group.items() if name != "params"} |
                          {"params": list(range(n, n + len(group["params"])))})  # fmt: skip
            n += len(group["params"])
        state, self._whole = dict(sorted(self._whole.items())), None
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Take over a whole state; each process keeps its part, so that the number of processes may be another one than before."""
        mine = set(self._numbers(mine=True))
        order, own, groups = {}, {}, []
        n = 0
        if len(state_dict["param_groups"]) != len(self.param_groups):
            raise ArgumentError(f"ZeroRedundancyOptimizer.load_state_dict: got {len(state_dict['param_groups'])} parameter groups, this "
                                f"optimiser has {len(self.param_groups)}")  # fmt: skip
        for saved, group in zip(state_dict["param_groups"], self.param_groups):
            kept = []
            for number in saved["params"]:
                if n in mine:
                    order[number] = len(order)
                    kept.append(order[number])
                n += 1
            groups.append(dict(saved, params=kept))
            group.update({name: value for name, value in saved.items() if name != "params"})
        for number, values in state_dict["state"].items():
            number = int(number)
            if number in order:
                own[order[number]] = values
        self.optim.load_state_dict({"state": own, "param_groups": groups})

    def __repr__(self):
        return f"ZeroRedundancyOptimizer (process {self.rank} of {self.size})\n{self.optim!r}"
