"""Python's multiprocessing under PyTorch's name. Tensors go from process to process as copies, by pickle.

After share_memory_() a tensor (or a module's parameters, after share_memory()) is one memory for the parent and the processes
that it starts with it as an argument; through queues and pipes it goes as a copy all the same.
"""

import multiprocessing as _python
from multiprocessing import *  # noqa: F403

from .errors import ArgumentError

__all__ = [*_python.__all__, "ProcessContext", "ProcessExitedException", "ProcessRaisedException", "get_all_sharing_strategies",
           "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes"]  # noqa: F405  # fmt: skip


def get_all_sharing_strategies():
    """Tensors are copied."""
    return {"file_system", "file_descriptor"}


def get_sharing_strategy():
    """The strategy that was set; tensors are copied under any."""
    return _strategy[0]


def set_sharing_strategy(new_strategy):
    """Accepted."""
    if new_strategy not in get_all_sharing_strategies():
        raise ArgumentError(f"set_sharing_strategy: expected one of {sorted(get_all_sharing_strategies())}, got {new_strategy!r}")
    _strategy[0] = new_strategy


_strategy = ["file_descriptor"]


class ProcessException(Exception):
    """A process of spawn() failed."""

    def __init__(self, msg, error_index, pid):
        super().__init__(msg)
        self.msg, self.error_index, self.pid = msg, error_index, pid


class ProcessRaisedException(ProcessException):
    """It raised; the text holds its traceback."""


class ProcessExitedException(ProcessException):
    """It was killed, or left with a code."""

    def __init__(self, msg, error_index, error_pid, exit_code, signal_name=None):
        super().__init__(msg, error_index, error_pid)
        self.exit_code, self.signal_name = exit_code, signal_name


def _run(fn, i, args, errors):
    import traceback

    try:
        fn(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        errors.send(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes of spawn(join=False)."""

    def __init__(self, processes, pipes):
        self.processes, self._pipes = processes, pipes

    def pids(self):
        """Their numbers."""
        return [p.pid for p in self.processes]

    def join(self, timeout=None, grace_period=None):
        """Waits until one has ended; True when all have. One that failed ends the others and raises."""
        from multiprocessing.connection import wait

        running = {p.sentinel: i for i, p in enumerate(self.processes) if p.exitcode is None}
        if running:
            wait(list(running), timeout)
        bad = next((i for i, p in enumerate(self.processes) if p.exitcode not in (None, 0)), None)
        if bad is None:
            return all(p.exitcode == 0 for p in self.processes)
        for p in self.processes:
            if p.is_alive():
                p.terminate()
        for p in self.processes:
            p.join()
        failed = self.processes[bad]
        if self._pipes[bad].poll():
            text = self._pipes[bad].recv()
            raise ProcessRaisedException(f"\n\n-- Process {bad} terminated with the following error:\n{text}", bad, failed.pid)
        code = failed.exitcode
        how = f"was killed by signal {-code}" if code < 0 else f"terminated with exit code {code}"
        raise ProcessExitedException(f"process {bad} {how}", bad, failed.pid, code)


def start_processes(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """nprocs processes that call fn(i, *args); with join, waits for all and raises what one of them raised."""
    context = _python.get_context(start_method)
    processes, pipes = [], []
    for i in range(nprocs):
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, i, args, there), daemon=daemon)
        process.start()
        there.close()
        processes.append(process)
        pipes.append(here)
    group = ProcessContext(processes, pipes)
    if not join:
        return group
    while not group.join():
        pass
    return None


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """As start_processes, with fresh processes."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
