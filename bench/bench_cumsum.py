"""Running sums along rows."""
from race import Cases, Race, bench, f32, size

cases = Cases("cumsum")


@cases
def rows_4096x1024(rng):
    x = f32(rng, 4096, 1024)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: tx.cumsum(1)

    return Race(lambda: x.cumsum(1), other, float(x.size), 2 * size(x))


test_cumsum = bench(cases)
