"""Cross-correlation of volumes:

    y[n, o, e, p, q] = b[o] + sum over c, t, r, s of x[n, c, e stride + t dilation - padding, ...] w[o, c, t, r, s]

c runs over the channels of o's group. The loop runs over the taps (t, r, s); each meets a strided part of the padded x.
"""

import numpy as np


def triple(v):
    return tuple(v) if isinstance(v, (tuple, list)) else (v, v, v)


def taps(x, w, stride, padding, dilation):
    """Padded x, and for each tap its index and the part of padded x that it meets at all outputs."""
    stride, padding, dilation = triple(stride), triple(padding), triple(dilation)
    xp = np.pad(np.asarray(x, float), ((0, 0), (0, 0), *((p, p) for p in padding)))
    out = [(h - d * (k - 1) - 1) // s + 1 for h, k, s, d in zip(xp.shape[2:], w.shape[2:], stride, dilation, strict=True)]
    places = []
    for tap in np.ndindex(*w.shape[2:]):
        part = tuple(slice(k * d, k * d + (n - 1) * s + 1, s) for k, d, n, s in zip(tap, dilation, out, stride, strict=True))
        places.append((tap, (slice(None), slice(None), *part)))
    return xp, out, places


def grouped(groups, C, O):
    return [(slice(g * C // groups, (g + 1) * C // groups), slice(g * O // groups, (g + 1) * O // groups)) for g in range(groups)]


def conv3d(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    xp, out, places = taps(x, w, stride, padding, dilation)
    y = np.zeros((x.shape[0], w.shape[0], *out))
    for c, o in grouped(groups, x.shape[1], w.shape[0]):
        for tap, part in places:
            y[:, o] += np.einsum("ncepq,oc->noepq", xp[part][:, c], w[(o, slice(None), *tap)])
    return y if b is None else y + np.reshape(b, (1, -1, 1, 1, 1))


def conv3d_backward(gy, x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    xp, _, places = taps(x, w, stride, padding, dilation)
    gx, gw = np.zeros(xp.shape), np.zeros(w.shape)
    for c, o in grouped(groups, x.shape[1], w.shape[0]):
        for tap, part in places:
            gw[(o, slice(None), *tap)] = np.einsum("noepq,ncepq->oc", gy[:, o], xp[part][:, c])
            gx[part][:, c] += np.einsum("noepq,oc->ncepq", gy[:, o], w[(o, slice(None), *tap)])
    inside = tuple(slice(p, p + h) for p, h in zip(triple(padding), x.shape[2:], strict=True))
    grads = (gx[(slice(None), slice(None), *inside)], gw)
    return grads if b is None else (*grads, gy.sum((0, 2, 3, 4)))
