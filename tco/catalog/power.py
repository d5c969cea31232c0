"""Running what one owns: electricity, what a data centre adds to it, and the space."""

from __future__ import annotations

from pydantic import Field, model_validator

from tco.catalog.sourced import Dated
from tco.fields import Factor, Model, Price, Text
from tco.units import UnitError


class ElectricityPrice(Dated):
    """The price of one kWh."""

    per_kwh: Price


class Electricity(Model):
    """Electricity somewhere, for a kind of customer."""

    name: Text
    note: Text | None = None
    prices: list[ElectricityPrice] = Field(min_length=1)


class Pue(Dated):
    """Power usage effectiveness of a kind of data centre."""

    name: Text
    pue: Factor = Field(description="power of the whole site over that of its computers, 1 or more")

    @model_validator(mode="after")
    def _at_least_one(self) -> Pue:
        if getattr(self.pue, "low", self.pue) < 1:
            raise UnitError(None, "a `pue` of 1 or more: a site draws at least what its computers draw", "")
        return self


class ColocationPrice(Dated):
    """The price of space for servers: by the power reserved for them, or for one server."""

    per_kw_month: Price | None = Field(None, description="per kW reserved")
    per_server_month: Price | None = None

    @model_validator(mode="after")
    def _one_way(self) -> ColocationPrice:
        if (self.per_kw_month is None) == (self.per_server_month is None):
            raise UnitError(None, "one of `per_kw_month` or `per_server_month`", "")
        return self


class Colocation(Model):
    """Space for one's own servers in somebody's data centre."""

    name: Text
    includes_power: bool = Field(description="whether the electricity used is in the price")
    note: Text | None = None
    prices: list[ColocationPrice] = Field(min_length=1)
