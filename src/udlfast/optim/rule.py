"""What the optimisers of kernels/optim_rules.c share: from a group to rows[step, dtype] of a table, one kernel call each."""

from struct import pack, unpack

from .. import _core, errors
from .optimizer import PLAIN, Optimizer, check_settings, each_prepared, finish, usual_table

__all__ = ["RuleOptimizer"]


class RuleOptimizer(Optimizer):
    """An optimiser whose step is one kernel call.

    A subclass names its kernel and the states of group g in the kernel's order (``_states``), and gives the numbers of a step
    (``_numbers``): (flags, weight decay in the gradient, factor on p, scalars). State that is a number besides the step
    count is in ``NUMBERS``.
    """

    KERNEL = ""
    NUMBERS = ()

    def __init__(self, params, defaults, check=(), betas=None, foreach=None, maximize=False, capturable=False, differentiable=False):
        name = type(self).__name__
        check_settings(name, **{what: defaults[what] for what in check})
        for i in range(0 if betas is None else 2):
            if not 0.0 <= betas[i] < 1.0:
                raise errors.ArgumentError(f"{name}: Invalid beta parameter at index {i}: {betas[i]}; it must be in [0, 1)")
        more = {"foreach": foreach, "maximize": maximize, "capturable": capturable, "differentiable": differentiable}
        if "fused" in defaults:
            del more["capturable"]
        super().__init__(params, {**defaults, **more})
        self._kernel = getattr(_core, "K_" + self.KERNEL)

    def _states(self, group):
        raise NotImplementedError

    def _numbers(self, group, step, own):
        raise NotImplementedError

    def _start(self, own, p, kind, group):
        """The state of a parameter before its first step; None leaves a place in the table empty."""
        own.setdefault("step", 0)
        for name in self._states(group):
            if name is not None and name not in own:
                own[name] = _core.zeros(tuple(p.shape), dtype=kind)

    def _key(self, own):
        """Parameters of one key can share a call."""
        return (own["step"], *[own[name] for name in self.NUMBERS])

    def _step_group(self, group):
        entries, owns = self._usual_entries(group)
        table = usual_table(entries)
        if table is None:
            self._step_unusual(group)
            return
        params = group["params"]
        self._launch(table, owns, params[0].dtype, group)
        _core.bump_versions(params)

    def _usual_entries(self, group):
        """The table's entries and the states when all parameters have gradients, one type and one step count."""
        params, state = group["params"], self.state
        first = state.get(params[0]) if params else None
        names = self._states(group)
        if not first or any(name is not None and name not in first for name in names) or "step" not in first:
            return None, None
        kind, key, entries, owns = params[0].dtype, self._key(first), [], []
        if kind not in PLAIN:
            return None, None
        size = len(first)
        for p in params:
            grad, own = p.grad, state[p]
            if grad is None or p.dtype is not kind or len(own) != size or self._key(own) != key:
                return None, None
            owns.append(own)
            entries.append((p, grad, *[own[name] if name is not None else None for name in names]))
        return entries, owns

    _dynamic = "numbers"  # a plan asks _advance for them at each replay

    def _launch(self, table, owns, kind, group):
        ints, floats = self._advance(owns, kind, group)
        recorder = _core.recording()
        if recorder is not None:
            recorder.note_refresh(lambda: self._advance(owns, kind, group))
        _core.call(self._kernel, (table,), ints, floats)

    def _advance(self, owns, kind, group):
        """The numbers of the kernel's struct for the next step, which the states then have counted."""
        step = owns[0]["step"] + 1
        flags, decay, keep, scalars = self._numbers(group, step, owns[0])
        ints = (kind.code, len(owns), bool(group["maximize"]), flags)
        changed = {name: owns[0][name] for name in self.NUMBERS}
        for own in owns:
            own["step"] = step
            own.update(changed)
        return ints, (decay, keep, *scalars, *((0.0,) * (7 - len(scalars))))

    def _step_unusual(self, group):
        """First steps, missing or strided gradients, mixed types: one call for each rows[key, dtype]."""
        rows, updated, back, names = {}, [], [], self._states(group)
        for p, work, grad, kind in each_prepared(group, updated, back):
            own = self.state[p]
            if "step" not in own or any(name is not None and name not in own for name in names):
                self._start(own, p, kind, group)
            entry = (work, grad, *[own[name] if name is not None else None for name in names])
            some = rows.setdefault((self._key(own), kind), ([], []))
            some[0].append(entry)
            some[1].append(own)
        for (_, kind), (entries, owns) in rows.items():
            self._launch(_core.optim_table(entries), owns, kind, group)
        finish(updated, back)


def stored(number):
    """A number of the state as a 0-dim tensor of PyTorch's optimisers holds it: float32, or float64 where that is the default."""
    return number if _core.get_default_dtype() is _core.float64 else unpack("f", pack("f", number))[0]
