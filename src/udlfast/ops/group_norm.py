"""Group and instance normalization: instances are groups of one channel."""
from .._core import (
    K_group_norm,
    K_group_norm_backward,
    K_layer_norm,
    K_layer_norm_backward,
    attach,
    call,
    empty,
    empty_like,
    float16,
    float32,
    is_grad_enabled,
    no_grad,
)
from ..errors import ArgumentError, ShapeError
from ._common import exact, exact_type, floating, kinds_of, same_type, typed, whole
from .batch_norm import batch_norm


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """Normalize every example by the mean and variance of each group of its channels.

    y = (x - mean) / sqrt(var + eps) weight + bias; mean and (biased) variance over the channels of a group and all
    positions, weight and bias for each channel

    Args:
        input: [N, C, *], floating point
        num_groups: how many groups; divides C
        weight, bias: [C] or None
        eps: added to the variance
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit, DTypeError for other element types, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1., 3., 2., 6.]]), 2, eps=0.).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]

    Source: Wu and He 2018; Understanding Deep Learning, section 11.4.
    """
    op = "group_norm"
    shape = _channels(op, input, weight, bias)
    num_groups = whole(op, "num_groups", num_groups, 1)
    if shape[1] % num_groups:
        raise ShapeError(f"{op}: num_groups {num_groups} must divide the {shape[1]} channels of input {list(shape)}")
    if input.dtype is float16:
        wide = [t if t is None else t.to(float32) for t in (weight, bias)]
        return group_norm(input.to(float32), num_groups, *wide, eps).to(input.dtype)
    return _grouped(input, num_groups, weight, bias, eps)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
                  momentum=0.1, eps=1e-5):
    """Normalize every channel of every example by its own mean and variance.

    y = (x - mean) / sqrt(var + eps) weight + bias; mean and (biased) variance over the positions of one channel

    Args:
        input: [N, C, *] with at least one position axis, floating point
        running_mean, running_var: [C] or None; move by momentum towards this batch's average, in place
        weight, bias: [C] or None
        use_input_stats: False normalizes by the running statistics instead
        momentum: the share of this batch in the running statistics
        eps: added to the variance
    Returns: the shape of input
    Raises: ShapeError for sizes that do not fit or a single position, DTypeError, ArgumentError

    >>> import udlfast as torch
    >>> torch.nn.functional.instance_norm(torch.tensor([[[1., 3.], [2., 6.]]]), eps=0.).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]

    Source: Ulyanov, Vedaldi and Lempitsky 2016.
    """
    op = "instance_norm"
    shape = _channels(op, input, weight, bias)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ArgumentError(f"{op}: running_mean and running_var are needed when use_input_stats is False")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    if len(shape) < 3:
        raise ShapeError(f"{op}: expected input [N, C, positions...] with at least 3 dimensions, got {list(shape)}")
    L = input.numel() // max(1, shape[0] * shape[1])
    if L == 1 and input.numel():
        raise ShapeError(f"{op}: expected more than 1 position per channel, got input {list(shape)}")
    if input.numel() and running_mean is not None:
        _move(running_mean, running_var, input.detach(), L, momentum)
    if input.dtype is float16:
        wide = [t if t is None else t.to(float32) for t in (weight, bias)]
        return _grouped(input.to(float32), shape[1], *wide, eps).to(input.dtype)
    return _grouped(input, shape[1], weight, bias, eps)


def _channels(op, input, weight, bias):
    """The shape of input; refuses weight and bias that are not one number per channel."""
    floating(op, input)
    shape = tuple(input.shape)
    if len(shape) < 2:
        raise ShapeError(f"{op}: expected input [N, C, ...] with at least 2 dimensions, got {list(shape)}")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None:
            if not input.dtype.narrow:  # float32 weights will do for it
                same_type(op, input, t, name)
            if tuple(t.shape) != (shape[1],):
                raise ShapeError(f"{op}: expected {name} [{shape[1]}] for input {list(shape)} with {shape[1]} "
                                 f"channels, got {list(t.shape)}")
    return shape


FEW = 16  # positions: with fewer of them a group is one row with a factor for each element, not channels with one factor each


def _grouped(input, G, weight, bias, eps):
    if input.numel() == 0:
        return _scaled(input.clone(), weight, bias)
    x = input.contiguous()
    N, C = x.shape[:2]
    L = x.numel() // (N * C)
    w, b = (None if t is None else t.contiguous() for t in (weight, bias))
    y, mean, rstd = empty_like(x), empty((N * G,), exact_type(x)), empty((N * G,), exact_type(x))
    if L < FEW:
        factors = _per_element(exact(w), L), _per_element(exact(b), L)
        call(K_layer_norm, (y, mean, rstd, x, *factors), (x.dtype.code, N * G, C // G * L, G), (eps,))
    else:
        call(K_group_norm, (y, mean, rstd, x, exact(w), exact(b)), (x.dtype.code, N, C, G, L), (eps,))
    return attach(y, (x, w, b), group_norm_backward, saved=(x, w, mean, rstd), args=(N, C, G, L, eps, *kinds_of(w, b)))


def group_norm_backward(node, g):
    """With h = (x - mean) rstd: gb = sum of g over batch and positions, gw = that of g h, and with u = g w
    gx = rstd (u - mean(u) - h mean(u h)), the means over the group."""
    x, w, mean, rstd = node.saved
    N, C, G, L, _, *kinds = node.args
    kind = exact_type(x)
    if is_grad_enabled():  # under create_graph the rule itself goes on the tape
        return typed(_recorded(node, g.to(kind), x.to(kind), w if w is None else w.to(kind)), x.dtype, *kinds)
    g = g.contiguous()
    gx = empty_like(x) if node.needs(0) else None
    if L >= FEW:
        gw, gb = (empty((C,), kind) if node.needs(i) else None for i in (1, 2))
        call(K_group_norm_backward, (gx, gw, gb, g, x, exact(w), mean, rstd), (x.dtype.code, N, C, G, L), ())
        return typed((gx, gw, gb), x.dtype, *kinds)
    gw, gb = (empty((C, L), kind) if node.needs(i) else None for i in (1, 2))
    call(K_layer_norm_backward, (gx, gw, gb, g, x, _per_element(exact(w), L), mean, rstd), (x.dtype.code, N * G, C // G * L, G), ())
    return typed((gx, *(t if t is None else t.sum(1) for t in (gw, gb))), x.dtype, *kinds)


def _per_element(v, L):
    """[C] as [C L], each number L times."""
    return v if v is None or L == 1 else v.detach().unsqueeze(1).expand(v.shape[0], L).contiguous()


def _recorded(node, g, x, w):
    """The same from differentiable parts; mean and rstd depend on x."""
    N, C, G, L, eps = node.args[:5]
    rows, upstream = x.reshape(N * G, C // G * L), g.reshape(N, C, L)
    d = rows - rows.mean(1, True)
    rstd = ((d * d).mean(1, True) + eps).rsqrt()
    h = d * rstd
    u = (upstream if w is None else upstream * w.reshape(-1, 1)).reshape(rows.shape)
    gx = (rstd * (u - u.mean(1, True) - h * (u * h).mean(1, True))).reshape(x.shape) if node.needs(0) else None
    return (gx, (upstream * h.reshape(N, C, L)).sum((0, 2)) if node.needs(1) else None,
            upstream.sum((0, 2)) if node.needs(2) else None)


def _scaled(y, weight, bias):
    """An input without elements: weight and bias stay on the tape, with gradients of zero."""
    per_channel = (-1, *(1,) * (y.ndim - 2))
    if weight is not None:
        y = y * weight.reshape(per_channel)
    return y if bias is None else y + bias.reshape(per_channel)


def _move(running_mean, running_var, x, L, momentum):
    """running = (1 - momentum) running + momentum mean over the batch of (mean, unbiased variance)"""
    with no_grad():
        x = x.to(float32) if x.dtype.narrow else x
        rows = x.reshape(x.shape[0], x.shape[1], L)
        for own, new in ((running_mean, rows.mean(2).mean(0)), (running_var, rows.var(2).mean(0))):
            own.copy_((1 - momentum) * own.to(new.dtype) + momentum * new)
