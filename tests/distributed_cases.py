"""What several processes do together; `tests/test_distributed.py` starts this file with mpiexec and reads what each case said.

    mpiexec -n N python tests/distributed_cases.py FOLDER

Each process writes FOLDER/rank.json: the cases it has passed, and the traceback of the one that failed, after which it ends.
"""

import json
import pathlib
import sys
import traceback

import numpy as np

import udlfast as torch

d = torch.distributed
F = torch.nn.functional
DDP = torch.nn.parallel.DistributedDataParallel
TYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8")


def rows(rank, dtype="float32", n=5):
    """Numbers that differ from process to process."""
    return torch.arange(1, n + 1).to(getattr(torch, dtype)) + rank


def say_no(kind, match, call):
    """call() must raise `kind` with `match` in its text."""
    try:
        call()
    except kind as e:
        assert match in str(e), f"{e} lacks {match!r}"
    else:
        raise AssertionError(f"nothing was raised; expected {kind.__name__} with {match!r}")


def same_everywhere(t, rank, size):
    """Has this tensor the same bits in every process?"""
    whole = [torch.empty_like(t) for _ in range(size)]
    d.all_gather(whole, t.detach().contiguous())
    return all(np.array_equal(w.numpy(), whole[0].numpy()) for w in whole)


def net(dtype="float32", seed=3):
    torch.manual_seed(seed)
    layers = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 5))
    return layers.to(getattr(torch, dtype))


def batch(step, dtype="float32", n=24):
    rng = np.random.default_rng([7, step])
    return torch.from_numpy(rng.standard_normal((n, 20))).to(getattr(torch, dtype)), torch.from_numpy(rng.integers(0, 5, n))


def train(model, steps, rank=0, size=1, dtype="float32", make=None):
    """`steps` steps of this process's rows; returns the parameters, one after the other."""
    params = list(model.parameters())
    optimizer = make(params) if make else torch.optim.SGD(params, lr=0.1, momentum=0.9)
    for step in range(steps):
        x, y = batch(step, dtype)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rank::size]), y[rank::size]).backward()
        optimizer.step()
    return torch.cat([p.detach().reshape(-1) for p in params])


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


def case_gradients(rank, size):
    model = DDP(net(seed=3 + rank))  # process 0's parameters are everybody's
    x, y = batch(0, "float64")
    exact = net("float64")
    F.cross_entropy(exact(x), y).backward()
    for turn in range(3):
        model.zero_grad(set_to_none=turn != 1)
        F.cross_entropy(model(x[rank::size].float()), y[rank::size]).backward()
        for p, q in zip(model.parameters(), exact.parameters()):
            error = (p.grad.double() - q.grad).abs().max().item()
            assert error <= 2e-6 * max(1e-3, q.grad.abs().max().item()), error  # 64 terms, k = 4: 4 * 2^-24 * sqrt(64)
            assert same_everywhere(p.grad, rank, size)


def case_hundred_steps(rank, size):
    """In float32, several processes are no farther from the float64 run than one is, up to a factor for another order of sums."""
    exact = train(net("float64"), 100, dtype="float64")
    one = (train(net(), 100).double() - exact).abs().max().item()
    got = train(DDP(net()), 100, rank, size)
    assert same_everywhere(got, rank, size)
    error = (got.double() - exact).abs().max().item()
    assert error <= 4 * one + 2**-24 * exact.abs().max().item(), (error, one)


def case_same_bits_again(rank, size):
    for options in ({}, {"compress": "bf16"}, {"compress": 0.1}, {"bucket_cap_mb": 0.01}):
        a, b = (train(DDP(net(), **options), 20, rank, size) for _ in range(2))
        assert np.array_equal(a.numpy(), b.numpy()) and same_everywhere(a, rank, size), options


def case_large_parameters(rank, size):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(600, 700), torch.nn.ReLU(), torch.nn.Linear(700, 10))  # 1.6 MiB: travels by itself
    twin = torch.nn.Sequential(torch.nn.Linear(600, 700), torch.nn.ReLU(), torch.nn.Linear(700, 10))
    twin.load_state_dict(model.state_dict())
    x = torch.randn(12, 600)
    wrapped = DDP(model)
    for _ in range(2):
        wrapped.zero_grad(), twin.zero_grad()
        wrapped(x[rank::size]).square().mean().backward()
        twin(x).square().mean().backward()
        for p, q in zip(model.parameters(), twin.parameters()):
            assert torch.allclose(p.grad, q.grad, rtol=1e-4, atol=1e-6) and same_everywhere(p.grad, rank, size)


def case_no_sync(rank, size):
    model, alone = DDP(net()), net()
    x, y = batch(1)
    mine = [slice(rank, 12, size), slice(12 + rank, 24, size)]
    with model.no_sync():
        F.cross_entropy(model(x[mine[0]]), y[mine[0]]).backward()
    F.cross_entropy(alone(x[mine[0]]), y[mine[0]]).backward()
    for p, q in zip(model.parameters(), alone.parameters()):
        assert np.array_equal(p.grad.numpy(), q.grad.numpy())
    F.cross_entropy(model(x[mine[1]]), y[mine[1]]).backward()
    F.cross_entropy(alone(x[mine[1]]), y[mine[1]]).backward()
    for p, q in zip(model.parameters(), alone.parameters()):
        d.all_reduce(q.grad, d.ReduceOp.AVG)
        assert torch.allclose(p.grad, q.grad, rtol=1e-6, atol=1e-8)


class Branches(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.parts = torch.nn.ModuleList([torch.nn.Linear(4, 4) for _ in range(4)])

    def forward(self, x, which):
        for i in which:
            x = self.parts[i](x)
        return x


def case_unused_parameters(rank, size):
    torch.manual_seed(0)
    model = DDP(Branches(), find_unused_parameters=True)
    x = torch.ones(2, 4)
    for which, used in (([0, 1], {0, 1}), ([0, 1 if rank else 2], {0, 1, 2})):
        model.zero_grad()
        model(x, which).sum().backward()
        assert [i for i, p in enumerate(model.module.parts) if p.weight.grad is not None] == sorted(used)
    strict = DDP(Branches())
    say_no(ValueError, "parts.2.weight", lambda: strict(x, [0, 1]).sum().backward())


def case_compressed(rank, size):
    exact, narrow, top = DDP(net()), DDP(net(), compress="bf16"), DDP(net(), compress=0.1)
    x, y = batch(2)
    sums = [0.0] * 6
    for turn in range(30):
        for model in (exact, narrow, top):
            model.zero_grad()
            F.cross_entropy(model(x[rank::size]), y[rank::size]).backward()
        for i, (p, q, r) in enumerate(zip(exact.parameters(), narrow.parameters(), top.parameters())):
            assert (p.grad - q.grad).abs().max().item() <= 2**-7 * p.grad.abs().max().item()
            sums[i] = sums[i] + r.grad
            if turn == 0 and p.numel() > 1000:
                assert (r.grad != 0).sum().item() < 0.3 * size * r.numel()
    worst = max((s / 30 - p.grad).abs().max().item() / p.grad.abs().max().item() for s, p in zip(sums, exact.parameters()))
    assert worst < 0.5, worst  # what was held back comes later: the mean over steps tends to the gradient


def case_comm_hook(rank, size):
    hooks = d.algorithms.ddp_comm_hooks.default_hooks
    model = DDP(net())
    model.register_comm_hook(None, hooks.bf16_compress_hook)
    assert model.reducer.compress == "bf16"
    say_no(ValueError, "default_hooks", lambda: model.register_comm_hook(None, lambda state, bucket: None))


def case_sync_batch_norm(rank, size):
    rng = np.random.default_rng(5)
    for shape in ((13, 6), (13, 6, 5, 3)):
        x, w = (torch.from_numpy(rng.standard_normal(shape) * 3 + 100) for _ in range(2))
        for dtype, tol in ((torch.float64, 1e-11), (torch.float32, 2e-4)):  # the mean is 30 deviations away: 100 / 3 * eps * k
            whole = torch.nn.BatchNorm1d(6) if len(shape) == 2 else torch.nn.BatchNorm2d(6)
            whole.weight.data.copy_(torch.linspace(0.5, 2, 6))
            sync = torch.nn.SyncBatchNorm.convert_sync_batchnorm(torch.nn.Sequential(torch.nn.BatchNorm2d(6)))[0]
            sync.load_state_dict(whole.state_dict())
            whole, sync = whole.double(), sync.to(dtype)
            a, b = x.clone().requires_grad_(), x[rank::size].to(dtype).contiguous().requires_grad_()
            ya, yb = whole(a), sync(b)
            ya.backward(w), yb.backward(w[rank::size].to(dtype))
            assert (ya[rank::size] - yb.double()).abs().max().item() < tol
            assert (a.grad[rank::size] - b.grad.double()).abs().max().item() < 30 * tol
            for name in ("weight", "bias"):
                mine = getattr(sync, name).grad.double()
                d.all_reduce(mine)
                assert (mine - getattr(whole, name).grad).abs().max().item() < 300 * tol, name
            assert torch.allclose(sync.running_mean.double(), whole.running_mean, rtol=1e-6)
            assert torch.allclose(sync.running_var.double(), whole.running_var, rtol=1e-4)
            sync.eval(), whole.eval()
            assert (whole(a)[rank::size] - sync(b).double()).abs().max().item() < 30 * tol


def case_buffers(rank, size):
    model = DDP(torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1)))
    model(torch.full((4, 3), float(rank)) + torch.arange(4.0)[:, None])
    assert same_everywhere(model.module[0].running_mean, rank, size) is (size == 1)
    model.eval()
    model(torch.zeros(1, 3))
    assert same_everywhere(model.module[0].running_mean, rank, size)
    assert set(model.state_dict()) >= {"module.0.running_mean", "module.1.weight"}


def case_zero(rank, size):
    """The same bits as with the whole optimiser in every process, and its state in one piece."""
    zero = d.optim.ZeroRedundancyOptimizer
    optimizers = []

    def make(params):
        optimizers.append(zero(params, torch.optim.AdamW, lr=0.01))
        return optimizers[-1]

    got = train(DDP(net()), 10, rank, size, make=make)
    plain = []
    wanted = train(DDP(net()), 10, rank, size, make=lambda p: plain.append(torch.optim.AdamW(p, lr=0.01)) or plain[-1])
    assert np.array_equal(got.numpy(), wanted.numpy())
    held = sum(s["exp_avg"].numel() for s in optimizers[0].optim.state.values())
    assert held <= max(4096, got.numel() * 0.7)  # whole parameters; the largest has 4096 numbers
    optimizers[0].consolidate_state_dict(0)
    states = [optimizers[0].state_dict() if rank == 0 else None]
    if rank:
        say_no(ValueError, "consolidate_state_dict", optimizers[0].state_dict)
    d.broadcast_object_list(states, 0)
    state, whole = states[0], plain[0].state_dict()
    assert sorted(map(int, state["state"])) == sorted(whole["state"])
    for i, values in state["state"].items():
        assert np.array_equal(values["exp_avg"].numpy(), whole["state"][int(i)]["exp_avg"].numpy())
    again = zero(list(net().parameters()), torch.optim.AdamW, lr=0.5)
    again.load_state_dict(state)
    assert again.param_groups[0]["lr"] == 0.01
    again.consolidate_state_dict(0)
    assert rank or np.array_equal(again.state_dict()["state"][0]["exp_avg_sq"].numpy(), whole["state"][0]["exp_avg_sq"].numpy())
    schedule = torch.optim.lr_scheduler.StepLR(optimizers[0], 1, 0.1)
    optimizers[0].step(), schedule.step(), optimizers[0].step()
    assert abs(optimizers[0].optim.param_groups[0]["lr"] - 0.001) < 1e-9


def case_different_modules(rank, size):
    say_no(ValueError, "modules of the processes differ", lambda: DDP(torch.nn.Linear(3, 4 + rank)))


def case_compiled_step(rank, size):
    """A step that is compiled keeps exchanging gradients."""
    import warnings

    results = []
    for compiled in (False, True):
        model = DDP(net())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        run = torch.compile(step) if compiled else step
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i in range(4):
                x, y = batch(i)
                run(x[rank::size].contiguous(), y[rank::size].contiguous())
        results.append(torch.cat([p.detach().reshape(-1) for p in model.parameters()]))
    assert np.array_equal(results[0].numpy(), results[1].numpy()) and same_everywhere(results[1], rank, size)


def case_fit(rank, size):
    """Batches of 10 of 43 rows, the last of 3: the same curve as one process has."""
    rng = np.random.default_rng(0)
    x, y = torch.from_numpy(rng.standard_normal((43, 20), dtype=np.float32)), torch.from_numpy(rng.integers(0, 5, 43))

    def run(wrap, **options):
        generator = torch.Generator().manual_seed(1)
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=10, shuffle=True, generator=generator)
        model = net()
        wrapped = DDP(model) if wrap else model
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        valid = [(x[:7], y[:7]), (x[7:8], y[7:8])]
        return torch.train.fit(wrapped, loader, valid, epochs=3, optimizer=optimizer, seed=1, **options), model

    for options in ({}, {"accumulate": 2}, {"ema": 0.9}):
        (one, a), (many, b) = run(False, **options), run(True, **options)
        for name in ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy"):
            assert np.allclose(getattr(one, name), getattr(many, name), rtol=1e-5), (options, name, getattr(one, name), getattr(many, name))
        for p, q in zip(a.parameters(), b.parameters()):
            assert torch.allclose(p, q, rtol=1e-4, atol=1e-6) and same_everywhere(q, rank, size)


def main(folder):
    d.init(timeout=60)
    rank, size = d.get_rank(), d.get_world_size()
    said = {"size": size, "passed": [], "failed": None, "error": None}
    for name, case in list(globals().items()):
        if name.startswith("case_"):
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
    main(sys.argv[1])
