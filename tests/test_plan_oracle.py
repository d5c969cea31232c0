"""Plans against the oracle of months: volume, cost, payments, servers and limits, in exact numbers and in draws."""

from __future__ import annotations

import os
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import FROZEN, Build, Data, one_of, some_of
from drawn import blurred, substituted
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from oracle_plan import Plan
from oracle_scenarios import OFFICE, billed_fleet, owned_fleet, routers, termed_api, traffic

from tco.analysis import course as engine
from tco.analysis.flows import Course as Found
from tco.analysis.months import Months
from tco.analysis.timeline import Timeline
from tco.catalog.meters import METERS
from tco.draws import Draws
from tco.lineitem import Exact, Numbers

F = Fraction
ZERO = F(0)
D = Decimal
SCALE = int(os.environ.get("ORACLE_SCALE", "1"))
"""`ORACLE_SCALE=40 pytest tests/test_plan_oracle.py` looks at hundreds of plans; `make test` at some."""

SLOW = settings(
    derandomize=SCALE == 1,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # a failure is shown as found: making it smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def later_row(row: Data, day: str, factor: str) -> Data:
    """A row of prices from another day on, all of them so many times what they are."""

    def times(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: times(k, v) for k, v in value.items()}
        return value * D(factor) if key.endswith("_per_mtok") or key == "per_hour" else value

    return {**times("", row), "as_of": day}


RICH, BOX = FROZEN["models"]["rich"], FROZEN["gpus"]["box"]
DATED: Data = {
    **FROZEN,
    "models": {
        "plain": FROZEN["models"]["plain"],
        "rich": {
            **RICH,
            "prices": [
                RICH["prices"][0],
                later_row(RICH["prices"][0], "2027-03-01", "0.75"),
                later_row(RICH["prices"][0], "2027-08-15", "1.125"),
            ],
            "retires": "2027-06-20",
        },
    },
    "gpus": {"box": {**BOX, "prices": [*BOX["prices"], later_row(BOX["prices"][0], "2027-05-01", "0.5")]}},
}
"""A catalogue whose future is known in part: prices from later days on, and the day a model is switched off."""


def slow(data: Data) -> Plan:
    return Plan(data, {"frozen": DATED}, {m.key: m.label for m in METERS})


# -- plans ------------------------------------------------------------------------------------------------------------

MONTHS = ("2026-11", "2027-01", "2027-02", "2027-04", "2027-07", "2027-10", "2028-02")


@st.composite
def projections(draw: st.DrawFn, length: int, spikes: bool) -> Data:
    """How a scenario goes on."""
    found: Data = {"months": length} | draw(
        some_of(
            start=one_of("2026-10", "2026-12", "2027-01", "2027-03"),
            growth=one_of(
                "5%", "-3%/month", "80%/year", "25%",
                {"2026-11": "3%", "2027-02": "-20%/year", "2027-03": "3%"}, {"2027-04": "0.5/month"},
            ),
            seasonality=one_of({"nov": "130%", "Dec": "160%"}, {"jan": D("0.5"), "march": 2, "apr": "90%"}),
            price_decline=some_of(api=one_of("30%", "5%"), gpu=one_of("12.5%", "20%")),
            salary_growth=one_of("3%", D("0.1")),
            discount_rate=one_of("8%", "0.1"),
        )
    )  # fmt: skip
    if "seasonality" in found:
        found["seasonality"] = {k.lower()[:3]: v for k, v in found["seasonality"].items()}
    plan = Plan({"workload": {"input_tokens": 1}, "options": {}, "projection": found})
    inside = [f"{y}-{m:02}" for y, m in plan.months]
    if draw(st.booleans()):
        before = draw(one_of("2026-09", *inside))
        found["volumes"] = {
            m: draw(one_of("3000000 tokens/day", "90000000 tokens/month", "200000 requests/day"))
            for m in sorted({before, draw(one_of(*inside))})
        }
    if "growth" in found and isinstance(found["growth"], dict):
        found["growth"] = {m: rate for m, rate in found["growth"].items() if m <= inside[-1]} or "1%"
    if spikes:
        at = draw(st.lists(one_of(*inside), min_size=1, max_size=2, unique=True))
        found["spikes"] = [
            {"month": m, "factor": draw(one_of(10, D("2.5"), D("0.2"))), "days": draw(st.integers(1, 9))} for m in at
        ]
    return found


@st.composite
def changes(draw: st.DrawFn, spec: Data) -> Data:
    """What matters of an option over time alone."""
    found = spec | draw(
        some_of(
            time_to_production=one_of("4 months", "1.5 months", "1 quarter"),
            one_offs=one_of({"tuning": "$8k", "exam": "€2k"}),
        )
    )
    if "time_to_production" in found:
        found |= draw(some_of(margin_lost=one_of("$20k/month", "$120k/year")))
    if "commitment" in found:
        found["commitment"] = found["commitment"] | draw(some_of(until=one_of(*MONTHS)))
    if "migrations" in found:
        found["migrations"] = found["migrations"] | {"every": draw(one_of("18 months", "5 months", "1.5 months"))}
    if "owned" in found:
        found["owned"] = found["owned"] | {"life_years": draw(one_of(4, D("0.75"), D("0.4"), 1))}
        if draw(st.integers(0, 3)) == 0:
            gone = ("life_years", "residual", "cost_of_capital", "networking")
            found["owned"] = {k: v for k, v in found["owned"].items() if k not in gone} | {"sunk": True}
    return found


@st.composite
def plans(draw: st.DrawFn, most_months: int = 28) -> Data:
    """APIs with terms, fleets that are rented, filled up and bought, hybrids over them, over a few months or years."""
    spikes = draw(st.integers(0, 2)) == 0
    workload = draw(traffic(weekly=not spikes and draw(st.integers(0, 5)) == 0))
    workload["volume"] = f"{draw(one_of(4, 30, 700))}00000 tokens/day"
    classes = list(workload["classes"])
    options: Data = {
        "api": draw(termed_api()),
        "fleet": draw(billed_fleet(bounded=True)),
        "rented": draw(billed_fleet()),
        "bought": draw(owned_fleet()),
    }
    if spikes:
        for spec in options.values():
            if spec["kind"] != "api":
                spec.pop("batch", None)
    spills = draw(one_of({}, {"fleet": "api"}))
    options["mixed"] = draw(routers(classes, ["api", "fleet", "bought"], spills))
    options = {name: draw(changes(spec)) for name, spec in options.items()}
    current = draw(one_of(None, "api", "api", "rented", "mixed", "bought"))
    if current is not None:
        for key in ("time_to_production", "margin_lost"):
            options[current].pop(key, None)
    length = draw(st.integers(3, 4) if spikes else st.integers(3, 9) | st.integers(10, most_months))
    rates = {"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    return {
        **draw(some_of(billed_hours_per_month=one_of(720), amortise_months=one_of(24))),
        **({"traffic_days_per_month": 30} if spikes else draw(some_of(traffic_days_per_month=one_of(30)))),
        **({} if current is None else {"current": current}),
        "exchange_rates": rates, "workload": workload, "options": options,
        "projection": draw(projections(length, spikes)),
        "looked at": draw(st.lists(one_of(*options), min_size=2, max_size=3, unique=True)),
    }  # fmt: skip


# -- held against each other ------------------------------------------------------------------------------------------


def courses(build: Build, data: Data, n: Numbers, fold: bool = False) -> tuple[Months, dict[str, Found]]:
    """Every option over time in the numbers of n."""
    case = build({k: v for k, v in data.items() if k != "looked at"}, DATED)
    case.price(Exact())
    timeline = Timeline(case)
    months = Months(timeline, timeline.eras(), n)
    today = case.scenario.current
    found = {} if today is None else {today: engine.course(months, today, fold=fold)}
    for name in data["looked at"]:
        if name != today:
            found[name] = engine.course(months, name, found.get(today or ""), fold=fold)
    return months, found


def by_category(found: Found, view: str) -> dict[tuple[str, str], Any]:
    """Amounts by part and category."""
    amounts: dict[tuple[str, str], Any] = {}
    for line in found.lines:
        values = getattr(line, view)
        if values is not None:
            key = (line.key.part, line.key.category)
            amounts[key] = amounts[key] + values if key in amounts else values
    return amounts


def without_nothing(amounts: Any) -> dict[tuple[str, str], list[Fraction]]:
    return {k: list(values) for k, values in amounts.items() if any(values)}


def differences(got: Any, want: Any, allowed: Fraction = ZERO) -> list[str]:
    """Where amounts by part and category differ, and by how much."""
    found = []
    for key in got.keys() | want.keys():
        a, b = got.get(key, []), want.get(key, [])
        length = max(len(a), len(b))
        pairs = zip(list(a) or [F(0)] * length, list(b) or [F(0)] * length, strict=True)
        found += [
            f"{key} at {i}: {float(x)} not {float(y)}" for i, (x, y) in enumerate(pairs) if abs(F(x) - y) > allowed
        ]
    return sorted(found)


@settings(SLOW, max_examples=6 * SCALE)
@given(data=plans())
def test_every_month_and_payment_is_the_oracles(build: Build, data: Data) -> None:
    want = slow(data)
    months, found = courses(build, data, Exact())
    assert list(months.volumes) == want.volumes
    for name in data["looked at"]:
        course, got = want.course(name), found[name]
        assert not differences(by_category(got, "cost"), course.cost), name
        assert not differences(by_category(got, "paid"), course.paid), name
        assert list(got.able) == course.able, name
        assert list(got.cost) == course.costs()
        assert list(got.paid) == course.payments()
        if got.replicas is not None and data["options"][name].get("billing") != "busy_time":
            assert list(got.replicas) == course.replicas, name
        event(f"changes feasibility: {len(set(course.able)) > 1}")
        event(f"buys again: {sum(a > 0 for a in course.paid.get(('', 'hardware'), [])) > 1}")


def test_a_spike_in_months_of_30_and_of_31_days(build: Build) -> None:
    """Every second month has a day more: quotas by the day, cold starts and replicas by the hour see each day."""
    rate: Data = {"capacity": {"requests_per_s": D("0.4")}, "gpu_price": "$2/hour", "kind": "self_hosted"}
    data: Data = {
        "traffic_days_per_month": D("30.5"),
        "workload": {"volume": "30000000 tokens/day", "input_tokens": 900, "output_tokens": 100,
                     "load": {"by_hour": OFFICE}},
        "options": {
            "api": {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$8/1M tokens"},
                    "free_quota": {"tokens": "40000000 tokens/day"},
                    "volume_discounts": [{"above": "$1000/month", "discount": "20%"}],
                    "rate_limit": {"requests_per_minute": 90, "hard": True}},
            "static": {**rate, "replicas": {"spare": 1}},
            "scaled": {**rate, "billing": "autoscaled", "cold_start": "20 min", "replicas": {"min": 1}},
        },
        "projection": {"months": 3, "growth": "10%", "spikes": [{"month": "2027-01", "factor": 4, "days": 3}]},
        "looked at": ["api", "static", "scaled"],
    }  # fmt: skip
    want = slow(data)
    months, found = courses(build, data, Exact())
    assert months.volumes[1] == F(33_000_000) * (1 + F(3 * 3) / F("30.5"))
    assert list(months.volumes) == want.volumes
    for name in data["looked at"]:
        assert not differences(by_category(found[name], "cost"), want.course(name).cost), name
        assert list(found[name].able) == want.course(name).able
    assert want.course("api").able == [True, False, True], "the peak minute of the spike is beyond the rate limit"
    before, during, _ = want.course("static").replicas
    assert during - 1 > 3 * (before - 1), "those beside the spare are for the days of the spike"


def changed(data: Data, path: tuple[str, ...], value: Any) -> Data:
    """The data with another value at these keys."""
    return {**data, path[0]: value if len(path) == 1 else changed(data[path[0]], path[1:], value)}


def at(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


SPREAD: dict[tuple[str, ...], Data] = {
    ("projection", "growth"): {"low": "0%", "high": "6%"},
    ("projection", "price_decline", "api"): {"low": "5%", "mode": "8%", "high": "40%"},
    ("projection", "price_decline", "gpu"): {"low": "0%", "high": "30%"},
    ("projection", "salary_growth"): {"low": "1%", "high": "9%"},
    ("projection", "seasonality", "dec"): {"low": "110%", "high": "170%"},
    ("projection", "seasonality", "apr"): {"low": D("0.7"), "high": D("0.95")},
    ("owned", "price"): {"low": "$60000", "high": "$500000"},
    ("owned", "residual"): {"low": "5%", "high": "25%"},
    ("owned", "life_years"): {"low": D("0.3"), "high": 2},
    ("time_to_production",): {"low": "1 month", "high": "5 months"},
    ("margin_lost",): {"low": "$1000/month", "high": "$30000/month"},
    ("commitment", "spend"): {"low": "$50000/year", "high": "$400000/year"},
    ("migrations", "cost"): {"low": "$1000", "high": "$9000"},
}
"""What may be a range in a plan alone, in the projection or in any option."""


@st.composite
def ranged_plans(draw: st.DrawFn) -> Data:
    """Plans with ranges in them."""
    plain = draw(plans(most_months=16))
    data = blurred(plain, draw(st.integers(0, 10**6)), 0.15)
    for name, spec in plain["options"].items():  # shares beside `rest`, and amounts in thousands
        kept = {k: spec[k] for k in ("routes", "fixed_costs", "migrations", "one_offs") if k in spec}
        data = changed(data, ("options", name), {**data["options"][name], **kept})
        discount = at(data, ("options", name, "commitment", "discount"))
        if isinstance(discount, dict) and "p10" in discount:  # one without bounds is refused
            data = changed(data, ("options", name, "commitment", "discount"), spec["commitment"]["discount"])
    if "spikes" in plain["projection"]:  # a month of whole days
        data = {**data, "traffic_days_per_month": plain["traffic_days_per_month"]}
    for path, value in SPREAD.items():
        for full in [path] if path[0] == "projection" else [("options", name, *path) for name in data["options"]]:
            stated = at(data, full)
            if stated is None or isinstance(stated, dict) or (path[-1] == "spend" and "/year" not in stated):
                continue
            if draw(st.booleans()):
                data = changed(data, full, value)
    for m, flow in data["projection"].get("volumes", {}).items():
        amount, unit = flow.split(" ")
        spread = {"low": f"{int(amount) * 9 // 10} {unit}", "high": f"{int(amount) * 2} {unit}"}
        data = changed(data, ("projection", "volumes", m), draw(one_of(flow, spread)))
    return data


@settings(SLOW, max_examples=4 * SCALE)
@given(data=ranged_plans())
def test_a_draw_is_the_plan_of_the_scenario_it_stands_for(build: Build, data: Data) -> None:
    """Every draw of every range, written into the scenario in its place, has the months and payments of that draw."""
    n = Draws(3)
    months, found = courses(build, data, n)
    _, folded = courses(build, data, Draws(3), fold=True)
    event(f"ranges drawn: {min(len(n.drawn), 12)}")
    for i in range(2):
        want = slow(substituted(data, n, i))

        def of_draw(values: Any, i: int = i) -> list[Fraction]:
            return [F(x) for x in np.broadcast_to(values, (len(values), 3))[:, i].tolist()]

        assert of_draw(months.volumes) == pytest.approx(want.volumes, rel=1e-12)
        for name in data["looked at"]:
            course, allowed = want.course(name), want.course(name).gross / 10**12
            for view, expected in (("cost", course.cost), ("paid", course.paid)):
                got = {key: of_draw(values) for key, values in by_category(found[name], view).items()}
                assert not differences(got, expected, allowed), (name, i)
                whole = {("", ""): of_draw(getattr(folded[name], view))}
                sums = {("", ""): [sum(column, F(0)) for column in zip(*expected.values(), strict=True)]}
                assert not differences(whole, sums, allowed), (name, i)
            assert of_draw(found[name].able) == course.able, (name, i)
