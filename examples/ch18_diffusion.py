"""Chapter 18: a diffusion model of handwritten digits: DDPM and DDIM samples of a U-Net's moving average.

    pip install 'udlfast[data]' && python examples/ch18_diffusion.py [FOLDER with MNIST's files]

Without a folder the digits are scikit-learn's 8x8 ones. Prints the classifier-based Frechet distance of both kinds of samples from
the test part, and of the training part for comparison. With --checkpoint FILE a stopped run goes on. The picture: DDPM samples above,
DDIM samples of a tenth of the steps below.
"""
import argparse

import udlfast as torch
from udlfast import data, train
from udlfast.models import Diffusion, DiffusionUNet
from udlfast.utils.data import DataLoader, TensorDataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files")
    parser.add_argument("--epochs", type=int, help="default: 20 for a folder, 80 without")
    parser.add_argument("--checkpoint", help="a file to go on from")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch18_diffusion.png")
    options = parser.parse_args()
    digits = data.mnist(options.folder) if options.folder else data.digits()
    x, test = 2 * digits.x_train - 1, digits.x_test
    epochs = 1 if options.quick else options.epochs or (20 if options.folder else 80)
    torch.manual_seed(0)
    net = DiffusionUNet(1, widths=(32, 64), patch=2 if options.folder else 1)
    model = Diffusion(net, x.shape[1:], steps=20 if options.quick else 200)
    loader = DataLoader(TensorDataset(x, x), batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))
    adam = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * len(loader))
    train.fit(model, loader, epochs=epochs, optimizer=adam, step_scheduler=schedule, loss=train.mean, clip=1.0,
              ema=0.995 if not options.quick else None, progress=train.Progress(), checkpoint=options.checkpoint)
    features = train.classifier_features(digits.x_train, digits.y_train, epochs=1 if options.quick else 4)
    parts = 1 if options.quick else min(len(test), 2000) // 250  # as many samples as the GAN of chapter 15 is judged by
    ddpm, ddim = ((torch.cat([model.sample(64 if options.quick else 250, steps) for _ in range(parts)]) + 1) / 2
                  for steps in (None, model.steps // 10))
    for name, images in (("DDPM", ddpm), ("DDIM", ddim), ("training part", digits.x_train)):
        print(f"{name:14s} Frechet distance {train.frechet_distance(features(test), features(images)):.2f}")
    train.sample_sheet(torch.cat([ddpm[:36], ddim[:24]]), options.out, columns=12, scale=1 if options.folder else 3)


if __name__ == "__main__":
    main()
