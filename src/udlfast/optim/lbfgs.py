"""L-BFGS: quasi-Newton steps from the last few gradients, with a line search that meets the strong Wolfe conditions."""

from .. import _core, errors
from .._core import Tensor
from .optimizer import Optimizer

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Limited-memory BFGS. step(closure) makes up to max_iter iterations; closure computes the loss and its gradients anew.

    direction d = -H g, with H from the pairs s = x_{k+1} - x_k, y = g_{k+1} - g_k (two-loop recursion); x <- x + t d

    Arguments:
        params: parameters; one group only.
        lr: t, or where the line search begins (the first step: min(1, 1 / |g|_1) lr).
        max_iter, max_eval: iterations and closure calls of one step(); default of max_eval: 1.25 max_iter.
        tolerance_grad, tolerance_change: stop where no gradient, or change, is larger.
        history_size: how many pairs are kept.
        line_search_fn: None or "strong_wolfe".

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.tensor([3.0, -1.0]))
        >>> optimizer = torch.optim.LBFGS([p], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((p - 1.0) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> first = optimizer.step(closure)
        >>> [round(v, 4) for v in p.tolist()]
        [1.0, 1.0]

    Source: Nocedal and Wright 2006, algorithms 7.4 (two loops), 3.5 and 3.6 (line search).
    """

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
                 line_search_fn=None):  # fmt: skip
        if not lr >= 0.0:
            raise errors.ArgumentError(f"LBFGS: Invalid learning rate: {lr}; it must be at least 0")
        defaults = dict(lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
                        tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
                        line_search_fn=line_search_fn)  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise errors.ArgumentError("LBFGS: LBFGS doesn't support per-parameter options (parameter groups)")

    @property
    def _params(self):
        return self.param_groups[0]["params"]

    def _fits(self, p, name, value):
        return True

    def _import(self, p, name, value):
        if isinstance(value, (list, tuple)):
            return [self._import(p, name, v) for v in value]
        if isinstance(value, Tensor) or hasattr(value, "__dlpack__"):
            value = super()._import(p, name, value)
            return value.item() if value.ndim == 0 else value
        return value

    def _gradient(self):
        """All gradients in one vector."""
        from .. import ops

        parts = [_core.zeros(p.numel(), dtype=p.dtype) if p.grad is None else p.grad.detach().reshape(-1) for p in self._params]
        return ops.cat(parts)

    def _move(self, step, direction):
        begin = 0
        for p in self._params:
            n = p.numel()
            p.add_(direction[begin : begin + n].view(*p.shape), alpha=step)
            begin += n

    def step(self, closure):
        """Iterations until a limit or a tolerance is met; returns the loss at the start."""
        group = self.param_groups[0]
        own = self.state[self._params[0]]
        search = group["line_search_fn"]
        if search not in (None, "strong_wolfe"):
            raise errors.ArgumentError(f"LBFGS: only 'strong_wolfe' is supported as line_search_fn, got {search!r}")
        own.setdefault("func_evals", 0)
        own.setdefault("n_iter", 0)
        with _core.no_grad():
            return self._iterate(closure, group, own)

    def _evaluate(self, closure):
        with _core.enable_grad():
            loss = closure()
        return loss

    def _iterate(self, closure, group, own):
        first = self._evaluate(closure)
        loss, g = float(first), self._gradient()
        own["func_evals"] += 1
        calls, small = 1, group["tolerance_change"]
        if largest(g) <= group["tolerance_grad"]:
            return first
        for n in range(1, group["max_iter"] + 1):
            own["n_iter"] += 1
            d = self._direction(own, g, group["history_size"])
            before = own["prev_loss"] = loss
            own["prev_flat_grad"], own["d"] = g, d
            rate = float(group["lr"])
            t = own["t"] = min(1.0, 1.0 / float(g.abs().sum())) * rate if own["n_iter"] == 1 else rate
            slope = dot(g, d)
            if slope > -small:
                break
            used = 0
            if group["line_search_fn"] is not None:
                start = [p.clone() for p in self._params]
                loss, g, t, used = strong_wolfe(self._along(closure, start, d), d, t, loss, g, slope, group["max_eval"] - calls)
                own["t"] = t
                self._move(t, d)
            else:
                self._move(t, d)
                if n != group["max_iter"]:
                    loss, g, used = float(self._evaluate(closure)), self._gradient(), 1
            calls += used
            own["func_evals"] += used
            if n == group["max_iter"] or calls >= group["max_eval"] or (used and largest(g) <= group["tolerance_grad"]):
                break
            if largest(d * t) <= small or abs(loss - before) < small:
                break
        return first

    def _along(self, closure, start, d):
        """f(t): loss and gradient at start + t d; the parameters are at start again afterwards."""

        def f(t):
            self._move(t, d)
            loss = float(self._evaluate(closure))
            g = self._gradient()
            for p, at in zip(self._params, start, strict=True):
                p.copy_(at)
            return loss, g

        return f

    @staticmethod
    def _direction(own, g, kept):
        """-H g; the pair of the last step joins the history where its curvature is positive."""
        if own["n_iter"] == 1:
            own["old_dirs"], own["old_stps"], own["ro"], own["H_diag"] = [], [], [], 1.0
            return -g
        ys_all, ss, rhos = own["old_dirs"], own["old_stps"], own["ro"]
        y, s = g - own["prev_flat_grad"], own["d"] * own["t"]
        ys = dot(y, s)
        if ys > 1e-10:
            if len(ys_all) == kept:
                del ys_all[0], ss[0], rhos[0]
            ys_all.append(y)
            ss.append(s)
            rhos.append(1.0 / ys)
            own["H_diag"] = ys / dot(y, y)
        q, a = -g, [None] * kept
        for i in range(len(ss) - 1, -1, -1):
            a[i] = dot(ss[i], q) * rhos[i]
            q.add_(ys_all[i], alpha=-a[i])
        r = q * own["H_diag"]
        for i in range(len(ss)):
            r.add_(ss[i], alpha=a[i] - dot(ys_all[i], r) * rhos[i])
        own["al"] = a
        return r


def dot(a, b):
    """a . b as a Python number."""
    return _core.matmul(a, b).item()


def largest(x):
    """max |x|"""
    return float(x.abs().max()) if x.numel() else 0.0


def cubic(a, fa, da, b, fb, db, low, high):
    """Where the cubic through (a, fa) and (b, fb) with slopes da, db has its minimum, inside [low, high]."""
    d1 = da + db - 3 * (fa - fb) / (a - b)
    square = d1 * d1 - da * db
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    at = b - (b - a) * ((db + d2 - d1) / (db - da + 2 * d2)) if a <= b else a - (a - b) * ((da + d2 - d1) / (da - db + 2 * d2))
    return min(max(at, low), high)


def strong_wolfe(f, d, t, loss, g, slope, most=25, c1=1e-4, c2=0.9, tiny=1e-9):
    """(loss, gradient, t, evaluations) with loss(t) <= loss + c1 t slope and |slope(t)| <= c2 |slope|, if found in time.

    f(t) gives loss and gradient at t along d. A point is (t, loss, gradient, slope); a bracket is two of them.
    """

    def at(t):
        value, gradient = f(t)
        return t, value, gradient, dot(gradient, d)

    before, here, n, done = (0, loss, g, slope), at(t), 0, False
    bracket = None
    while n < most and bracket is None:
        t, value, _, incline = here
        if value > loss + c1 * t * slope or (n > 1 and value >= before[1]):
            bracket = [before, here]
        elif abs(incline) <= -c2 * slope:
            bracket, done = [here], True
        elif incline >= 0:
            bracket = [before, here]
        else:
            low, high = t + 0.01 * (t - before[0]), t * 10
            t = cubic(before[0], before[1], before[3], t, value, incline, low, high)
            before, here, n = here, at(t), n + 1
    if bracket is None:
        bracket = [(0, loss, g, slope), here]
    best, used = zoom(at, bracket, n, done, largest(d), loss, slope, most, c1, c2, tiny)
    return best[1], best[2], best[0], used


def zoom(at, bracket, n, done, size, loss, slope, most, c1, c2, tiny):
    """(the best point inside the bracket, evaluations so far); size: the largest entry of the direction."""
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    stuck = False  # was the last trial close to an end of the bracket?
    while not done and n < most:
        (a, fa, _, da), (b, fb, _, db) = bracket
        if abs(b - a) * size < tiny:
            break
        left, right = min(a, b), max(a, b)
        t = cubic(a, fa, da, b, fb, db, left, right)
        edge = 0.1 * (right - left)
        if min(right - t, t - left) < edge:
            if stuck or t >= right or t <= left:
                t = right - edge if abs(t - right) < abs(t - left) else left + edge
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        here = at(t)
        n += 1
        if here[1] > loss + c1 * t * slope or here[1] >= bracket[low][1]:
            bracket[high] = here
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
        else:
            if abs(here[3]) <= -c2 * slope:
                done = True
            elif here[3] * (bracket[high][0] - bracket[low][0]) >= 0:
                bracket[high] = bracket[low]
            bracket[low] = here
    return bracket[low], n + 1
