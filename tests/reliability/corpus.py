"""Generated calls over the public API: by name with arguments that suit the parameters' names, and as mutants of the examples that
the docstrings hold, so that calls which are nearly right are tried too. The number of a call decides all of it."""

import ast
import doctest
import functools
import inspect
import random
import textwrap

import numpy as np

import udlfast as torch
from reliability import values

MODULES = """. nn nn.functional nn.init nn.utils nn.utils.rnn nn.utils.parametrizations linalg special fft signal.windows optim
optim.lr_scheduler distributions autograd autograd.functional func sparse amp testing utils.data data models random typeinfo
serialization nn.utils.parametrize nn.attention train settings""".split()
# names that are not called: what they would do to the process that runs the checks
LEFT_OUT = dict(
    set_num_threads="starts as many threads as asked for", set_num_interop_threads="changes the process", DataLoader="starts processes",
    set_memory_limit="changes what later calls may allocate", share_memory_="leaves shared memory behind", use_isa="changes later calls",
    save="writes files", save_checkpoint="writes files", write="writes files", TensorBoard="writes files", Run="writes files",
    download="network", read_idx="files: another row", load="files: another row", load_checkpoint="files: another row",
    cuda="another device", SWA="trains", overfit="trains", fit="trains", overfit_one_batch="trains", lr_find="trains",
    mnist="files", digits="loads data", mnist1d="loads data", karate_club="loads data",
)  # fmt: skip
SLOW = {"models", "train"}  # networks: drawn less often
LARGE = """AlexNet alexnet VGG vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn DeepResNet resnet18 resnet34 resnet50 resnet101
resnet152 resnext50_32x4d wide_resnet50_2 ViT vit_b_16 GoogLeNet googlenet EfficientNet efficientnet_b0 Bert GPT2 T5 SpeakerEncoder Crepe
SentenceEncoder""".split()  # millions of numbers are drawn before their arguments matter: one of twenty is called
TRAINING = {"train.compare_tabular", "train.search"}  # are drawn again: they train for as long as they are told
STEPS = {"range", "list", "print", "sum", "sorted", "str", "zip", "len", "enumerate", "tuple", "isinstance", "round", "abs", "max", "min"}


@functools.cache
def targets():
    """[(name, object, owner)] of all public functions, classes and methods."""
    found, seen = [], set()
    for module in MODULES:
        owner = functools.reduce(getattr, module.strip(".").split(".") if module != "." else [], torch)
        for name in sorted(n for n in dir(owner) if not n.startswith("_") and n not in LEFT_OUT):
            thing = getattr(owner, name)
            if callable(thing) and not isinstance(thing, type(ast)) and id(thing) not in seen:
                seen.add(id(thing))
                weight = 1 if module in SLOW else 8
                found += [(f"{module}.{name}".lstrip("."), thing)] * weight
    methods = [n for n in sorted(dir(torch.Tensor)) if n not in LEFT_OUT and (not n.startswith("_") or n in DUNDERS)]
    return found + [(f"Tensor.{n}", n) for n in methods for _ in range(8)]


DUNDERS = [f"__{n}__" for n in """abs add and array bool contains deepcopy dlpack eq float floordiv ge getitem setitem gt iadd iand
    ifloordiv imod imul index int invert ior ipow isub iter itruediv le len lshift lt matmul mod mul ne neg or pow radd reduce_ex repr
    rmatmul rpow rshift rsub rtruediv sub truediv xor format setstate""".split()]


@functools.cache
def parameters(thing):
    try:
        return [p for p in inspect.signature(thing).parameters.values() if p.name not in ("self", "device_type")]
    except (ValueError, TypeError):
        return None


def arguments(r, thing, base):
    """(args, kwargs) for a callable."""
    known = parameters(thing)
    if known is None:
        return [values.argument(r, "input" if i == 0 else None, base) for i in range(r.choice([0, 1, 1, 2, 2, 3, 4]))], {}
    args, kwargs = [], {}
    for p in known:
        if p.kind is p.VAR_POSITIONAL:
            args += [values.argument(r, r.choice(["size", "input", None]), base) for _ in range(r.randint(0, 3))] if not kwargs else []
        elif p.kind is p.VAR_KEYWORD:
            if r.random() < 0.02:
                kwargs["nonsense"] = 1
        elif p.default is p.empty or r.random() < 0.3:
            if p.default is p.empty and r.random() < 0.01:
                continue
            value = values.argument(r, p.name, base)
            if p.default is not p.empty and r.random() < 0.3:
                value = values.mutated(r, p.default)
            if p.kind is p.KEYWORD_ONLY or kwargs or r.random() < 0.2 and p.kind is not p.POSITIONAL_ONLY:
                kwargs[p.name] = value
            else:
                args.append(value)
        elif p.kind is p.POSITIONAL_OR_KEYWORD and not kwargs:
            args.append(p.default)
    return args, kwargs


def by_name(r):
    """A call of a public name: (description, function without arguments)."""
    name, thing = r.choice(targets())
    while name in TRAINING or name.startswith("models.") and name[7:] in LARGE and r.random() < 0.95:
        name, thing = r.choice(targets())
    base = values.shape(r)
    if isinstance(thing, str):
        kind = r.choice([torch.float32] * 3 + values.DTYPES)
        owner = values.tensor(r, base, kind)
        method = getattr(owner, thing, None)
        if not callable(method):
            return name, lambda: getattr(owner, thing)
        described = getattr(torch.Tensor, thing, None)
        args, kwargs = arguments(r, described if parameters(described) is not None else method, base)
        if args and r.random() < 0.1:
            args[r.randrange(len(args))] = owner
        return name, lambda: method(*args, **kwargs)
    args, kwargs = arguments(r, thing, base)
    if isinstance(thing, type):
        return name, lambda: use(r, thing(*args, **kwargs), base)
    return name, lambda: thing(*args, **kwargs)


def use(r, made, base):
    """What is done with an object that was made: a layer is called, a law draws and scores, an optimiser takes a step."""
    repr(made)
    if isinstance(made, torch.nn.Module):
        made.train(r.random() < 0.5)
        return made(*(values.tensor(r, base) for _ in range(r.choice([1, 1, 1, 2, 3]))))
    if isinstance(made, torch.optim.Optimizer):
        for group in made.param_groups:
            for p in group["params"]:
                p.grad = values.tensor(r, tuple(p.shape), p.dtype).detach()
        return made.step()
    for name in ("sample", "log_prob", "entropy"):
        if hasattr(made, name):
            getattr(made, name)(*([values.tensor(r, base)] if name == "log_prob" else []))
    return made


# ---- mutants of the examples --------------------------------------------------------------------------------------------------------
@functools.cache
def examples():
    """[(name, source)] of the examples in the docstrings of what is public."""
    parser, found = doctest.DocTestParser(), {}
    for name, thing in sorted({n: t for n, t in targets()}.items()):
        text = inspect.getdoc(getattr(torch.Tensor, thing, None) if isinstance(thing, str) else thing) or ""
        if ">>>" not in text or "/" in "".join(e.source for e in parser.get_examples(text) if "open(" in e.source):
            continue
        source = "".join(textwrap.dedent(e.source) for e in parser.get_examples(text))
        if not any(word in source for word in (*FILES, "DataLoader", "fit(", "cuda")):
            found.setdefault(source, name)
    return [(name, source) for source, name in found.items()]


FILES = ("open(", "save(", "tempfile", "Path(", "os.", "subprocess", "set_num_threads", "set_memory_limit", "multiprocessing", "download")


class Places(ast.NodeTransformer):
    """Wraps the expressions that stand in calls as _m(number, expression), numbered from 1."""

    def __init__(self):
        self.at = 0

    def visit_For(self, node):
        node.body = [self.visit(n) for n in node.body]
        return node

    def visit_comprehension(self, node):
        return node

    def visit_Call(self, node):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if isinstance(node.func, ast.Name) and name in STEPS:
            return node
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        node.args = [a if isinstance(a, ast.Starred) else self.wrap(self.visit(a)) for a in node.args]
        for k in node.keywords:
            k.value = self.wrap(self.visit(k.value))
        return node

    def visit_BinOp(self, node):
        if isinstance(node.op, ast.Pow):
            return node
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        return node

    def wrap(self, node):
        self.at += 1
        return ast.Call(ast.Name("_m", ast.Load()), [ast.Constant(self.at), node], [])


@functools.cache
def compiled(name, source):
    """(code of an example, the number of its places)"""
    places = Places()
    tree = places.visit(ast.parse(source))
    return compile(ast.fix_missing_locations(tree), f"<example of {name}>", "exec"), places.at


def of_example(r):
    """A mutant of an example: (name, function without arguments)."""
    name, source = r.choice(examples())
    while name in TRAINING:
        name, source = r.choice(examples())
    code, n = compiled(name, source)
    chosen = {r.randint(1, max(n, 1)) for _ in range(r.choice([1, 1, 1, 2, 3]))}
    scope = {"torch": torch, "udl": torch, "udlfast": torch, "nn": torch.nn, "F": torch.nn.functional, "np": np,
             "optim": torch.optim, "print": lambda *a, **k: None,
             "_m": lambda at, v: values.mutated(r, v) if at in chosen else v}  # fmt: skip

    def run():
        exec(code, scope)
        return [v for k, v in scope.items() if isinstance(v, torch.Tensor)]
    return f"example of {name}", run


def call(number):
    """(description, function without arguments) of call `number`."""
    r = random.Random(number)
    return (by_name if r.random() < 0.6 else of_example)(r)
