"""Chapter 15: a generative adversarial network of handwritten digits, non-saturating or Wasserstein with a gradient penalty.

    pip install 'udlfast[data]' && python examples/ch15_gan.py [FOLDER with MNIST's files] [--kind wasserstein]

Without a folder the digits are scikit-learn's 8x8 ones. Prints the classifier-based Frechet distance of the samples from the test
part, and of the training part for comparison. The picture: samples of the generator's average over the last steps.
"""
import argparse
import time

import udlfast as torch
from udlfast import data, train
from udlfast.models import GAN
from udlfast.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from udlfast.utils.data import DataLoader, TensorDataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files")
    parser.add_argument("--kind", choices=("nonsaturating", "wasserstein"), default="nonsaturating")
    parser.add_argument("--epochs", type=int, help="default: 12 for a folder, 60 without")
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch15_gan.png")
    options = parser.parse_args()
    digits = data.mnist(options.folder) if options.folder else data.digits()
    x = 2 * digits.x_train - 1
    torch.manual_seed(0)
    gan = GAN(x.shape[1:], latent=32, kind=options.kind)
    average = AveragedModel(gan.generator, multi_avg_fn=get_ema_multi_avg_fn(0.995), use_buffers=True)
    critic, generator = (torch.optim.Adam(part.parameters(), lr=4e-4, betas=(0.5, 0.9)) for part in (gan.critic, gan.generator))
    every = 1 if options.kind == "nonsaturating" else 3  # steps of the critic for one of the generator
    loader = DataLoader(TensorDataset(x), batch_size=64, shuffle=True, drop_last=True)
    step, began = 0, time.perf_counter()
    for epoch in range(1 if options.quick else options.epochs or (12 if options.folder else 60)):
        for (batch,) in loader:
            loss = gan.critic_loss(batch)
            critic.zero_grad()
            loss.backward()
            critic.step()
            step += 1
            if step % every == 0:
                generator.zero_grad()
                gan.generator_loss(len(batch)).backward()
                generator.step()
                average.update_parameters(gan.generator)
        print(f"epoch {epoch + 1}  critic's loss {loss.item():.3f}  {time.perf_counter() - began:.0f} s", flush=True)
    gan.generator.load_state_dict(average.module.state_dict())
    test, features = digits.x_test, train.classifier_features(digits.x_train, digits.y_train, epochs=1 if options.quick else 4)
    made = (gan.sample(len(test)) + 1) / 2
    of_samples, of_training = (train.frechet_distance(features(test), features(a)) for a in (made, digits.x_train))
    print(f"Frechet distance {of_samples:.2f}  (of the training part {of_training:.2f})")
    train.sample_sheet(made[:60], options.out, columns=12, scale=1 if options.folder else 3)


if __name__ == "__main__":
    main()
