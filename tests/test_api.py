"""`import tco`: the same values as the command line, as frames; and nothing loaded before it is used."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import subprocess
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tco
from tco.document import load

ROOT = Path(__file__).parent.parent
RANGES: dict[str, Any] = {
    "as_of": "2026-11-21",
    "currency": "EUR",
    "workload": {"volume": "2M requests/month", "input_tokens": 1200, "output_tokens": 300},
    "options": {
        "api": {"kind": "api", "price": {"input": "$1/1M tokens", "output": "$5/1M tokens"}},
        "quote": {
            "kind": "self_hosted",
            "gpu_price": {"low": "$1.90/hour", "high": "$2.30/hour"},
            "capacity": {"output_tokens_per_s": {"low": 900, "high": 1400}},
            "replicas": {"max": 6},
        },
    },
}
SCENARIOS = sorted(p.stem for p in ROOT.glob("scenarios/*.yaml"))


def command(*words: str, cwd: Path) -> str:
    run = [sys.executable, "-m", "tco", *words]
    return subprocess.run(run, cwd=cwd, capture_output=True, text=True, check=True, timeout=60).stdout


def test_importing_loads_nothing() -> None:
    code = (
        "import sys, tco; before = set(sys.modules); tco.compare; tco.prices; "
        "print(*[m for m in ('pandas', 'numpy', 'pydantic', 'yaml', 'typer', 'rich', 'matplotlib') if m in before])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_what_there_is() -> None:
    assert tco.__doc__ is not None and tco.__doc__.startswith("What serving an LLM workload costs")
    assert issubclass(tco.Faults, Exception)
    assert tco.Result.__name__ == "Result"
    with pytest.raises(AttributeError, match="comapre"):
        tco.comapre  # noqa: B018


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_as_the_command_line(name: str, tmp_path: Path) -> None:
    result = tco.compare(name)
    printed = command("compare", name, "--json", "--csv", "l.csv", "--sweep", "s.csv", cwd=tmp_path)
    assert json.loads(result.to_json()) == json.loads(printed)
    content = json.loads(printed)
    money = content["currency"].lower()
    for row, option in zip(result.table.to_dict("records"), content["options"], strict=True):
        assert (row["option"], row["kind"], row["feasible"]) == (option["name"], option["kind"], option["feasible"])
        assert row[f"cost_{money}_per_month"] == float(option["cost_per_month"])
        assert row[f"cost_{money}_per_month_unrounded"] == option["cost_per_month_unrounded"]
        assert row[f"cost_{money}_per_1m_tokens"] == option["cost_per_1m_tokens"]
        assert row[f"cost_{money}_per_request"] == option["cost_per_request"]
        assert row["feasible_up_to_tokens_per_day"] == (option["feasible_up_to_tokens_per_day"] or inf)
    bands = [(b["above"], b["up_to"], " = ".join(b["cheapest"]) or "none feasible") for b in content["bands"]]
    assert list(result.bands.itertuples(index=False, name=None)) == bands
    crossings = [x for p in content["crossovers"] for x in p["crossings"]]
    assert result.crossovers["tokens_per_day"].tolist() == [x["tokens_per_day"] for x in crossings]
    assert result.crossovers["cheaper_above"].tolist() == [x["cheaper_above"] for x in crossings]
    with (tmp_path / "l.csv").open() as file:
        ledger = [r for r in csv.DictReader(file) if r["row"] == "line"]
    lines = result.lines
    assert lines["option"].tolist() == [r["option"] for r in ledger]
    assert lines[f"amount_{money}_per_month"].tolist() == [float(r["amount_per_month"]) for r in ledger]
    assert [f"{v:.12g}" for v in lines["quantity"]] == [r["quantity"] for r in ledger]
    with (tmp_path / "s.csv").open() as file:
        sweep = list(csv.DictReader(file))
    mine = result.sweep()
    assert [f"{v:.12g}" for v in mine["tokens_per_day"]] == [r["tokens_per_day"] for r in sweep]
    assert mine["option"].tolist() == [r["option"] for r in sweep]
    costs = ["" if np.isnan(v) else f"{v:.2f}" for v in mine[f"cost_{money}_per_month"]]
    assert costs == [r["cost_per_month"] for r in sweep]
    out = {o["name"] for o in content["options"] if "failed" in {k["status"] for k in o["requirements"]}}
    able = [r["feasible"] == "yes" and r["option"] not in out for r in sweep]
    assert mine["feasible"].tolist() == able


def test_a_mapping_is_a_file(tmp_path: Path) -> None:
    """The same content as text of a file, as a path and as a mapping; numbers of Python in every form."""
    path = tmp_path / "scenario.yaml"
    path.write_text(json.dumps(RANGES))
    by_path, by_name, mapping = (tco.compare(s) for s in (path, str(path), RANGES))
    exact = {**RANGES, "workload": {**RANGES["workload"], "input_tokens": Fraction(2400, 2), "output_tokens": 300.0}}
    exact["as_of"] = date(2026, 11, 21)
    others = [tco.compare(s) for s in (exact, {**exact, "too_close_to_call": Decimal("0.05")})]
    for other in (by_name, mapping, *others):
        assert other.table.equals(by_path.table)
        assert other.bands.equals(by_path.bands)
    for name in SCENARIOS:
        whole = tco.compare(load(ROOT / "scenarios" / f"{name}.yaml").data, draws=0)
        assert whole.table.drop(columns="reasons").equals(tco.compare(name, draws=0).table.drop(columns="reasons"))


def test_small_and_large_numbers_are_exact() -> None:
    def cost(price: Any) -> Fraction:
        options = {"a": {"kind": "api", "price": {"blended": "$1/1M tokens"}, "markup": price}}
        found = tco.compare({"workload": {"volume": "1M tokens/month", "output_tokens": 10}, "options": options})
        return found.comparison.standings[0].ledger.exact

    for markup, exact in ((1e-7, Fraction(1, 10**7)), (0.1, Fraction(1, 10)), (np.float64(2.5), Fraction(5, 2))):
        assert cost(markup) == 1 + exact
    assert cost(np.int64(3)) == 4
    assert abs(cost(Fraction(1, 3)) - Fraction(4, 3)) < Fraction(1, 10**29)


def test_a_variant() -> None:
    assert tco.compare("break-even-sketch", variant="overhead-30").comparison.variant == "overhead-30"
    with pytest.raises(tco.Faults, match="did you mean `overhead-30`"):
        tco.compare("break-even-sketch", variant="overhaed-30")


def test_draws_are_those_of_the_comparison() -> None:
    """Percentiles taken the slow way from the rows are those that the comparison states; so are the shares."""
    volume = {"low": "1M requests/month", "high": "3M requests/month"}
    result = tco.compare({**RANGES, "workload": {**RANGES["workload"], "volume": volume}}, draws=150, seed=3)
    u = result.comparison.uncertainty
    assert u is not None and (u.draws, u.seed) == (150, 3)
    column = "cost_eur_per_month"
    frame = result.draws
    assert len(frame) == 150 * 2
    by_option = {str(name): sorted(part[column]) for name, part in frame.groupby("option")}
    for name, values in by_option.items():
        for share, stated in ((0.1, u.costs[name].p10), (0.9, u.costs[name].p90)):
            assert values[ceil(share * 150) - 1] == stated
    wide = frame.pivot(index="draw", columns="option", values=column)
    assert (wide["api"] <= wide["quote"]).mean() == u.cheapest["api"]
    assert set(result.table["p10_eur_per_month"]) == {u.costs[name].p10 for name in by_option}


def test_what_cannot_serve_says_so() -> None:
    """A rule that rules out, and a fleet that is full: 6 replicas of 1150 output tokens/s carry 23 requests/s."""
    options = {**RANGES["options"], "api": {**RANGES["options"]["api"], "data": "public"}}
    result = tco.compare({**RANGES, "options": options, "requirements": {"data": "vpc"}}, draws=0)
    table = result.table.set_index("option")
    assert table["feasible"].to_dict() == {"api": False, "quote": True}
    assert "public" in str(table.loc["api", "reasons"])
    full = Fraction(6 * 1150, 300) * 86400 * 1500
    assert table.loc["quote", "feasible_up_to_tokens_per_day"] == pytest.approx(float(full), rel=1e-12)
    sweep = result.sweep(40)
    assert not sweep[sweep["option"] == "api"]["feasible"].any()
    quote = sweep[sweep["option"] == "quote"]
    assert (quote["feasible"] == (quote["tokens_per_day"] <= float(full))).all()
    assert (quote["cost_eur_per_month"].isna() == ~quote["feasible"]).all()


def test_without_draws_there_are_none() -> None:
    for result in (tco.compare(RANGES, draws=0), tco.compare({**RANGES, "options": {"api": RANGES["options"]["api"]}})):
        assert len(result.draws) == 0
        assert result.table["p10_eur_per_month"].isna().all()


WRONG: list[tuple[Any, str]] = [
    ("nowhere.yaml", "nowhere.yaml: file not found"),
    ("document-pipline", "did you mean `document-pipeline`?"),
    (5, "not a scenario: int"),
    ({**RANGES, "curency": "EUR"}, "did you mean `currency`?"),
    ({1: 2}, "a key is no text: 1"),
    ({**RANGES, "name": object()}, "a value of type object"),
    ({**RANGES, "too_close_to_call": float("nan")}, "not a finite number"),
    ({**RANGES, "workload": {"volume": "2M"}}, "rate without a unit"),
]


@pytest.mark.parametrize(("scenario", "words"), WRONG, ids=[w for _, w in WRONG])
def test_what_is_wrong_is_one_exception(scenario: Any, words: str) -> None:
    with pytest.raises(tco.Faults) as wrong:
        tco.compare(scenario)
    assert words in str(wrong.value)


def test_a_mapping_that_contains_itself() -> None:
    loop: dict[str, Any] = {}
    loop["options"] = loop
    with pytest.raises(tco.Faults, match="contains itself"):
        tco.compare(loop)


@pytest.mark.parametrize("draws", [-1, 2.5, True])
def test_a_number_of_draws_that_is_none(draws: Any) -> None:
    with pytest.raises(tco.Faults, match="not a number of draws"):
        tco.compare(RANGES, draws=draws)


def test_html_shows_text_as_text() -> None:
    evil = '<script>alert(1)</script> & "more"'
    options = {**RANGES["options"], "api": {**RANGES["options"]["api"], "label": evil}}
    result = tco.compare({**RANGES, "name": evil, "options": options})
    html = result._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;more&quot;" in html
    assert set(re.findall(r"</?([a-z0-9]+)", html)) <= {
        "h3", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li",
    }  # fmt: skip
    assert "cost_eur_per_month" in html
    assert "script" in repr(result)


def test_words_and_files(tmp_path: Path) -> None:
    result = tco.compare("break-even-sketch")
    assert result.recommendation.option == "api"
    assert result.verdict.startswith("api is cheapest at 20M tokens/day: $4,800.00 a month")
    assert result.warnings == [str(n) for n in result.comparison.warnings] != []
    assert result.assumptions == [str(n) for n in result.comparison.assumptions]
    assert result.to_png(tmp_path / "costs.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_prices_are_those_of_the_command_line(tmp_path: Path) -> None:
    content = json.loads(command("prices", "list", "models", "--json", cwd=tmp_path))
    rows = [(e["name"], p) for e in content["entries"] for p in e["entry"]["prices"]]
    frame = tco.prices("models")
    assert frame["name"].tolist() == [name for name, _ in rows]
    assert frame["holds"].tolist() == [p["holds"] for _, p in rows]
    for column in ("input_per_mtok", "output_per_mtok"):
        stated = [p.get(column) for _, p in rows]
        assert [None if np.isnan(v) else v for v in frame[column]] == stated
    batch = [p.get("tiers", {}).get("batch", {}).get("input_per_mtok") for _, p in rows]
    assert [None if np.isnan(v) else v for v in frame["tiers.batch.input_per_mtok"]] == batch
    everything = tco.prices()
    assert set(everything["section"]) >= {"models", "gpus", "capacity", "people", "exchange_rates"}
    assert (everything["section"] == "models").sum() == len(frame)


def test_prices_of_another_day_and_folder(tmp_path: Path) -> None:
    row = (
        "{as_of: 2026-01-01, kind: quote, source: made up, checked: 2026-01-01, input_per_mtok: 7, output_per_mtok: 9}"
    )
    (tmp_path / "mine.yaml").write_text(f"models:\n  own:\n    name: Own\n    prices: [{row}]\n")
    frame = tco.prices("models", catalogs=[tmp_path], as_of="2025-06-01").set_index("name")
    assert not frame.loc["mine/own", "holds"]
    assert tco.prices("models", catalogs=[tmp_path]).set_index("name").loc["mine/own", "holds"]
    for wrong in ({"section": "modles"}, {"catalogs": [tmp_path / "none"]}, {"as_of": "yesterday"}):
        with pytest.raises(tco.Faults):
            tco.prices(**wrong)


def test_the_notebook_page_runs() -> None:
    page = (ROOT / "docs" / "notebook.md").read_text()
    blocks = re.findall(r"```(python|text)\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    printed = ""
    assert [kind for kind, _ in blocks] == ["python", "text"] * 3
    for kind, text in blocks:
        if kind == "text":
            assert printed == text
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(text, names)
        printed = out.getvalue()
