"""torch.futures: results that arrive later."""

import threading

__all__ = ["Future", "collect_all", "wait_all"]


class Future:
    """A value, or an exception, that some thread sets and others wait for. devices: accepted for compatibility.

    >>> import udlfast as torch
    >>> f = torch.futures.Future()
    >>> g = f.then(lambda done: done.value() + 1)
    >>> f.set_result(2)
    >>> g.wait()
    3
    """

    def __init__(self, *, devices=None):
        self._event, self._lock, self._callbacks = threading.Event(), threading.Lock(), []
        self._result, self._error = None, None

    def __class_getitem__(cls, kind):
        return cls

    def done(self):
        """Whether the result, or an exception, is there."""
        return self._event.is_set()

    def _finish(self, result, error):
        with self._lock:
            if self.done():
                raise RuntimeError("Future can only be marked completed once")
            self._result, self._error = result, error
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for call in callbacks:
            call(self)

    def set_result(self, result):
        """Sets the result, wakes those who wait and makes the calls that were asked for."""
        self._finish(result, None)

    def set_exception(self, result):
        """Sets an exception, which wait() and value() raise."""
        if not isinstance(result, Exception):
            raise AssertionError(f"{result} is of type {type(result)}, not an Exception.")
        self._finish(None, result)

    def wait(self):
        """The result, once it is there."""
        self._event.wait()
        return self.value()

    def value(self):
        """The result, which must be there."""
        if not self.done():
            raise RuntimeError("Future: value() before the result is there; call wait()")
        if self._error is not None:
            raise self._error
        return self._result

    def add_done_callback(self, callback):
        """Calls callback(self) once the result is there."""
        with self._lock:
            if not self.done():
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback):
        """A Future of callback(self), called once the result is there."""
        later = Future()

        def call(done):
            try:
                result = callback(done)
            except Exception as error:
                told = RuntimeError(f"Got the following error when running the callback: {type(error).__name__}: {error}")
                told.__cause__ = error
                later.set_exception(told)
            else:
                later.set_result(result)

        self.add_done_callback(call)
        return later


def collect_all(futures):
    """A Future of the list of these, all of them done."""
    futures, later = list(futures), Future()
    left, lock = [len(futures)], threading.Lock()

    def one(_):
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            later.set_result(futures)

    if not futures:
        later.set_result([])
    for f in futures:
        f.add_done_callback(one)
    return later


def wait_all(futures):
    """The results of all, in order."""
    return [f.wait() for f in collect_all(futures).wait()]
