"""People: a fraction of a post, for an option as a whole or for every so many GPUs of its fleets together."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from tco.lineitem import Figure, LineItem, Trend
from tco.options.base import At, Context, People, Unusable
from tco.quantity import Part, Quantity, Steps, linear
from tco.ranges import Range

PAY = Trend("pay")


class Staffed(NamedTuple):
    """An option that needs people, and the GPUs they look after at the peak."""

    at: At
    gpus: Quantity | None
    inputs: tuple[Figure, ...]


def people_lines(needs: Sequence[Staffed], context: Context) -> list[tuple[str, LineItem]]:
    """A line for each that needs people, by the option it belongs to. Those who look after so many GPUs each, at the
    same cost, are one team: its GPUs are added before they are rounded up."""
    lines: list[tuple[str, LineItem]] = []
    teams: dict[tuple[object, ...], list[Staffed]] = {}
    for need in needs:
        spec: People = need.at.spec.people
        if spec.per_gpus is None:
            lines.append((need.at.name, _line(need, linear(context.n(_fte(need.at))), (), context)))
            continue
        terms = (spec.fte, spec.per_gpus, spec.at_least, spec.role, spec.cost)
        # ranges are equal by their points, and stated apart they are drawn apart
        uncertain = _fte(need.at).uncertain or isinstance(spec.at_least, Range) or _range_of_cost(spec)
        team = (*terms, need.at.name if uncertain else "")
        teams.setdefault(team, []).append(need)
    for members in teams.values():
        first = members[0]
        with_gpus = [m for m in members if m.gpus is not None]
        if not with_gpus:
            where = "people", "per_gpus"
            raise Unusable(first.at.fault("no GPUs are known of that people could look after", *where))
        gpus = linear(0, *((1, m.gpus) for m in with_gpus if m.gpus is not None))
        inputs = tuple(f for m in members for f in m.inputs)
        lines.append((first.at.name, _line(first, _per_gpus(first.at, gpus, context), inputs, context)))
    return lines


def _range_of_cost(spec: People) -> bool:
    return spec.cost is not None and isinstance(spec.cost.amount, Range)


def _fte(at: At) -> Figure:
    return Figure("fte", at.spec.people.fte, "FTE", at.home("people", "fte"))


def _per_gpus(at: At, gpus: Quantity, context: Context) -> Quantity:
    n, spec = context.n, at.spec.people
    each = Figure("per_gpus", Fraction(spec.per_gpus), "GPUs", at.home("people", "per_gpus"))
    posts = Steps(gpus, n(each)).times(n(_fte(at)))
    if spec.at_least is None:
        return posts
    least = n(Figure("at_least", spec.at_least, "FTE", at.home("people", "at_least")))
    return linear(least, (1, Part(posts, least)))


def _line(need: Staffed, quantity: Quantity, inputs: tuple[Figure, ...], context: Context) -> LineItem:
    at, spec = need.at, need.at.spec.people
    if spec.role is not None:
        found = context.find(at, "people", spec.role, "people", "role")
        person = found.spec
        context.paper(at.name, found, person)
        year = found.figure("per_year", person.per_year, f"{found.currency}/year", person, "per_year")._replace(
            trend=PAY
        )
        loading = found.figure("loading", person.loading, "", person, "loading")
        loaded = year if loading.value == 1 and not loading.uncertain else year.times(loading)
        rate = context.converted(at, loaded, found.currency, "people", "role")
        monthly = context.per_month(rate, "year")
    else:
        monthly = context.monthly(at, "cost of a full-time post", spec.cost, "people", "cost", trend=PAY)
    stated = [_fte(at)]
    for key, unit in (("per_gpus", "GPUs"), ("at_least", "FTE")):
        if getattr(spec, key) is not None:
            stated.append(Figure(key, Fraction(getattr(spec, key)), unit, at.home("people", key)))
    return LineItem("people", "people", quantity, "FTE", context.n(monthly), (*stated, *inputs, *monthly.base))
