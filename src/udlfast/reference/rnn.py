"""One simple recurrent layer in one direction: x[L, N, I], h0[N, H], w_ih[H, I], w_hh[H, H], b[H] (both biases summed), act
"tanh" or "relu", lengths[N] or None; sequence by sequence, step by step. Steps behind the end of a sequence give 0."""

import numpy as np


def steps(L, length, reverse):
    return range(length - 1, -1, -1) if reverse else range(length)


def run(x, h0, w_ih, w_hh, b, act="tanh", lengths=None, reverse=False):
    """(y, hn, what each step saw: {(t, n): (h before, h)})"""
    L, N, _ = x.shape
    y, hn, seen = np.zeros((L, N, h0.shape[1])), np.array(h0, float), {}
    for n in range(N):
        h = h0[n]
        for t in steps(L, L if lengths is None else lengths[n], reverse):
            a = w_ih @ x[t, n] + w_hh @ h + b
            before, h = h, np.tanh(a) if act == "tanh" else np.maximum(a, 0)
            seen[t, n] = before, h
            y[t, n] = h
        hn[n] = h
    return y, hn, seen


def rnn(x, h0, w_ih, w_hh, b, act="tanh", lengths=None, reverse=False):
    return run(x, h0, w_ih, w_hh, b, act, lengths, reverse)[:2]


def rnn_backward(gy, ghn, x, h0, w_ih, w_hh, b, act="tanh", lengths=None, reverse=False):
    """gx, gh0, gw_ih, gw_hh, gb"""
    L, N, _ = x.shape
    seen = run(x, h0, w_ih, w_hh, b, act, lengths, reverse)[2]
    gx, gh0 = np.zeros(x.shape), np.zeros(h0.shape)
    gw_ih, gw_hh, gb = np.zeros(w_ih.shape), np.zeros(w_hh.shape), np.zeros(b.shape)
    for n in range(N):
        dh = ghn[n]
        for t in reversed(steps(L, L if lengths is None else lengths[n], reverse)):
            before, h = seen[t, n]
            da = (dh + gy[t, n]) * (1 - h * h if act == "tanh" else h > 0)
            gx[t, n] = w_ih.T @ da
            gw_ih += np.outer(da, x[t, n])
            gw_hh += np.outer(da, before)
            gb += da
            dh = w_hh.T @ da
        gh0[n] = dh
    return gx, gh0, gw_ih, gw_hh, gb
