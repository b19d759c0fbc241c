"""Where a token stands in its sequence: sinusoidal, learned and rotary positions."""

from .. import _core, errors
from . import init
from ._new import parameter
from .module import Module

__all__ = ["SinusoidalPositions", "LearnedPositions", "RotaryPositions"]


def _angles(length, rates):
    """angle[t, i] = t rate_i, in float64"""
    import numpy

    return numpy.arange(length)[:, None] * rates[None, :]


def _rates(dim, base):
    import numpy

    return base ** (-numpy.arange(0, dim, 2) / dim)


def _check_length(name, offset, length, most):
    if offset < 0 or offset + length > most:
        raise errors.ArgumentError(
            f"{name}: positions {offset} to {offset + length - 1} were asked for, but there are {most}; "
            f"make it with a larger max_length"
        )


class SinusoidalPositions(Module):
    """Adds a fixed pattern of waves that tells positions apart.

    y_t = x_t + p_t, p_{t, 2i} = sin(t / base^(2i / E)), p_{t, 2i + 1} = cos(t / base^(2i / E))

    Arguments:
        dim: E, even; the input is [..., T, E].
        max_length: the largest T.
        base: the longest wave is about 2 pi base.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.SinusoidalPositions(4)(torch.zeros(2, 4))[0].tolist()
        [0.0, 1.0, 0.0, 1.0]

    Source: Vaswani et al. 2017, section 3.5; *Understanding Deep Learning*, section 12.3.1.
    """

    def __init__(self, dim, max_length=5000, base=10000.0, dtype=None):
        super().__init__()
        if dim < 2 or dim % 2:
            raise errors.ArgumentError(f"SinusoidalPositions: dim must be even and positive, got {dim}")
        import numpy

        self.dim, self.max_length = dim, max_length
        angles = _angles(max_length, _rates(dim, base))
        table = numpy.stack((numpy.sin(angles), numpy.cos(angles)), 2).reshape(max_length, dim)
        self.register_buffer("table", _core.from_numpy(table).to(dtype or _core.get_default_dtype()), persistent=False)

    def forward(self, input, offset=0):
        """input [..., T, E] whose first position is `offset`, plus the pattern."""
        length = input.shape[-2]
        _check_length("SinusoidalPositions", offset, length, self.max_length)
        return input + self.table.narrow(0, offset, length)

    def extra_repr(self):
        return f"{self.dim}, max_length={self.max_length}"


class LearnedPositions(Module):
    """Adds a trained vector for each position.

    y_t = x_t + weight_t;  weight starts from N(0, 0.02^2).

    Arguments:
        max_length: the largest T.
        dim: E; the input is [..., T, E].
        Parameters: weight [max_length, E].

    Example:
        >>> import udlfast as torch
        >>> tuple(torch.nn.LearnedPositions(16, 4)(torch.zeros(2, 5, 4)).shape)
        (2, 5, 4)

    Source: Gehring et al. 2017; *Understanding Deep Learning*, section 12.3.1.
    """

    def __init__(self, max_length, dim, device=None, dtype=None):
        super().__init__()
        self.max_length, self.dim = max_length, dim
        self.weight = parameter((max_length, dim), dtype, device)
        self.reset_parameters()

    def reset_parameters(self):
        """Draws the table anew."""
        init.normal_(self.weight, 0.0, 0.02)

    def forward(self, input, offset=0):
        """input [..., T, E] whose first position is `offset`, plus the vectors."""
        length = input.shape[-2]
        _check_length("LearnedPositions", offset, length, self.max_length)
        return input + self.weight.narrow(0, offset, length)

    def extra_repr(self):
        return f"{self.max_length}, {self.dim}"


class RotaryPositions(Module):
    """Turns pairs of features by an angle that grows with the position; products of two such vectors then depend on
    the distance of their positions only.

    (y_i, y_j) = (x_i cos a - x_j sin a, x_i sin a + x_j cos a), a = t base^(-2i / D), for position t and the pairs
    (i, j) = (i, i + D/2), or (2i, 2i + 1) if interleaved

    Arguments:
        dim: D, even: features of a head; queries and keys are [..., T, D].
        max_length: the largest T.
        base: the slowest pair turns once in about 2 pi base positions.
        interleaved: which features are a pair.

    Example:
        >>> import udlfast as torch
        >>> torch.nn.RotaryPositions(2)(torch.tensor([[1., 0.], [1., 0.]]))
        tensor([[1.0000, 0.0000],
                [0.5403, 0.8415]])

    Source: Su et al. 2021, section 3.2.2; *Understanding Deep Learning*, chapter 12 (notes).
    """

    def __init__(self, dim, max_length=2048, base=10000.0, interleaved=False, dtype=None):
        super().__init__()
        if dim < 2 or dim % 2:
            raise errors.ArgumentError(f"RotaryPositions: dim must be even and positive, got {dim}")
        import numpy

        self.dim, self.max_length, self.interleaved = dim, max_length, interleaved
        angles = _angles(max_length, _rates(dim, base))
        dtype = dtype or _core.get_default_dtype()
        self.register_buffer("cos", _core.from_numpy(numpy.cos(angles)).to(dtype), persistent=False)
        self.register_buffer("sin", _core.from_numpy(numpy.sin(angles)).to(dtype), persistent=False)

    def forward(self, input, offset=0):
        """input [..., T, D] whose first position is `offset`, turned."""
        length, half = input.shape[-2], self.dim // 2
        if input.shape[-1] != self.dim:
            raise errors.ShapeError(f"RotaryPositions: expected {self.dim} features, got {list(input.shape)}")
        _check_length("RotaryPositions", offset, length, self.max_length)
        cos, sin = self.cos.narrow(0, offset, length), self.sin.narrow(0, offset, length)
        from ..ops.joining import cat, stack

        if self.interleaved:
            pairs = input.unflatten(-1, (half, 2))
            a, b = pairs.select(-1, 0), pairs.select(-1, 1)
            return stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)
        a, b = input.narrow(-1, 0, half), input.narrow(-1, half, half)
        return cat((a * cos - b * sin, a * sin + b * cos), -1)

    def extra_repr(self):
        return f"{self.dim}, max_length={self.max_length}, interleaved={self.interleaved}"
