"""How fleets are billed, held against the slow and obvious way: hour by hour, request by request, in fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from conftest import Build, Data
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tco import curve
from tco.analysis.case import Case
from tco.analysis.compare import compare
from tco.analysis.ledger import ledger
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import KEY_JOINT, Exact, Point, total
from tco.options.base import Notes
from tco.quantity import at, just_above

F = Fraction
DAYS, MONTH = F(365, 12), F(730)
RATE = F(2)
"""Dollars per GPU-hour."""
TINY = 1 + F(1, 2**200)


# -- the slow way ----------------------------------------------------------------------------------------------------


def share(text: Any) -> Fraction:
    return F(str(text).rstrip("%")) / (100 if str(text).endswith("%") else 1)


def seconds(text: str) -> Fraction:
    number, unit = text.split()
    return F(number) * {"s": 1, "min": 60, "h": 3600}[unit]


class Slow:
    """One fleet and its traffic, a day or a week of hours: what it bills at a volume."""

    def __init__(self, data: Data) -> None:
        self.spec = data["options"]["fleet"]
        work = data["workload"]
        classes = work.get("classes") or {"request": {**work, "share": "100%"}}
        tokens = sum((share(c["share"]) * c["input_tokens"] for c in classes.values()), F(0))
        given = {name: c.get("load", work.get("load")) for name, c in classes.items()}
        weights = {name: [1] * 24 if g is None else g["by_hour"] for name, g in given.items()}
        self.length = max(map(len, weights.values()))
        self.classes = {}
        for name, c in classes.items():
            w = (weights[name] * 7)[: self.length]
            a_day = F(sum(weights[name]) * 24, len(weights[name]))
            waits, hours = F(0), 1
            if "batchable_share" in c:
                waits, hours = share(c["batchable_share"]), max(1, int(seconds(c["deadline"]) // 3600))
            per_token = share(c["share"]) / tokens / F(self.spec["capacity"]["requests_per_s"]) / 3600
            self.classes[name] = ([F(x) / a_day * per_token for x in w], waits, hours)
        self.month = F(self.spec.get("billed_hours_per_month", MONTH))
        self.weeks = min(DAYS, self.month / 24) / 7
        if self.spec.get("billing") in ("busy_time", "batch_window"):
            self.weeks = DAYS / 7  # work is work, in a month of however many billed hours
        self.cycles = self.weeks * 168 / self.length
        stated = self.spec.get("replicas", {})
        self.least, self.most, self.spare = stated.get("min", 1), stated.get("max"), stated.get("spare", 0)
        self.useful = share(self.spec.get("target_utilisation", 1)) * share(self.spec.get("availability", 1))
        self.size = self.useful / share(self.spec.get("burst", 1))

    # loads per token a day, by hour of the cycle

    def arriving(self) -> list[Fraction]:
        return [sum((by_hour[h] for by_hour, _, _ in self.classes.values()), F(0)) for h in range(self.length)]

    def spread(self) -> list[Fraction]:
        """What waits, evenly over the hours from its own on."""
        load = [F(0)] * self.length
        for by_hour, waits, reach in self.classes.values():
            hours = min(reach, self.length)
            for h, work in enumerate(by_hour):
                load[h] += work * (1 - waits)
                for k in range(hours):
                    load[(h + k) % self.length] += work * waits / hours
        return load

    def in_time(self, v: Fraction, replicas: int) -> bool:
        """Whether so many replicas do all work by its deadline: earliest deadline first, over some cycles."""
        room = replicas * self.size
        if sum(self.arriving()) * v > room * self.length:
            return False
        queue: dict[int, Fraction] = {}
        longest = max(hours for _, _, hours in self.classes.values())
        for hour in range(3 * self.length + 2 * longest):
            for by_hour, waits, hours in self.classes.values():
                work = by_hour[hour % self.length] * v
                queue[hour] = queue.get(hour, F(0)) + work * (1 - waits)
                queue[hour + hours - 1] = queue.get(hour + hours - 1, F(0)) + work * waits
            left = room
            for due in sorted(queue):
                done = min(left, queue[due])
                left -= done
                queue[due] -= done
            if queue.pop(hour):
                return False
        return True

    def clamp(self, needed: int) -> int:
        n: int = max(needed + self.spare, self.least)
        return n if self.most is None else min(n, int(self.most))

    def running(self, v: Fraction) -> list[int]:
        """Replicas in each hour of the cycle."""
        billing = self.spec.get("billing", "static")
        if billing == "static" and self.spec.get("batch"):
            needed = next(n for n in range(10**6) if self.in_time(v, n))
            return [self.clamp(needed)] * self.length
        load = self.spread() if self.spec.get("batch") else self.arriving()
        at_rest = 0 if billing == "busy_hours" else self.least
        hours = [self.clamp(math.ceil(x * v / self.size)) if x else at_rest for x in load]
        return [max(hours)] * self.length if billing == "static" else hours

    def lots(self, replicas: int, least: int = 0) -> int:
        together = self.spec.get("gpus_per_server", 1)
        lots = math.ceil(F(replicas * self.spec.get("gpus_per_replica", 1), together))
        return max(lots, math.ceil(F(least, together))) if replicas else 0

    def above(self, replicas: int) -> int:
        """Lots beyond the reserved base."""
        base = self.spec.get("reserved", {}).get("replicas", 0)
        return max(self.lots(replicas, self.spec.get("min_gpus", 0)) - self.lots(base), 0)

    def bill(self, v: Fraction, decide: Fraction) -> dict[str, Fraction]:
        """Dollars a month by label. `decide`: the volume that replicas are counted at."""
        spec = self.spec
        together = spec.get("gpus_per_server", 1)
        zones, billing = spec.get("zones", 1), spec.get("billing", "static")
        cold = seconds(spec["cold_start"]) / 3600 if "cold_start" in spec else F(0)
        base = spec.get("reserved", {}).get("replicas", 0)
        each: list[tuple[Fraction, int]]  # hours a month, replicas
        started = F(0)
        if billing == "busy_time":
            lots = self.lots(1)
            work = sum(self.arriving()) * self.cycles * v / self.useful * lots
            idle = seconds(spec["idle_timeout"]) / 3600 if "idle_timeout" in spec else F(0)
            started = F(spec["wake_ups_per_day"]) * self.weeks * 7 * (cold + idle) * lots
            running = work
        else:
            if billing == "batch_window":
                window = F(spec["window_hours_per_month"])
                work = sum(self.arriving()) * self.cycles * decide
                n = self.clamp(math.ceil(work / (window * self.useful)))
                each = [(window, n)]
                rest = 0
                windows = F(spec.get("windows_per_month", DAYS))
                started = windows * self.above(n)
            else:
                hours = self.running(decide)
                each = [(self.cycles, n) for n in hours]
                rest = hours[0] if billing == "static" else 0 if billing == "busy_hours" else self.least
                above = [self.above(n) for n in hours]
                for h in range(self.length):
                    started += self.cycles * max(0, above[h] - above[h - 1])
            counted = sum((hours for hours, _ in each), F(0))
            each = [*each, (self.month - counted, rest)]
            running = sum((hours * self.above(n) for hours, n in each), F(0)) * zones
            started *= cold * zones
        found: dict[str, Fraction] = {}
        name = "servers" if together > 1 else "GPUs"
        rate = RATE * together
        if base:
            found[f"reserved: {name}"] = self.month * self.lots(base) * zones * F(1) * together
        spot = share(spec["spot"]["share"]) if "spot" in spec else F(0)
        found[name] = running * (1 - spot) * rate
        found["wake-ups" if billing == "busy_time" else "cold starts"] = started * (1 - spot) * rate
        if spot:
            lost = share(spec["spot"].get("interruption_overhead", 0))
            found[f"spot: {name}"] = (running + started) * spot * (1 + lost) * F("0.5") * together
        if "staging" in spec:
            found["staging"] = self.month * self.lots(spec["staging"]) * rate
        return {k: x for k, x in found.items() if x}

    def steps(self, near: Fraction) -> list[Fraction]:
        """Volumes near a rough one at which an hour's load is a whole number of replicas."""
        billing = self.spec.get("billing", "static")
        load, size = (self.spread() if self.spec.get("batch") else self.arriving()), self.size
        if billing == "batch_window":
            window = F(self.spec["window_hours_per_month"])
            load, size = [sum(load) * self.cycles / window], self.useful
        found = {max(1, round(near * x / size)) * size / x for x in load if x}
        return sorted(v for v in found if v >= 1)


def held(build: Build, data: Data, volumes: list[Fraction]) -> None:
    """The engine's lines against the slow way: on these volumes, on steps near them, and just above."""
    slow, case = Slow(data), build(data)
    exact, floats = case.price(Exact())["fleet"], case.price(Point())["fleet"]
    for v in sorted({*volumes, *(s for rough in volumes for s in slow.steps(rough)[:2])}):
        for side, decide in ((at, v), (just_above, v * TINY)):
            want = slow.bill(v, decide)
            got = {line.label: line.amount(side([v])).item() for _, line in exact.lines}
            assert {k: x for k, x in got.items() if x} == want, (v, side)
            whole = sum(want.values())
            for _, line in floats.lines:
                near = line.amount(side([float(v)])).item()
                assert abs(F(near) - want.get(line.label, 0)) <= whole / 10**12, (v, side, line.label)


# -- scenarios -------------------------------------------------------------------------------------------------------

DAY = [0] * 5 + [1, 1, 2, 5, 3, 3, 4, 2, 5, 5, 1, 0, 0, 2, 1, 1, 0, 0, 0]
WEEK = [*DAY * 5, *([1] * 24), *([0] * 24)]


def scenario(fleet: Data, **workload: Any) -> Data:
    option = {"kind": "self_hosted", "gpu_price": f"${RATE}/hour", "capacity": {"requests_per_s": 1}, **fleet}
    return {
        "workload": {"volume": "1000000 tokens/day", "input_tokens": 100, "load": {"by_hour": DAY}, **workload},
        "options": {"fleet": option},
    }


def classes(**batch: Any) -> Data:
    """Two classes with a day of their own each; `draft` can wait."""
    data = {
        "chat": {"share": "70%", "input_tokens": 100, "load": {"by_hour": DAY}},
        "draft": {"share": "rest", "input_tokens": 300, "load": {"by_hour": [3, *[0] * 11, 2, 1, *[0] * 10]}, **batch},
    }
    data["draft"]["share"] = "30%"
    return data


VOLUMES = [F(10**5), F(7_654_321), F(5 * 10**7)]
BILLINGS: dict[str, Data] = {
    "static": {},
    "autoscaled": {"billing": "autoscaled", "cold_start": "3 min"},
    "autoscaled-min": {"billing": "autoscaled", "cold_start": "90 s", "replicas": {"min": 2, "spare": 1, "max": 40}},
    "busy-hours": {"billing": "busy_hours", "cold_start": "3 min", "burst": 2},
    "busy-time": {
        "billing": "busy_time", "cold_start": "40 s", "idle_timeout": "5 min", "wake_ups_per_day": 9, "burst": 2,
    },
    "busy-time-awake": {"billing": "busy_time", "wake_ups_per_day": 0, "target_utilisation": "70%"},
}  # fmt: skip
KEYS: dict[str, Data] = {
    "plain": {},
    "servers": {"gpus_per_server": 4, "gpus_per_replica": 3},
    "derated": {"availability": "97%", "target_utilisation": "80%", "staging": 2, "billed_hours_per_month": 500},
    "spot": {"spot": {"share": "60%", "price": "$0.5/hour", "interruption_overhead": "5%"}},
}
BESIDE: dict[str, Data] = {
    "at least": {"gpus_per_server": 4, "gpus_per_replica": 1, "min_gpus": 15, "staging": 1},
    "zones": {"zones": 2, "staging": 1, "billed_hours_per_month": 800},
    "reserved": {"reserved": {"replicas": 2, "price": "$1/hour"}},
    "all": {
        "reserved": {"replicas": 3, "price": "$1/hour"}, "zones": 3, "gpus_per_server": 4, "gpus_per_replica": 2,
        "spot": {"share": "100%", "price": "$0.5/hour", "interruption_overhead": "50%"},
    },
}  # fmt: skip


@pytest.mark.parametrize("by_hour", [DAY, WEEK, [1] * 24, [0] * 23 + [1]], ids=["day", "week", "flat", "one hour"])
@pytest.mark.parametrize("keys", [*KEYS, *BESIDE])
@pytest.mark.parametrize("billing", BILLINGS)
def test_every_billing_hour_by_hour(build: Build, billing: str, keys: str, by_hour: list[int]) -> None:
    if billing.startswith("busy-time") and keys in BESIDE:
        return
    fleet = {**BILLINGS[billing], **(KEYS | BESIDE)[keys]}
    held(build, scenario(fleet, load={"by_hour": by_hour}), VOLUMES)


@pytest.mark.parametrize("billing", BILLINGS)
def test_hours_of_different_mixes_have_no_order(build: Build, billing: str) -> None:
    data = scenario({**BILLINGS[billing], "gpus_per_server": 2, "gpus_per_replica": 1})
    data["workload"] = {"volume": "1000000 tokens/day", "classes": classes()}
    held(build, data, VOLUMES)


QUICK = settings(
    max_examples=40, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
HOURS = st.lists(st.integers(0, 4), min_size=24, max_size=24).filter(any)


@QUICK
@given(
    chat=HOURS, draft=HOURS, waits=st.sampled_from(["30%", "50%", "100%"]),
    deadline=st.sampled_from(["2 h", "3 h", "5 h", "150 min", "23 h", "24 h", "47 h", "100 h"]),
    billing=st.sampled_from(["static", "autoscaled"]),
)  # fmt: skip
def test_what_can_wait_fills_idle_hours(
    build: Build, chat: list[int], draft: list[int], waits: str, deadline: str, billing: str
) -> None:
    both = classes(batchable_share=waits, deadline=deadline)
    both["chat"]["load"], both["draft"]["load"] = {"by_hour": chat}, {"by_hour": draft}
    data = scenario({"billing": billing, "batch": True, "availability": "95%"})
    data["workload"] = {"volume": "1000000 tokens/day", "classes": both}
    held(build, data, [F(6 * 10**6), F(20_000_001)])


def test_two_deadlines_and_a_week(build: Build) -> None:
    both = classes(batchable_share="80%", deadline="30 h")
    both["chat"] |= {"batchable_share": "25%", "deadline": "4 h", "load": {"by_hour": WEEK}}
    data = scenario({"batch": True})
    data["workload"] = {"volume": "1000000 tokens/day", "classes": both}
    held(build, data, [F(20_000_001)])
    data["options"]["fleet"]["billing"] = "autoscaled"
    held(build, data, [F(20_000_001)])


def test_a_fleet_that_just_does_it_in_time_needs_no_more(build: Build) -> None:
    """All of the day's work comes in one hour and can wait a day: 24 times fewer replicas, exactly."""
    work = {"load": {"by_hour": [1, *[0] * 23]}, "batchable_share": "100%", "deadline": "24 h"}
    case = build(scenario({"batch": True}, **work))
    full = F(5 * 86_400 * 100)  # requests of 100 tokens, one a second on each of five replicas
    for side, replicas in ((at, 5), (just_above, 6)):
        assert case.price(Exact())["fleet"].lines[0][1].quantity.value(side([full])).item() == replicas * MONTH
    alone = build(scenario({}, **work)).price(Exact())["fleet"].lines[0][1]
    assert alone.quantity.value(at([full])).item() == 24 * 5 * MONTH


def test_the_longest_interval_that_decides(build: Build) -> None:
    """All of the day's work comes in one hour and must be done in 23: more than the mean of the day."""
    work = {"load": {"by_hour": [*[0] * 9, 1, *[0] * 14]}, "batchable_share": "100%", "deadline": "23 h"}
    option = build(scenario({"batch": True}, **work)).price(Exact())["fleet"]
    full = F(5 * 23 * 3600 * 100)
    for side, replicas in ((at, 5), (just_above, 6)):
        assert option.lines[0][1].quantity.value(side([full])).item() == replicas * MONTH


def test_what_overflows_into_a_fleet_that_batches(build: Build) -> None:
    """Loads that are no multiple of the volume: every interval of hours on its own."""
    both = classes(batchable_share="100%", deadline="6 h")
    data = scenario({"batch": True})
    data["workload"] = {"volume": "1000000 tokens/day", "classes": both}
    first = {"kind": "self_hosted", "gpu_price": "$9/hour", "capacity": {"requests_per_s": 1}, "replicas": 2}
    spilled = {"kind": "hybrid", "routes": {"first": "100%"}, "overflow": {"first": "fleet"}}
    data["options"] |= {"first": first, "spilled": spilled}
    slow = Slow(data)
    case = build(data)
    for price in (Exact(), Point()):
        found = case.price(price)["spilled"]
        (line,) = (line for part, line in found.lines if part == "fleet")
        for v in (F(10**6), F(3 * 10**7), F(90_000_000)):
            total = slow.arriving()
            over = [max(F(0), 1 - 2 / (x * v)) if x else F(0) for x in total]
            rest = Slow(data)
            rest.classes = {
                name: ([x * o for x, o in zip(by_hour, over, strict=True)], waits, hours)
                for name, (by_hour, waits, hours) in slow.classes.items()
            }
            want = rest.clamp(next(n for n in range(10**4) if rest.in_time(v, n)))
            here = at([v]) if isinstance(price, Exact) else at([float(v)])
            assert line.quantity.value(here).item() == want * MONTH, v


WINDOW = {"billing": "batch_window", "window_hours_per_month": 31}
WAITS = {"batchable_share": "100%", "deadline": "24 h"}


@pytest.mark.parametrize("keys", [*KEYS, *BESIDE])
@pytest.mark.parametrize(
    "window",
    [
        {},
        {"cold_start": "3 min"},
        {"cold_start": "3 min", "windows_per_month": 60, "replicas": {"min": 3, "max": 5000}},
    ],
)
def test_a_batch_window_holds_the_months_work(build: Build, window: Data, keys: str) -> None:
    held(build, scenario({**WINDOW, **window, **(KEYS | BESIDE)[keys]}, **WAITS), VOLUMES)


def test_a_batch_window_that_is_full(build: Build) -> None:
    case = build(scenario({**WINDOW, "replicas": {"max": 2}}, **WAITS))
    full = 2 * 31 * 3600 * 100 / DAYS
    option = case.price(Exact())["fleet"]
    assert not ledger(option, full).over
    assert ledger(option, full * F(10**9 + 1, 10**9)).over


# -- document 000: $31 against $730 a month --------------------------------------------------------------------------


def test_one_gpu_at_a_dollar_an_hour(build: Build) -> None:
    """Always on is $730; tickets that come all day keep every hour busy; an hour a day is $31."""
    gpu = {"kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"requests_per_s": 10}}
    data = {
        "workload": {"volume": "10000 requests/day", "input_tokens": 400, "output_tokens": 20, **WAITS},
        "options": {
            "always-on": gpu,
            "scale-to-zero": {**gpu, "billing": "busy_hours"},
            "window": {**gpu, **WINDOW},
        },
    }
    notes = Notes()
    build(data).price(Exact(), notes)
    assert {s.name: s.ledger.categories["gpu"] for s in compare(build(data)).standings} == {
        "always-on": 730, "scale-to-zero": 730, "window": 31,
    }  # fmt: skip
    assert any(note.option == "scale-to-zero" and "bills every hour" in note.text for note in notes.assumptions)
    assert not any(note.option == "always-on" and "bills every hour" in note.text for note in notes.assumptions)


# -- the state of a fleet --------------------------------------------------------------------------------------------


def books(build: Build, data: Data, v: Fraction) -> Any:
    (fleet,) = ledger(build(data).price(Exact())["fleet"], v).fleets
    return fleet


@pytest.mark.parametrize("billing", BILLINGS)
def test_utilisation_is_of_all_that_runs(build: Build, billing: str) -> None:
    v, keys = F(7_654_321), {**BILLINGS[billing], "staging": 1}
    if not billing.startswith("busy-time"):
        keys |= {"zones": 2, "reserved": {"replicas": 2, "price": "$1/hour"}}
    data = scenario(keys)
    slow, fleet = Slow(data), books(build, data, v)
    work = sum(slow.arriving()) * slow.cycles * v
    gpu_hours = 0 * v
    for label, amount in slow.bill(v, v).items():
        gpu_hours += amount / (1 if label.startswith("reserved") else RATE)
    assert fleet.utilisation == work / gpu_hours


def test_the_hours_of_a_window_and_the_rest(build: Build) -> None:
    v = F(7_654_321)
    fleet = books(build, scenario({**WINDOW, "staging": 1}, **WAITS), v)
    work = v / 100 / 3600 * DAYS
    (window,) = fleet.levels
    assert (window.hours, window.busy, window.replicas) == (31, work / 31, math.ceil(work / 31) + 1)
    assert (fleet.idle_hours, fleet.idle_replicas) == (MONTH - 31, 1)
    assert fleet.utilisation == work / (31 * math.ceil(work / 31) + MONTH)


# -- catalogue offers on other terms ---------------------------------------------------------------------------------

BOX: Data = {"gpu": "frozen/box", "gpu_price": None, "region": "here"}


def offered(fleet: Data, **workload: Any) -> Data:
    data = scenario({**BOX, **fleet}, **workload)
    data["options"]["fleet"].pop("gpu_price")
    return data


def test_reserved_and_spot_terms_of_an_offer(build: Build) -> None:
    keys = {"reserved": {"replicas": 4, "term": "spot"}, "spot": {"share": "25%", "interruption_overhead": "8%"}}
    option = build(offered({**keys, "gpus_per_replica": 1}, load="flat")).price(Exact())["fleet"]
    v = F(10 * 86_400 * 100)  # ten replicas: three boxes of four
    assert {line.label: line.amount(at([v])).item() for _, line in option.lines} == {
        "reserved: X100 (frozen/box, spot)": 1 * 730 * F("3.1"),
        "X100 (frozen/box, on_demand)": 2 * 730 * F(3, 4) * F("9.2"),
        "spot: X100 (frozen/box, spot)": 2 * 730 * F(1, 4) * F("1.08") * F("3.1"),
    }


def test_a_dedicated_endpoint_in_lots(build: Build) -> None:
    unit = {
        "kind": "dedicated", "unit_price": "$4/hour", "increment": 5, "min_units": 12, "units_per_replica": 3,
        "capacity": {"requests_per_s": 1}, "reserved": {"replicas": 1, "price": "$1/hour"}, "staging": 1,
    }  # fmt: skip
    data = scenario({}, load="flat")
    data["options"] = {"fleet": unit}
    option = build(data).price(Exact())["fleet"]
    for replicas, units in ((1, 15), (5, 15), (6, 20)):
        amounts = {line.label: line.amount(at([F(replicas * 8_640_000)])).item() for _, line in option.lines}
        assert amounts == {"reserved: units": 5 * 730, "units": (units - 5) * 730 * 4, "staging": 5 * 730 * 4}


# -- ranges ----------------------------------------------------------------------------------------------------------

UNCERTAIN: dict[str, Data] = {
    "autoscaled": {
        "billing": "autoscaled", "cold_start": {"low": "60 s", "high": "600 s"},
        "availability": {"low": "90%", "high": "99%"},
        "spot": {"share": {"low": "20%", "high": "70%"}, "price": {"low": "$0.3/hour", "high": "$0.6/hour"},
                 "interruption_overhead": {"low": "1%", "mode": "5%", "high": "20%"}},
    },
    "batch": {"batch": True, "reserved": {"replicas": 3, "price": {"low": "$0.8/hour", "high": "$1.2/hour"}}},
    "spread": {"batch": True, "billing": "autoscaled", "cold_start": {"low": "60 s", "high": "600 s"}},
    "busy_time": {
        "billing": "busy_time", "wake_ups_per_day": {"p10": 3, "p90": 30},
        "idle_timeout": {"low": "60 s", "high": "600 s"},
    },
}  # fmt: skip


def put(data: Any, path: list[str], value: Any) -> Any:
    return value if not path else {**data, path[0]: put(data[path[0]], path[1:], value)}


def uncertain(keys: Data) -> Data:
    both = classes(batchable_share={"low": "40%", "high": "90%"}, deadline="6 h")
    data = scenario(keys)
    data["workload"] = {"volume": "1000000 tokens/day", "classes": both}
    return data


def typed(like: Any, x: float) -> Any:
    """A drawn number as the range was typed."""
    low = str(next(iter(like.values())))
    if low.startswith("$"):
        return f"${x!r}/hour"
    if low.endswith("%"):
        return f"{x * 100!r}%"
    return f"{x!r} s" if low.endswith(" s") else repr(x)


@pytest.mark.parametrize("keys", UNCERTAIN)
def test_draws_are_prices_of_the_drawn_figures(build: Build, keys: str) -> None:
    data = uncertain(UNCERTAIN[keys])
    draws = Draws(12)
    option = build(data).price(draws)["fleet"]
    v = 23_456_789.0
    sums = np.sum([np.broadcast_to(line.amount(at([v])), (1, 12)) for _, line in option.lines], axis=0)[0]
    assert len(draws.drawn) >= 2
    assert np.ptp(sums) > 0
    for i in range(12):
        one = data
        for figure, values in draws.drawn.values():
            path = figure.home.key.split(KEY_JOINT)
            like: Any = data
            for step in path:
                like = like[step]
            one = put(one, path, typed(like, float(values[i])))
        lines = build(one).price(Point())["fleet"].lines
        assert sums[i] == pytest.approx(sum(line.amount(at([v])).item() for _, line in lines), rel=1e-9)


@pytest.mark.parametrize("keys", UNCERTAIN)
def test_a_range_that_is_a_point_is_the_point(build: Build, keys: str) -> None:
    def narrowed(value: Any) -> Any:
        if isinstance(value, dict) and set(value) & {"low", "p10"}:
            return next(iter(value.values()))
        return {k: narrowed(x) for k, x in value.items()} if isinstance(value, dict) else value

    case = build(narrowed(uncertain(UNCERTAIN[keys])))
    for v in (1e6, 23_456_789.0):
        drawn, point = (
            [line.amount(at([v])).tolist() for _, line in case.price(n)["fleet"].lines] for n in (Draws(8), Point())
        )
        assert drawn == point


# -- provenance ------------------------------------------------------------------------------------------------------

TRACED: dict[str, tuple[Data, dict[str, tuple[Any, set[str]]]]] = {
    "scaled": (
        {
            "billing": "autoscaled", "cold_start": "3 min", "availability": "90%", "staging": 1, "zones": 2,
            "reserved": {"replicas": 2, "price": "$1/hour"}, "min_gpus": 3,
            "spot": {"share": "60%", "price": "$0.5/hour", "interruption_overhead": "5%"},
        },
        {
            "cold_start": ("6 min", {"cold starts", "spot: GPUs"}),
            "availability": ("45%", {"GPUs", "cold starts", "spot: GPUs"}),
            "staging": (5, {"staging"}),
            "zones": (3, {"GPUs", "cold starts", "spot: GPUs", "reserved: GPUs"}),
            "min_gpus": (9, {"GPUs", "cold starts", "spot: GPUs"}),
            "reserved.replicas": (4, {"GPUs", "cold starts", "spot: GPUs", "reserved: GPUs"}),
            "reserved.price": ("$2/hour", {"reserved: GPUs"}),
            "spot.share": ("30%", {"GPUs", "cold starts", "spot: GPUs"}),
            "spot.price": ("$1/hour", {"spot: GPUs"}),
            "spot.interruption_overhead": ("50%", {"spot: GPUs"}),
        },
    ),
    "seconds": (
        {"billing": "busy_time", "cold_start": "40 s", "idle_timeout": "5 min", "wake_ups_per_day": 9, "burst": 2},
        {
            "cold_start": ("80 s", {"wake-ups"}),
            "idle_timeout": ("1 min", {"wake-ups"}),
            "wake_ups_per_day": (3, {"wake-ups"}),
        },
    ),
    "window": (
        {**WINDOW, "cold_start": "3 min", "windows_per_month": 40, "target_utilisation": "50%"},
        {
            "cold_start": ("6 min", {"cold starts"}),
            "windows_per_month": (60, {"cold starts"}),
            "window_hours_per_month": (62, {"GPUs", "cold starts"}),
            "target_utilisation": ("25%", {"GPUs", "cold starts"}),
        },
    ),
}  # fmt: skip


def lines_of(case: Case) -> dict[str, tuple[list[Any], set[str]]]:
    here = at([F(10**k) for k in range(3, 9)])
    return {
        line.label: (line.amount(here).tolist(), {f.home.key for f in line.inputs})
        for _, line in case.price(Exact())["fleet"].lines
    }


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind, (_, keys) in TRACED.items() for key in keys])
def test_a_line_lists_the_figures_that_move_it(build: Build, kind: str, key: str) -> None:
    fleet, keys = TRACED[kind]
    value, moved = keys[key]
    work = {**WAITS, "deadline": "48 h"}
    before = lines_of(build(scenario(fleet, **work)))
    after = lines_of(build(scenario(put(fleet, key.split("."), value), **work)))
    assert {label for label, (amounts, _) in before.items() if amounts != after[label][0]} == moved
    home = KEY_JOINT.join(("options", "fleet", *key.split(".")))
    listed = {label for label, (_, inputs) in before.items() if home in inputs}
    assert listed == moved


# -- what is refused, and what is said -------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Data, Data, str]] = {
    "cold starts of a static fleet": ({"cold_start": "3 min"}, {}, "cold_start"),
    "wake-ups by the hour": ({"billing": "busy_hours", "wake_ups_per_day": 3}, {}, "wake_ups_per_day"),
    "no wake-ups": ({"billing": "busy_time", "cold_start": "3 min"}, {}, "wake_ups_per_day"),
    "wake-ups of nothing": ({"billing": "busy_time", "wake_ups_per_day": 3}, {}, "idle_timeout"),
    "a minimum by the second": (
        {"billing": "busy_time", "wake_ups_per_day": 0, "replicas": {"min": 1}}, {}, "replicas.min",
    ),
    "spares by the second": (
        {"billing": "busy_time", "wake_ups_per_day": 0, "replicas": {"spare": 1}}, {}, "replicas.spare",
    ),
    "zones by the second": ({"billing": "busy_time", "wake_ups_per_day": 0, "zones": 2}, {}, "zones"),
    "a minimum of GPUs by the second": (
        {"billing": "busy_time", "wake_ups_per_day": 0, "min_gpus": 8}, {}, "min_gpus",
    ),
    "no window": ({"billing": "batch_window"}, WAITS, "window_hours_per_month"),
    "a window longer than the month": ({**WINDOW, "window_hours_per_month": 731}, WAITS, "731"),
    "a window and nothing that waits": (WINDOW, {}, "batchable_share: 100%"),
    "a window and some that waits": (WINDOW, {**WAITS, "batchable_share": "99%"}, "batchable_share: 100%"),
    "a window too late": (WINDOW, {**WAITS, "deadline": "23 h"}, "24 hours"),
    "rare windows": ({**WINDOW, "windows_per_month": 1}, WAITS, "730 hours"),
    "an uncertain deadline too late": (
        WINDOW, {**WAITS, "deadline": {"low": "23 h", "high": "30 h"}}, "24 hours",
    ),
    "batch and nothing that waits": ({"batch": True}, {}, "batchable_share"),
    "batch within the hour": ({"batch": True}, {**WAITS, "deadline": "100 min"}, "two hours"),
    "batch within a range": ({"batch": True}, {**WAITS, "deadline": {"low": "5 h", "high": "9 h"}}, "not a range"),
    "batch by busy hours": ({"batch": True, "billing": "busy_hours"}, WAITS, "batch"),
    "a reserved term of no offer": ({"reserved": {"replicas": 1, "term": "commit_1y"}}, {}, "reserved.price"),
    "a spot term of no offer": ({"spot": {"share": "50%"}}, {}, "spot.price"),
    "two reserved prices": ({"reserved": {"replicas": 1, "term": "spot", "price": "$1/hour"}}, {}, "one of `term`"),
    "more reserved than there is": (
        {"reserved": {"replicas": 3, "price": "$1/hour"}, "replicas": {"max": 2}}, {}, "at most `max`",
    ),
    "a share of more than all": ({"spot": {"share": "160%", "price": "$1/hour"}}, {}, "share"),
    "never available": ({"availability": "0%"}, {}, "above 0"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused(build: Build, what: str) -> None:
    fleet, workload, named = REFUSED[what]
    with pytest.raises(Faults) as refused:
        build(scenario(fleet, **workload)).price(Exact())
    assert named in str(refused.value)


def test_a_term_that_the_offer_does_not_have(build: Build) -> None:
    for key, named in (
        ("reserved", {"replicas": 1, "term": "commit_1y"}),
        ("spot", {"share": "5%", "term": "reserved"}),
    ):
        with pytest.raises(Faults) as refused:
            build(offered({key: named})).price(Exact())
        (fault,) = refused.value.faults
        assert "on_demand, spot" in fault.expected
        assert str(named["term"]) in fault.message
    with pytest.raises(Faults) as refused:
        build(offered({"reserved": {"replicas": 1, "term": "commit_2y"}}))
    assert "commit_1y" in str(refused.value)


def test_the_class_that_cannot_wait_is_named(build: Build) -> None:
    data = scenario(WINDOW)
    data["workload"] = {"volume": "1000000 tokens/day", "classes": classes(**WAITS)}
    with pytest.raises(Faults, match="chat"):
        build(data).price(Exact())


def test_a_fleet_that_batches_does_not_overflow(build: Build) -> None:
    data = scenario({"batch": True, "replicas": {"max": 2}}, **WAITS)
    data["options"] |= {
        "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}},
        "both": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "api"}},
    }
    with pytest.raises(Faults, match="wait"):
        build(data).price(Exact())


def test_cluster_overhead_beside_what_it_holds_is_warned_about(build: Build) -> None:
    def warned(keys: Data) -> list[str]:
        notes = Notes()
        build(scenario({"cluster_overhead": "30%", "billing": "autoscaled", **keys})).price(Exact(), notes)
        return [note.text for note in notes.warnings if "cluster_overhead" in note.text]

    assert not warned({})
    assert len(warned({"cold_start": "3 min"})) == 1
    assert len(warned({"cold_start": "3 min", "replicas": {"spare": 1}})) == 2


def test_cluster_overhead_is_on_top_of_every_price(build: Build) -> None:
    keys = {"cluster_overhead": "30%", "reserved": {"replicas": 2, "price": "$1/hour"}, "staging": 1}
    option = build(scenario(keys)).price(Exact())["fleet"]
    here = at([F(10**7)])
    amounts = {line.label: line.amount(here).item() for _, line in option.lines}
    whole = sum(x for label, x in amounts.items() if "overhead" not in label)
    assert sum(x for label, x in amounts.items() if "overhead" in label) == whole * F(3, 10)


def test_crossovers_with_costs_that_fall(build: Build) -> None:
    """Cold starts are not monotone in the volume: between crossovers the cheaper one is the cheaper one."""
    data = scenario({"billing": "autoscaled", "cold_start": "30 min"}, load={"by_hour": [1, 3] * 12})
    data["options"]["api"] = {"kind": "api", "price": {"blended": "$9/1M tokens"}}
    data["range"] = {"to": "60000000 tokens/day"}
    found = compare(build(data))
    slow, case = Slow(data), build(data)
    assert case.price(Exact())["fleet"]
    (pair,) = found.pairs
    for v in [F(k * 10**5 + 1) for k in range(1, 600)]:
        fleet, api = sum(slow.bill(v, v).values()), v * DAYS * 9 / 10**6
        passed = [x for x in pair.crossings if x.volume < v]
        ahead = [x for x in pair.crossings if x.volume >= v]
        cheaper = passed[-1].above if passed else ahead[0].below
        assert cheaper == ("fleet" if fleet < api else "api"), v


def test_swaps_of_draws_with_costs_that_fall(build: Build) -> None:
    """In every draw the order of fleet and API is that of their costs, wherever it is looked at."""
    data = uncertain(UNCERTAIN["autoscaled"])
    data["options"]["other"] = {"kind": "api", "price": {"blended": "$2.9/1M tokens"}}
    draws = Draws(6)
    priced = build(data).price(draws)
    a, b = (total([line for _, line in priced[name].lines]) for name in ("fleet", "other"))
    window = curve.Window(1e6, 1e8)
    found = curve.swaps_by_draw(a, b, window, draws.count)
    assert len(found.volume) > draws.count
    grid = np.geomspace(1.001e6, 0.999e8, 2000)
    costs = [np.broadcast_to(q.value(at(grid)), (len(grid), draws.count)) for q in (a, b)]
    for i in range(draws.count):
        swaps, above = found.volume[found.draw == i], found.above[found.draw == i]
        place = np.searchsorted(swaps, grid)
        order = np.concatenate([[found.opening[i]], above])[place]
        gap = costs[1][:, i] - costs[0][:, i]
        clear = np.abs(gap) > 1e-9 * costs[0][:, i]
        assert np.array_equal(order[clear], -np.sign(gap[clear]))


# -- months of fewer billed hours than the traffic has ---------------------------------------------------------------

SHORT: Data = {"billed_hours_per_month": 176}
"""22 days of 8 hours, where traffic comes all day on every day."""


@pytest.mark.parametrize("hours", [176, {"low": 170, "high": 182}])
def test_seconds_of_work_are_billed_whatever_the_billed_hours(build: Build, hours: Any) -> None:
    """All the month's work, and a wake-up on each day of its traffic."""
    spec = {"billing": "busy_time", "cold_start": "3 min", "wake_ups_per_day": 4, "billed_hours_per_month": hours}
    data = scenario(spec)
    v = F(7_654_321)
    for n in (Exact(), Point(), Draws(4)):
        option = build(data).price(n)["fleet"]
        here = at([v]) if n.exact else at([float(v)])
        found = {line.label: np.ravel(line.amount(here)) for _, line in option.lines}
        work, woken = v / 100 / 3600 * DAYS * RATE, 4 * DAYS * 3 / 60 * RATE
        assert all(abs(F(x) - work) <= work / 10**12 for x in found["GPUs"].tolist())
        assert all(abs(F(x) - woken) <= woken / 10**12 for x in found["wake-ups"].tolist())
    for _, line in build(data).price(Exact())["fleet"].lines:
        assert not any("billed_hours" in f.home.key for f in line.inputs), "they move nothing"
    assert books(build, scenario({**spec, "billed_hours_per_month": 176}), v).idle_hours == 0


def test_a_window_is_sized_for_all_of_the_months_work(build: Build) -> None:
    v = F(100_000_000)
    data = scenario({**WINDOW, "window_hours_per_month": 176, **SHORT, "replicas": {"min": 0}}, **WAITS)
    (line,) = (line for _, line in build(data).price(Exact())["fleet"].lines)
    needed = math.ceil(v / 100 / 3600 * DAYS / 176)
    assert line.amount(at([v])).item() == needed * 176 * RATE
    assert not any("billed_hours" in f.home.key for f in line.inputs)


def test_a_window_fits_every_month_that_is_drawn(build: Build) -> None:
    month = {"billed_hours_per_month": {"low": 500, "high": 960}}
    with pytest.raises(Faults, match="windows of 700 hours in a month of 500"):
        build(scenario({**WINDOW, "window_hours_per_month": 700, **month}, **WAITS)).price(Exact())
    build(scenario({**WINDOW, "window_hours_per_month": 500, **month}, **WAITS)).price(Exact())


@pytest.mark.parametrize("most", ["100%", "99%"])
def test_the_rest_of_a_drawn_spot_share_is_on_the_own_term(build: Build, most: str) -> None:
    """A share whose point is all of the hours is drawn below it."""
    share = {"low": "50%", "mode": most, "high": most}
    data = scenario({"spot": {"share": share, "price": "$0.5/hour", "interruption_overhead": 0}})
    draws = Draws(6)
    option = build(data).price(draws)["fleet"]
    ((_, drawn),) = draws.drawn.values()
    total_cost = sum(np.broadcast_to(np.ravel(line.amount(at([1e3]))), 6) for _, line in option.lines)
    np.testing.assert_allclose(total_cost, float(MONTH) * ((1 - drawn) * float(RATE) + drawn * 0.5), rtol=1e-12)


def test_a_hybrid_may_send_what_can_wait_elsewhere(build: Build) -> None:
    """A fleet that batches is no fault where what reaches it cannot wait: it serves that as it comes."""
    data: Data = {
        "workload": {
            "volume": "1M tokens/day",
            "classes": {
                "a": {"share": "50%", "input_tokens": 100, "batchable_share": "50%", "deadline": "6 h"},
                "b": {"share": "rest", "input_tokens": 100},
            },
        },
        "options": {
            "fl": {"kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"requests_per_s": 1}, "batch": True},
            "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}},
            "mix": {"kind": "hybrid", "routes": {"fl": {"b": "50%"}, "api": "rest"}},
        },
    }
    lines = build(data).price(Exact())["mix"].lines
    assert {part for part, _ in lines} == {"fl", "api"}
