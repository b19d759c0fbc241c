"""The same bits: whatever the number of threads, and, where it is asked for, whatever the batch around a row.

`python -m tests.reliability same_bits first=NUMBER problems=1 steps=0` repeats a finding.
"""

import numpy as np

import udlfast as torch
from reliability import children, networks, problems
from reliability.frame import Failed, check

NAMES = list(problems.PROBLEMS)
WIDTHS = (1, 2, 3, 4, 8)
BATCHES = (2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 24, 31, 32, 33, 48, 63, 64)


def bits(p, number, dtype):
    """The bytes of the result and of every gradient."""
    leaves = []
    torch.manual_seed(number)
    for a in p.arrays:
        kind = a.dtype.kind == "f"
        leaves.append(torch.from_numpy(np.array(a)).to(dtype if kind else torch.int64))
        if kind:
            leaves[-1].requires_grad_()
    y = p.op(*leaves)
    if y.requires_grad:
        y.backward(torch.from_numpy(np.random.default_rng(1).standard_normal(y.shape)).to(y.dtype))
    return [t.detach().numpy().tobytes() for t in (y, *(t.grad for t in leaves if t.grad is not None))]


def step(number):
    """Problem `number`, large enough to be cut, at every width; None, or what differs."""
    name, level = NAMES[number % len(NAMES)], torch.isas()[number // len(NAMES) % len(torch.isas())]
    with problems.large():
        p = problems.PROBLEMS[name](np.random.default_rng(number), False)
    dtype = torch.float64 if number % 7 == 0 else torch.float32
    with torch.use_isa(level):
        want = None
        for width in WIDTHS:
            torch.set_num_threads(width)
            got = bits(p, number, dtype)
            want = want or got
            if got != want:
                return f"{name} {[a.shape for a in p.arrays]} {dtype} on {level}: {width} threads give other bits than one"
    return None


def train(number):
    """Network `number` trained at every width."""
    name, steps = list(networks.NETWORKS)[number // 1000], number % 1000
    want = None
    for width in WIDTHS:
        torch.set_num_threads(width)
        got = networks.train(name, steps)
        want = want or got
        if got != want:
            return f"{name}: {steps} steps with {width} threads end at other weights than with one"
    return None


@check("same bits", must="100 % equal", short={"problems": 96, "steps": 1}, long={"problems": 200 * len(NAMES), "steps": 200})
def same_bits(problems, steps, first=0):
    findings = children.sweep("reliability.check_same_bits:step", first, first + problems, seconds=120.0)
    ran = findings.ran
    for i in range(len(networks.NETWORKS) if steps else 0):
        findings += children.sweep("reliability.check_same_bits:train", 1000 * i + steps, 1000 * i + steps + 1, seconds=1200.0)
    figures = (f"{ran:,} problems of {len(NAMES)} operations and {steps} training steps of {len(networks.NETWORKS)} networks, "
               f"each with {', '.join(map(str, WIDTHS))} threads: {len(findings)} differences")  # fmt: skip
    if findings:
        raise Failed(figures, findings)
    return figures


# ---- batch-invariant mode -----------------------------------------------------------------------------------------------------------
def rows(make, inputs, seed):
    """Batches in which a row has other bits than alone."""
    torch.manual_seed(seed)
    net = make().eval()
    x = inputs(max(BATCHES), seed)
    with torch.no_grad(), torch.batch_invariant():
        alone = [net(x[i : i + 1]).numpy().tobytes() for i in range(max(BATCHES))]
        return [n for n in BATCHES if [row.tobytes() for row in net(x[:n]).numpy()] != [a for a in alone[:n]]]


def layer(r):
    """(description, a layer, its inputs) drawn at random."""
    size = lambda: int(r.choice([1, 3, 8, 10, 17, 32, 64, 100, 300, 784]))  # noqa: E731
    kind = str(r.choice(["Linear", "Linear", "Linear of sequences", "Conv2d", "Conv2d", "Conv2d of groups", "LSTM", "GRU", "RNN",
                         "TransformerEncoderLayer", "LayerNorm", "Conv1d"]))  # fmt: skip
    nn = torch.nn
    if kind.startswith("Linear"):
        i, o, T = size(), size(), (int(r.integers(1, 20)),) if "seq" in kind else ()
        return f"{kind} {i} {o} {T}", lambda: nn.Linear(i, o), lambda n, s: networks.numbers(n, *T, i, seed=s)
    if kind.startswith("Conv"):
        n_dims = int(kind[4])
        groups = int(r.choice([2, 4])) if "groups" in kind else 1
        C, O = groups * int(r.choice([1, 3, 16, 33, 64])), groups * int(r.choice([1, 5, 16, 40, 64]))
        k, H, s = int(r.choice([1, 3, 3, 3, 5])), [int(v) for v in r.integers(5, 18, n_dims)], int(r.choice([1, 1, 2]))
        make = nn.Conv2d if n_dims == 2 else nn.Conv1d
        return (f"{kind} {C} {O} {k} {H} {s} {groups}", lambda: make(C, O, k, s, k // 2, groups=groups),
                lambda n, seed: networks.numbers(n, C, *H, seed=seed))
    if kind == "LayerNorm":
        i = size()
        return f"{kind} {i}", lambda: nn.LayerNorm(i), lambda n, s: networks.numbers(n, 3, i, seed=s)
    T = int(r.integers(1, 12))
    if kind == "TransformerEncoderLayer":
        heads, d = int(r.choice([1, 2, 4])), 16 * int(r.integers(1, 6))
        return (f"{kind} {heads} {d * heads} {T}", lambda: nn.TransformerEncoderLayer(d * heads, heads, 2 * d, batch_first=True),
                lambda n, s: networks.numbers(n, T, d * heads, seed=s))
    i, h, both = size(), int(r.choice([5, 17, 48, 150, 200])), bool(r.integers(2))

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = getattr(nn, kind)(i, h, batch_first=True, bidirectional=both)

        def forward(self, x):
            return self.rnn(x)[0]
    return f"{kind} {i} {h} {T} {both}", Last, lambda n, s: networks.numbers(n, T, i, seed=s)


def row_step(number):
    """Layer `number`, or a whole network, in batches of many sizes."""
    level = torch.isas()[number % len(torch.isas())]
    names = list(networks.NETWORKS)
    which = number // len(torch.isas())
    if which < len(names):
        what, (make, inputs) = names[which], networks.NETWORKS[names[which]]
    else:
        what, make, inputs = layer(np.random.default_rng(number))
    with torch.use_isa(level):
        bad = rows(make, inputs, number)
    return f"{what} on {level}: rows differ in batches of {bad}" if bad else None


@check("batch invariance", must="row i has the same bits alone and in any batch", short={"layers": 36}, long={"layers": 3000})
def batch_invariance(layers, first=0):
    findings = children.sweep("reliability.check_same_bits:row_step", first, first + layers, seconds=120.0)
    figures = (f"{findings.ran:,} layers and networks in batches of 1 to 64 within `batch_invariant()`: "
               f"{len(findings)} with rows that differ")  # fmt: skip
    if findings:
        raise Failed(figures, findings)
    return figures
