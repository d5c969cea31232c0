"""Line items: what an option costs, as rates times quantities, and where every number in them comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple, Protocol

import numpy as np

from tco.quantity import Array, At, Linear, Number, Quantity, linear


class Home(NamedTuple):
    """Where a figure comes from: a catalogue entry, a line of the scenario, or a named default."""

    where: str
    """`file:line`, or "default"."""
    source: str = ""
    checked: str = ""
    kind: str = ""

    @property
    def is_default(self) -> bool:
        """Whether nobody stated the figure."""
        return self.where == "default"

    def __str__(self) -> str:
        paper = ", ".join(p for p in (self.kind, f"checked {self.checked}" if self.checked else "", self.source) if p)
        return f"{self.where} ({paper})" if paper else self.where


class Figure(NamedTuple):
    """One number with its unit and its home."""

    name: str
    value: Fraction
    unit: str
    home: Home


class Numbers(Protocol):
    """Turns a figure into the numbers an evaluation computes with."""

    exact: bool

    def __call__(self, figure: Figure | Fraction | int) -> Number: ...


class Exact:
    """Rational arithmetic: scalars of `Fraction`."""

    exact = True

    def __call__(self, figure: Figure | Fraction | int) -> Number:
        return figure.value if isinstance(figure, Figure) else Fraction(figure)


class Point:
    """float64 with a draw axis of one: arrays of shape (draw,) = (1,)."""

    exact = False

    def __call__(self, figure: Figure | Fraction | int) -> Number:
        return np.array([float(figure.value if isinstance(figure, Figure) else figure)])


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
    idle_replicas: Number
    size: Number
    """Load one replica takes: target utilisation / burst."""
    per_replica: str
    inputs: tuple[Figure, ...] = ()
    peak: Quantity | None = None
    seconds: Mapping[str, Number] = MappingProxyType({})
    """Replica-seconds of one request, by class."""


class Bill(NamedTuple):
    """What a leaf option makes of a demand."""

    lines: tuple[LineItem, ...]
    limits: tuple[Limit, ...] = ()
    fleet: Fleet | None = None
    retires: date | None = None
    """The day what it rests on is switched off."""
