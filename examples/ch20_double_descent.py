"""Chapter 20: double descent: the test error falls, rises where the network can just learn its data by heart, and falls again.

    pip install 'udlfast[data,train]' && python examples/ch20_double_descent.py

MNIST-1D with 1,000 training curves, a part of the labels wrong, and networks of two hidden layers of growing width, trained with Adam
until they stand still. Prints training and test error for each width. The picture: both over the number of parameters.
"""
import argparse

import numpy as np

import udlfast as torch
from udlfast import nn, train
from udlfast.data import mnist1d
from udlfast.train.plots import new_figure
from udlfast.utils.data import DataLoader, TensorDataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--wrong", type=float, default=0.15, help="part of the labels that are drawn anew")
    parser.add_argument("--quick", action="store_true", help="two epochs, two widths")
    parser.add_argument("--out", default="ch20_double_descent.png")
    options = parser.parse_args()
    data, rng = mnist1d(), np.random.default_rng(0)
    x, y = data.x_train[:1000], data.y_train[:1000].clone()
    changed = rng.random(1000) < options.wrong
    y[torch.tensor(changed)] = torch.tensor(rng.integers(0, 10, int(changed.sum())))
    widths = [5, 40] if options.quick else [3, 6, 10, 14, 20, 28, 40, 60, 100, 200, 400]
    rows = []
    for width in widths:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Flatten(), nn.Linear(40, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(),
                            nn.Linear(width, 10))
        loader = DataLoader(TensorDataset(x, y), batch_size=100, shuffle=True)
        adam = torch.optim.Adam(net.parameters(), lr=5e-3)
        epochs = 2 if options.quick else options.epochs
        train.fit(net, loader, epochs=epochs, optimizer=adam, metrics={},
                  scheduler=torch.optim.lr_scheduler.PolynomialLR(adam, epochs, power=1.0))
        errors = [100 - 100 * train.evaluate(net, [part])["accuracy"] for part in ((x, y), (data.x_test, data.y_test))]
        rows.append((sum(p.numel() for p in net.parameters()), *errors))
        print(f"width {width:3d}, {rows[-1][0]:6d} parameters: training error {errors[0]:4.1f} %, test {errors[1]:4.1f} %", flush=True)
    figure = new_figure(figsize=(5, 3), dpi=90, layout="constrained")
    ax = figure.subplots()
    size, training, test = zip(*rows)
    ax.semilogx(size, training, "o-", ms=3, color="0.6", label="training")
    ax.semilogx(size, test, "o-", ms=3, label="test")
    ax.axvline(1000 * 10, color="0.8", ls=":")
    ax.set(xlabel="parameters (dotted: examples x classes)", ylabel="error (%)", ylim=(0, None))
    ax.legend(frameon=False)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
