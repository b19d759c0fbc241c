"""The processes behind DataLoader(num_workers > 0), seen from the process that trains.

Each worker has one pipe. It is sent tasks (pass, number, indices) and answers (pass, number, batch) in order. Task n
goes to worker n mod W, so taking the answers round robin gives the batches in order. Answers of an earlier pass that
was left half way are recognised by its number and dropped.
"""

import multiprocessing
import os
import sys
import time
import warnings
import weakref
from collections import deque
from multiprocessing.connection import wait

from .worker import Ended, Failure, run_worker

STOP_SECONDS = 2.0  # how long the workers may take to end by themselves


class WorkerPool:
    """Worker processes and their pipes."""

    def __init__(self, loader, seed):
        context = loader.multiprocessing_context
        if context is None:
            context = "fork" if sys.platform.startswith("linux") else "spawn"
        if isinstance(context, str):
            context = multiprocessing.get_context(context)
        self.passes = 0
        self.workers = []
        self._finalizer = weakref.finalize(self, stop_workers, self.workers, os.getpid())
        settings = (loader.dataset, loader.collate_fn, loader._auto_collation, loader.drop_last, loader.worker_init_fn)
        try:
            for i in range(loader.num_workers):
                here, there = context.Pipe()
                process = context.Process(
                    target=run_worker, args=(there, i, loader.num_workers, seed, *settings), daemon=True
                )
                start(process)
                there.close()
                self.workers.append((process, here))
        except BaseException:
            self.close()
            raise

    @property
    def usable(self):
        """Whether all workers are there to read another pass."""
        return self._finalizer.alive and all(process.is_alive() for process, _ in self.workers)

    def close(self):
        """Ends the workers; they are gone when this returns."""
        self._finalizer()

    def batches(self, loader):
        """An iterator over the batches of one pass; reading ahead starts at once."""
        self.passes += 1
        return Pass(self, loader, self.passes)


class Pass:
    """One pass over the data: hands out tasks, takes the answers in order."""

    def __init__(self, pool, loader, number):
        self._pool = pool
        self._number = number
        self._persistent = loader.persistent_workers
        self._timeout = loader.timeout
        self._indices = iter(loader._index_batches())
        self._next_task = 0
        self._waiting = deque()  # workers whose answers are still to come, in order of tasks
        self._ended = set()  # workers whose part of an iterable dataset is read
        self._more = True
        for worker in range(len(pool.workers)):
            self._send(worker, ("pass", number))
        for _ in range(loader.prefetch_factor):
            for worker in range(len(pool.workers)):
                self._give_task(worker)

    def __iter__(self):
        return self

    def __next__(self):
        while self._waiting:
            worker = self._waiting.popleft()
            answer = self._receive(worker)
            if isinstance(answer, Failure):
                self._finish(broken=True)
                answer.reraise()
            if isinstance(answer, Ended):
                self._ended.add(worker)
                continue
            self._give_task(worker)
            return answer
        self._finish()
        raise StopIteration

    def _give_task(self, worker):
        """The next indices to a worker; to nobody once they, or its own data, have come to an end."""
        if not self._more or worker in self._ended:
            return
        try:
            indices = next(self._indices)
        except StopIteration:
            self._more = False
            return
        self._send(worker, ("task", self._number, self._next_task, indices))
        self._next_task += 1
        self._waiting.append(worker)

    def _send(self, worker, message):
        process, pipe = self._pool.workers[worker]
        try:
            pipe.send(message)
        except (BrokenPipeError, ConnectionResetError):
            self._died(worker)

    def _receive(self, worker):
        process, pipe = self._pool.workers[worker]
        while True:
            if not pipe.poll() and not wait([pipe, process.sentinel], self._timeout or None):
                self._finish(broken=True)
                raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds waiting for worker {worker}")
            try:
                if not pipe.poll():  # the process ended and left nothing behind
                    raise EOFError
                number, answer = pipe.recv()
            except (EOFError, ConnectionResetError):
                self._died(worker)
            if number == self._number:
                return answer

    def _died(self, worker):
        process, _ = self._pool.workers[worker]
        process.join(STOP_SECONDS)
        pid, code = process.pid, process.exitcode
        self._finish(broken=True)
        why = (
            f"was killed by signal {-code} (out of memory?)"
            if code is not None and code < 0
            else f"exited with code {code}"
        )
        raise RuntimeError(f"DataLoader worker {worker} (pid {pid}) {why} before its batch was ready")

    def _finish(self, broken=False):
        self._waiting.clear()
        self._more = False
        if broken or not self._persistent:
            self._pool.close()

    def __del__(self):
        if not self.__dict__.get("_persistent", True):
            self._pool.close()


def start(process):
    """Start a worker. Python >= 3.12 warns of forks while threads run; a child starts our pool's threads anew."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*fork", category=DeprecationWarning)
        process.start()


def stop_workers(workers, owner):
    """Ask all workers to end, wait a little, and end those that do not."""
    if os.getpid() != owner:  # a forked child holds a copy of the pool: not its workers
        return
    for _, pipe in workers:
        try:
            pipe.send(None)
        except (OSError, ValueError):
            pass
    for _, pipe in workers:
        pipe.close()  # a worker that is busy sending wakes up with an error
    deadline = time.monotonic() + STOP_SECONDS
    for process, _ in workers:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.is_alive():
            process.terminate()
            process.join(STOP_SECONDS)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
    workers.clear()
