"""Reductions, cumulative sums, arg-max, top k."""

import math

import udlfast as udl

from .._registry import op


def narrowed(x, y):
    """Sums of short integers come back in their own type."""
    return y if y.dtype is x.dtype else y.to(x.dtype)


def total(x, axes, keep):
    return narrowed(x, udl.sum(x, axes, keepdim=keep))


def average(x, axes, keep):
    if x.dtype.is_floating_point:
        return udl.mean(x, axes, keepdim=keep)
    return udl.div(total(x, axes, keep), math.prod(x.shape[a] for a in axes), rounding_mode="trunc")


def product(x, axes, keep):
    for a in sorted((a % x.dim() for a in axes), reverse=True):
        x = narrowed(x, udl.prod(x, a, keepdim=keep))
    return x


def extreme(f, low):
    def reduce(x, axes, keep):
        kind = x.dtype
        x = x.to(udl.uint8) if kind is udl.bool_ else x
        if math.prod(x.shape[a] for a in axes) == 0:
            gone = {a % x.dim() for a in axes}
            shape = [1 if i in gone else n for i, n in enumerate(x.shape) if keep or i not in gone]
            if kind is udl.bool_:
                return udl.full(shape, not low, dtype=kind)
            info = udl.finfo(kind) if kind.is_floating_point else udl.iinfo(kind)
            worst = (-math.inf if low else math.inf) if kind.is_floating_point else (info.min if low else info.max)
            return udl.full(shape, worst, dtype=kind)
        return f(x, axes, keepdim=keep).to(kind)

    return reduce


def log_sum_exp(x, axes, keep):
    if math.prod(x.shape[a] for a in axes) == 0:
        return udl.log(total(x, axes, keep))
    return udl.logsumexp(x, axes, keepdim=keep)


REDUCE = {
    "ReduceSum": total,
    "ReduceMean": average,
    "ReduceProd": product,
    "ReduceMax": extreme(udl.amax, True),
    "ReduceMin": extreme(udl.amin, False),
    "ReduceL1": lambda x, axes, keep: total(udl.abs(x), axes, keep),
    "ReduceL2": lambda x, axes, keep: udl.sqrt(total(x * x, axes, keep)),
    "ReduceSumSquare": lambda x, axes, keep: total(x * x, axes, keep),
    "ReduceLogSum": lambda x, axes, keep: udl.log(total(x, axes, keep)),
    "ReduceLogSumExp": log_sum_exp,
}


@op(*REDUCE, host=(1,))
def reduce(node, x, axes=None):
    axes = node.axes(axes, [])
    if not axes and node.get("noop_with_empty_axes"):
        every = {"ReduceL1": udl.abs, "ReduceL2": udl.abs, "ReduceSumSquare": udl.square, "ReduceLogSum": udl.log}
        return every[node.type](x) if node.type in every else x
    if x.dim() == 0:
        return REDUCE[node.type](x.reshape(1), [0], False)
    return REDUCE[node.type](x, axes or list(range(x.dim())), bool(node.get("keepdims", 1)))


@op("ArgMax", "ArgMin")
def arg_extreme(node, x):
    axis, keep = node.get("axis", 0), bool(node.get("keepdims", 1))
    f = udl.argmax if node.type == "ArgMax" else udl.argmin
    if not node.get("select_last_index"):
        return f(x, axis, keepdim=keep)
    return x.shape[axis] - 1 - f(udl.flip(x, [axis]), axis, keepdim=keep)


@op("TopK", host=(1,))
def top_k(node, x, k=None):
    k = int(k.reshape(-1)[0]) if k is not None else node.get("k")
    largest, axis = bool(node.get("largest", 1)), node.get("axis", -1)
    values, places = udl.sort(x, dim=axis, descending=largest, stable=True)
    return udl.narrow(values, axis, 0, k), udl.narrow(places, axis, 0, k)


@op("CumSum", "CumProd", host=(1,))
def cumulative(node, x, axis):
    axis = int(axis.reshape(-1)[0]) % x.dim()
    f, first = (udl.cumsum, 0) if node.type == "CumSum" else (udl.cumprod, 1)
    if node.get("reverse"):
        x = udl.flip(x, [axis])
    y = narrowed(x, f(x, axis))
    if node.get("exclusive") and x.shape[axis]:
        edge = udl.full_like(udl.narrow(x, axis, 0, 1), first)
        y = udl.cat([edge, udl.narrow(y, axis, 0, x.shape[axis] - 1)], axis)
    return udl.flip(y, [axis]) if node.get("reverse") else y
