"""Budgets over months of options that are moved to: ranges in what the move costs, and leaves that run today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tco.analysis.case import Case, build_case
from tco.analysis.plan import plan
from tco.document import load_text
from tco.gate.costs import Books, Where

Build = Callable[[str], Case]

BASE = """
as_of: 2026-11-21
workload:
  volume: 30M tokens/day
  classes:
    chat: {share: 75%, input_tokens: 1000, output_tokens: 200}
    draft: {share: rest, input_tokens: 3000, output_tokens: 900}
current: api
projection: {months: 6}
options:
  api: {kind: api, price: {input: $3/1M tokens, output: $15/1M tokens}, candidate: false}
  own:
    kind: self_hosted
    gpu_price: $2/hour
    capacity: {requests_per_s: 5, input_tokens: 1000, output_tokens: 300}
    time_to_production: MONTHS
    margin_lost: MARGIN
  both: {kind: hybrid, routes: {own: 60%, api: rest}}
"""


@pytest.fixture
def build(tmp_path: Path) -> Build:
    def build(text: str) -> Case:
        return build_case(load_text(text, str(tmp_path / "scenario.yaml")), today=date(2026, 11, 21))

    return build


@pytest.mark.parametrize(
    ("months", "margin", "drawn"),
    [
        ("2 months", "$1k/month", False),
        ("{low: 1 month, high: 4 months}", "$1k/month", True),
        ("2 months", "{low: $1000/month, high: $9000/month}", True),
    ],
)
def test_a_percentile_sees_ranges_in_what_a_move_costs(build: Build, months: str, margin: str, drawn: bool) -> None:
    books = Books(build(BASE.replace("MONTHS", months).replace("MARGIN", margin)), 64, 1)
    assert books.ranges(Where("months"), "own") is drawn


def test_the_classes_of_a_hybrid_that_shares_a_leaf_make_the_whole(build: Build) -> None:
    case = build(BASE.replace("MONTHS", "2 months").replace("MARGIN", "$1k/month"))
    books = Books(case, 64, 1)

    def monthly(klass: str | None) -> tuple[Any, ...]:
        return books.costs("both", Where("months"), klass).totals

    parts = [sum(p, Decimal(0)) for p in zip(monthly("chat"), monthly("draft"), strict=True)]
    cent = Decimal("0.05")  # each line of each class is rounded
    assert all(abs(a - b) <= cent for a, b in zip(parts, monthly(None), strict=True)), (parts, monthly(None))


def test_what_both_use_is_paid_for_once_until_production(build: Build) -> None:
    """Half of the third month's waiting over: the API's full bill for 2.5 months, then only the hybrid's part of it."""
    case = build(BASE.replace("MONTHS", "2.5 months").replace("MARGIN", "$1k/month"))
    months = plan(case, 0)
    both, api = months.prospect("both"), months.prospect("api")
    part = {s.key.label: s.exact for s in both.costs if s.key.part == "api"}
    alone = {s.key.label: s.exact for s in api.costs}
    waiting = next(s for s in both.costs if s.key.category == "until production" and "api" in s.key.label)
    for label, amounts in part.items():
        assert not any(amounts[:2])
        assert amounts[2] == amounts[3] / 2
        assert amounts[3] == alone[label][3] * 4 / 10
    assert waiting.exact == tuple(sum(a[i] for a in alone.values()) * s for i, s in enumerate((1, 1, 0.5, 0, 0, 0)))
