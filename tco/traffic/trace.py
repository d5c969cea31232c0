"""A recorded trace: opened by what it holds, read as often as needed in time order and in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tco.document import Fault, Faults, did_you_mean
from tco.traffic.batch import Batch
from tco.traffic.clock import Clock, clock_of
from tco.traffic.columns import UNITS
from tco.traffic.detect import chosen, head_of
from tco.traffic.formats.base import Facts, Format, Head, Pass
from tco.traffic.formats.own import COLUMNS, OWN, header_of
from tco.traffic.link import linked
from tco.traffic.order import in_order
from tco.traffic.request import Request
from tco.traffic.spread import spread as spread_ties
from tco.traffic.spread import tick_of
from tco.traffic.stream import Stream
from tco.traffic.tally import Tally


class NotInOrderError(Exception):
    """A row stands behind a later one: what was read on trust is to be read again, sorted."""


class Trace:
    """A log of requests. Nothing is read before it is asked for, but its head."""

    def __init__(
        self, stream: Stream, form: Format, head: Head, facts: Facts, clock: Clock, spread: int | None = None
    ) -> None:
        self.stream = stream
        self.path = stream.path
        self.format = form.name
        self.reader = form
        self.clock = clock
        self.time_unit = clock.unit
        """`s`, `ms`, `us` or `ns`; None where times are of day, or there are none."""
        self.block_tokens = facts.block_tokens
        self.timed = facts.timed
        self.seed = spread
        self.header: dict[str, Any] = header_of(head)
        """What the header line says, where the format has one."""
        self.tally = Tally()
        """Of the last full pass."""
        self._unordered: int | None = None
        """Rows that stand behind a later one, once that is known."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file's bytes, in hex."""
        return self.stream.digest()

    def requests(self) -> Iterator[Request]:
        """A fresh pass, in time order; `at` counts from the first. Raises `Faults` where nothing could be read."""
        for batch in self.batches(prompts=True):
            yield from batch.requests()

    def batches(self, *, prompts: bool = False, trusting: bool = False) -> Iterator[Batch]:
        """The same as columns, `at` in nanoseconds from the first request.

        A log whose order is not known yet is read twice. `trusting`: once; raises `NotInOrderError` at the first row
        that is behind a later one.
        """
        tally = Tally()
        if self.seed is not None and not self.tick:
            raise self.stream.fault("all requests have one time stamp", "stamps that differ, to spread within a tick")
        rows = self._read(tally, prompts)
        if not self.timed:
            yield from (batch for batch in rows if batch.rows)
        else:
            found = self._timed(rows, trusting)
            if self.seed is not None:
                found = spread_ties(found, self.tick, self.seed)
            if self.reader.linked:
                found = linked(found)
            zero: Any = None
            for batch in found:
                if batch.rows and batch.at is not None:
                    zero = batch.at[0] if zero is None else zero
                    yield batch._replace(at=batch.at - zero)
        tally.unordered = self._unordered or 0
        self.tally = tally
        if not tally.kept:
            raise self.nothing(tally)

    def nothing(self, tally: Tally) -> Faults:
        """What is wrong with a log in which no row could be read: the first fault, and how many there are."""
        if not tally.first:
            return self.stream.fault("no rows", f"{self.reader.title}: {', '.join(self.reader.columns)}")
        first = tally.first[0]
        rest = f" ({tally.read:,} rows, none could be read)" if tally.read > 1 else ""
        hint = ""
        if self.reader is OWN and "unknown field" in first.reason:
            hint = did_you_mean(first.reason.split("`")[1], COLUMNS)
        expected = f"{self.reader.title}: {', '.join(self.reader.columns)}"
        return Faults([Fault(self.stream.name, first.line, max(1, first.col), first.reason + rest, expected, hint)])

    @cached_property
    def tick(self) -> int:
        """Nanoseconds between the stamps of a coarse clock; see `tick_of`."""
        return tick_of(self._timed(self._read(Tally()), trusting=False))

    def _read(self, tally: Tally, prompts: bool = False) -> Iterator[Batch]:
        return self.reader.read(Pass(self.stream, tally, self.time_unit, prompts))

    def _timed(self, rows: Iterator[Batch], trusting: bool) -> Iterator[Batch]:
        """Batches in time order."""
        if self._unordered is None:
            if not self.stream.repeatable:
                return in_order(self._watched(rows))
            if trusting:
                return self._watched(rows, trusting=True)
            for _ in self._watched(self._read(Tally())):
                pass
        return in_order(rows) if self._unordered else rows

    def _watched(self, rows: Iterator[Batch], trusting: bool = False) -> Iterator[Batch]:
        """The batches themselves; at their end it is known how many rows stand behind a later one."""
        unordered, latest = 0, None
        for batch in rows:
            at = batch.at
            if at is None or not batch.rows:
                continue
            highest = np.maximum.accumulate(at if latest is None else np.append(latest, at))
            unordered += int(np.count_nonzero(at < highest[-batch.rows :]))
            latest = highest[-1]
            if unordered and trusting:
                raise NotInOrderError
            yield batch
        self._unordered = unordered


def open_trace(
    path: str | Path, *, format: str | None = None, time_unit: str | None = None, spread: int | None = None
) -> Trace:
    """The trace at a path, or on standard input for `-`.

    `format`: its name, told by columns and keys when absent. `time_unit`: of its time stamps, where the documented one
    does not hold. `spread`: the seed by which requests on one time stamp are spread within the tick. Raises `Faults`.
    """
    stream = Stream(path)
    if time_unit is not None and time_unit not in UNITS:
        raise stream.fault(f"no time unit `{time_unit}`", "one of `s`, `ms`, `us` or `ns`")
    head = head_of(stream)
    form = chosen(head, stream, format)
    facts = form.facts(head, stream)
    if spread is not None and not facts.timed:
        raise stream.fault("a trace without times has no ties to spread", "times")
    if spread is not None and not stream.repeatable:
        raise stream.fault("ties are spread in a second pass, and this can be read once", "a file")
    return Trace(stream, form, head, facts, clock_of(form, facts, stream, time_unit), spread)
