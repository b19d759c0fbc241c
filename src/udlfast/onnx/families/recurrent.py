"""LSTM, GRU, RNN. The kernels run what PyTorch's layers have too; the rest goes step by step, by the standard's formulas."""

import udlfast as udl
from udlfast.nn import functional as F

from ...errors import ArgumentError, ShapeError
from .._registry import op

ACTIVATIONS = {
    "relu": lambda x, a, b: udl.relu(x),
    "tanh": lambda x, a, b: udl.tanh(x),
    "sigmoid": lambda x, a, b: udl.sigmoid(x),
    "affine": lambda x, a, b: a * x + b,
    "leakyrelu": lambda x, a, b: F.leaky_relu(x, a),
    "thresholdedrelu": lambda x, a, b: udl.where(x > a, x, 0.0),
    "scaledtanh": lambda x, a, b: a * udl.tanh(b * x),
    "hardsigmoid": lambda x, a, b: udl.clamp(a * x + b, 0.0, 1.0),
    "elu": lambda x, a, b: F.elu(x, a),
    "softsign": lambda x, a, b: F.softsign(x),
    "softplus": lambda x, a, b: F.softplus(x),
}
ALPHA = {"affine": 1.0, "leakyrelu": 0.01, "thresholdedrelu": 1.0, "scaledtanh": 1.0, "hardsigmoid": 0.2, "elu": 1.0}
BETA = {"affine": 0.0, "scaledtanh": 1.0, "hardsigmoid": 0.5}
USUAL = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}
# the order of the gates in ONNX, as PyTorch's rows: i o f c -> i f g o, z r h -> r z n
ROWS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}


def activations(node, directions):
    """For each direction its activations, each a function of one tensor."""
    usual = USUAL[node.type]
    names = [n.lower() for n in node.get("activations") or usual * directions]
    if len(names) != len(usual) * directions or any(n not in ACTIVATIONS for n in names):
        raise ArgumentError(f"activations {names}: {len(usual)} a direction are needed, of {', '.join(ACTIVATIONS)}")
    alphas, betas = list(node.get("activation_alpha") or []), list(node.get("activation_beta") or [])
    out = []
    for name in names:  # alphas and betas are listed for those activations that have them
        a = ALPHA.get(name) if name not in ALPHA or not alphas else alphas.pop(0)
        b = BETA.get(name) if name not in BETA or not betas else betas.pop(0)
        out.append(lambda x, f=ACTIVATIONS[name], a=a, b=b: f(x, a, b))
    return names == usual * directions, [out[i * len(usual):(i + 1) * len(usual)] for i in range(directions)]


@op("LSTM", "GRU", "RNN", host=(4,))
def recurrent(node, x, w, r, b=None, lengths=None, h=None, c=None, p=None):
    if node.get("layout"):
        x = x.transpose(0, 1)
        h, c = (None if v is None else v.transpose(0, 1) for v in (h, c))
    directions, hidden = w.shape[0], r.shape[-1]
    direction = node.get("direction", "forward")
    if directions != 1 + (direction == "bidirectional") or x.dim() != 3:
        raise ShapeError(f"direction {direction} with input {list(x.shape)} and weights {list(w.shape)}")
    steps, batch = x.shape[:2]
    usual, functions = activations(node, directions)
    if lengths is not None and (lengths == steps).all():
        lengths = None
    h = udl.zeros([directions, batch, hidden], dtype=x.dtype) if h is None else h
    if node.type == "LSTM" and c is None:
        c = udl.zeros([directions, batch, hidden], dtype=x.dtype)
    plain = usual and p is None and lengths is None and not node.get("clip") and not node.get("input_forget")
    if plain and (node.type != "GRU" or node.get("linear_before_reset")):
        y, h, c = layers(node, x, w, r, b, h, c, direction)
    else:
        y, h, c = by_steps(node, x, w, r, b, lengths, h, c, p, direction, functions)
    if node.get("layout"):
        y, h, c = y.permute(2, 0, 1, 3), h.transpose(0, 1), None if c is None else c.transpose(0, 1)
    return y, h, c


def layers(node, x, w, r, b, h, c, direction):
    """By the library's recurrent layers."""
    params, hidden, order = [], r.shape[-1], ROWS[node.type]
    for d in range(w.shape[0]):
        parts = [w[d], r[d]] if b is None else [w[d], r[d], *udl.chunk(b[d], 2)]
        params += [v if len(order) == 1 else udl.cat([v[k * hidden:(k + 1) * hidden] for k in order]) for v in parts]
    both, back = w.shape[0] == 2, direction == "reverse"
    f = {"LSTM": udl.lstm, "GRU": udl.gru, "RNN": udl.rnn_tanh}[node.type]
    x = udl.flip(x, [0]) if back else x
    y, *state = f(x, (h, c) if node.type == "LSTM" else h, params, b is not None, 1, 0.0, False, both)
    y = udl.flip(y, [0]) if back else y
    y = y.reshape(*y.shape[:2], w.shape[0], hidden).transpose(1, 2)
    return y, state[0], state[1] if len(state) > 1 else None


def by_steps(node, x, w, r, b, lengths, h, c, p, direction, functions):
    """Each direction and step by itself."""
    ys, hs, cs = [], [], []
    for d in range(w.shape[0]):
        back = direction == "reverse" or d == 1
        state = (h[d], None if c is None else c[d])
        rows = [None] * x.shape[0]
        bw, br = (None, None) if b is None else udl.chunk(b[d], 2)
        for t in range(x.shape[0])[::-1 if back else 1]:
            new = CELLS[node.type](node, functions[d], F.linear(x[t], w[d], bw), state, r[d], br, None if p is None else p[d])
            y = new[0]
            if lengths is not None:
                live = node.tensor((t < lengths)[:, None], f"{d} {t}")
                new = tuple(None if n is None else udl.where(live, n, s) for n, s in zip(new, state))
                y = udl.where(live, y, 0.0)
            state, rows[t] = new, y
        ys.append(udl.stack(rows) if rows else x.new_zeros([0, x.shape[1], r.shape[-1]]))
        hs.append(state[0])
        cs.append(state[1])
    return udl.stack(ys, 1), udl.stack(hs), None if c is None else udl.stack(cs)


def bounded(node, x):
    limit = node.get("clip")
    return x if not limit else udl.clamp(x, -limit, limit)


def lstm_cell(node, functions, gates, state, r, b, p):
    """i, o, f, c of the sums; peepholes let the cell's state into i and f, and the new one into o."""
    f, g, out = functions
    h, c = state
    i, o, forget, new = udl.chunk(gates + F.linear(h, r, b), 4, -1)
    pi, po, pf = (None, None, None) if p is None else udl.chunk(p, 3)
    i = f(bounded(node, i if p is None else i + pi * c))
    forget = 1 - i if node.get("input_forget") else f(bounded(node, forget if p is None else forget + pf * c))
    c = forget * c + i * g(bounded(node, new))
    o = f(bounded(node, o if p is None else o + po * c))
    return o * out(c), c


def gru_cell(node, functions, gates, state, r, b, p):
    """z, r, h of the sums; the reset gate acts before or after the recurrent product."""
    f, g = functions
    h, hidden = state[0], r.shape[-1]
    xz, xr, xh = udl.chunk(gates, 3, -1)
    bias = (None, None) if b is None else (b[:2 * hidden], b[2 * hidden:])
    hz, hr = udl.chunk(F.linear(h, r[:2 * hidden], bias[0]), 2, -1)
    z, reset = f(bounded(node, xz + hz)), f(bounded(node, xr + hr))
    if node.get("linear_before_reset"):
        new = xh + reset * F.linear(h, r[2 * hidden:], bias[1])
    else:
        new = xh + F.linear(reset * h, r[2 * hidden:], bias[1])
    return (1 - z) * g(bounded(node, new)) + z * h, None


def rnn_cell(node, functions, gates, state, r, b, p):
    return functions[0](bounded(node, gates + F.linear(state[0], r, b))), None


CELLS = {"LSTM": lstm_cell, "GRU": gru_cell, "RNN": rnn_cell}
