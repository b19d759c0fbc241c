"""From one run of a function to a plan: guards before it, the recorder during it, results and effects after it."""

import sys
import warnings

from .. import _core
from .._core import Out, Plan, Recorder, Tensor, grad_effect, graph_state, tensor_out
from . import passes
from .walk import SIMPLE, Walk


class Refused(Exception):
    """There can be no plan; the text says why."""


def record(fn, args, kwargs, options, memory):
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
        grads = effects_on_grads(recorder, walk)
        live = live_results(result)
        out = describe(result, walk, recorder, live)
        back = backward_part(live, walk, recorder) if live else None
        check_buffers(recorder)
        check_draws(recorder)
    except Refused as why:
        return result, None, str(why), False
    kept = [*results_of(out), *grads, *(back[1] if back else ())]
    steps = passes.run(recorder, recorder.prologue + recorder.calls, kept, options)
    plan = Plan(
        recorder, steps, grads, out, arguments, keywords, walk.state, walk.tensors, places, grad_mode,
        options.get("arena", True), back, memory,
    )  # fmt: skip
    changed = plan.stable(args, kwargs, list(walk.tensors))
    if changed is None:
        changed = next((str(k) for d, k, v in walk.dynamic if d.get(k) is not v and d.get(k) != v), None)
    if changed is not None:
        return result, None, f"the run itself changes {changed}", True
    return result, plan, "", True


def effects_on_grads(recorder, walk):
    effects = []
    for leaf, (entry, read) in recorder.grads.items():
        guard = walk.guards.get(id(leaf))
        if guard is None:
            raise Refused("it changes the gradient of a tensor that none of its arguments and variables leads to")
        guard.pin(leaf)
        effect = grad_effect(recorder, leaf, entry, read)
        if isinstance(effect, str):
            raise Refused(effect)
        if effect is not None:
            effects.append(effect)
    return effects


def live_results(v):
    """The tensors of a result whose gradients are still to come, each once."""
    found, todo = [], [v]
    while todo:
        v = todo.pop()
        if isinstance(v, Tensor):
            if graph_state(v) == "live" and not any(v is t for t in found):
                found.append(v)
        elif isinstance(v, (tuple, list)):
            todo.extend(v)
        elif isinstance(v, dict):
            todo.extend(v.values())
    return found


def backward_part(live, walk, recorder):
    """(gradients that will come in, how to make each leaf's, the leaves' places): the pass is recorded as if zeros came."""
    leaves = _core.graph_leaves(live, [t for t in walk.tensors if not t.is_leaf])
    if isinstance(leaves, str):
        raise Refused(leaves)
    places = []
    for leaf in leaves:
        guard = walk.guards.get(id(leaf))
        if guard is None:
            raise Refused("a leaf that none of its arguments and variables leads to wants a gradient")
        places.append(guard.place)
    coming, grads = recorder.go_back(live, leaves)
    if recorder.refused is not None:
        raise Refused(recorder.refused)
    came = [recorder.slot(g)[0].number for g in coming]
    outs = []
    for g in grads:
        if g is None:
            outs.append(Out("value"))
            continue
        slot = recorder.result(g) if recorder.is_new(g) else recorder.slot(g)[0]
        if slot is None or slot.kind == 2 and slot.number not in came:
            raise Refused("a gradient is a tensor made elsewhere")
        outs.append(_core.grad_out(g, came, slot.number, recorder.slot(g)[1]))
    return coming, outs, places


def describe(v, walk, recorder, live):
    """How to make one value of the result."""
    if isinstance(v, Tensor):
        return describe_tensor(v, walk, recorder, live)
    if isinstance(v, SIMPLE):
        return Out("value", v)
    if type(v) in (tuple, list) or isinstance(v, tuple) and hasattr(v, "_fields"):
        return Out("sequence", type(v), [describe(x, walk, recorder, live) for x in v])
    if type(v) is dict:
        return Out("dict", list(v), [describe(x, walk, recorder, live) for x in v.values()])
    if any(v is o for o in walk.known.values()):
        return Out("value", v)
    raise Refused(f"it returns an object of type {type(v).__name__}")


def describe_tensor(t, walk, recorder, live):
    for place, known in enumerate(walk.tensors):
        if t is known:
            return Out("place", place=place)
    if graph_state(t) == "leaf":
        raise Refused("it returns a new leaf of the tape")
    number = next((i for i, x in enumerate(live) if x is t), -1)
    if type(t) is not Tensor:
        raise Refused(f"it returns a tensor of type {type(t).__name__}")
    if recorder.is_new(t):
        slot = recorder.result(t)
        return tensor_out(t, slot.number, recorder.slot(t)[1], None, number)
    slot, offset = recorder.slot(t)
    if slot is None or not isinstance(slot.place, _core.Guard):
        raise Refused("it returns a tensor that none of its arguments leads to")
    return tensor_out(t, slot.number, offset, slot.place, number)


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
