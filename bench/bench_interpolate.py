"""Images made twice as large, as in the way up of a U-Net: reads the small image, writes the large one."""
import numpy as np
from race import Cases, Race, bench, f32, size

cases = Cases("interpolate")


@cases
def bilinear_8x32x32(rng):
    x = f32(rng, 8, 32, 32, 32)

    def twice(x, axis):
        x = np.moveaxis(x, axis, -1)
        before, after = np.concatenate((x[..., :1], x[..., :-1]), -1), np.concatenate((x[..., 1:], x[..., -1:]), -1)
        y = np.stack((0.75 * x + 0.25 * before, 0.75 * x + 0.25 * after), -1).reshape(*x.shape[:-1], -1)
        return np.moveaxis(y.astype(np.float32), -1, axis)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.nn.functional.interpolate(tx, scale_factor=2, mode="bilinear")

    return Race(lambda: twice(twice(x, 2), 3), other, 16.0 * x.size, 5 * size(x))


@cases
def nearest_8x64x28(rng):
    x = f32(rng, 8, 64, 28, 28)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.nn.functional.interpolate(tx, scale_factor=2)

    return Race(lambda: x.repeat(2, 2).repeat(2, 3), other, float(x.size), 5 * size(x))


test_interpolate = bench(cases)
