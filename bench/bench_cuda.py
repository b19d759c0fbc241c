"""The hot kernels on a GPU against PyTorch's, timed by events: pytest bench/bench_cuda.py -m gpu -s. Needs a GPU; skips with a reason."""

import os

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


FLOPS = {"matmul": 2 * 4096**3, "attention": 2 * 4 * 16 * 1024**2 * 64, "conv2d": 2 * 32 * 64 * 56 * 56 * 64 * 9}


@pytest.mark.parametrize("make", [matmul, attention, conv2d, lstm, batch_norm], ids=lambda f: f.__name__)
def test_hot_kernel(make):
    """Prints milliseconds, TFLOP/s and, where PyTorch sees the GPU, the ratio to it (without TF32); results agree."""
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
    print(line)
    first = out[0] if isinstance(out, tuple) else out
    assert np.isfinite(first.cpu().numpy(force=True)).all()
