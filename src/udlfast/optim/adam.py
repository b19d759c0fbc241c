"""Adam and AdamW: steps scaled by running moments of the gradient."""

from .. import _core, errors
from .optimizer import Optimizer, check_settings, prepared
from .sgd import finish

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Gradient descent with a step size for each number, from running means of the gradient and its square.

    g <- g + weight_decay p;  m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2;
    p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps);  amsgrad: the largest v so far

    Arguments:
        params: parameters, or groups of them.
        lr: step size.
        betas: (beta1, beta2).
        eps: keeps the quotient finite.
        weight_decay: factor on p that is added to the gradient.
        amsgrad: never let v shrink.
        maximize: climb instead of descend.
        decoupled_weight_decay: p <- (1 - lr weight_decay) p instead (AdamW).
        foreach, capturable, differentiable, fused: accepted for compatibility; one kernel call a group.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.Adam([p], lr=0.5)
        >>> (p * p).sum().backward()
        >>> optimizer.step()
        >>> round(p.item(), 4)
        0.5

    Source: Kingma and Ba 2014; Reddi, Kale and Kumar 2018 (amsgrad); *Understanding Deep Learning*, section 6.4.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        name = type(self).__name__
        check_settings(name, lr=lr, eps=eps, weight_decay=weight_decay)
        for i in range(2):
            if not 0.0 <= betas[i] < 1.0:
                raise errors.ArgumentError(
                    f"{name}: Invalid beta parameter at index {i}: {betas[i]}; it must be in [0, 1)"
                )
        super().__init__(
            params,
            dict(
                lr=lr,
                betas=betas,
                eps=eps,
                weight_decay=weight_decay,
                amsgrad=amsgrad,
                maximize=maximize,
                foreach=foreach,
                capturable=capturable,
                differentiable=differentiable,
                fused=fused,
                decoupled_weight_decay=decoupled_weight_decay,
            ),
        )

    def _step_group(self, group):
        # rows[step count, dtype] = what goes into one kernel call
        rows, updated, back = {}, [], None
        amsgrad, state = group["amsgrad"], self.state
        plain = (_core.float32, _core.float64)
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            updated.append(p)
            work, kind = p, p.dtype
            if kind not in plain or grad.dtype is not kind or not (grad.is_contiguous() and p.is_contiguous()):
                work, grad, writes_back = prepared(p, grad)
                kind = work.dtype
                if writes_back:
                    back = [] if back is None else back
                    back.append((p, work))
            own = state[p]
            if "step" not in own or (amsgrad and "max_exp_avg_sq" not in own):
                self._start(own, p, kind, amsgrad)
            own["step"] = step = own["step"] + 1
            entry = (work, grad, own["exp_avg"], own["exp_avg_sq"], own["max_exp_avg_sq"] if amsgrad else None)
            key = step, kind
            if key in rows:
                rows[key].append(entry)
            else:
                rows[key] = [entry]
        beta1, beta2 = group["betas"]
        for (step, kind), entries in rows.items():
            _core.call(
                _core.K_adam,
                (_core.optim_table(entries),),
                (kind.code, len(entries), amsgrad, group["maximize"], group["decoupled_weight_decay"], step),
                (group["lr"], beta1, beta2, group["eps"], group["weight_decay"], 0.0, 0.0),
            )
        finish(updated, back)

    @staticmethod
    def _start(own, p, kind, amsgrad):
        own.setdefault("step", 0)
        for name in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("exp_avg", "exp_avg_sq"):
            if name not in own:
                own[name] = _core.zeros(tuple(p.shape), dtype=kind)


class AdamW(Adam):
    """Adam whose weight decay acts on the parameter itself, not through the gradient.

    p <- (1 - lr weight_decay) p, then Adam's step without weight decay

    Arguments:
        as Adam's; weight_decay is 0.01 by default.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.AdamW([p], lr=0.5)
        >>> (p * p).sum().backward()
        >>> optimizer.step()
        >>> round(p.item(), 4)
        0.495

    Source: Loshchilov and Hutter 2019; *Understanding Deep Learning*, section 9.1 (notes: weight decay).
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        foreach=None,
        capturable=False,
        differentiable=False,
        fused=None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
