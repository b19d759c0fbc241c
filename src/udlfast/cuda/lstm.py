"""An LSTM layer over sequences, in one direction or two, and its gradients; formulas of csrc/args.h, with i, f, g, o as PyTorch has them.

Forward: the products of all steps with w_ih at once; then a step is one product with w_hh, added to it, and one launch of the cell.
Backward: a step is one launch of the cell's gradient and one product with w_hh; the weights' gradients are single products over all steps.
Floor of a step: w_hh once (4 H^2 numbers) over the bandwidth of the L2 cache, or 8 N H^2 operations, whichever is longer.
Sequences of different lengths (batch_sizes) and projections are computed by the CPU.
"""

import functools

import numpy as np
from numba import cuda

from .. import _core
from . import _tiles
from . import reduce as reduction
from ._driver import FLOATS, count_up, grid, kernel, launch, pick, scratch
from ._math import exp, tanh
from .matmul import kernel_of


@functools.cache
def cell_kernel(number, last):
    """One step of one direction: activates the gates of rows `row` .., moves c, writes h. last: also hn and cn."""
    one = number(1)

    def run(y, gates, cells, c, hn, cn, n, H, row, width, column):
        for e in range(cuda.grid(1), n * H, cuda.gridsize(1)):
            r, j = row + e // H, e % H
            at = r * 4 * H + j
            i, f = one / (one + exp(-gates[at])), one / (one + exp(-gates[at + H]))
            g, o = tanh(gates[at + 2 * H]), one / (one + exp(-gates[at + 3 * H]))
            before = c[e]
            now = f * before + i * g
            t = tanh(now)
            h = o * t
            gates[at], gates[at + H], gates[at + 2 * H], gates[at + 3 * H] = i, f, g, o
            cells[r * 2 * H + j] = before
            cells[r * 2 * H + H + j] = t
            c[e] = now
            y[r * width + column + j] = h
            if last:
                hn[e] = h
                cn[e] = now

    return kernel(run)


@functools.cache
def cell_backward_kernel(number, has_gy):
    """The gradient of one step: of the gates before their activation; dc moves to the step before."""
    one = number(1)

    def run(dg, dh, dc, gy, gates, cells, n, H, row, width, column):
        for e in range(cuda.grid(1), n * H, cuda.gridsize(1)):
            r, j = row + e // H, e % H
            at = r * 4 * H + j
            i, f, g, o = gates[at], gates[at + H], gates[at + 2 * H], gates[at + 3 * H]
            before, t = cells[r * 2 * H + j], cells[r * 2 * H + H + j]
            up = dh[e]
            if has_gy:
                up += gy[r * width + column + j]
            d = dc[e] + up * o * (one - t * t)
            dg[at] = d * g * i * (one - i)
            dg[at + H] = d * before * f * (one - f)
            dg[at + 2 * H] = d * i * (one - g * g)
            dg[at + 3 * H] = up * t * o * (one - o)
            dc[e] = d * f

    return kernel(run)


class Place:
    """Numbers in device memory from an element on."""

    def __init__(self, block, offset, number):
        self.block, self.offset, self.number, self.size = block, offset, number, np.dtype(number).itemsize

    def __add__(self, elements):
        return Place(self.block, self.offset + elements * self.size, self.number)

    @property
    def array(self):
        return self.block.view(self.offset, self.number)

    @property
    def is_aligned(self):
        return self.offset % (4 * self.size) == 0

    @classmethod
    def of(cls, tensor, number):
        """Of a tensor; None for None."""
        return None if tensor is None else cls(*_core.block_of(tensor), number)

    @classmethod
    def new(cls, n, number):
        """Of a new block, which it holds."""
        return cls(scratch(n, number)[0], 0, number)

    def take(self, source, n):
        """Copy n numbers from a place, or zeros."""
        if source is None:
            self.block.zero(self.offset, n * self.size)
        else:
            self.array[:n].copy_to_device(source.array[:n])


def product(code, out, a, b, m, n, k, a_m, a_k, b_k, b_n, ldo, bias=None, add=False):
    """out[m, n] (+)= a b + bias on the tiles of matmul, at places in device memory."""
    if not m * n * k:
        return
    way_a = "k" if a_k == 1 and k % 4 == 0 and a_m % 4 == 0 and a.is_aligned else (
        "m" if a_m == 1 and m % 4 == 0 and a_k % 4 == 0 and a.is_aligned else "s")  # fmt: skip
    way_b = "n" if b_n == 1 and n % 4 == 0 and b_k % 4 == 0 and b.is_aligned else (
        "k" if b_k == 1 and k % 4 == 0 and b_n % 4 == 0 and b.is_aligned else "s")  # fmt: skip
    number, o = FLOATS[code], out.array
    p = (m, n, k, 1, 1, 0, a_m, a_k, 0, b_k, b_n, 0, ldo, int(n % 4 == 0 and ldo % 4 == 0 and out.is_aligned))
    launch(kernel_of(code, way_a, way_b, 0, 0 if bias is None else 1, False, add), (count_up(n, _tiles.BN), count_up(m, _tiles.BM), 1),
           _tiles.THREADS, o, a.array, b.array, o if bias is None else bias.array, o, p, number(1), number(1 if add else 0))  # fmt: skip


def lstm(tensors, ints, floats):
    """The body of udl_lstm."""
    code, L, N, I, H, P, D, rows, _, _ = ints  # noqa: E741
    if code not in FLOATS or tensors[9] is not None or P or 0 in (L, N, I, H):
        return False
    number = FLOATS[code]
    y, hn, cn, gates, cells, _, x, h0, c0, _, *weights = (Place.of(t, number) for t in tensors)
    threads = pick(256, 4)
    for d in range(D):
        w_ih, w_hh, b_ih, b_hh = (weights[2 * k + d] for k in range(4))
        g = Place.new(rows * 4 * H, number) if gates is None else gates + d * rows * 4 * H
        kept = Place.new(rows * 2 * H, number) if cells is None else cells + d * rows * 2 * H
        c = Place.new(N * H, number)
        c.take(None if c0 is None else c0 + d * N * H, N * H)
        product(code, g, x, w_ih, rows, 4 * H, I, I, 1, 1, I, 4 * H, b_ih)
        for t in range(L):
            time = L - 1 - t if d else t
            row, before = time * N, (time + 1 if d else time - 1) * N
            h, stride = (h0, H) if t == 0 else (y, D * H)
            if h is not None:
                at = h + (d * N * H if t == 0 else before * D * H + d * H)
                product(code, g + row * 4 * H, at, w_hh, N, 4 * H, H, stride, 1, 1, H, 4 * H, b_hh, True)
            elif b_hh is not None:
                zeros = Place.new(N * H, number)
                zeros.take(None, N * H)
                product(code, g + row * 4 * H, zeros, w_hh, N, 4 * H, H, H, 1, 1, H, 4 * H, b_hh, True)
            ends = (hn + d * N * H).array, (cn + d * N * H).array
            launch(
                cell_kernel(number, t == L - 1), grid(N * H), threads, y.array, g.array, kept.array, c.array, *ends, N, H, row, D * H, d * H
            )
    return True


def lstm_backward(tensors, ints, floats):
    """The body of udl_lstm_backward."""
    code, L, N, I, H, P, D, rows, _ = ints  # noqa: E741
    if code not in FLOATS or tensors[22] is not None or P or 0 in (L, N, I, H):
        return False
    number = FLOATS[code]
    places = [Place.of(t, number) for t in tensors]
    gx, gh0, gc0, outs = places[0], places[1], places[2], places[3:13]
    gy, ghn, gcn, x, y, h0, gates, cells = places[13:21]
    weights = places[23:]
    threads = pick(256, 4)
    for d in range(D):
        gw_ih, gw_hh, gb_ih, gb_hh = (outs[2 * k + d] for k in range(4))
        w_ih, w_hh = weights[d], weights[2 + d]
        g, kept, dg = gates + d * rows * 4 * H, cells + d * rows * 2 * H, Place.new(rows * 4 * H, number)
        dh, dc = Place.new(N * H, number), Place.new(N * H, number)
        dh.take(None if ghn is None else ghn + d * N * H, N * H)
        dc.take(None if gcn is None else gcn + d * N * H, N * H)
        up = dg if gy is None else gy
        for t in reversed(range(L)):
            row = (L - 1 - t if d else t) * N
            launch(cell_backward_kernel(number, gy is not None), grid(N * H), threads, dg.array, dh.array, dc.array, up.array, g.array,
                   kept.array, N, H, row, D * H, d * H)  # fmt: skip
            product(code, dh, dg + row * 4 * H, w_hh, N, H, 4 * H, 4 * H, 1, H, 1, H)
        for out, value in ((gh0, dh), (gc0, dc)):
            if out is not None:
                (out + d * N * H).take(value, N * H)
        if gw_ih is not None:
            product(code, gw_ih, dg, x, 4 * H, I, rows, 1, 4 * H, I, 1, I)
        if gw_hh is not None:
            _weight_hh(code, gw_hh, dg, y, None if h0 is None else h0 + d * N * H, L, N, H, D, d)
        for out in (gb_ih, gb_hh):
            if out is not None:
                reduction.run(reduction.SUM, out.array, dg.array, number, 1, rows, 4 * H)
        if gx is not None:
            product(code, gx, dg, w_ih, rows, I, 4 * H, 4 * H, 1, I, 1, I, None, d == 1)
    return True


def _weight_hh(code, out, dg, y, h0, L, N, H, D, d):
    """gw_hh: the gates' gradients by h of the step before: h0 in the first step, rows of y in the others."""
    first = (L - 1) * N if d else 0
    later, before = (0, N) if d else (N, 0)  # rows of gates of the other steps, and of y one step before them
    out.take(None, 4 * H * H)
    product(code, out, dg + later * 4 * H, y + (before * D * H + d * H), 4 * H, H, (L - 1) * N, 1, 4 * H, D * H, 1, H, None, True)
    if h0 is not None:
        product(code, out, dg + first * 4 * H, h0, 4 * H, H, N, 1, 4 * H, H, 1, H, None, True)
