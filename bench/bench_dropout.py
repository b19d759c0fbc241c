"""Dropout; the masks differ between libraries, so the first step is compared by its moments."""
import numpy as np
from race import Cases, Race, bench, checked_once, f32, size

cases = Cases("dropout")
N = 1 << 20


@cases
def half_1M(rng):
    x, keep = f32(rng, N), np.float32(0.5)
    uniform, out = np.empty(N, np.float32), np.empty(N, np.float32)

    def draw():
        rng.random(N, np.float32, uniform)
        np.multiply(x, uniform >= keep, out=out)
        return np.multiply(out, 1 / keep, out=out)

    def other(torch):
        tx = torch.from_numpy(x)
        return checked_once(lambda: torch.nn.functional.dropout(tx, 0.5, training=True))

    return Race(checked_once(draw), other, 0.0, 2 * size(x), tolerance=1e-9)


test_dropout = bench(cases)
