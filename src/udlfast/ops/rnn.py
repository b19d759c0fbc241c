"""The simple recurrent network: a whole sequence through all layers, or one step; tanh or relu."""
from .._core import K_rnn, K_rnn_backward
from ._recurrent import Cell, cell_step, sequence
from .elementwise import relu, tanh


def rnn_tanh(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first=False, batch_sizes=None):
    """Run a simple recurrent network over sequences: what nn.RNN computes.

    h_t = tanh(w_ih x_t + b_ih + w_hh h_{t-1} + b_hh)

    Args:
        input: [L, N, I], or [N, L, I] if batch_first, or packed rows [rows, I] with batch_sizes; floating point
        hx: h0 [layers D, N, H], or None for zeros; D directions
        params: w_ih [H, I], w_hh [H, H], then b_ih, b_hh [H] if has_biases, for each layer and direction; from the second
            layer on I = D H
        dropout, train: probability of a zero between the layers, while training
        batch_sizes: [L] whole numbers: how many of the sequences, longest first, reach step t
    Returns: y [L, N, D H] (laid out as input), h_n as h0
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> y, h = torch.rnn_tanh(torch.ones(5, 1, 3), None, [torch.zeros(2, 3), torch.zeros(2, 2)], False, 1, 0., False, False)
    >>> tuple(y.shape), h.tolist()
    ((5, 1, 2), [[[0.0, 0.0]]])

    Source: Elman 1990.
    """
    return sequence(RNN_TANH, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)


def rnn_relu(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first=False, batch_sizes=None):
    """Run a simple recurrent network with relu over sequences; arguments and results as rnn_tanh.

    h_t = relu(w_ih x_t + b_ih + w_hh h_{t-1} + b_hh)

    >>> import udlfast as torch
    >>> w = [torch.ones(1, 1), torch.ones(1, 1)]
    >>> torch.rnn_relu(torch.ones(3, 1, 1), None, w, False, 1, 0., False, False)[0].flatten().tolist()
    [1.0, 2.0, 3.0]

    Source: Le, Jaitly and Hinton 2015.
    """
    return sequence(RNN_RELU, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes)


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a simple recurrent network: what nn.RNNCell computes.

    h' = tanh(w_ih x + b_ih + w_hh h + b_hh)

    Args:
        input: [N, I] or [I], floating point
        hx: h [N, H] or [H], or None for zeros
        w_ih: [H, I]; w_hh: [H, H]; b_ih, b_hh: [H], or None
    Returns: the next h
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.rnn_tanh_cell(torch.ones(1, 3), None, torch.zeros(2, 3), torch.zeros(2, 2)).tolist()
    [[0.0, 0.0]]

    Source: Elman 1990.
    """
    return cell_step(RNN_TANH, input, hx, w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a simple recurrent network with relu; arguments and result as rnn_tanh_cell.

    >>> import udlfast as torch
    >>> torch.rnn_relu_cell(torch.ones(1, 1), torch.ones(1, 1), torch.ones(1, 1), torch.ones(1, 1)).tolist()
    [[2.0]]

    Source: Le, Jaitly and Hinton 2015.
    """
    return cell_step(RNN_RELU, input, hx, w_ih, w_hh, b_ih, b_hh)[0]


def _forward(act):
    def forward(gx, gh, h, c):
        new = act(gx + gh)
        return new, None, new
    return forward


def _backward_tanh(dh, dc, h):
    g = dh * (1 - h * h)
    return g, g, None, None


def _backward_relu(dh, dc, h):
    g = dh * (h > 0).to(dh.dtype)
    return g, g, None, None


RNN_TANH = Cell("rnn_tanh", 1, K_rnn, K_rnn_backward, 0, _forward(tanh), _backward_tanh)
RNN_RELU = Cell("rnn_relu", 1, K_rnn, K_rnn_backward, 1, _forward(relu), _backward_relu)  # 1: UDL_ACT_RELU
