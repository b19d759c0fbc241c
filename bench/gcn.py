"""A training step of a graph convolutional network on a large random graph, against torch.sparse.mm.

    python bench/gcn.py [--nodes 100000] [--edges 1000000] [--width 64] [--classes 16] [--rounds 5] [--layout coo]

Two layers, D^(-1/2) (A + I) D^(-1/2) x W, with ReLU between them, cross-entropy and SGD: the same numbers and the same calls in
both libraries, taking turns in one process. Printed are the median times of a step, the median of their ratios and the losses.
"""
import argparse
import statistics
import time

import numpy as np


def network(torch, options):
    """The step of `torch`, which may be udlfast; it gives the loss."""
    rng, n = np.random.default_rng(0), options.nodes
    loops = np.arange(n)
    row, column = np.concatenate([rng.integers(0, n, (2, options.edges)), [loops, loops]], 1)
    scale = 1 / np.sqrt(np.bincount(row, minlength=n))
    values = torch.from_numpy((scale[row] * scale[column]).astype(np.float32))
    adjacency = torch.sparse_coo_tensor(torch.from_numpy(np.stack([row, column])), values, (n, n)).coalesce()
    if options.layout == "csr":
        adjacency = adjacency.to_sparse_csr()
    width, classes = options.width, options.classes
    x, y = rng.standard_normal((n, width)).astype(np.float32), rng.integers(0, classes, n)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    start = [(rng.standard_normal((width, o)) / width**0.5).astype(np.float32) for o in (width, classes)]
    w1, w2 = (torch.from_numpy(w).requires_grad_() for w in start)
    sgd = torch.optim.SGD([w1, w2], lr=0.1)

    def step():
        sgd.zero_grad()
        h = torch.relu(torch.sparse.mm(adjacency, x @ w1))
        loss = torch.nn.functional.cross_entropy(torch.sparse.mm(adjacency, h @ w2), y)
        loss.backward()
        sgd.step()
        return loss.item()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("nodes", 100_000), ("edges", 1_000_000), ("width", 64), ("classes", 16), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--layout", choices=("coo", "csr"), default="coo")
    options = parser.parse_args()
    import torch

    import udlfast

    steps, times = {"udlfast": network(udlfast, options), "torch": network(torch, options)}, {"udlfast": [], "torch": []}
    losses = {name: [step(), step()] for name, step in steps.items()}
    for _ in range(options.rounds):
        for name, step in steps.items():
            time.sleep(0.2)  # the threads of the other one go to sleep
            began = time.perf_counter()
            losses[name].append(step())
            times[name].append(time.perf_counter() - began)
    for name in steps:
        print(f"{name:8s} {1e3 * statistics.median(times[name]):8.1f} ms a step   losses {losses[name][0]:.6f} ... {losses[name][-1]:.6f}")
    print(f"udlfast is {statistics.median(b / a for a, b in zip(times['udlfast'], times['torch'])):.2f} times as fast")


if __name__ == "__main__":
    main()
