"""Functions of functions: gradients, Jacobians, products, and a loop that looks like vmap."""

import functools

from . import _core
from ._core import Tensor, enable_grad
from ._core import grad as _grad_of
from .errors import ArgumentError, ShapeError
from .nn._stateless import functional_call, stack_module_state

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "stack_module_state", "vjp",
           "vmap"]  # fmt: skip

DEPTH = 0  # how many transforms are at work: inside another one, what is computed must stay on the tape


# ---- structures of tensors ---------------------------------------------------------------------------------------------
def flatten(tree):
    """(leaves, rebuild): the tensors of nested tuples, lists and dicts, and the function that puts others in their places."""
    if isinstance(tree, (tuple, list)):
        parts = [flatten(t) for t in tree]
        make = type(tree)._make if hasattr(tree, "_make") else type(tree)

        def rebuild(values):
            values, done = iter(values), []
            for leaves, inner in parts:
                done.append(inner([next(values) for _ in leaves]))
            return make(done)

        return [x for leaves, _ in parts for x in leaves], rebuild
    if isinstance(tree, dict):
        leaves, inner = flatten(list(tree.values()))
        return leaves, lambda values: type(tree)(zip(tree, inner(values), strict=True))
    return [tree], lambda values: values[0]


def _watch(tree, keep):
    """The structure with tensors of which gradients can be asked."""
    leaves, rebuild = flatten(tree)
    for x in leaves:
        if not isinstance(x, Tensor):
            raise ArgumentError(f"torch.func: expected Tensors in the arguments to differentiate, got {type(x).__name__}")
        if not x.is_floating_point():
            raise ArgumentError(f"torch.func: only floating-point tensors have gradients, got {x.dtype}; choose others by argnums")
    watched = [x.view_as(x) if keep and x.requires_grad else x.detach().requires_grad_() for x in leaves]
    return watched, rebuild


def _reaches_beyond(outs, own):
    """Does the tape behind `outs` lead to leaves other than `own`?"""
    mine, seen = {id(x) for x in own}, set()
    stops = {id(x.grad_fn) for x in own if x.grad_fn is not None}
    todo = [o.grad_fn for o in outs if o.grad_fn is not None]
    if any(o.is_leaf and o.requires_grad and id(o) not in mine for o in outs):
        return True
    while todo:
        node = todo.pop()
        if id(node) in seen or id(node) in stops:
            continue
        seen.add(id(node))
        if hasattr(node, "variable"):
            if id(node.variable) not in mine:
                return True
            continue
        todo += [n for n, _ in node.next_functions or () if n is not None]
    return False


class _Level:
    """A transform at work."""

    def __enter__(self):
        global DEPTH
        DEPTH += 1
        self.mode = enable_grad()
        self.mode.__enter__()
        return self

    def __exit__(self, *exc):
        global DEPTH
        DEPTH -= 1
        self.mode.__exit__(*exc)
        return False


def _gradients(outs, inputs, seeds, create_graph):
    live = [(o, s) for o, s in zip(outs, seeds, strict=True) if o.requires_grad]
    if not live:
        return [_core.zeros_like(x) for x in inputs]
    found = _grad_of([o for o, _ in live], inputs, [s for _, s in live], create_graph=create_graph, retain_graph=True, allow_unused=True)
    return [_core.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def _release(values, keep):
    """Results leave the outermost transform cut off from the tape, unless they depend on tensors outside."""
    return [v if keep or not isinstance(v, Tensor) else v.detach() for v in values]


def _chosen(args, argnums):
    """(positions, the chosen arguments, a function that puts others in their places)"""
    single = isinstance(argnums, int)
    where = [argnums] if single else list(argnums)
    for i in where:
        if not -len(args) <= i < len(args):
            raise ArgumentError(f"torch.func: argnums {i} with {len(args)} positional arguments")
    where = [i % len(args) for i in where]

    def put(values):
        full = list(args)
        for i, v in zip(where, values, strict=True):
            full[i] = v
        return full

    return single, tuple(args[i] for i in where), put


# ---- gradients -----------------------------------------------------------------------------------------------------------
def grad_and_value(func, argnums=0, has_aux=False):
    """A function that gives (gradient, value) of func, which gives one number (or, with has_aux, a pair of it and anything).

    >>> import udlfast as torch
    >>> torch.func.grad_and_value(lambda x: (x ** 2).sum())(torch.tensor([3.]))
    (tensor([6.]), tensor(9.))
    """

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        single, some, put = _chosen(args, argnums)
        with _Level():
            xs, rebuild = _watch(some, True)
            out = func(*put(rebuild(xs)), **kwargs)
            aux = None
            if has_aux:
                if not isinstance(out, tuple) or len(out) != 2:
                    raise ArgumentError("grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) with has_aux")
                out, aux = out
            if not isinstance(out, Tensor):
                raise ArgumentError(f"grad_and_value(f)(*args): Expected f(*args) to return a tensor, got {type(out).__name__}")
            if out.ndim != 0:
                raise ArgumentError(f"grad_and_value(f)(*args): Expected f(*args) to return a scalar tensor, got tensor with {out.ndim} "
                                    f"dims. Maybe you wanted to use the vjp or jacrev APIs instead?")  # fmt: skip
            keep = DEPTH > 1 or any(x.grad_fn is not None for x in xs) or _reaches_beyond([out], xs)
            grads = _gradients([out], xs, [_core.ones_like(out)], keep)
        grads = rebuild(_release(grads, keep))
        (value,) = _release([out], keep)
        grads = grads[0] if single else grads
        if has_aux:
            leaves, again = flatten(aux)
            return grads, (value, again(_release(leaves, keep)))
        return grads, value

    return wrapped


def grad(func, argnums=0, has_aux=False):
    """A function that gives the gradient of func, which gives one number. grad(grad(f)) is the second derivative.

    Arguments:
        func: of tensors, or structures of them; argnums: which argument (or arguments); has_aux: func gives (number, anything), and
            the new function (gradient, anything).

    >>> import udlfast as torch
    >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(0.5)).item() == -torch.sin(torch.tensor(0.5)).item()
    True
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        g, value = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return wrapped


def vjp(func, *primals, has_aux=False):
    """(func(*primals), f): f(v) is the product v^T J, as a tuple with one entry a primal.

    >>> import udlfast as torch
    >>> out, f = torch.func.vjp(torch.sin, torch.zeros(2))
    >>> f(torch.ones(2))
    (tensor([1., 1.]),)
    """
    with _Level():
        xs, rebuild = _watch(primals, True)
        out = func(*rebuild(xs))
        aux = None
        if has_aux:
            out, aux = out
        outs, again = flatten(out)
        keep = DEPTH > 1 or any(x.grad_fn is not None for x in xs) or _reaches_beyond(outs, xs)

    def product(cotangents, retain_graph=True, create_graph=None):
        seeds, _ = flatten(cotangents)
        if len(seeds) != len(outs):
            raise ArgumentError(f"vjp: the function has {len(outs)} outputs, got {len(seeds)} cotangents")
        for s, o in zip(seeds, outs, strict=True):
            if tuple(s.shape) != tuple(o.shape):
                raise ShapeError(f"vjp: a cotangent of shape {list(s.shape)} for an output of shape {list(o.shape)}")
        recorded = keep or DEPTH > 0 or any(s.requires_grad for s in seeds)
        with enable_grad():
            found = _gradients(outs, xs, seeds, recorded)
        return rebuild(_release(found, recorded))

    value = again(_release(outs, keep))
    return (value, product, aux) if has_aux else (value, product)


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(func(*primals), J tangents), by two backward passes: v^T J is linear in v, and its derivative along v is J.

    >>> import udlfast as torch
    >>> torch.func.jvp(lambda x: x ** 2, (torch.tensor([3.]),), (torch.tensor([1.]),))
    (tensor([9.]), tensor([6.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise ArgumentError("jvp: primals and tangents must be tuples")
    with _Level():
        xs, rebuild = _watch(primals, True)
        ts, _ = flatten(tangents)
        if [tuple(t.shape) for t in ts] != [tuple(x.shape) for x in xs]:
            raise ShapeError(f"jvp: tangents of shapes {[list(t.shape) for t in ts]} for primals {[list(x.shape) for x in xs]}")
        out = func(*rebuild(xs))
        aux = None
        if has_aux:
            out, aux = out
        outs, again = flatten(out)
        keep = DEPTH > 1 or any(x.grad_fn is not None for x in xs) or any(t.requires_grad for t in ts) or _reaches_beyond(outs, xs)
        us = [_core.zeros_like(o).requires_grad_() for o in outs]
        rows = _gradients(outs, xs, us, True)
        results = _gradients(rows, us, ts, keep)
    value, result = again(_release(outs, keep)), again(_release(results, keep))
    return (value, result, aux) if has_aux else (value, result)


def linearize(func, *primals):
    """(func(*primals), f): f(*tangents) is the product J tangents at these primals."""
    value = func(*primals)
    return value, lambda *tangents: jvp(func, primals, tangents)[1]


# ---- Jacobians --------------------------------------------------------------------------------------------------------------
def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """A function that gives the Jacobian of func, of shape output + input: one backward pass for each element of the output.

    >>> import udlfast as torch
    >>> torch.func.jacrev(torch.square)(torch.tensor([1., 2.]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    from .ops.joining import stack

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        single, some, put = _chosen(args, argnums)
        with _Level():
            xs, rebuild = _watch(some, True)
            out = func(*put(rebuild(xs)), **kwargs)
            aux = None
            if has_aux:
                out, aux = out
            outs, again = flatten(out)
            keep = DEPTH > 1 or any(x.grad_fn is not None for x in xs) or _reaches_beyond(outs, xs)
            table = []
            for o in outs:
                for x in xs:
                    _core.empty((o.numel(), *x.shape), dtype=x.dtype)  # what is beyond memory is refused before the work, not after
                rows = []
                for i in range(o.numel()):
                    seed = _core.zeros(o.numel(), dtype=o.dtype)
                    seed[i] = 1.0
                    rows.append(_gradients([o], xs, [seed.view(*o.shape)], keep))
                shape = tuple(o.shape)
                parts = [stack([r[k] for r in rows]).view(*shape, *x.shape) if rows else _core.zeros((*shape, *x.shape), dtype=x.dtype)
                         for k, x in enumerate(xs)]  # fmt: skip
                part = rebuild(_release(parts, keep))
                table.append(part[0] if single else part)
        result = again(table)
        return (result, aux) if has_aux else result

    return wrapped


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """As jacrev: there is no forward mode here, the numbers are the same."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func, argnums=0):
    """A function that gives the second derivatives: jacrev of jacrev.

    >>> import udlfast as torch
    >>> torch.func.hessian(lambda x: (x ** 3).sum())(torch.tensor([1., 2.]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


# ---- vmap ---------------------------------------------------------------------------------------------------------------------
def _axes(axes, tree):
    """One axis (or None) for each leaf of the structure."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(flatten(tree)[0])
    if isinstance(axes, dict):
        return [a for k in tree for a in _axes(axes[k], tree[k])]
    if len(axes) != len(tree):
        raise ArgumentError(f"vmap: in_dims {axes!r} does not have the structure of the arguments")
    return [a for d, t in zip(axes, tree, strict=True) for a in _axes(d, t)]


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """A function that applies func to every slice of its arguments and stacks the results.

    It is a Python loop over the slices: it saves writing the loop, not time. Where an operation takes batches itself, use that.

    Arguments:
        func: of tensors, or structures of them.
        in_dims: the dimension over which to map, None for arguments that every call gets whole; or a structure of these.
        out_dims: where the new dimension goes in the results.
        randomness: "error", "different" or "same": with "same" every call draws the same numbers; else each draws its own.
        chunk_size: accepted for compatibility.

    >>> import udlfast as torch
    >>> torch.vmap(torch.dot)(torch.ones(3, 2), torch.ones(3, 2))
    tensor([2., 2., 2.])
    """
    if randomness not in ("error", "different", "same"):
        raise ArgumentError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")

    @functools.wraps(func)
    def wrapped(*args, **kwargs):
        leaves, rebuild = flatten(args)
        dims = _axes(in_dims if not isinstance(in_dims, list) else tuple(in_dims), args)
        dims = [d if isinstance(x, Tensor) else None for d, x in zip(dims, leaves, strict=True)]
        for d, x in zip(dims, leaves, strict=True):
            if d is not None and not -x.ndim <= d < x.ndim:
                raise ArgumentError(f"vmap: in_dim {d} is out of range for an argument of {x.ndim} dimensions")
        sizes = {x.shape[d] for d, x in zip(dims, leaves, strict=True) if d is not None}
        named, again = flatten(kwargs)
        sizes |= {x.shape[0] for x in named if isinstance(x, Tensor) and x.ndim}
        if len(sizes) != 1:
            what = f"inconsistent sizes {sorted(sizes)}" if sizes else "no argument to map over"
            raise ArgumentError(f"vmap: Expected all tensors to have the same size in the mapped dimension, got {what}")
        outs = []
        for i in range(sizes.pop()):
            part = [x if d is None else x.select(d, i) for d, x in zip(dims, leaves, strict=True)]
            more = [x.select(0, i) if isinstance(x, Tensor) and x.ndim else x for x in named]
            outs.append(_seeded(randomness, i, lambda part=part, more=more: func(*rebuild(part), **again(more))))
        return _stacked(outs, out_dims)

    return wrapped


def _seeded(randomness, i, call):
    if randomness != "same" or i == 0:
        _seeded.state = _core.default_generator.get_state() if randomness == "same" else None
        return call()
    _core.default_generator.set_state(_seeded.state)
    return call()


def _stacked(outs, out_dims):
    from .ops.joining import stack

    if not outs:
        raise ArgumentError("vmap: the mapped dimension is empty, so there is no result to learn the shape of the output from")
    flat = [flatten(o) for o in outs]
    first, rebuild = flat[0]
    where = _axes(out_dims, outs[0]) if isinstance(out_dims, tuple) else [out_dims] * len(first)
    for x in first:
        if not isinstance(x, Tensor):
            raise ArgumentError(f"vmap: the function must return Tensors, got {type(x).__name__}")
    columns = zip(*(leaves for leaves, _ in flat), strict=True)
    return rebuild([column[0] if d is None else stack(column, d) for d, column in zip(where, columns, strict=True)])
