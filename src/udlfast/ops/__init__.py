"""Every operation, one file a name; a file's public functions are exported here under PyTorch's names."""

import importlib as _importlib

_FILES = ("interop", "elementwise", "reductions", "creation", "random", "getitem", "joining", "indexing", "sort", "cumsum",
          "shaping", "conv2d", "conv_transpose2d", "pool2d", "adaptive_pool2d", "softmax", "batch_norm", "layer_norm",
          "group_norm", "rms_norm", "embedding", "cross_entropy", "losses", "binary_cross_entropy", "likelihood_losses",
          "margin_losses", "similarity", "dropout", "attention", "pad")

for _file in _FILES:
    try:
        _module = _importlib.import_module("." + _file, __name__)
    except ModuleNotFoundError:
        continue
    for _name, _value in vars(_module).items():
        if not _name.startswith("_") and callable(_value) and getattr(_value, "__module__", None) == _module.__name__:
            globals()[_name] = _value
