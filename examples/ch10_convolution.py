"""Chapter 10: a convolutional network knows about position; a fully connected one has to learn it from examples.

    pip install 'udlfast[data,train]' && python examples/ch10_convolution.py

Both learn MNIST-1D in its places, and are then tested on curves moved by up to ten points. Prints the test error for each shift. The
picture: the error over the shift.
"""
import argparse

import udlfast as torch
from udlfast import nn, train
from udlfast.data import mnist1d
from udlfast.train.plots import new_figure
from udlfast.utils.data import DataLoader, TensorDataset


def fully_connected() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(40, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))


def convolutional() -> nn.Module:
    """Circular convolutions and a mean over all places: moving the curve around the ring changes nothing but the strides' offset."""
    layers: list[nn.Module] = []
    for inputs, stride in ((1, 2), (32, 2), (32, 1)):
        layers += [nn.Conv1d(inputs, 32, 5, stride, 2, padding_mode="circular", bias=False), nn.BatchNorm1d(32), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(32, 10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch10_convolution.png")
    options = parser.parse_args()
    data = mnist1d()
    loader = DataLoader(TensorDataset(data.x_train, data.y_train), batch_size=100, shuffle=True)
    figure = new_figure(figsize=(5, 3), dpi=90, layout="constrained")
    ax = figure.subplots()
    for name, make in (("fully connected", fully_connected), ("convolutional", convolutional)):
        torch.manual_seed(0)
        net = make()
        adam = torch.optim.Adam(net.parameters(), lr=3e-3)
        train.fit(net, loader, epochs=1 if options.quick else options.epochs, optimizer=adam)
        errors = []
        for shift in range(11):
            moved = torch.roll(data.x_test, shift, 2)
            errors.append(100 - 100 * train.evaluate(net, [(moved, data.y_test)])["accuracy"])
        count = sum(p.numel() for p in net.parameters())
        print(f"{name:16s} {count:6,d} parameters, test error by shift: {' '.join(f'{e:.0f}' for e in errors)} %")
        ax.plot(range(11), errors, "o-", ms=3, label=name)
    ax.set(xlabel="points by which the test curves are moved", ylabel="test error (%)", ylim=(0, 100))
    ax.legend(frameon=False)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
