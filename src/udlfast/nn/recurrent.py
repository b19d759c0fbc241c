"""Recurrent layers over sequences, and their cells for one step."""

import math
import warnings

from .. import errors
from ..ops.gru import gru, gru_cell
from ..ops.lstm import lstm, lstm_cell
from ..ops.rnn import rnn_relu, rnn_relu_cell, rnn_tanh, rnn_tanh_cell
from . import init
from ._new import parameter
from .module import Module

__all__ = ["RNNBase", "RNN", "LSTM", "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"]

_OPS = {"LSTM": lstm, "GRU": gru, "RNN_TANH": rnn_tanh, "RNN_RELU": rnn_relu}
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What RNN, LSTM and GRU share; PyTorch's arguments, attributes and names of parameters."""

    def __init__(self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0,
                 bidirectional=False, proj_size=0, device=None, dtype=None):
        super().__init__()
        self.mode = mode
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._check_arguments(dropout)
        errors.check_repeats(f"{type(self).__name__}: num_layers", num_layers)
        D, K, G = 2 if bidirectional else 1, proj_size or hidden_size, _GATES[mode]
        self._flat_weights_names, self._all_weights = [], []
        for layer in range(num_layers):
            for d in range(D):
                shapes = {"weight_ih": (G * hidden_size, input_size if layer == 0 else D * K), "weight_hh": (G * hidden_size, K)}
                if bias:
                    shapes.update(bias_ih=(G * hidden_size,), bias_hh=(G * hidden_size,))
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                names = [f"{name}_l{layer}{'_reverse' if d else ''}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    self.register_parameter(name, parameter(shape, dtype, device))
                self._all_weights.append(names)
                self._flat_weights_names += names
        self.reset_parameters()

    def _check_arguments(self, dropout):
        name = type(self).__name__
        for what, least in (("input_size", 0), ("hidden_size", 1), ("num_layers", 1), ("proj_size", 0)):
            value = getattr(self, what)
            if not isinstance(value, int) or isinstance(value, bool):
                raise errors.DTypeError(f"{name}: {what} should be of type int, got: {type(value).__name__}")
            if value < least:
                raise errors.ArgumentError(f"{name}: {what} must be {'greater than zero' if least else 'at least 0'}, got {value}")
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise errors.ArgumentError(f"{name}: dropout should be a number in range [0, 1] representing the probability of an "
                                       f"element being zeroed, got {dropout!r}")
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(f"dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                          f"num_layers greater than 1, but got dropout={dropout} and num_layers=1", stacklevel=4)
        if self.proj_size >= self.hidden_size:
            raise errors.ArgumentError(f"{name}: proj_size has to be smaller than hidden_size, got {self.proj_size} and "
                                       f"{self.hidden_size}")

    def reset_parameters(self):
        """Draws all parameters anew from U(-k, k), k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def flatten_parameters(self):
        """Nothing to do here; accepted for compatibility."""

    @property
    def _flat_weights(self):
        values = self.__dict__
        return [values[name] for name in self._flat_weights_names]

    @property
    def all_weights(self):
        """The parameters of each layer and direction as lists."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def forward(self, input, hx=None):
        from .utils.rnn import PackedSequence

        if isinstance(input, PackedSequence):
            data, sizes, order, back = input
            y, state = self._run(data, self._permuted(hx, order), sizes)
            return PackedSequence(y, sizes, order, back), self._permuted(state, back)
        name, dims = type(self).__name__, input.dim()
        if dims not in (2, 3):
            raise errors.ShapeError(f"{name}: Expected input to be 2D or 3D, got {dims}D {list(input.shape)} instead")
        if input.shape[-1] != self.input_size:
            raise errors.ShapeError(f"{name}: input.size(-1) must be equal to input_size. Expected {self.input_size}, got "
                                    f"{input.shape[-1]} in input {list(input.shape)}")
        if dims == 3:
            if hx is not None:
                self._check_dims(hx, 3, "batched 3-D")
            return self._run(input, hx, None)
        batch = 0 if self.batch_first else 1
        if hx is not None:
            self._check_dims(hx, 2, "unbatched 2-D")
            hx = self._each(hx, lambda t: t.unsqueeze(1))
        y, state = self._run(input.unsqueeze(batch), hx, None)
        return y.squeeze(batch), self._each(state, lambda t: t.squeeze(1))

    def _each(self, state, function):
        return tuple(function(t) for t in state) if self.mode == "LSTM" else function(state)

    def _permuted(self, state, order):
        return state if order is None or state is None else self._each(state, lambda t: t.index_select(1, order))

    def _check_dims(self, hx, n, what):
        states = hx if self.mode == "LSTM" else (hx,)
        got = [t.dim() for t in states]
        if any(d != n for d in got):
            raise errors.ShapeError(f"{type(self).__name__}: For {what} input, {'hx and cx' if len(got) > 1 else 'hx'} should "
                                    f"also be {n}-D but got {got}-D tensors")

    def _run(self, input, hx, batch_sizes):
        y, *state = _OPS[self.mode](input, hx, self._flat_weights, self.bias, self.num_layers, self.dropout, self.training,
                                    self.bidirectional, self.batch_first, batch_sizes)
        return y, tuple(state) if self.mode == "LSTM" else state[0]

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        shown = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        return text + "".join(f", {k}={getattr(self, k)}" for k, v in shown.items() if getattr(self, k) != v)


class RNN(RNNBase):
    """A simple recurrent network over sequences.

    h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh), or relu; the h_t of a layer are the x_t of the next.

    Arguments:
        input_size, hidden_size: I and H.
        num_layers: layers one above the other.
        nonlinearity: "tanh" or "relu".
        bias: whether to add the biases.
        batch_first: input and output are [N, L, *] instead of [L, N, *]; the states stay as they are.
        dropout: probability of a zero between the layers, while training.
        bidirectional: a second network runs from the end; D = 2 instead of 1.
        Parameters: weight_ih_l[k] [H, I or D H], weight_hh_l[k] [H, H], bias_ih_l[k], bias_hh_l[k] [H], and the same with
        _reverse; all start from U(-1/sqrt(H), 1/sqrt(H)).
        Called with input [L, N, I], [L, I] or a PackedSequence, and h_0 [num_layers D, N, H] (zeros if left out); gives
        output [L, N, D H] and h_n as h_0.

    Example:
        >>> import udlfast as torch
        >>> y, h = torch.nn.RNN(10, 20, 2)(torch.randn(5, 3, 10))
        >>> tuple(y.shape), tuple(h.shape)
        ((5, 3, 20), (2, 3, 20))

    Source: Elman 1990.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
                 bidirectional=False, device=None, dtype=None):
        if nonlinearity not in ("tanh", "relu"):
            raise errors.ArgumentError(f"RNN: Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'.")
        self.__dict__["nonlinearity"] = nonlinearity
        super().__init__("RNN_" + nonlinearity.upper(), input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, 0, device, dtype)


class LSTM(RNNBase):
    """A long short-term memory over sequences.

    i, f, o = sigmoid, g = tanh of x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh, cut in the order i, f, g, o;
    c_t = f c_{t-1} + i g;  h_t = o tanh(c_t), or its projection W_hr (o tanh(c_t))

    Arguments:
        input_size, hidden_size: I and H.
        num_layers, bias, batch_first, dropout, bidirectional: as in RNN.
        proj_size: size K of h if h is projected, 0 for none (then K = H).
        Parameters: weight_ih_l[k] [4 H, I or D K], weight_hh_l[k] [4 H, K], bias_ih_l[k], bias_hh_l[k] [4 H],
        weight_hr_l[k] [K, H], and the same with _reverse; all start from U(-1/sqrt(H), 1/sqrt(H)).
        Called with input [L, N, I], [L, I] or a PackedSequence, and (h_0 [num_layers D, N, K], c_0 [num_layers D, N, H])
        (zeros if left out); gives output [L, N, D K] and (h_n, c_n).

    Example:
        >>> import udlfast as torch
        >>> y, (h, c) = torch.nn.LSTM(10, 20, 2, bidirectional=True)(torch.randn(5, 3, 10))
        >>> tuple(y.shape), tuple(h.shape)
        ((5, 3, 40), (4, 3, 20))

    Source: Hochreiter and Schmidhuber 1997; Gers et al. 2000; Sak et al. 2014 (projection).
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
                 proj_size=0, device=None, dtype=None):
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size,
                         device, dtype)


class GRU(RNNBase):
    """Gated recurrent units over sequences.

    r, z = sigmoid(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh);  n = tanh(x_t W_in^T + b_in + r (h_{t-1} W_hn^T + b_hn));
    h_t = (1 - z) n + z h_{t-1}

    Arguments:
        input_size, hidden_size: I and H.
        num_layers, bias, batch_first, dropout, bidirectional: as in RNN.
        Parameters: weight_ih_l[k] [3 H, I or D H], weight_hh_l[k] [3 H, H], bias_ih_l[k], bias_hh_l[k] [3 H], in the order
        r, z, n, and the same with _reverse; all start from U(-1/sqrt(H), 1/sqrt(H)).
        Called as RNN, with the same results.

    Example:
        >>> import udlfast as torch
        >>> y, h = torch.nn.GRU(10, 20, batch_first=True)(torch.randn(3, 5, 10))
        >>> tuple(y.shape), tuple(h.shape)
        ((3, 5, 20), (1, 3, 20))

    Source: Cho et al. 2014.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
                 device=None, dtype=None):
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)


class RNNCellBase(Module):
    """What RNNCell, LSTMCell and GRUCell share."""

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        if hidden_size < 1 or input_size < 0:
            raise errors.ArgumentError(f"{type(self).__name__}: expected input_size of at least 0 and hidden_size of at least 1, "
                                       f"got {input_size} and {hidden_size}")
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.weight_ih = parameter((num_chunks * hidden_size, input_size), dtype, device)
        self.weight_hh = parameter((num_chunks * hidden_size, hidden_size), dtype, device)
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, parameter((num_chunks * hidden_size,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draws all parameters anew from U(-k, k), k = 1 / sqrt(hidden_size)."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def _step(self, function, input, hx):
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise errors.ShapeError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D {list(input.shape)} instead")
        if input.shape[-1] != self.input_size:
            raise errors.ShapeError(f"{name}: expected input [N, {self.input_size}] or [{self.input_size}], got {list(input.shape)}")
        return function(input, hx, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of a simple recurrent network.

    h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu

    Arguments:
        input_size, hidden_size: I and H; bias: whether to add the biases; nonlinearity: "tanh" or "relu".
        Parameters: weight_ih [H, I], weight_hh [H, H], bias_ih, bias_hh [H], from U(-1/sqrt(H), 1/sqrt(H)).
        Called with input [N, I] or [I] and h [N, H] or [H] (zeros if left out); gives the next h.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.RNNCell(10, 20)(torch.randn(3, 10)).shape)
        (3, 20)

    Source: Elman 1990.
    """

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        if nonlinearity not in ("tanh", "relu"):
            raise errors.ArgumentError(f"RNNCell: Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'.")
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        return self._step(rnn_tanh_cell if self.nonlinearity == "tanh" else rnn_relu_cell, input, hx)


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory; the formula is that of LSTM.

    Arguments:
        input_size, hidden_size: I and H; bias: whether to add the biases.
        Parameters: weight_ih [4 H, I], weight_hh [4 H, H], bias_ih, bias_hh [4 H], from U(-1/sqrt(H), 1/sqrt(H)).
        Called with input [N, I] or [I] and (h, c), each [N, H] or [H] (zeros if left out); gives the next (h, c).

    Example:
        >>> import udlfast as torch
        >>> h, c = torch.nn.LSTMCell(10, 20)(torch.randn(3, 10))
        >>> tuple(h.shape), tuple(c.shape)
        ((3, 20), (3, 20))

    Source: Hochreiter and Schmidhuber 1997.
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return self._step(lstm_cell, input, hx)


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit; the formula is that of GRU.

    Arguments:
        input_size, hidden_size: I and H; bias: whether to add the biases.
        Parameters: weight_ih [3 H, I], weight_hh [3 H, H], bias_ih, bias_hh [3 H], from U(-1/sqrt(H), 1/sqrt(H)).
        Called with input [N, I] or [I] and h [N, H] or [H] (zeros if left out); gives the next h.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.GRUCell(10, 20)(torch.randn(3, 10)).shape)
        (3, 20)

    Source: Cho et al. 2014.
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._step(gru_cell, input, hx)
