"""Running sums, maxima and logarithms of sums of exponentials along rows."""
import numpy as np
from race import Cases, Race, bench, f32, size

cases = Cases("cumsum")


@cases
def rows_4096x1024(rng):
    x = f32(rng, 4096, 1024)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: tx.cumsum(1)

    return Race(lambda: x.cumsum(1), other, float(x.size), 2 * size(x))


@cases
def one_row_1M(rng):
    x = f32(rng, 1 << 20)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: tx.cumsum(0)

    return Race(lambda: x.cumsum(), other, float(x.size), 2 * size(x))


@cases
def cummax_512x1024(rng):
    x = f32(rng, 512, 1024)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: tx.cummax(1)[0]

    return Race(lambda: np.maximum.accumulate(x, 1), other, float(x.size), 4 * size(x))


@cases
def logcumsumexp_512x1024(rng):
    x = f32(rng, 512, 1024)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: tx.logcumsumexp(1)

    return Race(lambda: np.logaddexp.accumulate(x, 1), other, 20.0 * x.size, 2 * size(x))


test_cumsum = bench(cases)
