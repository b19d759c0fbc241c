"""Layer normalisation in training: forward, then the gradients of input, weight and bias."""
import baselines
from race import Cases, affine_train, bench, f32

cases = Cases("layer_norm")


def layer_norm(m, d):
    def make(rng):
        x, w, b, g = f32(rng, m, d), f32(rng, d), f32(rng, d), f32(rng, m, d)

        def numpy():
            y, hat, rstd = baselines.layer_norm(x, w, b)
            return y, *baselines.layer_norm_backward(g, hat, rstd, w)

        return affine_train(x, w, b, g, numpy, lambda F, x, w, b: F.layer_norm(x, (d,), w, b), 16.0 * x.size)
    return make


cases.add("gpt2_1024x768_train", layer_norm(1024, 768))
cases.add("char_768x128_train", layer_norm(768, 128))

test_layer_norm = bench(cases)
