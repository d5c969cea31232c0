"""The tables of a plan, as text: terminal and Markdown show the same ones, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import isinf
from typing import NamedTuple

from tco.analysis.flows import Key
from tco.analysis.outcome import choice, serves_throughout, total_spread
from tco.analysis.plan import Plan, Prospect, Series
from tco.calendar import MONTHS_PER_YEAR, Month
from tco.report import plan_words as words
from tco.report.sheets import Column, Row, Sheet
from tco.report.words import CATEGORIES, percent, share_of_draws, spread, tokens

QUARTER = 3
NONE = Decimal("0.00")
LABEL, GAP = 24, 2
"""Characters that a line's name takes before it is folded, and those between columns."""


class Line(NamedTuple):
    """Amounts by column, 0 before the first month; of a line of the option, or of several together."""

    label: str
    amounts: Sequence[Decimal]
    whole: bool = False


class Period(NamedTuple):
    """Some months in a row of a plan, and what they are called."""

    label: str
    first: int
    """The place of the first month, from 0."""
    last: int


def step(plan: Plan) -> int:
    """Months in a period: a quarter where the plan is a year at most, else a year."""
    return QUARTER if len(plan.months) <= MONTHS_PER_YEAR else MONTHS_PER_YEAR


def periods(plan: Plan) -> list[Period]:
    """The plan in years, or in quarters, counted from its first month."""
    size, count = step(plan), len(plan.months)
    found = []
    for first in range(0, count, size):
        last = min(first + size, count) - 1
        label = _called(plan.months[first], plan.months[last], size)
        short = last - first + 1
        if short < size:
            label += f" ({short} month{'s' if short != 1 else ''})"
        found.append(Period(label, first, last))
    return found


def _called(first: Month, last: Month, size: int) -> str:
    """By the calendar where it fits, else by the last month."""
    if (first.number - 1) % size:
        return f"to {last}"
    return str(first.year) if size == MONTHS_PER_YEAR else f"{first.year} Q{(first.number - 1) // QUARTER + 1}"


def before(plan: Plan) -> str:
    """What stands for column 0."""
    return f"before {plan.months[0]}"


def sheets(plan: Plan, width: int | None = None) -> Iterator[Sheet]:
    """Every table of a plan, in the order they are read. width: characters of a line, where that is limited."""
    yield options(plan)
    yield from payback(plan)
    yield from paid(plan, width)
    yield from growth(plan, width)


def by_present_value(plan: Plan) -> list[Prospect]:
    """What can serve every month first, what pays least first."""
    return sorted(plan.prospects, key=lambda p: (not serves_throughout(p), p.npv))


def options(plan: Plan) -> Sheet:
    """What every option pays over the plan."""
    drawn = plan.draws > 0
    present = bool(plan.discount_rate)
    capital = any(s.key.capital for p in plan.prospects for s in p.payments)
    columns = (
        Column("option"),
        Column("total", number=True),
        *((Column("P10 – P90", number=True),) if drawn else ()),
        *((Column(f"NPV at {percent(plan.discount_rate)}", number=True),) if present else ()),
        *((Column("capex", number=True, rank=1), Column("opex", number=True, rank=2)) if capital else ()),
        Column("feasible"),
    )

    def cells(p: Prospect) -> tuple[str, ...]:
        return (
            p.name,
            f"{p.total:,.2f}",
            *((_spread(p),) if drawn else ()),
            *((f"{p.npv:,.2f}",) if present else ()),
            *((f"{sum(p.capex, NONE):,.2f}", f"{sum(p.opex, NONE):,.2f}") if capital else ()),
            words.feasible(plan, p),
        )

    c = choice(plan)
    best = None if c.too_close else c.option
    rows = tuple(Row(cells(p), "best" if p.name == best else "") for p in by_present_value(plan))
    notes = [(sentence, "bad") for sentence in words.reasons(plan)]
    notes += [("Less what hardware fetches when it is sold, or is worth at the end.", "dim")] if capital else []
    outside = plan.current is not None and plan.current not in plan.candidates
    notes += [(f"{plan.current} runs today and is no candidate.", "dim")] if outside else []
    return Sheet(f"Paid over {words.horizon(plan)} ({plan.currency})", columns, rows, tuple(notes))


def _spread(p: Prospect) -> str:
    found = total_spread(p)
    return words.NONE if found is None else spread(found)


def payback(plan: Plan) -> Iterator[Sheet]:
    """What every option saves against what runs today, and when it has paid back."""
    others = [p for p in by_present_value(plan) if p.payback is not None]
    if plan.current is None or not others:
        return
    drawn, discounted = plan.draws > 0, bool(plan.discount_rate)
    turns = any(p.payback is not None and not isinf(p.payback.reverses) for p in others)
    columns = (
        Column("option"),
        Column("saved", number=True),
        Column("payback", number=True),
        *((Column("reverses", number=True),) if turns else ()),
        *((Column("P10 – P90", number=True), Column("never", number=True, rank=1)) if drawn else ()),
        *((Column("discounted", number=True, rank=3),) if discounted else ()),
        Column("IRR", number=True, rank=2),
    )
    today = plan.prospect(plan.current).total

    def cells(p: Prospect) -> tuple[str, ...]:
        never = words.share_never(p)
        return (
            p.name,
            f"{today - p.total:,.2f}",
            words.payback_cell(plan, p.payback),
            *((words.reversal_cell(plan, p.payback),) if turns else ()),
            *((words.payback_spread(p), words.NONE if never is None else share_of_draws(never)) if drawn else ()),
            *((words.months_cell(p.discounted_payback),) if discounted else ()),
            words.NONE if p.irr is None else _rate(p.irr),
        )

    heading = f"Against {plan.current}, which runs today ({plan.currency}; payback in months)"
    notes = tuple((sentence, "dim") for sentence in words.borrowed(plan))
    yield Sheet(heading, columns, tuple(Row(cells(p)) for p in others), notes)


def _rate(yearly: float) -> str:
    """A rate of return a year; beyond ten times a year its figure says nothing more."""
    if yearly > 10:
        return "over 1,000 %"
    return f"-{percent(-yearly)}" if yearly < 0 else percent(yearly)


def _columns(plan: Plan, amounts: Sequence[Decimal]) -> list[Decimal]:
    """Amounts of columns 0 to T: before the first month, then by period."""
    return [amounts[0], *(sum(amounts[p.first + 1 : p.last + 2], NONE) for p in periods(plan))]


def _heads(plan: Plan, first: bool) -> list[str]:
    return [*([before(plan)] if first else []), *(p.label for p in periods(plan))]


def _period_title(plan: Plan) -> str:
    return "year" if step(plan) == MONTHS_PER_YEAR else "quarter"


def paid(plan: Plan, width: int | None = None) -> Iterator[Sheet]:
    """What every option pays in each period: a column an option, or a column a period where that is too wide."""
    by_option = {p.name: [*_columns(plan, p.paid), p.total] for p in plan.prospects}
    early = any(amounts[0] for amounts in by_option.values())
    title = _period_title(plan)
    columns = (Column(title), *(Column(name, number=True) for name in by_option))
    rows = [
        Row((head, *(f"{amounts[i if early else i + 1]:,.2f}" for amounts in by_option.values())))
        for i, head in enumerate([*_heads(plan, early), "total"])
    ]
    rows[-1] = rows[-1]._replace(style="here")
    notes: tuple[tuple[str, str], ...] = ()
    if any(s.key.capital for p in plan.prospects for s in p.payments):
        notes = (("Hardware is paid for when it is bought; `--option NAME` has it as it is written off too.", "dim"),)
    yield from _either_way(Sheet(f"Paid by {title} ({plan.currency})", columns, tuple(rows), notes), width)


def growth(plan: Plan, width: int | None = None) -> list[Sheet]:
    """Volume, cheapest option, replicas and posts: in the first month and in the last of each period."""
    places = list(dict.fromkeys([0, *(p.last for p in periods(plan))]))
    fleets = [p for p in plan.prospects if p.replicas is not None]
    people = [p for p in plan.prospects if p.posts is not None]
    columns = (
        Column("month"),
        Column("tokens/day", number=True),
        Column("cheapest"),
        *(Column(f"{p.name} replicas", number=True) for p in fleets),
        *(Column(f"{p.name} FTE", number=True) for p in people),
    )
    rows = tuple(
        Row(
            (
                str(plan.months[i]),
                tokens(plan.volumes[i]),
                plan.cheapest[i] or "none feasible",
                *(words.count(p.replicas[i]) for p in fleets if p.replicas is not None),
                *(words.count(p.posts[i]) for p in people if p.posts is not None),
            )
        )
        for i in places
    )
    notes = (("Cheapest by what the month costs, hardware as it is written off.", "dim"),)
    return _either_way(Sheet(f"By the end of each {_period_title(plan)}", columns, rows, notes), width)


def every_month(plan: Plan) -> Sheet:
    """What every option pays in each month, and what is cheapest in it."""
    columns = (
        Column("month"),
        Column("tokens/day", number=True),
        *(Column(p.name, number=True) for p in plan.prospects),
        Column("cheapest"),
    )
    rows = [Row((before(plan), words.NONE, *(f"{p.paid[0]:,.2f}" for p in plan.prospects), words.NONE))]
    rows += [
        Row(
            (
                str(month),
                tokens(plan.volumes[i]),
                *(f"{p.paid[i + 1]:,.2f}" for p in plan.prospects),
                plan.cheapest[i] or "none feasible",
            )
        )
        for i, month in enumerate(plan.months)
    ]
    rows.append(Row(("total", words.NONE, *(f"{p.total:,.2f}" for p in plan.prospects), words.NONE), "here"))
    return Sheet(f"Paid by month ({plan.currency})", columns, tuple(rows))


def _either_way(sheet: Sheet, width: int | None) -> list[Sheet]:
    """A table as it is, or with rows and columns in each other's place where that takes fewer tables."""
    return min((_parts(sheet, width), _parts(sheet.turned(), width)), key=len)


def _parts(sheet: Sheet, width: int | None) -> list[Sheet]:
    """A table, or several with some of its columns each where a line has no room for them all."""
    cells = [[column.title, *(row.cells[i] for row in sheet.rows)] for i, column in enumerate(sheet.columns)]
    first, *others = (max(map(len, texts)) for texts in cells)
    if width is None or first + sum(GAP + wide for wide in others) <= width:
        return [sheet]
    room = width - min(first, LABEL)
    groups: list[list[int]] = [[]]
    for i, wide in enumerate(others, start=1):
        if groups[-1] and sum(GAP + others[k - 1] for k in groups[-1]) + GAP + wide > room:
            groups.append([])
        groups[-1].append(i)
    if len(groups) > 1 and len(groups[-1]) == 1 < len(groups[-2]):  # no table of a total alone
        groups[-1].insert(0, groups[-2].pop())
    found: list[Sheet] = []
    for group in groups:
        columns = tuple(sheet.columns[i] for i in (0, *group))
        rows = tuple(row._replace(cells=tuple(row.cells[i] for i in (0, *group))) for row in sheet.rows)
        heading = f"{sheet.heading}, continued" if found else sheet.heading
        found.append(Sheet(heading, columns, rows, sheet.notes if group is groups[-1] else ()))
    return found


# -- one option -------------------------------------------------------------------------------------------------------


def of_option(plan: Plan, name: str, width: int | None = None) -> Iterator[Sheet]:
    """An option line by line over time: what is paid, capex and opex apart, and what it costs.

    width: characters of a line; what takes more goes on in another table.
    """
    p = plan.prospect(name)
    capital = any(s.key.capital for s in p.payments)
    sums = [Line("capex", p.capex, True), Line("opex", p.opex, True)] if capital else []
    sums.append(Line("paid", p.paid, True))
    heading = f"{name}: what is paid ({plan.currency})"
    yield from _over_time(plan, heading, [*_lines(p.payments), *sums], p.cumulative, width)
    # a month's cost has no column before the first month
    costs = [line._replace(amounts=(NONE, *line.amounts)) for line in _lines(p.costs)]
    whole = (NONE, *p.monthly)
    heading = f"{name}: what it costs, hardware as it is written off ({plan.currency})"
    yield from _over_time(plan, heading, [*costs, Line("cost", whole, True)], _running(whole), width)


def _lines(series: Sequence[Series]) -> list[Line]:
    """Lines of a view, those of a category together in the order they come first."""
    categories = list(dict.fromkeys(s.key.category for s in series))
    return [Line(_label(s.key), s.amounts) for category in categories for s in series if s.key.category == category]


def _label(key: Key) -> str:
    """A line with its category, where that is not the same word."""
    category = CATEGORIES.get(key.category, key.category)
    said = key.label if key.label.lower().startswith(category.lower()) else f"{category}: {key.label}"
    return f"{key.part}: {said}" if key.part else said


def _running(amounts: Sequence[Decimal]) -> tuple[Decimal, ...]:
    found, so_far = [], NONE
    for amount in amounts:
        so_far += amount
        found.append(so_far)
    return tuple(found)


def _over_time(
    plan: Plan, heading: str, lines: Sequence[Line], cumulative: Sequence[Decimal], width: int | None
) -> Iterator[Sheet]:
    """Lines by period, sums standing out, and what they come to so far."""
    early = any(line.amounts[0] for line in lines)
    skip = 0 if early else 1
    heads = [*_heads(plan, early), "total"]
    ends = [cumulative[0], *(cumulative[p.last + 1] for p in periods(plan))]
    table = [
        (line.label, [*_columns(plan, line.amounts)[skip:], sum(line.amounts, NONE)], line.whole) for line in lines
    ]
    table.append(("cumulative", [*ends[skip:], cumulative[-1]], True))
    columns = (Column("line"), *(Column(head, number=True) for head in heads))
    rows = (Row((label, *(f"{a:,.2f}" for a in found)), "here" if whole else "") for label, found, whole in table)
    yield from _parts(Sheet(heading, columns, tuple(rows)), width)
