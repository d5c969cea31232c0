"""A month with a spike: held against the slow way, every hour of every day of the month, and against plain arithmetic.

The slow way is that of `oracle`, whose cycle is here a month of whole days, or a year of them, with the spike's days in
the middle of each month.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import Build, Data, oracle
from oracle import Oracle

from tco.analysis.case import Case
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import Exact, Point
from tco.numerals import UnitError
from tco.options.assembly import Assembled
from tco.quantity import at, just_above

F = Fraction
CLOSE = F(1, 10**12)
FACTOR, DAYS = F(10), 3
DAY = [1, 0, 0, 0, 0, 1, 2, 3, 5, 8, 8, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
WEEK = [*[*[1] * 8, *[6] * 10, *[2] * 6] * 5, *[*[1] * 20, *[0] * 4] * 2]
FLAT = [1] * 24
VOLUMES = (F(1), F(1_700_000), F(43_210_987))


# -- the slow way ------------------------------------------------------------------------------------------------------


def more(factor: Fraction, days: int, month: Fraction) -> Fraction:
    return (month - days + factor * days) / month


def day_by_day(data: Data, factor: Fraction = FACTOR, days: int = DAYS) -> Oracle:
    """The oracle of a scenario whose days follow one another until weekdays and months begin anew together."""
    slow = oracle(data)
    months = slow.days.denominator
    length = slow.days.numerator * math.lcm(slow.cycle // 24, slow.days.numerator) // slow.days.numerator
    months = months * length // slow.days.numerator
    begins = [math.floor(j * slow.days) + 5 for j in range(months)]
    spike = {(b + k) % length for b in begins for k in range(days)}
    assert len(spike) == months * days
    usual = slow.cycle
    slow.cycle = length * 24
    times = [(factor if h // 24 in spike else 1) / more(factor, days, slow.days) for h in range(slow.cycle)]
    slow.classes = {
        name: replace(c, load=tuple(c.load[h % usual] * x for h, x in enumerate(times)))
        for name, c in slow.classes.items()
    }
    return slow


def spiked(case: Case, factor: Fraction = FACTOR, days: int = DAYS) -> Case:
    return case._replace(traffic=case.traffic.spiked(factor, F(days))[0])


def amounts(option: Assembled, here: Any) -> dict[tuple[str, str, str], Any]:
    found: dict[tuple[str, str, str], Any] = {}
    for part, line in option.lines:
        value = line.amount(here).reshape(-1)[0]
        key = (part, line.category, line.label.removesuffix(" beyond the free quota"))
        found[key] = found.get(key, 0) + value
    return {k: x for k, x in found.items() if x}


def held(
    build: Build, data: Data, option: str, *, factor: Fraction = FACTOR, days: int = DAYS, volumes: Any = VOLUMES
) -> None:
    """Every line equals the slow way's at these volumes and just above them, exactly and in floats."""
    slow, case = day_by_day(data, factor, days), spiked(build(data), factor, days)
    exact, floats = case.price(Exact())[option], case.price(Point())[option]
    billed: set[tuple[str, str, str]] = set()
    for v in map(F, volumes):
        outcome = slow.price(option, v)
        want, gross = outcome.by_key(), outcome.gross
        billed.update(want)
        assert amounts(exact, at([v])) == want, v
        near = amounts(floats, at([float(v)]))
        for k in near.keys() | want.keys():
            assert abs(F(near.get(k, 0)) - want.get(k, F(0))) <= CLOSE * gross, (v, k)
        above, wanted = amounts(exact, just_above([v])), slow.price(option, v, above=True).by_key()
        for k in above.keys() | wanted.keys():
            assert abs(above.get(k, F(0)) - wanted.get(k, F(0))) <= F(1, 10**30) * gross, (v, k)
        fits = all(limit.load.value(at([v]))[0] <= limit.most for _, limit in exact.limits)
        assert fits == outcome.feasible, v
    assert billed, "a test of nothing"


def workload(load: Any = DAY, **more_keys: Any) -> Data:
    return {"volume": "1000000 tokens/day", "input_tokens": 100, "load": {"by_hour": load}, **more_keys}


def fleet(load: Any = DAY, days: Any = 30, **keys: Any) -> Data:
    option = {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": {"requests_per_s": 1}, **keys}
    return {"traffic_days_per_month": days, "workload": workload(load), "options": {"fleet": option}}


def api(load: Any = DAY, days: Any = 30, **keys: Any) -> Data:
    option = {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$8/1M tokens"}, **keys}
    return {
        "traffic_days_per_month": days,
        "workload": workload(load, output_tokens=20),
        "options": {"api": option},
    }


# -- the traffic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [DAY, WEEK, FLAT], ids=["day", "week", "flat"])
@pytest.mark.parametrize("days", [1, 3, 7, 28])
@pytest.mark.parametrize("month", [F(30), F(28), F(365, 12), F(91, 3), F("30.4375"), F("30.4167"), F(57, 2)])
def test_a_month_with_a_spike_has_all_its_hours_and_requests(
    build: Build, month: Fraction, days: int, load: list[int]
) -> None:
    classes = {"chat": {"share": "30%", "input_tokens": 70, "load": {"by_hour": load}},
               "draft": {"share": "rest", "input_tokens": 900}}  # fmt: skip
    case = build({"workload": {"volume": "1000000 tokens/day", "classes": classes}, "options": {"a": ANY}})
    usual = case.traffic._replace(days_per_month=case.traffic.days_per_month._replace(value=month))
    traffic, times = usual.spiked(F(10), F(days))
    assert times == 1 + 9 * F(days) / month
    assert sum(level.hours_per_week for level in traffic.levels) == 168
    for i, level in enumerate(traffic.levels):
        assert sum(per_week * hours.count(i) for hours, per_week in traffic.cycles) == level.hours_per_week
        assert sum(per_week * day.count(i) for day, per_week in traffic.days().items()) == level.hours_per_week
    n, here = Exact(), at([F(1)])
    for name, c in traffic.classes.items():
        in_spike = F(0)  # requests of a week, in mean days of the class
        for day, per_week in traffic.days().items():
            of_class, even = (sum(traffic.levels[i].share_of_day[c] for i in day) for c in (name, "draft"))
            in_spike += per_week * of_class if even == 10 / times else 0
        assert in_spike == 7 * 10 * F(days) / month / times, "on average over the weekdays that it falls on"
        before = usual.demand(n).requests_per_month(name, n).value(here)[0]
        assert traffic.demand(n).requests_per_month(name, n).value(here)[0] == before
        assert before == month * F(c.share.figure.value) / traffic.mean_tokens
        for hours in (frozenset({0}), frozenset({3, 9, 23})):
            at_hours = (t.demand(n).requests_per_month(name, n, hours).value(here)[0] for t in (traffic, usual))
            assert len(set(at_hours)) == 1


ANY: Data = {"kind": "api", "price": {"blended": "$1/1M tokens"}}


@pytest.mark.parametrize("month", [F(28), F(30), F(35), F(365, 12)])
def test_a_spike_begins_on_each_weekday_equally_often(build: Build, month: Fraction) -> None:
    load = [h // 24 + 1 for h in range(168)]
    case = build({"workload": workload(load), "options": {"a": ANY}})
    usual = case.traffic._replace(days_per_month=case.traffic.days_per_month._replace(value=month))
    traffic, times = usual.spiked(F(100), F(5))
    begun: dict[tuple[bool, Fraction], Fraction] = {}
    for hours, per_week in traffic.cycles:
        assert len(hours) % 24 == 0
        shares = [traffic.levels[i].share_of_day["request"] for i in hours[::24]]
        weekdays = [(s * times * 28 * 24 / 7 / (100 if s * times * 96 > 7 else 1), s * times * 96 > 7) for s in shares]
        for i, (weekday, high) in enumerate(weekdays):
            before, was_high = weekdays[i - 1]
            assert (weekday - before) % 7 == 1, "weekdays follow one another, the last hour's by the first"
            if high != was_high:
                begun[high, weekday] = begun.get((high, weekday), F(0)) + per_week
    assert begun == {(high, F(w)): 1 / month for high in (True, False) for w in range(1, 8)}


def test_a_factor_of_one_is_no_spike(build: Build) -> None:
    case = build(fleet())
    traffic, times = case.traffic.spiked(F(1), F(3))
    assert traffic is case.traffic and times == 1
    assert amounts(spiked(case, F(1)).price(Point())["fleet"], at([1e6])) == amounts(
        case.price(Point())["fleet"], at([1e6])
    )


@pytest.mark.parametrize("keys", [{}, {"billing": "autoscaled", "cold_start": "5 min"}, {"billing": "busy_hours"}])
def test_a_spike_of_hardly_more_costs_hardly_more(build: Build, keys: Data) -> None:
    case = build(fleet(**keys))
    v = at([F(12_345_678)])
    usual, close = (sum(amounts(c.price(Exact())["fleet"], v).values(), F(0)) for c in (case, spiked(case, 1 + CLOSE)))
    assert abs(usual - close) <= F(1, 10**9) * usual


def test_a_spike_of_the_whole_month_is_a_usual_one_of_more(build: Build) -> None:
    case = build(fleet(days=28, billing="autoscaled", cold_start="5 min"))
    traffic, times = case.traffic.spiked(F(10), F(28))
    assert times == 10
    for v in VOLUMES:
        found = [amounts(c.price(Exact())["fleet"], at([v])) for c in (case, case._replace(traffic=traffic))]
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("factor", "days", "expected"),
    [
        (F(10), F(0), "whole days from 1 to 30"),
        (F(10), F(31), "whole days from 1 to 30"),
        (F(10), F(1, 2), "whole days from 1 to 30"),
        (F(10), F(-1), "whole days from 1 to 30"),
        (F(0), F(3), "a factor above 0"),
        (F(-2), F(3), "a factor above 0"),
    ],
)
def test_what_is_no_spike(build: Build, factor: Fraction, days: Fraction, expected: str) -> None:
    with pytest.raises(UnitError) as refused:
        build(fleet()).traffic.spiked(factor, days)
    assert expected in refused.value.expected


def test_one_spike_a_month(build: Build) -> None:
    with pytest.raises(UnitError) as refused:
        build(fleet()).traffic.spiked(F(10), F(3))[0].spiked(F(2), F(1))
    assert refused.value.expected == "one spike in a month"


# -- fleets ------------------------------------------------------------------------------------------------------------


def test_ten_times_the_traffic_for_three_days_by_hand(build: Build) -> None:
    """360,000 requests on a usual day, of 1 a second and replica, keep 25/6 replicas busy; a spike day ten times."""
    usual, risen, month = math.ceil(F(25, 6)), math.ceil(F(250, 6)), 30
    v = F(360_000 * 100) * more(F(10), 3, F(month))
    for keys, replica_hours in (
        ({}, risen * 720),
        ({"billing": "autoscaled", "replicas": {"min": 0}}, risen * 24 * 3 + usual * 24 * 27),
        ({"billing": "busy_hours"}, risen * 24 * 3 + usual * 24 * 27),
    ):
        case = spiked(build({**fleet(FLAT, **keys), "billed_hours_per_month": 720}))
        assert amounts(case.price(Exact())["fleet"], at([v])) == {("", "gpu", "GPUs"): 2 * replica_hours}


BOUNDED = {"min": 2, "spare": 1, "max": 40}
FLEETS: dict[str, Data] = {
    "static": {},
    "static, bounded": {"replicas": BOUNDED},
    "autoscaled": {"billing": "autoscaled", "cold_start": "6 min"},
    "autoscaled, spare": {"billing": "autoscaled", "cold_start": "6 min", "replicas": BOUNDED},
    "busy hours": {"billing": "busy_hours", "cold_start": "6 min", "zones": 2},
    "busy time": {"billing": "busy_time", "wake_ups_per_day": 4, "cold_start": "6 min", "idle_timeout": "15 min"},
    "reserved": {"billing": "autoscaled", "cold_start": "6 min",
                 "reserved": {"replicas": 3, "price": "$1.3/hour"}, "staging": 1},
    "spot": {"billing": "autoscaled", "spot": {"share": "40%", "price": "$0.7/hour", "interruption_overhead": "5%"}},
    "in lots": {"billing": "autoscaled", "cold_start": "6 min", "gpus_per_server": 8, "gpus_per_replica": 3,
                "target_utilisation": "70%", "availability": "99%", "burst": "1.5"},
    "fewer hours": {"billing": "autoscaled", "billed_hours_per_month": 176, "cold_start": "6 min"},
    "people": {"people": {"fte": "0.1", "per_gpus": 4, "cost": "$120000/year"}},
}  # fmt: skip


@pytest.mark.parametrize("load", [DAY, FLAT], ids=["day", "flat"])
@pytest.mark.parametrize("keys", FLEETS.values(), ids=FLEETS)
def test_fleets_day_by_day(build: Build, keys: Data, load: list[int]) -> None:
    step = F(36 * 10**5 * 24) * more(FACTOR, DAYS, F(30)) / FACTOR  # a day of one replica's hours, in the spike
    held(build, fleet(load, **keys), "fleet", volumes=(*VOLUMES, 3 * step))


@pytest.mark.parametrize("keys", ["autoscaled, spare", "busy hours", "reserved"])
def test_a_year_of_twelve_spikes(build: Build, keys: str) -> None:
    data = fleet(**FLEETS[keys])
    del data["traffic_days_per_month"]
    held(build, data, "fleet", volumes=(F(43_210_987),))


@pytest.mark.parametrize(("days", "spike"), [(30, 3), (28, 10), (28, 25)])
def test_a_week_has_its_spike_on_any_weekday(build: Build, days: int, spike: int) -> None:
    data = fleet(WEEK, days, billing="autoscaled", cold_start="6 min")
    if days % 7:
        return held(build, data, "fleet", days=spike, volumes=(F(43_210_987),))
    # months of four weeks all begin alike: the mean over the weekdays a spike may begin on
    v, total = F(43_210_987), F(0)
    for first in range(7):
        turned = WEEK[24 * first :] + WEEK[: 24 * first]
        slow = day_by_day(fleet(turned, days, billing="autoscaled", cold_start="6 min"), FACTOR, spike)
        total += slow.price("fleet", v).total.value / 7
    case = spiked(build(data), FACTOR, spike)
    assert sum(amounts(case.price(Exact())["fleet"], at([v])).values()) == total
    return None


@pytest.mark.parametrize("factor", [F(1, 4), F(3, 2), F(8)])
@pytest.mark.parametrize("days", [1, 11, 28, 30])
def test_any_factor_and_any_days(build: Build, factor: Fraction, days: int) -> None:
    """Eight times hour 0 is the usual hour 9: equal hours are one level, and yet days of two kinds."""
    data = fleet(billing="autoscaled", cold_start="6 min")
    held(build, data, "fleet", factor=factor, days=days, volumes=(F(43_210_987),))


def test_the_electricity_of_owned_servers(build: Build) -> None:
    owned = {"price": "$30000", "gpus_per_server": 1, "life_years": 3,
             "power": {"idle_watts": 200, "busy_watts": 900, "price": "$0.2/kWh", "pue": "1.3"}}  # fmt: skip
    data = fleet(owned=owned)
    data["options"]["fleet"].pop("gpu_price")
    held(build, data, "fleet")


MANY_REPLICAS = F(4_321_098_765)
"""A volume at which a small difference in load is a replica."""
WAITING: Data = {
    "chat": {"share": "40%", "input_tokens": 100},
    "draft": {"share": "35%", "input_tokens": 300, "batchable_share": "80%", "deadline": "7 h"},
    "report": {"share": "rest", "input_tokens": 20, "batchable_share": "100%"},
}


@pytest.mark.parametrize("factor", [F(10), F(11, 10), F(1, 5)])
@pytest.mark.parametrize("deadline", ["90 min", "24 h", "60 h", "100 h", "3000 h"])
@pytest.mark.parametrize("billing", ["static", "autoscaled"])
def test_what_can_wait(build: Build, billing: str, deadline: str, factor: Fraction) -> None:
    """A month of five days: the slow way looks at every interval of its hours."""
    data = fleet(days=5, billing=billing, batch=True)
    classes = WAITING | {"report": {**WAITING["report"], "deadline": deadline}}
    data["workload"] = {"volume": "1000000 tokens/day", "classes": classes, "load": {"by_hour": DAY}}
    held(build, data, "fleet", factor=factor, volumes=(MANY_REPLICAS,))


@pytest.mark.parametrize("factor", [F(10), F(1, 5)])
@pytest.mark.parametrize("days", [1, 2, 4])
def test_what_has_hours_to_wait_in_days_of_any_number(build: Build, days: int, factor: Fraction) -> None:
    data = fleet(days=5, batch=True)
    data["workload"] |= {"batchable_share": "90%", "deadline": "30 h"}
    held(build, data, "fleet", days=days, factor=factor, volumes=(MANY_REPLICAS,))


def test_what_waits_over_the_midnight_at_which_the_spike_begins(build: Build) -> None:
    """Reports of two replica-hours come at 23 h and wait until 3 h, chats of one in each hour from midnight on. Of one
    day at 3/2, the four hours from the usual day's 23 h ask for most, (2 + 3/2 x 3) / 4; its own for (3/2 x 2 + 3) / 4.
    """
    late, early = [0] * 23 + [2], [1, 1, 1] + [0] * 21
    classes = {"report": {"share": "40%", "input_tokens": 100, "load": {"by_hour": late},
                          "batchable_share": "100%", "deadline": "4 h"},
               "chat": {"share": "rest", "input_tokens": 100, "load": {"by_hour": early}}}  # fmt: skip
    data = fleet(days=4, batch=True)
    data["workload"] = {"volume": "1000000 tokens/day", "classes": classes}
    v = 5 * 3600 * 100 * more(F(3, 2), 1, F(4)) * 1000  # of a usual day: 2000 and 3 x 1000 replica-hours
    (bill,) = amounts(spiked(build(data), F(3, 2), 1).price(Exact())["fleet"], at([v])).values()
    assert bill == 2 * 730 * F(1000) * (2 + F(3, 2) * 3) / 4
    held(build, data, "fleet", days=1, factor=F(3, 2), volumes=(v, MANY_REPLICAS))


def test_what_waits_is_drawn(build: Build) -> None:
    data = fleet(batch=True)
    data["workload"] |= {"batchable_share": {"low": "20%", "high": "60%"}, "deadline": "6 h"}
    draws = Draws(4)
    case = spiked(build(data))
    ((_, line),) = case.price(draws)["fleet"].lines
    found = line.amount(at([1e9]))[0]
    ((figure, drawn),) = draws.drawn.values()
    assert figure.name == "request: batchable_share"
    for i, share in enumerate(drawn.tolist()):
        data["workload"]["batchable_share"] = f"{share!r}"
        ((_, alone),) = spiked(build(data)).price(Point())["fleet"].lines
        assert alone.amount(at([1e9]))[0] == pytest.approx(found[i], rel=1e-12)


@pytest.mark.parametrize("billing", ["static", "autoscaled"])
def test_what_waits_from_day_to_day_of_a_week_is_refused(build: Build, billing: str) -> None:
    data = fleet(WEEK, batch=True, billing=billing)
    data["workload"] |= {"batchable_share": "50%", "deadline": "6 h"}
    build(data).price(Exact())
    with pytest.raises(Faults) as refused:
        spiked(build(data)).price(Exact())
    (fault,) = refused.value.faults
    assert "cannot wait beside a spike that falls on any day of a week's profile" in fault.message
    assert fault.expected == "a `load` by the hour of the day, or no `batch`"


def test_overflow_into_a_fleet_that_batches_is_refused(build: Build) -> None:
    data = fleet(replicas={"max": 2})
    data["workload"] |= {"batchable_share": "50%", "deadline": "6 h"}
    data["options"]["second"] = {**data["options"]["fleet"], "batch": True, "replicas": {"min": 1}}
    data["options"]["both"] = {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "second"}}
    build(data).price(Exact())
    with pytest.raises(Faults) as refused:
        spiked(build(data)).price(Exact())
    assert [f.message for f in refused.value.faults] == [
        "too many different intervals of hours to batch in beside a spike"
    ]


WINDOWS: list[tuple[Data, list[tuple[Fraction, Fraction]]]] = [
    # how many windows of a kind, and how many usual days' work is in one; a spike day's is that of ten
    ({}, [(F(3), F(10)), (F(27), F(1))]),
    ({"windows_per_month": 10}, [(F(1), F(30)), (F(9), F(3))]),
    ({"windows_per_month": 15}, [(F(1), F(20)), (F(1), F(10 + 1)), (F(13), F(2))]),
    ({"windows_per_month": 4}, [(F(1), F(30) + F(9, 2)), (F(3), F(15, 2))]),
    ({"windows_per_month": "1.5"}, [(F(1), F(30 + 17)), (F(1, 2), F(20))]),
]


@pytest.mark.parametrize(("keys", "kinds"), WINDOWS, ids=["each day", "10", "15", "4", "1.5"])
def test_windows_for_what_came_since_the_one_before(
    build: Build, keys: Data, kinds: list[tuple[Fraction, Fraction]]
) -> None:
    data = fleet(billing="batch_window", window_hours_per_month=60, cold_start="6 min", replicas={"spare": 1}, **keys)
    data["workload"] |= {"batchable_share": "100%", "deadline": "1000 h"}
    windows = sum(count for count, _ in kinds)
    assert sum(count * work for count, work in kinds) == 3 * 10 + 27, "30 days, 3 of them ten times"
    case = spiked(build(data))
    for v in (F(10_000_000), F(987_654_321)):
        a_day = v / more(FACTOR, DAYS, F(30)) / 100 / 3600  # replica-hours of a usual day
        hours, started = F(0), F(0)
        for count, work in kinds:
            length = F(60) / windows
            replicas = math.ceil(a_day * work / length) + 1
            hours += count * length * replicas
            started += count * replicas
        assert amounts(case.price(Exact())["fleet"], at([v])) == {
            ("", "gpu", "GPUs"): 2 * hours,
            ("", "gpu", "cold starts"): 2 * started * F(1, 10),
        }


@pytest.mark.parametrize("billing", ["static", "autoscaled"])
def test_a_mix_of_gpus_chooses_for_the_spike_and_for_the_rest(build: Build, billing: str) -> None:
    """Large: 10 requests a second at $12 an hour; small: 1 at $2. A usual hour of 3 a second takes 3 small ones, one of
    the spike, 30 a second, 3 large ones."""
    pools = {"large": {"gpu_price": "$12/hour", "capacity": {"requests_per_s": 10}},
             "small": {"gpu_price": "$2/hour", "capacity": {"requests_per_s": 1}}}  # fmt: skip
    data = fleet(FLAT)
    data["billed_hours_per_month"] = 720
    data["options"] = {"mix": {"kind": "gpu_mix", "pools": pools, "billing": billing}}
    v = F(3 * 86400 * 100) * more(FACTOR, DAYS, F(30))
    want = 3 * 12 * 720 if billing == "static" else 3 * 12 * 72 + 3 * 2 * 648
    case = spiked(build(data))
    assert sum(amounts(case.price(Exact())["mix"], at([v])).values()) == want
    assert sum(amounts(case.price(Point())["mix"], at([float(v)])).values()) == pytest.approx(want, rel=1e-12)


# -- APIs and hybrids --------------------------------------------------------------------------------------------------

TERMS: dict[str, Data] = {
    "plain": {},
    "tiers": {"volume_discounts": [{"above": "$500.00/month", "discount": "10%"},
                                   {"above": "$999.00/month", "discount": "20%"}]},
    "all units": {"all_units_discounts": [{"above": "$1000/month", "discount": "10%"}]},
    "daily quota": {"free_quota": {"tokens": "20000000 tokens/day"}},
    "monthly quota": {"free_quota": {"input_tokens": "300000000 tokens/month", "output_tokens": "1000000 tokens/day"}},
    "requests": {"request_fee": "$0.001/request", "free_quota": {"requests": "200000 requests/day"}},
    "commitment": {"commitment": {"spend": "$2000/month", "discount": "15%", "overage": "120%"}},
    "all of it": {
        "volume_discounts": [{"above": "$900.00/month", "discount": "10%"}],
        "free_quota": {"tokens": "20000000 tokens/day"},
        "commitment": {"spend": "$2000/month", "discount": "15%"},
    },
    "by the hour": {"time_of_day": {"night": {"hours": "16:30-0:30", "discount": "50%"}}},
    "by the hour, free": {"time_of_day": {"night": {"hours": "16:30-0:30", "discount": "50%"}},
                          "free_quota": {"tokens": "20000000 tokens/day"}},
}  # fmt: skip


@pytest.mark.parametrize(("load", "month"), [(DAY, 30), (WEEK, 10)], ids=["day", "week"])
@pytest.mark.parametrize("keys", TERMS.values(), ids=TERMS)
def test_apis_day_by_day(build: Build, keys: Data, load: list[int], month: int) -> None:
    held(build, api(load, month, **keys), "api", volumes=VOLUMES[1:])


def test_a_daily_quota_and_a_monthly_tier_by_hand(build: Build) -> None:
    """10M tokens on a usual day, 100M in the spike, 20M a day free; half price above $300 a month."""
    keys = {"price": {"blended": "$2/1M tokens"}, "free_quota": {"tokens": "20000000 tokens/day"},
            "volume_discounts": [{"above": "$300/month", "discount": "50%"}]}  # fmt: skip
    case = spiked(build(api(FLAT, **keys)))
    v = F(10**7) * more(FACTOR, DAYS, F(30))
    bill = amounts(case.price(Exact())["api"], at([v]))
    beyond = 3 * (100 - 20)
    assert sum(bill.values()) == 300 + (2 * beyond - 300) / F(2)
    usual = amounts(build(api(FLAT, **keys)).price(Exact())["api"], at([v]))
    assert sum(usual.values()) == 0, "19M tokens on every day are free"


def test_a_rate_limit_is_held_against_the_peak_minute_of_the_spike(build: Build) -> None:
    data = api(rate_limit={"requests_per_minute": 6000, "hard": True})
    data["workload"]["burst"] = 2
    busiest = F(max(DAY), sum(DAY))
    end = 6000 * 60 / (busiest * FACTOR * 2) * more(FACTOR, DAYS, F(30)) * 120
    held(build, data, "api", volumes=(end,))
    ((_, limit),) = spiked(build(data)).price(Exact())["api"].limits
    assert limit.load.value(at([end]))[0] == limit.most == 6000
    ((_, limit),) = build(data).price(Exact())["api"].limits
    assert limit.load.value(at([end]))[0] == 6000 * more(FACTOR, DAYS, F(30)) / FACTOR, "a usual month has room"


def test_a_full_fleet_overflows_in_the_spike(build: Build) -> None:
    data = fleet(billing="autoscaled", cold_start="6 min", replicas={"max": 5})
    data["workload"]["output_tokens"] = 20
    data["options"] |= {
        "api": {**api()["options"]["api"], "free_quota": {"tokens": "2000000 tokens/day"}, "candidate": False},
        "both": {"kind": "hybrid", "routes": {"fleet": "90%", "api": "rest"}, "overflow": {"fleet": "api"}},
    }
    held(build, data, "both")
    held(build, data, "fleet")


def test_only_spike_days_overflow_by_hand(build: Build) -> None:
    """Two replicas, one busy on a usual day: in the spike eight of ten requests go to the API."""
    data = fleet(FLAT, replicas={"min": 2, "max": 2})
    data["billed_hours_per_month"] = 720
    data["options"] |= {
        "api": {"kind": "api", "price": {"blended": "$2/1M tokens"}, "candidate": False},
        "both": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "api"}},
    }
    v = F(86400 * 100) * more(FACTOR, DAYS, F(30))
    found = amounts(spiked(build(data)).price(Exact())["both"], at([v]))
    assert sum(x for k, x in found.items() if k[1] == "gpu") == 2 * 2 * 720
    assert sum(x for k, x in found.items() if k[1] == "api") == F(8 * 86400 * 100 * 3, 10**6) * 2


# -- draws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load", [DAY, WEEK], ids=["day", "week"])
def test_draws_are_prices_of_the_drawn_figures(build: Build, load: list[int]) -> None:
    """Days of traffic are drawn too; how much of the month the spike is, follows their point."""
    data = fleet(load, billing="autoscaled", cold_start="6 min", replicas={"max": 30})
    data["options"] |= api(load, **TERMS["all of it"], cache_hit_rate="50%", rate_limit={"requests_per_minute": 900})[
        "options"
    ]
    data["options"]["both"] = {
        "kind": "hybrid",
        "routes": {"fleet": "90%", "api": "rest"},
        "overflow": {"fleet": "api"},
    }
    data["workload"] |= {"output_tokens": 20, "cacheable_input_tokens": 50}
    data["traffic_days_per_month"] = {"low": 28, "high": 32}
    draws, here = Draws(5), at([43_210_987.0, 1e9])
    case = spiked(build(data))
    found = case.price(draws)
    ((figure, drawn),) = draws.drawn.values()
    assert figure.name == "traffic_days_per_month"
    for i, days in enumerate(drawn.tolist()):
        fixed = case.traffic.days_per_month._replace(value=F(days))
        alone = case._replace(traffic=case.traffic._replace(days_per_month=fixed)).price(Point())
        for name, option in found.items():
            for (_, line), (_, other) in zip(option.lines, alone[name].lines, strict=True):
                value = line.amount(here)
                assert value.dtype == np.float64
                assert np.broadcast_to(value, (2, 5))[:, i] == pytest.approx(other.amount(here)[:, 0], rel=1e-11)


def test_what_is_computed_in_floats_stays_in_floats(build: Build) -> None:
    """A `Fraction` times an array of floats would be an array of objects, equal and a hundred times as slow."""
    pools = {
        name: {"gpu_price": price, "capacity": {"requests_per_s": 1}}
        for name, price in (("a", "$1/hour"), ("b", "$2/hour"))
    }
    data = fleet(WEEK)
    data["options"] |= api(WEEK, cache_hit_rate="50%")["options"]
    data["options"]["mix"] = {"kind": "gpu_mix", "pools": pools, "billing": "autoscaled"}
    data["workload"] |= {"output_tokens": 20, "cacheable_input_tokens": 50}
    here = at([43_210_987.0])
    found = spiked(build(data)).price(Point())
    values = [line.amount(here) for option in found.values() for _, line in option.lines]
    values += [floor.load.value(here) for part in found["api"].parts for floor in part.bill.floors]
    assert len(values) > len(found["mix"].lines) + 1
    assert {v.dtype for v in values} == {np.dtype(np.float64)}
