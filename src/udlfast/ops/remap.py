"""Copies with a rule for each dimension that says which element of the input goes where: what pad, flip, roll and repeat share."""
from .. import _core
from .._core import K_remap, attach, call, empty, is_grad_enabled
from ._common import split_at

CONSTANT, REFLECT, REPLICATE, CIRCULAR, FLIP = range(5)
EIGHT = (0,) * 8


def remap(x, mode, shape, shift, value=None):
    """out[i, j, ..] = x[s(i), s(j), ..], with j = i - shift and n the size of x along the dimension.

    s is j, or nothing (then `value` stands there) outside x for CONSTANT; |j| and 2 (n - 1) - j for REFLECT; j cut to 0..n-1 for
    REPLICATE; j modulo n for CIRCULAR; n - 1 - i where shift is not 0, else i, for FLIP.

    Args:
        x: any shape of at most eight dimensions
        mode: one of the five
        shape, shift: one number for each dimension of x
        value: None = 0
    Returns: a tensor of `shape`, nothing recorded

    Source: elementary.
    """
    x, out = x.detach().contiguous(), empty(tuple(shape), x.dtype)
    if out.numel():
        n, fill = x.ndim or 1, None if not value else _core.full((1,), value, dtype=x.dtype)
        rest = EIGHT[n:]
        call(K_remap, (out, x, fill), (x.dtype.itemsize, n, mode, *(shape or (1,)), *rest, *(x.shape or (1,)), *rest,
                                       *(shift or (0,)), *rest, 0), ())
    return out


def flipped(x, dims):
    """x reversed along `dims` (numbers from 0), on the tape."""
    shift = tuple(int(d in dims) for d in range(x.ndim))
    return attach(remap(x, FLIP, tuple(x.shape), shift), (x,), flip_backward, args=(dims,))


def flip_backward(node, g):
    """The same turn brings the gradient back."""
    return flipped(g, node.args[0]),


def rolled(x, shift):
    """x moved by shift[d] along dimension d, round and round, on the tape."""
    return attach(remap(x, CIRCULAR, tuple(x.shape), shift), (x,), roll_backward, args=(shift,))


def roll_backward(node, g):
    """Moved back."""
    return rolled(g, tuple(-s for s in node.args[0])),


def tiled(x, times):
    """x laid side by side times[d] times along dimension d, on the tape."""
    shape = tuple(n * t for n, t in zip(x.shape, times))
    return attach(remap(x, CIRCULAR, shape, (0,) * x.ndim), (x,), tile_backward, args=(tuple(x.shape), times))


def tile_backward(node, g):
    """The gradients of all copies, added."""
    shape, times = node.args
    for d, (n, t) in enumerate(zip(shape, times)):
        if t != 1:
            outer, _, inner = split_at(tuple(g.shape), d)
            g = g.reshape(outer, t, n * inner).sum(1).reshape(*g.shape[:d], n, *g.shape[d + 1:])
    return g,


def padded(x, mode, pairs, value=None):
    """x with (before, after) elements added to each dimension (or cut off where negative), on the tape."""
    shape = tuple(n + left + right for n, (left, right) in zip(x.shape, pairs))
    y = remap(x, mode, shape, tuple(left for left, _ in pairs), value)
    return attach(y, (x,), pad_backward, args=(mode, pairs, tuple(x.shape)))


def pad_backward(node, g):
    """What was added is cut off, what was cut off gets zeros; what was added from the inside goes back there."""
    mode, pairs, shape = node.args
    if mode == CONSTANT:
        return padded(g, CONSTANT, tuple((-left, -right) for left, right in pairs)),
    for d in reversed(range(len(pairs))):
        left, right = pairs[d]
        if left or right:
            g = _returned(g, mode, d, left, right, shape[d])
    return g,


def _returned(g, mode, d, left, right, n):
    """The gradient before dimension d was padded: the middle of g, and the strips beside it added where they came from."""
    sides = [(0, 0)] * g.ndim
    sides[d] = -left, -right
    out = padded(g, CONSTANT, tuple(sides))
    for added, after in ((left, False), (right, True)):
        k = min(added, g.shape[d])
        if k <= 0:
            continue
        strip = g.narrow(d, g.shape[d] - k if after else 0, k)
        if mode == REFLECT:
            strip, at = flipped(strip, (d,)), n - 1 - added if after else added + 1 - k
        elif mode == REPLICATE:
            strip, at = strip.sum(d, True), n - 1 if after else 0
        else:
            at = 0 if after else n - k
        if is_grad_enabled():
            size = strip.shape[d]
            sides[d] = at, n - at - size
            out = out + padded(strip, CONSTANT, tuple(sides))
        else:
            out.narrow(d, at, strip.shape[d]).add_(strip)
    return out
