"""From measurements to findings: one function a rule, each with the threshold it rests on."""

import math
import statistics

from .report import Finding


def findings(m):
    """All findings of a Measured. A rule that explains another silences it: causes are named, not what follows from them."""
    found = [f for rule in ALWAYS for f in rule(m)]
    names = {f.name for f in found}
    if names & {"exploding gradients", "vanishing gradients"}:  # with them whole layers are on or off for a batch
        found = [f for f in found if f.name != "dead ReLUs"]
    if not names & CAUSES:
        found += [f for rule in ONLY_WITHOUT_A_CAUSE for f in rule(m)]
    return found


def non_finite(m):
    if m.not_finite:
        where, step, what = m.not_finite
        yield Finding("non-finite numbers", f"first at step {step + 1}: {what}", where)


def leakage(m):
    if m.shared_rows and m.shared_rows[1] and m.shared_rows[0] > 0.01 * m.shared_rows[1]:
        yield Finding("data leakage", f"{m.shared_rows[0]} of {m.shared_rows[1]} validation inputs also stand in the training part")


def wrong_loss(m):
    for mistake, times in m.loss_mistakes.items():
        if times == m.looked:
            yield Finding("wrong loss for the output", mistake)


def train_mode(m):
    if m.train_mode is not None:
        yield Finding("evaluation in train mode", "it differs between training and evaluation, and ran in train mode without gradients",
                      m.train_mode)  # fmt: skip


def single_number(m):
    if m.single:
        yield Finding("batch norm sees one number", "each channel has one number, so the output is always its bias", m.single[0])


def unused(m):
    names = [n for n, times in m.missing.items() if times == m.looked]
    if names:
        yield Finding("unused parameters", f"{_some(names)} never got a gradient: the loss does not depend on them", names[0])


def frozen(m):
    """Parameters outside of the optimiser are a mistake; frozen ones are often meant, unless the loss stands still."""
    first, last = m.first_and_last() if m.losses else (0, 0)
    if m.outside:
        yield Finding("frozen parameters", f"the optimiser does not hold {_some(m.outside)}", m.outside[0])
    elif m.frozen and last > 0.9 * first:
        yield Finding("frozen parameters", f"{_some(m.frozen)} do not require gradients, and the loss hardly falls", m.frozen[0])


def zero_gradients(m):
    known = {*m.missing, *m.frozen}
    names = [n for n, layer in m.layers.items() if layer.gradients and not any(layer.gradients) and n not in known]
    dead = any(_median(v) > DEAD for v in m.dead.values()) and not _zero_weights(m)
    if names and not dead and not m.single:
        yield Finding("zero gradients", f"the gradient of {_some(names)} was 0 each time", names[0])


def inputs(m):
    """Far from mean 0 and deviation 1: a mean of more than 5 deviations, numbers of some tens, or features 100 times apart."""
    if m.inputs is None:
        return
    mean, deviation, spread = m.inputs
    if deviation > 20 or (abs(mean) > 5 and abs(mean) > 5 * deviation) or 0 < deviation < 1e-2 or spread > 100:
        text = f"mean {mean:.3g}, standard deviation {deviation:.3g}"
        yield Finding("unnormalised inputs", text + (f", features differ {spread:.0f} times in scale" if spread > 100 else ""))


DEAD = 0.6  # of the units of a layer


def dead_relus(m):
    """Dead from the start, or killed by steps of an ordinary size: large steps are a finding of their own."""
    early_ratio = m.update_ratio(first=3) or 0.0
    if _zero_weights(m):
        return
    for name, shares in m.dead.items():
        killed = _median(shares[:1]) < 0.5 * DEAD and early_ratio > 0.03
        if _median(shares[-5:]) > DEAD and not killed:
            yield Finding("dead ReLUs", f"{100 * _median(shares[-5:]):.0f} % of the units are 0 for a whole batch", name)
            return


def saturated(m):
    """More than half of the outputs at their ends while the layer still learns: at the end of a classifier that is success."""
    for name, shares in m.saturated.items():
        early = _median(shares[:5])
        if early > 0.5:
            yield Finding("saturated units", f"{100 * early:.0f} % of the outputs are within 2 % of their end from the start", name)
            return


def gradients_over_depth(m):
    """Gradients relative to weights, input side against output side."""
    sizes = [(n, layer.typical("gradients") / layer.typical("weights")) for n, layer in m.layers.items()
             if layer.gradients and layer.typical("weights") and layer.typical("gradients")]  # fmt: skip
    if len(sizes) < 3:
        return
    ratio = sizes[0][1] / sizes[-1][1]
    early = max((g for layer in m.layers.values() for g in layer.gradients[:3]), default=0)
    if ratio > 1e3 or early > 1e3:
        yield Finding("exploding gradients", f"the gradient at the input is {ratio:.2g} times that at the output (relative to the "
                      f"weights), the largest {early:.2g}", sizes[0][0])  # fmt: skip
    elif ratio < 1e-3:
        yield Finding("vanishing gradients", f"the gradient at the input is {ratio:.2g} times that at the output (relative to the weights)",
                      sizes[0][0])  # fmt: skip
    else:  # weights that are all small make gradients small everywhere
        layers = [layer for layer in m.layers.values() if layer.gradients and layer.weights[0]]
        first = statistics.median(layer.gradients[0] / layer.weights[0] for layer in layers)
        if first < 1e-4 and m.first_and_last()[1] > 0.9 * m.losses[0]:
            yield Finding("vanishing gradients", f"at the start gradients are {first:.2g} of the weights, and the loss stands still")


def step_size_too_high(m):
    """The loss ends above where it began, or jumps, and steps change weights by several per cent."""
    if len(m.losses) < 5:
        return
    first, last = m.losses[0], m.first_and_last()[1]
    ratio = max(m.update_ratio() or 0.0, m.update_ratio(first=3) or 0.0)
    jumps = _noise(m.losses)
    grows = last > 1.2 * first and last > first + 0.05
    standing = last > 0.9 * first and ratio > 0.1
    wild = jumps > 0.5 and last > 0.3 * first and ratio > 0.05
    if grows or standing or wild:
        yield Finding("step size too high", f"loss {first:.3g} to {last:.3g}, from step to step it jumps by {100 * jumps:.0f} %; "
                      f"a step changes weights by {100 * ratio:.2g} %")  # fmt: skip


def labels(m):
    """The loss stays at that of the best constant answer although steps are of a healthy size."""
    if m.chance is None or len(m.losses) < 30 or m.chance == 0:
        return
    ratio, last = m.update_ratio() or 0.0, m.first_and_last()[1]
    best = min(m.valid) if m.valid else None
    if ratio > 3e-4 and (last > 0.9 * m.chance or (best is not None and best > 0.97 * m.chance and last > 0.5 * m.chance)):
        yield Finding("labels do not match inputs", f"the loss ends at {last:.3g}, guessing without inputs gives {m.chance:.3g}, and steps "
                      f"change weights by {100 * ratio:.2g} %"
                      + (f"; validation never fell below {best:.3g}" if best is not None else ""))  # fmt: skip


def step_size_too_low(m):
    ratio = m.update_ratio()
    if ratio is None or len(m.losses) < 10:
        return
    first, last = m.first_and_last()
    if ratio < 1e-4 and last > 0.9 * first:
        yield Finding("step size too low", f"a step changes weights by {100 * ratio:.2g} %, and the loss only went from {first:.4g} "
                      f"to {last:.4g}")  # fmt: skip


def overfitting(m):
    if len(m.valid) < 3:
        return
    best = min(m.valid)
    end = statistics.fmean(m.valid[-2:])
    if end > 1.2 * best and end > 1.5 * m.train[-1] and m.train[-1] < m.train[0] and end > 0.1 * m.valid[0]:
        yield Finding("overfitting", f"validation loss {best:.3g} in epoch {m.valid.index(best) + 1}, {end:.3g} at the end; "
                      f"training loss {m.train[-1]:.3g}")  # fmt: skip


def slow(m):
    """Still falling steadily at the end by steps that are small."""
    if len(m.losses) < 20:
        return
    ratio, n = m.update_ratio() or 0.0, len(m.losses)
    first = m.first_and_last()[0]
    middle, end = (statistics.fmean(part) for part in (m.losses[n // 2 : n // 2 + n // 10 + 1], m.losses[-(n // 10) - 1 :]))
    steadily = first - end > 0.005 * first and middle - end > 0.25 * (first - end)
    if ratio < 1e-3 and steadily and end > 0.4 * first:
        yield Finding("slow convergence", f"the loss is at {100 * end / first:.0f} % of its start and still falls "
                      f"({middle:.3g} to {end:.3g} in the second half); a step changes weights by {100 * ratio:.2g} %")  # fmt: skip


def underfitting(m):
    """Standing still far above 0, for training and validation alike, although better than guessing."""
    if len(m.train) < 6 or m.chance is None:
        return
    n = max(2, len(m.train) // 4)
    before, end = (statistics.fmean(part) for part in (m.train[-2 * n : -n], m.train[-n:]))
    stands = abs(before - end) < 0.03 * before
    if stands and 0.35 * m.chance < end < 0.9 * m.chance and (not m.valid or m.valid[-1] < 1.3 * m.train[-1]):
        yield Finding("underfitting", f"the training loss stands at {end:.3g} (guessing: {m.chance:.3g})"
                      + (f", validation at {m.valid[-1]:.3g}" if m.valid else ""))  # fmt: skip


def _zero_weights(m):
    return any(layer.weights and not any(layer.weights) for layer in m.layers.values())


def _noise(losses):
    """The median change from one step to the next, relative, in the second half."""
    half = losses[len(losses) // 2 :]
    changes = [abs(b - a) / max(abs(a), 1e-12) for a, b in zip(half, half[1:], strict=False) if math.isfinite(a) and math.isfinite(b)]
    return statistics.median(changes) if changes else 0.0


def _median(values):
    return statistics.median(values) if values else 0.0


def _some(names):
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


ALWAYS = (non_finite, leakage, wrong_loss, train_mode, single_number, unused, frozen, zero_gradients, inputs, dead_relus, saturated,
          gradients_over_depth)  # fmt: skip
ONLY_WITHOUT_A_CAUSE = (step_size_too_high, labels, step_size_too_low, overfitting, slow, underfitting)
CAUSES = {
    "non-finite numbers", "wrong loss for the output", "batch norm sees one number", "unused parameters", "frozen parameters",
    "zero gradients", "unnormalised inputs", "dead ReLUs", "saturated units", "exploding gradients", "vanishing gradients",
}  # fmt: skip
