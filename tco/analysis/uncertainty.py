"""What ranges do to a comparison: the same line items in a few hundred draws, the same draws for every option.

A draw is one value for every range at once. Percentiles are values that some draw had (`inverted_cdf`), so that a
crossover that some draws never reach is "above the range" rather than a number between numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from tco import curve
from tco.analysis.case import Case
from tco.draws import Draws
from tco.lineitem import Figure, total
from tco.options.assembly import Assembled
from tco.quantity import Array, At, Quantity, at

LOW, HIGH = 0.1, 0.9


class Spread(NamedTuple):
    """The 10th and the 90th percentile over all draws; inf where that many draws have none."""

    p10: float
    p90: float


class CrossingSpread(NamedTuple):
    """Where one option becomes cheaper than another, over all draws. Volumes in tokens a day."""

    below: str
    """The option that is cheaper at low volume at the point values."""
    above: str
    stays: Spread
    """The volume from which `above` stays cheaper: the last swap."""
    first: Spread
    """The volume at which it is cheaper for the first time."""
    never: float
    """Share of draws in which it does not stay cheaper up to the end of the range."""
    without: float
    """Share of draws in which the two do not swap at all."""
    several: float
    """Share of draws in which they swap more than once."""
    at_plan: float
    """Share of draws in which `above` is cheaper at the planned volume."""


class Uncertainty(NamedTuple):
    """What the ranges of a scenario do to its comparison."""

    draws: int
    seed: int
    ranges: tuple[Figure, ...]
    """Every range that a result depends on."""
    costs: Mapping[str, Spread]
    """The cost a month of each option at the planned volume."""
    holds: float | None
    """Share of draws in which the recommended option is the cheapest feasible one; None where none is recommended."""
    cheapest: Mapping[str, float]
    """Share of draws in which each option is the cheapest feasible one at the planned volume; ties count for both."""
    crossings: tuple[CrossingSpread, ...]
    quantities: Mapping[str, Quantity]
    """The cost a month of each option by volume, with its draws."""

    def ribbon(self, option: str, volumes: Array) -> tuple[Array, Array]:
        """P10 and P90 of an option's cost at each volume, (volume,) each: evaluated, never solved."""
        low, high = curve.percentiles(self.quantities[option], volumes, self.draws, (LOW, HIGH))
        return low, high


def spread(values: Array, draws: int) -> Spread:
    """P10 and P90 of values (draw,) or (1,)."""
    ordered = np.sort(np.broadcast_to(values, (draws,)))
    low, high = (float(ordered[max(ceil(share * draws) - 1, 0)]) for share in (LOW, HIGH))
    return Spread(low, high)


def uncertainty(
    case: Case,
    names: Sequence[str],
    never: frozenset[str],
    neighbours: Sequence[tuple[str, str]],
    recommended: str | None,
    window: curve.Window,
    n: Draws,
) -> Uncertainty:
    """Draw every range and evaluate the comparison in each draw.

    never: the options that a requirement rules out. neighbours: the pairs whose crossovers lie between bands, the one
    that is cheaper at low volume first.
    """
    priced = case.price(n)
    volume = np.broadcast_to(case.volume_in(n), (n.count,))
    rows = np.arange(n.count)
    here = at(volume, rows=rows)
    costs: dict[str, Quantity] = {name: total([line for _, line in priced[name].lines]) for name in names}
    at_plan = {name: np.broadcast_to(costs[name].value(here), (n.count,)) for name in names}
    able = {
        name: np.full(n.count, np.inf) if name in never else where_able(priced[name], at_plan[name], here)
        for name in names
    }
    least = np.minimum.reduce(list(able.values()))
    share = {name: _share(np.isfinite(v) & (v <= least * (1 + 1e-12))) for name, v in able.items()}
    crossings = [_crossing(a, b, priced, costs, never, window, n, _share(able[b] < able[a])) for a, b in neighbours]
    return Uncertainty(
        draws=n.count,
        seed=n.seed,
        ranges=tuple(figure for figure, _ in n.drawn.values()),
        costs={name: spread(v, n.count) for name, v in at_plan.items()},
        holds=None if recommended is None else share[recommended],
        cheapest=share,
        crossings=tuple(crossings),
        quantities=costs,
    )


def _share(holds: Array) -> float:
    return float(np.count_nonzero(holds) / len(holds))


def where_able(option: Assembled, cost: Array, here: At) -> Array:
    """The cost in each draw, inf in those where the option cannot serve the volume."""
    out = np.array(cost)
    for _, limit in option.limits:
        over = limit.passed(here)
        out[np.broadcast_to(over, out.shape)] = np.inf
    return out


def ends_by_draw(option: Assembled, window: curve.Window, draws: int) -> Array | None:
    """The last volume that an option can serve, draw by draw; None where nothing limits it."""
    ends = [curve.last_within(limit.load, limit.most, window, draws) for _, limit in option.limits]
    return np.minimum.reduce(ends) if ends else None


def _crossing(
    a: str,
    b: str,
    priced: Mapping[str, Assembled],
    costs: Mapping[str, Quantity],
    never: frozenset[str],
    window: curve.Window,
    n: Draws,
    at_plan: float,
) -> CrossingSpread:
    nowhere = np.full(n.count, window.lo / 2)
    ends = [nowhere if name in never else ends_by_draw(priced[name], window, n.count) for name in (a, b)]
    found = curve.swaps_by_draw(costs[a], costs[b], window, n.count, (ends[0], ends[1]))
    stays, first, counts = found.stays_cheaper(), found.first_cheaper(), found.counts()
    return CrossingSpread(
        below=a,
        above=b,
        stays=spread(stays, n.count),
        first=spread(first, n.count),
        never=_share(np.isinf(stays)),
        without=_share(counts == 0),
        several=_share(counts > 1),
        at_plan=at_plan,
    )
