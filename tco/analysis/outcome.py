"""What a plan comes to: the option to choose, how sure that is, when options serve, why a rate is not defined."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tco.analysis.plan import Plan, Prospect
from tco.analysis.uncertainty import HIGH, LOW, Spread
from tco.quantity import Array


class Choice(NamedTuple):
    """Of the options that can serve every month, the one that pays least at present value, and the next."""

    option: str | None
    runner_up: str | None
    margin: Fraction
    """How far apart they are, as a share of the next one's present value."""
    too_close: bool
    probability: float | None
    """Share of draws in which it can serve every month and pays least; None where nothing is drawn."""
    cheaper: tuple[str, ...]
    """Options that would pay less and cannot serve every month."""


def choice(plan: Plan) -> Choice:
    """The decision over the whole plan. Too close to call: a margin or a share of draws under the scenario's."""
    cheaper = [plan.prospect(name) for name in plan.candidates if name != plan.best]
    if plan.best is None:
        return Choice(None, None, Fraction(0), False, None, ())
    best, sure = plan.prospect(plan.best), probability(plan)
    unsure = sure is not None and sure < float(plan.sure_enough)
    others = [p for p in cheaper if serves_throughout(p)]  # of which the best one is the cheapest
    barred = tuple(p.name for p in sorted(cheaper, key=_npv) if p.npv < best.npv)
    if not others:
        return Choice(best.name, None, Fraction(1), unsure, sure, barred)
    second = min(others, key=_npv)
    dearer = Fraction(second.npv)
    margin = (dearer - Fraction(best.npv)) / dearer if dearer > 0 else Fraction(0)
    close = margin < plan.too_close_to_call or not margin
    return Choice(best.name, second.name, margin, close or unsure, sure, barred)


def _npv(p: Prospect) -> float:
    return p.npv


def serves_throughout(p: Prospect) -> bool:
    """Whether it can serve in every month."""
    return all(map(p.feasible, range(len(p.over))))


def share_serving(p: Prospect) -> float | None:
    """The share of draws in which it can serve in every month; None where nothing is drawn."""
    return None if p.outlook is None else float(p.outlook.able.all(axis=0).mean())


def probability(plan: Plan) -> float | None:
    """The share of draws in which the best option can serve every month and pays least; None where nothing is drawn."""
    if plan.best is None:
        return None
    values: dict[str, Array] = {}
    for name in plan.candidates:
        outlook = plan.prospect(name).outlook
        if outlook is None:
            return None
        values[name] = np.where(outlook.able.all(axis=0), outlook.npv, np.inf)
    least = np.min(np.stack(list(values.values())), axis=0)
    return float(np.mean(np.isfinite(values[plan.best]) & (values[plan.best] <= least)))


def total_spread(p: Prospect) -> Spread | None:
    """P10 and P90 of all that an option pays; None where nothing is drawn."""
    if p.outlook is None:
        return None
    totals = p.outlook.paid.sum(axis=0)
    return Spread(*(float(p.outlook.percentile(totals, share)) for share in (LOW, HIGH)))


class Span(NamedTuple):
    """Months in a row: the places of the first and the last one, from 0."""

    first: int
    last: int


def spans(places: list[int]) -> Iterator[Span]:
    """Places in ascending order as spans."""
    start = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] != places[i - 1] + 1:
            yield Span(places[start], places[i - 1])
            start = i


def unable(p: Prospect) -> dict[str, tuple[Span, ...]]:
    """What keeps an option from serving, and when; a requirement that it fails holds in every month."""
    if p.ruled_out is not None:
        return {p.ruled_out: (Span(0, len(p.over) - 1),)}
    reasons = dict.fromkeys(reason for month in p.over for reason in month)
    return {r: tuple(spans([i for i, month in enumerate(p.over) if r in month])) for r in reasons}


def serving(p: Prospect) -> tuple[Span, ...]:
    """The months in which an option can serve."""
    return tuple(spans([i for i in range(len(p.over)) if p.feasible(i)]))


def drawn_to(p: Prospect) -> int:
    """The last column that a chart has of an option: what it pays once it is full for good would make it look cheap."""
    return max((i + 1 for i, reasons in enumerate(p.over) if not reasons), default=0)


def pays_back_at(p: Prospect) -> float | None:
    """Months after which a chart marks that an option has paid back; None where it has not, or has from the start."""
    if p.payback is None or not 0 < p.payback.interpolated <= drawn_to(p):
        return None
    return p.payback.interpolated


def only_with_its_worth(plan: Plan, p: Prospect) -> bool:
    """Whether an option has paid back in the last month alone, by what its hardware is worth at the end of the plan."""
    if p.payback is None or plan.current is None or p.payback.month != len(plan.months):
        return False
    return p.cumulative[-1] - p.capex[-1] >= plan.prospect(plan.current).cumulative[-1]


def no_rate(plan: Plan, p: Prospect) -> str | None:
    """Why an option has no internal rate of return; None where it has one."""
    if p.irr is not None:
        return None
    if plan.current is None:
        return "no `current` to save against"
    if p.name == plan.current:
        return "it is what runs today"
    saved = [before - after for before, after in zip(plan.prospect(plan.current).paid, p.paid, strict=True)]
    flows = [amount for amount in saved if amount != Decimal(0)]
    if not flows:
        return f"it pays what {plan.current} pays"
    if flows[0] > 0:
        return "nothing is put in first"
    if max(flows) < 0:
        return "it saves in no month"
    return "savings and costs alternate: no rate is the only one"
