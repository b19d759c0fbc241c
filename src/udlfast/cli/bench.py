"""python -m udlfast bench: the table of bench/, as text, JSON and a picture. Needs a checkout."""
import os
import sys

from . import positive

HELP = "Time udlfast against NumPy, and PyTorch where it is installed (from a checkout)."


def add_arguments(parser):
    parser.add_argument("--only", default=".", metavar="REGEX", help="only cases whose op/name matches")
    parser.add_argument("--out", default="run", metavar="DIR",
                        help="folder for bench.json and bench.png (default: %(default)s)")
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
        for case in cases:
            try:
                row = race.time_case(case, options.rounds, options.milliseconds / 1000)
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
          f"{'GFLOPS':>7} {'GB/s':>6}")


def line(row):
    """One row of the table as text; a dash where there is no figure."""
    name = f"{row['op']}/{row['name']}"
    if "error" in row:
        return f"{name:50} {row['error']}"

    def cell(key, width, digits):
        return f"{row[key]:{width}.{digits}f}" if row.get(key) else "-".rjust(width)

    return " ".join((f"{name:50}", cell("numpy_us", 10, 1), cell("udlfast_us", 10, 1), cell("numpy_ratio", 6, 2),
                     cell("torch_us", 10, 1), cell("torch_ratio", 6, 2), cell("gflops", 7, 1), cell("gb_per_s", 6, 1)))


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
