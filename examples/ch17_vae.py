"""Chapter 17: a variational autoencoder of handwritten digits.

    pip install 'udlfast[data]' && python examples/ch17_vae.py [FOLDER with MNIST's files] [--beta 4]

Without a folder the digits are scikit-learn's 8x8 ones. Prints the evidence lower bound and an importance-weighted estimate of the
log-likelihood on the test part, in nats an image, and the classifier-based Frechet distance of the samples. The picture: rows of test
images, of their reconstructions, and of samples.
"""
import argparse

import udlfast as torch
from udlfast import data, train
from udlfast.models import VAE
from udlfast.utils.data import DataLoader, TensorDataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", help="MNIST's files")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--beta", type=float, default=1.0)
    parser.add_argument("--quick", action="store_true", help="one epoch")
    parser.add_argument("--out", default="ch17_vae.png")
    options = parser.parse_args()
    digits = data.mnist(options.folder) if options.folder else data.digits()
    x, test = digits.x_train, digits.x_test
    torch.manual_seed(0)
    net = VAE(x.shape[1:], latent=16, hidden=(400,), beta=options.beta)
    loader = DataLoader(TensorDataset(x, x), batch_size=64, shuffle=True)
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    train.fit(net, loader, epochs=1 if options.quick else options.epochs, optimizer=adam, loss=train.mean, progress=train.Progress())
    with torch.no_grad():
        elbo = sum(net.elbo(test).mean().item() for _ in range(10)) / 10
        likelihood = net.log_likelihood(test, 2 if options.quick else 100).mean().item()
        mean, _ = net.encode(test[:10])
        again = net.decode(mean)
    features = train.classifier_features(x, digits.y_train, epochs=1 if options.quick else 4)
    distance = train.frechet_distance(features(test), features(net.sample(len(test))))
    print(f"test ELBO {elbo:.1f} nats  log p(x) >= {likelihood:.1f} nats  Frechet distance {distance:.1f}")
    sheet = torch.cat([test[:10], again, net.sample(40)])
    train.sample_sheet(sheet, options.out, columns=10, scale=1 if options.folder else 3)


if __name__ == "__main__":
    main()
