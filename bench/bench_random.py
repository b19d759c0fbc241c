"""Random numbers; they differ between libraries, so the first step is compared by its moments."""
import numpy as np
from race import Cases, Race, bench, checked_once

cases = Cases("random")
N = 1 << 20


@cases
def normal_1M(rng):
    out = np.empty(N, np.float32)
    numpy = checked_once(lambda: rng.standard_normal(N, np.float32, out))
    return Race(numpy, lambda torch: checked_once(lambda: torch.randn(N)), 0.0, 4.0 * N, tolerance=1e-9)


@cases
def uniform_1M(rng):
    out = np.empty(N, np.float32)
    numpy = checked_once(lambda: rng.random(N, np.float32, out))
    return Race(numpy, lambda torch: checked_once(lambda: torch.rand(N)), 0.0, 4.0 * N, tolerance=1e-9)


test_random = bench(cases)
