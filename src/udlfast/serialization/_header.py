"""The header of a .safetensors file: JSON of one shape, read strictly and without making more of it than is needed.

header = { "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"key": "text"} }

A general JSON reader would make objects for whatever the file holds, 30 times its size at worst; this one makes one record
a tensor. What it takes and refuses is what the safetensors package does (its reader in Rust, by serde); the tests compare.
"""

import re

from ._files import FileFormatError

SPACE = re.compile(rb"[ \t\n\r]*+")
STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"')
NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][-+]?+[0-9]++)?+")
NATURAL = re.compile(rb"(?:0|[1-9][0-9]*+)(?![0-9.eE])")
DEEPEST = 127
MOST = 100_000_000


class Header:
    """tensors: name -> (dtype, shape, begin, end); text: what __metadata__ says under `key`, or None."""

    def __init__(self, data, key, source, budget):
        self.data, self.at, self.key, self.source, self.budget = data, 0, key, source, budget
        self.tensors, self.text = {}, None
        seen_metadata = False
        for name in self.members(0):
            if name == "__metadata__":
                if seen_metadata:
                    raise self.wrong("two entries called __metadata__")
                seen_metadata = True
                self.metadata()
            else:
                budget.charge(500)
                self.tensors[name] = self.tensor()
        self.space()
        if self.at != len(data):
            raise self.wrong("something after its end")

    def wrong(self, why):
        return FileFormatError(
            f"load: {self.source.name} is not a .safetensors file, or is damaged or cut off: its header cannot be read: {why} "
            f"(at byte {self.at} of it; the file has {self.source.size} bytes)"
        )

    # tokens

    def space(self):
        self.at = SPACE.match(self.data, self.at).end()

    def next(self):
        """The next byte that is no space, as an int; it is not taken."""
        self.space()
        return self.data[self.at] if self.at < len(self.data) else 0

    def take(self, mark):
        if self.next() != mark:
            raise self.wrong(f"{chr(mark)!r} was expected")
        self.at += 1

    def token(self, pattern, what):
        self.space()
        found = pattern.match(self.data, self.at)
        if not found:
            raise self.wrong(f"{what} was expected")
        self.at = found.end()
        return found[0]

    def string(self):
        raw = self.token(STRING, "a string")
        self.budget.charge(len(raw) + 64)
        try:
            if b"\\" in raw:
                import json

                text = json.loads(raw)
                text.encode("utf-8")  # half a surrogate pair is no text
            else:
                text = raw[1:-1].decode("utf-8")
        except (UnicodeError, ValueError):
            raise self.wrong("a string is no UTF-8") from None
        if not raw.isascii() or b"\\u" in raw:
            self.budget.charge(4 * len(text))
        return text

    def members(self, depth):
        """The names of an object's members; the caller reads what follows each."""
        self.take(123)
        if self.next() == 125:
            self.at += 1
            return
        while True:
            name = self.string()
            self.take(58)
            yield name
            if self.next() == 125:
                self.at += 1
                return
            self.take(44)

    def naturals(self, most):
        """A list of at most `most` numbers below 2^64."""
        self.take(91)
        out = []
        if self.next() == 93:
            self.at += 1
            return out
        while True:
            digits = self.token(NATURAL, "a number >= 0")
            if len(digits) > 20 or int(digits) >= 1 << 64:
                raise self.wrong("a number of more than 64 bits")
            if len(out) == most:
                raise self.wrong(f"a list of more than {most} numbers")
            out.append(int(digits))
            if self.next() == 93:
                self.at += 1
                return out
            self.take(44)

    # what a header holds

    def metadata(self):
        if self.next() == 110:
            self.token(re.compile(rb"null"), "null")
            return
        for key in self.members(1):
            value = self.string()
            if key == self.key:
                self.text = value

    def tensor(self):
        got = {}
        for field in self.members(1):
            if field in got and field in ("dtype", "shape", "data_offsets"):
                raise self.wrong(f"two entries called {field}")
            if field == "dtype":
                got[field] = self.string()
            elif field == "shape":
                got[field] = tuple(self.naturals(64))
            elif field == "data_offsets":
                got[field] = self.naturals(2)
            else:
                self.skip(3)
        if len(got) != 3 or len(got["data_offsets"]) != 2:
            raise self.wrong("a tensor lacks its dtype, shape or data_offsets")
        return (got["dtype"], got["shape"], *got["data_offsets"])

    def skip(self, depth):
        """Read over any value."""
        mark = self.next()
        if mark in (91, 123) and depth > DEEPEST:
            raise self.wrong("it is nested too deeply")
        if mark == 123:
            for _ in self.members(depth):
                self.skip(depth + 1)
        elif mark == 91:
            self.at += 1
            if self.next() == 93:
                self.at += 1
                return
            while True:
                self.skip(depth + 1)
                if self.next() == 93:
                    self.at += 1
                    return
                self.take(44)
        elif mark == 34:
            self.string()
        elif mark in b"tfn":
            self.token(re.compile(rb"true|false|null"), "true, false or null")
        else:
            self.token(NUMBER, "a value")
