"""One step of each optimiser, as PyTorch defines it. p parameter, g gradient; states are returned, not changed."""

import numpy as np


def sgd(p, g, buf=None, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    """p, momentum buffer. The first step (buf None) takes g itself as buffer, without dampening."""
    g = (-g if maximize else g) + weight_decay * p
    if momentum:
        buf = g if buf is None else momentum * buf + (1 - dampening) * g
        g = g + momentum * buf if nesterov else buf
    return p - lr * g, buf


def adam(p, g, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False,
         vmax=None):  # fmt: skip
    """p, m, v, vmax after step t (1 for the first): m and v are running means of g and g^2, both freed of their start
    at zero by 1 - beta^t; the step is lr m / (sqrt(v) + eps)."""
    g = (-g if maximize else g) + weight_decay * p
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g * g
    vmax = np.maximum(vmax, v) if amsgrad else vmax
    m_hat = m / (1 - betas[0] ** t)
    v_hat = (vmax if amsgrad else v) / (1 - betas[1] ** t)
    return p - lr * m_hat / (np.sqrt(v_hat) + eps), m, v, vmax


def adamw(p, g, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, maximize=False,
          vmax=None):  # fmt: skip
    """As adam, but the decay shrinks p directly and does not pass through the means."""
    return adam(p * (1 - lr * weight_decay), g, m, v, t, lr, betas, eps, 0.0, amsgrad, maximize, vmax)


def clip_grad_norm(gradients, max_norm):
    """The gradients scaled so that their common 2-norm is at most max_norm, and that norm before."""
    total = np.sqrt(sum(np.sum(np.asarray(g, float) ** 2) for g in gradients))
    scale = min(1.0, max_norm / (total + 1e-6))
    return [g * scale for g in gradients], total
