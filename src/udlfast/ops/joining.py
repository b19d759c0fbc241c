"""Tensors joined into one, and one cut into several."""

from .. import _core
from .._core import Tensor, attach, empty, extend, join_rows, put_out, same_kind
from ..errors import ArgumentError, DimError, DTypeError, ShapeError
from ._common import axis_of, tensor, whole


def cat(tensors, dim=0, axis=None, *, out=None):
    """Tensors joined along a dimension they have.

    Args:
        tensors: sequence of tensors whose sizes differ only in dim; tensors of shape [0] are skipped
        dim: the dimension to join along
    Returns: their sizes along dim added, in the common element type
    Raises: ShapeError where other sizes differ, DimError, DTypeError, ArgumentError for no tensors

    >>> import udlfast as torch
    >>> torch.cat([torch.tensor([1, 2]), torch.tensor([3])]).tolist()
    [1, 2, 3]
    """
    dim = dim if axis is None else axis
    tensors, dtype, alike = _all("cat", tensors)
    if alike and tensors[0].ndim and tensors[0].ndim + tensors[0].numel() > 1:
        shape, n = list(tensors[0].shape), len(tensors)
        dim = axis_of("cat", dim, len(shape))
        size, shape[dim] = shape[dim], shape[dim] * n
        y = _join(tuple(tensors), dim, [size] * n, tuple(shape), dtype)
        return y if out is None else put_out(out, y)
    parts, lengths, others = [], [], None
    flat = all(t.ndim == 1 for t in tensors)
    for t in tensors:
        shape = list(t.shape)
        if shape == [0] and not flat:
            continue
        if others is None:
            if not shape:
                raise ShapeError("cat: tensors without dimensions cannot be joined; use stack")
            dim = axis_of("cat", dim, len(shape))
        n = shape.pop(dim) if dim < len(shape) else None
        if n is None or (others is not None and shape != others):
            raise ShapeError(f"cat: all sizes except that of dimension {dim} must be equal, got "
                             f"{list(parts[0].shape)} and {list(t.shape)}")
        others = shape
        lengths.append(n)
        parts.append(t)
    if not parts:  # all of them have shape [0]
        dim, parts, lengths, others = axis_of("cat", dim, 1), tensors[:1], [0], []
    shape = (*others[:dim], sum(lengths), *others[dim:])
    y = _join(tuple(t if t.dtype is dtype else t.to(dtype) for t in parts), dim, lengths, shape, dtype)
    return y if out is None else put_out(out, y)


def _join(parts, dim, lengths, shape, dtype):
    out, start = empty(shape, dtype), 0
    if not join_rows(out, parts, dim):
        for t, n in zip(parts, lengths):
            out.narrow(dim, start, n).copy_(t.detach())
            start += n
    return attach(out, parts, cat_backward, args=(dim, lengths))


def cat_backward(node, g):
    """Each part gets its own piece of g."""
    dim, lengths = node.args
    grads, start = [], 0
    for i, n in enumerate(lengths):
        grads.append(g.narrow(dim, start, n) if node.needs(i) else None)
        start += n
    return tuple(grads)


concat = concatenate = cat


def stack(tensors, dim=0, axis=None, *, out=None):
    """Tensors of one shape joined along a new dimension.

    Args:
        tensors: sequence of tensors of one shape
        dim: where the new dimension goes
    Returns: one dimension more than the tensors, of as many entries as tensors
    Raises: ShapeError where shapes differ, DimError, DTypeError, ArgumentError for no tensors

    >>> import udlfast as torch
    >>> torch.stack([torch.tensor([1, 2]), torch.tensor([3, 4])], 1).tolist()
    [[1, 3], [2, 4]]
    """
    dim = dim if axis is None else axis
    tensors, dtype, alike = _all("stack", tensors)
    shape = tuple(tensors[0].shape)
    dim = axis_of("stack", dim, len(shape) + 1)
    for t in () if alike else tensors:
        if tuple(t.shape) != shape:
            raise ShapeError(f"stack: expected tensors of one shape, got {list(shape)} and {list(t.shape)}")
    parts = tuple(tensors if alike else (t.to(dtype) for t in tensors))
    y = empty((*shape[:dim], len(parts), *shape[dim:]), dtype)
    if not join_rows(y, parts, dim, "stack"):
        for i, t in enumerate(parts):
            y.select(dim, i).copy_(t.detach())
    y = attach(y, parts, stack_backward, args=(dim,))
    return y if out is None else put_out(out, y)


def stack_backward(node, g):
    """Each part gets its own slice of g."""
    dim = node.args[0]
    return tuple(g.select(dim, i) if node.needs(i) else None for i in range(g.shape[dim]))


def _all(op, tensors):
    """(the tensors as a list, their common element type, whether they have one shape and type)"""
    if isinstance(tensors, Tensor):
        raise DTypeError(f"{op}: expected a sequence of Tensors, got one Tensor; write {op}([a, b])")
    try:
        tensors = list(tensors)
    except TypeError:
        raise DTypeError(f"{op}: expected a sequence of Tensors, got {type(tensors).__name__}") from None
    if not tensors:
        raise ArgumentError(f"{op}: expected at least one tensor, got an empty sequence")
    if same_kind(tensors):
        return tensors, tensors[0].dtype, True
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor):
            tensor(op, t, f"element {i}")
    dtype = tensors[0].dtype
    for t in tensors[1:]:
        if t.dtype is not dtype:
            dtype = _core.promote_types(dtype, t.dtype)
    return tensors, dtype, False


def hstack(tensors, *, out=None):
    """cat along the second dimension (along the first for tensors of at most one dimension).

    >>> import udlfast as torch
    >>> torch.hstack([torch.tensor([1]), torch.tensor([2, 3])]).tolist()
    [1, 2, 3]
    """
    tensors = [t.reshape(1) if t.ndim == 0 else t for t in _all("hstack", tensors)[0]]
    y = cat(tensors, 0 if tensors[0].ndim == 1 else 1)
    return y if out is None else put_out(out, y)


def vstack(tensors, *, out=None):
    """cat along the first dimension, vectors counting as rows.

    >>> import udlfast as torch
    >>> torch.vstack([torch.tensor([1, 2]), torch.tensor([[3, 4]])]).tolist()
    [[1, 2], [3, 4]]
    """
    y = cat([t.reshape(1, -1) if t.ndim < 2 else t for t in _all("vstack", tensors)[0]], 0)
    return y if out is None else put_out(out, y)


row_stack = vstack


def dstack(tensors, *, out=None):
    """cat along the third dimension, which is added where it is missing.

    >>> import udlfast as torch
    >>> torch.dstack([torch.tensor([1, 2]), torch.tensor([3, 4])]).tolist()
    [[[1, 3], [2, 4]]]
    """
    wide = [t.reshape(1, -1, 1) if t.ndim < 2 else t.unsqueeze(2) if t.ndim == 2 else t
            for t in _all("dstack", tensors)[0]]
    y = cat(wide, 2)
    return y if out is None else put_out(out, y)


def column_stack(tensors, *, out=None):
    """hstack, vectors counting as columns.

    >>> import udlfast as torch
    >>> torch.column_stack([torch.tensor([1, 2]), torch.tensor([3, 4])]).tolist()
    [[1, 3], [2, 4]]
    """
    y = cat([t.reshape(-1, 1) if t.ndim < 2 else t for t in _all("column_stack", tensors)[0]], 1)
    return y if out is None else put_out(out, y)


def split(tensor, split_size_or_sections, dim=0):
    """A tensor cut along a dimension into pieces of a size, or of a list of sizes.

    Args:
        tensor: at least one dimension
        split_size_or_sections: the size of each piece (the last may be smaller), or the sizes, which add up
        dim: the dimension to cut
    Returns: tuple of tensors that share memory with the input
    Raises: ShapeError where sizes do not add up, DimError, ArgumentError

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.split(torch.tensor([1, 2, 3]), 2)]
    [[1, 2], [3]]
    """
    dim, n = _cut("split", tensor, dim)
    if isinstance(split_size_or_sections, (list, tuple)):
        lengths = [whole("split", "each section", s) for s in split_size_or_sections]
        if sum(lengths) != n:
            raise ShapeError(f"split: the sections {lengths} add up to {sum(lengths)}, dimension {dim} has {n}")
    else:
        size = whole("split", "split_size", split_size_or_sections, high=2**62)
        if size == 0 and n:
            raise ArgumentError(f"split: split_size must be positive for a dimension of size {n}")
        lengths = [min(size, n - i) for i in range(0, n, size or 1)] or [0]
    return _pieces(tensor, lengths, dim)


def chunk(input, chunks, dim=0, axis=None):
    """A tensor cut along a dimension into at most `chunks` pieces of equal size, the last one smaller.

    Args:
        input: at least one dimension
        chunks: how many pieces, positive
        dim: the dimension to cut
    Returns: tuple of tensors that share memory with the input
    Raises: DimError, ArgumentError

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.chunk(torch.tensor([1, 2, 3]), 2)]
    [[1, 2], [3]]
    """
    dim = dim if axis is None else axis
    dim, n = _cut("chunk", input, dim)
    chunks = whole("chunk", "chunks", chunks, 1)
    size = -(-n // chunks)
    return _pieces(input, [min(size, n - i) for i in range(0, n, size)] if n else [0] * chunks, dim)


def tensor_split(input, indices_or_sections=None, dim=0, axis=None, sections=None, indices=None, tensor_indices_or_sections=None):
    """A tensor cut along a dimension at places, or into a number of pieces as equal as can be.

    Args:
        input: at least one dimension
        indices_or_sections: the number of pieces, or the indices where a new piece starts
        dim: the dimension to cut
    Returns: tuple of tensors that share memory with the input
    Raises: DimError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.tensor_split(torch.tensor([1, 2, 3]), (1,))]
    [[1], [2, 3]]
    """
    dim = dim if axis is None else axis
    dim, n = _cut("tensor_split", input, dim)
    for given in (sections, indices, tensor_indices_or_sections):
        indices_or_sections = indices_or_sections if given is None else given
    where = indices_or_sections.tolist() if isinstance(indices_or_sections, Tensor) else indices_or_sections
    if isinstance(where, (list, tuple)):
        edges = [0, *(slice(0, i).indices(n)[1] for i in where)]
        stops = [*edges[1:], n]
        return tuple(input.narrow(dim, a, max(b - a, 0)) for a, b in zip(edges, stops))
    sections = whole("tensor_split", "sections", where, 1)
    return _pieces(input, [n // sections + (i < n % sections) for i in range(sections)], dim)


def _even_split(op, input, least, dim, where, sections, indices):
    """tensor_split into pieces of one size, or at indices."""
    tensor(op, input)
    if input.ndim < least:
        raise ShapeError(f"{op}: expected a tensor with at least {least} dimension{'s' * (least > 1)}, got {list(input.shape)}")
    for given in (sections, indices):
        where = where if given is None else given
    if isinstance(where, int) and where > 0 and input.shape[dim] % where:
        raise ArgumentError(f"{op}: {where} pieces of one size cannot be cut from dimension {dim} of size {input.shape[dim]}; "
                            f"tensor_split cuts pieces of different sizes")
    return tensor_split(input, where, dim)


def hsplit(input, indices_or_sections=None, *, sections=None, indices=None):
    """tensor_split along the second dimension (the first of a vector), into pieces of one size.

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.hsplit(torch.tensor([[1, 2]]), 2)]
    [[[1]], [[2]]]
    """
    return _even_split("hsplit", input, 1, 0 if input.ndim == 1 else 1, indices_or_sections, sections, indices)


def vsplit(input, indices_or_sections=None, *, sections=None, indices=None):
    """tensor_split along the first dimension of a matrix or more, into pieces of one size.

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.vsplit(torch.tensor([[1], [2]]), 2)]
    [[[1]], [[2]]]
    """
    return _even_split("vsplit", input, 2, 0, indices_or_sections, sections, indices)


def dsplit(input, indices_or_sections=None, *, sections=None, indices=None):
    """tensor_split along the third dimension, into pieces of one size.

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.dsplit(torch.tensor([[[1, 2]]]), 2)]
    [[[[1]]], [[[2]]]]
    """
    return _even_split("dsplit", input, 3, 2, indices_or_sections, sections, indices)


split_with_sizes = split


def _cut(op, x, dim):
    tensor(op, x)
    if x.ndim == 0:
        raise (DimError if op == "unbind" else ShapeError)(f"{op}: expected a tensor with at least one dimension, got a number")
    dim = axis_of(op, dim, x.ndim)
    return dim, x.shape[dim]


def _pieces(x, lengths, dim):
    """Views with one tape entry together, so that backward is one cat rather than a padded sum per piece."""
    if len(lengths) == 1:
        return x.narrow(dim, 0, lengths[0]),
    views, start = [], 0
    for n in lengths:  # each of its own alias: an in-place change of one must not touch the others' history
        views.append(x.detach().narrow(dim, start, n))
        start += n
    if not _core.is_grad_enabled():
        return _core.mark_many(tuple(views))
    return attach(_core.mark_many(tuple(views)), (x,), split_backward, args=(dim, [tuple(v.shape) for v in views]))


def split_backward(node, *grads):
    dim, shapes = node.args
    like = next(g for g in grads if g is not None)
    parts = [_core.zeros(s, dtype=like.dtype) if g is None else g for g, s in zip(grads, shapes)]
    return cat(parts, dim),


def unbind(input, dim=0, axis=None):
    """All slices of one dimension.

    Args:
        input: at least one dimension
        dim: the dimension to take apart
    Returns: tuple of tensors that share memory with the input
    Raises: DimError

    >>> import udlfast as torch
    >>> [p.tolist() for p in torch.unbind(torch.tensor([[1, 2], [3, 4]]))]
    [[1, 2], [3, 4]]
    """
    dim = dim if axis is None else axis
    dim, n = _cut("unbind", input, dim)
    if n < 2:
        return _core.unbind(input, dim)
    views = _core.mark_many(tuple(input.detach().select(dim, i) for i in range(n)))  # aliases: see _pieces
    return attach(views, (input,), unbind_backward, args=(dim, tuple(views[0].shape)))


def unbind_backward(node, *grads):
    dim, shape = node.args
    like = next(g for g in grads if g is not None)
    return stack([_core.zeros(shape, dtype=like.dtype) if g is None else g for g in grads], dim),


extend("split", lambda self, split_size, dim=0: split(self, split_size, dim))
extend("split_with_sizes", split)
extend("chunk", chunk)
extend("tensor_split", tensor_split)
extend("unbind", unbind)
extend("hsplit", hsplit)
extend("vsplit", vsplit)
extend("dsplit", dsplit)
