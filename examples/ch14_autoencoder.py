"""Chapter 14: learning without labels: an autoencoder, a denoising one, and two figures of what they keep.

    pip install 'udlfast[data]' && python examples/ch14_autoencoder.py [FOLDER with MNIST's files]

Without a folder the digits are scikit-learn's 8x8 ones. Prints the error of both networks on clean and on noisy test images, and how
many test images the nearest neighbour in the bottleneck classifies. The picture: noisy images, what the plain and the denoising
network make of them, and the clean images.
"""
import argparse

import udlfast as torch
from udlfast import data, train
from udlfast.models import Autoencoder
from udlfast.utils.data import DataLoader, TensorDataset


def neighbours(net: Autoencoder, digits: data.Split) -> float:
    """The share of test images whose nearest neighbour among the training images has their class."""
    kept, given = net.encode(digits.x_train), net.encode(digits.x_test)
    nearest = torch.cdist(given, kept).argmin(1)
    right = digits.y_train[nearest] == digits.y_test
    return float(right.float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--noise", type=float, default=0.4)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch14_autoencoder.png")
    options = parser.parse_args()
    digits = data.mnist(options.folder) if options.folder else data.digits()
    x, test = digits.x_train, digits.x_test
    loader = DataLoader(TensorDataset(x, x), batch_size=64, shuffle=True)
    torch.manual_seed(1)
    noisy = test + options.noise * torch.randn(test.shape)
    rows = [noisy[:10]]
    for name, noise in (("plain", 0.0), ("denoising", options.noise)):
        torch.manual_seed(0)
        net = Autoencoder(x.shape[1:], latent=16, noise=noise)
        adam = torch.optim.Adam(net.parameters(), lr=1e-3)
        train.fit(net, loader, epochs=1 if options.quick else options.epochs, optimizer=adam, loss=train.mean)
        net.eval()
        with torch.no_grad():
            made = net.decode(net.encode(noisy))
            clean, dirty = float(net(test).mean()), float(((made - test) ** 2).mean())
            near = 100 * neighbours(net, digits)
        print(f"{name:10s} error on clean images {clean:.4f}, on noisy ones {dirty:.4f}; neighbours {near:.1f} %")
        rows.append(made[:10])
    train.sample_sheet(torch.cat([*rows, test[:10]]), options.out, columns=10, scale=1 if options.folder else 3)


if __name__ == "__main__":
    main()
