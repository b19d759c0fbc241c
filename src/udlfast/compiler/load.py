"""Plans from files: what udlfast.load_plan returns. The file is read, checked and run by csrc/plan_file.c and plan_serve.c."""

import json

from .. import _core
from ..serialization import FileFormatError


def failed(path, status, why):
    """Raise what fits a status of udl_plan_open."""
    if status == 5:  # UDL_PLAN_NO_FILE
        with open(path, "rb"):  # says what is wrong with it
            pass
    if status == 1:
        raise MemoryError(f"load_plan: {path}: {why}")
    raise FileFormatError(f"load_plan: {path}: {why}")


class LoadedPlan:
    """A plan from a file: call it, or run(), with tensors like those that it was recorded with; from any number of threads."""

    def __init__(self, core, structure):
        self._core, self._structure = core, structure

    @property
    def inputs(self):
        """[(name, dtype, shape)] of the inputs."""
        return list(self._core.inputs)

    @property
    def outputs(self):
        """[(name, dtype, shape)] of the tensors of the result."""
        return list(self._core.outputs)

    @property
    def run_bytes(self):
        """Bytes of memory that each run under way has of its own."""
        return self._core.run_bytes

    def run(self, *inputs, **named):
        """The result for these inputs, in order or by name."""
        if named:
            names = [name for name, *_ in self._core.inputs]
            missing = [n for n in names[len(inputs) :] if n not in named]
            if missing or len(named) != len(names) - len(inputs):
                raise TypeError(f"plan: inputs are {', '.join(names)}; got {len(inputs)} and {', '.join(named)}")
            inputs = (*inputs, *(named[n] for n in names[len(inputs) :]))
        outputs = self._core.run(inputs)
        return outputs[0] if self._structure == 0 else build(self._structure, outputs)

    __call__ = run

    def __repr__(self):
        ends = [", ".join(f"{n}: {d}{list(s)}" for n, d, s in x) for x in (self.inputs, self.outputs)]
        return f"LoadedPlan({ends[0]} -> {ends[1]})"


def build(structure, outputs):
    if structure is None:
        return None
    if type(structure) is int:
        return outputs[structure]
    if type(structure) is dict:
        return {k: build(v, outputs) for k, v in structure.items()}
    kind, *parts = structure
    return (tuple if kind == "tuple" else list)(build(p, outputs) for p in parts)


def checked(node, n, depth=0):
    """Is this the structure of a result of n tensors?"""
    if node is None or type(node) is int and 0 <= node < n:
        return True
    if depth > 50:
        return False
    if type(node) is dict:
        return all(checked(v, n, depth + 1) for v in node.values())
    if type(node) is list and node and node[0] in ("tuple", "list"):
        return all(checked(v, n, depth + 1) for v in node[1:])
    return False


def load_plan(path, *, mmap=True, max_bytes=None, pack=True):
    """A plan from a file that plan.save() wrote: weights and calls, without the program that made them.

    Args:
        path: of the file
        mmap: map the file, so that processes that open it share the weights; it must then not be changed while it is in use (replace
            it by another file instead). False reads it into memory of this process.
        max_bytes: the most memory that the file, what is made of it and a run may take together; None: 4 GiB
        pack: keep weights of products also in the form that is fastest to compute with, in memory of this process
    Returns: a LoadedPlan; call it with tensors like those that it was recorded with
    Raises: FileFormatError for a file that is damaged or was saved by another version; MemoryError

    >>> import os, tempfile
    >>> import udlfast as torch
    >>> net = torch.compile(torch.nn.Linear(2, 1).eval())
    >>> x = torch.ones(3, 2)
    >>> with torch.no_grad():
    ...     y = net(x)
    >>> path = os.path.join(tempfile.mkdtemp(), "net.udl")
    >>> net.plans[0].save(path)
    >>> plan = torch.load_plan(path)
    >>> torch.equal(plan(x), y)
    True

    Source: docs/compile.md.
    """
    core = _core.SavedPlan(path, None, max_bytes or 0, 0.0, not mmap, pack)
    return LoadedPlan(core, structure_of(core, path))


def structure_of(core, path):
    try:
        structure = json.loads(core.structure)
        fits = checked(structure, len(core.outputs))
    except (ValueError, RecursionError):
        fits = False
    if not fits:
        raise FileFormatError(f"load_plan: {path}: the structure of its result is damaged")
    return structure
