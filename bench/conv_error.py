"""Error of float32 convolutions against float64, beside PyTorch's: python bench/conv_error.py (needs torch).

Per shape: relative Frobenius error of ours / of PyTorch's = their ratio, for the output, the input's and the weight's gradient.
"""

import numpy as np
import torch

import udlfast

SHAPES = {  # batch, channels, size, filters, kernel, stride, padding
    "resnet 64k3": (2, 64, 56, 64, 3, 1, 1), "resnet 128k3": (2, 128, 28, 128, 3, 1, 1), "resnet 512k3": (1, 512, 7, 512, 3, 1, 1),
    "stem 64k7s2": (1, 3, 224, 64, 7, 2, 3), "1024k1": (2, 256, 14, 1024, 1, 1, 0), "256k1 of 1024": (2, 1024, 14, 256, 1, 1, 0),
    "128k3s2": (4, 64, 56, 128, 3, 2, 1), "64k5": (2, 48, 28, 64, 5, 1, 2),
}  # fmt: skip


def answers(lib, dtype, x, w, g, stride, padding):
    """Output and both gradients as arrays."""
    x, w = (lib.tensor(a).to(dtype).requires_grad_() for a in (x, w))
    y = lib.nn.functional.conv2d(x, w, stride=stride, padding=padding)
    y.backward(lib.tensor(g).to(dtype))
    return [t.detach().numpy() for t in (y, x.grad, w.grad)]


def error(got, want):
    """|got - want| / |want| in the Frobenius norm."""
    return np.linalg.norm(got - want) / np.linalg.norm(want)


def main():
    rng = np.random.default_rng(0)
    for name, (n, c, h, m, k, s, p) in SHAPES.items():
        x, w = rng.standard_normal((n, c, h, h), np.float32), rng.standard_normal((m, c, k, k), np.float32)
        out = (h + 2 * p - k) // s + 1
        g = rng.standard_normal((n, m, out, out), np.float32)
        exact = answers(torch, torch.float64, x, w, g, s, p)
        both = [[error(a, e) for a, e in zip(answers(lib, lib.float32, x, w, g, s, p), exact)] for lib in (udlfast, torch)]
        print(f"{name:14}", *(f"{a:.2e} / {b:.2e} = {a / b:.2f}" for a, b in zip(*both)), sep="   ")


if __name__ == "__main__":
    main()
