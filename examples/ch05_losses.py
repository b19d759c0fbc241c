"""Chapter 5: a loss is minus the log-likelihood of a law that the network's outputs choose.

    pip install 'udlfast[train]' && python examples/ch05_losses.py

One curve whose noise grows, with outliers, under four laws: normal with fixed and with predicted deviation, Laplace, and a mixture of
three levels by classification. Prints -log p of new points under each. The picture: the predicted mean and the band of 80 %.
"""
import argparse
import math
from collections.abc import Callable

import numpy as np

import udlfast as torch
from udlfast import nn, train
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
EDGES = torch.linspace(-2.5, 2.5, 26)


def points(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, n)
    y = np.sin(4 * x) + (0.05 + 0.3 * (x + 1) / 2) * np.where(rng.random(n) < 0.95, rng.standard_normal(n), 4 * rng.standard_normal(n))
    return torch.tensor(x[:, None], dtype=torch.float32), torch.tensor(np.clip(y, -2.5, 2.5)[:, None], dtype=torch.float32)


def normal_fixed(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    value: torch.Tensor = F.gaussian_nll_loss(out[:, :1], y, torch.full_like(y, 0.09), full=True)
    return value


def normal(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    value: torch.Tensor = F.gaussian_nll_loss(out[:, :1], y, out[:, 1:2].exp(), full=True, eps=1e-3)
    return value


def laplace(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    value: torch.Tensor = ((y - out[:, :1]).abs() * (-out[:, 1:2]).exp() + out[:, 1:2] + math.log(2)).mean()
    return value


def classes(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """25 intervals of width 0.2, each with a uniform density."""
    which = torch.bucketize(y[:, 0], EDGES[1:-1])
    value: torch.Tensor = F.cross_entropy(out, which) + math.log(0.2)
    return value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=600)
    parser.add_argument("--quick", action="store_true", help="ten epochs")
    parser.add_argument("--out", default="ch05_losses.png")
    options = parser.parse_args()
    (x, y), (new_x, new_y) = points(600, 0), points(2000, 1)
    grid = torch.linspace(-1, 1, 100).unsqueeze(1)
    figure = new_figure(figsize=(8, 2.4), dpi=70, layout="constrained")
    laws: dict[str, tuple[Loss, int]] = {"normal, deviation 0.3": (normal_fixed, 1), "normal": (normal, 2), "Laplace": (laplace, 2),
                                         "25 classes": (classes, 25)}
    for ax, (name, (loss, outputs)) in zip(figure.subplots(1, 4, sharey=True), laws.items()):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(1, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, outputs))
        adam = torch.optim.Adam(net.parameters(), lr=2e-3)
        train.fit(net, [(x, y)], epochs=10 if options.quick else options.epochs, optimizer=adam, loss=loss, metrics={})
        with torch.no_grad():
            print(f"{name:22s} -log p of new points {loss(net(new_x), new_y).item():7.3f}")
            out = net(grid)
            if outputs == 25:
                total = F.softmax(out, 1).cumsum(1)
                low, middle, high = (EDGES[1:][(total > q).float().argmax(1)] - 0.1 for q in (0.1, 0.5, 0.9))
            else:
                spread = torch.full((100,), 0.3) if outputs == 1 else (out[:, 1] * (0.5 if loss is normal else 1.0)).exp()
                half = spread * (math.log(5) if loss is laplace else 1.2816)  # where 10 % lie above
                low, middle, high = out[:, 0] - half, out[:, 0], out[:, 0] + half
        ax.plot(x[:, 0], y[:, 0], ".", ms=1.5, color="0.6")
        ax.fill_between(grid[:, 0], low, high, alpha=0.3)
        ax.plot(grid[:, 0], middle)
        ax.set_title(name, fontsize=9)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
