"""What each random change does to an image: python examples/augmentation.py [FOLDER with MNIST's files] [--out augmentation.png]

Without a folder the images are scikit-learn's 8x8 digits. Writes a picture: one row for each change, the original first.
Understanding Deep Learning, section 9.3.9.
"""
import argparse
import time
from typing import Any

import numpy as np

from udlfast import data
from udlfast.train.plots import new_figure

CHANGES: dict[str, Any] = {
    "turn": (data.random_rotation, {"degrees": 40.0}),
    "turn, move, scale, slant": (data.random_affine, {"degrees": 15.0, "shift": 0.15, "scale": 0.2, "shear": 0.3}),
    "whole pixels": (data.random_shift, {"pixels": 3}),
    "crop": (data.random_crop, {}),
    "mirror": (data.random_flip, {"horizontal": 0.5, "vertical": 0.5}),
    "erase": (data.random_erase, {"probability": 1.0, "area": (0.05, 0.25), "value": 0.5}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="augmentation.png")
    options = parser.parse_args()
    images = (data.mnist(options.folder) if options.folder else data.digits()).x_train.numpy()
    size = images.shape[2]
    CHANGES["crop"][1].update(size=(size * 3 // 4, size * 3 // 4), padding=1)
    many = np.concatenate([images] * (1 + 8000 // len(images)))[:8000]
    figure = new_figure(figsize=(8, 6.2), dpi=120, layout="constrained")
    rows = figure.subplots(len(CHANGES), 10)
    for axes, (name, (change, how)) in zip(rows, CHANGES.items(), strict=True):
        began = time.perf_counter()
        change(many, options.seed, **how)
        print(f"{name:26s} {1e3 * (time.perf_counter() - began):5.0f} ms for {len(many)} images of {size}x{size}")
        shown = [images[0], *change(np.repeat(images[:1], 9, axis=0), options.seed, **how)]
        for ax, image in zip(axes, shown, strict=True):
            ax.imshow(image[0], cmap="gray_r", vmin=0, vmax=1)
            ax.axis("off")
        axes[0].set_title(name, fontsize=8, loc="left")
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
