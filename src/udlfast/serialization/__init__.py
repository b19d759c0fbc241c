"""save and load: PyTorch's .pt and .pth, .safetensors, and NumPy's .npz. No file can make the reader do anything but read.

PyTorch's files hold a pickle, a program. It is run here by an interpreter of our own that can only build tensors, containers,
numbers and strings (_pickle.py), and modules of classes that the program lists (_objects.py); anything else in it is refused
by name. All readers check what a file says against its
size before memory is taken (_files.Budget), and all writers write the whole file or nothing.
"""

from ._files import SLACK, Budget, FileFormatError, Source, replace_file

__all__ = ["save", "load", "FileFormatError"]

DEFAULT_PROTOCOL = 2  # of pickles, in torch.save
MAP_LOCATION = None  # in annotations: what map_location may be
FORMATS = {".safetensors": "safetensors", ".npz": "npz"}


def save(obj, f, pickle_module=None, pickle_protocol=2, _use_new_zipfile_serialization=True, *, format=None):
    """Writes a tree of dicts, lists, tuples, sets, numbers, strings, bytes, None and tensors to one file.

    The name tells the format: .safetensors, .npz, and for all others (.pt, .pth, .bin, .ckpt, none) PyTorch's zip
    checkpoint, which torch.load(f, weights_only=True) reads if it holds no modules and arrays. In it, tensors that share
    memory go on to share it. In .safetensors and .npz each tensor stands for itself, but the same tensor (a tied weight)
    is written once in .safetensors.

    The file appears under its name complete or not at all: it is written to a temporary file in the same folder,
    flushed to the disk, and then renamed.

    Arguments:
        obj: the tree, such as model.state_dict(), or {"model": ..., "optimizer": ..., "epoch": 3}. In a .pt file it may also
            hold whole modules (their classes' names and their attributes, no code) and NumPy arrays of numbers.
        f: a path, or an open binary file.
        format: "pt", "safetensors" or "npz"; None: by the name of f. The other arguments are PyTorch's, without effect.
    Raises:
        TypeError: something in the tree is of another type, such as a module with hooks; the text gives its place.

    Example:
        >>> import os, tempfile
        >>> import udlfast as torch
        >>> path = os.path.join(tempfile.mkdtemp(), "model.pt")
        >>> torch.save({"weight": torch.ones(2), "epoch": 3}, path)
        >>> torch.load(path)
        {'weight': tensor([1., 1.]), 'epoch': 3}

    Source: the formats' own documents: see _pt.py, _safetensors.py, _npz.py.
    """
    import os

    is_file = hasattr(f, "write")
    if format is None:
        name = getattr(f, "name", "") if is_file else os.fspath(f)
        name = os.fsdecode(name) if isinstance(name, (str, bytes)) else ""
        format = FORMATS.get(os.path.splitext(name)[1].lower(), "pt")
    if format == "pt":
        from ._write_pt import save_zip as write
    elif format == "safetensors":
        from ._safetensors import save as write
    elif format == "npz":
        from ._npz import save as write
    else:
        raise ValueError(f"save: unknown format {format!r}; known: 'pt', 'safetensors', 'npz'")
    if is_file:
        write(obj, f)
    else:
        replace_file(os.fspath(f), lambda file: write(obj, file))


def load(f, map_location=None, pickle_module=None, *, weights_only=True, mmap=False, max_bytes=None, **ignored):
    """Reads what save wrote, or any PyTorch checkpoint (.pt, .pth, also of before 1.6), .safetensors, .npz or .npy file.

    What the file is, its first bytes tell. A .safetensors file of others and an .npz give a dict of tensors.

    Arguments:
        f: a path, or an open binary file (read from where it stands).
        map_location: a device to move what was read to; None, a dict or a function: wherever tensors were, they come to the CPU.
        weights_only: True: data only, and objects of the classes listed by serialization.add_safe_globals. False: also whole
            modules, of classes that the program has already imported; for files that you trust. Neither imports or runs
            anything for a file, but a module that a file has filled then runs as your code does.
        mmap: map the tensors of a .pt or .safetensors file rather than read them; f is then a path. Writing to such
            tensors does not change the file. Checksums are not looked at.
        max_bytes: the most memory that the file may ask for; None: its size (weights_only=False: eight times it) and 12 MiB.
    Raises:
        FileFormatError (a RuntimeError and ValueError): truncated, damaged, another format, or more memory than allowed.
        its subclass RefusedError (also a pickle.UnpicklingError): it holds something else than data; the text names it.

    Example:
        >>> import os, tempfile
        >>> import udlfast as torch
        >>> path = os.path.join(tempfile.mkdtemp(), "model.pt")
        >>> torch.save([torch.zeros(1), (1, None)], path)
        >>> torch.load(path)
        [tensor([0.]), (1, None)]

    Source: as for save.
    """
    where = None
    if map_location is not None and not callable(map_location) and not isinstance(map_location, dict):
        from ..device import check_device

        where = check_device(map_location)
    with Source(f) as source:
        if mmap and source.path is None:
            raise RuntimeError("load: mmap=True needs a path, got an open file")
        mapped = None
        if mmap:
            from ._mapped import Mapped

            mapped = Mapped(source)
        tree = _load(source, max_bytes, mapped, weights_only is False)
    return tree if where is None or where.type == "cpu" else _moved(tree, where)


def _moved(tree, where):
    """A tree with its tensors and modules on a device."""
    from ..nn import Parameter

    if isinstance(tree, Parameter):
        return Parameter(tree.detach().to(where), tree.requires_grad)
    if hasattr(tree, "to"):
        return tree.to(where)
    if isinstance(tree, dict):
        for key, value in tree.items():
            tree[key] = _moved(value, where)
        return tree
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree)(*(_moved(v, where) for v in tree))
    return type(tree)(_moved(v, where) for v in tree) if isinstance(tree, (list, tuple)) else tree


def _load(source, max_bytes, mapped, trusted):
    from . import _safetensors

    head = source.read(0, min(16, source.size))
    if _safetensors.looks_like(head, source.size):
        return _safetensors.load(source, max_bytes, mapped)
    if head[:2] == b"PK":
        from ._zip import Archive

        if trusted and max_bytes is None:
            max_bytes = 8 * source.size + SLACK
        archive = Archive(source, Budget(source, max_bytes))
        if any(name.endswith("/data.pkl") for name in archive.entries):
            from ._pt import load_zip

            return load_zip(source, archive, mapped, trusted)
        from ._npz import load_archive

        return load_archive(source, archive)
    if mapped:
        raise RuntimeError(f"load: mmap=True needs a .pt file of PyTorch 1.6 or later, or .safetensors; {source.name} is neither")
    if head[:1] == b"\x80":
        from ._pt import load_old

        return load_old(source, max_bytes, trusted)
    if head[:6] == b"\x93NUMPY":
        from ._npz import load_one

        return load_one(source, max_bytes)
    return _safetensors.load(source, max_bytes)  # says what is wrong


def __getattr__(name):
    if name == "RefusedError":
        from ._pickle import RefusedError

        return RefusedError
    if name in ("add_safe_globals", "get_safe_globals", "clear_safe_globals", "safe_globals"):
        from . import _objects

        return getattr(_objects, name)
    raise AttributeError(f"module 'udlfast.serialization' has no attribute {name!r}")
