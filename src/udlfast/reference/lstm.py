"""One LSTM layer in one direction: x[L, N, I], h0[N, K], c0[N, H], w_ih[4 H, I], w_hh[4 H, K], b[4 H] (both biases summed),
w_hr[K, H] or None, lengths[N] or None; sequence by sequence, step by step. Steps behind the end of a sequence give 0."""

import numpy as np


def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def steps(L, length, reverse):
    return range(length - 1, -1, -1) if reverse else range(length)


def run(x, h0, c0, w_ih, w_hh, b, w_hr=None, lengths=None, reverse=False):
    """(y, hn, cn, what each step saw: {(t, n): (h before, i, f, g, o, c before, c)})"""
    L, N, _ = x.shape
    y, hn, cn, seen = np.zeros((L, N, h0.shape[1])), np.array(h0, float), np.array(c0, float), {}
    for n in range(N):
        h, c = h0[n], c0[n]
        for t in steps(L, L if lengths is None else lengths[n], reverse):
            a = w_ih @ x[t, n] + w_hh @ h + b
            i, f, g, o = np.split(a, 4)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            before, c = c, f * c + i * g
            seen[t, n] = h, i, f, g, o, before, c
            h = o * np.tanh(c)
            h = h if w_hr is None else w_hr @ h
            y[t, n] = h
        hn[n], cn[n] = h, c
    return y, hn, cn, seen


def lstm(x, h0, c0, w_ih, w_hh, b, w_hr=None, lengths=None, reverse=False):
    return run(x, h0, c0, w_ih, w_hh, b, w_hr, lengths, reverse)[:3]


def lstm_backward(gy, ghn, gcn, x, h0, c0, w_ih, w_hh, b, w_hr=None, lengths=None, reverse=False):
    """gx, gh0, gc0, gw_ih, gw_hh, gb and, with w_hr, gw_hr"""
    L, N, _ = x.shape
    seen = run(x, h0, c0, w_ih, w_hh, b, w_hr, lengths, reverse)[3]
    gx, gh0, gc0 = np.zeros(x.shape), np.zeros(h0.shape), np.zeros(c0.shape)
    gw_ih, gw_hh, gb, gw_hr = np.zeros(w_ih.shape), np.zeros(w_hh.shape), np.zeros(b.shape), 0.0
    for n in range(N):
        dh, dc = ghn[n], gcn[n]
        for t in reversed(steps(L, L if lengths is None else lengths[n], reverse)):
            h, i, f, g, o, before, c = seen[t, n]
            dh = dh + gy[t, n]
            if w_hr is not None:
                gw_hr = gw_hr + np.outer(dh, o * np.tanh(c))
                dh = w_hr.T @ dh
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            da = np.concatenate([dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g * g),
                                 dh * np.tanh(c) * o * (1 - o)])
            gx[t, n] = w_ih.T @ da
            gw_ih += np.outer(da, x[t, n])
            gw_hh += np.outer(da, h)
            gb += da
            dh, dc = w_hh.T @ da, dc * f
        gh0[n], gc0[n] = dh, dc
    grads = gx, gh0, gc0, gw_ih, gw_hh, gb
    return grads if w_hr is None else (*grads, gw_hr + np.zeros(w_hr.shape))
