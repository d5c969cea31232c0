"""Where two options cross, and who is cheapest in between: solved, named, and stated in requests and API spend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np

from tco import curve
from tco.analysis.case import Case
from tco.analysis.ledger import cents, ledger
from tco.lineitem import INVOICE, total
from tco.options.assembly import Assembled
from tco.quantity import at

SOLVED_EXACTLY = 200
"""Up to so many crossovers are solved again in rational arithmetic, all of them; beyond it those between bands."""

FOLLOWED = 100
"""Curves of up to so many pieces are followed beyond the range, to tell "always cheaper" from "crosses elsewhere"."""


class Crossing(NamedTuple):
    """A volume at which two options swap order. Volumes are correctly rounded floats, tokens per day."""

    kind: str
    """meet, step, same or end: see `curve.Crossover`."""
    volume: float
    since: float
    below: str
    """The option that is cheaper up to here."""
    above: str
    requests_per_day: float
    equivalent: Decimal | None
    """The monthly invoice of `equivalent_api` at this volume."""
    equivalent_api: str | None
    exact: bool
    """Whether the volume is the exact one, correctly rounded; else it is within a few units in the last place."""


class Pair(NamedTuple):
    """Two options over the whole range."""

    a: str
    b: str
    outcome: str
    """crosses, always_a, always_b, identical, outside or neither."""
    crossings: tuple[Crossing, ...]
    leader: str | None
    """Who is cheaper where they cross only outside the range."""


class Band(NamedTuple):
    """Volumes (lo, hi] in which these options are the cheapest feasible ones."""

    lo: float
    hi: float
    leaders: tuple[str, ...]


class Solver:
    """Crossovers and bands of the options of a case."""

    def __init__(
        self,
        case: Case,
        names: Sequence[str],
        exact: Mapping[str, Assembled],
        floats: Mapping[str, Assembled],
        curves: Sequence[curve.Pieces],
        ends: Mapping[str, Fraction | None],
    ) -> None:
        self.case, self.names, self.exact, self.curves, self.ends = case, names, exact, curves, ends
        self.exact_costs = {n: total([line for _, line in exact[n].lines]) for n in names}
        self.apis = [n for n in case.options if case.options[n][1].spec.kind == "api"]
        self.invoices = {n: total([line for _, line in floats[n].lines if line.category == INVOICE]) for n in self.apis}
        self.mean_tokens = float(case.traffic.mean_tokens)
        self.envelope = curve.bands(curves)
        self.wider: curve.Window | None = None
        self.settled = {float(e): float(e) for e in ends.values() if e is not None}
        """Edges of curves as first found: the same, solved exactly."""

    def pairs(self) -> tuple[Pair, ...]:
        """Every pair of candidates, in the scenario's order."""
        if len(self.names) < 2:
            return ()
        every = curve.all_pairs(self.curves)
        solve_all = len(every) <= SOLVED_EXACTLY
        between_bands = self._leaders_at_edges()
        found = []
        for (i, a), (j, b) in combinations(enumerate(self.names), 2):
            both = every.of(i, j)
            outcome, leader = both.outcome, None
            if outcome in ("always_a", "always_b") and self._meets_outside(i, j):
                leader, outcome = (a if outcome == "always_a" else b), "outside"
            crossings = []
            for x in both.crossovers:
                exactly = solve_all or {i, j} <= between_bands.get(x.volume, frozenset())
                volume = self._exact(x, a, b) if exactly else None
                if volume is not None:
                    self.settled[x.volume] = float(volume)
                crossings.append(self._crossing(x, a, b, volume))
            found.append(Pair(a, b, outcome, tuple(crossings), leader))
        return tuple(found)

    def _leaders_at_edges(self) -> dict[float, frozenset[int]]:
        """Who leads on either side of each edge between bands."""
        return {low.hi: frozenset(low.leaders + high.leaders) for low, high in pairwise(self.envelope)}

    def _meets_outside(self, i: int, j: int) -> bool:
        pair = self.curves[i], self.curves[j]
        if any(len(c.above) > FOLLOWED for c in pair):
            return False  # too far to look: what is said is said of the range alone
        window = pair[0].window
        if self.wider is None:
            self.wider = curve.Window(window.lo / 2**20, min(window.hi * 2**10, 1e300))
        try:
            return curve.pair(*pair, self.wider).outcome == "outside"
        except curve.TooManyPieces:
            return False

    def _exact(self, x: curve.Crossover, a: str, b: str) -> Fraction | None:
        if x.kind == "end":
            return self.ends[a if x.cheaper_below == "a" else b]
        try:
            return curve.exact(x, self.exact_costs[a], self.exact_costs[b], ends=(self.ends[a], self.ends[b]))
        except ValueError:  # a swap that only rounding makes, of costs that are equal: there is nothing to solve
            return None

    def _crossing(self, x: curve.Crossover, a: str, b: str, exact: Fraction | None) -> Crossing:
        sides = {"a": a, "b": b, None: a}
        volume = x.volume if exact is None else float(exact)
        api, spend = self._equivalent(a, b, volume, exact)
        return Crossing(
            kind=x.kind,
            volume=volume,
            since=float(x.since) if x.kind == "same" else volume,
            below=sides[x.cheaper_below],
            above=sides[x.cheaper_above],
            requests_per_day=volume / self.mean_tokens,
            equivalent=spend,
            equivalent_api=api,
            exact=exact is not None,
        )

    def _equivalent(self, a: str, b: str, volume: float, exact: Fraction | None) -> tuple[str | None, Decimal | None]:
        """The invoice of the pair's API option; of `reference_api` or the cheapest where neither or both are one."""
        own = [n for n in (a, b) if n in self.apis]
        reference = own[0] if len(own) == 1 else self.case.scenario.reference_api
        able = [n for n in self.apis if n in self.names and self._serves(n, volume)]
        candidates = [reference] if reference else able
        if not candidates:
            return None, None
        spends = {n: float(np.ravel(self.invoices[n].value(at([volume])))[0]) for n in candidates}
        api = min(spends, key=lambda n: spends[n])
        if exact is None:
            return api, cents(Fraction(spends[api]))
        return api, ledger(self.exact[api], exact).invoice

    def _serves(self, name: str, volume: float) -> bool:
        end = self.ends.get(name)
        return end is None or volume <= float(end)

    def bands(self) -> tuple[Band, ...]:
        """Bands of the cheapest feasible option, their edges the very crossovers of their neighbours."""
        return tuple(
            Band(self.settled.get(b.lo, b.lo), self.settled.get(b.hi, b.hi), tuple(self.names[i] for i in b.leaders))
            for b in self.envelope
        )
