"""Jacobians, Hessians and their products with vectors, by backward passes."""

from .. import _core
from .._core import Tensor, enable_grad, grad
from ..errors import ArgumentError, GradError

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _tuple(x, name, where):
    """(tuple of tensors, was it one)"""
    many = isinstance(x, (tuple, list))
    xs = tuple(x) if many else (x,)
    for i, t in enumerate(xs):
        if not isinstance(t, Tensor):
            raise TypeError(f"The {name} given to {where} must be either a Tensor or a tuple of Tensors but the value at index {i} has "
                            f"type {type(t).__name__}.")  # fmt: skip
    return xs, many


def _watched(inputs, create_graph):
    """Inputs of which gradients can be asked: on the tape of their own history if that is to go on."""
    return tuple((x.view_as(x) if x.requires_grad else x.detach().requires_grad_()) if create_graph else
                 x.detach().clone().requires_grad_() for x in inputs)  # fmt: skip


def _call(func, inputs, name):
    out, many = _tuple(func(*inputs), "outputs of the user-provided function", name)
    return out, many


def _vectors(v, like, many, what):
    """The vectors of a product, checked; None stands for 1 where there is one element."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise ArgumentError(f"The vector v can only be None if the {what} is a single Tensor with a single element")
        return (_core.ones_like(like[0]),)
    vs, _ = _tuple(v, "v", what)
    if len(vs) != len(like):
        raise ArgumentError(f"v: got {len(vs)} tensors for {len(like)} of the {what}")
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if tuple(a.shape) != tuple(b.shape):
            raise ArgumentError(f"Entry {i} in v has invalid size: should be {list(b.shape)} but got {list(a.shape)}.")
    return vs


def _grad(outs, inputs, seeds, create_graph, strict=False, name=""):
    """Gradients with zeros where nothing flows (strict: that is an error)."""
    live = [(o, s) for o, s in zip(outs, seeds, strict=True) if o.requires_grad]
    found = [None] * len(inputs)
    if live:
        found = grad([o for o, _ in live], inputs, [s for _, s in live], create_graph=create_graph, retain_graph=True, allow_unused=True)
    if strict and any(g is None for g in found):
        raise GradError(f"{name}: the output of the user-provided function is independent of an input. This is not allowed in strict mode.")
    return tuple(_core.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True))


def _done(values, create_graph, many):
    values = tuple(v if create_graph else v.detach() for v in values)
    return values if many else values[0]


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), v^T J): the product of a vector with the Jacobian, one backward pass.

    Arguments:
        func: of tensors, gives a tensor or a tuple; inputs: a tensor or a tuple.
        v: shaped as the outputs (None for one number); create_graph: record what is computed here; strict: refuse outputs that do
            not depend on an input.

    >>> import udlfast as torch
    >>> torch.autograd.functional.vjp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.tensor([1., 1.]))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    with enable_grad():
        xs, many = _tuple(inputs, "inputs", "vjp")
        xs = _watched(xs, create_graph)
        outs, many_out = _call(func, xs, "vjp")
        result = _grad(outs, xs, _vectors(v, outs, many_out, "output of the user-provided function"), create_graph, strict, "vjp")
    return _done(outs, create_graph, many_out), _done(result, create_graph, many)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), J v): the product of the Jacobian with a vector, by two backward passes.

    u^T J is linear in u, so its derivative with respect to u, times v, is J v.

    Arguments as vjp; v is shaped as the inputs.

    >>> import udlfast as torch
    >>> torch.autograd.functional.jvp(lambda x: x ** 2, torch.tensor([1., 2.]), torch.tensor([1., 0.]))
    (tensor([1., 4.]), tensor([2., 0.]))
    """
    with enable_grad():
        xs, _ = _tuple(inputs, "inputs", "jvp")
        xs = _watched(xs, create_graph)
        vs = _vectors(v, xs, True, "input to the user-provided function")
        outs, many_out = _call(func, xs, "jvp")
        us = tuple(_core.zeros_like(o).requires_grad_() for o in outs)
        rows = _grad(outs, xs, us, True, strict, "jvp")
        result = _grad(rows, us, vs, create_graph)
    return _done(outs, create_graph, many_out), _done(result, create_graph, many_out)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """d func(inputs) / d inputs, of shape output + input: one backward pass for each element of the output.

    Arguments as vjp; vectorize, strategy: accepted for compatibility ("forward-mode" gives the same numbers).
    Returns a tensor, or a tuple for several inputs (outer: for several outputs).

    >>> import udlfast as torch
    >>> torch.autograd.functional.jacobian(lambda x: x ** 2, torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    from .. import ops

    stack = ops.function("stack")
    with enable_grad():
        xs, many = _tuple(inputs, "inputs", "jacobian")
        xs = _watched(xs, create_graph)
        outs, many_out = _call(func, xs, "jacobian")
        table = []
        for out in outs:
            for x in xs:
                _core.empty((out.numel(), *x.shape), dtype=x.dtype)  # what is beyond memory is refused before the work, not after
            rows = []
            for i in range(out.numel()):
                seed = _core.zeros(out.numel(), dtype=out.dtype)
                seed[i] = 1.0
                rows.append(_grad((out,), xs, (seed.view(*out.shape),), create_graph, strict, "jacobian"))
            shape = tuple(out.shape)
            parts = [stack([r[k] for r in rows]).view(*shape, *x.shape) if rows else _core.zeros((*shape, *x.shape), dtype=x.dtype)
                     for k, x in enumerate(xs)]  # fmt: skip
            table.append(_done(parts, create_graph, many))
    return tuple(table) if many_out else table[0]


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The second derivatives of a function that gives one number, of shape input + input (a tuple of tuples for several).

    Arguments as jacobian.

    >>> import udlfast as torch
    >>> torch.autograd.functional.hessian(lambda x: (x ** 3).sum(), torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    _, many = _tuple(inputs, "inputs", "hessian")

    def slope(*xs):
        out, _ = _call(func, xs, "hessian")
        _single(out, "hessian")
        found = jacobian(func, xs, create_graph=True, strict=strict)
        return tuple(g.reshape(x.shape) for g, x in zip(found, xs, strict=True))

    found = jacobian(slope, tuple(inputs) if many else (inputs,), create_graph=create_graph, strict=strict)
    return found if many else found[0][0]


def _single(outs, name):
    if len(outs) != 1 or outs[0].numel() != 1:
        raise GradError(f"The function given to {name} should return a single Tensor with a single element, got "
                        f"{[list(o.shape) for o in outs]}")  # fmt: skip


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), v^T H) of a function that gives one number. Arguments as vjp, v shaped as the inputs."""
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), H v) of a function that gives one number; the same as vhp, as H is symmetric."""
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(name, func, inputs, v, create_graph, strict):
    with enable_grad():
        xs, many = _tuple(inputs, "inputs", name)
        xs = _watched(xs, create_graph)
        vs = _vectors(v, xs, many, "input to the user-provided function")
        outs, many_out = _call(func, xs, name)
        _single(outs, name)
        slope = _grad(outs, xs, tuple(_core.ones_like(o) for o in outs), True, strict, name)
        result = _grad(slope, xs, vs, create_graph, strict, name)
    return _done(outs, create_graph, many_out), _done(result, create_graph, many)
