"""GPUs of several types: the mix at every volume against trying out every way to serve the load."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from conftest import FROZEN, PAPER, Build, Data

from tco.analysis.case import Case
from tco.analysis.compare import compare
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import KEY_JOINT, Exact, Point
from tco.options.base import Notes
from tco.quantity import at, just_above

F = Fraction
D = Decimal
DAYS = F(365, 12)
HOURS = 730
HAIR = F(1, 10**30)
"""How far above "just above" is here: less than any step of these scenarios is wide."""

BIG: Data = {"gpu_price": "$3/hour", "capacity": {"total_tokens_per_s": 5000}}
SMALL: Data = {"gpu_price": "$0.7/hour", "capacity": {"total_tokens_per_s": 1000}}
ONE: Data = {"volume": "100M tokens/day", "input_tokens": 700, "output_tokens": 300}


def scenario(pools: Data, workload: Data = ONE, **keys: Any) -> Data:
    mix = {"kind": "gpu_mix", "pools": pools, "people": {"fte": 1, "per_gpus": 8, "cost": "$120000/year"}, **keys}
    return {"workload": workload, "options": {"mix": mix}}


def instance_hours(case: Case, volume: Any, above: bool = False, n: Any = None, draw: int = 0) -> dict[str, Any]:
    """Instance-hours a month of each pool."""
    here = (just_above if above else at)([volume])
    lines = [line for _, line in case.price(n or Exact())["mix"].lines if line.category == "gpu"]
    values = {line.label.split(":")[0]: np.ravel(line.quantity.value(here)) for line in lines}
    return {name: v[min(draw, len(v) - 1)] for name, v in values.items()}


def cost(case: Case, volume: Fraction, above: bool = False) -> Fraction:
    here = (just_above if above else at)([volume])
    lines = [line for _, line in case.price(Exact())["mix"].lines if line.category == "gpu"]
    return sum((F(line.amount(here)[0]) for line in lines), F(0))


class TestOneClass:
    """One kind of request: no pair of whole numbers of replicas that carries the load costs less."""

    STEP = 1000 * 86_400
    """Tokens a day of one small replica."""

    def cheapest(self, volume: Fraction, above: bool = False) -> Fraction:
        """Every count of big ones up to all of them, with as many small ones as are missing."""
        load = F(volume, self.STEP) + (HAIR if above else 0)
        costs = []
        for big in range(math.ceil(load / 5) + 1):
            small = max(0, math.ceil(load - 5 * big))
            costs.append(big * F(3) + small * F("0.7"))
        return min(costs) * HOURS

    @pytest.mark.parametrize("above", [False, True])
    def test_the_cheapest_whole_numbers(self, build: Build, above: bool) -> None:
        case = build(scenario({"big": BIG, "small": SMALL}))
        steps = [F(self.STEP * k) for k in (*range(1, 17), 99, 1000)]
        for volume in (F(1), *steps, *(s * F(7, 9) for s in steps), F(10**11, 3)):
            assert cost(case, volume, above) == self.cheapest(volume, above), volume

    def test_floats_say_the_same(self, build: Build) -> None:
        case = build(scenario({"big": BIG, "small": SMALL}))
        n = Point()
        for k in (F(1, 3), *range(1, 40), F(12_345_678, 7)):
            for above in (False, True):
                found = instance_hours(case, float(self.STEP * k), above, n)
                assert found == instance_hours(case, F(self.STEP * k), above), (k, above)

    def test_the_order_of_the_pools_makes_no_difference(self, build: Build) -> None:
        a, b = build(scenario({"big": BIG, "small": SMALL})), build(scenario({"small": SMALL, "big": BIG}))
        for k in range(1, 60):
            assert cost(a, F(self.STEP * k, 4)) == cost(b, F(self.STEP * k, 4))

    def test_bands_are_those_of_every_volume_tried(self, build: Build) -> None:
        """Crossovers with an API are where trying out says they are."""
        data = scenario({"big": BIG, "small": SMALL})
        del data["options"]["mix"]["people"]
        data["options"]["api"] = {"kind": "api", "price": {"blended": "$0.205/1M tokens"}}
        data["range"] = {"to": "2B tokens/day"}
        found = compare(build(data))
        per_token = F("0.205") / 10**6 * DAYS
        assert len(found.bands) > 6
        for band in found.bands:
            for share in (F(1, 100), F(1, 2), F(99, 100)):
                volume = F(band.lo) + (F(band.hi) - F(band.lo)) * share
                cheaper = "mix" if self.cheapest(volume) < per_token * volume else "api"
                assert band.leaders == (cheaper,), float(volume)


BY_HOUR = [0] * 8 + [1, 3, 4, 6, 6, 5, 5, 5, 3, 2, 2, 1, 1, 1, 0, 0]
NIGHT = [5, 5, 5, 5, 4, 4, 2, 2, *[0] * 14, 1, 3]
CLASSES: Data = {
    "chat": {"share": "70%", "input_tokens": 400, "output_tokens": 350},
    "files": {"share": "rest", "input_tokens": 6000, "output_tokens": 80, "load": {"by_hour": NIGHT}},
}  # fmt: skip
POOLS: Data = {
    "h": {
        "gpu_price": "$2.9/hour", "gpus_per_server": 8, "gpus_per_replica": 2, "target_utilisation": "85%", "max": 9,
        "capacity": {"prefill_tokens_per_s": 18_000, "decode_tokens_per_s": 2200}, "spare": 1,
    },
    "l": {
        "gpu_price": "$0.6/hour", "target_utilisation": "70%", "min": 1,
        "capacity": {"prefill_tokens_per_s": 2500, "decode_tokens_per_s": 420},
    },
}  # fmt: skip


class Slow:
    """Every way tried out, hour by hour and class by class."""

    def __init__(self, workload: Data, pools: Data, burst: str = "1.2", retries: str = "0.05") -> None:
        self.pools, self.classes = pools, workload["classes"]
        self.burst, self.gross = F(burst), 1 + F(retries)
        self.share = {"chat": F(7, 10), "files": F(3, 10)}
        self.mean = sum(self.share[c] * (x["input_tokens"] + x["output_tokens"]) for c, x in self.classes.items())
        weights = {c: x.get("load", workload["load"])["by_hour"] for c, x in self.classes.items()}
        self.profile = {c: [F(w, sum(day)) for w in day] for c, day in weights.items()}

    def load(self, pool: str, c: str, volume: Fraction, hour: int) -> Fraction:
        """Busy replicas of a pool with the requests of a class in an hour."""
        x, rates = self.classes[c], self.pools[pool]["capacity"]
        seconds = F(x["input_tokens"], rates["prefill_tokens_per_s"]) + F(
            x["output_tokens"], rates["decode_tokens_per_s"]
        )
        return F(volume / self.mean * self.share[c] * self.profile[c][hour] / 3600 * seconds * self.gross)

    def size(self, pool: str) -> Fraction:
        return F(self.pools[pool].get("target_utilisation", "100%")[:-1]) / 100 / self.burst

    def replicas(self, pool: str, load: Fraction) -> int | None:
        """None where the pool is full."""
        p = self.pools[pool]
        least, most, spare = p.get("min", 0), p.get("max"), p.get("spare", 0)
        if most is not None and load > (most - spare) * self.size(pool):
            return None
        needed: int = math.ceil(load / self.size(pool)) + int(spare)
        return max(int(least), needed)

    def instances(self, pool: str, replicas: int) -> int:
        p = self.pools[pool]
        return math.ceil(F(replicas * p.get("gpus_per_replica", 1), p.get("gpus_per_server", 1)))

    def price(self, instances: dict[str, int]) -> Fraction:
        an_hour = {name: F(p["gpu_price"][1:-5]) * p.get("gpus_per_server", 1) for name, p in self.pools.items()}
        return sum((an_hour[name] * k for name, k in instances.items()), F(0))

    def ways(self, volume: Fraction, hours: list[int]) -> list[dict[str, int]]:
        """The instances of each pool that carry the load of all these hours, each way there is."""
        found = []
        names, classes = list(self.pools), list(self.classes)
        for assigned in product(names, repeat=len(classes)):
            way: dict[str, int] = {}
            for name in names:
                mine = [c for c, pool in zip(classes, assigned, strict=True) if pool == name]
                used = [h for h in hours if any(self.profile[c][h] for c in mine)]
                counts = [self.replicas(name, sum((self.load(name, c, volume, h) for c in mine), F(0))) for h in used]
                if None in counts:
                    break
                most = max([k for k in counts if k is not None], default=self.pools[name].get("min", 0))
                way[name] = self.instances(name, most)
            else:
                found.append(way)
        for rest, some in permutations(names, 2):
            loads = [
                (
                    sum(self.load(rest, c, volume, h) for c in classes),
                    sum(self.load(some, c, volume, h) for c in classes),
                )
                for h in hours
            ]
            replaces = max(math.ceil(self.size(rest) / (self.size(some) * a / b)) for a, b in loads)
            p = self.pools[some]
            for count in range(1, replaces + 1):
                k = min(count, p["max"] - p.get("spare", 0)) if "max" in p else count
                k = max(k, p.get("min", 0) - p.get("spare", 0))
                left = [max(F(0), a - k * self.size(some) * a / b) for a, b in loads]
                counts = [self.replicas(rest, x) for x in left]
                if None in counts:
                    continue
                way = dict.fromkeys(names, 0)
                way[some] = self.instances(some, k + p.get("spare", 0))
                way[rest] = self.instances(rest, max(k for k in counts if k is not None))
                found.append(way)
        return found

    def static(self, volume: Fraction) -> Fraction | None:
        hours = [h for h in range(24) if any(p[h] for p in self.profile.values())]
        ways = self.ways(volume, hours)
        return min(map(self.price, ways)) * HOURS if ways else None

    def autoscaled(self, volume: Fraction) -> Fraction | None:
        month = F(0)
        for h in range(24):
            if any(p[h] for p in self.profile.values()):
                ways = self.ways(volume, [h])
                if not ways:
                    return None
                month += min(map(self.price, ways)) * DAYS
            else:
                month += self.price({n: self.instances(n, p.get("min", 0)) for n, p in self.pools.items()}) * DAYS
        return month  # 24 x 365 / 12 = 730 hours: none are left without traffic


WORKLOAD: Data = {
    "volume": "20M tokens/day", "classes": CLASSES, "load": {"by_hour": BY_HOUR}, "burst": D("1.2"),
    "overhead": {"retries": "5%"},
}  # fmt: skip
TRIED = [F(10**k * m, d) for k in range(4, 11) for m, d in ((1, 1), (3, 1), (17, 3))]


@pytest.mark.parametrize("billing", ["static", "autoscaled"])
@pytest.mark.parametrize("bounds", ["one pool has an end", "both have", "whole servers of both"])
def test_every_way_tried_out(build: Build, billing: str, bounds: str) -> None:
    pools = {
        "one pool has an end": POOLS,
        "both have": {**POOLS, "l": {**POOLS["l"], "max": 30, "spare": 2}},
        "whole servers of both": {"h": {**POOLS["h"]}, "l": {**POOLS["l"], "gpus_per_server": 4, "spare": 1}},
    }[bounds]
    case, slow = build(scenario(pools, WORKLOAD, billing=billing)), Slow(WORKLOAD, pools)
    limits = [limit for _, limit in case.price(Exact())["mix"].limits]
    ended = False
    for volume in TRIED:
        found = getattr(slow, billing)(volume)
        assert all(volume <= limit.most for limit in limits) == (found is not None), float(volume)
        if found is not None:
            assert cost(case, volume) == found, float(volume)
        ended = ended or found is None
    assert ended == (bounds == "both have")


def test_full_exactly_at_the_end_and_not_above(build: Build) -> None:
    pools = {"big": {**BIG, "max": 2}, "small": {**SMALL, "max": 3}}
    case = build(scenario(pools))
    (limit,) = [limit for _, limit in case.price(Exact())["mix"].limits]
    assert limit.most == (2 * 5000 + 3 * 1000) * 86_400
    assert instance_hours(case, F(limit.most)) == {"big": 2 * HOURS, "small": 3 * HOURS}
    assert "2 of big, 3 of small at most" in limit.reason


def test_the_gpus_that_people_look_after(build: Build) -> None:
    pools = {"big": {**BIG, "gpus_per_server": 8, "gpus_per_replica": 8}, "small": SMALL}
    volume = F(7000 * 86_400)  # one big replica of 8 GPUs and two small ones
    dear = {"big": {**pools["big"], "gpu_price": "$1/hour"}, "small": {**SMALL, "gpu_price": "$3.9/hour"}}
    case = build(scenario(dear))
    (people,) = [line for _, line in case.price(Exact())["mix"].lines if line.category == "people"]
    assert instance_hours(case, volume) == {"big": HOURS, "small": 2 * HOURS}
    assert people.quantity.value(at([volume]))[0] == math.ceil(F(8 + 2, 8))


class TestDraws:
    POOLS: Data = {  # noqa: RUF012
        "big": {"gpu_price": {"low": "$2.5/hour", "high": "$4/hour"}, "capacity": {"total_tokens_per_s": 5000}},
        "small": {"gpu_price": "$0.7/hour", "capacity": {"total_tokens_per_s": {"low": 600, "high": 1400}}},
    }

    @pytest.mark.parametrize("billing", ["static", "autoscaled"])
    def test_each_draw_is_its_own_choice(self, build: Build, billing: str) -> None:
        workload = {**ONE, "load": {"by_hour": BY_HOUR}}
        case = build(scenario(self.POOLS, workload, billing=billing))
        n = Draws(8)
        volumes = [1e7, 9.1e7, 4e8, 3.3e9]
        of_draw = [[instance_hours(case, v, n=n, draw=i) for v in volumes] for i in range(8)]
        drawn = {key.replace(KEY_JOINT, "."): values for (key, _), (_, values) in n.drawn.items()}
        price = drawn["options.mix.pools.big.gpu_price"]
        rate = drawn["options.mix.pools.small.capacity.total_tokens_per_s"]
        for i in range(8):
            pools = {
                "big": {**BIG, "gpu_price": f"${float(price[i])!r}/hour"},
                "small": {**SMALL, "capacity": {"total_tokens_per_s": D(repr(float(rate[i])))}},
            }
            alone = build(scenario(pools, workload, billing=billing))
            for v, found in zip(volumes, of_draw[i], strict=True):
                assert found == pytest.approx(instance_hours(alone, v, n=Point()), rel=1e-12), (i, v)
        assert len({tuple(x[2].values()) for x in of_draw}) > 1, "the draws choose differently"

    def test_a_range_of_one_value_is_that_value(self, build: Build) -> None:
        pools = {"big": {**BIG, "gpu_price": {"low": "$3/hour", "high": "$3/hour"}}, "small": SMALL}
        ranged, plain = build(scenario(pools)), build(scenario({"big": BIG, "small": SMALL}))
        for v in (1e6, 8.64e7, 5e8):
            assert instance_hours(ranged, v, n=Draws(4)) == instance_hours(plain, v, n=Point())


class TestWhoCanServeWhat:
    CATALOGUE: Data = {  # noqa: RUF012
        **FROZEN,
        "gpus": {
            name: {"gpu": name, "gpus": 1, "memory_gb": gb,
                   "prices": [{**PAPER, "region": "here", "term": "on_demand", "per_hour": price}]}
            for name, gb, price in (("wide", 80, 3), ("narrow", 24, D("0.7")))
        },
    }  # fmt: skip
    SERVES: Data = {"weights_gb": 16, "kv_bytes_per_token": 1_000_000, "max_context_tokens": 20_000}  # noqa: RUF012

    def pools(self, build: Build, **keys: Any) -> tuple[Case, Data]:
        rates = {"prefill_tokens_per_s": 10_000, "decode_tokens_per_s": 1000}
        pools = {
            "wide": {"gpu": "frozen/wide", "capacity": rates},
            "narrow": {"gpu": "frozen/narrow", "capacity": rates},
        }
        workload = {**WORKLOAD, "classes": {**CLASSES, "files": {**CLASSES["files"], "input_tokens": 9000}}}
        return build(scenario(pools, workload, **keys), self.CATALOGUE), workload

    def test_a_class_goes_only_where_its_requests_fit(self, build: Build) -> None:
        """16 GB of weights and 9,080 tokens of 1 MB need more than 0.9 x 24 GB; 750 tokens do not."""
        assert 16 + F(9080, 1000) > F(9, 10) * 24 > 16 + F(750, 1000)
        anywhere, _ = self.pools(build)
        assert instance_hours(anywhere, F(10**8))["wide"] == 0
        fits, _ = self.pools(build, serves=self.SERVES, billing="autoscaled")
        found = instance_hours(fits, F(10**8))
        assert found["wide"] > 0
        assert found["narrow"] > 0

    def test_classes_may_be_kept_to_pools(self, build: Build) -> None:
        pools = {"big": {**BIG, "classes": ["files"]}, "small": {**SMALL, "classes": ["chat"]}}
        found = instance_hours(build(scenario(pools, WORKLOAD)), F(10**8))
        plain = instance_hours(build(scenario({"big": BIG, "small": SMALL}, WORKLOAD)), F(10**8))
        assert found["big"] > 0
        assert found["small"] > 0
        assert found != plain

    def test_nowhere_is_an_error_that_says_why(self, build: Build) -> None:
        with pytest.raises(Faults, match="needs 90 GB"):
            self.pools(build, serves={**self.SERVES, "weights_gb": 90})[0].price(Exact())


@pytest.mark.parametrize(
    ("pools", "keys", "message"),
    [
        ({"big": BIG}, {}, "2"),
        ({"big": {**BIG, "gpu": "frozen/box"}, "small": SMALL}, {}, "one of `gpu`"),
        ({"big": {**BIG, "term": "spot"}, "small": SMALL}, {}, "no `term` beside `gpu_price`"),
        ({"big": {**BIG, "max": 1, "spare": 1}, "small": SMALL}, {}, "`max` .1. of at least"),
        ({"big": {**BIG, "classes": ["none"]}, "small": SMALL}, {}, "no class `none`"),
        ({"big": {**BIG, "classes": ["chat"]}, "small": {**SMALL, "classes": ["chat"]}}, {}, "no pool may serve files"),
        ({"big": {"gpu": "frozen/none", "capacity": "frozen/known"}, "small": SMALL}, {}, "frozen/none"),
        ({"big": {**BIG, "capacity": "frozen/nothing"}, "small": SMALL}, {}, "frozen/nothing"),
        ({"big": {**BIG, "capacity": "frozen/known", "gpus_per_replica": 2}, "small": SMALL}, {}, "found on 3 GPUs"),
        ({f"p{i}": BIG for i in range(9)}, {}, "153 ways to serve 2 classes on 9 pools"),
        ({f"p{i}": BIG for i in range(8)}, {}, "120 ways to serve 2 classes on 8 pools"),
        ({"big": BIG, "small": SMALL}, {"burst": D("0.5")}, "`burst` of 1 or more"),
        ({"big": BIG, "small": SMALL}, {"billing": "busy_hours"}, "autoscaled"),
    ],
)
def test_bad_input_is_refused_with_what_was_expected(build: Build, pools: Data, keys: Data, message: str) -> None:
    with pytest.raises(Faults) as caught:
        build(scenario(pools, WORKLOAD, **keys)).price(Exact())
    assert re.search(message, str(caught.value)), str(caught.value)


def test_a_load_that_overflows_into_a_mix_keeps_its_classes_whole(build: Build) -> None:
    """What another fleet leaves is no multiple of the volume: no class is split, and that is said."""
    data = scenario({"big": BIG, "small": SMALL})
    data["options"]["full"] = {
        "kind": "self_hosted", "gpu_price": "$1/hour", "capacity": {"total_tokens_per_s": 1000}, "replicas": 2,
    }  # fmt: skip
    data["options"]["both"] = {"kind": "hybrid", "routes": {"full": "100%"}, "overflow": {"full": "mix"}}
    case, notes = build(data), Notes()
    lines = {line.label: line for leaf, line in case.price(Exact(), notes)["both"].lines if leaf == "mix"}
    hours = [F(line.quantity.value(at([F(7000 * 86_400)]))[0]) for label, line in lines.items() if "GPUs" in label]
    assert hours == [HOURS, 0], "5,000 tokens/s are left: one big replica"
    assert any("given to pools whole" in note.text for note in notes.assumptions)


@pytest.mark.parametrize("n", [Exact(), Point()])
def test_too_many_ways_are_counted_and_not_built(build: Build, n: Any) -> None:
    """One replica of the big pool is worth ten million of the small one's."""
    pools = {
        "big": {**BIG, "capacity": {"requests_per_s": "1M"}},
        "small": {**SMALL, "capacity": {"requests_per_s": D("0.1")}},
    }
    with pytest.raises(Faults, match="10000003 ways"):
        build(scenario(pools)).price(n)


def test_a_draw_without_load_is_no_load(build: Build) -> None:
    """A cache that answers everything in some draws leaves the mix nothing there."""
    data = {
        "workload": {"volume": "1M tokens/day", "input_tokens": 900, "output_tokens": 100},
        "options": {
            "mix": {
                "kind": "gpu_mix",
                "pools": {
                    "a": {"gpu_price": "$4/hour", "capacity": {"requests_per_s": 3}},
                    "b": {"gpu_price": "$1/hour", "capacity": {"requests_per_s": 1}},
                },
            },
            "h": {"kind": "hybrid", "response_cache": {"p10": "1%", "p90": "90%"}, "routes": {"mix": "100%"}},
        },
    }
    drawn = compare(build(data)).uncertainty
    assert drawn is not None
    assert 0 <= drawn.costs["h"].p10 <= drawn.costs["h"].p90 < float("inf")
