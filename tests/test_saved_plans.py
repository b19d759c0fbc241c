"""Plans in files: saved, loaded, run by threads; what cannot be saved; damaged files."""

import os
import struct
import subprocess
import sys
import threading

import pytest
from plan_mutants import judge
from plans import CASES, recorded, same, tensor

import udlfast as torch
from udlfast import _core, nn
from udlfast.errors import ArgumentError, DTypeError, ShapeError
from udlfast.serialization import FileFormatError


def saved(net, path, *args, inputs=None):
    net = torch.compile(net)
    with torch.no_grad():
        want = net(*args)
    net.plans[0].save(path, inputs)
    return want, torch.load_plan(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.udl"


@pytest.mark.parametrize("case", CASES)
def test_the_same_bits_come_from_a_file(case, path, isa):
    net, args, _ = recorded(case)
    with torch.no_grad():
        want = net(*args)
    net.plans[0].save(path)
    for mmap in (True, False):
        for pack in (True, False):
            same(torch.load_plan(path, mmap=mmap, pack=pack)(*args), want)


def test_other_numbers_in_the_same_shapes(path, rng):
    net = nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.Linear(7, 3)).eval()
    _, plan = saved(net, path, tensor(rng, 4, 5))
    for _ in range(3):
        x = tensor(rng, 4, 5)
        with torch.no_grad():
            same(plan(x), net(x))
    x = tensor(rng, 5, 4).t()  # not contiguous: copied
    with torch.no_grad():
        same(plan(x), net(x))


def test_weights_are_those_of_when_it_was_saved(path, rng):
    net = nn.Linear(5, 3).eval()
    x = tensor(rng, 2, 5)
    _, plan = saved(net, path, x)
    compiled = torch.compile(net)
    with torch.no_grad():
        compiled(x)
        net.weight.mul_(2)
        net.weight.data = net.weight.data.clone().add_(1)
        want = compiled(x)
    compiled.plans[0].save(path)
    same(torch.load_plan(path)(x), want)
    with pytest.raises(AssertionError):
        same(plan(x), want)


def test_what_depends_on_weights_alone_is_computed_when_it_is_saved(path, rng):
    w, x = tensor(rng, 6, 5), tensor(rng, 5, 4)

    @torch.compile
    def f(x):
        return ((w.exp() * 2).t().contiguous() + 1).t() @ x

    want = f(x)
    f.plans[0].save(path)
    plan = torch.load_plan(path)
    same(plan(x), want)
    tensors = torch.load(path)
    made = (w.exp() * 2).t().contiguous() + 1
    assert any(t.numel() * t.itemsize == 120 and t.numpy().tobytes() == made.numpy().tobytes() for t in tensors.values())
    assert plan.run_bytes < 500, "one product is left, without buffers"


def test_names_shapes_and_structure(path, rng):
    @torch.compile
    def f(image, *, mask):
        return {"sum": image + mask, "both": (image[1:] * 3, [image * 2, None])}

    x, m = tensor(rng, 3, 2), tensor(rng, 3, 2)
    want = f(x, mask=m)
    f.plans[0].save(path, inputs=["image", "mask"])
    plan = torch.load_plan(path)
    assert [n for n, *_ in plan.inputs] == ["image", "mask"] and plan.inputs[0][1:] == (torch.float32, (3, 2))
    assert [n for n, *_ in plan.outputs] == ["sum", "both[0]", "both[1][0]"]
    same(plan(x, m), want)
    same(plan(image=x, mask=m), want)
    same(plan(x, mask=m), want)
    with pytest.raises(TypeError, match="image, mask"):
        plan(x, other=m)


def test_a_file_is_also_a_safetensors_file(path, rng):
    net = nn.Linear(5, 3).eval()
    saved(net, path, tensor(rng, 2, 5))
    tensors = torch.load(path)
    weights = [t for name, t in tensors.items() if not name.startswith("udl.")]
    assert {tuple(t.shape) for t in weights} == {(3, 5), (3,)}
    assert any(t.shape == (3, 5) and torch.equal(t, net.weight.detach()) for t in weights)
    assert os.listdir(path.parent) == ["model.udl"]  # no temporary file is left


def test_wrong_inputs_are_named(path, rng):
    _, plan = saved(nn.Linear(5, 3).eval(), path, tensor(rng, 2, 5), inputs=["features"])
    with pytest.raises(ShapeError, match=r"features.*\[2, 5\].*\[3, 5\]"):
        plan(torch.ones(3, 5))
    with pytest.raises(DTypeError, match="features.*float32.*float64"):
        plan(torch.ones(2, 5).double())
    with pytest.raises(TypeError, match="tensor"):
        plan([1.0])
    with pytest.raises(TypeError, match="1 inputs"):
        plan()


def test_an_index_out_of_range_is_an_error_of_the_run(path):
    _, plan = saved(nn.Embedding(10, 4).eval(), path, torch.tensor([1, 2]))
    with pytest.raises(IndexError):
        plan(torch.tensor([1, 10]))
    assert plan(torch.tensor([9, 0])).shape == (2, 4)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_many_threads_get_what_one_gets(threads, path, rng):
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 2, enable_nested_tensor=False).eval()
    inputs = [tensor(rng, 2, 9, 32) for _ in range(8)]
    _, plan = saved(net, path, inputs[0])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        want = [plan(x) for x in inputs]
        wrong, go = [], threading.Barrier(8)

        def client(i):
            go.wait()
            for k in range(20):
                if not torch.equal(plan(inputs[(i + k) % 8]), want[(i + k) % 8]):
                    wrong.append((i, k))

        clients = [threading.Thread(target=client, args=(i,)) for i in range(8)]
        for c in clients:
            c.start()
        for c in clients:
            c.join()
        assert not wrong
    finally:
        torch.set_num_threads(before)


def test_plans_with_large_buffers_take_turns_with_them(path, rng):
    """One block of memory waits for all of them: the largest, whose plan's numbers are not those of the next."""
    plans = {}
    for i, wide in enumerate((300, 1000, 500)):
        net = nn.Sequential(nn.Linear(64, wide), nn.GELU(), nn.Linear(wide, wide), nn.GELU(), nn.Linear(wide, 8)).eval()
        inputs = [tensor(rng, 256, 64) for _ in range(4)]
        plan = saved(net, path.with_name(f"{i}.udl"), inputs[0])[1]
        assert plan.run_bytes > 256 << 10
        plans[i] = plan, inputs, [plan(x) for x in inputs]
    wrong, go = [], threading.Barrier(4)

    def client(k):
        go.wait()
        for n in range(60):
            plan, inputs, want = plans[(n + k) % len(plans)]
            if not torch.equal(plan(inputs[n % 4]), want[n % 4]):
                wrong.append((k, n))

    clients = [threading.Thread(target=client, args=(k,)) for k in range(4)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    assert not wrong
    del plans[1]  # the largest closes; its memory may be the one that waits
    plan, inputs, want = plans[2]
    same([plan(x) for x in inputs], want)
    same(plans[0][0](plans[0][1][1]), plans[0][2][1])


def test_numbers_of_another_plan_are_not_seen(path, rng):
    """What a plan reads without having written it is 0, not what another left in the memory that they share."""

    def part(x):
        y = torch.empty(200_000)
        y[:10] = x[:10]
        return (y * 1).tanh() + x

    def whole(x):
        return (x.reshape(1, -1) + 1).softmax(1).exp() + 1

    x = torch.zeros(200_000)
    reader, writer = saved(part, path, x)[1], saved(whole, path.with_name("other.udl"), torch.ones(400_000))[1]
    assert writer.run_bytes > reader.run_bytes > 256 << 10
    for _ in range(3):
        writer(torch.ones(400_000))
        assert not reader(x).any()


def test_large_buffers_are_given_back_with_the_last_plan(tmp_path):
    code = """
import udlfast as torch
nn = torch.nn
net = torch.compile(nn.Sequential(nn.Linear(64, 2000), nn.GELU(), nn.Linear(2000, 8)).eval())
x = torch.zeros(256, 64)
with torch.no_grad():
    net(x)
net.plans[0].save("a.udl")
in_use = lambda: torch.memory_stats()["in_use"]
before = in_use()
first, second = torch.load_plan("a.udl", pack=False), torch.load_plan("a.udl", pack=False)
for plan in first, second, first:
    plan(x)
one = in_use() - before
del plan, first
second(x)
still = in_use() - before
del second
print(one, still, in_use() - before)
"""
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120).stdout
    one, still, after = map(int, said.split())
    large = 256 * 2000 * 4
    assert large <= one < 2 * large and large <= still < 2 * large and after == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_runs_the_plan_of_its_parent(path, rng):
    x = tensor(rng, 64, 300)
    want, plan = saved(nn.Sequential(nn.Linear(300, 300), nn.ReLU(), nn.Linear(300, 10)).eval(), path, x)
    plan(x)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if torch.equal(plan(x), want) else 1)
    assert os.waitpid(pid, 0)[1] == 0


def proportional(pid):
    """Memory of a process, what it shares with others counted in parts (KiB)."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="the kernel does not tell")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_share_the_weights(path, rng):
    """Four children forked from a process that has the plan: each costs at most 15 % of the weights."""
    x = tensor(rng, 16, 2000)
    net = nn.Sequential(nn.Linear(2000, 2000), nn.ReLU(), nn.Linear(2000, 2000), nn.ReLU(), nn.Linear(2000, 2000)).eval()
    want, plan = saved(net, path, x)
    plan(x)
    del net
    children, totals = [], []
    for n in range(5):
        if n:
            done, tell = os.pipe()
            wait, go = os.pipe()
            pid = os.fork()
            if pid == 0:
                right = all(torch.equal(plan(x), want) for _ in range(3))
                os.write(tell, b"y" if right else b"n")
                os.read(wait, 1)
                os._exit(0)
            assert os.read(done, 1) == b"y"
            children.append((pid, go))
        totals.append(sum(proportional(p) for p in [os.getpid(), *(p for p, _ in children)]))
    for pid, go in children:
        os.write(go, b"x")
        os.waitpid(pid, 0)
    assert (totals[4] - totals[0]) / 4 <= 0.15 * os.path.getsize(path) / 1024


def test_instruction_sets_may_change_after_loading(path, rng):
    x = tensor(rng, 32, 300)
    net = nn.Linear(300, 300).eval()
    _, plan = saved(net, path, x)
    for name in torch.isas():
        with torch.use_isa(name), torch.no_grad():
            same(plan(x), net(x))


# ---- what cannot be saved -----------------------------------------------------------------------------------------------------------
def check_refused(f, args, match, path, grad=False):
    f = torch.compile(f)
    with torch.set_grad_enabled(grad):
        f(*args)
        f(*args)  # an optimiser's first step makes its state, which no plan can
    with pytest.raises(ArgumentError, match=match):
        f.plans[0].save(path)
    assert not path.exists()


def test_training_and_random_numbers_are_refused(path):
    net, x = nn.Linear(3, 2), torch.ones(4, 3)
    opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x):
        opt.zero_grad()
        loss = net(x).sum()
        loss.backward()
        opt.step()
        return loss

    check_refused(net, (x,), "no_grad", path, grad=True)
    check_refused(step, (x,), "only inference", path, grad=True)
    check_refused(nn.Dropout(), (x,), "random numbers", path)
    check_refused(nn.BatchNorm1d(3), (x,), "before the run", path)


def test_what_a_file_does_not_hold_is_refused(path):
    x = torch.ones(4, 3)
    check_refused(lambda x: x, (x,), "one of its arguments", path)
    check_refused(lambda x: x[1:], (x,), "one of its arguments", path)
    check_refused(lambda x: (x + 1, 3), (x,), "3", path)
    check_refused(lambda x: x.t() + 1, (x.t(),), "contiguous", path)
    check_refused(lambda x: torch.sort(x + 1)[0], (x,), "sort cannot run from a file", path)
    check_refused(lambda x, y: x + y, (x[:2], x[1:3]), "memory of another argument", path)


def test_work_is_bounded(path, rng):
    saved(nn.Linear(50, 30).eval(), path, tensor(rng, 20, 50))
    _core.SavedPlan(path, None, 0, 40_000.0)
    with pytest.raises(FileFormatError, match="steps"):
        _core.SavedPlan(path, None, 0, 20_000.0)


# ---- damaged files ----------------------------------------------------------------------------------------------------------------
def words_of(path):
    data = bytearray(path.read_bytes())
    return data, 8 + int.from_bytes(data[:8], "little")


def test_no_file_and_no_plan(tmp_path, path):
    with pytest.raises(FileNotFoundError):
        torch.load_plan(path)
    for data in (b"", b"{}", bytes(1000), b"\x38\0\0\0\0\0\0\0{" + b" " * 55):
        path.write_bytes(data)
        with pytest.raises(FileFormatError, match="model.udl"):
            torch.load_plan(path)


@pytest.mark.parametrize(
    "word, value, match",
    [
        (1, 3, "version 3"), (2, 10**9, "table"), (9, 2**46, "memory"), (9, -64, "impossible"), (10, 5, "cut off"), (5, 10**6, "count"),
        (14, 1, "head"),
    ],
)  # fmt: skip
def test_damage_is_named(word, value, match, path, rng):
    saved(nn.Linear(5, 3).eval(), path, tensor(rng, 2, 5))
    data, at = words_of(path)
    struct.pack_into("<q", data, at + 8 * word, value)
    path.write_bytes(data)
    with pytest.raises(FileFormatError, match=match):
        torch.load_plan(path)


def test_memory_is_bounded_by_the_caller(path, rng):
    saved(nn.Linear(500, 300).eval(), path, tensor(rng, 2, 500))
    with pytest.raises((FileFormatError, MemoryError), match="allowed"):
        torch.load_plan(path, max_bytes=500_000)
    torch.load_plan(path, max_bytes=2_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads: the child only loads files and runs them
@pytest.mark.parametrize("seed", [21, 22])
def test_mutants_are_refused_or_run(seed, tmp_path):
    counts, fault = judge(400, seed, tmp_path)
    assert fault is None
    assert sum(counts.values()) == 400
    outcomes = {outcome: sum(n for (_, o), n in counts.items() if o == outcome) for outcome in ("ran", "refused")}
    assert outcomes["refused"] > 100 and outcomes["ran"] > 20, "mutants must be close to sound files"
