"""From one run of a function to a plan: guards before it, the recorder during it, results and effects after it."""

import sys
import warnings

from .. import _core
from .._core import Out, Plan, Recorder, Tensor, grad_effect, graph_state, tensor_out
from . import passes
from .walk import SIMPLE, Walk


class Refused(Exception):
    """There can be no plan; the text says why."""


def record(fn, args, kwargs, options):
    """(result of the run, Plan or None, why not, whether another run might do)"""
    recorder = Recorder()
    walk = Walk(recorder)
    grad_mode = _core.is_grad_enabled()
    try:
        (arguments, keywords), places = walk.root(fn, args, kwargs)
    except RecursionError:
        return fn(*args, **kwargs), None, "the values that it can see are nested too deeply", False
    recorder.start()
    try:
        result = fn(*args, **kwargs)
    finally:
        recorder.stop()
    try:
        if recorder.refused is not None:
            raise Refused(recorder.refused + (f" at {recorder.where}" if recorder.where else ""))
        grads = effects_on_grads(recorder)
        out = describe(result, walk, recorder)
        check_buffers(recorder)
        check_draws(recorder)
    except Refused as why:
        return result, None, str(why), False
    steps = passes.run(recorder.prologue + recorder.calls, [*results_of(out), *grads], options)
    plan = Plan(
        recorder, steps, grads, out, arguments, keywords, walk.state, len(walk.tensors), places, grad_mode,
        options.get("arena", True),
    )  # fmt: skip
    changed = plan.stable(args, kwargs, list(walk.tensors))
    if changed is None:
        changed = next((str(k) for d, k, v in walk.dynamic if d.get(k) is not v and d.get(k) != v), None)
    if changed is not None:
        return result, None, f"the run itself changes {changed}", True
    return result, plan, "", True


def effects_on_grads(recorder):
    effects = []
    for leaf, (entry, read) in recorder.grads.items():
        effect = grad_effect(recorder, leaf, entry, read)
        if isinstance(effect, str):
            raise Refused(effect)
        if effect is not None:
            effects.append(effect)
    return effects


def describe(v, walk, recorder):
    """How to make one value of the result."""
    if isinstance(v, Tensor):
        return describe_tensor(v, walk, recorder)
    if isinstance(v, SIMPLE):
        return Out("value", v)
    if type(v) in (tuple, list) or isinstance(v, tuple) and hasattr(v, "_fields"):
        return Out("sequence", type(v), [describe(x, walk, recorder) for x in v])
    if type(v) is dict:
        return Out("dict", list(v), [describe(x, walk, recorder) for x in v.values()])
    if any(v is o for o in walk.known.values()):
        return Out("value", v)
    raise Refused(f"it returns an object of type {type(v).__name__}")


def describe_tensor(t, walk, recorder):
    for place, known in enumerate(walk.tensors):
        if t is known:
            return Out("place", place=place)
    if graph_state(t) in ("leaf", "live"):
        raise Refused("it returns a tensor whose gradient is still to come")
    if type(t) is not Tensor:
        raise Refused(f"it returns a tensor of type {type(t).__name__}")
    if recorder.is_new(t):
        slot = recorder.result(t)
        return tensor_out(t, slot.number, recorder.slot(t)[1], None)
    slot, offset = recorder.slot(t)
    if slot is None or not isinstance(slot.place, _core.Guard):
        raise Refused("it returns a tensor that none of its arguments leads to")
    return tensor_out(t, slot.number, offset, slot.place)


def results_of(out):
    todo = [out]
    while todo:
        o = todo.pop()
        todo.extend(o.children or ())
        yield o


def check_buffers(recorder):
    """Memory from before the run must have been found by the walk: else a replay could not know that it is another now."""
    for call in recorder.calls:
        for _, slot, _, _ in call.pointers:
            for s in [slot, *(row for _, row, _ in slot.links or ())]:
                if s.kind == 2 and s.place is None:
                    raise Refused(
                        f"{call.name} uses a tensor of {s.nbytes} bytes that neither the arguments nor the variables of the "
                        f"function lead to"
                    )


def check_draws(recorder):
    if not all(used for *_, used in recorder.draws):
        raise Refused("random numbers are drawn by a call that plans do not know")


def warn(text):
    """A warning at the user's line."""
    frame, level = sys._getframe(1), 2
    while frame is not None and frame.f_globals.get("__name__", "").startswith("udlfast."):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, RuntimeWarning, stacklevel=level - 1)
