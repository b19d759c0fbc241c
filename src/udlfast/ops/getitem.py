"""Indexing by tensors, lists and masks, x[i, mask, ...], and assigning to it.

Integers, slices, None and Ellipsis are views and need nothing of this; here an index holds at least one array. All
arrays broadcast against each other and replace their dimensions by the common shape: where they stood if they are
neighbours, else at the front. A mask stands for as many arrays as it has dimensions: the places of its True elements.
"""
import math

from .. import _core
from .._core import R_MAX, R_MIN, Tensor, bounds, extend, reduce
from ..errors import DimError, IndexKindError, ShapeError
from ._common import broadcast_shape, same_type
from .creation import tensor
from .elementwise import where
from .index_select import ROWS_SET, _select, index_select
from .masked import _places, masked_fill, nonzero


def getitem(input, index):
    """input[index] for an index with arrays; a copy, recorded on the tape.

    Args:
        input: any shape
        index: tuple of integers, slices, None, Ellipsis, int64 or bool tensors, arrays or lists of numbers
    Returns: a new tensor
    Raises: DimError for a place out of range or too many indices, ShapeError for arrays that do not fit

    >>> import udlfast as torch
    >>> torch.tensor([[1, 2], [3, 4]])[torch.tensor([1, 0]), torch.tensor([0, 0])].tolist()
    [3, 1]
    """
    if _is_tuple(index):
        return input[tuple(index[0])]
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].ndim == 1 and index[0].dtype is _core.int64 \
            and input.ndim:
        return _picked(input, index)  # x[rows], the common case
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].dtype is _core.bool_ and index[0].ndim \
            and tuple(index[0].shape) == tuple(input.shape[:index[0].ndim]):
        mask = index[0]
        flat = input if mask.ndim == 1 else input.reshape(mask.numel(), *input.shape[mask.ndim:])
        return _select(flat, 0, _places(mask), "index")  # x[mask]
    if 1 < len(index) <= input.ndim and _numbers_only(index):
        return _picked(input, index)  # x[rows, columns]
    view, arrays = _split(input, index)
    if not arrays:
        return view.clone() if view is input else view
    flat, places, shape, order = _arrange(view, arrays)
    picked = index_select(flat, 0, places.reshape(-1)).reshape(shape)
    return picked.permute(order) if order else picked


def _is_tuple(index):
    """Whether a list stands for a tuple, as in PyTorch: one that holds tensors, slices, None or ..."""
    return len(index) == 1 and type(index[0]) is list and \
        any(o is None or o is Ellipsis or isinstance(o, (Tensor, slice)) for o in index[0])


def _numbers_only(index):
    return len(index) > 0 and all(isinstance(i, Tensor) and i.dtype is _core.int64 and i.ndim for i in index)


def _picked(input, arrays):
    """input[arrays] for int64 arrays, one for each of the first dimensions"""
    numbers = _core.row_numbers(arrays, input)
    if numbers is None and len(arrays) == 1 and arrays[0].ndim == 1:
        return index_select(input, 0, _wrapped(arrays[0], input.shape[0], 0))
    if numbers is None:
        view, arrays = _split(input, arrays)
        flat, places, shape, order = _arrange(view, arrays)
        return index_select(flat, 0, places.reshape(-1)).reshape(shape)
    k, shape = len(arrays), input.shape
    flat = input if k == 1 else input.reshape(math.prod(shape[:k]), *shape[k:])
    if numbers.ndim == 1:
        return _select(flat, 0, numbers, "index")
    return _select(flat, 0, numbers.reshape(-1), "index").reshape(*numbers.shape, *shape[k:])


def setitem(input, index, value):
    """input[index] = value for an index with arrays, in place.

    Args:
        input: any shape
        index: as in getitem
        value: a number, or a tensor that broadcasts to the shape of input[index]
    Raises: DimError, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> x = torch.tensor([1, 2, 3])
    >>> x[x > 1] = 0
    >>> x.tolist()
    [1, 0, 0]
    """
    if _is_tuple(index):
        input[tuple(index[0])] = value
        return
    if len(index) == 1 and isinstance(index[0], Tensor) and index[0].dtype is _core.bool_ \
            and tuple(index[0].shape) == tuple(input.shape) and (not isinstance(value, Tensor) or value.ndim == 0):
        if isinstance(value, Tensor):
            value = value.to(input.dtype)
        elif not input.dtype.is_floating_point:
            value = int(value)
        input.copy_(masked_fill(input, index[0], value))  # x[mask] = number, the common case
        return
    if len(index) <= input.ndim and _numbers_only(index):
        if _placed(input, index, _value(value, input)):
            return  # x[rows] = value, x[rows, columns] = value
    view, arrays = _split(input, index)
    if not arrays:
        view.copy_(_value(value, view))
        return
    _index_put(view, arrays, _value(value, view))


def _placed(input, arrays, value, add=False):
    """Store (or add) value at input[arrays] in place where nothing is recorded and int64 arrays name places of a contiguous input; is it
    done?"""
    if not input.is_contiguous() or _core.is_grad_enabled() and (input.requires_grad or value.requires_grad) \
            or add and input.dtype not in (_core.float32, _core.float64, _core.int64):
        return False
    numbers = _core.row_numbers(arrays, input)
    if numbers is None:
        return False
    k, shape = len(arrays), input.shape
    wanted = (*numbers.shape, *shape[k:])
    value = value.detach()
    while value.ndim > len(wanted) and value.shape[0] == 1:
        value = value.squeeze(0)
    if tuple(value.shape) != wanted:
        if broadcast_shape("setitem", wanted, tuple(value.shape)) != wanted:
            raise ShapeError(f"setitem: a value of shape {list(value.shape)} does not fit the indexed part {list(wanted)}")
        value = value.expand(wanted)
    if _core.storage_address(value) == _core.storage_address(input):
        value = value.clone()
    flat = input.detach().reshape(math.prod(shape[:k]), *shape[k:])
    _core.place_rows(flat, 0, numbers.reshape(-1), value.contiguous(), flat.dtype.code if add else ROWS_SET + flat.dtype.itemsize)
    _core.bump_versions([input])
    return True


def _value(value, like):
    if isinstance(value, Tensor):
        return value.to(like.dtype)
    return _core.full((), value, dtype=like.dtype) if isinstance(value, (int, float)) else \
        tensor(value, dtype=like.dtype)


def index_put(input, indices, values, accumulate=False):
    """A copy of input with elements placed (or added) where tensors of places say.

    Args:
        input: any shape
        indices: one int64 or bool tensor, or None, for each leading dimension
        values: broadcasts to the shape of input[indices]
        accumulate: add to what is there; places may then repeat
    Returns: the shape of input
    Raises: DimError for a place out of range, ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.index_put(torch.zeros(3), (torch.tensor([1, 1]),), torch.tensor([2., 3.]), True).tolist()
    [0.0, 5.0, 0.0]
    """
    same_type("index_put", input, values, "values")
    y = input.clone()
    if len(indices) <= y.ndim and _numbers_only(indices) and _placed(y, tuple(indices), values, accumulate):
        return y
    view, arrays = _split(y, tuple(slice(None) if i is None else i for i in indices))
    if arrays:
        _index_put(view, arrays, values, accumulate)
    else:
        view.copy_(view + values if accumulate else values)
    return y


def _index_put(view, arrays, value, accumulate=False):
    """Store (or add) value at the places of `view` that the arrays {dimension: int64 tensor} name, in place."""
    flat, places, shape, order = _arrange(view, arrays)
    wanted = tuple(shape[d] for d in order) if order else tuple(shape)
    while value.ndim > len(wanted) and value.shape[0] == 1:
        value = value.squeeze(0)
    if broadcast_shape("setitem", wanted, tuple(value.shape)) != wanted:
        raise ShapeError(f"setitem: a value of shape {list(value.shape)} does not fit the indexed part {list(wanted)}")
    value = value.expand(wanted)
    if not (accumulate or view.dtype.narrow
            or (_core.is_grad_enabled() and (view.requires_grad or value.requires_grad))):
        key = tuple(arrays[d].numpy() if d in arrays else slice(None) for d in range(view.ndim))
        view.detach().numpy()[key] = value.detach().numpy()  # only the places named, not the whole tensor
        _core.bump_versions([view])
        return
    if order:
        back = [0] * len(order)
        for i, d in enumerate(order):
            back[d] = i
        value = value.permute(tuple(back))
    rows = value.reshape(places.numel(), *flat.shape[1:])
    places = places.reshape(-1)
    changed = flat.index_add(0, places, rows) if accumulate else flat.index_copy(0, places, rows)
    lead = sorted(arrays)
    rest = [d for d in range(view.ndim) if d not in arrays]
    changed = changed.reshape(*(view.shape[d] for d in lead + rest))
    back = [0] * view.ndim
    for i, d in enumerate(lead + rest):
        back[d] = i
    view.copy_(changed.permute(tuple(back)))


def _split(input, index):
    """(view by everything that is no array, {dimension of that view: int64 tensor})"""
    items = [_array(o) for o in index]
    used = sum(1 if not isinstance(o, Tensor) or o.dtype is not _core.bool_ else o.ndim
               for o in items if o is not None and o is not Ellipsis and o is not True and o is not False)
    if used > input.ndim:
        raise DimError(f"index: {used} indices for a tensor with {input.ndim} dimensions, {list(input.shape)}")
    if Ellipsis not in [o if o is Ellipsis else None for o in items]:
        items.append(Ellipsis)
    basic, arrays, dim, source = [], {}, 0, 0
    for o in items:
        if o is Ellipsis:
            basic += [slice(None)] * (input.ndim - used)
            dim, source = dim + input.ndim - used, source + input.ndim - used
        elif o is None:
            basic.append(None)
            dim += 1
        elif o is True or o is False:  # a new dimension of size 1 or 0
            basic.append(None)
            arrays[dim] = _core.zeros((int(o),), dtype=_core.int64)
            dim += 1
        elif isinstance(o, slice):
            basic.append(o)
            dim, source = dim + 1, source + 1
        elif isinstance(o, Tensor) and o.dtype is _core.bool_:
            if tuple(o.shape) != tuple(input.shape[source:source + o.ndim]):
                raise DimError(f"index: a mask of shape {list(o.shape)} does not fit the dimensions "
                               f"{list(input.shape[source:source + o.ndim])} of input {list(input.shape)}")
            for places in nonzero(o, as_tuple=True):
                basic.append(slice(None))
                arrays[dim] = places
                dim, source = dim + 1, source + 1
        elif isinstance(o, Tensor):
            basic.append(slice(None))
            arrays[dim] = _wrapped(o, input.shape[source], source)
            dim, source = dim + 1, source + 1
        else:  # a number takes its dimension away, also beside arrays (NumPy differs there)
            basic.append(o)
            source += 1
    return input[tuple(basic)], arrays


def _array(o):
    """An index entry as None, Ellipsis, a slice, an int, or a tensor of places or of truth values."""
    if o is None or o is Ellipsis or isinstance(o, (slice, bool)):
        return o
    if isinstance(o, Tensor):
        if o.dtype is _core.uint8:
            return o.bool()
        if o.dtype is _core.bool_:
            return o if o.ndim else bool(o)
        if o.dtype.is_floating_point or o.dtype in (_core.uint16, _core.uint32, _core.uint64):
            raise IndexKindError(f"index: expected tensors of whole numbers or bool, got {o.dtype}; convert with .long()")
        if o.ndim == 0:
            return o.item()
        return o if o.dtype is _core.int64 else o.to(_core.int64)
    if hasattr(o, "__index__") and not getattr(o, "ndim", 0):
        return o.__index__()
    if isinstance(o, range):
        o = list(o)
    if isinstance(o, (list, tuple)):
        if not o:
            return _core.zeros((0,), dtype=_core.int64)
        o = [x.tolist() if isinstance(x, Tensor) else x for x in o]
    try:
        return _array(tensor(o))
    except (TypeError, ValueError) as e:
        raise IndexKindError(f"index: expected numbers, slices, None, ..., tensors or lists of numbers, got "
                         f"{type(o).__name__}") from e


def _wrapped(places, n, dim):
    """Places counted from the front; refuses those out of range."""
    if places.numel() == 0:
        return places
    least, most = bounds(places) or (reduce(R_MIN, places).item(), reduce(R_MAX, places).item())
    if least < -n or most >= n:
        bad = least if least < -n else most
        raise DimError(f"index: {bad} is out of range for dimension {dim} of size {n}")
    return places if least >= 0 else where(places < 0, places + n, places)


def _arrange(view, arrays):
    """(view as rows: the indexed dimensions joined in front, number of the row for each place, shape of the picked
    rows, order of dimensions that puts the arrays' shape where it belongs, or None)"""
    lead = sorted(arrays)
    rest = [d for d in range(view.ndim) if d not in arrays]
    try:
        shape = broadcast_shape("index", *(tuple(a.shape) for a in arrays.values()))
    except ShapeError as e:
        raise IndexKindError(str(e)) from None
    number = None
    for d in lead:
        a = arrays[d]
        number = a if number is None else number * view.shape[d] + a
    number = number.expand(shape)
    rows = 1
    for d in lead:
        rows *= view.shape[d]
    flat = view.permute(tuple(lead + rest)).reshape(rows, *(view.shape[d] for d in rest))
    picked = (*shape, *(view.shape[d] for d in rest))
    before = lead[0] if lead[-1] - lead[0] + 1 == len(lead) else 0
    order = None
    if before:
        n = len(shape)
        order = (*range(n, n + before), *range(n), *range(n + before, len(picked)))
    return flat, number, picked, order


extend("index_put", index_put)
_core.set_hook("getitem", getitem)
_core.set_hook("setitem", setitem)
