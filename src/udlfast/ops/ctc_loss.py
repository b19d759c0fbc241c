"""The loss of sequences that are not aligned with their targets (connectionist temporal classification)."""
from .. import _core
from .._core import K_ctc_loss, K_ctc_loss_backward, attach, call, empty, float32
from ..errors import ArgumentError, ShapeError
from ._common import floating, in_range, index_tensor, once, reduction_of, whole
from .creation import tensor as new_tensor


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """-log of the probability that frames of class scores spell a target, over all ways of spreading it over the frames.

    A way of spelling assigns a class to each frame; equal neighbours count once and blanks not at all. The gradient is that
    for log_probs which come out of log_softmax: exp(log_probs) - p(class at the frame | target).

    Args:
        log_probs: [T, N, C] or [T, C], logarithms of probabilities over the classes, floating point
        targets: labels [N, S], rows filled up with anything in range; or [sum of target_lengths], one after the other
        input_lengths, target_lengths: [N], tensors or sequences of whole numbers (or one number without N)
        blank: the class that spells nothing
        reduction: "mean" (each loss divided by its target's length, at least 1, first), "sum" or "none"
        zero_infinity: losses of targets that cannot be spelled in the frames there are, and their gradients, become 0
    Returns: one number, or for "none" [N] (or [])
    Raises: ShapeError, DimError for a label outside 0..C-1, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> log_probs = torch.full((2, 1, 2), 0.5).log()
    >>> loss = torch.nn.functional.ctc_loss(log_probs, torch.tensor([[1]]), [2], [1])
    >>> round(loss.exp().item(), 4)  # three of the four ways: 11, 1-, -1
    1.3333

    Source: Graves et al. 2006.
    """
    op = "ctc_loss"
    floating(op, log_probs, "log_probs")
    reduction = reduction_of(op, reduction)
    if log_probs.dtype.narrow:
        log_probs = log_probs.to(float32)
    if log_probs.ndim not in (2, 3):
        raise ShapeError(f"{op}: expected log_probs [T, N, C] or [T, C], got {list(log_probs.shape)}")
    x = log_probs if log_probs.ndim == 3 else log_probs.unsqueeze(1)
    T, N, C = x.shape
    blank = whole(op, "blank", blank)
    if blank >= C:
        raise ArgumentError(f"{op}: blank must be in label range, got {blank} for {C} classes")
    times = _lengths(op, "input_lengths", input_lengths, N, T)
    targets = index_tensor(op, targets, "targets").contiguous()
    rows = targets if log_probs.ndim == 3 or targets.ndim != 1 else targets.unsqueeze(0)
    lengths = _lengths(op, "target_lengths", target_lengths, N, rows.shape[1] if rows.ndim == 2 else rows.numel())
    offsets = _offsets(op, rows, lengths, N)
    in_range(op, targets, 0, C, "targets")
    sizes = [new_tensor(v, dtype=_core.int64) for v in (times, lengths, offsets)]
    loss = _losses(x.contiguous(), rows, sizes, max(lengths, default=0), blank, zero_infinity)
    if zero_infinity:
        from .elementwise import where
        loss = where(loss == float("inf"), 0.0, loss)
    if reduction == "mean":
        return (loss / new_tensor([float(max(1, n)) for n in lengths]).to(loss.dtype)).mean()
    loss = loss if log_probs.ndim == 3 else loss.squeeze(0)
    return loss.sum() if reduction == "sum" else loss


def _lengths(op, name, value, N, most):
    """N ints from a tensor, a sequence or one number."""
    value = value.tolist() if isinstance(value, _core.Tensor) else value
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(items) != N:
        raise ShapeError(f"{op}: expected {name} with {N} numbers, one for each example, got {len(items)}")
    return [whole(op, name, v, 0, most) for v in items]


def _offsets(op, targets, lengths, N):
    """Where each target begins in the array of targets."""
    if targets.ndim == 2:
        if targets.shape[0] != N:
            raise ShapeError(f"{op}: expected targets [{N}, S], got {list(targets.shape)}")
        return [n * targets.shape[1] for n in range(N)]
    if targets.ndim != 1 or targets.numel() != sum(lengths):
        raise ShapeError(f"{op}: expected targets [{N}, S] or one after the other [{sum(lengths)}], got {list(targets.shape)}")
    return [sum(lengths[:n]) for n in range(N)]


def _losses(x, targets, sizes, S, blank, zero_infinity):
    T, N, C = x.shape
    nll, alpha = empty((N,), x.dtype), empty((N, T, 2 * S + 1), x.dtype)
    numbers = (x.dtype.code, T, N, C, S, blank)
    call(K_ctc_loss, (nll, alpha, x, targets, *sizes), numbers, ())
    return attach(nll, (x,), ctc_loss_backward, saved=(x, targets, *sizes, nll, alpha), args=((*numbers, int(bool(zero_infinity))),))


def ctc_loss_backward(node, g):
    """gx[t, n, c] = g[n] (exp(x[t, n, c]) - p(c at t | target n)) for t < input_lengths[n], else 0"""
    x = node.saved[0]
    gx, g = _core.empty_like(x), g.contiguous()
    call(K_ctc_loss_backward, (gx, g, *node.saved), node.args[0], ())
    return once("ctc_loss", gx, g, x),
