"""Batch normalisation in training: forward, then the gradients of input, weight and bias."""
import baselines
from race import Cases, affine_train, bench, f32

cases = Cases("batch_norm")


def batch_norm(n, c, h):
    def make(rng):
        x, w, b, g = f32(rng, n, c, h, h), f32(rng, c), f32(rng, c), f32(rng, n, c, h, h)
        flat = (n, c, h * h)

        def numpy():
            y, hat, rstd = baselines.batch_norm(x.reshape(flat), w, b)
            gx, gw, gb = baselines.batch_norm_backward(g.reshape(flat), hat, rstd, w)
            return y.reshape(x.shape), gx.reshape(x.shape), gw, gb

        return affine_train(x, w, b, g, numpy,
                          lambda F, x, w, b: F.batch_norm(x, None, None, w, b, training=True), 16.0 * x.size)
    return make


cases.add("resnet_16x64x56_train", batch_norm(16, 64, 56))
cases.add("small_32x16x8_train", batch_norm(32, 16, 8))

test_batch_norm = bench(cases)
