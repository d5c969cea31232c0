"""The split of a change by cause: whole, fair, and the same in whatever order causes are looked at."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial
from typing import Any

import pytest
from conftest import FROZEN, Build, Data, api, dedicated, hybrids, self_hosted, workloads
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tco.analysis.case import Case
from tco.analysis.change.causes import CAUSES, SECTIONS, cause_of, pattern
from tco.analysis.change.change import change
from tco.analysis.change.composition import Composition, composed, costs
from tco.analysis.change.keys import differing
from tco.analysis.change.record import Change
from tco.analysis.change.shapley import finest, in_cents, shapley
from tco.analysis.change.side import Side
from tco.catalog.store import SECTIONS as KNOWN_SECTIONS
from tco.document import Faults
from tco.lineitem import Exact
from tco.options.base import OptionSpec
from tco.options.kinds import kind, kinds
from tco.scenario.model import Scenario
from tco.scenario.projection import Projection

F = Fraction
D = Decimal
TODAY = date(2026, 11, 21)
QUICK = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=40,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def side(case: Case) -> Side:
    return Side(case.document, TODAY, lambda _: case.store)


def changed(build: Build, old: Data, new: Data, *catalogues: Data) -> Change:
    """The change between two scenarios, each with a catalogue of its own."""
    was, now = catalogues or (FROZEN, FROZEN)
    return change(side(build(old, was)), side(build(new, now)))


def parts(found: Change, option: str) -> dict[tuple[str, ...], Fraction]:
    (one,) = [o for o in found.options if o.name == option]
    return {p.causes: p.exact for p in one.month.parts}


def doubling(price: str, volume: str) -> Data:
    return {
        "traffic_days_per_month": 30,
        "workload": {"volume": volume, "input_tokens": 1, "output_tokens": 0},
        "options": {"api": {"kind": "api", "price": {"input": price}}},
    }


class TestShapley:
    def test_what_two_do_together_is_shared_equally(self, build: Build) -> None:
        """Price and volume both double: 1 becomes 4. Either alone adds 1, both together 3: 1.5 each."""
        old, new = doubling("$1/1M tokens", "1M tokens/day"), doubling("$2/1M tokens", "2M tokens/day")
        found = parts(changed(build, old, new), "api")
        assert found == {("price",): F(3, 2) * 30, ("volume",): F(3, 2) * 30}

    def test_every_order_counts_once(self) -> None:
        """Of three players, the mean over the six orders by hand."""
        worth = {"": 0, "a": 12, "b": 6, "c": 3, "ab": 30, "ac": 21, "bc": 9, "abc": 60}

        def value(players: frozenset[str]) -> Fraction:
            return F(worth["".join(sorted(players))])

        orders = ["abc", "acb", "bac", "bca", "cab", "cba"]
        expected = {
            p: sum((value(frozenset(o[: o.index(p) + 1])) - value(frozenset(o[: o.index(p)])) for o in orders), F(0))
            / factorial(3)
            for p in "abc"
        }
        assert shapley("abc", value) == expected
        assert sum(expected.values()) == 60

    @QUICK
    @given(worth=st.lists(st.integers(-1000, 1000), min_size=16, max_size=16), dummy=st.integers(0, 3))
    def test_whole_symmetric_and_nothing_for_nothing(self, worth: list[int], dummy: int) -> None:
        players = "abcd"
        subsets = [frozenset(c) for n in range(5) for c in combinations(players, n)]
        table = dict(zip(subsets, map(F, worth), strict=True))

        def value(chosen: frozenset[str]) -> Fraction:
            return table[chosen - {players[dummy]}]

        found = shapley(players, value)
        assert sum(found.values()) == value(frozenset(players)) - value(frozenset())
        assert found[players[dummy]] == 0
        backwards = shapley(players[::-1], value)
        assert backwards == found
        negated = shapley(players, lambda chosen: value(frozenset(players) - chosen))
        assert negated == {p: -x for p, x in found.items()}


class TestGroups:
    def test_all_apart_where_everything_is_known(self) -> None:
        assert set(finest(CAUSES, lambda _: True)) == {(c,) for c in CAUSES}

    def test_two_that_only_fit_together_are_one(self) -> None:
        def known(chosen: frozenset[str]) -> bool:
            return len(chosen & {"price", "capacity"}) != 1

        others = {(cause,) for cause in CAUSES if cause not in ("price", "capacity")}
        assert set(finest(CAUSES, known)) == {("price", "capacity"), *others}

    def test_what_two_blocks_make_together_must_be_known_too(self) -> None:
        """Each of three is known alone, and so are two of the pairs: the third pair decides."""
        unknown = frozenset({"price", "volume"})
        blocks = finest(("price", "volume", "mix"), lambda chosen: chosen != unknown)
        assert set(blocks) in ({("price", "mix"), ("volume",)}, {("price",), ("volume", "mix")})

    def test_at_worst_all_together(self) -> None:
        assert finest(CAUSES, lambda chosen: len(chosen) in (0, len(CAUSES))) == (CAUSES,)

    def test_none_of_none(self) -> None:
        assert finest((), lambda _: True) == ()


class TestCents:
    def test_the_largest_remainder_gets_the_cent(self) -> None:
        thirds = dict.fromkeys("abc", F(1, 3))
        assert in_cents(thirds, D("1.00")) == {"a": D("0.34"), "b": D("0.33"), "c": D("0.33")}

    def test_a_total_of_rounded_lines_is_met_too(self) -> None:
        """A third and two thirds are 0.33 and 0.67; two cents that rounded lines add are the larger part's."""
        assert in_cents({"a": F(1, 3), "b": F(2, 3)}, D("1.02")) == {"a": D("0.33"), "b": D("0.69")}

    def test_nothing_stays_nothing(self) -> None:
        assert in_cents({"a": F(0), "b": F(1, 2)}, D("0.53")) == {"a": D("0.00"), "b": D("0.53")}

    @QUICK
    @given(
        st.lists(st.fractions(-1000, 1000, max_denominator=999), min_size=1, max_size=5),
        st.integers(-3, 3),
    )
    def test_they_sum_to_the_whole_and_turn_with_it(self, amounts: list[Fraction], off: int) -> None:
        exact = dict(enumerate(amounts))
        whole = D(round(sum(amounts) * 100) + off).scaleb(-2)
        found = in_cents(exact, whole)
        assert sum(found.values()) == whole
        assert all(abs(F(found[i]) - x) < F(2 + abs(off), 100) for i, x in exact.items())
        assert in_cents({i: -x for i, x in exact.items()}, -whole) == {i: -x for i, x in found.items()}


class TestTable:
    """Every key has a cause that somebody decided."""

    def keys(self, model: type[BaseModel], path: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [(*path, info.alias or name) for name, info in model.model_fields.items()]

    def test_every_key_of_every_kind(self) -> None:
        for name in kinds():
            spec: type[OptionSpec] = kind(name).Spec
            undecided = [p for p in self.keys(spec, ("options", "x")) if pattern(p) in (None, ("options", "*"))]
            assert not undecided, f"{name}: decide the cause of {undecided} in analysis/change/causes.py"

    def test_every_key_of_a_scenario(self) -> None:
        undecided = [p for p in self.keys(Scenario, ()) if pattern(p) is None]
        assert not undecided, f"decide the cause of {undecided} in analysis/change/causes.py"

    def test_every_key_of_a_projection(self) -> None:
        found = self.keys(Projection, ("projection",))
        undecided = [p for p in found if pattern(p) in (None, ("projection",))]
        assert not undecided, f"decide the cause of {undecided} in analysis/change/causes.py"

    def test_no_row_names_a_key_that_is_none(self) -> None:
        known = {p[2] for name in kinds() for p in self.keys(kind(name).Spec, ("options", "x"))}
        from tco.analysis.change import causes

        rows = {row[2] for row in causes._table() if len(row) > 2 and row[0] == "options"}
        assert rows <= known, f"no such keys any more: {rows - known}"

    def test_every_section_of_a_catalogue(self) -> None:
        assert set(SECTIONS) == {*KNOWN_SECTIONS, "exchange_rates"}

    @pytest.mark.parametrize(
        ("path", "cause"),
        [
            ("workload.volume", "volume"),
            ("workload.classes.draft.input_tokens", "mix"),
            ("workload.load", "mix"),
            ("options.own.capacity.requests_per_s", "capacity"),
            ("options.own.reserved.replicas", "capacity"),
            ("options.own.reserved.price", "price"),
            ("options.own.owned.power.watts", "capacity"),
            ("options.own.owned.power.price", "price"),
            ("options.own.people.fte", "people"),
            ("options.mix.routes.small", "mix"),
            ("options.api.price.input", "price"),
            ("options.api.label", None),
            ("projection.growth", "volume"),
            ("projection.price_decline.api", "price"),
            ("projection.salary_growth", "people"),
            ("projection.months", "plan"),
            ("current", "plan"),
            ("projection.discount_rate", None),
            ("options.from-outside.of_its_own", "price"),
            ("requirements.data", None),
            ("as_of", "price"),
        ],
    )
    def test_rows(self, path: str, cause: str | None) -> None:
        assert cause_of(tuple(path.split("."))) == cause

    def test_a_key_that_names_an_entry_goes_with_its_section(self, build: Build) -> None:
        """Or a composed scenario would look up a name of one side in the catalogue of the other."""
        named = {
            "options": {
                "api": {"kind": "api", "model": "frozen/rich", "people": {"fte": 1, "role": "frozen/engineer"}},
                "own": {"kind": "self_hosted", "gpu": "frozen/box", "capacity": "frozen/known"},
                "unit": {"kind": "dedicated", "endpoint": "frozen/slice"},
            }
        }
        case = build({"workload": {"volume": "1M tokens/day", "input_tokens": 9, "output_tokens": 1}, **named})
        for name, (_, at) in case.options.items():
            for steps, (section, _) in at.spec.references().items():
                assert cause_of(("options", name, *steps)) == SECTIONS[section], (name, steps)


# -- pairs of scenarios ----------------------------------------------------------------------------------------------


Edit = tuple[tuple[str, ...], Any]
GONE = object()


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Data, list[Edit]]:
    """A scenario, and changes of it: keys that take the values of another one, or go, or whole options."""
    rates = {"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    workload = draw(workloads(2, 4))
    classes = list(workload.get("classes", {"request": None}))

    def options() -> Data:
        found: Data = {"api": draw(api()), "fleet": draw(self_hosted(bounded=True)), "units": draw(dedicated())}
        return found | {"mixed": draw(hybrids(classes, ["api", "units"], {}))}

    old: Data = {"exchange_rates": rates, "workload": workload, "options": options()}
    edits: list[Edit] = []
    for key, value in (
        ("volume", draw(st.sampled_from(["2300000 tokens/day", "90M tokens/month", GONE]))),
        ("overhead", draw(st.sampled_from([{"retries": "9%"}, GONE]))),
    ):
        edits += [(("workload", key), value)] if value is not GONE else []
    for name, spec in options().items():
        if draw(st.integers(0, 5)) == 0:
            edits.append((("options", name), spec))
            continue
        for key in draw(st.lists(st.sampled_from(sorted({*spec, *old["options"][name]})), max_size=4)):
            edits.append((("options", name, key), spec.get(key, GONE)))
    return old, edits


def both(build: Build, pair: tuple[Data, list[Edit]]) -> tuple[Data, Data]:
    """The scenario before and after, with those changes that leave one that can be priced."""
    old, edits = pair
    assume(prices(build, old))
    new = old
    for path, value in edits:
        changed_too: Data = deepcopy(new)
        inner = changed_too
        for step in path[:-1]:
            inner = inner[step]
        inner.pop(path[-1], None)
        if value is not GONE:
            inner[path[-1]] = value
        new = changed_too if prices(build, changed_too) else new
    return old, new


def prices(build: Build, data: Data) -> bool:
    try:
        build(data).price(Exact())
    except Faults:
        return False
    return True


CATALOGUE_LATER: Data = {
    **FROZEN,
    "models": {
        **FROZEN["models"],
        "plain": {"name": "Plain", "prices": [{**FROZEN["models"]["plain"]["prices"][0], "output_per_mtok": 12}]},
    },
    "people": {"engineer": {**FROZEN["people"]["engineer"], "per_year": 155000}},
    "capacity": {"known": {**FROZEN["capacity"]["known"], "requests_per_s": D("1.9")}},
}


@QUICK
@given(pair=pairs(), later=st.booleans())
def test_causes_sum_to_the_whole_change(build: Build, pair: tuple[Data, list[Edit]], later: bool) -> None:
    old, new = both(build, pair)
    catalogues = (FROZEN, CATALOGUE_LATER if later else FROZEN)
    there, back = changed(build, old, new, *catalogues), changed(build, new, old, *catalogues[::-1])
    assert {o.name for o in there.options} == {o.name for o in back.options} == set(old["options"])
    for option in there.options:
        one = option.month
        (other,) = [o.month for o in back.options if o.name == option.name]
        assert sum((p.exact for p in one.parts), F(0)) == one.exact[1] - one.exact[0]
        assert sum((p.amount for p in one.parts), D(0)) == one.amount == (one.after or D(0)) - (one.before or D(0))
        causes = [c for p in one.parts for c in p.causes]
        assert len(causes) == len(set(causes)) and set(causes) <= set(there.causes)
        assert {p.causes: (-p.exact, -p.amount) for p in other.parts} == {
            p.causes: (p.exact, p.amount) for p in one.parts
        }


@QUICK
@given(pair=pairs())
def test_the_ends_of_the_composition_are_the_scenarios(build: Build, pair: tuple[Data, list[Edit]]) -> None:
    """No key is lost between the causes: with none changed it is the old scenario, with all the new one."""
    old, new = both(build, pair)
    was, now = build(old), build(new)
    composition = Composition(was, now)
    for case, chosen in ((was, frozenset[str]()), (now, frozenset(CAUSES))):
        for name, cost in costs(case, case.price(Exact())).items():
            assert composition.cost(name, chosen) == cost, name
    for case, chosen in ((was, frozenset[str]()), (now, frozenset(CAUSES))):
        found = composed(was.document, now.document, chosen)
        assert found.data["options"] == case.document.data["options"]
        inside = {path for path in found.marks if path[:1] in (("workload",), ("options",))}
        assert inside == {path for path in case.document.marks if path[:1] in (("workload",), ("options",))}


def test_only_what_differs_is_played(build: Build) -> None:
    data = doubling("$1/1M tokens", "1M tokens/day")
    assert differing(build(data), build(data)) == ()
    assert changed(build, data, data).status == "unchanged"
    dearer = doubling("$2/1M tokens", "1M tokens/day")
    assert differing(build(data), build(dearer)) == ("price",)
    assert parts(changed(build, data, dearer), "api") == {("price",): F(30)}


BASE: Data = {
    "workload": {"volume": "1M tokens/day", "input_tokens": 900, "output_tokens": 300},
    "options": {
        "api": {"kind": "api", "model": "frozen/plain"},
        "own": {
            "kind": "self_hosted", "gpu": "frozen/box", "capacity": "frozen/known",
            "people": {"fte": 1, "role": "frozen/engineer"},
        },
    },
}  # fmt: skip


def put(data: Data, path: str, value: Any) -> Data:
    found: Data = deepcopy(data)
    *above, last = path.split(".")
    inner = found
    for step in above:
        inner = inner[step]
    inner[last] = value
    return found


@pytest.mark.parametrize(
    ("path", "value", "option", "cause"),
    [
        ("workload.volume", "3M tokens/day", "api", "volume"),
        ("workload.output_tokens", 400, "api", "mix"),
        ("options.api.model", "frozen/rich", "api", "price"),
        ("options.own.replicas", {"min": 2}, "own", "capacity"),
        ("options.own.people.fte", 2, "own", "people"),
    ],
)
def test_one_change_has_one_cause(build: Build, path: str, value: Any, option: str, cause: str) -> None:
    new = put(BASE, path, value)
    found = changed(build, BASE, new)
    before, after = (costs(case, case.price(Exact()))[option] for case in (build(BASE), build(new)))
    assert parts(found, option) == {(cause,): after - before}
    assert after != before


@pytest.mark.parametrize(
    ("path", "value", "option", "cause", "said"),
    [
        ("models.plain", CATALOGUE_LATER["models"]["plain"], "api", "price", "frozen/plain: output_per_mtok"),
        ("people.engineer.per_year", 200000, "own", "people", "frozen/engineer: per_year"),
        ("capacity.known.requests_per_s", D("0.001"), "own", "capacity", "frozen/known: requests_per_s"),
    ],
)
def test_a_row_of_the_catalogue_has_its_sections_cause(
    build: Build, path: str, value: Any, option: str, cause: str, said: str
) -> None:
    old = {**BASE, "current": option}
    found = changed(build, old, old, FROZEN, put(FROZEN, path, value))
    assert set(parts(found, option)) == {(cause,)}
    assert [(k.cause, k.path) for k in found.changed if k.path != "catalogs"] == [(cause, said)]


def test_keys_that_only_fit_together_are_told_as_one(build: Build) -> None:
    """From an API to GPUs of one's own: no half of it is an option. The volume is still told apart."""
    new = put(put(BASE, "options.api", BASE["options"]["own"]), "workload.volume", "5M tokens/day")
    found = parts(changed(build, BASE, new), "api")
    assert ("price", "capacity") in found
    assert all("volume" not in block or block == ("volume",) for block in found)


def test_another_option_that_cannot_be_composed_spoils_nothing(build: Build) -> None:
    new = put(put(BASE, "options.own", {"kind": "api", "model": "frozen/plain"}), "workload.volume", "2M tokens/day")
    new = put(new, "options.api.markup", "10%")
    assert set(parts(changed(build, BASE, new), "api")) == {("price",), ("volume",)}


def test_an_option_of_one_side_is_its_whole_cost(build: Build) -> None:
    new = put(BASE, "options.second", {"kind": "api", "model": "frozen/rich"})
    (second,) = [o for o in changed(build, BASE, new).options if o.name == "second"]
    assert (second.month.before, second.month.after, second.month.parts) == (None, second.month.amount, ())
    (gone,) = [o for o in changed(build, new, BASE).options if o.name == "second"]
    assert (gone.month.after, gone.month.amount) == (None, -second.month.amount)


def test_a_hybrid_that_a_new_option_joins_is_split(build: Build) -> None:
    old = put(BASE, "options.mixed", {"kind": "hybrid", "routes": {"api": "100%"}})
    new = put(old, "options.mixed", {"kind": "hybrid", "routes": {"api": "50%", "second": "rest"}})
    new = put(new, "options.second", {"kind": "api", "model": "frozen/rich"})
    assert set(parts(changed(build, old, new), "mixed")) == {("mix",)}
    grown = put(new, "workload.volume", "2M tokens/day")
    assert set(parts(changed(build, old, grown), "mixed")) == {("mix",), ("volume",)}
    assert set(parts(changed(build, grown, old), "mixed")) == {("mix",), ("volume",)}, "and where it leaves again"


def test_the_parts_of_a_block_have_their_own_causes(build: Build) -> None:
    """Of two GPUs at $2 an hour, one is reserved at $1; then both, at $0.50: 3 an hour becomes 1, by 2.5 or by 2."""
    own = {"kind": "self_hosted", "gpu_price": "$2/hour", "replicas": 2}
    old = put(BASE, "options.own", {**own, "reserved": {"replicas": 1, "price": "$1/hour"}})
    new = put(BASE, "options.own", {**own, "reserved": {"replicas": 2, "price": "$0.5/hour"}})
    dearer, fewer = (F("2.5") - 3) + (1 - F(2)), (F(2) - 3) + (1 - F("2.5"))
    assert parts(changed(build, old, new), "own") == {("price",): 730 * dearer / 2, ("capacity",): 730 * fewer / 2}


def test_each_section_of_the_catalogue_is_taken_by_its_cause(build: Build) -> None:
    later = put(put(FROZEN, "people.engineer.per_year", 155000), "models.plain", CATALOGUE_LATER["models"]["plain"])
    data = put(BASE, "options.api.people", {"fte": 1, "role": "frozen/engineer"})
    output = F(10**6, 1200) * 300 * F(365, 12) / 10**6
    assert parts(changed(build, data, data, FROZEN, later), "api") == {
        ("price",): (12 - 10) * output,
        ("people",): (155000 - 143000) * F("1.3") / 12,
    }


def test_ranges_are_their_points(build: Build) -> None:
    old, new = (doubling(p, "1M tokens/day") for p in ("$1/1M tokens", "$2/1M tokens"))
    ranged = put(new, "options.api.price.input", {"low": "$1/1M tokens", "high": "$3/1M tokens"})
    assert parts(changed(build, old, ranged), "api") == {("price",): F(30)}


def test_another_currency_cannot_be_compared(build: Build) -> None:
    rates = {"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    with pytest.raises(Faults, match="the currency was USD and is EUR"):
        changed(build, BASE, {**BASE, "currency": "EUR", "exchange_rates": rates})


class TestBill:
    def test_what_runs_today(self, build: Build) -> None:
        found = changed(build, {**BASE, "current": "own"}, put({**BASE, "current": "own"}, "options.own.people.fte", 2))
        assert (found.bill.kind, found.bill.before, found.bill.after) == ("current", "own", "own")
        assert abs(F(found.bill.amount or 0) - F(143000) * F("1.3") / 12) <= F(1, 100)

    def test_what_runs_today_is_replaced(self, build: Build) -> None:
        found = changed(build, {**BASE, "current": "own"}, {**BASE, "current": "api"})
        assert (found.bill.before, found.bill.after) == ("own", "api")
        own, cheap = (next(o.month for o in found.options if o.name == n) for n in ("own", "api"))
        assert found.bill.amount == (cheap.after or D(0)) - (own.before or D(0))

    def test_else_the_recommended_one(self, build: Build) -> None:
        found = changed(build, BASE, put(BASE, "workload.volume", "2M tokens/day"))
        assert (found.bill.kind, found.bill.before) == ("recommended", "api")

    def test_a_new_scenario_is_all_change(self, build: Build) -> None:
        found = change(None, side(build(BASE)))
        assert found.status == "new"
        assert found.bill.amount == found.bill.now
        gone = change(side(build(BASE)), None)
        assert gone.bill.amount == -(found.bill.now or D(0))

    def test_no_option_of_that_name(self, build: Build) -> None:
        with pytest.raises(Faults, match="no option `onw`"):
            change(side(build(BASE)), side(build(BASE)), "onw")


def test_a_split_asks_no_scenario_twice(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, frozenset[str]]] = []
    whole = Composition._build

    def counted(self: Composition, chosen: frozenset[str], only: Any, planned: bool) -> Any:
        assert not planned, "neither side has a projection"
        asked.append(("" if only is None else ",".join(sorted(only)), chosen))
        return whole(self, chosen, only, planned)

    monkeypatch.setattr(Composition, "_build", counted)
    new = put(put(BASE, "workload.volume", "2M tokens/day"), "options.own.people.fte", 2)
    changed(build, BASE, new)
    assert sorted(asked, key=str) == [("", frozenset({"people"})), ("", frozenset({"volume"}))]
