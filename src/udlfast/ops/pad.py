"""Padding: elements added around a tensor (or, for negative amounts, cut off)."""
from .. import _core
from .._core import attach
from ..errors import ArgumentError, ShapeError
from ._common import tensor, whole
from .creation import tensor as new_tensor


def pad(input, pad, mode="constant", value=None):
    """Elements added before and after the last dimensions.

    1 2 3 4 padded by (2, 2): "constant" 0 0 1 2 3 4 0 0, "reflect" 3 2 1 2 3 4 3 2, "replicate" 1 1 1 2 3 4 4 4,
    "circular" 3 4 1 2 3 4 1 2. Negative amounts cut off.

    Args:
        input: any shape; for modes other than "constant" the dimensions padded and one or two before them
        pad: (left, right) of the last dimension, then of the one before it, and so on
        mode: "constant", "reflect", "replicate" or "circular"
        value: the constant; None = 0
    Returns: the padded tensor
    Raises: ShapeError where a size would be negative or the padding is too large for the mode, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.pad(torch.tensor([[1, 2, 3]]), (2, 1), "circular").tolist()
    [[2, 3, 1, 2, 3, 1]]

    Source: Understanding Deep Learning, section 10.2.
    """
    op = "pad"
    tensor(op, input)
    if isinstance(pad, int):
        raise ArgumentError(f"{op}: expected (left, right) pairs, last dimension first, got {pad}: ({pad}, {pad})?")
    amounts = tuple(whole(op, "each amount", p, -(2**31)) for p in pad)
    shape = tuple(input.shape)
    if len(amounts) % 2 or len(amounts) > 2 * len(shape):
        raise ArgumentError(f"{op}: expected at most {len(shape)} (left, right) pairs for input {list(shape)}, got "
                            f"{amounts}")
    pairs = [(0, 0)] * (len(shape) - len(amounts) // 2) + [amounts[i:i + 2] for i in range(len(amounts) - 2, -1, -2)]
    for d, (left, right) in enumerate(pairs):
        if shape[d] + left + right < 0:
            raise ShapeError(f"{op}: the amounts {amounts} cut more from dimension {d} than its size {shape[d]}")
    if mode == "constant":
        return _constant(input, pairs, 0 if value is None else value)
    if mode not in SOURCE:
        raise ArgumentError(f'{op}: mode must be "constant", "reflect", "replicate" or "circular", got {mode!r}')
    if value is not None:
        raise ArgumentError(f'{op}: value goes with mode "constant" only, got mode {mode!r}')
    n = len(amounts) // 2
    if n not in (1, 2, 3) or len(shape) not in (n + 1, n + 2):
        raise ShapeError(f"{op}: mode {mode!r} pads the last {n} dimensions of {n + 1} or {n + 2}, got {list(shape)}")
    for d, (left, right) in enumerate(pairs):
        if left or right:
            input = input.index_select(d, new_tensor(SOURCE[mode](d, shape, left, right)))
    return input


def _reflect(d, shape, left, right):
    n = shape[d]
    if left >= n or right >= n:
        raise ShapeError(f'pad: "reflect" needs amounts below the size {n} of dimension {d}, got {(left, right)}')
    return [n - 1 - abs(n - 1 - abs(i)) for i in range(-left, n + right)]


def _replicate(d, shape, left, right):
    n = shape[d]
    if not n:
        raise ShapeError(f'pad: "replicate" has nothing to repeat in dimension {d} of size 0')
    return [min(max(i, 0), n - 1) for i in range(-left, n + right)]


def _circular(d, shape, left, right):
    n = shape[d]
    if left > n or right > n or (min(left, right) <= -n and max(left, right) > 0):
        raise ShapeError(f'pad: "circular" needs amounts not above the size {n} of dimension {d}, got {(left, right)}')
    first, kept = max(-left, 0), n - max(-left, 0) - max(-right, 0)  # what is cut off takes no part in going round
    return [first + i % kept for i in range(-max(left, 0), kept + max(right, 0))]


# which element of the input stands at each place of the padded dimension
SOURCE = {"reflect": _reflect, "replicate": _replicate, "circular": _circular}


def _constant(x, pairs, value):
    """x with (before, after) elements of `value` added to each dimension."""
    shape = tuple(n + left + right for n, (left, right) in zip(x.shape, pairs))
    out = _core.full(shape, value, dtype=x.dtype)
    inside, source = out, x.detach()
    for d, (left, right) in enumerate(pairs):
        if left or right:
            length = x.shape[d] + min(left, 0) + min(right, 0)
            if length <= 0:
                length = 0
            else:
                inside = inside.narrow(d, max(left, 0), length)
                source = source.narrow(d, max(-left, 0), length)
            if not length:
                return attach(out, (x,), pad_backward, args=(pairs,))
    inside.copy_(source)
    return attach(out, (x,), pad_backward, args=(pairs,))


def pad_backward(node, g):
    """What was added is cut off, what was cut off gets zeros."""
    return _constant(g, [(-left, -right) for left, right in node.args[0]], 0),
