"""Long short-term memory: a whole sequence through all layers, or one step."""
from .._core import K_lstm, K_lstm_backward
from ._recurrent import Cell, cell_step, sequence
from .elementwise import sigmoid, tanh
from .joining import cat, chunk


def lstm(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first=False, batch_sizes=None):
    """Run a long short-term memory over sequences: what nn.LSTM computes.

    i, f, o = sigmoid(.), g = tanh(.) of x_t w_ih^T + b_ih + h_{t-1} w_hh^T + b_hh, cut in the order i, f, g, o
    c_t = f c_{t-1} + i g,  h_t = o tanh(c_t), with a projection h_t = w_hr (o tanh(c_t))

    Args:
        input: [L, N, I], or [N, L, I] if batch_first, or packed rows [rows, I] with batch_sizes; floating point
        hx: (h0 [layers D, N, K], c0 [layers D, N, H]), or None for zeros; D directions, K = H or the projection's size
        params: w_ih [4 H, I], w_hh [4 H, K], then b_ih, b_hh [4 H] if has_biases, then w_hr [K, H] if projected, for each
            layer and direction; from the second layer on I = D K
        dropout, train: probability of a zero between the layers, while training
        batch_sizes: [L] whole numbers: how many of the sequences, longest first, reach step t
    Returns: y [L, N, D K] (laid out as input), h_n and c_n as h0 and c0
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> w = [torch.zeros(8, 3), torch.zeros(8, 2)]
    >>> y, h, c = torch.lstm(torch.ones(5, 1, 3), None, w, False, 1, 0., False, False)
    >>> tuple(y.shape), tuple(h.shape), c.tolist()
    ((5, 1, 2), (1, 1, 2), [[[0.0, 0.0]]])

    Source: Hochreiter and Schmidhuber 1997; Gers et al. 2000; Sak et al. 2014 (projection).
    """
    return sequence(LSTM, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a long short-term memory: what nn.LSTMCell computes.

    Args:
        input: [N, I] or [I], floating point
        hx: (h, c), each [N, H] or [H], or None for zeros
        w_ih: [4 H, I]; w_hh: [4 H, H]; b_ih, b_hh: [4 H], or None
    Returns: the next (h, c); the formula is that of lstm
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> h, c = torch.lstm_cell(torch.ones(1, 3), None, torch.zeros(8, 3), torch.zeros(8, 2))
    >>> h.tolist()
    [[0.0, 0.0]]

    Source: Hochreiter and Schmidhuber 1997.
    """
    return tuple(cell_step(LSTM, input, hx, w_ih, w_hh, b_ih, b_hh))


def _forward(gx, gh, h, c):
    i, f, g, o = chunk(gx + gh, 4, 1)
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    new = f * c + i * g
    tc = tanh(new)
    return o * tc, new, (i, f, g, o, c, tc)


def _backward(dh, dc, kept):
    i, f, g, o, c, tc = kept
    dc = dc + dh * o * (1 - tc * tc)
    gates = cat([dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g * g), dh * tc * o * (1 - o)], 1)
    return gates, gates, None, dc * f


LSTM = Cell("lstm", 4, K_lstm, K_lstm_backward, 0, _forward, _backward)
