"""What runs inside a DataLoader's worker process."""

import queue
import random
import signal
import threading
import traceback

from . import worker_info
from .dataset import IterableDataset
from .fetch import make_reader


class Ended:
    """The answer of a worker whose part of an iterable dataset has ended."""


class Failure:
    """An exception on its way from a worker to the process that trains."""

    def __init__(self, error, worker):
        self.kind = type(error)
        self.text = (
            f"Caught {self.kind.__name__} in DataLoader worker process {worker}.\nOriginal {traceback.format_exc()}"
        )

    def reraise(self):
        """Raise the same class of exception with the worker's traceback in its text."""
        text = KeyErrorText(self.text) if issubclass(self.kind, KeyError) else self.text
        try:
            error = self.kind(text)
        except Exception:
            error = None  # a class whose constructor wants something else
        if not isinstance(error, BaseException) or isinstance(error, StopIteration):
            raise RuntimeError(self.text)
        raise error


class KeyErrorText(str):
    """KeyError prints the repr of its text; this one keeps the line breaks."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


def run_worker(pipe, worker, num_workers, seed, dataset, collate, auto_collation, drop_last, init):
    """Answer tasks until the pipe says stop, or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    tasks = queue.SimpleQueue()
    threading.Thread(target=listen, args=(pipe, tasks), daemon=True).start()
    worker_info.current = worker_info.WorkerInfo(worker, num_workers, seed + worker, dataset)
    failure = prepare(worker, seed + worker, init)
    read = None
    while (message := tasks.get()) is not None:
        if message[0] == "pass":
            read = None
            continue
        _, number, _, indices = message
        answer = failure
        if answer is None:
            try:
                if read is None:  # a new iterator over an iterable dataset for each pass
                    read = make_reader(dataset, collate, auto_collation, drop_last)
                answer = read(indices)
            except Exception as error:
                ended = isinstance(error, StopIteration) and isinstance(dataset, IterableDataset)
                answer = Ended() if ended else Failure(error, worker)
        if not reply(pipe, number, answer, worker):
            break
    pipe.close()


def prepare(worker, seed, init):
    """Seeds of this worker's own, then the user's function; the failure, if it fails."""
    from ... import manual_seed, set_num_threads

    try:
        set_num_threads(1)  # the workers themselves are the parallelism
        random.seed(seed)
        manual_seed(seed)
        import numpy as np

        np.random.seed(seed % 2**32)
        if init is not None:
            init(worker)
    except Exception as error:
        return Failure(error, worker)
    return None


def reply(pipe, number, answer, worker):
    """Send an answer; False if the parent is gone."""
    try:
        pipe.send((number, answer))
    except (BrokenPipeError, ConnectionResetError, OSError):
        return False
    except Exception as error:  # the batch, or its exception's class, cannot be pickled: say so there
        failure = Failure(error, worker)
        failure.kind = RuntimeError
        pipe.send((number, failure))
    return True


def listen(pipe, tasks):
    """Take tasks off the pipe at once, so that the parent never waits to hand one over while it should read answers."""
    try:
        while (message := pipe.recv()) is not None:
            tasks.put(message)
    except (EOFError, OSError):
        pass
    tasks.put(None)
