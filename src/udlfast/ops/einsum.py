"""Einstein's summation convention."""
import functools
import math

from .._core import Tensor, diagonal, matmul
from ..errors import ArgumentError, ShapeError
from ._common import tensor


def einsum(equation, *operands):
    """Sums of products of tensors, written with a letter for each dimension.

    "bij,bjk->bik" means y[b, i, k] = sum_j x0[b, i, j] x1[b, j, k]: letters that are missing behind the arrow are
    summed over; equal letters in one operand take its diagonal; "..." stands for all other dimensions, which broadcast.
    Without an arrow the result has the letters that occur once, in alphabetical order.

    Args:
        equation: letters for each operand, separated by commas; then -> and those of the result (or operands, each followed by a
            list of numbers of its dimensions, and a list for the result)
        operands: the tensors, or a list of them
    Returns: a tensor
    Raises: ArgumentError for an equation that makes no sense, ShapeError where sizes of a letter differ

    >>> import udlfast as torch
    >>> torch.einsum("ij,j->i", torch.tensor([[1., 2.], [3., 4.]]), torch.tensor([1., 1.])).tolist()
    [3.0, 7.0]
    """
    op = "einsum"
    if not isinstance(equation, str) and operands and isinstance(operands[0], (list, tuple)):
        equation, operands = _from_lists(op, (equation, *operands))
    if not isinstance(equation, str):
        raise ArgumentError(f"{op}: expected an equation such as 'ij,jk->ik', got {type(equation).__name__}")
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = operands[0]
    for x in operands:
        if not isinstance(x, Tensor) and type(x).__name__ == "ComplexTensor":
            return _of_complex(equation, operands)
        tensor(op, x, "each operand")
    if len(operands) == 2:
        y = _product(equation, *operands)
        if y is not None:
            return y
    terms, result, sizes = _parse(op, equation, operands)
    parts = [_single(x, letters) for x, letters in zip(operands, terms)]
    x, letters = parts[0]
    for i in range(1, len(parts)):
        later = set(result).union(*(p[1] for p in parts[i + 1:]))
        x, letters = _pair(x, letters, *parts[i], later)
    lost = [i for i, c in enumerate(letters) if c not in result]
    if lost:
        x, letters = x.sum(lost), [c for c in letters if c in result]
    x = x.permute(tuple(letters.index(c) for c in result))
    return x


@functools.lru_cache(256)
def _as_matmul(equation, ranks):
    """How an equation of two operands of these numbers of dimensions is one matmul: orders of the dimensions of both, how many are of the
    batch, rows, inner and columns, order of the result (None: as it is). None where it is something else, or makes no sense."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    a, comma, b = left.partition(",")
    if not arrow or not all(t.isalpha() and len(set(t)) == len(t) for t in (a, b, result)) or (len(a), len(b)) != ranks:
        return None
    batch, inner = ([c for c in a if c in b and (c in result) == kept] for kept in (True, False))
    rows, columns = [c for c in a if c not in b], [c for c in b if c not in a]
    found = batch + rows + columns
    if not inner or sorted(found) != sorted(result):
        return None

    def order(letters, wanted):
        places = tuple(letters.index(c) for c in wanted)
        return None if places == tuple(range(len(letters))) else places
    counts = len(batch), len(rows), len(inner), len(columns)
    return order(a, batch + rows + inner), order(b, batch + inner + columns), counts, order(found, result)


def _product(equation, a, b):
    """The result of an equation that is one matmul, or None"""
    plan = _as_matmul(equation, (a.ndim, b.ndim))
    if plan is None:
        return None
    order_a, order_b, (batch, rows, inner, columns), order = plan
    a, b = a if order_a is None else a.permute(order_a), b if order_b is None else b.permute(order_b)
    sa, sb = tuple(a.shape), tuple(b.shape)
    lead, k = sa[:batch], sa[batch + rows:]
    if sb[:batch] != lead or sb[batch:batch + inner] != k:
        return None
    if rows != 1 or inner != 1:
        a = a.reshape(*lead, math.prod(sa[batch:batch + rows]), math.prod(k))
    if columns != 1 or inner != 1:
        b = b.reshape(*lead, math.prod(k), math.prod(sb[batch + inner:]))
    y = matmul(a, b)
    if rows != 1 or columns != 1:
        y = y.reshape(*lead, *sa[batch:batch + rows], *sb[batch + inner:])
    return y if order is None else y.permute(order)


def _from_lists(op, given):
    """The other form, einsum(x0, [0, 1], x1, [1, 2], [0, 2]), as an equation: dimensions have numbers instead of letters."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    def word(numbers):
        if any(n is not Ellipsis and not (isinstance(n, int) and 0 <= n < 52) for n in numbers):
            raise ArgumentError(f"{op}: numbers of dimensions must lie in [0, 52), got {list(numbers)}")
        return "".join("..." if n is Ellipsis else letters[n] for n in numbers)
    pairs = len(given) // 2
    equation = ",".join(word(given[2 * i + 1]) for i in range(pairs))
    if len(given) % 2:
        equation += "->" + word(given[-1])
    return equation, given[0:2 * pairs:2]


def _of_complex(equation, operands):
    """The sum is linear in each operand: real and imaginary parts apart, at most two complex operands at a time."""
    from ._complex import ComplexTensor, make
    numbers = [i for i, x in enumerate(operands) if isinstance(x, ComplexTensor)]
    if len(numbers) > 2:
        raise ArgumentError("einsum: at most two complex operands are supported; multiply the others first")

    def part(*names):
        return einsum(equation, *(getattr(x, names[numbers.index(i)]) if i in numbers else x for i, x in enumerate(operands)))
    if len(numbers) == 1:
        return make(part("real"), part("imag"))
    return make(part("real", "real") - part("imag", "imag"), part("real", "imag") + part("imag", "real"))


def _parse(op, equation, operands):
    """(letters of each operand, letters of the result, size of each letter); dimensions of "..." become numbers counted
    from the last, -1, -2, ..."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise ArgumentError(f"{op}: {equation!r} names {len(inputs)} operands, got {len(operands)}")
    terms, sizes, dots = [], {}, 0
    for text, x in zip(inputs, operands):
        letters = _letters(op, equation, text)
        if Ellipsis in letters:
            n = x.ndim - len(letters) + 1
            at = letters.index(Ellipsis)
            letters[at:at + 1] = list(range(-n, 0))
            dots = max(dots, n)
        if len(letters) != x.ndim:
            raise ShapeError(f"{op}: {text!r} has {len(letters)} letters for the dimensions of {list(x.shape)}")
        for c, s in zip(letters, x.shape):
            known = sizes.get(c, 1)
            if known != s and known != 1 and s != 1:
                raise ShapeError(f"{op}: the letter {c!r} of {equation!r} stands for the sizes {known} and {s}, "
                                 f"operands {[list(t.shape) for t in operands]}")
            sizes[c] = max(known, s) if 0 not in (known, s) else 0
        terms.append(letters)
    if arrow:
        result = _letters(op, equation, right)
        if Ellipsis in result:
            at = result.index(Ellipsis)
            result[at:at + 1] = list(range(-dots, 0))
        if len(set(result)) != len(result) or any(c not in sizes for c in result):
            raise ArgumentError(f"{op}: each letter behind the arrow of {equation!r} must be there once, and before it")
    else:
        flat = [c for t in terms for c in t]
        result = list(range(-dots, 0)) + sorted(c for c in set(flat) if isinstance(c, str) and flat.count(c) == 1)
    return terms, result, sizes


def _letters(op, equation, text):
    head, dots, tail = text.partition("...")
    if not (head + tail).isalpha() and head + tail:
        raise ArgumentError(f"{op}: {text!r} in {equation!r} is not made of letters, commas, '...' and '->'")
    return list(head) + ([Ellipsis] if dots else []) + list(tail)


def _single(x, letters):
    """An operand with the diagonal taken where a letter repeats."""
    letters = list(letters)
    for c in list(letters):
        while letters.count(c) > 1:
            i = letters.index(c)
            j = letters.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise ShapeError(f"einsum: the letter {c!r} repeats over the sizes {x.shape[i]} and {x.shape[j]}")
            x = diagonal(x, 0, i, j)
            letters = [d for k, d in enumerate(letters) if k not in (i, j)] + [c]
    return x, letters


def _pair(a, la, b, lb, later):
    """The product of two operands, summed over the letters that nothing later needs, as one batched matmul."""
    def summed(x, letters, other):
        lost = [i for i, c in enumerate(letters) if c not in other and c not in later]
        return (x.sum(lost), [c for c in letters if c in other or c in later]) if lost else (x, letters)
    (a, la), (b, lb) = summed(a, la, lb), summed(b, lb, la)
    # a letter of size 1 on one side only broadcasts; matmul would take it for a size that differs
    both = [c for c in la if c in lb]
    for c in both:
        if a.shape[la.index(c)] != b.shape[lb.index(c)] and c not in later:
            a, b = _equal(a, la, b, lb, c)
    batch = [c for c in both if c in later]
    inner = [c for c in both if c not in later]
    rows, columns = [c for c in la if c not in lb], [c for c in lb if c not in la]
    left, la_sizes = _arranged(a, la, batch, rows, inner)
    right, lb_sizes = _arranged(b, lb, batch, inner, columns)
    y = matmul(left, right) if inner else left * right  # nothing to sum: one broadcast product
    sizes = [max(la_sizes[c], lb_sizes[c]) if 0 not in (la_sizes[c], lb_sizes[c]) else 0 for c in batch]
    shape = sizes + [la_sizes[c] for c in rows] + [lb_sizes[c] for c in columns]
    return y.reshape(tuple(shape)), batch + rows + columns


def _equal(a, la, b, lb, c):
    i, j = la.index(c), lb.index(c)
    if a.shape[i] == 1:
        return a.expand(*a.shape[:i], b.shape[j], *a.shape[i + 1:]), b
    return a, b.expand(*b.shape[:j], a.shape[i], *b.shape[j + 1:])


def _arranged(x, letters, batch, first, second):
    """x as [*batch, first joined, second joined], and the size of each of its letters"""
    sizes = dict(zip(letters, x.shape))
    x = x.permute(tuple(letters.index(c) for c in batch + first + second))
    m = n = 1
    for c in first:
        m *= sizes[c]
    for c in second:
        n *= sizes[c]
    return x.reshape(*(sizes[c] for c in batch), m, n), sizes
