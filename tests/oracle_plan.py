"""What every option of a scenario costs over the months of a plan, and what is paid when, the slow and obvious way.

Each month is a scenario of its own: its prices are written into the data, a spike is a load profile of all the month's
hours, and the oracle of one month prices it. Servers are bought and sold one by one. Twelfth roots are no rational
numbers: the nearest float stands for one, and whole years are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from oracle import Line, Oracle, Outcome, Plain, number
from oracle_near import ZERO, F

MonthOf = tuple[int, int]
"""Year, and 1 to 12."""
Amounts = dict[tuple[str, str], list[Fraction]]
"""By part and category."""

WRITTEN_OFF = ("depreciation", "cost of capital", "one-off")
SETTLED = ("commitment discount", "commitment shortfall", "commitment overage")
NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def month_of(text: str) -> MonthOf:
    """ "2027-03", or a day of it."""
    year, month = text.split("-")[:2]
    return int(year), int(month)


def later(month: MonthOf, by: int) -> MonthOf:
    index = month[0] * 12 + month[1] - 1 + by
    return index // 12, index % 12 + 1


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """Whole powers are exact; else the nearest float."""
    return base**exponent.numerator if exponent.denominator == 1 else F(float(base) ** float(exponent))


def times(factor: Fraction, text: str) -> str:
    """An amount of money that has become so many times what it was, for `Priced` to read."""
    return f"{factor.numerator}:{factor.denominator}*{text}"


class Priced(Oracle):
    """An oracle whose amounts of money may have a factor written before them."""

    def amount(self, text: str) -> Fraction:
        factor, _, stated = text.rpartition("*")
        return (F(factor.replace(":", "/")) if factor else F(1)) * super().amount(stated)


class Server(NamedTuple):
    """One that is bought for the month after a column, column 0 before the first month."""

    bought: int
    price: Fraction
    residual: Fraction


@dataclass
class Course:
    """An option over the plan."""

    cost: Amounts
    """A month each."""
    paid: Amounts
    """A column each: column 0 before the first month."""
    able: list[bool]
    replicas: list[int]
    """In the busiest hour of each month, of its fleets together."""
    gross: Fraction
    """The largest sum of sizes of a month or column: what rounding is a share of."""
    shortfall: dict[str, list[Fraction]]
    """Of yearly commitments, what each month bears of it."""

    def costs(self) -> list[Fraction]:
        return [sum(column, ZERO) for column in zip(*self.cost.values(), strict=True)]

    def payments(self) -> list[Fraction]:
        return [sum(column, ZERO) for column in zip(*self.paid.values(), strict=True)]


@dataclass
class Plan:
    """A scenario's plain data with its projection, the catalogue files it names entries of, and today."""

    scenario: Plain
    catalogues: Mapping[str, Plain] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    as_of: date = date(2026, 11, 21)

    def __post_init__(self) -> None:
        self.projection: Plain = self.scenario.get("projection", {})
        self.options: Plain = self.scenario["options"]
        self.current: str | None = self.scenario.get("current")
        stated = self.projection.get("start")
        self.start = later((self.as_of.year, self.as_of.month), 1) if stated is None else month_of(stated)
        self.length = int(self.projection.get("months", 36))
        self.months = [later(self.start, i) for i in range(self.length)]
        self.plain = Priced(self.scenario, self.catalogues, self.labels)
        self._months: dict[tuple[int, bool], Priced] = {}
        self._courses: dict[str, Course] = {}

    def place(self, month: MonthOf) -> int:
        return (month[0] - self.start[0]) * 12 + month[1] - self.start[1]

    # -- volume ---------------------------------------------------------------------------------------------------

    @cached_property
    def volumes(self) -> list[Fraction]:
        """Mean tokens a day of each month."""
        return [self._volume(i) for i in range(self.length)]

    def _volume(self, i: int) -> Fraction:
        month = self.months[i]
        known = {month_of(m): flow for m, flow in self.projection.get("volumes", {}).items()}
        begun = [m for m in known if m <= month]
        volume = self._tokens(known[max(begun)] if begun else self.scenario["workload"]["volume"])
        since = max(0, self.place(max(begun))) if begun else 0
        for rate, months, count in self._steps(since, i):
            volume *= power(1 + rate, F(count, months))
        season = self.projection.get("seasonality", {}).get(NAMES[month[1] - 1])
        if season is not None:
            volume *= number(season)
        spike = self._spike(i)
        if spike is not None:
            factor, days = spike
            volume *= (self.plain.days - days + factor * days) / self.plain.days
        return volume

    def _steps(self, since: int, upto: int) -> list[tuple[Fraction, int, int]]:
        """Each rate of growth, how many months it is for, and how many it held."""
        stated = self.projection.get("growth")
        if stated is None:
            return []
        table = {month_of(m): rate for m, rate in stated.items()} if isinstance(stated, Mapping) else {(0, 1): stated}
        held: dict[MonthOf, int] = {}
        for i in range(since + 1, upto + 1):
            begun = [m for m in table if m <= self.months[i]]
            if begun:
                held[max(begun)] = held.get(max(begun), 0) + 1
        found = []
        for m, count in held.items():
            rate, _, period = str(table[m]).partition("/")
            sign = -1 if rate.startswith("-") else 1
            months = {"": 1, "month": 1, "year": 12}[period]
            found.append((sign * number(rate.removeprefix("-")), months, count))
        return found

    def _tokens(self, flow: str) -> Fraction:
        amount, unit = flow.split(" ")
        what, per = unit.split("/")
        a_day = number(amount) / {"day": F(1), "month": self.plain.days}[per]
        return a_day * (self.plain.mean_tokens if what == "requests" else 1)

    def _spike(self, i: int) -> tuple[Fraction, int] | None:
        """How many times the usual, on how many days."""
        for spike in self.projection.get("spikes", []):
            if month_of(spike["month"]) == self.months[i]:
                return number(spike["factor"]), spike["days"]
        return None

    # -- a month's scenario ---------------------------------------------------------------------------------------

    def fallen(self, decline: str, i: int, since: date | None = None) -> Fraction:
        """What is left of a price in a month: it falls from the first month on, or from one that begins with it."""
        rate = number(self.projection.get("price_decline", {}).get(decline, 0))
        return power(1 - rate, F(self._months_since_known(i, since), 12))

    def pay(self, i: int) -> Fraction:
        return power(1 + number(self.projection.get("salary_growth", 0)), F(self._months_since_known(i), 12))

    def _months_since_known(self, i: int, since: date | None = None) -> int:
        """Months from the one after the prices' day, or from the first that begins with a later price."""
        known = later((self.as_of.year, self.as_of.month), 1)
        while since is not None and since > self.as_of and date(*known, 1) < since:
            known = later(known, 1)
        return max(0, i - self.place(known))

    def day(self, i: int) -> date:
        """The day whose prices hold in a month."""
        return max(self.as_of, date(*self.months[i], 1))

    def month(self, i: int, apart: bool = False) -> Priced:
        """The oracle of a month. apart: with commitments that show what counts towards them as overage."""
        if (i, apart) not in self._months:
            options = {name: self._option(spec, i) for name, spec in self.options.items()}
            if apart:
                everything = {"spend": "$0/month", "overage": 2}
                options = {k: {**o, "commitment": everything} if yearly(o) else o for k, o in options.items()}
            catalogues = {file: self._catalogue(content, i) for file, content in self.catalogues.items()}
            data = {**self.scenario, "workload": self._workload(i), "options": options}
            self._months[i, apart] = Priced(data, catalogues, self.labels)
        return self._months[i, apart]

    def _option(self, spec: Plain, i: int) -> Plain:
        """An option with the month's prices."""
        used, rented, paid = self.fallen("api", i), self.fallen("gpu", i), self.pay(i)
        found = dict(spec)
        if "price" in spec:
            found["price"] = {k: times(used, text) for k, text in spec["price"].items()}
        if "request_fee" in spec:
            found["request_fee"] = times(used, spec["request_fee"])
        if "tools" in spec:
            found["tools"] = {k: {**tool, "price": times(used, tool["price"])} for k, tool in spec["tools"].items()}
        if "embeddings" in spec:
            of = spec["embeddings"]
            found["embeddings"] = {k: times(used, of[k]) if k in ("price", "batch_price") else of[k] for k in of}
        for key in ("gpu_price", "server_price", "unit_price"):
            if key in spec:
                found[key] = times(rented, spec[key])
        if "price" in spec.get("spot", {}):
            found["spot"] = {**spec["spot"], "price": times(rented, spec["spot"]["price"])}
        if "cost" in spec.get("people", {}):
            found["people"] = {**spec["people"], "cost": times(paid, spec["people"]["cost"])}
        return found

    def _catalogue(self, content: Plain, i: int) -> Plain:
        """The rows that hold in a month, at that month's prices."""

        def fell(row: Plain, factor: Fraction) -> Plain:
            found: dict[str, Any] = {}
            for key, value in row.items():
                if key == "tiers":
                    found[key] = {tier: fell(prices, factor) for tier, prices in value.items()}
                elif isinstance(value, Mapping):
                    found[key] = fell(value, factor)
                else:
                    priced = key.endswith("_per_mtok") or key == "per_hour"
                    found[key] = number(value) * factor if priced else value
            return found

        found = dict(content)
        for section, decline in (("models", "api"), ("gpus", "gpu"), ("endpoints", "gpu")):
            entries: dict[str, Plain] = {}
            for name, entry in content.get(section, {}).items():
                series: dict[tuple[Any, Any], list[Plain]] = {}
                for row in entry["prices"]:
                    series.setdefault((row.get("region"), row.get("term")), []).append(row)
                rows = []
                for (_, term), dated in series.items():
                    holds = max((r for r in dated if day_of(r) <= self.day(i)), key=day_of)
                    falls = term in (None, "on_demand", "spot")
                    factor = self.fallen(decline, i, max(map(day_of, dated))) if falls else F(1)
                    rows.append(fell(holds, factor))
                entries[name] = {**entry, "prices": rows}
            found[section] = entries
        found["people"] = {
            name: {**entry, "per_year": number(entry["per_year"]) * self.pay(i)}
            for name, entry in content.get("people", {}).items()
        }
        return found

    def _workload(self, i: int) -> Plain:
        """The traffic of a month: with a spike, a profile of all the hours of as many months as make whole days."""
        workload: Plain = self.scenario["workload"]
        spike = self._spike(i)
        if spike is None:
            return workload
        factor, days = spike
        short = math.floor(self.plain.days)
        long_ones = self.plain.days - short  # of that many months of 12, say, 5 have a day more
        lengths = [short] * (long_ones.denominator - long_ones.numerator) + [short + 1] * long_ones.numerator

        def hours(load: Any) -> Plain:
            day = self.plain._load(load)
            assert len(day) == 24, "a week does not fit into months"
            of_all = [h * (factor if d < days else 1) for length in lengths for d in range(length) for h in day]
            return {"by_hour": [str(h) for h in of_all]}

        whole = {**workload, "load": hours(workload.get("load", "flat"))}
        if "classes" in workload:
            whole["classes"] = {
                c: {**spec, "load": hours(spec["load"])} if "load" in spec else spec
                for c, spec in workload["classes"].items()
            }
        return whole

    # -- an option ------------------------------------------------------------------------------------------------

    def course(self, option: str) -> Course:
        """An option over all months."""
        if option not in self._courses:
            self._courses[option] = self._course(option)
        return self._courses[option]

    def _course(self, option: str) -> Course:
        bare = [self.month(i).price(option, self.volumes[i]) for i in range(self.length)]
        outcomes, servers = self._with_servers(option, bare)
        costs, paid, shortfall = self._running(option, outcomes)
        for leaf, stock in servers.items():
            self._buy(paid, "" if leaf == option else leaf, leaf, stock)
        if option != self.current:
            self._switch(option, outcomes[0], costs, paid, shortfall)
        sizes = [o.gross + self.plain.unbilled(o) for o in outcomes]
        sizes += [sum((abs(a[i]) for a in paid.values()), ZERO) for i in range(self.length + 1)]
        replicas = [self._replicas(o) for o in outcomes]
        return Course(costs, paid, [o.feasible for o in bare], replicas, max(sizes), shortfall)

    def _replicas(self, outcome: Outcome) -> int:
        """In the busiest hour, with the reserved base and those of staging."""
        busiest: dict[str, int] = {}
        for h in outcome.hours:
            base = int(self.options[h.leaf].get("reserved", {}).get("replicas", 0))
            busiest[h.leaf] = max(busiest.get(h.leaf, base), h.replicas)
        return sum(
            n * int(self.options[leaf].get("zones", 1)) + int(self.options[leaf].get("staging", 0))
            for leaf, n in busiest.items()
        )

    def _with_servers(self, option: str, bare: list[Outcome]) -> tuple[list[Outcome], dict[str, list[Server]]]:
        """Priced again with the servers that are there in each month; and each server that was ever bought."""
        bought: dict[str, list[Server]] = {}
        kept: list[dict[str, int]] = [{} for _ in bare]
        for leaf in bare[0].servers:
            spec = self.options[leaf]["owned"]
            if spec.get("sunk"):
                continue
            bought[leaf] = []
            for i, outcome in enumerate(bare):
                price = self.plain.amount(spec["price"])
                alive = [s for s in bought[leaf] if i - s.bought < self._life(leaf)]
                more = max(0, outcome.servers[leaf] - len(alive))
                one = Server(
                    i, price * (1 + number(spec.get("networking", 0))), price * number(spec.get("residual", 0))
                )
                bought[leaf] += [one] * more
                kept[i][leaf] = len(alive) + more
        again = []
        for i, servers in enumerate(kept):
            if servers == {leaf: bare[i].servers[leaf] for leaf in servers}:
                again.append(bare[i])
                continue
            oracle = self.month(i)
            oracle.kept = servers
            again.append(oracle.price(option, self.volumes[i]))
            oracle.kept = {}
        return again, bought

    def _life(self, leaf: str) -> Fraction:
        """In months."""
        return 12 * number(self.options[leaf]["owned"]["life_years"])

    def _buy(self, paid: Amounts, part: str, leaf: str, stock: list[Server]) -> None:
        """What servers cost when they are bought, and what they fetch: at the end of their life, or of the plan."""
        columns = paid.setdefault((part, "hardware"), [ZERO] * (self.length + 1))
        life = self._life(leaf)
        for s in stock:
            columns[s.bought] += s.price
            gone = s.bought + math.ceil(life)
            if gone <= self.length:
                columns[gone] -= s.residual
            else:
                age = self.length - s.bought
                columns[self.length] -= s.price - (s.price - s.residual) * age / life

    def _running(self, option: str, outcomes: list[Outcome]) -> tuple[Amounts, Amounts, dict[str, list[Fraction]]]:
        """What months cost, line by line, when that is paid, and what of it only at a year's end."""
        costs: Amounts = {}
        paid: Amounts = {}
        shortfall: dict[str, list[Fraction]] = {}

        def add(to: Amounts, line: Line, column: int, amount: Fraction, columns: int) -> None:
            to.setdefault((line.part, line.category), [ZERO] * columns)[column] += amount

        settled = self._settled(option, outcomes)
        for i, outcome in enumerate(outcomes):
            kept = [
                line for line in outcome.lines if not (line.label in SETTLED and self._leaf(line, option) in settled)
            ]
            lines = [(line, line.amount.value) for line in kept]
            for leaf, by_month in settled.items():
                part = "" if leaf == option else leaf
                lines += [(Line(part, "api", label, outcome.total), amount) for label, amount in by_month[i].items()]
            for line, amount in lines:
                add(costs, line, i, amount, self.length)
                lump = self._lump(self.options[self._leaf(line, option)], line)
                if line.category in WRITTEN_OFF:
                    continue
                if line.label == "commitment shortfall" and self._leaf(line, option) in settled:
                    shortfall.setdefault(line.part, [ZERO] * self.length)[i] += amount
                    add(paid, line, self._settled_in(i), amount, self.length + 1)
                elif lump is None:
                    add(paid, line, i + 1, amount, self.length + 1)
                else:
                    often, first = lump
                    add(paid, line, i + 1, amount * often * due_in(i + 1, often, first), self.length + 1)
        return costs, paid, shortfall

    def _settled_in(self, i: int) -> int:
        """The column in which the year of a month is settled."""
        return min(i - i % 12 + 12, self.length)

    def _leaf(self, line: Line, option: str) -> str:
        return line.part or option

    def _lump(self, spec: Plain, line: Line) -> tuple[Fraction, Fraction] | None:
        """What is paid every so many months: how many, and when first."""
        if line.category != "fixed":
            return None
        if line.label == "model migrations":
            often = self.plain.months(spec["migrations"]["every"])
            retires = None
            if "model" in spec:
                retires = self.plain.entry("models", spec["model"]).get("retires")
            return often, often if retires is None else F(self.place(month_of(str(retires))) + 1)
        stated = spec.get("fixed_costs", {}).get(line.label)
        if isinstance(stated, Mapping) and "every" in stated:
            often = self.plain.months(stated["every"])
            return often, often
        return None

    def _settled(self, option: str, outcomes: list[Outcome]) -> dict[str, list[dict[str, Fraction]]]:
        """Of each yearly commitment, its lines month by month: held against the spend of whole years."""
        found: dict[str, list[dict[str, Fraction]]] = {}
        for leaf in outcomes[0].behind:
            spec = self.options[leaf]
            if not yearly(spec):
                continue
            part, terms = "" if leaf == option else leaf, spec["commitment"]
            promised, off = self.plain.monthly(terms["spend"]), number(terms.get("discount", 0))
            overage = number(terms.get("overage", 1))
            found[leaf] = []
            for first in range(0, self.length, 12):
                year = range(first, min(first + 12, self.length))
                left = promised * len(year)
                for i in year:
                    lines = self.month(i, apart=True).price(option, self.volumes[i]).lines
                    spent = sum(
                        (x.amount.value for x in lines if (x.part, x.label) == (part, "commitment overage")), ZERO
                    ) * (1 - off)  # fmt: skip
                    within = min(spent, left)
                    left -= within
                    found[leaf].append({
                        "commitment discount": -within / (1 - off) * off,
                        "commitment overage": (spent - within) / (1 - off) * (overage - 1),
                    })  # fmt: skip
                for i in year:
                    found[leaf][i]["commitment shortfall"] = left / len(year)
        return found

    # -- what a change costs --------------------------------------------------------------------------------------

    def _switch(
        self, option: str, outcome: Outcome, costs: Amounts, paid: Amounts, shortfall: dict[str, list[Fraction]]
    ) -> None:
        """One-offs, what runs today until production, and what is left of its commitments."""
        months, columns = range(self.length), self.length + 1
        behind = list(dict.fromkeys((option, *outcome.behind)))
        today: tuple[str, ...] = ()
        if self.current is not None:
            today = (self.current, *self.month(0).price(self.current, self.volumes[0]).behind)
        for name in behind:
            for cost in self.options[name].get("one_offs", {}).values() if name not in today else ():
                key = ("" if name == option else name, "one-off")
                paid.setdefault(key, [ZERO] * columns)[0] += self.plain.once(cost)
        waiting, lost = self._waiting(option, behind)
        share = [min(F(1), max(ZERO, waiting - i)) for i in months]
        if self.current is None:
            if waiting:
                costs["", "until production"] = [lost * s for s in share]
                paid["", "until production"] = [ZERO, *(lost * s for s in share)]
            return
        shared = [leaf for leaf in outcome.behind if leaf in today and leaf != option]
        for (part, category), amounts in costs.items():  # what both use is paid for there alone
            if part in shared and category != "one-off":
                costs[part, category] = [x * (1 - s) for x, s in zip(amounts, share, strict=True)]
        for (part, category), amounts in paid.items():
            if part in shared and category not in ("hardware", "one-off"):
                borne = shortfall.get(part, [ZERO] * self.length) if category == "api" else [ZERO] * self.length
                by_month = list(amounts)
                for i in months:
                    by_month[self._settled_in(i)] -= borne[i]
                found = [ZERO, *(x * (1 - s) for x, s in zip(by_month[1:], share, strict=True))]
                for i in months:
                    found[self._settled_in(i)] += borne[i] * (1 - share[i])
                paid[part, category] = found
        if waiting:
            runs = self.course(self.current)
            cost = [
                sum((a[i] for (_, category), a in runs.cost.items() if category != "one-off"), ZERO) for i in months
            ]
            bills = [
                sum((a[i + 1] for (_, c), a in runs.paid.items() if c not in ("hardware", "one-off")), ZERO)
                for i in months
            ]
            costs["", "until production"] = [(x + lost) * s for x, s in zip(cost, share, strict=True)]
            for i in months:  # a year is settled at its end, by what was borne until production
                bills[self._settled_in(i) - 1] -= sum((s[i] for s in runs.shortfall.values()), ZERO)
            until = [ZERO, *((x + lost) * s for x, s in zip(bills, share, strict=True))]
            for i in months:
                until[self._settled_in(i)] += sum((s[i] for s in runs.shortfall.values()), ZERO) * share[i]
            paid["", "until production"] = until
        owed = [ZERO for _ in months]
        for leaf in today[1:]:
            terms = self.options[leaf].get("commitment", {})
            if "until" in terms and leaf not in behind:
                promised, last = self.plain.monthly(terms["spend"]), self.place(month_of(terms["until"]))
                for i in months:
                    owed[i] += promised * (1 - share[i]) if i <= last else ZERO
        costs["", "commitment"], paid["", "commitment"] = owed, [ZERO, *owed]

    def _waiting(self, option: str, behind: list[str]) -> tuple[Fraction, Fraction]:
        """Months until production, and what each loses: its own, or the longest of what it is made of."""
        stated = [name for name in behind if "time_to_production" in self.options[name]]
        if not stated:
            return ZERO, ZERO
        until: Callable[[str], Fraction] = lambda name: self.plain.months(self.options[name]["time_to_production"])  # noqa: E731
        slowest = option if option in stated else max(stated, key=until)
        spec = self.options[slowest]
        return until(slowest), self.plain.monthly(spec["margin_lost"]) if "margin_lost" in spec else ZERO


def day_of(row: Plain) -> date:
    return date.fromisoformat(str(row["as_of"]))


def yearly(spec: Plain) -> bool:
    return str(spec.get("commitment", {}).get("spend", "")).endswith("/year")


def due_in(month: int, often: Fraction, first: Fraction) -> int:
    """How many payments fall after a month's begin and up to its end."""
    count, due = 0, first
    while due <= month:
        count += due > month - 1
        due += often
    return count
