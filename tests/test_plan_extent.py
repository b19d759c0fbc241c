"""The extents of csrc/plan_extent.c against what kernels touch: operands that end, and begin, beside pages that cannot be touched.

A call that reaches one byte further than its rule says ends the process. So that a rule cannot be met by claiming too much, results
must begin and end with the bytes that it claims: what a kernel left alone still holds the pattern that was there before.
"""

import ctypes
import faulthandler
import os
import struct
import sys

import numpy as np
import pytest
from plans import CASES, steps_of

import udlfast as torch
from udlfast import _core

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mprotect by ctypes")
PAGE = 4096
KINDS = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}


class Guarded:
    """Memory of n bytes whose last (or first) byte lies beside a page that cannot be touched."""

    def __init__(self, n, align, at_end):
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype, libc.mmap.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
        inside = -(-max(n, 1) // PAGE) * PAGE
        self.libc, self.size = libc, inside + 2 * PAGE
        self.base = libc.mmap(None, self.size, 3, 0x22, -1, 0)
        assert self.base not in (None, ctypes.c_void_p(-1).value)
        assert libc.mprotect(self.base, PAGE, 0) == 0 and libc.mprotect(self.base + PAGE + inside, PAGE, 0) == 0
        self.at = self.base + PAGE + (inside - n if at_end else 0)
        assert self.at % max(align, 1) == 0
        self.bytes = np.ctypeslib.as_array((ctypes.c_uint8 * n).from_address(self.at)) if n else np.zeros(0, np.uint8)

    def close(self):
        self.libc.munmap(self.base, self.size)


def run_guarded(call, at_end):
    """Runs one call with operands of exactly the claimed extents; returns nothing, or does not return."""
    name, n_out, n_in, n_int, n_float = _core.call_fields(call.kernel)
    words = list(struct.unpack(f"<{len(call.args) // 8}q", bytes(call.args)))
    present = {field for field, *_ in call.pointers}
    for i in range(n_out + n_in):
        words[i] = int(i in present)
    status, spans, work, temp, apart = _core.extents(call.kernel, struct.pack(f"<{len(words)}q", *words))
    assert status == 0, f"{name}: no rule, or it refuses a sound call"
    rng, memory = np.random.default_rng(0), {}
    for i in present:
        lo, hi, align, writes = spans[i]
        memory[i] = block = Guarded(hi - lo, align, at_end)
        fill(block.bytes, call, i, name, rng, writes)
        words[i] = block.at - lo
    before = {i: memory[i].bytes.copy() for i in present}
    status = _core.run_raw(call.kernel, struct.pack(f"<{len(words)}q", *words))
    assert status == 0, (name, status)
    for i in present:
        lo, hi, align, writes = spans[i]
        if not writes:
            np.testing.assert_array_equal(memory[i].bytes, before[i], err_msg=f"{name} wrote to operand {i}, which it only reads")
        elif hi - lo and name not in ("batch_norm", "layer_norm"):  # whose unused statistics may be left alone
            ends = memory[i].bytes[:align], memory[i].bytes[-align:]
            assert all((e != 0xA5).any() for e in ends), f"{name}: operand {i} is not written up to the ends that the rule claims"
    for block in memory.values():
        block.close()


def fill(memory, call, i, name, rng, writes):
    """Sound contents: small indices where the kernel wants indices, numbers near 1 elsewhere; results hold a pattern."""
    if writes:
        memory[:] = 0xA5
    elif name in ("index_select", "gather") and i == 2:
        memory[:] = 0
    elif len(memory) % 4 == 0 and len(memory):
        memory.view(np.float32)[:] = rng.uniform(0.5, 1.5, len(memory) // 4).astype(np.float32)
        if len(memory) % 8 == 0 and wide(call, name):
            memory.view(np.float64)[:] = rng.uniform(0.5, 1.5, len(memory) // 8)
    else:
        memory[:] = 1


def wide(call, name):
    words = struct.unpack(f"<{len(call.args) // 8}q", bytes(call.args))
    _, n_out, n_in, *_ = _core.call_fields(call.kernel)
    return name != "elementwise" and words[n_out + n_in] == 9


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("at_end", [True, False], ids=["end", "begin"])
def test_no_call_reaches_beyond_its_extents(case, at_end, isa):
    steps = steps_of(case)
    assert steps
    for call in steps:
        run_guarded(call, at_end)


def test_every_kernel_with_a_rule_has_a_case():
    covered = {call.name for case in CASES for call in steps_of(case)}
    ruled = set()
    for k in range(len([n for n in vars(_core) if n.startswith("K_")])):
        name, n_out, n_in, n_int, n_float = _core.call_fields(k)
        if _core.extents(k, bytes(8 * (n_out + n_in + n_int + n_float)))[0] != 4:
            ruled.add(name)
    assert len(ruled) >= 21 and ruled <= covered, ruled - covered


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # fork in a process with threads: the child only faults
def test_a_claim_that_is_too_small_would_be_seen():
    """The guard itself: a byte beyond the claim cannot be touched."""
    pid = os.fork()
    if pid == 0:
        faulthandler.disable()
        block = Guarded(64, 8, True)
        ctypes.memset(block.at + 64, 0, 1)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)


@pytest.mark.parametrize("name", ["softmax", "matmul", "conv2d", "max_pool2d", "attention", "lstm", "index_select"])
def test_impossible_sizes_are_refused(name):
    """Every integer of a sound call, replaced by impossible ones: refused, or taken with extents that were computed without
    overflow."""
    call = next(c for case in CASES for c in steps_of(case) if c.name == name)
    _, n_out, n_in, n_int, n_float = _core.call_fields(call.kernel)
    words = list(struct.unpack(f"<{len(call.args) // 8}q", bytes(call.args)))
    present = {field for field, *_ in call.pointers}
    for i in range(n_out + n_in):
        words[i] = int(i in present)
    refused = 0
    for i in range(n_out + n_in, n_out + n_in + n_int):
        for v in (-1, 2**31, 2**47, 2**62, 2**63 - 1, -(2**63)):
            changed = list(words)
            changed[i] = v
            status, spans, work, temp, apart = _core.extents(call.kernel, struct.pack(f"<{len(words)}q", *changed))
            refused += status == 2
            if status == 0:
                assert all(-(2**47) <= lo <= hi <= 2**47 for lo, hi, *_ in spans) and work >= 0
    assert refused > 3 * n_int // 2


@pytest.mark.parametrize("name", ["add", "copy"])
def test_elementwise_call_for_nothing(isa, name):
    """A file may give dimensions of size 0, which the library itself never hands over; some ways through the kernel divide by sizes."""
    x, y, code = torch.ones(480), torch.zeros(480), torch.float32.code
    shape, strides = [2, 4, 120, 0, 0, 0, 0, 0], [480, 120, 1, 0, 0, 0, 0, 0]
    inputs = (x, x if name == "add" else None, None)
    arguments = (getattr(_core, f"MAP_{name}"), *[code] * 5, 6, *shape, *strides * 3, *[0] * 8, 0)
    _core.call(_core.K_elementwise, (y, *inputs), arguments, (0.0, 0.0))
    assert y.sum().item() == 0
