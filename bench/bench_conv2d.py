"""Convolutions of LeNet and ResNet, forward and with all gradients."""
import baselines
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("conv2d")


def conv(n, c, h, o, k, stride, padding, train=False):
    def make(rng):
        p = (h + 2 * padding - k) // stride + 1
        x, w = f32(rng, n, c, h, h), f32(rng, o, c, k, k, scale=(2 / (c * k * k)) ** 0.5)
        b, g = f32(rng, o), f32(rng, n, o, p, p)
        layer = baselines.Conv2d(stride, padding)
        work = 2.0 * n * o * p * p * c * k * k

        def numpy():
            y = layer(x, w, b)
            return (y, *layer.backward(g, x, w)) if train else y

        def other(torch):
            F = torch.nn.functional
            if not train:
                tx, tw, tb = (torch.from_numpy(a) for a in (x, w, b))
                return lambda: F.conv2d(tx, tw, tb, stride=stride, padding=padding)
            tx, tw, tb = (leaf(torch, a) for a in (x, w, b))
            tg = torch.from_numpy(g)

            def step():
                tx.grad = tw.grad = tb.grad = None
                y = F.conv2d(tx, tw, tb, stride=stride, padding=padding)
                y.backward(tg)
                return y, tx.grad, tw.grad, tb.grad
            return step

        passes = 3 if train else 1
        return Race(numpy, other, passes * work, passes * size(x, w, g), tolerance=5e-5)
    return make


cases.add("lenet_conv1", conv(64, 1, 28, 6, 5, 1, 2))
cases.add("lenet_conv2", conv(64, 6, 14, 16, 5, 1, 0))
cases.add("resnet_64x56", conv(4, 64, 56, 64, 3, 1, 1))
cases.add("resnet_128x28", conv(4, 128, 28, 128, 3, 1, 1))
cases.add("resnet_stem_224", conv(1, 3, 224, 64, 7, 2, 3))
cases.add("resnet_1x1_256x14", conv(4, 256, 14, 1024, 1, 1, 0))
cases.add("resnet_256x14", conv(4, 256, 14, 256, 3, 1, 1))
cases.add("resnet_512x7", conv(4, 512, 7, 512, 3, 1, 1))
cases.add("resnet_64x56_batch1", conv(1, 64, 56, 64, 3, 1, 1))
cases.add("resnet_512x7_batch1", conv(1, 512, 7, 512, 3, 1, 1))
cases.add("resnet_512x7_stride2_batch1", conv(1, 256, 14, 512, 3, 2, 1))
cases.add("alexnet_5x5_64x27", conv(1, 64, 27, 192, 5, 1, 2))
cases.add("lenet_conv1_train", conv(64, 1, 28, 6, 5, 1, 2, train=True))
cases.add("lenet_conv2_train", conv(64, 6, 14, 16, 5, 1, 0, train=True))
cases.add("resnet_64x56_train", conv(4, 64, 56, 64, 3, 1, 1, train=True))
cases.add("resnet_16x32_stride2_train", conv(16, 16, 32, 32, 3, 2, 1, train=True))
cases.add("resnet_128x28_train", conv(4, 128, 28, 128, 3, 1, 1, train=True))
cases.add("resnet_256x14_train", conv(4, 256, 14, 256, 3, 1, 1, train=True))

test_conv2d = bench(cases)
