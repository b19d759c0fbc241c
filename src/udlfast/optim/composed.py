"""Adafactor, Muon and SparseAdam, made of tensor operations."""

from math import sqrt

from .. import _core, errors
from .optimizer import Optimizer, check_settings

__all__ = ["Adafactor", "Muon", "SparseAdam"]


class Composed(Optimizer):
    """What they share: one parameter after the other, nothing recorded."""

    def _step_group(self, group):
        with _core.no_grad():
            for p in group["params"]:
                if p.grad is not None:
                    self._step_one(p, p.grad, self.state[p], group)


class Adafactor(Composed):
    """Adam's second moment kept as row and column means only, and steps relative to the parameter's size.

    b = t^beta2_decay;  R <- (1 - b) R + b mean_columns(g^2);  C <- (1 - b) C + b mean_rows(g^2);  V = R C / mean(R);
    u = g / max(sqrt(V), eps1);  p <- (1 - lr weight_decay) p - max(eps2, rms(p)) min(lr, 1 / sqrt(t)) u / max(1, rms(u) / d)

    Arguments:
        params, weight_decay, maximize: as AdamW's.
        lr: the largest relative step; beta2_decay: how fast the means come to rest; eps: (eps1, eps2), eps1 None for the
            element type's; d: clipping threshold.
        foreach: accepted for compatibility.

    Source: Shazeer and Stern 2018.
    """

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None, maximize=False):
        check_settings("Adafactor", lr=lr, epsilon1=eps[0] or 0.0, epsilon2=eps[1], weight_decay=weight_decay)
        if not beta2_decay <= 0.0:
            raise errors.ArgumentError(f"Adafactor: beta2_decay should be <= 0 but is: {beta2_decay}")
        if not d >= 1.0:
            raise errors.ArgumentError(f"Adafactor: Clipping threshold d should be >= 1 but is: {d}")
        super().__init__(params, dict(lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, foreach=foreach,
                                      maximize=maximize))  # fmt: skip

    def _fits(self, p, name, value):
        return len(value.shape) == len(p.shape)

    def _step_one(self, p, grad, own, group):
        from ..typeinfo import finfo

        g = -grad if group["maximize"] else grad
        shape = tuple(p.shape)
        if "step" not in own:
            own["step"] = 0
            if len(shape) > 1:
                own["row_var"] = _core.zeros((*shape[:-1], 1), dtype=grad.dtype)
                own["col_var"] = _core.zeros((*shape[:-2], 1, shape[-1]), dtype=grad.dtype)
            else:
                own["variance"] = _core.zeros(shape, dtype=grad.dtype)
        own["step"] = t = own["step"] + 1
        eps1, eps2 = group["eps"]
        eps1 = finfo(p.dtype).eps if eps1 is None else eps1
        lr, share, root = float(group["lr"]), t ** group["beta2_decay"], sqrt(p.numel() or 1)
        alpha = max(eps2, norm(p) / root) * min(lr, 1 / sqrt(t))
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        square = g * g
        if len(shape) > 1:
            rows, columns = own["row_var"], own["col_var"]
            rows.lerp_(square.mean(-1, keepdim=True), share)
            columns.lerp_(square.mean(-2, keepdim=True), share)
            v = rows @ columns / rows.mean(-2, keepdim=True).clamp(min=eps1)
        else:
            v = own["variance"].lerp_(square, share)
        u = g * v.clamp(min=eps1 * eps1).rsqrt()
        p.add_(u, alpha=-alpha / max(1.0, norm(u) / (root * group["d"])))


def norm(x):
    """|x|_2 as a number."""
    return float((x * x).sum().sqrt())


class Muon(Composed):
    """Momentum steps of matrices, made orthogonal.

    b <- momentum b + (1 - momentum) g;  u = orthogonal(nesterov: momentum b + (1 - momentum) g, else b);
    p <- (1 - lr weight_decay) p - lr r u, r = sqrt(max(1, rows / columns)), or 0.2 sqrt(max(rows, columns))

    orthogonal(G): X = G / |G|, then ns_steps times A = X X^T, X <- a X + (b A + c A A) X, in bfloat16: singular values near 1.

    Arguments:
        params: matrices only.
        lr, weight_decay, momentum, nesterov: as in the formula; ns_coefficients, eps, ns_steps: of the iteration.
        adjust_lr_fn: None or "original" for the first r, "match_rms_adamw" for the second.

    Source: Jordan 2024.
    """

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.775, 2.0315),
                 eps=1e-7, ns_steps=5, adjust_lr_fn=None):  # fmt: skip
        check_settings("Muon", lr=lr, weight_decay=weight_decay, momentum=momentum)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise errors.ArgumentError(f"Muon: Adjust learning rate function {adjust_lr_fn} is not supported")
        if ns_steps >= 100 or len(ns_coefficients) != 3:
            raise errors.ArgumentError(f"Muon: needed ns_steps < 100 and three coefficients, got {ns_steps} and {ns_coefficients}")
        super().__init__(params, dict(lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov,
                                      ns_coefficients=ns_coefficients, eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn))  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                if p.ndim != 2:
                    raise errors.ArgumentError(f"Muon: Muon only supports 2D parameters, found a parameter of shape {list(p.shape)}")

    def _step_one(self, p, grad, own, group):
        if "momentum_buffer" not in own:
            own["momentum_buffer"] = _core.zeros(tuple(p.shape), dtype=grad.dtype)
        buffer, momentum, lr = own["momentum_buffer"], group["momentum"], float(group["lr"])
        buffer.lerp_(grad, 1 - momentum)
        u = buffer + (grad - buffer) * (1 - momentum) if group["nesterov"] else buffer
        rows, columns = p.shape
        ratio = 0.2 * sqrt(max(rows, columns)) if group["adjust_lr_fn"] == "match_rms_adamw" else sqrt(max(1, rows / columns))
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(orthogonal(u, group["ns_coefficients"], group["ns_steps"], group["eps"]).to(p.dtype), alpha=-lr * ratio)


def orthogonal(g, coefficients, steps, eps):
    """The matrix with g's singular vectors and singular values near 1."""
    a, b, c = coefficients
    x = g.to(_core.bfloat16)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        A = x @ x.T
        x = a * x + (b * A + c * (A @ A)) @ x
    return x.T if tall else x


class SparseAdam(Optimizer):
    """Adam for sparse gradients. There are none here: step() refuses dense ones, as PyTorch's does.

    Arguments:
        as Adam's, without weight_decay and amsgrad.

    Source: Kingma and Ba 2014.
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        check_settings("SparseAdam", lr=lr, eps=eps)
        for i in range(2):
            if not 0.0 <= betas[i] < 1.0:
                raise errors.ArgumentError(f"SparseAdam: Invalid beta parameter at index {i}: {betas[i]}; it must be in [0, 1)")
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))

    def _step_group(self, group):
        if any(p.grad is not None for p in group["params"]):
            raise errors.ArgumentError("SparseAdam: SparseAdam does not support dense gradients, please consider Adam instead")
