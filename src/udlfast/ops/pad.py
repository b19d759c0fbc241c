"""Padding: elements added around a tensor (or, for negative amounts, cut off)."""
from ..errors import ArgumentError, ShapeError
from ._common import tensor, whole
from .remap import CIRCULAR, CONSTANT, REFLECT, REPLICATE, padded


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
    pairs = ((0, 0),) * (len(shape) - len(amounts) // 2) + tuple(amounts[i:i + 2] for i in range(len(amounts) - 2, -1, -2))
    for d, (left, right) in enumerate(pairs):
        if shape[d] + left + right < 0:
            raise ShapeError(f"{op}: the amounts {amounts} cut more from dimension {d} than its size {shape[d]}")
    if mode == "constant":
        return padded(input, CONSTANT, pairs, value)
    if mode not in RULES:
        raise ArgumentError(f'{op}: mode must be "constant", "reflect", "replicate" or "circular", got {mode!r}')
    if value is not None:
        raise ArgumentError(f'{op}: value goes with mode "constant" only, got mode {mode!r}')
    n = len(amounts) // 2
    if n not in (1, 2, 3) or len(shape) not in (n + 1, n + 2):
        raise ShapeError(f"{op}: mode {mode!r} pads the last {n} dimensions of {n + 1} or {n + 2}, got {list(shape)}")
    for size, (left, right) in zip(shape, pairs):
        if left or right:
            RULES[mode](size, left, right)
    cut = tuple((min(left, 0), min(right, 0)) for left, right in pairs)
    if mode == "circular" and any(map(any, cut)):  # what is cut off takes no part in going round
        input = padded(input, CONSTANT, cut)
        pairs = tuple((max(left, 0), max(right, 0)) for left, right in pairs)
    return padded(input, MODES[mode], pairs)


def _reflect(n, left, right):
    if left >= n or right >= n:
        raise ShapeError(f'pad: "reflect" needs amounts below the size {n} of the dimension, got {(left, right)}')


def _replicate(n, left, right):
    if not n:
        raise ShapeError('pad: "replicate" has nothing to repeat in a dimension of size 0')


def _circular(n, left, right):
    if left > n or right > n or (min(left, right) <= -n and max(left, right) > 0):
        raise ShapeError(f'pad: "circular" needs amounts not above the size {n} of the dimension, got {(left, right)}')


# what amounts each mode takes in a dimension of size n
RULES = {"reflect": _reflect, "replicate": _replicate, "circular": _circular}
MODES = {"reflect": REFLECT, "replicate": REPLICATE, "circular": CIRCULAR}
