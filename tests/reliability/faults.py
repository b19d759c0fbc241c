"""Faults that check_planted_faults.py plants: file, the text there, the text instead, which tests have to notice, what is wrong."""

K, O = "csrc/kernels/", "src/udlfast/ops/"

# (file, old, new, test file, kind); old stands in the file exactly once
FAULTS = [
    # kernels: the end of a row that is no whole vector
    (K + "softmax.c", "if (i < n) m1 = v_max(m1, FN(load_rest)(x + i, n - i, (T)-INFINITY));", "", "softmax", "missing tail"),
    (K + "attention.c", "if (i < a->E) v_store_n(to + i, v_load(o + i) * f, (int)(a->E - i));", "", "attention", "missing tail"),
    (K + "reduce.c", "for (; i < n; i++) r *= x[i];", "", "reductions", "missing tail"),
    (K + "index_select.c", "for (; i < w; i++) to[i] += from[i];\n}", "for (; i + 1 < w; i++) to[i] += from[i];\n}", "embedding",
     "off by one"),
    (K + "gemm_pack.c", "else for (i64 r = 0; r < mr; r++) p[r] = from[r];", "else for (i64 r = 0; r < mr; r++) p[r] = from[0];", "matmul",
     "wrong element in the tail"),
    # kernels: NaN
    (K + "pool2d.c", "if (at < 0 || v > m || v != v)", "if (at < 0 || v > m)", "pool2d", "ignored NaN"),
    (K + "reduce.c", "m = x[i] != x[i] || (m == m &&", "m = (m == m &&", "reductions", "ignored NaN"),
    (K + "attention.c", "r = g->sum[l] == 0 ? 0 : 1 / g->sum[l];", "r = 1 / g->sum[l];", "attention", "fully masked row"),
    # kernels: terms
    (K + "softmax.c", "v * (g - s)", "v * g", "softmax", "dropped term of a gradient"),
    (K + "group_norm.c", "(double)s * s * s * dot / count", "(double)s * s * dot / count", "group_norm", "dropped factor of a gradient"),
    (K + "cross_entropy.c", "s / (double)j->a->C * (l * j->sum_w - below)", "s / (double)j->a->C * (l * j->sum_w)", "cross_entropy",
     "dropped term"),
    (K + "nll_loss.c", "if (reduction == 1) s /= total[1];", "if (reduction == 1) s /= (T)a->N;", "nll_loss", "mean without weights"),
    (K + "batch_norm.c", "var * n / (n - 1)", "var", "batch_norm", "off by one"),
    (K + "lstm.c", "dg = dcell * i * (1 - g * g)", "dg = dcell * i * (1 - g)", "rnn", "wrong derivative"),
    (K + "gru.c", "dh * (LOAD(before) - new)", "dh * (new - LOAD(before))", "rnn", "swapped operand"),
    (K + "cumsum.c", "(a->inner_reverse < 0 ? a->n - 1 - k : k) * inner", "k * inner", "cumsum", "other direction"),
    (K + "optim.c", "*buf = first ? g : v_fma(*buf, s->momentum, g * s->keep);", "*buf = first ? g : v_fma(*buf, s->momentum, g);", "optim",
     "dropped factor"),
    (K + "dropout.c", "const T scale = (T)(1 / (1 - a->p));", "const T scale = (T)1;", "dropout", "dropped factor"),
    # gradient rules
    (O + "gather.py", "node.saved[0], g, ADD, strict=0)", "node.saved[0], g, SET, strict=0)", "gather", "repeated places lost"),
    (O + "embedding.py", "return _add_rows(g, index, V, D, skip),", "return _add_rows(g, index, V, D, NO_SKIP),", "embedding",
     "padding_idx ignored"),
    (O + "cumsum.py", "return _scan(g, dim, SUM, not reverse),", "return _scan(g, dim, SUM, reverse),", "cumsum", "other direction"),
    (O + "joining.py", "grads.append(g.narrow(dim, start, n) if", "grads.append(g.narrow(dim, 0, n) if", "joining", "wrong place"),
    (O + "index_select.py", "return g, _select(g, node.args[0], node.saved[0]) if node.needs(1) else None",
     "return g, 0.5 * _select(g, node.args[0], node.saved[0]) if node.needs(1) else None", "scatter", "half gradient"),
    (O + "softmax.py", "g - y.exp() * g.sum(dim, True)", "g - y * g.sum(dim, True)", "second_order", "wrong second derivative"),
    (O + "masked.py", "masked_fill(g, ~mask, 0.0).sum()", "masked_fill(g, mask, 0.0).sum()", "scatter", "inverted mask"),
    (O + "sort.py", "return scatter_add(_zero_of(shape, g.dtype), dim, node.saved[0], g),",
     "return 0.5 * scatter_add(_zero_of(shape, g.dtype), dim, node.saved[0], g),", "sort", "half gradient"),
    (O + "remap.py", "strip, at = flipped(strip, (d,)), n - 1 - added if after else added + 1 - k",
     "strip, at = flipped(strip, (d,)), n - added if after else added + 1 - k", "pad", "off by one"),
    (O + "remap.py", "return rolled(g, tuple(-s for s in node.args[0])),", "return rolled(g, node.args[0]),", "remap", "other direction"),
    (O + "conv2d.py", "gb = g.to(kind).reshape(sizes[0], sizes[4], sizes[7] * sizes[8]).sum((0, 2))",
     "gb = 0.5 * g.to(kind).reshape(sizes[0], sizes[4], sizes[7] * sizes[8]).sum((0, 2))", "conv2d", "half gradient"),
    (O + "cumsum.py", "before = _scan(g * y, dim, SUM, True) / where(zero, 1.0, x)", "before = _scan(g * y, dim, SUM, True)", "cumsum",
     "dropped factor"),
]
