"""gunicorn's settings for app.py: four workers, forked after the plans were loaded, so that they share the weights."""

import gc
import os

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

    udlfast.set_memory_limit(2 << 20)  # kernels' working memory that a worker keeps; more of it costs memory, less costs page faults
    gc.collect()
    gc.freeze()  # the collector writes to nothing that is there now, so that its pages stay shared
