"""The tape: accumulation, graphs of any shape and depth, hooks, modes, in-place safety, higher order."""

import gc
import weakref

import numpy as np
import pytest
from harness import check_close, check_raises, gradcheck, numbers

import udlfast as torch


def leaf(*values, **more):
    return torch.tensor(values, requires_grad=True, **more)


def test_gradients_accumulate_until_cleared():
    x = leaf(1.0, 2.0)
    for times in (1, 2, 3):
        (x * x).sum().backward()
        assert x.grad.tolist() == [2.0 * times, 4.0 * times]
    x.grad = None
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    x.grad.zero_()
    assert x.grad.tolist() == [0.0, 0.0]


def test_accumulation_does_not_write_into_the_upstream_gradient():
    x, g = leaf(1.0, 2.0), torch.tensor([1.0, 1.0])
    y = x + 0
    y.backward(g, retain_graph=True)
    y.backward(g)
    assert g.tolist() == [1.0, 1.0] and x.grad.tolist() == [2.0, 2.0]
    a, b = leaf(1.0), leaf(1.0)
    (a + b).backward(torch.tensor([1.0]))
    a.grad.add_(5)
    assert b.grad.tolist() == [1.0], "two inputs of one sum share no gradient"


def test_a_tensor_used_many_times():
    x = leaf(2.0)
    y = x
    for _ in range(10):
        y = y + x
    (y * x * x).backward()
    assert x.grad.item() == 3 * 11 * 4.0


def test_diamond():
    x = leaf(3.0)
    a = x * x
    b, c = a * 2, a * a
    (b * c).backward()  # 2 x^6
    assert x.grad.item() == 12 * 3.0**5


def test_wide_and_deep_diamonds_visit_each_node_once():
    """2^60 paths, 60 nodes."""
    x = leaf(1.0, dtype=torch.float64)
    y = x
    for _ in range(60):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.item() == 1.0


def test_branch_that_does_not_reach_the_output():
    x = leaf(1.0)
    unused = x * 5
    (x * 2).backward()
    assert x.grad.item() == 2.0 and unused.grad_fn is not None


def test_chain_of_a_million_nodes():
    """Neither the walk nor the release of the graph may recurse."""
    x = leaf(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1.0
    del y
    y = x
    for _ in range(300_000):
        y = -y
    del y  # freed without a backward
    gc.collect()
    assert x.grad.item() == 1.0


def test_graph_is_freed_with_its_output():
    """What the graph saved (here an array's memory) lives as long as the output, and no longer."""
    a = np.ones(4)
    alive = weakref.ref(a)
    w = leaf(1.0, 2.0, 3.0, 4.0)
    y = (torch.from_numpy(a) * w).sum()
    del a
    gc.collect()
    assert alive() is not None
    y.backward(retain_graph=True)
    assert alive() is not None
    del y
    gc.collect()
    assert alive() is None


def test_backward_frees_what_was_saved():
    a = np.ones(4)
    alive = weakref.ref(a)
    w = leaf(1.0, 2.0, 3.0, 4.0)
    y = (torch.from_numpy(a) * w).sum()
    del a
    y.backward()
    gc.collect()
    assert alive() is None and y.grad_fn is not None


def test_second_backward_needs_retain_graph():
    x = leaf(2.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 8.0
    check_raises(RuntimeError, ["second time", "retain_graph"], y.backward)


def test_backward_of_non_scalar():
    x = leaf(1.0, 2.0)
    check_raises(RuntimeError, ["scalar"], (x * 2).backward)
    (x * 2).backward(torch.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 20.0]
    check_raises(RuntimeError, ["[3]", "[2]"], (x * 2).backward, torch.ones(3))


def test_backward_without_a_graph():
    check_raises(RuntimeError, ["grad"], torch.tensor(1.0).backward)
    check_raises(RuntimeError, ["grad"], leaf(1.0).detach().sum().backward)


def test_only_floats_have_gradients():
    check_raises(RuntimeError, ["float"], lambda: torch.tensor([1, 2], requires_grad=True))
    check_raises(RuntimeError, ["float"], torch.tensor([1]).requires_grad_)


def test_leaves():
    x = leaf(1.0)
    y = x * 2
    assert x.is_leaf and not y.is_leaf and x.grad_fn is None and y.grad_fn is not None and y.requires_grad
    assert torch.ones(2).is_leaf and not torch.ones(2).requires_grad
    check_raises(RuntimeError, ["leaf"], lambda: setattr(y, "requires_grad", False))


def test_no_grad_modes():
    x = leaf(1.0)
    with torch.no_grad():
        assert not (x * 2).requires_grad and not torch.is_grad_enabled()
        with torch.enable_grad():
            assert (x * 2).requires_grad
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()

    @torch.no_grad()
    def f(v):
        return v * 2

    assert not f(x).requires_grad and (x * 2).requires_grad
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        raise ZeroDivisionError
    assert torch.is_grad_enabled()
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    torch.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    torch.set_grad_enabled(True)
    with torch.inference_mode():
        assert not (x * 2).requires_grad


def test_grad_mode_belongs_to_a_thread():
    import threading

    seen = []
    with torch.no_grad():
        worker = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        worker.start()
        worker.join()
    assert seen == [True]


def test_detach():
    x = leaf(3.0)
    y = x * 2
    (y.detach() * x).backward()
    assert x.grad.item() == 6.0 and y.detach().data_ptr() == y.data_ptr()
    z = x * 2
    assert z.detach_() is z and not z.requires_grad


def test_hooks_see_and_change_gradients():
    x = leaf(1.0, 2.0)
    y = x * 2
    seen = []
    handle = y.register_hook(lambda g: seen.append(g.tolist()))
    other = y.register_hook(lambda g: g * 10)
    y.sum().backward(retain_graph=True)
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [20.0, 20.0]
    handle.remove()
    other.remove()
    x.grad = None
    y.sum().backward()
    assert seen == [[1.0, 1.0]] and x.grad.tolist() == [2.0, 2.0]


def test_hook_on_a_leaf():
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g + 1)
    (x * 2).backward()
    assert x.grad.item() == 3.0
    handle.remove()


def test_hook_that_fails_leaves_the_tape_usable():
    x = leaf(1.0)
    y = x * 2
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.backward()
    (x * 3).backward()
    assert x.grad.item() == 3.0


def test_retain_grad():
    x = leaf(2.0)
    y = x * 3
    y.retain_grad()
    (y * y).backward()
    assert y.grad.item() == 12.0 and x.grad.item() == 36.0


def test_grad_function():
    x, w = leaf(2.0), leaf(5.0)
    y = x * x * w
    gx, gw = torch.autograd.grad(y, (x, w))
    assert gx.item() == 20.0 and gw.item() == 4.0 and x.grad is None and w.grad is None
    check_raises(RuntimeError, ["unused"], torch.autograd.grad, x * 2, w)
    assert torch.autograd.grad(x * 2, (x, w), allow_unused=True)[1] is None
    (g,) = torch.autograd.grad([x * 2, x * 3], x, grad_outputs=[torch.tensor([1.0]), torch.tensor([10.0])])
    assert g.item() == 32.0
    mid = x * 3
    assert torch.autograd.grad(mid * mid, mid)[0].item() == 12.0


def test_second_order():
    x = leaf(2.0, dtype=torch.float64)
    y = x**3
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    (h,) = torch.autograd.grad(g, x, create_graph=True)
    (t,) = torch.autograd.grad(h, x)
    assert (g.item(), h.item(), t.item()) == (12.0, 12.0, 6.0)


SECOND = {
    "exp": torch.exp,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "log": torch.log,
    "div": lambda x: 1 / x,
    "sqrt": torch.sqrt,
    "softmax": lambda x: torch.softmax(x, 0),
    "matmul": lambda x: x.view(2, 2) @ x.view(2, 2),
    "mean": lambda x: (x * x).mean(),
    "view": lambda x: x.view(2, 2).t().reshape(4) ** 2,
    "index": lambda x: x[1:3] ** 3,
    "cat": lambda x: torch.cat([x, x * x]) ** 2,
}


@pytest.mark.parametrize("name", SECOND)
def test_gradient_of_the_gradient(name, rng):
    """The gradient penalty of a GAN: its derivative against central differences."""

    def penalty(x):
        y = SECOND[name](x)
        (g,) = torch.autograd.grad((y * y).sum(), x, create_graph=True)
        return (g * g).sum()

    x = rng.uniform(0.5, 1.5, 4)
    t = torch.tensor(x, requires_grad=True)
    penalty(t).backward()
    h = 1e-5
    want = []
    for i in range(4):
        step = h * np.eye(4)[i]
        up, down = (penalty(torch.tensor(x + s, requires_grad=True)).item() for s in (step, -step))
        want.append((up - down) / (2 * h))
    assert np.allclose(numbers(t.grad), want, rtol=1e-6, atol=1e-6)


def test_own_function():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x)
            ctx.scale = scale
            return scale * x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * ctx.scale * g * x * x, None

    x = leaf(1.0, 2.0)
    Cube.apply(x, 2.0).sum().backward()
    assert x.grad.tolist() == [6.0, 24.0]


def test_broadcast_gradients_are_summed(rng):
    gradcheck(lambda a, b, c: a * b + c, rng.standard_normal((3, 1)), rng.standard_normal((1, 4)), np.asarray(2.0), rng=rng)


def test_mixed_types():
    x = leaf(1.0, 2.0)
    w = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (x * w).sum().backward()
    assert x.grad.dtype == torch.float32 and w.grad.dtype == torch.float64
    assert x.grad.tolist() == [1.0, 2.0] and w.grad.tolist() == [1.0, 2.0]


def test_grad_must_fit():
    x = leaf(1.0, 2.0)
    check_raises(RuntimeError, ["grad"], lambda: setattr(x, "grad", torch.ones(3)))
    x.grad = torch.ones(2)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_cycle_through_a_hook_is_collected():
    def make():
        y = leaf(*([1.0] * 1000)) * 2
        y.register_hook(lambda g: g * y.detach())  # tensor -> hook -> tensor
        return weakref.ref(y)

    alive = make()
    gc.collect()
    assert alive() is None


def test_backward_in_several_threads():
    """Each thread has its own graph over one shared parameter that asks for no gradient."""
    import threading

    w = torch.tensor(np.linspace(-1, 1, 64 * 64).reshape(64, 64))
    grads = [None] * 6

    def work(i):
        x = torch.full((64,), 0.01 * (i + 1), dtype=torch.float64, requires_grad=True)
        for _ in range(20):
            x.grad = None
            torch.tanh(w @ x).sum().backward()
        grads[i] = numbers(x.grad)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    [t.start() for t in workers], [t.join() for t in workers]
    for i, g in enumerate(grads):
        a = w.numpy()
        want = a.T @ (1 - np.tanh(a @ np.full(64, 0.01 * (i + 1))) ** 2)
        check_close(torch.tensor(g), want, f"thread {i}", k=64)


def test_anomalous_shapes_do_not_leak_memory():
    if not hasattr(torch, "memory_stats"):
        pytest.skip("no figures about memory")
    x = torch.ones((100, 100), requires_grad=True)

    def step():
        (x @ x).relu().softmax(1).log().sum().backward()
        x.grad = None

    for _ in range(5):
        step()
    gc.collect()
    before = torch.memory_stats()["in_use"]
    for _ in range(50):
        step()
    gc.collect()
    assert torch.memory_stats()["in_use"] == before


def test_a_leaf_takes_over_the_gradient_that_arrives():
    x = torch.ones(7, requires_grad=True)
    g = torch.ones(7)
    y = x.exp()
    before = torch.memory_stats()["allocations"]
    y.backward(g)
    assert torch.memory_stats()["allocations"] - before == 1  # that of the rule: no copy for the leaf


def test_a_gradient_that_others_hold_is_copied():
    x, g = torch.ones(3, requires_grad=True), torch.ones(3)
    seen = []
    x.register_hook(seen.append)
    (x * 1.0).backward(g)
    a, b = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    (a + b).backward(g)
    x.grad.mul_(2)
    a.grad.mul_(3)
    b.grad.mul_(4)
    assert [t.tolist() for t in (g, seen[0], b.grad)] == [[1.0] * 3, [1.0] * 3, [4.0] * 3]
