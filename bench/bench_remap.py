"""Copies with a rule for each dimension: padding, reversal, rotation. Floor: bytes read and written."""
import numpy as np
from race import Cases, Race, bench, f32

cases = Cases("remap")


def _case(shape, base, ours):
    @cases
    def case(rng):
        x = f32(rng, *shape)

        def other(torch):
            t = torch.from_numpy(x)
            return lambda: ours(torch, t)

        return Race(lambda: base(x), other, 0.0, 4.0 * (x.size + base(x).size), tolerance=0.0)
    return case


SIDES = ((0, 0), (0, 0), (1, 1), (1, 1))
_case((8, 64, 56, 56), lambda x: np.pad(x, SIDES), lambda torch, x: torch.nn.functional.pad(x, (1, 1, 1, 1)))
_case((2048, 1024), lambda x: np.ascontiguousarray(x[:, ::-1]), lambda torch, x: x.flip(1))
_case((8, 56, 56, 96), lambda x: np.roll(x, (-3, -3), (1, 2)), lambda torch, x: x.roll((-3, -3), (1, 2)))


test_remap = bench(cases)
