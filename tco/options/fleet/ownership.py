"""The keys of servers of one's own: what was paid for them, what they draw, where they stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from tco import units
from tco.fields import (
    NAME,
    AtLeastOne,
    Count,
    Factor,
    Model,
    MoneyOverTime,
    Parsed,
    Positive,
    Reference,
    Share,
    money,
    money_parser,
    range_schema,
    ranged,
)
from tco.options.base import Steps
from tco.ranges import is_range, parse_range
from tco.units import UnitError

_OVER_TIME = money_parser("hour", "day", "month", "year")
_PER_KWH = money_parser("kwh")


def _or_named(parse: Callable[[Any], Any], value: Any) -> Any:
    """What `parse` reads, else a catalogue entry by its FILE/ENTRY. Raises UnitError."""
    try:
        return parse(value)
    except UnitError:
        parts = value.split("/") if isinstance(value, str) else []
        if len(parts) == 2 and value[0].isalpha() and all(re.fullmatch(NAME, p) for p in parts):
            return value
        raise


def _share_or_money(value: Any) -> Fraction | units.Money:
    first = next(iter(value.values())) if is_range(value) else value
    if isinstance(first, str) and not first.strip().endswith("%"):
        return _OVER_TIME(value)

    return parse_range(value, units.parse_share) if is_range(value) else units.parse_share(value)


def _at_least_one(value: Any) -> Fraction:
    factor = units.parse_fraction(value)
    if factor < 1:
        raise UnitError(value, "a PUE of 1 or more: a site draws at least what its computers draw", "")
    return factor


def _pue(value: Any) -> Fraction | str:
    found: Fraction | str = _or_named(_RANGED_PUE.parse, value)
    return found


_NUMBER = {"type": ["number", "string"]}
_RANGED_PUE = ranged(_at_least_one, _NUMBER)

PurchasePrice = Annotated[units.Money, money("", example="$325,000")]
"""A plain amount of money, or a range of it."""
ShareOrMoney = Annotated[
    Fraction | units.Money,
    Parsed(_share_or_money, {"type": ["number", "string", "object"], "examples": ["12%", "$3.42/hour"]}),
]
KwhPrice = Annotated[
    units.Money | str,
    Parsed(
        lambda value: _or_named(_PER_KWH, value),
        range_schema({"type": "string", "examples": ["$0.12/kWh", "us/industrial"]}),
    ),
]
PueOrName = Annotated[
    Fraction | str, Parsed(_pue, {"type": ["number", "string", "object"], "examples": [1.3, "data-centres/average"]})
]
Space = Annotated[
    units.Money | str,
    Parsed(
        lambda value: _or_named(_OVER_TIME, value),
        range_schema({"type": "string", "examples": ["$1,500/month", "data-centres/us-wholesale"]}),
    ),
]


class Power(Model):
    """Electricity of a server: what it draws, and what a kWh costs."""

    watts: Count | None = Field(None, description="what one server draws whenever it is on")
    idle_watts: Count | None = Field(None, description="what one server draws without load, with `busy_watts`")
    busy_watts: Count | None = Field(
        None,
        description="what one server draws with all its GPUs busy; as measured, or as `hardware` says, when absent",
    )
    pue: PueOrName | None = Field(
        None, description="power of the whole site over that of its computers, or an entry such as data-centres/average"
    )
    price: KwhPrice = Field(description="of a kWh, such as $0.12/kWh, or a region of the catalogue: us/industrial")
    hours_per_month: Positive | None = Field(
        None, description="hours a month that servers are switched on; all billed hours when absent"
    )

    @model_validator(mode="after")
    def _one_draw(self) -> Power:
        if self.watts is not None and (self.idle_watts is not None or self.busy_watts is not None):
            raise UnitError(None, "either `watts`, or `idle_watts` and `busy_watts`", "")
        idle, busy = self.idle_watts, self.busy_watts
        if idle is not None and busy is not None and getattr(idle, "most", idle) > getattr(busy, "least", busy):
            raise UnitError(None, f"`busy_watts` ({float(busy):g}) of at least `idle_watts` ({float(idle):g})", "")
        return self


class Colocation(Model):
    """Space for servers in somebody's data centre."""

    price: Space = Field(description="of one server over time, or an entry such as data-centres/us-wholesale")
    includes_power: bool | None = Field(
        None, description="whether electricity is in it; false, or as the entry says, when absent"
    )
    hours_per_month: Positive | None = Field(
        None, description="hours that a month's price is spread over; the option's own when absent"
    )

    @model_validator(mode="after")
    def _spread(self) -> Colocation:
        if self.hours_per_month is not None and not (
            isinstance(self.price, units.Money) and self.price.per in ("month", "year")
        ):
            raise UnitError(None, "`hours_per_month` only beside a price per month or year of your own", "")
        return self


def _form(value: Any) -> str:
    return "keys" if isinstance(value, (dict, Model)) and not is_range(value) else "short"


PowerField = Annotated[Annotated[MoneyOverTime, Tag("short")] | Annotated[Power, Tag("keys")], Discriminator(_form)]
ColocationField = Annotated[Annotated[Space, Tag("short")] | Annotated[Colocation, Tag("keys")], Discriminator(_form)]


class Owned(Model):
    """Servers that are bought, not rented."""

    hardware: Reference | None = Field(None, description="a catalogue entry, such as hardware/h100-8x")
    price: PurchasePrice | None = Field(None, description="one server with its GPUs")
    gpu_price: PurchasePrice | None = Field(None, description="one GPU, its share of a server included")
    gpus_per_server: AtLeastOne | None = Field(None, description="GPUs that are bought together; as the entry says")
    life_years: Positive | None = Field(None, description="years over which it is written off, evenly")
    residual: Share | None = Field(None, description="share of the price that is left at the end")
    cost_of_capital: Factor | None = Field(None, description="a year, on the mean of what is tied up: 8%")
    networking: ShareOrMoney | None = Field(
        None, description="switches and cables: a share on top of the price, written off with it, or money over time"
    )
    maintenance: ShareOrMoney | None = Field(None, description="share of the price a year, or money over time a server")
    software: MoneyOverTime | None = Field(None, description="licences of one server over time")
    power: PowerField | None = Field(None, description="electricity, or one amount over time a server")
    colocation: ColocationField | None = Field(None, description="space: one server over time, an entry, or its keys")
    sunk: bool = Field(False, description="already bought: no purchase and no cost of capital")

    @model_validator(mode="after")
    def _what_and_what_for(self) -> Owned:
        if self.price is not None and self.gpu_price is not None:
            raise UnitError(None, "one of `price` (a server) and `gpu_price` (a GPU)", "")
        if self.hardware is None and self.gpus_per_server is None:
            raise UnitError(None, "`hardware` (a catalogue entry), or `gpus_per_server` with a price of your own", "")
        share = [k for k in ("maintenance", "networking") if isinstance(getattr(self, k), Fraction)]
        if self.hardware is None and self.price is None and self.gpu_price is None and (share or not self.sunk):
            raise UnitError(None, "`price` or `gpu_price`, or `hardware`", "")
        if self.sunk:
            idle = [k for k in ("life_years", "residual", "cost_of_capital") if getattr(self, k) is not None]
            if "networking" in share:
                idle.append("networking")
            if idle:
                raise UnitError(None, f"no `{idle[0]}` beside `sunk: true`: it would change nothing", "")
        if isinstance(self.colocation, Colocation) and self.colocation.includes_power and self.power is not None:
            raise UnitError(None, "no `power` beside a `colocation` that includes it", "")
        return self

    def references(self) -> dict[Steps, tuple[str, str]]:
        """The catalogue entries it names: section and name, by the keys below `owned`."""
        found: dict[Steps, tuple[str, str]] = {}
        if self.hardware is not None:
            found["hardware",] = ("hardware", self.hardware)
        if isinstance(self.power, Power):
            if isinstance(self.power.price, str):
                found["power", "price"] = ("electricity", self.power.price)
            if isinstance(self.power.pue, str):
                found["power", "pue"] = ("pue", self.power.pue)
        if isinstance(self.colocation, str):
            found["colocation",] = ("colocation", self.colocation)
        if isinstance(self.colocation, Colocation) and isinstance(self.colocation.price, str):
            found["colocation", "price"] = ("colocation", self.colocation.price)
        return found
