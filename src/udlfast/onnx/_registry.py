"""The table of operators: which function computes which, and which inputs it takes as arrays."""

OPERATORS = {}  # name -> Operator


class Operator:
    """`compute(node, *inputs)` on tensors, `shape(node, *inputs)` on arrays; `host` are inputs that `compute` takes as arrays."""

    __slots__ = ("compute", "host", "shape", "lists")

    def __init__(self):
        self.compute = self.shape = None
        self.host = ()
        self.lists = False


def op(*names, host=(), lists=False):
    """Registers a function of tensors. lists: its inputs may be anything (sequences, optionals) and come as they are."""

    def register(function):
        for name in names:
            entry = OPERATORS.setdefault(name, Operator())
            entry.compute, entry.host, entry.lists = function, host, lists
        return function

    return register


def arrays(*names):
    """Registers a function of arrays: for shapes, for types that tensors lack, or where there is no function of tensors."""

    def register(function):
        for name in names:
            OPERATORS.setdefault(name, Operator()).shape = function
        return function

    return register
