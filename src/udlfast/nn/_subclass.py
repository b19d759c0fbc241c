"""What a class that derives from Module needs so that its attributes are found as PyTorch finds them."""

from types import FunctionType


def prepare(cls, module):
    """Operations among a class's attributes (act = torch.tanh) do not become methods: PyTorch's are no functions of Python. And a
    __getattr__ of its own is asked for parameters, buffers and child modules, which are no plain attributes in PyTorch."""
    for name, value in list(vars(cls).items()):
        if type(value) is FunctionType and value.__module__.startswith("udlfast.ops."):
            setattr(cls, name, staticmethod(value))
    if "__getattr__" in vars(cls) and not cls.__module__.startswith("udlfast."):  # those here read what they need themselves
        module.__getattr__ = find  # only now: it makes every look-up slower
        cls.__getattribute__ = through


def find(self, name):
    """What super().__getattr__(name) gives: a parameter, buffer or child module."""
    values = object.__getattribute__(self, "__dict__")
    if name in values.get("_kinds", ()):
        return values[name]
    raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


def through(self, name):
    """Other attributes as ever; parameters, buffers and child modules by the class's __getattr__."""
    if name in object.__getattribute__(self, "__dict__").get("_kinds", ()) and not hasattr(type(self), name):
        return type(self).__getattr__(self, name)
    return object.__getattribute__(self, name)
