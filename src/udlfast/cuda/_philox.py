"""Philox 4x32-10, as csrc/random.c has it: the random numbers of the CPU, drawn on the GPU."""

import numpy as np

from ._driver import device

M0, M1, W0, W1 = (np.uint64(v) for v in (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85))
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


@device
def philox(seed, counter):
    """Four 32-bit words (held in 64 bits) of a counter under a seed, both unsigned 64-bit."""
    c0, c1, c2, c3 = counter & LOW, counter >> HALF, np.uint64(0), np.uint64(0)
    k0, k1 = seed & LOW, seed >> HALF
    for _ in range(10):
        p0, p1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & LOW, (p0 >> HALF) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


def unsigned(x):
    """A signed 64-bit number of a struct as the unsigned one it stands for."""
    return np.uint64(x & 0xFFFFFFFFFFFFFFFF)


def threshold(p):
    """p 2^32: words below it are dropped."""
    return np.uint64(int(p * 2.0**32))
