"""AdamW steps: one large parameter, where memory decides, and LeNet's ten small ones; RMSprop for the rules of optim_rules.c."""
import baselines
import numpy as np
from race import LENET, Cases, bench, optimiser

cases = Cases("adam")


def adamw(parameters):
    return baselines.Adam(parameters, lr=1e-3, decay=0.01)


cases.add("adamw_4M", optimiser([(1 << 22,)], adamw, lambda o, ps: o.AdamW(ps, lr=1e-3), 7, 1e-5))
cases.add("adamw_lenet", optimiser(LENET, adamw, lambda o, ps: o.AdamW(ps, lr=1e-3), 7, 1e-5))


class RMSprop:
    """In place, with two buffers as large as the largest parameter."""

    def __init__(self, parameters, lr=1e-3, alpha=0.99, eps=1e-8):
        self.parameters, self.lr, self.alpha, self.eps = parameters, np.float32(lr), np.float32(alpha), np.float32(eps)
        self.s = [np.zeros_like(p) for p in parameters]
        largest = max(p.size for p in parameters)
        self.buffers = np.empty(largest, np.float32), np.empty(largest, np.float32)

    def step(self, gradients):
        for p, g, s in zip(self.parameters, gradients, self.s, strict=True):
            a, b = (buffer[: p.size].reshape(p.shape) for buffer in self.buffers)
            np.multiply(g, g, out=a)
            a *= np.float32(1) - self.alpha
            s *= self.alpha
            s += a
            np.sqrt(s, out=b)
            b += self.eps
            np.divide(g, b, out=a)
            a *= self.lr
            p -= a


cases.add("rmsprop_4M", optimiser([(1 << 22,)], RMSprop, lambda o, ps: o.RMSprop(ps, lr=1e-3), 5, 1e-5))

test_adam = bench(cases)
