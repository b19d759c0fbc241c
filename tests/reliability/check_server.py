"""A pre-forked server under load: scripts/soak.py."""

import json
import sys
import tempfile
from pathlib import Path

from .frame import Failed, NotRun, check
from .programs import BUILT, ROOT, run_program


@check("server", must="every answer the same bits; memory, threads and files of each worker flat",
       short={"seconds": 2}, long={"seconds": 1800})  # fmt: skip
def server(seconds, workers=2, clients=4):
    script = ROOT / "scripts/soak.py"
    if sys.platform != "linux" or not script.is_file():
        raise NotRun("needs Linux's /proc and the sources")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        words = ["soak", "--seconds", str(seconds), "--workers", str(workers), "--clients", str(clients), "--json", str(out)]
        code = f"import runpy, sys\nsys.argv = {words!r}\nrunpy.run_path({str(script)!r}, run_name='__main__')\n"
        status, _, err = run_program(BUILT + code, limit=seconds + 300)
        if not out.is_file():
            raise Failed(f"the program ended with {status}", err.splitlines()[-20:])
        got = json.loads(out.read_text())
    figures = (f"{got['requests']:,} requests in {seconds} s, p50 {got['p50 ms']} ms, p99 {got['p99 ms']} ms, growth of {workers} workers "
               f"{got['growth MiB']} MiB of {got['resident MiB']}")  # fmt: skip
    if got["findings"] or status:
        raise Failed(figures, got["findings"])
    return figures
