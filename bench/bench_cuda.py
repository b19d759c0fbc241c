"""The hot kernels on a GPU against PyTorch's and CuPy's, timed by events: pytest bench/bench_cuda.py -m gpu -s. Skips without a GPU."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

import udlfast as torch

why = "the simulator has no speed" if os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("0", "") else torch.cuda.why_not()
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(why is not None, reason=str(why))]


def milliseconds(lib, call, repeats=20):
    """The median of `repeats` runs, after three that compile and warm up."""
    for _ in range(3):
        call()
    times = []
    for _ in range(repeats):
        begin, end = (lib.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return float(np.median(times))


def matmul(lib, n=4096):
    a, b = (lib.randn(n, n).to("cuda") for _ in range(2))
    return lambda: a @ b


def matmul_bfloat16(lib, n=4096):
    """On tensor cores."""
    a, b = (lib.randn(n, n).to("cuda").to(lib.bfloat16) for _ in range(2))
    return lambda: a @ b


def chain(lib, n=1 << 24):
    """Three element-wise operations in one launch."""
    x, w = lib.randn(n).to("cuda"), lib.randn(n).to("cuda")
    return lambda: lib.relu(x * w + 1.0)


def attention(lib, causal=True):
    q, k, v = (lib.randn(4, 16, 1024, 64).to("cuda") for _ in range(3))
    return lambda: lib.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def conv2d(lib):
    x, w = lib.randn(32, 64, 56, 56).to("cuda"), lib.randn(64, 64, 3, 3).to("cuda")
    return lambda: lib.nn.functional.conv2d(x, w, padding=1)


def lstm(lib):
    net, x = lib.nn.LSTM(256, 256).to("cuda"), lib.randn(64, 32, 256).to("cuda")
    return lambda: net(x)


def batch_norm(lib):
    net, x = lib.nn.BatchNorm2d(64).to("cuda"), lib.randn(32, 64, 56, 56).to("cuda")
    return lambda: net(x)


def cupy_matmul(lib, n=4096):
    a, b = (lib.random.standard_normal((n, n), dtype=lib.float32) for _ in range(2))
    return lambda: a @ b


def cupy_chain(lib, n=1 << 24):
    x, w = (lib.random.standard_normal(n, dtype=lib.float32) for _ in range(2))
    f = lib.fuse()(lambda x, w: lib.maximum(x * w + 1, 0))
    return lambda: f(x, w)


CUPY = {matmul: cupy_matmul, chain: cupy_chain}


def cupy_ratio(make, ours):
    """CuPy's time of the same and the ratio to it, as text; nothing where CuPy is not installed."""
    try:
        import cupy
    except ImportError:
        return ""
    call = make(cupy)
    theirs = milliseconds(SimpleNamespace(cuda=SimpleNamespace(Event=CupyEvent)), call)
    return f", CuPy {theirs:.3f} ms: {theirs / ours:.2f} of its speed"


class CupyEvent:
    """CuPy's event with PyTorch's names."""

    def __init__(self, enable_timing=True):
        import cupy

        self.lib, self.event = cupy.cuda, cupy.cuda.Event()
        self.record, self.synchronize = self.event.record, self.event.synchronize

    def elapsed_time(self, end):
        return self.lib.get_elapsed_time(self.event, end.event)


FLOPS = {"matmul": 2 * 4096**3, "matmul_bfloat16": 2 * 4096**3, "attention": 2 * 4 * 16 * 1024**2 * 64,
         "conv2d": 2 * 32 * 64 * 56 * 56 * 64 * 9}


@pytest.mark.parametrize("make", [matmul, matmul_bfloat16, attention, conv2d, lstm, batch_norm, chain], ids=lambda f: f.__name__)
def test_hot_kernel(make):
    """Prints milliseconds, TFLOP/s and, where PyTorch (without TF32) or CuPy see the GPU, the ratio to them."""
    torch.manual_seed(0)
    call = make(torch)
    out = call()
    ours = milliseconds(torch, call)
    rate = f", {FLOPS[make.__name__] / ours / 1e9:.1f} TFLOP/s" if make.__name__ in FLOPS else ""
    line = f"{make.__name__}: {ours:.3f} ms{rate}"
    try:
        import torch as peer
    except ImportError:
        peer = None
    if peer is not None and peer.cuda.is_available():
        peer.backends.cuda.matmul.allow_tf32 = peer.backends.cudnn.allow_tf32 = False
        theirs = milliseconds(peer, make(peer))
        line += f", torch {theirs:.3f} ms: {theirs / ours:.2f} of its speed"
    if make in CUPY:
        line += cupy_ratio(CUPY[make], ours)
    print(line)
    first = out[0] if isinstance(out, tuple) else out
    assert np.isfinite(first.float().cpu().numpy(force=True)).all()
