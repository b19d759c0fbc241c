"""NumPy at its best: what a good NumPy user would write for each operation, float32 throughout.

Convolutions go through windows made by stride tricks into BLAS; element-wise work reuses its buffers by out=;
gradients follow the functions they belong to.
"""
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


# ---- convolution ----------------------------------------------------------------------------------------------------
class Conv2d:
    """y[N, O, P, Q] = x[N, C, H, W] * w[O, C, R, S] + b; keeps its columns."""

    def __init__(self, stride=1, padding=0):
        self.stride, self.padding = stride, padding
        self.columns = self.padded = None

    def im2col(self, x, r, s):
        """[N, C R S, P Q]"""
        (n, c, h, w), p = x.shape, self.padding
        if r == s == self.stride == 1 and not p:
            return x.reshape(n, c, h * w), h, w
        if p:
            if self.padded is None or self.padded.shape != (n, c, h + 2 * p, w + 2 * p):
                self.padded = np.zeros((n, c, h + 2 * p, w + 2 * p), x.dtype)
            self.padded[:, :, p:-p, p:-p] = x
            x = self.padded
        windows = sliding_window_view(x, (r, s), (2, 3))[:, :, ::self.stride, ::self.stride]  # N C P Q R S
        height, width = windows.shape[2:4]
        shape = (n, c, r, s, height, width)
        if self.columns is None or self.columns.shape != shape:
            self.columns = np.empty(shape, x.dtype)
        np.copyto(self.columns, windows.transpose(0, 1, 4, 5, 2, 3))
        return self.columns.reshape(n, c * r * s, height * width), height, width

    def __call__(self, x, w, b):
        o, _, r, s = w.shape
        columns, height, width = self.im2col(x, r, s)
        y = np.matmul(w.reshape(o, -1), columns)
        y += b[:, None]
        self.seen = columns
        return y.reshape(len(x), o, height, width)

    def backward(self, gy, x, w, need_x=True):
        """(gx or None, gw, gb) of the last call."""
        (n, c, h, wd), (o, _, r, s) = x.shape, w.shape
        height, width = gy.shape[2:]
        g = gy.reshape(n, o, -1)
        gw = np.matmul(g, self.seen.transpose(0, 2, 1)).sum(0).reshape(w.shape)
        gb = g.sum((0, 2))
        if not need_x:
            return None, gw, gb
        gcol = np.matmul(w.reshape(o, -1).T, g).reshape(n, c, r, s, height, width)
        p, t = self.padding, self.stride
        gx = np.zeros((n, c, h + 2 * p, wd + 2 * p), x.dtype)
        for i in range(r):
            for j in range(s):
                gx[:, :, i:i + t * height:t, j:j + t * width:t] += gcol[:, :, i, j]
        return gx[:, :, p:p + h, p:p + wd], gw, gb


# ---- pooling --------------------------------------------------------------------------------------------------------
def quarters(x):
    """The four interleaved views of x[..., H, W] that a 2x2 window reads."""
    return x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]


def max_pool2(x):
    a, b, c, d = quarters(x)
    y = np.maximum(a, b)
    np.maximum(y, c, out=y)
    return np.maximum(y, d, out=y)


def max_pool2_backward(gy, x, y):
    """The gradient goes to every entry equal to the maximum (equal entries: each gets it)."""
    gx = np.empty_like(x)
    for source, target in zip(quarters(x), quarters(gx), strict=True):
        np.multiply(gy, source == y, out=target)
    return gx


def avg_pool2(x):
    a, b, c, d = quarters(x)
    y = a + b
    y += c
    y += d
    y *= np.float32(0.25)
    return y


# ---- normalisation --------------------------------------------------------------------------------------------------
def batch_norm(x, w, b, eps=1e-5):
    """x[N, C, L] in training; also what backward needs."""
    n = np.float32(x.shape[0] * x.shape[2])
    mean = x.sum((0, 2)) / n
    hat = x - mean[:, None]
    var = np.einsum("ncl,ncl->c", hat, hat, optimize=True) / n
    rstd = 1 / np.sqrt(var + np.float32(eps))
    hat *= rstd[:, None]
    y = hat * w[:, None]
    y += b[:, None]
    return y, hat, rstd


def batch_norm_backward(gy, hat, rstd, w):
    n = np.float32(gy.shape[0] * gy.shape[2])
    gb = gy.sum((0, 2))
    gw = np.einsum("ncl,ncl->c", gy, hat, optimize=True)
    gx = hat * (gw / -n)[:, None]
    gx += gy
    gx -= (gb / n)[:, None]
    gx *= (w * rstd)[:, None]
    return gx, gw, gb


def layer_norm(x, w, b, eps=1e-5):
    """x[M, D]"""
    d = np.float32(x.shape[1])
    hat = x - x.mean(1, keepdims=True)
    rstd = 1 / np.sqrt(np.einsum("md,md->m", hat, hat)[:, None] / d + np.float32(eps))
    hat *= rstd
    y = hat * w
    y += b
    return y, hat, rstd


def layer_norm_backward(gy, hat, rstd, w):
    d = np.float32(gy.shape[1])
    gb = gy.sum(0)
    gw = np.einsum("md,md->d", gy, hat)
    gx = gy * w
    dot = np.einsum("md,md->m", gx, hat)[:, None] / d
    gx -= gx.mean(1, keepdims=True)
    gx -= hat * dot
    gx *= rstd
    return gx, gw, gb


# ---- softmax and its loss -------------------------------------------------------------------------------------------
def softmax(x, out=None):
    y = np.subtract(x, x.max(-1, keepdims=True), out=out)
    np.exp(y, out=y)
    y /= y.sum(-1, keepdims=True)
    return y


def cross_entropy(x, target):
    """(mean loss, gradient) of logits x[N, C]"""
    rows = np.arange(len(x))
    g = x - x.max(1, keepdims=True)
    picked = g[rows, target].copy()
    np.exp(g, out=g)
    total = g.sum(1, keepdims=True)
    loss = (np.log(total[:, 0]) - picked).mean()
    g /= total
    g[rows, target] -= 1
    g /= np.float32(len(x))
    return loss, g


# ---- element by element ---------------------------------------------------------------------------------------------
def gelu_tanh(x, out, work):
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) with two buffers and no others"""
    np.multiply(x, x, out=work)
    work *= np.float32(0.044715)
    work += np.float32(1)
    work *= x
    work *= np.float32(0.7978845608028654)
    np.tanh(work, out=work)
    work += np.float32(1)
    np.multiply(x, work, out=out)
    out *= np.float32(0.5)
    return out


# ---- attention ------------------------------------------------------------------------------------------------------
def attention(q, k, v, causal):
    """softmax(q k^T / sqrt(D)) v for q, k, v [B, H, T, D]"""
    scores = np.matmul(q * np.float32(q.shape[-1] ** -0.5), k.swapaxes(-1, -2))
    if causal:
        scores += np.triu(np.full(scores.shape[-2:], -np.inf, np.float32), 1)
    return np.matmul(softmax(scores, out=scores), v)


# ---- optimisers -----------------------------------------------------------------------------------------------------
class Adam:
    """AdamW when decay is not 0; every temporary lives in two buffers as large as the largest parameter."""

    def __init__(self, parameters, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8, decay=0.0):
        self.parameters, self.lr, self.eps, self.decay = parameters, lr, eps, decay
        self.beta1, self.beta2 = beta1, beta2
        self.m = [np.zeros_like(p) for p in parameters]
        self.v = [np.zeros_like(p) for p in parameters]
        largest = max(p.size for p in parameters)
        self.buffers = np.empty(largest, np.float32), np.empty(largest, np.float32)
        self.t = 0

    def step(self, gradients):
        self.t += 1
        correct1, correct2 = 1 - self.beta1 ** self.t, 1 - self.beta2 ** self.t
        f = np.float32
        for p, g, m, v in zip(self.parameters, gradients, self.m, self.v, strict=True):
            a, b = (buffer[:p.size].reshape(p.shape) for buffer in self.buffers)
            if self.decay:
                p *= f(1 - self.lr * self.decay)
            m *= f(self.beta1)
            m += np.multiply(g, f(1 - self.beta1), out=a)
            v *= f(self.beta2)
            np.multiply(g, g, out=a)
            a *= f(1 - self.beta2)
            v += a
            np.sqrt(v, out=a)
            a *= f(correct2 ** -0.5)
            a += f(self.eps)
            np.divide(m, a, out=b)
            b *= f(self.lr / correct1)
            p -= b


class SGD:
    """With momentum."""

    def __init__(self, parameters, lr=0.01, momentum=0.9):
        self.parameters, self.lr, self.momentum = parameters, lr, momentum
        self.velocity = None

    def step(self, gradients):
        if self.velocity is None:
            self.velocity = [g.copy() for g in gradients]
        else:
            for v, g in zip(self.velocity, gradients, strict=True):
                v *= np.float32(self.momentum)
                v += g
        for p, v in zip(self.parameters, self.velocity, strict=True):
            p -= np.float32(self.lr) * v
