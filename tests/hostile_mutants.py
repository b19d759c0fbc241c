"""Mutants of sound files of tensors: damaged blindly, and with knowledge of the format. See hostile_files.py."""

import functools
import io
import json
import random
import struct
import zipfile
from collections import OrderedDict

import udlfast as torch

INTERESTING = [
    0,
    1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**53,
    2**60,
    2**63 - 1,
    2**63,
    2**64 - 1,
]

# ---- where mutants come from ----------------------------------------------------------------------------------------------------


def safetensors_bytes(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def plain_safetensors():
    header = {
        "__metadata__": {"format": "pt", "who": "me"},
        "a.weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]},
        "a.bias": {"dtype": "BF16", "shape": [4], "data_offsets": [48, 56]},
        "n": {"dtype": "I64", "shape": [], "data_offsets": [56, 64]},
        "empty": {"dtype": "F32", "shape": [0, 5], "data_offsets": [64, 64]},
        "u": {"dtype": "U8", "shape": [3], "data_offsets": [64, 67]},
        "half": {"dtype": "F16", "shape": [1, 2], "data_offsets": [67, 71]},
        "m": {"dtype": "BOOL", "shape": [2], "data_offsets": [71, 73]},
    }
    return safetensors_bytes(header, bytes(range(71)) + b"\0\1")


def seeds():
    """name -> bytes of sound files."""
    w = torch.arange(12.0).reshape(3, 4)
    tree = {
        "model": OrderedDict(w=w, t=w.t(), row=w[1]),
        "step": 7,
        "lr": 0.5,
        "names": ["a", "ü", None, True, (1, 2, -3)],
        "set": {1, 2},
        "raw": b"ab\xff",
        "size": torch.Size([2, 3]),
        "dtype": torch.float32,
        "b": torch.ones(3).bfloat16(),
        "flags": torch.tensor([True, False]),
        "empty": torch.zeros(0, 3),
        "p": torch.nn.Parameter(torch.ones(2)),
    }
    simple = {k: tree[k] for k in ("model", "step", "lr", "names", "b", "empty")}
    out = {"safetensors": plain_safetensors()}
    for name, obj, format in (("ours.pt", tree, "pt"), ("ours.safetensors", simple, "safetensors"), ("ours.npz", {"w": w}, "npz")):
        file = io.BytesIO()
        torch.save(obj, file, format=format)
        out[name] = file.getvalue()
    try:
        import torch as other
    except ImportError:
        return out
    w = other.arange(12.0).reshape(3, 4)
    net = other.nn.Linear(2, 2)
    tree = {"w": w, "t": w.t(), "h": w.half(), "state": net.state_dict(), "p": net.weight, "x": [1, 2.5, "s", {1}, b"\xff"]}
    for new in (True, False):
        file = io.BytesIO()
        other.save(tree, file, _use_new_zipfile_serialization=new)
        out["torch.pt" if new else "torch.old"] = file.getvalue()
    return out


# ---- mutations that know nothing of the format ----------------------------------------------------------------------------------


def flip(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def overwrite(rng, data):
    data, size = bytearray(data), rng.choice([1, 2, 4, 8])
    at = rng.randrange(len(data))
    data[at : at + size] = (rng.choice(INTERESTING) % (1 << 8 * size)).to_bytes(size, rng.choice(["little", "big"]))
    return bytes(data)


def cut(rng, data):
    return data[: rng.randrange(len(data))]


def splice(rng, data):
    a, b, c = (rng.randrange(len(data)) for _ in range(3))
    piece = data[min(a, b) : min(max(a, b), min(a, b) + 200)]
    how = rng.randrange(4)
    if how == 0:
        return data[:c] + piece + data[c:]
    if how == 1:
        return data[: min(a, b)] + data[min(a, b) + len(piece) :]
    if how == 2:
        return data[:c] + piece + data[c + len(piece) :]
    return data[:c] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 40))) + data[c:]


BLIND = [flip, overwrite, cut, splice]

# ---- .safetensors ---------------------------------------------------------------------------------------------------------------


def mutate_header(rng, data):
    """The header as JSON, changed in a place, with its own length right."""
    n = int.from_bytes(data[:8], "little")
    if rng.random() < 0.4:  # its text
        text = bytearray(data[8 : 8 + n].rstrip())
        for _ in range(rng.choice([1, 1, 2, 3])):
            at = rng.randrange(len(text))
            text[at : at + rng.choice([0, 1, 1, 3])] = rng.choice(
                [
                    b"",
                    b"[",
                    b"]",
                    b"{",
                    b"}",
                    b",",
                    b":",
                    b'"',
                    b"\\",
                    b"-",
                    b"0",
                    b"9",
                    b"1e3",
                    b".5",
                    b"null",
                    b"\\ud800",
                    b"\xff",
                    b" ",
                    b"\n",
                    b"\0",
                ]
            )
        return safetensors_bytes(bytes(text), data[8 + n :])
    header = json.loads(data[8 : 8 + n])
    names = [k for k in header if k != "__metadata__"]
    name = rng.choice(names)
    entry, how = header[name], rng.randrange(9)
    if how == 0 and entry["shape"]:
        entry["shape"][rng.randrange(len(entry["shape"]))] = rng.choice([*INTERESTING, -1, 1.5, "2", None, True, 2**64])
    elif how == 1:
        entry["data_offsets"][rng.randrange(2)] = rng.choice([*INTERESTING, -1, 2.0, None])
    elif how == 2:
        entry["dtype"] = rng.choice(["F64", "F16", "U8", "I8", "BOOL", "BF16", "C64", "F8_E4M3", "F4", "U64", "F99", "", 3, None, "f32"])
    elif how == 3:
        entry["shape"] = [rng.choice([0, 1, 2, 2**32]) for _ in range(rng.randrange(12))]
    elif how == 4:
        del entry[rng.choice(list(entry))]
    elif how == 5:
        entry[rng.choice(["more", "dtype", "shape"])] = rng.choice([1, [[[1]]], {"a": {"b": []}}, [[]] * 50, "x" * 50])
    elif how == 6:
        header[rng.choice(["new", "\x00", "ü", "__metadata__", names[0]])] = dict(header[rng.choice(names)])
    elif how == 7:
        header["__metadata__"] = rng.choice(
            [None, {}, {"udlfast": "{}"}, {"udlfast": '{"version":"1","tree":["tensor","n"]}'}, {"a": 1}, [], "x"]
        )
    else:
        other = rng.choice(names)
        header[name], header[other] = header[other], header[name]
        entry["data_offsets"] = entry["data_offsets"][::-1]
    return safetensors_bytes(header, data[8 + n :])


# ---- .pt ------------------------------------------------------------------------------------------------------------------------

STEPS = [
    b"(",
    b")",
    b"]",
    b"}",
    b"N",
    b"\x88",
    b".",
    b"0",
    b"1",
    b"2",
    b"a",
    b"e",
    b"s",
    b"u",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"R",
    b"\x81",
    b"b",
    b"Q",
    b"q\0",
    b"h\0",
    b"h\x05",
    b"h\x10",
    b"r\xff\xff\xff\xff",
    b"j\xff\xff\xff\xff",
    b"K\x07",
    b"J\xff\xff\xff\x7f",
    b"\x8a\x08" + b"\xff" * 7 + b"\x7f",
    b"\x8a\xff" + b"\xff" * 255,
    b"\x8b\xff\xff\xff\x7f",
    b"X\xff\xff\xff\xff",
    b"X\1\0\0\0a",
    b"T\xff\xff\xff\xff",
    b"B\xff\xff\xff\xff",
    b"\x8e" + b"\xff" * 8,
    b"\x8d\0\0\0\0\1\0\0\0",
    b"\x96" + b"\xff" * 8,
    b"\x8f",
    b"\x90",
    b"\x91",
    b"\x94",
    b"\x95" + b"\xff" * 8,
    b"\x93",
    b"cos\nsystem\n",
    b"cbuiltins\neval\n",
    b"c__builtin__\nexec\n",
    b"ctorch\nFloatStorage\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n",
    b"ctorch._utils\n_rebuild_parameter\n",
    b"ccollections\nOrderedDict\n",
    b"c_codecs\nencode\n",
    b"c__builtin__\nset\n",
    b"c__builtin__\nbytearray\n",
    b"ctorch\nSize\n",
    b"ctorch\ndevice\n",
    b"cudlfast.serialization\nload\n",
    b"i__main__\nx\n",
    b"o",
    b"Px\n",
    b"\x82\1",
    b"G\x7f\xf8\0\0\0\0\0\0",
    b"I1\n",
    b"\x97",
    b"\x98",
    b"X\x03\0\0\0datacos\nsystem\nX\x02\0\0\0ls\x85R",
]


@functools.lru_cache(64)
def instructions(raw):
    """The instructions of a pickle; None where it is none."""
    import pickletools

    try:
        places = [place for _, _, place in pickletools.genops(raw)]
    except Exception:
        return None
    places.append(len(raw))
    return [raw[a:b] for a, b in zip(places, places[1:])]


def mutate_pickle(rng, raw):
    """A pickle with instructions put in, taken out, doubled, moved, or with changed arguments."""
    parts = instructions(raw)
    if parts is None:
        return flip(rng, raw)
    parts = list(parts)
    for _ in range(rng.choice([1, 1, 2, 3, 6])):
        at, how = rng.randrange(len(parts)), rng.randrange(6)
        if how == 0:
            parts.insert(at, rng.choice(STEPS))
        elif how == 1:
            del parts[at]
        elif how == 2:
            parts.insert(at, rng.choice(parts))
        elif how == 3:
            parts[at] = rng.choice(STEPS)
        elif how == 4 and len(parts[at]) > 1:
            parts[at] = parts[at][:1] + overwrite(rng, parts[at][1:])[: len(parts[at]) - 1]
        else:
            other = rng.randrange(len(parts))
            parts[at], parts[other] = parts[other], parts[at]
        parts = parts or [b"."]
    return b"".join(parts)


@functools.lru_cache(16)
def entries_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(i.filename, archive.read(i)) for i in archive.infolist()]


def mutate_zip(rng, data):
    """The entries of an archive with one changed, taken out, doubled or compressed, with right checksums."""
    entries = list(entries_of(data))
    which = rng.choice([0, 0, 0, rng.randrange(len(entries))])  # mostly the pickle
    name, raw = entries[which]
    how, method = rng.randrange(10), zipfile.ZIP_STORED
    if how < 6 and name.endswith(".pkl"):
        entries[which] = name, mutate_pickle(rng, raw)
    elif how < 7:
        entries[which] = name, rng.choice(BLIND)(rng, raw or b"\0")
    elif how == 7:
        entries[which] = rng.choice([name[:-1], "../x", "/etc/x", "archive/data/99", "x/"]), raw
    elif how == 8:
        del entries[which]
    else:
        method = zipfile.ZIP_DEFLATED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, raw in entries:
            archive.writestr(name, raw)
    return out.getvalue()


def mutate_directory(rng, data):
    """One field of the directory of an archive, or of an entry's own head, changed."""
    data = bytearray(data)
    mark, fields = rng.choice(
        [
            (b"PK\1\2", [(8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (42, 4)]),
            (b"PK\3\4", [(6, 2), (8, 2), (26, 2), (28, 2)]),
            (b"PK\5\6", [(8, 2), (10, 2), (12, 4), (16, 4), (20, 2)]),
        ]
    )
    places, at = [], data.find(mark)
    while at >= 0:
        places.append(at)
        at = data.find(mark, at + 1)
    offset, size = rng.choice(fields)
    at = rng.choice(places) + offset
    old = int.from_bytes(data[at : at + size], "little")
    new = rng.choice([*INTERESTING, old + 1, old - 1, old * 2, old + 64, len(data)])
    data[at : at + size] = (new % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(data)


@functools.lru_cache(16)
def ends_of_pickles(data):
    import pickletools

    file, ends = io.BytesIO(data), [0]
    for _ in range(5):
        for _ in pickletools.genops(file):
            pass
        ends.append(file.tell())
    return ends


def mutate_old(rng, data):
    """The tree's pickle of an old file: the fourth of five."""
    ends = ends_of_pickles(data)
    which = rng.choice([3, 3, 3, 4, 2])
    return data[: ends[which]] + mutate_pickle(rng, data[ends[which] : ends[which + 1]]) + data[ends[which + 1] :]


def mutate(rng, name, data):
    """A mutant of a sound file."""
    if rng.random() < 0.4:
        return rng.choice(BLIND)(rng, data)
    if "safetensors" in name:
        return mutate_header(rng, data)
    if name == "torch.old":
        return mutate_old(rng, data)
    return mutate_directory(rng, data) if rng.random() < 0.3 else mutate_zip(rng, data)


def mutants(count, seed):
    """(label, kind, maker of the bytes, plain) of `count` mutants; the label tells which of which seed."""
    sound = seeds()
    names = sorted(sound)
    for i in range(count):
        name = names[i % len(names)]

        def make(i=i, name=name):
            return mutate(random.Random(f"{seed}-{i}"), name, sound[name])

        yield f"{name}, mutant {i} of seed {seed}", name, make, name == "safetensors"
