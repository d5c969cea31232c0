"""Plans that broke once: what is too large, what is no month, lives that differ by draw."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from tco.analysis import ownership
from tco.analysis.ownership import owned
from tco.cli.app import app
from tco.scenario.projection import Projection, horizon

SCENARIO = """
as_of: 2026-11-21
workload: {volume: 100M tokens/day, input_tokens: 1000, output_tokens: 1000}
current: api
options:
  api: {kind: api, price: {input: {low: $1/1M tokens, high: $2/1M tokens}, output: $3/1M tokens}}
"""


def scenario(tmp_path: Path, projection: str) -> str:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"{SCENARIO}projection: {projection}\n")
    return str(path)


@pytest.mark.parametrize("rate", ["1000%/month", "10000000000%/month"])  # beyond 10^30, and beyond any float
def test_a_plan_that_outgrows_every_number_is_bad_input(tmp_path: Path, rate: str) -> None:
    done = CliRunner().invoke(app, ["plan", scenario(tmp_path, f"{{months: 240, growth: {rate}}}")])
    assert done.exit_code == 2
    assert "`api` costs more than 10^30" in done.stderr


@pytest.mark.parametrize("months", ["²", "² years", "36 moons", "9" * 5000, f"{'9' * 5000} months", "0", "241", ""])
def test_a_horizon_on_the_command_line_that_is_none(tmp_path: Path, months: str) -> None:
    done = CliRunner().invoke(app, ["plan", scenario(tmp_path, "{}"), "--months", months])
    assert done.exit_code == 2
    assert "expected months from 1 to 240" in done.stderr


@pytest.mark.parametrize(
    ("months", "count"), [("36", 36), (" 36 ", 36), ("1 month", 1), ("3 years", 3 * 12), (240, 240), (Fraction(2), 2)]
)
def test_a_horizon(months: object, count: int) -> None:
    assert horizon(months) == count


@pytest.mark.parametrize("name", ["janitor", "j", "ju", "mayday", "decade", "januaryx", ""])
def test_what_only_begins_like_a_month_is_no_season(name: str) -> None:
    with pytest.raises(ValidationError, match="no month of the year"):
        Projection.model_validate({"seasonality": {name: "130%"}})


@pytest.mark.parametrize(
    ("name", "number"), [("jan", 1), ("May", 5), ("June", 6), ("JULY", 7), ("sept", 9), ("December", 12)]
)
def test_a_season_is_named_by_its_month(name: str, number: int) -> None:
    assert Projection.model_validate({"seasonality": {name: "130%"}}).seasonality == {number: Fraction(130, 100)}


def test_lives_that_differ_by_draw_are_each_followed_for_their_own_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    followed: dict[int, int] = {}
    alone = ownership._with_life

    def counted(needed: np.ndarray, life: int, residual: np.ndarray) -> ownership.Owned:
        followed[life] = needed.shape[1]
        return alone(needed, life, residual)

    monkeypatch.setattr(ownership, "_with_life", counted)
    needed = np.array([1.0, 3.0, 2.0, 4.0, 4.0])[:, np.newaxis]
    residual = np.arange(6 * 4, dtype=float).reshape(6, 4)
    lives = np.array([1.5, 2.0, 0.01, 30.0])
    found = owned(needed, lives, residual)
    assert followed == {1: 1, 2: 2, 30: 1}  # in whole months, as wide as the draws that have them
    for draw, life in enumerate((2, 2, 1, 30)):
        one = alone(needed, life, residual[:, [draw]])
        for values, expected in zip(found, one, strict=True):
            assert values[:, draw].tolist() == expected[:, 0].tolist()
