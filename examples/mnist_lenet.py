"""LeNet-5 (or a small residual network) on handwritten digits, with images that are turned, moved and scaled as they come.

    python examples/mnist_lenet.py ../shared/data/mnist           # a folder with MNIST's files, .gz or not
    python examples/mnist_lenet.py --download --model resnet      # fetches them once, checked against their sums

Prints the accuracy on the held-back part (a fifth, if the folder has only the t10k files) and writes mnist_lenet.png: the
curves, and the images that the network gets wrong. Understanding Deep Learning, chapters 9 (augmentation), 10 and 11.
"""
import argparse
import time
from typing import Any

import numpy as np

import udlfast as torch
from udlfast import nn
from udlfast.data import mnist, random_affine
from udlfast.models import LeNet, ResNet
from udlfast.nn import functional as F
from udlfast.train.plots import new_figure


@torch.no_grad()
def predict(net: nn.Module, images: torch.Tensor) -> torch.Tensor:
    net.eval()
    scores = [net(images[i:i + 500]) for i in range(0, len(images), 500)]
    net.train()
    best: torch.Tensor = torch.cat(scores).argmax(1)
    return best


def train(net: nn.Module, data: Any, options: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Loss and test accuracy of each epoch; the step size goes up and then down to nothing (Smith and Topin 2019)."""
    rng, size = np.random.default_rng(options.seed), options.batch_size
    x, y = data.x_train.numpy(), data.y_train
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr, weight_decay=0.01)
    steps = options.epochs * (len(x) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.lr, total_steps=steps)
    losses, accuracies, began = [], [], time.perf_counter()
    for epoch in range(options.epochs):
        order = rng.permutation(len(x))  # this epoch's images in this epoch's order: batches are slices
        images, labels = torch.from_numpy(random_affine(x[order], rng, degrees=12, shift=0.1, scale=0.12)), y[torch.from_numpy(order)]
        total = 0.0
        for i in range(0, len(x) - size + 1, size):
            loss = F.cross_entropy(net(images[i:i + size]), labels[i:i + size])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        losses.append(total * size / len(x))
        accuracies.append((predict(net, data.x_test) == data.y_test).float().mean().item())
        print(f"epoch {epoch + 1:2d}  loss {losses[-1]:.4f}  accuracy {100 * accuracies[-1]:.2f} %  "
              f"{time.perf_counter() - began:.1f} s", flush=True)
    return losses, accuracies


def draw(path: str, losses: list[float], accuracies: list[float], images: Any, labels: Any, guesses: Any) -> None:
    figure = new_figure(figsize=(9, 3.4), dpi=150, layout="constrained")
    curves, rest = figure.subfigures(1, 2, width_ratios=(1, 1.5))
    axes = curves.subplots(2, 1, sharex=True)
    axes[0].semilogy(range(1, len(losses) + 1), losses, color="#1f4e79")
    axes[0].set_ylabel("training loss")
    axes[1].plot(range(1, len(losses) + 1), [100 * a for a in accuracies], color="#1f4e79")
    axes[1].set(ylabel="accuracy (%)", xlabel="epoch")
    rest.suptitle("wrong ones: guess, and what was meant", fontsize=9)
    for ax in rest.subplots(3, 8).flat:
        ax.axis("off")
    for ax, image, label, guess in zip(rest.axes, images, labels, guesses, strict=False):
        ax.imshow(image[0], cmap="gray_r")
        ax.set_title(f"{guess} ({label})", fontsize=8)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files; without it the folder mnist inside UDLFAST_DATA")
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--model", choices=("lenet", "resnet"), default="lenet")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="mnist_lenet.png")
    options = parser.parse_args()
    data = mnist(options.folder, download_files=options.download)
    torch.manual_seed(options.seed)
    net = LeNet() if options.model == "lenet" else ResNet()
    losses, accuracies = train(net, data, options)
    guesses = predict(net, data.x_test)
    wrong = torch.nonzero(guesses != data.y_test).flatten()
    print(f"test accuracy: {100 * accuracies[-1]:.2f} % ({len(wrong)} of {len(guesses)} wrong)")
    draw(options.out, losses, accuracies, data.x_test[wrong].numpy(), data.y_test[wrong].tolist(), guesses[wrong].tolist())


if __name__ == "__main__":
    main()
