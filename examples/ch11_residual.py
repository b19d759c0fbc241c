"""Chapter 11: residual connections keep deep networks trainable: plain, residual and normalised ones of growing depth on MNIST-1D.

    pip install 'udlfast[data,train]' && python examples/ch11_residual.py

Prints the test error of each, and how similar the gradients at neighbouring inputs are (shattered gradients are not). The picture: the
error over the depth.
"""
import argparse

import udlfast as torch
from udlfast import nn, train
from udlfast.data import mnist1d
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure
from udlfast.utils.data import DataLoader, TensorDataset


class Deep(nn.Module):
    """`depth` convolutions of 24 channels on 20 points, plain or as branches, with or without batch norm."""

    def __init__(self, depth: int, residual: bool, norm: bool) -> None:
        super().__init__()
        self.first, self.last, self.residual = nn.Conv1d(1, 24, 3, 2, 1), nn.Linear(24 * 20, 10), residual
        self.convs = nn.ModuleList(nn.Conv1d(24, 24, 3, padding=1) for _ in range(depth))
        self.norms = nn.ModuleList(nn.BatchNorm1d(24) if norm else nn.Identity() for _ in range(depth))
        for conv in self.convs:
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        for conv, norm in zip(self.convs, self.norms):
            y = conv(F.relu(norm(x)))
            x = x + y if self.residual else y
        scores: torch.Tensor = self.last(F.relu(x).flatten(1))
        return scores


def similarity(net: Deep) -> float:
    """The mean correlation of the gradients of one score at inputs that differ a little."""
    base = torch.randn(1, 1, 40)
    x = (base + 0.05 * torch.randn(50, 1, 40)).requires_grad_()
    net(x)[:, 0].sum().backward()
    assert x.grad is not None
    g = F.normalize(x.grad.flatten(1), dim=1)
    return float((g @ g.T).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--quick", action="store_true", help="one epoch, two depths")
    parser.add_argument("--out", default="ch11_residual.png")
    options = parser.parse_args()
    data, depths = mnist1d(), [2, 4] if options.quick else [2, 6, 12, 24]
    loader = DataLoader(TensorDataset(data.x_train, data.y_train), batch_size=100, shuffle=True)
    figure = new_figure(figsize=(5, 3), dpi=90, layout="constrained")
    ax = figure.subplots()
    for name, residual, norm in (("plain", False, False), ("residual", True, False), ("residual, batch norm", True, True)):
        errors = []
        for depth in depths:
            torch.manual_seed(0)
            net = Deep(depth, residual, norm)
            alike = similarity(net.eval())
            adam = torch.optim.Adam(net.parameters(), lr=2e-3)
            train.fit(net, loader, epochs=1 if options.quick else options.epochs, optimizer=adam, clip=1.0)
            errors.append(100 - 100 * train.evaluate(net, [(data.x_test, data.y_test)])["accuracy"])
            print(f"{name:21s} {depth:2d} layers: test error {errors[-1]:4.1f} %, gradients of neighbours alike {alike:.2f}", flush=True)
        ax.plot(depths, errors, "o-", ms=3, label=name)
    ax.set(xlabel="layers", ylabel="test error (%)", ylim=(0, None))
    ax.legend(frameon=False)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
