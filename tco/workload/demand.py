"""Demand: how many requests of each class an option is asked to serve, hour by hour, as quantities of the volume.

Hybrids split and add demands, never curves: two routes that reach one fleet are rounded up once.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import NamedTuple

import numpy as np

from tco.lineitem import Figure, Home, Numbers
from tco.numerals import UnitError
from tco.quantity import VOLUME, Number, Quantity, linear
from tco.ranges import Range
from tco.workload.levels import Cycle, Level, by_load
from tco.workload.model import DAYS_PER_WEEK, HOURS_PER_DAY, Load, RequestClass, Workload

REQUEST = "request"
"""The name of the class of a workload that states its sizes directly."""


class Spike(NamedTuple):
    """Days of a month, one after another, that each carry so many times the requests of its other days."""

    factor: Fraction
    days: int
    more: Fraction
    """How many times the usual the requests of the whole month are."""
    usual: Traffic
    """The traffic of a month without it."""


class Share(NamedTuple):
    """The share of the requests that a class has: a figure, or what others leave."""

    figure: Figure
    rest_of: tuple[Figure, ...] | None
    beside: tuple[Figure, ...]
    """All shares where none is the rest: draws of them do not make a whole, so each is taken as a part of their sum."""

    @property
    def inputs(self) -> tuple[Figure, ...]:
        """The figures it follows from."""
        if self.rest_of is not None:
            return self.rest_of
        return self.beside if any(f.uncertain for f in self.beside) else (self.figure,)

    @property
    def present(self) -> bool:
        """Whether it is ever more than nothing."""
        return bool(self.figure.value) or (self.rest_of is not None and any(f.uncertain for f in self.rest_of))

    def number(self, n: Numbers) -> Number:
        """The share in the numbers of n."""
        if self.rest_of is not None:
            return n(1) - sum((n(f) for f in self.rest_of), n(0))
        if not any(f.uncertain for f in self.beside):
            return n(self.figure)
        return n(self.figure) / sum((n(f) for f in self.beside), n(0))


class Call(NamedTuple):
    """Model calls of one kind within a request: all of them, or where the context grows the k-th alone."""

    calls: Figure | None
    """Calls of a request; None: a request is one call."""
    position: int | None
    """0 for the first call; None: the calls are all alike."""

    def times(self, n: Numbers) -> Number:
        """How many calls of this kind a request makes: of 7.5 calls, half an eighth."""
        if self.calls is None:
            return n(1)
        if self.position is None:
            return n(self.calls)
        return np.minimum(np.maximum(n(self.calls) - self.position, n(0)), n(1))


class Class(NamedTuple):
    """A request class: its share of the requests and the sizes of its calls by meter."""

    name: str
    share: Share
    tokens: Mapping[str, Figure]
    cacheable: Figure | None
    calls: tuple[Call, ...]
    growth: Figure
    """Input tokens that each call adds to the next one's."""
    load: Figure
    """Its load profile, by the share of the day's requests in its busiest hour."""
    batchable: Figure | None
    deadline: Figure | None
    """Seconds that batchable requests can wait."""

    @property
    def calls_per_request(self) -> Figure | None:
        """None: a request is one call."""
        return self.calls[0].calls

    def served(self, n: Numbers) -> Number:
        """Input + output tokens of one request over all its calls, in the reference tokenizer."""
        one = n(self.tokens["input"]) + n(self.tokens["output"])
        growth = n(self.growth)
        return sum((c.times(n) * (one + growth * (c.position or 0)) for c in self.calls), n(0))

    @property
    def served_inputs(self) -> tuple[Figure, ...]:
        """The figures of `served` that somebody stated."""
        figures = (self.tokens["input"], self.tokens["output"], self.calls_per_request, self.growth)
        return tuple(f for f in figures if f is not None and not f.home.is_default)


class Traffic(NamedTuple):
    """The workload as figures: its classes, its load levels and what turns volume into requests."""

    classes: Mapping[str, Class]
    levels: tuple[Level, ...]
    cycles: tuple[Cycle, ...]
    """Which level each hour is: one cycle of a day (24) or a week (168); with a spike, cycles of whole months."""
    days_per_month: Figure
    burst: Figure
    spike: Spike | None = None
    """None: each day of the month, or each week, is as the one before."""

    @property
    def cycle(self) -> tuple[int, ...]:
        """The level of each hour, of a day (24) or of a week (168), in a month without a spike."""
        return (self if self.spike is None else self.spike.usual).cycles[0].hours

    def days(self) -> dict[tuple[int, ...], Fraction]:
        """The kinds of days there are, by the level of each of their 24 hours: how many a week."""
        kinds: dict[tuple[int, ...], Fraction] = {}
        for hours, per_week in self.cycles:
            for start in range(0, len(hours), HOURS_PER_DAY):
                day = hours[start : start + HOURS_PER_DAY]
                kinds[day] = kinds.get(day, Fraction(0)) + per_week
        return kinds

    def windows(self, windows: Fraction) -> tuple[tuple[Fraction, Fraction], ...]:
        """Windows that come so often a month, each for what came since the one before: by kind, the share of the
        windows, and how many times the mean one's work."""
        if self.spike is None:
            return ((Fraction(1), Fraction(1)),)
        from tco.workload.spike import by_window

        kinds = by_window(windows, Fraction(self.days_per_month.value), self.spike.factor, self.spike.days)
        return tuple((part, times / self.spike.more) for part, times in kinds)

    def spiked(self, factor: Fraction, days: Fraction | int) -> tuple[Traffic, Fraction]:
        """The traffic of a month in which `days` whole days, one after another, carry `factor` times the requests of
        its other days, and how many times the usual such a month's mean volume is. Its V is that mean. Raises UnitError
        for days that are not whole or more than the month has, for a factor that is not above 0, and for a second
        spike."""
        from tco.workload.spike import with_spike

        if self.spike is not None:
            raise UnitError(None, "one spike in a month")
        month = Fraction(self.days_per_month.value)
        levels, cycles, more = with_spike(self.levels, self.cycles[0], month, Fraction(factor), Fraction(days))
        if more is None:
            return self, Fraction(1)
        spike = Spike(Fraction(factor), int(days), more, self)
        return self._replace(levels=levels, cycles=cycles, spike=spike), more

    @property
    def mean_tokens(self) -> Fraction:
        """Input + output tokens of the mean request, all its calls."""
        from tco.lineitem import Exact

        return Fraction(self.mean(Exact()))

    def mean(self, n: Numbers) -> Number:
        """The same in the numbers of n."""
        return sum((c.share.number(n) * c.served(n) for c in self.classes.values()), n(0))

    def day_share(self, level: Level) -> Fraction:
        """The share of a mean day's requests, all classes together, in one hour of a level."""
        shares = ((c.share.figure.value, level.share_of_day[name]) for name, c in self.classes.items())
        return sum((Fraction(share) * hour for share, hour in shares), Fraction(0))

    def demand(self, n: Numbers) -> Demand:
        """The whole workload, as requests per hour of each class at each load level."""
        mean = self.mean(n)
        present = [c for c in self.classes.values() if c.share.present]
        return Demand(
            self,
            {
                c.name: {
                    i: linear(0, (c.share.number(n) * n(level.share_of_day[c.name]) / mean, VOLUME))
                    for i, level in enumerate(self.levels)
                    if level.share_of_day[c.name]
                }
                for c in present
            },
            {c.name: self._inputs(c) for c in present},
        )

    def _inputs(self, of: Class) -> tuple[Figure, ...]:
        """What makes the requests of a class out of a volume: its share, and what the mean request is made of."""
        others = [c for c in self.classes.values() if c is not of]
        figures: dict[Figure, None] = {}
        for c in (of, *others):
            if others:
                figures |= dict.fromkeys(c.share.inputs)
            if c.share.present:
                figures |= dict.fromkeys(c.served_inputs)
        return tuple(figures)


class Demand:
    """Requests per hour by class and load level, and by class the figures they are made of. What is absent is zero."""

    __slots__ = ("flows", "inputs", "traffic")

    def __init__(
        self,
        traffic: Traffic,
        flows: Mapping[str, Mapping[int, Quantity]],
        inputs: Mapping[str, tuple[Figure, ...]],
    ) -> None:
        self.traffic, self.flows, self.inputs = traffic, flows, inputs

    def part(self, shares: Mapping[str, Number], inputs: Mapping[str, tuple[Figure, ...]]) -> Demand:
        """A share of each class; classes that are not named go elsewhere. `inputs`: the figures of each share."""
        kept = [c for c in self.flows if c in shares]
        return Demand(
            self.traffic,
            {c: {i: q.times(shares[c]) for i, q in self.flows[c].items()} for c in kept},
            {c: (*self.inputs[c], *inputs.get(c, ())) for c in kept},
        )

    def __add__(self, other: Demand) -> Demand:
        flows: dict[str, dict[int, Quantity]] = {c: dict(f) for c, f in self.flows.items()}
        for c, f in other.flows.items():
            mine = flows.setdefault(c, {})
            for i, q in f.items():
                mine[i] = mine[i] + q if i in mine else q
        inputs = {c: tuple(dict.fromkeys((*self.inputs.get(c, ()), *other.inputs.get(c, ())))) for c in flows}
        return Demand(self.traffic, flows, inputs)

    def requests_per_month(self, name: str, n: Numbers, hours: frozenset[int] | None = None) -> Quantity:
        """Requests a month of one class; those of some hours of the day alone where `hours` names them (0 to 23)."""
        weeks = n(self.traffic.days_per_month) / n(DAYS_PER_WEEK)
        times = {i: level.hours_per_week for i, level in enumerate(self.traffic.levels)}
        if hours is not None:
            times = dict.fromkeys(times, Fraction(0))
            for day, per_week in self.traffic.days().items():
                for hour in hours:
                    times[day[hour]] += per_week
        return linear(0, *((n(times[i]) * weeks, q) for i, q in self.flows[name].items()))

    def load(self, level: int, seconds: Mapping[str, Number]) -> Quantity | None:
        """Busy replicas in an hour of this level, from replica-seconds per request; None where there is none."""
        terms = [(seconds[c] / 3600, f[level]) for c, f in self.flows.items() if level in f]
        return linear(0, *terms) if terms else None


def traffic(workload: Workload, days_per_month: Figure, home: Mapping[str, Home]) -> Traffic:
    """The workload's figures. `home` maps `class.key` to where the scenario states it."""
    specs: dict[str, RequestClass | Workload] = dict(workload.classes or {REQUEST: workload})
    default = Home("default")
    figures: dict[str, Figure] = {}
    for name, spec in specs.items():
        share = spec.share if isinstance(spec, RequestClass) else Fraction(1)
        if isinstance(share, Fraction):
            figures[name] = Figure(f"{name}: share", share, "of requests", home.get(f"{name}.share", default))
    stated = tuple(figures.values())

    def share_of(name: str) -> Share:
        if name in figures:
            return Share(figures[name], None, stated if len(stated) == len(specs) else ())
        left = 1 - sum((f.value for f in stated), Fraction(0))
        where = home.get(f"{name}.share", default)
        return Share(Figure(f"{name}: share", left, "of requests", where), stated, ())

    def one(name: str, spec: RequestClass | Workload) -> Class:
        def figure(key: str, unit: str, value: Fraction | None = None) -> Figure:
            found = value if value is not None else getattr(spec, key)
            return Figure(f"{name}: {key}", found or Fraction(0), unit, home.get(f"{name}.{key}", default))

        def stated_figure(key: str, unit: str) -> Figure | None:
            return None if getattr(spec, key) is None else figure(key, unit)

        sizes = [k for k in type(spec).model_fields if k.endswith("_tokens")]
        tokens = {
            key.removesuffix("_tokens"): figure(key, "tokens/request")
            for key in sizes
            if key not in ("cacheable_input_tokens", "context_growth_tokens")
        }
        growth = figure("context_growth_tokens", "tokens/call")
        shares, key = profile_of(spec)
        return Class(
            name,
            share_of(name),
            tokens,
            stated_figure("cacheable_input_tokens", "tokens/request"),
            _calls(stated_figure("calls_per_task", "calls/request"), growth),
            growth,
            Figure("load in the busiest hour", max(shares), "of a day's requests", profile_home(name, key)),
            stated_figure("batchable_share", "of requests"),
            stated_figure("deadline", "s"),
        )

    def profile_of(spec: RequestClass | Workload) -> tuple[tuple[Fraction, ...], str]:
        load = workload.load if spec.load is None else spec.load
        if load == "flat":
            return (Fraction(1, HOURS_PER_DAY),) * HOURS_PER_DAY, ""
        assert isinstance(load, Load)
        return load.shares(), "by_hour" if load.by_hour is not None else "peak_hour_share"

    def profile_home(name: str, key: str) -> Home:
        for owner in (name, REQUEST):
            for place in (f"{owner}.load.{key}", f"{owner}.load"):
                if place in home:
                    return home[place]
        return default

    levels, cycle = by_load({name: profile_of(spec)[0] for name, spec in specs.items()})
    burst = Figure("burst", workload.burst, "of the hour's mean", home.get(f"{REQUEST}.burst", default))
    return Traffic({name: one(name, spec) for name, spec in specs.items()}, levels, (cycle,), days_per_month, burst)


def _calls(calls: Figure | None, growth: Figure) -> tuple[Call, ...]:
    """One kind of call where all are alike; each of its own where the context grows from call to call."""
    if calls is None or not growth.value:
        return (Call(calls, None),)
    most = calls.value.most if isinstance(calls.value, Range) else calls.value
    return tuple(Call(calls, k) for k in range(ceil(most)))
