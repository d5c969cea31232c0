"""What every option of a scenario costs, the slow and obvious way: rational numbers, hour by hour, class by class.

Knows nothing of the engine: it reads the scenario's plain data and imports nothing of it. One thing is unusual. "Just
above V" is a limit, so numbers carry how fast they rise with the volume: `Near(5, 0.1)` is five and a hair above it,
and a load of five replicas that rises needs a sixth.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

F = Fraction
HOURS = range(24)
ZERO = F(0)
Plain = Mapping[str, Any]


@dataclass(frozen=True)
class Near:
    """A number at V, and its rise for each token a day above V."""

    value: Fraction
    rise: Fraction = ZERO

    def __add__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value + o.value, self.rise + o.rise)

    __radd__ = __add__

    def __sub__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value - o.value, self.rise - o.rise)

    def __mul__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value * o.value, self.rise * o.value + self.value * o.rise)

    __rmul__ = __mul__

    def __truediv__(self, other: Near | Fraction | int) -> Near:
        o = near(other)
        return Near(self.value / o.value, (self.rise * o.value - self.value * o.rise) / o.value**2)

    def __gt__(self, other: Near | Fraction | int) -> bool:
        o = near(other)
        return (self.value, self.rise) > (o.value, o.rise)

    def ceil(self) -> int:
        """The next whole number, itself when it is whole and does not rise."""
        if self.value.denominator == 1 and self.rise > 0:
            return int(self.value) + 1
        return math.ceil(self.value)


def near(x: Near | Fraction | int) -> Near:
    return x if isinstance(x, Near) else Near(F(x))


@dataclass(frozen=True)
class Line:
    """One cost a month. `part` is the leaf it belongs to, "" for the option's own."""

    part: str
    category: str
    label: str
    amount: Near


@dataclass(frozen=True)
class Hour:
    """A fleet in one hour of the day."""

    leaf: str
    hour: int
    busy: Near
    size: Fraction
    replicas: int
    room: Fraction | None
    """Busy replicas at which it is full; None when it never is."""


@dataclass(frozen=True)
class Outcome:
    """An option at a volume."""

    lines: tuple[Line, ...]
    hours: tuple[Hour, ...]

    @property
    def total(self) -> Near:
        return sum((line.amount for line in self.lines), Near(ZERO))

    @property
    def gross(self) -> Fraction:
        return sum((abs(line.amount.value) for line in self.lines), ZERO)

    @property
    def feasible(self) -> bool:
        return not any(h.room is not None and h.busy > h.room for h in self.hours)

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
    cacheable: Fraction | None


Flow = dict[tuple[str, int], Near]
"""Requests per hour, by class and hour of the day."""

PARTS = {
    "input": ("cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "image_input"),
    "output": ("audio_output", "reasoning"),
}
METERS = ("input", "output", *PARTS["input"], *PARTS["output"])


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


@dataclass
class Oracle:
    """A scenario's plain data, and the catalogue files it names entries of, by file name."""

    scenario: Plain
    catalogues: Mapping[str, Plain] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """What a meter is called in a line; its key where nothing is said."""

    def __post_init__(self) -> None:
        s = self.scenario
        self.days = number(s.get("traffic_days_per_month", F(365, 12)))
        self.month = number(s.get("billed_hours_per_month", 730))
        self.workload: Plain = s["workload"]
        specs = self.workload.get("classes") or {"request": {**self.workload, "share": "100%"}}
        shares = shares_of({name: spec["share"] for name, spec in specs.items()})
        self.classes = {
            name: Class(
                shares[name],
                {
                    k: number(spec[f"{k}_tokens"])
                    for k in ("input", "output", "audio_input", "image_input", "audio_output")
                    if f"{k}_tokens" in spec
                },
                number(spec["cacheable_input_tokens"]) if "cacheable_input_tokens" in spec else None,
            )
            for name, spec in specs.items()
        }
        self.mean_tokens = sum(
            (c.share * (c.tokens.get("input", ZERO) + c.tokens.get("output", ZERO)) for c in self.classes.values()),
            ZERO,
        )
        self.profile = self._profile()
        self.options: Plain = s["options"]
        self._known: dict[tuple[str, str], Fraction] = {}

    @property
    def candidates(self) -> list[str]:
        return [name for name, spec in self.options.items() if spec.get("candidate", True)]

    def _profile(self) -> list[Fraction]:
        """The share of a day's requests in each hour."""
        load = self.workload.get("load", "flat")
        if load == "flat":
            return [F(1, 24)] * 24
        if "peak_hour_share" in load:
            peak = number(load["peak_hour_share"])
            return [peak, *[(1 - peak) / 23] * 23]
        weights = [number(w) for w in load["by_hour"]]
        return [w / sum(weights) for w in weights]

    # -- an option at a volume ------------------------------------------------------------------------------------

    def price(self, option: str, volume: Fraction, above: bool = False) -> Outcome:
        """An option at V, or in the limit from above."""
        v = Near(volume, F(int(above)))
        flow: Flow = {
            (c, h): v * (spec.share * self.profile[h] / self.mean_tokens)
            for c, spec in self.classes.items()
            for h in HOURS
            if spec.share and self.profile[h]
        }
        own: list[Line] = []
        leaves: dict[str, Flow] = {}
        overflow: dict[str, str] = {}
        self._hand_down(option, flow, own, leaves, overflow)
        self._spill(leaves, overflow)
        lines, hours = own, []
        for leaf, its_flow in leaves.items():
            more, its_hours = self._leaf(leaf, its_flow)
            lines = lines + [Line("", x.category, x.label, x.amount) if leaf == option else x for x in more]
            hours += its_hours
        return Outcome(tuple(lines), tuple(hours))

    def _hand_down(
        self, name: str, flow: Flow, own: list[Line], leaves: dict[str, Flow], overflow: dict[str, str]
    ) -> None:
        spec = self.options[name]
        if spec["kind"] != "hybrid":
            leaves[name] = added(leaves.get(name, {}), flow)
            return
        own += self._standing(spec, "")
        overflow.update(spec.get("overflow", {}))
        if "response_cache" in spec:
            flow = self._share_of(flow, spec["response_cache"], lambda hit: 1 - hit)
        if "routes" in spec:
            for target in spec["routes"]:
                part = {(c, h): q * self._routed(spec["routes"], c)[target] for (c, h), q in flow.items()}
                self._hand_down(target, without_nothing(part), own, leaves, overflow)
        else:
            first, second = spec["cascade"]
            self._hand_down(first, flow, own, leaves, overflow)
            again = self._share_of(flow, spec["escalate"], lambda share: share)
            self._hand_down(second, again, own, leaves, overflow)

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

    def _spill(self, leaves: dict[str, Flow], overflow: dict[str, str]) -> None:
        """What a full fleet cannot serve in an hour goes to another option: every class alike."""
        for fleet, target in overflow.items():
            if fleet not in leaves:
                continue
            room = self._room(self.options[fleet])
            assert room is not None
            served: Flow = {}
            rest: Flow = {}
            for h in HOURS:
                busy = self._busy(fleet, leaves[fleet], h)
                for c, q in {c: q for (c, hour), q in leaves[fleet].items() if hour == h}.items():
                    served[c, h] = q * (Near(room) / busy) if busy > room else q
                    if busy > room:
                        rest[c, h] = q - served[c, h]
            leaves[fleet] = served
            leaves[target] = added(leaves.get(target, {}), rest)

    # -- leaves ---------------------------------------------------------------------------------------------------

    def _leaf(self, name: str, flow: Flow) -> tuple[list[Line], list[Hour]]:
        spec = self.options[name]
        if spec["kind"] == "api":
            return [*self._api(name, spec, flow), *self._standing(spec, name)], []
        hours = self._hours(name, spec, flow)
        lines = (
            self._dedicated(name, spec, hours) if spec["kind"] == "dedicated" else self._self_hosted(name, spec, hours)
        )
        return [*lines, *self._standing(spec, name)], [h for h in hours if h.size]

    def _standing(self, spec: Plain, part: str) -> list[Line]:
        """People and fixed costs."""
        lines = []
        if "people" in spec:
            people = spec["people"]
            if "role" in people:
                entry = self._entry("people", people["role"])
                monthly = number(entry["per_year"]) * number(entry.get("loading", 1)) / 12
            else:
                monthly = self._money(people["cost"], self.month) * self.month
            lines.append(Line(part, "people", "people", Near(number(people["fte"]) * monthly)))
        for name, cost in spec.get("fixed_costs", {}).items():
            lines.append(Line(part, "fixed", name, Near(self._money(cost, self.month) * self.month)))
        return lines

    def _overhead(self, spec: Plain) -> Fraction:
        """1 + what is billed beside a served request; an option's own figure replaces the workload's of that name."""
        named = {**self.workload.get("overhead", {}), **spec.get("overhead", {})}
        return 1 + sum((number(x) for x in named.values()), ZERO)

    def _counts(self, spec: Plain, c: Class) -> dict[str, Fraction]:
        """Tokens of one request as the option counts them; parts lie inside their container."""
        ratio = {"input": number(spec.get("input_ratio", 1)), "output": number(spec.get("output_ratio", 1))}
        counts = {"input": c.tokens.get("input", ZERO) * ratio["input"]}
        counts["output"] = c.tokens.get("output", ZERO) * ratio["output"] + number(spec.get("reasoning_tokens", 0))
        counts["reasoning"] = number(spec.get("reasoning_tokens", 0))
        for key in ("audio_input", "image_input"):
            counts[key] = c.tokens.get(key, ZERO) * ratio["input"]
        counts["audio_output"] = c.tokens.get("audio_output", ZERO) * ratio["output"]
        counts["cache_read"] = (c.cacheable or ZERO) * ratio["input"] * number(spec.get("cache_hit_rate", 0))
        return counts

    def _api(self, name: str, spec: Plain, flow: Flow) -> list[Line]:
        lines = []
        batch = number(spec.get("batch_share", 0))
        for c, what in self.classes.items():
            if not any(of == c for of, _ in flow):
                continue
            a_day = sum((q for (of, _), q in flow.items() if of == c), Near(ZERO))
            requests = a_day * self.days * self._overhead(spec)
            for tier, portion in ((spec.get("tier", "standard"), 1 - batch), ("batch", batch)):
                if not portion:
                    continue
                for label, cost in self._request(spec, what, tier):
                    full = f"{c}: {label}" if len(self.classes) > 1 else label
                    lines.append(Line(name, "api", full, requests * portion * cost))
        return lines

    def _request(self, spec: Plain, c: Class, tier: str) -> list[tuple[str, Fraction]]:
        """What one request of a class costs, by meter."""
        prices = self._prices(spec, tier)
        counts = self._counts(spec, c)
        long = prices.get("long_context")
        suffix = "" if tier == "standard" else f" ({tier})"
        if long is not None and counts["input"] > number(long["above_tokens"]):
            prices, suffix = long, suffix + " (long context)"
        own = {k: number(prices[f"{k}_per_mtok"]) for k in METERS if f"{k}_per_mtok" in prices}
        write = f"cache_write_{spec.get('cache_ttl', '5m')}"
        cacheable = (c.cacheable or ZERO) * number(spec.get("input_ratio", 1))
        if counts["cache_read"] and write in own:
            counts[write] = cacheable - counts["cache_read"]
        costs = []
        for outer, parts in PARTS.items():
            rest = counts[outer]
            for part in parts:
                if part in own and counts.get(part):
                    rest -= counts[part]
                    costs.append((part, counts[part]))
            assert rest >= 0, "a scenario whose parts exceed their container is an error"
            if rest:
                costs.append((outer, rest))
        factor = (1 + number(spec.get("markup", 0))) * (1 - number(spec.get("discount", 0)))
        return [(self.labels.get(k, k) + suffix, tokens * own[k] * factor / 10**6) for k, tokens in costs]

    def _prices(self, spec: Plain, tier: str) -> Plain:
        if "model" in spec:
            row = self._entry("models", spec["model"])["prices"][0]
            found: Plain = row if tier == "standard" else row["tiers"][tier]
            return found
        stated = {k: self._money(v, self.month) for k, v in spec["price"].items()}
        both = {"input": stated["blended"], "output": stated["blended"]} if "blended" in stated else {}
        return {f"{k}_per_mtok": v for k, v in {**stated, **both}.items()}

    # -- fleets ---------------------------------------------------------------------------------------------------

    def _seconds(self, spec: Plain, c: Class) -> Fraction:
        """Replica-seconds of one request."""
        rates = self._capacity(spec)
        counts = self._counts(spec, c)
        if "prefill_tokens_per_s" in rates:
            uncached = counts["input"] - counts["cache_read"]
            return uncached / number(rates["prefill_tokens_per_s"]) + counts["output"] / number(
                rates["decode_tokens_per_s"]
            )
        if (
            "input_tokens" in rates
        ):  # found at a mix: a request k times as long on its longer side takes k times as long
            mix = {k: number(rates[f"{k}_tokens"]) for k in ("input", "output")}
            longer = max(counts[k] / mix[k] for k in mix)
            if "requests_per_s" in rates:
                return longer / number(rates["requests_per_s"])
            if "output_tokens_per_s" in rates:
                return longer * mix["output"] / number(rates["output_tokens_per_s"])
            return longer * (mix["input"] + mix["output"]) / number(rates["total_tokens_per_s"])
        if "requests_per_s" in rates:
            return 1 / number(rates["requests_per_s"])
        if "output_tokens_per_s" in rates:
            return counts["output"] / number(rates["output_tokens_per_s"])
        return (counts["input"] + counts["output"]) / number(rates["total_tokens_per_s"])

    def _capacity(self, spec: Plain) -> Plain:
        stated = spec["capacity"]
        return self._entry("capacity", stated) if isinstance(stated, str) else stated

    def _busy(self, name: str, flow: Flow, hour: int) -> Near:
        """Busy replicas in an hour: requests/s x (1 + overhead) x replica-seconds."""
        busy = Near(ZERO)
        for c in self.classes:
            if (c, hour) in flow:
                busy = busy + flow[c, hour] * self._replica_hours(name, c)
        return busy

    def _replica_hours(self, name: str, c: str) -> Fraction:
        """What one served request of a class keeps busy, overhead included."""
        if (name, c) not in self._known:
            spec = self.options[name]
            self._known[name, c] = self._overhead(spec) * self._seconds(spec, self.classes[c]) / 3600
        return self._known[name, c]

    def _bounds(self, spec: Plain) -> tuple[int, int | None, int]:
        """min, max and spare replicas."""
        stated = spec.get("replicas", {})
        if isinstance(stated, int):
            return stated, stated, 0
        return stated.get("min", 1), stated.get("max"), stated.get("spare", 0)

    def _size(self, spec: Plain) -> Fraction:
        return number(spec.get("target_utilisation", 1)) / number(spec.get("burst", 1))

    def _room(self, spec: Plain) -> Fraction | None:
        _, most, spare = self._bounds(spec)
        return None if most is None else (most - spare) * self._size(spec)

    def _hours(self, name: str, spec: Plain, flow: Flow) -> list[Hour]:
        """Every hour of the day: busy replicas, and those that run."""
        least, most, spare = self._bounds(spec)
        if "capacity" not in spec:
            return [Hour(name, h, Near(ZERO), ZERO, least, None) for h in HOURS]
        size, found = self._size(spec), []
        for h in HOURS:
            busy = self._busy(name, flow, h)
            if busy > 0:
                n = max((busy / size).ceil() + spare, least)
                n = n if most is None else min(n, most)
            else:  # spares do not run without load, and what bills busy hours only bills nothing
                n = 0 if spec.get("billing") == "busy_hours" else least
            found.append(Hour(name, h, busy, size, n, self._room(spec)))
        return found

    def _billed(self, spec: Plain, hours: list[Hour], bought: Any) -> Fraction:
        """Hours a month of what is bought for the replicas of each hour."""
        month = number(spec.get("billed_hours_per_month", self.month))
        if spec.get("billing", "static") == "static":
            return month * max(F(bought(h.replicas)) for h in hours)
        days = min(self.days, month / 24)  # of the traffic; other billed hours carry none
        at_rest = 0 if spec["billing"] == "busy_hours" else self._bounds(spec)[0]
        return sum((days * F(bought(h.replicas)) for h in hours), (month - 24 * days) * F(bought(at_rest)))

    def _dedicated(self, name: str, spec: Plain, hours: list[Hour]) -> list[Line]:
        each, lot = spec.get("units_per_replica"), spec.get("increment", 1)
        if each is None:  # as many as hold the GPUs of a profile
            profile = self._capacity(spec).get("gpus_per_replica", 1) if "capacity" in spec else 1
            gpus = self._entry("endpoints", spec["endpoint"])["gpus"] if "endpoint" in spec else profile
            each = math.ceil(F(int(profile), int(gpus)))
        month = number(spec.get("billed_hours_per_month", self.month))
        if "endpoint" in spec:
            entry = self._entry("endpoints", spec["endpoint"])
            price, label = self._offered(spec, entry)
            label = f"{entry['gpu']} ({spec['endpoint']}, {label})"
        else:
            price, label = self._money(spec["unit_price"], month), "units"
        quantity = self._billed(spec, hours, lambda replicas: math.ceil(F(replicas * each, lot)) * lot)
        return [Line(name, "endpoint", label, Near(quantity * price))]

    def _self_hosted(self, name: str, spec: Plain, hours: list[Hour]) -> list[Line]:
        month = number(spec.get("billed_hours_per_month", self.month))
        if "all_in" in spec:
            return [Line(name, "gpu", "all-in", Near(self._money(spec["all_in"], month) * month))]
        together = spec.get("gpus_per_server", 1)
        if "gpu" in spec:
            entry = self._entry("gpus", spec["gpu"])
            together = int(number(entry["gpus"]))
            price, label = self._offered(spec, entry)
            label = f"{entry['gpu']} ({spec['gpu']}, {label})"
        else:
            key = "gpu_price" if "gpu_price" in spec else "server_price"
            price = self._money(spec[key], month) * (together if key == "gpu_price" else 1)
            label = "servers" if together > 1 else "GPUs"
        each = spec.get("gpus_per_replica")
        if each is None:
            each = self._capacity(spec).get("gpus_per_replica", 1) if "capacity" in spec else 1
        quantity = self._billed(spec, hours, lambda replicas: math.ceil(F(replicas * int(each), together)))
        lines = [Line(name, "gpu", label, Near(quantity * price))]
        if "cluster_overhead" in spec:
            share = number(spec["cluster_overhead"])
            lines.append(Line(name, "gpu", "cluster overhead", Near(quantity * price * share)))
        return lines

    # -- catalogues and money -------------------------------------------------------------------------------------

    def _entry(self, section: str, name: str) -> Plain:
        file, entry = name.split("/")
        found: Plain = self.catalogues[file][section][entry]
        return found

    def _offered(self, spec: Plain, entry: Plain) -> tuple[Fraction, str]:
        """The hourly price of an offer for the region and term asked for, and the term."""
        term = spec.get("term", "on_demand")
        row = next(r for r in entry["prices"] if r["term"] == term and spec.get("region", r["region"]) == r["region"])
        return number(row["per_hour"]), term

    def _money(self, text: str, month: Fraction) -> Fraction:
        """ "$1.10/hour" in dollars an hour, of which a month has so many; "$3/1M tokens" in dollars per 1M."""
        match = re.fullmatch(r"([$€])([0-9.]+)/(hour|day|month|year|1M tokens)", text)
        assert match, text
        usd = F(1) if match[1] == "$" else number(self.scenario["exchange_rates"]["EUR"]["usd"])
        per = {"hour": F(1), "day": F(24), "month": month, "year": 12 * month, "1M tokens": F(1)}[match[3]]
        return F(match[2]) * usd / per


def added(a: Flow, b: Flow) -> Flow:
    return {k: a.get(k, Near(ZERO)) + b.get(k, Near(ZERO)) for k in [*a, *(k for k in b if k not in a)]}


def without_nothing(flow: Flow) -> Flow:
    return {k: q for k, q in flow.items() if q.value}


# -- what happens between volumes -----------------------------------------------------------------------------------


def steps(oracle: Oracle, option: str, lo: Fraction, hi: Fraction) -> list[Fraction]:
    """Every volume of (lo, hi) at which the load of some fleet reaches a multiple of its size, or a fleet is full.

    Loads are affine between the volumes at which a fleet fills up; those are found first.
    """
    full = sorted({v for v in _full_at(oracle, option, lo, hi) if lo < v < hi})
    found = set(full)
    for left, right in zip([lo, *full], [*full, hi], strict=True):
        for h in oracle.price(option, left, above=True).hours:
            if not h.busy.rise:
                continue
            end = h.busy.value + h.busy.rise * (right - left)
            end = end if h.room is None else min(end, h.room)
            first, last = math.floor(h.busy.value / h.size), math.ceil(end / h.size)
            found |= {left + (k * h.size - h.busy.value) / h.busy.rise for k in range(first, last + 1)}
    return sorted(v for v in found if lo < v < hi)


def _full_at(oracle: Oracle, option: str, lo: Fraction, hi: Fraction) -> Iterable[Fraction]:
    """The volumes at which the load of a fleet without its limit reaches its room: where it begins to overflow."""
    free = Oracle({**oracle.scenario, "options": _without_overflow(oracle.options)}, oracle.catalogues, oracle.labels)
    for h in free.price(option, lo, above=True).hours:
        if h.room is not None and h.busy.rise:
            yield lo + (h.room - h.busy.value) / h.busy.rise


def _without_overflow(options: Plain) -> dict[str, Any]:
    return {name: {k: v for k, v in spec.items() if k != "overflow"} for name, spec in options.items()}


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
