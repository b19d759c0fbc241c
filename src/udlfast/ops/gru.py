"""The gated recurrent unit: a whole sequence through all layers, or one step."""
from .._core import K_gru, K_gru_backward
from ._recurrent import Cell, cell_step, sequence
from .elementwise import sigmoid, tanh
from .joining import cat, chunk


def gru(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first=False, batch_sizes=None):
    """Run gated recurrent units over sequences: what nn.GRU computes.

    r, z = sigmoid(w_ih x_t + b_ih + w_hh h_{t-1} + b_hh),  n = tanh(w_in x_t + b_in + r (w_hn h_{t-1} + b_hn)),
    h_t = (1 - z) n + z h_{t-1}

    Args:
        input: [L, N, I], or [N, L, I] if batch_first, or packed rows [rows, I] with batch_sizes; floating point
        hx: h0 [layers D, N, H], or None for zeros; D directions
        params: w_ih [3 H, I], w_hh [3 H, H] in the order r, z, n, then b_ih, b_hh [3 H] if has_biases, for each layer and
            direction; from the second layer on I = D H
        dropout, train: probability of a zero between the layers, while training
        batch_sizes: [L] whole numbers: how many of the sequences, longest first, reach step t
    Returns: y [L, N, D H] (laid out as input), h_n as h0
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> y, h = torch.gru(torch.ones(5, 1, 3), None, [torch.zeros(6, 3), torch.zeros(6, 2)], False, 1, 0., False, False)
    >>> tuple(y.shape), h.tolist()
    ((5, 1, 2), [[[0.0, 0.0]]])

    Source: Cho et al. 2014, with the reset gate after the product.
    """
    return sequence(GRU, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a gated recurrent unit: what nn.GRUCell computes.

    Args:
        input: [N, I] or [I], floating point
        hx: h [N, H] or [H], or None for zeros
        w_ih: [3 H, I]; w_hh: [3 H, H]; b_ih, b_hh: [3 H], or None
    Returns: the next h; the formula is that of gru
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.gru_cell(torch.ones(1, 3), torch.ones(1, 2), torch.zeros(6, 3), torch.zeros(6, 2)).tolist()
    [[0.5, 0.5]]

    Source: Cho et al. 2014.
    """
    return cell_step(GRU, input, hx, w_ih, w_hh, b_ih, b_hh)[0]


def _forward(gx, gh, h, c):
    (xr, xz, xn), (hr, hz, q) = chunk(gx, 3, 1), chunk(gh, 3, 1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = tanh(xn + r * q)
    return n + z * (h - n), None, (r, z, n, q, h)


def _backward(dh, dc, kept):
    r, z, n, q, h = kept
    dn = dh * (1 - z) * (1 - n * n)
    dr, dz = dn * q * r * (1 - r), dh * (h - n) * z * (1 - z)
    return cat([dr, dz, dn], 1), cat([dr, dz, dn * r], 1), dh * z, None


GRU = Cell("gru", 3, K_gru, K_gru_backward, 0, _forward, _backward)
