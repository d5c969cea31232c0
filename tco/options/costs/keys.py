"""How costs around a model are written in a scenario: names, sums, periods, money over time or by use."""

from __future__ import annotations

import re
from collections.abc import Collection
from fractions import Fraction
from typing import Annotated, Any

from tco.fields import Model, Parsed, money, money_parser, ranged
from tco.numerals import number, start
from tco.ranges import is_range
from tco.units import Money, UnitError

COST_NAME = r"^[A-Za-z0-9][A-Za-z0-9 ._+-]*$"
_EVERY = "a period in months, quarters or years, such as month, 3 months, 18 months or 2 years"
_MONTHS_IN = {"month": 1, "mo": 1, "quarter": 3, "year": 12, "yr": 12, "y": 12}


def _cost_name(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(COST_NAME, value) and len(value) <= 60:
        return value
    raise UnitError(value, "a short name of letters, digits, spaces, `.`, `_`, `+` and `-`", "")


def _months(value: Any) -> Fraction:
    """Months between two payments: `month`, `3 months`, `2 years`. Raises UnitError."""

    def of(unit: str) -> int | None:
        return _MONTHS_IN.get(unit.strip().lower().removesuffix("s"))

    alone = of(value) if isinstance(value, str) else None
    if alone is not None:
        return Fraction(alone)
    text, given = start(value, _EVERY)
    count, unit = number(text, value, _EVERY, magnitudes=False) if given is None else (given, "")
    months = of(unit)
    if months is None or not count:
        raise UnitError(value, _EVERY, message="" if months is None else "a period of nothing")
    return count * months


def _on_failure(value: Any) -> Money | str:
    if value == RETRY:
        return RETRY
    try:
        return money_parser("request")(value)
    except UnitError as problem:
        raise UnitError(value, f"`{RETRY}`, or {problem.expected}", problem.hint, problem.message) from None


RETRY = "retry"
CostName = Annotated[str, Parsed(_cost_name, {"type": "string", "pattern": COST_NAME, "maxLength": 60})]
Amount = Annotated[Money, money("", example="$5k")]
Every = Annotated[Fraction, ranged(_months, {"type": "string", "examples": ["month", "3 months", "2 years"]})]
"""Months from one payment to the next."""
Months = Annotated[Fraction, ranged(_months, {"type": "string", "examples": ["4 months", "2 quarters"]})]
"""How long something takes, in months."""
PerGbMonth = Annotated[Money, money("gb_month", example="$0.02/GB-month")]
PerUse = Annotated[Money, money("gb", "request", "mtok", example="$0.09/GB")]
Standing = Annotated[Money, money("month", "hour", "day", "quarter", "year", example="$300/month")]
OnFailure = Annotated[
    Money | str, Parsed(_on_failure, {"type": ["string", "object"], "examples": [RETRY, "$0.05/request"]})
]


def standing_form(value: Any) -> str:
    """Which way a standing cost is written: money over time, a sum every so often, or gigabytes that are kept."""
    keys: Collection[str] = type(value).model_fields if isinstance(value, Model) else ()
    if isinstance(value, dict) and not is_range(value):
        keys = value
    return "stored" if "gb" in keys else "recurring" if keys or value == {} else "money"
