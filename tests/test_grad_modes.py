"""no_grad, enable_grad, inference_mode and set_grad_enabled as blocks and as decorators of functions, methods and generators."""

import pytest

import udlfast as torch


class Model:
    """Methods under decorators with and without parentheses."""

    @torch.no_grad
    def bare(self, x, times=1):
        return torch.is_grad_enabled(), x, times

    @torch.enable_grad
    def recorded(self):
        return torch.is_grad_enabled()

    @torch.inference_mode
    def inferred(self):
        return torch.is_inference_mode_enabled(), torch.ones(1).is_inference()

    @torch.inference_mode()
    def called(self):
        return torch.is_inference_mode_enabled(), torch.ones(1).is_inference()

    @torch.inference_mode(False)
    def lifted(self):
        return torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    @torch.no_grad
    def steps(self):
        yield torch.is_grad_enabled()


def test_methods():
    model = Model()
    assert model.bare(3, times=2) == (False, 3, 2) and Model.bare.__name__ == "bare"
    assert model.inferred() == (True, True) and model.called() == (True, True)
    assert list(model.steps()) == [False]
    with torch.no_grad():
        assert model.recorded()
    with torch.inference_mode():
        assert model.lifted() == (False, True)
    assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()


def test_set_grad_enabled_as_a_decorator_acts_only_inside():
    @torch.set_grad_enabled(False)
    def f():
        return torch.is_grad_enabled()

    assert torch.is_grad_enabled() and not f() and torch.is_grad_enabled()
    with torch.no_grad():

        @torch.set_grad_enabled(True)
        def g():
            return torch.is_grad_enabled()

        assert not torch.is_grad_enabled() and g() and not torch.is_grad_enabled()
    torch.set_grad_enabled(False)  # as a statement it stays
    try:
        assert not torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_generators_run_in_the_mode_and_their_callers_do_not():
    seen = []

    @torch.no_grad()
    def steps():
        try:
            seen.append(torch.is_grad_enabled())
            got = yield 1
            seen.append((got, torch.is_grad_enabled()))
            try:
                yield 2
            except ValueError:
                seen.append(("caught", torch.is_grad_enabled()))
                yield 3
            return 4
        finally:
            seen.append(("end", torch.is_grad_enabled()))

    it = steps()
    assert next(it) == 1 and torch.is_grad_enabled()
    assert it.send("sent") == 2 and torch.is_grad_enabled()
    assert it.throw(ValueError()) == 3 and torch.is_grad_enabled()
    with pytest.raises(StopIteration) as end:
        next(it)
    assert end.value.value == 4
    assert seen == [False, ("sent", False), ("caught", False), ("end", False)]
    it = steps()
    next(it)
    it.close()
    assert seen[-1] == ("end", False) and torch.is_grad_enabled()


def test_errors_and_recursion_leave_the_mode():
    @torch.no_grad()
    def f(n):
        if n == 0:
            raise KeyError("stop")
        assert not torch.is_grad_enabled()
        f(n - 1)

    with pytest.raises(KeyError):
        f(3)
    assert torch.is_grad_enabled()
    block = torch.no_grad()
    with block, block:
        pass
    assert torch.is_grad_enabled()


def test_blocks_inside_inference_mode_leave_it_on():
    for inner in (torch.no_grad, torch.enable_grad, lambda: torch.set_grad_enabled(True), torch.inference_mode):
        before = torch.is_grad_enabled()
        with torch.inference_mode():
            with inner():
                assert torch.is_inference_mode_enabled()
            assert torch.is_inference_mode_enabled() and not torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled() is before
    with torch.inference_mode(), torch.inference_mode(False):
        assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()


def test_a_mode_that_was_not_entered_cannot_be_left():
    with pytest.raises(RuntimeError, match="not entered"):
        torch.no_grad().__exit__(None, None, None)
    again = torch.set_grad_enabled(False)
    for _ in range(2):
        with again:
            pass
        assert torch.is_grad_enabled()


def test_a_generator_that_ends_inside_inference_mode_leaves_it_on():
    def two():
        with torch.no_grad():
            yield 1
            yield 2

    g = two()
    next(g)
    with torch.inference_mode():
        list(g)
        assert torch.is_inference_mode_enabled()
    torch.set_grad_enabled(True)
