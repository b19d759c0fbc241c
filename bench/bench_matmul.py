"""Matrix products: squares, and the shapes of an MLP, of GPT-2's layers and of its single-token step."""
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("matmul")


def product(m, k, n):
    def make(rng):
        a, b = f32(rng, m, k), f32(rng, k, n)
        out = np.empty((m, n), np.float32)

        def other(torch):
            ta, tb = torch.from_numpy(a), torch.from_numpy(b)
            return lambda: ta @ tb

        return Race(lambda: np.matmul(a, b, out=out), other, 2.0 * m * k * n, size(a, b, out))
    return make


for name, shape in {
    "square_64": (64, 64, 64), "square_256": (256, 256, 256), "square_512": (512, 512, 512),
    "square_1024": (1024, 1024, 1024), "mnist_mlp_128x784x512": (128, 784, 512),
    "gpt2_mlp_128x768x3072": (128, 768, 3072), "gpt2_token_1x768x3072": (1, 768, 3072),
    "attention_scores_1024x64x1024": (1024, 64, 1024), "tall_4096x64x64": (4096, 64, 64),
}.items():
    cases.add(name, product(*shape))


def bf16_product(m, k, n):
    """Of bfloat16 tensors; NumPy multiplies the same numbers in float32. The result is rounded to 8 bits."""
    def make(rng):
        a, b = ((f32(rng, *s).view(np.uint32) & 0xFFFF0000).view(np.float32) for s in ((m, k), (k, n)))
        out = np.empty((m, n), np.float32)

        def other(torch):
            ta, tb = torch.from_numpy(a).to(torch.bfloat16), torch.from_numpy(b).to(torch.bfloat16)
            return lambda: (ta @ tb).float()

        return Race(lambda: np.matmul(a, b, out=out), other, 2.0 * m * k * n, size(a, b) / 2 + size(out), tolerance=2.0**-8)
    return make


for name, shape in {
    "bf16_square_256": (256, 256, 256), "bf16_square_1024": (1024, 1024, 1024), "bf16_gpt2_mlp_128x768x3072": (128, 768, 3072),
    "bf16_tall_4096x64x64": (4096, 64, 64), "bf16_few_8x1024x4096": (8, 1024, 4096),
}.items():
    cases.add(name, bf16_product(*shape))


@cases
def batched_48x128x64x128(rng):
    a, b = f32(rng, 48, 128, 64), f32(rng, 48, 64, 128)
    out = np.empty((48, 128, 128), np.float32)

    def other(torch):
        ta, tb = torch.from_numpy(a), torch.from_numpy(b)
        return lambda: ta @ tb

    return Race(lambda: np.matmul(a, b, out=out), other, 2.0 * 48 * 128 * 64 * 128, size(a, b, out))


@cases
def linear_train_128x784x512(rng):
    """Linear layer forward and the gradients of input, weight and bias."""
    x, w, b, g = f32(rng, 128, 784), f32(rng, 512, 784, scale=0.03), f32(rng, 512), f32(rng, 128, 512)

    def numpy():
        y = x @ w.T
        y += b
        return y, g @ w, g.T @ x, g.sum(0)

    def other(torch):
        tx, tw, tb, tg = leaf(torch, x), leaf(torch, w), leaf(torch, b), torch.from_numpy(g)

        def step():
            tx.grad = tw.grad = tb.grad = None
            y = torch.nn.functional.linear(tx, tw, tb)
            y.backward(tg)
            return y, tx.grad, tw.grad, tb.grad
        return step

    return Race(numpy, other, 3 * 2.0 * 128 * 784 * 512, 2 * size(x, w, g))


test_matmul = bench(cases)
