"""What each random change does to an image: python examples/augmentation.py [FOLDER with MNIST's files] [--out augmentation.png]

Without a folder the images are scikit-learn's 8x8 digits. Writes a picture: one row for each change, the original first.
Understanding Deep Learning, section 9.3.9.
"""
import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from udlfast import data
from udlfast.data import transforms as T
from udlfast.train.plots import new_figure


def changes(size: int, seed: int) -> list[Callable[[Any], Any]]:
    """Transforms for images of size x size pixels."""
    return [
        T.RandomRotation(40, "bilinear", seed=seed),
        T.RandomAffine(15, (0.15, 0.15), (0.8, 1.2), 20, "bilinear", seed=seed),
        T.RandomPerspective(0.5, 1, seed=seed),
        T.RandomCrop(size * 3 // 4, 1, seed=seed),
        T.RandomResizedCrop(size, (0.4, 1), seed=seed),
        T.RandomHorizontalFlip(seed=seed),
        T.RandomErasing(1, (0.05, 0.25), value=0.5, seed=seed),
        T.ColorJitter(0.7, 0.7, seed=seed),
        T.GaussianBlur(5, (0.1, 2.0), seed=seed),
        T.RandAugment(seed=seed),
        T.TrivialAugmentWide(seed=seed),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="augmentation.png")
    options = parser.parse_args()
    images = (data.mnist(options.folder) if options.folder else data.digits()).x_train.numpy()
    size = images.shape[2]
    many = np.concatenate([images] * (1 + 8000 // len(images)))[:8000]
    figure, listed = new_figure(figsize=(8, 11), dpi=110, layout="constrained"), changes(size, options.seed)
    for axes, change in zip(figure.subplots(len(listed), 10), listed, strict=True):
        name, began = type(change).__name__, time.perf_counter()
        change(many)
        print(f"{name:20s} {1e3 * (time.perf_counter() - began):5.0f} ms for {len(many)} images of {size}x{size}")
        shown = [images[0], *change(np.repeat(images[:1], 9, axis=0))]
        for ax, image in zip(axes, shown, strict=True):
            ax.imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
            ax.axis("off")
        axes[0].set_title(name, fontsize=8, loc="left")
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
