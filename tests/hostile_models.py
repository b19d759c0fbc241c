"""Mutants of ONNX and of IDX files, and how such files are read and used under the limits of hostile_files.py."""

import functools
import gzip
import random
import resource
import signal
import struct
import warnings

import numpy as np

import udlfast as torch
from udlfast import errors
from udlfast.data import IDXError, read_idx

INTERESTING = [0, 1, 2, 7, 8, 127, 128, 255, 2**15, 2**31 - 1, 2**31, 2**32, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
CONSTANTS = 8 << 20  # bytes that the constants of a model may take here; by default it is 4 GiB

# ---- sound files ----------------------------------------------------------------------------------------------------------------


def onnx_seeds():
    """name -> bytes of small models; none without the onnx package."""
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        return {}
    F = TensorProto.FLOAT
    rng = np.random.default_rng(0)

    def model(nodes, x, y, arrays=(), functions=(), domains=()):
        graph = helper.make_graph(
            [helper.make_node(op, ins, outs, **options) for op, ins, outs, options in nodes],
            "g",
            [helper.make_tensor_value_info("x", F, x)],
            [helper.make_tensor_value_info("y", F, y)],
            [numpy_helper.from_array(np.asarray(a), name) for name, a in arrays],
        )
        opsets = [helper.make_opsetid("", 21), *(helper.make_opsetid(d, 1) for d in domains)]
        return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=10).SerializeToString()

    w = {n: rng.standard_normal(n).astype(np.float32) for n in [(4, 3), (3,), (2, 1, 3, 3), (8, 2)]}
    conv = [
        ("Conv", ["x", "w"], ["a"], {"pads": [1, 1, 1, 1], "strides": [1, 1]}),
        ("BatchNormalization", ["a", "s", "b", "m", "v"], ["n"], {"epsilon": 1e-5}),
        ("Relu", ["n"], ["r"], {}),
        ("MaxPool", ["r"], ["p"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Shape", ["p"], ["shape"], {}),
        ("Reshape", ["p", "flat"], ["f"], {}),
        ("Gemm", ["f", "g"], ["y"], {"alpha": 0.5, "transB": 0}),
    ]
    two = np.ones(2, np.float32)
    shapes = [
        ("ConstantOfShape", ["sizes"], ["c"], {"value": helper.make_tensor("v", F, [1], [2.0])}),
        ("Expand", ["x", "sizes"], ["e"], {}),
        ("Concat", ["c", "e"], ["cat"], {"axis": 0}),
        ("Slice", ["cat", "starts", "ends", "axes"], ["sl"], {}),
        ("Transpose", ["sl"], ["t"], {"perm": [1, 0]}),
        ("Gather", ["t", "index"], ["ga"], {"axis": 0}),
        ("Pad", ["ga", "pads"], ["pa"], {"mode": "constant"}),
        ("Tile", ["pa", "repeats"], ["ti"], {}),
        ("ReduceSum", ["ti"], ["y"], {"keepdims": 1}),
    ]
    i64 = {k: np.array(v, np.int64) for k, v in dict(sizes=[2, 3], starts=[0], ends=[3], axes=[0], index=[0, 2], pads=[0, 1, 0, 1],
                                                      repeats=[2, 1]).items()}  # fmt: skip
    body = helper.make_graph(
        [helper.make_node("Add", ["s", "one"], ["s2"]), helper.make_node("Identity", ["c"], ["c2"])],
        "body",
        [helper.make_tensor_value_info(n, t, s) for n, t, s in [("i", 7, []), ("c", 9, []), ("s", F, [3])]],
        [helper.make_tensor_value_info("c2", 9, []), helper.make_tensor_value_info("s2", F, [3])],
    )
    function = helper.make_function("own", "Twice", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])],
                                    [helper.make_opsetid("", 21)])  # fmt: skip
    loop = [
        ("Loop", ["n", "go", "x"], ["l"], {"body": body}),
        ("Twice", ["l"], ["d"], {"domain": "own"}),
        ("LayerNormalization", ["d", "scale"], ["y"], {"axis": -1}),
    ]
    return {
        "conv.onnx": model(conv, ["n", 1, 4, 4], ["n", 2],
                           [("w", w[2, 1, 3, 3]), ("s", two), ("b", two), ("m", two), ("v", two), ("g", w[8, 2]),
                            ("flat", np.array([-1, 8]))]),
        "shape.onnx": model(shapes, [1, 3], [1, 1], i64.items()),
        "loop.onnx": model(loop, [3], [3], [("n", np.array(2)), ("go", np.array(True)), ("one", np.float32(1)), ("scale", w[3,])],
                           [function], ["own"]),
    }  # fmt: skip


def idx_bytes(kind, shape, data, packed=False):
    raw = bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data
    return gzip.compress(raw, mtime=0) if packed else raw


def seeds():
    """name -> bytes of sound files."""
    out = {"images.idx": idx_bytes(8, [3, 4, 5], bytes(range(60))), "labels.idx.gz": idx_bytes(8, [30], bytes(30), True)}
    out["doubles.idx"] = idx_bytes(0x0E, [2, 3], struct.pack(">6d", *range(6)))
    return out | onnx_seeds()


# ---- protobuf: a message as a list of [field, wire type, value], where the value of type 2 may be such a list again --------------


def varint(n):
    out = bytearray()
    n &= 2**64 - 1
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def read_varint(data, at):
    n = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError
        n |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return n, at


def parse(data, depth=0):
    """The fields of a message; ValueError where it is none."""
    fields, at = [], 0
    while at < len(data):
        tag, at = read_varint(data, at)
        field, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = read_varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
            value, at = data[at : at + size], at + size
        elif wire == 2 and field:
            size, at = read_varint(data, at)
            value, at = data[at : at + size], at + size
            if depth < 8 and size > 1:
                try:
                    value = parse(value, depth + 1)
                except ValueError:
                    pass
        else:
            raise ValueError
        if at > len(data):
            raise ValueError
        fields.append([field, wire, value])
    return fields


def unparse(fields):
    out = b""
    for field, wire, value in fields:
        out += varint(field << 3 | wire)
        if wire == 0:
            out += varint(value)
        elif wire == 2:
            raw = unparse(value) if isinstance(value, list) else value
            out += varint(len(raw)) + raw
        else:
            out += value
    return out


def messages(fields):
    """The message and all those inside it."""
    yield fields
    for _, _, value in fields:
        if isinstance(value, list):
            yield from messages(value)


NAMES = [b"x", b"y", b"w", b"", b"/etc/passwd", b"../x", b"location", b"Loop", b"If", b"Scan", b"Tile", b"Expand", b"Range", b"Resize",
         b"OneHot", b"EyeLike", b"Einsum", b"GatherND", b"ScatterND", b"Conv", b"ConvTranspose", b"Pad", b"Cast", b"Split", b"TopK",
         b"RandomNormal", b"NonMaxSuppression", b"StringNormalizer", b"SequenceInsert", b"Mod", b"LSTM", b"Attention",
         b"QLinearConv"]  # fmt: skip


def mutate_message(rng, fields):
    """A message in which some fields are changed, taken out, doubled, or stand elsewhere; lengths are right again."""
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        every = [m for m in messages(fields) if m]
        if not every:
            break
        message = rng.choice(every)
        i, how = rng.randrange(len(message)), rng.randrange(9)
        field, wire, value = message[i]
        if how == 0:
            del message[i]
        elif how == 1:
            message.insert(rng.randrange(len(message) + 1), [field, wire, value])
        elif how == 2:
            message[i] = [rng.choice([1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 20, 2**28]), wire, value]
        elif how == 3:
            other = rng.choice(rng.choice(every))
            message[i] = list(other) if rng.random() < 0.5 else [field, other[1], other[2]]
        elif wire == 0:
            message[i] = [field, 0, rng.choice([*INTERESTING, value + 1, value - 1, value * 2, rng.randrange(30)])]
        elif wire == 2 and not isinstance(value, list):
            words = [value * 2, value[:-1], value[: len(value) // 2], rng.choice(NAMES), bytes(len(value)), b"\xff" * len(value)]
            words.append(b"".join(varint(rng.choice(INTERESTING)) for _ in range(3)))
            message[i] = [field, 2, rng.choice(words)]
        elif wire == 2 and how == 4:  # deep
            for _ in range(rng.choice([1, 3, 40, 200])):
                value = [[field, 2, value]]
            message[i] = [field, 2, value]
        elif wire == 2 and how == 5:
            message[i] = [field, 2, mutate_message(rng, [list(f) for f in value])]
        elif wire in (1, 5):
            message[i] = [field, wire, rng.choice([b"\xff" * len(value), bytes(len(value)), value[::-1]])]
    return fields


@functools.lru_cache(16)
def parsed(data):
    return parse(data)


def copied(fields):
    return [[field, wire, copied(value) if isinstance(value, list) else value] for field, wire, value in fields]


def mutate_onnx(rng, data):
    try:
        fields = copied(parsed(data))
        mutant = unparse(mutate_message(rng, fields))
        return mutant if len(mutant) < 1 << 16 else mutant[: 1 << 16]
    except (RecursionError, ValueError):
        return data[: rng.randrange(len(data))]


@functools.lru_cache(16)
def bomb(head):
    """16 MiB of zeros after a head, packed."""
    return gzip.compress(head + bytes(1 << 24), 1, mtime=0)


def mutate_idx(rng, data):
    packed = data[:2] == b"\x1f\x8b"
    raw = bytearray(gzip.decompress(data) if packed else data)
    how = rng.randrange(5)
    if how == 0:
        raw[2] = rng.choice([0, 8, 9, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 255])
    elif how == 1:
        raw[3] = rng.choice([0, 1, 2, 3, 4, 8, 9, 255])
    elif how == 2:
        at = 4 + 4 * rng.randrange(raw[3])
        raw[at : at + 4] = struct.pack(">I", rng.choice([0, 1, 2**16, 2**28, 2**31, 2**32 - 1, rng.randrange(100)]))
    elif how == 3:
        raw = raw + bytes(rng.randrange(1, 9)) if rng.random() < 0.5 else raw[: rng.randrange(len(raw))]
    elif packed:
        raw[4:8] = struct.pack(">I", rng.choice([1 << 24, 1 << 29, (1 << 30) + 1]))
    if not packed:
        return bytes(raw)
    out = bytearray(bomb(bytes(raw)) if how == 4 else gzip.compress(bytes(raw), 1, mtime=0))
    if rng.random() < 0.3:
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


# ---- reading, and using what was read -------------------------------------------------------------------------------------------

OURS = tuple(kind for kind in vars(errors).values() if isinstance(kind, type))


def load_onnx(path):
    warnings.simplefilter("ignore")  # NumPy's, of odd numbers
    with open(path, "rb") as file:
        return torch.onnx.load(file.read(), max_bytes=CONSTANTS)


class TooLong(BaseException):
    """A model with a loop of 2^53 turns, say: whoever runs models of strangers bounds their time from outside."""


def use_onnx(net, seconds=1):
    """Run a model on zeros of the sizes that it declares, where those are small; its own errors are answers too."""
    inputs = []
    for _, code, dims, _ in net.declared.inputs:
        shape = [n if isinstance(n, int) else 1 for n in dims or ()]
        if code is None or len(shape) > 8 or np.prod([float(n) for n in shape]) > 1 << 16 or any(n < 0 for n in shape):
            return
        kind = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}.get(code)
        if kind is None:
            return
        inputs.append(np.zeros(shape, kind))
    def stop(*args):
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (256 << 20), limits[1]))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        net(*inputs)
    except (*OURS, MemoryError, TooLong):
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, limits)


def load_idx(path):
    return read_idx(path, limit=1 << 20)


def reader_of(name):
    """(load, use, what it raises for files that it refuses) for files of this name."""
    if name.endswith(".onnx"):
        return load_onnx, use_onnx, OURS
    return load_idx, lambda array: array.sum(), (IDXError,)


def mutate(rng, name, data):
    return (mutate_onnx if name.endswith(".onnx") else mutate_idx)(rng, data)


def mutants(count, seed):
    """(label, kind, maker of the bytes) of `count` mutants."""
    sound = seeds()
    names = sorted(sound)
    for i in range(count):
        name = names[i % len(names)]
        yield f"{name}, mutant {i} of seed {seed}", name, lambda i=i, name=name: mutate(random.Random(f"{seed}-{i}"), name, sound[name])
