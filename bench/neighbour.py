"""How much slower does a step get when another process keeps one core busy? python bench/neighbour.py [LIBRARY ...]

A team of threads that spins waits for the one whose core is taken, again and again; threads that sleep do not. Prints the
mean time of a step alone and beside a busy loop that is bound to the first core, for each library (default: udlfast).
"""
import importlib
import os
import statistics
import subprocess
import sys
import time


def mean_us(step, seconds=1.0):
    step()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return statistics.mean(times) * 1e6


def main(names):
    core = min(os.sched_getaffinity(0))
    loop = f"import os\nos.sched_setaffinity(0, [{core}])\nwhile os.getppid() == {os.getpid()}: pass"
    for name in names or ["udlfast"]:
        lib = importlib.import_module(name)
        a, b = lib.randn(512, 512), lib.randn(512, 512)
        steps = {"matmul 512": lambda a=a, b=b: a @ b, "gelu 512x512": lambda a=a, g=lib.nn.functional.gelu: g(a)}
        alone = {k: mean_us(step) for k, step in steps.items()}
        with subprocess.Popen([sys.executable, "-c", loop]) as busy:
            time.sleep(0.3)
            beside = {k: mean_us(step) for k, step in steps.items()}
            busy.kill()
        for k in steps:
            print(f"{name:8} {k:14} alone {alone[k]:8.0f} us, beside a busy process {beside[k]:8.0f} us: {beside[k] / alone[k]:.2f} x")


if __name__ == "__main__":
    main(sys.argv[1:])
