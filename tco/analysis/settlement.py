"""What is not paid month by month: commitments that a year settles, and what is paid in lumps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tco.analysis.flows import added
from tco.analysis.months import Months
from tco.calendar import MONTHS_PER_YEAR, Month
from tco.lineitem import Every
from tco.options.assembly import Assembled
from tco.quantity import Array, Number
from tco.trends import rows


def settle(months: Months, options: Sequence[Assembled]) -> None:
    """What counts towards a yearly commitment counts over the year, and its months share the shortfall; of a year that
    the plan cuts short, its part. From here on the lines of a commitment see what the year decides."""
    for part, place in ((p, i) for p, one in enumerate(options[0].parts) for i in range(len(one.bill.yearly))):
        terms = [option.parts[part].bill.yearly[place] for option in options]
        spend = months.spread([y.spend.value(point) for y, point in zip(terms, months.points, strict=True)])
        promised = months.spread([y.promised for y in terms])
        spend, promised = (np.asarray(a) for a in np.broadcast_arrays(spend, promised))
        used, short = [], []
        for year in _years(months):
            whole = added(promised[i] for i in year)
            so_far = spend[0] * 0
            for i in year:
                before, so_far = np.minimum(so_far, whole), so_far + spend[i]
                used.append(np.minimum(so_far, whole) - before)
            short += [(whole - np.minimum(so_far, whole)) / len(year)] * len(year)
        drawn = {"used": rows(used, months.exact), "shortfall": rows(short, months.exact)}
        drawn["beyond"] = spend - drawn["used"]
        for era, y in enumerate(terms):
            for key, values in drawn.items():
                if getattr(y, key) is not None:
                    months.hold(era, getattr(y, key), values)


def at_the_end_of_years(months: Months, cost: Array) -> Array:
    """What the months of a year bear, in the last of them."""
    found: list[Number] = []
    for year in _years(months):
        found += [cost[0] * 0] * (len(year) - 1) + [sum((cost[i] for i in year), cost[0] * 0)]
    return rows(found, months.exact)


def _years(months: Months) -> Iterator[range]:
    """The places of each year's months, from the first month on; the last may be cut short."""
    for first in range(0, len(months), MONTHS_PER_YEAR):
        yield range(first, min(first + MONTHS_PER_YEAR, len(months)))


def times(months: Months, timing: Every) -> Array:
    """How often a lump is paid in each month: once every so many months, the first time when it is due."""
    due: Number = timing.months
    if timing.first is not None:
        due = months.inner(months.timeline.month_of(Month.of(timing.first)) + 1)

    def paid_by(month: int) -> Number:
        """How often by a month's end."""
        return np.maximum(np.floor((months.inner(month) - due) / timing.months) + months.inner(1), months.inner(0))

    return rows([paid_by(m) - paid_by(m - 1) for m in range(1, len(months) + 1)], months.exact)
