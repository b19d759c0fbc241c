"""A training step of LeNet-5 with Adam on 64 images of 28x28: written out in NumPy, and as a PyTorch user writes it."""
import baselines
import numpy as np
from race import LENET, Cases, Race, bench, f32, size

cases = Cases("lenet_step")


class NumpyLeNet:
    """conv(5x5, padding 2) relu pool, conv(5x5) relu pool, three linear layers; forward, backward, Adam."""

    def __init__(self, parameters):
        self.p = parameters
        self.conv1, self.conv2 = baselines.Conv2d(padding=2), baselines.Conv2d()
        self.adam = baselines.Adam(parameters, lr=1e-3)

    def step(self, x, target):
        w1, b1, w2, b2, w3, b3, w4, b4, w5, b5 = self.p
        y1 = self.conv1(x, w1, b1)
        np.maximum(y1, 0, out=y1)
        p1 = baselines.max_pool2(y1)
        y2 = self.conv2(p1, w2, b2)
        np.maximum(y2, 0, out=y2)
        p2 = baselines.max_pool2(y2)
        flat = p2.reshape(len(x), -1)
        h1 = flat @ w3.T
        h1 += b3
        np.maximum(h1, 0, out=h1)
        h2 = h1 @ w4.T
        h2 += b4
        np.maximum(h2, 0, out=h2)
        logits = h2 @ w5.T
        logits += b5
        loss, g = baselines.cross_entropy(logits, target)

        gw5, gb5 = g.T @ h2, g.sum(0)
        g = g @ w5
        g *= h2 > 0
        gw4, gb4 = g.T @ h1, g.sum(0)
        g = g @ w4
        g *= h1 > 0
        gw3, gb3 = g.T @ flat, g.sum(0)
        g = baselines.max_pool2_backward((g @ w3).reshape(p2.shape), y2, p2)
        g *= y2 > 0
        g, gw2, gb2 = self.conv2.backward(g, p1, w2)
        g = baselines.max_pool2_backward(g, y1, p1)
        g *= y1 > 0
        _, gw1, gb1 = self.conv1.backward(g, x, w1, need_x=False)
        self.adam.step((gw1, gb1, gw2, gb2, gw3, gb3, gw4, gb4, gw5, gb5))
        return loss


def flops(n):
    """Multiply-adds count two; backward is twice forward except that the image needs no gradient."""
    conv1, conv2, linear = 6 * 28 * 28 * 25, 16 * 10 * 10 * 150, 400 * 120 + 120 * 84 + 84 * 10
    return 2.0 * n * (2 * conv1 + 3 * conv2 + 3 * linear)


def lenet(n):
    def make(rng):
        x, target = f32(rng, n, 1, 28, 28), rng.integers(0, 10, n)
        parameters = [f32(rng, *s, scale=float(np.prod(s[1:])) ** -0.5 if len(s) > 1 else 0.1) for s in LENET]
        baseline = NumpyLeNet(parameters)

        def other(torch):
            nn, F = torch.nn, torch.nn.functional
            net = nn.Sequential(
                nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                nn.Linear(84, 10))
            with torch.no_grad():
                for p, a in zip(net.parameters(), parameters, strict=True):
                    p.copy_(torch.from_numpy(a))
            optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
            tx, ty = torch.from_numpy(x), torch.from_numpy(target)

            def step():
                optimizer.zero_grad()
                loss = F.cross_entropy(net(tx), ty)
                loss.backward()
                optimizer.step()
                return loss
            return step

        return Race(lambda: baseline.step(x, target), other, flops(n), size(x, *parameters), tolerance=1e-4)
    return make


cases.add("batch_64", lenet(64))
cases.add("batch_8", lenet(8))

test_lenet_step = bench(cases)
