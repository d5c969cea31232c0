"""The bytes of a log: plain or gzipped, a file or standard input, in pieces of whole lines."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple

from tco.document import Fault, Faults

STDIN = "-"
HEAD = 1 << 16
"""Bytes that a format is told by."""
PIECE = 1 << 18
LONGEST_LINE = 64 << 20
"""Bytes of the longest line that is read."""
GZIP = b"\x1f\x8b"
UTF8_MARK = b"\xef\xbb\xbf"


class Piece(NamedTuple):
    """Whole lines, the last one perhaps without its end."""

    data: bytes
    line: int
    """The number of its first line, from 1."""
    cut: bool = False
    """A single line that was longer than `LONGEST_LINE`: its data is left out."""

    def line_of(self, row: int) -> int:
        """The number of its `row`-th line that is not blank, from 0."""
        seen = -1
        for number, text in enumerate(self.data.split(b"\n"), self.line):
            seen += bool(text.strip())
            if seen == row:
                return number
        return self.line


class Stream:
    """A log as bytes. Standard input can be read once; what was looked at before is read again from memory."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.stdin = self.path == STDIN
        self.name = "standard input" if self.stdin else self.path
        self.watch: Callable[[int], None] | None = None
        """Told how many more bytes of the file were read."""
        self._taken = False
        self._input: Any = None
        if not self.stdin:
            if Path(path).is_dir():
                raise self.fault("is a folder", "a recorded trace")
            if not Path(path).exists():
                raise self.fault("no such file", "a recorded trace, or `-` for standard input")
            self.regular = Path(path).is_file()
        else:
            self.regular = False

    def fault(self, message: str, expected: str = "", line: int = 0, col: int = 0, hint: str = "") -> Faults:
        """A fault of this log. Its lines are not shown: they may hold somebody's words."""
        return Faults([Fault(self.name, line, col, message, expected, hint)])

    @property
    def size(self) -> int | None:
        """Bytes of the file; None where that is not known."""
        return os.stat(self.path).st_size if self.regular else None

    @property
    def repeatable(self) -> bool:
        """Whether it can be read more than once."""
        return self.regular

    def head(self, size: int = HEAD) -> bytes:
        """The first bytes, unpacked."""
        with self._reading():
            if self.regular:
                with self._opened() as file:
                    return file.read(size)
            return bytes(self._buffered().peek(size)[:size])

    def pieces(self, most: int | None = None) -> Iterator[Piece]:
        """The lines from the first to the last, about a megabyte at a time; of the first `most` bytes alone where that
        is given. Raises `Faults` where the packing is broken, OSError where the file cannot be read."""
        size = PIECE if most is None else min(PIECE, most)
        with self._reading(), self._opened(once=most is None) as file:
            line, rest, first, left = 1, b"", True, most
            skipping = False
            while True:
                data = file.read(size if left is None else min(size, left))
                if left is not None:
                    left -= len(data)
                if not data:
                    break
                if first:
                    data, first = data.removeprefix(UTF8_MARK), False
                end = data.rfind(b"\n") + 1
                if skipping:
                    start = data.find(b"\n") + 1
                    if not start:
                        continue
                    yield Piece(b"", line, cut=True)
                    line, skipping = line + 1, False
                    data, end = data[start:], end - start
                if not end:
                    rest += data
                    if len(rest) > LONGEST_LINE:
                        rest, skipping = b"", True
                    continue
                whole = rest + data[:end]
                rest = data[end:]
                yield Piece(whole, line)
                line += whole.count(b"\n")
            if skipping:
                yield Piece(b"", line, cut=True)
            elif rest and left is None:
                yield Piece(rest, line)

    def text(self, most: int | None = None) -> Iterator[str]:
        """The lines as text, their ends kept; bytes that are no UTF-8 as lone surrogates."""
        return chain.from_iterable(
            io.TextIOWrapper(io.BytesIO(piece.data or b"\n"), encoding="utf-8", errors="surrogateescape", newline="")
            for piece in self.pieces(most)
        )

    def whole(self, most: int) -> bytes:
        """All of it, where it is no longer than `most` bytes. Raises `Faults` where it is."""
        with self._reading(), self._opened(once=True) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise self.fault(f"one JSON document of more than {most >> 20} MiB", "a row a line (JSONL) at that size")
        return data.removeprefix(UTF8_MARK)

    def digest(self) -> str:
        """SHA-256 of the file as it lies on the disk, in hex."""
        if not self.repeatable:
            raise self.fault("standard input has no digest: it can be read once", "a file")
        found = hashlib.sha256()
        with open(self.path, "rb") as file:
            while data := file.read(PIECE):
                found.update(data)
        return found.hexdigest()

    @contextmanager
    def _opened(self, once: bool = False) -> Iterator[IO[bytes]]:
        if self.regular:
            with open(self.path, "rb") as raw:
                file: Any = _Watched(raw, self.watch) if self.watch is not None else raw
                if raw.peek(2)[:2] == GZIP:
                    with gzip.open(file) as unpacked:
                        yield unpacked  # type: ignore[misc]
                else:
                    yield file
            return
        if self._taken:
            raise self.fault("standard input can be read once, and this needs another pass", "a file")
        if once:
            self._taken = True
            yield self._buffered()
        else:
            yield io.BytesIO(self.head())

    def _buffered(self) -> Any:
        """Standard input, or a pipe, unpacked, with room to look ahead."""
        if self._input is None:
            raw = sys.stdin.buffer if self.stdin else open(self.path, "rb")  # noqa: SIM115  (until the process ends)
            ahead: Any = _Ahead(raw)
            packed = ahead.peek(2)[:2] == GZIP
            self._input = _Ahead(gzip.open(ahead)) if packed else ahead  # noqa: SIM115
        return self._input

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, gzip.BadGzipFile, zlib.error) as problem:
            raise self.fault(f"broken gzip data ({problem})".lower(), "a whole file") from None


class _Ahead:
    """A stream that can be looked into before it is read."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._kept = stream, b""

    def peek(self, size: int) -> bytes:
        while len(self._kept) < size and (more := self._stream.read(size - len(self._kept))):
            self._kept += more
        return self._kept

    def read(self, size: int) -> bytes:
        found, self._kept = self._kept[:size], self._kept[size:]
        if len(found) < size:
            found += self._stream.read(size - len(found))
        return found


class _Watched(io.RawIOBase):
    """A file that says how far it was read."""

    def __init__(self, file: Any, watch: Callable[[int], None]) -> None:
        self._file, self._watch = file, watch

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._file.read(size)
        self._watch(len(data))
        return data

    def peek(self, size: int) -> bytes:
        found: bytes = self._file.peek(size)
        return found
