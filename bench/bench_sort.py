"""Sorting rows, and the largest ten of each."""
import numpy as np
from race import Cases, Race, bench, f32, size

cases = Cases("sort")


@cases
def rows_256x4096(rng):
    x = f32(rng, 256, 4096)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.sort(tx, 1)[0]

    return Race(lambda: np.sort(x, 1), other, 0.0, 2 * size(x), tolerance=0.0)


@cases
def topk_10_of_1024x1000(rng):
    x = f32(rng, 1024, 1000)

    def numpy():
        top = -np.partition(-x, 9, 1)[:, :10]
        top[:, ::-1].sort(1)
        return top

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.topk(tx, 10)[0]

    return Race(numpy, other, 0.0, size(x), tolerance=0.0)


test_sort = bench(cases)
