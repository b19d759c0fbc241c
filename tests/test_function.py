"""autograd.Function, gradcheck, anomaly detection, views of one operation: what PyTorch does, here too."""

import warnings

import numpy as np
import pytest
from harness import check_raises

import udlfast as torch

X = np.random.default_rng(7).standard_normal(3)


def functions(lib):
    """Functions of every kind, over one library or the other."""
    A = lib.autograd

    class Dirty(A.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    class Several(A.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            where = (x > 0).long()
            ctx.mark_non_differentiable(where)
            return x * y, x + y, where

        @staticmethod
        def backward(ctx, a, b, c):
            x, y = ctx.saved_tensors
            return a * y + b, a * x + b

    class Bare(A.Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.set_materialize_grads(False)
            ctx.save_for_backward(x, y)
            return x * y, x + y

        @staticmethod
        def backward(ctx, a, b):
            assert b is None and ctx.needs_input_grad == (True, True)
            x, y = ctx.saved_tensors
            return a * y, a * x

    class Power(A.Function):
        @staticmethod
        def forward(x, n):
            return x**n

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])
            ctx.n = inputs[1]

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * ctx.n * x ** (ctx.n - 1), None

    class Once(A.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @A.function.once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    class Same(A.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    class Exp(A.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * y

    class Wide(A.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sum()

        @staticmethod
        def backward(ctx, g):
            return g.expand(2, 3)

    class TooMany(Same):
        @staticmethod
        def backward(ctx, g):
            return g, g

    class WrongShape(Same):
        @staticmethod
        def backward(ctx, g):
            return g[:2]

    return locals()


def leaf(lib):
    return lib.tensor(X, requires_grad=True)


def dirty(lib):
    x = leaf(lib)
    a = x * 3
    assert functions(lib)["Dirty"].apply(a) is a
    (a * a).sum().backward()
    return x.grad, a


def dirty_view(lib):
    x = leaf(lib)
    a = x * 3
    functions(lib)["Dirty"].apply(a[:2])
    (a * a).sum().backward()
    return x.grad, a


def dirty_leaf(lib):
    functions(lib)["Dirty"].apply(leaf(lib))


def several(name):
    def run(lib):
        x, y = leaf(lib), leaf(lib)
        out = functions(lib)[name].apply(x, y)
        out[0].sum().backward()
        return x.grad, y.grad, *out, lib.tensor([o.requires_grad for o in out])

    return run


def single(name, *more, power=1):
    def run(lib):
        x = leaf(lib)
        y = functions(lib)[name].apply(x, *more)
        g = lib.autograd.grad(y.sum(), x, create_graph=power > 1)[0]
        if power > 1:
            g.sum().backward()
            g = x.grad
        return y, g

    return run


def unrecorded(lib):
    with lib.no_grad():
        y = functions(lib)["Exp"].apply(leaf(lib))
    return y, lib.tensor([y.requires_grad])


CASES = {"dirty": dirty, "dirty view": dirty_view, "dirty leaf": dirty_leaf, "several": several("Several"), "bare": several("Bare"),
         "setup_context": single("Power", 3), "twice": single("Power", 3, power=2), "output saved": single("Exp", power=2),
         "same": single("Same"), "once": single("Once"), "once, twice": single("Once", power=2), "broadcast": single("Wide"),
         "too many": single("TooMany"), "wrong shape": single("WrongShape"), "no_grad": unrecorded}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_function_as_torch(name):
    """The same numbers, or an exception in both."""
    peer = pytest.importorskip("torch")
    found = []
    for lib in (peer, torch):
        try:
            found.append([t.detach().numpy() for t in CASES[name](lib)])
        except RuntimeError:
            found.append("raises")
    if "raises" in found:
        assert found == ["raises"] * 2
    else:
        assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(*found, strict=True)) and len(found[0]) == len(found[1])


def test_a_call_leaves_no_cycle():
    import gc
    import weakref

    gc.collect()
    gc.disable()
    try:
        x = leaf(torch)
        y = functions(torch)["Exp"].apply(x)
        node = y.grad_fn
        ref = weakref.ref(x)
        y.sum().backward()
        del x, y, node
        assert ref() is None
    finally:
        gc.enable()


def test_gradcheck_finds_wrong_rules():
    F, check, twice = functions(torch), torch.autograd.gradcheck, torch.autograd.gradgradcheck
    x = leaf(torch)
    assert check(F["Exp"].apply, (x,)) and twice(F["Exp"].apply, (x,)) and check(lambda a, n: F["Power"].apply(a, n), (x, 3))
    assert not check(F["Same"].apply, (x,), raise_exception=False)
    check_raises(RuntimeError, ["Jacobian mismatch"], check, F["Same"].apply, (x,))
    check_raises(ValueError, ["require gradient"], check, lambda a: a, (x.detach(),))
    assert check(lambda a, b: (a * b, a.sum()), (leaf(torch), leaf(torch)))


@pytest.mark.parametrize("name, pieces", [("unbind", lambda y: y.unbind(0)), ("split", lambda y: y.split(1)),
                                          ("chunk", lambda y: y.chunk(2)), ("iteration", list)])  # fmt: skip
def test_pieces_are_not_modified_in_place(name, pieces):
    x = torch.ones(4, 2, requires_grad=True)
    y = x * 2
    part = pieces(y)[0]
    check_raises(RuntimeError, ["out-of-place"], part.mul_, 3)
    check_raises(RuntimeError, ["out-of-place"], part.__setitem__, 0, x.sum())
    with torch.no_grad():
        part.mul_(3)
    y[0].mul_(3)  # a single view may be
    plain = torch.ones(4, 2)
    pieces(plain)[0].mul_(3)  # and pieces of what no gradient goes to
    assert plain[0, 0].item() == 3


def test_anomaly_names_the_forward_call():
    for check_nan, raises in ((True, True), (False, False)):
        with warnings.catch_warnings(record=True) as seen, torch.autograd.detect_anomaly(check_nan=check_nan):
            warnings.simplefilter("always")
            assert torch.is_anomaly_enabled() and torch.is_anomaly_check_nan_enabled() == check_nan
            x = torch.zeros(1, requires_grad=True)
            y = (x.sqrt() * 0).sum()
            if raises:
                check_raises(RuntimeError, ["SqrtBackward0", "nan", "0th"], y.backward)
                assert any("x.sqrt()" in str(w.message) and "test_function.py" in str(w.message) for w in seen)
            else:
                y.backward()
    assert not torch.is_anomaly_enabled()

    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise ValueError("broken")

    with warnings.catch_warnings(record=True) as seen, torch.autograd.set_detect_anomaly(True):
        warnings.simplefilter("always")
        y = Fails.apply(torch.ones(1, requires_grad=True))
        check_raises(ValueError, ["broken"], y.backward)
    assert any("Fails.apply" in str(w.message) for w in seen) and not torch.is_anomaly_enabled()


def test_inference_mode_is_asked_for():
    assert not torch.is_inference_mode_enabled()
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
        with torch.inference_mode(False):
            assert not torch.is_inference_mode_enabled()
    with torch.no_grad():
        assert not torch.is_inference_mode_enabled()
