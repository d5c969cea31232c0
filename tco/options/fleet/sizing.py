"""Fleets: replicas sized for their load by hour. Self-hosted and dedicated options are fleets.

n_h = clamp(ceil(B_h x burst / (target utilisation x availability)) + spare, min, max), with B_h the busy replicas of an
hour. A fleet is full at (max - spare) replicas at that load: above it is infeasible, unless an overflow is named. How
the hours are billed is in `billing`, at what prices in `rental`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tco.lineitem import Figure, Fleet, LevelLoad, Limit, Numbers
from tco.options.base import At, Context, Unusable, class_figures, constant, grossed_up, overheads
from tco.options.fleet import waiting
from tco.options.fleet.capacity import Capacity
from tco.options.fleet.keys import Replicas
from tco.options.fleet.known import capacity
from tco.options.fleet.stints import Month, Stint, slope
from tco.quantity import Highest, Linear, Number, Part, Quantity, Steps, linear
from tco.workload.demand import Demand
from tco.workload.levels import Cycle
from tco.workload.model import DAYS_PER_WEEK, HOURS_PER_DAY, HOURS_PER_WEEK

SECONDS_PER_HOUR = 3600


class Sized(NamedTuple):
    """A fleet sized for a demand."""

    fleet: Fleet
    hours: Figure
    capacity: Capacity | None
    inputs: tuple[Figure, ...]
    limits: tuple[Limit, ...]
    busiest: Quantity
    """Replicas in the busiest hour, in each zone."""
    month: Month
    """The hours that replicas are billed by; none where seconds of work are billed."""
    work: Quantity | None = None
    """Replica-hours a month of work, where they are billed."""
    starts: Number = 0
    """How often a month a replica is started, where that is stated."""

    def peak(self) -> Quantity:
        """Replicas in the busiest hour, in each zone."""
        return self.busiest


class _Loads(NamedTuple):
    """What a fleet has to carry."""

    known: Capacity
    seconds: Mapping[str, Number]
    size: Number
    month: Figure


def hours(at: At, context: Context) -> Figure:
    """Hours a month the option is billed for: its own, else the scenario's."""
    if at.spec.billed_hours_per_month is None:
        return context.hours
    return at.figure("billed_hours_per_month", "hours/month")


def weeks_of_traffic(demand: Demand, month: Figure, n: Numbers) -> Number:
    """Weeks whose hours are billed as they carry load. Billed hours beyond those of the traffic's days carry none; a
    month of fewer billed hours has fewer such days. It says when GPUs run, not how much work there is."""
    return np.minimum(n(demand.traffic.days_per_month), n(month) / HOURS_PER_DAY) / DAYS_PER_WEEK


def sized(at: At, demand: Demand, context: Context) -> Sized:
    """The replicas of each hour that differs in its load."""
    spec = at.spec
    known = capacity(at, context)
    month = hours(at, context)
    if known is None:
        return _unsized(at, month, context)
    loads = _Loads(known, _seconds(at, demand, known, context), _size(at, context), month)
    if spec.billing == "busy_time":
        return _by_the_second(at, demand, loads, context)
    if spec.billing == "batch_window":
        return _in_windows(at, demand, loads, context)
    return _by_the_hour(at, demand, loads, context)


def _by_the_hour(at: At, demand: Demand, loads: _Loads, context: Context) -> Sized:
    """Replicas that follow the load from hour to hour, or are as many as the busiest hour needs."""
    n, spec = context.n, at.spec
    traffic, size, weeks = demand.traffic, loads.size, weeks_of_traffic(demand, loads.month, n)
    static = spec.billing == "static"
    at_rest = 0 if spec.billing == "busy_hours" else spec.replicas.min
    profile = _profile(at, demand, loads, n)
    stints: list[Stint] = []
    shares: list[Fraction] = []
    place = {}
    for i, hour in enumerate(profile.hours):
        if hour.load is not None and _carries(hour.load):
            place[i] = len(stints)
            running = _running(hour.load, size, at_rest, spec.replicas, n)
            stints.append(Stint(weeks * n(hour.hours_per_week), running, hour.load))
            shares.append(hour.share_of_day)
    loaded = sum(profile.hours[i].hours_per_week for i in place)
    idle = Stint(n(loads.month) - n(loaded) * weeks, constant().times(n(at_rest)), None)
    if spec.billing == "busy_hours" and loaded == HOURS_PER_WEEK:
        context.notes.assume(at.name, "every hour of the load profile has load, so `busy_hours` bills every hour")
    carried = [stint.load for stint in stints if stint.load is not None]
    if static and spec.batch:
        carried = waiting.within_deadlines(demand, loads.seconds, at, n)
    carried = _highest(carried)
    replicas = [_running(load, size, at_rest, spec.replicas, n) for load in carried]
    busiest = _max_of(replicas) if replicas else constant().times(n(spec.replicas.min))
    if static:
        levels = [Stint(stint.hours, busiest, stint.load) for stint in stints]
        idle = Stint(idle.hours, busiest, None)
        month = Month((Stint(n(loads.month), busiest, None),))
    else:
        levels = stints
        cycles = (
            (tuple(place.get(i, len(stints)) for i in cycle.hours), weeks * n(cycle.per_week))
            for cycle in profile.cycles
        )
        month = Month((*stints, idle), tuple(cycles))
    own = () if static else (traffic.days_per_month,)
    batched = waiting.batchable_inputs(demand) if spec.batch else ()
    inputs = (
        loads.month,
        *own,
        *_load_inputs(at, demand, loads.known, context),
        *batched,
        *_size_inputs(at, context, "min", "max", "spare"),
    )
    fleet = _fleet(at, loads, list(zip(levels, shares, strict=True)), idle, busiest, inputs, context)
    if not static and spec.cold_start is not None:
        fleet = fleet._replace(waiting=_cold_starts(at, month, context))
    return Sized(fleet, loads.month, loads.known, inputs, _limits(at, carried, size, n), busiest, month)


def _profile(at: At, demand: Demand, loads: _Loads, n: Numbers) -> waiting.Profile:
    """The different hours of the load. Of a fleet of constant size that batches, the mean hour: what waits fills it."""
    if not at.spec.batch:
        return waiting.as_it_comes(demand, loads.seconds)
    if at.spec.billing == "autoscaled":
        return waiting.spread(demand, loads.seconds, at, n)
    mean = waiting.mean_load(demand, loads.seconds, n)
    every = Fraction(HOURS_PER_WEEK)
    return waiting.Profile((waiting.HourLoad(every, Fraction(1, HOURS_PER_DAY), mean),), (Cycle((0,), every),))


def _by_the_second(at: At, demand: Demand, loads: _Loads, context: Context) -> Sized:
    """Replicas billed by the seconds they work, headroom included, and by stated wake-ups. All the traffic's work is
    billed, whatever the month's billed hours."""
    n = context.n
    weeks = n(demand.traffic.days_per_month) / DAYS_PER_WEEK
    useful = n(at.figure("target_utilisation", "")) * n(at.figure("availability", ""))
    levels: list[tuple[Stint, Fraction]] = []
    for hour in waiting.as_it_comes(demand, loads.seconds).hours:
        if hour.load is not None and _carries(hour.load):
            billed = linear(0, (n(1) / useful, hour.load))
            levels.append((Stint(weeks * n(hour.hours_per_week), billed, hour.load), hour.share_of_day))
    carried = _highest([stint.load for stint, _ in levels if stint.load is not None])
    most = None if at.spec.replicas.max is None else n(at.spec.replicas.max)
    steps = [Steps(load, loads.size, n(0), n(0), most) for load in carried]
    busiest = _max_of(steps) if steps else constant(0)
    loaded = sum((stint.hours for stint, _ in levels), n(0))
    idle = Stint(np.maximum(n(loads.month) - loaded, n(0)), constant(0), None)
    wake_ups = at.figure("wake_ups_per_day", "wake-ups/day")
    starts = n(wake_ups) * weeks * DAYS_PER_WEEK
    each = sum((n(f) for f in wake_up_figures(at)), n(0)) / SECONDS_PER_HOUR
    if wake_ups.value * sum((f.value for f in wake_up_figures(at)), Fraction(0)) > HOURS_PER_DAY * SECONDS_PER_HOUR:
        context.notes.warn(at.name, "its wake-ups alone are billed for more than a replica that never sleeps")
    # work is billed, however many replicas it is done by: neither bounds nor burst move it
    inputs = (
        demand.traffic.days_per_month,
        *_load_inputs(at, demand, loads.known, context),
        *(f for f in _size_inputs(at, context) if f.name != "burst"),
    )
    fleet = _fleet(at, loads, levels, idle, busiest, inputs, context)
    fleet = fleet._replace(waiting=constant().times(starts * each))
    work = linear(0, *((stint.hours, stint.replicas) for stint, _ in levels))
    limits = _limits(at, carried, loads.size, n)
    return Sized(fleet, loads.month, loads.known, inputs, limits, busiest, Month(()), work, starts)


def wake_up_figures(at: At) -> tuple[Figure, ...]:
    """Seconds that a start is billed for besides its work."""
    return tuple(at.figure(k, "s") for k in ("cold_start", "idle_timeout") if getattr(at.spec, k) is not None)


def _in_windows(at: At, demand: Demand, loads: _Loads, context: Context) -> Sized:
    """Replicas that run in stated hours alone, as many as the month's work needs; with a spike, those of its days as
    many as what came since the window before. No burst: what waits has no peak."""
    n, spec = context.n, at.spec
    window = at.figure("window_hours_per_month", "hours/month")
    windows = _windows(at, demand)
    _check_window(at, demand, window, windows, loads.month)
    size = n(at.figure("target_utilisation", "")) * n(at.figure("availability", ""))
    mean = waiting.mean_load(demand, loads.seconds, n)
    month_of_traffic = n(demand.traffic.days_per_month) * HOURS_PER_DAY
    load = linear(0, (month_of_traffic / n(window), mean)) if mean is not None else constant(0)
    most = None if spec.replicas.max is None else n(spec.replicas.max)
    of_day = Fraction(demand.traffic.days_per_month.value) / Fraction(window.value)
    stints: list[Stint] = []
    shares: list[Fraction] = []
    cycles: list[tuple[tuple[int, ...], Number]] = []
    kinds = demand.traffic.windows(Fraction(windows.value))
    for i, (part, times) in enumerate(kinds):
        here = load.times(n(times))
        running = Steps(here, size, n(spec.replicas.spare), n(spec.replicas.min), most)
        stints.append(Stint(n(window) * n(part), running, here))
        shares.append(of_day * times)
        cycles.append(((i, len(kinds)), n(windows) * n(part)))
    busiest = _max_of([stint.replicas for stint in stints])
    inputs = (
        demand.traffic.days_per_month,
        window,
        *_load_inputs(at, demand, loads.known, context),
        *(f for f in _size_inputs(at, context, "min", "max", "spare") if f.name != "burst"),
    )
    idle = Stint(n(loads.month) - n(window), constant(0), None)
    loads = loads._replace(size=size)
    levels = list(zip(stints, shares, strict=True)) if mean is not None else []
    fleet = _fleet(at, loads, levels, idle, busiest, inputs, context)
    month = Month((*stints, idle), tuple(cycles))
    if spec.cold_start is not None:
        fleet = fleet._replace(waiting=_cold_starts(at, month, context))
    carried = _highest([stint.load for stint in stints if stint.load is not None]) if mean is not None else []
    limits = _limits(at, carried, size, n)
    return Sized(fleet, loads.month, loads.known, inputs, limits, busiest, month)


def _windows(at: At, demand: Demand) -> Figure:
    """How many windows a month has: one on each day of traffic unless stated."""
    if at.spec.windows_per_month is None:
        return demand.traffic.days_per_month
    return at.figure("windows_per_month", "windows/month")


def _check_window(at: At, demand: Demand, window: Figure, windows: Figure, month: Figure) -> None:
    """`Unusable` where windows are longer than the month, or a class cannot wait from one to the next."""
    most = getattr(window.value, "most", window.value)
    least = getattr(month.value, "least", month.value)
    if most > least:
        raise Unusable(
            at.fault(
                f"windows of {float(most):g} hours in a month of {float(least):g}",
                "window_hours_per_month",
                expected="at most the month's billed hours",
            )
        )
    fewest, days = getattr(windows.value, "least", windows.value), demand.traffic.days_per_month.value
    apart = Fraction(getattr(days, "most", days)) * HOURS_PER_DAY / Fraction(fewest)
    if windows is demand.traffic.days_per_month:
        apart = Fraction(HOURS_PER_DAY)
    for c in class_figures(demand):
        share = None if c.batchable is None else Fraction(getattr(c.batchable.value, "least", c.batchable.value))
        deadline = None if c.deadline is None else Fraction(getattr(c.deadline.value, "least", c.deadline.value))
        if share != 1 or deadline is None or deadline < apart * SECONDS_PER_HOUR:
            whose = c.name if len(demand.traffic.classes) > 1 else "the workload"
            raise Unusable(
                at.fault(
                    f"a batch window serves what can wait, and {whose} "
                    + ("cannot wait as a whole" if share != 1 else "has to be done before the next window"),
                    "billing",
                    expected=f"`batchable_share: 100%` and a `deadline` of {float(apart):.6g} hours or more on {whose}",
                )
            )


def _cold_starts(at: At, month: Month, context: Context) -> Quantity:
    """Replica-hours a month, in all zones, that replicas take to start."""
    n = context.n
    running = [_above_base(at, s.replicas, n) for s in month.stints]
    each = n(at.figure("cold_start", "s")) / SECONDS_PER_HOUR * n(at.figure("zones", ""))
    return linear(0, (each, month.started(running)))


def _above_base(at: At, replicas: Quantity, n: Numbers) -> Quantity:
    reserved = at.spec.reserved
    return replicas if reserved is None else Part(replicas, n(reserved.replicas))


def _fleet(
    at: At,
    loads: _Loads,
    levels: Sequence[tuple[Stint, Fraction]],
    idle: Stint,
    busiest: Quantity,
    inputs: tuple[Figure, ...],
    context: Context,
) -> Fleet:
    """The fleet with all that runs: in every zone, what is reserved, and staging."""
    n = context.n
    return Fleet(
        "replica",
        tuple(
            LevelLoad(stint.hours, share, stint.load, in_all(at, stint.replicas, n))
            for stint, share in levels
            if stint.load is not None
        ),
        idle.hours,
        in_all(at, idle.replicas, n),
        loads.size,
        loads.known.describe(),
        inputs,
        in_all(at, busiest, n),
        loads.seconds,
    )


def in_all(at: At, replicas: Quantity, n: Numbers) -> Quantity:
    """Replicas that are there when so many are needed in each zone: at least those reserved, and staging."""
    spec = at.spec
    if spec.reserved is not None:
        replicas = linear(n(spec.reserved.replicas), (n(1), _above_base(at, replicas, n)))
    if spec.zones == 1 and not spec.staging:
        return replicas
    return linear(n(spec.staging), (n(spec.zones), replicas))


def _limits(at: At, carried: Sequence[Quantity], size: Number, n: Numbers) -> tuple[Limit, ...]:
    """Where the fleet is full."""
    bounds = at.spec.replicas
    if bounds.max is None:
        return ()
    room = (n(bounds.max) - n(bounds.spare)) * size
    spare = f", {bounds.spare} of them spare" if bounds.spare else ""
    reason = f"{bounds.max} replica{'s' if bounds.max > 1 else ''} at most{spare}"
    return tuple(Limit(load, room, reason) for load in carried)


def _seconds(at: At, demand: Demand, known: Capacity, context: Context) -> dict[str, Number]:
    """Replica-seconds of one served request of each class, overhead included."""
    gross = overheads(at, context)
    return {c: w * grossed_up(gross, context.n) for c, w in known.seconds(demand, context).items()}


def _running(load: Quantity, size: Number, at_rest: int, bounds: Replicas, n: Numbers) -> Quantity:
    """The replicas of an hour. An overflow that has not begun is no load: those at rest run, and no spares."""
    most = None if bounds.max is None else n(bounds.max)
    steps = Steps(load, size, n(bounds.spare), n(bounds.min), most)
    at_least = max(bounds.spare, bounds.min)
    if at_least == at_rest or slope(load) is not None:
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
    fleet = Fleet("replica", (), n(0), constant(0), n(1), "unknown", (count,), in_all(at, peak, n))
    return Sized(fleet, month, None, (month, count), (), peak, Month((Stint(n(month), peak, None),)))


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
    if spec.batch or spec.billing == "batch_window":
        key = "batch" if spec.batch else "billing"
        expected = "no overflow, or a fleet whose requests do not wait"
        raise Unusable(at.fault("a fleet whose requests wait is not full by the hour", key, expected=expected))
    seconds = _seconds(at, demand, known, context)
    room = (n(spec.replicas.max) - n(spec.replicas.spare)) * _size(at, context)
    served: dict[str, dict[int, Quantity]] = {}
    rest: dict[str, dict[int, Quantity]] = {}
    for i in range(len(demand.traffic.levels)):
        load = demand.load(i, seconds)
        if load is None or not _carries(load):
            continue
        whole = slope(load)
        for c, flows in demand.flows.items():
            if i not in flows:
                continue
            own = slope(flows[i])
            if whole is None or own is None:
                raise Unusable(at.fault("overflow into a fleet that itself overflows cannot be split by class exactly"))
            part = own / (whole + (whole == 0))  # a draw may leave nothing to split
            served.setdefault(c, {})[i] = Part(load, 0, room).times(part)
            rest.setdefault(c, {})[i] = Part(load, room, None).times(part)
    room_inputs = (*_load_inputs(at, demand, known, context), *_size_inputs(at, context, "max", "spare"))
    inputs = dict.fromkeys(demand.flows, room_inputs)
    return Demand(demand.traffic, served, inputs), Demand(demand.traffic, rest, inputs)


def _size(at: At, context: Context) -> Number:
    """Busy replicas that one replica is planned to take."""
    n = context.n
    return n(at.figure("target_utilisation", "")) * n(at.figure("availability", "")) / n(burst(at, context))


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
    stated = tuple(
        at.figure(k, unit)
        for k, unit in (("availability", "of the time"), ("zones", "zones"))
        if k in at.spec.model_fields_set
    )
    return (at.figure("target_utilisation", "of a replica"), burst(at, context), *stated, *replicas)


def _stated(at: At, key: str) -> tuple[str, ...]:
    """Where a bound stands: under its own key, or as the one number that `replicas` is."""
    whole = (*at.path, "replicas")
    alone = whole in at.document.marks and not any(path[:-1] == whole for path in at.document.marks)
    return ("replicas",) if alone else ("replicas", key)


def _carries(load: Quantity) -> bool:
    """Whether a load is more than zero anywhere: requests of zero replica-seconds carry none."""
    return not isinstance(load, Linear) or bool(load.terms)


def _highest(loads: Sequence[Quantity]) -> list[Quantity]:
    """The loads that can be the highest: with one mix it is a single one, whatever the volume."""
    kept: list[Quantity] = []
    for load in loads:
        own = slope(load)
        if own is not None:
            if any(other is not None and np.all(np.asarray(other >= own)) for other in map(slope, kept)):
                continue
            kept = [k for k in kept if (s := slope(k)) is None or not np.all(np.asarray(own >= s))]
        kept.append(load)
    return kept


def _max_of(replicas: Sequence[Quantity]) -> Quantity:
    return replicas[0] if len(replicas) == 1 else Highest(tuple(replicas))
