"""Cross-entropy of logits with its gradient."""
import baselines
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("cross_entropy")


def loss(n, c):
    def make(rng):
        x, target = f32(rng, n, c), rng.integers(0, c, n)

        def other(torch):
            tx, ty = leaf(torch, x), torch.from_numpy(target)

            def step():
                tx.grad = None
                value = torch.nn.functional.cross_entropy(tx, ty)
                value.backward()
                return value, tx.grad
            return step

        return Race(lambda: baselines.cross_entropy(x, target), other, 8.0 * x.size, 3 * size(x))
    return make


cases.add("digits_64x10_train", loss(64, 10))
cases.add("char_768x65_train", loss(768, 65))
cases.add("vocabulary_256x32000_train", loss(256, 32000))

test_cross_entropy = bench(cases)
