"""Embedding: a table of vectors, looked up by number; one by one, or in bags that are added up."""

from .. import errors
from .._core import no_grad
from . import functional as F
from . import init
from ._new import parameter
from .module import Module
from .parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]


class Embedding(Module):
    """Rows of a trained table, picked by integer.

    y[..., :] = weight[input[...], :];  weight starts from N(0, 1).

    Arguments:
        num_embeddings, embedding_dim: V and D; the input is int64 of any shape [...], the output [..., D].
        padding_idx: a row that starts at 0 and gets no gradient.
        max_norm, norm_type: rows that are looked up and whose norm is larger are scaled down to it, in place.
        scale_grad_by_freq: divide a row's gradient by how often it was looked up.
        sparse: accepted for compatibility; gradients are dense.
        Parameters: weight [V, D].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.Embedding(10, 3)(torch.tensor([[1, 2], [4, 9]])).shape)
        (2, 2, 3)

    Source: *Understanding Deep Learning*, section 12.5.2.
    """

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
        _weight=None,
        _freeze=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise errors.CheckError(
                    f"Embedding: padding_idx must be within num_embeddings, got {padding_idx} and {num_embeddings}"
                )
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        if _weight is None:
            self.weight = parameter((num_embeddings, embedding_dim), dtype, device)
            self.weight.requires_grad_(not _freeze)
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise errors.CheckError(
                    f"Embedding: expected weight [{num_embeddings}, {embedding_dim}], got {list(_weight.shape)}"
                )
            self.weight = Parameter(_weight, requires_grad=not _freeze)
        self.sparse = sparse

    def reset_parameters(self):
        """Draws the table anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input):
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self):
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq:
            parts.append(f"scale_grad_by_freq={self.scale_grad_by_freq}")
        if self.sparse:
            parts.append("sparse=True")
        return ", ".join(parts)

    @classmethod
    def from_pretrained(
        cls,
        embeddings,
        freeze=True,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
    ):
        """An Embedding whose table is a given tensor [V, D], frozen by default."""
        if embeddings.ndim != 2:
            raise errors.CheckError(f"Embedding.from_pretrained: expected a table [V, D], got {list(embeddings.shape)}")
        return cls(
            *embeddings.shape,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
            _weight=embeddings,
            _freeze=freeze,
        )


class EmbeddingBag(Module):
    """Sums, means or maxima of the rows that the numbers of a bag name; forward(input, offsets=None, per_sample_weights=None).

    Arguments:
        num_embeddings, embedding_dim: V and D; the input is [B, L], or [n] with the offsets [B] of its bags; the output [B, D].
        mode: "sum", "mean" or "max".
        include_last_offset: the offsets have one more element, the end of the last bag.
        padding_idx: a row that starts at 0, gets no gradient and counts in no bag.
        max_norm, norm_type, scale_grad_by_freq: as in Embedding.
        sparse: accepted for compatibility; gradients are dense.
        Parameters: weight [V, D], from N(0, 1).

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.EmbeddingBag(10, 3)(torch.tensor([1, 2, 4, 9]), torch.tensor([0, 3])).shape)
        (2, 3)

    Source: Joulin et al. 2016.
    """

    def __init__(self, num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean",
                 sparse=False, _weight=None, include_last_offset=False, padding_idx=None, device=None, dtype=None):  # fmt: skip
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise errors.CheckError(
                    f"EmbeddingBag: padding_idx must be within num_embeddings, got {padding_idx} and {num_embeddings}"
                )
            padding_idx %= num_embeddings
        self.padding_idx = padding_idx
        if _weight is None:
            self.weight = parameter((num_embeddings, embedding_dim), dtype, device)
            self.reset_parameters()
        else:
            if tuple(_weight.shape) != (num_embeddings, embedding_dim):
                raise errors.CheckError(
                    f"EmbeddingBag: expected weight [{num_embeddings}, {embedding_dim}], got {list(_weight.shape)}"
                )
            self.weight = Parameter(_weight)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    reset_parameters = Embedding.reset_parameters

    def forward(self, input, offsets=None, per_sample_weights=None):
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, False,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self):
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        if self.max_norm is not None:
            parts.append(f"max_norm={self.max_norm}")
        if self.norm_type != 2:
            parts.append(f"norm_type={self.norm_type}")
        if self.scale_grad_by_freq:
            parts.append(f"scale_grad_by_freq={self.scale_grad_by_freq}")
        parts.append(f"mode={self.mode!r}")
        if self.padding_idx is not None:
            parts.append(f"padding_idx={self.padding_idx}")
        return ", ".join(parts)

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean",
                        sparse=False, include_last_offset=False, padding_idx=None):  # fmt: skip
        """An EmbeddingBag whose table is a given tensor [V, D], frozen by default."""
        if embeddings.ndim != 2:
            raise errors.CheckError(f"EmbeddingBag.from_pretrained: expected a table [V, D], got {list(embeddings.shape)}")
        bag = cls(*embeddings.shape, max_norm, norm_type, scale_grad_by_freq, mode, sparse, embeddings, include_last_offset, padding_idx)
        bag.weight.requires_grad_(not freeze)
        return bag
