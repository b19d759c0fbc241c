"""The operations that `python -m udlfast check` compares with the reference: results and gradients."""
from collections.abc import Callable
from typing import NamedTuple


class Case(NamedTuple):
    name: str
    shapes: tuple       # of the inputs, in order; normal numbers
    ours: Callable      # (F, *tensors) -> tensor
    want: Callable      # (*float64 arrays) -> array
    gradient: Callable  # (upstream array, *float64 arrays) -> arrays
    terms: int          # longest sum behind an element: the tolerance is 4 eps sqrt(terms), of the largest entry


def compare(case):
    """Run one case in float32 and float64, contiguous and transposed; returns the largest error in words."""
    import numpy as np

    worst = {}
    for dtype, eps in ((np.float32, 2.0 ** -24), (np.float64, 2.0 ** -53)):
        for transposed in (False, True):
            errors = _errors(case, dtype, transposed)
            allowed = 4 * eps * max(case.terms, 16) ** 0.5
            worst[dtype] = max(worst.get(dtype, 0.0), errors / allowed)
    if not max(worst.values()) <= 1:  # written so that NaN fails
        raise AssertionError("error is " + ", ".join(f"{w:.2g} times the allowed one in {d.__name__}"
                                                     for d, w in worst.items()))
    return "error {:.2f} (float32) and {:.2f} (float64) of the allowed one".format(*worst.values())


def _errors(case, dtype, transposed):
    """Largest difference of result and gradients from the reference, relative to the largest entry of each."""
    import numpy as np

    import udlfast
    from udlfast.nn import functional as F

    rng = np.random.default_rng(11)
    arrays = [rng.standard_normal(s).astype(dtype) for s in case.shapes]
    tensors = [udlfast.from_numpy(a).requires_grad_(True) for a in arrays]
    given = tensors
    if transposed:  # the same numbers behind other strides
        leaves = [udlfast.from_numpy(np.ascontiguousarray(a.T)).requires_grad_(True) for a in arrays]
        tensors, given = leaves, [t.permute(tuple(reversed(range(t.ndim)))) for t in leaves]
    exact = [a.astype(np.float64) for a in arrays]
    y, want = case.ours(F, *given), case.want(*exact)
    g = rng.standard_normal(np.shape(want)).astype(dtype)
    y.backward(udlfast.from_numpy(np.asarray(g)))
    grads = [t.grad.numpy().T if transposed else t.grad.numpy() for t in tensors]
    right_grads = case.gradient(g.astype(np.float64), *exact)
    if isinstance(right_grads, np.ndarray):
        right_grads = (right_grads,)
    pairs = [(y.detach().numpy(), want), *zip(grads, right_grads, strict=True)]
    worst = 0.0
    for got, right in pairs:
        if got.shape != np.shape(right):
            raise AssertionError(f"shape {list(got.shape)}, expected {list(np.shape(right))}")
        worst = max(worst, float(np.abs(got - right).max() / np.abs(right).max()))
        if not np.isfinite(got).all():
            raise AssertionError("a result is not finite")
    return worst


def _reference(name):
    import importlib

    return importlib.import_module(f"udlfast.reference.{name}")


def _of(module, name=None, **options):
    """(forward, backward) of one reference operation."""
    name = name or module

    def forward(*a):
        return getattr(_reference(module), name)(*a, **options)

    def backward(g, *a):
        return getattr(_reference(module), name + "_backward")(g, *a, **options)

    return forward, backward


def _elementwise(op):
    return (lambda *a: _reference("elementwise").elementwise(op, *a),
            lambda g, *a: _reference("elementwise").elementwise_backward(op, g, *a))


def _max_pool(x):
    return _reference("pool2d").max_pool2d(x, 3, 2, 1)[0]


def _max_pool_gradient(g, x):
    r = _reference("pool2d")
    return r.max_pool2d_backward(g, x, r.max_pool2d(x, 3, 2, 1)[1])


def _targets():
    import numpy as np

    return np.arange(29) * 7 % 37


def _cross_entropy(F, x):
    import udlfast

    return F.cross_entropy(x, udlfast.from_numpy(_targets()))


CASES = (
    Case("add with broadcasting", ((7, 1, 33), (5, 1)), lambda F, a, b: a + b, *_elementwise("add"), 35),
    Case("gelu", ((9, 67),), lambda F, x: F.gelu(x), *_elementwise("gelu"), 1),
    Case("sum", ((19, 23, 17),), lambda F, x: x.sum(1), *_of("reductions", "sum", axis=1), 23),
    Case("matmul", ((67, 129), (129, 35)), lambda F, a, b: a @ b, *_of("matmul"), 129),
    Case("linear", ((31, 65), (43, 65), (43,)), lambda F, x, w, b: F.linear(x, w, b), *_of("linear"), 65),
    Case("conv2d", ((3, 4, 11, 9), (6, 2, 3, 3), (6,)),
         lambda F, x, w, b: F.conv2d(x, w, b, stride=2, padding=1, groups=2),
         *_of("conv2d", stride=2, padding=1, groups=2), 90),
    Case("max_pool2d", ((2, 3, 11, 13),), lambda F, x: F.max_pool2d(x, 3, 2, 1), _max_pool, _max_pool_gradient, 9),
    Case("batch_norm", ((13, 5, 6, 7), (5,), (5,)),
         lambda F, x, w, b: F.batch_norm(x, None, None, w, b, training=True),
         lambda x, w, b: _reference("batch_norm").batch_norm(x, w=w, b=b, training=True)[0],
         lambda g, x, w, b: _reference("batch_norm").batch_norm_backward(g, x, w=w, training=True), 546),
    Case("layer_norm", ((29, 67), (67,), (67,)), lambda F, x, w, b: F.layer_norm(x, (67,), w, b),
         lambda x, w, b: _reference("layer_norm").layer_norm(x, 1, w, b),
         lambda g, x, w, b: _reference("layer_norm").layer_norm_backward(g, x, 1, w), 67),
    Case("softmax", ((29, 37),), lambda F, x: F.softmax(x, 1), *_of("softmax", axis=1), 37),
    Case("cross_entropy", ((29, 37),), _cross_entropy,
         lambda x: _reference("cross_entropy").cross_entropy(x, _targets()),
         lambda g, x: _reference("cross_entropy").cross_entropy_backward(g, x, _targets()), 37),
)
