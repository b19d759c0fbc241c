"""One GRU layer in one direction: x[L, N, I], h0[N, H], w_ih[3 H, I], w_hh[3 H, H], b_ih, b_hh[3 H], lengths[N] or None;
sequence by sequence, step by step. Steps behind the end of a sequence give 0."""

import numpy as np


def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


def steps(L, length, reverse):
    return range(length - 1, -1, -1) if reverse else range(length)


def run(x, h0, w_ih, w_hh, b_ih, b_hh, lengths=None, reverse=False):
    """(y, hn, what each step saw: {(t, n): (h before, r, z, new, q)})"""
    L, N, _ = x.shape
    y, hn, seen = np.zeros((L, N, h0.shape[1])), np.array(h0, float), {}
    for n in range(N):
        h = h0[n]
        for t in steps(L, L if lengths is None else lengths[n], reverse):
            xr, xz, xn = np.split(w_ih @ x[t, n] + b_ih, 3)
            hr, hz, q = np.split(w_hh @ h + b_hh, 3)
            r, z = sigmoid(xr + hr), sigmoid(xz + hz)
            new = np.tanh(xn + r * q)
            seen[t, n] = h, r, z, new, q
            h = (1 - z) * new + z * h
            y[t, n] = h
        hn[n] = h
    return y, hn, seen


def gru(x, h0, w_ih, w_hh, b_ih, b_hh, lengths=None, reverse=False):
    return run(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, reverse)[:2]


def gru_backward(gy, ghn, x, h0, w_ih, w_hh, b_ih, b_hh, lengths=None, reverse=False):
    """gx, gh0, gw_ih, gw_hh, gb_ih, gb_hh"""
    L, N, _ = x.shape
    seen = run(x, h0, w_ih, w_hh, b_ih, b_hh, lengths, reverse)[2]
    gx, gh0 = np.zeros(x.shape), np.zeros(h0.shape)
    gw_ih, gw_hh, gb_ih, gb_hh = np.zeros(w_ih.shape), np.zeros(w_hh.shape), np.zeros(b_ih.shape), np.zeros(b_hh.shape)
    for n in range(N):
        dh = ghn[n]
        for t in reversed(steps(L, L if lengths is None else lengths[n], reverse)):
            h, r, z, new, q = seen[t, n]
            dh = dh + gy[t, n]
            dn = dh * (1 - z) * (1 - new * new)
            dr, dz = dn * q * r * (1 - r), dh * (h - new) * z * (1 - z)
            dx, da = np.concatenate([dr, dz, dn]), np.concatenate([dr, dz, dn * r])
            gx[t, n] = w_ih.T @ dx
            gw_ih += np.outer(dx, x[t, n])
            gw_hh += np.outer(da, h)
            gb_ih += dx
            gb_hh += da
            dh = w_hh.T @ da + dh * z
        gh0[n] = dh
    return gx, gh0, gw_ih, gw_hh, gb_ih, gb_hh
