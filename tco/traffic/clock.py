"""The unit of a log's time stamps: what its format documents, held against the values, or what the user states."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tco.traffic.batch import SECOND, joined
from tco.traffic.columns import TOO_FAR, UNITS
from tco.traffic.formats.base import Facts, Format, Pass
from tco.traffic.stream import Stream
from tco.traffic.tally import Tally

LOOKED_AT = 1 << 20
"""Bytes of the log that the evidence is of."""
ENOUGH = 20
"""Rows below which a rate says nothing."""
MOST_PER_S, MOST_TOKENS_PER_S = 10_000, 5_000_000
"""A rate of requests or of tokens that no one service has: the unit must be another one."""
LONGEST_GAP_S = 86_400
"""A mean time between requests above which the unit must be another one."""
EPOCH_S = (1_000_000_000, 10_000_000_000)
"""Seconds since 1970 of the years 2001 to 2286: numbers of this size are times of day."""
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


class Clock(NamedTuple):
    """What times are in, and how that is known."""

    unit: str | None
    evidence: str


def clock_of(form: Format, facts: Facts, stream: Stream, stated: str | None) -> Clock:
    """The unit of a log's time stamps. Raises `Faults` where the values contradict what the format documents."""
    if not facts.timed or facts.clock or form.unit is None:
        if stated is not None:
            why = "has times of day" if facts.timed else "has no times"
            raise stream.fault(f"a time unit for a log that {why}", "no `--time-unit`")
        return Clock(None, "times of day" if facts.timed else "no times")
    if form.key is not None:
        if stated not in (None, form.unit):
            raise stream.fault(f"a time unit for `{form.key}`, which names its own", "no `--time-unit`")
        return Clock(form.unit, f"{NAMES[form.unit]}, as the key `{form.key}` says")
    if stated is not None:
        return Clock(stated, f"{NAMES[stated]}, as stated")
    problem, seen = _looked_at(form, stream)
    if problem:
        raise stream.fault(
            f"time stamps that are not {NAMES[form.unit]}, which {form.title} documents: {problem}",
            "their unit by `--time-unit s`, `ms`, `us` or `ns`",
        )
    return Clock(form.unit, f"{NAMES[form.unit]}, as {form.title} documents{seen}")


def _looked_at(form: Format, stream: Stream) -> tuple[str, str]:
    """What contradicts the documented unit, and what speaks for it."""
    assert form.unit is not None
    tally = Tally()
    parts = [b for b in form.read(Pass(stream, tally, form.unit, most=LOOKED_AT)) if b.rows and b.at is not None]
    far = sum(rows for reason, rows in tally.dropped.items() if reason.endswith(TOO_FAR))
    if far > sum(b.rows for b in parts):
        return f"{far:,} of the first {tally.read:,} would be more than 146 years", ""
    if not parts:
        return "", ""
    batch = joined(parts)
    assert batch.at is not None
    scale = UNITS[form.unit]
    fractions = int(np.count_nonzero(batch.at % scale))
    if form.whole and fractions:
        return f"{fractions:,} of the first {batch.rows:,} have a fraction", ""
    raw = float(np.median(batch.at)) / scale
    for unit in UNITS:
        low, high = (bound * SECOND // UNITS[unit] for bound in EPOCH_S)
        if unit != form.unit and low <= raw < high:
            return f"numbers such as {raw:.0f} are times of day in {NAMES[unit]}", ""
    span = float(batch.at.max() - batch.at.min()) / SECOND
    if batch.rows < ENOUGH:
        return "", f" (too few rows to hold against it: {batch.rows})"
    if not span:
        return "", f" (nothing to hold against it: the first {batch.rows:,} rows have one stamp)"
    rate = (batch.rows - 1) / span
    known = np.maximum(batch.input_tokens, 0).sum() + np.maximum(batch.output_tokens, 0).sum()
    tokens = float(known) / span
    if rate > MOST_PER_S:
        return f"they would make {rate:,.0f} requests/s", ""
    if tokens > MOST_TOKENS_PER_S:
        return f"they would make {tokens:,.0f} tokens/s", ""
    if 1 / rate > LONGEST_GAP_S:
        return f"they would make {1 / rate / 86_400:,.0f} days from one request to the next", ""
    shown = "whole numbers, " if form.whole else ""
    return "", f" ({shown}{rate:,.3g} requests/s in the first {batch.rows:,} rows)"
