"""The keys of the gate: limits on projected spend, and what else must hold. Imported when a scenario has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from tco.fields import NAME, Date, Model, MonthField, Name, Parsed, Text, no_items
from tco.numerals import UnitError
from tco.units import Flow, parse_fraction, parse_money, parse_rate, parse_seconds, parse_share

MONTH, REQUEST, MTOK, TOTAL, SHARE = "month", "request", "mtok", "total", "share"
"""What a level is per: a month, a request, 1M tokens, the whole horizon; or a share of the reference."""
ANY_MONTH = "any month"
SECONDS_PER_DAY = 86400
_MONEY = frozenset({MONTH, REQUEST, MTOK, None})


class Level(NamedTuple):
    """What a budget allows: so much money per something, or (an increase) such a share of the reference."""

    amount: Fraction
    per: str
    """month, request, mtok, total or share."""
    currency: str | None
    """None for a share."""


class Requirement(NamedTuple):
    """A decision that must hold."""

    what: str
    """feasible, recommended or cheapest."""
    option: str | None
    """None: what runs today."""


def _money(value: Any) -> Level:
    if isinstance(value, Level):
        return value
    if isinstance(value, dict):
        raise UnitError(None, "one amount such as $12,000/month: a limit holds or it does not", "")
    money = parse_money(value, per=_MONEY)
    return Level(money.amount, money.per or TOTAL, money.currency)


def _increase(value: Any) -> Level:
    if isinstance(value, str) and value.strip().endswith("%"):
        return Level(parse_fraction(value), SHARE, None)
    try:
        return _money(value)
    except UnitError as problem:
        raise UnitError(value, "an increase such as 10% or $500/month", problem.hint, problem.message) from None


def _percentile(value: Any) -> Fraction:
    """P90 as 0.9."""
    found = re.fullmatch(r"[pP](\d{1,2}(?:\.\d+)?)", value.strip()) if isinstance(value, str) else None
    share = Fraction(found[1]) / 100 if found is not None else Fraction(0)
    if not share:
        raise UnitError(value, "a percentile of the draws such as P90", "")
    return share


def _age(value: Any) -> int:
    """Whole days."""
    expected = "an age in days, such as 90d or 90 days"
    try:
        days = parse_seconds(value) / SECONDS_PER_DAY
    except UnitError as problem:
        raise UnitError(value, expected, problem.hint, problem.message) from None
    if days.denominator != 1 or days < 1:
        raise UnitError(value, expected, "", "no whole number of days")
    return int(days)


_REQUIREMENT = re.compile(rf"(?:({NAME[1:-1]}) is )?feasible|(recommended|cheapest) is ({NAME[1:-1]})")
_REQUIREMENTS = "`feasible`, `OPTION is feasible`, `recommended is OPTION` or `cheapest is OPTION`"


def _requirement(value: Any) -> Requirement:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    found = _REQUIREMENT.fullmatch(text)
    if found is None:
        raise UnitError(value if isinstance(value, str) else None, _REQUIREMENTS, "", "not a requirement")
    return Requirement(found[2] or "feasible", found[3] or found[1])


def _requirements(value: Any) -> list[Requirement]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise UnitError(None, _REQUIREMENTS, "", "nothing is required")
    return [_requirement(item) for item in values]


def _certain(parse: Callable[[Any], Any], expected: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, dict):
            raise UnitError(None, f"one value such as {expected}, not a range", "")
        return parse(value)

    return read


def _holds_in(value: Any) -> Fraction:
    share = parse_share(value)
    if not share:
        raise UnitError(value, "a share above 0, such as 80%", "", "it would always hold")
    return share


def _text(*examples: str) -> dict[str, Any]:
    return {"type": "string", "examples": list(examples)}


Limit = Annotated[Level, Parsed(_money, _text("$12,000/month", "$0.002/request", "$3/1M tokens", "$400k"))]
Increase = Annotated[Level, Parsed(_increase, _text("10%", "$500/month"))]
Volume = Annotated[Flow, Parsed(_certain(parse_rate, "20M tokens/day"), _text("20M tokens/day"))]
Percentile = Annotated[Fraction, Parsed(_percentile, _text("P90"))]
Age = Annotated[int, Parsed(_age, _text("90d"))]
Required = Annotated[
    list[Requirement],
    Parsed(
        _requirements,
        {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "examples": ["feasible", ["feasible", "recommended is api-small"]],
        },
    ),
]
HoldsIn = Annotated[
    Fraction, Parsed(_certain(_holds_in, "80%"), {"type": ["number", "string"], "examples": ["80%", 0.8]})
]


class Budget(Model):
    """A limit on projected spend. Short, the limit alone: `api-bill: $12,000/month`."""

    limit: Limit | None = Field(
        None, description="the most it may cost: a month, a request, 1M tokens, or in all over the horizon"
    )
    increase: Increase | None = Field(
        None, description="in place of `limit`: the most it may cost more than a reference, as money or in per cent"
    )
    over: Name | None = Field(None, description="the reference of an increase; `current` when absent")
    option: Name | None = Field(None, description="the option it is a limit on; `current` when absent")
    component: Text | None = Field(
        None, description="of its cost only this category of the breakdown: people, api, gpu, power, ..."
    )
    class_: Name | None = Field(None, alias="class", description="of its cost only what this request class causes")
    at: Volume | None = Field(None, description="at this volume; at the planned one when absent")
    when: Literal["any month"] | None = Field(None, description="in each month of the projection; today when absent")
    percentile: Percentile | None = Field(None, description="of the draws, such as P90, in place of the point estimate")
    warn: Increase | None = Field(None, description="a level below it from which on there is a warning")
    not_before: MonthField | None = Field(
        None, description="crossed in this month or later it is no failure; beside `when: any month`"
    )
    expires: Date | None = Field(None, description="its last day: afterwards it has to be agreed on anew")
    owner: Text | None = Field(None, description="who to ask")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"limit": _money(value)}

    @model_validator(mode="after")
    def _one_level(self) -> Budget:
        if (self.limit is None) == (self.increase is None):
            raise UnitError(None, "one of `limit` and `increase`", "")
        if self.over is not None and self.increase is None:
            raise UnitError(None, "`increase` beside `over`: a limit has no reference", "")
        if self.warn is not None and (self.warn[1:] != self.level[1:] or self.warn.amount >= self.level.amount):
            raise UnitError(None, f"a `warn` below the {self.kind}, in its unit and currency", "")
        return self

    @model_validator(mode="after")
    def _fits(self) -> Budget:
        if self.at is not None and self.when is not None:
            raise UnitError(None, "either `at` (a stated volume) or `when: any month` (the projected ones)", "")
        if self.not_before is not None and self.when is None:
            raise UnitError(None, "`when: any month` beside `not_before`: a cost of today has no month", "")
        if self.level.per == TOTAL:
            for key in ("at", "when", "class"):
                if getattr(self, "class_" if key == "class" else key) is not None:
                    raise UnitError(None, f"no `{key}` beside a total over the horizon: state money a month", "")
        return self

    @property
    def kind(self) -> str:
        """The key that states its level."""
        return "increase" if self.limit is None else "limit"

    @property
    def level(self) -> Level:
        """The most that is within it."""
        level = self.increase if self.limit is None else self.limit
        assert level is not None
        return level


class Checks(Model):
    """What must hold beside budgets, for `tco check`."""

    max_price_age: Age | None = Field(
        None, description="every catalogue figure in use was checked at most so long before the day of the run"
    )
    require: Required = Field(
        default_factory=no_items,
        description="`feasible` (what runs today), `OPTION is feasible`, `recommended is OPTION`, `cheapest is OPTION`",
    )
    holds_in: HoldsIn | None = Field(
        None, description="share of draws in which what is required must hold; alone, the recommendation"
    )
