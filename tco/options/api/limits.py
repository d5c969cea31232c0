"""What an API allows a minute, against the peak minute; and how close requests must follow for a cache to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from pydantic import Field, model_validator

from tco.fields import Factor, Model, Positive
from tco.lineitem import Figure, Floor, Limit, Numbers
from tco.options.base import At, Context, class_figures, grossed_up, overheads
from tco.options.usage import call_usage
from tco.quantity import Linear, Number, Quantity, linear
from tco.units import UnitError, format_tokens
from tco.workload.demand import Class, Demand

MINUTES_PER_HOUR = 60
TTL_SECONDS = {"5m": 300, "1h": 3600}
_COUNTED = {
    "requests_per_minute": (),
    "tokens_per_minute": ("input", "output"),
    "input_tokens_per_minute": ("input",),
    "output_tokens_per_minute": ("output",),
}
"""What each limit counts: model calls, or tokens on these sides."""


class RateLimit(Model):
    """What a provider allows a minute: model calls and tokens, batched ones not counted."""

    requests_per_minute: Positive | None = Field(None, description="model calls, those refused counted")
    tokens_per_minute: Positive | None = Field(None, description="input + output tokens, cached and reasoning included")
    input_tokens_per_minute: Positive | None = Field(None, description="input tokens, cached included")
    output_tokens_per_minute: Positive | None = Field(None, description="output tokens, reasoning included")
    refused: Factor = Field(
        Fraction(0), description="calls refused unbilled (429, 5xx) and sent again, per served request: load, no cost"
    )
    hard: bool = Field(False, description="true: beyond it the option cannot serve the load; false: a warning")

    @model_validator(mode="after")
    def _some(self) -> RateLimit:
        if all(getattr(self, key) is None for key in _COUNTED):
            raise UnitError(None, "`requests_per_minute` or `tokens_per_minute`", "")
        return self


def rate_limits(at: At, demand: Demand, unbatched: Mapping[str, Number], context: Context) -> tuple[Limit, ...]:
    """The limits on the peak minute: the busiest hour's calls / 60 x burst x (1 + overhead + refused).

    `unbatched` is the share of each class's requests that is not sent as a batch.
    """
    spec: RateLimit | None = at.spec.rate_limit
    if spec is None:
        return ()
    n = context.n
    load = grossed_up(overheads(at, context), n)
    if spec.refused:
        load = load + n(Figure("refused", spec.refused, "of served requests", at.home("rate_limit", "refused")))
    scale = load * n(context.burst) / MINUTES_PER_HOUR
    limits: list[Limit] = []
    for key, sides in _COUNTED.items():
        if getattr(spec, key) is None:
            continue
        unit = key.removesuffix("_per_minute").replace("_", " ") + "/minute"
        most = Figure(key, getattr(spec, key), unit, at.home("rate_limit", key))
        each = {c.name: _each(c, at, sides, n) * unbatched[c.name] * scale for c in class_figures(demand)}
        reason = f"the rate limit is {format_tokens(Fraction(most.value), 6)} {unit}"
        limits += [Limit(q, n(most), reason, unit) for q in _busiest(demand, each)]
    return tuple(limits)


def _each(c: Class, at: At, sides: Sequence[str], n: Numbers) -> Number:
    """Model calls of one request, or its tokens on these sides."""
    if not sides:
        return sum((call.times(n) for call in c.calls), n(0))
    return sum((times * counts[side] for times, counts in call_usage(c, at, n) for side in sides), n(0))


def _busiest(demand: Demand, each: Mapping[str, Number]) -> list[Quantity]:
    """The load of each hour that may be the busiest at some volume, in some draw."""
    loads = []
    for i in range(len(demand.traffic.levels)):
        load = linear(0, *((each[c], flows[i]) for c, flows in demand.flows.items() if i in flows))
        if load.terms:
            loads.append(load)
    if len({id(basis) for load in loads for _, basis in load.terms}) > 1:
        return list(loads)
    highest: list[Linear] = []
    for load in loads:  # multiples of one quantity: the largest multiple, draw by draw
        if not any(np.all(np.asarray(other.terms[0][0]) >= load.terms[0][0]) for other in highest):
            highest = [h for h in highest if np.any(np.asarray(h.terms[0][0]) > load.terms[0][0])]
            highest.append(load)
    return list(highest)


def cache_floors(at: At, demand: Demand, context: Context) -> tuple[Floor, ...]:
    """A prefix is still cached when the next request of its class comes within the time to live: requests of a class
    in that time, over the hours that have traffic, are at least one. Calls of one task follow each other at once."""
    if not at.spec.cache_hit_rate:
        return ()
    n, floors = context.n, []
    ttl = at.spec.cache_ttl
    for c in class_figures(demand):
        if c.cacheable is None or not c.cacheable.value or c.calls_per_request is not None:
            continue
        levels, flows = demand.traffic.levels, demand.flows[c.name]
        hours = sum((levels[i].hours_per_week for i in flows), Fraction(0))
        if not hours:
            continue
        share = n(TTL_SECONDS[ttl]) / n(3600 * hours)
        load = linear(0, *((share * n(levels[i].hours_per_week), q) for i, q in flows.items()))
        whose = f"{c.name}: " if len(demand.traffic.classes) > 1 else ""
        text = f"{whose}requests are further apart than the cache's time to live ({ttl}), so that few would be hits"
        floors.append(Floor(load, n(1), text))
    return tuple(floors)
