"""Plans piece by piece: months, prices over time, servers, what a year settles, what a change costs, and the answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from conftest import FROZEN, PAPER, Build, Data, yaml

from tco.analysis.course import course
from tco.analysis.flows import Course, added
from tco.analysis.months import Months
from tco.analysis.ownership import owned
from tco.analysis.plan import Plan, plan
from tco.analysis.timeline import Timeline
from tco.calendar import Month
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import Exact

F = Fraction
D = Decimal
DAYS = F(365, 12)

LOAD: Data = {"volume": "30M tokens/day", "input_tokens": 900, "output_tokens": 100}
API: Data = {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$8/1M tokens"}}
MONTHLY = 30 * (F("0.9") * 2 + F("0.1") * 8) * DAYS
"""What `API` costs a month for `LOAD`."""
SERVERS: Data = {"kind": "self_hosted", "all_in": "$1000/month"}


def data(projection: Data, options: Data | None = None, **keys: Any) -> Data:
    return {"workload": LOAD, "options": options or {"api": API}, "projection": projection, **keys}


def timeline(build: Build, projection: Data, **keys: Any) -> Timeline:
    return Timeline(build(data(projection, **keys)))


def volumes(build: Build, projection: Data, **keys: Any) -> list[Fraction]:
    """As multiples of the planned one."""
    return [v / 30_000_000 for v in timeline(build, projection, **keys).volumes(Exact())]


def courses(build: Build, scenario: Data, catalogue: Data = FROZEN) -> dict[str, Course]:
    case = build(scenario, catalogue)
    case.price(Exact())
    line = Timeline(case)
    months = Months(line, line.eras(), Exact())
    today = case.scenario.current
    found = {} if today is None else {today: course(months, today)}
    return {
        name: course(months, name, found.get(today or "")) if name != today else found[name] for name in case.options
    }


def costs(one: Course, label: str = "") -> list[Fraction]:
    return list(added(line.cost for line in one.lines if label in line.key.label))


def paid(one: Course, label: str = "") -> list[Fraction]:
    return list(added(line.paid for line in one.lines if label in line.key.label))


# -- months -----------------------------------------------------------------------------------------------------------


class TestMonths:
    def test_the_first_is_the_one_after_today(self, build: Build) -> None:
        months = timeline(build, {"months": 3}).months
        assert months == (Month(2026, 12), Month(2027, 1), Month(2027, 2))

    def test_without_a_projection_three_years(self, build: Build) -> None:
        months = Timeline(build({"workload": LOAD, "options": {"api": API}})).months
        assert (len(months), months[-1]) == (36, Month(2029, 11))

    def test_years_are_months(self, build: Build) -> None:
        assert len(timeline(build, {"months": "3 years", "start": "2026-02"}).months) == 36

    def test_a_stated_first_month_may_be_in_the_past(self, build: Build) -> None:
        assert timeline(build, {"months": 1, "start": "2025-12"}).start == Month(2025, 12)


class TestVolume:
    def test_grows_from_the_second_month_on(self, build: Build) -> None:
        assert volumes(build, {"months": 4, "growth": "5%"}) == [F(21, 20) ** k for k in range(4)]
        assert volumes(build, {"months": 4, "growth": "-10%/month"}) == [F(9, 10) ** k for k in range(4)]

    def test_a_yearly_rate_is_exact_over_whole_years(self, build: Build) -> None:
        found = volumes(build, {"months": 25, "growth": "80%/year"})
        assert [found[12], found[24]] == [F(9, 5), F(9, 5) ** 2]
        assert found[5] == F(1.8 ** (5 / 12))

    def test_a_rate_holds_into_a_month_from_the_month_it_is_stated_for(self, build: Build) -> None:
        found = volumes(build, {"start": "2027-01", "months": 6, "growth": {"2027-02": "3%", "2027-04": "10%"}})
        assert found == [1, F("1.03"), F("1.03") ** 2, F("1.03") ** 2 * F("1.1"), *(
            F("1.03") ** 2 * F("1.1") ** k for k in (2, 3))]  # fmt: skip

    def test_before_the_first_rate_it_does_not_grow(self, build: Build) -> None:
        found = volumes(build, {"start": "2027-01", "months": 4, "growth": {"2027-03": "50%"}})
        assert found == [1, 1, F("1.5"), F("1.5") ** 2]

    def test_a_rate_stated_for_the_past_holds_from_the_first_month(self, build: Build) -> None:
        found = volumes(build, {"start": "2027-01", "months": 3, "growth": {"2026-02": "50%"}})
        assert found == [1, F("1.5"), F("1.5") ** 2]

    def test_a_known_volume_takes_over_and_grows_from_there(self, build: Build) -> None:
        known = {"2027-03": "90M tokens/day", "2027-05": "60k requests/day"}
        found = volumes(build, {"start": "2027-01", "months": 7, "growth": "20%", "volumes": known})
        assert found == [1, F("1.2"), 3, 3 * F("1.2"), 2, 2 * F("1.2"), 2 * F("1.2") ** 2]

    def test_whole_years_are_exact_from_a_known_volume_too(self, build: Build) -> None:
        known = {"2027-06": "90M tokens/day"}
        found = volumes(build, {"start": "2027-01", "months": 18, "growth": "80%/year", "volumes": known})
        assert found[17] == 3 * F(9, 5)

    def test_a_volume_known_before_the_start_grows_from_the_start(self, build: Build) -> None:
        known = {"2026-06": "60M tokens/day"}
        found = volumes(build, {"start": "2027-01", "months": 3, "growth": "50%", "volumes": known})
        assert found == [2, 3, F(9, 2)]

    def test_a_season_is_of_the_usual_volume_and_passes(self, build: Build) -> None:
        seasons = {"dec": "160%", "January": D("0.5")}
        found = volumes(build, {"months": 14, "growth": "10%", "seasonality": seasons})
        usual = [F("1.1") ** k for k in range(14)]
        assert found == [usual[0] * F("1.6"), usual[1] / 2, *usual[2:12], usual[12] * F("1.6"), usual[13] / 2]

    def test_a_spike_is_some_days_of_a_month(self, build: Build) -> None:
        spikes = [{"month": "2027-02", "factor": "10x", "days": 3}]
        found = volumes(build, {"start": "2027-01", "months": 3, "spikes": spikes}, traffic_days_per_month=30)
        assert found == [1, F(27 + 3 * 10, 30), 1]

    def test_a_draw_has_its_own_growth(self, build: Build) -> None:
        line = timeline(build, {"months": 3, "growth": {"low": "2%", "high": "6%"}})
        n = Draws(5)
        found = line.volumes(n)
        ((_, rates),) = n.drawn.values()
        assert found.shape == (3, 5)
        assert found[2] == pytest.approx(30e6 * (1 + rates) ** 2, rel=1e-14)


# -- prices and pay ---------------------------------------------------------------------------------------------------


def row(day: str, into: Any, out: Any) -> Data:
    return {**PAPER, "as_of": day, "input_per_mtok": into, "output_per_mtok": out}


DATED: Data = {
    **FROZEN,
    "models": {
        "known": {
            "name": "Known", "retires": "2027-05-20",
            "prices": [row("2026-11-01", 2, 8), row("2027-03-01", 1, 4), row("2027-05-15", 3, 12),
                       row("2031-01-01", 9, 9)],
        },
        "fallen": {"name": "Fallen", "prices": [row("2026-11-01", 2, 8), row("2027-03-01", 1, 4)]},
    },
}  # fmt: skip


class TestPrices:
    def test_a_month_has_the_prices_of_its_first_day(self, build: Build) -> None:
        options = {"api": {"kind": "api", "model": "frozen/known"}}
        found = costs(courses(build, data({"start": "2027-01", "months": 7}, options), DATED)["api"])
        assert found == [MONTHLY, MONTHLY, MONTHLY / 2, MONTHLY / 2, MONTHLY / 2, MONTHLY * F(3, 2), MONTHLY * F(3, 2)]

    def test_eras_are_the_months_between_changes(self, build: Build) -> None:
        options = {"api": {"kind": "api", "model": "frozen/known"}}
        spike = [{"month": "2027-04", "factor": 2, "days": 1}]
        case = build(data({"start": "2027-01", "months": 7, "spikes": spike}, options), DATED)
        case.price(Exact())
        eras = Timeline(case).eras()
        assert [era.months for era in eras] == [(0, 1), (2, 4), (3,), (5, 6)]
        assert [str(era.case.store.as_of) for era in eras] == ["2026-11-21", "2027-03-01", "2027-03-01", "2027-05-15"]
        assert [era.case.traffic.spike is not None for era in eras] == [False, False, True, False]

    def test_a_decline_begins_after_the_last_dated_price(self, build: Build) -> None:
        options = {"api": {"kind": "api", "model": "frozen/fallen"}}
        projection = {"start": "2027-01", "months": 27, "price_decline": {"api": "36%"}}
        found = costs(courses(build, data(projection, options), DATED)["api"])
        assert found[:4] == [MONTHLY, MONTHLY, MONTHLY / 2, MONTHLY / 2 * F((1 - 0.36) ** (1 / 12))]
        assert [found[14], found[26]] == [MONTHLY / 2 * F(64, 100), MONTHLY / 2 * F(64, 100) ** 2], "March each year"

    def test_a_price_known_beyond_the_plan_keeps_it_from_falling(self, build: Build) -> None:
        options = {"api": {"kind": "api", "model": "frozen/known"}}
        projection = {"start": "2027-01", "months": 24, "price_decline": {"api": "36%"}}
        found = costs(courses(build, data(projection, options), DATED)["api"])
        assert found[0] == MONTHLY
        assert found[-1] == MONTHLY * F(3, 2)

    def test_a_stated_price_falls_from_the_first_month_on(self, build: Build) -> None:
        found = costs(courses(build, data({"months": 13, "price_decline": {"api": "30%"}}))["api"])
        assert [found[0], found[6], found[12]] == [MONTHLY, MONTHLY * F((1 - 0.3) ** 0.5), MONTHLY * F(7, 10)]

    def test_what_is_agreed_for_long_does_not_fall(self, build: Build) -> None:
        options = {
            "api": {**API, "seats": {"count": 2, "price": "$30/seat-month"}, "request_fee": "$0.001/request",
                    "commitment": {"spend": "$90000/month"}},
            "rented": {"kind": "self_hosted", "gpu_price": "$2/hour", "replicas": 3,
                       "reserved": {"replicas": 1, "price": "$1/hour"}, "people": {"fte": 1, "cost": "$120k/year"}},
            "all": SERVERS,
        }  # fmt: skip
        decline = {"months": 13, "price_decline": {"api": "30%", "gpu": "20%"}, "salary_growth": "4%"}
        found = courses(build, data(decline, options))
        api, rented = found["api"], found["rented"]
        assert costs(api, "seats")[12] == 60
        assert costs(api, "request fees")[12] == 30_000 * DAYS / 1000 * F(7, 10)
        assert costs(api, "shortfall")[12] == 90_000 - MONTHLY * F(7, 10)
        assert costs(rented, "reserved")[12] == 730
        assert costs(rented, "GPUs")[12] == 730 + 2 * 730 * 2 * F(8, 10), "with the reserved one"
        assert costs(rented, "people")[12] == 10_000 * F(104, 100)
        assert costs(found["all"])[12] == 1000


# -- servers ----------------------------------------------------------------------------------------------------------


def exact(*values: int) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = [F(v) for v in values]
    return out


PIECES = exact(*[1] * 9)
"""Each that is sold fetches 1: so many are sold."""


class TestOwned:
    def test_bought_for_the_month_that_needs_them_and_kept(self) -> None:
        found = owned(exact(1, 3, 2, 2), F(48), PIECES)
        assert list(found.bought) == [1, 2, 0, 0, 0]
        assert list(found.held) == [1, 3, 3, 3]
        assert list(found.fetched) == [0] * 5
        assert list(found.left) == [1, 2, 0, 0, 0]

    def test_replaced_at_the_end_of_their_life_if_still_needed(self) -> None:
        found = owned(exact(2, 3, 1, 1, 1, 1), F(2), PIECES)
        assert list(found.bought) == [2, 1, 0, 1, 0, 1, 0]
        assert list(found.held) == [2, 3, 1, 1, 1, 1]
        assert list(found.fetched) == [0, 0, 2, 1, 0, 1, 0]
        assert list(found.left) == [0, 0, 0, 0, 0, 1, 0]

    def test_serve_in_every_month_that_begins_before_their_life_is_over(self) -> None:
        """Of a life of 2.5 months the third begins before its end."""
        found = owned(exact(1, 1, 1, 1), F(5, 2), PIECES)
        assert list(found.bought) == [1, 0, 0, 1, 0]
        assert list(found.fetched) == [0, 0, 0, 1, 0]

    def test_whose_life_ends_with_the_plan_are_sold(self) -> None:
        found = owned(exact(1, 1, 1), F(3), PIECES)
        assert list(found.fetched) == [0, 0, 0, 1]
        assert list(found.left) == [0] * 4

    def test_each_fetches_what_is_said_of_the_time_it_was_bought(self) -> None:
        found = owned(exact(2, 2, 2, 2), F(2), exact(10, 20, 30, 40, 50))
        assert list(found.bought) == [2, 0, 2, 0, 0]
        assert list(found.fetched) == [0, 0, 2 * 10, 0, 2 * 30]

    def test_each_draw_has_its_own_life(self) -> None:
        needed = np.array([[1.0, 1.0, 2.0]] * 5)
        residual = np.array([[1.0, 2.0, 3.0]] * 6)
        found = owned(needed, np.array([2.0, 4.5, 3.0]), residual)
        for draw, (count, life) in enumerate(((1, F(2)), (1, F(9, 2)), (2, F(3)))):
            alone = owned(exact(*[count] * 5), life, exact(*[draw + 1] * 6))
            for mine, one in zip(found, alone, strict=True):
                assert mine[:, draw].tolist() == [float(x) for x in one]


class TestHardware:
    OWN: ClassVar[Data] = {
        "kind": "self_hosted", "replicas": 1, "gpus_per_replica": 8,
        "owned": {"price": "$80000", "gpus_per_server": 8, "life_years": 2, "residual": "10%", "power": "$500/month"},
    }  # fmt: skip

    def found(self, build: Build, months: int, **owned: Any) -> Course:
        own = {**self.OWN, "owned": {**self.OWN["owned"], **owned}}
        return courses(build, data({"months": months}, {"own": own}))["own"]

    def test_cost_is_as_it_is_written_off_and_cash_as_it_is_paid(self, build: Build) -> None:
        one = self.found(build, 30)
        assert list(one.cost) == [F(80_000 - 8_000, 24) + 500] * 30
        worth = 80_000 - F(72_000) * 6 / 24
        assert list(one.paid) == [80_000, *[500] * 23, 80_000 - 8_000 + 500, *[500] * 5, 500 - worth]

    def test_of_a_life_that_ends_with_the_plan_the_residual_is_left(self, build: Build) -> None:
        assert list(self.found(build, 24).paid) == [80_000, *[500] * 23, 500 - 8_000]

    def test_what_is_paid_less_worth_is_what_was_written_off(self, build: Build) -> None:
        one = self.found(build, 17)
        assert sum(one.paid) == sum(one.cost)

    def test_networking_is_bought_too_and_nothing_is_left_of_it(self, build: Build) -> None:
        one = self.found(build, 24, networking="25%", cost_of_capital="9%")
        assert one.paid[0] == 80_000 + 20_000
        assert one.paid[24] == 500 - 8_000
        assert one.cost[0] == F(80_000 - 8_000 + 20_000, 24) + F(9, 1200) * F(80_000 + 8_000 + 20_000, 2) + 500

    def test_fewer_are_needed_and_all_are_kept(self, build: Build) -> None:
        own = {
            "kind": "self_hosted", "capacity": {"total_tokens_per_s": 100}, "owned": {
                "price": "$1000", "gpus_per_server": 1, "life_years": 4, "power": "$10/month"},
            "people": {"fte": 1, "per_gpus": 1, "cost": "$1200/year"},
        }  # fmt: skip
        load = {"volume": "17280000 tokens/day", "input_tokens": 10}
        projection = {"start": "2027-01", "months": 3, "seasonality": {"feb": 2}}
        one = courses(build, {"workload": load, "options": {"own": own}, "projection": projection})["own"]
        assert one.replicas is not None
        assert one.gpus is not None
        assert list(one.replicas) == [2, 4, 2], "those that the load needs"
        assert list(one.gpus) == [2, 4, 4], "those that are there"
        assert costs(one, "power") == [20, 40, 40]
        assert costs(one, "people") == [200, 400, 400]
        assert costs(one, "depreciation") == [F(1000 * n, 48) for n in (2, 4, 4)]
        assert paid(one, "bought") == [2000, 2000, 0, 0]

    def test_a_server_is_sold_for_the_residual_of_what_it_cost(self, build: Build) -> None:
        """The catalogue knows a lower price from July on: what was bought before fetches a share of what it cost."""
        catalogue = {
            **FROZEN,
            "hardware": {
                "box": {
                    "name": "Box", "gpu": "X100", "gpus": 4,
                    "prices": [{**PAPER, "price": 100_000}, {**PAPER, "as_of": "2027-07-01", "price": 60_000}],
                }
            },
        }  # fmt: skip
        own = {
            "kind": "self_hosted", "replicas": 1, "gpus_per_replica": 4,
            "owned": {"hardware": "frozen/box", "life_years": 1, "residual": "20%", "power": "$1/month"},
        }  # fmt: skip
        one = courses(build, data({"start": "2027-01", "months": 18}, {"own": own}), catalogue)["own"]
        assert paid(one, "bought") == [100_000, *[0] * 11, 60_000, *[0] * 6]
        assert paid(one, "sold") == [*[0] * 12, -20_000, *[0] * 6]
        assert paid(one, "worth at the end")[18] == -(60_000 - F(48_000) * 6 / 12)


# -- what a year settles ----------------------------------------------------------------------------------------------


class TestYearlyCommitment:
    TERMS: ClassVar[Data] = {"spend": "$24000/year", "discount": "20%", "overage": D("1.5")}

    def found(self, build: Build, known: dict[str, int], months: int, **terms: Any) -> Course:
        """An API whose list price comes to so many thousand dollars a month from a month on."""
        api = {"kind": "api", "price": {"blended": "$1/1M tokens"}, "commitment": {**self.TERMS, **terms}}
        load = {"volume": "1M tokens/day", "input_tokens": 1000}
        projection = {"start": "2027-01", "months": months, "volumes": {
            m: f"{k * 1000}M tokens/month" for m, k in known.items()}}  # fmt: skip
        return courses(build, {"workload": load, "options": {"api": api}, "projection": projection})["api"]

    def test_a_full_month_counts_for_an_empty_one(self, build: Build) -> None:
        """List spend of $1k and $4k a month buys (6 x 1 + 6 x 4) x 80 % = $24k: neither shortfall nor overage."""
        one = self.found(build, {"2027-01": 1, "2027-07": 4}, 12)
        assert list(one.cost) == [*[800] * 6, *[3_200] * 6]
        assert sum(one.cost) == 24_000

    def test_the_shortfall_is_paid_in_the_twelfth_month(self, build: Build) -> None:
        one = self.found(build, {"2027-01": 1}, 12)
        assert list(one.paid) == [0, *[800] * 11, 800 + 24_000 - 12 * 800]

    def test_overage_begins_when_the_year_s_commitment_is_used_up(self, build: Build) -> None:
        """$10k of list is $8k within it: three months use up $24k, the fourth pays 1.5 x list."""
        one = self.found(build, {"2027-01": 10}, 13)
        assert list(one.cost)[:4] == [8_000, 8_000, 8_000, 15_000]
        assert one.cost[11] == 15_000
        assert one.cost[12] == 2_000 + (10_000 - F(2_000) / F("0.8")) * F(3, 2), (
            "a month of the next year has a twelfth"
        )

    def test_a_year_that_the_plan_cuts_short_owes_its_share(self, build: Build) -> None:
        one = self.found(build, {"2027-01": 1}, 17)
        assert paid(one, "shortfall") == [*[0] * 12, 24_000 - 12 * 800, *[0] * 4, 10_000 - 5 * 800]

    def test_a_monthly_one_is_settled_by_the_month(self, build: Build) -> None:
        one = self.found(build, {"2027-01": 1, "2027-02": 4}, 2, spend="$2000/month")
        assert list(one.cost) == [2_000, 2_000 + (4_000 - F(2_000) / F("0.8")) * F(3, 2)]


class TestLumps:
    def lumps(self, build: Build, migrations: Data, months: int, **api: Any) -> list[int]:
        """The months in which migrations are paid."""
        options = {"api": {**(api or API), "migrations": {"cost": "$6k", **migrations}}}
        one = courses(build, data({"start": "2027-01", "months": months}, options), DATED)["api"]
        amounts = paid(one, "migrations")
        return [m for m, amount in enumerate(amounts) for _ in range(int(amount / 6_000))]

    def test_the_first_is_due_when_the_model_is_switched_off(self, build: Build) -> None:
        model = {"kind": "api", "model": "frozen/known"}
        assert self.lumps(build, {"every": "10 months"}, 30, **model) == [5, 15, 25], "from May on"
        assert self.lumps(build, {"every": "10 months"}, 30) == [10, 20, 30]

    def test_several_in_a_month(self, build: Build) -> None:
        assert self.lumps(build, {"every": "0.5 months"}, 2) == [1, 1, 2, 2]
        assert self.lumps(build, {"every": "0.4 months"}, 2) == [1, 1, 2, 2, 2], "after 0.4, 0.8; 1.2, 1.6 and 2"

    def test_none_comes_before_the_model_is_switched_off(self, build: Build) -> None:
        model = {"kind": "api", "model": "frozen/known"}
        assert self.lumps(build, {"every": "0.4 months"}, 6, **model) == [5, 6, 6], "at the end of May, then 0.4, 0.8"


# -- what a change costs ----------------------------------------------------------------------------------------------


class TestChange:
    def found(self, build: Build, today: Data, new: Data, months: int = 6, **keys: Any) -> dict[str, Course]:
        options = {"today": {**SERVERS, **today}, "new": {"kind": "self_hosted", "all_in": "$600/month", **new}}
        return courses(build, data({"start": "2027-01", "months": months}, options, current="today", **keys))

    def test_both_are_paid_until_production(self, build: Build) -> None:
        one = self.found(build, {}, {"time_to_production": "2.5 months", "margin_lost": "$100/month"})["new"]
        assert list(one.paid) == [0, 1_700, 1_700, 600 + F(1_100, 2), 600, 600, 600]
        assert list(one.cost) == list(one.paid)[1:]

    def test_one_offs_are_paid_before_the_first_month(self, build: Build) -> None:
        found = self.found(build, {"one_offs": {"setup": "$9k"}}, {"one_offs": {"tuning": "$8k", "exam": "$500"}})
        assert list(found["new"].paid) == [8_500, *[600] * 6]
        assert list(found["today"].paid) == [0, *[1_000] * 6], "its own are in the past"
        assert list(found["new"].cost) == [600] * 6, "in no month's cost without `amortise_months`"

    def test_spread_one_offs_are_a_cost_and_paid_once(self, build: Build) -> None:
        one = self.found(build, {}, {"one_offs": {"tuning": "$8k"}}, amortise_months=10)["new"]
        assert list(one.paid) == [8_000, *[600] * 6]
        assert list(one.cost) == [1_400] * 6

    def test_what_runs_today_behind_a_hybrid_has_paid_its_one_offs(self, build: Build) -> None:
        options = {
            "today": {**SERVERS, "one_offs": {"setup": "$9k"}},
            "new": {**SERVERS, "one_offs": {"tuning": "$8k"}},
            "both": {"kind": "hybrid", "routes": {"today": "50%", "new": "50%"}, "one_offs": {"router": "$1k"}},
        }  # fmt: skip
        found = courses(build, data({"months": 1}, options, current="today"))
        assert found["both"].paid[0] == 8_000 + 1_000
        assert found["new"].paid[0] == 8_000

    def test_the_slowest_part_of_a_hybrid_says_how_long_it_takes(self, build: Build) -> None:
        options = {
            "today": SERVERS,
            "fast": {**SERVERS, "time_to_production": "1 month", "margin_lost": "$77/month"},
            "slow": {**SERVERS, "time_to_production": "1 quarter", "margin_lost": "$10/month"},
            "both": {"kind": "hybrid", "routes": {"fast": "50%", "slow": "50%"}},
            "sooner": {"kind": "hybrid", "routes": {"fast": "50%", "slow": "50%"}, "time_to_production": "2 months"},
        }  # fmt: skip
        found = courses(build, data({"months": 4}, options, current="today"))
        assert list(found["both"].cost) == [3_010, 3_010, 3_010, 2_000]
        assert list(found["sooner"].cost) == [3_000, 3_000, 2_000, 2_000]

    def test_hardware_of_today_is_not_bought_again_by_what_waits(self, build: Build) -> None:
        own = {**TestHardware.OWN, "current": None}
        del own["current"]
        options = {"today": own, "new": {**SERVERS, "time_to_production": "1 month"}}
        found = courses(build, data({"months": 2}, options, current="today"))
        assert list(found["new"].paid) == [0, 1_000 + 500, 1_000]
        assert list(found["new"].cost) == [1_000 + F(72_000, 24) + 500, 1_000]

    def test_servers_that_today_s_fleet_buys_meanwhile_are_none_of_its_running_costs(self, build: Build) -> None:
        today = {
            "kind": "self_hosted", "capacity": {"total_tokens_per_s": 100},
            "owned": {"price": "$1000", "gpus_per_server": 1, "life_years": 4, "power": "$10/month"},
        }  # fmt: skip
        scenario = data(
            {"start": "2027-01", "months": 3, "seasonality": {"feb": 2}},
            {"today": today, "new": {**SERVERS, "time_to_production": "2 months"}},
            current="today",
        )
        scenario["workload"] = {"volume": "17280000 tokens/day", "input_tokens": 10}
        found = courses(build, scenario)
        assert paid(found["today"], "bought") == [2000, 2000, 0, 0]
        assert list(found["new"].paid) == [0, 1_000 + 20, 1_000 + 40, 1_000]

    def test_spread_one_offs_of_today_are_none_of_its_running_costs(self, build: Build) -> None:
        new = {"time_to_production": "1 month"}
        one = self.found(build, {"one_offs": {"setup": "$9k"}}, new, months=2, amortise_months=10)["new"]
        assert list(one.cost) == [1_600, 600]

    def test_a_commitment_is_owed_to_its_end_by_what_does_not_use_it(self, build: Build) -> None:
        api = {**API, "commitment": {"spend": "$1200/year", "until": "2027-04"}}
        options = {
            "api": api, "new": SERVERS, "later": {**SERVERS, "time_to_production": "1.5 months"},
            "both": {"kind": "hybrid", "routes": {"api": "10%", "new": "90%"}},
        }  # fmt: skip
        found = courses(build, data({"start": "2027-01", "months": 6}, options, current="api"))
        assert paid(found["new"], "until") == [0, 100, 100, 100, 100, 0, 0]
        assert [line.key.label for line in found["both"].lines if "until" in line.key.label] == []
        (left,) = (line for line in found["later"].lines if line.key.label.startswith("commitment of"))
        assert left.cost is not None
        assert list(left.cost) == [0, 50, 100, 100, 0, 0]
        assert not [line for line in found["api"].lines if line.key.label.startswith("commitment of")]

    def test_what_is_short_until_production_is_paid_when_the_year_is_settled(self, build: Build) -> None:
        """$1k of a promised $2k is used a month: in each month of the wait $1k is short, and due in December."""
        terms = {"spend": "$24000/year", "until": "2027-12"}
        api = {"kind": "api", "price": {"blended": "$1/1M tokens"}, "commitment": terms}
        scenario = data(
            {"start": "2027-01", "months": 14},
            {"api": api, "new": {**SERVERS, "time_to_production": "2.5 months"}},
            current="api",
        )
        scenario["workload"] = {"volume": "1000M tokens/month", "input_tokens": 1000}
        one = courses(build, scenario)["new"]
        (waiting,) = (line for line in one.lines if line.key.label == "api until production")
        assert waiting.cost is not None and waiting.paid is not None
        assert list(waiting.cost) == [2_000, 2_000, 1_000, *[0] * 11]
        assert list(waiting.paid) == [0, 1_000, 1_000, 500, *[0] * 8, F("2.5") * 1_000, 0, 0]
        (left,) = (line for line in one.lines if line.key.label.startswith("commitment of"))
        assert sum(waiting.paid) + added([left.paid]).sum() == 24_000, "no more and no less than was promised"


# -- the answer -------------------------------------------------------------------------------------------------------


def planned(build: Build, scenario: Data, draws: int = 0, catalogue: Data = FROZEN) -> Plan:
    return plan(build(scenario, catalogue), draws)


GROWING: Data = {"start": "2027-01", "months": 6, "volumes": {
    f"2027-{m:02}": f"{m}M tokens/day" for m in range(1, 7)}}  # fmt: skip
"""1M tokens a day in January, 2M in February, ... 6M in June."""
PER_TOKEN: Data = {"kind": "api", "price": {"blended": "$12/1M tokens"}}


class TestAnswer:
    def test_the_cheapest_of_each_month_and_when_it_changes(self, build: Build) -> None:
        """$365 a month for each 1M tokens a day, against $1,000: dearer from 2.74M on."""
        found = planned(build, data(GROWING, {"api": PER_TOKEN, "own": SERVERS}))
        assert found.prospect("api").monthly == tuple(D(365 * m) for m in range(1, 7))
        assert found.cheapest == ("api", "api", "own", "own", "own", "own")
        (change,) = found.changes
        assert (change.month, change.before, change.after) == (2, "api", "own")
        assert (found.prospect("api").stage, change.stage) == ("start with APIs", "fully self-hosted")

    def test_the_best_pays_least_by_present_value(self, build: Build) -> None:
        """One pays at once, the other over six months: which is less hangs on the rate."""
        options = {"now": {**SERVERS, "all_in": "$1/month", "one_offs": {"all": "$5800"}}, "then": SERVERS}
        assert planned(build, data({"months": 6}, options)).best == "now"
        found = planned(build, data({"months": 6, "discount_rate": "50%"}, options))
        assert found.best == "then"
        assert found.prospect("now").total < found.prospect("then").total

    def test_a_full_fleet_serves_until_the_month_in_which_it_is_full(self, build: Build) -> None:
        """A replica takes 40 tokens/s, 3.456M a day."""
        fleet: Data = {"kind": "self_hosted", "gpu_price": "$0.1/hour", "replicas": {"max": 1}}
        fleet["capacity"] = {"total_tokens_per_s": 40}
        found = planned(build, data(GROWING, {"api": PER_TOKEN, "fleet": fleet}))
        limit = 40 * 86_400
        able = [m * 10**6 <= limit for m in range(1, 7)]
        assert able == [True, True, True, False, False, False]
        assert [not over for over in found.prospect("fleet").over] == able
        assert [found.prospect("fleet").feasible(m) for m in range(6)] == able
        assert found.cheapest == ("fleet", "fleet", "fleet", "api", "api", "api")
        assert found.best == "api", "it alone serves all months"

    def test_just_full_is_within(self, build: Build) -> None:
        fleet: Data = {"kind": "self_hosted", "gpu_price": "$1/hour", "replicas": {"max": 1}}
        fleet["capacity"] = {"total_tokens_per_s": 40}
        known = {"2027-01": f"{40 * 86_400} tokens/day", "2027-02": f"{40 * 86_400 + 1} tokens/day"}
        found = planned(build, data({"start": "2027-01", "months": 2, "volumes": known}, {"fleet": fleet}))
        assert [bool(over) for over in found.prospect("fleet").over] == [False, True]

    def test_a_full_fleet_whose_rest_goes_elsewhere_serves_in_every_draw(self, build: Build) -> None:
        """It carries just what it can take, to the last bit or a rounding above."""
        fleet = {
            "kind": "self_hosted", "gpu_price": "$0.1/hour", "replicas": {"max": 5, "spare": 1}, "burst": D("1.7"),
            "capacity": {"total_tokens_per_s": {"low": 7, "high": 13}}, "target_utilisation": "60%",
        }  # fmt: skip
        options = {
            "api": PER_TOKEN, "fleet": fleet,
            "both": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "api"}},
        }  # fmt: skip
        found = planned(build, data(GROWING, options), draws=64)
        both, alone = found.prospect("both").outlook, found.prospect("fleet").outlook
        assert both is not None
        assert alone is not None
        assert both.able.all()
        assert not alone.able[5].any(), "by itself it is full"

    def test_a_requirement_rules_an_option_out_in_every_month(self, build: Build) -> None:
        options = {"api": {**PER_TOKEN, "data": "public"}, "own": SERVERS}
        found = planned(build, data(GROWING, options, requirements={"data": "vpc"}))
        assert found.cheapest == ("own",) * 6
        assert found.changes == ()
        assert found.best == "own"
        assert not any(found.prospect("api").feasible(m) for m in range(6))
        assert not any(found.prospect("api").over), "its load is no reason"

    def test_none_may_be_able(self, build: Build) -> None:
        found = planned(build, data(GROWING, {"api": {**PER_TOKEN, "data": "public"}}, requirements={"data": "vpc"}))
        assert found.best is None
        assert set(found.cheapest) == {None}

    def test_what_runs_today_is_followed_and_need_not_be_a_candidate(self, build: Build) -> None:
        options = {"api": {**PER_TOKEN, "candidate": False}, "own": SERVERS}
        found = planned(build, data(GROWING, options, current="api"))
        assert set(found.cheapest) == {"own"}
        assert found.prospect("api").payback is None
        ahead = [1_000 * m - 365 * m * (m + 1) // 2 for m in range(1, 7)]
        assert ahead == [635, 905, 810, 350, -475, -1_665]
        repaid = found.prospect("own").payback
        assert repaid is not None
        assert repaid.month == 5
        assert repaid.interpolated == pytest.approx(4 + 350 / (350 + 475), rel=1e-14)

    def test_a_later_reversal_is_said(self, build: Build) -> None:
        projection = {"start": "2027-01", "months": 6, "volumes": {
            "2027-01": "1M tokens/day", "2027-02": "9M tokens/day", "2027-03": "1M tokens/day"}}  # fmt: skip
        found = planned(build, data(projection, {"api": PER_TOKEN, "own": SERVERS}, current="api"))
        repaid = found.prospect("own").payback
        assert repaid is not None
        ahead = [1_000 - 365, 2_000 - 10 * 365, 3_000 - 11 * 365, 4_000 - 12 * 365, 5_000 - 13 * 365]
        assert [x < 0 for x in ahead] == [False, True, True, True, False]
        assert (repaid.month, repaid.reverses) == (2, 5)

    def test_capex_and_opex_are_all_that_is_paid(self, build: Build) -> None:
        own = planned(build, data({"months": 30}, {"own": TestHardware.OWN})).prospect("own")
        assert own.capex[0] == 80_000
        assert own.capex[24] == 80_000 - 8_000
        assert own.opex == (0, *[D(500)] * 30)
        assert tuple(a + b for a, b in zip(own.capex, own.opex, strict=True)) == own.paid
        assert own.cumulative[-1] == own.total == sum(own.paid)

    def test_draws_are_those_of_the_months(self, build: Build) -> None:
        """Percentiles are values that some draw had; what is certain has one value in every draw."""
        scenario = data(
            {"months": 4, "growth": {"low": "0%", "high": "20%"}, "discount_rate": {"low": "0%", "high": "10%"}},
            {"api": API, "all": {**SERVERS, "one_offs": {"x": "$10k"}}},
            current="api",
        )
        found = planned(build, scenario, draws=8)
        outlook = found.prospect("api").outlook
        assert outlook is not None
        assert outlook.cost.shape == (4, 8)
        assert outlook.cost[0] == pytest.approx(float(MONTHLY), rel=1e-12)
        rates = np.sort(outlook.cost[1] / float(MONTHLY) - 1)
        assert ((rates > np.arange(8) * 0.2 / 8) & (rates < np.arange(1, 9) * 0.2 / 8)).all(), "one in each eighth"
        assert outlook.percentile(outlook.cost, 0.5)[3] == np.sort(outlook.cost[3])[3]
        assert (outlook.paid[1:] == outlook.cost).all()
        assert outlook.payback is None
        other = found.prospect("all").outlook
        assert other is not None
        assert other.payback is not None
        saved = (outlook.paid - other.paid).cumsum(axis=0)
        assert (np.isfinite(other.payback) == (saved > 0).any(axis=0)).all()
        assert (other.npv <= 14_000).all()
        assert (other.npv > 13_000).all()
        assert len(set(other.npv.tolist())) == 8, "each draw has its own rate"

    def test_draws_are_the_same_whether_all_at_once_or_some_at_a_time(
        self, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With servers that are kept, a year that is settled, a spike, a limit some draws pass, prices that fall."""
        own = {
            **TestHardware.OWN, "capacity": {"total_tokens_per_s": 60}, "replicas": {"max": 9}, "gpus_per_replica": 4,
            "people": {"fte": {"low": D("0.1"), "high": D("0.3")}, "per_gpus": 8, "cost": "$120k/year"},
        }  # fmt: skip
        api = {**API, "commitment": {"spend": "$24000/year", "overage": 2, "until": "2027-09"}}
        projection = {
            "start": "2027-01", "months": 14, "growth": {"low": "0%", "high": "8%"}, "price_decline": {"api": "20%"},
            "seasonality": {"mar": {"low": "90%", "high": "120%"}}, "salary_growth": {"low": "1%", "high": "9%"},
            "spikes": [{"month": "2027-05", "factor": 3, "days": 4}],
        }  # fmt: skip
        scenario = data(projection, {"api": api, "own": own, "none": SERVERS}, current="api")
        scenario["workload"] = {**LOAD, "volume": "15M tokens/day"}
        whole = planned(build, scenario, draws=11)
        monkeypatch.setattr("tco.analysis.months.PIECE", 4)
        pieces = planned(build, scenario, draws=11)
        for name in ("api", "own", "none"):
            a, b = whole.prospect(name).outlook, pieces.prospect(name).outlook
            assert a is not None
            assert b is not None
            for field in ("cost", "paid", "npv"):
                assert getattr(b, field) == pytest.approx(getattr(a, field), rel=1e-13), (name, field)
            assert a.able.tolist() == b.able.tolist()
        able = whole.prospect("own").outlook
        assert able is not None
        assert 0 < able.able.mean() < 1, "some draws pass the limit in some months"

    def test_nothing_is_drawn_where_nothing_is_a_range(self, build: Build) -> None:
        found = planned(build, data({"months": 2}), draws=8)
        assert found.draws == 0
        assert found.prospect("api").outlook is None

    @pytest.mark.parametrize(
        "new",
        [
            {"one_offs": {"procurement": {"low": "$1k", "high": "$9k"}}},
            {"time_to_production": {"low": "1 month", "high": "5 months"}},
            {"time_to_production": "1 month", "margin_lost": {"low": "$1k/month", "high": "$9k/month"}},
        ],
    )
    def test_a_range_in_the_terms_of_a_change_alone_is_drawn(self, build: Build, new: Data) -> None:
        options = {"api": API, "new": {**SERVERS, **new}}
        found = planned(build, data({"months": 6}, options, current="api"), draws=64)
        outlook = found.prospect("new").outlook
        assert found.draws == 64 and outlook is not None
        low, high = outlook.percentiles(outlook.npv, (0.1, 0.9))
        assert low < found.prospect("new").npv < high

    def test_what_is_taken_for_granted_is_said(self, build: Build) -> None:
        bare = planned(build, {"workload": LOAD, "options": {"api": API}})
        said = " ".join(note.text for note in bare.assumptions)
        assert "no `projection`: 36 months from 2026-12" in said
        assert "no `discount_rate`" in said
        grown = planned(build, data({"months": 2, "discount_rate": "5%"}))
        said = " ".join(note.text for note in grown.assumptions)
        assert "no `growth`" in said
        assert "discount_rate" not in said


# -- bad input --------------------------------------------------------------------------------------------------------

SPIKE: Data = {"month": "2027-02", "factor": 10, "days": 3}
WITHIN = {"start": "2027-01", "months": 6}


@pytest.mark.parametrize(
    ("projection", "message"),
    [
        ({"months": 0}, "months from 1 to 240"),
        ({"months": 241}, "months from 1 to 240"),
        ({"months": "2.5 months"}, "months from 1 to 240"),
        ({"months": True}, "months from 1 to 240"),
        ({"start": "2027-13"}, "a month such as 2027-03"),
        ({"start": "27-01"}, "a month such as 2027-03"),
        ({"growth": "5%/week"}, "not a rate over a month or a year"),
        ({"growth": "lots"}, "a rate such as 5%/month"),
        ({"growth": "-100%"}, "nothing would be left"),
        ({"growth": {"low": "2%/month", "high": "80%/year"}}, "a range over one period"),
        ({"growth": {"p10": "-2%", "p90": "5%"}}, "a rate that may be negative"),
        ({"growth": {"soon": "5%"}}, "a month such as 2027-03"),
        ({"growth": {}}, "rates by the month"),
        ({**WITHIN, "growth": {"2027-07": "5%"}}, "2027-07 comes after the plan"),
        ({**WITHIN, "volumes": {"2027-07": "5M tokens/day"}}, "2027-07 comes after the plan"),
        ({"volumes": {"2027-01": "5"}}, "tokens/day"),
        ({"seasonality": {"smarch": "110%"}}, "no month of the year"),
        ({"seasonality": {"jan": "0%"}}, "no traffic at all"),
        ({"seasonality": {"jan": "110%", "January": "120%"}}, "a month named twice"),
        ({"seasonality": "110%"}, "factors by month of the year"),
        ({**WITHIN, "spikes": [{**SPIKE, "month": "2027-07"}]}, "2027-07 is not planned"),
        ({**WITHIN, "spikes": [{**SPIKE, "month": "2026-12"}]}, "a month from 2027-01 to 2027-06"),
        ({**WITHIN, "spikes": [SPIKE, {**SPIKE, "days": 1}]}, "one spike in 2027-02: add their days"),
        ({**WITHIN, "spikes": [{**SPIKE, "days": 0}]}, "a whole number of days from 1 to 28"),
        ({**WITHIN, "spikes": [{**SPIKE, "days": D("2.5")}]}, "a whole number of days from 1 to 28"),
        ({**WITHIN, "spikes": [{**SPIKE, "factor": 0}]}, "a factor above 0"),
        ({**WITHIN, "spikes": [{"month": "2027-02", "factor": 2}]}, "days"),
        ({"price_decline": {"api": "100%"}}, "nothing gets free"),
        ({"price_decline": {"gpu": "-5%"}}, "gpu"),
        ({"price_decline": {"cpu": "5%"}}, "cpu"),
        ({"salary_growth": "-3%"}, "salary_growth"),
        ({"discount_rate": "-3%"}, "discount_rate"),
        ({"discount": "3%"}, "discount_rate"),
    ],
)
def test_a_projection_that_does_not_fit_is_refused(build: Build, projection: Data, message: str) -> None:
    with pytest.raises(Faults) as caught:
        plan(build(data(projection)), draws=0)
    text = str(caught.value)
    assert re.search(re.escape(message), text), text
    assert re.match(r"scenario\.yaml:\d+:\d+: ", text)


def test_more_days_of_a_spike_than_the_month_has(build: Build) -> None:
    spiky = data({**WITHIN, "spikes": [{**SPIKE, "days": 22}]}, traffic_days_per_month=21)
    with pytest.raises(Faults, match="more days than a month has"):
        plan(build(spiky), draws=0)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"time_to_production": "soon"}, "a period in months"),
        ({"time_to_production": "0 months"}, "a period of nothing"),
        ({"margin_lost": "$5k/month"}, "`time_to_production` beside `margin_lost`"),
        ({"time_to_production": "1 month", "margin_lost": "$5k"}, "margin_lost"),
    ],
)
def test_terms_of_a_change_that_do_not_fit(build: Build, option: Data, message: str) -> None:
    with pytest.raises(Faults) as caught:
        plan(build(data({"months": 2}, {"api": {**API, **option}})), draws=0)
    assert message in str(caught.value)


def test_what_runs_today_has_no_time_to_production(build: Build) -> None:
    options = {"api": {**API, "time_to_production": "3 months"}, "own": SERVERS}
    with pytest.raises(Faults, match=r"`api` is what runs today .*\n(.*\n)*.*no `time_to_production`"):
        plan(build(data({"months": 2}, options, current="api")), draws=0)


def test_faults_go_to_stderr_with_their_place_and_exit_2(tmp_path: Path) -> None:
    scenario = data({**WITHIN, "spikes": [{**SPIKE, "month": "2027-09"}], "growth": {"2027-08": "5%"}})
    text = yaml(scenario).lstrip()
    (tmp_path / "s.yaml").write_text(text)
    command = [sys.executable, "-m", "tco", "plan", "s.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ})
    assert (done.returncode, done.stdout) == (2, "")
    for needle in ('month: "2027-09"', "2027-08"):
        (line,) = (i for i, x in enumerate(text.splitlines(), 1) if needle in x)
        assert f"s.yaml:{line}:" in done.stderr, done.stderr
    assert "2027-09 is not planned" in done.stderr
    assert "2027-08 comes after the plan" in done.stderr
