"""Without a GPU: a clear sentence, an import that knows nothing of Numba; and the quick part of the kernels' tests in Numba's simulator."""

import os
import subprocess
import sys
from importlib import util
from pathlib import Path

import pytest
from harness import check_raises

import udlfast as torch

TESTS = Path(__file__).parent


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_one_sentence_says_why():
    for call in (lambda: torch.ones(2).to("cuda"), lambda: torch.ones(2).cuda(), lambda: torch.nn.Linear(2, 2).to("cuda"),
                 lambda: torch.zeros(2, device="cuda"), lambda: torch.zeros(2, device=torch.device("cuda:0"))):  # fmt: skip
        check_raises(RuntimeError, ["'cuda", "is not available", "this machine has no NVIDIA driver" if torch.cuda.why_not() is None else
                                    torch.cuda.why_not(), "cpu"], call)  # fmt: skip
    check_raises(RuntimeError, ["synchronize", "no CUDA device", torch.cuda.why_not()], torch.cuda.synchronize)
    assert torch.cuda.device_count() == 0 and torch.cuda.memory_stats() == {} and not torch.cuda.is_initialized()


def test_importing_needs_no_numba():
    code = ("import sys, udlfast as t; t.cuda.is_available(); t.ones(2) + 1; "
            "print([m for m in sys.modules if m.split('.')[0] in ('numba', 'llvmlite', 'numba_cuda')])")  # fmt: skip
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_ENABLE_CUDASIM"}
    if not torch.cuda.is_available():
        assert subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.skipif(util.find_spec("numba") is None or util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed")
@pytest.mark.skipif("NUMBA_ENABLE_CUDASIM" in os.environ, reason="this is the simulator")
def test_kernels_in_the_simulator():
    """A process of its own: the simulator is chosen when Numba is imported. All: NUMBA_ENABLE_CUDASIM=1 pytest tests/test_cuda_*.py"""
    files = sorted(str(p) for p in TESTS.glob("test_cuda_*.py"))
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "not slow", *files], text=True,
                          env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}, capture_output=True, cwd=TESTS.parent)  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert " passed" in done.stdout and "skipped" not in done.stdout.splitlines()[-1]
