"""Terms of business of an API against an invoice written out: hour by hour, tier by tier, with plain ifs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import Build, Data

from tco.analysis.compare import compare
from tco.document import Faults
from tco.draws import Draws
from tco.lineitem import INVOICE, KEY_JOINT, Bill, Exact, LineItem, Point
from tco.quantity import at, just_above
from tco.ranges import Range

F = Fraction
DAYS = F(365, 12)
NONE, WHOLE = F(0), F(1)
IN, OUT = F(2), F(8)
FLAT = [F(1)] * 24
OFFICE = [F(h in range(8, 18)) * (2 if h == 11 else 1) for h in range(24)]
WEEK = [*OFFICE * 5, *[F(1, 2)] * 48]
CLASSES: dict[str, Data] = {
    "chat": {"share": "60%", "input_tokens": 900, "output_tokens": 100},
    "agent": {"share": "rest", "input_tokens": 2000, "output_tokens": 500, "calls_per_task": 3},
}


def workload(load: list[Fraction] = FLAT, **keys: Any) -> Data:
    found: Data = {"volume": "1M tokens/day", "classes": CLASSES, "overhead": {"retries": "5%"}, **keys}
    return found if load is FLAT else {**found, "load": {"by_hour": [float(w) for w in load]}}


def scenario(load: Any = FLAT, **api: Any) -> Data:
    price = {"input": "$2/1M tokens", "output": "$8/1M tokens"}
    option = {"kind": "api", **({} if "model" in api else {"price": price}), **api}
    return {"workload": workload(load), "options": {"api": option}}


# -- the oracle ------------------------------------------------------------


def more(a: Fraction, b: Fraction, above: bool) -> bool:
    """a > b; in the limit from above also where they are equal."""
    return a > b or (above and a == b)


class Invoice:
    """What a month costs at a volume. Days of a week one after another, hours of a day one after another."""

    def __init__(self, volume: Fraction, load: list[Fraction] = FLAT, above: bool = False) -> None:
        self.above = above
        shares = {"chat": F(60, 100), "agent": F(40, 100)}
        tokens = {"chat": (F(900), F(100), 1), "agent": (F(2000), F(500), 3)}
        mean = sum((shares[c] * (i + o) * calls for c, (i, o, calls) in tokens.items()), F(0))
        week = load if len(load) == 168 else load * 7
        per_week = sum(week)
        self.hours: list[tuple[int, int, str, Fraction]] = []
        """Day of the week, hour, class, requests of one such hour, overhead included."""
        for day in range(7):
            for hour in range(24):
                for c, share in shares.items():
                    requests = volume * 7 * share / mean * week[day * 24 + hour] / per_week * F(105, 100)
                    self.hours.append((day, hour, c, requests))
        self.tokens = tokens
        self.each_weekday = DAYS / 7
        """How many Mondays, Tuesdays, ... a month has."""

    def calls(self) -> Fraction:
        return sum((q * self.tokens[c][2] for _, _, c, q in self.hours), F(0)) * self.each_weekday

    def spend(
        self,
        price: Callable[[str, int], Fraction] = lambda side, _: IN if side == "input" else OUT,
        free: Mapping[str, tuple[Fraction, str]] | None = None,
    ) -> Fraction:
        """Money for tokens: each at its price and hour, less what is free of it; free tokens are a mean of all."""
        total = F(0)
        for key, sides in {
            "tokens": ("input", "output"),
            "input_tokens": ("input",),
            "output_tokens": ("output",),
        }.items():
            if free is None and key == "tokens":
                continue
            quota, per = (free or {}).get(key, (F(0), "month"))
            if key == "tokens" and not quota:
                continue
            if free is not None and "tokens" in free and key != "tokens":
                continue
            periods = [{day} for day in range(7)] if per == "day" else [set(range(7))]
            for period in periods:
                used = cost = F(0)
                for day, hour, c, requests in self.hours:
                    if day in period:
                        for side in sides:
                            n = requests * self.tokens[c][0 if side == "input" else 1] * self.tokens[c][2]
                            n *= 1 if per == "day" else self.each_weekday
                            used += n
                            cost += n * price(side, hour) / 10**6
                billed = cost * (used - quota) / used if used > quota else F(0)
                total += billed * (self.each_weekday if per == "day" else 1)
        return total


def marginal(spend: Fraction, tiers: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Spend after discounts on what is above each level."""
    total = F(0)
    for i, (above, discount) in enumerate(tiers):
        upto = tiers[i + 1][0] if i + 1 < len(tiers) else None
        if spend > above:
            total += (min(spend, upto) if upto is not None else spend) * discount - above * discount
    return spend - total


def all_units(spend: Fraction, tiers: list[tuple[Fraction, Fraction]], above: bool) -> Fraction:
    """Spend after the discount of the highest level that it is above."""
    discount = F(0)
    for level, off in tiers:
        if more(spend, level, above):
            discount = off
    return spend * (1 - discount)


def committed(spend: Fraction, promised: Fraction, discount: Fraction = NONE, overage: Fraction = WHOLE) -> Fraction:
    """What is paid: the promise, and beyond it the overage price of what the promise did not cover."""
    covered = promised / (1 - discount)
    return promised if spend <= covered else promised + (spend - covered) * overage


def volume_for(spend: Fraction) -> Fraction:
    """The volume whose tokens, all at one price, come to so much a month."""
    return spend / Invoice(F(1)).spend()


# -- helpers ------------------------------------------------------------


def bill_of(build: Build, data: Data, n: Any = None) -> Bill:
    (part,) = build(data).price(n or Exact())["api"].parts
    return part.bill


def sum_of(values: Iterable[Fraction]) -> Fraction:
    return sum(values, F(0))


def amount(lines: Any, here: Any) -> Any:
    return sum((line.amount(here) for line in lines), 0)


def check(build: Build, data: Data, want: Callable[[Fraction, bool], Fraction], volumes: list[Fraction]) -> None:
    """The whole bill at each volume and just above it: exactly in fractions, within 1e-12 of the gross in floats."""
    exact, rough = bill_of(build, data).lines, bill_of(build, data, Point()).lines
    for v in volumes:
        assert amount(exact, at([v]))[0] == want(v, False), float(v)
        gross = sum(abs(line.amount(at([v]))[0]) for line in exact) + Invoice(v).spend()  # free tokens too
        assert abs(F(float(amount(rough, at([float(v)]))[0, 0])) - want(v, False)) <= gross / 10**12
        assert abs(amount(exact, just_above([v]))[0] - want(v, True)) <= (gross + 1) / 2**150
        assert abs(F(float(amount(rough, just_above([float(v)]))[0, 0])) - want(v, True)) <= (gross + 1) / 10**11


SPREAD = [F(1), F(10**4), F(10**6), F(123_456_789), F(10**10)]


def text(x: float) -> str:
    return format(Decimal(repr(x)), "f")


def check_draws(build: Build, given: Callable[[Callable[[str, str, str], Any]], Data], volumes: list[float]) -> None:
    """Every range drawn: the same as a scenario that states what was drawn. A range of one value is that value.

    `given` builds a scenario with a function that makes a value of a low and a high figure and its form.
    """
    degenerate = given(lambda low, _, form: {"low": form.format(low), "high": form.format(low)})
    point = given(lambda low, _, form: form.format(low))
    same, plain = bill_of(build, degenerate, Draws(8)).lines, bill_of(build, point, Point()).lines
    assert amount(same, at(volumes)).tolist() == amount(plain, at(volumes)).tolist()

    draws = Draws(8)
    ranged = given(lambda low, high, form: {"low": form.format(low), "high": form.format(high)})
    found = amount(bill_of(build, ranged, draws).lines, at(volumes))
    assert draws.drawn
    assert found.shape == (len(volumes), 8)
    for k in range(8):
        left = {f.value.low: values[k] for f, values in draws.drawn.values() if isinstance(f.value, Range)}
        assert len(left) == len(draws.drawn), "each range of the test begins elsewhere"

        def drawn(low: str, high: str, form: str, left: dict[Fraction, Any] = left) -> str:
            scale = 100 if "%" in form else 1
            return form.format(text(float(left[F(low) / scale]) * scale))

        one = amount(bill_of(build, given(drawn), Point()).lines, at(volumes))[:, 0]
        np.testing.assert_allclose(found[:, k], one, rtol=1e-12)
    assert np.ptp(found, axis=1).min() > 0


HOURS_LOOKED_AT = (9, 11, 150)
"""Of a week's load profile: a usual hour, the busiest, one of the weekend."""


def numbers_in(data: Any, path: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    """Where every number stands that somebody typed: not the volume, which lines are looked at, nor times of day."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            if path[-1:] != ("by_hour",) or key in HOURS_LOOKED_AT:
                yield from numbers_in(value, (*path, key))
    elif path[-1] not in ("volume", "hours") and re.match(r"[$]?\d", str(data)):
        yield path


def bumped(data: Any, path: tuple[Any, ...]) -> Any:
    """The data with the number there three tenths larger."""
    if path:
        copy = data.copy()
        copy[path[0]] = bumped(data[path[0]], path[1:])
        return copy
    parts = re.fullmatch(r"([$]?)([\d.]+)(.*)", str(data))
    assert parts, data
    more = Decimal(parts[2]) * 13 / 10
    return f"{parts[1]}{more:f}{parts[3]}" if isinstance(data, str) else more


def check_inputs(build: Build, data: Data, volumes: list[Fraction]) -> None:
    """A line's inputs are the numbers of the scenario that move it: all of them, and no other."""

    def values(lines: tuple[LineItem, ...]) -> list[list[Fraction]]:
        return [line.amount(at(volumes)).tolist() for line in lines]

    lines = bill_of(build, data).lines
    before = values(lines)
    homes = [{f.home.key for f in line.inputs if f.home.key} for line in lines]
    found = set()
    for path in numbers_in(data):
        keys = {KEY_JOINT.join(map(str, path[:k])) for k in range(1, len(path) + 1)}  # a list is one figure
        after = values(bill_of(build, bumped(data, path)).lines)
        moved = {line.label for line, a, b in zip(lines, before, after, strict=True) if a != b}
        assert moved == {line.label for line, home in zip(lines, homes, strict=True) if home & keys}, path
        found |= keys
    assert set().union(*homes) <= found, "every figure was looked at"


# -- commitments ------------------------------------------------------------


class TestCommitment:
    LEVEL = volume_for(F(10_000))

    @pytest.mark.parametrize("spend", ["$10k/month", "$120k/year"])
    def test_what_is_promised_is_paid(self, build: Build, spend: str) -> None:
        data = scenario(commitment={"spend": spend})
        volumes = [*SPREAD, self.LEVEL, self.LEVEL / 2, self.LEVEL * 3]
        check(build, data, lambda v, _: committed(Invoice(v).spend(), F(10_000)), volumes)

    def test_shortfall_is_its_own_line_and_ends_where_it_is_used_up(self, build: Build) -> None:
        *_, line = bill_of(build, scenario(commitment={"spend": "$10k/month"})).lines
        assert (line.label, line.category) == ("commitment shortfall", INVOICE)
        got = line.amount(at([self.LEVEL / 4, self.LEVEL, self.LEVEL * 2])).tolist()
        assert got == [F(7_500), 0, 0]

    @pytest.mark.parametrize(("discount", "overage"), [("20%", None), (None, "110%"), ("15%", "1.2"), ("15%", "90%")])
    def test_another_price_within_and_beyond(self, build: Build, discount: str | None, overage: str | None) -> None:
        stated = {k: v for k, v in (("discount", discount), ("overage", overage)) if v is not None}
        data = scenario(commitment={"spend": "$10k/month", **stated})
        off = F(discount[:-1]) / 100 if discount else F(0)
        over = {None: F(1), "110%": F("1.1"), "1.2": F("1.2"), "90%": F("0.9")}[overage]
        level = volume_for(10_000 / (1 - off))
        volumes = [*SPREAD, level, level / 3, level * 7]
        check(build, data, lambda v, _: committed(Invoice(v).spend(), F(10_000), off, over), volumes)

    def test_spend_is_after_markup_and_discount(self, build: Build) -> None:
        data = scenario(commitment={"spend": "$10k/month"}, markup="10%", discount="25%", region_uplift="20%")
        factor = F("1.1") * F("0.75") * F("1.2")
        level = volume_for(F(10_000)) / factor
        check(build, data, lambda v, _: committed(Invoice(v).spend() * factor, F(10_000)), [*SPREAD, level])

    def test_fees_do_not_count_towards_it(self, build: Build) -> None:
        data = scenario(commitment={"spend": "$10k/month"}, request_fee="$0.001/request")
        check(
            build, data,
            lambda v, _: committed(Invoice(v).spend(), F(10_000)) + Invoice(v).calls() / 1000,
            [*SPREAD, self.LEVEL],
        )  # fmt: skip

    def test_ranges(self, build: Build) -> None:
        check_draws(
            build,
            lambda r: scenario(
                commitment={
                    "spend": r("9000", "12000", "${}/month"),
                    "discount": r("10", "30", "{}%"),
                    "overage": r("1.1", "1.3", "{}"),
                }
            ),
            [1e6, float(self.LEVEL), 1e10],
        )

    def test_one_account_behind_a_hybrid(self, build: Build) -> None:
        data = scenario(commitment={"spend": "$10k/month"})
        data["options"]["twice"] = {"kind": "hybrid", "routes": {"api": "50%", "inner": "rest"}}
        data["options"]["inner"] = {"kind": "hybrid", "routes": {"api": "100%"}}
        options = build(data).price(Exact())
        for v in (F(10**6), F(10**10)):
            one, two = (amount([x for _, x in options[name].lines], at([v]))[0] for name in ("api", "twice"))
            assert one == two


# -- volume discounts ------------------------------------------------------------


TIERS: list[Data] = [
    {"above": "$1000/month", "discount": "5%"},
    {"above": "$10k/month", "discount": "10%"},
    {"above": "$50k/month", "discount": "40%"},
]
PLAIN = [(F(1000), F("0.05")), (F(10_000), F("0.1")), (F(50_000), F("0.4"))]
ON = [volume_for(level) for level, _ in PLAIN]


class TestVolumeDiscounts:
    def test_marginal(self, build: Build) -> None:
        data = scenario(volume_discounts=TIERS)
        check(build, data, lambda v, _: marginal(Invoice(v).spend(), PLAIN), [*SPREAD, *ON])

    def test_all_units_include_their_upper_end(self, build: Build) -> None:
        data = scenario(all_units_discounts=TIERS)
        check(build, data, lambda v, above: all_units(Invoice(v).spend(), PLAIN, above), [*SPREAD, *ON])

    def test_all_units_from_the_first_dollar_on(self, build: Build) -> None:
        tiers = [{"above": "$0/month", "discount": "3%"}, *TIERS]
        data = scenario(all_units_discounts=tiers)
        plain = [(F(0), F("0.03")), *PLAIN]
        check(build, data, lambda v, above: all_units(Invoice(v).spend(), plain, above), [*SPREAD, *ON])

    @pytest.mark.parametrize("key", ["volume_discounts", "all_units_discounts"])
    def test_a_commitment_is_held_against_what_is_left(self, build: Build, key: str) -> None:
        data = scenario(**{key: TIERS}, commitment={"spend": "$20k/month"})

        def want(v: Fraction, above: bool) -> Fraction:
            spend = Invoice(v).spend()
            net = marginal(spend, PLAIN) if key == "volume_discounts" else all_units(spend, PLAIN, above)
            return committed(net, F(20_000))

        check(build, data, want, [*SPREAD, *ON, volume_for(F(22_222))])

    @pytest.mark.parametrize("key", ["volume_discounts", "all_units_discounts"])
    def test_ranges(self, build: Build, key: str) -> None:
        check_draws(
            build,
            lambda r: scenario(
                **{
                    key: [
                        {"above": r("1000", "2000", "${}/month"), "discount": r("5", "7", "{}%")},
                        {"above": r("9000", "12000", "${}/month"), "discount": r("11", "15", "{}%")},
                    ]
                }
            ),
            [float(volume_for(F(10_500))), 1e9],
        )

    def test_a_level_that_is_drawn_above_its_point_of_nothing(self, build: Build) -> None:
        """All units: once spend is above what the level is drawn as, all of it is discounted."""
        above = {"low": "$0/month", "mode": "$0/month", "high": "$20k/month"}
        data = scenario(all_units_discounts=[{"above": above, "discount": "10%"}])
        draws = Draws(8)
        volume = float(volume_for(F(9000)))
        found = amount(bill_of(build, data, draws).lines, at([volume]))[0]
        ((_, level),) = draws.drawn.values()
        np.testing.assert_allclose(found, np.where(level < 9000, 8100, 9000), rtol=1e-9)
        assert len(set(found.round().tolist())) == 2
        sure = scenario(all_units_discounts=[{"above": "$0/month", "discount": "10%"}])
        for n in (Exact(), Point()):
            here = at([volume_for(F(9000))]) if n.exact else at([volume])
            one, other = (float(np.ravel(amount(bill_of(build, d, n).lines, here))[0]) for d in (data, sure))
            assert one == other

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ({"volume_discounts": [TIERS[1], TIERS[0]]}, "ascends from tier to tier"),
            ({"volume_discounts": [TIERS[0], {"above": "€2k/month", "discount": "6%"}]}, "in one currency"),
            (
                {"volume_discounts": [{"above": {"low": "$1/month", "high": "$1500/month"}, "discount": 0}, TIERS[0]]},
                "ascends from tier to tier",
            ),
            ({"volume_discounts": TIERS, "all_units_discounts": TIERS}, "either `volume_discounts`"),
            ({"commitment": {"spend": "$1/month", "discount": "100%"}}, "below 100%"),
            ({"commitment": {"spend": "$0/month"}}, "above 0"),
            ({"commitment": {"spend": "$1/month", "discount": {"p10": "1%", "p90": "9%"}}}, "between bounds"),
            (
                {"volume_discounts": [{"above": {"p10": "$1/month", "p90": "$2/month"}, "discount": 0}, TIERS[0]]},
                "between bounds",
            ),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, build: Build, keys: Data, message: str) -> None:
        with pytest.raises(Faults, match=message):
            build(scenario(**keys))


# -- free quotas ------------------------------------------------------------


def tokens_a_day(side: str) -> Fraction:
    """Billed tokens on a side of a mean day at a volume of one."""
    (chat_in, chat_out, _), (agent_in, agent_out, calls) = (900, 100, 1), (2000, 500, 3)
    mean = F(60, 100) * 1000 + F(40, 100) * 2500 * 3
    one = {"input": F(60, 100) * chat_in + F(40, 100) * agent_in * calls,
           "output": F(60, 100) * chat_out + F(40, 100) * agent_out * calls}  # fmt: skip
    return one[side] / mean * F("1.05")


class TestFreeQuota:
    def test_input_and_output_apart(self, build: Build) -> None:
        data = scenario(free_quota={"input_tokens": "30M tokens/month", "output_tokens": "1M tokens/day"})
        free = {"input_tokens": (F(30 * 10**6), "month"), "output_tokens": (F(10**6), "day")}
        on = [30 * 10**6 / DAYS / tokens_a_day("input"), 10**6 / tokens_a_day("output")]
        check(build, data, lambda v, _: Invoice(v).spend(free=free), [*SPREAD, *on])

    def test_together_each_line_gets_its_share(self, build: Build) -> None:
        data = scenario(free_quota={"tokens": "30M tokens/month"})
        on = 30 * 10**6 / DAYS / F("1.05")
        free = {"tokens": (F(30 * 10**6), "month")}
        check(build, data, lambda v, _: Invoice(v).spend(free=free), [*SPREAD, on])
        lines = bill_of(build, data).lines
        assert len(lines) == 4
        for line in lines:
            assert all(x >= 0 for x in line.amount(at(SPREAD))), "no credit above its line"
            assert line.amount(at([on]))[0] == 0
            assert line.amount(at([on * F(1_000_001, 1_000_000)]))[0] > 0

    @pytest.mark.parametrize("load", [OFFICE, WEEK])
    def test_a_daily_quota_knows_the_days_of_the_week(self, build: Build, load: list[Fraction]) -> None:
        data = scenario(load, free_quota={"input_tokens": "5M tokens/day"})
        free = {"input_tokens": (F(5 * 10**6), "day")}
        weekday = Invoice(F(1), load).hours
        busiest = sum_of(q * (900 if c == "chat" else 6000) for day, _, c, q in weekday if day == 0)
        quietest = sum_of(q * (900 if c == "chat" else 6000) for day, _, c, q in weekday if day == 6)
        on = [5 * 10**6 / busiest, 5 * 10**6 / quietest]
        check(build, data, lambda v, _: Invoice(v, load).spend(free=free), [*SPREAD, *on, (on[0] + on[1]) / 2])

    def test_a_quota_beside_prices_by_the_hour(self, build: Build) -> None:
        data = scenario(
            WEEK, free_quota={"tokens": "5M tokens/day"}, time_of_day={"dear": {"hours": "11-13", "surcharge": "50%"}}
        )
        free = {"tokens": (F(5 * 10**6), "day")}

        def price(side: str, hour: int) -> Fraction:
            return (IN if side == "input" else OUT) * (F(3, 2) if hour in (11, 12) else 1)

        check(build, data, lambda v, _: Invoice(v, WEEK).spend(price, free), [*SPREAD, F(5 * 10**6)])

    def test_spend_counts_only_what_is_billed(self, build: Build) -> None:
        data = scenario(free_quota={"tokens": "30M tokens/month"}, commitment={"spend": "$10k/month"})
        free = {"tokens": (F(30 * 10**6), "month")}
        check(build, data, lambda v, _: committed(Invoice(v).spend(free=free), F(10_000)), SPREAD)

    def test_a_mix_that_changes_with_the_volume_is_served_in_order(self, build: Build) -> None:
        """What two classes spill differs hour by hour: free tokens then go to the first class first."""
        peaks: Data = {
            "day": {**CLASSES["chat"], "load": {"by_hour": [int(h < 12) for h in range(24)]}},
            "night": {**CLASSES["chat"], "share": "rest", "load": {"by_hour": [1 + int(h >= 12) for h in range(24)]}},
        }
        fleet = {
            "kind": "self_hosted",
            "gpu_price": "$1/hour",
            "capacity": {"requests_per_s": 1},
            "replicas": {"max": 1},
        }
        price = {"input": "$2/1M tokens", "output": "$8/1M tokens"}

        def priced(**quota: Any) -> Any:
            data = {
                "workload": {"volume": "1M tokens/day", "classes": peaks},
                "options": {
                    "fleet": {**fleet, "candidate": False},
                    "api": {"kind": "api", "price": price, **quota},
                    "mixed": {
                        "kind": "hybrid", "routes": {"fleet": "70%", "api": "rest"}, "overflow": {"fleet": "api"},
                    },
                },
            }  # fmt: skip
            return [line for part, line in build(data).price(Exact())["mixed"].lines if part == "api"]

        volumes = [F(10**6), F(4 * 10**7), F(10**8), F(10**9)]
        whole = {line.label: line for line in priced()}
        quota = F(10**7)
        for i, v in enumerate(volumes):
            left, want = quota, {}
            for c in ("day", "night"):
                used = {x: whole[f"{c}: {x} tokens"].quantity.value(at([v]))[0] * 10**6 for x in ("input", "output")}
                free = min(left, sum(used.values()))
                left -= free
                for x, q in used.items():
                    want[f"{c}: {x} tokens beyond the free quota"] = q - q * free / sum(used.values())
            got = {
                x.label: x.quantity.value(at(volumes))[i] * 10**6
                for x in priced(free_quota={"tokens": "10M tokens/month"})
            }
            assert got == want

    @pytest.mark.parametrize(
        ("load", "per", "listed"),
        [(WEEK, "day", True), (WEEK, "month", False), (OFFICE, "day", False), (FLAT, "day", False)],
    )
    def test_the_days_of_the_week_are_among_the_figures_of_a_daily_quota(
        self, build: Build, load: list[Fraction], per: str, listed: bool
    ) -> None:
        """Just where another profile of the same length would move the line."""
        data = scenario(
            load,
            request_fee="$2/1k requests",
            free_quota={"tokens": f"5M tokens/{per}", "requests": f"1000 requests/{per}"},
            tools={"search": {"price": "$1/request", "per_request": 1, "free": f"900 requests/{per}"}},
        )
        changed = [w + (F(3) if h == 9 else F(0)) for h, w in enumerate(load)]
        other = {**data, "workload": workload(changed)}
        volumes = [F(k * 250_000) for k in range(2, 40)]
        lines, after = bill_of(build, data).lines, bill_of(build, other).lines
        assert len(lines) == 6
        for line, moved in zip(lines, after, strict=True):
            assert (line.amount(at(volumes)).tolist() != moved.amount(at(volumes)).tolist()) == listed, line.label
            assert any("by_hour" in f.home.key for f in line.inputs) == listed, line.label

    def test_of_a_daily_quota_a_day_that_is_the_same_all_week_moves_nothing(self, build: Build) -> None:
        """Beside a class with a week of its own."""
        own = {name: {**c} for name, c in CLASSES.items()}
        own["chat"]["load"] = {"by_hour": [float(w) for w in WEEK]}
        own["agent"]["load"] = {"by_hour": [float(w) for w in OFFICE]}
        data = scenario(free_quota={"tokens": "5M tokens/day"})
        data["workload"]["classes"] = own
        for line in bill_of(build, data).lines:
            keys = {f.home.key for f in line.inputs if "by_hour" in f.home.key}
            assert keys == {KEY_JOINT.join(("workload", "classes", "chat", "load", "by_hour"))}

    def test_ranges(self, build: Build) -> None:
        check_draws(
            build,
            lambda r: scenario(
                free_quota={"tokens": r("20000000", "40000000", "{} tokens/month")}, markup=r("0.1", "0.3", "{}")
            ),
            [2e6, 1e9],
        )

    @pytest.mark.parametrize(
        ("quota", "message"),
        [
            ({"tokens": "1M tokens/year"}, "tokens/day or tokens/month"),
            ({"tokens": "1M requests/day"}, "`tokens` in tokens/day"),
            ({"tokens": "1M tokens/day", "input_tokens": "1 tokens/day"}, "either `tokens`"),
            ({"requests": "5 requests/day"}, "`request_fee` beside free requests"),
            ({}, "`tokens`, or"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, build: Build, quota: Data, message: str) -> None:
        with pytest.raises(Faults, match=message):
            build(scenario(free_quota=quota))


# -- prices by the hour ------------------------------------------------------------


class TestTimeOfDay:
    @pytest.mark.parametrize("load", [FLAT, OFFICE, WEEK])
    @pytest.mark.parametrize(
        ("hours", "parts"),
        [
            ("16-24", {h: F(1) for h in range(16, 24)}),
            ("16:30-0:30", {16: F(1, 2), **{h: F(1) for h in range(17, 24)}, 0: F(1, 2)}),
            ([9, 11, 23], {9: F(1), 11: F(1), 23: F(1)}),
        ],
    )
    def test_each_hours_tokens_at_its_price(
        self, build: Build, load: list[Fraction], hours: Any, parts: dict[int, Fraction]
    ) -> None:
        data = scenario(load, time_of_day={"off-peak": {"hours": hours, "discount": "75%"}})

        def price(side: str, hour: int) -> Fraction:
            return (IN if side == "input" else OUT) * (1 - F("0.75") * parts.get(hour, 0))

        check(build, data, lambda v, _: Invoice(v, load).spend(price), SPREAD)

    def test_two_windows_and_hours_of_neither(self, build: Build) -> None:
        windows = {"night": {"hours": "22-6", "discount": "50%"}, "noon": {"hours": [11, 12], "surcharge": "30%"}}
        data = scenario(OFFICE, time_of_day=windows)
        factor = {**dict.fromkeys((22, 23, *range(6)), F(1, 2)), 11: F("1.3"), 12: F("1.3")}
        check(
            build,
            data,
            lambda v, _: Invoice(v, OFFICE).spend(lambda s, h: (IN if s == "input" else OUT) * factor.get(h, 1)),
            SPREAD,
        )
        labels = [line.label for line in bill_of(build, data).lines]
        assert not any("night" in label for label in labels), "no traffic at night, no line of it"
        assert "chat: input tokens (noon)" in labels

    def test_batches_pay_the_same_at_any_hour(self, build: Build) -> None:
        data = scenario(
            model="frozen/rich", batch_share="30%", time_of_day={"all": {"hours": "0-12", "discount": "50%"}}
        )
        plain = scenario(model="frozen/rich", batch_share="30%")
        for want, got in zip(
            *([x for x in bill_of(build, d).lines if "(batch" in x.label] for d in (plain, data)), strict=True
        ):
            assert want.label == got.label
            assert want.amount(at(SPREAD)).tolist() == got.amount(at(SPREAD)).tolist()

    def test_ranges(self, build: Build) -> None:
        check_draws(
            build,
            lambda r: scenario(OFFICE, time_of_day={"dear": {"hours": "10-12", "surcharge": r("0.2", "0.9", "{}")}}),
            [1e6],
        )

    @pytest.mark.parametrize(
        ("windows", "message"),
        [
            ({"a": {"hours": "25-3", "discount": "5%"}}, "hours of the day"),
            ({"a": {"hours": "9:70-10", "discount": "5%"}}, "hours of the day"),
            ({"a": {"hours": "0-24", "discount": "5%"}}, "no price by hour"),
            ({"a": {"hours": [1, 1], "discount": "5%"}}, "each hour once"),
            ({"a": {"hours": [24], "discount": "5%"}}, "hours of the day"),
            ({"a": {"hours": "9-10"}}, "one of `discount` and `surcharge`"),
            ({"a": {"hours": "9-10", "discount": "5%", "surcharge": "5%"}}, "one of `discount` and `surcharge`"),
            ({"a": {"hours": "9-11", "discount": "5%"}, "b": {"hours": [10], "discount": "5%"}}, "`a` and `b`"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, build: Build, windows: Data, message: str) -> None:
        with pytest.raises(Faults, match=message):
            build(scenario(time_of_day=windows))


# -- fees ------------------------------------------------------------


class TestFees:
    def test_a_fee_for_every_model_call(self, build: Build) -> None:
        data = scenario(request_fee="$2/1k requests")
        check(build, data, lambda v, _: Invoice(v).spend() + Invoice(v).calls() * 2 / 1000, SPREAD)

    @pytest.mark.parametrize("load", [FLAT, WEEK])
    def test_free_requests_a_day(self, build: Build, load: list[Fraction]) -> None:
        data = scenario(load, request_fee="$2/1k requests", free_quota={"requests": "1000 requests/day"})

        def want(v: Fraction, _: bool) -> Fraction:
            invoice, paid = Invoice(v, load), F(0)
            for day in range(7):
                calls = sum(q * (3 if c == "agent" else 1) for d, _, c, q in invoice.hours if d == day)
                paid += max(calls - 1000, F(0)) * invoice.each_weekday
            return invoice.spend() + paid * 2 / 1000

        on = 1000 / sum_of(q * (3 if c == "agent" else 1) for d, _, c, q in Invoice(F(1), load).hours if d == 0)
        check(build, data, want, [*SPREAD, on])

    def test_tools_by_request_and_by_class(self, build: Build) -> None:
        tools = {
            "web-search": {"price": "$10/1k requests", "per_request": Decimal("0.3"), "free": "45k requests/month"},
            "code": {"price": "$0.05/request", "per_request": {"agent": 2}},
        }
        data = scenario(tools=tools)

        def requests(v: Fraction, name: str) -> Fraction:
            return sum((q for _, _, c, q in Invoice(v).hours if c == name), F(0)) * DAYS / 7

        def want(v: Fraction, _: bool) -> Fraction:
            searches = (requests(v, "chat") + requests(v, "agent")) * F("0.3")
            return Invoice(v).spend() + max(searches - 45_000, F(0)) / 100 + requests(v, "agent") * 2 * F("0.05")

        one = (requests(F(1), "chat") + requests(F(1), "agent")) * F("0.3")
        check(build, data, want, [*SPREAD, 45_000 / one])

    def test_seats_and_migrations(self, build: Build) -> None:
        data = scenario(
            seats={"count": 25, "price": "$30/seat-month"}, migrations={"cost": "$8k", "every": "18 months"}
        )
        check(build, data, lambda v, _: Invoice(v).spend() + 25 * 30 + F(8000, 18), SPREAD)
        categories = {line.label: line.category for line in bill_of(build, data).lines}
        assert (categories["seats"], categories["model migrations"]) == (INVOICE, "fixed")

    @pytest.mark.parametrize(
        ("every", "months"),
        [("year", 12), ("quarter", 3), ("months", 1), ("18 months", 18), ("1.5 years", 18), ("2 yr", 24), ("6 mo", 6)],
    )
    def test_every_so_often_is_written_alike_everywhere(self, build: Build, every: str, months: int) -> None:
        stated = {"cost": "$8k", "every": every}
        for keys in ({"migrations": stated}, {"fixed_costs": {"x": stated}}):
            assert bill_of(build, scenario(**keys)).lines[-1].rate == F(8000, months)

    def test_what_the_provider_invoices_is_the_invoice(self, build: Build) -> None:
        data = scenario(
            seats={"count": 25, "price": "$30/seat-month"}, migrations={"cost": "$8k", "every": "18 months"},
            commitment={"spend": "$1k/month"}, request_fee="$1/1k requests", fixed_costs={"x": "$5/month"},
            tools={"search": {"price": "$1/request", "per_request": 1}},
            volume_discounts=[{"above": "$5k/month", "discount": "5%"}],
        )  # fmt: skip
        other = {line.label for line in bill_of(build, data).lines if line.category != INVOICE}
        assert other == {"x", "model migrations"}

    def test_ranges(self, build: Build) -> None:
        check_draws(
            build,
            lambda r: scenario(
                request_fee=r("0.001", "0.002", "${}/request"),
                tools={"s": {"price": r("0.01", "0.03", "${}/request"), "per_request": {"agent": r("2", "5", "{}")}}},
                seats={"count": r("20", "30", "{}"), "price": r("35", "45", "${}/seat-month")},
                migrations={"cost": r("8000", "9000", "${}"), "every": r("12", "18", "{} months")},
                region_uplift=r("0.1", "0.2", "{}"),
            ),
            [1e6, 1e9],
        )

    @pytest.mark.parametrize(
        ("keys", "message"),
        [
            ({"tools": {"s": {"price": "$1/request", "per_request": {"chats": 1}}}}, "no request class `chats`"),
            ({"tools": {"s": {"price": "$1/1M tokens", "per_request": 1}}}, "does not fit here"),
            ({"migrations": {"cost": "$8k", "every": "18"}}, "18 months"),
            ({"migrations": {"cost": "$8k", "every": "0 months"}}, "period of nothing"),
            ({"migrations": {"cost": "$8k", "every": "3 min"}}, "18 months"),
            ({"migrations": {"cost": "$8k", "every": "18 monthss"}}, "18 months"),
            ({"fixed_costs": {"x": {"cost": "$8k", "every": "monthss"}}}, "18 months"),
            ({"seats": {"count": 3, "price": "$30/month"}}, "does not fit here"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, build: Build, keys: Data, message: str) -> None:
        with pytest.raises(Faults, match=message):
            build(scenario(**keys)).price(Exact())


# -- everything ------------------------------------------------------------

EVERYTHING: Data = {
    "region_uplift": "10%", "markup": "5%", "discount": "3%",
    "time_of_day": {"night": {"hours": "20-8", "discount": "40%"}},
    "free_quota": {"tokens": "1M tokens/day", "requests": "100 requests/day"},
    "commitment": {"spend": "$10k/month", "discount": "10%", "overage": "110%"},
    "request_fee": "$1/1k requests",
    "tools": {"search": {"price": "$1/request", "per_request": {"agent": 2}, "free": "5k requests/month"}},
    "seats": {"count": 25, "price": "$30/seat-month"},
    "migrations": {"cost": "$8k", "every": "18 months"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "tiers", "promised"),
    [
        ("volume_discounts", TIERS, "$60k/month"),
        ("all_units_discounts", [{"above": "$10k/month", "discount": "15%"}], "$9k/month"),
    ],
)
def test_a_lines_inputs_are_what_moves_it(build: Build, key: str, tiers: list[Data], promised: str) -> None:
    commitment = {**EVERYTHING["commitment"], "spend": promised}
    quota = {"tokens": "1M tokens/day", "requests": "1k requests/day"}  # used up on some days at some volumes
    data = scenario(WEEK, **{**EVERYTHING, key: tiers, "commitment": commitment, "free_quota": quota})
    between = [F(k * 10**4) for k in range(85, 120, 5)] + [F(k * 10**4) for k in range(170, 210, 5)]
    check_inputs(build, data, [*between, *(volume_for(F(100)) * F(11, 10) ** k for k in range(80))])


def test_exact_numbers_hold_no_float(build: Build) -> None:
    data = scenario(WEEK, **EVERYTHING, all_units_discounts=TIERS)
    for line in bill_of(build, data).lines:
        assert {type(x) for x in (line.rate, *line.amount(at(SPREAD)))} <= {Fraction, int}, line.label


@pytest.mark.parametrize("key", ["volume_discounts", "all_units_discounts"])
def test_crossovers_with_terms_are_exact(build: Build, key: str) -> None:
    """Discounts, a commitment and a quota against a plain price that they cross several times."""
    data = scenario(commitment={"spend": "$2k/month"}, free_quota={"tokens": "30M tokens/month"}, **{key: TIERS})
    price = 2 * F("0.93")
    data["options"]["plain"] = {
        "kind": "api",
        "price": {"input": f"${float(price)}/1M tokens", "output": f"${float(price * 4)}/1M tokens"},
    }
    data["range"] = {"to": "1B tokens/day"}
    case = build(data)
    (pair,) = compare(case).pairs
    exact = case.price(Exact())

    def ahead(v: Fraction, side: Any) -> int:
        a, b = (amount([x for _, x in exact[name].lines], side([v]))[0] for name in ("api", "plain"))
        return int(a > b) - int(a < b)

    one, used = Invoice(F(1)).spend(), F("1.05") * DAYS  # money and tokens a month at a volume of one

    def cost(v: Fraction) -> Fraction:
        spend = one * max(v - 30 * 10**6 / used, F(0))
        net = marginal(spend, PLAIN) if key == "volume_discounts" else all_units(spend, PLAIN, above=False)
        return committed(net, F(2000))

    grid = [F(10**4 * round(1.007**k * 10**3)) for k in range(660)]
    signs = [(v, cost(v) > one * F("0.93") * v) for v in grid]
    changes = [(v, w) for (v, x), (w, y) in pairwise(signs) if x != y]
    assert len(pair.crossings) == len(changes) >= 1
    for crossing, (v, w) in zip(pair.crossings, changes, strict=True):
        assert v <= F(crossing.volume) <= w
        if crossing.kind == "meet":
            near = F(crossing.volume)
            assert ahead(near * (1 - F(1, 2**50)), at) == -ahead(near * (1 + F(1, 2**50)), at) != 0
