"""The variants of a scenario beside it: who is cheapest in each, and where that changes."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tco.analysis.case import Case, build_case
from tco.analysis.compare import Comparison, compare
from tco.analysis.crossings import Crossing
from tco.draws import DRAWS, SEED
from tco.scenario.variant import with_variant


class VariantResult(NamedTuple):
    """One variant in short."""

    name: str
    leader: str
    cost: Decimal | None
    neighbours: tuple[Crossing, ...]
    comparison: Comparison


def variants(case: Case, draws: int = DRAWS, seed: int = SEED, today: date | None = None) -> list[VariantResult]:
    """Every variant of a case that is not itself one, compared."""
    if case.variant is not None:
        return []
    return [
        _short(name, compare(build_case(with_variant(case.document, name), name, today), draws, seed))
        for name in case.scenario.variants
    ]


def _short(name: str, c: Comparison) -> VariantResult:
    r = c.recommendation
    if r.option is None:
        return VariantResult(name, "none feasible", None, tuple(c.neighbours), c)
    leader = f"{r.option} (too close to call)" if r.too_close else r.option
    return VariantResult(name, leader, c.standing(r.option).ledger.total, tuple(c.neighbours), c)
