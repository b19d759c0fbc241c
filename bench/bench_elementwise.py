"""Element-wise operations: large arrays, where memory decides, and small ones, where the cost of a call does."""
import baselines
import numpy as np
from race import Cases, Race, bench, f32, leaf, size

cases = Cases("elementwise")
SMALL, LARGE = 16, 1 << 22


def binary(n, name):
    def make(rng):
        a, b = f32(rng, n), f32(rng, n)
        out = np.empty_like(a)
        function = getattr(np, {"add": "add", "mul": "multiply"}[name])

        def other(torch):
            ta, tb, f = torch.from_numpy(a), torch.from_numpy(b), getattr(torch, name)
            return lambda: f(ta, tb)

        return Race(lambda: function(a, b, out=out), other, float(n), size(a, b, out), tolerance=0.0)
    return make


def unary(n, name):
    def make(rng):
        x = f32(rng, n)
        out = np.empty_like(x)

        def other(torch):
            tx, f = torch.from_numpy(x), getattr(torch, name)
            return lambda: f(tx)

        function = {"relu": lambda: np.maximum(x, np.float32(0), out=out), "exp": lambda: np.exp(x, out=out),
                    "tanh": lambda: np.tanh(x, out=out)}[name]
        return Race(function, other, float(n), size(x, out), tolerance=1e-6)
    return make


cases.add("add_16", binary(SMALL, "add"))
cases.add("add_4M", binary(LARGE, "add"))
cases.add("mul_4M", binary(LARGE, "mul"))
for _name in ("relu", "exp", "tanh"):
    cases.add(f"{_name}_4M", unary(LARGE, _name))
cases.add("relu_lenet_301k", unary(64 * 6 * 28 * 28, "relu"))


@cases
def gelu_tanh_1M(rng):
    x = f32(rng, 1 << 20)
    out, work = np.empty_like(x), np.empty_like(x)

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: torch.nn.functional.gelu(tx, approximate="tanh")

    return Race(lambda: baselines.gelu_tanh(x, out, work), other, 8.0 * x.size, size(x, out), tolerance=1e-6)


@cases
def broadcast_bias_1024x1024(rng):
    x, b = f32(rng, 1024, 1024), f32(rng, 1024)
    out = np.empty_like(x)

    def other(torch):
        tx, tb = torch.from_numpy(x), torch.from_numpy(b)
        return lambda: tx + tb

    return Race(lambda: np.add(x, b, out=out), other, float(x.size), size(x, b, out), tolerance=0.0)


@cases
def transpose_copy_2048(rng):
    x = f32(rng, 2048, 2048)
    out = np.empty_like(x)

    def numpy():
        np.copyto(out, x.T)
        return out

    def other(torch):
        tx = torch.from_numpy(x)
        return lambda: tx.t().contiguous()

    return Race(numpy, other, 0.0, 2 * size(x), tolerance=0.0)


@cases
def chain_of_50_multiply_adds_16_train(rng):
    """The cost of a small operation and of its gradient: 100 operations on 16 numbers, then backward."""
    a, b = f32(rng, 16), f32(rng, 16)

    def numpy():
        c = a
        for _ in range(50):
            c = c * np.float32(0.5) + b
        grads = np.ones_like(a), np.zeros_like(b)
        g, gb = grads
        for _ in range(50):
            gb = gb + g
            g = g * np.float32(0.5)
        return c, g, gb

    def other(torch):
        ta, tb = leaf(torch, a), leaf(torch, b)

        def step():
            ta.grad = tb.grad = None
            c = ta
            for _ in range(50):
                c = c * 0.5 + tb
            c.sum().backward()
            return c, ta.grad, tb.grad
        return step

    return Race(numpy, other, 50 * 4.0 * 16, 0.0, tolerance=1e-5)


test_elementwise = bench(cases)
