"""GPUs of one's own operation, rented by the hour: replicas, instances, people."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, NamedTuple

from pydantic import Field, model_validator

from tco.fields import AtLeastOne, Factor, GpuPrice, MoneyOverTime, Reference
from tco.lineitem import Bill, Figure, LineItem
from tco.options.base import At, Context, Steps, Unusable, constant, fixed_lines
from tco.options.capacity import check_hardware
from tco.options.fleet import Sized, billed, in_lots, sized
from tco.options.fleet import hours as own_hours
from tco.options.fleet import split as split_fleet
from tco.options.rental import RentalSpec, hourly, offer
from tco.units import UnitError
from tco.workload.demand import Demand

MEANINGLESS = {
    "gpu": ("gpus_per_server",),
    "gpu_price": ("region", "term"),
    "server_price": ("region", "term"),
    "all_in": ("region", "term", "gpus_per_server", "gpus_per_replica", "billing"),
}
"""Keys that say nothing beside each way to state the price."""


class Spec(RentalSpec):
    """GPUs rented by the hour, or a stated all-in cost."""

    kind: Literal["self_hosted"]
    gpu: Reference | None = Field(None, description="an instance of the catalogue, such as lambda/a100-80gb-reserved")
    gpu_price: GpuPrice | None = Field(None, description="one GPU over time, such as $1.10/hour")
    server_price: MoneyOverTime | None = Field(None, description="a server of `gpus_per_server` over time")
    gpus_per_server: AtLeastOne | None = Field(None, description="GPUs that are bought together")
    gpus_per_replica: AtLeastOne | None = Field(None, description="1, or as the capacity profile says")
    cluster_overhead: Factor | None = Field(
        None, description="share on top of the GPUs: control plane, spare nodes, network"
    )
    all_in: MoneyOverTime | None = Field(None, description="one figure for everything, in place of GPUs")

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        ways = [k for k in ("gpu", "gpu_price", "server_price", "all_in") if getattr(self, k) is not None]
        if len(ways) != 1:
            found = f", not {' and '.join(ways)}" if ways else ""
            raise UnitError(
                None, f"one of `gpu` (a catalogue entry), `gpu_price`, `server_price` and `all_in`{found}", ""
            )
        meaningless = [k for k in MEANINGLESS[ways[0]] if k in self.model_fields_set]
        if meaningless:
            raise UnitError(None, f"no `{meaningless[0]}` beside `{ways[0]}`: it would change nothing", "")
        if self.server_price is not None and self.gpus_per_server is None:
            raise UnitError(None, "`gpus_per_server` beside `server_price`", "")
        return self

    def references(self) -> dict[Steps, tuple[str, str]]:
        own: dict[Steps, tuple[str, str]] = {("gpu",): ("gpus", self.gpu)} if self.gpu is not None else {}
        return {**super().references(), **own}


class _Server(NamedTuple):
    """What is bought: GPUs together, at a price per hour."""

    gpus: Figure
    per_hour: Figure
    label: str
    unit: str
    gpu: str | None = None


def bill(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Instances for the replicas of each hour, cluster overhead, people."""
    n = context.n
    if spec.people is None and spec.all_in is None:
        context.notes.warn(
            at.name, "no people cost on self-hosted: 0.25-0.5 FTE is usual (`people: {fte: ..., role: ...}`)"
        )
    if spec.all_in is not None:
        return _all_in(spec, at, demand, context)
    fleet = sized(at, demand, context)
    server = _server(spec, at, context)
    gpus = _gpus_per_replica(spec, at, fleet)
    _check_fit(at, gpus, server, context)
    if server.gpu is not None:
        check_hardware(at, fleet.capacity, server.gpu, context)
    bought = in_lots(gpus, server.gpus, context)
    hours = billed(fleet, spec.billing, bought, context)
    inputs = (*server.per_hour.base, server.gpus, gpus, *fleet.inputs)
    line = LineItem("gpu", server.label, hours, server.unit, n(server.per_hour), inputs)
    lines = (*_with_cluster(line, spec, at, context), *fixed_lines(at, context))
    return Bill(lines, fleet.limits, fleet.fleet, bought(fleet.peak()).times(n(server.gpus)))


def split(spec: Spec, at: At, demand: Demand, context: Context) -> tuple[Demand, Demand]:
    """What the fleet serves, and what overflows."""
    return split_fleet(at, demand, context)


def _with_cluster(line: LineItem, spec: Spec, at: At, context: Context) -> tuple[LineItem, ...]:
    """The GPUs' line, and the cluster's share on top of it."""
    if not spec.cluster_overhead:
        return (line,)
    share = at.figure("cluster_overhead", "of the GPUs' cost")
    quantity = line.quantity.times(context.n(share))
    return (line, LineItem("gpu", "cluster overhead", quantity, line.unit, line.rate, (share, *line.inputs)))


def _all_in(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    assert spec.all_in is not None
    monthly = context.monthly(at, "all_in", spec.all_in, "all_in", hours=own_hours(at, context))
    line = LineItem("gpu", "all-in", constant(), "month", context.n(monthly), monthly.base)
    lines = (*_with_cluster(line, spec, at, context), *fixed_lines(at, context))
    if spec.capacity is None:
        context.notes.warn(at.name, "an all-in cost without a `capacity` does not grow with the volume")
        return Bill(lines)
    if spec.replicas.max is None:
        raise Unusable(at.fault("an all-in cost with a `capacity` needs `replicas`", expected="`replicas: 2`"))
    fleet = sized(at, demand, context)
    return Bill(lines, fleet.limits, fleet.fleet)


def _server(spec: Spec, at: At, context: Context) -> _Server:
    if spec.gpu is not None:
        found, row, rate = offer(at, context, "gpus", "gpu")
        gpus = found.figure("gpus", Fraction(found.spec.gpus), "GPUs/instance", row, "gpus")
        return _Server(gpus, rate, f"{found.spec.gpu} ({spec.gpu}, {row.term})", "instance-hours", found.spec.gpu)
    count = Fraction(spec.gpus_per_server or 1)
    gpus = Figure("gpus_per_server", count, "GPUs/server", at.home("gpus_per_server"))
    if spec.server_price is not None:
        rate = hourly(at, context, "server_price", spec.server_price, 1)
    else:
        assert spec.gpu_price is not None
        rate = hourly(at, context, "gpu_price", spec.gpu_price, int(count))
    return _Server(gpus, rate, *(("servers", "server-hours") if count > 1 else ("GPUs", "GPU-hours")))


def _gpus_per_replica(spec: Spec, at: At, fleet: Sized) -> Figure:
    """As stated, else as the profile says; fewer than the profile was found on is no such replica."""
    from_profile = fleet.capacity.gpus_per_replica if fleet.capacity is not None else None
    if from_profile is not None:
        if spec.gpus_per_replica is None:
            return from_profile
        if spec.gpus_per_replica < from_profile.value:
            raise Unusable(
                at.fault(
                    f"the capacity profile was found on {from_profile.value} GPUs per replica, not on fewer",
                    "gpus_per_replica",
                    expected=f"{from_profile.value} or no `gpus_per_replica`",
                )
            )
    return Figure("gpus_per_replica", Fraction(spec.gpus_per_replica or 1), "GPUs", at.home("gpus_per_replica"))


def _check_fit(at: At, gpus: Figure, server: _Server, context: Context) -> None:
    """Replicas that straddle instances are possible, not usual."""
    if server.gpus.value > 1 and server.gpus.value % gpus.value and gpus.value % server.gpus.value:
        context.notes.warn(
            at.name,
            f"{gpus.value} GPUs per replica do not divide {server.gpus.value} GPUs per server: "
            "some replicas straddle two servers",
        )
