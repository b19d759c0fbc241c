"""Calls with one number that is wrong: an index, an offset, a length, a stride or a size beyond what is there; with two large ones, whose
product 64 bits may not hold; and with parameters of shapes that do not fit. Each ends with a result or an exception, under the sanitizers
too (check_sanitizers.py)."""

import itertools
import warnings

import udlfast as torch
import udlfast.nn.functional as F
from reliability import children
from reliability.frame import Failed, check
from udlfast import nn

T = torch.tensor
BAD = [-1, -2, 3, 100, 2**31, 2**62, -(2**63), 2**63 - 1]
LARGE = [2**30, 2**31 - 2, 2**31 - 1, 2**32, 2**62]
SHAPES = [(), (0,), (1,), (2,), (3,), (1, 1), (2, 3), (3, 2), (0, 3), (3, 0), (1, 3), (3, 1), (4,)]


def x(*shape):
    return torch.ones(*shape).requires_grad_()


def numbers(go, b):
    """Calls with the number b where it does not belong."""
    i = T([0, b, 1])
    i2 = T([[0, 1], [b, 0]])
    for dt in (torch.int64, torch.int32):
        ii = i.to(dt)
        go("embedding", lambda: F.embedding(ii, x(3, 4)))
        for mode in ("sum", "mean", "max"):
            go("embedding_bag", lambda: F.embedding_bag(ii, x(3, 4), T([0, 1]).to(dt), mode=mode))
            for off in ([0, b], [b, 0], [1, 2], [0, 3], [0, 4], [2, 1], [0, 0, 0, b]):
                go("bag off", lambda: F.embedding_bag(T([0, 1, 2]).to(dt), x(3, 4), T(off).to(dt), mode=mode))
                go(
                    "bag off last",
                    lambda: F.embedding_bag(T([0, 1, 2]).to(dt), x(3, 4), T(off).to(dt), mode=mode, include_last_offset=True),
                )
    for red in ("mean", "sum", "none"):
        go("nll", lambda: F.nll_loss(x(3, 3), i, reduction=red))
        go("ce", lambda: F.cross_entropy(x(3, 3), i, reduction=red))
        go("ce ls", lambda: F.cross_entropy(x(3, 3), i, reduction=red, label_smoothing=0.1, weight=torch.ones(3)))
        go("ce ign", lambda: F.cross_entropy(x(3, 3), i, reduction=red, ignore_index=b))
        go("nll2d", lambda: F.nll_loss(x(2, 3, 2, 2), T([[[0, b], [1, 2]], [[0, 1], [1, 1]]]), reduction=red))
        go("mm", lambda: F.multi_margin_loss(x(3, 3), i, reduction=red))
        go("mlm", lambda: F.multilabel_margin_loss(x(3, 3), torch.stack([i, i, i]), reduction=red))
        for k in range(4):
            L = [T([4, 4]), T([2, 2])]
            tg = T([[1, 2], [2, 1]])
            if k == 0:
                tg = T([[1, b], [2, 1]])
            if k == 1:
                L[0] = T([4, b])
            if k == 2:
                L[1] = T([b, 2])
            go("ctc", lambda: F.ctc_loss(x(4, 2, 3).log_softmax(2), tg, L[0], L[1], reduction=red, blank=0 if k < 3 else b))
            go("ctc1d", lambda: F.ctc_loss(x(4, 2, 3).log_softmax(2), tg.reshape(-1), L[0], L[1], reduction=red))
    for d in (0, 1, -1):
        for name in ("gather",):
            go(name, lambda: torch.gather(x(3, 3), d, i2))
        go("scatter", lambda: torch.scatter(x(3, 3), d, i2, x(2, 2)))
        go("scatter_add", lambda: torch.scatter_add(x(3, 3), d, i2, x(2, 2)))
        for rd in ("sum", "prod", "amax", "amin", "mean"):
            go("scatter_reduce", lambda: torch.scatter_reduce(x(3, 3), d, i2, x(2, 2), rd))
            go("index_reduce", lambda: torch.index_reduce(torch.ones(3, 3), d, i, torch.ones(3, 3), rd if rd != "sum" else "prod"))
            go("segment", lambda: torch.segment_reduce(torch.ones(3, 3), rd, lengths=T([1, b])))
            go("segment", lambda: torch.segment_reduce(torch.ones(3, 3), rd, lengths=T([1, 2]), axis=0))
            go("segment off", lambda: torch.segment_reduce(torch.ones(3, 3), rd, offsets=T([0, b, 3])))
        go("index_select", lambda: torch.index_select(x(3, 3), d, i))
        go("index_add", lambda: torch.index_add(x(3, 3), d, i, x(3, 3)))
        go("index_copy", lambda: torch.index_copy(x(3, 3), d, i, x(3, 3)))
        go("index_fill", lambda: torch.index_fill(x(3, 3), d, i, 1.0))
        go("tad", lambda: torch.take_along_dim(x(3, 3), i2, d))
        go("narrow", lambda: torch.narrow(x(3, 3), d, 0, b))
        go("select", lambda: x(3, 3).select(d, b))
        go("roll", lambda: torch.roll(x(3, 3), b, d))
        go("diagonal", lambda: torch.diagonal(x(3, 3), b))
        go("unfold", lambda: x(3, 3).unfold(d, abs(b) if b > -(2**63) else 1, 1))
        go("unfold", lambda: x(3, 3).unfold(d, 1, b))
    go("take", lambda: torch.take(x(3, 3), i))
    go("put", lambda: torch.ones(3, 3).put_(i, torch.ones(3)))
    go("put_acc", lambda: torch.ones(3, 3).put_(i, torch.ones(3), True))
    go("idx", lambda: x(3, 3)[i])
    go("idx2", lambda: x(3, 3)[i, i])
    go("idx3", lambda: x(3, 3)[:, i])
    go("idxput", lambda: torch.index_put(x(3, 3), (i,), x(3)))
    go("idxput", lambda: torch.index_put(x(3, 3), (i, i), x(3), True))

    def si():
        y = torch.ones(3, 3)
        y[i] = 2
        return y

    go("setitem", si)

    def si2():
        y = torch.ones(3, 3)
        y[i, i] = torch.ones(3)
        return y

    go("setitem2", si2)
    p, ind = F.max_pool2d(torch.ones(1, 1, 4, 4), 2, return_indices=True)
    ind = ind.clone()
    ind.view(-1)[0] = b
    go("unpool", lambda: F.max_unpool2d(p.requires_grad_(), ind, 2))
    go("unpool os", lambda: F.max_unpool2d(p, ind, 2, output_size=(5, 5)))
    p1, i1 = F.max_pool1d(torch.ones(1, 1, 4), 2, return_indices=True)
    i1 = i1.clone()
    i1.view(-1)[0] = b
    go("unpool1", lambda: F.max_unpool1d(p1, i1, 2))
    p3, i3 = F.max_pool3d(torch.ones(1, 1, 4, 4, 4), 2, return_indices=True)
    i3 = i3.clone()
    i3.view(-1)[0] = b
    go("unpool3", lambda: F.max_unpool3d(p3, i3, 2))
    go("bincount", lambda: torch.bincount(i))
    go("bincount w", lambda: torch.bincount(T([0, 1, 2]), torch.ones(2)))
    go("bincount m", lambda: torch.bincount(T([0, 1]), minlength=b if b < 1000 else 5))
    go("onehot", lambda: F.one_hot(i))
    go("onehot", lambda: F.one_hot(i, 3))
    go("multinomial", lambda: torch.multinomial(torch.ones(3), b if b < 1000 else 3))
    go("rep_int", lambda: torch.repeat_interleave(x(3, 3), i, 0))
    go("rep_int o", lambda: torch.repeat_interleave(x(3, 3), T([1, 1, 1]), 0, output_size=b if b < 1000 else 7))
    go("searchsorted", lambda: torch.searchsorted(T([3.0, 1.0, 2.0]), torch.ones(4), sorter=i))
    go("ss", lambda: torch.searchsorted(torch.ones(2, 3), torch.ones(2, 4), sorter=torch.stack([i, i])))
    go("bucketize", lambda: torch.bucketize(torch.ones(4) * float("nan"), T([1.0, 2.0])))
    for lay in ("coo", "csr", "csc"):

        def sp():
            if lay == "coo":
                s = torch.sparse_coo_tensor(torch.stack([i, T([0, 1, 2])]), torch.ones(3), (3, 3))
            elif lay == "csr":
                s = torch.sparse_csr_tensor(T([0, 1, 2, 3]), i, torch.ones(3), (3, 3))
            else:
                s = torch.sparse_csc_tensor(T([0, 1, 2, 3]), i, torch.ones(3), (3, 3))
            return [s.to_dense(), torch.sparse.mm(s, x(3, 2))]

        go("sparse " + lay, sp)

        def sp2():
            f = torch.sparse_csr_tensor if lay == "csr" else torch.sparse_csc_tensor
            s = f(T([0, b, 2, 3]), T([0, 1, 2]), torch.ones(3), (3, 3))
            return [torch.sparse.mm(s, x(3, 2)), s.to_dense()]

        if lay != "coo":
            go("sparse crow", sp2)
    go("lu_unpack", lambda: torch.lu_unpack(torch.ones(3, 3), T([1, b if abs(b) < 2**31 else 7, 2]).int()))
    go("lu_solve", lambda: torch.linalg.lu_solve(torch.ones(3, 3), T([1, b if abs(b) < 2**31 else 7, 2]).int(), torch.ones(3, 2)))
    go("ldl", lambda: torch.linalg.ldl_solve(torch.ones(3, 3), T([1, b if abs(b) < 2**31 else 7, 2]).int(), torch.ones(3, 2)))
    go("kth", lambda: torch.kthvalue(x(3, 3), b))
    go("topk", lambda: torch.topk(x(3, 3), b))
    go("tri", lambda: torch.triu(x(3, 3), b))
    go("tril_i", lambda: torch.tril_indices(3, 3, b))
    go("pixel", lambda: F.pixel_shuffle(x(1, 4, 2, 2), b))
    go("fold", lambda: F.fold(x(1, 4, 4), (b, 3), 2))
    go("fold", lambda: F.fold(x(1, 4, 4), (3, 3), 2, stride=b))
    go("unfold", lambda: F.unfold(x(1, 1, 3, 3), 2, dilation=b))
    go("unfold", lambda: F.unfold(x(1, 1, 3, 3), b if b < 100 else 3, padding=b if b < 1000 else 1))
    go("packed", lambda: nn.utils.rnn.pack_padded_sequence(x(3, 3, 2), i, enforce_sorted=False))
    go("packed", lambda: nn.utils.rnn.pad_packed_sequence(nn.utils.rnn.PackedSequence(torch.ones(4, 2), i)))
    go("gru packed", lambda: torch.gru(x(4, 3), i, torch.ones(1, 2, 2), [torch.ones(6, 3), torch.ones(6, 2)], False, 1, 0.0, False, False))
    go("frombuffer", lambda: torch.frombuffer(bytearray(12), dtype=torch.float32, count=b))
    go("frombuffer", lambda: torch.frombuffer(bytearray(12), dtype=torch.float32, offset=b))
    go("as_strided", lambda: torch.as_strided(x(3, 3), (2, 2), (b, 1)))
    go("as_strided", lambda: torch.as_strided(x(3, 3), (2, 2), (1, 1), b))
    go("as_strided", lambda: torch.as_strided(x(3, 3), (b, 2), (0, 1)))
    go("n", lambda: torch.narrow(x(3, 3), 0, b, 1))
    go("as3", lambda: torch.as_strided(x(3, 3), (2, 2, 2), (2**62, 2**62, 1)))
    go("set2", lambda: torch.ones(3).set_(torch.ones(2).storage(), b, (2,), (1,)))
    go("resize", lambda: torch.ones(3).resize_(b if b < 1000 else 4))
    go("istft", lambda: torch.istft(torch.ones(3, 4, dtype=torch.complex64), 4, length=b))
    go("stft", lambda: torch.stft(torch.ones(9), 4, hop_length=b))
    go("adaptive", lambda: F.adaptive_avg_pool2d(x(1, 1, 3, 3), b))
    go("avg", lambda: F.avg_pool2d(x(1, 1, 3, 3), 2, padding=b))
    go("maxpool", lambda: F.max_pool2d(x(1, 1, 3, 3), 2, dilation=b))
    go("fracpool", lambda: F.fractional_max_pool2d(x(1, 1, 5, 5), 2, output_size=3, _random_samples=torch.ones(1, 1, 2) * float(b)))
    go("conv", lambda: F.conv2d(x(1, 1, 3, 3), x(1, 1, 2, 2), padding=b))
    go("convt", lambda: F.conv_transpose2d(x(1, 1, 3, 3), x(1, 1, 2, 2), output_padding=b, stride=4))
    go("conv g", lambda: F.conv2d(x(1, 4, 3, 3), x(4, 1, 2, 2), groups=b))


def pairs(go, a, b):
    """Calls with two large numbers at once."""
    for n, size in ((1, (5,)), (2, (4, 5)), (3, (4, 4, 5))):
        conv, back = getattr(F, f"conv{n}d"), getattr(F, f"conv_transpose{n}d")
        for groups in (1, 8):
            for kind in (torch.float32, torch.float64, torch.bfloat16):
                image, filters = torch.ones(1, groups, *size, dtype=kind), torch.ones(groups, 1, *(2,) * n, dtype=kind)
                for f in (conv, back):
                    go("conv", lambda: f(image.requires_grad_(), filters.requires_grad_(), None, b, a, groups=groups))
                    go("conv d", lambda: f(image.requires_grad_(), filters, None, 1, padding=a, dilation=b, groups=groups))
                    go("conv sd", lambda: f(image, filters, None, a, padding=b, dilation=a, groups=groups))
        for pool in ("max_pool", "avg_pool", "lp_pool"):
            more = (2,) if pool == "lp_pool" else ()
            go(pool, lambda: getattr(F, f"{pool}{n}d")(x(1, 1, *size), *more, a, b))
            go(pool, lambda: getattr(F, f"{pool}{n}d")(x(1, 1, *size), *more, 2, a))
        go("pool dil", lambda: getattr(F, f"max_pool{n}d")(x(1, 1, *size), 2, a, 1, b))
        go("unpool", lambda: getattr(F, f"max_unpool{n}d")(x(1, 1, *size), torch.zeros(1, 1, *size).long(), a, b))
        go("adaptive", lambda: getattr(F, f"adaptive_avg_pool{n}d")(x(1, 1, *size), (a, b, a)[:n]))
        go("adaptive max", lambda: getattr(F, f"adaptive_max_pool{n}d")(x(1, 1, *size), (a, b, a)[:n]))
        go("interpolate", lambda: F.interpolate(x(1, 1, *size), size=(a, b, a)[:n]))
        for mode in ("constant", "reflect", "replicate", "circular"):
            go("pad", lambda: F.pad(x(1, 1, *size), (a, b) * n, mode=mode))
            go("pad both", lambda: F.pad(x(1, 1, *size), (a, -b) * n, mode=mode))
    go("unfold", lambda: F.unfold(x(1, 1, 4, 5), 2, dilation=a, padding=b, stride=a))
    go("fold", lambda: F.fold(x(1, 4, 4), (a, b), 2, stride=(a, b)))
    one = torch.ones(1)
    go("outer", lambda: torch.outer(one.expand(a), one.expand(b)))
    go("product", lambda: one.expand(a, 1) @ one.expand(1, b))
    go("tensordot", lambda: torch.tensordot(one.expand(a), one.expand(b), 0))
    go("einsum", lambda: torch.einsum("i,j->ij", one.expand(a), one.expand(b)))
    go("kron", lambda: torch.kron(one.expand(a), one.expand(b)))
    go("add", lambda: one.expand(a, 1) + one.expand(b))
    go("cdist", lambda: torch.cdist(one.expand(a, 1), one.expand(b, 1)))
    go("meshgrid", lambda: [t.contiguous() for t in torch.meshgrid(one.expand(a), one.expand(b), indexing="ij")])
    go("repeat", lambda: one.repeat(a, b))
    go("repeat i", lambda: one.expand(2).repeat_interleave(T([a, b])))
    go("segments", lambda: torch.segment_reduce(torch.ones(3), "sum", lengths=T([a, b, -a, -b, 3])))
    go("zeros", lambda: torch.zeros(a, b))
    go("eye", lambda: torch.eye(a, b))
    go("linspace", lambda: torch.linspace(0, a, b))
    go("arange", lambda: torch.arange(-a, b))
    go("randint", lambda: torch.randint(-a, b, (4,)))
    go("indices", lambda: torch.tril_indices(a, b))
    go("as_strided", lambda: torch.as_strided(torch.ones(9), (a, b), (b, a)))
    go("slice", lambda: torch.ones(9)[a :: b] + torch.ones(9)[::b].sum())
    go("sparse", lambda: torch.sparse_coo_tensor(T([[a - 1], [b - 1]]), torch.ones(1), (a, b)).coalesce().to_dense())
    go("csr", lambda: torch.sparse_coo_tensor(T([[0], [b - 1]]), torch.ones(1), (2, b)).to_sparse_csr() @ one.expand(b, 2))
    go("embedding", lambda: nn.Embedding(a, b))
    go("linear", lambda: nn.Linear(a, b))
    go("lstm", lambda: nn.LSTM(a, b))
    go("attention", lambda: F.scaled_dot_product_attention(one.expand(1, a, 1), one.expand(1, b, 1), one.expand(1, b, 1)))


def shapes(go, s):
    """Calls with a parameter of shape s."""
    w = torch.ones(*s) if s else torch.tensor(1.0)
    for name, f in {
        "layer_norm": lambda: F.layer_norm(x(2, 3), (3,), w, w),
        "layer_norm s": lambda: F.layer_norm(x(2, 3), s, None),
        "rms": lambda: F.rms_norm(x(2, 3), (3,), w),
        "bn": lambda: F.batch_norm(x(2, 3), w, w, training=False),
        "bn t": lambda: F.batch_norm(x(2, 3), w, w, w, w, training=True),
        "bn w": lambda: F.batch_norm(x(2, 3), torch.zeros(3), torch.ones(3), w, w),
        "gn": lambda: F.group_norm(x(2, 4), 2, w, w),
        "in": lambda: F.instance_norm(x(2, 3, 4), w, w, w, w),
        "in2": lambda: F.instance_norm(x(2, 3, 4), w, w, use_input_stats=False),
        "linear": lambda: F.linear(x(2, 3), w, w),
        "linear b": lambda: F.linear(x(2, 3), x(4, 3), w),
        "bilinear": lambda: F.bilinear(x(2, 3), x(2, 2), x(2, 3, 2), w),
        "conv b": lambda: F.conv2d(x(1, 3, 3, 3), x(2, 3, 2, 2), w),
        "conv1 b": lambda: F.conv1d(x(1, 3, 3), x(2, 3, 2), w),
        "convT b": lambda: F.conv_transpose2d(x(1, 3, 3, 3), x(3, 2, 2, 2), w),
        "conv3 b": lambda: F.conv3d(x(1, 3, 3, 3, 3), x(2, 3, 2, 2, 2), w),
        "ce w": lambda: F.cross_entropy(x(2, 3), T([0, 1]), w),
        "nll w": lambda: F.nll_loss(x(2, 3), T([0, 1]), w),
        "bce w": lambda: F.binary_cross_entropy(torch.ones(2, 3) * 0.5, torch.ones(2, 3), w),
        "bcel": lambda: F.binary_cross_entropy_with_logits(x(2, 3), torch.ones(2, 3), w, pos_weight=w),
        "prelu": lambda: F.prelu(x(2, 3), w),
        "lstm_cell": lambda: torch.lstm_cell(x(1, 3), (w, w), x(8, 3), x(8, 2), w, w),
        "gru_cell": lambda: torch.gru_cell(x(1, 3), w, x(6, 3), x(6, 2), w, w),
        "gru_cell2": lambda: torch.gru_cell(x(1, 3), None, w, x(6, 2)),
        "gru3": lambda: torch.gru_cell(x(1, 3), None, x(6, 3), w),
        "lstm": lambda: torch.lstm(
            x(2, 1, 3), (torch.ones(1, 1, 2), torch.ones(1, 1, 2)), [x(8, 3), x(8, 2), w, w], True, 1, 0.0, False, False, False
        ),
        "lstm proj": lambda: torch.lstm(
            x(2, 1, 3), (torch.ones(1, 1, 1), torch.ones(1, 1, 2)), [x(8, 3), x(8, 1), w], False, 1, 0.0, False, False, False
        ),
        "sdpa mask": lambda: F.scaled_dot_product_attention(x(1, 2, 3, 4), x(1, 2, 3, 4), x(1, 2, 3, 4), w),
        "sdpa": lambda: F.scaled_dot_product_attention(x(1, 2, 3, 4), w, w),
        "addmm": lambda: torch.addmm(w, x(2, 3), x(3, 2)),
        "baddbmm": lambda: torch.baddbmm(w, x(1, 2, 3), x(1, 3, 2)),
        "addmv": lambda: torch.addmv(w, x(2, 3), x(3)),
        "addr": lambda: torch.addr(w, x(2), x(3)),
        "emb_w": lambda: F.embedding_bag(T([[0, 1, 2]]), x(3, 4), per_sample_weights=w, mode="sum"),
        "bag1": lambda: F.embedding_bag(T([0, 1, 2]), x(3, 4), T([0, 1]), per_sample_weights=w, mode="sum"),
        "grid": lambda: F.grid_sample(x(1, 1, 3, 3), w),
        "aff": lambda: F.affine_grid(w, (1, 1, 2, 2)),
        "where": lambda: torch.where(w > 0, x(2, 3), x(3, 2)),
        "lerp": lambda: torch.lerp(x(2, 3), x(2, 3), w),
        "cdist": lambda: torch.cdist(x(2, 3), w),
        "kl": lambda: F.kl_div(x(2, 3), w),
        "cos": lambda: F.cosine_similarity(x(2, 3), w),
        "cos_emb": lambda: F.cosine_embedding_loss(x(2, 3), x(2, 3), w),
        "trip": lambda: F.triplet_margin_loss(x(2, 3), w, w),
        "masked_scatter": lambda: torch.masked_scatter(x(2, 3), torch.ones(2, 3) > 0, w),
        "masked_select": lambda: torch.masked_select(x(2, 3), w > 0),
        "hist": lambda: torch.histc(x(2, 3), 5, 1, 1),
        "histogram": lambda: torch.histogram(torch.ones(2, 3), w),
        "householder": lambda: torch.linalg.householder_product(torch.ones(3, 2), w),
        "ormqr": lambda: torch.ormqr(torch.ones(3, 2), w, torch.ones(3, 3)),
        "tri solve": lambda: torch.linalg.solve_triangular(torch.ones(3, 3), w, upper=True),
        "chol": lambda: torch.cholesky_solve(w, torch.ones(3, 3)),
        "stft w": lambda: torch.stft(torch.ones(16), 4, window=w, return_complex=True),
        "unfold": lambda: F.unfold(w, 2),
        "out": lambda: torch.add(torch.ones(2, 3), 1, out=w),
        "mm out": lambda: torch.mm(torch.ones(2, 3), torch.ones(3, 2), out=w),
        "copy_": lambda: torch.ones(2, 3).copy_(w),
        "fold": lambda: F.fold(w, (2, 2), 1),
        "pdist": lambda: F.pdist(w),
        "cross": lambda: torch.cross(w, x(3)),
        "fmm": lambda: torch.matmul(x(2, 3), w),
        "einsum": lambda: torch.einsum("ij,jk->ik", x(2, 3), w),
        "tensordot": lambda: torch.tensordot(x(2, 3), w, 1),
    }.items():
        go(name + str(s), f)


def step(number):
    """All calls of one number or shape; None, for what is wrong ends the process."""
    made = []

    def go(name, call):
        made.append(name)
        try:
            for t in children_of(call()):
                t.sum(), t.clone()
                if t.requires_grad:
                    t.sum().backward()
        except Exception:  # an answer
            pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if number < len(BAD):
            numbers(go, BAD[number])
        elif number < len(BAD) + len(SHAPES):
            shapes(go, SHAPES[number - len(BAD)])
        else:
            pairs(go, *PAIRS[number - len(BAD) - len(SHAPES)])
    return None if len(made) > 50 else f"{len(made)} calls only"


def children_of(result):
    return [t for t in (result if isinstance(result, (tuple, list)) else [result]) if isinstance(t, torch.Tensor)]


PAIRS = list(itertools.product(LARGE, LARGE))
STEPS = len(BAD) + len(SHAPES) + len(PAIRS)


@check("wrong numbers", must="0 signals, 0 hangs", short={}, long={})
def wrong_numbers():
    findings = children.sweep("reliability.check_wrong_numbers:step", 0, STEPS, memory=3 << 30, seconds=60.0)
    figures = (f"{len(BAD)} numbers and {len(SHAPES)} shapes where they do not belong, and {len(PAIRS)} pairs of large numbers, in "
               f"{count():,} calls: {len(findings)} findings")  # fmt: skip
    if findings:
        raise Failed(figures, findings)
    return figures


def count():
    """How many calls there are."""
    made = []
    for b in BAD:
        numbers(lambda name, call: made.append(name), b)
    for s in SHAPES:
        shapes(lambda name, call: made.append(name), s)
    for a, b in PAIRS:
        pairs(lambda name, call: made.append(name), a, b)
    return len(made)
