"""Pooling by 2x2 windows, as in LeNet and after a ResNet stage."""
import baselines
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("pool2d")


def max_pool(n, c, h, train):
    def make(rng):
        x, g = f32(rng, n, c, h, h), f32(rng, n, c, h // 2, h // 2)

        def numpy():
            y = baselines.max_pool2(x)
            return (y, baselines.max_pool2_backward(g, x, y)) if train else y

        def other(torch):
            F = torch.nn.functional
            if not train:
                tx = torch.from_numpy(x)
                return lambda: F.max_pool2d(tx, 2)
            tx, tg = leaf(torch, x), torch.from_numpy(g)

            def step():
                tx.grad = None
                y = F.max_pool2d(tx, 2)
                y.backward(tg)
                return y, tx.grad
            return step

        return Race(numpy, other, float(x.size), size(x, g) * (2 if train else 1), tolerance=0.0)
    return make


cases.add("max_lenet_64x6x28", max_pool(64, 6, 28, False))
cases.add("max_16x64x56", max_pool(16, 64, 56, False))
cases.add("max_16x64x56_train", max_pool(16, 64, 56, True))


@cases
def avg_16x64x56(rng):
    x = f32(rng, 16, 64, 56, 56)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.nn.functional.avg_pool2d(tx, 2)

    return Race(lambda: baselines.avg_pool2(x), other, float(x.size), 1.25 * size(x))


@cases
def adaptive_avg_16x512x7(rng):
    x = f32(rng, 16, 512, 7, 7)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.nn.functional.adaptive_avg_pool2d(tx, 1)

    return Race(lambda: x.mean((2, 3), keepdims=True), other, float(x.size), size(x))


test_pool2d = bench(cases)
