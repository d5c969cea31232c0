"""A managed endpoint billed by the hour, provisioned throughput included: replicas without operating GPUs."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Literal

from pydantic import Field, model_validator

from tco.fields import AtLeastOne, MoneyOverTime, Reference
from tco.lineitem import Bill, Figure, LineItem
from tco.options.base import At, Context, Steps, fixed_lines
from tco.options.capacity import check_hardware
from tco.options.fleet import Sized, billed, in_lots, sized
from tco.options.fleet import split as split_fleet
from tco.options.rental import RentalSpec, hourly, offer
from tco.units import UnitError
from tco.workload.demand import Demand


class Spec(RentalSpec):
    """A managed endpoint by the hour."""

    kind: Literal["dedicated"]
    endpoint: Reference | None = Field(None, description="a catalogue entry, such as runpod/h100-flex")
    unit_price: MoneyOverTime | None = Field(None, description="one unit over time: a replica, a throughput unit")
    units_per_replica: AtLeastOne | None = Field(
        None, description="units that make what `capacity` speaks of; 1, or as many as hold the GPUs of its profile"
    )
    increment: AtLeastOne = Field(1, description="units are sold in multiples of this")

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        if (self.endpoint is None) == (self.unit_price is None):
            raise UnitError(None, "one of `endpoint` (a catalogue entry) and `unit_price` (your own)", "")
        meaningless = [k for k in ("region", "term") if self.endpoint is None and k in self.model_fields_set]
        if meaningless:
            raise UnitError(None, f"no `{meaningless[0]}` beside `unit_price`: it would change nothing", "")
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
        found, row, rate = offer(at, context, "endpoints", "endpoint")
        label = f"{found.spec.gpu} ({spec.endpoint}, {row.term})"
        check_hardware(at, fleet.capacity, found.spec.gpu, context)
        units, of_profile = _units(
            spec, at, fleet, found.figure("gpus", Fraction(found.spec.gpus), "GPUs/unit", row, "gpus")
        )
    else:
        assert spec.unit_price is not None
        rate = hourly(at, context, "unit_price", spec.unit_price, 1)
        label = "units"
        units, of_profile = _units(spec, at, fleet, None)
    increment = at.figure("increment", "units")
    lots = billed(fleet, spec.billing, in_lots(units, increment, context), context)
    quantity = lots.times(context.n(increment))
    inputs = (*rate.base, *of_profile, increment, *fleet.inputs)
    line = LineItem("endpoint", label, quantity, "unit-hours", context.n(rate), inputs)
    return Bill((line, *fixed_lines(at, context)), fleet.limits, fleet.fleet)


def split(spec: Spec, at: At, demand: Demand, context: Context) -> tuple[Demand, Demand]:
    """What the endpoint serves, and what overflows."""
    return split_fleet(at, demand, context)


def _units(spec: Spec, at: At, fleet: Sized, gpus: Figure | None) -> tuple[Figure, tuple[Figure, ...]]:
    """Units of one replica, and the figures that follows from: as stated, else enough for the profile's GPUs."""
    profile = fleet.capacity.gpus_per_replica if fleet.capacity is not None else None
    if spec.units_per_replica is not None or gpus is None or profile is None:
        stated = Figure(
            "units_per_replica", Fraction(spec.units_per_replica or 1), "units", at.home("units_per_replica")
        )
        return stated, (stated,)
    units = Fraction(ceil(profile.value / gpus.value))
    return Figure("units_per_replica", units, "units", profile.home), (profile, gpus)
