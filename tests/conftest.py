"""Fixtures: seeded random numbers, every usable instruction set, the width of the thread pool."""

import zlib

import numpy as np
import pytest

import udlfast as torch


@pytest.fixture
def rng(request):
    """A generator seeded by the test's name: the same numbers on every run and on every instruction set."""
    name = getattr(request.node, "originalname", None) or request.node.name
    return np.random.default_rng(zlib.crc32(name.encode()))


@pytest.fixture(params=torch.isas())
def isa(request):
    """The test runs once on each instruction set that this machine can use."""
    with torch.use_isa(request.param):
        yield request.param


@pytest.fixture
def threads():
    """set_num_threads for the test; the width is put back after it."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)
