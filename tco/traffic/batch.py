"""Some thousand rows as columns: what readers make, and statistics count, without an object for each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tco.traffic.request import Request

Ints = NDArray[np.int64]
UNKNOWN = -1
SECOND = 1_000_000_000
"""Nanoseconds."""
TEXTS = ("id", "session", "after", "think", "prompt", "model", "parent")


class Batch(NamedTuple):
    """Rows of a log, as columns of one length. None for a column that no row has."""

    at: Ints | None
    """Nanoseconds on the clock of the log."""
    input_tokens: Ints
    """`UNKNOWN` where the log does not say; so for the next two."""
    output_tokens: Ints
    cached_tokens: Ints | None = None
    blocks: Ints | None = None
    """Block ids of all rows, one row after the other."""
    ends: Ints | None = None
    """Where the blocks of each row end in `blocks`."""
    took: Ints | None = None
    """Nanoseconds from the request to the end of its answer; `UNKNOWN` where it is not known."""
    id: list[str | None] | None = None
    session: list[str | None] | None = None
    after: list[str | None] | None = None
    think: list[float | None] | None = None
    """Seconds."""
    prompt: list[Any] | None = None
    model: list[str | None] | None = None
    parent: list[str | None] | None = None
    """The `id` of what a request was made from, where a log says so: the linker's, no part of a request."""
    size: int = 0
    """Bytes of the log that the rows took, roughly."""

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.input_tokens)

    def requests(self, zero: int = 0) -> Iterator[Request]:
        """The rows as requests whose times count from `zero`, in nanoseconds."""
        nothing: list[Any] = [None] * self.rows
        return map(
            Request,
            nothing if self.at is None else seconds(self.at - zero),
            known(self.input_tokens),
            known(self.output_tokens),
            self.blocks_of_rows(),
            self.id or nothing,
            self.session or nothing,
            self.after or nothing,
            self.think or nothing,
            self.prompt or nothing,
            nothing if self.cached_tokens is None else known(self.cached_tokens),
            self.model or nothing,
        )

    def blocks_of_rows(self) -> list[tuple[int, ...]]:
        """The block ids of each row."""
        if self.blocks is None or self.ends is None:
            return [()] * self.rows
        flat, ends = self.blocks.tolist(), self.ends.tolist()
        return [tuple(flat[a:b]) for a, b in zip(chain((0,), ends), ends, strict=False)]

    def take(self, which: NDArray[Any]) -> Batch:
        """Some of the rows, by number and in that order, or by a mask."""
        if which.dtype == np.bool_:
            if which.all():
                return self
            which = np.flatnonzero(which)
        blocks = ends = None
        if self.blocks is not None and self.ends is not None:
            starts = np.concatenate((np.zeros(1, np.int64), self.ends[:-1]))
            lengths = (self.ends - starts)[which]
            ends = np.cumsum(lengths)
            jump = np.repeat(starts[which] - (ends - lengths), lengths)
            blocks = self.blocks[np.arange(len(jump)) + jump]
        picked = which.tolist()
        texts: dict[str, Any] = {
            name: [column[i] for i in picked] for name in TEXTS if (column := getattr(self, name)) is not None
        }
        return self._replace(
            at=None if self.at is None else self.at[which],
            input_tokens=self.input_tokens[which],
            output_tokens=self.output_tokens[which],
            cached_tokens=None if self.cached_tokens is None else self.cached_tokens[which],
            took=None if self.took is None else self.took[which],
            blocks=blocks,
            ends=ends,
            size=self.size * len(which) // max(1, self.rows),
            **texts,
        )


def joined(parts: Sequence[Batch]) -> Batch:
    """Rows of several batches, one after the other."""
    if len(parts) == 1:
        return parts[0]

    def figures(name: str) -> Any:
        columns = [getattr(p, name) for p in parts]
        if all(c is None for c in columns):
            return None
        return np.concatenate(
            [np.full(p.rows, UNKNOWN, np.int64) if c is None else c for p, c in zip(parts, columns, strict=True)]
        )

    def texts(name: str) -> Any:
        columns = [getattr(p, name) for p in parts]
        if all(c is None for c in columns):
            return None
        return list(
            chain.from_iterable([None] * p.rows if c is None else c for p, c in zip(parts, columns, strict=True))
        )

    blocks = ends = None
    if any(p.blocks is not None for p in parts):
        empty = np.zeros(0, np.int64)
        blocks = np.concatenate([empty if p.blocks is None else p.blocks for p in parts])
        lengths = [np.zeros(p.rows, np.int64) if p.ends is None else np.diff(p.ends, prepend=0) for p in parts]
        ends = np.cumsum(np.concatenate(lengths))
    return Batch(
        figures("at"),
        figures("input_tokens"),
        figures("output_tokens"),
        figures("cached_tokens"),
        blocks,
        ends,
        figures("took"),
        **{name: texts(name) for name in TEXTS},
        size=sum(p.size for p in parts),
    )


def batch_of(requests: Sequence[Request], size: int = 0) -> Batch:
    """Requests as columns; their times count from zero."""
    timed = bool(requests) and requests[0].at is not None

    def texts(name: str) -> Any:
        found = [getattr(r, name) for r in requests]
        return found if any(v is not None for v in found) else None

    cached = [UNKNOWN if r.cached_tokens is None else r.cached_tokens for r in requests]
    has_blocks = any(r.blocks for r in requests)
    return Batch(
        np.array([nanoseconds(r.at or 0.0) for r in requests], np.int64) if timed else None,
        np.array([UNKNOWN if r.input_tokens is None else r.input_tokens for r in requests], np.int64),
        np.array([UNKNOWN if r.output_tokens is None else r.output_tokens for r in requests], np.int64),
        np.array(cached, np.int64) if any(c != UNKNOWN for c in cached) else None,
        np.array([b for r in requests for b in r.blocks], np.int64) if has_blocks else None,
        np.cumsum([len(r.blocks) for r in requests], dtype=np.int64) if has_blocks else None,
        None,
        size=size,
        **{name: texts(name) for name in TEXTS[:-1]},
    )


def seconds(ns: Ints) -> list[float]:
    """Nanoseconds as the nearest numbers of seconds."""
    if len(ns) and int(np.abs(ns).max()) >> 53:  # or it would be rounded twice
        return [n / SECOND for n in ns.tolist()]
    found: list[float] = (ns / SECOND).tolist()
    return found


def nanoseconds(value: float) -> int:
    """Seconds to the nearest nanosecond; exact, however far from zero."""
    if abs(value) < 1e6:
        return round(value * SECOND)
    numerator, denominator = value.as_integer_ratio()
    return (2 * numerator * SECOND + denominator) // (2 * denominator)


def known(values: Ints) -> list[int | None]:
    """Whole numbers, None for what is not known."""
    found: list[int | None] = values.tolist()
    return [None if v == UNKNOWN else v for v in found] if UNKNOWN in values else found
