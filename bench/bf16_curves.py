"""Loss curves of training in bfloat16: how far they lie from float32's, here and under PyTorch, and the time of a step.

    pip install torch
    python bench/bf16_curves.py [--net resnet18 gpt] [--steps 200] [--seeds 1] [--threads 2]

Two networks, each trained from the same weights on the same batches: ResNet-18 for images of 32 x 32 (SGD with momentum, batches
of 16 from 320 images, a template for each of ten classes under noise) and a GPT of 6 layers of 384 (AdamW, batches of 4 x 256 from a
text of 8192 tokens with repeating patterns), under udlfast and under PyTorch, in float32 and under `autocast("cpu", bfloat16)`.
Printed are, for each fifth of the steps, the mean loss of PyTorch in float32, then each other run's mean minus that, and the root of
the mean square of the steps' differences. Curves are the same where bf16 here is no farther from float32 than bf16 there: one pair of
curves says little, as where rounding leads a curve is chance, so with several seeds (weights and batches) the differences of all are
taken together, and the root mean square of each is printed too. Last, the median time of a step.
PyTorch is left out where it is not installed.
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time

import numpy as np
from resnet18 import resnet18

RUNS = [(lib, kind) for lib in ("torch", "udlfast") for kind in ("float32", "bfloat16")]


def set_weights(torch, net, rng):
    with torch.no_grad():
        for p in net.parameters():
            fan = max(1, int(np.prod(tuple(p.shape)[1:])))
            a = rng.standard_normal(tuple(p.shape)).astype(np.float32)
            p.copy_(torch.from_numpy(a * fan**-0.5) if p.ndim > 1 else torch.from_numpy(1 + 0.1 * a))
    return net


def gpt(torch, vocabulary=1024, length=256, layers=6, heads=6, width=384):
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            B, T, _ = x.shape
            q, k, v = (t.view(B, T, heads, -1).transpose(1, 2) for t in self.qkv(self.norm1(x)).split(width, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.proj(y.transpose(1, 2).contiguous().view(B, T, width))
            return x + self.down(F.gelu(self.up(self.norm2(x))))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
            self.blocks = nn.ModuleList([Block() for _ in range(layers)])
            self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)

        def forward(self, i):
            x = self.tokens(i) + self.places(torch.arange(i.shape[1]))
            for block in self.blocks:
                x = block(x)
            return self.head(self.norm(x))

    return GPT()


def images(rng):
    templates, labels = rng.standard_normal((10, 3, 32, 32)), np.arange(320) % 10
    x = (templates[labels] + 6 * rng.standard_normal((320, 3, 32, 32))).astype(np.float32)
    return lambda: (lambda at: (x[at], labels[at]))(rng.integers(0, 320, 16))


def text(rng):
    """A text whose next token depends on the last two, but for one in ten."""
    table, tokens = rng.integers(0, 1024, (32, 32)), [1, 2]
    for noise in rng.random(8190):
        tokens.append(int(rng.integers(0, 1024)) if noise < 0.1 else int(table[tokens[-1] % 32, tokens[-2] % 32]))
    tokens = np.array(tokens)

    def batch():
        rows = np.stack([tokens[at : at + 257] for at in rng.integers(0, 8192 - 257, 4)])
        return rows[:, :-1].copy(), rows[:, 1:].reshape(-1).copy()

    return batch


def train(lib, kind, which, steps, threads, seed):
    """The losses, and the median time of a step."""
    torch = importlib.import_module(lib)
    torch.set_num_threads(threads)
    rng = np.random.default_rng(seed)
    if which == "resnet18":
        net, batch = set_weights(torch, resnet18(torch, 10, True), rng), images(rng)
        opt = torch.optim.SGD(net.parameters(), lr=0.002, momentum=0.9, weight_decay=5e-4)
    else:
        net, batch = set_weights(torch, gpt(torch), rng), text(rng)
        opt = torch.optim.AdamW(net.parameters(), lr=3e-4)
    losses, times = [], []
    for _ in range(steps):
        x, y = map(torch.from_numpy, batch())
        start = time.perf_counter()
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=kind == "bfloat16"):
            out = net(x)
            loss = torch.nn.functional.cross_entropy(out.view(-1, out.shape[-1]), y)
        loss.backward()
        opt.step()
        times.append(time.perf_counter() - start)
        losses.append(loss.item())
    return losses, statistics.median(times)


def report(which, found):
    """found: of each run the losses of all seeds, one after the other, and seconds."""
    base = next(iter(found))
    first = np.array(found[base][0])
    seeds, steps = first.shape
    print(f"\n{which}: mean loss in fifths of {steps} steps; then the difference from {' '.join(base)}")
    for run, (losses, seconds) in found.items():
        values = np.array(losses) - (0 if run == base else first)
        row = " ".join(f"{part.mean():9.4f}" for part in np.array_split(values, 5, axis=1))
        spread = "" if run == base else f"   rms {np.sqrt(np.mean(values**2)):.4f}"
        if spread and seeds > 1:
            spread += " (" + " ".join(f"{r:.4f}" for r in np.sqrt(np.mean(values**2, axis=1))) + ")"
        print(f"{' '.join(run):18s} {row}   {seconds * 1e3:7.1f} ms a step{spread}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--net", nargs="+", default=["resnet18", "gpt"], choices=["resnet18", "gpt"])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)  # in a process of its own: library, type, network, seed
    args = parser.parse_args()
    if args.one:
        print(json.dumps(train(*args.one[:3], args.steps, args.threads, int(args.one[3]))))
        return
    for which in args.net:
        found = {}
        for run in RUNS:
            if not importlib.util.find_spec(run[0]):
                continue
            each = []
            for seed in range(args.seeds):
                command = [sys.executable, __file__, "--steps", str(args.steps), "--threads", str(args.threads)]
                done = subprocess.run([*command, "--one", *run, which, str(seed)], capture_output=True, text=True, check=True)
                each.append(json.loads(done.stdout.splitlines()[-1]))
            found[run] = [losses for losses, _ in each], statistics.median(seconds for _, seconds in each)
        report(which, found)


if __name__ == "__main__":
    main()
