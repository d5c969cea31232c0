"""A plan as CSV for finance: every line of every month, as it is paid and as it costs. Nothing in a cell runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tco.analysis.plan import Plan, Prospect, Series
from tco.report.csv import as_csv
from tco.report.plan_sheets import before
from tco.report.words import significant

COLUMNS = (
    "option",
    "kind",
    "view",
    "part",
    "category",
    "line",
    "capital",
    "column",
    "month",
    "tokens_per_day",
    "currency",
    "amount",
    "feasible",
)
PAID, COST = "paid", "cost"


def plan_csv(plan: Plan) -> str:
    """A row for each line of each option at each column, 0 before the first month; `view` is paid, or cost.

    The amounts of one view of an option sum to its total of that view. Sources of the figures are in the JSON.
    """

    def rows() -> Iterable[Sequence[str]]:
        months = [before(plan), *map(str, plan.months)]
        volumes = ["", *(significant(v, 12).replace(",", "") for v in plan.volumes)]
        for p in plan.prospects:
            able = ["", *("yes" if p.feasible(i) else "no" for i in range(len(plan.months)))]
            for view, series in _series(p):
                first = 0 if view == PAID else 1  # a month's cost has no column before the first month
                for i, amount in enumerate(series.amounts, start=first):
                    yield (
                        p.name,
                        p.kind,
                        view,
                        series.key.part,
                        series.key.category,
                        series.key.label,
                        "yes" if series.key.capital else "no",
                        str(i),
                        months[i],
                        volumes[i],
                        plan.currency,
                        f"{amount:.2f}",
                        able[i],
                    )

    return as_csv(COLUMNS, rows())


def _series(p: Prospect) -> Iterable[tuple[str, Series]]:
    yield from ((PAID, s) for s in p.payments)
    yield from ((COST, s) for s in p.costs)
