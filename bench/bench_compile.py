"""Small networks, where Python costs as much as the kernels: NumPy, udlfast compiled, PyTorch as it is (without its compiler)."""
import baselines
import numpy as np
from race import Cases, Race, bench, f32, size

cases = Cases("compile")
WIDTHS = (40, 100, 100, 10)


class NumpyMLP:
    """Linear layers with relu between them; forward, backward, SGD with momentum."""

    def __init__(self, parameters):
        self.p, self.sgd = parameters, baselines.SGD(parameters, lr=0.05, momentum=0.9)

    def forward(self, x):
        """What every layer reads, and the last one's result."""
        kept = [x]
        for i in range(0, len(self.p), 2):
            x = x @ self.p[i].T
            x += self.p[i + 1]
            if i + 2 < len(self.p):
                np.maximum(x, 0, out=x)
            kept.append(x)
        return kept

    def step(self, x, target):
        kept = self.forward(x)
        loss, g = baselines.cross_entropy(kept.pop(), target)
        gradients = []
        for i in range(len(self.p) - 2, -1, -2):
            h = kept.pop()
            gradients = [g.T @ h, g.sum(0), *gradients]
            if i:
                g = g @ self.p[i]
                g *= h > 0
        self.sgd.step(gradients)
        return loss


def network(torch, parameters):
    nn, layers = torch.nn, []
    for a, b in zip(WIDTHS[:-1], WIDTHS[1:], strict=True):
        layers += [nn.Linear(a, b), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    with torch.no_grad():
        for p, a in zip(net.parameters(), parameters, strict=True):
            p.copy_(torch.from_numpy(a))
    return net


def mlp(n, train):
    def make(rng):
        x, target = f32(rng, n, WIDTHS[0]), rng.integers(0, WIDTHS[-1], n)
        parameters = []
        for a, b in zip(WIDTHS[:-1], WIDTHS[1:], strict=True):
            parameters += [f32(rng, b, a, scale=a**-0.5), f32(rng, b, scale=0.1)]
        baseline = NumpyMLP(parameters)

        def other(torch):
            F, net, tx, ty = torch.nn.functional, network(torch, parameters), torch.from_numpy(x), torch.from_numpy(target)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

            def step():
                optimizer.zero_grad()
                loss = F.cross_entropy(net(tx), ty)
                loss.backward()
                optimizer.step()
                return loss

            def infer():
                with torch.no_grad():
                    return net(tx)

            f = step if train else infer
            return torch.compile(f) if torch.__name__ == "udlfast" else f

        products = sum(a * b for a, b in zip(WIDTHS[:-1], WIDTHS[1:], strict=True))
        flops = 2.0 * n * (3 * products - WIDTHS[0] * WIDTHS[1] if train else products)
        numpy = (lambda: baseline.step(x, target)) if train else lambda: baseline.forward(x)[-1]
        return Race(numpy, other, flops, size(x, *parameters), tolerance=1e-4)
    return make


cases.add("mlp_step_32", mlp(32, True))
cases.add("mlp_infer_1", mlp(1, False))
cases.add("mlp_infer_32", mlp(32, False))

test_compile = bench(cases)
