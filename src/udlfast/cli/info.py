"""python -m udlfast info: what runs here, and why."""
import os

HELP = "Print version, instruction sets, threads, caches and memory, each with the reason."


def add_arguments(parser):
    parser.add_argument("--json", action="store_true", help="print one json object")


def run(options):
    facts = collect()
    if options.json:
        import json

        print(json.dumps(facts, indent=1))
        return 0
    caches = ", ".join(f"{name} {_size(n)}" for name, n in facts["cache_bytes"].items() if n) or "unknown"
    limit = facts["memory_limit_bytes"]
    rows = [("udlfast", f"{facts['udlfast']}  ({facts['folder']})"), ("python", facts["python"]),
            ("numpy", facts["numpy"]), ("platform", facts["platform"]), ("instruction set", facts["isa"])]
    rows += [("", f"{level}: {why or 'usable'}") for level, why in facts["isa_levels"].items()]
    rows += [("bfloat16", f"multiplied by {facts['matrix_unit']}" if facts["matrix_unit"] else "widened to float32")]
    rows += [("threads", facts["threads_why"]), ("caches", caches),
             ("memory limit", f"{_size(limit)}  ({facts['memory_limit_why']})" if limit else facts["memory_limit_why"]),
             ("memory in use", f"{_size(facts['memory']['in_use'])}, kept for reuse {_size(facts['memory']['cached'])} "
                               f"of at most {_size(facts['memory']['cache_limit'])}")]
    rows += [("optional", ", ".join(f"{n} {v or '-'}" for n, v in facts["optional"].items()))]
    for name, text in rows:
        print(f"{name:16} {text}")
    return 0


def collect():
    """Every fact as plain numbers and text."""
    import platform

    import numpy

    import udlfast

    limit, why = memory_limit()
    return {
        "udlfast": udlfast.__version__, "folder": os.path.dirname(udlfast.__file__),
        "python": platform.python_version(), "numpy": numpy.__version__,
        "platform": f"{platform.system()} {platform.machine()}",
        "isa": udlfast.isa(), "isa_levels": udlfast.isa_report(),
        "matrix_unit": udlfast._core.matrix_unit(),
        "threads": udlfast.get_num_threads(), "threads_why": udlfast.threads_why(),
        "cache_bytes": dict(zip(("L1d", "L2", "L3"), udlfast.cache_sizes(), strict=True)),
        "memory_limit_bytes": limit, "memory_limit_why": why, "memory": udlfast.memory_stats(),
        "optional": {name: _version(name) for name in ("safetensors", "matplotlib", "tqdm", "scikit-learn", "mnist1d")},
    }


def memory_limit(root="/sys/fs/cgroup", own="/proc/self/cgroup"):
    """(bytes, why): the smallest limit that the control groups of this process set; (None, why) without one."""
    best = None
    for folder in _group_folders(root, own):
        for name in ("memory.max", "memory.limit_in_bytes"):
            try:
                with open(os.path.join(folder, name)) as f:
                    text = f.read().strip()
            except OSError:
                continue
            # version 1 writes "no limit" as a number just below 2^63
            if text.isdigit() and int(text) < 1 << 60 and (best is None or int(text) < best[0]):
                best = int(text), os.path.join(folder, name)
    return best or (None, "no limit set by a control group")


def _group_folders(root, own):
    """Folders of this process's memory groups, from the innermost outwards, under both versions' layouts."""
    folders = [root, os.path.join(root, "memory")]
    try:
        with open(own) as f:
            lines = f.read().splitlines()
    except OSError:
        return folders
    for line in lines:
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        base = os.path.join(root, "memory") if controllers else root
        parts = [p for p in path.split("/") if p and p != ".."]
        folders += [os.path.join(base, *parts[:n]) for n in range(len(parts), 0, -1)]
    return folders


def _version(distribution):
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _size(n):
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n < 1024 or unit == "GiB":
            return f"{n:.0f} {unit}" if n == int(n) or n >= 100 else f"{n:.1f} {unit}"
        n /= 1024
