"""Recording on or off, for blocks, functions, methods and generators: the core's blocks, and their use as decorators."""

import functools

from . import _core

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]

GENERATOR = 0x20  # the flag of a generator function's code


def decorated(block, function):
    """A function that runs inside block(); of a generator each step does, and what lies between its steps does not."""
    if isinstance(function, type):
        function.__init__ = decorated(block, function.__init__)
        return function
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & GENERATOR:

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            return stepwise(block, function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with block():
                return function(*args, **kwargs)

    return wrapped


def stepwise(block, steps):
    """A generator whose steps run inside block(): what is sent or thrown, and what it returns, passes through."""
    resume, value = steps.send, None
    while True:
        try:
            with block():
                got = resume(value)
        except StopIteration as end:
            return end.value
        try:
            value = yield got
            resume = steps.send
        except GeneratorExit:
            with block():
                steps.close()
            raise
        except BaseException as error:
            resume, value = steps.throw, error


def maker(base):
    """__new__ of a block: one, or the function inside of one (``@no_grad`` without parentheses)."""
    new = base.__new__  # looked up once: blocks open in every step of a loop

    def made(cls, function=None):
        return new(cls) if function is None else decorated(cls, function)

    return made


def over(self, function):
    """The block as a decorator."""
    return decorated(type(self), function)


class no_grad(_core.no_grad):
    """Operations inside are not recorded: ``with no_grad(): ...``, ``@no_grad()`` or ``@no_grad``.

    Example:
        >>> import udlfast as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> with torch.no_grad():
        ...     (x * 2).requires_grad
        False
    """

    __slots__ = ()
    __new__, __call__ = maker(_core.no_grad), over


class enable_grad(_core.enable_grad):
    """Operations inside are recorded, whatever surrounds the block.

    Example:
        >>> import udlfast as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> with torch.no_grad(), torch.enable_grad():
        ...     (x * 2).requires_grad
        True
    """

    __slots__ = ()
    __new__, __call__ = maker(_core.enable_grad), over


class inference_mode(_core.inference_mode):
    """As no_grad: operations inside are not recorded, and tensors say where they were made (`is_inference()`).

    Example:
        >>> import udlfast as torch
        >>> with torch.inference_mode():
        ...     torch.ones(2).is_inference()
        True
    """

    __slots__ = ("mode",)

    def __new__(cls, mode=True):
        if callable(mode):
            return decorated(cls, mode)
        self = super().__new__(cls)
        self.mode = mode
        return self

    def __call__(self, function):
        return decorated(functools.partial(type(self), self.mode), function)


class set_grad_enabled(_core.set_grad_enabled):
    """Turns recording on or off at once, and back at the end when used as a block; as a decorator, only inside the function.

    Example:
        >>> import udlfast as torch
        >>> @torch.set_grad_enabled(False)
        ... def f(x):
        ...     return x * 2
        >>> f(torch.ones(2, requires_grad=True)).requires_grad, torch.is_grad_enabled()
        (False, True)
    """

    __slots__ = ()

    def __call__(self, function):
        mode = _core.is_grad_enabled()
        self.__exit__()
        return decorated(functools.partial(type(self), mode), function)
