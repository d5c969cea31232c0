"""Published cases and closed forms, out of whole plans; expected values are written as the arithmetic they are.

The published paybacks know no value left at the end and no one-offs: their hardware has no residual, and the plan is as
long as the hardware lasts.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import Build, Data, yaml

from tco.analysis.compare import compare
from tco.analysis.plan import Plan, Prospect, plan

F = Fraction
D = Decimal


def planned(build: Build, data: Data) -> Plan:
    return plan(build(data), draws=0)


def repaid(p: Prospect) -> tuple[float, float]:
    """Interpolated months, and the first whole one."""
    assert p.payback is not None
    assert math.isinf(p.payback.reverses)
    return p.payback.interpolated, p.payback.month


class TestOnPremiseBreakEven:
    """Case 1, arXiv 2509.18101: payback months = N C / (C_api - N P H R); input : output = 1 : 2."""

    PRICES: ClassVar = {"gpt-5": (F("1.25"), F(10)), "opus": (F(15), F(75)), "sonnet": (F(3), F(15))}
    ROWS: ClassVar = [
        (1, 190, "hardware/a100-80gb-paper", 15_000, 300, {"gpt-5": "17.8", "opus": "2.3", "sonnet": "11.4"}),
        (2, 220, "hardware/a100-80gb-paper", 15_000, 300, {"gpt-5": "30.9", "opus": "3.9", "sonnet": "19.8"}),
        (1, 180, "hardware/rtx-5090-paper", 2_000, 500, {"gpt-5": "2.5", "opus": "0.3", "sonnet": "1.6"}),
    ]

    def scenario(self, api: str, gpus: int, per_s: int, hardware: str, hours: int, **power: Any) -> Data:
        into, out = self.PRICES[api]
        return {
            "traffic_days_per_month": 30,
            "current": api,
            "workload": {"volume": f"{per_s * hours * 3600} tokens/month", "input_tokens": 1, "output_tokens": 2},
            "options": {
                api: {"kind": "api", "price": {"input": f"${D(into.numerator) / into.denominator}/1M tokens",
                                               "output": f"${out}/1M tokens"}},
                "own": {
                    "kind": "self_hosted", "replicas": 1, "gpus_per_replica": gpus,
                    "owned": {"hardware": hardware, "life_years": 3, "gpus_per_server": gpus,
                              "power": {"price": "us/paper-2509.18101", "hours_per_month": hours, **power}},
                },
            },
            "projection": {"months": 36},
        }  # fmt: skip

    def closed(self, api: str, gpus: int, per_s: int, price: int, watts: int, hours: int) -> Fraction:
        into, out = self.PRICES[api]
        bill = F(per_s * hours * 3600, 10**6) * (into / 3 + out * 2 / 3)
        electricity = gpus * F(watts, 1000) * hours * F("0.15")
        return gpus * price / (bill - electricity)

    @pytest.mark.parametrize("api", PRICES)
    @pytest.mark.parametrize(("gpus", "per_s", "hardware", "price", "watts", "published"), ROWS)
    def test_used(
        self, build: Build, api: str, gpus: int, per_s: int, hardware: str, price: int, watts: int, published: Data
    ) -> None:
        """176 hours a month, 300 and 500 W: what the tables were worked out with."""
        found = planned(build, self.scenario(api, gpus, per_s, hardware, 176))
        own = found.prospect("own")
        want = self.closed(api, gpus, per_s, price, watts, 176)
        interpolated, month = repaid(own)
        assert f"{interpolated:.1f}" == published[api]
        assert interpolated == pytest.approx(float(want), rel=1e-12)
        assert month == math.ceil(want)
        assert own.paid[0] == gpus * price
        assert sum(own.capex) == gpus * price, "nothing is left of it after three years"

    @pytest.mark.parametrize(("api", "published"), [("gpt-5", "19.592"), ("opus", "2.496"), ("sonnet", "12.560")])
    def test_stated(self, build: Build, api: str, published: str) -> None:
        """160 hours and 400 W, as the text states."""
        found = planned(build, self.scenario(api, 1, 190, "hardware/a100-80gb-paper", 160, watts=400))
        interpolated, _ = repaid(found.prospect("own"))
        assert f"{interpolated:.3f}" == published
        assert interpolated == pytest.approx(float(self.closed(api, 1, 190, 15_000, 400, 160)), rel=1e-12)

    def test_on_the_command_line(self, tmp_path: Path) -> None:
        (tmp_path / "case.yaml").write_text(yaml(self.scenario("gpt-5", 1, 190, "hardware/a100-80gb-paper", 176)))
        command = [sys.executable, "-m", "tco", "plan", "case.yaml", "--json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=dict(os.environ))
        assert done.returncode == 0, done.stderr
        (own,) = (o for o in json.loads(done.stdout)["options"] if o["name"] == "own")
        assert f"{own['payback']['months']:.1f}" == "17.8"
        assert own["payback"]["months"] == pytest.approx(float(self.closed("gpt-5", 1, 190, 15_000, 300, 176)))


class TestOnPremiseAgainstCloud:
    """Case 2, Lenovo Press LP2368: break-even hours = capex / (cloud - opex an hour)."""

    CAPEX = F("250141.80")
    USED: ClassVar = {"maintenance": "$3.42/hour", "power": "$0.87/hour", "colocation": "$2.08/hour"}
    CLOUD: ClassVar = [("98.32", "2720.41", "3.727"), ("62.92", "4423.37", "6.059")]

    def own(self, build: Build, cloud: str, **owned: Any) -> Prospect:
        own = {"price": "$250141.80", "gpus_per_server": 8, "life_years": 5, **owned}
        if "hardware" in owned:
            own = owned
        data = {
            "current": "cloud",
            "workload": {"volume": "1M tokens/day", "input_tokens": 1},
            "options": {
                "cloud": {"kind": "self_hosted", "server_price": f"${cloud}/hour", "gpus_per_server": 8,
                          "gpus_per_replica": 8, "replicas": 1},
                "own": {"kind": "self_hosted", "replicas": 1, "gpus_per_replica": 8, "owned": own},
            },
            "projection": {"months": "5 years"},
        }  # fmt: skip
        return planned(build, data).prospect("own")

    @pytest.mark.parametrize(("cloud", "hours", "months"), CLOUD)
    def test_used(self, build: Build, cloud: str, hours: str, months: str) -> None:
        """The running costs an hour as they are printed: 3.42 + 0.87 + 2.08."""
        own = self.own(build, cloud, **self.USED)
        interpolated, month = repaid(own)
        want = self.CAPEX / (F(cloud) - F("3.42") - F("0.87") - F("2.08"))
        assert f"{interpolated * 730:.2f}" == hours
        assert f"{interpolated:.3f}" == months
        assert interpolated == pytest.approx(float(want / 730), rel=1e-12)
        assert month == math.ceil(want / 730), "payback is fractional: the first whole month is another figure"

    @pytest.mark.parametrize(("cloud", "hours", "months"), CLOUD)
    def test_stated(self, build: Build, cloud: str, hours: str, months: str) -> None:
        """The inputs they were made of: 12 % of the price a year over 8,760 hours, $1,500 a month over 720."""
        space = {"price": "$1500/month", "hours_per_month": 720}
        interpolated, _ = repaid(self.own(build, cloud, maintenance="12%", power="$0.87/hour", colocation=space))
        opex = self.CAPEX * F(12, 100) / 8760 + F("0.87") + F(1500, 720)
        assert interpolated * 730 == pytest.approx(float(self.CAPEX / (F(cloud) - opex)), rel=1e-12)
        assert f"{interpolated * 730:.0f}" != f"{float(hours):.0f}", "3.4266 is not 3.42, and 2.0833 not 2.08"
        assert f"{interpolated:.2f}" == f"{float(months):.2f}"

    def test_the_entry_of_the_catalogue_has_space_by_the_month(self, build: Build) -> None:
        entry = {"hardware": "hardware/lenovo-lp2368-8xh100", "colocation": "data-centres/lenovo-lp2368"}
        interpolated, _ = repaid(self.own(build, "98.32", **entry))
        opex = self.CAPEX * F(12, 100) / 8760 + F("0.87") + F(1500, 730)
        assert interpolated * 730 == pytest.approx(float(self.CAPEX / (F("98.32") - opex)), rel=1e-12)

    def test_what_an_hour_costs_over_the_life(self, build: Build) -> None:
        own = self.own(build, "98.32", **self.USED)
        an_hour = round(F(sum(own.monthly)) / 60 / 730, 2)
        assert an_hour == F("12.08") == round(self.CAPEX / 43_800 + F("6.37"), 2)
        assert f"{float(an_hour / (F(30_576) * 3600 / 10**6)):.4f}" == "0.1097"
        paid = F(sum(own.paid))
        assert abs(paid - (self.CAPEX + F("6.37") * 43_800)) < F(3 * 60, 200), "to the cent of each line"


class TestServerYear:
    """Case 3, NVIDIA: a server-year is price / years + hosting + software."""

    def found(self, build: Build) -> Plan:
        own = {
            "kind": "self_hosted", "gpus_per_replica": 2, "capacity": {"requests_per_s": D("2.5")},
            "owned": {"hardware": "hardware/nvidia-example-8gpu", "software": "$4500/year"},
        }  # fmt: skip
        sizes = {"input_tokens": 300, "load": {"peak_hour_share": "20%"}}
        return planned(
            build,
            {
                "workload": {"volume": "120k requests/day", **sizes},
                "options": {"own": own},
                "projection": {"months": "4 years"},
            },
        )

    def test_published(self, build: Build) -> None:
        own = self.found(build).prospect("own")
        by_year = [sum((s.exact[m] for s in own.costs for m in range(12 * y, 12 * y + 12)), F(0)) for y in range(4)]
        assert by_year == [320_000 // 4 + 3_000 + 4_500] * 4 == [87_500] * 4
        assert own.replicas == (F(math.ceil(F(120_000) * F(20, 100) / 3600 / F("2.5"))),) * 48 == (F(3),) * 48
        assert own.gpus == (F(math.ceil(F(3 * 2, 8)) * 8),) * 48
        assert f"{float(by_year[0] / (120_000 * 365) * 1000):.4f}" == "1.9977"

    def test_paid_is_the_server_and_then_what_it_takes(self, build: Build) -> None:
        own = self.found(build).prospect("own")
        assert own.paid == (320_000, *[D(3_000 + 4_500) / 12] * 48)
        assert own.total == 320_000 + 4 * 7_500 == 4 * 87_500
        assert sum(own.capex) == 320_000


# -- closed forms -----------------------------------------------------------------------------------------------------

SHIPPED = sorted(p.stem for p in (Path(__file__).parent.parent / "scenarios").glob("*.yaml"))
LOAD: Data = {"volume": "30M tokens/day", "input_tokens": 900, "output_tokens": 100}
API: Data = {"kind": "api", "price": {"input": "$2/1M tokens", "output": "$8/1M tokens"}}


@pytest.mark.parametrize("scenario", SHIPPED)
def test_no_growth_and_no_decline_is_a_comparison_times_the_months(scenario: str) -> None:
    """Of shipped scenarios without a projection: each month costs what a comparison's month does, line by line; options
    without hardware pay that every month."""
    from datetime import date

    from tco.analysis.case import read_case

    case = read_case(scenario, today=date(2099, 1, 1))  # every price is known by then
    case = case._replace(scenario=case.scenario.model_copy(update={"projection": None, "current": None}))
    months, alike = plan(case, draws=0), compare(case, draws=0)
    assert len(months.months) == 36
    for s in alike.standings:
        p = months.prospect(s.name)
        assert p.monthly == (s.ledger.total,) * 36
        assert sum((series.exact[7] for series in p.costs), F(0)) == s.ledger.exact
        written_off = [e for e in s.ledger.entries if e.category in ("depreciation", "cost of capital", "one-off")]
        lumps = [x for x in p.payments if len(set(x.amounts[1:])) > 1]
        if not written_off and not lumps and not p.paid[0]:
            assert p.total == 36 * s.ledger.total


@pytest.mark.parametrize(("every", "times"), [("3 months", 12), ("quarter", 12), ("1.5 months", 24), ("2 years", 1)])
def test_lumps_come_to_a_months_share_times_the_months(build: Build, every: str, times: int) -> None:
    api = {**API, "fixed_costs": {"tests": {"cost": "$5k", "every": every}}}
    months = 24 if times == 1 else 36
    p = planned(build, {"workload": LOAD, "options": {"api": api}, "projection": {"months": months}}).prospect("api")
    (lumps,) = (s for s in p.payments if s.key.label == "tests")
    (share,) = (s for s in p.costs if s.key.label == "tests")
    assert sum(lumps.exact) == sum(share.exact) == times * 5_000
    if every == "1.5 months":
        assert lumps.amounts[:5] == (D(0), D(0), D(5_000), D(5_000), D(0)), (
            "after 1.5 and 3 months: in the second and the third"
        )


def purchase(rate: str = "0%", months: int = 60, price: int = 100_000) -> Data:
    """A server that saves a constant sum: what runs today costs $5,000 a month, the server $1,500 to run."""
    return {
        "current": "today",
        "workload": {"volume": "1M tokens/day", "input_tokens": 1},
        "options": {
            "today": {"kind": "self_hosted", "all_in": "$5000/month"},
            "own": {"kind": "self_hosted", "replicas": 1, "gpus_per_replica": 8,
                    "owned": {"price": f"${price}", "gpus_per_server": 8, "life_years": 5, "power": "$1500/month"}},
        },
        "projection": {"months": months, "discount_rate": rate},
    }  # fmt: skip


@pytest.mark.parametrize("price", [100_000, 35_000, 3_500 * 17])
def test_payback_of_one_purchase_is_its_price_over_what_it_saves(build: Build, price: int) -> None:
    interpolated, month = repaid(planned(build, purchase(price=price)).prospect("own"))
    assert interpolated == pytest.approx(price / (5_000 - 1_500), rel=1e-14)
    assert month == math.floor(F(price, 3_500)) + 1, "level is not yet below"


@pytest.mark.parametrize("yearly", ["8%", "0.2", "0%"])
def test_present_value_and_rate_of_return_are_those_of_an_annuity(build: Build, yearly: str) -> None:
    found = planned(build, purchase(yearly))
    rate = float(F(yearly[:-1]) / 100 if yearly.endswith("%") else F(yearly))
    i = (1 + rate) ** (1 / 12) - 1
    worth = (1 - (1 + i) ** -60) / i if i else 60
    assert found.prospect("today").npv == pytest.approx(5_000 * worth, rel=1e-12)
    own = found.prospect("own")
    assert own.npv == pytest.approx(100_000 + 1_500 * worth, rel=1e-12)
    assert own.irr is not None
    monthly = (1 + own.irr) ** (1 / 12) - 1
    assert 3_500 * (1 - (1 + monthly) ** -60) / monthly == pytest.approx(100_000, rel=1e-9)
    assert own.discounted_payback is not None
    if i:
        after = -math.log(1 - 100_000 * i / 3_500) / math.log(1 + i)  # 100,000 = 3,500 (1 - (1 + i)^-n) / i
        assert own.discounted_payback.month == math.ceil(after)
        assert math.floor(after) <= own.discounted_payback.interpolated <= math.ceil(after)
    else:
        assert own.discounted_payback == own.payback


def test_volumes_that_rise_by_the_month_cost_in_proportion(build: Build) -> None:
    """Linear growth as a table: k x 10M tokens a day in month k."""
    volumes = {f"2027-{k:02}": f"{k * 10}M tokens/day" for k in range(1, 13)}
    projection = {"start": "2027-01", "months": 12, "volumes": volumes}
    found = planned(build, {"workload": LOAD, "options": {"api": API}, "projection": projection})
    a_million = F(9, 10) * 2 + F(1, 10) * 8
    exact = [sum((s.exact[m] for s in found.prospect("api").costs), F(0)) for m in range(12)]
    assert exact == [k * 10 * a_million * F(365, 12) for k in range(1, 13)]
    assert sum(exact) == 12 * 13 // 2 * 10 * a_million * F(365, 12)
