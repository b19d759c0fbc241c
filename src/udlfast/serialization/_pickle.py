"""A pickle interpreter of our own that can only build data: no name in a file is ever imported, looked up or called.

A pickle is a program for a machine with a stack and a memo. This one knows the instructions of protocols 2 to 5 that make
numbers, strings, containers and references; GLOBAL and REDUCE work on a table of names (the caller's) whose builders are
ours. Everything else is refused by name. Before anything is made, its memory is charged to a Budget, so that a short
program cannot make a large tree; keys of dicts are such that nobody can make them collide.

The instructions: Python's pickletools.py, and PEP 307, 574 and 3154.
"""

from collections import Counter, OrderedDict
from struct import Struct

from .. import _core
from ..device import device
from ..size import Size
from ._files import FileFormatError

try:  # what PyTorch raises for a name that it does not allow
    from _pickle import UnpicklingError
except ImportError:  # pragma: no cover - another Python
    from pickle import UnpicklingError

READ = 1 << 16
MOST_TUPLE_KEYS = 10_000  # the hash of a tuple is no secret: more of them could be made to collide
I4, F8 = Struct("<i"), Struct(">d")


class RefusedError(FileFormatError, UnpicklingError):
    """A file that asks for something other than tensors, containers, numbers and strings."""


class Internal:
    """Something that a pickle needs on its way to a tensor, and that is no data itself."""

    __slots__ = ()


class Call(Internal):
    """A name of the table that may be called; build(machine, *arguments) is ours."""

    __slots__ = ("name", "build")

    def __init__(self, name, build):
        self.name, self.build = name, build


class Arguments(tuple, Internal):
    """A tuple that holds something internal."""

    __slots__ = ()


class Stream:
    """Bytes of a file from one place to another, read as they are needed."""

    def __init__(self, source, start, end):
        self.source, self.next, self.end = source, start, end
        self.data, self.at = b"", 0

    def take(self, n):
        stop = self.at + n
        if stop > len(self.data):
            if n > READ:  # straight through
                rest, self.data, self.at = self.data[self.at :], b"", 0
                n -= len(rest)
                if n > self.end - self.next:
                    raise self.source.broken("its pickle is cut off")
                self.next += n
                return rest + self.source.read(self.next - n, n)
            self._fill(n)
            stop = n
        piece = self.data[self.at : stop]
        self.at = stop
        return piece

    def _fill(self, n):
        left = len(self.data) - self.at
        if n - left > self.end - self.next:
            raise self.source.broken("its pickle is cut off")
        more = min(max(n - left, READ), self.end - self.next)
        self.data, self.at = self.data[self.at :] + self.source.read(self.next, more), 0
        self.next += more

    def line(self):
        out = b""
        while not out.endswith(b"\n"):
            out += self.take(1)
            if len(out) > 500:
                raise self.source.broken("a name of more than 500 letters")
        return out[:-1]

    def place(self):
        """Where in the file the next byte lies."""
        return self.next - (len(self.data) - self.at)


class Machine:
    """Runs one pickle.

    table: (module, name) -> a value or a Call. persistent(id) makes what BINPERSID asks for.
    trusted: load's weights_only=False; see _objects.py.
    """

    def __init__(self, stream, budget, table, persistent, trusted=False):
        self.trusted, self.made = trusted, {}  # made: objects that still wait for their attributes
        self.stream, self.budget, self.table, self.persistent = stream, budget, table, persistent
        self.source = stream.source
        self.stack, self.marks, self.memo = [], [], {}
        self.tuple_keys = 0

    def run(self):
        """The object that the pickle makes."""
        stream, charge, codes = self.stream, self.budget.charge, CODES
        while True:
            if stream.at >= len(stream.data):
                stream._fill(1)
            code = stream.data[stream.at]
            stream.at += 1
            if code == 46:  # STOP
                break
            step = codes[code]
            if step is None:
                raise self.refuse(f"the pickle instruction {_name_of(code)}")
            charge(18)  # 9 bytes of a list, and as many while it grows
            try:
                step(self)
            except IndexError:
                raise self.source.broken("its pickle takes from an empty stack") from None
        if len(self.stack) != 1 or self.marks or self.made:
            raise self.source.broken("its pickle ends in the middle")
        return self.data(self.stack[0])

    def refuse(self, what):
        return RefusedError(
            f"load: {self.source.name} holds {what}, which is no tensor, container, number or string. It is refused, and "
            f"nothing in the file was executed{_hint(what, self.trusted)}"
        )

    def data(self, value):
        """value, unless it is internal."""
        if isinstance(value, Internal):
            name = getattr(value, "name", type(value).__name__)
            raise self.refuse(f"a bare {name}" if type(value) is not Arguments else "arguments without a call")
        return value

    def take(self, n):
        return self.stream.take(n)

    def number(self, n):
        return int.from_bytes(self.stream.take(n), "little")

    def push(self, value, cost):
        self.budget.charge(cost)
        self.stack.append(value)

    def since_mark(self):
        """What was pushed since the last mark."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    # numbers and strings

    def integer(self, n, signed=False):
        value = int.from_bytes(self.stream.take(n), "little", signed=signed)
        self.push(value, 32 + n)

    def long(self, n):
        if n > 255:
            raise self.source.broken(f"an integer of {n} bytes")
        self.integer(n, signed=True)

    def text(self, n):
        if n > self.stream.end - self.stream.next + len(self.stream.data):
            raise self.source.broken("a string is longer than the file")
        self.budget.charge(2 * n + 64)
        raw = self.stream.take(n)
        if not raw.isascii():
            self.budget.charge(4 * n)
        try:
            self.stack.append(str(raw, "utf-8", "surrogatepass"))
        except UnicodeDecodeError:
            raise self.source.broken("a string is no UTF-8") from None
        self.budget.left += n  # raw itself is gone now

    def bytes(self, n, kind=bytes):
        if n > self.stream.end - self.stream.next + len(self.stream.data):
            raise self.source.broken("a string is longer than the file")
        self.budget.charge(2 * n + 64)
        self.stack.append(kind(self.stream.take(n)))

    # containers

    def mark(self):
        self.budget.charge(96)
        self.marks.append(self.stack)
        self.stack = []

    def tuple_of(self, items):
        self.budget.charge(64 + 8 * len(items))
        inner = any(isinstance(i, Internal) for i in items)
        self.stack.append(Arguments(items) if inner else tuple(items))

    def tuple_n(self, n):
        stack = self.stack
        if len(stack) < n:
            raise IndexError
        items = stack[-n:]
        del stack[-n:]
        self.tuple_of(items)

    def extend(self, items):
        target = self.stack[-1]
        if type(target) is not list:
            raise self.source.broken(f"its pickle appends to a {type(target).__name__}")
        self.budget.charge(10 * len(items))
        for item in items:
            if isinstance(item, Internal):
                self.data(item)
        target.extend(items)

    def set_items(self, items):
        target = self.stack[-1]
        if type(target) not in (dict, OrderedDict, Counter) or len(items) % 2:
            raise self.source.broken(f"its pickle sets items of a {type(target).__name__}")
        self.fill(target, zip(items[::2], items[1::2]), len(items) // 2)

    def fill(self, target, pairs, n):
        """Put n pairs into a dict."""
        self.budget.charge(n * (240 if type(target) is OrderedDict else 120))
        for k, v in pairs:
            self.key(k)
            if isinstance(v, Internal):
                self.data(v)
            target[k] = v
        return target

    def key(self, k, depth=0):
        """Check what is to be hashed: plain values, whose hashes nobody can make collide, and not too many tuples."""
        kind = type(k)
        if kind in (str, bytes, float, bool, device, _core.dtype) or k is None:
            return
        if kind is int:
            if k.bit_length() > 64:
                raise self.source.broken("a dict key is an integer of more than 64 bits")
            return
        if kind in (tuple, Size) and depth < 4 and len(k) <= 16:
            self.tuple_keys += 1
            if self.tuple_keys > MOST_TUPLE_KEYS:
                raise self.source.broken(f"more than {MOST_TUPLE_KEYS} dict keys are tuples")
            for part in k:
                self.key(part, depth + 1)
            return
        raise self.source.broken(f"a {kind.__name__} as a dict key")

    def add_items(self, items):
        target = self.stack[-1]
        if type(target) is not set:
            raise self.source.broken(f"its pickle adds to a {type(target).__name__}")
        target.update(self.keys(items))

    def keys(self, items):
        self.budget.charge(128 * len(items))
        for item in items:
            self.key(item)
        return items

    # names and calls

    def name(self, module, name):
        module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
        value = self.table.get((module, name), self)
        if value is self:
            from ._objects import find

            value = find(module, name, self.trusted)
        if value is None:
            raise self.refuse(f"{module}.{name}")
        self.stack.append(value)

    def global_(self):
        try:
            self.name(self.stream.line().decode("utf-8"), self.stream.line().decode("utf-8"))
        except UnicodeDecodeError:
            raise self.source.broken("a name is no UTF-8") from None

    def stack_global(self):
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str or len(name) + len(module) > 1000:
            raise self.source.broken("a name is no string")
        self.name(module, name)

    def reduce(self):
        arguments, call = self.stack.pop(), self.stack.pop()
        if not isinstance(call, Call) or not isinstance(arguments, tuple):
            raise self.refuse(f"a call of a {type(call).__name__}")
        try:
            self.stack.append(call.build(self, *arguments))
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise self.source.broken(f"{call.name} with arguments that it cannot take: {error}") from None

    def build(self):
        """BUILD: the attributes of an object that this pickle made, or the `_metadata` of a state_dict."""
        from ._objects import build

        state, target = self.stack.pop(), self.stack[-1]
        if build(self, target, state):
            return
        if type(target) is not OrderedDict or type(state) is not dict or set(state) - {"_metadata"}:
            raise self.refuse(f"attributes of a {type(target).__name__}")
        self.budget.charge(300)
        target.__dict__.update(state)

    def persist(self):
        try:
            self.stack.append(self.persistent(self, self.stack.pop()))
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise self.source.broken(f"a storage that makes no sense: {error}") from None

    # the memo

    def put(self, index):
        self.budget.charge(120)
        self.memo[index] = self.stack[-1]

    def get(self, index):
        if index not in self.memo:
            raise self.source.broken("its pickle names an object that was not made")
        self.stack.append(self.memo[index])

    def pop(self):
        if self.stack:
            self.stack.pop()
        else:
            self.since_mark()

    def frame(self):
        if self.number(8) > self.source.size:
            raise self.source.broken("a frame is longer than the file")

    def protocol(self):
        n = self.number(1)
        if n > 5:
            raise self.source.broken(f"pickle protocol {n}; 2 to 5 are known")


def _hint(what, trusted):
    from ._objects import imported, is_module_class

    if not trusted and is_module_class(imported(*what.rpartition(".")[::2])):
        return (f". That is a Module of this program: with torch.serialization.safe_globals([{what.rpartition('.')[2]}]) around it, after "
                f"add_safe_globals([...]), or by weights_only=False, load makes it; a state_dict needs none of this")
    if what.startswith(("torch.", "__main__.", "torchvision.", "transformers.")):
        return ": was a whole module saved? In PyTorch: torch.save(model.state_dict(), path)"
    if what.startswith("numpy."):
        return "; numbers of NumPy go into a file as float(x), arrays as torch.from_numpy(x)"
    return ""


def _name_of(code):
    names = {b"i": "INST", b"o": "OBJ", b"P": "PERSID", b"\x82": "EXT1", b"\x83": "EXT2", b"\x84": "EXT4", b"\x92": "NEWOBJ_EX",
             b"\x97": "NEXT_BUFFER", b"\x98": "READONLY_BUFFER", b"I": "INT", b"L": "LONG", b"F": "FLOAT", b"S": "STRING",
             b"V": "UNICODE", b"p": "PUT", b"g": "GET", b"d": "DICT", b"l": "LIST"}
    return f"{names.get(bytes([code]), 'of number')} ({code})"


def _codes():
    """The instruction of each byte."""
    push = Machine.push
    table = {
        b"\x80": Machine.protocol, b"\x95": Machine.frame, b"(": Machine.mark, b"0": Machine.pop, b"1": Machine.since_mark,
        b"2": lambda m: m.stack.append(m.stack[-1]),
        b"N": lambda m: m.stack.append(None), b"\x88": lambda m: m.stack.append(True), b"\x89": lambda m: m.stack.append(False),
        b"K": lambda m: m.integer(1), b"M": lambda m: m.integer(2), b"J": lambda m: push(m, I4.unpack(m.take(4))[0], 32),
        b"\x8a": lambda m: m.long(m.number(1)), b"\x8b": lambda m: m.long(m.number(4)),
        b"G": lambda m: push(m, F8.unpack(m.take(8))[0], 24),
        b"X": lambda m: m.text(m.number(4)), b"\x8c": lambda m: m.text(m.number(1)), b"\x8d": lambda m: m.text(m.number(8)),
        b"U": lambda m: m.text(m.number(1)), b"T": lambda m: m.text(m.number(4)),
        b"B": lambda m: m.bytes(m.number(4)), b"C": lambda m: m.bytes(m.number(1)), b"\x8e": lambda m: m.bytes(m.number(8)),
        b"\x96": lambda m: m.bytes(m.number(8), bytearray),
        b"]": lambda m: push(m, [], 80), b"}": lambda m: push(m, {}, 90), b")": lambda m: m.stack.append(()),
        b"\x8f": lambda m: push(m, set(), 240),
        b"t": lambda m: m.tuple_of(m.since_mark()), b"\x85": lambda m: m.tuple_n(1), b"\x86": lambda m: m.tuple_n(2),
        b"\x87": lambda m: m.tuple_n(3),
        b"a": lambda m: m.extend([m.stack.pop()]), b"e": lambda m: m.extend(m.since_mark()),
        b"s": lambda m: m.set_items([m.stack.pop(-2), m.stack.pop()]), b"u": lambda m: m.set_items(m.since_mark()),
        b"\x90": lambda m: m.add_items(m.since_mark()),
        b"\x91": lambda m: push(m, frozenset(m.keys(m.since_mark())), 240),
        b"c": Machine.global_, b"\x93": Machine.stack_global, b"R": Machine.reduce, b"\x81": Machine.reduce, b"b": Machine.build,
        b"Q": Machine.persist,
        b"q": lambda m: m.put(m.number(1)), b"r": lambda m: m.put(m.number(4)), b"\x94": lambda m: m.put(len(m.memo)),
        b"h": lambda m: m.get(m.number(1)), b"j": lambda m: m.get(m.number(4)),
    }  # fmt: skip
    codes = [None] * 256
    for key, step in table.items():
        codes[key[0]] = step
    return codes


CODES = _codes()
