"""Gathering, scattering, selecting."""

import numpy as np

import udlfast as udl

from ...errors import DimError, ShapeError
from .._registry import arrays, op


def wrapped(index, n):
    """Negative indices counted from the end; what lies outside is refused by the kernel that reads it."""
    return udl.where(index < 0, index + n, index)


@op("Gather")
def gather(node, x, index):
    axis = node.get("axis", 0)
    axis += x.dim() if axis < 0 else 0
    if axis == 0 and x.dim() == 2 and x.dtype.is_floating_point and index.dim():
        return udl.nn.functional.embedding(wrapped(index, x.shape[0]), x)
    flat = udl.index_select(x, axis, wrapped(index.reshape(-1), x.shape[axis]))
    return flat.reshape([*x.shape[:axis], *index.shape, *x.shape[axis + 1:]])


@op("GatherElements")
def gather_elements(node, x, index):
    axis = node.get("axis", 0)
    return udl.gather(x, axis, wrapped(index, x.shape[axis]).long())


def rows(x, index, batch):
    """(leading sizes, row numbers) of the slices of x that the last dimension of an index names."""
    depth, lead = index.shape[-1], x.shape[batch:]
    if depth > len(lead):
        raise ShapeError(f"indices of depth {depth} into {len(lead)} dimensions")
    row = udl.zeros(index.shape[:-1], dtype=udl.int64)
    for k in range(depth):
        part = index[..., k].long()
        if part.numel() and not bool(((part >= -lead[k]) & (part < lead[k])).all()):
            raise DimError(f"an index is out of range for dimension {batch + k} of size {lead[k]}")
        row = row * lead[k] + wrapped(part, lead[k])
    return depth, row


@op("GatherND")
def gather_nd(node, x, index):
    batch = node.get("batch_dims", 0)
    if tuple(x.shape[:batch]) != tuple(index.shape[:batch]):
        raise ShapeError(f"batch dimensions of {list(x.shape)} and {list(index.shape)} differ")
    depth, row = rows(x, index, batch)
    outer, inner = int(np.prod(x.shape[:batch])), list(x.shape[batch + depth:])
    count = int(np.prod(x.shape[batch:batch + depth]))
    if batch:
        offset = udl.arange(outer).reshape(list(x.shape[:batch]) + [1] * (row.dim() - batch)) * count
        row = row + offset
    return udl.index_select(x.reshape([outer * count, *inner]), 0, row.reshape(-1)).reshape([*index.shape[:-1], *inner])


HOW = {"add": "sum", "mul": "prod", "max": "amax", "min": "amin"}


@op("ScatterElements", "Scatter")
def scatter_elements(node, x, index, updates):
    axis, how = node.get("axis", 0), node.get("reduction", "none")
    index = wrapped(index, x.shape[axis]).long()
    if how == "none":
        return udl.scatter(x, axis, index, updates)
    return udl.scatter_reduce(x, axis, index, updates, HOW[how])


@op("ScatterND")
def scatter_nd(node, x, index, updates):
    depth, row = rows(x, index, 0)
    count, inner = int(np.prod(x.shape[:depth])), int(np.prod(x.shape[depth:]))
    if list(updates.shape) != [*index.shape[:-1], *x.shape[depth:]]:
        raise ShapeError(f"updates {list(updates.shape)} do not fit indices {list(index.shape)} into {list(x.shape)}")
    flat, source = x.reshape(count, inner), updates.reshape(-1, inner)
    place = row.reshape(-1, 1).expand(row.numel(), inner)
    how = node.get("reduction", "none")
    y = udl.scatter(flat, 0, place, source) if how == "none" else udl.scatter_reduce(flat, 0, place, source, HOW[how])
    return y.reshape(x.shape)


@op("TensorScatter", host=(2,))
def tensor_scatter(node, past, update, at=None):
    axis, circular = node.get("axis", -2) % past.dim(), node.get("mode", "linear") == "circular"
    at = np.zeros(past.shape[0], np.int64) if at is None else at
    n, length = update.shape[axis], past.shape[axis]
    places = at[:, None] + np.arange(n)
    if circular:
        places = places % length
    elif ((places < 0) | (places >= length)).any():
        raise DimError(f"positions up to {int(places.max())} in a cache of {length}")
    shape = [1] * past.dim()
    shape[0], shape[axis] = past.shape[0], n
    index = node.tensor(places.reshape(shape)).expand(update.shape)
    return udl.scatter(past, axis, index, update)


@op("OneHot", host=(1,))
def one_hot(node, index, depth, values):
    depth, axis = int(depth.reshape(-1)[0]), node.get("axis", -1)
    node.check_size([*index.shape, depth])
    axis += index.dim() + 1 if axis < 0 else 0
    steps = udl.arange(depth).reshape([depth] + [1] * (index.dim() - axis))
    index = wrapped(index.long(), depth)
    hot = index.unsqueeze(axis) == steps
    return udl.where(hot, values[1], values[0])


@op("NonZero")
def nonzero(node, x):
    return udl.nonzero(x).t()


@op("Compress")
def compress(node, x, condition):
    axis = node.get("axis")
    if axis is None:
        x, axis = x.reshape(-1), 0
    places = udl.nonzero(condition).reshape(-1)
    return udl.index_select(x, axis, places)


@op("ReverseSequence", host=(1,))
def reverse_sequence(node, x, lengths):
    time, batch = node.get("time_axis", 0), node.get("batch_axis", 1)
    steps = np.arange(x.shape[time])[:, None]
    place = np.where(steps < lengths[None, :], lengths[None, :] - 1 - steps, steps)
    place = place if time < batch else place.T
    shape = [1] * x.dim()
    shape[time], shape[batch] = x.shape[time], x.shape[batch]
    return udl.gather(x, time, node.tensor(place.reshape(shape)).expand(x.shape))


@arrays("Unique")
def unique(node, x):
    axis = node.get("axis")
    values, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not node.get("sorted", 1):
        order = np.argsort(first)
        back = np.argsort(order)
        values = np.take(values, order, axis=0 if axis is None else axis)
        first, inverse, counts = first[order], back[inverse], counts[order]
    return values, first.astype(np.int64), inverse.astype(np.int64), counts.astype(np.int64)


@arrays("NonMaxSuppression")
def non_max_suppression(node, boxes, scores, most=None, overlap=None, least=None):
    most = 0 if most is None else int(most.reshape(-1)[0])
    overlap = 0.0 if overlap is None else float(overlap.reshape(-1)[0])
    chosen = []
    corners = np.sort(boxes.reshape(*boxes.shape[:2], 2, 2), axis=2) if not node.get("center_point_box") else np.stack(
        [boxes[..., 1::-1] - boxes[..., :1:-1] / 2, boxes[..., 1::-1] + boxes[..., :1:-1] / 2], axis=2)
    for b, c in np.ndindex(*scores.shape[:2]):
        order = np.argsort(-scores[b, c], kind="stable")
        kept = []
        for i in order:
            if len(kept) >= most or least is not None and not scores[b, c, i] > float(least.reshape(-1)[0]):
                break
            if all(intersection(corners[b, i], corners[b, j]) <= overlap for j in kept):
                kept.append(i)
        chosen += [(b, c, i) for i in kept]
    return np.array(chosen, dtype=np.int64).reshape(-1, 3)


def intersection(a, b):
    """Intersection over union of two boxes, each (low corner, high corner)."""
    sides = np.clip(np.minimum(a[1], b[1]) - np.maximum(a[0], b[0]), 0, None)
    both = sides.prod()
    union = (a[1] - a[0]).prod() + (b[1] - b[0]).prod() - both
    return both / union if union > 0 else 0.0
