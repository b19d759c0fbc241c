"""The same module in every process: compared, and made that of process 0."""

import zlib

from .. import _core, cat
from ..errors import ArgumentError
from ._buffers import raw, written
from ._world import everyone

TOGETHER = 256 << 10  # bytes


def compare(module, group):
    """Raises ArgumentError where the modules of the processes have not the same parameters and buffers."""
    lines = [f"{name} {list(t.shape)} {t.dtype}" for name, t in [*module.named_parameters(), *module.named_buffers()]]
    found = everyone(group.inner, [len(lines), zlib.crc32("\n".join(lines).encode())])
    if found.count(found[0]) == len(found):
        return
    first = everyone(group.inner, lines if group.rank == 0 else [])[0]
    mine = next((f"{a!r} here, {b!r} in process {group.ranks[0]}" for a, b in zip(lines, first) if a != b),
                f"{len(lines)} tensors here, {len(first)} in process {group.ranks[0]}")  # fmt: skip
    counts = [k for k, f in enumerate(found) if f != found[0]]
    raise ArgumentError(f"DistributedDataParallel: the modules of the processes differ ({mine}; processes {counts} from process 0)")


def broadcast_all(tensors, group):
    """Every tensor becomes that of the group's process 0."""
    from_owners(tensors, [0] * len(tensors), group)


def from_owners(tensors, owners, group):
    """tensors[i] becomes that of the group's process owners[i]; small ones of one owner and type travel together."""
    if group.size == 1:
        return
    together = {}
    for t, owner in zip(tensors, owners):
        small = t.numel() * t.element_size() < TOGETHER or not t.is_contiguous()
        together.setdefault((owner, t.dtype) if small else (owner, id(t)), []).append(t.detach())
    with _core.no_grad():
        packs = []
        for (owner, _), parts in together.items():
            alone = len(parts) == 1 and parts[0].is_contiguous()
            flat = parts[0] if alone else cat([t.reshape(-1) for t in parts])
            packs.append((owner, parts, flat, alone))
        requests = [group.inner.Ibcast(raw(group.world.MPI, flat), owner) for owner, _, flat, _ in packs]
        group.world.waiter.until(lambda: group.world.testall(requests), "broadcast of parameters")
        for owner, parts, flat, alone in packs:
            if not alone and owner != group.rank:
                for t, piece in zip(parts, flat.split([t.numel() for t in parts])):
                    t.copy_(piece.view(tuple(t.shape)))
    written(*tensors)


def split_buffers(module):
    """(buffers that forward may read, those of batch norm, which it reads in eval mode only)."""
    running = {id(b) for m in module.modules() if hasattr(m, "track_running_stats") for b in m.buffers(recurse=False)}
    buffers = list(module.buffers())
    return [b for b in buffers if id(b) not in running], [b for b in buffers if id(b) in running]
