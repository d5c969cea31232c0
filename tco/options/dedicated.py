"""A managed endpoint billed by the hour, provisioned throughput included: replicas without operating GPUs."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import Field, model_validator

from tco.fields import AtLeastOne, MoneyOverTime, Reference
from tco.lineitem import Bill, LineItem
from tco.options._base import At, Context, Steps, standing_lines
from tco.options._fleet import billed, in_lots, sized
from tco.options._fleet import split as split_fleet
from tco.options._rental import RentalSpec, hourly, offer
from tco.units import UnitError
from tco.workload.demand import Demand


class Spec(RentalSpec):
    """A managed endpoint by the hour."""

    kind: Literal["dedicated"]
    endpoint: Reference | None = Field(None, description="a catalogue entry, such as runpod/serverless-h100")
    unit_price: MoneyOverTime | None = Field(None, description="one unit over time: a replica, a throughput unit")
    units_per_replica: AtLeastOne = Field(1, description="units that make what `capacity` speaks of")
    increment: AtLeastOne = Field(1, description="units are sold in multiples of this")

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        if (self.endpoint is None) == (self.unit_price is None):
            raise UnitError(None, "one of `endpoint` (a catalogue entry) and `unit_price` (your own)", "")
        return self

    def references(self) -> dict[Steps, tuple[str, str]]:
        own: dict[Steps, tuple[str, str]] = (
            {("endpoint",): ("endpoints", self.endpoint)} if self.endpoint is not None else {}
        )
        return {**super().references(), **own}


def bill(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Units for the replicas of each hour."""
    fleet = sized(at, demand, context)
    if spec.endpoint is not None:
        found, row, rate, made_of = offer(at, context, "endpoints", "endpoint")
        label = f"{found.spec.gpu} ({spec.endpoint}, {row.term})"
    else:
        assert spec.unit_price is not None
        rate, made_of = hourly(at, context, "unit_price", spec.unit_price, Fraction(1))
        label = "units"
    units, increment = at.figure("units_per_replica", "units"), at.figure("increment", "units")
    lots = billed(fleet, spec.billing, in_lots(units, increment, context), context)
    quantity = lots.times(context.n(increment))
    inputs = (*made_of, units, increment, *fleet.inputs)
    line = LineItem("endpoint", label, quantity, "unit-hours", context.n(rate), inputs)
    return Bill((line, *standing_lines(at, context)), fleet.limits, fleet.fleet)


def split(spec: Spec, at: At, demand: Demand, context: Context) -> tuple[Demand, Demand]:
    """What the endpoint serves, and what overflows."""
    return split_fleet(at, demand, context)
