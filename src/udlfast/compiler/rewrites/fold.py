"""Batch normalisation by fixed statistics, put into the weights of the convolution or linear layer before it."""

from ... import _core
from .calls import BF16, F32, F64, TEMP, get, number, touches


def folded(recorder, calls, kept):
    """Where the result of a layer goes into a batch normalisation in eval mode alone, weights that do both.

    They are made by a call that runs when a weight or a statistic has changed. The result differs from eager's by rounding:
    the product's error stays what it was, relative to sum |w s x| instead of s sum |w x|, which is the same number. Of bf16 images the
    product has float32 weights, and is rounded once instead of twice.
    """
    keep = {o.buffer for o in kept}
    touched = touches(calls)
    once, gone = [], set()
    for i, norm in enumerate(calls):
        if norm.name != "batch_norm" or get(norm, 12) != 0 or norm.backward:
            continue
        at = {field: (slot, offset) for field, slot, offset, _ in norm.pointers}
        x, y = at[3][0], at[0][0]
        before = touched[x.number]
        alone = x.kind == y.kind == TEMP and x.number not in keep and len(before) == 2 and before[1] == i
        statistics = [at[k][0] for k in (1, 2)]
        if not alone or touched[y.number][0] != i or at[0][1] or at[3][1]:
            continue
        if any(touched[s.number] != [i] or s.number in keep for s in statistics):
            continue
        product = calls[before[0]]
        size = shape_of(product, norm, x)
        own = {f: (slot, offset) for f, slot, offset, _ in product.pointers}
        if size is None or product.backward or own.get(0, (None,))[0] is not x:
            continue
        sources = [own.get(2), own.get(3), at.get(6), at.get(7), at.get(4), at.get(5)]
        if not all(s is None or constant(s[0]) for s in sources):
            continue
        once.append(fold(recorder, product, sources, size, F64 if get(norm, 8) == F64 else F32, number(norm, 14)))
        product.point(0, y, 0, True)
        touched[y.number] = [before[0], *touched[y.number][1:]]
        gone.add(i)
    return once + [c for i, c in enumerate(calls) if i not in gone]


def fold(recorder, product, sources, size, dtype, eps):
    """The call that makes the new weights; the product reads them from now on."""
    item = 4 if dtype == F32 else 8
    outputs, inputs = size
    weight = recorder.buffer(item * outputs * inputs, True)
    bias = recorder.buffer(item * outputs, True)
    pointers = [(0, weight, 0, True), (1, bias, 0, True)]
    pointers += [(2 + k, *s, False) for k, s in enumerate(sources) if s is not None]
    product.point(2, weight)
    product.point(3, bias)
    product.packed = None
    return _core.make_call(_core.K_fold_batch_norm, [dtype, outputs, inputs], [eps], pointers, False, True)


def constant(slot):
    """Memory older than the run that no call writes and whose changes are counted."""
    return isinstance(slot.place, _core.Guard) and not slot.written and slot.counted


def shape_of(product, norm, x):
    """(outputs, inputs of each) of a product whose weights can take scale and shift, else None."""
    dtype, N, C, L = (get(norm, f) for f in (8, 9, 10, 11))
    if dtype not in (F32, F64, BF16) or x.nbytes != {F32: 4, F64: 8, BF16: 2}[dtype] * N * C * L:
        return None
    if product.name == "conv2d":
        channels, outputs, R, S, groups = (get(product, f) for f in (7, 10, 11, 12, 21))
        if get(product, 5) != dtype or outputs != C or get(product, 6) != N or groups >= 65536:
            return None
        return outputs, channels // groups * R * S
    if product.name == "matmul" and dtype != BF16:
        batch, m, n, k, b_k, b_n, ldo, act, bias_m = (get(product, f) for f in (7, 8, 9, 10, 15, 16, 18, 19, 20))
        plain = act == 0 and bias_m == 0 and number(product, 22) == 1 and number(product, 23) == 0
        fields = {field for field, *_ in product.pointers}
        if get(product, 6) != dtype or not plain or 4 in fields or (batch, L, m, n) != (1, 1, N, C):
            return None
        return (n, k) if b_k == 1 and b_n == k and ldo == n else None
    return None
