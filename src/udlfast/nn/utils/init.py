"""Modules without their initial laws."""

__all__ = ["skip_init"]


def skip_init(module_cls, *args, **kwargs):
    """The module with parameters that are not meant to be used as they are (here: with the usual initial values).

    >>> import udlfast as torch
    >>> torch.nn.utils.skip_init(torch.nn.Linear, 2, 3)
    Linear(in_features=2, out_features=3, bias=True)
    """
    return module_cls(*args, **kwargs)
