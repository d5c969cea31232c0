"""What each request class causes of a cost.

By pricing's own quantities: lines of an API by the tokens, calls or spend of each class, a fleet's by the time that
each class keeps replicas busy, all else by requests. A share is a ratio: it is evaluated at a volume, never solved.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tco.lineitem import Fleet, LineItem, Numbers
from tco.options.assembly import Assembled, Part
from tco.quantity import Array, At, Quantity
from tco.workload.demand import Demand

FLEET = frozenset({"gpu", "endpoint", "depreciation", "cost of capital", "power", "operation"})
"""The categories of what a fleet costs by being there."""

Weights = Mapping[str, Quantity]


def of_class(option: Assembled, name: str, whole: Demand, n: Numbers) -> Assembled:
    """An option with, of every line, the part of one request class. The parts of all classes make the line.

    whole: the demand that the option was assembled for, in the numbers of n.
    """
    of_all = requests(whole, n)

    def part_of(line: LineItem, *weights: Weights | None) -> LineItem:
        known = tuple(w for w in (line.by, *weights, of_all) if w)
        return line._replace(quantity=_Part(line.quantity, name, known))

    def of_part(part: Part) -> Part:
        by_requests = requests(part.demand, n)
        busy = _busy(part.bill.fleet, by_requests)
        lines = (part_of(line, busy if line.category in FLEET else None, by_requests) for line in part.bill.lines)
        return part._replace(bill=part.bill._replace(lines=tuple(lines)))

    return option._replace(own=tuple(map(part_of, option.own)), parts=tuple(map(of_part, option.parts)))


def requests(demand: Demand, n: Numbers) -> dict[str, Quantity]:
    """Requests a month of each class."""
    return {c: demand.requests_per_month(c, n) for c in demand.flows}


def _busy(fleet: Fleet | None, by_requests: Weights) -> Weights | None:
    """Replica-seconds a month that each class keeps replicas busy; None where nobody says."""
    if fleet is None or not fleet.seconds:
        return None
    return {c: q.times(fleet.seconds[c]) for c, q in by_requests.items() if c in fleet.seconds}


class _Part(Quantity):
    """One class's part of a quantity, by the first weights of which there are any: a commitment that nobody uses goes
    by requests, an option that no request reaches by those of the whole."""

    __slots__ = ("name", "q", "weights")

    def __init__(self, q: Quantity, name: str, weights: tuple[Weights, ...]) -> None:
        self.q, self.name, self.weights = q, name, weights

    def _value(self, at: At) -> Array:
        whole = self.q.value(at)
        nothing = whole * 0
        part, everything = nothing, nothing
        for weights in self.weights:
            undecided = np.asarray(everything == 0).astype(bool)
            own = weights[self.name].value(at) if self.name in weights else nothing
            part = np.where(undecided, own, part)
            everything = np.where(undecided, sum((q.value(at) for q in weights.values()), nothing), everything)
        return np.asarray(whole * part / everything)  # a workload has requests
