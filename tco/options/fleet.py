"""Fleets: replicas sized for their load by hour, billed by what runs. Self-hosted and dedicated options are fleets.

n_h = clamp(ceil(B_h x burst / target utilisation) + spare, min, max), with B_h the busy replicas of an hour. A fleet
is full at (max - spare) replicas at target utilisation: above that it is infeasible, unless an overflow is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from tco.fields import AtLeastOne, Factor, Model, Positive, PositiveShare, Whole
from tco.lineitem import Figure, Fleet, LevelLoad, Limit, Numbers
from tco.options.base import At, Context, ServesTokens, Unusable, class_figures, constant, grossed_up, overheads
from tco.options.base import Steps as Keys
from tco.options.capacity import Capacity, CapacityField, capacity
from tco.quantity import VOLUME, Highest, Linear, Number, Part, Quantity, Steps, linear
from tco.units import UnitError
from tco.workload.demand import Demand
from tco.workload.model import DAYS_PER_WEEK, HOURS_PER_DAY

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema


class Replicas(Model):
    """How many replicas run: bounds, and spares beside what the load needs."""

    min: Whole = Field(1, description="replicas that run even without load")
    max: AtLeastOne | None = Field(None, description="the fleet is full beyond: infeasible, or overflow")
    spare: Whole = Field(0, description="replicas beside what the load needs")

    @model_validator(mode="after")
    def _bounds(self) -> Replicas:
        if self.max is not None and self.max < max(self.min, self.spare + 1):
            raise UnitError(
                None, f"`max` ({self.max}) of at least `min` ({self.min}) and more than `spare` ({self.spare})", ""
            )
        return self


def _number_is_fixed(value: object) -> object:
    """`replicas: 2` is a fleet of exactly two."""
    return {"min": value, "max": value} if isinstance(value, int) and not isinstance(value, bool) else value


class _OrOneNumber:
    """Tells the schema of the short form beside the long one."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 1}, handler(core)]}


class FleetSpec(ServesTokens):
    """Keys of options that run replicas."""

    capacity: CapacityField | None = Field(None, description="a capacity profile by name, or rates of one's own")
    replicas: Annotated[Replicas, BeforeValidator(_number_is_fixed), _OrOneNumber()] = Field(
        default_factory=lambda: Replicas.model_validate({}),
        description="bounds, or one number for a fleet of fixed size",
    )
    billing: Literal["static", "autoscaled", "busy_hours"] = Field(
        "static",
        description="static: the peak's replicas all month; autoscaled: each hour's; busy_hours: none without load",
    )
    target_utilisation: PositiveShare = Field(Fraction(1), description="load a replica is planned for")
    burst: Factor | None = Field(None, description="peak within the hour over its mean; the workload's when absent")
    billed_hours_per_month: Positive | None = Field(None, description="this option's own hours")

    @model_validator(mode="after")
    def _burst(self) -> FleetSpec:
        if self.burst is not None and getattr(self.burst, "low", self.burst) < 1:
            raise UnitError(
                None, f"`burst` of 1 or more, not {float(self.burst):g}: a peak is no lower than its mean", ""
            )
        if self.billing != "static" and self.capacity is None:
            raise UnitError(None, f"a `capacity` beside `billing: {self.billing}`: replicas follow the load", "")
        return self

    def references(self) -> dict[Keys, tuple[str, str]]:
        own: dict[Keys, tuple[str, str]] = (
            {("capacity",): ("capacity", self.capacity)} if isinstance(self.capacity, str) else {}
        )
        return {**super().references(), **own}


class Sized(NamedTuple):
    """A fleet sized for a demand."""

    fleet: Fleet
    hours: Figure
    capacity: Capacity | None
    inputs: tuple[Figure, ...]
    limits: tuple[Limit, ...]

    def peak(self) -> Quantity:
        """Replicas in the busiest hour."""
        assert self.fleet.peak is not None
        return self.fleet.peak


def in_lots(per_replica: Figure, lot: Figure, context: Context) -> Callable[[Quantity], Quantity]:
    """Turns replicas into the lots that must be bought for them: instances of eight GPUs, units in tens."""
    n = context.n

    def bought(replicas: Quantity) -> Quantity:
        needed = replicas.times(n(per_replica))
        return needed if lot.value == 1 else Steps(needed, n(lot))

    return bought


def billed(sized: Sized, billing: str, of: Callable[[Quantity], Quantity], context: Context) -> Quantity:
    """Hours a month of what is bought: `of` turns replicas into it."""
    n = context.n
    if billing == "static":
        return linear(0, (n(sized.hours), of(sized.peak())))
    terms = [(level.hours, of(level.replicas)) for level in sized.fleet.levels]
    idle: Quantity = of(Linear(sized.fleet.idle_replicas, ()))
    return linear(0, *terms, (sized.fleet.idle_hours, idle))


def hours(at: At, context: Context) -> Figure:
    """Hours a month the option is billed for: its own, else the scenario's."""
    if at.spec.billed_hours_per_month is None:
        return context.hours
    return at.figure("billed_hours_per_month", "hours/month")


def sized(at: At, demand: Demand, context: Context) -> Sized:
    """The replicas of each load level of a demand."""
    n, spec = context.n, at.spec
    known = capacity(at, context)
    month = hours(at, context)
    if known is None:
        return _unsized(at, month, context)
    gross = overheads(at, context)
    seconds = {c: w * grossed_up(gross, n) for c, w in known.seconds(demand, context).items()}
    size = _size(at, context)
    most = None if spec.replicas.max is None else n(spec.replicas.max)
    loads: list[tuple[int, Quantity]] = []
    for i in range(len(demand.traffic.levels)):
        load = demand.load(i, seconds)
        if load is not None and _carries(load):
            loads.append((i, load))
    # billed hours beyond those of the traffic's days carry no load; a month of fewer billed hours has fewer such days
    weeks = np.minimum(n(demand.traffic.days_per_month), n(month) / HOURS_PER_DAY) / DAYS_PER_WEEK
    at_rest = 0 if spec.billing == "busy_hours" else spec.replicas.min
    by_level: list[LevelLoad] = []
    for i, load in loads:
        level = demand.traffic.levels[i]
        running = _running(load, size, at_rest, spec.replicas, n)
        by_level.append(LevelLoad(weeks * level.hours_per_week, demand.traffic.day_share(level), load, running))
    loaded = sum(demand.traffic.levels[i].hours_per_week for i, _ in loads)
    highest = _highest(by_level)
    peak = _max_of([level.replicas for level in highest]) if highest else constant().times(n(spec.replicas.min))
    own = () if spec.billing == "static" else (demand.traffic.days_per_month,)
    inputs = (month, *own, *_load_inputs(at, demand, known, context), *_size_inputs(at, context, "min", "max", "spare"))
    fleet = Fleet(
        "replica",
        tuple(by_level),
        n(month) - loaded * weeks,
        n(at_rest),
        size,
        known.describe(),
        inputs,
        peak,
        seconds,
    )
    limits: tuple[Limit, ...] = ()
    if most is not None:
        room = (most - n(spec.replicas.spare)) * size
        spare = f", {spec.replicas.spare} of them spare" if spec.replicas.spare else ""
        reason = f"{spec.replicas.max} replica{'s' if spec.replicas.max > 1 else ''} at most{spare}"
        limits = tuple(Limit(level.busy, room, reason) for level in highest)
    return Sized(fleet, month, known, inputs, limits)


def _running(load: Quantity, size: Number, at_rest: int, bounds: Replicas, n: Numbers) -> Quantity:
    """The replicas of an hour. An overflow that has not begun is no load: those at rest run, and no spares."""
    most = None if bounds.max is None else n(bounds.max)
    steps = Steps(load, size, n(bounds.spare), n(bounds.min), most)
    at_least = max(bounds.spare, bounds.min)
    if at_least == at_rest or _slope(load) is not None:
        return steps
    begun = Steps(load, size, n(0), n(0), n(1))
    return linear(n(at_rest - at_least), (n(1), steps), (n(at_least - at_rest), begun))


def _unsized(at: At, month: Figure, context: Context) -> Sized:
    """A fleet of stated size whose capacity nobody knows: it costs what it costs, and that is said."""
    replicas = at.spec.replicas
    if replicas.max is None or replicas.max != replicas.min:
        replicas_stated = "replicas" in at.spec.model_fields_set
        raise Unusable(
            at.fault(
                "a fleet without a `capacity` needs a fixed number of `replicas`",
                *(("replicas",) if replicas_stated else ()),
                expected="`capacity: ...`, or `replicas: 2`",
            )
        )
    context.notes.warn(
        at.name,
        f"no `capacity` is stated: nothing says that {replicas.max} replica(s) can carry the load, "
        "and the cost does not grow with it",
    )
    count = Figure("replicas", Fraction(replicas.max), "replicas", at.home("replicas"))
    n = context.n
    peak = constant().times(n(count))
    fleet = Fleet("replica", (), n(0), n(0), n(1), "unknown", (count,), peak)
    return Sized(fleet, month, None, (month, count), ())


def split(at: At, demand: Demand, context: Context) -> tuple[Demand, Demand]:
    """What a fleet of limited size serves of a demand, and what is left over, hour by hour.

    Refused where an hour's classes do not all follow the volume alone: the left-over mix would not be piecewise affine.
    """
    n, spec = context.n, at.spec
    known = capacity(at, context)
    if known is None or spec.replicas.max is None:
        raise Unusable(
            at.fault(
                "overflow needs a fleet that can be full", expected=f"`capacity` and `replicas.max` on `{at.name}`"
            )
        )
    gross = overheads(at, context)
    seconds = {c: w * grossed_up(gross, n) for c, w in known.seconds(demand, context).items()}
    room = (n(spec.replicas.max) - n(spec.replicas.spare)) * _size(at, context)
    served: dict[str, dict[int, Quantity]] = {}
    rest: dict[str, dict[int, Quantity]] = {}
    for i in range(len(demand.traffic.levels)):
        load = demand.load(i, seconds)
        if load is None or not _carries(load):
            continue
        slope = _slope(load)
        for c, flows in demand.flows.items():
            if i not in flows:
                continue
            own = _slope(flows[i])
            if slope is None or own is None:
                raise Unusable(at.fault("overflow into a fleet that itself overflows cannot be split by class exactly"))
            served.setdefault(c, {})[i] = Part(load, 0, room).times(own / slope)
            rest.setdefault(c, {})[i] = Part(load, room, None).times(own / slope)
    room_inputs = (*_load_inputs(at, demand, known, context), *_size_inputs(at, context, "max", "spare"))
    inputs = dict.fromkeys(demand.flows, room_inputs)
    return Demand(demand.traffic, served, inputs), Demand(demand.traffic, rest, inputs)


def _size(at: At, context: Context) -> Number:
    """Busy replicas that one replica is planned to take."""
    n = context.n
    return n(at.figure("target_utilisation", "")) / n(burst(at, context))


def burst(at: At, context: Context) -> Figure:
    """The peak within the hour over its mean: the option's own, else the workload's."""
    return context.burst if at.spec.burst is None else at.figure("burst", "of the hour's mean")


def _load_inputs(at: At, demand: Demand, known: Capacity, context: Context) -> tuple[Figure, ...]:
    """The figures that busy replicas are made of."""
    requests = dict.fromkeys(f for figures in demand.inputs.values() for f in figures)
    loads = dict.fromkeys(c.load for c in class_figures(demand))
    return (*requests, *loads, *known.seconds_inputs(demand), *overheads(at, context))


def _size_inputs(at: At, context: Context, *bounds: str) -> tuple[Figure, ...]:
    replicas = tuple(
        Figure(f"replicas.{key}", Fraction(value), "replicas", at.home(*_stated(at, key)))
        for key in bounds
        if (value := getattr(at.spec.replicas, key))
    )
    return (at.figure("target_utilisation", "of a replica"), burst(at, context), *replicas)


def _stated(at: At, key: str) -> tuple[str, ...]:
    """Where a bound stands: under its own key, or as the one number that `replicas` is."""
    whole = (*at.path, "replicas")
    alone = whole in at.document.marks and not any(path[:-1] == whole for path in at.document.marks)
    return ("replicas",) if alone else ("replicas", key)


def _carries(load: Quantity) -> bool:
    """Whether a load is more than zero anywhere: requests of zero replica-seconds carry none."""
    return not isinstance(load, Linear) or bool(load.terms)


def _slope(q: Quantity) -> Number | None:
    """The factor of a quantity that is a multiple of the volume; None for any other."""
    if isinstance(q, Linear) and len(q.terms) == 1 and q.terms[0][1] is VOLUME and not np.any(np.asarray(q.const)):
        return q.terms[0][0]
    return None


def _highest(levels: Sequence[LevelLoad]) -> list[LevelLoad]:
    """The levels that can be the busiest: with one mix it is a single one, whatever the volume."""
    kept: list[LevelLoad] = []
    for level in levels:
        slope = _slope(level.busy)
        if slope is not None:
            if any(
                other is not None and np.all(np.asarray(other >= slope))
                for other in map(_slope, (k.busy for k in kept))
            ):
                continue
            kept = [k for k in kept if (s := _slope(k.busy)) is None or not np.all(np.asarray(slope >= s))]
        kept.append(level)
    return kept


def _max_of(replicas: Sequence[Quantity]) -> Quantity:
    return replicas[0] if len(replicas) == 1 else Highest(tuple(replicas))
