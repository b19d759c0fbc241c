"""What lstm, gru and rnn share: checks, the layers one after the other, the call of the kernel and its gradient rule.

Axis letters: L steps, N sequences, I input size, H hidden size, K size of h (H, or that of the projection), D directions,
G gates. Sequences of different lengths lie packed: rows [sum of batch_sizes, I], step after step.
"""
import dataclasses
from collections.abc import Callable

from .. import _core
from .._core import attach, call, empty, float32, is_grad_enabled, zeros
from ..errors import ArgumentError, ShapeError
from . import _autocast
from ._common import floating, index_tensor, same_type
from .dropout import dropout as drop
from .joining import cat, stack


@dataclasses.dataclass(frozen=True)
class Cell:
    """A kind of recurrent cell."""
    name: str
    gates: int
    kernel: int
    kernel_backward: int
    act: int
    forward: Callable   # (gates of x, gates of h, h, c) -> h, c, kept; from differentiable operations
    backward: Callable  # (dh, dc, kept) -> gradients of gates of x, of gates of h, of h itself, of c

    @property
    def has_c(self):
        return self.name.startswith("lstm")


@dataclasses.dataclass(frozen=True)
class Shape:
    """The sizes of one layer."""
    L: int
    N: int
    I: int  # noqa: E741
    H: int
    P: int
    D: int
    rows: int

    @property
    def K(self):
        return self.P or self.H


def sequence(cell, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes):
    """All layers: (y, hn) or (y, hn, cn)."""
    D = 2 if bidirectional else 1
    per = (4 if has_biases else 2) + (cell.has_c and _projected(params, num_layers * D, has_biases))
    if _autocast.ON:
        (input,), params = _autocast.low(input), list(_autocast.low(*params))
        hx = hx if hx is None else _autocast.low(*hx) if cell.has_c else _autocast.low(hx)[0]
    states = _check(cell, input, hx, params, per, num_layers, D, batch_first, batch_sizes)
    if input.dtype.narrow:
        wide = [s.to(float32) for s in states]
        wide = None if hx is None else wide if cell.has_c else wide[0]
        out = _autocast.paused(sequence, cell, input.to(float32), wide, [p.to(float32) for p in params], has_biases, num_layers,
                               dropout, train, bidirectional, batch_first, batch_sizes)
        return tuple(t.to(input.dtype) for t in out)
    packed, x = batch_sizes is not None, input
    if batch_first and not packed:
        x = x.transpose(0, 1)
    last = []
    for layer in range(num_layers):
        if layer and train and dropout > 0:
            x = drop(x, dropout)
        weights = []
        for d in range(D):
            w = list(params[(layer * D + d) * per:(layer * D + d + 1) * per])
            weights += [*w[:2], *(w[2:4] if has_biases else (None, None)), w[-1] if per % 2 else None]
        mine = states if num_layers == 1 else [s.narrow(0, layer * D, D) for s in states]
        x, *ends = _layer(cell, x, batch_sizes, mine[0], mine[1] if cell.has_c else None, weights)
        last.append(ends)
    if batch_first and not packed:
        x = x.transpose(0, 1)
    return x, *(s[0] if num_layers == 1 else cat(list(s), 0) for s in zip(*last, strict=True))


def _projected(params, n, has_biases):
    """1 if the parameters of n layers and directions hold a projection each."""
    return int(len(params) == n * ((4 if has_biases else 2) + 1))


def _check(cell, input, hx, params, per, num_layers, D, batch_first, batch_sizes):
    """[h0] or [h0, c0], zeros if hx is None; refuses what does not fit."""
    op, n = cell.name, num_layers * D
    states = [] if hx is None else list(hx) if cell.has_c else [hx]
    floating(op, input)
    if hx is not None and len(states) != 1 + cell.has_c:
        raise ArgumentError(f"{op}: expected hx = (h0, c0), got {len(states)} tensors")
    if len(params) != n * per:
        raise ArgumentError(f"{op}: {num_layers} layers in {D} direction(s) need {n} times {per} parameters, got {len(params)}")
    for p in (*params, *states):
        same_type(op, input, p, "parameters and initial states")
    if batch_sizes is None:
        if input.dim() != 3:
            raise ShapeError(f"{op}: expected input {'[N, L, I]' if batch_first else '[L, N, I]'}, got {list(input.shape)}")
        L, N, I = input.shape  # noqa: E741
        if batch_first:
            L, N = N, L
        if L == 0:
            raise ShapeError(f"{op}: expected at least one step, got input {list(input.shape)} with none")
    else:
        if input.dim() != 2:
            raise ShapeError(f"{op}: expected packed input [rows, I], got {list(input.shape)}")
        rows, I = input.shape  # noqa: E741
        N = check_batch_sizes(op, batch_sizes, rows)
    G, H = cell.gates, params[0].size(0) // cell.gates
    K = params[1].size(1) if per % 2 and params[1].dim() == 2 else H
    for i in range(n):
        w_ih, w_hh, *rest = params[i * per:(i + 1) * per]
        want = [(w_ih, "w_ih", (G * H, I if i < D else D * K)), (w_hh, "w_hh", (G * H, K))]
        want += list(zip(rest, ("b_ih", "b_hh"), ((G * H,),) * 2, strict=False)) if len(rest) > 1 else []
        want += [(rest[-1], "w_hr", (K, H))] if per % 2 else []
        for t, name, shape in want:
            if tuple(t.shape) != shape:
                raise ShapeError(f"{op}: expected {name} {list(shape)} in layer {i // D} for input {list(input.shape)} and "
                                 f"{H} hidden units, got {list(t.shape)}")
    for s, name, size in zip(states, ("h0", "c0"), (K, H), strict=False):
        if tuple(s.shape) != (n, N, size):
            raise ShapeError(f"{op}: expected {name} [{n}, {N}, {size}] (layers times directions, sequences, units), "
                             f"got {list(s.shape)}")
    return states or [zeros((n, N, size), dtype=input.dtype) for size in (K, H)[:1 + cell.has_c]]


def check_batch_sizes(op, batch_sizes, rows):
    """The number of sequences; refuse sizes that rise or do not add up to the rows."""
    sizes = index_tensor(op, batch_sizes, "batch_sizes").tolist()
    if not sizes or min(sizes) < 1 or any(b > a for a, b in zip(sizes, sizes[1:], strict=False)):
        raise ArgumentError(f"{op}: batch_sizes must be positive and must not rise, got {sizes[:20]}")
    if sum(sizes) != rows:
        raise ShapeError(f"{op}: batch_sizes add up to {sum(sizes)}, but the packed input has {rows} rows")
    return sizes[0]


def cell_step(cell, input, hx, w_ih, w_hh, b_ih, b_hh):
    """One step [N, I] or [I]: (h,) or (h, c)."""
    op = cell.name + "_cell"
    floating(op, input)
    states = [] if hx is None else list(hx) if cell.has_c else [hx]
    if input.dim() not in (1, 2) or any(s.dim() != input.dim() for s in states):
        raise ShapeError(f"{op}: expected input [N, I] and hidden states [N, H], or [I] and [H], got input {list(input.shape)} "
                         f"and {', '.join(str(list(s.shape)) for s in states)}")
    if (b_ih is None) != (b_hh is None):
        raise ArgumentError(f"{op}: give both b_ih and b_hh, or neither")
    single = input.dim() == 1
    x = input.reshape(1, *((1,) if single else ()), *input.shape)
    states = [s.reshape(1, *((1,) if single else ()), *s.shape) for s in states]
    params = [w_ih, w_hh] if b_ih is None else [w_ih, w_hh, b_ih, b_hh]
    hx = None if hx is None else states if cell.has_c else states[0]
    _, *out = sequence(cell, x, hx, params, b_ih is not None, 1, 0.0, False, False, False, None)
    return [t.reshape(t.shape[2:] if single else t.shape[1:]) for t in out]


# ---- one layer ------------------------------------------------------------------------------------------------------------
def _layer(cell, x, sizes, h0, c0, weights):
    """(y, hn) or (y, hn, cn) of x [L, N, I], or of [rows, I] with `sizes`; weights: w_ih, w_hh, b_ih, b_hh, w_hr a direction."""
    x, h0, c0 = x.contiguous(), h0.contiguous(), None if c0 is None else c0.contiguous()
    weights = tuple([None if w is None else w.contiguous() for w in weights])
    w_hr, D, dtype = weights[4], len(weights) // 5, x.dtype
    H, (*lead, I), N = weights[0].size(0) // cell.gates, x.shape, h0.size(1)  # noqa: E741
    L, rows = (lead[0], lead[0] * N) if sizes is None else (sizes.numel(), lead[0])
    s = Shape(L, N, I, H, 0 if w_hr is None else w_hr.size(0), D, rows)
    inputs = (x, h0, c0, *weights)
    keep = is_grad_enabled() and any([t is not None and t.requires_grad for t in inputs])
    y, hn = empty((*lead, D * s.K), dtype), empty((D, N, s.K), dtype)
    cn = empty((D, N, H), dtype) if cell.has_c else None
    gates = empty((D, rows, 4 * H), dtype) if cell.gates > 1 and keep else None
    cells = empty((D, rows, 2 * H), dtype) if cell.has_c and keep else None
    m = empty((D, rows, H), dtype) if s.P else None
    call(cell.kernel, (y, hn, cn, gates, cells, m, x, h0, c0, sizes, *_each(weights, (0, 1, 2, 3, 4))),
         (dtype.code, L, N, s.I, H, s.P, D, rows, cell.act, 0))
    out = (y, hn, cn) if cell.has_c else (y, hn)
    if not keep:
        return out
    return attach(out, inputs, _backward, saved=(*inputs, y, gates, cells, m, sizes), args=(cell, s))


def _each(weights, kinds):
    """The weights of each kind, first of direction 0, then of direction 1 (or None)."""
    both = weights if len(weights) == 10 else (*weights, *[None] * 5)
    return [both[k + 5 * d] for k in kinds for d in (0, 1)]


def _backward(node, gy, ghn, gcn=None):
    x, h0, c0, *rest = node.saved
    cell, s = node.args
    n = 5 * s.D
    weights, (y, gates, cells, m, sizes) = tuple(rest[:n]), rest[n:]
    if is_grad_enabled():
        return _recorded(cell, s, x, h0, c0, weights, sizes, gy, ghn, gcn)
    gy, ghn, gcn = [None if g is None else g.contiguous() for g in (gy, ghn, gcn)]
    gx = _core.empty_like(x) if node.needs(0) else None
    gh0, gc0 = _core.empty_like(h0), None if c0 is None else _core.empty_like(c0)
    grads = [_core.empty_like(w) if node.needs(3 + i) else None for i, w in enumerate(weights)]
    call(cell.kernel_backward,
         (gx, gh0, gc0, *_each(grads, (0, 1, 2, 3, 4)), gy, ghn, gcn, x, y, h0, gates, cells, m, sizes,
          *_each(weights, (0, 1, 4))), (x.dtype.code, s.L, s.N, s.I, s.H, s.P, s.D, s.rows, cell.act + 256 * (not node.needs(1))))
    return gx, gh0 if node.needs(1) else None, gc0 if node.needs(2) else None, *grads


# ---- the same from differentiable operations, for gradients of gradients ------------------------------------------------------
def _recorded(cell, s, x, h0, c0, weights, sizes, gy, ghn, gcn):
    """Runs forward again with every operation on the tape, then back step by step."""
    sizes = [s.N] * s.L if sizes is None else sizes.tolist()
    first = [sum(sizes[:t]) for t in range(s.L)]
    X = x.reshape(s.rows, s.I)
    GY = None if gy is None else gy.reshape(s.rows, s.D * s.K)
    gx, gh0, gc0, grads = None, [], [], []
    for d in range(s.D):
        w = weights[5 * d:5 * d + 5]
        order = range(s.L) if d == 0 else range(s.L - 1, -1, -1)
        steps = [(first[t], sizes[t]) for t in order]
        kept = _walk_forward(cell, steps, X, h0[d], None if c0 is None else c0[d], w)
        dh = zeros((s.N, s.K), dtype=x.dtype) if ghn is None else ghn[d]
        dc = None if c0 is None else zeros((s.N, s.H), dtype=x.dtype) if gcn is None else gcn[d]
        mine = None if GY is None else GY[:, d * s.K:(d + 1) * s.K]
        one, dh, dc, mats = _walk_back(cell, steps, kept, X, mine, dh, dc, w)
        gx = one if gx is None else gx + one
        gh0.append(dh), gc0.append(dc), grads.extend(mats)
    return gx.reshape(x.shape), stack(gh0), None if c0 is None else stack(gc0), *grads


def _patch(old, new, n):
    """old with its first n rows replaced."""
    return new if n == old.shape[0] else cat([new, old[n:]], 0)


def _walk_forward(cell, steps, X, h, c, w):
    w_ih, w_hh, b_ih, b_hh, w_hr = w
    kept = []
    for at, n in steps:
        before = h[:n]
        gx, gh = _core.linear(X[at:at + n], w_ih, b_ih), _core.linear(before, w_hh, b_hh)
        new, c_new, parts = cell.forward(gx, gh, before, None if c is None else c[:n])
        kept.append((before, parts, new))
        h = _patch(h, new if w_hr is None else new @ w_hr.t(), n)
        c = None if c is None else _patch(c, c_new, n)
    return kept


def _walk_back(cell, steps, kept, X, gy, dh, dc, w):
    """gx, gh0, gc0 and the gradients of the five weights, for one direction."""
    w_ih, w_hh, b_ih, b_hh, w_hr = w
    rows, sums = [], [None] * 5
    for (at, n), (before, parts, m) in zip(reversed(steps), reversed(kept), strict=True):
        g = dh[:n] if gy is None else dh[:n] + gy[at:at + n]
        dm = g if w_hr is None else g @ w_hr
        dgx, dgh, direct, dc_new = cell.backward(dm, None if dc is None else dc[:n], parts)
        back = dgh @ w_hh
        dh = _patch(dh, back if direct is None else back + direct, n)
        dc = None if dc is None else _patch(dc, dc_new, n)
        rows.append((at, dgx @ w_ih))
        parts = [dgx.t() @ X[at:at + n], dgh.t() @ before, None if b_ih is None else dgx.sum(0),
                 None if b_hh is None else dgh.sum(0), None if w_hr is None else g.t() @ m]
        sums = [p if s is None else s + p for s, p in zip(sums, parts, strict=True)]
    return cat([g for _, g in sorted(rows, key=lambda r: r[0])], 0), dh, dc, sums
