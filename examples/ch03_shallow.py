"""Chapter 3: a shallow network is a piecewise linear function; more hidden units, more joints.

    pip install 'udlfast[train]' && python examples/ch03_shallow.py

Fits one curve with 2, 4, 8 and 32 hidden units and prints the error. The picture: the fits, a mark at every joint -b_d / w_d.
"""
import argparse

import udlfast as torch
from udlfast import nn, train
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="fifty steps")
    parser.add_argument("--out", default="ch03_shallow.png")
    options = parser.parse_args()
    steps = 50 if options.quick else options.steps
    x = torch.linspace(-1, 1, 200).unsqueeze(1)
    y = torch.sin(5 * x) * torch.exp(-x) / 2 + 0.3 * x
    figure = new_figure(figsize=(8, 2.4), dpi=90, layout="constrained")
    for ax, units in zip(figure.subplots(1, 4, sharey=True), (2, 4, 8, 32)):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(1, units), nn.ReLU(), nn.Linear(units, 1))
        with torch.no_grad():  # joints all over the interval
            net[0].weight.uniform_(1, 3)
            net[0].bias.copy_(-net[0].weight[:, 0] * torch.linspace(-1, 0.8, units))
        adam = torch.optim.Adam(net.parameters(), lr=1e-2)
        history = train.fit(net, [(x, y)], epochs=steps, optimizer=adam, loss=F.mse_loss)
        print(f"{units:3d} hidden units: error {history.train_loss[-1]:.5f}")
        joints = (-net[0].bias / net[0].weight[:, 0]).detach().reshape(-1, 1)
        with torch.no_grad():
            ax.plot(x[:, 0], y[:, 0], color="0.7", lw=3)
            ax.plot(x[:, 0], net(x)[:, 0], color="C0")
            inside = joints[(joints.abs() <= 1)].reshape(-1, 1)
            ax.plot(inside[:, 0], net(inside)[:, 0], "o", ms=3, color="C1")
        ax.set_title(f"{units} hidden units", fontsize=9)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
