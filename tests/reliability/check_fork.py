"""Fork after use, in processes of their own in which every warning is an error."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from .frame import Failed, NotRun, check
from .programs import program, run_program

LIMIT = 10  # seconds a child may take

SETUP = """
import os, signal, sys, threading, time
import udlfast as torch
from udlfast import nn
torch.set_num_threads(4)
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10)).eval()
x, a = torch.ones(64, 64), torch.ones(300, 300) * 0.5

def compute():
    with torch.no_grad():
        served = net(x).sum().item()
    w = a.clone().requires_grad_()
    (w @ a).softmax(1).sum().backward()
    return served, w.grad.sum().item(), torch.arange(200_000.0).sum().item()

def child(work):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 3
        try:
            code = 0 if work() else 2
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid

def ends(pid, limit=10.0):
    end = time.monotonic() + limit * 6
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.0005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hangs"

want = compute()
bad = []
def forks(n, work=lambda: compute() == want):
    for _ in range(n):
        status = ends(child(work))
        if status or compute() != want:
            bad.append(status or "the parent computes something else")
"""

WAYS = {
    "main thread": "forks(N)",
    "second thread": "t = threading.Thread(target=forks, args=(N,)); t.start(); t.join()",
    "inside a running call": """
stop = threading.Event()
def busy():
    while not stop.is_set():
        if compute() != want: bad.append("a busy thread computes something else")
threads = [threading.Thread(target=busy) for _ in range(2)]
[t.start() for t in threads]
forks(N)
stop.set()
[t.join() for t in threads]
""",
    "nested": """
def outer():
    return compute() == want and ends(child(lambda: compute() == want)) == 0 and compute() == want
forks(N // 2, outer)
""",
    "exit in the child": """
for _ in range(N):  # the interpreter's own end, with everything that runs then
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        sys.exit(0 if compute() == want else 2)
    status = ends(pid)
    if status: bad.append(status)
""",
    "training in the child": """
def train():
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()
    return compute() != want
forks(N, train)
""",
    "spawn and fork pools": """
import multiprocessing
def square(i):
    b = torch.full((200, 200), float(i))
    return (b @ b).sum().item()
if __name__ == "__main__":
    for way in ("fork", "spawn"):
        for _ in range(max(1, N // 20)):
            with multiprocessing.get_context(way).Pool(2) as pool:
                got = pool.map_async(square, range(8)).get(120)
            if got != [square(i) for i in range(8)]: bad.append(way)
            if compute() != want: bad.append("parent after " + way)
""",
}
THREADED = ("second thread", "inside a running call")  # Python warns of its own threads there, whatever the library does


@check("fork", must="0 hangs, 0 wrong values, no warnings", short={"forks": 28}, long={"forks": 1000})
def fork(forks):
    if not hasattr(os, "fork"):
        raise NotRun("no fork on this system")
    each, findings = -(-forks // len(WAYS)), []
    for name, text in WAYS.items():
        warned = [] if name in THREADED else ["-W", "error"]
        code = f"N = {each}\n{SETUP}\n{text}\nif __name__ == '__main__' and bad: sys.exit(f'{{len(bad)}} failed: {{bad[:5]}}')\n"
        status, _, err = run_program(code, options=warned, limit=300 + each * LIMIT)
        err = "\n".join(line for line in err.splitlines() if name not in THREADED or "multi-threaded" not in line and "os.fork" not in line)
        if status or err.strip():
            findings.append(f"{name}: status {status}: {err[-600:]}")
    findings += prefork_server(each)
    gunicorn, why = gunicorn_preload(each)
    findings += gunicorn
    figures = f"{each * len(WAYS)} forks ({', '.join(WAYS)}), {each} requests to a pre-fork server, gunicorn --preload {why}"
    if findings:
        raise Failed(f"{figures}: {len(findings)} findings", findings)
    return f"{figures}: 0 hangs, 0 wrong values, 0 warnings"


SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(compute()).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): pass
import json
server = HTTPServer(("127.0.0.1", 0), Handler)
for _ in range(3):
    if os.fork() == 0:
        server.serve_forever()
print(json.dumps([server.server_address[1], want]), flush=True)
time.sleep(10_000)
"""


def prefork_server(requests):
    """Workers forked from a process that has used the library and listens already; findings."""
    with program(SETUP + SERVER, options=["-W", "error"]) as process:
        port, want = json.loads(process.stdout.readline())
        return ask(f"http://127.0.0.1:{port}/", want, requests, "pre-fork server")


def ask(url, want, requests, who):
    findings = []
    for i in range(requests):
        try:
            with urllib.request.urlopen(url, timeout=6 * LIMIT) as answer:
                got = json.load(answer)
        except OSError as error:
            return [*findings, f"{who}, request {i}: {error}"]
        if got != want:
            findings.append(f"{who}, request {i}: {got} instead of {want}")
    return findings


APP = """
import json
def app(environ, start):
    body = json.dumps([compute(), want]).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


def gunicorn_preload(requests):
    """(findings, in words whether it ran): the application is loaded, and used, before gunicorn forks its workers."""
    try:
        import gunicorn  # noqa: F401
    except ImportError:
        return [], "not run (gunicorn is not installed)"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "served.py").write_text(SETUP + APP)
        socket = Path(folder) / "port"
        words = [sys.executable, "-W", "error::DeprecationWarning:served", "-m", "gunicorn", "--preload", "--workers", "3", "--bind",
                 "127.0.0.1:0", "--timeout", "60", "--pid", str(socket), "served:app"]
        log = open(Path(folder) / "log", "wb")
        process = subprocess.Popen(words, cwd=folder, stderr=log, stdout=log)
        try:
            port = listening_port(Path(folder) / "log", process)
            findings = []
            for i in range(requests):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=6 * LIMIT) as answer:
                    got, want = json.load(answer)
                if got != want:
                    findings.append(f"gunicorn, request {i}: {got} instead of {want}")
            text = (Path(folder) / "log").read_text()
            if "TIMEOUT" in text or "Warning" in text or "Error" in text:
                findings.append(f"gunicorn's log: {text[-800:]}")
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()
    return findings, f"{requests} requests"


def listening_port(log, process):
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text().splitlines():
            if "Listening at: http://127.0.0.1:" in line:
                return int(line.split("127.0.0.1:")[1].split()[0])
        time.sleep(0.05)
    raise Failed("gunicorn does not listen", [log.read_text()[-800:]])


