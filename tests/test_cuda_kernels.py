"""CUDA kernels against the float64 references: on a GPU, or with NUMBA_ENABLE_CUDASIM=1 in Numba's simulator.

Tiles are small in the simulator (16 x 16 numbers of a product, 4 to 8 rows of attention), so that small shapes have edges of every kind.
"""

import numpy as np
import pytest
from harness import check_close, check_gradient, check_raises, numbers

import udlfast as torch
import udlfast.nn.functional as F
from udlfast.reference import attention, batch_norm, conv2d, linear, lstm, matmul

why = torch.cuda.why_not()
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(why is not None, reason=f"{why}; NUMBA_ENABLE_CUDASIM=1 runs this in Numba's simulator"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # the simulator's arithmetic is NumPy's
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
slow = pytest.mark.slow
sdpa = F.scaled_dot_product_attention


def gpu(f):
    """f on tensors moved to the GPU, its result moved back; gradients take the same way."""

    def moved(*inputs):
        given = [x.to("cuda") if isinstance(x, torch.Tensor) else x for x in inputs]
        y = f(*given)
        assert y.is_cuda
        return y.cpu()

    return moved


def test_moving_there_and_back():
    x = torch.randn(3, 5)
    y = x.to("cuda")
    assert y.is_cuda and str(y.device) == "cuda:0" and y.get_device() == 0 and not x.is_cuda
    assert (
        torch.equal(y.cpu(), x)
        and y.cuda() is y
        and x.cpu() is x
        and torch.equal(y.T.cpu(), x.T)
        and torch.equal(y[1:, 2:].cpu(), x[1:, 2:])
    )
    assert y.tolist() == x.tolist() and y[1, 2].item() == x[1, 2].item() and torch.zeros_like(y).is_cuda
    assert torch.zeros(2, device="cuda").is_cuda and torch.tensor([1, 2], device="cuda").tolist() == [1, 2]
    assert torch.arange(3, device="cuda").tolist() == [0, 1, 2] and torch.randn(2, device="cuda").is_cuda
    z = x.clone().requires_grad_()
    (z.to("cuda") * 2).sum().backward()
    assert torch.equal(z.grad, torch.full((3, 5), 2.0)) and not z.grad.is_cuda
    leaf = y.clone().requires_grad_()
    (leaf * leaf).sum().backward()
    assert leaf.grad.is_cuda
    check_close(leaf.grad.cpu(), 2 * numbers(x), "grad", k=1)
    y.zero_()
    assert torch.equal(y.cpu(), torch.zeros(3, 5))
    y[1] = 7
    y.copy_(y + x.to("cuda"))
    assert y[1, 0].item() == pytest.approx(7 + x[1, 0].item())
    host = torch.randn(3, 5)
    host.copy_(y)
    assert torch.equal(host, y.cpu()) and not host.is_cuda


def test_a_mixture_of_devices_is_refused():
    x, y = torch.randn(2, 3), torch.randn(2, 3).to("cuda")
    check_raises(RuntimeError, ["add", "cuda:0", "cpu"], lambda: x + y)
    check_raises(RuntimeError, ["matmul", "cuda:0", "cpu"], lambda: y @ x.T)
    check_raises(TypeError, ["numpy", "cuda:0", "cpu()"], y.numpy)
    check_raises(RuntimeError, ["cuda:1"], lambda: x.to("cuda:1"))
    check_raises(RuntimeError, ["[2, 3]", "[2, 3]"], lambda: y @ y)
    check_raises(IndexError, ["out of range"], lambda: F.embedding(torch.tensor([5]).to("cuda"), y))
    check_raises(IndexError, ["class"], lambda: F.cross_entropy(y, torch.tensor([0, 3]).to("cuda")))
    assert (y * torch.tensor(2.0)).is_cuda and (y + 1).is_cuda  # numbers without dimensions may come from the CPU


def test_memory_is_counted_and_kept():
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    x = torch.zeros(1000, device="cuda")
    assert torch.cuda.memory_allocated() >= before + 4000
    del x
    assert torch.cuda.memory_allocated() == before and torch.cuda.max_memory_allocated() >= before + 4000
    stats = torch.cuda.memory_stats()
    assert stats["reserved_bytes.all.current"] >= stats["allocated_bytes.all.current"] and stats["num_ooms"] == 0
    blocks = [torch.zeros(n, device="cuda") for n in (10, 5000, 300)]
    del blocks[1]
    assert torch.cuda.memory_allocated() < before + 4 * 5310
    s = torch.cuda.Stream()
    with torch.cuda.stream(s):
        assert torch.cuda.current_stream() is s
        y = torch.ones(4).to("cuda") * 3
    s.synchronize()
    torch.cuda.synchronize()
    assert y.tolist() == [3.0] * 4 and torch.cuda.current_stream() is torch.cuda.default_stream()


PRODUCTS = [(1, 1, 1), (15, 7, 17), (16, 8, 16), (17, 9, 15), (4, 12, 8), pytest.param(33, 20, 31, marks=slow)]


@pytest.mark.parametrize("m, k, n", PRODUCTS)
@pytest.mark.parametrize("layout", ["plain", "transposed"])
def test_matmul(rng, m, k, n, layout):
    a, b = rng.standard_normal((m, k)), rng.standard_normal((k, n))
    check_gradient(gpu(torch.matmul), matmul.matmul, matmul.matmul_backward, a, b, rng=rng, layout=layout, k=4, n=max(m, k, n), scale=1)


@pytest.mark.parametrize("shapes", [((2, 3, 5), (2, 5, 4)), pytest.param(((2, 1, 3, 4), (3, 4, 8)), marks=slow), ((5,), (5, 3))], ids=str)
def test_matmul_of_batches(rng, shapes):
    a, b = (rng.standard_normal(s) for s in shapes)
    check_gradient(gpu(torch.matmul), matmul.matmul, matmul.matmul_backward, a, b, rng=rng, k=4, n=24, scale=1)


def test_matmul_in_float64_and_linear(rng):
    a, b = rng.standard_normal((5, 6)), rng.standard_normal((6, 3))
    check_gradient(gpu(torch.matmul), matmul.matmul, matmul.matmul_backward, a, b, rng=rng, dtype="float64", k=4, n=6, scale=1)
    x, w, c = rng.standard_normal((2, 3, 8)), rng.standard_normal((12, 8)), rng.standard_normal(12)
    check_gradient(gpu(F.linear), linear.linear, linear.linear_backward, x, w, c, rng=rng, k=4, n=12, scale=1)


@pytest.mark.parametrize("act", ["relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid"])
def test_epilogues_of_matmul(rng, act):
    """act(alpha a b + beta out + bias) + residual, with the bias along rows or columns."""
    from udlfast import _core
    from udlfast.reference.elementwise import FORWARD

    code = ["none", "relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid"].index(act)
    a, b, out, e = (rng.standard_normal(s).astype(np.float32) for s in ((5, 7), (7, 6), (5, 6), (5, 6)))
    for bias_m in (False, True):
        bias = rng.standard_normal(5 if bias_m else 6).astype(np.float32)
        y = torch.tensor(out).to("cuda")
        _core.matmul_into(*(torch.tensor(v).to("cuda") for v in (a, b)), y, torch.tensor(bias).to("cuda"), torch.tensor(e).to("cuda"), code,
                          0.5, 1.0, bias_m)  # fmt: skip
        inner = 0.5 * (a.astype(float) @ b) + out + (bias[:, None] if bias_m else bias)
        check_close(y.cpu(), FORWARD[act](inner) + e, act, k=8, n=7, scale=4)


CONVOLUTIONS = [
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((2, 3, 5, 4), (4, 3, 3, 3), {"padding": 1}),
    pytest.param((2, 4, 7, 6), (6, 2, 3, 2), {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}, marks=slow),
    pytest.param((1, 2, 9, 11), (17, 2, 3, 3), {"stride": (1, 2)}, marks=slow),
    ((2, 4, 4, 4), (5, 4, 1, 1), {}),
]


@pytest.mark.parametrize("x, w, options", CONVOLUTIONS, ids=str)
def test_conv2d(rng, x, w, options):
    c = conv2d
    check_gradient(lambda x, w, b: gpu(lambda x, w, b: F.conv2d(x, w, b, **options))(x, w, b), lambda x, w, b: c.conv2d(x, w, b, **options),
                   lambda gy, x, w, b: c.conv2d_backward(gy, x, w, b, **options), *(rng.standard_normal(s) for s in (x, w, w[:1])),
                   rng=rng, k=4, n=max(np.prod(w), np.prod(x)), scale=1)  # fmt: skip


# batch axes, queries, keys, width, width of values
ATTENTION = [
    ((1, 1), 1, 1, 1, 1),
    ((2, 2), 5, 7, 6, 6),
    ((1, 2), 8, 4, 8, 8),
    pytest.param(((1, 2), 9, 13, 8, 3), marks=slow),
    pytest.param(((1, 1), 17, 5, 9, 17), marks=slow),
]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("case", ATTENTION, ids=str)
def test_attention(rng, case, causal):
    batch, L, S, D, E = case
    shapes = (*batch, L, D), (*batch, S, D), (*batch, S, E)
    a = attention
    check_gradient(gpu(lambda q, k, v: sdpa(q, k, v, is_causal=causal)), lambda q, k, v: a.attention(q, k, v, None, causal),
                   lambda gy, q, k, v: a.attention_backward(gy, q, k, v, None, causal)[:3], *(rng.standard_normal(s) for s in shapes),
                   rng=rng, k=8, n=max(L, S, D), scale=1, grad_scale=1)  # fmt: skip


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_attention_with_a_mask_and_rows_that_see_nothing(rng, kind):
    seen = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 0, 1.0]])
    mask = seen != 0 if kind == "bool" else rng.standard_normal((3, 5)).astype(np.float32).astype(float)
    given = torch.tensor(mask) if kind == "bool" else torch.tensor(mask, dtype=torch.float32)
    a = attention
    check_gradient(gpu(lambda q, k, v: sdpa(q, k, v, given.to("cuda"))), lambda q, k, v: a.attention(q, k, v, mask),
                   lambda gy, q, k, v: a.attention_backward(gy, q, k, v, mask)[:3],
                   *(rng.standard_normal(s) for s in ((1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4))),
                   rng=rng, k=8, n=8, scale=1, grad_scale=1)  # fmt: skip


def check_same_as_cpu(f, *tensors, k=16, n=16):
    """f and its gradients on the GPU equal those on the CPU, which the other tests compare with references; same random numbers."""
    results = []
    for where in ("cpu", "cuda"):
        given = [t.detach().to(where).requires_grad_(t.dtype.is_floating_point) for t in tensors]
        torch.manual_seed(3)
        y = f(*given)
        assert y.is_cuda == (where == "cuda")
        torch.manual_seed(4)
        if y.requires_grad:
            y.backward(torch.randn(*y.shape).to(where))
        results.append([y.detach().cpu()] + [t.grad.cpu() for t in given if t.grad is not None])
    assert len(results[0]) == len(results[1])
    for i, (want, got) in enumerate(zip(*results, strict=True)):
        check_close(got, numbers(want), f"result {i}", k=k, n=n, scale=max(1.0, float(want.abs().max()) if want.numel() else 1.0))


def test_attention_drops_what_the_cpu_drops():
    q, k, v = (torch.randn(1, 2, n, 8) for n in (6, 5, 5))
    check_same_as_cpu(lambda q, k, v: sdpa(q, k, v, dropout_p=0.4), q, k, v)
    check_same_as_cpu(
        lambda q, k, v: sdpa(q, k, v, is_causal=True, enable_gqa=True),
        torch.randn(1, 4, 5, 8),
        torch.randn(1, 2, 5, 8),
        torch.randn(1, 2, 5, 8),
    )


LSTMS = [(1, 1, 1, 1), (3, 2, 5, 4), pytest.param(4, 3, 7, 17, marks=slow)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("L, N, I, H", LSTMS)
def test_lstm(rng, L, N, I, H, reverse):  # noqa: E741
    """One direction against the reference; the other one as the second half of a bidirectional layer."""
    shapes = (L, N, I), (N, H), (N, H), (4 * H, I), (4 * H, H), (4 * H,)
    x, h0, c0, w_ih, w_hh, b = (rng.standard_normal(s).astype(np.float32).astype(float) for s in shapes)
    m = torch.nn.LSTM(I, H, bidirectional=reverse)
    suffix = "_reverse" if reverse else ""
    with torch.no_grad():
        for name, value in (("weight_ih_l0", w_ih), ("weight_hh_l0", w_hh), ("bias_ih_l0", b)):
            getattr(m, name + suffix).copy_(torch.tensor(value, dtype=torch.float32))
        getattr(m, "bias_hh_l0" + suffix).zero_()
    m = m.to("cuda")
    assert all(p.is_cuda for p in m.parameters())
    at = slice(H, None) if reverse else slice(0, H)
    tx = torch.tensor(x, dtype=torch.float32).to("cuda").requires_grad_()
    states = [torch.tensor(np.stack([s] * (2 if reverse else 1)), dtype=torch.float32).to("cuda").requires_grad_() for s in (h0, c0)]
    y, (hn, cn) = m(tx, tuple(states))
    want = lstm.lstm(x, h0, c0, w_ih, w_hh, b, reverse=reverse)
    bound = {"k": 8, "n": (I + H) * L}
    for got, value, what in zip((y[..., at], hn[-1], cn[-1]), want, ("y", "hn", "cn"), strict=True):
        check_close(got.detach().cpu(), value, what, **bound)
    gy, gh, gc = (rng.standard_normal(np.shape(v)).astype(np.float32) for v in want)
    loss = (
        (y[..., at] * torch.tensor(gy).to("cuda")).sum()
        + (hn[-1] * torch.tensor(gh).to("cuda")).sum()
        + (cn[-1] * torch.tensor(gc).to("cuda")).sum()
    )
    loss.backward()
    grads = lstm.lstm_backward(gy.astype(float), gh, gc, x, h0, c0, w_ih, w_hh, b, reverse=reverse)
    got = (
        tx.grad,
        states[0].grad[-1],
        states[1].grad[-1],
        *(getattr(m, n + suffix).grad for n in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")),
    )
    for g, value, what in zip(got, grads, ("gx", "gh0", "gc0", "gw_ih", "gw_hh", "gb"), strict=True):
        check_close(g.cpu(), value, what, k=8, n=max(L * N, 4 * H) * L, scale=max(1, np.abs(value).max()))


@pytest.mark.parametrize("shape", [(2, 3), (4, 3, 5), (2, 1, 3, 2), (3, 2, 2, 5)], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(rng, shape, training):
    x, w, b = rng.standard_normal(shape) + 3, rng.standard_normal(shape[1]), rng.standard_normal(shape[1])
    mean, var = rng.standard_normal(shape[1]), rng.random(shape[1]) + 0.5
    running = [torch.tensor(v, dtype=torch.float32).to("cuda") for v in (mean, var)]
    mean, var = (v.astype(np.float32).astype(float) for v in (mean, var))
    r = batch_norm
    check_gradient(gpu(lambda x, w, b: F.batch_norm(x, *running, w, b, training)),
                   lambda x, w, b: r.batch_norm(x, mean, var, w, b, training)[0],
                   lambda gy, x, w, b: r.batch_norm_backward(gy, x, mean, var, w, training), x, w, b, rng=rng, k=32, n=x.size, scale=4,
                   grad_scale=8 * np.abs(w).max() / x.std(axis=(0, *range(2, x.ndim))).min())  # fmt: skip
    _, want_mean, want_var = r.batch_norm(x.astype(np.float32).astype(float), mean, var, training=training)
    for got, want in zip(running, (want_mean, want_var), strict=True):
        check_close(got.cpu(), want, "running statistics", k=8, n=x.size, scale=4)
