"""Batch norm over the batches of all processes: only sums per channel travel."""

from .. import _core, var_mean
from ..errors import GradError, ShapeError
from ..nn import functional as F
from .collectives import all_gather_into_tensor


def gathered(values, group):
    """The [K] float64 numbers of all processes as [R, K], in the order of the ranks."""
    rows = _core.empty((group.size, values.numel()), dtype=_core.float64)
    all_gather_into_tensor(rows, values, group)
    return rows


def sync_batch_norm(x, running_mean, running_var, weight, bias, momentum, eps, group):
    """batch_norm in training with the statistics of all processes' inputs.

    With m_i values in process i, M = sum m_i:  mean = sum m_i mean_i / M,  var = sum m_i (var_i + (mean_i - mean)^2) / M.

    Args: as batch_norm's; group: the processes, all of which call this.
    Returns: the shape of x.
    """
    kind = x.dtype
    if kind.narrow:
        return sync_batch_norm(x.to(_core.float32), running_mean, running_var, weight, bias, momentum, eps, group).to(kind)
    x, channels = x.contiguous(), x.shape[1]
    m = x.numel() // max(1, channels)
    with _core.no_grad():
        own = _core.zeros(2 * channels + 1, dtype=_core.float64)
        if m:
            var, mean = var_mean(x, (0, *range(2, x.ndim)), correction=0)
            own[:channels].copy_(mean), own[channels:-1].copy_(var)
            own[-1] = m
        rows = gathered(own, group)
        counts = rows[:, -1:]
        total = counts.sum().item()
        if total <= 1:
            raise ShapeError(f"batch_norm: expected more than 1 value per channel over all processes, got {total:g}")
        mean = (counts * rows[:, :channels]).sum(0) / total
        var = (counts * (rows[:, channels:-1] + (rows[:, :channels] - mean).square())).sum(0) / total
        if running_mean is not None:
            for running, value in ((running_mean, mean), (running_var, var * (total / (total - 1)))):
                running.mul_(1 - momentum).add_(value.to(running.dtype), alpha=momentum)
        mean, var = mean.to(kind), var.to(kind)
        y = F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)
    return _core.attach(y, (x, weight, bias), sync_batch_norm_backward, saved=(x, weight, mean, var), args=(eps, total, group))


def sync_batch_norm_backward(node, g):
    """As batch_norm's, with gb = sum g and gw = sum g h over all processes in gx; weight and bias get this process's sums."""
    if _core.is_grad_enabled():
        raise GradError("SyncBatchNorm: gradients of gradients (create_graph=True) are not supported; use BatchNorm")
    (x, w, mean, var), (eps, total, group) = node.saved, node.args
    channels, n = x.shape[1], x.shape[0]
    inner = x.numel() // max(1, n * channels)
    rstd = (var + eps).rsqrt()
    g = g.contiguous()
    gx, gw, gb = _core.empty_like(x), _core.empty((channels,), x.dtype), _core.empty((channels,), x.dtype)
    _core.call(_core.K_batch_norm_backward, (gx, gw, gb, g, x, w, mean, rstd), (x.dtype.code, n, channels, inner, 0), ())
    own = _core.zeros(2 * channels, dtype=_core.float64)
    own[:channels].copy_(gw), own[channels:].copy_(gb)
    both = (gathered(own, group).sum(0) / total).to(x.dtype)
    scale = rstd if w is None else rstd * w.detach()
    gx.sub_(F.batch_norm(x.detach(), mean, var, both[:channels] * scale, both[channels:] * scale, False, 0.0, eps))
    return gx if node.needs(0) else None, gw if node.needs(1) else None, gb if node.needs(2) else None
