"""Chapter 9: what regularisation does for one network on little data: MNIST-1D with 400 training curves.

    pip install 'udlfast[data,train]' && python examples/ch09_regularisation.py

The same network plain, with weight decay, L1, dropout, input noise, label smoothing, mixup, averaged weights and as an ensemble of four.
Prints the test error of each (mean of three seeds). The picture: these as bars.
"""
import argparse
from collections.abc import Callable
from typing import Any

import udlfast as torch
from udlfast import nn, train
from udlfast.data import Mixed, mixup, mnist1d
from udlfast.models import Ensemble, GaussianNoise
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure
from udlfast.utils.data import DataLoader, TensorDataset


def network(drop: float = 0.0, noise: float = 0.0) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), GaussianNoise(noise), nn.Linear(40, 200), nn.ReLU(), nn.Dropout(drop), nn.Linear(200, 200),
                         nn.ReLU(), nn.Dropout(drop), nn.Linear(200, 10))


def learn(x: torch.Tensor, y: torch.Tensor, epochs: int, net: nn.Module | None = None, decay: float = 0.0, l1: float = 0.0,
          smoothing: float = 0.0, mixed: bool = False, average: bool = False) -> nn.Module:
    net = network() if net is None else net

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(output, target, label_smoothing=smoothing)

    loader: Any = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)
    swa = train.SWA(start=epochs // 2)
    train.fit(net, Mixed(loader, 10, (mixup, {"alpha": 1.0})) if mixed else loader, epochs=epochs, metrics={},
              optimizer=torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=decay),
              loss=train.penalised(net, loss, l1=l1) if l1 else loss, callbacks=[swa] if average else [])
    return swa.finish() if average else net


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="two epochs, one seed")
    parser.add_argument("--out", default="ch09_regularisation.png")
    options = parser.parse_args()
    epochs, seeds = (2, 1) if options.quick else (options.epochs, options.seeds)
    data = mnist1d()
    x, y = data.x_train[:400], data.y_train[:400]
    ways: dict[str, Callable[[], nn.Module]] = {
        "plain": lambda: learn(x, y, epochs), "weight decay": lambda: learn(x, y, epochs, decay=1.0),
        "L1": lambda: learn(x, y, epochs, l1=2e-4), "dropout": lambda: learn(x, y, epochs, network(drop=0.3)),
        "input noise": lambda: learn(x, y, epochs, network(noise=0.3)), "label smoothing": lambda: learn(x, y, epochs, smoothing=0.2),
        "mixup": lambda: learn(x, y, epochs, mixed=True), "averaged weights": lambda: learn(x, y, epochs, average=True),
        "ensemble of 4": lambda: Ensemble([learn(x, y, epochs) for _ in range(4)]),
    }
    errors = []
    for name, make in ways.items():
        found = []
        for seed in range(seeds):
            torch.manual_seed(seed)
            found.append(100 - 100 * train.evaluate(make(), [(data.x_test, data.y_test)])["accuracy"])
        errors.append(sum(found) / seeds)
        print(f"{name:17s} test error {errors[-1]:.1f} %", flush=True)
    figure = new_figure(figsize=(6, 2.8), dpi=90, layout="constrained")
    ax = figure.subplots()
    ax.barh(list(ways)[::-1], errors[::-1], color=["C0"] * (len(ways) - 1) + ["0.6"])
    ax.set(xlabel="test error (%)", xlim=(min(errors) - 5, max(errors) + 2))
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
