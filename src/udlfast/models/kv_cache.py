"""Keys and values of the tokens that a decoder has seen."""
from .. import _core
from ..errors import ArgumentError, ShapeError, check_repeats


class KVCache:
    """Preallocated keys and values of every layer, filled from the front.

    layers, batch, heads, length, dim: a layer holds keys and values [batch, heads, length, dim].
    `used` is the number of positions that are filled; a model asks for it before a call, gives each layer's new keys and
    values to `append`, and calls `advance` at the end. Meant for use under no_grad.

    >>> import udlfast as torch
    >>> cache = KVCache(layers=1, batch=1, heads=1, length=4, dim=2)
    >>> k, v = cache.append(0, torch.ones(1, 1, 3, 2), torch.zeros(1, 1, 3, 2))
    >>> cache.advance(3); cache.used, tuple(k.shape)
    (3, (1, 1, 3, 2))

    Source: Shazeer 2019, section 2.4 (incremental attention).
    """

    def __init__(self, layers, batch, heads, length, dim, dtype=None):
        check_repeats("KVCache: layers", layers)
        shape = (batch, heads, length, dim)
        self.length, self.used = length, 0
        self.keys = [_core.empty(shape, dtype=dtype) for _ in range(layers)]
        self.values = [_core.empty(shape, dtype=dtype) for _ in range(layers)]
        self.memory = [None] * layers  # keys and values of an encoder's output, computed once

    def append(self, layer, key, value):
        """Put key and value [batch, heads, T, dim] behind what layer holds; all of its keys and values, as views."""
        keys, values, used = self.keys[layer], self.values[layer], self.used
        (batch, heads, _, dim), n = keys.shape, key.size(2) if key.ndim == 4 else 0
        if used + n > self.length:
            raise ArgumentError(f"KVCache: {used} of {self.length} positions are used, {n} more do not fit; make it longer")
        if key.shape != (batch, heads, n, dim) or value.shape != key.shape:
            raise ShapeError(f"KVCache: expected keys and values {[batch, heads, n, dim]}, got {list(key.shape)} and {list(value.shape)}")
        keys.narrow(2, used, n).copy_(key.detach())
        values.narrow(2, used, n).copy_(value.detach())
        return keys.narrow(2, 0, used + n), values.narrow(2, 0, used + n)

    def advance(self, n):
        """n positions more are filled, in every layer."""
        self.used += n

    def select(self, rows):
        """Keep the examples of these numbers (int64 [batch]), in this order: what beam search does to its beams."""
        for tensors in (self.keys, self.values):
            for tensor in tensors:
                seen = tensor.narrow(2, 0, self.used)
                seen.copy_(seen.index_select(0, rows))
        self.memory = [m if m is None else tuple(t.index_select(0, rows) for t in m) for m in self.memory]


def causal_mask(new, seen):
    """Which keys `new` queries after `seen` positions may look at: bool [new, seen + new], or None for all."""
    if new == 1:
        return None
    from ..ops._common import lower_triangle

    return lower_triangle(new, seen + new, seen)
