"""Device memory: a caching allocator, streams, events, and transfers.

Segments come from the driver; blocks are cut from them, rounded to 512 bytes, and joined with free neighbours when freed. Freed
blocks stay with the stream they were made on, where the order of the stream keeps a new use behind the old one. What the driver
refuses is asked again after all free segments have gone back.
"""

import ctypes
import threading
from bisect import insort
from collections import deque

import numpy as np
from numba import cuda

from . import CudaError, OutOfMemoryError
from ._driver import SIMULATED

ROUND = 512
SMALL, SMALL_SEGMENT, LARGE_SEGMENT = 1 << 20, 2 << 20, 20 << 20
if SIMULATED:  # one segment holds all: kernels that take addresses see a single array
    SMALL_SEGMENT = LARGE_SEGMENT = 256 << 20

LOCK = threading.RLock()
_gone = deque()  # (chain that waits to write there or None, chunk) of blocks that Python has freed
_local = threading.local()
_segments = []
_free = {}  # (stream, small): sorted list of (bytes, number, _Chunk)
COUNTS = dict.fromkeys(
    ("allocated_bytes.current", "allocated_bytes.peak", "allocated_bytes.allocated", "reserved_bytes.current", "reserved_bytes.peak",
     "active.current", "active.peak", "segment.current", "segment.peak", "num_alloc_retries", "num_ooms"), 0)  # fmt: skip


class Segment:
    """What the driver gave: bytes, and the chunks they are cut into, in order."""

    def __init__(self, nbytes, key):
        self.bytes = cuda.device_array(nbytes, np.uint8)
        self.nbytes, self.key = nbytes, key


class _Chunk:
    """A part of a segment, free or in use, between its neighbours."""

    serial = 0

    def __init__(self, segment, start, nbytes, before=None, after=None):
        self.segment, self.start, self.nbytes, self.before, self.after, self.free = segment, start, nbytes, before, after, True
        _Chunk.serial += 1
        self.entry = (nbytes, _Chunk.serial, self)

    def resize(self, nbytes):
        self.nbytes = nbytes
        self.entry = (nbytes, self.entry[1], self)


class Block:
    """Device memory of a storage; given back when it is no longer referred to."""

    __slots__ = ("chunk", "nbytes", "views", "others", "waiting")

    def __init__(self, chunk, nbytes):
        self.chunk, self.nbytes, self.views, self.others = chunk, nbytes, {}, None
        self.waiting = None  # the chain of calls (_fusion.py) that reads or writes here when it runs

    def view(self, offset, dtype):
        """A 1-d device array from byte `offset` to the end."""
        found = self.views.get((offset, dtype))
        if found is None:
            start, size = self.chunk.start + offset, np.dtype(dtype).itemsize
            part = self.chunk.segment.bytes[start : start + (self.nbytes - offset) // size * size]
            found = self.views[offset, dtype] = part.view(dtype)
        return found

    def address(self):
        """Of the first byte."""
        return self.chunk.segment.bytes.__cuda_array_interface__["data"][0] + self.chunk.start if not SIMULATED else (
            self.chunk.segment.bytes._ary.ctypes.data + self.chunk.start)  # fmt: skip

    def settle(self):
        """Launch what waits to read or write here."""
        if self.waiting is not None:
            if not self.waiting.done:
                flush()
            self.waiting = None

    def upload(self, address, offset, nbytes, wait=True):
        """From host memory, behind what the stream does; without `wait` page-locked memory is read while Python goes on."""
        if nbytes:
            self.settle()
            start = self.chunk.start + offset
            part = self.chunk.segment.bytes[start : start + nbytes]
            _transfer(part.copy_to_device, address, nbytes, wait, False)

    def download(self, address, offset, nbytes, wait=True):
        """To host memory; waits until it is there, unless told not to and the memory is page-locked."""
        if nbytes:
            self.settle()
            start = self.chunk.start + offset
            _transfer(self.chunk.segment.bytes[start : start + nbytes].copy_to_host, address, nbytes, wait, True)

    def zero(self, offset, nbytes):
        """Set bytes to zero."""
        self.settle()
        start = self.chunk.start + offset
        wide = np.uint32 if start % 4 == 0 and nbytes % 4 == 0 else np.uint8
        self.chunk.segment.bytes[start : start + nbytes].view(wide)[:] = 0

    def __del__(self):
        if self.others:
            for s in self.others:
                s.synchronize()
        try:
            _gone.append((self.waiting, self.chunk))
            if LOCK.acquire(blocking=False):  # Python collects in any thread, also in one that the holder of the lock waits for
                try:
                    take_back()
                finally:
                    LOCK.release()
        except (TypeError, AttributeError):  # the interpreter is going down
            pass


def take_back():
    """With the lock held: the memory of blocks that are gone is free, or its chain learns that nobody will read it."""
    while _gone:
        waiting, chunk = _gone.popleft()
        if waiting is None or waiting.done:
            give(chunk)
        else:
            waiting.died(chunk)


def _transfer(copy, address, nbytes, wait, always):
    """Carry out a copy on the current stream. From memory that is not page-locked the driver has read when it returns."""
    from ._pinned import owner_of

    pinned = owner_of(address)
    if pinned is None or wait:
        copy(host_bytes(address, nbytes), stream())
        if always or pinned is not None:
            synchronize_stream()
        return
    copy(host_bytes(address, nbytes), stream() or cuda.default_stream())
    pinned.events.append(current_stream().record_event())


def flush():
    """Launch the element-wise calls that wait (_fusion.py)."""
    from . import _fusion

    _fusion.flush()


def host_bytes(address, nbytes):
    """A NumPy array over host memory."""
    return np.frombuffer((ctypes.c_uint8 * nbytes).from_address(address), np.uint8)


def _count(name, by):
    COUNTS[name + ".current"] += by
    COUNTS[name + ".peak"] = max(COUNTS[name + ".peak"], COUNTS[name + ".current"])


def allocate(nbytes):
    """A block of device memory; raises OutOfMemoryError."""
    size = max(ROUND, -(-nbytes // ROUND) * ROUND)
    with LOCK:
        take_back()
        key = (_stream_key(), size <= SMALL or SIMULATED)
        chunk = _best(key, size)
        if chunk is None:
            chunk = _new_segment(key, size, nbytes)
        rest = chunk.nbytes - size
        if rest >= (ROUND if key[1] else SMALL):
            tail = _Chunk(chunk.segment, chunk.start + size, rest, chunk, chunk.after)
            if chunk.after is not None:
                chunk.after.before = tail
            chunk.after = tail
            chunk.resize(size)
            insort(_free[key], tail.entry)
        chunk.free = False
        _count("allocated_bytes", chunk.nbytes)
        COUNTS["allocated_bytes.allocated"] += chunk.nbytes
        _count("active", 1)
        return Block(chunk, nbytes)


def _best(key, size):
    """The smallest free chunk that is large enough, taken out of the list."""
    chunks = _free.setdefault(key, [])
    low, high = 0, len(chunks)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if chunks[middle][0] < size else (low, middle)
    return chunks.pop(low)[2] if low < len(chunks) else None


def _new_segment(key, size, nbytes):
    room = SMALL_SEGMENT if size <= SMALL else max(LARGE_SEGMENT, size) if size <= LARGE_SEGMENT // 2 or SIMULATED else (
        -(-size // SMALL_SEGMENT) * SMALL_SEGMENT)  # fmt: skip
    room = max(room, size)
    for attempt in range(2):
        try:
            segment = Segment(room, key)
            break
        except Exception as error:
            if "OUT_OF_MEMORY" not in str(error).upper() and not isinstance(error, MemoryError):
                raise
            if attempt:
                COUNTS["num_ooms"] += 1
                raise OutOfMemoryError(
                    f"cuda: no room for {nbytes} bytes on the GPU: {COUNTS['allocated_bytes.current']} bytes are in use by tensors, "
                    f"{COUNTS['reserved_bytes.current']} reserved; use smaller batches, free tensors, or see cuda.memory_stats()"
                ) from None
            COUNTS["num_alloc_retries"] += 1
            flush()
            empty_cache()
    _segments.append(segment)
    _count("reserved_bytes", room)
    _count("segment", 1)
    return _Chunk(segment, 0, room)


def give(chunk):
    """A chunk is free again."""
    COUNTS["allocated_bytes.current"] -= chunk.nbytes
    COUNTS["active.current"] -= 1
    chunks = _free[chunk.segment.key]
    after, before = chunk.after, chunk.before
    if after is not None and after.free:
        chunks.remove(after.entry)
        chunk.resize(chunk.nbytes + after.nbytes)
        chunk.after = after.after
        if chunk.after is not None:
            chunk.after.before = chunk
    if before is not None and before.free:
        chunks.remove(before.entry)
        before.resize(before.nbytes + chunk.nbytes)
        before.after = chunk.after
        if before.after is not None:
            before.after.before = before
        chunk = before
    chunk.free = True
    insort(chunks, chunk.entry)


def empty_cache():
    """Segments of which nothing is in use go back to the driver."""
    with LOCK:
        take_back()
        for chunks in _free.values():
            for entry in [e for e in chunks if e[0] == e[2].segment.nbytes]:
                chunks.remove(entry)
                _segments.remove(entry[2].segment)
                COUNTS["reserved_bytes.current"] -= entry[0]
                COUNTS["segment.current"] -= 1


def memory_stats():
    """Counts of bytes, blocks and segments: current and peak."""
    flush()  # and so gives back what died while it waited
    with LOCK:
        take_back()
    return {(name.replace(".", ".all.") if "." in name else name): n for name, n in COUNTS.items()}


def reset_peaks():
    """Peaks start over from what is in use."""
    for name in COUNTS:
        if name.endswith(".peak"):
            COUNTS[name] = COUNTS[name[:-5] + ".current"]


class Stream:
    """A queue of work on the GPU; `with cuda.stream(s):` puts work there."""

    def __init__(self, device=None, priority=0, _numba=None):
        self.numba = cuda.stream() if _numba is None else _numba

    def synchronize(self):
        """Wait until the queue is empty."""
        flush()
        if self.numba:
            self.numba.synchronize()
        else:
            cuda.synchronize()

    def query(self):
        """Is the queue empty?"""
        e = Event()
        e.record(self)
        return e.query()

    def record_event(self, event=None):
        """An event at the end of the queue."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def wait_event(self, event):
        """What is queued from now on waits for the event."""
        event.wait(self)

    def wait_stream(self, stream):
        """What is queued from now on waits for all that is in the other queue."""
        self.wait_event(stream.record_event())

    @property
    def cuda_stream(self):
        """The driver's number of the stream."""
        return int(getattr(getattr(self.numba, "handle", 0), "value", 0) or 0) if self.numba else 0


class Event:
    """A mark in a stream."""

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        self.numba = cuda.event() if SIMULATED else cuda.event(timing=enable_timing)

    def record(self, stream=None):
        """Stand at the end of a stream."""
        flush()
        self.numba.record((stream or current_stream()).numba)

    def wait(self, stream=None):
        """Let a stream wait for this event."""
        flush()
        self.numba.wait((stream or current_stream()).numba)

    def query(self):
        """Has the stream come past it?"""
        return self.numba.query() if hasattr(self.numba, "query") else True

    def synchronize(self):
        """Wait for it."""
        self.numba.synchronize()

    def elapsed_time(self, end):
        """Milliseconds from here to another event."""
        return self.numba.elapsed_time(end.numba)


DEFAULT = Stream(_numba=0)


def current_stream():
    """The Stream that this thread puts work on."""
    return getattr(_local, "stream", DEFAULT)


def set_stream(s):
    """Put this thread's work on s; returns the stream before."""
    before = current_stream()
    flush()
    if not isinstance(s, Stream):
        raise CudaError(f"cuda.stream: expected a cuda.Stream, got a {type(s).__name__}")
    _local.stream = s
    return before


def stream():
    """Numba's object of the current stream."""
    return current_stream().numba


def _stream_key():
    s = current_stream()
    return 0 if s is DEFAULT else id(s)


def synchronize_stream():
    """Wait for the current stream."""
    current_stream().synchronize()


def synchronize():
    """Wait for all work on the GPU."""
    flush()
    cuda.synchronize()
