"""What watching costs: steps of `fit` with and without `train.Doctor()`, in turn.

    python bench/doctor.py [--rounds 11]

A round runs the same number of steps without, with and once more without the doctor, each from the same weights, and gives three
numbers: the share of the watched run that passed inside the doctor's callbacks and hooks (every step's, looked at or not); with over the
mean of the two without; and, as the noise, the second without over the first. Printed are the medians, and quartiles of the ratios.
"""
import argparse
import statistics
import time

import udlfast as torch
from udlfast import nn, train
from udlfast.models import MLP, LeNet


def lenet():
    return LeNet(), torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,)), 150


def mlp():
    return MLP([784, 512, 512, 10]), torch.randn(128, 784), torch.randint(0, 10, (128,)), 120


def small():
    return MLP([10, 100, 100, 2]), torch.randn(32, 10), torch.randint(0, 2, (32,)), 3000


def convolutional():
    net = nn.Sequential(*(layer for c, d in ((3, 32), (32, 64), (64, 64)) for layer in (nn.Conv2d(c, d, 3, padding=1), nn.BatchNorm2d(d),
                        nn.ReLU(), nn.MaxPool2d(2))), nn.Flatten(), nn.Linear(64 * 16, 10))
    return net, torch.randn(32, 3, 32, 32), torch.randint(0, 10, (32,)), 60


def seconds(net, start, batches, callbacks):
    net.load_state_dict(start)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    began = time.perf_counter()
    train.fit(net, batches, epochs=1, optimizer=optimizer, callbacks=callbacks)
    return time.perf_counter() - began


class Watch(train.Doctor):
    """A Doctor that adds up the time inside each of its callbacks."""

    def __init__(self):
        super().__init__()
        self.inside = 0.0

    def timed(name):
        def callback(self, run):
            began = clock()
            method(self, run)
            self.inside += clock() - began

        method, clock = getattr(train.Doctor, name), time.perf_counter
        return callback

    gradients, batch, epoch, close = map(timed, ("gradients", "batch", "epoch", "close"))


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{100 * middle - 100:+6.2f} % ({100 * low - 100:+.2f} to {100 * high - 100:+.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    print(f"{'net':14s} {'us a step':>10s}  {'inside':>7s}  {'with doctor':>26s}  {'noise':>26s}  looks")
    for make in (small, mlp, lenet, convolutional):
        torch.manual_seed(0)
        net, x, y, steps = make()
        batches, start = [(x, y)] * steps, {name: value.clone() for name, value in net.state_dict().items()}
        seconds(net, start, batches[:10], [])
        shares, ratios, noise, looks = [], [], [], []
        for _ in range(rounds):
            doctor = Watch()
            first, watched, second = (seconds(net, start, batches, callbacks) for callbacks in ([], [doctor], []))
            shares.append((doctor.inside + doctor.measured.hook_seconds) / watched)
            ratios.append(2 * watched / (first + second))
            noise.append(second / first)
            looks.append(doctor.measured.looked)
        looked = f"{statistics.median(looks):.0f} of {steps}"
        inside = f"{100 * statistics.median(shares):5.2f} %"
        columns = f"{quartiles(ratios):>26s}  {quartiles(noise):>26s}  {looked}"
        print(f"{make.__name__:14s} {1e6 * first / steps:10.0f}  {inside}  {columns}", flush=True)


if __name__ == "__main__":
    main()
