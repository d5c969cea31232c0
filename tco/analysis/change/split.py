"""What an option costs before and after, and how much of the change each cause adds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tco.analysis.change.record import Measure, Part
from tco.analysis.change.shapley import Block, finest, in_cents, shapley

Cost = Callable[[frozenset[str]], Fraction | None]
"""What an option would cost with these causes changed; None where that cannot be said."""


class Amount(NamedTuple):
    """Money: the sum of rounded lines, and that of the unrounded ones."""

    rounded: Decimal
    exact: Fraction


def measured(before: Amount | None, after: Amount | None, causes: tuple[str, ...], cost: Cost | None) -> Measure:
    """An option before and after, split where it is there on both sides. cost: None where no split is asked for."""
    exact = tuple(Fraction(0) if side is None else side.exact for side in (before, after))
    rounded = [None if side is None else side.rounded for side in (before, after)]
    found = Measure(rounded[0], rounded[1], (exact[0], exact[1]))
    if before is None or after is None:
        return found
    if cost is None:
        return found._replace(split=False)
    parts = split(before.exact, after.exact, causes, cost)
    amounts = in_cents(parts, found.amount)
    told = tuple(Part(block, part, amounts[block]) for block, part in parts.items() if part or amounts[block])
    return found._replace(parts=told)


def split(before: Fraction, after: Fraction, causes: tuple[str, ...], cost: Cost) -> dict[Block, Fraction]:
    """What each cause adds to the cost of an option, exact; causes that only fit together are one."""
    ends = {frozenset[str](): before, frozenset(causes): after}

    def of(changed: frozenset[str]) -> Fraction | None:
        return ends[changed] if changed in ends else cost(changed)

    def of_blocks(chosen: frozenset[Block]) -> Fraction:
        amount = of(frozenset(cause for block in chosen for cause in block))
        assert amount is not None, "a grouping is found among those that can be priced"
        return amount

    return shapley(finest(causes, lambda changed: of(changed) is not None), of_blocks)
