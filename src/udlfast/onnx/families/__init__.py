"""The operators, a file for each family. Importing a file registers its operators."""

from importlib import import_module

FAMILIES = ("arrays", "attention", "control", "conv", "convert", "elementwise", "index", "linear", "losses", "norm", "pool", "quantize",
            "random", "recurrent", "reduce", "resize", "sequence", "shape")


def load():
    """Register every operator."""
    for name in FAMILIES:
        import_module("." + name, __name__)
