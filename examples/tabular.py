"""A perceptron or gradient boosting? Cross-validation on scikit-learn's small tables, and what `models.suggest` makes of it.

    pip install 'udlfast[data,train]' && python examples/tabular.py

Neither model is tuned to the data. Prints both figures for each table with the standard error of their difference. The picture: the
difference of each fold, as a part of the baseline's error; above 0 the perceptron is better.
"""
import argparse
from typing import Any

import numpy as np
from sklearn import datasets  # type: ignore[import-untyped, unused-ignore]

from udlfast import models
from udlfast.train.plots import new_figure

TABLES = {"breast cancer": datasets.load_breast_cancer, "wine": datasets.load_wine, "diabetes": datasets.load_diabetes,
          "steps": None, "digits": datasets.load_digits}


def table(name: str) -> tuple[Any, Any]:
    """Rows and targets; "steps" is made here: a function that jumps along one of twelve columns."""
    if TABLES[name] is None:
        x = np.random.default_rng(0).standard_normal((600, 12))
        return x, (np.floor(3 * x[:, 0]) % 2).astype(int)
    found = TABLES[name]()
    return found.data, found.target.astype(float) if name == "diabetes" else found.target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two folds of two tables, a few epochs")
    parser.add_argument("--out", default="tabular.png")
    options = parser.parse_args()
    figure = new_figure(figsize=(6, 3.2), dpi=100, layout="constrained")
    ax = figure.subplots()
    names = list(TABLES)[1:4:2] if options.quick else list(TABLES)
    for k, name in enumerate(names):
        x, y = table(name)
        more = {"folds": 2, "epochs": 5} if options.quick else {"folds": options.folds}
        found = models.suggest(x, y, **more)
        print(f"== {name}, {len(x)} rows of {x.shape[1]}\n{found.compared.report()}\ntake: {found.family}", flush=True)
        scores = {model: np.array(v) for model, v in found.compared.scores.items()}
        sign, worst = (1, 1 - scores["baseline"].mean()) if found.compared.metric == "accuracy" else (-1, scores["baseline"].mean())
        gaps = sign * (scores["MLP"] - scores["gradient boosting"]) / worst
        ax.plot([k] * len(gaps), 100 * gaps, "o", color="#9db4c8", ms=4)
        ax.plot([k], [100 * gaps.mean()], "_", color="#1f4e79", ms=22, mew=2)
    ax.axhline(0, color="#8a8a8a", lw=0.8)
    ax.set(xticks=range(len(names)), ylabel="gain of the perceptron\n(% of the baseline's error)")
    ax.set_xticklabels(names)
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.out)


if __name__ == "__main__":
    main()
