"""What several processes do together; `tests/test_distributed.py` starts this file with mpiexec and reads what each case said.

    mpiexec -n N python tests/distributed_cases.py FOLDER [CASE ...]

Each process writes FOLDER/rank.json: the cases it has passed, and the traceback of the one that failed, after which it ends.
"""

import json
import pathlib
import sys
import traceback

import distributed_models
import numpy as np
from distributed_tools import DDP, TYPES, d, net, rows, say_no

import udlfast as torch


def case_world(rank, size):
    assert d.is_initialized() and d.get_backend() == "mpi" and d.get_process_group_ranks() == list(range(size))
    assert (d.get_rank(), d.get_world_size()) == (rank, size) and d.get_node_local_rank() == rank
    assert torch.get_num_threads() >= 1
    say_no(ValueError, "joined already", d.init)


def case_reductions(rank, size):
    for dtype in TYPES:
        all_rows = np.stack([rows(k, dtype).numpy() for k in range(size)])
        for op, wanted in (("SUM", all_rows.sum(0)), ("PRODUCT", all_rows.prod(0)), ("MIN", all_rows.min(0)), ("MAX", all_rows.max(0))):
            x = rows(rank, dtype)
            version = x._version
            assert d.all_reduce(x, getattr(d.ReduceOp, op)) is None
            assert np.array_equal(x.numpy(), wanted.astype(x.numpy().dtype)), (dtype, op)
            assert x._version > version
            y = rows(rank, dtype)
            d.reduce(y, size - 1, getattr(d.ReduceOp, op))
            assert np.array_equal(y.numpy(), (wanted if rank == size - 1 else all_rows[rank]).astype(y.numpy().dtype)), (dtype, op)
    x = rows(rank)
    d.all_reduce(x, d.ReduceOp.AVG)
    assert np.allclose(x.numpy(), np.arange(1, 6) + (size - 1) / 2, rtol=2e-7)
    flags = torch.tensor([rank == 0, True, False])
    d.all_reduce(flags, d.ReduceOp.MAX)
    assert flags.tolist() == [True, True, False]
    bits = torch.tensor([1 << rank])
    d.all_reduce(bits, d.ReduceOp.BOR)
    assert bits.item() == (1 << size) - 1


def case_narrow_types(rank, size):
    for dtype in (torch.bfloat16, torch.float16):
        x = torch.full((7,), 1.0 + rank, dtype=dtype)
        d.all_reduce(x)
        assert x.dtype is dtype and x.float().tolist() == [size * (size + 1) / 2] * 7
        parts = [torch.zeros(2, dtype=dtype) for _ in range(size)]
        d.all_gather(parts, torch.full((2,), float(rank), dtype=dtype))
        assert [p.float().tolist() for p in parts] == [[k, k] for k in range(size)]
        out = torch.zeros(1, dtype=dtype)
        d.reduce_scatter_tensor(out, torch.arange(size).to(dtype), d.ReduceOp.AVG)
        assert out.item() == rank


def case_moving(rank, size):
    x = rows(rank)
    d.broadcast(x, size - 1)
    assert x.tolist() == rows(size - 1).tolist()
    whole = torch.zeros(size, 5)
    d.all_gather_into_tensor(whole, rows(rank))
    assert np.array_equal(whole.numpy(), np.stack([rows(k).numpy() for k in range(size)]))
    whole = torch.zeros(size, 5)
    whole[rank] = rows(rank)
    d.all_gather_into_tensor(whole, whole[rank])
    assert np.array_equal(whole.numpy(), np.stack([rows(k).numpy() for k in range(size)]))
    uneven = [torch.zeros(k + 1) for k in range(size)]
    d.all_gather(uneven, torch.full((rank + 1,), float(rank)))
    assert [t.tolist() for t in uneven] == [[float(k)] * (k + 1) for k in range(size)]
    got = [torch.zeros(2) for _ in range(size)] if rank == 0 else None
    d.gather(torch.full((2,), float(rank)), got)
    assert rank or [t.tolist() for t in got] == [[k, k] for k in range(size)]
    one = torch.zeros(2)
    d.scatter(one, [torch.full((2,), 10.0 + k) for k in range(size)] if rank == 1 else None, src=1)
    assert one.tolist() == [10 + rank] * 2
    out = torch.zeros(3)
    d.reduce_scatter(out, [torch.full((3,), float(k + rank)) for k in range(size)])
    assert out.tolist() == [size * rank + size * (size - 1) / 2] * 3
    outs = [torch.zeros(1) for _ in range(size)]
    d.all_to_all(outs, [torch.tensor([100.0 * rank + k]) for k in range(size)])
    assert [t.item() for t in outs] == [100 * k + rank for k in range(size)]
    single = torch.zeros(size)
    d.all_to_all_single(single, torch.arange(size) + 100.0 * rank)
    assert single.tolist() == [100 * k + rank for k in range(size)]
    empty = torch.zeros(0)
    d.all_reduce(empty), d.broadcast(empty, 0)
    d.barrier()


def case_messages(rank, size):
    right, left = (rank + 1) % size, (rank - 1) % size
    large = torch.arange(300_000) + rank
    got = torch.zeros(300_000, dtype=torch.int64)
    works = [d.irecv(got, left), d.isend(large, right)]
    assert all(w.wait() for w in works) and works[0].is_completed()
    assert got[0].item() == left and got[-1].item() == 299_999 + left
    if rank == 0:
        seen = set()
        for _ in range(size - 1):
            t = torch.zeros(1)
            seen.add(d.recv(t, tag=5))
            assert t.item() in range(size)
        assert seen == set(range(1, size))
    else:
        d.send(torch.tensor([float(rank)]), 0, tag=5)


def case_async(rank, size):
    x, y = rows(rank), torch.full((100_000,), float(rank))
    works = [d.all_reduce(x, async_op=True), d.all_reduce(y, d.ReduceOp.AVG, async_op=True), d.barrier(async_op=True)]
    for w in works:
        assert isinstance(w, d.Work) and w.wait() and w.is_completed()
    assert x[0].item() == sum(range(1, size + 1)) and abs(y[0].item() - (size - 1) / 2) < 1e-6


def case_objects(rank, size):
    found = [None] * size
    d.all_gather_object(found, {"rank": rank, "t": torch.arange(rank + 1), "deep": [1.5, None, "text", (1, 2)]})
    assert [f["rank"] for f in found] == list(range(size)) and found[-1]["t"].tolist() == list(range(size))
    things = [{"a": 1}, "b"] if rank == 0 else [None, None]
    d.broadcast_object_list(things, 0)
    assert things == [{"a": 1}, "b"]
    got = [None] * size if rank == 0 else None
    d.gather_object("x" * rank, got)
    assert rank or got == ["x" * k for k in range(size)]
    out = [None]
    d.scatter_object_list(out, list(range(size)) if rank == 0 else None)
    assert out == [rank]
    say_no((TypeError, ValueError), "", lambda: d.all_gather_object([None] * size, object()))


def case_groups(rank, size):
    pair = d.new_group([1, 0])
    alone = d.new_group([size - 1])
    if rank < 2:
        assert d.get_rank(pair) == 1 - rank and d.get_world_size(pair) == 2 and d.get_global_rank(pair, 0) == 1
        x = rows(rank)
        d.all_reduce(x, group=pair)
        assert x[0].item() == 3
        y = rows(rank)
        d.broadcast(y, 0, group=pair)  # numbers of the world
        assert y[0].item() == 1
        say_no(ValueError, "not in the group", lambda: d.broadcast(x, 7, group=pair))
        d.destroy_process_group(pair)
    else:
        assert pair is d.GroupMember.NON_GROUP_MEMBER and d.get_rank(pair) == -1 and d.all_reduce(rows(0), group=pair) is None
    assert d.get_rank(alone) == (0 if rank == size - 1 else -1)
    say_no(ValueError, "different numbers", lambda: d.new_group([0, 0]))


def case_refusals(rank, size):
    say_no(ValueError, "contiguous", lambda: d.all_reduce(torch.zeros(3, 4).t()))
    say_no(TypeError, "must be a tensor", lambda: d.all_reduce([1.0]))
    say_no(ValueError, "AVG", lambda: d.all_reduce(torch.zeros(2, dtype=torch.int64), d.ReduceOp.AVG))
    say_no(ValueError, "one tensor for each", lambda: d.all_gather([torch.zeros(2)] * (size + 1), torch.zeros(2)))
    say_no(TypeError, "one type", lambda: d.all_gather_into_tensor(torch.zeros(size), torch.zeros(1, dtype=torch.int32)))
    say_no(ValueError, "as many elements", lambda: d.all_gather_into_tensor(torch.zeros(size + 1), torch.zeros(1)))
    say_no(ValueError, "no parameter", lambda: DDP(torch.nn.ReLU()))
    say_no(ValueError, "compress", lambda: DDP(net(), compress="zip"))


def main(folder, *only):
    d.init(timeout=300)
    rank, size = d.get_rank(), d.get_world_size()
    said = {"size": size, "passed": [], "failed": None, "error": None}
    for name, case in [*globals().items(), *vars(distributed_models).items()]:
        if name.startswith("case_") and (not only or name in only):
            try:
                case(rank, size)
            except BaseException:
                said["failed"], said["error"] = name, traceback.format_exc()
            else:
                said["passed"].append(name)
            pathlib.Path(folder, f"{rank}.json").write_text(json.dumps(said))
            if said["error"]:
                d.fail(name)
                sys.exit(f"rank {rank}: {name}: {said['error']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
