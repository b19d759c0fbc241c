"""Function: operations with gradient rules written by their users."""

import functools

from .. import _core
from .._core import Tensor, adopt, attach, no_grad
from ..errors import ArgumentError, GradError

__all__ = ["Function", "FunctionCtx", "once_differentiable"]


class FunctionCtx:
    """What forward leaves for backward. Any attribute may be set on it."""

    def __init__(self):
        self._to_save, self.needs_input_grad, self._node = (), (), None
        self._other, self._dirty, self._materialize = (), (), True

    def save_for_backward(self, *tensors):
        """Keep tensors (inputs, outputs or others; None too) for backward; changes to them in between are noticed."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward can only save variables, but argument is of type {type(t).__name__}; keep it as an "
                                f"attribute of ctx")  # fmt: skip
        self._to_save = tensors

    def save_for_forward(self, *tensors):
        """Accepted; there is no forward mode that would ask for them."""

    @property
    def saved_tensors(self):
        """The tensors of save_for_backward."""
        return self._node.saved if self._node is not None else self._to_save

    def mark_non_differentiable(self, *outputs):
        """Outputs that take no gradient."""
        self._other = outputs

    def mark_dirty(self, *inputs):
        """Inputs that forward changed in place; it must return them."""
        self._dirty = inputs

    def set_materialize_grads(self, value):
        """Whether gradients of outputs that were not used arrive as zeros (the default) or as None."""
        self._materialize = value


def once_differentiable(backward):
    """A decorator for Function.backward: nothing in it is recorded, and a gradient of its result raises."""

    @functools.wraps(backward)
    def wrapper(ctx, *grads):
        recorded = _core.is_grad_enabled()
        with no_grad():
            out = backward(ctx, *grads)
        if not recorded or not any(isinstance(g, Tensor) and g.requires_grad for g in grads):
            return out
        outs = out if isinstance(out, tuple) else (out,)
        sources = tuple(g for g in grads if isinstance(g, Tensor))
        outs = tuple(attach(g.detach(), sources, _refuse) if isinstance(g, Tensor) else g for g in outs)
        return outs if isinstance(out, tuple) else outs[0]

    return wrapper


def _refuse(node, *grads):
    raise GradError("trying to differentiate twice a function that was marked with @once_differentiable")


class Function:
    """An operation with a gradient rule written by its user.

    Subclass it with two static methods, ``forward(ctx, *inputs)`` and ``backward(ctx, *grad_outputs)``, and call
    ``apply``. backward gives one gradient (or None) for each input of forward. With a third, ``setup_context(ctx, inputs,
    output)``, forward takes no ctx.

    >>> import udlfast as torch
    >>> class Square(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x * x
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (x,) = ctx.saved_tensors
    ...         return 2 * x * g
    >>> x = torch.tensor(3., requires_grad=True)
    >>> Square.apply(x).backward()
    >>> x.grad
    tensor(6.)

    Source: the public names of PyTorch.
    """

    generate_vmap_rule = False

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grads):
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function to use it with "
                                  "backward mode AD.")  # fmt: skip

    vjp = backward

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run forward, and put its result on the tape with this class's backward."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            if cls.setup_context is Function.setup_context:
                out = cls.forward(ctx, *args, **kwargs)
            else:
                out = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, out)
        single = not isinstance(out, tuple)
        outs = (out,) if single else out
        if _core.is_grad_enabled() and any(ctx.needs_input_grad):
            outs = _on_tape(cls, ctx, args, outs)
        else:
            outs = tuple(o.detach() if isinstance(o, Tensor) and _among(o, args) and not _among(o, ctx._dirty) else o for o in outs)
        return outs[0] if single else outs


def _among(x, some):
    return any(x is a for a in some)


def _on_tape(cls, ctx, args, outs):
    """The outputs with one node behind them. Inputs handed out as they are become aliases, unless they are dirty."""
    dirty, results, saved = {}, [], list(ctx._to_save)
    for i, o in enumerate(outs):
        if isinstance(o, Tensor) and _among(o, args):
            dirty[i] = o if _among(o, ctx._dirty) else None
            alias = o.detach()
            saved = [alias if dirty[i] is not None and s is o else s for s in saved]
            o = alias
        results.append(o)
    wanted = [isinstance(o, Tensor) and o.is_floating_point() and not _among(outs[i], ctx._other) for i, o in enumerate(results)]
    marked = tuple(o for o, w in zip(results, wanted, strict=True) if w)
    if not marked:
        return tuple(results)
    rule = _rule(cls, ctx, args, [(tuple(o.shape), o.dtype) if w else None for o, w in zip(results, wanted, strict=True)])
    inputs = tuple(a if isinstance(a, Tensor) else None for a in args)
    attach(marked if len(marked) != 1 else marked[0], inputs, rule, tuple(saved))
    ctx._to_save = ()
    return tuple(adopt(dirty[i], o) if dirty.get(i) is not None else o for i, o in enumerate(results))


def _rule(cls, ctx, args, outputs):
    """The gradient rule of one call; outputs: (shape, dtype) of each, None where it takes no gradient."""
    shapes = [(tuple(a.shape), a.dtype) if isinstance(a, Tensor) else None for a in args]

    def run(node, *grads):
        arrived, full = iter(grads), []
        for about in outputs:
            g = next(arrived) if about is not None else None
            if g is None and ctx._materialize and about is not None:
                g = _core.zeros(about[0], dtype=about[1])
            full.append(g)
        ctx._node = node
        try:
            result = (cls.backward if cls.backward is not Function.backward else cls.vjp)(ctx, *full)
        finally:
            ctx._node = None
        result = tuple(result) if isinstance(result, (tuple, list)) else (result,)
        if len(result) < len(shapes) or any(g is not None for g in result[len(shapes) :]):
            raise ArgumentError(f"function {cls.__name__}Backward returned an incorrect number of gradients (expected {len(shapes)}, "
                                f"got {len(result)})")  # fmt: skip
        return tuple(_fitting(cls, i, g, about) for i, (g, about) in enumerate(zip(result, shapes, strict=False)))

    run.__name__ = cls.__name__ + "_backward"
    return run


def _fitting(cls, i, g, about):
    """A gradient in its input's shape and type (summed where it was broadcast); None for what takes none."""
    if g is None or about is None:
        return None
    if not isinstance(g, Tensor):
        raise TypeError(f"expected Variable or None (got {type(g).__name__}) from {cls.__name__}.backward")
    shape, kind = about
    if tuple(g.shape) != shape:
        try:
            g = g.sum_to_size(shape)
        except Exception:
            raise ArgumentError(f"Function {cls.__name__}Backward returned an invalid gradient at index {i} - got {list(g.shape)} but "
                                f"expected shape compatible with {list(shape)}") from None  # fmt: skip
    return g if g.dtype is kind else g.to(kind)
