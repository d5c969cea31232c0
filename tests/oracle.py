"""What every option of a scenario costs, the slow and obvious way: rational numbers, hour by hour, class by class.

Knows nothing of the engine: it reads the scenario's plain data and imports nothing of it. One thing is unusual. "Just
above V" is a limit, so numbers carry how fast they rise with the volume: `Near(5, 0.1)` is five and a hair above it,
and a load of five replicas that rises needs a sixth.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any

from oracle_api import ApiBill
from oracle_fleet import Fleet, Hour
from oracle_near import ZERO, F, Near, decisions, total

Plain = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One cost a month. `part` is the leaf it belongs to, "" for the option's own."""

    part: str
    category: str
    label: str
    amount: Near


@dataclass(frozen=True)
class Outcome:
    """An option at a volume."""

    lines: tuple[Line, ...]
    hours: tuple[Hour, ...]
    within_limits: bool = True
    behind: tuple[str, ...] = ()
    """The hybrids and leaves that get requests."""
    servers: Mapping[str, int] = field(default_factory=dict)
    """Those of one's own, by leaf."""

    @property
    def total(self) -> Near:
        return sum((line.amount for line in self.lines), Near(ZERO))

    @property
    def gross(self) -> Fraction:
        return sum((abs(line.amount.value) for line in self.lines), ZERO)

    @property
    def feasible(self) -> bool:
        return self.within_limits and not any(h.room is not None and h.busy > h.room for h in self.hours)

    def by_key(self) -> dict[tuple[str, str, str], Fraction]:
        """Amounts by part, category and label; what costs nothing is left out."""
        found: dict[tuple[str, str, str], Fraction] = {}
        for line in self.lines:
            key = (line.part, line.category, line.label)
            found[key] = found.get(key, ZERO) + line.amount.value
        return {k: v for k, v in found.items() if v}


@dataclass(frozen=True)
class Class:
    """A request class as the workload states it."""

    share: Fraction
    tokens: dict[str, Fraction]
    """Mean tokens of one call on each meter; those of the input without what the context grows by."""
    cacheable: Fraction | None
    points: tuple[tuple[Fraction, Fraction], ...]
    """Share of the requests, input tokens: linear between."""
    calls_per_task: Fraction
    growth: Fraction
    waits: Fraction
    deadline: Fraction
    """Hours."""
    load: tuple[Fraction, ...]
    """Of a mean day's requests, those in each hour of the cycle."""

    def calls(self) -> Iterator[tuple[int, Fraction]]:
        """The place of each call of a request, and how much of it is made."""
        for place in range(math.ceil(self.calls_per_task)):
            yield place, min(F(1), self.calls_per_task - place)

    def sizes(self, place: int) -> list[tuple[Fraction, Fraction]]:
        return [(q, size + place * self.growth) for q, size in self.points]

    def mean(self, place: int) -> Fraction:
        return self.tokens.get("input", ZERO) + place * self.growth

    def cacheable_of(self, place: int) -> Fraction:
        """The history that is sent again counts, where a cacheable prefix is stated."""
        return ZERO if self.cacheable is None else self.cacheable + place * self.growth

    @property
    def served(self) -> Fraction:
        """Input and output tokens of a request, all its calls."""
        return sum((made * (self.mean(k) + self.tokens.get("output", ZERO)) for k, made in self.calls()), ZERO)


Flow = dict[tuple[str, int], Near]
"""Requests of a class in one such hour of the cycle, a day or a week."""


def number(value: Any) -> Fraction:
    """12, 0.5, "12.5%", "1.5"."""
    return _read(str(value))


@cache
def _read(text: str) -> Fraction:
    return F(text[:-1]) / 100 if text.endswith("%") else F(text)


def shares_of(given: Mapping[str, Any]) -> dict[str, Fraction]:
    """Shares with `rest` filled in."""
    stated = sum((number(s) for s in given.values() if s != "rest"), ZERO)
    return {k: 1 - stated if s == "rest" else number(s) for k, s in given.items()}


def points_of(stated: Any) -> tuple[tuple[Fraction, Fraction], ...]:
    """The quantile function of sizes: by its points, or by the upper edges of a histogram's rows."""
    if not isinstance(stated, Mapping):
        return ((F(0), number(stated)), (F(1), number(stated)))
    if "histogram" in stated:
        found = [(F(0), F(0))]
        for edge, share in stated["histogram"].items():  # "1.5k"
            found.append((found[-1][0] + number(share), number(edge.removesuffix("k")) * 1000))
        return tuple(found)
    inner = [(number(k[1:]) / 100, number(v)) for k, v in stated.items() if k[0] == "p"]
    return ((F(0), number(stated.get("min", 0))), *inner, (F(1), number(stated["max"])))


def mean_of(points: tuple[tuple[Fraction, Fraction], ...]) -> Fraction:
    return sum(((q - p) * (a + b) / 2 for (p, a), (q, b) in pairwise(points)), ZERO)


@dataclass
class Oracle:
    """A scenario's plain data, and the catalogue files it names entries of, by file name."""

    scenario: Plain
    catalogues: Mapping[str, Plain] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """What a meter is called in a line; its key where nothing is said."""
    kept: Mapping[str, int] = field(default_factory=dict)
    """Servers that are there, by option, whatever the load needs."""

    def __post_init__(self) -> None:
        s = self.scenario
        self.days = number(s.get("traffic_days_per_month", F(365, 12)))
        self.month = number(s.get("billed_hours_per_month", 730))
        self.workload: Plain = s["workload"]
        specs = self.workload.get("classes") or {"request": {**self.workload, "share": "100%"}}
        shares = shares_of({name: spec["share"] for name, spec in specs.items()})
        loads = {name: self._load(spec.get("load", self.workload.get("load", "flat"))) for name, spec in specs.items()}
        self.cycle = max(map(len, loads.values()))
        self.classes = {name: self._class(spec, shares[name], loads[name]) for name, spec in specs.items()}
        self.mean_tokens = sum((c.share * c.served for c in self.classes.values()), ZERO)
        self.profile = [sum((c.share * c.load[h] for c in self.classes.values()), ZERO) for h in range(self.cycle)]
        self.options: Plain = s["options"]
        self._known: dict[tuple[str, str], Fraction] = {}

    @property
    def candidates(self) -> list[str]:
        return [name for name, spec in self.options.items() if spec.get("candidate", True)]

    def _class(self, spec: Plain, share: Fraction, load: tuple[Fraction, ...]) -> Class:
        points = points_of(spec.get("input_tokens", 0))
        stated = ("output", "audio_input", "image_input", "audio_output")
        return Class(
            share,
            {"input": mean_of(points), **{k: number(spec[f"{k}_tokens"]) for k in stated if f"{k}_tokens" in spec}},
            number(spec["cacheable_input_tokens"]) if "cacheable_input_tokens" in spec else None,
            points,
            number(spec.get("calls_per_task", 1)),
            number(spec.get("context_growth_tokens", 0)),
            number(spec.get("batchable_share", 0)),
            self.hours(spec["deadline"]) if "deadline" in spec else F(1),
            (load * 7)[: self.cycle],
        )

    def _load(self, load: Any) -> tuple[Fraction, ...]:
        """The share of a mean day's requests in each hour of a day or a week."""
        if load == "flat":
            return (F(1, 24),) * 24
        if "peak_hour_share" in load:
            peak = number(load["peak_hour_share"])
            return (peak, *[(1 - peak) / 23] * 23)
        stated = load["by_hour"]
        if isinstance(stated, Mapping):
            stated = [*stated["weekday"] * 5, *stated["weekend"] * 2]
        weights = [number(w) for w in stated]
        return tuple(w * F(len(weights), 24) / sum(weights) for w in weights)

    # -- an option at a volume ------------------------------------------------------------------------------------

    def price(self, option: str, volume: Fraction, above: bool = False) -> Outcome:
        """An option at V, or in the limit from above."""
        v = Near(volume, F(int(above)))
        flow: Flow = {
            (c, h): v * (spec.share * spec.load[h] / self.mean_tokens)
            for c, spec in self.classes.items()
            for h in range(self.cycle)
            if spec.share and spec.load[h]
        }
        routers: dict[str, Flow] = {}
        leaves: dict[str, Flow] = {}
        overflow: dict[str, str] = {}
        self._hand_down(option, flow, routers, leaves, overflow)
        spilled = self._spill(leaves, overflow)
        names = {name: "" if name == option else name for name in leaves}
        names |= dict.fromkeys(routers, "")
        lines: list[Line] = []
        hours: list[Hour] = []
        fleets: dict[str, Fleet] = {}
        within = True
        for name, its_flow in {**routers, **leaves}.items():
            spec, part = self.options[name], names[name]
            if name in leaves and spec["kind"] == "api":
                bill = ApiBill(self, part, spec, its_flow, spilled.get(name, set()))
                lines += bill.lines()
                within = within and bill.within_limits()
            elif name in leaves:
                fleets[name] = fleet = Fleet(self, name, spec, its_flow)
                lines += [Line(part, x.category, x.label, x.amount) for x in fleet.lines()]
                hours += [h for h in fleet.hours if h.size]
            lines += self._standing(spec, part)
            lines += self._usage(spec, part, its_flow)
        lines += self._people(option, [*routers, *leaves], names, fleets)
        lines += self._quality(option, routers, leaves, names, flow)
        lines += self._embeddings(option, [*routers, *leaves], flow)
        servers = {k: f.gpus_at_peak // f.together for k, f in fleets.items() if "owned" in self.options[k]}
        return Outcome(tuple(lines), tuple(hours), within, (*routers, *leaves), servers)

    def _hand_down(
        self, name: str, flow: Flow, routers: dict[str, Flow], leaves: dict[str, Flow], overflow: dict[str, str]
    ) -> None:
        spec = self.options[name]
        if spec["kind"] != "hybrid":
            leaves[name] = added(leaves.get(name, {}), flow)
            return
        routers[name] = added(routers.get(name, {}), flow)
        overflow.update(spec.get("overflow", {}))
        if "response_cache" in spec:
            flow = self._share_of(flow, spec["response_cache"], lambda hit: 1 - hit)
        if "routes" in spec:
            for target in spec["routes"]:
                part = {(c, h): q * self._routed(spec["routes"], c)[target] for (c, h), q in flow.items()}
                self._hand_down(target, without_nothing(part), routers, leaves, overflow)
        else:
            first, second = spec["cascade"]
            self._hand_down(first, flow, routers, leaves, overflow)
            again = self._share_of(flow, spec["escalate"], lambda share: share)
            self._hand_down(second, again, routers, leaves, overflow)

    def _share_of(self, flow: Flow, given: Any, factor: Any) -> Flow:
        """Each class's requests times a factor of its share; a class that is not named has a share of nothing."""

        def share(c: str) -> Fraction:
            return number(given.get(c, 0)) if isinstance(given, Mapping) else number(given)

        return without_nothing({(c, h): q * factor(share(c)) for (c, h), q in flow.items()})

    def _routed(self, routes: Plain, c: str) -> dict[str, Fraction]:
        """The share of one class that each route gets."""
        of_class = {name: given.get(c) if isinstance(given, Mapping) else given for name, given in routes.items()}
        shares = shares_of({k: s for k, s in of_class.items() if s is not None})
        return {name: shares.get(name, ZERO) for name in routes}

    def _spill(self, leaves: dict[str, Flow], overflow: dict[str, str]) -> dict[str, set[str]]:
        """What a full fleet cannot serve in an hour goes to another option: every class alike. Who may get which."""
        spilled: dict[str, set[str]] = {}
        for fleet, target in overflow.items():
            if fleet not in leaves:
                continue
            full = Fleet(self, fleet, self.options[fleet], leaves[fleet])
            assert full.room is not None
            served: Flow = {}
            rest: Flow = {}
            for h in range(self.cycle):
                busy = full.busy(h)
                over = busy > full.room
                for c, q in {c: q for (c, hour), q in leaves[fleet].items() if hour == h}.items():
                    served[c, h] = q * (Near(full.room) / busy) if over else q
                    if over:
                        rest[c, h] = q - served[c, h]
            leaves[fleet] = served
            leaves[target] = added(leaves.get(target, {}), rest)
            spilled.setdefault(target, set()).update(c for c, _ in served)
        return spilled

    def unbilled(self, outcome: Outcome) -> Fraction:
        """What the tokens of a full month's free quotas may be worth: part of the gross that cancels."""
        dear, most_free = F(30), ZERO  # no price of these scenarios is above $30 per 1M
        for spec in self.options.values():
            for stated in spec.get("free_quota", {}).values():
                amount, rest = stated.split(" ", 1)
                most_free += number(amount) * (31 if rest.endswith("/day") else 1)
        return most_free * dear / 10**6

    # -- costs around leaves and routers --------------------------------------------------------------------------

    def _a_month(self, flow: Flow) -> dict[str, Near]:
        """Requests of each class a month."""
        each = self.days * 24 / self.cycle
        return {c: total(q for (of, _), q in flow.items() if of == c) * each for c in self.classes}

    def _standing(self, spec: Plain, part: str) -> list[Line]:
        """Fixed costs, and a month's part of what is paid once."""
        lines = []
        for name, cost in spec.get("fixed_costs", {}).items():
            if isinstance(cost, str):
                lines.append(Line(part, "fixed", name, Near(self.monthly(cost))))
            elif "gb" in cost:
                price = self.amount(cost["price"].removesuffix("/GB-month"))
                lines.append(Line(part, "storage", name, Near(number(cost["gb"]) * price)))
            else:
                lines.append(Line(part, "fixed", name, Near(self.once(cost["cost"]) / self.months(cost["every"]))))
        months = spec.get("amortise_months", self.scenario.get("amortise_months"))
        if months is not None:
            for name, cost in spec.get("one_offs", {}).items():
                lines.append(Line(part, "one-off", name, Near(self.once(cost) / number(months))))
        return lines

    def _usage(self, spec: Plain, part: str, flow: Flow) -> list[Line]:
        """Costs by what passes through; overhead passes through leaves, and a router sees none of it."""
        gross = F(1) if spec["kind"] == "hybrid" else self.overhead(spec)
        requests = self._a_month(flow)
        lines = []
        for name, cost in spec.get("usage_costs", {}).items():
            price, unit = cost["price"].rsplit("/", 1)
            units = Near(ZERO)
            for c, q in requests.items():
                if unit == "request":
                    each = number(cost.get("per_request", 1))
                elif unit == "GB":
                    each = number(cost.get("bytes_per_request", 0)) / 10**9
                    each += number(cost.get("bytes_per_token", 0)) * self.classes[c].served / 10**9
                else:
                    each = number(cost.get("tokens_per_request", self.classes[c].served)) / 10**6
                units = units + q * each
            lines.append(Line(part, "usage", name, units * gross * self.amount(price)))
        return lines

    def _people(self, option: str, everyone: list[str], names: dict[str, str], fleets: dict[str, Fleet]) -> list[Line]:
        """Posts; those for so many GPUs are counted over all fleets that a team of the same terms looks after."""
        lines = []
        teams: dict[str, tuple[Plain, str, list[str]]] = {}
        for name in everyone:
            spec = self.options[name]
            if "people" not in spec:
                continue
            people = spec["people"]
            if "per_gpus" not in people:
                lines.append(Line(names[name], "people", "people", Near(number(people["fte"]) * self._post(people))))
                continue
            behind = list(fleets) if name not in fleets else [name]
            _, _, looked_after = teams.setdefault(repr(sorted(people.items())), (people, names[name], []))
            looked_after += [x for x in behind if x not in looked_after]
        for people, part, looked_after in teams.values():
            gpus = sum(fleets[name].gpus_at_peak for name in looked_after)
            fte = max(number(people["fte"]) * math.ceil(F(gpus, people["per_gpus"])), number(people.get("at_least", 0)))
            lines.append(Line(part, "people", "people", Near(fte * self._post(people))))
        return lines

    def _post(self, people: Plain) -> Fraction:
        """A full-time post a month."""
        if "role" in people:
            entry = self.entry("people", people["role"])
            return number(entry["per_year"]) * number(entry.get("loading", 1)) / 12
        return self.monthly(people["cost"])

    def _quality(
        self, option: str, routers: dict[str, Flow], leaves: dict[str, Flow], names: dict[str, str], flow: Flow
    ) -> list[Line]:
        """Failures and reviews of what each leaf answers, or of all answers where the option itself states them."""
        lines = []
        own = self.options[option].get("quality") if option in routers else None
        answered = {option: flow} if own else leaves
        for name, its_flow in answered.items():
            quality = self.options[name].get("quality", {})
            requests = total(self._a_month(its_flow).values())
            costs = {
                "repair of failures": ("failure_rate", quality.get("on_failure", "retry")),
                "undetected bad answers": (
                    "undetected_failure_rate",
                    quality.get("bad_answer_costs", self.workload.get("bad_answer_costs")),
                ),
                "review": ("review_share", quality.get("review")),
            }
            for label, (rate, price) in costs.items():
                if rate in quality and price is not None and price != "retry":
                    each = number(quality[rate]) * self.each_of(price)
                    lines.append(Line(names[name], "quality", label, requests * each))
        return lines

    def _embeddings(self, option: str, everyone: list[str], flow: Flow) -> list[Line]:
        """Once, for all requests: as the option says, else as those behind it that say anything agree."""
        work = self.workload.get("embeddings")
        stated = [self.options[name]["embeddings"] for name in everyone if "embeddings" in self.options[name]]
        by = self.options[option].get("embeddings", stated[0] if stated else None)
        if work is None or by is None:
            return []
        if "all_in" in by:
            return [Line("", "embeddings", "embeddings", Near(self.monthly(by["all_in"])))]
        price, lines = self.amount(by["price"].removesuffix("/1M tokens")), []
        if "chunks" in work:
            corpus = number(work["chunks"]) * number(work["tokens_per_chunk"]) * number(work["deploys_per_month"])
            corpus *= number(work.get("changed_share", 1))
            label, of_corpus = "corpus embedding", price
            if "batch_price" in by:
                label, of_corpus = f"{label} (batch)", self.amount(by["batch_price"].removesuffix("/1M tokens"))
            lines.append(Line("", "embeddings", label, Near(corpus * of_corpus / 10**6)))
        if "query_tokens_per_request" in work:
            requests = total(self._a_month(flow).values())
            cost = requests * (number(work["query_tokens_per_request"]) * price / 10**6)
            lines.append(Line("", "embeddings", "query embedding", cost))
        return lines

    # -- requests ---------------------------------------------------------------------------------------------------

    number = staticmethod(number)

    def overhead(self, spec: Plain) -> Fraction:
        """1 + what is billed beside a served request; an option's own figure replaces the workload's of that name."""
        named = {**self.workload.get("overhead", {}), **spec.get("overhead", {})}
        quality = spec.get("quality", {})
        again = number(quality["failure_rate"]) if quality.get("on_failure") == "retry" else ZERO
        return 1 + sum((number(x) for x in named.values()), ZERO) + again

    def counts(self, spec: Plain, c: Class, mean: Fraction, place: int) -> dict[str, Fraction]:
        """Tokens of one call as the option counts them; parts lie inside their container."""
        ratio = {"input": number(spec.get("input_ratio", 1)), "output": number(spec.get("output_ratio", 1))}
        counts = {"input": mean * ratio["input"]}
        counts["output"] = c.tokens.get("output", ZERO) * ratio["output"] + number(spec.get("reasoning_tokens", 0))
        counts["reasoning"] = number(spec.get("reasoning_tokens", 0))
        for key in ("audio_input", "image_input"):
            counts[key] = c.tokens.get(key, ZERO) * ratio["input"]
        counts["audio_output"] = c.tokens.get("audio_output", ZERO) * ratio["output"]
        counts["cache_read"] = c.cacheable_of(place) * ratio["input"] * number(spec.get("cache_hit_rate", 0))
        return counts

    def replica_hours(self, name: str, c: str) -> Fraction:
        """What one served request of a class keeps busy, all its calls and overhead included."""
        if (name, c) not in self._known:
            spec, what = self.options[name], self.classes[c]
            seconds = sum(
                (made * self._seconds(spec, self.counts(spec, what, what.mean(k), k)) for k, made in what.calls()), ZERO
            )
            self._known[name, c] = self.overhead(spec) * seconds / 3600
        return self._known[name, c]

    def _seconds(self, spec: Plain, counts: Mapping[str, Fraction]) -> Fraction:
        """Replica-seconds of one call."""
        profiles = self.capacity(spec)
        uncached = counts["input"] - counts["cache_read"]
        if len(profiles) == 2:  # a seconds of an uncached input token and b of an output token, from two mixes
            (i, o, w), (j, p, x) = (
                (number(r["input_tokens"]), number(r["output_tokens"]), self._at_mix(r)) for r in profiles
            )
            a, b = (w * p - x * o) / (i * p - j * o), (i * x - j * w) / (i * p - j * o)
            return uncached * a + counts["output"] * b
        (rates,) = profiles
        if "prefill_tokens_per_s" in rates:
            prefill, decode = number(rates["prefill_tokens_per_s"]), number(rates["decode_tokens_per_s"])
            return uncached / prefill + counts["output"] / decode
        if "input_tokens" in rates:  # a request k times as long on its longer side takes k times as long
            return max(counts[k] / number(rates[f"{k}_tokens"]) for k in ("input", "output")) * self._at_mix(rates)
        if "requests_per_s" in rates:
            return 1 / number(rates["requests_per_s"])
        if "output_tokens_per_s" in rates:
            return counts["output"] / number(rates["output_tokens_per_s"])
        return (counts["input"] + counts["output"]) / number(rates["total_tokens_per_s"])

    def _at_mix(self, rates: Plain) -> Fraction:
        """Replica-seconds of a request of the mix a rate was found at."""
        if "requests_per_s" in rates:
            return 1 / number(rates["requests_per_s"])
        if "output_tokens_per_s" in rates:
            return number(rates["output_tokens"]) / number(rates["output_tokens_per_s"])
        return (number(rates["input_tokens"]) + number(rates["output_tokens"])) / number(rates["total_tokens_per_s"])

    def capacity(self, spec: Plain) -> list[Plain]:
        stated = spec["capacity"]
        return [self.entry("capacity", x) if isinstance(x, str) else x
                for x in (stated if isinstance(stated, list) else [stated])]  # fmt: skip

    # -- catalogues and money -------------------------------------------------------------------------------------

    def entry(self, section: str, name: str) -> Plain:
        file, entry = name.split("/")
        found: Plain = self.catalogues[file][section][entry]
        return found

    def prices(self, spec: Plain, tier: str) -> Plain:
        """Of 1M tokens by meter, and those above a threshold."""
        if "model" in spec:
            row = self.entry("models", spec["model"])["prices"][0]
            found: Plain = row if tier == "standard" else row["tiers"][tier]
            return found
        stated = {k: self.amount(v.removesuffix("/1M tokens")) for k, v in spec["price"].items()}
        both = {"input": stated["blended"], "output": stated["blended"]} if "blended" in stated else {}
        return {f"{k}_per_mtok": v for k, v in {**stated, **both}.items()}

    def amount(self, text: str) -> Fraction:
        """ "$1.10", "€2", "$8k" in dollars."""
        match = re.fullmatch(r"([$€])([0-9.]+)(k?)", text)
        assert match, text
        usd = F(1) if match[1] == "$" else number(self.scenario["exchange_rates"]["EUR"]["usd"])
        return F(match[2]) * (1000 if match[3] else 1) * usd

    once = amount

    def each_of(self, text: str) -> Fraction:
        """ "$0.01/request", "$10/1k requests" in dollars for one."""
        money, unit = text.split("/", 1)
        return self.amount(money) / (1000 if unit.startswith("1k ") else 1)

    def money(self, text: str, month: Fraction) -> Fraction:
        """ "$1.10/hour" in dollars an hour, of which a month has so many."""
        money, unit = text.split("/", 1)
        per = {"hour": F(1), "day": F(24), "month": month, "quarter": 3 * month, "year": 12 * month}[unit]
        return self.amount(money) / per

    def monthly(self, text: str) -> Fraction:
        return self.money(text, self.month) * self.month

    def months(self, text: str) -> Fraction:
        """ "quarter", "18 months", "2 years" in months."""
        words = {"month": F(1), "quarter": F(3), "year": F(12)}
        if text in words:
            return words[text]
        amount, unit = text.split()
        return number(amount) * words[unit.removesuffix("s")]

    def hours(self, text: str) -> Fraction:
        """ "3 min" in hours."""
        amount, unit = text.split()
        return number(amount) * {"s": F(1, 3600), "min": F(1, 60), "h": F(1), "days": F(24)}[unit]


def added(a: Flow, b: Flow) -> Flow:
    return {k: a.get(k, Near(ZERO)) + b.get(k, Near(ZERO)) for k in [*a, *(k for k in b if k not in a)]}


def without_nothing(flow: Flow) -> Flow:
    return {k: q for k, q in flow.items() if q.value}


# -- what happens between volumes -----------------------------------------------------------------------------------


def steps(oracle: Oracle, option: str, lo: Fraction, hi: Fraction, most: int = 10**6) -> list[Fraction]:
    """Every volume of (lo, hi) at which a rounding or a comparison turns out otherwise: costs are affine between.

    From each the next one is as far as the nearest decision that was taken on the way to the cost just above it. Not
    more than `most` of them.
    """
    found: list[Fraction] = []
    here = lo
    while len(found) < most:
        with decisions() as far:
            oracle.price(option, here, above=True).feasible  # noqa: B018 whether it fits is a decision too
        if not far or here + min(far) >= hi:
            break
        here += min(far)
        found.append(here)
    return found


@dataclass(frozen=True)
class Swap:
    """Two options swap order: `below` is cheaper up to `volume`, the other above it."""

    volume: Fraction
    kind: str
    """meet, step, end or same."""
    below: str
    above: str


def end_of(oracle: Oracle, option: str, volumes: list[Fraction], hi: Fraction) -> Fraction | None:
    """The last volume an option can serve: one at which a fleet is full; None when that is beyond the range."""
    if oracle.price(option, hi).feasible:
        return None
    able = [v for v in volumes if oracle.price(option, v).feasible]
    return max(able, default=ZERO)


@dataclass(frozen=True)
class Curve:
    """An option between steps: the value just above each edge and its rise, and the value at the next edge."""

    edges: list[Fraction]
    above: list[Near]
    at: list[Fraction]
    end: Fraction | None


def curve(oracle: Oracle, option: str, edges: list[Fraction]) -> Curve:
    """An option over edges that hold all its steps: the first and the last are the ends of the range."""
    above = [oracle.price(option, v, above=True).total for v in edges[:-1]]
    at = [oracle.price(option, v).total.value for v in edges]
    return Curve(edges, above, at, end_of(oracle, option, edges, edges[-1]))


def swaps(a: Curve, b: Curve, names: tuple[str, str]) -> list[Swap]:
    """Every swap of two curves over the same edges, from the order on each stretch between them.

    A stretch is (volume where it begins, order on it); 1 where the first is dearer, None where neither is feasible.
    """
    stretches: list[tuple[Fraction, int | None]] = []
    for i, left in enumerate(a.edges[:-1]):
        width = a.edges[i + 1] - left
        dead = [c.end is not None and left >= c.end for c in (a, b)]
        if any(dead):
            stretches.append((left, None if all(dead) else 1 if dead[0] else -1))
            continue
        start, slope = a.above[i].value - b.above[i].value, a.above[i].rise - b.above[i].rise
        end = start + slope * width
        assert end == a.at[i + 1] - b.at[i + 1], "costs are affine between steps"
        if start * end < 0:
            stretches += [(left, _sign(start)), (left - start / slope, _sign(end))]
        else:
            stretches.append((left, _sign(start) or _sign(end)))
    found = []
    order: int | None = None
    since_same = False
    for volume, sign in stretches:
        if sign is None:
            order, since_same = None, False
        elif sign == 0:
            since_same = True
        else:
            if order is not None and sign != order:
                found.append(Swap(volume, "same" if since_same else _kind(a, b, volume), *_names(names, sign)))
            order, since_same = sign, False
    return found


def _kind(a: Curve, b: Curve, volume: Fraction) -> str:
    if volume in (a.end, b.end):
        return "end"
    if volume in a.edges:
        i = a.edges.index(volume)
        return "meet" if a.at[i] == b.at[i] else "step"
    return "meet"


def _names(names: tuple[str, str], sign: int) -> tuple[str, str]:
    return names if sign == 1 else (names[1], names[0])


def _sign(x: Fraction) -> int:
    return (x > 0) - (x < 0)


def leaders(curves: Mapping[str, Curve], volume: Fraction, oracle: Oracle) -> tuple[str, ...]:
    """The cheapest feasible options at a volume."""
    able = {k: oracle.price(k, volume).total.value for k, c in curves.items() if c.end is None or volume <= c.end}
    return tuple(k for k, cost in able.items() if cost == min(able.values()))
