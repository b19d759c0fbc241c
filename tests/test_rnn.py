"""Recurrent layers: values and gradients against the reference, every option against PyTorch, packed sequences, errors."""

import itertools
import math

import numpy as np
import pytest
from harness import central_differences, check_close, check_raises, compare_gradients, numbers, rounded

import udlfast as torch
from udlfast import nn
from udlfast.nn.utils import rnn as packing
from udlfast.reference import gru as ref_gru
from udlfast.reference import lstm as ref_lstm
from udlfast.reference import rnn as ref_rnn

KINDS = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
WIDTHS = sorted({1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65})
# L, N, I, H: one step, two (nothing is packed), one and two sequences, whole groups of sequences and one more
CASES = [(1, 1, 1, 1), (1, 3, 4, 6), (2, 3, 4, 6), (2, 1, 3, 9), (3, 1, 1, 1), (5, 1, 3, 130), (4, 2, 5, 67), (3, 3, 2, 16), (6, 5, 3, 7),
         (5, 16, 4, 8), (4, 17, 9, 33), (3, 37, 6, 20), (3, 0, 4, 5), (4, 2, 70, 3), (3, 1, 600, 520),
         (3, 20, 6, 210), (3, 7, 1100, 645)]  # fmt: skip
CASES += [(3, n, 3, h) for n, h in itertools.product((1, 2, 7), WIDTHS)]


def draw(rng, kind, case, K=None, lengths=None):
    """x, [h0] or [h0, c0], [w_ih, w_hh, b_ih, b_hh] (and w_hr): as the reference takes them"""
    L, N, I, H = case
    G, K = GATES[kind], K or H
    x = rng.standard_normal((L, N, I))
    if lengths is not None:
        x *= np.arange(L)[:, None, None] < np.array(lengths)[:, None]
    states = [rng.standard_normal((N, K))] + ([rng.standard_normal((N, H))] if kind == "lstm" else [])
    scale = 1 / math.sqrt(max(H, 4))
    w = [scale * rng.standard_normal(s) for s in ((G * H, I), (G * H, K), (G * H,), (G * H,))]
    return x, states, [*w, scale * rng.standard_normal((K, H))] if K != H else w


def reference(kind, x, states, w, **options):
    """[y, hn] or [y, hn, cn]"""
    if kind == "lstm":
        return list(ref_lstm.lstm(x, *states, w[0], w[1], w[2] + w[3], *w[4:], **options))
    if kind == "gru":
        return list(ref_gru.gru(x, *states, *w, **options))
    return list(ref_rnn.rnn(x, *states, w[0], w[1], w[2] + w[3], kind[4:], **options))


def reference_gradients(kind, gs, x, states, w, **options):
    """of x, the states and the weights, in that order"""
    if kind == "lstm":
        g = ref_lstm.lstm_backward(*gs, x, *states, w[0], w[1], w[2] + w[3], *w[4:], **options)
        return [*g[:6], g[5], *g[6:]]
    if kind == "gru":
        return list(ref_gru.gru_backward(*gs, x, *states, *w, **options))
    g = ref_rnn.rnn_backward(*gs, x, *states, w[0], w[1], w[2] + w[3], kind[4:], **options)
    return [*g, g[4]]


def op(kind, x, states, w, bidirectional=False, **options):
    """The operation on tensors; w: four (or five) a direction."""
    hx = states if kind == "lstm" or states is None else states[0]
    return getattr(torch, kind)(x, hx, w, True, 1, 0.0, True, bidirectional, **options)


def leaf(a, dtype):
    return torch.tensor(a, dtype=getattr(torch, dtype)).requires_grad_()


def pack_rows(a, lengths):
    """a[L, N, ...] -> rows step after step"""
    return np.concatenate([a[t, : sum(n > t for n in lengths)] for t in range(max(lengths))])


def check(rng, kind, case, dtype, directions=(False,), K=None, lengths=None, zero_states=False):
    """One layer against the reference: outputs, and the gradients of everything from random upstream gradients."""
    L, N, I, H = case
    x, states, _ = draw(rng, kind, case, K, lengths)
    x = rounded(x, dtype)
    per, want, upstream, want_grads = [], [], [], []
    for reverse in directions:
        _, states, w = draw(rng, kind, case, K)
        states = [rounded(s * (not zero_states), dtype) for s in states]
        w = [rounded(a, dtype) for a in w]
        out = reference(kind, x, states, w, lengths=lengths, reverse=reverse)
        gs = [rounded(rng.standard_normal(o.shape), dtype) for o in out]
        if lengths is not None:
            gs[0] *= np.arange(L)[:, None, None] < np.array(lengths)[:, None]
        per.append((states, w)), want.append(out), upstream.append(gs)
        want_grads.append(reference_gradients(kind, gs, x, states, w, lengths=lengths, reverse=reverse))
    X = leaf(x if lengths is None else pack_rows(x, lengths), dtype)
    S = [leaf(np.stack(s), dtype) for s in zip(*(p[0] for p in per), strict=True)]
    W = [leaf(a, dtype) for p in per for a in p[1]]
    sizes = {} if lengths is None else {"batch_sizes": torch.tensor([sum(n > t for n in lengths) for t in range(L)])}
    y, *ends = op(kind, X, None if zero_states else S, W, len(directions) == 2, **sizes)
    join = (lambda a: np.concatenate(a, -1)) if lengths is None else lambda a: pack_rows(np.concatenate(a, -1), lengths)
    # an output is a sum of I + K terms through L steps; errors of a step are carried on, and shrink on average
    bound = {"k": 8, "n": (I + (K or H)) * L}
    check_close(y, join([o[0] for o in want]), f"{kind} y", scale=1.0, **bound)
    for i, e in enumerate(ends):
        check_close(e, np.stack([o[1 + i] for o in want]), f"{kind} end {i}", scale=1.0, **bound)
    total = (y * torch.tensor(join([g[0] for g in upstream]), dtype=y.dtype)).sum()
    for i, e in enumerate(ends):
        total = total + (e * torch.tensor(np.stack([g[1 + i] for g in upstream]), dtype=y.dtype)).sum()
    total.backward()
    gx = sum(g[0] for g in want_grads)
    # sums over all steps and sequences, or over the gates; carried through L steps. 1 - h^2 cancels: its error is absolute,
    # so the scale is at least that of the upstream gradients.
    bound = {"k": 8, "n": max(L * N, 4 * H) * L}

    def close(got, want, what):
        check_close(got, want, f"{kind} gradient of {what}", scale=max(1.0, np.abs(want).max(initial=0)), **bound)

    close(X.grad, gx if lengths is None else pack_rows(gx, lengths), "x")
    n = len(S)
    for i, s in enumerate(S):
        if not zero_states:
            close(s.grad, np.stack([g[1 + i] for g in want_grads]), f"state {i}")
    for t, want in zip(W, [a for g in want_grads for a in g[1 + n:]], strict=True):
        close(t.grad, want, f"a weight {want.shape}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_against_the_reference(isa, rng, kind, dtype):
    for case in CASES:
        check(rng, kind, case, dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_edges_of_groups_and_strips(isa, rng, kind):
    """Groups of sequences are cut from 12 on and hold at most 32; strips are 8, 16 or 32 units wide, panels of 4 to 16."""
    for N, H in ((11, 31), (12, 32), (13, 33), (63, 7), (64, 8), (65, 9), (129, 65)):
        check(rng, kind, (3, N, 2, H), "float32")


def test_weight_gradients_of_more_rows_than_lie_packed_at_a_time(rng):
    check(rng, "lstm", (40, 300, 400, 8), "float32")  # 16 MiB are 10,280 rows of x and h


@pytest.mark.parametrize("kind", KINDS)
def test_backwards_and_both_directions(isa, rng, kind):
    for case in ((1, 2, 3, 4), (2, 3, 4, 5), (5, 1, 3, 9), (4, 18, 5, 33)):
        check(rng, kind, case, "float64", directions=(False, True))
        check(rng, kind, case, "float32", directions=(False, True), zero_states=True)


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_of_different_lengths(isa, rng, kind):
    for lengths in ([1], [3, 1], [2, 2, 1], [5, 5, 3, 1], [4, 3, 2, 1], list(range(20, 0, -1)), [2] * 17 + [1] * 3):
        case = (max(lengths), len(lengths), 3, 9)
        check(rng, kind, case, "float64", lengths=lengths)
        check(rng, kind, case, "float64", directions=(False, True), lengths=lengths)


def test_projection(isa, rng):
    for case, K in (((1, 3, 4, 6), 2), ((2, 3, 4, 6), 5), ((5, 1, 3, 9), 1), ((4, 17, 5, 33), 17)):
        check(rng, "lstm", case, "float64", K=K)
        check(rng, "lstm", case, "float32", directions=(False, True), K=K)
    check(rng, "lstm", (4, 3, 5, 7), "float64", directions=(False, True), K=3, lengths=[4, 2, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_references_against_central_differences(rng, kind):
    for lengths, reverse in ((None, False), ([3, 1], True)):
        x, states, w = draw(rng, kind, (3, 2, 2, 3), 2 if kind == "lstm" else None)
        options, n = {"lengths": lengths, "reverse": reverse}, len(states)
        gs = [rng.standard_normal(o.shape) for o in reference(kind, x, states, w, **options)]

        def f(*a):
            return sum((g * o).sum() for g, o in zip(gs, reference(kind, a[0], a[1:1 + n], a[1 + n:], **options), strict=True))

        compare_gradients(reference_gradients(kind, gs, x, states, w, **options), central_differences(f, [x, *states, *w], 1.0), kind)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_gradients(rng, kind):
    """The rule under create_graph gives the gradients of the kernel, and can be differentiated."""
    for lengths in (None, [3, 2]):
        x, states, w = draw(rng, kind, (3, 2, 2, 3), 2 if kind == "lstm" else None, lengths)
        arrays = [x if lengths is None else pack_rows(x, lengths), *[np.stack([s, s]) for s in states], *w, *[0.7 * a for a in w]]
        sizes = {} if lengths is None else {"batch_sizes": torch.tensor([2, 2, 1])}
        n, mix = len(states), [rng.standard_normal(a.shape) for a in arrays]

        def grads(a, create_graph):
            t = [leaf(v, "float64") for v in a]
            y, *ends = op(kind, t[0], t[1:1 + n], t[1 + n:], True, **sizes)
            total = (y * y).sum() + sum((e * e * e).sum() for e in ends)
            return t, torch.autograd.grad(total, t, create_graph=create_graph)

        plain, (t, again) = grads(arrays, False)[1], grads(arrays, True)
        for a, b in zip(plain, again, strict=True):
            assert np.allclose(numbers(a), numbers(b), rtol=1e-12, atol=1e-13)
        sum((g * torch.tensor(m)).sum() for g, m in zip(again, mix, strict=True)).backward()

        def f(*a):
            return sum((numbers(g) * m).sum() for g, m in zip(grads(a, False)[1], mix, strict=True))

        numeric = central_differences(f, arrays, 1.0)
        compare_gradients([numbers(v.grad) for v in t], numeric, f"{kind} twice")


def test_nan_and_infinity_stay_in_their_sequence(isa, rng):
    for kind in KINDS:
        for n in (1, 3, 20):
            x, states, w = draw(rng, kind, (4, n, 3, 9))
            x[2, n - 1, 1] = np.nan
            y = numbers(op(kind, torch.tensor(x), [torch.tensor(s[None]) for s in states], [torch.tensor(a) for a in w])[0])
            assert np.isnan(y[2:, n - 1]).all() and np.isfinite(y[:2]).all() and np.isfinite(y[:, : n - 1]).all()


def test_layouts_and_missing_gradients(rng):
    x, states, w = draw(rng, "lstm", (5, 3, 4, 6))
    S, W = [torch.tensor(s[None]) for s in states], [torch.tensor(a) for a in w]
    want = op("lstm", torch.tensor(x), S, W)[0]
    strided = torch.tensor(x.transpose(1, 2, 0).copy()).permute(2, 0, 1)
    assert numbers(op("lstm", strided, S, W)[0]).tolist() == numbers(want).tolist()
    X = torch.tensor(x, requires_grad=True)  # only x wants a gradient, and only cn gives one
    op("lstm", X, S, W)[2].sum().backward()
    zeros = [np.zeros((5, 3, 6)), np.zeros((3, 6)), np.ones((3, 6))]
    check_close(X.grad, reference_gradients("lstm", zeros, x, states, w)[0], "gradient from cn", k=8, n=30)
    assert all(t.grad is None for t in W)


def test_bfloat16(rng):
    x, states, w = draw(rng, "gru", (3, 2, 4, 5))
    b = torch.bfloat16
    y, h = op("gru", torch.tensor(x).to(b), [torch.tensor(states[0][None]).to(b)], [torch.tensor(a).to(b) for a in w])
    assert y.dtype is b and h.dtype is b
    want = reference("gru", rounded(x, "bfloat16"), [rounded(s, "bfloat16") for s in states], [rounded(a, "bfloat16") for a in w])
    check_close(y, want[0], "bfloat16", k=1)


# ---- layers -----------------------------------------------------------------------------------------------------------------
def twins(kind, *args, **options):
    """Our layer and PyTorch's with the same parameters, in float64."""
    other = pytest.importorskip("torch")
    other.manual_seed(0)
    theirs = getattr(other.nn, kind)(*args, dtype=other.float64, **options)
    ours = getattr(nn, kind)(*args, dtype=torch.float64, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict()) and repr(ours) == repr(theirs)
    ours.load_state_dict({k: torch.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()})
    return other, ours, theirs


def flat(out):
    return [t for o in out for t in flat(o)] if isinstance(out, (tuple, list)) else [out]


def compare(ours, theirs, a, b, inputs, what):
    """outputs a (ours) and b, and the gradients of the parameters and inputs"""
    a, b = flat(a), flat(b)
    for s, t in zip(a, b, strict=True):
        assert tuple(s.shape) == tuple(t.shape), what
        assert np.allclose(numbers(s), t.detach().numpy(), rtol=1e-11, atol=1e-12), what
    sum((s * s).sum() for s in a).backward()
    sum((t * t).sum() for t in b).backward()
    pairs = [*zip(ours.parameters(), theirs.parameters(), strict=True), *inputs]
    for s, t in pairs:
        assert np.allclose(numbers(s.grad), t.grad.numpy(), rtol=1e-9, atol=1e-11), what


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_every_option_against_torch(rng, kind):
    choices = itertools.product((1, 2), (False, True), (False, True), (False, True), (False, True), (False, True))
    for layers, bias, batch_first, both, given, batched in choices:
        extra = {"RNN": [{}, {"nonlinearity": "relu"}], "LSTM": [{}, {"proj_size": 2}], "GRU": [{}]}[kind]
        for more in extra:
            options = dict(num_layers=layers, bias=bias, batch_first=batch_first, bidirectional=both, **more)
            other, ours, theirs = twins(kind, 3, 5, **options)
            x = rng.standard_normal(((2, 4) if batch_first else (4, 2)) + (3,) if batched else (4, 3))
            K = more.get("proj_size", 5)
            states = [rng.standard_normal((layers * (1 + both), *((2,) if batched else ()), s)) for s in (K, 5)]
            states = states if kind == "LSTM" else states[:1]
            a, b = [torch.tensor(v, requires_grad=True) for v in (x, *states)], [other.tensor(v, requires_grad=True) for v in (x, *states)]
            if not given:
                outs = ours(a[0]), theirs(b[0])
                pairs = [(a[0], b[0])]
            elif kind == "LSTM":
                outs, pairs = (ours(a[0], (a[1], a[2])), theirs(b[0], (b[1], b[2]))), list(zip(a, b, strict=True))
            else:
                outs, pairs = (ours(*a), theirs(*b)), list(zip(a, b, strict=True))
            compare(ours, theirs, *outs, pairs, f"{ours} batched={batched} given={given}")


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_packed_sequences_against_torch(rng, kind, enforce_sorted):
    other, ours, theirs = twins(kind, 3, 5, num_layers=2, bidirectional=True)
    lengths = [5, 3, 3, 1] if enforce_sorted else [3, 1, 5, 3]
    x, h = rng.standard_normal((5, 4, 3)), rng.standard_normal((4, 4, 5))
    a, b = torch.tensor(x, requires_grad=True), other.tensor(x, requires_grad=True)
    p = packing.pack_padded_sequence(a, lengths, enforce_sorted=enforce_sorted)
    q = other.nn.utils.rnn.pack_padded_sequence(b, lengths, enforce_sorted=enforce_sorted)
    hx = (torch.tensor(h), torch.tensor(h)) if kind == "LSTM" else torch.tensor(h)
    hy = (other.tensor(h), other.tensor(h)) if kind == "LSTM" else other.tensor(h)
    (y, s), (z, t) = ours(p, hx), theirs(q, hy)
    assert isinstance(y, packing.PackedSequence) and y.batch_sizes.tolist() == z.batch_sizes.tolist()
    (y, n), (z, m) = packing.pad_packed_sequence(y), other.nn.utils.rnn.pad_packed_sequence(z)
    assert n.tolist() == m.tolist() == lengths
    compare(ours, theirs, [y, s], [z, t], [(a, b)], kind)


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells_against_torch(rng, kind):
    for bias, given, batch in itertools.product((False, True), (False, True), ((), (1,), (3,), (0,))):
        for more in [{}, {"nonlinearity": "relu"}] if kind == "RNNCell" else [{}]:
            other, ours, theirs = twins(kind, 3, 5, bias=bias, **more)
            arrays = [rng.standard_normal((*batch, n)) for n in (3, 5, 5)]
            a, b = [torch.tensor(v, requires_grad=True) for v in arrays], [other.tensor(v, requires_grad=True) for v in arrays]
            n = 1 if not given else 3 if kind == "LSTMCell" else 2
            call = (lambda m, t: m(t[0], (t[1], t[2]))) if n == 3 else lambda m, t, n=n: m(*t[:n])
            compare(ours, theirs, call(ours, a), call(theirs, b), list(zip(a[:n], b[:n], strict=True)), f"{ours} {batch}")


def test_accuracy_is_no_worse_than_torch(rng):
    """float32 against PyTorch's own float64, over a hundred steps."""
    other = pytest.importorskip("torch")
    for kind in ("RNN", "LSTM", "GRU"):
        theirs = getattr(other.nn, kind)(64, 128)
        ours = getattr(nn, kind)(64, 128)
        ours.load_state_dict({k: torch.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()})
        errors = np.zeros((3, 2))
        for _ in range(3):
            x = rng.standard_normal((100, 8, 64)).astype(np.float32)
            theirs.zero_grad(), ours.zero_grad()
            y, z = ours(torch.from_numpy(x))[0], theirs(other.from_numpy(x))[0]
            y.sum().backward(), z.sum().backward()
            seen = [[y, ours.weight_ih_l0.grad, ours.weight_hh_l0.grad], [z, theirs.weight_ih_l0.grad, theirs.weight_hh_l0.grad]]
            exact = theirs.double()
            exact.zero_grad()
            w = exact(other.from_numpy(x).double())[0]
            w.sum().backward()
            best = [w, exact.weight_ih_l0.grad, exact.weight_hh_l0.grad]
            for side in (0, 1):
                for j in range(3):
                    s, t = numbers(seen[0][j]) if side == 0 else seen[1][j].detach().numpy(), best[j].detach().numpy()
                    errors[j, side] += np.sqrt(np.mean((s - t) ** 2))
            theirs.float()
        assert (errors[:, 0] <= 1.25 * errors[:, 1]).all(), f"{kind}: {errors}"  # 1.25: the noise of three draws


def test_initial_law():
    torch.manual_seed(1)
    for kind, G in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        layer = getattr(nn, kind)(30, 64, 2, bidirectional=True)
        bound = 1 / 8
        for name, p in layer.named_parameters():
            a = numbers(p)
            assert a.shape[0] == G * 64 and np.abs(a).max() <= bound, name
            assert abs(a.std() - bound / math.sqrt(3)) < bound / math.sqrt(3) * 4 / math.sqrt(2 * a.size) + 1e-3, name


def test_dropout_between_the_layers(rng):
    layer = nn.LSTM(3, 50, 2, dropout=0.5)
    x = torch.tensor(rng.standard_normal((4, 2, 3)), dtype=torch.float32)
    torch.manual_seed(0)
    a = layer(x)[0]
    torch.manual_seed(0)
    assert numbers(layer(x)[0]).tolist() == numbers(a).tolist() != numbers(layer(x)[0]).tolist()
    layer.eval()
    with torch.no_grad():
        w = layer._flat_weights
        middle = torch.lstm(x, None, w[:4], True, 1, 0.0, False, False)[0]
        want = torch.lstm(middle, None, w[4:], True, 1, 0.0, False, False)[0]
        assert numbers(layer(x)[0]).tolist() == numbers(want).tolist()
    layer.train()
    layer.dropout = 1.0  # nothing gets through: the second layer sees zeros
    blank = torch.lstm(torch.zeros(4, 2, 50), None, w[4:], True, 1, 0.0, False, False)[0]
    assert np.allclose(numbers(layer(x)[0]), numbers(blank), atol=1e-7)


@pytest.mark.parametrize(("N", "H"), [(40, 96), (20, 220)])  # cut by sequences; by units
def test_threads_and_shape_cuts_agree(threads, rng, N, H):
    """A sequence gives the same numbers alone and in any batch of those that share its kernel; see also test_threads.py."""
    layer = nn.LSTM(8, H)
    x = torch.tensor(rng.standard_normal((6, N, 8)), dtype=torch.float32)
    with torch.no_grad():
        whole = numbers(layer(x)[0])
        for width in (1, 2, 5):
            threads(width)
            assert np.array_equal(numbers(layer(x)[0]), whole)
        assert np.allclose(numbers(layer(x[:, 3:4])[0]), whole[:, 3:4], atol=1e-5)


# ---- errors ------------------------------------------------------------------------------------------------------------------
def test_errors():
    z, lstm, gru = torch.zeros, nn.LSTM(3, 5), nn.GRU(3, 5, 2)
    check_raises(ValueError, ["LSTM", "2D or 3D", "4D"], lstm, z(1, 1, 1, 3))
    check_raises(ValueError, ["LSTM", "Expected 3", "got 4"], lstm, z(2, 2, 4))
    check_raises(ValueError, ["lstm", "at least one step", "[0, 2, 3]"], lstm, z(0, 2, 3))
    check_raises(ValueError, ["gru", "h0 [2, 4, 5]", "got [2, 3, 5]"], gru, z(6, 4, 3), z(2, 3, 5))
    check_raises(ValueError, ["lstm", "c0 [1, 4, 5]", "got [1, 4, 6]"], lstm, z(6, 4, 3), (z(1, 4, 5), z(1, 4, 6)))
    check_raises(ValueError, ["GRU", "batched 3-D", "also be 3-D"], gru, z(6, 4, 3), z(2, 5))
    check_raises(ValueError, ["GRU", "unbatched 2-D", "also be 2-D"], gru, z(6, 3), z(2, 4, 5))
    check_raises(TypeError, ["lstm", "float64", "float32"], lstm, z(6, 4, 3, dtype=torch.float64))
    check_raises(TypeError, ["lstm", "floating", "int64"], lstm, z(6, 4, 3, dtype=torch.int64))
    for k in (0, 1, 3):  # once read beyond the end of h0
        check_raises(ValueError, ["rnn_tanh", "w_hh [2, 2]", f"got [2, {k}]"], torch.rnn_tanh_cell, z(1, 3), None, z(2, 3), z(2, k))
        check_raises(ValueError, ["lstm", "w_hh [8, 2]"], torch.lstm_cell, z(1, 3), (z(1, k), z(1, 2)), z(8, 3), z(8, k))
    check_raises(ValueError, ["dropout", "range [0, 1]", "1.5"], nn.LSTM, 3, 5, 2, dropout=1.5)
    check_raises(ValueError, ["hidden_size", "greater than zero"], nn.LSTM, 3, 0)
    check_raises(TypeError, ["hidden_size", "type int", "float"], nn.LSTM, 3, 5.0)
    check_raises(ValueError, ["num_layers", "greater than zero"], nn.GRU, 3, 5, 0)
    check_raises(ValueError, ["proj_size", "smaller than hidden_size"], nn.LSTM, 3, 5, proj_size=5)
    check_raises(ValueError, ["nonlinearity", "gelu"], nn.RNN, 3, 5, nonlinearity="gelu")
    check_raises(ValueError, ["GRUCell", "[N, 3]", "[2, 4]"], nn.GRUCell(3, 5), z(2, 4))
    check_raises(ValueError, ["lstm_cell", "[2, 3]", "[5]"], nn.LSTMCell(3, 5), z(2, 3), (z(5), z(5)))
    check_raises(ValueError, ["lstm", "h0 [1, 2, 5]", "[1, 3, 5]"], nn.LSTMCell(3, 5), z(2, 3), (z(3, 5), z(3, 5)))
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.RNN(3, 5, dropout=0.5)


# ---- real weights --------------------------------------------------------------------------------------------------------------
def test_a_real_speaker_encoder():
    """resemblyzer's LSTM encoder, its weights read by PyTorch, gives the same embedding here."""
    other = pytest.importorskip("torch")
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("resemblyzer")  # only the file of weights is needed, not the package's own dependencies
    if spec is None:
        pytest.skip("resemblyzer is not installed: no weights")
    state = other.load(Path(spec.origin).with_name("pretrained.pt"), map_location="cpu", weights_only=False)["model_state"]

    class Encoder:
        def __init__(self, nn):
            self.lstm, self.linear = nn.LSTM(40, 256, 3, batch_first=True), nn.Linear(256, 256)

        def load(self, convert):
            for name in ("lstm", "linear"):
                getattr(self, name).load_state_dict({k[len(name) + 1:]: convert(v) for k, v in state.items() if k.startswith(name + ".")})
            return self

        def __call__(self, x):
            h = self.lstm(x)[1][0][-1]
            e = self.linear(h)
            e = e * (e > 0)
            return e / (e * e).sum(1, keepdim=True) ** 0.5

    x = np.abs(np.random.default_rng(0).standard_normal((3, 160, 40))).astype(np.float32) * 0.01  # mel energies
    ours = Encoder(nn).load(lambda v: torch.from_numpy(v.numpy().copy()))(torch.from_numpy(x))
    theirs = Encoder(other.nn).load(lambda v: v)(other.from_numpy(x))
    assert np.abs(numbers(ours) - theirs.detach().numpy()).max() < 1e-5
