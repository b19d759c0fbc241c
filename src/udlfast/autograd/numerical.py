"""gradcheck and gradgradcheck: gradient rules against central differences."""

from .. import _core
from .._core import Tensor, grad
from ..errors import ArgumentError

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(ArgumentError):
    """A gradient that differs from the central difference."""


def _outputs(out):
    outs = tuple(out) if isinstance(out, (tuple, list)) else (out,)
    return tuple(o for o in outs if isinstance(o, Tensor) and o.is_floating_point())


def _numerical(func, inputs, which, eps):
    """d outputs / d inputs[which] by central differences: one float64 array [inputs, outputs] an output."""
    import numpy as np

    x = inputs[which]
    # a copy that is perturbed in place, so that every other tensor stays what it is
    moved = x.detach().clone()
    flat = moved.view(-1) if moved.is_contiguous() else moved.contiguous().view(-1)
    args = list(inputs)
    args[which] = moved
    columns = []
    for i in range(flat.numel()):
        at, found = flat[i].item(), []
        for step in (eps, -eps):
            flat[i] = at + step
            args[which] = flat.view(*x.shape).detach().clone().requires_grad_()
            with _core.enable_grad():
                found.append([o.detach().double().numpy().ravel().copy() for o in _outputs(func(*args))])
        flat[i] = at
        columns.append([(a - b) / (2 * eps) for a, b in zip(*found, strict=True)])
    n = len(columns[0]) if columns else 0
    return [np.stack([c[k] for c in columns]) for k in range(n)]


def _analytical(out, x, create_graph=False):
    """The same from the tape: one backward pass for each element of the output."""
    import numpy as np

    rows = []
    for i in range(out.numel()):
        seed = _core.zeros(out.numel(), dtype=out.dtype)
        seed[i] = 1.0
        (g,) = grad([out], [x], [seed.view(*out.shape)], retain_graph=True, allow_unused=True, create_graph=create_graph)
        if g is not None and tuple(g.shape) != tuple(x.shape):
            raise GradcheckError(f"grad has shape {list(g.shape)}, its input {list(x.shape)}")
        rows.append(np.zeros(x.numel()) if g is None else g.detach().double().numpy().ravel())
    return np.stack(rows, 1) if rows else np.zeros((x.numel(), 0))


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
              check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False,
              check_backward_ad=True, fast_mode=False, masked=None):  # fmt: skip
    """Whether the gradients of func's outputs agree with central differences.

    |analytical - numerical| <= atol + rtol |numerical| for every pair of elements of input and output

    Arguments:
        func: a function of tensors that gives a tensor or a tuple of them.
        inputs: a tensor or a tuple; those that require gradients are checked and should be float64.
        eps: the step; atol, rtol: as above; raise_exception: raise instead of returning False.
        nondet_tol: by how much a second backward pass may differ.
        the others: accepted for compatibility (there is no forward mode, and every check is done in full).

    Returns True. Raises GradcheckError (a RuntimeError).

    Example:
        >>> import udlfast as torch
        >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(lambda x: x ** 3, (x,))
        True
    """
    try:
        _check(func, inputs, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(func, inputs, eps, atol, rtol, nondet_tol):
    import numpy as np

    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ArgumentError("gradcheck expects at least one input tensor to require gradient, but none has requires_grad=True.")
    for i in checked:
        if inputs[i].dtype is not _core.float64:
            import warnings

            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating point. This check will likely fail if all "
                          f"the inputs are not of double precision floating point.", stacklevel=3)  # fmt: skip
        if inputs[i].numel() > 1 and any(st == 0 and s > 1 for s, st in zip(inputs[i].shape, inputs[i].stride(), strict=True)):
            raise ArgumentError(f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping")
        if inputs[i].is_leaf:
            inputs[i].retain_grad()
    outs = _outputs(func(*inputs))
    for i in checked:
        numerical = _numerical(func, inputs, i, eps)
        for k, out in enumerate(outs):
            want = numerical[k] if numerical else np.zeros((0, out.numel()))
            if not out.requires_grad:
                got = np.zeros_like(want)
            else:
                got = _analytical(out, inputs[i])
                again = _analytical(out, inputs[i]) if nondet_tol >= 0 else got
                if not np.allclose(got, again, rtol=0, atol=nondet_tol, equal_nan=True):
                    raise GradcheckError(f"Backward is not reentrant, i.e., running backward with same input and grad_output multiple "
                                         f"times gives different values: output {k}, input {i}")  # fmt: skip
            if not np.allclose(got, want, rtol=rtol, atol=atol):
                raise GradcheckError(f"Jacobian mismatch for output {k} with respect to input {i},\\nnumerical:{want}\\nanalytical:{got}")


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, gen_non_contig_grad_outputs=False,
                  raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False,
                  check_fwd_over_rev=False, check_rev_over_rev=True, fast_mode=False, masked=False):  # fmt: skip
    """gradcheck of the gradients themselves: of the function from inputs and upstream gradients to the gradients of the inputs.

    Arguments as gradcheck; grad_outputs: upstream gradients (drawn at random by default).
    """
    from .. import ops

    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    outs = tuple(o for o in _outputs(func(*inputs)) if o.requires_grad)
    if grad_outputs is None:
        grad_outputs = [ops.function("randn")(tuple(o.shape), dtype=o.dtype).requires_grad_() for o in outs]
    grad_outputs = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)
    n = len(grad_outputs)

    def gradients(*args):
        xs, gs = args[:-n], args[-n:]
        wanted = [x for x in xs if isinstance(x, Tensor) and x.requires_grad]
        found = tuple(o for o in _outputs(func(*xs)) if o.requires_grad)
        results = grad(found, wanted, list(gs), create_graph=True, allow_unused=True)
        return tuple(g for g in results if g is not None)

    return gradcheck(gradients, (*inputs, *grad_outputs), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
                     nondet_tol=nondet_tol)  # fmt: skip
