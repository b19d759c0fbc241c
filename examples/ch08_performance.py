"""Chapter 8: noise, bias and variance, measured: many training sets, one curve, models of growing size.

    pip install 'udlfast[train]' && python examples/ch08_performance.py

Piecewise linear models with fixed joints, so that the best fit is a least-squares solution, trained on 200 sets of 15 noisy points.
Prints bias^2, variance and their sum with the noise for each size; the sum is the measured test error. The picture: these curves.
"""
import argparse

import udlfast as torch
from udlfast.train.plots import new_figure


def curve(x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = 0.5 + 0.5 * torch.exp(torch.sin(2 * torch.pi * x)) / 2.7
    return y


def units(x: torch.Tensor, count: int) -> torch.Tensor:
    """[1, relu(x - 0), relu(x - 1/count), ...]: a shallow network's hidden layer with fixed joints."""
    joints = torch.arange(count) / count
    hidden: torch.Tensor = torch.cat([torch.ones(len(x), 1), torch.relu(x.unsqueeze(1) - joints)], 1)
    return hidden


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200)
    parser.add_argument("--noise", type=float, default=0.15)
    parser.add_argument("--quick", action="store_true", help="ten sets")
    parser.add_argument("--out", default="ch08_performance.png")
    options = parser.parse_args()
    sets, sizes = 10 if options.quick else options.sets, list(range(1, 13))
    torch.manual_seed(0)
    grid = torch.linspace(0, 1, 101)
    rows = []
    for count in sizes:
        fits = []
        for _ in range(sets):
            x = (torch.arange(15) + torch.rand(15)) / 15
            y = curve(x) + options.noise * torch.randn(15)
            h = units(x, count)
            ridge = 1e-4 * torch.eye(count + 1)
            fits.append(units(grid, count) @ torch.linalg.solve(h.T @ h + ridge, h.T @ y))
        made = torch.stack(fits)
        bias = float(((made.mean(0) - curve(grid)) ** 2).mean())
        variance = float(made.var(0, unbiased=False).mean())
        error = float(((made - curve(grid) - options.noise * torch.randn(made.shape)) ** 2).mean())
        rows.append((bias, variance, error))
        print(f"{count:2d} units: bias^2 {bias:.4f} + variance {variance:.4f} + noise {options.noise**2:.4f}; measured error {error:.4f}")
    figure = new_figure(figsize=(5, 3), dpi=90, layout="constrained")
    ax = figure.subplots()
    for name, column in zip(("bias$^2$", "variance", "test error"), zip(*rows)):
        ax.plot(sizes, column, label=name)
    ax.axhline(options.noise**2, color="0.6", ls=":", label="noise")
    ax.set(xlabel="hidden units", ylim=(0, 0.08))
    ax.legend(frameon=False)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
