"""What a format is: how it is told, what its times and token counts mean, and how its rows are read."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import msgspec

from tco.traffic.batch import Batch
from tco.traffic.stream import LONGEST_LINE, Piece, Stream
from tco.traffic.tally import Tally

T = TypeVar("T")
ROWS = 2048
"""Rows of CSV that are read at once."""


class Head(NamedTuple):
    """The beginning of a log, by which its format is told."""

    columns: tuple[str, ...] = ()
    """Of a CSV file."""
    keys: frozenset[str] = frozenset()
    """Of the first JSON object: of the row, or of the document as far as it was looked at."""
    row: Any = None
    """The first row of JSONL, decoded; None where the file is one document."""
    document: bool = False
    """The JSON goes over several lines, or is a list."""


class Pass(NamedTuple):
    """One reading of a log."""

    stream: Stream
    tally: Tally
    unit: str | None
    """Of time stamps that are numbers."""
    prompts: bool = False
    """Whether texts are wanted."""
    most: int | None = None
    """Bytes that are looked at; None for all."""


class Facts(NamedTuple):
    """What the beginning of a log says of all of it."""

    timed: bool
    block_tokens: int | None = None
    clock: bool = False
    """Times are of day: they need no unit."""


def always(facts: Facts) -> Callable[[Head, Stream], Facts]:
    """Facts that hold for every log of a format."""
    return lambda *_: facts


class Format(NamedTuple):
    """A way to record traffic."""

    name: str
    title: str
    columns: tuple[str, ...]
    """What it is told by: column names, or keys."""
    looks: Callable[[Head], bool]
    facts: Callable[[Head, Stream], Facts]
    read: Callable[[Pass], Iterator[Batch]]
    unit: str | None = None
    """Of its time stamps, as its documentation has it; None where they are of day, or where there are none."""
    whole: bool = False
    """Its time stamps are whole numbers: a fraction says that the unit is another one."""
    cached: str = "not recorded"
    """Where cached tokens are counted: `inside` the input, or `outside` and added to it here."""
    key: str | None = None
    """The key that has the unit in its name: it is not to be doubted."""
    linked: bool = False
    """Who waits for whom is found from sessions and durations."""


def decoded(job: Pass, decoder: msgspec.json.Decoder[T]) -> Iterator[tuple[list[T], Piece]]:
    """The rows of JSONL, about a megabyte at a time. What is not such a row is dropped."""
    for piece in job.stream.pieces(job.most):
        if piece.cut:
            job.tally.drop(f"line of more than {LONGEST_LINE >> 20} MiB", piece.line)
            continue
        try:
            rows = decoder.decode_lines(piece.data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            yield _line_by_line(job.tally, decoder, piece)
            continue
        # it takes values that go over several lines too: which line is bad must not decide whether they are rows
        alike = len(rows) == piece.data.count(b"\n") + (not piece.data.endswith(b"\n"))
        yield (rows, piece) if alike else _line_by_line(job.tally, decoder, piece)


def _line_by_line(tally: Tally, decoder: msgspec.json.Decoder[T], piece: Piece) -> tuple[list[T], Piece]:
    rows: list[T] = []
    kept: list[bytes] = []
    for number, line in enumerate(piece.data.split(b"\n"), piece.line):
        if not line.strip():
            kept.append(b"")
            continue
        try:
            rows.append(decoder.decode(line))
            kept.append(line)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
            kept.append(b"")
            reason, col = why(problem)
            tally.drop(reason, number, col)
    return rows, Piece(b"\n".join(kept), piece.line)


def why(problem: Exception) -> tuple[str, int]:
    """What is wrong with a row of JSON, in words that name no value, and the column where that is known."""
    if isinstance(problem, RecursionError):
        return "nested too deeply", 1
    text = str(problem)
    if isinstance(problem, msgspec.ValidationError):
        said, _, path = text.partition(" - at `$")
        key = path.rstrip("`").removeprefix(".")
        said = said[:1].lower() + said[1:]
        return (f"`{key}`: {said}" if key else said), 1
    if "truncated" in text:
        return "JSON that ends early", 1
    _, _, at = text.partition("(byte ")
    return "not JSON", (int(at.rstrip(")")) + 1 if at.rstrip(")").isdecimal() else 1)


class Table(NamedTuple):
    """Some thousand rows of a CSV file."""

    columns: dict[str, Sequence[str]]
    rows: int
    lines: Sequence[int]
    """The line on which each row begins."""


def tabled(job: Pass, wanted: Sequence[str]) -> Iterator[Table]:
    """The rows of CSV by column name, some thousand at a time: the columns of `wanted` that there are."""
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(job.stream.text(job.most))
    header: list[str] = []
    while not header:
        found = next(reader, None)
        if found is None:
            return
        header = [] if not any(cell.strip() for cell in found) else found
    names = [name.strip() for name in header]
    places = {name: names.index(name) for name in wanted if name in names}
    while True:
        before = reader.line_num
        try:
            rows = list(islice(reader, ROWS))
        except csv.Error as problem:
            job.tally.drop(f"not CSV: {problem}", reader.line_num, 1)
            continue
        if not rows:
            return
        after = reader.line_num
        # a quoted line end makes a row of several lines: the place is then that of the batch's last line
        exact = after - before == len(rows)
        lines: Sequence[int] = range(before + 1, after + 1) if exact else [after] * len(rows)
        if set(map(len, rows)) != {len(names)}:
            kept: list[int] = []
            for i, row in enumerate(rows):
                if len(row) == len(names):
                    kept.append(i)
                elif row and any(cell.strip() for cell in row):
                    job.tally.drop(f"another number of cells than the {len(names)} of the header", lines[i], 1)
            rows, lines = [rows[i] for i in kept], [lines[i] for i in kept]
            if not rows:
                continue
        found_columns = list(zip(*rows, strict=True))
        yield Table({name: found_columns[place] for name, place in places.items()}, len(rows), lines)
