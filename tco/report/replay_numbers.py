"""How the figures of a replay are written: times, rates, counts. A dash where there is no figure, never 0.

Imports next to nothing: the display of a run under way uses it too.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from math import isfinite, isnan

NONE = "–"
DIGITS = 3
"""Significant digits of what was measured."""
UP, DOWN, NEAREST = ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN


def significant(value: float | None, rounding: str = NEAREST, digits: int = DIGITS) -> str:
    """A measured number, plain: `8.4`, `0.0412`, `1,204`; whole numbers are never cut at so many digits."""
    if value is None or not isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exact = Decimal(repr(float(value)))  # as it is read: what binary puts a hair beside 8.9 is not rounded up
    places = max(digits - 1 - exact.adjusted(), 0)
    found = exact.quantize(Decimal(1).scaleb(-places), rounding=rounding)
    text = f"{found:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def seconds(value: float | None) -> str:
    """A time in the unit that it is read in: `0.31 ms`, `412 ms`, `1.23 s`; `never` where it is without end."""
    if value is None or isnan(value):
        return NONE
    if not isfinite(value):
        return "never"
    return f"{significant(value * 1000)} ms" if abs(value) < 0.9995 else f"{significant(value)} s"


def span(value: float | None) -> str:
    """How long something takes: `42 s`, `12 min 30 s`, `2 h 5 min`."""
    if value is None or not isfinite(value):
        return NONE
    if value < 60:
        return f"{significant(value)} s" if value < 9.95 else f"{value:.0f} s"
    whole = round(value)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def count(value: float | None) -> str:
    """A whole number, or the mean of whole numbers to three digits."""
    if value is None or not isfinite(value):
        return NONE
    return f"{value:,.0f}" if value == int(value) or value >= 100 else significant(value)
