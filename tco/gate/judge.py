"""The comparison itself: amounts held against limits in rational arithmetic.

Money is what is billed, of whole cents. A limit per unit holds the unrounded amount, as amount <= limit x units: no
cent decides it, and no quotient is rounded. Exactly at a limit is within it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

import numpy as np

from tco.analysis.ledger import cents
from tco.gate.finding import Status
from tco.quantity import Array

DIGITS = 12
"""Of a drawn cost per unit: draws are floats, and a price of 0.004 must not end above a limit of 0.004."""


class Measured(NamedTuple):
    """What a budget looks at, today or in one month."""

    amount: Fraction | None
    """Money, of whole cents unless the limit is per unit; None where the option cannot serve."""
    base: Fraction
    """What the limit is per, above 0: 1 for money a month, so many requests or 1M tokens, a reference's cost."""
    reason: str = ""
    """Why it cannot serve."""

    @property
    def figure(self) -> Fraction | None:
        """In the limit's unit."""
        return None if self.amount is None else self.amount / self.base

    def over(self, level: Fraction) -> bool:
        """Whether it is above a level; what cannot be served is above every level."""
        return self.amount is None or self.amount > level * self.base


class Judged(NamedTuple):
    """A budget held against what was measured."""

    status: Status
    highest: int
    """The place of the highest figure; of the first that cannot be served where none can."""
    first: int | None
    """The first place above the limit."""


def judge(
    measured: Sequence[Measured], limit: Fraction, warn: Fraction | None = None, failing: int | None = None
) -> Judged:
    """Hold every place against a limit.

    failing: how many places from the first on a crossing is a failure in; None: in all of them.
    """
    able = [i for i, m in enumerate(measured) if m.amount is not None]
    highest = max(able, key=lambda i: (_figure(measured[i]), -i), default=0)
    first = next((i for i, m in enumerate(measured) if m.over(limit)), None)
    status: Status = "within"
    if first is not None and (failing is None or first < failing):
        status = "violated" if measured[first].amount is None else "crossed"
    elif first is not None:
        status = "allowed"
    elif warn is not None and any(m.over(warn) for m in measured):
        status = "warned"
    return Judged(status, highest, first)


def _figure(m: Measured) -> Fraction:
    assert m.figure is not None
    return m.figure


def percentile(
    amounts: Array, bases: Array, share: Fraction, per_unit: bool = False
) -> tuple[Fraction | None, Fraction]:
    """The draw at a percentile of amount / base: its amount, rounded to the cent, and its base.

    per_unit: the quotient is rounded in place of the amount, to `DIGITS`.

    amounts, bases: (draw,), inf where the option cannot serve. The draw is one that exists (`inverted_cdf`), the first
    of those with a figure that so large a share of the draws do not exceed; None for an amount of inf.
    """
    order = np.argsort(amounts / bases, kind="stable")
    place = order[max(ceil(share * len(order)) - 1, 0)]
    amount, base = float(amounts[place]), Fraction(float(bases[place]))
    if amount == float("inf"):
        return None, base
    if per_unit:
        return Fraction(f"{amount / float(base):.{DIGITS - 1}e}") * base, base
    return Fraction(cents(Fraction(amount))), base
