"""ResNet-18: one image of 224 x 224 in eval mode, and the memory of a training step on images of CIFAR's size.

    pip install torch onnxruntime openvino onnx onnxscript
    python bench/resnet18.py [--threads 2] [--rounds 3] [--precision high] [--bf16]

udlfast (eager and compiled), PyTorch in inference mode (eager and compiled), ONNX Runtime and OpenVINO (the same network exported,
with all of their graph optimisations) have the same random weights. Each round starts a process for each; printed are the medians
over the rounds, and the error of the result relative to its largest entry, against the same network in float64. With --bf16:
udlfast and PyTorch under autocast but for the mean and the last layer, so that all give scores in float32, and OpenVINO at its
precision bf16. Then, for udlfast and PyTorch, how far
the resident memory of a process rises over what it needed to build the network, in the first steps of SGD with momentum on 16
images of 32 x 32. Whoever lacks is left out.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import numpy as np
from runtimes import RUNTIMES, exported, runner

import udlfast

NAMES = ("udlfast", "compiled", "torch", "torch.compile", *RUNTIMES)
STEPS = 3  # of training: the second has all gradients and momenta, the third needs nothing new


def resnet18(torch, classes, small):
    """The network from `torch`, which may be udlfast; small: for images of 32 x 32, whose first layer keeps the size."""
    nn, F = torch.nn, torch.nn.functional

    class Block(nn.Module):
        def __init__(self, c, o, stride):
            super().__init__()
            self.conv1, self.norm1 = nn.Conv2d(c, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
            self.conv2, self.norm2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
            self.down = nn.Identity() if c == o else nn.Sequential(nn.Conv2d(c, o, 1, stride, bias=False), nn.BatchNorm2d(o))

        def forward(self, x):
            return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))) + self.down(x))

    first = nn.Conv2d(3, 64, 3, 1, 1, bias=False) if small else nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    layers, c = [first, nn.BatchNorm2d(64), nn.ReLU()] + ([] if small else [nn.MaxPool2d(3, 2, 1)]), 64
    for o in (64, 128, 256, 512):
        layers += [Block(c, o, 1 if c == o else 2), Block(o, o, 1)]
        c = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


def with_weights(torch, net):
    """The same numbers in every library: filters of He's variance, statistics of batch normalisation away from 0 and 1."""
    rng, state = np.random.default_rng(0), {}
    for name, old in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        shape = tuple(old.shape)
        if len(shape) > 1:
            new = rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5
        elif name.endswith(("running_mean", "bias")):
            new = rng.standard_normal(shape) * 0.1
        else:
            new = rng.uniform(0.5, 1.5, shape)
        state[name] = torch.from_numpy(new.astype(np.float32))
    net.load_state_dict(state, strict=False)
    return net


def image(n, size):
    return np.random.default_rng(1).standard_normal((n, 3, size, size)).astype(np.float32)


def contestant(name, threads, low):
    """function() -> scores of the image"""
    x = image(1, 224)
    if name in ("udlfast", "compiled"):
        torch = udlfast
    else:
        import torch
    torch.set_num_threads(threads)
    net = with_weights(torch, resnet18(torch, 1000, False)).eval()
    given = torch.from_numpy(x)
    if name in RUNTIMES:
        run = runner(name, exported(torch, net, (given,), "x"), threads, low)
        return lambda: run({"x": x})
    layers = list(net.children())
    body, head = torch.nn.Sequential(*layers[:-3]), torch.nn.Sequential(*layers[-3:])  # the mean over the image and the last layer

    def lowered(x):
        with torch.autocast("cpu", torch.bfloat16):
            y = body(x)
        return head(y.float())

    function = lowered if low else net
    if name in ("compiled", "torch.compile"):
        function = torch.compile(function)

    def in_torch():
        with torch.inference_mode():
            return function(given)

    return lambda: in_torch().numpy()


def measure(name, threads, seconds, low):
    """Median seconds of a call of one contestant, alone in this process, and the scores."""
    function = contestant(name, threads, low)
    out = function()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:]), out[0].tolist()


def exact():
    """The scores in float64."""
    net = with_weights(udlfast, resnet18(udlfast, 1000, False)).double().eval()
    with udlfast.no_grad():
        return net(udlfast.from_numpy(image(1, 224).astype(np.float64))).numpy()[0]


def status(field):
    """Bytes of this process in memory: VmRSS now, VmHWM at most (Linux)."""
    with open("/proc/self/status") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith(field))


def memory(name, threads):
    """By how many bytes the steps of training raise the peak, and the last loss."""
    if name == "torch":
        import torch
    else:
        torch = udlfast
    torch.set_num_threads(threads)
    net = with_weights(torch, resnet18(torch, 10, True))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    x, y = torch.from_numpy(image(16, 32)), torch.from_numpy(np.arange(16) % 10)
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the most so far becomes what there is now
    before = status("VmRSS")
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    return status("VmHWM") - before, float(loss.detach())


def alone(what, name, options):
    """What a process of its own prints: pools of threads that wait for work disturb each other."""
    done = subprocess.run([sys.executable, "-W", "ignore", __file__, "--only", f"{what} {name}", "--threads", str(options.threads),
                           "--seconds", str(options.seconds), "--precision", options.precision, *["--bf16"] * options.bf16],
                          capture_output=True, text=True)
    if done.returncode:
        print(f"{name} is left out: {done.stderr.strip().splitlines()[-1]}")
        return None
    return json.loads(done.stdout.splitlines()[-1])


def compare_times(options):
    times, errors, want = {name: [] for name in NAMES}, {}, exact()
    for _ in range(options.rounds):
        for name in NAMES:
            if options.bf16 and name == "onnxruntime":
                continue
            if found := alone("times", name, options):
                times[name].append(found[0])
                errors[name] = np.abs(found[1] - want).max() / np.abs(want).max()
                assert errors[name] < (0.05 if options.bf16 else 1e-5), f"{name}: off by {errors[name]:.2g}"
    ours = statistics.median(times["udlfast"])
    for name, each in times.items():
        if each:
            middle = statistics.median(each)
            print(f"{name:14} {1e3 * middle:7.2f} ms   {middle / ours:5.2f} x   error {errors[name]:.1e}   "
                  f"(rounds: {', '.join(f'{1e3 * t:.2f}' for t in each)})")


def compare_memory(options):
    found = {name: alone("memory", name, options) for name in ("udlfast", "torch")}
    losses = [each[1] for each in found.values() if each]
    assert np.ptp(losses) < 1e-3 * max(losses), losses
    for name, each in found.items():
        if each:
            print(f"{name:12} {each[0] / 2**20:7.1f} MiB more for {STEPS} steps of training   {each[0] / found['udlfast'][0]:5.2f} x")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="highest", help="of udlfast's float32 products")
    parser.add_argument("--bf16", action="store_true", help="autocast, and OpenVINO at bf16")
    parser.add_argument("--part", choices=("times", "memory"), help="only this")
    parser.add_argument("--only", help="a part and one contestant, 'times torch'; prints what it found")
    options = parser.parse_args()
    if options.only:
        udlfast.set_float32_matmul_precision(options.precision)
        what, name = options.only.split()
        times = what == "times"
        print(json.dumps(measure(name, options.threads, options.seconds, options.bf16) if times else memory(name, options.threads)))
        return
    if options.part != "memory":
        compare_times(options)
    if options.part != "times":
        compare_memory(options)


if __name__ == "__main__":
    main()
