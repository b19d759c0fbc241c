"""Norms of gradients, and bounds on them."""

import math
import types
import warnings

from ... import _core, errors
from ..._core import Tensor, no_grad

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _list(parameters):
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _norm(tensors, norm_type):
    """The p-norm of all numbers of the tensors, as a Python float (nan and inf propagate)."""
    if norm_type == 2.0:
        total = 0.0
        out = _core.empty((1,), dtype=_core.float64)
        for t in tensors:
            if t.dtype not in (_core.float32, _core.float64):
                t = t.float()
            _core.call(_core.K_sumsq, (out, t.contiguous()), (t.dtype.code, t.numel()), ())
            total += out.item()
        return math.sqrt(total) if total == total else total
    if norm_type == math.inf:
        peaks = [t.abs().max().item() for t in tensors if t.numel()]
        return math.nan if any(p != p for p in peaks) else max(peaks, default=0.0)
    total = sum((t.double().abs() ** norm_type).sum().item() for t in tensors)
    return total ** (1.0 / norm_type)


def _norm_on_device(tensors, norm_type):
    """The same bits as _norm, as a float64 tensor: no number is read, so a plan can hold it."""
    parts = []
    for t in tensors:
        if norm_type == 2.0:
            out = _core.empty((1,), dtype=_core.float64)
            _core.call(_core.K_sumsq, (out, t.contiguous()), (t.dtype.code, t.numel()), ())
            parts.append(out)
        else:
            parts.append(t.abs().max().double())
    total = parts[0]
    for part in parts[1:]:
        total = total + part if norm_type == 2.0 else total.maximum(part)
    return total.sqrt().reshape(()) if norm_type == 2.0 else total


def _recordable(tensors, norm_type):
    """Is a plan being recorded that can hold this norm?"""
    plain = all(t.dtype in (_core.float32, _core.float64) and t.numel() for t in tensors)
    return _core.recording() is not None and bool(tensors) and plain and norm_type in (2.0, math.inf)


def get_total_norm(tensors, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """The p-norm of all the tensors taken as one vector.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.utils.get_total_norm([torch.tensor([3.0]), torch.tensor([4.0])]).item()
        5.0
    """
    with no_grad():
        tensors = _list(tensors)
        if _recordable(tensors, float(norm_type)):
            norm = _norm_on_device(tensors, float(norm_type)).to(tensors[0].dtype)
            finite = not error_if_nonfinite or bool(norm.isfinite())
        else:
            norm = _norm(tensors, float(norm_type))
            finite = not error_if_nonfinite or math.isfinite(norm)
        if not finite:
            raise errors.ArgumentError(
                f"The total norm of order {norm_type} of the gradients is non-finite ({float(norm)}), so it cannot "
                "be clipped; look for the first loss that is not finite, or pass error_if_nonfinite=False"
            )
        if isinstance(norm, _core.Tensor):
            return norm
        return _core.full((), norm, dtype=tensors[0].dtype if tensors else None)


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scales all gradients down together so that their norm is at most max_norm; returns the norm from before.

    g <- g min(1, max_norm / (|g|_p + 1e-6))

    Arguments:
        parameters: a tensor or tensors; those without a gradient are left out.
        max_norm: the largest norm; norm_type: p, may be inf.
        error_if_nonfinite: raise if the norm is nan or inf.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> p.grad = torch.tensor([3.0, 4.0])
        >>> torch.nn.utils.clip_grad_norm_(p, 1.0).item()
        5.0
        >>> [round(g, 3) for g in p.grad.tolist()]
        [0.6, 0.8]

    Source: Pascanu, Mikolov and Bengio 2013.
    """
    listed = _list(parameters)
    if not listed and isinstance(parameters, types.GeneratorType):
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2)
    grads = [p.grad for p in listed if p.grad is not None]
    total = get_total_norm(grads, norm_type, error_if_nonfinite)
    _scale(grads, max_norm, total)
    return total


def _scale(grads, max_norm, total):
    if _recordable(grads, 2.0):
        with no_grad():
            scale = (float(max_norm) / (total.double() + 1e-6)).clamp(max=1.0)  # by 1 no bit of a gradient changes
            for g in grads:
                g.mul_(scale.to(g.dtype))
        return
    scale = float(max_norm) / (total.item() + 1e-6)
    if not scale >= 1.0:  # also true for nan, which then reaches every gradient
        with no_grad():
            for g in grads:
                g.mul_(scale)


def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None):
    """The second half of clip_grad_norm_: scales all gradients by min(1, max_norm / (total_norm + 1e-6)).

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.zeros(1))
        >>> p.grad = torch.tensor([4.0])
        >>> torch.nn.utils.clip_grads_with_norm_(p, 1.0, torch.tensor(2.0))
        >>> round(p.grad.item(), 3)
        2.0
    """
    _scale([p.grad for p in _list(parameters) if p.grad is not None], max_norm, total_norm)


def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """clip_grad_norm_ under its older name."""
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters, clip_value, foreach=None):
    """Moves each number of each gradient into [-clip_value, clip_value].

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.zeros(2))
        >>> p.grad = torch.tensor([3.0, -0.5])
        >>> torch.nn.utils.clip_grad_value_([p], 1.0)
        >>> p.grad.tolist()
        [1.0, -0.5]
    """
    clip_value = float(clip_value)
    with no_grad():
        for p in _list(parameters):
            if p.grad is not None:
                p.grad.clamp_(-clip_value, clip_value)
