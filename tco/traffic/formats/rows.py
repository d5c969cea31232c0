"""Rows of logs that are taken apart one by one, gathered into columns; and documents of JSON, by line or whole."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tco.traffic.batch import UNKNOWN, Batch, Ints
from tco.traffic.columns import MOST_TOKENS
from tco.traffic.formats.base import Pass, decoded, why
from tco.traffic.stream import LONGEST_LINE

DOCUMENT = 512 << 20
"""Bytes of the largest JSON document that is read at once."""
ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
FAILED = "failed when recorded"


class BadRowError(Exception):
    """Why a row is left out."""


class One(NamedTuple):
    """A row as its log has it: times in nanoseconds on the log's clock, cached tokens inside the input."""

    at: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    took: int | None = None
    id: str | None = None
    session: str | None = None
    parent: str | None = None
    prompt: Any = None
    model: str | None = None


def gathered(rows: list[One], size: int, timed: bool) -> Batch:
    """Rows as columns."""

    def figures(values: list[int | None]) -> Ints:
        return np.array([UNKNOWN if v is None else v for v in values], np.int64)

    def some(values: list[Any]) -> list[Any] | None:
        return values if values.count(None) != len(values) else None

    cached = [r.cached_tokens for r in rows]
    return Batch(
        np.array([r.at for r in rows], np.int64) if timed else None,
        figures([r.input_tokens for r in rows]),
        figures([r.output_tokens for r in rows]),
        figures(cached) if some(cached) is not None else None,
        took=figures([r.took for r in rows]) if timed else None,
        id=some([r.id for r in rows]),
        session=some([r.session for r in rows]),
        prompt=some([r.prompt for r in rows]),
        model=some([r.model for r in rows]),
        parent=some([r.parent for r in rows]),
        size=size,
    )


class Found(NamedTuple):
    """Values of JSON that stood together, where they begin, and their bytes."""

    values: list[Any]
    lines: list[int]
    size: int


def values(job: Pass) -> Iterator[Found]:
    """The lines of JSONL as values; or the value of a file that is one document, or the items of one that is a list."""
    if not by_line(job):
        data = job.stream.whole(DOCUMENT)
        try:
            value = ANY.decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as problem:
            reason, byte = why(problem)
            before = data[: byte - 1]
            line = before.count(b"\n") + 1
            job.tally.drop(reason, line, byte - 1 - before.rfind(b"\n"))
            return
        found = value if isinstance(value, list) else [value]
        for start in range(0, len(found), 4096):
            part = found[start : start + 4096]
            yield Found(part, [1] * len(part), len(data) * len(part) // len(found))
        return
    for rows, piece in decoded(job, ANY):
        if rows:
            lines = [n for n, text in enumerate(piece.data.split(b"\n"), piece.line) if text.strip()]
            yield Found(rows, lines, len(piece.data))


def by_line(job: Pass) -> bool:
    """Whether the first line is an object, so that the file is JSONL."""
    data = job.stream.head().lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"\n" not in data:
        data = job.stream.head(LONGEST_LINE).lstrip(b"\xef\xbb\xbf \t\r\n")
    try:
        return isinstance(ANY.decode(data.split(b"\n", 1)[0]), dict)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return False


def count(value: Any, name: str) -> int | None:
    """A token count; None where there is none. Raises `BadRowError`."""
    if value is None or value == "":
        return None
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        number = None
    if number is None or math.isnan(number):
        raise BadRowError(f"`{name}` is no number")
    if number < 0:
        raise BadRowError(f"`{name}` below 0")
    if number > MOST_TOKENS:
        raise BadRowError(f"`{name}` above {MOST_TOKENS:,}")
    if number != int(number):
        raise BadRowError(f"`{name}` is no whole number")
    return int(number)


def text(value: Any) -> str | None:
    """A name; None where it is empty or no text."""
    return value if isinstance(value, str) and value else None
