"""Parameters as one vector, and back."""

from ... import errors
from ..._core import Tensor, no_grad

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters):
    """All parameters one after the other as a vector [n]; gradients flow through.

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.utils.parameters_to_vector(torch.nn.Linear(2, 3).parameters()).shape)
        (9,)
    """
    from ... import cat

    return cat([p.reshape(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Copies a vector [n] into parameters, one after the other: the inverse of parameters_to_vector.

    Example:
        >>> import udlfast as torch
        >>> p = torch.nn.Parameter(torch.zeros(3))
        >>> torch.nn.utils.vector_to_parameters(torch.ones(3), [p])
        >>> p.tolist()
        [1.0, 1.0, 1.0]
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {type(vec).__name__}")
    parameters = list(parameters)
    needed = sum(p.numel() for p in parameters)
    if vec.numel() < needed:
        raise errors.ShapeError(
            f"vector_to_parameters: the parameters hold {needed} numbers, got a vector of {vec.numel()}"
        )
    start = 0
    with no_grad():
        for p in parameters:
            n = p.numel()
            p.copy_(vec[start : start + n].reshape(p.shape))
            start += n
