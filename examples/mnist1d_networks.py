"""Four networks on MNIST-1D: fully connected, convolutional, residual, and residual with batch norm.

    pip install 'udlfast[data,train]' && python examples/mnist1d_networks.py

Trains each with the same recipe, prints its test error and writes mnist1d_networks.png: the error over the epochs. Convolutions
generalise better with a fraction of the parameters. With He's weights each residual layer doubles the variance of what passes
through it, so that the deep network does not learn at this step size; with a norm in each layer it does. Understanding Deep
Learning, chapters 8, 10 and 11.
"""
import argparse
import time
from collections.abc import Callable
from typing import Any

import udlfast as torch
from udlfast import nn
from udlfast.data import mnist1d
from udlfast.nn import functional as F
from udlfast.train import evaluate
from udlfast.train.plots import new_figure
from udlfast.utils.data import DataLoader, TensorDataset


def fully_connected() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(40, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10))


def convolutional() -> nn.Module:
    """Three convolutions of 15 channels that halve the length: 40, 19, 9, 4."""
    return nn.Sequential(nn.Conv1d(1, 15, 3, stride=2), nn.ReLU(), nn.Conv1d(15, 15, 3, stride=2), nn.ReLU(),
                         nn.Conv1d(15, 15, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(60, 10))


class Residual(nn.Module):
    """x + conv(relu(norm(x))), eight times, on 20 points of 24 channels (figure 11.5b)."""

    def __init__(self, norm: bool, width: int = 24, layers: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Conv1d(1, width, 3, stride=2, padding=1), nn.Linear(20 * width, 10)
        self.norms = nn.ModuleList(nn.BatchNorm1d(width) if norm else nn.Identity() for _ in range(layers))
        self.layers = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(layers))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for norm, layer in zip(self.norms, self.layers, strict=True):
            x = x + layer(F.relu(norm(x)))
        y: torch.Tensor = self.last(x.flatten(1))
        return y


def he(layer: nn.Module) -> None:
    """He's weights, biases of 0."""
    if isinstance(layer, (nn.Linear, nn.Conv1d)):
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)


def train(net: nn.Module, data: Any, epochs: int, lr: float) -> list[float]:
    """Test error (%) after each epoch: SGD with momentum, the step halved every twenty epochs."""
    net.apply(he)
    loader = DataLoader(TensorDataset(data.x_train, data.y_train), batch_size=100, shuffle=True)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.5)
    errors = []
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
        schedule.step()
        errors.append(100 * (1 - evaluate(net, [(data.x_test, data.y_test)])["accuracy"]))
    return errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--out", default="mnist1d_networks.png")
    options = parser.parse_args()
    data = mnist1d()
    figure = new_figure(figsize=(6, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    networks: dict[str, Callable[[], nn.Module]] = {"fully connected": fully_connected, "convolutional": convolutional,
                "residual": lambda: Residual(False), "residual, batch norm": lambda: Residual(True)}
    for name, make in networks.items():
        torch.manual_seed(0)
        net, began = make(), time.perf_counter()
        errors = train(net, data, options.epochs, options.lr)
        size = sum(p.numel() for p in net.parameters())
        print(f"{name:22s} {size:7,d} parameters  test error {errors[-1]:5.1f} %  {time.perf_counter() - began:.1f} s", flush=True)
        axes.plot(range(1, options.epochs + 1), errors, label=f"{name}: {errors[-1]:.1f} %")
    axes.set(xlabel="epoch", ylabel="test error (%)", ylim=(0, 90))
    axes.legend(frameon=False)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
