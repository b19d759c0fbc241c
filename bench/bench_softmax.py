"""Softmax over rows, as in attention and at the output."""
import baselines
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("softmax")


def rows(m, n):
    def make(rng):
        x = f32(rng, m, n)
        out = np.empty_like(x)

        def other(torch):
            tx = torch.from_numpy(x)
            return lambda: torch.softmax(tx, -1)

        return Race(lambda: baselines.softmax(x, out=out), other, 5.0 * x.size, 2 * size(x))
    return make


cases.add("attention_4096x1024", rows(4096, 1024))
cases.add("attention_6144x64", rows(6144, 64))
cases.add("digits_64x10", rows(64, 10))


@cases
def attention_4096x256_train(rng):
    x, g = f32(rng, 4096, 256), f32(rng, 4096, 256)

    def numpy():
        y = baselines.softmax(x)
        gx = g - np.einsum("mn,mn->m", g, y)[:, None]
        gx *= y
        return y, gx

    def other(torch):
        tx, tg = leaf(torch, x), torch.from_numpy(g)

        def step():
            tx.grad = None
            y = torch.softmax(tx, -1)
            y.backward(tg)
            return y, tx.grad
        return step

    return Race(numpy, other, 9.0 * x.size, 5 * size(x))


test_softmax = bench(cases)
