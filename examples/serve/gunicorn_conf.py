"""gunicorn's settings for app.py: four workers, forked after the plans were loaded, so that they share the weights."""

import ctypes
import gc
import os
import sys

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WORKERS", "4"))
preload_app = True
worker_class = "uvicorn.workers.UvicornWorker"
timeout = 30
# read when the app is imported: the processors are shared out among the workers
os.environ.setdefault("UDLFAST_NUM_THREADS", str(max(1, len(os.sched_getaffinity(0)) // workers)))


def when_ready(server):
    """Before the workers are forked: what each would import or keep for itself is imported, given back or left alone."""
    import anyio._backends._asyncio  # noqa: F401
    import uvicorn.lifespan.on
    import uvicorn.loops.auto
    import uvicorn.protocols.http.auto
    import uvicorn.protocols.websockets.auto  # noqa: F401

    import udlfast

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:  # glibc: a heap for the threads that answer, beside that from before the fork; large bodies are given back at once
        mallopt(-8, 2)  # M_ARENA_MAX
        mallopt(-3, 128 << 10)  # M_MMAP_THRESHOLD
    udlfast.set_memory_limit(2 << 20)  # kernels' working memory that a worker keeps; more of it costs memory, less costs page faults
    sys.modules["app"].warm_up()
    gc.collect()
    gc.freeze()  # the collector writes to nothing that is there now, so that its pages stay shared
