"""What a change does to all that is paid over the plan: split by cause, limited, and when the answer turns."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from conftest import FROZEN, Build, Data, one_of, some_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_diff_split import BASE, CATALOGUE_LATER, GONE, QUICK, Edit, both, changed, pairs, put, side
from typer.testing import CliRunner, Result

from tco.analysis.case import Case
from tco.analysis.change import change as module
from tco.analysis.change.causes import CAUSES
from tco.analysis.change.change import change
from tco.analysis.change.composition import Composition
from tco.analysis.change.record import Change, Measure
from tco.analysis.plan import plan
from tco.cli.app import app
from tco.document import Faults

F = Fraction
D = Decimal


def total(found: Change, option: str) -> Measure:
    (one,) = [o.total for o in found.options if o.name == option]
    assert one is not None
    return one


def parts(found: Change, option: str) -> dict[tuple[str, ...], Fraction]:
    return {p.causes: p.exact for p in total(found, option).parts}


def paid(case: Case, option: str) -> Fraction:
    """All that `tco plan` has as payments, unrounded."""
    one = next(p for p in plan(case, draws=0).prospects if p.name == option)
    return sum((v for line in one.payments for v in line.exact), F(0))


def growing(price: str = "$12/1M tokens", months: int = 4, **projection: Any) -> Data:
    """$365 a month for each 1M tokens a day, 1M of which are planned; `own` costs $1,000 a month whatever comes."""
    return {
        "workload": {"volume": "1M tokens/day", "input_tokens": 5, "output_tokens": 5},
        "options": {
            "api": {"kind": "api", "price": {"blended": price}},
            "own": {"kind": "self_hosted", "all_in": "$1000/month"},
        },
        "current": "api",
        "projection": {"start": "2027-01", "months": months, **projection},
    }


# -- one change, one cause --------------------------------------------------------------------------------------------


def test_growth_alone_changes_no_month_and_the_whole(build: Build) -> None:
    """Nothing grows; then it doubles each month: 1 + 2 + 4 + 8 months' worth instead of 4."""
    found = changed(build, growing(), growing(growth="100%/month"))
    assert found.bill.amount == 0
    assert found.spend is not None
    assert (found.spend.bill.was, found.spend.bill.now) == (D(4 * 365), D((1 + 2 + 4 + 8) * 365))
    assert parts(found, "api") == {("volume",): F((1 + 2 + 4 + 8 - 4) * 365)}
    assert found.status == "changed"
    own = total(found, "own")
    assert (own.before, own.amount, own.parts) == (D(4000), D(0), ())


def test_price_and_growth_share_what_they_do_together(build: Build) -> None:
    """15 and 4 months' worth, at 365 and at 730."""
    found = changed(build, growing(), growing("$24/1M tokens", growth="100%/month"))
    price = F((4 * 730 - 4 * 365) + (15 * 730 - 15 * 365), 2)
    volume = F((15 * 365 - 4 * 365) + (15 * 730 - 4 * 730), 2)
    assert parts(found, "api") == {("price",): price, ("volume",): volume}
    (api,) = [o.month for o in found.options if o.name == "api"]
    assert {p.causes: p.exact for p in api.parts} == {("price",): F(365)}, "a month grows by the price alone"


PEOPLE = put(growing(), "options.own.people", {"fte": 1, "cost": "120k USD/year"})
LUMPS = put(growing(), "options.own.one_offs", {"move": "$500"})


@pytest.mark.parametrize(
    ("old", "path", "value", "option", "cause", "amount"),
    [
        (growing(), "projection.price_decline", {"api": "50%"}, "api", "price", None),
        (growing(), "projection.volumes", {"2027-03": "3M tokens/day"}, "api", "volume", F(2 * 2 * 365)),
        (growing(), "projection.seasonality", {"feb": "150%"}, "api", "volume", F(365, 2)),
        (growing(), "projection.months", 6, "api", "plan", F(2 * 365)),
        (growing(seasonality={"feb": "200%"}), "projection.start", "2027-02", "api", "plan", F(0)),
        (growing(seasonality={"feb": "200%"}), "projection.start", "2027-03", "api", "plan", F(-365)),
        (growing(), "options.own.one_offs", {"move": "$500"}, "own", "price", F(500)),
        (LUMPS, "current", "own", "own", "plan", F(-500)),
        (PEOPLE, "projection.salary_growth", "21%", "own", "people", None),
        (PEOPLE, "options.own.people.fte", 2, "own", "people", F(4 * 10_000)),
        (growing(), "options.own.time_to_production", "2 months", "own", "price", F(2 * 365)),
    ],
)
def test_one_key_has_one_cause(
    build: Build, old: Data, path: str, value: Any, option: str, cause: str, amount: Fraction | None
) -> None:
    new = put(old, path, value)
    found = change(side(build(old)), side(build(new)), option)
    rise = paid(build(new), option) - paid(build(old), option)
    assert parts(found, option) == ({(cause,): rise} if rise else {})
    assert amount is None or rise == amount
    key = next(k for k in found.changed if k.path.startswith(path) or path.startswith(k.path))
    assert key.cause == cause


def test_a_discount_rate_changes_no_payment(build: Build) -> None:
    found = changed(build, growing(), growing(discount_rate="10%"))
    assert total(found, "api").amount == 0
    assert [(k.path, k.cause) for k in found.changed] == [("projection.discount_rate", None)]


def later(day: str, price: str) -> Data:
    """The catalogue with one more dated price of `plain`."""
    row = {**FROZEN["models"]["plain"]["prices"][0], "as_of": day, "input_per_mtok": D(price)}
    plain = {**FROZEN["models"]["plain"], "prices": [*FROZEN["models"]["plain"]["prices"], row]}
    return {**FROZEN, "models": {**FROZEN["models"], "plain": plain}}


def test_a_price_of_later_is_a_price(build: Build) -> None:
    """$2.5 per 1M tokens becomes $3.5 from March on: of four months two, of half the tokens."""
    data = put(growing(), "options.api", {"kind": "api", "model": "frozen/plain"})
    found = changed(build, data, data, FROZEN, later("2027-03-01", "3.5"))
    assert found.bill.amount == 0
    assert parts(found, "api") == {("price",): 2 * F(365, 12) * F(1, 2) * 1}
    (key,) = [k for k in found.changed if k.cause == "price"]
    assert (key.path, key.before) == ("frozen/plain: from 2027-03-01", None)
    assert key.after is not None and "input_per_mtok: 3.5" in key.after
    moved = changed(build, data, data, later("2027-03-01", "3.5"), later("2027-02-01", "3.5"))
    assert parts(moved, "api") == {("price",): 1 * F(365, 12) * F(1, 2) * 1}
    assert [(k.before is None, k.path) for k in moved.changed if k.cause == "price"] == [
        (True, "frozen/plain: from 2027-02-01"), (False, "frozen/plain: from 2027-03-01"),
    ]  # fmt: skip


def test_a_price_of_later_is_told_apart_from_the_volume(build: Build) -> None:
    """The later price holds in March and April, in which 4 + 8 times the traffic comes instead of 1 + 1."""
    old = put(growing(), "options.api", {"kind": "api", "model": "frozen/plain"})
    new = put(old, "projection.growth", "100%/month")
    found = changed(build, old, new, FROZEN, later("2027-03-01", "3.5"))
    month, more = F(365, 12), F(1, 2)
    usual = (F("2.5") + 10) / 2 * month
    dearer = (2 + 12) * more * month / 2
    assert parts(found, "api") == {("price",): dearer, ("volume",): (15 - 4) * usual + (12 - 2) * more * month / 2}


def test_a_projection_that_comes_is_split_by_its_keys(build: Build) -> None:
    """Without one, the volume of today is held for 36 months from the month after `as_of`."""
    new = growing(months=48, growth="1%/month", price_decline={"api": "20%"})
    old = {k: v for k, v in new.items() if k != "projection"}
    for one, other in ((old, new), (new, old)):
        found = changed(build, one, other)
        assert set(parts(found, "api")) == {("price",), ("volume",), ("plan",)}
        assert {k.path for k in found.changed} == {f"projection.{key}" for key in new["projection"]}
        assert found.spend is not None and found.spend.stated == (one is new, other is new)


def test_nothing_is_planned_without_a_projection(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "planned", None)
    found = changed(build, {**BASE, "current": "api"}, {**BASE, "current": "own"})
    assert found.spend is None and all(o.total is None for o in found.options)
    assert found.causes == () and [k.cause for k in found.changed] == [None]


def test_a_projection_that_does_not_fit_is_said_of_both_sides(build: Build) -> None:
    far = [{"month": "2031-01", "factor": 2, "days": 1}]
    with pytest.raises(Faults) as problem:
        changed(build, growing(spikes=far), growing(months=5, spikes=far))
    assert [f.message for f in problem.value.faults] == ["2031-01 is not planned"] * 2


def test_what_runs_today_and_its_time_to_production_go_together(build: Build) -> None:
    """What runs today needs no time: between the ends there is no plan, and the two are one cause."""
    old = put(growing(), "options.own.time_to_production", "2 months")
    new = {**growing(growth="5%/month"), "current": "own"}
    assert set(parts(changed(build, old, new), "own")) == {("price", "plan"), ("volume",)}


def test_an_option_that_cannot_be_composed_spoils_no_other(build: Build) -> None:
    old = growing()
    new = put(growing("$24/1M tokens", growth="5%/month"), "options.own", {"kind": "api", "model": "frozen/plain"})
    found = changed(build, old, new)
    assert set(parts(found, "api")) == {("price",), ("volume",)}


def test_a_part_of_others_that_is_asked_for_is_planned_too(build: Build) -> None:
    old = put(growing(), "options.own.candidate", False)
    new = put(old, "options.own.all_in", "$1500/month")
    found = change(side(build(old)), side(build(new)), "own")
    assert found.spend is not None
    assert (found.spend.bill.before, found.spend.bill.was, found.spend.bill.now) == ("own", D(4000), D(6000))
    assert [turn.taken for turn in found.spend.turns] == [], "it is in no answer"
    assert parts(found, "own") == {("price",): F(2000)}


def test_of_many_options_only_those_of_the_bill_are_split(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SPLIT", 1)
    found = changed(build, growing(), {**growing(growth="5%/month"), "current": "own"})
    assert all(total(found, name).split for name in ("api", "own")), "before it was one, after it is the other"
    found = changed(build, growing(), growing("$13/1M tokens", growth="5%/month"))
    assert (total(found, "api").split, total(found, "own").split) == (True, False)
    assert sum(parts(found, "api").values()) == total(found, "api").exact[1] - total(found, "api").exact[0]


def test_what_runs_today_is_behind_every_plan(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until `own` serves, `api` is paid for: the two are planned alone, without the third option."""
    monkeypatch.setattr(module, "MOST_SPLIT", 1)
    old = put(
        put(growing(), "options.own.time_to_production", "2 months"), "options.third", growing()["options"]["own"]
    )
    new = put(put(old, "projection.growth", "100%/month"), "options.own.all_in", "$1500/month")
    found = change(side(build(old)), side(build(new)), "own")
    assert parts(found, "own") == {("price",): F(4 * 500), ("volume",): F((1 + 2 - 2) * 365)}
    assert not total(found, "third").split


def test_each_plan_is_made_once(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three causes there are six plans between the ends, for both measures and all options."""
    built: list[tuple[Any, ...]] = []
    made: list[tuple[Any, ...]] = []
    build_one, total_one = Composition._build, Composition._totals

    def counted(self: Composition, *about: Any) -> Any:
        built.append(about)
        return build_one(self, *about)

    def planned(self: Composition, *about: Any) -> Any:
        made.append(about)
        return total_one(self, *about)

    monkeypatch.setattr(Composition, "_build", counted)
    monkeypatch.setattr(Composition, "_totals", planned)
    changed(build, growing(), growing("$13/1M tokens", months=5, growth="5%/month"))
    assert len(built) == len(made) == 2**3 - 2


def test_a_new_scenario_is_all_change(build: Build) -> None:
    found = change(None, side(build(growing())))
    assert found.spend is not None and found.spend.bill.amount == D(4 * 365)
    gone = change(side(build(growing())), None)
    assert gone.spend is not None and gone.spend.bill.amount == -D(4 * 365)


# -- when the cheapest option changes ---------------------------------------------------------------------------------


class TestTurns:
    def test_before_and_after(self, build: Build) -> None:
        """$1,000 are passed with the third doubling of 365; with the second, where it begins at 730."""
        found = changed(build, growing(growth="100%/month"), growing("$24/1M tokens", growth="100%/month"))
        assert found.spend is not None
        (turn,) = found.spend.turns
        assert (turn.left, turn.taken, turn.first) == ("api", "own", False)
        assert [str(m) for m in (*turn.before, *turn.after)] == ["2027-03", "2027-02"]

    def test_the_first_month_where_it_is_another_option(self, build: Build) -> None:
        found = changed(build, growing(), growing("$48/1M tokens"))
        assert found.spend is not None
        assert [(t.taken, t.first, len(t.before), len(t.after)) for t in found.spend.turns] == [
            ("api", True, 1, 0), ("own", True, 0, 1),
        ]  # fmt: skip

    def test_a_turn_alone_is_a_change(self, build: Build) -> None:
        """A limit of 300 requests a minute: 100 come today, and in the range looked at there are never so many.
        In the plan they come in March: nothing costs more, and another option takes over."""
        small = put(growing(growth="100%/month"), "workload.volume", "144k requests/day")
        small["options"]["small"] = {"kind": "api", "price": {"blended": "$6/1M tokens"}}
        small["options"]["own"]["all_in"] = "$9000/month"
        small["range"] = {"from": "100k requests/day", "to": "200k requests/day"}
        limit = {"requests_per_minute": 300, "hard": True}
        found = changed(build, small, put(small, "options.small.rate_limit", limit))
        assert found.shifts == () and found.changed == ()
        assert all(o.month.amount == 0 and total(found, o.name).amount == 0 for o in found.options)
        assert found.spend is not None
        (turn,) = found.spend.turns
        assert (turn.left, turn.taken, turn.before) == ("small", "api", ())
        assert [str(m) for m in turn.after] == ["2027-03"], "100, 200, 400 a minute"
        assert found.status == "changed"


# -- conservation -----------------------------------------------------------------------------------------------------

PROJECTIONS = some_of(
    start=one_of("2026-12", "2027-02"),
    months=st.integers(2, 5),
    growth=one_of("4%/month", "-1%/month", "30%/year", {"2027-02": "7%"}),
    seasonality=one_of({"jan": "130%"}, {"mar": "80%"}),
    price_decline=one_of({"api": "20%"}, {"gpu": "15%"}, {"api": "5%", "gpu": "9%"}),
    salary_growth=one_of("3%", "5%"),
    discount_rate=one_of("8%"),
)
ROWS: Data = later("2027-02-01", "3.1")


@st.composite
def plans(draw: st.DrawFn) -> tuple[Data, list[Edit]]:
    """A scenario with a projection, and changes of it that change how it goes on as well."""
    old, edits = draw(pairs())
    keys, others = draw(PROJECTIONS), draw(PROJECTIONS)
    edits += [(("projection", key), others.get(key, GONE)) for key in {**keys, **others} if draw(st.booleans())]
    today = [draw(one_of(None, "api", "fleet")) for _ in range(2)]
    edits += [(("current",), today[1] or GONE)]
    months = {"months": 3, **keys}
    return {**old, "projection": months, **({"current": today[0]} if today[0] else {})}, edits


def fits(case: Case) -> bool:
    try:
        plan(case, draws=0)
    except Faults:
        return False
    return True


@settings(QUICK, max_examples=8)
@given(pair=plans(), dated=st.booleans())
def test_causes_sum_to_the_whole_change_of_what_is_paid(
    build: Build, pair: tuple[Data, list[Edit]], dated: bool
) -> None:
    old, new = both(build, pair)
    catalogues = (FROZEN, ROWS if dated else CATALOGUE_LATER)
    cases = [build(data, catalogue) for data, catalogue in zip((old, new), catalogues, strict=True)]
    assume(all(map(fits, cases)))
    there, back = changed(build, old, new, *catalogues), changed(build, new, old, *catalogues[::-1])
    assert there.spend is not None
    for option in there.options:
        one, other = total(there, option.name), total(back, option.name)
        assert one.exact == (paid(cases[0], option.name), paid(cases[1], option.name))
        assert sum((p.exact for p in one.parts), F(0)) == one.exact[1] - one.exact[0]
        assert sum((p.amount for p in one.parts), D(0)) == one.amount == (one.after or D(0)) - (one.before or D(0))
        causes = [c for p in one.parts for c in p.causes]
        assert len(causes) == len(set(causes)) and set(causes) <= set(there.causes)
        assert {p.causes: (-p.exact, -p.amount) for p in other.parts} == {
            p.causes: (p.exact, p.amount) for p in one.parts
        }


@settings(QUICK, max_examples=15)
@given(pair=plans())
def test_the_ends_of_the_composition_are_the_plans(build: Build, pair: tuple[Data, list[Edit]]) -> None:
    """No key is lost between the causes: with none changed it is the old plan, with all the new one."""
    old, new = both(build, pair)
    cases = build(old, ROWS), build(new, ROWS)
    assume(all(map(fits, cases)))
    names = list(old["options"])
    composition = Composition(*cases, names)
    for case, chosen in zip(cases, (frozenset[str](), frozenset(CAUSES)), strict=True):
        for name in names:
            assert composition.total(name, chosen) == paid(case, name), name


# -- as it is used ----------------------------------------------------------------------------------------------------

SCENARIO = """\
name: Chat
as_of: 2026-11-21
catalogs: [.]
traffic_days_per_month: 30
workload: {volume: 1M tokens/day, input_tokens: 5, output_tokens: 5}
options:
  api: {kind: api, price: {blended: $10/1M tokens}}
  own: {kind: self_hosted, all_in: $500/month}
current: api
projection:
  start: 2027-01
  months: 4
  growth: 0%
"""
PLAIN = SCENARIO.partition("projection:")[0]
BEFORE, AFTER = 4 * 300, (1 + 2 + 4 + 8) * 300


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for key, value in {"COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}.items():
        monkeypatch.setenv(key, value)
    (tmp_path / "old.yaml").write_text(SCENARIO)
    (tmp_path / "new.yaml").write_text(SCENARIO.replace("growth: 0%", "growth: 100%/month"))
    return tmp_path


def tco(*words: str) -> Result:
    done = CliRunner().invoke(app, ["diff", *words], prog_name="tco")
    assert not isinstance(done.exception, Exception), done.exception
    return done


class TestOutputs:
    def test_text(self, here: Path) -> None:
        done = tco("old.yaml", "new.yaml")
        text = " ".join(done.stdout.split())
        assert done.exit_code == 0
        assert "costs $300.00 a month, as before." in text
        rise = AFTER - BEFORE
        assert (
            f"Over 4 months from Jan 2027 it pays ${AFTER:,}.00 instead of ${BEFORE:,}.00: "
            f"${rise:,}.00 more ({100 * rise // BEFORE} %)." in text
        )
        assert f"api {BEFORE:,}.00 {AFTER:,}.00 +{rise:,}.00 +{100 * rise // BEFORE} %" in text
        assert f"volume 0.00 +{rise:,}.00 projection.growth: 0% → 100%/month (new.yaml:13)" in text
        assert "When the cheapest option changes" in text and "api own – Feb 2027" in text

    def test_json(self, here: Path) -> None:
        (found,) = json.loads(tco("old.yaml", "new.yaml", "--json").stdout)["scenarios"]
        assert found["bill"]["change"] == "0.00"
        bill = found["plan"]["bill"]
        assert (bill["before"], bill["after"], bill["change"]) == (
            f"{BEFORE}.00", f"{AFTER}.00", f"{AFTER - BEFORE}.00",
        )  # fmt: skip
        assert bill["share"] == (AFTER - BEFORE) / BEFORE
        api, own = (o["in_total"] for o in found["options"])
        assert api["by_cause"] == [
            {"causes": ["volume"], "change": f"{AFTER - BEFORE}.00", "change_unrounded": float(AFTER - BEFORE)}
        ]  # fmt: skip
        assert own["by_cause"] == []
        before, after = (found["plan"][side] for side in ("before", "after"))
        assert before["cheapest_changes"] == []
        assert [(t["month"], t["before"], t["after"]) for t in after["cheapest_changes"]] == [("2027-02", "api", "own")]
        assert (after["start"], after["months"], after["projection_stated"]) == ("2027-01", 4, True)

    def test_comment(self, here: Path) -> None:
        text = tco("old.yaml", "new.yaml", "--md").stdout
        rise = f"{AFTER - BEFORE:,}.00"
        assert rf"### Cost of Chat: \$0.00 a month (0 %), \+\${rise} over 4 months (+275 %)" in text
        assert rf"| new.yaml | api | \$300.00 | \$300.00 | \$0.00 | 0 % | \+\${rise} (+275 %) | api |" in text
        assert f"<summary>new.yaml: in all: volume +{rise}</summary>" in text

    def test_other_months_are_said(self, here: Path) -> None:
        (here / "new.yaml").write_text(SCENARIO.replace("months: 4", "months: 6").replace("2027-01", "2027-03"))
        done = tco("old.yaml", "new.yaml")
        text = " ".join(done.stdout.split())
        assert (
            "It pays $1,800.00 over 6 months from Mar 2027; before, $1,200.00 over 4 months from Jan 2027: "
            "$600.00 more (50 %). The plan begins in Mar 2027 instead of Jan 2027 and is 6 months long instead of 4."
        ) in text
        assert "plan 0.00 +600.00 projection.start: 2027-01 → 2027-03" in text
        assert json.loads(tco("old.yaml", "new.yaml", "--json").stdout)["scenarios"][0]["plan"]["same_months"] is False

    def test_no_projection_is_said(self, here: Path) -> None:
        (here / "old.yaml").write_text(PLAIN)
        done = tco("old.yaml", "new.yaml")
        assert "Before the change there is no `projection`: its volume and prices are held." in done.stdout
        assert "36 months from Dec 2026" in done.stdout

    def test_none_on_either_side_says_nothing_of_it(self, here: Path) -> None:
        for name in ("old", "new"):
            (here / f"{name}.yaml").write_text(PLAIN)
        done = tco("old.yaml", "new.yaml", "--json")
        (found,) = json.loads(done.stdout)["scenarios"]
        assert found["plan"] is None and all(o["in_total"] is None for o in found["options"])
        assert "months from" not in tco("old.yaml", "new.yaml").stdout

    def test_several_scenarios_have_a_column_for_it(self, here: Path) -> None:
        for folder, text in (("a", "old"), ("b", "new")):
            (here / folder).mkdir()
            (here / folder / "chat.yaml").write_text((here / f"{text}.yaml").read_text())
            more = PLAIN if folder == "a" else PLAIN.replace("1M tokens/day", "2M tokens/day")
            (here / folder / "plain.yaml").write_text(more)
        text = tco("a", "b", "--md").stdout
        assert "| change a month | % | change in all | recommended |" in text
        rows = {line.split(" | ")[0]: line.split(" | ")[6] for line in text.splitlines() if line.startswith("| b/")}
        assert rows == {"| b/chat.yaml": rf"\+\${AFTER - BEFORE:,}.00 (+275 %)", "| b/plain.yaml": "–"}

    def test_a_fault_of_the_plan_has_its_place(self, here: Path) -> None:
        (here / "new.yaml").write_text(f"{SCENARIO}  volumes: {{2029-01: 2M tokens/day}}\n")
        done = tco("old.yaml", "new.yaml")
        assert done.exit_code == 2 and "new.yaml:14:" in done.stderr and "2029-01 comes after the plan" in done.stderr

    def test_as_from_a_baseline(self, here: Path) -> None:
        assert tco("--save", "baseline.json", "old.yaml").exit_code == 0
        (here / "old.yaml").write_text((here / "new.yaml").read_text())
        (found,) = json.loads(tco("--baseline", "baseline.json", "old.yaml", "--json").stdout)["scenarios"]
        assert found["plan"]["bill"]["change"] == f"{AFTER - BEFORE}.00"


class TestLimits:
    RISE = AFTER - BEFORE

    @pytest.mark.parametrize(
        ("limit", "code"),
        [
            (f"{AFTER - BEFORE}", 0), (f"{AFTER - BEFORE - 1}.99", 3), (f"${AFTER - BEFORE}", 0), ("$3.2k", 3),
            ("275%", 0), ("274.999%", 3), ("0", 3), ("0%", 3), ("1M", 0),
        ],
    )  # fmt: skip
    def test_exactly_at_the_limit_is_within(self, here: Path, limit: str, code: int) -> None:
        done = tco("old.yaml", "new.yaml", "--max-total-increase", limit)
        assert done.exit_code == code
        what = "Within" if code == 0 else "Above"
        assert f"{what} the limit of {limit} in all: +${self.RISE:,}.00 over 4 months (+275 %)." in done.stdout

    def test_it_is_another_limit_than_the_monthly_one(self, here: Path) -> None:
        words = ("old.yaml", "new.yaml", "--max-increase", "0")
        assert tco(*words).exit_code == 0
        done = tco(*words, "--max-total-increase", "5k", "--max-total-increase", "10%", "--json")
        assert done.exit_code == 3
        (found,) = json.loads(done.stdout)["scenarios"]
        assert [(v["of"], v["max_increase"], v["status"]) for v in found["limits"]] == [
            ("month", "0", "within"), ("total", "5k", "within"), ("total", "10%", "crossed"),
        ]  # fmt: skip

    def test_another_exit_code(self, here: Path) -> None:
        assert tco("old.yaml", "new.yaml", "--max-total-increase", "1", "--exit-code", "17").exit_code == 17

    def test_another_option(self, here: Path) -> None:
        assert tco("old.yaml", "new.yaml", "--max-total-increase", "0", "--option", "own").exit_code == 0

    def test_less_is_within_any(self, here: Path) -> None:
        assert tco("new.yaml", "old.yaml", "--max-total-increase", "0", "--max-total-increase", "0%").exit_code == 0

    def test_without_a_projection_it_is_no_pass(self, here: Path) -> None:
        for name in ("old", "new"):
            (here / f"{name}.yaml").write_text(PLAIN)
        done = tco("old.yaml", "new.yaml", "--max-total-increase", "10%")
        assert done.exit_code == 2
        assert "The limit of 10% in all could not be evaluated: no side has a `projection`" in done.stdout

    def test_per_cent_of_nothing_is_no_pass(self, here: Path) -> None:
        (here / "old.yaml").write_text(SCENARIO.replace("$10/1M", "$0/1M"))
        done = tco("old.yaml", "new.yaml", "--max-total-increase", "10%")
        assert done.exit_code == 2 and "nothing was paid before" in done.stdout

    def test_in_another_currency_is_no_pass(self, here: Path) -> None:
        done = tco("old.yaml", "new.yaml", "--max-total-increase", "€5k")
        assert done.exit_code == 2 and "counts in USD" in done.stdout
