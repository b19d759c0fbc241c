"""python -m udlfast bench: the table of bench/, as text, JSON and a picture. Needs a checkout."""
import os
import sys

from . import positive
from .machine import roofs

HELP = "Time udlfast against NumPy, and PyTorch where it is installed (from a checkout)."


def add_arguments(parser):
    parser.add_argument("--only", default=".", metavar="REGEX", help="only cases whose op/name matches")
    parser.add_argument("--out", default="run", metavar="DIR",
                        help="folder for bench.json, bench.png, roofline.png (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=5,
                        help="turns that each library takes per case (default: %(default)s)")
    parser.add_argument("--milliseconds", type=positive, default=50, help="time of one turn (default: %(default)s)")
    parser.add_argument("--threads", type=positive, help="width for all libraries (default: see info)")


def run(options):
    folder = find_bench()
    sys.path.insert(0, folder)
    import race

    import udlfast

    cases = race.load_cases(options.only)
    if not cases:
        raise ValueError(f"no case matches --only {options.only!r}")
    n = options.threads or race.width()
    machine = {"udlfast": udlfast.__version__, "isa": udlfast.isa(), "threads": n, "commit": race.commit(),
               "runners": {s: _version(s) for s in race.SIDES if race.installed(s)}}
    print(", ".join(f"{k} {v}" for k, v in machine["runners"].items()) + f"; {machine['isa']}, threads: {n}; "
          f"commit {machine['commit']}; a ratio above 1 means udlfast is faster")
    rows, failed = [], 0
    print(HEADER)
    with race.threads(n):
        machine.update(roofs())
        for case in cases:
            try:
                row = race.time_case(case, options.rounds, options.milliseconds / 1000)
                row["share_of_floor"] = floor(row, machine) / (row["udlfast_us"] / 1e6)
            except Exception as e:  # one bad case must not cost the table
                failed += 1
                row = {"op": case.op, "name": case.name, "error": f"{type(e).__name__}: {e}"}
            rows.append(row)
            print(line(row), flush=True)
    print(summary(rows))
    _write(options.out, machine, rows)
    return 1 if failed else 0


def find_bench():
    """The bench folder of the checkout that holds this package, or of the one in the current folder."""
    import udlfast

    package = os.path.dirname(os.path.abspath(udlfast.__file__))
    for folder in (os.path.join(package, "..", "..", "bench"), "bench"):
        if os.path.isfile(os.path.join(folder, "race.py")):
            return os.path.abspath(folder)
    raise FileNotFoundError("the benchmarks are not part of the installed package; run this inside a checkout of "
                            "udlfast, where the folder bench/ is")


HEADER = (f"{'case':50} {'numpy us':>10} {'udlfast us':>10} {'ratio':>6} {'torch us':>10} {'ratio':>6} "
          f"{'GFLOPS':>7} {'GB/s':>6} {'floor %':>7}")


def line(row):
    """One row of the table as text; a dash where there is no figure."""
    name = f"{row['op']}/{row['name']}"
    if "error" in row:
        return f"{name:50} {row['error']}"

    def cell(key, width, digits, scale=1):
        return f"{row[key] * scale:{width}.{digits}f}" if row.get(key) else "-".rjust(width)

    return " ".join((f"{name:50}", cell("numpy_us", 10, 1), cell("udlfast_us", 10, 1), cell("numpy_ratio", 6, 2),
                     cell("torch_us", 10, 1), cell("torch_ratio", 6, 2), cell("gflops", 7, 1), cell("gb_per_s", 6, 1),
                     cell("share_of_floor", 7, 0, 100)))


def floor(row, machine):
    """Seconds that the step's operations or bytes need at the machine's measured roofs, whichever is more."""
    return max(row["flops"] / machine["peak_gflops"], row["bytes"] / machine["stream_gb_per_s"]) / 1e9


def summary(rows):
    """Geometric means, worst cases and counts of the ratios."""
    import math

    texts = []
    for side in ("numpy", "torch"):
        ratios = [r[f"{side}_ratio"] for r in rows if f"{side}_ratio" in r]
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            texts.append(f"against {side}: geometric mean {mean:.2f}, worst {min(ratios):.2f}, ahead in "
                         f"{sum(r > 1 for r in ratios)} of {len(ratios)}")
    return "\n".join(texts) or "no case could be timed"


def _version(name):
    import importlib

    return importlib.import_module(name).__version__


def _write(folder, machine, rows):
    import json

    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "bench.json")
    with open(path, "w") as f:
        json.dump({**machine, "rows": rows}, f, indent=1)
    print(f"figures: {path}")
    try:
        print(f"picture: {draw(machine, rows, os.path.join(folder, 'bench.png'))}")
        print(f"picture: {draw_roofline(machine, rows, os.path.join(folder, 'roofline.png'))}")
    except ImportError as e:
        print(f"picture: none ({e})")


def draw(machine, rows, path):
    """Speed relative to NumPy and PyTorch, one line a case, on a logarithmic axis with 1 marked."""
    from ..train.plots import INK, MUTED, TRAIN, VALID, new_figure, plain_numbers

    rows = [r for r in rows if "error" not in r][::-1]
    figure = new_figure(figsize=(9, 1.4 + 0.22 * len(rows)), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.axvline(1, color=INK, lw=1)
    for side, colour in (("numpy", TRAIN), ("torch", VALID)):
        points = [(r[f"{side}_ratio"], k) for k, r in enumerate(rows) if f"{side}_ratio" in r]
        if points:
            name = {"numpy": "NumPy", "torch": "PyTorch"}[side]
            axes.plot(*zip(*points, strict=True), "o", color=colour, ms=6, label=f"{name} {machine['runners'][side]}")
    axes.set_xscale("log")
    plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(rows)), [f"{r['op']}/{r['name']}" for r in rows], fontsize=8)
    axes.set_ylim(-0.8, len(rows) - 0.2)
    axes.set_xlabel("time of the other library / time of udlfast (right of 1: udlfast is faster)")
    axes.set_title(f"udlfast {machine['udlfast']}, {machine['isa']}, threads: {machine['threads']}", loc="left",
                   fontsize=10, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color="#e6e6e6", lw=0.8)
    axes.tick_params(axis="y", length=0, colors=INK)
    axes.tick_params(axis="x", colors=MUTED)
    axes.set_axisbelow(True)
    if rows:
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.03 + 0.1 / len(rows)), ncols=2)
    figure.savefig(path, format="png")
    return path


def draw_roofline(machine, rows, path):
    """Operations a second over operations a byte, a point a case, under the roofs of memory and of multiply-adds."""
    from ..train.plots import INK, TRAIN, VALID, new_figure, plain_numbers

    rows = [r for r in rows if r.get("flops") and r.get("bytes")]
    figure = new_figure(figsize=(9, 5.5), dpi=110, layout="constrained")
    axes = figure.subplots()
    peak, stream = machine["peak_gflops"], machine["stream_gb_per_s"]
    x = [r["flops"] / r["bytes"] for r in rows] or [1.0]
    low, high = min(x) / 2, max(*x, 2 * peak / stream) * 2
    axes.plot([low, peak / stream, high], [low * stream, peak, peak], color=INK, lw=1)
    axes.text(peak / stream, peak * 1.08, f"{peak:.0f} GFLOPS: float32 multiply-adds in registers", color=INK, fontsize=8)
    axes.text(low, low * stream * 1.5, f"{stream:.0f} GB/s\nfrom memory", color=INK, fontsize=8)
    for side, colour, name in (("torch", TRAIN, "PyTorch"), ("udlfast", VALID, "udlfast")):
        points = [(r["flops"] / r["bytes"], r["flops"] / r[f"{side}_us"] / 1e3) for r in rows if f"{side}_us" in r]
        if points:
            axes.plot(*zip(*points, strict=True), "o", color=colour, ms=5, label=name)
    for r in rows:
        at, ends = r["flops"] / r["bytes"], [r["gflops"], r["flops"] / r.get("torch_us", r["udlfast_us"]) / 1e3]
        axes.plot([at, at], ends, color=TRAIN, lw=0.8, zorder=0)
        if f"{r['op']}/{r['name']}" in LABELS:
            axes.annotate(LABELS[f"{r['op']}/{r['name']}"], (at, r["gflops"]), (6, -3), textcoords="offset points", color=INK, fontsize=8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    plain_numbers(axes.xaxis)
    plain_numbers(axes.yaxis)
    axes.set_xlabel("operations for each byte that must be moved")
    axes.set_ylabel("GFLOPS")
    axes.set_title(f"udlfast {machine['udlfast']}, {machine['isa']}, threads: {machine['threads']}. Above a roof: data in cache, or "
                   "fewer operations than counted (Winograd)", loc="left", fontsize=9, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6", lw=0.8)
    axes.set_axisbelow(True)
    if rows:
        axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, format="png")
    return path


LABELS = {"matmul/square_1024": "matmul 1024", "conv2d/resnet_64x56": "3x3 convolution (Winograd)", "adam/adamw_4M": "AdamW",
          "matmul/gpt2_token_1x768x3072": "one token of GPT-2", "attention/gpt2_1x12x1024x64_causal": "attention",
          "softmax/attention_4096x1024": "softmax", "lenet_step/batch_64": "LeNet step", "elementwise/add_16": "16 numbers"}
