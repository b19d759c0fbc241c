"""Activations and sums after a product, made by its epilogue."""

from ... import _core
from .calls import BF16, F32, TEMP, get, put, quiet, touches

# UDL_ACT_* of udlfast.h: those that the epilogue and the element-wise kernel compute alike
ACTS = {_core.MAP_relu: 1, _core.MAP_gelu: 2, _core.MAP_tanh: 5, _core.MAP_sigmoid: 6}
RELU = 1


def into_epilogues(calls, kept):
    """An activation, and the sum with another buffer, of a product that nobody else reads, made by the product itself.

    The epilogue does the same operation on the same number before it is stored: not a bit changes.
    """
    keep = {o.buffer for o in kept}
    touched = touches(calls)
    gone = set()
    for i, call in enumerate(calls):
        found = follower(call)
        if found is None:
            continue
        out, inputs, act, dtype = found
        if out.number in (a.number for a in inputs):
            if act and (j := in_place(calls, i, touched[out.number], out, act, dtype, gone)) is not None:
                finish(calls[j], None, act)
                touched[out.number].remove(i)
                gone.add(i)
            continue
        for which, a in enumerate(inputs):
            at = touched[a.number]
            if a.kind != TEMP or a.number in keep or len(at) != 2 or at[1] != i or touched[out.number][0] != i:
                continue
            j = at[0]
            product, other = calls[j], inputs[1 - which] if len(inputs) == 2 else None
            if j in gone or product.backward != call.backward or not takes(product, a, other, act, dtype):
                continue
            if not quiet(calls[j + 1 : i], product):
                continue
            product.redirect({a.number: out})
            finish(product, other, act)
            touched[out.number].insert(0, i)
            calls[i] = product  # the product moves to where the follower was
            gone.add(j)
            touched[a.number] = []
            break
    return [c for i, c in enumerate(calls) if i not in gone]


def follower(call):
    """(result, inputs, activation, element type) of an activation or (0) a sum of whole float buffers, element by element; else None."""
    if call.name != "elementwise":
        return None
    act = ACTS.get(get(call, 4), 0)
    n_in = 1 if act else 2 if get(call, 4) == _core.MAP_add else 0
    by_field = {field: (slot, offset) for field, slot, offset, _ in call.pointers}
    dtype = get(call, 6)
    if not n_in or len(by_field) != n_in + 1 or get(call, 10) != 1 or not (dtype == F32 or dtype == BF16 and act == RELU):
        return None
    if any(get(call, 6 + k) != dtype or get(call, 19 + 8 * k) != 1 for k in range(n_in + 1)) or get(call, 5) != F32:
        return None
    item = 4 if dtype == F32 else 2
    if any(offset for _, offset in by_field.values()) or any(s.nbytes != item * get(call, 11) for s, _ in by_field.values()):
        return None
    slots = [by_field[k][0] for k in range(n_in + 1)]
    return slots[0], slots[1:], act, dtype


def in_place(calls, i, at, a, act, dtype, gone):
    """Call i is an activation of `a` in place, and `at` are the calls that touch `a`: the place of a product right before it among them
    that can make the activation, or None. Nobody has read `a` in between, and nothing moves."""
    before = at.index(i) - 1
    if before < 0 or at[before] in gone:
        return None
    product = calls[at[before]]
    return at[before] if product.backward == calls[i].backward and takes(product, a, None, act, dtype) else None


def takes(product, a, other, act, dtype):
    """Is this the product that fills all of `a`, in the follower's element type (a view may have another), with room in its epilogue for an
    activation (other None) or for a sum?"""
    fields = {field: slot for field, slot, _, _ in product.pointers}
    if fields.get(0) is not a or any(s is a for f, s in fields.items() if f):
        return False
    if product.name == "matmul":
        batch, m, n = (get(product, f) for f in (7, 8, 9))
        whole = get(product, 6) == dtype == F32 and 4 * batch * m * n == a.nbytes and get(product, 18) == n
        plain = get(product, 19) == 0 and get(product, 23) == 0 and 4 not in fields
        return whole and plain and (other is None or all(s is not other for s in fields.values()))
    return product.name == "conv2d" and act == RELU and get(product, 5) == dtype and get(product, 21) < 65536


def finish(product, other, act):
    """The product makes the activation, or the sum with `other`, itself."""
    if product.name == "conv2d":
        put(product, 21, get(product, 21) + 65536 * act)
    elif other is None:
        put(product, 19, act)
    else:
        product.pointers.append((4, other, 0, False))
