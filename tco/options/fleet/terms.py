"""Hours on other terms than an option's own: reserved, and such as can be interrupted.

Imported when a scenario states either.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from tco.catalog.words import Term
from tco.fields import AtLeastOne, Factor, Model, MoneyOverTime, PositiveShare
from tco.units import UnitError


class Reserved(Model):
    """Replicas that are paid for in every hour, at a price of their own."""

    replicas: AtLeastOne = Field(description="replicas that are reserved, in each zone")
    term: Term | None = Field(None, description="a term of the catalogue's offer, such as commit_1y")
    price: MoneyOverTime | None = Field(None, description="in place of a term: per what the option's own price is for")

    @model_validator(mode="after")
    def _one_price(self) -> Reserved:
        if (self.term is None) == (self.price is None):
            raise UnitError(None, "one of `term` (of a catalogue offer) and `price` (your own)", "")
        return self


class Spot(Model):
    """Hours that can be interrupted, at a price of their own."""

    share: PositiveShare = Field(description="share of the hours that are not reserved")
    term: Term | None = Field(None, description="a term of the catalogue's offer; spot when absent")
    price: MoneyOverTime | None = Field(None, description="in place of a term: per what the option's own price is for")
    interruption_overhead: Factor | None = Field(
        None, description="hours on top for work that is lost and started again"
    )

    @model_validator(mode="after")
    def _one_price(self) -> Spot:
        if self.term is not None and self.price is not None:
            raise UnitError(None, "one of `term` (of a catalogue offer) and `price` (your own)", "")
        return self
