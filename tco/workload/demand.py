"""Demand: how many requests of each class an option is asked to serve, hour by hour, as quantities of the volume.

Hybrids split and add demands, never curves: two routes that reach one fleet are rounded up once.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from tco.lineitem import Figure, Home, Numbers
from tco.quantity import VOLUME, Number, Quantity, linear
from tco.workload.model import RequestClass, Workload, whole_shares

REQUEST = "request"
"""The name of the class of a workload that states its sizes directly."""


class Level(NamedTuple):
    """Hours of the day that carry the same load: how many, and the share of a day's requests in one of them."""

    hours_per_day: int
    share_of_day: Fraction


class Class(NamedTuple):
    """A request class: its share of the requests and its mean sizes by meter."""

    name: str
    share: Figure
    tokens: Mapping[str, Figure]
    cacheable: Figure | None


class Traffic(NamedTuple):
    """The workload as figures: its classes, its load levels and what turns volume into requests."""

    classes: Mapping[str, Class]
    levels: tuple[Level, ...]
    load: Figure
    """The profile, by the share of the day's requests in its busiest hour."""
    days_per_month: Figure

    @property
    def mean_tokens(self) -> Fraction:
        """Input + output tokens of the mean request."""
        return sum(
            (c.share.value * (c.tokens["input"].value + c.tokens["output"].value) for c in self.classes.values()),
            Fraction(0),
        )

    def demand(self, n: Numbers) -> Demand:
        """The whole workload, as requests per hour of each class at each load level."""
        classes = self.classes.values()
        mean = sum(n(c.share) * (n(c.tokens["input"]) + n(c.tokens["output"])) for c in classes)
        return Demand(
            self,
            {
                c.name: {
                    i: linear(0, (n(c.share) * n(level.share_of_day) / mean, VOLUME))
                    for i, level in enumerate(self.levels)
                    if level.share_of_day
                }
                for c in classes
                if c.share.value
            },
            {c.name: self._inputs(c) for c in classes if c.share.value},
        )

    def _inputs(self, of: Class) -> tuple[Figure, ...]:
        """What makes the requests of a class out of a volume: its share, and what the mean request is made of."""
        others = [c for c in self.classes.values() if c is not of]
        figures: list[Figure] = []
        for c in (of, *others):
            figures += [c.share] if others else []
            figures += [c.tokens[k] for k in ("input", "output") if c.share.value and not c.tokens[k].home.is_default]
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

    def requests_per_month(self, name: str, n: Numbers) -> Quantity:
        """Requests a month of one class."""
        days = n(self.traffic.days_per_month)
        return linear(0, *((self.traffic.levels[i].hours_per_day * days, q) for i, q in self.flows[name].items()))

    def load(self, level: int, seconds: Mapping[str, Number]) -> Quantity | None:
        """Busy replicas in an hour of this level, from replica-seconds per request; None where there is none."""
        terms = [(seconds[c] / 3600, f[level]) for c, f in self.flows.items() if level in f]
        return linear(0, *terms) if terms else None


def levels(shares: tuple[Fraction, ...]) -> tuple[Level, ...]:
    """Equal hours merged, heaviest first: 24 hours of a usual profile make far fewer levels."""
    counts: dict[Fraction, int] = {}
    for s in shares:
        counts[s] = counts.get(s, 0) + 1
    return tuple(Level(count, share) for share, count in sorted(counts.items(), reverse=True))


def traffic(workload: Workload, days_per_month: Figure, home: Mapping[str, Home]) -> Traffic:
    """The workload's figures. `home` maps `class.key` to where the scenario states it."""
    specs: dict[str, RequestClass | Workload] = dict(workload.classes or {REQUEST: workload})
    shares = (
        whole_shares({k: c.share for k, c in workload.classes.items()}) if workload.classes else {REQUEST: Fraction(1)}
    )
    default = Home("default")

    def one(name: str, spec: RequestClass | Workload) -> Class:
        tokens = {
            key.removesuffix("_tokens"): Figure(
                f"{name}: {key}",
                getattr(spec, key) or Fraction(0),
                "tokens/request",
                home.get(f"{name}.{key}", default),
            )
            for key in type(spec).model_fields
            if key.endswith("_tokens") and key != "cacheable_input_tokens"
        }
        cacheable = spec.cacheable_input_tokens
        return Class(
            name,
            Figure(f"{name}: share", shares[name], "of requests", home.get(f"{name}.share", default)),
            tokens,
            None
            if cacheable is None
            else Figure(
                f"{name}: cacheable_input_tokens",
                cacheable,
                "tokens/request",
                home.get(f"{name}.cacheable_input_tokens", default),
            ),
        )

    hours = workload.load.shares() if workload.load != "flat" else (Fraction(1, 24),) * 24
    key = next((k for k in ("by_hour", "peak_hour_share") if f"{REQUEST}.load.{k}" in home), "")
    where = home.get(f"{REQUEST}.load.{key}", home.get(f"{REQUEST}.load", default))
    load = Figure("load in the busiest hour", max(hours), "of a day's requests", where)
    return Traffic({name: one(name, spec) for name, spec in specs.items()}, levels(hours), load, days_per_month)
