"""Columns as a log has them, checked: token counts and time stamps as whole numbers, and which rows are none."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tco.traffic.batch import UNKNOWN, Ints
from tco.traffic.tally import Tally

MOST_TOKENS = 1_000_000_000
"""Of one request: above it a count is taken for a fault of the log."""
UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds of a unit of time stamps."""
FURTHEST = 1 << 62
"""Nanoseconds from zero that a time stamp may be: 146 years."""
TOO_FAR = "is no time: more than 146 years"
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?"
)
_EPOCH = datetime(1970, 1, 1)


class Check:
    """Which rows of a batch can be kept; each row is dropped once, for the first thing that is wrong with it."""

    def __init__(self, rows: int, tally: Tally, line_of: Callable[[int], int]) -> None:
        self.good: NDArray[np.bool_] = np.ones(rows, np.bool_)
        self._tally, self._line_of = tally, line_of

    def drop(self, bad: NDArray[np.bool_], reason: str) -> None:
        """Leave out the rows of a mask."""
        new = np.flatnonzero(bad & self.good).tolist()
        if new:
            for row in new[:5]:
                self._tally.drop(reason, self._line_of(row))
            if len(new) > 5:
                self._tally.drop(reason, rows=len(new) - 5)
            self.good[new] = False

    def tokens(self, values: Sequence[Any], name: str, *, text: bool = False) -> Ints:
        """Token counts; `UNKNOWN` for None (and for an empty text)."""
        counts = None
        try:
            if text:
                counts = _digits(values)
            else:
                found = np.array(values)
                counts = found if found.dtype == np.int64 else None
        except (TypeError, ValueError, OverflowError):
            pass
        if counts is None:
            counts = self._one_by_one(values, name)
        elif len(counts) and (int(counts.min()) < 0 or int(counts.max()) > MOST_TOKENS):
            self.drop(counts < 0, f"`{name}` below 0")
            self.drop(counts > MOST_TOKENS, f"`{name}` above {MOST_TOKENS:,}")
        return counts

    def _one_by_one(self, values: Sequence[Any], name: str) -> Ints:
        counts = np.full(len(values), UNKNOWN, np.int64)
        for row, value in enumerate(values):
            if value is None or (isinstance(value, str) and not value.strip()):
                continue
            reason = ""
            try:
                number = float(value)
                if math.isnan(number) or isinstance(value, bool):
                    reason = f"`{name}` is no number"
                elif number < 0:
                    reason = f"`{name}` below 0"
                elif number > MOST_TOKENS:
                    reason = f"`{name}` above {MOST_TOKENS:,}"
                elif number != int(number):
                    reason = f"`{name}` is no whole number"
                else:
                    counts[row] = int(number)
            except (TypeError, ValueError):
                reason = f"`{name}` is no number"
            except OverflowError:
                reason = f"`{name}` above {MOST_TOKENS:,}"
            if reason:
                self._one(row, reason)
        return counts

    def ticks(self, values: Sequence[Any], name: str, unit: str) -> Ints:
        """Numbers in a unit of time, in nanoseconds. What is none, or before 0, is dropped."""
        scale = UNITS[unit]
        try:
            found = np.array(values)
            if found.dtype == np.int64 and len(found) and int(np.abs(found).max()) < FURTHEST // scale:
                self.drop(found < 0, f"`{name}` before 0")
                return found * scale
            if found.dtype == np.float64 and len(found):
                top = float(np.abs(found).max())
                if top * scale < 1 << 51:  # so that the nearest nanosecond is found exactly
                    self.drop(found < 0, f"`{name}` before 0")
                    rounded: Ints = np.rint(found * scale).astype(np.int64)
                    return rounded
        except (TypeError, ValueError, OverflowError):
            pass
        ticks = np.zeros(len(values), np.int64)
        for row, value in enumerate(values):
            if value is None or (isinstance(value, str) and not value.strip()):
                self._one(row, f"no `{name}`")
                continue
            try:
                number = Fraction(value.strip() if isinstance(value, str) and len(value) < 64 else value)
            except (TypeError, ValueError, OverflowError, ZeroDivisionError):
                self._one(row, f"`{name}` is no number")
                continue
            if number < 0:
                self._one(row, f"`{name}` before 0")
            elif number * scale >= FURTHEST:
                self._one(row, f"`{name}` {TOO_FAR}")
            else:
                ticks[row] = round(number * scale)
        return ticks

    def times(self, values: Sequence[str | None], name: str) -> Ints:
        """Times of day as nanoseconds since 1970, without a zone as UTC. What is none is dropped."""
        fast = _fast_times(values)
        if fast is not None:
            return fast
        found = np.zeros(len(values), np.int64)
        for row, value in enumerate(values):
            if value is None or not value.strip():
                self._one(row, f"no `{name}`")
                continue
            ns = time_of(value)
            if ns is None:
                self._one(row, f"`{name}` is no time")
            else:
                found[row] = ns
        return found

    def _one(self, row: int, reason: str) -> None:
        mask = np.zeros(len(self.good), np.bool_)
        mask[row] = True
        self.drop(mask, reason)


def time_of(text: str) -> int | None:
    """Nanoseconds since 1970 of a time such as `2023-11-16 18:17:03.9799600` or `2026-02-25T10:00:00+01:00`; None for
    what is no time. Without a zone it is taken as UTC: only differences count here."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second or 0))
    except ValueError:
        return None
    if zone and zone[0] in "+-":
        digits = zone[1:].replace(":", "").ljust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        moment = moment - offset if zone[0] == "+" else moment + offset
    elapsed = moment - _EPOCH
    ns = (elapsed.days * 86400 + elapsed.seconds) * UNITS["s"] + int((fraction or "0").ljust(9, "0"))
    return ns if abs(ns) < FURTHEST else None


def _digits(values: Sequence[str]) -> Ints | None:
    """A column of texts that are digits alone, as numbers; None where one is not."""
    line = ",".join(values)
    bare = line.replace(",", "")
    if not (bare.isascii() and bare.isdigit()) or ",," in line or line[0] == "," or line[-1] == ",":
        return None
    found = np.fromstring(line, np.int64, sep=",")
    return found if len(found) == len(values) else None


def _fast_times(values: Sequence[str | None]) -> Ints | None:
    """The same of a whole column, where all are written alike; None where they are not."""
    try:
        line = "\n".join(values)  # type: ignore[arg-type]
    except TypeError:
        return None
    texts: Sequence[str] = values  # type: ignore[assignment]
    length = len(texts[0]) if texts else 0
    if length < _SHORTEST or len(line) != len(texts) * (length + 1) - 1 or not line.isascii():
        return None
    cells = np.frombuffer(f"{line}\n".encode("ascii"), np.uint8).reshape(len(texts), length + 1)
    zone = next((z for z in ("+00:00", "Z") if texts[0].endswith(z)), "")
    end = length - len(zone)
    clock = cells[:, 11:end]
    century = cells[:, 0].astype(np.int64) * 256 + cells[:, 1]
    alike = (
        (cells[:, length] == ord("\n")).all()
        and (cells[:, end:length] == np.frombuffer(zone.encode(), np.uint8)).all()
        and np.isin(century, _CENTURIES).all()  # numpy wraps around far from now
        and (cells[:, [4, 7]] == ord("-")).all()
        and ((clock >= ord(".")) & (clock <= ord(":")) & (clock != ord("/"))).all()
    )
    if not alike:
        return None
    try:
        return np.array([t[:end] for t in texts] if zone else texts, "datetime64[ns]").astype(np.int64)
    except ValueError:
        return None


_SHORTEST = len("2023-11-16 18:17")
_CENTURIES = [int.from_bytes(century, "big") for century in (b"19", b"20")]
