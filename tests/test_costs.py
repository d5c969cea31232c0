"""Costs around a model: standing ones, those by use, and what is paid once."""

from __future__ import annotations

from decimal import Decimal as D
from fractions import Fraction
from typing import Any, ClassVar

import pytest
from conftest import Build, Data
from priced import Expected, Key, check, check_draws, check_inputs, notes, warnings

from tco.analysis.compare import compare
from tco.document import Faults

F = Fraction
DAYS, HOURS = F(365, 12), 730
ALL = F(1)
SIZES = {"small": (F(700), F(100)), "large": (F(3000), F(1200))}
SHARES = {"small": F(3, 4), "large": F(1, 4)}
MEAN = sum(SHARES[c] * sum(SIZES[c]) for c in SIZES)
VOLUMES: list[int | Fraction] = [1, 1000, 33_333_333, F(10**9, 7)]

WORKLOAD: Data = {
    "volume": "10M tokens/day",
    "classes": {
        "small": {"share": "75%", "input_tokens": 700, "output_tokens": 100},
        "large": {"share": "rest", "input_tokens": 3000, "output_tokens": 1200},
    },
    "load": {"peak_hour_share": "20%"},
}
PRICE: Data = {"kind": "api", "price": {"blended": "$1/1M tokens"}}


def scenario(keys: Data, workload: Data = WORKLOAD, **more: Any) -> Data:
    return {"workload": workload, "options": {"api": {**PRICE, **keys}}, **more}


def always(amounts: dict[Key, Fraction]) -> Expected:
    """The same at any volume."""
    return lambda v: amounts


def requests(volume: Fraction, c: str) -> Fraction:
    """Requests a month of a class, hour by hour."""
    shares = [F(20, 100), *[F(80, 100) / 23] * 23]
    return sum((volume / MEAN * SHARES[c] * share * DAYS for share in shares), F(0))


def all_requests(volume: Fraction) -> Fraction:
    return sum((requests(volume, c) for c in SIZES), F(0))


def tokens(volume: Fraction) -> Fraction:
    """Served tokens a month, class by class."""
    return sum((requests(volume, c) * sum(SIZES[c]) for c in SIZES), F(0))


class TestFixed:
    @pytest.mark.parametrize(
        ("cost", "monthly"),
        [
            ("$300/month", F(300)),
            ("$300/quarter", F(300) / 3),
            ("€300/year", F(300) * F(113, 100) / 12),
            ("$0.5/hour", F(1, 2) * HOURS),
            ("$12/day", F(12) / 24 * HOURS),
            ({"cost": "$5k", "every": "3 months"}, F(5000) / 3),
            ({"cost": "€5k", "every": "quarter"}, F(5000) * F(113, 100) / 3),
            ({"cost": "$900", "every": "month"}, F(900)),
            ({"cost": "$900", "every": "2 years"}, F(900) / 24),
            ({"cost": "$900", "every": "1.5 months"}, F(900) * 2 / 3),
        ],
    )
    def test_over_time(self, build: Build, cost: Any, monthly: Fraction) -> None:
        rates = {"EUR": {"usd": D("1.13"), "as_of": "2026-11-01", "source": "made up"}}
        data = scenario({"fixed_costs": {"safety testing": cost}}, exchange_rates=rates)
        check(build, data, "api", VOLUMES, lambda v: {("fixed", "safety testing"): monthly})

    def test_storage_by_the_gigabyte(self, build: Build) -> None:
        data = scenario({"fixed_costs": {"vectors": {"gb": "1.5k", "price": "$0.02/GB-month"}}})
        check(build, data, "api", VOLUMES, lambda v: {("storage", "vectors"): F(1500) * F(2, 100)})

    def test_every_kind_of_option_has_them(self, build: Build) -> None:
        cost = {"fixed_costs": {"a": "$7/month", "b": {"cost": "$60", "every": "quarter"}}}
        data = scenario(cost)
        data["options"] |= {
            "own": {"kind": "self_hosted", "gpu_price": "$1/hour", "replicas": 1, **cost},
            "unit": {"kind": "dedicated", "unit_price": "$1/hour", "replicas": 1, **cost},
            "mix": {"kind": "hybrid", "routes": {"own": "70%", "api": "rest"}, **cost},
        }
        for option, times in (("api", 1), ("own", 1), ("unit", 1), ("mix", 3)):
            want = {("fixed", "a"): F(7) * times, ("fixed", "b"): F(20) * times}
            check(build, data, option, [5], always(want))

    def test_a_hybrid_reached_twice_pays_its_own_once(self, build: Build) -> None:
        data = scenario({})
        data["options"] |= {
            "inner": {
                "kind": "hybrid", "routes": {"api": "100%"}, "fixed_costs": {"router": "$40/month"},
                "usage_costs": {"guard": {"price": "$0.01/request"}},
            },
            "middle": {"kind": "hybrid", "routes": {"inner": "100%"}},
            "outer": {"kind": "hybrid", "routes": {"inner": "25%", "middle": "rest"}},
        }  # fmt: skip

        def expected(v: Fraction) -> dict[Key, Fraction]:
            return {("fixed", "router"): F(40), ("usage", "guard"): all_requests(v) / 100}

        check(build, data, "outer", VOLUMES, expected)

    @pytest.mark.parametrize(
        ("cost", "says"),
        [
            ("$300", "without what it is per"),
            ("$300/request", "does not fit"),
            ({"cost": "$5k", "every": 3}, "3 months"),
            ({"cost": "$5k", "every": "0 months"}, "period of nothing"),
            ({"cost": "$5k", "every": "3 parsecs"}, "3 months"),
            ({"cost": "$5k"}, "every"),
            ({"cost": "$5k/month", "every": "month"}, "amount of money"),
            ({"gb": 500}, "price"),
            ({"gb": 500, "price": "$0.02/GB"}, "GB-month"),
            ({"gb": -1, "price": "$0.02/GB-month"}, "0 or more"),
        ],
    )
    def test_refused(self, build: Build, cost: Any, says: str) -> None:
        with pytest.raises(Faults) as caught:
            build(scenario({"fixed_costs": {"x": cost}}))
        (fault,) = caught.value.faults
        assert says in str(fault)
        assert fault.line > 1


USAGE: Data = {
    "egress": {"price": "$0.09/GB", "bytes_per_token": 4},
    "uploads": {"price": "$0.05/GB", "bytes_per_request": "20k"},
    "reranker": {"price": "$2/1k requests", "per_request": D("0.3")},
    "audit": {"price": "$0.001/request"},
    "guardrails": {"price": "$0.15/1M tokens"},
    "judge": {"price": "$0.5/1M tokens", "tokens_per_request": 250},
}


def usage(v: Fraction, gross: Fraction = ALL, part: Fraction = ALL) -> dict[Key, Fraction]:
    return {
        ("usage", "egress"): tokens(v) * part * gross * 4 / 10**9 * F(9, 100),
        ("usage", "uploads"): all_requests(v) * part * gross * 20_000 / 10**9 * F(5, 100),
        ("usage", "reranker"): all_requests(v) * part * gross * F(3, 10) * F(2, 1000),
        ("usage", "audit"): all_requests(v) * part * gross * F(1, 1000),
        ("usage", "guardrails"): tokens(v) * part * gross / 10**6 * F(15, 100),
        ("usage", "judge"): all_requests(v) * part * gross * 250 / 10**6 * F(1, 2),
    }


class TestUsage:
    def test_by_what_is_served(self, build: Build) -> None:
        check(build, scenario({"usage_costs": USAGE}), "api", VOLUMES, usage)

    def test_with_what_is_billed_beside_it(self, build: Build) -> None:
        workload = {**WORKLOAD, "overhead": {"retries": "5%", "shadow": "10%"}}
        data = scenario({"usage_costs": USAGE, "overhead": {"shadow": "2%"}}, workload)
        check(build, data, "api", VOLUMES, lambda v: usage(v, 1 + F(5, 100) + F(2, 100)))

    def test_calls_and_growing_context_are_tokens_too(self, build: Build) -> None:
        workload = {
            "volume": "1M tokens/day", "input_tokens": 1000, "output_tokens": 200, "calls_per_task": 3,
            "context_growth_tokens": 400,
        }  # fmt: skip
        per_task = sum(1000 + 200 + 400 * k for k in range(3))
        data = scenario({"usage_costs": {"e": USAGE["egress"], "j": USAGE["judge"]}}, workload)

        def expected(v: Fraction) -> dict[Key, Fraction]:
            tasks = v / per_task * DAYS
            return {
                ("usage", "e"): tasks * per_task * 4 / 10**9 * F(9, 100),
                ("usage", "j"): tasks * 250 / 10**6 / 2,
            }

        check(build, data, "api", VOLUMES, expected)

    def test_a_hybrid_and_its_parts_each_for_what_reaches_them(self, build: Build) -> None:
        data = scenario({"usage_costs": USAGE})
        data["options"]["other"] = PRICE
        data["options"]["mix"] = {
            "kind": "hybrid", "response_cache": "20%", "routes": {"api": "30%", "other": "rest"},
            "usage_costs": {"front": {"price": "$0.001/request"}},
        }  # fmt: skip

        def expected(v: Fraction) -> dict[Key, Fraction]:
            return {**usage(v, part=F(80, 100) * F(30, 100)), ("usage", "front"): all_requests(v) / 1000}

        check(build, data, "mix", VOLUMES, expected)

    def test_a_full_fleet_and_what_takes_its_overflow(self, build: Build) -> None:
        """At capacity exactly all is served by the fleet; just above, the rest leaves it, in the peak hour alone."""
        cost = {"usage_costs": {"egress": {"price": "$90/1M tokens", "tokens_per_request": 1000}}}
        workload = {
            "volume": "1M tokens/day", "input_tokens": 900, "output_tokens": 100, "load": {"peak_hour_share": "20%"},
        }  # fmt: skip
        fleet = {
            "kind": "self_hosted",
            "gpu_price": "$1/hour",
            "capacity": {"requests_per_s": 1},
            "replicas": {"max": 2},
        }
        data = scenario({"usage_costs": {"out": cost["usage_costs"]["egress"]}}, workload)
        data["options"] |= {
            "fleet": {**fleet, **cost},
            "mix": {"kind": "hybrid", "routes": {"fleet": "100%"}, "overflow": {"fleet": "api"}},
        }
        full = F(2 * 3600 * 1000) / F(20, 100)

        def expected(v: Fraction) -> dict[Key, Fraction]:
            served = rest = F(0)
            for hour in range(24):
                asked = v / 1000 * (F(20, 100) if hour == 0 else F(80, 100) / 23)
                served += min(asked, F(2 * 3600)) * DAYS
                rest += max(asked - 2 * 3600, F(0)) * DAYS
            return {("usage", "egress"): served * F(90, 1000), ("usage", "out"): rest * F(90, 1000)}

        assert not expected(full)["usage", "out"] and expected(full + 1)["usage", "out"]
        check(build, data, "mix", [full / 2, full, full + 1, full * 2, full * 10], expected)

    @pytest.mark.parametrize(
        ("cost", "says"),
        [
            ({"price": "$0.09/GB"}, "either `bytes_per_token` or `bytes_per_request`"),
            ({"price": "$0.09/GB", "bytes_per_token": 4, "bytes_per_request": 4}, "either `bytes_per_token`"),
            ({"price": "$0.09/GB", "per_request": 2}, "not `per_request`"),
            ({"price": "$0.09/request", "bytes_per_token": 4}, "`per_request` beside this price"),
            ({"price": "$1/1M tokens", "per_request": 4}, "`tokens_per_request` beside this price"),
            ({"price": "$9/month"}, "does not fit"),
            ({"bytes_per_token": 4}, "price"),
            ({"price": "$0.09/GB", "bytes_per_token": 0}, "above 0"),
        ],
    )
    def test_refused(self, build: Build, cost: Any, says: str) -> None:
        with pytest.raises(Faults) as caught:
            build(scenario({"usage_costs": {"x": cost}}))
        assert any(says in str(fault) for fault in caught.value.faults), caught.value.faults


ONE_OFFS: Data = {"fine-tuning": "$5k", "migration": "$20k", "evaluation set": "$2k"}


class TestOneOffs:
    def test_without_months_they_are_in_no_month(self, build: Build) -> None:
        data = scenario({"one_offs": ONE_OFFS})
        check(build, data, "api", VOLUMES, lambda v: {})
        assert any(w.startswith("api: one-offs of $27,000.00 are in no month's cost") for w in warnings(build, data))

    @pytest.mark.parametrize(
        ("own", "months"),
        [({}, 24), ({"amortise_months": 12}, 12)],
    )
    def test_spread(self, build: Build, own: Data, months: int) -> None:
        data = scenario({"one_offs": ONE_OFFS, **own}, amortise_months=24)
        sums = {"fine-tuning": 5000, "migration": 20_000, "evaluation set": 2000}
        check(build, data, "api", VOLUMES, lambda v: {("one-off", k): F(x, months) for k, x in sums.items()})
        assert not any("one-off" in w for w in warnings(build, data))

    def test_a_foreign_sum_is_converted_before_it_is_added_up(self, build: Build) -> None:
        rates = {"EUR": {"usd": D("1.5"), "as_of": "2026-11-01", "source": "made up"}}
        data = scenario({"one_offs": {"a": "$100", "b": "€100"}}, exchange_rates=rates)
        assert any("one-offs of $250.00" in w for w in warnings(build, data))

    def test_equivalent_spend_leaves_all_of_it_out(self, build: Build) -> None:
        keys = {"one_offs": ONE_OFFS, "usage_costs": USAGE, "fixed_costs": {"logs": "$5/month"}}
        bare = compare(build(scenario({}))).standing("api").ledger
        full = compare(build(scenario(keys, amortise_months=12))).standing("api").ledger
        assert full.invoice == bare.invoice == bare.total < full.total

    def test_months_without_one_offs_say_nothing(self, build: Build) -> None:
        with pytest.raises(Faults, match="`one_offs` beside `amortise_months`"):
            build(scenario({"amortise_months": 12}))


class TestNumbers:
    KEYS: ClassVar[Data] = {
        "fixed_costs": {
            "test": {"cost": "$5k", "every": "3 months"},
            "vectors": {"gb": 500, "price": "$0.02/GB-month"},
            "logs": "$3/hour",
        },
        "usage_costs": {
            "egress": {"price": "$0.09/GB", "bytes_per_token": 4},
            "rank": {"price": "$0.002/request", "per_request": D("0.3")},
        },
        "one_offs": {"move": "$20k"},
        "amortise_months": 24,
        "overhead": {"retries": "5%"},
    }

    def test_draws(self, build: Build) -> None:
        ranges = {
            "fixed_costs.test.cost": (4000, 6000, "${}"),
            "fixed_costs.test.every": (2, 4, "{} months"),
            "fixed_costs.vectors.gb": (100, 900, "{}"),
            "fixed_costs.vectors.price": ("0.01", "0.04", "${}/GB-month"),
            "fixed_costs.logs": (1, 5, "${}/hour"),
            "usage_costs.egress.price": ("0.05", "0.12", "${}/GB"),
            "usage_costs.egress.bytes_per_token": (3, 5, "{}"),
            "usage_costs.rank.price": ("0.001", "0.003", "${}/request"),
            "usage_costs.rank.per_request": ("0.1", "0.9", "{}"),
            "one_offs.move": (10_000, 40_000, "${}"),
            "amortise_months": (12, 36, "{}"),
            "overhead.retries": (D("0.01"), D("0.09"), "{}"),
        }
        forms = {f"options.api.{k}": x for k, x in ranges.items()}
        check_draws(build, scenario(self.KEYS), "api", 10**7, forms)

    def test_inputs(self, build: Build) -> None:
        others = {
            "fixed_costs.test.cost": "$6k", "fixed_costs.test.every": "year", "fixed_costs.vectors.gb": 7,
            "fixed_costs.vectors.price": "$0.03/GB-month", "fixed_costs.logs": "$4/hour",
            "usage_costs.egress.price": "$0.1/GB", "usage_costs.egress.bytes_per_token": 5,
            "usage_costs.rank.price": "$0.003/request", "usage_costs.rank.per_request": 2,
            "one_offs.move": "$1k", "amortise_months": 12, "overhead.retries": "6%",
        }  # fmt: skip
        data = {**scenario(self.KEYS), "traffic_days_per_month": 30, "billed_hours_per_month": 720}
        whole = {"traffic_days_per_month": 31, "billed_hours_per_month": 700}
        check_inputs(build, data, "api", 10**7, {**{f"options.api.{k}": x for k, x in others.items()}, **whole})
        one = {"volume": "1M tokens/day", "input_tokens": 900, "output_tokens": 100}
        sizes = {"workload.input_tokens": 800, "workload.output_tokens": 150}
        check_inputs(build, scenario(self.KEYS, one), "api", 10**7, sizes)

    def test_scenario_wide_months_are_an_input(self, build: Build) -> None:
        data = scenario({"one_offs": {"move": "$20k"}}, amortise_months=24)
        check_inputs(build, data, "api", 10**7, {"amortise_months": 12, "options.api.one_offs.move": "$2k"})
        check_draws(build, data, "api", 10**7, {"amortise_months": (12, 36, "{}")})

    def test_names_of_several_words_and_no_more(self, build: Build) -> None:
        build(scenario({"one_offs": {"evaluation set 2.0": "$5"}}))
        for name in ("a/b", "-x", "x" * 61):
            with pytest.raises(Faults, match="short name"):
                build(scenario({"one_offs": {name: "$5"}}))

    def test_nothing_stated_nothing_added(self, build: Build) -> None:
        data = scenario({})
        check(build, data, "api", VOLUMES, lambda v: {})
        assert not notes(build, data).warnings
