"""The ledger of an option at one volume: every line exact, rounded once to the cent, the total their sum."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from tco.lineitem import INVOICE, Figure, Fleet, Limit
from tco.options.assembly import Assembled
from tco.quantity import At, Quantity, at
from tco.units import format_tokens

MOST = 10**30
"""More money a month is a slip of units, and beyond what floats can tell apart."""


def cents(amount: Fraction) -> Decimal:
    """The amount rounded once to the cent, half to even, from its exact value."""
    hundredths = amount * 100
    return Decimal(round(hundredths)).scaleb(-2)


class Entry(NamedTuple):
    """One line of a ledger. `exact` is unrounded; `amount` is what tables and totals use."""

    part: str
    """The leaf a hybrid's line belongs to; "" for the option's own."""
    category: str
    label: str
    quantity: Fraction
    unit: str
    rate: Fraction
    exact: Fraction
    amount: Decimal
    inputs: tuple[Figure, ...]


class Hours(NamedTuple):
    """A fleet in the hours of one load level."""

    hours: Fraction
    share_of_day: Fraction
    busy: Fraction
    replicas: Fraction

    @property
    def utilisation(self) -> Fraction | None:
        """Busy share of the replicas that run; None when none do."""
        return self.busy / self.replicas if self.replicas else None


class FleetState(NamedTuple):
    """The capacity arithmetic of one fleet at one volume."""

    leaf: str
    capacity: str
    levels: tuple[Hours, ...]
    idle_hours: Fraction
    idle_replicas: Fraction
    peak: Fraction
    size: Fraction
    seconds: dict[str, Fraction]
    waiting: Fraction = Fraction(0)
    """Replica-hours a month of cold starts and of time-outs before a replica stops."""

    @property
    def utilisation(self) -> Fraction | None:
        """Busy replica-hours over running replica-hours of the month; None when nothing is known of the load."""
        running = sum((h.hours * h.replicas for h in self.levels), self.idle_hours * self.idle_replicas)
        running += self.waiting
        busy = sum((h.hours * h.busy for h in self.levels), Fraction(0))
        return busy / running if running and self.levels else None


class Ledger(NamedTuple):
    """An option at one volume."""

    volume: Fraction
    entries: tuple[Entry, ...]
    fleets: tuple[FleetState, ...]
    over: tuple[str, ...]
    """Reasons why the option cannot serve this volume."""
    advice: tuple[tuple[str, str], ...]
    """What to know at this volume, by the leaf it is about: a soft limit passed, too little traffic for a cache."""

    @property
    def total(self) -> Decimal:
        """The sum of the rounded lines."""
        return sum((e.amount for e in self.entries), Decimal("0.00"))

    @property
    def exact(self) -> Fraction:
        """The sum of the unrounded lines."""
        return sum((e.exact for e in self.entries), Fraction(0))

    @property
    def invoice(self) -> Decimal:
        """What API providers bill: no people, no fixed costs."""
        return sum((e.amount for e in self.entries if e.category == INVOICE), Decimal("0.00"))

    @property
    def categories(self) -> dict[str, Decimal]:
        """Rounded lines summed by category, in the order of the lines."""
        result: dict[str, Decimal] = {}
        for e in self.entries:
            result[e.category] = result.get(e.category, Decimal("0.00")) + e.amount
        return result


def ledger(option: Assembled, volume: Fraction) -> Ledger:
    """The ledger of an option assembled with exact numbers."""
    here = at([volume])

    def entries() -> Iterable[Entry]:
        for part, line in option.lines:
            exact = _one(line.amount(here))
            rate = Fraction(line.rate)
            yield Entry(
                part,
                line.category,
                line.label,
                _value(line.quantity, here),
                line.unit,
                rate,
                exact,
                cents(exact),
                tuple(dict.fromkeys(line.inputs)),
            )

    fleets = tuple(_fleet(leaf, fleet, here) for leaf, fleet in option.fleets.items())
    over = tuple(dict.fromkeys(filter(None, (_over(option, leaf, limit, here) for leaf, limit in option.limits))))
    return Ledger(volume, tuple(entries()), fleets, over, tuple(dict.fromkeys(_advice(option, here))))


def _advice(option: Assembled, here: At) -> Iterable[tuple[str, str]]:
    for part in option.parts:
        for limit in part.bill.advice:
            load, most = _value(limit.load, here), Fraction(limit.most)
            if load > most:
                yield part.leaf, f"{limit.reason}, and the peak is {format_tokens(load)} {limit.unit}"
        for floor in part.bill.floors:
            if _value(floor.load, here) < Fraction(floor.least):
                yield part.leaf, floor.text


def _over(option: Assembled, leaf: str, limit: Limit, here: At) -> str | None:
    """Why a limit is passed; None where it holds."""
    load, most = _value(limit.load, here), Fraction(limit.most)
    if load <= most:
        return None
    whose = "" if leaf == option.name else f"{leaf}: "
    if limit.unit:
        return f"{whose}{limit.reason}, and the load is {format_tokens(load)} {limit.unit}"
    return f"{whose}{limit.reason}, and the load is {float(load / most):.0%} of what they can take"


def _fleet(leaf: str, fleet: Fleet, here: At) -> FleetState:
    levels = tuple(
        Hours(Fraction(h.hours), h.share_of_day, _value(h.busy, here), _value(h.replicas, here)) for h in fleet.levels
    )
    assert fleet.peak is not None
    return FleetState(
        leaf,
        fleet.per_replica,
        levels,
        Fraction(fleet.idle_hours),
        _value(fleet.idle_replicas, here),
        _value(fleet.peak, here),
        Fraction(fleet.size),
        {c: Fraction(w) for c, w in fleet.seconds.items()},
        Fraction(0) if fleet.waiting is None else _value(fleet.waiting, here),
    )


def _value(q: Quantity, here: At) -> Fraction:
    return _one(q.value(here))


def _one(values: object) -> Fraction:
    return Fraction(values.reshape(-1)[0])  # type: ignore[attr-defined]
