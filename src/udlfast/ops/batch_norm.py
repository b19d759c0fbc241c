"""Batch normalization."""
from .._core import (
    K_batch_norm,
    K_batch_norm_backward,
    attach,
    bump_versions,
    call,
    empty,
    empty_like,
    float16,
    float32,
    is_grad_enabled,
    no_grad,
)
from ..errors import ArgumentError, ShapeError
from ._common import exact, exact_type, floating, kinds_of, same_type, typed


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """Normalize every channel by its mean and variance over the batch and all positions.

    y = (x - mean) / sqrt(var + eps) weight + bias, for each channel. In training mean and var (biased) are those of
    this batch, and the running statistics move: running = (1 - momentum) running + momentum batch (with the unbiased
    variance). Otherwise the running statistics are used. An empty batch leaves them alone.

    Args:
        input: [N, C, *], floating point
        running_mean, running_var: [C], or None in training; changed in place in training
        weight, bias: [C] or None
        training: whether the statistics come from this batch
        momentum: the share of this batch in the running statistics
        eps: added to the variance
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit or one value per channel in training, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> y = torch.nn.functional.batch_norm(torch.tensor([[1.], [3.]]), None, None, training=True, eps=0.)
    >>> y.tolist()
    [[-1.0], [1.0]]

    Source: Ioffe and Szegedy 2015; Understanding Deep Learning, section 11.4.
    """
    op = "batch_norm"
    floating(op, input)
    shape = tuple(input.shape)
    if len(shape) < 2:
        if shape == (0,):
            return input.clone()
        raise ShapeError(f"{op}: expected input [N, C, ...] with at least 2 dimensions, got {list(shape)}")
    N, C, L = shape[0], shape[1], 1
    for s in shape[2:]:
        L *= s
    if not training and (running_mean is None or running_var is None):
        raise ArgumentError(f"{op}: running_mean and running_var are needed when training is False; "
                            f"pass them or training=True")
    if training and N * L == 1:
        raise ShapeError(f"{op}: expected more than 1 value per channel in training, got input {list(shape)}; "
                         f"use a larger batch (drop_last=True in the loader) or call model.eval()")
    vectors = (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias))
    for name, t in vectors:
        if t is not None:
            floating(op, t, name)
            if tuple(t.shape) != (C,):
                raise ShapeError(f"{op}: expected {name} [{C}] for input {list(shape)} with {C} channels, "
                                 f"got {list(t.shape)}")
            if not input.dtype.narrow:
                same_type(op, input, t, name)
    if input.dtype is float16:
        return _in_float32(input, running_mean, running_var, weight, bias, training, momentum, eps)
    if training and N * L == 0:
        running_mean = running_var = None
    x = input.contiguous()
    weight = None if weight is None else weight.contiguous()
    bias = None if bias is None else bias.contiguous()
    kind = exact_type(x)
    y, mean, rstd = empty(shape, x.dtype), empty((C,), kind), empty((C,), kind)
    running = [t if t is None or (t.is_contiguous() and t.dtype is kind) else t.detach().to(kind).contiguous()
               for t in (running_mean, running_var)]
    call(K_batch_norm, (y, mean, rstd, x, exact(weight), exact(bias), *running), (x.dtype.code, N, C, L, int(bool(training))),
         (momentum, eps))
    if training:
        bump_versions([t for t in running if t is not None])
        _write_back(zip((running_mean, running_var), running))
    return attach(y, (x, weight, bias), batch_norm_backward, saved=(x, weight, mean, rstd),
                  args=(bool(training), eps, *kinds_of(weight, bias)))


def batch_norm_backward(node, g):
    """With h = (x - mean) rstd and m = N L: gb = sum g, gw = sum g h, gx = w rstd (g - gb / m - h gw / m) in training,
    gx = w rstd g otherwise."""
    x, w, mean, rstd = node.saved
    training, _, *kinds = node.args
    kind = exact_type(x)
    if is_grad_enabled():  # under create_graph the rule itself goes on the tape
        return typed(_recorded(node, g.to(kind), x.to(kind), w if w is None else w.to(kind), mean, rstd), x.dtype, *kinds)
    g = g.contiguous()
    C = x.shape[1]
    gx = empty_like(x) if node.needs(0) else None
    gw = empty((C,), kind) if node.needs(1) else None
    gb = empty((C,), kind) if node.needs(2) else None
    N, L = x.shape[0], x.numel() // max(1, x.shape[0] * C)
    call(K_batch_norm_backward, (gx, gw, gb, g, x, exact(w), mean, rstd), (x.dtype.code, N, C, L, int(training)), ())
    return typed((gx, gw, gb), x.dtype, *kinds)


def _recorded(node, g, x, w, mean, rstd):
    """The same from differentiable parts; in training mean and rstd depend on x."""
    training, eps = node.args[:2]
    others = (0, *range(2, x.ndim))
    per_channel = (1, -1, *(1,) * (x.ndim - 2))
    d = x - (x.mean(others, True) if training else mean.reshape(per_channel))
    rstd = ((d * d).mean(others, True) + eps).rsqrt() if training else rstd.reshape(per_channel)
    h, u = d * rstd, g if w is None else g * w.reshape(per_channel)
    gx = None
    if node.needs(0):
        gx = rstd * (u - u.mean(others, True) - h * (u * h).mean(others, True)) if training else rstd * u
    return gx, (g * h).sum(others) if node.needs(1) else None, g.sum(others) if node.needs(2) else None


def _in_float32(input, running_mean, running_var, weight, bias, training, momentum, eps):
    """float16 input: the same in float32; running statistics of any floating type are converted there and back."""
    wide = [t if t is None else t.to(float32) for t in (input, running_mean, running_var, weight, bias)]
    y = batch_norm(*wide, training, momentum, eps)
    if training:
        _write_back(zip((running_mean, running_var), wide[1:3]))
    return y.to(input.dtype)


def _write_back(pairs):
    with no_grad():
        for own, changed in pairs:
            if own is not changed:
                own.copy_(changed)
