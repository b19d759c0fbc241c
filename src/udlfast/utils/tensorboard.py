"""torch.utils.tensorboard through the package tensorboardX."""


def __getattr__(name):
    if name not in ("SummaryWriter", "FileWriter", "RecordWriter"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import tensorboardX
    except ImportError:
        raise ImportError(f"udlfast.utils.tensorboard: {name} needs the package tensorboardX (pip install tensorboardX)") from None
    return getattr(tensorboardX, name)
