"""Any argument: generated calls over the whole public API in child processes under limits of memory and time.

Whatever is given, a call returns or raises an exception. Now and then a known product is computed again, so that memory that a
call has spoiled is noticed. `python -m reliability.check_any_argument NUMBER` in tests/ runs one call of the corpus and prints it.
"""

import random
import sys

import numpy as np

import udlfast as torch
from reliability import children, corpus
from reliability.frame import Failed, check
from udlfast import _core

MEMORY = 3 << 30  # bytes of address space for a child
SECONDS = 20.0  # of processor time for a call
EVERY = 25_000  # calls of a child: a new one takes seconds
LARGE = 1 << 22  # elements of a result that are still looked at


def setting():
    """Every call starts from the same settings, whatever the last one changed."""
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    _core.set_autocast(None)
    torch.set_batch_invariant(False)
    torch.manual_seed(0)
    if torch.get_num_threads() != 2:
        torch.set_num_threads(2)
    torch.use_deterministic_algorithms(False)
    torch.set_float32_matmul_precision("highest")


def read(result, depth=0):
    """Look at every number of a result."""
    if isinstance(result, torch.Tensor):
        if result.numel() <= LARGE:
            result.detach().clone().sum()
    elif isinstance(result, (list, tuple)) and depth < 3:
        for item in result[:20]:
            read(item, depth + 1)


def differentiate(result):
    tensors = [t for t in (result if isinstance(result, (list, tuple)) else [result])[:5]
               if isinstance(t, torch.Tensor) and t.requires_grad and t.numel() <= LARGE]
    if tensors:
        sum(t.sum() for t in tensors).backward()


A = np.random.default_rng(0).standard_normal((37, 53)).astype("float32")
WANT = []


def spoiled():
    """A message if a product that was right before is wrong now."""
    t = torch.from_numpy(A.copy())
    got = ((t @ t.t()).softmax(1) + t.sum()).numpy().tobytes()
    if not WANT:
        WANT.append(got)
    return None if got == WANT[0] else "a known product is wrong: memory was spoiled by this call or one of the last 50"


def call(number):
    """One call; None, or what is wrong with it."""
    try:
        name, run = corpus.call(number)
    except (MemoryError, RuntimeError, ValueError, TypeError, IndexError):  # arguments that cannot be made
        return None
    try:
        result = run()
        read(result)
        if random.Random(number).random() < 0.4:
            differentiate(result)
    except SystemError as e:
        return f"{name}: SystemError: {e}"
    except Exception:  # any exception is an answer
        pass
    setting()
    return spoiled() if number % 50 == 0 else None


def describe(findings):
    """A line for each finding: which call it was and how it is repeated."""
    lines = []
    for f in findings:
        try:
            name = corpus.call(f.step)[0]
        except Exception as e:
            name = f"arguments: {e}"
        lines.append(f"{name}: {f} (cd tests; python -m reliability.check_any_argument {f.step})")
    return lines


@check("any argument", must="0 signals, 0 hangs", short={"calls": 800}, long={"calls": 1_000_000})
def any_argument(calls, first=0):
    spoiled()
    names = len({n for n, _ in corpus.targets()})
    findings = children.sweep("reliability.check_any_argument:call", first, first + calls, memory=MEMORY, seconds=SECONDS,
                              every=EVERY)
    count = {k: sum(f.kind == k for f in findings) for k in ("signal", "hang", "exit", "wrong")}
    figures = (f"{findings.ran:,} calls of {names:,} names and mutants of {len(corpus.examples())} examples: {count['signal']} signals, "
               f"{count['hang']} hangs, {count['exit'] + count['wrong']} other findings")  # fmt: skip
    if findings:
        raise Failed(figures, describe(findings))
    return figures


if __name__ == "__main__":
    import faulthandler

    faulthandler.enable()
    WANT.clear()
    print(corpus.call(int(sys.argv[1]))[0])
    print(call(int(sys.argv[1])))
