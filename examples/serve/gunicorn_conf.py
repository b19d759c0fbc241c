"""gunicorn's settings for app.py: four workers, forked after the plans were loaded, so that they share the weights."""

import os

bind = os.environ.get("BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WORKERS", "4"))
preload_app = True
worker_class = "uvicorn.workers.UvicornWorker"
timeout = 30
