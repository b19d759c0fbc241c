"""Automatic differentiation: gradients, recording modes, and functions with gradients of their own."""

from ._core import Tensor, attach, backward, enable_grad, grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .errors import ArgumentError

__all__ = ["Function", "Tensor", "Variable", "backward", "detect_anomaly", "enable_grad", "grad", "inference_mode",
           "is_grad_enabled", "no_grad", "set_grad_enabled"]

Variable = Tensor


class _Context:
    """What forward leaves for backward."""

    def __init__(self):
        self._to_save, self.needs_input_grad, self._node, self._other = (), (), None, set()

    def save_for_backward(self, *tensors):
        """Keep tensors (inputs or outputs) for backward; changes to them in between are noticed."""
        self._to_save = tensors

    @property
    def saved_tensors(self):
        """The tensors of save_for_backward."""
        return self._node.saved if self._node is not None else self._to_save

    def mark_non_differentiable(self, *outputs):
        """Outputs that take no gradient."""
        self._other = {id(t) for t in outputs}

    def mark_dirty(self, *inputs):
        """Inputs that forward changed in place."""

    def set_materialize_grads(self, value):
        """Whether missing gradients arrive as zeros (they arrive as None unless the output is single)."""


class Function:
    """An operation with a gradient rule written by its user.

    Subclass it with two static methods, ``forward(ctx, *inputs)`` and ``backward(ctx, *grad_outputs)``, and call
    ``apply``. backward gives one gradient (or None) for each input of forward.

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

    @staticmethod
    def forward(ctx, *args):
        raise ArgumentError("Function: a subclass needs a static method forward(ctx, *inputs)")

    @staticmethod
    def backward(ctx, *grads):
        raise ArgumentError("Function: a subclass needs a static method backward(ctx, *grad_outputs)")

    @classmethod
    def apply(cls, *args):
        """Run forward, and put its result on the tape with this class's backward."""
        ctx = _Context()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        with no_grad():
            out = cls.forward(ctx, *args)
        inputs = tuple(a if isinstance(a, Tensor) else None for a in args)
        single = not isinstance(out, tuple)
        outs = (out,) if single else out
        # an input that is handed out unchanged must not be mistaken for the result
        outs = tuple(o.detach() if isinstance(o, Tensor) and any(o is a for a in args) else o for o in outs)
        marked = tuple(o for o in outs if isinstance(o, Tensor) and id(o) not in ctx._other)

        wanted = tuple(isinstance(o, Tensor) and id(o) not in ctx._other for o in outs)

        def run_backward(node, *grads):
            ctx._node = node
            arrived = iter(grads)
            result = cls.backward(ctx, *[next(arrived) if w else None for w in wanted])
            result = result if isinstance(result, tuple) else (result,)
            if len(result) < len(inputs):
                raise ArgumentError(f"{cls.__name__}.backward: expected {len(inputs)} gradients (one an input of forward), got "
                                    f"{len(result)}")
            return result[:len(inputs)]

        run_backward.__name__ = cls.__name__ + "_backward"
        attach(marked if len(marked) != 1 else marked[0], inputs, run_backward, tuple(ctx._to_save))
        return outs[0] if single else outs


class detect_anomaly:
    """Accepted for PyTorch's sake: gradient rules here already name the operation that failed."""

    def __init__(self, mode=True, check_nan=True):
        self.mode = mode

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return False


def set_detect_anomaly(mode, check_nan=True):
    """Accepted for PyTorch's sake; see detect_anomaly."""
    return detect_anomaly(mode)
