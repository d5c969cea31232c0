"""What a fleet runs and bills, the slow way: hour by hour of the day or the week, replica by replica."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from oracle_near import ZERO, F, Near, most, near, total

if TYPE_CHECKING:
    from oracle import Flow, Line, Oracle, Plain


@dataclass(frozen=True)
class Hour:
    """A fleet in one hour of the day or the week."""

    leaf: str
    hour: int
    busy: Near
    size: Fraction
    replicas: int
    room: Fraction | None
    """Busy replicas at which it is full; None when it never is."""


class Fleet:
    """One fleet's month."""

    def __init__(self, oracle: Oracle, name: str, spec: Plain, flow: Flow) -> None:
        self.o, self.name, self.spec, self.flow = oracle, name, spec, flow
        n = oracle.number
        stated = spec.get("replicas", {})
        bounds = (stated, stated, 0) if isinstance(stated, int) else (
            stated.get("min", 1), stated.get("max"), stated.get("spare", 0))  # fmt: skip
        self.least: int = bounds[0]
        self.most: int | None = bounds[1]
        self.spare: int = bounds[2]
        self.useful = n(spec.get("target_utilisation", 1)) * n(spec.get("availability", 1))
        self.burst = n(spec.get("burst", oracle.workload.get("burst", 1)))
        self.size = self.useful / self.burst
        self.billing = spec.get("billing", "static")
        self.month = n(spec.get("billed_hours_per_month", oracle.month))
        self.zones = spec.get("zones", 1)
        days = oracle.days if self.billing in ("busy_time", "batch_window") else min(oracle.days, self.month / 24)
        self.each = days * 24 / oracle.cycle
        """How often a month has each hour of the cycle; other billed hours carry no traffic, and work is all billed."""
        self.cold = oracle.hours(spec["cold_start"]) if "cold_start" in spec else ZERO

    # -- load -------------------------------------------------------------------------------------------------------

    @property
    def room(self) -> Fraction | None:
        return None if self.most is None else (self.most - self.spare) * self.size

    def busy(self, hour: int) -> Near:
        return total(
            self.flow[c, hour] * self.o.replica_hours(self.name, c) for c in self.o.classes if (c, hour) in self.flow
        )

    @cached_property
    def arriving(self) -> list[Near]:
        return [self.busy(h) for h in range(self.o.cycle)]

    def _waiting(self, c: str, hour: int) -> Near:
        what = self.o.classes[c]
        q = self.flow.get((c, hour), Near(ZERO))
        return q * (what.waits * self.o.replica_hours(self.name, c))

    def _reach(self, c: str) -> int:
        """Hours that a request of a class can be served in: its own and those that follow."""
        return min(max(1, math.floor(self.o.classes[c].deadline)), self.o.cycle)

    @cached_property
    def load(self) -> list[Near]:
        """Of each hour, what is served in it."""
        if not self.spec.get("batch"):
            return self.arriving
        if self.billing == "static":
            return [self._demanded()] * self.o.cycle
        found = list(self.arriving)
        for c in self.o.classes:
            reach = self._reach(c)
            for h in range(self.o.cycle):
                work = self._waiting(c, h)
                if not (work.value or work.rise):
                    continue
                found[h] = found[h] - work
                for k in range(reach):
                    found[(h + k) % self.o.cycle] = found[(h + k) % self.o.cycle] + work / reach
        return found

    def _demanded(self) -> Near:
        """The highest, over all stretches of hours, of the work that must be done inside over its length."""
        cycle = self.o.cycle
        highest = total(self.arriving) / cycle
        waiting = {c: [self._waiting(c, h) for h in range(cycle)] for c in self.o.classes if self.o.classes[c].waits}
        at_once = [x - total(w[h] for w in waiting.values()) for h, x in enumerate(self.arriving)]
        before = summed(at_once)
        waits_before = {c: (summed(work), self._reach(c)) for c, work in waiting.items()}
        for first in range(cycle):
            for length in range(1, cycle + 1):
                inside = before[first + length] - before[first]
                for so_far, reach in waits_before.values():
                    if length >= reach:  # what comes in the last hours may be served after them
                        inside = inside + so_far[first + length - reach + 1] - so_far[first]
                highest = most(highest, inside / length)
        return highest

    # -- replicas ---------------------------------------------------------------------------------------------------

    def clamp(self, load: Near, size: Fraction) -> int:
        n = max((load / size).ceil() + self.spare, self.least)
        return n if self.most is None else min(n, self.most)

    @cached_property
    def hours(self) -> list[Hour]:
        """Every hour: busy replicas, and those that run."""
        if "capacity" not in self.spec:
            return [Hour(self.name, h, Near(ZERO), ZERO, self.least, None) for h in range(self.o.cycle)]
        if self.billing == "batch_window":
            window = self.o.number(self.spec["window_hours_per_month"])
            load = total(self.arriving) * (self.each / window)
            n = self.clamp(load, self.useful)
            room = None if self.most is None else (self.most - self.spare) * self.useful
            return [Hour(self.name, h, load, self.useful, n, room) for h in range(self.o.cycle)]
        if self.billing == "busy_time":
            return [Hour(self.name, h, x, self.size, 0, self.room) for h, x in enumerate(self.arriving)]
        found = []
        for h, busy in enumerate(self.load):
            # spares do not run without load, and what bills busy hours only bills nothing
            at_rest = 0 if self.billing == "busy_hours" else self.least
            n = self.clamp(busy, self.size) if busy > 0 else at_rest
            found.append(Hour(self.name, h, busy, self.size, n, self.room))
        if self.billing == "static":  # those of the busiest hour run in every hour
            busiest = max(x.replicas for x in found)
            return [replace(h, replicas=busiest) for h in found]
        return found

    # -- what is bought for them ------------------------------------------------------------------------------------

    def lots(self, replicas: int, floor: bool = True) -> int:
        """Instances, servers or lots of units for so many replicas of one zone."""
        if self.spec["kind"] == "dedicated":
            lot, at_least = self.spec.get("increment", 1), self.spec.get("min_units", 0)
        else:
            lot, at_least = self.together, self.spec.get("min_gpus", 0)
        n = math.ceil(F(replicas * self.per_replica, lot))
        return max(n, math.ceil(F(at_least, lot))) if replicas and floor else n

    @property
    def together(self) -> int:
        if "gpu" in self.spec:
            return int(self.o.entry("gpus", self.spec["gpu"])["gpus"])
        if "owned" in self.spec:
            return int(self.spec["owned"].get("gpus_per_server", 1))
        return int(self.spec.get("gpus_per_server", 1))

    @property
    def per_replica(self) -> int:
        each = self.spec.get("gpus_per_replica")
        stated = self.spec.get("capacity")
        known = self.o.capacity(self.spec)[0] if isinstance(stated, str) else {}
        gpus = int(known.get("gpus_per_replica", 1)) if each is None else int(each)
        if self.spec["kind"] != "dedicated":
            return gpus
        if "units_per_replica" in self.spec:
            return int(self.spec["units_per_replica"])
        of_one = self.o.entry("endpoints", self.spec["endpoint"])["gpus"] if "endpoint" in self.spec else gpus
        return math.ceil(F(gpus, int(of_one)))

    @property
    def gpus_at_peak(self) -> int:
        """GPUs that are paid for in the busiest hour: all zones, the reserved base, staging; or those that are kept."""
        if self.name in self.o.kept:
            return self.o.kept[self.name] * self.together
        peak = max(h.replicas for h in self.hours)
        base = self.lots(self.spec.get("reserved", {}).get("replicas", 0), floor=False)
        zones = max(self.lots(peak), base) * int(self.zones)
        return (zones + self.lots(self.spec.get("staging", 0), floor=False)) * self.together

    def above(self, replicas: int) -> int:
        """Lots beyond the reserved base."""
        base = self.lots(self.spec.get("reserved", {}).get("replicas", 0), floor=False)
        return max(self.lots(replicas) - base, 0)

    # -- lines ------------------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        from oracle import Line

        if "all_in" in self.spec:
            cost = self.o.money(self.spec["all_in"], self.month) * self.month
            return [Line(self.name, "gpu", "all-in", Near(cost))]
        if "owned" in self.spec:
            return self._owned()
        category = "endpoint" if self.spec["kind"] == "dedicated" else "gpu"
        found = list(self._rented())
        if "cluster_overhead" in self.spec:
            share = self.o.number(self.spec["cluster_overhead"])
            found.append(("cluster overhead", total(near(cost) for _, cost in found) * share))
        return [Line(self.name, category, label, near(cost)) for label, cost in found]

    def _running(self) -> tuple[Near | Fraction, Fraction]:
        """Lot-hours a month above the base, and those of starting up."""
        if self.billing == "busy_time":
            idle = self.o.hours(self.spec["idle_timeout"]) if "idle_timeout" in self.spec else ZERO
            days = self.each * self.o.cycle / 24
            woken = self.o.number(self.spec["wake_ups_per_day"]) * days * (self.cold + idle) * self.lots(1)
            return total(self.arriving) * (self.each * self.lots(1) / self.useful), woken
        if self.billing == "batch_window":
            n = self.above(self.hours[0].replicas)
            windows = self.o.number(self.spec.get("windows_per_month", self.o.days))
            window = self.o.number(self.spec["window_hours_per_month"])
            return window * n * self.zones, windows * n * self.cold * self.zones
        counts = [self.above(h.replicas) for h in self.hours]
        traffic = self.each * self.o.cycle
        if self.billing == "static":
            return self.month * max(counts) * self.zones, ZERO
        at_rest = self.above(0 if self.billing == "busy_hours" else self.least)
        running = sum((self.each * n for n in counts), ZERO) + (self.month - traffic) * at_rest
        started = sum(max(0, n - counts[h - 1]) for h, n in enumerate(counts)) * self.each * self.cold
        return running * self.zones, started * self.zones

    def _rented(self) -> list[tuple[str, Near | Fraction]]:
        price, label = self._price(self.spec)
        running, started = self._running()
        reserved, spot = self.spec.get("reserved"), self.spec.get("spot")
        lot = self.spec.get("increment", 1) if self.spec["kind"] == "dedicated" else 1
        found: list[tuple[str, Near | Fraction]] = []
        if reserved is not None:
            its_price, its_label = self._price(reserved)
            base = self.lots(reserved["replicas"], floor=False) * self.month * self.zones * lot
            found.append((f"reserved: {its_label or label}", base * its_price))
        usual = 1 - self.o.number(spot["share"]) if spot else F(1)
        found.append((label, running * (usual * price * lot)))
        found.append(("wake-ups" if self.billing == "busy_time" else "cold starts", started * (usual * price * lot)))
        if spot:
            its_price, its_label = self._price({"term": "spot", **spot})
            lost = 1 + self.o.number(spot.get("interruption_overhead", 0))
            share = self.o.number(spot["share"])
            found.append((f"spot: {its_label or label}", (running + started) * (share * lost * its_price * lot)))
        if self.spec.get("staging"):
            found.append(("staging", self.lots(self.spec["staging"], floor=False) * self.month * price * lot))
        return found

    def _price(self, terms: Plain) -> tuple[Fraction, str]:
        """What a lot costs an hour under an option's own terms or those of a part of it."""
        own = terms is self.spec
        if "price" in terms and not own:
            each = self.together if "gpu_price" in self.spec else 1
            section, name = ("endpoints", self.spec.get("endpoint")) if self.spec["kind"] == "dedicated" else (
                "gpus", self.spec.get("gpu"))  # fmt: skip
            label = "" if name is None else self.o.entry(section, name)["gpu"]
            return self.o.money(terms["price"], self.month) * each, label
        if self.spec["kind"] == "dedicated":
            if "endpoint" not in self.spec:
                return self.o.money(self.spec["unit_price"], self.month), "units"
            section, name = "endpoints", self.spec["endpoint"]
        elif "gpu" in self.spec:
            section, name = "gpus", self.spec["gpu"]
        else:
            key = "gpu_price" if "gpu_price" in self.spec else "server_price"
            price = self.o.money(self.spec[key], self.month) * (self.together if key == "gpu_price" else 1)
            return price, "servers" if self.together > 1 else "GPUs"
        entry = self.o.entry(section, name)
        term = terms.get("term", "on_demand")
        row = next(r for r in entry["prices"]
                   if r["term"] == term and self.spec.get("region", r["region"]) == r["region"])  # fmt: skip
        return self.o.number(row["per_hour"]), f"{entry['gpu']} ({name}, {term})"

    def _owned(self) -> list[Line]:
        from oracle import Line

        spec, n = self.spec["owned"], self.o.number
        servers = F(self.gpus_at_peak, self.together)
        price = self.o.amount(spec["price"])
        left = price * n(spec.get("residual", 0))
        network = price * n(spec.get("networking", 0))
        found: dict[str, Near] = {}
        if not spec.get("sunk"):
            life = 12 * n(spec["life_years"])
            found["depreciation"] = near(servers * (price - left) / life)
            found["networking"] = near(servers * network / life)
            rate = n(spec.get("cost_of_capital", 0)) / 12
            found["cost of capital"] = near(servers * rate * (price + left + network) / 2)
        found["maintenance"] = near(servers * price * n(spec.get("maintenance", 0)) / 12)
        for key in ("software", "colocation"):
            if key in spec:
                found[key] = near(servers * self.o.money(spec[key], self.month) * self.month)
        if "power" in spec:
            power = spec["power"]
            idle, full = n(power["idle_watts"]), n(power["busy_watts"])
            work = total(self.arriving) * self.each * F(self.per_replica, self.together)
            watt_hours = work * (full - idle) + servers * idle * self.month
            kwh_price = self.o.amount(power["price"].removesuffix("/kWh"))
            found["electricity"] = watt_hours * (n(power.get("pue", 1)) * kwh_price / 1000)
        kinds = {"depreciation": "depreciation", "networking": "depreciation", "cost of capital": "cost of capital",
                 "electricity": "power"}  # fmt: skip
        return [Line(self.name, kinds.get(label, "operation"), label, cost) for label, cost in found.items()]


def summed(hours: list[Near]) -> list[Near]:
    """What comes before each hour of two cycles one after another."""
    return list(accumulate([*hours, *hours], initial=Near(ZERO)))
