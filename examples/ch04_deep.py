"""Chapter 4: depth folds space: linear regions of a deep network against its number of parameters.

    pip install 'udlfast[train]' && python examples/ch04_deep.py

Each layer of two ReLU units folds the interval once more, f(x) = 2 relu(x) - 4 relu(x - 1/2), so that K layers make 2^K linear pieces. A
shallow network of D units makes at most D + 1. Prints the pieces that automatic differentiation counts, and the parameters of both.
The picture: the function after one to four folds, and what a shallow network of equally many parameters learns of the last one.
"""
import argparse

import udlfast as torch
from udlfast import nn, train
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure


def folds(depth: int) -> nn.Sequential:
    """The network of `depth` folds, by hand: the first layer reads x, the last one gives y, those between read the fold before."""
    layers: list[nn.Module] = []
    for k in range(depth):
        linear = nn.Linear(2 if k else 1, 2)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor([[2.0, -4.0]] * 2 if k else [[1.0]] * 2))
            linear.bias.copy_(torch.tensor([0.0, -0.5]))
        layers += [linear, nn.ReLU()]
    last = nn.Linear(2, 1)
    with torch.no_grad():
        last.weight.copy_(torch.tensor([[2.0, -4.0]]))
        last.bias.zero_()
    return nn.Sequential(*layers, last)


def pieces(net: nn.Module, points: int) -> int:
    """How many different linear pieces the slopes at the middles of `points` small steps show."""
    x = ((torch.arange(points) + 0.5) / points).reshape(-1, 1).requires_grad_()
    net(x).sum().backward()
    slopes = x.grad
    assert slopes is not None
    return 1 + int((slopes[1:] != slopes[:-1]).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="a short fit")
    parser.add_argument("--out", default="ch04_deep.png")
    options = parser.parse_args()
    for depth in range(1, options.depth + 1):
        net = folds(depth)
        size, units = sum(p.numel() for p in net.parameters()), pieces(net, 2**14) - 1
        print(f"{depth:2d} layers, {size:3d} parameters: {units + 1:5d} pieces; a shallow network needs {3 * units + 1:5d} parameters")
    x = torch.linspace(0, 1, 401).unsqueeze(1)
    figure = new_figure(figsize=(8, 2.2), dpi=80, layout="constrained")
    axes = figure.subplots(1, 4, sharey=True)
    with torch.no_grad():
        for depth, ax in enumerate(axes, 1):
            ax.plot(x[:, 0], folds(depth)(x)[:, 0])
            ax.set_title(f"{depth} fold{'s' * (depth > 1)}", fontsize=9)
        y = folds(4)(x)
    torch.manual_seed(0)
    shallow = nn.Sequential(nn.Linear(1, 9), nn.ReLU(), nn.Linear(9, 1))
    adam = torch.optim.Adam(shallow.parameters(), lr=1e-2)
    history = train.fit(shallow, [(x, y)], epochs=50 if options.quick else 1500, optimizer=adam, loss=F.mse_loss)
    with torch.no_grad():
        axes[3].plot(x[:, 0], shallow(x)[:, 0], color="C1")
    print(f"a shallow network of 28 parameters learns the fourth with an error of {history.train_loss[-1]:.3f}, the deep one has 26")
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
