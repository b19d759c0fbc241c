"""Tensors turned, repeated and laid out anew. What can be a view is one; the rest is composed of views and copies."""
from .. import _core
from .._core import Tensor, extend
from ..errors import ArgumentError, DimError, DTypeError, ShapeError
from ._common import axes, axis_of, broadcast_shape, index_tensor, tensor, whole
from .creation import arange
from .creation import tensor as new_tensor
from .joining import stack
from .remap import flipped, rolled, tiled


def flip(input, *dims_, dims=None):
    """The elements in reverse order along dimensions.

    Args:
        input: any shape
        dims_, dims: the dimensions, as numbers or one sequence
    Returns: a copy of the shape of input
    Raises: DimError, ArgumentError

    >>> import udlfast as torch
    >>> torch.flip(torch.tensor([1, 2, 3]), (0,)).tolist()
    [3, 2, 1]
    """
    tensor("flip", input)
    dims = axes("flip", dims if dims is not None else dims_[0] if len(dims_) == 1 else dims_, input.ndim)
    if not dims or not input.ndim:
        return input.clone()
    return flipped(input, dims)


def fliplr(input):
    """flip along the second dimension.

    >>> import udlfast as torch
    >>> torch.fliplr(torch.tensor([[1, 2]])).tolist()
    [[2, 1]]
    """
    return flip(input, 1)


def flipud(input):
    """flip along the first dimension.

    >>> import udlfast as torch
    >>> torch.flipud(torch.tensor([[1], [2]])).tolist()
    [[2], [1]]
    """
    if input.ndim == 0:
        raise ShapeError("flipud: expected at least one dimension, got a number")
    return flip(input, 0)


def roll(input, shifts, dims=None):
    """The elements moved along dimensions; what leaves at one end comes in at the other.

    Args:
        input: any shape
        shifts: how far, one number or one for each of dims
        dims: the dimensions; None rolls the flattened tensor
    Returns: a copy of the shape of input
    Raises: DimError, ArgumentError

    >>> import udlfast as torch
    >>> torch.roll(torch.tensor([1, 2, 3]), 1).tolist()
    [3, 1, 2]
    """
    tensor("roll", input)
    shifts = (shifts,) if isinstance(shifts, int) else tuple(shifts)
    if dims is None:
        if len(shifts) != 1:
            raise ArgumentError(f"roll: {len(shifts)} shifts need as many dims, got none")
        return roll(input.reshape(-1), shifts, 0).reshape(input.shape)
    dims = (dims,) if isinstance(dims, int) else tuple(dims)
    if len(dims) != len(shifts):
        raise ArgumentError(f"roll: expected as many shifts as dims, got {shifts} and {dims}")
    moved = [0] * input.ndim
    for shift, d in zip(shifts, dims):
        d = axis_of("roll", d, input.ndim)
        if not input.ndim:
            raise DimError("roll: a tensor without dimensions has none to roll along")
        n = input.shape[d]
        moved[d] = (moved[d] + shift) % n if n else 0
    return rolled(input, tuple(moved)) if any(moved) else input.clone()


def rot90(input, k=1, dims=(0, 1)):
    """A quarter turn from the first of two dimensions towards the second, k times.

    >>> import udlfast as torch
    >>> torch.rot90(torch.tensor([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """
    dims = axes("rot90", dims, input.ndim)
    if len(dims) != 2:
        raise ArgumentError(f"rot90: expected two dimensions, got {dims}")
    a, b = dims
    k %= 4
    if k == 0:
        return input.clone()
    if k == 2:
        return flip(input, (a, b))
    return flip(input, b if k == 1 else a).transpose(a, b)


def repeat(input, *sizes, repeats=None):
    """The tensor as a tile, laid side by side along each dimension.

    Args:
        input: any shape
        sizes, repeats: how often along each dimension, last ones last; may have more entries than input has dimensions
    Returns: a copy whose sizes are the products
    Raises: ShapeError for too few sizes, ArgumentError for a negative one

    >>> import udlfast as torch
    >>> torch.tensor([1, 2]).repeat(2, 2).tolist()
    [[1, 2, 1, 2], [1, 2, 1, 2]]
    """
    tensor("repeat", input)
    sizes = sizes if repeats is None else (repeats,)
    sizes = tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes
    sizes = tuple(whole("repeat", "each number of repeats", s) for s in sizes)
    extra = len(sizes) - input.ndim
    if extra < 0:
        raise ShapeError(f"repeat: expected at least {input.ndim} numbers for input {list(input.shape)}, got {sizes}")
    out = input.reshape(*(1,) * extra, *input.shape) if extra else input
    return tiled(out, sizes) if any(s != 1 for s in sizes) else out.clone()


def _times(x, d, times, new):
    """x with dimension d `times` as long; new = d repeats it as a whole, new = d + 1 each of its elements."""
    shape = tuple(x.shape)
    wide = x.unsqueeze(new).expand(*shape[:new], times, *shape[new:])
    return wide.reshape(*shape[:d], shape[d] * times, *shape[d + 1:])


def tile(input, *dims_, dims=None):
    """repeat, with missing leading numbers taken as 1.

    >>> import udlfast as torch
    >>> torch.tile(torch.tensor([[1, 2]]), (2,)).tolist()
    [[1, 2, 1, 2]]
    """
    dims = dims_ if dims is None else (dims,)
    dims = tuple(dims[0]) if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return repeat(input, (1,) * (input.ndim - len(dims)) + dims)


def repeat_interleave(input, repeats=None, dim=None, axis=None, *, output_size=None):
    """Each element repeated in place.

    Args:
        input: any shape
        repeats: how often, one number or an int64 tensor with one for each slice; alone: repeats of 0, 1, 2, ...
        dim: the dimension; None repeats the flattened tensor
        output_size: accepted for compatibility
    Returns: a copy, longer along dim
    Raises: ShapeError, DimError, ArgumentError

    >>> import udlfast as torch
    >>> torch.repeat_interleave(torch.tensor([1, 2]), 2).tolist()
    [1, 1, 2, 2]
    """
    dim = dim if axis is None else axis
    op = "repeat_interleave"
    tensor(op, input)
    if repeats is None:
        return repeat_interleave(arange(input.numel()), input, 0)
    if dim is None:
        input, dim = input.reshape(-1), 0
    dim = axis_of(op, dim, input.ndim)
    if isinstance(repeats, (list, tuple)):
        repeats = new_tensor(repeats)
    if isinstance(repeats, Tensor) and repeats.numel() != 1:
        import numpy
        counts = index_tensor(op, repeats, "repeats")
        if counts.ndim != 1 or counts.numel() != input.shape[dim] or counts.numel() and counts.min().item() < 0:
            raise ShapeError(f"{op}: expected one number of repeats, not negative, for each of the {input.shape[dim]} "
                             f"slices of dimension {dim}, got {list(counts.shape)}")
        if counts.numel() and counts.double().sum().item() >= 2**60:  # NumPy's repeat would count past 64 bits
            raise ShapeError(f"{op}: {counts.double().sum().item():g} slices are more than memory can hold")
        return input.index_select(dim, _core.from_numpy(numpy.repeat(numpy.arange(counts.numel()), counts.numpy())))
    times = whole(op, "repeats", repeats.item() if isinstance(repeats, Tensor) else repeats)
    return _times(input, dim, times, dim + 1) if times != 1 else input.clone()


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape.

    >>> import udlfast as torch
    >>> [tuple(t.shape) for t in torch.broadcast_tensors(torch.zeros(2, 1), torch.zeros(3))]
    [(2, 3), (2, 3)]
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    for t in tensors:
        tensor("broadcast_tensors", t)
    shape = broadcast_shape("broadcast_tensors", *(tuple(t.shape) for t in tensors))
    return tuple(t.expand(shape) for t in tensors)


def broadcast_to(input, size=None, shape=None):
    """The tensor expanded to a shape.

    >>> import udlfast as torch
    >>> torch.broadcast_to(torch.tensor([1, 2]), (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return input.expand(tuple(size if shape is None else shape))


def broadcast_shapes(*shapes):
    """The common shape of shapes.

    >>> import udlfast as torch
    >>> tuple(torch.broadcast_shapes((2, 1), (3,)))
    (2, 3)
    """
    from ..size import Size
    return Size(broadcast_shape("broadcast_shapes", *((s,) if isinstance(s, int) else tuple(s) for s in shapes)))


def meshgrid(*tensors, indexing=None):
    """The coordinates of a grid: one tensor for each axis.

    Args:
        tensors: vectors, the coordinates along each axis
        indexing: "ij" (the first vector runs along the first dimension, also for None) or "xy" (along the second)
    Returns: tuple of tensors of the grid's shape
    Raises: ShapeError, ArgumentError, DTypeError

    >>> import udlfast as torch
    >>> torch.meshgrid(torch.tensor([1, 2]), torch.tensor([3, 4]), indexing="ij")[0].tolist()
    [[1, 1], [2, 2]]
    """
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    if indexing not in (None, "ij", "xy"):
        raise ArgumentError(f'meshgrid: indexing must be "ij" or "xy", got {indexing!r}')
    if indexing is None:
        import warnings
        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", UserWarning,
                      stacklevel=2)
    for t in tensors:
        tensor("meshgrid", t)
        if t.ndim > 1:
            raise ShapeError(f"meshgrid: expected vectors, got {list(t.shape)}")
    lengths = tuple(t.numel() for t in tensors)
    n = len(tensors)
    grids = [t.reshape(*(1,) * i, lengths[i], *(1,) * (n - i - 1)).expand(lengths) for i, t in enumerate(tensors)]
    if indexing == "xy" and n > 1:
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


def cartesian_prod(*tensors):
    """All combinations of the elements of vectors, as rows.

    >>> import udlfast as torch
    >>> torch.cartesian_prod(torch.tensor([1, 2]), torch.tensor([3])).tolist()
    [[1, 3], [2, 3]]
    """
    for t in tensors:
        tensor("cartesian_prod", t)
        if t.ndim != 1:
            raise ShapeError(f"cartesian_prod: expected vectors, got {list(t.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([g.reshape(-1) for g in meshgrid(*tensors, indexing="ij")], 1)


def combinations(input, r=2, with_replacement=False):
    """All choices of r elements of a vector, as rows.

    >>> import udlfast as torch
    >>> torch.combinations(torch.tensor([1, 2, 3])).tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    import itertools
    tensor("combinations", input)
    if input.ndim != 1:
        raise ShapeError(f"combinations: expected a vector, got {list(input.shape)}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.numel()), whole("combinations", "r", r)))
    if not rows:
        return input.narrow(0, 0, 0).reshape(0, r)
    return input.index_select(0, new_tensor(rows).reshape(-1)).reshape(len(rows), r)


def swapdims(input, dim0, dim1):
    """Two dimensions exchanged; see transpose.

    >>> import udlfast as torch
    >>> tuple(torch.swapdims(torch.zeros(2, 3), 0, 1).shape)
    (3, 2)
    """
    return input.transpose(dim0, dim1)


def moveaxis(input, source, destination):
    """Dimensions moved to other places; see movedim.

    >>> import udlfast as torch
    >>> tuple(torch.moveaxis(torch.zeros(2, 3, 4), 0, 2).shape)
    (3, 4, 2)
    """
    return input.movedim(source, destination)


def t(input):
    """A matrix transposed; vectors and numbers as they are.

    >>> import udlfast as torch
    >>> torch.t(torch.tensor([[1, 2]])).tolist()
    [[1], [2]]
    """
    tensor("t", input)
    return input.t()


def adjoint(input):
    """The last two dimensions exchanged.

    >>> import udlfast as torch
    >>> torch.adjoint(torch.tensor([[1, 2]])).tolist()
    [[1], [2]]
    """
    return input.transpose(-2, -1)


def _hermitian(self):
    """The transposed matrix (of real numbers nothing is conjugated)."""
    if self.ndim not in (0, 2):
        raise DimError(f"H: expected a matrix, got {self.ndim} dimensions; use mH")
    return self.t()


def ravel(input):
    """All elements in one dimension.

    >>> import udlfast as torch
    >>> torch.ravel(torch.tensor([[1, 2], [3, 4]])).tolist()
    [1, 2, 3, 4]
    """
    tensor("ravel", input)
    return input.reshape(-1)


def _at_least(n):
    def function(*tensors):
        if len(tensors) == 1:
            t = tensors[0]
            if isinstance(t, (list, tuple)):
                return function(*t) if len(t) != 1 else (function(t[0]),)
            tensor(function.__name__, t)
            if t.ndim >= n:
                return t
            if n == 1:
                return t.reshape(1)
            if n == 2:
                return t.reshape(1, -1)
            return t.reshape(1, -1, 1) if t.ndim < 2 else t.unsqueeze(-1)
        return tuple(function(t) for t in tensors)
    function.__name__ = function.__qualname__ = f"atleast_{n}d"
    function.__doc__ = f"""The tensors with at least {n} dimension{"s" * (n > 1)}, added with size 1 where missing.

    >>> import udlfast as torch
    >>> torch.atleast_{n}d(torch.tensor(1)).ndim
    {n}
    """
    return function


atleast_1d, atleast_2d, atleast_3d = _at_least(1), _at_least(2), _at_least(3)


def view_as(input, other):
    """The tensor in the shape of another; see view.

    >>> import udlfast as torch
    >>> torch.zeros(4).view_as(torch.zeros(2, 2)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    if not isinstance(other, Tensor):
        raise DTypeError(f"view_as: expected a Tensor, got {type(other).__name__}")
    return input.view(tuple(other.shape))


def unfold_dimension(input, dimension, size, step):
    """All slices of `size` along a dimension, `step` apart; the slices' elements form a new last dimension.

    Args:
        input: any shape
        dimension: the dimension
        size: of each slice
        step: between slices
    Returns: a view (of a copy, if input is not contiguous) with (n - size) // step + 1 slices in place of dimension and a last dimension
        of size
    Raises: ArgumentError, DimError

    >>> import udlfast as torch
    >>> torch.tensor([1, 2, 3]).unfold(0, 2, 1).tolist()
    [[1, 2], [2, 3]]
    """
    d = axis_of("unfold", dimension, input.ndim)
    n = input.shape[d] if input.ndim else 1
    size, step = whole("unfold", "size", size, 0, n), whole("unfold", "step", step, 1)
    count = (n - size) // step + 1
    if not input.ndim:
        return input.reshape(1).narrow(0, 0, size)
    x = input.contiguous()
    shape, strides = list(x.shape), list(x.stride())
    shape[d], strides[d] = count, strides[d] * step
    return _core.as_strided(x, [*shape, size], [*strides, x.stride(d)])


for _function in (flip, fliplr, flipud, roll, rot90, repeat, tile, repeat_interleave, swapdims, moveaxis, adjoint,
                  ravel):
    extend(_function.__name__, _function)
extend("unfold", unfold_dimension)
extend("mH", property(adjoint))
extend("H", property(_hermitian))
