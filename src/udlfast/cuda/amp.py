"""torch.cuda.amp's names: those of udlfast.amp."""


def __getattr__(name):
    import importlib

    return getattr(importlib.import_module("udlfast.amp"), name)
