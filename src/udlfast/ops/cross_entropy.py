"""The loss of classification: minus the log-probability of the right class.

Axis letters: N examples, C classes, L all further positions (such as pixels or tokens) of x[N, C, L].
"""
from .. import _core
from .._core import (
    K_cross_entropy,
    K_cross_entropy_backward,
    K_nll_loss,
    K_nll_loss_backward,
    attach,
    call,
    empty,
    empty_like,
    float32,
    is_grad_enabled,
)
from ..errors import ArgumentError, DimError, ShapeError
from . import _autocast
from ._common import floating, index_tensor, reduction_of, same_type
from .creation import arange
from .softmax import log_softmax, softmax

CODE = {"none": 0, "mean": 1, "sum": 2}


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
                  label_smoothing=0.0):
    """Softmax and negative log-likelihood in one.

    loss = -weight[t] log softmax(x)[t] for the class t; with smoothing s, (1 - s) loss + s / C sum_c of the losses of
    all classes; "mean" divides the sum by the sum of weight[t]. For a target of probabilities q: -sum_c weight[c] q_c
    log softmax(x)_c, and "mean" divides by the number of examples.

    Args:
        input: logits [C], [N, C] or [N, C, d1, ...], floating point
        target: class numbers [], [N] or [N, d1, ...], int64; or probabilities of the shape of input
        weight: [C] or None
        size_average, reduce: deprecated; use reduction
        ignore_index: targets of this number count nothing
        reduction: "mean", "sum" or "none"
        label_smoothing: s in 0..1
    Returns: one number, or for "none" the shape of the class numbers
    Raises: DimError for a class outside 0..C-1, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> round(torch.nn.functional.cross_entropy(torch.zeros(2, 4), torch.tensor([1, 3])).item(), 4)  # log 4
    1.3863

    Source: Understanding Deep Learning, section 5.5.
    """
    op = "cross_entropy"
    if _autocast.ON:
        input, target, weight = _autocast.wide(input, target, weight)
    floating(op, input)
    reduction = reduction_of(op, reduction, size_average, reduce)
    if not 0.0 <= label_smoothing <= 1.0:
        raise ArgumentError(f"{op}: label_smoothing must be between 0 and 1, got {label_smoothing}")
    if input.dtype.narrow:
        weight = None if weight is None else weight.to(float32)
        target = target.to(float32) if target.dtype.narrow else target
        return cross_entropy(input.to(float32), target, weight, None, ignore_index, None, reduction,
                             label_smoothing).to(input.dtype)
    if isinstance(target, _core.Tensor) and tuple(target.shape) == tuple(input.shape) and input.ndim:
        return _probabilities(input, target, weight, reduction, label_smoothing)
    N, C, L, shape = _sizes(op, input, target, weight)
    x, t, w = input.contiguous(), index_tensor(op, target, "target").contiguous(), weight
    w = w if w is None else w.contiguous()
    loss, lse, total = empty(shape, x.dtype), empty((2, N, L), x.dtype), empty((2,), x.dtype)
    try:
        call(K_cross_entropy, (loss, lse, total, x, t, w), (x.dtype.code, N, C, L, ignore_index, 0), (label_smoothing,))
    except DimError:
        raise _bad_class(op, t, C, ignore_index) from None
    out = _reduce(loss, total, reduction)
    return attach(out, (x,), cross_entropy_backward, saved=(x, t, w, lse, total),
                  args=(N, C, L, ignore_index, CODE[reduction], label_smoothing))


def cross_entropy_backward(node, g):
    """gx_c = g weight[t] (softmax(x)_c - [c = t]); "mean" divides by the sum of weight[t]"""
    x, t, w, lse, total = node.saved
    N, C, L, ignore_index, reduction, smoothing = node.args
    if is_grad_enabled():  # under create_graph: the same rule from differentiable parts
        g, q = _parts(g, t, w, total, *node.args)
        rows = x.reshape(N, C, L)
        return (g * (softmax(rows, 1) * q.sum(1, True) - q)).reshape(x.shape),
    gx = empty_like(x)
    call(K_cross_entropy_backward, (gx, g.contiguous(), x, t, w, lse, total),
         (x.dtype.code, N, C, L, ignore_index, reduction, 0), (smoothing,))
    return gx,


def _probabilities(input, target, weight, reduction, smoothing):
    """Targets that are probabilities of every class, composed of differentiable parts."""
    op = "cross_entropy"
    floating(op, target, "target")
    same_type(op, input, target, "target")
    dim = 0 if input.ndim == 1 else 1
    C = input.shape[dim]
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / C
    terms = log_softmax(input, dim) * target
    if weight is not None:
        _check_weight(op, input, weight, C)
        terms = terms * weight.reshape(C, *(1,) * (input.ndim - 1 - dim))
    loss = -terms.sum(dim)
    if reduction == "none":
        return loss
    total = loss.sum()
    return total if reduction == "sum" else total / (loss.numel() or float("nan"))


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """Negative log-likelihood of log-probabilities.

    loss = -weight[t] input[t] for the class t; "mean" divides the sum by the sum of weight[t]

    Args:
        input: log-probabilities [C], [N, C] or [N, C, d1, ...], floating point
        target: class numbers [], [N] or [N, d1, ...], int64
        weight: [C] or None
        size_average, reduce: deprecated; use reduction
        ignore_index: targets of this number count nothing
        reduction: "mean", "sum" or "none"
    Returns: one number, or for "none" the shape of target
    Raises: DimError for a class outside 0..C-1, ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.nll_loss(torch.tensor([[-1., -2.]]), torch.tensor([1])).item()
    2.0

    Source: Understanding Deep Learning, section 5.1.
    """
    op = "nll_loss"
    if _autocast.ON:
        input, target, weight = _autocast.wide(input, target, weight)
    floating(op, input)
    reduction = reduction_of(op, reduction, size_average, reduce)
    if input.dtype.narrow:
        weight = None if weight is None else weight.to(float32)
        return nll_loss(input.to(float32), target, weight, None, ignore_index, None, reduction).to(input.dtype)
    N, C, L, shape = _sizes(op, input, target, weight)
    x, t, w = input.contiguous(), index_tensor(op, target, "target").contiguous(), weight
    w = w if w is None else w.contiguous()
    loss, total = empty(shape, x.dtype), empty((2,), x.dtype)
    try:
        call(K_nll_loss, (loss, total, x, t, w), (x.dtype.code, N, C, L, ignore_index), ())
    except DimError:
        raise _bad_class(op, t, C, ignore_index) from None
    out = _reduce(loss, total, reduction)
    return attach(out, (x,), nll_loss_backward, saved=(t, w, total),
                  args=(N, C, L, ignore_index, CODE[reduction], tuple(x.shape)))


def nll_loss_backward(node, g):
    """gx_c = -g weight[t] where c = t, else 0; "mean" divides by the sum of weight[t]"""
    t, w, total = node.saved
    N, C, L, ignore_index, reduction, shape = node.args
    if is_grad_enabled():  # under create_graph: the same rule from differentiable parts
        g, q = _parts(g, t, w, total, *node.args[:-1], 0.0)
        return -(g * q).reshape(shape),
    gx = empty(shape, g.dtype)
    call(K_nll_loss_backward, (gx, g.contiguous(), t, w, total),
         (g.dtype.code + 256 * reduction, N, C, L, ignore_index), ())
    return gx,


def _parts(g, t, w, total, N, C, L, ignore_index, reduction, smoothing):
    """(upstream gradient, share q of every class in the loss), both to broadcast over [N, C, L]:
    loss[n, l] = -sum_c q[n, c, l] log p[n, c, l]"""
    counts = (t != ignore_index).reshape(N, 1, L)
    q = (t.reshape(N, 1, L) == arange(C).reshape(1, C, 1)).to(total.dtype)
    weights = _core.ones((1, 1, 1), dtype=total.dtype) if w is None else w.reshape(1, C, 1)
    q = ((1.0 - smoothing) * q + smoothing / C) * weights * counts.to(q.dtype)
    g = g.reshape(N, 1, L) if reduction == 0 else g.reshape(1, 1, 1)
    return (g / total[1] if reduction == 1 else g), q


def _reduce(loss, total, reduction):
    """total = (sum of the losses, sum of the weights)"""
    if reduction == "none":
        return loss
    return total[0] / total[1] if reduction == "mean" else total[0].clone()


def _sizes(op, input, target, weight):
    """(N, C, L, shape of the losses)"""
    index_tensor(op, target, "target")
    shape, t_shape = tuple(input.shape), tuple(target.shape)
    if not shape:
        raise ShapeError(f"{op}: expected input [C], [N, C] or [N, C, ...], got a number")
    N, C, rest = (1, shape[0], ()) if len(shape) == 1 else (shape[0], shape[1], shape[2:])
    expected = () if len(shape) == 1 else (N, *rest)
    if t_shape != expected:
        raise ShapeError(f"{op}: expected target {list(expected)} of class numbers for input {list(shape)}, got "
                         f"{list(t_shape)}; classes are dimension {0 if len(shape) == 1 else 1} of input")
    if weight is not None:
        _check_weight(op, input, weight, C)
    L = 1
    for s in rest:
        L *= s
    return N, C, L, expected


def _check_weight(op, input, weight, C):
    same_type(op, input, weight, "weight")
    if tuple(weight.shape) != (C,):
        raise ShapeError(f"{op}: expected weight [{C}], one number for each class of input {list(input.shape)}, got "
                         f"{list(weight.shape)}")


def _bad_class(op, target, C, ignore_index):
    values = target.reshape(-1).numpy(force=True)
    bad = values[((values < 0) | (values >= C)) & (values != ignore_index)]
    return DimError(f"{op}: target has class {bad[0] if bad.size else '?'}, but input has the classes 0 to {C - 1}; "
                    f"classes count from 0")
