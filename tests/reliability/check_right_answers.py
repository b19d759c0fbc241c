"""Right answers: random problems of problems.py against the float64 reference, values and gradients, on each instruction set; and the
gradients of every operation against central differences in float64.

A problem is its number: `python -m tests.reliability right_answers first=NUMBER problems=1` repeats it.
"""

import warnings

import harness
import numpy as np

import udlfast as torch
from reliability import children
from reliability.frame import Failed, check
from reliability.problems import PROBLEMS

NAMES = list(PROBLEMS)


def once(function):
    """The function, computed once: it is called with the same arrays on each instruction set."""
    kept = []

    def call(*arrays):
        if not kept:
            kept.append(function(*arrays))
        return kept[0]
    return call


def draw(number):
    """(name, Problem, its generator, dtype, layout) of a number."""
    r = np.random.default_rng(number)
    name = NAMES[number % len(NAMES)]
    zero = bool(r.random() < 0.15)  # not every operation takes an axis of length 0: about 10 % remain
    p = PROBLEMS[name](r, zero)
    layout = str(r.choice(harness.LAYOUTS[1:])) if r.random() < 0.3 and p.layouts else "plain"
    return name, p, r, str(r.choice(p.types)), layout


def step(number):
    """Problem `number` on every instruction set; None, or the line that says what is wrong and how to repeat it."""
    name, p, r, dtype, layout = draw(number)
    forward = once(p.forward)
    gradients = None if p.backward is None else once(p.backward)
    for level in torch.isas():
        try:
            with torch.use_isa(level), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if gradients is None:
                    bound = {k: v for k, v in p.bound.items() if k != "grad_scale"}
                    harness.check_forward(p.op, forward, *p.arrays, dtype=dtype, layout=layout, **bound)
                else:
                    harness.check_gradient(p.op, forward, gradients, *p.arrays, rng=np.random.default_rng(number + 1), dtype=dtype,
                                           layout=layout, **p.bound)
        except Exception as e:
            shapes = [list(a.shape) for a in p.arrays if isinstance(a, np.ndarray)]
            return (f"{name} {shapes} {dtype} {layout} on {level}: {type(e).__name__}: {str(e)[:300]} "
                    f"(python -m tests.reliability right_answers first={number} problems=1)")  # fmt: skip
    return None


def share(first, problems):
    """Of the problems: (how many strided or offset, how many with an axis of length 0)."""
    strided = empty = 0
    for number in range(first, first + min(problems, 5000)):
        _, p, _, _, layout = draw(number)
        strided += layout != "plain"
        empty += any(a.size == 0 for a in p.arrays if isinstance(a, np.ndarray))
    return f"{100 * strided / min(problems, 5000):.0f} % strided or offset, {100 * empty / min(problems, 5000):.0f} % empty"


@check("right answers", must="0 failures", short={"problems": 192}, long={"problems": 100_000})
def right_answers(problems, first=0):
    findings = children.sweep("reliability.check_right_answers:step", first, first + problems, seconds=60.0)
    figures = (f"{findings.ran:,} problems of {len(NAMES)} kinds ({share(first, findings.ran)}) on {', '.join(torch.isas())}: "
               f"{len(findings)} failures")  # fmt: skip
    if findings:
        raise Failed(figures, [f.text if f.kind == "wrong" else f for f in findings])
    return figures


def gradient_step(number):
    """The gradients of problem `number` against central differences in float64."""
    name, p, r, _, _ = draw(number)
    if p.backward is None and name != "rnn" or sum(a.size for a in p.arrays if isinstance(a, np.ndarray)) > 600:
        return None
    g = np.random.default_rng(number + 1)
    try:
        harness.gradcheck(p.op, *p.arrays, rng=g)
    except AssertionError as e:
        # a kink (of |x|, max, a rounded place) within the step of the difference is no failure of the rule
        smaller = nearer(p, g)
        if smaller:
            return f"{name}: {str(e)[:250]} (python -m tests.reliability gradients first={number} problems=1)"
    return None


def nearer(p, g):
    """Whether the difference stays with a step ten times smaller, that is, is no kink; a message or None."""
    _, tensors = harness.inputs_of(p.arrays, "float64", "plain", grad=True)
    y = p.op(*tensors)
    gy = g.standard_normal(tuple(y.shape))
    y.backward(torch.tensor(gy))
    grads = [harness.numbers(t.grad) for t in tensors if isinstance(t, torch.Tensor) and t.requires_grad]

    def value(*a):
        return harness.numbers(p.op(*harness.inputs_of(a, "float64", "plain", False)[1]))
    for h in (1e-4, 1e-6, 1e-7):
        numeric = harness.central_differences(value, p.arrays, gy, h)
        if all(np.all(np.abs(a - b) <= 1e-5 * (1 + np.abs(b).max(initial=0))) for a, b in zip(grads, numeric, strict=True)):
            return None
    return "stays"


@check("gradients", must="0 failures", short={"problems": 96}, long={"problems": 20_000})
def gradients(problems, first=0):
    findings = children.sweep("reliability.check_right_answers:gradient_step", first, first + problems, seconds=120.0)
    figures = f"{findings.ran:,} problems of {len(NAMES)} kinds, gradients in float64 against central differences: {len(findings)} failures"
    if findings:
        raise Failed(figures, [f.text if f.kind == "wrong" else f for f in findings])
    return figures
