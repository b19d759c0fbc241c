"""Images read at given places: spatial transformers, warping by a flow field."""
from .._core import K_grid_sample, K_grid_sample_backward, attach, call, empty, empty_like, float32, from_numpy
from ..errors import ArgumentError, ShapeError, UnsupportedError
from ._common import floating, once, same_type, whole

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")


def grid_sample(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
    """The input at the places that the grid names.

    y[n, c, p, q] = input[n, c] at x, y = grid[n, p, q], where -1 and 1 are the left and right (top and bottom) edges, interpolated

    Args:
        input: [N, C, H, W] or [N, C, D, H, W], floating point
        grid: [N, P, Q, 2] or [N, E, P, Q, 3]: x, y(, z) of each place
        mode: "bilinear" (for volumes: trilinear), "nearest" or "bicubic" (images only)
        padding_mode: what is seen outside: "zeros", "border" (the nearest pixel) or "reflection"
        align_corners: -1 and 1 are the centres of the corner pixels; else (default) their outer edges
    Returns: [N, C, P, Q] or [N, C, E, P, Q]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> x, middle = torch.tensor([[[[1., 3.], [5., 7.]]]]), torch.zeros(1, 1, 1, 2)
    >>> torch.nn.functional.grid_sample(x, middle, align_corners=False).item()
    4.0

    Source: Jaderberg et al. 2015.
    """
    op = "grid_sample"
    floating(op, input)
    same_type(op, input, grid, "grid")
    if mode not in MODES or padding_mode not in PADDINGS:
        raise ArgumentError(f"{op}: mode must be one of {MODES} and padding_mode one of {PADDINGS}, got {mode!r} and {padding_mode!r}")
    dims, shape = input.ndim - 2, tuple(input.shape)
    if dims not in (2, 3) or grid.ndim != input.ndim or grid.shape[0] != shape[0] or grid.shape[-1] != dims:
        raise ShapeError(f"{op}: expected input [N, C, H, W] and grid [N, P, Q, 2] (or [N, C, D, H, W] and [N, E, P, Q, 3]), got "
                         f"{list(shape)} and {list(grid.shape)}")
    if min(shape[2:]) < 1:
        raise ShapeError(f"{op}: expected input with non-empty spatial dimensions, got {list(shape)}")
    if mode == "bicubic" and dims == 3:
        raise ArgumentError(f"{op}: bicubic interpolation only supports 4D input, got {list(shape)}")
    if input.dtype.narrow:
        return grid_sample(input.to(float32), grid.to(float32), mode, padding_mode, align_corners).to(input.dtype)
    out, places = tuple(grid.shape[1:-1]), 1
    for p in out:
        places *= p
    numbers = (input.dtype.code, *shape[:2], *((1,) if dims == 2 else ()), *shape[2:], places, dims, MODES.index(mode),
               PADDINGS.index(padding_mode), int(bool(align_corners)))
    x, grid = input.contiguous(), grid.contiguous()
    y = empty((*shape[:2], *out), x.dtype)
    call(K_grid_sample, (y, x, grid), numbers, ())
    return attach(y, (x, grid), grid_sample_backward, saved=(x, grid), args=(numbers,))


def grid_sample_backward(node, g):
    """Each tap of a place adds its share of g to the input's gradient; the grid's is that of the weights."""
    x, grid = node.saved
    g = g.contiguous()
    gx = empty_like(x) if node.needs(0) else None
    ggrid = empty_like(grid) if node.needs(1) else None
    call(K_grid_sample_backward, (gx, ggrid, g, x, grid), node.args[0], ())
    return tuple(v if v is None else once("grid_sample", v, g, x, grid) for v in (gx, ggrid))


def affine_grid(theta, size, align_corners=None):
    """The grid for grid_sample that maps places of the output by affine maps.

    grid[n, p, q] = theta[n] (x_q, y_p, 1), x and y from -1 to 1 over the output

    Args:
        theta: [N, 2, 3], or [N, 3, 4] for volumes, floating point
        size: the output's [N, C, H, W] or [N, C, D, H, W]
        align_corners: as in grid_sample
    Returns: [N, H, W, 2] or [N, D, H, W, 3]
    Raises: ShapeError, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> identity = torch.tensor([[[1., 0., 0.], [0., 1., 0.]]])
    >>> torch.nn.functional.affine_grid(identity, (1, 1, 1, 2), align_corners=False).tolist()
    [[[[-0.5, 0.0], [0.5, 0.0]]]]

    Source: Jaderberg et al. 2015.
    """
    op = "affine_grid"
    floating(op, theta, "theta")
    size = tuple(whole(op, "size", n, 1) for n in size)
    dims = len(size) - 2
    if dims not in (2, 3):
        raise UnsupportedError(f"{op}: expected size [N, C, H, W] or [N, C, D, H, W], got {list(size)}")
    if tuple(theta.shape) != (size[0], dims, dims + 1):
        raise ShapeError(f"{op}: expected theta [N, 2, 3] for size [N, C, H, W] (or [N, 3, 4] for [N, C, D, H, W]), got theta "
                         f"{list(theta.shape)} and size {list(size)}")
    if theta.dtype.narrow:
        return affine_grid(theta.to(float32), size, align_corners).to(theta.dtype)
    import numpy as np
    places = np.ones((*size[2:], dims + 1), np.float32 if theta.dtype is float32 else np.float64)
    for d, n in enumerate(size[2:]):
        last = dims - 1 - d  # coordinates go from the last axis to the first
        ends = 1.0 if align_corners else (n - 1) / n
        line = np.linspace(-ends, ends, n) if n > 1 else np.zeros(1)
        places[..., last] = line.reshape([n if e == d else 1 for e in range(dims)])
    flat = from_numpy(places.reshape(-1, dims + 1)).unsqueeze(0)
    return (flat @ theta.transpose(1, 2)).reshape(size[0], *size[2:], dims)
