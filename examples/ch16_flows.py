"""Chapter 16: normalising flows, coupling or autoregressive: two moons, and handwritten digits.

    pip install 'udlfast[data]' && python examples/ch16_flows.py [--kind autoregressive]

The digits are scikit-learn's 8x8 ones of 17 grey levels. Prints the bits per dimension on the test part, and those of pixels taken as
independent. The picture: samples; a second one: the moons, and samples of the flow that learned them.
"""
import argparse
import math

import numpy as np

import udlfast as torch
from udlfast import data, train
from udlfast.models import Flow
from udlfast.utils.data import DataLoader, TensorDataset


def moons(n: int, seed: int) -> torch.Tensor:
    """Points on two half circles, with noise."""
    rng = np.random.default_rng(seed)
    angle, upper = rng.uniform(0, np.pi, n), rng.random(n) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(upper, np.sin(angle), 0.4 - np.sin(angle)) - 0.2
    points: torch.Tensor = torch.tensor(np.stack([x, y], 1) + 0.07 * rng.standard_normal((n, 2)), dtype=torch.float32)
    return points


def density(points: torch.Tensor, size: int = 64) -> torch.Tensor:
    """How many points fall into each cell of [-2, 2] x [-2, 2], 1 at most: [1, 1, size, size]."""
    counts, _, _ = np.histogram2d(-points[:, 1].numpy(), points[:, 0].numpy(), size, ((-2, 2), (-2, 2)))
    image: torch.Tensor = torch.tensor(np.minimum(counts / 3, 1)[None, None], dtype=torch.float32)
    return image


def learn(flow: Flow, x: torch.Tensor, held: torch.Tensor, epochs: int) -> None:
    """Small data sets are soon learned by heart: the epoch that is best for what is held out is kept."""
    adam = torch.optim.AdamW(flow.parameters(), lr=1e-3, weight_decay=0.1)
    loader = DataLoader(TensorDataset(x, x), batch_size=64, shuffle=True)
    train.fit(flow, loader, [(held, held)], epochs=epochs, optimizer=adam, loss=train.mean, clip=5.0, ema=0.99, metrics={})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=("coupling", "autoregressive"), default="coupling")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch16_flows.png")
    options = parser.parse_args()
    epochs = 1 if options.quick else options.epochs
    digits = data.digits()
    x, test = digits.x_train, digits.x_test
    torch.manual_seed(0)
    flow = Flow(64, 8, options.kind, (128,), levels=17)
    kept, _, held, _ = data.hold_out(x, digits.y_train)
    learn(flow, kept, held, epochs)
    with torch.no_grad():
        bits = sum(flow.bits_per_dim(test).mean().item() for _ in range(20)) / 20
    counts = torch.nn.functional.one_hot((16 * x.flatten(1)).round().long(), 17).sum(0) + 0.1  # each pixel's law of levels
    law = torch.log(counts / counts.sum(1, keepdim=True)) / math.log(2)
    alone = -law.unsqueeze(0).expand(len(test), -1, -1).gather(2, (16 * test.flatten(1)).round().long().unsqueeze(2)).mean().item()
    print(f"{options.kind}: {bits:.3f} bits per dimension on the test part; independent pixels {alone:.3f}")
    train.sample_sheet(flow.sample(40).reshape(40, 1, 8, 8), options.out, columns=10, scale=3)
    points, new = moons(4000, 0), moons(1000, 1)
    two = Flow(2, 8, options.kind, (64, 64))
    learn(two, points, new, epochs)
    print(f"two moons: {two(new).mean().item():.3f} nats")
    train.sample_sheet(torch.cat([density(points), density(two.sample(4000))]), options.out.replace(".png", "_moons.png"), scale=2)


if __name__ == "__main__":
    main()
