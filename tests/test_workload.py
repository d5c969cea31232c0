"""Traffic hour by hour of a week, class by class and call by call, against what the workload says in plain numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from conftest import Build, Data, oracle
from hypothesis import given, settings
from hypothesis import strategies as st

from tco.analysis.case import Case, build_case
from tco.analysis.compare import compare
from tco.document import Faults, load_text
from tco.lineitem import Exact, Point, total
from tco.quantity import at, just_above

F = Fraction
D = Decimal
MANY = settings(derandomize=True, database=None, deadline=None, max_examples=120)
WEEK = range(168)
DAYS = F(365, 12)
API: Data = {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$10/1M tokens"}}


def number(value: Any) -> Fraction:
    text = str(value)
    return F(text[:-1]) / 100 if text.endswith("%") else F(text)


# -- the slow way -----------------------------------------------------------------------------------------------------


def week(load: Any) -> list[Fraction]:
    """Of a mean day's requests, those in each hour of the week, from Monday midnight on."""
    if load == "flat":
        return [F(1, 24)] * 168
    if "peak_hour_share" in load:
        peak = number(load["peak_hour_share"])
        return [peak if hour % 24 == 0 else (1 - peak) / 23 for hour in WEEK]
    weights = load["by_hour"]
    if isinstance(weights, dict):
        weights = [w for day in range(7) for w in weights["weekday" if day < 5 else "weekend"]]
    if len(weights) == 24:
        return [F(weights[hour % 24], sum(weights)) for hour in WEEK]
    return [F(7 * weights[hour], sum(weights)) for hour in WEEK]


def shares(classes: Data) -> dict[str, Fraction]:
    stated = sum((number(c["share"]) for c in classes.values() if c["share"] != "rest"), F(0))
    return {k: 1 - stated if c["share"] == "rest" else number(c["share"]) for k, c in classes.items()}


def calls_of(spec: Data) -> Iterator[tuple[Fraction, int]]:
    """Each call of a request: how much of it is made, and its place."""
    calls = number(spec.get("calls_per_task", 1))
    for k in range(ceil(calls)):
        yield min(F(1), calls - k), k


def input_of(spec: Data, k: int) -> Fraction:
    return number(spec.get("input_tokens", 0)) + k * number(spec.get("context_growth_tokens", 0))


def served(spec: Data) -> Fraction:
    """Tokens of a request, call by call."""
    return sum((part * (input_of(spec, k) + number(spec.get("output_tokens", 0))) for part, k in calls_of(spec)), F(0))


def classes_of(workload: Data) -> Data:
    return dict(workload.get("classes") or {"request": {**workload, "share": "100%"}})


def mean_tokens(workload: Data) -> Fraction:
    classes = classes_of(workload)
    part = shares(classes)
    return sum((part[k] * served(c) for k, c in classes.items()), F(0))


def requests_by_hour(workload: Data) -> dict[str, list[Fraction]]:
    """Requests of each class in each hour of the week, for one token a day."""
    classes, mean = classes_of(workload), mean_tokens(workload)
    part = shares(classes)
    loads = {name: spec.get("load", workload.get("load", "flat")) for name, spec in classes.items()}
    return {name: [part[name] / mean * share for share in week(load)] for name, load in loads.items()}


# -- strategies -------------------------------------------------------------------------------------------------------

WEIGHTS = st.lists(st.sampled_from([0, 0, 1, 2, 3, 7]), min_size=24, max_size=24).filter(any)
LOADS = st.one_of(
    st.just("flat"),
    st.sampled_from(["5%", "10%", "33%"]).map(lambda p: {"peak_hour_share": p}),
    WEIGHTS.map(lambda w: {"by_hour": w}),
    st.tuples(WEIGHTS, WEIGHTS | st.just([0] * 24)).map(lambda p: {"by_hour": {"weekday": p[0], "weekend": p[1]}}),
    st.tuples(WEIGHTS, st.integers(1, 167)).map(lambda p: {"by_hour": [(p[0] * 7)[(h * p[1]) % 168] + (h == p[1])
                                                                       for h in WEEK]}),
)  # fmt: skip


@st.composite
def sizes(draw: st.DrawFn) -> Data:
    found: Data = {"input_tokens": draw(st.sampled_from([0, 300, 900, 1999])), "output_tokens": draw(
        st.sampled_from([1, 90, 333]))}  # fmt: skip
    calls = draw(st.sampled_from([None, 1, 4, D("7.5"), D("2.125")]))
    if calls is not None:
        found["calls_per_task"] = calls
        growth = draw(st.sampled_from([None, 70, D("133.5")]))
        found |= {} if growth is None else {"context_growth_tokens": growth}
    return found


@st.composite
def workloads(draw: st.DrawFn) -> Data:
    found: Data = {"volume": "1000000 tokens/day"}
    if draw(st.booleans()):
        found["load"] = draw(LOADS)
    if draw(st.booleans()):
        return found | draw(sizes())
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    parts = ["rest", *(draw(st.sampled_from(["0%", "12.5%", "30%"])) for _ in names[1:])]
    found["classes"] = {n: {"share": p, **draw(sizes())} for n, p in zip(names, parts, strict=True)}
    for spec in found["classes"].values():
        if draw(st.booleans()):
            spec["load"] = draw(LOADS)
    return found


VOLUMES = [F(1), F(123_456), F(987_654_321)]


@MANY
@given(workload=workloads())
def test_requests_of_each_hour_of_the_week(build: Build, workload: Data) -> None:
    case = build({"workload": workload, "options": {"a": API}})
    traffic = case.traffic
    demand = traffic.demand(Exact())
    assert traffic.mean_tokens == mean_tokens(workload)
    assert len(traffic.cycle) in (24, 168)
    assert sum(level.hours_per_week for level in traffic.levels) == 168
    here = at(VOLUMES)
    for name, by_hour in requests_by_hour(workload).items():
        flows = {i: q.value(here).tolist() for i, q in demand.flows.get(name, {}).items()}
        for hour in WEEK:
            got = flows.get(traffic.cycle[hour % len(traffic.cycle)], [F(0)] * len(VOLUMES))
            assert got == [v * by_hour[hour] for v in VOLUMES], (name, hour)
        part = shares(classes_of(workload))[name]
        assert sum(by_hour) == 7 * part / mean_tokens(workload), "a week has seven mean days"
        if part:
            for hours in (None, frozenset(range(24)), frozenset({3}), frozenset({0, 9, 23}), frozenset[int]()):
                month = demand.requests_per_month(name, Exact(), hours)
                a_week = sum((q for h, q in enumerate(by_hour) if hours is None or h % 24 in hours), F(0))
                assert month.value(here).tolist() == [v * DAYS / 7 * a_week for v in VOLUMES], hours


@MANY
@given(workload=workloads(), option=st.fixed_dictionaries({
    "rps": st.sampled_from(["0.02", "1.7"]), "billing": st.sampled_from(["static", "autoscaled", "busy_hours"]),
    "min": st.sampled_from([0, 1, 3]), "spare": st.sampled_from([0, 1]), "month": st.sampled_from([730, 176]),
    "burst": st.sampled_from([None, D("1.5")]), "own_burst": st.sampled_from([None, 2]),
}))  # fmt: skip
def test_a_fleet_over_the_hours_of_a_week(build: Build, workload: Data, option: Data) -> None:
    """Replicas and what is paid for them, hour by hour, at volumes on steps and just above too."""
    workload = {**workload, **({} if option["burst"] is None else {"burst": option["burst"]})}
    spec: Data = {
        "kind": "self_hosted", "gpu_price": "$3/hour", "capacity": {"requests_per_s": D(option["rps"])},
        "billing": option["billing"], "replicas": {"min": option["min"], "spare": option["spare"]},
        "billed_hours_per_month": option["month"],
        **({} if option["own_burst"] is None else {"burst": option["own_burst"]}),
    }  # fmt: skip
    case = build({"workload": workload, "options": {"own": spec}})
    size = 1 / number(option["own_burst"] or option["burst"] or 1)
    rps = F(option["rps"])
    calls = {c: sum((p for p, _ in calls_of(spec)), F(0)) for c, spec in classes_of(workload).items()}
    each = requests_by_hour(workload)
    weight = {h: sum((each[c][h] * calls[c] for c in calls), F(0)) / 3600 / rps / size for h in WEEK}
    peak = max(weight.values())
    volumes = [*VOLUMES[1:], *(k / peak for k in (1, 2, 7)), *(k / w for k, w in ((3, weight[50]),) if w)]

    def cost(v: Fraction, above: bool) -> Fraction:
        def replicas(hour: int) -> int:
            load = v * weight[hour]
            if not load:
                return 0 if option["billing"] == "busy_hours" else int(option["min"])
            n = floor(load) + 1 if above else ceil(load)
            return max(n + int(option["spare"]), int(option["min"]))

        if option["billing"] == "static":
            return int(option["month"]) * 3 * F(max(replicas(h) for h in WEEK))
        weeks = min(DAYS, F(option["month"], 24)) / 7
        at_rest = 0 if option["billing"] == "busy_hours" else option["min"]
        loaded = sum((weeks * replicas(h) for h in WEEK), F(0))
        return 3 * (loaded + (F(option["month"]) - 168 * weeks) * int(at_rest))

    quantity = total([line for _, line in case.price(Exact())["own"].lines])
    floats = total([line for _, line in case.price(Point())["own"].lines])
    for side in (at, just_above):
        want = [cost(v, side is just_above) for v in volumes]
        assert quantity.value(side(volumes)).tolist() == want
        near = floats.value(side([float(v) for v in volumes])).reshape(-1).tolist()
        assert near == pytest.approx([float(x) for x in want], rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "days", "a_day"),
    [
        ("120k requests/day", None, F(120_000)), ("30k requests/month", None, F(30_000) * 12 / 365),
        ("30k requests/month", 30, F(1000)), ("2 requests/second", None, F(172_800)),
        ("3 tasks/hour", None, F(72)), ("365k requests/year", None, F(1000)),
        ("365k requests/year", 30, F(365_000, 360)),
    ],
)  # fmt: skip
def test_volumes_stated_in_requests(build: Build, typed: str, days: int | None, a_day: Fraction) -> None:
    """A task of 7.5 calls: seven and half an eighth, each sending what came before again."""
    spec = {"input_tokens": 900, "output_tokens": 100, "calls_per_task": D("7.5"), "context_growth_tokens": 40}
    more = {} if days is None else {"traffic_days_per_month": days}
    case = build({**more, "workload": {"volume": typed, **spec}, "options": {"a": API}})
    tokens = 7 * 1000 + sum(40 * k for k in range(7)) + F(1, 2) * (1000 + 40 * 7)
    assert case.traffic.mean_tokens == tokens
    assert case.volume() == a_day * tokens
    result = compare(case)
    assert result.requests_per_day == a_day
    per_request = 7 * 900 + sum(40 * k for k in range(7)) + F(1, 2) * (900 + 40 * 7), F(15, 2) * 100
    assert result.standing("a").per_request == (per_request[0] * 2 + per_request[1] * 10) / 10**6


# -- agents, call by call ---------------------------------------------------------------------------------------------

AGENT: Data = {"input_tokens": 1200, "output_tokens": 150, "cacheable_input_tokens": 400}
CALLS = st.sampled_from([1, 2, 6, D("7.5"), D("12.25")])
GROWTH = st.sampled_from([0, 150, 800])
HIT = st.sampled_from([None, "30%", "100%"])
RATIO = st.sampled_from([1, D("1.25"), D("0.8")])
REASONING = st.sampled_from([0, 60])

RICH = {
    False: {"input": F("1.3"), "output": F("7.9"), "cache_read": F("0.13"), "cache_write_5m": F("1.7"),
            "reasoning": F("5.5")},
    True: {"input": F("2.6"), "output": F("11.1"), "cache_read": F("0.26")},
}  # fmt: skip
"""The prices of `frozen/rich` up to 2000 tokens of input and above."""


def api_request(spec: Data, option: Data) -> Fraction:
    """What a request costs: every call at the prices of its own length."""
    ratio, hit = number(option.get("input_ratio", 1)), number(option.get("cache_hit_rate", 0))
    reasoning = number(option.get("reasoning_tokens", 0))
    cost = F(0)
    for part, k in calls_of(spec):
        whole = input_of(spec, k) * ratio
        prefix = (number(spec["cacheable_input_tokens"]) + k * number(spec.get("context_growth_tokens", 0))) * ratio
        tokens = {
            "cache_read": prefix * hit,
            "cache_write_5m": prefix * (1 - hit) if hit else F(0),
            "reasoning": reasoning,
        }
        prices = RICH[whole > 2000]
        tokens = {key: amount for key, amount in tokens.items() if key in prices}
        tokens["input"] = whole - tokens.get("cache_read", 0) - tokens.get("cache_write_5m", 0)
        tokens["output"] = number(spec["output_tokens"]) + (0 if "reasoning" in tokens else reasoning)
        cost += part * sum((amount * prices[key] for key, amount in tokens.items()), F(0)) / 10**6
    return cost


@MANY
@given(calls=CALLS, growth=GROWTH, hit=HIT, ratio=RATIO, reasoning=REASONING)
def test_each_call_pays_the_prices_of_its_own_length(
    build: Build, calls: Any, growth: int, hit: str | None, ratio: Any, reasoning: int
) -> None:
    workload: Data = {"volume": "10000 requests/day", **AGENT, "calls_per_task": calls}
    workload |= {"context_growth_tokens": growth} if growth else {}
    option: Data = {"kind": "api", "model": "frozen/rich", "input_ratio": ratio, "reasoning_tokens": reasoning}
    option |= {} if hit is None else {"cache_hit_rate": hit}
    case = build({"workload": workload, "options": {"a": option}})
    want = 10_000 * DAYS * api_request(workload, option)
    volume = 10_000 * served(workload)
    assert case.volume() == volume
    assert total([x for _, x in case.price(Exact())["a"].lines]).value(at([volume]))[0] == want
    near = total([x for _, x in case.price(Point())["a"].lines]).value(at([float(volume)])).item()
    assert near == pytest.approx(float(want), rel=1e-12)


CAPACITIES: list[Data] = [
    {"prefill_tokens_per_s": 5000, "decode_tokens_per_s": 700},
    {"requests_per_s": 3},
    {"requests_per_s": 3, "input_tokens": 1000, "output_tokens": 200},
    {"output_tokens_per_s": 800},
    {"total_tokens_per_s": 9000},
    {"total_tokens_per_s": 9000, "input_tokens": 1000, "output_tokens": 200},
    {"output_tokens_per_s": 800, "input_tokens": 1000, "output_tokens": 200},
]


def seconds_of(spec: Data, option: Data, rates: Data) -> Fraction:
    """Replica-seconds of a request, call by call."""
    ratio, hit = number(option["input_ratio"]), number(option.get("cache_hit_rate", 0))
    found = F(0)
    for part, k in calls_of(spec):
        whole = input_of(spec, k) * ratio
        read = (number(spec["cacheable_input_tokens"]) + k * number(spec.get("context_growth_tokens", 0))) * ratio * hit
        out = number(spec["output_tokens"]) + number(option["reasoning_tokens"])
        if "prefill_tokens_per_s" in rates:
            one = (whole - read) / rates["prefill_tokens_per_s"] + out / rates["decode_tokens_per_s"]
        elif "input_tokens" in rates:
            tokens = {"requests_per_s": 1, "output_tokens_per_s": 200, "total_tokens_per_s": 1200}
            key = next(k for k in tokens if k in rates)
            one = max(whole / 1000, out / 200) * tokens[key] / rates[key]
        elif "requests_per_s" in rates:
            one = F(1, rates["requests_per_s"])
        elif "output_tokens_per_s" in rates:
            one = out / rates["output_tokens_per_s"]
        else:
            one = (whole + out) / rates["total_tokens_per_s"]
        found += part * one
    return found


@MANY
@given(st.sampled_from(CAPACITIES), CALLS, GROWTH, HIT, RATIO, REASONING)
def test_seconds_of_a_request_are_those_of_its_calls(
    build: Build, rates: Data, calls: Any, growth: int, hit: str | None, ratio: Any, reasoning: int
) -> None:
    workload: Data = {"volume": "10000 requests/day", **AGENT, "calls_per_task": calls}
    workload |= {"context_growth_tokens": growth} if growth else {}
    option: Data = {
        "kind": "self_hosted", "gpu_price": "$1/hour", "capacity": rates, "input_ratio": ratio,
        "reasoning_tokens": reasoning, "overhead": {"retries": "4%"},
    }  # fmt: skip
    option |= {} if hit is None else {"cache_hit_rate": hit}
    case = build({"workload": workload, "options": {"own": option}})
    want = seconds_of(workload, option, rates) * F(104, 100)
    for n, equal in ((Exact(), True), (Point(), False)):
        fleet = case.price(n)["own"].fleets["own"]
        got = fleet.seconds["request"]
        assert got == want if equal else float(got[0]) == pytest.approx(float(want), rel=1e-12)
    (level,) = case.price(Exact())["own"].fleets["own"].levels
    volume = case.volume()
    assert level.busy.value(at([volume]))[0] == 10_000 * want / 86400


@pytest.mark.parametrize("calls", [1, D("3.5"), 5])
@pytest.mark.parametrize("growth", [0, 600])
def test_long_context_by_the_length_of_each_call_of_each_request(build: Build, calls: Any, growth: int) -> None:
    """Sizes even up to 1k (60 %) and from 1k to 4k (40 %); every call sends 600 tokens more than the one before."""
    workload: Data = {
        "volume": "1000 requests/day", "input_tokens": {"histogram": {"1k": "60%", "4k": "40%"}},
        "output_tokens": 100, "calls_per_task": calls, **({"context_growth_tokens": growth} if growth else {}),
    }  # fmt: skip
    case = build({"workload": workload, "options": {"a": {"kind": "api", "model": "frozen/rich"}}})
    cost = tokens = F(0)
    for part, k in calls_of({"calls_per_task": calls}):
        for share, first, last in ((F(6, 10), F(0), F(1000)), (F(4, 10), F(1000), F(4000))):
            low, high = first + k * growth, last + k * growth
            cut = min(max(F(2000), low), high)
            for a, b, long in ((low, cut, False), (cut, high, True)):
                requests = part * share * (b - a) / (high - low)
                cost += requests * ((a + b) / 2 * RICH[long]["input"] + 100 * RICH[long]["output"]) / 10**6
                tokens += requests * ((a + b) / 2 + 100)
    assert case.traffic.mean_tokens == tokens
    volume = case.volume()
    assert total([x for _, x in case.price(Exact())["a"].lines]).value(at([volume]))[0] == 1000 * DAYS * cost
    near = total([x for _, x in case.price(Point())["a"].lines]).value(at([float(volume)])).item()
    assert near == pytest.approx(float(1000 * DAYS * cost), rel=1e-12)


def test_a_week_of_like_days_is_a_day(build: Build) -> None:
    """168 weights that repeat a day's cost what the day costs, exactly; so do like weekdays and weekends."""
    day = [1, 0, 0, 2, 5, 5, 3, 1, 0, 0, 0, 1] * 2
    data: Data = {}
    fleet: Data = {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": {"requests_per_s": D("0.3")},
                   "billing": "autoscaled"}  # fmt: skip
    costs = []
    profiles: list[Any] = [day, day * 7, {"weekday": day, "weekend": day}]
    for by_hour in profiles:
        data = {"workload": {"volume": "1000000 tokens/day", "input_tokens": 50, "load": {"by_hour": by_hour}},
                "options": {"own": fleet}}  # fmt: skip
        costs.append(total([x for _, x in build(data).price(Exact())["own"].lines]).value(at(VOLUMES)).tolist())
    assert costs[0] == costs[1] == costs[2]
    (one,) = [oracle({**data, "workload": {**data["workload"], "load": {"by_hour": day}}})]
    assert costs[0] == [one.price("own", v).total.value for v in VOLUMES]


def test_a_class_of_its_own_hours_moves_the_peak(build: Build) -> None:
    """Chat by day and a nightly batch share a fleet: the peak is the higher of the two, not their sum."""
    by_day, by_night = [0] * 12 + [1] * 12, [1] * 12 + [0] * 12
    classes: Data = {
        "chat": {"share": "50%", "input_tokens": 100, "load": {"by_hour": by_day}},
        "batch": {"share": "rest", "input_tokens": 100, "load": {"by_hour": by_night}},
    }
    fleet: Data = {"kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"requests_per_s": 1}}
    for loads, factor in ((("a", "b"), 1), (("a", "a"), 2)):
        rows = {"a": by_day, "b": by_night}
        given_loads = {k: {**c, "load": {"by_hour": rows[p]}} for (k, c), p in zip(classes.items(), loads, strict=True)}
        data: Data = {
            "workload": {"volume": "86400000 requests/day", "classes": given_loads},
            "options": {"own": fleet},
        }
        case = build(data)
        peak = total([x for _, x in case.price(Exact())["own"].lines]).value(at([case.volume()]))[0] / 730
        assert peak == F(86_400_000, 2) / 12 / 3600 * factor


# -- what is refused --------------------------------------------------------------------------------------------------

FEW, SOME, MANY_HOURS = ("[" + ", ".join(["1"] * n) + "]" for n in (23, 24, 168))
ZERO = "[" + ", ".join(["0"] * 24) + "]"
BAD = [
    (f"load: {{by_hour: {FEW}}}", "24 relative weights"),
    (f"load: {{by_hour: {{weekday: {SOME}}}}}", "24 weights for each of `weekday` and `weekend`"),
    (f"load: {{by_hour: {{weekday: {SOME}, weekend: {MANY_HOURS}}}}}", "24 relative weights"),
    (f"load: {{by_hour: {{weekday: {SOME}, weekends: {SOME}}}}}", "24 weights for each of `weekday` and `weekend`"),
    (f"load: {{by_hour: {ZERO}}}", "at least one hour with load"),
    (f"load: {{by_hour: {SOME.replace('1', '-1', 1)}}}", "negative"),
    (f"load: {{by_hour: {SOME}, peak_hour_share: 10%}}", "one of `by_hour` and `peak_hour_share`"),
    ("load: {peak_hour_share: 4%}", "at least 1/24"),
    ("load: steep", "`flat`"),
    ("context_growth_tokens: 40", "`calls_per_task` beside `context_growth_tokens`"),
    ("calls_per_task: 0.5", "from 1 to 1000"),
    ("calls_per_task: 1001", "from 1 to 1000"),
    ("batchable_share: 30%", "`batchable_share` and `deadline` together"),
    ("deadline: 24 h", "`batchable_share` and `deadline` together"),
    ("batchable_share: 130%, deadline: 24 h", "share"),
    ("batchable_share: 30%, deadline: 24", "duration"),
    ("burst: 0.9", "`burst` of 1 or more"),
    ("cacheable_input_tokens: 901", "within `input_tokens`"),
]


def case_of(text: str) -> Case:
    return build_case(load_text("as_of: 2026-11-21\n" + text, "s.yaml"), today=date(2026, 11, 21))


def workload_of(key: str) -> str:
    sizes_and = f"volume: 1M tokens/day, input_tokens: 900, {key}"
    return f"workload: {{{sizes_and}}}\noptions: {{a: {{kind: api, price: {{blended: $2/1M tokens}}}}}}\n"


@pytest.mark.parametrize(("key", "said"), BAD)
def test_bad_workloads(key: str, said: str) -> None:
    with pytest.raises(Faults) as caught:
        case_of(workload_of(key))
    faults = list(caught.value.faults)
    assert faults and all(f.line == 2 and f.col > 0 for f in faults)
    assert said in " ".join(caught.value.render().split())


@pytest.mark.parametrize(("key", "said"), [b for b in BAD if not b[0].startswith("burst")])
def test_bad_classes(key: str, said: str) -> None:
    text = workload_of("x: 1").replace("input_tokens: 900, x: 1",
        f"classes: {{c: {{share: 100%, input_tokens: 900, {key}}}}}")  # fmt: skip
    with pytest.raises(Faults) as caught:
        case_of(text)
    assert said in " ".join(caught.value.render().split())


@pytest.mark.parametrize(
    ("shares_of", "said"),
    [
        (("50%", "40%"), "add up to 100 %"), (("50%", "60%"), "add up to 100 %"), (("rest", "rest"), "`rest` once"),
        (("110%", "rest"), "share"),
        (("{low: 20%, high: 40%}", "50%"), "add up to 100 %"), (("80%", "30%", "rest"), "at most 100 %"),
        (("{low: 20%, high: 80%}", "40%", "rest"), "at most 100 %"),
        (("{p10: 20%, p90: 60%}", "40%", "rest"), "at most 100 %"),
    ],
)  # fmt: skip
def test_shares_that_make_no_whole(shares_of: tuple[str, ...], said: str) -> None:
    rows = ", ".join(f"c{i}: {{share: {s}, input_tokens: 9}}" for i, s in enumerate(shares_of))
    text = workload_of("x: 1").replace("input_tokens: 900, x: 1", f"classes: {{{rows}}}")
    with pytest.raises(Faults) as caught:
        case_of(text)
    assert said in " ".join(caught.value.render().split())


def test_what_can_wait_is_read(build: Build) -> None:
    classes: Data = {
        "now": {"share": "60%", "input_tokens": 100},
        "later": {"share": "rest", "input_tokens": 100, "batchable_share": "80%", "deadline": "24 h"},
    }
    case = build({"workload": {"volume": "1000000 tokens/day", "classes": classes}, "options": {"a": API}})
    later, now = case.traffic.classes["later"], case.traffic.classes["now"]
    assert later.batchable is not None and later.batchable.value == F(8, 10)
    assert later.deadline is not None and later.deadline.value == 24 * 3600
    assert now.batchable is None and now.deadline is None
