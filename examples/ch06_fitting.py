"""Chapter 6: paths of optimisers over one loss surface: the Gabor model of two parameters.

    pip install 'udlfast[train]' && python examples/ch06_fitting.py

y = sin(a + 0.06 b x) exp(-(a + 0.06 b x)^2 / 8): the surface has many minima. Gradient descent, stochastic gradient descent, momentum
and Adam start from the same places; printed is how many of 64 starts end near the best loss. The picture: the surface and their paths.
"""
import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

import udlfast as torch
from udlfast.train.plots import new_figure


def gabor(a: torch.Tensor, b: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    inner = a + 0.06 * b * x
    return torch.sin(inner) * torch.exp(-inner * inner / 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--quick", action="store_true", help="twenty steps")
    parser.add_argument("--out", default="ch06_fitting.png")
    options = parser.parse_args()
    steps = 20 if options.quick else options.steps
    torch.manual_seed(0)
    x = torch.rand(28) * 30 - 15
    y = gabor(torch.tensor(0.0), torch.tensor(16.6), x) + 0.1 * torch.randn(28)
    size = 80
    a, b = torch.meshgrid(torch.linspace(-9, 9, size), torch.linspace(2.5, 22.5, size), indexing="ij")
    surface = ((gabor(a.unsqueeze(2), b.unsqueeze(2), x) - y) ** 2).mean(2).numpy()
    best = float(surface.min())
    starts = torch.rand(64, 2) * torch.tensor([14.0, 16.0]) + torch.tensor([-7.0, 4.5])
    make: dict[str, tuple[Callable[[Any], Any], int]] = {
        "gradient descent": (lambda p: torch.optim.SGD(p, lr=30.0), 28), "stochastic": (lambda p: torch.optim.SGD(p, lr=15.0), 5),
        "momentum": (lambda p: torch.optim.SGD(p, lr=5.0, momentum=0.9), 5), "Adam": (lambda p: torch.optim.Adam(p, lr=0.1), 5)}  # batches
    figure = new_figure(figsize=(8, 2.5), dpi=80, layout="constrained")
    for ax, (name, (optimizer, batch)) in zip(figure.subplots(1, 4, sharey=True), make.items()):
        point = starts.clone().requires_grad_()
        step, path = optimizer([point]), [starts.numpy().copy()]
        for _ in range(steps):
            chosen = torch.randperm(28)[:batch]
            guess = gabor(point[:, :1], point[:, 1:], x[chosen])
            loss = ((guess - y[chosen]) ** 2).mean(1).sum() / 28
            step.zero_grad()
            loss.backward()
            step.step()
            path.append(point.detach().numpy().copy())
        with torch.no_grad():
            last = ((gabor(point[:, :1], point[:, 1:], x) - y) ** 2).mean(1)
        print(f"{name:17s} {int((last < 1.3 * best).sum()):2d} of 64 starts end near the best loss, median loss {last.median().item():.4f}")
        walk = np.stack(path)
        ax.contourf(b[0], a[:, 0], surface, 12, cmap="Blues")
        for k in range(8):
            ax.plot(walk[:, k, 1], walk[:, k, 0], lw=0.8, color="C1")
            ax.plot(walk[-1, k, 1], walk[-1, k, 0], "o", ms=3, color="C3")
        ax.set(title=name, xlim=(2.5, 22.5), ylim=(-9, 9))
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
