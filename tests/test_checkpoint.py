"""torch.utils.checkpoint, autocast and GradScaler."""

import warnings

import numpy as np
import pytest
from harness import check_raises, numbers

import udlfast as torch
from udlfast.utils import checkpoint as saving

X = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")


def network(lib):
    net = lib.nn.Sequential(lib.nn.Linear(3, 5), lib.nn.Tanh(), lib.nn.Linear(5, 5), lib.nn.Tanh(), lib.nn.Linear(5, 2))
    rng = np.random.default_rng(1)
    with lib.no_grad():
        for p in net.parameters():
            p.copy_(lib.tensor(rng.standard_normal(tuple(p.shape)).astype("float32")))
    return net


def gradients(run, wants=True):
    net, x = network(torch), torch.tensor(X, requires_grad=wants)
    (run(net, x) ** 2).sum().backward()
    return [x.grad, *(p.grad for p in net.parameters())]


WAYS = {
    "reentrant": lambda net, x: saving.checkpoint(net, x, use_reentrant=True),
    "not reentrant": lambda net, x: saving.checkpoint(net, x, use_reentrant=False),
    "sequential": lambda net, x: saving.checkpoint_sequential(net, 2, x, use_reentrant=True),
    "sequential in three": lambda net, x: saving.checkpoint_sequential(net, 3, x, use_reentrant=False),
    "nested": lambda net, x: saving.checkpoint(lambda z: saving.checkpoint(net[2:], net[:2](z), use_reentrant=False), x,
                                               use_reentrant=False),
    "keywords": lambda net, x: saving.checkpoint(lambda x, scale: net(x) * scale, x, scale=1.0, use_reentrant=False),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_gradients_are_those_without_checkpoints(name):
    for a, b in zip(gradients(WAYS[name]), gradients(lambda net, x: net(x)), strict=True):
        assert torch.equal(a, b)


def test_inputs_without_gradient():
    want = gradients(lambda net, x: net(x), False)
    for a, b in zip(gradients(WAYS["not reentrant"], False)[1:], want[1:], strict=True):
        assert torch.equal(a, b)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        y = WAYS["reentrant"](network(torch), torch.tensor(X))
    assert not y.requires_grad and "None of the inputs" in str(seen[0].message)


def test_inner_results_are_not_kept():
    """A chain of wide layers holds one activation a segment instead of all."""
    steps, x = 20, torch.ones(50_000, requires_grad=True)

    def chain(x):
        for _ in range(steps):
            x = x.sin()
        return x

    def held(run):
        before = torch.memory_stats()["in_use"]
        y = run()
        return torch.memory_stats()["in_use"] - before, y

    plain, y = held(lambda: chain(x))
    less, z = held(lambda: saving.checkpoint(chain, x, use_reentrant=False))
    assert less < 0.2 * plain and torch.equal(y, z)


def test_gradient_penalty_and_autograd_grad():
    def penalty(run):
        net, x = network(torch), torch.tensor(X, requires_grad=True)
        (g,) = torch.autograd.grad(run(net, x).sum(), x, create_graph=True)
        (g**2).sum().backward()
        return [p.grad for p in net.parameters() if p.grad is not None]

    for a, b in zip(penalty(WAYS["not reentrant"]), penalty(lambda net, x: net(x)), strict=True):
        assert torch.equal(a, b)


def test_random_numbers_and_autocast_are_repeated():
    x, drop = torch.ones(100, requires_grad=True), torch.nn.Dropout(0.5)
    for reentrant in (True, False):
        x.grad = None
        y = saving.checkpoint(drop, x, use_reentrant=reentrant)
        after = torch.rand(1)
        y.sum().backward()
        assert torch.equal(x.grad, y.detach()) and 0 < int((y > 0).sum()) < 100 and not torch.equal(after, torch.rand(1))
    net, z = network(torch), torch.tensor(X, requires_grad=True)
    with torch.autocast("cpu"):
        y, want = saving.checkpoint(net, z, use_reentrant=False), net(z)
    assert y.dtype is torch.bfloat16 and torch.equal(y, want)
    a, b = (torch.autograd.grad(o.float().sum(), net[0].weight)[0] for o in (y, want))
    assert a.dtype is torch.float32 and torch.equal(a, b)


def test_bad_use():
    x = torch.ones(1, requires_grad=True)
    check_raises(ValueError, ["keyword"], saving.checkpoint, torch.sin, x, use_reentrant=True, other=1)
    with pytest.warns(UserWarning, match="use_reentrant"):
        saving.checkpoint(torch.sin, x)


# ---- autocast ---------------------------------------------------------------------------------------------------------
def made_by(lib):
    """{name: call} of operations on tensors b(*shape)."""
    F, target = lib.nn.functional, lib.tensor([0, 1])
    return {
        "linear": lambda b: F.linear(b(2, 3), b(4, 3)), "linear with bias": lambda b: F.linear(b(2, 3), b(4, 3), b(4)),
        "matmul": lambda b: b(2, 3) @ b(3, 4), "mv": lambda b: b(2, 3) @ b(3), "bmm": lambda b: lib.bmm(b(2, 2, 3), b(2, 3, 4)),
        "addmm": lambda b: lib.addmm(b(2, 4), b(2, 3), b(3, 4)), "einsum": lambda b: lib.einsum("ij,jk->ik", b(2, 3), b(3, 4)),
        "conv1d": lambda b: F.conv1d(b(1, 2, 8), b(3, 2, 3)), "conv2d": lambda b: F.conv2d(b(2, 3, 8, 8), b(4, 3, 3, 3)),
        "conv_transpose2d": lambda b: F.conv_transpose2d(b(2, 3, 8, 8), b(3, 4, 3, 3)),
        "attention": lambda b: F.scaled_dot_product_attention(b(1, 2, 4, 8), b(1, 2, 4, 8), b(1, 2, 4, 8)),
        "heads": lambda b: lib.nn.MultiheadAttention(8, 2)(*[b(4, 1, 8)] * 3)[0], "rnn": lambda b: lib.nn.RNN(3, 4)(b(5, 2, 3))[0],
        "layer_norm": lambda b: lib.nn.LayerNorm(3)(b(2, 3)), "batch_norm": lambda b: lib.nn.BatchNorm2d(3)(b(2, 3, 4, 4)),
        "group_norm": lambda b: lib.nn.GroupNorm(3, 3)(b(2, 3, 4, 4)), "softmax": lambda b: F.softmax(b(2, 3), -1),
        "cross_entropy": lambda b: F.cross_entropy(b(2, 3), target), "nll_loss": lambda b: F.nll_loss(b(2, 3), target),
        "mse_loss": lambda b: F.mse_loss(b(3), b(3)), "l1_loss": lambda b: F.l1_loss(b(3), b(3)),
        "huber": lambda b: F.huber_loss(b(3), b(3)),
        "bce": lambda b: F.binary_cross_entropy(b(3).sigmoid(), b(3).sigmoid()),
        "bce_with_logits": lambda b: F.binary_cross_entropy_with_logits(b(3), b(3).sigmoid()),
        "kl_div": lambda b: F.kl_div(b(2, 3), b(2, 3).softmax(-1)), "triplet": lambda b: F.triplet_margin_loss(b(2, 3), b(2, 3), b(2, 3)),
        "relu": lambda b: b(3).relu(), "gelu": lambda b: F.gelu(b(3)), "sum": lambda b: b(3).sum(), "add": lambda b: b(3) + lib.ones(3),
        "cat": lambda b: lib.cat([b(2), lib.ones(2)]), "max_pool2d": lambda b: F.max_pool2d(b(1, 1, 4, 4), 2),
        "double": lambda b: b(2, 3).double() @ b(3, 4).double(), "embedding": lambda b: F.embedding(target, b(3, 4)),
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # of reductions, and of PyTorch's own
@pytest.mark.parametrize("name", made_by(torch))
def test_types_are_those_of_torch(name):
    """Of float32 and of bfloat16 input, inside autocast."""
    peer, kinds = pytest.importorskip("torch"), []
    for lib in (peer, torch):
        with lib.autocast("cpu"):
            for kind in (lib.float32, lib.bfloat16):
                y = made_by(lib)[name](lambda *shape, lib=lib, kind=kind: lib.randn(*shape).to(kind))
                kinds.append(str(y.dtype).rpartition(".")[2])
    assert kinds[:2] == kinds[2:], name


def test_products_are_those_of_rounded_numbers(rng):
    a, b = (torch.tensor(rng.standard_normal((17, 33)), dtype=torch.float32) for _ in range(2))
    with torch.autocast("cpu"):
        got = torch.nn.functional.linear(a, b)
    want = numbers(a.bfloat16()) @ numbers(b.bfloat16()).T
    assert np.abs(numbers(got) - want).max() <= 2**-8 * np.abs(want).max() + 1e-5


def test_training_as_torch():
    peer = pytest.importorskip("torch")
    found = []
    for lib, low in ((peer, True), (torch, True), (peer, False)):
        net, x, scaler = network(lib), lib.tensor(X), lib.amp.GradScaler("cpu")
        optimizer = lib.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            with lib.autocast("cpu", dtype=lib.bfloat16, enabled=low):
                out = net(x)
                loss = lib.nn.functional.mse_loss(out, lib.zeros(4, 2))
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        assert net[0].weight.grad.dtype is lib.float32 and loss.dtype is lib.float32
        assert out.dtype is (lib.bfloat16 if low else lib.float32)
        found.append((loss.item(), scaler.get_scale(), scaler.state_dict()))
    exact = found[2][0]  # the two round at different places; in float32
    assert abs(found[1][0] - exact) < 2**-7 * exact and found[0][1:] == found[1][1:]


def test_blocks_nest_and_belong_to_a_thread():
    import threading

    assert not torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is torch.bfloat16
    seen = []
    with torch.autocast("cpu"):
        assert torch.is_autocast_enabled("cpu") and not torch.is_autocast_enabled("cuda")
        t = threading.Thread(target=lambda: seen.append((torch.ones(1, 1) @ torch.ones(1, 1)).dtype))
        t.start()
        t.join()
        with torch.autocast("cpu", enabled=False):
            assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.float32
        assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.bfloat16
    assert seen == [torch.float32] and not torch.is_autocast_enabled("cpu")

    @torch.autocast("cpu")
    def product(x):
        return x @ x

    assert product(torch.ones(1, 1)).dtype is torch.bfloat16
    with pytest.warns(UserWarning, match="not available"), torch.autocast("cuda"):
        assert (torch.ones(1, 1) @ torch.ones(1, 1)).dtype is torch.float32
    with pytest.warns(UserWarning, match="not supported"):
        torch.autocast("cpu", dtype=torch.float64)
    w, x = torch.ones(2, 2, requires_grad=True), torch.ones(2, 2)
    with torch.autocast("cpu"):  # backward inside the block computes as outside
        y = (x * 1.001) @ w.sin()
        y.float().sum().backward()
    assert w.grad.dtype is torch.float32


def test_scaler_leaves_out_bad_steps():
    p = torch.nn.Parameter(torch.ones(1))
    optimizer, scaler = torch.optim.SGD([p], lr=0.5), torch.amp.GradScaler("cpu", growth_interval=2)
    scaler.scale(p * float("inf")).backward()
    scaler.step(optimizer)
    scaler.update()
    assert p.item() == 1.0 and scaler.get_scale() == 2.0**15
    for _ in range(2):
        optimizer.zero_grad()
        scaler.scale(p * 2).backward()
        scaler.unscale_(optimizer)
        assert p.grad.item() == 2.0
        check_raises(RuntimeError, ["unscale_"], scaler.unscale_, optimizer)
        scaler.step(optimizer)
        scaler.update()
    assert p.item() == -1.0 and scaler.get_scale() == 2.0**16
    other = torch.amp.GradScaler("cpu")
    other.load_state_dict(scaler.state_dict())
    assert other.state_dict() == scaler.state_dict()
    off = torch.cuda.amp.GradScaler(enabled=False)
    assert off.scale(p) is p and off.get_scale() == 1.0 and off.state_dict() == {} and not off.is_enabled()
    off.step(optimizer)
    off.update()
