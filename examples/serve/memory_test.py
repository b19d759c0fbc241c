"""What each further worker of the server costs in memory. Starts gunicorn with one worker and with four, and ends by itself.

    python examples/serve/memory_test.py models [--workers 4] [--clients 2] [--requests 20]

Every worker answers requests of both kinds, from so many clients at a time. Then the proportional memory (Pss: what processes share is
divided among them) of master and workers is added up, and the difference between many workers and one is printed for each further
worker, also as a share of the weights (of a model that is there for several lengths counted once). --parts tells what is private to
a worker. Status 1 if a request failed or a worker costs more than 15 % of the weights.
"""

import argparse
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

from load_test import of_server

HERE = os.path.dirname(os.path.abspath(__file__))
MOST = 0.15
PATIENCE = 300  # seconds until every worker must have answered


def proportional(pid):
    """(MiB of a process, Counter of the MiB that it alone has, by what is mapped there)"""
    total, private, name = 0, Counter(), ""
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            key, _, rest = line.partition(":")
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                parts = line.split(maxsplit=5)
                name = os.path.basename(parts[5].strip()) if len(parts) > 5 else "mapped memory"
            elif key == "Pss":
                total += int(rest.split()[0]) / 1024
            elif key in ("Private_Dirty", "Private_Clean"):
                private[name] += int(rest.split()[0]) / 1024
    return total, private


def pid_of(link):
    """The process at the other end of a connection."""
    link.request("GET", "/health")
    return json.loads(link.getresponse().read())["pid"]


def find_workers(port, workers):
    """Their process ids, once each has answered."""
    found, held, until = set(), [], time.monotonic() + PATIENCE
    while len(found) < workers:
        if time.monotonic() > until:
            raise TimeoutError(f"{len(found)} of {workers} workers answered within {PATIENCE} s")
        held.append(http.client.HTTPConnection("127.0.0.1", port, timeout=30))
        try:
            found.add(pid_of(held[-1]))
        except OSError:
            time.sleep(0.1)
    for link in held:
        link.close()
    return list(found)


def serve(port, pids, path, requests):
    """Requests until each worker has answered so many; which worker one meets is chance."""
    counts, connect, until = Counter(), of_server(port, path), time.monotonic() + PATIENCE
    while not all(counts[p] >= requests for p in pids):
        if time.monotonic() > until:
            raise TimeoutError(f"{path}: not every worker took {requests} requests within {PATIENCE} s")
        ask = connect()
        pid = pid_of(ask.link)
        for i in range(requests if counts[pid] < requests else 1):  # one more keeps it busy while another takes the next connection
            ask(i % 16)
        counts[pid] += requests


def total(folder, port, workers, clients, requests):
    """(MiB of all processes, [what each worker has alone])"""
    env = {**os.environ, "MODELS": os.path.abspath(folder), "WORKERS": str(workers), "BIND": f"127.0.0.1:{port}"}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn_conf.py", "app:app", "--log-level", "warning", "--timeout", "300"]
    server = subprocess.Popen(command, cwd=HERE, env=env)
    try:
        pids, failed = find_workers(port, workers), []

        def client():
            try:
                for path in ("/embed", "/classify"):
                    serve(port, pids, path, requests)
            except Exception as error:
                failed.append(error)

        crowd = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
        for c in crowd:
            c.start()
        for c in crowd:
            c.join(PATIENCE)
        if failed or any(c.is_alive() for c in crowd):
            raise RuntimeError(f"requests failed: {failed[:2]}")
        found = [proportional(pid) for pid in [server.pid, *pids]]
        return sum(f[0] for f in found), [f[1] for f in found[1:]]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def weights(folder):
    """MiB of the models, one that is there for several lengths once."""
    models = {}
    for name in os.listdir(folder):
        if name.endswith(".udl"):
            model = re.sub(r"-\d+\.udl$", "", name)
            models[model] = max(models.get(model, 0), os.path.getsize(os.path.join(folder, name)))
    return sum(models.values()) / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="that export.py wrote")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--requests", type=int, default=20, help="of each client and kind to each worker")
    parser.add_argument("--port", type=int, default=8731)
    parser.add_argument("--parts", action="store_true", help="what is private to a worker")
    options = parser.parse_args()
    one, _ = total(options.folder, options.port, 1, options.clients, options.requests)
    many, private = total(options.folder, options.port + 1, options.workers, options.clients, options.requests)
    each, whole = (many - one) / (options.workers - 1), weights(options.folder)
    print(f"1 worker {one:.1f} MiB, {options.workers} workers {many:.1f} MiB: {each:.1f} MiB for each further one")
    print(f"weights {whole:.1f} MiB: {each / whole:.1%} of them")
    if options.parts:
        for name, size in private[0].most_common(12):
            print(f"    {size:8.1f} MiB  {name}")
    return 1 if each > MOST * whole else 0


if __name__ == "__main__":
    sys.exit(main())
