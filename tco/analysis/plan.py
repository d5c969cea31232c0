"""The plan: every option over the months of the projection, what it pays back, and when the answer changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import NamedTuple

import numpy as np

from tco import finance
from tco.analysis.case import Case
from tco.analysis.compare import stage_of
from tco.analysis.course import course
from tco.analysis.feasibility import Check, checks, ruled_out
from tco.analysis.flows import Course, Key
from tco.analysis.ledger import MOST, cents
from tco.analysis.months import Months
from tco.analysis.timeline import Timeline
from tco.calendar import Month
from tco.document import Faults
from tco.draws import DRAWS, SEED, Draws
from tco.lineitem import Exact, Figure
from tco.options.assembly import Assembled
from tco.options.base import Note, Notes
from tco.quantity import Array

PERCENTILES = (0.1, 0.5, 0.9)


class Series(NamedTuple):
    """A line over time, each amount rounded once to the cent."""

    key: Key
    amounts: tuple[Decimal, ...]
    exact: tuple[Fraction, ...]
    inputs: tuple[Figure, ...]

    @property
    def total(self) -> Decimal:
        """Over all months."""
        return sum(self.amounts, Decimal("0.00"))


class Payback(NamedTuple):
    """When what an option pays has become less than what the reference pays, in months from the start."""

    interpolated: float
    """Within the month; 0 from the start on, inf where never within the plan."""
    month: float
    """The first whole month; inf where none."""
    reverses: float
    """The first later month in which it is no longer less; inf where none."""


class Outlook(NamedTuple):
    """An option over the plan in draws: what percentiles are read from. Draws are paired over the options."""

    cost: Array
    """(month, draw)"""
    paid: Array
    """(month + 1, draw)"""
    categories: Mapping[str, Array]
    """Of the cost: (month, draw) by category."""
    able: Array
    """(month, draw) of booleans."""
    npv: Array
    """(draw,)"""
    payback: Array | None
    """Interpolated, in months: (draw,), inf where never."""

    def percentile(self, values: Array, share: float) -> Array:
        """A value that some draw had, over the last axis: `inverted_cdf`."""
        return self.percentiles(values, (share,))[0]

    def percentiles(self, values: Array, shares: Sequence[float] = PERCENTILES) -> tuple[Array, ...]:
        """Several at once: the draws are put in order no further than it takes."""
        places = [max(0, ceil(values.shape[-1] * share - 1)) for share in shares]
        parted = np.partition(values, places, axis=-1)
        return tuple(parted[..., place] for place in places)


class Prospect(NamedTuple):
    """An option over the plan at the point values."""

    name: str
    label: str
    kind: str
    stage: str | None
    checks: tuple[Check, ...]
    costs: tuple[Series, ...]
    """What each month costs, line by line, as a comparison has it: hardware as it is written off. One amount each."""
    payments: tuple[Series, ...]
    """What is paid: column 0 before the first month, then one amount a month. Hardware when it is bought."""
    over: tuple[tuple[str, ...], ...]
    """By month, why it cannot serve."""
    replicas: tuple[Fraction, ...] | None
    gpus: tuple[Fraction, ...] | None
    posts: tuple[Fraction, ...] | None
    npv: float
    """Of what is paid."""
    irr: float | None
    """A year, of what is saved against `current`; None where it is not defined, or nothing is put in first."""
    payback: Payback | None
    """Against `current`; None where that is not stated, or is this option."""
    discounted_payback: Payback | None
    outlook: Outlook | None

    @property
    def ruled_out(self) -> str | None:
        """The requirement that rules it out, whatever the month."""
        return ruled_out(self.checks)

    @property
    def monthly(self) -> tuple[Decimal, ...]:
        """The cost of each month: the sum of its rounded lines."""
        return summed(self.costs, len(self.over))

    @property
    def paid(self) -> tuple[Decimal, ...]:
        """What is paid at each column: the sum of its rounded lines."""
        return summed(self.payments, len(self.over) + 1)

    @property
    def cumulative(self) -> tuple[Decimal, ...]:
        """What has been paid up to each column."""
        found, so_far = [], Decimal("0.00")
        for amount in self.paid:
            so_far += amount
            found.append(so_far)
        return tuple(found)

    @property
    def total(self) -> Decimal:
        """All that is paid over the plan."""
        return sum(self.paid, Decimal("0.00"))

    @property
    def capex(self) -> tuple[Decimal, ...]:
        """What is paid for hardware at each column, less what is got for it."""
        return summed([s for s in self.payments if s.key.capital], len(self.paid))

    @property
    def opex(self) -> tuple[Decimal, ...]:
        """All else that is paid."""
        return summed([s for s in self.payments if not s.key.capital], len(self.paid))

    def feasible(self, month: int) -> bool:
        """Whether nothing keeps it from serving in a month, from 0."""
        return self.ruled_out is None and not self.over[month]


def summed(series: Sequence[Series], length: int | None = None) -> tuple[Decimal, ...]:
    """The sum of rounded lines at each place."""
    places = length if length is not None else len(series[0].amounts) if series else 0
    return tuple(sum((s.amounts[i] for s in series), Decimal("0.00")) for i in range(places))


class Change(NamedTuple):
    """A month from which another option is the cheapest feasible one."""

    month: int
    """Its place, from 0."""
    before: str | None
    after: str | None
    stage: str | None
    """How far along `after` is: start with APIs, add self-hosted models, fully self-hosted."""


class Plan(NamedTuple):
    """What `tco plan` says, for every output to read."""

    title: str
    variant: str | None
    currency: str
    as_of: str
    months: tuple[Month, ...]
    volumes: tuple[Fraction, ...]
    """Mean tokens a day of each month."""
    requests_per_day: tuple[Fraction, ...]
    prospects: tuple[Prospect, ...]
    current: str | None
    cheapest: tuple[str | None, ...]
    """Of each month, the cheapest feasible option by the cost of the month."""
    changes: tuple[Change, ...]
    best: str | None
    """The option that pays least over the whole plan, by present value, of those that can serve all of it."""
    candidates: tuple[str, ...]
    """The options it is chosen from: `current` may be none of them."""
    too_close_to_call: Fraction
    """The margin under which no option is recommended."""
    sure_enough: Fraction
    """The share of draws in which it must pay least to be recommended."""
    discount_rate: Fraction
    """A year."""
    assumptions: tuple[Note, ...]
    warnings: tuple[Note, ...]
    inputs: Mapping[str, str]
    draws: int
    """0 where nothing is drawn."""
    seed: int

    def prospect(self, option: str) -> Prospect:
        """An option of the plan; `current` too, where it is no candidate."""
        return next(p for p in self.prospects if p.name == option)


def plan(case: Case, draws: int = DRAWS, seed: int = SEED) -> Plan:
    """Follow every option over the months of the projection; where anything is a range, in so many draws as well.

    `Faults` when anything cannot be priced, or the projection does not fit the scenario.
    """
    notes = Notes()
    exact = case.price(Exact(), notes)
    timeline = Timeline(case)
    check_current(case)
    eras = timeline.eras()
    months = Months(timeline, eras, Exact())
    names = _names(case)
    followed = courses(months, names)
    _check_sizes(case, followed)
    rate = Fraction(timeline.discount_rate(Exact()))
    outlooks = _outlooks(timeline, names, draws, seed) if draws else {}
    today = case.scenario.current
    reference = None if today is None else _paid(followed[today])
    prospects = tuple(
        _prospect(case, followed[name], exact[name], checks(case, exact[name]), rate, reference, outlooks.get(name))
        for name in names
    )
    cheapest = tuple(_cheapest(prospects, i, case) for i in range(len(months)))
    _say(notes, timeline, case, exact)
    _advise(notes, months, names)
    for one in prospects:
        for check in one.checks:
            if check.status == "unknown":
                notes.warn(one.name, check.reason, grave=True)
    return Plan(
        title=case.title,
        variant=case.variant,
        currency=case.scenario.currency,
        as_of=case.store.as_of.isoformat(),
        months=timeline.months,
        volumes=tuple(Fraction(v) for v in months.volumes),
        requests_per_day=tuple(Fraction(v) / case.traffic.mean_tokens for v in months.volumes),
        prospects=prospects,
        current=today,
        cheapest=cheapest,
        changes=_changes(prospects, cheapest),
        best=_best(prospects, case),
        candidates=tuple(case.candidates),
        too_close_to_call=case.scenario.too_close_to_call,
        sure_enough=case.scenario.sure_enough,
        discount_rate=rate,
        assumptions=tuple(notes.assumptions),
        warnings=tuple(notes.warnings),
        inputs=case.inputs(),
        draws=draws if outlooks else 0,
        seed=seed,
    )


def _names(case: Case) -> list[str]:
    """The options that are compared, and what runs today."""
    today = case.scenario.current
    return list(dict.fromkeys((*case.candidates, *((today,) if today is not None else ()))))


def courses(months: Months, names: Sequence[str], *, fold: bool = False) -> dict[str, Course]:
    """These options over the months, and what runs today, which the others move from."""
    today = months.timeline.case.scenario.current
    found = {} if today is None else {today: course(months, today, fold=fold)}
    for name in names:
        if name != today:
            found[name] = course(months, name, None if today is None else found[today], fold=fold)
    return found


def check_current(case: Case) -> None:
    """What runs today needs no time to production."""
    today = case.scenario.current
    if today is None:
        return
    at = case.options[today][1]
    if at.spec.time_to_production is not None:
        message = f"`{today}` is what runs today (`current`)"
        raise Faults([at.fault(message, "time_to_production", expected="no `time_to_production`", key=True)])


def _check_sizes(case: Case, followed: Mapping[str, Course]) -> None:
    """Before anything is a float or a draw: beyond some size it would be none."""
    faults = [
        case.options[name][1].fault(f"`{name}` costs more than 10^30", expected="units that fit")
        for name, one in followed.items()
        if any(abs(v) > MOST for v in one.paid)
    ]
    if faults:
        raise Faults(faults)


# -- draws ------------------------------------------------------------------------------------------------------------


def _outlooks(timeline: Timeline, names: Sequence[str], draws: int, seed: int) -> dict[str, Outlook]:
    """Every option in draws, each array as wide as there are draws; none where nothing is a range."""
    n = Draws(draws, seed)
    months = Months(timeline, timeline.eras(), n)
    timeline.discount_rate(n)
    followed = courses(months, names, fold=True)
    if not n.drawn:  # only now: what it costs to move to an option is drawn as it is followed
        return {}
    return outlooks(months, followed, names)


def outlooks(months: Months, followed: Mapping[str, Course], names: Sequence[str]) -> dict[str, Outlook]:
    """Options that were followed in draws, as percentiles are read from them."""
    n, timeline = months.inner, months.timeline
    assert isinstance(n, Draws)
    monthly = finance.monthly_rate(np.broadcast_to(timeline.discount_rate(n), (n.count,)))
    today = timeline.case.scenario.current

    def wide(values: Array) -> Array:
        return np.broadcast_to(values, (len(values), n.count))

    found = {}
    for name in names:
        one = followed[name]
        categories: dict[str, Array] = {}
        for line in one.lines:
            if line.cost is not None:
                so_far = categories.get(line.key.category)
                categories[line.key.category] = line.cost if so_far is None else so_far + line.cost
        paid = wide(one.paid)
        repaid = None
        if today is not None and name != today:
            repaid = np.asarray(finance.payback(paid, wide(followed[today].paid)).interpolated)
        able = np.array(one.able) & (ruled_out(checks(timeline.case, months.priced[0][name])) is None)
        npv = np.asarray(finance.npv(paid, monthly))
        whole = {k: wide(v) for k, v in categories.items()}
        found[name] = Outlook(wide(one.cost), paid, whole, wide(able), npv, repaid)
    return found


# -- the point values -------------------------------------------------------------------------------------------------


def _paid(one: Course) -> Array:
    return one.paid.astype(np.float64)


def _prospect(
    case: Case,
    one: Course,
    option: Assembled,
    met: tuple[Check, ...],
    rate: Fraction,
    reference: Array | None,
    outlook: Outlook | None,
) -> Prospect:
    paid, monthly = _paid(one), finance.monthly_rate(float(rate))
    against = None if one.name == case.scenario.current else reference
    return Prospect(
        name=one.name,
        label=case.label(one.name),
        kind=case.options[one.name][1].spec.kind,
        stage=stage_of(case, option),
        checks=met,
        costs=_series((line.key, line.cost, line.inputs) for line in one.lines),
        payments=_series((line.key, line.paid, line.inputs) for line in one.lines),
        over=tuple(tuple(reason for reason, when in one.over if when[i]) for i in range(len(one.volumes))),
        replicas=_counts(one.replicas),
        gpus=_counts(one.gpus),
        posts=_counts(one.posts),
        npv=float(finance.npv(paid, monthly)),
        irr=None if against is None else _irr(against - paid),
        payback=None if against is None else _payback(paid, against),
        discounted_payback=None
        if against is None
        else _payback(finance.discounted(paid, monthly), finance.discounted(against, monthly)),
        outlook=outlook,
    )


def _irr(saved: Array) -> float | None:
    """The yearly rate of what is saved; what is got first and paid for later is no investment."""
    put_in = saved[np.nonzero(saved)[0][:1]]
    rate = finance.irr(saved)
    return None if np.isnan(rate) or not len(put_in) or put_in[0] > 0 else float(finance.yearly(rate))


def _series(lines: Iterable[tuple[Key, Array | None, tuple[Figure, ...]]]) -> tuple[Series, ...]:
    found = []
    for key, values, inputs in lines:
        if values is not None:
            exact = tuple(Fraction(v) for v in values)
            found.append(Series(key, tuple(cents(v) for v in exact), exact, inputs))
    return tuple(found)


def _counts(values: Array | None) -> tuple[Fraction, ...] | None:
    return None if values is None else tuple(Fraction(v) for v in values)


def _payback(paid: Array, reference: Array) -> Payback:
    found = finance.payback(paid, reference)
    return Payback(float(found.interpolated), float(found.month), float(found.reverses))


# -- the answer -------------------------------------------------------------------------------------------------------


def _cheapest(prospects: Sequence[Prospect], month: int, case: Case) -> str | None:
    able = [p for p in prospects if p.name in case.candidates and p.feasible(month)]
    return min(able, key=lambda p: p.monthly[month]).name if able else None


def _best(prospects: Sequence[Prospect], case: Case) -> str | None:
    able = [p for p in prospects if p.name in case.candidates and all(map(p.feasible, range(len(p.over))))]
    return min(able, key=lambda p: p.npv).name if able else None


def _changes(prospects: Sequence[Prospect], cheapest: Sequence[str | None]) -> tuple[Change, ...]:
    stages = {p.name: p.stage for p in prospects}
    found, before = [], cheapest[0]
    for i, option in enumerate(cheapest):
        if option != before:
            found.append(Change(i, before, option, None if option is None else stages[option]))
            before = option
    return tuple(found)


def _advise(notes: Notes, months: Months, names: Sequence[str]) -> None:
    """Soft limits that some month passes, such as what a provider allows a minute."""
    months.begin()
    for era, options in enumerate(months.priced):
        for part in (p for name in names for p in options[name].parts):
            for limit in part.bill.advice:
                passed = np.nonzero(months.series({era: limit.passed})[1:])[0]
                if len(passed):
                    first = months.timeline.months[passed[0]]
                    notes.warn(part.leaf, f"{limit.reason}, and the peak is above that in {first}")


def _say(notes: Notes, timeline: Timeline, case: Case, priced: Mapping[str, Assembled]) -> None:
    """What the plan takes for granted."""
    for text in case.scenario.assumptions:
        notes.assume("", text)
    spec = timeline.spec
    if case.scenario.projection is None:
        notes.assume(
            "", f"no `projection`: {len(timeline.months)} months from {timeline.start} at today's volume and prices"
        )
    elif not spec.growth and not spec.volumes:
        notes.assume("", "the volume does not grow: no `growth`")
    if not spec.discount_rate:
        notes.assume("", "later money counts as much as money today: no `discount_rate`")
    today = case.scenario.current
    if today is not None and case.options[today][1].spec.one_offs:
        notes.assume(today, "its one-offs are paid already: it is what runs today")
    if today is not None and any(p.bill.stocks for p in priced[today].parts):
        notes.warn(today, "it runs today, and the plan buys its hardware anew: `sunk: true` says that it is paid for")
    if today is None:
        for name, (_, at) in case.options.items():
            if at.spec.time_to_production is not None:
                notes.warn(name, "nothing is paid for beside it until it serves: no `current`")
