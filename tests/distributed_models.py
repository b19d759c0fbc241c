"""Cases of several processes that train: see `distributed_cases.py`."""

import gc
import threading
import time
import types

import numpy as np
from distributed_tools import DDP, F, batch, d, net, same_everywhere, say_no, train

import udlfast as torch


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


def case_wrapped_twice(rank, size):
    """The last wrapper exchanges, once."""
    model = net()
    first, second = DDP(model), DDP(model)
    got, wanted = train(second, 3, rank, size), train(DDP(net()), 3, rank, size)
    assert np.array_equal(got.numpy(), wanted.numpy()) and first.reducer.running is None and not first.reducer.settled


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


def case_gradients_are_let_go(rank, size):
    """What an exchange held is free when it is over, without the garbage collector."""
    torch.manual_seed(0)
    model = DDP(torch.nn.Sequential(torch.nn.Linear(600, 700), torch.nn.Linear(700, 600)))  # both travel by themselves
    x = torch.randn(4, 600)
    gc.disable()
    try:
        used = []
        for _ in range(6):
            model.zero_grad()
            model(x).square().mean().backward()
            used.append(torch.memory_stats()["in_use"])
    finally:
        gc.enable()
    assert used[-1] - used[1] < 1 << 20, used


def case_messages_move_meanwhile(rank, size):
    """Where a network lies between the processes, a thread takes exchanges on; the bits are the same."""
    from udlfast.distributed import _world

    world = _world.WORLD
    if world.MPI.Query_thread() < world.MPI.THREAD_MULTIPLE:
        return
    torch.manual_seed(0)
    make = lambda: torch.nn.Sequential(torch.nn.Linear(600, 700), torch.nn.Tanh(), torch.nn.Linear(700, 40))  # noqa: E731
    x, plain = torch.randn(12, 600)[rank::size], DDP(make())
    assert plain.reducer.mover is None and world.local_size == size
    world.local_size = 1  # as on machines of their own
    try:
        moved = DDP(make())
        assert moved.reducer.mover is not None and moved.reducer.mover.thread.is_alive()
        moved.load_state_dict(plain.state_dict())
        for turn in range(5):
            for model in (plain, moved):
                model.zero_grad()
                model(x).square().sum().backward()
            for p, q in zip(plain.parameters(), moved.parameters()):
                assert np.array_equal(p.grad.numpy(), q.grad.numpy()), turn
        reducer = moved.reducer
        for i, p in enumerate(reducer.params):  # nobody but the thread looks after these
            if p.numel() * 4 >= 1 << 20:
                number, p.grad = i, torch.full(tuple(p.shape), float(rank))
        reducer.running = []
        reducer._launch(reducer.home[number][0])
        d.barrier()
        limit = time.monotonic() + 60
        while not reducer.running[0].done and time.monotonic() < limit:
            time.sleep(0.01)
        assert reducer.running[0].done
        reducer.running = None
        assert (reducer.params[number].grad == (size - 1) / 2).all()
    finally:
        world.local_size = size


def failing(g):
    raise RuntimeError("stop")


def case_a_backward_that_fails(rank, size):
    """The thread that moves messages rests; what was under way stays for whoever waits, and does not disturb other modules."""
    from udlfast.distributed import _work, _world

    world = _world.WORLD
    if world.MPI.Query_thread() < world.MPI.THREAD_MULTIPLE:
        return
    torch.manual_seed(0)
    parts = [torch.nn.Linear(600, 700), torch.nn.Linear(700, 600)]  # both travel by themselves
    x, world.local_size = torch.randn(4, 600), 1  # as on machines of their own
    try:
        model, other = DDP(torch.nn.Sequential(*parts)), DDP(net())
        early = rank == size - 1  # fails before it has sent anything, so that nobody's exchange can end
        parts[0].register_forward_hook(lambda module, args, y: y.register_hook(failing) and None)
        y = model(x)
        if early:
            y.register_hook(failing)
        say_no(RuntimeError, "stop", lambda: y.sum().backward())
        reducer, mover = model.reducer, model.reducer.mover
        assert not mover.wanted.is_set() and bool(reducer.running) != early
        if not early:
            say_no(ValueError, "ended in an error", lambda: model(x))
            with model.no_sync():
                say_no(ValueError, "ended in an error", lambda: model(x))
        got = train(other, 2, rank, size)
        assert same_everywhere(got, rank, size) and not mover.wanted.is_set() and bool(reducer.running) != early
        number = reducer.names.index("1.weight")
        if early:
            reducer.params[number].grad, reducer.running = torch.zeros(600, 700), []
            reducer._launch(reducer.home[number][0])
        world.waiter.until(lambda: reducer.running[0].done, "the exchange that was left")
        d.barrier()
        assert same_everywhere(reducer.params[number].grad, rank, size) and reducer.running[0] not in _work.ACTIVE
    finally:
        world.local_size = size


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
    rested = []
    strict.reducer.mover = types.SimpleNamespace(wanted=threading.Event(), rest=lambda: rested.append(True))
    say_no(ValueError, "parts.2.weight", lambda: strict(x, [0, 1]).sum().backward())
    say_no(ValueError, "ended in an error", lambda: strict(x, [0, 1]))  # messages of that backward may still be under way
    assert rested


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


class LastFirst(torch.nn.Module):
    """Its gradients come in another order than the parameters stand, so that buckets are made again after the first backward."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.last, self.first = torch.nn.Linear(64, 5), torch.nn.Linear(20, 64)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


def case_held_back(rank, size):
    """What top-k has not sent: sent + held back = all there was, and it goes on in another model, and in one process alone."""
    options = {"compress": 0.05, "bucket_cap_mb": 0.0062}  # two buckets, of other parameters in the new order
    top, exact = DDP(LastFirst(), **options), DDP(LastFirst())
    sent, whole = ({name: 0.0 for name, _ in exact.module.named_parameters()} for _ in range(2))

    def backward(model, turn):
        x, y = batch(turn)
        model.zero_grad()
        F.cross_entropy(model(x[rank::size]), y[rank::size]).backward()
        return {name: p.grad.clone() for name, p in model.module.named_parameters()}

    for turn in range(4):
        for total, model in ((sent, top), (whole, exact)):
            for name, grad in backward(model, turn).items():
                total[name] = total[name] + grad
    top.held_back.consolidate_state_dict()
    state = top.held_back.state_dict()
    for name, p in whole.items():
        assert same_everywhere(state["held"][name], rank, size)
        assert (sent[name] + state["held"][name] - p).abs().max().item() <= 1e-5 * p.abs().max().item(), name
    assert max((sent[name] - p).abs().max().item() / p.abs().max().item() for name, p in whole.items()) > 0.1
    again = DDP(LastFirst(), **options)
    again.held_back.load_state_dict(state)
    a, b = backward(top, 5), backward(again, 5)
    assert all(np.array_equal(a[name].numpy(), b[name].numpy()) for name in a)
    alone = [d.new_group([k]) for k in range(size)][rank]
    one, plain = DDP(LastFirst(), process_group=alone, compress=0.05), DDP(LastFirst(), process_group=alone)
    one.held_back.load_state_dict(state)
    for turn in range(2):
        a, b = backward(one, turn), backward(plain, turn)
        for name in a:
            assert np.array_equal(a[name].numpy(), (b[name] + state["held"][name] if turn == 0 else b[name]).numpy()), name
    say_no(ValueError, "last.weight must be of shape", lambda: again.held_back.load_state_dict({"order": None, "held": {}}))


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


def case_compiled(rank, size):
    """The module inside may be compiled, and replays; a whole step that is compiled runs without a plan. Both keep exchanging gradients."""
    import warnings

    results = []
    for way in ("eager", "module", "step"):
        inner = torch.compile(net()) if way == "module" else net()
        model = DDP(inner)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        run = torch.compile(step) if way == "step" else step
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i in range(4):
                x, y = batch(i)
                run(x[rank::size].contiguous(), y[rank::size].contiguous())
        assert way != "module" or sum(plan.replays for plan in inner.plans) == 3
        results.append(torch.cat([p.detach().reshape(-1) for p in model.parameters()]))
    for result in results[1:]:
        assert np.array_equal(results[0].numpy(), result.numpy()) and same_everywhere(result, rank, size)


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
