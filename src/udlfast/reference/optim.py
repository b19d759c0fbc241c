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


def _shaped(p, g, weight_decay, maximize):
    return (-g if maximize else g) + weight_decay * p


def adagrad(p, g, s, t, lr=1e-2, lr_decay=0.0, weight_decay=0.0, eps=1e-10, maximize=False):
    """p, sum of squares. lr shrinks as 1 / (1 + (t - 1) lr_decay)."""
    g = _shaped(p, g, weight_decay, maximize)
    s = s + g**2
    return p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps), s


def adadelta(p, g, s, d, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0.0, maximize=False):
    """p, mean of g^2, mean of the squared steps (before lr)."""
    g = _shaped(p, g, weight_decay, maximize)
    s = rho * s + (1 - rho) * g**2
    u = g * np.sqrt(d + eps) / np.sqrt(s + eps)
    return p - lr * u, s, rho * d + (1 - rho) * u**2


def rmsprop(p, g, s, b, m, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, maximize=False):
    """p, mean of g^2, momentum buffer, mean of g (if centered, the deviation from it scales the step)."""
    g = _shaped(p, g, weight_decay, maximize)
    s = alpha * s + (1 - alpha) * g**2
    m = alpha * m + (1 - alpha) * g if centered else m
    u = g / (np.sqrt(s - m**2 if centered else s) + eps)
    b = momentum * b + u
    return p - lr * (b if momentum else u), s, b, m


def adamax(p, g, m, u, t, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, maximize=False):
    """p, mean of g, decaying maximum of |g|."""
    g = _shaped(p, g, weight_decay, maximize)
    m = betas[0] * m + (1 - betas[0]) * g
    u = np.maximum(betas[1] * u, np.abs(g) + eps)
    return p - lr / (1 - betas[0] ** t) * m / u, m, u


def nadam(p, g, m, v, product, t, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, momentum_decay=4e-3,
          decoupled_weight_decay=False, maximize=False):  # fmt: skip
    """p, m, v, mu_1 ... mu_t with mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2): Adam that looks one step ahead."""
    g = _shaped(p, g, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    p = p * (1 - lr * weight_decay) if decoupled_weight_decay else p
    mu, ahead = (betas[0] * (1 - 0.96 ** (k * momentum_decay) / 2) for k in (t, t + 1))
    product = product * mu
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    step = (1 - mu) / (1 - product) * g + ahead / (1 - product * ahead) * m
    return p - lr * step / (np.sqrt(v / (1 - betas[1] ** t)) + eps), m, v, product


def radam(p, g, m, v, t, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled_weight_decay=False, maximize=False):
    """p, m, v: steps of Adam, rectified; of momentum alone while the variance rests on too few steps (rho <= 5)."""
    g = _shaped(p, g, 0.0 if decoupled_weight_decay else weight_decay, maximize)
    p = p * (1 - lr * weight_decay) if decoupled_weight_decay else p
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g**2
    m_hat, unbias = m / (1 - betas[0] ** t), 1 - betas[1] ** t
    end = 2 / (1 - betas[1]) - 1
    rho = end - 2 * t * betas[1] ** t / unbias
    if rho > 5:
        r = np.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))
        m_hat = m_hat * r * np.sqrt(unbias) / (np.sqrt(v) + eps)
    return p - lr * m_hat, m, v


def asgd(p, g, ax, eta, mu, t, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0.0, maximize=False):
    """p, mean of the parameters, and eta and mu of the next step."""
    g = _shaped(p, g, weight_decay, maximize)
    p = p * (1 - lambd * eta) - eta * g
    return p, ax + mu * (p - ax), lr / (1 + lambd * lr * t) ** alpha, 1 / max(1, t - t0)


def rprop(p, g, before, size, etas=(0.5, 1.2), step_sizes=(1e-6, 50), maximize=False):
    """p, gradient (0 where it changed its sign), step sizes."""
    g = -g if maximize else g
    turn = np.sign(g * before)
    size = np.clip(size * np.where(turn > 0, etas[1], np.where(turn < 0, etas[0], 1.0)), *step_sizes)
    g = np.where(turn < 0, 0.0, g)
    return p - np.sign(g) * size, g, size
