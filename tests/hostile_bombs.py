"""Bombs made by hand: files of tensors that want to run code, fill memory or time, or read what is not theirs. See hostile_files.py."""

import io
import os
import pickle
import struct
import zipfile

from hostile_mutants import safetensors_bytes


class Shell:
    def __reduce__(self):
        return os.system, ("touch executed",)


def archive_of(pickled, storages=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
        for i, raw in enumerate(storages):
            archive.writestr(f"archive/data/{i}", raw)
    return out.getvalue()


def tensor_pickle(n, offset, shape, strides, kind=b"FloatStorage", key=b"0", before=b"", after=b"."):
    def number(i):
        return b"\x8a\x0a" + i.to_bytes(10, "little", signed=True)

    def numbers(ns):
        return b"(" + b"".join(map(number, ns)) + b"t"

    return (
        b"\x80\x02"
        + before
        + b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n"
        + kind
        + b"\nX"
        + struct.pack("<I", len(key))
        + key
        + b"X\x03\0\0\0cpu"
        + number(n)
        + b"tQ"
        + number(offset)
        + numbers(shape)
        + numbers(strides)
        + b"\x89N"
        + b"tR"
        + after
    )


def overlapping_archive(copies=40, size=1 << 16):
    """Every entry of the directory points to the same bytes."""
    raw = archive_of(tensor_pickle(size // 4, 0, (size // 4,), (1,)), [bytes(size)])
    end = raw.rfind(b"PK\5\6")
    count, length, start = struct.unpack("<HLL", raw[end + 10 : end + 20])
    last = raw.rfind(b"PK\1\2")
    more = b"".join(raw[last:end].replace(b"archive/data/0", b"archive/data/" + bytes([65 + i])) for i in range(copies))
    count, length = count + copies, length + len(more)
    return raw[:end] + more + raw[end : end + 8] + struct.pack("<HHLLH", count, count, length, start, 0)


def bombs():
    """name -> bytes of files that want to run code, fill memory or time, or read what is not theirs. None may load."""
    P = b"\x80\x02"
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)
    out = {
        "os.system": pickle.dumps(Shell(), 2),
        "os.system, protocol 5": pickle.dumps(Shell(), 5),
        "eval": P + b"cbuiltins\neval\nX\x03\0\0\x001+1\x85R.",
        "by parts": P + b"X\x02\0\0\0osX\x06\0\0\0system\x93X\x02\0\0\0ls\x85R.",
        "getattr": P + b"c__builtin__\ngetattr\ncos\nX\x06\0\0\0system\x86R.",
        "a module of ours": P + b"cudlfast\nload\nX\x01\0\0\0x\x85R.",
        "INST": P + b"(X\x02\0\0\0lsios\nsystem\n.",
        "OBJ": P + b"(cos\nsystem\nX\x02\0\0\0lso.",
        "NEWOBJ": P + b"csubprocess\nPopen\nX\x02\0\0\0ls\x85\x81.",
        "extension": P + b"\x82\x01.",
        "text reference": P + b"Pos.system\n.",
        "a call of a string": P + b"X\x02\0\0\0ls)R.",
        "BUILD of a dict": P + b"}}X\x09\0\0\0__class__K\x01sb.",
        "BUILD of None": P + b"N}b.",
        "state with methods": P + b"ccollections\nOrderedDict\n)R}X\x05\0\0\0itemsK\x01sb.",
        "a bare name": P + b"ccollections\nOrderedDict\n.",
        "a name in a list": P + b"]ctorch\nFloatStorage\na.",
        "a storage": tensor_pickle(4, 0, (4,), (1,))[:-1].replace(b"_rebuild_tensor_v2", b"_get_layout"),
        "a whole module": P + b"ctorch.nn.modules.linear\nLinear\n)\x81.",
        "numpy": P + b"cnumpy.core.multiarray\n_reconstruct\n.",
        "20 MB of empty lists": P + b"(" + b"]" * 500_000 + b"t.",
        "marks": P + b"(" * 3_000_000 + b".",
        "nones": P + b"(" + b"N" * 9_000_000 + b"t.",
        "deep lists": P + b"]" * 200_000 + b"a" * 199_999 + b".",
        "memo": P + b"N" + b"".join(b"r" + struct.pack("<I", i << 8) for i in range(400_000)) + b".",
        "a string copied": P + text + b"q\0" + b"0" + b"(" + b"c_codecs\nencode\nh\0X\x06\0\0\0latin1\x86R" * 40 + b"t.",
        "a list copied": P
        + b"]("
        + b"N" * 300_000
        + b"eq\x000("
        + b"c__builtin__\nset\nh\0\x85R" * 2
        + b"ccollections\nOrderedDict\nh\0\x85R" * 20
        + b"t.",
        "pairs copied": P + b"](" + b"K\1K\2\x86" * 50_000 + b"eq\x000(" + b"ccollections\nOrderedDict\nh\0\x85R" * 200 + b"t.",
        "a string of 4 GB": P + b"X\xff\xff\xff\xff.",
        "a string of 2^63": b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.",
        "a frame of 2^63": b"\x80\x04\x95" + b"\xff" * 8 + b".",
        "an int of 2 GB": P + b"\x8b\xff\xff\xff\x7f.",
        "an int of 1 MB": P + b"\x8b\0\0\x10\0" + b"\1" * (1 << 20) + b".",
        "colliding ints": P
        + b"}("
        + b"".join(b"\x8a\x10" + (i * (2**61 - 1)).to_bytes(16, "little") + b"N" for i in range(1, 60_000))
        + b"u.",
        "a nested key": P + b"}" + b")" + b"\x85" * 100_000 + b"Ns.",
        "a list as key": P + b"}]Ns.",
        "no end": P + b"]",
        "empty stack": P + b"0.",
        "an unknown memo": P + b"h\x07.",
        "two results": P + b"NN.",
        "protocol 9": b"\x80\x09N.",
        "a line without end": P + b"c" + b"a" * 100_000,
    }
    out = {name: archive_of(raw) for name, raw in out.items()}
    old = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    out |= {
        "old: os.system": old + pickle.dumps(Shell(), 2),
        "old: as its magic": pickle.dumps(Shell(), 2),
        "old: 4 TB": old + tensor_pickle(1 << 40, 0, (1 << 40,), (1,)) + pickle.dumps(["0"], 2),
        "old: no storages": old + tensor_pickle(4, 0, (4,), (1,)),
        "old: a list that lacks one": old + tensor_pickle(4, 0, (4,), (1,)) + pickle.dumps([], 2),
        "old: one twice": old + tensor_pickle(4, 0, (4,), (1,)) + pickle.dumps(["0", "0"], 2) + (struct.pack("<Q", 4) + bytes(16)) * 2,
        "a plain pickle": pickle.dumps({"a": 1}, 2),
    }
    shapes = {
        "beyond the storage": (4, 0, (5,), (1,)),
        "offset beyond": (4, 4, (1,), (1,)),
        "negative offset": (4, -1, (1,), (1,)),
        "negative size": (4, 0, (-1,), (1,)),
        "negative stride": (4, 3, (4,), (-1,)),
        "strides overflow": (4, 0, (2, 2), (2**62, 2**62)),
        "sizes overflow": (4, 0, (2**33, 2**33), (0, 0)),
        "2^64 elements": (4, 0, (2**64,), (0,)),
        "9 dimensions": (4, 0, (1,) * 9, (1,) * 9),
        "a size without stride": (4, 0, (2, 2), (1,)),
        "the storage is 2^60": (2**60, 0, (4,), (1,)),
        "the storage is 2^62": (2**62, 0, (4,), (1,)),
        "a storage of 5": (5, 0, (4,), (1,)),
    }
    out |= {name: archive_of(tensor_pickle(*args), [bytes(16)]) for name, args in shapes.items()}
    sound = archive_of(tensor_pickle(4, 0, (4,), (1,)), [bytes(16)])
    deflated = io.BytesIO()
    with zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", tensor_pickle(1 << 26, 0, (1 << 26,), (1,)))
        archive.writestr("archive/data/0", bytes(1 << 28))
    npz = io.BytesIO()
    with zipfile.ZipFile(npz, "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (67108864,), }".ljust(117) + b"\n"
        archive.writestr("x.npy", b"\x93NUMPY\1\0v\0" + header + bytes(1 << 28))
    out |= {
        "no such storage": archive_of(tensor_pickle(4, 0, (4,), (1,), key=b"7"), [bytes(16)]),
        "a path as key": archive_of(tensor_pickle(4, 0, (4,), (1,), key=b"../../x")),
        "deflated": deflated.getvalue(),
        "deflated npz": npz.getvalue(),
        "overlapping entries": overlapping_archive(),
        "wrong checksum": sound.replace(bytes(16), bytes(15) + b"\1"),
        "a script": archive_of(tensor_pickle(4, 0, (4,), (1,)), [bytes(16)]) + b"#",
        "cut": sound[:-30],
        "two directories": sound + sound[-22:],
        "2 types of one storage": archive_of(
            tensor_pickle(4, 0, (4,), (1,), after=b"") + tensor_pickle(4, 0, (4,), (1,), kind=b"IntStorage", after=b"")[2:] + b"\x86.",
            [bytes(16)],
        ),
        "header of nested lists": safetensors_bytes(b'{"a":' + b"[" * 4_000_000),
        "header of many tensors": safetensors_bytes(
            b"{" + b",".join(b'"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i for i in range(120_000)) + b"}"
        ),
        "tree of lists": safetensors_bytes({"__metadata__": {"udlfast": '{"version":"1","tree":[' + "[]," * 1_000_000 + "1]}"}}),
        "tree of numbers": safetensors_bytes({"__metadata__": {"udlfast": '{"version":"1","tree":["list",' + "9999," * 1_000_000 + "1]}"}}),
        "header of 2^63": struct.pack("<Q", 2**63) + b"{}" + bytes(100),
        "header of 99 MB": struct.pack("<Q", 99_000_000) + b"{}" + bytes(100),
    }
    return out
