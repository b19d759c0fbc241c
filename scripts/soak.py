"""Hours of requests to a pre-forked server: every answer compared, memory, threads and files of each worker watched.

    python scripts/soak.py --seconds 3600 [--workers 2] [--clients 4] [--json out.json]

A parent process loads a model, answers once itself, and forks workers that share a listening socket (standard library only).
Clients send batches of random sizes. An answer must have the bits that the parent computed for that batch; the resident memory of
the workers must not grow, nor their threads and open files. Status 1 if something of this fails. Addresses are this machine's only.
"""

import argparse
import hashlib
import http.client
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np

import udlfast as torch
from udlfast import nn

SIZES = 12  # batches of 1 to 12 images of three sizes


def model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, 10),
    ).eval()  # fmt: skip


def answer(net, n, side):
    """The digest of the model's answer to batch number (n, side)."""
    x = np.random.default_rng(100 * n + side).standard_normal((n, 3, side, side)).astype(np.float32)
    with torch.no_grad():
        return hashlib.sha256(net(torch.from_numpy(x)).numpy().tobytes()).hexdigest()


def work(server, net):
    """A worker: answers GET /n/side until it is killed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self):
            n, side = map(int, self.path.strip("/").split("/"))
            body = answer(net, n, side).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *args):
            pass

    server.RequestHandlerClass = Handler
    server.serve_forever()


def watched(pid):
    """(resident bytes, threads, open files) of a process."""
    with open(f"/proc/{pid}/statm") as file:
        resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resident, len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def slope(samples):
    """Theil and Sen's: the median over all pairs of the growth from one sample to the next."""
    y = np.array(samples, float)
    i, j = np.triu_indices(len(y), 1)
    return float(np.median((y[j] - y[i]) / (j - i))) if len(y) > 1 else 0.0


class Load:
    """Clients in threads, what they saw, and when to stop."""

    def __init__(self, port, want, end):
        self.port, self.want, self.end = port, want, end
        self.times, self.wrong = [], []

    def client(self, seed):
        rng = np.random.default_rng(seed)
        keys = list(self.want)
        while time.monotonic() < self.end and len(self.wrong) < 20:
            n, side = keys[rng.integers(len(keys))]
            begin = time.perf_counter()
            try:
                link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                link.request("GET", f"/{n}/{side}")
                got = link.getresponse().read().decode()
                link.close()
            except OSError as error:
                self.wrong.append(f"batch {n} of {side}: {error}")
                continue
            self.times.append(time.perf_counter() - begin)
            if got != self.want[n, side]:
                self.wrong.append(f"batch {n} of {side}: another answer")


def soak(seconds, workers, clients):
    """The report as a dict; report["findings"] is empty if all is well."""
    net = model()
    want = {(n, side): answer(net, n, side) for n in range(1, SIZES + 1) for side in (16, 24, 40)}
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    pids = []
    for _ in range(workers):
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            work(server, net)
        pids.append(pid)
    load = Load(server.server_address[1], want, time.monotonic() + seconds)
    team = [threading.Thread(target=load.client, args=(i,)) for i in range(clients)]
    [t.start() for t in team]
    samples = {pid: [] for pid in pids}
    try:
        while any(t.is_alive() for t in team):
            time.sleep(min(5.0, max(0.05, seconds / 200)))
            for pid in pids:
                samples[pid].append(watched(pid))
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return report(load, samples, want, seconds)


def report(load, samples, want, seconds):
    findings, grown = list(load.wrong), []
    for pid, seen in samples.items():
        late = seen[len(seen) // 4 :]  # the first requests of each size fill the allocator's cache
        grown.append(slope([s[0] for s in late]) * len(late))
        if grown[-1] > 8 << 20:
            findings.append(f"worker {pid}: resident memory grew by {grown[-1] / 2**20:.1f} MiB")
        if late and (late[-1][1] > late[0][1] + 1 or late[-1][2] > late[0][2] + 2):
            findings.append(f"worker {pid}: threads and open files were {late[0][1:]} and are {late[-1][1:]}")
    times = np.array(load.times or [0.0]) * 1e3
    return {
        "seconds": seconds,
        "requests": len(load.times),
        "batches": len(want),
        "p50 ms": round(float(np.percentile(times, 50)), 2),
        "p99 ms": round(float(np.percentile(times, 99)), 2),
        "growth MiB": [round(g / 2**20, 2) for g in grown],
        "resident MiB": [round(s[-1][0] / 2**20, 1) for s in samples.values() if s],
        "findings": findings,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--json")
    args = parser.parse_args()
    got = soak(args.seconds, args.workers, args.clients)
    text = json.dumps(got, indent=1)
    print(text)
    if args.json:
        with open(args.json, "w") as file:
            file.write(text + "\n")
    return 1 if got["findings"] or not got["requests"] else 0


if __name__ == "__main__":
    sys.exit(main())
