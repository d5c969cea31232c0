"""GPUs of one's own operation, rented by the hour or owned: replicas, instances, people."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field, model_validator

from tco.fields import AtLeastOne, Factor, GpuPrice, MoneyOverTime, Reference, later
from tco.lineitem import Bill, Figure, LineItem
from tco.options.base import At, Context, Steps, Unusable, class_figures, constant, fixed_lines
from tco.options.fleet.billing import at_peak, billed, reserved_replicas
from tco.options.fleet.known import check_hardware, gpus_per_replica
from tco.options.fleet.lots import in_lots
from tco.options.fleet.rental import (
    RentalSpec,
    Rented,
    check_terms,
    hourly,
    offer,
    offer_label,
    rented_lines,
    warn_without_people,
)
from tco.options.fleet.serves import ServesField, serves_references
from tco.options.fleet.sizing import Sized, sized
from tco.options.fleet.sizing import hours as own_hours
from tco.options.fleet.sizing import split as split_fleet
from tco.units import UnitError
from tco.workload.demand import Demand

if TYPE_CHECKING:
    from tco.options.fleet.ownership import Owned
else:
    Owned = later("tco.options.fleet.ownership", "Owned")

OF_RENTED_HOURS = ("min_gpus", "staging", "zones", "reserved", "spot")
MEANINGLESS = {
    "gpu": ("gpus_per_server",),
    "gpu_price": ("region", "term"),
    "server_price": ("region", "term"),
    "all_in": ("region", "term", "gpus_per_server", "gpus_per_replica", "billing", "serves", *OF_RENTED_HOURS),
    "owned": ("region", "term", "gpus_per_server", "billing", "cluster_overhead", "min_gpus", "reserved", "spot"),
}
"""Keys that say nothing beside each way to state the price."""


class Spec(RentalSpec):
    """GPUs rented by the hour, or a stated all-in cost."""

    self_operated = True
    kind: Literal["self_hosted"]
    gpu: Reference | None = Field(None, description="an instance of the catalogue, such as lambda/a100-80gb-reserved")
    gpu_price: GpuPrice | None = Field(None, description="one GPU over time, such as $1.10/hour")
    server_price: MoneyOverTime | None = Field(None, description="a server of `gpus_per_server` over time")
    gpus_per_server: AtLeastOne | None = Field(None, description="GPUs that are bought together")
    gpus_per_replica: AtLeastOne | None = Field(None, description="1, or as the capacity profile says")
    min_gpus: AtLeastOne | None = Field(None, description="GPUs that are rented at least while any replica runs")
    cluster_overhead: Factor | None = Field(
        None, description="share on top of the GPUs: control plane, spare nodes, network"
    )
    all_in: MoneyOverTime | None = Field(None, description="one figure for everything, in place of GPUs")
    owned: Owned | None = Field(None, description="servers that are bought, in place of GPUs by the hour")
    serves: ServesField | None = Field(
        None, description="the model whose weights must fit, such as open-models/llama-3.3-70b, or its keys"
    )

    @model_validator(mode="after")
    def _one_price(self) -> Spec:
        ways = [k for k in ("gpu", "gpu_price", "server_price", "all_in", "owned") if getattr(self, k) is not None]
        if len(ways) != 1:
            found = f", not {' and '.join(ways)}" if ways else ""
            raise UnitError(
                None, f"one of `gpu` (a catalogue entry), `gpu_price`, `server_price`, `owned` and `all_in`{found}", ""
            )
        meaningless = [k for k in MEANINGLESS[ways[0]] if k in self.model_fields_set]
        if meaningless:
            raise UnitError(None, f"no `{meaningless[0]}` beside `{ways[0]}`: it would change nothing", "")
        if self.server_price is not None and self.gpus_per_server is None:
            raise UnitError(None, "`gpus_per_server` beside `server_price`", "")
        check_terms(self, None if self.gpu is not None else ways[0])
        return self

    def references(self) -> dict[Steps, tuple[str, str]]:
        own: dict[Steps, tuple[str, str]] = {("gpu",): ("gpus", self.gpu)} if self.gpu is not None else {}
        if self.owned is not None:
            own |= {("owned", *steps): entry for steps, entry in self.owned.references().items()}
        return {**super().references(), **own, **serves_references(self.serves)}


class _Server(NamedTuple):
    """What is bought: GPUs together, at a price per hour."""

    gpus: Figure
    per_hour: Figure
    label: str
    unit: str
    gpu: str | None = None
    memory_gb: Fraction | None = None
    """Of one GPU; None where nobody says."""


def bill(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Instances for the replicas of each hour, cluster overhead, people."""
    n = context.n
    if spec.all_in is not None:
        return _all_in(spec, at, demand, context)
    warn_without_people(at, context)
    if spec.owned is not None:
        return _owned(spec, at, demand, context)
    fleet = sized(at, demand, context)
    server = _server(spec, at, context)
    gpus = gpus_per_replica(at, fleet.capacity)
    _check_fit(at, gpus, server.gpus, context)
    if server.gpu is not None:
        check_hardware(at, fleet.capacity, server.gpu, context)
    _check_memory(at, fleet, gpus, server.memory_gb, server.gpu, demand, context)
    least = None if spec.min_gpus is None else at.figure("min_gpus", "GPUs")
    lots = in_lots(gpus, server.gpus, context, least)
    of_offer = ("gpus", "gpu") if spec.gpu is not None else None
    together = int(server.gpus.value) if spec.gpu_price is not None else 1
    what = Rented("gpu", server.label, server.unit, server.per_hour, (server.gpus, gpus), of_offer, together, least)
    rented = rented_lines(what, fleet, billed(fleet, lots, at, context), at, context)
    _warn_of_double_counting(spec, at, context)
    lines = (*_with_cluster(rented, spec, at, context), *fixed_lines(at, context))
    billed_gpus = at_peak(fleet, lots, at, context).times(n(server.gpus))
    made_of = (server.gpus, gpus, *((least,) if least is not None else ()), *_peak_inputs(spec, at, fleet))
    return Bill(lines, fleet.limits, fleet.fleet, billed_gpus, gpus_inputs=made_of)


def _peak_inputs(spec: Spec, at: At, fleet: Sized) -> tuple[Figure, ...]:
    """What the GPUs of the busiest hour follow from: the fleet's figures without its hours, and what stands beside."""
    stated = [at.figure(k, k) for k in ("staging", "zones") if k in spec.model_fields_set]
    base = [reserved_replicas(at)] if spec.reserved is not None else []
    return (*(f for f in fleet.inputs if f != fleet.hours), *stated, *base)


def split(spec: Spec, at: At, demand: Demand, context: Context) -> tuple[Demand, Demand]:
    """What the fleet serves, and what overflows."""
    return split_fleet(at, demand, context)


def _with_cluster(lines: tuple[LineItem, ...], spec: Spec, at: At, context: Context) -> tuple[LineItem, ...]:
    """The GPUs' lines, and after them the cluster's share on top of each."""
    if not spec.cluster_overhead:
        return lines
    share = at.figure("cluster_overhead", "of the GPUs' cost")
    on_top = (
        LineItem(
            "gpu",
            "cluster overhead" if line is lines[0] else f"cluster overhead: {line.label}",
            line.quantity.times(context.n(share)),
            line.unit,
            line.rate,
            (share, *line.inputs),
        )
        for line in lines
    )
    return (*lines, *on_top)


def _warn_of_double_counting(spec: Spec, at: At, context: Context) -> None:
    """A cluster's overhead is measured with the spare and starting nodes in it."""
    if not spec.cluster_overhead:
        return
    modelled = {"cold_start": spec.cold_start, "replicas.spare": spec.replicas.spare}
    for key in (k for k, v in modelled.items() if v):
        context.notes.warn(
            at.name, f"`cluster_overhead` beside `{key}`: the usual 20-40 % already hold spare and starting nodes"
        )


def _owned(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Servers bought for the peak."""
    from tco.options.fleet.owned import OwnServers

    fleet = sized(at, demand, context)
    servers = OwnServers(at, context)
    gpus = gpus_per_replica(at, fleet.capacity)
    _check_fit(at, gpus, servers.gpus, context)
    if servers.gpu is not None:
        check_hardware(at, fleet.capacity, servers.gpu, context)
    _check_memory(at, fleet, gpus, servers.memory_gb, servers.gpu, demand, context)
    lines, bought, stocks = servers.bill(fleet, gpus, demand)
    return Bill((*lines, *fixed_lines(at, context)), fleet.limits, fleet.fleet, bought, stocks=stocks)


def _all_in(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    assert spec.all_in is not None
    monthly = context.monthly(at, "all_in", spec.all_in, "all_in", hours=own_hours(at, context))
    line = LineItem("gpu", "all-in", constant(), "month", context.n(monthly), monthly.base)
    lines = (*_with_cluster((line,), spec, at, context), *fixed_lines(at, context))
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
        return _Server(
            gpus,
            rate,
            offer_label(found, spec.gpu, row),
            "instance-hours",
            found.spec.gpu,
            found.spec.memory_gb,
        )
    count = Fraction(spec.gpus_per_server or 1)
    gpus = Figure("gpus_per_server", count, "GPUs/server", at.home("gpus_per_server"))
    if spec.server_price is not None:
        rate = hourly(at, context, "server_price", spec.server_price, 1)
    else:
        assert spec.gpu_price is not None
        rate = hourly(at, context, "gpu_price", spec.gpu_price, int(count))
    return _Server(gpus, rate, *(("servers", "server-hours") if count > 1 else ("GPUs", "GPU-hours")))


def _check_memory(
    at: At, fleet: Sized, gpus: Figure, memory_gb: Fraction | None, gpu: str | None, demand: Demand, context: Context
) -> None:
    """Hold the model against the memory of a replica, where it is stated."""
    if at.spec.serves is None:
        return
    from tco.options.fleet.memory import Replica, check_memory

    check_memory(at, class_figures(demand), Replica(gpus, memory_gb, gpu), fleet.capacity, context)


def _check_fit(at: At, gpus: Figure, together: Figure, context: Context) -> None:
    """Replicas that straddle instances are possible, not usual."""
    if together.value > 1 and together.value % gpus.value and gpus.value % together.value:
        context.notes.warn(
            at.name,
            f"{gpus.value} GPUs per replica do not divide {together.value} GPUs per server: "
            "some replicas straddle two servers",
        )
