"""How a plan, or the server of app.py, behaves under load. Ends by itself; talks to this machine only.

    python examples/serve/load_test.py --plan models/minilm-128.udl --clients 8 --seconds 60
    python examples/serve/load_test.py --port 8000 --path /embed --clients 8 --seconds 60

Clients are threads that send one request after the other, drawn from 16. Every answer is compared with the one that a single client got
before. Printed are requests a second, latencies (p50, p99), wrong answers, and what the memory of this process (--plan) did: its slope
is that of a straight line through resident memory over the second half of the time. Status 1 if an answer was wrong or failed.
"""

import argparse
import http.client
import json
import sys
import threading
import time

import numpy as np

KINDS = 16
MOST_SECONDS, MOST_CLIENTS = 600, 64


def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmRSS"))


def of_plan(path):
    """ask(kind) -> answer, for a plan in this process."""
    import udlfast as torch

    plan, rng, inputs = torch.load_plan(path), np.random.default_rng(0), []
    for kind in range(KINDS):
        made = []
        for name, dtype, shape in plan.inputs:
            if name == "mask":
                array = (np.arange(np.prod(shape)).reshape(shape) < 8 * (kind + 1)).astype(np.int64)
            elif dtype is torch.int64:
                array = rng.integers(0, 1000, shape)
            else:
                array = rng.standard_normal(shape).astype(np.float32)
            made.append(torch.from_numpy(array))
        inputs.append(made)

    def ask(kind):
        answer = plan(*inputs[kind])
        return np.asarray(answer.numpy() if isinstance(answer, torch.Tensor) else [a.numpy() for a in answer]).tobytes()

    return lambda: ask


def of_server(port, path):
    """A connection's ask(kind) -> answer."""
    rng = np.random.default_rng(0)
    if path == "/embed":
        words = "a cat sat on the mat and looked at the long river that ran through old towns far below".split()
        bodies = [json.dumps({"text": " ".join(rng.choice(words, 4 * (k + 1)))}).encode() for k in range(KINDS)]
        kind_of = "application/json"
    else:
        bodies = [rng.standard_normal((3, 224, 224)).astype(np.float32).tobytes() for _ in range(KINDS)]
        kind_of = "application/octet-stream"

    def connect():
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def ask(kind):
            link.request("POST", path, bodies[kind], {"Content-Type": kind_of})
            answer = link.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"status {answer.status}: {body[:200]!r}")
            return body

        ask.link = link
        return ask

    return connect


class Client(threading.Thread):
    def __init__(self, number, connect, want, until, at_most):
        super().__init__(daemon=True)
        self.number, self.connect, self.want, self.until, self.at_most = number, connect, want, until, at_most
        self.took, self.wrong, self.failed = [], 0, None

    def run(self):
        try:
            ask = self.connect()
            for i in range(self.at_most):
                start = time.perf_counter()
                if start > self.until:
                    break
                kind = (7 * i + self.number) % KINDS
                self.wrong += ask(kind) != self.want[kind]
                self.took.append(time.perf_counter() - start)
        except Exception as error:
            self.failed = error


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--plan", help="a .udl file, run in this process")
    what.add_argument("--port", type=int, help="of a server on this machine")
    parser.add_argument("--path", choices=["/embed", "/classify"], default="/embed")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--requests", type=int, default=1_000_000, help="at most so many for each client")
    options = parser.parse_args()
    seconds, clients = min(options.seconds, MOST_SECONDS), min(options.clients, MOST_CLIENTS)
    connect = of_plan(options.plan) if options.plan else of_server(options.port, options.path)
    ask = connect()
    want = [ask(kind) for kind in range(KINDS)]
    start = time.perf_counter()
    crowd = [Client(i, connect, want, start + seconds, options.requests) for i in range(clients)]
    for client in crowd:
        client.start()
    memory = []
    while any(c.is_alive() for c in crowd) and time.perf_counter() < start + seconds + 60:
        memory.append((time.perf_counter() - start, resident()))
        time.sleep(min(0.5, seconds / 20))
    wall = time.perf_counter() - start
    took = np.array([t for c in crowd for t in c.took]) * 1e3
    wrong, failed = sum(c.wrong for c in crowd), [c.failed for c in crowd if c.failed]
    if len(took):
        p50, p99 = np.percentile(took, [50, 99])
        print(f"{clients} clients: {len(took)} requests in {wall:.1f} s, {len(took) / wall:.1f} a second")
        print(f"p50 {p50:.2f} ms, p99 {p99:.2f} ms ({p99 / p50:.2f} x), longest {took.max():.2f} ms; wrong answers: {wrong}")
    half = np.array(memory[len(memory) // 2 :])
    if options.plan and len(half) > 2:
        slope = np.polyfit(half[:, 0], half[:, 1], 1)[0] * 60
        print(f"resident memory {memory[0][1]:.1f} MiB at first, {memory[-1][1]:.1f} at the end, {slope:+.2f} a minute")
    for error in failed[:3]:
        print(f"a client failed: {type(error).__name__}: {error}")
    return 1 if wrong or failed or not len(took) else 0


if __name__ == "__main__":
    sys.exit(main())
