"""Waiting for messages: MPI moves them only inside its calls, so every wait asks again and again, and looks after the others."""

import os
import threading
import time

from ..errors import DistributedError

SPIN = 0.01  # seconds of asking without a pause; sched_yield lets a process that has work go first
LONGEST = 1e-3  # then pauses grow with the time waited, to this
TELL = 2.0  # seconds in which a death that MPI reports is heard of from the watch too
PERIOD = 2e-3  # seconds between two looks at messages that have to cross a network, while backward computes
LEFT = 5.0  # seconds that a message of a process that has ended may still take

ACTIVE = []  # exchanges in several steps (gradients): whoever waits takes them on
LOCK = threading.Lock()  # held by whoever does


def advance(join=False):
    """Take all exchanges in several steps as far as they go without waiting for messages; where another thread is at it, leave it to that
    one (or, join, come after it: who turns round here without a pause would keep that thread from the processor)."""
    if LOCK.acquire(blocking=join):
        try:
            for exchange in tuple(ACTIVE):
                exchange.advance()
        finally:
            LOCK.release()


class Mover:
    """A thread that looks after exchanges while backward computes: between two gradients of a large batch pass tens of milliseconds, in
    which nothing else would move messages. It sleeps between its looks, and all the time while there is no exchange."""

    def __init__(self):
        self.wanted, self.ended, self.error = threading.Event(), False, None
        self.thread = threading.Thread(target=self._run, name="udlfast messages", daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ended:
            if not self.wanted.wait() or self.ended:
                continue
            time.sleep(PERIOD)
            try:
                advance()
            except BaseException as e:  # for the thread that waits for the exchange
                self.error = e
                self.wanted.clear()
            with LOCK:  # see rest()
                if not ACTIVE:
                    self.wanted.clear()
                    if ACTIVE:  # one came just now
                        self.wanted.set()

    def rest(self):
        """Backward has ended: whoever waits looks after exchanges now. Those of a backward that failed stay as they are."""
        with LOCK:
            self.wanted.clear()

    def check(self):
        """Raise what went wrong in the thread."""
        error, self.error = self.error, None
        if error is not None:
            raise error

    def end(self):
        """Wait until the thread touches no message any more."""
        self.ended = True
        self.wanted.set()
        self.thread.join(5.0)


class Waiter:
    """Waits until `done()`; raises DistributedError when a process is lost or the time is over."""

    def __init__(self, world):
        self.world = world

    def until(self, done, what, timeout=None):
        """what: the operation's name for messages; timeout: in seconds."""
        try:
            self._until(done, what, timeout)
        except self.world.MPI.Exception as e:  # some MPI libraries notice a death themselves
            watch = self.world.watch
            if watch is not None:
                watch.over.wait(TELL)  # who it was
                self.check(what, 0.0, timeout)
            self.fail(f"{what}: MPI: {e}")

    def _until(self, done, what, timeout):
        if done():
            return
        began, turns = time.perf_counter(), 0
        while not done():
            if ACTIVE:
                advance(join=True)
            turns += 1
            if turns & 15:
                continue
            waited = time.perf_counter() - began
            self.check(what, waited, timeout)
            if waited < SPIN:
                os.sched_yield()
            else:
                time.sleep(min(LONGEST, waited / 100))

    def check(self, what, waited, timeout):
        """Is there still somebody to wait for?"""
        world = self.world
        watch = world.watch
        if watch is not None and watch.lost is not None:
            watch.told = True
            raise DistributedError(f"{what}: {watch.lost}; this process ({world.name}) cannot go on. Start again from the last checkpoint")
        if watch is not None and watch.left and waited > LEFT:
            names = ", ".join(watch.names[k] for k in sorted(watch.left))
            self.fail(f"{what}: {world.name} waits for the others, but the script of {names} has ended; "
                      "every process has to take part in each operation")  # fmt: skip
        limit = world.timeout if timeout is None else timeout
        if waited > limit:
            self.fail(f"{what}: {world.name} has waited {waited:.0f} s for the others (timeout={limit:g} s); do all processes call it?")

    def fail(self, text):
        """The group is of no use to this process any more."""
        self.world.broken = text
        raise DistributedError(text)


class Work:
    """An operation under way; `wait()` ends it. What it reads and writes must be left alone until then.

    Example:
        >>> import udlfast as torch
        >>> hasattr(torch.distributed.Work, "wait")
        True

    Source: PyTorch's class of that name.
    """

    def __init__(self, world, requests, what, finish=None, hold=None):
        self._world, self._requests, self._what, self._finish, self._hold = world, list(requests), what, finish, hold
        self._done = False

    def is_completed(self):
        """Whether wait() would return at once; takes the operation on."""
        if not self._done and self._world.testall(self._requests):
            self._end()
        return self._done

    def wait(self, timeout=None):
        """Wait until the operation is done; timeout: seconds or a timedelta, else that of init_process_group. Returns True.

        Raises: DistributedError when a process died or the time is over.
        """
        if not self._done:
            self._world.waiter.until(lambda: self._world.testall(self._requests), self._what, seconds(timeout))
            self._end()
        return True

    def _end(self):
        self._done = True
        finish, self._finish, self._hold = self._finish, None, None
        if finish is not None:
            finish()


def seconds(timeout):
    """A timeout as a number of seconds, or None."""
    return timeout.total_seconds() if hasattr(timeout, "total_seconds") else timeout
