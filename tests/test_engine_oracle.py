"""The engine against the oracle: line by line, on steps and just above them, in exact and in floating arithmetic."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import Build, Data, dedicated, on_steps, oracle, scenarios, self_hosted, workloads
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from oracle import Curve, Oracle, Outcome, curve, leaders, steps, swaps
from oracle_scenarios import meetings

from tco.analysis.case import Case
from tco.analysis.compare import compare
from tco.analysis.ledger import ledger
from tco.lineitem import Exact, Point
from tco.options.assembly import Assembled
from tco.quantity import At, Highest, Linear, Part, Quantity, Steps, at, just_above
from tco.report.csv import ledger_csv
from tco.report.json import as_json

F = Fraction
SCALE = int(os.environ.get("ORACLE_SCALE", "1"))
"""`ORACLE_SCALE=40 pytest tests/test_engine_oracle.py` looks at thousands; `make test` at some hundreds."""

SLOW = settings(
    derandomize=SCALE == 1,
    database=None,
    deadline=None,
    phases=[Phase.generate],  # a failure is shown as found: making it smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
VOLUMES = st.integers(1, 9_999).flatmap(lambda m: st.integers(0, 7).map(lambda e: F(m * 10**e)))


def amounts(option: Assembled, here: At) -> dict[tuple[str, str, str], list[Any]]:
    """Amounts at each point by part, category and label."""
    found: dict[tuple[str, str, str], list[Any]] = {}
    for part, line in option.lines:
        values = np.broadcast_to(line.amount(here).reshape(-1), (len(here.volume),)).tolist()
        key = (part, line.category, line.label)
        found[key] = [a + b for a, b in zip(found.get(key, [0] * len(values)), values, strict=True)]
    return found


def replicas(option: Assembled, here: At, point: int) -> dict[str, set[int]]:
    """The numbers of replicas that run in any hour with load, by fleet."""
    return {
        leaf: {int(level.replicas.value(here).reshape(-1)[point]) for level in fleet.levels}
        for leaf, fleet in option.fleets.items()
        if fleet.levels
    }


def hourly_replicas(outcome: Outcome, profile: list[Fraction]) -> dict[str, set[int]]:
    """The same by the oracle: hours of the profile that have traffic."""
    found: dict[str, set[int]] = {}
    for h in outcome.hours:
        if profile[h.hour]:
            found.setdefault(h.leaf, set()).add(h.replicas)
    return found


@settings(SLOW, max_examples=55 * SCALE)
@given(data=scenarios(), plain=st.lists(VOLUMES, min_size=3, max_size=3), which=st.randoms(use_true_random=False))
def test_lines_equal_the_oracles(build: Build, data: Data, plain: list[Fraction], which: Any) -> None:
    slow, case = oracle(data), build(data)
    exact, floats = case.price(Exact()), case.price(Point())
    for name in case.options:
        stepped = [v for rough in plain[:2] for v in on_steps(data, name, rough)]
        volumes = [*plain, *which.sample(stepped, min(3, len(stepped)))]
        for above in (False, True):
            side = just_above if above else at
            mine = [slow.price(name, v, above) for v in volumes]
            here, rounded = side(volumes), side([float(v) for v in volumes])
            exactly, roughly = amounts(exact[name], here), amounts(floats[name], rounded)
            for i, (v, want) in enumerate(zip(volumes, mine, strict=True)):
                where = f"{name} at {v}{'+' if above else ''}"
                got = {k: x[i] for k, x in exactly.items() if abs(x[i]) > F(1, 10**30)}
                if not above:
                    assert got == want.by_key(), where
                    assert sum(got.values()) == want.total.value
                    assert (not ledger(exact[name], v).over) == want.feasible, where
                else:  # a nudge of 2^-200 stands for the limit
                    assert got.keys() == want.by_key().keys(), where
                    assert all(abs(got[k] - x) <= want.gross / 2**150 for k, x in want.by_key().items()), where
                for k in roughly.keys() | want.by_key().keys():
                    near = roughly[k][i] if k in roughly else 0.0
                    assert abs(F(near) - want.by_key().get(k, 0)) <= want.gross / 10**12, (where, k)
                counted = hourly_replicas(want, slow.profile)
                for mode, points in ((exact, here), (floats, rounded)):
                    running = replicas(mode[name], points, i)
                    assert running == {leaf: counted[leaf] for leaf in running}, where


@st.composite
def spilling(draw: st.DrawFn) -> Data:
    """A fleet that fills up and a second one that takes what it leaves: loads that begin at nothing, far out."""
    small, target = draw(self_hosted(bounded=True)), draw(self_hosted() | dedicated())
    target["replicas"] = {k: v for k, v in target["replicas"].items() if k != "max"}
    options = {
        "fleet": small, "second": target,
        "spilled": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "second"}},
        "shared": {"kind": "hybrid", "routes": {"fleet": "71.3%", "second": "rest"}, "overflow": {"fleet": "second"}},
    }  # fmt: skip
    rates = {"EUR": {"usd": Decimal("1.13"), "as_of": "2026-11-01", "source": "made up"}}
    return {"exchange_rates": rates, "workload": draw(workloads(most_classes=6, hours=4)), "options": options}


ROUGHLY = [F(k * 10**e) for e in range(7, 12) for k in (1, 4)]


@settings(SLOW, max_examples=30 * SCALE)
@given(data=spilling())
def test_rounding_never_buys_a_replica_nor_misses_one(build: Build, data: Data) -> None:
    """On hundreds of steps, and just above each, floats count what fractions count."""
    case = build(data)
    exact, floats = case.price(Exact()), case.price(Point())
    for name in ("second", "spilled", "shared"):
        on = sorted({v for rough in ROUGHLY for v in on_steps(data, name, rough)})
        if not on:
            continue
        for side in (at, just_above):
            here, rounded = side(on), side([float(v) for v in on])
            for leaf, fleet in exact[name].fleets.items():
                for level, other in zip(fleet.levels, floats[name].fleets[leaf].levels, strict=True):
                    want, got = level.replicas.value(here).tolist(), other.replicas.value(rounded).reshape(-1).tolist()
                    assert want == got, (name, leaf)


@pytest.mark.parametrize(("billing", "at_rest"), [("static", 1), ("autoscaled", 1), ("busy_hours", 0)])
def test_an_overflow_that_has_not_begun_runs_no_spares(build: Build, billing: str, at_rest: int) -> None:
    capacity: Data = {"capacity": {"requests_per_s": 1}, "gpu_price": "$1/hour"}
    data: Data = {
        "workload": {"volume": "1000000 tokens/day", "input_tokens": 1},
        "options": {
            "fleet": {"kind": "self_hosted", **capacity, "replicas": 3},
            "second": {"kind": "self_hosted", **capacity, "replicas": {"spare": 2}, "billing": billing},
            "spilled": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "second"}},
        },
    }
    full, slow, option = F(3 * 86_400), oracle(data), build(data).price(Exact())["spilled"]
    for side, volume, running in ((at, full / 2, at_rest), (at, full, at_rest), (just_above, full, 1 + 2)):
        found = amounts(option, side([volume]))
        assert found["second", "gpu", "GPUs"] == [running * 730]
        outcome = slow.price("spilled", volume, side is just_above)
        assert outcome.by_key().get(("second", "gpu", "GPUs"), 0) == running * 730


# -- crossovers and bands --------------------------------------------------------------------------------------------

LO = F(1_000)


@st.composite
def comparisons(draw: st.DrawFn) -> Data:
    """Two options and an API that costs what one of them does somewhere, over a range of few enough steps."""
    data = draw(scenarios(most_classes=2, hours=draw(st.sampled_from([2, 3]))))
    names = draw(
        st.lists(
            st.sampled_from(["rented", "units", "fleet", "mixed", "nested", "api"]), min_size=2, max_size=2, unique=True
        )
    )
    for name, spec in data["options"].items():
        spec["candidate"] = name in names
    slow = oracle(data)
    hi = 10**5
    while hi < 10**12 and sum(len(steps(slow, name, LO, F(10 * hi))) for name in names) <= 60:
        hi *= 10
    somewhere = F(hi) * draw(st.integers(2, 90)) / 100
    cost = slow.price(names[0], somewhere).total.value / (somewhere * slow.days) * 10**6
    data["options"]["line"] = {"kind": "api", "price": {"blended": f"${float(cost) + 1e-6:.6f}/1M tokens"}}
    return {**data, "range": {"from": f"{LO} tokens/day", "to": f"{hi} tokens/day"}}


def curves_of(slow: Oracle, hi: Fraction) -> dict[str, Curve]:
    """Every candidate over the steps of all of them, the ends of the range first and last."""
    inner = {v for name in slow.candidates for v in steps(slow, name, LO, hi)}
    edges = [LO, *sorted(inner), hi]
    return {name: curve(slow, name, edges) for name in slow.candidates}


@settings(SLOW, max_examples=30 * SCALE)
@given(data=comparisons())
def test_crossovers_and_bands_are_those_of_every_step_looked_at(build: Build, data: Data) -> None:
    slow, found = oracle(data), compare(build(data))
    curves = curves_of(slow, F(found.window[1]))
    changes: set[Fraction] = set()
    for p in found.pairs:
        want = swaps(curves[p.a], curves[p.b], (p.a, p.b))
        event(f"{min(len(want), 3)} swaps")
        assert [(x.below, x.above) for x in p.crossings] == [(x.below, x.above) for x in want]
        assert [x.volume for x in p.crossings] == [float(x.volume) for x in want], "correctly rounded"
        assert [x.kind for x in p.crossings] == [x.kind for x in want]
        assert (p.outcome == "crosses") == bool(want)
        for x in want:
            event(x.kind)
            at_it, above = (slow.price(name, x.volume) for name in (x.below, x.above))
            if x.kind == "meet":
                assert at_it.total.value == above.total.value
            if x.kind == "step":
                assert at_it.total.value < above.total.value
        changes |= {x.volume for x in want}
    changes |= {c.end for c in curves.values() if c.end is not None and LO < c.end < curves[p.a].edges[-1]}
    edges = [LO, *sorted(changes), F(found.window[1])]
    for lo, hi in pairwise(edges):
        middle = lo + (hi - lo) / 3
        (band,) = [b for b in found.bands if b.lo < middle <= b.hi]
        assert band.leaders == leaders(curves, middle, slow)
    assert [b.hi for b in found.bands[:-1]] == [b.lo for b in found.bands[1:]]
    assert {b.hi for b in found.bands[:-1]} <= {float(v) for v in changes}


def test_a_band_of_nearly_parallel_lines_ends_at_their_crossover(build: Build) -> None:
    options = {
        "flat": {"kind": "api", "price": {"blended": "$1.2345671/1M tokens"}, "fixed_costs": {"x": "$101.7/month"}},
        "less": {"kind": "api", "price": {"blended": "$1.234567/1M tokens"}, "fixed_costs": {"x": "$102.1/month"}},
    }
    workload = {"volume": "1000000 tokens/day", "input_tokens": 900, "output_tokens": 100}
    found = compare(build({"workload": workload, "options": options, "range": {"to": "1T tokens/day"}}))
    (crossing,) = found.pairs[0].crossings
    assert crossing.volume == float((F("102.1") - F("101.7")) / (F("0.0000001") / 10**6) / F(365, 12))
    assert found.bands[0].hi == crossing.volume


@settings(SLOW, max_examples=8 * SCALE)
@given(data=comparisons())
def test_between_crossovers_no_sampled_order_differs(build: Build, data: Data) -> None:
    slow, found = oracle(data), compare(build(data))
    grid = [F(v) for v in np.geomspace(*found.window, 60).tolist()[1:-1]]
    costs = {name: [slow.price(name, v) for v in grid] for name in slow.candidates}
    engine = {s.name: found.costs(s, np.array([float(v) for v in grid])) for s in found.standings}
    for name, outcomes in costs.items():
        for want, got in zip(outcomes, engine[name].tolist(), strict=True):
            assert math.isinf(got) if not want.feasible else abs(F(got) - want.total.value) <= want.gross / 10**12
    for p in found.pairs:
        for i, v in enumerate(grid):
            a, b = costs[p.a][i], costs[p.b][i]
            passed = [x for x in p.crossings if x.volume < v]
            ahead = [x for x in p.crossings if x.volume >= v]
            cheaper = passed[-1].above if passed else ahead[0].below if ahead else None
            if not (a.feasible and b.feasible) or a.total.value == b.total.value or cheaper is None:
                continue
            assert cheaper == (p.a if a.total.value < b.total.value else p.b), v


# -- where everything meets --------------------------------------------------------------------------------------------


def plainly(found: dict[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], Any]:
    """Amounts by labels without what only says more of the same: the quota, a discount's level, order of brackets."""
    merged: dict[tuple[str, str, str], Any] = {}
    for (part, category, label), x in found.items():
        short = re.sub(r"^(cluster overhead|volume discount).*", r"\1", label.replace(" beyond the free quota", ""))
        if " (long context)" in short:
            short = short.replace(" (long context)", "") + " (long context)"
        key = (part, category, short)
        merged[key] = merged[key] + x if key in merged else x
    return merged


def held(build: Build, data: Data, name: str, volumes: list[Fraction]) -> None:
    """Every line of an option and whether it can serve the load: at volumes and just above, in both arithmetics."""
    slow, case = oracle(data), build(data)
    exact, floats = case.price(Exact())[name], case.price(Point())[name]
    for v in volumes:
        for above in (False, True):
            side, where = (just_above if above else at), f"{name} at {v}{'+' if above else ''}"
            outcome = slow.price(name, v, above)
            want = {k: x for k, x in plainly(outcome.by_key()).items() if x}
            got = plainly({k: x[0] for k, x in amounts(exact, side([v])).items()})
            if not above:
                assert {k: x for k, x in got.items() if x} == want, where
                assert (not ledger(exact, v).over) == outcome.feasible, where
            rough = plainly({k: x[0] for k, x in amounts(floats, side([float(v)])).items()})
            gross = outcome.gross + slow.unbilled(outcome)
            for k in got.keys() | want.keys() | rough.keys():
                assert abs(got.get(k, 0) - want.get(k, 0)) <= gross / 2**140, (where, k)
                assert abs(F(rough.get(k, 0.0)) - want.get(k, 0)) <= gross / 10**11, (where, k)


@settings(SLOW, max_examples=4 * SCALE)
@given(data=meetings(), volumes=st.lists(VOLUMES, min_size=1, max_size=2))
def test_terms_billing_and_costs_around_meet(build: Build, data: Data, volumes: list[Fraction]) -> None:
    slow = oracle(data)
    for name in data["options"]:
        near = steps(slow, name, volumes[0], F(10**12), most=2)
        held(build, data, name, [*volumes, *(v for v in near if v.denominator < 10**30)])


@st.composite
def meeting_comparisons(draw: st.DrawFn) -> Data:
    """Two options of such a scenario and a line that costs what one of them does somewhere."""
    data = draw(meetings(weekly=False))
    names = draw(st.lists(st.sampled_from(sorted(data["options"])), min_size=2, max_size=2, unique=True))
    for name, spec in data["options"].items():
        spec["candidate"] = name in names
    slow, hi = oracle(data), 10**5
    while hi < 10**11 and sum(len(steps(slow, name, LO, F(10 * hi), most=40)) for name in names) < 40:
        hi *= 10
    somewhere = F(hi) * draw(st.integers(2, 90)) / 100
    cost = slow.price(names[0], somewhere).total.value / (somewhere * slow.days) * 10**6
    data["options"]["line"] = {"kind": "api", "price": {"blended": f"${float(cost) + 1e-6:.6f}/1M tokens"}}
    return {**data, "range": {"from": f"{LO} tokens/day", "to": f"{hi} tokens/day"}}


@settings(SLOW, max_examples=5 * SCALE)
@given(data=meeting_comparisons())
def test_crossovers_where_everything_meets(build: Build, data: Data) -> None:
    slow, found = oracle(data), compare(build(data))
    curves = curves_of(slow, F(found.window[1]))
    for p in found.pairs:
        want = swaps(curves[p.a], curves[p.b], (p.a, p.b))
        event(f"{min(len(want), 3)} swaps")
        assert [(x.below, x.above, x.kind) for x in p.crossings] == [(x.below, x.above, x.kind) for x in want]
        assert [x.volume for x in p.crossings] == [float(x.volume) for x in want], "correctly rounded"


def test_a_hybrid_reached_by_two_paths_pays_its_own_once(build: Build) -> None:
    """A retry, a free quota and an overflow behind a router that two routes lead to."""
    data: Data = {
        "workload": {"volume": "1000000 tokens/day", "input_tokens": 900, "output_tokens": 100,
                     "load": {"peak_hour_share": "20%"}},
        "options": {
            "api": {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$8/1M tokens"},
                    "free_quota": {"tokens": "5000000 tokens/day"},
                    "quality": {"failure_rate": "20%", "on_failure": "retry"}},
            "fleet": {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": {"requests_per_s": 2}, "replicas": 2},
            "inner": {"kind": "hybrid", "routes": {"fleet": "80%", "api": "rest"}, "overflow": {"fleet": "api"},
                      "fixed_costs": {"router": "$40/month"}, "people": {"fte": 1, "cost": "$120000/year"}},
            "outer": {"kind": "hybrid", "routes": {"inner": "25%", "middle": "rest"}},
            "middle": {"kind": "hybrid", "routes": {"inner": "100%"}},
        },
    }  # fmt: skip
    held(build, data, "outer", [F(1), F(10**7), F(10**9, 7), F(10**10)])
    priced = oracle(data).price("outer", F(10**9)).by_key()
    assert priced["", "fixed", "router"] == 40
    assert priced["", "people", "people"] == 10_000
    requests_per_day = F(10**9) / 1000
    through_fleet = sum(
        min(requests_per_day * s * F(80, 100), F(2 * 2 * 3600)) for s in [F(1, 5), *[F(4, 5) / 23] * 23]
    )
    tokens = (requests_per_day - through_fleet) * F("1.2") * 1000
    billed = (tokens - 5_000_000) * F(365, 12)
    money = (billed * F(9, 10) * 2 + billed * F(1, 10) * 8) / 10**6
    assert sum(x for (part, _, _), x in priced.items() if part == "api") == money


# -- exact mode ------------------------------------------------------------------------------------------------------


def numbers_of(q: Quantity) -> Iterable[Any]:
    """Every coefficient inside a quantity."""
    match q:
        case Linear():
            yield q.const
            for coefficient, inner in q.terms:
                yield coefficient
                yield from numbers_of(inner)
        case Part():
            yield from (q.above, *([] if q.upto is None else [q.upto]), *numbers_of(q.q))
        case Steps():
            yield from (q.size, q.spare, q.least, *([] if q.most is None else [q.most]), *numbers_of(q.q))
        case Highest():
            for inner in q.of:
                yield from numbers_of(inner)


def numbers_of_option(option: Assembled, here: At) -> Iterable[Any]:
    """Every number of an option: coefficients, rates, limits, and what they come to."""

    def of(q: Quantity) -> Iterable[Any]:
        yield from numbers_of(q)
        yield from q.value(here).reshape(-1)

    for _, line in option.lines:
        yield from (line.rate, *of(line.quantity), *line.amount(here).reshape(-1), *(f.value for f in line.inputs))
    for _, limit in option.limits:
        yield from (limit.most, *of(limit.load))
    for fleet in option.fleets.values():
        yield from (
            fleet.idle_hours,
            *of(fleet.idle_replicas),
            fleet.size,
            *fleet.seconds.values(),
            *(f.value for f in fleet.inputs),
        )
        yield from of(fleet.peak) if fleet.peak is not None else ()
        for level in fleet.levels:
            yield from (level.hours, level.share_of_day, *of(level.busy), *of(level.replicas))


@settings(SLOW, max_examples=25 * SCALE)
@given(data=scenarios(), volume=VOLUMES)
def test_exact_mode_holds_no_float(build: Build, data: Data, volume: Fraction) -> None:
    for option in build(data).price(Exact()).values():
        for here in (at([volume]), just_above([volume])):
            kinds = {type(x) for x in numbers_of_option(option, here)}
            assert kinds <= {Fraction, int}, option.name


# -- sums ------------------------------------------------------------------------------------------------------------


@settings(SLOW, max_examples=25 * SCALE)
@given(data=scenarios())
def test_lines_sum_to_totals_in_every_export(build: Build, data: Data) -> None:
    found = compare(build({**data, "range": {"to": "1000000 tokens/day"}}))
    slow = oracle(data)
    for s in found.standings:
        want = slow.price(s.name, found.volume)
        assert s.ledger.exact == sum((e.exact for e in s.ledger.entries), F(0)) == want.total.value
        assert s.ledger.total == sum((e.amount for e in s.ledger.entries), Decimal(0))
        assert all(abs(F(e.amount) - e.exact) <= F(1, 200) for e in s.ledger.entries)
        assert sum(s.ledger.categories.values(), Decimal(0)) == s.ledger.total
    for option in json.loads(as_json(found))["options"]:
        lines = [Decimal(line["amount"]) for line in option["lines"]]
        assert sum(lines, Decimal(0)) == Decimal(option["cost_per_month"])
        assert option["cost_per_month_unrounded"] == float(slow.price(option["name"], found.volume).total.value)
    table = list(csv.DictReader(io.StringIO(ledger_csv(found))))
    for s in found.standings:
        rows = [r for r in table if r["option"] == s.name]
        lines = [Decimal(r["amount_per_month"]) for r in rows if r["row"] == "line"]
        totals = [Decimal(r["amount_per_month"]) for r in rows if r["row"] == "total"]
        assert len(lines) == len(s.ledger.entries)
        assert [sum(lines, Decimal(0))] == totals == [s.ledger.total]


# -- provenance ------------------------------------------------------------------------------------------------------

TRACED: Data = {
    "traffic_days_per_month": 30,
    "billed_hours_per_month": 800,
    "exchange_rates": {"EUR": {"usd": Decimal("1.13"), "as_of": "2026-11-01", "source": "made up"}},
    "workload": {
        "volume": "1000000 tokens/day",
        "classes": {
            "chat": {"share": "60%", "input_tokens": 900, "output_tokens": 300, "cacheable_input_tokens": 400},
            "draft": {"share": "rest", "input_tokens": 500, "output_tokens": 650},
        },
        "load": {"peak_hour_share": "12%"},
        "overhead": {"retries": "30%"},
    },
    "options": {
        "api": {
            "kind": "api",
            "price": {"input": "$1/1M tokens", "output": "€2/1M tokens", "cache_read": "$0.2/1M tokens"},
            "cache_hit_rate": "50%", "markup": Decimal("0.1"), "discount": "10%", "input_ratio": Decimal("1.2"),
            "output_ratio": Decimal("0.9"), "reasoning_tokens": 40, "overhead": {"evaluation": "5%"},
        },
        "rich": {"kind": "api", "model": "frozen/rich", "batch_share": "30%", "cache_hit_rate": "20%",
                 "output_ratio": Decimal("0.9"), "reasoning_tokens": 40, "overhead": {"retries": "10%"}},
        "fleet": {
            "kind": "self_hosted", "gpu_price": "$2/hour", "gpus_per_server": 4, "gpus_per_replica": 2,
            "cluster_overhead": "20%", "capacity": {"prefill_tokens_per_s": 500, "decode_tokens_per_s": 100},
            "cache_hit_rate": "90%", "replicas": {"min": 4, "max": 14, "spare": 1}, "billing": "autoscaled",
            "target_utilisation": "80%", "burst": 3, "input_ratio": Decimal("1.1"), "output_ratio": Decimal("1.3"),
            "reasoning_tokens": 100, "people": {"fte": Decimal("0.5"), "cost": "$150000/year"},
            "fixed_costs": {"logs": "$3/hour", "support": "€99/day", "rent": "$10/month"},
        },
        "units": {"kind": "dedicated", "unit_price": "$4/month", "units_per_replica": 3, "increment": 5,
                  "capacity": {"requests_per_s": Decimal("0.8")}, "billed_hours_per_month": 176, "burst": 2},
        "measured": {"kind": "self_hosted", "gpu_price": "$2/hour", "replicas": {"min": 0},
                     "capacity": {"output_tokens_per_s": 800, "input_tokens": 600, "output_tokens": 300}},
        "all": {"kind": "self_hosted", "all_in": "$9/hour", "billed_hours_per_month": 176},
        "mixed": {"kind": "hybrid", "response_cache": {"chat": "20%"}, "overflow": {"fleet": "api"},
                  "routes": {"fleet": {"chat": "70%", "draft": "50%"}, "units": {"chat": "6%"}, "api": "rest"}},
        "cascaded": {"kind": "hybrid", "cascade": ["units", "api"], "escalate": "30%"},
    },
}  # fmt: skip
EVERYWHERE = [F(k * 10**e, 10) for e in range(6, 9) for k in range(10, 100, 3)]


def figures(data: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[tuple[Any, ...], Any]]:
    """Every number somebody typed, with its path; the volume is where a line is looked at, not what it is made of."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from figures(value, (*path, key))
    elif path[-1] not in ("volume", "as_of") and (not isinstance(data, str) or data.lstrip("$€")[:1].isdigit()):
        yield path, data


def changed(value: Any) -> Any:
    """Another figure: a whole number doubled, any other halved."""
    if isinstance(value, int):
        return 2 * value or 1
    if isinstance(value, Decimal):
        return value / 2
    sign, rest = (value[0], value[1:]) if value[0] in "$€" else ("", value)
    amount = rest.split("/")[0].rstrip("%")
    return f"{sign}{Decimal(amount) / 2}{rest.removeprefix(amount)}"


def with_changed(data: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return changed(data)
    copy = data.copy()
    copy[path[0]] = with_changed(data[path[0]], path[1:])
    return copy


def lines_of(case: Case) -> dict[tuple[str, str, str], tuple[list[Fraction], Fraction, set[str]]]:
    """By option, part and label: quantity at every volume, rate, and where the inputs stand."""
    here = at(EVERYWHERE)
    return {
        (name, part, line.label): (
            line.quantity.value(here).tolist(), F(line.rate), {f.home.where for f in line.inputs},
        )
        for name, option in case.price(Exact()).items()
        for part, line in option.lines
    }  # fmt: skip


BY_HOUR = {**TRACED, "workload": {**TRACED["workload"], "load": {"by_hour": [1, 3, *[2] * 20, 7, 2]}}}


@pytest.mark.parametrize("path", [p for p, _ in figures(TRACED)] + [("workload", "load", "by_hour", 22)], ids=str)
def test_a_line_changes_with_its_inputs_and_with_nothing_else(build: Build, path: tuple[Any, ...]) -> None:
    data = BY_HOUR if "by_hour" in path else TRACED
    case = build(data)
    where = case.document.where(path)
    before, after = lines_of(case), lines_of(build(with_changed(data, path)))
    for key, (quantity, rate, inputs) in before.items():
        differs = (quantity, rate) != after[key][:2]
        assert differs == (where in inputs), f"{key}: {'not listed' if differs else 'listed, and nothing changes'}"


def test_inputs_stand_where_they_say(build: Build) -> None:
    case = build(TRACED)
    places = {case.document.where(path): value for path, value in figures(TRACED)}
    for _, line in (pair for option in case.price(Exact()).values() for pair in option.lines):
        for figure in line.inputs:
            where = figure.home.where
            if where.startswith("scenario.yaml") and where in places and not isinstance(places[where], str):
                assert figure.value == F(places[where]), figure
