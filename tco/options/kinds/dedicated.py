"""A managed endpoint billed by the hour, provisioned throughput included: replicas without operating GPUs."""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Literal

from pydantic import Field, model_validator

from tco.fields import AtLeastOne, MoneyOverTime, Reference
from tco.lineitem import Bill, Figure
from tco.options.base import At, Context, Steps, fixed_lines
from tco.options.fleet.billing import billed
from tco.options.fleet.known import check_hardware
from tco.options.fleet.lots import in_lots
from tco.options.fleet.rental import RentalSpec, Rented, check_terms, hourly, offer, offer_label, rented_lines
from tco.options.fleet.sizing import Sized, sized
from tco.options.fleet.sizing import split as split_fleet
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
    min_units: AtLeastOne | None = Field(None, description="units that are paid at least while any replica runs")

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        if (self.endpoint is None) == (self.unit_price is None):
            raise UnitError(None, "one of `endpoint` (a catalogue entry) and `unit_price` (your own)", "")
        meaningless = [k for k in ("region", "term") if self.endpoint is None and k in self.model_fields_set]
        if meaningless:
            raise UnitError(None, f"no `{meaningless[0]}` beside `unit_price`: it would change nothing", "")
        check_terms(self, None if self.endpoint is not None else "unit_price")
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
        label = offer_label(found, spec.endpoint, row)
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
    least = None if spec.min_units is None else at.figure("min_units", "units")
    lots = in_lots(units, increment, context, least)
    of_offer = ("endpoints", "endpoint") if spec.endpoint is not None else None
    what = Rented("endpoint", label, "unit-hours", rate, (*of_profile, increment), of_offer, least=least)
    hours = billed(fleet, lots, at, context).times(context.n(increment))
    lines = (*rented_lines(what, fleet, hours, at, context), *fixed_lines(at, context))
    return Bill(lines, fleet.limits, fleet.fleet)


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
