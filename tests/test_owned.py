"""Servers of one's own: every line against the arithmetic it stands for, and published paybacks from monthly costs."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest
from conftest import FROZEN, PAPER, Build, Data

from tco.analysis.case import Case
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import KEY_JOINT, Exact, Figure, LineItem, Point
from tco.options.base import Notes
from tco.quantity import at, just_above

F = Fraction
D = Decimal
DAYS = F(365, 12)
HOURS = 730

BY_HOUR = [1, 1, 0, 0, 0, 0, 0, 2, 3, 5, 8, 8, 6, 6, 8, 8, 5, 4, 3, 3, 2, 2, 1, 1]
WORKLOAD: Data = {
    "volume": "20M tokens/day", "input_tokens": 700, "output_tokens": 300, "load": {"by_hour": BY_HOUR},
    "overhead": {"retries": "10%"},
}  # fmt: skip
RATE = 900
"""Tokens/s of a replica."""
OWNED: Data = {
    "price": "$325000", "gpus_per_server": 4, "life_years": 4, "residual": "15%", "cost_of_capital": "9%",
    "networking": "12.5%", "maintenance": "6%", "software": "$4500/year",
    "power": {"idle_watts": 1700, "busy_watts": 6900, "pue": D("1.3"), "price": "$0.12/kWh"},
    "colocation": "$1500/month",
}  # fmt: skip
FLEET: Data = {
    "kind": "self_hosted", "capacity": {"total_tokens_per_s": RATE}, "gpus_per_replica": 3,
    "target_utilisation": "80%", "burst": D("1.25"), "people": {"fte": D("0.5"), "cost": "$150000/year"},
}  # fmt: skip


def scenario(owned: Data, workload: Data = WORKLOAD, **keys: Any) -> Data:
    return {"workload": workload, "options": {"own": {**FLEET, "owned": owned, **keys}}}


def without(data: Data, *keys: str, **others: Any) -> Data:
    return {**{k: v for k, v in data.items() if k not in keys}, **others}


def lines_of(case: Case, n: Any = None, notes: Notes | None = None) -> dict[str, LineItem]:
    """The lines by label, of exact numbers unless told otherwise."""
    return {line.label: line for _, line in case.price(n or Exact(), notes)["own"].lines if line.label != "people"}


def amounts(case: Case, volume: Fraction, above: bool = False) -> dict[str, Fraction]:
    here = (just_above if above else at)([volume])
    return {label: F(line.amount(here)[0]) for label, line in lines_of(case).items()}


def month(volume: Fraction, above: bool = False, days: Fraction = DAYS, hours: int = HOURS) -> tuple[int, Fraction]:
    """Servers for the busiest hour, and replica-hours of work a month, hour by hour."""
    peak, busy_hours = 0, F(0)
    for weight in BY_HOUR:
        tokens_per_s = volume * F(weight, sum(BY_HOUR)) * F(110, 100) / 3600
        busy = tokens_per_s / RATE
        needed = busy * F("1.25") / F(80, 100)
        replicas = max(1, math.floor(needed) + 1 if above and needed.denominator == 1 and weight else math.ceil(needed))
        peak = max(peak, replicas)
        busy_hours += busy * min(days, F(hours, 24))
    return math.ceil(F(peak * 3, 4)), busy_hours


def expected(volume: Fraction, above: bool = False) -> dict[str, Fraction]:
    servers, busy_hours = month(volume, above)
    price, left, months = F(325_000), F(15, 100), 4 * 12
    kwh = servers * HOURS * F(1700, 1000) + busy_hours * 3 / 4 * F(6900 - 1700, 1000)
    return {
        "depreciation": servers * (price - price * left) / months,
        "networking": servers * price * F(125, 1000) / months,
        "cost of capital": servers * F(9, 100) / 12 * ((price + price * left) / 2 + price * F(125, 1000) / 2),
        "maintenance": servers * price * F(6, 100) / 12,
        "software": servers * F(4500, 12),
        "colocation": servers * F(1500),
        "electricity": kwh * F("1.3") * F("0.12"),
    }


ONE_REPLICA = F(RATE * 3600) * F(80, 100) / F("1.25") / F(110, 100) / F(8, sum(BY_HOUR))
"""The volume at which the busiest hour needs exactly one replica."""
VOLUMES = [F(1), F(20_000_000), ONE_REPLICA, 4 * ONE_REPLICA, 5 * ONE_REPLICA, 5 * ONE_REPLICA + 1, F(10**10, 7)]


def test_a_second_zone_and_staging_are_bought_too(build: Build) -> None:
    """Servers of each zone are rounded up on their own, those of staging too; the work is the same."""
    volume = 3 * ONE_REPLICA
    servers, busy_hours = month(volume)
    assert servers == math.ceil(F(3 * 3, 4)) == 3
    found = amounts(build(scenario(OWNED, zones=2, staging=3)), volume)
    every = 2 * 3 + math.ceil(F(3 * 3, 4))
    assert found["colocation"] == every * 1500
    kwh = every * HOURS * F("1.7") + busy_hours * 3 / 4 * (F("6.9") - F("1.7"))
    assert found["electricity"] == kwh * F("1.3") * F("0.12")


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize("volume", VOLUMES)
def test_every_line_is_the_arithmetic_it_stands_for(build: Build, volume: Fraction, above: bool) -> None:
    assert amounts(build(scenario(OWNED)), volume, above) == expected(volume, above)


def test_a_server_more_just_above_a_step(build: Build) -> None:
    """Four replicas of three GPUs fill three servers of four; a fifth needs a fourth server."""
    case = build(scenario(OWNED))
    assert month(4 * ONE_REPLICA)[0] == 3
    assert month(4 * ONE_REPLICA, above=True)[0] == 4
    below, above = (amounts(case, 4 * ONE_REPLICA, a)["depreciation"] for a in (False, True))
    assert above == below / 3 * 4


def test_floats_say_the_same(build: Build) -> None:
    lines = lines_of(build(scenario(OWNED)), Point())
    for volume in VOLUMES:
        for side, above in ((at, False), (just_above, True)):
            for label, exact in expected(volume, above).items():
                found = lines[label].amount(side([float(volume)])).item()
                assert found == pytest.approx(float(exact), rel=1e-12), (label, volume, above)


RANGES: Data = {
    **OWNED,
    "price": {"low": "$250000", "mode": "$325000", "high": "$400000"},
    "residual": {"low": "10%", "high": "20%"},
    "life_years": {"p10": 3, "p90": 5},
    "cost_of_capital": {"low": "5%", "high": "10%"},
    "networking": {"low": "10%", "high": "15%"},
    "maintenance": {"low": "$100/month", "high": "$3000/month"},
    "power": {
        "idle_watts": {"low": 1500, "high": 1900}, "busy_watts": {"low": 6000, "high": 7000},
        "pue": {"low": D("1.1"), "high": D("1.6")}, "price": {"low": "$0.08/kWh", "high": "$0.2/kWh"},
    },
    "colocation": {"price": {"low": "$1200/month", "high": "$1700/month"}, "hours_per_month": 720},
}  # fmt: skip


def drawn(data: Any, path: tuple[str, ...], values: dict[str, float]) -> Any:
    """Data with each range replaced by what was drawn for it."""
    if not isinstance(data, dict):
        return data
    key = KEY_JOINT.join(path)
    if key in values:
        first = str(next(iter(data.values())))
        written = repr(values[key])
        if first.startswith("$"):
            return "$" + written + (first[first.index("/") :] if "/" in first else "")
        return D(written)
    return {k: drawn(v, (*path, k), values) for k, v in data.items()}


def test_draws_are_the_lines_of_each_drawn_value(build: Build) -> None:
    data = scenario(RANGES)
    n = Draws(6)
    lines = lines_of(build(data), n)
    assert len(n.drawn) == 11
    volumes = [float(5 * ONE_REPLICA + 1), 3e8]
    for i in range(6):
        values = {key: float(draws[i]) for (key, _), (_, draws) in n.drawn.items()}
        alone = lines_of(build(drawn(data, (), values)), Point())
        for label, line in lines.items():
            of_draw = np.broadcast_to(line.amount(at(volumes)), (2, 6))[:, i]
            assert of_draw == pytest.approx(alone[label].amount(at(volumes))[:, 0], rel=1e-12), label


def test_a_range_of_one_value_is_that_value(build: Build) -> None:
    point = {**OWNED, "price": {"low": "$325000", "high": "$325000"}, "residual": {"low": "15%", "high": "15%"}}
    lines, alone = lines_of(build(scenario(point)), Draws(4)), lines_of(build(scenario(OWNED)), Point())
    for label, line in lines.items():
        assert np.array_equal(line.amount(at([2e8])), alone[label].amount(at([2e8])))


class Nudged(Exact):
    """Exact numbers, with one figure a seventh more than it is; remembers which figures were asked for."""

    def __init__(self, which: tuple[str, str] | None = None) -> None:
        self.which, self.asked = which, dict[tuple[str, str], Figure]()

    def __call__(self, figure: Figure | Fraction | int) -> Any:
        if not isinstance(figure, Figure):
            return Fraction(figure)
        if figure.of:
            result = figure.factor
            for part, power in figure.of:
                result = result * self(part) ** power
            return result
        key = (figure.name, figure.home.where)
        self.asked[key] = figure
        return Fraction(figure.value) * (F(8, 7) if key == self.which else 1)


def test_the_inputs_of_a_line_are_the_figures_that_move_it(build: Build) -> None:
    owned = {**OWNED, "colocation": {"price": "$1500/month", "hours_per_month": 720}}
    rates = {"prefill_tokens_per_s": 5000, "decode_tokens_per_s": 700}
    case = build(scenario(owned, billed_hours_per_month=700, capacity=rates, zones=2, staging=4))
    volumes = [F(k * 7, 2) * ONE_REPLICA for k in range(1, 12)]

    def amounts_with(n: Any) -> dict[str, list[Fraction]]:
        return {label: [line.amount(at([v]))[0] for v in volumes] for label, line in lines_of(case, n).items()}

    everything = Nudged()
    before = amounts_with(everything)
    listed = {label: {(f.name, f.home.where) for f in line.inputs} for label, line in lines_of(case, Exact()).items()}
    stated = [key for key, figure in everything.asked.items() if not figure.home.is_default]
    assert len(stated) > 20
    for key in stated:
        after = amounts_with(Nudged(key))
        for label, amounts_before in before.items():
            moves = after[label] != amounts_before
            assert moves == (key in listed[label]), f"{label} and {key}"


class TestWhatIsAbsent:
    def notes(self, build: Build, owned: Data) -> tuple[dict[str, LineItem], str, str]:
        notes = Notes()
        lines = lines_of(build(scenario(owned)), Exact(), notes)
        return lines, " ".join(map(str, notes.assumptions)), " ".join(map(str, notes.warnings))

    def test_is_said(self, build: Build) -> None:
        bare = {"price": "$325000", "gpus_per_server": 4, "life_years": 4}
        lines, assumed, warned = self.notes(build, bare)
        assert list(lines) == ["depreciation"]
        for key in ("residual", "cost_of_capital", "maintenance"):
            assert f"`{key}`" in assumed
        assert "no cost of `power` is stated" in warned

    def test_sunk_hardware_has_no_purchase_and_no_capital(self, build: Build) -> None:
        sunk = without(OWNED, "life_years", "residual", "cost_of_capital", "networking", sunk=True)
        lines, assumed, _ = self.notes(build, sunk)
        assert set(lines) == set(expected(F(1))) - {"depreciation", "cost of capital", "networking"}
        assert "already bought" in assumed
        bare = {"gpus_per_server": 4, "sunk": True, "power": "$100/month"}
        assert list(self.notes(build, bare)[0]) == ["power"]

    def test_colocation_that_includes_power(self, build: Build) -> None:
        inside = {**without(OWNED, "power"), "colocation": {"price": "$1500/month", "includes_power": True}}
        lines, _, warned = self.notes(build, inside)
        assert "electricity" not in lines
        assert "power" not in warned

    def test_watts_whatever_the_load(self, build: Build) -> None:
        """Without `idle_watts` a server draws its busy watts all the time, and that is said."""
        power = {"busy_watts": 1000, "price": "$0.1/kWh"}
        lines, assumed, _ = self.notes(build, {**OWNED, "power": power})
        volume = 5 * ONE_REPLICA
        assert lines["electricity"].amount(at([volume]))[0] == month(volume)[0] * HOURS * F("0.1")
        assert "with and without load" in assumed
        assert "`pue`" in assumed


class TestTheCatalogue:
    CATALOGUE: ClassVar[Data] = {
        **FROZEN,
        "hardware": {
            "box": {
                "name": "Box", "gpu": "X100", "gpus": 4, "memory_gb": 80, "prices": [{**PAPER, "price": 100_000}],
                "gpu_watts": {**PAPER, "value": 700}, "system_watts_factor": {**PAPER, "value": D("1.5")},
                "life_years": {**PAPER, "value": 5}, "residual": {**PAPER, "value": "20%", "after_months": 60},
                "maintenance_share_per_year": {**PAPER, "value": "3%"}, "hosting_per_year": {**PAPER, "value": 6000},
            },
            "unpriced": {"name": "No price", "gpu": "X100", "gpus": 4, "system_watts": {**PAPER, "value": 3000}},
        },
        "electricity": {"here": {"name": "Here", "prices": [{**PAPER, "per_kwh": D("0.2")}]}},
        "pue": {"hall": {**PAPER, "name": "Hall", "pue": D("1.4")}},
        "colocation": {
            "racks": {"name": "Racks", "includes_power": False, "prices": [{**PAPER, "per_kw_month": 190}]},
            "all": {"name": "All", "includes_power": True, "prices": [{**PAPER, "per_server_month": 900}]},
        },
    }  # fmt: skip
    POWER: ClassVar[Data] = {"idle_watts": 900, "pue": "frozen/hall", "price": "frozen/here"}

    def amounts(self, build: Build, owned: Data) -> dict[str, Fraction]:
        case = build(scenario(owned), self.CATALOGUE)
        return {label: F(line.amount(at([F(20_000_000)]))[0]) for label, line in lines_of(case).items()}

    def test_what_it_knows_is_taken(self, build: Build) -> None:
        servers, busy_hours = month(F(20_000_000))
        busy_kw = 4 * F(700, 1000) * F("1.5")
        found = self.amounts(build, {"hardware": "frozen/box", "power": self.POWER})
        assert found == {
            "depreciation": servers * F(80_000) / 60,
            "maintenance": servers * F(3_000) / 12,
            "hosting": servers * F(6_000) / 12,
            "electricity": (servers * HOURS * F("0.9") + busy_hours * 3 / 4 * (busy_kw - F("0.9"))) * F("1.4") / 5,
        }

    def test_one_s_own_comes_first(self, build: Build) -> None:
        servers, _ = month(F(20_000_000))
        own: Data = {
            "hardware": "frozen/box", "price": "$90000", "life_years": 3, "residual": "0%", "maintenance": "0%",
            "power": {**self.POWER, "watts": 1000, "pue": 1, "price": "$0.1/kWh"}, "colocation": "$10/hour",
        }  # fmt: skip
        del own["power"]["idle_watts"]
        assert self.amounts(build, own) == {
            "depreciation": servers * F(90_000) / 36,
            "colocation": servers * F(10) * HOURS,
            "electricity": servers * HOURS * F("0.1"),
        }

    def test_two_boxes_bought_together(self, build: Build) -> None:
        case = build(scenario({"hardware": "frozen/box", "gpus_per_server": 8, "power": self.POWER}), self.CATALOGUE)
        volume = 3 * ONE_REPLICA  # nine GPUs: two servers of eight
        line = lines_of(case)["depreciation"]
        assert line.amount(at([volume]))[0] == 2 * F(2 * 80_000) / 60

    def test_space_by_the_kw_is_for_what_a_server_can_draw(self, build: Build) -> None:
        servers, _ = month(F(20_000_000))
        by_kw = self.amounts(build, {"hardware": "frozen/box", "power": self.POWER, "colocation": "frozen/racks"})
        assert by_kw["colocation"] == servers * 190 * 4 * F(700, 1000) * F("1.5")
        assert "hosting" not in by_kw
        inside = self.amounts(build, {"hardware": "frozen/box", "colocation": "frozen/all"})
        assert inside["colocation"] == servers * 900
        assert "electricity" not in inside

    def test_a_residual_after_another_life_is_not_taken(self, build: Build) -> None:
        notes = Notes()
        case = build(scenario({"hardware": "frozen/box", "life_years": 3}), self.CATALOGUE)
        assert lines_of(case, Exact(), notes)["depreciation"].amount(at([F(1)]))[0] == F(100_000) / 36
        assert any("after 60 months" in note.text for note in notes.warnings)

    def test_a_residual_after_one_life_is_not_that_of_a_range_of_lives(self, build: Build) -> None:
        owned = {"hardware": "frozen/box", "life_years": {"low": 4, "high": 6}}
        with pytest.raises(Faults, match="after 60 months"):
            self.amounts(build, owned)
        assert "depreciation" in self.amounts(build, {**owned, "residual": "20%"})

    @pytest.mark.parametrize(
        ("owned", "message"),
        [
            ({"hardware": "frozen/unpriced", "life_years": 4}, "no price of `frozen/unpriced`"),
            ({"hardware": "frozen/unpriced", "price": "$1"}, "how long the hardware lasts"),
            ({"hardware": "frozen/box", "gpus_per_server": 6}, "a multiple of the 4 GPUs"),
            ({"hardware": "frozen/none"}, "frozen/none"),
            ({"hardware": "frozen/box", "power": {"price": "frozen/nowhere"}}, "frozen/nowhere"),
            ({"hardware": "frozen/box", "power": {"price": "$1/kWh", "idle_watts": 9000}}, "more idle than busy"),
            ({"hardware": "frozen/box", "power": POWER, "colocation": "frozen/all"}, "already includes power"),
        ],
    )
    def test_what_cannot_be(self, build: Build, owned: Data, message: str) -> None:
        with pytest.raises(Faults, match=message):
            self.amounts(build, owned)


@pytest.mark.parametrize(
    ("owned", "keys", "message"),
    [
        ({"gpus_per_server": 8}, {}, "`price` or `gpu_price`, or `hardware`"),
        ({"price": "$1"}, {}, "`gpus_per_server` with a price"),
        ({**OWNED, "gpu_price": "$1"}, {}, "one of `price` .* and `gpu_price`"),
        ({**OWNED, "sunk": True}, {}, "no `life_years` beside `sunk: true`"),
        ({**OWNED, "power": {"watts": 1, "idle_watts": 1, "price": "$1/kWh"}}, {}, "either `watts`"),
        ({**OWNED, "power": {"idle_watts": 9, "busy_watts": 8, "price": "$1/kWh"}}, {}, "of at least `idle_watts`"),
        ({**OWNED, "power": {"watts": 9, "price": "0.12/kWh"}}, {}, "kWh"),
        ({**OWNED, "power": {"watts": 9, "price": "$1/kWh", "pue": D("0.9")}}, {}, "PUE of 1 or more"),
        ({**OWNED, "power": {"price": "$1/kWh"}}, {}, "nothing says what a server draws"),
        ({**OWNED, "colocation": {"price": "$1/month", "includes_power": True}}, {}, "no `power` beside"),
        ({**OWNED, "colocation": {"price": "$1/hour", "hours_per_month": 720}}, {}, "`hours_per_month` only"),
        ({**OWNED, "price": "$325000/year"}, {}, "money"),
        ({**OWNED, "maintenance": "12"}, {}, "money|share"),
        (OWNED, {"gpu_price": "$1/hour"}, "one of `gpu`"),
        (OWNED, {"billing": "autoscaled"}, "no `billing` beside `owned`"),
        (OWNED, {"cluster_overhead": "20%"}, "no `cluster_overhead` beside `owned`"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_with_what_was_expected(build: Build, owned: Data, keys: Data, message: str) -> None:
    with pytest.raises(Faults) as caught:
        build(scenario(owned, **keys)).price(Exact())
    assert re.search(message, str(caught.value)), str(caught.value)


class TestOnPremiseBreakEven:
    """Case 1, arXiv 2509.18101: payback = N C / (C_api - N P H R), with H = 176 hours a month of P watts."""

    PRICES: ClassVar = {"gpt-5": (F("1.25"), F(10)), "opus": (F(15), F(75)), "sonnet": (F(3), F(15))}

    def months(self, build: Build, gpus: int, per_s: int, hardware: str, hours: int = 176, **power: Any) -> list[str]:
        api = {
            name: {"kind": "api", "price": {"input": f"${D(i.numerator) / i.denominator}/1M tokens",
                                            "output": f"${o}/1M tokens"}}
            for name, (i, o) in self.PRICES.items()
        }  # fmt: skip
        own = {
            "kind": "self_hosted", "replicas": 1, "gpus_per_replica": gpus,
            "owned": {"hardware": hardware, "life_years": 3, "gpus_per_server": gpus,
                      "power": {"price": "us/paper-2509.18101", "hours_per_month": hours, **power}},
        }  # fmt: skip
        workload = {"volume": f"{per_s * hours * 3600} tokens/month", "input_tokens": 1, "output_tokens": 2}
        case = build({"traffic_days_per_month": 30, "workload": workload, "options": {"own": own, **api}})
        here = at([case.volume()])
        bill = {name: sum(F(x.amount(here)[0]) for _, x in o.lines) for name, o in case.price(Exact()).items()}
        lines = lines_of(case)
        assert set(lines) == {"depreciation", "electricity"}
        capex = F(lines["depreciation"].amount(here)[0]) * 36
        electricity = F(lines["electricity"].amount(here)[0])
        for name, (i, o) in self.PRICES.items():
            assert bill[name] == per_s * hours * 3600 * (i / 3 + o * 2 / 3) / 10**6
        return [f"{float(capex / (bill[name] - electricity)):.3f}" for name in self.PRICES]

    @pytest.mark.parametrize(
        ("gpus", "per_s", "hardware", "published"),
        [
            (1, 190, "hardware/a100-80gb-paper", ["17.8", "2.3", "11.4"]),
            (2, 220, "hardware/a100-80gb-paper", ["30.9", "3.9", "19.8"]),
            (1, 180, "hardware/rtx-5090-paper", ["2.5", "0.3", "1.6"]),
        ],
    )
    def test_published(self, build: Build, gpus: int, per_s: int, hardware: str, published: list[str]) -> None:
        found = self.months(build, gpus, per_s, hardware)
        assert [f"{float(m):.1f}" for m in found] == published

    def test_with_the_hours_and_watts_that_the_text_states(self, build: Build) -> None:
        """160 hours and 400 W, where the tables use 176 and 300."""
        assert self.months(build, 1, 190, "hardware/a100-80gb-paper", 160, watts=400) == ["19.592", "2.496", "12.560"]


class TestOnPremiseAgainstCloud:
    """Case 2, Lenovo Press LP2368: break-even hours = capex / (cloud - opex an hour)."""

    def hourly(self, build: Build, **owned: Any) -> tuple[Fraction, dict[str, Fraction]]:
        """What was paid, and each running cost an hour."""
        given = {"price": "$250141.80", "gpus_per_server": 8, "life_years": 5, **owned}
        own = {"kind": "self_hosted", "replicas": 1, "gpus_per_replica": 8, "owned": given}
        case = build({"workload": {"volume": "1M tokens/day", "input_tokens": 1}, "options": {"own": own}})
        amount = {label: F(line.amount(at([F(10**6)]))[0]) for label, line in lines_of(case).items()}
        return amount.pop("depreciation") * 60, {label: money / HOURS for label, money in amount.items()}

    @pytest.mark.parametrize(
        ("cloud", "hours", "months"), [("98.32", "2720.41", "3.727"), ("62.92", "4423.37", "6.059")]
    )
    def test_published(self, build: Build, cloud: str, hours: str, months: str) -> None:
        capex, opex = self.hourly(build, maintenance="$3.42/hour", power="$0.87/hour", colocation="$2.08/hour")
        assert capex == F("250141.80")
        assert sum(opex.values()) == F("6.37")
        even = capex / (F(cloud) - sum(opex.values()))
        assert f"{float(even):.2f}" == hours
        assert f"{float(even / 730):.3f}" == months
        an_hour = round(capex / 43_800 + sum(opex.values()), 2)
        assert an_hour == F("12.08"), "as the paper rounds it"
        assert f"{float(an_hour / (F(30_576) * 3600 / 10**6)):.4f}" == "0.1097"

    def test_hours_per_line_are_inputs(self, build: Build) -> None:
        """12 % a year over 8,760 h is 3.43 an hour (printed: 3.42); $1,500 over 720 h is 2.08, over 730 h 2.05."""
        space = {"price": "$1500/month", "hours_per_month": 720}
        _, opex = self.hourly(build, maintenance="12%", power="$0.87/hour", colocation=space)
        assert opex["maintenance"] == F("250141.80") * F(12, 100) / 8760
        assert opex["colocation"] == F(1500, 720)
        _, plain = self.hourly(build, maintenance="12%", power="$0.87/hour", colocation="$1500/month")
        assert plain["colocation"] == F(1500, 730)
        assert [f"{float(x):.2f}" for x in (opex["maintenance"], opex["colocation"], plain["colocation"])] == [
            "3.43", "2.08", "2.05",
        ]  # fmt: skip

    def test_the_catalogue_s_entry_says_the_same(self, build: Build) -> None:
        own = {
            "kind": "self_hosted", "replicas": 1, "gpus_per_replica": 8,
            "owned": {"hardware": "hardware/lenovo-lp2368-8xh100", "colocation": "data-centres/lenovo-lp2368"},
        }  # fmt: skip
        case = build({"workload": {"volume": "1M tokens/day", "input_tokens": 1}, "options": {"own": own}})
        amount = {label: F(line.amount(at([F(10**6)]))[0]) for label, line in lines_of(case).items()}
        assert amount == {
            "depreciation": F("250141.80") / 60,
            "maintenance": F("250141.80") * F(12, 100) / 12,
            "colocation": 1500,
            "power and cooling": F("0.87") * 730,
        }


class TestServerYear:
    """Case 3, NVIDIA: a server-year is price / years + hosting + software."""

    def test_published(self, build: Build) -> None:
        own = {
            "kind": "self_hosted", "gpus_per_replica": 2, "capacity": {"requests_per_s": D("2.5")},
            "owned": {"hardware": "hardware/nvidia-example-8gpu", "software": "$4500/year"},
        }  # fmt: skip
        workload = {"volume": "120k requests/day", "input_tokens": 300, "load": {"peak_hour_share": "20%"}}
        case = build({"workload": workload, "options": {"own": own}})
        lines = lines_of(case)
        a_year = sum(F(line.amount(at([case.volume()]))[0]) for line in lines.values()) * 12
        assert a_year == 320_000 // 4 + 3_000 + 4_500 == 87_500
        peak = F(120_000) * F(20, 100) / 3600
        assert math.ceil(math.ceil(peak / F("2.5")) * 2 / 8) == 1
        assert lines["depreciation"].quantity.value(at([case.volume()]))[0] == 1
        assert f"{float(a_year / (120_000 * 365) * 1000):.4f}" == "1.9977"
