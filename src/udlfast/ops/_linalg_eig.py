"""Eigenvalues of matrices that are not symmetric: complex results, as ComplexTensor."""
import numpy as np

from .. import _core
from .._core import attach
from ..return_types import result
from ._complex import ComplexTensor, make
from ._fourier import _array, _pairs
from ._linalg_common import lapack, matrix
from ._linalg_solve import inv
from .joining import cat
from .triangle import diag_embed

Eig = result("linalg_eig", ("eigenvalues", "eigenvectors"))


def _run(op, A):
    """(eigenvalues, eigenvectors) of real or complex A, on the tape."""
    if isinstance(A, ComplexTensor):
        source, a = A.pair, _array(A.pair)
    else:
        matrix(op, A, square=True)
        source, a = A, A.detach().numpy()
    with lapack(op, "the algorithm failed to converge (does the input hold NaN or infinity?)"):
        w, v = np.linalg.eig(a)
    kind = np.complex64 if source.dtype is _core.float32 else np.complex128
    w, v = _pairs(w.astype(kind), source.dtype), _pairs(v.astype(kind), source.dtype)
    return attach((w, v), (source,), eig_backward, saved=(w, v), args=(isinstance(A, ComplexTensor),))


def inverse(z):
    """The inverse of complex matrices X + iY, from that of the real [[X, -Y], [Y, X]]."""
    n = z.shape[-1]
    x, y = z.real, z.imag
    both = inv(cat([cat([x, -y], -1), cat([y, x], -1)], -2)).narrow(-1, 0, n)
    return make(both.narrow(-2, 0, n), both.narrow(-2, n, n))


def eig_backward(node, gw, gv):
    """V^-H (diag(gw) + (V^H gV - V^H V diag(Re diag(V^H gV))) / conj(E)) V^H, E_ij = w_j - w_i; its real part for real A."""
    w, v = (ComplexTensor(t) for t in node.saved)
    vh = v.mH
    total = None if gw is None else make(*(diag_embed(part) for part in (ComplexTensor(gw).real, ComplexTensor(gw).imag)))
    if gv is not None:
        inner = vh @ ComplexTensor(gv)
        scale = inner.real.diagonal(0, -2, -1)
        inner = inner - (vh @ v) * scale.unsqueeze(-2)
        eye = _core.from_numpy(np.eye(w.shape[-1])).to(scale.dtype)
        gap = w.unsqueeze(-2) - w.unsqueeze(-1) + eye
        inner = inner * (1 - eye) / gap.conj()
        total = inner if total is None else total + inner
    g = inverse(v).mH @ total @ vh
    return (g.pair if node.args[0] else g.real,)


def eig(A, *, out=None):
    """(eigenvalues, eigenvectors), complex, of square matrices; eigh is for symmetric ones.

    >>> import udlfast as torch
    >>> sorted(torch.linalg.eig(torch.tensor([[0., -1.], [1., 0.]])).eigenvalues.imag.tolist())
    [-1.0, 1.0]
    """
    return Eig(*(ComplexTensor(t) for t in _run("linalg.eig", A)))


def eigvals(A, *, out=None):
    """The eigenvalues, complex, of square matrices.

    >>> import udlfast as torch
    >>> torch.linalg.eigvals(torch.tensor([[2.]])).tolist()
    [(2+0j)]
    """
    return ComplexTensor(_run("linalg.eigvals", A)[0])
