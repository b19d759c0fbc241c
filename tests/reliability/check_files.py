"""Mutants of every format that the library reads; tests/hostile_files.py and tests/plan_mutants.py do the work."""

import importlib.util
import sys
import tempfile
from collections import Counter

from .frame import Failed, NotRun, check

FORMATS = "safetensors, .pt, .npz, .udl, ONNX, IDX"


@check("files of strangers", must="0 crashes, hangs, executed code; memory at most the file and 16 MB; agreement with safetensors",
       short={"mutants": 600}, long={"mutants": 1_000_000})  # fmt: skip
def files_of_strangers(mutants, seed=1):
    """seed: another one for each share of a long run."""
    if sys.platform != "linux":
        raise NotRun("the limits are Linux's")
    import hostile_files
    import plan_mutants

    plans, total, faults = mutants // 8, Counter(), []
    counts, found = hostile_files.judge_many(mutants - plans, seed)
    faults += [f"{label}: {fault}" for label, fault in found]
    with tempfile.TemporaryDirectory() as folder:
        for batch in range(-(-plans // 2000)):
            got, fault = plan_mutants.judge(min(2000, plans - batch * 2000), seed * 100_000 + batch, folder)
            total += got
            faults += [fault] if fault else []
    files = Counter()
    for (_, outcome), n in [*counts.items(), *total.items()]:
        files[outcome] += n
    loaded, refused = sum(n for k, n in files.items() if k != "refused"), files["refused"]
    figures = f"{loaded + refused:,} mutants and bombs ({FORMATS}): {loaded:,} loaded and used, {refused:,} refused, {len(faults)} faults"
    if importlib.util.find_spec("safetensors"):
        compared = sum(n for (kind, _), n in counts.items() if kind == "safetensors")
        figures += f"; {compared:,} of them taken or refused as the safetensors package does"
        if not compared:
            faults.append("no file was compared with the safetensors package")
    else:
        figures += "; agreement with safetensors not run (not installed)"
    if not importlib.util.find_spec("onnx"):
        figures += "; ONNX not run (not installed)"
    if faults:
        raise Failed(figures, faults)
    return figures
