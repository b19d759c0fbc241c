"""What the cases of several processes share."""

import numpy as np

import udlfast as torch

d = torch.distributed
F = torch.nn.functional
DDP = torch.nn.parallel.DistributedDataParallel
TYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8")


def rows(rank, dtype="float32", n=5):
    """Numbers that differ from process to process."""
    return torch.arange(1, n + 1).to(getattr(torch, dtype)) + rank


def say_no(kind, match, call):
    """call() must raise `kind` with `match` in its text."""
    try:
        call()
    except kind as e:
        assert match in str(e), f"{e} lacks {match!r}"
    else:
        raise AssertionError(f"nothing was raised; expected {kind.__name__} with {match!r}")


def same_everywhere(t, rank, size):
    """Has this tensor the same bits in every process?"""
    whole = [torch.empty_like(t) for _ in range(size)]
    d.all_gather(whole, t.detach().contiguous())
    return all(np.array_equal(w.numpy(), whole[0].numpy()) for w in whole)


def net(dtype="float32", seed=3):
    torch.manual_seed(seed)
    layers = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 5))
    return layers.to(getattr(torch, dtype))


def batch(step, dtype="float32", n=24):
    rng = np.random.default_rng([7, step])
    return torch.from_numpy(rng.standard_normal((n, 20))).to(getattr(torch, dtype)), torch.from_numpy(rng.integers(0, 5, n))


def train(model, steps, rank=0, size=1, dtype="float32", make=None):
    """`steps` steps of this process's rows; returns the parameters, one after the other."""
    params = list(model.parameters())
    optimizer = make(params) if make else torch.optim.SGD(params, lr=0.1, momentum=0.9)
    for step in range(steps):
        x, y = batch(step, dtype)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rank::size]), y[rank::size]).backward()
        optimizer.step()
    return torch.cat([p.detach().reshape(-1) for p in params])
