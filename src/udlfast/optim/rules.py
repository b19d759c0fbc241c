"""Adagrad, Adadelta, RMSprop, Adamax, NAdam, RAdam, ASGD and Rprop: the formulas are in csrc/kernels/optim_rules.c."""

from math import sqrt

from .. import _core, errors
from .rule import RuleOptimizer, stored

__all__ = ["ASGD", "Adadelta", "Adagrad", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop"]


class Adagrad(RuleOptimizer):
    """Steps divided by the root of the sum of all squared gradients so far.

    g <- g + weight_decay p;  s <- s + g^2;  p <- p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)

    Arguments:
        params, lr, weight_decay, eps, maximize: as Adam's.
        lr_decay: shrinks the step with time; initial_accumulator_value: s at the start.
        foreach, fused: accepted for compatibility; there is one way, one kernel call a group.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.Adagrad([p], lr=0.5)
        >>> (p * p).sum().backward()
        >>> optimizer.step()
        >>> p.tolist()
        [0.5]

    Source: Duchi, Hazan and Singer 2011.
    """

    KERNEL = "adagrad"

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *,
                 maximize=False, differentiable=False, fused=None):  # fmt: skip
        defaults = dict(lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
                        initial_accumulator_value=initial_accumulator_value, fused=fused)  # fmt: skip
        super().__init__(params, defaults, ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
                         foreach=foreach, maximize=maximize, differentiable=differentiable)  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                self._start(self.state[p], p, p.dtype if p.dtype is _core.float64 else _core.float32, group)

    def _states(self, group):
        return ("sum",)

    def _start(self, own, p, kind, group):
        own.setdefault("step", 0)
        if "sum" not in own:
            own["sum"] = _core.full(tuple(p.shape), float(group["initial_accumulator_value"]), dtype=kind)

    def share_memory(self):
        """Nothing to do: see torch.multiprocessing for what is shared."""

    def _numbers(self, group, step, own):
        rate = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        return 0, group["weight_decay"], 1.0, (rate, group["eps"])


class Adadelta(RuleOptimizer):
    """Steps whose size is the root mean square of the last steps over that of the last gradients.

    g <- g + weight_decay p;  s <- rho s + (1 - rho) g^2;  u = g sqrt(d + eps) / sqrt(s + eps);  d <- rho d + (1 - rho) u^2;
    p <- p - lr u

    Arguments:
        params, lr, weight_decay, eps, maximize: as Adam's; rho: how slowly the means forget.
        foreach, capturable: accepted for compatibility.

    Source: Zeiler 2012.
    """

    KERNEL = "adadelta"

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False,
                 differentiable=False):  # fmt: skip
        if not 0.0 <= rho <= 1.0:
            raise errors.ArgumentError(f"Adadelta: Invalid rho value: {rho}; it must be in [0, 1]")
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay), ("lr", "eps", "weight_decay"),
                         foreach=foreach, maximize=maximize, capturable=capturable, differentiable=differentiable)  # fmt: skip

    def _states(self, group):
        return ("square_avg", "acc_delta")

    def _numbers(self, group, step, own):
        rho = group["rho"]
        return 0, group["weight_decay"], 1.0, (rho, 1 - rho, group["eps"], group["lr"])


class RMSprop(RuleOptimizer):
    """Steps divided by the root of a running mean of the squared gradient.

    g <- g + weight_decay p;  s <- alpha s + (1 - alpha) g^2;  centered: m <- alpha m + (1 - alpha) g, d = sqrt(s - m^2), else
    d = sqrt(s);  u = g / (d + eps);  momentum: b <- momentum b + u, u = b;  p <- p - lr u

    Arguments:
        params, lr, eps, weight_decay, maximize: as Adam's; alpha, momentum, centered: as in the formula.
        foreach, capturable: accepted for compatibility.

    Source: Tieleman and Hinton 2012; Graves 2013 (centered); *Understanding Deep Learning*, section 6.4 (notes).
    """

    KERNEL = "rmsprop"

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False,
                 foreach=None, maximize=False, differentiable=False):  # fmt: skip
        defaults = dict(lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay)
        super().__init__(params, defaults, ("lr", "eps", "momentum", "weight_decay", "alpha"),
                         foreach=foreach, maximize=maximize, capturable=capturable, differentiable=differentiable)  # fmt: skip

    def _states(self, group):
        return ("square_avg", "momentum_buffer" if group["momentum"] > 0 else None, "grad_avg" if group["centered"] else None)

    def _numbers(self, group, step, own):
        alpha, momentum = group["alpha"], group["momentum"]
        flags = bool(group["centered"]) + 2 * (momentum > 0)
        return flags, group["weight_decay"], 1.0, (alpha, 1 - alpha, group["eps"], group["lr"], momentum)


class Adamax(RuleOptimizer):
    """Adam with the largest recent gradient in place of the root mean square.

    g <- g + weight_decay p;  m <- beta1 m + (1 - beta1) g;  u <- max(beta2 u, |g| + eps);  p <- p - lr / (1 - beta1^t) m / u

    Arguments:
        as Adam's, without amsgrad.

    Source: Kingma and Ba 2014.
    """

    KERNEL = "adamax"

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False,
                 differentiable=False, capturable=False):  # fmt: skip
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay), ("lr", "eps", "weight_decay"), betas,
                         foreach, maximize, capturable, differentiable)  # fmt: skip

    def _states(self, group):
        return ("exp_avg", "exp_inf")

    def _numbers(self, group, step, own):
        beta1, beta2 = group["betas"]
        return 0, group["weight_decay"], 1.0, (1 - beta1, beta2, group["eps"], float(group["lr"]) / (1 - beta1**step))


class NAdam(RuleOptimizer):
    """Adam with Nesterov momentum.

    m, v: Adam's means;  mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2);  M_t = mu_1 ... mu_t;
    p <- p - lr ((1 - mu_t) / (1 - M_t) g + mu_{t+1} / (1 - M_{t+1}) m) / (sqrt(v / (1 - beta2^t)) + eps)

    Arguments:
        as Adam's, without amsgrad; momentum_decay: how fast mu grows;
        decoupled_weight_decay: p <- (1 - lr weight_decay) p instead of g + weight_decay p.

    Source: Dozat 2016.
    """

    KERNEL = "nadam"
    NUMBERS = ("mu_product",)

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3,
                 decoupled_weight_decay=False, *, foreach=None, maximize=False, capturable=False, differentiable=False):  # fmt: skip
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
                        decoupled_weight_decay=decoupled_weight_decay)  # fmt: skip
        super().__init__(params, defaults, ("lr", "eps", "weight_decay", "momentum_decay"), betas, foreach, maximize, capturable,
                         differentiable)  # fmt: skip

    def _states(self, group):
        return ("exp_avg", "exp_avg_sq")

    def _start(self, own, p, kind, group):
        super()._start(own, p, kind, group)
        own.setdefault("mu_product", 1.0)

    def _numbers(self, group, step, own):
        (beta1, beta2), lr = group["betas"], float(group["lr"])
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * group["momentum_decay"]))
        product = own["mu_product"] = stored(own["mu_product"] * stored(mu))
        rates = lr * (1 - mu) / (1 - product), lr * mu_next / (1 - product * mu_next)
        decay, keep = weight_decay(group)
        return 0, decay, keep, (1 - beta1, beta2, 1 - beta2, group["eps"], 1 / sqrt(1 - beta2**step), *rates)


class RAdam(RuleOptimizer):
    """Adam that makes plain momentum steps until its running variance can be trusted.

    rho_inf = 2 / (1 - beta2) - 1;  rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t);  rho_t > 5: Adam's step times
    sqrt((rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t)), else p <- p - lr m / (1 - beta1^t)

    Arguments:
        as Adam's, without amsgrad; decoupled_weight_decay: as NAdam's.

    Source: Liu et al. 2019.
    """

    KERNEL = "radam"

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False):  # fmt: skip
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, decoupled_weight_decay=decoupled_weight_decay)
        super().__init__(params, defaults, ("lr", "eps", "weight_decay"), betas, foreach, maximize, capturable, differentiable)

    def _states(self, group):
        return ("exp_avg", "exp_avg_sq")

    def _numbers(self, group, step, own):
        (beta1, beta2), rate = group["betas"], float(group["lr"])
        end = 2 / (1 - beta2) - 1
        unbias = 1 - beta2**step
        rho = end - 2 * step * beta2**step / unbias
        rate /= 1 - beta1**step
        if rho > 5:
            rate *= sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)) * sqrt(unbias)
        decay, keep = weight_decay(group)
        return int(rho > 5), decay, keep, (1 - beta1, beta2, 1 - beta2, group["eps"], rate)


def weight_decay(group):
    """(factor on p that is added to the gradient, factor on p itself)"""
    if group["decoupled_weight_decay"]:
        return 0.0, 1 - float(group["lr"]) * group["weight_decay"]
    return group["weight_decay"], 1.0


class ASGD(RuleOptimizer):
    """Stochastic gradient descent with a mean of the parameters (state "ax") from step t0 on.

    g <- g + weight_decay p;  p <- (1 - lambd eta) p - eta g;  ax <- ax + mu (p - ax);
    eta <- lr / (1 + lambd lr t)^alpha;  mu <- 1 / max(1, t - t0)

    Arguments:
        params, lr, weight_decay, maximize: as Adam's; lambd, alpha, t0: as in the formula.

    Source: Polyak and Juditsky 1992.
    """

    KERNEL = "asgd"
    NUMBERS = ("eta", "mu")

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False,
                 differentiable=False, capturable=False):  # fmt: skip
        super().__init__(params, dict(lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay), ("lr", "weight_decay"),
                         foreach=foreach, maximize=maximize, capturable=capturable, differentiable=differentiable)  # fmt: skip

    def _states(self, group):
        return ("ax",)

    def _start(self, own, p, kind, group):
        super()._start(own, p, kind, group)
        own.setdefault("eta", stored(float(group["lr"])))
        own.setdefault("mu", 1.0)

    def _numbers(self, group, step, own):
        lr, lambd, eta, mu = float(group["lr"]), group["lambd"], own["eta"], own["mu"]
        own["eta"] = stored(lr / (1 + lambd * lr * step) ** group["alpha"])
        own["mu"] = stored(1 / max(1, step - group["t0"]))
        return int(mu == 1), group["weight_decay"], 1 - lambd * eta, (eta, mu)


class Rprop(RuleOptimizer):
    """Steps of a size of its own for each number, that grows while the gradient keeps its sign; the gradient's size is not used.

    f = eta+ where g g_before > 0, eta- where < 0 (there g <- 0), else 1;  d <- clamp(f d, step_sizes);  p <- p - sign(g) d

    Arguments:
        params, maximize: as Adam's; lr: d at the start; etas: (eta-, eta+); step_sizes: (smallest, largest).

    Source: Riedmiller and Braun 1993.
    """

    KERNEL = "rprop"

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable=False, foreach=None, maximize=False,
                 differentiable=False):  # fmt: skip
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise errors.ArgumentError(f"Rprop: Invalid eta values: {etas[0]}, {etas[1]}; needed 0 < eta- < 1 < eta+")
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes), ("lr",),
                         foreach=foreach, maximize=maximize, capturable=capturable, differentiable=differentiable)  # fmt: skip

    def _states(self, group):
        return ("prev", "step_size")

    def _start(self, own, p, kind, group):
        if "step_size" not in own:
            own["step_size"] = _core.full(tuple(p.shape), float(group["lr"]), dtype=kind)
        super()._start(own, p, kind, group)

    def _numbers(self, group, step, own):
        return 0, 0.0, 1.0, (*group["etas"], *group["step_sizes"])
