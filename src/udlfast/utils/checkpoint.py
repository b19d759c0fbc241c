"""Less memory for one more forward pass: parts of a network whose inner results are computed again when gradients are needed."""

import contextlib
import warnings

from .. import _core
from .._core import Tensor, attach, enable_grad, grad, no_grad
from ..errors import ArgumentError

__all__ = ["checkpoint", "checkpoint_sequential", "get_device_states", "noop_context_fn", "set_checkpoint_debug_enabled",
           "set_checkpoint_early_stop", "set_device_states"]  # fmt: skip


def noop_context_fn():
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False, early_stop=True,
               **kwargs):  # fmt: skip
    """function(*args, **kwargs), of which only the inputs are kept; backward runs it again.

    Arguments:
        function: any function of tensors (and of parameters that it holds), that gives a tensor or a tuple of them.
        use_reentrant: True: the result requires a gradient only if an argument does, and backward() is the way to it;
            False: parameters alone are enough, and torch.autograd.grad works too. None: as True, with a warning.
        context_fn: gives two contexts, for the forward pass and for its repetition (use_reentrant=False).
        preserve_rng_state: draw the same random numbers again (default).
        determinism_check, debug, early_stop: accepted for compatibility.

    Example:
        >>> import udlfast as torch
        >>> layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2, requires_grad=True)
        >>> torch.utils.checkpoint.checkpoint(layer, x, use_reentrant=False).sum().backward()
        >>> layer.bias.grad
        tensor([1., 1.])

    Source: Chen et al. 2016.
    """
    preserve = kwargs.pop("preserve_rng_state", True)
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. use_reentrant=False is "
                      "recommended.", stacklevel=2)  # fmt: skip
        use_reentrant = True
    if use_reentrant and (kwargs or context_fn is not noop_context_fn):
        raise ArgumentError(f"checkpoint: with use_reentrant=True there are no keyword arguments and no context_fn, got {sorted(kwargs)}")
    first, again = context_fn()
    run = Segment(function, kwargs, preserve, again)
    if not _core.is_grad_enabled():
        with first:
            return function(*args, **kwargs)
    if use_reentrant:
        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)
        with no_grad():
            out = function(*args)
        return run.record(out, args, None)
    with first:
        inside = run.inputs(args)
        out = function(*inside, **kwargs)
    return run.record(out, args, leaves_of(out, inside))


class Segment:
    """A function and what it takes to run it again as it ran first."""

    def __init__(self, function, kwargs, preserve, context):
        self.function, self.kwargs, self.context = function, kwargs, context
        self.random = _core.default_generator.get_state() if preserve else None
        self.cast = _core.get_autocast()

    @staticmethod
    def inputs(args, keep=False):
        """The arguments with tensors of which gradients can be asked, cut off from their history unless it is kept."""
        return [(a.view_as(a) if keep else a.detach().requires_grad_()) if isinstance(a, Tensor) and a.requires_grad else a for a in args]

    def record(self, out, args, leaves):
        """The outputs on the tape, as functions of the arguments and of the leaves."""
        outs = out if isinstance(out, tuple) else (out,)
        outs = tuple(o.detach() if isinstance(o, Tensor) else o for o in outs)
        marked = tuple(o for o in outs if isinstance(o, Tensor) and o.is_floating_point())
        tensors = tuple(a for a in args if isinstance(a, Tensor))
        if marked:
            rest = [None if isinstance(a, Tensor) else a for a in args]
            wanted = [isinstance(o, Tensor) and o.is_floating_point() for o in outs]
            rule = self.rule(rest, [isinstance(a, Tensor) for a in args], wanted)
            self.leaves = leaves
            attach(marked if len(marked) > 1 else marked[0], (*tensors, *(leaves or ())), rule, tensors)
        return outs if isinstance(out, tuple) else outs[0]

    def rule(self, rest, is_tensor, wanted):
        def checkpoint_backward(node, *seeds):
            saved = iter(node.saved)
            args = [next(saved) if t else r for t, r in zip(is_tensor, rest, strict=True)]
            keep = _core.is_grad_enabled()
            inside = self.inputs(args, keep)
            outs = self.repeat(inside)
            pairs = [(o, g) for o, g in zip((o for o, w in zip(outs, wanted, strict=True) if w), seeds, strict=True)
                     if g is not None and o.requires_grad]  # fmt: skip
            tensors = [a for a, t in zip(inside, is_tensor, strict=True) if t]
            if self.leaves is None and not keep:  # what the function holds gets its gradients here, as PyTorch's reentrant form does
                return self.reentrant(pairs, tensors)
            asked = [t for t in (*tensors, *(self.leaves or ())) if t.requires_grad]
            found = iter(grad([o for o, _ in pairs], asked, [g for _, g in pairs], allow_unused=True, create_graph=keep,
                              retain_graph=True) if pairs else [None] * len(asked))  # fmt: skip
            return tuple(next(found) if t.requires_grad else None for t in (*tensors, *(self.leaves or ())))

        return checkpoint_backward

    @staticmethod
    def reentrant(pairs, tensors):
        for t in tensors:
            if t.requires_grad:
                t.grad = None
        if pairs:
            _core.backward([o for o, _ in pairs], [g for _, g in pairs])
        return tuple(t.grad if t.requires_grad else None for t in tensors)

    def repeat(self, args):
        """The outputs once more, recorded, with the random numbers and the element types of the first time."""
        now = _core.default_generator.get_state() if self.random is not None else None
        cast = _core.set_autocast(self.cast)
        if now is not None:
            _core.default_generator.set_state(self.random)
        try:
            with enable_grad(), self.context:
                out = self.function(*args, **self.kwargs)
        finally:
            _core.set_autocast(cast)
            if now is not None:
                _core.default_generator.set_state(now)
        return out if isinstance(out, tuple) else (out,)


def leaves_of(out, inputs):
    """The leaves that the outputs depend on, other than the inputs."""
    mine, seen, leaves = {id(x) for x in inputs}, set(), []
    outs = out if isinstance(out, tuple) else (out,)
    todo = [o.grad_fn for o in outs if isinstance(o, Tensor) and o.grad_fn is not None]
    found = [o for o in outs if isinstance(o, Tensor) and o.is_leaf and o.requires_grad]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if hasattr(node, "variable"):
            found.append(node.variable)
        else:
            todo += [n for n, _ in node.next_functions or () if n is not None]
    for x in found:
        if id(x) not in mine:
            mine.add(id(x))
            leaves.append(x)
    return leaves


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """A Sequential (or list of functions) cut into segments, each but the last of which is checkpointed.

    Arguments:
        functions: a Sequential or a list; segments: how many; input: the first one's argument; use_reentrant, preserve_rng_state: as
            in checkpoint.
    """
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be given.", stacklevel=2)
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"checkpoint_sequential: Unexpected keyword arguments: {','.join(kwargs)}")
    functions = list(functions)
    size = len(functions) // segments

    def run(part):
        def forward(x):
            for f in part:
                x = f(x)
            return x

        return forward

    for i in range(segments - 1):
        input = checkpoint(run(functions[i * size : (i + 1) * size]), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return run(functions[(segments - 1) * size :])(input)


def set_checkpoint_debug_enabled(enabled):
    """A block that changes nothing: there is no debug mode."""
    return contextlib.nullcontext()


def set_checkpoint_early_stop(enable):
    """A block that changes nothing: the repetition always runs to its end."""
    return contextlib.nullcontext()


def get_device_states(*args):
    """No devices have random states of their own."""
    return [], []


def set_device_states(devices, states, *, device_type=None):
    """Nothing to set: what get_device_states gave."""
