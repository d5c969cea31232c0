"""The keys of budgets and checks: how they are written, and what is refused with its place."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from conftest import Build, D, Data

from tco.calendar import Month
from tco.document import Faults
from tco.scenario.budgets import Level, Requirement

OPTIONS: Data = {
    "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}},
    "own": {"kind": "self_hosted", "all_in": "$9000/month"},
    "part": {"kind": "api", "price": {"blended": "$1/1M tokens"}, "candidate": False},
}


def scenario(**keys: Any) -> Data:
    workload = {"volume": "1M tokens/day", "input_tokens": 900, "output_tokens": 100}
    return {"workload": workload, "current": "api", "options": OPTIONS, **keys}


@pytest.mark.parametrize(
    ("stated", "level"),
    [
        ("$12,000/month", Level(Fraction(12000), "month", "USD")),
        ("€12k/month", Level(Fraction(12000), "month", "EUR")),
        ("$0.002/request", Level(Fraction(2, 1000), "request", "USD")),
        ("$5/1k requests", Level(Fraction(5, 1000), "request", "USD")),
        ("$3/1M tokens", Level(Fraction(3), "mtok", "USD")),
        ("$400k", Level(Fraction(400_000), "total", "USD")),
    ],
)
def test_a_limit_short_and_long(build: Build, stated: str, level: Level) -> None:
    case = build(scenario(budgets={"short": stated, "long": {"limit": stated}}))
    assert [b.level for b in case.scenario.budgets.values()] == [level, level]
    assert {b.kind for b in case.scenario.budgets.values()} == {"limit"}


def test_every_key_of_a_budget(build: Build) -> None:
    stated = {
        "increase": "10%", "over": "own", "option": "api", "component": "api", "percentile": "P97.5", "warn": "5%",
        "when": "any month", "not_before": "2027-03", "expires": "2027-12-31", "owner": "platform team",
    }  # fmt: skip
    (budget,) = build(scenario(budgets={"it": stated})).scenario.budgets.values()
    assert (budget.level, budget.kind) == (Level(Fraction(1, 10), "share", None), "increase")
    assert (budget.percentile, budget.warn) == (Fraction("0.975"), Level(Fraction(1, 20), "share", None))
    assert (budget.not_before, str(budget.expires), budget.owner) == (Month(2027, 3), "2027-12-31", "platform team")


def test_every_key_of_checks(build: Build) -> None:
    stated = {"max_price_age": "90d", "require": ["feasible", "own is feasible", "cheapest is api"], "holds_in": "80%"}
    checks = build(scenario(checks=stated)).scenario.checks
    assert checks is not None
    assert (checks.max_price_age, checks.holds_in) == (90, Fraction(4, 5))
    assert checks.require == [
        Requirement("feasible", None), Requirement("feasible", "own"), Requirement("cheapest", "api"),
    ]  # fmt: skip
    alone = build(scenario(checks={"require": "recommended is own"})).scenario.checks
    assert alone is not None
    assert alone.require == [Requirement("recommended", "own")]


REFUSED: list[tuple[Any, str]] = [
    (12000, "money without a currency"),
    ("$5/day", "money per day does not fit here"),
    ({}, "one of `limit` and `increase`"),
    ({"limit": "$5", "increase": "5%"}, "one of `limit` and `increase`"),
    ({"limit": {"low": "$5/month", "high": "$6/month"}}, "a limit holds or it does not"),
    ({"limit": "5%"}, "money without a currency"),
    ({"increase": D("0.1")}, "an increase such as 10% or $500/month"),
    ({"limit": "$5/month", "over": "own"}, "`increase` beside `over`"),
    ({"limit": "$5/month", "warn": "$5/month"}, "a `warn` below the limit, in its unit and currency"),
    ({"limit": "$5/month", "warn": "$4/request"}, "a `warn` below the limit, in its unit and currency"),
    ({"limit": "$5/month", "warn": "€4/month"}, "a `warn` below the limit, in its unit and currency"),
    ({"limit": "$5/month", "at": "1M tokens/day", "when": "any month"}, "either `at`"),
    ({"limit": "$5/month", "at": {"low": "1M tokens/day", "high": "2M tokens/day"}}, "one value such as"),
    ({"limit": "$5/month", "not_before": "2027-03"}, "`when: any month` beside `not_before`"),
    ({"limit": "$5", "when": "any month"}, "no `when` beside a total"),
    ({"limit": "$5", "at": "1M tokens/day"}, "no `at` beside a total"),
    ({"limit": "$5", "class": "chat"}, "no `class` beside a total"),
    ({"limit": "$5/month", "when": "some month"}, "any month"),
    ({"limit": "$5/month", "percentile": "P0"}, "a percentile of the draws such as P90"),
    ({"limit": "$5/month", "percentile": "P100"}, "a percentile of the draws such as P90"),
    ({"limit": "$5/month", "percentile": "90%"}, "a percentile of the draws such as P90"),
    ({"limit": "$5/month", "opton": "own"}, "did you mean `option`?"),
    ({"limit": "$5/month", "option": "onw"}, "did you mean `own`?"),
    ({"increase": "5%", "option": "own", "over": "ap"}, "no option `ap`"),
    ({"increase": "5%"}, "an increase of `api` over itself"),
    ({"increase": "5%", "option": "own", "over": "own"}, "an increase of `own` over itself"),
    ({"limit": "$5/month", "class": "chat"}, "no request class `chat`"),
]


@pytest.mark.parametrize(("budget", "said"), REFUSED, ids=lambda v: str(v)[:60])
def test_a_budget_that_is_refused(build: Build, budget: Any, said: str) -> None:
    with pytest.raises(Faults) as problem:
        build(scenario(budgets={"it": budget}))
    (fault,) = problem.value.faults
    assert said in fault.render()
    assert fault.line > 1
    assert "it" in fault.source_line or fault.line > 20  # the line of the budget, or of one of its keys


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ({"max_price_age": "3 h"}, "no whole number of days"),
        ({"max_price_age": 90}, "an age in days"),
        ({"require": []}, "nothing is required"),
        ({"require": "feasable"}, "not a requirement"),
        ({"require": ["feasible", "recommended is ap"]}, "no option `ap`"),
        ({"require": "recommended is part"}, "is no candidate"),
        ({"holds_in": 0}, "it would always hold"),
        ({"holds_in": {"low": "70%", "high": "80%"}}, "not a range"),
    ],
)
def test_checks_that_are_refused(build: Build, checks: Data, said: str) -> None:
    with pytest.raises(Faults, match="(?s).*") as problem:
        build(scenario(checks=checks))
    assert said in problem.value.render()


@pytest.mark.parametrize("keys", [{"budgets": {"it": "$5/month"}}, {"checks": {"require": "feasible"}}])
def test_what_names_no_option_needs_what_runs_today(build: Build, keys: Data) -> None:
    data = scenario(**keys)
    assert build(data).scenario.current == "api"
    del data["current"]
    with pytest.raises(Faults) as problem:
        build(data)
    assert "names no option" in problem.value.render()


def test_an_increase_without_what_runs_today_names_its_reference(build: Build) -> None:
    data = scenario(budgets={"it": {"increase": "5%", "option": "own"}})
    del data["current"]
    with pytest.raises(Faults) as problem:
        build(data)
    assert "an increase over nothing" in problem.value.render()
    data["budgets"]["it"]["over"] = "api"
    assert build(data).scenario.budgets["it"].over == "api"


def test_every_fault_of_every_budget_at_once(build: Build) -> None:
    with pytest.raises(Faults) as problem:
        build(scenario(budgets={"a": {"limit": "$5/month", "option": "x"}, "b": {"limit": "$5/month", "option": "y"}}))
    assert len(problem.value.faults) == 2
