"""How alike or how far apart vectors are."""
import math

from .. import _core
from .._core import attach, extend, put_out
from ..errors import ArgumentError, ShapeError
from ._common import axis_of, broadcast_shape, floating, tensor
from ._linalg_common import to_shape
from .elementwise import where
from .masked import _places
from .reductions import norm
from .triangle import triu, triu_indices


def cosine_similarity(x1, x2, dim=1, eps=1e-8):
    """The cosine of the angle between vectors.

    y = sum x1 x2 / (max(|x1|, eps) max(|x2|, eps)), along dim

    Args:
        x1, x2: shapes that broadcast together, floating point
        dim: the dimension of the vectors in the common shape
        eps: the smallest length to divide by
    Returns: the common shape without dim
    Raises: ShapeError, DTypeError, DimError

    >>> import udlfast as torch
    >>> round(torch.nn.functional.cosine_similarity(torch.tensor([[3., 4.]]), torch.tensor([[4., 3.]])).item(), 4)
    0.96

    Source: Understanding Deep Learning, section 14.2.
    """
    op = "cosine_similarity"
    floating(op, x1, "x1")
    floating(op, x2, "x2")
    shape = broadcast_shape(op, tuple(x1.shape), tuple(x2.shape))
    dim = axis_of(op, dim, len(shape))
    common = _core.promote_types(x1.dtype, x2.dtype)
    x1, x2 = x1.to(common).expand(shape), x2.to(common).expand(shape)
    return (_unit(x1, dim, eps) * _unit(x2, dim, eps)).sum(dim)


def _unit(x, dim, eps):
    return x / norm(x, 2.0, dim, True).clamp(min=eps)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """Scale vectors to length 1.

    y = x / max(|x|_p, eps), along dim

    Args:
        input: any shape, floating point
        p: which norm
        dim: the dimension or dimensions of the vectors
        eps: the smallest length to divide by
        out: a tensor for the result, or None
    Returns: the shape of input
    Raises: DTypeError, DimError

    >>> import udlfast as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3., 4.]]))
    tensor([[0.6000, 0.8000]])

    Source: Understanding Deep Learning, appendix B.
    """
    floating("normalize", input)
    y = input / norm(input, p, dim, True).clamp(min=eps)
    return y if out is None else put_out(out, y)


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False):
    """The distance between rows.

    y = |x1 - x2 + eps|_p along the last dimension

    Args:
        x1, x2: [N, D] or [D], floating point
        p: which norm
        eps: added to the differences: keeps the gradient finite where rows are equal
        keepdim: keep the last dimension with size 1
    Returns: [N] or []
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.pairwise_distance(torch.tensor([[3., 0.]]), torch.tensor([[0., 4.]]), eps=0.).tolist()
    [5.0]

    Source: Understanding Deep Learning, appendix B.
    """
    op = "pairwise_distance"
    floating(op, x1, "x1")
    tensor(op, x2, "x2")
    if not broadcast_shape(op, tuple(x1.shape), tuple(x2.shape)):
        raise ShapeError(f"{op}: expected vectors, got two numbers")
    return norm(x1 - x2 + eps, p, -1, keepdim)


def dist(input, other, p=2.0, *, out=None):
    """The norm of the difference of two tensors.

    y = |input - other|_p over all elements

    Args:
        input, other: shapes that broadcast together, floating point
        p: which norm
    Returns: one number
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.dist(torch.tensor([3., 0.]), torch.tensor([0., 4.])).item()
    5.0
    """
    floating("dist", input)
    y = norm(input - other, p)
    return y if out is None else put_out(out, y)


def cdist(x1, x2, p=2.0, compute_mode="use_mm_for_euclid_dist_if_necessary", *, out=None):
    """The distance of every row of x1 to every row of x2.

    y[..., i, j] = |x1[..., i, :] - x2[..., j, :]|_p

    Args:
        x1: [..., P, D], floating point
        x2: [..., R, D]
        p: which norm
        compute_mode: accepted for compatibility; float32 distances come from a product in float64, or where that would lose digits
            (and for other types and norms) from differences
    Returns: [..., P, R]
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.cdist(torch.tensor([[0., 0.]]), torch.tensor([[3., 4.], [0., 1.]])).tolist()
    [[5.0, 1.0]]

    Source: Understanding Deep Learning, appendix B.
    """
    op = "cdist"
    floating(op, x1, "x1")
    floating(op, x2, "x2")
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"{op}: expected x1 [..., P, D] and x2 [..., R, D], got {list(x1.shape)} and {list(x2.shape)}")
    if p < 0:
        raise ArgumentError(f"{op}: p must not be negative, got {p}")
    many = x1.numel() * x2.shape[-2] >= 1 << 14 or x2.numel() * x1.shape[-2] >= 1 << 14
    y = _euclidean(x1, x2) if many and p == 2 and x1.dtype is x2.dtype is _core.float32 and _core.at_hand() else None
    y = _differences(x1, x2, p) if y is None else y
    return y if out is None else put_out(out, y)


def _differences(x1, x2, p):
    return norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1, False)


def _euclidean(x1, x2):
    """|a|^2 - 2 a.b + |b|^2 in float64. Its error is about 2^-52 of the largest |a|^2 + |b|^2: squares below 2^-20 of that would have
    less than float32's digits, and are found again from differences. None where those are many or numbers are not finite."""
    P, R, D = x1.shape[-2], x2.shape[-2], x1.shape[-1]
    batch = broadcast_shape("cdist", tuple(x1.shape[:-2]), tuple(x2.shape[:-2]))
    if not math.prod(batch) * P * R * D:
        return None
    a, b = _centred(x1.detach(), x2.detach())
    na, nb = (a * a).sum(-1, True), (b * b).sum(-1, True).transpose(-2, -1)
    scale = na.max().item() + nb.max().item()
    if not math.isfinite(scale):
        return None
    squares = (a @ (b * -2.0).transpose(-2, -1)).add_(na).add_(nb)
    y = squares.clamp(min=0.0).sqrt_().to(_core.float32)
    if squares.min().item() < scale * 2.0**-20:
        near = _places(squares < scale * 2.0**-20)
        if near.numel() * 8 > squares.numel():
            return None
        row = near // R
        rows = x1.detach().expand(*batch, P, D).reshape(-1, D).index_select(0, row)
        others = x2.detach().expand(*batch, R, D).reshape(-1, D).index_select(0, row // P * R + (near - row * R))
        y = y.reshape(-1).index_copy(0, near, norm(rows - others, 2, 1)).reshape(y.shape)
    return attach(y, (x1, x2), cdist_backward, saved=(x1, x2, y))


def _centred(x1, x2):
    """Both in float64, from the middle of x2 on: what all points have in common costs digits."""
    b = x2.double()
    middle = b.mean(-2, True)
    return x1.double() - middle, b - middle


def cdist_backward(node, g):
    """gx1_i = sum over j of w_ij (x1_i - x2_j), w = g / y (0 where y is), and gx2 likewise; in float64, as w may be large"""
    x1, x2, y = node.saved
    if _core.is_grad_enabled():
        wanted = [x for i, x in enumerate((x1, x2)) if node.needs(i)]
        grads = iter(_core.grad([_differences(x1, x2, 2)], wanted, [g], create_graph=True))
        return tuple(next(grads) if node.needs(i) else None for i in range(2))
    a, b = _centred(x1, x2)
    w = where(y == 0, 0.0, g / y).double()
    ga = to_shape(a * w.sum(-1, True) - w @ b, x1.shape).to(_core.float32) if node.needs(0) else None
    gb = to_shape(b * w.sum(-2).unsqueeze(-1) - w.transpose(-2, -1) @ a, x2.shape).to(_core.float32) if node.needs(1) else None
    return ga, gb


def pdist(input, p=2.0):
    """The distances between all pairs of rows.

    y = |input[i] - input[j]|_p for i < j

    Args:
        input: [N, D], floating point
        p: which norm
    Returns: [N (N - 1) / 2]
    Raises: ShapeError, DTypeError

    >>> import udlfast as torch
    >>> torch.nn.functional.pdist(torch.tensor([[0.], [1.], [3.]])).tolist()
    [1.0, 3.0, 2.0]
    """
    floating("pdist", input)
    if input.ndim != 2:
        raise ShapeError(f"pdist: expected input [N, D], got {list(input.shape)}")
    if p == 2 and input.dtype is _core.float32:
        above = _places(triu(_core.ones((input.shape[0],) * 2, dtype=_core.bool_), 1))
        return cdist(input, input).reshape(-1).index_select(0, above)
    i, j = triu_indices(input.shape[0], input.shape[0], 1)
    return norm(input.index_select(0, i) - input.index_select(0, j), p, 1)


extend("dist", dist)
