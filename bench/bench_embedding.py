"""Embedding look-up, and its gradient."""
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("embedding")


@cases
def gpt2_1024_of_50257x768(rng):
    table, index = f32(rng, 50257, 768), rng.integers(0, 50257, 1024)
    out = np.empty((1024, 768), np.float32)

    def other(torch):
        tt, ti = torch.from_numpy(table), torch.from_numpy(index)
        return lambda: torch.nn.functional.embedding(ti, tt)

    return Race(lambda: np.take(table, index, axis=0, out=out, mode="clip"), other, 0.0, 2 * size(out), tolerance=0.0)


@cases
def char_768_of_65x128_train(rng):
    table, index, g = f32(rng, 65, 128), rng.integers(0, 65, 768), f32(rng, 768, 128)

    def numpy():
        one_hot = np.zeros((768, 65), np.float32)  # with few rows a product beats np.add.at
        one_hot[np.arange(768), index] = 1
        return table[index], one_hot.T @ g

    def other(torch):
        tt, ti, tg = leaf(torch, table), torch.from_numpy(index), torch.from_numpy(g)

        def step():
            tt.grad = None
            y = torch.nn.functional.embedding(ti, tt)
            y.backward(tg)
            return y, tt.grad
        return step

    return Race(numpy, other, float(g.size), 3 * size(g))


test_embedding = bench(cases)
