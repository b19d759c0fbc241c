"""The same variational autoencoder under udlfast and PyTorch: the bound after equally many steps, and the time they take.

    python bench/vae.py FOLDER with MNIST's files [--epochs 10] [--threads 1]

Both start from the same weights and see the same batches; only the noise of z differs. Printed: seconds, and the ELBO on the test part in
nats (mean of ten draws).
"""
import argparse
import time

import numpy as np

import udlfast
from udlfast.data import mnist

SIZES = ((784, 400), (400, 32), (16, 400), (400, 784))


def learn(torch, x, test, options):
    """(seconds, ELBO) of `torch`, which may be udlfast."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    F, rng = torch.nn.functional, np.random.default_rng(0)
    layers = [torch.nn.Linear(*size) for size in SIZES]
    with torch.no_grad():
        for layer, (inputs, outputs) in zip(layers, SIZES):
            bound = inputs**-0.5
            layer.weight.copy_(torch.from_numpy(rng.uniform(-bound, bound, (outputs, inputs)).astype(np.float32)))
            layer.bias.copy_(torch.from_numpy(rng.uniform(-bound, bound, outputs).astype(np.float32)))
    adam = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=1e-3)

    def loss(x):
        m, log_var = layers[1](torch.relu(layers[0](x))).chunk(2, 1)
        z = m + (0.5 * log_var).exp() * torch.randn_like(m)
        error = F.binary_cross_entropy_with_logits(layers[3](torch.relu(layers[2](z))), x, reduction="none").sum(1)
        return (error + 0.5 * (m**2 + log_var.exp() - 1 - log_var).sum(1)).mean()

    x, test, began = torch.from_numpy(x), torch.from_numpy(test), time.perf_counter()
    for _ in range(options.epochs):
        order = torch.from_numpy(rng.permutation(len(x)))
        for k in range(0, len(x), 64):
            adam.zero_grad()
            loss(x[order[k:k + 64]]).backward()
            adam.step()
    seconds = time.perf_counter() - began
    with torch.no_grad():
        return seconds, -sum(loss(test).item() for _ in range(10)) / 10


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="MNIST's files")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    import torch

    data = mnist(options.folder)
    x, test = (t.flatten(1).numpy() for t in (data.x_train, data.x_test))
    for name, library in (("udlfast", udlfast), ("torch", torch)):
        seconds, bound = learn(library, x, test, options)
        print(f"{name:8s} {seconds:6.1f} s   test ELBO {bound:.2f} nats after {options.epochs} epochs", flush=True)


if __name__ == "__main__":
    main()
