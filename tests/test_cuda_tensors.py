"""Tensors on a GPU: pinned transfers, 16-bit numbers and tensor cores, element types, files, questions, and errors."""

import copy

import numpy as np
import pytest
from harness import check_close, check_raises, numbers
from test_cuda_kernels import check_same_as_cpu, sdpa
from test_cuda_kernels import pytestmark as pytestmark

import udlfast as torch
import udlfast.nn.functional as F


@pytest.fixture(autouse=True)
def started():
    torch.cuda.init()


def test_pinned_memory_and_transfers_that_do_not_wait():
    from udlfast.cuda import _pinned

    x = torch.randn(3, 5)
    p = x.pin_memory()
    assert p.is_pinned() and not x.is_pinned() and p.pin_memory() is p and torch.equal(p, x)
    y = p.to("cuda", non_blocking=True)
    back = (y * 2).to("cpu", non_blocking=True)
    torch.cuda.synchronize()
    assert back.is_pinned() and torch.equal(back, x * 2) and torch.equal(p.cuda(non_blocking=True).cpu(), x)
    assert torch.equal(p.to("cuda", torch.float64, True).cpu(), x.double())
    assert torch.equal(x.t().pin_memory(), x.t()) and torch.equal(y.t()[1:].to("cpu", non_blocking=True), x.t()[1:])
    assert torch.zeros(2, pin_memory=True).is_pinned() and torch.tensor([1, 2], pin_memory=True).tolist() == [1, 2]
    for dtype in (torch.bfloat16, torch.bool, torch.int64):
        assert torch.equal(x.to(dtype).pin_memory(), x.to(dtype)) and x.to(dtype).pin_memory().dtype is dtype
    assert torch.zeros(0, 3).pin_memory().shape == (0, 3)
    check_raises(ValueError, ["pin_memory", "cpu()"], y.pin_memory)
    del p, back
    blocks = _pinned.COUNTS["blocks"]
    for _ in range(5):
        assert x.pin_memory().is_pinned()
    assert _pinned.COUNTS["blocks"] == blocks  # given back and taken again
    z = x.clone().requires_grad_()
    z.to("cuda", non_blocking=True).sum().backward()
    assert torch.equal(z.grad, torch.ones(3, 5))


def test_a_pinned_block_is_not_taken_while_a_transfer_uses_it(monkeypatch):
    from udlfast.cuda import _memory, _pinned

    passed = []
    monkeypatch.setattr(_memory.Event, "query", lambda self: bool(passed))
    p = torch.randn(1000).pin_memory()
    first = p.data_ptr()
    p.to("cuda", non_blocking=True)
    del p
    held = [torch.zeros(1000).pin_memory() for _ in range(3)]
    assert first not in [t.data_ptr() for t in held]
    passed.append(1)
    taken = [torch.zeros(1000).pin_memory() for _ in range(len(_pinned._free[4096]))]
    assert first in [t.data_ptr() for t in taken]


def test_batches_of_a_loader_are_pinned():
    data = torch.utils.data.TensorDataset(torch.arange(5.0), torch.arange(5))
    for x, y in torch.utils.data.DataLoader(data, batch_size=2, pin_memory=True):
        assert x.is_pinned() and y.is_pinned()
    rows = [{"a": torch.ones(1), "b": "text"}] * 2
    (batch,) = torch.utils.data.DataLoader(rows, batch_size=2, pin_memory=True)
    assert batch["a"].is_pinned() and batch["b"] == ["text", "text"]


def bfloat16(a):
    return numbers(torch.tensor(a, dtype=torch.float32).bfloat16())


def tf32(a):
    """10 bits after the point, to the nearest, ties away from zero."""
    b = np.asarray(a, np.float32).view(np.uint32).astype(np.uint64)
    return ((b + 0x1000) & 0xFFFFE000).astype(np.uint32).view(np.float32).astype(float)


@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (15, 17, 33), (32, 24, 16), pytest.param(33, 40, 20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("turned", [False, True])
def test_products_on_tensor_cores(rng, m, k, n, turned):
    """Rounded as documented and added in float32: against float64 products of the rounded numbers."""
    a, b, c = (rng.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n), (n,)))

    def on_gpu(x, dtype):
        t = torch.tensor(x, dtype=dtype)
        return t.t().contiguous().to("cuda").t() if turned else t.to("cuda")

    for precision, rounded in (("high", tf32), ("medium", bfloat16)):
        torch.set_float32_matmul_precision(precision)
        try:
            y = on_gpu(a, torch.float32) @ on_gpu(b, torch.float32)
        finally:
            torch.set_float32_matmul_precision("highest")
        check_close(y.cpu(), rounded(a) @ rounded(b), precision, k=4, n=k, scale=1)
    x, w, bias = on_gpu(a, torch.bfloat16), on_gpu(np.ascontiguousarray(b.T), torch.bfloat16), torch.tensor(c).bfloat16().to("cuda")
    want = bfloat16(a) @ bfloat16(b)
    check_close((x @ w.t()).cpu(), want, "bfloat16", k=4, n=1, scale=1)
    check_close(F.linear(x, w, bias).cpu(), want + bfloat16(c), "linear", k=4, n=1, scale=1)


def test_tensor_cores_by_the_switch_of_the_back_end(rng):
    a = rng.standard_normal((4, 8)).astype(np.float32)
    x = torch.tensor(a).to("cuda")
    exact = (x @ x.t()).cpu()
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        y = (x @ x.t()).cpu()
    finally:
        torch.backends.cuda.matmul.allow_tf32 = False
    check_close(y, tf32(a) @ tf32(a).T, "TF32", k=4, n=8, scale=1)
    assert not torch.equal(y, exact)


def test_special_numbers_on_tensor_cores():
    x = torch.tensor([[float("inf"), 1.0], [float("nan"), 0.0], [3e38, 1.0]]).bfloat16().to("cuda")
    y = (x @ torch.eye(2).bfloat16().to("cuda")).float().cpu()
    assert y[0, 0] == float("inf") and y[1, 0].isnan() and y[0, 1].isnan() and float(y[2, 0]) > 2.9e38


HALVES = {
    "element-wise": lambda x: F.gelu(x * 2) + x.tanh(),
    "softmax": lambda x: x.softmax(-1),
    "sums": lambda x: x.sum(1) + x.mean(1) + x.amax(1),
    "layer norm": lambda x: F.layer_norm(x, (8,), x[0].detach(), x[1].detach()),
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "convolution": lambda x: F.conv2d(x.reshape(1, 2, 4, 4), x.reshape(-1)[:18].reshape(1, 2, 3, 3)),
    "attention": lambda x: sdpa(*[x.reshape(1, 1, 4, 8)] * 3),
    "pooling": lambda x: F.max_pool2d(x.reshape(1, 1, 4, 8), 2),
    "embedding": lambda x: F.embedding(torch.tensor([1, 2, 1]).to(x.device), x),
    "loss": lambda x: F.cross_entropy(x, torch.tensor([1, 2, 1, 0]).to(x.device)),
    "joined": lambda x: torch.cat([x, x[:, 2:].contiguous()], 1)[x.sum(1) > -100],
}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", HALVES)
@pytest.mark.filterwarnings("error::UserWarning")
def test_16_bit_numbers_stay_on_the_gpu(monkeypatch, name, dtype):
    monkeypatch.setenv("UDLFAST_CUDA_FALLBACK", "0")
    torch.manual_seed(1)
    x, results = torch.randn(4, 8).to(getattr(torch, dtype)), []
    for where in ("cpu", "cuda"):
        t = x.detach().to(where).requires_grad_()
        y = HALVES[name](t)
        (y.float() * torch.arange(1.0, 1 + y.numel()).reshape(y.shape).to(where)).sum().backward()
        assert y.dtype is x.dtype and y.is_cuda == t.grad.is_cuda == (where == "cuda")
        results.append((y.detach().cpu(), t.grad.cpu()))
    for want, got in zip(*results, strict=True):  # computed in float32 in another order and rounded once
        got, want = (numbers(t.float()) for t in (got, want))
        assert np.abs(got - want).max() <= {"bfloat16": 2.0**-8, "float16": 2.0**-11}[dtype] * max(1.0, np.abs(want).max())


def test_autocast_and_its_scaler_work_on_a_gpu():
    x = torch.randn(4, 8).to("cuda").requires_grad_()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        y = x @ x.t()
        assert torch.is_autocast_enabled("cuda")
    assert y.dtype is torch.bfloat16 and y.is_cuda and torch.cuda.is_bf16_supported()
    scaler = torch.amp.GradScaler("cuda")
    w = torch.nn.Parameter(torch.ones(2).to("cuda"))
    optimizer = torch.optim.SGD([w], 0.5)
    scaler.scale((w * 2).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert w.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "int32", "int16", "int8", "uint8", "bool", "float16", "bfloat16"])
def test_element_types(dtype):
    kind = getattr(torch, dtype)
    x = torch.arange(12.0).reshape(3, 4).to(kind)
    y = x.to("cuda")
    for f in (lambda t: t, lambda t: t * 2, lambda t: t == t[0], lambda t: t.t()[1:], lambda t: t.sum(0), lambda t: torch.cat([t, t]),
              lambda t: t.float(), lambda t: t.to(torch.int32), lambda t: t[:, [2, 0]], lambda t: t.flip(0)):  # fmt: skip
        got, want = f(y), f(x)
        assert got.is_cuda and got.dtype is want.dtype and torch.equal(got.cpu(), want)
    check_raises(TypeError, ["complex64"], lambda: y.to(torch.complex64))


def test_in_place_and_views():
    def steps(x):
        v = x[1:]
        v += 1
        x.mul_(2)
        x[:, ::2] -= 3
        x.t()[0].fill_(9)
        x[0, 1] = 5
        x.relu_().add_(x)
        x.copy_(x.flip(0))
        x[x > 10] = -1
        return x

    x = torch.randn(3, 4)
    assert torch.equal(steps(x.to("cuda")).cpu(), steps(x))


def test_without_elements():
    z = torch.zeros(0, 4, device="cuda")
    for f in (lambda t: t + 1, lambda t: t.sum(0), lambda t: t @ t.new_zeros(4, 2), lambda t: t.t() @ t, lambda t: t.softmax(1),
              lambda t: F.layer_norm(t, (4,)), lambda t: torch.cat([t, t]), lambda t: t[:, 1:] * t[:, :1], lambda t: t.bfloat16() * 2,
              lambda t: F.conv2d(t.reshape(0, 1, 2, 2), t.new_ones(3, 1, 2, 2)), lambda t: sdpa(*[t.reshape(0, 1, 2, 2)] * 3)):  # fmt: skip
        got, want = f(z), f(torch.zeros(0, 4))
        assert got.shape == want.shape and got.dtype is want.dtype and got.tolist() == want.tolist()


@pytest.mark.parametrize("kind", ["causal", "bool", "float"])
def test_what_stands_at_a_hidden_key_changes_nothing(rng, kind):
    """NaN in keys and values that nobody sees leaves results and gradients as they are; rows that see it are NaN."""
    q, k, v = (torch.tensor(rng.standard_normal((1, 1, 6, 8)).astype(np.float32)) for _ in range(3))
    hide = torch.ones(6, 6, dtype=torch.bool)
    hide[:, 4] = False
    mask = {"causal": None, "bool": hide, "float": torch.zeros(6, 6).masked_fill(~hide, float("-inf"))}[kind]
    at = 5 if kind == "causal" else 4
    seen = slice(0, 5) if kind == "causal" else slice(0, 6)
    results = []
    for wild in (False, True):
        given = [t.clone() for t in (q, k, v)]
        if wild:
            given[1][0, 0, at, 3] = given[2][0, 0, at, 2] = float("nan")
        given = [t.to("cuda").requires_grad_() for t in given]
        y = sdpa(*given, None if mask is None else mask.to("cuda"), is_causal=mask is None)
        y[:, :, seen].sum().backward()
        results.append([y[:, :, seen].detach().cpu(), given[0].grad[:, :, seen].cpu()])
        if kind != "causal":  # there the last row sees all keys, and so do its weights' gradients
            results[-1] += [t.grad[:, :, :at].cpu() for t in given[1:]]
        elif wild:
            assert y[0, 0, 5].cpu().isnan().any()
    for want, got in zip(*results, strict=True):
        assert not got.isnan().any() and torch.equal(want, got)


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "npz"])
def test_files_of_tensors_on_a_gpu(tmp_path, suffix):
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).to("cuda")
    net(torch.randn(5, 4).to("cuda")).sum().backward()
    path = tmp_path / f"net.{suffix}"
    torch.save(net.state_dict(), path)
    loaded = torch.load(path)
    assert not any(t.is_cuda for t in loaded.values()) and all(t.is_cuda for t in torch.load(path, map_location="cuda").values())
    other = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).to("cuda")
    other.load_state_dict(loaded)
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        assert b.is_cuda and torch.equal(a.cpu(), b.cpu())
    twin = copy.deepcopy(net)
    assert all(p.is_cuda for p in twin.parameters()) and torch.equal(twin[0].weight.cpu(), net[0].weight.cpu())


def test_an_optimizer_goes_on_from_its_state_dict():
    w = [torch.nn.Parameter(torch.ones(3).to("cuda")) for _ in range(2)]
    optimizers = [torch.optim.Adam([p], 0.1) for p in w]

    def step(k):
        w[k].grad = torch.arange(1.0, 4.0).to("cuda")
        optimizers[k].step()

    step(0)
    with torch.no_grad():
        w[1].copy_(w[0])
    optimizers[1].load_state_dict(optimizers[0].state_dict())
    step(0), step(1)
    assert torch.equal(w[0].cpu(), w[1].cpu()) and w[0][0].item() == pytest.approx(0.8, rel=1e-5)
    assert all(t.is_cuda for t in optimizers[1].state[w[1]].values() if isinstance(t, torch.Tensor) and t.ndim)


def test_questions_about_the_gpu():
    c = torch.cuda
    assert c.is_available() and c.device_count() == 1 and c.current_device() == 0 and c.is_initialized()
    assert isinstance(c.get_device_name(), str) and len(c.get_device_capability()) == 2 and c.get_device_properties(0).name
    assert c.mem_get_info()[1] >= c.memory_reserved() > 0 and "allocated" in c.memory_summary()
    begin, end, s = c.Event(enable_timing=True), c.Event(enable_timing=True), c.Stream()
    begin.record()
    s.wait_stream(c.current_stream())
    end.record()
    end.synchronize()
    assert isinstance(begin.elapsed_time(end), float) and s.query() and end.query()
    check_raises(RuntimeError, ["Stream", "int"], lambda: c.set_stream(3))
    check_raises(RuntimeError, ["number 0", "3"], lambda: c.set_device(3))


@pytest.mark.filterwarnings("ignore:sort")
def test_errors_name_the_operation():
    x, y = torch.randn(2, 3), torch.randn(2, 3).to("cuda")
    for name, f in {"add": lambda: y + x, "where": lambda: torch.where(y > 0, y, x), "cat": lambda: torch.cat([y, x]),
                    "stack": lambda: torch.stack([x, y]), "matmul": lambda: F.linear(y, x), "attention": lambda: sdpa(y, x, y),
                    "cross_entropy": lambda: F.cross_entropy(y, torch.tensor([0, 1]))}.items():  # fmt: skip
        check_raises(RuntimeError, [name, "cuda:0", "cpu", ".to("], f)
    z = x.clone()
    check_raises(RuntimeError, ["add", "cpu"], lambda: z.add_(y))
    for name, f in {"svd": lambda: torch.linalg.svd(y), "fft": lambda: torch.fft.fft(y), "bincount": lambda: torch.bincount(y[0].long()),
                    "numpy()": y.numpy, "__dlpack__": lambda: np.from_dlpack(y)}.items():  # fmt: skip
        check_raises(TypeError, [name, "cuda:0", "cpu()"], f)
    assert y.nonzero().is_cuda and y.tril().is_cuda and torch.multinomial(y.abs() + 1, 2).is_cuda


def test_a_full_gpu_says_so(monkeypatch):
    from udlfast.cuda import _memory

    def full(*args):
        raise MemoryError("CUDA_ERROR_OUT_OF_MEMORY")

    monkeypatch.setattr(_memory, "Segment", full)
    held = torch.ones(3).to("cuda")
    check_raises(torch.cuda.OutOfMemoryError, ["no room for", "bytes are in use", "smaller batches"],
                 lambda: _memory._new_segment((0, True), 1 << 40, 1 << 40))  # fmt: skip
    assert torch.cuda.memory_stats()["num_ooms"] == 1 and held.tolist() == [1.0] * 3
    _memory.COUNTS["num_ooms"] = _memory.COUNTS["num_alloc_retries"] = 0


def test_double_backward_and_checkpoints():
    check_same_as_cpu(lambda x: torch.autograd.grad((x**3).sum(), x, create_graph=True)[0] * 2, torch.randn(3, 4))
    from udlfast.utils.checkpoint import checkpoint

    check_same_as_cpu(lambda x: checkpoint(lambda t: torch.tanh(t) * t, x, use_reentrant=False), torch.randn(3, 4))
