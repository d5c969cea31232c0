"""The gate: every kind of budget just under, exactly at and just over its limit, and every rule on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import FROZEN, PAPER, Build, D, Data, yaml
from hypothesis import given
from hypothesis import strategies as st

from tco.analysis.ledger import cents
from tco.calendar import Month
from tco.document import Fault, Faults
from tco.gate.costs import Books, Where
from tco.gate.finding import Checked, Driver, Finding, Place, Report
from tco.gate.gate import Limit, check, check_each, each
from tco.gate.judge import Measured, judge, percentile

TODAY = date(2026, 11, 21)
CENT = Fraction(1, 100)

# 30M tokens a day, 30 days: 900M tokens and 900,000 requests a month, 60 % of them of the class chat
REQUESTS, MTOK = 900_000, 900
INPUT, OUTPUT, SUPPORT = 810 * 1, 90 * 10, 90
API = INPUT + OUTPUT + SUPPORT
OWN, ADMIN = 2500, 1000
MONTHS = 4
VOLUMES = [2**i for i in range(MONTHS)]
IN_MONTH = [(INPUT + OUTPUT) * v + SUPPORT for v in VOLUMES]


def scenario(**keys: Any) -> Data:
    sizes = {"input_tokens": 900, "output_tokens": 100}
    classes = {"chat": {"share": "60%", **sizes}, "draft": {"share": "rest", **sizes}}
    return {
        "as_of": "2026-11-21",
        "traffic_days_per_month": 30,
        "workload": {"volume": "30M tokens/day", "classes": classes},
        "current": "api",
        "options": {
            "api": {
                "kind": "api",
                "price": {"input": "$1/1M tokens", "output": "$10/1M tokens"},
                "fixed_costs": {"support": "$90/month"},
            },
            "own": {"kind": "self_hosted", "all_in": "$2500/month", "people": {"fte": D("0.1"), "cost": "$120k/year"}},
        },
        **keys,
    }


def growing(**keys: Any) -> Data:
    """Twice the volume every month, from January on."""
    return scenario(projection={"start": "2027-01", "months": MONTHS, "growth": "100%"}, **keys)


def outcomes(build: Build, data: Data, today: date = TODAY, draws: int = 64) -> tuple[list[Finding], list[Fault]]:
    case = build(data)
    found = list(each(case, today, Books(case, draws, 1)))
    findings = [f for f in found if isinstance(f, Finding)]
    return findings, [fault for f in found if not isinstance(f, Finding) for fault in f.faults]


def held(build: Build, data: Data, budget: Any, today: date = TODAY, draws: int = 64) -> Finding:
    """What a budget comes to, where it can be evaluated."""
    findings, faults = outcomes(build, {**data, "budgets": {"it": budget}}, today, draws)
    assert not faults, faults
    (finding,) = findings
    return finding


def unknown(build: Build, data: Data, budget: Any, today: date = TODAY) -> str:
    """Why a budget cannot be evaluated."""
    findings, faults = outcomes(build, {**data, "budgets": {"it": budget}}, today)
    assert not findings
    (fault,) = faults
    return fault.render()


# -- every kind, on both sides of its limit ---------------------------------------------------------------------------

KINDS: dict[str, tuple[Data, str, Fraction]] = {
    # a month
    "monthly": ({}, "month", Fraction(API)),
    "option": ({"option": "own"}, "month", Fraction(OWN + ADMIN)),
    "component": ({"option": "own", "component": "people"}, "month", Fraction(ADMIN)),
    "class": ({"class": "chat"}, "month", Fraction(6, 10) * API),
    "class of a fleet": ({"class": "draft", "option": "own"}, "month", Fraction(4, 10) * (OWN + ADMIN)),
    "component of a class": ({"class": "chat", "component": "api"}, "month", Fraction(6, 10) * (INPUT + OUTPUT)),
    "at a volume": ({"at": "60M tokens/day"}, "month", Fraction(2 * (INPUT + OUTPUT) + SUPPORT)),
    "at a volume in requests": ({"at": "60k requests/day"}, "month", Fraction(2 * (INPUT + OUTPUT) + SUPPORT)),
    # a unit
    "request": ({}, "request", Fraction(API, REQUESTS)),
    "1M tokens": ({}, "1M tokens", Fraction(API, MTOK)),
    "request of a class": ({"class": "chat"}, "request", Fraction(API, REQUESTS)),
    "1M tokens of a class": ({"class": "draft"}, "1M tokens", Fraction(API, MTOK)),
    "request at a volume": (
        {"at": "60M tokens/day"}, "request", Fraction(2 * (INPUT + OUTPUT) + SUPPORT, 2 * REQUESTS),
    ),
    "request of an option": ({"option": "own", "component": "people"}, "request", Fraction(ADMIN, REQUESTS)),
    # an increase
    "increase": ({"option": "own"}, "increase", Fraction(OWN + ADMIN - API)),
    "increase over another": ({"option": "api", "over": "own"}, "increase", Fraction(API - OWN - ADMIN)),
    "increase in per cent": ({"option": "own"}, "share", Fraction(OWN + ADMIN - API, API)),
    "increase of a class": ({"option": "own", "class": "chat"}, "increase", Fraction(6, 10) * (OWN + ADMIN - API)),
    # over time
    "any month": ({"when": "any month"}, "month", Fraction(IN_MONTH[-1])),
    "request in any month": ({"when": "any month"}, "request", Fraction(API, REQUESTS)),
    "class in any month": ({"when": "any month", "class": "chat"}, "month", Fraction(6, 10) * IN_MONTH[-1]),
    "increase in any month": ({"when": "any month", "option": "own"}, "increase", Fraction(OWN + ADMIN - IN_MONTH[0])),
    "total": ({}, "total", Fraction(sum(IN_MONTH))),
    "component of a total": ({"component": "fixed"}, "total", Fraction(SUPPORT * MONTHS)),
    "increase of a total": ({"option": "own"}, "increase of a total", Fraction((OWN + ADMIN) * MONTHS - sum(IN_MONTH))),
}  # fmt: skip


def level(amount: Fraction, unit: str) -> str:
    """An amount as it is written in YAML, every digit of it."""
    digits = amount.numerator * 10**24 // amount.denominator
    assert Fraction(digits, 10**24) == amount, "no finite decimal"
    text = f"{digits // 10**24}.{digits % 10**24:024}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return {
        "month": f"${text}/month", "request": f"${text}/request", "1M tokens": f"${text}/1M tokens",
        "increase": f"${text}/month", "increase of a total": f"${text}", "total": f"${text}",
    }[unit]  # fmt: skip


def written(share: Fraction) -> str:
    """A share in per cent, every digit of it."""
    digits = share * 100 * 10**22
    assert digits.denominator == 1, "no finite decimal"
    return f"{int(digits) // 10**22}.{int(digits) % 10**22:022}".rstrip("0").rstrip(".") + "%"


def stated(unit: str, amount: Fraction) -> Data:
    if unit == "share":
        return {"increase": written(amount)}
    return {("increase" if unit.startswith("increase") else "limit"): level(amount, unit)}


def finite(amount: Fraction, up: bool) -> Fraction:
    """The nearest decimal of 24 places, up or down; the amount itself where it is one."""
    scaled = amount * 10**24
    whole = -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    return Fraction(whole, 10**24)


@pytest.mark.parametrize("name", [k for k, v in KINDS.items() if v[2] > 0])
def test_every_kind_just_over_exactly_at_and_just_under(build: Build, name: str) -> None:
    """A limit a cent below what it costs is crossed, that very limit and one a cent above are kept. Of a cost per unit,
    a cent of the whole; the last of 24 digits too."""
    keys, unit, figure = KINDS[name]
    data = growing() if keys.get("when") or "total" in unit else scenario()
    units = {"request": REQUESTS, "1M tokens": MTOK, "share": API}.get(unit, 1)
    found = held(build, data, {**keys, **stated(unit, finite(figure, up=True))})
    assert (found.status, found.figure) == ("within", figure)
    assert found.margin is not None and 0 <= found.margin < Fraction(2, 10**24)
    if finite(figure, up=True) == figure:
        assert found.margin == 0
        last = Fraction(1, 10**24) if unit != "share" else Fraction(1, 10**20)
        over = held(build, data, {**keys, **stated(unit, figure - last)})
        assert (over.status, over.margin) == ("crossed", -last)
    step = finite(CENT / units, up=False)
    over = held(build, data, {**keys, **stated(unit, finite(figure, up=False) - step)})
    assert (over.status, over.failed) == ("crossed", True)
    assert over.margin is not None and over.margin < 0
    assert over.limit is not None and over.figure is not None
    assert over.margin_share == 1 - over.figure / over.limit
    under = held(build, data, {**keys, **stated(unit, finite(figure, up=True) + step)})
    assert (under.status, under.failed) == ("within", False)
    assert under.margin is not None and under.margin > 0


def test_an_increase_that_is_none_is_within_any(build: Build) -> None:
    keys, unit, figure = KINDS["increase over another"]
    assert figure < 0 and unit == "increase"
    found = held(build, scenario(), {**keys, "increase": "$0/month"})
    assert (found.status, found.figure, found.margin, found.margin_share) == ("within", figure, -figure, None)
    found = held(build, scenario(), {**keys, "increase": "0%"})
    assert (found.status, found.figure) == ("within", figure / (OWN + ADMIN))


@pytest.mark.parametrize(
    ("costs", "limit"),
    [
        (("0.1", "0.2"), "0.3"),  # 0.30000000000000004 as floats
        (("0.7", "0.1"), "0.8"),  # 0.7999999999999999
        (("1.1", "2.2"), "3.3"),
        (("4.35", "0"), "4.35"),  # 4.35 * 100 is 434.99999999999994
        (("1.005", "0"), "1"),  # half a cent, rounded to even once
        (("1.015", "0"), "1.02"),
        (("0.005", "0.005"), "0"),  # each line rounded, then added
        (("0.015", "0.015"), "0.04"),
    ],
)
def test_the_floating_point_edge(build: Build, costs: Sequence[str], limit: str) -> None:
    data = scenario()
    data["options"]["own"] = {
        "kind": "self_hosted", "all_in": f"${costs[0]}/month", "fixed_costs": {"more": f"${costs[1]}/month"},
    }  # fmt: skip
    found = held(build, data, {"option": "own", "limit": f"${limit}/month"})
    assert (found.status, found.figure, found.margin) == ("within", Fraction(limit), Fraction(0))
    if Fraction(limit):
        under = f"{Decimal(limit) - Decimal('0.01')}"
        assert held(build, data, {"option": "own", "limit": f"${under}/month"}).status == "crossed"


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12), st.sampled_from([-1, 0, 1]))
def test_the_margin_has_the_sign_of_the_verdict(hundredths: int, base: int, side: int) -> None:
    """A limit that is the quotient to the last bit is kept, however it would round; one 10^-40 below is not."""
    amount = Fraction(hundredths, 100)
    limit = amount / base + Fraction(side, 10**40)
    judged = judge([Measured(amount, Fraction(base))], limit)
    assert judged.status == ("crossed" if side < 0 else "within")
    found = Finding("monthly-cost", "it", "", judged.status, Place("f", 1, 1), figure=amount / base, limit=limit)
    assert found.margin is not None
    assert (found.margin < 0) == found.failed


FEW = st.lists(st.one_of(st.none(), st.integers(-5, 5)), min_size=1, max_size=6)


@given(FEW, st.integers(-5, 5), st.one_of(st.none(), st.integers(-6, 4)), st.one_of(st.none(), st.integers(0, 7)))
def test_the_verdict_over_months(amounts: list[int | None], limit: int, warn: int | None, failing: int | None) -> None:
    """Against the same said the slow way."""
    measured = [Measured(None if a is None else Fraction(a), Fraction(2)) for a in amounts]
    judged = judge(measured, Fraction(limit), None if warn is None else Fraction(warn), failing)
    beyond = [i for i, a in enumerate(amounts) if a is None or Fraction(a, 2) > limit]
    counted = [i for i in beyond if failing is None or i < failing]
    if counted:
        assert judged.status == ("violated" if amounts[counted[0]] is None else "crossed")
    elif beyond:
        assert judged.status == "allowed"
    elif warn is not None and any(Fraction(a or 0, 2) > warn for a in amounts):
        assert judged.status == "warned"
    else:
        assert judged.status == "within"
    assert judged.first == (beyond[0] if beyond else None)
    able = [a for a in amounts if a is not None]
    assert amounts[judged.highest] == (max(able) if able else None)
    assert judged.highest == (amounts.index(max(able)) if able else 0)


@given(
    st.lists(st.one_of(st.integers(0, 500), st.just(None)), min_size=1, max_size=40),
    st.integers(1, 99),
    st.integers(1, 9),
)
def test_a_percentile_is_a_draw_that_exists(draws: list[int | None], share: int, base: int) -> None:
    """So large a share of the draws does not exceed it, and it is the least such: `inverted_cdf`, as NumPy has it."""
    amounts = np.array([np.inf if d is None else d / 4 for d in draws])
    bases = np.full(len(draws), float(base))
    amount, units = percentile(amounts, bases, Fraction(share, 100))
    value = np.inf if amount is None else float(amount)
    assert units == base
    assert np.mean(amounts <= value) >= share / 100 - 1e-12
    assert np.mean(amounts < value) < share / 100
    assert np.mean(amounts < value) <= np.mean(amounts <= value)


def test_a_percentile_of_a_quotient_keeps_draws_together() -> None:
    """It is the quotients that are ordered: 2, 10 and a half."""
    amounts, bases = np.array([100.0, 10.0, 30.004]), np.array([50.0, 1.0, 60.0])
    assert percentile(amounts, bases, Fraction(1, 3)) == (Fraction(30), Fraction(60))  # rounded to the cent
    assert percentile(amounts, bases, Fraction(1, 2)) == (Fraction(100), Fraction(50))
    assert percentile(amounts, bases, Fraction(99, 100)) == (Fraction(10), Fraction(1))


# -- warn levels, dates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("warn", "status"), [(API - 1, "warned"), (API, "within"), (API - CENT, "warned")])
def test_a_warn_level(build: Build, warn: Fraction, status: str) -> None:
    found = held(build, scenario(), {"limit": "$2000/month", "warn": level(Fraction(warn), "month")})
    assert (found.status, found.failed, found.warn) == (status, False, warn)


def test_crossed_comes_before_warned(build: Build) -> None:
    assert held(build, scenario(), {"limit": "$1000/month", "warn": "$900/month"}).status == "crossed"


@pytest.mark.parametrize(
    ("not_before", "status"),
    [
        ("2027-02", "allowed"),
        ("2027-03", "allowed"),  # the month itself is no failure any more
        ("2027-04", "crossed"),
        ("2028-01", "crossed"),
    ],
)
def test_a_latest_date(build: Build, not_before: str, status: str) -> None:
    """The limit is first crossed in March."""
    budget = {"limit": level(Fraction(IN_MONTH[1]), "month"), "when": "any month", "not_before": not_before}
    found = held(build, growing(), budget)
    assert (found.status, found.failed) == (status, status == "crossed")
    assert found.crossing is not None
    assert (found.crossing.month, found.crossing.figure) == (Month(2027, 3), IN_MONTH[2])
    assert (found.month, found.figure) == (Month(2027, 4), IN_MONTH[3])


@pytest.mark.parametrize("first", range(MONTHS))
def test_the_first_month_that_crosses(build: Build, first: int) -> None:
    budget = {"limit": level(IN_MONTH[first] - CENT, "month"), "when": "any month"}
    found = held(build, growing(), budget)
    assert found.crossing is not None
    assert (found.status, found.crossing.month) == ("crossed", Month(2027, 1 + first))
    assert found.crossing.figure == IN_MONTH[first]


def test_a_latest_date_after_the_first_month(build: Build) -> None:
    found = held(build, growing(), {"limit": "$5/month", "when": "any month", "not_before": "2027-02"})
    assert found.crossing is not None
    assert (found.status, found.crossing.month) == ("crossed", Month(2027, 1))


@pytest.mark.parametrize("not_before", ["2026-11", "2027-01"])
def test_a_budget_that_can_never_fail_is_no_budget(build: Build, not_before: str) -> None:
    """Whether it would be kept or crossed."""
    for limit in ("$5/month", "$99999/month"):
        budget = {"limit": limit, "when": "any month", "not_before": not_before}
        said = unknown(build, growing(), budget)
        assert "the budget `it` can never fail: the projection begins in 2027-01" in said
        assert "a `not_before` after 2027-01" in said and not_before in said


def test_the_month_in_which_a_total_is_spent(build: Build) -> None:
    found = held(build, growing(), level(Fraction(sum(IN_MONTH[:3])), "total"))
    assert found.crossing is not None
    assert (found.status, found.figure, found.month) == ("crossed", sum(IN_MONTH), None)
    assert (found.crossing.month, found.crossing.figure) == (Month(2027, 4), sum(IN_MONTH))
    earlier = held(build, growing(), level(sum(IN_MONTH[:3]) - CENT, "total"))
    assert earlier.crossing is not None
    assert (earlier.crossing.month, earlier.crossing.figure) == (Month(2027, 3), sum(IN_MONTH[:3]))


def test_money_that_comes_back_is_within_a_total(build: Build) -> None:
    """What hardware is worth at the end is part of the total, which is what the limit is on."""
    data = growing()
    data["options"]["own"] = {
        "kind": "self_hosted",
        "owned": {"price": "$100k", "gpus_per_server": 8, "life_years": 2, "residual": "0%", "power": "$0/month"},
        "replicas": 1,
    }
    bought, left = 100_000, Fraction(100_000) * (24 - MONTHS) / 24
    found = held(build, data, {"option": "own", "limit": level(finite(bought - left + CENT, up=True), "total")})
    assert (found.status, found.crossing, found.figure) == ("within", None, Fraction(cents(bought - left)))
    found = held(build, data, {"option": "own", "limit": "$1000"})
    assert found.crossing is not None
    assert (found.status, found.crossing.month, found.crossing.figure) == ("crossed", Month(2027, 1), Fraction(bought))


@pytest.mark.parametrize(("today", "expired"), [("2027-06-29", False), ("2027-06-30", False), ("2027-07-01", True)])
def test_an_expired_budget_is_no_pass(build: Build, today: str, expired: bool) -> None:
    budget = {"limit": "$2000/month", "expires": "2027-06-30"}
    if expired:
        said = unknown(build, scenario(), budget, date.fromisoformat(today))
        assert "the budget `it` expired on 2027-06-30" in said
    else:
        assert held(build, scenario(), budget, date.fromisoformat(today)).status == "within"


def test_the_outlook_of_a_budget_of_today(build: Build) -> None:
    """It holds today: that the projection crosses it is said, and is no failure."""
    found = held(build, growing(), level(Fraction(IN_MONTH[1]), "month"))
    assert (found.status, found.crossing) == ("within", None)
    assert found.outlook is not None
    assert (found.outlook.month, found.outlook.figure) == (Month(2027, 3), IN_MONTH[2])
    assert held(build, growing(), level(Fraction(IN_MONTH[3]), "month")).outlook is None
    assert held(build, growing(), level(API - CENT, "month")).outlook is None  # crossed already
    assert held(build, scenario(), level(Fraction(API), "month")).outlook is None  # no projection
    assert held(build, growing(), {"limit": "$4000/month", "at": "60M tokens/day"}).outlook is None
    increase = {"increase": "$0/month", "over": "own"}  # cheaper today, dearer from February on
    assert (held(build, growing(), increase).status, held(build, growing(), increase).outlook) == ("within", None)
    ahead = held(build, growing(), {**increase, "when": "any month"})
    assert ahead.crossing is not None and ahead.crossing.month == Month(2027, 2)


# -- percentiles ------------------------------------------------------------------------------------------------------


def uncertain(data: Data) -> Data:
    data["options"]["api"]["price"]["input"] = {"low": "$1/1M tokens", "high": "$3/1M tokens"}
    return data


def p(values: Any, share: float) -> Fraction:
    return Fraction(cents(Fraction(float(np.quantile(values, share, method="inverted_cdf")))))


@pytest.mark.parametrize("share", [10, 50, 90])
@pytest.mark.parametrize("keys", [{}, {"class": "chat"}, {"component": "api"}, {"at": "45M tokens/day"}])
def test_a_percentile_on_both_sides(build: Build, share: int, keys: Data) -> None:
    """The price is uniform from 1 to 3, and 64 draws are one in each 64th of that."""
    data, volume = uncertain(scenario()), Fraction(45, 30) if "at" in keys else 1
    part, fixed = Fraction(6, 10) if "class" in keys else 1, 0 if "component" in keys else SUPPORT
    found = held(build, data, {**keys, "limit": "$9999/month", "percentile": f"P{share}"})
    assert found.figure is not None
    price = (found.figure / part - fixed - OUTPUT * volume) / (810 * volume)
    slot = -(-share * 64 // 100) - 1
    assert 1 + Fraction(2 * slot, 64) <= price + CENT / 810 and price - CENT / 810 <= 1 + Fraction(2 * slot + 2, 64)
    figure, budget = found.figure, {**keys, "percentile": f"P{share}"}
    assert (figure * 100).denominator == 1
    assert held(build, data, {**budget, "limit": level(figure, "month")}).status == "within"
    assert held(build, data, {**budget, "limit": level(figure - CENT, "month")}).status == "crossed"
    assert held(build, data, {**budget, "limit": level(figure + CENT, "month")}).status == "within"


def test_a_percentile_of_a_cost_per_request(build: Build) -> None:
    """Of the unrounded cost: to twelve digits, which floats carry."""
    books = Books(build({**uncertain(scenario()), "budgets": {"it": "$1/month"}}), 64, 1)
    cost = books.drawn("api", Where()).total(None)
    unrounded = float(np.quantile(cost[0], 0.9, method="inverted_cdf")) / REQUESTS
    exact = Fraction(f"{unrounded:.11e}")
    assert exact != Fraction(cents(exact * REQUESTS)) / REQUESTS, "whole cents would prove nothing"
    found = held(build, uncertain(scenario()), {"limit": level(exact, "request"), "percentile": "P90"})
    assert (found.status, found.figure, found.margin) == ("within", exact, Fraction(0))
    budget = {"limit": level(exact - Fraction(1, 10**20), "request"), "percentile": "P90"}
    assert held(build, uncertain(scenario()), budget).status == "crossed"


@pytest.mark.parametrize("when", [{}, {"when": "any month"}])
@pytest.mark.parametrize(
    ("limit", "status"),
    [
        ("$0.003999999/request", "crossed"), ("$0.004/request", "within"), ("$0.004000001/request", "within"),
        ("$3.999999/1M tokens", "crossed"), ("$4/1M tokens", "within"), ("$4.000001/1M tokens", "within"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("percentile", [{}, {"percentile": "P90"}])
def test_no_cent_decides_a_cost_per_unit(build: Build, percentile: Data, limit: str, status: str, when: Data) -> None:
    """A price of 0.004 a request at volumes whose bills are no whole cents: rounded up, they would cross it."""
    data = scenario(projection={"start": "2027-01", "months": 12, "growth": "7%"})
    data["workload"]["volume"] = "30011 tokens/day"
    data["options"]["api"] = {"kind": "api", "price": {"input": "$4/1M tokens", "output": "$4/1M tokens"}}
    if percentile:
        data["projection"]["growth"] = {"low": "5%", "high": "9%"}
        data["workload"]["volume"] = {"low": "30000 tokens/day", "high": "40000 tokens/day"}
    found = held(build, data, {"limit": limit, **when, **percentile})
    assert found.status == status
    assert found.figure == (Fraction(4, 1000) if "request" in limit else 4)


def test_cents_decide_money(build: Build) -> None:
    """30011 tokens a day at $4/1M tokens: 3.60132 a month, on the bill 3.60."""
    data = scenario()
    data["workload"]["volume"] = "30011 tokens/day"
    data["options"]["api"] = {"kind": "api", "price": {"input": "$4/1M tokens", "output": "$4/1M tokens"}}
    found = held(build, data, "$3.60/month")
    assert (found.status, found.figure) == ("within", Fraction(cents(Fraction(30011 * 30 * 4, 10**6))))


def test_each_month_has_its_own_percentile(build: Build) -> None:
    """Growth and price are drawn: the draw that is P90 in one month is another in the next."""
    data = uncertain(growing())
    data["projection"]["growth"] = {"low": "0%", "high": "100%"}
    case = build({**data, "budgets": {"it": "$1/month"}})
    cost = Books(case, 64, 1).drawn("api", Where("months")).total(None)
    assert cost.shape == (MONTHS, 64)
    own = [p(month, 0.9) for month in cost]
    budget = {"limit": level(own[1], "month"), "percentile": "P90", "when": "any month"}
    found = held(build, data, budget)
    assert found.crossing is not None
    assert (found.status, found.figure, found.month) == ("crossed", own[3], Month(2027, 4))
    assert (found.crossing.month, found.crossing.figure) == (Month(2027, 3), own[2])
    total = held(build, data, {"limit": "$1", "percentile": "P90"})
    paid = Books(case, 64, 1).drawn("api", Where("horizon")).total(None)
    assert total.figure == p(paid.sum(axis=0), 0.9) != sum(own)


def test_a_percentile_of_an_increase_pairs_the_draws(build: Build) -> None:
    data = uncertain(scenario())
    cost = Books(build({**data, "budgets": {"it": "$1/month"}}), 64, 1).drawn("api", Where()).total(None)[0]
    found = held(build, data, {"option": "own", "increase": "$5/month", "percentile": "P90"})
    assert found.figure == p(OWN + ADMIN - cost, 0.9)
    share = held(build, data, {"option": "own", "increase": "5%", "percentile": "P90"})
    drawn = np.quantile((OWN + ADMIN) / cost - 1, 0.9, method="inverted_cdf")
    assert float(share.figure or 0) == pytest.approx(drawn, abs=0.01 / API)  # the increase is rounded to the cent


def test_a_percentile_of_what_is_certain_is_the_point_and_says_so(build: Build) -> None:
    found = held(build, scenario(), {"limit": level(Fraction(API), "month"), "percentile": "P90"})
    assert (found.status, found.figure) == ("within", Fraction(API))
    assert found.notes == ("nothing is a range: every percentile is the point",)


# -- what cannot serve ------------------------------------------------------------------------------------------------


def small_fleet(data: Data, rate: Any) -> Data:
    data["options"]["own"] = {
        "kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"requests_per_s": rate}, "replicas": 1,
        "people": {"fte": D("0.1"), "cost": "$120k/year"},
    }  # fmt: skip
    return data


def test_a_full_fleet_is_not_cheap(build: Build) -> None:
    """Beyond what it can carry its cost does not grow: that is no pass."""
    rate = Fraction(30_000 * 12, 10 * 86400)  # full at 1.2 x the planned volume
    data = small_fleet(growing(), D(str(float(rate))))
    found = held(build, data, {"option": "own", "limit": "$99999/month"})
    assert (found.status, found.figure) == ("within", Fraction(730 + ADMIN))
    assert found.outlook is not None and (found.outlook.month, found.outlook.figure) == (Month(2027, 2), None)
    ahead = held(build, data, {"option": "own", "limit": "$99999/month", "when": "any month"})
    assert (ahead.status, ahead.month) == ("violated", Month(2027, 1))
    assert ahead.crossing is not None and (ahead.crossing.month, ahead.crossing.figure) == (Month(2027, 2), None)
    assert ahead.reason == "own cannot serve it: 1 replica at most"
    later = {"option": "own", "limit": "$99999/month", "when": "any month", "not_before": "2027-02"}
    assert held(build, data, later).status == "allowed"
    there = held(build, data, {"option": "own", "limit": "$99999/month", "at": "60M tokens/day"})
    assert (there.status, there.figure, there.margin) == ("violated", None, None)
    total = held(build, data, {"option": "own", "limit": "$99999"})
    assert (total.status, total.reason) == ("violated", "own cannot serve it: 1 replica at most")
    assert total.crossing is not None and (total.crossing.month, total.crossing.figure) == (Month(2027, 2), None)
    late = small_fleet(growing(), D("3"))  # 259,200 requests a day: 8 x 30,000 fit
    late["projection"]["growth"] = "110%"  # 9.26 x in April
    last = held(build, late, {"option": "own", "limit": "$99999"})
    assert last.crossing is not None and last.crossing.month == Month(2027, 4)
    assert last.status == "violated"
    said = unknown(build, data, {"option": "api", "over": "own", "increase": "10%", "when": "any month"})
    assert "an increase over `own`, which cannot serve" in said


def test_a_fleet_that_is_full_in_one_month(build: Build) -> None:
    """The months after it are looked at as they are, and a total over it is no total."""
    data = small_fleet(growing(), D("0.35"))  # 30,240 requests a day for each of two replicas
    data["options"]["own"]["replicas"] = {"max": 2}
    data["projection"] |= {"growth": "0%", "seasonality": {"feb": "900%", "apr": "110%"}}
    found = held(build, data, {"option": "own", "limit": "$9999/month", "when": "any month"})
    assert (found.status, found.month, found.figure) == ("violated", Month(2027, 4), Fraction(2 * 730 + ADMIN))
    assert found.crossing is not None and found.crossing.month == Month(2027, 2)
    total = held(build, data, {"option": "own", "limit": "$99999"})
    assert (total.status, total.figure) == ("violated", None)
    assert total.crossing is not None and total.crossing.month == Month(2027, 2)


def test_a_fleet_that_is_full_in_too_many_draws(build: Build) -> None:
    rate = 30_000 / 86400
    data = small_fleet(scenario(), {"low": D(str(rate * 0.8)), "high": D(str(rate * 1.2))})
    assert held(build, data, {"option": "own", "limit": "$9999/month", "percentile": "P40"}).status == "within"
    found = held(build, data, {"option": "own", "limit": "$9999/month", "percentile": "P60"})
    assert (found.status, found.figure) == ("violated", None)
    assert "in 50% of draws" in found.reason


# -- what cannot be evaluated -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"limit": "$5/month", "component": "gpus"}, "no cost of the component `gpus`"),
        ({"limit": "$5/month", "component": "people"}, "`api` has no cost of the component `people`"),
        ({"limit": "$5/month", "option": "own", "component": "gpus"}, "did you mean `gpu`?"),
        ({"limit": "$5/month", "when": "any month"}, "looks ahead (`when: any month`)"),
        ("$5", "looks ahead (a total over the horizon)"),
        ("$5", "a scenario with a `projection`"),
        ("CHF 5/month", "no exchange rate for `CHF`"),
    ],
)
def test_what_cannot_be_evaluated(build: Build, budget: Any, said: str) -> None:
    assert said in unknown(build, scenario(), budget)


def test_nothing_is_no_reference(build: Build) -> None:
    data = scenario()
    data["options"]["free"] = {"kind": "self_hosted", "all_in": "$0/month"}
    assert "there is no per cent of it" in unknown(build, data, {"increase": "5%", "over": "free"})
    assert held(build, data, {"increase": "$1800/month", "over": "free"}).status == "within"


def test_a_class_without_requests_has_no_cost_per_request(build: Build) -> None:
    data = scenario()
    data["workload"]["classes"]["none"] = {"share": "0%", "input_tokens": 1, "output_tokens": 1}
    said = unknown(build, data, {"limit": "$1/request", "class": "none"})
    assert "there are no requests of `none` at the planned volume of 30M tokens/day: nothing to divide by" in said
    assert held(build, data, {"limit": "$0/month", "class": "none"}).figure == 0


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"at": "0 tokens/day"}, "no requests at 0 tokens/day:"), ({"when": "any month"}, "no requests in 2027-03:")],
)
def test_where_there_are_no_requests_is_said(build: Build, keys: Data, said: str) -> None:
    data = growing()
    data["projection"]["volumes"] = {"2027-03": "0 tokens/day"}
    for uncertainty in ({}, {"percentile": "P90"}):
        if uncertainty:
            uncertain(data)
        assert said in unknown(build, data, {"limit": "$1/request", **keys, **uncertainty})


def test_one_fault_hides_no_other_budget(build: Build) -> None:
    x, y = ({"limit": "$5/month", "component": name} for name in "xy")
    budgets = {"a": x, "b": "$5/month", "c": y}
    findings, faults = outcomes(build, scenario(budgets=budgets))
    assert [f.name for f in findings] == ["b"]
    assert len(faults) == 2


def test_an_empty_set_is_no_pass(build: Build) -> None:
    for data in (scenario(), scenario(budgets={}), scenario(checks={})):
        findings, faults = outcomes(build, data)
        assert not findings
        assert "nothing to check" in faults[0].message


def test_more_than_all_the_money(build: Build) -> None:
    data = scenario()
    data["options"]["api"]["fixed_costs"] = {"support": f"${10**31}/month"}
    assert "costs more than 10^30" in unknown(build, data, "$5/month")


# -- from the command line --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "status"),
    [
        (Limit(Fraction(API), None, None), "within"),
        (Limit(API - CENT, None, None), "crossed"),
        (Limit(Fraction(OWN + ADMIN), None, "own"), "within"),
        (Limit(OWN + ADMIN - CENT, None, "own"), "crossed"),
        (Limit(Fraction(1590), "EUR", None), "crossed"),
        (Limit(Fraction(1600), "EUR", None), "within"),
    ],
)
def test_a_limit_from_the_command_line(build: Build, limit: Limit, status: str) -> None:
    case = build(scenario(exchange_rates={"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}))
    (found,) = each(case, TODAY, Books(case, 64, 1), limit)
    assert isinstance(found, Finding)
    assert (found.status, found.name, found.option) == (status, "--max-monthly", limit.option or "api")
    assert found.place.line > 1


def test_a_limit_from_the_command_line_stands_beside_those_of_the_scenario(build: Build) -> None:
    case = build(scenario(budgets={"it": "$5/month"}))
    found = list(each(case, TODAY, Books(case, 64, 1), Limit(Fraction(5), None, "onw")))
    assert [isinstance(f, Finding) for f in found] == [False, True]
    assert "did you mean `own`?" in str(found[0])


# -- the line that drives it ------------------------------------------------------------------------------------------


SUBJECTS: list[tuple[Any, str]] = [
    ("$5/month", "monthly cost of api"),
    ("$5", "total cost over the horizon of api"),
    (
        {"limit": "$5/request", "class": "chat", "at": "60M tokens/day"},
        "cost per request of api for chat at 60M tokens/day",
    ),
    ({"limit": "$5/1M tokens", "percentile": "P97.5"}, "P97.5 of the cost per 1M tokens of api"),
    (
        {"increase": "5%", "option": "own", "over": "api", "when": "any month", "percentile": "P90"},
        "P90 of the increase of the monthly cost of own over api in any month",
    ),
    ({"limit": "$5/month", "option": "own", "component": "people"}, "people part of the monthly cost of own"),
]


@pytest.mark.parametrize(("budget", "subject"), SUBJECTS)
def test_what_is_held_against_the_limit_is_said(build: Build, budget: Any, subject: str) -> None:
    found = held(build, growing(), budget)
    assert found.subject == subject
    units = {"$5": "USD", "$5/month": "USD/month"}
    stated = budget if isinstance(budget, str) else budget.get("limit", "share")
    per = {"$5/request": "USD/request", "$5/1M tokens": "USD/1M tokens", "share": "share", **units}
    assert found.unit == per[stated]
    assert found.currency == "USD"


def test_a_finding_stands_where_its_budget_stands(build: Build) -> None:
    case = build({**scenario(), "budgets": {"first": "$5/month", "it": {"owner": "we", "limit": "$5/month"}}})
    _, found = each(case, TODAY, Books(case, 64, 1))
    assert isinstance(found, Finding)
    line = next(i for i, text in enumerate(case.document.lines, 1) if text.strip() == "it:")
    assert found.place == Place("scenario.yaml", line, 3)
    assert (found.name, found.owner, found.rule) == ("it", "we", "monthly-cost")


def test_the_line_that_drives_it(build: Build) -> None:
    chat = Decimal("0.6") * OUTPUT
    found = held(build, growing(), "$5/month")
    assert found.driver == Driver("", "api", "chat: output tokens", chat, None)
    later = held(build, growing(), {"limit": level(Fraction(IN_MONTH[0]), "month"), "when": "any month"})
    assert later.driver == Driver("", "api", "chat: output tokens", 2 * chat, chat)  # it grew most up to February
    kept = held(build, growing(), {"limit": "$99999/month", "when": "any month"})
    assert kept.driver == Driver("", "api", "chat: output tokens", 8 * chat, None)  # of the dearest month
    shrinking = growing()
    shrinking["projection"]["growth"] = "-50%"  # what is fixed is shared by fewer requests: no line has grown
    fewer = held(build, shrinking, {"limit": "$0.002/request", "when": "any month"})
    assert fewer.crossing is not None and fewer.crossing.month == Month(2027, 2)
    assert fewer.driver == Driver("", "api", "chat: output tokens", chat / 2, None)
    total = held(build, growing(), {"limit": "$5", "component": "fixed"})
    assert total.driver == Driver("", "fixed", "support", Decimal(SUPPORT * MONTHS), None)
    fixed = held(build, growing(), {"limit": "$5/month", "when": "any month", "component": "fixed"})
    assert fixed.driver == Driver("", "fixed", "support", Decimal(SUPPORT), None)


# -- other rules ------------------------------------------------------------------------------------------------------

PRICED: Data = {"kind": "api", "model": "frozen/plain"}
CHECKED = date(2026, 11, 1)


@pytest.mark.parametrize(("age", "status"), [(89, "within"), (90, "within"), (91, "violated")])
def test_how_old_prices_may_be(build: Build, age: int, status: str) -> None:
    data = scenario(checks={"max_price_age": "90d"})
    data["options"]["api"] = PRICED
    today = date.fromordinal(CHECKED.toordinal() + age)
    (found,), faults = outcomes(build, data, today)
    assert not faults
    assert (found.status, found.figure, found.limit, found.rule) == (status, Fraction(age), Fraction(90), "price-age")
    if status == "violated":
        assert found.reason.startswith("frozen/plain (") and "2 figures are older than 90 days" in found.reason
        assert found.notes == ()
    else:
        assert found.reason == "" and found.notes[0].startswith("frozen/plain (")


def test_the_oldest_price_is_named(build: Build) -> None:
    catalogue = {**FROZEN, "models": {**FROZEN["models"]}}
    old = {**PAPER, "checked": "2026-01-01", "input_per_mtok": 1, "output_per_mtok": 1}
    catalogue["models"]["old"] = {"name": "Old", "prices": [old]}
    data = scenario(checks={"max_price_age": "90d"})
    data["options"] |= {"api": PRICED, "old": {"kind": "api", "model": "frozen/old"}}
    case = build(data, catalogue)
    (found,) = each(case, TODAY, Books(case, 64, 1))
    assert isinstance(found, Finding)
    assert (found.status, found.figure) == ("violated", Fraction((TODAY - date(2026, 1, 1)).days))
    assert "frozen/old" in found.reason and "2 figures are older" in found.reason


def test_prices_without_a_date_have_no_age(build: Build) -> None:
    findings, faults = outcomes(build, scenario(checks={"max_price_age": "90d"}))
    assert not findings
    assert "nothing has an age" in faults[0].message


@pytest.mark.parametrize(
    ("require", "holds", "reason"),
    [
        ("feasible", True, ""),
        ("own is feasible", True, ""),
        ("cheapest is api", True, ""),
        ("recommended is api", True, ""),
        ("cheapest is own", False, "api is cheapest"),
        ("recommended is own", False, "api is cheapest"),
    ],
)
def test_what_is_required(build: Build, require: str, holds: bool, reason: str) -> None:
    (found,), faults = outcomes(build, scenario(checks={"require": require}))
    assert not faults
    assert (found.status, found.reason) == ("within" if holds else "violated", reason)


def test_another_is_cheapest_whatever_its_name(build: Build) -> None:
    data = scenario(checks={"require": ["cheapest is api", "cheapest is own"]})
    data["options"]["own"] = {"kind": "self_hosted", "all_in": "$5/month"}
    (api, own), _ = outcomes(build, data)
    assert (api.status, api.reason, own.status) == ("violated", "own is cheapest", "within")


def test_the_cheapest_may_be_too_close_to_be_recommended(build: Build) -> None:
    data = scenario(checks={"require": ["recommended is api", "cheapest is api"]})
    data["options"]["own"] = {"kind": "self_hosted", "all_in": "$1850/month"}
    (recommended, cheapest), _ = outcomes(build, data)
    assert (recommended.status, cheapest.status) == ("violated", "within")
    assert recommended.reason == "too close to call: api is only 2.7% below own"  # 50 of 1850


def test_infeasible_by_a_requirement_and_by_its_size(build: Build) -> None:
    data = scenario(checks={"require": ["feasible", "own is feasible"]}, requirements={"data": "vpc"})
    data["options"]["api"]["data"] = "public"
    (api, own), faults = outcomes(build, data)
    assert not faults
    assert (api.status, own.status) == ("violated", "within")
    assert "`vpc` or stricter is required" in api.reason
    full = small_fleet(scenario(checks={"require": "own is feasible"}), D("0.001"))
    (found,), _ = outcomes(build, full)
    assert found.status == "violated" and "1 replica at most" in found.reason


def test_whether_it_is_feasible_may_be_unknown(build: Build) -> None:
    findings, faults = outcomes(build, scenario(checks={"require": "feasible"}, requirements={"data": "vpc"}))
    assert not findings
    assert "whether `api` is feasible is not known" in faults[0].message


def test_no_option_is_feasible(build: Build) -> None:
    data = scenario(checks={"require": "recommended is api", "holds_in": "50%"}, requirements={"fine_tuning": True})
    for option in data["options"].values():
        option["fine_tunable"] = False
    (required, holds), _ = outcomes(build, data)
    assert (required.status, required.reason) == ("violated", "no option is feasible")
    assert (holds.status, holds.figure) == ("violated", Fraction(0))
    del data["checks"]["require"]
    (alone,), _ = outcomes(build, data)
    assert (alone.status, alone.figure) == ("violated", Fraction(0))


def test_the_share_of_draws_in_which_a_decision_holds(build: Build) -> None:
    """The API is cheaper while its input costs less than so much; 64 draws are one in each 64th of the range."""
    data = uncertain(scenario())
    data["options"]["own"] = {"kind": "self_hosted", "all_in": "$2800/month"}
    share = (Fraction(2800 - OUTPUT - SUPPORT, 810) - 1) / 2
    least, most = int(share * 64), int(share * 64) + 1
    for required in ({"require": "cheapest is api"}, {}):
        (*_, found), _ = outcomes(build, {**data, "checks": {**required, "holds_in": "10%"}})
        assert found.status == "within" and found.figure in (Fraction(least, 64), Fraction(most, 64))
        assert found.reason == ""
        assert found.limit is not None
        exactly = written(found.figure)
        (*_, found), _ = outcomes(build, {**data, "checks": {**required, "holds_in": exactly}})
        assert (found.status, found.margin, found.reason) == ("within", Fraction(0), "")
        assert found.figure is not None
        more = written(found.figure + Fraction(1, 10**5))
        (*_, found), _ = outcomes(build, {**data, "checks": {**required, "holds_in": more}})
        assert found.status == "violated" and found.margin is not None and found.margin < 0
        assert found.reason == "it holds in too few draws"


def test_the_share_of_draws_in_which_it_can_serve(build: Build) -> None:
    rate = 30_000 / 86400
    data = small_fleet(scenario(), {"low": D(str(rate * 0.8)), "high": D(str(rate * 1.2))})
    (_, found), _ = outcomes(build, {**data, "checks": {"require": "own is feasible", "holds_in": "50%"}})
    assert (found.status, found.figure) == ("within", Fraction(1, 2))
    (_, found), _ = outcomes(build, {**data, "checks": {"require": "own is feasible", "holds_in": "51%"}})
    assert found.status == "violated"


def test_without_ranges_a_decision_holds_in_all_draws_or_in_none(build: Build) -> None:
    for option, figure in (("api", 1), ("own", 0)):
        require = {"require": f"cheapest is {option}", "holds_in": "80%"}
        (_, found), _ = outcomes(build, scenario(checks=require))
        assert found.figure == figure and "nothing is a range" in found.notes[0]


# -- the verdict over many --------------------------------------------------------------------------------------------


def checked(*statuses: Any, faults: int = 0, failure: str = "") -> Checked:
    findings = tuple(Finding("monthly-cost", "it", "", s, Place("f", 1, 1)) for s in statuses)
    return Checked("f", "f", "USD", "", findings, tuple([Fault("f", 1, 1, "wrong")] * faults), failure, {})


@pytest.mark.parametrize(
    ("scenarios", "code"),
    [
        ([checked("within")], 0),
        ([checked("within", "warned", "allowed")], 0),
        ([checked("within", "crossed")], 7),
        ([checked("violated")], 7),
        ([checked("crossed"), checked("within", faults=1)], 2),
        ([checked("within"), checked(faults=1)], 2),
        ([checked("crossed"), checked(faults=1), checked(failure="disk")], 4),
        ([checked("within"), checked("within", failure="disk")], 4),
        ([], 2),
        ([checked()], 2),
        ([checked("within"), checked("within")], 0),
    ],
)
def test_4_before_2_before_3(scenarios: list[Checked], code: int) -> None:
    for order in (scenarios, scenarios[::-1]):
        report = Report(tuple(order), 0, TODAY, 7)
        assert report.exit_code == code
    assert Report(tuple(scenarios), 0, TODAY, 7, "disk full").exit_code == 4


# -- found missing by mutation ----------------------------------------------------------------------------------------


def test_draws_of_today_are_not_those_of_the_months(build: Build) -> None:
    """Only the growth is a range: today's cost is certain, and every later month's is not."""
    data = growing()
    data["projection"]["growth"] = {"low": "0%", "high": "100%"}
    certain = ("nothing is a range: every percentile is the point",)
    assert held(build, data, {"limit": "$99999/month", "percentile": "P90"}).notes == certain
    assert held(build, data, {"limit": "$99999/month", "percentile": "P90", "when": "any month"}).notes == ()
    assert held(build, growing(), {"limit": "$99999/month", "percentile": "P90", "when": "any month"}).notes == certain


def test_a_percentile_of_a_cost_per_request_in_any_month(build: Build) -> None:
    data = growing()
    data["projection"]["growth"] = {"low": "10%", "high": "100%"}
    books = Books(build({**data, "budgets": {"it": "$1/month"}}), 64, 1)
    cost = books.drawn("api", Where("months")).total(None)
    ratio = cost / (REQUESTS * (cost - SUPPORT) / (INPUT + OUTPUT))  # as the volume grows, support is shared by more
    found = held(build, data, {"limit": "$9/request", "percentile": "P90", "when": "any month"})
    assert found.month == Month(2027, 1)
    highest = max(float(np.quantile(month, 0.9, method="inverted_cdf")) for month in ratio)
    assert float(found.figure or 0) == pytest.approx(highest, abs=0.01 / REQUESTS)
    last = float(np.quantile(ratio[-1], 0.9, method="inverted_cdf"))
    lower = held(build, data, {"limit": f"${last * 1.0001:.9f}/request", "percentile": "P90", "when": "any month"})
    assert lower.status == "crossed"
    at = held(build, uncertain(scenario()), {"limit": "$9/request", "percentile": "P90", "at": "60M tokens/day"})
    monthly = held(build, uncertain(scenario()), {"limit": "$9999/month", "percentile": "P90", "at": "60M tokens/day"})
    assert float(at.figure or 0) == pytest.approx(float(monthly.figure or 0) / (2 * REQUESTS), abs=0.005 / REQUESTS)


def test_prices_of_what_runs_today_have_an_age_too(build: Build) -> None:
    data = scenario(checks={"max_price_age": "9d"})
    data["options"]["api"] = {**PRICED, "candidate": False}
    (found,), faults = outcomes(build, data)
    assert (found.status, found.figure, faults) == ("violated", Fraction((TODAY - CHECKED).days), [])


@pytest.mark.parametrize("require", ["feasible", ["feasible", "own is feasible"]])
def test_a_requirement_stands_where_it_is_stated(build: Build, require: Any) -> None:
    case = build(scenario(checks={"require": require}))
    found = [f.place for f in each(case, TODAY, Books(case, 64, 1)) if isinstance(f, Finding)]
    line = next(i for i, text in enumerate(case.document.lines, 1) if "require:" in text)
    text = case.document.lines[line - 1]
    stated = [text.index('"feasible"'), *([text.index('"own is feasible"')] if isinstance(require, list) else [])]
    assert found == [Place("scenario.yaml", line, column + 1) for column in stated]


def test_what_fails_a_requirement_can_serve_in_no_draw(build: Build) -> None:
    data = scenario(checks={"require": "own is feasible", "holds_in": "1%"}, requirements={"fine_tuning": True})
    data["options"]["own"]["fine_tunable"] = False
    (required, holds), _ = outcomes(build, data)
    assert (required.status, holds.status, holds.figure) == ("violated", "violated", Fraction(0))


def test_a_file_that_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(yaml({**scenario(), "name": "It", "budgets": {"bill": "$5/month"}}).lstrip())
    done = check(str(path), TODAY, 64, 1)
    assert (done.file, done.title, done.currency, done.as_of) == (str(path), "It", "USD", "2026-11-21")
    assert ([f.status for f in done.findings], done.faults, done.failure) == (["crossed"], (), "")
    assert list(done.inputs) == [str(path)]
    path.write_text(path.read_text().replace("$5/month", "5"))
    wrong = check(str(path), TODAY, 64, 1)
    assert (wrong.file, wrong.title, wrong.currency, wrong.as_of) == (str(path), str(path), "", "")
    assert (wrong.findings, len(wrong.faults), wrong.inputs) == ((), 1, {})
    missing = check(str(tmp_path / "no.yaml"), TODAY, 64, 1)
    assert missing.file == str(tmp_path / "no.yaml") and "file not found" in missing.faults[0].message


def test_catalogues_that_scenarios_share_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tco.catalog import store
    from tco.document.part import Parts

    opened: list[Path] = []

    class Counted(Parts):
        def __init__(self, path: Path) -> None:
            opened.append(path)
            super().__init__(path)

    monkeypatch.setattr(store, "Parts", Counted)
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "frozen.yaml").write_text(yaml(FROZEN).lstrip())
    files = []
    for i in range(5):
        data = scenario(catalogs=["prices"], budgets={"bill": "$99999/month"})
        data["options"]["api"] = {"kind": "api", "model": "frozen/plain" if i % 2 else "frozen/rich"}
        files.append(str(tmp_path / f"{i}.yaml"))
        Path(files[-1]).write_text(yaml(data).lstrip())
    done = list(check_each(files, TODAY, 64, 1))
    assert [f.status for one in done for f in one.findings] == ["within"] * 5
    assert len(opened) == 1
    assert all(str(tmp_path / "prices" / "frozen.yaml") in one.inputs for one in done)  # read or not, it is an input


def test_a_factor_of_a_spike_is_one_value(build: Build) -> None:
    data = scenario(
        projection={"months": 3, "spikes": [{"month": "2027-01", "factor": {"low": 2, "high": 3}, "days": 2}]}
    )
    with pytest.raises(Faults, match="one factor such as 10, not a range"):
        build(data)
