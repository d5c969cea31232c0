"""Objectives as they are typed, stored and read again."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tco.replay.objective import LIMITS, Objective, objectives_text, parse_objectives
from tco.units import UnitError


def test_what_is_typed_is_what_is_meant() -> None:
    [first, second] = parse_objectives("ttft_p95=500ms, e2e_p99.9=1 min")
    assert first == Objective("ttft", Fraction(95, 100), Fraction(1, 2))
    assert second == Objective("e2e", Fraction(999, 1000), Fraction(60))
    assert objectives_text((first, second)) == "ttft_p95=500ms,e2e_p99.9=60s"
    assert objectives_text(()) == "none (maximum load)"


@given(
    st.sampled_from(["ttft", "tpot", "itl", "e2e"]),
    st.decimals(min_value="0.01", max_value="99.99", places=5),
    st.decimals(min_value="0.001", max_value="86000000", places=7),
)
def test_text_is_read_again_exactly(metric: str, percent: object, ms: object) -> None:
    """A journal keeps the text: what it rounds, a summary would judge by another limit."""
    objectives = parse_objectives(f"{metric}_p{percent}={ms}ms")
    assert parse_objectives(objectives_text(objectives)) == objectives
    assert objectives[0].limit == Fraction(str(ms)) / 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ttfx_p95=500ms", "METRIC_pNN=LIMIT with one of ttft, tpot, itl, e2e"),
        ("ttft_p95", "METRIC_pNN=LIMIT"),
        ("", "METRIC_pNN=LIMIT"),
        ("ttft_p0=1s", "a percentile above 0 and up to 99.99"),
        ("ttft_p100=1s", "METRIC_pNN=LIMIT"),
        ("ttft_p99.99999=1s", "a percentile above 0 and up to 99.99"),
        ("ttft_p95=0s", "a limit from 1 us to 24 h"),
        ("ttft_p95=2000000s", "a limit from 1 us to 24 h"),
        ("ttft_p95=500", "unit"),
        ("ttft_p95=1s,ttft_p95=2s", "ttft_p95 once"),
        ("ttft_p95=1s,ttft_p95.0=2s", "ttft_p95 once"),
    ],
)
def test_what_is_no_objective_is_told(text: str, expected: str) -> None:
    with pytest.raises(UnitError) as told:
        parse_objectives(text)
    assert expected in str(told.value)
    assert (Fraction(1, 10**6), Fraction(24 * 3600)) == LIMITS
