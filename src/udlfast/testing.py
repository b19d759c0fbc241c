"""Assertions for tests of programs that use udlfast."""

from ._core import Tensor, bfloat16, float16, float32, float64
from .ops.creation import as_tensor

__all__ = ["assert_close"]

# (relative, absolute) as PyTorch's; anything else must be equal
_TOLERANCE = {float32: (1.3e-6, 1e-5), float64: (1e-7, 1e-7), bfloat16: (1.6e-2, 1e-5), float16: (1e-3, 1e-5)}


def assert_close(actual, expected, *, rtol=None, atol=None, equal_nan=False, check_dtype=True, msg=None):
    """Raise AssertionError unless |actual - expected| <= atol + rtol |expected| everywhere, and shapes and types agree.

    Args:
        actual, expected: tensors, arrays or numbers
        rtol, atol: tolerances; both or none (then by type: float32 1.3e-6 and 1e-5)
        equal_nan: whether NaN equals NaN
        check_dtype: whether types must agree
        msg: text of the error instead of the list of differences

    >>> import udlfast as torch
    >>> torch.testing.assert_close(torch.ones(2), torch.ones(2))

    Source: the public names of PyTorch.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: rtol and atol must be given together")
    a, b = (x if isinstance(x, Tensor) else as_tensor(x) for x in (actual, expected))
    a, b = a.detach(), b.detach()
    if a.shape != b.shape:
        raise AssertionError(msg or f"assert_close: shapes differ: {list(a.shape)} and {list(b.shape)}")
    if check_dtype and a.dtype is not b.dtype:
        raise AssertionError(msg or f"assert_close: types differ: {a.dtype} and {b.dtype}")
    if rtol is None:
        rtol, atol = _TOLERANCE.get(a.dtype, (0.0, 0.0))
    x, y = a.double(), b.double()
    bad = ~x.isclose(y, rtol, atol, equal_nan)
    if bool(bad.any()):
        worst = (x - y).abs().max().item()
        raise AssertionError(msg or f"assert_close: {int(bad.sum())} of {a.numel()} elements differ; the largest difference is "
                                    f"{worst:.3g} (allowed {atol:g} + {rtol:g} |expected|)")
