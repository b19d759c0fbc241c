"""Scaled dot-product attention."""
import baselines
from race import Cases, Race, bench, f32, size

cases = Cases("attention")


def attention(b, h, t, d, causal):
    def make(rng):
        q, k, v = (f32(rng, b, h, t, d) for _ in range(3))

        def other(torch):
            tq, tk, tv = (torch.from_numpy(a) for a in (q, k, v))
            return lambda: torch.nn.functional.scaled_dot_product_attention(tq, tk, tv, is_causal=causal)

        work = 4.0 * b * h * t * t * d * (0.5 if causal else 1.0)
        return Race(lambda: baselines.attention(q, k, v, causal), other, work, 4 * size(q))
    return make


def decode(b, h, s, d):
    """One query to a long cache: the bytes of keys and values are the floor."""
    def make(rng):
        q, k, v = f32(rng, b, h, 1, d), f32(rng, b, h, s, d), f32(rng, b, h, s, d)

        def other(torch):
            tq, tk, tv = (torch.from_numpy(a) for a in (q, k, v))
            return lambda: torch.nn.functional.scaled_dot_product_attention(tq, tk, tv)

        return Race(lambda: baselines.attention(q, k, v, False), other, 4.0 * b * h * s * d, size(k) + size(v))
    return make


cases.add("char_gpt_12x4x64x32_causal", attention(12, 4, 64, 32, True))
cases.add("bert_4x8x128x64", attention(4, 8, 128, 64, False))
cases.add("gpt2_1x12x512x64_causal", attention(1, 12, 512, 64, True))
cases.add("gpt2_1x12x1024x64_causal", attention(1, 12, 1024, 64, True))
cases.add("long_1x2x4096x64", attention(1, 2, 4096, 64, False))
cases.add("generate_1x12x1x1024x64", decode(1, 12, 1024, 64))
cases.add("generate_1x32x1x4096x128", decode(1, 32, 4096, 128))

test_attention = bench(cases)
