"""What each request class causes: by tokens, calls and spend, by busy time, by requests. The parts make the whole."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from conftest import Build, D, Data, scenarios
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tco.analysis.attribution import of_class
from tco.analysis.case import Case
from tco.analysis.ledger import ledger
from tco.draws import Draws
from tco.gate.costs import Books, Where
from tco.lineitem import Exact
from tco.quantity import at

Parts = dict[str, Fraction]

# 3 in 4 requests are `short`: 800 + 100 tokens, the others 2,000 + 400
REQUESTS = {"short": 3000 * 30, "long": 1000 * 30}
DATA: Data = {
    "traffic_days_per_month": 30,
    "workload": {
        "volume": "4k requests/day",
        "classes": {
            "short": {"share": "75%", "input_tokens": 800, "output_tokens": 100},
            "long": {"share": "rest", "input_tokens": 2000, "output_tokens": 400},
        },
    },
}


def parts(case: Case, option: str) -> dict[str, Parts]:
    """The amount of each line by class, unrounded."""
    n = Exact()
    priced, whole = case.price(n)[option], case.traffic.demand(n)
    books = {c: ledger(of_class(priced, c, whole, n), case.volume()) for c in case.traffic.classes}
    labels = [e.label for e in ledger(priced, case.volume()).entries]
    return {label: {c: books[c].entries[i].exact for c in books} for i, label in enumerate(labels)}


def of(build: Build, **option: object) -> dict[str, Parts]:
    return parts(build({**DATA, "options": {"it": option}}), "it")


def test_tokens_belong_to_their_class(build: Build) -> None:
    found = of(build, kind="api", price={"input": "$1/1M tokens", "output": "$10/1M tokens"})
    assert found["short: input tokens"] == {"short": Fraction(REQUESTS["short"] * 800, 10**6), "long": 0}
    assert found["long: output tokens"] == {"short": 0, "long": Fraction(REQUESTS["long"] * 400 * 10, 10**6)}


def test_fees_by_calls_and_tools_by_uses(build: Build) -> None:
    found = of(
        build, kind="api", price={"blended": "$1/1M tokens"}, request_fee="$1/1k requests",
        tools={"search": {"price": "$10/1k requests", "per_request": {"long": 2}}},
    )  # fmt: skip
    assert found["request fees"] == {c: Fraction(n, 1000) for c, n in REQUESTS.items()}
    assert found["search"] == {"short": 0, "long": Fraction(REQUESTS["long"] * 2 * 10, 1000)}


def test_what_is_agreed_on_spend_by_spend(build: Build) -> None:
    """$1 for 1M tokens of either kind: spend is as tokens are."""
    tokens = {"short": REQUESTS["short"] * 900, "long": REQUESTS["long"] * 2400}
    spend = sum(tokens.values())
    found = of(build, kind="api", price={"blended": "$1/1M tokens"}, commitment={"spend": "$1000/month"})
    short = 1000 - Fraction(spend, 10**6)
    assert found["commitment shortfall"] == {c: short * Fraction(t, spend) for c, t in tokens.items()}
    tier = {"above": "$53/month", "discount": "10%"}
    found = of(build, kind="api", price={"blended": "$1/1M tokens"}, volume_discounts=[tier])
    off = -(Fraction(spend, 10**6) - 53) / 10
    assert found["volume discount above $53.00/month"] == {c: off * Fraction(t, spend) for c, t in tokens.items()}


def test_a_commitment_that_nobody_uses_by_requests(build: Build) -> None:
    free = {"tokens": "1B tokens/month"}
    option = {"kind": "api", "price": {"blended": "$1/1M tokens"}, "commitment": {"spend": "$1000/month"}}
    found = of(build, **option, free_quota=free)
    assert found["commitment shortfall"] == {"short": Fraction(750), "long": Fraction(250)}


def test_a_fleet_by_busy_time_and_people_by_requests(build: Build) -> None:
    """Prefill at 8,000 and decode at 1,000 tokens/s: 0.2 s for the short one, 0.65 s for the long one."""
    seconds = {"short": Fraction(800, 8000) + Fraction(100, 1000), "long": Fraction(2000, 8000) + Fraction(400, 1000)}
    found = of(
        build, kind="self_hosted", gpu_price="$2/hour", fixed_costs={"logs": "$100/month"},
        capacity={"prefill_tokens_per_s": 8000, "decode_tokens_per_s": 1000}, people={"fte": 1, "cost": "$120k/year"},
    )  # fmt: skip
    busy = {c: REQUESTS[c] * seconds[c] for c in REQUESTS}
    assert found["GPUs"] == {c: 1460 * busy[c] / sum(busy.values()) for c in busy}
    assert found["people"] == {"short": 7500, "long": 2500}
    assert found["logs"] == {"short": 75, "long": 25}


def test_use_by_the_token_by_tokens(build: Build) -> None:
    found = of(
        build, kind="api", price={"blended": "$1/1M tokens"},
        usage_costs={"guard": {"price": "$1/1M tokens"}, "egress": {"price": "$1/GB", "bytes_per_request": 10**6}},
    )  # fmt: skip
    assert found["guard"] == {
        "short": Fraction(REQUESTS["short"] * 900, 10**6), "long": Fraction(REQUESTS["long"] * 2400, 10**6),
    }  # fmt: skip
    assert found["egress"] == {c: Fraction(n, 1000) for c, n in REQUESTS.items()}


def test_a_leaf_by_what_reaches_it(build: Build) -> None:
    options: Data = {
        "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}, "fixed_costs": {"seats": "$40/month"}},
        "own": {"kind": "self_hosted", "all_in": "$900/month"},
        "mix": {
            "kind": "hybrid", "routes": {"own": {"long": "100%"}, "api": "rest"}, "fixed_costs": {"router": "$8/month"},
        },
    }  # fmt: skip
    found = parts(build({**DATA, "options": options}), "mix")
    assert found["seats"] == {"short": 40, "long": 0}
    assert found["all-in"] == {"short": 0, "long": 900}
    assert found["router"] == {"short": 6, "long": 2}


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=scenarios(most_classes=3, hours=2), decades=st.integers(-3, 3))
def test_the_parts_make_the_whole_exactly(build: Build, data: Data, decades: int) -> None:
    case, n = build(data), Exact()
    volume = case.volume() * Fraction(10) ** decades
    priced, whole = case.price(n), case.traffic.demand(n)
    for option in priced.values():
        entries = ledger(option, volume).entries
        by_class = [ledger(of_class(option, c, whole, n), volume).entries for c in case.traffic.classes]
        for i, entry in enumerate(entries):
            assert sum((one[i].exact for one in by_class), Fraction(0)) == entry.exact


def test_the_parts_make_the_whole_in_draws_and_over_months(build: Build) -> None:
    data: Data = {
        **DATA,
        "current": "api",
        "projection": {"start": "2027-01", "months": 5, "growth": {"low": "0%", "high": "30%"}},
        "options": {
            "api": {
                "kind": "api",
                "price": {"input": {"low": "$1/1M tokens", "high": "$2/1M tokens"}, "output": "$9/1M tokens"},
                "commitment": {"spend": "$2400/year", "until": "2027-04"},
            },
            "own": {
                "kind": "self_hosted", "gpu_price": "$2/hour",
                "time_to_production": "2 months", "margin_lost": "$90/month",
                "capacity": {"prefill_tokens_per_s": 8000, "decode_tokens_per_s": {"low": 800, "high": 1000}},
                "people": {"fte": D("0.1"), "cost": "$120k/year"}, "one_offs": {"moving": "$700"},
            },
        },
    }  # fmt: skip
    case = build(data)
    books = Books(case, 32, 1)
    for option in ("api", "own"):
        for where in (Where(), Where("months")):
            whole = books.costs(option, where)
            by_class = [books.costs(option, where, c) for c in REQUESTS]
            for i, total in enumerate(whole.totals):
                apart = sum(float(one.totals[i]) for one in by_class) - float(total)
                assert abs(apart) <= 0.01 * len(whole.rows)  # lines are rounded once more
            drawn = books.drawn(option, where).total(None)
            together = sum(books.drawn(option, where, c).total(None) for c in REQUESTS)
            np.testing.assert_allclose(together, drawn, rtol=1e-12)
    waiting = {r.label for r in books.costs("own", Where("months"), "long").rows}
    assert {"api until production", "margin lost"} <= waiting


def test_a_part_is_a_ratio_in_every_draw(build: Build) -> None:
    case = build({**DATA, "options": {"it": {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": {
        "prefill_tokens_per_s": 8000, "decode_tokens_per_s": {"low": 500, "high": 1500}}}}})  # fmt: skip
    n = Draws(16, 1)
    priced, whole = case.price(n)["it"], case.traffic.demand(n)
    here = at(np.full(16, float(case.volume())), rows=np.arange(16))
    ((_, line),) = of_class(priced, "long", whole, n).lines
    rate = np.asarray(next(iter(n.drawn.values()))[1])
    busy = {"short": 90_000 * (0.1 + 100 / rate), "long": 30_000 * (0.25 + 400 / rate)}
    expected = 1460 * busy["long"] / (busy["short"] + busy["long"])
    assert line.amount(here) == pytest.approx(expected, rel=1e-12)
