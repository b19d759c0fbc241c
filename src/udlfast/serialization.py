"""save and load: trees of dicts, lists and tensors as one .safetensors file. No pickle anywhere.

The tensors lie in the file under dotted names ("model.layers.0.weight"); the tree around them is JSON in the file's
metadata, under the key "udlfast". A plain dict of tensors keeps its own keys as names, so that every other safetensors
loader sees the same; and a file that others wrote, without our key, loads as a dict of tensors.

In the JSON, null, true, numbers and strings stand for themselves; everything else is a list that starts with its kind:
["tensor", name], ["list", ...], ["tuple", ...], ["dict", [key, value], ...], ["OrderedDict", ...], ["float", "nan"].
"""

import os

from . import _core
from ._core import Tensor

__all__ = ["save", "load", "FileFormatError"]

KEY = "udlfast"
VERSION = "1"


class FileFormatError(RuntimeError, ValueError):
    """A file that is truncated, damaged, or of another format."""


def _library():
    """The safetensors package, or a sentence that says how to get it."""
    try:
        import safetensors
    except ImportError:
        raise ImportError(
            "save and load need the safetensors package: pip install 'udlfast[train]' (or safetensors)"
        ) from None
    return safetensors


# saving


def save(obj, f):
    """Writes a tree of dicts, lists, tuples, numbers, strings, booleans, None and tensors to one .safetensors file.

    The file appears under its name complete or not at all: it is written to a temporary file in the same folder,
    flushed to the disk, and then renamed.

    Arguments:
        obj: the tree, such as model.state_dict(), or {"model": ..., "optimizer": ..., "epoch": 3}.
        f: a path, or an open binary file.
    Raises:
        TypeError: something in the tree is of another type; the text gives its place.

    Example:
        >>> import os, tempfile
        >>> import udlfast as torch
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> torch.save({"weight": torch.ones(2), "epoch": 3}, path)
        >>> torch.load(path)
        {'weight': tensor([1., 1.]), 'epoch': 3}

    Source: the safetensors format, https://huggingface.co/docs/safetensors.
    """
    import json

    tensors = {}
    tree = _encode(obj, "", tensors)
    metadata = {KEY: json.dumps({"version": VERSION, "tree": tree}, separators=(",", ":"), allow_nan=False)}
    library = _library()
    arrays = {name: _bytes_of(t) for name, t in tensors.items()}  # alive until the library has read them
    data = {name: _entry(library, tensors[name], array) for name, array in arrays.items()}
    if hasattr(f, "write"):
        f.write(library.serialize(data, metadata))
    else:
        _replace(os.fspath(f), lambda path: _write(library, data, path, metadata))


def _encode(obj, path, tensors):
    """The JSON of a tree; its tensors go to `tensors`."""
    if obj is None or type(obj) in (bool, int, str):
        return obj
    if isinstance(obj, Tensor):
        return ["tensor", _add(obj, path, tensors)]
    if isinstance(obj, float):
        return float(obj) if obj - obj == 0 else ["float", repr(float(obj))]  # JSON has no nan and inf
    if isinstance(obj, dict):
        kind = "OrderedDict" if type(obj).__name__ == "OrderedDict" else "dict"
        return [kind, *([_encode_key(k, path), _encode(v, _join(path, k), tensors)] for k, v in obj.items())]
    if isinstance(obj, (list, tuple)):
        kind = "tuple" if isinstance(obj, tuple) else "list"
        return [kind, *(_encode(v, _join(path, i), tensors) for i, v in enumerate(obj))]
    if isinstance(obj, (bool, int, str)):
        return _encode(next(base for base in (bool, int, str) if isinstance(obj, base))(obj), path, tensors)
    where = f" at {path!r}" if path else ""
    hint = ""
    if hasattr(obj, "state_dict"):
        hint = "; save its state_dict()"
    elif hasattr(obj, "__array_interface__"):
        hint = "; convert it with from_numpy(...) or .item()"
    raise TypeError(
        f"save: cannot store a {type(obj).__name__}{where}: only dicts, lists, tuples, numbers, strings, None and "
        f"tensors{hint}"
    )


def _encode_key(key, path):
    if key is None or type(key) in (bool, int, str):
        return key
    if isinstance(key, float) and key - key == 0:
        return float(key)
    if isinstance(key, tuple):
        return ["tuple", *(_encode_key(k, path) for k in key)]
    raise TypeError(f"save: cannot store a dict key of type {type(key).__name__} at {path!r}")


def _join(path, key):
    return f"{path}.{key}" if path else str(key)


def _add(tensor, path, tensors):
    """Give a tensor a name that is its place in the tree, and its own."""
    name = path or "tensor"
    n = 1
    while name in tensors or name == "__metadata__":
        n += 1
        name = f"{path}~{n}"
    tensors[name] = tensor.detach().contiguous()
    return name


def _bytes_of(tensor):
    """A contiguous tensor's memory as a little-endian NumPy array, without a copy where possible."""
    import numpy as np

    if tensor.dtype is _core.bfloat16:  # the upper half of a float32 holds all of it
        return np.asarray(tensor.float().numpy().view(np.uint32) >> 16).astype("<u2")
    array = tensor.numpy()
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _entry(library, tensor, array):
    """The tensor as safetensors' own functions take it: by address since its version 0.8, by bytes before."""
    shape, name = list(tensor.shape), tensor.dtype.name
    if hasattr(library, "TensorSpec"):
        return library.TensorSpec(dtype=name, shape=shape, data_ptr=array.ctypes.data, data_len=array.nbytes)
    return {"dtype": name, "shape": shape, "data": array.tobytes()}


def _write(library, data, path, metadata):
    try:
        library.serialize_file(data, path, metadata)
    except library.SafetensorError as error:
        raise OSError(f"save: {error}") from None


def _replace(path, write):
    """Call write(temporary path), flush what it wrote to the disk, and give it its name in one step."""
    temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        mode = os.fstat(handle).st_mode & 0o777
        os.close(handle)
        write(temporary)
        os.chmod(temporary, mode)  # the permissions of an ordinary file; the library makes its own for the owner alone
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        try:
            os.unlink(temporary)
        except OSError:
            pass
        raise
    _sync_folder(os.path.dirname(path) or ".")


def _sync_folder(folder):
    """The new name itself must reach the disk too; not every system lets one open a folder for that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


# loading


def load(f, map_location=None, *, weights_only=True, **ignored):
    """Reads what save wrote, or any .safetensors file (then: a dict of tensors).

    Arguments:
        f: a path, or an open binary file.
        map_location: None or "cpu".
        weights_only: accepted for compatibility; files hold data only, nothing in them is ever executed.
    Raises:
        FileFormatError (a RuntimeError and ValueError): truncated, damaged, or another format.

    Example:
        >>> import os, tempfile
        >>> import udlfast as torch
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> torch.save([torch.zeros(1), (1, None)], path)
        >>> torch.load(path)
        [tensor([0.]), (1, None)]

    Source: the safetensors format, https://huggingface.co/docs/safetensors.
    """
    if map_location is not None and not callable(map_location) and not isinstance(map_location, dict):
        from .device import check_device

        check_device(map_location)
    if hasattr(f, "read"):
        data, name = f.read(), getattr(f, "name", "the file")
    else:
        name = os.fspath(f)
        with open(name, "rb") as file:
            data = file.read()
    header = _header(data, name)
    entries = _deserialize(data, name)
    tensors = {key: _tensor(entry, key, name) for key, entry in entries}
    text = header.get("__metadata__", {}).get(KEY)
    if text is None:
        order = sorted((key for key in header if key != "__metadata__"), key=lambda k: header[k]["data_offsets"])
        return {key: tensors[key] for key in order}
    return _tree(text, tensors, name)


def _header(data, name):
    """The JSON at the head of the file: 8 bytes of its length, then itself."""
    import json

    if data[:4] == b"PK\x03\x04" or data[:2] == b"\x80\x02":
        raise FileFormatError(
            f"load: {name} is a PyTorch file (.pt), not .safetensors; in PyTorch: "
            "safetensors.torch.save_file(model.state_dict(), 'model.safetensors')"
        )
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > len(data) - 8:
        raise FileFormatError(
            f"load: {name} is not a complete .safetensors file: {len(data)} bytes, and its head speaks of a "
            f"header of {size} bytes; was it cut off while it was copied or written?"
        )
    try:
        header = json.loads(data[8 : 8 + size])
        if not isinstance(header, dict):
            raise ValueError("the header is no object")
        return header
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"load: {name} is not a .safetensors file, or is damaged: its header cannot be read ({error})"
        ) from None


def _deserialize(data, name):
    """Names and raw tensors, checked by the safetensors library."""
    library = _library()
    try:
        return library.deserialize(bytes(data) if not isinstance(data, bytes) else data)
    except library.SafetensorError as error:
        raise FileFormatError(f"load: {name} is damaged or cut off: {error} ({len(data)} bytes)") from None


WIDER = {
    "F16": ("<f2", "float32"),
    "I8": ("<i1", "int32"),
    "I16": ("<i2", "int32"),
    "U16": ("<u2", "int32"),
    "U32": ("<u4", "int64"),
}
SAME = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "I32": "<i4", "U8": "|u1", "BOOL": "|b1"}


def _tensor(entry, key, name):
    """A tensor of ours from safetensors' raw one; types that we lack become the next wider one."""
    import numpy as np

    kind, shape, data = entry["dtype"], tuple(entry["shape"]), entry["data"]
    if kind == "BF16":
        bits = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return _core.from_numpy(bits.view(np.float32).reshape(shape)).to(_core.bfloat16)
    if kind in SAME:
        array = np.frombuffer(bytearray(data) if isinstance(data, bytes) else data, SAME[kind])
        if kind == "BOOL":  # any byte but 0 and 1 would be no bool
            array = array.view(np.uint8) != 0
    elif kind in WIDER:
        stored, wanted = WIDER[kind]
        array = np.frombuffer(data, stored).astype(wanted)
    else:
        raise FileFormatError(f"load: {name}: tensor {key!r} has the type {kind}, which is not supported")
    return _core.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False).reshape(shape))


def _tree(text, tensors, name):
    """The tree that save wrote."""
    import json

    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise FileFormatError(
                f"load: {name} was written by a newer udlfast (file version {content['version']}); please update"
            )
        return _decode(content["tree"], tensors)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(
            f"load: {name} is damaged: its tree and its tensors do not fit together ({error!r})"
        ) from None


def _decode(node, tensors):
    if not isinstance(node, list):
        if isinstance(node, dict):
            raise ValueError("an object where a list was expected")
        return node
    kind, *parts = node
    if kind == "tensor":
        return tensors[parts[0]]
    if kind == "list":
        return [_decode(part, tensors) for part in parts]
    if kind == "tuple":
        return tuple(_decode(part, tensors) for part in parts)
    if kind == "float":
        return float(parts[0])
    if kind == "dict":
        return {_decode(k, tensors): _decode(v, tensors) for k, v in parts}
    if kind == "OrderedDict":
        from collections import OrderedDict

        return OrderedDict((_decode(k, tensors), _decode(v, tensors)) for k, v in parts)
    raise ValueError(f"unknown kind {kind!r}")
