"""People by so many GPUs: counted over an option's fleets together, at volumes on steps and just above."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from conftest import Build, Data

from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import Exact, Point
from tco.quantity import at, just_above

F = Fraction
D = Decimal

WORKLOAD: Data = {"volume": "1000000 tokens/day", "input_tokens": 100, "load": {"peak_hour_share": "10%"}}
PER_GPUS: Data = {"fte": D("0.25"), "per_gpus": 8, "cost": "$120000/year"}
POST = 10_000
"""A month of a full-time post."""


def fleet(people: Data | None = None, **keys: Any) -> Data:
    found: Data = {"kind": "self_hosted", "gpu_price": "$2/hour", "capacity": {"requests_per_s": 2}, **keys}
    return found if people is None else {**found, "people": people}


def people_of(build: Build, options: Data, option: str, volumes: list[Fraction], n: Any = None, side: Any = at) -> Any:
    """What an option's people cost a month, by the part they belong to."""
    case = build({"workload": WORKLOAD, "options": options})
    here = side(volumes if n is None else [float(v) for v in volumes])
    priced = case.price(Exact() if n is None else n)[option]
    return {
        part: line.amount(here).reshape(-1).tolist()
        for part, line in priced.lines
        if line.category == "people"
    }  # fmt: skip


def up(load: Fraction, above: bool) -> int:
    """A load rounded up; just above a whole number the next one is needed."""
    return floor(load) + 1 if above else ceil(load)


def replicas(v: Fraction, share: Fraction, rate: Fraction, above: bool) -> int:
    """Of a fleet for a share of the traffic in its busiest hour: a tenth of the day's requests of 100 tokens each."""
    return max(up(v / 100 * share * F(1, 10) / 3600 / rate, above), 1)


STEP = F(100) * 10 * 3600
"""The volume a replica of one request a second carries at the peak."""
VOLUMES = [F(1), STEP, 2 * STEP, 16 * STEP, 17 * STEP, 31 * STEP, 64 * STEP, F(123_456_789), F(10**9)]


@pytest.mark.parametrize("side", [at, just_above])
@pytest.mark.parametrize("at_least", [None, D("0.5"), D("1.1")])
@pytest.mark.parametrize(("each", "together"), [(1, 1), (2, 8), (3, 4)])
def test_so_many_gpus_each(build: Build, side: Any, at_least: Any, each: int, together: int) -> None:
    people = PER_GPUS if at_least is None else {**PER_GPUS, "at_least": at_least}
    options: Data = {"own": fleet(people, gpus_per_replica=each, gpus_per_server=together)}
    want = []
    for v in VOLUMES:
        n = replicas(v, F(1), F(2), side is just_above)
        gpus = ceil(F(n * each, together)) * together
        posts = max(F(1, 4) * ceil(F(gpus, 8)), F(at_least or 0))
        want.append(posts * POST)
    assert people_of(build, options, "own", VOLUMES, side=side) == {"": want}
    (near,) = people_of(build, options, "own", VOLUMES, Point(), side).values()
    assert near == pytest.approx([float(x) for x in want], rel=1e-12)


@pytest.mark.parametrize("side", [at, just_above])
def test_one_team_over_two_fleets_rounds_up_once(build: Build, side: Any) -> None:
    options: Data = {
        "one": fleet(PER_GPUS), "two": fleet(PER_GPUS, capacity={"requests_per_s": 3}),
        "mix": {"kind": "hybrid", "routes": {"one": "40%", "two": "rest"}},
    }  # fmt: skip
    want = []
    for v in VOLUMES:
        above = side is just_above
        gpus = replicas(v, F(4, 10), F(2), above) + replicas(v, F(6, 10), F(3), above)
        want.append(F(1, 4) * ceil(F(gpus, 8)) * POST)
    assert people_of(build, options, "mix", VOLUMES, side=side) == {"one": want}, "one line, of the first fleet"
    alone = people_of(build, options, "two", VOLUMES, side=side)[""]
    assert alone == [F(1, 4) * ceil(F(replicas(v, F(1), F(3), side is just_above), 8)) * POST for v in VOLUMES]


def test_two_teams_of_other_cost_round_up_each(build: Build) -> None:
    dearer = {**PER_GPUS, "cost": "$240000/year"}
    options: Data = {
        "one": fleet(PER_GPUS), "two": fleet(dearer),
        "mix": {"kind": "hybrid", "routes": {"one": "40%", "two": "rest"}},
    }  # fmt: skip
    want = {
        name: [F(1, 4) * ceil(F(replicas(v, share, F(2), False), 8)) * cost for v in VOLUMES]
        for name, share, cost in (("one", F(4, 10), POST), ("two", F(6, 10), 2 * POST))
    }
    assert people_of(build, options, "mix", VOLUMES) == want


def test_people_of_a_hybrid_look_after_all_that_is_behind_it(build: Build) -> None:
    api: Data = {"kind": "api", "price": {"blended": "$1/1M tokens"}}
    options: Data = {
        "api": api, "one": fleet(), "two": fleet(replicas={"max": 3}),
        "mix": {"kind": "hybrid", "routes": {"one": "40%", "two": "40%", "api": "rest"}, "people": PER_GPUS,
                "overflow": {"two": "api"}},
    }  # fmt: skip
    want = [
        F(1, 4) * ceil(F(replicas(v, F(4, 10), F(2), False) + min(replicas(v, F(4, 10), F(2), False), 3), 8)) * POST
        for v in VOLUMES
    ]
    assert people_of(build, options, "mix", VOLUMES) == {"": want}


def test_people_of_a_hybrid_and_of_its_fleet_at_the_same_terms_are_one_team(build: Build) -> None:
    """Whoever is said to look after the same GPUs twice, at the same terms: the team counts each mention."""
    options: Data = {
        "one": fleet({"fte": 1, "cost": "$120000/year"}), "api": {"kind": "api", "price": {"blended": "$1/1M tokens"}},
        "mix": {"kind": "hybrid", "routes": {"one": "40%", "api": "rest"}, "people": {"fte": D("0.5"),
                "cost": "$120000/year"}},
    }  # fmt: skip
    assert people_of(build, options, "mix", VOLUMES) == {"one": [POST] * len(VOLUMES), "": [POST / 2] * len(VOLUMES)}


def test_two_ranges_that_share_a_midpoint_are_not_one_team(build: Build) -> None:
    spread: Data = {"fte": {"low": D("0.1"), "high": D("0.4")}, "per_gpus": 8, "cost": "$120000/year"}
    options: Data = {
        "one": fleet(PER_GPUS), "two": fleet(spread), "three": fleet(spread),
        "mix": {"kind": "hybrid", "routes": {"one": "40%", "two": "rest"}},
        "same": {"kind": "hybrid", "routes": {"two": "40%", "three": "rest"}},
    }  # fmt: skip
    n = Draws(8)
    found = people_of(build, options, "mix", [64 * STEP], n)
    drawn = {key: array for (key, _), (_, array) in n.drawn.items()}
    gpus = {"one": ceil(F(64, 2) * F(4, 10)), "two": ceil(F(64, 2) * F(6, 10))}
    assert found["one"] == [0.25 * ceil(gpus["one"] / 8) * POST]
    fte = drawn["options / two / people / fte"]
    assert found["two"] == pytest.approx((fte * ceil(gpus["two"] / 8) * POST).tolist(), rel=1e-12)
    two = people_of(build, options, "same", [64 * STEP], Draws(8))
    assert set(two) == {"two", "three"}, "stated apart, they are two draws"


def test_an_option_that_says_what_a_post_and_a_minimum_may_be_draws_both(build: Build) -> None:
    people: Data = {"fte": {"low": D("0.1"), "high": D("0.4")}, "per_gpus": 8,
                    "at_least": {"low": D("0.2"), "high": D("0.9")},
                    "cost": {"low": "$90000/year", "high": "$150000/year"}}  # fmt: skip
    n = Draws(64)
    (got,) = people_of(build, {"own": fleet(people)}, "own", [64 * STEP], n).values()
    fte, least, cost = (
        {key: array for (key, _), (_, array) in n.drawn.items()}[f"options / own / people / {k}"]
        for k in ("fte", "at_least", "cost")
    )
    for i in range(64):
        assert got[i] == pytest.approx(max(fte[i] * 4, least[i]) * cost[i] / 12, rel=1e-12)
    assert (fte * 4 < least).any() and (fte * 4 > least).any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"a": {"kind": "api", "price": {"blended": "$1/1M tokens"}, "people": PER_GPUS}}, "no GPUs are known"),
        ({"a": {"kind": "self_hosted", "all_in": "$900/month", "people": PER_GPUS}}, "no GPUs are known"),
        ({"a": fleet({"fte": 1, "cost": "$1/year", "at_least": 1})}, "`per_gpus` beside `at_least`"),
        ({"a": fleet({**PER_GPUS, "per_gpus": 0})}, "a whole number from 1"),
        ({"a": fleet({**PER_GPUS, "per_gpus": D("1.5")})}, "a whole number"),
        ({"a": fleet({**PER_GPUS, "role": "frozen/engineer"})}, "one of `role`"),
        ({"a": fleet({**PER_GPUS, "at_least": 0})}, "above 0"),
    ],
)
def test_people_that_cannot_be_counted(build: Build, options: Data, said: str) -> None:
    with pytest.raises(Faults) as caught:
        build({"workload": WORKLOAD, "options": options}).price(Exact())
    assert said in " ".join(caught.value.render().split())
