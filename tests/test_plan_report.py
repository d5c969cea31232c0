"""What `tco plan` prints and writes: whole runs as golden files, one total in every output, and how findings are said.

`UPDATE_GOLDEN=1 pytest tests/test_plan_report.py` writes the runs anew: read the difference before it is committed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import inf
from pathlib import Path

import numpy as np
import pytest
from test_cli import tco as run

import tco
from tco.analysis.case import read_case
from tco.analysis.outcome import choice, no_rate, probability, spans
from tco.analysis.plan import Change, Payback, Plan, plan
from tco.calendar import Month
from tco.report import plan_words as words
from tco.report.plan_chart import chart
from tco.report.plan_csv import plan_csv
from tco.report.plan_json import as_json
from tco.report.plan_png import draw
from tco.report.plan_sheets import every_month, of_option, paid, periods, sheets
from tco.report.sheets import Sheet

HERE = Path(__file__).parent
FIXTURE = HERE / "fixtures" / "plan.yaml"

RUNS = {
    "plan": "tco plan plan.yaml",
    "plan_wide": "COLUMNS=140 tco plan plan.yaml",
    "plan_md": "tco plan plan.yaml --md --draws 100 --seed 7",
    "plan_json": "tco plan plan.yaml --json --months 3 --draws 0",
    "option": "tco plan plan.yaml --option owned",
    "option_wide": "COLUMNS=140 tco plan plan.yaml --option owned",
    "option_md": "tco plan plan.yaml --option rented --md --variant flat",
    "no_current": "tco plan plan.yaml --variant no-current --draws 0",
    "never": "tco plan plan.yaml --variant never",
    "full": "tco plan plan.yaml --variant full --at '200M tokens/day'",
    "alone": "tco plan plan.yaml --variant alone",
    "spiked": "COLUMNS=140 tco plan plan.yaml --variant spiked",
    "later": "tco plan plan.yaml --start 2027-10 --months '5 years' --draws 0",
    "ranges": "tco plan ranges.yaml --months 12",
    "no_such_option": "tco plan plan.yaml --option onwed",
    "bad_months": "tco plan plan.yaml --months 300",
    "bad_start": "tco plan plan.yaml --start 2027-13",
    "bad_at": "tco plan plan.yaml --at 40M",
    "json_and_md": "tco plan plan.yaml --json --md",
    "json_and_option": "tco plan plan.yaml --json --option owned",
    "not_planned": "tco plan plan.yaml --variant spiked --start 2028-01",
    "no_folder": "tco plan plan.yaml --csv nowhere/out.csv",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """An empty directory with the fixtures, in which a command runs."""
    shutil.copytree(HERE / "fixtures", tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture(scope="module")
def found() -> Plan:
    return plan(read_case(str(FIXTURE)))


@pytest.fixture(scope="module")
def variants() -> dict[str, Plan]:
    names = ("no-current", "flat", "full", "never", "alone", "spiked")
    return {name: plan(read_case(str(FIXTURE), name), draws=0) for name in names}


# -- whole runs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RUNS)
def test_golden(name: str, here: Path) -> None:
    done = run(RUNS[name], here)
    assert "Traceback" not in done.stderr
    stdout, stderr = (
        "".join(f"{line.rstrip()}\n" for line in text.replace(str(here), "HERE").splitlines())
        for text in (done.stdout, done.stderr)
    )
    text = f"$ {RUNS[name]}\nexit: {done.returncode}\n--- stdout\n{stdout}--- stderr\n{stderr}"
    golden = HERE / "golden_plan" / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_golden_file_has_its_run() -> None:
    assert {p.stem for p in (HERE / "golden_plan").iterdir()} == set(RUNS)


@pytest.mark.parametrize("width", [80, 140])
def test_lines_fit_the_terminal(width: int, here: Path) -> None:
    for flags in ("", "--option owned", "--variant spiked", "--months 60 --option owned"):
        done = run(f"COLUMNS={width} tco plan plan.yaml {flags}", here)
        assert max(map(len, done.stdout.splitlines())) <= width, flags
        assert "…" not in done.stdout


def test_no_amount_is_cut_however_narrow_the_terminal(here: Path, found: Plan) -> None:
    done = run("COLUMNS=30 tco plan plan.yaml", here)
    for p in found.prospects:
        assert f"{p.total:,.2f}" in done.stdout
    assert "…" not in done.stdout


def test_colour_only_in_a_terminal(here: Path) -> None:
    assert "\x1b" not in run("tco plan plan.yaml", here).stdout
    code = (
        "from rich.console import Console\nimport io, sys\n"
        "from tco.analysis.case import read_case\nfrom tco.analysis.plan import plan\n"
        "from tco.report.plan_terminal import print_plan\n"
        "out = io.StringIO()\n"
        "console = Console(file=out, force_terminal=True, width=80, color_system='standard')\n"
        "print_plan(plan(read_case('plan.yaml')), console)\n"
        "assert '\\x1b[' in out.getvalue()"
    )
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"}
    subprocess.run([sys.executable, "-c", code], cwd=here, env=env, check=True)


def test_json_is_only_json_and_exports_are_the_same_twice(here: Path) -> None:
    runs = [run(f"tco plan plan.yaml --json --csv {n}.csv --png {n}.png", here) for n in "ab"]
    assert runs[0].stdout == runs[1].stdout
    content = json.loads(runs[0].stdout)
    assert (content["schema"], content["version"]) == ("tco.plan", 1)
    assert [i["file"] for i in content["inputs"]] == ["plan.yaml"]
    for suffix in ("csv", "png"):
        assert (here / f"a.{suffix}").read_bytes() == (here / f"b.{suffix}").read_bytes()


def test_starting_loads_nothing_heavy(here: Path) -> None:
    code = (
        "import sys; sys.argv = ['tco', 'plan', 'plan.yaml']; from tco.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = ('matplotlib', 'pandas', 'jsonschema', 'numpy.ma', 'tco.catalog.entries')\n"
        "print('LOADED', *[m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "LOADED"


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("--csv plan.csv", "it would replace what was read"),
        ("--csv out.txt", "name a file that ends in .csv"),
        ("--png out.pdf", "name a file that ends in .png"),
    ],
)
def test_an_output_never_replaces_an_input(here: Path, outputs: str, said: str) -> None:
    (here / "plan.yaml").rename(here / "plan.csv")
    before = {p: p.read_bytes() for p in here.iterdir() if p.is_file()}
    done = run(f"tco plan plan.csv {outputs}", here)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert {p: p.read_bytes() for p in here.iterdir() if p.is_file()} == before


def test_a_projection_that_is_no_mapping_stays_a_fault(here: Path) -> None:
    text = (here / "plan.yaml").read_text()
    start, end = text.index("projection:"), text.index("options:")
    (here / "plan.yaml").write_text(f"{text[:start]}projection: 5\n{text[end:]}")
    done = run("tco plan plan.yaml --months 12", here)
    assert done.returncode == 2
    assert "plan.yaml:8" in done.stderr


def test_months_and_start_on_the_command_line_are_those_of_the_scenario(here: Path) -> None:
    done = run("tco plan plan.yaml --json --months '2 years' --start 2028-03 --draws 0 --at '50M tokens/day'", here)
    content = json.loads(done.stdout)
    assert (content["months"][0], len(content["months"])) == ("2028-03", 2 * 12)
    assert content["tokens_per_day"][0] == 50e6
    text = (
        (here / "plan.yaml").read_text().replace("start: 2027-01", "start: 2028-03").replace("months: 36", "months: 24")
    )
    (here / "stated.yaml").write_text(text.replace("300M tokens/day", "50M tokens/day"))
    stated = json.loads(run("tco plan stated.yaml --json --draws 0", here).stdout)
    for key in ("options", "changes", "recommendation", "cheapest_by_month"):
        for one, other in zip(_without_places(content[key]), _without_places(stated[key]), strict=True):
            assert one == other


def _without_places(content: object) -> list[object]:
    """JSON without the lines of files, which a flag does not have."""
    text = json.dumps(content)
    for name in ("plan", "stated"):
        for line in range(60):
            text = text.replace(f'{name}.yaml:{line}"', 'x"')
    return [json.loads(text)]


def test_cells_that_a_spreadsheet_would_run_are_defused(here: Path) -> None:
    prices = here / "prices" / "acme.yaml"
    prices.write_text(prices.read_text().replace("gpu: G80", "gpu: '=HYPERLINK(\"http://x\")'"))
    done = run("tco plan support.yaml --csv out.csv", here)
    assert done.returncode == 0, done.stderr
    with (here / "out.csv").open() as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [c for c in cells if c[:1] in "=+-@\t\r" and c and not c.lstrip("-").replace(".", "").isdigit()]


# -- one total in every output ----------------------------------------------------------------------------------------


def amount(cell: str) -> Decimal:
    return Decimal(cell.replace(",", ""))


def rows_of(found: Plan) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(plan_csv(found))))


def test_every_output_has_the_same_totals(found: Plan, variants: dict[str, Plan]) -> None:
    for one in (found, *variants.values()):
        rows, content = rows_of(one), json.loads(as_json(one))
        table = {row.cells[0]: amount(row.cells[1]) for row in next(sheets(one)).rows}
        months = every_month(one)
        by_period = list(paid(one))
        assert len(by_period) == 1
        for i, p in enumerate(one.prospects):
            mine = [r for r in rows if r["option"] == p.name]
            total = sum((Decimal(r["amount"]) for r in mine if r["view"] == "paid"), Decimal(0))
            shown = content["options"][i]
            assert total == p.total == table[p.name] == Decimal(shown["total"])
            assert amount(months.rows[-1].cells[2 + i]) == total
            assert sum(amount(row.cells[2 + i]) for row in months.rows[:-1]) == total
            assert sum(amount(row.cells[1 + i]) for row in by_period[0].rows[:-1]) == total
            assert amount(by_period[0].rows[-1].cells[1 + i]) == total
            assert p.cumulative[-1] == total == Decimal(shown["cumulative"][-1])
            assert [a + b for a, b in zip(p.capex, p.opex, strict=True)] == list(p.paid)
            assert Decimal(shown["capex"]) + Decimal(shown["opex"]) == total
            cost = sum((Decimal(r["amount"]) for r in mine if r["view"] == "cost"), Decimal(0))
            assert cost == sum(p.monthly, Decimal(0)) == sum(map(Decimal, shown["cost"]), Decimal(0))
            capital = sum((Decimal(r["amount"]) for r in mine if r["capital"] == "yes"), Decimal(0))
            assert capital == sum(p.capex, Decimal(0)) == Decimal(shown["capex"])


def test_the_csv_has_a_row_for_each_line_and_column(found: Plan) -> None:
    rows = rows_of(found)
    months = len(found.months)
    assert len(rows) == sum(len(p.payments) * (months + 1) + len(p.costs) * months for p in found.prospects)
    for p in found.prospects:
        for i in range(months + 1):
            here = [r for r in rows if (r["option"], r["view"], r["column"]) == (p.name, "paid", str(i))]
            assert sum((Decimal(r["amount"]) for r in here), Decimal(0)) == p.paid[i]
            assert {r["month"] for r in here} == {"before 2027-01" if i == 0 else str(found.months[i - 1])}
    assert not [r for r in rows if r["view"] == "cost" and r["column"] == "0"]


def test_an_option_line_by_line_comes_to_its_totals(found: Plan) -> None:
    p = found.prospect("owned")
    views = list(of_option(found, "owned"))
    assert [s.heading.split(" (")[0] for s in views] == [
        "owned: what is paid",
        "owned: what it costs, hardware as it is written off",
    ]
    for sheet, whole, total in ((views[0], "paid", p.total), (views[1], "cost", sum(p.monthly, Decimal(0)))):
        cells = {row.cells[0]: [amount(cell) for cell in row.cells[1:]] for row in sheet.rows}
        sums = ("capex", "opex", "paid", "cost", "cumulative")
        lines = [values for label, values in cells.items() if label not in sums]
        assert [sum(column) for column in zip(*lines, strict=True)] == cells[whole]
        assert cells[whole][-1] == total == cells["cumulative"][-1] == cells["cumulative"][-2]
        if whole == "paid":
            assert [a + b for a, b in zip(cells["capex"], cells["opex"], strict=True)] == cells["paid"]


def test_hardware_is_bought_in_one_view_and_written_off_in_the_other(found: Plan) -> None:
    """One server of $180,000 that lasts 2 years, 10 % residual: bought twice in 3 years, worth half way at the end."""
    cells = [{row.cells[0]: row.cells[-1] for row in sheet.rows} for sheet in of_option(found, "owned")]
    assert amount(cells[0]["hardware: servers: bought"]) == 2 * 180_000
    assert amount(cells[0]["hardware: servers: sold"]) == -18_000
    assert amount(cells[0]["hardware: servers: worth at the end"]) == -(180_000 + 18_000) / 2
    assert amount(cells[0]["capex"]) == 2 * 180_000 - 18_000 - 99_000
    assert amount(cells[1]["depreciation"]) == 3 * (180_000 - 18_000) / 2
    assert "depreciation" not in cells[0]
    assert not [label for label in cells[1] if label.startswith("hardware")]


def test_tables_in_parts_hold_what_one_table_holds(found: Plan) -> None:
    def columns(parts: list[Sheet]) -> Iterator[tuple[str, ...]]:
        for sheet in parts:
            for i, column in enumerate(sheet.columns[1:], start=1):
                yield (column.title, *(row.cells[i] for row in sheet.rows))

    whole = list(of_option(found, "owned"))
    for width in (40, 60, 80):
        parts = list(of_option(found, "owned", width))
        assert len(parts) > 2
        assert list(columns(parts)) == list(columns(whole))


def test_json_has_no_number_that_is_none(found: Plan, variants: dict[str, Plan]) -> None:
    """What never happens is null, and says why; percentiles are those of the draws."""
    content = json.loads(as_json(variants["never"]))
    owned = next(o for o in content["options"] if o["name"] == "owned")
    assert owned["payback"] == {
        "months": None, "first_month": None, "reverses": None, "reason": "not by 2029-12",
    }  # fmt: skip
    api = next(o for o in content["options"] if o["name"] == "api")
    assert api["payback"]["reason"] == api["irr_reason"] == "it is what runs today"
    assert json.loads(as_json(variants["no-current"]))["options"][0]["irr_reason"] == "no `current` to save against"
    drawn = json.loads(as_json(found))["options"][1]["draws"]
    outlook = found.prospect("owned").outlook
    assert outlook is not None
    totals = np.sort(outlook.paid.sum(axis=0))
    assert drawn["total"] == {"p10": totals[25], "p50": totals[127], "p90": totals[230]}  # of 256, the 26th from below
    assert len(drawn["cost"]["p90"]) == len(found.months)
    assert drawn["cost"]["p90"][5] == np.sort(outlook.cost[5])[230]


def test_frames_are_the_same_values(found: Plan) -> None:
    result = tco.plan(FIXTURE)
    assert json.loads(result.to_json()) == json.loads(as_json(found))
    months = result.months.to_dict("records")
    for row, p in zip(result.table.to_dict("records"), found.prospects, strict=True):
        assert (row["option"], row["total_usd"]) == (p.name, float(p.total))
        assert row["capex_usd"] + row["opex_usd"] == pytest.approx(float(p.total))
        rows = [r for r in months if r["option"] == p.name]
        assert [r["paid_usd"] for r in rows] == [float(v) for v in p.paid]
        assert rows[-1]["cumulative_usd"] == float(p.total)
        assert [r["cost_usd"] for r in rows[1:]] == [float(v) for v in p.monthly]
    mine = [(r["option"], r["view"], r["line"], int(r["column"]), float(r["amount"])) for r in rows_of(found)]
    frame = result.lines[["option", "view", "label", "column", "amount_usd"]]
    assert list(frame.itertuples(index=False, name=None)) == mine
    assert result.recommendation.option == choice(found).option
    assert result.verdict.startswith(words.verdict(found))
    assert "Three years of growth" in result._repr_html_()
    with pytest.raises(tco.Faults, match="not a number of draws"):
        tco.plan(FIXTURE, draws=-1)


# -- how it is said ---------------------------------------------------------------------------------------------------


def with_payback(found: Plan, option: str, payback: Payback) -> Plan:
    prospects = tuple(p._replace(payback=payback) if p.name == option else p for p in found.prospects)
    return found._replace(prospects=prospects)


def test_paybacks_are_months_and_a_month_by_name(found: Plan) -> None:
    cells = {
        Payback(14.25, 15.0, inf): ("14.2 (Mar 2028)", "–"),  # column 15 is the 15th month from January 2027
        Payback(12.0, 13.0, 25.0): ("12.0 (Jan 2028)", "Jan 2029"),
        Payback(0.0, 0.0, inf): ("from the start", "–"),
        Payback(inf, inf, inf): ("never", "–"),
    }
    for payback, said in cells.items():
        assert (words.payback_cell(found, payback), words.reversal_cell(found, payback)) == said
    assert words.payback_cell(found, None) == "–"


def test_a_reversal_is_said(found: Plan) -> None:
    one = with_payback(found, "rented", Payback(7.0, 8.0, 20.0))._replace(best="rented")
    sentence = words.why(one)[-1]
    assert "pays back after 7.0 months (Aug 2027) until Aug 2028, when it has paid more again" in sentence
    heads = [column.title for column in list(sheets(with_payback(found, "rented", Payback(7.0, 8.0, 20.0))))[1].columns]
    assert "reverses" in heads
    assert "reverses" not in [column.title for column in list(sheets(found))[1].columns]


def test_a_payback_by_what_hardware_is_worth_is_said(found: Plan) -> None:
    """Level but for the last month, in which hardware is worth something: paid back, and only by that."""
    api, owned = found.prospect("api"), found.prospect("owned")
    worth = next(s for s in owned.payments if s.key.label.endswith("worth at the end"))
    assert worth.amounts[-1] == -99_000
    back = owned._replace(payments=(*api.payments, worth), payback=Payback(35.5, 36.0, inf))
    prospects = (api, back, found.prospect("rented"))
    one = found._replace(prospects=prospects, best="owned")
    assert words.borrowed(one) == ["owned has paid back only with what its hardware is worth at the end of the plan."]
    assert "(Dec 2029), with what its hardware is worth then" in words.why(one)[-1]
    assert words.borrowed(found) == []
    less = worth._replace(amounts=tuple(-1 + a for a in worth.amounts), key=worth.key._replace(capital=False))
    assert words.borrowed(one._replace(prospects=(api, back._replace(payments=(*back.payments, less))))) == []


def test_who_pays_least(found: Plan, variants: dict[str, Plan]) -> None:
    flat = variants["flat"]
    cheapest, second = sorted(flat.prospects, key=lambda p: p.npv)[:2]
    c = choice(flat)
    assert (c.option, c.runner_up, c.probability) == (cheapest.name, second.name, None)
    assert c.margin == (Fraction(second.npv) - Fraction(cheapest.npv)) / Fraction(second.npv)
    assert words.verdict(flat).startswith(f"{cheapest.name} pays least over 36 months from Jan 2027: $")
    assert "present value" not in words.verdict(flat)  # without a discount rate it is the total
    drawn = probability(found)
    outlooks = {p.name: p.outlook for p in found.prospects}
    wins = 0
    for i in range(found.draws):
        able = {n: float(o.npv[i]) for n, o in outlooks.items() if o is not None and o.able[:, i].all()}
        wins += min(able, key=lambda name: able[name]) == found.best
    assert drawn == wins / found.draws
    assert choice(found).too_close is (wins / found.draws < 0.8)


def test_the_limits_of_a_decision_are_the_scenarios(here: Path) -> None:
    text = (here / "plan.yaml").read_text()
    (here / "plan.yaml").write_text(f"too_close_to_call: 60%\nsure_enough: 40%\n{text}")
    one = plan(read_case(str(here / "plan.yaml")))
    assert (one.too_close_to_call, one.sure_enough) == (Fraction(60, 100), Fraction(40, 100))
    c = choice(one)
    assert c.probability is not None
    assert c.probability > 0.4
    assert c.too_close is (c.margin < Fraction(60, 100)) is True


@pytest.mark.parametrize(("limit", "close"), [(Fraction(1, 100), False), (Fraction(99, 100), True)])
def test_too_close_to_call_is_the_scenarios(variants: dict[str, Plan], limit: Fraction, close: bool) -> None:
    one = variants["flat"]._replace(too_close_to_call=limit)
    assert choice(one).too_close is close
    assert words.verdict(one).startswith("Too close to call") is close


def test_nothing_serves_every_month(variants: dict[str, Plan]) -> None:
    full = variants["full"]
    p = full.prospect("rented")
    last = max(i for i in range(36) if p.feasible(i))
    assert not [i for i in range(36) if p.feasible(i) != (i <= last)]
    month = words.named(full.months[last])
    said = f"No option can serve all 36 months from Jan 2027: rented comes closest with {last + 1} (until {month})."
    assert words.verdict(full) == said
    assert words.feasible(full, p) == f"until {month}"
    following = words.named(full.months[last + 1])
    assert words.changes(full) == (
        f"Month by month, until {month} rented is cheapest; from {following} on no option is feasible."
    )
    assert words.reasons(full) == [f"rented cannot serve it from {following} on: 4 replicas at most."]
    never = full._replace(prospects=tuple(p._replace(over=(("no",),) * 36) for p in full.prospects))
    assert words.verdict(never) == "No option can serve this workload in any of the 36 months from Jan 2027."


def test_a_gap_is_said(variants: dict[str, Plan]) -> None:
    spiked = variants["spiked"]
    rented = spiked.prospect("rented")
    assert words.feasible(spiked, rented) == "35 of 36 months"
    assert words.reasons(spiked) == ["rented cannot serve it in Sep 2027: 4 replicas at most."]
    assert "in Sep 2027 api is cheapest" in words.changes(spiked)
    sentences = " ".join(words.why(spiked))
    assert "rented would pay" in sentences
    assert "But rented cannot serve every month of that." in sentences


def test_changes_in_words(found: Plan) -> None:
    def said(*changes: tuple[int, str | None]) -> str:
        cheapest: list[str | None] = ["api"] * 36
        record = []
        for month, after in changes:
            record.append(Change(month, cheapest[month - 1], after, None))
            cheapest[month:] = [after] * (36 - month)
        return words.changes(found._replace(cheapest=tuple(cheapest), changes=tuple(record)))

    api, own = "api is cheapest (start with APIs)", "owned is cheapest (fully self-hosted)"
    assert said() == f"In every month {api}."
    assert said((9, "owned")) == f"Month by month, until Sep 2027 {api}; from Oct 2027 on {own}."
    assert said((1, "owned"), (2, None)) == (
        f"Month by month, in Jan 2027 {api}; in Feb 2027 {own}; from Mar 2027 on no option is feasible."
    )
    many = said(*((i, "owned" if i % 2 else "api") for i in range(1, 7)))
    assert many == (
        f"Month by month, in Jan 2027 {api}; in Feb 2027 {own}; it changes 6 times in all, and from Jul 2027 on {api}."
    )


def test_nothing_to_pay_back(variants: dict[str, Plan]) -> None:
    assert words.why(variants["no-current"])[-1] == "No `current` is stated: there is nothing to pay back against."
    assert words.why(variants["never"])[-1] == (
        "api runs today, and pays least: the other option does not pay back by Dec 2029."
    )
    assert words.why(variants["alone"]) == []
    assert len(list(sheets(variants["no-current"]))) == len(list(sheets(variants["flat"]))) - 1


def test_why_a_rate_is_not_defined(found: Plan, variants: dict[str, Plan]) -> None:
    assert no_rate(found, found.prospect("owned")) is None
    assert no_rate(found, found.prospect("api")) == "it is what runs today"
    assert no_rate(found, found.prospect("rented")) == "nothing is put in first"
    assert no_rate(variants["no-current"], variants["no-current"].prospect("api")) == "no `current` to save against"
    owned = found.prospect("owned")._replace(irr=None)
    dearer = owned._replace(payments=tuple(s._replace(amounts=tuple(map(abs, s.amounts))) for s in owned.payments) * 9)
    assert no_rate(found, dearer) == "it saves in no month"
    same = found.prospect("api")._replace(name="copy", irr=None)
    assert no_rate(found, same) == "it pays what api pays"


def test_spans() -> None:
    assert list(spans([])) == []
    assert list(spans([0, 1, 2, 5, 7, 8])) == [(0, 2), (5, 5), (7, 8)]


def test_periods(found: Plan) -> None:
    def labels(start: str, months: int) -> list[str]:
        first = Month(int(start[:4]), int(start[5:]))
        return [p.label for p in periods(found._replace(months=tuple(first.later(i) for i in range(months))))]

    assert labels("2027-01", 36) == ["2027", "2028", "2029"]
    assert labels("2027-01", 14) == ["2027", "2028 (2 months)"]
    assert labels("2027-10", 24) == ["to 2028-09", "to 2029-09"]
    assert labels("2027-10", 13) == ["to 2028-09", "to 2028-10 (1 month)"]
    assert labels("2027-04", 8) == ["2027 Q2", "2027 Q3", "2027 Q4 (2 months)"]
    assert labels("2027-02", 1) == ["to 2027-02 (1 month)"]


def test_a_requirement_that_nobody_can_tell_is_said(here: Path) -> None:
    one = plan(read_case(str(here / "ranges.yaml")), draws=0)
    assert words.feasible(one, one.prospect("own")) == "operations?"
    said = "`needs_engineers` is not stated, and the team has 2"
    assert said in [n.text for n in one.warnings if n.option == "own" and n.grave]
    assert f" But {said}." in words.verdict(one._replace(best="own"))


def test_few_draws_that_serve_are_said(found: Plan) -> None:
    outlook = found.prospect("rented").outlook
    assert outlook is not None
    share = float(outlook.able.all(axis=0).mean())
    assert 0 < share < 1
    assert words.feasible(found, found.prospect("rented")) == f"in {share:.0%} of draws".replace("%", " %")


# -- pictures ---------------------------------------------------------------------------------------------------------


def test_the_chart_marks_payback_and_stops_where_an_option_is_full(found: Plan, variants: dict[str, Plan]) -> None:
    text = "\n".join(_plain(found))
    assert "B owned (× Jan 2028)" in text
    full = _plain(variants["full"])
    columns = [i for line in full[1:12] for i, character in enumerate(line[11:]) if character == "A"]
    last = max(i for i in range(36) if variants["full"].prospect("rented").feasible(i))
    assert max(columns) == pytest.approx((last + 1) / 36 * 65, abs=1)  # 66 columns of 80 are drawn on
    assert chart(variants["alone"]._replace(months=variants["alone"].months[:1]), 80) is None


def _plain(one: Plan) -> list[str]:
    from rich.console import Console

    console = Console(width=80, file=io.StringIO(), color_system=None)
    drawn = chart(one, 80)
    assert drawn is not None
    with console.capture() as capture:
        console.print(drawn)
    return capture.get().splitlines()


def test_every_plan_is_drawn(found: Plan, variants: dict[str, Plan]) -> None:
    for one in (found, *variants.values()):
        assert draw(one).startswith(b"\x89PNG")
