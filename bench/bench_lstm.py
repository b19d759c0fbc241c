"""LSTM and GRU layers over sequences: forward, one sequence, and a training step (forward and gradients of the weights)."""
import numpy as np
from race import Cases, Race, bench, f32, size

cases = Cases("lstm")


def sigmoid(a):
    """1 / (1 + exp(-a)), in place."""
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    return np.reciprocal(a, out=a)


class NumpyLSTM:
    """One product for x of all steps, one for h a step, gates in place; backward with single products over all steps."""

    def __init__(self, w_ih, w_hh, b_ih, b_hh):
        self.w_ih, self.w_hh, self.b = w_ih, w_hh, b_ih + b_hh
        self.w_hh_t = np.ascontiguousarray(w_hh.T)

    def forward(self, x):
        (L, N, I), H = x.shape, self.w_hh.shape[1]
        gates = (x.reshape(-1, I) @ self.w_ih.T).reshape(L, N, 4 * H)
        gates += self.b
        h = np.zeros((L + 1, N, H), np.float32)
        c, tc = np.zeros((L + 1, N, H), np.float32), np.empty((L, N, H), np.float32)
        for t in range(L):
            a = gates[t]
            a += h[t] @ self.w_hh_t
            sigmoid(a[:, :2 * H])
            np.tanh(a[:, 2 * H:3 * H], out=a[:, 2 * H:3 * H])
            sigmoid(a[:, 3 * H:])
            i, f, g, o = a.reshape(N, 4, H).transpose(1, 0, 2)
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += i * g
            np.tanh(c[t + 1], out=tc[t])
            np.multiply(o, tc[t], out=h[t + 1])
        self.seen = x, gates, h, c, tc
        return h[1:]

    def backward(self, gy):
        x, gates, hs, c, tc = self.seen
        L, N, H = gy.shape
        d, dh, dc = np.empty_like(gates), np.zeros((N, H), np.float32), np.zeros((N, H), np.float32)
        for t in range(L - 1, -1, -1):
            i, f, g, o = gates[t].reshape(N, 4, H).transpose(1, 0, 2)
            dh += gy[t]
            dc += dh * o * (1 - tc[t] * tc[t])
            to = d[t].reshape(N, 4, H)
            to[:, 0], to[:, 1] = dc * g * i * (1 - i), dc * c[t] * f * (1 - f)
            to[:, 2], to[:, 3] = dc * i * (1 - g * g), dh * tc[t] * o * (1 - o)
            dh = d[t] @ self.w_hh
            dc *= f
        rows = d.reshape(L * N, 4 * H)
        gb = rows.sum(0)
        return rows.T @ x.reshape(L * N, -1), rows.T @ hs[:-1].reshape(L * N, H), gb, gb


class NumpyGRU:
    """As NumpyLSTM; forward only."""

    def __init__(self, w_ih, w_hh, b_ih, b_hh):
        self.w_ih, self.b_ih, self.b_hh = w_ih, b_ih, b_hh
        self.w_hh_t = np.ascontiguousarray(w_hh.T)

    def forward(self, x):
        (L, N, I), H = x.shape, self.w_hh_t.shape[0]
        gates = (x.reshape(-1, I) @ self.w_ih.T).reshape(L, N, 3 * H)
        gates += self.b_ih
        y, h = np.empty((L, N, H), np.float32), np.zeros((N, H), np.float32)
        for t in range(L):
            a, q = gates[t], h @ self.w_hh_t
            q += self.b_hh
            a[:, :2 * H] += q[:, :2 * H]
            sigmoid(a[:, :2 * H])
            r, z, n = a[:, :H], a[:, H:2 * H], a[:, 2 * H:]
            n += r * q[:, 2 * H:]
            np.tanh(n, out=n)
            h = np.add(n, z * (h - n), out=y[t])
        return y


def layer(kind, L, N, I, H, train=False):  # noqa: E741
    """Race of one layer; flops: 2 G H (I + H) a row, and twice that backward, but that x needs no gradient."""
    def make(rng):
        G, scale = (4 if kind == "LSTM" else 3), H ** -0.5
        x, w = f32(rng, L, N, I), [f32(rng, *s, scale=scale) for s in ((G * H, I), (G * H, H), (G * H,), (G * H,))]
        gy = np.ones((L, N, H), np.float32)
        ours = (NumpyLSTM if kind == "LSTM" else NumpyGRU)(*w)

        def numpy():
            y = ours.forward(x)
            return (y, *ours.backward(gy)) if train else y

        def other(torch):
            net, tx, tg = getattr(torch.nn, kind)(I, H), torch.from_numpy(x), torch.from_numpy(gy)
            with torch.no_grad():
                for p, a in zip(net.parameters(), w, strict=True):
                    p.copy_(torch.from_numpy(a))

            def step():
                if not train:
                    with torch.no_grad():
                        return net(tx)[0]
                for p in net.parameters():
                    p.grad = None
                y = net(tx)[0]
                y.backward(tg)
                return y, *[p.grad for p in net.parameters()]
            return step

        flops = 2.0 * L * N * G * H * ((2 * I + 3 * H) if train else I + H)
        return Race(numpy, other, flops, size(x, *w) + 4.0 * L * N * H, tolerance=1e-4)
    return make


cases.add("forward_64x32x128_256", layer("LSTM", 64, 32, 128, 256))
cases.add("one_sequence_100x1x128_128", layer("LSTM", 100, 1, 128, 128))
cases.add("train_64x32x128_256", layer("LSTM", 64, 32, 128, 256, train=True))
cases.add("gru_forward_64x32x128_256", layer("GRU", 64, 32, 128, 256))
cases.add("gru_one_sequence_100x1x128_128", layer("GRU", 100, 1, 128, 128))

test_lstm = bench(cases)
