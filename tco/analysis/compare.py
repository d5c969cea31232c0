"""The comparison: every option at the planned volume, every crossover, the bands, the recommendation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil, log10
from typing import Any, NamedTuple

import numpy as np

from tco import curve
from tco.analysis.case import Case
from tco.analysis.crossings import SOLVED_EXACTLY, Band, Crossing, Pair, Solver
from tco.analysis.feasibility import Check, checks, ruled_out
from tco.analysis.ledger import MOST, Ledger, ledger
from tco.analysis.uncertainty import Uncertainty, uncertainty
from tco.document import Fault, Faults
from tco.draws import DRAWS, SEED, Draws
from tco.lineitem import Exact, Point, total
from tco.options.assembly import Assembled
from tco.options.base import Note, Notes
from tco.quantity import Array, Linear, Quantity, at

DEFAULTS = {
    "traffic_days_per_month": "traffic days a month",
    "billed_hours_per_month": "billed hours a month",
    "target_utilisation": "target utilisation",
    "burst": "burst",
    "gpus_per_replica": "GPUs per replica",
}
"""Defaults that are worth saying, in words."""


class Savings(NamedTuple):
    """What a hybrid saves against an API alone: the API's invoice and the whole cost are cut by different shares."""

    against: str
    api_bill: Fraction
    total: Fraction


class Saving(NamedTuple):
    """What an option costs less than what runs today, a month and as a share; negative where it costs more."""

    current: str
    amount: Decimal
    share: Fraction


class Standing(NamedTuple):
    """An option at the volume that is asked about."""

    name: str
    label: str
    kind: str
    leaves: tuple[str, ...]
    """The options behind it; itself alone when it is no hybrid."""
    ledger: Ledger
    per_mtok: Fraction
    per_request: Fraction
    upto: Fraction | None
    """The last volume it can serve; None when nothing limits it."""
    savings: Savings | None
    retired: str | None
    """The day the provider switched off a model behind it, in the past; None for a living one."""
    checks: tuple[Check, ...]
    """The requirements it was held against, up to the first that fails."""
    stage: str | None
    """How far along it is: start with APIs, add self-hosted models, fully self-hosted; None for what is neither."""
    saving: Saving | None
    """Against what runs today; None where that is not stated, or is this option."""

    @property
    def feasible(self) -> bool:
        """Whether nothing keeps the option from serving the workload."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """What keeps the option from serving the workload: a requirement it fails, else what it cannot carry."""
        failed = ruled_out(self.checks)
        return self.ledger.over if failed is None else (failed,)

    @property
    def unknown(self) -> tuple[Check, ...]:
        """Requirements that nobody can tell whether it meets."""
        return tuple(c for c in self.checks if c.status == "unknown")


class Flip(NamedTuple):
    """One thing that, changed alone, would let the next option win."""

    what: str
    """volume, price or utilisation."""
    value: float
    """Tokens a day from which or up to which it wins; the share by which `of` must be cheaper; the utilisation."""
    now: float
    """The same today: the planned volume, 0, the utilisation as it is."""
    of: str
    """Of a volume "above" or "up to"; of a price the category of cost; else ""."""


class Recommendation(NamedTuple):
    """The cheapest feasible option, the next, and how far apart they are (of the next one's cost)."""

    option: str | None
    runner_up: str | None
    margin: Fraction
    too_close: bool
    probability: float | None = None
    """Share of draws in which it is the cheapest feasible one; None where nothing is drawn."""
    ruled_out: tuple[str, ...] = ()
    """Options that would be cheaper and are not feasible: what keeps them out decided."""
    stage: str | None = None
    """Start with APIs, add self-hosted models, or fully self-hosted."""
    flips: tuple[Flip, ...] = ()


class Comparison(NamedTuple):
    """What `tco compare` says, for every output to read."""

    title: str
    variant: str | None
    variants: tuple[str, ...]
    """The names of the scenario's variants; none of a variant itself."""
    currency: str
    as_of: str
    stated: str
    """The planned volume as the scenario states it, and where."""
    volume: Fraction
    requests_per_day: Fraction
    tokens_per_month: Fraction
    window: tuple[float, float]
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    bands: tuple[Band, ...]
    recommendation: Recommendation
    assumptions: tuple[Note, ...]
    warnings: tuple[Note, ...]
    inputs: Mapping[str, str]
    quantities: Mapping[str, Quantity]
    """The cost a month of each option, by volume."""
    current: str | None
    """What runs today."""
    uncertainty: Uncertainty | None
    """What ranges do to all this; None where nothing is a range."""

    @property
    def staged(self) -> bool:
        """Whether the options differ in how far they are on the way from APIs to GPUs of one's own."""
        return len({s.stage for s in self.standings}) > 1

    def standing(self, option: str) -> Standing:
        """The standing of a compared option."""
        return next(s for s in self.standings if s.name == option)

    @property
    def neighbours(self) -> list[Crossing]:
        """The crossovers between neighbouring bands: where the answer changes."""
        edges = {(x.below, x.above, x.volume): x for p in self.pairs for x in p.crossings}
        found = []
        for lower, upper in zip(self.bands, self.bands[1:], strict=False):
            for key in ((a, b, lower.hi) for a in lower.leaders for b in upper.leaders):
                if key in edges:
                    found.append(edges[key])
                    break
        return found

    def sweep(self, points: int = 200) -> tuple[Array, dict[str, Array]]:
        """Costs on a logarithmic grid over the range, every crossover and band edge included.

        Volumes (v,) in tokens a day and costs (v,) a month by option, inf where an option cannot serve.
        """
        lo, hi = self.window
        edges = [b.hi for b in self.bands] + [x.volume for p in self.pairs for x in p.crossings][:SOLVED_EXACTLY]
        grid = np.unique(np.concatenate([np.geomspace(lo, hi, points), edges, [float(self.volume)]]))
        grid = grid[(grid >= lo) & (grid <= hi)]
        return grid, {s.name: self.costs(s, grid) for s in self.standings}

    def costs(self, standing: Standing, volumes: Array) -> Array:
        """The monthly cost of an option at each volume (v,); inf beyond what it can serve."""
        values = self.quantities[standing.name].value(at(volumes)).reshape(-1)
        return values if standing.upto is None else np.where(volumes > float(standing.upto), np.inf, values)


def default_window(volume: Fraction) -> tuple[Fraction, Fraction]:
    """From one token a day to the power of ten at or above a hundred times the planned volume."""
    return Fraction(1), Fraction(10) ** max(ceil(log10(volume) + 2 - 1e-9), 3)


def window_of(case: Case) -> tuple[Fraction, Fraction]:
    """The scenario's range, or the default one."""
    lo, hi = default_window(case.volume())
    stated = case.scenario.range
    lo = lo if stated.from_ is None else case.to_volume(stated.from_)
    hi = hi if stated.to is None else case.to_volume(stated.to)
    if lo < 1 or not float(lo) * (1 + 2.0**-30) < float(hi):
        raise Faults(
            [case.document.fault(("range",), "the range is empty or begins below 1 token/day", expected="from < to")]
        )
    return lo, hi


def compare(case: Case, draws: int = DRAWS, seed: int = SEED) -> Comparison:
    """Price every option and find every crossover; where anything is a range, in so many draws as well (0: none).

    `Faults` when anything cannot be priced.
    """
    notes, point = Notes(), Point()
    exact = case.price(Exact(), notes)
    floats = case.price(point)
    case.volume_in(point)
    volume, (lo, hi) = case.volume(), window_of(case)
    names = case.candidates
    ends = {name: feasible_end(exact[name], lo, hi) for name in names}
    standings = _standings(case, names, exact, volume, ends)
    never = frozenset(s.name for s in standings if ruled_out(s.checks) is not None)
    ends |= dict.fromkeys(never, lo / 2)
    costs: dict[str, Quantity] = {name: total([line for _, line in floats[name].lines]) for name in names}
    window = curve.Window(float(lo), float(hi))
    curves = [_pieces(case, name, floats[name], costs[name], window, ends[name]) for name in names]
    solver = Solver(case, names, exact, floats, curves, ends)
    pairs = solver.pairs()
    for text in case.scenario.assumptions:
        notes.assume("", text)
    for text in _defaults(standings, case):
        notes.assume("", text)
    for s in standings:
        for leaf, text in s.ledger.advice:
            notes.warn(leaf, text)
        for check in s.unknown:
            notes.warn(s.name, check.reason, grave=True)
    result = Comparison(
        title=case.title,
        variant=case.variant,
        variants=() if case.variant else tuple(case.scenario.variants),
        currency=case.scenario.currency,
        as_of=case.store.as_of.isoformat(),
        stated=case.stated_volume,
        volume=volume,
        requests_per_day=volume / case.traffic.mean_tokens,
        tokens_per_month=volume * case.traffic.days_per_month.value,
        window=(float(lo), float(hi)),
        standings=standings,
        pairs=pairs,
        bands=solver.bands(),
        recommendation=recommend(standings, case.scenario.too_close_to_call),
        current=case.scenario.current,
        uncertainty=None,
        assumptions=tuple(notes.assumptions),
        warnings=tuple(notes.warnings),
        inputs=case.inputs(),
        quantities=costs,
    )
    if draws and point.ranges:
        result = _with_draws(result, case, never, window, Draws(draws, seed))
    return result._replace(recommendation=_explained(result))


def _with_draws(c: Comparison, case: Case, never: frozenset[str], window: curve.Window, n: Draws) -> Comparison:
    """The comparison and what ranges do to it: a recommendation that too few draws bear out is too close to call."""
    seen: dict[frozenset[str], tuple[str, str]] = {}
    for x in c.neighbours:
        seen.setdefault(frozenset((x.below, x.above)), (x.below, x.above))
    names = [s.name for s in c.standings]
    drawn = uncertainty(case, names, never, list(seen.values()), c.recommendation.option, window, n)
    r = c.recommendation
    unsure = drawn.holds is not None and drawn.holds < float(case.scenario.sure_enough)
    r = r._replace(probability=drawn.holds, too_close=r.too_close or unsure)
    return c._replace(uncertainty=drawn, recommendation=r)


def _explained(c: Comparison) -> Recommendation:
    """The recommendation with what decided, the stage it is, and what would turn it."""
    r = c.recommendation
    if r.option is None:
        return r
    best = c.standing(r.option)
    cheaper = [s for s in c.standings if not s.feasible and s.ledger.total < best.ledger.total]
    return r._replace(
        ruled_out=tuple(s.name for s in sorted(cheaper, key=lambda s: s.ledger.total)),
        stage=None if r.too_close else best.stage,
        flips=flips(c, best, None if r.runner_up is None else c.standing(r.runner_up)),
    )


STAGES = ("start with APIs", "add self-hosted models", "fully self-hosted")


def stage_of(case: Case, option: Assembled) -> str | None:
    """How far along an option is on the way from APIs to GPUs of one's own; None for what is neither."""
    specs = [case.options[p.leaf][1].spec for p in option.parts]
    own = [spec.self_operated for spec in specs]
    if all(own):
        return STAGES[2] if own else None
    if any(own):
        return STAGES[1]
    return STAGES[0] if any(spec.kind == "api" for spec in specs) else None


def flips(c: Comparison, best: Standing, other: Standing | None) -> tuple[Flip, ...]:
    """What would have to be true for the next option to win: another volume, a lower price of what it mostly costs, or
    busier GPUs. One thing alone changed each time, at the point values."""
    if other is None:
        return ()
    found = []
    volume = float(c.volume)
    # where it is the cheapest of all, not only cheaper than the best one here
    wins = [b for b in c.bands if other.name in b.leaders and best.name not in b.leaders]
    edges = [(b.lo, "above") if b.lo >= volume else (b.hi, "up to") for b in wins]
    if edges:
        edge, side = min(edges, key=lambda e: abs(log10(e[0] / volume)))
        found.append(Flip("volume", edge, volume, side))
    gap = other.ledger.exact - best.ledger.exact
    main = max(other.ledger.categories, key=lambda k: other.ledger.categories[k], default="")
    amount = sum((e.exact for e in other.ledger.entries if e.category == main), Fraction(0))
    if 0 < gap < amount and len(other.leaves) == 1:  # a hybrid may share what would get cheaper with the best one
        found.append(Flip("price", float(gap / amount), 0.0, main))
        used = [f.utilisation for f in other.ledger.fleets]
        if main == "gpu" and len(used) == 1 and used[0] is not None and used[0] * amount < amount - gap:
            found.append(Flip("utilisation", float(used[0] * amount / (amount - gap)), float(used[0]), ""))
    return tuple(found)


def _defaults(standings: Sequence[Standing], case: Case) -> Iterator[str]:
    """What nobody stated and the result rests on, in one sentence."""
    used = (f for s in standings for e in s.ledger.entries for f in e.inputs)
    named = {f.name: f for f in used if f.home.is_default and f.name in DEFAULTS}
    said = [f"{DEFAULTS[name]} {float(f.value):.6g}" for name, f in named.items()]
    if case.scenario.workload.load == "flat" and any(s.ledger.fleets for s in standings):
        said.append("the same load in every hour")
    if said:
        yield "defaults: " + ", ".join(said)


def recommend(standings: Sequence[Standing], too_close: Fraction) -> Recommendation:
    """The cheapest feasible option; a margin under `too_close` is too close to call."""
    able = sorted((s for s in standings if s.feasible), key=lambda s: s.ledger.total)
    if not able:
        return Recommendation(None, None, Fraction(0), False)
    if len(able) == 1:
        return Recommendation(able[0].name, None, Fraction(1), False)
    best, second = able[0], able[1]
    dearer = Fraction(second.ledger.total)
    margin = (dearer - Fraction(best.ledger.total)) / dearer if dearer else Fraction(0)
    return Recommendation(best.name, second.name, margin, margin < too_close or not margin)


def feasible_end(option: Assembled, lo: Fraction, hi: Fraction) -> Fraction | None:
    """The last volume that every limit of the option allows, exact; None when that is beyond the range."""
    end: Fraction | None = None
    for _, limit in option.limits:
        if Fraction(limit.load.value(at([hi])).reshape(-1)[0]) <= limit.most:
            continue
        passed = curve.Window(lo, hi).where(limit.load, limit.most)
        if len(passed):
            last = Fraction(max(passed))
        else:  # full at the first volume already: exactly, or beyond
            last = lo if Fraction(limit.load.value(at([lo])).reshape(-1)[0]) <= limit.most else lo / 2
        end = last if end is None else min(end, last)
    return end


def _pieces(
    case: Case, name: str, option: Assembled, cost: Quantity, window: curve.Window, end: Fraction | None
) -> curve.Pieces:
    try:
        return curve.pieces(cost, window, None if end is None else float(end))
    except curve.TooManyPieces as problem:
        culprit = next(
            (line.label for _, line in option.lines if _holds(line.quantity, problem.quantity)), "a line of it"
        )
        where = case.options[name][1]
        fault: Fault = where.fault(
            f"`{culprit}` has {problem.count:,} steps up to {float(window.hi):,.4g} tokens/day",
            expected=f"at most {curve.MOST_PIECES:,} steps",
            hint="state a smaller `range: {to: ...}`, or check the capacity of a replica",
        )
        raise Faults([fault]) from None


def _holds(quantity: Quantity, part: Quantity) -> bool:
    if quantity is part:
        return True
    inner: list[Any] = [q for _, q in quantity.terms] if isinstance(quantity, Linear) else []
    inner += [quantity.q] if hasattr(quantity, "q") else []
    inner += list(getattr(quantity, "of", ()))
    return any(_holds(q, part) for q in inner)


def _standings(
    case: Case,
    names: Sequence[str],
    exact: Mapping[str, Assembled],
    volume: Fraction,
    ends: Mapping[str, Fraction | None],
) -> tuple[Standing, ...]:
    today = case.scenario.current
    books = {name: ledger(exact[name], volume) for name in dict.fromkeys((*names, *((today,) if today else ())))}

    def saving(name: str) -> Saving | None:
        if today is None or name == today:
            return None
        before = books[today].total
        amount = before - books[name].total
        return Saving(today, amount, Fraction(amount) / Fraction(before) if before else Fraction(0))

    return tuple(
        _standing(case, name, exact, books[name], ends[name])._replace(
            checks=checks(case, exact[name]), stage=stage_of(case, exact[name]), saving=saving(name)
        )
        for name in names
    )


def _standing(case: Case, name: str, exact: Mapping[str, Assembled], books: Ledger, end: Fraction | None) -> Standing:
    volume = books.volume
    cost = books.exact
    if cost > MOST:
        raise Faults(
            [case.options[name][1].fault(f"`{name}` costs more than 10^30 a month", expected="units that fit")]
        )
    spec = case.options[name][1].spec
    per_month = volume * case.traffic.days_per_month.value
    requests = per_month / case.traffic.mean_tokens
    return Standing(
        name,
        case.label(name),
        spec.kind,
        tuple(p.leaf for p in exact[name].parts),
        books,
        cost / per_month * 10**6,
        cost / requests,
        end,
        _savings(case, name, exact, books, volume),
        _retired(case, exact[name]),
        (),
        None,
        None,
    )


def _retired(case: Case, option: Assembled) -> str | None:
    days = [p.bill.retires for p in option.parts if p.bill.retires is not None and p.bill.retires <= case.store.as_of]
    return min(days).isoformat() if days else None


def _savings(case: Case, name: str, exact: Mapping[str, Assembled], books: Ledger, volume: Fraction) -> Savings | None:
    """Of a hybrid, against its only API alone, or the reference API."""
    apis = [p.leaf for p in exact[name].parts if case.options[p.leaf][1].spec.kind == "api"]
    if not exact[name].parts or [p.leaf for p in exact[name].parts] == [name]:
        return None
    against = case.scenario.reference_api or (apis[0] if len(apis) == 1 else None)
    if against is None or books.over:
        return None
    alone = ledger(exact[against], volume)
    if not alone.invoice or not alone.total:
        return None
    return Savings(
        against,
        1 - Fraction(books.invoice) / Fraction(alone.invoice),
        1 - Fraction(books.total) / Fraction(alone.total),
    )
