"""SGD: stochastic gradient descent with momentum."""

from .. import _core, errors
from .optimizer import PLAIN, Optimizer, check_settings, each_prepared, finish, usual_table

__all__ = ["SGD"]


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum, Nesterov momentum and weight decay.

    g <- g + weight_decay p;  b <- momentum b + (1 - dampening) g  (b = g at first);
    g <- g + momentum b if nesterov else b;  p <- p - lr g

    Arguments:
        params: parameters, or groups of them.
        lr: step size.
        momentum, dampening, weight_decay: numbers as in the formula.
        nesterov: look ahead; needs momentum and no dampening.
        maximize: climb instead of descend.
        foreach, differentiable, fused: accepted for compatibility; there is one way, one kernel call a group.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.tensor([1.0]))
        >>> optimizer = torch.optim.SGD([p], lr=0.5)
        >>> (p * p).sum().backward()
        >>> optimizer.step()
        >>> p.tolist()
        [0.0]

    Source: *Understanding Deep Learning*, sections 6.2 and 6.3.
    """

    _dynamic = {"lr": "any", "momentum": "truth", "dampening": "any", "weight_decay": "any"}  # what a plan reads anew

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        check_settings("SGD", lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise errors.ArgumentError(
                "SGD: Nesterov momentum requires a momentum and zero dampening, "
                f"got momentum={momentum}, dampening={dampening}"
            )
        super().__init__(
            params,
            dict(
                lr=lr,
                momentum=momentum,
                dampening=dampening,
                weight_decay=weight_decay,
                nesterov=nesterov,
                maximize=maximize,
                foreach=foreach,
                differentiable=differentiable,
                fused=fused,
            ),
        )

    def _step_group(self, group):
        params = group["params"]
        entries = self._usual_entries(params, group["momentum"])
        table = usual_table(entries)
        if table is None:
            self._step_unusual(group)
            return
        self._launch(table, len(entries), params[0].dtype, False, group)
        _core.bump_versions(params)

    def _usual_entries(self, params, momentum):
        """The table's entries when all parameters have gradients, (with momentum) buffers, and one type."""
        if not params:
            return None
        kind, state, entries = params[0].dtype, self.state, []
        for p in params:
            grad = p.grad
            if grad is None or p.dtype is not kind:
                return None
            if momentum:
                buffer = state[p].get("momentum_buffer")
                if buffer is None:
                    return None
                entries.append((p, grad, buffer))
            else:
                entries.append((p, grad))
        return entries if kind in PLAIN else None

    def _launch(self, table, count, kind, first, group):
        recorder = _core.recording()
        if recorder is not None:  # a plan reads these anew
            names = ("lr", "momentum", "dampening", "weight_decay")
            recorder.note_fields([(7 + i, "d", group, name, None) for i, name in enumerate(names)], [])
        _core.call(
            _core.K_sgd,
            (table,),
            (kind.code, count, group["nesterov"], group["maximize"], first, 0),
            (group["lr"], group["momentum"], group["dampening"], group["weight_decay"]),
        )

    def _step_unusual(self, group):
        """First steps, missing or strided gradients, mixed types: one call for each rows[first step or not, dtype]."""
        rows, updated, back = {}, [], []
        momentum, state = group["momentum"], self.state
        for p, work, grad, kind in each_prepared(group, updated, back):
            buffer, first = None, False
            if momentum:
                own = state[p]
                buffer = own.get("momentum_buffer")
                if buffer is None:
                    first = True
                    buffer = own["momentum_buffer"] = _core.empty(tuple(p.shape), dtype=kind)
            key = first, kind
            if key in rows:
                rows[key].append((work, grad, buffer))
            else:
                rows[key] = [(work, grad, buffer)]
        for (first, kind), entries in rows.items():
            self._launch(_core.optim_table(entries), len(entries), kind, first, group)
        finish(updated, back)
