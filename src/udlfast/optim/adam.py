"""Adam and AdamW: steps scaled by running moments of the gradient."""

from .. import _core, errors
from .optimizer import PLAIN, Optimizer, check_settings, each_prepared, finish, usual_table

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

    # what a plan reads anew at each replay
    _dynamic = {"lr": "any", "betas": "any", "eps": "any", "weight_decay": "any", "step": "any"}

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
        params = group["params"]
        entries, owns = self._usual_entries(params, group["amsgrad"])
        table = usual_table(entries)
        if table is None:
            self._step_unusual(group)
            return
        step = owns[0]["step"] + 1
        self._launch(table, len(entries), params[0].dtype, step, group, owns)
        for own in owns:
            own["step"] = step
        _core.bump_versions(params)

    def _usual_entries(self, params, amsgrad):
        """The table's entries, and the states, when all parameters have gradients, one type and one step count."""
        first = self.state.get(params[0]) if params else None
        if not first or (amsgrad and "max_exp_avg_sq" not in first):
            return None, None
        kind, step, state, entries, owns = params[0].dtype, first["step"], self.state, [], []
        if kind not in PLAIN:
            return None, None
        for p in params:
            grad, own = p.grad, state[p]
            if grad is None or p.dtype is not kind or own.get("step") != step or len(own) != len(first):
                return None, None
            owns.append(own)
            if amsgrad:
                entries.append((p, grad, own["exp_avg"], own["exp_avg_sq"], own["max_exp_avg_sq"]))
            else:
                entries.append((p, grad, own["exp_avg"], own["exp_avg_sq"]))
        return entries, owns

    def _launch(self, table, count, kind, step, group, owns):
        beta1, beta2 = group["betas"]
        recorder = _core.recording()
        if recorder is not None:
            names = (("lr", None), ("betas", 0), ("betas", 1), ("eps", None), ("weight_decay", None))
            fields = [(7 + i, "d", group, name, index) for i, (name, index) in enumerate(names)]
            recorder.note_fields([(6, "i", owns[0], "step", None), *fields], owns)
        _core.call(
            _core.K_adam,
            (table,),
            (kind.code, count, group["amsgrad"], group["maximize"], group["decoupled_weight_decay"], step),
            (group["lr"], beta1, beta2, group["eps"], group["weight_decay"], 0.0, 0.0),
        )

    def _step_unusual(self, group):
        """First steps, missing or strided gradients, mixed types: rows[step count, dtype] go into one call each."""
        rows, updated, back = {}, [], []
        amsgrad, state = group["amsgrad"], self.state
        for p, work, grad, kind in each_prepared(group, updated, back):
            own = state[p]
            if "step" not in own or (amsgrad and "max_exp_avg_sq" not in own):
                self._start(own, p, kind, amsgrad)
            own["step"] = step = own["step"] + 1
            entry = (work, grad, own["exp_avg"], own["exp_avg_sq"], own["max_exp_avg_sq"] if amsgrad else None)
            entries, owns = rows.setdefault((step, kind), ([], []))
            entries.append(entry)
            owns.append(own)
        for (step, kind), (entries, owns) in rows.items():
            self._launch(_core.optim_table(entries), len(entries), kind, step, group, owns)
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
