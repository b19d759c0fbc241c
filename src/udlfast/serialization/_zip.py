"""Zip archives as PyTorch and NumPy write them: a strict reader, and a writer that aligns.

The reader trusts the directory at the end of the archive only after it has found that every entry lies in the file before
the directory, agrees with its own head, and overlaps no other. The layout: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.
"""

import zlib
from collections import namedtuple
from struct import Struct

from ._files import PIECE

END, END64, LOCATOR = Struct("<4s4H2LH"), Struct("<4sQ2H2L4Q"), Struct("<4sLQL")
CENTRAL, LOCAL = Struct("<4s6H3L5H2L"), Struct("<4s5H3L2H")
ENTRY_COST = 480  # bytes of memory for one entry: its name, its record, its place in a dict
Entry = namedtuple("Entry", "name method crc stored size start")


class Archive:
    """The entries of a zip archive by name, checked."""

    def __init__(self, source, budget):
        self.source, self.budget = source, budget
        at, size, count = self._directory()
        self.entries = {}
        spans, before = [], at
        end = at + size
        for _ in range(count):
            if at + CENTRAL.size > end:
                raise source.broken("the zip directory is too short")
            budget.charge(ENTRY_COST)
            entry, head, at = self._entry(at, end)
            if entry.name in self.entries:
                raise source.broken(f"two zip entries are called {entry.name!r}")
            self.entries[entry.name] = entry
            spans.append((head, entry.start + entry.stored))
        spans.sort()
        reached = 0
        for start, stop in spans:
            if start < reached or stop > before:
                raise source.broken("zip entries overlap")
            reached = stop

    def _directory(self):
        """(place, size, number of entries) of the central directory, from the record at the end of the file."""
        source = self.source
        n = min(source.size, END.size + 0xFFFF)
        tail = source.read(source.size - n, n)
        found = tail.rfind(b"PK\5\6")
        if found < 0 or found + END.size > n:
            raise source.broken("the end of the zip archive is not there")
        place = source.size - n + found
        _, disk, first, here, count, size, at, comment = END.unpack_from(tail, found)
        if place + END.size + comment != source.size:
            raise source.broken("bytes after the end of the zip archive")
        wide = place > LOCATOR.size and source.read(place - LOCATOR.size, 4) == b"PK\6\7"
        if wide or 0xFFFF in (here, count) or 0xFFFFFFFF in (size, at):
            disk, first, here, count, size, at, place = self._directory64(place)
        if disk or first or here != count:
            raise source.broken("the zip archive is one part of several")
        if at + size != place or count * CENTRAL.size > size:
            raise source.broken("the zip directory is not where the archive says")
        return at, size, count

    def _directory64(self, place):
        source = self.source
        if place < LOCATOR.size + END64.size:
            raise source.broken("the zip directory is not where the archive says")
        mark, disk, at, disks = LOCATOR.unpack(source.read(place - LOCATOR.size, LOCATOR.size))
        if mark != b"PK\6\7" or disk or disks > 1 or at + END64.size > place:
            raise source.broken("the zip directory is not where the archive says")
        mark, size, _, _, disk, first, here, count, length, start = END64.unpack(source.read(at, END64.size))
        if mark != b"PK\6\6" or size + 12 + at != place - LOCATOR.size:
            raise source.broken("the zip directory is not where the archive says")
        return disk, first, here, count, length, start, at

    def _entry(self, at, end):
        """One entry of the directory, the place of its own head, and the place of the next entry."""
        source = self.source
        mark, _, _, flags, method, _, _, crc, stored, size, n, extra, comment, disk, _, _, head = CENTRAL.unpack(
            source.read(at, CENTRAL.size))
        after = at + CENTRAL.size + n + extra + comment
        if mark != b"PK\1\2" or after > end:
            raise source.broken("the zip directory holds something that is no entry")
        raw = source.read(at + CENTRAL.size, n)
        more = source.read(at + CENTRAL.size + n, extra)
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise source.broken("the name of a zip entry is no text") from None
        stored, size, head = self._wide(more, stored, size, head)
        if flags & 0x2041 or disk not in (0, 0xFFFF):
            raise source.broken(f"the zip entry {name!r} is encrypted, or elsewhere")
        if method not in (0, 8) or (method == 0 and stored != size):
            raise source.broken(f"the zip entry {name!r} is compressed by an unknown method")
        if head + LOCAL.size > source.size:
            raise source.cut(head, LOCAL.size)
        mark, _, _, how, _, _, _, _, _, n2, extra2 = LOCAL.unpack(source.read(head, LOCAL.size))
        if mark != b"PK\3\4" or how != method or source.read(head + LOCAL.size, n2) != raw:
            raise source.broken(f"the zip entry {name!r} has a head of its own that says otherwise")
        return Entry(name, method, crc, stored, size, head + LOCAL.size + n2 + extra2), head, after

    def _wide(self, extra, stored, size, head):
        """The 64-bit fields of an entry, where its 32-bit ones are full."""
        at = 0
        while at + 4 <= len(extra):
            kind, n = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
            body, at = extra[at + 4 : at + 4 + n], at + 4 + n
            if kind == 1:
                fields = [int.from_bytes(body[i : i + 8], "little") for i in range(0, len(body) - 7, 8)]
                wide = iter(fields)
                size = next(wide, size) if size == 0xFFFFFFFF else size
                stored = next(wide, stored) if stored == 0xFFFFFFFF else stored
                head = next(wide, head) if head == 0xFFFFFFFF else head
        return stored, size, head

    def open(self, name):
        entry = self.entries.get(name)
        if entry is None:
            raise self.source.broken(f"the zip entry {name!r} is not there")
        return entry

    def pieces(self, entry):
        """The bytes of an entry in pieces, inflated if need be, and checked."""
        crc, left = 0, entry.size
        inflate = zlib.decompressobj(-15) if entry.method else None
        for piece in self.source.pieces(entry.start, entry.stored):
            while piece:
                if inflate:
                    try:
                        piece, rest = inflate.decompress(piece, PIECE), inflate.unconsumed_tail
                    except zlib.error as error:
                        raise self.source.broken(f"{entry.name!r} cannot be inflated ({error})") from None
                else:
                    rest = b""
                crc, left = zlib.crc32(piece, crc), left - len(piece)
                if left < 0:
                    break
                yield piece
                piece = rest
        if left or not self.agrees(entry, crc):
            raise self.wrong(entry)

    def agrees(self, entry, crc):
        return crc == entry.crc or entry.crc == 0  # 0: PyTorch with set_crc32_options(False)

    def wrong(self, entry):
        return self.source.broken(f"the bytes of {entry.name!r} do not agree with their checksum")

    def read(self, name, most=1 << 16):
        """All bytes of a small entry."""
        entry = self.open(name)
        if entry.size > most:
            raise self.source.broken(f"the zip entry {name!r} has {entry.size} bytes")
        return b"".join(self.pieces(entry))

    def check(self, entry):
        for _ in self.pieces(entry):
            pass

    def into(self, entry):
        """A function that reads a stored entry into a memoryview, and checks it."""
        def read(view):
            self.source.read_into(entry.start, view)
            if not self.agrees(entry, zlib.crc32(view)):
                raise self.wrong(entry)
        return None if entry.method else read


class Writer:
    """Writes stored entries whose bytes begin at multiples of 64; file needs write() only."""

    LIMIT = 0xFFFFFFFF

    def __init__(self, file):
        self.file, self.at, self.directory, self.count = file, 0, [], 0

    def _put(self, data):
        self.file.write(data)
        self.at += len(data)

    def add(self, name, data):
        """One entry; data: bytes or a memoryview."""
        raw, size, crc, head = name.encode("utf-8"), len(data), zlib.crc32(data), self.at
        large = size >= self.LIMIT or head >= self.LIMIT
        extra = Struct("<2H2Q").pack(1, 16, size, size) if large else b""
        gap = -(head + LOCAL.size + len(raw) + len(extra) + 4) % 64
        extra += Struct("<2H").pack(0x4246, gap) + b"Z" * gap
        short = 0xFFFFFFFF if large else size
        fields = 45 if large else 20, 0x800, 0, 0, 0x21, crc, short, short, len(raw)
        self._put(LOCAL.pack(b"PK\3\4", *fields, len(extra)))
        self._put(raw + extra)
        self._put(data)
        wide = Struct("<2H3Q").pack(1, 24, size, size, head) if large else b""
        self.directory.append(CENTRAL.pack(
            b"PK\1\2", fields[0], *fields, len(wide), 0, 0, 0, 0, 0xFFFFFFFF if large else head) + raw + wide)
        self.count += 1

    def close(self):
        """Write the directory."""
        start = self.at
        for entry in self.directory:
            self._put(entry)
        size = self.at - start
        if start >= self.LIMIT or self.count >= 0xFFFF:
            end = self.at
            self._put(END64.pack(b"PK\6\6", END64.size - 12, 45, 45, 0, 0, self.count, self.count, size, start))
            self._put(LOCATOR.pack(b"PK\6\7", 0, end, 1))
        count = min(self.count, 0xFFFF)
        self._put(END.pack(b"PK\5\6", 0, 0, count, count, min(size, 0xFFFFFFFF), 0xFFFFFFFF if start >= self.LIMIT else start, 0))
