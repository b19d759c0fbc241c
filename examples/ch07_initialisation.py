"""Chapter 7: the variance of the first weights decides whether signals and gradients survive fifty layers.

    pip install 'udlfast[train]' && python examples/ch07_initialisation.py

A network of 50 layers of 100 ReLU units, weights of variance s / 100 for s = 0.2, 1, 2 (He) and 4. Prints the variance of the activations
in the last layer and of the gradient in the first. The picture: both over the layers.
"""
import argparse

import udlfast as torch
from udlfast.train.plots import new_figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=50)
    parser.add_argument("--quick", action="store_true", help="ten layers")
    parser.add_argument("--out", default="ch07_initialisation.png")
    options = parser.parse_args()
    layers, width = 10 if options.quick else options.layers, 100
    figure = new_figure(figsize=(8, 3), dpi=90, layout="constrained")
    left, right = figure.subplots(1, 2)
    for scale in (0.2, 1.0, 2.0, 4.0):
        torch.manual_seed(0)
        x = torch.randn(500, width)
        seen = []
        for _ in range(layers):
            before = x @ (torch.randn(width, width, requires_grad=True) * (scale / width) ** 0.5)
            before.retain_grad()
            seen.append(before)
            x = torch.relu(before)
        (x * torch.randn(500, width)).sum().backward()
        forward, backward = ([float(t.var()) for t in part] for part in (seen, [s.grad for s in seen]))
        print(f"variance {scale}/{width}: last activations {forward[-1]:.1e}, first gradients {backward[0]:.1e}")
        left.semilogy(range(1, layers + 1), forward, label=f"{scale:g} / {width}")
        right.semilogy(range(1, layers + 1), backward)
    left.set(xlabel="layer", title="variance of the activations")
    right.set(xlabel="layer", title="variance of the gradients")
    left.legend(frameon=False, title="weights")
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
