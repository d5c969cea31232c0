"""What is bought over the months of a plan: when, what is there, when it is replaced, and what is left at the end."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from tco.analysis.flows import Key, Line, added
from tco.analysis.months import Months
from tco.options.assembly import Assembled
from tco.quantity import Array, Number
from tco.trends import rows

HARDWARE = "hardware"


class Owned(NamedTuple):
    """Units over time, and what they fetch. Column 0 is before the first month; month t is column t."""

    held: Array
    """In each month: (month,), or (month, draw)."""
    bought: Array
    """At each column: (month + 1, ...)."""
    fetched: Array
    """Money at each column for those whose life is over, each for the residual of the column it was bought at."""
    left: Array
    """Those whose life has not ended with the plan, by the column they were bought at."""


def owned(needed: Array, life_months: Number, residual: Array) -> Owned:
    """Buy what a month needs at the end of the month before it, keep it for its life, replace it if it is still needed.

    needed: units a month, (month,) of `Fraction` or (month, draw). life_months: a number, or one a draw. residual: what
    one that is bought at a column fetches at the end of its life, (month + 1, ...). A unit bought at column c serves
    from month c + 1 on, in every month that begins before its life is over.
    """
    if not isinstance(life_months, np.ndarray):
        return _with_life(needed, ceil(life_months), residual)
    by_draw = np.ceil(life_months).astype(int)
    lives = sorted(set(by_draw.tolist()))  # a set: `np.unique` would load all of numpy.ma
    if len(lives) == 1:
        return _with_life(needed, lives[0], residual)
    months, draws = len(needed), len(by_draw)
    needed, residual = (np.broadcast_to(array, (len(array), draws)) for array in (needed, residual))
    whole = Owned(np.empty((months, draws)), *(np.empty((months + 1, draws)) for _ in range(3)))
    for life in lives:  # each for its own draws: of all lives at once there would be too much to hold
        own = by_draw == life
        for out, values in zip(whole, _with_life(needed[:, own], life, residual[:, own]), strict=True):
            out[:, own] = values
    return whole


def _with_life(needed: Array, life: int, residual: Array) -> Owned:
    """The same for units that all last so many whole months."""
    months = len(needed)
    nothing = needed[0] * 0
    bought, fetched, held = [nothing] * (months + 1), [nothing] * (months + 1), []
    there = nothing
    for month in range(1, months + 1):
        ended = month - 1 - life
        if ended >= 0:
            there = there - bought[ended]
        more = np.maximum(needed[month - 1] - there, nothing)
        bought[month - 1] = more
        there = there + more
        held.append(there)
    for column in range(months + 1 - life):
        fetched[column + life] = bought[column] * residual[column]
    left = [nothing if column + life <= months else bought[column] for column in range(months + 1)]
    return Owned(*(rows(values, needed.dtype == object) for values in (held, bought, fetched, left)))


def bought(months: Months, options: Sequence[Assembled]) -> list[Line]:
    """Purchases, what they fetch at the end of their life, and what they are worth at the end of the plan. From here on
    what rests on the number of servers sees those that are there."""
    lines = []
    for part, place in ((p, i) for p, found in enumerate(options[0].parts) for i in range(len(found.bill.stocks))):
        stocks = [option.parts[part].bill.stocks[place] for option in options]
        first, leaf = stocks[0], options[0].parts[part].leaf
        needed = months.spread([s.units.value(point) for s, point in zip(stocks, months.points, strict=True)])
        price, left = (months.spread([getattr(s, key) for s in stocks]) for key in ("price", "left"))
        # bought for the month that follows; the last column buys nothing
        paid, residual = (np.concatenate([array, array[-1:]]) for array in (price, left))
        life = first.life_months
        stock = owned(needed, life, residual)
        for era, s in enumerate(stocks):
            months.hold(era, s.units, stock.held)
        inputs = tuple(dict.fromkeys(f for s in stocks for f in s.inputs))
        part_name = "" if leaf == options[0].name else leaf
        ages = rows([months.inner(len(months) - column) for column in range(len(months) + 1)], months.exact)
        worth = (paid - (paid - residual) * ages / life) * stock.left
        end = rows([*(worth[0] * 0 for _ in range(len(months))), -added(worth)], months.exact)
        for label, amounts in (
            (f"{first.label}: bought", stock.bought * paid),
            (f"{first.label}: sold", -stock.fetched),
            (f"{first.label}: worth at the end", end),
        ):
            if np.any(amounts != 0):
                lines.append(Line(Key(part_name, HARDWARE, label, True), None, amounts, inputs))
    return lines
