"""SGD: stochastic gradient descent with momentum."""

from .. import _core, errors
from .._core import no_grad
from .optimizer import Optimizer, check_settings, prepared

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
        # rows[first step or not, dtype] = what goes into one kernel call
        rows, updated, back = {}, [], None
        momentum, state = group["momentum"], self.state
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
            _core.call(
                _core.K_sgd,
                (_core.optim_table(entries),),
                (kind.code, len(entries), group["nesterov"], group["maximize"], first, 0),
                (group["lr"], momentum, group["dampening"], group["weight_decay"]),
            )
        finish(updated, back)


def finish(updated, back):
    """After the kernel: results of converted parameters go home, and the tape learns of the writes."""
    if back is not None:
        with no_grad():
            for p, work in back:
                p.copy_(work)
    _core.bump_versions(updated)
