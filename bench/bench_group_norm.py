"""Group normalisation in training: forward, then the gradients of input, weight and bias."""
import baselines
from race import Cases, affine_train, bench, f32

cases = Cases("group_norm")


def group_norm(n, c, groups, h):
    def make(rng):
        x, w, b, g = f32(rng, n, c, h, h), f32(rng, c), f32(rng, c), f32(rng, n, c, h, h)
        rows = (n * groups, c // groups * h * h)

        def numpy():
            y, hat, rstd = baselines.layer_norm(x.reshape(rows), np_ones, np_zeros)
            scale, gw = w[:, None, None], (g * hat.reshape(x.shape)).sum((0, 2, 3))
            gx = baselines.layer_norm_backward((g * scale).reshape(rows), hat, rstd, np_ones)[0]
            return y.reshape(x.shape) * scale + b[:, None, None], gx.reshape(x.shape), gw, g.sum((0, 2, 3))

        np_ones, np_zeros = x.dtype.type(1), x.dtype.type(0)
        return affine_train(x, w, b, g, numpy, lambda F, x, w, b: F.group_norm(x, groups, w, b), 16.0 * x.size)
    return make


cases.add("16x64x56_8_train", group_norm(16, 64, 8, 56))
cases.add("8x256x14_32_train", group_norm(8, 256, 32, 14))

test_group_norm = bench(cases)
