"""Line items: what an option costs, as rates times quantities, and where every number in them comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

from tco.quantity import SAME, Array, At, Linear, Number, Quantity, linear
from tco.ranges import Range

KEY_JOINT = " / "
"""Between the keys of a figure's home: no name holds it, so that no two figures share a draw."""


class Home(NamedTuple):
    """Where a figure comes from: a catalogue entry, a line of the scenario, or a named default."""

    where: str
    """`file:line`, or "default"."""
    source: str = ""
    checked: str = ""
    kind: str = ""
    key: str = ""
    """Its keys, from the top of the scenario or of the catalogue entry down: what one draw is drawn for."""

    @property
    def is_default(self) -> bool:
        """Whether nobody stated the figure."""
        return self.where == "default"

    def __str__(self) -> str:
        paper = ", ".join(p for p in (self.kind, f"checked {self.checked}" if self.checked else "", self.source) if p)
        return f"{self.where} ({paper})" if paper else self.where


class Trend(NamedTuple):
    """What a figure moves with over the months of a plan."""

    of: str
    """"api" and "gpu": prices that fall; "pay": what people cost."""
    since: date | None = None
    """The date of the last price that is known: it is from there on that it falls, not before."""


class Figure(NamedTuple):
    """One number with its unit and its home. `value` may be a `Range`, which is its point except in draws.

    A figure made of others (a price converted at a rate, a year's pay a month) is `factor` x the product of the figures
    in `of`, each to its power: so that a draw of one of them is a draw of it.
    """

    name: str
    value: Fraction
    unit: str
    home: Home
    of: tuple[tuple[Figure, int], ...] = ()
    factor: Fraction = Fraction(1)
    trend: Trend | None = None
    """How it moves over time; None for what stays as it is."""

    def __hash__(self) -> int:
        # its place is hash enough: that of a `Fraction` is a modular inverse, and counts of tokens are keyed by figures
        return hash((self.name, self.home.where))

    @property
    def uncertain(self) -> bool:
        """Whether it is a range, or made of one."""
        return isinstance(self.value, Range) or any(f.uncertain for f, _ in self.of)

    def times(
        self,
        *by: Figure,
        per: tuple[Figure, ...] = (),
        factor: Fraction | int = 1,
        name: str | None = None,
        unit: str | None = None,
    ) -> Figure:
        """This figure times others, divided by `per`, times a constant; at home where this one is."""
        of = (*(self.of or ((self, 1),)), *((f, 1) for f in by), *((f, -1) for f in per))
        constant = self.factor * factor
        value = constant
        for f, power in of:
            value = value * Fraction(f.value) ** power
        return Figure(name or self.name, value, self.unit if unit is None else unit, self.home, of, constant)

    @property
    def base(self) -> tuple[Figure, ...]:
        """The figures it is made of; itself alone when it is made of none."""
        return tuple(f for f, _ in self.of) or (self,)


class Numbers(Protocol):
    """Turns a figure into the numbers an evaluation computes with."""

    exact: bool

    def __call__(self, figure: Figure | Fraction | int) -> Number: ...


class Exact:
    """Rational arithmetic: scalars of `Fraction`. A range is its point."""

    exact = True

    def __call__(self, figure: Figure | Fraction | int) -> Number:
        return Fraction(figure.value if isinstance(figure, Figure) else figure)


class Point:
    """float64 with a draw axis of one: arrays of shape (draw,) = (1,). A range is its point."""

    exact = False

    def __init__(self) -> None:
        self.ranges = False
        """Whether a range has been asked for: only then there is something to draw."""

    def __call__(self, figure: Figure | Fraction | int) -> Number:
        if isinstance(figure, Figure):
            self.ranges = self.ranges or figure.uncertain
            figure = figure.value
        return np.array([float(figure)])


class Every(NamedTuple):
    """A line that stands for a month's share of what is paid in lumps."""

    months: Number
    """Months from one to the next."""
    first: date | None = None
    """The day of the first one; so many months after the start when None."""


WRITTEN_OFF = "written off"
"""The timing of a line that is in a month's cost and is never paid by the month: depreciation, cost of capital,
one-offs that are spread over months."""


SETTLED = "settled by the year"
"""The timing of a line that each month of a year bears a part of, and that is paid at the year's end."""


class LineItem(NamedTuple):
    """One cost a month: a rate times a quantity.

    `category` groups lines in the breakdown; `quantity` is per month in `unit`; `rate` is money per `unit` in the
    scenario's currency; `inputs` are the figures that made quantity and rate.
    """

    category: str
    label: str
    quantity: Quantity
    unit: str
    rate: Number
    inputs: tuple[Figure, ...] = ()
    timing: Every | str | None = None
    """When it is paid: None month by month, as it stands."""
    by: Mapping[str, Quantity] | None = None
    """What each request class has of it, in one unit, where pricing tells them apart: tokens, calls, spend."""

    def amount(self, at: At) -> Array:
        """Money a month at each point: shape (volume, draw)."""
        return np.asarray(at.pick(self.rate) * self.quantity.value(at))


INVOICE = "api"
"""The category of what an API provider invoices: equivalent API spend and the cut of the API bill read it."""


def total(lines: Sequence[LineItem]) -> Linear:
    """The sum of the lines as one quantity over their distinct bases: affine lines fold into one coefficient."""
    return linear(0, *((line.rate, line.quantity) for line in lines))


class Limit(NamedTuple):
    """The option is feasible while the load is at most `most`; beyond it costs are not drawn."""

    load: Quantity
    most: Number
    reason: str
    unit: str = ""
    """What both are counted in; "" for busy replicas."""

    def passed(self, at: At) -> Array:
        """Whether it is beyond that at each point. The load of a full fleet whose rest goes elsewhere is just what it
        can take: in floats, rounding puts it on either side, and that is within."""
        most = at.pick(self.most)
        return np.asarray(self.load.value(at.decision) > (most if at.exact else most * (1 + SAME)))


class Floor(NamedTuple):
    """Something a reader should know while a load is below `least`."""

    load: Quantity
    least: Number
    text: str


class LevelLoad(NamedTuple):
    """A fleet in the hours of one load level: hours a month, busy replicas, replicas running."""

    hours: Number
    share_of_day: Fraction
    busy: Quantity
    replicas: Quantity


class Fleet(NamedTuple):
    """The capacity arithmetic of replicas: what `explain` prints and utilisation is read from."""

    unit: str
    levels: tuple[LevelLoad, ...]
    idle_hours: Number
    idle_replicas: Quantity
    size: Number
    """Load one replica takes: target utilisation x availability / burst."""
    per_replica: str
    inputs: tuple[Figure, ...] = ()
    peak: Quantity | None = None
    seconds: Mapping[str, Number] = MappingProxyType({})
    """Replica-seconds of one request, by class."""
    waiting: Quantity | None = None
    """Replica-hours a month billed beside those of the levels: cold starts, time-outs before a replica stops."""


class Stock(NamedTuple):
    """What is bought, and kept until the end of its life: servers of one's own."""

    label: str
    units: Quantity
    """How many the demand needs."""
    price: Number
    """Of one, in money."""
    left: Number
    """What of that price one is worth at the end of its life, in money."""
    life_months: Number
    inputs: tuple[Figure, ...]


class Yearly(NamedTuple):
    """A commitment over a year: what a month stands for by itself, and what the year is settled by."""

    spend: Quantity
    """Money a month that counts towards it, after its discount."""
    used: Quantity
    """The part of that within the month's share of the commitment."""
    beyond: Quantity | None
    """The part beyond it, where that is priced apart."""
    shortfall: Quantity
    promised: Number
    """Money a month."""


class Bill(NamedTuple):
    """What a leaf option makes of a demand."""

    lines: tuple[LineItem, ...]
    limits: tuple[Limit, ...] = ()
    fleet: Fleet | None = None
    gpus: Quantity | None = None
    """GPUs billed at the peak, which people may be counted by; None where none are known."""
    retires: date | None = None
    """The day what it rests on is switched off."""
    advice: tuple[Limit, ...] = ()
    """Soft limits: a load beyond one is a warning, and the option stays feasible."""
    floors: tuple[Floor, ...] = ()
    """What is a warning while the load is too low."""
    gpus_inputs: tuple[Figure, ...] = ()
    """The figures they follow from, where those are not the fleet's."""
    stocks: tuple[Stock, ...] = ()
    """What is bought for it."""
    yearly: tuple[Yearly, ...] = ()
    """Commitments that are settled at the end of a year."""
