"""What must hold between two scenarios, whatever they cost: prices scaled, options reordered, classes split."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from conftest import FROZEN, Build, Data, api, dedicated, fleets, scenarios, self_hosted, sizes, workloads
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tco.analysis.compare import compare
from tco.document import Faults
from tco.lineitem import Exact
from tco.options.assembly import Assembled
from tco.quantity import at, just_above

F = Fraction
QUICK = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=25,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VOLUMES = [F(10**e * k) for e in range(3, 10) for k in (1, 3, 7)]
PRICED = ("_per_mtok", "per_hour", "per_year")
MONEY = re.compile(r"([$€])([0-9.]+)(/.*)")


def costs(option: Assembled) -> list[Fraction]:
    """The total at every volume, and just above it."""
    found: list[Fraction] = []
    for here in (at(VOLUMES), just_above(VOLUMES)):
        amounts = [line.amount(here).reshape(-1).tolist() for _, line in option.lines]
        found += [sum((F(a[i] if len(a) > 1 else a[0]) for a in amounts), F(0)) for i in range(len(VOLUMES))]
    return found


def priced(build: Build, data: Data) -> dict[str, list[Fraction]]:
    return {name: costs(option) for name, option in build(data).price(Exact()).items()}


def same(a: list[Fraction], b: list[Fraction]) -> bool:
    """Equal; just above a volume to within the nudge that stands for it."""
    return all(abs(x - y) <= max(abs(x), F(1)) / 2**150 for x, y in zip(a, b, strict=True))


def times(data: Any, k: int) -> Any:
    """Every price k times as high."""
    if isinstance(data, dict):
        return {key: value * k if key.endswith(PRICED) else times(value, k) for key, value in data.items()}
    if isinstance(data, list):
        return [times(value, k) for value in data]
    if isinstance(data, str) and (money := MONEY.fullmatch(data)):
        return f"{money[1]}{Decimal(money[2]) * k}{money[3]}"
    return data


@st.composite
def leaves(draw: st.DrawFn) -> Data:
    """A workload and one option of each kind that serves tokens."""
    options = {"api": draw(api()), "fleet": draw(self_hosted()), "units": draw(dedicated())}
    rates = {"EUR": {"usd": Decimal("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    return {"exchange_rates": rates, "workload": draw(workloads()), "options": options}


@QUICK
@given(data=leaves(), k=st.sampled_from([2, 7, 1000]))
def test_prices_times_k_cost_k_times_as_much(build: Build, data: Data, k: int) -> None:
    once, more = (
        priced(build, data),
        build({**data, "options": times(data["options"], k)}, times(FROZEN, k)).price(Exact()),
    )
    for name, values in once.items():
        assert same([k * v for v in values], costs(more[name])), name


@settings(QUICK, max_examples=15)
@given(data=scenarios(most_classes=2, hours=2), order=st.permutations(["api", "other", "fleet", "rented", "units"]))
def test_reordering_options_reorders_columns_and_no_band(build: Build, data: Data, order: list[str]) -> None:
    data["range"] = {"from": "1000 tokens/day", "to": "100000000 tokens/day"}
    data["options"] = {name: data["options"][name] for name in sorted(order)}
    first = compare(build(data))
    data["options"] = {name: data["options"][name] for name in order}
    second = compare(build(data))
    assert [s.name for s in second.standings] == order
    columns = [
        {s.name: [(e.part, e.category, e.label, e.exact, e.amount) for e in s.ledger.entries] for s in c.standings}
        for c in (first, second)
    ]
    assert columns[0] == columns[1]
    assert [(b.lo, b.hi, set(b.leaders)) for b in first.bands] == [(b.lo, b.hi, set(b.leaders)) for b in second.bands]
    one, other = (
        {(frozenset((p.a, p.b)), x.volume, x.below, x.above) for p in c.pairs for x in p.crossings}
        for c in (first, second)
    )
    assert one == other


@QUICK
@given(
    data=scenarios(most_classes=2, hours=2),
    name=st.sampled_from(["api", "fleet", "rented", "units", "mixed", "nested"]),
)
def test_an_option_listed_twice_never_crosses_itself(build: Build, data: Data, name: str) -> None:
    data["options"]["again"] = data["options"][name]
    for key, spec in data["options"].items():
        data["options"][key] = {**spec, "candidate": key in (name, "again")}
    data["range"] = {"from": "1000 tokens/day", "to": "100000000 tokens/day"}
    found = compare(build(data))
    (pair,) = found.pairs
    assert pair.crossings == ()
    assert pair.outcome in ("identical", "neither")
    assert {b.leaders for b in found.bands} <= {(name, "again"), ("again", name), ()}


@QUICK
@given(data=leaves(), size=sizes(), share=st.sampled_from(["40%", "62%"]))
def test_splitting_a_class_in_two_equal_ones_changes_nothing(build: Build, data: Data, size: Data, share: str) -> None:
    half = f"{Decimal(share[:-1]) / 2}%"
    whole = {"one": {"share": share, **size}, "other": {"share": "rest", "input_tokens": 700, "output_tokens": 90}}
    split = {"left": {"share": half, **size}, "right": {"share": half, **size}, "other": whole["other"]}
    plain = {k: v for k, v in data["workload"].items() if k in ("volume", "load", "overhead")}
    results = [priced(build, {**data, "workload": {**plain, "classes": c}}) for c in (whole, split)]
    for name, values in results[0].items():
        assert same(values, results[1][name]), name


@QUICK
@given(data=leaves(), leaf=st.sampled_from(["api", "fleet", "units"]))
def test_a_hybrid_that_routes_everything_to_one_option_costs_that_option(build: Build, data: Data, leaf: str) -> None:
    data["options"]["all"] = {"kind": "hybrid", "routes": {leaf: "100%"}, "fixed_costs": {"router": "$100/month"}}
    found = priced(build, data)
    assert same([v + 100 for v in found[leaf]], found["all"])


@QUICK
@given(data=leaves(), share=st.sampled_from(["10%", "33.3%", "75%"]))
def test_a_share_of_the_volume_costs_what_the_option_costs_at_that_volume(build: Build, data: Data, share: str) -> None:
    data["options"]["part"] = {"kind": "hybrid", "response_cache": share, "routes": {"api": "rest"}}
    data["options"]["fewer"] = {"kind": "hybrid", "response_cache": share, "routes": {"fleet": "rest"}}
    s = 1 - F(share[:-1]) / 100
    options = build(data).price(Exact())
    for hybrid, leaf in (("part", "api"), ("fewer", "fleet")):
        for v in VOLUMES:
            whole, part = (
                sum((F(line.amount(at([x])).reshape(-1)[0]) for _, line in options[name].lines), F(0))
                for name, x in ((hybrid, v), (leaf, s * v))
            )
            assert whole == part, (hybrid, v)


@QUICK
@given(data=leaves())
def test_nesting_flattened_costs_the_same(build: Build, data: Data) -> None:
    data["options"] |= {
        "inner": {"kind": "hybrid", "routes": {"fleet": "60%", "api": "40%"}, "fixed_costs": {"router": "$10/month"}},
        "outer": {"kind": "hybrid", "routes": {"inner": "50%", "fleet": "20%", "units": "30%"}},
        "flat": {
            "kind": "hybrid", "routes": {"fleet": "50%", "api": "20%", "units": "30%"},
            "fixed_costs": {"router": "$10/month"},
        },
    }  # fmt: skip
    found = priced(build, data)
    assert same(found["outer"], found["flat"])


@QUICK
@given(
    data=leaves(), bounds=st.sampled_from([{}, {"min": 0}, {"min": 2}, {"spare": 2}, {"min": 3, "spare": 1, "max": 9}])
)
def test_static_is_no_cheaper_than_autoscaled_and_that_than_busy_hours(build: Build, data: Data, bounds: Data) -> None:
    for kind in ("fleet", "units"):
        spec = {**data["options"][kind], "replicas": bounds}
        billings = {
            f"{kind} {b}".replace(" ", "-"): {**spec, "billing": b} for b in ("static", "autoscaled", "busy_hours")
        }
        found = priced(build, {**data, "options": billings})
        static, autoscaled, busy = found.values()
        assert all(a >= b >= c for a, b, c in zip(static, autoscaled, busy, strict=True))


@QUICK
@given(data=leaves(), fleet=fleets())
def test_more_spare_is_never_cheaper(build: Build, data: Data, fleet: Data) -> None:
    base = {"kind": "self_hosted", "gpu_price": "$2/hour", **fleet}
    options = {f"spare-{k}": {**base, "replicas": {"min": 1, "spare": k}} for k in range(4)}
    found = list(priced(build, {**data, "options": options}).values())
    for fewer, more in pairwise(found):
        assert all(a <= b for a, b in zip(fewer, more, strict=True))
    assert max(found[1]) > max(found[0])


@QUICK
@given(data=leaves(), more=st.sampled_from(["3%", "50%"]))
def test_overhead_raises_both_sides(build: Build, data: Data, more: str) -> None:
    for spec in data["options"].values():
        spec.pop("overhead", None)
    data["options"]["mixed"] = {"kind": "hybrid", "routes": {"fleet": "50%", "api": "rest"}}
    plain = {k: v for k, v in data["workload"].items() if k != "overhead"}
    without = priced(build, {**data, "workload": plain})
    with_it = priced(build, {**data, "workload": {**plain, "overhead": {"retries": more}}})
    variable = {
        name: any(line.category == "api" for _, line in option.lines)
        for name, option in build({**data, "workload": plain}).price(Exact()).items()
    }
    for name, values in without.items():
        assert all(a <= b for a, b in zip(values, with_it[name], strict=True)), name
        if variable[name]:
            assert all(a < b for a, b in zip(values, with_it[name], strict=True)), name
    case, more_case = (build({**data, "workload": w}) for w in (plain, {**plain, "overhead": {"retries": more}}))
    for name in ("fleet", "units"):
        for a, b in zip(
            case.price(Exact())[name].fleets[name].levels,
            more_case.price(Exact())[name].fleets[name].levels,
            strict=True,
        ):
            load, gross = (x.busy.value(at([F(10**7)])).reshape(-1)[0] for x in (a, b))
            assert gross == load * (1 + F(more[:-1]) / 100)


@QUICK
@given(data=leaves(), own=st.sampled_from(["0%", "7%"]))
def test_an_options_own_overhead_replaces_the_workloads_of_that_name(build: Build, data: Data, own: str) -> None:
    for spec in data["options"].values():
        spec.pop("overhead", None)
    workload = {k: v for k, v in data["workload"].items() if k != "overhead"}
    replaced = {name: {**spec, "overhead": {"retries": own}} for name, spec in data["options"].items()}
    stated = priced(build, {**data, "workload": {**workload, "overhead": {"retries": "40%"}}, "options": replaced})
    alone = priced(build, {**data, "workload": {**workload, "overhead": {"retries": own}}})
    assert all(same(stated[name], alone[name]) for name in alone)


@QUICK
@given(data=leaves(), room=st.integers(1, 4))
def test_a_fleet_and_its_overflow_serve_every_request_once(build: Build, data: Data, room: int) -> None:
    fleet = {**data["options"]["fleet"], "replicas": {"max": room}}
    per_request = {"kind": "api", "price": {"blended": "$1/1M tokens"}}
    twin = {**per_request, "label": "the same API"}
    options = {
        "fleet": fleet, "api": per_request, "twin": twin,
        "spilled": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "api"}},
        "free": {"kind": "hybrid", "routes": {"twin": "100%"}},
    }  # fmt: skip
    workload = {k: v for k, v in data["workload"].items() if k != "overhead"}
    case = build({**data, "workload": workload, "options": options})
    found = case.price(Exact())
    states = found["spilled"].fleets["fleet"]
    days = case.traffic.days_per_month.value
    for v in VOLUMES:
        here = at([v])
        paid = sum(
            (F(line.amount(here).reshape(-1)[0]) for part, line in found["spilled"].lines if part == "api"), F(0)
        )
        every = sum((F(line.amount(here).reshape(-1)[0]) for _, line in found["free"].lines), F(0))
        full = all(level.busy.value(here).reshape(-1)[0] == room * states.size for level in states.levels)
        assert 0 <= paid <= every == v * days / 10**6
        assert not found["spilled"].limits or all(
            limit.load.value(here).reshape(-1)[0] <= limit.most for _, limit in found["spilled"].limits
        )
        if paid:
            busy = [level.busy.value(here).reshape(-1)[0] for level in states.levels]
            assert max(busy) == room * states.size, "what overflows leaves a fleet that is full"
        if full:
            more = at([2 * v])
            later = sum(
                (F(line.amount(more).reshape(-1)[0]) for part, line in found["spilled"].lines if part == "api"), F(0)
            )
            assert later - paid == v * days / 10**6, "above a fleet that is always full, every request overflows"


def test_what_cannot_be_split_or_priced_is_said_and_not_guessed(build: Build) -> None:
    fleet: Data = {
        "kind": "self_hosted",
        "gpu_price": "$1/hour",
        "capacity": {"requests_per_s": 1},
        "replicas": {"max": 1},
    }
    options: Data = {
        "one": fleet, "two": fleet, "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}},
        "circle": {"kind": "hybrid", "routes": {"one": "50%", "two": "50%"}, "overflow": {"one": "two", "two": "one"}},
    }  # fmt: skip
    workload = {"volume": "1000000 tokens/day", "input_tokens": 10, "output_tokens": 10}
    with pytest.raises(Faults, match="circle: one → two"):
        build({"workload": workload, "options": options}).price(Exact())
    chain = {"kind": "hybrid", "routes": {"one": "100%"}, "overflow": {"one": "two", "two": "api"}}
    with pytest.raises(Faults, match="a fleet that itself overflows"):
        build({"workload": workload, "options": {**options, "circle": chain}}).price(Exact())
