"""torch.utils.tensorboard through the package tensorboardX, whose writer is given NumPy arrays for our tensors."""

_WRITER = []


def _plain(value):
    """A value with arrays instead of our tensors."""
    from .._core import Tensor

    if isinstance(value, Tensor):
        value = value.detach()
        return (value.float() if value.dtype.narrow else value).numpy()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def _writer():
    """A class made once, on top of tensorboardX's."""
    import functools

    import tensorboardX

    def adapted(method):
        @functools.wraps(method)
        def call(self, *args, **kwargs):
            return method(self, *map(_plain, args), **{k: _plain(v) for k, v in kwargs.items()})

        return call

    base = tensorboardX.SummaryWriter
    methods = {name: adapted(getattr(base, name)) for name in dir(base) if name.startswith("add_") and name != "add_graph"}
    methods["log_dir"] = property(lambda self: self.logdir, doc="The folder of the records.")
    methods["__module__"] = __name__
    return type("SummaryWriter", (base,), methods)


def __getattr__(name):
    if name not in ("SummaryWriter", "FileWriter", "RecordWriter"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        import tensorboardX
    except ImportError:
        raise ImportError(f"udlfast.utils.tensorboard: {name} needs the package tensorboardX (pip install tensorboardX)") from None
    if name == "SummaryWriter":
        if not _WRITER:
            _WRITER.append(_writer())
        return _WRITER[0]
    return getattr(tensorboardX, name)
