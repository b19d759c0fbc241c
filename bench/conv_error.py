"""Error of float32 convolutions against float64, beside PyTorch's: python bench/conv_error.py (needs torch).

Per shape: relative Frobenius error of ours / of PyTorch's = their ratio, for the output, the input's and the weight's gradient.
"""

import numpy as np
import torch

import udlfast

SHAPES = {  # batch, channels, size, filters, kernel, stride, padding
    "resnet 64k3": (2, 64, 56, 64, 3, 1, 1), "resnet 128k3": (2, 128, 28, 128, 3, 1, 1), "resnet 512k3": (1, 512, 7, 512, 3, 1, 1),
    "stem 64k7s2": (1, 3, 224, 64, 7, 2, 3), "1024k1": (2, 256, 14, 1024, 1, 1, 0), "256k1 of 1024": (2, 1024, 14, 256, 1, 1, 0),
    "128k3s2": (4, 64, 56, 128, 3, 2, 1), "64k5": (2, 48, 28, 64, 5, 1, 2), "patches k16": (2, 3, 224, 192, 16, 16, 0),
}  # fmt: skip
MORE = {  # function, shapes of input and weight, stride, padding
    "conv1d k9": ("conv1d", (4, 64, 500), (64, 64, 9), 1, 4), "conv1d k3 128": ("conv1d", (4, 128, 1000), (128, 128, 3), 1, 1),
    "conv1d k80s4": ("conv1d", (4, 1, 8000), (64, 1, 80), 4, 0), "conv1d k25": ("conv1d", (2, 32, 700), (32, 32, 25), 1, 12),
    "transpose k4s2": ("conv_transpose2d", (4, 128, 16, 16), (128, 64, 4, 4), 2, 1),
    "transpose k2s2": ("conv_transpose2d", (2, 256, 32, 32), (256, 128, 2, 2), 2, 0),
    "transpose k3s2": ("conv_transpose2d", (4, 64, 28, 28), (64, 32, 3, 3), 2, 1),
    "transpose 1d": ("conv_transpose1d", (4, 128, 500), (128, 64, 16), 8, 4),
}


def answers(lib, dtype, function, x, w, seed, stride, padding):
    """Output and both gradients as arrays."""
    x, w = (lib.tensor(a).to(dtype).requires_grad_() for a in (x, w))
    y = getattr(lib.nn.functional, function)(x, w, stride=stride, padding=padding)
    y.backward(lib.tensor(np.random.default_rng(seed).standard_normal(tuple(y.shape), np.float32)).to(dtype))
    return [t.detach().numpy() for t in (y, x.grad, w.grad)]


def error(got, want):
    """|got - want| / |want| in the Frobenius norm."""
    return np.linalg.norm(got - want) / np.linalg.norm(want)


def main():
    rng = np.random.default_rng(0)
    cases = {name: ("conv2d", (n, c, h, h), (m, c, k, k), s, p) for name, (n, c, h, m, k, s, p) in SHAPES.items()} | MORE
    for seed, (name, (function, x, w, *options)) in enumerate(cases.items()):
        given = function, rng.standard_normal(x, np.float32), rng.standard_normal(w, np.float32), seed, *options
        exact = answers(torch, torch.float64, *given)
        both = [[error(a, e) for a, e in zip(answers(lib, lib.float32, *given), exact)] for lib in (udlfast, torch)]
        print(f"{name:14}", *(f"{a:.2e} / {b:.2e} = {a / b:.2f}" for a, b in zip(*both)), sep="   ")


if __name__ == "__main__":
    main()
