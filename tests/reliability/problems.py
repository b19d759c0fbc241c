"""All random problems: PROBLEMS, name -> function that draws one (problem.py)."""

from reliability import problems_layers, problems_plain
from reliability.problem import PROBLEMS, large

__all__ = ["PROBLEMS", "large", "problems_layers", "problems_plain"]
