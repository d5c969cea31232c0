"""Routing, cascade and response cache over other options. A hybrid hands its demand on; it prices no tokens itself.

The order is fixed: the response cache removes its hits, then routes or a cascade divide what is left; a fleet takes
up to its capacity and what overflows goes to a named option.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from tco import units
from tco.document import did_you_mean
from tco.fields import Name, Parsed, no_keys
from tco.lineitem import Figure, LineItem
from tco.options.base import At, Context, OptionSpec, Unusable, fixed_lines
from tco.ranges import is_range, parse_range
from tco.units import UnitError
from tco.workload.demand import Demand, Share
from tco.workload.model import REST, shares_problem


def _by_class(value: Any, rest: bool) -> Fraction | str | dict[str, Fraction | str]:
    def one(v: Any) -> Fraction | str:
        if is_range(v):
            return parse_range(v, units.parse_share, most=1)
        return REST if rest and v == REST else units.parse_share(v)

    if isinstance(value, dict) and not is_range(value):
        return {str(k): one(v) for k, v in value.items()}
    return one(value)


_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": ["number", "string"]},
        {"type": "object", "additionalProperties": {"type": ["number", "string", "object"]}},
    ],
    "examples": ["70%", {"classify": "100%"}],
}
Route = Annotated[
    Fraction | str | dict[str, Fraction | str],
    Parsed(lambda v: _by_class(v, rest=True), _SCHEMA),
]
ByClass = Annotated[Fraction | dict[str, Fraction], Parsed(lambda v: _by_class(v, rest=False), _SCHEMA)]


class Spec(OptionSpec):
    """Other options behind a router."""

    kind: Literal["hybrid"]
    response_cache: ByClass | None = Field(None, description="share of requests answered from a cache of answers")
    routes: dict[Name, Route] | None = Field(
        None, min_length=1, description="options and their share of the requests, in all or by class; `rest` for one"
    )
    cascade: list[Name] | None = Field(
        None, min_length=2, max_length=2, description="first option, then the stronger one"
    )
    escalate: ByClass | None = Field(None, description="share of requests that the cascade asks a second time")
    overflow: dict[Name, Name] = Field(
        default_factory=no_keys, description="a fleet that can be full: where the rest goes"
    )

    @model_validator(mode="after")
    def _one_way(self) -> Spec:
        if (self.routes is None) == (self.cascade is None):
            whole = next(iter(self.overflow), "")
            beside = f"; beside `overflow`, `routes: {{{whole}: 100%}}`" if whole and self.routes is None else ""
            raise UnitError(None, f"one of `routes` and `cascade`{beside}", "")
        if (self.cascade is None) != (self.escalate is None):
            raise UnitError(None, "`escalate` beside `cascade`", "")
        return self

    def targets(self) -> dict[str, tuple[str | int, ...]]:
        """Every option this one names, and the key that names it."""
        named: dict[str, tuple[str | int, ...]] = {name: ("routes", name) for name in self.routes or ()}
        named |= {name: ("cascade", i) for i, name in enumerate(self.cascade or ())}
        for fleet, target in self.overflow.items():
            named |= {fleet: ("overflow", fleet)} if fleet not in named else {}
            named |= {target: ("overflow", fleet)} if target not in named else {}
        return named


class Routed(NamedTuple):
    """A demand handed on: to whom, and what the hybrid itself costs."""

    demands: tuple[tuple[str, Demand], ...]
    overflow: Mapping[str, str]
    lines: tuple[LineItem, ...]


def route(spec: Spec, at: At, demand: Demand, context: Context) -> Routed:
    """The demand of each option behind this one; `Unusable` when shares do not make a whole or name no class."""
    n = context.n
    classes = list(demand.traffic.classes)
    if spec.response_cache is not None:
        hits = _figures(spec.response_cache, classes, at, "response_cache")
        sure = {c for c, f in hits.items() if f.value == 1 and not f.uncertain}
        misses = {c: n(1) - n(hits[c]) if c in hits else n(1) for c in classes if c not in sure}
        demand = demand.part(misses, {c: (f,) for c, f in hits.items()})
    if spec.routes is not None:
        demands = tuple(
            (
                name,
                demand.part({c: s.number(n) for c, s in shares.items()}, {c: s.inputs for c, s in shares.items()}),
            )
            for name, shares in _routed(spec.routes, classes, at).items()
        )
    else:
        assert spec.cascade is not None and spec.escalate is not None
        first, second = spec.cascade
        asked_again = {c: f for c, f in _figures(spec.escalate, classes, at, "escalate").items() if f.value}
        escalated = demand.part({c: n(f) for c, f in asked_again.items()}, {c: (f,) for c, f in asked_again.items()})
        demands = ((first, demand), (second, escalated))
    return Routed(demands, spec.overflow, fixed_lines(at, context))


def _figures(given: Any, classes: list[str], at: At, *steps: str) -> dict[str, Figure]:
    """The figure of each class that a share is stated for; one share alone holds for all."""
    name = " ".join(steps)

    def figure(share: Fraction, *key: str) -> Figure:
        return Figure(name, share, "of requests", at.home(*steps, *key))

    if isinstance(given, Mapping):
        _known_classes(given, classes, at, *steps)
        return {c: figure(s, c) for c, s in given.items() if isinstance(s, Fraction)}
    return dict.fromkeys(classes, figure(given)) if isinstance(given, Fraction) else {}


def _known_classes(given: Mapping[str, object], classes: list[str], at: At, *steps: str) -> None:
    unknown = [c for c in given if c not in classes]
    if unknown:
        raise Unusable(
            *(
                at.fault(
                    f"no request class `{c}`",
                    *steps,
                    c,
                    expected="one of " + ", ".join(classes),
                    hint=did_you_mean(c, classes),
                )
                for c in unknown
            )
        )


def _routed(
    routes: Mapping[str, Fraction | str | Mapping[str, Fraction | str]], classes: list[str], at: At
) -> dict[str, dict[str, Share]]:
    """The share of each class that each route gets; every class is routed in full, and a share of none is left out."""
    stated = {name: _figures(given, classes, at, "routes", name) for name, given in routes.items()}
    result: dict[str, dict[str, Share]] = {name: {} for name in routes}
    for c in classes:
        of_class: dict[str, Fraction | str] = {}
        for name, given in routes.items():
            share = given.get(c) if isinstance(given, Mapping) else given
            if share is not None:
                of_class[name] = share
        problem = shares_problem(of_class)
        if problem is not None:
            whose = f" of class {c}" if len(classes) > 1 else ""
            raise Unusable(at.fault(f"the routes{whose} do not make a whole", "routes", expected=problem))
        figures = tuple(f for of in stated.values() for k, f in of.items() if k == c)
        left = 1 - sum((f.value for f in figures), Fraction(0))
        for name in of_class:
            if c in stated[name]:
                share_of = Share(stated[name][c], None, figures if len(figures) == len(of_class) else ())
            else:
                share_of = Share(Figure(f"routes {name}", left, "of requests", at.home("routes", name)), figures, ())
            if share_of.present:
                result[name][c] = share_of
    return result
