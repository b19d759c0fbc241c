"""Fork after use: child and parent both compute on, from any thread, nested, and while the pool is busy."""

import os
import signal
import sys
import threading
import time
import traceback

import numpy as np
import pytest

import udlfast as torch

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning"),
]
LIMIT = 20  # seconds: a child that takes longer hangs


def compute():
    """Work that goes to the pool; returns a number that must always be the same."""
    a = torch.ones((300, 300)) * 0.5
    return ((a @ a).softmax(1).sum() + torch.arange(200_000.0).sum()).item()


def in_child(work):
    """Runs work in a forked child and kills it if it hangs; true if it ended well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 2
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    return child


def wait(children):
    end = time.monotonic() + LIMIT
    states = {}
    while len(states) < len(children) and time.monotonic() < end:
        for c in children:
            if c not in states:
                done, status = os.waitpid(c, os.WNOHANG)
                if done:
                    states[c] = status
        time.sleep(0.001)
    hung = [c for c in children if c not in states]
    for c in hung:
        os.kill(c, signal.SIGKILL)
        os.waitpid(c, 0)
    assert not hung, f"{len(hung)} of {len(children)} children hang"
    assert not any(states.values()), f"children failed: {sorted(set(states.values()))}"


@pytest.fixture(autouse=True)
def pool(threads):
    threads(4)
    compute()


def test_two_hundred_forks():
    want = compute()
    for _ in range(50):
        wait([in_child(lambda: compute() == want) for _ in range(4)])
        assert compute() == want


def test_children_may_set_their_own_width():
    want = compute()

    def work():
        torch.set_num_threads(2)
        first = compute()
        torch.set_num_threads(1)
        return first == compute() == want

    wait([in_child(work) for _ in range(4)])


def test_training_on_both_sides():
    w = torch.ones((300, 300), requires_grad=True)

    def step():
        (w @ w).relu().mean().backward()
        g = w.grad.sum().item()
        w.grad = None
        return g

    want = step()
    wait([in_child(lambda: step() == want) for _ in range(4)])
    assert step() == want


def test_nested_forks():
    want = compute()

    def outer():
        if compute() != want:
            return False
        inner = in_child(lambda: compute() == want)
        return os.waitpid(inner, 0)[1] == 0 and compute() == want

    wait([in_child(outer) for _ in range(4)])


def test_fork_before_the_first_use_in_the_child_only():
    want = compute()
    wait([in_child(lambda: threading.active_count() == 1 and compute() == want) for _ in range(4)])


def test_fork_while_other_threads_compute():
    """The pool is busy with another thread's work at the moment of the fork."""
    want, stop, wrong = compute(), threading.Event(), []

    def busy():
        while not stop.is_set():
            if compute() != want:
                wrong.append(1)

    workers = [threading.Thread(target=busy) for _ in range(2)]
    [t.start() for t in workers]
    try:
        for _ in range(10):
            wait([in_child(lambda: compute() == want) for _ in range(2)])
    finally:
        stop.set()
        [t.join(LIMIT) for t in workers]
    assert not wrong and not any(t.is_alive() for t in workers)


def test_fork_from_a_second_thread():
    want, results = compute(), []

    def work():
        try:
            wait([in_child(lambda: compute() == want) for _ in range(4)])
            results.append(True)
        except BaseException as error:
            results.append(error)

    t = threading.Thread(target=work)
    t.start()
    t.join(2 * LIMIT)
    assert results == [True] and compute() == want


def test_random_numbers_continue_alike():
    """A child starts from its parent's generator, so it must be seeded anew by who forks (the loader does)."""
    torch.manual_seed(3)
    torch.rand(5)
    expected = torch.rand(5).tolist()
    torch.manual_seed(3)
    torch.rand(5)
    wait([in_child(lambda: torch.rand(5).tolist() == expected)])
    assert torch.rand(5).tolist() == expected


def test_multiprocessing_after_use():
    import multiprocessing

    want = compute()
    with multiprocessing.get_context("fork").Pool(2) as processes:
        assert processes.map_async(_square_sum, range(4)).get(LIMIT) == [_square_sum(i) for i in range(4)]
    assert compute() == want


def _square_sum(i):
    a = torch.full((200, 200), float(i))
    return (a @ a).sum().item()


def test_memory_of_the_child_is_its_own():
    x = torch.zeros(100_000)

    def work():
        x.add_(1)
        return bool((x == 1).all())

    wait([in_child(work) for _ in range(3)])
    assert not np.any(x.numpy())


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_an_idle_pool_leaves_no_thread_to_fork_beside():
    """Python 3.12 and later warn of a fork beside other threads; the parent's pool works on after it."""
    before = len(os.listdir("/proc/self/task"))
    compute()
    with_pool = len(os.listdir("/proc/self/task"))
    child = os.fork()
    if child == 0:
        os._exit(0)
    after = len(os.listdir("/proc/self/task"))
    os.waitpid(child, 0)
    assert with_pool >= 4 and after == with_pool - 3 and before >= after
    want = compute()
    assert len(os.listdir("/proc/self/task")) == with_pool and compute() == want
