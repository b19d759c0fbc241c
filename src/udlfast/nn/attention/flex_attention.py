"""torch.nn.attention.flex_attention: attention whose scores, and whose mask, are functions of the user's.

Here the functions are called once, with tensors of indices that broadcast over [B, H, L, S], and the scores are made in full: it
gives the numbers, and the memory of ordinary attention.

>>> import udlfast as torch
>>> from udlfast.nn.attention.flex_attention import create_block_mask, flex_attention
>>> mask = create_block_mask(lambda b, h, q, k: q >= k, None, None, 4, 4)
>>> tuple(flex_attention(*torch.ones(3, 1, 2, 4, 8), block_mask=mask).shape)
(1, 2, 4, 8)

Source: PyTorch's functions of those names.
"""

from collections import namedtuple

from ... import _core, ops
from ..._core import Tensor
from ...errors import ArgumentError, ShapeError

__all__ = ["AuxOutput", "AuxRequest", "BlockMask", "and_masks", "create_block_mask", "create_mask", "flex_attention", "noop_mask",
           "or_masks"]  # fmt: skip

_DEFAULT_SPARSE_BLOCK_SIZE = 128
AuxRequest = namedtuple("AuxRequest", ("lse", "max_scores"), defaults=(False, False))  # what else flex_attention is to give
AuxOutput = namedtuple("AuxOutput", ("lse", "max_scores"), defaults=(None, None))


class BlockMask:
    """Which keys a query may look at: `mask`, a bool tensor of [B, H, L, S], or 1 in place of B and H."""

    def __init__(self, mask, mask_mod=None, block_size=_DEFAULT_SPARSE_BLOCK_SIZE):
        self.mask, self.mask_mod = mask, mask_mod
        self.BLOCK_SIZE = (block_size, block_size) if isinstance(block_size, int) else tuple(block_size)

    @property
    def shape(self):
        return tuple(self.mask.shape)

    @property
    def seq_lengths(self):
        return tuple(self.mask.shape[-2:])

    def numel(self):
        """How many pairs of query and key there are."""
        return self.mask.numel()

    def sparsity(self):
        """The share of pairs that are masked, in percent."""
        return 100.0 * (1.0 - float(self.mask.float().mean()))

    def to_dense(self):
        """The mask as numbers."""
        return self.mask.to(_core.int32)

    def __repr__(self):
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%)"


def noop_mask(b, h, q_idx, kv_idx):
    """Every query looks at every key."""
    return q_idx * 0 + kv_idx * 0 == 0


def and_masks(*mask_mods):
    """The mask of pairs that all functions allow."""
    def both(b, h, q_idx, kv_idx):
        allowed = noop_mask(b, h, q_idx, kv_idx)
        for mod in mask_mods:
            allowed = allowed & mod(b, h, q_idx, kv_idx)
        return allowed

    return both


def or_masks(*mask_mods):
    """The mask of pairs that some function allows."""
    def either(b, h, q_idx, kv_idx):
        allowed = ~noop_mask(b, h, q_idx, kv_idx)
        for mod in mask_mods:
            allowed = allowed | mod(b, h, q_idx, kv_idx)
        return allowed

    return either


def _indices(*sizes):
    """One tensor of indices for each dimension, which broadcast against each other."""
    arange, n = ops.function("arange"), len(sizes)
    return [arange(size).reshape(*(size if i == d else 1 for i in range(n))) for d, size in enumerate(sizes)]


def create_mask(mod_fn, B, H, Q_LEN, KV_LEN, device="cpu", **options):  # noqa: N803
    """The mask as a tensor, bool of [B, H, Q_LEN, KV_LEN]; B or H None: 1."""
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    return ops.function("broadcast_to")(mod_fn(*_indices(*sizes)), sizes).clone()


def create_block_mask(mask_mod, B, H, Q_LEN, KV_LEN, device="cpu", BLOCK_SIZE=_DEFAULT_SPARSE_BLOCK_SIZE, _compile=False):  # noqa: N803
    """The mask of mask_mod(b, h, q_idx, kv_idx), which says whether a query may look at a key; B or H None: the same for all."""
    return BlockMask(create_mask(mask_mod, B, H, Q_LEN, KV_LEN), mask_mod, BLOCK_SIZE)


def flex_attention(query, key, value, score_mod=None, block_mask=None, scale=None, enable_gqa=False, return_lse=False,
                   kernel_options=None, *, return_aux=None):  # fmt: skip
    """softmax(score_mod(scale q k^T, b, h, q_idx, kv_idx) where block_mask allows) v.

    Arguments:
        query: [B, Hq, L, E]; key: [B, H, S, E]; value: [B, H, S, Ev]; Hq = H, or a multiple of it with enable_gqa.
        score_mod: changes scores, elementwise; block_mask: from create_block_mask; scale: 1 / sqrt(E) if None.
        return_lse: give (output, the logarithm of the sum of exponentials of a query's scores) too; return_aux: an AuxRequest, for
            (output, AuxOutput).
    Returns [B, Hq, L, Ev]; a query that may look at no key gives zeros.
    """
    if not all(isinstance(t, Tensor) and t.ndim == 4 for t in (query, key, value)):
        raise ShapeError("flex_attention: query, key and value must be Tensors of 4 dimensions [B, H, L, E]")
    if query.shape[1] != key.shape[1]:
        if not enable_gqa or query.shape[1] % key.shape[1]:
            raise ArgumentError(f"flex_attention: {query.shape[1]} heads of queries and {key.shape[1]} of keys; enable_gqa=True is for a "
                                f"multiple of them")  # fmt: skip
        times = query.shape[1] // key.shape[1]
        key, value = key.repeat_interleave(times, 1), value.repeat_interleave(times, 1)
    scores = (query @ key.transpose(-2, -1)) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if score_mod is not None:
        scores = score_mod(scores, *_indices(*scores.shape))
    mask = None if block_mask is None else block_mask.mask[..., : scores.shape[-2], : scores.shape[-1]]
    if mask is not None:
        scores = scores.masked_fill(~mask, -float("inf"))
    lse = scores.logsumexp(-1)
    weights = (scores - lse.masked_fill(lse == -float("inf"), 0.0).unsqueeze(-1)).exp()
    output = weights.to(value.dtype) @ value
    if return_aux is not None:
        return output, AuxOutput(lse if return_aux.lse else None, scores.amax(-1) if return_aux.max_scores else None)
    return (output, lse) if return_lse else output
