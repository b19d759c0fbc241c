"""One column of each row, as a loss picks it."""
import numpy as np
from race import Cases, Race, bench, f32

cases = Cases("gather")


@cases
def column_4096x1000(rng):
    x, index = f32(rng, 4096, 1000), rng.integers(0, 1000, (4096, 1))

    def other(torch):
        tx, ti = torch.from_numpy(x), torch.from_numpy(index)
        return lambda: tx.gather(1, ti)

    return Race(lambda: np.take_along_axis(x, index, 1), other, 0.0, 12.0 * 4096, tolerance=0.0)


test_gather = bench(cases)
