"""Eager against compiled after many training steps of whole networks: every bit of losses, parameters, buffers and moments.

    python bench/compiled_steps.py NETWORKS.py [--steps 50] [--only REGEX] [--options '{"fuse": false}']

NETWORKS.py has functions w_NAME(torch, rng) that give a step without arguments; networks and optimisers are found in the step's
closure. Steps of inference are left out. Prints a line for each network; status 1 if a bit differs or a step ran without a plan.
"""

import argparse
import importlib.util
import json
import re
import sys
import time
import warnings

import numpy as np

import udlfast as torch


def state(step):
    """Bytes of every number that the step's closure leads to."""
    tensors = []
    for cell in step.__closure__:
        v = cell.cell_contents
        if isinstance(v, torch.nn.Module):
            tensors += v.state_dict().values()
        elif isinstance(v, torch.optim.Optimizer):
            tensors += [x for own in v.state.values() for x in own.values()]
    return [t.detach().numpy().tobytes() if isinstance(t, torch.Tensor) else t for t in tensors]


def train(make, steps, options):
    """(losses, state at the end, replays, seconds)"""
    torch.manual_seed(0)
    step = make(torch, np.random.default_rng(0))
    fn = step if options is None else torch.compile(step, options=options)
    start = time.perf_counter()
    losses = [fn().item() for _ in range(steps)]
    replays = 0 if options is None else sum(p.replays for p in fn.plans)
    return np.array(losses).tobytes(), state(step), replays, time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--only", default="step")
    parser.add_argument("--options", type=json.loads, default={}, help="of compile, as JSON")
    options = parser.parse_args()
    warnings.simplefilter("error", RuntimeWarning)
    spec = importlib.util.spec_from_file_location("networks", options.file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    bad = 0
    for name in [n for n in vars(module) if n.startswith("w_") and re.search(options.only, n)]:
        want = train(getattr(module, name), options.steps, None)
        got = train(getattr(module, name), options.steps, options.options)
        equal = want[:2] == got[:2]
        bad += not equal or got[2] < options.steps - 3
        verdict = "the same bits" if equal else "DIFFERENT"
        print(f"{name[2:]:28} {verdict}, {got[2]} replays, {want[3]:.1f} s and {got[3]:.1f} s", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
