"""The keys of spend over time: how volume, prices and pay move. Imported when a scenario has them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from tco.calendar import NAMES, Month, parse_month
from tco.fields import Factor, Flow, Model, MonthField, Parsed, Share, no_items, no_keys
from tco.numerals import UnitError
from tco.ranges import is_range, parse_range
from tco.units import parse_fraction

MOST_MONTHS = 240
MOST_SPIKE_DAYS = 28
_RATE = "a rate such as 5%/month or 80%/year"
_SEASONS = "factors by month of the year: {nov: 130%, dec: 160%}"
_LONG = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)


class Pace(NamedTuple):
    """How fast something grows: by `rate` in so many months."""

    rate: Fraction
    months: int


def _pace(value: Any) -> Pace:
    """`5%`, `5%/month`, `-2%/month` or `80%/year`; a range of such in one period. Raises UnitError."""
    if is_range(value):
        paces = {key: _pace(bound) for key, bound in value.items()}
        first = next(iter(paces.values()))
        if any(p.months != first.months for p in paces.values()):
            raise UnitError(None, "a range over one period, such as {low: 2%/month, high: 6%/month}", "")
        if "p10" in value and min(p.rate for p in paces.values()) <= 0:
            raise UnitError(None, "`{low, high}` for a rate that may be negative, not percentiles", "")
        return Pace(parse_range(paces, lambda p: p.rate), first.months)
    text, months = value, 1
    if isinstance(value, str):
        text, _, period = (part.strip() for part in value.partition("/"))
        known = {"": 1, "month": 1, "mo": 1, "year": 12, "yr": 12, "y": 12}
        if period.lower() not in known:
            raise UnitError(value, _RATE, message="not a rate over a month or a year")
        months = known[period.lower()]
    shrinks = isinstance(text, str) and text.startswith(("-", "−"))
    try:
        rate = parse_fraction(text[1:].strip() if shrinks else text)
    except UnitError as problem:
        raise UnitError(value, _RATE, problem.hint, problem.message) from None
    if shrinks and rate >= 1:
        raise UnitError(value, _RATE, message="nothing would be left")
    return Pace(-rate if shrinks else rate, months)


def _by_month(parse: Any, expected: str) -> Any:
    def read(value: Any) -> dict[Month, Any]:
        if not isinstance(value, dict) or not value:
            raise UnitError(value, expected, "")
        found = {parse_month(key): parse(inner) for key, inner in value.items()}
        return dict(sorted(found.items()))

    return read


_GROWTH_TABLE = "a rate such as 5%/month, or rates by the month from which they hold: {2027-01: 3%, 2027-07: 8%}"


def _growth(value: Any) -> dict[Month | None, Pace]:
    if isinstance(value, dict) and not is_range(value):
        found: dict[Month | None, Pace] = _by_month(_pace, _GROWTH_TABLE)(value)
        return found
    return {None: _pace(value)}


def _month_of_year(name: Any) -> int:
    """1 to 12: `nov`, `Nov` or `November`. Raises UnitError."""
    text = str(name).strip().lower()
    for number, short in enumerate(NAMES, 1):
        if text == short or (len(text) > len(short) and _LONG[number - 1].startswith(text)):
            return number
    raise UnitError(name, _SEASONS, "", "no month of the year")


def _season(value: Any) -> dict[int, Fraction]:
    """By the number of the month in a year."""
    expected = _SEASONS
    if not isinstance(value, dict):
        raise UnitError(value, expected, "")
    found = {}
    for key, factor in value.items():
        number = _month_of_year(key)
        parsed = parse_range(factor, parse_fraction) if is_range(factor) else parse_fraction(factor)
        if getattr(parsed, "least", parsed) <= 0:
            raise UnitError(factor, expected, "", "no traffic at all")
        if number in found:
            raise UnitError(key, expected, "", "a month named twice")
        found[number] = parsed
    return found


def _spike_days(value: Any) -> int:
    days = value if isinstance(value, int) and not isinstance(value, bool) else None
    days = days if days is not None or not isinstance(value, Fraction) or value.denominator != 1 else int(value)
    if days is None or not 1 <= days <= MOST_SPIKE_DAYS:
        raise UnitError(value, f"a whole number of days from 1 to {MOST_SPIKE_DAYS}", "")
    return days


def horizon(value: Any) -> int:
    """`36`, `36 months` or `3 years`, in months. Raises UnitError."""
    expected = f"months from 1 to {MOST_MONTHS}, such as 36, 36 months or 3 years"
    factor, text = 1, value
    if isinstance(value, str):
        count, _, unit = value.strip().partition(" ")
        units = {"": 1, "month": 1, "months": 1, "year": 12, "years": 12}
        if unit.strip() not in units:
            raise UnitError(value, expected, "")
        factor, text = units[unit.strip()], Fraction(count) if re.fullmatch("[0-9]{1,9}", count) else None
    if isinstance(text, bool) or not isinstance(text, (int, Fraction)) or Fraction(text).denominator != 1:
        raise UnitError(value, expected, "")
    months = int(text) * factor
    if not 1 <= months <= MOST_MONTHS:
        raise UnitError(value, expected, "")
    return months


def _surge(value: Any) -> Fraction:
    if isinstance(value, dict):
        raise UnitError(None, "one factor such as 10, not a range", "")
    text = value.strip().removesuffix("x").removesuffix("×").strip() if isinstance(value, str) else value
    factor = parse_fraction(text)
    if factor <= 0:
        raise UnitError(value, "a factor above 0, such as 10", "")
    return factor


Growth = Annotated[
    dict[Month | None, Pace],
    Parsed(
        _growth, {"type": ["string", "number", "object"], "examples": ["5%/month", {"2027-01": "3%", "2027-07": "8%"}]}
    ),
]
FlowsByMonth = Annotated[
    dict[Month, Any],
    Parsed(
        _by_month(Flow.__metadata__[0].parse, "volumes by month: {2027-03: 40M tokens/day}"),
        {"type": "object", "examples": [{"2027-03": "40M tokens/day"}]},
    ),
]
Seasons = Annotated[
    dict[int, Fraction], Parsed(_season, {"type": "object", "examples": [{"nov": "130%", "dec": "160%"}]})
]
Horizon = Annotated[int, Parsed(horizon, {"type": ["integer", "string"], "examples": [36, "3 years"]})]


class Spike(Model):
    """Some days of a month that carry many times the usual traffic."""

    month: MonthField
    factor: Annotated[Fraction, Parsed(_surge, {"type": ["number", "string"], "examples": [10, "10x"]})] = Field(
        description="of the usual day's traffic"
    )
    days: Annotated[int, Parsed(_spike_days, {"type": "integer", "minimum": 1, "maximum": MOST_SPIKE_DAYS})] = Field(
        description="how many days it lasts"
    )


class Decline(Model):
    """How prices fall, a year, from the first month or from a later dated price of the catalogue on."""

    api: Share = Field(Fraction(0), description="what APIs bill by use: tokens, requests, tools; a year")
    gpu: Share = Field(Fraction(0), description="GPUs and endpoints by the hour, except what is reserved; a year")

    @model_validator(mode="after")
    def _something_left(self) -> Decline:
        for key in ("api", "gpu"):
            value = getattr(self, key)
            if getattr(value, "most", value) >= 1:
                raise UnitError(None, f"less than 100% a year for `{key}`: nothing gets free", "")
        return self


class Projection(Model):
    """How the scenario goes on: from the first month on, month by month."""

    start: MonthField | None = Field(None, description="the first month; the one after `as_of` when absent")
    months: Horizon = Field(36, description="how many months to look at: 36, or 3 years")
    growth: Growth = Field(
        default_factory=no_keys, description="of the volume: one rate, or rates by the month from which they hold"
    )
    volumes: FlowsByMonth = Field(
        default_factory=no_keys,
        description="volumes that are known: from such a month on, in place of what grew so far",
    )
    seasonality: Seasons = Field(default_factory=no_keys, description="of the usual volume, by month of the year")
    spikes: list[Spike] = Field(default_factory=no_items, description="days of many times the usual traffic")
    price_decline: Decline = Field(default_factory=Decline.model_construct, description="how prices fall, a year")
    salary_growth: Factor = Field(Fraction(0), description="of what people cost, a year")
    discount_rate: Factor = Field(Fraction(0), description="a year, for present values")

    @model_validator(mode="after")
    def _one_spike_a_month(self) -> Projection:
        months = [s.month for s in self.spikes]
        twice = next((m for m in months if months.count(m) > 1), None)
        if twice is not None:
            raise UnitError(None, f"one spike in {twice}: add their days", "")
        return self
