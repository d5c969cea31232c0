"""What an API allows a minute, batches by class, and how close requests must come: against counts minute by minute."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from conftest import Build, Data

from tco.analysis.compare import compare
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import Bill, Exact, Limit, Point
from tco.options.base import Notes
from tco.quantity import at

F = Fraction
DAYS = F(365, 12)
NONE = F(0)
DAY = [F(h in range(8, 20)) for h in range(24)]
NIGHT = [F(1 + 2 * (h == 3)) for h in range(24)]
CLASSES: dict[str, Data] = {
    "chat": {"share": "60%", "input_tokens": 900, "output_tokens": 100, "load": {"by_hour": [int(w) for w in DAY]}},
    "agent": {
        "share": "rest", "input_tokens": 2000, "output_tokens": 500, "calls_per_task": 3,
        "load": {"by_hour": [int(w) for w in NIGHT]}, "batchable_share": "50%", "deadline": "24 h",
    },
}  # fmt: skip
MEAN = F("0.6") * 1000 + F("0.4") * 3 * 2500


def scenario(classes: dict[str, Data] = CLASSES, burst: Any = 2, **api: Any) -> Data:
    workload = {"volume": "1M tokens/day", "classes": classes, "overhead": {"retries": "5%"}, "burst": burst}
    return {"workload": workload, "options": {"api": {"kind": "api", "model": "frozen/rich", **api}}}


def bill_of(build: Build, data: Data, n: Any = None) -> Bill:
    (part,) = build(data).price(n or Exact())["api"].parts
    return part.bill


def per_hour(volume: Fraction, hour: int, batched: Fraction) -> dict[str, Fraction]:
    """Served requests of an hour that are sent one by one, by class."""
    day = volume / MEAN
    return {
        "chat": day * F("0.6") * DAY[hour] / sum(DAY),
        "agent": day * F("0.4") * NIGHT[hour] / sum(NIGHT) * (1 - batched),
    }


def peak(volume: Fraction, of: dict[str, Fraction], batched: Fraction = NONE, refused: Fraction = NONE) -> Fraction:
    """The busiest minute: bursts twice as high as their hour's mean, retries and refusals sent on top."""
    minutes = [
        sum((q * of[c] for c, q in per_hour(volume, h, batched).items()), F(0)) / 60 * 2 * (F("1.05") + refused)
        for h in range(24)
    ]
    return max(minutes)


CALLS = {"chat": F(1), "agent": F(3)}
INPUT = {"chat": F(900), "agent": F(6000)}
OUTPUT = {"chat": F(100), "agent": F(1500)}
BOTH = {c: INPUT[c] + OUTPUT[c] for c in INPUT}


def highest(limits: tuple[Limit, ...], v: Fraction) -> Fraction:
    return max(F(x.load.value(at([v])).reshape(-1)[0]) for x in limits)


@pytest.mark.parametrize(
    ("key", "of"),
    [
        ("requests_per_minute", CALLS), ("tokens_per_minute", BOTH),
        ("input_tokens_per_minute", INPUT), ("output_tokens_per_minute", OUTPUT),
    ],
)  # fmt: skip
def test_the_peak_minute_is_held_against_the_limit(build: Build, key: str, of: dict[str, Fraction]) -> None:
    bill = bill_of(build, scenario(rate_limit={key: 1000}))
    assert not bill.limits
    assert {x.most for x in bill.advice} == {F(1000)}
    unit = key.removesuffix("_per_minute").replace("_", " ")
    assert all(x.reason == f"the rate limit is 1k {unit}/minute" and x.unit == f"{unit}/minute" for x in bill.advice)
    for v in (F(10**4), F(10**7), F(123_456_789)):
        assert highest(bill.advice, v) == peak(v, of)
        rough = bill_of(build, scenario(rate_limit={key: 1000}), Point())
        found = max(float(x.load.value(at([float(v)]))[0, 0]) for x in rough.advice)
        assert abs(F(found) - peak(v, of)) <= peak(v, of) / 10**12


def test_refusals_are_load_and_no_cost(build: Build) -> None:
    limit = {"requests_per_minute": 50}
    plain, refused = (
        bill_of(build, scenario(rate_limit=x)) for x in (limit, {**limit, "refused": "10%"})
    )  # fmt: skip
    assert highest(refused.advice, F(10**7)) == peak(F(10**7), CALLS, refused=F("0.1"))
    here = at([F(10**7)])
    assert sum(x.amount(here) for x in plain.lines) == sum(x.amount(here) for x in refused.lines)


def test_batched_requests_do_not_count(build: Build) -> None:
    bill = bill_of(build, scenario(batch=True, rate_limit={"requests_per_minute": 50}))
    assert highest(bill.advice, F(10**7)) == peak(F(10**7), CALLS, F(1, 2))


def test_a_hard_limit_ends_what_the_option_can_serve(build: Build) -> None:
    per_token = peak(F(1), CALLS)
    data = scenario(rate_limit={"requests_per_minute": 50, "hard": True})
    bill = bill_of(build, data)
    assert bill.limits
    assert not bill.advice
    standing = compare(build(data)).standing("api")
    assert standing.upto == 50 / per_token
    assert standing.feasible == (per_token * 10**6 <= 50)
    tight = compare(build(scenario(rate_limit={"requests_per_minute": 1, "hard": True}))).standing("api")
    assert not tight.feasible
    assert "rate limit is 1 requests/minute" in tight.reasons[0]


def test_a_drawn_burst_is_in_the_limit(build: Build) -> None:
    draws = Draws(8)
    data = scenario(burst={"low": 1, "high": 3}, rate_limit={"requests_per_minute": {"low": 40, "high": 60}})
    found = bill_of(build, data, draws).advice
    drawn = {f.name: values for f, values in draws.drawn.values()}
    assert set(drawn) == {"burst", "requests_per_minute"}
    loads = max(x.load.value(at([1e7])).max(axis=0).tolist() for x in found)
    want = [float(peak(F(10**7), CALLS)) / 2 * b for b in drawn["burst"].tolist()]
    assert loads == pytest.approx(want, rel=1e-12)
    assert found[0].most.tolist() == drawn["requests_per_minute"].tolist()


def test_a_limit_of_nothing_is_refused(build: Build) -> None:
    with pytest.raises(Faults, match="`requests_per_minute` or `tokens_per_minute`"):
        build(scenario(rate_limit={"hard": True}))


# -- batches -------------------------------------------------------------------


def test_what_can_wait_is_batched_class_by_class(build: Build) -> None:
    """Rich: batch at half the price (0.65 / 3.95), and calls of 2,000 tokens are not above the threshold."""
    v = F(10**7)
    requests = {"chat": v / MEAN * F("0.6") * F("1.05") * DAYS, "agent": v / MEAN * F("0.4") * F("1.05") * DAYS}
    full = {c: (INPUT[c] * F("1.3") + OUTPUT[c] * F("7.9")) / 10**6 for c in INPUT}
    half = (INPUT["agent"] * F("0.65") + OUTPUT["agent"] * F("3.95")) / 10**6
    want = requests["chat"] * full["chat"] + requests["agent"] * (full["agent"] / 2 + half / 2)
    lines = bill_of(build, scenario(batch=True)).lines
    assert sum(x.amount(at([v]))[0] for x in lines) == want
    assert {x.label for x in lines if "(batch)" in x.label} == {
        "agent: input tokens (batch)",
        "agent: output tokens (batch)",
    }
    draws = Draws(8)
    ranged = {**CLASSES, "agent": {**CLASSES["agent"], "batchable_share": {"low": "20%", "high": "80%"}}}
    found: Any = sum(x.amount(at([float(v)])) for x in bill_of(build, scenario(ranged, batch=True), draws).lines)
    ((_, shares),) = draws.drawn.values()
    wanted = [
        float(requests["chat"] * full["chat"] + requests["agent"] * (full["agent"] * (1 - F(s)) + half * F(s)))
        for s in shares.tolist()
    ]
    assert found[0].tolist() == pytest.approx(wanted, rel=1e-12)


def warnings(build: Build, data: Data) -> list[str]:
    notes = Notes()
    build(data).price(Exact(), notes)
    return [note.text for note in notes.warnings]


def test_a_batch_that_may_be_late_is_said(build: Build) -> None:
    hurried = {**CLASSES, "agent": {**CLASSES["agent"], "deadline": "4 h"}}
    assert any("agent can wait 4 h" in x for x in warnings(build, scenario(hurried, batch=True)))
    assert not any("can wait" in x for x in warnings(build, scenario(batch=True)))
    chat_only = {"chat": {**CLASSES["chat"], "share": "100%"}}
    assert any("`batch` has no effect" in x for x in warnings(build, scenario(chat_only, batch=True)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"batch": True, "batch_share": "10%"}, "either `batch`"),
        ({"batch": True, "model": "frozen/plain"}, "no `batch` prices are known for frozen/plain"),
    ],
)
def test_batches_that_make_no_sense_are_refused(build: Build, keys: Data, message: str) -> None:
    with pytest.raises(Faults, match=message):
        build(scenario(**keys)).price(Exact())


# -- the cache's time to live --------------------------------------------------


@pytest.mark.parametrize(("ttl", "seconds"), [("5m", 300), ("1h", 3600)])
def test_requests_within_the_time_to_live(build: Build, ttl: str, seconds: int) -> None:
    classes = {
        "chat": {**CLASSES["chat"], "cacheable_input_tokens": 500},
        "agent": {**CLASSES["agent"], "cacheable_input_tokens": 500},
    }
    data = scenario(classes, cache_hit_rate="50%", cache_ttl=ttl)
    (floor,) = bill_of(build, data).floors  # calls of an agent's task follow each other at once
    for v in (F(10**3), F(10**6)):
        served = v / MEAN * F("0.6") / 12 / 3600 * seconds  # chats come in twelve hours of the day
        assert floor.load.value(at([v]))[0] == served
    assert floor.least == 1
    assert floor.text.startswith("chat: requests are further apart")
    assert ttl in floor.text
    assert not bill_of(build, scenario(classes)).floors, "no hits are counted on"
