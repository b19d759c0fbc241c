"""Planted training faults, two of each kind, and healthy runs, for the doctor."""

import numpy as np

import udlfast as torch
from udlfast import nn, train
from udlfast.nn import functional as F
from udlfast.utils.data import DataLoader, TensorDataset


def digits(n=600, seed=0):
    """Normalised 8 x 8 digits: (train x, train y, valid x, valid y)."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))[: n + 300]
    x, y = ((x - x.mean()) / x.std()).astype(np.float32)[order], y[order].astype(np.int64)
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    return x[:n], y[:n], x[n:], y[n:]


def mlp(width=64, depth=2, activation=nn.ReLU, inputs=64, outputs=10):
    layers, size = [], inputs
    for _ in range(depth):
        layers += [nn.Linear(size, width), activation()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, outputs))


def he(net, gain=2.0):
    for layer in net.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, (gain / layer.in_features) ** 0.5)
            nn.init.zeros_(layer.bias)
    return net


def fit(net, data, epochs=8, lr=1e-3, loss=F.cross_entropy, batch=32, optimizer=torch.optim.Adam, doctor=None, parameters=None, **options):
    x, y, xv, yv = data
    doctor = doctor or train.Doctor()
    generator = torch.Generator().manual_seed(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=batch, shuffle=True, generator=generator)
    optimizer = optimizer(parameters if parameters is not None else net.parameters(), lr=lr)
    try:
        train.fit(net, loader, DataLoader(TensorDataset(xv, yv), batch_size=100), epochs=epochs, optimizer=optimizer, loss=loss,
                  callbacks=[doctor], **options)  # fmt: skip
    except (FloatingPointError, torch.errors.ShapeError):  # the doctor knows why
        pass
    return doctor.report()


def shuffled(data):
    x, y, xv, yv = data
    order = torch.from_numpy(np.random.default_rng(5).permutation(len(y)))
    return x, y[order], xv, yv


def random_labels(data):
    rng = np.random.default_rng(6)
    return data[0], torch.from_numpy(rng.integers(0, 10, len(data[1]))), data[2], data[3]


def only_the_last_bias_learns():
    net = mlp()
    for p in [*net[:4].parameters(), net[4].weight]:
        p.requires_grad_(False)
    return net


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.forgotten = mlp(), nn.Linear(64, 10)

    def forward(self, x):
        return self.used(x)


class Detached(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU()), nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.body(x).detach())


class Gated(nn.Module):
    """A gate that is 0 lets no gradient through to one branch."""

    def __init__(self):
        super().__init__()
        self.one, self.other = mlp(), mlp()
        self.register_buffer("gate", torch.zeros(1))

    def forward(self, x):
        return self.one(x) + self.gate * self.other(x)


def zero_start():
    net = mlp()
    for layer in (net[2], net[4]):
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
    return net


class Log(nn.Module):
    """log of a number that becomes 0 or less."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(64, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.last(torch.log(self.first(x).relu()))


def not_a_number(data):
    x = data[0].clone()
    x[17, 3] = float("nan")
    return (x, *data[1:])


def deep_sigmoid(depth=8):
    return mlp(width=32, depth=depth, activation=nn.Sigmoid)


def small_start(depth=6):
    return he(mlp(width=32, depth=depth), gain=0.02)


def large_start(depth=10):
    return he(mlp(width=64, depth=depth), gain=20.0)


def pathological_bias():
    net = he(mlp())
    net[0].bias.data.fill_(-30.0)
    return net


def saturated_start(activation):
    net = mlp(depth=1, activation=activation)
    for layer in net:
        if isinstance(layer, nn.Linear) and layer.in_features == 64:
            nn.init.normal_(layer.weight, 0, 6.0)
            break
    return net


class ForgetsEval(nn.Module):
    """A network whose eval() does nothing."""

    def __init__(self, layer):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, 64), layer, nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.net(x)

    def train(self, mode=True):
        return super().train(True)


def leaky(share):
    x, y, xv, yv = digits()
    n = int(len(xv) * share)
    return torch.cat([x, xv[:n]]), torch.cat([y, yv[:n]]), xv, yv


def leaked(data, **options):
    x, y, xv, yv = data
    return fit(mlp(), data, epochs=3, doctor=train.Doctor([(x, y)], [(xv, yv)]), **options)


def one_hot_bce(output, y):
    return F.binary_cross_entropy_with_logits(output, F.one_hot(y, 10).float())


def pairs(targets):
    """Digits with targets of one number in a row, for binary losses."""
    x, y, xv, yv = digits()
    return x, targets(y), xv, targets(yv)


def is_even(y):
    return (y % 2 == 0).float()[:, None]


def features_of_many_scales():
    x, y, xv, yv = digits()
    scale = torch.from_numpy(np.logspace(-3, 2, 64).astype(np.float32))
    return x * scale, y, xv * scale, yv


def times(factor, plus=0.0):
    x, y, xv, yv = digits()
    return factor * x + plus, y, factor * xv + plus, yv


def sgd(parameters, lr):
    return torch.optim.SGD(parameters, lr=lr)


FAULTS = [
    ("step size too high", "adam", lambda: fit(mlp(), digits(), lr=1.0)),
    ("step size too high", "sgd", lambda: fit(mlp(), digits(), lr=8.0, optimizer=sgd)),
    ("step size too low", "adam", lambda: fit(mlp(), digits(), lr=1e-7)),
    ("step size too low", "sgd", lambda: fit(mlp(), digits(), lr=1e-5, optimizer=sgd)),
    ("labels do not match inputs", "shuffled", lambda: fit(mlp(width=32), shuffled(digits()))),
    ("labels do not match inputs", "random", lambda: fit(mlp(width=64), random_labels(digits()), epochs=25)),
    ("frozen parameters", "requires_grad", lambda: fit(only_the_last_bias_learns(), digits())),
    ("frozen parameters", "not in the optimiser", lambda: (lambda n: fit(n, digits(), parameters=n[4].parameters()))(mlp())),
    ("unused parameters", "layer not called", lambda: fit(Unused(), digits(), epochs=3)),
    ("unused parameters", "detached", lambda: fit(Detached(), digits(), epochs=3)),
    ("zero gradients", "two layers start at zero", lambda: fit(zero_start(), digits(), epochs=3)),
    ("zero gradients", "closed gate", lambda: fit(Gated(), digits(), epochs=3)),
    ("non-finite numbers", "log of zero", lambda: fit(Log(), digits())),
    ("non-finite numbers", "nan in the data", lambda: fit(mlp(), not_a_number(digits()))),
    ("exploding gradients", "large weights", lambda: fit(large_start(), digits(), epochs=3, optimizer=sgd, lr=1e-12)),
    ("exploding gradients", "larger weights", lambda: fit(large_start(14), digits(), epochs=3, lr=1e-5)),
    ("vanishing gradients", "deep sigmoid", lambda: fit(deep_sigmoid(), digits(), epochs=4)),
    ("vanishing gradients", "small weights", lambda: fit(small_start(), digits(), epochs=4, optimizer=sgd, lr=0.01)),
    ("dead ReLUs", "negative biases", lambda: fit(pathological_bias(), digits(), epochs=4)),
    ("dead ReLUs", "convolution", lambda: fit(negative_convolution(), images(digits()), epochs=4)),
    ("saturated units", "tanh", lambda: fit(saturated_start(nn.Tanh), digits(), epochs=4)),
    ("saturated units", "sigmoid", lambda: fit(saturated_start(nn.Sigmoid), digits(), epochs=4)),
    ("overfitting", "few samples", lambda: fit(mlp(width=256), digits(60), epochs=80, lr=3e-3)),
    ("overfitting", "noisy labels", lambda: fit(mlp(width=256), _noisy(digits(300)), epochs=60, lr=2e-3)),
    ("underfitting", "two units", lambda: fit(mlp(width=2), digits(), epochs=100, lr=1e-2)),
    ("underfitting", "linear, one input", lambda: fit(_narrow(), digits(), epochs=40, lr=1e-2)),
    ("slow convergence", "small sgd", lambda: fit(mlp(), digits(), epochs=12, lr=3e-3, optimizer=sgd)),
    ("slow convergence", "small adam", lambda: fit(mlp(), digits(), epochs=10, lr=2e-5)),
    ("unnormalised inputs", "grey levels", lambda: fit(mlp(), times(300.0, 500.0), epochs=4)),
    ("unnormalised inputs", "features of many scales", lambda: fit(mlp(), features_of_many_scales(), epochs=4)),
    ("wrong loss for the output", "softmax twice", lambda: fit(nn.Sequential(*mlp(), nn.Softmax(1)), digits(), epochs=4)),
    ("wrong loss for the output", "sigmoid twice", lambda: fit(nn.Sequential(*mlp(outputs=1), nn.Sigmoid()), pairs(is_even), epochs=4,
                                                               loss=F.binary_cross_entropy_with_logits)),
    ("batch norm sees one number", "batch of 1", lambda: fit(nn.Sequential(nn.Flatten(), nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 8),
                                                             nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(16, 10)), digits(60),
                                                             batch=1, epochs=1)),
    ("batch norm sees one number", "last layer", lambda: fit(_norm_at_the_end(), digits(60), batch=1, epochs=1)),
    ("evaluation in train mode", "dropout", lambda: fit(ForgetsEval(nn.Dropout(0.5)), digits(), epochs=3)),
    ("evaluation in train mode", "batch norm", lambda: fit(ForgetsEval(nn.BatchNorm1d(64)), digits(), epochs=3)),
    ("data leakage", "a tenth", lambda: leaked(leaky(0.1))),
    ("data leakage", "all", lambda: leaked(leaky(1.0))),
]  # fmt: skip


def _noisy(data):
    x, y, xv, yv = data
    rng = np.random.default_rng(2)
    wrong = torch.from_numpy(rng.random(len(y)) < 0.3)
    return x, torch.where(wrong, torch.from_numpy(rng.integers(0, 10, len(y))), y), xv, yv


def _narrow():
    return nn.Sequential(nn.Linear(64, 1), nn.Linear(1, 10))


def _norm_at_the_end():
    return nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(8),
                         nn.Flatten(), nn.Linear(8, 10))  # fmt: skip


def images(data):
    x, y, xv, yv = data
    return x.reshape(-1, 1, 8, 8), y, xv.reshape(-1, 1, 8, 8), yv


def convolutional(norm=False):
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8) if norm else nn.Identity(), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))  # fmt: skip


def negative_convolution():
    net = convolutional()
    net[4].bias.data.fill_(-20.0)
    return net


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn, self.out = nn.LSTM(8, 32, batch_first=True), nn.Linear(32, 10)

    def forward(self, x):
        return self.out(self.rnn(x.reshape(-1, 8, 8))[0][:, -1])


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(64, 32), nn.Linear(32, 10)
        self.blocks = nn.ModuleList([nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 32)) for _ in range(4)])

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            x = x + block(x)
        return self.out(x)


def regression(n=400):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((n, 3)).astype(np.float32))
    y = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2]
    return x[:300], y[:300], x[300:], y[300:]


def fine_tuned():
    net = mlp()
    fit(net, digits(seed=3), epochs=6)
    for p in net[:2].parameters():
        p.requires_grad_(False)
    nn.init.normal_(net[4].weight, 0, 0.1)
    return net


HEALTHY = [
    ("mlp, adam", lambda: fit(mlp(), digits(), epochs=10)),
    ("mlp, sgd with momentum", lambda: fit(mlp(), digits(), epochs=12, lr=0.05,
                                           optimizer=lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9))),
    ("convolution", lambda: fit(convolutional(), images(digits()), epochs=8, lr=2e-3)),
    ("convolution, batch norm", lambda: fit(convolutional(True), images(digits()), epochs=8, lr=2e-3)),
    ("dropout", lambda: fit(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10)), digits(), epochs=12)),
    ("tanh", lambda: fit(mlp(activation=nn.Tanh), digits(), epochs=10)),
    ("lstm", lambda: fit(Recurrent(), digits(), epochs=12, lr=5e-3)),
    ("residual, layer norm, gelu", lambda: fit(Residual(), digits(), epochs=8)),
    ("regression", lambda: fit(mlp(inputs=3, outputs=1), regression(), loss=F.mse_loss, epochs=20, lr=5e-3)),
    ("binary", lambda: fit(mlp(outputs=1), pairs(is_even), loss=F.binary_cross_entropy_with_logits, epochs=12)),
    ("fine-tuning", lambda: fit(fine_tuned(), digits(), epochs=10)),
    ("schedule and clipping", lambda: fit(mlp(), digits(), epochs=10, lr=3e-3, clip=1.0)),
]  # fmt: skip
