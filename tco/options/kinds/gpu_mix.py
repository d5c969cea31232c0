"""GPUs of several types side by side: at every volume the mix that costs least.

What is chosen from: each assignment of whole request classes to pools that can serve them; and, between two pools that
serve all classes, so many replicas of one with the rest on the other, up to as many as replace one replica of the
other: the cheapest of all ways to fill up whole replicas of one type with the other is among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from tco.catalog.words import Term
from tco.fields import AtLeastOne, Factor, GpuPrice, Model, Name, Positive, PositiveShare, Reference, Text, Whole
from tco.lineitem import Bill, Figure, Fleet, Limit, LineItem
from tco.options.base import (
    At,
    Context,
    ServesTokens,
    Unusable,
    class_figures,
    constant,
    fixed_lines,
    grossed_up,
    overheads,
)
from tco.options.base import (
    Steps as Keys,
)
from tco.options.fleet.capacity import Capacity
from tco.options.fleet.known import check_hardware, gpus_per_replica, known_capacity
from tco.options.fleet.memory import Replica, misfit
from tco.options.fleet.rental import RENTED, offer, warn_without_people
from tco.options.fleet.serves import ServesField, serves_references
from tco.options.fleet.sizing import burst, hours, weeks_of_traffic
from tco.options.fleet.stated import CapacityField, capacity_references
from tco.options.fleet.stints import slope
from tco.quantity import VOLUME, WHOLE, Cheapest, Highest, Number, Part, Quantity, Steps, linear
from tco.units import UnitError
from tco.workload.demand import Demand

MOST_WAYS = 64
"""Ways to serve a load that are held against each other."""
INFEASIBLE = 10**9
"""A way whose pool is full costs so many times all prices more: never chosen while another is not full."""


class Pool(Model):
    """GPUs of one type: their price, what a replica of them sustains, how many there may be."""

    gpu: Reference | None = Field(None, description="an instance of the catalogue, such as lambda/a100-80gb-reserved")
    region: Text | None = Field(None, description="the first region listed when absent")
    term: Term | None = Field(None, description="on_demand when absent")
    gpu_price: GpuPrice | None = Field(None, description="one GPU over time, such as $1.10/hour")
    gpus_per_server: AtLeastOne | None = Field(None, description="GPUs that are rented together; 1")
    gpus_per_replica: AtLeastOne | None = Field(None, description="1, or as the capacity profile says")
    capacity: CapacityField = Field(description="a capacity profile by name, rates of one's own, or several of either")
    target_utilisation: PositiveShare = Field(Fraction(1), description="load a replica is planned for")
    min: Whole = Field(0, description="replicas that run even without load")
    max: AtLeastOne | None = Field(None, description="replicas there can be")
    spare: Whole = Field(0, description="replicas beside what the load needs, where the pool is used")
    classes: list[Name] | None = Field(None, min_length=1, description="request classes it may serve; all when absent")

    @model_validator(mode="after")
    def _one_price(self) -> Pool:
        if (self.gpu is None) == (self.gpu_price is None):
            raise UnitError(None, "one of `gpu` (a catalogue entry) and `gpu_price` (your own)", "")
        beside = ("gpus_per_server",) if self.gpu is not None else ("region", "term")
        meaningless = [k for k in beside if k in self.model_fields_set]
        if meaningless:
            way = "gpu" if self.gpu is not None else "gpu_price"
            raise UnitError(None, f"no `{meaningless[0]}` beside `{way}`: it would change nothing", "")
        if self.max is not None and self.max < max(self.min, self.spare + 1):
            text = f"`max` ({self.max}) of at least `min` ({self.min}) and more than `spare` ({self.spare})"
            raise UnitError(None, text, "")
        return self


class Spec(ServesTokens):
    """GPUs of several types, rented by the hour, in the mix that costs least."""

    self_operated = True
    kind: Literal["gpu_mix"]
    pools: dict[Name, Pool] = Field(min_length=2, description="the types of GPUs, by name")
    billing: Literal["static", "autoscaled"] = Field(
        "static", description="static: the peak's mix all month; autoscaled: each hour's"
    )
    burst: Factor | None = Field(None, description="peak within the hour over its mean; the workload's when absent")
    billed_hours_per_month: Positive | None = Field(None, description="this option's own hours")
    serves: ServesField | None = Field(None, description="the model whose weights must fit a pool's replicas")

    @model_validator(mode="after")
    def _burst(self) -> Spec:
        if self.burst is not None and getattr(self.burst, "least", self.burst) < 1:
            text = f"`burst` of 1 or more, not {float(self.burst):g}: a peak is no lower than its mean"
            raise UnitError(None, text, "")
        return self

    def references(self) -> dict[Keys, tuple[str, str]]:
        own: dict[Keys, tuple[str, str]] = {}
        for name, pool in self.pools.items():
            if pool.gpu is not None:
                own["pools", name, "gpu"] = ("gpus", pool.gpu)
            own |= {("pools", name, *steps): entry for steps, entry in capacity_references(pool.capacity).items()}
        return {**super().references(), **own, **serves_references(self.serves)}


class _Pool(NamedTuple):
    """A pool with its price, its GPUs and the replica-seconds of the classes it can serve."""

    name: str
    spec: Pool
    rate: Figure
    label: str
    unit: str
    together: Figure
    per_replica: Figure
    known: Capacity
    size: Number
    seconds: Mapping[str, Number]
    inputs: tuple[Figure, ...]


class _Hour(NamedTuple):
    """What a pool is given in an hour: a load, less what other replicas take of it."""

    load: Quantity
    taken: Number


class _Way(NamedTuple):
    """A way to serve a load: the instances of each pool, whether one is full, and up to which volume none is."""

    instances: Mapping[str, Quantity]
    full: Sequence[Quantity]
    upto: Number | None


class _Filling(NamedTuple):
    """A pool whose load is partly taken by so many replicas of another: from one up to as many as replace one."""

    rest: _Pool
    some: _Pool
    ratios: Sequence[Number]
    """Replicas of `rest` that each hour's load keeps busy for each of `some`."""
    replaced: Number
    most: int
    """The most that replace one, in any draw."""


def bill(spec: Spec, at: At, demand: Demand, context: Context) -> Bill:
    """Instances of each pool, in the mix that costs least."""
    warn_without_people(at, context)
    return _Mix(spec, at, demand, context).bill()


class _Mix:
    """The pools of an option and the demand on them."""

    def __init__(self, spec: Spec, at: At, demand: Demand, context: Context) -> None:
        self.spec, self.at, self.demand, self.context = spec, at, demand, context
        self.month = hours(at, context)
        self.classes = [c.name for c in class_figures(demand)]
        self.refused: dict[str, list[Unusable]] = {c: [] for c in self.classes}
        self.gross = overheads(at, context)
        self.pools = [self._pool(name, pool) for name, pool in spec.pools.items()]
        lost = [fault for c in self.classes if not self._serving(c) for why in self.refused[c] for fault in why.faults]
        if lost:
            raise Unusable(*dict.fromkeys(lost))
        nowhere = [c for c in self.classes if not self._serving(c)]
        if nowhere:
            raise Unusable(
                at.fault(f"no pool may serve {nowhere[0]}", "pools", expected="a pool whose `classes` name it")
            )
        self.levels = [i for i in range(len(demand.traffic.levels)) if any(i in f for f in demand.flows.values())]

    def _serving(self, c: str) -> list[_Pool]:
        return [pool for pool in self.pools if c in pool.seconds]

    def bill(self) -> Bill:
        n, spec = self.context.n, self.spec
        fixed: dict[str, Quantity] = {p.name: self._bought(p, constant(p.spec.min)) for p in self.pools}
        running: dict[str, Quantity]
        if not self.levels:
            running = {name: linear(0, (n(self.month), q)) for name, q in fixed.items()}
            peaks, limit = [list(fixed.values())], None
        elif spec.billing == "static":
            chosen, limit = self._chosen(self.levels)
            running = {name: linear(0, (n(self.month), q)) for name, q in chosen.items()}
            peaks = [list(chosen.values())]
        else:
            running, peaks, limit = self._by_hour(fixed)
        inputs = self._inputs()
        lines = tuple(
            LineItem("gpu", f"{p.name}: {p.label}", running[p.name], p.unit, n(p.rate), (*p.rate.base, *inputs))
            for p in self.pools
        )
        gpus = [linear(0, *((n(p.together), q) for p, q in zip(self.pools, hour, strict=True))) for hour in peaks]
        peak: Quantity = gpus[0] if len(gpus) == 1 else Highest(tuple(gpus))
        described = "; ".join(f"{p.name}: {p.known.describe()}" for p in self.pools)
        fleet = Fleet("GPU", (), n(0), constant(0), n(1), described, inputs, peak)
        return Bill((*lines, *fixed_lines(self.at, self.context)), limit or (), fleet, peak)

    def _by_hour(
        self, fixed: Mapping[str, Quantity]
    ) -> tuple[dict[str, Quantity], list[list[Quantity]], tuple[Limit, ...]]:
        """Each hour its own mix; hours without load run what each pool runs at least."""
        n, traffic = self.context.n, self.demand.traffic
        weeks = weeks_of_traffic(self.demand, self.month, n)
        terms: dict[str, list[tuple[Number, Quantity]]] = {p.name: [] for p in self.pools}
        peaks, loaded = [], Fraction(0)
        limits: list[Limit] = []
        for i in self.levels:
            chosen, limit = self._chosen([i])
            loaded += traffic.levels[i].hours_per_week
            peaks.append(list(chosen.values()))
            limits += limit
            for name, q in chosen.items():
                terms[name].append((weeks * n(traffic.levels[i].hours_per_week), q))
        for name, q in fixed.items():
            terms[name].append((n(self.month) - n(loaded) * weeks, q))
        return {name: linear(0, *t) for name, t in terms.items()}, peaks, tuple(limits)

    def _chosen(self, levels: Sequence[int]) -> tuple[dict[str, Quantity], tuple[Limit, ...]]:
        """The instances of each pool in the way that costs least in hours of these levels, which all must be served."""
        n = self.context.n
        ways = list(self._ways(levels))
        too_dear = sum((n(p.rate) for p in self.pools), n(0)) * INFEASIBLE
        costs = tuple(
            linear(0, *((n(p.rate), way.instances[p.name]) for p in self.pools), *((too_dear, q) for q in way.full))
            for way in ways
        )
        chosen: dict[str, Quantity] = {
            p.name: Cheapest(costs, tuple(way.instances[p.name] for way in ways)) for p in self.pools
        }
        most: Any = ways[0].upto
        for way in ways:
            if way.upto is None:
                return chosen, ()
            most = np.maximum(most, way.upto)
        bounds = ", ".join(f"{p.spec.max} of {p.name}" for p in self.pools if p.spec.max is not None)
        return chosen, (Limit(VOLUME, most, f"{bounds} at most", "tokens/day"),)

    # -- ways -----------------------------------------------------------------------------------------------------

    def _ways(self, levels: Sequence[int]) -> Iterator[_Way]:
        """Every way that is looked at; counted before any is built, so that too many are no work."""
        choices = [self._serving(c) for c in self.classes]
        whole = [p for p in self.pools if len(p.seconds) == len(self.classes)]
        fillings = [found for pair in permutations(whole, 2) if (found := self._filling(*pair, levels)) is not None]
        many = prod(map(len, choices)) + sum(f.most for f in fillings)
        if many > MOST_WAYS:
            text = f"{many} ways to serve {len(self.classes)} classes on {len(self.pools)} pools"
            fewer = "fewer pools or classes, `classes` on the pools, or pools whose replicas differ less"
            raise Unusable(self.at.fault(text, "pools", expected=f"at most {MOST_WAYS}: {fewer}", key=True))
        for assigned in product(*choices):
            given = {
                p.name: [c for c, pool in zip(self.classes, assigned, strict=True) if pool is p] for p in self.pools
            }
            yield self._way({p.name: self._hours(p, given[p.name], levels) for p in self.pools}, {})
        for filling in fillings:
            yield from self._filled(filling, levels)

    def _filling(self, rest: _Pool, some: _Pool, levels: Sequence[int]) -> _Filling | None:
        """How many replicas of one pool may stand in for one of another; None where the volume changes it."""
        n = self.context.n
        ratios = [self._ratio(rest, some, i) for i in levels]
        known = [r for r in ratios if r is not None]
        if len(known) < len(ratios):
            text = "its classes do not all follow the volume alone: they are given to pools whole"
            self.context.notes.assume(self.at.name, text)
            return None
        replaced: Any = n(0)
        for ratio in known:  # replicas of `some` that take what one of `rest` takes
            whole = rest.size / (some.size * ratio)
            replaced = np.maximum(replaced, np.ceil(whole if n.exact else whole / WHOLE))
        return _Filling(rest, some, known, replaced, int(np.max(np.asarray(replaced))))

    def _filled(self, filling: _Filling, levels: Sequence[int]) -> Iterator[_Way]:
        """So many replicas of one pool, the rest of every hour's load on another."""
        n = self.context.n
        rest, some = filling.rest, filling.some
        for i in range(1, filling.most + 1):
            count: Any = np.minimum(n(i), filling.replaced)
            if some.spec.max is not None:
                count = np.minimum(count, n(some.spec.max - some.spec.spare))
            count = np.maximum(count, n(some.spec.min - some.spec.spare))
            given = {p.name: self._hours(p, [], levels) for p in self.pools}
            loads = [hour.load for hour in self._hours(rest, self.classes, levels)]
            given[rest.name] = [
                _Hour(load, count * some.size * ratio) for load, ratio in zip(loads, filling.ratios, strict=True)
            ]
            yield self._way(given, {some.name: count + some.spec.spare})

    def _ratio(self, rest: _Pool, some: _Pool, level: int) -> Number | None:
        """Replicas of `rest` that an hour's load keeps busy for each of `some`; None where the volume changes it."""
        a, b = (slope(self._load(p, self.classes, level)) for p in (rest, some))
        if a is None or b is None or not isinstance(b, np.ndarray):
            return None if a is None or b is None else a / b
        none = b == 0  # a draw that leaves this fleet no load: any ratio will do
        return np.where(none, 1, a / np.where(none, 1, b))

    def _load(self, pool: _Pool, classes: Sequence[str], level: int) -> Quantity:
        """Busy replicas of a pool in an hour, with these classes."""
        flows = self.demand.flows
        return linear(0, *((pool.seconds[c] / 3600, flows[c][level]) for c in classes if level in flows[c]))

    def _hours(self, pool: _Pool, classes: Sequence[str], levels: Sequence[int]) -> list[_Hour]:
        given = [c for c in classes if c in pool.seconds]
        hours_ = (self._load(pool, given, i) for i in levels if any(i in self.demand.flows[c] for c in given))
        return [_Hour(load, self.context.n(0)) for load in hours_]

    def _way(self, given: Mapping[str, Sequence[_Hour]], counts: Mapping[str, Number]) -> _Way:
        """The replicas that hours of load make of each pool, or a count of them, in instances."""
        n = self.context.n
        instances: dict[str, Quantity] = {}
        full: list[Quantity] = []
        upto: Any = None
        for pool in self.pools:
            bounds = pool.spec
            if pool.name in counts:
                instances[pool.name] = self._bought(pool, constant().times(counts[pool.name]))
                continue
            replicas: list[Quantity] = []
            for hour in _highest(given[pool.name]):
                load: Quantity = hour.load if not np.any(np.asarray(hour.taken)) else Part(hour.load, hour.taken)
                most = None if bounds.max is None else n(bounds.max)
                replicas.append(Steps(load, pool.size, n(bounds.spare), n(bounds.min), most))
                if bounds.max is not None:
                    room = (n(bounds.max) - n(bounds.spare)) * pool.size
                    full.append(Steps(load, room, n(-1), n(0), n(1)))
                    busy = slope(hour.load)
                    if busy is None:
                        text = f"the load of {pool.name} does not follow the volume alone: when it is full is not known"
                        raise Unusable(self.at.fault(text, "pools", pool.name, "max", expected="no `max`"))
                    end = (room + hour.taken) / busy
                    upto = end if upto is None else np.minimum(upto, end)
            if not replicas:
                replicas = [constant().times(n(bounds.min))]
            peak: Quantity = replicas[0] if len(replicas) == 1 else Highest(tuple(replicas))
            instances[pool.name] = self._bought(pool, peak)
        return _Way(instances, full, upto)

    def _bought(self, pool: _Pool, replicas: Quantity) -> Quantity:
        needed = replicas.times(self.context.n(pool.per_replica))
        return needed if pool.together.value == 1 else Steps(needed, self.context.n(pool.together))

    # -- pools ----------------------------------------------------------------------------------------------------

    def _pool(self, name: str, pool: Pool) -> _Pool:
        context, steps = self.context, ("pools", name)
        n = context.n
        at = At(self.at.name, pool, self.at.document, (*self.at.path, *steps))
        known = known_capacity(self.at, pool.capacity, pool.target_utilisation, context, *steps, "capacity")
        memory, gpu = None, None
        if pool.gpu is not None:
            found, row, rate = offer(at, context, "gpus", "gpu")
            together = found.figure("gpus", Fraction(found.spec.gpus), "GPUs/instance", row, "gpus")
            memory, gpu = found.spec.memory_gb, found.spec.gpu
            label, unit = f"{gpu} ({pool.gpu}, {row.term})", "instance-hours"
            check_hardware(self.at, known, gpu, context)
        else:
            assert pool.gpu_price is not None
            count = Fraction(pool.gpus_per_server or 1)
            together = Figure("gpus_per_server", count, "GPUs/server", at.home("gpus_per_server"))
            price = context.money(at, "gpu_price", pool.gpu_price, "gpu_price", trend=RENTED)
            rate = context.per_hour(price, pool.gpu_price.per, self.month)
            rate = rate.times(factor=count) if count != 1 else rate
            label, unit = ("servers", "server-hours") if count > 1 else ("GPUs", "GPU-hours")
        per_replica = gpus_per_replica(at, known)
        utilisation = Figure(
            "target_utilisation", pool.target_utilisation, "of a replica", at.home("target_utilisation")
        )
        peak = burst(self.at, context)
        seconds = self._seconds(name, pool, known, Replica(per_replica, memory, gpu))
        bounds = tuple(
            Figure(key, Fraction(value), "replicas", at.home(key))
            for key in ("min", "max", "spare")
            if (value := getattr(pool, key))
        )
        inputs = (*rate.base, together, per_replica, utilisation, peak, *bounds, *known.seconds_inputs(self.demand))
        size = n(utilisation) / n(peak)
        return _Pool(name, pool, rate, label, unit, together, per_replica, known, size, seconds, inputs)

    def _seconds(self, name: str, pool: Pool, known: Capacity, replica: Replica) -> dict[str, Number]:
        """Replica-seconds of the classes that the pool can serve; why it cannot serve others is kept."""
        seconds: dict[str, Number] = {}
        traffic = self.demand.traffic.classes
        for i, named in enumerate(pool.classes or ()):
            if named not in traffic:
                expected = "one of " + ", ".join(traffic)
                raise Unusable(self.at.fault(f"no class `{named}`", "pools", name, "classes", i, expected=expected))
        for c in class_figures(self.demand):
            if pool.classes is not None and c.name not in pool.classes:
                continue
            try:
                if self.spec.serves is not None:
                    fault = misfit(self.at, (c,), replica, known, self.context, "pools", name)
                    if fault is not None:
                        raise Unusable(fault)
                seconds[c.name] = known.seconds_of(c, self.context) * grossed_up(self.gross, self.context.n)
            except Unusable as why:
                self.refused[c.name].append(why)
        return seconds

    def _inputs(self) -> tuple[Figure, ...]:
        """The figures of the choice: which pool runs what depends on all of them."""
        requests = dict.fromkeys(f for figures in self.demand.inputs.values() for f in figures)
        loads = dict.fromkeys(c.load for c in class_figures(self.demand))
        days = () if self.spec.billing == "static" else (self.demand.traffic.days_per_month,)
        pools = (f for p in self.pools for f in p.inputs)
        return tuple(dict.fromkeys((self.month, *days, *requests, *loads, *self.gross, *pools)))


def _highest(hours_: Sequence[_Hour]) -> list[_Hour]:
    """The hours that can need most: one with no more load than another, of which no less is taken, cannot."""
    kept: list[_Hour] = []
    for hour in hours_:
        if not any(_covers(other, hour) for other in kept):
            kept = [other for other in kept if not _covers(hour, other)]
            kept.append(hour)
    return kept


def _covers(other: _Hour, hour: _Hour) -> bool:
    a, b = slope(other.load), slope(hour.load)
    if a is None or b is None:
        return False
    return bool(np.all(np.asarray(a >= b))) and bool(np.all(np.asarray(other.taken <= hour.taken)))
