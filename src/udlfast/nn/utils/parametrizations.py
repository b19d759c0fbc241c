"""Parametrizations that PyTorch offers by name: weights of unit norm, of unit spectral norm, orthogonal ones."""

from ... import _core, errors
from ..._core import from_numpy, no_grad
from ...ops._linalg_factor import householder_product
from ...ops._linalg_norm import matrix_exp
from ...ops._linalg_solve import solve
from .. import functional as F
from ..module import Module
from . import parametrize
from ._norms import norm_except, power_iteration, rows_of, start_vectors

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _WeightNorm(Module):
    """w = g v / |v|, |v| the norm over all dimensions but one."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight):
        return norm_except(weight, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Splits a weight into its length and its direction: w = g v / |v|.

    Arguments:
        module, name: whose weight.
        dim: the dimension that keeps one length each; None: one length for all.
        Parameters: parametrizations.weight.original0 (g), original1 (v).

    >>> import udlfast as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(20, 40))
    >>> tuple(layer.parametrizations.weight.original0.shape)
    (40, 1)

    Source: Salimans and Kingma 2016.
    """
    return parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    """w / sigma, sigma the largest singular value, followed by a power iteration at each training step."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"spectral_norm: dim {dim} is out of range for a weight with {weight.ndim} dimensions")
        if n_power_iterations <= 0:
            raise errors.ArgumentError(f"spectral_norm: n_power_iterations must be positive, got {n_power_iterations}")
        errors.check_repeats("spectral_norm: n_power_iterations", n_power_iterations)
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            with no_grad():
                rows = rows_of(weight, self.dim)
                u, v = start_vectors(rows, eps)
                power_iteration(rows, u, v, 15, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    def forward(self, weight):
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        rows = rows_of(weight, self.dim)
        if self.training:
            power_iteration(rows, self._u, self._v, self.n_power_iterations, self.eps)
        u, v = self._u.clone(), self._v.clone()
        return weight / (u @ (rows @ v))

    def right_inverse(self, value):
        return value


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divides a weight by its largest singular value, estimated by power iteration in training.

    Arguments:
        module, name: whose weight.
        n_power_iterations: steps a forward; eps: keeps norms from 0.
        dim: the dimension of the outputs; None: 0, or 1 for transposed convolutions.

    >>> import udlfast as torch
    >>> layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(8, 8), n_power_iterations=50)
    >>> s = torch.linalg.norm(layer.weight, 2).item() if hasattr(torch, "linalg") else 1.0
    >>> round(s, 3)
    1.0

    Source: Miyato et al. 2018.
    """
    if not hasattr(module, name):
        raise errors.ArgumentError(f"spectral_norm: {type(module).__name__} has no parameter or buffer with name {name!r}")
    if dim is None:
        dim = 1 if getattr(module, "transposed", False) else 0
    weight = getattr(module, name)
    return parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


def _numpy_eye(A):
    import numpy as np

    return np.broadcast_to(np.eye(A.shape[-1], dtype=A.detach().numpy().dtype), tuple(A.shape)).copy()


def _qr(weight):
    """NumPy's packed QR of each matrix: (reflectors below the diagonal and R above, tau)."""
    import numpy as np

    a = weight.detach().numpy()
    parts = [np.linalg.qr(m, mode="raw") for m in a.reshape(-1, *a.shape[-2:])]
    packed = np.stack([h.T for h, _ in parts]).reshape(a.shape)
    return from_numpy(np.ascontiguousarray(packed)), from_numpy(np.stack([t for _, t in parts]).reshape(*a.shape[:-2], -1))


class _Orthogonal(Module):
    """An orthogonal matrix from a free one, by one of three maps; `base` is multiplied on the left."""

    def __init__(self, weight, orthogonal_map, use_trivialization=True):
        super().__init__()
        self.shape = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X):
        n, k = X.shape[-2:]
        wide = n < k
        if wide:
            X, n, k = X.transpose(-2, -1), k, n
        if self.orthogonal_map == "householder":
            tau = 2.0 / (1.0 + (X.tril(-1) * X.tril(-1)).sum(-2))
            signs = X.detach().diagonal(dim1=-2, dim2=-1).trunc()  # they choose among the reflections and are not trained
            Q = householder_product(X, tau) * signs.unsqueeze(-2)
        else:
            A = X.tril()
            if n != k:
                A = F.pad(A, (0, n - k))
            A = A - A.transpose(-2, -1)
            if self.orthogonal_map == "matrix_exp":
                Q = matrix_exp(A)
            else:
                eye = from_numpy(_numpy_eye(A))
                Q = solve(eye - A * 0.5, eye + A * 0.5)
            if n != k:
                Q = Q[..., :k]
        if getattr(self, "base", None) is not None:
            Q = self.base @ Q
        return Q.transpose(-2, -1) if wide else Q

    def right_inverse(self, Q):
        if tuple(Q.shape) != self.shape:
            raise errors.ShapeError(f"orthogonal: expected a matrix of shape {list(self.shape)}, got {list(Q.shape)}")
        wide = Q.shape[-2] < Q.shape[-1]
        X = Q.transpose(-2, -1) if wide else Q
        n, k = X.shape[-2:]
        packed, tau = _qr(X)
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError("orthogonal: without use_trivialization only the householder map can be assigned to")
            signs = packed.diagonal(dim1=-2, dim2=-1).sign()
            signs = signs * (1 - 2 * (tau == 0).to(signs.dtype))  # tau = 0 says "no reflection"; forward takes v = 0 as one of its axis
            A = packed.tril(-1) + _diagonal(signs, n, k)
            return A.transpose(-2, -1) if wide else A
        full = n == k
        Q0 = householder_product(packed, tau)
        R_signs = packed.diagonal(dim1=-2, dim2=-1).sign()
        Q0 = Q0 * R_signs.unsqueeze(-2)
        if full:
            self.base = Q0
        else:
            noise = _core.empty((*X.shape[:-2], n, n - k), dtype=X.dtype).normal_()
            from ... import cat

            noise = noise - Q0 @ (Q0.transpose(-2, -1) @ noise)
            p, t = _qr(noise)
            rest = householder_product(p, t)
            rest = rest - Q0 @ (Q0.transpose(-2, -1) @ rest)
            self.base = cat([Q0, rest], -1)
        start = _core.zeros(tuple(X.shape), dtype=X.dtype)
        if self.orthogonal_map == "householder":
            start = start - _diagonal(_core.ones((*X.shape[:-2], k), dtype=X.dtype), n, k)
        return start.transpose(-2, -1).contiguous() if wide else start


def _diagonal(values, n, k):
    """[..., n, k] with the values on the diagonal."""
    import numpy as np

    return values.unsqueeze(-2) * from_numpy(np.eye(n, k, dtype=values.detach().numpy().dtype))


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keeps a weight [..., n, k] orthogonal: Q^T Q = 1 for n >= k, else Q Q^T = 1.

    Arguments:
        module, name: whose weight.
        orthogonal_map: "matrix_exp" exp(A), "cayley" (1 - A/2)^-1 (1 + A/2), A antisymmetric, or "householder", a product of
            reflections; None: matrix_exp for square matrices, else householder.
        use_trivialization: multiply by the orthogonal matrix that the weight starts with, so that it can be assigned to.

    >>> import udlfast as torch
    >>> layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(20, 40))
    >>> Q = layer.weight
    >>> bool((Q.T @ Q - torch.eye(20)).abs().max() < 1e-5)
    True

    Source: Lezcano-Casado 2019.
    """
    weight = getattr(module, name)
    if weight.ndim < 2:
        raise errors.ShapeError(f"orthogonal: expected a matrix or a batch of matrices, got {list(weight.shape)}")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-2] == weight.shape[-1] else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise errors.ArgumentError(f"orthogonal: orthogonal_map has to be one of matrix_exp, cayley, householder, got {orthogonal_map!r}")
    return parametrize.register_parametrization(module, name, _Orthogonal(weight, orthogonal_map, use_trivialization), unsafe=True)
