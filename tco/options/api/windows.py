"""Keys of prices by the hour: the hours of a day, and what changes in them. Imported when a scenario states one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field, model_validator

from tco.fields import Factor, Model, Parsed, Share
from tco.options.api.hours import HourParts
from tco.units import UnitError
from tco.workload.model import HOURS_PER_DAY

_EXPECTED = "hours of the day, such as 16-24, 16:30-0:30 or [0, 1, 2, 22, 23]"
_SPAN = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*-\s*(\d{1,2})(?::(\d{2}))?")


def parse_hours(value: Any) -> HourParts:
    """Hours as a list, each from its beginning to its end, or from one time to another, past midnight too."""
    if isinstance(value, list):
        if not value or any(type(h) is not int or not 0 <= h < HOURS_PER_DAY for h in value):
            raise UnitError(None, _EXPECTED, "")
        if len(set(value)) < len(value):
            raise UnitError(None, "each hour once", "")
        return tuple(Fraction(int(h in value)) for h in range(HOURS_PER_DAY))
    span = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if span is None:
        raise UnitError(value, _EXPECTED, "")
    start, end = (_time(h, m, value) for h, m in ((span[1], span[2]), (span[3], span[4])))
    if start % HOURS_PER_DAY == end % HOURS_PER_DAY:
        raise UnitError(value, "a time that differs from the other: a price for the whole day is no price by hour", "")
    spans = ((start, end),) if start < end else ((start, Fraction(HOURS_PER_DAY)), (Fraction(0), end))
    return tuple(sum((_overlap(h, a, b) for a, b in spans), Fraction(0)) for h in range(HOURS_PER_DAY))


def _time(hour: str, minute: str | None, value: object) -> Fraction:
    time = Fraction(hour) + Fraction(minute or 0) / 60
    if time > HOURS_PER_DAY or int(minute or 0) >= 60:
        raise UnitError(value, _EXPECTED, "")
    return time


def _overlap(hour: int, a: Fraction, b: Fraction) -> Fraction:
    return max(min(b, Fraction(hour + 1)) - max(a, Fraction(hour)), Fraction(0))


class Window(Model):
    """A price for some hours of every day: a discount or a surcharge."""

    hours: Annotated[
        HourParts,
        Parsed(
            parse_hours,
            {
                "type": ["string", "array"],
                "items": {"type": "integer", "minimum": 0, "maximum": HOURS_PER_DAY - 1},
                "examples": ["16:30-0:30", [22, 23, 0, 1]],
            },
        ),
    ] = Field(description="in the time of the load profile: a list of hours, or from one time to another")
    discount: Share | None = Field(None, description="off the price of tokens in these hours, such as 50%")
    surcharge: Factor | None = Field(None, description="on top of the price of tokens in these hours, such as 20%")

    @model_validator(mode="after")
    def _one_change(self) -> Window:
        if (self.discount is None) == (self.surcharge is None):
            raise UnitError(None, "one of `discount` and `surcharge`", "")
        return self


def check_apart(windows: Mapping[str, Window]) -> None:
    """Raises UnitError where two windows hold at the same time."""
    for hour in range(HOURS_PER_DAY):
        if sum((w.hours[hour] for w in windows.values()), Fraction(0)) > 1:
            both = " and ".join(f"`{name}`" for name, w in windows.items() if w.hours[hour])
            raise UnitError(None, f"hours of one window only, not of {both} (hour {hour})", "")
