"""What an API bills, the slow way: every class, call, length, tier and hour a row of its own, day after day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from oracle_near import ZERO, F, Near, least, most, total

if TYPE_CHECKING:
    from oracle import Class, Flow, Line, Oracle, Plain

PARTS = {
    "input": ("cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "image_input"),
    "output": ("audio_output", "reasoning"),
}
METERS = ("input", "output", *PARTS["input"], *PARTS["output"])


@dataclass(frozen=True)
class Row:
    """Tokens at a price: of one class, meter, tier, length and stretch of the day."""

    of: tuple[str, str]
    """Class and stretch of the day: all its rows rise and fall together."""
    meter: str
    label: str
    by_day: tuple[Near, ...]
    """Tokens of each day."""
    price: Fraction
    """Of 1M."""


def container(meter: str) -> str:
    return next((outer for outer, parts in PARTS.items() if meter in parts), meter)


class ApiBill:
    """One API's month."""

    def __init__(self, oracle: Oracle, name: str, spec: Plain, flow: Flow, spilled: set[str]) -> None:
        self.o, self.name, self.spec, self.flow = oracle, name, spec, flow
        self.spilled = spilled
        """Classes whose share of its traffic changes with the volume: a full fleet spills some of them into it."""
        self.gross = oracle.overhead(spec)
        self.days = range(max(7, oracle.cycle // 24))
        """Days of the week, or of a longer cycle."""
        self.each = oracle.days / len(self.days)
        """How many Mondays, Tuesdays, ... a month has."""

    def lines(self) -> list[Line]:
        from oracle import Line

        found = []
        rows = list(self._rows())
        spend = Near(ZERO)
        for row, billed in zip(rows, self._billed(rows), strict=True):
            cost = billed * (row.price / 10**6)
            spend = spend + cost
            found.append(Line(self.name, "api", row.label, cost))
        found += [Line(self.name, "api", label, cost) for label, cost in (*self._terms(spend), *self._fees())]
        if "migrations" in self.spec:
            m = self.spec["migrations"]
            cost = Near(self.o.once(m["cost"]) / self.o.months(m["every"]))
            found.append(Line(self.name, "fixed", "model migrations", cost))
        return found

    # -- traffic --------------------------------------------------------------------------------------------------

    def _of_day(self, c: str, day: int, weight: Mapping[int, Fraction] | None = None) -> Near:
        """Requests of a class on a day of the week, overhead included, each hour of the day times a weight."""
        hours = [day * 24 + h for h in range(24)]
        return total(
            self.flow[c, h % self.o.cycle] * self.gross * (1 if weight is None else weight[h % 24])
            for h in hours
            if (c, h % self.o.cycle) in self.flow
        )

    def _stretches(self) -> list[tuple[str, Mapping[int, Fraction], Fraction]]:
        """Stretches of the day: what follows a label, each hour's share inside, and the factor on prices."""
        rest = {h: F(1) for h in range(24)}
        found: list[tuple[str, Mapping[int, Fraction], Fraction]] = []
        for name, window in self.spec.get("time_of_day", {}).items():
            inside = minutes_inside(window["hours"])
            rest = {h: x - inside[h] for h, x in rest.items()}
            factor = 1 - self.o.number(window.get("discount", 0)) + self.o.number(window.get("surcharge", 0))
            found.append((f" ({name})", inside, factor))
        return [("", rest, F(1)), *found]

    def _batched(self, c: Class) -> Fraction:
        return c.waits if self.spec.get("batch") else self.o.number(self.spec.get("batch_share", 0))

    def _rows(self) -> Iterator[Row]:
        always = {h: F(1) for h in range(24)}
        for c, what in self.o.classes.items():
            if not any(of == c for of, _ in self.flow):
                continue
            batch = self._batched(what)
            tiers = ((self.spec.get("tier", "standard"), 1 - batch, self._stretches()),
                     ("batch", batch, [("", always, F(1))]))  # fmt: skip
            for tier, portion, stretches in tiers:
                if not portion:
                    continue
                at_any_hour = tier == "batch"
                for suffix, weight, factor in [("", always, F(1))] if at_any_hour else stretches:
                    stretch = "all day" if weight == always else suffix
                    by_day = [self._of_day(c, day, weight) for day in self.days]
                    if not any(x.value or x.rise for x in by_day):
                        continue
                    for meter, label, tokens, price in self._request(what, tier):
                        full = f"{c}: {label}{suffix}" if len(self.o.classes) > 1 else f"{label}{suffix}"
                        days = tuple(x * (portion * tokens) for x in by_day)
                        yield Row((c, stretch), meter, full, days, price * factor)

    def _request(self, c: Class, tier: str) -> Iterator[tuple[str, str, Fraction, Fraction]]:
        """Tokens and price of one request by meter: call by call, and those above a threshold apart."""
        standard = self.o.prices(self.spec, tier)
        long = standard.get("long_context")
        cut = None if long is None else self.o.number(long["above_tokens"])
        factor = (1 + self.o.number(self.spec.get("markup", 0))) * (1 - self.o.number(self.spec.get("discount", 0)))
        factor *= 1 + self.o.number(self.spec.get("region_uplift", 0))
        ratio = self.o.number(self.spec.get("input_ratio", 1))
        for place, made in c.calls():
            for share, mean, above in pieces(c.sizes(place), None if cut is None else cut / ratio):
                prices = long if above and long is not None else standard
                suffix = ("" if tier == "standard" else f" ({tier})") + (" (long context)" if above else "")
                counts = self.o.counts(self.spec, c, mean, place)
                own = {k: self.o.number(prices[f"{k}_per_mtok"]) for k in METERS if f"{k}_per_mtok" in prices}
                write = f"cache_write_{self.spec.get('cache_ttl', '5m')}"
                if counts["cache_read"] and write in own:
                    counts[write] = c.cacheable_of(place) * ratio - counts["cache_read"]
                for outer, parts in PARTS.items():
                    rest = counts[outer]
                    for part in parts:
                        if part in own and counts.get(part):
                            rest -= counts[part]
                            yield (part, self.o.labels.get(part, part) + suffix, made * share * counts[part],
                                   own[part] * factor)  # fmt: skip
                    assert rest >= 0, "a scenario whose parts exceed their container is an error"
                    if rest:
                        yield outer, self.o.labels.get(outer, outer) + suffix, made * share * rest, own[outer] * factor

    # -- what is free, and terms -----------------------------------------------------------------------------------

    def _billed(self, rows: list[Row]) -> Iterator[Near]:
        """Tokens a month of each row beyond the free quota."""
        quota = self.spec.get("free_quota", {})
        for row in rows:
            key = "tokens" if "tokens" in quota else f"{container(row.meter)}_tokens"
            if key not in quota:
                yield total(row.by_day) * self.each
                continue
            free, per_day = self._quota(quota[key])
            others = [r for r in rows if key == "tokens" or container(r.meter) == container(row.meter)]
            if per_day:
                yield total(
                    self._beyond(row, others, free, lambda r, day=day: r.by_day[day]) for day in self.days
                ) * self.each  # fmt: skip
            else:
                yield self._beyond(row, others, free, lambda r: total(r.by_day) * self.each)

    def _beyond(self, row: Row, rows: list[Row], free: Fraction, of: Any) -> Near:
        """A row's part of what is beyond a quota: the same share of every row, or one kind of traffic after another."""
        mine = of(row)
        if not (mine.value or mine.rise):
            return Near(ZERO)
        left = Near(free)
        if self.spilled:
            order = list(dict.fromkeys(map(self._together, rows)))
            for kind in order[: order.index(self._together(row))]:
                left = most(left - total(of(r) for r in rows if self._together(r) == kind), 0)
            rows = [r for r in rows if self._together(r) == self._together(row)]
        used = total(of(r) for r in rows)
        share = mine.value / used.value if used.value else mine.rise / used.rise  # the same at every volume
        return mine - left * share if used > left else Near(ZERO)

    def _together(self, row: Row) -> tuple[str, ...]:
        """What keeps its shares at every volume: all that follows the volume itself, else a row's own traffic."""
        return row.of if row.of[0] in self.spilled else ()

    def _quota(self, text: str) -> tuple[Fraction, bool]:
        amount, _, rest = text.partition(" ")
        return self.o.number(amount), rest.endswith("/day")

    def _terms(self, spend: Near) -> Iterator[tuple[str, Near]]:
        left = spend
        tiers = [(self.o.monthly(t["above"]), self.o.number(t["discount"]), t["above"])
                 for t in self.spec.get("volume_discounts", [])]  # fmt: skip
        for i, (above, off, stated) in enumerate(tiers):
            inside = most(spend - above, 0)
            if i + 1 < len(tiers):
                inside = least(inside, tiers[i + 1][0] - above)
            left = left - inside * off
            yield f"volume discount above {stated}", inside * -off
        before = ZERO
        for t in self.spec.get("all_units_discounts", []):
            above, off = self.o.monthly(t["above"]), self.o.number(t["discount"])
            if spend > above:
                yield "all-units discount", spend * -(off - before)
                left = left - spend * (off - before)
            before = off
        if "commitment" in self.spec:
            promised = self.o.monthly(self.spec["commitment"]["spend"])
            off = self.o.number(self.spec["commitment"].get("discount", 0))
            overage = self.o.number(self.spec["commitment"].get("overage", 1))
            covered = promised / (1 - off)  # what the promise buys, at list
            inside = least(left, covered)
            yield "commitment discount", inside * -off
            yield "commitment shortfall", Near(promised) - inside * (1 - off)
            yield "commitment overage", (left - inside) * (overage - 1)

    def _fees(self) -> Iterator[tuple[str, Near]]:
        by_day = [self._of_day_calls(day) for day in self.days]
        if "request_fee" in self.spec:
            quota = self.spec.get("free_quota", {}).get("requests")
            yield "request fees", self._free(by_day, quota) * self.o.each_of(self.spec["request_fee"])
        for name, tool in self.spec.get("tools", {}).items():
            stated = tool["per_request"]
            uses = {
                c: self.o.number(stated.get(c, 0) if isinstance(stated, Mapping) else stated) for c in self.o.classes
            }
            days = [total(self._of_day(c, day) * uses[c] for c in self.o.classes) for day in self.days]
            yield name, self._free(days, tool.get("free")) * self.o.each_of(tool["price"])
        if "seats" in self.spec:
            price = self.o.amount(self.spec["seats"]["price"].removesuffix("/seat-month"))
            yield "seats", Near(self.o.number(self.spec["seats"]["count"]) * price)

    def _of_day_calls(self, day: int) -> Near:
        return total(self._of_day(c, day) * spec.calls_per_task for c, spec in self.o.classes.items())

    def _free(self, by_day: list[Near], quota: str | None) -> Near:
        """A month of something counted on each day of the week, beyond what is free."""
        if quota is None:
            return total(by_day) * self.each
        free, per_day = self._quota(quota)
        if per_day:
            return total(most(x - free, 0) for x in by_day) * self.each
        return most(total(by_day) * self.each - free, 0)

    # -- limits -----------------------------------------------------------------------------------------------------

    def within_limits(self) -> bool:
        """Whether the peak minute keeps to a hard rate limit."""
        limit = self.spec.get("rate_limit")
        if limit is None or not limit.get("hard"):
            return True
        sent = self.gross + self.o.number(limit.get("refused", 0))
        burst = self.o.number(self.o.workload.get("burst", 1))
        for h in range(self.o.cycle):
            found = {key: Near(ZERO) for key in ("requests", "tokens", "input_tokens", "output_tokens")}
            for c, what in self.o.classes.items():
                if (c, h) not in self.flow or self.spec.get("tier") == "batch":
                    continue
                a_minute = self.flow[c, h] * (sent * (1 - self._batched(what)) * burst / 60)
                tokens = {"input": ZERO, "output": ZERO}
                for place, made in what.calls():
                    counts = self.o.counts(self.spec, what, what.mean(place), place)
                    tokens = {k: x + made * counts[k] for k, x in tokens.items()}
                found["requests"] += a_minute * what.calls_per_task
                found["input_tokens"] += a_minute * tokens["input"]
                found["output_tokens"] += a_minute * tokens["output"]
                found["tokens"] += a_minute * (tokens["input"] + tokens["output"])
            for key, load in found.items():
                if f"{key}_per_minute" in limit and load > self.o.number(limit[f"{key}_per_minute"]):
                    return False
        return True


def minutes_inside(hours: Any) -> dict[int, Fraction]:
    """Of each hour of the day, the share inside a window such as 16:30-0:30 or a list of hours."""
    if not isinstance(hours, str):
        return {h: F(h in hours) for h in range(24)}
    began, ended = (60 * int(h) + int(m or 0) for h, m in (re.fullmatch(r"(\d+)(?::(\d+))?", x).groups()  # type: ignore[union-attr]
                                                           for x in hours.split("-")))  # fmt: skip
    inside = {m for m in range(1440) if (began <= m < ended if began < ended else m >= began or m < ended)}
    return {h: F(sum(m // 60 == h for m in inside), 60) for h in range(24)}


Points = list[tuple[Fraction, Fraction]]


def pieces(points: Points, cut: Fraction | None) -> Iterator[tuple[Fraction, Fraction, bool]]:
    """Share, mean size, and whether above a threshold, of what lies up to it and of what lies above."""
    parts: dict[bool, list[tuple[Fraction, Fraction]]] = {False: [], True: []}
    for (p, a), (q, b) in pairwise(points):
        knots = [(p, a), (q, b)]
        if cut is not None and a < cut < b:
            knots.insert(1, (p + (q - p) * (cut - a) / (b - a), cut))
        for (r, x), (s, y) in pairwise(knots):
            if s > r:
                parts[cut is not None and y > cut].append((s - r, (x + y) / 2))
    for above, found in parts.items():
        share = sum((s for s, _ in found), ZERO)
        if share:
            yield share, sum((s * x for s, x in found), ZERO) / share, above
