"""Chains of element-wise calls: one launch, the bits of the calls one by one, nothing written that nobody can read; what ends a chain."""

import threading

import numpy as np
import pytest
from harness import numbers
from test_cuda_kernels import pytestmark as pytestmark

import udlfast as torch
import udlfast.nn.functional as F


@pytest.fixture(autouse=True)
def fused(monkeypatch):
    """Every chain is compiled when it is first met; nothing waits from another test."""
    from udlfast.cuda import _fusion

    torch.ones(1, device="cuda").tolist()
    _fusion.flush()
    monkeypatch.setattr(_fusion, "AFTER", 1)
    return _fusion


def counted(fusion, f):
    """(calls, launches, results that were not written) of f(); its result's numbers."""
    fusion.flush()
    before = dict(fusion.COUNTS)
    y = f()
    fusion.flush()
    counts = tuple(fusion.COUNTS[name] - before[name] for name in ("calls", "launches", "results not written"))
    return counts, [numbers(t.cpu()) for t in (y if isinstance(y, tuple) else (y,))]


CHAINS = {
    "one chain, three results that die": (lambda x, w: torch.relu(x * w + w) - 1, (4, 1, 3)),
    "a result that lives is written": (lambda x, w: (lambda t: (t.exp(), t))(x * w), (2, 1, 0)),
    "broadcast after flat": (lambda x, w: (x * 2 + x) * w, (3, 1, 2)),
    "columns and rows": (lambda x, w: (x - x[:, :1]) / (w + x), (3, 1, 2)),
    "truth in between": (lambda x, w: torch.where((x > 0) & (x < 1), x * 2, w), (5, 1, 4)),
    "other types": (lambda x, w: ((x * 3).to(torch.int64) + 1).float() * 0.5, (5, 2, 3)),
    "doubles": (lambda x, w: (x.double() * x + 1).float(), (4, 1, 3)),
    "bfloat16": (lambda x, w: (x.bfloat16() * 3 + 1).float(), (4, 1, 3)),
    "float16": (lambda x, w: (x.half() * 3 + 1).float(), (4, 1, 3)),
    "numbers": (lambda x, w: (x * -0.0 + 2) / 3, (3, 1, 2)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_is_one_launch_with_the_bits_of_its_calls(fused, monkeypatch, rng, name):
    f, want = CHAINS[name]
    x, w = (torch.tensor(rng.standard_normal(s).astype(np.float32)).to("cuda") for s in ((5, 7), (7,)))
    counts, got = counted(fused, lambda: f(x, w))
    assert counts == want
    monkeypatch.setattr(fused, "AFTER", 10**9)
    alone, one_by_one = counted(fused, lambda: f(x, w))
    assert alone[0] == alone[1] == want[0] and alone[2] == 0
    _, host = counted(fused, lambda: f(x.cpu(), w.cpu()))
    for a, b, c in zip(got, one_by_one, host, strict=True):
        assert np.array_equal(a, b, equal_nan=True)
        assert np.allclose(a, c, rtol=1e-6, atol=1e-6)


def in_place(x):
    x += 1
    y = x * 2
    x *= 3
    return x - y, x


def a_view_of_what_is_written(x):
    y = x + 1
    return y[1:] * y[:-1]


def a_view_is_written(x):
    y = x * 2
    x[1:] = 5
    return x + y


def a_row_is_read_by_all(x):
    y = x * 2
    y[0] += 1
    return y + y[0]


def what_is_read_is_written_later(x):
    y = x + 1
    x.zero_()
    return y + x


def a_transposed_result(x):
    y = x * 2
    return y[:5, :5].t() + y[:5, :5]


def a_result_turned_round_beside_an_input(x):
    square = x.reshape(-1)[:36].reshape(6, 6)
    y = square + 1
    return y.t() * square  # as many elements, and one operand is known, but each thread reads another's result


def a_copy_over_itself(x):
    y = x * 2
    y[1:] = y[:-1].clone()
    return y + 1


def other_kernels_between(x):
    y = x * 2
    z = y @ y.t()
    y += 1
    return z * 2 + y.sum(), y


def numbers_of_the_host_between(x):
    y = x * 2
    first = y[0, 0].item()
    y += first
    return y.sort(1)[0] + 1


@pytest.mark.parametrize("f", [in_place, a_view_of_what_is_written, a_view_is_written, a_row_is_read_by_all, what_is_read_is_written_later,
                               a_transposed_result, a_result_turned_round_beside_an_input, a_copy_over_itself, other_kernels_between,
                               numbers_of_the_host_between],
                         ids=lambda f: f.__name__)  # fmt: skip
@pytest.mark.filterwarnings("ignore:sort")
def test_what_a_chain_reads_and_writes_keeps_its_order(rng, f):
    x = torch.tensor(rng.standard_normal((6, 7)).astype(np.float32))
    want, got = f(x.clone()), f(x.to("cuda"))
    for a, b in zip(want if isinstance(want, tuple) else (want,), got if isinstance(got, tuple) else (got,), strict=True):
        assert np.allclose(numbers(a), numbers(b.cpu()), rtol=1e-5, atol=1e-5)


def test_memory_of_results_that_die_in_a_chain_comes_back(fused):
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    x = torch.ones(1000).to("cuda")
    for _ in range(5):
        x = (x + 1) * 0.5
        torch.cuda.synchronize()
    assert x.tolist() == [1.0] * 1000
    del x
    assert torch.cuda.memory_allocated() == before


def test_a_long_chain_and_many_inputs_are_cut(fused):
    x = torch.ones(3).to("cuda")
    many = [torch.full((3,), float(i)).to("cuda") for i in range(20)]

    def run():
        y = x
        for _ in range(40):
            y = y + 1
        for m in many:
            y = y + m
        return y

    (calls, launches, _), (got,) = counted(fused, run)
    assert calls == 60 and 5 <= launches <= 8 and got.tolist() == [231.0] * 3


def test_another_stream_does_not_join(fused):
    x, s = torch.ones(3).to("cuda"), torch.cuda.Stream()

    def run():
        y = x + 1
        with torch.cuda.stream(s):
            z = y * 2
        return z + 1

    (calls, launches, _), (got,) = counted(fused, run)
    assert calls == launches == 3 and got.tolist() == [5.0] * 3


def test_memory_is_freed_by_a_thread_that_the_holder_of_the_lock_waits_for(fused):
    """Python collects in whichever thread it likes: waiting for the lock there stood still for ever."""
    from udlfast.cuda import _memory

    held = [torch.ones(3).to("cuda")]
    with _memory.LOCK:
        before = _memory.COUNTS["active.current"]
        thread = threading.Thread(target=held.clear, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive()
    torch.cuda.memory_stats()
    assert _memory.COUNTS["active.current"] == before - 1


def test_events_end_a_chain(fused):
    x = torch.ones(3).to("cuda") + 1
    e = torch.cuda.Event(enable_timing=True)
    assert not fused._waiting.done
    e.record()
    assert fused._waiting is None
    e.synchronize()
    assert x.tolist() == [2.0] * 3


def test_a_network_under_fusion_as_one_by_one(fused, monkeypatch):
    """A forward and backward pass has the same bits whether its element-wise calls are fused or not, and takes fewer launches."""
    results = []
    for after in (1, 10**9):
        monkeypatch.setattr(fused, "AFTER", after)
        torch.manual_seed(0)
        w = torch.randn(3, 4).to("cuda").requires_grad_()
        counts, (loss, grad) = counted(fused, lambda w=w: (lambda y: (y.detach(), *torch.autograd.grad(y, w)))(
            (F.silu(w * 2 + 1) * torch.tanh(w) - w.sigmoid()).square().sum()))  # fmt: skip
        results.append((counts, loss, grad))
    (fast, loss, grad), (slow, want_loss, want) = results
    assert np.array_equal(loss, want_loss) and np.array_equal(grad, want)
    assert fast[0] == slow[0] == slow[1] and fast[1] < slow[1] - 5
