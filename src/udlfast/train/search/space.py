"""What may be chosen, in which order, and from where the search starts."""

import inspect

from ...errors import ArgumentError

SPACE = {
    "lr": (1e-4, 1e-1), "batch_size": [16, 32, 64, 128, 256], "depth": (1, 5), "width": [32, 64, 128, 256, 512],
    "dropout": (0.0, 0.5), "weight_decay": (1e-6, 1e-1), "optimizer": ["adamw", "sgd", "rmsprop"],
}  # fmt: skip
START = {"lr": 1e-3, "batch_size": 64, "depth": 2, "width": 128, "dropout": 0.0, "weight_decay": 1e-6, "optimizer": "adamw"}
# the book's order; a stage seeks its own hyperparameters, the others stay at the best so far. The rate is sought again with those that
# it depends on
STAGES = {
    "learning rate": ("lr",), "batch size": ("batch_size", "lr"), "depth and width": ("depth", "width", "lr"),
    "regularisation": ("dropout", "weight_decay"), "optimiser": ("optimizer", "lr"),
}  # fmt: skip
SHARES = {"learning rate": 0.25, "batch size": 0.15, "depth and width": 0.3, "regularisation": 0.15, "optimiser": 0.15}
OURS = ("lr", "batch_size", "weight_decay", "optimizer")  # the others are arguments of build
WIDE = 20.0  # a range whose ends differ by this factor is sought in its logarithm


def chosen_space(build, given):
    """(space, fixed): what is sought, {name: range or list}, and what is not, {name: value}."""
    try:
        taken = inspect.signature(build).parameters.values()
    except (TypeError, ValueError) as e:
        raise ArgumentError(f"search: build must be a function that makes a model, got {build!r}") from e
    anything = any(p.kind is p.VAR_KEYWORD for p in taken)
    names = {p.name for p in taken if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    space = {name: value for name, value in SPACE.items() if name in OURS or name in names}
    for name, value in (given or {}).items():
        if name not in OURS and name not in names and not anything:
            raise ArgumentError(f"search: build takes no {name!r}; it takes {', '.join(sorted(names)) or 'nothing'}")
        space[name] = value
    needed = [p.name for p in taken if p.name in names and p.default is p.empty and p.name not in space]
    if needed:
        raise ArgumentError(f"search: build needs {', '.join(needed)}: name a range, a list or a value in space={{...}}")
    fixed = {name: value for name, value in space.items() if not isinstance(value, (tuple, list))}
    space = {name: _checked(name, value) for name, value in space.items() if name not in fixed}
    return space, {name: value for name, value in fixed.items() if value is not None}


def _checked(name, value):
    if isinstance(value, list):
        if not value:
            raise ArgumentError(f"search: nothing to choose from for {name!r}")
        return value
    if len(value) != 2 or not value[0] <= value[1]:
        raise ArgumentError(f"search: the range of {name!r} must be (least, most), got {value!r}")
    return value


def distributions(optuna, space):
    """Optuna's: a list is a choice, two whole numbers are a range of those, two floats a range, in the logarithm if it is wide."""
    made = {}
    for name, value in space.items():
        if isinstance(value, list):
            made[name] = optuna.distributions.CategoricalDistribution(value)
        elif all(isinstance(v, int) for v in value):
            made[name] = optuna.distributions.IntDistribution(*value)
        else:
            low, high = map(float, value)
            made[name] = optuna.distributions.FloatDistribution(low, high, log=low > 0 and high / low >= WIDE)
    return made


def start(space, given):
    """Where the search begins: `given`, else the usual value if it lies in the space, else the middle."""
    point = {}
    for name, value in space.items():
        wanted = (given or {}).get(name, START.get(name))
        if isinstance(value, list):
            point[name] = wanted if wanted in value else value[len(value) // 2]
        else:
            low, high = value
            middle = (low * high) ** 0.5 if low > 0 else (low + high) / 2
            point[name] = type(high)(min(max(middle if wanted is None else wanted, low), high))
    return point


def stages(space):
    """[(name, its hyperparameters, its share of the budget)], those of the space only; what the book does not name comes last."""
    known = {name for names in STAGES.values() for name in names}
    found = [(title, tuple(n for n in names if n in space), SHARES[title]) for title, names in STAGES.items() if names[0] in space
             or any(n in space for n in names if n != "lr")]  # fmt: skip
    rest = tuple(name for name in space if name not in known)
    found += [("others", rest, 0.2)] if rest else []
    total = sum(share for _, _, share in found)
    return [(title, names, share / total) for title, names, share in found]
