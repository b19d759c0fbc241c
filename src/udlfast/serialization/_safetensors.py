"""The safetensors format, read and written without the safetensors package.

8 bytes: the size of the header; the header (JSON); the bytes of all tensors, without holes or overlap.

A tree that is no plain dict of tensors keeps its shape as JSON in the metadata, under the key "udlfast". In it null, true,
numbers and strings stand for themselves; everything else is a list that starts with its kind: ["tensor", name],
["list", ...], ["tuple", ...], ["dict", [key, value], ...], ["OrderedDict", ...], ["float", "nan"]. Tensors are called by
their place in the tree ("model.layers.0.weight"). Tensors that are the same memory are written once, under the first name;
the metadata then says which name stands for which other, as safetensors' own save_model does.

Source: https://huggingface.co/docs/safetensors.
"""

import json

from .._core import Tensor
from ._files import (
    KINDS,
    Budget,
    EmptyFileError,
    FileFormatError,
    cannot_store,
    fill_storage,
    geometry,
    join,
    new_storage,
    shaped,
    tensor_bytes,
)
from ._header import MOST, Header

KEY = "udlfast"
VERSION = "1"
NAMES = {"BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "I32": "int32", "U32": "uint32",
         "I64": "int64", "U64": "uint64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}  # fmt: skip
OURS = {kind: name for name, kind in NAMES.items()}
BITS = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "C64": 64, "F8_E4M3FNUZ": 8,
        "F8_E5M2FNUZ": 8, **{name: 8 * KINDS[kind][0] for name, kind in NAMES.items()}}  # fmt: skip

# writing


def save(obj, file):
    """Write a tree to a file that has write()."""
    tensors, same, known = {}, {}, {}
    tree = _encode(obj, "", (tensors, same, known))
    metadata = {"format": "pt"}  # for readers that ask which library's order of axes it is
    metadata.update((k, v) for k, v in same.items() if k not in (KEY, "format"))
    metadata[KEY] = json.dumps({"version": VERSION, "tree": tree}, separators=(",", ":"), allow_nan=False)
    header, at = {"__metadata__": metadata}, 0
    order = sorted(tensors, key=lambda name: -tensors[name].itemsize)  # so that all begin at multiples of their size
    for name in order:
        t = tensors[name]
        if t.dtype.name not in OURS:
            raise cannot_store(t, name)
        header[name] = {"dtype": OURS[t.dtype.name], "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    try:
        raw = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"save: a name or string that is no text cannot be stored: {error}") from None
    raw += b" " * (-len(raw) % 8)
    if len(raw) > MOST:
        raise ValueError(f"save: the tree takes {len(raw)} bytes beside its tensors; the format holds {MOST}; use .pt")
    file.write(len(raw).to_bytes(8, "little") + raw)
    for name in order:
        file.write(tensor_bytes(tensors[name]))


def _encode(obj, path, found):
    """The JSON of a tree; its tensors go to found."""
    if obj is None or type(obj) in (bool, int, str):
        return obj
    if isinstance(obj, Tensor):
        return ["tensor", _add(obj, path, *found)]
    if isinstance(obj, float):
        return float(obj) if obj - obj == 0 else ["float", repr(float(obj))]  # JSON has no nan and inf
    if isinstance(obj, dict):
        kind = "OrderedDict" if type(obj).__name__ == "OrderedDict" else "dict"
        return [kind, *([_encode_key(k, path), _encode(v, join(path, k), found)] for k, v in obj.items())]
    if isinstance(obj, (list, tuple)):
        kind = "tuple" if isinstance(obj, tuple) else "list"
        return [kind, *(_encode(v, join(path, i), found) for i, v in enumerate(obj))]
    if isinstance(obj, (bool, int, str)):
        return _encode(next(base for base in (bool, int, str) if isinstance(obj, base))(obj), path, found)
    raise cannot_store(obj, path)


def _encode_key(key, path):
    if key is None or type(key) in (bool, int, str):
        return key
    if isinstance(key, float) and key - key == 0:
        return float(key)
    if isinstance(key, tuple):
        return ["tuple", *(_encode_key(k, path) for k in key)]
    raise TypeError(f"save: cannot store a dict key of type {type(key).__name__} at {path!r}")


def _add(tensor, path, tensors, same, known):
    """The name of a tensor in the file: its place in the tree, and its own; or the name of the same memory."""
    memory = (*geometry(tensor), tuple(tensor.shape))
    if tensor.numel() and memory in known:
        same[path or "tensor"] = known[memory]
        return known[memory]
    name = path or "tensor"
    n = 1
    while name in tensors or name == "__metadata__":
        n += 1
        name = f"{path}~{n}"
    tensors[name] = tensor.detach()
    known[memory] = name
    return name


# reading


def looks_like(head, size):
    """Whether the first bytes of a file of `size` bytes may be those of a .safetensors file."""
    return len(head) > 8 and int.from_bytes(head[:8], "little") <= size - 8 and head[8] in b"{ \t\r\n"


def load(source, max_bytes=None, mapped=None):
    """The tree of a file, or a dict of its tensors."""
    budget = Budget(source, max_bytes)
    n = int.from_bytes(source.read(0, 8), "little") if source.size >= 8 else -1
    if not 2 <= n <= source.size - 8 or n > MOST:
        raise (FileFormatError if source.size else EmptyFileError)(
            f"load: {source.name} is not a complete .safetensors file, nor one of PyTorch or NumPy: {source.size} bytes, and "
            f"its head speaks of a header of {n} bytes; was it cut off while it was copied or written?"
        )
    budget.charge(n)
    raw = source.read(8, n)
    _utf8(raw, source)
    header = Header(raw, KEY, source, budget)
    del raw
    order = _check(header, source, 8 + n)
    tree = None if header.text is None else _tree(header.text, source, budget)
    tensors = {}
    for name in order:
        tensors[name] = _tensor(name, header.tensors.pop(name), source, budget, 8 + n, mapped)
    return tensors if tree is None else _build(tree, tensors, source)


def _utf8(raw, source):
    """serde refuses a header that is no UTF-8 anywhere; most are ASCII."""
    if not raw.isascii():
        try:
            for at in range(0, len(raw), 1 << 16):  # in pieces: the text may take four times its bytes
                last = at + (1 << 16) >= len(raw)
                piece = raw[at : at + (1 << 16) + (0 if last else 4)]
                piece.decode("utf-8") if last else _cut(piece).decode("utf-8")
        except UnicodeDecodeError:
            raise FileFormatError(f"load: {source.name} is not a .safetensors file, or is damaged: its header is no text") from None


def _cut(piece):
    """A piece without the letters that only begin at its ends."""
    start, stop = 0, len(piece)
    while start < 4 and piece[start] & 0xC0 == 0x80:
        start += 1
    while stop > len(piece) - 4 and piece[stop - 1] & 0xC0 == 0x80:
        stop -= 1
    if piece[stop - 1] >= 0xC0:
        stop -= 1
    return piece[start:stop]


def _check(header, source, start):
    """Names by their place in the file; every byte belongs to one tensor, of the size that its shape says."""
    tensors, reached = header.tensors, 0
    order = sorted(tensors, key=lambda name: tensors[name][2:])
    for name in order:
        dtype, shape, begin, end = tensors[name]
        if begin != reached or end < begin:
            raise source.broken(f"tensor {name!r} lies at {begin} to {end}, the one before ends at {reached}")
        reached = end
        if dtype not in BITS:
            raise source.broken(f"tensor {name!r} has the unknown type {dtype[:40]!r}")
        bits = BITS[dtype]
        count = 1
        for n in shape:
            count *= n
            if count >= 1 << 64:
                raise source.broken(f"tensor {name!r} has a shape of more than 2^64 elements")
        if count * bits >= 1 << 64 or count * bits != 8 * (end - begin):
            raise source.broken(f"tensor {name!r} of shape {list(shape)} and type {dtype} has {end - begin} bytes")
    if start + reached != source.size:
        raise source.broken(f"its tensors end at byte {start + reached}")
    return order


def _tensor(name, entry, source, budget, start, mapped):
    dtype, shape, begin, end = entry
    kind = NAMES.get(dtype)
    if kind is None:
        raise FileFormatError(f"load: {source.name}: tensor {name!r} has the type {dtype}, which is not supported")
    budget.charge(end - begin)
    n = (end - begin) // KINDS[kind][0]
    at = start + begin
    flat = mapped.flat(at, kind, n) if mapped and n else None
    if flat is None:
        flat = new_storage(kind, n)
        fill_storage(flat, kind, lambda: source.pieces(at, end - begin), lambda view: source.read_into(at, view))
    try:
        return shaped(flat, shape)
    except (ValueError, RuntimeError) as error:
        raise FileFormatError(f"load: {source.name}: tensor {name!r}: {error}") from None


def _tree(text, source, budget):
    """The JSON that save wrote. What it will take is estimated from its marks before it is read."""
    marks = sum(text.count(c) for c in "[{")
    budget.charge(2 * (100 * marks + 48 * text.count(",")) + 30 * text.count('"') + len(text))
    try:
        content = json.loads(text)
        if content["version"] != VERSION:
            raise FileFormatError(
                f"load: {source.name} was written by a newer udlfast (file version {content['version']}); please update"
            )
        return [content["tree"]]
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise _misfit(source, error) from None


def _misfit(source, error):
    return FileFormatError(f"load: {source.name} is damaged: its tree and its tensors do not fit together ({str(error)[:200]!r})")


def _build(tree, tensors, source):
    try:
        return _decode(tree[0], tensors)
    except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
        raise _misfit(source, error) from None


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
